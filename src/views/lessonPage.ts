import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../disposable';
import { pageLanguage } from './language';
import { fromLesson, savedLesson } from './lessonProtocol';
import type { FromLesson, SavedLesson, ToLesson } from './lessonProtocol';
import { panelHtml } from './panelHtml';

const panelType = 'tokenLens.lesson';
const title = () => vscode.l10n.t('Token Lens lesson');

interface Listeners {
  readonly message: (message: Exclude<FromLesson, { kind: 'ready' }>) => void;
  /** The editor has started anew with a page that was open. */
  readonly restored: (saved: SavedLesson | undefined) => void;
  readonly closed: () => void;
}

/** The page of the lesson, over the text that is played. A hidden page is thrown away by the editor and says `ready` when it comes back, so the last message is kept here. */
export class LessonPage implements Disposable {
  readonly #store = new DisposableStore();
  readonly #distUri: vscode.Uri;
  readonly #listeners: Listeners;
  #panel: vscode.WebviewPanel | undefined;
  #last: ToLesson | undefined;

  constructor(extensionUri: vscode.Uri, listeners: Listeners) {
    this.#distUri = vscode.Uri.joinPath(extensionUri, 'dist');
    this.#listeners = listeners;
    this.#store.add(
      vscode.window.registerWebviewPanelSerializer(panelType, {
        deserializeWebviewPanel: (panel, saved: unknown) => {
          if (this.#panel) panel.dispose();
          else {
            this.#adopt(panel);
            listeners.restored(savedLesson(saved));
          }
          return Promise.resolve();
        },
      }),
    );
  }

  get isOpen(): boolean {
    return this.#panel !== undefined;
  }

  /** With the focus: it is played by keyboard. */
  show(): void {
    if (this.#panel) return this.#panel.reveal();
    this.#adopt(vscode.window.createWebviewPanel(panelType, title(), vscode.ViewColumn.Active));
  }

  post(message: ToLesson): void {
    this.#last = message;
    if (this.#panel?.visible === true) void this.#panel.webview.postMessage(message);
  }

  /** Leaves an open page alone: the editor puts it back after a restart. */
  dispose(): void {
    this.#store.dispose();
  }

  #adopt(panel: vscode.WebviewPanel): void {
    this.#panel = panel;
    panel.title = title();
    panel.onDidDispose(() => {
      this.#panel = undefined;
      this.#last = undefined;
      this.#listeners.closed();
    });
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [this.#distUri] };
    webview.onDidReceiveMessage((message: unknown) => {
      const said = fromLesson(message);
      if (said?.kind === 'ready') {
        if (this.#last) void webview.postMessage(this.#last);
      } else if (said) this.#listeners.message(said);
    });
    const addressOf = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.#distUri, name)).toString();
    webview.html = panelHtml({
      cspSource: webview.cspSource,
      title: title(),
      script: addressOf('lesson.js'),
      style: addressOf('lesson.css'),
      language: pageLanguage(),
    });
  }
}
