import { rowState, type ScoreTable } from './scores';
import type { Vocabulary } from './vocabulary';

/** One token of a next-token distribution. */
export interface DistributionRow {
  readonly id: number;
  /** 1 + number of tokens with a higher value, over the whole vocabulary. Equal values share a rank. */
  readonly rank: number;
  readonly probability: number;
  /** Probability given what is typed, 0 for tokens that do not continue it; undefined at a border of tokens. */
  readonly givenTyped: number | undefined;
}

/** The token that follows in the document. */
export interface ActualToken extends DistributionRow {
  readonly surprisalBits: number;
  /** It stands after this many of the rows. */
  readonly position: number;
  /** Tokens that are not shown rank between it and the row before it. */
  readonly afterGap: boolean;
}

/** What is shown of a distribution. `rows` never hold the actual token, and `everythingElse` is what rows and actual leave of 1. */
export interface Distribution {
  readonly rows: readonly DistributionRow[];
  readonly actual: ActualToken | undefined;
  /** Never negative, though rounded probabilities can sum to a little more than 1. */
  readonly everythingElse: number;
  /** The same for `givenTyped`; 0 when no token continues what is typed, undefined at a border of tokens. */
  readonly everythingElseGivenTyped: number | undefined;
}

/** The distribution before the token of one row, with that token as the actual one: the table's own numbers. Undefined where the row has no score. */
export function distributionOfRow(table: ScoreTable, row: number, topCount: number): Distribution | undefined {
  if (table.states[row] !== rowState.scored) return undefined;
  const first = row * table.topCount;
  const count = Math.min(topCount, table.topCount);
  const ids = [...table.topIds.subarray(first, first + count)].filter(id => id >= 0);
  const logProbabilities = table.topLogProbabilities.subarray(first, first + ids.length);
  // Every higher token is in the list too, so the place of the first equal value is the rank.
  const top = ids.map((id, index) => {
    const value = logProbabilities[index] ?? -Infinity;
    return { id, rank: 1 + logProbabilities.indexOf(value), probability: Math.exp(value), givenTyped: undefined };
  });
  const surprisalBits = table.surprisalBits[row] ?? NaN;
  const actual = {
    id: table.ids[row] ?? -1,
    rank: table.ranks[row] ?? 0,
    probability: 2 ** -surprisalBits,
    givenTyped: undefined,
    surprisalBits,
  };
  return withActual(top, actual, top.length);
}

export interface TypedText {
  /** UTF-8 of what stands between the place the model was asked at and the cursor; not empty. */
  readonly bytes: Uint8Array;
  readonly vocabulary: Vocabulary;
}

/**
 * The distribution of a whole row of log-probabilities (natural, over the vocabulary). With `typed`, tokens whose bytes continue it come first,
 * each with its share of the probability of all tokens that do. `actualId` is the token known to follow, if one is.
 */
export function distributionOfLogProbabilities(
  logProbabilities: Float32Array,
  topCount: number,
  actualId: number | undefined,
  typed: TypedText | undefined,
): Distribution {
  const continuingIds = new Set<number>();
  let continuingTotal = 0;
  for (let id = 0; typed && id < logProbabilities.length; id++) {
    if (!startsWith(typed.vocabulary.bytesOf(id), typed.bytes)) continue;
    continuingIds.add(id);
    continuingTotal += Math.exp(logProbabilities[id] ?? -Infinity);
  }
  const first = topOf(logProbabilities, topCount, id => continuingIds.has(id));
  const rest = topOf(logProbabilities, topCount - first.length, id => !continuingIds.has(id));
  const rowOf = (id: number): DistributionRow => {
    const value = logProbabilities[id] ?? -Infinity;
    const probability = Math.exp(value);
    let rank = 1;
    for (const other of logProbabilities) if (other > value) rank++;
    let givenTyped: number | undefined;
    if (typed) givenTyped = continuingIds.has(id) && continuingTotal > 0 ? probability / continuingTotal : 0;
    return { id, rank, probability, givenTyped };
  };
  const actual =
    actualId === undefined ? undefined : { ...rowOf(actualId), surprisalBits: -(logProbabilities[actualId] ?? NaN) / Math.LN2 };
  const continues = actualId !== undefined && continuingIds.has(actualId);
  return withActual([...first, ...rest].map(rowOf), actual, continues ? first.length : first.length + rest.length);
}

/** Takes the actual token out of the rows, or places it after `place` of them when it is not among them. */
function withActual(
  top: readonly DistributionRow[],
  actual: Omit<ActualToken, 'position' | 'afterGap'> | undefined,
  place: number,
): Distribution {
  const index = top.findIndex(row => row.id === actual?.id);
  const position = index < 0 ? place : index;
  const rows = actual ? top.filter(row => row.id !== actual.id) : top;
  const shown = actual ? [...rows, actual] : rows;
  const everythingElse = Math.max(0, 1 - sum(shown.map(row => row.probability)));
  const given = shown.flatMap(row => (row.givenTyped === undefined ? [] : [row.givenTyped]));
  const givenTotal = sum(given);
  const afterGap = index < 0 && (actual?.rank ?? 0) > (top[place - 1]?.rank ?? 0) + 1;
  return {
    rows,
    actual: actual && { ...actual, position, afterGap },
    everythingElse,
    everythingElseGivenTyped: given.length === 0 ? undefined : givenTotal > 0 ? Math.max(0, 1 - givenTotal) : 0,
  };
}

/** The wanted ids with the highest values, ties by id, at most `count`. */
function topOf(values: Float32Array, count: number, wanted: (id: number) => boolean): number[] {
  const top: number[] = [];
  let least = -Infinity;
  for (let id = 0; id < values.length && count > 0; id++) {
    const value = values[id] ?? -Infinity;
    if ((top.length === count && value <= least) || !wanted(id)) continue; // ids rise: of equal values the earlier one stays
    let at = top.length;
    while (at > 0 && value > (values[top[at - 1] ?? -1] ?? -Infinity)) at--;
    top.splice(at, 0, id);
    if (top.length > count) top.pop();
    least = values[top.at(-1) ?? -1] ?? -Infinity;
  }
  return top;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[index] !== prefix[index]) return false;
  return true;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
