import * as l10n from '@vscode/l10n';
import { piecesOfBytes } from '../src/core/vocabulary';
import { longestText, type FindTexts, type PanelDistribution, type PanelFound } from '../src/views/panelProtocol';
import { element, tokenElement } from './dom';
import { formatCount, formatPercent, sentence } from './format';
import type { KnownRow } from './knownRow';

/** The box rests this long before the model is asked. */
const debounceMs = 200;

/** How probable any text is as what comes next: one token at once from the row, several as the product of what the model says. */
export class TextSearch {
  readonly root: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #list = element('ul', { class: 'found', id: 'found' });
  readonly #ask: (question: FindTexts) => void;
  #timer: number | undefined;
  /** The question that was asked last, or answered. */
  #asked: { readonly key: string; readonly answer: PanelFound | undefined } | undefined;
  #place: number | undefined;
  #row: KnownRow | undefined | null;

  /** `changed` is called when another text is typed. */
  constructor(text: string, ask: (question: FindTexts) => void, changed: (text: string) => void) {
    this.#ask = ask;
    this.#input = element('input', {
      type: 'search',
      spellcheck: 'false',
      autocomplete: 'off',
      maxlength: String(longestText - 1), // a space may come before it
      placeholder: l10n.t('any text'),
      'aria-describedby': 'found',
    });
    this.#input.value = text;
    this.#input.addEventListener('input', () => {
      changed(this.#input.value);
      this.#fill();
    });
    this.root = element('div', { class: 'search' }, element('label', {}, `${l10n.t('Probability of')} `, this.#input), this.#list);
  }

  /** `row`: undefined while it is awaited, null where it cannot be had. */
  draw({ place }: PanelDistribution, row: KnownRow | undefined | null): void {
    this.#place = place;
    this.#row = row;
    this.#fill();
  }

  found(answer: PanelFound): void {
    if (keyOf(answer) !== this.#asked?.key) return; // of another text or place
    this.#asked = { key: this.#asked.key, answer };
    this.#fill();
  }

  #fill(): void {
    const text = this.#input.value;
    const texts = text === '' ? [] : /^\s/.test(text) ? [text] : [` ${text}`, text];
    const place = this.#place;
    const several = this.#row === undefined ? [] : texts.filter(each => !this.#row?.tokenOf(each));
    const key = keyOf({ place: place ?? 0, texts: several });
    if (this.#asked?.key !== key) {
      clearTimeout(this.#timer);
      this.#asked = { key, answer: undefined };
      if (several.length > 0 && place !== undefined)
        this.#timer = window.setTimeout(() => this.#ask({ kind: 'find', place, texts: several }), debounceMs);
    }
    this.#list.replaceChildren(...texts.map(each => this.#item(each, several.indexOf(each))));
  }

  /** `index`: among the texts that the model is asked for, if it is one of them. */
  #item(text: string, index: number): HTMLElement {
    const token = tokenElement(piecesOfBytes(new TextEncoder().encode(text)));
    const one = index < 0 ? this.#row?.tokenOf(text) : undefined;
    if (one) {
      const numbers = [percent(one.probability), document.createTextNode(formatCount(one.rank))];
      return element('li', {}, ...sentence(l10n.t('{0} {1}, one token, rank {2}'), token, ...numbers));
    }
    const answer = index < 0 ? undefined : this.#asked?.answer;
    if (!answer) return element('li', {}, ...sentence(l10n.t('{0} is being computed…'), token));
    const log = answer.logProbabilities?.[index];
    if (log === undefined || Number.isNaN(log)) return element('li', {}, ...sentence(l10n.t('{0}: not known here'), token));
    if (log === -Infinity) return element('li', {}, ...sentence(l10n.t('{0} cannot come here: 0%'), token));
    return element('li', {}, ...sentence(l10n.t('{0} {1}, the product of its tokens’ probabilities'), token, percent(Math.exp(log))));
  }
}

function percent(probability: number): HTMLElement {
  return element('strong', {}, `${formatPercent(probability)}%`);
}

function keyOf({ place, texts }: Pick<FindTexts, 'place' | 'texts'>): string {
  return JSON.stringify([place, texts]);
}
