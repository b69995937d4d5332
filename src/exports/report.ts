import type { BandEdges } from '../core/band';
import { cellsWithin } from '../core/cells';
import { summaryOf } from '../core/report';
import { rowState } from '../core/scores';
import type { Gap, Provenance, ScoreTable, Span, Summary } from '../core/scores';
import { sliceTable } from '../core/scoreTable';
import type { Vocabulary } from '../core/vocabulary';

/** Everything a writer may say of one scored text, or of a part of it. The same for the editor and the command line. */
export interface Report {
  /** What tells this text from others of the same run: a name, or the number of a line from 1 on. */
  readonly item: string | number;
  /** File name for people; undefined for what has none, such as standard input. */
  readonly source: string | undefined;
  /** The whole text as read, byte order mark included: offsets count in it. */
  readonly text: string;
  /** The part of the text that is reported, at borders of cells; undefined: all of it. */
  readonly part: Span | undefined;
  /** Of the part; no row is pending. */
  readonly table: ScoreTable;
  readonly gaps: readonly Gap[];
  readonly vocabulary: Vocabulary;
  /** How many windows the text was read in; undefined where that is not known. */
  readonly windows: number | undefined;
  readonly summary: Summary;
  readonly provenance: Provenance;
  /** Lower edges of the colour bands, in bits. */
  readonly edges: BandEdges;
}

/** Said of a gap wherever an unscored token has its reason. */
export const gapReason = 'no token in the vocabulary';

/** Where in the text the report is about. */
export function reportedSpan({ text, part }: Report): Span {
  return part ?? { start: 0, end: text.length };
}

/**
 * The report of a selection: of the cells that lie mostly inside it, and where there are none, of those that it touches. Offsets stay those of
 * the document.
 */
export function partOf(report: Report, selection: Span): Report {
  const { table } = report;
  const list = cellsWithin(table, selection);
  const touched = Array.from({ length: list.length }, (_, index) => ({
    start: list.starts[index] ?? 0,
    end: list.ends[index] ?? 0,
    firstToken: list.firstTokens[index] ?? 0,
    endToken: list.endTokens[index] ?? 0,
  }));
  const inside = touched.filter(({ start, end }) => {
    const shared = Math.min(end, selection.end) - Math.max(start, selection.start);
    return 2 * shared > end - start;
  });
  const cells = inside.length > 0 ? inside : touched;
  const [first, last] = [cells[0], cells.at(-1)];
  // Cells stay whole; what is no token (a gap, a byte order mark) is cut where the selection is.
  const start = first === touched[0] ? Math.min(selection.start, first?.start ?? Infinity) : (first?.start ?? selection.start);
  const end = last === touched.at(-1) ? Math.max(selection.end, last?.end ?? 0) : (last?.end ?? selection.end);
  const gaps = report.gaps.filter(gap => gap.start < end && gap.end > start);
  const part = { start: Math.min(start, gaps[0]?.start ?? start), end: Math.max(end, gaps.at(-1)?.end ?? end) };
  const rows = sliceTable(table, first?.firstToken ?? 0, last?.endToken ?? 0);
  const bytes = byteLength(gaps) + sum(rows.endBytes) - sum(rows.startBytes);
  return { ...report, part, table: rows, gaps, summary: summaryOf(rows, bytes) };
}

/** Bytes of the scored copy. */
export function byteLength(gaps: readonly Gap[]): number {
  return gaps.reduce((bytes, { startByte, endByte }) => bytes + endByte - startByte, 0);
}

/** Some tokens had nothing before them. */
export function hasUnscored({ table }: Report): boolean {
  return table.states.includes(rowState.unscored);
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}
