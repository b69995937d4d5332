import * as vscode from 'vscode';
import { scoredCells, summaryOf, tokenScores } from './core/report';
import type { DocumentScores } from './core/report';
import type { Span } from './core/scores';
import { isCount, isText, recordOf } from './core/shape';
import type { DocumentView } from './documentView';
import type { Looks } from './looks';
import type { LensModel } from './lensModel';
import type { Measurements } from './model/protocol';
import type { PauseReport, Pauses } from './pauses';
import type { ScoredDocuments } from './scoredDocuments';
import type { TextScorer, TextScores } from './textScores';
import type { PassagePreviews } from './views/passagePreview';

/** What `activate()` returns to other extensions: plain JSON throughout. A new `version` means that something was taken away or changed its meaning. */
export interface TokenLensApi {
  readonly version: 1;
  /** Scores a document whether the lens is on for it or not. Rejects with an Error whose message says what to do. */
  score(uri: string | vscode.Uri): Promise<DocumentScores>;
  /**
   * Scores a text that is in no document, as it would be between `prefix` and `suffix`: its tokens get the numbers that `score` gives them in a
   * document of all three. With a suffix, even an empty one, also what the text changes of its bits. Nothing is opened or changed. Text and suffix may
   * have 50,000 characters together. Rejects with an Error whose message says what to do.
   */
  scoreText(prefix: string, text: string, suffix?: string): Promise<TextScores>;
  /**
   * Shows in the panel what a text would be in an open document, token by token, in place of a span of UTF-16 offsets; nothing is inserted. Resolves when it is
   * shown, or why it cannot be. Rejects where the document is not open or has no such span.
   */
  inspectText(uri: string | vscode.Uri, span: Span, text: string): Promise<void>;
  /** What is known now; undefined unless every token of the document's present version is scored. */
  scores(uri: string | vscode.Uri): DocumentScores | undefined;
  /** The URI of a document whose scores became complete. */
  readonly onDidChangeScores: vscode.Event<string>;
  /** For measurements of this extension, not for use: what is in it may change at any time. Starts no model, and is no work that would keep one in memory. */
  measure(): Promise<LensMeasurements>;
}

export interface LensMeasurements {
  /** Of the model process since it started; undefined while none runs, or none has loaded its model. */
  readonly model: Measurements | undefined;
  /** Of this extension in the extension host, since the call before. */
  readonly host: PauseReport;
}

export type { DocumentScores, TextScores };

const isSpan = recordOf<Span>({ start: isCount, end: isCount });
const wholeDocument: Span = { start: 0, end: Infinity };

export interface ApiParts {
  readonly scored: ScoredDocuments;
  readonly model: LensModel;
  readonly looks: Pick<Looks, 'tokenEdges'>;
  readonly pauses: Pauses;
  readonly texts: TextScorer;
  readonly previews: Pick<PassagePreviews, 'inspect'>;
}

export function createApi(
  { scored, model, looks, pauses, texts, previews }: ApiParts,
  store: { add<T extends vscode.Disposable>(item: T): T },
): TokenLensApi {
  const changed = store.add(new vscode.EventEmitter<string>());
  const told = new WeakSet<DocumentView>();
  store.add(
    scored.onDidChange(document => {
      const uri = document.uri.toString();
      const view = scored.completeView(uri);
      if (!view || told.has(view)) return;
      told.add(view);
      changed.fire(uri);
    }),
  );
  const toScores = (document: vscode.TextDocument, view: DocumentView): DocumentScores => ({
    uri: view.uri,
    documentVersion: view.documentVersion,
    provenance: view.provenance,
    tokens: tokenScores(view.table),
    cells: scoredCells(view.cellsIn(wholeDocument), looks.tokenEdges(document)),
    summary: view.summary ?? summaryOf(view.table, 0),
  });
  return {
    version: 1,
    score: async uri => {
      const document = await vscode.workspace.openTextDocument(toUri(uri));
      return toScores(document, await scored.complete(document));
    },
    scoreText: (prefix, text, suffix) => texts.score(prefix, text, suffix, new AbortController().signal),
    inspectText: async (uri, span, text) => {
      const key = toUri(uri).toString();
      const document = vscode.workspace.textDocuments.find(open => open.uri.toString() === key);
      if (!document) throw new Error('Open the document first: a text is inspected where it would stand.');
      const isAsked = isSpan(span) && span.end >= span.start && span.end <= document.getText().length;
      if (!isAsked) throw new RangeError('A span is a start and an end in the document, as UTF-16 offsets.');
      if (!isText(text)) throw new TypeError('What is inspected is a string of at most a million characters.');
      await previews.inspect(document, new vscode.Range(document.positionAt(span.start), document.positionAt(span.end)), text);
    },
    scores: uri => {
      const key = toUri(uri).toString();
      const view = scored.completeView(key);
      const document = vscode.workspace.textDocuments.find(open => open.uri.toString() === key);
      return view && document ? toScores(document, view) : undefined;
    },
    onDidChangeScores: changed.event,
    measure: async () => ({ model: await model.measure(), host: pauses.report() }),
  };
}

/** The arguments come from other extensions, whatever their types say: VS Code would open a new document for any object. */
function toUri(uri: unknown): vscode.Uri {
  if (uri instanceof vscode.Uri) return uri;
  if (typeof uri === 'string') return vscode.Uri.parse(uri, true);
  throw new TypeError('A document is named by its URI.');
}
