import { rowState } from './scores';
import type { ScoreTable, Span } from './scores';
import { firstWhere } from './search';

/**
 * The smallest pieces of text that can be coloured, in document order, not overlapping: one token each, or several that share one
 * character. Columns of `length` entries; plain arrays, since most lists are short and live for one draw.
 */
export interface Cells {
  readonly length: number;
  /** UTF-16. */
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  /** Surprisal: sum over the cell's tokens; NaN where one of them has no score, here and in the next three. */
  readonly bits: ArrayLike<number>;
  /** Entropy of the distributions its tokens were drawn from: sum over the tokens. */
  readonly entropyBits: ArrayLike<number>;
  /** Surprisal of the most probable token at each step: sum over the tokens. */
  readonly bestBits: ArrayLike<number>;
  /** The highest of its tokens' ranks. */
  readonly ranks: ArrayLike<number>;
  /** Of the first of its tokens: natural logarithms for the words of the table that are watched, in their order; empty where they are not known. */
  readonly watchLogMasses: ArrayLike<ArrayLike<number>>;
  /** Rows of the table: tokens [firstTokens, endTokens). */
  readonly firstTokens: ArrayLike<number>;
  readonly endTokens: ArrayLike<number>;
}

const nothingWatched: ArrayLike<number> = [];

export const noCells: Cells = {
  length: 0,
  starts: [],
  ends: [],
  bits: [],
  entropyBits: [],
  bestBits: [],
  ranks: [],
  watchLogMasses: [],
  firstTokens: [],
  endTokens: [],
};

/** Cells of the rows that are not pending. Tokens whose spans overlap (half an emoji each) fall into one cell, and a cell with a pending row is left out whole. */
export function cellsOf(table: ScoreTable): Cells {
  return cellsOfRows(table, 0, Infinity, -Infinity);
}

/** Those that overlap the span: the work grows with the span, not with the table. */
export function cellsWithin(table: ScoreTable, span: Span): Cells {
  return cellsOfRows(table, firstRowEndingAfter(table, span.start), span.end, -Infinity);
}

/** Those with at least so many bits. */
export function cellsFrom(table: ScoreTable, leastBits: number): Cells {
  return cellsOfRows(table, 0, Infinity, leastBits);
}

function cellsOfRows(table: ScoreTable, firstRow: number, endOffset: number, leastBits: number): Cells {
  const list = new CellList();
  const { length, starts, ends, surprisalBits, entropyBits, ranks, states, topCount, topLogProbabilities, watchCount } = table;
  const rankOf = (row: number) => (states[row] === rowState.scored ? (ranks[row] ?? NaN) : NaN);
  const bestBitsOf = (row: number) => -(topLogProbabilities[row * topCount] ?? NaN) / Math.LN2;
  // A copy: a newer table takes over the memory of this one.
  const watchedAt = (row: number) => table.watchLogMasses.slice(row * watchCount, (row + 1) * watchCount);
  for (let row = firstRow; row < length;) {
    const start = starts[row] ?? 0;
    if (start >= endOffset) break;
    let end = ends[row] ?? 0;
    let sum = surprisalBits[row] ?? NaN;
    let entropy = entropyBits[row] ?? NaN;
    let best = bestBitsOf(row);
    let rank = rankOf(row);
    let pending = states[row] === rowState.pending;
    let next = row + 1;
    while (next < length && (starts[next] ?? 0) < end) {
      end = Math.max(end, ends[next] ?? 0);
      sum += surprisalBits[next] ?? NaN;
      entropy += entropyBits[next] ?? NaN;
      best += bestBitsOf(next);
      rank = Math.max(rank, rankOf(next));
      pending ||= states[next] === rowState.pending;
      next++;
    }
    if (!pending && !(sum < leastBits))
      list.add(start, end, sum, entropy, best, rank, watchCount === 0 ? nothingWatched : watchedAt(row), row, next);
    row = next;
  }
  return list;
}

/** The first row of a cell that ends after the UTF-16 offset; tokens of a table never end before the one before them does. */
export function firstRowEndingAfter({ length, starts, ends }: ScoreTable, offset: number): number {
  let row = firstAfter(ends, length, offset);
  while (row > 0 && (starts[row] ?? 0) < (ends[row - 1] ?? 0)) row--; // in the middle of a cell
  return row;
}

/** Cells as they are gathered. */
export class CellList implements Cells {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly bits: number[] = [];
  readonly entropyBits: number[] = [];
  readonly bestBits: number[] = [];
  readonly ranks: number[] = [];
  readonly watchLogMasses: ArrayLike<number>[] = [];
  readonly firstTokens: number[] = [];
  readonly endTokens: number[] = [];

  get length(): number {
    return this.starts.length;
  }

  add(
    start: number,
    end: number,
    bits: number,
    entropyBits: number,
    bestBits: number,
    rank: number,
    watchLogMasses: ArrayLike<number>,
    firstToken: number,
    endToken: number,
  ): void {
    this.starts.push(start);
    this.ends.push(end);
    this.bits.push(bits);
    this.entropyBits.push(entropyBits);
    this.bestBits.push(bestBits);
    this.ranks.push(rank);
    this.watchLogMasses.push(watchLogMasses);
    this.firstTokens.push(firstToken);
    this.endTokens.push(endToken);
  }

  /** One cell of others, `by` UTF-16 units further on. */
  addFrom(cells: Cells, index: number, by = 0): void {
    const at = (column: ArrayLike<number>) => column[index] ?? NaN;
    this.add(
      at(cells.starts) + by,
      at(cells.ends) + by,
      at(cells.bits),
      at(cells.entropyBits),
      at(cells.bestBits),
      at(cells.ranks),
      cells.watchLogMasses[index] ?? nothingWatched,
      at(cells.firstTokens),
      at(cells.endTokens),
    );
  }
}

/** Those of both in document order; a cell of `b` that overlaps one of `a` is left out. */
export function mergedCells(a: Cells, b: Cells): Cells {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  const list = new CellList();
  let at = 0;
  for (let index = 0; index < b.length; index++) {
    const start = b.starts[index] ?? 0;
    for (; at < a.length && (a.ends[at] ?? 0) <= start; at++) list.addFrom(a, at);
    if (at === a.length || (a.starts[at] ?? 0) >= (b.ends[index] ?? 0)) list.addFrom(b, index);
  }
  for (; at < a.length; at++) list.addFrom(a, at);
  return list;
}

/** Those that no cell of `cover` overlaps. */
export function withoutCovered(cells: Cells, cover: Cells): Cells {
  let at = 0;
  return picked(cells, index => {
    while (at < cover.length && (cover.ends[at] ?? 0) <= (cells.starts[index] ?? 0)) at++;
    return at === cover.length || (cover.starts[at] ?? 0) >= (cells.ends[index] ?? 0);
  });
}

export function picked(cells: Cells, keep: (index: number) => boolean): Cells {
  const list = new CellList();
  for (let index = 0; index < cells.length; index++) if (keep(index)) list.addFrom(cells, index);
  return list;
}

/** The same cells, of which nobody knows how probable the watched words were: other words are watched now. */
export function withoutWatched(cells: Cells): Cells {
  return { ...cells, length: cells.length, watchLogMasses: [] };
}

/** Those that overlap the span. */
export function overlapping(cells: Cells, span: Span): Cells {
  const list = new CellList();
  for (let index = firstCellEndingAfter(cells, span.start); index < cells.length && (cells.starts[index] ?? 0) < span.end; index++) {
    list.addFrom(cells, index);
  }
  return list;
}

/** Index of the cell that holds the UTF-16 offset, or undefined. */
export function cellAt(cells: Cells, offset: number): number | undefined {
  const index = firstCellEndingAfter(cells, offset);
  return index < cells.length && (cells.starts[index] ?? 0) <= offset ? index : undefined;
}

/** Index of the first cell that ends after the UTF-16 offset; `length` where there is none. */
export function firstCellEndingAfter(cells: Cells, offset: number): number {
  return firstAfter(cells.ends, cells.length, offset);
}

/** Index of the first of ascending values that is larger; `length` where there is none. */
function firstAfter(ascending: ArrayLike<number>, length: number, value: number): number {
  return firstWhere(length, index => (ascending[index] ?? 0) > value);
}
