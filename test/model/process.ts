import { setMaxListeners } from 'node:events';
import path from 'node:path';
import { tableOf, writeRows } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { Arithmetic, ModelKey, ScoreTable, Span } from '../../src/core/scores';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import type {
  ChainResult,
  DraftParams,
  DraftResult,
  FuturesParams,
  FuturesResult,
  LayoutEvent,
  LoadParams,
  Measurements,
  ModelEvent,
  NextResult,
  ScoreResult,
  ScoringSettings,
  TextEdit,
  TryResult,
  WordsResult,
} from '../../src/model/protocol';

export const never = new AbortController().signal;
setMaxListeners(0, never); // any number of calls at a time
export const tinyFolder = 'test/fixtures/tiny-gpt2';
export const bundledFolder = 'models/smollm2-135m-instruct';
export const tinySettings: ScoringSettings = {
  contextTokens: 96,
  overlapTokens: 48,
  anchors: 'grid',
  topCount: 5,
  useStartToken: true,
  watchWords: [],
};

/** Emoji, joined emoji, combining marks, control-token spellings, CRLF, tabs, other scripts. */
export const hardText =
  "The fog lifted. 🙂👩‍👧 naïve e\u0301 <|endoftext|> don't\r\nif (x == 1) {\r\n\treturn x;\r\n}\r\n\r\n日本語 and\ttabs  and  spaces.  \n".repeat(
    4,
  );

export function loadParams(folder: string): LoadParams {
  return {
    folder: path.resolve(folder),
    dtype: undefined,
    threads: 2,
    arena: true,
    device: 'cpu',
    cacheFolder: undefined,
    snapshotBytes: 128 * 2 ** 20,
  };
}

/** A model process at `workerPath` that runs at most `chunkTokens` tokens in one go; undefined: as many as the client says. */
export function newClient(workerPath = 'dist/worker.js', chunkTokens?: number): ModelClient {
  const connect = childProcesses(path.resolve(workerPath));
  return new ModelClient({
    connect: chunkTokens === undefined ? connect : () => connect(chunkTokens),
    log: () => undefined,
    idleMs: 0,
  });
}

export function measure(client: ModelClient, model: ModelKey): Promise<Measurements> {
  return client.call('measure', { model }, never);
}

/** Rows of a table that have no score yet. */
export function pendingCount({ states }: ScoreTable): number {
  return states.reduce((count, state) => count + (state === rowState.pending ? 1 : 0), 0);
}

/** Applies edits one after the other, each on the text the one before it left. */
export function edited(text: string, edits: readonly TextEdit[]): string {
  return edits.reduce((before, { start, end, text: inserted }) => before.slice(0, start) + inserted + before.slice(end), text);
}

interface EditedDocument {
  readonly name: string;
  text: string;
  version: number;
}

/** Holds one document's table as an editor does: by the events of the model process alone. */
export class Reader {
  layout: LayoutEvent | undefined;
  table: ScoreTable | undefined;
  /** Of the last score. */
  events: ModelEvent[] = [];
  /** Called after each event that changed the table. */
  onChange: ((event: ModelEvent, table: ScoreTable) => void) | undefined;
  readonly #client: ModelClient;
  readonly #model: ModelKey;
  readonly #document: EditedDocument;

  constructor(client: ModelClient, model: ModelKey, document: string | EditedDocument) {
    this.#client = client;
    this.#model = model;
    this.#document = typeof document === 'string' ? { name: document, text: '', version: 0 } : document;
  }

  /** Reads the same document in another arithmetic. */
  inArithmetic(arithmetic: Arithmetic): Reader {
    return new Reader(this.#client, { ...this.#model, arithmetic }, this.#document);
  }

  get text(): string {
    return this.#document.text;
  }

  get version(): number {
    return this.#document.version;
  }

  async open(text: string): Promise<void> {
    this.#document.text = text;
    const version = ++this.#document.version;
    await this.#client.call('open', { model: this.#model, document: this.#document.name, version, text }, never);
  }

  async close(): Promise<void> {
    await this.#client.call('close', { model: this.#model, document: this.#document.name }, never);
  }

  edit(start: number, end: number, text: string): Promise<void> {
    return this.change([{ start, end, text }]);
  }

  async change(edits: readonly TextEdit[]): Promise<void> {
    const { name, text } = this.#document;
    this.#document.text = edited(text, edits);
    const { length } = this.#document.text;
    const fromVersion = this.#document.version++;
    const { version } = this.#document;
    await this.#client.call('change', { model: this.#model, document: name, fromVersion, version, edits, length }, never);
  }

  score(settings: ScoringSettings, signal: AbortSignal = never, visible: readonly Span[] = []): Promise<ScoreResult> {
    this.events = [];
    const { name, version } = this.#document;
    const params = { model: this.#model, document: name, version, settings, visible, knownTableId: this.layout?.tableId };
    return this.#client.call('score', params, signal, event => {
      this.events.push(event);
      this.#receive(event);
    });
  }

  async show(visible: readonly Span[]): Promise<void> {
    await this.#client.call('show', { model: this.#model, document: this.#document.name, visible }, never);
  }

  next(settings: ScoringSettings, offset: number, signal: AbortSignal = never, after: readonly number[] = []): Promise<NextResult> {
    const { name, version } = this.#document;
    return this.#client.call('next', { model: this.#model, document: name, version, settings, offset, after }, signal);
  }

  words(
    settings: ScoringSettings,
    offset: number,
    count: number,
    mostTokens?: number,
    signal: AbortSignal = never,
    after: readonly number[] = [],
  ): Promise<WordsResult> {
    const { name, version } = this.#document;
    return this.#client.call('words', { model: this.#model, document: name, version, settings, offset, after, count, mostTokens }, signal);
  }

  chain(
    settings: ScoringSettings,
    offset: number,
    texts: readonly string[],
    signal: AbortSignal = never,
    after: readonly number[] = [],
  ): Promise<ChainResult> {
    const { name, version } = this.#document;
    return this.#client.call('chain', { model: this.#model, document: name, version, settings, offset, after, texts }, signal);
  }

  futures(
    settings: ScoringSettings,
    offset: number,
    wanted: Omit<FuturesParams, 'model' | 'document' | 'version' | 'settings' | 'offset' | 'after'>,
    signal: AbortSignal = never,
    after: readonly number[] = [],
  ): Promise<FuturesResult> {
    const { name, version } = this.#document;
    return this.#client.call('futures', { model: this.#model, document: name, version, settings, offset, after, ...wanted }, signal);
  }

  draft(
    settings: ScoringSettings,
    offset: number,
    wanted: Omit<DraftParams, 'model' | 'document' | 'version' | 'settings' | 'offset'>,
    signal: AbortSignal = never,
  ): Promise<DraftResult> {
    const { name, version } = this.#document;
    return this.#client.call('draft', { model: this.#model, document: name, version, settings, offset, ...wanted }, signal);
  }

  try(
    settings: ScoringSettings,
    edit: TextEdit,
    followingTokens: number,
    signal: AbortSignal = never,
    topCount?: number,
    wholeEdit?: boolean,
    oneWindow?: boolean,
  ): Promise<TryResult> {
    const { name, version } = this.#document;
    const asked = { settings, edit, followingTokens, topCount, wholeEdit, oneWindow };
    return this.#client.call('try', { model: this.#model, document: name, version, ...asked }, signal);
  }

  get finished(): ScoreTable {
    if (!this.table) throw new Error('Nothing was scored.');
    return this.table;
  }

  /** As the editor does: a layout of a text that is no longer there is dropped, and with it the rows that come after it. */
  #receive(event: ModelEvent): void {
    if (event.kind === 'layout') {
      if (event.version !== this.version) return;
      this.table = tableOf(event, this.table, event.carried);
      this.layout = event;
    } else {
      if (!this.table || event.tableId !== this.layout?.tableId) return;
      writeRows(this.table, event.rows);
    }
    this.onChange?.(event, this.table);
  }
}

/** A generator of its own for each test, so that a failure can be repeated. Numerical Recipes' constants. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Lines of words; about three of the tiny model's tokens a word. */
export function markdown(units: number): string {
  const words = 'harbour quiet morning boats rain crews coffee weather fog noon children ferry board friends family tide'.split(' ');
  const random = randomNumbers(1);
  let text = '';
  while (text.length < units) {
    const line = Array.from({ length: 3 + random(25) }, () => words[random(words.length)] ?? '').join(' ');
    text += random(4) === 0 ? `\n## ${line}\n\n` : `${line}.\n`;
  }
  return text;
}
