import { rowState } from './scores';
import type { ScoredRows, ScoreTable } from './scores';

type Layout = Pick<ScoreTable, 'topCount' | 'ids' | 'starts' | 'ends' | 'startBytes' | 'endBytes'>;

/** A table whose rows are all pending, but for its first `keptRows`, which are those of `previous`. */
export function tableOf(layout: Layout, previous: ScoreTable | undefined, keptRows: number): ScoreTable {
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
  if (previous && keptRows > 0) writeRows(table, sliceRows(previous, 0, keptRows));
  return table;
}

/** Rows [first, end) of a table, as a copy. */
export function sliceRows(table: ScoreTable, first: number, end: number): ScoredRows {
  const { topCount } = table;
  return {
    first,
    count: end - first,
    states: table.states.slice(first, end),
    surprisalBits: table.surprisalBits.slice(first, end),
    entropyBits: table.entropyBits.slice(first, end),
    ranks: table.ranks.slice(first, end),
    contextTokens: table.contextTokens.slice(first, end),
    topIds: table.topIds.slice(first * topCount, end * topCount),
    topLogProbabilities: table.topLogProbabilities.slice(first * topCount, end * topCount),
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
