import * as l10n from '@vscode/l10n';
import { temperatureRange, tourScreens } from '../src/views/lessonProtocol';
import type { FromLesson, SamplingFigure, TourFigure, TourState } from '../src/views/lessonProtocol';
import type { TokenPieces } from '../src/core/vocabulary';
import { stillTable } from './distributionTable';
import { element, tokenElement } from './dom';
import { entropyInWords, formatBits, formatCount, formatDecimal, formatPercent, fullBar } from './format';

/** Columns of surprise are full at so many bits; higher ones are cut. */
const fullBits = 16;

/** Five screens. The way through them stays where it is, with the focus; what a screen holds is drawn when it is another one. */
export class TourPage {
  readonly root: HTMLElement;
  said = '';
  readonly #post: (message: FromLesson) => void;
  readonly #title = element('bdi', {});
  readonly #screen = element('section', { class: 'screen', 'aria-labelledby': 'screen-title' });
  readonly #progress = element('p', { class: 'place' });
  readonly #back = element('button', { type: 'button', class: 'plain' }, l10n.t('Back'));
  readonly #next = element('button', { type: 'button', class: 'plain primary' }, l10n.t('Next'));
  readonly #game = element('button', { type: 'button', class: 'plain primary' }, l10n.t('Play the guessing game'));
  readonly #panel = element('button', { type: 'button', class: 'plain' }, l10n.t('Show the panel'));
  readonly #provenance = element('footer', {});
  #at = 0;
  /** Asked for, and on its way. */
  #wanted: number | undefined;
  #shown: TourState | undefined;
  #sampling: SamplingPart | undefined;

  constructor(post: (message: FromLesson) => void) {
    this.#post = post;
    this.#back.addEventListener('click', () => this.#go(-1));
    this.#next.addEventListener('click', () => this.#go(1));
    this.#game.addEventListener('click', () => post({ kind: 'game' }));
    this.#panel.addEventListener('click', () => post({ kind: 'panel' }));
    this.root = element(
      'div',
      { class: 'tour' },
      element('header', {}, element('h1', {}, l10n.t('How a language model reads'), element('small', {}, this.#title))),
      element('nav', { 'aria-label': l10n.t('Screens of the tour') }, this.#progress, this.#back, this.#next, this.#game, this.#panel),
      this.#screen,
      this.#provenance,
    );
  }

  /** True where the screen is another one than before. */
  draw(state: TourState): boolean {
    const { figure } = state;
    const before = this.#shown;
    this.#shown = state;
    if (figure.screen === 'sampling' && before?.figure.screen === 'sampling' && before.title === state.title) {
      this.#sampling?.draw(figure);
      this.said = drawnInWords(figure);
      return false;
    }
    this.#at = tourScreens.indexOf(figure.screen);
    if (this.#at === this.#wanted || !this.root.isConnected) this.#wanted = undefined;
    const isLast = this.#at === tourScreens.length - 1;
    const { title, text } = wordsOf(figure, state.model);
    this.#title.textContent = state.title;
    this.#progress.textContent = l10n.t('{0} of {1}', this.#at + 1, tourScreens.length);
    this.#back.disabled = this.#at === 0;
    this.#next.hidden = isLast;
    this.#game.hidden = !isLast;
    this.#panel.hidden = !isLast;
    this.#sampling = figure.screen === 'sampling' ? new SamplingPart(figure, this.#post) : undefined;
    const drawing = figure.screen === 'sampling' ? this.#sampling?.root : figureOf(figure, state.model);
    this.#screen.replaceChildren(element('h2', { id: 'screen-title' }, title), element('p', { class: 'says' }, text), drawing ?? '');
    this.#provenance.textContent = state.provenance;
    this.said = `${this.#progress.textContent}. ${title}. ${text}`;
    return true;
  }

  /** After another screen is in the document. */
  shown(): void {
    const isLast = this.#at === tourScreens.length - 1;
    const focused = document.activeElement;
    if (focused === this.#back && !this.#back.disabled) return;
    (isLast ? this.#game : this.#next).focus({ preventScroll: true });
  }

  /** Arrow keys go through the screens, but in a slider they are its own. */
  pressed(event: KeyboardEvent): void {
    if (event.target instanceof HTMLInputElement || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.#go(step);
  }

  /** A second press goes on from the screen that the first one has asked for. */
  #go(step: number): void {
    const screen = (this.#wanted ?? this.#at) + step;
    if (screen < 0 || screen >= tourScreens.length) return;
    this.#wanted = screen;
    this.#post({ kind: 'screen', screen });
  }
}

interface Words {
  readonly title: string;
  readonly text: string;
}

function wordsOf(figure: TourFigure, model: string): Words {
  switch (figure.screen) {
    case 'tokens':
      return {
        title: l10n.t('Tokens'),
        text: l10n.t(
          'A model reads neither letters nor words. The text is cut into tokens from a fixed list, mostly with the space before them, and the model is given their numbers in that list.',
        ),
      };
    case 'distribution':
      return {
        title: l10n.t('The distribution'),
        text: l10n.t(
          'At each place {0} gives every token of its list a probability to come next. All of them together make 100%: that is everything the model says.',
          model,
        ),
      };
    case 'surprise':
      return {
        title: l10n.t('Surprise'),
        text: l10n.t(
          'The less probability a token had, the more it surprises: 1 bit for each halving. 50% is 1 bit, 25% is 2, one in a thousand about 10. It is not an error: it is what this model did not foresee.',
        ),
      };
    case 'sampling':
      return {
        title: l10n.t('Sampling'),
        text: l10n.t(
          'To write, one token is drawn by these probabilities, and then everything starts again. The temperature sharpens them (below 1) or levels them (above 1); at 0 the first one always comes.',
        ),
      };
    case 'context':
      return {
        title: l10n.t('Context'),
        text: l10n.t(
          'The model knows no more of this text than what stands before the place. The same token with little and with much to go by:',
        ),
      };
  }
}

function figureOf(figure: Exclude<TourFigure, SamplingFigure>, model: string): HTMLElement {
  switch (figure.screen) {
    case 'tokens':
      return element(
        'ol',
        { class: 'tokens', 'aria-label': l10n.t('Tokens and their numbers') },
        ...figure.tokens.map(({ token, id }) => element('li', {}, tokenElement(token), element('span', { class: 'id' }, String(id)))),
      );
    case 'distribution':
      return element(
        'div',
        {},
        before(figure.before),
        stillTable(figure.distribution),
        element('p', { class: 'quiet' }, entropyInWords(figure.entropyBits)),
      );
    case 'surprise':
      return element(
        'div',
        {},
        element(
          'ol',
          { class: 'tokens surprise', 'aria-label': l10n.t('Bits of each token') },
          ...figure.tokens.map(
            ({ token, bits, band }) =>
            element('li', {}, column(bits, band), tokenElement(token), element('span', { class: 'id' }, bits === undefined ? '–' : formatBits(bits))), // prettier-ignore
          ),
        ),
        element('p', { class: 'quiet' }, l10n.t('{0} bits in all: the sum is how much the whole piece surprised {1}.', formatBits(figure.totalBits), model)), // prettier-ignore
      );
    case 'context':
      return element('div', { class: 'contexts' }, ...contextParts(figure));
  }
}

function column(bits: number | undefined, band: number): HTMLElement {
  const bar = element('span', { class: band === 0 ? 'column' : `column band${band}` });
  bar.style.height = `${(Math.min(bits ?? 0, fullBits) / fullBits) * 100}%`;
  return element('span', { class: 'well', 'aria-hidden': 'true' }, bar);
}

function before(text: string): HTMLElement {
  return element('p', { class: 'tail', dir: 'auto' }, text, element('span', { class: 'blank', 'aria-hidden': 'true' }));
}

/** Bars of all columns are of one scale, since they are compared. */
function contextParts({ columns, token }: Extract<TourFigure, { screen: 'context' }>): readonly HTMLElement[] {
  const full = fullBar(Math.max(...columns.flatMap(({ rows }) => rows.map(row => row.probability))));
  return columns.map(each => contextPart(each, token, full));
}

function contextPart(
  { contextTokens, before: read, probability, bits, rows }: Extract<TourFigure, { screen: 'context' }>['columns'][number],
  token: TokenPieces,
  full: number,
): HTMLElement {
  const count = contextTokens === 1 ? l10n.t('1 token before it') : l10n.t('{0} tokens before it', formatCount(contextTokens));
  const sum = element('p', { class: 'sum' }, tokenElement(token), ' ', element('strong', {}, `${formatPercent(probability)}%`), ' ', l10n.t('{0} bits', formatBits(bits))); // prettier-ignore
  return element(
    'section',
    { class: 'context' },
    element('h3', {}, count),
    element('p', { class: 'tail', dir: 'auto' }, read, element('span', { class: 'blank', 'aria-hidden': 'true' })),
    sum,
    sharesTable(l10n.t('What it expects there'), rows.map(row => ({ token: row.token, shares: [row.probability] })), [l10n.t('Probability')], full), // prettier-ignore
  );
}

interface SharedRow {
  readonly token: TokenPieces;
  /** One for each column; the last one is drawn. */
  readonly shares: readonly number[];
}

/** `full`: the share of a bar of full length. */
function sharesTable(
  name: string,
  rows: readonly SharedRow[],
  columns: readonly string[],
  full = fullBar(Math.max(...rows.flatMap(({ shares }) => shares))),
): HTMLElement {
  const percent = (share: number) => (share === 0 ? '0%' : share === 1 ? '100%' : `${formatPercent(share)}%`);
  const body = rows.map(({ token, shares }) => {
    const bar = element('div', { class: 'bar' });
    bar.style.width = `${((shares.at(-1) ?? 0) / full) * 100}%`;
    bar.hidden = shares.at(-1) === 0;
    return element(
      'tr',
      {},
      element('th', { scope: 'row', class: 'name' }, tokenElement(token)),
      element('td', { class: 'share', 'aria-hidden': 'true' }, bar),
      ...shares.map(share => element('td', { class: 'number' }, percent(share))),
    );
  });
  return element(
    'table',
    { 'aria-label': name },
    element(
      'thead',
      { class: columns.length > 1 ? '' : 'only-spoken' },
      element(
        'tr',
        {},
        element('th', { scope: 'col', class: 'name' }, l10n.t('Token')),
        element('td', { class: 'axis' }),
        ...columns.map(each => element('th', { scope: 'col', class: 'number' }, each)),
      ),
    ),
    element('tbody', {}, ...body),
  );
}

/** Temperature and seed; the numbers are the extension's. */
class SamplingPart {
  readonly root: HTMLElement;
  readonly #table = element('div', {});
  readonly #drawn = element('ol', { class: 'drawn', 'aria-label': l10n.t('Tokens drawn') });
  readonly #number = element('span', { class: 'temperature', 'aria-hidden': 'true' });
  readonly #seed = element('p', { class: 'quiet' });
  #figure: SamplingFigure;

  constructor(figure: SamplingFigure, post: (message: FromLesson) => void) {
    this.#figure = figure;
    const { min, max, step } = temperatureRange;
    const slider = element('input', {
      type: 'range',
      id: 'temperature',
      min: String(min),
      max: String(max),
      step: String(step),
      value: String(figure.temperature),
    });
    slider.addEventListener('input', () => {
      this.#showTemperature(slider.valueAsNumber);
      post({ kind: 'draw', temperature: slider.valueAsNumber, seed: this.#figure.seed });
    });
    const again = element('button', { type: 'button', class: 'plain' }, l10n.t('Draw again'));
    again.addEventListener('click', () => post({ kind: 'draw', temperature: slider.valueAsNumber, seed: this.#figure.seed + 1 }));
    this.root = element(
      'div',
      {},
      before(figure.before),
      element('div', { class: 'controls' }, element('label', { for: 'temperature' }, l10n.t('Temperature')), slider, this.#number, again),
      this.#table,
      this.#drawn,
      this.#seed,
    );
    this.draw(figure);
  }

  draw(figure: SamplingFigure): void {
    this.#figure = figure;
    this.#showTemperature(figure.temperature);
    this.#table.replaceChildren(
      sharesTable(
        l10n.t('Before and after the temperature'),
        figure.rows.map(({ token, raw, after }) => ({ token, shares: [raw, after] })),
        [l10n.t('Raw'), l10n.t('After sampling')],
      ),
    );
    this.#drawn.replaceChildren(...figure.drawn.map(token => element('li', {}, tokenElement(token))));
    this.#seed.textContent = l10n.t('Drawn with seed {0}: the same seed draws the same tokens again.', figure.seed);
  }

  #showTemperature(temperature: number): void {
    this.#number.textContent = formatDecimal(temperature, 1);
  }
}

function drawnInWords({ temperature, drawn }: SamplingFigure): string {
  return l10n.t(
    'Temperature {0}. Drawn: {1}',
    formatDecimal(temperature, 1),
    drawn.map(token => token.map(({ text, glyph }) => (glyph ? ' ' : text)).join('').trim()).join(', '), // prettier-ignore
  );
}
