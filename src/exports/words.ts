import { preambleText } from '../core/legend';
import { bandCount, type BandEdges } from '../core/band';
import { formatCount } from '../core/numberText';
import { byteLength, type Report } from './report';

/** What the pictures for people (pretty, html and svg) say in words. Numbers for machines are in json and csv. */

/** "chapter.md", "Lines 3 to 8 of chapter.md". */
export function titleOf({ source, part, text }: Report): string {
  const name = source ?? 'Standard input';
  if (!part) return name;
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  const [first, last] = [lineOf(part.start), lineOf(Math.max(part.start, part.end - 1))];
  return first === last ? `Line ${formatCount(first)} of ${name}` : `Lines ${formatCount(first)} to ${formatCount(last)} of ${name}`;
}

/** `mark`: what shows how surprising text is, where it is not colour alone. */
export function headlineOf(report: Report, mark = 'Stronger colour'): string {
  return `${mark} = more surprising to ${report.provenance.model}`;
}

/** "6 to 8 bits", for band 0 to 5. */
export function bandLabel(band: number, edges: BandEdges): string {
  if (band === 0) return edges[0] === 1 ? 'below 1 bit' : `below ${String(edges[0])} bits`;
  const from = String(edges[band - 1] ?? 0);
  return band < bandCount ? `${from} to ${String(edges[band] ?? 0)} bits` : `${from} bits and more`;
}

/** Name and value, in the order they are shown. */
export function summaryRows({ summary, gaps }: Report): (readonly [name: string, value: string])[] {
  return [
    ['tokens', formatCount(summary.tokens)],
    ['bytes', formatCount(summary.bytes)],
    ['total', `${decimal(summary.totalBits, 1)} bits`],
    ['per byte', summary.bitsPerByte === null ? 'none scored' : `${decimal(summary.bitsPerByte, 3)} bits`],
    ['perplexity', summary.perplexity === null ? 'none scored' : decimal(summary.perplexity, 2)],
    ...(gaps.length > 0 ? [['bytes without a token', formatCount(byteLength(gaps))] as const] : []),
  ];
}

/** One quiet line: where the numbers come from. */
export function provenanceLine({ provenance, windows }: Report): string {
  const { noiseFloorBits, window, overlap, startTokenId } = provenance;
  const read = windows === undefined ? 'windows' : windows === 1 ? '1 window' : `${formatCount(windows)} windows`;
  return [
    provenance.model,
    `sha256 ${provenance.modelHash.slice(0, 12)}`,
    `${provenance.dtype}, ${provenance.arithmetic} arithmetic`,
    `${read} of at most ${formatCount(window)} tokens, ${formatCount(overlap)} shared${provenance.anchors === 'text' ? ', where the text decides' : ''}`,
    startTokenId === null ? 'no start token' : `start token ${String(startTokenId)}`,
    ...(provenance.preamble ? [preambleText(provenance.preamble)] : []),
    noiseFloorBits === null
      ? 'noise floor unknown'
      : `noise ${decimal(noiseFloorBits.mean, 2)} bits, 95 % below ${decimal(noiseFloorBits.p95, 2)}`,
    ...(provenance.selfCheck === 'implausible' ? ['reads plain English like a model that was never trained'] : []),
  ].join(' · ');
}

export function decimal(value: number, digits: number): string {
  return value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
