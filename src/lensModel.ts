import * as vscode from 'vscode';
import type { Config } from './config';
import { Vocabulary } from './core/vocabulary';
import type { Disposable } from './disposable';
import { DisposableStore } from './disposable';
import { childProcesses } from './model/childProcess';
import { ModelClient } from './model/client';
import { ModelError } from './model/errors';
import type { LoadParams, ModelDescription } from './model/protocol';

/** A model that is in memory and ready for calls. `generation` names the process: what was sent to another one is gone. */
export interface ReadyModel {
  readonly client: ModelClient;
  readonly generation: number;
  readonly description: ModelDescription;
  readonly vocabulary: Vocabulary;
}

/** The model that the settings name, in a process of its own; loaded when first asked for. */
export class LensModel implements Disposable {
  readonly #store = new DisposableStore();
  readonly #config: Config;
  readonly #workerPath: string;
  readonly #bundledFolder: string;
  readonly #log: vscode.LogOutputChannel;
  readonly #replaced = this.#store.add(new vscode.EventEmitter<void>());
  /** Settings now name another model, or another way to run it: scores of the one before are worth nothing. */
  readonly onDidReplace = this.#replaced.event;
  #client: ModelClient;
  #ready: ReadyModel | undefined;

  constructor(config: Config, workerPath: string, bundledFolder: string, log: vscode.LogOutputChannel) {
    this.#config = config;
    this.#workerPath = workerPath;
    this.#bundledFolder = bundledFolder;
    this.#log = log;
    this.#client = this.#newClient();
    this.#store.add(
      config.onDidChange(event => {
        if (!config.affects(event, 'modelFolder', 'threads', 'idleMinutes')) return;
        this.#client.dispose();
        this.#client = this.#newClient();
        this.#ready = undefined;
        this.#replaced.fire();
      }),
    );
  }

  get deathsInARow(): number {
    return this.#client.deathsInARow;
  }

  async ready(signal: AbortSignal): Promise<ReadyModel> {
    const client = this.#client;
    const known = this.#ready;
    if (known?.client === client && client.processId !== undefined && known.generation === client.generation) return known;
    const started = performance.now();
    const description = await client.call('load', this.#loadParams(), signal);
    if (this.#ready?.client === client && this.#ready.generation === client.generation) return this.#ready; // somebody else was faster
    const { name, key } = description;
    const ready = { client, generation: client.generation, description, vocabulary: new Vocabulary(description.vocabulary) };
    if (client === this.#client) this.#ready = ready;
    this.#log.info(
      `Loaded ${name} (${key.dtype}, ${key.arithmetic}, ${key.contentHash.slice(0, 12)}) in ${String(Math.round(performance.now() - started))} ms.`,
    );
    return ready;
  }

  /** Lets the model process forget a document, if it is still the one that was told of it. */
  async close(document: string, told: Pick<ReadyModel, 'client' | 'generation' | 'description'>): Promise<void> {
    const client = this.#client;
    if (client.processId === undefined || client !== told.client || client.generation !== told.generation) return;
    try {
      await client.call('close', { model: told.description.key, document }, new AbortController().signal);
    } catch (error) {
      this.#log.trace(`A document was not closed: ${ModelError.from(error).code}.`); // the process died, and the document with it
    }
  }

  dispose(): void {
    this.#client.dispose();
    this.#store.dispose();
  }

  #loadParams(): LoadParams {
    return {
      folder: this.#config.modelFolder ?? this.#bundledFolder,
      dtype: undefined,
      threads: this.#config.threads,
      // In Electron large aligned allocations end the process, and the arena makes them.
      arena: process.versions['electron'] === undefined,
    };
  }

  #newClient(): ModelClient {
    return new ModelClient({
      connect: childProcesses(this.#workerPath, { lowPriority: true }),
      log: (level, message) => {
        this.#log[level](message);
      },
      idleMs: this.#config.idleMinutes * 60_000,
    });
  }
}
