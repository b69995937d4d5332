import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../disposable';
import { pageLanguage } from './language';
import { panelHtml } from './panelHtml';
import type { Scratch } from '../core/scratch';
import type { AskFutures } from './futuresProtocol';
import { fromPanel, type ContinuationAct, type FindTexts, type PanelFound, type ToPanel } from './panelProtocol';

const panelType = 'tokenLens.panel';
const dockedViewId = 'tokenLens.panelView';
const title = () => vscode.l10n.t('Next token');

interface Page {
  readonly webview: vscode.Webview;
  readonly isVisible: () => boolean;
  wantsWholeRow: boolean;
}

/** What pages ask for. */
export interface PageListeners {
  /** A page has become visible, or wants more than it did. */
  readonly appeared: () => void;
  /** A place along the document was chosen, 0 to 1. */
  readonly reveal: (share: number) => void;
  /** What is to happen to the passage that is shown. */
  readonly passage: (kind: 'insert' | 'close', passage: number) => void;
  /** `reply` stands for the page: it is the same for all it asks. */
  readonly find: (asked: FindTexts, reply: (found: PanelFound) => void) => void;
  /** What a page has made of the continuation at the place that is its state's `root`. */
  readonly continued: (root: number, scratch: Scratch) => void;
  readonly act: (act: ContinuationAct) => void;
  readonly sample: (asked: AskFutures) => void;
  readonly stopSampling: () => void;
}

/**
 * The page in its two homes: a panel beside the text, which survives a restart, and a docked view. Hidden pages are thrown away by the editor
 * and say `ready` when they come back, so the last message of each kind is kept here.
 */
export class PanelPages implements Disposable {
  readonly #store = new DisposableStore();
  readonly #pages = new Set<Page>();
  readonly #distUri: vscode.Uri;
  readonly #listeners: PageListeners;
  #panel: vscode.WebviewPanel | undefined;
  /** In the order in which they came first: a vocabulary before the state that needs it. */
  readonly #last = new Map<ToPanel['kind'], ToPanel>();

  constructor(extensionUri: vscode.Uri, listeners: PageListeners) {
    this.#distUri = vscode.Uri.joinPath(extensionUri, 'dist');
    this.#listeners = listeners;
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

  /** A page that can be seen needs all probabilities of a place. */
  get wantsWholeRow(): boolean {
    return [...this.#pages].some(page => page.wantsWholeRow && page.isVisible());
  }

  /** Opens the panel beside the text or brings it to the front, without the focus. */
  show(): void {
    if (this.#panel) return this.#panel.reveal(undefined, true);
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.#adopt(vscode.window.createWebviewPanel(panelType, title(), column, { enableFindWidget: true }));
  }

  /** Keeps the message and sends it to the pages that can be seen. */
  post(message: ToPanel): void {
    this.#last.set(message.kind, message);
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
    const page: Page = { webview, isVisible, wantsWholeRow: false };
    const reply = (found: PanelFound) => void webview.postMessage(found);
    this.#pages.add(page);
    const addressOf = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.#distUri, name)).toString();
    webview.options = { enableScripts: true, localResourceRoots: [this.#distUri] };
    webview.onDidReceiveMessage((message: unknown) => {
      const said = fromPanel(message);
      switch (said?.kind) {
        case undefined: // nothing that a page of ours says
          break;
        case 'ready':
          page.wantsWholeRow = false; // a page that is new, or was thrown away, says what it wants after this
          for (const each of this.#last.values()) void webview.postMessage(each);
          this.#listeners.appeared();
          break;
        case 'wants':
          page.wantsWholeRow = said.wholeRow;
          this.#listeners.appeared();
          break;
        case 'reveal':
          this.#listeners.reveal(said.share);
          break;
        case 'insert':
        case 'close':
          this.#listeners.passage(said.kind, said.passage);
          break;
        case 'find':
          this.#listeners.find(said, reply);
          break;
        case 'continue':
          this.#listeners.continued(said.root, said.scratch);
          break;
        case 'continued':
          this.#listeners.act(said.act);
          break;
        case 'futures':
          this.#listeners.sample(said);
          break;
        case 'stopFutures':
          this.#listeners.stopSampling();
          break;
      }
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
    if (visible) this.#listeners.appeared();
  }
}
