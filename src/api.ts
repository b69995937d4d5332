import * as vscode from 'vscode';
import type { Config } from './config';
import { scoredCells, summaryOf, tokenScores } from './core/report';
import type { DocumentScores } from './core/report';
import type { DocumentView } from './scoredDocument';
import type { ScoredDocuments } from './scoredDocuments';

/** What `activate()` returns to other extensions: plain JSON throughout. A new `version` means that something was taken away or changed its meaning. */
export interface TokenLensApi {
  readonly version: 1;
  /** Scores a document whether the lens is on for it or not. Rejects with an Error whose message says what to do. */
  score(uri: string | vscode.Uri): Promise<DocumentScores>;
  /** What is known now; undefined unless every token of the document's present version is scored. */
  scores(uri: string | vscode.Uri): DocumentScores | undefined;
  /** The URI of a document whose scores became complete. */
  readonly onDidChangeScores: vscode.Event<string>;
}

export type { DocumentScores };

export function createApi(scored: ScoredDocuments, config: Config, store: { add<T extends vscode.Disposable>(item: T): T }): TokenLensApi {
  const changed = store.add(new vscode.EventEmitter<string>());
  store.add(
    scored.onDidChange(document => {
      const uri = document.uri.toString();
      if (scored.completeView(uri)) changed.fire(uri);
    }),
  );
  const toScores = (document: vscode.TextDocument, view: DocumentView): DocumentScores => ({
    uri: view.uri,
    documentVersion: view.documentVersion,
    provenance: view.provenance,
    tokens: tokenScores(view.table),
    cells: scoredCells(view.cells, config.bandEdges(document)),
    summary: view.summary ?? summaryOf(view.table, 0),
  });
  return {
    version: 1,
    score: async uri => {
      const document = await vscode.workspace.openTextDocument(toUri(uri));
      return toScores(document, await scored.complete(document));
    },
    scores: uri => {
      const key = toUri(uri).toString();
      const view = scored.completeView(key);
      const document = vscode.workspace.textDocuments.find(open => open.uri.toString() === key);
      return view && document ? toScores(document, view) : undefined;
    },
    onDidChangeScores: changed.event,
  };
}

function toUri(uri: string | vscode.Uri): vscode.Uri {
  return typeof uri === 'string' ? vscode.Uri.parse(uri, true) : uri;
}
