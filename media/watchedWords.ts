import { bandOf } from '../src/core/band';
import { metricEdges } from '../src/core/metric';
import type { DocumentShape, PanelDistribution, WatchedShape } from '../src/views/panelProtocol';
import { element, tokenElement } from './dom';
import { formatPercent } from './format';
import { columnDrawing } from './strip';

/** One strip for each watched word, on the columns of the document's strip, from impossible to certain; undefined where none is watched. */
export function watchedWords({ watched, shape, typed }: PanelDistribution): HTMLElement | undefined {
  if (!shape || watched.length === 0) return undefined;
  const lead = 'Watched: how probable each was as what comes next, from 0 to 100%.';
  const place = typed ? ' At the cursor: before anything of the word was typed.' : '';
  const id = 'watched-words';
  return element(
    'div',
    { class: 'watched', role: 'group', 'aria-labelledby': id },
    element('p', { class: 'note', id }, `${lead}${place}`),
    ...watched.map(word => watchedWord(word, shape)),
  );
}

function watchedWord({ word, whole, peaks, here }: WatchedShape, shape: DocumentShape): HTMLElement {
  const token = tokenElement([{ text: word, glyph: false }]);
  const peak = peaks.reduce<number>((highest, each) => Math.max(highest, each ?? -1), -1);
  const highest = peak < 0 ? 'not scored yet' : `peak ${percentOf(peak)}`;
  const updating = shape.stale ? ', being updated' : '';
  const exact = here === undefined ? 'being computed' : here === null ? 'not known' : `${percentOf(here)} (exact)`;
  const atCursor = `${whole ? 'at the cursor' : 'whole word at the cursor'}: ${exact}`;
  const name = whole ? element('span', {}, token) : element('span', {}, token, ', its first piece');
  const numbers = element('span', { class: 'numbers' }, `${highest}${updating} · ${atCursor}`);
  const columns = peaks.map(height => ({ height, band: height === null ? undefined : bandOf(height, metricEdges.watched) }));
  const drawing = columnDrawing(columns, 1, shape, { role: 'img', 'aria-label': inWords(word, whole, peaks, peak) });
  return element('figure', { class: 'watch' }, element('figcaption', {}, name, numbers), drawing);
}

function inWords(word: string, whole: boolean, peaks: readonly (number | null)[], peak: number): string {
  const about = `Probability of ${whole ? '' : 'the first piece of '}${word} along the document`;
  if (peak < 0) return `${about}: not scored yet.`;
  return `${about}. Highest: ${percentOf(peak)}, ${Math.round((100 * peaks.indexOf(peak)) / peaks.length)}% of the way through.`;
}

/** Nothing is written only for what cannot be: what does not continue the typed text. */
function percentOf(probability: number): string {
  return probability === 0 ? '0%' : `${formatPercent(probability)}%`;
}
