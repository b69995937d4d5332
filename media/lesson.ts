import * as l10n from '@vscode/l10n';
import { toLesson } from '../src/views/lessonProtocol';
import type { FromLesson, LessonMessage, LessonState, SavedLesson } from '../src/views/lessonProtocol';
import { element } from './dom';
import { useLanguage } from './format';
import { GuessingPage, endPage, endInWords } from './guessingPage';
import { TourPage } from './tourPage';

declare function acquireVsCodeApi(): {
  postMessage(message: FromLesson): void;
  getState(): unknown;
  setState(state: SavedLesson | undefined): void;
};

/** The lesson's page: drawn from its last message and nothing else. What has happened is said to screen readers; the focus is where the next key is wanted. */
function start(): void {
  useLanguage();
  const vscode = acquireVsCodeApi();
  const post = (message: FromLesson): void => vscode.postMessage(message);
  const status = element('p', { role: 'status', class: 'only-spoken' });
  const content = element('div', { class: 'content' });
  const progress = element('div', { class: 'progress', 'aria-hidden': 'true' });
  const main = element('main', {}, content, status);
  document.body.append(progress, main);

  const guessing = new GuessingPage(post);
  const tour = new TourPage(post);
  let state: LessonState | undefined;

  window.addEventListener('message', ({ data: received }: MessageEvent<unknown>) => {
    const data = toLesson(received);
    if (!data) return; // nothing that the extension says
    vscode.setState(data.saved);
    show(data.state);
  });
  // A page that comes to the front has the focus, but none of its elements.
  window.addEventListener('focus', () => {
    if (state?.kind === 'guessing' && document.activeElement === document.body) guessing.focus();
  });
  document.addEventListener('keydown', event => {
    if (state?.kind === 'guessing' && event.key === 'Escape' && !event.isComposing) post({ kind: 'end' });
    else if (state?.kind === 'tour') tour.pressed(event);
    else return;
  });
  post({ kind: 'ready' });

  function show(next: LessonState): void {
    const before = state;
    state = next;
    const busy = next.kind === 'message' && next.busy;
    main.setAttribute('aria-busy', String(busy));
    document.body.classList.toggle('busy', busy);
    switch (next.kind) {
      case 'message':
        content.replaceChildren(...messagePage(next, post));
        status.textContent = `${next.headline}. ${next.text}`;
        return;
      case 'guessing':
        guessing.draw(next);
        if (guessing.root.parentElement !== content) content.replaceChildren(guessing.root); // only then: what is put anew loses the focus
        guessing.shown();
        status.textContent = guessing.said;
        return;
      case 'end': {
        if (before?.kind === 'end') return; // nothing of it changes, and the focus may be in it
        const page = endPage(next, post);
        content.replaceChildren(...page);
        window.scrollTo({ top: 0, behavior: 'instant' });
        page[0]?.focus({ preventScroll: true });
        status.textContent = endInWords(next);
        return;
      }
      case 'tour': {
        const isOther = tour.draw(next);
        if (tour.root.parentElement !== content) content.replaceChildren(tour.root);
        if (isOther) {
          window.scrollTo({ top: 0, behavior: 'instant' });
          tour.shown();
        }
        status.textContent = tour.said;
      }
    }
  }
}

function messagePage({ headline, text, mayChoose }: LessonMessage, post: (message: FromLesson) => void): readonly HTMLElement[] {
  const another = element('button', { type: 'button', class: 'plain' }, l10n.t('Another passage'));
  another.addEventListener('click', () => post({ kind: 'another' }));
  return [element('section', { class: 'message' }, element('h1', {}, headline), element('p', {}, text), mayChoose ? another : undefined)];
}

start();
