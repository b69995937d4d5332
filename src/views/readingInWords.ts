import * as vscode from 'vscode';
import { enoughBits, keptLengths, mostTriedTokens } from '../core/contextNeeds';
import type { ContextReading, ReadingKind } from '../core/contextNeeds';
import { escapedText } from '../core/hoverText';
import { formatBits, formatCount, formatDecimal } from '../core/numberText';
import type { ShownReading } from '../readings';
import { provenanceInWords } from './preambleWords';

/** "needs 12 tokens"; undefined where the rows have no score. */
export function needInWords(reading: ContextReading, firstRow: number, endRow: number): string | undefined {
  const needed = reading.neededIn(firstRow, endRow);
  if (Number.isNaN(needed)) return undefined;
  if (needed === Infinity) return vscode.l10n.t('needs more than {0} tokens', mostTriedTokens.toString());
  if (needed === 0) return vscode.l10n.t('needs no context');
  return needed === 1 ? vscode.l10n.t('needs 1 token') : vscode.l10n.t('needs {0} tokens', formatCount(needed));
}

/** What the hover of a token begins with, as Markdown with an empty line after it; '' where there is nothing to say. */
export function readingLines({ reading, view }: ShownReading, firstRow: number, endRow: number): string {
  const whole = reading.wholeBitsOf(firstRow);
  const contextTokens = reading.wholeContextOf(firstRow);
  const { kind } = reading;
  if (kind.of === 'short') {
    const head = `**${shortInWords(kind.contextTokens)}**`;
    const short = view.table.surprisalBits[firstRow] ?? NaN;
    if (endRow - firstRow > 1 || Number.isNaN(whole - short)) return `${head}\n\n`;
    return `${head} ${comparedInWords(short, whole, contextTokens)}\n\n`;
  }
  const need = needInWords(reading, firstRow, endRow);
  if (need === undefined) return '';
  const isAll = contextTokens > 0 && reading.neededIn(firstRow, endRow) === contextTokens;
  const bold = `**${vscode.l10n.t('Context: {0}', need)}**`;
  const head = isAll ? `${bold} ${vscode.l10n.t('That is all there is before it.')}` : bold;
  if (endRow - firstRow > 1) return `${head}\n\n`;
  const bits = reading.bitsByLength(firstRow).flatMap((each, index) => {
    const length = keptLengths[index] ?? 0;
    return Number.isNaN(each) || length >= contextTokens ? [] : [vscode.l10n.t('{0}: {1}', length.toString(), formatBits(each))];
  });
  const all = vscode.l10n.t('all {0}: {1}', formatCount(contextTokens), formatBits(whole));
  return `${head}\n\n${vscode.l10n.t('Bits by tokens of context: {0}.', [...bits, all].join(' · '))}\n\n`;
}

function comparedInWords(short: number, whole: number, contextTokens: number): string {
  const difference = short - whole;
  const [all, bits, by] = [formatCount(contextTokens), formatBits(whole), formatBits(Math.abs(difference))];
  if (Math.abs(difference) < 0.05) return vscode.l10n.t('With all {0} tokens of its context {1} bits: the same.', all, bits);
  return difference > 0
    ? vscode.l10n.t('With all {0} tokens of its context {1} bits: {2} fewer.', all, bits, by)
    : vscode.l10n.t('With all {0} tokens of its context {1} bits: {2} more.', all, bits, by);
}

function shortInWords(contextTokens: number): string {
  return contextTokens === 1
    ? vscode.l10n.t('Read from the last token only (same model, not an n-gram).')
    : vscode.l10n.t('Read from the last {0} tokens only (same model, not an n-gram).', contextTokens.toString());
}

/** Short, for messages and lists. */
export function readingTitle(kind: ReadingKind): string {
  if (kind.of === 'needs') return vscode.l10n.t('context needed');
  return kind.contextTokens === 1
    ? vscode.l10n.t('read from the last token')
    : vscode.l10n.t('read from the last {0} tokens', kind.contextTokens.toString());
}

/** For the status bar. `row`: at the cursor; undefined where no token is. */
export function readingStatus({ reading, view }: ShownReading, row: number | undefined): string {
  const { kind } = reading;
  if (kind.of === 'short') {
    const { comparison } = reading;
    const bits = comparison && vscode.l10n.t('{0} bits/byte', formatDecimal(comparison.shortBitsPerByte, 2));
    return bits === undefined ? readingTitle(kind) : vscode.l10n.t('{0} · {1}', readingTitle(kind), bits);
  }
  const end = row === undefined ? undefined : cellEnd(view.table, row);
  const need = row === undefined || end === undefined ? undefined : needInWords(reading, row, end);
  return need ?? readingTitle(kind);
}

/** Paragraphs before the legend of the colours, as Markdown. */
export function readingLegend({ reading, view }: ShownReading): readonly string[] {
  const { kind } = reading;
  const provenance = escapedText(provenanceInWords(view.provenance));
  const leave = vscode.l10n.t('Escape or the same command brings the usual colours back.');
  if (kind.of === 'short') {
    const { comparison } = reading;
    const paragraphs = [`**${shortInWords(kind.contextTokens)}** ${leave}`];
    if (comparison) {
      paragraphs.push(
        vscode.l10n.t(
          '**{0}** bits per byte so, **{1}** with all of the context, over the same {2} tokens.',
          formatDecimal(comparison.shortBitsPerByte, 2),
          formatDecimal(comparison.wholeBitsPerByte, 2),
          formatCount(comparison.tokens),
        ),
      );
    }
    return [...paragraphs, vscode.l10n.t('This reading: {0}', provenance)];
  }
  const paragraphs = [
    `**${vscode.l10n.t('Context needed.')}** ${vscode.l10n.t(
      'The same model reads each token from 0 to {0} tokens before it: the shortest context from which on all longer ones come within {1} bit of what it says with all of them.',
      mostTriedTokens.toString(),
      formatDecimal(enoughBits, 1),
    )} ${leave}`,
  ];
  const median = reading.medianNeeded;
  if (median === Infinity) paragraphs.push(vscode.l10n.t('Half of the tokens read so far need more than {0}.', mostTriedTokens.toString()));
  else if (median !== undefined) paragraphs.push(vscode.l10n.t('Half of the tokens read so far need at most {0}.', formatCount(median)));
  return [...paragraphs, vscode.l10n.t('This reading: {0}', provenance)];
}

/** One past the last row of the character that a row begins. */
function cellEnd({ length, starts, ends }: ShownReading['view']['table'], row: number): number {
  let end = row + 1;
  while (end < length && (starts[end] ?? 0) < (ends[row] ?? 0)) end++;
  return end;
}
