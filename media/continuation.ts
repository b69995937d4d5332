import * as l10n from '@vscode/l10n';
import { neutralSampling, samplingRules } from '../src/core/sampling';
import { emptyScratch, idsTo, movedTo, pathTo, stepped, steppedBack, totalsTo, withoutBranch, type Scratch } from '../src/core/scratch';
import { draw, SeededRandom, type Drawn } from '../src/core/seededRandom';
import type { TokenPieces } from '../src/core/vocabulary';
import { mostScratchTokens, type FromPanel, type PanelContinuation, type PanelDistribution } from '../src/views/panelProtocol';
import { isSeed, type Choices } from './choices';
import { element, tokenElement } from './dom';
import { drawingOf, type DrawnToken } from './drawnBar';
import { formatBits, formatCount, formatDecimal, sentence, spokenToken } from './format';
import type { KnownRow, SampledRow, TokenIndex } from './knownRow';
import { ruleName } from './sampler';
import { ScratchTree } from './scratchTree';

/** So many tokens are drawn, one after the other, by the button that says so. */
const runLength = 10;

type Act = { readonly kind: 'draw' } | { readonly kind: 'drawAndAccept' } | { readonly kind: 'accept'; readonly id: number };

/** What waits for the whole row, first come first served. */
interface Waiting {
  readonly acts: readonly Act[];
  /** The place that they are meant for; undefined: the one that was on its way. */
  readonly root: number | undefined;
}

type ButtonName = 'draw' | 'accept' | 'next' | 'run' | 'back' | 'remove' | 'insert' | 'copy' | 'discard';

/** What is known of the place that is shown. */
interface Shown {
  readonly state: PanelDistribution;
  /** Undefined while it is awaited, null where it cannot be had. */
  readonly row: KnownRow | undefined | null;
}

/** What the page does for a continuation. */
export interface ContinuationActions {
  readonly post: (message: FromPanel) => void;
  readonly save: () => void;
  /** After the rules of the sampler. */
  readonly sampledFrom: (row: KnownRow) => SampledRow;
  readonly tokens: () => TokenIndex | undefined;
  /** It needs the whole row of the place now, or no longer does. */
  readonly wantsChanged: () => void;
}

/**
 * Tokens are drawn or chosen one after the other and go on from the text, in the panel only. The elements stay; `draw` fills them. Token number k of
 * a continuation takes number k of the seed, whatever was chosen before it.
 */
export class Continuation {
  readonly root: HTMLElement;
  /** Stands where the text before the cursor is: that the panel stays with another place than the cursor's. */
  readonly notice: HTMLElement;
  readonly #choices: Choices;
  readonly #actions: ContinuationActions;
  readonly #totals = element('p', {});
  readonly #bar = element('div', { class: 'draw' });
  readonly #rules = element('p', { class: 'drawing-rules' });
  readonly #state = element('p', { class: 'scratch-state' });
  readonly #spoken = element('p', { role: 'status', class: 'only-spoken' });
  readonly #ofTree = element('div', { class: 'acts of-tree' });
  readonly #noticeText = element('span', {});
  readonly #tree: ScratchTree;
  readonly #buttons: Readonly<Record<ButtonName, HTMLElement>>;
  #scratch: Scratch = emptyScratch;
  #where: PanelContinuation['where'] = 'cursor';
  #names = new Map<number, TokenPieces>();
  #shown: Shown | undefined;
  #waiting: Waiting | undefined;
  /** What was drawn at the place that is shown, not accepted yet. */
  #drawn: { readonly place: number; readonly drawn: Drawn } | undefined;
  #last: DrawnToken | undefined;
  /** Tokens that a run has still to draw; 0: none is under way. */
  #running = 0;
  /** The continuation is to end; the extension has not said yet that it has. */
  #isLeaving = false;

  constructor(choices: Choices, actions: ContinuationActions) {
    this.#choices = choices;
    this.#actions = actions;
    this.#tree = new ScratchTree({
      nameOf: id => this.#nameOf(id),
      goTo: node => this.#move(movedTo(this.#scratch, node)),
      remove: node => this.#remove(node),
    });
    const button = (text: string, act: () => void) => {
      const made = element('button', { type: 'button', class: 'plain act' }, text);
      made.addEventListener('click', () => made.getAttribute('aria-disabled') !== 'true' && act());
      return made;
    };
    this.#buttons = {
      draw: button(l10n.t('Draw'), () => this.#ask({ kind: 'draw' })),
      accept: button(l10n.t('Accept'), () => this.#drawn && this.#accept(this.#drawn.drawn.id)),
      next: button(l10n.t('Draw and accept'), () => this.#ask({ kind: 'drawAndAccept' })),
      run: button(l10n.t('Run ten'), () => this.#toggleRun()),
      back: button(l10n.t('Step back'), () => this.#move(steppedBack(this.#scratch))),
      remove: button(l10n.t('Remove from here on'), () => this.#remove(this.#scratch.at)),
      insert: button(l10n.t('Insert into the editor'), () => this.#leave('insert')),
      copy: button(l10n.t('Copy'), () => actions.post({ kind: 'continued', act: 'copy' })),
      discard: button(l10n.t('Discard'), () => this.#leave('discard')),
    };
    const back = element('button', { type: 'button', class: 'plain' }, l10n.t('Back to the cursor'));
    back.addEventListener('click', () => this.#leave('discard'));
    this.notice = element('p', { class: 'elsewhere' }, this.#noticeText, ' ', back);
    this.notice.hidden = true;

    const { draw: drawOne, accept, next, run, back: stepBack, ...ofTree } = this.#buttons;
    this.#ofTree.append(...Object.values(ofTree));
    const heading = element('div', { class: 'heading' }, element('h2', { id: 'continue' }, l10n.t('Continue')), this.#totals);
    this.root = element(
      'section',
      { class: 'continuation', 'aria-labelledby': 'continue' },
      heading,
      element('div', { class: 'acts' }, this.#seedBox(), drawOne, accept, next, run, stepBack),
      this.#rules,
      this.#bar,
      this.#state,
      this.#ofTree,
      this.#tree.root,
      this.#spoken,
    );
    this.#fill();
  }

  /** The whole row of the place is needed. */
  get wantsRow(): boolean {
    return this.#waiting !== undefined || this.#drawn !== undefined || this.#running > 0 || this.#scratch.nodes.length > 0;
  }

  /** What the extension says of it is how it is. */
  update({ scratch, tokens, where }: PanelContinuation): void {
    this.#names = new Map(tokens.map(({ id, token }) => [id, token]));
    this.#where = where;
    this.#scratch = scratch;
    // What was asked for since it was to end is meant for the place that comes then.
    if (!this.#isHeld || (scratch.nodes.length === 0 && !this.#isLeaving)) this.#stop();
    this.#isLeaving = false;
    if (scratch.nodes.length === 0) this.#forgetDrawn();
    this.#actions.wantsChanged();
    this.#goOn();
    this.#fill();
  }

  draw(state: PanelDistribution, row: KnownRow | undefined | null): void {
    this.#shown = { state, row };
    if (this.#drawn && this.#drawn.place !== state.place) this.#forgetDrawn();
    if (this.#drawn) this.#drawHere(false); // by other rules the number may fall on another token
    this.#goOn();
    this.#fill();
  }

  /** A token of the table was chosen. */
  choose(id: number): void {
    this.#stop();
    // A second click may still be meant for the table that the first one has done away with.
    if (this.#isHere) this.#ask({ kind: 'accept', id });
    else this.#fill();
  }

  get #isHeld(): boolean {
    return this.#where === 'cursor' || this.#where === 'elsewhere';
  }

  /** The place that is shown is where the continuation stands, and not an older one. */
  get #isHere(): boolean {
    const { state } = this.#shown ?? {};
    return (
      state !== undefined && !state.updating && !this.#isLeaving && state.after.map(({ id }) => id).join() === idsTo(this.#scratch).join()
    );
  }

  /** The control token that ended the text, or undefined. */
  get #endedBy(): TokenPieces | undefined {
    const id = this.#scratch.at === null ? undefined : this.#scratch.nodes[this.#scratch.at]?.id;
    return id !== undefined && this.#actions.tokens()?.vocabulary.controlNameOf(id) !== undefined ? this.#nameOf(id) : undefined;
  }

  get #canGoOn(): boolean {
    return this.#isHeld && this.#shown !== undefined && !this.#endedBy && this.#scratch.nodes.length < mostScratchTokens;
  }

  #nameOf(id: number): TokenPieces {
    return this.#names.get(id) ?? this.#actions.tokens()?.piecesOf(id) ?? [];
  }

  #ask(act: Act): void {
    if (!this.#canGoOn || !this.#shown) return this.#fill();
    const { root, updating } = this.#shown.state;
    const acts = [...(this.#waiting?.acts ?? []), act].slice(0, runLength);
    this.#waiting = { acts, root: updating || this.#isLeaving ? undefined : root };
    this.#actions.wantsChanged();
    this.#goOn();
    this.#fill();
  }

  #toggleRun(): void {
    const begins = this.#running === 0 && this.#canGoOn;
    this.#stop();
    if (!begins) return this.#fill();
    this.#running = runLength;
    this.#ask({ kind: 'drawAndAccept' });
  }

  #stop(): void {
    this.#running = 0;
    this.#waiting = undefined;
  }

  /** Does what waited for the row, if that is there. */
  #goOn(): void {
    const { state, row } = this.#shown ?? {};
    const waiting = this.#waiting;
    if (!waiting || !state) return;
    // The panel stays with a continuation that has begun, whatever number its place has.
    if (this.#scratch.nodes.length === 0 && waiting.root !== undefined && state.root !== waiting.root) return this.#stop();
    if (!this.#isHere) return;
    const [act, ...others] = waiting.acts;
    this.#waiting = { ...waiting, root: state.root };
    if (row === undefined) return;
    if (row === null || !this.#canGoOn || !act) return this.#stop();
    this.#waiting = others.length > 0 ? { acts: others, root: state.root } : undefined;
    if (act.kind === 'accept') return this.#accept(act.id);
    this.#drawHere(act.kind === 'draw');
    if (act.kind === 'drawAndAccept' && this.#drawn) this.#accept(this.#drawn.drawn.id);
    this.#goOn();
  }

  /** `isSpoken`: somebody waits for what is drawn. */
  #drawHere(isSpoken: boolean): void {
    const { state, row } = this.#shown ?? {};
    if (!state || !row) return;
    const { kept } = this.#actions.sampledFrom(row).sampling;
    const number = pathTo(this.#scratch).length + 1;
    const random = new SeededRandom(this.#choices.seed);
    for (let before = 1; before < number; before++) random.uniform();
    const drawn = draw(kept, random);
    this.#drawn = { place: state.place, drawn };
    this.#last = { drawn, kept, number, seed: this.#choices.seed, nameOf: id => this.#nameOf(id), isAccepted: false };
    this.#actions.wantsChanged();
    if (isSpoken) this.#spoken.textContent = drawnInWords(this.#last);
  }

  #accept(id: number): void {
    const { state, row } = this.#shown ?? {};
    if (!state || !row || !this.#canGoOn) return;
    const sampled = this.#actions.sampledFrom(row);
    const after = sampled.afterOf([id]).get(id) ?? 0;
    const isDrawn = this.#drawn?.drawn.id === id;
    const token = { id, rawBits: bitsOf(row.whole.logProbabilities[id] ?? NaN), sampledBits: after > 0 ? -Math.log2(after) + 0 : null };
    this.#last = this.#last && isDrawn ? { ...this.#last, isAccepted: true } : undefined;
    this.#drawn = undefined;
    this.#names.set(id, this.#nameOf(id));
    if (this.#running > 0) this.#running--;
    this.#change(stepped(this.#scratch, token), state.root);
    const isEnd = this.#actions.tokens()?.vocabulary.controlNameOf(id) !== undefined;
    if (isEnd) this.#running = 0;
    if (this.#running > 0) this.#waiting = { acts: [{ kind: 'drawAndAccept' }], root: state.root };
    else this.#spoken.textContent = acceptedInWords(this.#nameOf(id), this.#scratch);
    this.#fill();
  }

  #leave(act: 'insert' | 'discard'): void {
    this.#stop();
    this.#isLeaving = true;
    this.#actions.post({ kind: 'continued', act });
    this.#fill();
  }

  #remove(node: number | null): void {
    if (node !== null) this.#move(withoutBranch(this.#scratch, node));
  }

  /** A step by hand: what was drawn is of neither place. */
  #move(scratch: Scratch): void {
    if (!this.#isHeld) return;
    this.#stop();
    this.#forgetDrawn();
    this.#change(scratch);
  }

  /** At once here, and in all pages when the extension has heard of it. */
  #change(scratch: Scratch, root = this.#shown?.state.root): void {
    if (!this.#isHeld || root === undefined) return;
    this.#scratch = scratch;
    this.#actions.post({ kind: 'continue', root, scratch });
    this.#actions.wantsChanged();
    this.#fill();
  }

  #forgetDrawn(): void {
    this.#drawn = undefined;
    this.#last = undefined;
  }

  #seedBox(): HTMLElement {
    const input = element('input', { type: 'number', min: '0', step: '1', class: 'seed' });
    input.value = String(this.#choices.seed);
    input.addEventListener('input', () => {
      const seed = input.valueAsNumber;
      input.setAttribute('aria-invalid', String(!isSeed(seed)));
      if (!isSeed(seed)) return;
      this.#choices.seed = seed;
      this.#actions.save();
      if (this.#drawn) this.#drawHere(false);
      this.#fill();
    });
    return element('label', {}, `${l10n.t('Seed')} `, input);
  }

  #fill(): void {
    const { nodes, at } = this.#scratch;
    const isEmpty = nodes.length === 0;
    const enable = (name: ButtonName, isEnabled: boolean) => this.#buttons[name].setAttribute('aria-disabled', String(!isEnabled));
    for (const name of ['draw', 'next'] as const) enable(name, this.#canGoOn && this.#running === 0);
    enable('accept', this.#canGoOn && this.#drawn !== undefined && this.#isHere);
    enable('run', this.#canGoOn || this.#running > 0);
    enable('back', this.#isHeld && at !== null);
    enable('remove', this.#isHeld && at !== null);
    enable('insert', this.#isHeld && at !== null);
    enable('copy', at !== null);
    enable('discard', !isEmpty);
    this.#buttons.run.textContent = this.#running > 0 ? l10n.t('Stop') : l10n.t('Run ten');
    this.#totals.textContent = at === null ? '' : totalsInWords(this.#scratch);
    this.#rules.textContent = rulesInWords(this.#choices.sampling);
    this.#bar.replaceChildren(...drawingOf(this.#last));
    this.#state.replaceChildren(...this.#stateInWords());
    this.#tree.draw(this.#scratch, this.#isHeld);
    // What cannot be used yet keeps its room, and gives the focus back.
    if (isEmpty && this.#ofTree.contains(document.activeElement)) this.#buttons.next.focus();
    this.root.classList.toggle('empty', isEmpty);
    this.root.classList.toggle('outdated', !this.#isHeld);
    this.notice.hidden = this.#where !== 'elsewhere';
    this.#noticeText.textContent = this.#where === 'elsewhere' ? l10n.t('The cursor is elsewhere.') : '';
  }

  #stateInWords(): readonly (Node | string)[] {
    if (this.#where === 'edited') {
      return [l10n.t('The text before this continuation has changed: its numbers hold no longer. Copy it, or discard it to start again at the cursor.')]; // prettier-ignore
    }
    if (this.#where === 'replaced') {
      return [l10n.t('The model or its settings have changed: these numbers hold no longer. Copy it, or discard it to start again at the cursor.')]; // prettier-ignore
    }
    if (this.#shown?.row === null && this.#isHere) return [l10n.t('The whole distribution could not be computed here.')];
    if (this.#endedBy) return sentence(l10n.t('{0} ends the text. Step back to go on in another way.'), tokenElement(this.#endedBy));
    if (this.#scratch.nodes.length > 0) return [l10n.t('Under each token are its bits, raw → after sampling; totals are from the first token on. Keys in the tree: arrows walk, Enter goes there, Delete removes.')]; // prettier-ignore
    return [l10n.t('Draw a token, or choose one in the table by a click or Enter. The text goes on with it in this panel only.')];
  }
}

function bitsOf(logProbability: number): number {
  return -logProbability / Math.LN2 + 0; // no -0
}

function rulesInWords(sampling: Choices['sampling']): string {
  const inForce = samplingRules.filter(rule => sampling[rule] !== neutralSampling[rule]);
  const rules = sampling.temperature === 0 ? inForce.filter(rule => rule === 'temperature') : inForce;
  if (rules.length === 0) return l10n.t('Drawn from the whole distribution: no rule of the sampler is in force.');
  return l10n.t(
    'Drawn by the rules of the sampler: {0}.',
    rules.map(rule => `${ruleName(rule)} ${formatSetting(sampling[rule])}`).join(', '),
  );
}

function formatSetting(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : formatDecimal(value, String(value).split('.')[1]?.length ?? 2);
}

function totalsInWords(scratch: Scratch): string {
  const { tokens, rawBits, sampledBits } = totalsTo(scratch);
  const count = tokens === 1 ? l10n.t('1 token') : l10n.t('{0} tokens', formatCount(tokens));
  if (sampledBits === null) return l10n.t('{0}: {1} bits raw; the rules had cut one of them', count, formatBits(rawBits));
  return l10n.t('{0}: {1} bits raw, {2} after sampling', count, formatBits(rawBits), formatBits(sampledBits));
}

function acceptedInWords(token: TokenPieces, scratch: Scratch): string {
  return `${l10n.t('Accepted: {0}.', spokenToken(token))} ${totalsInWords(scratch)}`;
}

/** As in the line under the bar. */
function drawnInWords({ drawn, number, seed, nameOf }: DrawnToken): string {
  return l10n.t(
    'Number {0} of seed {1} is {2}: it falls on {3}, from {4} to {5}.',
    formatCount(number),
    String(seed),
    formatDecimal(drawn.uniform, 4),
    spokenToken(nameOf(drawn.id)),
    formatDecimal(drawn.start, 4),
    formatDecimal(drawn.end, 4),
  );
}
