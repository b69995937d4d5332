import { rowState } from './scores';
import type { ScoredRows, ScoreTable } from './scores';

type Layout = Pick<ScoreTable, 'topCount' | 'ids' | 'starts' | 'ends' | 'startBytes' | 'endBytes'>;

/** Rows [to, to + count) of a new table are rows [from, from + count) of the one before: nothing that their numbers depend on changed. */
export interface CarriedRows {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A table whose rows are all pending, but for those carried over from `previous`. */
export function tableOf(layout: Layout, previous: ScoreTable | undefined, carried: readonly CarriedRows[]): ScoreTable {
  const length = layout.ids.length;
  const { topCount } = layout;
  const table: ScoreTable = {
    length,
    topCount,
    ids: layout.ids,
    starts: layout.starts,
    ends: layout.ends,
    startBytes: layout.startBytes,
    endBytes: layout.endBytes,
    ...emptyRows(length, topCount),
  };
  for (const { from, to, count } of previous ? carried : []) {
    if (previous) writeRows(table, { ...viewOfRows(previous, from, from + count), first: to });
  }
  return table;
}

/** Rows [first, end) of a table, as a copy. */
export function sliceRows(table: ScoreTable, first: number, end: number): ScoredRows {
  const rows = viewOfRows(table, first, end);
  return {
    ...rows,
    states: rows.states.slice(),
    surprisalBits: rows.surprisalBits.slice(),
    entropyBits: rows.entropyBits.slice(),
    ranks: rows.ranks.slice(),
    contextTokens: rows.contextTokens.slice(),
    topIds: rows.topIds.slice(),
    topLogProbabilities: rows.topLogProbabilities.slice(),
  };
}

/** Rows [first, end) of a table, in its own memory. */
function viewOfRows(table: ScoreTable, first: number, end: number): ScoredRows {
  const { topCount } = table;
  return {
    first,
    count: end - first,
    states: table.states.subarray(first, end),
    surprisalBits: table.surprisalBits.subarray(first, end),
    entropyBits: table.entropyBits.subarray(first, end),
    ranks: table.ranks.subarray(first, end),
    contextTokens: table.contextTokens.subarray(first, end),
    topIds: table.topIds.subarray(first * topCount, end * topCount),
    topLogProbabilities: table.topLogProbabilities.subarray(first * topCount, end * topCount),
  };
}

/** Rows for the model to fill: pending, no bits, no alternatives. */
export function newRows(first: number, count: number, topCount: number): ScoredRows {
  return { first, count, ...emptyRows(count, topCount) };
}

function emptyRows(length: number, topCount: number): Omit<ScoredRows, 'first' | 'count'> {
  return {
    states: new Uint8Array(length),
    surprisalBits: new Float64Array(length).fill(NaN),
    entropyBits: new Float64Array(length).fill(NaN),
    ranks: new Int32Array(length),
    contextTokens: new Int32Array(length),
    topIds: new Int32Array(length * topCount).fill(-1),
    topLogProbabilities: new Float32Array(length * topCount).fill(NaN),
  };
}

export function writeRows(table: ScoreTable, rows: ScoredRows): void {
  const { first } = rows;
  table.states.set(rows.states, first);
  table.surprisalBits.set(rows.surprisalBits, first);
  table.entropyBits.set(rows.entropyBits, first);
  table.ranks.set(rows.ranks, first);
  table.contextTokens.set(rows.contextTokens, first);
  table.topIds.set(rows.topIds, first * table.topCount);
  table.topLogProbabilities.set(rows.topLogProbabilities, first * table.topCount);
}

export function pendingCount(table: ScoreTable): number {
  let count = 0;
  for (const state of table.states) if (state === rowState.pending) count++;
  return count;
}
