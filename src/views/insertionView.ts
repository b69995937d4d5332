import * as vscode from 'vscode';
import type { Config } from '../config';
import { bandOf } from '../core/band';
import { cellAt } from '../core/cells';
import { contextKeys } from '../core/contributions';
import type { CommandId } from '../core/contributions';
import { safeLabel } from '../core/hoverText';
import { touches } from '../core/insertion';
import { paint } from '../core/paint';
import type { Span } from '../core/scores';
import { neighbourOf, shownPart, surpriseOf } from '../core/surprises';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Insertion, Insertions } from '../insertions';
import type { LensModel } from '../lensModel';
import type { Looks } from '../looks';
import { setStatusBarMessage } from '../notices';
import { readInserted } from '../passageReading';
import type { PassageReading } from '../passageReading';
import type { Pauses } from '../pauses';
import type { Preambles } from '../preambles';
import type { ScoredDocuments } from '../scoredDocuments';
import { BandTypes } from './bandTypes';
import { surpriseInWords } from './byEar';
import type { Announcer } from './byEar';
import { passageInWords } from './passageWords';
import { activeEditor, inDirection, select, selectionOf } from './places';
import type { Direction } from './places';
import { errorInWords } from './stateInWords';

/** After an edit inside, before it is read again: reading at every key would only be cancelled by the next one. */
const editPauseMs = 400;
const saidMs = 5_000;

/** Argument of a command that a click in the status bar runs, where VS Code leaves the keys. */
export const fromStatusBar = 'statusBar';

export interface InsertionParts {
  readonly scored: Pick<ScoredDocuments, 'ask' | 'view'>;
  readonly insertions: Insertions;
  readonly config: Config;
  readonly looks: Looks;
  readonly pauses: Pauses;
  readonly announcer: Announcer;
  readonly model: Pick<LensModel, 'onDidReplace'>;
  readonly preambles: Pick<Preambles, 'onDidChange'>;
}

/** What is being inspected. */
interface Inspected {
  readonly document: vscode.TextDocument;
  /** Somebody asked for it; else it came by itself. */
  readonly asked: boolean;
  insertion: Insertion;
  /** Of the document's present text; undefined while the model is asked. */
  reading: PassageReading | undefined;
  /** Somebody went to one of its tokens: only then is the first one there *again*. */
  isVisited: boolean;
  /** It has been read once: while it is read again the other colours do not come back for a moment. */
  isShown: boolean;
}

/**
 * Shows the last insertion of the active document, and nothing else of it: colours of single tokens, a line that sums it up, what stands out. It
 * goes when the user moves on: with the cursor away from its lines, typing elsewhere, another document, or Escape. An edit inside takes the colours
 * away until the model has read it anew.
 */
export class InsertionView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: InsertionParts;
  readonly #types = this.#store.add(new BandTypes());
  readonly #line = this.#store.add(
    vscode.window.createTextEditorDecorationType({
      after: { color: new vscode.ThemeColor('descriptionForeground'), margin: '0 0 0 2.5em', fontStyle: 'italic' },
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    }),
  );
  readonly #item = this.#store.add(vscode.window.createStatusBarItem('tokenLens.insertion', vscode.StatusBarAlignment.Right, 99));
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** `isShown` or `holds` of this document is another now. */
  readonly onDidChange = this.#changed.event;
  #inspected: Inspected | undefined;
  #run: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: InsertionParts) {
    this.#parts = parts;
    const { insertions, config, looks, pauses, model, preambles } = parts;
    const { window, workspace } = vscode;
    this.#item.name = vscode.l10n.t('Token Lens: inserted text');
    this.#store.add(
      insertions.onDidInsert(insertion => {
        const isHere = window.activeTextEditor?.document === insertion.document;
        if (config.inspectsInsertions && isHere && config.skips(insertion.document) === undefined) this.#begin(insertion, false);
        else if (this.#inspected?.document === insertion.document) this.leave(); // it is the last insertion no more
      }),
    );
    this.#store.add(workspace.onDidChangeTextDocument(pauses.timed('edit', event => this.#edited(event))));
    this.#store.add(
      window.onDidChangeTextEditorSelection(
        pauses.timed('cursor', ({ textEditor }) => {
          if (textEditor.document === this.#inspected?.document && textEditor === window.activeTextEditor && !this.#isBeside(textEditor))
            this.leave();
        }),
      ),
    );
    this.#store.add(
      window.onDidChangeActiveTextEditor(editor => {
        if (editor && editor.document !== this.#inspected?.document) this.leave(); // none: the focus is in a panel
      }),
    );
    this.#store.add(
      workspace.onDidCloseTextDocument(document => {
        if (document === this.#inspected?.document) this.leave();
      }),
    );
    const readAgain = (document = this.#inspected?.document) => {
      if (document && document === this.#inspected?.document) void this.#read();
    };
    this.#store.add(preambles.onDidChange(readAgain));
    this.#store.add(model.onDidReplace(() => readAgain()));
    this.#store.add(
      config.onDidChange(event => {
        if (config.affects(event, 'contextTokens', 'overlapTokens', 'startToken')) readAgain();
      }),
    );
    const draw = pauses.timed('draw', () => this.#draw());
    this.#store.add(
      window.onDidChangeVisibleTextEditors(editors => {
        if (!editors.some(({ document }) => document === this.#inspected?.document)) this.leave();
        draw();
      }),
    );
    this.#store.add(looks.onDidChange(draw));
    this.#store.add(this.#types.onDidReplace(draw));
  }

  /** Shows the last insertion of the active document, or says why there is nothing to show. */
  inspect(): void {
    const editor = activeEditor();
    if (!editor) return;
    const insertion = this.#parts.insertions.last(editor.document);
    if (!insertion) {
      const message = vscode.l10n.t('Nothing has been inserted into this document: paste something, or accept a completion.');
      this.#parts.announcer.say(message, { asked: true });
      return;
    }
    if (!isBeside(editor, insertion)) {
      const start = editor.document.positionAt(insertion.parts[0]?.start ?? 0);
      editor.selection = new vscode.Selection(start, start);
      editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
    this.#begin(insertion, true);
  }

  /** Its colours are shown, or on their way back after an edit inside, and no others of the document. */
  isShown(document: vscode.TextDocument): boolean {
    return this.#inspected?.document === document && this.#inspected.isShown;
  }

  /** Shown, or asked for; not what comes by itself, until it is there. */
  holds(document: vscode.TextDocument): boolean {
    return this.#inspected?.document === document && (this.#inspected.isShown || this.#inspected.asked);
  }

  /** The cell of the insertion at an offset, and the table it is of; undefined where none is. */
  at(document: vscode.TextDocument, offset: number): { readonly reading: PassageReading; readonly cell: number } | undefined {
    const reading = this.#inspected?.document === document ? this.#inspected.reading : undefined;
    const cell = reading && cellAt(reading.cells, offset);
    return reading && cell !== undefined ? { reading, cell } : undefined;
  }

  /** Moves to the next or previous token of it that stands out, once it is read; false where no insertion is shown in the active editor. */
  go(direction: Direction): boolean {
    const editor = vscode.window.activeTextEditor;
    const inspected = editor?.document === this.#inspected?.document ? this.#inspected : undefined;
    if (!editor || !inspected) return false;
    if (!inspected.reading) {
      const isAwaited = inspected.isShown || inspected.asked;
      if (isAwaited) this.#parts.announcer.say(vscode.l10n.t('No score here yet.')); // a move elsewhere would end it
      return isAwaited;
    }
    const { reading } = inspected;
    const { text, cells, table, vocabulary, summary } = reading;
    const spanOf = (index: number) => shownPart(text, { start: cells.starts[index] ?? 0, end: cells.ends[index] ?? 0 });
    const starts = summary.standing.map(index => spanOf(index).start);
    const found = neighbourOf(starts, selectionOf(editor), direction);
    const cell = found && summary.standing[found.index];
    if (!found || cell === undefined) {
      this.#parts.announcer.say(passageInWords(reading).weakest ?? vscode.l10n.t('No score here yet.'));
      return true;
    }
    const surprise = surpriseOf(text, cells, cell, { table, vocabulary });
    select(editor, surprise.span);
    this.#parts.announcer.say(inDirection(surpriseInWords(surprise), direction, found.wrapped && inspected.isVisited));
    inspected.isVisited = true;
    return true;
  }

  /** Shows it no more, in this document or in any. */
  leave(document = this.#inspected?.document): void {
    if (!document || document !== this.#inspected?.document) return;
    this.#stop();
    this.#inspected = undefined;
    this.#draw();
    this.#changed.fire(document);
    void vscode.commands.executeCommand('setContext', contextKeys.inspecting, false);
  }

  dispose(): void {
    this.#stop();
    this.#store.dispose();
  }

  #begin(insertion: Insertion, asked: boolean): void {
    if (this.#inspected && this.#inspected.document !== insertion.document) this.leave();
    const isShown = this.#inspected?.isShown ?? false;
    this.#inspected = { document: insertion.document, asked, insertion, reading: undefined, isVisited: false, isShown };
    void vscode.commands.executeCommand('setContext', contextKeys.inspecting, true);
    this.#changed.fire(insertion.document);
    void this.#read();
  }

  #edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const inspected = this.#inspected;
    if (inspected?.document !== document || contentChanges.length === 0) return;
    const changes = contentChanges.map(({ rangeOffset: start, rangeLength, text }) => ({ start, end: start + rangeLength, text }));
    const isInside = touches(inspected.insertion.parts, changes);
    const editor = vscode.window.activeTextEditor;
    const cursors = editor?.document === document ? editor.selections.map(({ active }) => document.offsetAt(active)) : [];
    const isTyping = cursors.some(at => changes.some(({ start, end, text }) => start <= at && at <= Math.max(end, start + text.length)));
    const insertion = this.#parts.insertions.lastSettled(document);
    // What a completion brings elsewhere, such as an import, only moves it.
    if (!insertion || (!isInside && isTyping)) return this.leave();
    inspected.insertion = insertion;
    inspected.reading = undefined;
    this.#stop();
    this.#draw();
    this.#timer = setTimeout(() => void this.#read(), editPauseMs);
  }

  async #read(): Promise<void> {
    this.#stop();
    const inspected = this.#inspected;
    if (!inspected) return;
    inspected.reading = undefined;
    const run = new AbortController();
    this.#run = run;
    this.#draw();
    const { scored, insertions, config, looks, pauses, announcer } = this.#parts;
    const { document, insertion } = inspected;
    const { version } = document;
    const author = insertions.authorOf(insertion);
    const asked = { scored, document, topCount: config.topCount, edges: looks.tokenEdges(document), author, signal: run.signal };
    try {
      const reading = await readInserted(insertion.parts, asked);
      if (run.signal.aborted || document.version !== version) return; // an edit has its own run
      pauses.time('model', () => {
        inspected.reading = reading;
        inspected.isShown = true;
        this.#draw();
        this.#changed.fire(document);
      });
      if (inspected.asked) announcer.speak(sentences(reading));
    } catch (error) {
      if (run.signal.aborted) return;
      this.leave();
      // By itself, it comes or it does not: whoever wants to know why asks for it.
      if (!inspected.asked) return;
      setStatusBarMessage(errorInWords(error, 'move'), saidMs, 'warning');
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#run?.abort();
    this.#run = undefined;
  }

  #isBeside(editor: vscode.TextEditor): boolean {
    return this.#inspected === undefined || isBeside(editor, this.#inspected.insertion);
  }

  #draw(): void {
    for (const editor of vscode.window.visibleTextEditors) this.#drawIn(editor);
    this.#drawItem();
  }

  #drawIn(editor: vscode.TextEditor): void {
    const { document } = editor;
    const reading = this.#inspected?.document === document ? this.#inspected.reading : undefined;
    const look = this.#parts.looks.of(document);
    const types = reading && this.#types.of({ ...look, metric: 'surprisal', scale: 'token' });
    for (const type of this.#types.made) if (!types?.all.includes(type)) editor.setDecorations(type, []);
    editor.setDecorations(this.#line, reading ? [this.#lineOf(document, reading)] : []);
    if (!reading || !types) return;
    const { cells, summary } = reading;
    const marks =
      summary.standing.length > 0
        ? Array.from({ length: cells.length }, (_, index) => ({
            start: cells.starts[index] ?? 0,
            end: cells.ends[index] ?? 0,
            band: bandOf(cells.bits[index] ?? NaN, look.tokenEdges),
            stale: false,
            opens: false,
          }))
        : [];
    const visible = marks.length === 0 ? [] : [{ start: marks[0]?.start ?? 0, end: marks.at(-1)?.end ?? 0 }];
    const painting = paint({ text: document.getText(), marks, muted: false, visible, margin: [], takenRanges: 0 });
    const rangeOf = ({ start, end }: Span) => new vscode.Range(document.positionAt(start), document.positionAt(end));
    for (const [band, { current }] of types.bands.entries()) editor.setDecorations(current, (painting.current[band] ?? []).map(rangeOf));
  }

  #lineOf(document: vscode.TextDocument, reading: PassageReading): vscode.DecorationOptions {
    const end = this.#inspected?.insertion.parts.at(-1)?.end ?? 0;
    // Text that ends with a line break ends on the line before the next.
    const position = document.positionAt(Math.max(0, end - (reading.text.slice(0, end).endsWith('\n') ? 1 : 0)));
    const at = document.lineAt(position.line).range.end;
    // An editor cuts the line where it ends itself, or wraps it: what is short and new comes first, the rest is in the hover, as in the status bar's.
    const { viewed, cut, preamble } = passageInWords(reading);
    const contentText = [briefly(reading), viewed, preamble, cut].filter(part => part !== undefined).join('; ');
    const hoverMessage = new vscode.MarkdownString().appendText(lines(reading));
    return { range: new vscode.Range(at, at), hoverMessage, renderOptions: { after: { contentText } } };
  }

  #drawItem(): void {
    const inspected = this.#inspected;
    if (!inspected) return this.#item.hide();
    if (!inspected.reading) {
      this.#item.text = `$(loading~spin) ${vscode.l10n.t('reading what was inserted')}`;
      this.#item.tooltip = undefined;
      this.#item.accessibilityInformation = undefined;
      this.#item.command = undefined;
      return this.#item.show();
    }
    this.#item.text = `$(sparkle) ${safeLabel(briefly(inspected.reading))}`;
    this.#item.tooltip = lines(inspected.reading);
    this.#item.accessibilityInformation = { label: `Token Lens: ${sentences(inspected.reading)}` };
    this.#item.command = inspected.reading.summary.standing.length > 0 ? nextFromStatusBar() : undefined;
    this.#item.show();
  }
}

function nextFromStatusBar(): vscode.Command {
  return { command: 'tokenLens.nextSurprise' satisfies CommandId, title: '', arguments: [fromStatusBar] }; // no title is shown there
}

/** What it comes to, and its weakest token. */
function briefly(reading: PassageReading): string {
  const { brief, weakest } = passageInWords(reading);
  return [brief, weakest].filter(part => part !== undefined).join(', ');
}

/** All that is said of it. */
function parts(reading: PassageReading): readonly string[] {
  const { summary, weakest, following, cut, preamble } = passageInWords(reading);
  return [summary, preamble, weakest, following, cut].filter(part => part !== undefined);
}

function sentences(reading: PassageReading): string {
  return parts(reading).join('; ');
}

function lines(reading: PassageReading): string {
  return parts(reading).join('\n');
}

/** A cursor is in it, or on one of its lines. */
function isBeside({ document, selections }: vscode.TextEditor, { parts }: Insertion): boolean {
  return parts.some(({ start, end }) => {
    const [first, last] = [document.positionAt(start).line, document.positionAt(end).line];
    return selections.some(({ active }) => active.line >= first && active.line <= last);
  });
}
