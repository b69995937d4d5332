import { distributionOfWholeRow, rankOf, wholeRow, type DistributionRow, type WholeRow } from '../src/core/distribution';
import { applySampling, keptMark, samplingRules, type Sampling, type SamplingRule, type SamplingSettings } from '../src/core/sampling';
import { Vocabulary, type TokenPieces, type VocabularyData } from '../src/core/vocabulary';
import type { PanelDistribution, PanelRow, PanelWholeRow } from '../src/views/panelProtocol';

/** What the sampling settings leave of one distribution. */
export class SampledRow {
  readonly sampling: Sampling;
  readonly #afterOf = new Map<number, number>();

  constructor({ ranked }: WholeRow, settings: SamplingSettings) {
    this.sampling = applySampling(ranked, settings);
  }

  /** Probability of tokens after sampling: 0 where a rule cut them. */
  afterOf(ids: readonly number[]): ReadonlyMap<number, number> {
    const { ids: kept, probabilities } = this.sampling.kept;
    const wanted = new Set(ids);
    this.#afterOf.clear();
    for (const id of ids) this.#afterOf.set(id, 0);
    // What is shown is mostly of the first ones: the walk ends with the last of them.
    let left = ids.filter(id => this.sampling.cutBy[id] === keptMark).length;
    for (let place = 0; place < kept.length && left > 0; place++) {
      const id = kept[place] ?? -1;
      if (!wanted.has(id)) continue;
      this.#afterOf.set(id, probabilities[place] ?? 0);
      left--;
    }
    return this.#afterOf;
  }

  /** The rule that cut the token, if one did. */
  cutBy(id: number): SamplingRule | undefined {
    return samplingRules[(this.sampling.cutBy[id] ?? 0) - 1];
  }
}

/** The vocabulary with what was looked up in it, for as long as the model stays. */
export class TokenIndex {
  readonly vocabulary: Vocabulary;
  readonly #pieces = new Map<number, TokenPieces>();
  readonly #ids = new Map<string, number | undefined>();

  constructor(data: VocabularyData) {
    this.vocabulary = new Vocabulary(data);
  }

  piecesOf(id: number): TokenPieces {
    const known = this.#pieces.get(id) ?? this.vocabulary.piecesOf(id);
    this.#pieces.set(id, known);
    return known;
  }

  /** The token that is this text; undefined where none is. */
  idOf(text: string): number | undefined {
    if (this.#ids.has(text)) return this.#ids.get(text);
    const bytes = new TextEncoder().encode(text);
    const isText = (id: number) => {
      const own = this.vocabulary.bytesOf(id);
      return own.length === bytes.length && own.every((byte, index) => byte === bytes[index]);
    };
    let found: number | undefined;
    for (let id = 0; id < this.vocabulary.size && found === undefined && bytes.length > 0; id++) {
      if (isText(id) && this.vocabulary.controlNameOf(id) === undefined) found = id;
    }
    this.#ids.set(text, found);
    return found;
  }
}

/** The whole row of the place that is shown, and what can be told from it without asking the model again. */
export class KnownRow {
  readonly place: number;
  readonly whole: WholeRow;
  readonly #tokens: TokenIndex;

  constructor({ place, typedBytes }: PanelWholeRow, logProbabilities: Float32Array, tokens: TokenIndex) {
    this.place = place;
    this.whole = wholeRow(logProbabilities, typedBytes && { bytes: typedBytes, vocabulary: tokens.vocabulary });
    this.#tokens = tokens;
  }

  /**
   * The state with so many rows of the most probable tokens. The actual token keeps the state's own numbers, which are the score's; `plain`: it has
   * the row's, as all others have, and what is typed makes no difference.
   */
  shown(state: PanelDistribution, count: number, plain: boolean): PanelDistribution {
    const whole = plain ? { ...this.whole, typed: undefined } : this.whole;
    const found = distributionOfWholeRow(whole, count, state.actual?.id);
    const rowOf = (row: DistributionRow): PanelRow => ({ ...row, token: this.#tokens.piecesOf(row.id) });
    const rows = found.rows.map(rowOf);
    if (!state.actual || !found.actual) return { ...state, ...found, rows, actual: undefined };
    const { position, afterGap } = found.actual;
    const own = plain ? { ...found.actual, token: state.actual.token } : { ...state.actual, position, afterGap };
    const everythingElse = Math.max(0, 1 - rows.reduce((sum, row) => sum + row.probability, own.probability));
    return { ...state, ...found, rows, actual: own, everythingElse };
  }

  /** The text as one token: its probability, 0 to 1, and rank. Undefined where it is none. */
  tokenOf(text: string): { readonly probability: number; readonly rank: number } | undefined {
    const id = this.#tokens.idOf(text);
    if (id === undefined) return undefined;
    return { probability: Math.exp(this.whole.logProbabilities[id] ?? -Infinity), rank: rankOf(this.whole, id) };
  }
}
