import * as l10n from '@vscode/l10n';
import type { Vocabulary } from '../src/core/vocabulary';
import type { FuturesMessage, FuturesWanted, SampledFutures } from '../src/views/futuresProtocol';
import type { FromPanel, PanelDistribution } from '../src/views/panelProtocol';
import { element, tokenElement } from './dom';
import { isWholeIn, ranges, type FutureChoices } from './futureChoices';
import { numberBox, SampleButton } from './futureForm';
import { FutureRewards } from './futureRewards';
import { FutureSamples, origin, samplingInWords } from './futureSamples';
import { FutureTree } from './futureTree';
import { sentence } from './format';
import { ForcedFutures, FutureWord } from './futureWords';

/**
 * The section of the futures: continuations that are sampled at the cursor, as a tree, counted, forced and rewarded. What was sampled stays when the
 * cursor moves, with the name of its place. The elements stay; `draw` and `sampled` fill them.
 */
export class Futures {
  readonly root: HTMLDetailsElement;
  readonly #choices: FutureChoices;
  readonly #post: (message: FromPanel) => void;
  readonly #sampling = element('p', { class: 'about' });
  readonly #button: SampleButton;
  readonly #gone = element('p', { class: 'note', role: 'status' });
  readonly #origin = element('p', { class: 'origin' });
  readonly #caption: HTMLElement;
  readonly #tree = new FutureTree();
  readonly #word: FutureWord;
  readonly #forced: ForcedFutures;
  readonly #rewards: FutureRewards;
  #state: PanelDistribution | undefined;
  #settings: FuturesWanted['sampling'] | undefined;
  #vocabulary: Vocabulary | undefined;
  #message: FuturesMessage | undefined;
  #free: FutureSamples | undefined;
  #compared: FutureSamples | undefined;
  /** Asked for while the cursor was on its way to another place. */
  #waiting: FuturesWanted['forced'] | undefined;

  /** `changed` is called when something of the choices is another. */
  constructor(choices: FutureChoices, post: (message: FromPanel) => void, changed: () => void) {
    this.#choices = choices;
    this.#post = post;
    const choose = (change: Partial<FutureChoices>) => {
      Object.assign(choices, change);
      changed();
      this.#fill();
    };
    const box = (name: 'count' | 'mostTokens' | 'seed', label: string) =>
      numberBox({
        id: `future-${name}`,
        label,
        value: choices[name],
        ...ranges[name],
        holds: value => isWholeIn(value, ranges[name]),
        changed: value => choose({ [name]: value }),
      }).root;
    const stop = () => post({ kind: 'stopFutures' });
    this.#button = new SampleButton(l10n.t('Sample futures'), () => this.#ask([]), stop);
    this.#word = new FutureWord(choices, choose);
    this.#forced = new ForcedFutures(choices, choose, forced => this.#ask(forced), stop);
    this.#rewards = new FutureRewards(choices, choose);
    this.#caption = element('p', { class: 'tree-caption' }, l10n.t('futures the model would sample, not what it plans'));
    this.root = element(
      'details',
      { class: 'part futures' },
      element('summary', {}, l10n.t('Futures')),
      this.#sampling,
      element(
        'div',
        { class: 'form' },
        box('count', l10n.t('How many')),
        box('mostTokens', l10n.t('How long, in tokens')),
        box('seed', l10n.t('Seed')),
      ),
      this.#button.root,
      this.#gone,
      this.#origin,
      this.#caption,
      this.#tree.root,
      this.#word.root,
      this.#forced.root,
      this.#rewards.root,
    );
    this.root.open = choices.open;
    this.root.addEventListener('toggle', () => choose({ open: this.root.open }));
  }

  useVocabulary(vocabulary: Vocabulary): void {
    if (this.#vocabulary !== vocabulary) this.#free = this.#compared = undefined;
    this.#vocabulary = vocabulary;
    this.#read();
  }

  /** `sampling`: the settings of the sampler, which are those of the futures too. */
  draw(state: PanelDistribution, sampling: FuturesWanted['sampling']): void {
    const isSame = this.#state?.place === state.place && this.#state.updating === state.updating && this.#settings === sampling;
    this.#state = state;
    this.#settings = sampling;
    if (!isSame) this.#fillForms();
    const waiting = this.#waiting;
    if (waiting && !state.updating) this.#ask(waiting);
  }

  sampled(message: FuturesMessage): void {
    this.#message = message;
    this.#read();
  }

  #ask(forced: FuturesWanted['forced']): void {
    const { count, mostTokens, seed } = this.#choices;
    if (!this.#state || !this.#settings) return;
    this.#waiting = this.#state.updating ? forced : undefined;
    if (this.#waiting) return;
    this.#post({ kind: 'futures', place: this.#state.place, count, mostTokens, seed, sampling: this.#settings, forced });
  }

  /** What the message holds, read once. */
  #read(): void {
    const vocabulary = this.#vocabulary;
    if (!vocabulary || !this.#message) return;
    const read = (known: FutureSamples | undefined, facts: SampledFutures | undefined) =>
      facts && (known?.facts === facts ? known : new FutureSamples(facts, vocabulary));
    this.#free = read(this.#free, this.#message.free);
    this.#compared = read(this.#compared, this.#message.forced);
    this.#fill();
  }

  #fill(): void {
    if (!this.root.open) return;
    const samples = this.#free;
    this.#gone.textContent = goneInWords(this.#message);
    this.#origin.replaceChildren(...(samples ? origin(samples) : []));
    this.#caption.hidden = !samples || samples.sampled === 0;
    this.#tree.draw(samples, samples?.groups[0]);
    this.#word.draw(samples, this.#choices);
    this.#rewards.draw(samples);
    this.#fillForms();
  }

  #fillForms(): void {
    if (!this.root.open) return;
    const rules = this.#settings ? samplingInWords(this.#settings) : '';
    const how = l10n.t(
      'Drawn with the settings of the sampler above ({0}). Probabilities of first tokens are exact, those after them a draft.',
      rules,
    );
    const typed = this.#state?.typed;
    const from = l10n.t('The cursor is after “{0}”, which is not finished: futures begin before it.');
    this.#sampling.replaceChildren(how, ...(typed ? [' ', ...sentence(from, tokenElement(typed))] : []));
    this.#button.draw(this.#free, this.#state !== undefined);
    this.#forced.draw(this.#state, this.#compared, this.#choices);
  }
}

function goneInWords(message: FuturesMessage | undefined): string {
  switch (message?.gone) {
    case undefined:
      return '';
    case 'edited':
      return l10n.t('The text before the place was edited: what was sampled there is gone.');
    case 'closed':
      return l10n.t('The document was closed: what was sampled there is gone.');
    case 'settings':
      return l10n.t('The model or a setting has changed: what was sampled before is gone.');
  }
}
