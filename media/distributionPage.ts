import * as l10n from '@vscode/l10n';
import type { TokenPieces, VocabularyData } from '../src/core/vocabulary';
import type { FuturesMessage } from '../src/views/futuresProtocol';
import type { DocumentShape, FromPanel, PanelContinuation, PanelDistribution, PanelFound, PanelWholeRow } from '../src/views/panelProtocol';
import type { Choices } from './choices';
import { Continuation } from './continuation';
import { distributionTable, type DrawnRows } from './distributionTable';
import { examplePart } from './examplePart';
import { element, tokenElement } from './dom';
import { entropyInWords, formatBits, formatCount, formatPercent, sentence, spokenToken } from './format';
import { Futures } from './futures';
import { KnownRow, SampledRow, TokenIndex } from './knownRow';
import { Sampler } from './sampler';
import { columnOfFocusedStrip, focusStrip, strip } from './strip';
import { TextSearch } from './textSearch';
import { TrainingExample } from './trainingExample';
import { watchedWords } from './watchedWords';

const bandCount = 5;
const expectsId = 'what-it-expects-next';

/** Rows that are added at a time, and how many stay when the cursor moves. */
const moreRows = 100;
const mostRowsKept = 200;
/** No more rows than this: what is further down is found by typing it. */
const mostRows = 2000;

/** What the page says to the extension and keeps for itself. */
export interface PageActions {
  readonly post: (message: FromPanel) => void;
  /** The choices have changed. */
  readonly save: () => void;
}

/**
 * The page of a distribution. What the reader works with (the sampler, the search box) is made once and stays where it is, with the focus; the rest is
 * drawn anew from the last state, and from the whole row of its place once that is there.
 */
export class DistributionPage {
  readonly root: HTMLElement;
  readonly #choices: Choices;
  readonly #actions: PageActions;
  readonly #sampler: Sampler;
  readonly #search: TextSearch;
  readonly #futures: Futures;
  readonly #example: TrainingExample;
  readonly #continuation: Continuation;
  readonly #above = element('div', {});
  readonly #before = element('div', {});
  readonly #aside = element('p', {});
  readonly #note = element('div', {});
  readonly #rows = element('div', { class: 'rows' });
  readonly #lookedAt = element('p', { class: 'looked-at', id: 'looked-at' });
  readonly #more = element('button', { type: 'button', class: 'plain' }, l10n.t('Show more tokens'));
  readonly #continues = element('div', {});
  readonly #below = element('div', {});
  readonly #drawnRows: DrawnRows = new Map();
  #state: PanelDistribution | undefined;
  #tokens: TokenIndex | undefined;
  /** Of this place or an older one; null where it could not be had. */
  #row: { readonly place: number; readonly known: KnownRow | null } | undefined;
  #sampled: { readonly known: KnownRow; readonly settings: Choices['sampling']; readonly row: SampledRow } | undefined;
  #wants = false;
  /** The token whose bytes are shown; NaN where none is looked at. */
  #lookedId = NaN;
  /** 0: as many as the state has. */
  #count = 0;

  constructor(choices: Choices, actions: PageActions) {
    this.#choices = choices;
    this.#actions = actions;
    const chosen = (change: Partial<Choices>) => {
      Object.assign(choices, change);
      actions.save();
      this.#drawExpected();
    };
    this.#sampler = new Sampler(
      choices.samplerOpen,
      choices.sampling,
      sampling => chosen({ sampling }),
      samplerOpen => chosen({ samplerOpen }),
    );
    this.#search = new TextSearch(choices.search, actions.post, search => chosen({ search }));
    this.#futures = new Futures(choices.futures, actions.post, actions.save);
    this.#example = new TrainingExample(choices.exampleOpen, exampleOpen => chosen({ exampleOpen }));
    this.#continuation = new Continuation(choices, {
      post: actions.post,
      save: actions.save,
      sampledFrom: row => this.#sampledFrom(row, choices.sampling),
      tokens: () => this.#tokens,
      wantsChanged: () => this.#updateWants(),
    });
    this.#more.addEventListener('click', () => this.#addRows());
    this.#rows.addEventListener('scroll', () => {
      if (this.#rows.scrollTop + this.#rows.clientHeight > this.#rows.scrollHeight - 100 && this.#count > 0) this.#addRows();
    });
    // Not `mouseover`: rows that scroll under a mouse at rest would take the place of the one that keys went to.
    for (const event of ['mousemove', 'focusin']) this.#rows.addEventListener(event, ({ target }) => this.#lookAt(target));
    this.#rows.addEventListener('mouseleave', () => this.#lookAt(document.activeElement));
    this.#rows.addEventListener('keydown', event => this.#walk(event));
    this.#rows.addEventListener('click', ({ target }) => {
      if (document.getSelection()?.isCollapsed !== false) this.#choose(target); // text that is marked is to be copied
    });

    const heading = element('div', { class: 'heading' }, element('h2', { id: expectsId }, l10n.t('What it expects next')), this.#aside);
    const tools = element(
      'div',
      { class: 'tools' },
      this.#search.root,
      element('div', { class: 'looks' }, scaleChoice(choices.scale, scale => chosen({ scale })), cumulativeChoice(choices.cumulative, cumulative => chosen({ cumulative }))), // prettier-ignore
    );
    const end = element('div', { class: 'end' }, this.#lookedAt, this.#more);
    const expected = [heading, this.#note, tools, this.#sampler.root, this.#rows, end, this.#continues, this.#example.root];
    const before = [element('div', { class: 'heading' }, element('h2', { id: 'before-the-cursor' }, l10n.t('Before the cursor')), this.#continuation.notice), this.#before]; // prettier-ignore
    this.root = element(
      'div',
      {},
      this.#above,
      element('section', { 'aria-labelledby': 'before-the-cursor' }, ...before),
      element('section', { 'aria-labelledby': expectsId }, ...expected),
      this.#continuation.root,
      this.#futures.root,
      this.#below,
    );
  }

  useVocabulary(data: VocabularyData): void {
    this.#tokens = new TokenIndex(data);
    this.#row = undefined;
    this.#futures.useVocabulary(this.#tokens.vocabulary);
  }

  useRow(message: PanelWholeRow): void {
    const { place, logProbabilities } = message;
    const known = logProbabilities && this.#tokens ? new KnownRow(message, logProbabilities, this.#tokens) : null;
    this.#row = { place, known };
    if (this.#state?.place === place) this.#drawExpected();
  }

  sampled(message: FuturesMessage): void {
    this.#futures.sampled(message);
  }

  found(answer: PanelFound): void {
    this.#search.found(answer);
  }

  useContinuation(message: PanelContinuation): void {
    this.#continuation.update(message);
  }

  draw(state: PanelDistribution): void {
    if (this.#state && this.#state.place !== state.place) this.#count = Math.min(this.#count, mostRowsKept);
    this.#state = state;
    const coloured = state.shape !== undefined || state.before.some(run => run.band !== undefined);
    this.#above.replaceChildren(
      ...(state.example === undefined ? [] : [examplePart(state.example)]),
      lead('in-colour', l10n.t('Stronger colour = more surprising to {0}. It read {1} before this place.'), state),
      lead('in-lines', l10n.t('Stronger line = more surprising to {0}. It read {1} before this place.'), state),
      ...(state.reading === undefined ? [] : [element('p', { class: 'note reading', role: 'note' }, state.reading)]),
    );
    this.#before.replaceChildren(beforeText(state));
    this.#aside.textContent = entropyInWords(state.entropyBits);
    this.#continues.replaceChildren(...[continuation(state)].filter(part => part !== undefined));
    this.#drawExpected();
    const heldColumn = columnOfFocusedStrip();
    const reveal = (share: number) => this.#actions.post({ kind: 'reveal', share });
    this.#below.replaceChildren(
      ...[
        state.shape
          ? section(
              'along-the-document',
              l10n.t('Along the document'),
              stripTitle(state.shape),
              strip(state.shape, reveal),
              legend(state.bandEdges),
              watchedWords(state),
            )
          : undefined,
        !state.shape && coloured ? legend(state.bandEdges) : undefined,
        element('footer', {}, state.provenance),
      ].filter(part => part !== undefined),
    );
    if (heldColumn !== undefined) focusStrip(this.#below, heldColumn);
  }

  /** Says what the page needs, once the extension listens. */
  sayWants(): void {
    this.#wants = false;
    this.#updateWants();
  }

  /** The table and what stands around it, from what is known of the place. */
  #drawExpected(): void {
    this.#updateWants();
    const state = this.#state;
    if (!state) return;
    const { samplerOpen, sampling, scale, cumulative } = this.#choices;
    const row = this.#row?.place === state.place ? this.#row.known : undefined;
    const sampled = row && samplerOpen ? this.#sampledFrom(row, sampling) : undefined;
    const wantsMore = this.#count > state.topCount;
    const shown = row && (sampled ?? wantsMore) ? row.shown(state, Math.max(this.#count, state.topCount), sampled !== undefined) : state;

    const focused = this.#rowWithFocus();
    this.#rows.replaceChildren(distributionTable(shown, { scale, cumulative, sampled }, this.#drawnRows));
    this.#rows.classList.toggle('many', wantsMore);
    if (focused !== undefined) this.#focusRow(focused);
    else this.#lookAt(this.#rows.querySelector(`tr[data-id="${String(this.#lookedId)}"]`));

    const note = samplerOpen ? state.typed && samplerNote(state.typed) : typedNote(state);
    this.#note.replaceChildren(...(note ? [note] : []));
    this.#sampler.draw(row && !sampled ? undefined : row && sampled, row?.whole.ranked);
    this.#search.draw(state, row);
    this.#futures.draw(state, sampling);
    this.#example.draw(state);
    this.#continuation.draw(state, this.#row?.place === state.place ? this.#row.known : undefined);
    this.#more.disabled = wantsMore && (!row || this.#count >= Math.min(mostRows, row.whole.ranked.ids.length));
  }

  #sampledFrom(known: KnownRow, settings: Choices['sampling']): SampledRow {
    if (this.#sampled?.known !== known || this.#sampled.settings !== settings)
      this.#sampled = { known, settings, row: new SampledRow(known.whole, settings) };
    return this.#sampled.row;
  }

  #addRows(): void {
    const row = this.#row?.place === this.#state?.place ? this.#row?.known : undefined;
    const most = Math.min(mostRows, row?.whole.ranked.ids.length ?? mostRowsKept);
    const count = Math.min(most, Math.max(this.#count, this.#state?.topCount ?? 0) + moreRows);
    if (count <= this.#count) return;
    this.#count = count;
    this.#drawExpected();
  }

  #updateWants(): void {
    const wants = this.#choices.samplerOpen || this.#choices.search !== '' || this.#count > 0 || this.#continuation.wantsRow;
    if (wants === this.#wants) return;
    this.#wants = wants;
    this.#actions.post({ kind: 'wants', wholeRow: wants });
  }

  /** Bytes and id of the row that is pointed at or has the focus; without one, how to see them. */
  #lookAt(target: EventTarget | null): void {
    const row = target instanceof Element ? target.closest<HTMLElement>('tr[data-id]') : null;
    const id = Number(row?.dataset['id'] ?? NaN);
    const bytes = this.#tokens?.vocabulary.bytesOf(id);
    this.#lookedId = id;
    if (!row || Number.isNaN(id)) {
      this.#lookedAt.textContent = l10n.t('Point at a row, or walk through the rows by arrow keys, for its bytes and id.');
      return;
    }
    const hex = [...(bytes ?? [])].map(byte => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
    const token = row.querySelector('.token')?.cloneNode(true) ?? '';
    const shownHex = element('code', {}, hex === '' ? l10n.t('none') : hex);
    const nodes = [token, shownHex, document.createTextNode(String(id))].filter(node => node instanceof Node);
    this.#lookedAt.replaceChildren(...sentence(l10n.t('{0}: bytes {1}, id {2}'), ...nodes));
  }

  #walk(event: KeyboardEvent): void {
    const at = this.#rowWithFocus();
    if (at === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter') return this.#choose(event.target);
    const last = this.#rowElements().length - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#focusRow(Math.min(last, Math.max(0, to)));
  }

  #choose(target: EventTarget | null): void {
    const id = Number((target instanceof Element ? target.closest<HTMLElement>('tr[data-id]') : null)?.dataset['id'] ?? NaN);
    if (!Number.isNaN(id)) this.#continuation.choose(id);
  }

  #rowElements(): readonly HTMLElement[] {
    return [...this.#rows.querySelectorAll<HTMLElement>('tr[data-id]')];
  }

  #rowWithFocus(): number | undefined {
    const row = document.activeElement?.closest('tr[data-id]');
    const index = row ? this.#rowElements().findIndex(each => each === row) : -1;
    return index < 0 ? undefined : index;
  }

  /** It is the one in the tab order from now on. */
  #focusRow(index: number): void {
    const rows = this.#rowElements();
    const row = rows[Math.min(index, rows.length - 1)];
    this.#rows.querySelector('tr[tabindex="0"]')?.setAttribute('tabindex', '-1');
    row?.setAttribute('tabindex', '0');
    row?.focus();
  }
}

function scaleChoice(scale: Choices['scale'], chosen: (scale: Choices['scale']) => void): HTMLElement {
  const select = element(
    'select',
    {},
    element('option', { value: 'linear' }, l10n.t('linear')),
    element('option', { value: 'log' }, l10n.t('logarithmic')),
  );
  select.value = scale;
  select.addEventListener('change', () => chosen(select.value === 'log' ? 'log' : 'linear'));
  return element('label', {}, `${l10n.t('Bars')} `, select);
}

function cumulativeChoice(on: boolean, chosen: (on: boolean) => void): HTMLElement {
  const box = element('input', { type: 'checkbox' });
  box.checked = on;
  box.addEventListener('change', () => chosen(box.checked));
  return element('label', {}, box, ` ${l10n.t('Cumulative')}`);
}

function samplerNote(typed: TokenPieces): HTMLElement {
  const text = l10n.t('The cursor is after “{0}”, which is not finished. The model was asked before it, and sampling is from there.');
  return element('p', { class: 'note' }, ...sentence(text, tokenElement(typed)));
}

/** There is one for each way to draw bands; the theme decides which can be seen, and may change while the page stays. */
function lead(drawn: 'in-colour' | 'in-lines', text: string, { model, contextTokens }: PanelDistribution): HTMLElement {
  return element('p', { class: `lead ${drawn}` }, ...sentence(text, strong(model), strong(tokensOf(contextTokens))));
}

/** The answer in one breath, for those who ask to have it read. */
export function spokenSummary(state: PanelDistribution): string {
  const shareOf = (row: PanelDistribution['rows'][number]) => (state.typed ? (row.givenTyped ?? 0) : row.probability);
  const all = state.actual ? state.rows.toSpliced(state.actual.position, 0, state.actual) : state.rows;
  const best = all.slice(0, 3).map(row => `${spokenToken(row.token)} ${formatPercent(shareOf(row))}%`);
  const expected = l10n.t('{0} expects {1}; {2}.', state.model, best.join(', '), entropyInWords(state.entropyBits));
  if (!state.actual) return expected;
  const { token, surprisalBits, rank } = state.actual;
  const numbers = [spokenToken(token), formatBits(surprisalBits), formatCount(rank)] as const;
  return `${expected} ${l10n.t('Your text continues with {0}: {1} bits, rank {2}.', ...numbers)}`;
}

function section(id: string, title: string, aside: string | undefined, ...content: (Node | undefined)[]): HTMLElement {
  const heading = element(
    'div',
    { class: 'heading' },
    element('h2', { id }, title),
    aside === undefined ? undefined : element('p', {}, aside),
  );
  return element('section', { 'aria-labelledby': id }, heading, ...content);
}

function beforeText(state: PanelDistribution): HTMLElement {
  const runs = state.before.map(({ text, band }) =>
    band === undefined || band === 0 ? text : element('span', { class: `run band${band}` }, text),
  );
  const after = element(
    'span',
    { class: 'scratch' },
    element('span', { class: 'only-spoken' }, ` ${l10n.t('not in the document:')} `),
    ...state.after.map(({ token }) => tokenElement(token)),
  );
  const caret = element('span', { class: 'caret', role: 'img', 'aria-label': l10n.t('cursor') });
  const start = state.beforeTruncated ? element('span', { class: 'glyph' }, '… ') : undefined;
  const empty = state.before.length === 0 ? element('span', { class: 'empty' }, l10n.t('the document begins here')) : undefined;
  return element('p', { class: 'before' }, start, ...runs, state.after.length > 0 ? after : undefined, caret, empty);
}

function typedNote({ typed, rows, actual }: PanelDistribution): HTMLElement | undefined {
  if (!typed) return undefined;
  const what = tokenElement(typed);
  const isSpace = typed.every(piece => piece.glyph && /^[·→↵␍⍽]+$/u.test(piece.text));
  const continues = [...rows, actual].some(row => (row?.givenTyped ?? 0) > 0);
  return element('p', { class: 'note' }, ...sentence(typedText(isSpace, continues), what));
}

function typedText(isSpace: boolean, continues: boolean): string {
  if (isSpace) {
    return continues
      ? l10n.t(
          'The cursor stands after white space that belongs to what comes next. The model was asked before it; rows that continue “{0}” come first.',
        )
      : l10n.t(
          'The cursor stands after white space that belongs to what comes next. The model was asked before it; no single token continues “{0}”.',
        );
  }
  return continues
    ? l10n.t('The cursor is inside a word. The model was asked at its start; rows that continue “{0}” come first.')
    : l10n.t('The cursor is inside a word. The model was asked at its start; no single token continues “{0}”.');
}

function continuation({ actual }: PanelDistribution): HTMLElement | undefined {
  if (!actual) return undefined;
  const numbers = [formatBits(actual.surprisalBits), formatCount(actual.rank)].map(number => document.createTextNode(number));
  const text = l10n.t('Your text continues with {0}: {1} bits, rank {2}.');
  return element('p', { class: 'continues' }, ...sentence(text, tokenElement(actual.token), ...numbers));
}

function stripTitle(shape: DocumentShape): string {
  return shape.stale ? l10n.t('bits per token, being updated') : l10n.t('bits per token');
}

/** The bands with the bits at which they begin. */
export function legend(edges: readonly number[]): HTMLElement {
  const items = Array.from({ length: bandCount }, (_, index) => {
    const [edge = 0, next] = edges.slice(index);
    const text = next === undefined ? l10n.t('{0} and more', edge) : l10n.t('{0} to {1}', edge, next);
    const swatch = element('span', { class: `swatch band${index + 1}`, 'aria-hidden': 'true' }, 'ab');
    return element('li', {}, swatch, ` ${text}`);
  });
  const [lowest = 0] = edges;
  const plain = element('li', {}, lowest === 1 ? l10n.t('plain below 1 bit') : l10n.t('plain below {0} bits', lowest));
  return element('ul', { class: 'legend', 'aria-label': l10n.t('Colours, in bits of surprise') }, plain, ...items);
}

function strong(text: string): HTMLElement {
  return element('strong', {}, text);
}

function tokensOf(count: number): string {
  return count === 1 ? l10n.t('1 token') : l10n.t('{0} tokens', formatCount(count));
}
