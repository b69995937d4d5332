import * as vscode from 'vscode';
import type { Config } from './config';
import { cellsOf, noCells } from './core/cells';
import type { Cells } from './core/cells';
import { provenanceOf, summaryOf } from './core/report';
import type { Gap, Provenance, ScoreTable, Span, Summary } from './core/scores';
import { pendingCount, tableOf, writeRows } from './core/scoreTable';
import { cellsAfter, cellsUpTo, mergedCells, movedCells, settledUpTo, withoutCovered } from './core/staleCells';
import type { Vocabulary } from './core/vocabulary';
import type { LensModel, ReadyModel } from './lensModel';
import { ModelError } from './model/errors';
import type { LayoutEvent, ModelEvent, NextResult, TextEdit } from './model/protocol';

/** What the lens does with one document. */
export type LensState =
  | { readonly kind: 'off' }
  /** The model is being loaded. */
  | { readonly kind: 'starting' }
  /** Or waiting for a pause in typing. */
  | { readonly kind: 'scoring'; readonly scored: number; readonly tokens: number }
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'failed'; readonly error: ModelError };

export type RefusalReason =
  | { readonly kind: 'too-large'; readonly bytes: number; readonly limitBytes: number }
  | { readonly kind: 'binary' }
  | { readonly kind: 'scheme' }
  | { readonly kind: 'language' };

/** The scores of a document as they stand now; offsets are of the document's present text. */
export interface DocumentView {
  readonly uri: string;
  /** The version the table is of. */
  readonly documentVersion: number;
  readonly table: ScoreTable;
  readonly gaps: readonly Gap[];
  /** Of rows that are current: true for this very text. */
  readonly cells: Cells;
  /** Of an older version, moved with the edits since; what an edit touched, and what `cells` covers, is gone from it. */
  readonly stale: Cells;
  /** The table is of the document's present version and no row is pending. */
  readonly complete: boolean;
  /** The last complete one; while `complete` is false it is of an older version. */
  readonly summary: Summary | undefined;
  readonly provenance: Provenance;
  /** Short, for sentences; the provenance has the whole name. */
  readonly modelName: string;
  readonly vocabulary: Vocabulary;
}

export interface NextAnswer {
  readonly result: NextResult;
  readonly vocabulary: Vocabulary;
  readonly modelName: string;
  readonly provenance: Provenance;
}

/** After the last edit, before the model is asked: rescoring at every key would only be cancelled by the next one. */
const debounceMs = 250;
const scrollDebounceMs = 150;
/** After so many deaths of the model process in a row the user is told instead of trying again. */
const mostDeaths = 3;
/** More than this are not kept until the model is asked next: the document is then sent whole. */
const mostEdits = 1000;

/** A table as it came from the model process. */
interface Held {
  readonly layout: LayoutEvent;
  readonly table: ScoreTable;
  readonly model: ReadyModel;
}

/** What the model process knows of the document. */
interface Sent {
  readonly process: Pick<ReadyModel, 'client' | 'generation' | 'description'>;
  readonly version: number;
}

/** One document's scores: asks the model, keeps what comes, moves and marks what an edit made stale. The newest edit wins. */
export class ScoredDocument implements vscode.Disposable {
  readonly #document: vscode.TextDocument;
  readonly #config: Config;
  readonly #model: LensModel;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed: () => void;
  #state: LensState = { kind: 'off' };
  #wanted = false;
  #run: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sent: Sent | undefined;
  /** Made since the version that was sent. */
  #edits: TextEdit[] = [];
  #held: Held | undefined;
  /** The held table is true for the present text up to this UTF-16 offset. */
  #settledUpTo = Infinity;
  #stale: Cells = noCells;
  /** Of the last run that came to its end. */
  #finished: { readonly version: number; readonly summary: Summary } | undefined;
  /** Counts `#forgetScores`: what a run from before still sends would bring back what was forgotten. */
  #timesForgotten = 0;
  #disposed = false;
  #view: DocumentView | undefined;
  readonly #waiting = new Set<{ readonly resolve: (view: DocumentView) => void; readonly reject: (error: Error) => void }>();

  constructor(document: vscode.TextDocument, config: Config, model: LensModel, log: vscode.LogOutputChannel, changed: () => void) {
    this.#document = document;
    this.#config = config;
    this.#model = model;
    this.#log = log;
    this.#changed = changed;
  }

  get document(): vscode.TextDocument {
    return this.#document;
  }

  get state(): LensState {
    return this.#state;
  }

  get view(): DocumentView | undefined {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** Begins to score, unless that is done or under way. What failed is tried again only where somebody asks (`again`). */
  start({ again = false } = {}): void {
    this.#wanted = true;
    if (this.#state.kind === 'failed' && !again) return;
    if (this.#run || this.#timer || this.view?.complete === true) return;
    this.#startRun();
  }

  /** Stops scoring and forgets the scores, unless somebody waits for them. */
  stop(): void {
    if (!this.#wanted) return;
    this.#wanted = false;
    if (this.#waiting.size === 0) this.#end();
  }

  /** The settings or the model changed. */
  restart(): void {
    this.#cancel();
    this.#forgetScores();
    if (this.#wanted || this.#waiting.size > 0) this.#startRun();
  }

  /** Scores the document once, whether `start` was called or not; with edits meanwhile, the newest text. */
  async complete(): Promise<DocumentView> {
    const done = new Promise<DocumentView>((resolve, reject) => {
      const waiting = {
        resolve: (view: DocumentView) => {
          this.#waiting.delete(waiting);
          resolve(view);
        },
        reject: (error: Error) => {
          this.#waiting.delete(waiting);
          reject(error);
        },
      };
      this.#waiting.add(waiting);
    });
    if (this.view?.complete === true) this.#resolveWaiting(this.view);
    else if (!this.#run && !this.#timer) this.#startRun();
    return done;
  }

  edited(event: vscode.TextDocumentChangeEvent): void {
    if (event.contentChanges.length === 0) return; // only the dirty flag
    // Each change is given in offsets of the text before the event: from the last one on, so that none moves another.
    const changes = [...event.contentChanges].sort((a, b) => b.rangeOffset - a.rangeOffset);
    for (const change of this.#sent ? changes : []) {
      this.#edits.push({ start: change.rangeOffset, end: change.rangeOffset + change.rangeLength, text: change.text });
    }
    if (this.#edits.length > mostEdits) this.#sendWhole();
    if (!this.#wanted && this.#waiting.size === 0) {
      this.#cancel();
      this.#forgetScores();
      return;
    }
    this.#markStale(changes);
    this.#cancel();
    const { scored, tokens } = this.#progress();
    this.#set({ kind: 'scoring', scored, tokens });
    this.#timer = setTimeout(() => {
      this.#startRun();
    }, debounceMs);
  }

  /** What is on the screen changed: what shows now comes first. */
  scrolled(): void {
    if (this.#state.kind !== 'scoring' || !this.#run) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#startRun();
    }, scrollDebounceMs);
  }

  async next(offset: number, signal: AbortSignal): Promise<NextAnswer> {
    const refusal = this.#refusal();
    if (refusal) throw new ModelError('unsupported', refusalText(refusal));
    const answer = await this.#withModel(signal, async (model, version) => {
      const params = {
        model: model.description.key,
        document: this.#document.uri.toString(),
        version,
        settings: this.#config.scoringSettings,
        offset,
      };
      return { result: await model.client.call('next', params, signal), model, version };
    });
    const { contextTokens, overlapTokens } = this.#held?.layout.window ?? this.#config.scoringSettings;
    const startTokenId = this.#config.scoringSettings.useStartToken ? answer.model.description.startTokenId : null;
    return {
      result: answer.result,
      vocabulary: answer.model.vocabulary,
      modelName: shortName(answer.model.description.name),
      provenance: provenanceOf(answer.model.description, { contextTokens, overlapTokens }, startTokenId, answer.version),
    };
  }

  dispose(): void {
    this.#disposed = true;
    this.#wanted = false;
    this.#end();
    this.#rejectWaiting(new ModelError('cancelled', 'The document was closed.'));
    // Only a process that runs can know the document; none is started to be told.
    if (this.#sent) void this.#model.close(this.#document.uri.toString(), this.#sent.process);
  }

  #startRun(): void {
    this.#cancel();
    const refusal = this.#refusal();
    if (refusal) {
      this.#forgetScores();
      this.#set({ kind: 'refused', reason: refusal });
      this.#rejectWaiting(new ModelError('unsupported', refusalText(refusal)));
      return;
    }
    const run = new AbortController();
    this.#run = run;
    void this.#score(run.signal).finally(() => {
      if (this.#run === run) this.#run = undefined;
    });
  }

  async #score(signal: AbortSignal): Promise<void> {
    try {
      if (this.#held) this.#set({ kind: 'scoring', ...this.#progress() });
      else this.#set({ kind: 'starting' });
      await this.#withModel(signal, async (model, version) => {
        const knownTableId = this.#held?.model === model ? this.#held.layout.tableId : undefined;
        const params = {
          model: model.description.key,
          document: this.#document.uri.toString(),
          version,
          settings: this.#config.scoringSettings,
          visible: this.#visible(),
          knownTableId,
        };
        const timesForgotten = this.#timesForgotten;
        const result = await model.client.call('score', params, signal, event => {
          if (timesForgotten === this.#timesForgotten) this.#receive(event, model);
        });
        this.#log.debug(`Scored a document of ${String(this.#held?.table.length ?? 0)} tokens: ${String(result.tokensRun)} run.`);
      });
      if (signal.aborted) return;
      this.#finish();
    } catch (error) {
      if (signal.aborted) return;
      const failure = ModelError.from(error);
      this.#log.error(`Scoring failed (${failure.code}): ${failure.message}`);
      this.#set({ kind: 'failed', error: failure });
      this.#rejectWaiting(failure);
    }
  }

  /** Loads the model, brings its copy of the document up to date and does the work; once more from the start when the process died. */
  async #withModel<T>(signal: AbortSignal, work: (model: ReadyModel, version: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const model = await this.#model.ready(signal);
        if (signal.aborted || this.#disposed) throw new ModelError('cancelled', 'Cancelled.');
        return await work(model, this.#send(model));
      } catch (error) {
        const { code } = ModelError.from(error);
        const again = code === 'exited' ? this.#model.deathsInARow < mostDeaths : code === 'out-of-step' && attempt === 1;
        if (signal.aborted || !again || attempt > mostDeaths) throw error;
        this.#sendWhole(); // the process that knew the document is gone, or knows another text
      }
    }
  }

  /** Tells the model process what it does not know yet; calls arrive in the order they are made, so nobody waits. Returns the version. */
  #send(model: ReadyModel): number {
    const { client, generation, description } = model;
    const process = this.#sent?.process;
    const { version } = this.#document;
    const document = this.#document.uri.toString();
    const never = new AbortController().signal;
    const known = process?.client === client && process.generation === generation ? this.#sent : undefined;
    const edits = this.#edits;
    this.#edits = [];
    this.#sent = { process: { client, generation, description }, version };
    const { key } = description;
    const text = this.#document.getText();
    // A failure shows in the call that follows: the process then has another version.
    if (!known) void client.call('open', { model: key, document, version, text }, never).catch(() => undefined);
    else if (known.version !== version) {
      void client
        .call('change', { model: key, document, fromVersion: known.version, version, edits, length: text.length }, never)
        .catch(() => undefined);
    }
    return version;
  }

  #sendWhole(): void {
    this.#sent = undefined;
    this.#edits = [];
  }

  #receive(event: ModelEvent, model: ReadyModel): void {
    if (event.kind === 'layout') {
      if (event.version !== this.#document.version) return; // a newer edit has its own run
      const previous = this.#held?.model === model ? this.#held.table : undefined;
      this.#held = { layout: event, table: tableOf(event, previous, event.keptRows), model };
      this.#settledUpTo = Infinity;
    } else {
      if (this.#held?.model !== model || event.tableId !== this.#held.layout.tableId) return;
      writeRows(this.#held.table, event.rows);
    }
    this.#view = undefined;
    if (this.#settledUpTo === Infinity) this.#set({ kind: 'scoring', ...this.#progress() });
  }

  #finish(): void {
    const held = this.#held;
    if (held?.layout.version !== this.#document.version || pendingCount(held.table) > 0) return;
    this.#stale = noCells;
    this.#finished = { version: held.layout.version, summary: summaryOf(held.table, held.layout.bytes) };
    this.#view = undefined;
    this.#set({ kind: 'ready' });
    if (this.view) this.#resolveWaiting(this.view);
  }

  /** `changes`: from the last to the first, in offsets of the text before the event. */
  #markStale(changes: readonly vscode.TextDocumentContentChangeEvent[]): void {
    const first = changes.at(-1)?.rangeOffset ?? 0;
    const settled = Math.min(this.#settledUpTo, settledUpTo(this.#document.getText(), first));
    const { cells, stale } = this.#view ?? this.#makeView() ?? { cells: noCells, stale: noCells };
    let moved = mergedCells(stale, cellsAfter(cells, settled));
    for (const { rangeOffset, rangeLength, text } of changes) {
      moved = movedCells(moved, { start: rangeOffset, end: rangeOffset + rangeLength, length: text.length });
    }
    this.#stale = moved;
    this.#settledUpTo = settled;
    this.#view = undefined;
  }

  #makeView(): DocumentView | undefined {
    const held = this.#held;
    if (!held) return undefined;
    const { layout, table, model } = held;
    const current = cellsOf(table);
    const cells = this.#settledUpTo === Infinity ? current : cellsUpTo(current, this.#settledUpTo);
    return {
      uri: this.#document.uri.toString(),
      documentVersion: layout.version,
      table,
      gaps: layout.gaps,
      cells,
      stale: withoutCovered(this.#stale, cells),
      complete: this.#isComplete(held),
      summary: this.#finished?.summary,
      provenance: provenanceOf(model.description, layout.window, layout.startTokenId, layout.version),
      modelName: shortName(model.description.name),
      vocabulary: model.vocabulary,
    };
  }

  /** Not before its summary is made: whoever looks at the scores finds both of one version. */
  #isComplete({ layout, table }: Held): boolean {
    const { version } = this.#document;
    return this.#settledUpTo === Infinity && layout.version === version && this.#finished?.version === version && pendingCount(table) === 0;
  }

  #progress(): { scored: number; tokens: number } {
    const table = this.#held?.table;
    return { scored: table ? table.length - pendingCount(table) : 0, tokens: table?.length ?? 0 };
  }

  #visible(): Span[] {
    const editors = vscode.window.visibleTextEditors.filter(editor => editor.document === this.#document);
    return editors.flatMap(editor =>
      editor.visibleRanges.map(range => ({ start: this.#document.offsetAt(range.start), end: this.#document.offsetAt(range.end) })),
    );
  }

  #refusal(): RefusalReason | undefined {
    const skipped = this.#config.skips(this.#document);
    if (skipped) return { kind: skipped };
    const text = this.#document.getText();
    const limitBytes = this.#config.largestDocumentBytes;
    // A UTF-16 unit takes at most three bytes: most documents need no count.
    const bytes = text.length * 3 <= limitBytes ? 0 : Buffer.byteLength(text);
    if (bytes > limitBytes) return { kind: 'too-large', bytes, limitBytes };
    return text.includes('\0') ? { kind: 'binary' } : undefined;
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#run?.abort();
    this.#run = undefined;
  }

  #end(): void {
    this.#cancel();
    this.#forgetScores();
    this.#set({ kind: 'off' });
  }

  #forgetScores(): void {
    this.#held = undefined;
    this.#stale = noCells;
    this.#settledUpTo = Infinity;
    this.#finished = undefined;
    this.#timesForgotten++;
    this.#view = undefined;
  }

  #set(state: LensState): void {
    this.#state = state;
    this.#changed();
  }

  #resolveWaiting(view: DocumentView): void {
    for (const { resolve } of [...this.#waiting]) resolve(view);
  }

  #rejectWaiting(error: Error): void {
    for (const { reject } of [...this.#waiting]) reject(error);
  }
}

/** As people call it: "SmolLM2-135M". The provenance has the whole name. */
function shortName(name: string): string {
  return name.replace(/-instruct$/i, '');
}

/** For other extensions and the log; views say it in the user's language. */
function refusalText(reason: RefusalReason): string {
  switch (reason.kind) {
    case 'too-large':
      return `The document has ${String(reason.bytes)} bytes, more than the limit of ${String(reason.limitBytes)} (tokenLens.largestDocumentBytes).`;
    case 'binary':
      return 'The document is binary: it holds NUL characters.';
    case 'scheme':
    case 'language':
      return `Documents of this ${reason.kind} are left out by the settings.`;
  }
}
