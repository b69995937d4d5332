import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Arithmetic } from '../core/scores';
import { readModelFolder } from './catalog';
import type { ModelFiles } from './catalog';
import { Engine } from './engine';
import type { ModelFacts } from './engine';
import { ModelError } from './errors';
import type { LoadParams, Measurements, ModelDescription, SelfCheck } from './protocol';
import { selfCheckOf } from './selfCheck';
import { arithmeticOf, readGraph } from './graph';
import { ScoringSession } from './session';
import { Snapshots } from './snapshots';
import { TextTokenizer } from './tokens';

/** In float32 every call unpacks all weights anew, which larger chunks make up for: chunks of 128 took 2.3 x the time of native ones, of 256 1.7 x. */
const float32Chunk = 2;

/** One model folder in memory: its tokenizer, and an engine for each arithmetic; that of float32 is opened when first asked for. */
export class Model {
  readonly facts: ModelFacts;
  readonly #params: LoadParams;
  readonly #files: ModelFiles;
  readonly #chunkTokens: number;
  readonly #snapshots: Snapshots;
  readonly #native: Engine;
  readonly #head: ModelDescription['head'];
  readonly #selfCheck: SelfCheck;
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
  ) {
    this.facts = facts;
    this.#selfCheck = selfCheck;
    this.#params = params;
    this.#files = files;
    this.#filesWere = filesWere;
    this.#chunkTokens = chunkTokens;
    this.#snapshots = new Snapshots(params.snapshotBytes);
    this.#native = new Engine(facts, 'native', session, this.#snapshots, chunkTokens);
    this.#head = session.head;
  }

  /** Errors: those of `readModelFolder`, 'cannot-align', 'unsupported' (the self-check among the reasons), 'out-of-memory'. */
  static async load(params: LoadParams, chunkTokens: number): Promise<Model> {
    const files = await readModelFolder(params.folder, params.dtype);
    const filesWere = await stampsOf(files);
    const tokenizer = new TextTokenizer(files.tokenizer, files.tokenizerConfig);
    const facts: ModelFacts = {
      key: { folder: files.folder, contentHash: files.contentHash, dtype: files.dtype, arithmetic: 'native' },
      name: files.name,
      positions: positionsOf(files.config),
      startTokenId: startTokenOf(tokenizer, files.tokenizer, files.config),
      tokenizer,
    };
    const session = await openSession(params, files, 'native');
    try {
      const selfCheck = await selfCheckOf(facts, session, params.cacheFolder, async () => {
        const kind = await arithmeticOfFile(files);
        if (kind === 'rewritable') return openSession(params, files, 'float32');
        return kind === 'float32' ? 'same' : 'impossible';
      });
      return new Model(facts, params, files, filesWere, session, selfCheck, chunkTokens);
    } catch (error) {
      await session.dispose();
      throw error;
    }
  }

  get description(): ModelDescription {
    const { key, name, positions, startTokenId, tokenizer } = this.facts;
    return { key, name, positions, startTokenId, vocabulary: tokenizer.vocabulary, selfCheck: this.#selfCheck, head: this.#head };
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
    await this.#native.dispose();
    const float32 = await this.#float32?.catch(() => undefined);
    if (float32 !== this.#native) await float32?.dispose();
  }

  async #openFloat32(): Promise<Engine> {
    const kind = await arithmeticOfFile(this.#files);
    if (kind === 'float32') return this.#native;
    const session = await openSession(this.#params, this.#files, 'float32');
    this.#exact = new Engine(this.facts, 'float32', session, this.#snapshots, float32Chunk * this.#chunkTokens);
    return this.#exact;
  }
}

function openSession({ threads, arena, cacheFolder }: LoadParams, files: ModelFiles, arithmetic: Arithmetic): Promise<ScoringSession> {
  const { folder, graph, dtype, contentHash } = files;
  return ScoringSession.open({ folder, graph, dtype, contentHash, threads, arena, cacheFolder, arithmetic });
}

/** Size, time and number of each file in use, by its name: another one has another. */
type FileStamps = ReadonlyMap<string, string>;

async function stampsOf({ folder, graph }: ModelFiles): Promise<FileStamps> {
  const data = (await readdir(path.join(folder, 'onnx')).catch(() => [])).filter(name => name.startsWith(graph));
  const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', ...data.map(name => path.join('onnx', name))];
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
  for (const name of ['max_position_embeddings', 'n_positions', 'n_ctx']) {
    const value = config[name];
    if (typeof value === 'number' && value > 1) return value;
  }
  throw new ModelError('unsupported', 'config.json does not say how many positions the model has.');
}

/** What the model's own tokenizer puts before plain text, else `<|endoftext|>`, else bos, else eos, else none. */
function startTokenOf(tokenizer: TextTokenizer, json: unknown, config: Readonly<Record<string, unknown>>): number | null {
  const own = templateStart(json);
  if (own !== undefined) return own;
  const endOfText = tokenizer.controlId('<|endoftext|>');
  if (endOfText !== undefined) return endOfText;
  for (const name of ['bos_token_id', 'eos_token_id']) {
    const value: unknown = config[name];
    const id: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof id === 'number') return id;
  }
  return null;
}

/** The id that a TemplateProcessing post-processor puts first in a single text. */
function templateStart(json: unknown): number | undefined {
  interface Template {
    readonly post_processor?: {
      readonly single?: readonly { readonly SpecialToken?: { readonly id: string } }[];
      readonly special_tokens?: Readonly<Record<string, { readonly ids: readonly number[] } | undefined>>;
      readonly processors?: readonly Template['post_processor'][];
    } | null;
  }
  const processor = (json as Template).post_processor;
  for (const step of processor ? [processor, ...(processor.processors ?? [])] : []) {
    const name = step?.single?.[0]?.SpecialToken?.id;
    const id = name === undefined ? undefined : step?.special_tokens?.[name]?.ids[0];
    if (id !== undefined) return id;
  }
  return undefined;
}
