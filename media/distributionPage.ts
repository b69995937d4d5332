import * as l10n from '@vscode/l10n';
import type { DocumentShape, PanelDistribution } from '../src/views/panelProtocol';
import { distributionTable } from './distributionTable';
import { element, tokenElement } from './dom';
import { entropyInWords, formatBits, formatCount, formatPercent, sentence, spokenToken } from './format';
import { strip } from './strip';
import { watchedWords } from './watchedWords';

const bandCount = 5;

/** `reveal` is called with the share of the document's tokens, 0 to 1, at which a place was chosen. */
export function distributionPage(state: PanelDistribution, reveal: (share: number) => void): readonly HTMLElement[] {
  const coloured = state.shape !== undefined || state.before.some(run => run.band !== undefined);
  return [
    lead('in-colour', l10n.t('Stronger colour = more surprising to {0}. It read {1} before this place.'), state),
    lead('in-lines', l10n.t('Stronger line = more surprising to {0}. It read {1} before this place.'), state),
    state.reading === undefined ? undefined : element('p', { class: 'note reading', role: 'note' }, state.reading),
    section('before-the-cursor', l10n.t('Before the cursor'), undefined, beforeText(state)),
    section(
      'what-it-expects-next',
      l10n.t('What it expects next'),
      entropyInWords(state.entropyBits),
      typedNote(state),
      distributionTable(state),
      continuation(state),
    ),
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
  ].filter(part => part !== undefined);
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
  const caret = element('span', { class: 'caret', role: 'img', 'aria-label': l10n.t('cursor') });
  const start = state.beforeTruncated ? element('span', { class: 'glyph' }, '… ') : undefined;
  const empty = state.before.length === 0 ? element('span', { class: 'empty' }, l10n.t('the document begins here')) : undefined;
  return element('p', { class: 'before' }, start, ...runs, caret, empty);
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
function legend(edges: readonly number[]): HTMLElement {
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
