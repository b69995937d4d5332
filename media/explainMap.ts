import * as l10n from '@vscode/l10n';
import type { MapLink, MapState, MapUnit } from '../src/views/explainMap';
import { mapScales } from '../src/views/explainProtocol';
import type { MapScale } from '../src/views/explainProtocol';
import { formatSignedBits } from '../src/core/numberText';
import { element, svgElement } from './dom';
import { button, chooser, effectElement, runPart } from './explainParts';
import { tableHead } from './explainInside';
import type { SectionAround, SectionDrawing } from './explainSections';
import { formatBits, formatCount } from './format';

/** CSS pixels, as those of the units in the style sheet. */
const unitHeight = 24;
const arcsWidth = 150;
const thickest = 5;

/** The strongest links between words or lines: arcs beside them, and the same as a table. */
export const mapSection: SectionDrawing<MapState> = {
  title: () => l10n.t('Map'),
  draw(state, around) {
    const inPlace =
      state.filler === 'deletion'
        ? l10n.t('Each word or line is deleted once; the number is how many bits those after it cost more then, summed over their tokens.')
        : l10n.t(
            'Each word or line is replaced by the start token once; the number is how many bits those after it cost more then, summed over their tokens.',
          );
    return [
      element('p', { class: 'note' }, inPlace),
      placePart(state, around),
      ...(state.refused === undefined ? mapParts(state, around) : [refusalPart(state, state.refused)]),
    ];
  },
};

function placePart({ scale, units }: MapState, { ask }: SectionAround): HTMLElement {
  const names: Readonly<Record<MapScale, string>> = { word: l10n.t('words'), line: l10n.t('lines') };
  const options = mapScales.map(each => [each, names[each]] as const);
  const select = chooser('scale', options, scale, value => ask({ name: 'scale', value }));
  const [first, last] = [units[0], units.at(-1)];
  const where =
    first && last
      ? first.line === last.line
        ? l10n.t('{0} of them, line {1}', formatCount(units.length), formatCount(first.line))
        : l10n.t('{0} of them, lines {1} to {2}', formatCount(units.length), formatCount(first.line), formatCount(last.line))
      : undefined;
  return element(
    'p',
    { class: 'filler' },
    element(
      'label',
      {},
      element('span', {}, l10n.t('Links between')),
      select,
      where === undefined ? undefined : element('span', {}, where),
    ),
    button(l10n.t('Take the selection'), 'take', () => ask({ name: 'take' })),
  );
}

function refusalPart({ mostUnits, scale }: MapState, count: number): HTMLElement {
  if (count < 2)
    return element('p', { role: 'status' }, l10n.t('Select at least two words or lines in the editor and take the selection.'));
  const words =
    scale === 'word'
      ? l10n.t('These are {0} words. A map has at most {1}: select fewer, or look at lines.', formatCount(count), formatCount(mostUnits))
      : l10n.t('These are {0} lines. A map has at most {1}: select fewer.', formatCount(count), formatCount(mostUnits));
  return element('p', { class: 'problem', role: 'status' }, words);
}

function mapParts(state: MapState, around: SectionAround): readonly (HTMLElement | undefined)[] {
  const { offer, progress, links } = state;
  const isDone = !offer && !progress;
  return [
    ...runPart(state, l10n.t('Find the links'), name => around.ask({ name })),
    isDone && links.length === 0 ? element('p', { class: 'verdict' }, l10n.t('No link is larger than the noise.')) : undefined,
    arcsPart(state, around),
    links.length > 0 ? tablePart(state, around) : undefined,
    ...(isDone ? restParts(state) : []),
  ];
}

function restParts({ moreLinks, noiseLinks, hasBorder }: MapState): readonly HTMLElement[] {
  const words = [
    moreLinks > 0 ? l10n.t('{0} weaker links are not shown.', formatCount(moreLinks)) : undefined,
    noiseLinks > 0 ? l10n.t('{0} are not larger than the noise.', formatCount(noiseLinks)) : undefined,
    hasBorder ? l10n.t('A border between two of the model’s windows runs through this place: no link crosses it.') : undefined,
  ].filter(each => each !== undefined);
  return words.length > 0 ? [element('p', { class: 'note' }, words.join(' '))] : [];
}

/** The units one below the other, and arcs from each to those after it; who cannot press an arc has the table. */
function arcsPart({ units, links, chosen }: MapState, around: SectionAround): HTMLElement {
  const list = element(
    'ol',
    { class: 'units', 'aria-label': l10n.t('Words or lines; pressing one shows its links alone') },
    ...units.map((unit, index) => {
      const part = button(unit.text, `unit-${String(index)}`, () => around.ask({ name: 'unit', value: index }), {
        class: 'link unit',
        'aria-pressed': String(index === chosen),
      });
      return element('li', {}, part);
    }),
  );
  list.addEventListener('keydown', event => {
    const parts = [...list.querySelectorAll<HTMLButtonElement>('.unit')];
    const at = parts.findIndex(each => each === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: parts.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    parts[Math.min(parts.length - 1, Math.max(0, to))]?.focus();
  });
  const strongest = Math.abs(links[0]?.bits ?? 0);
  const height = units.length * unitHeight;
  const longest = Math.max(1, ...links.map(({ from, to }) => to - from));
  // The strongest are drawn last, above the others.
  const arcs = links.toReversed().map(link => {
    const { from, to, bits } = link;
    const isFaint = chosen !== undefined && from !== chosen && to !== chosen;
    const [y1, y2] = [from, to].map(index => (index + 0.5) * unitHeight);
    const reach = Math.round(14 + (arcsWidth - 22) * Math.sqrt((to - from) / longest));
    const arc = svgElement(
      'path',
      {
        class: `arc ${bits > 0 ? 'helps' : 'hinders'}${isFaint ? ' faint' : ''}`,
        d: `M 2 ${String(y1)} C ${String(reach)} ${String(y1)}, ${String(reach)} ${String(y2)}, 2 ${String(y2)}`,
        'stroke-width': Math.max(1, (thickest * Math.abs(bits)) / strongest).toFixed(2),
      },
      svgElement('title', {}, linkInWords(link, units)),
    );
    arc.addEventListener('click', () => showLink(link, units, around));
    return arc;
  });
  const drawing = svgElement(
    'svg',
    {
      class: 'arcs',
      width: String(arcsWidth),
      height: String(height),
      viewBox: `0 0 ${String(arcsWidth)} ${String(height)}`,
      'aria-hidden': 'true',
    },
    ...arcs,
  );
  const key = (kind: string, words: string) => element('span', { class: `key ${kind}` }, words);
  const caption =
    links.length > 0
      ? element(
          'figcaption',
          {},
          key('bits', l10n.t('makes it easier')),
          key('kl', l10n.t('makes it harder')),
          element('span', {}, l10n.t('The thickest arc has {0} bits.', formatBits(strongest))),
        )
      : undefined;
  return element('figure', { class: 'map-part' }, element('div', { class: 'map-drawing' }, list, drawing), caption);
}

function linkInWords({ from, to, bits }: MapLink, units: readonly MapUnit[]): string {
  return l10n.t('{0} → {1}: {2} bits', units[from]?.text ?? '', units[to]?.text ?? '', formatSignedBits(bits));
}

/** Both ends and what is between them. */
function showLink({ from, to }: MapLink, units: readonly MapUnit[], { go }: SectionAround): void {
  const [first, last] = [units[from], units[to]];
  if (first && last) go(first.start, last.end);
}

function tablePart({ links, units, chosen }: MapState, around: SectionAround): HTMLElement {
  const shown = links.filter(({ from, to }) => chosen === undefined || from === chosen || to === chosen);
  const rows = shown.map(link => {
    const { from, to, bits } = link;
    const [first, last] = [units[from], units[to]];
    const see = button(first?.text ?? '', `link-${String(from)}-${String(to)}`, () => showLink(link, units, around), {
      class: 'link',
      'aria-label': linkInWords(link, units),
    });
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, element('bdi', {}, see)),
      element('td', { class: 'to' }, element('bdi', {}, last?.text)),
      element('td', { class: 'number' }, effectElement(bits, false)),
    );
  });
  const head = tableHead([l10n.t('From'), l10n.t('To'), l10n.t('Bits')], 2);
  const chosenText = chosen === undefined ? undefined : units[chosen]?.text;
  const caption = chosenText === undefined ? l10n.t('The strongest links') : l10n.t('The strongest links of {0}', chosenText);
  return element('table', { class: 'links' }, element('caption', {}, caption), head, element('tbody', {}, ...rows));
}
