import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Tensor } from 'onnxruntime-common';
import type { InferenceSession } from 'onnxruntime-common';
import { logProbabilitiesOf, reduceRow, writeLogMasses } from '../core/reduce';
import { newRows } from '../core/scoreTable';
import type { Arithmetic, Device, ScoredRows, TokenSets } from '../core/scores';
import { because, ModelError } from './errors';
import {
  headInputs,
  headOutputs,
  isOwn,
  logitsWidth,
  newPositionsOf,
  projectedRowsInput,
  projectWantedRows,
  rowsPerBlock,
  whyNoHead,
  withHead,
} from './graft';
import { arithmeticOf, elementType, outputType, readGraph, useFloat32 } from './graph';
import type { GraphFile } from './graph';
import { BranchedCache, CacheMemory, TensorCache } from './kvCache';
import type { CacheLayer, KeyValueCache, LayerShape } from './kvCache';
import { ModelSchema } from './onnxProto';
import type { Model } from './onnxProto';
import { openModel } from './runtime';
import type { RuntimeModel, RuntimeOptions } from './runtime';
import { noSets } from './tokenSets';

export interface SessionOptions {
  readonly folder: string;
  /** File name inside of `folder`/onnx. */
  readonly graph: string;
  /** transformers.js's name of the number format that `graph` belongs to. */
  readonly dtype: string;
  readonly threads: number;
  /** ONNX Runtime's memory arena. */
  readonly arena: boolean;
  readonly device: Device;
  readonly arithmetic: Arithmetic;
  /** Of the model's files: what copies of them in `cacheFolder` are named by. */
  readonly contentHash: string;
  /** Where a large model file may be copied to with its scoring head; undefined: nowhere. */
  readonly cacheFolder: string | undefined;
  /** Adds to the graph before it is opened, with names of `own` only; what it throws comes out of `open`. */
  readonly change?: ((model: Model) => void) | undefined;
}

/**
 * What the head says of consecutive rows. Ranks from 1, ties to the best; top ids most probable first, ties by id; [count, topCount], with
 * id -1 and NaN at the end where the vocabulary is smaller than that.
 */
export type HeadRows = Omit<ScoredRows, 'first' | 'states' | 'contextTokens'>;

export interface RowsWanted {
  /** Index within the call's ids of the first input whose next token is asked about. */
  readonly first: number;
  /** The token that follows each such input. */
  readonly labels: Int32Array;
  readonly topCount: number;
  readonly sets: TokenSets;
}

export interface Wanted {
  readonly rows?: RowsWanted | RowsOfTexts | undefined;
  /** Index within the call's ids of the input after which the whole distribution is asked for. */
  readonly distributionAt?: number | undefined;
  /** False: the cache stays in the runtime, which saves writing it. */
  readonly cache: boolean;
  /** Positions that the cache will have room for, when more calls follow. */
  readonly room?: number;
}

/** Rows of several texts of one length, of which each is read by itself. */
export interface RowsOfTexts extends Omit<RowsWanted, 'first'> {
  /** Indices, among the ids of all texts one after the other, of the inputs whose next tokens are asked about. */
  readonly at: readonly number[];
}

export interface CallResult {
  readonly rows: HeadRows | undefined;
  /** Natural logarithms over the vocabulary. */
  readonly logProbabilities: Float32Array | undefined;
  readonly cache: KeyValueCache | undefined;
}

/** The same, of one or several texts at a time. */
interface OutputsWanted extends Pick<Wanted, 'cache'> {
  readonly rows: RowsOfTexts | undefined;
  /** Inputs after which the whole distribution is asked for, by their index among those of all texts. */
  readonly whole: readonly number[];
  /** Of a changed graph. */
  readonly added?: readonly string[];
}

/** Numbers in row-major order. */
export interface Values {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Input of some newer exports: of how many of the last positions logits are wanted, 0 for all. */
const logitsToKeep = 'num_logits_to_keep';

/** Rewriting needs several times this memory, and a desktop's Electron process dies of allocations near 512 MB. */
const largestRewriteBytes = 128 * 2 ** 20;

/** One model in ONNX Runtime with a scoring head on its logits, or without one where that cannot be: the same numbers, slower. */
export class ScoringSession {
  readonly emptyCache: KeyValueCache;
  /** Of its cache. */
  readonly bytesPerPosition: number;
  /** Memory of a cache with room for so many positions. */
  readonly cacheBytes: (positions: number) => number;
  readonly #model: RuntimeModel;
  readonly #past: readonly LayerShape[];
  readonly #memory: CacheMemory;
  /** How many alternatives there are at most. */
  readonly #vocabulary: number;
  /** Inputs that a change of the graph has added. */
  readonly #added: Readonly<Record<string, Tensor>>;
  /** It makes logits of the rows asked for alone. */
  readonly projectsRows: boolean;

  private constructor(
    model: RuntimeModel,
    vocabulary: number,
    /** Undefined where the head is grafted. */
    readonly whyPlain: string | undefined,
    added: Readonly<Record<string, Tensor>> = {},
  ) {
    this.#model = model;
    this.#added = added;
    this.#vocabulary = vocabulary;
    this.#past = pastInputs(model.session);
    this.projectsRows = model.session.inputNames.includes(projectedRowsInput);
    this.#memory = new CacheMemory(this.#past);
    this.emptyCache = this.#memory.take(0);
    this.bytesPerPosition = this.#memory.bytesPerPosition;
    this.cacheBytes = positions => this.#memory.bytesFor(positions);
  }

  get head(): 'grafted' | 'plain' {
    return this.whyPlain === undefined ? 'grafted' : 'plain';
  }

  /** Errors: 'unsupported', with what is in the way. */
  static async open(options: SessionOptions): Promise<ScoringSession> {
    const { folder, graph } = options;
    try {
      const file = await readGraph(path.join(folder, 'onnx', graph));
      const logits = outputType(file.model, 'logits');
      if (!logits)
        throw new ModelError(
          'unsupported',
          `The model in ${folder} is not a language model: it has no output logits.`,
          because('no-language-model'),
        );
      const taken = file.model.graph?.input.find(({ name }) => isOwn(name));
      if (taken) throw unknownInput(taken.name);
      const bytes = await rewritten(file, options);
      const open = async (content: RuntimeOptions['content'], plain: string | undefined) => {
        const model = await openModel({ ...options, content });
        try {
          return new ScoringSession(model, logitsWidth(file.model) ?? Infinity, plain);
        } catch (error) {
          await model.dispose();
          throw error;
        }
      };
      let whyPlain = whyNoHead(file.model);
      if (whyPlain === undefined) {
        try {
          return await open(await withHead(file, bytes, options.contentHash, options.cacheFolder), undefined);
        } catch (error) {
          if (error instanceof ModelError) throw error;
          whyPlain = `The scoring head does not fit this model: ${reasonOf(error)}`;
        }
      }
      if (logits.elemType === elementType.bfloat16) {
        throw new ModelError(
          'unsupported',
          `The model in ${folder} gives logits of type bfloat16, which only the scoring head can read. ${whyPlain}`,
          because('number-type', 'bfloat16'),
        );
      }
      return await open(bytes, whyPlain);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError('unsupported', `The model in ${folder} cannot be opened: ${reasonOf(error)}`, {
        cause: error,
        ...because('no-model-file', `onnx/${graph}`),
      });
    }
  }

  /**
   * One forward pass of `ids` after what `past` holds. Give at least two ids: for one alone the runtime takes another path, whose numbers
   * differ (measured: up to half a bit).
   */
  async run(ids: readonly number[], past: KeyValueCache, wanted: Wanted): Promise<CallResult> {
    if (!(past instanceof TensorCache)) throw new ModelError('internal', 'This cache is not of this session.');
    const { rows, distributionAt, cache, room } = wanted;
    const asked = {
      rows: rows && ('at' in rows ? rows : { ...rows, at: Array.from(rows.labels, (_, index) => rows.first + index) }),
      whole: distributionAt === undefined ? [] : [distributionAt],
      cache,
    };
    const outputs = await this.#run(ids, 1, past, asked);
    const { rows: found, whole } = this.#read(outputs, asked);
    return { rows: found, logProbabilities: whole[0], cache: cache ? this.#cacheAfter(past, ids.length, outputs, room) : undefined };
  }

  /**
   * One forward pass of texts of one length, at least two ids each, one after the other in `ids`: nothing stands before any of them, and none sees
   * another. Rows are in the order of `rows.at`; `whole`: of the distributions after these inputs, indices as there.
   */
  async runTexts(
    ids: readonly number[],
    texts: number,
    rows: RowsOfTexts | undefined,
    whole: readonly number[] = [],
  ): Promise<{ readonly rows: HeadRows | undefined; readonly whole: readonly Float32Array[] }> {
    const asked = { rows, whole, cache: false };
    return this.#read(await this.#run(ids, texts, this.#memory.take(0), asked), asked);
  }

  #read(outputs: InferenceSession.OnnxValueMapType, wanted: OutputsWanted): Outputs {
    const read = this.head === 'grafted' ? fromHead(outputs, wanted) : fromLogits(outputs, this.projectsRows ? inOrder(wanted) : wanted);
    refuseNaN(read);
    return read;
  }

  /** The same open session, which gives these inputs of a changed graph at every call; caches go with each. */
  feeding(added: Readonly<Record<string, Tensor>>): ScoringSession {
    return new ScoringSession(this.#model, this.#vocabulary, this.whyPlain, { ...this.#added, ...added });
  }

  /** Float32 outputs of a changed graph from one forward pass of `ids`, at least two of them, after a cache of this model in the same arithmetic. */
  async values(ids: readonly number[], past: KeyValueCache | BranchedCache, names: readonly string[]): Promise<readonly Values[]> {
    if (!(past instanceof TensorCache || past instanceof BranchedCache)) throw new ModelError('internal', 'This cache is of no session.');
    const outputs = await this.#run(ids, 1, past, { rows: undefined, whole: [], cache: false, added: names });
    return names.map(name => ({ dims: tensorOf(outputs, name).dims, data: floatsOf(outputs, name) }));
  }

  /** A cache of this session in copies that can be decoded on; arguments as of `BranchedCache`. */
  branched(cache: KeyValueCache, count: number, copies: number, mostPositions: number): BranchedCache {
    if (!(cache instanceof TensorCache)) throw new ModelError('internal', 'This cache is not of this session.');
    return new BranchedCache(cache, count, copies, mostPositions);
  }

  /**
   * One forward pass of one id on each copy, which each grow by it; gives the natural logarithms of what follows in each. These numbers are a
   * draft: the runtime's attention over a cache takes several texts at a time only with one id of each, and that is the path whose numbers differ from
   * those of `run` (the bundled model, of sampled text: by 0.06 bit on average, 0.5 at most). They do not depend on how many copies there are, but for one alone.
   */
  async step(ids: readonly number[], branches: BranchedCache): Promise<readonly Float32Array[]> {
    const asked = { rows: undefined, whole: ids.map((_, row) => row), cache: true };
    const outputs = await this.#run(ids, ids.length, branches, asked);
    branches.append(name => numbersOf(tensorOf(outputs, this.#cacheOutput(name))));
    return this.#read(outputs, asked).whole;
  }

  async #run(
    ids: readonly number[],
    copies: number,
    past: TensorCache | BranchedCache,
    wanted: OutputsWanted,
  ): Promise<InferenceSession.OnnxValueMapType> {
    const feeds = this.#feeds(ids, copies, past);
    const asked = this.projectsRows ? projected(feeds, wanted) : wanted;
    const fetches: string[] = [];
    if (this.head === 'grafted') addHead(feeds, fetches, asked, past.positions, this.#vocabulary);
    else if (wanted.rows !== undefined || wanted.whole.length > 0) fetches.push('logits');
    fetches.push(...(wanted.added ?? []));
    if (wanted.cache) fetches.push(...this.#past.map(({ name }) => this.#cacheOutput(name)));
    try {
      return await this.#model.session.run(feeds, fetches);
    } catch (error) {
      throw runError(error);
    }
  }

  /** Without the head's nodes there is only the whole cache to fetch: new memory of its size at every call. */
  #cacheOutput(name: string): string {
    return this.head === 'grafted' ? newPositionsOf(presentOf(name)) : presentOf(name);
  }

  #cacheAfter(past: TensorCache, count: number, outputs: InferenceSession.OnnxValueMapType, room: number | undefined): TensorCache {
    const fetched = (name: string) => numbersOf(tensorOf(outputs, this.#cacheOutput(name)));
    if (this.head === 'grafted') return past.extended(count, fetched, room);
    return this.#memory.take(0).extended(past.positions + count, fetched, room);
  }

  async dispose(): Promise<void> {
    await this.#model.dispose();
  }

  #feeds(ids: readonly number[], copies: number, past: TensorCache | BranchedCache): Record<string, Tensor> {
    const count = ids.length / copies;
    const total = past.positions + count;
    const feeds: Record<string, Tensor> = {
      ...this.#added,
      input_ids: int64(ids, [copies, count]),
      attention_mask: new Tensor('int64', new BigInt64Array(copies * total).fill(1n), [copies, total]),
    };
    if (this.#model.session.inputNames.includes('position_ids')) {
      feeds['position_ids'] = int64(
        ids.map((_, index) => past.positions + (index % count)),
        [copies, count],
      );
    }
    const keep = this.#model.session.inputMetadata.find(({ name }) => name === logitsToKeep);
    if (keep) feeds[logitsToKeep] = int64([0], keep.isTensor && keep.shape.length > 0 ? [1] : []);
    for (const layer of past.layers) feeds[layer.name] = layerTensor(layer, copies, past.positions);
    return feeds;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The model file's bytes changed for the arithmetic asked for; undefined where the file serves as it is. */
async function rewritten(
  { file, bytes, model }: GraphFile,
  { folder, arithmetic, change }: SessionOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const found = arithmetic === 'float32' ? arithmeticOf(model) : 'float32';
  if (typeof found === 'object') {
    throw new ModelError('unsupported', `The model in ${folder} cannot compute in float32 arithmetic: ${found.reason}.`);
  }
  // The runtime's classes for JavaScript have no bfloat16: a session with such an output cannot even be opened.
  const withoutLogits = outputType(model, 'logits')?.elemType === elementType.bfloat16;
  if (found === 'float32' && !withoutLogits && !change) return undefined;
  if (bytes > largestRewriteBytes) {
    const [size, most] = [bytes, largestRewriteBytes].map(count => `${Math.round(count / 1e6)} MB`);
    throw new ModelError(
      'unsupported',
      `The model in ${folder} cannot be rewritten${change ? ' to show what is inside' : found === 'rewritable' ? ' for float32 arithmetic' : ''}: ` +
        `${path.basename(file)} holds its own weights and has ${size}, more than ${most}.`,
    );
  }
  const whole = fromBinary(ModelSchema, await readFile(file));
  if (found === 'rewritable') {
    useFloat32(whole);
    // What is shown of a changed graph may hang on all rows.
    if (!change) projectWantedRows(whole);
  }
  change?.(whole);
  if (withoutLogits && whole.graph) whole.graph.output = whole.graph.output.filter(({ name }) => name !== 'logits');
  return toBinary(ModelSchema, whole);
}

/** Asks a session that makes logits of some rows alone for those; the same wanted of what it gives. */
function projected(feeds: Record<string, Tensor>, wanted: OutputsWanted): OutputsWanted {
  const { rows, whole } = wanted;
  const asked = [...(rows?.at ?? []), ...whole];
  feeds[projectedRowsInput] = int64(asked.length > 0 ? asked : [0], [Math.max(1, asked.length)]);
  return inOrder(wanted);
}

/** The same of logits that are those of the rows wanted, then of those wanted whole. */
function inOrder({ rows, whole, cache }: OutputsWanted): OutputsWanted {
  const count = rows?.at.length ?? 0;
  return { rows: rows && { ...rows, at: rows.at.map((_, index) => index) }, whole: whole.map((_, index) => count + index), cache };
}

function addHead(feeds: Record<string, Tensor>, fetches: string[], wanted: OutputsWanted, past: number, vocabulary: number): void {
  // Every node of the head runs whatever is fetched, so it gets one row where none are wanted; never none, which kills the process.
  const { rows, whole } = wanted;
  const count = rows?.labels.length ?? 0;
  const blocks = Math.max(1, Math.ceil(count / rowsPerBlock));
  const width = Math.max(1, Math.ceil(count / blocks));
  // Blocks are of one size: the first row fills up the last.
  const padded = (valueOf: (index: number) => number | undefined) =>
    int64(
      Array.from({ length: blocks * width }, (_, index) => valueOf(index < count ? index : 0) ?? 0),
      [blocks, width],
    );
  feeds[headInputs.rows] = padded(index => rows?.at[index]);
  feeds[headInputs.labels] = padded(index => rows?.labels[index]);
  feeds[headInputs.topCount] = int64([Math.min(rows?.topCount ?? 1, vocabulary)], [1]);
  feeds[headInputs.past] = int64([past], [1]);
  feeds[headInputs.wholeRows] = int64(whole.length > 0 ? whole : [0], [Math.max(1, whole.length)]);
  const { members, count: sets } = fitted(rows?.sets ?? noSets, vocabulary);
  feeds[headInputs.sets] = new Tensor('float32', members, [members.length / sets, sets]);
  const { logProbabilities, ...ofRows } = headOutputs;
  if (count > 0) fetches.push(...Object.values(ofRows));
  if (whole.length > 0) fetches.push(logProbabilities);
}

/** Sets by the sets of a tokenizer that has more tokens than the model has logits, or fewer. */
const fittedSets = new WeakMap<TokenSets, TokenSets>();

/** As many members as there are logits; tokens beyond them are in no set. `vocabulary` Infinity: the graph sees to it. */
function fitted(sets: TokenSets, vocabulary: number): TokenSets {
  const length = vocabulary * sets.count;
  if (length === sets.members.length || vocabulary === Infinity) return sets;
  let found = fittedSets.get(sets);
  if (found?.members.length !== length) {
    const members = new Float32Array(length);
    members.set(sets.members.subarray(0, length));
    found = { count: sets.count, members };
    fittedSets.set(sets, found);
  }
  return found;
}

interface Outputs {
  readonly rows: HeadRows | undefined;
  readonly whole: readonly Float32Array[];
}

function fromHead(outputs: InferenceSession.OnnxValueMapType, { rows, whole }: OutputsWanted): Outputs {
  return {
    rows: rows && rowsFromHead(outputs, rows),
    whole: whole.length === 0 ? [] : equalParts(floatsOf(outputs, headOutputs.logProbabilities), whole.length),
  };
}

function rowsFromHead(outputs: InferenceSession.OnnxValueMapType, { labels, topCount, sets }: RowsOfTexts): HeadRows {
  const rows = newRows(0, labels.length, { topCount, watchCount: sets.count - 1 });
  if (rows.count > 0) {
    const expSums = floatsOf(outputs, headOutputs.expSums);
    const setSums = floatsOf(outputs, headOutputs.setSums);
    const meanDistances = floatsOf(outputs, headOutputs.meanDistances);
    const labelDistances = floatsOf(outputs, headOutputs.labelDistances);
    const higher = floatsOf(outputs, headOutputs.higher);
    const topDistances = floatsOf(outputs, headOutputs.topDistances);
    const { data: topIds, dims } = tensorOf(outputs, headOutputs.topIds);
    if (!(topIds instanceof Int32Array)) throw new ModelError('internal', 'The scoring head gave ids that are not int32.');
    const given = dims.at(-1) ?? 0; // fewer than `topCount` where the vocabulary is smaller
    for (let row = 0; row < rows.count; row++) {
      // The logarithm is taken here: the runtime's depends, in its last digit, on how many rows are in a block.
      const logSum = Math.log(expSums[row] ?? NaN);
      rows.surprisalBits[row] = Math.max(0, (logSum - (labelDistances[row] ?? NaN)) / Math.LN2);
      rows.entropyBits[row] = Math.max(0, (logSum - (meanDistances[row] ?? NaN)) / Math.LN2);
      rows.ranks[row] = (higher[row] ?? NaN) + 1;
      rows.topIds.set(topIds.subarray(row * given, (row + 1) * given), row * topCount);
      const tops = topDistances.subarray(row * given, (row + 1) * given);
      rows.topLogProbabilities.set(
        tops.map(distance => distance - logSum),
        row * topCount,
      );
      writeLogMasses(rows, row, setSums.subarray(row * sets.count, (row + 1) * sets.count), logSum);
    }
  }
  return columnsOf(rows);
}

function columnsOf(rows: ScoredRows): HeadRows {
  const { count, surprisalBits, entropyBits, ranks, topIds, topLogProbabilities, wordStartLogMass, watchLogMasses } = rows;
  return { count, surprisalBits, entropyBits, ranks, topIds, topLogProbabilities, wordStartLogMass, watchLogMasses };
}

/** A float16 model whose numbers overflow gives these; nothing said of them would be true. */
function refuseNaN({ rows, whole }: Outputs): void {
  const bits = rows ? [rows.surprisalBits, rows.entropyBits] : [];
  if (!bits.some(column => column.some(Number.isNaN)) && !whole.some(([first]) => Number.isNaN(first))) return;
  throw new ModelError(
    'unsupported',
    'The model gives logits that are not numbers; try another number format of it.',
    because('not-numbers'),
  );
}

function equalParts(numbers: Float32Array, count: number): Float32Array[] {
  const size = numbers.length / count;
  return Array.from({ length: count }, (_, index) => numbers.subarray(index * size, (index + 1) * size));
}

/** Of all inputs of all texts, by index. */
function logitsOf(outputs: InferenceSession.OnnxValueMapType): (index: number) => Float32Array {
  const logits = tensorOf(outputs, 'logits');
  const numbers = numbersOf(logits);
  const size = logits.dims.at(-1) ?? 0;
  return index => {
    const row = numbers.subarray(index * size, (index + 1) * size);
    return row instanceof Float32Array ? row : Float32Array.from(row, float32OfBits);
  };
}

/** The same numbers from the logits of all inputs. */
function fromLogits(outputs: InferenceSession.OnnxValueMapType, { rows, whole }: OutputsWanted): Outputs {
  if (!rows && whole.length === 0) return { rows: undefined, whole: [] };
  const rowAt = logitsOf(outputs);
  const rowsFrom = ({ at, labels, topCount, sets }: RowsOfTexts) => {
    const reduced = newRows(0, labels.length, { topCount, watchCount: sets.count - 1 });
    for (const [index, label] of labels.entries()) reduceRow(rowAt(at[index] ?? 0), label, reduced, index, topCount, sets);
    return columnsOf(reduced);
  };
  return { rows: rows && rowsFrom(rows), whole: whole.map(index => logProbabilitiesOf(rowAt(index)).logProbabilities) };
}

/** The number that the 16 bits of an IEEE half stand for. */
function float32OfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The output that becomes this input in the next call. */
function presentOf(past: string): string {
  return past.replace('past_key_values', 'present');
}

function unknownInput(name: string): ModelError {
  return new ModelError('unsupported', `The model asks for an input this version does not know: ${name}.`, because('unknown-input', name));
}

function pastInputs(session: InferenceSession): LayerShape[] {
  const others: readonly string[] = ['input_ids', 'attention_mask', 'position_ids', logitsToKeep];
  const past: LayerShape[] = [];
  for (const input of session.inputMetadata) {
    if (!input.isTensor || others.includes(input.name) || isOwn(input.name)) continue;
    const { name, type, shape } = input;
    const [, heads, , dimension] = shape;
    const usable = name.startsWith('past_key_values.') && session.outputNames.includes(presentOf(name));
    if (!usable || typeof heads !== 'number' || typeof dimension !== 'number') {
      throw unknownInput(name);
    }
    if (type !== 'float32' && type !== 'float16') {
      throw new ModelError(
        'unsupported',
        `A cache of type ${type} is not supported, only float32 and float16.`,
        because('number-type', type),
      );
    }
    past.push({ name, type, heads, dimension });
  }
  if (past.length === 0)
    throw new ModelError('unsupported', 'The model has no key/value cache: it has no inputs past_key_values.', because('no-cache'));
  return past;
}

function layerTensor({ type, data, heads, dimension }: CacheLayer, copies: number, positions: number): Tensor {
  const dims = [copies, heads, positions, dimension];
  const tensor = new Tensor(type, data, dims);
  // Where Node has Float16Array, the class turns the bits into one, which the runtime then does not take.
  return tensor.data === data ? tensor : Object.assign(tensor, { cpuData: data });
}

function int64(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

function tensorOf(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const value = outputs[name];
  if (!value || !('dims' in value)) throw new ModelError('unsupported', `The model has no output ${name}.`);
  return value; // two copies of the runtime's classes may be loaded, so instanceof does not do
}

function floatsOf(outputs: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const { data } = tensorOf(outputs, name);
  if (data instanceof Float32Array) return data;
  throw new ModelError('internal', `The model gives ${name} in another type than float32.`);
}

/** Float16 as bits: it comes as Uint16Array or, where Node has it, as Float16Array. */
function numbersOf({ type, data }: Tensor): Float32Array | Uint16Array {
  if (data instanceof Float32Array) return data;
  if (type === 'float16' && ArrayBuffer.isView(data)) return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  throw new ModelError(
    'unsupported',
    `The model gives numbers of type ${type}; only float32 and float16 are supported.`,
    because('number-type', type),
  );
}

/** The runtime's own messages may name ids, which are people's text: only what failed is said on. */
function runError(error: unknown): ModelError {
  const message = error instanceof Error ? error.message : '';
  if (/alloc/i.test(message)) return new ModelError('out-of-memory', 'The model ran out of memory.');
  const node = /Name:'([^']*)'/.exec(message)?.[1];
  return new ModelError('internal', `The model could not be run${node === undefined ? '' : `: its node ${node} failed`}.`);
}
