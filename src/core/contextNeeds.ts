import { metricEdges } from './metric';
import type { Look } from './look';
import { rowState } from './scores';
import { sliceTable } from './scoreTable';
import type { ScoreTable, Span } from './scores';

/** Of one call of the model in float32 arithmetic. */
const callTokens = 256;
/** Context lengths up to this are tried, in tokens. */
export const mostTriedTokens = 64;
/** A context is enough where the bits lie so near to those that the whole context gives. */
export const enoughBits = 0.5;
/** Context lengths that somebody can have a text read with, in tokens. */
export const shortLengths = [1, 2, 4, 8, 16, 32, 64] as const;
/** Context lengths whose bits are kept of every row. */
export const keptLengths = [0, ...shortLengths] as const;

/** Readings beside the usual one. `needs`: how much context each token needs; `short`: every token as read from the last few tokens before it, by the same model. */
export type ReadingKind = { readonly of: 'needs' } | { readonly of: 'short'; readonly contextTokens: number };

/** Rows [first, end). */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/**
 * The shortest context from which on all longer ones that were tried come within `enoughBits` of the whole; Infinity where the longest does not, NaN where
 * the whole has no score. `bitsByLength`: by context length in tokens from 0 on; NaN where there is no score, at the end where the window holds no more.
 */
export function neededTokens(bitsByLength: ArrayLike<number>, wholeBits: number): number {
  if (Number.isNaN(wholeBits)) return NaN;
  let length = bitsByLength.length - 1;
  while (length >= 0 && Number.isNaN(bitsByLength[length])) length--;
  let needed = Infinity;
  for (; length >= 0 && Math.abs((bitsByLength[length] ?? NaN) - wholeBits) <= enoughBits; length--) needed = length;
  return needed;
}

/** How a document is looked at while a reading is shown. Whatever is plain has its hover too: little context is a result like much. */
export function lookOfReading(look: Look, kind: ReadingKind): Look {
  if (kind.of === 'needs')
    return {
      ...look,
      metric: 'needed',
      scale: 'token',
      edges: metricEdges.needed,
      relativeTo: undefined,
      wordCorrection: false,
      hoverEverywhere: true,
    };
  // Of a short context it is not known how probable watched words or ends of words were.
  const others = { ...look, wordCorrection: false, hoverEverywhere: true };
  return look.metric === 'watched' ? { ...others, metric: 'surprisal', scale: 'token', edges: look.tokenEdges } : others;
}

/** What the model said of some rows with contexts of every length. */
export interface NeedsRows {
  /** [rows, mostTriedTokens + 1], by context length; NaN where the window does not hold so many tokens. */
  readonly surprisalBits: ArrayLike<number>;
  readonly whole: ReadRows;
}
/** What it said of them with one context. */
export type ReadRows = Pick<
  ScoreTable,
  'surprisalBits' | 'entropyBits' | 'ranks' | 'contextTokens' | 'topIds' | 'topLogProbabilities' | 'topCount'
>;

/** The short context and the whole one, over the same tokens. */
export interface Comparison {
  readonly tokens: number;
  readonly shortBitsPerByte: number;
  readonly wholeBitsPerByte: number;
}

/** What a reading of one document version has found so far. */
export class ContextReading {
  readonly kind: ReadingKind;
  /** Rows that are not read yet are pending. Of the whole context for `needs`, of the short one for `short`, in the arithmetic of the reading. */
  readonly table: ScoreTable;
  /** With the whole context, in the arithmetic of the reading; NaN where it is not known. */
  readonly #wholeBits: Float64Array;
  readonly #wholeContext: Int32Array;
  readonly #needed: Float64Array;
  /** [rows, keptLengths]. */
  readonly #bitsByLength: Float32Array;
  /** Nothing of the row is left to be asked. */
  readonly #isRead: Uint8Array;

  /** `of`: scored or not; nothing of its memory is kept, and none of its scores, which may be of another arithmetic. */
  constructor(kind: ReadingKind, of: ScoreTable) {
    this.kind = kind;
    const copy = sliceTable(of, 0, of.length);
    this.table = { ...copy, states: new Uint8Array(of.length), watchCount: 0, watchLogMasses: new Float32Array(0) };
    for (const column of [copy.surprisalBits, copy.entropyBits, copy.wordStartLogMass, copy.topLogProbabilities]) column.fill(NaN);
    copy.ranks.fill(0);
    copy.topIds.fill(-1);
    this.#wholeContext = new Int32Array(of.length);
    this.#wholeBits = new Float64Array(of.length).fill(NaN);
    this.#needed = new Float64Array(of.length).fill(NaN);
    this.#isRead = new Uint8Array(of.length);
    this.#bitsByLength = new Float32Array(kind.of === 'needs' ? of.length * keptLengths.length : 0).fill(NaN);
  }

  isRead(row: number): boolean {
    return this.#isRead[row] === 1;
  }

  /** Takes in rows [first, end). */
  writeNeeds({ first, end }: RowRange, { surprisalBits, whole }: NeedsRows): void {
    this.#write({ first, end }, whole);
    this.#wholeContext.set(whole.contextTokens, first);
    const width = mostTriedTokens + 1;
    for (let row = first; row < end; row++) {
      const from = (row - first) * width;
      const bits = Array.from({ length: width }, (_, length) => surprisalBits[from + length] ?? NaN);
      for (const [index, length] of keptLengths.entries()) this.#bitsByLength[row * keptLengths.length + index] = bits[length] ?? NaN;
      this.#wholeBits[row] = whole.surprisalBits[row - first] ?? NaN;
      this.#needed[row] = neededTokens(bits, this.#wholeBits[row] ?? NaN);
    }
    this.#isRead.fill(1, first, end);
  }

  /** Takes in rows [first, end); `topCount` as in the table. */
  writeShort(range: RowRange, rows: ReadRows): void {
    this.#write(range, rows);
  }

  #write({ first, end }: RowRange, rows: ReadRows): void {
    const { table } = this;
    if (rows.topCount !== table.topCount) throw new RangeError('Another number of alternatives.');
    table.surprisalBits.set(rows.surprisalBits, first);
    table.entropyBits.set(rows.entropyBits, first);
    table.ranks.set(rows.ranks, first);
    table.contextTokens.set(rows.contextTokens, first);
    table.topIds.set(rows.topIds, first * table.topCount);
    table.topLogProbabilities.set(rows.topLogProbabilities, first * table.topCount);
    for (let row = first; row < end; row++) table.states[row] = stateOf(table.surprisalBits[row]);
  }

  /** What a short context is held against. */
  writeWhole({ first, end }: RowRange, { surprisalBits, contextTokens }: Pick<ReadRows, 'surprisalBits' | 'contextTokens'>): void {
    this.#wholeBits.set(surprisalBits, first);
    this.#wholeContext.set(contextTokens, first);
    this.#isRead.fill(1, first, end);
  }

  /** The most that one of these rows needs; NaN where one has no score or is not read. */
  neededIn(firstRow: number, endRow: number): number {
    let most = -Infinity;
    for (let row = firstRow; row < endRow; row++) most = Math.max(most, this.#needed[row] ?? NaN);
    return most === -Infinity ? NaN : most;
  }

  wholeBitsOf(row: number): number {
    return this.#wholeBits[row] ?? NaN;
  }

  /** In tokens. */
  wholeContextOf(row: number): number {
    return this.#wholeContext[row] ?? 0;
  }

  /** By `keptLengths`; NaN where the window holds no more, or nothing has a score. */
  bitsByLength(row: number): readonly number[] {
    return keptLengths.map((_, index) => this.#bitsByLength[row * keptLengths.length + index] ?? NaN);
  }

  /** Half of the tokens that were read need at most so many; undefined where there are none. */
  get medianNeeded(): number | undefined {
    const needed = this.#needed.filter(each => !Number.isNaN(each)).sort();
    return needed[Math.ceil(needed.length / 2) - 1];
  }

  /** Over rows of which both are known; undefined where there are none. */
  get comparison(): Comparison | undefined {
    const { length, surprisalBits, startBytes, endBytes } = this.table;
    let [tokens, bytes, short, whole] = [0, 0, 0, 0];
    for (let row = 0; row < length; row++) {
      const wholeBits = this.wholeBitsOf(row);
      const shortBits = surprisalBits[row] ?? NaN;
      if (Number.isNaN(wholeBits) || Number.isNaN(shortBits)) continue;
      tokens++;
      bytes += (endBytes[row] ?? 0) - (startBytes[row] ?? 0);
      short += shortBits;
      whole += wholeBits;
    }
    return bytes === 0 ? undefined : { tokens, shortBitsPerByte: short / bytes, wholeBitsPerByte: whole / bytes };
  }
}

function stateOf(bits: number | undefined): number {
  return Number.isNaN(bits ?? NaN) ? rowState.unscored : rowState.scored;
}

/** Rows whose text overlaps one of the spans, as the fewest ranges. */
export function rowsWithin({ length, starts, ends }: Pick<ScoreTable, 'length' | 'starts' | 'ends'>, spans: readonly Span[]): RowRange[] {
  const ranges: { readonly first: number; end: number }[] = [];
  for (let row = 0; row < length; row++) {
    if (!spans.some(({ start, end }) => (starts[row] ?? 0) < end && (ends[row] ?? 0) > start)) continue;
    const last = ranges.at(-1);
    if (last?.end === row) last.end = row + 1;
    else ranges.push({ first: row, end: row + 1 });
  }
  return ranges;
}

/** One call of the model. */
export interface ReadingStep extends RowRange {
  readonly visible: boolean;
}

/** What is left to be read of some rows, in the order of reading: what shows first, then the rest; at most `mostRows` at a time. */
export function stepsOf(
  wanted: readonly RowRange[],
  visible: readonly RowRange[],
  isRead: (row: number) => boolean,
  mostRows: number,
): ReadingStep[] {
  const isIn = (ranges: readonly RowRange[], row: number) => ranges.some(({ first, end }) => row >= first && row < end);
  const steps: { first: number; end: number; visible: boolean }[] = [];
  for (const { first, end } of wanted) {
    for (let row = first; row < end; row++) {
      if (isRead(row)) continue;
      const shows = isIn(visible, row);
      const last = steps.at(-1);
      if (last?.end === row && last.visible === shows && row - last.first < mostRows) last.end = row + 1;
      else steps.push({ first: row, end: row + 1, visible: shows });
    }
  }
  return [...steps.filter(step => step.visible), ...steps.filter(step => !step.visible)];
}

/** About how many tokens are given to the model for these steps; `prefixTokens` stand before every context: a start token, a preamble. */
export function tokensOf(kind: ReadingKind, steps: readonly RowRange[], prefixTokens: number): number {
  let tokens = 0;
  for (const { first, end } of steps) {
    tokens += end - first; // with the whole context
    if (kind.of === 'short')
      tokens += (end - first) * tokensOfRun(kind.contextTokens, prefixTokens) + prefixTokens; // and once with none
    // Every start of a context is a run of its own, those before the first row too.
    else
      for (let start = Math.max(0, first - mostTriedTokens); start < end; start++)
        tokens += tokensOfRun(Math.min(end - 1 - start, mostTriedTokens), prefixTokens);
  }
  return tokens;
}

/** A prefix that fills a call of the model is kept; a shorter one is read again in each run, several of which go into a call. */
function tokensOfRun(contextTokens: number, prefixTokens: number): number {
  return prefixTokens + contextTokens > callTokens ? Math.max(2, contextTokens) : prefixTokens + contextTokens;
}
