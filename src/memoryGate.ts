import { readdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { graphOf } from './model/catalog';
import type { LoadParams } from './model/protocol';
import { Refusal } from './refusal';

/** What the process takes beside the model's weights and the caches it keeps: 530 to 650 MB were measured with the bundled model of 155 MB and 128 MB of caches. */
const workingBytes = 350e6;
/** The runtime computes in float32 what is stored in 16-bit floats, and keeps the weights so: 130 MB took as much as 260 MB in float32 (measured). */
const halfFormats = ['fp16', 'q4f16'];
const halfFactor = 2;
/** Less free memory than this share of what is needed makes a machine swap. */
const margin = 1.5;

/** Free memory of the machine in bytes; undefined where that is not known. */
export function freeMemory(): number | undefined {
  // macOS keeps little memory free: what it could give at once (file caches, purgeable pages) is not in this figure.
  return process.platform === 'darwin' ? undefined : os.freemem();
}

/**
 * Memory that a model needs when it is loaded, by the files that are loaded for its number format. 0 where the folder holds no such model:
 * loading it says what is wrong.
 */
export async function memoryNeeded({
  folder,
  dtype,
  snapshotBytes,
}: Pick<LoadParams, 'folder' | 'dtype' | 'snapshotBytes'>): Promise<number> {
  const graph = await graphOf(folder, dtype).catch(() => undefined);
  if (graph === undefined) return 0;
  const modelBytes = await bytesOf(path.join(folder, 'onnx'), graph.file);
  return memoryOf(modelBytes, graph.dtype, snapshotBytes);
}

/** Memory that a model whose files have that size needs when it is loaded. */
export function memoryOf(modelBytes: number, dtype: string, snapshotBytes: number): number {
  return modelBytes * (halfFormats.includes(dtype) ? halfFactor : 1) + snapshotBytes + workingBytes;
}

/** A graph with its data files, which are named after it, or as no other graph of the folder is. */
async function bytesOf(onnxFolder: string, graph: string): Promise<number> {
  const names = await readdir(onnxFolder);
  const others = names.filter(name => name.endsWith('.onnx') && name !== graph);
  const isUsed = (name: string) => name.startsWith(graph) || !others.some(other => name.startsWith(other));
  const sizes = await Promise.all(names.filter(isUsed).map(name => sizeOf(path.join(onnxFolder, name))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** A file that cannot be looked at is one that loading will name. */
function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    found => (found.isFile() ? found.size : 0),
    () => 0,
  );
}

/** Loading what needs that much would make the machine swap. */
export function isShort(neededBytes: number, freeBytes: number): boolean {
  return freeBytes < margin * neededBytes;
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
    if (this.#answer === 'yes' || freeBytes === undefined || !isShort(neededBytes, freeBytes)) return;
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
