import { bandCount, type BandEdges } from '../core/band';
import type { Report } from './report';

/** What the pictures for people (pretty and html) say in words. Numbers for machines are in json and csv. */

export function headlineOf(report: Report): string {
  return `Stronger colour = more surprising to ${report.provenance.model}`;
}

/** "6 to 8 bits", for band 0 to 5. */
export function bandLabel(band: number, edges: BandEdges): string {
  if (band === 0) return `below ${String(edges[0])} bits`;
  const from = String(edges[band - 1] ?? 0);
  return band < bandCount ? `${from} to ${String(edges[band] ?? 0)} bits` : `${from} bits and more`;
}

/** Name and value, in the order they are shown. */
export function summaryRows({ summary, gaps }: Report): (readonly [name: string, value: string])[] {
  return [
    ['tokens', count(summary.tokens)],
    ['bytes', count(summary.bytes)],
    ['total', `${decimal(summary.totalBits, 1)} bits`],
    ['per byte', summary.bitsPerByte === null ? 'none scored' : `${decimal(summary.bitsPerByte, 3)} bits`],
    ['perplexity', summary.perplexity === null ? 'none scored' : decimal(summary.perplexity, 2)],
    ...(gaps.length > 0
      ? [['bytes without a token', count(gaps.reduce((bytes, gap) => bytes + gap.endByte - gap.startByte, 0))] as const]
      : []),
  ];
}

/** One quiet line: where the numbers come from. */
export function provenanceLine({ provenance, windows, window, stride, startTokenId }: Report): string {
  const { noiseFloorBits } = provenance;
  return [
    provenance.model,
    `sha256 ${provenance.modelHash.slice(0, 12)}`,
    `${provenance.dtype}, ${provenance.arithmetic} arithmetic`,
    `${count(windows)} ${windows === 1 ? 'window' : 'windows'} of at most ${count(window)} tokens, ${count(window - stride)} shared${provenance.anchors === 'text' ? ', where the text decides' : ''}`,
    startTokenId === null ? 'no start token' : `start token ${String(startTokenId)}`,
    noiseFloorBits === null
      ? 'noise floor unknown'
      : `noise ${decimal(noiseFloorBits.mean, 2)} bits, 95 % below ${decimal(noiseFloorBits.p95, 2)}`,
    ...(provenance.selfCheck === 'implausible' ? ['reads plain English like a model that was never trained'] : []),
  ].join(' · ');
}

/** Thousands as in 12,345, the same on every machine. */
export function count(value: number): string {
  return value.toLocaleString('en-GB');
}

export function decimal(value: number, digits: number): string {
  return value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** "12.3 %"; never rounds something to nothing, or less than everything to all. */
export function percent(probability: number): string {
  if (probability > 0 && probability < 0.0005) return '<0.1 %';
  if (probability < 1 && probability > 0.9995) return '>99.9 %';
  return `${decimal(100 * probability, 1)} %`;
}
