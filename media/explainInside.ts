import type { TokenPieces } from '../src/core/vocabulary';
import { element, tokenElement } from './dom';
import { button, chooser } from './explainParts';
import { formatCount, spokenToken } from './format';

/** What the sections about a model's inside are drawn from. */

/** A list of the numbers 1 to `count`, below the name of none of them if there is one: 0 when chosen. */
export function numberChooser(
  label: string,
  key: string,
  count: number,
  chosen: number | undefined,
  none: string | undefined,
  choose: (value: number) => void,
): HTMLElement {
  const numbers = Array.from({ length: count }, (_, index) => [String(index + 1), formatCount(index + 1)] as const);
  const options = none === undefined ? numbers : [['0', none] as const, ...numbers];
  const select = chooser(key, options, String(chosen ?? 0), value => choose(Number(value)));
  return element('label', {}, element('span', {}, label), select);
}

/** A token of the document, which a press shows there. */
export function placeButton(
  { token, start, end }: { readonly token: TokenPieces; readonly start: number; readonly end: number },
  go: (start: number, end: number) => void,
): HTMLElement {
  const see = button('', `see-${String(start)}-${String(end)}`, () => go(start, end), { class: 'link', 'aria-label': spokenToken(token) });
  see.append(tokenElement(token));
  return see;
}

/** Of a table; the first `textColumns` are text, the others numbers. */
export function tableHead(names: readonly string[], textColumns: number): HTMLElement {
  const cells = names.map((name, index) => element('th', { scope: 'col', class: index < textColumns ? '' : 'number' }, name));
  return element('thead', {}, element('tr', {}, ...cells));
}
