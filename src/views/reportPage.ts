import * as vscode from 'vscode';
import type { Disposable } from '../disposable';
import { pageLanguage } from './language';
import { panelHtml } from './panelHtml';
import { fromReport } from './reportProtocol';
import type { FromReport, ReportState, ToReport } from './reportProtocol';

/** Which of the pages: the report's, or a change's. */
export interface PageKind {
  readonly type: 'tokenLens.report' | 'tokenLens.change';
  readonly title: string;
}

interface Listeners {
  /** The page has become visible. */
  readonly appeared: () => void;
  readonly message: (message: Exclude<FromReport, { kind: 'ready' }>) => void;
}

/** A page of numbers beside the text, drawn by media/report.ts. A hidden page is thrown away by the editor and says `ready` when it comes back, so the last state is kept here. */
export class ReportPage implements Disposable {
  readonly #kind: PageKind;
  readonly #distUri: vscode.Uri;
  readonly #listeners: Listeners;
  #panel: vscode.WebviewPanel | undefined;
  #state: ReportState | undefined;

  constructor(extensionUri: vscode.Uri, kind: PageKind, listeners: Listeners) {
    this.#kind = kind;
    this.#distUri = vscode.Uri.joinPath(extensionUri, 'dist');
    this.#listeners = listeners;
  }

  get isVisible(): boolean {
    return this.#panel?.visible === true;
  }

  /** What the page shows, or will when it is seen again. */
  get state(): ReportState | undefined {
    return this.#state;
  }

  /** Opens the page beside the text or brings it to the front, without the focus. */
  show(): void {
    if (this.#panel) return this.#panel.reveal(undefined, true);
    const { type, title } = this.#kind;
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const panel = vscode.window.createWebviewPanel(type, title, column, { enableFindWidget: true });
    this.#panel = panel;
    panel.onDidChangeViewState(() => {
      if (panel.visible) this.#listeners.appeared();
    });
    panel.onDidDispose(() => {
      this.#panel = undefined;
      this.#state = undefined;
    });
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [this.#distUri] };
    webview.onDidReceiveMessage((received: unknown) => {
      const message = fromReport(received);
      if (!message) return;
      if (message.kind !== 'ready') {
        this.#listeners.message(message);
        return;
      }
      if (this.#state) void webview.postMessage({ kind: 'show', state: this.#state } satisfies ToReport);
      this.#listeners.appeared();
    });
    const addressOf = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.#distUri, name)).toString();
    webview.html = panelHtml({
      cspSource: webview.cspSource,
      title,
      script: addressOf('report.js'),
      style: addressOf('report.css'),
      language: pageLanguage(),
    });
  }

  post(state: ReportState): void {
    this.#state = state;
    if (this.isVisible) void this.#panel?.webview.postMessage({ kind: 'show', state } satisfies ToReport);
  }

  dispose(): void {
    this.#panel?.dispose();
  }
}
