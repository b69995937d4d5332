import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { TransferSpeed } from '../core/transfer';
import { contentHashFrom, graphName, namedFiles, provenanceFileName } from '../model/catalog';
import { ModelError } from '../model/errors';
import { patiently } from './hub';
import type { Hub, HubFile } from './hub';
import { HubError, storageError } from './hubError';
import {
  bytesOf,
  diskBytesOf,
  folderOf,
  hasSameFiles,
  lengthOf,
  partOf,
  planFileName,
  planText,
  readPlan,
  readProvenance,
} from './installed';
import type { Plan, Provenance } from './installed';
import { lock, lockName } from './lock';

export interface DownloadProgress {
  /** Of all files; what was there from an earlier try is counted. */
  readonly fetchedBytes: number;
  readonly totalBytes: number;
  /** Over the last seconds; undefined until that is known. */
  readonly bytesPerSecond: number | undefined;
  /** What came is being held against its hash. */
  readonly isChecking: boolean;
}

export interface DownloadOptions {
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Room on the disk of a folder, in bytes. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** Left free on the disk: an editor that cannot save is worse than a model that is not there. */
const spareBytes = 200e6;
const progressEveryMs = 250;
const etagsName = 'etags.json';
const sumsName = 'SHA256SUMS';

/** Room on the disk of a folder, in bytes, for this user; Infinity where the file system does not tell. */
export async function freeBytesOf(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return Infinity; // a write will say it
  }
}

/**
 * Fetches a model into its folder below `root`, which is there when all of it is checked and not before. Until then it grows in a folder
 * beside it, which a later call goes on with. Errors: `HubError`; the signal's reason.
 * What makes no model is not kept ('unusable').
 */
export async function download(hub: Hub, plan: Plan, root: string, options: DownloadOptions, signal: AbortSignal): Promise<Provenance> {
  const folder = folderOf(root, plan);
  const part = partOf(folder);
  try {
    await mkdir(part, { recursive: true });
    const release = await lock(part);
    try {
      const known = await readProvenance(folder); // another window was faster
      if (known) await rm(part, { recursive: true, force: true });
      return known ?? (await new Download(hub, plan, part, options, signal).into(folder));
    } catch (error) {
      // Its files are those of the hub's list, and no model: fetching the rest, or all of it again, would change nothing.
      const isNoModel = error instanceof ModelError || (error instanceof HubError && error.code === 'unusable');
      if (isNoModel && !signal.aborted) await rm(part, { recursive: true, force: true });
      if (error instanceof ModelError) throw new HubError('unusable', error.message, { cause: error });
      throw error;
    } finally {
      await release();
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw storageError(error);
  }
}

class Download {
  readonly #hub: Hub;
  readonly #plan: Plan;
  readonly #part: string;
  readonly #options: DownloadOptions;
  readonly #signal: AbortSignal;
  readonly #meter: Meter;
  #etags: Readonly<Record<string, string>> = {};
  #isGraphRead = false;

  constructor(hub: Hub, plan: Plan, part: string, options: DownloadOptions, signal: AbortSignal) {
    this.#hub = hub;
    this.#plan = plan;
    this.#part = part;
    this.#options = options;
    this.#signal = signal;
    this.#meter = new Meter(bytesOf(plan.files), options.onProgress);
  }

  async into(folder: string): Promise<Provenance> {
    await this.#takeUp();
    // By the clock: that nothing comes is news as well.
    const telling = setInterval(() => this.#meter.tell(), progressEveryMs);
    try {
      return await this.#fetchInto(folder);
    } finally {
      clearInterval(telling);
    }
  }

  async #fetchInto(folder: string): Promise<Provenance> {
    await this.#checkRoom();
    const files: Provenance['files'][number][] = [];
    for (const file of this.#plan.files) {
      if (file.path.includes('_data')) await this.#refuseOtherData();
      files.push({ path: file.path, bytes: file.bytes, sha256: await this.#file(file) });
    }
    await this.#refuseOtherData();
    this.#meter.tell();
    await writeThrough(path.join(this.#part, sumsName), files.map(({ path: name, sha256 }) => `${sha256}  ${name}\n`).join(''));
    // Its tokenizer is large, and read by the model process when the model is loaded: this is the thread that every extension shares.
    const contentHash = await contentHashFrom(this.#part, this.#plan.dtype, new Map(files.map(file => [file.path, file.sha256])));
    const provenance: Provenance = { ...this.#plan, host: this.#hub.host, files, contentHash };
    await writeThrough(path.join(this.#part, provenanceFileName), `${JSON.stringify(provenance, undefined, 2)}\n`);
    this.#signal.throwIfAborted();
    await rm(folder, { recursive: true, force: true }); // whatever it is, it is no model
    await renamed(this.#part, folder);
    for (const name of [lockName, etagsName, planFileName]) await rm(path.join(folder, name), { force: true });
    return provenance;
  }

  /** Before the weights are fetched: a graph may want others than those that are named after it, which a hub's list does not show. */
  async #refuseOtherData(): Promise<void> {
    if (this.#isGraphRead) return;
    this.#isGraphRead = true;
    const named = await namedFiles(this.#part, `onnx/${graphName(this.#plan.dtype)}`);
    if (named instanceof ModelError) throw named;
    const other = named.find(name => !this.#plan.files.some(file => file.path === name));
    if (other !== undefined) throw new HubError('unusable', `The model file keeps its weights in ${other}, which is not named after it.`);
  }

  /** What an earlier call has left is of use where it was for the same files. */
  async #takeUp(): Promise<void> {
    const known = await readPlan(this.#part);
    if (known && hasSameFiles(known, this.#plan)) {
      if (known.host === this.#hub.host) this.#etags = await this.#keptEtags(); // another host names the same content otherwise
    } else {
      for (const name of ['onnx', etagsName, sumsName, provenanceFileName, ...this.#plan.files.map(file => file.path)]) {
        await rm(path.join(this.#part, name), { recursive: true, force: true });
      }
    }
    await writeThrough(path.join(this.#part, planFileName), planText({ ...this.#plan, host: this.#hub.host }));
    for (const file of this.#plan.files) this.#meter.set(file, await lengthOf(this.#pathOf(file)));
    this.#meter.tell();
  }

  async #checkRoom(): Promise<void> {
    const copyBytes = diskBytesOf(this.#plan.files) - bytesOf(this.#plan.files);
    const missing = this.#meter.missingBytes + copyBytes;
    const free = await (this.#options.freeBytes ?? freeBytesOf)(this.#part);
    if (free >= missing + spareBytes) return;
    throw new HubError('no-space', `The model needs ${missing} bytes more on the disk, and ${free} are free.`, {
      room: { neededBytes: missing + spareBytes, freeBytes: free },
    });
  }

  /**
   * Its SHA-256, once its content is what the hub's list says. What was put together from several answers, or was here before, and is not that,
   * is fetched anew, once: the hub's file may have changed between them.
   */
  async #file(file: HubFile): Promise<string> {
    await mkdir(path.dirname(this.#pathOf(file)), { recursive: true });
    for (let rounds = 1; ; rounds++) {
      let isPieced = (await lengthOf(this.#pathOf(file))) > 0;
      let before = 0;
      await patiently(
        this.#hub.patience,
        this.#signal,
        async () => {
          before = this.#meter.of(file);
          isPieced ||= before > 0;
          await this.#rest(file);
        },
        () => this.#meter.of(file) > before,
      );
      this.#meter.setChecking(true);
      const { sha256, isRight } = await hashesOf(this.#pathOf(file), file, this.#signal);
      this.#meter.setChecking(false);
      if (isRight) return sha256;
      await rm(this.#pathOf(file));
      this.#meter.set(file, 0);
      if (!isPieced || rounds > 1) throw new HubError('damaged', `${file.path} does not have the hash that the hub's list names.`);
    }
  }

  /** One answer of the hub, added to what is there. */
  async #rest(file: HubFile): Promise<void> {
    const length = await lengthOf(this.#pathOf(file));
    const start = length > file.bytes ? 0 : length;
    this.#meter.set(file, start);
    if (start === file.bytes && length > 0) return;
    const etag = this.#etags[file.path];
    const headers: Readonly<Record<string, string>> =
      start === 0 ? {} : { range: `bytes=${start}-`, ...(etag === undefined ? {} : { 'if-range': etag }) };
    const answer = await this.#hub.open(this.#plan.repository, this.#plan.commit, file.path, headers, this.#signal);
    let handle: FileHandle | undefined;
    try {
      const from = startOf(answer, file, start);
      if (from === undefined) {
        await answer.drop();
        await rm(this.#pathOf(file));
        await this.#rest(file); // without a range this time
        return;
      }
      handle = await open(this.#pathOf(file), from === 0 ? 'w' : 'r+');
      this.#meter.set(file, from);
      await this.#keepEtag(file, answer.headers.get('etag'));
      await append(handle, from, answer.chunks(), file, this.#meter);
    } finally {
      await handle?.close();
      await answer.drop();
    }
  }

  #pathOf(file: HubFile): string {
    return path.join(this.#part, file.path);
  }

  /** Weak ones do not promise the same bytes. */
  async #keepEtag(file: HubFile, etag: string | null): Promise<void> {
    const { [file.path]: known, ...others } = this.#etags;
    const next = etag !== null && /^"[^"]*"$/.test(etag) ? etag : undefined;
    if (next === known) return;
    this.#etags = next === undefined ? others : { ...others, [file.path]: next };
    await writeFile(path.join(this.#part, etagsName), JSON.stringify(this.#etags));
  }

  async #keptEtags(): Promise<Readonly<Record<string, string>>> {
    try {
      const kept = JSON.parse(await readFile(path.join(this.#part, etagsName), 'utf8')) as Readonly<Record<string, unknown>>;
      return Object.fromEntries(Object.entries(kept).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
    } catch {
      return {}; // hashes tell in the end
    }
  }
}

/** At which byte of the file the answer begins; undefined: it cannot be added to what is there. Errors: 'damaged' where its length is not the file's. */
function startOf(answer: { readonly status: number; readonly headers: Headers }, file: HubFile, start: number): number | undefined {
  const { status, headers } = answer;
  if (status === 200) {
    const length = headers.get('content-length');
    if (length !== null && headers.get('content-encoding') === null && Number(length) !== file.bytes) {
      throw new HubError('damaged', `The hub's list says that ${file.path} has ${file.bytes} bytes, its answer has ${Number(length)}.`);
    }
    return 0;
  }
  if (start === 0) throw new HubError('not-the-hub', `The hub answers a question for all of ${file.path} with status ${status}.`);
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  return status === 206 && Number(from) === start && (total === '*' || Number(total) === file.bytes) ? start : undefined;
}

async function append(handle: FileHandle, from: number, chunks: AsyncIterable<Uint8Array>, file: HubFile, meter: Meter): Promise<void> {
  let end = from;
  for await (const chunk of chunks) {
    if (end + chunk.length > file.bytes) throw new HubError('damaged', `The hub sends more of ${file.path} than its ${file.bytes} bytes.`);
    for (let written = 0; written < chunk.length;) {
      const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, end);
      written += bytesWritten;
      end += bytesWritten;
    }
    meter.set(file, end);
  }
  if (end < file.bytes) throw new HubError('offline', `The hub's answer ended ${file.bytes - end} bytes before the end of ${file.path}.`);
  await handle.sync();
}

async function hashesOf(
  target: string,
  file: HubFile,
  signal: AbortSignal,
): Promise<{ readonly sha256: string; readonly isRight: boolean }> {
  const sha256 = createHash('sha256');
  const gitSha1 = file.hash.kind === 'git-sha1' ? createHash('sha1').update(`blob ${file.bytes}\0`) : undefined;
  // Small pieces: this is the thread that every extension shares.
  for await (const chunk of createReadStream(target, { highWaterMark: 1 << 18, signal }) as AsyncIterable<Buffer>) {
    sha256.update(chunk);
    gitSha1?.update(chunk);
  }
  const sum = sha256.digest('hex');
  return { sha256: sum, isRight: (gitSha1 ? gitSha1.digest('hex') : sum) === file.hash.hex };
}

/** How much of all files is there, and how fast it comes. */
class Meter {
  readonly #totalBytes: number;
  readonly #onProgress: ((progress: DownloadProgress) => void) | undefined;
  readonly #bytes = new Map<string, number>();
  #fetchedBytes = 0;
  #isChecking = false;
  readonly #speed = new TransferSpeed();

  constructor(totalBytes: number, onProgress: ((progress: DownloadProgress) => void) | undefined) {
    this.#totalBytes = totalBytes;
    this.#onProgress = onProgress;
  }

  get missingBytes(): number {
    return Math.max(0, this.#totalBytes - this.#fetchedBytes);
  }

  of(file: HubFile): number {
    return this.#bytes.get(file.path) ?? 0;
  }

  set(file: HubFile, bytes: number): void {
    const gained = bytes - this.of(file);
    this.#bytes.set(file.path, bytes);
    this.#fetchedBytes += gained;
    if (gained < 0) this.#speed.reset(); // it begins anew: that is no speed
  }

  setChecking(isChecking: boolean): void {
    if (this.#isChecking && !isChecking) this.#speed.reset(); // nothing came meanwhile: that is no speed
    this.#isChecking = isChecking;
    this.tell();
  }

  tell(): void {
    const bytesPerSecond = this.#speed.measure(performance.now(), this.#fetchedBytes);
    const [fetchedBytes, totalBytes, isChecking] = [this.#fetchedBytes, this.#totalBytes, this.#isChecking];
    this.#onProgress?.({ fetchedBytes, totalBytes, bytesPerSecond, isChecking });
  }
}

/** On the disk before whatever comes after. */
async function writeThrough(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** On Windows a scanner may hold a new file for a moment. */
async function renamed(from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const passes = error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EBUSY');
      if (!passes || tries >= 10) throw error;
      await new Promise(resolve => setTimeout(resolve, 100 * tries));
    }
  }
}
