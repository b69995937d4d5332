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
  return memoryOf(await bytesOf(path.join(folder, 'onnx'), graph.file), graph.dtype, snapshotBytes);
}

/** Of the files that are loaded for the number format; 0 where the folder holds no such model. */
export async function modelBytesIn(folder: string, dtype: string | undefined): Promise<number> {
  const graph = await graphOf(folder, dtype).catch(() => undefined);
  return graph === undefined ? 0 : bytesOf(path.join(folder, 'onnx'), graph.file);
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

/** Lets a model be loaded where there is memory for it; where there is not, asks, once for each model until `askAgain`. */
export class MemoryGate {
  readonly #freeBytes: () => number | undefined;
  readonly #ask: (neededBytes: number, freeBytes: number) => Thenable<boolean>;
  readonly #onAllowed: () => void;
  /** By model and what it needs: what was said of one says nothing of another. */
  readonly #answers = new Map<string, Answer>();

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
  check(folder: string, neededBytes: number): void {
    const freeBytes = this.#freeBytes();
    const key = keyOf(folder, neededBytes);
    const answer = this.#answers.get(key);
    if (answer === 'yes' || freeBytes === undefined || !isShort(neededBytes, freeBytes)) return;
    if (answer === undefined) this.#answers.set(key, this.#question(key, neededBytes, freeBytes));
    throw new Refusal({ kind: 'memory', neededBytes, freeBytes });
  }

  /** Whether a model that was refused may be loaded all the same, once somebody has answered. */
  async answer(folder: string, neededBytes: number): Promise<boolean> {
    const answer = await this.#answers.get(keyOf(folder, neededBytes));
    return answer === 'yes';
  }

  /** Somebody asks for scores once more. */
  askAgain(): void {
    for (const [key, answer] of this.#answers) if (answer === 'no') this.#answers.delete(key);
  }

  async #question(key: string, neededBytes: number, freeBytes: number): Promise<'yes' | 'no'> {
    const answer = (await this.#ask(neededBytes, freeBytes)) ? 'yes' : 'no';
    this.#answers.set(key, answer);
    if (answer === 'yes') this.#onAllowed();
    return answer;
  }
}

/** A promise: the question is open. */
type Answer = 'yes' | 'no' | Promise<'yes' | 'no'>;

function keyOf(folder: string, neededBytes: number): string {
  return `${String(neededBytes)} ${folder}`;
}
