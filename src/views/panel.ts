import * as vscode from 'vscode';
import type { BandEdges } from '../core/band';
import { noCells } from '../core/cells';
import { distributionOfLogProbabilities, distributionOfRow } from '../core/distribution';
import { piecesOfBytes, type TokenPieces } from '../core/vocabulary';
import { DisposableStore, type Disposable } from '../disposable';
import { ModelError, type ModelErrorCode } from '../model/errors';
import type { DocumentView, NextAnswer, ScoredDocumentsContract } from '../scoredDocuments.contract';
import { askingMessage, failureMessage, loadingMessage, noEditorMessage, refusalMessage } from './panelMessages';
import { PanelPages } from './panelPages';
import type { PanelState } from './panelProtocol';
import { panelDistribution, rowBeginningAt, shapeOf, textRuns, type PanelAnswer } from './panelState';

/** The cursor rests this long before anything is computed: a key that is held down asks once. */
const debounceMs = 50;
const beforeLength = 160;
/** Longer pieces of typed text are shown by their end. */
const typedLength = 40;
/** Parts of the workbench that are text editors but not text the user looks at while the panel is open. */
const toolSchemes: ReadonlySet<string> = new Set(['output', 'comment', 'vscode-scm']);

export interface PanelConfig {
  bandEdges(document: vscode.TextDocument): BandEdges;
  /** Rows shown, at most. */
  readonly topCount: number;
}

/** Where the question is asked. Two places are the same when text and cursor are. */
interface Place {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly offset: number;
}

/** Shows the next-token distribution at the cursor in a panel beside the text and in a docked view; computes only while one is visible. */
export class PanelView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: ScoredDocumentsContract;
  readonly #config: PanelConfig;
  readonly #pages: PanelPages;
  #editor: vscode.TextEditor | undefined;
  #timer: NodeJS.Timeout | undefined;
  #run: { readonly place: Place; readonly abort: AbortController } | undefined;
  /** What the model said last, so that rows arriving elsewhere in the document do not make it say it again. */
  #outcome: { readonly place: Place; readonly result: NextAnswer | ModelErrorCode } | undefined;
  #shownDocument: vscode.TextDocument | undefined;
  #modelName: string | undefined;

  constructor(extensionUri: vscode.Uri, scored: ScoredDocumentsContract, config: PanelConfig) {
    this.#scored = scored;
    this.#config = config;
    this.#pages = this.#store.add(new PanelPages(extensionUri, () => this.#schedule()));
    const { window, workspace } = vscode;
    this.#store.add(window.onDidChangeActiveTextEditor(editor => this.#follow(editor)));
    this.#store.add(window.onDidChangeTextEditorSelection(({ textEditor }) => textEditor === window.activeTextEditor && this.#follow(textEditor)));
    this.#store.add(workspace.onDidChangeTextDocument(({ document }) => document === this.#editor?.document && this.#schedule()));
    this.#store.add(workspace.onDidCloseTextDocument(document => document === this.#editor?.document && this.#schedule()));
    this.#store.add(scored.onDidChange(document => document === this.#editor?.document && this.#scheduleUnlessScheduled()));
    this.#follow(window.activeTextEditor);
  }

  /** Opens the panel beside the text, or brings it to the front; the text keeps the focus. */
  show(): void {
    this.#pages.show();
    this.#schedule();
  }

  /** Computes anew: for when the model or a setting has changed. */
  refresh(): void {
    this.#outcome = undefined;
    this.#run?.abort.abort();
    this.#run = undefined;
    this.#schedule();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#run?.abort.abort();
    this.#store.dispose();
  }

  /** Without an editor the last one stays: the focus may be in the panel. */
  #follow(editor: vscode.TextEditor | undefined): void {
    if (!editor || toolSchemes.has(editor.document.uri.scheme)) return;
    this.#editor = editor;
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#update(), debounceMs);
  }

  /** Rows of a document being scored keep arriving: they must not push the timer away. */
  #scheduleUnlessScheduled(): void {
    if (!this.#timer) this.#schedule();
  }

  #update(): void {
    this.#timer = undefined;
    if (this.#editor?.document.isClosed) this.#editor = vscode.window.activeTextEditor;
    if (!this.#pages.isVisible) return this.#forgetRun();
    if (!this.#editor) return this.#answered(undefined, noEditorMessage);
    const { document, selection } = this.#editor;
    const place: Place = { document, version: document.version, offset: document.offsetAt(selection.active) };
    const lens = this.#scored.state(document);
    if (lens.kind === 'refused') return this.#answered(document, refusalMessage(lens.reason));
    if (lens.kind === 'failed') return this.#answered(document, failureMessage(lens.error.code));

    const view = this.#scored.isOn(document) ? this.#scored.view(document) : undefined;
    const answer = view?.documentVersion === place.version ? answerOfTable(view, place.offset, this.#config.topCount) : undefined;
    if (answer) return this.#answered(document, this.#stateOf(place, answer, view));
    if (this.#outcome && isSame(this.#outcome.place, place)) {
      const { result } = this.#outcome;
      if (typeof result === 'string') return this.#answered(document, failureMessage(result));
      if (!view || view.provenance.modelHash === result.provenance.modelHash) {
        return this.#answered(document, this.#stateOf(place, this.#answerOfNext(place, result, view), view));
      }
    }
    if (!this.#run || !isSame(this.#run.place, place)) void this.#ask(place, lens.kind === 'starting');
  }

  async #ask(place: Place, starting: boolean): Promise<void> {
    this.#run?.abort.abort();
    const run = { place, abort: new AbortController() };
    this.#run = run;
    this.#showWaiting(place, starting);
    let result: NextAnswer | ModelErrorCode;
    try {
      result = await this.#scored.next(place.document, place.offset, run.abort.signal);
    } catch (error) {
      result = ModelError.from(error).code;
    }
    if (run.abort.signal.aborted) return; // a newer question has its own run
    this.#run = undefined;
    this.#outcome = { place, result };
    this.#update();
  }

  #forgetRun(): void {
    this.#run?.abort.abort();
    this.#run = undefined;
  }

  #answered(document: vscode.TextDocument | undefined, state: PanelState): void {
    this.#forgetRun();
    this.#shownDocument = document;
    this.#pages.post(state);
  }

  /** The previous answer stays while a newer one of the same document is computed. */
  #showWaiting(place: Place, starting: boolean): void {
    const { state } = this.#pages;
    const name = this.#modelName;
    if (state.kind === 'distribution' && this.#shownDocument === place.document) return this.#pages.post({ ...state, updating: true });
    this.#pages.post(starting || name === undefined ? loadingMessage(name) : askingMessage(name));
  }

  #stateOf(place: Place, answer: PanelAnswer, view: DocumentView | undefined): PanelState {
    this.#modelName = answer.modelName;
    const { document, offset } = place;
    const bandEdges = this.#config.bandEdges(document);
    const start = Math.max(0, offset - beforeLength);
    const isCurrent = view?.documentVersion === place.version && view.complete;
    return panelDistribution(answer, {
      ...textRuns(textBetween(document, start, offset), start, view?.cells ?? noCells, bandEdges),
      shape: view && shapeOf(view.table, bandEdges, offset, !isCurrent),
      bandEdges,
    });
  }

  #answerOfNext(place: Place, { result, ...from }: NextAnswer, view: DocumentView | undefined): PanelAnswer {
    const { document, version, offset } = place;
    const typedText = textBetween(document, result.cut, offset);
    const bytes = typedBytes(typedText, result.cut);
    const typed = bytes.length === 0 ? undefined : { bytes, vocabulary: from.vocabulary };
    // The token that follows is known from the table's layout, even while its row has no score; it must reach past the cursor.
    const row = view?.documentVersion === version ? rowBeginningAt(view.table, result.cut) : undefined;
    const actualId = row === undefined || (view?.table.ends[row] ?? 0) <= offset ? undefined : view?.table.ids[row];
    return {
      ...from,
      distribution: distributionOfLogProbabilities(result.logProbabilities, this.#config.topCount, actualId, typed),
      entropyBits: result.entropyBits,
      contextTokens: result.contextTokens,
      typed: typed && typedPieces(typedText, bytes),
    };
  }
}

/** At a border of document tokens: the table's own row for the token that follows, if it has a score. */
function answerOfTable(view: DocumentView, offset: number, topCount: number): PanelAnswer | undefined {
  const { table, vocabulary, modelName, provenance } = view;
  const row = rowBeginningAt(table, offset);
  const distribution = row === undefined ? undefined : distributionOfRow(table, row, topCount);
  if (row === undefined || !distribution) return undefined;
  const entropyBits = table.entropyBits[row] ?? NaN;
  return { distribution, vocabulary, modelName, provenance, entropyBits, contextTokens: table.contextTokens[row] ?? 0, typed: undefined };
}

/** As the model sees it: the scored copy's bytes. */
function typedBytes(text: string, start: number): Uint8Array {
  const withoutMark = start === 0 && text.startsWith('\ufeff') ? text.slice(1) : text;
  return new TextEncoder().encode(withoutMark.replaceAll('\r\n', '\n'));
}

function typedPieces(text: string, bytes: Uint8Array): TokenPieces {
  if (text.length <= typedLength) return piecesOfBytes(bytes);
  return [{ text: '…', glyph: true }, ...piecesOfBytes(new TextEncoder().encode(text.slice(-typedLength)))];
}

function textBetween(document: vscode.TextDocument, start: number, end: number): string {
  return document.getText(new vscode.Range(document.positionAt(start), document.positionAt(end)));
}

function isSame(a: Place, b: Place): boolean {
  return a.document === b.document && a.version === b.version && a.offset === b.offset;
}
