import * as l10n from '@vscode/l10n';
import { nextTokenShares, rewardsOf, reweighted, type Mark, type TokenShare } from '../src/core/futures';
import { firstWords } from '../src/core/spokenText';
import { element, tokenElement } from './dom';
import { isBeta, isWholeIn, noMarks, ranges, ruleOf, type FutureChoices } from './futureChoices';
import { caseBox, numberBox, textBox } from './futureForm';
import { piecesOfIds, textElement, type FutureSamples, type SampleGroup } from './futureSamples';
import { formatCount, formatDecimal, spokenToken } from './format';

type Changed = (change: Partial<FutureChoices>) => void;

/** Tokens of which the shares are shown. */
const shownTokens = 10;
const spokenLength = 12;
/** The slider's ends, as powers of ten. */
const betaPowers = { least: -1, most: 2, step: 0.05 };

/** Continuations marked good or bad, by hand or by a rule, and what the shares of the next token are when they are weighted by that. */
export class FutureRewards {
  readonly root: HTMLElement;
  readonly #choices: FutureChoices;
  readonly #changed: Changed;
  readonly #needs: ReadonlyMap<FutureChoices['rule'], HTMLElement>;
  readonly #list = element('tbody', {});
  readonly #shares = element('tbody', {});
  readonly #count = element('p', { class: 'answer', role: 'status' });
  readonly #results: HTMLElement;
  readonly #none = element('p', { class: 'note' }, l10n.t('Sample futures first.'));
  #samples: FutureSamples | undefined;
  /** Where the list is in the tab order. */
  #at = { row: 0, column: 0 };

  constructor(choices: FutureChoices, changed: Changed) {
    this.#choices = choices;
    this.#changed = changed;
    const rule = element(
      'select',
      { id: 'reward-rule' },
      element('option', { value: 'none' }, l10n.t('no rule, only my marks')),
      element('option', { value: 'containsWord' }, l10n.t('good: contains a word')),
      element('option', { value: 'shorterThan' }, l10n.t('good: shorter than')),
      element('option', { value: 'endsInWord' }, l10n.t('good: ends in a word of a list')),
    );
    rule.value = choices.rule;
    rule.addEventListener('change', () => changed({ rule: ruleNames.find(name => name === rule.value) ?? 'none' }));
    const word = textBox('reward-word', l10n.t('Word'), choices.ruleWord, ruleWord => changed({ ruleWord }));
    const words = textBox('reward-words', l10n.t('Words'), choices.ruleWords, ruleWords => changed({ ruleWords }));
    words.input.setAttribute('placeholder', l10n.t('one, two, three'));
    const tokens = numberBox({
      id: 'reward-tokens',
      label: l10n.t('Tokens'),
      value: choices.ruleTokens,
      ...ranges.ruleTokens,
      holds: value => isWholeIn(value, ranges.ruleTokens),
      changed: ruleTokens => changed({ ruleTokens }),
    });
    const match = caseBox(choices.ruleCase, ruleCase => changed({ ruleCase }));
    this.#needs = new Map([
      ['containsWord', word.root],
      ['shorterThan', tokens.root],
      ['endsInWord', words.root],
      ['none', match],
    ]);

    const heads = [l10n.t('future'), l10n.t('counts as'), l10n.t('weight'), l10n.t('mark')];
    const list = element(
      'table',
      { class: 'marks', role: 'grid', 'aria-label': l10n.t('Futures and their marks; arrow keys go through them') },
      element('thead', {}, element('tr', {}, ...heads.map((text, index) => element('th', { scope: 'col', class: `c${index}` }, text)))),
      this.#list,
    );
    list.addEventListener('keydown', event => this.#walk(event));
    list.addEventListener('click', ({ target }) => {
      const button = target instanceof Element ? target.closest<HTMLElement>('button[data-mark]') : null;
      if (button) this.#mark(Number(button.dataset['index']), button.dataset['mark'] === 'good' ? 'good' : 'bad');
    });
    const columns = [l10n.t('Next token'), l10n.t('As sampled'), l10n.t('Rewarded')];
    const shares = element(
      'table',
      { class: 'rewarded' },
      element('caption', {}, l10n.t('what training on whole answers aims at, on these samples')),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col', class: 'name' }, columns[0]),
          element('td', { class: 'axis', 'aria-hidden': 'true' }),
          element('th', { scope: 'col', class: 'number raw' }, columns[1]),
          element('th', { scope: 'col', class: 'number after' }, columns[2]),
        ),
      ),
      this.#shares,
    );
    this.#results = element('div', {}, this.#betaLine(), shares, this.#count, element('div', { class: 'marks-box' }, list));
    this.root = element(
      'div',
      { role: 'group', 'aria-labelledby': 'future-rewards-title' },
      element('h3', { id: 'future-rewards-title' }, l10n.t('Rewarding whole answers')),
      element(
        'p',
        { class: 'about' },
        l10n.t(
          'Good counts +1, bad −1, neither 0. What a rule does not find good is bad. Each future is weighted by exp(reward / beta). A mark of yours goes before the rule.',
        ),
      ),
      element('div', { class: 'form' }, element('label', { for: 'reward-rule' }, `${l10n.t('Rule')} `, rule), ...this.#needs.values()),
      this.#none,
      this.#results,
    );
  }

  draw(samples: FutureSamples | undefined): void {
    this.#samples = samples;
    const { rule } = this.#choices;
    for (const [name, root] of this.#needs)
      root.hidden = name === 'none' ? rule !== 'containsWord' && rule !== 'endsInWord' : name !== rule;
    const group = samples?.groups[0];
    const isThere = samples !== undefined && group !== undefined && group.continuations.length > 0;
    this.#none.hidden = isThere;
    this.#results.hidden = !isThere;
    if (isThere) return this.#drawResults(samples, group);
    for (const body of [this.#list, this.#shares]) body.replaceChildren();
  }

  #drawResults(samples: FutureSamples, group: SampleGroup): void {
    const { continuations } = group;
    const marks = this.#marksOf(samples);
    const rewards = rewardsOf(continuations, samples.textsOf(group, Infinity), marks, ruleOf(this.#choices));
    const { weights, effectiveCount } = reweighted(rewards, this.#choices.beta);
    this.#drawList(samples, group, rewards, weights, marks);
    this.#drawShares(nextTokenShares(continuations, weights, 0), samples);
    const numbers = [formatCount(continuations.length), formatDecimal(effectiveCount, 1)] as const;
    const isEqual = rewards.every(reward => reward === rewards[0]);
    const text = l10n.t('N = {0}, effective N = {1}: so many equally weighted futures would say as much.', ...numbers);
    const all = isEqual ? `${text} ${l10n.t('All count the same, so nothing changes.')}` : text;
    if (this.#count.textContent !== all) this.#count.textContent = all;
  }

  #drawShares(shares: readonly TokenShare[], { vocabulary }: FutureSamples): void {
    const shown = new Set(shares.toSorted((a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after)).slice(0, shownTokens));
    const rest = { before: 0, after: 0 };
    for (const share of shares) {
      if (shown.has(share)) continue;
      rest.before += share.before;
      rest.after += share.after;
    }
    const row = (name: HTMLElement, { before, after }: Pick<TokenShare, 'before' | 'after'>, id: string) =>
      element(
        'tr',
        { 'data-id': id, 'data-before': String(before), 'data-after': String(after) },
        name,
        element('td', { class: 'share two', 'aria-hidden': 'true' }, bar(before), bar(after)),
        element('td', { class: 'number' }, `${formatDecimal(before * 100, 1)}%`),
        element('td', { class: 'number after' }, `${formatDecimal(after * 100, 1)}%`),
      );
    const rows = [...shown]
      .sort((a, b) => shares.indexOf(a) - shares.indexOf(b))
      .map(share => {
        const token = vocabulary.piecesOf(share.id);
        return row(
          element('th', { scope: 'row', class: 'name', 'aria-label': spokenToken(token) }, tokenElement(token)),
          share,
          String(share.id),
        );
      });
    if (shown.size < shares.length) rows.push(row(element('th', { scope: 'row', class: 'name' }, l10n.t('other tokens')), rest, ''));
    this.#shares.replaceChildren(...rows);
  }

  #drawList(
    { vocabulary }: FutureSamples,
    { continuations }: SampleGroup,
    rewards: readonly number[],
    weights: readonly number[],
    marks: ReadonlyMap<number, Mark>,
  ): void {
    const hasFocus = this.#list.contains(document.activeElement);
    this.#at = { ...this.#at, row: Math.min(this.#at.row, continuations.length - 1) };
    const markButton = (index: number, mark: Mark, spoken: string) => {
      const name = mark === 'good' ? l10n.t('Good') : l10n.t('Bad');
      const isFocus = index === this.#at.row && this.#at.column === (mark === 'good' ? 0 : 1);
      const attributes = {
        type: 'button',
        class: 'plain mark',
        'data-mark': mark,
        'data-index': String(index),
        tabindex: isFocus ? '0' : '-1',
      };
      const isPressed = marks.get(index) === mark;
      return element('button', { ...attributes, 'aria-pressed': String(isPressed), 'aria-label': `${name}: ${spoken}` }, name);
    };
    const rows = continuations.map(({ ids, ended }, index) => {
      const pieces = piecesOfIds(ids, vocabulary);
      const text = textElement(pieces);
      if (ended === 'length') text.append(element('span', { class: 'glyph' }, '…'));
      const spoken = firstWords(spokenToken(pieces), spokenLength);
      const reward = rewards[index] ?? 0;
      const counts = reward > 0 ? l10n.t('good') : reward < 0 ? l10n.t('bad') : '–';
      const weight = weights[index] ?? NaN;
      return element(
        'tr',
        { class: reward > 0 ? 'good' : reward < 0 ? 'bad' : '', 'data-weight': String(weight), 'data-reward': String(reward) },
        element('th', { scope: 'row', class: 'c0' }, text),
        element('td', { class: 'c1' }, counts),
        element('td', { class: 'c2' }, `${formatDecimal(weight * 100, 1)}%`),
        element('td', { class: 'c3' }, markButton(index, 'good', spoken), markButton(index, 'bad', spoken)),
      );
    });
    this.#list.replaceChildren(...rows);
    if (hasFocus) this.#focus(this.#at.row, this.#at.column);
  }

  #marksOf({ facts }: FutureSamples): ReadonlyMap<number, Mark> {
    const { of, good, bad } = this.#choices.marks;
    if (of !== facts.name) return new Map();
    return new Map<number, Mark>([...good.map(index => [index, 'good'] as const), ...bad.map(index => [index, 'bad'] as const)]);
  }

  /** The same mark again takes it away. */
  #mark(index: number, mark: Mark): void {
    if (!this.#samples) return;
    this.#at = { row: index, column: mark === 'good' ? 0 : 1 };
    const marks = new Map(this.#marksOf(this.#samples));
    if (marks.get(index) === mark) marks.delete(index);
    else marks.set(index, mark);
    const indices = (wanted: Mark) => [...marks].filter(([, each]) => each === wanted).map(([marked]) => marked);
    const { name } = this.#samples.facts;
    this.#changed({ marks: marks.size === 0 ? noMarks : { of: name, good: indices('good'), bad: indices('bad') } });
  }

  #walk(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { row, column } = this.#at;
    const to = {
      ArrowDown: { row: row + 1, column },
      ArrowUp: { row: row - 1, column },
      ArrowRight: { row, column: 1 },
      ArrowLeft: { row, column: 0 },
      Home: { row: 0, column },
      End: { row: this.#list.rows.length - 1, column },
    }[event.key];
    if (!to) return;
    event.preventDefault();
    this.#focus(Math.min(this.#list.rows.length - 1, Math.max(0, to.row)), to.column);
  }

  #focus(row: number, column: number): void {
    this.#at = { row, column };
    this.#list.querySelector('button[tabindex="0"]')?.setAttribute('tabindex', '-1');
    const button = this.#list.rows[row]?.querySelectorAll('button')[column];
    button?.setAttribute('tabindex', '0');
    button?.focus();
  }

  /** Beta on a slider of powers of ten, and as a number. */
  #betaLine(): HTMLElement {
    const { least, most, step } = betaPowers;
    const attributes = {
      type: 'range',
      min: String(least),
      max: String(most),
      step: String(step),
      'aria-label': l10n.t('{0}, slider', 'beta'),
    };
    const slider = element('input', { ...attributes, 'aria-describedby': 'beta-ends' });
    const put = (beta: number) => {
      slider.value = String(Math.log10(beta));
      slider.setAttribute('aria-valuetext', formatDecimal(beta, beta < 10 ? 2 : 0));
    };
    const box = numberBox({
      id: 'reward-beta',
      label: 'beta',
      value: this.#choices.beta,
      least: 0,
      holds: isBeta,
      changed: beta => {
        put(beta);
        this.#changed({ beta });
      },
    });
    put(this.#choices.beta);
    slider.addEventListener('input', () => {
      const beta = Number((10 ** slider.valueAsNumber).toPrecision(2));
      slider.setAttribute('aria-valuetext', formatDecimal(beta, beta < 10 ? 2 : 0));
      box.input.value = String(beta);
      box.input.setAttribute('aria-invalid', 'false');
      this.#changed({ beta });
    });
    const ends = element('span', { class: 'about', id: 'beta-ends' }, l10n.t('small: only the best futures count; large: as sampled'));
    return element('div', { class: 'form beta' }, box.root, slider, ends);
  }
}

const ruleNames: readonly FutureChoices['rule'][] = ['none', 'containsWord', 'shorterThan', 'endsInWord'];

function bar(share: number): HTMLElement {
  const drawn = element('div', { class: 'bar' });
  drawn.style.width = `${Math.min(1, share) * 100}%`;
  if (share === 0) drawn.hidden = true;
  return drawn;
}
