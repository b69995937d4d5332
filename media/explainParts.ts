import * as l10n from '@vscode/l10n';
import type { ExplainTarget, ListedToken } from '../src/views/explainProtocol';
import type { RunShown } from '../src/views/explainRun';
import { formatSignedBits } from '../src/core/numberText';
import type { Cost } from '../src/core/speed';
import { element, tokenElement } from './dom';
import { formatBits, formatCount, formatPercent, spokenToken } from './format';

/** What several sections of the page about a prediction are drawn from. */

/** A button that has the focus again when all is drawn anew. */
export function button(
  label: string,
  key: string,
  press: () => void,
  attributes: Readonly<Record<string, string>> = {},
): HTMLButtonElement {
  const made = element('button', { type: 'button', 'data-key': key, ...attributes }, label);
  made.addEventListener('click', press);
  return made;
}

/** A list of names to choose from; it has the focus again when all is drawn anew. */
export function chooser(
  key: string,
  options: readonly (readonly [value: string, name: string])[],
  chosen: string,
  choose: (value: string) => void,
  attributes: Readonly<Record<string, string>> = {},
): HTMLSelectElement {
  const made = options.map(([value, name]) => element('option', { value, selected: value === chosen ? '' : undefined }, name));
  const select = element('select', { 'data-key': key, ...attributes }, ...made);
  select.addEventListener('change', () => choose(select.value));
  return select;
}

/** "about 2,400 tokens to read, 6 seconds" */
export function costInWords({ tokens, seconds }: Cost): string {
  if (tokens === 1) return l10n.t('1 token to read');
  if (seconds === undefined) return l10n.t('about {0} tokens to read', formatCount(tokens));
  if (seconds < 1.5) return l10n.t('about {0} tokens to read, a second', formatCount(tokens));
  return seconds < 100
    ? l10n.t('about {0} tokens to read, {1} seconds', formatCount(tokens), formatCount(Math.ceil(seconds)))
    : l10n.t('about {0} tokens to read, {1} minutes', formatCount(tokens), formatCount(Math.ceil(seconds / 60)));
}

/** The same where there is little room: "2,400 tokens, 6 s". */
export function briefCost({ tokens, seconds }: Cost): string {
  return seconds === undefined
    ? l10n.t('{0} tokens', formatCount(tokens))
    : l10n.t('{0} tokens, {1} s', formatCount(tokens), formatCount(Math.ceil(seconds)));
}

/** What can be computed and what it costs, or how far it has come and a way to end it; nothing where all is there. */
export function runPart(
  { offer, progress, problem }: RunShown,
  label: string,
  ask: (name: 'run' | 'cancel') => void,
): readonly HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (progress) {
    const bar = element('progress', {
      max: String(Math.max(1, progress.all)),
      value: String(progress.done),
      'aria-label': l10n.t('Progress'),
    });
    const words = l10n.t('{0} of {1}', formatCount(progress.done), formatCount(progress.all));
    parts.push(
      element(
        'p',
        { class: 'run' },
        bar,
        element('span', { role: 'status' }, words),
        button(l10n.t('Cancel'), 'cancel', () => ask('cancel')),
      ),
    );
  } else if (offer) {
    parts.push(
      element(
        'p',
        { class: 'run' },
        button(label, 'run', () => ask('run'), { class: 'main' }),
        element('span', {}, costInWords(offer)),
      ),
    );
  }
  if (problem !== undefined) parts.push(element('p', { class: 'problem', role: 'alert' }, problem));
  return parts;
}

/** What was asked for, in a sentence: whose bits the numbers are. */
export function explainedInWords({ choices, chosen }: ExplainTarget): string {
  const [a, b] = [choices[chosen.a], chosen.b === undefined ? undefined : choices[chosen.b]];
  const nameOf = (choice: typeof a) => (choice ? spokenToken(choice.token) : '');
  return b ? l10n.t('{0} against {1}', nameOf(a), nameOf(b)) : nameOf(a);
}

/** A difference of bits with its sign; below the noise in grey, and with a word that says so. */
export function effectElement(bits: number, isNoise: boolean): HTMLElement {
  const sign = bits > 0 ? 'helps' : 'hinders';
  if (!isNoise) return element('span', { class: `effect ${sign}` }, formatSignedBits(bits));
  return numberElement(formatSignedBits(bits), true);
}

/** A number; one that noise alone can make in grey, and with a word that says so. */
export function numberElement(written: string, isNoise: boolean, word = l10n.t('noise')): HTMLElement {
  return isNoise ? element('span', { class: 'effect noise' }, written, ' ', element('small', {}, word)) : element('span', {}, written);
}

/** How far a whole prediction is from another, which is never less than nothing but for rounding. */
export function klElement(klBits: number, { floor }: ExplainTarget): HTMLElement {
  return numberElement(formatBits(Math.max(0, klBits)), klBits > 0 && klBits <= floor.bits);
}

/** Predictions as a table of their most probable tokens. */
export function listTable(caption: string, rows: readonly ListedToken[], bits: number): HTMLElement {
  const body = rows.map(({ token, probability }, index) =>
    element(
      'tr',
      {},
      element('td', { class: 'number' }, formatCount(index + 1)),
      element('th', { scope: 'row' }, tokenElement(token)),
      element('td', { class: 'number' }, `${formatPercent(probability)}%`),
    ),
  );
  const head = element(
    'tr',
    { class: 'only-spoken' },
    element('th', { scope: 'col' }, l10n.t('Rank')),
    element('th', { scope: 'col' }, l10n.t('Token')),
    element('th', { scope: 'col' }, l10n.t('Probability')),
  );
  const said = Number.isFinite(bits) ? `${caption} · ${l10n.t('{0} bits', bits < 0 ? formatSignedBits(bits) : formatBits(bits))}` : caption;
  return element('table', { class: 'list' }, element('caption', {}, said), element('thead', {}, head), element('tbody', {}, ...body));
}
