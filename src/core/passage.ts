import type { BandEdges } from './band';
import { CellList, cellsWithin } from './cells';
import type { Cells } from './cells';
import { rowState } from './scores';
import type { ScoreTable, Span } from './scores';

/** Rows of some tokens in a row, as the model process gives them for a text that may not be that of the document. */
export type PassageRows = Pick<
  ScoreTable,
  'ids' | 'starts' | 'ends' | 'surprisalBits' | 'entropyBits' | 'ranks' | 'contextTokens' | 'topCount' | 'topIds' | 'topLogProbabilities'
>;

/** The same as a table, for whatever reads rows of one. It knows no bytes (they are all 0) and watches no words. */
export function passageTable(rows: PassageRows): ScoreTable {
  const { ids, starts, ends, surprisalBits, entropyBits, ranks, contextTokens, topCount, topIds, topLogProbabilities } = rows;
  const { length } = ids;
  return {
    length,
    topCount,
    watchCount: 0,
    ids,
    starts,
    ends,
    startBytes: new Uint32Array(length),
    endBytes: new Uint32Array(length),
    states: Uint8Array.from(surprisalBits, bits => (Number.isNaN(bits) ? rowState.unscored : rowState.scored)),
    surprisalBits,
    entropyBits,
    ranks,
    contextTokens,
    topIds,
    topLogProbabilities,
    wordStartLogMass: new Float32Array(length).fill(NaN),
    watchLogMasses: new Float32Array(0),
  };
}

/** Cells that overlap one of the spans, in document order: a token that was there before and goes on in a span is of it. */
export function cellsOver(table: ScoreTable, spans: readonly Span[]): Cells {
  const list = new CellList();
  let next = 0; // row
  for (const span of spans) {
    const cells = cellsWithin(table, span);
    for (let index = 0; index < cells.length; index++) {
      if ((cells.firstTokens[index] ?? 0) < next) continue;
      list.addFrom(cells, index);
      next = cells.endTokens[index] ?? next;
    }
  }
  return list;
}

/** How surprising the tokens of a text are as a rule, in bits. */
export interface UsualBits {
  readonly mean: number;
  readonly p95: number;
}

/** Fewer tokens have no 95th percentile to speak of. */
const leastTokens = 20;

/** Of scored tokens; undefined where there are too few. */
export function usualBits(surprisalBits: Float64Array): UsualBits | undefined {
  const scored = surprisalBits.filter(bits => !Number.isNaN(bits)).sort();
  if (scored.length < leastTokens) return undefined;
  const mean = scored.reduce((sum, bits) => sum + bits, 0) / scored.length;
  return { mean, p95: scored[Math.ceil(scored.length * 0.95) - 1] ?? Infinity };
}

export interface PassageSummary {
  readonly tokens: number;
  /** Of scored cells. */
  readonly bits: number;
  /** A token, of those that are scored; undefined where none is. */
  readonly meanBits: number | undefined;
  /** Indices of cells. The one of most bits; undefined where none is scored. */
  readonly weakest: number | undefined;
  /** Those that stand out from what is usual, in document order. */
  readonly standing: readonly number[];
}

/**
 * A cell stands out where it is more surprising than 95 of 100 tokens of the text round it, and has a colour at all: bits of band 1 or more. Where
 * nobody knows what is usual, the colour is enough.
 */
export function passageSummary(cells: Cells, usual: UsualBits | undefined, [edge]: BandEdges): PassageSummary {
  let [tokens, scored, bits] = [0, 0, 0];
  let weakest: number | undefined;
  const standing: number[] = [];
  for (let index = 0; index < cells.length; index++) {
    const [own = NaN, count] = [cells.bits[index], (cells.endTokens[index] ?? 0) - (cells.firstTokens[index] ?? 0)];
    tokens += count;
    if (Number.isNaN(own)) continue;
    scored += count;
    bits += own;
    if (weakest === undefined || own > (cells.bits[weakest] ?? NaN)) weakest = index;
    if (own >= edge && own > (usual?.p95 ?? 0)) standing.push(index);
  }
  return { tokens, bits, meanBits: scored > 0 ? bits / scored : undefined, weakest, standing };
}
