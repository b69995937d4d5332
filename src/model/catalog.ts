import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ModelError } from './errors';

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
const preferredDtypes = ['fp32', 'q8', 'q4', 'fp16'];

/** Reads and checks a model folder. Errors: 'not-found', 'incomplete' (a file is missing or is not what it should be), 'unsupported'. */
export async function readModelFolder(folder: string, wantedDtype: string | undefined): Promise<ModelFiles> {
  if (!(await isDirectory(folder))) throw new ModelError('not-found', `There is no model folder at ${folder}.`);
  const config = await readJson(folder, 'config.json');
  const tokenizer = await readJson(folder, 'tokenizer.json');
  const tokenizerConfig = await readJson(folder, 'tokenizer_config.json');
  const templateFile = path.join(folder, templateName);
  const chatTemplate = (await isFile(templateFile)) ? await readFile(templateFile, 'utf8') : undefined;
  const library = asRecord(config['transformers.js_config']);
  const dtype = await chooseDtype(folder, wantedDtype, library['dtype']);
  const graph = `onnx/${graphName(dtype)}`;
  const names = [
    'config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    ...(chatTemplate === undefined ? [] : [templateName]),
    graph,
    ...externalData(graph, library['use_external_data_format']),
  ];
  return {
    folder,
    name: await displayName(folder),
    dtype,
    graph: graphName(dtype),
    config,
    tokenizer,
    tokenizerConfig,
    chatTemplate,
    contentHash: await contentHash(folder, names),
  };
}

function graphName(dtype: string): string {
  return `model${suffixOf.get(dtype) ?? ''}.onnx`;
}

async function chooseDtype(folder: string, wanted: string | undefined, preset: unknown): Promise<string> {
  const has = (dtype: string) => isFile(path.join(folder, 'onnx', graphName(dtype)));
  const named = wanted ?? (typeof preset === 'string' ? preset : undefined);
  if (named !== undefined) {
    if (!suffixOf.has(named))
      throw new ModelError('unsupported', `Unknown number format ${named}; known are ${[...suffixOf.keys()].join(', ')}.`);
    if (await has(named)) return named;
    throw new ModelError('incomplete', `The model folder ${folder} has no onnx/${graphName(named)} (number format ${named}).`);
  }
  for (const dtype of preferredDtypes) if (await has(dtype)) return dtype;
  const names = preferredDtypes.map(dtype => `onnx/${graphName(dtype)}`).join(', ');
  throw new ModelError('incomplete', `The model folder ${folder} has none of ${names}.`);
}

/** Names of the data files beside a graph: `use_external_data_format` is a count for all graphs, or one by file name. */
function externalData(graph: string, setting: unknown): string[] {
  const own = typeof setting === 'object' && setting !== null ? asRecord(setting)[path.posix.basename(graph)] : setting;
  const count = own === true ? 1 : typeof own === 'number' ? own : 0;
  return Array.from({ length: count }, (_, index) => `${graph}_data${index === 0 ? '' : `_${String(index)}`}`);
}

/** The first heading of the folder's README up to a " for ", else the folder's name: what people call the model. */
async function displayName(folder: string): Promise<string> {
  try {
    const readme = await readFile(path.join(folder, 'README.md'), 'utf8');
    const heading = /^# +([^\n]{1,80})/.exec(readme)?.[1]?.split(' for ')[0]?.trim();
    if (heading) return heading;
  } catch {
    // no README: the folder's name has to do
  }
  return path.basename(folder);
}

/** Where the folder has a SHA256SUMS, every file it names is held against it: a copy that was broken off is found before it is used. */
async function contentHash(folder: string, names: readonly string[]): Promise<string> {
  const listed = await listedSums(folder);
  const all = createHash('sha256');
  for (const name of names) {
    const file = path.join(folder, name);
    if (!(await isFile(file))) throw new ModelError('incomplete', `The model folder ${folder} is incomplete: ${name} is missing.`);
    const { size } = await stat(file);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
    const sum = hash.digest('hex');
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

async function listedSums(folder: string): Promise<ReadonlyMap<string, string>> {
  const file = path.join(folder, 'SHA256SUMS');
  if (!(await isFile(file))) return new Map();
  const lines = (await readFile(file, 'utf8')).matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm);
  return new Map([...lines].map(([, sum = '', name = '']) => [name, sum]));
}

async function readJson(folder: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  const file = path.join(folder, name);
  if (!(await isFile(file))) throw new ModelError('incomplete', `The model folder ${folder} is incomplete: ${name} is missing.`);
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return asRecord(value);
  } catch (error) {
    throw new ModelError('incomplete', `The model folder ${folder} is damaged: ${name} is not valid JSON.`, { cause: error });
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
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
