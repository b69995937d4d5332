import * as vscode from 'vscode';
import type { Config } from './config';
import { DisposableStore } from './disposable';
import type { LensModel } from './lensModel';
import { ModelError } from './model/errors';
import { ScoredDocument } from './scoredDocument';
import type { DocumentView, LensState, NextAnswer } from './scoredDocument';

/** Where the choice is kept between two starts of the window. */
const onKey = 'tokenLens.on';
const offKey = 'tokenLens.off';

/** The state of the whole extension: for which documents the lens is on, and their scores. One event; views redraw from here. */
export class ScoredDocuments {
  readonly #store = new DisposableStore();
  readonly #documents = new Map<string, ScoredDocument>();
  readonly #config: Config;
  readonly #model: LensModel;
  readonly #memory: vscode.Memento;
  readonly #log: vscode.LogOutputChannel;
  /** Documents that were turned on, and those of `autoStart` languages that were turned off, by URI. */
  readonly #on: Set<string>;
  readonly #off: Set<string>;
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** State or view of this document changed. */
  readonly onDidChange = this.#changed.event;

  constructor(config: Config, model: LensModel, memory: vscode.Memento, log: vscode.LogOutputChannel) {
    this.#config = config;
    this.#model = model;
    this.#memory = memory;
    this.#log = log;
    this.#on = new Set(memory.get<string[]>(onKey, []));
    this.#off = new Set(memory.get<string[]>(offKey, []));
    const { workspace, window } = vscode;
    this.#store.add(
      window.onDidChangeVisibleTextEditors(() => {
        this.#startVisible();
      }),
    );
    this.#store.add(
      window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        this.#documents.get(keyOf(textEditor.document))?.scrolled();
      }),
    );
    this.#store.add(
      workspace.onDidChangeTextDocument(event => {
        this.#documents.get(keyOf(event.document))?.edited(event);
      }),
    );
    this.#store.add(
      workspace.onDidOpenTextDocument(() => {
        this.#startVisible();
      }),
    );
    this.#store.add(
      workspace.onDidCloseTextDocument(document => {
        this.#forget(document);
      }),
    );
    this.#store.add(
      workspace.onDidRenameFiles(({ files }) => {
        for (const file of files) this.#renamed(file.oldUri.toString(), file.newUri.toString());
      }),
    );
    this.#store.add(
      model.onDidReplace(() => {
        this.#restartAll();
      }),
    );
    this.#store.add(
      config.onDidChange(event => {
        if (
          config.affects(
            event,
            'contextTokens',
            'overlapTokens',
            'alternatives',
            'startToken',
            'largestDocumentBytes',
            'skipLanguages',
            'skipSchemes',
          )
        )
          this.#restartAll();
        for (const scored of this.#documents.values()) if (!this.isOn(scored.document)) scored.stop();
        this.#startVisible();
      }),
    );
    this.#startVisible();
  }

  isOn(document: vscode.TextDocument): boolean {
    const key = keyOf(document);
    return (
      this.#on.has(key) ||
      (this.#config.autoStart(document.languageId) && !this.#off.has(key) && this.#config.skips(document) === undefined)
    );
  }

  setOn(document: vscode.TextDocument, on: boolean): void {
    const key = keyOf(document);
    (on ? this.#on : this.#off).add(key);
    (on ? this.#off : this.#on).delete(key);
    void this.#memory.update(onKey, [...this.#on]);
    void this.#memory.update(offKey, [...this.#off]);
    if (on) this.#scored(document).start({ again: true });
    else this.#documents.get(key)?.stop();
    this.#changed.fire(document);
  }

  state(document: vscode.TextDocument): LensState {
    if (!this.isOn(document)) return { kind: 'off' };
    return this.#documents.get(keyOf(document))?.state ?? { kind: 'starting' };
  }

  /** Undefined while the lens is off, and until the first tokens are known. */
  view(document: vscode.TextDocument): DocumentView | undefined {
    return this.isOn(document) ? this.#documents.get(keyOf(document))?.view : undefined;
  }

  /** The next-token distribution at a UTF-16 offset, from the text before it only; works with the lens off. */
  async next(document: vscode.TextDocument, offset: number, signal: AbortSignal): Promise<NextAnswer> {
    return this.#scored(document).next(offset, signal);
  }

  /** Scores a document whether the lens is on for it or not; resolves when no row is pending and the document has not changed since. */
  async complete(document: vscode.TextDocument): Promise<DocumentView> {
    return this.#scored(document).complete();
  }

  /** The view of a document that is complete, whether the lens is on for it or not. */
  completeView(uri: string): DocumentView | undefined {
    const view = this.#documents.get(uri)?.view;
    return view?.complete === true ? view : undefined;
  }

  dispose(): void {
    for (const document of this.#documents.values()) document.dispose();
    this.#documents.clear();
    this.#store.dispose();
  }

  #scored(document: vscode.TextDocument): ScoredDocument {
    const key = keyOf(document);
    const known = this.#documents.get(key);
    if (known) return known;
    // Nobody would dispose it, and it would stand in the way of the document that is opened next under this name.
    if (document.isClosed) throw new ModelError('cancelled', 'The document was closed.');
    const scored = new ScoredDocument(document, this.#config, this.#model, this.#log, () => {
      this.#changed.fire(document);
    });
    this.#documents.set(key, scored);
    return scored;
  }

  /** Hidden documents are not scored: they start when they are shown. */
  #startVisible(): void {
    for (const { document } of vscode.window.visibleTextEditors) {
      if (this.isOn(document)) this.#scored(document).start();
    }
  }

  #restartAll(): void {
    for (const scored of this.#documents.values()) scored.restart();
  }

  #forget(document: vscode.TextDocument): void {
    const key = keyOf(document);
    this.#documents.get(key)?.dispose();
    this.#documents.delete(key);
    // The next untitled document gets the same name. A change of language closes a document and opens it again at once.
    if (document.isUntitled) {
      queueMicrotask(() => {
        if (vscode.workspace.textDocuments.some(open => keyOf(open) === key)) return;
        if (this.#on.delete(key)) void this.#memory.update(onKey, [...this.#on]);
        if (this.#off.delete(key)) void this.#memory.update(offKey, [...this.#off]);
      });
    }
  }

  /** Files, and all files of a folder. */
  #renamed(from: string, to: string): void {
    for (const [set, name] of [
      [this.#on, onKey],
      [this.#off, offKey],
    ] as const) {
      for (const key of [...set]) {
        if (key !== from && !key.startsWith(`${from}/`)) continue;
        set.delete(key);
        set.add(to + key.slice(from.length));
      }
      void this.#memory.update(name, [...set]);
    }
    this.#startVisible();
  }
}

function keyOf(document: vscode.TextDocument): string {
  return document.uri.toString();
}
