/** The real model process, as the editor and the command line use it; all cores, normal priority. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { rowState } from '../src/core/scores';
import type { Anchors, Arithmetic, ScoreTable, Span } from '../src/core/scores';
import { tableOf, writeRows } from '../src/core/scoreTable';
import { childProcesses } from '../src/model/childProcess';
import { ModelClient } from '../src/model/client';
import type { ContextLengthsResult, WithoutParams, WithoutResult } from '../src/model/contextProtocol';
import type { Measurements, ModelDescription, NextResult, ScoreResult, ScoringSettings } from '../src/model/protocol';
import { bundledModel } from './texts';

export const threads = availableParallelism();
/** The editor's default. */
export const snapshotBytes = 128 * 2 ** 20;
const never = new AbortController().signal;

export function scoringSettings(anchors: Anchors): ScoringSettings {
  return { contextTokens: 1024, overlapTokens: 256, anchors, topCount: 10, useStartToken: true, watchWords: [] };
}

export class ModelProcess {
  readonly #client: ModelClient;
  readonly #description: ModelDescription;
  #documents = 0;

  private constructor(client: ModelClient, description: ModelDescription) {
    this.#client = client;
    this.#description = description;
  }

  /** `cacheFolder`: as in `LoadParams`. */
  static async start(options: { readonly arena: boolean; readonly cacheFolder: string; readonly idleMs?: number }): Promise<ModelProcess> {
    const { arena, cacheFolder, idleMs = 0 } = options;
    const client = new ModelClient({ connect: childProcesses(path.resolve('dist/worker.js')), log: () => undefined, idleMs });
    const load = { folder: bundledModel, dtype: undefined, threads, arena, device: 'cpu' as const, cacheFolder, snapshotBytes };
    return new ModelProcess(client, await client.call('load', load, never));
  }

  get head(): ModelDescription['head'] {
    return this.#description.head;
  }

  get processId(): number | undefined {
    return this.#client.processId;
  }

  measure(): Promise<Measurements> {
    return this.#client.call('measure', { model: this.#description.key }, never);
  }

  /** The most memory that the process ever had, in bytes; undefined where the system does not say. */
  get peakBytes(): number | undefined {
    try {
      const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${String(this.processId)}/status`, 'utf8'))?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    } catch {
      return undefined; // not Linux
    }
  }

  /** A document of the process, with a name of its own. */
  document(anchors: Anchors, arithmetic: Arithmetic = 'native'): Document {
    const key = { ...this.#description.key, arithmetic };
    return new Document(this.#client, key, `document ${++this.#documents}`, scoringSettings(anchors));
  }

  stop(): void {
    this.#client.dispose();
  }
}

interface ScoreOptions {
  readonly visible?: readonly Span[];
  readonly signal?: AbortSignal;
  readonly onRows?: (table: ScoreTable) => void;
}

/** One document, its table kept by the events of the model process alone, as an editor does. */
export class Document {
  text = '';
  table: ScoreTable | undefined;
  readonly #client: ModelClient;
  readonly #model: ModelDescription['key'];
  readonly #name: string;
  readonly #settings: ScoringSettings;
  #version = 0;
  #tableId: number | undefined;

  constructor(client: ModelClient, model: ModelDescription['key'], name: string, settings: ScoringSettings) {
    this.#client = client;
    this.#model = model;
    this.#name = name;
    this.#settings = settings;
  }

  async open(text: string): Promise<void> {
    this.text = text;
    await this.#client.call('open', { ...this.#named, version: ++this.#version, text }, never);
  }

  async edit(start: number, end: number, text: string): Promise<void> {
    this.text = this.text.slice(0, start) + text + this.text.slice(end);
    const fromVersion = this.#version++;
    const edits = [{ start, end, text }];
    await this.#client.call('change', { ...this.#named, fromVersion, version: this.#version, edits, length: this.text.length }, never);
  }

  async score({ visible = [], signal = never, onRows }: ScoreOptions = {}): Promise<ScoreResult> {
    const params = { ...this.#named, version: this.#version, settings: this.#settings, visible, knownTableId: this.#tableId };
    return this.#client.call('score', params, signal, event => {
      if (event.kind === 'layout') {
        this.table = tableOf(event, this.table, event.carried);
        this.#tableId = event.tableId;
      } else if (this.table && event.tableId === this.#tableId) {
        writeRows(this.table, event.rows);
        onRows?.(this.table);
      }
    });
  }

  async show(visible: readonly Span[]): Promise<void> {
    await this.#client.call('show', { ...this.#named, visible }, never);
  }

  next(offset: number): Promise<NextResult> {
    return this.#client.call('next', { ...this.#named, version: this.#version, settings: this.#settings, offset, after: [] }, never);
  }

  /** What is predicted at a row: what stands before it is kept from then on. */
  target(row: number): Promise<ContextLengthsResult> {
    const asked = { ...this.#named, version: this.#version, settings: this.#settings, row, ids: [], topCount: 10, lengths: [] };
    return this.#client.call('contextLengths', asked, never);
  }

  /** The prediction at a row without some rows before it, which the model's start token stands in for. */
  without(row: number, source: WithoutParams['source']): Promise<WithoutResult> {
    const asked = { ...this.#named, version: this.#version, settings: this.#settings, row, ids: [], topCount: 10, source };
    return this.#client.call('without', { ...asked, filler: 'startToken' }, never);
  }

  async close(): Promise<void> {
    await this.#client.call('close', this.#named, never);
  }

  get #named() {
    return { model: this.#model, document: this.#name };
  }

  /** Over all tokens; every row must be scored. */
  get totalBits(): number {
    const { table } = this;
    if (!table || table.states.some(state => state !== rowState.scored)) throw new Error('Not every token is scored.');
    return table.surprisalBits.reduce((sum, bits) => sum + bits, 0);
  }
}
