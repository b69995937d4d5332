import { entropyBitsOf, klBitsOf, topIds } from '../core/reduce';
import type { ScoreTable } from '../core/scores';
import { Vocabulary } from '../core/vocabulary';
import { windowHolding, windowsOf } from '../core/window';
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
import { ModelError } from './errors';
import { scoreRows } from './passages';
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
}

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
  const predictions: ChangedPrediction[] = [];
  for (const length of answered) {
    const isWhole = length === row - contextFirst;
    const seen = isWhole ? whole : await engine.distributionAfter([...prefixIds, ...text.ids.subarray(row - length, row)], signal, false);
    predictions.push(changedPrediction(whole, seen, params));
  }
  return { contextFirst, whole: prediction(whole, params), lengths: Int32Array.from(answered), predictions };
}

export async function without({ scoring, text }: TextContext, params: WithoutParams): Promise<WithoutResult> {
  const { engine, prefixIds, signal } = scoring;
  const contextFirst = targetWindow(scoring, text, params);
  const { row, source, filler } = params;
  refuseRows(source, contextFirst, row, 'What is left out lies outside of what the prediction is made from.');
  const before = engine.tokensRun;
  const whole = await engine.distributionAfter([...prefixIds, ...text.ids.subarray(contextFirst, row)], signal);
  const fillings = await fillingsOf(scoring, text, contextFirst, source, filler);
  const [filling] = fillings;
  const inputs = [
    ...prefixIds,
    ...text.ids.subarray(contextFirst, source.first),
    ...(filling?.ids ?? []),
    ...text.ids.subarray(source.end, row),
  ];
  if (inputs.length === 0) throw new ModelError('bad-argument', 'Without these tokens nothing is left to predict from.');
  const changed = await engine.distributionAfter(inputs, signal, false);
  return {
    contextFirst,
    whole: prediction(whole, params),
    without: changedPrediction(whole, changed, params),
    tokensRun: engine.tokensRun - before,
  };
}

export async function effects({ scoring, text, known }: TextContext, params: EffectsParams): Promise<EffectsResult> {
  const { engine, prefixIds, settings, signal } = scoring;
  const { source, filler, until } = params;
  refuseRows(source, 0, text.length, 'What is left out lies outside of the text.');
  if (!isCount(until)) throw new ModelError('bad-argument', 'Rows are counted with whole numbers.');
  const first = source.end;
  const window = windowHolding(windowsOf(text, settings), first);
  if (window && source.first < window.start)
    throw new ModelError('bad-argument', 'What is left out begins before the window of what follows it.');
  const end = Math.max(first, Math.min(until, window?.end ?? first));
  const before = engine.tokensRun;
  const { surprisalBits } = await scoreRows(scoring, text, first, end, known);
  const withoutBits = new Float64Array(end - first).fill(NaN);
  if (window && end > first) {
    const [filling] = await fillingsOf(scoring, text, window.start, source, filler);
    const ids = Int32Array.from([...text.ids.subarray(0, source.first), ...(filling?.ids ?? []), ...text.ids.subarray(source.end, end)]);
    const moved = ids.length - end;
    const queued = { window: { ...window, end: end + moved }, first: first + moved, end: end + moved, isNear: false };
    await engine.score(prefixIds, ids, queued, { topCount: 1, sets: noSets }, signal, always, rows => {
      withoutBits.set(rows.surprisalBits, rows.first - moved - first);
    });
  }
  return { first, end, surprisalBits, withoutBits, tokensRun: engine.tokensRun - before };
}

export function contextNeeds(_context: TextContext, _params: ContextNeedsParams): Promise<ContextNeedsResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
export function shortContext(_context: TextContext, _params: ShortContextParams): Promise<ShortContextResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}

/** What stands in for a source, and how much it counts; weights sum to 1. */
interface Filling {
  readonly ids: readonly number[];
  readonly weight: number;
}

function fillingsOf(
  { engine }: Scoring,
  _text: IdText,
  _contextFirst: number,
  { first, end }: Rows,
  filler: Filler,
): Promise<readonly Filling[]> {
  switch (filler) {
    case 'deletion':
      return Promise.resolve([{ ids: [], weight: 1 }]);
    case 'startToken': {
      const { startTokenId } = engine.facts;
      if (startTokenId === null) throw new ModelError('bad-argument', 'The model has no start token that could stand in for others.');
      return Promise.resolve([{ ids: Array.from({ length: end - first }, () => startTokenId), weight: 1 }]);
    }
    case 'proposals':
      throw new ModelError('internal', 'to be written');
  }
}

/** The first row of the window of the target, about which the question makes sense. */
function targetWindow({ engine, prefixIds, settings }: Scoring, text: IdText, { row, ids, topCount }: TargetParams): number {
  if (!isCount(row) || row > text.length) throw new ModelError('bad-argument', 'The row lies outside of the text.');
  if (!isCount(topCount)) throw new ModelError('bad-argument', 'Alternatives are counted with whole numbers.');
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
