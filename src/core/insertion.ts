import { fewDifferingLines } from './lineDiff';
import type { DifferingRange } from './lineDiff';
import type { Span } from './scores';

/** One of the changes of an edit: the UTF-16 range [start, end) of the text before the edit is replaced by `text`. */
export interface TextChange extends Span {
  readonly text: string;
}

/** A change with what it makes another of the text, see `separated`. */
export interface SeparatedChange extends TextChange {
  readonly pieces: readonly TextChange[];
}

/** New text in one place; the offsets are of the text after the edit. */
export interface InsertedPart extends Span {
  /** What stood there before and does not any more; '' where nothing was replaced, or nobody knows. */
  readonly replaced: string;
}

/** What is known of an edit beside its changes. */
export interface EditAround {
  /** The text before the edit; undefined where nobody kept it: then all of a change counts as new. */
  readonly before: string | undefined;
  /** UTF-16 offsets of the cursors, as they were before the edit or are after it: whichever is known is enough. */
  readonly cursors: readonly number[];
  /** Of the changes, the ranges that were selected: whoever pastes over a word has selected it. VS Code ends the selection before it renames. */
  readonly selected: readonly Span[];
  /** Where the edit before this one ended, in the text before this one: whoever accepts a completion of a word has just typed its beginning. */
  readonly typedTo: readonly number[];
  readonly isUndoOrRedo: boolean;
  /** Between the wish to save the document and its having been saved: made by a formatter, or by whatever else tidies up then. */
  readonly isSaving: boolean;
}

/**
 * Characters, white space not counted, from which on new text is more than a few: typing puts in one at a time, brackets come as two, a new line
 * with its indentation.
 */
export const leastCharacters = 5;
/** A change that is longer, UTF-16, or in which more lines differ, is not taken apart: it would take too long for an edit. */
const longestApart = 200_000;
const mostDifferingLines = 200;
const mostDifferingWords = 20;

/**
 * What an edit inserted, in document order, if it is an insertion: new text of some length, put in at once. Text that replaces other text counts
 * with what is new of it, line by line, though the whole document be replaced. Undefined for undo and redo, which put back what was there; for what
 * saving does; for an edit in several places without a cursor at each (a rename, a formatter, a refactoring); for text that the same edit takes away
 * elsewhere (a moved line); for the brackets, quotes and tags that close what was typed; for a name in place of another (see `isRenamed`).
 */
export function insertionOf(changes: readonly SeparatedChange[], around: EditAround): readonly InsertedPart[] | undefined {
  if (around.isUndoOrRedo || around.isSaving) return undefined;
  const { before } = around;
  const parts: (InsertedPart & { readonly text: string })[] = [];
  const removed: string[] = [];
  let shift = 0;
  for (const change of [...changes].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const { start, end, text, pieces } = change;
    const now = start + shift;
    const hasCursor = around.cursors.some(at => (start <= at && at <= end) || (now <= at && at <= now + text.length));
    if (changes.length > 1 && !hasCursor) return undefined;
    const old = before?.slice(start, end) ?? '';
    const isSettled = settlesConflict(old, text);
    const isKept = isSettled && text.trim() === ownSide(old).trim();
    for (const piece of pieces) {
      const replaced = before?.slice(piece.start, piece.end) ?? '';
      const { text: added } = piece;
      const at = piece.start + shift;
      shift += added.length - (piece.end - piece.start);
      if (!isSettled) removed.push(...replaced.split('\n').map(line => line.trim()));
      const isNothing = added === '' || (pieces.length > 1 && added.trim() === '');
      if (!isNothing && !isKept && !isClosing(added) && !isRenamed(change, piece, around))
        parts.push({ start: at, end: at + added.length, replaced, text: added });
    }
  }
  const isLong = parts.some(({ text }) => lengthOf(text) >= leastCharacters);
  const isMoved = parts.every(({ text }) => text.split('\n').every(line => line.trim() === '' || removed.includes(line.trim())));
  if (!isLong || isMoved) return undefined;
  return parts.map(({ start, end, replaced }) => ({ start, end, replaced }));
}

/** White space not counted. */
function lengthOf(text: string): number {
  return text.replaceAll(/\s+/g, '').length;
}

/**
 * What a change makes another of the text, in document order and in offsets of the text before: without what is the same on both sides. A change of
 * several lines, such as of a whole document, is taken apart by lines, where few of them differ by more than white space; lines without a letter or
 * digit are too common to part two changes. `before` undefined: the change itself.
 */
export function separated(change: TextChange, before: string | undefined): readonly TextChange[] {
  if (before === undefined) return [change];
  const { start, end, text } = change;
  const old = before.slice(start, end);
  const whole = withoutCommonEnds({ start, end, text }, old);
  const isShort = !old.includes('\n') || !text.includes('\n');
  if (isShort || old.length > longestApart || text.length > longestApart || settlesConflict(old, text)) return whole;
  const [olds, news] = [linesOf(old), linesOf(text)];
  const ranges = fewDifferingLines(
    olds.map(line => line.trim()),
    news.map(line => line.trim()),
    mostDifferingLines,
  );
  if (!ranges) return whole;
  const pieces: TextChange[] = [];
  let [from, to, at] = [0, 0, start];
  const take = (
    oldLines: readonly string[],
    newLines: readonly string[],
    separate: (change: TextChange, old: string) => readonly TextChange[],
  ) => {
    const isPaired = oldLines.length === newLines.length;
    const [oldTexts, newTexts] = isPaired ? [oldLines, newLines] : [[oldLines.join('')], [newLines.join('')]];
    for (const [index, oldText] of oldTexts.entries()) {
      if (oldText !== newTexts[index])
        pieces.push(...separate({ start: at, end: at + oldText.length, text: newTexts[index] ?? '' }, oldText));
      at += oldText.length;
    }
  };
  const theEnd: DifferingRange = { removed: { from: olds.length, to: olds.length }, added: { from: news.length, to: news.length } };
  for (const { removed, added } of [...joined(ranges, olds), theEnd]) {
    take(olds.slice(from, removed.from), news.slice(to, added.from), withoutCommonEnds); // the same but for white space
    take(olds.slice(removed.from, removed.to), news.slice(added.from, added.to), separatedInLine);
    [from, to] = [removed.to, added.to];
  }
  // A text in one place may begin anywhere in a line.
  return pieces.length > 1 ? withoutTouching(pieces) : whole;
}

/** One change of what differs of a line, or several where each is next to nothing or a name: a formatter's, a rename's. */
function separatedInLine(change: TextChange, old: string): readonly TextChange[] {
  const whole = withoutCommonEnds(change, old);
  const wordsOf = (text: string) => text.match(/[\p{L}\p{M}\p{N}_$]+|\r?\n|./gsu) ?? [];
  const [olds, news] = [wordsOf(old), wordsOf(change.text)];
  const ranges = fewDifferingLines(olds, news, mostDifferingWords) ?? [];
  const pieces: TextChange[] = [];
  let [from, at] = [0, change.start];
  for (const { removed, added } of ranges) {
    at += olds.slice(from, removed.from).join('').length;
    const replaced = olds.slice(removed.from, removed.to).join('');
    const text = news.slice(added.from, added.to).join('');
    if (lengthOf(text) >= leastCharacters && !(isName(text) && isName(replaced))) return whole;
    pieces.push({ start: at, end: at + replaced.length, text });
    at += replaced.length;
    from = removed.to;
  }
  return pieces.length > 0 ? pieces : whole;
}

/** Two that touch are one. */
function withoutTouching(pieces: readonly TextChange[]): readonly TextChange[] {
  const found: TextChange[] = [];
  for (const piece of pieces) {
    const last = found.at(-1);
    if (last?.end === piece.start) found.splice(-1, 1, { start: last.start, end: piece.end, text: last.text + piece.text });
    else found.push(piece);
  }
  return found;
}

/** One piece, or none. */
function withoutCommonEnds({ start, end, text }: TextChange, old: string): readonly TextChange[] {
  const { prefix, suffix } = common(old, text);
  const piece = { start: start + prefix, end: end - suffix, text: text.slice(prefix, text.length - suffix) };
  return piece.end > piece.start || piece.text !== '' ? [piece] : [];
}

/** With their line breaks. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** One range in place of two with nothing between them but lines without a letter or digit. */
function joined(ranges: readonly DifferingRange[], olds: readonly string[]): readonly DifferingRange[] {
  return ranges.reduce<DifferingRange[]>((found, range) => {
    const last = found.at(-1);
    const between = last && olds.slice(last.removed.to, range.removed.from);
    if (!last || !between || between.some(line => /[\p{L}\p{N}]/u.test(line))) return [...found, range];
    const both = {
      removed: { from: last.removed.from, to: range.removed.to },
      added: { from: last.added.from, to: range.added.to },
    };
    return [...found.slice(0, -1), both];
  }, []);
}

/** The text has Git's marks of a conflict, which the change takes away: what is chosen stood between them, and is new all the same. */
function settlesConflict(old: string, text: string): boolean {
  return conflictMark.test(old) && !conflictMark.test(text);
}

const conflictMark = /^<{7}(?: .*)?\r?\n[\s\S]*^={7}\r?\n[\s\S]*^>{7}(?: .*)?$/m;

/** Of the sides of a conflict the one that the file had before: where it is chosen, nothing is new. */
function ownSide(conflict: string): string {
  return /^<{7}(?: .*)?\r?\n([\s\S]*?)^(?:\|{7}|={7})/m.exec(conflict)?.[1] ?? '';
}

/**
 * A whole name gives way to another. The event of an edit does not say that it is a rename, and where there is only one place to rename, VS Code makes
 * the edit as small as it can: `meanOfAll` for `mean` is `OfAll` put in, just as by a paste or a completion. These differ in what was before: a paste
 * has its target selected, or a cursor where it puts something in; a completion begins like what was just typed. So a name that is renamed to a longer
 * one with the cursor right at its end counts as inserted.
 */
function isRenamed(change: TextChange, { start, end, text }: TextChange, around: EditAround): boolean {
  const { before, cursors, selected, typedTo } = around;
  if (change.start === change.end && (before === undefined || cursors.includes(start))) return false;
  if (selected.some(span => span.start <= start && end <= span.end)) return false;
  const left = /[\p{L}\p{M}\p{N}_$]*$/u.exec(before?.slice(Math.max(0, start - longestName), start) ?? '')?.[0] ?? '';
  const right = /^[\p{L}\p{M}\p{N}_$]*/u.exec(before?.slice(end, end + longestName) ?? '')?.[0] ?? '';
  const [old, name] = [left + (before?.slice(start, end) ?? '') + right, left + text + right];
  if (!isName(name) || (before !== undefined && !isName(old))) return false;
  const isTyped = typedTo.includes(before === undefined ? change.end : end + right.length);
  return !(isTyped && beginsLike(name, old));
}

function isName(word: string): boolean {
  return /^[\p{L}_$][\p{L}\p{M}\p{N}_$]*$/u.test(word);
}

/** UTF-16. */
const longestName = 200;

/** As lists of completions filter: the characters are there in this order, whatever is between them. */
function beginsLike(name: string, typed: string): boolean {
  let at = -1;
  const folded = name.toLowerCase();
  return Array.from(typed.toLowerCase()).every(character => (at = folded.indexOf(character, at + 1)) >= 0);
}

/** Brackets and quotes, or the end of an element: editors add them to what is typed. */
function isClosing(text: string): boolean {
  return /^(?:[\])}>"'`]+|<\/[\w:.-]+>)$/.test(text);
}

/** How much two texts share at their ends, in whole characters and line breaks. */
function common(old: string, text: string): { readonly prefix: number; readonly suffix: number } {
  const shorter = Math.min(old.length, text.length);
  let prefix = 0;
  while (prefix < shorter && old.charCodeAt(prefix) === text.charCodeAt(prefix)) prefix++;
  if (isInside(old, prefix) || isInside(text, prefix)) prefix--;
  let suffix = 0;
  while (suffix < shorter - prefix && old.charCodeAt(old.length - 1 - suffix) === text.charCodeAt(text.length - 1 - suffix)) suffix++;
  if (isInside(old, old.length - suffix) || isInside(text, text.length - suffix)) suffix--;
  return { prefix, suffix };
}

/** Between the halves of a character, or of a CRLF. */
function isInside(text: string, offset: number): boolean {
  return offset > 0 && /^(?:[\ud800-\udbff][\udc00-\udfff]|\r\n)$/.test(text.slice(offset - 1, offset + 1));
}

/** An insertion on its way through later edits. Lengths are UTF-16. */
export interface TrackedPart extends InsertedPart {
  /** How long it was at first, how much of that has been deleted since, and how much other text has been put between. */
  readonly first: number;
  readonly lost: number;
  readonly added: number;
}

export function tracked(parts: readonly InsertedPart[]): readonly TrackedPart[] {
  return parts.map(part => ({ ...part, first: part.end - part.start, lost: 0, added: 0 }));
}

/**
 * Where the parts are after one more edit. Text that is put in at their edges is not of them. Parts of which more than half is gone, or that have
 * more new text than old, are edited beyond recognition and left out.
 */
export function movedParts(parts: readonly TrackedPart[], changes: readonly TextChange[]): readonly TrackedPart[] {
  const fromLast = [...changes].sort((a, b) => b.start - a.start || b.end - a.end);
  return parts
    .map(part => fromLast.reduce(moved, part))
    .filter(({ start, end, first, lost, added }) => end > start && lost * 2 <= first && added <= first);
}

function moved(part: TrackedPart, { start, end, text }: TextChange): TrackedPart {
  if (start >= part.end) return part;
  const grown = text.length - (end - start);
  if (end <= part.start) return { ...part, start: part.start + grown, end: part.end + grown };
  const lost = part.lost + Math.min(end, part.end) - Math.max(start, part.start);
  if (start < part.start) return { ...part, start: Math.min(end, part.end) + grown, end: Math.max(end, part.end) + grown, lost };
  if (end > part.end) return { ...part, end: start, lost };
  return { ...part, end: part.end + grown, lost, added: part.added + text.length };
}

/** The edit puts something into one of the spans, or takes something of it. */
export function touches(spans: readonly Span[], changes: readonly TextChange[]): boolean {
  return changes.some(({ start, end }) => spans.some(span => start < span.end && end > span.start));
}
