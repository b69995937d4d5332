import * as l10n from '@vscode/l10n';
import { longestTyped, sectionIds, toExplain } from '../src/views/explainProtocol';
import type { ExplainMessage, ExplainState, ExplainTarget, FromExplain, SectionId, SectionStates } from '../src/views/explainProtocol';
import { plainPieces } from '../src/core/hoverText';
import { formatSignedBits } from '../src/core/numberText';
import { element, tokenElement } from './dom';
import { examplePart } from './examplePart';
import { button, chooser } from './explainParts';
import { sectionDrawings } from './explainSections';
import type { SectionAround } from './explainSections';
import { formatBits, formatCount, formatDecimal, formatPercent, sentence, useLanguage } from './format';

declare function acquireVsCodeApi(): {
  postMessage(message: FromExplain): void;
};

type Post = (message: FromExplain) => void;

/** The page about one prediction: drawn from its last message and nothing else. What holds the focus has it again afterwards. */
function start(): void {
  useLanguage();
  const vscode = acquireVsCodeApi();
  const post: Post = message => vscode.postMessage(message);
  const progress = element('div', { class: 'progress', 'aria-hidden': 'true' });
  const main = element('main', {});
  document.body.append(progress, main);
  let shown: ExplainState | undefined;
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const state = toExplain(event.data)?.state;
    if (!state) return;
    shown = state;
    const isBusy = state.kind === 'message' && state.busy;
    main.setAttribute('aria-busy', String(isBusy));
    document.body.classList.toggle('busy', isBusy);
    const focused = document.activeElement?.getAttribute('data-key');
    const { scrollY } = window;
    main.replaceChildren(...(state.kind === 'message' ? messagePart(state, post) : targetPage(state, post)));
    window.scrollTo({ top: scrollY, behavior: 'instant' });
    if (typeof focused !== 'string') return;
    const again = main.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`);
    // What was pressed may be gone, as a button that began a run: the section it was in has the focus then, and the keys go on working.
    (again ?? main.querySelector<HTMLElement>('[role="tabpanel"]'))?.focus({ preventScroll: true });
  });
  window.addEventListener('keydown', event => {
    if (event.key === 'Escape' && shown?.kind === 'target' && shown.isPainted) post({ kind: 'unpaint' });
  });
  post({ kind: 'ready' });
}

function messagePart({ headline, text, busy, mayPick }: ExplainMessage, post: Post): readonly HTMLElement[] {
  const part = element('section', { class: 'message' }, element('h1', {}, headline), element('p', {}, text));
  const buttons = [
    mayPick ? hereButton(post) : undefined,
    busy ? button(l10n.t('Cancel'), 'stop', () => post({ kind: 'stop' })) : undefined,
  ].filter(each => each !== undefined);
  return buttons.length > 0 ? [part, element('p', { class: 'buttons' }, ...buttons)] : [part];
}

function hereButton(post: Post): HTMLElement {
  return button(l10n.t('Explain the token at the cursor'), 'here', () => post({ kind: 'here' }));
}

function targetPage(state: ExplainTarget, post: Post): readonly HTMLElement[] {
  return [
    element('h1', {}, l10n.t('What in the context did it?')),
    state.example === undefined ? undefined : examplePart(state.example),
    staleNote(state, post),
    placePart(state),
    chosenPart(state, post),
    element('p', { class: 'arithmetic' }, arithmeticInWords(state)),
    element('p', { class: 'buttons' }, hereButton(post), paintButton(state, post)),
    tabList(state, post),
    sectionPart(state, post),
    element('footer', {}, state.provenance),
  ].filter(part => part !== undefined);
}

function staleNote({ stale }: ExplainTarget, post: Post): HTMLElement | undefined {
  if (!stale) return undefined;
  const why =
    stale === 'text'
      ? l10n.t('The text has changed: these numbers are of before, and nothing is painted in the editor.')
      : l10n.t('The model or its settings have changed: these numbers are of before, and nothing is painted in the editor.');
  return element(
    'p',
    { class: 'stale-note', role: 'status' },
    why,
    ' ',
    button(l10n.t('Ask again'), 'again', () => post({ kind: 'again' })),
  );
}

/** The line up to the target, and how surprised the model was. */
function placePart({ place, before, token, model, entropyBits, contextTokens, choices }: ExplainTarget): HTMLElement {
  const [actual] = choices;
  const target = token ? tokenElement(token) : element('em', {}, l10n.t('what comes after the last token'));
  target.classList.add('target');
  const facts =
    token && actual
      ? l10n.t(
          '{0} bits to {1}; entropy {2} bits; it had read {3} tokens.',
          formatBits(actual.bits),
          model,
          formatBits(entropyBits),
          formatCount(contextTokens),
        )
      : l10n.t('{0}: entropy {1} bits; it had read {2} tokens.', model, formatBits(entropyBits), formatCount(contextTokens));
  return element(
    'section',
    { class: 'place', 'aria-label': l10n.t('Target') },
    element('p', { class: 'where' }, element('bdi', {}, before), target),
    element('p', { class: 'facts' }, element('bdi', {}, place), ' · ', facts),
  );
}

function chosenPart({ choices, chosen, notOneToken }: ExplainTarget, post: Post): HTMLElement {
  const part = (key: 'a' | 'b', label: string, none: string | undefined) => {
    const other = key === 'a' ? chosen.b : chosen.a;
    const options = choices.flatMap((choice, index) => {
      if (index === other && key === 'b') return [];
      const percent = `${formatPercent(2 ** -choice.bits)}%`;
      const name = plainPieces(choice.token);
      const text = choice.isActual ? l10n.t('{0} (in the text), {1}', name, percent) : l10n.t('{0}, {1}', name, percent);
      return [[String(index), text] as const];
    });
    if (none !== undefined) options.unshift(['', none]);
    const choose = (value: string) => {
      const index = value === '' ? undefined : Number(value);
      if (key === 'b') post({ kind: 'choose', chosen: { a: chosen.a, b: index } });
      else if (index !== undefined) post({ kind: 'choose', chosen: { a: index, b: index === chosen.b ? undefined : chosen.b } });
    };
    const select = chooser(`choose-${key}`, options, String(chosen[key] ?? ''), choose, { 'aria-label': label });
    return element('label', {}, element('span', {}, label), select);
  };
  const [a, b] = [choices[chosen.a], chosen.b === undefined ? undefined : choices[chosen.b]];
  const sum =
    a && b
      ? sentence(
          l10n.t('{0} has {1} bits, {2} has {3}: {4} bits between them.'),
          tokenElement(a.token),
          new Text(formatBits(a.bits)),
          tokenElement(b.token),
          new Text(formatBits(b.bits)),
          new Text(formatSignedBits(a.bits - b.bits)),
        )
      : a
        ? sentence(l10n.t('{0} has {1} bits.'), tokenElement(a.token), new Text(formatBits(a.bits)))
        : [];
  return element(
    'section',
    { class: 'chosen', 'aria-label': l10n.t('What is explained') },
    element(
      'div',
      { class: 'choosers' },
      part('a', l10n.t('Explain'), undefined),
      part('b', l10n.t('against'), l10n.t('nothing else')),
      typedPart(post),
    ),
    notOneToken === undefined
      ? undefined
      : element(
          'p',
          { class: 'note', role: 'status' },
          l10n.t('“{0}” is not one token of this model: type a shorter or more usual word.', notOneToken),
        ),
    element('p', { class: 'sum' }, ...sum),
  );
}

/** What is being typed: the page is drawn anew meanwhile. */
let typed = '';

/** A word that need not be among those that the model names. */
function typedPart(post: Post): HTMLElement {
  const input = element('input', { type: 'text', 'data-key': 'typed', maxlength: String(longestTyped), value: typed, spellcheck: 'false' });
  input.addEventListener('input', () => (typed = input.value));
  // A new one has the caret before its text.
  input.addEventListener('focus', () => input.setSelectionRange(input.value.length, input.value.length));
  const compare = () => {
    if (typed === '') return;
    post({ kind: 'type', text: typed });
    typed = '';
  };
  input.addEventListener('keydown', ({ key, isComposing }) => {
    if (key === 'Enter' && !isComposing) compare();
  });
  const button = element('button', { type: 'button', 'data-key': 'type' }, l10n.t('Compare'));
  button.addEventListener('click', compare);
  return element('div', { class: 'typed' }, element('label', {}, element('span', {}, l10n.t('or this word')), input), button);
}

function arithmeticInWords({ floor }: ExplainTarget): string {
  if (floor.arithmetic === 'float32')
    return l10n.t('Computed in exact (float32) arithmetic: noise is below {0} bits.', formatDecimal(floor.bits, 3));
  return floor.isMeasured
    ? l10n.t('Computed in the model’s own arithmetic: effects below its noise floor of {0} bits are grey.', formatDecimal(floor.bits, 2))
    : l10n.t(
        'Computed in the model’s own arithmetic, whose noise was not measured: effects below {0} bits, which such files usually have, are grey.',
        formatDecimal(floor.bits, 2),
      );
}

function paintButton({ isPainted, stale }: ExplainTarget, post: Post): HTMLElement | undefined {
  if (stale) return undefined;
  return isPainted
    ? button(l10n.t('Hide in the editor'), 'paint', () => post({ kind: 'unpaint' }))
    : button(l10n.t('Show in the editor'), 'paint', () => post({ kind: 'paint' }));
}

/** Arrow keys go from tab to tab, as tabs do. */
function tabList({ section }: ExplainTarget, post: Post): HTMLElement {
  const tabs = sectionIds.map(id => {
    const isSelected = id === section.id;
    return button(sectionDrawings[id].title(), `tab-${id}`, () => post({ kind: 'tab', tab: id }), {
      role: 'tab',
      id: `tab-${id}`,
      'aria-selected': String(isSelected),
      'aria-controls': 'section',
      tabindex: isSelected ? '0' : '-1',
    });
  });
  const list = element('div', { role: 'tablist', 'aria-label': l10n.t('Ways to ask') }, ...tabs);
  list.addEventListener('keydown', event => {
    const at = sectionIds.indexOf(section.id);
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: (at + 1) % tabs.length,
      ArrowLeft: (at + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    tabs[to]?.focus();
    tabs[to]?.click();
  });
  return list;
}

function sectionPart(state: ExplainTarget, post: Post): HTMLElement {
  const { id } = state.section;
  const around: SectionAround = {
    target: state,
    ask: asked => post({ kind: 'section', section: id, asked }),
    go: (from, end) => post({ kind: 'go', start: from, end }),
  };
  const content = drawn(state.section, around);
  const part = element('div', {
    role: 'tabpanel',
    id: 'section',
    class: id,
    'aria-labelledby': `tab-${id}`,
    tabindex: '-1',
    'data-key': 'section',
  });
  part.append(...content.filter(each => each !== undefined));
  if (state.stale) for (const each of part.querySelectorAll<HTMLButtonElement | HTMLSelectElement>('button, select')) each.disabled = true;
  return part;
}

/** A state is drawn by the section that it is of. */
function drawn<Id extends SectionId>(
  { id, state }: { readonly id: Id; readonly state: SectionStates[Id] },
  around: SectionAround,
): readonly (HTMLElement | undefined)[] {
  return sectionDrawings[id].draw(state, around);
}

start();
