import * as l10n from '@vscode/l10n';
import type { FromPanel, PanelPassage, PassageRow } from '../src/views/panelProtocol';
import { legend } from './distributionPage';
import { element, tokenElement } from './dom';
import { formatBits, formatCount, formatPercent, spokenToken } from './format';

/** Of the alternatives, in the row itself; all of them stand below the table for the row that is looked at. */
const alternativesInRow = 3;
const titleId = 'before-it-is-inserted';

/**
 * The page of a text that is not in the document: its tokens with their bits, what was expected in their place, and whether to insert it. Rows can be
 * walked through by keys: one of them is in the tab order. Escape closes it.
 */
export class PassagePage {
  readonly root: HTMLElement;
  readonly #post: (message: FromPanel) => void;
  readonly #lead = element('p', { class: 'lead' });
  readonly #notes = element('ul', { class: 'notes' });
  readonly #rows = element('div', { class: 'rows passage' });
  readonly #lookedAt = element('div', { class: 'expected', id: 'expected-instead' });
  readonly #below = element('div', {});
  #state: PanelPassage | undefined;
  /** The row that is looked at. */
  #at = 0;

  constructor(post: (message: FromPanel) => void) {
    this.#post = post;
    const insert = element('button', { type: 'button', class: 'main' }, l10n.t('Insert it'));
    const close = element('button', { type: 'button', class: 'plain' }, l10n.t('Close'));
    insert.addEventListener('click', () => this.#say('insert'));
    close.addEventListener('click', () => this.#say('close'));
    this.root = element(
      'section',
      { 'aria-labelledby': titleId },
      element('div', { class: 'heading' }, element('h2', { id: titleId }, l10n.t('Before it is inserted'))),
      this.#lead,
      this.#notes,
      element('div', { class: 'buttons' }, insert, close),
      this.#rows,
      this.#lookedAt,
      this.#below,
    );
    this.root.addEventListener('keydown', event => {
      if (event.key === 'Escape') this.#say('close');
      else this.#walk(event);
    });
    this.#rows.addEventListener('focusin', ({ target }) => this.#lookAt(target));
    this.#rows.addEventListener('mousemove', ({ target }) => this.#lookAt(target));
  }

  draw(state: PanelPassage): void {
    const isOther = this.#state?.passage !== state.passage;
    const hadFocus = this.#rows.contains(document.activeElement);
    this.#state = state;
    this.#lead.textContent = `${state.summary}.`;
    this.#notes.replaceChildren(...state.notes.map(note => element('li', {}, note)));
    this.#rows.replaceChildren(tableOf(state));
    if (isOther)
      this.#at = Math.max(
        0,
        state.rows.findIndex(row => row.standsOut),
      );
    this.#mark(this.#at);
    if (hadFocus) this.#rowElements()[this.#at]?.focus();
    if (isOther) window.scrollTo({ top: 0, behavior: 'instant' });
    this.#below.replaceChildren(legend(state.bandEdges), element('footer', {}, state.provenance));
  }

  #say(kind: 'insert' | 'close'): void {
    if (this.#state) this.#post({ kind, passage: this.#state.passage });
  }

  #rowElements(): readonly HTMLElement[] {
    return [...this.#rows.querySelectorAll<HTMLElement>('tr[data-row]')];
  }

  #walk(event: KeyboardEvent): void {
    const isInTable = event.target instanceof Element && event.target.closest('tr[data-row]') !== null;
    if (!isInTable || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#rowElements().length - 1;
    const to = { ArrowDown: this.#at + 1, ArrowUp: this.#at - 1, PageDown: this.#at + 10, PageUp: this.#at - 10, Home: 0, End: last }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    this.#mark(Math.min(last, Math.max(0, to)));
    this.#rowElements()[this.#at]?.focus();
  }

  #lookAt(target: EventTarget | null): void {
    const row = target instanceof Element ? target.closest<HTMLElement>('tr[data-row]') : null;
    if (row) this.#mark(Number(row.dataset['row']));
  }

  /** It is the one in the tab order from now on, and what was expected in its place stands below the table. */
  #mark(index: number): void {
    this.#at = index;
    this.#rows.querySelector('tr[tabindex="0"]')?.setAttribute('tabindex', '-1');
    this.#rowElements()[index]?.setAttribute('tabindex', '0');
    const row = this.#state?.rows[index];
    if (!row) return this.#lookedAt.replaceChildren();
    const items = row.alternatives.map(({ token, probability }) =>
      element(
        'li',
        { 'aria-label': `${spokenToken(token)} ${formatPercent(probability)}%` },
        tokenElement(token),
        ` ${formatPercent(probability)}%`,
      ),
    );
    this.#lookedAt.replaceChildren(
      element('p', {}, l10n.t('Expected in place of token {0}:', formatCount(index + 1)), ' ', tokenElement(row.token)),
      items.length > 0
        ? element('ol', {}, ...items)
        : element('p', { class: 'note' }, l10n.t('Nothing is known: nothing stands before it.')),
    );
  }
}

function tableOf({ rows, moreTokens }: PanelPassage): HTMLElement {
  const body = rows.map((row, index) => rowOf(row, index));
  if (moreTokens > 0) {
    const text = moreTokens === 1 ? l10n.t('1 token more') : l10n.t('{0} tokens more', formatCount(moreTokens));
    body.push(element('tr', { class: 'rest' }, element('td', { class: 'rank' }), element('th', { scope: 'row', class: 'name' }, text)));
  }
  const column = (name: string, text: string) => element('th', { scope: 'col', class: name }, text);
  return element(
    'table',
    {},
    element('caption', { class: 'only-spoken' }, l10n.t('Tokens of the text in their order, with the bits they would have')),
    element(
      'thead',
      {},
      element('tr', {}, column('rank', '#'), column('name', l10n.t('Token')), column('number', l10n.t('Bits')), column('number', l10n.t('Rank')), column('others', l10n.t('Expected instead'))), // prettier-ignore
    ),
    element('tbody', {}, ...body),
  );
}

function rowOf({ token, bits, band, standsOut, rank, alternatives }: PassageRow, index: number): HTMLElement {
  const spoken = standsOut ? l10n.t('{0}, which stands out', spokenToken(token)) : spokenToken(token);
  const shown = element('span', { class: band === undefined || band === 0 ? 'run' : `run band${band}` }, tokenElement(token));
  const others = alternatives
    .slice(0, alternativesInRow)
    .flatMap(({ token: other, probability }, at) => [at > 0 ? ', ' : undefined, tokenElement(other), ` ${formatPercent(probability)}%`]);
  return element(
    'tr',
    { 'data-row': String(index), tabindex: '-1', 'aria-describedby': 'expected-instead', class: standsOut ? 'stands-out' : '' },
    element('td', { class: 'rank' }, formatCount(index + 1)),
    element('th', { scope: 'row', class: 'name', 'aria-label': spoken }, shown),
    element('td', { class: 'number' }, bits === undefined ? '–' : formatBits(bits)),
    element('td', { class: 'number' }, rank === undefined ? '–' : formatCount(rank)),
    element('td', { class: 'others' }, ...others),
  );
}
