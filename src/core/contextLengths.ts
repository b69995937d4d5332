import { mostTriedTokens } from './contextNeeds';
import type { ScoreTable, Span } from './scores';
import { firstWhere } from './search';
import { textUnitsIn } from './textUnits';

/** What begins where so much context begins; `count`: nothing in particular; `between`: nothing either, and it is tried to find the least length that is enough. */
export type LengthBorder = 'count' | 'between' | 'line' | 'paragraph' | 'function' | 'whole';

/** So many tokens before the target. */
export interface TriedLength {
  readonly tokens: number;
  readonly border: LengthBorder;
}

/** So many borders of each kind are tried, the nearest to the target. */
const mostBorders = { line: 6, paragraph: 4, function: 3 } as const;
/** Paragraphs are looked for so far before the target: the work must not grow with the text. UTF-16 units. */
const paragraphReach = 20_000;

/**
 * Context lengths worth trying for the prediction at `row`, ascending: all of those that the colours of needed context are made from, then their doubles, those at which a line, a paragraph or a function begins,
 * and the whole context [contextFirst, row). `text`: that of the table; `functions`: its functions, in order of their beginnings.
 */
export function lengthsToTry(
  table: Pick<ScoreTable, 'starts' | 'ends'>,
  text: string,
  contextFirst: number,
  row: number,
  functions: readonly Span[],
): readonly TriedLength[] {
  const whole = row - contextFirst;
  const found = new Map<number, LengthBorder>([[0, 'count']]);
  for (let tokens = 1; tokens < Math.min(whole, mostTriedTokens + 1); tokens++) found.set(tokens, 'between');
  for (let tokens = 1; tokens < whole; tokens *= 2) found.set(tokens, 'count');
  const from = table.starts[contextFirst] ?? text.length;
  const target = whole > 0 ? (table.ends[row - 1] ?? text.length) : from;
  // The most telling kind names a length that several have.
  const tryAt = (border: 'line' | 'paragraph' | 'function', offsets: readonly number[]) => {
    for (const offset of offsets.slice(0, mostBorders[border])) {
      const tokens = row - rowFrom(table, contextFirst, row, offset);
      if (tokens > 0) found.set(tokens, border);
    }
  };
  tryAt('line', lineStarts(text, from, target));
  const reach = { start: Math.max(from, target - paragraphReach), end: target };
  const paragraphs = textUnitsIn(text, reach, 'paragraph').map(({ start }) => start);
  tryAt('paragraph', paragraphs.filter(start => start >= reach.start).reverse());
  const begun = functions.filter(({ start }) => start >= from && start < target).map(({ start }) => start);
  tryAt('function', begun.reverse());
  found.set(whole, 'whole');
  return [...found].map(([tokens, border]) => ({ tokens, border })).sort((a, b) => a.tokens - b.tokens);
}

/** What a prediction was from so many tokens. */
export interface LengthPoint {
  readonly tokens: number;
  readonly bits: number;
}

/** How much context is enough: the least length lies between these, both included, and they are the same where all lengths between were tried. */
export interface NeededTokens {
  readonly least: number;
  readonly most: number;
}

/**
 * The smallest length from which on all longer ones that were tried stay within so many bits of the whole; undefined where not even the longest
 * does. `points` ascend.
 */
export function neededTokens(points: readonly LengthPoint[], wholeBits: number, withinBits: number): NeededTokens | undefined {
  let most: number | undefined;
  for (const { tokens, bits } of [...points].reverse()) {
    // A length that is too short has no score at all, or is too far away.
    if (!(Math.abs(bits - wholeBits) <= withinBits)) return most === undefined ? undefined : { least: tokens + 1, most };
    most = tokens;
  }
  return most === undefined ? undefined : { least: most, most };
}

/** Where lines begin, the nearest to `end` first. */
function lineStarts(text: string, from: number, end: number): readonly number[] {
  const starts: number[] = [];
  for (let at = end; at > from && starts.length < mostBorders.line;) {
    const start = text.lastIndexOf('\n', at - 1) + 1;
    if (start <= from) break;
    starts.push(start);
    at = start - 1;
  }
  return starts;
}

/** The first row that ends after an offset: a token can hold the end of a line and the indentation of the next. */
function rowFrom({ ends }: Pick<ScoreTable, 'ends'>, first: number, end: number, offset: number): number {
  return firstWhere(end, row => (ends[row] ?? 0) > offset, first);
}
