import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Arithmetic } from '../core/scores';
import { positionsIn, readModelFolder } from './catalog';
import type { ModelFiles } from './catalog';
import { Engine } from './engine';
import type { ModelFacts } from './engine';
import { because, ModelError } from './errors';
import { ProbeSessions } from './probeSessions';
import { PreambleReader } from './preamble';
import type { LoadParams, Measurements, ModelDescription, SelfCheck } from './protocol';
import { newSelfCheck, selfCheckOf } from './selfCheck';
import { arithmeticOf, readGraph } from './graph';
import { ScoringSession } from './session';
import type { SessionOptions } from './session';
import { Snapshots } from './snapshots';
import { TextTokenizer } from './tokens';

/** In float32 every call unpacks all weights anew, which larger chunks make up for: chunks of 128 took 2.3 x the time of native ones, of 256 1.7 x. */
const float32Chunk = 2;

/** One model folder in memory: its tokenizer, and an engine for each arithmetic; that of float32 is opened when first asked for. */
export class Model {
  readonly facts: ModelFacts;
  readonly probes: ProbeSessions;
  readonly #params: LoadParams;
  readonly #files: ModelFiles;
  readonly #chunkTokens: number;
  readonly #snapshots: Snapshots;
  readonly #native: Engine;
  readonly #head: ModelDescription['head'];
  readonly #selfCheck: SelfCheck;
  readonly #deviceFallback: string | undefined;
  #float32: Promise<Engine> | undefined;
  #exact: Engine | undefined;

  readonly #filesWere: FileStamps;

  private constructor(
    facts: ModelFacts,
    params: LoadParams,
    files: ModelFiles,
    filesWere: FileStamps,
    session: ScoringSession,
    selfCheck: SelfCheck,
    chunkTokens: number,
    deviceFallback: string | undefined,
  ) {
    this.facts = facts;
    this.#deviceFallback = deviceFallback;
    this.#selfCheck = selfCheck;
    this.#params = params;
    this.#files = files;
    this.#filesWere = filesWere;
    this.#chunkTokens = chunkTokens;
    this.#snapshots = new Snapshots(params.snapshotBytes);
    this.#native = new Engine(facts, 'native', session, this.#snapshots, chunkTokens);
    this.#head = session.head;
    this.probes = new ProbeSessions((arithmetic, change) => openSession(params, files, arithmetic, change));
  }

  /** Errors: those of `readModelFolder`, 'cannot-align', 'unsupported' (the self-check among the reasons), 'out-of-memory'. */
  static async load(params: LoadParams, chunkTokens: number): Promise<Model> {
    const files = await readModelFolder(params.folder, params.dtype);
    const filesWere = await stampsOf(files);
    const tokenizer = new TextTokenizer(files.tokenizer);
    const positions = positionsOf(files.config);
    const facts: ModelFacts = {
      key: { folder: files.folder, contentHash: files.contentHash, dtype: files.dtype, arithmetic: 'native' },
      name: files.name,
      positions,
      startTokenId: startTokenOf(tokenizer, files.tokenizer, files.config),
      tokenizer,
      preambles: new PreambleReader(tokenizer, files.tokenizerConfig, files.chatTemplate, positions),
    };
    const cpu: LoadParams = { ...params, device: 'cpu' };
    if (params.device === 'cpu') return Model.#open(facts, cpu, files, filesWere, chunkTokens, undefined);
    let fallback: string;
    try {
      const model = await Model.#open(facts, params, files, filesWere, chunkTokens, undefined);
      if (model.#selfCheck.plausible) return model;
      await model.dispose();
      fallback = 'there the model read plain English as if it had never seen any';
    } catch (error) {
      fallback = runtimeReason(error);
    }
    return Model.#open(facts, cpu, files, filesWere, chunkTokens, fallback);
  }

  static async #open(
    facts: ModelFacts,
    params: LoadParams,
    files: ModelFiles,
    filesWere: FileStamps,
    chunkTokens: number,
    deviceFallback: string | undefined,
  ): Promise<Model> {
    const onCpu = params.device === 'cpu';
    const session = await openSession(params, files, 'native');
    try {
      const openFloat32 = async () => {
        const kind = await arithmeticOfFile(files);
        if (kind === 'rewritable' || (kind === 'float32' && !onCpu)) return openSession(params, files, 'float32');
        return kind === 'float32' ? 'same' : 'impossible';
      };
      // What is kept was found out on the processor; a driver is looked at every time, for it changes without us.
      const selfCheck = onCpu
        ? await selfCheckOf(facts, session, params.cacheFolder, openFloat32)
        : await newSelfCheck(facts, session, openFloat32);
      return new Model(facts, params, files, filesWere, session, selfCheck, chunkTokens, deviceFallback);
    } catch (error) {
      await session.dispose();
      throw error;
    }
  }

  get description(): ModelDescription {
    const { key, name, positions, startTokenId, tokenizer } = this.facts;
    return {
      key,
      name,
      positions,
      startTokenId,
      vocabulary: tokenizer.vocabulary,
      selfCheck: this.#selfCheck,
      head: this.#head,
      device: this.#params.device,
      deviceFallback: this.#deviceFallback,
    };
  }

  /** Errors: 'unsupported' where the file cannot be run in float32 arithmetic, with the reason. */
  engine(arithmetic: Arithmetic): Promise<Engine> {
    if (arithmetic === 'native') return Promise.resolve(this.#native);
    this.#float32 ??= this.#openFloat32().catch((error: unknown) => {
      this.#float32 = undefined; // so that it is tried again
      throw error;
    });
    return this.#float32;
  }

  /** Errors: 'exited' where a file was changed or replaced since the model was loaded. One that is gone is still there for those who have opened it. */
  async refuseChangedFiles(): Promise<void> {
    for (const [name, stamp] of await stampsOf(this.#files)) {
      if (this.#filesWere.get(name) !== stamp) throw new ModelError('exited', `The model's file ${name} was changed while it was in use.`);
    }
  }

  get costs(): Pick<Measurements, 'tokensRun' | 'modelCalls' | 'snapshotBytes'> {
    const engines = [this.#native, ...(this.#exact ? [this.#exact] : [])];
    return {
      tokensRun: engines.reduce((sum, engine) => sum + engine.tokensRun, 0),
      modelCalls: engines.reduce((sum, engine) => sum + engine.modelCalls, 0),
      snapshotBytes: this.#snapshots.bytes,
    };
  }

  async dispose(): Promise<void> {
    await this.probes.dispose();
    await this.#native.dispose();
    const float32 = await this.#float32?.catch(() => undefined);
    if (float32 !== this.#native) await float32?.dispose();
  }

  async #openFloat32(): Promise<Engine> {
    const kind = await arithmeticOfFile(this.#files);
    if (kind === 'float32' && this.#params.device === 'cpu') return this.#native;
    const session = await openSession(this.#params, this.#files, 'float32');
    this.#exact = new Engine(this.facts, 'float32', session, this.#snapshots, float32Chunk * this.#chunkTokens);
    return this.#exact;
  }
}

function openSession(
  { threads, arena, device, cacheFolder }: LoadParams,
  files: ModelFiles,
  arithmetic: Arithmetic,
  change?: SessionOptions['change'],
): Promise<ScoringSession> {
  const { folder, graph, dtype, contentHash } = files;
  return ScoringSession.open({
    folder,
    graph,
    dtype,
    contentHash,
    threads,
    arena,
    device: arithmetic === 'float32' ? 'cpu' : device, // exact numbers are the same on every machine
    cacheFolder,
    arithmetic,
    change,
  });
}

/** One line of what the runtime said, without the place in its sources. A model is loaded by files alone: there is no text of a document in it. */
function runtimeReason(error: unknown): string {
  const { cause } = error instanceof ModelError ? error : { cause: error };
  const said = cause instanceof Error ? cause : error;
  const [line = ''] = (said instanceof Error ? said.message : String(said)).split('\n');
  return line.replace(/^.* was false\. /, '').slice(0, mostReasonCharacters);
}

const mostReasonCharacters = 200;

/** Size, time and number of each file in use, by its name: another one has another. */
type FileStamps = ReadonlyMap<string, string>;

async function stampsOf({ folder, names }: ModelFiles): Promise<FileStamps> {
  const stamps = new Map<string, string>();
  for (const name of names) {
    const found = await stat(path.join(folder, name)).catch(() => undefined);
    if (found) stamps.set(name, [found.size, found.mtimeMs, found.ino].join(' '));
  }
  return stamps;
}

async function arithmeticOfFile({ folder, graph }: ModelFiles) {
  return arithmeticOf((await readGraph(path.join(folder, 'onnx', graph))).model);
}

function positionsOf(config: Readonly<Record<string, unknown>>): number {
  const positions = positionsIn(config);
  if (positions !== undefined) return positions;
  throw new ModelError('unsupported', 'config.json does not say how many positions the model has.', because('no-positions'));
}

/** What the model's own tokenizer puts before plain text, else `<|endoftext|>`, else bos, else eos, else none. */
function startTokenOf(tokenizer: TextTokenizer, json: unknown, config: Readonly<Record<string, unknown>>): number | null {
  const size = tokenizer.vocabulary.offsets.length - 1;
  const isId = (id: unknown): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < size;
  const named = ['bos_token_id', 'eos_token_id'].map(name => {
    const value: unknown = config[name];
    return Array.isArray(value) ? (value[0] as unknown) : value;
  });
  return [templateStart(json), tokenizer.controlId('<|endoftext|>'), ...named].find(isId) ?? null;
}

/** What a TemplateProcessing post-processor puts first in a single text: an id, where the file is as it should be. */
function templateStart(json: unknown): unknown {
  const processor = propertyOf(json, 'post_processor');
  const inner = propertyOf(processor, 'processors');
  for (const step of [processor, ...(Array.isArray(inner) ? (inner as unknown[]) : [])]) {
    const name = propertyOf(propertyOf(propertyOf(propertyOf(step, 'single'), '0'), 'SpecialToken'), 'id');
    if (typeof name !== 'string') continue;
    const id = propertyOf(propertyOf(propertyOf(propertyOf(step, 'special_tokens'), name), 'ids'), '0');
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Of parsed JSON, where it has such a property of its own. */
function propertyOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
