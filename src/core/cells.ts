import type { ScoreTable } from './scores';

/**
 * The smallest pieces of text that can be coloured, in document order, not overlapping: one token each, or several that share one
 * character. Columns of `length` entries.
 */
export interface Cells {
  readonly length: number;
  /** UTF-16. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Sum over the cell's tokens; NaN where one of them has no score. */
  readonly bits: Float64Array;
  /** Rows of the table: tokens [firstTokens, endTokens). */
  readonly firstTokens: Uint32Array;
  readonly endTokens: Uint32Array;
}

export const noCells: Cells = {
  length: 0,
  starts: new Uint32Array(0),
  ends: new Uint32Array(0),
  bits: new Float64Array(0),
  firstTokens: new Uint32Array(0),
  endTokens: new Uint32Array(0),
};

/** Cells of the rows that are not pending. Tokens whose spans overlap (half an emoji each) fall into one cell, and a cell with a pending row is left out whole. */
export function cellsOf(table: ScoreTable): Cells {
  const starts: number[] = [];
  const ends: number[] = [];
  const bits: number[] = [];
  const first: number[] = [];
  const last: number[] = [];
  for (let row = 0; row < table.length;) {
    const start = table.starts[row] ?? 0;
    let end = table.ends[row] ?? 0;
    let sum = table.surprisalBits[row] ?? NaN;
    let pending = table.states[row] === 0;
    let next = row + 1;
    while (next < table.length && (table.starts[next] ?? 0) < end) {
      end = Math.max(end, table.ends[next] ?? 0);
      sum += table.surprisalBits[next] ?? NaN;
      pending ||= table.states[next] === 0;
      next++;
    }
    if (!pending) {
      starts.push(start);
      ends.push(end);
      bits.push(sum);
      first.push(row);
      last.push(next);
    }
    row = next;
  }
  return {
    length: starts.length,
    starts: Uint32Array.from(starts),
    ends: Uint32Array.from(ends),
    bits: Float64Array.from(bits),
    firstTokens: Uint32Array.from(first),
    endTokens: Uint32Array.from(last),
  };
}

/** Index of the cell that holds the UTF-16 offset, or undefined. */
export function cellAt(cells: Cells, offset: number): number | undefined {
  const index = firstCellEndingAfter(cells, offset);
  return index < cells.length && (cells.starts[index] ?? 0) <= offset ? index : undefined;
}

/** Index of the first cell that ends after the UTF-16 offset; `length` where there is none. */
export function firstCellEndingAfter(cells: Cells, offset: number): number {
  let low = 0;
  let high = cells.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cells.ends[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
