import * as vscode from 'vscode';
import { cellsFrom, cellsWithin, noCells } from './core/cells';
import { ContextReading, mostTriedTokens, rowsWithin, stepsOf, tokensOf } from './core/contextNeeds';
import type { ReadingKind, ReadingStep } from './core/contextNeeds';
import { isSameMeasure } from './core/legend';
import type { Provenance, Span } from './core/scores';
import { Speed } from './core/speed';
import { contextKeys } from './core/contributions';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { Answer, DocumentView, QuestionParams } from './documentView';
import { ModelError } from './model/errors';
import type { Pauses } from './pauses';
import type { ScoredDocuments } from './scoredDocuments';

/** Rows of one call: with few, what stands before the first one is run again and again; with many, the first colours come late. */
const rowsPerStep = 48;
/** Tokens run to see how fast the model is, about; less where there is less to do. */
const trialTokens = 400;
/** Context lengths tried then: enough to have them run as later ones are. */
const trialLengths = 16;

/** A reading that is shown in place of the usual scores. */
export interface ShownReading {
  readonly reading: ContextReading;
  /** Its scores as those of a document: only rows that are read have any. */
  readonly view: DocumentView;
}

/** What is to be read, and what it will take. */
export interface ReadingPlan {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly shown: ShownReading;
  /** What shows on a screen comes first. */
  readonly steps: readonly ReadingStep[];
  /** Of its questions, from a short run. */
  readonly speed: Speed;
}

interface Run {
  readonly stop: AbortController;
  /** It has the scores of the document: without them, it is of settings that do not hold any more. */
  isBased: boolean;
}

interface Entry {
  readonly version: number;
  /** By kind. */
  readonly kept: Map<string, ShownReading>;
  shown: ShownReading | undefined;
}

type Scored = Pick<ScoredDocuments, 'ask' | 'complete' | 'isOn' | 'onDidChange' | 'view'>;

/**
 * Readings of documents beside the usual one: how much context each token needs, or all of it as read from a short context. What was read is kept for the
 * version of the document that it is of, whether it is shown or not; an edit takes it away at once.
 */
export class Readings implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Scored;
  readonly #pauses: Pauses;
  readonly #entries = new Map<vscode.TextDocument, Entry>();
  readonly #runs = new Map<vscode.TextDocument, Run>();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** More of what is shown of this document is read. */
  readonly onDidRead = this.#changed.event;
  readonly #replaced = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** Another reading of this document is shown, or none any more. */
  readonly onDidReplace = this.#replaced.event;

  constructor(scored: Scored, pauses: Pauses) {
    this.#scored = scored;
    this.#pauses = pauses;
    const { workspace, window } = vscode;
    this.#store.add(
      workspace.onDidChangeTextDocument(
        pauses.timed('edit', ({ document, contentChanges }) => {
          if (contentChanges.length > 0) this.#forget(document);
        }),
      ),
    );
    this.#store.add(workspace.onDidCloseTextDocument(document => this.#forget(document)));
    // The lens is off now, or other settings hold: the same rows would have other numbers.
    this.#store.add(
      scored.onDidChange(document => {
        const isBased = this.#entries.has(document) || this.#runs.get(document)?.isBased === true;
        if (isBased && !scored.view(document)) this.#forget(document);
      }),
    );
    this.#store.add(window.onDidChangeActiveTextEditor(() => this.#setKey()));
  }

  /** What is shown of a document in place of its usual scores; undefined where they are. */
  of(document: vscode.TextDocument): ShownReading | undefined {
    const entry = this.#entries.get(document);
    return entry?.version === document.version ? entry.shown : undefined;
  }

  /**
   * Finds what of the span is still to be read and how fast the model is; shows nothing yet. A run for this document ends. Rejects as
   * calls of the model do, as cancelled where the text is edited or other settings come to hold meanwhile.
   */
  async plan(document: vscode.TextDocument, kind: ReadingKind, span: Span, signal: AbortSignal): Promise<ReadingPlan> {
    const run = this.#begin(document, signal);
    const { signal: ending } = run.stop;
    const base = await this.#laidOut(document, ending);
    throwIfEnded(ending);
    run.isBased = true;
    const { version } = document;
    const known = this.#entries.get(document)?.kept.get(keyOf(kind));
    const shown = known ?? (await this.#newReading(document, kind, base, ending));
    const { reading } = shown;
    const visible = rowsWithin(reading.table, visibleSpans(document));
    const steps = stepsOf(rowsWithin(reading.table, [span]), visible, row => reading.isRead(row), rowsPerStep);
    const [first] = steps;
    const tokens = Math.min(trialTokens, this.tokensOf(shown, steps) / 4);
    const speed = new Speed();
    if (first) await this.#trial(document, shown, first, tokens, speed, ending);
    return { document, version, shown, steps, speed };
  }

  /** About how many tokens are given to the model for some steps of a reading. */
  tokensOf({ reading, view: { provenance } }: ShownReading, steps: readonly ReadingStep[]): number {
    const startTokens = provenance.startTokenId === null ? 0 : 1;
    return tokensOf(reading.kind, steps, startTokens + (provenance.preamble?.tokens ?? 0));
  }

  /** Shows a reading, and reads what it still lacks of these steps. `onStep`: so many rows are read. Rejects as `plan` does; what was read by then stays. */
  async read(
    { document, version, shown }: ReadingPlan,
    steps: readonly ReadingStep[],
    signal: AbortSignal,
    onStep: (rows: number) => void,
  ): Promise<void> {
    const run = this.#begin(document, signal);
    run.isBased = true;
    const isKept = this.#entries.get(document)?.kept.get(keyOf(shown.reading.kind)) === shown;
    if (document.version !== version || !isKept) throw new ModelError('cancelled', 'The text was edited, or other settings hold.');
    this.#show(document, shown);
    for (const step of steps) {
      await this.#readStep(document, shown, step, run.stop.signal);
      onStep(step.end - step.first);
    }
  }

  /** The present text's tokens; its scores, which the lens goes on with, are not waited for: those of a long text take far longer than what is asked here. */
  async #laidOut(document: vscode.TextDocument, signal: AbortSignal): Promise<DocumentView> {
    const found = () => {
      const view = this.#scored.view(document);
      return view?.documentVersion === document.version ? view : undefined;
    };
    const known = found();
    if (known) return known;
    const enough = new AbortController();
    const listener = this.#scored.onDidChange(changed => {
      if (changed === document && found()) enough.abort();
    });
    try {
      return await this.#scored.complete(document, AbortSignal.any([signal, enough.signal]));
    } catch (error) {
      const view = found();
      if (signal.aborted || !view) throw error;
      return view;
    } finally {
      listener.dispose();
    }
  }

  /** The usual scores of a document come back; whatever was being read of it ends. */
  leave(document: vscode.TextDocument): void {
    this.#runs.get(document)?.stop.abort();
    const entry = this.#entries.get(document);
    if (!entry?.shown) return;
    entry.shown = undefined;
    this.#setKey();
    this.#replaced.fire(document);
  }

  dispose(): void {
    for (const { stop } of this.#runs.values()) stop.abort();
    this.#store.dispose();
  }

  /** The newest run of a document wins. */
  #begin(document: vscode.TextDocument, signal: AbortSignal): Run {
    this.#runs.get(document)?.stop.abort();
    const run: Run = { stop: new AbortController(), isBased: false };
    this.#runs.set(document, run);
    signal.addEventListener('abort', () => run.stop.abort(), { once: true });
    if (signal.aborted) run.stop.abort();
    return run;
  }

  /** One row with an empty context: it loads the model in the arithmetic of such questions, and tells which that is. */
  async #newReading(document: vscode.TextDocument, kind: ReadingKind, base: DocumentView, signal: AbortSignal): Promise<ShownReading> {
    const reading = new ContextReading(kind, base.table); // at once: a newer table takes over the memory
    const { provenance } =
      reading.table.length === 0
        ? base
        : await this.#scored.ask(document, 'contextNeeds', { first: 0, end: 1, mostTokens: 0, topCount: 0 }, signal);
    throwIfEnded(signal);
    const { arithmetic } = base.provenance; // that of such questions may be another
    this.#refuseOther(document, { ...provenance, arithmetic }, base.provenance);
    const shown = { reading, view: viewOf(reading, base, provenance) };
    const entry = this.#entries.get(document) ?? { version: document.version, kept: new Map<string, ShownReading>(), shown: undefined };
    this.#entries.set(document, entry);
    entry.kept.set(keyOf(kind), shown);
    return shown;
  }

  /** A short run of the same kind. */
  async #trial(
    document: vscode.TextDocument,
    shown: ShownReading,
    step: ReadingStep,
    tokens: number,
    speed: Speed,
    signal: AbortSignal,
  ): Promise<void> {
    const { kind, table } = shown.reading;
    const { topCount } = table;
    const rowTokens = kind.of === 'needs' ? trialLengths : kind.contextTokens + 1;
    const rows = { first: step.first, end: Math.min(step.end, step.first + Math.max(4, Math.ceil(tokens / rowTokens))) };
    const start = performance.now();
    const answer =
      kind.of === 'needs'
        ? await this.#ask(document, shown, 'contextNeeds', { ...rows, mostTokens: trialLengths, topCount }, signal)
        : await this.#ask(document, shown, 'shortContext', { ...rows, ...this.#shortParams(shown, kind.contextTokens) }, signal);
    speed.ran(answer.result.tokensRun, (performance.now() - start) / 1000);
  }

  async #readStep(document: vscode.TextDocument, shown: ShownReading, { first, end }: ReadingStep, signal: AbortSignal): Promise<void> {
    const { reading } = shown;
    const { kind } = reading;
    const { topCount } = reading.table;
    const changed = () => {
      if (this.of(document) === shown) this.#changed.fire(document);
    };
    if (kind.of === 'needs') {
      const { result } = await this.#ask(document, shown, 'contextNeeds', { first, end, mostTokens: mostTriedTokens, topCount }, signal);
      this.#pauses.time('model', () => reading.writeNeeds({ first, end }, result));
    } else {
      const { result } = await this.#ask(
        document,
        shown,
        'shortContext',
        { first, end, ...this.#shortParams(shown, kind.contextTokens) },
        signal,
      );
      this.#pauses.time('model', () => reading.writeShort({ first, end }, result));
      changed();
      // What it is held against is of the same arithmetic; the editor's own scores may not be.
      const whole = await this.#ask(document, shown, 'contextNeeds', { first, end, mostTokens: 0, topCount: 0 }, signal);
      reading.writeWhole({ first, end }, whole.result.whole);
    }
    changed();
  }

  #shortParams({ reading }: ShownReading, contextTokens: number) {
    return { contextTokens, topCount: reading.table.topCount };
  }

  /** Rejects, too, where the answer comes after the run has ended, or is of other settings: an edit or they may have come in between. */
  async #ask<Q extends 'contextNeeds' | 'shortContext'>(
    document: vscode.TextDocument,
    { view }: ShownReading,
    question: Q,
    asked: QuestionParams<Q>,
    signal: AbortSignal,
  ): Promise<Answer<Q>> {
    const answer = await this.#scored.ask(document, question, asked, signal);
    throwIfEnded(signal);
    this.#refuseOther(document, answer.provenance, view.provenance);
    return answer;
  }

  #refuseOther(document: vscode.TextDocument, found: Provenance, expected: Provenance): void {
    if (isSameMeasure(found, expected)) return;
    this.#forget(document);
    throw new ModelError('cancelled', 'The settings have changed.');
  }

  #show(document: vscode.TextDocument, shown: ShownReading): void {
    const entry = this.#entries.get(document);
    if (!entry || entry.shown === shown) return;
    entry.shown = shown;
    this.#setKey();
    this.#replaced.fire(document);
  }

  #forget(document: vscode.TextDocument): void {
    this.#runs.get(document)?.stop.abort();
    this.#runs.delete(document);
    const wasShown = this.#entries.get(document)?.shown !== undefined;
    this.#entries.delete(document);
    if (!wasShown) return;
    this.#setKey();
    this.#replaced.fire(document);
  }

  #setKey(): void {
    const document = vscode.window.activeTextEditor?.document;
    void vscode.commands.executeCommand('setContext', contextKeys.reading, document !== undefined && this.of(document) !== undefined);
  }
}

function throwIfEnded(signal: AbortSignal): void {
  if (signal.aborted) throw new ModelError('cancelled', 'Cancelled.');
}

function keyOf(kind: ReadingKind): string {
  return kind.of === 'needs' ? 'needs' : `short ${kind.contextTokens.toString()}`;
}

/** What the editor shows of a document while a reading is. */
function viewOf({ table }: ContextReading, base: DocumentView, provenance: Provenance): DocumentView {
  return {
    ...base,
    table,
    watched: [],
    cellsIn: span => cellsWithin(table, span),
    staleIn: () => noCells,
    cellsFrom: leastBits => cellsFrom(table, leastBits),
    summary: undefined,
    complete: true, // nothing is under way that would come by itself
    provenance,
  };
}

function visibleSpans(document: vscode.TextDocument): readonly Span[] {
  return vscode.window.visibleTextEditors
    .filter(editor => editor.document === document)
    .flatMap(({ visibleRanges }) =>
      visibleRanges.map(({ start, end }) => ({ start: document.offsetAt(start), end: document.offsetAt(end) })),
    );
}
