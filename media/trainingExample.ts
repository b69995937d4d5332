import * as l10n from '@vscode/l10n';
import { trainingStep } from '../src/core/distribution';
import type { PanelDistribution, PanelRow } from '../src/views/panelProtocol';
import { element, tokenElement } from './dom';
import { formatDecimal, sentence, spokenToken } from './format';

const shownMovers = 8;
/** UTF-16, of the end of the text before the cursor. */
const tailLength = 60;

/** The place as the training example it would be: context, label, and which way one step of training would push each token. */
export class TrainingExample {
  readonly root: HTMLDetailsElement;
  readonly #content = element('div', {});

  constructor(isOpen: boolean, toggled: (isOpen: boolean) => void) {
    this.root = element('details', { class: 'part example' }, element('summary', {}, l10n.t('As a training example')), this.#content);
    this.root.open = isOpen;
    this.root.addEventListener('toggle', () => toggled(this.root.open));
  }

  draw(state: PanelDistribution): void {
    if (!this.root.open) return;
    const { actual } = state;
    if (!actual) {
      this.#content.replaceChildren(
        element('p', { class: 'note' }, l10n.t('No token is known to follow the cursor, so there is no label.')),
      );
      return;
    }
    const step = trainingStep(actual, state.rows, shownMovers);
    const text = state.before.map(run => run.text).join('');
    const tail = text.length > tailLength || state.beforeTruncated ? `…${text.slice(-tailLength)}` : text;
    const context = element('bdi', { class: 'context' }, tail);
    const rowOf = (row: PanelRow | undefined, change: number, isLabel: boolean) => {
      const bar = element('div', { class: change < 0 ? 'change down' : 'change up' });
      bar.style.width = `${Math.abs(change) * 50}%`;
      return element(
        'tr',
        { class: isLabel ? 'label' : '', 'data-change': String(change) },
        row
          ? element('th', { scope: 'row', class: 'name', 'aria-label': spokenToken(row.token) }, tokenElement(row.token))
          : element('th', { scope: 'row', class: 'name' }, l10n.t('everything else')),
        element('td', { class: 'share', 'aria-hidden': 'true' }, bar),
        element('td', { class: 'number' }, signed(change)),
      );
    };
    this.#content.replaceChildren(
      element('p', { class: 'pair' }, ...sentence(l10n.t('Context: {0}'), context)),
      element('p', { class: 'pair' }, ...sentence(l10n.t('Label: {0}'), tokenElement(actual.token))),
      element(
        'table',
        { class: 'changes' },
        element('caption', {}, l10n.t('direction of one training step; the model is not changed')),
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            element('th', { scope: 'col', class: 'name', 'aria-label': l10n.t('Token') }),
            element('td', { class: 'axis', 'aria-hidden': 'true' }),
            element('th', { scope: 'col', class: 'number' }, l10n.t('label minus probability')),
          ),
        ),
        element(
          'tbody',
          {},
          rowOf(actual, step.label, true),
          ...step.others.map(({ row, change }) => rowOf(row, change, false)),
          rowOf(undefined, step.rest, false),
        ),
      ),
      element(
        'p',
        { class: 'note' },
        l10n.t('This is the step on the logits. It sums to 0: what the label gains, the others lose in proportion to their probability.'),
      ),
    );
  }
}

/** With a sign, and never rounded to nothing unless it is nothing. */
function signed(change: number): string {
  const size = Math.abs(change);
  if (size === 0) return '0';
  const sign = change < 0 ? '−' : '+';
  return size < 0.00005 ? `${sign}<${formatDecimal(0.0001, 4)}` : `${sign}${formatDecimal(size, 4)}`;
}
