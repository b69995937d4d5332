import * as l10n from '@vscode/l10n';
import type { Verdict } from '../src/core/guessing';
import { longestGuess } from '../src/views/lessonProtocol';
import type { FromLesson, GuessingEnd, GuessingState, LessonDifference, PlayerResult, RevealedToken } from '../src/views/lessonProtocol';
import { stillTable } from './distributionTable';
import { element, tokenElement } from './dom';
import { formatBits, formatCount, sentence, spokenToken } from './format';

type Post = (message: FromLesson) => void;

/** The game while it is played. Its elements stay, so that the focus never leaves the box; the place where a token is revealed is kept free for it. */
export class GuessingPage {
  readonly root: HTMLElement;
  /** What has just happened, for those who listen. */
  said = '';
  readonly #title = element('bdi', {});
  readonly #place = element('p', { class: 'place' });
  readonly #scores = element('p', { class: 'scores' });
  readonly #known = element('span', {});
  readonly #token = element('mark', {});
  readonly #text: HTMLElement;
  readonly #box = element('input', {
    type: 'text',
    id: 'guess',
    maxlength: String(longestGuess),
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
  });
  readonly #label = element('label', { for: 'guess' });
  readonly #feedback = element('p', { class: 'feedback' });
  readonly #tried = element('ul', { class: 'tried' });
  readonly #below = element('div', { class: 'below' });
  readonly #notes = element('p', { class: 'notes' });
  readonly #provenance = element('footer', {});
  #state: GuessingState | undefined;
  /** The guess on its way. */
  #sent = '';

  constructor(post: Post) {
    const blank = element('span', { class: 'blank', 'aria-hidden': 'true' });
    this.#text = element(
      'section',
      { class: 'passage', tabindex: '0', 'aria-label': l10n.t('The text so far') },
      element('p', { dir: 'auto' }, this.#known, this.#token, blank),
    );
    const end = element('button', { type: 'button', class: 'plain' }, l10n.t('End the game (Esc)'));
    end.addEventListener('click', () => post({ kind: 'end' }));
    const form = element('form', {}, this.#label, this.#box, this.#tried);
    form.addEventListener('submit', event => {
      event.preventDefault();
      const state = this.#state;
      this.#sent = this.#box.value;
      if (state) post({ kind: 'enter', step: state.step, text: state.revealed ? '' : this.#box.value });
    });
    this.root = element(
      'div',
      { class: 'game' },
      element('header', {}, element('h1', {}, l10n.t('Guessing game'), element('small', {}, this.#title)), end),
      element('div', { class: 'numbers' }, this.#place, this.#scores),
      this.#text,
      form,
      this.#feedback,
      this.#below,
      this.#notes,
      this.#provenance,
    );
  }

  draw(state: GuessingState): void {
    const { revealed, tries } = state;
    const isOtherStep = this.#state?.step !== state.step || this.#state.title !== state.title;
    this.#state = state;
    this.#title.textContent = state.title;
    this.#place.textContent = l10n.t('Token {0} of {1}', formatCount(state.place), formatCount(state.places));
    this.#scores.textContent = l10n.t(
      'You {0} bits · {1}, guessing as you do, {2} bits',
      formatBits(state.learnerBits),
      state.model,
      formatBits(state.modelBits),
    );
    this.#known.textContent = state.before;
    this.#token.textContent = revealed?.text ?? '';
    this.#token.hidden = !revealed;
    if (isOtherStep) {
      const { value } = this.#box;
      // What was typed while the guess was on its way is of the next one.
      this.#box.value = revealed || !value.startsWith(this.#sent) ? '' : value.slice(this.#sent.length);
      this.#sent = '';
    }
    this.#box.readOnly = revealed !== undefined;
    this.#label.textContent = revealed ? l10n.t('Enter goes on') : l10n.t('What comes next?');
    this.#tried.replaceChildren(...tries.map(({ text, verdict }) => element('li', { class: verdict }, element('bdi', {}, text))));
    this.#feedback.replaceChildren(...(revealed ? revealedInWords(state, revealed) : triedInWords(state)));
    this.#below.replaceChildren(...(revealed ? [stillTable(revealed.distribution)] : rules(state)));
    this.#notes.replaceChildren(...notesOf(state));
    this.#provenance.textContent = state.provenance;
    const spoken = revealed ? l10n.t('The text goes on with {0}.', spokenToken(revealed.token)) : '';
    const place = !revealed && tries.length === 0 ? `${this.#place.textContent}.` : '';
    this.said = [spoken, this.#feedback.textContent, place].filter(Boolean).join(' ');
  }

  /** After the page is in the document. */
  shown(): void {
    this.#text.scrollTop = this.#text.scrollHeight;
    // Where not all fits, the keys are the box's: the page follows what there is to see.
    if (this.#state?.revealed) this.#below.scrollIntoView({ block: 'nearest', behavior: 'instant' });
    else window.scrollTo({ top: 0, behavior: 'instant' });
    // Whoever has gone to the text or to a button by Tab stays there.
    if (!this.root.contains(document.activeElement)) this.focus();
  }

  focus(): void {
    this.#box.focus({ preventScroll: true });
  }
}

function triedInWords({ tries, triesAllowed }: GuessingState): readonly (Node | string)[] {
  const last = tries.at(-1);
  if (!last) return ['\u00a0'];
  const left = triesAllowed - tries.length;
  const guess = element('bdi', {}, last.text);
  return [
    ...sentence(verdictInWords(last.verdict), guess),
    ' ',
    left === 1 ? l10n.t('One try is left.') : l10n.t('{0} tries are left.', formatCount(left)),
  ];
}

function verdictInWords(verdict: Verdict): string {
  switch (verdict) {
    case 'right':
      return l10n.t('“{0}” is right.');
    case 'begins':
      return l10n.t('It begins with “{0}”, but the token is longer.');
    case 'case':
      return l10n.t('“{0}” is right but for upper and lower case.');
    case 'wrong':
      return l10n.t('It does not go on with “{0}”.');
  }
}

function revealedInWords({ model }: GuessingState, revealed: RevealedToken): readonly (Node | string)[] {
  const { learnerTry, modelTry, surprisalBits } = revealed;
  return [
    element('strong', {}, learnerTry === undefined ? l10n.t('Not guessed.') : l10n.t('Right at try {0}.', learnerTry)),
    ' ',
    modelTry === undefined
      ? l10n.t('None of the guesses of {0} was right.', model)
      : l10n.t('{0} was right at guess {1}.', model, modelTry),
    ' ',
    l10n.t('Its surprise at this token: {0} bits.', formatBits(surprisalBits)),
  ];
}

function rules({ triesAllowed }: GuessingState): readonly HTMLElement[] {
  return [
    element(
      'ul',
      { class: 'rules-of-game' },
      element('li', {}, triesAllowed === 1 ? l10n.t('One try for each token.') : l10n.t('{0} tries for each token.', triesAllowed)),
      element('li', {}, l10n.t('Enter guesses; Enter in the empty box shows the token.')),
      element('li', {}, l10n.t('A guess is right when the text goes on with it and it covers the whole token; it may go on further.')),
      element('li', {}, l10n.t('Upper and lower case count. White space round a guess does not.')),
      element('li', {}, l10n.t('What nobody can type, such as a line break, is shown and does not count.')),
    ),
  ];
}

function notesOf({ changed, stopsAfter }: Pick<GuessingState, 'changed' | 'stopsAfter'>): readonly string[] {
  return [
    ...(changed ? [l10n.t('The document has changed; the game is about the text as it was.'), ' '] : []),
    ...(stopsAfter === undefined ? [] : [l10n.t('The game is about the first {0} tokens of the passage.', formatCount(stopsAfter))]),
  ];
}

/** The sentence that sums the game up. */
export function endInWords(end: GuessingEnd): string {
  const { played, learner, modelGuessing, model } = end;
  if (played === 0) return l10n.t('No token was played.');
  const [you, it] = [formatBits(learner.bits / played), formatBits(modelGuessing.bits / played)];
  if (you === it) return l10n.t('By the same rule you and {0} both needed {1} bits per token: the text was as foreseeable to you as to it.', model, you); // prettier-ignore
  return learner.bits < modelGuessing.bits
    ? l10n.t('By the same rule you needed {0} bits per token and {1} needed {2}: you foresaw this text better than it did.', you, model, it)
    : l10n.t(
        'By the same rule you needed {0} bits per token and {1} needed {2}: it foresaw this text better than you did.',
        you,
        model,
        it,
      );
}

/** The first element takes the focus. */
export function endPage(end: GuessingEnd, post: Post): readonly HTMLElement[] {
  const { played, places, learner, modelGuessing, modelBits, model, triesAllowed } = end;
  const button = (kind: 'again' | 'another' | 'tour', text: string) => {
    const made = element('button', { type: 'button', class: 'plain' }, text);
    made.addEventListener('click', () => post({ kind }));
    return made;
  };
  const heading = element('h1', { tabindex: '-1' }, l10n.t('How it went'), element('small', {}, element('bdi', {}, end.title)));
  const columns = [
    l10n.t('Bits'),
    l10n.t('Bits per token'),
    ...Array.from({ length: triesAllowed }, (_, index) => l10n.t('Right at try {0}', index + 1)),
    l10n.t('Not guessed'),
  ];
  const row = (name: string, bits: number, result: PlayerResult | undefined) => {
    const counts = result ? [...result.tries, result.none].map(formatCount) : columns.slice(2).map(() => '–');
    const values = [formatBits(bits), played === 0 ? '–' : formatBits(bits / played), ...counts];
    // Where there is no room for columns, each value stands after its name.
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      ...values.map((value, index) => element('td', { 'data-name': columns[index] }, value)),
    );
  };
  const table = element(
    'table',
    { class: 'results', 'aria-label': l10n.t('Both scores') },
    element('thead', {}, element('tr', {}, element('td', {}), ...columns.map(name => element('th', { scope: 'col' }, name)))),
    element(
      'tbody',
      {},
      row(l10n.t('You'), learner.bits, learner),
      row(l10n.t('{0}, guessing as you do', model), modelGuessing.bits, modelGuessing),
      row(l10n.t('{0}, by its whole distribution', model), modelBits, undefined),
    ),
  );
  return [
    heading,
    element('p', { class: 'verdict' }, endInWords(end)),
    element(
      'p',
      { class: 'quiet' },
      l10n.t('This is no exam: fewer bits only mean that this text held fewer surprises.'),
      ' ',
      l10n.t('{0} of {1} tokens were played.', formatCount(played), formatCount(places)),
      ' ',
      ...notesOf(end),
    ),
    table,
    element('div', { class: 'buttons' }, button('again', l10n.t('Play again')), button('another', l10n.t('Another passage')), button('tour', l10n.t('Take the tour'))), // prettier-ignore
    element('details', {}, element('summary', {}, l10n.t('How the bits are counted')), element('p', {}, countedInWords(end))),
    differencesPart(end.differences, model),
    element('section', { 'aria-labelledby': 'played' }, element('h2', { id: 'played' }, l10n.t('The text')), element('p', { class: 'played', dir: 'auto' }, end.text)), // prettier-ignore
    element('footer', {}, end.provenance),
  ].filter(part => part !== undefined);
}

function countedInWords({ triesAllowed, vocabularySize }: GuessingEnd): string {
  return l10n.t(
    'Shannon (1951) wrote a text as the numbers of the guesses that were right. Each of these {0} outcomes, none being one, costs bits by how often it came before: 1 bit where it came half of the time. Where none was right, the token is found among all others, which costs about {1} bits more. From its whole distribution the model is charged for each token what it gave to that very token.',
    formatCount(triesAllowed + 1),
    formatCount(Math.round(Math.log2(vocabularySize))),
  );
}

function differencesPart(differences: readonly LessonDifference[], model: string): HTMLElement | undefined {
  if (differences.length === 0) return undefined;
  const items = differences.map(({ before, token, learnerTry, modelTry }) =>
    element(
      'li',
      {},
      element('span', { class: 'where' }, element('bdi', {}, before), tokenElement(token)),
      element('span', { class: 'who' }, l10n.t('you: {0}, {1}: {2}', tryInWords(learnerTry), model, tryInWords(modelTry))),
    ),
  );
  return element(
    'section',
    { 'aria-labelledby': 'differences' },
    element('h2', { id: 'differences' }, l10n.t('Where you and the model differed most')),
    element('ol', { class: 'differences' }, ...items),
  );
}

function tryInWords(rightTry: number | undefined): string {
  return rightTry === undefined ? l10n.t('not guessed') : l10n.t('try {0}', rightTry);
}
