import { bandCount, bandOf } from './band';
import type { BandEdges } from './band';
import { firstCellEndingAfter } from './cells';
import type { Cells } from './cells';
import type { Span } from './scores';

/** VS Code stops drawing a line after this many UTF-16 units. */
export const renderedColumns = 10_000;
/** Ranges of one editor, the overview ruler's included. Typing becomes slow with some thousands (microsoft/vscode#202154). */
export const rangeLimit = 1_000;
/** How many of them the overview ruler may take. */
const rulerLimit = 300;
/** A run of whitespace is followed this far to see whether text comes after it; longer runs count as the end of their line. */
const whitespaceReach = 1_000;

export interface PaintRequest {
  /** The document's present text. */
  readonly text: string;
  readonly cells: Cells;
  readonly stale: Cells;
  readonly edges: BandEdges;
  /** What is on the screen. */
  readonly visible: readonly Span[];
  /** What surrounds it: painted too, but first to go when there is too much. May overlap `visible`. */
  readonly margin: readonly Span[];
  /** Ranges the overview ruler takes of the limit. */
  readonly rulerCount: number;
}

/** What to paint: index 0 is band 1. The spans of a list ascend and do not touch. */
export interface Painting {
  readonly current: readonly (readonly Span[])[];
  readonly stale: readonly (readonly Span[])[];
}

interface Piece {
  readonly start: number;
  end: number;
  readonly band: number;
  readonly stale: boolean;
  near: boolean;
}

export function paint(request: PaintRequest): Painting {
  const pieces = [...piecesOf(request, request.cells, false), ...piecesOf(request, request.stale, true)];
  const limit = Math.max(0, rangeLimit - request.rulerCount);
  if (pieces.length > limit) {
    pieces.sort((a, b) => b.band - a.band || Number(b.near) - Number(a.near) || a.start - b.start);
    pieces.length = limit;
    pieces.sort((a, b) => a.start - b.start);
  }
  const byBand = (stale: boolean) =>
    Array.from({ length: bandCount }, (_, index) =>
      pieces.filter(piece => piece.stale === stale && piece.band === index + 1).map(({ start, end }) => ({ start, end })),
    );
  return { current: byBand(false), stale: byBand(true) };
}

/**
 * Where the whole document holds text of the top band, for the overview ruler: one span for a line or for neighbouring ones.
 * Only the lines of a span's ends matter. Where there are too many, nearby ones become one.
 */
export function rulerSpans(text: string, cells: Cells, edges: BandEdges): readonly Span[] {
  let spans: { readonly start: number; end: number }[] = [];
  let lineEnd = -1; // of the last marked line
  const [, , , , topEdge] = edges;
  for (let index = 0; index < cells.length; index++) {
    if (!((cells.bits[index] ?? NaN) >= topEdge)) continue; // NaN, too
    const cellEnd = cells.ends[index] ?? 0;
    if (cellEnd <= lineEnd) continue; // its line has a mark
    for (const piece of paintedParts(text, cells.starts[index] ?? 0, cellEnd)) {
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

/** The cells of the requested places as coloured pieces in ascending order; pieces of one band that touch are one. */
function piecesOf(request: PaintRequest, cells: Cells, stale: boolean): Piece[] {
  const { text, edges, visible } = request;
  const pieces: Piece[] = [];
  let index = 0;
  let lineStart = 0;
  let lineEnd = -1;
  for (const span of normalised([...visible, ...request.margin])) {
    index = Math.max(index, firstCellEndingAfter(cells, span.start));
    while (index < cells.length && (cells.starts[index] ?? 0) < span.end) {
      const start = cells.starts[index] ?? 0;
      const end = cells.ends[index] ?? 0;
      if (start < lineEnd && start - lineStart >= renderedColumns) {
        index = Math.max(index + 1, firstCellEndingAfter(cells, lineEnd)); // the rest of this line is not drawn
        continue;
      }
      const band = bandOf(cells.bits[index] ?? NaN, edges) ?? 0;
      index++;
      if (band === 0) continue;
      const near = visible.some(place => start < place.end && end > place.start);
      for (const part of paintedParts(text, start, end)) {
        if (part.start >= lineEnd) {
          lineStart = text.lastIndexOf('\n', part.start - 1) + 1;
          lineEnd = lineEndFrom(text, part.start);
        }
        const partEnd = Math.min(part.end, lineStart + renderedColumns);
        if (part.start >= partEnd) continue;
        const last = pieces.at(-1);
        if (last?.band === band && last.end === part.start) {
          last.end = partEnd;
          last.near ||= near;
        } else pieces.push({ start: part.start, end: partEnd, band, stale, near });
      }
    }
  }
  return pieces;
}

/**
 * What of a cell is painted: on each of its lines the text without the whitespace round it, so that words look like words. Whitespace alone is
 * painted only where it is indentation or a second space, line breaks never; wider runs inside a line are alignment, and empty blocks of colour.
 */
function paintedParts(text: string, start: number, end: number): Span[] {
  const parts: Span[] = [];
  const line = /[^\r\n]+/g;
  const cell = text.slice(start, end);
  for (let match = line.exec(cell); match; match = line.exec(cell)) {
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
