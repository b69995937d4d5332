import * as l10n from '@vscode/l10n';
import type { InfluenceState, SelectedSource, SourceShown } from '../src/views/explainInfluence';
import { fillers, influenceParts } from '../src/views/explainProtocol';
import type { InfluenceParts } from '../src/views/explainProtocol';
import { element } from './dom';
import { briefCost, button, chooser, costInWords, effectElement, explainedInWords, klElement, listTable, runPart } from './explainParts';
import type { SectionAround, SectionDrawing } from './explainSections';
import { formatCount } from './format';

/** What each part of the context contributes: blocks, lines and tokens, and what would be predicted without one. */
export const influenceSection: SectionDrawing<InfluenceState> = {
  title: () => l10n.t('Influence'),
  draw(state, around) {
    if (state.isEmpty) return [element('p', {}, l10n.t('Nothing stands before the target that could be left out.'))];
    const isComparing = around.target.chosen.b !== undefined;
    return [
      element(
        'p',
        { class: 'note' },
        l10n.t('Each part is left out once, and the model reads what remains. Nothing in the document is changed.'),
      ),
      element('p', { class: 'filler' }, ...choosers(state, around)),
      ...runPart(state, l10n.t('Find the strongest lines'), name => around.ask({ name })),
      element(
        'p',
        { class: 'legend' },
        isComparing
          ? l10n.t('+ speaks for the first of the two, − for the second; in bits.')
          : l10n.t('+ made it likelier, − made it less likely; in bits.'),
      ),
      sourcesTable(state, around),
      state.selected && selectedPart(state.selected, state, around),
    ];
  },
};

function choosers({ filler, parts }: InfluenceState, { ask }: SectionAround): readonly (HTMLElement | undefined)[] {
  const ofFillers: Readonly<Record<InfluenceState['filler'], string>> = {
    startToken: l10n.t('the start token'),
    proposals: l10n.t('what the model itself would write there'),
    deletion: l10n.t('nothing: later text moves up'),
  };
  const ofParts: Readonly<Record<InfluenceParts, string>> = { blocks: l10n.t('blocks of lines'), declarations: l10n.t('declarations') };
  const labelled = (label: string, select: HTMLElement) => element('label', {}, element('span', {}, label), select);
  const optionsOf = <Name extends string>(names: readonly Name[], words: Readonly<Record<Name, string>>) =>
    names.map(each => [each, words[each]] as const);
  const choose = (name: 'filler' | 'parts') => (value: string) => ask({ name, value });
  return [
    labelled(l10n.t('In its place'), chooser('filler', optionsOf(fillers, ofFillers), filler, choose('filler'))),
    parts && labelled(l10n.t('Parts'), chooser('parts', optionsOf(influenceParts, ofParts), parts, choose('parts'))),
  ];
}

function sourcesTable({ sources, selected }: InfluenceState, around: SectionAround): HTMLElement {
  const heads = [l10n.t('Part'), l10n.t('Text'), l10n.t('Bits'), l10n.t('KL, bits'), l10n.t('Finer')];
  const head = element(
    'tr',
    {},
    ...heads.map((each, index) => element('th', { scope: 'col', class: index === 2 || index === 3 ? 'number' : '' }, each)),
  );
  const rows = sources.map(source => sourceRow(source, source.key === selected?.key, around));
  const caption = element('caption', {}, l10n.t('Nearest to the target first: {0}', explainedInWords(around.target)));
  const table = element('table', { class: 'sources' }, caption, element('thead', {}, head), element('tbody', {}, ...rows));
  table.addEventListener('keydown', event => {
    const parts = [...table.querySelectorAll<HTMLButtonElement>('.part')];
    const at = parts.findIndex(each => each === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: parts.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    parts[Math.min(parts.length - 1, Math.max(0, to))]?.focus();
  });
  return table;
}

function sourceRow(source: SourceShown, isSelected: boolean, { ask, target }: SectionAround): HTMLElement {
  const { key, level, depth, text, bits, klBits, isNoise, isStrongest, finer } = source;
  const part = button(nameOf(source), `part-${key}`, () => ask({ name: 'select', value: key }), {
    class: 'part link',
    'aria-pressed': String(isSelected),
    title: l10n.t('What would be predicted without it'),
  });
  part.disabled = bits === undefined;
  const name = element(
    'th',
    { scope: 'row', class: `depth${depth}` },
    part,
    isStrongest ? ' ' : undefined,
    isStrongest ? element('small', { class: 'strongest' }, l10n.t('strongest')) : undefined,
  );
  const finerName = finer && finerNames()[finer.level];
  const open =
    finer &&
    finerName &&
    button(finerName, `open-${key}`, () => ask({ name: 'open', value: key }), {
      class: 'link',
      'aria-label': `${nameOf(source)}: ${finerName}, ${costInWords(finer.cost)}`,
    });
  return element(
    'tr',
    { class: [`level-${level}`, isNoise ? 'noise' : '', isSelected ? 'selected' : ''].filter(each => each !== '').join(' ') },
    name,
    element('td', { class: 'text' }, element('bdi', {}, shownText(source))),
    element('td', { class: 'number' }, bits === undefined ? '…' : effectElement(bits, isNoise)),
    element('td', { class: 'number' }, klBits === undefined ? '' : klElement(klBits, target)),
    element('td', { class: 'finer' }, open, finer ? element('small', {}, briefCost(finer.cost)) : undefined),
  );

  function shownText(each: SourceShown): string {
    return each.level === 'token' ? text.replaceAll(' ', '·').replaceAll('\t', '→').replaceAll(/\r?\n/g, '↵') : text;
  }
}

function finerNames(): Readonly<Partial<Record<SourceShown['level'], string>>> {
  return { declaration: l10n.t('Its declarations'), line: l10n.t('Lines'), token: l10n.t('Tokens') };
}

function nameOf({ level, name, firstLine, lastLine }: SourceShown): string {
  if (level === 'token') return l10n.t('token, line {0}', formatCount(firstLine));
  const lines =
    firstLine === lastLine
      ? l10n.t('line {0}', formatCount(firstLine))
      : l10n.t('lines {0} to {1}', formatCount(firstLine), formatCount(lastLine));
  return name === undefined ? lines : `${name}, ${lines}`;
}

function selectedPart(selected: SelectedSource, { sources }: InfluenceState, around: SectionAround): HTMLElement {
  const source = sources.find(({ key }) => key === selected.key);
  const title = element('h3', { id: 'selected' }, source ? l10n.t('Without {0}', nameOf(source)) : '');
  const see = source && button(l10n.t('Show it in the editor'), 'see', () => around.go(source.start, source.end), { class: 'link' });
  return element(
    'section',
    { class: 'selected-part', 'aria-labelledby': 'selected' },
    element('div', { class: 'heading' }, title, see),
    element(
      'div',
      { class: 'side-by-side' },
      listTable(l10n.t('With the whole context'), selected.whole, selected.wholeBits),
      listTable(l10n.t('Without it'), selected.without, selected.withoutBits),
    ),
  );
}
