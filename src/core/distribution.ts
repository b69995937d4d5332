import { rankTokens, type RankedTokens } from './sampling';
import { rowState, type ScoreTable } from './scores';
import { firstWhere } from './search';
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

/** A whole row of log-probabilities (natural, over the vocabulary), put in order once, so that any number of its rows can be shown quickly. */
export interface WholeRow {
  readonly logProbabilities: Float32Array;
  readonly ranked: RankedTokens;
  /** Undefined at a border of tokens. */
  readonly typed: ContinuingTokens | undefined;
}

interface ContinuingTokens {
  /** Places among the ranked tokens, ascending. */
  readonly places: readonly number[];
  readonly ids: ReadonlySet<number>;
  /** Of all of them together. */
  readonly probability: number;
}

/** With `typed`, the tokens whose bytes continue it are found. Throws as `rankTokens` does. */
export function wholeRow(logProbabilities: Float32Array, typed: TypedText | undefined): WholeRow {
  const ranked = rankTokens(logProbabilities);
  if (!typed) return { logProbabilities, ranked, typed: undefined };
  const places: number[] = [];
  const ids = new Set<number>();
  let probability = 0;
  for (const [place, id] of ranked.ids.entries()) {
    if (!startsWith(typed.vocabulary.bytesOf(id), typed.bytes)) continue;
    places.push(place);
    ids.add(id);
    probability += Math.exp(logProbabilities[id] ?? -Infinity);
  }
  return { logProbabilities, ranked, typed: { places, ids, probability } };
}

/** How many tokens have a higher value than this, and one more. */
export function rankOf({ logProbabilities, ranked: { ids } }: WholeRow, id: number): number {
  const value = logProbabilities[id] ?? -Infinity;
  return firstWhere(ids.length, place => !((logProbabilities[ids[place] ?? -1] ?? -Infinity) > value)) + 1;
}

/** As `distributionOfWholeRow`, of a row that is looked at once. */
export function distributionOfLogProbabilities(
  logProbabilities: Float32Array,
  topCount: number,
  actualId: number | undefined,
  typed: TypedText | undefined,
): Distribution {
  return distributionOfWholeRow(wholeRow(logProbabilities, typed), topCount, actualId);
}

/**
 * The first tokens of a whole row. With typed text, tokens that continue it come first, each with its share of the probability of all tokens that
 * do. `actualId` is the token known to follow, if one is.
 */
export function distributionOfWholeRow(whole: WholeRow, topCount: number, actualId: number | undefined): Distribution {
  const { logProbabilities, ranked, typed } = whole;
  const rowOf = (id: number): DistributionRow => {
    const probability = Math.exp(logProbabilities[id] ?? -Infinity);
    let givenTyped: number | undefined;
    if (typed) givenTyped = typed.ids.has(id) && typed.probability > 0 ? probability / typed.probability : 0;
    return { id, rank: rankOf(whole, id), probability, givenTyped };
  };
  const first = (typed?.places ?? []).slice(0, topCount).map(place => ranked.ids[place] ?? 0);
  const rest: number[] = [];
  for (let place = 0; place < ranked.ids.length && first.length + rest.length < topCount; place++) {
    const id = ranked.ids[place] ?? 0;
    if (!typed?.ids.has(id)) rest.push(id);
  }
  const actual =
    actualId === undefined ? undefined : { ...rowOf(actualId), surprisalBits: -(logProbabilities[actualId] ?? NaN) / Math.LN2 };
  const continues = actualId !== undefined && typed?.ids.has(actualId) === true;
  return withActual([...first, ...rest].map(rowOf), actual, continues ? first.length : first.length + rest.length);
}

/** What one step of training on the label would do to the logits, per token and up to the step's size: label minus probability. Sums to 0. */
export interface TrainingStep<Row> {
  /** 1 - p. */
  readonly label: number;
  /** -p of the tokens that lose most, the first of them first. */
  readonly others: readonly { readonly row: Row; readonly change: number }[];
  /** Of all other tokens together. */
  readonly rest: number;
}

/** `others`: tokens that are not the label, in any order; the `count` most probable are taken. */
export function trainingStep<Row extends { readonly probability: number }>(
  label: { readonly probability: number },
  others: readonly Row[],
  count: number,
): TrainingStep<Row> {
  const movers = others
    .toSorted((a, b) => b.probability - a.probability)
    .slice(0, count)
    .map(row => ({ row, change: -row.probability }));
  const own = 1 - label.probability;
  // Rounded probabilities can sum to a little more than 1: nothing that is not shown rises.
  return { label: own, others: movers, rest: -Math.max(0, own + sum(movers.map(({ change }) => change))) };
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

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[index] !== prefix[index]) return false;
  return true;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
