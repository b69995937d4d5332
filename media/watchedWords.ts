import * as l10n from '@vscode/l10n';
import { bandOf } from '../src/core/band';
import { metricEdges } from '../src/core/metric';
import type { DocumentShape, PanelDistribution, WatchedShape } from '../src/views/panelProtocol';
import { element, tokenElement } from './dom';
import { formatPercent, sentence } from './format';
import { columnDrawing } from './strip';

/** One strip for each watched word, on the columns of the document's strip, from impossible to certain; undefined where none is watched. */
export function watchedWords({ watched, shape, typed }: PanelDistribution): HTMLElement | undefined {
  if (!shape || watched.length === 0) return undefined;
  const lead = typed
    ? l10n.t('Watched: how probable each was as what comes next, from 0 to 100%. At the cursor: before anything of the word was typed.')
    : l10n.t('Watched: how probable each was as what comes next, from 0 to 100%.');
  const id = 'watched-words';
  return element(
    'div',
    { class: 'watched', role: 'group', 'aria-labelledby': id },
    element('p', { class: 'note', id }, lead),
    ...watched.map(word => watchedWord(word, shape)),
  );
}

function watchedWord({ word, whole, peaks, here }: WatchedShape, shape: DocumentShape): HTMLElement {
  const token = tokenElement([{ text: word, glyph: false }]);
  const peak = peaks.reduce<number>((highest, each) => Math.max(highest, each ?? -1), -1);
  const exact =
    here === undefined ? l10n.t('being computed') : here === null ? l10n.t('not known') : l10n.t('{0} (exact)', percentOf(here));
  const numbers = [
    peak < 0 ? l10n.t('not scored yet') : l10n.t('peak {0}', percentOf(peak)),
    ...(shape.stale ? [l10n.t('being updated')] : []),
    whole ? l10n.t('at the cursor: {0}', exact) : l10n.t('whole word at the cursor: {0}', exact),
  ];
  const name = element('span', {}, ...(whole ? [token] : sentence(l10n.t('{0}, its first piece'), token)));
  const columns = peaks.map(height => ({ height, band: height === null ? undefined : bandOf(height, metricEdges.watched) }));
  const drawing = columnDrawing(columns, 1, shape, { role: 'img', 'aria-label': inWords(word, whole, peaks, peak) });
  return element(
    'figure',
    { class: 'watch' },
    element('figcaption', {}, name, element('span', { class: 'numbers' }, numbers.join(' · '))),
    drawing,
  );
}

function inWords(word: string, whole: boolean, peaks: readonly (number | null)[], peak: number): string {
  const about = whole
    ? l10n.t('Probability of {0} along the document.', word)
    : l10n.t('Probability of the first piece of {0} along the document.', word);
  if (peak < 0) return `${about} ${l10n.t('Not scored yet.')}`;
  const where = Math.round((100 * peaks.indexOf(peak)) / peaks.length);
  return `${about} ${l10n.t('Highest: {0}, {1}% of the way through.', percentOf(peak), where)}`;
}

/** Nothing is written only for what cannot be: what does not continue the typed text. */
function percentOf(probability: number): string {
  return probability === 0 ? '0%' : `${formatPercent(probability)}%`;
}
