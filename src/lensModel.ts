import path from 'node:path';
import * as vscode from 'vscode';
import type { Config } from './config';
import type { Disposable } from './disposable';
import { DisposableStore } from './disposable';
import { freeMemory, isShort, MemoryGate, memoryNeeded } from './memoryGate';
import { childProcesses } from './model/childProcess';
import { ModelError } from './model/errors';
import type { LoadParams, Measurements, ModelDescription } from './model/protocol';
import { forgetCopiesOfGone } from './models/installed';
import { ModelSlot, SecondModel } from './modelSlots';
import type { ModelSlotOptions, ReadyModel } from './modelSlots';
import { showWarningMessage } from './notices';
import type { WindowFocus } from './windowFocus';

/** In a window without focus the model stays so long after another extension has asked for scores: it may go on asking. */
const betweenQuestionsMs = 10_000;

export interface LensModelFiles {
  readonly worker: string;
  readonly bundledModel: string;
  /** Where patched copies of model files and results of self-checks may be kept; undefined: nowhere. */
  readonly cacheFolder: string | undefined;
  /** Downloaded models are below it; undefined: there are none. */
  readonly models: string | undefined;
  /** See `ModelClientOptions`. */
  readonly tickMs?: number | undefined;
}

/** The model that the settings name, in a process of its own; loaded when first asked for. Another one beside it, in a second process, for comparing. */
export class LensModel implements Disposable {
  readonly #store = new DisposableStore();
  readonly #config: Config;
  readonly #focus: WindowFocus;
  readonly #files: LensModelFiles;
  readonly #log: vscode.LogOutputChannel;
  readonly #replaced = this.#store.add(new vscode.EventEmitter<void>());
  /** Settings now name another model, or another way to run it, or its files were put in place anew: scores of the one before are worth nothing. */
  readonly onDidReplace = this.#replaced.event;
  readonly #allowed = this.#store.add(new vscode.EventEmitter<void>());
  /** The user says to load the model although memory is short: what was refused for that can be tried again. */
  readonly onDidAllow = this.#allowed.event;
  readonly #gate: MemoryGate;
  readonly #freeBytes: () => number | undefined;
  #slot: ModelSlot;
  #second: SecondModel;
  /** Resolves when processes that were replaced are gone, with their memory. */
  #ending: Promise<void> = Promise.resolve();
  /** Told last in the log. */
  #deviceFallback: string | undefined;
  #isTidy = false;

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
    this.#freeBytes = memory.freeBytes;
    this.#slot = this.#newSlot();
    this.#second = this.#newSecond();
    this.#store.add(
      config.onDidChange(event => {
        if (config.affects(event, 'idleMinutes', 'unloadAfterSeconds')) this.#idleChanged();
        if (config.affects(event, 'modelFolder', 'threads', 'device', 'snapshotMegabytes')) this.restart();
      }),
    );
    this.#store.add(
      focus.onDidChange(() => {
        this.#idleChanged();
      }),
    );
  }

  /** The model as it is on the disk now takes the place of what is in memory. */
  restart(): void {
    const before = [this.#ending, this.#slot.end(), this.#second.slot.end()];
    this.#ending = Promise.all(before).then(() => undefined);
    this.#slot = this.#newSlot();
    this.#second = this.#newSecond();
    this.#replaced.fire();
  }

  get deathsInARow(): number {
    return this.#slot.client.deathsInARow;
  }

  /** The model that is in memory; undefined where none is, and none is loaded for it. */
  get loaded(): ModelDescription | undefined {
    return this.#slot.running?.description;
  }

  /** Rejects with a `Refusal` where there is too little memory to load it. */
  async ready(signal: AbortSignal): Promise<ReadyModel> {
    const slot = this.#slot;
    if (slot.running) return slot.running;
    await this.#ending; // until then it has the memory that is asked about
    const params = this.#loadParams();
    const neededBytes = await memoryNeeded(params);
    // Memory is short, or was when the process died: the other model goes first.
    if (this.#second.slot.isAlive && (slot.client.deathsInARow > 0 || this.#isShort(neededBytes)))
      await this.#second.slot.release('memory is short');
    this.#gate.check(params.folder, neededBytes);
    return slot.load(params, signal);
  }

  /**
   * A model by its folder: that of the settings, or one in a second process, in which another folder takes the place of the one before. Rejects with a
   * `Refusal` where memory has no room for both. What is known of the second is gone when it was idle, and when the first needs its memory.
   */
  async readyIn(folder: string, signal: AbortSignal): Promise<ReadyModel> {
    await this.#ending;
    const first = this.#loadParams();
    if (path.resolve(folder) === path.resolve(first.folder)) return this.ready(signal);
    return this.#second.ready({ ...first, folder }, this.#slot.running ? undefined : first, signal);
  }

  /** After `ready` has rejected with a `Refusal`: whether to load the model all the same, once somebody has answered. */
  async isAllowed(): Promise<boolean> {
    const params = this.#loadParams();
    return this.#gate.answer(params.folder, await memoryNeeded(params));
  }

  /** Asks again whether to load the model where memory is short: somebody wants scores once more. */
  askAgain(): void {
    this.#gate.askAgain();
  }

  /** What the process has cost; undefined where none runs, and none is started for it. */
  async measure(): Promise<Measurements | undefined> {
    const { running } = this.#slot;
    return running?.client.call('measure', { model: running.description.key }, new AbortController().signal);
  }

  /** Lets the model process forget a document, if it is still the one that was told of it. */
  async close(document: string, told: Pick<ReadyModel, 'client' | 'generation' | 'description'>): Promise<void> {
    const { client } = this.#slot;
    if (client.processId === undefined || client !== told.client || client.generation !== told.generation) return;
    try {
      await client.call('close', { model: told.description.key, document }, new AbortController().signal);
    } catch (error) {
      this.#log.trace(`A document was not closed: ${ModelError.from(error).code}.`); // the process died, and the document with it
    }
  }

  dispose(): void {
    this.#slot.dispose();
    this.#second.dispose();
    this.#store.dispose();
  }

  #isShort(neededBytes: number): boolean {
    const freeBytes = this.#freeBytes();
    return freeBytes !== undefined && isShort(neededBytes, freeBytes);
  }

  #idleChanged(): void {
    this.#slot.client.idleChanged();
    this.#second.slot.client.idleChanged();
  }

  #logLoaded({ name, key, head, selfCheck, device, deviceFallback }: ModelDescription, ms: number): void {
    this.#log.info(
      `Loaded ${name} (${key.dtype}, ${key.arithmetic}, ${key.contentHash.slice(0, 12)}) in ${String(Math.round(ms))} ms; scoring head: ${head}; device: ${device}.`,
    );
    if (deviceFallback !== undefined && deviceFallback !== this.#deviceFallback)
      this.#log.warn(`The model runs on the processor, as WebGPU (tokenLens.device) could not be used: ${deviceFallback}.`);
    this.#deviceFallback = deviceFallback;
    if (!selfCheck.plausible) {
      this.#log.warn(
        `${name} reads plain English at ${selfCheck.bitsPerByte.toFixed(1)} bits a byte, like a model that was never trained: its scores mean little.`,
      );
    }
  }

  /** Once a window, when a model is loaded: before that nobody has asked for anything. */
  async #tidy(): Promise<void> {
    const { cacheFolder, models, bundledModel } = this.#files;
    if (this.#isTidy || cacheFolder === undefined || models === undefined) return;
    this.#isTidy = true;
    const { modelFolder } = this.#config;
    await forgetCopiesOfGone(models, modelFolder === undefined ? [bundledModel] : [bundledModel, modelFolder], cacheFolder);
  }

  #loadParams(): LoadParams {
    return {
      folder: this.#config.modelFolder ?? this.#files.bundledModel,
      dtype: undefined,
      threads: this.#config.threads,
      // In Electron large aligned allocations end the process, and the arena makes them.
      arena: process.versions['electron'] === undefined,
      device: this.#config.device,
      cacheFolder: this.#files.cacheFolder,
      snapshotBytes: this.#config.snapshotBytes,
    };
  }

  #newSlot(): ModelSlot {
    return new ModelSlot(this.#slotOptions());
  }

  #newSecond(): SecondModel {
    return new SecondModel(this.#slotOptions(), this.#freeBytes);
  }

  #slotOptions(): ModelSlotOptions {
    const idleMs = () => this.#idleMs();
    const { tickMs } = this.#files;
    return {
      ...(tickMs === undefined ? {} : { tickMs }),
      connect: childProcesses(this.#files.worker, { lowPriority: true }),
      log: (level, message) => {
        this.#log[level](message);
      },
      get idleMs() {
        return idleMs();
      },
      onLoaded: (description, ms) => {
        this.#logLoaded(description, ms);
        void this.#tidy().catch((error: unknown) => {
          this.#log.debug(`Old copies of model files were not looked for: ${ModelError.from(error).message}`);
        });
      },
    };
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
  const answer = await showWarningMessage(
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
