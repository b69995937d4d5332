import { paintedParts, rangeLimit, renderedColumns } from './paint';
import type { Provenance, Span } from './scores';
import { firstWhere } from './search';

/** Bands of a difference in bits, for each sign. */
export const signedBandCount = 4;
/** Lower edges of bands 1 to 4, of the size of a difference: the same in every view, so that a colour keeps its meaning. */
export const signedEdges = [0.25, 0.75, 2, 5] as const;

/** Where nobody has measured the noise: what 8-bit files usually have at the 95th percentile. */
const usualNoiseBits = 0.3;
/** Chunks and caches change the last digits of float32 arithmetic, too: by less than this. */
const float32NoiseBits = 0.001;

/** Which differences nobody can tell from those that the model's own arithmetic makes. */
export interface DifferenceNoise {
  readonly arithmetic: Provenance['arithmetic'];
  /** Differences of up to this. */
  readonly bits: number;
  /** Measured for this model, or what is usual. */
  readonly isMeasured: boolean;
}

/** Of numbers that were made so: the same in every view of differences. */
export function differenceNoiseOf({ arithmetic, noiseFloorBits }: Pick<Provenance, 'arithmetic' | 'noiseFloorBits'>): DifferenceNoise {
  if (arithmetic === 'float32') return { arithmetic, bits: float32NoiseBits, isMeasured: true };
  return { arithmetic, bits: noiseFloorBits?.p95 ?? usualNoiseBits, isMeasured: noiseFloorBits !== null };
}

/** `helps`: positive bits, less surprise because of something. `hinders`: negative ones. */
export type Sign = 'helps' | 'hinders';
/** `noise`: nobody can tell such a difference from one that arithmetic makes. `plain`: real, but small. */
export type SignedBand = { readonly sign: Sign; readonly band: number } | 'noise' | 'plain';

/** Undefined where there is no number. `noiseBits`: differences up to that say nothing. */
export function signedBandOf(bits: number, noiseBits: number): SignedBand | undefined {
  if (Number.isNaN(bits)) return undefined;
  const size = Math.abs(bits);
  if (size <= noiseBits) return noiseBits > 0 ? 'noise' : 'plain';
  const band = signedEdges.filter(edge => size >= edge).length;
  return band === 0 ? 'plain' : { sign: bits > 0 ? 'helps' : 'hinders', band };
}

/** A piece of text with a difference in bits. */
export interface SignedPiece {
  readonly span: Span;
  readonly bits: number;
}
/** A range to paint; never `plain`, unless it has something to say. */
export interface SignedMark {
  readonly span: Span;
  readonly band: SignedBand;
  /** Index of its piece. */
  readonly piece: number;
}

/**
 * What of ascending pieces is painted where they overlap the places, which ascend too: text without the white space round it, the strongest where
 * there are more than an editor can have. The work grows with the places.
 */
export function signedMarks(
  text: string,
  pieces: readonly SignedPiece[],
  places: readonly Span[],
  noiseBits: number,
  mostRanges = rangeLimit,
): readonly SignedMark[] {
  const marks: SignedMark[] = [];
  let piece = 0;
  for (const { start, end } of places) {
    for (piece = Math.max(piece, firstEndingAfter(pieces, start)); piece < pieces.length; piece++) {
      const found = pieces[piece];
      if (!found || found.span.start >= end) break;
      const band = signedBandOf(found.bits, noiseBits);
      if (band === undefined) continue;
      for (const span of paintedParts(text, found.span.start, found.span.end)) {
        const lineStart = text.lastIndexOf('\n', span.start - 1) + 1;
        if (span.end - lineStart <= renderedColumns) marks.push({ span, band, piece });
      }
    }
  }
  if (marks.length <= mostRanges) return marks;
  const size = ({ piece }: SignedMark) => Math.abs(pieces[piece]?.bits ?? 0);
  return [...marks]
    .sort((a, b) => size(b) - size(a))
    .slice(0, mostRanges)
    .sort((a, b) => a.span.start - b.span.start);
}

function firstEndingAfter(pieces: readonly SignedPiece[], offset: number): number {
  return firstWhere(pieces.length, index => (pieces[index]?.span.end ?? 0) > offset);
}
