import type { ScoreTable, Span } from './scores';
import { firstWhere } from './search';

/** Rows [first, end) of a table. */
interface Rows {
  readonly first: number;
  readonly end: number;
}

/** A piece of text with tokens of its own. */
export interface LinkUnit {
  readonly rows: Rows;
  /** UTF-16. */
  readonly span: Span;
}

/** What leaving a unit out did to rows after it; NaN where a row has no score. */
export interface UnitEffects extends Rows {
  readonly surprisalBits: ArrayLike<number>;
  readonly withoutBits: ArrayLike<number>;
}

/** What one unit does to a later one. */
export interface UnitLink {
  /** Indices of units. */
  readonly from: number;
  readonly to: number;
  /** Summed over the tokens of `to`: positive where `from` makes it easier. */
  readonly bits: number;
  /** No larger than what arithmetic may do to so many tokens. */
  readonly isNoise: boolean;
}

/** Spans, ascending and apart, with the rows that show something of them; those that share a token are one unit, since it can only be left out whole. */
export function linkUnits({ length, starts, ends }: Pick<ScoreTable, 'length' | 'starts' | 'ends'>, spans: readonly Span[]): LinkUnit[] {
  const units: { rows: Rows; span: Span }[] = [];
  for (const { start, end } of spans) {
    const first = firstWhere(length, row => (ends[row] ?? 0) > start);
    const rows = { first, end: firstWhere(length, row => (starts[row] ?? 0) >= end) };
    if (rows.first >= rows.end) continue;
    const last = units.at(-1);
    if (last && rows.first < last.rows.end) {
      last.rows = { first: last.rows.first, end: rows.end };
      last.span = { start: last.span.start, end };
    } else units.push({ rows, span: { start, end } });
  }
  return units;
}

/** How many tokens the model is given for the effects of these units on the rows after each, up to `until`: at most, since kept caches make it fewer. */
export function linkCostTokens(units: readonly LinkUnit[], until: number): number {
  return units.reduce((sum, { rows }) => sum + until - rows.first, 0);
}

/**
 * The links between units whose effects are known, strongest first. `noiseBits`: of one token; that of several grows with the root of their number, as
 * independent errors do. A later unit of which not every token has a number, as behind the end of a window, has no link.
 */
export function linksBetween(
  units: readonly LinkUnit[],
  effectsOf: (from: number) => UnitEffects | undefined,
  noiseBits: number,
): UnitLink[] {
  const links = units.flatMap((_, from) => {
    const effects = effectsOf(from);
    if (!effects) return [];
    return units.flatMap(({ rows }, to): UnitLink[] => {
      if (to <= from) return [];
      let bits = 0;
      for (let at = rows.first - effects.first; at < rows.end - effects.first; at++)
        bits += (effects.withoutBits[at] ?? NaN) - (effects.surprisalBits[at] ?? NaN);
      if (!Number.isFinite(bits)) return [];
      return [{ from, to, bits, isNoise: Math.abs(bits) <= noiseBits * Math.sqrt(rows.end - rows.first) }];
    });
  });
  return links.sort((a, b) => Math.abs(b.bits) - Math.abs(a.bits));
}
