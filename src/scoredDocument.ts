import * as vscode from 'vscode';
import type { Config } from './config';
import type { Drift } from './core/drift';
import { settledUpTo } from './core/drift';
import { LiveScores } from './core/liveScores';
import { provenanceOf, summaryOf } from './core/report';
import type { ModelKey, PreambleNote, Span, Summary } from './core/scores';
import { isContextQuestion } from './documentView';
import type { Answer, AskOptions, DocumentView, LensState, Progress, Question, QuestionParams } from './documentView';
import type { LensModel } from './lensModel';
import type { ReadyModel } from './modelSlots';
import { ModelError } from './model/errors';
import type { LayoutEvent, ModelDescription, ModelEvent, Preamble, ScoringSettings } from './model/protocol';
import { ModelCopy } from './modelCopy';
import type { Pauses } from './pauses';
import type { DocumentPreamble, Preambles } from './preambles';
import { Refusal } from './refusal';
import type { RefusalReason } from './refusal';
import { sameWords } from './watchWords';
import type { WatchWords } from './watchWords';
import type { WindowFocus } from './windowFocus';

/** After the last edit, before the model is asked: rescoring at every key would only be cancelled by the next one. */
const debounceMs = 250;
/** Scrolling fires with every line: the model process is told what shows now at most so often. */
const showPauseMs = 50;
/** Rows may come faster than anybody can look: views are told of them at most so often. */
const newsPauseMs = 100;

/** What every scored document works with. */
export interface Surroundings {
  readonly config: Config;
  readonly model: LensModel;
  readonly focus: WindowFocus;
  readonly pauses: Pauses;
  readonly watch: WatchWords;
  readonly preambles: Pick<Preambles, 'of' | 'onDidChange' | 'follow'>;
  readonly log: vscode.LogOutputChannel;
}

/** The layout of the table in `LiveScores`, and what it came from. */
interface Origin {
  readonly layout: LayoutEvent;
  readonly preamble: DocumentPreamble | undefined;
  readonly model: ReadyModel;
}

interface Waiting {
  /** See `ScoredDocuments.complete`. */
  readonly anyScheme: boolean;
  readonly resolve: (view: DocumentView) => void;
  readonly reject: (error: Error) => void;
}

/** One document's scores: asks the model when the circumstances allow it, keeps what comes, marks what an edit made stale. The newest edit wins. */
export class ScoredDocument implements vscode.Disposable {
  readonly #document: vscode.TextDocument;
  readonly #around: Surroundings;
  readonly #changed: () => void;
  readonly #copy: ModelCopy;
  readonly #scores = new LiveScores();
  #origin: Origin | undefined;
  /** Of the last run that came to its end. */
  #finished: { readonly version: number; readonly summary: Summary } | undefined;
  #view: DocumentView | undefined;
  #state: LensState = { kind: 'off' };

  /** The lens is on. */
  #wanted = false;
  /** By the setting `scoreOn`, the present text is to be scored. */
  #due = true;
  /** The state is a failure or a refusal: nothing is tried until somebody asks, or what was refused has changed. */
  #stuck = false;
  /** Those who asked for complete scores, whatever the circumstances are. */
  readonly #waiting = new Set<Waiting>();

  #run: AbortController | undefined;
  /** A run that was cancelled ends later: what it still says is about the same table that the next one goes on from. */
  #lastRun: Promise<void> = Promise.resolve();
  /** Of the run that is under way, once it is. */
  #scoring: ReadyModel | undefined;
  #editTimer: NodeJS.Timeout | undefined;
  #showTimer: NodeJS.Timeout | undefined;
  #newsTimer: NodeJS.Timeout | undefined;
  #toldAt = -Infinity;

  constructor(document: vscode.TextDocument, around: Surroundings, changed: () => void) {
    this.#document = document;
    this.#around = around;
    this.#changed = changed;
    this.#copy = new ModelCopy(document, around.model, around.pauses);
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

  /** The lens is on. `asked`: somebody has just said so, or wants the text rescored; what is held back or has failed is then tried. */
  start({ asked = false } = {}): void {
    this.#wanted = true;
    if (asked) {
      this.#due = true;
      this.#stuck = false;
    }
    this.update();
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
    this.#stuck = false;
    this.#due = true;
    this.update();
  }

  /** Other words are watched: the same numbers are computed once more, and what there is stays until then. */
  wordsChanged(): void {
    this.#view = undefined;
    this.#cancel();
    this.update();
  }

  /** Goes on or stops, as the circumstances say. */
  update(): void {
    const held = this.#heldBack();
    if (held) {
      if (this.#run) this.#cancel();
      if (!isSame(held, this.#state)) this.#set(held);
    } else if (!this.#run && !this.#editTimer) this.#startRun();
  }

  saved(): void {
    if (this.#around.config.scoreOn !== 'save') return;
    this.#due = true;
    this.update();
  }

  /** Somebody has said to load the model although memory is short. */
  memoryAllowed(): void {
    if (this.#state.kind !== 'refused' || this.#state.reason.kind !== 'memory') return;
    this.#stuck = false;
    this.update();
  }

  /** Scores the document once, whatever the circumstances; with edits meanwhile, the newest text. With the signal nobody waits any more. */
  async complete(signal?: AbortSignal, anyScheme = false): Promise<DocumentView> {
    signal?.throwIfAborted();
    const done = new Promise<DocumentView>((resolve, reject) => {
      const waiting = { resolve, reject, anyScheme };
      this.#waiting.add(waiting);
      signal?.addEventListener(
        'abort',
        () => {
          if (this.#waiting.delete(waiting))
            this.#waitsNoMore(new ModelError('cancelled', 'Nobody waits for the scores any more.'), waiting);
        },
        { once: true },
      );
    });
    if (this.view?.complete === true) this.#resolveWaiting(this.view);
    else if (!this.#run && !this.#editTimer) this.#startRun();
    return done;
  }

  edited(event: vscode.TextDocumentChangeEvent): void {
    if (event.contentChanges.length === 0) return; // only the dirty flag
    // Each change is given in offsets of the text before the event: from the last one on, so that none moves another.
    const changes = [...event.contentChanges].sort((a, b) => b.rangeOffset - a.rangeOffset);
    this.#copy.edited(changes);
    if (!this.#wanted && this.#waiting.size === 0) {
      this.#cancel();
      this.#forgetScores();
      return;
    }
    this.#scores.edited(
      changes.map(({ rangeOffset: start, rangeLength, text }) => ({ start, end: start + rangeLength, length: text.length })),
      settledUpTo(this.#document.getText(), changes.at(-1)?.rangeOffset ?? 0),
    );
    this.#view = undefined;
    this.#cancel();
    if (this.#around.config.scoreOn !== 'typing') this.#due = false;
    if (this.#state.kind === 'refused' && this.#state.reason.kind !== 'memory') this.#stuck = false;
    const shown = this.#state.kind === 'refused' ? this.#state : { kind: 'scoring' as const, ...this.#progress() };
    this.#set(this.#heldBack() ?? shown);
    this.#editTimer = setTimeout(() => {
      this.#editTimer = undefined;
      this.#around.pauses.time('edit', () => {
        // What has no unsaved changes now was changed by another program, or reverted: nobody will save it.
        if (this.#around.config.scoreOn === 'save' && !this.#document.isDirty) this.#due = true;
        this.update();
      });
    }, debounceMs);
  }

  /** What is on the screen changed: what shows now comes first. */
  scrolled(): void {
    if (!this.#scoring || this.#showTimer) return;
    this.#showTimer = setTimeout(() => {
      this.#showTimer = undefined;
      if (this.#scoring) this.#show(this.#scoring);
    }, showPauseMs);
  }

  /** Asks the model about the present text; about what a prediction leans on, in float32 arithmetic where the model file allows it. */
  async ask<Q extends Question>(
    question: Q,
    asked: QuestionParams<Q>,
    signal: AbortSignal,
    { finest = isContextQuestion(question), withoutPreamble = false }: AskOptions = {},
  ): Promise<Answer<Q>> {
    const refusal = this.#refusal();
    if (refusal) throw new Refusal(refusal);
    const preamble = withoutPreamble ? undefined : this.#around.preambles.of(this.#document);
    const settings = { ...this.#settings(), preamble: settingOf(preamble) };
    const { result, preambleTokens, model, version } = await this.#copy.ask(signal, async (model, version) => {
      const { client, description } = model;
      const params = { ...asked, model: keyFor(finest, description), document: this.#document.uri.toString(), version, settings };
      const result = client.call(question, params, signal);
      const known = this.#origin?.model === model && this.#origin.preamble === preamble ? this.#origin.layout.preambleTokens : undefined;
      return { result: await result, preambleTokens: known ?? (await tokensOf(settings, model, signal)), model, version };
    });
    const { description, vocabulary } = model;
    const startTokenId = settings.useStartToken ? description.startTokenId : null;
    const provenance = provenanceOf(
      description,
      keyFor(finest, description).arithmetic,
      this.#origin?.layout.window ?? settings,
      startTokenId,
      version,
      noteOf(preamble, preambleTokens),
    );
    return { result, vocabulary, modelName: shortName(description.name), provenance };
  }

  dispose(): void {
    clearTimeout(this.#showTimer);
    this.#wanted = false;
    this.#end();
    this.#rejectWaiting(new ModelError('cancelled', 'The document was closed.'));
    this.#copy.dispose();
  }

  /** Why nothing is to be done now, as a state; undefined where nothing is in the way. Who waits for the scores has asked for them. */
  #heldBack(): LensState | undefined {
    if (this.#waiting.size > 0) return undefined;
    if (!this.#wanted) return { kind: 'off' };
    if (this.#stuck) return this.#state;
    if (this.view?.complete === true) return { kind: 'ready' };
    const { scoreOn } = this.#around.config;
    if (!this.#due && scoreOn !== 'typing') return { kind: 'edited', until: scoreOn };
    if (this.#editors().length === 0) return { kind: 'paused', why: 'hidden', ...this.#progress() };
    if (this.#around.focus.isPaused) return { kind: 'paused', why: 'unfocused', ...this.#progress() };
    return undefined;
  }

  #startRun(): void {
    this.#cancel();
    const refusal = this.#refusal();
    if (refusal) {
      this.#forgetScores();
      this.#refuse(new Refusal(refusal));
      return;
    }
    this.#stuck = false;
    this.#set(this.#scores.table ? { kind: 'scoring', ...this.#progress() } : { kind: 'starting' });
    const run = new AbortController();
    this.#run = run;
    this.#lastRun = this.#lastRun
      .then(() => (run.signal.aborted ? undefined : this.#score(run.signal)))
      .finally(() => {
        if (this.#run === run) this.#run = undefined;
      });
  }

  /** Never rejects. */
  async #score(signal: AbortSignal): Promise<void> {
    try {
      await this.#copy.ask(signal, (model, version) => this.#askForScores(model, version, signal));
      if (!signal.aborted) this.#around.pauses.time('model', () => this.#finish());
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  async #askForScores(model: ReadyModel, version: number, signal: AbortSignal): Promise<void> {
    const { pauses, log, preambles } = this.#around;
    const preamble = preambles.of(this.#document);
    const reading = this.#scores.begin();
    const params = {
      model: model.description.key,
      document: this.#document.uri.toString(),
      version,
      settings: this.#settings(),
      visible: this.#visible(),
      knownTableId: this.#origin?.model === model ? this.#origin.layout.tableId : undefined,
    };
    const receive = pauses.timed('model', (event: ModelEvent) => this.#receive(event, reading, { model, preamble }));
    try {
      this.#scoring = model;
      const result = await model.client.call('score', params, signal, receive);
      log.debug(`Scored a document of ${String(this.#scores.table?.length ?? 0)} tokens: ${String(result.tokensRun)} run.`);
    } finally {
      this.#scoring = undefined;
      this.#scores.end(reading);
    }
  }

  #receive(event: ModelEvent, reading: Drift, { model, preamble }: Pick<Origin, 'model' | 'preamble'>): void {
    const isOfTable = this.#origin?.model === model && this.#origin.layout.tableId === event.tableId;
    if (event.kind === 'rows') {
      if (!isOfTable) return; // forgotten meanwhile
      this.#scores.rows(event.rows);
    } else if (isOfTable) this.#scores.goOn(reading);
    else {
      const hasSameWords = this.#origin !== undefined && sameWords(wordsOf(this.#origin.layout), wordsOf(event));
      if (!this.#scores.layout(reading, event, event.carried, hasSameWords)) return;
      this.#origin = { layout: event, preamble, model };
    }
    this.#view = undefined;
    // A run that was cancelled may still say something: the state is not about it.
    if (this.#run && !this.#editTimer) this.#state = { kind: 'scoring', ...this.#progress() };
    this.#tellSoon();
  }

  #finish(): void {
    const { table, pending, isOfThisText } = this.#scores;
    if (!table || !this.#origin || pending > 0 || !isOfThisText) return;
    const { version, bytes } = this.#origin.layout;
    this.#finished = { version, summary: summaryOf(table, bytes) };
    this.#view = undefined;
    this.#set({ kind: 'ready' });
    if (this.view) this.#resolveWaiting(this.view);
  }

  #fail(error: unknown): void {
    if (error instanceof Refusal) return this.#refuse(error);
    const failure = ModelError.from(error);
    this.#around.log.error(`Scoring failed (${failure.code}): ${failure.message}`);
    this.#stuck = true;
    this.#set({ kind: 'failed', error: failure });
    this.#rejectWaiting(failure);
  }

  #refuse(refusal: Refusal): void {
    this.#stuck = true;
    this.#set({ kind: 'refused', reason: refusal.reason });
    this.#rejectWaiting(refusal);
  }

  #show(model: ReadyModel): void {
    const params = { model: model.description.key, document: this.#document.uri.toString(), visible: this.#visible() };
    // The process may have ended meanwhile: there is nothing to be shown first then.
    void model.client.call('show', params, new AbortController().signal).catch(() => undefined);
  }

  #makeView(): DocumentView | undefined {
    const { table, pending } = this.#scores;
    if (!table || !this.#origin) return undefined;
    const { layout, preamble, model } = this.#origin;
    const { description, vocabulary } = model;
    return {
      uri: this.#document.uri.toString(),
      documentVersion: layout.version,
      table,
      watched: layout.watched,
      gaps: layout.gaps,
      cellsIn: span => this.#scores.cellsIn(span),
      staleIn: span => this.#scores.staleIn(span),
      cellsFrom: leastBits => this.#scores.cellsFrom(leastBits),
      // Not before its summary is made: whoever looks at the scores finds both of one version.
      complete:
        pending === 0 &&
        this.#scores.isOfThisText &&
        this.#finished?.version === layout.version &&
        sameWords(wordsOf(layout), this.#around.watch.words),
      summary: this.#finished?.summary,
      provenance: provenanceOf(
        description,
        description.key.arithmetic,
        layout.window,
        layout.startTokenId,
        layout.version,
        noteOf(preamble, layout.preambleTokens),
      ),
      modelName: shortName(description.name),
      vocabulary,
      usualBitsPerByte: description.selfCheck.usualBitsPerByte,
    };
  }

  #settings(): ScoringSettings {
    const { config, watch } = this.#around;
    return { ...config.scoringSettings, watchWords: watch.words, preamble: settingOf(this.#around.preambles.of(this.#document)) };
  }

  #progress(): Progress {
    const tokens = this.#scores.table?.length ?? 0;
    return { scored: tokens - this.#scores.pending, tokens };
  }

  #editors(): readonly vscode.TextEditor[] {
    return vscode.window.visibleTextEditors.filter(editor => editor.document === this.#document);
  }

  #visible(): Span[] {
    return this.#editors().flatMap(editor =>
      editor.visibleRanges.map(range => ({ start: this.#document.offsetAt(range.start), end: this.#document.offsetAt(range.end) })),
    );
  }

  #refusal(): RefusalReason | undefined {
    const { config } = this.#around;
    const anyScheme = [...this.#waiting].some(waiting => waiting.anyScheme);
    const skipped = config.skips(this.#document, anyScheme);
    if (skipped) return { kind: skipped };
    const text = this.#document.getText();
    const limitBytes = config.largestDocumentBytes;
    // A UTF-16 unit takes at most three bytes: most documents need no count.
    const bytes = text.length * 3 <= limitBytes ? 0 : Buffer.byteLength(text);
    if (bytes > limitBytes) return { kind: 'too-large', bytes, limitBytes };
    return text.includes('\0') ? { kind: 'binary' } : undefined;
  }

  #cancel(): void {
    clearTimeout(this.#editTimer);
    this.#editTimer = undefined;
    this.#run?.abort();
    this.#run = undefined;
  }

  #end(): void {
    this.#cancel();
    this.#forgetScores();
    this.#stuck = false;
    this.#set({ kind: 'off' });
  }

  #forgetScores(): void {
    this.#scores.clear();
    this.#origin = undefined;
    this.#finished = undefined;
    this.#view = undefined;
  }

  #set(state: LensState): void {
    this.#state = state;
    this.#tell();
  }

  /** Never at once: taking in what the model says and drawing it are two pieces of work, between which the host can answer others. */
  #tellSoon(): void {
    const leftMs = Math.max(0, this.#toldAt + newsPauseMs - performance.now());
    this.#newsTimer ??= setTimeout(() => {
      this.#around.pauses.time('draw', () => this.#tell());
    }, leftMs);
  }

  #tell(): void {
    clearTimeout(this.#newsTimer);
    this.#newsTimer = undefined;
    this.#toldAt = performance.now();
    this.#changed();
  }

  #waitsNoMore(why: ModelError, { reject }: Waiting): void {
    reject(why);
    if (this.#waiting.size > 0) return;
    if (this.#wanted) this.update();
    else this.#end();
  }

  #resolveWaiting(view: DocumentView): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { resolve } of waiting) resolve(view);
  }

  #rejectWaiting(error: Error): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

function wordsOf({ watched }: LayoutEvent): readonly string[] {
  return watched.map(({ word }) => word);
}

/** But for how far they have come. */
function isSame(a: LensState, b: LensState): boolean {
  return a.kind === b.kind && ('why' in a && a.why) === ('why' in b && b.why) && ('until' in a && a.until) === ('until' in b && b.until);
}

/** As people call it: "SmolLM2-135M". The provenance has the whole name. */
function shortName(name: string): string {
  return name.replace(/-instruct$/i, '');
}

function settingOf(preamble: DocumentPreamble | undefined): Preamble | undefined {
  return preamble && { kind: preamble.kind, text: preamble.text };
}

function noteOf(preamble: DocumentPreamble | undefined, tokens: number): PreambleNote | undefined {
  return preamble && { kind: preamble.kind, name: preamble.name, tokens, sha256: preamble.sha256 };
}

async function tokensOf(
  { preamble, useStartToken }: ScoringSettings,
  { client, description }: ReadyModel,
  signal: AbortSignal,
): Promise<number> {
  if (!preamble) return 0;
  return (await client.call('preamble', { model: description.key, preamble, useStartToken }, signal)).tokens;
}

/** Effects of what stands far back are often below the noise of native arithmetic. */
function keyFor(finest: boolean, { key, selfCheck }: ModelDescription): ModelKey {
  return finest && selfCheck.noiseFloorBits !== null ? { ...key, arithmetic: 'float32' } : key;
}
