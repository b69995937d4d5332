import * as vscode from 'vscode';
import { bandOf } from '../core/band';
import type { BandEdges } from '../core/band';
import { differenceFloor, formatShare, formatTotalBits, morePredictable } from '../core/documentReport';
import type { KindSum, Peak, TextReport } from '../core/documentReport';
import type { Palette } from '../core/look';
import { formatBits, formatCount, formatDecimal } from '../core/numberText';
import type { NoiseFloor, Span, UsualLevels } from '../core/scores';
import { piecesOfBytes } from '../core/vocabulary';
import type { BandRow, ReportNumbers, ReportPeak, ReportTable, ReportText } from './reportProtocol';

/** One of the texts of a report: its numbers, and where it stands. */
export interface ReportedText {
  readonly document: vscode.TextDocument;
  readonly name: string;
  /** UTF-16; of the whole document where it is `undefined`. */
  readonly span: Span | undefined;
  readonly report: TextReport;
  readonly edges: BandEdges;
  readonly kinds: readonly KindSum[];
}

/** What is the same for all texts of a report. */
export interface ReportFrame {
  readonly modelName: string;
  readonly usual: UsualLevels;
  readonly noise: NoiseFloor | null;
  /** That the model does not read this language. */
  readonly reading: string | undefined;
  readonly palette: Palette;
  readonly provenance: string;
}

/** A document's numbers, and beside them those of what is selected in it. */
export function documentNumbers(whole: ReportedText, selection: ReportedText | undefined, frame: ReportFrame): ReportNumbers {
  return numbers(whole.name, usualSentence(frame), selection ? [whole, selection] : [whole], frame);
}

/** Two texts, and which of them is more predictable. */
export function comparedNumbers(first: ReportedText, second: ReportedText, frame: ReportFrame): ReportNumbers {
  const named = [first, second].map((text, index) => ({ ...text, name: vscode.l10n.t('{0}. {1}', (index + 1).toString(), text.name) }));
  return numbers(vscode.l10n.t('Two texts compared'), verdict(first, second, frame), named, frame);
}

function numbers(title: string, lead: string, texts: readonly ReportedText[], frame: ReportFrame): ReportNumbers {
  return {
    kind: 'numbers',
    title,
    lead,
    updating: false,
    updatingText: vscode.l10n.t('The text has changed; these numbers are of before.'),
    reading: frame.reading === undefined ? undefined : { text: frame.reading, chooseModel: vscode.l10n.t('Choose another model') },
    texts: texts.map(reportText),
    palette: frame.palette,
    numbers: numbersTable(texts),
    bands: {
      title: vscode.l10n.t('How surprising its tokens are'),
      note: vscode.l10n.t('share of the tokens, by bits of surprisal'),
      rows: bandRows(texts),
    },
    kinds: kindsTable(texts),
    shape: { title: vscode.l10n.t('Along the text'), note: vscode.l10n.t('mean bits per token; click to go there') },
    places: { title: vscode.l10n.t('Most surprising places'), note: vscode.l10n.t('in bits; click to go there') },
    provenance: frame.provenance,
  };
}

function numbersTable(texts: readonly ReportedText[]): ReportTable {
  const row = (label: string, valueOf: (report: TextReport) => string) => ({ label, values: texts.map(({ report }) => valueOf(report)) });
  const isPartial = texts.some(({ report }) => report.scoredTokens < report.tokens);
  return {
    title: vscode.l10n.t('In numbers'),
    note: vscode.l10n.t('fewer bits = more predictable'),
    rows: [
      row(vscode.l10n.t('Tokens'), report => formatCount(report.tokens)),
      ...(isPartial ? [row(vscode.l10n.t('Tokens with a score'), report => formatCount(report.scoredTokens))] : []),
      row(vscode.l10n.t('Total bits'), report => formatTotalBits(report.totalBits)),
      row(vscode.l10n.t('Bits per byte'), report => ratio(report.bitsPerByte, 2)),
      row(vscode.l10n.t('Bits per character (Unicode code point)'), report => ratio(report.bitsPerCharacter, 2)),
      row(vscode.l10n.t('Perplexity per token'), report => ratio(report.perplexity, 1)),
      row(vscode.l10n.t('Mean entropy, bits per token'), report => ratio(report.meanEntropyBits, 2)),
    ],
  };
}

/** Of kinds that are in none of the texts nothing is said. */
function kindsTable(texts: readonly ReportedText[]): ReportTable | undefined {
  const labels = [...new Set(texts.flatMap(({ kinds }) => kinds.filter(({ tokens }) => tokens > 0).map(({ label }) => label)))];
  if (labels.length === 0) return undefined;
  const inWords = (sum: KindSum | undefined) =>
    sum === undefined || sum.tokens === 0
      ? '–'
      : vscode.l10n.t(
          '{0} tokens, {1} bits, {2} per byte',
          formatCount(sum.tokens),
          formatTotalBits(sum.totalBits),
          ratio(sum.bitsPerByte, 2),
        );
  return {
    title: vscode.l10n.t('Summed apart'),
    note: vscode.l10n.t('parts of the text that can be left out'),
    rows: labels.map(label => ({ label, values: texts.map(({ kinds }) => inWords(kinds.find(kind => kind.label === label))) })),
  };
}

function ratio(value: number | null, digits: number): string {
  if (value === null) return '–';
  return value < 1000 ? formatDecimal(value, digits) : formatCount(value);
}

/** Two documents may have scales of their own: then bands have no limits that hold for both. */
function bandRows(texts: readonly ReportedText[]): readonly BandRow[] {
  const [first, ...others] = texts;
  const edges = first && others.every(other => other.edges.join() === first.edges.join()) ? first.edges : undefined;
  const labels = edges
    ? [
        edges[0] === 1 ? vscode.l10n.t('below 1 bit: plain') : vscode.l10n.t('below {0} bits: plain', edges[0].toString()),
        ...edges.map((edge, index) => {
          const next = edges[index + 1];
          return next === undefined
            ? vscode.l10n.t('{0} bits or more', edge.toString())
            : vscode.l10n.t('{0} to {1} bits', edge.toString(), next.toString());
        }),
      ]
    : [vscode.l10n.t('plain'), ...Array.from({ length: 5 }, (_, index) => vscode.l10n.t('colour {0} of 5', (index + 1).toString()))];
  return labels.map((label, band) => ({
    band,
    label,
    shares: texts.map(({ report }) => ({ share: report.bandShares[band] ?? 0, text: formatShare(report.bandShares[band] ?? 0) })),
  }));
}

function reportText({ document, name, span, report, edges }: ReportedText): ReportText {
  return {
    name,
    detail: detailOf(document, span),
    columns: report.shape.map(({ start, meanBits }) => ({
      start,
      meanBits,
      band: meanBits === null ? null : (bandOf(meanBits, edges) ?? null),
      label:
        meanBits === null
          ? vscode.l10n.t('line {0}: not scored', lineNumber(document, start))
          : vscode.l10n.t('line {0}: {1} bits per token', lineNumber(document, start), formatBits(meanBits)),
    })),
    peaks: report.peaks.map(peak => reportPeak(document, peak)),
  };
}

function detailOf(document: vscode.TextDocument, span: Span | undefined): string {
  if (!span) return vscode.l10n.t('whole document');
  // A selection of whole lines ends at the beginning of the next one.
  const [from, to] = [lineNumber(document, span.start), lineNumber(document, Math.max(span.start, span.end - 1))];
  return from === to ? vscode.l10n.t('line {0}', from) : vscode.l10n.t('lines {0} to {1}', from, to);
}

function lineNumber(document: vscode.TextDocument, offset: number): string {
  return (document.positionAt(offset).line + 1).toString();
}

/** So much of the line is shown on either side of a place, in UTF-16 units. */
const contextLength = 24;

function reportPeak(document: vscode.TextDocument, { start, end, bits }: Peak): ReportPeak {
  const text = document.getText();
  return {
    start,
    end,
    line: vscode.l10n.t('line {0}', lineNumber(document, start)),
    before: wholeWordsBefore(text, start),
    token: piecesOfBytes(new TextEncoder().encode(text.slice(start, end).replaceAll('\r\n', '\n'))),
    after: wholeWordsAfter(text, end),
    bits: formatBits(bits),
  };
}

/** The end of the line before a place; a word that would be cut is left out. */
function wholeWordsBefore(text: string, end: number): string {
  const start = Math.max(0, end - contextLength);
  const part = (
    text
      .slice(start, end)
      .split(/[\r\n]/)
      .at(-1) ?? ''
  ).toWellFormed();
  const isCut = part.length === end - start && start > 0 && /[^\r\n]/.test(text.charAt(start - 1));
  return isCut ? `…${part.replace(/^\S+/, '')}` : part;
}

function wholeWordsAfter(text: string, start: number): string {
  const end = Math.min(text.length, start + contextLength);
  const part = (text.slice(start, end).split(/[\r\n]/, 1)[0] ?? '').toWellFormed();
  const isCut = part.length === end - start && /[^\r\n]/.test(text.charAt(end));
  return isCut ? `${part.replace(/\S+$/, '')}…` : part;
}

function usualSentence({ modelName, usual }: ReportFrame): string {
  return vscode.l10n.t(
    'For comparison: {0} usually needs {1} bits per byte for English prose and {2} for code.',
    modelName,
    formatDecimal(usual.prose, 2),
    formatDecimal(usual.code, 2),
  );
}

function verdict(first: ReportedText, second: ReportedText, { modelName, noise }: ReportFrame): string {
  const [a, b] = [first.report, second.report];
  const floor = differenceFloor(a, b, noise);
  const noiseSentence =
    floor === undefined
      ? vscode.l10n.t('How much of this is noise is not known for this model.')
      : vscode.l10n.t('A difference of up to {0} would be noise.', formatDecimal(floor, 3));
  const difference = formatDecimal(Math.abs((a.bitsPerByte ?? NaN) - (b.bitsPerByte ?? NaN)), 3);
  const sentence = (number: string, text: ReportedText) =>
    vscode.l10n.t(
      'Text {0} ({1}) is more predictable to {2}, by {3} bits per byte. {4}',
      number,
      labelOf(text),
      modelName,
      difference,
      noiseSentence,
    );
  switch (morePredictable(a, b, noise)) {
    case 'unknown':
      return vscode.l10n.t('One of the two has no token with a score, so they cannot be compared.');
    case 'none':
      return vscode.l10n.t(
        'Neither is more predictable to {0}: they differ by {1} bits per byte. {2}',
        modelName,
        difference,
        noiseSentence,
      );
    case 'first':
      return sentence('1', first);
    case 'second':
      return sentence('2', second);
  }
}

function labelOf({ document, name, span }: ReportedText): string {
  return span ? vscode.l10n.t('{0}, {1}', name, detailOf(document, span)) : name;
}
