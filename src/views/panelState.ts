import { bandOf, type BandEdges } from '../core/band';
import { firstCellEndingAfter, type Cells } from '../core/cells';
import type { Distribution, DistributionRow } from '../core/distribution';
import { rowState, type Provenance, type ScoreTable, type Span } from '../core/scores';
import { noiseText } from '../core/legend';
import type { Palette } from '../core/look';
import { firstWhere } from '../core/search';
import type { TokenPieces, Vocabulary } from '../core/vocabulary';
import type { ContinuedToken, DocumentShape, PanelDistribution, PanelRow, TextRun, WatchedShape } from './panelProtocol';
import { preambleInWords } from './preambleWords';

const shapeColumns = 200;
const beforeLines = 8;
/** At most this much of a word that is cut in two is dropped from the front of the text before the cursor. */
const partialWordLength = 24;

/** What is known of one place, before it is put into words and glyphs. */
export interface PanelAnswer {
  readonly distribution: Distribution;
  readonly vocabulary: Vocabulary;
  readonly modelName: string;
  readonly provenance: Provenance;
  readonly entropyBits: number;
  readonly contextTokens: number;
  readonly typed: TokenPieces | undefined;
}

/** What surrounds the answer. */
export interface PanelSurroundings {
  readonly place: number;
  readonly root: number;
  readonly after: readonly ContinuedToken[];
  readonly topCount: number;
  readonly reading: string | undefined;
  readonly example: string | undefined;
  readonly before: readonly TextRun[];
  readonly beforeTruncated: boolean;
  readonly shape: DocumentShape | undefined;
  readonly watched: readonly WatchedShape[];
  readonly bandEdges: BandEdges;
  readonly palette: Palette;
}

export function panelDistribution(answer: PanelAnswer, surroundings: PanelSurroundings): PanelDistribution {
  const { distribution, vocabulary } = answer;
  const { actual } = distribution;
  const rowOf = (row: DistributionRow): PanelRow => ({
    id: row.id,
    rank: row.rank,
    token: vocabulary.piecesOf(row.id),
    probability: row.probability,
    givenTyped: row.givenTyped,
  });
  return {
    kind: 'distribution',
    updating: false,
    model: answer.modelName,
    contextTokens: answer.contextTokens,
    typed: answer.typed,
    rows: distribution.rows.map(rowOf),
    actual: actual && { ...rowOf(actual), surprisalBits: actual.surprisalBits, position: actual.position, afterGap: actual.afterGap },
    everythingElse: distribution.everythingElse,
    everythingElseGivenTyped: distribution.everythingElseGivenTyped,
    entropyBits: answer.entropyBits,
    provenance: provenanceLine(answer.provenance, vocabulary),
    ...surroundings,
  };
}

/** The first row of the table at or after the UTF-16 offset; the table's length when there is none. */
export function firstRowFrom(table: ScoreTable, offset: number): number {
  return firstWhere(table.length, row => (table.starts[row] ?? 0) >= offset);
}

/** The row of the token that begins at the offset; undefined when none does or when the offset lies within a character shared by tokens. */
export function rowBeginningAt(table: ScoreTable, offset: number): number | undefined {
  const row = firstRowFrom(table, offset);
  if (row >= table.length || table.starts[row] !== offset) return undefined;
  return row > 0 && (table.ends[row - 1] ?? 0) > offset ? undefined : row;
}

/**
 * The text before the cursor in runs of one band each. `text` ends at the cursor and starts at `start` in the document; cells are of that
 * document. The white space before a word belongs to its cell but is left plain, as in the editor: white space is painted only where the cell
 * holds nothing else.
 */
export function textRuns(text: string, start: number, cells: Cells, edges: BandEdges): { before: TextRun[]; beforeTruncated: boolean } {
  const from = start + shortenedFrom(text, start > 0);
  const end = start + text.length;
  const runs: { text: string; band: number | undefined }[] = [];
  const push = (runStart: number, runEnd: number, band: number | undefined) => {
    const piece = text.slice(runStart - start, runEnd - start).replaceAll('\r\n', '\n');
    const last = runs.at(-1);
    if (last && last.band === band) last.text += piece;
    else if (piece !== '') runs.push({ text: piece, band });
  };
  let at = from;
  for (let cell = firstCellEndingAfter(cells, from); cell < cells.length && (cells.starts[cell] ?? 0) < end; cell++) {
    const cellStart = Math.max(at, cells.starts[cell] ?? 0);
    const wholeEnd = cells.ends[cell] ?? 0;
    const cellEnd = Math.min(end, wholeEnd);
    if (cellStart > at) push(at, cellStart, undefined);
    const space = /^[^\S\r\n]*/.exec(text.slice(cellStart - start, cellEnd - start))?.[0].length ?? 0;
    // Of a cell that reaches beyond the cursor the word may be to come.
    const painted = cellStart + space === wholeEnd ? cellStart : cellStart + space;
    if (painted > cellStart) push(cellStart, painted, 0);
    push(painted, cellEnd, bandOf(cells.bits[cell] ?? NaN, edges));
    at = Math.max(at, cellEnd);
  }
  push(at, end, undefined);
  return { before: runs, beforeTruncated: from > 0 };
}

/** Index from which a long text before the cursor is shown: a border of words and of lines, never half a character. */
function shortenedFrom(text: string, cutAtFront: boolean): number {
  let from = 0;
  if (cutAtFront) {
    const space = text.slice(0, partialWordLength).search(/\s\S/);
    if (space >= 0) from = space + 1;
    else if (/^[\udc00-\udfff]/.test(text)) from = 1;
  }
  for (let lines = 0, at = text.length; (at = text.lastIndexOf('\n', at - 1)) >= from && at > 0;) {
    if (++lines === beforeLines) return at + 1;
  }
  return from;
}

/** The peak of the surprisal in each of at most 200 equal columns of the document's tokens. */
export function shapeOf(table: ScoreTable, edges: BandEdges, offset: number, stale: boolean): DocumentShape | undefined {
  if (table.length === 0) return undefined;
  const bits = peaksOf(table, row => table.surprisalBits[row]);
  const bands = bits.map(peak => (peak === null ? null : (bandOf(peak, edges) ?? null)));
  return { bits, bands, cursor: firstRowFrom(table, offset) / table.length, stale };
}

/** The highest probability of a watched word in each of the same columns. `index`: of the word in the table. */
export function watchedPeaks(table: ScoreTable, index: number): readonly (number | null)[] {
  const peaks = peaksOf(table, row => table.watchLogMasses[row * table.watchCount + index]);
  return peaks.map(logMass => (logMass === null ? null : Math.exp(logMass)));
}

function peaksOf(table: ScoreTable, valueOf: (row: number) => number | undefined): readonly (number | null)[] {
  const columns = Math.min(shapeColumns, table.length);
  return Array.from({ length: columns }, (_, column) => {
    const peak = peakOfColumn(table, column, columns, valueOf);
    return peak === undefined ? null : (valueOf(peak) ?? null);
  });
}

/** Where the highest token is of the column that holds this share (0 to 1) of the tokens; where the column begins, if none of it is scored. */
export function peakAt(table: ScoreTable, share: number): Span | undefined {
  const columns = Math.min(shapeColumns, table.length);
  if (columns === 0) return undefined;
  const column = Math.min(columns - 1, Math.floor(share * columns));
  const row = peakOfColumn(table, column, columns, each => table.surprisalBits[each]) ?? firstOfColumn(table, column, columns);
  return { start: table.starts[row] ?? 0, end: table.ends[row] ?? 0 };
}

/** Undefined where no row of the column is scored. */
function peakOfColumn(
  table: ScoreTable,
  column: number,
  columns: number,
  valueOf: (row: number) => number | undefined,
): number | undefined {
  let peak: number | undefined;
  for (let row = firstOfColumn(table, column, columns); row < firstOfColumn(table, column + 1, columns); row++) {
    if (table.states[row] !== rowState.scored) continue;
    if (peak === undefined || (valueOf(row) ?? -Infinity) > (valueOf(peak) ?? -Infinity)) peak = row;
  }
  return peak;
}

function firstOfColumn({ length }: ScoreTable, column: number, columns: number): number {
  return Math.floor((column * length) / columns);
}

/** Where the numbers come from, in one line. */
export function provenanceLine(provenance: Provenance, vocabulary: Vocabulary): string {
  const { startTokenId: start } = provenance;
  return [
    provenance.model,
    `${provenance.dtype}, ${provenance.arithmetic} arithmetic, ${noiseText(provenance.noiseFloorBits)}`,
    ...(provenance.selfCheck === 'implausible' ? ['reads plain English as if it had never seen any'] : []),
    `window ${provenance.window}, overlap ${provenance.overlap}${provenance.anchors === 'text' ? ', borders by text' : ''}`,
    ...(provenance.preamble ? [preambleInWords(provenance.preamble)] : []),
    start === null
      ? 'no start token'
      : `start token ${vocabulary
          .piecesOf(start)
          .map(piece => piece.text)
          .join('')}`,
    `version ${provenance.documentVersion}`,
  ].join(' · ');
}
