import * as l10n from '@vscode/l10n';
import type { AttentionSeen, AttentionState } from '../src/views/explainAttention';
import { element, tokenElement } from './dom';
import { runPart } from './explainParts';
import { numberChooser, placeButton, tableHead } from './explainInside';
import type { SectionAround, SectionDrawing } from './explainSections';
import { formatCount, formatPercent } from './format';

/** From these shares on a token has the next step: the same for every layer, head and text. */
const steps = [0.005, 0.01, 0.03, 0.1, 0.3] as const;

/** How much each head looks at each token before the target. */
export const attentionSection: SectionDrawing<AttentionState> = {
  title: () => l10n.t('Attention'),
  draw(state, around) {
    return [
      element(
        'p',
        { class: 'note' },
        l10n.t('Where the heads look when they predict the target. It shows where they look, not what caused the prediction.'),
      ),
      around.target.chosen.a === 0 && around.target.chosen.b === undefined
        ? undefined
        : element('p', { class: 'note only-place' }, l10n.t('It is of the place: the same whichever token is chosen above.')),
      ...runPart(state, l10n.t('See the attention'), name => around.ask({ name })),
      ...(state.seen ? seenParts(state.seen, around) : []),
    ];
  },
};

function seenParts(seen: AttentionSeen, around: SectionAround): readonly HTMLElement[] {
  return [choosersPart(seen, around), sinkPart(seen), stripPart(seen, around), tablePart(seen, around)];
}

function choosersPart({ layers, heads, layer, head }: AttentionSeen, { ask }: SectionAround): HTMLElement {
  const layerChooser = numberChooser(l10n.t('Layer'), 'layer', layers, layer, l10n.t('mean of all'), value =>
    ask({ name: 'layer', value }),
  );
  const headChooser = numberChooser(l10n.t('Head'), 'head', heads, head, l10n.t('mean of all'), value => ask({ name: 'head', value }));
  // Heads of different layers have nothing but their number in common.
  if (layer === undefined) headChooser.querySelector('select')?.setAttribute('disabled', '');
  return element('div', { class: 'choosers' }, layerChooser, headChooser);
}

/** What goes to no word of the text. */
function sinkPart({ startShare, preambleShare, earlierShare, tokens }: AttentionSeen): HTMLElement {
  const percent = (share: number) => `${formatPercent(share)}%`;
  const rest = tokens.reduce((sum, { share }) => sum + share, 0);
  const rows: readonly (readonly [string, number | undefined])[] = [
    [l10n.t('The start token (attention sink)'), startShare],
    [l10n.t('The text read before the document'), preambleShare],
    [l10n.t('Earlier tokens, not shown'), earlierShare],
    [
      tokens.length === 1 ? l10n.t('The token before the target') : l10n.t('The {0} tokens before the target', formatCount(tokens.length)),
      rest,
    ],
  ];
  const shown = rows.flatMap(([name, share]) =>
    share === undefined ? [] : [element('dt', {}, name), element('dd', { class: 'number' }, percent(share))],
  );
  const why =
    startShare === undefined
      ? l10n.t('This model has no start token: the first token of the text often takes its place as attention sink.')
      : l10n.t('Heads that have nothing to look for look at the start token: its share says nothing about the text.');
  return element('div', { class: 'sink' }, element('dl', {}, ...shown), element('p', { class: 'note' }, why));
}

function stepOf(share: number): number {
  return steps.filter(least => share >= least).length;
}

/** By a press of the mouse a token is shown in the editor; with the keys the table does it. */
function stripPart({ tokens }: AttentionSeen, { go }: SectionAround): HTMLElement {
  const pieces = tokens.map(each => {
    const piece = tokenElement(each.token);
    piece.classList.add(`step${String(stepOf(each.share))}`);
    piece.title = `${formatPercent(each.share)}%`;
    piece.addEventListener('click', () => go(each.start, each.end));
    return piece;
  });
  const strip = element(
    'p',
    { class: 'attended', tabindex: '0', role: 'group', 'data-key': 'strip', 'aria-label': l10n.t('The tokens before the target') },
    ...pieces,
  );
  // The newest are nearest to the target; all else is reached by scrolling.
  requestAnimationFrame(() => {
    strip.scrollTop = strip.scrollHeight;
  });
  const legend = steps.map((least, index) =>
    element('span', { class: `legend-step step${String(index + 1)}` }, l10n.t('from {0}%', formatPercent(least))),
  );
  return element('figure', { class: 'attention-part' }, strip, element('figcaption', {}, ...legend));
}

function tablePart({ top, layer, head }: AttentionSeen, { go }: SectionAround): HTMLElement {
  const caption =
    layer === undefined
      ? l10n.t('Most attended to: mean of all layers and heads')
      : head === undefined
        ? l10n.t('Most attended to: layer {0}, mean of its heads', formatCount(layer))
        : l10n.t('Most attended to: layer {0}, head {1}', formatCount(layer), formatCount(head));
  const rows = top.map(each => {
    const percent = `${formatPercent(each.share)}%`;
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, placeButton(each, go)),
      element('td', { class: 'number' }, formatCount(each.line)),
      element('td', { class: 'number' }, percent),
    );
  });
  const names = tableHead([l10n.t('Token'), l10n.t('Line'), l10n.t('Share')], 1);
  return element('table', { class: 'attended-table' }, element('caption', {}, caption), names, element('tbody', {}, ...rows));
}
