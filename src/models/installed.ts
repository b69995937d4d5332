import { mkdir, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { asRecord } from '../core/json';
import { preferredDtypes, provenanceFileName, smallFileBytes } from '../model/catalog';
import { copyBytes, forgetCopies, forgetOtherCopies } from '../model/graphCopies';
import { forgetSelfCheck } from '../model/keptSelfChecks';
import { isRepositoryName } from './hub';
import type { HubFile } from './hub';
import { storageError } from './hubError';
import { isLocked, lock } from './lock';

/** What a repository's owner says of a model. */
export interface ModelSource {
  readonly host: string;
  readonly repository: string;
  readonly commit: string;
  readonly dtype: string;
  readonly licence: string | undefined;
  readonly languages: readonly string[];
  readonly contextTokens: number | undefined;
}

/** A model that is to be fetched, or is half there. */
export interface Plan extends ModelSource {
  readonly files: readonly HubFile[];
}

/** Lies in a model folder that was downloaded. */
export interface Provenance extends ModelSource {
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  /** As `readModelFolder` computes it: results of self-checks are kept under it. */
  readonly contentHash: string;
}

export interface InstalledModel {
  readonly folder: string;
  readonly provenance: Provenance;
}

export interface HalfFinished {
  /** Where the model will be; `download` goes on with it. */
  readonly folder: string;
  readonly plan: Plan;
  readonly fetchedBytes: number;
  /** It is being fetched at this moment, in this window or in another one. */
  readonly isRunning: boolean;
}

/** In the folder that grows beside the one a model will have. */
export const planFileName = 'download.json';
const partEnding = '.part';

/** What tells one model from another. */
export type ModelId = Pick<ModelSource, 'repository' | 'commit' | 'dtype'>;

/** One folder for each number format of each commit, below `root` and nowhere else. Errors: RangeError for what can be no model. */
export function folderOf(root: string, { repository, commit, dtype }: ModelId): string {
  if (!isRepositoryName(repository) || !commitPattern.test(commit) || !preferredDtypes.includes(dtype)) {
    throw new RangeError('This names no model of a hub.');
  }
  return path.join(root, ...repository.split('/'), commit, dtype);
}

export function partOf(folder: string): string {
  return `${folder}${partEnding}`;
}

export function bytesOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Of the graph and its data files: what is loaded into memory. */
export function weightBytesOf(files: readonly { readonly path: string; readonly bytes: number }[]): number {
  return bytesOf(files.filter(file => file.path.startsWith('onnx/')));
}

/** What a model takes on the disk when it has been loaded once: a graph with its weights in it is kept a second time, with the scoring head. */
export function diskBytesOf(files: readonly { readonly path: string; readonly bytes: number }[]): number {
  const [graph, ...data] = files.filter(file => file.path.startsWith('onnx/'));
  const isCopied = graph !== undefined && data.length === 0 && graph.bytes > smallFileBytes;
  return bytesOf(files) + (isCopied ? graph.bytes : 0);
}

/** Models below `root`, and downloads that did not end; folders of neither kind, or at another place than theirs, are passed over. */
export async function modelsOnDisk(
  root: string,
): Promise<{ readonly installed: readonly InstalledModel[]; readonly halves: readonly HalfFinished[] }> {
  const found = await foldersBelow(root, 4);
  const halves: HalfFinished[] = [];
  const installed: InstalledModel[] = [];
  for (const folder of found) {
    if (folder.endsWith(partEnding)) {
      const plan = await readPlan(folder);
      if (plan && partOf(folderOf(root, plan)) === folder)
        halves.push({
          folder: folder.slice(0, -partEnding.length),
          plan,
          fetchedBytes: await fetchedBytes(folder, plan),
          isRunning: await isLocked(folder),
        });
    } else {
      const provenance = await readProvenance(folder);
      if (provenance && folderOf(root, provenance) === folder) installed.push({ folder, provenance });
    }
  }
  return { installed, halves };
}

/** What would become free on the disk, in bytes, if this model were removed. */
export async function installedBytes({ folder, provenance }: InstalledModel, cacheFolder: string): Promise<number> {
  return bytesOf(provenance.files) + (await copyBytes(cacheFolder, folder));
}

/**
 * Removes a model, or what a download has left, what is kept of it in the cache folder, and the folders above it that are empty then. It is told which
 * one, never where: errors as `folderOf`; `HubError` 'in-progress' while it is being fetched, and 'storage' where it cannot be removed.
 */
export async function removeModel(root: string, model: ModelId, cacheFolder: string): Promise<void> {
  const folder = folderOf(root, model);
  const part = partOf(folder);
  const provenance = await readProvenance(folder);
  try {
    await mkdir(part, { recursive: true });
    const release = await lock(part);
    try {
      await rm(folder, { recursive: true, force: true });
      await rm(part, { recursive: true, force: true });
    } finally {
      await release();
    }
  } catch (error) {
    throw storageError(error);
  }
  await forgetCopies(cacheFolder, folder);
  if (provenance) await forgetSelfCheck(cacheFolder, provenance.contentHash);
  const commits = path.dirname(folder);
  for (const above of [commits, path.dirname(commits), path.dirname(path.dirname(commits))]) {
    await rmdir(above).catch(() => undefined); // others are in it
  }
}

/** Removes from the cache folder the copies of models that are neither below `root` nor in one of these folders any more; see `forgetOtherCopies`. */
export async function forgetCopiesOfGone(root: string, folders: readonly string[], cacheFolder: string): Promise<void> {
  const { installed } = await modelsOnDisk(root);
  await forgetOtherCopies(cacheFolder, [...folders, ...installed.map(({ folder }) => folder)]);
}

export async function readProvenance(folder: string): Promise<Provenance | undefined> {
  const value = await readRecord(path.join(folder, provenanceFileName));
  const source = sourceIn(value);
  const { contentHash } = value;
  if (!source || typeof contentHash !== 'string' || !sha256Pattern.test(contentHash)) return undefined;
  const files = recordsIn(value['files']).flatMap(({ path: name, bytes, sha256 }) =>
    isModelPath(name) && typeof bytes === 'number' && typeof sha256 === 'string' ? [{ path: name, bytes, sha256 }] : [],
  );
  return files.length > 0 ? { ...source, files, contentHash } : undefined;
}

export async function readPlan(part: string): Promise<Plan | undefined> {
  const value = await readRecord(path.join(part, planFileName));
  const source = sourceIn(value);
  const files = recordsIn(value['files']).flatMap((file): HubFile[] => {
    const { path: name, bytes } = file;
    const { kind, hex } = asRecord(file['hash']);
    if (!isModelPath(name) || typeof bytes !== 'number' || typeof hex !== 'string') return [];
    return kind === 'sha256' || kind === 'git-sha1' ? [{ path: name, bytes, hash: { kind, hex } }] : [];
  });
  return source && files.length > 0 ? { ...source, files } : undefined;
}

/** To fetch a model once more, file by file what it was. */
export function planAgain({ host, repository, commit, dtype, licence, languages, contextTokens, files }: Provenance): Plan {
  const source = { host, repository, commit, dtype, licence, languages, contextTokens };
  return { ...source, files: files.map(({ path: name, bytes, sha256 }) => ({ path: name, bytes, hash: { kind: 'sha256', hex: sha256 } })) };
}

/** Whether what was fetched for one is of use for the other, whoever serves it and whatever is said of it. */
export function hasSameFiles(a: Plan, b: Plan): boolean {
  const key = ({ repository, commit, dtype, files }: Plan) =>
    JSON.stringify([repository, commit, dtype, files.map(({ path: name, bytes, hash }) => [name, bytes, hash.kind, hash.hex])]);
  return key(a) === key(b);
}

/** What `readPlan` reads. */
export function planText({ host, repository, commit, dtype, licence, languages, contextTokens, files }: Plan): string {
  const list = files.map(({ path: name, bytes, hash }) => ({ path: name, bytes, hash: { kind: hash.kind, hex: hash.hex } }));
  return `${JSON.stringify({ host, repository, commit, dtype, licence, languages, contextTokens, files: list }, undefined, 2)}\n`;
}

const sha256Pattern = /^[0-9a-f]{64}$/;
const commitPattern = /^[0-9a-f]{40}$/;

function isModelPath(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    /^(?:(?:config|generation_config|tokenizer|tokenizer_config)\.json|chat_template\.jinja|onnx\/model\w*\.onnx(?:_data(?:_\d{1,3})?)?)$/.test(
      name,
    )
  );
}

function sourceIn(value: Readonly<Record<string, unknown>>): ModelSource | undefined {
  const { host, repository, commit, dtype, licence, languages, contextTokens } = value;
  if (typeof repository !== 'string' || !isRepositoryName(repository)) return undefined;
  if (typeof host !== 'string' || typeof commit !== 'string' || typeof dtype !== 'string') return undefined;
  if (!commitPattern.test(commit) || !preferredDtypes.includes(dtype)) return undefined;
  return {
    host,
    repository,
    commit,
    dtype,
    licence: typeof licence === 'string' ? licence : undefined,
    languages: Array.isArray(languages) ? languages.filter((each): each is string => typeof each === 'string') : [],
    contextTokens: typeof contextTokens === 'number' ? contextTokens : undefined,
  };
}

async function fetchedBytes(part: string, plan: Plan): Promise<number> {
  let sum = 0;
  for (const { path: name, bytes } of plan.files) sum += Math.min(bytes, await lengthOf(path.join(part, name)));
  return sum;
}

/** In bytes; 0 where there is no such file. */
export function lengthOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function foldersBelow(folder: string, depth: number): Promise<readonly string[]> {
  if (depth === 0) return [folder];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []); // the first model makes the folder
  const below = await Promise.all(
    entries.filter(entry => entry.isDirectory()).map(({ name }) => foldersBelow(path.join(folder, name), depth - 1)),
  );
  return below.flat().sort();
}

async function readRecord(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return asRecord(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {}; // not there, or broken off in the middle
  }
}

function recordsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(asRecord) : [];
}
