import { rowState } from './scores';
import type { ScoredRows, ScoreTable } from './scores';
import { newRows } from './scoreTable';
import type { CarriedRows } from './scoreTable';

type Columns = Pick<ScoreTable, 'topCount' | 'ids' | 'starts' | 'ends' | 'startBytes' | 'endBytes'>;

/** Rows that may be added before everything has to be copied. */
const leastRoom = 1024;

/**
 * Memory for the rows of one table, with room for more: where a new layout carries rows, they are moved in place. Allocating some megabytes anew
 * at every edit of a long text makes the host stand still, and its garbage collector once more. Rows of a table made before are not its own any more.
 */
export class RowStore {
  #rows: ScoredRows = newRows(0, 0, 0);
  #topCount = 0;
  /** State of each row of the table; a column that is small enough to be new each time. */
  #states = new Uint8Array(0);

  /** The table of a layout. `carried`: ascending in `to`, not overlapping; rows of the table made before. */
  table(columns: Columns, carried: readonly CarriedRows[]): ScoreTable {
    const { length } = columns.ids;
    const states = new Uint8Array(length).fill(rowState.pending);
    for (const { from, to, count } of carried) states.set(this.#states.subarray(from, from + count), to);
    if (columns.topCount === this.#topCount && length <= this.#rows.count && isAscending(carried)) this.#move(carried);
    else this.#copy(length, columns.topCount, carried);
    let filled = 0;
    for (const { to, count } of [...carried, { to: length, count: 0 }]) {
      fill(this.#rows, this.#topCount, filled, to);
      filled = to + count;
    }
    this.#states = states;
    const { surprisalBits, entropyBits, ranks, contextTokens, topIds, topLogProbabilities } = this.#rows;
    const topLength = length * this.#topCount;
    return {
      length,
      topCount: columns.topCount,
      ids: columns.ids,
      starts: columns.starts,
      ends: columns.ends,
      startBytes: columns.startBytes,
      endBytes: columns.endBytes,
      states,
      surprisalBits: surprisalBits.subarray(0, length),
      entropyBits: entropyBits.subarray(0, length),
      ranks: ranks.subarray(0, length),
      contextTokens: contextTokens.subarray(0, length),
      topIds: topIds.subarray(0, topLength),
      topLogProbabilities: topLogProbabilities.subarray(0, topLength),
    };
  }

  /** Rows that move down from the first on, rows that move up from the last: none is then overwritten before it has moved. */
  #move(carried: readonly CarriedRows[]): void {
    const move = ({ from, to, count }: CarriedRows) => {
      const tops = this.#topCount;
      const { surprisalBits, entropyBits, ranks, contextTokens, topIds, topLogProbabilities } = this.#rows;
      for (const column of [surprisalBits, entropyBits, ranks, contextTokens]) column.copyWithin(to, from, from + count);
      for (const column of [topIds, topLogProbabilities]) column.copyWithin(to * tops, from * tops, (from + count) * tops);
    };
    for (const rows of carried) if (rows.to < rows.from) move(rows);
    for (const rows of carried.toReversed()) if (rows.to > rows.from) move(rows);
  }

  #copy(length: number, topCount: number, carried: readonly CarriedRows[]): void {
    const old = this.#rows;
    const capacity = length + Math.max(leastRoom, length >>> 3);
    const made = unfilledRows(capacity, topCount);
    for (const { from, to, count } of carried) {
      const end = from + count;
      made.surprisalBits.set(old.surprisalBits.subarray(from, end), to);
      made.entropyBits.set(old.entropyBits.subarray(from, end), to);
      made.ranks.set(old.ranks.subarray(from, end), to);
      made.contextTokens.set(old.contextTokens.subarray(from, end), to);
      made.topIds.set(old.topIds.subarray(from * topCount, end * topCount), to * topCount);
      made.topLogProbabilities.set(old.topLogProbabilities.subarray(from * topCount, end * topCount), to * topCount);
    }
    this.#rows = made;
    this.#topCount = topCount;
  }
}

function isAscending(carried: readonly CarriedRows[]): boolean {
  return carried.every(({ from }, index) => {
    const before = carried[index - 1];
    return !before || before.from + before.count <= from;
  });
}

function unfilledRows(count: number, topCount: number): ScoredRows {
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
  };
}

function fill(rows: ScoredRows, topCount: number, first: number, end: number): void {
  rows.surprisalBits.fill(NaN, first, end);
  rows.entropyBits.fill(NaN, first, end);
  rows.ranks.fill(0, first, end);
  rows.contextTokens.fill(0, first, end);
  rows.topIds.fill(-1, first * topCount, end * topCount);
  rows.topLogProbabilities.fill(NaN, first * topCount, end * topCount);
}
