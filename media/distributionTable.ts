import * as l10n from '@vscode/l10n';
import type { SamplingRule } from '../src/core/sampling';
import type { TokenPieces } from '../src/core/vocabulary';
import type { PanelDistribution, PanelRow } from '../src/views/panelProtocol';
import { element, tokenElement } from './dom';
import { formatCount, formatDecimal, formatPercent, fullBar, spokenToken } from './format';
import type { SampledRow } from './knownRow';
import { ruleName } from './sampler';

/** Probabilities at which a logarithmic bar begins; those below have a sliver. */
const leastLogarithmic = 1e-6;

/** What the table needs of a place. */
export type TablePlace = Pick<PanelDistribution, 'model' | 'typed' | 'rows' | 'actual' | 'everythingElse' | 'everythingElseGivenTyped'>;

export interface TableLook {
  readonly scale: 'linear' | 'log';
  /** With a column of the probability of each row and all above it. */
  readonly cumulative: boolean;
  /** With columns before and after sampling instead of those of typed text. */
  readonly sampled: SampledRow | undefined;
}

/** Of one row, or of everything else. */
interface Shares {
  readonly raw: number;
  readonly given: number | undefined;
  /** After sampling. */
  readonly after: number | undefined;
}

/** A row that was drawn, and from what. */
interface DrawnRow {
  readonly row: HTMLTableRowElement;
  readonly columns: string;
  readonly token: TokenPieces;
  readonly rank: number;
  readonly raw: number;
  readonly given: number | undefined;
  readonly cut: SamplingRule | undefined;
  readonly isActual: boolean;
  readonly hasSum: boolean;
}

/** Rows of the last table, by token: the next one takes those over of which all but bars, sampled and cumulative probabilities stays. */
export type DrawnRows = Map<number, DrawnRow>;

/** The table without its way through the rows: the keyboard belongs to something else on the page. */
export function stillTable(state: TablePlace): HTMLElement {
  const table = distributionTable(state, { scale: 'linear', cumulative: false, sampled: undefined });
  for (const row of table.querySelectorAll('tr')) {
    row.removeAttribute('tabindex');
    row.removeAttribute('aria-describedby');
  }
  return table;
}

/**
 * The tokens expected next as a table: rank, token, bar, probability and, inside a word, the probability given what is typed. Rows can be walked
 * through by keys: one of them is in the tab order, `data-id` names the token of each.
 */
export function distributionTable(
  state: TablePlace,
  { scale, cumulative, sampled }: TableLook,
  drawn: DrawnRows = new Map<number, DrawnRow>(),
): HTMLElement {
  const isGiven = state.typed !== undefined && !sampled;
  const { actual } = state;
  const position = actual?.position ?? state.rows.length;
  const ordered = actual ? state.rows.toSpliced(position, 0, actual) : state.rows;
  const after = sampled?.afterOf(ordered.map(row => row.id));
  const sharesOf = (row: PanelRow): Shares => ({
    raw: row.probability,
    given: isGiven ? (row.givenTyped ?? 0) : undefined,
    after: after?.get(row.id),
  });
  const shares = ordered.map(sharesOf);
  const rest: Shares = {
    raw: state.everythingElse,
    given: isGiven ? (state.everythingElseGivenTyped ?? 0) : undefined,
    after: after && sampled && restAfter(sampled, shares),
  };
  const longest = Math.max(...[...shares, rest].map(each => Math.max(each.given ?? each.raw, each.after ?? 0)));
  const full = scale === 'log' ? 1 : fullBar(longest);
  const lengthOf = (share: number) => (scale === 'log' ? 1 - Math.log10(share) / Math.log10(leastLogarithmic) : share / full);
  const cells = ({ raw, given, after: sampledShare }: Shares, hatched: boolean) => {
    const bars = [given ?? raw, sampledShare].filter(share => share !== undefined).map(share => bar(share, lengthOf(share), hatched));
    return element('td', { class: sampled ? 'share two' : 'share', 'aria-hidden': 'true' }, ...bars);
  };
  const blank = element(
    'tr',
    { 'aria-describedby': 'looked-at', tabindex: '-1' },
    element('td', { class: 'rank' }),
    element('th', { scope: 'row', class: 'name' }),
    cells(rest, false),
    percentCell(1),
    isGiven ? percentCell(1, 'of-typed') : undefined,
    sampled ? percentCell(1, 'after') : undefined,
    cumulative ? percentCell(1, 'cumulative') : undefined,
  );
  const columnsDrawn = [isGiven, sampled !== undefined, cumulative].join();
  const before = new Map(drawn);
  drawn.clear();
  const rowOf = (row: PanelRow, each: Shares, sum: number | undefined, isActual: boolean): HTMLElement => {
    const cut = sampled?.cutBy(row.id);
    const { token, rank, probability: raw } = row;
    const what = { columns: columnsDrawn, token, rank, raw, given: each.given, cut, isActual, hasSum: sum !== undefined };
    const known = before.get(row.id);
    const tr = known && isSameRow(known, what) ? known.row : newRow(row, each, cut, isActual);
    drawn.set(row.id, { ...what, row: tr });
    tr.setAttribute('tabindex', '-1');
    const [, , share, , ...others] = tr.cells;
    if (each.given !== undefined) others.shift();
    const lengths = [each.given ?? each.raw, ...(each.after === undefined ? [] : [each.after])];
    for (const [index, length] of lengths.entries()) setBar(share?.children[index], length, lengthOf(length));
    if (each.after !== undefined) {
      const cell = others.shift();
      if (!cut) setPercent(cell, each.after, 'after');
    }
    if (cumulative && sum !== undefined) setPercent(others.shift(), sum, 'cumulative');
    if (cumulative && sum === undefined) setText(others.shift(), 'number none', '–');
    return tr;
  };
  /** A copy of a blank row, filled: a third of the time of making each of its elements. */
  const newRow = (row: PanelRow, each: Shares, cut: SamplingRule | undefined, isActual: boolean): HTMLTableRowElement => {
    const tr = blank.cloneNode(true) as HTMLTableRowElement;
    const [rank, name, , ...numbers] = tr.cells;
    if (isActual || cut) tr.className = `${isActual ? 'actual' : ''} ${cut ? 'cut' : ''}`.trim();
    if (isActual) tr.setAttribute('aria-current', 'true');
    tr.setAttribute('data-id', String(row.id));
    tr.setAttribute('data-probability', String(row.probability));
    if (rank) rank.textContent = formatCount(row.rank);
    const { spoken, seen } = namesOf(row.token);
    name?.setAttribute('aria-label', isActual ? l10n.t('{0}, which is how your text continues', spoken) : spoken);
    name?.append(seen.cloneNode(true));
    setPercent(numbers.shift(), row.probability);
    if (each.given !== undefined) setPercent(numbers.shift(), each.given, 'of-typed');
    if (cut) setText(numbers.shift(), 'number after none', l10n.t('cut by {0}', ruleName(cut)));
    return tr;
  };

  let above: number | undefined = 0;
  const body = ordered.flatMap((row, index) => {
    const each = shares[index] ?? rest;
    const isActual = row === actual;
    // What the tokens between have is not known here.
    if (isActual && actual.afterGap && !isGiven) above = undefined;
    if (above !== undefined) above += each.given ?? each.raw;
    const tr = rowOf(row, each, above, isActual);
    if (index === 0) tr.setAttribute('tabindex', '0');
    return isActual && actual.afterGap ? [gapRow(4 + Number(isGiven) + Number(sampled !== undefined) + Number(cumulative)), tr] : [tr];
  });
  body.push(
    element(
      'tr',
      { class: 'rest', 'data-probability': String(state.everythingElse) },
      element('td', { class: 'rank' }),
      element('th', { scope: 'row', class: 'name' }, l10n.t('everything else')),
      cells(rest, true),
      percentCell(rest.raw),
      rest.given === undefined ? undefined : percentCell(rest.given, 'of-typed'),
      rest.after === undefined ? undefined : percentCell(rest.after, 'after'),
      cumulative ? percentCell(1, 'cumulative') : undefined,
    ),
  );
  const columns = [
    column('rank', l10n.t('Rank')),
    column('name', l10n.t('Token')),
    axis(scale === 'log' ? formatDecimal(leastLogarithmic * 100, 4) : '0', full),
    sampled
      ? column('number raw', l10n.t('Raw'), l10n.t('Raw'))
      : column('number', l10n.t('Probability'), ...(isGiven ? [l10n.t('before typing')] : [])),
    isGiven ? column('number', l10n.t('Probability given what is typed'), l10n.t('given what is typed')) : undefined,
    sampled ? column('number after', l10n.t('After sampling'), l10n.t('After sampling')) : undefined,
    cumulative ? cumulativeColumn(sampled !== undefined) : undefined,
  ];
  const extra = Number(isGiven) + Number(sampled !== undefined) + Number(cumulative);
  return element(
    'table',
    {
      class: [isGiven ? 'given' : '', sampled ? 'sampled' : '', extra > 1 || sampled ? 'crowded' : '', `extra${extra}`]
        .filter(Boolean)
        .join(' '),
    },
    element('caption', { class: 'only-spoken' }, captionOf(state, isGiven, sampled !== undefined)),
    element('thead', {}, element('tr', {}, ...columns)),
    element('tbody', {}, ...body),
  );
}

function isSameRow(a: Omit<DrawnRow, 'row'>, b: Omit<DrawnRow, 'row'>): boolean {
  const isSameToken = a.token === b.token && a.rank === b.rank && a.raw === b.raw && a.isActual === b.isActual;
  return isSameToken && a.columns === b.columns && a.given === b.given && a.cut === b.cut && a.hasSum === b.hasSum;
}

/** What the shown rows leave of 1: exactly nothing where they are all that may be drawn. */
function restAfter({ sampling }: SampledRow, shares: readonly Shares[]): number {
  const drawn = shares.map(({ after }) => after ?? 0).filter(after => after > 0);
  return drawn.length === sampling.kept.ids.length ? 0 : Math.max(0, 1 - drawn.reduce((sum, each) => sum + each, 0));
}

function captionOf({ model }: TablePlace, isGiven: boolean, isSampled: boolean): string {
  if (isSampled) return l10n.t('Tokens {0} expects next, most probable first, before and after sampling', model);
  return isGiven
    ? l10n.t('Tokens {0} expects next, those that continue what is typed first', model)
    : l10n.t('Tokens {0} expects next, most probable first', model);
}

function column(name: string, text: string, ...seen: (Node | string)[]): HTMLElement {
  return element('th', { scope: 'col', class: name, 'aria-label': text }, ...seen);
}

function cumulativeColumn(isSampled: boolean): HTMLElement {
  if (isSampled) return column('number', l10n.t('Cumulative, raw'), l10n.t('cumulative, raw'));
  return column('number', l10n.t('Cumulative'), l10n.t('cumulative'));
}

function axis(from: string, full: number): HTMLElement {
  const first = from === '0' ? from : `${from}%`;
  return element(
    'td',
    { class: 'axis', 'aria-hidden': 'true' },
    element('div', {}, element('span', {}, first), element('span', {}, `${full * 100}%`)),
  );
}

interface Names {
  readonly spoken: string;
  readonly seen: HTMLElement;
}

const names = new WeakMap<TokenPieces, Names>();

/** The same tokens are drawn again and again. */
function namesOf(token: TokenPieces): Names {
  const known = names.get(token) ?? { spoken: spokenToken(token), seen: tokenElement(token) };
  names.set(token, known);
  return known;
}

function bar(share: number, length: number, hatched: boolean): HTMLElement {
  const drawn = element('div', { class: hatched ? 'bar hatched' : 'bar' });
  setBar(drawn, share, length);
  return drawn;
}

/** The sizes are set as properties: the page's policy allows no style attributes. A bar is never too thin to be seen, unless it is nothing. */
function setBar(drawn: Element | undefined, share: number, length: number): void {
  if (!(drawn instanceof HTMLElement)) return;
  drawn.style.width = `${Math.max(0, Math.min(1, length)) * 100}%`;
  drawn.hidden = share === 0;
}

function percentCell(probability: number, column?: string): HTMLTableCellElement {
  const cell = element('td', { class: column === undefined ? 'number' : `number ${column}` }, '', element('span', { class: 'unit' }, '%'));
  setPercent(cell, probability, column);
  return cell;
}

/** In the columns with a name 0 and 1 are what they say: what does not continue the typed text or is cut, and all that is left. */
function setPercent(cell: HTMLTableCellElement | undefined, probability: number, column?: string): void {
  const none = column !== undefined && probability === 0;
  if (!(cell?.firstChild instanceof Text)) return;
  if (none) cell.classList.add('none');
  cell.firstChild.data = none ? '0' : column !== undefined && probability === 1 ? '100' : formatPercent(probability);
}

function setText(cell: HTMLTableCellElement | undefined, classes: string, text: string): void {
  if (!cell) return;
  cell.className = classes;
  cell.textContent = text;
}

/** The ranks left out before the actual token. A drawing: the ranks themselves say it in words. */
function gapRow(columns: number): HTMLElement {
  return element('tr', { class: 'gap', 'aria-hidden': 'true' }, element('td', { colspan: String(columns) }, '⋮'));
}
