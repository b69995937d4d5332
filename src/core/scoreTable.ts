import type { ScoredRows, ScoreTable } from './scores';

type Layout = Pick<ScoreTable, 'topCount' | 'watchCount' | 'ids' | 'starts' | 'ends' | 'startBytes' | 'endBytes'>;
/** How many values a row has in the columns that have several. */
export type RowShape = Pick<ScoreTable, 'topCount' | 'watchCount'>;
type RowColumns = Omit<ScoredRows, 'first' | 'count'>;

/** Rows [to, to + count) of a new table are rows [from, from + count) of the one before: nothing that their numbers depend on changed. */
export interface CarriedRows {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A table whose rows are all pending, but for those carried over from `previous`. */
export function tableOf(layout: Layout, previous: ScoreTable | undefined, carried: readonly CarriedRows[]): ScoreTable {
  const length = layout.ids.length;
  const { topCount, watchCount } = layout;
  const table: ScoreTable = {
    length,
    topCount,
    watchCount,
    ids: layout.ids,
    starts: layout.starts,
    ends: layout.ends,
    startBytes: layout.startBytes,
    endBytes: layout.endBytes,
    ...emptyRows(length, layout),
  };
  for (const { from, to, count } of previous ? carried : []) {
    if (previous) writeRows(table, { first: to, count, ...viewOfRows(previous, previous, from, from + count) });
  }
  return table;
}

/** Rows [first, end) of a table, as a copy. */
export function sliceRows(table: ScoreTable, first: number, end: number): ScoredRows {
  return { first, count: end - first, ...copyOfRows(table, first, end) };
}

/** A table of the rows [first, end) alone, as a copy: the one it is of may go on changing. */
export function sliceTable(table: ScoreTable, first: number, end: number): ScoreTable {
  return {
    length: end - first,
    topCount: table.topCount,
    watchCount: table.watchCount,
    ids: table.ids.slice(first, end),
    starts: table.starts.slice(first, end),
    ends: table.ends.slice(first, end),
    startBytes: table.startBytes.slice(first, end),
    endBytes: table.endBytes.slice(first, end),
    ...copyOfRows(table, first, end),
  };
}

function copyOfRows(table: ScoreTable, first: number, end: number): RowColumns {
  const rows = viewOfRows(table, table, first, end);
  return {
    states: rows.states.slice(),
    surprisalBits: rows.surprisalBits.slice(),
    entropyBits: rows.entropyBits.slice(),
    ranks: rows.ranks.slice(),
    contextTokens: rows.contextTokens.slice(),
    topIds: rows.topIds.slice(),
    topLogProbabilities: rows.topLogProbabilities.slice(),
    wordStartLogMass: rows.wordStartLogMass.slice(),
    watchLogMasses: rows.watchLogMasses.slice(),
  };
}

/** Rows [first, end) of these columns, in their own memory. */
export function viewOfRows(columns: RowColumns, { topCount, watchCount }: RowShape, first: number, end: number): RowColumns {
  return {
    states: columns.states.subarray(first, end),
    surprisalBits: columns.surprisalBits.subarray(first, end),
    entropyBits: columns.entropyBits.subarray(first, end),
    ranks: columns.ranks.subarray(first, end),
    contextTokens: columns.contextTokens.subarray(first, end),
    topIds: columns.topIds.subarray(first * topCount, end * topCount),
    topLogProbabilities: columns.topLogProbabilities.subarray(first * topCount, end * topCount),
    wordStartLogMass: columns.wordStartLogMass.subarray(first, end),
    watchLogMasses: columns.watchLogMasses.subarray(first * watchCount, end * watchCount),
  };
}

/** Rows for the model to fill: pending, no bits, no alternatives. */
export function newRows(first: number, count: number, shape: RowShape): ScoredRows {
  return { first, count, ...emptyRows(count, shape) };
}

function emptyRows(length: number, { topCount, watchCount }: RowShape): RowColumns {
  return {
    states: new Uint8Array(length),
    surprisalBits: new Float64Array(length).fill(NaN),
    entropyBits: new Float64Array(length).fill(NaN),
    ranks: new Int32Array(length),
    contextTokens: new Int32Array(length),
    topIds: new Int32Array(length * topCount).fill(-1),
    topLogProbabilities: new Float32Array(length * topCount).fill(NaN),
    wordStartLogMass: new Float32Array(length).fill(NaN),
    watchLogMasses: new Float32Array(length * watchCount).fill(NaN),
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
  table.wordStartLogMass.set(rows.wordStartLogMass, first);
  table.watchLogMasses.set(rows.watchLogMasses, first * table.watchCount);
}
