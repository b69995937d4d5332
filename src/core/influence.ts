import type { ScoreTable, Span } from './scores';
import { firstWhere } from './search';
import { textUnitsIn } from './textUnits';

/** Rows [first, end) of a table. */
interface Rows {
  readonly first: number;
  readonly end: number;
}

/** A part of a context that can be left out. */
export interface Source {
  readonly rows: Rows;
  readonly span: Span;
}

/** From coarse to fine: a few blocks of lines, or what is declared, the lines of one, the tokens of one. */
export type SourceLevel = 'block' | 'declaration' | 'line' | 'token';

const mostBlocks = 4;
/** Prose has whole paragraphs on a line: longer ones are taken sentence by sentence. */
const longestLineTokens = 64;

/**
 * The parts of the context [contextFirst, row) of a prediction, or of those of its rows that are `within`, nearest the target first. They tile
 * them: none overlaps another, and nothing lies between. `text`: that of the table.
 */
export function sourcesOf(
  table: Pick<ScoreTable, 'starts' | 'ends'>,
  text: string,
  contextFirst: number,
  row: number,
  level: Exclude<SourceLevel, 'declaration'>,
  within: Rows = { first: contextFirst, end: row },
): Source[] {
  const rows = { first: Math.max(contextFirst, within.first), end: Math.min(row, within.end) };
  if (rows.first >= rows.end) return [];
  const borders = level === 'token' ? cellBorders(table, rows) : lineBorders(table, text, rows);
  const kept = level === 'block' ? quarters(borders) : borders;
  return kept.map((first, index) => sourceOf(table, { first, end: kept[index + 1] ?? rows.end })).reverse();
}

/**
 * How many tokens the model is given when each of these is left out in turn of the context [contextFirst, row), of which the whole has been read before: at most, since kept
 * caches and what is deleted make it fewer. `keepsContext`: what stands before a source is kept, and not read again for each. Averaging over several fillers takes as many times
 * that.
 */
export function costTokens(sources: readonly Source[], row: number, contextFirst: number, keepsContext: boolean): number {
  return sources.reduce((sum, { rows }) => sum + row - (keepsContext ? rows.first : contextFirst), 0);
}

/**
 * What can stand behind lines: the parts that end on each, in their order. A line of prose has several sentences, whose numbers are never added. `tokens`: of parts of that
 * line that are taken apart further, none is there.
 */
export function partsByLastLine<Part extends { readonly lastLine: number; readonly level: SourceLevel }>(
  parts: readonly Part[],
): ReadonlyMap<number, readonly (Part | 'tokens')[]> {
  const lines = new Map<number, (Part | 'tokens')[]>();
  for (const part of parts) {
    const ended = lines.get(part.lastLine) ?? [];
    lines.set(part.lastLine, ended);
    if (part.level !== 'token') ended.push(part);
    else if (ended.at(-1) !== 'tokens') ended.push('tokens');
  }
  for (const [line, ended] of lines) if (ended.every(each => each === 'tokens')) lines.delete(line);
  return lines;
}

function sourceOf({ starts, ends }: Pick<ScoreTable, 'starts' | 'ends'>, rows: Rows): Source {
  return { rows, span: { start: starts[rows.first] ?? 0, end: ends[rows.end - 1] ?? 0 } };
}

/**
 * The same by what is declared, given in the order of its beginnings; what stands between two declarations, such as imports and comments, is a part, too. Of declarations one in
 * another the outer one is a part, whose own parts are those within it.
 */
export function declarationsOf(
  table: Pick<ScoreTable, 'starts' | 'ends'>,
  text: string,
  contextFirst: number,
  row: number,
  declarations: readonly Span[],
  within: Rows = { first: contextFirst, end: row },
): Source[] {
  const rows = { first: Math.max(contextFirst, within.first), end: Math.min(row, within.end) };
  if (rows.first >= rows.end) return [];
  const { starts, ends } = table;
  const shows = (first: number, end: number) => first < end && text.slice(starts[first] ?? 0, ends[end - 1] ?? 0).trim() !== '';
  const borders: number[] = [];
  let reached = rows.first; // by the last declaration
  for (const span of declarations) {
    const first = firstWhere(rows.end, row => (ends[row] ?? 0) > span.start, rows.first);
    const end = firstWhere(rows.end, row => (starts[row] ?? 0) >= span.end, rows.first);
    const isAll = !shows(rows.first, first) && !shows(end, rows.end);
    if (isAll || first < reached || first >= end) continue;
    // White space alone belongs to what stands before it, at the beginning to what comes.
    if (shows(reached, first)) borders.push(reached, first);
    else borders.push(borders.length === 0 ? reached : first);
    reached = end;
  }
  if (borders.length === 0 || shows(reached, rows.end)) borders.push(reached);
  return borders.map((first, index) => sourceOf(table, { first, end: borders[index + 1] ?? rows.end })).reverse();
}

/** Rows that begin a piece of text which is shown as one: several tokens can make one character. */
function cellBorders({ starts, ends }: Pick<ScoreTable, 'starts' | 'ends'>, { first, end }: Rows): number[] {
  const borders = [first];
  let reached = ends[first] ?? 0;
  for (let row = first + 1; row < end; row++) {
    if ((starts[row] ?? 0) >= reached) borders.push(row);
    reached = Math.max(reached, ends[row] ?? 0);
  }
  return borders;
}

/** Rows that begin a line, or a sentence of a long one. Lines of white space belong to the one before them. */
function lineBorders(table: Pick<ScoreTable, 'starts' | 'ends'>, text: string, { first, end }: Rows): number[] {
  const { starts, ends } = table;
  const borders = [first];
  let isBlank = true; // what the last border has so far
  for (let row = first; row < end; row++) {
    const start = starts[row] ?? 0;
    const startsLine = row > first && text.slice(starts[row - 1] ?? 0, start).includes('\n');
    const shows = text.slice(start, ends[row] ?? 0).trim() !== '';
    if (startsLine && !isBlank && lineShows(text, start)) {
      borders.push(row);
      isBlank = true;
    }
    if (shows) isBlank = false;
  }
  return borders.flatMap((from, index) => sentenceBorders(table, text, { first: from, end: borders[index + 1] ?? end }));
}

/** Something but white space stands between this place and the end of its line. */
function lineShows(text: string, offset: number): boolean {
  const lineEnd = text.indexOf('\n', offset);
  return text.slice(offset, lineEnd < 0 ? text.length : lineEnd).trim() !== '';
}

function sentenceBorders(table: Pick<ScoreTable, 'starts' | 'ends'>, text: string, { first, end }: Rows): number[] {
  if (end - first <= longestLineTokens) return [first];
  const sentences = textUnitsIn(text, sourceOf(table, { first, end }).span, 'sentence');
  const borders = [first];
  let row = first;
  for (const { start } of sentences.slice(1)) {
    // A token may hold the space before a sentence, and its first word.
    while (row < end && (table.ends[row] ?? 0) <= start) row++;
    if (row > (borders.at(-1) ?? first) && row < end) borders.push(row);
  }
  return borders;
}

/** The borders of at most four blocks of about as many lines each. */
function quarters(borders: readonly number[]): number[] {
  const blocks = Math.min(mostBlocks, borders.length);
  return Array.from({ length: blocks }, (_, block) => borders[Math.round((block * borders.length) / blocks)] ?? 0);
}
