import * as l10n from '@vscode/l10n';
import type { FromPanel, PanelMessage, PanelState, ToPanel } from '../src/views/panelProtocol';
import { distributionPage, spokenSummary } from './distributionPage';
import { element } from './dom';
import { useLanguage } from './format';
import { columnOfFocusedStrip, focusStrip } from './strip';

declare function acquireVsCodeApi(): {
  postMessage(message: FromPanel): void;
  getState(): unknown;
  setState(state: { readonly scrollY: number }): void;
};

/** The panel's page: drawn from its last message and nothing else. What holds the focus stays in place between messages. */
function start(): void {
  useLanguage();
  const vscode = acquireVsCodeApi();
  const status = element('p', { role: 'status', class: 'only-spoken' });
  const read = element('button', { type: 'button', class: 'read' }, l10n.t('Read the prediction aloud'));
  const content = element('div', { class: 'content' });
  const progress = element('div', { class: 'progress', 'aria-hidden': 'true' });
  const main = element(
    'main',
    { tabindex: '0', 'aria-label': l10n.t('Next token') },
    element('h1', { class: 'only-spoken' }, l10n.t('Next token')),
    read,
    status,
    content,
  );
  document.body.append(progress, main);

  let state: PanelState | undefined;
  let scrollY = savedScroll(vscode.getState());

  const reveal = (share: number) => {
    vscode.postMessage({ kind: 'reveal', share });
  };

  // Nothing is announced by itself, since the page follows every move of the cursor: this button is how to ask.
  read.addEventListener('click', () => {
    status.textContent = !state ? '' : state.kind === 'distribution' ? spokenSummary(state) : `${state.headline}. ${state.text}`;
  });
  window.addEventListener('scroll', () => {
    if (state?.kind !== 'distribution') return; // a short message scrolls the page up: that is not the reader's doing
    ({ scrollY } = window);
    vscode.setState({ scrollY });
  });
  window.addEventListener('message', (event: MessageEvent<ToPanel>) => {
    const place = scrollY; // redrawing may scroll, and so may change it
    ({ state } = event.data);
    const busy = state.kind === 'message' ? state.busy : state.updating;
    main.setAttribute('aria-busy', String(busy));
    document.body.classList.toggle('busy', busy);
    if (state.kind === 'distribution') document.documentElement.dataset['palette'] = state.palette;
    content.classList.toggle('updating', state.kind === 'distribution' && state.updating);
    status.textContent = '';
    const heldColumn = columnOfFocusedStrip();
    content.replaceChildren(...(state.kind === 'message' ? messagePage(state) : distributionPage(state, reveal)));
    if (heldColumn !== undefined) focusStrip(content, heldColumn);
    if (state.kind === 'distribution') window.scrollTo({ top: place, behavior: 'instant' });
  });
  vscode.postMessage({ kind: 'ready' });
}

function messagePage({ headline, text }: PanelMessage): readonly HTMLElement[] {
  return [element('section', { class: 'message' }, element('h2', {}, headline), element('p', {}, text))];
}

function savedScroll(saved: unknown): number {
  if (typeof saved !== 'object' || saved === null || !('scrollY' in saved)) return 0;
  return typeof saved.scrollY === 'number' ? saved.scrollY : 0;
}

start();
