import { tokenScores } from '../core/report';
import type { Report } from './report';

/** Tokens turned into plain objects at a time: a long text never stands in memory as one string, which has a largest length. */
const rowsAtATime = 2048;

/** One object, in a fixed order of keys, one token a line. Tokens and summary as in the reference files. */
export function* json(report: Report): Generator<string> {
  const { text, startTokenId, window, stride, windows, table, gaps, summary, provenance } = report;
  yield `{"text":${value(text)},\n"startTokenId":${value(startTokenId)},"window":${value(window)},"stride":${value(stride)},"windows":${value(windows)},\n"tokens":[`;
  for (let from = 0; from < table.length; from += rowsAtATime) {
    const tokens = tokenScores(table, from, Math.min(table.length, from + rowsAtATime));
    yield (from > 0 ? ',' : '') + tokens.map(token => `\n${value(token)}`).join(',');
  }
  yield `],\n"gaps":[${gaps.map(({ startByte, endByte, start, end }) => `\n${value({ startByte, endByte, start, end })}`).join(',')}],\n`;
  yield `"summary":${value(summary)},\n"provenance":${value(provenance)}}\n`;
}

/** JSON that is safe on a terminal too: what JSON lets through of control and direction characters is escaped, which changes no value. */
function value(data: unknown): string {
  return JSON.stringify(data).replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
