import { tokenScores } from '../core/report';
import type { Report } from './report';
import { unitRules, unitsOf, type Level } from './units';

/** Tokens turned into plain objects at a time: a long text never stands in memory as one string, which has a largest length. */
const rowsAtATime = 256;

/** One object, in a fixed order of keys, one token a line. Tokens and summary as in the reference files. */
export function json(report: Report, level: Level = 'token'): Iterable<string> {
  return objectOf(report, level, '\n');
}

/** The same with the item's name in front, on one line: several follow one another. */
export function jsonLine(report: Report, level: Level): Iterable<string> {
  return objectOf(report, level, '');
}

function* objectOf(report: Report, level: Level, newLine: '\n' | ''): Generator<string> {
  const { item, text, part, windows, table, gaps, summary, provenance } = report;
  const { startTokenId, window, overlap } = provenance;
  yield newLine === '' ? `{"item":${value(item)},` : '{';
  yield `"text":${value(part ? text.slice(part.start, part.end) : text)},${newLine}`;
  if (part) yield `"part":${value({ start: part.start, end: part.end })},`;
  yield `"startTokenId":${value(startTokenId)},"window":${value(window)},"stride":${value(window - overlap)},`;
  yield `${windows === undefined ? '' : `"windows":${value(windows)},`}${newLine}`;
  if (level === 'token') {
    yield '"tokens":[';
    for (let from = 0; from < table.length; from += rowsAtATime) {
      const tokens = tokenScores(table, from, Math.min(table.length, from + rowsAtATime));
      yield (from > 0 ? ',' : '') + tokens.map(token => `${newLine}${value(token)}`).join(',');
    }
  } else {
    yield `"level":${value(level)},"rule":${value(unitRules[level])},${newLine}"units":[`;
    yield unitsOf(report, level)
      .map(unit => `${newLine}${value(unit)}`)
      .join(',');
  }
  const places = gaps.map(({ startByte, endByte, start, end }) => `${newLine}${value({ startByte, endByte, start, end })}`);
  yield `],${newLine}"gaps":[${places.join(',')}],${newLine}`;
  yield `"summary":${value(summary)},${newLine}"provenance":${value(provenance)}}\n`;
}

/** JSON that is safe on a terminal too: what JSON lets through of control and direction characters is escaped, which changes no value. */
export function value(data: unknown): string {
  return JSON.stringify(data).replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
