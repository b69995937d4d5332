import { bandCount, bandOf } from './band';
import type { BandEdges } from './band';
import { firstRowEndingAfter } from './cells';
import { formatCount, formatDecimal } from './numberText';
import { rowState } from './scores';
import type { NoiseFloor, ScoreTable, Span } from './scores';

/** The numbers of a text, or of a selection in it. Ratios are over scored tokens alone, and null where there are none. */
export interface TextReport {
  readonly tokens: number;
  readonly scoredTokens: number;
  readonly totalBits: number;
  /** UTF-8, of scored tokens. */
  readonly scoredBytes: number;
  /** Unicode code points, of scored tokens; a line break is one. */
  readonly scoredCharacters: number;
  readonly bitsPerByte: number | null;
  readonly bitsPerCharacter: number | null;
  /** 2^(mean bits of scored tokens). */
  readonly perplexity: number | null;
  readonly meanEntropyBits: number | null;
  /** Share of the scored tokens that are in band 0 to 5, by the bits of their cells; they add up to 1, or are all 0. */
  readonly bandShares: readonly number[];
  readonly shape: readonly ShapeColumn[];
  /** The most surprising cells, most surprising first. UTF-16. */
  readonly peaks: readonly Peak[];
}

/** One of at most `shapeColumns` stretches of equally many tokens. */
export interface ShapeColumn {
  /** UTF-16 offset of its first token. */
  readonly start: number;
  /** Mean of its scored tokens; null where it has none. */
  readonly meanBits: number | null;
}

export interface Peak extends Span {
  readonly bits: number;
}

const shapeColumns = 100;
const mostPeaks = 5;

/**
 * `text` is the one the table is of. A cell is of a selection when most of it lies inside; of two selections that cut one in halves, the one
 * that holds its beginning has it. Only rows of the span are looked at.
 */
export function textReport(table: ScoreTable, text: string, span: Span, edges: BandEdges): TextReport {
  const [first, end] = rowsWithin(table, span);
  const counts = new Array<number>(bandCount + 1).fill(0);
  const peaks: Peak[] = [];
  let scoredTokens = 0;
  let totalBits = 0;
  let entropyBits = 0;
  let scoredBytes = 0;
  let scoredCharacters = 0;
  for (let row = first; row < end;) {
    const next = cellEnd(table, row);
    let cellBits = 0;
    let charactersFrom = table.starts[row] ?? 0; // a character that tokens share counts once
    for (let token = row; token < next; token++) {
      const bits = table.surprisalBits[token] ?? NaN;
      const tokenEnd = table.ends[token] ?? 0;
      cellBits += bits;
      if (table.states[token] !== rowState.scored) continue;
      scoredTokens++;
      totalBits += bits;
      entropyBits += table.entropyBits[token] ?? 0;
      scoredBytes += (table.endBytes[token] ?? 0) - (table.startBytes[token] ?? 0);
      scoredCharacters += charactersIn(text, charactersFrom, tokenEnd);
      charactersFrom = tokenEnd;
    }
    const band = bandOf(cellBits, edges);
    if (band !== undefined) {
      counts[band] = (counts[band] ?? 0) + next - row;
      if (peaks.length < mostPeaks || cellBits > (peaks.at(-1)?.bits ?? Infinity))
        addPeak(peaks, { start: table.starts[row] ?? 0, end: table.ends[next - 1] ?? 0, bits: cellBits });
    }
    row = next;
  }
  const banded = counts.reduce((sum, count) => sum + count, 0);
  const per = (sum: number, count: number) => (count > 0 ? sum / count : null);
  return {
    tokens: end - first,
    scoredTokens,
    totalBits,
    scoredBytes,
    scoredCharacters,
    bitsPerByte: per(totalBits, scoredBytes),
    bitsPerCharacter: per(totalBits, scoredCharacters),
    perplexity: scoredTokens > 0 ? 2 ** (totalBits / scoredTokens) : null,
    meanEntropyBits: per(entropyBits, scoredTokens),
    bandShares: counts.map(count => (banded > 0 ? count / banded : 0)),
    shape: shapeOf(table, first, end),
    peaks,
  };
}

/** What a reader may leave out is summed apart: one kind of text, or all the rest. */
export interface KindSum {
  readonly label: string;
  readonly tokens: number;
  readonly totalBits: number;
  /** Null where it has no scored token. */
  readonly bitsPerByte: number | null;
}

/**
 * Bits per byte between two texts below which nothing is said of which is more predictable: the mean error of a token's bits, spread over the
 * bytes of a token, of both. An error that leans to one side does not shrink with length, so it is not divided by the number of tokens. Undefined: unknown.
 */
export function differenceFloor(a: TextReport, b: TextReport, noise: NoiseFloor | null): number | undefined {
  if (!noise || a.scoredBytes === 0 || b.scoredBytes === 0) return undefined;
  return noise.mean * (a.scoredTokens / a.scoredBytes + b.scoredTokens / b.scoredBytes);
}

/** Which of two texts is more predictable by bits per byte; `none`: the difference is within the floor, `unknown`: one has no numbers. */
export function morePredictable(a: TextReport, b: TextReport, noise: NoiseFloor | null): 'first' | 'second' | 'none' | 'unknown' {
  if (a.bitsPerByte === null || b.bitsPerByte === null) return 'unknown';
  const difference = a.bitsPerByte - b.bitsPerByte;
  if (Math.abs(difference) <= (differenceFloor(a, b, noise) ?? 0)) return 'none';
  return difference < 0 ? 'first' : 'second';
}

/** Code points in a UTF-16 range, a line break (CRLF too) being one, as in the scored copy. */
export function charactersIn(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    const isSecondHalf = unit >= 0xdc00 && unit <= 0xdfff && at > start && isHighSurrogate(text.charCodeAt(at - 1));
    const isBeforeLineFeed = unit === 0x0d && text.charCodeAt(at + 1) === 0x0a;
    if (!isSecondHalf && !isBeforeLineFeed) count++;
  }
  return count;
}

/** "12.3 %": one digit, never rounded to nothing. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.0005) return '<0.1 %';
  return `${formatDecimal(share * 100, 1)} %`;
}

/** 1,234 for large totals, one decimal for small ones. */
export function formatTotalBits(bits: number): string {
  return bits < 100 ? formatDecimal(bits, 1) : formatCount(bits);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Rows [first, end) of a selection, as `textReport` takes them. */
export function rowsWithin(table: ScoreTable, span: Span): readonly [first: number, end: number] {
  let row = firstRowEndingAfter(table, span.start);
  let first: number | undefined;
  while (row < table.length && (table.starts[row] ?? 0) < span.end) {
    const next = cellEnd(table, row);
    const isInside = isMostlyInside({ start: table.starts[row] ?? 0, end: table.ends[next - 1] ?? 0 }, span);
    if (isInside) first ??= row;
    else if (first !== undefined) return [first, row];
    row = next;
  }
  return [first ?? row, row];
}

/** The row after the cell that begins at `row`. */
function cellEnd({ length, starts, ends }: ScoreTable, row: number): number {
  let next = row + 1;
  let end = ends[row] ?? 0;
  for (; next < length && (starts[next] ?? 0) < end; next++) end = Math.max(end, ends[next] ?? 0);
  return next;
}

function isMostlyInside(cell: Span, span: Span): boolean {
  const inside = Math.min(cell.end, span.end) - Math.max(cell.start, span.start);
  const half = (cell.end - cell.start) / 2;
  return inside > half || (inside === half && cell.start >= span.start);
}

function addPeak(peaks: Peak[], peak: Peak): void {
  const place = peaks.findIndex(({ bits }) => bits < peak.bits);
  peaks.splice(place < 0 ? peaks.length : place, 0, peak);
  if (peaks.length > mostPeaks) peaks.pop();
}

function shapeOf(table: ScoreTable, first: number, end: number): readonly ShapeColumn[] {
  const length = end - first;
  const columns = Math.min(shapeColumns, length);
  return Array.from({ length: columns }, (_, column) => {
    const from = first + Math.floor((column * length) / columns);
    const to = first + Math.floor(((column + 1) * length) / columns);
    let [sum, count] = [0, 0];
    for (let row = from; row < to; row++) {
      if (table.states[row] !== rowState.scored) continue;
      sum += table.surprisalBits[row] ?? 0;
      count++;
    }
    return { start: table.starts[from] ?? 0, meanBits: count > 0 ? sum / count : null };
  });
}
