import * as vscode from 'vscode';
import { DisposableStore } from './disposable';
import type { Answer, AskOptions, DocumentView, LensState, Question, QuestionParams } from './documentView';
import type { LastingMemory } from './lastingMemory';
import { ModelError } from './model/errors';
import type { Preamble, PreambleResult } from './model/protocol';
import { ScoredDocument } from './scoredDocument';
import type { Surroundings } from './scoredDocument';

/** Where the choice is kept between two starts of the window. */
const onKey = 'tokenLens.on';
const offKey = 'tokenLens.off';

/** An untitled document that is closed so soon after a file with its text was saved has become that file. */
const savedAsMs = 5_000;

/** The state of the whole extension: for which documents the lens is on, and their scores. One event; views redraw from here. */
export class ScoredDocuments {
  readonly #store = new DisposableStore();
  readonly #documents = new Map<string, ScoredDocument>();
  readonly #around: Surroundings;
  readonly #memory: LastingMemory;
  /** Documents that were turned on, and those of `autoStart` languages that were turned off, by URI. */
  readonly #on: Set<string>;
  readonly #off: Set<string>;
  /** Files whose text an untitled document had when they were saved, by its URI. */
  readonly #savedAs = new Map<string, { readonly file: vscode.TextDocument; readonly at: number }>();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** State or view of this document changed. */
  readonly onDidChange = this.#changed.event;

  constructor(around: Surroundings, memory: LastingMemory) {
    this.#around = around;
    this.#memory = memory;
    this.#on = new Set(memory.get<string[]>(onKey, []));
    this.#off = new Set(memory.get<string[]>(offKey, []));
    const { workspace, window } = vscode;
    const { config, model, focus, pauses, watch, preambles } = around;
    const updateAll = pauses.timed('other', () => this.#updateAll());
    this.#store.add(window.onDidChangeVisibleTextEditors(updateAll));
    this.#store.add(focus.onDidChange(updateAll));
    this.#store.add(
      window.onDidChangeTextEditorVisibleRanges(
        pauses.timed('scroll', ({ textEditor }) => this.#documents.get(keyOf(textEditor.document))?.scrolled()),
      ),
    );
    this.#store.add(
      workspace.onDidChangeTextDocument(pauses.timed('edit', event => this.#documents.get(keyOf(event.document))?.edited(event))),
    );
    this.#store.add(workspace.onDidSaveTextDocument(pauses.timed('other', document => this.#justSaved(document))));
    this.#store.add(workspace.onDidOpenTextDocument(updateAll));
    this.#store.add(workspace.onDidCloseTextDocument(pauses.timed('other', document => this.#closed(document))));
    this.#store.add(
      workspace.onDidRenameFiles(({ files }) => {
        for (const file of files) this.#renamed(file.oldUri.toString(), file.newUri.toString());
      }),
    );
    this.#store.add(
      watch.onDidChange(
        pauses.timed('other', () => {
          for (const scored of this.#documents.values()) scored.wordsChanged();
        }),
      ),
    );
    this.#store.add(preambles.onDidChange(pauses.timed('other', document => this.#documents.get(keyOf(document))?.restart())));
    this.#store.add(model.onDidReplace(() => this.#restartAll()));
    this.#store.add(
      model.onDidAllow(() => {
        for (const scored of this.#documents.values()) scored.memoryAllowed();
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
            'skipFolders',
            'skipSchemes',
          )
        )
          this.#restartAll();
        for (const scored of this.#documents.values()) if (!this.isOn(scored.document)) scored.stop();
        this.#updateAll();
      }),
    );
    this.#updateAll();
  }

  isOn(document: vscode.TextDocument): boolean {
    const key = keyOf(document);
    return (
      this.#on.has(key) ||
      (this.#around.config.autoStart(document.languageId) && !this.#off.has(key) && this.#around.config.skips(document) === undefined)
    );
  }

  setOn(document: vscode.TextDocument, on: boolean): void {
    const key = keyOf(document);
    this.#remember(key, on);
    if (on) this.#startAsked(document);
    else this.#documents.get(key)?.stop();
    this.#changed.fire(document);
  }

  /** Scores what has no current scores now, whatever the setting `scoreOn` says; for documents whose lens is on. */
  rescore(document: vscode.TextDocument): void {
    if (this.isOn(document)) this.#startAsked(document);
  }

  state(document: vscode.TextDocument): LensState {
    if (!this.isOn(document)) return { kind: 'off' };
    return this.#documents.get(keyOf(document))?.state ?? { kind: 'starting' };
  }

  /** Undefined while the lens is off, and until the first tokens are known. */
  view(document: vscode.TextDocument): DocumentView | undefined {
    return this.isOn(document) ? this.#documents.get(keyOf(document))?.view : undefined;
  }

  /** Asks the model about the present text of a document; works with the lens off. */
  async ask<Q extends Question>(
    document: vscode.TextDocument,
    question: Q,
    asked: QuestionParams<Q>,
    signal: AbortSignal,
    options?: AskOptions,
  ): Promise<Answer<Q>> {
    return this.#scored(document).ask(question, asked, signal, options);
  }

  /** What a preamble becomes with the model in use. Rejects with 'no-chat-frame' where the model cannot take one of that kind. */
  async readPreamble(preamble: Preamble, signal: AbortSignal): Promise<PreambleResult> {
    const { model, config } = this.#around;
    const { client, description } = await model.ready(signal);
    const { useStartToken } = config.scoringSettings;
    return client.call('preamble', { model: description.key, preamble, useStartToken }, signal);
  }

  /**
   * Scores a document whether the lens is on for it or not; resolves when no row is pending and the document has not changed since.
   * `anyScheme`: the user has asked for this very document, so the setting Skip Schemes does not keep it from being read.
   */
  async complete(document: vscode.TextDocument, signal?: AbortSignal, anyScheme = false): Promise<DocumentView> {
    return this.#scored(document).complete(signal, anyScheme);
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
    const scored = new ScoredDocument(document, this.#around, () => this.#changed.fire(document));
    this.#documents.set(key, scored);
    return scored;
  }

  #startAsked(document: vscode.TextDocument): void {
    this.#around.model.askAgain();
    this.#scored(document).start({ asked: true });
  }

  /** Documents that are shown start or go on, those that are hidden stop. */
  #updateAll(): void {
    for (const { document } of vscode.window.visibleTextEditors) {
      if (this.isOn(document)) this.#scored(document).start();
    }
    for (const scored of this.#documents.values()) {
      scored.update();
      scored.scrolled();
    }
  }

  #restartAll(): void {
    for (const scored of this.#documents.values()) scored.restart();
  }

  #justSaved(document: vscode.TextDocument): void {
    this.#documents.get(keyOf(document))?.saved();
    if (document.isUntitled) return;
    const { preambles } = this.#around;
    // Saving an untitled document makes a file with its text, saves that, empties the untitled document and closes it.
    for (const untitled of vscode.workspace.textDocuments) {
      const key = keyOf(untitled);
      if (!untitled.isUntitled || !(this.#on.has(key) || this.#off.has(key) || preambles.of(untitled)) || !isSameText(untitled, document))
        continue;
      this.#savedAs.set(key, { file: document, at: performance.now() });
    }
  }

  #closed(document: vscode.TextDocument): void {
    const key = keyOf(document);
    this.#documents.get(key)?.dispose();
    this.#documents.delete(key);
    if (!document.isUntitled) return;
    const saved = this.#savedAs.get(key);
    this.#savedAs.delete(key);
    if (saved && performance.now() - saved.at < savedAsMs && !saved.file.isClosed) {
      this.#around.preambles.follow(document, saved.file);
      if (this.#on.has(key) || this.#off.has(key)) this.setOn(saved.file, this.#on.has(key));
    }
    // The next untitled document gets the same name. A change of language closes a document and opens it again at once.
    queueMicrotask(() => {
      if (vscode.workspace.textDocuments.some(open => keyOf(open) === key)) return;
      if (this.#on.delete(key)) void this.#memory.update(onKey, [...this.#on]);
      if (this.#off.delete(key)) void this.#memory.update(offKey, [...this.#off]);
    });
  }

  #remember(key: string, on: boolean): void {
    (on ? this.#on : this.#off).add(key);
    (on ? this.#off : this.#on).delete(key);
    void this.#memory.update(onKey, [...this.#on]);
    void this.#memory.update(offKey, [...this.#off]);
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
    this.#updateAll();
  }
}

/** White space at the ends of lines may have been trimmed on saving. */
function isSameText(a: vscode.TextDocument, b: vscode.TextDocument): boolean {
  const trimmed = (document: vscode.TextDocument) =>
    document
      .getText()
      .split('\n')
      .map(line => line.trimEnd())
      .join('\n')
      .trimEnd();
  return trimmed(a) === trimmed(b);
}

function keyOf(document: vscode.TextDocument): string {
  return document.uri.toString();
}
