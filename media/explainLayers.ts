import * as l10n from '@vscode/l10n';
import type { LayersSeen, LayersState } from '../src/views/explainLayers';
import type { ListedToken } from '../src/views/explainProtocol';
import { element, svgElement, tokenElement } from './dom';
import { explainedInWords, numberElement, runPart } from './explainParts';
import { tableHead } from './explainInside';
import type { SectionAround, SectionDrawing } from './explainSections';
import { formatBits, formatCount, formatPercent, sentence } from './format';

const width = 600;
const height = 120;
const margin = 8;

/** What would be predicted after each layer: a curve, a table, and where the prediction has settled. */
export const layersSection: SectionDrawing<LayersState> = {
  title: () => l10n.t('Layers'),
  draw(state, around) {
    const { seen } = state;
    return [
      element(
        'p',
        { class: 'note' },
        l10n.t(
          'Experimental: what the model’s last step makes of each layer before it (logit lens). It was trained for the last layer only, so early layers may mean more than this shows.',
        ),
      ),
      around.target.chosen.b === undefined
        ? undefined
        : element(
            'p',
            { class: 'note only-first' },
            l10n.t('They are shown for the first of the two tokens alone, not against the other.'),
          ),
      ...runPart(state, l10n.t('Look into the layers'), name => around.ask({ name })),
      ...(seen ? [verdictPart(seen), curvePart(seen, around), tablePart(seen, around)] : []),
    ];
  },
};

function verdictPart({ layers, final, settled }: LayersSeen): HTMLElement {
  const words =
    settled === layers.length - 1
      ? l10n.t('Only the last layer, {0}, puts the final token {1} on top.')
      : settled === 0
        ? l10n.t('The final token {1} is on top from the embedding on.')
        : l10n.t('From layer {0} on the final token {1} stays on top.');
  return element('p', { class: 'verdict' }, element('strong', {}, ...sentence(words, new Text(formatCount(settled)), tokenElement(final))));
}

function curvePart({ layers }: LayersSeen, { target }: SectionAround): HTMLElement {
  const most = Math.max(1, ...layers.map(({ bits }) => bits));
  const x = (layer: number) => margin + ((width - 2 * margin) * layer) / Math.max(1, layers.length - 1);
  const y = (bits: number) => margin + ((height - 2 * margin) * (most - bits)) / most;
  const points = layers.map(({ bits }, layer) => `${x(layer).toFixed(1)},${y(bits).toFixed(1)}`);
  const drawing = svgElement(
    'svg',
    { class: 'curve', viewBox: `0 0 ${String(width)} ${String(height)}`, 'aria-hidden': 'true' },
    svgElement('line', { class: 'zero', x1: '0', x2: String(width), y1: String(y(0)), y2: String(y(0)) }),
    svgElement('polyline', { class: 'bits', points: points.join(' ') }),
    ...layers.map(({ bits }, layer) => svgElement('circle', { class: 'bits', cx: x(layer).toFixed(1), cy: y(bits).toFixed(1), r: '3' })),
  );
  return element(
    'figure',
    { class: 'curve-part' },
    drawing,
    element(
      'figcaption',
      {},
      element(
        'span',
        { class: 'key bits' },
        l10n.t('bits of {0}', explainedInWords({ ...target, chosen: { ...target.chosen, b: undefined } })),
      ),
      element('span', {}, l10n.t('from the embedding to layer {0}, 0 to {1} bits', formatCount(layers.length - 1), formatBits(most))),
    ),
  );
}

function tablePart({ layers, settled }: LayersSeen, { target }: SectionAround): HTMLElement {
  const { bits: noiseBits } = target.floor;
  const lastBits = layers.at(-1)?.bits ?? NaN;
  const asLast = l10n.t('≈ last');
  // Which of two is on top, noise decides where they are so near to each other.
  const isTie = ([first, second]: readonly ListedToken[]) =>
    first !== undefined && second !== undefined && Math.abs(Math.log2(first.probability / second.probability)) <= noiseBits;
  const rows = layers.map(({ top, bits, rank }, layer) =>
    element(
      'tr',
      { class: layer >= settled ? 'settled' : '' },
      element('th', { scope: 'row' }, layer === 0 ? l10n.t('embedding') : formatCount(layer)),
      element(
        'td',
        {},
        element(
          'ol',
          { class: 'tops' },
          ...top.map(({ token, probability }) =>
            element('li', {}, tokenElement(token), ' ', element('small', {}, `${formatPercent(probability)}%`)),
          ),
        ),
        isTie(top) ? element('small', { class: 'noise' }, l10n.t('which is first may be noise')) : undefined,
      ),
      element('td', { class: 'number' }, formatCount(rank)),
      element(
        'td',
        { class: 'number' },
        numberElement(formatBits(bits), layer < layers.length - 1 && Math.abs(bits - lastBits) <= noiseBits, asLast),
      ),
    ),
  );
  const head = tableHead([l10n.t('Layer'), l10n.t('Most probable after it'), l10n.t('Rank'), l10n.t('Bits')], 2);
  const explained = explainedInWords({ ...target, chosen: { ...target.chosen, b: undefined } });
  const caption = element('caption', {}, l10n.t('By layer; rank and bits are of {0}', explained));
  return element('table', { class: 'layers-table' }, caption, head, element('tbody', {}, ...rows));
}
