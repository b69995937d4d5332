import * as l10n from '@vscode/l10n';
import { switchKinds } from '../src/views/explainProtocol';
import type { SwitchKind } from '../src/views/explainProtocol';
import type { SwitchedOffShown, SwitchOffState, SwitchSide } from '../src/views/explainSwitchOff';
import { formatSignedBits } from '../src/core/numberText';
import { element, tokenElement } from './dom';
import { chooser, explainedInWords, listTable, numberElement, runPart } from './explainParts';
import { numberChooser, placeButton, tableHead } from './explainInside';
import type { SectionAround, SectionDrawing } from './explainSections';
import { formatBits, formatCount } from './format';

/** The prediction and the text before it without some of the model's heads. */
export const switchOffSection: SectionDrawing<SwitchOffState> = {
  title: () => l10n.t('Switch it off'),
  draw(state, around) {
    return [
      element(
        'p',
        { class: 'note' },
        l10n.t(
          'What some heads would add is set to zero, and the same text is read again. It shows what breaks, not what the part is for.',
        ),
      ),
      choosersPart(state, around),
      ...runPart(state, l10n.t('Switch it off'), name => around.ask({ name })),
      ...(state.shown ? shownParts(state.shown, state, around) : []),
    ];
  },
};

function choosersPart({ parts, kind, layer, head }: SwitchOffState, { ask }: SectionAround): HTMLElement {
  const names: Readonly<Record<SwitchKind, string>> = {
    all: l10n.t('all attention'),
    layer: l10n.t('all heads of a layer'),
    head: l10n.t('one head'),
  };
  const options = switchKinds.map(each => [each, names[each]] as const);
  const select = chooser('kind', options, kind, value => ask({ name: 'kind', value }));
  const numbers = (name: 'layer' | 'head', label: string, count: number, chosen: number) =>
    numberChooser(label, name, count, chosen, undefined, value => ask({ name, value }));
  return element(
    'div',
    { class: 'choosers' },
    element('label', {}, element('span', {}, l10n.t('Without')), select),
    parts && kind !== 'all' ? numbers('layer', l10n.t('Layer'), parts.layers, layer) : undefined,
    parts && kind === 'head' ? numbers('head', l10n.t('Head'), parts.heads, head) : undefined,
  );
}

function offInWords({ kind, layer, head }: SwitchOffState): string {
  switch (kind) {
    case 'all':
      return l10n.t('Without all attention');
    case 'layer':
      return l10n.t('Without layer {0}', formatCount(layer));
    case 'head':
      return l10n.t('Without head {0} of layer {1}', formatCount(head), formatCount(layer));
  }
}

function shownParts(shown: SwitchedOffShown, state: SwitchOffState, around: SectionAround): readonly (HTMLElement | undefined)[] {
  const { before, after, changed } = shown;
  const without = offInWords(state);
  return [
    sumsTable(shown, without, around),
    element(
      'div',
      { class: 'side-by-side' },
      listTable(l10n.t('As it is'), before.list, before.bits),
      listTable(without, after.list, after.bits),
    ),
    writtenPart(before, after, without),
    changed.length > 0 ? changedTable(shown, without, around) : undefined,
  ];
}

function sumsTable({ before, after, scoredTokens }: SwitchedOffShown, without: string, { target }: SectionAround): HTMLElement {
  const isDifference = target.chosen.b !== undefined;
  const bits = (value: number, isSigned: boolean) => (isSigned ? formatSignedBits(value) : formatBits(value));
  /** `tokens`: so many have noise of their own, which adds up as chance does. */
  const row = (name: string, [from, to]: readonly [number, number], isSigned: boolean, tokens = 1) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      element('td', { class: 'number' }, bits(from, isSigned)),
      element('td', { class: 'number' }, bits(to, isSigned)),
      element(
        'td',
        { class: 'number' },
        numberElement(formatSignedBits(to - from), Math.abs(to - from) <= target.floor.bits * Math.sqrt(tokens)),
      ),
    );
  const tokens =
    scoredTokens === 1 ? l10n.t('The token before it') : l10n.t('The {0} tokens before it, together', formatCount(scoredTokens));
  const head = tableHead([l10n.t('Bits'), l10n.t('As it is'), without, l10n.t('Change')], 1);
  return element(
    'table',
    { class: 'sums' },
    element('caption', { class: 'only-spoken' }, without),
    head,
    element(
      'tbody',
      {},
      row(explainedInWords(target), [before.bits, after.bits], isDifference),
      scoredTokens > 0 ? row(tokens, [before.totalBits, after.totalBits], false, scoredTokens) : undefined,
    ),
  );
}

/** The most probable token each time. */
function writtenPart(before: SwitchSide, after: SwitchSide, without: string): HTMLElement {
  const line = (name: string, { written }: SwitchSide) => [
    element('dt', {}, name),
    element('dd', { class: 'written' }, ...written.map(token => tokenElement(token))),
  ];
  return element(
    'section',
    { class: 'written-part', 'aria-labelledby': 'written' },
    element('h3', { id: 'written' }, l10n.t('Written from here on')),
    element('p', { class: 'note' }, l10n.t('{0} tokens, the most probable one each time.', formatCount(before.written.length))),
    element('dl', {}, ...line(l10n.t('As it is'), before), ...line(without, after)),
  );
}

function changedTable({ changed, changedTokens }: SwitchedOffShown, without: string, { go }: SectionAround): HTMLElement {
  const rows = changed.map(each =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, placeButton(each, go)),
      element('td', { class: 'number' }, formatCount(each.line)),
      element('td', { class: 'number' }, formatBits(each.before)),
      element('td', { class: 'number' }, formatBits(each.after)),
      element('td', { class: 'number' }, formatSignedBits(each.after - each.before)),
    ),
  );
  const head = tableHead([l10n.t('Token'), l10n.t('Line'), l10n.t('As it is'), l10n.t('Without'), l10n.t('Change')], 1);
  const caption =
    changedTokens > changed.length
      ? l10n.t('{1}: tokens before the target that changed most, of {0} that changed', formatCount(changedTokens), without)
      : l10n.t('{0}: tokens before the target that changed most', without);
  return element('table', { class: 'changed' }, element('caption', {}, caption), head, element('tbody', {}, ...rows));
}
