import { Tensor } from 'onnxruntime-common';
import type { InferenceSession } from 'onnxruntime-common';
import { newRows } from '../core/scoreTable';
import { rowState } from '../core/scores';
import type { ModelKey, ScoredRows } from '../core/scores';
import { logProbabilitiesOf, reduceRow } from '../core/reduce';
import type { Window } from '../core/window';
import { readModelFolder } from './catalog';
import { ModelError } from './errors';
import type { LoadParams } from './protocol';
import { openModel } from './runtime';
import type { RuntimeModel } from './runtime';
import { TextTokenizer } from './tokens';

/** A key/value cache and the ids it stands for: it can be run on from any of its prefixes. */
export interface CachedPrefix {
  readonly ids: readonly number[];
  readonly tensors: ReadonlyMap<string, Tensor>;
}

interface PastInput {
  readonly name: string;
  /** The output that becomes this input in the next call. */
  readonly output: string;
  /** [batch, heads, positions, dimension]. */
  readonly heads: number;
  readonly dimension: number;
}

export interface DistributionResult {
  readonly logProbabilities: Float32Array;
  readonly entropyBits: number;
  readonly cache: CachedPrefix;
}

/** Runs one loaded model: reads token ids, gives scores. Logits never leave it but as one row. */
export class Engine {
  readonly key: ModelKey;
  readonly name: string;
  readonly positions: number;
  readonly startTokenId: number | null;
  readonly tokenizer: TextTokenizer;
  readonly #model: RuntimeModel;
  readonly #session: InferenceSession;
  readonly #past: readonly PastInput[];
  readonly #chunkTokens: number;
  /** Ids given to the model so far. */
  tokensRun = 0;

  private constructor(
    key: ModelKey,
    name: string,
    positions: number,
    tokenizer: TextTokenizer,
    startTokenId: number | null,
    model: RuntimeModel,
    chunkTokens: number,
  ) {
    this.key = key;
    this.name = name;
    this.positions = positions;
    this.tokenizer = tokenizer;
    this.startTokenId = startTokenId;
    this.#model = model;
    this.#session = model.session;
    this.#past = pastInputs(model.session);
    this.#chunkTokens = chunkTokens;
  }

  static async load(params: LoadParams, chunkTokens: number): Promise<Engine> {
    const files = await readModelFolder(params.folder, params.dtype);
    const positions = positionsOf(files.config);
    const tokenizer = new TextTokenizer(files.tokenizer, files.tokenizerConfig);
    const startTokenId = startTokenOf(tokenizer, files.tokenizer, files.config);
    const key: ModelKey = { folder: files.folder, contentHash: files.contentHash, dtype: files.dtype, arithmetic: 'native' };
    let model: RuntimeModel;
    try {
      model = await openModel({ folder: files.folder, dtype: files.dtype, threads: params.threads, arena: params.arena });
    } catch (error) {
      if (error instanceof ModelError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ModelError('unsupported', `The model in ${files.folder} cannot be opened: ${reason}`, { cause: error });
    }
    return new Engine(key, files.name, positions, tokenizer, startTokenId, model, chunkTokens);
  }

  /**
   * Scores rows `[wanted, window.end)` of one window, where `wanted` is at least `window.scoreFrom`. Rows come chunk by chunk through
   * `onRows`; the cache grows with them, so a call that is cancelled can be resumed. Returns the cache of the whole window.
   */
  async scoreWindow(
    prefixIds: readonly number[],
    tokenIds: Int32Array,
    window: Window,
    wanted: number,
    topCount: number,
    cache: CachedPrefix | undefined,
    signal: AbortSignal,
    onRows: (rows: ScoredRows, cache: CachedPrefix) => void,
  ): Promise<CachedPrefix> {
    const inputs = [...prefixIds, ...tokenIds.subarray(window.start, window.end)];
    // The logits after input i say what follows it: the row of token t is at input `inputOf(t)`, one before its own.
    const inputOf = (token: number) => prefixIds.length + token - window.start - 1;
    let row = wanted;
    if (inputOf(row) < 0) {
      const rows = newRows(row, 1, topCount);
      rows.states[0] = rowState.unscored;
      onRows(rows, cache ?? emptyCache);
      row++;
    }
    if (row >= window.end) return cache ?? emptyCache;
    return this.#run(inputs, cache, inputOf(row), signal, (logits, firstInput, count, grown) => {
      const rows = newRows(row, Math.max(0, Math.min(window.end - row, firstInput + count - inputOf(row))), topCount);
      for (let index = 0; index < rows.count; index++) {
        const token = row + index;
        reduceRow(logits(inputOf(token) - firstInput), tokenIds[token] ?? 0, rows, index, topCount);
        rows.contextTokens[index] = token - window.start;
      }
      row += rows.count;
      if (rows.count > 0) onRows(rows, grown);
    });
  }

  /** What the model expects after these ids; they must not be empty. */
  async distributionAfter(inputs: readonly number[], cache: CachedPrefix | undefined, signal: AbortSignal): Promise<DistributionResult> {
    let found: { logProbabilities: Float32Array; entropyBits: number } | undefined;
    const last = inputs.length - 1;
    const grown = await this.#run(inputs, cache, last, signal, (logits, firstInput, count) => {
      if (last < firstInput + count) found = logProbabilitiesOf(logits(last - firstInput));
    });
    if (!found) throw new ModelError('internal', 'No row came back for the last id.');
    return { ...found, cache: grown };
  }

  async dispose(): Promise<void> {
    await this.#model.dispose();
  }

  /**
   * Feeds `inputs` in chunks over what the cache already holds of them, so that at least the row of input `from` is computed again.
   * Never one id in a call: the runtime takes another path for it, whose numbers differ (measured: up to half a bit).
   */
  async #run(
    inputs: readonly number[],
    cache: CachedPrefix | undefined,
    from: number,
    signal: AbortSignal,
    onChunk: (logits: (index: number) => Float32Array, firstInput: number, count: number, grown: CachedPrefix) => void,
  ): Promise<CachedPrefix> {
    let held = cropped(cache, Math.max(0, Math.min(commonPrefix(cache?.ids ?? [], inputs), from, inputs.length - 2)), this.#past);
    // A lone id gets a companion whose row nobody reads; being after it, it changes nothing.
    const fed = inputs.length === 1 ? [...inputs, ...inputs] : inputs;
    while (held.ids.length < fed.length) {
      await new Promise(setImmediate); // lets a cancellation in, and calls for other documents
      signal.throwIfAborted();
      const first = held.ids.length;
      const rest = fed.length - first;
      const count = rest - this.#chunkTokens < 2 ? rest : this.#chunkTokens;
      const outputs = await this.#forward(fed.slice(first, first + count), first, held);
      const tensors = new Map(this.#past.map(past => [past.name, tensorOf(outputs, past.output)]));
      held = { ids: fed.slice(0, first + count), tensors };
      const logits = tensorOf(outputs, 'logits');
      const values = logits.data;
      if (!(values instanceof Float32Array))
        throw new ModelError('unsupported', `Logits of type ${logits.type} are not supported, only float32.`);
      const size = logits.dims[2] ?? 0;
      onChunk(index => values.subarray(index * size, (index + 1) * size), first, count, held);
    }
    return inputs.length === 1 ? emptyCache : held;
  }

  async #forward(ids: readonly number[], pastCount: number, held: CachedPrefix): Promise<InferenceSession.OnnxValueMapType> {
    const total = pastCount + ids.length;
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
      attention_mask: new Tensor('int64', new BigInt64Array(total).fill(1n), [1, total]),
    };
    if (this.#session.inputNames.includes('position_ids')) {
      feeds['position_ids'] = new Tensor(
        'int64',
        BigInt64Array.from(ids, (_, index) => BigInt(pastCount + index)),
        [1, ids.length],
      );
    }
    for (const { name, heads, dimension } of this.#past) {
      feeds[name] = held.tensors.get(name) ?? new Tensor('float32', new Float32Array(0), [1, heads, 0, dimension]);
    }
    this.tokensRun += ids.length;
    try {
      return await this.#session.run(feeds, ['logits', ...this.#past.map(past => past.output)]);
    } catch (error) {
      throw runError(error);
    }
  }
}

const emptyCache: CachedPrefix = { ids: [], tensors: new Map() };

/** The runtime's own messages may name ids, which are people's text: only what failed is said on. */
function runError(error: unknown): ModelError {
  const message = error instanceof Error ? error.message : '';
  if (/alloc/i.test(message)) return new ModelError('out-of-memory', 'The model ran out of memory.');
  const node = /Name:'([^']*)'/.exec(message)?.[1];
  return new ModelError('internal', `The model could not be run${node === undefined ? '' : `: its node ${node} failed`}.`);
}

function tensorOf(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const value = outputs[name];
  if (!value || !('dims' in value)) throw new ModelError('unsupported', `The model has no output ${name}.`);
  return value; // two copies of the runtime's classes may be loaded, so instanceof does not do
}

export function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length);
  let count = 0;
  while (count < most && a[count] === b[count]) count++;
  return count;
}

/** The cache of the first `count` ids: one copy per head, since positions are the third of four dimensions. */
function cropped(cache: CachedPrefix | undefined, count: number, past: readonly PastInput[]): CachedPrefix {
  if (!cache || count === 0) return emptyCache;
  if (count === cache.ids.length) return cache;
  const tensors = new Map<string, Tensor>();
  for (const { name, heads, dimension } of past) {
    const from = cache.tensors.get(name)?.data;
    if (!(from instanceof Float32Array)) return emptyCache; // nothing to crop: run from the start
    const kept = new Float32Array(heads * count * dimension);
    for (let head = 0; head < heads; head++) {
      const start = head * cache.ids.length * dimension;
      kept.set(from.subarray(start, start + count * dimension), head * count * dimension);
    }
    tensors.set(name, new Tensor('float32', kept, [1, heads, count, dimension]));
  }
  return { ids: cache.ids.slice(0, count), tensors };
}

function pastInputs(session: InferenceSession): PastInput[] {
  const past: PastInput[] = [];
  for (const input of session.inputMetadata) {
    if (!input.isTensor) continue;
    if (['input_ids', 'attention_mask', 'position_ids'].includes(input.name)) continue;
    const output = input.name.replace('past_key_values', 'present');
    const [, heads, , dimension] = input.shape;
    const usable = input.name.startsWith('past_key_values.') && session.outputNames.includes(output);
    if (!usable || typeof heads !== 'number' || typeof dimension !== 'number') {
      throw new ModelError('unsupported', `The model asks for an input this version does not know: ${input.name}.`);
    }
    if (input.type !== 'float32') throw new ModelError('unsupported', `A cache of type ${input.type} is not supported, only float32.`);
    past.push({ name: input.name, output, heads, dimension });
  }
  return past;
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
