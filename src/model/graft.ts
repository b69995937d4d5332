import { readFile } from 'node:fs/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { smallFileBytes } from './catalog';
import { elementType, hasExternalWeights, outputType } from './graph';
import type { GraphFile } from './graph';
import { copyWithHead } from './graphCopies';
import { DimensionSchema, ModelSchema, NodeSchema, TensorDataSchema, ValueSchema } from './onnxProto';
import type { AttributeSchema, Model } from './onnxProto';

/** Names that no model has of its own. */
export const own = <Name extends string>(name: Name) => `token_lens_${name}` as const;

export function isOwn(name: string): boolean {
  return name.startsWith(own(''));
}

/**
 * Inputs, int64. Rows to score are fed in blocks, [blocks, rows of a block]: row of the logits (an index within the call's ids) and the
 * id that follows; k [1]; positions of the cache that was fed [1]; rows wanted whole [W]. And, as float32, sets of tokens: [T, sets], 1 where token t is in a set; T need not be
 * the vocabulary.
 */
export const headInputs = {
  rows: own('rows'),
  labels: own('labels'),
  topCount: own('top_count'),
  wholeRows: own('whole_rows'),
  past: own('past'),
  sets: own('sets'),
} as const;

/**
 * Outputs: [blocks, rows, 1 or k or sets] each, but [W, vocabulary] for `logProbabilities` (natural logarithms). With d a logit's distance from
 * the highest: the sum of exp d, that over each set, the mean of d, and d of the label and of the top ids, float32; ids int32. `higher`: how many logits are
 * higher than the label's (a whole number as float32, exact to 16 million).
 */
export const headOutputs = {
  expSums: own('exp_sums'),
  setSums: own('set_sums'),
  meanDistances: own('mean_distances'),
  labelDistances: own('label_distances'),
  higher: own('higher'),
  topIds: own('top_ids'),
  topDistances: own('top_distances'),
  logProbabilities: own('log_probabilities'),
} as const;

/**
 * What the call added to a cache output, [1, heads, ids of the call, dimension]. The runtime gives every output in new memory: of the whole cache
 * that would be tens of megabytes at every call.
 */
export function newPositionsOf(present: string): string {
  return own(`new_${present}`);
}

/**
 * Rows in a block. The numbers of a block (3 MB with 49,152 tokens) stay in the processor's cache from one operator to the next, and memory
 * for them need not be asked for again and again: measured 2 times faster than all 128 rows of a chunk at once, 5 times without the arena.
 */
export const rowsPerBlock = 16;

/** ONNX operator sets: from this version on the operators of the head are there, from the other on ReduceSum takes its axes as an input. */
const oldestOperatorSet = 11;
const axesAsInput = 13;

/** Why no head can go on this model, as a sentence; undefined where nothing speaks against it. */
export function whyNoHead(model: Model): string | undefined {
  const version = operatorSet(model);
  if (version < oldestOperatorSet) {
    return `The model uses version ${version} of ONNX's operators; the scoring head needs version ${oldestOperatorSet}.`;
  }
  const dimensions = outputType(model, 'logits')?.shape?.dim.length ?? 3;
  if (dimensions !== 3) return `The model's logits have ${dimensions} dimensions; the scoring head needs 3.`;
  return undefined;
}

/** How many logits a position has; undefined where the file leaves it open. */
export function logitsWidth(model: Model): number | undefined {
  return Number(outputType(model, 'logits')?.shape?.dim[2]?.dimValue ?? 0) || undefined;
}

function operatorSet(model: Model): number {
  return Number(model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0);
}

export type NodeInit = MessageInitShape<typeof NodeSchema>;
type AttributeInit = MessageInitShape<typeof AttributeSchema>;
type TensorInit = MessageInitShape<typeof TensorDataSchema>;
type ValueInit = MessageInitShape<typeof ValueSchema>;

const { float32, int32, int64 } = elementType;

/**
 * The scoring head as a fragment of an ONNX file. A file is one protobuf message, and messages of one type written one after the other are
 * read as one: a model's bytes followed by these are that model with a head on its `logits`.
 */
export function scoringHead(model: Model): Uint8Array<ArrayBuffer> {
  const axis = integer('axis', 1);
  const flat = own('logits');
  // Logits of 16 bits become float32 here; where they are float32 the runtime drops the node.
  const logitsOf = (rows: string, name: string) => [
    node('Gather', [flat, rows], `${name}_stored`, integer('axis', 0)),
    node('Cast', [`${name}_stored`], name, integer('to', float32)),
  ];
  const asInput = operatorSet(model) >= axesAsInput;
  const rowSums = (input: string, output: string) =>
    asInput ? node('ReduceSum', [input, own('one')], output) : node('ReduceSum', [input], output, integers('axes', [1]));

  // With m the highest logit, d = x - m and Z = sum exp d: log p = d - ln Z, entropy = ln Z - sum(d exp d) / Z.
  const rows = own('block_rows');
  const labels = own('block_labels');
  const block: NodeInit[] = [
    ...logitsOf(rows, own('x')),
    node('Reshape', [labels, own('column')], own('label_column')),
    node('TopK', [own('x'), headInputs.topCount], [own('top_x'), own('top_id')], axis),
    node('Gather', [own('top_x'), own('zero')], own('m'), axis),
    node('Sub', [own('x'), own('m')], own('d')),
    // A masked token's logit of -Infinity would make 0 x Infinity in the entropy.
    node('Clip', [own('d'), own('lowest')], own('finite_d')),
    node('Exp', [own('finite_d')], own('exp_d')),
    rowSums(own('exp_d'), own('z')),
    node('MatMul', [own('exp_d'), logitsWidth(model) === undefined ? own('all_sets') : headInputs.sets], own('set_z')),
    node('Mul', [own('finite_d'), own('exp_d')], own('d_exp_d')),
    rowSums(own('d_exp_d'), own('weighted')),
    node('Div', [own('weighted'), own('z')], own('mean_d')),
    node('GatherElements', [own('d'), own('label_column')], own('label_d'), axis),
    node('Sub', [own('top_x'), own('m')], own('top_d')),
    node('Cast', [own('top_id')], own('top_id32'), integer('to', int32)),
    // Ranks are of the logits themselves: differences from m may round to ties.
    node('GatherElements', [own('x'), own('label_column')], own('label_x'), axis),
    node('Greater', [own('x'), own('label_x')], own('is_higher')),
    node('Cast', [own('is_higher')], own('ones_where_higher'), integer('to', float32)),
    rowSums(own('ones_where_higher'), own('higher_count')),
  ];
  const blockOutputs: readonly (readonly [inner: string, outer: string, type: number])[] = [
    [own('z'), headOutputs.expSums, float32],
    [own('set_z'), headOutputs.setSums, float32],
    [own('mean_d'), headOutputs.meanDistances, float32],
    [own('label_d'), headOutputs.labelDistances, float32],
    [own('higher_count'), headOutputs.higher, float32],
    [own('top_id32'), headOutputs.topIds, int32],
    [own('top_d'), headOutputs.topDistances, float32],
  ];
  const body: AttributeInit = {
    name: 'body',
    type: 5,
    g: {
      name: own('block'),
      node: block,
      input: [value(rows, int64, [own('w')]), value(labels, int64, [own('w')])],
      output: blockOutputs.map(([inner, , type]) => value(inner, type)),
    },
  };
  // Where the file does not say how many logits there are: a tokenizer may have more tokens, or fewer. Elsewhere the session sees to it, since
  // each of these nodes takes memory at every call.
  const fittedSets: NodeInit[] = [
    node('Shape', [flat], own('logits_shape')),
    node('Gather', [own('logits_shape'), own('one')], own('width')),
    node('Shape', [headInputs.sets], own('sets_shape')),
    node('Gather', [own('sets_shape'), own('zero')], own('tokens')),
    node('Sub', [own('width'), own('tokens')], own('missing')),
    node('Concat', [own('zero'), own('zero'), own('missing'), own('zero')], own('pads'), integer('axis', 0)),
    node('Pad', [headInputs.sets, own('pads')], own('all_sets')),
  ];
  const presents = (model.graph?.output ?? []).filter(({ name }) => name.startsWith('present'));
  const newPositions = presents.map(({ name }) => node('Slice', [name, headInputs.past, own('end'), own('two')], newPositionsOf(name)));
  const nodes = [
    ...newPositions,
    node('Flatten', ['logits'], flat, integer('axis', 2)),
    ...(logitsWidth(model) === undefined ? fittedSets : []),
    node(
      'Scan',
      [headInputs.rows, headInputs.labels],
      blockOutputs.map(([, outer]) => outer),
      body,
      integer('num_scan_inputs', 2),
    ),
    ...logitsOf(headInputs.wholeRows, own('whole')),
    node('LogSoftmax', [own('whole')], headOutputs.logProbabilities, axis),
  ];
  const fragment = create(ModelSchema, {
    graph: {
      node: nodes,
      initializer: [
        tensor(own('zero'), int64, [1], BigInt64Array.of(0n)),
        tensor(own('one'), int64, [1], BigInt64Array.of(1n)),
        tensor(own('two'), int64, [1], BigInt64Array.of(2n)),
        tensor(own('end'), int64, [1], BigInt64Array.of(2n ** 63n - 1n)),
        tensor(own('column'), int64, [2], BigInt64Array.of(-1n, 1n)),
        tensor(own('lowest'), float32, [], Float32Array.of(-1e4)),
      ],
      input: [
        value(headInputs.rows, int64, [own('b'), own('w')]),
        value(headInputs.labels, int64, [own('b'), own('w')]),
        value(headInputs.topCount, int64, [1n]),
        value(headInputs.past, int64, [1n]),
        value(headInputs.wholeRows, int64, [own('n')]),
        value(headInputs.sets, float32, [own('t'), own('s')]),
      ],
      output: [
        ...blockOutputs.map(([, outer, type]) => value(outer, type)),
        value(headOutputs.logProbabilities, float32),
        ...presents.map(({ name }) => value(newPositionsOf(name), outputType(model, name)?.elemType ?? float32)),
      ],
    },
  });
  return toBinary(ModelSchema, fragment);
}

export function node(opType: string, input: string[], output: string | string[], ...attribute: AttributeInit[]): NodeInit {
  const outputs = typeof output === 'string' ? [output] : output;
  return { opType, name: `${outputs[0] ?? ''}_${opType}`, input, output: outputs, attribute };
}

// Numbers of ONNX's attribute types: 1 a float, 2 an integer, 5 a graph, 7 integers.
export function integer(name: string, i: number): AttributeInit {
  return { name, i: BigInt(i), type: 2 };
}

export function float(name: string, f: number): AttributeInit {
  return { name, f, type: 1 };
}

function integers(name: string, ints: readonly number[]): AttributeInit {
  return { name, ints: ints.map(BigInt), type: 7 };
}

export function tensor(name: string, dataType: number, dims: readonly number[], data: BigInt64Array | Float32Array): TensorInit {
  return { name, dataType, dims: dims.map(BigInt), rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

export function value(name: string, elemType: number, dims?: readonly (string | bigint)[]): ValueInit {
  const shape = dims && { dim: dims.map(size => (typeof size === 'string' ? { dimParam: size } : { dimValue: size })) };
  return { name, type: { tensorType: shape ? { elemType, shape } : { elemType } } };
}

/** Input of a graph that `projectWantedRows` has changed, int64 [rows]: the rows that get logits, by their index among all ids of a call. */
export const projectedRowsInput = own('projected_rows');

/**
 * Makes a model give logits of the rows asked for alone, [1, rows, vocabulary]: the projection to the vocabulary is a sixth of the bundled model's
 * work, and mostly one row of hundreds is wanted. Nothing is changed where `logits` do not come from one product with the weights.
 */
export function projectWantedRows({ graph }: Model): void {
  const index = graph?.node.findIndex(({ output }) => output[0] === 'logits') ?? -1;
  const projection = graph?.node[index];
  const [hidden] = projection?.input ?? [];
  if (!graph || !projection || hidden === undefined || !/^MatMul(NBits)?$/.test(projection.opType)) return;
  const [shape, rows, projected, count] = [own('rows_shape'), own('hidden_rows'), own('projected'), own('projected_count')];
  const gathered = [node('Reshape', [hidden, shape], rows), node('Gather', [rows, projectedRowsInput], projected, integer('axis', 1))];
  graph.node.splice(index, 0, ...gathered.map(init => create(NodeSchema, init)));
  projection.input[0] = projected;
  graph.initializer.push(create(TensorDataSchema, tensor(shape, int64, [3], BigInt64Array.of(1n, -1n, 0n)))); // 0: as it was
  graph.input.push(create(ValueSchema, value(projectedRowsInput, int64, [count])));
  const sizes = outputType({ graph }, 'logits')?.shape;
  if (!sizes) return;
  const [, , width] = sizes.dim;
  sizes.dim = [create(DimensionSchema, { dimValue: 1n }), create(DimensionSchema, { dimParam: count }), ...(width ? [width] : [])];
}

/** Memory for one buffer: a desktop's Electron process dies of allocations near 512 MB. */
const largestBufferBytes = 256 * 2 ** 20;

/**
 * A model file with the scoring head, as bytes or as the path of a copy. `rewritten` stands for the file's own bytes.
 * A copy is only made of large files that hold their own weights, in `cacheFolder`, and used again by its name.
 */
export async function withHead(
  { file, bytes, model }: GraphFile,
  rewritten: Uint8Array | undefined,
  contentHash: string,
  cacheFolder: string | undefined,
): Promise<Uint8Array<ArrayBuffer> | string> {
  const head = scoringHead(model);
  // A copy elsewhere would not find weights in files beside the graph.
  if (!rewritten && bytes > smallFileBytes && !hasExternalWeights(model)) {
    const copy = cacheFolder === undefined ? undefined : await copyWithHead({ file, bytes, contentHash }, head, cacheFolder);
    if (copy !== undefined) return copy;
    if (bytes > largestBufferBytes) throw new Error('the file is large, and there is no folder to keep a copy of it in');
  }
  const base = rewritten ?? (await readFile(file));
  const joined = new Uint8Array(base.length + head.length);
  joined.set(base);
  joined.set(head, base.length);
  return joined;
}
