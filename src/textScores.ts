import type { Config } from './config';
import { provenanceOf } from './core/report';
import type { Provenance } from './core/scores';
import type { Vocabulary } from './core/vocabulary';
import { windowInForce } from './core/window';
import type { LensModel } from './lensModel';
import { ModelError } from './model/errors';
import type { PassageScore, ScoringSettings, TryResult } from './model/protocol';

/** A token of a text that is in no document: plain JSON. */
export interface TextToken {
  readonly id: number;
  /** Null for a control token, or where it is not whole characters. */
  readonly text: string | null;
  /** UTF-16 offsets in the text; below 0 where it begins in what stands before, beyond the end where it goes on in what follows. */
  readonly start: number;
  readonly end: number;
  /** These are null where nothing stands before the token. */
  readonly surprisalBits: number | null;
  readonly entropyBits: number | null;
  readonly rank: number | null;
  /** Tokens before it that the model saw. */
  readonly contextTokens: number;
  /** Most probable first, as many as the setting `tokenLens.alternatives` says. */
  readonly alternatives: readonly TextAlternative[];
}
export interface TextAlternative {
  readonly id: number;
  readonly text: string | null;
  readonly probability: number;
}

/** What a model says of a text in its place: plain JSON. */
export interface TextScores {
  /** Whose view it is; its `documentVersion` is 0. */
  readonly provenance: Provenance;
  /** All that have something of the text. */
  readonly tokens: readonly TextToken[];
  /** Of those that have a score; the mean is null where none has. */
  readonly totalBits: number;
  readonly bitsPerToken: number | null;
  /** What the text changes of the bits of what follows it, summed over the tokens that are the same with the text and without; null without a suffix. */
  readonly suffix: { readonly tokens: number; readonly bitsWithoutText: number; readonly bitsWithText: number } | null;
}

/** Of text and suffix together, UTF-16 units: some 15,000 tokens, half a minute. */
const mostScoredUnits = 50_000;
/** A process that dies is started anew so often. */
const mostAttempts = 2;

/** Scores texts that stand in no document. */
export class TextScorer {
  readonly #config: Config;
  readonly #model: LensModel;
  #asked = 0;

  constructor(config: Config, model: LensModel) {
    this.#config = config;
    this.#model = model;
  }

  /**
   * The numbers that a document of `prefix`, `text` and `suffix` one after the other gets, for the tokens of `text`. Rejects with an Error whose
   * message says what to do.
   */
  async score(prefix: string, text: string, suffix: string | undefined, signal: AbortSignal): Promise<TextScores> {
    this.#refuseWrong(prefix, text, suffix);
    const settings: ScoringSettings = { ...this.#config.scoringSettings, watchWords: [] };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#score(prefix, text, suffix, settings, signal);
      } catch (error) {
        if (attempt === mostAttempts || signal.aborted || ModelError.from(error).code !== 'exited') throw error;
      }
    }
  }

  async #score(
    prefix: string,
    text: string,
    suffix: string | undefined,
    settings: ScoringSettings,
    signal: AbortSignal,
  ): Promise<TextScores> {
    const { client, description, vocabulary } = await this.#model.ready(signal);
    const model = description.key;
    const document = `text ${String(++this.#asked)}`; // the names of documents are addresses, which have no spaces
    const edit = { start: prefix.length, end: prefix.length, text };
    const params = { model, document, version: 1, settings, edit, followingTokens: Infinity, topCount: settings.topCount, wholeEdit: true };
    const never = new AbortController().signal;
    let result: TryResult;
    try {
      // Calls arrive in the order they are made.
      const opened = client.call('open', { model, document, version: 1, text: prefix + (suffix ?? '') }, never);
      [result] = await Promise.all([client.call('try', params, signal), opened]);
    } finally {
      void client.call('close', { model, document }, never).catch(() => undefined); // it may have ended, and the text with it
    }
    const startTokenId = settings.useStartToken ? description.startTokenId : null;
    const window = windowInForce(settings, description.positions, startTokenId === null ? 0 : 1);
    const provenance = provenanceOf(description, model.arithmetic, window, startTokenId, 0);
    return textScores(result, { start: prefix.length, end: prefix.length + text.length }, suffix !== undefined, vocabulary, provenance);
  }

  /** The arguments come from other extensions, whatever their types say. */
  #refuseWrong(prefix: unknown, text: unknown, suffix: unknown): void {
    if (typeof prefix !== 'string' || typeof text !== 'string' || (suffix !== undefined && typeof suffix !== 'string'))
      throw new ModelError(
        'bad-argument',
        'scoreText takes strings: what stands before the text, the text, and what follows it, if anything.',
      );
    const scored = text.length + (suffix?.length ?? 0);
    if (scored > mostScoredUnits) {
      throw new ModelError(
        'bad-argument',
        `Text and suffix have ${String(scored)} characters, more than the ${String(mostScoredUnits)} that are scored in one call: ` +
          'score the text in parts, each with what stands before it as its prefix, or leave out the end of the suffix.',
      );
    }
    const bytes = Buffer.byteLength(prefix) + Buffer.byteLength(text) + Buffer.byteLength(suffix ?? '');
    const limitBytes = this.#config.largestDocumentBytes;
    if (bytes > limitBytes) {
      throw new ModelError(
        'bad-argument',
        `Prefix, text and suffix have ${String(bytes)} bytes, more than the limit of ${String(limitBytes)} (tokenLens.largestDocumentBytes): ` +
          'leave out the beginning of the prefix.',
      );
    }
  }
}

function textScores(
  { before, after }: TryResult,
  { start, end }: { readonly start: number; readonly end: number },
  hasSuffix: boolean,
  vocabulary: Vocabulary,
  provenance: Provenance,
): TextScores {
  const tokens = passageTokens(after, vocabulary, start).filter(token => token.end > 0 && token.start < end - start);
  const scored = tokens.flatMap(({ surprisalBits }) => (surprisalBits === null ? [] : [surprisalBits]));
  const totalBits = scored.reduce((sum, bits) => sum + bits, 0);
  const following = ({ surprisalBits, replacedTokens }: PassageScore) =>
    surprisalBits.subarray(replacedTokens).reduce((sum, bits) => sum + (Number.isNaN(bits) ? 0 : bits), 0);
  return {
    provenance,
    tokens,
    totalBits,
    bitsPerToken: scored.length === 0 ? null : totalBits / scored.length,
    suffix: hasSuffix
      ? { tokens: after.ids.length - after.replacedTokens, bitsWithoutText: following(before), bitsWithText: following(after) }
      : null,
  };
}

/** Rows of a passage as plain JSON: no NaN, nulls where there is no score. `origin`: where offsets are counted from. */
export function passageTokens(passage: PassageScore, vocabulary: Vocabulary, origin: number): TextToken[] {
  const { ids, starts, ends, surprisalBits, entropyBits, ranks, contextTokens, topCount, topIds, topLogProbabilities } = passage;
  return Array.from(ids, (id, row) => {
    const bits = surprisalBits[row] ?? NaN;
    const isScored = !Number.isNaN(bits);
    const tops = [...topIds.subarray(row * topCount, (row + 1) * topCount)];
    return {
      id,
      text: vocabulary.textOf(id) ?? null,
      start: (starts[row] ?? 0) - origin,
      end: (ends[row] ?? 0) - origin,
      surprisalBits: isScored ? bits : null,
      entropyBits: isScored ? (entropyBits[row] ?? 0) : null,
      rank: isScored ? (ranks[row] ?? 0) : null,
      contextTokens: contextTokens[row] ?? 0,
      alternatives: tops.flatMap((top, place): TextAlternative[] =>
        top < 0
          ? []
          : [
              {
                id: top,
                text: vocabulary.textOf(top) ?? null,
                probability: Math.exp(topLogProbabilities[row * topCount + place] ?? -Infinity),
              },
            ],
      ),
    };
  });
}
