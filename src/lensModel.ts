import * as vscode from 'vscode';
import type { Config } from './config';
import { Vocabulary } from './core/vocabulary';
import type { Disposable } from './disposable';
import { DisposableStore } from './disposable';
import { freeMemory, MemoryGate, memoryNeeded } from './memoryGate';
import { childProcesses } from './model/childProcess';
import { ModelClient } from './model/client';
import { ModelError } from './model/errors';
import type { LoadParams, Measurements, ModelDescription } from './model/protocol';
import type { WindowFocus } from './windowFocus';

/** In a window without focus the model stays so long after another extension has asked for scores: it may go on asking. */
const betweenQuestionsMs = 10_000;

/** A model that is in memory and ready for calls. `generation` names the process: what was sent to another one is gone. */
export interface ReadyModel {
  readonly client: ModelClient;
  readonly generation: number;
  readonly description: ModelDescription;
  readonly vocabulary: Vocabulary;
}

export interface LensModelFiles {
  readonly worker: string;
  readonly bundledModel: string;
  /** Where patched copies of model files and results of self-checks may be kept; undefined: nowhere. */
  readonly cacheFolder: string | undefined;
}

/** The model that the settings name, in a process of its own; loaded when first asked for. */
export class LensModel implements Disposable {
  readonly #store = new DisposableStore();
  readonly #config: Config;
  readonly #focus: WindowFocus;
  readonly #files: LensModelFiles;
  readonly #log: vscode.LogOutputChannel;
  readonly #replaced = this.#store.add(new vscode.EventEmitter<void>());
  /** Settings now name another model, or another way to run it: scores of the one before are worth nothing. */
  readonly onDidReplace = this.#replaced.event;
  readonly #allowed = this.#store.add(new vscode.EventEmitter<void>());
  /** The user says to load the model although memory is short: what was refused for that can be tried again. */
  readonly onDidAllow = this.#allowed.event;
  readonly #gate: MemoryGate;
  #client: ModelClient;
  #ready: ReadyModel | undefined;

  constructor(
    config: Config,
    focus: WindowFocus,
    files: LensModelFiles,
    log: vscode.LogOutputChannel,
    memory: {
      readonly freeBytes: () => number | undefined;
      readonly ask: (neededBytes: number, freeBytes: number) => Thenable<boolean>;
    } = {
      freeBytes: freeMemory,
      ask: askToLoad,
    },
  ) {
    this.#config = config;
    this.#focus = focus;
    this.#files = files;
    this.#log = log;
    this.#gate = new MemoryGate(memory.freeBytes, memory.ask, () => {
      this.#allowed.fire();
    });
    this.#client = this.#newClient();
    this.#store.add(
      config.onDidChange(event => {
        if (config.affects(event, 'idleMinutes', 'unloadAfterSeconds')) this.#client.idleChanged();
        if (!config.affects(event, 'modelFolder', 'threads', 'snapshotMegabytes')) return;
        this.#client.dispose();
        this.#client = this.#newClient();
        this.#ready = undefined;
        this.#replaced.fire();
      }),
    );
    this.#store.add(
      focus.onDidChange(() => {
        this.#client.idleChanged();
      }),
    );
  }

  get deathsInARow(): number {
    return this.#client.deathsInARow;
  }

  /** The model that is in memory; undefined where none is, and none is loaded for it. */
  get loaded(): ModelDescription | undefined {
    return this.#running?.description;
  }

  /** Rejects with a `Refusal` where there is too little memory to load it. */
  async ready(signal: AbortSignal): Promise<ReadyModel> {
    const client = this.#client;
    const known = this.#running;
    if (known) return known;
    const params = this.#loadParams();
    this.#gate.check(await memoryNeeded(params));
    const started = performance.now();
    const description = await client.call('load', params, signal);
    if (this.#ready?.client === client && this.#ready.generation === client.generation) return this.#ready; // somebody else was faster
    const ready = { client, generation: client.generation, description, vocabulary: new Vocabulary(description.vocabulary) };
    if (client === this.#client) this.#ready = ready;
    this.#logLoaded(description, performance.now() - started);
    return ready;
  }

  /** Asks again whether to load the model where memory is short: somebody wants scores once more. */
  askAgain(): void {
    this.#gate.askAgain();
  }

  /** What the process has cost; undefined where none runs, and none is started for it. */
  async measure(): Promise<Measurements | undefined> {
    const running = this.#running;
    return running?.client.call('measure', { model: running.description.key }, new AbortController().signal);
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

  get #running(): ReadyModel | undefined {
    const known = this.#ready;
    const client = this.#client;
    return known?.client === client && client.processId !== undefined && known.generation === client.generation ? known : undefined;
  }

  #logLoaded({ name, key, head, selfCheck }: ModelDescription, ms: number): void {
    this.#log.info(
      `Loaded ${name} (${key.dtype}, ${key.arithmetic}, ${key.contentHash.slice(0, 12)}) in ${String(Math.round(ms))} ms; scoring head: ${head}.`,
    );
    if (!selfCheck.plausible) {
      this.#log.warn(
        `${name} reads plain English at ${selfCheck.bitsPerByte.toFixed(1)} bits a byte, like a model that was never trained: its scores mean little.`,
      );
    }
  }

  #loadParams(): LoadParams {
    return {
      folder: this.#config.modelFolder ?? this.#files.bundledModel,
      dtype: undefined,
      threads: this.#config.threads,
      // In Electron large aligned allocations end the process, and the arena makes them.
      arena: process.versions['electron'] === undefined,
      cacheFolder: this.#files.cacheFolder,
      snapshotBytes: this.#config.snapshotBytes,
    };
  }

  #newClient(): ModelClient {
    const idleMs = () => this.#idleMs();
    return new ModelClient({
      connect: childProcesses(this.#files.worker, { lowPriority: true }),
      log: (level, message) => {
        this.#log[level](message);
      },
      get idleMs() {
        return idleMs();
      },
    });
  }

  /** 0: never. */
  #idleMs(): number {
    const idleMs = this.#config.idleMinutes * 60_000;
    const unloadMs = this.#config.unloadAfterSeconds * 1000;
    if (this.#focus.isFocused || unloadMs === 0) return idleMs;
    const leftMs = Math.max(unloadMs - this.#focus.withoutFocusMs, Math.min(unloadMs, betweenQuestionsMs));
    return idleMs === 0 ? leftMs : Math.min(idleMs, leftMs);
  }
}

async function askToLoad(neededBytes: number, freeBytes: number): Promise<boolean> {
  const megabytes = (bytes: number) => Math.round(bytes / 1e6).toString();
  const load = vscode.l10n.t('Load Anyway');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t(
      'Token Lens: the model needs about {0} MB of memory, and {1} MB are free. Loading it could slow this machine down.',
      megabytes(neededBytes),
      megabytes(freeBytes),
    ),
    load,
    vscode.l10n.t('Not Now'),
  );
  return answer === load;
}
