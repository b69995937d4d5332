import { bandCount, bandOf } from './band';
import type { BandEdges } from './band';
import type { Cells } from './cells';
import type { Span } from './scores';

/** VS Code stops drawing a line after this many UTF-16 units. */
export const renderedColumns = 10_000;
/** Ranges of one editor. Typing becomes slow with some thousands (microsoft/vscode#202154). */
export const rangeLimit = 1_000;
/** How many of them the overview ruler may take. */
const rulerLimit = 300;

export interface PaintRequest {
  /** The document's present text. */
  readonly text: string;
  readonly cells: Cells;
  readonly stale: Cells;
  readonly edges: BandEdges;
  /** What is on the screen, and then what surrounds it: ranges of the first win when there are too many. May overlap. */
  readonly visible: readonly Span[];
  readonly margin: readonly Span[];
  /** Of `rulerSpans`; they count in the limit. */
  readonly rulerCount: number;
}

/** What to paint: index 0 is band 1. Spans of one list ascend and do not touch. */
export interface Painting {
  readonly current: readonly (readonly Span[])[];
  readonly stale: readonly (readonly Span[])[];
}

interface Piece extends Span {
  readonly band: number;
  readonly stale: boolean;
  readonly near: boolean;
}

export function paint(request: PaintRequest): Painting {
  const near = normalised(request.visible);
  const far = without(normalised(request.margin), near);
  const pieces = [
    ...piecesOf(request, request.cells, near, false, true),
    ...piecesOf(request, request.stale, near, true, true),
    ...piecesOf(request, request.cells, far, false, false),
    ...piecesOf(request, request.stale, far, true, false),
  ];
  return {
    current: byBand(strongest(pieces, rangeLimit - request.rulerCount).filter(piece => !piece.stale)),
    stale: byBand(strongest(pieces, rangeLimit - request.rulerCount).filter(piece => piece.stale)),
  };
}

/** The lines that hold text of the top band, in the whole document: one span for neighbouring lines. Nearby ones become one when there are too many. */
export function rulerSpans(text: string, cells: Cells, edges: BandEdges): readonly Span[] {
  const lines: { start: number; end: number }[] = [];
  let lineEnd = -1;
  for (let index = 0; index < cells.length; index++) {
    if (bandOf(cells.bits[index] ?? NaN, edges) !== bandCount) continue;
    for (const piece of visiblePieces(text, { start: cells.starts[index] ?? 0, end: cells.ends[index] ?? 0 })) {
      if (piece.start < lineEnd) continue; // this line has its mark
      const next = text.indexOf('\n', piece.start);
      const last = lines.at(-1);
      if (last && lineEnd >= 0 && text.indexOf('\n', lineEnd) === -1) break;
      if (last && text.lastIndexOf('\n', piece.start - 1) === lineEnd) last.end = piece.end;
      else lines.push({ start: piece.start, end: piece.end });
      lineEnd = next < 0 ? text.length : next;
    }
  }
  let merged = lines;
  for (let gap = 64; merged.length > rulerLimit; gap *= 2) merged = closeTogether(merged, gap);
  return merged;
}
