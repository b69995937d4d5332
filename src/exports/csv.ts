import { plainPieces } from '../core/hoverText';
import { preambleText } from '../core/legend';
import { tokenScores } from '../core/report';
import type { Gap, TokenScore } from '../core/scores';
import type { Vocabulary } from '../core/vocabulary';
import { gapReason, type Report } from './report';
import { unitsOf, type Level, type Unit, type UnitLevel } from './units';

/** What the columns are; the command line's help prints it. */
export const csvColumns = `CSV has one header and a row for each token, word or sentence: item (the file, or the number of the line from 1 on), level, id (of the
token), startByte, endByte (UTF-8 bytes of the item's scored copy: no byte order mark, LF), start, end (UTF-16 units of the item as read), surprisalBits,
entropyBits, rank, contextTokens (tokens of the item that the model saw before), tokens (how many the row sums), unscoredReason, text; and
preamble where something was read before the text: what that was. Bits are in full precision. Words and sentences have no id, entropy or rank. Bytes
without a token are rows without an id. Where a token is not whole characters, its bytes are written as ⟨F0⟩ and a space in it as ·. A text that a
spreadsheet could compute (=, +, - or @ at its beginning, then a letter or a digit somewhere) has an apostrophe in front. An item without tokens has
no rows.`;

const columns = [
  'item',
  'level',
  'id',
  'startByte',
  'endByte',
  'start',
  'end',
  'surprisalBits',
  'entropyBits',
  'rank',
  'contextTokens',
  'tokens',
  'unscoredReason',
  'text',
] as const;
/** A last column where something was read before the text. */
const preambleColumn = 'preamble';

/** Above the rows of all reports, which have their provenance in common. */
export function csvHeader(reports: readonly Report[]): string {
  const hasPreamble = reports.some(({ provenance }) => provenance.preamble);
  return `${[...columns, ...(hasPreamble ? [preambleColumn] : [])].join(',')}\n`;
}

/** One row a token, in document order; bytes without a token are rows with neither id nor text. Numbers in full precision. */
export function* csvRows(report: Report, level: Level): Generator<string> {
  const preamble = report.provenance.preamble && preambleText(report.provenance.preamble);
  if (level !== 'token') {
    for (const unit of unitsOf(report, level)) yield unitRow(unit, level, report.item, preamble);
    return;
  }
  const { item, table, gaps, vocabulary } = report;
  let nextGap = 0;
  for (let row = 0; row < table.length; row++) {
    for (let gap = gaps[nextGap]; gap && gap.startByte < (table.startBytes[row] ?? 0); gap = gaps[++nextGap])
      yield gapRow(gap, item, preamble);
    for (const token of tokenScores(table, row, row + 1)) yield tokenRow(token, vocabulary, item, preamble);
  }
  for (const gap of gaps.slice(nextGap)) yield gapRow(gap, item, preamble);
}

type Cell = string | number | null | undefined;

/** `preamble`: undefined where there is no such column. */
function lineOf(cells: Readonly<Record<(typeof columns)[number], Cell>>, preamble: string | undefined): string {
  const values = [...columns.map(column => cells[column]), ...(preamble === undefined ? [] : [preamble])];
  return `${values.map(value => (typeof value === 'string' ? quoted(value) : (value ?? ''))).join(',')}\n`;
}

function tokenRow(
  { unscoredReason, ...token }: TokenScore,
  vocabulary: Vocabulary,
  item: string | number,
  preamble: string | undefined,
): string {
  return lineOf({ ...token, item, level: 'token', tokens: 1, unscoredReason, text: tokenText(vocabulary, token.id) }, preamble);
}

const noNumbers = { id: null, surprisalBits: null, entropyBits: null, rank: null, contextTokens: null } as const;

function gapRow(gap: Gap, item: string | number, preamble: string | undefined): string {
  return lineOf({ ...noNumbers, ...gap, item, level: 'token', tokens: 0, unscoredReason: gapReason, text: undefined }, preamble);
}

function unitRow(unit: Unit, level: UnitLevel, item: string | number, preamble: string | undefined): string {
  return lineOf({ ...noNumbers, unscoredReason: undefined, ...unit, item, level }, preamble);
}

/** The token as it is; bytes that are not whole characters as ⟨F0⟩⟨9F⟩. */
function tokenText(vocabulary: Vocabulary, id: number): string {
  return vocabulary.textOf(id) ?? plainPieces(vocabulary.piecesOf(id));
}

function quoted(text: string): string {
  return text === '' ? '' : `"${inert(text).replaceAll('"', '""')}"`;
}

/**
 * What spreadsheets take for a formula, which may fetch or run something. Operators alone, the many tokens of code that are, compute nothing and stay as they
 * are. With the apostrophes that stand there already: so that the one in front can be taken away again.
 */
const formula = /^['\s]*[=+\-@＝＋－＠].*[\p{L}\p{N}]/su;

function inert(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}
