import path from 'node:path';
import { Vocabulary } from './core/vocabulary';
import type { Disposable } from './disposable';
import { isShort, memoryNeeded } from './memoryGate';
import type { Connect } from './model/childProcess';
import { ModelClient } from './model/client';
import type { ModelClientOptions } from './model/client';
import { ModelError } from './model/errors';
import type { LoadParams, ModelDescription } from './model/protocol';
import { Refusal } from './refusal';

/** A model that is in memory and ready for calls. `generation` names the process: what was sent to another one is gone. */
export interface ReadyModel {
  readonly client: ModelClient;
  readonly generation: number;
  readonly description: ModelDescription;
  readonly vocabulary: Vocabulary;
}

export interface ModelSlotOptions extends ModelClientOptions {
  /** A process has loaded its model, in milliseconds. */
  readonly onLoaded: (description: ModelDescription, ms: number) => void;
}

/** One model process, and the model that it has loaded. */
export class ModelSlot implements Disposable {
  readonly client: ModelClient;
  readonly #onLoaded: ModelSlotOptions['onLoaded'];
  #ready: ReadyModel | undefined;
  #gone: Promise<void> = Promise.resolve();
  /** A driver has taken the process with it: it is not tried again in this slot. */
  #avoidsDevice = false;

  constructor(options: ModelSlotOptions) {
    this.#onLoaded = options.onLoaded;
    const connect: Connect = chunkTokens => {
      const connection = options.connect(chunkTokens);
      this.#gone = new Promise(resolve => {
        connection.onExit(() => {
          resolve();
        });
      });
      return connection;
    };
    this.client = new ModelClient({
      ...options,
      connect,
      get idleMs() {
        return options.idleMs;
      },
    });
  }

  /** What is in memory and ready. */
  get running(): ReadyModel | undefined {
    const { client } = this;
    return client.processId !== undefined && this.#ready?.generation === client.generation ? this.#ready : undefined;
  }

  /** Whether there is a process: with a model, or on the way to one. */
  get isAlive(): boolean {
    return this.client.processId !== undefined;
  }

  async load(params: LoadParams, signal: AbortSignal): Promise<ReadyModel> {
    const { client } = this;
    if (this.#ready?.description.device === 'webgpu' && client.deathsInARow > 0) this.#avoidsDevice = true;
    const avoided = this.#avoidsDevice && params.device === 'webgpu';
    const deaths = client.deathsInARow;
    const started = performance.now();
    let description: ModelDescription;
    try {
      description = await client.call('load', avoided ? { ...params, device: 'cpu' } : params, signal);
    } catch (error) {
      if (params.device === 'cpu' || this.#avoidsDevice || client.deathsInARow === deaths) throw error;
      this.#avoidsDevice = true;
      return this.load(params, signal);
    }
    if (this.#ready?.generation === client.generation) return this.#ready; // somebody else was faster
    if (avoided) description = { ...description, deviceFallback: 'the model process ended while it was in use' };
    this.#ready = { client, generation: client.generation, description, vocabulary: new Vocabulary(description.vocabulary) };
    this.#onLoaded(description, performance.now() - started);
    return this.#ready;
  }

  /** Ends the process; resolves when its memory is free. */
  async release(why: string): Promise<void> {
    if (this.isAlive) this.client.stop(why);
    await this.#gone;
  }

  /** Disposes it; resolves when its memory is free. */
  async end(): Promise<void> {
    this.dispose();
    await this.#gone;
  }

  dispose(): void {
    this.client.dispose();
  }
}

/** The model beside that of the settings, for comparing the two: one at a time, and only where memory has room for both. */
export class SecondModel implements Disposable {
  readonly slot: ModelSlot;
  readonly #freeBytes: () => number | undefined;
  #folder: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ModelSlotOptions, freeBytes: () => number | undefined) {
    this.slot = new ModelSlot(options);
    this.#freeBytes = freeBytes;
  }

  /**
   * Another folder takes the place of the one before. `first`: the model beside it where that is not in memory now, whose room is kept.
   * Rejects with a `Refusal` where memory has no room for both.
   */
  ready(params: LoadParams, first: LoadParams | undefined, signal: AbortSignal): Promise<ReadyModel> {
    // One after the other: a model that is on its way for one caller must not be given to another who asked for another.
    const turn = this.#turn.then(() => this.#ready(params, first, signal));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #ready(params: LoadParams, first: LoadParams | undefined, signal: AbortSignal): Promise<ReadyModel> {
    if (signal.aborted) throw new ModelError('cancelled', 'Cancelled.');
    const folder = path.resolve(params.folder);
    if (this.#folder !== folder) {
      this.#folder = folder;
      await this.slot.release('another model takes its place');
    }
    const known = this.slot.running;
    if (known) return known;
    const needs = await Promise.all((first ? [params, first] : [params]).map(memoryNeeded));
    const neededBytes = needs.reduce((sum, bytes) => sum + bytes, 0);
    const freeBytes = this.#freeBytes();
    if (freeBytes !== undefined && isShort(neededBytes, freeBytes)) throw new Refusal({ kind: 'second-memory', neededBytes, freeBytes });
    return this.slot.load(params, signal);
  }

  dispose(): void {
    this.slot.dispose();
  }
}
