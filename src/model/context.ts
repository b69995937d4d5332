import { newRows } from '../core/scoreTable';
import { entropyBitsOf, klBitsOf, topIds } from '../core/reduce';
import type { ScoreTable, WindowSettings } from '../core/scores';
import { Vocabulary } from '../core/vocabulary';
import { windowHolding, windowsOf } from '../core/window';
import type { Window } from '../core/window';
import { longestShortContext } from './contextProtocol';
import type {
  ChangedPrediction,
  ContextLengthsParams,
  ContextLengthsResult,
  ContextNeedsParams,
  ContextNeedsResult,
  EffectsParams,
  EffectsResult,
  Filler,
  Prediction,
  Rows,
  ShortContextParams,
  ShortContextResult,
  TargetParams,
  WithoutParams,
  WithoutResult,
} from './contextProtocol';
import type { Engine, TextRow } from './engine';
import { ModelError } from './errors';
import { continuationsOf, mostCopiedBytes } from './futures';
import { copyRows, scoreRows, startOfWindowWith } from './passages';
import type { Scoring } from './passages';
import { noSets } from './tokenSets';
import type { IdText } from './tokens';
import { windowStart } from './words';

/** The text that a question about the context is asked of, and who answers. */
export interface TextContext {
  readonly scoring: Scoring;
  readonly text: IdText;
  /** A table of this very text, if there is one. */
  readonly known: ScoreTable | undefined;
  /** Who writes what may stand in for others: decoding in float32 takes far longer, and a draft needs no exactness. */
  readonly drafting: Engine;
}

/** A drafted stand-in goes on from at most so many tokens, so that the copies of their cache stay small. */
const draftedFromTokens = 256;
const proposalCount = 4;
const proposalSeed = 8;

/** Errors: 'bad-argument', with what is wrong; 'cancelled' between two calls of the model. So have all here. */
export async function contextLengths({ scoring, text }: TextContext, params: ContextLengthsParams): Promise<ContextLengthsResult> {
  const { engine, prefixIds, signal } = scoring;
  const contextFirst = targetWindow(scoring, text, params);
  const { row, lengths } = params;
  const isAscending = lengths.every((length, index) => index === 0 || length > (lengths[index - 1] ?? 0));
  if (!isAscending || !lengths.every(isCount))
    throw new ModelError('bad-argument', 'Context lengths are whole numbers, each larger than the one before it.');
  const answered = lengths.filter(length => length <= row - contextFirst && prefixIds.length + length > 0);
  const whole = await engine.distributionAfter([...prefixIds, ...text.ids.subarray(contextFirst, row)], signal);
  const shorter = answered
    .filter(length => length < row - contextFirst)
    .map(length => [...prefixIds, ...text.ids.subarray(row - length, row)]);
  const seen = await engine.distributionsAfter(shorter, signal);
  const predictions = answered.map((_, index) => changedPrediction(whole, seen[index] ?? whole, params));
  const keepsContext = engine.canKeep(prefixIds.length + row - contextFirst);
  return { contextFirst, keepsContext, whole: prediction(whole, params), lengths: Int32Array.from(answered), predictions };
}

/**
 * One text after the other, each from the kept cache of what stands before its source. Four at once without a cache took 0.90 of the time of four runs at 64
 * tokens, 1.01 at 256 and 1.06 at 875 (bundled model, two cores), and the runtime takes no more than one token a text with a cache.
 */
export async function without(context: TextContext, params: WithoutParams): Promise<WithoutResult> {
  const { scoring, text } = context;
  const { engine, prefixIds, signal } = scoring;
  const contextFirst = targetWindow(scoring, text, params);
  const { row, source, filler } = params;
  refuseRows(source, contextFirst, row, 'What is left out lies outside of what the prediction is made from.');
  const tokensBefore = tokensRun(context);
  const whole = await engine.distributionAfter([...prefixIds, ...text.ids.subarray(contextFirst, row)], signal);
  const mixed = new Mixture(whole.length);
  for (const { ids, weight } of await fillingsOf(context, contextFirst, source, filler)) {
    const inputs = [...prefixIds, ...text.ids.subarray(contextFirst, source.first), ...ids, ...text.ids.subarray(source.end, row)];
    if (inputs.length === 0) throw new ModelError('bad-argument', 'Without these tokens nothing is left to predict from.');
    mixed.add(await engine.distributionAfter(inputs, signal, false), weight);
  }
  return {
    contextFirst,
    whole: prediction(whole, params),
    without: changedPrediction(whole, mixed.logProbabilities, params),
    tokensRun: tokensRun(context) - tokensBefore,
  };
}

export async function effects(context: TextContext, params: EffectsParams): Promise<EffectsResult> {
  const { scoring, text, known } = context;
  const { engine, prefixIds, settings, signal } = scoring;
  const { source, filler, until } = params;
  refuseRows(source, 0, text.length, 'What is left out lies outside of the text.');
  if (!isCount(until)) throw new ModelError('bad-argument', 'Rows are counted with whole numbers.');
  const first = source.end;
  const ofText = windowHolding(windowsOf(text, settings), first);
  const isHeld = !ofText || source.first >= ofText.start;
  const window = isHeld ? ofText : windowOfItsOwn(text, source, settings);
  const end = Math.max(first, Math.min(until, window?.end ?? first));
  const tokensBefore = tokensRun(context);
  const { surprisalBits } = await scoreRows(scoring, text, first, end, known, 0, isHeld ? undefined : window?.start);
  const probabilities = new Float64Array(end - first);
  if (window && end > first) {
    for (const { ids: filling, weight } of await fillingsOf(context, window.start, source, filler)) {
      const ids = Int32Array.from([...text.ids.subarray(0, source.first), ...filling, ...text.ids.subarray(source.end, end)]);
      const moved = ids.length - end;
      const queued = { window: { ...window, end: end + moved }, first: first + moved, end: end + moved, isNear: false };
      await engine.score(prefixIds, ids, queued, { topCount: 1, sets: noSets }, signal, always, rows => {
        for (const [index, bits] of rows.surprisalBits.entries()) {
          const place = rows.first + index - moved - first;
          probabilities[place] = (probabilities[place] ?? 0) + weight * 2 ** -bits; // NaN where nothing is left before it
        }
      });
    }
  }
  const withoutBits = probabilities.map(probability => -Math.log2(probability));
  return { first, end, surprisalBits, withoutBits, tokensRun: tokensRun(context) - tokensBefore };
}

/** That holds a source, with what it has room for before and after it. */
function windowOfItsOwn({ length }: IdText, source: Rows, { contextTokens }: WindowSettings): Window {
  const start = startOfWindowWith(source.first, source.end - source.first, contextTokens);
  return { start, scoreFrom: source.end, end: Math.min(length, start + contextTokens) };
}

export async function contextNeeds(context: TextContext, params: ContextNeedsParams): Promise<ContextNeedsResult> {
  const { scoring, text, known } = context;
  const { engine, prefixIds, settings, signal } = scoring;
  const { first, end, mostTokens, topCount } = params;
  refuseRows(params, 0, text.length, 'The rows lie outside of the text.');
  refuseLength(mostTokens);
  refuseTopCount(topCount);
  const tokensBefore = tokensRun(context);
  const whole = await scoreRows(scoring, text, first, end, known, topCount);
  const windows = windowsOf(text, settings);
  const windowStarts = Array.from({ length: end - first }, (_, index) => windowHolding(windows, first + index)?.start ?? 0);
  // A run of the tokens from `start` on says what follows 0, 1, 2 ... tokens of context, of one row each.
  const texts: (readonly number[])[] = [];
  const rows: (TextRow & { readonly place: number })[] = [];
  for (let start = Math.max(0, first - mostTokens); start < end; start++) {
    const last = Math.min(end - 1, start + mostTokens);
    const ofRun: Omit<(typeof rows)[number], 'text'>[] = [];
    for (let row = Math.max(first, start); row <= last; row++) {
      const input = prefixIds.length + row - start - 1;
      const isHeld = start >= (windowStarts[row - first] ?? 0);
      if (input < 0 || !isHeld) continue;
      ofRun.push({ input, label: text.ids[row] ?? 0, place: (row - first) * (mostTokens + 1) + row - start });
    }
    if (ofRun.length === 0) continue;
    // Without any context all rows are read from the same.
    if (mostTokens > 0 || texts.length === 0) texts.push([...prefixIds, ...text.ids.subarray(start, last)]);
    rows.push(...ofRun.map(row => ({ ...row, text: texts.length - 1 })));
  }
  const surprisalBits = new Float32Array((end - first) * (mostTokens + 1)).fill(NaN);
  await engine.readTexts(texts, rows, 1, signal, (firstRow, found) => {
    for (const [index, bits] of found.surprisalBits.entries()) surprisalBits[rows[firstRow + index]?.place ?? NaN] = bits;
  });
  return { surprisalBits, whole, tokensRun: tokensRun(context) - tokensBefore };
}

export async function shortContext(context: TextContext, params: ShortContextParams): Promise<ShortContextResult> {
  const { scoring, text } = context;
  const { engine, prefixIds, signal } = scoring;
  const { first, end, contextTokens, topCount } = params;
  refuseRows(params, 0, text.length, 'The rows lie outside of the text.');
  refuseLength(contextTokens);
  refuseTopCount(topCount);
  const tokensBefore = tokensRun(context);
  const found = newRows(first, end - first, { topCount, watchCount: 0 });
  const texts: (readonly number[])[] = [];
  const rows: (TextRow & { readonly row: number })[] = [];
  for (let row = first; row < end; row++) {
    const seen = Math.min(contextTokens, row);
    found.contextTokens[row - first] = seen;
    const input = prefixIds.length + seen - 1;
    if (input < 0) continue;
    // Without any context all rows are read from the same.
    if (seen > 0 || texts.length === 0) texts.push([...prefixIds, ...text.ids.subarray(row - seen, row)]);
    rows.push({ text: texts.length - 1, input, label: text.ids[row] ?? 0, row });
  }
  const asked = Math.max(1, topCount); // none is no number that the runtime takes
  await engine.readTexts(texts, rows, asked, signal, (firstRow, given) => {
    const contexts = Int32Array.from(
      { length: given.count },
      (_, index) => found.contextTokens[(rows[firstRow + index]?.row ?? 0) - first] ?? 0,
    );
    copyRows(found, topCount, rows[firstRow]?.row ?? first, { ...given, contextTokens: contexts }, asked, 0, given.count);
  });
  const { surprisalBits, entropyBits, ranks, contextTokens: contexts, topIds: ids, topLogProbabilities } = found;
  const columns = { surprisalBits, entropyBits, ranks, contextTokens: contexts, topCount, topIds: ids, topLogProbabilities };
  return { ...columns, tokensRun: tokensRun(context) - tokensBefore };
}

/** What stands in for a source, and how much it counts; weights sum to 1. */
interface Filling {
  readonly ids: readonly number[];
  readonly weight: number;
}

async function fillingsOf(context: TextContext, contextFirst: number, source: Rows, filler: Filler): Promise<readonly Filling[]> {
  const { startTokenId } = context.scoring.engine.facts;
  switch (filler) {
    case 'deletion':
      return [{ ids: [], weight: 1 }];
    case 'startToken':
      if (startTokenId === null) throw new ModelError('bad-argument', 'The model has no start token that could stand in for others.');
      return [{ ids: Array.from({ length: source.end - source.first }, () => startTokenId), weight: 1 }];
    case 'proposals':
      return proposals(context, contextFirst, source);
    default:
      throw new ModelError('bad-argument', 'There is no such way to leave tokens out.');
  }
}

/** See `Filler`. */
async function proposals(
  { scoring, text, drafting }: TextContext,
  contextFirst: number,
  { first, end }: Rows,
): Promise<readonly Filling[]> {
  const { engine, prefixIds, signal } = scoring;
  if (prefixIds.length + first - contextFirst === 0)
    throw new ModelError(
      'bad-argument',
      'There is nothing before these tokens, and no start token: the model has nothing to propose from.',
    );
  const actual = [...text.ids.subarray(first, end)];
  if (actual.length === 1) {
    const likeliest = await engine.distributionAfter([...prefixIds, ...text.ids.subarray(contextFirst, first)], signal, false);
    const ids = likeliestOthers(engine, likeliest, actual[0]).slice(0, proposalCount);
    const probabilities = ids.map(id => Math.exp((likeliest[id] ?? NaN) - (likeliest[ids[0] ?? 0] ?? NaN)));
    const sum = probabilities.reduce((total, probability) => total + probability, 0);
    return ids.map((id, index) => ({ ids: [id], weight: (probabilities[index] ?? 0) / sum }));
  }
  const inputs = [...prefixIds, ...text.ids.subarray(Math.max(contextFirst, first - draftedFromTokens), first)];
  // Nothing is taken from kept caches: the draws would now and then be others.
  const limits = { reuses: false, mostBytes: mostCopiedBytes };
  const drafts = async (from: number, forced: readonly number[]) => {
    const wanted = {
      first: from,
      count: proposalCount,
      mostTokens: actual.length,
      sampling: {},
      seed: proposalSeed,
      forced,
      endless: true,
    };
    const drawn = await continuationsOf(drafting, inputs, wanted, limits, signal);
    return drawn.map(({ ids }) => [...ids]).filter(ids => ids.some((id, index) => id !== actual[index]));
  };
  let found = await drafts(0, []);
  if (found.length < proposalCount) found = [...found, ...(await drafts(proposalCount, []))].slice(0, proposalCount);
  if (found.length === 0) {
    // The model would write just this: what it would write if not.
    const [other = 0] = likeliestOthers(drafting, await drafting.distributionAfter(inputs, signal, false), actual[0]);
    found = await drafts(0, [other]);
  }
  return found.map(ids => ({ ids, weight: 1 / found.length }));
}

/** Tokens of text, some more than are ever needed, without this one. */
function likeliestOthers({ facts }: Engine, logProbabilities: Float32Array, actual: number | undefined): number[] {
  const { controlNames } = facts.tokenizer.vocabulary;
  const controls = Object.keys(controlNames).length;
  return topIds(logProbabilities, controls + proposalCount + 1).filter(id => id !== actual && controlNames[id] === undefined);
}

/** Distributions averaged by weights that sum to 1. */
class Mixture {
  readonly #probabilities: Float64Array;
  #only: Float32Array | undefined;
  #count = 0;

  constructor(size: number) {
    this.#probabilities = new Float64Array(size);
  }

  add(logProbabilities: Float32Array, weight: number): void {
    this.#only = this.#count++ === 0 ? logProbabilities : undefined;
    for (const [id, value] of logProbabilities.entries())
      this.#probabilities[id] = (this.#probabilities[id] ?? 0) + weight * Math.exp(value);
  }

  /** Natural. */
  get logProbabilities(): Float32Array {
    return this.#only ?? Float32Array.from(this.#probabilities, Math.log); // of one, not even rounded
  }
}

function tokensRun({ scoring: { engine }, drafting }: TextContext): number {
  return engine.tokensRun + (drafting === engine ? 0 : drafting.tokensRun);
}

/** The first row of the window of the target, about which the question makes sense. */
function targetWindow({ engine, prefixIds, settings }: Scoring, text: IdText, { row, ids, topCount }: TargetParams): number {
  if (!isCount(row) || row > text.length) throw new ModelError('bad-argument', 'The row lies outside of the text.');
  refuseTopCount(topCount);
  const { size } = new Vocabulary(engine.facts.tokenizer.vocabulary);
  if (!ids.every(id => isCount(id) && id < size))
    throw new ModelError('bad-argument', 'An id that is asked for is none of the vocabulary.');
  const contextFirst = windowStart(text, row, settings);
  if (prefixIds.length + row - contextFirst === 0)
    throw new ModelError('bad-argument', 'There is nothing before this row, and no start token: the model has nothing to predict from.');
  return contextFirst;
}

function refuseRows({ first, end }: Rows, from: number, to: number, what: string): void {
  if (![first, end].every(isCount) || first >= end)
    throw new ModelError('bad-argument', 'Rows are given by whole numbers, at least one row.');
  if (first < from || end > to) throw new ModelError('bad-argument', what);
}

function refuseLength(tokens: number): void {
  if (!isCount(tokens) || tokens > longestShortContext)
    throw new ModelError('bad-argument', `A short context has a whole number of tokens, at most ${String(longestShortContext)}.`);
}

function refuseTopCount(topCount: number): void {
  if (!isCount(topCount)) throw new ModelError('bad-argument', 'Alternatives are counted with whole numbers.');
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function prediction(logProbabilities: Float32Array, { ids, topCount }: TargetParams): Prediction {
  const top = topIds(logProbabilities, topCount);
  return {
    surprisalBits: Float64Array.from(ids, id => -(logProbabilities[id] ?? NaN) / Math.LN2),
    entropyBits: entropyBitsOf(logProbabilities),
    topIds: Int32Array.from(top),
    topLogProbabilities: Float32Array.from(top, id => logProbabilities[id] ?? NaN),
  };
}

function changedPrediction(whole: Float32Array, changed: Float32Array, params: TargetParams): ChangedPrediction {
  return { ...prediction(changed, params), klBits: klBitsOf(whole, changed) };
}

function always(): boolean {
  return true;
}
