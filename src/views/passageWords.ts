import * as vscode from 'vscode';
import { plainPieces } from '../core/hoverText';
import { formatBits, formatCount, formatDecimal } from '../core/numberText';
import { surpriseOf } from '../core/surprises';
import { longestPassage } from '../passageReading';
import type { PassageReading } from '../passageReading';
import { signedBits } from './alternatives';
import { preambleInWords } from './preambleWords';

/** UTF-16 units of a token in a sentence. */
const longestToken = 40;

/** What is said of a passage, as plain text: a token of it may be anything, and whoever shows it escapes it. */
export interface PassageWords {
  /** "14 tokens, 31 bits" */
  readonly brief: string;
  /** "14 tokens, 31 bits, 2.2 a token (this file: 1.9), as SmolLM2-135M reads it, not the model that wrote it" */
  readonly summary: string;
  /** The summary without its beginning: "2.2 a token (this file: 1.9), as SmolLM2-135M reads it, not the model that wrote it" */
  readonly viewed: string;
  /** The weakest token with its bits, or that nothing stands out; undefined where nothing has a score. */
  readonly weakest: string | undefined;
  /** What it does to the bits of what follows; undefined where that is not known. */
  readonly following: string | undefined;
  /** That not all of it was read; undefined: all was. */
  readonly cut: string | undefined;
  /** What was read before the document; undefined: nothing. */
  readonly preamble: string | undefined;
}

export function passageInWords(reading: PassageReading): PassageWords {
  const { summary, following, isCut, isOwn, provenance } = reading;
  const tokens = summary.tokens === 1 ? vscode.l10n.t('1 token') : vscode.l10n.t('{0} tokens', formatCount(summary.tokens));
  const brief = vscode.l10n.t('{0}, {1} bits', tokens, formatDecimal(summary.bits, summary.bits < 9.95 ? 1 : 0));
  const viewed = isOwn ? ownText(reading) : viewedText(reading);
  return {
    brief,
    summary: `${brief}, ${viewed}`,
    viewed,
    weakest: weakestText(reading),
    following: following && followingText(following),
    cut: isCut ? vscode.l10n.t('only the first {0} characters were read', formatCount(longestPassage)) : undefined,
    preamble: provenance.preamble && preambleInWords(provenance.preamble),
  };
}

function followingText({ tokens, withoutBits, withBits }: NonNullable<PassageReading['following']>): string {
  const numbers = [formatBits(withoutBits), formatBits(withBits), signedBits(withBits - withoutBits)] as const;
  return tokens === 1
    ? vscode.l10n.t('the next token: {0} bits without it, {1} with it ({2})', ...numbers)
    : vscode.l10n.t('the next {3} tokens: {0} bits without it, {1} with it ({2})', ...numbers, formatCount(tokens));
}

function ownText({ summary: { meanBits = NaN }, modelName }: PassageReading): string {
  return vscode.l10n.t('{0} a token, as {1} reads it, which also wrote it', formatBits(meanBits), modelName);
}

/** Whose view it is, and against what. */
function viewedText({ summary: { meanBits }, usual, modelName }: PassageReading): string {
  if (meanBits === undefined) return vscode.l10n.t('as {0} reads it, not the model that wrote it', modelName);
  const mean = formatBits(meanBits);
  if (!usual) return vscode.l10n.t('{0} a token, as {1} reads it, not the model that wrote it', mean, modelName);
  const level = formatBits(usual.mean);
  return usual.of === 'file'
    ? vscode.l10n.t('{0} a token (this file: {1}), as {2} reads it, not the model that wrote it', mean, level, modelName)
    : vscode.l10n.t('{0} a token (the text near it: {1}), as {2} reads it, not the model that wrote it', mean, level, modelName);
}

function weakestText({ text, table, vocabulary, cells, summary: { weakest, standing }, usual }: PassageReading): string | undefined {
  if (weakest === undefined) return undefined;
  if (standing.length === 0) {
    if (!usual) return vscode.l10n.t('nothing in it is surprising');
    return usual.of === 'file'
      ? vscode.l10n.t('nothing in it stands out from this file')
      : vscode.l10n.t('nothing in it stands out from the text near it');
  }
  const { token, bits } = surpriseOf(text, cells, weakest, { table, vocabulary });
  const shown = plainPieces(token);
  const short = shown.length <= longestToken ? shown : `${shown.slice(0, longestToken).replace(/[\ud800-\udbff]$/, '')}…`;
  return vscode.l10n.t('weakest “{0}” {1} bits', short, formatBits(bits));
}
