import * as vscode from 'vscode';
import type { Config } from '../config';
import { Drift } from '../core/drift';
import type { ScoreTable, Span } from '../core/scores';
import { findStretches, isScored, withFormer } from '../core/stretches';
import type { Stretch } from '../core/stretches';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { DocumentView } from '../documentView';
import type { LastingMemory } from '../lastingMemory';
import type { LeftOut } from '../leftOut';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';

const onKey = 'tokenLens.stretchesOn';
/** The extension host answers others after so long. */
const sliceMs = 4;
/** While a document is scored it is searched at most so often: every search reads all of it. */
const pauseMs = 1_500;

type Scored = Pick<ScoredDocuments, 'onDidChange' | 'view'>;
type Left = Pick<LeftOut, 'onDidChangeShown' | 'shown' | 'skips'>;

/** What was found in one text. */
interface Search {
  readonly stretches: readonly Stretch[];
  /** Texts of the stretches: one that an edit has changed is none any more. */
  readonly texts: readonly string[];
  /** How the document has moved away from that text. */
  readonly drift: Drift;
  readonly table: ScoreTable;
  /** No row was pending, and what is left out has not changed since. */
  readonly complete: boolean;
}

/** A search under way. */
interface Run {
  readonly view: DocumentView;
  readonly abort: AbortController;
  /** Whether it found what there is; otherwise something ended it. */
  readonly ended: Promise<boolean>;
}

interface Searched {
  last: Search | undefined;
  endedAt: number;
  timer: NodeJS.Timeout | undefined;
  run: Run | undefined;
}

/**
 * Finds the predictable stretches of documents, in short slices, while somebody looks at them: while they are painted, or listed. What is found
 * is shown until the next search ends, moved with the edits since.
 */
export class StretchFinder implements Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** Other stretches of this document, or painted now, or not any more. */
  readonly onDidChange = this.#changed.event;
  readonly #scored: Scored;
  readonly #leftOut: Left;
  readonly #config: Config;
  readonly #pauses: Pauses;
  readonly #memory: LastingMemory;
  readonly #documents = new Map<vscode.TextDocument, Searched>();
  #isOn: boolean;
  #listed: vscode.TextDocument | undefined;

  constructor(scored: Scored, leftOut: Left, config: Config, pauses: Pauses, memory: LastingMemory) {
    this.#scored = scored;
    this.#leftOut = leftOut;
    this.#config = config;
    this.#pauses = pauses;
    this.#memory = memory;
    this.#isOn = memory.get(onKey, false);
    this.#store.add(scored.onDidChange(document => this.#update(document)));
    this.#store.add(
      leftOut.onDidChangeShown(document => {
        const searched = this.#documents.get(document);
        if (!searched) return;
        searched.run?.abort.abort();
        searched.last &&= { ...searched.last, complete: false };
        this.#update(document);
      }),
    );
    this.#store.add(vscode.window.onDidChangeVisibleTextEditors(() => this.#updateAll()));
    this.#store.add(vscode.workspace.onDidChangeTextDocument(pauses.timed('edit', event => this.#edited(event))));
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => this.#forget(document)));
    this.#store.add(
      config.onDidChange(event => {
        if (!config.affects(event, 'stretchWords', 'stretchBits', 'leaveOut')) return;
        for (const document of [...this.#documents.keys()]) this.#forget(document);
        this.#updateAll();
      }),
    );
    this.#updateAll();
  }

  /** They are painted. */
  get isOn(): boolean {
    return this.#isOn;
  }

  setOn(on: boolean): void {
    this.#isOn = on;
    void this.#memory.update(onKey, on);
    this.#updateAll();
    for (const { document } of vscode.window.visibleTextEditors) this.#changed.fire(document);
  }

  /** The document whose stretches are listed. */
  list(document: vscode.TextDocument | undefined): void {
    this.#listed = document;
    this.#updateAll();
  }

  /** Those known of the present text, in its order; undefined before the first search. */
  of(document: vscode.TextDocument): readonly Stretch[] | undefined {
    const last = this.#documents.get(document)?.last;
    if (!last || !this.#scored.view(document)) return undefined;
    const { stretches, texts, drift } = last;
    if (drift.isNone) return stretches;
    const text = document.getText();
    return stretches
      .map(({ start, end, echoOf, ...rest }) => ({
        ...rest,
        start: drift.now(start),
        end: drift.now(end, true),
        echoOf: echoOf && { start: drift.now(echoOf.start), end: drift.now(echoOf.end, true) },
      }))
      .filter(({ start, end }, index) => text.slice(start, end) === texts[index]);
  }

  /** All of the present text has been searched. */
  isUpToDate(document: vscode.TextDocument): boolean {
    const view = this.#scored.view(document);
    const searched = this.#documents.get(document);
    return view?.complete === true && searched !== undefined && isUpToDate(searched, view);
  }

  /** The same after a search of what is scored now, where one is needed; an edit ends it. */
  async find(document: vscode.TextDocument): Promise<readonly Stretch[]> {
    const { version } = document;
    for (;;) {
      const view = this.#scored.view(document);
      if (!view || document.version !== version) break;
      const searched = this.#searched(document);
      if (isUpToDate(searched, view)) break;
      const run =
        searched.run?.view.table === view.table && !searched.run.abort.signal.aborted
          ? searched.run
          : this.#search(document, searched, view);
      if (await run.ended) break;
    }
    return this.of(document) ?? [];
  }

  dispose(): void {
    for (const document of [...this.#documents.keys()]) this.#forget(document);
    this.#store.dispose();
  }

  #updateAll(): void {
    for (const document of new Set([...this.#documents.keys(), ...vscode.window.visibleTextEditors.map(editor => editor.document)]))
      this.#update(document);
    if (this.#listed) this.#update(this.#listed);
  }

  #isWanted(document: vscode.TextDocument): boolean {
    if (document === this.#listed) return true;
    return this.#isOn && vscode.window.visibleTextEditors.some(editor => editor.document === document);
  }

  /** Searches soon, if somebody looks and something has come since. */
  #update(document: vscode.TextDocument): void {
    const view = this.#scored.view(document);
    if (!view) {
      if (this.#documents.has(document)) this.#forget(document);
      return;
    }
    if (!this.#isWanted(document)) return;
    const searched = this.#searched(document);
    const { timer, run } = searched;
    if (isUpToDate(searched, view) || (timer && !view.complete)) return;
    if (run && !run.abort.signal.aborted && (!view.complete || run.view === view)) return;
    clearTimeout(searched.timer);
    const waitMs = view.complete ? 0 : Math.max(0, searched.endedAt + pauseMs - performance.now());
    searched.timer = setTimeout(() => {
      searched.timer = undefined;
      const present = this.#scored.view(document);
      if (present) this.#search(document, searched, present);
    }, waitMs);
  }

  /** A newer search ends this one; so does an edit, and a table in which tokens are others. */
  #search(document: vscode.TextDocument, searched: Searched, view: DocumentView): Run {
    searched.run?.abort.abort();
    const abort = new AbortController();
    const run: Run = { view, abort, ended: this.#searchAll(document, searched, view, abort.signal) };
    searched.run = run;
    void run.ended.then(() => {
      if (searched.run === run) searched.run = undefined;
      this.#update(document); // more may have come meanwhile
    });
    return run;
  }

  /** Never rejects. */
  async #searchAll(document: vscode.TextDocument, searched: Searched, view: DocumentView, signal: AbortSignal): Promise<boolean> {
    const isSame = () => !signal.aborted && this.#scored.view(document)?.table === view.table;
    const text = document.getText();
    const cellsIn = (span: Span) => this.#leftOut.shown(document, view.cellsIn(span));
    const scores = this.#leftOut.skips(document).size > 0 ? { table: view.table, cellsIn } : view;
    const steps = findStretches(text, scores, this.#config.stretchLimits);
    let found: readonly Stretch[] | undefined;
    do {
      await new Promise(resolve => setTimeout(resolve));
      if (isSame()) found = this.#pauses.time('other', () => slice(steps));
    } while (!found && isSame());
    searched.endedAt = performance.now();
    if (!found || !isSame()) return false;
    // Where scores are missing after an edit, what was found before goes on being shown.
    const stretches = view.complete ? found : withFormer(found, this.of(document) ?? [], stretch => isScored(view, stretch));
    const texts = stretches.map(({ start, end }) => text.slice(start, end));
    searched.last = { stretches, texts, drift: new Drift(), table: view.table, complete: view.complete };
    this.#changed.fire(document);
    return true;
  }

  #edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const searched = this.#documents.get(document);
    if (!searched || contentChanges.length === 0) return;
    searched.run?.abort.abort();
    searched.last?.drift.edited(
      contentChanges.map(({ rangeOffset: start, rangeLength, text }) => ({ start, end: start + rangeLength, length: text.length })),
      0,
    );
  }

  #searched(document: vscode.TextDocument): Searched {
    const known = this.#documents.get(document);
    if (known) return known;
    const searched: Searched = { last: undefined, endedAt: -Infinity, timer: undefined, run: undefined };
    this.#documents.set(document, searched);
    return searched;
  }

  #forget(document: vscode.TextDocument): void {
    const searched = this.#documents.get(document);
    clearTimeout(searched?.timer);
    searched?.run?.abort.abort();
    if (this.#documents.delete(document)) this.#changed.fire(document);
  }
}

function isUpToDate({ last }: Searched, view: DocumentView): boolean {
  return last?.complete === true && last.drift.isNone && last.table === view.table;
}

/** Goes on with a search for a while; the result once it is there. */
function slice(steps: Generator<void, readonly Stretch[]>): readonly Stretch[] | undefined {
  const end = performance.now() + sliceMs;
  do {
    const { done, value } = steps.next();
    if (done === true) return value;
  } while (performance.now() < end);
  return undefined;
}
