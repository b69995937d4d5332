import * as l10n from '@vscode/l10n';
import type { CaseRule } from '../src/core/futures';
import type { SampledFutures } from '../src/views/futuresProtocol';
import { element } from './dom';
import type { FutureSamples } from './futureSamples';
import { formatCount } from './format';

interface NumberBox {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  readonly least?: number;
  readonly most?: number;
  readonly holds: (value: number) => boolean;
  readonly changed: (value: number) => void;
}

/** A labelled number; one that cannot be is marked, and changes nothing. */
export function numberBox({ id, label, value, least, most, holds, changed }: NumberBox): { root: HTMLElement; input: HTMLInputElement } {
  const input = element('input', { type: 'number', id, min: least?.toString(), max: most?.toString(), step: 'any' });
  input.value = String(value);
  input.addEventListener('input', () => {
    const isNumber = holds(input.valueAsNumber);
    input.setAttribute('aria-invalid', String(!isNumber));
    if (isNumber) changed(input.valueAsNumber);
  });
  return { root: element('label', { for: id }, `${label} `, input), input };
}

/** A labelled text. */
export function textBox(
  id: string,
  label: string,
  value: string,
  changed: (value: string) => void,
): { root: HTMLElement; input: HTMLInputElement } {
  const input = element('input', { type: 'text', id, spellcheck: 'false', autocomplete: 'off', maxlength: '200' });
  input.value = value;
  input.addEventListener('input', () => changed(input.value));
  return { root: element('label', { for: id }, `${label} `, input), input };
}

export function caseBox(rule: CaseRule, changed: (rule: CaseRule) => void): HTMLElement {
  const box = element('input', { type: 'checkbox' });
  box.checked = rule === 'exact';
  box.addEventListener('change', () => changed(box.checked ? 'exact' : 'ignored'));
  return element('label', {}, box, ` ${l10n.t('Match case')}`);
}

/** The button that samples, what has come of it, and the one that stops it. */
export class SampleButton {
  readonly root: HTMLElement;
  readonly #sample: HTMLButtonElement;
  readonly #stop = element('button', { type: 'button', class: 'plain' }, l10n.t('Stop'));
  readonly #bar = element('progress', {});
  readonly #status = element('span', { class: 'status', role: 'status' });

  constructor(name: string, sample: () => void, stop: () => void) {
    this.#sample = element('button', { type: 'button', class: 'plain' }, name);
    this.#sample.addEventListener('click', sample);
    this.#stop.addEventListener('click', stop);
    this.#bar.setAttribute('aria-label', name);
    this.root = element('div', { class: 'sample' }, this.#sample, this.#bar, this.#status, this.#stop);
    this.draw(undefined, true);
  }

  draw(samples: FutureSamples | undefined, canSample: boolean): void {
    const isRunning = samples?.facts.state === 'running';
    if (!isRunning && document.activeElement === this.#stop) this.#sample.focus();
    this.#sample.setAttribute('aria-disabled', String(!canSample));
    this.#stop.disabled = !isRunning;
    this.#bar.classList.toggle('idle', !samples);
    this.#bar.max = samples?.facts.wanted.count ?? 1;
    this.#bar.value = samples?.sampled ?? 0;
    this.say(samples ? inWords(samples.facts, samples.sampled) : '');
  }

  /** Only what is new: a sentence that is written again is read again. */
  say(text: string): void {
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }
}

function inWords({ state, problem, wanted }: SampledFutures, sampled: number): string {
  const numbers = [formatCount(sampled), formatCount(wanted.count)] as const;
  switch (state) {
    case 'running':
      return l10n.t('{0} of {1} sampled', ...numbers);
    case 'done':
      return l10n.t('{0} sampled', formatCount(sampled));
    case 'stopped':
      return l10n.t('Stopped at {0} of {1}.', ...numbers);
    case 'moved':
      return l10n.t('Stopped at {0} of {1}: the cursor has moved.', ...numbers);
    case 'edited':
      return l10n.t('Stopped at {0} of {1}: the text was edited.', ...numbers);
    case 'failed':
      return problem ?? '';
  }
}
