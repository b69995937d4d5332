import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asRecord } from '../core/json';
import { because, ModelError } from './errors';

/** A model folder in the transformers.js layout, with the files of one number format. */
export interface ModelFiles {
  readonly folder: string;
  readonly name: string;
  readonly dtype: string;
  /** Name of the model file in `onnx/`. */
  readonly graph: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokenizer: unknown;
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
  /** Of newer folders, which have it in a file of its own. */
  readonly chatTemplate: string | undefined;
  /** Of the files in use, in the folder. */
  readonly names: readonly string[];
  /** SHA-256 over names, sizes and contents of the files in use. */
  readonly contentHash: string;
}

/** transformers.js's names of number formats, with the endings of their files. */
const suffixOf: ReadonlyMap<string, string> = new Map([
  ['fp32', ''],
  ['fp16', '_fp16'],
  ['q8', '_quantized'],
  ['int8', '_int8'],
  ['uint8', '_uint8'],
  ['q4', '_q4'],
  ['bnb4', '_bnb4'],
  ['q4f16', '_q4f16'],
]);
const templateName = 'chat_template.jinja';
/** Tried in this order where the model folder does not say. */
export const preferredDtypes = ['fp32', 'q8', 'q4', 'fp16'];

/** In a folder that was downloaded: where it is from. */
export const provenanceFileName = 'token-lens.json';
/** Larger files of these kinds no model has; reading one would take the memory of a model. */
const mostBytesOf = {
  'config.json': 2 ** 22,
  'tokenizer.json': 2 ** 27,
  'tokenizer_config.json': 2 ** 23,
  [templateName]: 2 ** 20,
  'README.md': 2 ** 21,
  SHA256SUMS: 2 ** 20,
  [provenanceFileName]: 2 ** 20,
};
const mostDataFiles = 100;
/** Up to this size a model file with a scoring head is handed over in memory; above, where its weights are in it, as a copy in the cache folder if there is one. */
export const smallFileBytes = 8 * 2 ** 20;

/**
 * Reads and checks a model folder, which anybody may have made: nothing outside of it is opened, by no name in its files and by no link.
 * Errors: 'not-found', 'incomplete' (a file is missing or is not what it should be), 'unsupported'.
 */
export async function readModelFolder(folder: string, wantedDtype: string | undefined): Promise<ModelFiles> {
  if (!(await isDirectory(folder))) throw new ModelError('not-found', `There is no model folder at ${folder}.`);
  const config = await readJson(folder, 'config.json');
  const tokenizer = await readJson(folder, 'tokenizer.json');
  const tokenizerConfig = await readJson(folder, 'tokenizer_config.json');
  const hasTemplate = await isFile(path.join(folder, templateName));
  const chatTemplate = hasTemplate ? (await readOwn(folder, templateName)).toString() : undefined;
  const { dtype, names, fault } = await filesInUse(folder, config, wantedDtype);
  const hash = await contentHash(folder, names);
  if (fault) throw fault; // now that it is known not to be a copy that was broken off
  return {
    folder,
    name: await displayName(folder),
    dtype,
    graph: graphName(dtype),
    config,
    tokenizer,
    tokenizerConfig,
    chatTemplate,
    names,
    contentHash: hash,
  };
}

/**
 * The content hash that `readModelFolder` gives, of files whose SHA-256 are known already, so that nothing large is read. Errors: 'unsupported', 'incomplete'
 * for what the graph and config.json show.
 */
export async function contentHashFrom(folder: string, wantedDtype: string, sums: ReadonlyMap<string, string>): Promise<string> {
  const { names, fault } = await filesInUse(folder, await readJson(folder, 'config.json'), wantedDtype);
  if (fault) throw fault;
  return contentHash(folder, names, sums);
}

/** Their names; `fault`: what is wrong with the graph. */
async function filesInUse(
  folder: string,
  config: Readonly<Record<string, unknown>>,
  wantedDtype: string | undefined,
): Promise<{ readonly dtype: string; readonly names: readonly string[]; readonly fault: ModelError | undefined }> {
  const library = asRecord(config['transformers.js_config']);
  const dtype = await chooseDtype(folder, wantedDtype, library['dtype']);
  const graph = `onnx/${graphName(dtype)}`;
  const declared = externalData(graph, library['use_external_data_format']);
  const named = await namedFiles(folder, graph);
  const fault = named instanceof ModelError ? named : undefined;
  const also = (named instanceof ModelError ? [] : named).filter(name => !declared.includes(name));
  const hasTemplate = await isFile(path.join(folder, templateName));
  const texts = ['config.json', 'tokenizer.json', 'tokenizer_config.json', ...(hasTemplate ? [templateName] : [])];
  return { dtype, names: [...texts, graph, ...declared, ...also], fault };
}

/** The model file that is loaded for this number format, or where none is asked for; errors as of `readModelFolder`. */
export async function graphOf(folder: string, wantedDtype: string | undefined): Promise<{ readonly dtype: string; readonly file: string }> {
  const config = await readJson(folder, 'config.json');
  const dtype = await chooseDtype(folder, wantedDtype, asRecord(config['transformers.js_config'])['dtype']);
  return { dtype, file: graphName(dtype) };
}

/** What a folder says of its model. */
export interface FolderFacts {
  readonly name: string;
  readonly dtype: string;
  readonly licence: string | undefined;
  readonly languages: readonly string[];
  readonly contextTokens: number | undefined;
}

/** Without reading its weights; undefined where the folder holds no model: loading it says what is wrong. */
export async function folderFacts(folder: string): Promise<FolderFacts | undefined> {
  try {
    const { dtype } = await graphOf(folder, undefined);
    const contextTokens = positionsIn(await readJson(folder, 'config.json'));
    const readme = await readOwn(folder, 'README.md').then(String, () => '');
    return { name: await displayName(folder), dtype, contextTokens, ...cardOf(readme) };
  } catch {
    return undefined;
  }
}

/** The head of a README as hubs have it: "license: ...", and "language:" with one code or a list. */
function cardOf(readme: string): Pick<FolderFacts, 'licence' | 'languages'> {
  const [, head = ''] = /^---\r?\n([^]*?)\n---/.exec(readme.slice(0, 20_000)) ?? [];
  const licence = /^license: *["']?([\w.+-]{1,80})/m.exec(head)?.[1];
  const [, one = '', list = ''] = /^language: *([^\r\n]*)((?:\r?\n *- [^\r\n]*)*)/m.exec(head) ?? [];
  return { licence, languages: `${one}\n${list}`.match(/[a-z][\w-]{1,15}/gi) ?? [] };
}

/** More than any model has. */
const mostPositions = 2 ** 24;

/** How many tokens of context a config.json says that the model has; undefined: it names no number that could be. */
export function positionsIn(config: Readonly<Record<string, unknown>>): number | undefined {
  const values = ['max_position_embeddings', 'n_positions', 'n_ctx'].map(name => config[name]);
  const found = values.find((value): value is number => typeof value === 'number' && Number.isInteger(value) && value > 1);
  return found === undefined ? undefined : Math.min(found, mostPositions);
}

/** Of the model file in `onnx/` for a number format. */
export function graphName(dtype: string): string {
  return `model${suffixOf.get(dtype) ?? ''}.onnx`;
}

async function chooseDtype(folder: string, wanted: string | undefined, preset: unknown): Promise<string> {
  const has = (dtype: string) => isFile(path.join(folder, 'onnx', graphName(dtype)));
  // A folder may hold another format alone than the one its makers would take.
  const isThere = typeof preset === 'string' && (!suffixOf.has(preset) || (await has(preset)) || !(await hasAny(has)));
  const named = wanted ?? (isThere ? preset : undefined);
  if (named !== undefined) {
    if (!suffixOf.has(named))
      throw new ModelError(
        'unsupported',
        `Unknown number format ${named}; known are ${[...suffixOf.keys()].join(', ')}.`,
        because('number-format', named),
      );
    if (await has(named)) return named;
    throw new ModelError('incomplete', `The model folder ${folder} has no onnx/${graphName(named)} (number format ${named}).`);
  }
  for (const dtype of preferredDtypes) if (await has(dtype)) return dtype;
  const names = preferredDtypes.map(dtype => `onnx/${graphName(dtype)}`).join(', ');
  throw new ModelError('incomplete', `The model folder ${folder} has none of ${names}.`);
}

async function hasAny(has: (dtype: string) => Promise<boolean>): Promise<boolean> {
  for (const dtype of preferredDtypes) if (await has(dtype)) return true;
  return false;
}

/** Names of the data files beside a graph: `use_external_data_format` is a count for all graphs, or one by file name. */
function externalData(graph: string, setting: unknown): string[] {
  const own = typeof setting === 'object' && setting !== null ? asRecord(setting)[path.posix.basename(graph)] : setting;
  const count = own === true ? 1 : typeof own === 'number' ? own : 0;
  if (!(count >= 0 && count <= mostDataFiles))
    throw new ModelError(
      'unsupported',
      `config.json says that ${path.posix.basename(graph)} has ${String(count)} data files.`,
      because('no-model-file', graph),
    );
  return Array.from({ length: count }, (_, index) => `${graph}_data${index === 0 ? '' : `_${String(index)}`}`);
}

/** Paths of the files that a graph says its weights are in, before anything opens them; or what is wrong with it. */
export async function namedFiles(folder: string, graph: string): Promise<readonly string[] | ModelError> {
  await refuseLinkOut(folder, graph);
  const unusable = (why: string, key: 'outside' | 'no-model-file') =>
    new ModelError('unsupported', `The model in ${folder} cannot be opened: ${graph} ${why}.`, because(key, graph));
  try {
    const { externalFiles, readGraph } = await import('./graph'); // a third of what loading the extension took
    const locations = [...externalFiles((await readGraph(path.join(folder, graph))).model)];
    if (!locations.every(isBelow)) return unusable('names a file outside of its folder', 'outside');
    if (locations.length > mostDataFiles) return unusable(`has ${String(locations.length)} data files`, 'no-model-file');
    return locations.map(location => path.posix.join('onnx', location)).sort();
  } catch (error) {
    return unusable(`is not a model file (${error instanceof Error ? error.message : String(error)})`, 'no-model-file');
  }
}

/** Whether a path from a model file leads to a file at or below where it stands, on every system. */
function isBelow(location: string): boolean {
  if (location === '' || location.length > 255 || /^[a-z]:|[\\\0]/i.test(location)) return false;
  return !path.posix.isAbsolute(location) && !location.split('/').includes('..');
}

/** The repository it was downloaded from, or the first heading of the folder's README up to a " for ", else the folder's name: what people call the model. */
async function displayName(folder: string): Promise<string> {
  try {
    const { repository } = asRecord(JSON.parse((await readOwn(folder, provenanceFileName)).toString()));
    const name = typeof repository === 'string' ? /^[\w.-]{1,96}\/([\w.-]{1,96})$/.exec(repository)?.[1] : undefined;
    if (name) return name;
  } catch {
    // it was not downloaded
  }
  try {
    const readme = (await readOwn(folder, 'README.md')).toString();
    const heading = /^# +([^\n]{1,80})/
      .exec(readme)?.[1]
      ?.split(' for ')[0]
      ?.replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
      .trim();
    if (heading) return heading;
  } catch {
    // no README, or no usable one: the folder's name has to do
  }
  return path.basename(folder);
}

/** `known`: SHA-256 of files that were just read. Else, where the folder has a SHA256SUMS, every file it names is held against it: a copy that was broken off is found before it is used. */
async function contentHash(folder: string, names: readonly string[], known?: ReadonlyMap<string, string>): Promise<string> {
  const listed = known ?? (await listedSums(folder));
  const all = createHash('sha256');
  for (const name of names) {
    const file = path.join(folder, name);
    if (!(await isFile(file))) throw new ModelError('incomplete', `The model folder ${folder} is incomplete: ${name} is missing.`);
    await refuseLinkOut(folder, name);
    const { size } = await stat(file);
    const sum = known?.get(name) ?? (await sumOf(file));
    const expected = listed.get(name);
    if (expected !== undefined && expected !== sum) {
      throw new ModelError(
        'incomplete',
        `The model folder ${folder} is damaged: ${name} does not match its SHA256SUMS. Copy the folder again.`,
      );
    }
    all.update(`${name} ${String(size)} ${sum}\n`);
  }
  return all.digest('hex');
}

async function sumOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function listedSums(folder: string): Promise<ReadonlyMap<string, string>> {
  if (!(await isFile(path.join(folder, 'SHA256SUMS')))) return new Map();
  const lines = (await readOwn(folder, 'SHA256SUMS')).toString().matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm);
  return new Map([...lines].map(([, sum = '', name = '']) => [name, sum]));
}

async function readJson(
  folder: string,
  name: 'config.json' | 'tokenizer.json' | 'tokenizer_config.json',
): Promise<Readonly<Record<string, unknown>>> {
  if (!(await isFile(path.join(folder, name))))
    throw new ModelError('incomplete', `The model folder ${folder} is incomplete: ${name} is missing.`);
  const bytes = await readOwn(folder, name);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    value = undefined; // the parser's message would quote the file
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw new ModelError('incomplete', `The model folder ${folder} is damaged: ${name} is not a JSON object.`);
}

/** A file of the folder, of a size that is read whole. */
async function readOwn(folder: string, name: keyof typeof mostBytesOf): Promise<Buffer> {
  const file = path.join(folder, name);
  await refuseLinkOut(folder, name);
  const { size } = await stat(file);
  if (size <= mostBytesOf[name]) return readFile(file);
  throw new ModelError(
    'unsupported',
    `The model in ${folder} cannot be opened: ${name} has ${String(Math.round(size / 1e6))} MB.`,
    because('too-large', name),
  );
}

/** Refuses a name that a link makes one of another folder's file. In a cache of the Hugging Face hub files are links to the blobs beside. */
async function refuseLinkOut(folder: string, name: string): Promise<void> {
  const root = await realpath(folder);
  const isInHubCache = path.basename(path.dirname(root)) === 'snapshots';
  const roots = [root, ...(isInHubCache ? [path.join(root, '..', '..', 'blobs')] : [])];
  const real = await realpath(path.join(folder, name));
  if (roots.some(own => real.startsWith(own + path.sep))) return;
  throw new ModelError(
    'unsupported',
    `The model in ${folder} cannot be opened: ${name} is a link to a file outside of its folder.`,
    because('outside', name),
  );
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    found => found.isFile(),
    () => false,
  );
}

async function isDirectory(file: string): Promise<boolean> {
  return stat(file).then(
    found => found.isDirectory(),
    () => false,
  );
}
