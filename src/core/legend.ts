import type { BandEdges } from './band';
import { formatCount } from './numberText';
import type { NoiseFloor, Provenance, Summary } from './scores';

/** "3 to 5 bits" for band 1, "at least 15 bits" for the last, as numbers for a sentence in the reader's language. */
export function bandLimits(edges: BandEdges): readonly { readonly from: string; readonly to: string | undefined }[] {
  return edges.map((edge, index) => ({ from: edge.toString(), to: edges[index + 1]?.toString() }));
}

/** The document's two numbers, short: undefined where there are none. */
export function summaryNumbers(summary: Summary | undefined): { readonly perplexity: string; readonly bitsPerByte: string } | undefined {
  if (!summary) return undefined;
  const { perplexity, bitsPerByte } = summary;
  return perplexity === null || bitsPerByte === null
    ? undefined
    : { perplexity: formatPerplexity(perplexity), bitsPerByte: bitsPerByte.toFixed(2) };
}

function formatPerplexity(perplexity: number): string {
  return perplexity < 1000 ? perplexity.toFixed(1) : formatCount(perplexity);
}

/** The settings that made the numbers, for the last line of a legend. Names are as in the provenance. */
export function provenanceText(provenance: Provenance): string {
  return [
    provenance.model,
    provenance.dtype,
    provenance.arithmetic,
    `window ${formatCount(provenance.window)}`,
    `overlap ${formatCount(provenance.overlap)}`,
    ...(provenance.anchors === 'text' ? ['borders by text'] : []),
    noiseText(provenance.noiseFloorBits),
    ...(provenance.selfCheck === 'implausible' ? ['self-check failed'] : []),
    provenance.modelHash.slice(0, 8),
  ].join(' · ');
}

/** Numbers of both can be held against each other: the same model, arithmetic and windows. */
export function isSameMeasure(a: Provenance, b: Provenance): boolean {
  const names = ['modelHash', 'dtype', 'arithmetic', 'window', 'overlap', 'anchors', 'startTokenId'] as const;
  return names.every(name => a[name] === b[name]);
}

/** "noise 0.08 bit": how far the model's own arithmetic is from the exact one, on average. */
export function noiseText(noise: NoiseFloor | null): string {
  return noise ? `noise ${noise.mean === 0 ? '0' : noise.mean.toFixed(2)} bit` : 'noise unknown';
}
