import * as vscode from 'vscode';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';

/** Sentences about worked examples, for the views beside them. One is true of the text as it was opened, so it goes with the first edit. */
export class ExampleNotes implements Disposable {
  readonly #store = new DisposableStore();
  readonly #notes = new Map<vscode.TextDocument, string>();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** This document has another sentence now, or none. */
  readonly onDidChange = this.#changed.event;

  constructor() {
    const { workspace } = vscode;
    this.#store.add(
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.#forget(document);
      }),
    );
    this.#store.add(workspace.onDidCloseTextDocument(document => this.#forget(document)));
  }

  of(document: vscode.TextDocument): string | undefined {
    return this.#notes.get(document);
  }

  set(document: vscode.TextDocument, note: string): void {
    this.#notes.set(document, note);
    this.#changed.fire(document);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #forget(document: vscode.TextDocument): void {
    if (this.#notes.delete(document)) this.#changed.fire(document);
  }
}
