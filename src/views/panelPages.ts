import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../disposable';
import { pageLanguage } from './language';
import { panelHtml } from './panelHtml';
import { fromPanel, type PanelState, type ToPanel } from './panelProtocol';

const panelType = 'tokenLens.panel';
const dockedViewId = 'tokenLens.panelView';
const title = () => vscode.l10n.t('Next token');

interface Page {
  readonly webview: vscode.Webview;
  readonly isVisible: () => boolean;
}

/**
 * The page in its two homes: a panel beside the text, which survives a restart, and a docked view. Hidden pages are thrown away by the editor
 * and say `ready` when they come back, so the last state is kept here.
 */
export class PanelPages implements Disposable {
  readonly #store = new DisposableStore();
  readonly #pages = new Set<Page>();
  readonly #distUri: vscode.Uri;
  readonly #onDidAppear: () => void;
  readonly #onReveal: (share: number) => void;
  #panel: vscode.WebviewPanel | undefined;
  #state: PanelState | undefined;

  /** `onDidAppear` is called when a page has become visible, `onReveal` when a place along the document was chosen in one. */
  constructor(extensionUri: vscode.Uri, onDidAppear: () => void, onReveal: (share: number) => void) {
    this.#distUri = vscode.Uri.joinPath(extensionUri, 'dist');
    this.#onDidAppear = onDidAppear;
    this.#onReveal = onReveal;
    this.#store.add(
      vscode.window.registerWebviewPanelSerializer(panelType, {
        deserializeWebviewPanel: panel => {
          if (this.#panel) panel.dispose();
          else this.#adopt(panel);
          return Promise.resolve();
        },
      }),
    );
    this.#store.add(
      vscode.window.registerWebviewViewProvider(dockedViewId, {
        resolveWebviewView: view => {
          view.onDidChangeVisibility(() => this.#appeared(view.visible));
          const page = this.#attach(view.webview, () => view.visible);
          view.onDidDispose(() => this.#pages.delete(page));
        },
      }),
    );
  }

  get isVisible(): boolean {
    return [...this.#pages].some(page => page.isVisible());
  }

  /** Opens the panel beside the text or brings it to the front, without the focus. */
  show(): void {
    if (this.#panel) return this.#panel.reveal(undefined, true);
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.#adopt(vscode.window.createWebviewPanel(panelType, title(), column, { enableFindWidget: true }));
  }

  /** Keeps the state and sends it to the pages that can be seen. */
  post(state: PanelState): void {
    this.#state = state;
    const message: ToPanel = { kind: 'show', state };
    for (const page of this.#pages) if (page.isVisible()) void page.webview.postMessage(message);
  }

  /** Leaves an open panel alone: the editor puts it back after a restart, and it would not if it were closed here. */
  dispose(): void {
    this.#store.dispose();
  }

  #adopt(panel: vscode.WebviewPanel): void {
    this.#panel = panel;
    panel.title = title();
    panel.onDidChangeViewState(() => this.#appeared(panel.visible));
    const page = this.#attach(panel.webview, () => panel.visible);
    panel.onDidDispose(() => {
      this.#panel = undefined;
      this.#pages.delete(page);
    });
  }

  #attach(webview: vscode.Webview, isVisible: () => boolean): Page {
    const page: Page = { webview, isVisible };
    this.#pages.add(page);
    const addressOf = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.#distUri, name)).toString();
    webview.options = { enableScripts: true, localResourceRoots: [this.#distUri] };
    webview.onDidReceiveMessage((message: unknown) => {
      const said = fromPanel(message);
      if (said?.kind === 'reveal') this.#onReveal(said.share);
      if (said?.kind !== 'ready') return;
      if (this.#state) void webview.postMessage({ kind: 'show', state: this.#state } satisfies ToPanel);
      this.#onDidAppear();
    });
    webview.html = panelHtml({
      cspSource: webview.cspSource,
      title: title(),
      script: addressOf('panel.js'),
      style: addressOf('panel.css'),
      language: pageLanguage(),
    });
    return page;
  }

  #appeared(visible: boolean): void {
    if (visible) this.#onDidAppear();
  }
}
