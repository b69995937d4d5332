/** Copies of large model files with the scoring head in them: whose they are is in their names, so that they can go when their model goes. */
import { createHash, randomUUID } from 'node:crypto';
import { appendFile, constants, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** What a copy is of. */
interface Original {
  /** Path of the model file, in `onnx` of its model's folder. */
  readonly file: string;
  readonly bytes: number;
  /** Of the model's files. */
  readonly contentHash: string;
}

/** Of the folder, of the graph in it (an earlier version had neither), of the model's files, of the head; with another ending while it is written. */
const copyName = /^(?:[0-9a-f]{16}-\w+-)?[0-9a-f]{64}-[0-9a-f]{16}\.onnx(?:\.[0-9a-f-]{36}\.unfinished)?$/;
/** Of a copy that nobody knows a window may have just been writing, or be about to open it. */
const youngMs = 3_600_000;

/** Path of the copy; undefined where it cannot be written. It is made under another name, so that nobody opens half of it. */
export async function copyWithHead(
  { file, bytes, contentHash }: Original,
  head: Uint8Array,
  cacheFolder: string,
): Promise<string | undefined> {
  const owner = `${keyOf(path.dirname(path.dirname(file)))}-${path.basename(file, '.onnx')}-`;
  const copy = path.join(cacheFolder, `${owner}${contentHash}-${sha256(head).slice(0, 16)}.onnx`);
  const isWhole = await stat(copy).then(
    found => found.size === bytes + head.length,
    () => false,
  );
  if (isWhole) return copy;
  const unfinished = `${copy}.${randomUUID()}.unfinished`;
  try {
    await mkdir(cacheFolder, { recursive: true });
    // Of what this file was before, or that an earlier version made, or that were broken off.
    const others = (await copiesIn(cacheFolder)).filter(name => name.startsWith(owner));
    for (const other of others) await rm(path.join(cacheFolder, other));
    await copyFile(file, unfinished, constants.COPYFILE_FICLONE);
    await appendFile(unfinished, head);
    await rename(unfinished, copy);
    return copy;
  } catch {
    await rm(unfinished, { force: true }).catch(() => undefined);
    return undefined;
  }
}

/** Bytes of the copies that are kept for a model folder. */
export async function copyBytes(cacheFolder: string, folder: string): Promise<number> {
  let sum = 0;
  for (const name of await copiesOf(cacheFolder, folder)) {
    sum += await stat(path.join(cacheFolder, name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return sum;
}

/** Removes the copies of a model folder's files. One that cannot go now, as some systems have it while it is open, goes with `forgetOtherCopies`. */
export async function forgetCopies(cacheFolder: string, folder: string): Promise<void> {
  for (const name of await copiesOf(cacheFolder, folder)) await rm(path.join(cacheFolder, name), { force: true }).catch(() => undefined);
}

/** Removes copies that are of none of these model folders, but for young ones: another window knows other folders. */
export async function forgetOtherCopies(cacheFolder: string, folders: readonly string[]): Promise<void> {
  const keys = folders.map(keyOf);
  for (const name of await copiesIn(cacheFolder)) {
    if (keys.some(key => name.startsWith(`${key}-`))) continue;
    const file = path.join(cacheFolder, name);
    const found = await stat(file).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > youngMs) await rm(file, { force: true }).catch(() => undefined);
  }
}

async function copiesOf(cacheFolder: string, folder: string): Promise<readonly string[]> {
  return (await copiesIn(cacheFolder)).filter(name => name.startsWith(`${keyOf(folder)}-`));
}

/** Names of files, and of nothing else that somebody may have put there. */
async function copiesIn(cacheFolder: string): Promise<readonly string[]> {
  const entries = await readdir(cacheFolder, { withFileTypes: true }).catch(() => []); // the first copy makes the folder
  return entries.filter(entry => entry.isFile() && copyName.test(entry.name)).map(({ name }) => name);
}

function keyOf(folder: string): string {
  const resolved = path.resolve(folder);
  // On Windows one folder is spelled in several ways.
  return sha256(process.platform === 'win32' ? resolved.toLowerCase() : resolved).slice(0, 16);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
