import * as l10n from '@vscode/l10n';
import { neutralSampling, samplingRules, type RankedTokens, type SamplingRule } from '../src/core/sampling';
import { isSetting } from './choices';
import { element } from './dom';
import { formatCount, formatPercent } from './format';
import type { SampledRow } from './knownRow';

type Settings = Readonly<Record<SamplingRule, number>>;

/** As the settings are called where programs are written: not translated. */
export function ruleName(rule: SamplingRule): string {
  return { temperature: 'temperature', topK: 'top-k', topP: 'top-p', minP: 'min-p', typical: 'typical' }[rule];
}

const sliders: Readonly<Record<SamplingRule, { readonly min: number; readonly max: number; readonly step: number }>> = {
  temperature: { min: 0, max: 2, step: 0.05 },
  topK: { min: 0, max: 200, step: 1 },
  topP: { min: 0, max: 1, step: 0.01 },
  minP: { min: 0, max: 1, step: 0.01 },
  typical: { min: 0.01, max: 1, step: 0.01 },
};

interface Line {
  readonly slider: HTMLInputElement;
  readonly number: HTMLInputElement;
  readonly left: HTMLElement;
}

/** The settings of sampling, one line for each rule in the order they are applied, with what each leaves. The elements stay; `draw` fills them. */
export class Sampler {
  readonly root: HTMLDetailsElement;
  readonly #lines: ReadonlyMap<SamplingRule, Line>;
  readonly #first = element('p', { class: 'about' });
  readonly #last = element('p', { class: 'left-over' });
  #settings: Settings;

  /** `changed` is called with settings that hold; a number that cannot be is marked and changes nothing. */
  constructor(isOpen: boolean, settings: Settings, changed: (settings: Settings) => void, toggled: (isOpen: boolean) => void) {
    this.#settings = settings;
    const choose = (rule: SamplingRule, value: number) => {
      this.#settings = { ...this.#settings, [rule]: value };
      changed(this.#settings);
    };
    this.#lines = new Map(samplingRules.map(rule => [rule, lineOf(rule, settings[rule], value => choose(rule, value))]));
    const reset = element('button', { type: 'button', class: 'plain' }, l10n.t('All neutral'));
    reset.addEventListener('click', () => {
      this.#settings = neutralSampling;
      for (const [rule, line] of this.#lines) put(line, neutralSampling[rule]);
      changed(this.#settings);
    });
    const grid = element(
      'div',
      { class: 'rules' },
      ...[...this.#lines].flatMap(([rule, line]) => [labelOf(rule), line.slider, line.number, line.left]),
    );
    this.root = element(
      'details',
      { class: 'part sampler' },
      element('summary', {}, l10n.t('Sampler')),
      this.#first,
      grid,
      this.#last,
      reset,
    );
    this.root.open = isOpen;
    this.root.addEventListener('toggle', () => toggled(this.root.open));
  }

  /** `sampled`: undefined while the row is awaited, null where it cannot be had. */
  draw(sampled: SampledRow | undefined | null, ranked: RankedTokens | undefined): void {
    if (!this.root.open) return;
    const stages = new Map(sampled?.sampling.stages.map(stage => [stage.rule, stage]));
    this.#first.textContent = ranked
      ? l10n.t('The model gives {0} tokens a probability. Each rule works on what the one before it left.', formatCount(ranked.ids.length))
      : sampled === null
        ? l10n.t('The whole distribution could not be computed here.')
        : l10n.t('The whole distribution is being computed…');
    for (const [rule, { left }] of this.#lines) {
      const stage = stages.get(rule);
      const isGreedy = this.#settings.temperature === 0 && rule !== 'temperature' && this.#settings[rule] !== neutralSampling[rule];
      left.textContent = stage
        ? l10n.t(
            '{0} left, with {1}% of the raw probability',
            tokensOf(stage.tokensLeft),
            stage.tokensLeft === ranked?.ids.length ? '100' : formatPercent(stage.rawMassLeft),
          )
        : isGreedy
          ? l10n.t('no effect: temperature 0 is greedy')
          : l10n.t('neutral');
    }
    if (!sampled) return void (this.#last.textContent = '\u00a0');
    const { firstRanked, ids } = sampled.sampling.kept;
    this.#last.textContent =
      ids.length === 1
        ? l10n.t('1 token may be drawn, that of place {0}.', formatCount(firstRanked + 1))
        : l10n.t('{0} tokens may be drawn, from place {1} to {2}.', formatCount(ids.length), formatCount(firstRanked + 1), formatCount(firstRanked + ids.length)); // prettier-ignore
  }
}

function lineOf(rule: SamplingRule, value: number, changed: (value: number) => void): Line {
  const { min, max, step } = sliders[rule];
  const range = { min: String(min), max: String(max), step: String(step) };
  const name = ruleName(rule);
  const slider = element('input', { type: 'range', ...range, 'aria-label': l10n.t('{0}, slider', name) });
  const number = element('input', { type: 'number', ...range, max: undefined, step: rule === 'topK' ? '1' : 'any', id: `rule-${rule}` });
  const line = { slider, number, left: element('span', { class: 'left', id: `left-${rule}` }) };
  for (const input of [slider, number]) input.setAttribute('aria-describedby', `left-${rule}`);
  put(line, value);
  slider.addEventListener('input', () => {
    put(line, slider.valueAsNumber);
    changed(slider.valueAsNumber);
  });
  number.addEventListener('input', () => {
    const typed = number.valueAsNumber;
    const holds = isSetting(rule, typed);
    number.setAttribute('aria-invalid', String(!holds));
    if (!holds) return;
    slider.value = String(typed);
    changed(typed);
  });
  return line;
}

function put({ slider, number }: Line, value: number): void {
  slider.value = String(value);
  number.value = String(value);
  number.setAttribute('aria-invalid', 'false');
}

function labelOf(rule: SamplingRule): HTMLElement {
  const neutral = element('span', { class: 'neutral' }, l10n.t('neutral: {0}', neutralSampling[rule]));
  return element('label', { for: `rule-${rule}` }, ruleName(rule), ' ', neutral);
}

function tokensOf(count: number): string {
  return count === 1 ? l10n.t('1 token') : l10n.t('{0} tokens', formatCount(count));
}
