import { CellList } from './cells';
import type { Cells } from './cells';
import { firstWhere } from './search';

/** One of the changes of an edit, in offsets of the text before the edit: the UTF-16 range [start, end) is replaced by `length` units. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

/** The same for all edits so far, in offsets of the text before the first. */
interface Piece extends Change {
  /** What lies before it has moved by so much. */
  readonly shift: number;
}

/** How a text has moved away from the one that a table was made of: offsets of *then* and of *now*. */
export class Drift {
  /** Ascending, not touching each other. */
  #pieces: readonly Piece[] = [];
  #settledUpTo = Infinity;

  /** No edit since then. */
  get isNone(): boolean {
    return this.#pieces.length === 0;
  }

  /** Up to here tokens are what they were, and so are offsets; Infinity without an edit. */
  get settledUpTo(): number {
    return this.#settledUpTo;
  }

  /** `changes`: of one edit, in any order. `settled`: what `settledUpTo` says of the text after the edit at the first change. */
  edited(changes: readonly Change[], settled: number): void {
    this.#settledUpTo = Math.min(this.#settledUpTo, settled);
    const sorted = [...changes].sort((a, b) => a.start - b.start || a.end - b.end);
    const pieces: Piece[] = [];
    let [oldIndex, newIndex] = [0, 0];
    let before = 0; // shift by the pieces behind us
    let shift = 0; // the same with the new changes
    while (oldIndex < this.#pieces.length || newIndex < sorted.length) {
      const shiftThen = before;
      let [start, end] = [Infinity, -Infinity]; // of what touches, between the edits
      let grown = 0;
      for (;;) {
        const piece = this.#pieces[oldIndex];
        const change = sorted[newIndex];
        const pieceStart = piece ? piece.start + piece.shift : Infinity;
        const changeStart = change ? change.start : Infinity;
        const next = Math.min(pieceStart, changeStart);
        if (next === Infinity || (end >= 0 && next > end)) break;
        start = Math.min(start, next);
        if (piece && pieceStart === next) {
          end = Math.max(end, pieceStart + piece.length);
          before += piece.length - (piece.end - piece.start);
          oldIndex++;
        } else if (change) {
          end = Math.max(end, change.end);
          grown += change.length - (change.end - change.start);
          newIndex++;
        }
      }
      const piece = { start: start - shiftThen, end: end - before, length: end - start + grown, shift };
      shift += piece.length - (piece.end - piece.start);
      pieces.push(piece);
    }
    this.#pieces = pieces;
  }

  /** Where an offset of now was then; what was put in since is where it was put, or the end of what it stands for (`atEnd`). */
  then(offset: number, atEnd = false): number {
    const piece = this.#last(({ start, shift }) => start + shift <= offset);
    if (!piece) return offset;
    const into = offset - piece.start - piece.shift;
    if (into < piece.length) return atEnd ? piece.end : piece.start;
    return piece.end + into - piece.length;
  }

  /** The way back; what is not there any more is where its beginning or its end was. */
  now(offset: number, atEnd = false): number {
    const piece = this.#last(({ start }) => start <= offset);
    if (!piece) return offset;
    const into = offset - piece.start;
    const start = piece.start + piece.shift;
    if (into < piece.end - piece.start) return atEnd ? start + piece.length : start;
    return start + piece.length + into - (piece.end - piece.start);
  }

  /** Cells of then, where they are now: those an edit touched, or was made right beside, are gone. */
  cellsNow(cells: Cells): Cells {
    if (this.isNone) return cells;
    const list = new CellList();
    let at = 0;
    for (let index = 0; index < cells.length; index++) {
      const start = cells.starts[index] ?? 0;
      while (at < this.#pieces.length && (this.#pieces[at]?.end ?? 0) < start) at++;
      const next = this.#pieces[at];
      if (next && next.start <= (cells.ends[index] ?? 0)) continue;
      const before = this.#pieces[at - 1];
      list.addFrom(cells, index, before ? before.shift + before.length - (before.end - before.start) : 0);
    }
    return list;
  }

  /** Cells of now, where they were then; only such as no edit touched. */
  cellsThen(cells: Cells): Cells {
    if (this.isNone) return cells;
    const list = new CellList();
    for (let index = 0; index < cells.length; index++) {
      const start = cells.starts[index] ?? 0;
      list.addFrom(cells, index, this.then(start) - start);
    }
    return list;
  }

  /** The last of the pieces that begin early enough. */
  #last(isEarly: (piece: Piece) => boolean): Piece | undefined {
    const isLate = (piece: Piece | undefined) => !piece || !isEarly(piece);
    return this.#pieces[firstWhere(this.#pieces.length, index => isLate(this.#pieces[index])) - 1];
  }
}

/** Longer words are not followed to their beginning. */
const mostSteps = 10_000;

/**
 * Up to where tokens stay as they are when the text changes at `offset`: before the word that stands there and the white space before that
 * word, since pre-tokenizers group a run of white space by what follows it. What a model says of a token never depends on later text.
 */
export function settledUpTo(text: string, offset: number): number {
  let at = offset;
  const last = Math.max(0, offset - mostSteps);
  const back = (isSpace: boolean) => {
    while (at > last && /\s/.test(text.charAt(at - 1)) === isSpace) at--;
  };
  back(false);
  back(true);
  back(false); // the rest of the word before: "word\n" may be one pre-token with what follows the word
  return at > last ? at : 0;
}
