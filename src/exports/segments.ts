import { bandOf, type BandEdges } from '../core/band';
import { cellsOf } from '../core/cells';
import type { Gap, ScoreTable, Span } from '../core/scores';
import { reportedSpan, type Report } from './report';

/** A piece of the text for drawing. Segments tile what is reported: they join, without overlap, to the whole of it. */
export interface Segment extends Span {
  /** Rows of the table: tokens [firstToken, endToken); none for gaps and for what is not scored, such as a byte order mark. */
  readonly firstToken: number;
  readonly endToken: number;
  /** Undefined where a token has no score, and where there is no token. */
  readonly bits: number | undefined;
  readonly band: number | undefined;
  /** Some of its bytes have no token. */
  readonly gap: boolean;
}

export function* segmentsOf(report: Report): Generator<Segment> {
  const { table, gaps, edges } = report;
  const { start: from, end: to } = reportedSpan(report);
  let at = from;
  let held: Segment | undefined;
  for (const item of inOrder(table, gaps)) {
    if (held && item.start < held.end) {
      // Gaps inside one character that also has tokens: one of the two has them, because cells never overlap.
      const scored = held.endToken > held.firstToken ? held : item;
      held = { ...scored, start: held.start, end: Math.max(held.end, item.end), gap: true };
      continue;
    }
    if (held) yield withBand(held, edges);
    at = held?.end ?? at;
    if (item.start > at) yield plain(at, item.start);
    held = item;
  }
  if (held) yield withBand(held, edges);
  at = held?.end ?? at;
  if (at < to) yield plain(at, to);
}

function* inOrder(table: ScoreTable, gaps: readonly Gap[]): Generator<Segment> {
  const cells = cellsOf(table);
  let nextGap = 0;
  for (let cell = 0; cell < cells.length; cell++) {
    const start = cells.starts[cell] ?? 0;
    for (let gap = gaps[nextGap]; gap && gap.start <= start; gap = gaps[++nextGap]) yield ofGap(gap);
    const bits = cells.bits[cell] ?? NaN;
    yield {
      start,
      end: cells.ends[cell] ?? 0,
      firstToken: cells.firstTokens[cell] ?? 0,
      endToken: cells.endTokens[cell] ?? 0,
      bits: Number.isNaN(bits) ? undefined : bits,
      band: undefined,
      gap: false,
    };
  }
  for (let gap = gaps[nextGap]; gap; gap = gaps[++nextGap]) yield ofGap(gap);
}

function ofGap({ start, end }: Gap): Segment {
  return { ...plain(start, end), gap: true };
}

function plain(start: number, end: number): Segment {
  return { start, end, firstToken: 0, endToken: 0, bits: undefined, band: undefined, gap: false };
}

function withBand(segment: Segment, edges: BandEdges): Segment {
  return { ...segment, band: segment.bits === undefined ? undefined : bandOf(segment.bits, edges) };
}

/**
 * Where the paint of a coloured segment goes: words look like words, so the space before one stays plain. Spaces alone are painted, because
 * a surprising space is worth seeing; a line break alone has nothing to paint. Offsets within `text`, the segment's own.
 */
export function paintOf(text: string): Span {
  const visible = text.search(/\S/u);
  if (visible >= 0) return { start: visible, end: text.trimEnd().length };
  return /[\r\n]/.test(text) ? { start: 0, end: 0 } : { start: 0, end: text.length };
}
