import * as vscode from 'vscode';
import { bitsToStandOut, fewestLines, linesAfter, spreadsToStandOut } from '../core/changeReport';
import type { Aftermath, ChangeReport, ChangedLine, Hunk, HunkSide, LinesSum, ScoredLines, UsualLevel } from '../core/changeReport';
import { formatTotalBits } from '../core/documentReport';
import type { LineRange } from '../core/lineDiff';
import type { Palette } from '../core/look';
import { formatBits, formatCount, formatDecimal } from '../core/numberText';
import type { ChangeHunk, ChangeLine, ReportChange } from './reportProtocol';

/** A change with its numbers, as far as the page needs more than them. */
export interface MeasuredChange {
  readonly report: ChangeReport;
  readonly original: ScoredLines;
  readonly modified: ScoredLines;
  /** Undefined: there is no such text. */
  readonly originalName: string | undefined;
  readonly modifiedName: string;
  readonly modelName: string;
  readonly reading: string | undefined;
  readonly palette: Palette;
  readonly provenance: string;
}

/** A page with more would take long to draw and nobody reads it: the rest is counted. */
const mostHunks = 100;
const mostLines = 60;
/** UTF-16 units of a line that are shown. */
const longestText = 120;
/** Bits per byte at which a bar is full: fixed, so that lines and pages can be compared. */
const fullBarBitsPerByte = 4;

export function changeState(change: MeasuredChange): ReportChange {
  const { report, originalName, modifiedName, modelName } = change;
  const { hunks } = report;
  return {
    kind: 'change',
    title:
      originalName === undefined
        ? vscode.l10n.t('{0}, a new text', modifiedName)
        : vscode.l10n.t('{0} against {1}', modifiedName, originalName),
    lead: vscode.l10n.t(
      'As {0} reads it, which need not be the model that wrote it: each side as a whole, then the lines that differ.',
      modelName,
    ),
    verdict: verdict(change),
    updating: false,
    updatingText: vscode.l10n.t('The text has changed; these numbers are of before.'),
    reading: change.reading === undefined ? undefined : { text: change.reading, chooseModel: vscode.l10n.t('Choose another model') },
    palette: change.palette,
    totals: {
      title: vscode.l10n.t('In numbers'),
      note: vscode.l10n.t('fewer bits = more predictable'),
      heads: [vscode.l10n.t('Removed'), vscode.l10n.t('Added')],
      rows: [
        totalsRow(vscode.l10n.t('Lines'), report, ({ lines }) => formatCount(lines)),
        totalsRow(vscode.l10n.t('Tokens'), report, ({ tokens }) => formatCount(tokens)),
        totalsRow(vscode.l10n.t('Total bits'), report, ({ bits }) => formatTotalBits(bits)),
        totalsRow(vscode.l10n.t('Bits per byte'), report, ({ bitsPerByte }) => ratio(bitsPerByte)),
        {
          label: vscode.l10n.t('Usual in this text, bits per byte (± spread of its lines)'),
          values: [levelInWords(report.originalLevel), levelInWords(report.modifiedLevel)],
        },
      ],
    },
    hunksTitle: vscode.l10n.t('Hunks'),
    hunksNote: vscode.l10n.t('in the order of the text; click a line to go there'),
    hunks: hunks.slice(0, mostHunks).map((hunk, index) => changeHunk(change, hunk, index)),
    more: hunks.length > mostHunks ? vscode.l10n.t('{0} more hunks are not shown.', formatCount(hunks.length - mostHunks)) : undefined,
    columns: {
      line: vscode.l10n.t('Line'),
      text: vscode.l10n.t('Text'),
      tokens: vscode.l10n.t('Tokens'),
      bits: vscode.l10n.t('Bits'),
      bitsPerByte: vscode.l10n.t('Bits per byte'),
    },
    rules: rules(report),
    provenance: change.provenance,
  };
}

function totalsRow(label: string, { removed, added }: ChangeReport, valueOf: (sum: LinesSum) => string) {
  return { label, values: [removed, added].map(sum => (sum.lines === 0 ? '–' : valueOf(sum))) };
}

/** What of it is most surprising, held against what is usual there. Never that anything were wrong. */
function verdict({ report: { hunks, mostSurprising, originalLevel, modifiedLevel }, modelName }: MeasuredChange): string {
  if (hunks.length === 0) return vscode.l10n.t('The two texts do not differ (line breaks are not compared).');
  if (mostSurprising !== undefined) {
    const count = hunks.filter(({ standsOut }) => standsOut).length;
    return vscode.l10n.t(
      'Most surprising to {0}: hunk {1}. Hunks with something that stands out from what is usual in the text: {2} of {3}.',
      modelName,
      formatCount(mostSurprising + 1),
      formatCount(count),
      formatCount(hunks.length),
    );
  }
  const isKnown = [originalLevel, modifiedLevel].some(level => level?.spread !== undefined);
  return isKnown
    ? vscode.l10n.t('Nothing in it stands out from what is usual in the text, to {0}.', modelName)
    : vscode.l10n.t('The texts are too short to say what is usual in them, so nothing is marked.');
}

function changeHunk({ report, original, modified }: MeasuredChange, hunk: Hunk, index: number): ChangeHunk {
  const { removed, added, after } = hunk;
  const lines = [
    ...removed.lines.map(line => changeLine(line, 0, original, report.originalLevel)),
    ...added.lines.map(line => changeLine(line, 1, modified, report.modifiedLevel)),
  ];
  return {
    title: vscode.l10n.t('Hunk {0}: {1}', formatCount(index + 1), rangesInWords(removed.range, added.range)),
    mark:
      index === report.mostSurprising ? vscode.l10n.t('most surprising here') : hunk.standsOut ? vscode.l10n.t('stands out') : undefined,
    facts: [
      sideInWords(vscode.l10n.t('Removed'), removed, report.originalLevel),
      sideInWords(vscode.l10n.t('Added'), added, report.modifiedLevel),
      after && afterInWords(after),
    ].filter(fact => fact !== undefined),
    lines: lines.slice(0, mostLines),
    more: lines.length > mostLines ? vscode.l10n.t('{0} more lines are not shown.', formatCount(lines.length - mostLines)) : undefined,
  };
}

function rangesInWords(removed: LineRange, added: LineRange): string {
  if (removed.from === removed.to) return vscode.l10n.t('{0} added', linesInWords(added));
  if (added.from === added.to) return vscode.l10n.t('{0} removed', linesInWords(removed));
  return vscode.l10n.t('{0} became {1}', linesInWords(removed), linesInWords(added));
}

function linesInWords({ from, to }: LineRange): string {
  return to - from === 1
    ? vscode.l10n.t('line {0}', (from + 1).toString())
    : vscode.l10n.t('lines {0} to {1}', (from + 1).toString(), to.toString());
}

function sideInWords(label: string, { sum, standsOut }: HunkSide, level: UsualLevel | undefined): string | undefined {
  if (sum.lines === 0) return undefined;
  const numbers = vscode.l10n.t(
    '{0}: {1} tokens, {2} bits, {3} per byte (usual in this text: {4})',
    label,
    formatCount(sum.tokens),
    formatTotalBits(sum.bits),
    ratio(sum.bitsPerByte),
    levelInWords(level),
  );
  return standsOut ? vscode.l10n.t('{0}. Taken together it stands out.', numbers) : vscode.l10n.t('{0}.', numbers);
}

function afterInWords({ lines, differenceBits, floorBits }: Aftermath): string {
  const difference = signed(differenceBits);
  const start = lines === 1 ? vscode.l10n.t('The next unchanged line') : vscode.l10n.t('The next {0} unchanged lines', formatCount(lines));
  if (floorBits === undefined)
    return vscode.l10n.t('{0}: {1} bits against before; how much of it is noise is not known for this model.', start, difference);
  return Math.abs(differenceBits) <= floorBits
    ? vscode.l10n.t('{0}: {1} bits against before, which may be noise (up to {2}).', start, difference, formatBits(floorBits))
    : differenceBits < 0
      ? vscode.l10n.t('{0}: {1} bits against before; they are more predictable now.', start, difference)
      : vscode.l10n.t('{0}: {1} bits against before; they are less predictable now.', start, difference);
}

function changeLine(line: ChangedLine, side: 0 | 1, { texts }: ScoredLines, level: UsualLevel | undefined): ChangeLine {
  const number = (line.line + 1).toString();
  const text = texts[line.line] ?? '';
  const shown = text.slice(0, longestText).toWellFormed();
  return {
    side,
    start: line.span.start,
    end: line.span.end,
    number,
    text: text.length > longestText ? `${shown}…` : shown,
    tokens: formatCount(line.tokens),
    bits: line.scoredBytes > 0 ? formatBits(line.bits) : '–',
    bitsPerByte: ratio(line.bitsPerByte),
    bar:
      line.bitsPerByte === null || !level
        ? undefined
        : { share: Math.min(1, line.bitsPerByte / fullBarBitsPerByte), usual: Math.min(1, level.mean / fullBarBitsPerByte) },
    mark: line.standsOut ? vscode.l10n.t('stands out') : undefined,
    label: side === 0 ? vscode.l10n.t('line {0}, removed', number) : vscode.l10n.t('line {0}, added', number),
  };
}

function rules({ isCoarse }: ChangeReport): readonly string[] {
  return [
    ...(isCoarse
      ? [
          vscode.l10n.t(
            'The texts differ in too many lines to find those that have stayed: what lies between their common ends is one hunk.',
          ),
        ]
      : []),
    vscode.l10n.t(
      'Something stands out when its bits per byte are {0} spreads above what is usual in its text, and it has at least {1} bits more than usual lines of its length. It surprises the model; that does not make it wrong.',
      formatCount(spreadsToStandOut),
      formatCount(bitsToStandOut),
    ),
    vscode.l10n.t(
      'Usual is what the unchanged lines of a text have; where fewer than {0} have stayed, all of its lines.',
      formatCount(fewestLines),
    ),
    vscode.l10n.t('A token that reaches over a line break counts to the line that has most of it, to the first of two halves.'),
    vscode.l10n.t(
      'After a hunk at most {0} unchanged lines are held against what they were before. Earlier hunks stand before them, too.',
      formatCount(linesAfter),
    ),
    vscode.l10n.t('Bars are full at {0} bits per byte; the tick is what is usual in the text.', formatCount(fullBarBitsPerByte)),
  ];
}

function levelInWords(level: UsualLevel | undefined): string {
  if (!level) return '–';
  return level.spread === undefined ? ratio(level.mean) : vscode.l10n.t('{0} ± {1}', ratio(level.mean), ratio(level.spread));
}

function ratio(value: number | null): string {
  return value === null ? '–' : formatDecimal(value, 2);
}

/** "+3.2", "−3.2" with a true minus, "0.0". */
function signed(bits: number): string {
  const size = formatDecimal(Math.abs(bits), 1);
  if (Math.abs(bits) < 0.05) return size;
  return bits < 0 ? `\u2212${size}` : `+${size}`;
}
