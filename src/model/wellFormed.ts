/**
 * Whether what the model process says has the shape that the rest of the program builds on. It is our own process, but a native library runs in it: memory
 * that it has spoiled must not become colours.
 */
import type { Continuation } from '../core/futures';
import type { ModelKey, NoiseFloor, UsualLevels, WindowSettings } from '../core/scores';
import { isArray, isCount, isFlag, isOneOf, isText, listOf, orNull, orUndefined, recordOf } from '../core/shape';
import type { Shape } from '../core/shape';
import { isVocabularyData } from '../core/vocabulary';
import type {
  ChangedPrediction,
  ContextLengthsResult,
  ContextNeedsResult,
  EffectsResult,
  Prediction,
  ShortContextResult,
  TargetParams,
  WithoutResult,
  LayoutResult,
} from './contextProtocol';
import type { AttentionResult, LayersResult, SwitchOffResult } from './probeProtocol';
import type {
  ChainResult,
  DraftResult,
  FuturesResult,
  Measurements,
  Method,
  ModelDescription,
  ModelEvent,
  NextResult,
  Params,
  PassageScore,
  PreambleResult,
  Result,
  ScoreResult,
  SelfCheck,
  TryResult,
  WordAlternative,
  WordsResult,
} from './protocol';

type Fields = Readonly<Record<string, unknown>>;

export function isModelEvent(value: unknown): value is ModelEvent {
  const { kind, document, tableId, rows } = fieldsOf(value);
  if (typeof document !== 'string' || !isCount(tableId)) return false;
  return kind === 'layout' ? isLayout(value) : kind === 'rows' && isRows(rows);
}

/** Whether a result can be one of this question: every part of its kind, and all lengths go together and with what was asked. */
export function isResultOf<M extends Method>(method: M, value: unknown, params: Params<M>): value is Result<M> {
  const { shape, fits }: ResultForm<M> = results[method];
  return shape(value) && (fits === undefined || fits(value, params));
}

interface ResultForm<M extends Method> {
  readonly shape: Shape<Result<M>>;
  readonly fits?: (result: Result<M>, params: Params<M>) => boolean;
}

const isNull = (value: unknown): value is null => value === null;
/** NaN and the infinities mean something here: no number, and probability 0. */
const isFloat = (value: unknown): value is number => typeof value === 'number';
const ints = isArray('Int32Array');
const offsets = isArray('Uint32Array');
const floats = isArray('Float32Array');
const doubles = isArray('Float64Array');

const isWindow = recordOf<WindowSettings>({ contextTokens: isCount, overlapTokens: isCount, anchors: isOneOf('grid', 'text') });

const predictionFields = { surprisalBits: doubles, entropyBits: isFloat, topIds: ints, topLogProbabilities: floats };
const isPrediction = recordOf<Prediction>(predictionFields);
const isChangedPrediction = recordOf<ChangedPrediction>({ ...predictionFields, klBits: isFloat });
const fitsTarget = ({ surprisalBits, topIds, topLogProbabilities }: Prediction, { ids }: TargetParams) =>
  surprisalBits.length === ids.length && topIds.length === topLogProbabilities.length;

const passageFields = {
  surprisalBits: doubles,
  entropyBits: doubles,
  ranks: ints,
  contextTokens: ints,
  topCount: isCount,
  topIds: ints,
  topLogProbabilities: floats,
};
type PassageColumns = Omit<PassageScore, 'ids' | 'starts' | 'ends' | 'replacedTokens'>;
const isPassageRows = recordOf<PassageColumns>(passageFields);
const isPassage = recordOf<PassageScore>({ ...passageFields, ids: ints, starts: offsets, ends: offsets, replacedTokens: isCount });
const fitsRows = (passage: PassageColumns, rows: number) =>
  [passage.surprisalBits, passage.entropyBits, passage.ranks, passage.contextTokens].every(({ length }) => length === rows) &&
  [passage.topIds, passage.topLogProbabilities].every(({ length }) => length === rows * passage.topCount);
const fitsPassage = (passage: PassageScore) => {
  const { length } = passage.ids;
  return (
    [passage.starts, passage.ends].every(column => column.length === length) &&
    passage.replacedTokens <= length &&
    fitsRows(passage, length)
  );
};

const isContinuation = recordOf<Continuation>({
  ids: ints,
  logProbabilities: doubles,
  sampledLogProbabilities: doubles,
  ended: isOneOf('length', 'control'),
});

const results: { readonly [M in Method]: ResultForm<M> } = {
  load: {
    shape: recordOf<ModelDescription>({
      key: recordOf<ModelKey>({ folder: isText, contentHash: isText, dtype: isText, arithmetic: isOneOf('native', 'float32') }),
      name: isText,
      positions: isCount,
      startTokenId: orNull(isCount),
      vocabulary: isVocabularyData,
      selfCheck: recordOf<SelfCheck>({
        bitsPerByte: isFloat,
        plausible: isFlag,
        usualBitsPerByte: recordOf<UsualLevels>({ prose: isFloat, code: isFloat }),
        noiseFloorBits: orNull(recordOf<NoiseFloor>({ mean: isFloat, p95: isFloat })),
        repeatabilityBits: isFloat,
      }),
      head: isOneOf('grafted', 'plain'),
      device: isOneOf('cpu', 'webgpu'),
      deviceFallback: orUndefined(isText),
    }),
    fits: ({ vocabulary: { bytes, offsets: ends } }) => ends.at(-1) === bytes.length,
  },
  open: { shape: isNull },
  change: { shape: isNull },
  close: { shape: isNull },
  show: { shape: isNull },
  layout: {
    shape: recordOf<LayoutResult>({ ids: ints, starts: offsets, ends: offsets }),
    fits: ({ ids, starts, ends }) => [starts, ends].every(({ length }) => length === ids.length),
  },
  score: {
    shape: recordOf<ScoreResult>({
      tableId: isCount,
      windows: isCount,
      window: isWindow,
      startTokenId: orNull(isCount),
      preambleTokens: isCount,
      tokensRun: isCount,
    }),
  },
  next: { shape: recordOf<NextResult>({ cut: isCount, logProbabilities: floats, entropyBits: isFloat, contextTokens: isCount }) },
  words: {
    shape: recordOf<WordsResult>({
      cut: isCount,
      words: listOf(recordOf<WordAlternative>({ ids: ints, bytes: isArray('Uint8Array'), logProbability: isFloat, complete: isFlag })),
    }),
    fits: ({ words }, { count }) => words.length <= count,
  },
  chain: {
    shape: recordOf<ChainResult>({ cut: isCount, logProbabilities: doubles }),
    fits: ({ logProbabilities }, { texts }) => logProbabilities.length === texts.length,
  },
  futures: {
    shape: recordOf<FuturesResult>({ cut: isCount, contextTokens: isCount, forcedTokens: isCount, continuations: listOf(isContinuation) }),
    fits: ({ continuations, forcedTokens }, { count, mostTokens }) =>
      continuations.length === count &&
      forcedTokens <= mostTokens &&
      continuations.every(
        ({ ids, logProbabilities, sampledLogProbabilities }) =>
          ids.length <= mostTokens && [logProbabilities, sampledLogProbabilities].every(({ length }) => length === ids.length),
      ),
  },
  draft: {
    shape: recordOf<DraftResult>({
      cut: isCount,
      contextTokens: isCount,
      ids: ints,
      logProbabilities: doubles,
      givenTokens: isCount,
      givenLogProbability: isFloat,
      ended: isOneOf('improbable', 'length', 'line-end', 'control'),
    }),
    fits: ({ ids, logProbabilities, givenTokens }) => logProbabilities.length === ids.length && givenTokens <= ids.length,
  },
  try: {
    shape: recordOf<TryResult>({ before: isPassage, after: isPassage }),
    fits: ({ before, after }) => fitsPassage(before) && fitsPassage(after),
  },
  contextLengths: {
    shape: recordOf<ContextLengthsResult>({
      contextFirst: isCount,
      keepsContext: isFlag,
      whole: isPrediction,
      lengths: ints,
      predictions: listOf(isChangedPrediction),
    }),
    fits: ({ whole, lengths, predictions }, params) =>
      lengths.length === predictions.length && [whole, ...predictions].every(each => fitsTarget(each, params)),
  },
  without: {
    shape: recordOf<WithoutResult>({ contextFirst: isCount, whole: isPrediction, without: isChangedPrediction, tokensRun: isCount }),
    fits: ({ whole, without }, params) => fitsTarget(whole, params) && fitsTarget(without, params),
  },
  effects: {
    shape: recordOf<EffectsResult>({ first: isCount, end: isCount, surprisalBits: doubles, withoutBits: doubles, tokensRun: isCount }),
    fits: ({ first, end, surprisalBits, withoutBits }) => [surprisalBits, withoutBits].every(({ length }) => length === end - first),
  },
  contextNeeds: {
    shape: recordOf<ContextNeedsResult>({ surprisalBits: floats, whole: isPassageRows, tokensRun: isCount }),
    fits: ({ surprisalBits, whole }, { first, end, mostTokens }) =>
      surprisalBits.length === (end - first) * (mostTokens + 1) && fitsRows(whole, end - first),
  },
  shortContext: {
    shape: recordOf<ShortContextResult>({ ...passageFields, tokensRun: isCount }),
    fits: (result, { first, end }) => fitsRows(result, end - first),
  },
  attention: {
    shape: recordOf<AttentionResult>({
      layers: isCount,
      heads: isCount,
      prefixTokens: isCount,
      contextFirst: isCount,
      keys: isCount,
      weights: floats,
    }),
    fits: ({ layers, heads, keys, weights }, { rows: { first, end } }) => weights.length === (end - first) * layers * heads * keys,
  },
  switchOff: {
    shape: recordOf<SwitchOffResult>({
      layers: isCount,
      heads: isCount,
      contextFirst: isCount,
      surprisalBits: doubles,
      targetBits: doubles,
      topIds: ints,
      topLogProbabilities: floats,
      writtenIds: ints,
      tokensRun: isCount,
    }),
    fits: ({ contextFirst, surprisalBits, targetBits, topIds, topLogProbabilities, writtenIds }, { row, ids, topCount, writtenTokens }) =>
      surprisalBits.length === row - contextFirst &&
      targetBits.length === ids.length &&
      [topIds, topLogProbabilities].every(({ length }) => length === topCount) &&
      writtenIds.length <= writtenTokens,
  },
  layers: {
    shape: recordOf<LayersResult>({ layers: isCount, surprisalBits: doubles, ranks: ints, topIds: ints, topLogProbabilities: floats }),
    fits: ({ layers, surprisalBits, ranks, topIds, topLogProbabilities }, { ids, topCount }) =>
      [surprisalBits, ranks].every(({ length }) => length === (layers + 1) * ids.length) &&
      [topIds, topLogProbabilities].every(({ length }) => length === (layers + 1) * topCount),
  },
  preamble: { shape: recordOf<PreambleResult>({ tokens: isCount, isCut: isFlag }) },
  measure: {
    shape: recordOf<Measurements>({
      tokensRun: isCount,
      modelCalls: isCount,
      cpuMs: isFloat,
      residentBytes: isCount,
      snapshotBytes: isCount,
      documents: isCount,
    }),
  },
};

function isLayout(value: unknown): boolean {
  const { version, carried, topCount, watchCount, watched, ids, starts, ends, startBytes, endBytes, gaps, window } = fieldsOf(value);
  const tokens = ids instanceof Int32Array ? ids.length : -1;
  return (
    [version, topCount, watchCount].every(isCount) &&
    [starts, ends, startBytes, endBytes].every(column => column instanceof Uint32Array && column.length === tokens) &&
    [carried, watched, gaps].every(Array.isArray) &&
    isObject(window)
  );
}

/** All of one length, or of a whole multiple where there is more than one number a row. Whether they fit the table is seen when they are written. */
function isRows(value: unknown): boolean {
  const { first, count, states, ...rows } = fieldsOf(value);
  if (!isCount(first) || !isCount(count)) return false;
  const { surprisalBits, entropyBits, ranks, contextTokens, wordStartLogMass, topIds, topLogProbabilities, watchLogMasses } = rows;
  return (
    isNumbers(states, Uint8Array, count) &&
    [surprisalBits, entropyBits].every(column => isNumbers(column, Float64Array, count)) &&
    [ranks, contextTokens].every(column => isNumbers(column, Int32Array, count)) &&
    isNumbers(wordStartLogMass, Float32Array, count) &&
    topIds instanceof Int32Array &&
    topLogProbabilities instanceof Float32Array &&
    watchLogMasses instanceof Float32Array &&
    topIds.length === topLogProbabilities.length &&
    [topIds, watchLogMasses].every(({ length }) => (count === 0 ? length === 0 : length % count === 0))
  );
}

function isNumbers(value: unknown, kind: new (length: number) => { readonly length: number }, length: number): boolean {
  return value instanceof kind && value.length === length;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function fieldsOf(value: unknown): Fields {
  return isObject(value) ? (value as Fields) : {};
}
