import * as vscode from 'vscode';
import { medianBitsPerByte, readingMeasure, readingOf } from './core/language';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { DocumentView } from './documentView';
import { setStatusBarMessage } from './notices';
import type { Pauses } from './pauses';
import type { ScoredDocuments } from './scoredDocuments';

/** How long the status bar says it, once for each document. */
const messageMs = 15_000;

/** What was decided of a document: `medianBitsPerByte` of its sentences where the model reads its language badly, else undefined. */
export interface ReadingDecision {
  readonly document: vscode.TextDocument;
  readonly medianBitsPerByte: number | undefined;
}

type Scored = Pick<ScoredDocuments, 'completeView' | 'onDidChange' | 'view'>;

interface Verdict {
  readonly modelHash: string;
  readonly isBad: boolean;
}

/** Whether the model reads the language of a document: decided anew whenever its scores are complete, and kept until they are again. */
export class ReadingCheck implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Scored;
  readonly #pauses: Pauses;
  readonly #verdicts = new WeakMap<vscode.TextDocument, Verdict>();
  readonly #decided = this.#store.add(new vscode.EventEmitter<ReadingDecision>());
  /** A document is read badly, with its newest median, or no longer. */
  readonly onDidDecide = this.#decided.event;
  /** Views that were looked at. */
  readonly #seen = new WeakSet<DocumentView>();
  /** Addresses of documents that somebody was told of in this session. */
  readonly #told = new Set<string>();

  constructor(scored: Scored, pauses: Pauses) {
    this.#scored = scored;
    this.#pauses = pauses;
    // A change of language closes a document and opens it again: it is decided anew then.
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => this.#verdicts.delete(document)));
    this.#store.add(
      scored.onDidChange(document => {
        const view = scored.completeView(document.uri.toString());
        if (!view || this.#seen.has(view)) return;
        this.#seen.add(view);
        // A piece of work of its own: the views are drawing just now.
        setImmediate(() => this.#pauses.time('other', () => this.#decide(document)));
      }),
    );
  }

  /** The sentence for people; undefined where there is nothing to say. */
  noteOf(document: vscode.TextDocument): string | undefined {
    const view = this.#scored.view(document) ?? this.#scored.completeView(document.uri.toString());
    const verdict = this.#verdicts.get(document);
    return view && verdict?.isBad === true && verdict.modelHash === view.provenance.modelHash ? noteText(view.modelName) : undefined;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #decide(document: vscode.TextDocument): void {
    const view = this.#scored.completeView(document.uri.toString());
    if (!view || document.isClosed) return; // edited or turned off meanwhile
    const { table, provenance, usualBitsPerByte } = view;
    const text = document.getText();
    // A model that reads no English either has another note.
    const isBad = provenance.selfCheck !== 'implausible' && readingOf(readingMeasure(table, text), usualBitsPerByte) === 'badly';
    const wasBad = this.#verdicts.get(document)?.isBad === true;
    this.#verdicts.set(document, { modelHash: provenance.modelHash, isBad });
    // Another model, or more text, has another median.
    if (!isBad && !wasBad) return;
    this.#decided.fire({ document, medianBitsPerByte: isBad ? medianBitsPerByte(table, text) : undefined });
    if (isBad) this.#tell(document, view.modelName);
  }

  #tell(document: vscode.TextDocument, modelName: string): void {
    const key = document.uri.toString();
    const isSeen =
      this.#scored.view(document) !== undefined && vscode.window.visibleTextEditors.some(editor => editor.document === document);
    if (!isSeen || this.#told.has(key)) return; // what is scored for a report, or for another extension, is not talked about
    this.#told.add(key);
    this.#store.add(setStatusBarMessage(noteText(modelName), messageMs, 'info'));
  }
}

function noteText(modelName: string): string {
  return vscode.l10n.t('{0} mostly reads English; here its numbers say more about the model than about your text.', modelName);
}
