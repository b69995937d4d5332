import { readdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Refusal } from './refusal';

/** What the process takes beside the model's weights and the caches it keeps: 530 to 650 MB were measured with the bundled model of 155 MB and 128 MB of caches. */
const workingBytes = 350e6;
/** Less free memory than this share of what is needed makes a machine swap. */
const margin = 1.5;

/** Free memory of the machine in bytes; undefined where that is not known. */
export function freeMemory(): number | undefined {
  // macOS keeps little memory free: what it could give at once (file caches, purgeable pages) is not in this figure.
  return process.platform === 'darwin' ? undefined : os.freemem();
}

/** Memory that a model folder needs when it is loaded. 0 where it holds no model: loading it says what is wrong. */
export async function memoryNeeded(folder: string, snapshotBytes: number): Promise<number> {
  const modelBytes = await largestModel(path.join(folder, 'onnx'));
  return modelBytes === 0 ? 0 : memoryOf(modelBytes, snapshotBytes);
}

/** Memory that a model of that size needs when it is loaded. */
export function memoryOf(modelBytes: number, snapshotBytes: number): number {
  return modelBytes + snapshotBytes + workingBytes;
}

/** The largest of the number formats in the folder, each a graph with its data files: which one is loaded is decided later. */
async function largestModel(onnxFolder: string): Promise<number> {
  const names = await readdir(onnxFolder).catch(() => []);
  const sizes = await Promise.all(names.map(async name => ({ name, bytes: await sizeOf(path.join(onnxFolder, name)) })));
  const graphs = names.filter(name => name.endsWith('.onnx'));
  const bytesOf = (graph: string) => sizes.reduce((sum, { name, bytes }) => sum + (name.startsWith(graph) ? bytes : 0), 0);
  return Math.max(0, ...graphs.map(bytesOf));
}

/** A file that cannot be looked at is one that loading will name. */
function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Lets a model be loaded where there is memory for it; where there is not, asks, once until `askAgain`. */
export class MemoryGate {
  readonly #freeBytes: () => number | undefined;
  readonly #ask: (neededBytes: number, freeBytes: number) => Thenable<boolean>;
  readonly #onAllowed: () => void;
  #answer: 'none' | 'open' | 'no' | 'yes' = 'none';

  /** `ask`: whether to load all the same. `onAllowed`: that was said, and what was refused can be tried again. */
  constructor(
    freeBytes: () => number | undefined,
    ask: (neededBytes: number, freeBytes: number) => Thenable<boolean>,
    onAllowed: () => void,
  ) {
    this.#freeBytes = freeBytes;
    this.#ask = ask;
    this.#onAllowed = onAllowed;
  }

  /** Throws a `Refusal` where there is too little memory; nobody waits for the answer to the question. */
  check(neededBytes: number): void {
    const freeBytes = this.#freeBytes();
    if (this.#answer === 'yes' || freeBytes === undefined || freeBytes >= margin * neededBytes) return;
    if (this.#answer === 'none') void this.#question(neededBytes, freeBytes);
    throw new Refusal({ kind: 'memory', neededBytes, freeBytes });
  }

  /** Somebody asks for scores once more. */
  askAgain(): void {
    if (this.#answer === 'no') this.#answer = 'none';
  }

  async #question(neededBytes: number, freeBytes: number): Promise<void> {
    this.#answer = 'open';
    this.#answer = (await this.#ask(neededBytes, freeBytes)) ? 'yes' : 'no';
    if (this.#answer === 'yes') this.#onAllowed();
  }
}
