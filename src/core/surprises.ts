import { picked } from './cells';
import type { Cells } from './cells';
import type { ScoreTable, Span } from './scores';
import { piecesOfBytes } from './vocabulary';
import type { TokenPieces, Vocabulary } from './vocabulary';

/** A cell that the model did not expect, and why. */
export interface Surprise {
  /** What is seen of the cell: without the white space before a word. UTF-16. */
  readonly span: Span;
  readonly token: TokenPieces;
  /** NaN where the cell has no score. */
  readonly bits: number;
  /** The highest rank of its tokens; NaN where one has none. */
  readonly rank: number;
  /** What the model held most probable; undefined where that is the token itself, or nothing is known. */
  readonly expected: TokenPieces | undefined;
}

/** One cell of `text`, with its cause. Cells are of the table. */
export function surpriseOf(
  text: string,
  cells: Cells,
  index: number,
  source: { readonly table: ScoreTable; readonly vocabulary: Vocabulary },
): Surprise {
  const { table, vocabulary } = source;
  const span = shownPart(text, { start: cells.starts[index] ?? 0, end: cells.ends[index] ?? 0 });
  const row = cells.firstTokens[index] ?? 0;
  const best = table.topCount > 0 ? (table.topIds[row * table.topCount] ?? -1) : -1;
  return {
    span,
    token: piecesOfBytes(new TextEncoder().encode(text.slice(span.start, span.end).replaceAll('\r\n', '\n'))),
    bits: cells.bits[index] ?? NaN,
    rank: cells.ranks[index] ?? NaN,
    expected: best < 0 || best === table.ids[row] ? undefined : vocabulary.piecesOf(best),
  };
}

/** Of a cell what a reader takes it for: white space round it is not in it, unless there is nothing else. */
export function shownPart(text: string, { start, end }: Span): Span {
  const content = text.slice(start, end);
  const shown = content.trim();
  if (shown === '') return { start, end };
  const from = start + content.length - content.trimStart().length;
  return { start: from, end: from + shown.length };
}

/**
 * Index of the place after or before a selection; from the last one on to the first and the other way round (`wrapped`). Undefined where there is
 * none. A place that begins where an empty selection stands is the next one: nobody has been there yet.
 */
export function neighbourOf(
  places: ArrayLike<number>,
  selection: Span,
  direction: 'next' | 'previous',
): { readonly index: number; readonly wrapped: boolean } | undefined {
  const count = places.length;
  if (count === 0) return undefined;
  const isEmpty = selection.start === selection.end;
  let after = 0; // index of the first place behind the start of the selection, or at it
  while (after < count && (places[after] ?? 0) < selection.start) after++;
  if (direction === 'previous') return after > 0 ? { index: after - 1, wrapped: false } : { index: count - 1, wrapped: true };
  const next = !isEmpty && places[after] === selection.start ? after + 1 : after;
  return next < count ? { index: next, wrapped: false } : { index: 0, wrapped: true };
}

/** The `count` cells of most bits, in document order. */
export function topCells(cells: Cells, count: number): Cells {
  const bitsOf = (index: number) => cells.bits[index] ?? NaN;
  const kept = Array.from({ length: cells.length }, (_, index) => index).filter(index => bitsOf(index) > 0);
  const chosen = new Set(kept.sort((a, b) => bitsOf(b) - bitsOf(a) || a - b).slice(0, count));
  return picked(cells, index => chosen.has(index));
}
