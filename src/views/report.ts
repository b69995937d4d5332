import * as vscode from 'vscode';
import type { Config } from '../config';
import { rowsWithin, textReport } from '../core/documentReport';
import type { KindSum } from '../core/documentReport';
import { summaryByKind } from '../core/leaveOut';
import { isSameMeasure } from '../core/legend';
import { regionKinds } from '../core/regions';
import type { Span } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { DocumentView } from '../documentView';
import { Excerpt } from '../excerpt';
import type { LeftOut } from '../leftOut';
import type { Looks } from '../looks';
import { setStatusBarMessage, showInformationMessage } from '../notices';
import type { Pauses } from '../pauses';
import type { ReadingCheck } from '../readingCheck';
import type { ScoredDocuments } from '../scoredDocuments';
import type { WindowFocus } from '../windowFocus';
import { chooseTexts } from './comparePick';
import { chooseModelFolder } from './failures';
import { kindInWords } from './leftOutPick';
import { activeEditor, PlaceMark } from './places';
import { provenanceInWords } from './preambleWords';
import { fromReport } from './reportProtocol';
import type { FromReport, ReportMessage, ReportNumbers, ToReport } from './reportProtocol';
import { comparedNumbers, documentNumbers } from './reportState';
import type { ReportedText, ReportFrame } from './reportState';
import { errorInWords, stateInWords } from './stateInWords';
import { WebPages, type Asked } from './webPages';

/** A selection that grows by a key that is held down, and scores that come, are reported when they rest for so long. */
const debounceMs = 150;
const wholeDocument: Span = { start: 0, end: Infinity };

/** What the page is about: the active document, or two texts side by side. */
type Subject = { readonly kind: 'active' } | ComparedTexts;
interface ComparedTexts {
  readonly kind: 'compared';
  readonly first: Excerpt;
  readonly second: Excerpt;
}

export interface ReportParts {
  readonly scored: Pick<ScoredDocuments, 'complete' | 'completeView' | 'isOn' | 'onDidChange' | 'state' | 'view'>;
  readonly config: Config;
  readonly looks: Pick<Looks, 'of' | 'onDidChange' | 'tokenEdges'>;
  readonly focus: WindowFocus;
  readonly pauses: Pauses;
  readonly reading: ReadingCheck;
  readonly leftOut: Pick<LeftOut, 'ensure' | 'onDidChange' | 'regions'>;
}

/** The report of the active document and its selection, or of two texts: computed while the page can be seen, when the text has come to rest. */
export class ReportView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: ReportParts;
  readonly #page: WebPages<ToReport, FromReport>;
  readonly #mark = this.#store.add(new PlaceMark({ outline: '1px solid', outlineColor: new vscode.ThemeColor('focusBorder') }));
  #subject: Subject = { kind: 'active' };
  #editor: vscode.TextEditor | undefined;
  /** Documents that a report was asked for: they are scored with the lens off, too. */
  readonly #asked = new WeakSet<vscode.TextDocument>();
  #remembered: Excerpt | undefined;
  /** What the numbers on the page are of, in the order of its texts. */
  #shown: readonly { readonly document: vscode.TextDocument; readonly text: string }[] = [];
  /** The document or the pair whose scores are awaited: while rows keep arriving, nothing is asked again. */
  #awaited: vscode.TextDocument | Subject | undefined;
  /** What could not be scored, and why: it is not tried again before somebody asks, or something has changed. */
  #failed: { readonly of: vscode.TextDocument | Subject; readonly state: ReportMessage } | undefined;
  /** VS Code has closed one of its files while it was scored, and it was opened again: that is not done twice. */
  #reopened: ComparedTexts | undefined;
  /** What speaks for an update of the page since the last one. */
  readonly #changed = new Set<vscode.TextDocument | 'all'>();
  /** The window had lost the focus when there was something to do. */
  #isOwed = false;
  /** Counts updates: an answer to an older one is not shown. */
  #update = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(extensionUri: vscode.Uri, parts: ReportParts) {
    this.#parts = parts;
    const { scored, config, looks, focus, reading, leftOut } = parts;
    const { window, workspace } = vscode;
    this.#page = this.#store.add(
      new WebPages<ToReport, FromReport>(
        extensionUri,
        { type: 'tokenLens.report', name: 'report', title: () => vscode.l10n.t('Report'), place: 'beside', read: fromReport },
        { appeared: () => this.#scheduleUpdate(), message: message => void this.#receive(message) },
      ),
    );
    this.#store.add(window.onDidChangeActiveTextEditor(editor => this.#follow(editor)));
    this.#store.add(
      window.onDidChangeTextEditorSelection(({ textEditor }) => textEditor === window.activeTextEditor && this.#follow(textEditor)),
    );
    this.#store.add(
      workspace.onDidChangeTextDocument(event => {
        for (const excerpt of this.#excerpts) excerpt.edited(event);
        if (!this.#isAbout(event.document)) return;
        this.#failed = undefined;
        this.#schedule(event.document);
      }),
    );
    this.#store.add(workspace.onDidCloseTextDocument(document => this.#scoresChanged(document)));
    this.#store.add(scored.onDidChange(document => this.#scoresChanged(document)));
    this.#store.add(looks.onDidChange(() => this.#schedule()));
    this.#store.add(leftOut.onDidChange(document => this.#scoresChanged(document)));
    this.#store.add(reading.onDidDecide(({ document }) => this.#isAbout(document) && this.#schedule(document)));
    this.#store.add(
      config.onDidChange(() => {
        this.#failed = undefined;
        this.#schedule();
      }),
    );
    this.#store.add(focus.onDidChange(() => this.#isOwed && this.#scheduleUpdate()));
    this.#editor = window.activeTextEditor;
  }

  /** The report of the active document, which is scored for it where it is not yet. */
  showReport(): void {
    const editor = activeEditor();
    if (!editor) return;
    this.#asked.add(editor.document);
    this.#failed = undefined;
    this.#subject = { kind: 'active' };
    this.#editor = editor;
    this.#page.show();
    this.#schedule();
  }

  /** The same, for what is selected: it has a column of its own beside the document's. */
  measureSelection(): void {
    const editor = vscode.window.activeTextEditor;
    if (!editor || editor.selections.every(({ isEmpty }) => isEmpty))
      return void showInformationMessage(vscode.l10n.t('Select the text to be measured first.'));
    this.showReport();
  }

  /** Asks for two texts and shows them side by side, or remembers one. */
  async compare(): Promise<void> {
    const editor = activeEditor();
    if (!editor) return;
    const choice = await chooseTexts(editor, this.#remembered, this.#parts.config);
    if (!choice) return;
    if (choice.kind === 'remember') {
      this.#remembered = choice.excerpt;
      void setStatusBarMessage(vscode.l10n.t('Remembered until the window is closed.'), 4_000, 'pin');
      return;
    }
    this.#subject = { kind: 'compared', first: choice.first, second: choice.second };
    this.#page.show();
    this.#post(busy(vscode.l10n.t('Comparing two texts'), vscode.l10n.t('What is not scored yet is scored now.')));
    this.#schedule();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#store.dispose();
  }

  get #excerpts(): readonly Excerpt[] {
    const compared = this.#subject.kind === 'compared' ? [this.#subject.first, this.#subject.second] : [];
    return [...new Set([...compared, ...(this.#remembered ? [this.#remembered] : [])])];
  }

  #isAbout(document: vscode.TextDocument): boolean {
    const subject = this.#subject;
    if (subject.kind === 'active') return document === this.#editor?.document;
    const address = document.uri.toString();
    return [subject.first, subject.second].some(({ uri }) => uri.toString() === address);
  }

  /** A document was closed, or its scores are others now. */
  #scoresChanged(document: vscode.TextDocument): void {
    if (!this.#isAbout(document)) return;
    this.#changed.add(document);
    // Rows of a document being scored keep arriving: they must not push the timer away.
    if (!this.#timer) this.#scheduleUpdate();
  }

  /**
   * VS Code closes a file that no editor shows after some minutes: to open and score it again would bring the numbers that are on the page.
   * Asked when an update is due, not when it is asked for: a document may be closed in between, and while its closing is told of it does not
   * count as closed.
   */
  #keepsNumbers(): boolean {
    if (this.#subject.kind !== 'compared' || this.#page.last('show')?.state.kind !== 'numbers') return false;
    // With the text that it was closed with: what nobody saw the page follow is not on it.
    const isOnPage = (changed: vscode.TextDocument) =>
      changed.isClosed && this.#shown.some(({ document, text }) => document === changed && text === changed.getText());
    return [...this.#changed].every(changed => changed !== 'all' && isOnPage(changed));
  }

  /** Without an editor the last one stays: the focus may be on the page. */
  #follow(editor: vscode.TextEditor | undefined): void {
    if (!editor || this.#parts.config.skippedSchemes.includes(editor.document.uri.scheme)) return;
    this.#editor = editor;
    if (this.#subject.kind === 'active') this.#schedule();
  }

  /** `changed`: what speaks for other numbers than those that are shown. */
  #schedule(changed: vscode.TextDocument | 'all' = 'all'): void {
    this.#changed.add(changed);
    this.#scheduleUpdate();
  }

  #scheduleUpdate(): void {
    clearTimeout(this.#timer);
    if (!this.#page.isVisible) {
      this.#timer = undefined;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isOwed = this.#parts.focus.isPaused;
      if (!this.#page.isVisible || this.#isOwed || this.#keepsNumbers()) return;
      const subject = this.#subject;
      if (subject === this.#awaited) return;
      this.#changed.clear();
      if (subject === this.#failed?.of) return this.#post(this.#failed.state);
      const update = ++this.#update;
      if (subject.kind === 'compared') void this.#compareNow(subject, update);
      else this.#parts.pauses.time('other', () => this.#reportNow());
    }, debounceMs);
  }

  #reportNow(): void {
    const { scored } = this.#parts;
    const editor = this.#editor;
    if (!editor || editor.document.isClosed) {
      this.#post(message(vscode.l10n.t('No text to report on'), vscode.l10n.t('Open a file: the report is of the active one.')));
      return;
    }
    const { document } = editor;
    const view = scored.completeView(document.uri.toString());
    if (view) return this.#post(this.#activeNumbers(editor, view), [document]);
    const state = scored.state(document);
    if (state.kind === 'off') {
      if (document === this.#failed?.of) this.#post(this.#failed.state);
      else if (this.#asked.has(document)) void this.#scoreAsked(document);
      else
        this.#post(
          message(
            vscode.l10n.t('The lens is off for this document'),
            vscode.l10n.t('Turn it on, or run the command Token Lens: Show Report again, to have it scored.'),
          ),
        );
      return;
    }
    const { headline, text } = stateInWords(state);
    if (state.kind === 'refused' || state.kind === 'failed') return this.#post(message(headline, text));
    this.#postWaiting([document], { ...message(headline, text), busy: state.kind === 'starting' || state.kind === 'scoring' });
  }

  /** With the lens off nothing else brings the scores. */
  async #scoreAsked(document: vscode.TextDocument): Promise<void> {
    if (this.#awaited === document) return;
    this.#awaited = document;
    this.#postWaiting([document], busy(vscode.l10n.t('scoring'), vscode.l10n.t('The report is made when every token has its score.')));
    try {
      await this.#parts.scored.complete(document);
      this.#schedule();
    } catch (error) {
      this.#failed = { of: document, state: problem(error) };
      this.#schedule();
    } finally {
      if (this.#awaited === document) this.#awaited = undefined;
    }
  }

  async #compareNow(subject: ComparedTexts, update: number): Promise<void> {
    const { scored, pauses } = this.#parts;
    const { first, second } = subject;
    this.#awaited = subject;
    const documents: vscode.TextDocument[] = [];
    try {
      for (const excerpt of [first, second]) {
        const document = await excerpt.open();
        if (!document) {
          if (update === this.#update) this.#post(gone());
          return;
        }
        documents.push(document);
      }
      if (update !== this.#update) return;
      if (documents.some(({ uri }) => !scored.completeView(uri.toString())))
        this.#postWaiting(documents, busy(vscode.l10n.t('Comparing two texts'), vscode.l10n.t('What is not scored yet is scored now.')));
      for (const document of documents) await scored.complete(document);
    } catch (error) {
      if (!this.#mayReopen(subject, documents)) this.#failed = { of: subject, state: problem(error) };
      this.#schedule();
      return;
    } finally {
      if (this.#awaited === subject) this.#awaited = undefined;
    }
    if (update !== this.#update) return;
    pauses.time('other', () => {
      const texts = [first, second].map((excerpt, index) => ({ excerpt, document: documents[index] }));
      const found = texts.flatMap(({ excerpt, document }) => {
        const view = document && scored.completeView(document.uri.toString());
        return view ? [{ excerpt, document, view }] : [];
      });
      const [one, two] = found;
      if (!one || !two) {
        // Edited or closed while the other was scored.
        if (documents.some(({ isClosed }) => isClosed) && !this.#mayReopen(subject, documents))
          this.#failed = { of: subject, state: gone() };
        return this.#schedule();
      }
      if (!isSameMeasure(one.view.provenance, two.view.provenance)) {
        this.#post(
          message(
            vscode.l10n.t('These numbers cannot be compared'),
            vscode.l10n.t('The two texts were scored by different models or with different settings.'),
          ),
        );
        return;
      }
      const text = ({ excerpt, document, view }: typeof one) => this.#reported(document, view, excerpt.name, excerpt.span);
      this.#post(comparedNumbers(text(one), text(two), this.#frame(one.view, one.document, two.document)), documents);
    });
  }

  /** True once for each pair, where a document of it was closed. */
  #mayReopen(subject: ComparedTexts, documents: readonly vscode.TextDocument[]): boolean {
    if (this.#reopened === subject || documents.every(({ isClosed }) => !isClosed)) return false;
    this.#reopened = subject;
    return true;
  }

  #activeNumbers({ document, selections }: vscode.TextEditor, view: DocumentView): ReportNumbers {
    const selected = selections.find(({ isEmpty }) => !isEmpty);
    const span = selected && { start: document.offsetAt(selected.start), end: document.offsetAt(selected.end) };
    const name = new Excerpt(document).name;
    const selection = span && this.#reported(document, view, vscode.l10n.t('Selection'), span);
    return documentNumbers(this.#reported(document, view, name, undefined), selection, this.#frame(view, document));
  }

  #reported(document: vscode.TextDocument, view: DocumentView, name: string, span: Span | undefined): ReportedText {
    const edges = this.#parts.looks.tokenEdges(document);
    const where = span ?? wholeDocument;
    return {
      document,
      name,
      span,
      edges,
      report: textReport(view.table, document.getText(), where, edges),
      kinds: this.#kindSums(document, view, where),
    };
  }

  /** Empty until it is known where the kinds are: the report is made again then. */
  #kindSums(document: vscode.TextDocument, { table }: DocumentView, span: Span): readonly KindSum[] {
    const { leftOut } = this.#parts;
    const regions = leftOut.regions(document);
    if (!regions) {
      // `onDidChange` tells when they are there; where they cannot be made, there is nothing to say.
      void leftOut.ensure(document).catch(() => undefined);
      return [];
    }
    const parts = summaryByKind(table, regions, ...rowsWithin(table, span));
    if (regionKinds.every(kind => parts[kind].tokens === 0)) return [];
    const labelled = [
      ...regionKinds.map(kind => [kindInWords(kind).label, parts[kind]] as const),
      [vscode.l10n.t('All the rest'), parts.rest] as const,
    ];
    return labelled.map(([label, { tokens, bits, scoredBytes }]) => ({
      label,
      tokens,
      totalBits: bits,
      bitsPerByte: scoredBytes > 0 ? bits / scoredBytes : null,
    }));
  }

  /** Of the first text, whose view this is, with what may be said of any. */
  #frame(view: DocumentView, first: vscode.TextDocument, ...others: readonly vscode.TextDocument[]): ReportFrame {
    const { provenance, modelName, usualBitsPerByte } = view;
    return {
      modelName,
      usual: usualBitsPerByte,
      noise: provenance.noiseFloorBits,
      reading: [first, ...others].map(document => this.#parts.reading.noteOf(document)).find(note => note !== undefined),
      palette: this.#parts.looks.of(first).palette,
      provenance: provenanceInWords(provenance),
    };
  }

  /** Numbers of the same texts stay until newer ones are there. */
  #postWaiting(documents: readonly vscode.TextDocument[], otherwise: ReportMessage): void {
    const state = this.#page.last('show')?.state;
    const isSame =
      documents.length === this.#shown.length && documents.every((document, index) => document === this.#shown[index]?.document);
    if (state?.kind === 'numbers' && isSame) {
      if (!state.updating) this.#page.post({ kind: 'show', state: { ...state, updating: true } });
    } else this.#post(otherwise);
  }

  #post(state: ReportMessage | ReportNumbers, documents: readonly vscode.TextDocument[] = []): void {
    this.#shown = documents.map(document => ({ document, text: document.getText() }));
    this.#page.post({ kind: 'show', state });
  }

  async #receive(message: Asked<FromReport>): Promise<void> {
    if (message.kind === 'chooseModel') {
      return chooseModelFolder();
    }
    if (message.kind === 'goOn') return; // this page asks nothing
    // The two columns of one document are one text.
    const place = this.#shown[message.text] ?? (this.#subject.kind === 'active' ? this.#shown[0] : undefined);
    if (!place) return;
    const document = await new Excerpt(place.document).open();
    if (document?.getText() !== place.text) {
      void setStatusBarMessage(vscode.l10n.t('The text has changed since this report was made.'), 4_000);
      return;
    }
    await this.#go(document, message);
  }

  async #go(document: vscode.TextDocument, { start, end }: Span): Promise<void> {
    const shown = vscode.window.visibleTextEditors.find(editor => editor.document === document);
    const viewColumn = shown?.viewColumn ?? vscode.ViewColumn.One;
    const editor = await vscode.window.showTextDocument(document, { viewColumn });
    const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
    // What is selected has a column of its own in the report: that is not to go away by looking at one of its places.
    if (editor.selections.every(({ isEmpty }) => isEmpty)) editor.selection = new vscode.Selection(range.start, range.start);
    this.#mark.show([editor], range);
  }
}

function message(headline: string, text: string): ReportMessage {
  return { kind: 'message', headline, text, busy: false, goOn: undefined };
}

function busy(headline: string, text: string): ReportMessage {
  return { ...message(headline, text), busy: true };
}

function gone(): ReportMessage {
  return message(vscode.l10n.t('One of the two texts is gone'), vscode.l10n.t('Its document was closed or deleted.'));
}

function problem(error: unknown): ReportMessage {
  return message(vscode.l10n.t('this document is not scored'), errorInWords(error, 'toggle'));
}
