import * as vscode from 'vscode';
import { Drift } from './core/drift';
import type { Span } from './core/scores';

/** A document, or a piece of one that moves with the edits round it. */
export class Excerpt {
  #document: vscode.TextDocument;
  readonly #span: Span | undefined;
  readonly #drift = new Drift();

  /** `range` undefined: the whole document. */
  constructor(document: vscode.TextDocument, range?: vscode.Range) {
    this.#document = document;
    this.#span = range && { start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
  }

  get uri(): vscode.Uri {
    return this.#document.uri;
  }

  get name(): string {
    const { uri } = this.#document;
    return uri.path.split('/').at(-1) ?? uri.path;
  }

  /** Where it is now, in UTF-16 offsets; undefined for a whole document. */
  get span(): Span | undefined {
    return this.#span && { start: this.#drift.now(this.#span.start), end: this.#drift.now(this.#span.end, true) };
  }

  /** VS Code closes files that no editor shows: a whole one is opened again. Undefined where it is gone. */
  async open(): Promise<vscode.TextDocument | undefined> {
    if (!this.#document.isClosed) return this.#document;
    if (this.#span || this.#document.isUntitled) return undefined;
    try {
      this.#document = await vscode.workspace.openTextDocument(this.uri);
      return this.#document;
    } catch {
      return undefined; // deleted, or no longer text
    }
  }

  edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (document !== this.#document || contentChanges.length === 0) return;
    this.#drift.edited(
      contentChanges.map(({ rangeOffset: start, rangeLength, text }) => ({ start, end: start + rangeLength, length: text.length })),
      0,
    );
  }
}
