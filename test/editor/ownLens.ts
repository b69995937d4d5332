import assert from 'node:assert/strict';
import path from 'node:path';
import type * as vscode from 'vscode';
import { Config } from '../../src/config';
import type { DisposableStore } from '../../src/disposable';
import { LastingMemory } from '../../src/lastingMemory';
import { LensModel } from '../../src/lensModel';
import { Pauses } from '../../src/pauses';
import { Preambles } from '../../src/preambles';
import { ScoredDocuments } from '../../src/scoredDocuments';
import { WatchWords } from '../../src/watchWords';
import { WindowFocus } from '../../src/windowFocus';
import { inExtension } from './documents';

/** What outlives a window, and can fail as a full disk does. */
export class Storage implements vscode.Memento {
  isBroken = false;
  readonly #values = new Map<string, unknown>();
  keys(): readonly string[] {
    return [...this.#values.keys()];
  }
  get<T>(key: string, otherwise?: T): T {
    return (this.#values.get(key) ?? otherwise) as T;
  }
  update(key: string, value: unknown): Promise<void> {
    if (this.isBroken) return Promise.reject(new Error('SQLITE_FULL'));
    this.#values.set(key, structuredClone(value));
    return Promise.resolve();
  }
}

const unexpected = (error: unknown) => assert.fail(String(error));

/** The same as the extension has it; a failure of it is one of the test where it is not given. */
export class Memento extends LastingMemory {
  constructor(storage = new Storage(), onFailure: (error: unknown) => void = unexpected) {
    super(storage, onFailure);
  }
}

export interface OwnParts {
  readonly log: vscode.LogOutputChannel;
  readonly memento: LastingMemory;
  readonly bundledModel: string;
  readonly memory: ConstructorParameters<typeof LensModel>[4];
  /** Of the model process; undefined: the one of the extension. */
  readonly worker?: string | undefined;
  /** Undefined: nowhere. */
  readonly cacheFolder?: string | undefined;
  /** See `LensModelFiles`. */
  readonly tickMs?: number;
  /** Undefined: their own. */
  readonly preambles?: Preambles;
}

/** Scored documents put together anew beside those of the extension that runs. They go with the store. */
export function ownLens(
  store: DisposableStore,
  { log, memento, bundledModel, memory, worker, preambles: given, cacheFolder, tickMs }: OwnParts,
): ScoredDocuments {
  const config = store.add(new Config());
  const focus = store.add(new WindowFocus(config));
  const files = {
    worker: worker ?? inExtension('dist/worker.js'),
    bundledModel,
    cacheFolder,
    tickMs,
    models: cacheFolder && path.join(cacheFolder, 'models'),
  };
  const model = store.add(new LensModel(config, focus, files, log, memory));
  const watch = store.add(new WatchWords(memento));
  const preambles = given ?? store.add(new Preambles(memento));
  return store.add(new ScoredDocuments({ config, model, focus, pauses: new Pauses(), watch, preambles, log }, memento));
}
