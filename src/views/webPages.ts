import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../disposable';
import { pageLanguage } from './language';
import { panelHtml } from './panelHtml';

interface Message {
  readonly kind: string;
}

/** What a page says beside that it is ready. */
export type Asked<From> = Exclude<From, { readonly kind: 'ready' }>;

export interface PageKind<From extends Message> {
  /** Of the panel, as VS Code keeps it. */
  readonly type: string;
  /** Of its script and style. */
  readonly name: 'explain' | 'lesson' | 'panel' | 'report';
  readonly title: () => string;
  /** Beside the text, which keeps the focus, or over it: what is played by keyboard has the focus. */
  readonly place: 'beside' | 'over';
  /** A view of the panel area that has the same page. */
  readonly dockedView?: string;
  /** Undefined where it is nothing that a page of ours would say. */
  readonly read: (message: unknown) => From | undefined;
  /** What was posted is kept for the next page when none is open any more. */
  readonly keepsPosted?: boolean;
}

export interface PageListeners<To extends Message, From extends Message> {
  readonly message: (message: Asked<From>, page: OpenPage<To>) => void;
  /** A page has become visible. */
  readonly appeared?: () => void;
  /** A page is new, or was thrown away while it was hidden: whatever it said before does not hold any more. */
  readonly ready?: (page: OpenPage<To>) => void;
  /** No page is open any more. */
  readonly closed?: () => void;
  /** The editor has started anew with a page that was open; without this, none is put back. `saved`: what the page gave it to keep. */
  readonly restored?: (saved: unknown) => void;
}

/** A page in one of its homes. */
export interface OpenPage<To extends Message> {
  readonly isVisible: boolean;
  /** To this one alone; it is not kept. */
  readonly post: (message: To) => void;
}

/**
 * A page of ours, in a panel and perhaps in a docked view as well. Hidden pages are thrown away by the editor and say `ready` when they come back, so
 * the last message of each kind is kept here.
 */
export class WebPages<To extends Message, From extends Message> implements Disposable {
  readonly #store = new DisposableStore();
  readonly #kind: PageKind<From>;
  readonly #listeners: PageListeners<To, From>;
  readonly #distUri: vscode.Uri;
  readonly #open = new Set<OpenPage<To>>();
  #panel: vscode.WebviewPanel | undefined;
  /** In the order in which they came first: a vocabulary before the state that needs it. */
  readonly #last = new Map<string, To>();

  constructor(extensionUri: vscode.Uri, kind: PageKind<From>, listeners: PageListeners<To, From>) {
    this.#kind = kind;
    this.#listeners = listeners;
    this.#distUri = vscode.Uri.joinPath(extensionUri, 'dist');
    const { window } = vscode;
    const { restored } = listeners;
    if (restored)
      this.#store.add(
        window.registerWebviewPanelSerializer(kind.type, {
          deserializeWebviewPanel: (panel, saved: unknown) => {
            if (this.#panel) panel.dispose();
            else {
              this.#adopt(panel);
              restored(saved);
            }
            return Promise.resolve();
          },
        }),
      );
    if (kind.dockedView !== undefined)
      this.#store.add(
        window.registerWebviewViewProvider(kind.dockedView, {
          resolveWebviewView: view => {
            view.onDidChangeVisibility(() => this.#appeared(view.visible));
            this.#attach(view);
          },
        }),
      );
  }

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  get visible(): readonly OpenPage<To>[] {
    return [...this.#open].filter(({ isVisible }) => isVisible);
  }

  get isVisible(): boolean {
    return this.visible.length > 0;
  }

  /** What pages show, or will when they are seen again. */
  last<Kind extends To['kind']>(kind: Kind): Extract<To, { readonly kind: Kind }> | undefined {
    return this.#last.get(kind) as Extract<To, { readonly kind: Kind }> | undefined;
  }

  /** Opens the panel or brings it to the front. */
  show(): void {
    const { type, title, place } = this.#kind;
    const { Active, Beside } = vscode.ViewColumn;
    const preserveFocus = place === 'beside';
    if (this.#panel) return this.#panel.reveal(undefined, preserveFocus);
    const column = { viewColumn: preserveFocus ? Beside : Active, preserveFocus };
    this.#adopt(vscode.window.createWebviewPanel(type, title(), column, { enableFindWidget: place === 'beside' }));
  }

  /** Keeps the message and sends it to the pages that can be seen. */
  post(message: To): void {
    this.#last.set(message.kind, message);
    for (const page of this.visible) page.post(message);
  }

  /** Leaves an open panel alone that the editor puts back after a restart: it would not if it were closed here. */
  dispose(): void {
    if (!this.#listeners.restored) this.#panel?.dispose();
    this.#store.dispose();
  }

  #adopt(panel: vscode.WebviewPanel): void {
    this.#panel = panel;
    panel.title = this.#kind.title();
    panel.onDidChangeViewState(() => this.#appeared(panel.visible));
    panel.onDidDispose(() => (this.#panel = undefined));
    this.#attach(panel);
  }

  #attach(home: vscode.WebviewPanel | vscode.WebviewView): void {
    const { name, title, read } = this.#kind;
    const { webview } = home;
    const page: OpenPage<To> = {
      get isVisible() {
        return home.visible;
      },
      post: message => void webview.postMessage(message),
    };
    this.#open.add(page);
    home.onDidDispose(() => this.#closed(page));
    webview.options = { enableScripts: true, localResourceRoots: [this.#distUri] };
    webview.onDidReceiveMessage((message: unknown) => {
      const said = read(message);
      if (said?.kind === 'ready') this.#ready(page);
      else if (said) this.#listeners.message(said as Asked<From>, page);
    });
    const addressOf = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.#distUri, file)).toString();
    webview.html = panelHtml({
      cspSource: webview.cspSource,
      title: title(),
      script: addressOf(`${name}.js`),
      style: addressOf(`${name}.css`),
      language: pageLanguage(),
    });
  }

  #ready(page: OpenPage<To>): void {
    this.#listeners.ready?.(page);
    for (const each of this.#last.values()) page.post(each);
    this.#listeners.appeared?.();
  }

  #appeared(isVisible: boolean): void {
    if (isVisible) this.#listeners.appeared?.();
  }

  #closed(page: OpenPage<To>): void {
    this.#open.delete(page);
    if (this.isOpen) return;
    if (this.#kind.keepsPosted !== true) this.#last.clear();
    this.#listeners.closed?.();
  }
}
