import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { RefusedError } from './failure';

const bytesPerMegabyte = 1_000_000;
/** Hours of scoring on two cores; more than this is a mistake. */
export const largestInputMegabytes = 50;

/** One text to be scored. */
export interface Item {
  /** As in `Report`. */
  readonly item: string | number;
  /** File name for people; undefined for standard input. */
  readonly source: string | undefined;
  /** As read, byte order mark included. */
  readonly text: string;
}

/** An input that was read. */
export interface Input {
  /** As it was given: a path, or `-`. */
  readonly file: string;
  readonly text: string;
}

/** Every input whole. Throws `RefusedError`, which names the input, for the first that cannot be used. */
export async function readInputs(files: readonly string[], standardInput: Readable): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const file of files) inputs.push({ file, text: await readInput(file, standardInput) });
  return inputs;
}

/** What is scored of the inputs: each of them, or every line without its break. A break at the very end begins no further line. */
export function itemsOf(inputs: readonly Input[], lines: boolean): Item[] {
  return inputs.flatMap(({ file, text }) => {
    const source = file === '-' ? undefined : path.basename(file);
    if (!lines) return [{ item: file, source, text }];
    const pieces = text.split(/\r?\n/);
    if (pieces.at(-1) === '') pieces.pop();
    return pieces.map((line, index) => ({ item: inputs.length === 1 ? index + 1 : `${file}:${String(index + 1)}`, source, text: line }));
  });
}

/** The whole input, byte order mark included. Throws `RefusedError` for what is not there, too large or binary. */
async function readInput(file: string, standardInput: Readable): Promise<string> {
  const name = file === '-' ? 'standard input' : `"${file}"`;
  const bytes = file === '-' ? await collect(standardInput, name) : await readFile(file, name);
  if (bytes.includes(0)) throw new RefusedError(`${name} is binary: there is a NUL byte in it`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new RefusedError(`${name} is binary: it is not valid UTF-8`, { cause: error });
  }
}

async function readFile(file: string, name: string): Promise<Buffer> {
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) throw new RefusedError(`${name} is a folder, not a file`);
    if (facts.size > largestInputMegabytes * bytesPerMegabyte) throw tooLarge(name);
    return await collect(createReadStream(file), name); // a stream, because pipes and devices have no size of their own
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    throw new RefusedError(unreadable(name, error), { cause: error });
  }
}

async function collect(stream: Readable, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Buffer)) throw new TypeError('A stream of bytes was expected.');
    length += chunk.length;
    if (length > largestInputMegabytes * bytesPerMegabyte) throw tooLarge(name);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(name: string): RefusedError {
  return new RefusedError(`${name} is above the limit of ${String(largestInputMegabytes)} MB`);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
};

function unreadable(name: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return `cannot read ${name}: ${reasons[code] ?? code}`;
}
