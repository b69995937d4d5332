import * as vscode from 'vscode';
import { OverviewWalk } from './core/overview';
import type { Overview } from './core/overview';
import { lookOfReading } from './core/contextNeeds';
import { isPerByte } from './core/look';
import type { Look } from './core/look';
import type { ScoreTable, Span } from './core/scores';
import { marksIn, unitsIn } from './core/units';
import type { Mark, Unit, UnitSource } from './core/units';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { DocumentView } from './documentView';
import { FunctionSymbols } from './functionSymbols';
import type { LeftOut } from './leftOut';
import type { Looks } from './looks';
import type { Pauses } from './pauses';
import type { Readings, ShownReading } from './readings';
import type { ScoredDocuments } from './scoredDocuments';

/**
 * What is about a whole document is made at most so often. VS Code moves marks with edits, and by then the tokens of an edited text have mostly
 * come: made at once, the marks below every edit would go and come back.
 */
const overviewPauseMs = 1_000;
/** A whole document is walked through in pieces of this length, between which the extension host can answer others. */
const sliceMs = 2;

type Scored = Pick<ScoredDocuments, 'onDidChange' | 'view'>;

export interface ShownParts {
  readonly scored: Scored;
  readonly looks: Looks;
  readonly leftOut: Pick<LeftOut, 'onDidChangeShown' | 'shown'>;
  readonly pauses: Pauses;
  readonly readings: Pick<Readings, 'of' | 'onDidRead' | 'onDidReplace'>;
}

interface Entry {
  overview: Overview | undefined;
  timer: NodeJS.Timeout | undefined;
  walk: OverviewWalk | undefined;
  /** Something changed since the walk began. */
  late: boolean;
  /** How often what is left out has changed. */
  leftOutChanges: number;
  /** What the overview is of. */
  of: OverviewBasis | undefined;
}

interface OverviewBasis {
  readonly version: number;
  readonly table: ScoreTable;
  readonly leftOutChanges: number;
}

/**
 * What is shown of documents, in the look of each: what decorations, hovers and the legend have in common. Where a reading is shown its scores and its look take
 * the place of the usual ones.
 */
export class Shown implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Scored;
  readonly #looks: Looks;
  readonly #leftOut: ShownParts['leftOut'];
  readonly #pauses: Pauses;
  readonly #readings: ShownParts['readings'];
  readonly #symbols = this.#store.add(new FunctionSymbols());
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** Marks of this document are others now, although its scores are not. */
  readonly onDidChange = this.#changed.event;
  readonly #overviewChanged = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  readonly onDidChangeOverview = this.#overviewChanged.event;
  readonly #entries = new Map<vscode.TextDocument, Entry>();

  constructor({ scored, looks, leftOut, pauses, readings }: ShownParts) {
    this.#scored = scored;
    this.#looks = looks;
    this.#leftOut = leftOut;
    this.#pauses = pauses;
    this.#readings = readings;
    this.#store.add(scored.onDidChange(document => this.#schedule(document, overviewPauseMs)));
    this.#store.add(
      looks.onDidChange(() => {
        const shown = shownDocuments();
        for (const document of [...this.#entries.keys()]) if (!shown.has(document)) this.#forget(document);
        for (const document of shown) this.#lookChanged(document);
      }),
    );
    this.#store.add(
      readings.onDidRead(document => {
        this.#schedule(document, overviewPauseMs);
        this.#changed.fire(document);
      }),
    );
    this.#store.add(
      readings.onDidReplace(document => {
        const entry = this.#entries.get(document);
        if (entry) entry.overview = undefined; // it is of something else
        this.#overviewChanged.fire(document);
        this.#lookChanged(document);
      }),
    );
    this.#store.add(this.#symbols.onDidChange(document => this.#lookChanged(document)));
    this.#store.add(
      leftOut.onDidChangeShown(document => {
        const entry = this.#entries.get(document);
        if (entry) entry.leftOutChanges++;
        this.#schedule(document, overviewPauseMs); // it comes with every edit
        this.#changed.fire(document);
      }),
    );
    this.#store.add(
      vscode.window.onDidChangeVisibleTextEditors(() => {
        for (const document of shownDocuments()) this.#schedule(document, this.#entries.get(document)?.overview ? overviewPauseMs : 0);
      }),
    );
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => this.#forget(document)));
  }

  /** The scores that are shown; undefined where there are none. */
  view(document: vscode.TextDocument): DocumentView | undefined {
    return this.reading(document)?.view ?? this.#scored.view(document);
  }

  /** How they are looked at. */
  look(document: vscode.TextDocument): Look {
    const look = this.#looks.of(document);
    const shown = this.reading(document);
    return shown ? lookOfReading(look, shown.reading.kind) : look;
  }

  /** What takes the place of the usual scores; undefined where they are shown. */
  reading(document: vscode.TextDocument): ShownReading | undefined {
    return this.#readings.of(document);
  }

  /** Everything that is shown at these places, ascending, without overlap; what reaches beyond them is whole. */
  marksIn(document: vscode.TextDocument, places: readonly Span[]): readonly Mark[] {
    const view = this.view(document);
    if (!view) return [];
    const source = this.#sourceOf(document, view);
    const look = this.look(document);
    const marks: Mark[] = [];
    for (const place of places) {
      for (const mark of marksIn(source, place, look)) if (mark.start >= (marks.at(-1)?.end ?? 0)) marks.push(mark);
    }
    return marks;
  }

  /** The line, sentence, paragraph or function that holds a UTF-16 offset; undefined where the look is not about such. */
  unitAt(document: vscode.TextDocument, offset: number): Unit | undefined {
    const view = this.view(document);
    const { scale } = this.look(document);
    if (!view || scale === 'token' || !isPerByte(scale)) return undefined;
    return unitsIn(this.#sourceOf(document, view), { start: offset, end: offset + 1 }, scale).find(({ parts }) =>
      parts.some(({ start, end }) => start <= offset && offset < end),
    );
  }

  /** What lies at this place is left out by its kind: a comment, a string. */
  isLeftOut(document: vscode.TextDocument, place: Span): boolean {
    const cells = this.view(document)?.cellsIn(place);
    return cells !== undefined && cells.length > 0 && this.#leftOut.shown(document, cells).length === 0;
  }

  /** Undefined until it has been made; it may be of a moment ago. */
  overview(document: vscode.TextDocument): Overview | undefined {
    return this.#entries.get(document)?.overview;
  }

  dispose(): void {
    for (const document of [...this.#entries.keys()]) this.#forget(document);
    this.#store.dispose();
  }

  #sourceOf(document: vscode.TextDocument, view: DocumentView): UnitSource {
    const look = this.look(document);
    const reading = this.reading(document)?.reading;
    const entry = this.#entries.get(document);
    return {
      text: document.getText(), // VS Code keeps it until the next edit
      cellsIn: span => view.cellsIn(span),
      staleIn: span => view.staleIn(span),
      kept: cells => this.#leftOut.shown(document, cells),
      gaps: view.documentVersion === document.version ? view.gaps : [],
      functions: look.scale === 'function' ? (this.#symbols.of(document) ?? []) : [],
      // An edit that moves a function or changes its text makes another span of it, which is not found then.
      longFunction: span => {
        const unit = entry?.overview?.longFunctions.get(span);
        const of = entry?.of;
        const isCurrent = of?.version === document.version && of.table === view.table && of.leftOutChanges === entry?.leftOutChanges;
        return unit && !isCurrent ? { ...unit, stale: true } : unit;
      },
      wordStartLogMass: row => view.table.wordStartLogMass[row],
      watchIndex: look.metric === 'watched' ? view.watched.findIndex(({ word }) => word === look.watchWord) : undefined,
      neededIn: reading && ((firstRow, endRow) => reading.neededIn(firstRow, endRow)),
    };
  }

  #lookChanged(document: vscode.TextDocument): void {
    const entry = this.#entries.get(document);
    if (entry) {
      clearTimeout(entry.timer);
      entry.timer = undefined;
      entry.walk = undefined;
    }
    this.#schedule(document, 0);
    this.#changed.fire(document);
  }

  #schedule(document: vscode.TextDocument, pauseMs: number): void {
    if (!this.view(document)) {
      if (this.#forget(document)) this.#overviewChanged.fire(document);
      return;
    }
    if (!shownDocuments().has(document)) return;
    const entry = this.#entries.get(document) ?? newEntry();
    this.#entries.set(document, entry);
    if (entry.walk) entry.late = true;
    else entry.timer ??= setTimeout(() => void this.#walk(document, entry), pauseMs);
  }

  async #walk(document: vscode.TextDocument, entry: Entry): Promise<void> {
    const { version } = document;
    const text = document.getText();
    const walk = new OverviewWalk(this.look(document));
    const table = this.view(document)?.table;
    const of = table && { version, table, leftOutChanges: entry.leftOutChanges };
    entry.timer = undefined;
    entry.walk = walk;
    entry.late = false;
    for (;;) {
      const left = this.#pauses.time('draw', () => this.#slice(document, walk));
      // Another look, an edit, the end of the lens: whoever brought it about has made a new walk, or there is to be none.
      if (left === undefined || entry.walk !== walk) break;
      if (!left) {
        const longBefore = entry.overview?.longFunctions.size ?? 0;
        entry.overview = this.#pauses.time('draw', () => walk.result(text));
        entry.of = of;
        this.#overviewChanged.fire(document);
        if (longBefore + entry.overview.longFunctions.size > 0) this.#changed.fire(document);
        break;
      }
      await new Promise(resolve => setImmediate(resolve));
      if (entry.walk !== walk || document.version !== version) break;
    }
    if (entry.walk === walk) this.#ended(document, entry, document.version !== version);
  }

  #ended(document: vscode.TextDocument, entry: Entry, edited: boolean): void {
    entry.walk = undefined;
    if (entry.late || edited) this.#schedule(document, overviewPauseMs);
  }

  /** Whether something is left; undefined: there are no scores any more. */
  #slice(document: vscode.TextDocument, walk: OverviewWalk): boolean | undefined {
    const view = this.view(document);
    if (!view) return undefined;
    const source = this.#sourceOf(document, view);
    const end = performance.now() + sliceMs;
    while (performance.now() < end) if (!walk.step(source)) return false;
    return true;
  }

  /** True where there was something to forget. */
  #forget(document: vscode.TextDocument): boolean {
    const entry = this.#entries.get(document);
    if (!entry) return false;
    clearTimeout(entry.timer);
    entry.walk = undefined;
    return this.#entries.delete(document);
  }
}

function newEntry(): Entry {
  return { overview: undefined, timer: undefined, walk: undefined, late: false, leftOutChanges: 0, of: undefined };
}

function shownDocuments(): ReadonlySet<vscode.TextDocument> {
  return new Set(vscode.window.visibleTextEditors.map(editor => editor.document));
}
