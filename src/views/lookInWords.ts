import * as vscode from 'vscode';
import type { Preset } from '../core/band';
import { isPerByte } from '../core/look';
import type { Look, Palette } from '../core/look';
import { bandRows, shareText } from '../core/legend';
import type { BandRow } from '../core/legend';
import { mostTriedTokens } from '../core/contextNeeds';
import type { Metric, Scale } from '../core/metric';
import { formatCount, formatDecimal } from '../core/numberText';
import type { Overview } from '../core/overview';
import { wordRule } from '../core/textUnits';
import { escapedPieces } from '../core/hoverText';
import type { WatchedWord } from '../model/protocol';
import { colourId, isHighContrast, isTinted } from './bandTypes';

interface Words {
  readonly label: string;
  /** A sentence or a part of one: what it is, in which unit. */
  readonly text: string;
}

export function metricInWords(metric: Metric): Words {
  switch (metric) {
    case 'surprisal':
      return { label: vscode.l10n.t('Surprisal'), text: vscode.l10n.t('how improbable the text was, in bits') };
    case 'rank':
      return {
        label: vscode.l10n.t('Rank'),
        text: vscode.l10n.t('place of the token among all that were possible, 1 is the most probable'),
      };
    case 'entropy':
      return { label: vscode.l10n.t('Entropy'), text: vscode.l10n.t('how open it was what comes, whatever came then, in bits') };
    case 'surplus':
      return {
        label: vscode.l10n.t('Surprisal minus entropy'),
        text: vscode.l10n.t('how much more surprising than the model had to expect there, in bits'),
      };
    case 'watched':
      return { label: vscode.l10n.t('Watched word'), text: vscode.l10n.t('how probable it was as what comes next') };
    case 'relative':
      return {
        label: vscode.l10n.t('Probability relative to the best token'),
        text: vscode.l10n.t('as a fraction of the probability of the most probable token'),
      };
  }
}

export function scaleInWords(scale: Scale): Words {
  const mean = vscode.l10n.t('mean in bits per byte, with its peak in the hover');
  switch (scale) {
    case 'token':
      return { label: vscode.l10n.t('Token'), text: vscode.l10n.t('as the model reads: words and parts of words') };
    case 'word':
      return { label: vscode.l10n.t('Word'), text: vscode.l10n.t('sum of bits over the tokens of a word') };
    case 'line':
      return { label: vscode.l10n.t('Line'), text: mean };
    case 'sentence':
      return { label: vscode.l10n.t('Sentence'), text: mean };
    case 'paragraph':
      return { label: vscode.l10n.t('Paragraph'), text: mean };
    case 'function':
      return {
        label: vscode.l10n.t('Function'),
        text: vscode.l10n.t('{0}; where the editor knows the functions of the language', mean),
      };
  }
}

export function presetInWords(preset: Preset): Words {
  switch (preset) {
    case 'code':
      return { label: vscode.l10n.t('Code'), text: vscode.l10n.t('single tokens') };
    case 'prose':
      return { label: vscode.l10n.t('Prose'), text: vscode.l10n.t('words, only the surprising ones') };
    case 'teaching':
      return {
        label: vscode.l10n.t('Teaching'),
        text: vscode.l10n.t('single tokens on a low scale, the rest dimmed, a hover on every token'),
      };
  }
}

export function paletteInWords(palette: Palette): Words {
  switch (palette) {
    case 'violet':
      return { label: vscode.l10n.t('Violet'), text: vscode.l10n.t('one hue') };
    case 'ember':
      return { label: vscode.l10n.t('Ember'), text: vscode.l10n.t('one hue: orange') };
    case 'tide':
      return { label: vscode.l10n.t('Tide'), text: vscode.l10n.t('several hues, ordered by lightness') };
  }
}

/** The word that a look is about, as Markdown: `sea`, or first piece of `harbour`. */
export function watchedInWords(word: string, watched: readonly WatchedWord[]): string {
  const escaped = escapedPieces([{ text: word, glyph: false }]);
  return watched.find(each => each.word === word)?.whole === false ? vscode.l10n.t('the first piece of {0}', escaped) : escaped;
}

/**
 * The legend as Markdown: what colours are about, then a row for each band with its share of the document. `modelName` is Markdown; `watched`:
 * the words that the scores know of.
 */
export function legendOf(look: Look, overview: Overview | undefined, modelName: string, watched: readonly WatchedWord[]): string {
  return [...headOf(look, modelName, watched), tableOf(look, overview), ...(overview ? [countedOf(look, overview)] : [])].join('\n\n');
}

function headOf(look: Look, modelName: string, watched: readonly WatchedWord[]): readonly string[] {
  const { metric, scale, relativeTo, wordCorrection } = look;
  const paragraphs = [meaningOf(look, modelName, watched)];
  if (metric === 'needed') return paragraphs;
  if (metric !== 'surprisal') paragraphs.push(vscode.l10n.t('Scale: token (only surprisal has others).'));
  else if (scale === 'word') {
    const rule = wordCorrection
      ? vscode.l10n.t('Scale: word, sum of bits, corrected for leading spaces ({0}).', wordRule)
      : vscode.l10n.t('Scale: word, sum of bits ({0}).', wordRule);
    paragraphs.push(rule);
  } else {
    const words = scaleInWords(scale);
    paragraphs.push(vscode.l10n.t('Scale: {0}, {1}.', words.label, words.text));
  }
  if (relativeTo !== undefined) {
    paragraphs.push(
      vscode.l10n.t(
        '**Relative**: the limits are multiples of the median of this document ({0} bits per byte), since {1} reads it badly as a whole.',
        formatDecimal(relativeTo, 2),
        modelName,
      ),
    );
  }
  return paragraphs;
}

/** Lines are all of one colour in most looks: there only their kind can be stronger. */
function meaningOf(look: Look, modelName: string, watched: readonly WatchedWord[]): string {
  const isLine = !isTinted(look);
  if (look.metric === 'surprisal') {
    return isLine
      ? vscode.l10n.t('Stronger line = more surprising to {0}.', modelName)
      : vscode.l10n.t('Stronger colour = more surprising to {0}.', modelName);
  }
  if (look.metric === 'watched') {
    const word = watchedInWords(look.watchWord ?? '', watched);
    return isLine
      ? vscode.l10n.t('Stronger line = more probable to {0} that {1} comes there, whatever stands there.', modelName, word)
      : vscode.l10n.t('Stronger colour = more probable to {0} that {1} comes there, whatever stands there.', modelName, word);
  }
  if (look.metric === 'needed')
    return isLine ? vscode.l10n.t('Stronger line = more context needed.') : vscode.l10n.t('Stronger colour = more context needed.');
  const { label, text } = metricInWords(look.metric);
  return isLine
    ? vscode.l10n.t('Stronger line = higher: {0}, {1}.', label, text)
    : vscode.l10n.t('Stronger colour = higher: {0}, {1}.', label, text);
}

/** In high contrast the first column is empty: the last one says how a band is drawn. */
function tableOf(look: Look, overview: Overview | undefined): string {
  const total = overview?.counts.reduce((sum, count) => sum + count, 0) ?? 0;
  const share = (...bands: readonly number[]) =>
    overview
      ? shareText(
          bands.reduce((sum, band) => sum + (overview.counts[band] ?? 0), 0),
          total,
        )
      : '';
  const rows = bandRows(look.metric, look.edges).map(row => {
    const colour = colourId(look.palette, `band${row.band.toString()}${isTinted(look) ? 'Background' : 'Underline'}`);
    const swatch = isHighContrast()
      ? ''
      : `<span style="background-color:var(--vscode-${colour.replaceAll('.', '-')});">${'&nbsp;'.repeat(8)}</span>`;
    return `| ${swatch} | ${limitsOf(look, row)} | ${share(row.band)} | ${signOf(look, row.band)} |`;
  });
  const plain = `| | ${plainOf(look)} | ${share(0)} | |`;
  return ['| | | | |', '| :--- | :--- | ---: | :--- |', plain, ...rows].join('\n');
}

function limitsOf({ metric, scale }: Look, { from, to }: BandRow): string {
  if (metric === 'rank') return to === undefined ? vscode.l10n.t('rank {0} or more', from) : vscode.l10n.t('rank {0} to {1}', from, to);
  if (metric === 'needed')
    return to === undefined
      ? vscode.l10n.t('more than {0} tokens', mostTriedTokens.toString())
      : vscode.l10n.t('{0} to {1} tokens', from, to);
  if (metric === 'relative') return to === undefined ? vscode.l10n.t('{0} or less', from) : vscode.l10n.t('{0} to {1}', from, to);
  if (metric === 'watched') return to === undefined ? vscode.l10n.t('{0} or more', from) : vscode.l10n.t('{0} to {1}', from, to);
  if (isPerByte(scale))
    return to === undefined ? vscode.l10n.t('{0} bits/byte or more', from) : vscode.l10n.t('{0} to {1} bits/byte', from, to);
  return to === undefined ? vscode.l10n.t('{0} bits or more', from) : vscode.l10n.t('{0} to {1} bits', from, to);
}

function plainOf({ metric, scale, edges, muted }: Look): string {
  const from = bandRows(metric, edges)[0]?.from ?? '';
  const limit =
    metric === 'rank'
      ? vscode.l10n.t('better than rank {0}', from)
      : metric === 'needed'
        ? vscode.l10n.t('0 or 1 token')
        : metric === 'relative'
          ? vscode.l10n.t('more than {0}', from)
          : metric === 'watched'
            ? vscode.l10n.t('below {0}', from)
            : isPerByte(scale)
              ? vscode.l10n.t('below {0} bits/byte', from)
              : from === '1'
                ? vscode.l10n.t('below 1 bit')
                : vscode.l10n.t('below {0} bits', from);
  return muted ? vscode.l10n.t('{0}: dimmed', limit) : vscode.l10n.t('{0}: plain', limit);
}

/** How a band can be told without its colour. */
function signOf(look: Look, band: number): string {
  const lines = [
    vscode.l10n.t('dots'),
    vscode.l10n.t('thick dots'),
    vscode.l10n.t('thin dashes'),
    vscode.l10n.t('dashed line'),
    vscode.l10n.t('solid line'),
  ];
  if (!isTinted(look)) return lines[band - 1] ?? '';
  if (isPerByte(look.scale)) return vscode.l10n.t('{0} of 5 in the gutter', band.toString());
  return band > 3 ? (lines[band - 1] ?? '') : '';
}

function countedOf({ scale }: Look, { counts }: Overview): string {
  const count = formatCount(counts.reduce((sum, one) => sum + one, 0));
  switch (scale) {
    case 'token':
      return vscode.l10n.t('Shares of {0} tokens.', count);
    case 'word':
      return vscode.l10n.t('Shares of {0} words and punctuation marks.', count);
    case 'line':
      return vscode.l10n.t('Shares of {0} lines.', count);
    case 'sentence':
      return vscode.l10n.t('Shares of {0} sentences.', count);
    case 'paragraph':
      return vscode.l10n.t('Shares of {0} paragraphs.', count);
    case 'function':
      return vscode.l10n.t('Shares of {0} functions.', count);
  }
}
