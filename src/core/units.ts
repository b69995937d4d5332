import { bandOf } from './band';
import { mergedCells, noCells } from './cells';
import type { Cells } from './cells';
import { isPerByte } from './look';
import type { Look } from './look';
import { metricOf } from './metric';
import type { Scale, ShownMetric } from './metric';
import type { Span } from './scores';
import { textUnitsIn } from './textUnits';

/** The scores of a text as far as units need them. Offsets are of `text`, in UTF-16 units. */
export interface UnitSource {
  readonly text: string;
  cellsIn(span: Span): Cells;
  staleIn(span: Span): Cells;
  /** Those that are not left out by their kind, such as comments: what is left out has no colour and counts to no unit. The same list where all are kept. */
  kept(cells: Cells): Cells;
  /** Text without tokens in the present version: nothing waits for its score. */
  readonly gaps: readonly Span[];
  /** Functions of the text, whole; those inside others come after them. */
  readonly functions: readonly Span[];
  /** Of a function for which `isLongFunction` holds, as an `OverviewWalk` has found it; undefined where it is not known, and is not shown then. */
  readonly longFunction?: ((span: Span) => Unit | undefined) | undefined;
  /**
   * Natural logarithm of the probability that the token of a row of the present table begins a word, as the model saw it before that token;
   * undefined where it is not known.
   */
  readonly wordStartLogMass: ((row: number) => number | undefined) | undefined;
  /** Which of the cells' watched words the look is about; undefined: none. */
  readonly watchIndex?: number | undefined;
  /** Tokens of context that rows [first, end) need, where the look is about that; NaN where it is not known. */
  readonly neededIn?: ((firstRow: number, endRow: number) => number) | undefined;
}

/** A piece of text with its scores: of whole cells, so that a token that reaches into two pieces makes them one. */
export interface Unit {
  /** Its text, ascending. A function is without those inside it. */
  readonly parts: readonly Span[];
  /** Sum over its scored cells. */
  readonly bits: number;
  /** UTF-8 bytes of its scored cells in the scored copy; 0 where none has a score. */
  readonly bytes: number;
  /** Its most surprising cell. */
  readonly peak: (Span & { readonly bits: number }) | undefined;
  /** A score of it is of before an edit. */
  readonly stale: boolean;
}

/** A place to be painted. */
export interface Mark extends Span {
  /** 0 (plain) to 5; undefined: no score. */
  readonly band: number | undefined;
  readonly stale: boolean;
  /** A line, a sentence, a paragraph or a function begins here. */
  readonly opens: boolean;
}

/** Everything that is shown at a place, ascending, without overlap; units and cells that reach beyond it are whole. */
export function marksIn(source: UnitSource, span: Span, look: Look): Mark[] {
  if (look.scale === 'token') return cellMarks(source, span, look);
  const { scale } = look;
  const marks = unitsIn(source, span, scale, look.wordCorrection).flatMap(unit => marksOf(unit, scale, look));
  return scale === 'function' ? marks.filter(mark => overlaps(mark, span)).sort((a, b) => a.start - b.start) : marks;
}

/** A mark for each of its parts, in order. */
export function marksOf(unit: Unit, scale: Scale, { edges }: Look): Mark[] {
  const band = bandOf(valueOf(unit, scale), edges);
  const opens = isPerByte(scale);
  return unit.parts.map(({ start, end }, index) => ({ start, end, band, stale: unit.stale, opens: opens && index === 0 }));
}

/** What a unit is coloured by: bits of a word, bits per byte of what is longer; NaN where nothing of it has a score. */
export function valueOf({ bits, bytes }: Unit, scale: Scale): number {
  if (bytes === 0) return NaN;
  return isPerByte(scale) ? bits / bytes : bits;
}

/** Units that overlap the span, whole, in order. One in which some text still waits for its score is left out. */
export function unitsIn(source: UnitSource, span: Span, scale: Exclude<Scale, 'token'>, correctWords = false): Unit[] {
  if (scale === 'function') return functionsIn(source, span);
  const { text } = source;
  // Between two units that one token holds together lies white space that is of both.
  const firstCells = mixedCells(source, { start: span.start, end: span.start + 1 });
  const lastCells = mixedCells(source, { start: span.end - 1, end: span.end });
  let reach = {
    start: Math.min(span.start, firstCells.startOf(0)),
    end: Math.max(span.end, lastCells.endOf(lastCells.length - 1)),
  };
  let spans = textUnitsIn(text, reach, scale);
  let cells = noMixedCells;
  for (;;) {
    const [first, last] = [spans[0], spans.at(-1)];
    if (!first || !last) return [];
    cells = mixedCells(source, { start: first.start, end: last.end });
    const wider = { start: Math.min(first.start, cells.startOf(0)), end: Math.max(last.end, cells.endOf(cells.length - 1)) };
    // A cell may reach into a further unit, which is one with ours then.
    if (text.slice(wider.start, first.start).trim() === '' && text.slice(last.end, wider.end).trim() === '') break;
    reach = { start: Math.min(reach.start, wider.start), end: Math.max(reach.end, wider.end) };
    spans = textUnitsIn(text, reach, scale);
  }
  const correction = scale === 'word' && correctWords ? source.wordStartLogMass : undefined;
  return joinedByCells(spans, cells).flatMap(({ start, end, from, to }) => {
    if (!isCovered(source, cells, { start, end }, from, to)) return [];
    const sum = new UnitSum();
    for (let index = from; index < to; index++) sum.add(text, cells, index);
    const unit = sum.unit([{ start, end }]);
    if (!correction || unit.stale || unit.bytes === 0) return [unit];
    const bits = correctedBits(
      text,
      unit,
      cells.all.firstTokens[from] ?? 0,
      cells.all.endTokens[to - 1] ?? 0,
      correction,
      cells.startOf(from),
    );
    return bits === undefined ? [] : [{ ...unit, bits }];
  });
}

/**
 * A vocabulary whose tokens begin with the space before a word counts the end of a word in the next one. Corrected (Pimentel & Meister 2024, 2406.14561):
 * sum of bits - B(before the word) + B(after it), B = -log2 of the probability that a word begins. The first only where the word's first token
 * brings its own white space, the second only where white space follows. Undefined while a token that it takes B of has no score.
 */
function correctedBits(
  text: string,
  { parts: [place], bits }: Unit,
  firstRow: number,
  endRow: number,
  logMass: (row: number) => number | undefined,
  cellStart: number,
): number | undefined {
  if (!place) return bits;
  const before = cellStart < place.start ? logMass(firstRow) : 0;
  const after = /\s/.test(text.charAt(place.end)) ? logMass(endRow) : 0;
  if (before === undefined || after === undefined || Number.isNaN(before) || Number.isNaN(after)) return undefined;
  return bits + (before - after) / Math.LN2;
}

/** Cells of now and stale ones in one list. */
interface MixedCells {
  readonly length: number;
  readonly all: Cells;
  startOf(index: number): number;
  endOf(index: number): number;
  isStale(index: number): boolean;
  isKept(index: number): boolean;
}

function mixedCells(source: UnitSource, span: Span): MixedCells {
  const current = source.cellsIn(span);
  const stale = source.staleIn(span);
  const all = mergedCells(current, stale);
  const staleStarts = new Set(Array.from({ length: stale.length }, (_, index) => stale.starts[index] ?? 0));
  const currentStarts =
    stale.length === 0 ? undefined : new Set(Array.from({ length: current.length }, (_, index) => current.starts[index] ?? 0));
  const kept = source.kept(all);
  const keptStarts =
    kept.length === all.length ? undefined : new Set(Array.from({ length: kept.length }, (_, index) => kept.starts[index] ?? 0));
  return {
    length: all.length,
    all,
    isKept: index => keptStarts?.has(all.starts[index] ?? 0) ?? true,
    startOf: index => all.starts[index] ?? Infinity,
    endOf: index => all.ends[index] ?? -Infinity,
    isStale: index => staleStarts.has(all.starts[index] ?? 0) && currentStarts?.has(all.starts[index] ?? 0) !== true,
  };
}

const noMixedCells: MixedCells = {
  length: 0,
  all: noCells,
  startOf: () => Infinity,
  endOf: () => -Infinity,
  isStale: () => false,
  isKept: () => true,
};

function cellMarks(source: UnitSource, span: Span, look: Look): Mark[] {
  const cells = mixedCells(source, span);
  return Array.from({ length: cells.length }, (_, index) => ({
    start: cells.startOf(index),
    end: cells.endOf(index),
    band: cells.isKept(index) ? bandOf(cellValue(source, cells.all, index, look.metric), look.edges) : undefined,
    stale: cells.isStale(index),
    opens: false,
  }));
}

function cellValue({ watchIndex, neededIn }: UnitSource, cells: Cells, index: number, metric: ShownMetric): number {
  if (metric !== 'needed') return metricOf(cells, index, metric, watchIndex);
  return neededIn?.(cells.firstTokens[index] ?? 0, cells.endTokens[index] ?? 0) ?? NaN;
}

interface Group extends Span {
  /** Cells [from, to). */
  readonly from: number;
  readonly to: number;
}

/** Spans with the cells that touch them; spans that one cell touches are one. */
function joinedByCells(spans: readonly Span[], cells: MixedCells): Group[] {
  const groups: Group[] = [];
  let next = 0; // the first cell that no group has
  for (const { start, end } of spans) {
    const last = groups.at(-1);
    const isTouched = last !== undefined && last.to > last.from && cells.endOf(last.to - 1) > start;
    if (!isTouched) while (next < cells.length && cells.endOf(next) <= start) next++;
    const from = next;
    while (next < cells.length && cells.startOf(next) < end) next++;
    if (isTouched) groups[groups.length - 1] = { start: last.start, end, from: last.from, to: next };
    else groups.push({ start, end, from, to: next });
  }
  return groups;
}

/** Every character of the span has a cell, or never gets one. */
function isCovered(source: UnitSource, cells: MixedCells, span: Span, from: number, to: number): boolean {
  let at = span.start;
  for (let index = from; index < to && at < span.end; index++) {
    if (cells.startOf(index) > at && !isGap(source.gaps, at, cells.startOf(index))) return false;
    at = Math.max(at, cells.endOf(index));
  }
  return at >= span.end || isGap(source.gaps, at, span.end);
}

function isGap(gaps: readonly Span[], start: number, end: number): boolean {
  let at = start;
  for (const gap of gaps) if (gap.start <= at && gap.end > at) at = gap.end;
  return at >= end;
}

/** Gathers the cells of one unit. */
class UnitSum {
  #bits = 0;
  #bytes = 0;
  #peak: (Span & { readonly bits: number }) | undefined;
  #stale = false;

  add(text: string, cells: MixedCells, index: number): void {
    this.#stale ||= cells.isStale(index);
    const bits = cells.isKept(index) ? (cells.all.bits[index] ?? NaN) : NaN;
    if (Number.isNaN(bits)) return;
    const [start, end] = [cells.startOf(index), cells.endOf(index)];
    this.#bits += bits;
    this.#bytes += scoredBytes(text, start, end);
    if (!this.#peak || bits > this.#peak.bits) this.#peak = { start, end, bits };
  }

  unit(parts: readonly Span[]): Unit {
    return { parts, bits: this.#bits, bytes: this.#bytes, peak: this.#peak, stale: this.#stale };
  }
}

/** UTF-8 bytes that a piece of the document has in the scored copy: CRLF is one there, and a lone surrogate is U+FFFD. */
export function scoredBytes(text: string, start: number, end: number): number {
  let bytes = 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes += unit === 13 && text.charCodeAt(at + 1) === 10 ? 0 : 1;
    else if (unit < 0x800) bytes += 2;
    else if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
      bytes += 4;
      at++;
    } else bytes += 3;
  }
  return bytes;
}

/** Text of one function and of none inside it. */
interface Segment extends Span {
  readonly owner: number;
}

/** Every draw reads the functions that it shows as a whole, so those that are longer are read once, in pieces, for many draws. UTF-16 units. */
const longestRead = 15_000;

export function isLongFunction({ start, end }: Span): boolean {
  return end - start > longestRead;
}

function functionsIn(source: UnitSource, span: Span): Unit[] {
  const near = source.functions.filter(each => overlaps(each, span));
  const long = near.flatMap(each => (isLongFunction(each) ? (source.longFunction?.(each) ?? []) : []));
  const short = near.filter(each => !isLongFunction(each));
  const hull = { start: Math.min(...short.map(({ start }) => start)), end: Math.max(...short.map(({ end }) => end)) };
  const inside = source.functions.filter(each => each.start >= hull.start && each.end <= hull.end && !isLongFunction(each));
  const sums = new FunctionSums(source.text, inside, () => true);
  if (short.length > 0) sums.add(source, hull);
  return [...sums.units().values(), ...long]
    .filter(({ parts }) => parts.some(part => overlaps(part, span)))
    .sort((a, b) => (a.parts[0]?.start ?? 0) - (b.parts[0]?.start ?? 0));
}

/**
 * The sums of functions, gathered in pieces of the text. A cell belongs to the innermost function that its first visible character is in; functions
 * are never joined.
 */
export class FunctionSums {
  /** With the text of each that can be seen. */
  readonly #segments: readonly (Segment & { readonly part: Span })[];
  readonly #sums = new Map<number, { readonly function: Span; readonly sum: UnitSum; readonly parts: Span[]; covered: boolean }>();

  /** Those of `functions` that are not wanted only keep their text from those they are in. */
  constructor(text: string, functions: readonly Span[], isWanted: (span: Span) => boolean) {
    this.#segments = segmentsOf(functions).flatMap(segment => {
      const owner = functions[segment.owner];
      const shown = text.slice(segment.start, segment.end);
      if (!owner || !isWanted(owner) || shown.trim() === '') return []; // nothing, or between two functions inside it
      const part = { start: segment.end - shown.trimStart().length, end: segment.start + shown.trimEnd().length };
      const sum = this.#sums.get(segment.owner) ?? { function: owner, sum: new UnitSum(), parts: [], covered: true };
      this.#sums.set(segment.owner, sum);
      sum.parts.push(part);
      return [{ ...segment, part }];
    });
  }

  /** The next piece of the text that the functions were made for; what is of no piece counts to none. */
  add(source: UnitSource, piece: Span): void {
    const segments = this.#segments.filter(segment => overlaps(segment, piece));
    if (segments.length === 0) return;
    const cells = mixedCells(source, piece);
    let from = 0;
    for (const { owner, part, ...segment } of segments) {
      const sum = this.#sums.get(owner);
      if (!sum) continue;
      const { start, end } = clipped(segment, piece);
      while (from < cells.length && cells.endOf(from) <= start) from++;
      let to = from;
      while (to < cells.length && cells.startOf(to) < end) to++;
      sum.covered &&= isCovered(source, cells, clipped(part, piece), from, to);
      for (let index = from; index < to; index++) {
        const cellStart = cells.startOf(index);
        const firstVisible = cellStart + Math.max(0, source.text.slice(cellStart, cells.endOf(index)).search(/\S/));
        if (firstVisible >= start && firstVisible < end) sum.sum.add(source.text, cells, index);
      }
    }
  }

  /** By the wanted function; one in which some text still waits for its score is left out. */
  units(): ReadonlyMap<Span, Unit> {
    const covered = [...this.#sums.values()].filter(each => each.covered);
    return new Map(covered.map(each => [each.function, each.sum.unit(each.parts)]));
  }
}

function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && a.end > b.start;
}

function clipped({ start, end }: Span, to: Span): Span {
  return { start: Math.max(start, to.start), end: Math.min(end, to.end) };
}

/** Nested spans as pieces that do not overlap, each of the innermost; ascending. */
function segmentsOf(spans: readonly Span[]): Segment[] {
  const sorted = spans.map((span, owner) => ({ ...span, owner })).sort((a, b) => a.start - b.start || b.end - a.end);
  const segments: Segment[] = [];
  const open: (Span & { readonly owner: number })[] = [];
  let at = 0;
  const upTo = (offset: number) => {
    const innermost = open.at(-1);
    if (innermost && offset > at) segments.push({ start: at, end: offset, owner: innermost.owner });
    at = Math.max(at, offset);
  };
  const closeUpTo = (offset: number) => {
    for (let innermost = open.at(-1); innermost && innermost.end <= offset; innermost = open.at(-1)) {
      upTo(innermost.end);
      open.pop();
    }
  };
  for (const span of sorted) {
    closeUpTo(span.start);
    upTo(span.start);
    const outer = open.at(-1);
    open.push({ ...span, end: outer ? Math.min(span.end, outer.end) : span.end }); // a server may answer what is not nested
  }
  closeUpTo(Infinity);
  return segments;
}
