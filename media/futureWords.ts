import * as l10n from '@vscode/l10n';
import { comparedShares, wordShare, type Share } from '../src/core/futures';
import { piecesOfBytes, type TokenPieces } from '../src/core/vocabulary';
import type { ForcedStart } from '../src/views/futuresProtocol';
import type { PanelDistribution, PanelRow } from '../src/views/panelProtocol';
import { element, tokenElement } from './dom';
import { ranges, isWholeIn, type FutureChoices } from './futureChoices';
import { caseBox, numberBox, SampleButton, textBox } from './futureForm';
import { origin, piecesOfIds, shareInWords, type FutureSamples } from './futureSamples';
import { formatDecimal, formatPercent, sentence, spokenToken } from './format';

type Changed = (change: Partial<FutureChoices>) => void;

/** How often a word appears within the next tokens. */
export class FutureWord {
  readonly root: HTMLElement;
  readonly #answer = element('output', { class: 'answer' });

  constructor(choices: FutureChoices, changed: Changed) {
    const word = textBox('future-word', l10n.t('Word'), choices.word, text => changed({ word: text }));
    const within = numberBox({
      id: 'future-within',
      label: l10n.t('within so many tokens'),
      value: choices.within,
      ...ranges.within,
      holds: value => isWholeIn(value, ranges.within),
      changed: value => changed({ within: value }),
    });
    this.root = element(
      'div',
      { role: 'group', 'aria-labelledby': 'future-word-title' },
      element('h3', { id: 'future-word-title' }, l10n.t('How often does this word appear within the next tokens?')),
      element(
        'div',
        { class: 'form' },
        word.root,
        within.root,
        caseBox(choices.caseRule, caseRule => changed({ caseRule })),
      ),
      this.#answer,
    );
  }

  draw(samples: FutureSamples | undefined, choices: FutureChoices): void {
    const share = samples && shareOfWord(samples, 0, choices);
    this.#answer.replaceChildren(
      ...(share ? sentence(l10n.t('{0}: {1}'), quoted(choices.word), strong(shareInWords(share))) : [askFor(samples)]),
    );
  }
}

/** How the share of the word changes when the next token is forced to be one or another. */
export class ForcedFutures {
  readonly root: HTMLElement;
  readonly #boxes: readonly HTMLInputElement[];
  readonly #echoes = [element('span', { class: 'echo', id: 'future-a-is' }), element('span', { class: 'echo', id: 'future-b-is' })];
  readonly #button: SampleButton;
  readonly #origin = element('p', { class: 'origin' });
  readonly #answer = element('output', { class: 'answer' });
  readonly #rows = element('tbody', {});
  readonly #table: HTMLElement;
  #state: PanelDistribution | undefined;

  /** `sample` is given both beginnings. */
  constructor(choices: FutureChoices, changed: Changed, sample: (forced: readonly [ForcedStart, ForcedStart]) => void, stop: () => void) {
    const boxes = (['A', 'B'] as const).map((name, index) => {
      const box = textBox(`future-${name}`, name, choices.starts[index] ?? '', text => {
        changed({ starts: index === 0 ? [text, choices.starts[1]] : [choices.starts[0], text] });
      });
      box.input.setAttribute('aria-describedby', `future-${name.toLowerCase()}-is future-spaces`);
      return box;
    });
    this.#boxes = boxes.map(({ input }) => input);
    this.#button = new SampleButton(
      l10n.t('Sample both'),
      () => {
        const [a, b] = this.#starts(choices);
        if (a !== undefined && b !== undefined) sample([a, b]);
        else this.#button.say(l10n.t('Type what is to come first.'));
      },
      stop,
    );
    const columns = ['', l10n.t('begins with'), l10n.t('probability of that'), l10n.t('the word appears in')];
    this.#table = element(
      'table',
      { class: 'forced' },
      element('caption', { class: 'only-spoken' }, l10n.t('Futures that were forced to begin with A and with B')),
      element(
        'thead',
        {},
        element('tr', {}, ...columns.map(text => element(text === '' ? 'td' : 'th', text === '' ? {} : { scope: 'col' }, text))),
      ),
      this.#rows,
    );
    this.root = element(
      'div',
      { role: 'group', 'aria-labelledby': 'future-forced-title' },
      element('h3', { id: 'future-forced-title' }, l10n.t('Force the next token')),
      element(
        'div',
        { class: 'form' },
        ...boxes.flatMap(({ root }, index) => [element('span', { class: 'start' }, root, this.#echoes[index])]),
      ),
      element(
        'p',
        { class: 'about', id: 'future-spaces' },
        l10n.t('An empty box stands for one of the two most probable tokens. A space before a word is part of it: type it, too.'),
      ),
      this.#button.root,
      this.#origin,
      this.#table,
      this.#answer,
    );
  }

  draw(state: PanelDistribution | undefined, samples: FutureSamples | undefined, choices: FutureChoices): void {
    this.#state = state;
    const best = mostProbable(state);
    for (const [index, echo] of this.#echoes.entries()) {
      const text = choices.starts[index] ?? '';
      const pieces = text === '' ? best[index]?.token : piecesOfBytes(new TextEncoder().encode(text));
      echo.replaceChildren(...(pieces ? [tokenElement(pieces)] : []));
      this.#boxes[index]?.setAttribute('placeholder', text === '' && pieces ? spokenToken(pieces) : '');
    }
    this.#button.draw(samples, state !== undefined);
    this.#origin.replaceChildren(...(samples ? origin(samples) : []));
    this.#table.hidden = !samples || samples.sampled === 0;
    if (!samples || samples.sampled === 0) {
      this.#rows.replaceChildren();
      return this.#answer.replaceChildren();
    }
    const shares = samples.groups.map((_, index) => shareOfWord(samples, index, choices));
    this.#rows.replaceChildren(...samples.groups.map((_, index) => row(index === 0 ? 'A' : 'B', samples, index, shares[index])));
    const [a, b] = shares;
    this.#answer.replaceChildren(
      ...(a && b ? difference(a, b, choices.word) : [l10n.t('Type a word above to see how its share changes.')]),
    );
  }

  /** What the boxes say, or the two most probable tokens. */
  #starts({ starts }: FutureChoices): readonly (ForcedStart | undefined)[] {
    const best = mostProbable(this.#state);
    return starts.map((text, index) => (text === '' ? best[index]?.id : text));
  }
}

function row(name: string, { facts, groups, vocabulary }: FutureSamples, index: number, share: Share | undefined): HTMLElement {
  const { forcedTokens = 0, continuations = [] } = groups[index] ?? {};
  const [one] = continuations;
  const ids = one?.ids.subarray(0, forcedTokens) ?? [];
  const log = one?.logProbabilities.subarray(0, forcedTokens).reduce((sum, each) => sum + each, 0);
  const probability = log === undefined ? '' : `${formatPercent(Math.exp(log))}%`;
  const draft = forcedTokens > 1 ? ` ${l10n.t('(draft)')}` : '';
  const pieces: TokenPieces = piecesOfIds(ids, vocabulary);
  const asked = facts.wanted.forced[index];
  return element(
    'tr',
    { 'data-asked': asked === undefined ? '' : String(asked) },
    element('th', { scope: 'row' }, name),
    element('td', {}, pieces.length > 0 ? tokenElement(pieces) : ''),
    element('td', {}, probability + draft),
    element('td', {}, share ? shareInWords(share) : '–'),
  );
}

function difference(a: Share, b: Share, word: string): readonly (Node | string)[] {
  const { difference: points, low, high } = comparedShares(a, b);
  if (points === undefined) return [];
  const numbers = [points, low, high].map(each => document.createTextNode(signed(each)));
  const is = sentence(l10n.t('{0}, B minus A: {1} percentage points, 95% interval {2} to {3}.'), quoted(word), ...numbers);
  const says =
    low <= 0 && high >= 0
      ? l10n.t('The interval holds 0: these samples do not tell whether it makes a difference.')
      : l10n.t('The interval does not hold 0: the first token makes a difference to this model.');
  return [strong(...is), ' ', says];
}

/** Percentage points, with a sign. */
function signed(share: number): string {
  const points = formatDecimal(Math.abs(share) * 100, 0);
  return points === '0' ? '0' : `${share < 0 ? '−' : '+'}${points}`;
}

function shareOfWord(samples: FutureSamples, index: number, { word, within, caseRule }: FutureChoices): Share | undefined {
  const group = samples.groups[index];
  if (!group || group.continuations.length === 0 || word.trim() === '') return undefined;
  return wordShare(samples.textsOf(group, within), word.trim(), caseRule);
}

function askFor(samples: FutureSamples | undefined): string {
  return samples && samples.sampled > 0 ? l10n.t('Type a word.') : l10n.t('Sample futures first.');
}

/** The two, whatever stands first in the table. */
function mostProbable(state: PanelDistribution | undefined): readonly PanelRow[] {
  if (!state) return [];
  return [...state.rows, ...(state.actual ? [state.actual] : [])].sort((a, b) => a.rank - b.rank).slice(0, 2);
}

function quoted(word: string): HTMLElement {
  return element('bdi', { class: 'context' }, `“${word.trim()}”`);
}

function strong(...parts: readonly (Node | string)[]): HTMLElement {
  return element('strong', {}, ...parts);
}
