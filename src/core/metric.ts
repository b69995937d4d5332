import type { BandEdges } from './band';
import type { Cells } from './cells';

/**
 * What can be shown of a cell, all of it from one computation. `surplus`: surprisal minus entropy, how much more than expected;
 * `relative`: how many times less probable than the best token, as bits.
 */
export const metrics = ['surprisal', 'rank', 'entropy', 'surplus', 'relative'] as const;
/** `watched`: how probable a word that somebody watches was as what comes there. */
export type Metric = (typeof metrics)[number] | 'watched';
/** `needed`: how many tokens of context each token needs; not from cells, but from a reading of its own. */
export type ShownMetric = Metric | 'needed';

/** Pieces of text that colours can be about. Above a word a mean is shown, in bits per byte; only surprisal has scales, the other metrics are per token. */
export const scales = ['token', 'word', 'line', 'sentence', 'paragraph', 'function'] as const;
export type Scale = (typeof scales)[number];

/**
 * Lower edges of bands 1 to 5. Ranks have three bands, by GLTR's limits (Gehrmann et al. 2019, 1906.04043): above 10, 100 and 1,000;
 * bands 1 and 3 are empty. Context needed has four, by powers of 4, and band 3 is empty. Surprisal has the edges of its preset.
 */
export const metricEdges: Readonly<Record<Exclude<ShownMetric, 'surprisal'>, BandEdges>> = {
  rank: [11, 11, 101, 101, 1001],
  entropy: [3, 4.5, 6, 7.5, 9],
  surplus: [2, 4, 6, 8, 11],
  relative: [2, 4, 6, 8, 10],
  watched: [0.001, 0.01, 0.05, 0.2, 0.5],
  needed: [2, 5, 17, 17, 65],
};

/** Bits, but for `rank` and for `watched`, a probability; NaN where a token of the cell has no score. `watchIndex`: of the word among those watched. */
export function metricOf(cells: Cells, index: number, metric: Metric, watchIndex?: number): number {
  const bits = cells.bits[index] ?? NaN;
  switch (metric) {
    case 'surprisal':
      return bits;
    case 'rank':
      return cells.ranks[index] ?? NaN;
    case 'entropy':
      return cells.entropyBits[index] ?? NaN;
    case 'surplus':
      return bits - (cells.entropyBits[index] ?? NaN);
    case 'relative':
      return bits - (cells.bestBits[index] ?? NaN);
    case 'watched':
      return Math.exp(cells.watchLogMasses[index]?.[watchIndex ?? -1] ?? NaN);
  }
}
