/** The script of an exported page: opens what the model expected at a token, by click or key. No network, no model. */
import { formatBits, formatCount, formatPercent, fullBar } from '../src/core/numberText';
import type { TokenPageData, TokenPageRow } from '../src/exports/tokenPageData';
import { element } from './dom';

/** Between a word and its card, in CSS pixels. */
const distancePixels = 8;

const { rows, names } = JSON.parse(elementOf('scores').textContent) as TokenPageData;
const card = elementOf('card');
const said = elementOf('said');
const tokens = [...document.querySelectorAll<HTMLElement>('pre > span')];
/** For each piece of text, its first row. */
const firstRows = new Map<HTMLElement, number>();
/** The piece that the keyboard is at: the only one that Tab stops at. */
let current: HTMLElement | undefined;
let opened: HTMLElement | undefined;

let nextRow = 0;
for (const token of tokens) {
  firstRows.set(token, nextRow);
  nextRow += countOf(token);
}

function elementOf(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element "${id}".`);
  return found;
}

function countOf(token: HTMLElement): number {
  return Number(token.dataset['n'] ?? 1);
}

function rowsOf(token: HTMLElement): readonly TokenPageRow[] {
  const first = firstRows.get(token) ?? 0;
  return rows.slice(first, first + countOf(token));
}

function nameOf(index: number): string {
  return names[index] ?? '';
}

/** Only the current piece is a button: to a screen reader the rest goes on being text that can be read. */
function makeCurrent(token: HTMLElement): void {
  const before = current;
  current = token;
  token.tabIndex = 0;
  token.setAttribute('role', 'button');
  token.setAttribute('aria-expanded', String(token === opened));
  token.setAttribute('aria-label', spoken(token));
  if (before === token) return; // without its tabindex, if only for a moment, it would lose the focus
  for (const name of ['tabindex', 'role', 'aria-expanded', 'aria-label']) before?.removeAttribute(name);
}

/** "harbour: 11.2 bits, rank 412, expected sea" */
function spoken(token: HTMLElement): string {
  const own = rowsOf(token);
  if (own.length === 0) return 'no token in the vocabulary';
  return own
    .map(row => {
      if (row.length === 3) return `${nameOf(row[0])}: no score, ${row[2]}`;
      const [name, , bits, , rank, topNames] = row;
      return `${nameOf(name)}: ${formatBits(bits)} bits, rank ${formatCount(rank)}, expected ${nameOf(topNames[0] ?? name)}`;
    })
    .join('; ');
}

function open(token: HTMLElement): void {
  opened?.classList.remove('open');
  opened = token;
  token.classList.add('open');
  makeCurrent(token);
  card.replaceChildren(...contentOf(token));
  card.hidden = false;
  place(token);
  said.textContent = spoken(token);
}

function close(): void {
  const token = opened;
  opened = undefined;
  card.hidden = true;
  said.textContent = '';
  token?.classList.remove('open');
  token?.setAttribute('aria-expanded', 'false');
  if (token && (card.contains(document.activeElement) || document.activeElement === document.body)) token.focus();
}

function contentOf(token: HTMLElement): HTMLElement[] {
  const own = rowsOf(token);
  const shut = element('button', { class: 'shut', type: 'button', 'aria-label': 'Close' }, '×');
  shut.addEventListener('click', close);
  const heading = element('h2', { id: 'card-title' });
  heading.append(...(own.length === 0 ? ['No token'] : own.map(([name]) => tokenOf(name))));
  if (own.length === 0) return [shut, heading, element('p', {}, 'The vocabulary has no token for this.')];
  if (own.length === 1) return [shut, heading, ...own.flatMap(sectionOf)];
  const parts = own.flatMap((row, index) => [
    element('h3', {}, `${formatCount(index + 1)} of ${formatCount(own.length)}: `, tokenOf(row[0])),
    ...sectionOf(row),
  ]);
  return [shut, heading, element('p', {}, `This character is ${formatCount(own.length)} tokens.`), ...parts];
}

/** Isolated, so that characters that turn the direction of text turn nothing else. */
function tokenOf(name: number): HTMLElement {
  return element('bdi', { class: 'token' }, nameOf(name));
}

function sectionOf(row: TokenPageRow): HTMLElement[] {
  if (row.length === 3) return [element('p', {}, `No score: ${row[2]}.`)];
  const [, contextTokens, bits, entropyBits, rank] = row;
  const facts = [
    ['surprisal', `${formatBits(bits)} bits`],
    ['probability', `${formatPercent(2 ** -bits)}%`],
    ['rank', formatCount(rank)],
    ['entropy', `${formatBits(entropyBits)} bits`],
    ['read before it', contextTokens === 1 ? '1 token' : `${formatCount(contextTokens)} tokens`],
  ] as const;
  const pairs = facts.map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value)));
  return [element('dl', {}, ...pairs), tableOf(row)];
}

function tableOf([name, , bits, , rank, topNames, topProbabilities]: Extract<TokenPageRow, { readonly length: 7 }>): HTMLElement {
  const top = topNames.map((topName, index) => {
    const probability = topProbabilities[index] ?? 0;
    return { name: topName, rank: 1 + topProbabilities.indexOf(probability), probability };
  });
  const lines = topNames.includes(name) ? top : [...top, { name, rank, probability: 2 ** -bits }];
  const rest = Math.max(0, 1 - lines.reduce((sum, { probability }) => sum + probability, 0));
  const full = fullBar(Math.max(rest, ...lines.map(({ probability }) => probability)));
  const headings = ['Rank', 'Token', 'Probability'].map(title => element('th', { scope: 'col' }, title));
  const body = lines.map(line => {
    const mark = line.name === name ? element('span', { class: 'mark' }, ' in the text') : undefined;
    const label = element('th', { scope: 'row' }, tokenOf(line.name), mark);
    return lineOf(formatCount(line.rank), label, line.probability / full, line.probability, mark ? 'own' : 'other');
  });
  body.push(lineOf('', element('th', { scope: 'row' }, 'everything else'), rest / full, rest, 'rest'));
  return element(
    'table',
    {},
    element('caption', {}, 'What the model expected here'),
    element('thead', {}, element('tr', {}, ...headings)),
    element('tbody', {}, ...body),
  );
}

/** `share`: of a full bar. */
function lineOf(rank: string, label: HTMLElement, share: number, probability: number, kind: 'own' | 'rest' | 'other'): HTMLElement {
  const bar = element('span', { class: 'bar' });
  bar.style.width = `${String(Math.max(1, 100 * share))}%`; // not as an attribute: the policy allows no inline style
  const value = element('td', {}, element('span', {}, `${formatPercent(probability)}%`), element('span', { class: 'track' }, bar));
  return element('tr', { class: kind }, element('td', {}, rank), label, value);
}

/** Under the word, above it where there is no room, always inside the page's width. */
function place(token: HTMLElement): void {
  const word = (token.querySelector('i') ?? token).getClientRects()[0] ?? token.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const view = document.documentElement;
  const isAbove = word.bottom + distancePixels + height > view.clientHeight && word.top - distancePixels - height > 0;
  const top = isAbove ? word.top - distancePixels - height : word.bottom + distancePixels;
  const left = Math.max(distancePixels, Math.min(word.left, view.clientWidth - width - distancePixels));
  card.style.top = `${String(top + window.scrollY)}px`;
  card.style.left = `${String(left + window.scrollX)}px`;
  card.scrollIntoView({ block: 'nearest' });
}

function go(token: HTMLElement | undefined): void {
  if (!token) return;
  makeCurrent(token);
  token.focus();
  if (opened) open(token);
}

/** The nearest piece of text on the line above or below. */
function across(from: HTMLElement, step: 1 | -1): HTMLElement | undefined {
  const start = from.getBoundingClientRect();
  const x = (start.left + start.right) / 2;
  let nearest: HTMLElement | undefined;
  let least = Infinity;
  let line: number | undefined;
  for (let index = tokens.indexOf(from) + step; index >= 0 && index < tokens.length; index += step) {
    const token = tokens[index];
    const rect = token?.getClientRects()[0];
    if (!token || !rect || Math.abs(rect.top - start.top) < rect.height / 2) continue; // the same line
    line ??= rect.top;
    if (Math.abs(rect.top - line) > rect.height / 2) break; // one line further
    const away = Math.abs((rect.left + rect.right) / 2 - x);
    if (away >= least) continue;
    least = away;
    nearest = token;
  }
  return nearest;
}

function targetOf(key: string, from: HTMLElement): HTMLElement | undefined {
  const index = tokens.indexOf(from);
  switch (key) {
    case 'ArrowRight':
      return tokens[index + 1];
    case 'ArrowLeft':
      return tokens[index - 1];
    case 'ArrowDown':
      return across(from, 1);
    case 'ArrowUp':
      return across(from, -1);
    case 'Home':
      return tokens[0];
    case 'End':
      return tokens.at(-1);
    default:
      return undefined;
  }
}

function tokenAt(target: EventTarget | null): HTMLElement | undefined {
  const found = target instanceof Element ? target.closest<HTMLElement>('pre > span') : null;
  return found ?? undefined;
}

document.addEventListener('click', event => {
  const token = tokenAt(event.target);
  if (!token) {
    if (opened && event.target instanceof Node && !card.contains(event.target)) close();
    return;
  }
  if (document.getSelection()?.isCollapsed === false) return; // text was selected, to be copied
  if (token === opened) {
    close();
    return;
  }
  open(token);
  token.focus({ preventScroll: true });
});

document.addEventListener('keydown', event => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.key === 'Escape' && opened) {
    event.preventDefault();
    close();
    return;
  }
  const token = tokenAt(event.target);
  if (!token) return;
  if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault();
    if (token === opened) close();
    else open(token);
    return;
  }
  if (!['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp', 'Home', 'End'].includes(event.key)) return;
  event.preventDefault(); // the page would scroll
  go(targetOf(event.key, token));
});

window.addEventListener('resize', () => {
  if (opened) place(opened);
});

if (tokens[0]) makeCurrent(tokens[0]);
document.querySelector('p.hint')?.removeAttribute('hidden');
