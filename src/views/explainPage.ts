import * as vscode from 'vscode';
import type { Disposable } from '../disposable';
import { fromExplain } from './explainProtocol';
import type { ExplainState, FromExplain, ToExplain } from './explainProtocol';
import { pageLanguage } from './language';
import { panelHtml } from './panelHtml';

interface Listeners {
  /** The page has become visible. */
  readonly appeared: () => void;
  readonly message: (message: Exclude<FromExplain, { kind: 'ready' }>) => void;
  readonly closed: () => void;
}

/** The page beside the text. A hidden page is thrown away by the editor and says `ready` when it comes back, so the last state is kept here. */
export class ExplainPage implements Disposable {
  readonly #distUri: vscode.Uri;
  readonly #listeners: Listeners;
  #panel: vscode.WebviewPanel | undefined;
  #state: ExplainState | undefined;

  constructor(extensionUri: vscode.Uri, listeners: Listeners) {
    this.#distUri = vscode.Uri.joinPath(extensionUri, 'dist');
    this.#listeners = listeners;
  }

  get isOpen(): boolean {
    return this.#panel !== undefined;
  }

  /** Opens the page beside the text or brings it to the front, without the focus. */
  show(): void {
    if (this.#panel) return this.#panel.reveal(undefined, true);
    const title = vscode.l10n.t('Context');
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const panel = vscode.window.createWebviewPanel('tokenLens.explain', title, column, { enableFindWidget: true });
    this.#panel = panel;
    panel.onDidChangeViewState(() => {
      if (panel.visible) this.#listeners.appeared();
    });
    panel.onDidDispose(() => {
      this.#panel = undefined;
      this.#state = undefined;
      this.#listeners.closed();
    });
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [this.#distUri] };
    webview.onDidReceiveMessage((message: unknown) => {
      const said = fromExplain(message);
      if (said?.kind === 'ready') {
        if (this.#state) void webview.postMessage({ kind: 'show', state: this.#state } satisfies ToExplain);
      } else if (said) this.#listeners.message(said);
    });
    const addressOf = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.#distUri, name)).toString();
    webview.html = panelHtml({
      cspSource: webview.cspSource,
      title,
      script: addressOf('explain.js'),
      style: addressOf('explain.css'),
      language: pageLanguage(),
    });
  }

  post(state: ExplainState): void {
    this.#state = state;
    if (this.#panel?.visible === true) void this.#panel.webview.postMessage({ kind: 'show', state } satisfies ToExplain);
  }

  dispose(): void {
    this.#panel?.dispose();
  }
}
