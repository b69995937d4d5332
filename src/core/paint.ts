import { bandCount } from './band';
import type { Span } from './scores';
import type { Mark } from './units';

/** VS Code stops drawing a line after this many UTF-16 units. */
export const renderedColumns = 10_000;
/**
 * Ranges of one editor, the overview ruler's included. Typing becomes slow with some thousands (microsoft/vscode#202154). One less than the 1,000
 * that an editor may have: the report marks the place it went to.
 */
export const rangeLimit = 999;
/** How many of them the overview ruler may take. */
const rulerLimit = 300;
/** How many of them the gutter may take: more lines than a screen has. */
const gutterLimit = 200;
/** A run of whitespace is followed this far to see whether text comes after it; longer runs count as the end of their line. */
const whitespaceReach = 1_000;

export interface PaintRequest {
  /** The document's present text. */
  readonly text: string;
  /** Ascending, without overlap; may reach beyond the places. */
  readonly marks: readonly Mark[];
  /** Plain text with a score is dimmed. */
  readonly muted: boolean;
  /** What is on the screen. */
  readonly visible: readonly Span[];
  /** What surrounds it: painted too, but first to go when there is too much. May overlap `visible`. */
  readonly margin: readonly Span[];
  /** Ranges that are taken of the limit already. */
  readonly takenRanges: number;
}

/** What to paint: index 0 is band 1. The spans of a list ascend and do not touch. */
export interface Painting {
  readonly current: readonly (readonly Span[])[];
  readonly stale: readonly (readonly Span[])[];
  /** Plain text that is dimmed, the white space between it too. */
  readonly muted: readonly Span[];
  /** Empty spans on the lines whose gutter has a sign. */
  readonly gutter: readonly (readonly Span[])[];
}

interface Piece {
  readonly start: number;
  end: number;
  readonly band: number;
  readonly stale: boolean;
  near: boolean;
}

export function paint(request: PaintRequest): Painting {
  const gutter = gutterOf(request);
  const limit = Math.max(0, rangeLimit - request.takenRanges - gutter.length);
  const pieces = piecesOf(request);
  if (pieces.length > limit) {
    pieces.sort((a, b) => b.band - a.band || Number(b.near) - Number(a.near) || a.start - b.start);
    pieces.length = limit;
    pieces.sort((a, b) => a.start - b.start);
  }
  const spansOf = (isWanted: (piece: Piece) => boolean) => pieces.filter(isWanted).map(({ start, end }) => ({ start, end }));
  const bands = Array.from({ length: bandCount }, (_, index) => index + 1);
  return {
    current: bands.map(band => spansOf(piece => !piece.stale && piece.band === band)),
    stale: bands.map(band => spansOf(piece => piece.stale && piece.band === band)),
    muted: spansOf(piece => piece.band === 0),
    gutter: bands.map(band => gutter.filter(sign => sign.band === band).map(({ start }) => ({ start, end: start }))),
  };
}

/** The places without what VS Code does not draw of very long lines; ascending, without overlap. */
export function drawnSpans(text: string, places: readonly Span[]): Span[] {
  return normalised(places).flatMap(place => {
    const spans: { readonly start: number; end: number }[] = [];
    for (let start = place.start; start < place.end;) {
      const lineStart = text.lastIndexOf('\n', start - 1) + 1;
      const lineEnd = Math.min(lineEndFrom(text, start) + 1, place.end);
      const end = Math.min(lineEnd, lineStart + renderedColumns);
      const last = spans.at(-1);
      if (last?.end === start) last.end = Math.max(start, end);
      else if (end > start) spans.push({ start, end });
      start = Math.max(lineEnd, start + 1);
    }
    return spans;
  });
}

/**
 * Where the whole document holds text of the top band, for the overview ruler: one span for a line or for neighbouring ones. `top`: ascending.
 * Only the lines of a span's ends matter. Where there are too many, nearby ones become one.
 */
export function rulerSpans(text: string, top: readonly Span[]): readonly Span[] {
  let spans: { readonly start: number; end: number }[] = [];
  let lineEnd = -1; // of the last marked line
  for (const mark of top) {
    if (mark.end <= lineEnd) continue; // its line has a mark
    for (const piece of paintedParts(text, mark.start, mark.end)) {
      if (piece.start < lineEnd) continue;
      const last = spans.at(-1);
      if (last && piece.start <= lineEndFrom(text, lineEnd + 1)) last.end = piece.end;
      else spans.push({ ...piece });
      lineEnd = lineEndFrom(text, piece.start);
    }
  }
  for (let gap = 64; spans.length > rulerLimit; gap *= 2) spans = joined(spans, gap);
  return spans;
}

/** The marks of the requested places as coloured pieces in ascending order; pieces of one kind that touch are one. */
function piecesOf({ text, marks, muted, visible, margin }: PaintRequest): Piece[] {
  const places = normalised([...visible, ...margin]);
  const pieces: Piece[] = [];
  let lineStart = 0;
  let lineEnd = -1;
  let place = 0;
  for (const mark of marks) {
    const { band } = mark;
    const stale = mark.stale && band !== 0;
    while (place < places.length && (places[place]?.end ?? 0) <= mark.start) place++;
    const shown = places[place];
    if (!shown) break;
    if (band === undefined || (band === 0 && !muted) || mark.end <= shown.start) continue;
    const near = visible.some(({ start, end }) => mark.start < end && mark.end > start);
    // Long units reach far beyond the screen: only their lines that may show are cut into parts.
    const from = mark.start < shown.start ? Math.max(mark.start, text.lastIndexOf('\n', shown.start - 1) + 1) : mark.start;
    const to = Math.min(mark.end, lineEndFrom(text, places.at(-1)?.end ?? 0));
    for (const part of paintedParts(text, from, to)) {
      if (part.start >= lineEnd || part.start < lineStart) {
        lineStart = text.lastIndexOf('\n', part.start - 1) + 1;
        lineEnd = lineEndFrom(text, part.start);
      }
      const partEnd = Math.min(part.end, lineStart + renderedColumns);
      if (part.start >= partEnd) continue;
      const last = pieces.at(-1);
      const isSame = last?.band === band && last.stale === stale;
      // White space between two dimmed words does not show: they are one range.
      if (last && isSame && (last.end === part.start || (band === 0 && isWhiteSpace(text, last.end, part.start)))) {
        last.end = partEnd;
        last.near ||= near;
      } else pieces.push({ start: part.start, end: partEnd, band, stale, near });
    }
  }
  return pieces;
}

/** At most one sign a line, that of the strongest piece which begins there; plain pieces have none. */
function gutterOf({ text, marks, visible, margin }: PaintRequest): readonly { readonly start: number; readonly band: number }[] {
  const signs: { readonly start: number; readonly band: number; readonly near: boolean }[] = [];
  const places = normalised([...visible, ...margin]);
  let lineEnd = -1;
  for (const { start, band, opens, stale } of marks) {
    if (!opens || stale || band === undefined || band === 0) continue;
    if (!places.some(place => start >= place.start && start < place.end)) continue;
    const sign = { start, band, near: visible.some(place => start >= place.start && start < place.end) };
    const last = signs.at(-1);
    if (last && start <= lineEnd) {
      if (band > last.band) signs[signs.length - 1] = sign;
      continue;
    }
    signs.push(sign);
    lineEnd = lineEndFrom(text, start);
  }
  if (signs.length <= gutterLimit) return signs;
  return signs
    .sort((a, b) => Number(b.near) - Number(a.near) || b.band - a.band || a.start - b.start)
    .slice(0, gutterLimit)
    .sort((a, b) => a.start - b.start);
}

/**
 * What of a mark is painted: on each of its lines the text without the whitespace round it, so that words look like words. Whitespace alone is
 * painted only where it is indentation or a second space, line breaks never; wider runs inside a line are alignment, and empty blocks of colour.
 */
export function paintedParts(text: string, start: number, end: number): Span[] {
  const parts: Span[] = [];
  const line = /[^\r\n]+/g;
  const content = text.slice(start, end);
  for (let match = line.exec(content); match; match = line.exec(content)) {
    const [segment] = match;
    const segmentStart = start + match.index;
    const shown = segment.trim();
    if (shown !== '') {
      const partStart = segmentStart + segment.length - segment.trimStart().length;
      parts.push({ start: partStart, end: partStart + shown.length });
    } else if (isFollowedByText(text, segmentStart + segment.length) && (segment.length <= 2 || isLineStart(text, segmentStart)))
      parts.push({ start: segmentStart, end: segmentStart + segment.length });
  }
  return parts;
}

function isWhiteSpace(text: string, start: number, end: number): boolean {
  return end - start <= whitespaceReach && text.slice(start, end).trim() === '';
}

function isLineStart(text: string, offset: number): boolean {
  return offset === 0 || /[\r\n]/.test(text.charAt(offset - 1));
}

function isFollowedByText(text: string, offset: number): boolean {
  const rest = text.slice(offset, offset + whitespaceReach);
  const first = rest.search(/[\r\n]|\S/);
  return first >= 0 && !/[\r\n]/.test(rest.charAt(first));
}

function lineEndFrom(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}

/** The same places, ascending, without overlap. */
function normalised(spans: readonly Span[]): readonly Span[] {
  const sorted = spans.filter(span => span.end > span.start).map(span => ({ ...span }));
  return joined(
    sorted.sort((a, b) => a.start - b.start),
    0,
  );
}

/** Ascending spans with at most `gap` between them become one. */
function joined(spans: readonly Span[], gap: number): { readonly start: number; end: number }[] {
  const result: { readonly start: number; end: number }[] = [];
  for (const { start, end } of spans) {
    const last = result.at(-1);
    if (last && start - last.end <= gap) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}
