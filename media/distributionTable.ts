import type { ActualRow, PanelDistribution, PanelRow } from '../src/views/panelProtocol';
import * as l10n from '@vscode/l10n';
import { element, tokenElement } from './dom';
import { formatCount, formatPercent, fullBar, spokenToken } from './format';

/** The tokens expected next as a table: rank, token, bar, probability and, inside a word, the probability given what is typed. */
export function distributionTable(state: PanelDistribution): HTMLElement {
  const given = state.typed !== undefined;
  const shareOf = (row: PanelRow) => (given ? (row.givenTyped ?? 0) : row.probability);
  const rest = given ? (state.everythingElseGivenTyped ?? 0) : state.everythingElse;
  const shown = state.actual ? [...state.rows, state.actual] : state.rows;
  const full = fullBar(Math.max(rest, ...shown.map(shareOf)));

  const rowOf = (row: PanelRow, actual?: ActualRow) =>
    element(
      'tr',
      { class: actual ? 'actual' : '', 'aria-current': actual ? 'true' : undefined, 'data-probability': String(row.probability) },
      element('td', { class: 'rank' }, formatCount(row.rank)),
      element(
        'th',
        {
          scope: 'row',
          class: 'name',
          'aria-label': actual ? l10n.t('{0}, which is how your text continues', spokenToken(row.token)) : spokenToken(row.token),
        },
        tokenElement(row.token),
      ),
      barCell(shareOf(row) / full, 'bar'),
      percentCell(row.probability),
      given ? percentCell(row.givenTyped ?? 0, true) : undefined,
    );

  const position = state.actual?.position ?? state.rows.length;
  const body: HTMLElement[] = state.rows.slice(0, position).map(row => rowOf(row));
  if (state.actual?.afterGap) body.push(gapRow(given));
  if (state.actual) body.push(rowOf(state.actual, state.actual));
  body.push(...state.rows.slice(position).map(row => rowOf(row)));
  body.push(
    element(
      'tr',
      { class: 'rest', 'data-probability': String(state.everythingElse) },
      element('td', { class: 'rank' }),
      element('th', { scope: 'row', class: 'name' }, l10n.t('everything else')),
      barCell(rest / full, 'bar hatched'),
      percentCell(state.everythingElse),
      given ? percentCell(state.everythingElseGivenTyped ?? 0, true) : undefined,
    ),
  );
  return element(
    'table',
    { class: given ? 'given' : '' },
    element(
      'caption',
      { class: 'only-spoken' },
      given
        ? l10n.t('Tokens {0} expects next, those that continue what is typed first', state.model)
        : l10n.t('Tokens {0} expects next, most probable first', state.model),
    ),
    element('thead', {}, headerRow(state, full)),
    element('tbody', {}, ...body),
  );
}

function headerRow(state: PanelDistribution, full: number): HTMLElement {
  const column = (name: string, text: string, ...seen: (Node | string)[]) =>
    element('th', { scope: 'col', class: name, 'aria-label': text }, ...seen);
  const axis = element(
    'td',
    { class: 'axis', 'aria-hidden': 'true' },
    element('div', {}, element('span', {}, '0'), element('span', {}, `${full * 100}%`)),
  );
  const [rank, token, probability] = [l10n.t('Rank'), l10n.t('Token'), l10n.t('Probability')];
  if (!state.typed) {
    return element('tr', {}, column('rank', rank), column('name', token), axis, column('number', probability));
  }
  return element(
    'tr',
    {},
    column('rank', rank),
    column('name', token),
    axis,
    column('number', probability, l10n.t('before typing')),
    column('number', l10n.t('Probability given what is typed'), l10n.t('given what is typed')),
  );
}

/** The sizes are set as properties: the page's policy allows no style attributes. A bar is never too thin to be seen, unless it is nothing. */
function barCell(share: number, name: string): HTMLElement {
  const bar = element('div', { class: name });
  bar.style.width = `${Math.min(1, share) * 100}%`;
  bar.hidden = share === 0;
  return element('td', { class: 'share', 'aria-hidden': 'true' }, bar);
}

function percentCell(probability: number, isGiven = false): HTMLElement {
  const none = isGiven && probability === 0; // it does not continue what is typed, so this is a true zero
  const name = `number${isGiven ? ' of-typed' : ''}${none ? ' none' : ''}`;
  return element('td', { class: name }, none ? '0' : formatPercent(probability), element('span', { class: 'unit' }, '%'));
}

/** The ranks left out before the actual token. A drawing: the ranks themselves say it in words. */
function gapRow(given: boolean): HTMLElement {
  return element('tr', { class: 'gap', 'aria-hidden': 'true' }, element('td', { colspan: given ? '5' : '4' }, '⋮'));
}
