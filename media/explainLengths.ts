import * as l10n from '@vscode/l10n';
import type { NeededTokens } from '../src/core/contextLengths';
import type { LengthShown, LengthsState } from '../src/views/explainLengths';
import { formatSignedBits } from '../src/core/numberText';
import { element, svgElement } from './dom';
import { explainedInWords, klElement, numberElement, runPart } from './explainParts';
import type { SectionAround, SectionDrawing } from './explainSections';
import { formatBits, formatCount } from './format';

const width = 600;
const height = 160;
const margin = 8;

/** How a prediction changes as the context grows: a curve, the same as a table, and the length that is enough. */
export const lengthsSection: SectionDrawing<LengthsState> = {
  title: () => l10n.t('Context length'),
  draw(state, around) {
    const { points } = state;
    return [
      element('p', { class: 'note' }, l10n.t('The same model, reading only the last tokens before the target; each length is read anew.')),
      ...runPart(state, l10n.t('Try shorter contexts'), name => around.ask({ name })),
      neededPart(state),
      points.length > 1 ? curve(points, around) : undefined,
      points.length > 0
        ? table(
            points.filter(point => isListed(point, state)),
            around,
          )
        : undefined,
    ];
  },
};

/** There are too many to be read that were only tried to find the least length. */
function isListed({ tokens, border }: LengthShown, { needed }: LengthsState): boolean {
  return border !== 'between' || tokens === needed?.most;
}

function neededPart({ needed, offer, progress, points, withinBits }: LengthsState): HTMLElement | undefined {
  if (offer || progress || points.length === 0) return undefined;
  const words = needed
    ? neededInWords(needed, withinBits)
    : l10n.t('No length that was tried comes within {0} bit of the whole context.', formatBits(withinBits));
  const rule = l10n.t('From that length on, all longer ones that were tried stay as near to the whole.');
  return element('p', { class: 'verdict' }, element('strong', {}, words), ' ', rule);
}

function neededInWords({ least, most }: NeededTokens, withinBits: number): string {
  if (least < most)
    return l10n.t('It needs {0} to {1} tokens to be within {2} bit.', formatCount(least), formatCount(most), formatBits(withinBits));
  if (most === 0) return l10n.t('It needs no context to be within {0} bit.', formatBits(withinBits));
  return most === 1
    ? l10n.t('It needs 1 token to be within {0} bit.', formatBits(withinBits))
    : l10n.t('It needs {0} tokens to be within {1} bit.', formatCount(most), formatBits(withinBits));
}

/** By the logarithm of the length; the table says the same. */
function curve(points: readonly LengthShown[], { target }: SectionAround): HTMLElement {
  const longest = Math.log2(1 + (points.at(-1)?.tokens ?? 0)) || 1;
  const values = points.flatMap(({ bits, klBits }) => [bits, klBits]);
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const x = (tokens: number) => margin + ((width - 2 * margin) * Math.log2(1 + tokens)) / longest;
  const y = (bits: number) => margin + ((height - 2 * margin) * (high - bits)) / (high - low);
  const line = (kind: 'bits' | 'kl', valueOf: (point: LengthShown) => number) => [
    svgElement('polyline', {
      class: kind,
      points: points.map(point => `${x(point.tokens).toFixed(1)},${y(valueOf(point)).toFixed(1)}`).join(' '),
    }),
    ...points
      .filter(({ border }) => border !== 'between')
      .map(point => {
        const [cx, cy] = [x(point.tokens), y(valueOf(point))];
        return kind === 'bits'
          ? svgElement('circle', { class: kind, cx: String(cx), cy: String(cy), r: '3.5' })
          : svgElement('rect', { class: kind, x: String(cx - 3), y: String(cy - 3), width: '6', height: '6' });
      }),
  ];
  const zero = svgElement('line', { class: 'zero', x1: '0', x2: String(width), y1: String(y(0)), y2: String(y(0)) });
  const drawing = svgElement(
    'svg',
    { class: 'curve', viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
    zero,
    ...line('kl', ({ klBits }) => klBits),
    ...line('bits', ({ bits }) => bits),
  );
  const key = (kind: string, words: string) => element('span', { class: `key ${kind}` }, words);
  const last = points.at(-1)?.tokens ?? 0;
  return element(
    'figure',
    { class: 'curve-part' },
    drawing,
    element(
      'figcaption',
      {},
      element(
        'span',
        {},
        l10n.t('0 to {0} tokens of context (doubling scale), {1} to {2} bits', formatCount(last), formatBound(low), formatBound(high)),
      ),
      key('bits', valueName(target.chosen.b !== undefined)),
      key('kl', l10n.t('change of the whole prediction (KL)')),
    ),
  );
}

function formatBound(bits: number): string {
  return bits < 0 ? formatSignedBits(bits) : formatBits(bits);
}

function valueName(isDifference: boolean): string {
  return isDifference ? l10n.t('difference of the two, in bits') : l10n.t('bits of what is explained');
}

function table(points: readonly LengthShown[], around: SectionAround): HTMLElement {
  const isDifference = around.target.chosen.b !== undefined;
  const whole = points.at(-1);
  // What the whole context gives, as far as anybody can tell.
  const isAsWhole = (tokens: number, bits: number) =>
    whole !== undefined && tokens !== whole.tokens && Math.abs(bits - whole.bits) <= around.target.floor.bits;
  const asWhole = l10n.t('≈ whole');
  const rows = points.map(({ tokens, border, line, bits, klBits }) =>
    element(
      'tr',
      { class: border },
      element('th', { scope: 'row', class: 'number' }, formatCount(tokens)),
      element('td', {}, borderInWords(border, line)),
      element(
        'td',
        { class: 'number' },
        numberElement(isDifference ? formatSignedBits(bits) : formatBits(bits), isAsWhole(tokens, bits), asWhole),
      ),
      element('td', { class: 'number' }, klElement(klBits, around.target)),
    ),
  );
  const heads = [l10n.t('Tokens'), l10n.t('From'), isDifference ? l10n.t('Difference, bits') : l10n.t('Bits'), l10n.t('KL, bits')];
  const head = element('tr', {}, ...heads.map((each, index) => element('th', { scope: 'col', class: index === 1 ? '' : 'number' }, each)));
  const caption = element('caption', {}, l10n.t('Context length: {0}', explainedInWords(around.target)));
  return element('table', { class: 'lengths-table' }, caption, element('thead', {}, head), element('tbody', {}, ...rows));
}

function borderInWords(border: LengthShown['border'], line: number | undefined): string {
  const at = line === undefined ? '' : formatCount(line);
  switch (border) {
    case 'count':
    case 'between':
      return '';
    case 'line':
      return l10n.t('beginning of line {0}', at);
    case 'paragraph':
      return l10n.t('beginning of a paragraph, line {0}', at);
    case 'function':
      return l10n.t('beginning of a function, line {0}', at);
    case 'whole':
      return l10n.t('the whole context');
  }
}
