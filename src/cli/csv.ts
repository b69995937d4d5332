import { tokenScores } from '../core/report';
import type { Gap, TokenScore } from '../core/scores';
import type { Vocabulary } from '../core/vocabulary';
import { gapReason, type Report } from './report';

/** The one header; `--help` and the README say what the columns are. */
const header = 'id,startByte,endByte,start,end,surprisalBits,entropyBits,rank,contextTokens,unscoredReason,token';

/** One row a token, in document order; bytes without a token are rows with neither id nor token. Numbers in full precision. */
export function* csv({ table, gaps, vocabulary }: Report): Generator<string> {
  yield `${header}\n`;
  let nextGap = 0;
  for (let row = 0; row < table.length; row++) {
    for (let gap = gaps[nextGap]; gap && gap.startByte < (table.startBytes[row] ?? 0); gap = gaps[++nextGap]) yield gapRow(gap);
    for (const token of tokenScores(table, row, row + 1)) yield tokenRow(token, vocabulary);
  }
  for (const gap of gaps.slice(nextGap)) yield gapRow(gap);
}

function tokenRow(token: TokenScore, vocabulary: Vocabulary): string {
  const { id, startByte, endByte, start, end, surprisalBits, entropyBits, rank, contextTokens, unscoredReason } = token;
  const numbers = [id, startByte, endByte, start, end, surprisalBits ?? '', entropyBits ?? '', rank ?? '', contextTokens];
  return `${numbers.join(',')},${quoted(unscoredReason ?? '')},${quoted(tokenText(vocabulary, id))}\n`;
}

function gapRow({ startByte, endByte, start, end }: Gap): string {
  return `,${[startByte, endByte, start, end].join(',')},,,,,${quoted(gapReason)},\n`;
}

/** The token as it is; bytes that are not whole characters as ⟨F0⟩⟨9F⟩. */
function tokenText(vocabulary: Vocabulary, id: number): string {
  const whole = vocabulary.textOf(id);
  if (whole !== undefined) return whole;
  return vocabulary
    .piecesOf(id)
    .map(piece => piece.text)
    .join('');
}

function quoted(text: string): string {
  return text === '' ? '' : `"${text.replaceAll('"', '""')}"`;
}
