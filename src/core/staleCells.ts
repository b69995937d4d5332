import type { Cells } from './cells';

/** An edit as it moves offsets: the UTF-16 range [start, end) was replaced by `length` units. */
export interface Move {
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

/** The cells after an edit: those it touches, or that it was made right beside, are gone; those after it have moved. */
export function movedCells(cells: Cells, move: Move): Cells {
  const by = move.length - (move.end - move.start);
  return picked(
    cells,
    index => (cells.ends[index] ?? 0) < move.start || (cells.starts[index] ?? 0) > move.end,
    index => ((cells.starts[index] ?? 0) > move.end ? by : 0),
  );
}

/** Those that end at or before the offset. */
export function cellsUpTo(cells: Cells, offset: number): Cells {
  return picked(cells, index => (cells.ends[index] ?? 0) <= offset);
}

/** Those that end after the offset. */
export function cellsAfter(cells: Cells, offset: number): Cells {
  return picked(cells, index => (cells.ends[index] ?? 0) > offset);
}

/** Those that no cell of `cover` overlaps. */
export function withoutCovered(cells: Cells, cover: Cells): Cells {
  let at = 0;
  return picked(cells, index => {
    while (at < cover.length && (cover.ends[at] ?? 0) <= (cells.starts[index] ?? 0)) at++;
    return at === cover.length || (cover.starts[at] ?? 0) >= (cells.ends[index] ?? 0);
  });
}

/** Two lists that do not overlap each other, as one in document order. */
export function mergedCells(a: Cells, b: Cells): Cells {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const order = [
    ...Array.from({ length: a.length }, (_, index) => ({ cells: a, index })),
    ...Array.from({ length: b.length }, (_, index) => ({ cells: b, index })),
  ].sort((left, right) => (left.cells.starts[left.index] ?? 0) - (right.cells.starts[right.index] ?? 0));
  const column = (name: Exclude<keyof Cells, 'length'>) => order.map(({ cells, index }) => cells[name][index] ?? 0);
  return {
    length: order.length,
    starts: Uint32Array.from(column('starts')),
    ends: Uint32Array.from(column('ends')),
    bits: Float64Array.from(column('bits')),
    firstTokens: Uint32Array.from(column('firstTokens')),
    endTokens: Uint32Array.from(column('endTokens')),
  };
}

function picked(cells: Cells, keep: (index: number) => boolean, shift: (index: number) => number = () => 0): Cells {
  const indices: number[] = [];
  for (let index = 0; index < cells.length; index++) if (keep(index)) indices.push(index);
  return {
    length: indices.length,
    starts: Uint32Array.from(indices, index => (cells.starts[index] ?? 0) + shift(index)),
    ends: Uint32Array.from(indices, index => (cells.ends[index] ?? 0) + shift(index)),
    bits: Float64Array.from(indices, index => cells.bits[index] ?? NaN),
    firstTokens: Uint32Array.from(indices, index => cells.firstTokens[index] ?? 0),
    endTokens: Uint32Array.from(indices, index => cells.endTokens[index] ?? 0),
  };
}

/**
 * Up to where tokens stay as they are when the text changes at `offset`: before the word that stands there and the white space before that
 * word, since pre-tokenizers group a run of white space by what follows it. What a model says of a token never depends on later text.
 */
export function settledUpTo(text: string, offset: number): number {
  let at = offset;
  while (at > 0 && !/\s/.test(text.charAt(at - 1))) at--;
  while (at > 0 && /\s/.test(text.charAt(at - 1))) at--;
  // Back over the rest of the word before: "word\n" may be one pre-token with what follows the word.
  while (at > 0 && !/\s/.test(text.charAt(at - 1))) at--;
  return at;
}
