import * as l10n from '@vscode/l10n';
import { toPanel, type FromPanel, type PanelMessage, type PanelState } from '../src/views/panelProtocol';
import { choicesFrom, type Choices } from './choices';
import { DistributionPage, spokenSummary } from './distributionPage';
import { element } from './dom';
import { PassagePage } from './passagePage';
import { useLanguage } from './format';

declare function acquireVsCodeApi(): {
  postMessage(message: FromPanel): void;
  getState(): unknown;
  setState(state: Choices): void;
};

/** The panel's page: drawn from the last message of each kind, and what its reader has chosen. What holds the focus keeps it between messages. */
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
  const choices = choicesFrom(vscode.getState());
  const page = new DistributionPage(choices, {
    post: message => vscode.postMessage(message),
    save: () => vscode.setState(choices),
  });

  const passage = new PassagePage(message => vscode.postMessage(message));

  // Nothing is announced by itself, since the page follows every move of the cursor: this button is how to ask.
  read.addEventListener('click', () => {
    status.textContent = !state ? '' : spokenState(state);
  });
  window.addEventListener('scroll', () => {
    if (state?.kind !== 'distribution') return; // a short message scrolls the page up: that is not the reader's doing
    choices.scrollY = window.scrollY;
    vscode.setState(choices);
  });
  window.addEventListener('message', ({ data: received }: MessageEvent<unknown>) => {
    const data = toPanel(received);
    switch (data?.kind) {
      case undefined: // nothing that the extension says
        break;
      case 'show':
        show(data.state);
        break;
      case 'vocabulary':
        page.useVocabulary(data.vocabulary);
        break;
      case 'row':
        page.useRow(data);
        break;
      case 'found':
        page.found(data);
        break;
      case 'continuation':
        page.useContinuation(data);
        break;
      case 'futures':
        page.sampled(data);
        break;
    }
  });
  vscode.postMessage({ kind: 'ready' });
  page.sayWants();

  function show(next: PanelState): void {
    const place = choices.scrollY; // redrawing may scroll, and so may change it
    state = next;
    const busy = state.kind === 'message' ? state.busy : state.kind === 'distribution' && state.updating;
    main.setAttribute('aria-busy', String(busy));
    document.body.classList.toggle('busy', busy);
    content.classList.toggle('updating', state.kind === 'distribution' && state.updating);
    status.textContent = '';
    if (state.kind === 'message') return content.replaceChildren(...messagePage(state));
    document.documentElement.dataset['palette'] = state.palette;
    if (state.kind === 'passage') {
      passage.draw(state);
      if (passage.root.parentElement !== content) content.replaceChildren(passage.root);
      return;
    }
    page.draw(state);
    if (page.root.parentElement !== content) content.replaceChildren(page.root); // only then: what is put anew loses the focus
    window.scrollTo({ top: place, behavior: 'instant' });
  }
}

function spokenState(state: PanelState): string {
  switch (state.kind) {
    case 'distribution':
      return spokenSummary(state);
    case 'passage':
      return [state.summary, ...state.notes].join('. ');
    case 'message':
      return `${state.headline}. ${state.text}`;
  }
}

function messagePage({ headline, text }: PanelMessage): readonly HTMLElement[] {
  return [element('section', { class: 'message' }, element('h2', {}, headline), element('p', {}, text))];
}

start();
