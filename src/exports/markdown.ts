import { escapedText, plainPieces } from '../core/hoverText';
import { formatBits, formatCount, formatPercent } from '../core/numberText';
import { tokenScores } from '../core/report';
import { gapReason, type Report } from './report';
import { provenanceLine } from './words';

/** In the reader's language. */
export interface MarkdownWords {
  readonly token: string;
  readonly bits: string;
  readonly rank: string;
  readonly expected: string;
}

/** A table with a row for each token, and where the numbers come from. Tokens are hostile input: only `escapedText` writes them. */
export function* markdownTable(report: Report, words: MarkdownWords): Generator<string> {
  const { table, gaps, vocabulary } = report;
  const line = (...columns: readonly string[]) => `| ${columns.join(' | ')} |\n`;
  const name = (id: number) => escapedText(plainPieces(vocabulary.piecesOf(id)));
  yield line(...[words.token, words.bits, words.rank, words.expected].map(escapedText));
  yield '| :--- | ---: | ---: | :--- |\n';
  let nextGap = 0;
  for (let row = 0; row < table.length; row++) {
    for (let gap = gaps[nextGap]; gap && gap.startByte < (table.startBytes[row] ?? 0); gap = gaps[++nextGap])
      yield line('', '', '', gapReason);
    for (const { id, surprisalBits, rank, topIds, topProbabilities, unscoredReason = '' } of tokenScores(table, row, row + 1)) {
      const [best] = topIds;
      const expected = best === undefined ? '' : `${name(best)} (${formatPercent(topProbabilities[0] ?? 0)}%)`;
      yield surprisalBits === null || rank === null
        ? line(name(id), '', '', escapedText(unscoredReason))
        : line(name(id), formatBits(surprisalBits), formatCount(rank), expected);
    }
  }
  for (let rest = gaps.length - nextGap; rest > 0; rest--) yield line('', '', '', gapReason);
  yield `\n${escapedText(provenanceLine(report))}\n`;
}
