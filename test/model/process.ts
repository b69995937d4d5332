import path from 'node:path';
import { tableOf, writeRows } from '../../src/core/scoreTable';
import type { ScoreTable } from '../../src/core/scores';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import type { LoadParams, ModelDescription, ModelEvent, ScoreResult, ScoringSettings } from '../../src/model/protocol';

export const never = new AbortController().signal;
export const tinySettings: ScoringSettings = { contextTokens: 96, overlapTokens: 48, anchors: 'grid', topCount: 5, useStartToken: true };

export function loadParams(folder: string): LoadParams {
  return { folder: path.resolve(folder), dtype: undefined, threads: 2, arena: true, cacheFolder: undefined, snapshotBytes: 128 * 2 ** 20 };
}

export function newClient(workerPath = 'dist/worker.js'): ModelClient {
  return new ModelClient({ connect: childProcesses(path.resolve(workerPath)), log: () => undefined, idleMs: 0 });
}

/** Holds one document's table as an editor does: by the events of the model process alone. */
export class Reader {
  table: ScoreTable | undefined;
  tableId: number | undefined;
  events: ModelEvent[] = [];
  readonly #client: ModelClient;
  readonly #model: ModelDescription;
  readonly #document: string;
  #version = 0;
  text = '';

  constructor(client: ModelClient, model: ModelDescription, document: string) {
    this.#client = client;
    this.#model = model;
    this.#document = document;
  }

  async open(text: string): Promise<void> {
    this.text = text;
    await this.#client.call('open', { model: this.#model.key, document: this.#document, version: ++this.#version, text }, never);
  }

  async edit(start: number, end: number, text: string): Promise<void> {
    this.text = this.text.slice(0, start) + text + this.text.slice(end);
    const fromVersion = this.#version++;
    const edits = [{ start, end, text }];
    await this.#client.call(
      'change',
      { model: this.#model.key, document: this.#document, fromVersion, version: this.#version, edits, length: this.text.length },
      never,
    );
  }

  score(
    settings: ScoringSettings,
    signal: AbortSignal = never,
    visible: readonly { start: number; end: number }[] = [],
  ): Promise<ScoreResult> {
    this.events = [];
    const params = {
      model: this.#model.key,
      document: this.#document,
      version: this.#version,
      settings,
      visible,
      knownTableId: this.tableId,
    };
    return this.#client.call('score', params, signal, event => {
      this.events.push(event);
      if (event.kind === 'layout') {
        this.table = tableOf(event, this.table, event.carried);
        this.tableId = event.tableId;
      } else if (this.table && event.tableId === this.tableId) writeRows(this.table, event.rows);
    });
  }

  next(settings: ScoringSettings, offset: number, signal: AbortSignal = never) {
    return this.#client.call(
      'next',
      { model: this.#model.key, document: this.#document, version: this.#version, settings, offset },
      signal,
    );
  }

  get finished(): ScoreTable {
    if (!this.table) throw new Error('Nothing was scored.');
    return this.table;
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
