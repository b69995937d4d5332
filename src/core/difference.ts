import type { Span } from './scores';

/** Rows of a text as it is, and what the same tokens are when something is not there, or is read before. Bits are NaN where there is no score. */
export interface ComparedRows {
  readonly length: number;
  /** UTF-16, of the document. */
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  readonly withBits: ArrayLike<number>;
  readonly withoutBits: ArrayLike<number>;
}

/** Where the reading of a text has ended that goes on behind that, UTF-16; undefined: nothing but white space is left. */
export function endOfReading(text: string, lastEnd: number | undefined): number | undefined {
  return lastEnd === undefined || text.slice(lastEnd).trim() === '' ? undefined : lastEnd;
}

/** The smallest piece that can be painted: one token, or several that share a character. */
export interface DifferencePiece {
  readonly span: Span;
  readonly withBits: number;
  readonly withoutBits: number;
  /** Without less with: positive where what is compared helps. */
  readonly bits: number;
}

interface PassageBits {
  readonly surprisalBits: ArrayLike<number>;
  readonly replacedTokens: number;
}

/** What follows an edit in two passages that `try` gives: the same tokens, in the same order. */
export function followingRows(
  present: PassageBits & { readonly starts: ArrayLike<number>; readonly ends: ArrayLike<number> },
  absent: PassageBits,
): ComparedRows {
  const length = Math.min(present.surprisalBits.length - present.replacedTokens, absent.surprisalBits.length - absent.replacedTokens);
  const of = (column: ArrayLike<number>, from: number) => Array.from({ length }, (_, row) => column[from + row] ?? NaN);
  return {
    length,
    starts: of(present.starts, present.replacedTokens),
    ends: of(present.ends, present.replacedTokens),
    withBits: of(present.surprisalBits, present.replacedTokens),
    withoutBits: of(absent.surprisalBits, absent.replacedTokens),
  };
}

/** Ascending, without overlap; what has no score in one of the two is left out. */
export function differencePieces(rows: ComparedRows): readonly DifferencePiece[] {
  const pieces: DifferencePiece[] = [];
  for (let row = 0; row < rows.length;) {
    const start = rows.starts[row] ?? 0;
    let [end, withBits, withoutBits] = [rows.ends[row] ?? 0, rows.withBits[row] ?? NaN, rows.withoutBits[row] ?? NaN];
    for (row++; row < rows.length && (rows.starts[row] ?? 0) < end; row++) {
      end = Math.max(end, rows.ends[row] ?? 0);
      withBits += rows.withBits[row] ?? NaN;
      withoutBits += rows.withoutBits[row] ?? NaN;
    }
    const bits = withoutBits - withBits;
    if (!Number.isNaN(bits)) pieces.push({ span: { start, end }, withBits, withoutBits, bits });
  }
  return pieces;
}

export interface DifferenceSum {
  readonly pieces: number;
  readonly withBits: number;
  readonly withoutBits: number;
  readonly bits: number;
}

export function sumOf(pieces: readonly DifferencePiece[]): DifferenceSum {
  const sum = (value: (piece: DifferencePiece) => number) => pieces.reduce((total, piece) => total + value(piece), 0);
  return {
    pieces: pieces.length,
    withBits: sum(({ withBits }) => withBits),
    withoutBits: sum(({ withoutBits }) => withoutBits),
    bits: sum(({ bits }) => bits),
  };
}

/** By the number of the line, from 0; a piece is of the line that its first visible character stands in. */
export function sumsByLine(text: string, pieces: readonly DifferencePiece[]): ReadonlyMap<number, DifferenceSum> {
  const lines = new Map<number, DifferencePiece[]>();
  let line = 0;
  let lineEnd = endOfLine(text, 0);
  for (const piece of pieces) {
    const { start, end } = piece.span;
    const visible = text.slice(start, end).search(/\S/);
    const at = visible < 0 ? start : start + visible;
    while (at > lineEnd && lineEnd < text.length) {
      line++;
      lineEnd = endOfLine(text, lineEnd + 1);
    }
    const ofLine = lines.get(line);
    if (ofLine) ofLine.push(piece);
    else lines.set(line, [piece]);
  }
  return new Map([...lines].map(([number, own]) => [number, sumOf(own)]));
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
