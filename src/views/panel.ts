import * as vscode from 'vscode';
import type { Scratch } from '../core/scratch';
import { shownPart } from '../core/surprises';
import { DisposableStore, type Disposable } from '../disposable';
import type { Config } from '../config';
import type { ExampleNotes } from '../exampleNotes';
import type { Looks } from '../looks';
import { showInformationMessage } from '../notices';
import type { ReadingCheck } from '../readingCheck';
import type { ScoredDocuments } from '../scoredDocuments';
import type { Pauses } from '../pauses';
import type { WindowFocus } from '../windowFocus';
import type { NextAnswer } from '../documentView';
import type { LastingMemory } from '../lastingMemory';
import { ModelError } from '../model/errors';
import { copyContinuation, insertContinuation } from './insertContinuation';
import { PanelAnswers, type Place } from './panelAnswers';
import { PanelFutures } from './panelFutures';
import { fromPanel, type ContinuationAct, type FromPanel, type PanelState, type ToPanel } from './panelProtocol';
import { PanelScratch } from './panelScratch';
import { peakAt } from './panelState';
import { showSpan } from './places';
import { failureInWords, refusalInWords } from './stateInWords';
import { WebPages, type Asked, type OpenPage } from './webPages';

/** The cursor rests this long before anything is computed: a key that is held down asks once. */
const debounceMs = 50;
/** Where a continuation is kept between two starts of the window. */
const continuationKey = 'tokenLens.continuation';
/** Parts of the workbench that are text editors but not text the user looks at while the panel is open. */
const toolSchemes: ReadonlySet<string> = new Set(['output', 'comment', 'vscode-scm']);

export interface PanelParts {
  readonly scored: ScoredDocuments;
  /** `topCount`: rows shown, at most. */
  readonly config: Pick<Config, 'topCount' | 'scoringSettings'>;
  readonly looks: Pick<Looks, 'of' | 'tokenEdges'>;
  readonly focus: WindowFocus;
  readonly pauses: Pauses;
  readonly reading: ReadingCheck;
  readonly notes: Pick<ExampleNotes, 'of' | 'onDidChange'>;
}

/** Shows the next-token distribution at the cursor in a panel beside the text and in a docked view; computes only while one is visible, in a window that has the focus. */
export class PanelView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #pages: WebPages<ToPanel, FromPanel>;
  /** Pages that need all probabilities of a place. */
  readonly #wantingRow = new WeakSet<OpenPage<ToPanel>>();
  readonly #answers: PanelAnswers<vscode.TextDocument>;
  readonly #scratch: PanelScratch<vscode.TextDocument>;
  readonly #futures: PanelFutures<vscode.TextDocument>;
  readonly #scored: Pick<ScoredDocuments, 'view' | 'ask'>;
  readonly #focus: WindowFocus;
  readonly #pauses: Pauses;
  readonly #chosen = this.#store.add(new vscode.EventEmitter<{ readonly kind: 'insert' | 'close'; readonly passage: number }>());
  /** What a reader wants of the passage that is shown. */
  readonly onDidChoose = this.#chosen.event;
  /** Shown in place of the distribution. */
  #instead: PanelState | undefined;
  #editor: vscode.TextEditor | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A continuation is on its way into its document. */
  #isInserting = false;

  constructor(extensionUri: vscode.Uri, { scored, config, looks, focus, pauses, reading, notes }: PanelParts, memory: LastingMemory) {
    const { window, workspace } = vscode;
    this.#scored = scored;
    this.#focus = focus;
    this.#pauses = pauses;
    this.#pages = this.#store.add(
      new WebPages<ToPanel, FromPanel>(
        extensionUri,
        {
          type: 'tokenLens.panel',
          name: 'panel',
          title: () => vscode.l10n.t('Next token'),
          place: 'beside',
          dockedView: 'tokenLens.panelView',
          read: fromPanel,
          keepsPosted: true,
        },
        {
          appeared: () => this.#schedule(),
          ready: page => this.#wantingRow.delete(page), // it says what it wants after this
          message: (message, page) => this.#receive(message, page),
          restored: () => undefined,
        },
      ),
    );
    const textBetween = (document: vscode.TextDocument, start: number, end: number) =>
      document.getText(new vscode.Range(document.positionAt(start), document.positionAt(end)));
    this.#scratch = new PanelScratch(
      {
        textBefore: (document, offset) => textBetween(document, 0, offset),
        nameOf: document => document.uri.toString(),
        settings: () => {
          const { contextTokens, overlapTokens, anchors, useStartToken } = config.scoringSettings;
          return [contextTokens, overlapTokens, anchors, useStartToken];
        },
        memory: { read: () => memory.get(continuationKey), write: kept => void memory.update(continuationKey, kept) },
      },
      message => this.#pages.post(message),
    );
    this.#futures = new PanelFutures(
      {
        futures: (document, asked, signal) => scored.ask(document, 'futures', asked, signal),
        textBetween,
        refusalInWords,
        failureInWords: failure => failureInWords(failure, 'sample'),
        time: work => pauses.time('cursor', work),
      },
      message => this.#pages.post(message),
    );
    this.#answers = new PanelAnswers(
      {
        state: document => scored.state(document),
        view: document => scored.view(document),
        isOn: document => scored.isOn(document),
        next: (place, signal) => this.#next(place, signal),
        chain: ({ document, offset, after }, texts, signal) => scored.ask(document, 'chain', { offset, after, texts }, signal),
        textBetween,
        bandEdges: document => looks.tokenEdges(document),
        palette: document => looks.of(document).palette,
        readingNote: document => reading.noteOf(document),
        exampleNote: document => notes.of(document),
        topCount: () => config.topCount,
        wantsWholeRow: () => this.#pages.visible.some(page => this.#wantingRow.has(page)),
        refusalInWords,
        failureInWords,
        time: work => pauses.time('cursor', work),
      },
      message => this.#pages.post(message),
    );
    this.#store.add(window.onDidChangeActiveTextEditor(editor => this.#follow(editor)));
    this.#store.add(
      window.onDidChangeTextEditorSelection(event => event.textEditor === window.activeTextEditor && this.#follow(event.textEditor)),
    );
    this.#store.add(
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) {
          this.#scratch.edited(document);
          this.#futures.edited(document, Math.min(...contentChanges.map(change => change.rangeOffset)));
        }
        if (this.#isShown(document)) this.#schedule();
      }),
    );
    this.#store.add(
      workspace.onDidCloseTextDocument(document => {
        this.#futures.closed(document);
        if (this.#isShown(document)) this.#schedule();
      }),
    );
    // Rows of a document being scored keep arriving: they must not push the timer away.
    this.#store.add(scored.onDidChange(document => this.#isShown(document) && !this.#timer && this.#schedule()));
    this.#store.add(notes.onDidChange(document => this.#isShown(document) && this.#schedule()));
    this.#store.add(reading.onDidDecide(({ document }) => this.#isShown(document) && this.#schedule()));
    this.#store.add(focus.onDidChange(() => this.#schedule()));
    this.#follow(window.activeTextEditor);
  }

  /** Opens the panel beside the text, or brings it to the front; the text keeps the focus. */
  show(): void {
    this.#pages.show();
    this.#schedule();
  }

  /** The editor whose places it shows, as long as that can be seen: the last one that had the focus, which the panel may have itself. */
  get editor(): vscode.TextEditor | undefined {
    return vscode.window.visibleTextEditors.find(editor => editor === this.#editor);
  }

  /** Shows something in place of the distribution, where the panel can be seen already or else beside the text; undefined: the distribution again. */
  showInstead(state: PanelState | undefined): void {
    this.#instead = state;
    if (!state) return this.#schedule();
    this.#answers.cancel();
    this.#pages.post({ kind: 'show', state });
    if (!this.#pages.isVisible) this.#pages.show();
  }

  /** Shows the same numbers in another way: for when the look has changed. */
  redraw(): void {
    this.#schedule();
  }

  /** Computes anew: for when the model or a setting has changed. */
  refresh(): void {
    this.#answers.forget();
    this.#futures.forget();
    this.#schedule();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#answers.cancel();
    this.#futures.dispose();
    this.#store.dispose();
  }

  /** Without an editor the last one stays: the focus may be in the panel. */
  #follow(editor: vscode.TextEditor | undefined): void {
    if (!editor || toolSchemes.has(editor.document.uri.scheme)) return;
    this.#editor = editor;
    this.#schedule();
  }

  /** Goes to the most surprising token of the column of the shape that holds this share of the document's tokens. */
  async #reveal(share: number): Promise<void> {
    const document = this.#scratch.document ?? this.#editor?.document;
    const view = document && this.#scored.view(document);
    if (!document || document.isClosed || view?.documentVersion !== document.version) return; // a newer shape is on its way
    const span = peakAt(view.table, share);
    if (span) await showSpan(document, shownPart(document.getText(), span));
  }

  #receive(said: Asked<FromPanel>, page: OpenPage<ToPanel>): void {
    switch (said.kind) {
      case 'wants':
        if (said.wholeRow) this.#wantingRow.add(page);
        else this.#wantingRow.delete(page);
        return this.#schedule();
      case 'reveal':
        return void this.#reveal(said.share);
      case 'insert':
      case 'close':
        return this.#chosen.fire({ kind: said.kind, passage: said.passage });
      case 'find':
        return void this.#answers.find(said, page.post);
      case 'continue':
        return this.#pauses.time('cursor', () => this.#continued(said.root, said.scratch));
      case 'continued':
        return void this.#act(said.act);
      case 'futures': {
        // A page that still shows an older text means the place where the cursor is.
        const place = this.#answers.placeOf(said.place) ?? this.#placeShown();
        if (place) void this.#futures.ask(place, said);
        return;
      }
      case 'stopFutures':
        return this.#futures.stop();
    }
  }

  #isShown(document: vscode.TextDocument): boolean {
    return document === this.#editor?.document || document === this.#scratch.document;
  }

  /** An answer that does not agree with the continuation is not shown: the panel goes back to the cursor. */
  async #next(place: Place<vscode.TextDocument>, signal: AbortSignal): Promise<NextAnswer> {
    const { document, offset, after } = place;
    const leave = () => {
      this.#answers.cancel();
      this.#schedule();
    };
    try {
      const answer = await this.#scored.ask(document, 'next', { offset, after }, signal);
      if (!signal.aborted && this.#scratch.recall(document, answer)) this.#schedule();
      if (!signal.aborted && !this.#scratch.agrees({ place, answer })) leave();
      return answer;
    } catch (error) {
      // Its ids are none of the model that has come meanwhile.
      if (!signal.aborted && after.length > 0 && ModelError.from(error).code === 'bad-argument') {
        this.#scratch.replaced();
        leave();
      }
      throw error;
    }
  }

  #continued(root: number, scratch: Scratch): void {
    const isTaken = root === this.#answers.root && this.#scratch.take(scratch, this.#answers.origin);
    if (isTaken) this.#update();
    else this.#scratch.tellAgain();
  }

  async #act(act: ContinuationAct): Promise<void> {
    const edit = this.#scratch.edit();
    if (!edit) {
      this.#scratch.tellAgain();
      return;
    }
    if (act === 'copy') return copyContinuation(edit);
    if (act === 'insert' && !edit.holds) {
      this.#scratch.tellAgain();
      const text = vscode.l10n.t('The text before the continuation has changed, so nothing was inserted.');
      return void showInformationMessage(text);
    }
    if (act === 'insert') {
      if (this.#isInserting) return; // pressed twice
      this.#isInserting = true;
      const editor = await insertContinuation(edit).finally(() => (this.#isInserting = false));
      if (!editor) {
        this.#scratch.tellAgain();
        return;
      }
      this.#editor = editor;
    }
    this.#scratch.end();
    this.#update();
  }

  #placeShown(): Place<vscode.TextDocument> | undefined {
    return this.#scratch.placeFor(this.#editor && placeOfCursor(this.#editor));
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pauses.time('cursor', () => this.#update()), debounceMs);
  }

  #update(): void {
    this.#timer = undefined;
    if (this.#instead) return; // pages that appear are told it once more
    if (!this.#pages.isVisible || this.#focus.isPaused) return this.#answers.cancel();
    if (this.#editor?.document.isClosed) this.#editor = undefined;
    const view = this.#editor && this.#scored.view(this.#editor.document);
    if (this.#editor && view) this.#scratch.recall(this.#editor.document, view);
    const place = this.#placeShown();
    this.#futures.moved(place);
    this.#answers.update(place);
  }
}

function placeOfCursor({ document, selection }: vscode.TextEditor): Place<vscode.TextDocument> {
  return { document, version: document.version, offset: document.offsetAt(selection.active), after: [] };
}
