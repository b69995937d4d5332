import type { Cells } from './cells';
import type { ScoreTable, Span } from './scores';
import { textUnitsIn } from './textUnits';

/** Words in a row that the model found easy. */
export interface Stretch extends Span {
  readonly words: number;
  /** Sum of its words. */
  readonly bits: number;
  /**
   * Where the same words, or most of them, stand in the text that the model had read before: it repeats them (an *echo*). Undefined: the model
   * knew them from elsewhere (a *stock phrase*).
   */
  readonly echoOf: Span | undefined;
}

export interface StretchLimits {
  /** At least so many words. */
  readonly words: number;
  /** Each of fewer bits than this. */
  readonly bits: number;
}

/** Current scores of the very text that is searched. */
export interface StretchScores {
  readonly table: Pick<ScoreTable, 'starts' | 'contextTokens'>;
  cellsIn(span: Span): Cells;
}

/** The editor draws no further on a line, and a line that long is no prose: it ends a run and is not read. */
const longestLine = 10_000;
/** An echo holds so much of the run in one piece: a run often goes on for a word or two after what it repeats. */
const echoShare = 2 / 3;
/** Comparisons between two yields. */
const comparisonsAtOnce = 20_000;
const particles: ReadonlySet<string> = new Set(
  'af al am and av bin ben da das de del della den der des di do dos du e el et ibn la las le les los of och the und van vom von y zu zum zur'.split(
    ' ',
  ),
);

/** Words as they are gathered: columns, by place in the text. */
interface Words {
  /** Equal where words are, but for capitals. */
  readonly ids: number[];
  readonly starts: number[];
  readonly ends: number[];
}

interface Run {
  /** Index into the words. */
  readonly first: number;
  count: number;
  bits: number;
  /** Of the first word's first token. */
  readonly firstRow: number;
}

/**
 * Predictable stretches of a text in document order, found in pieces: it yields often enough that the caller can rest in between. Words are those
 * of `wordRule` with a letter or a digit; punctuation between them counts for nothing, and neither does a line break within a paragraph. A word
 * without a complete score ends a run. A name that was mentioned before is not among them: that it comes back is no one's habit.
 */
export function* findStretches(text: string, scores: StretchScores, limits: StretchLimits): Generator<void, readonly Stretch[]> {
  const found: Stretch[] = [];
  const words: Words = { ids: [], starts: [], ends: [] };
  const idOf = new Map<string, number>();
  let run: Run | undefined;
  for (const line of linesOf(text)) {
    yield;
    if (line.startsParagraph || line.end - line.start > longestLine) {
      if (run) yield* finish(run);
      run = undefined;
    }
    if (line.end - line.start > longestLine) continue;
    const cells = scores.cellsIn(line);
    let cell = 0;
    for (const word of textUnitsIn(text, line, 'word')) {
      const content = text.slice(word.start, word.end);
      if (!/[\p{L}\p{N}]/u.test(content)) continue;
      const folded = content.toLocaleLowerCase('en');
      const id = idOf.get(folded) ?? idOf.size;
      idOf.set(folded, id);
      while (cell < cells.length && (cells.ends[cell] ?? 0) <= word.start) cell++;
      const bits = bitsOfWord(cells, cell, word);
      words.ids.push(id);
      words.starts.push(word.start);
      words.ends.push(word.end);
      if (bits < limits.bits) {
        run ??= { first: words.ids.length - 1, count: 0, bits: 0, firstRow: cells.firstTokens[cell] ?? 0 };
        run.count++;
        run.bits += bits;
        continue;
      }
      if (run) yield* finish(run);
      run = undefined;
    }
  }
  if (run) yield* finish(run);
  return found;

  function* finish(ended: Run): Generator<void> {
    if (ended.count < limits.words) return;
    const { first, count } = ended;
    const span = { start: words.starts[first] ?? 0, end: words.ends[first + count - 1] ?? 0 };
    const { starts, contextTokens } = scores.table;
    const contextStart = starts[ended.firstRow - (contextTokens[ended.firstRow] ?? 0)] ?? span.start;
    const echoOf = yield* earlier(words, ended, contextStart, Math.max(limits.words, Math.ceil(count * echoShare)));
    if (echoOf && isName(text, words, ended)) return;
    found.push({ ...span, words: count, bits: ended.bits, echoOf });
  }
}

/** Sum of the cells that the word touches; NaN where they do not cover it. `first`: the first that ends after its start. */
export function bitsOfWord(cells: Cells, first: number, word: Span): number {
  let covered = word.start;
  let bits = 0;
  for (let cell = first; covered < word.end; cell++) {
    if (cell >= cells.length || (cells.starts[cell] ?? 0) > covered) return NaN;
    bits += cells.bits[cell] ?? NaN;
    covered = cells.ends[cell] ?? 0;
  }
  return bits;
}

/** Where the longest piece of the run stands between `contextStart` and the run, the nearest of equal ones; undefined where it is shorter than `least` words. */
function* earlier({ ids, starts, ends }: Words, run: Run, contextStart: number, least: number): Generator<void, Span | undefined> {
  const end = run.first + run.count;
  let contextFirst = run.first;
  while (contextFirst > 0 && (starts[contextFirst - 1] ?? 0) >= contextStart) contextFirst--;
  let longest = least - 1;
  let place: Span | undefined;
  let comparisons = 0;
  for (let from = run.first; from + longest < end; from++) {
    for (let at = run.first - 1; at >= contextFirst; at--) {
      if (++comparisons % comparisonsAtOnce === 0) yield;
      if (ids[at] !== ids[from]) continue;
      let length = 1;
      while (from + length < end && at + length < run.first && ids[at + length] === ids[from + length]) length++;
      if (length <= longest) continue;
      longest = length;
      place = { start: starts[at] ?? 0, end: ends[at + length - 1] ?? 0 };
    }
  }
  return place;
}

/** All its words begin with a capital or are what stands between the words of a name. */
function isName(text: string, { starts, ends }: Words, { first, count }: Run): boolean {
  let capitals = 0;
  for (let index = first; index < first + count; index++) {
    const word = text.slice(starts[index], ends[index]);
    if (/^[\p{Lu}\p{Lt}]/u.test(word)) capitals++;
    else if (!particles.has(word)) return false;
  }
  return capitals > 0;
}

/** Lines that hold words, one after the other; the first of each paragraph says so. */
function* linesOf(text: string): Generator<Span & { readonly startsParagraph: boolean }> {
  let paragraphEnd = 0;
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed;
    const line = { start, end };
    start = end + 1;
    const content = text.slice(line.start, line.end);
    if (content.trim() === '') continue;
    const startsParagraph = line.start >= paragraphEnd;
    if (startsParagraph) paragraphEnd = textUnitsIn(text, line, 'paragraph')[0]?.end ?? line.end;
    yield { ...line, startsParagraph };
  }
}

/** Its scores are of this very text. */
export function isScored(scores: Pick<StretchScores, 'cellsIn'>, span: Span): boolean {
  const cells = scores.cellsIn(span);
  let covered = span.start;
  for (let index = 0; index < cells.length && (cells.starts[index] ?? Infinity) <= covered; index++) covered = cells.ends[index] ?? 0;
  return covered >= span.end;
}

/** What was found in a text that has not all its scores; where they are missing, what was found before, whole. In the order of the text. */
export function withFormer(
  found: readonly Stretch[],
  former: readonly Stretch[],
  isScored: (stretch: Stretch) => boolean,
): readonly Stretch[] {
  const kept = former.filter(stretch => !isScored(stretch));
  const isFree = ({ start, end }: Stretch) => !kept.some(other => other.start < end && other.end > start);
  return [...found.filter(isFree), ...kept].sort((a, b) => a.start - b.start);
}

/**
 * Which parts of stretches to paint, line by line, without the indentation: those on the `screen`, then those in the `margin` around it, the longest
 * stretches first; at most `limit`.
 */
export function stretchParts(
  text: string,
  stretches: readonly Stretch[],
  screen: readonly Span[],
  margin: readonly Span[],
  limit: number,
): readonly Span[] {
  const isIn = (places: readonly Span[]) => (span: Span) => places.some(place => span.start < place.end && span.end > place.start);
  const isOnScreen = isIn(screen);
  const lines = stretches
    .filter(isIn(margin))
    .sort(byLength)
    .flatMap(stretch =>
      textUnitsIn(text, stretch, 'line').map(line => ({
        start: Math.max(line.start, stretch.start),
        end: Math.min(line.end, stretch.end),
      })),
    )
    .filter(isIn(margin));
  const first = lines.filter(isOnScreen);
  const then = lines.filter(line => !isOnScreen(line));
  return [...first, ...then].slice(0, limit).sort((a, b) => a.start - b.start);
}

/** The longest first, of equal ones the more predictable. */
export function byLength(a: Stretch, b: Stretch): number {
  return b.words - a.words || a.bits - b.bits || a.start - b.start;
}
