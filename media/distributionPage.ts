import type { DocumentShape, PanelDistribution } from '../src/views/panelProtocol';
import { distributionTable } from './distributionTable';
import { element, tokenElement } from './dom';
import { entropyInWords, formatBits, formatCount, formatPercent, spokenToken } from './format';
import { strip } from './strip';
import { watchedWords } from './watchedWords';

const bandCount = 5;

/** `reveal` is called with the share of the document's tokens, 0 to 1, at which a place was chosen. */
export function distributionPage(state: PanelDistribution, reveal: (share: number) => void): readonly HTMLElement[] {
  const coloured = state.shape !== undefined || state.before.some(run => run.band !== undefined);
  return [
    element(
      'p',
      { class: 'lead' },
      'Stronger colour = more surprising to ',
      strong(state.model),
      '. It read ',
      strong(tokensOf(state.contextTokens)),
      ' before this place.',
    ),
    state.reading === undefined ? undefined : element('p', { class: 'note reading', role: 'note' }, state.reading),
    section('Before the cursor', undefined, beforeText(state)),
    section('What it expects next', entropyInWords(state.entropyBits), typedNote(state), distributionTable(state), continuation(state)),
    state.shape
      ? section('Along the document', stripTitle(state.shape), strip(state.shape, reveal), legend(state.bandEdges), watchedWords(state))
      : undefined,
    !state.shape && coloured ? legend(state.bandEdges) : undefined,
    element('footer', {}, state.provenance),
  ].filter(part => part !== undefined);
}

/** The answer in one breath, for those who ask to have it read. */
export function spokenSummary(state: PanelDistribution): string {
  const shareOf = (row: PanelDistribution['rows'][number]) => (state.typed ? (row.givenTyped ?? 0) : row.probability);
  const all = state.actual ? state.rows.toSpliced(state.actual.position, 0, state.actual) : state.rows;
  const best = all.slice(0, 3).map(row => `${spokenToken(row.token)} ${formatPercent(shareOf(row))}%`);
  const next = state.actual
    ? ` Your text continues with ${spokenToken(state.actual.token)}: ${formatBits(state.actual.surprisalBits)} bits, rank ${formatCount(state.actual.rank)}.`
    : '';
  return `${state.model} expects ${best.join(', ')}; ${entropyInWords(state.entropyBits)}.${next}`;
}

function section(title: string, aside: string | undefined, ...content: (Node | undefined)[]): HTMLElement {
  const id = title.toLowerCase().replaceAll(' ', '-');
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
  const caret = element('span', { class: 'caret', role: 'img', 'aria-label': 'cursor' });
  const start = state.beforeTruncated ? element('span', { class: 'glyph' }, '… ') : undefined;
  const empty = state.before.length === 0 ? element('span', { class: 'empty' }, 'the document begins here') : undefined;
  return element('p', { class: 'before' }, start, ...runs, caret, empty);
}

function typedNote({ typed, rows, actual }: PanelDistribution): HTMLElement | undefined {
  if (!typed) return undefined;
  const what = tokenElement(typed);
  const isSpace = typed.every(piece => piece.glyph && /^[·→↵␍⍽]+$/u.test(piece.text));
  const place = isSpace ? 'The cursor stands after white space that belongs to what comes next. ' : 'The cursor is inside a word. ';
  const asked = `The model was asked ${isSpace ? 'before it' : 'at its start'}; `;
  const continues = [...rows, actual].some(row => (row?.givenTyped ?? 0) > 0);
  return continues
    ? element('p', { class: 'note' }, place, asked, 'rows that continue “', what, '” come first.')
    : element('p', { class: 'note' }, place, asked, 'no single token continues “', what, '”.');
}

function continuation({ actual }: PanelDistribution): HTMLElement | undefined {
  if (!actual) return undefined;
  const numbers = `: ${formatBits(actual.surprisalBits)} bits, rank ${formatCount(actual.rank)}.`;
  return element('p', { class: 'continues' }, 'Your text continues with ', tokenElement(actual.token), numbers);
}

function stripTitle(shape: DocumentShape): string {
  return shape.stale ? 'bits per token, being updated' : 'bits per token';
}

/** The bands with the bits at which they begin. */
function legend(edges: readonly number[]): HTMLElement {
  const items = Array.from({ length: bandCount }, (_, index) => {
    const next = edges[index + 1];
    const text = next === undefined ? `${edges[index]} and more` : `${edges[index]} to ${next}`;
    const swatch = element('span', { class: `swatch band${index + 1}`, 'aria-hidden': 'true' }, 'ab');
    return element('li', {}, swatch, ` ${text}`);
  });
  const plain = element('li', {}, `plain below ${edges[0]} bits`);
  return element('ul', { class: 'legend', 'aria-label': 'Colours, in bits of surprise' }, plain, ...items);
}

function strong(text: string): HTMLElement {
  return element('strong', {}, text);
}

function tokensOf(count: number): string {
  return count === 1 ? '1 token' : `${formatCount(count)} tokens`;
}
