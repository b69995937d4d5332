import type { BandEdges } from './band';
import type { ShownMetric } from './metric';
import { formatCount, formatDecimal } from './numberText';
import type { NoiseFloor, PreambleNote, Provenance, Summary } from './scores';

/** The limits of a band as numbers for a sentence in the reader's language; without `to` there is no upper one. */
export interface BandRow {
  /** From 1. */
  readonly band: number;
  readonly from: string;
  readonly to: string | undefined;
}

/**
 * What the bands mean, weakest first, without those that are empty: bits, but for ranks ("11" to "100") and context needed, which are whole numbers, for the probability relative to the
 * best token, which are fractions ("1/4" to "1/16"), and for that of a watched word ("0.1%" to "1%").
 */
export function bandRows(metric: ShownMetric, edges: BandEdges): readonly BandRow[] {
  const isWhole = metric === 'rank' || metric === 'needed';
  const written = (edge: number) => {
    if (isWhole) return formatCount(edge);
    if (metric === 'relative') return `1/${formatCount(2 ** edge)}`;
    return metric === 'watched' ? `${formatEdge(edge * 100)}%` : formatEdge(edge);
  };
  return edges.flatMap((edge, index) => {
    const next = edges[index + 1];
    if (edge === next) return [];
    // The last whole number of a band is one below the next band's first.
    const to = next === undefined ? undefined : written(isWhole ? next - 1 : next);
    return [{ band: index + 1, from: written(edge), to }];
  });
}

/** At most two digits behind the point. */
function formatEdge(edge: number): string {
  return Number(edge.toFixed(2)).toString();
}

/** Shares of all as whole percentages; what is not nothing is never "0". */
export function shareText(count: number, total: number): string {
  if (total === 0 || count === 0) return '0%';
  const percent = Math.round((100 * count) / total);
  return percent === 0 ? '<1%' : `${percent.toString()}%`;
}

/** The document's two numbers, short: undefined where there are none. */
export function summaryNumbers(summary: Summary | undefined): { readonly perplexity: string; readonly bitsPerByte: string } | undefined {
  if (!summary) return undefined;
  const { perplexity, bitsPerByte } = summary;
  return perplexity === null || bitsPerByte === null
    ? undefined
    : { perplexity: formatPerplexity(perplexity), bitsPerByte: formatDecimal(bitsPerByte, 2) };
}

function formatPerplexity(perplexity: number): string {
  return perplexity < 1000 ? formatDecimal(perplexity, 1) : formatCount(perplexity);
}

/** The settings that made the numbers, for the last line of a legend. Names are as in the provenance; `preambleWords`: in the reader's language. */
export function provenanceText(provenance: Provenance, preambleWords = preambleText): string {
  return [
    provenance.model,
    provenance.dtype,
    provenance.arithmetic,
    ...(provenance.device ? ['WebGPU'] : []),
    `window ${formatCount(provenance.window)}`,
    `overlap ${formatCount(provenance.overlap)}`,
    ...(provenance.anchors === 'text' ? ['borders by text'] : []),
    ...(provenance.preamble ? [preambleWords(provenance.preamble)] : []),
    noiseText(provenance.noiseFloorBits),
    ...(provenance.selfCheck === 'implausible' ? ['self-check failed'] : []),
    provenance.modelHash.slice(0, 8),
  ].join(' · ');
}

/** Numbers of both can be held against each other: the same model, arithmetic and windows. */
export function isSameMeasure(a: Provenance, b: Provenance): boolean {
  const names = ['modelHash', 'dtype', 'arithmetic', 'device', 'window', 'overlap', 'anchors', 'startTokenId'] as const;
  return names.every(name => a[name] === b[name]) && a.preamble?.kind === b.preamble?.kind && a.preamble?.sha256 === b.preamble?.sha256;
}

/** "read after notes.md, 120 tokens"; "read as the answer to typed words, 40 tokens". */
export function preambleText({ kind, name, tokens }: PreambleNote): string {
  const what = name ?? 'typed words';
  return `read ${kind === 'chat' ? 'as the answer to' : 'after'} ${what}, ${formatCount(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`;
}

/** "noise 0.08 bit": how far the model's own arithmetic is from the exact one, on average. */
export function noiseText(noise: NoiseFloor | null): string {
  return noise ? `noise ${noise.mean === 0 ? '0' : noise.mean.toFixed(2)} bit` : 'noise unknown';
}
