import { rowState } from './scores';
import type { ScoredRows, ScoreTable } from './scores';
import { newRows, viewOfRows } from './scoreTable';
import type { CarriedRows, RowShape } from './scoreTable';

type Columns = Pick<ScoreTable, 'topCount' | 'watchCount' | 'ids' | 'starts' | 'ends' | 'startBytes' | 'endBytes'>;

/** Rows that may be added before everything has to be copied. */
const leastRoom = 1024;

/**
 * Memory for the rows of one table, with room for more: where a new layout carries rows, they are moved in place. Allocating some megabytes anew
 * at every edit of a long text makes the host stand still, and its garbage collector once more. Rows of a table made before are not its own any more.
 */
export class RowStore {
  #shape: RowShape = { topCount: 0, watchCount: 0 };
  #rows: ScoredRows = newRows(0, 0, this.#shape);
  /** State of each row of the table; a column that is small enough to be new each time. */
  #states = new Uint8Array(0);

  /** The table of a layout. `carried`: ascending in `to`, not overlapping; rows of the table made before. */
  table(columns: Columns, carried: readonly CarriedRows[]): ScoreTable {
    const { length } = columns.ids;
    const states = new Uint8Array(length).fill(rowState.pending);
    for (const { from, to, count } of carried) states.set(this.#states.subarray(from, from + count), to);
    const { topCount, watchCount } = columns;
    const isOfShape = topCount === this.#shape.topCount && watchCount === this.#shape.watchCount;
    if (isOfShape && length <= this.#rows.count && isAscending(carried)) this.#move(carried);
    else this.#copy(length, { topCount, watchCount }, carried);
    let filled = 0;
    for (const { to, count } of [...carried, { to: length, count: 0 }]) {
      fill(this.#rows, this.#shape, filled, to);
      filled = to + count;
    }
    this.#states = states;
    return {
      length,
      topCount,
      watchCount,
      ids: columns.ids,
      starts: columns.starts,
      ends: columns.ends,
      startBytes: columns.startBytes,
      endBytes: columns.endBytes,
      ...viewOfRows(this.#rows, this.#shape, 0, length),
      states,
    };
  }

  /** Rows that move down from the first on, rows that move up from the last: none is then overwritten before it has moved. */
  #move(carried: readonly CarriedRows[]): void {
    const { topCount, watchCount } = this.#shape;
    const { surprisalBits, entropyBits, ranks, contextTokens, topIds, topLogProbabilities, wordStartLogMass, watchLogMasses } = this.#rows;
    const move = ({ from, to, count }: CarriedRows) => {
      const end = from + count;
      for (const column of [surprisalBits, entropyBits, ranks, contextTokens, wordStartLogMass]) column.copyWithin(to, from, end);
      for (const column of [topIds, topLogProbabilities]) column.copyWithin(to * topCount, from * topCount, end * topCount);
      watchLogMasses.copyWithin(to * watchCount, from * watchCount, end * watchCount);
    };
    for (const rows of carried) if (rows.to < rows.from) move(rows);
    for (const rows of carried.toReversed()) if (rows.to > rows.from) move(rows);
  }

  #copy(length: number, shape: RowShape, carried: readonly CarriedRows[]): void {
    const capacity = length + Math.max(leastRoom, length >>> 3);
    const made = unfilledRows(capacity, shape);
    const { topCount, watchCount } = shape;
    for (const { from, to, count } of carried) {
      const old = viewOfRows(this.#rows, shape, from, from + count);
      made.surprisalBits.set(old.surprisalBits, to);
      made.entropyBits.set(old.entropyBits, to);
      made.ranks.set(old.ranks, to);
      made.contextTokens.set(old.contextTokens, to);
      made.topIds.set(old.topIds, to * topCount);
      made.topLogProbabilities.set(old.topLogProbabilities, to * topCount);
      made.wordStartLogMass.set(old.wordStartLogMass, to);
      made.watchLogMasses.set(old.watchLogMasses, to * watchCount);
    }
    this.#rows = made;
    this.#shape = shape;
  }
}

function isAscending(carried: readonly CarriedRows[]): boolean {
  return carried.every(({ from }, index) => {
    const before = carried[index - 1];
    return !before || before.from + before.count <= from;
  });
}

function unfilledRows(count: number, { topCount, watchCount }: RowShape): ScoredRows {
  return {
    first: 0,
    count,
    states: new Uint8Array(0),
    surprisalBits: new Float64Array(count),
    entropyBits: new Float64Array(count),
    ranks: new Int32Array(count),
    contextTokens: new Int32Array(count),
    topIds: new Int32Array(count * topCount),
    topLogProbabilities: new Float32Array(count * topCount),
    wordStartLogMass: new Float32Array(count),
    watchLogMasses: new Float32Array(count * watchCount),
  };
}

function fill(rows: ScoredRows, { topCount, watchCount }: RowShape, first: number, end: number): void {
  rows.surprisalBits.fill(NaN, first, end);
  rows.entropyBits.fill(NaN, first, end);
  rows.ranks.fill(0, first, end);
  rows.contextTokens.fill(0, first, end);
  rows.topIds.fill(-1, first * topCount, end * topCount);
  rows.topLogProbabilities.fill(NaN, first * topCount, end * topCount);
  rows.wordStartLogMass.fill(NaN, first, end);
  rows.watchLogMasses.fill(NaN, first * watchCount, end * watchCount);
}
