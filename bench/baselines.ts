/**
 * What scoring is held against, in a process of its own: the bare forward pass by the runtime, and transformers.js as people use it. Answers
 * `BaselineCall`s, one at a time. The second file that imports transformers.js: here it is the reference, not the means.
 */
import path from 'node:path';
import { AutoModelForCausalLM, env, LogLevel, Tensor as LibraryTensor } from '@xenova/transformers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { threads } from './modelProcess';
import { bundledModel } from './texts';

export interface BaselineCall {
  readonly kind:
    | 'bare, arena on'
    | 'bare, arena off'
    /** All logits of one call, and one pass over them in JavaScript. */
    | 'transformers.js'
    /** Each row of logits becomes a list of {id, probability} that is sorted whole. */
    | 'transformers.js, full sort'
    /** Greedy decoding after the inputs, by the runtime alone; the arena is on. */
    | 'greedy';
  /** The start token among them; the token after input i is `labels[i]`. */
  readonly inputs: readonly number[];
  readonly labels: readonly number[];
  readonly greedy?: GreedyCall;
}
export interface GreedyCall {
  /** Tokens that are written. */
  readonly steps: number;
  /** Inputs whose cache is there already: they are run, but not timed. */
  readonly kept: number;
  readonly threads: number;
}
export interface BaselineAnswer {
  readonly ms: number;
  /** Total surprisal in bits, to see that both sides did the same work; NaN where no numbers are made. */
  readonly bits: number;
}

const chunkTokens = 128;
const topCount = 10;

const graph = path.join(bundledModel, 'onnx/model_quantized.onnx');
const sessions = new Map<string, Promise<InferenceSession>>();

function bareSession(arena: boolean, threadCount = threads): Promise<InferenceSession> {
  const key = `${String(arena)} ${String(threadCount)}`;
  const found = sessions.get(key);
  if (found) return found;
  const opened = InferenceSession.create(graph, { intraOpNumThreads: threadCount, interOpNumThreads: 1, enableCpuMemArena: arena });
  sessions.set(key, opened);
  return opened;
}

/** The same chunks as the engine's, over a growing cache; the logits are computed and stay in the runtime. */
async function bareForward(arena: boolean, inputs: readonly number[]): Promise<number> {
  const loop = new BareLoop(await bareSession(arena));
  const started = performance.now();
  await loop.feed(inputs);
  return performance.now() - started;
}

/** A loop as short as it can be written: whole chunks, then the most probable token again and again. */
async function bareGreedy(inputs: readonly number[], { steps, kept, threads: threadCount }: GreedyCall): Promise<number> {
  const loop = new BareLoop(await bareSession(true, threadCount));
  await loop.feed(inputs.slice(0, kept));
  const started = performance.now();
  await loop.feed(inputs.slice(kept, -2));
  let id = await loop.likeliestAfter(inputs.slice(Math.max(kept, inputs.length - 2)));
  for (let step = 1; step < steps; step++) id = await loop.likeliestAfter([id]);
  return performance.now() - started;
}

/** The runtime and a growing cache, nothing else. */
class BareLoop {
  readonly #session: InferenceSession;
  readonly #presents: readonly string[];
  #past: Record<string, Tensor> = {};
  #done = 0;

  constructor(session: InferenceSession) {
    this.#session = session;
    this.#presents = session.outputNames.filter(name => name.startsWith('present'));
    for (const input of session.inputMetadata) {
      if (!input.isTensor || !input.name.startsWith('past_key_values')) continue;
      const [, heads, , dimension] = input.shape;
      this.#past[input.name] = new Tensor('float32', new Float32Array(0), [1, Number(heads), 0, Number(dimension)]);
    }
  }

  async feed(inputs: readonly number[]): Promise<void> {
    for (let done = 0; done < inputs.length;) {
      const rest = inputs.length - done;
      const count = rest - chunkTokens < 2 ? rest : chunkTokens;
      await this.#run(inputs.slice(done, done + count), this.#presents);
      done += count;
    }
  }

  async likeliestAfter(inputs: readonly number[]): Promise<number> {
    const { logits } = await this.#run(inputs, [...this.#presents, 'logits']);
    if (!logits || !(logits.data instanceof Float32Array)) throw new Error('The model gives no logits.');
    const row = logits.data.subarray(-(logits.dims[2] ?? 0));
    let best = 0;
    for (let id = 1; id < row.length; id++) if ((row[id] ?? NaN) > (row[best] ?? NaN)) best = id;
    return best;
  }

  async #run(ids: readonly number[], fetches: readonly string[]): Promise<Readonly<Record<string, Tensor>>> {
    const count = ids.length;
    const feeds: Record<string, Tensor> = {
      ...this.#past,
      input_ids: int64(ids),
      attention_mask: int64(new Array<number>(this.#done + count).fill(1)),
    };
    if (this.#session.inputNames.includes('position_ids'))
      feeds['position_ids'] = int64(Array.from({ length: count }, (_, index) => this.#done + index));
    const outputs = await this.#session.run(feeds, [...fetches]);
    this.#past = {};
    for (const name of this.#presents) {
      const cache = outputs[name];
      if (cache) this.#past[name.replace('present', 'past_key_values')] = cache;
    }
    this.#done += count;
    return outputs;
  }
}

function int64(values: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
}

let library: ReturnType<typeof AutoModelForCausalLM.from_pretrained> | undefined;

/** As its documentation has it: one call for the whole text, which gives all logits. */
async function libraryLogits(inputs: readonly number[]): Promise<{ readonly logits: Float32Array; readonly size: number }> {
  env.allowRemoteModels = false;
  env.localModelPath = `${path.dirname(bundledModel)}${path.sep}`;
  env.logLevel = LogLevel.NONE;
  library ??= AutoModelForCausalLM.from_pretrained(path.basename(bundledModel), {
    dtype: 'q8',
    device: 'cpu',
    local_files_only: true,
    session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
  });
  const model = await library;
  const ids = new LibraryTensor('int64', BigInt64Array.from(inputs, BigInt), [1, inputs.length]);
  const mask = new LibraryTensor('int64', new BigInt64Array(inputs.length).fill(1n), [1, inputs.length]);
  const { logits } = (await model({ input_ids: ids, attention_mask: mask })) as { readonly logits: LibraryTensor };
  return { logits: logits.data as Float32Array, size: logits.dims[2] ?? 0 };
}

/** Surprisal, entropy, rank and top k of every row. */
async function librarySinglePass({ inputs, labels }: BaselineCall): Promise<BaselineAnswer> {
  const started = performance.now();
  const { logits, size } = await libraryLogits(inputs);
  const numbers = labels.map((label, row) => reduced(logits.subarray(row * size, (row + 1) * size), label));
  const ms = performance.now() - started;
  return { ms, bits: numbers.reduce((sum, { surprisalBits }) => sum + surprisalBits, 0) };
}

/** One pass for the maximum, the rank and the top k, one for the sum and the entropy: as fast as we know how to write it. */
function reduced(row: Float32Array, label: number) {
  const own = row[label] ?? NaN;
  const topIds = new Int32Array(topCount).fill(-1);
  const topLogits = new Float32Array(topCount).fill(-Infinity);
  let least = -Infinity;
  let rank = 1;
  for (let id = 0; id < row.length; id++) {
    const logit = row[id] ?? NaN;
    if (logit > own) rank++;
    if (logit <= least) continue;
    let place = topCount - 1;
    for (; place > 0 && logit > (topLogits[place - 1] ?? NaN); place--) {
      topLogits[place] = topLogits[place - 1] ?? NaN;
      topIds[place] = topIds[place - 1] ?? -1;
    }
    topLogits[place] = logit;
    topIds[place] = id;
    least = topLogits[topCount - 1] ?? NaN;
  }
  const max = topLogits[0] ?? NaN;
  let sum = 0;
  let weighted = 0;
  for (const logit of row) {
    const shifted = logit - max;
    const weight = Math.exp(shifted);
    sum += weight;
    weighted += weight * shifted;
  }
  const logSum = Math.log(sum);
  return {
    surprisalBits: (max + logSum - own) / Math.LN2,
    entropyBits: (logSum - weighted / sum) / Math.LN2,
    rank,
    topIds,
    topLogProbabilities: topLogits.map(logit => logit - max - logSum),
  };
}

async function libraryFullSort({ inputs, labels }: BaselineCall): Promise<BaselineAnswer> {
  const started = performance.now();
  const { logits, size } = await libraryLogits(inputs);
  let bits = 0;
  for (const [row, label] of labels.entries()) {
    const numbers = Array.from(logits.subarray(row * size, (row + 1) * size));
    const max = numbers.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const weights = numbers.map(logit => Math.exp(logit - max));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const sorted = weights.map((weight, id) => ({ id, probability: weight / sum })).sort((a, b) => b.probability - a.probability);
    const rank = sorted.findIndex(({ id }) => id === label);
    bits -= Math.log2(sorted[rank]?.probability ?? NaN);
  }
  return { ms: performance.now() - started, bits };
}

async function answer(call: BaselineCall): Promise<BaselineAnswer> {
  switch (call.kind) {
    case 'bare, arena on':
    case 'bare, arena off':
      return { ms: await bareForward(call.kind === 'bare, arena on', call.inputs), bits: NaN };
    case 'greedy':
      return { ms: await bareGreedy(call.inputs, call.greedy ?? { steps: 1, kept: 0, threads }), bits: NaN };
    case 'transformers.js':
      return librarySinglePass(call);
    case 'transformers.js, full sort':
      return libraryFullSort(call);
  }
}

process.on('message', message => {
  answer(message as BaselineCall).then(
    result => process.send?.(result),
    (error: unknown) => {
      throw error; // ends this process, which the caller notices
    },
  );
});
process.on('disconnect', () => process.exit(0));
