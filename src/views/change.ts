import * as vscode from 'vscode';
import type { Config } from '../config';
import { changeReport, scoredLines } from '../core/changeReport';
import type { ChangeReport, ScoredLines } from '../core/changeReport';
import { isSameMeasure } from '../core/legend';
import type { Provenance } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Looks } from '../looks';
import { ModelError } from '../model/errors';
import { setStatusBarMessage } from '../notices';
import type { Pauses } from '../pauses';
import type { Preambles } from '../preambles';
import type { ReadingCheck } from '../readingCheck';
import type { ScoredDocuments } from '../scoredDocuments';
import type { WindowFocus } from '../windowFocus';
import { chooseChange, sideName } from './changePick';
import type { ChangeSubject } from './changePick';
import { changeState } from './changeState';
import { chooseModelFolder } from './failures';
import type { LongReading } from './longReading';
import { PlaceMark } from './places';
import { provenanceInWords } from './preambleWords';
import { withProgress } from './progress';
import { fromReport } from './reportProtocol';
import type { FromReport, ReportMessage, ReportState, ToReport } from './reportProtocol';
import { errorInWords } from './stateInWords';
import { WebPages, type Asked } from './webPages';

/** Edits are measured when they have come to rest for so long. */
const debounceMs = 400;
/** VS Code closes texts that no editor shows: one that is closed while it is scored is opened again so often. */
const mostReopened = 2;

/** A text of the change with its scores. */
interface Side {
  /** Undefined: there is no such text. */
  readonly document: vscode.TextDocument | undefined;
  readonly text: string;
  readonly lines: ScoredLines;
  readonly provenance: Provenance | undefined;
  readonly modelName: string;
}

/** What the numbers on the page are of. */
interface Shown {
  readonly subject: ChangeSubject;
  readonly texts: readonly string[];
  readonly report: ChangeReport;
}

export interface ChangeParts {
  readonly scored: Pick<ScoredDocuments, 'complete' | 'completeView'>;
  readonly config: Config;
  readonly looks: Pick<Looks, 'of' | 'onDidChange'>;
  readonly focus: WindowFocus;
  readonly pauses: Pauses;
  readonly reading: Pick<ReadingCheck, 'noteOf' | 'onDidDecide'>;
  readonly preambles: Pick<Preambles, 'onDidChange'>;
  readonly longReading: Pick<LongReading, 'costOf' | 'took' | 'tokensOf'>;
}

/** The page about a change: both sides are scored whole, then the lines that differ are told with what they cost. It follows edits on either side. */
export class ChangeView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: ChangeParts;
  readonly #page: WebPages<ToReport, FromReport>;
  readonly #mark = this.#store.add(new PlaceMark({ isWholeLine: true }));
  #subject: ChangeSubject | undefined;
  #repository: vscode.Disposable | undefined;
  #shown: Shown | undefined;
  /** Something else than the texts has changed: the same texts may have other numbers. */
  #isForced = false;
  /** By the setting `scoreOn`, an edit waits for the document to be saved, or for the command. */
  #isHeld = false;
  /** The window had lost the focus when there was something to do. */
  #isOwed = false;
  #run: AbortController | undefined;
  #reopened = 0;
  /** Whose cost is being asked about, and whose was agreed to. */
  #asking: ChangeSubject | undefined;
  #agreed: ChangeSubject | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(extensionUri: vscode.Uri, parts: ChangeParts) {
    this.#parts = parts;
    const { config, looks, focus, reading, preambles } = parts;
    const { workspace } = vscode;
    this.#page = this.#store.add(
      new WebPages<ToReport, FromReport>(
        extensionUri,
        { type: 'tokenLens.change', name: 'report', title: () => vscode.l10n.t('Change'), place: 'beside', read: fromReport },
        { appeared: () => this.#schedule(), message: message => void this.#receive(message) },
      ),
    );
    this.#store.add(workspace.onDidChangeTextDocument(event => event.contentChanges.length > 0 && this.#edited(event.document)));
    this.#store.add(workspace.onDidSaveTextDocument(document => this.#isAbout(document) && this.#saved()));
    // While nothing shows a text, nobody tells that it has changed: it is opened again, and scored only where it has.
    this.#store.add(workspace.onDidCloseTextDocument(document => this.#isAbout(document) && this.#schedule()));
    this.#store.add(reading.onDidDecide(({ document }) => this.#isAbout(document) && this.#schedule({ forced: true })));
    this.#store.add(looks.onDidChange(() => this.#schedule({ forced: true })));
    this.#store.add(config.onDidChange(() => this.#schedule({ forced: true })));
    this.#store.add(preambles.onDidChange(document => this.#isAbout(document) && this.#schedule({ forced: true })));
    this.#store.add(focus.onDidChange(() => this.#isOwed && this.#schedule()));
  }

  /** Asks which change is meant where several may be, and shows its page. */
  async measure(): Promise<void> {
    const subject = await chooseChange();
    if (!subject) return;
    this.#run?.abort(); // it is of the change before
    this.#repository?.dispose();
    this.#repository = subject.repository?.state.onDidChange(() => this.#schedule());
    this.#subject = subject;
    this.#shown = undefined;
    this.#reopened = 0;
    this.#asking = undefined;
    this.#agreed = undefined;
    this.#isHeld = false;
    this.#page.show();
    this.#draw(busy());
    this.#schedule({ forced: true });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#run?.abort();
    this.#repository?.dispose();
    this.#store.dispose();
  }

  #isAbout(document: vscode.TextDocument): boolean {
    const address = document.uri.toString();
    return [this.#subject?.original, this.#subject?.modified].some(uri => uri?.toString() === address);
  }

  #edited(document: vscode.TextDocument): void {
    if (!this.#isAbout(document)) return;
    const state = this.#state;
    if (state?.kind === 'change' && !state.updating) this.#draw({ ...state, updating: true });
    const { scoreOn } = this.#parts.config;
    // What has no unsaved changes now was changed by another program, or reverted: nobody will save it.
    this.#isHeld = this.#shown !== undefined && (scoreOn === 'command' || (scoreOn === 'save' && document.isDirty));
    if (this.#isHeld) this.#run?.abort();
    else this.#schedule();
  }

  #saved(): void {
    if (this.#parts.config.scoreOn === 'save') this.#isHeld = false;
    this.#schedule();
  }

  #schedule({ forced = false } = {}): void {
    this.#isForced ||= forced;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#subject || !this.#page.isVisible) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isOwed = this.#parts.focus.isPaused;
      const isHeld = this.#isHeld && this.#parts.config.scoreOn !== 'typing';
      if (this.#subject && this.#page.isVisible && !this.#isOwed && !isHeld) void this.#measureNow(this.#subject);
    }, debounceMs);
  }

  /** Never rejects. */
  async #measureNow(subject: ChangeSubject): Promise<void> {
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    const { signal } = run;
    try {
      const documents = await openSides(subject);
      signal.throwIfAborted();
      if (!documents) {
        this.#post(notText());
        return;
      }
      if (!this.#isForced && this.#isShown(subject, documents)) {
        this.#settled();
        return;
      }
      const tokens = this.#tokensToRead(documents);
      const cost = this.#agreed === subject ? undefined : this.#parts.longReading.costOf(tokens);
      this.#asking = cost === undefined ? undefined : subject;
      if (cost !== undefined) {
        this.#post(asking(cost));
        return;
      }
      this.#postWaiting(subject);
      const sides = await this.#sides(documents, tokens, signal);
      signal.throwIfAborted();
      if (!sides) {
        this.#abandon();
        return;
      }
      const { original, modified } = sides;
      const report = await changeReport(original.lines, modified.lines, modified.provenance?.noiseFloorBits ?? null);
      signal.throwIfAborted();
      const isOf = ({ document, text }: Side) => !document || document.getText() === text;
      if (!isOf(original) || !isOf(modified)) return; // edited meanwhile, which has asked for an update
      // Two texts with different preambles; or other settings hold since the first was scored, which has asked for an update.
      if (original.provenance && modified.provenance && !isSameMeasure(original.provenance, modified.provenance)) {
        this.#post(notComparable());
        return;
      }
      this.#isForced = false;
      this.#reopened = 0;
      this.#parts.pauses.time('other', () => this.#show(subject, documents.modified, original, modified, report));
    } catch (error) {
      if (signal.aborted) return;
      const isGone = ModelError.from(error).code === 'cancelled';
      if (isGone && this.#reopened++ < mostReopened) this.#schedule();
      else this.#post(problem(error));
    }
  }

  /** About how many tokens of texts that are to be read whole; after an edit little is read again. */
  #tokensToRead({ original, modified }: OpenSides): number {
    const { scored, longReading } = this.#parts;
    if (!this.#isForced) return 0;
    const unread = [original, modified].filter(each => each && scored.completeView(each.uri.toString())?.documentVersion !== each.version);
    return longReading.tokensOf(unread.reduce((sum, each) => sum + (each?.getText().length ?? 0), 0));
  }

  /** Where texts are read whole, `tokens` of them, it can be cancelled. Undefined: it was, by the reader or by `ended`. */
  async #sides(
    { original, modified }: OpenSides,
    tokens: number,
    ended: AbortSignal,
  ): Promise<{ readonly original: Side; readonly modified: Side } | undefined> {
    // One text after the other: the model reads one at a time.
    const read = async (signal: AbortSignal) => ({
      original: await this.#side(original, signal),
      modified: await this.#side(modified, signal),
    });
    if (tokens === 0) return read(ended);
    const begun = performance.now();
    const sides = await withProgress(`Token Lens: ${vscode.l10n.t('Measuring a change')}`, read, ended);
    if (sides) this.#parts.longReading.took(tokens, performance.now() - begun);
    return sides;
  }

  #goOn(): void {
    if (!this.#asking) return;
    this.#agreed = this.#asking;
    this.#asking = undefined;
    this.#draw(busy());
    this.#schedule();
  }

  /** The reader wants no numbers of this change: no edit begins it again. */
  #abandon(): void {
    this.#repository?.dispose();
    this.#subject = undefined;
    this.#post(cancelled());
  }

  async #side(document: vscode.TextDocument | undefined, signal: AbortSignal): Promise<Side> {
    if (!document) return { document, text: '', lines: scoredLines('', undefined), provenance: undefined, modelName: '' };
    const { table, provenance, modelName } = await this.#parts.scored.complete(document, signal, true);
    const text = document.getText();
    return { document, text, lines: this.#parts.pauses.time('other', () => scoredLines(text, table)), provenance, modelName };
  }

  #show(subject: ChangeSubject, document: vscode.TextDocument, original: Side, modified: Side, report: ChangeReport): void {
    const { looks, reading } = this.#parts;
    this.#shown = { subject, texts: [original.text, modified.text], report };
    this.#draw(
      changeState({
        report,
        original: original.lines,
        modified: modified.lines,
        originalName: subject.original && sideName(subject.original),
        modifiedName: sideName(subject.modified),
        modelName: modified.modelName,
        reading: reading.noteOf(document),
        palette: looks.of(document).palette,
        provenance: modified.provenance ? provenanceInWords(modified.provenance) : '',
      }),
    );
  }

  #isShown(subject: ChangeSubject, { original, modified }: OpenSides): boolean {
    const state = this.#state;
    return (
      state?.kind === 'change' &&
      this.#shown?.subject === subject &&
      this.#shown.texts[0] === (original?.getText() ?? '') &&
      this.#shown.texts[1] === modified.getText()
    );
  }

  /** The numbers on the page are of the present texts. */
  #settled(): void {
    const state = this.#state;
    if (state?.kind === 'change' && state.updating) this.#draw({ ...state, updating: false });
  }

  /** Numbers of the same change stay until newer ones are there. */
  #postWaiting(subject: ChangeSubject): void {
    const state = this.#state;
    if (state?.kind !== 'change' || this.#shown?.subject !== subject) this.#draw(busy());
    else if (!state.updating) this.#draw({ ...state, updating: true });
  }

  #post(state: ReportMessage): void {
    this.#shown = undefined;
    this.#draw(state);
  }

  get #state(): ReportState | undefined {
    return this.#page.last('show')?.state;
  }

  #draw(state: ReportState): void {
    this.#page.post({ kind: 'show', state });
  }

  async #receive(message: Asked<FromReport>): Promise<void> {
    if (message.kind === 'chooseModel') return chooseModelFolder();
    if (message.kind === 'goOn') {
      this.#goOn();
      return;
    }
    const shown = this.#shown;
    if (!shown) return;
    const documents = await openSides(shown.subject);
    const document = message.text === 0 ? documents?.original : documents?.modified;
    if (!documents || !document || document.getText() !== shown.texts[message.text]) {
      void setStatusBarMessage(vscode.l10n.t('The text has changed since this report was made.'), 4_000);
      return;
    }
    const line = document.positionAt(message.start).line;
    if (message.text === 1) await this.#goToModified(shown.subject, document, line);
    else {
      const hunk = shown.report.hunks.find(({ removed: { range } }) => line >= range.from && line < range.to);
      await this.#goToOriginal(shown.subject, document, line, hunk?.added.range.from ?? 0);
    }
  }

  async #goToModified(subject: ChangeSubject, document: vscode.TextDocument, line: number): Promise<void> {
    if (diffTabOf(subject) || subject.modified.scheme === 'git') await showDiff(subject);
    else await vscode.window.showTextDocument(document, { viewColumn: columnOf(document) });
    this.#reveal(document, line, true);
  }

  /** Where there is no room for two sides VS Code shows removed lines between those of the modified text: that is brought there, too. */
  async #goToOriginal(subject: ChangeSubject, document: vscode.TextDocument, line: number, modifiedLine: number): Promise<void> {
    await showDiff(subject);
    const modified = vscode.window.visibleTextEditors.find(({ document: { uri } }) => uri.toString() === subject.modified.toString());
    if (modified) this.#reveal(modified.document, Math.min(modifiedLine, modified.document.lineCount - 1), false);
    await vscode.commands.executeCommand('workbench.action.compareEditor.focusSecondarySide');
    this.#reveal(document, line, true);
  }

  #reveal(document: vscode.TextDocument, line: number, isMarked: boolean): void {
    const { range } = document.lineAt(line);
    const editors = vscode.window.visibleTextEditors.filter(editor => editor.document === document);
    for (const editor of editors) {
      editor.selection = new vscode.Selection(range.start, range.start);
      if (!isMarked) editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
    if (isMarked) this.#mark.show(editors, range);
  }
}

interface OpenSides {
  readonly original: vscode.TextDocument | undefined;
  readonly modified: vscode.TextDocument;
}

/** As VS Code has them, unsaved edits included; in no tab. Undefined where one is gone or no text. */
async function openSides({ original, modified }: ChangeSubject): Promise<OpenSides | undefined> {
  try {
    return { original: original && (await openText(original)), modified: await openText(modified) };
  } catch {
    return undefined;
  }
}

async function openText(uri: vscode.Uri): Promise<vscode.TextDocument> {
  const address = uri.toString();
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === address && !document.isClosed);
  if (open) return open;
  // An untitled text that is gone would be made anew, and empty.
  if (uri.scheme === 'untitled') throw new ModelError('not-found', 'The document was closed.');
  return vscode.workspace.openTextDocument(uri);
}

function diffTabOf({ original, modified }: ChangeSubject): vscode.Tab | undefined {
  return vscode.window.tabGroups.all
    .flatMap(group => group.tabs)
    .find(
      ({ input }) =>
        input instanceof vscode.TabInputTextDiff &&
        input.original.toString() === original?.toString() &&
        input.modified.toString() === modified.toString(),
    );
}

/** Brings the diff editor of the two to the front, or opens one. */
async function showDiff(subject: ChangeSubject): Promise<void> {
  const { original, modified } = subject;
  const tab = diffTabOf(subject);
  const viewColumn = tab?.group.viewColumn ?? vscode.ViewColumn.One;
  if (!original) {
    await vscode.window.showTextDocument(modified, { viewColumn });
    return;
  }
  const label = tab?.label ?? vscode.l10n.t('{0} against {1}', sideName(modified), sideName(original));
  await vscode.commands.executeCommand('vscode.diff', original, modified, label, { viewColumn, preview: tab?.isPreview ?? true });
}

function columnOf(document: vscode.TextDocument): vscode.ViewColumn {
  return vscode.window.visibleTextEditors.find(editor => editor.document === document)?.viewColumn ?? vscode.ViewColumn.One;
}

function busy(): ReportMessage {
  return {
    kind: 'message',
    headline: vscode.l10n.t('Measuring a change'),
    text: vscode.l10n.t('Both sides are scored as a whole, which takes a while for long texts.'),
    busy: true,
    goOn: undefined,
  };
}

function asking(cost: string): ReportMessage {
  return {
    kind: 'message',
    headline: vscode.l10n.t('Both sides of this change are read as a whole'),
    text: cost,
    busy: false,
    goOn: vscode.l10n.t('Go On'),
  };
}

function cancelled(): ReportMessage {
  return {
    kind: 'message',
    headline: vscode.l10n.t('This change was not measured'),
    text: vscode.l10n.t('It was cancelled. The command Measure Change begins again.'),
    busy: false,
    goOn: undefined,
  };
}

function notText(): ReportMessage {
  return {
    kind: 'message',
    headline: vscode.l10n.t('This change cannot be measured'),
    text: vscode.l10n.t('One of its two sides is gone, or cannot be opened as text.'),
    busy: false,
    goOn: undefined,
  };
}

function notComparable(): ReportMessage {
  return {
    kind: 'message',
    headline: vscode.l10n.t('This change cannot be measured'),
    text: vscode.l10n.t(
      'The model reads something else before one of its two sides than before the other. Remove that, or set the same for both.',
    ),
    busy: false,
    goOn: undefined,
  };
}

function problem(error: unknown): ReportMessage {
  return {
    kind: 'message',
    headline: vscode.l10n.t('This change cannot be measured'),
    text: errorInWords(error, 'toggle'),
    busy: false,
    goOn: undefined,
  };
}
