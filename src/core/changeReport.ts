import { differingLines } from './lineDiff';
import type { LineRange } from './lineDiff';
import { rowState } from './scores';
import type { NoiseFloor, ScoreTable, Span } from './scores';

/**
 * One side of a change, line by line. A cell (a token, or several that share a character) that reaches over a line border counts as a whole to
 * the line that has most of its characters, to the first of those that have as many; a line break is one character of the line that it ends.
 */
export interface ScoredLines {
  /** Without line breaks. */
  readonly texts: readonly string[];
  /** Where each line begins, UTF-16; one entry more, the text's end. */
  readonly starts: Uint32Array;
  readonly tokens: Uint32Array;
  readonly scoredTokens: Uint32Array;
  /** Of scored tokens, as are the bytes (UTF-8). */
  readonly bits: Float64Array;
  readonly scoredBytes: Uint32Array;
}

export interface LinesSum {
  readonly lines: number;
  readonly tokens: number;
  readonly bits: number;
  readonly scoredBytes: number;
  /** Null where there is no scored token. */
  readonly bitsPerByte: number | null;
}

/** What is usual for the lines of a text, in bits per byte. */
export interface UsualLevel {
  /** All their bits over all their bytes. */
  readonly mean: number;
  /** Standard deviation of the lines round the mean, each weighing as much as it has bytes; undefined where they are too few to tell. */
  readonly spread: number | undefined;
}

export interface ChangedLine extends LinesSum {
  /** Counted from 0. */
  readonly line: number;
  readonly span: Span;
  readonly standsOut: boolean;
}

/** What a hunk took away, or what it brought. */
export interface HunkSide {
  readonly range: LineRange;
  readonly sum: LinesSum;
  /** Taken together, it is far from what is usual for its text. */
  readonly standsOut: boolean;
  readonly lines: readonly ChangedLine[];
}

export interface Hunk {
  readonly removed: HunkSide;
  readonly added: HunkSide;
  /** Something of it stands out: all that was removed or added, or one of its lines. */
  readonly standsOut: boolean;
  readonly after: Aftermath | undefined;
}

/** The unchanged lines after a hunk, as they are read after it and as they were read before. */
export interface Aftermath {
  /** How many: at most `linesAfter`, fewer where the next hunk or the end comes first. */
  readonly lines: number;
  /** Bits now minus bits before. */
  readonly differenceBits: number;
  /** A difference that is not larger may be noise; undefined: not known for this model. */
  readonly floorBits: number | undefined;
}

export interface ChangeReport {
  /** In the order of the text. */
  readonly hunks: readonly Hunk[];
  readonly removed: LinesSum;
  readonly added: LinesSum;
  /** Of the two texts; undefined where nothing in one is scored. */
  readonly originalLevel: UsualLevel | undefined;
  readonly modifiedLevel: UsualLevel | undefined;
  /** Index of the hunk that is farthest from the usual; undefined where none stands out. */
  readonly mostSurprising: number | undefined;
  /** The texts differ in too many lines to find which of them have stayed: everything between their common ends is one hunk. */
  readonly isCoarse: boolean;
}

/** So many unchanged lines after a hunk are held against what they were before. */
export const linesAfter = 5;
/** A line stands out when its bits per byte are so many spreads above the mean of its text, */
export const spreadsToStandOut = 2;
/** and when it has so many bits more than a usual line of its length: a brace on a line of its own has few bytes, and its ratio says little. */
export const bitsToStandOut = 8;
/** With fewer lines nothing is said about what is usual. */
export const fewestLines = 5;

/** `table` undefined: the text is not there on this side. */
export function scoredLines(text: string, table: ScoreTable | undefined): ScoredLines {
  const starts: number[] = [0];
  const contentEnds: number[] = [];
  for (const { index, 0: lineBreak } of text.matchAll(/\r\n|\r|\n/g)) {
    contentEnds.push(index);
    starts.push(index + lineBreak.length);
  }
  contentEnds.push(text.length);
  const count = contentEnds.length;
  const lines = {
    texts: contentEnds.map((end, line) => text.slice(starts[line], end)),
    starts: Uint32Array.from([...starts, text.length]),
    tokens: new Uint32Array(count),
    scoredTokens: new Uint32Array(count),
    bits: new Float64Array(count),
    scoredBytes: new Uint32Array(count),
  };
  if (table) addRows(lines, contentEnds, table);
  return lines;
}

function addRows(lines: ScoredLines, contentEnds: readonly number[], table: ScoreTable): void {
  let line = 0;
  for (let row = 0; row < table.length;) {
    const start = table.starts[row] ?? 0;
    let end = table.ends[row] ?? 0;
    let next = row + 1;
    for (; next < table.length && (table.starts[next] ?? 0) < end; next++) end = Math.max(end, table.ends[next] ?? 0);
    while (line + 1 < contentEnds.length && (lines.starts[line + 1] ?? 0) <= start) line++;
    const owner = ownerOf({ start, end }, line, lines.starts, contentEnds);
    for (; row < next; row++) {
      lines.tokens[owner] = (lines.tokens[owner] ?? 0) + 1;
      if (table.states[row] !== rowState.scored) continue;
      lines.scoredTokens[owner] = (lines.scoredTokens[owner] ?? 0) + 1;
      lines.bits[owner] = (lines.bits[owner] ?? 0) + (table.surprisalBits[row] ?? 0);
      lines.scoredBytes[owner] = (lines.scoredBytes[owner] ?? 0) + (table.endBytes[row] ?? 0) - (table.startBytes[row] ?? 0);
    }
  }
}

/** The line that has most of a cell which begins in `first`. A line break is one character, whether it is written with one unit or two. */
function ownerOf({ start, end }: Span, first: number, starts: Uint32Array, contentEnds: readonly number[]): number {
  let owner = first;
  let most = 0;
  for (let line = first; line < contentEnds.length && ((starts[line] ?? 0) < end || line === first); line++) {
    const contentEnd = contentEnds[line] ?? 0;
    const content = Math.max(0, Math.min(end, contentEnd) - Math.max(start, starts[line] ?? 0));
    const length = content + (end > contentEnd ? 1 : 0);
    if (length <= most) continue;
    owner = line;
    most = length;
  }
  return owner;
}

export function sumOfLines({ tokens, bits, scoredBytes }: ScoredLines, { from, to }: LineRange): LinesSum {
  const sum = { lines: to - from, tokens: 0, bits: 0, scoredBytes: 0 };
  for (let line = from; line < to; line++) {
    sum.tokens += tokens[line] ?? 0;
    sum.bits += bits[line] ?? 0;
    sum.scoredBytes += scoredBytes[line] ?? 0;
  }
  return withRatio(sum);
}

function withRatio(sum: Omit<LinesSum, 'bitsPerByte'>): LinesSum {
  return { ...sum, bitsPerByte: sum.scoredBytes > 0 ? sum.bits / sum.scoredBytes : null };
}

/** Of the lines outside `changed`, where enough of them have scores: what is new and strange would raise the level that it is held against. Else of all lines. */
export function usualLevel(lines: ScoredLines, changed: readonly LineRange[] = []): UsualLevel | undefined {
  const scored = [...lines.scoredBytes.keys()].filter(line => (lines.scoredBytes[line] ?? 0) > 0);
  const isChanged = new Uint8Array(lines.texts.length);
  for (const { from, to } of changed) isChanged.fill(1, from, to);
  const unchanged = scored.filter(line => isChanged[line] === 0);
  const counted = unchanged.length < fewestLines ? scored : unchanged;
  let [bits, bytes] = [0, 0];
  for (const line of counted) {
    bits += lines.bits[line] ?? 0;
    bytes += lines.scoredBytes[line] ?? 0;
  }
  if (bytes === 0) return undefined;
  const mean = bits / bytes;
  let squares = 0;
  for (const line of counted) {
    const own = lines.scoredBytes[line] ?? 0;
    squares += own * ((lines.bits[line] ?? 0) / own - mean) ** 2;
  }
  return { mean, spread: counted.length < fewestLines ? undefined : Math.sqrt(squares / bytes) };
}

/** What a change took away and brought, hunk by hunk. `noise`: of the model that has scored both texts. */
export async function changeReport(original: ScoredLines, modified: ScoredLines, noise: NoiseFloor | null): Promise<ChangeReport> {
  const { ranges, isCoarse } = await differingLines(original.texts, modified.texts);
  const originalLevel = usualLevel(
    original,
    ranges.map(({ removed }) => removed),
  );
  const modifiedLevel = usualLevel(
    modified,
    ranges.map(({ added }) => added),
  );
  const hunks = ranges.map(({ removed, added }, index): Hunk => {
    const sides = {
      removed: hunkSide(original, removed, originalLevel, noise),
      added: hunkSide(modified, added, modifiedLevel, noise),
    };
    const standsOut = [sides.removed, sides.added].some(side => side.standsOut || side.lines.some(line => line.standsOut));
    const lines = Math.min(linesAfter, (ranges[index + 1]?.removed.from ?? original.texts.length) - removed.to);
    return { ...sides, standsOut, after: aftermath(original, removed.to, modified, added.to, lines, noise) };
  });
  const total = (sums: readonly LinesSum[]) =>
    withRatio({
      lines: sums.reduce((sum, { lines }) => sum + lines, 0),
      tokens: sums.reduce((sum, { tokens }) => sum + tokens, 0),
      bits: sums.reduce((sum, { bits }) => sum + bits, 0),
      scoredBytes: sums.reduce((sum, { scoredBytes }) => sum + scoredBytes, 0),
    });
  const distances = hunks.map(({ removed, added }) => Math.max(distance(removed, originalLevel), distance(added, modifiedLevel)));
  const farthest = Math.max(...distances);
  return {
    hunks,
    removed: total(hunks.map(({ removed }) => removed.sum)),
    added: total(hunks.map(({ added }) => added.sum)),
    originalLevel,
    modifiedLevel,
    mostSurprising: farthest > 0 ? distances.indexOf(farthest) : undefined,
    isCoarse,
  };
}

function hunkSide(lines: ScoredLines, range: LineRange, level: UsualLevel | undefined, noise: NoiseFloor | null): HunkSide {
  const sum = sumOfLines(lines, range);
  return {
    range,
    sum,
    standsOut: standsOut(sum, level, noise),
    lines: Array.from({ length: range.to - range.from }, (_, index) => {
      const line = range.from + index;
      const own = sumOfLines(lines, { from: line, to: line + 1 });
      const start = lines.starts[line] ?? 0;
      const span = { start, end: start + (lines.texts[line]?.length ?? 0) };
      return { ...own, line, span, standsOut: standsOut(own, level, noise) };
    }),
  };
}

function standsOut({ bits, tokens, scoredBytes, bitsPerByte }: LinesSum, level: UsualLevel | undefined, noise: NoiseFloor | null): boolean {
  if (level?.spread === undefined || bitsPerByte === null) return false;
  const surplus = bits - level.mean * scoredBytes;
  return bitsPerByte >= level.mean + spreadsToStandOut * level.spread && surplus >= Math.max(bitsToStandOut, (noise?.mean ?? 0) * tokens);
}

/** In spreads, of what stands out most on one side of a hunk; 0 where nothing does. */
function distance(side: HunkSide, level: UsualLevel | undefined): number {
  const spread = level?.spread ?? 0;
  if (!level || spread === 0) return 0;
  const own = side.standsOut ? [side.sum] : [];
  const sums = [...own, ...side.lines.filter(line => line.standsOut)];
  return Math.max(0, ...sums.map(({ bitsPerByte }) => ((bitsPerByte ?? level.mean) - level.mean) / spread));
}

/** Undefined where no token of these lines has a score on both sides. A line with a token that has none is left out. */
function aftermath(
  original: ScoredLines,
  fromOriginal: number,
  modified: ScoredLines,
  fromModified: number,
  lines: number,
  noise: NoiseFloor | null,
): Aftermath | undefined {
  let differenceBits = 0;
  let tokens = 0;
  for (let index = 0; index < lines; index++) {
    const [before, after] = [fromOriginal + index, fromModified + index];
    const isScored = (side: ScoredLines, line: number) => side.scoredTokens[line] === side.tokens[line];
    if (!isScored(original, before) || !isScored(modified, after)) continue;
    differenceBits += (modified.bits[after] ?? 0) - (original.bits[before] ?? 0);
    tokens += (original.tokens[before] ?? 0) + (modified.tokens[after] ?? 0);
  }
  return tokens === 0 ? undefined : { lines, differenceBits, floorBits: noise ? noise.mean * tokens : undefined };
}
