import type { Span } from './scores';

/** One of the changes of an edit: the UTF-16 range [start, end) of the text before the edit is replaced by `text`. */
export interface TextChange extends Span {
  readonly text: string;
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
  readonly isUndoOrRedo: boolean;
  /** Between the wish to save the document and its having been saved: made by a formatter, or by whatever else tidies up then. */
  readonly isSaving: boolean;
}

/**
 * Characters, white space not counted, from which on new text is more than a few: typing puts in one at a time, brackets come as two, a new line
 * with its indentation.
 */
export const leastCharacters = 5;

/**
 * What an edit inserted, in document order, if it is an insertion: new text of some length, put in at once. Text that replaces other text counts
 * with what is new of it. Undefined for undo and redo, which put back what was there; for what saving does; for an edit in several places without a
 * cursor at each (a rename, a formatter, a refactoring); for text that the same edit takes away elsewhere (a moved line); and for the brackets,
 * quotes and tags that close what was typed.
 */
export function insertionOf(changes: readonly TextChange[], around: EditAround): readonly InsertedPart[] | undefined {
  if (around.isUndoOrRedo || around.isSaving) return undefined;
  const parts: (InsertedPart & { readonly text: string })[] = [];
  const removed: string[] = [];
  let shift = 0;
  for (const { start, end, text } of [...changes].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const now = start + shift;
    const hasCursor = around.cursors.some(at => (start <= at && at <= end) || (now <= at && at <= now + text.length));
    if (changes.length > 1 && !hasCursor) return undefined;
    const old = around.before?.slice(start, end) ?? '';
    const { prefix, suffix } = common(old, text);
    const added = text.slice(prefix, text.length - suffix);
    const replaced = old.slice(prefix, old.length - suffix);
    if (added === '') removed.push(replaced);
    else if (!isClosing(added)) parts.push({ start: now + prefix, end: now + prefix + added.length, replaced, text: added });
    shift += text.length - (end - start);
  }
  const isLong = parts.some(({ text }) => text.replaceAll(/\s+/g, '').length >= leastCharacters);
  const isMoved = parts.every(({ text }) => removed.some(other => other.trim() !== '' && text.trim() === other.trim()));
  if (!isLong || isMoved) return undefined;
  return parts.map(({ start, end, replaced }) => ({ start, end, replaced }));
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
