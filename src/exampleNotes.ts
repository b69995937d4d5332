import * as vscode from 'vscode';
import type { Config } from './config';
import { leastContextTokens } from './core/workedExamples';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { Preambles } from './preambles';

/**
 * Sentences about worked examples, for the views beside them. One is true of the text as it was opened, so it goes with the first edit, and of the bundled
 * model on that text alone: while something else reads it, that is said in front.
 */
export class ExampleNotes implements Disposable {
  readonly #store = new DisposableStore();
  readonly #config: Pick<Config, 'modelFolder' | 'scoringSettings'>;
  readonly #preambles: Pick<Preambles, 'of'>;
  readonly #notes = new Map<vscode.TextDocument, string>();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** This document has another sentence now, or none. */
  readonly onDidChange = this.#changed.event;

  constructor(config: Pick<Config, 'modelFolder' | 'scoringSettings' | 'affects' | 'onDidChange'>, preambles: Preambles) {
    this.#config = config;
    this.#preambles = preambles;
    const { workspace } = vscode;
    this.#store.add(
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.#forget(document);
      }),
    );
    this.#store.add(workspace.onDidCloseTextDocument(document => this.#forget(document)));
    this.#store.add(
      preambles.onDidChange(document => {
        if (this.#notes.has(document)) this.#changed.fire(document);
      }),
    );
    this.#store.add(
      config.onDidChange(event => {
        if (!config.affects(event, 'modelFolder', 'contextTokens', 'startToken')) return;
        for (const document of this.#notes.keys()) this.#changed.fire(document);
      }),
    );
  }

  of(document: vscode.TextDocument): string | undefined {
    const note = this.#notes.get(document);
    const other = note === undefined ? undefined : this.#otherReading(document);
    return other === undefined || note === undefined ? note : `${other} ${note}`;
  }

  set(document: vscode.TextDocument, note: string): void {
    this.#notes.set(document, note);
    this.#changed.fire(document);
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** Why the numbers of the sentence are not those of the views; undefined: they are. */
  #otherReading(document: vscode.TextDocument): string | undefined {
    const { contextTokens, useStartToken } = this.#config.scoringSettings;
    if (this.#config.modelFolder !== undefined)
      return vscode.l10n.t('Another model reads this now, so its numbers are others. Of the bundled model this is true:');
    if (this.#preambles.of(document))
      return vscode.l10n.t('This is read after something else now, so its numbers are others. Of the text alone this is true:');
    return contextTokens < leastContextTokens || !useStartToken
      ? vscode.l10n.t('This is read with other settings now, so its numbers are others. With the usual ones this is true:')
      : undefined;
  }

  #forget(document: vscode.TextDocument): void {
    if (this.#notes.delete(document)) this.#changed.fire(document);
  }
}
