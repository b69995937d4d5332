import { clone, create } from '@bufbuild/protobuf';
import { ModelError } from './errors';
import { float, integer, node, own, tensor, value } from './graft';
import type { NodeInit } from './graft';
import { elementType } from './graph';
import { NodeSchema, TensorDataSchema, ValueSchema } from './onnxProto';
import type { Graph, Model, Node } from './onnxProto';

/** What a changed graph shows, or takes: one thing each, because the runtime computes all of it at every call. */
export type ProbeKind = 'attention' | 'switches' | 'layers';

/** Inputs: `switches` float32 [layers, heads], multiplied onto what each head gives; `row` int64 [1], an index within the call's ids. */
export const probeInputs = { switches: own('switches'), row: own('probe_row') } as const;

/** Outputs, float32. */
export const probeOutputs = {
  /** [1, heads, ids of the call, past and they] or without the first dimension. */
  attentionOf: (layer: number) => own(`attention_${layer}`),
  /** [layers + 1, vocabulary] after dimensions of 1: logits from the residual stream before each layer, and after the last, at `row`. */
  layerLogits: own('layer_logits'),
  /** Dimensions of what the heads of the first layer give: [1, heads, ids of the call, numbers] or without the first. */
  headShape: own('head_shape'),
} as const;

export interface ChangedGraph {
  readonly layers: number;
  /** Undefined: `headShape` tells. */
  readonly heads: number | undefined;
}

/** Attention of one layer: one operator for it all, or a softmax whose weights a matrix product takes. */
type Attention =
  | { readonly kind: 'fused'; readonly node: Node }
  | { readonly kind: 'plain'; readonly node: Node; readonly weights: string; readonly product: Node };

/** Adds what a kind of probe needs to a whole graph. Errors: 'unsupported', with what the graph does not have. */
export function addProbe(model: Model, kind: ProbeKind): ChangedGraph {
  const { graph } = model;
  if (!graph) throw new ModelError('unsupported', 'The model file holds no graph.');
  const found = attentionsOf(graph);
  switch (kind) {
    case 'attention':
      return showAttention(graph, found);
    case 'switches':
      return addSwitches(graph, found);
    case 'layers':
      return showLayers(graph, found);
  }
}

const { float32, int64 } = elementType;

/** What may stand between a softmax and its product: of PyTorch's exports, a guard against rows without any key. */
const passedOn: readonly string[] = ['Cast', 'Identity', 'Dropout', 'Where'];
/** Fused operators of ONNX Runtime that give [texts, ids, heads x numbers] first and name `num_heads`. */
const fusedWithHeads: readonly string[] = ['GroupQueryAttention', 'MultiHeadAttention', 'Attention'];

/** In the order of the layers: one for each layer of the cache. */
function attentionsOf(graph: Graph): readonly Attention[] {
  const found = graph.node.flatMap((candidate): Attention[] => {
    if (candidate.opType.endsWith('Attention')) return [{ kind: 'fused', node: candidate }];
    const product = candidate.opType === 'Softmax' ? productOf(graph, candidate) : undefined;
    return product ? [{ kind: 'plain', node: candidate, weights: outputOf(candidate), product }] : [];
  });
  const layers = graph.input.filter(({ name }) => /^past_key_values\.\d+\.key$/.test(name)).length;
  if (found.length === layers) return found;
  throw unsupported(
    found.length === 0
      ? 'its graph has no attention that this version knows'
      : `its graph has ${found.length} attentions that this version knows, but ${layers} layers in its cache`,
  );
}

/** The matrix product that takes these weights first. */
function productOf(graph: Graph, softmax: Node): Node | undefined {
  let weights = outputOf(softmax);
  for (;;) {
    const users = graph.node.filter(({ input }) => input.includes(weights));
    const product = users.find(({ opType, input }) => opType === 'MatMul' && input[0] === weights);
    if (product) return product;
    const next = users.find(({ opType }) => passedOn.includes(opType));
    if (!next) return undefined;
    weights = outputOf(next);
  }
}

function showAttention(graph: Graph, found: readonly Attention[]): ChangedGraph {
  for (const [layer, attention] of found.entries()) {
    const weights = attention.kind === 'plain' ? attention.weights : fusedWeights(attention.node, layer);
    addNodes(graph, [node('Cast', [weights], probeOutputs.attentionOf(layer), integer('to', float32))]);
    graph.output.push(create(ValueSchema, value(probeOutputs.attentionOf(layer), float32)));
  }
  return { layers: found.length, heads: undefined };
}

/** The name of its fourth output, the weights after the softmax, which it is told to give. */
function fusedWeights(fused: Node, layer: number): string {
  if (fused.opType !== 'GroupQueryAttention') {
    throw unsupported(`its attention is one operator, ${fused.opType}, that does not give its weights`);
  }
  fused.attribute = [
    ...fused.attribute.filter(({ name }) => name !== 'qk_output'),
    ...create(NodeSchema, { attribute: [integer('qk_output', 2)] }).attribute,
  ];
  const name = own(`weights_${layer}`);
  fused.output = [0, 1, 2].map(index => fused.output[index] ?? '').concat(name);
  return name;
}

function addSwitches(graph: Graph, found: readonly Attention[]): ChangedGraph {
  const heads = new Set(found.map(attention => (attention.kind === 'fused' ? headsOf(attention.node) : undefined)));
  if (heads.size > 1) throw unsupported('its layers do not all have the same number of heads');
  const [headCount] = heads;
  const cacheType = graph.input.find(({ name }) => name.startsWith('past_key_values.'))?.type?.tensorType?.elemType ?? float32;
  addConstant(graph, 'switch_column', [-1n, 1n]);
  addConstant(graph, 'switch_matrix', [-1n, 1n, 1n]);
  addConstant(graph, 'by_head', [0n, 0n, BigInt(headCount ?? 0), -1n]);
  addConstant(graph, 'joined', [0n, 0n, -1n]);
  for (const [layer, attention] of found.entries()) {
    const inLayer = (name: string) => own(`${name}_${layer}`);
    const source = attention.kind === 'fused' ? attention.node : attention.product;
    const given = outputOf(source);
    // The old name stays with what the rest of the graph reads.
    const all = inLayer('all_heads');
    source.output = [all, ...source.output.slice(1)];
    addConstant(graph, `layer_${layer}`, [BigInt(layer)]);
    const ofLayer = [
      node('Gather', [probeInputs.switches, inLayer('layer')], inLayer('stored_switch'), integer('axis', 0)),
      node('Cast', [inLayer('stored_switch')], inLayer('cast_switch'), integer('to', cacheType)),
    ];
    const switched =
      attention.kind === 'fused'
        ? [
            node('Reshape', [inLayer('cast_switch'), own('switch_column')], inLayer('switch')),
            node('Reshape', [all, own('by_head')], inLayer('split_heads')),
            node('Mul', [inLayer('split_heads'), inLayer('switch')], inLayer('switched')),
            node('Reshape', [inLayer('switched'), own('joined')], given),
          ]
        : [
            node('Reshape', [inLayer('cast_switch'), own('switch_matrix')], inLayer('switch')),
            node('Mul', [all, inLayer('switch')], given),
          ];
    addNodes(graph, [...ofLayer, ...switched], source);
  }
  graph.input.push(create(ValueSchema, value(probeInputs.switches, float32, [own('layers'), own('heads')])));
  if (headCount === undefined) {
    addNodes(graph, [
      node('Shape', [own('all_heads_0')], own('all_heads_shape')),
      node('Cast', [own('all_heads_shape')], probeOutputs.headShape, integer('to', float32)),
    ]);
    graph.output.push(create(ValueSchema, value(probeOutputs.headShape, float32)));
  }
  return { layers: found.length, heads: headCount };
}

function headsOf(fused: Node): number {
  const heads = Number(fused.attribute.find(({ name }) => name === 'num_heads')?.i ?? 0);
  if (heads > 0 && fusedWithHeads.includes(fused.opType) && fused.domain === 'com.microsoft') return heads;
  throw unsupported(`its attention is one operator, ${fused.opType}, whose heads this version cannot tell apart`);
}

/** Norms that add first: inputs are the stream, what is added, scale, and of some a shift; their fourth output is the sum. */
const plainNorms: Readonly<Partial<Record<string, string>>> = {
  SkipSimplifiedLayerNormalization: 'SimplifiedLayerNormalization',
  SkipLayerNormalization: 'LayerNormalization',
};

/** One step of the residual stream: `sum` = `stream` + what is computed from it, in one branch or in two beside each other. */
interface Step {
  readonly node: Node;
  readonly sum: string;
  readonly stream: string;
  readonly branches: readonly string[];
}

function showLayers(graph: Graph, found: readonly Attention[]): ChangedGraph {
  const isAttention = new Set(found.map(attention => attention.node));
  const producers = producersOf(graph);
  const attentionsBehind = (from: readonly string[], until: string) =>
    [...nodesBehind(producers, from, until)].filter(other => isAttention.has(other));
  const beforeLogits = nodesBehind(producers, ['logits']);
  const last = graph.node.findLast(candidate => beforeLogits.has(candidate) && stepOf(producers, candidate) !== undefined);
  const lastStep = last && stepOf(producers, last);
  if (!lastStep) throw unsupported('its graph adds nothing to a residual stream');
  const { sum: end } = lastStep;
  const normed = end === outputOf(lastStep.node) ? undefined : outputOf(lastStep.node);
  // All that the logits are made from, but for constants, passes through the end of the stream.
  const around = attentionsBehind(['logits'], end);
  const befores: string[] = [];
  for (let step: Step | undefined = lastStep; step; step = stepBehind(producers, step.stream)) {
    const attentions = attentionsBehind(step.branches, step.stream);
    if (attentions.length > 1) break;
    if (attentions.length === 1) befores.unshift(step.stream);
  }
  if (befores.length !== found.length || around.length > 0) throw unsupported('the borders of its layers are not found in its graph');

  const rows = [...befores, end].map((stream, layer) => ({ stream, row: own(`stream_${layer}`) }));
  const stacked = own('streams');
  addNodes(graph, [
    ...rows.map(({ stream, row }) => node('Gather', [stream, probeInputs.row], row, integer('axis', 1))),
    node(
      'Concat',
      rows.map(({ row }) => row),
      stacked,
      integer('axis', 1),
    ),
  ]);
  const copies = new Map<string, string>([[end, stacked]]);
  if (normed !== undefined) {
    const copy = own('streams_normed');
    copies.set(normed, copy);
    addNodes(graph, [plainNorm(lastStep.node, stacked, copy)]);
  }
  for (const original of graph.node.filter(candidate => beforeLogits.has(candidate) && candidate !== lastStep.node)) {
    if (!original.input.some(name => copies.has(name))) continue;
    if (original.attribute.some(({ g }) => g)) throw unsupported('its vocabulary projection has branches');
    const copy = clone(NodeSchema, original);
    copy.name = own(`streams_${original.name}`);
    copy.input = original.input.map(name => copies.get(name) ?? name);
    copy.output = original.output.map(name => (name === '' ? '' : own(`streams_${name}`)));
    graph.node.push(copy);
    for (const [index, name] of original.output.entries()) if (name !== '') copies.set(name, copy.output[index] ?? '');
  }
  addNodes(graph, [node('Cast', [copies.get('logits') ?? ''], probeOutputs.layerLogits, integer('to', float32))]);
  graph.input.push(create(ValueSchema, value(probeInputs.row, int64, [1n])));
  graph.output.push(create(ValueSchema, value(probeOutputs.layerLogits, float32)));
  return { layers: found.length, heads: undefined };
}

function plainNorm({ opType, input, attribute }: Node, stream: string, normed: string): NodeInit {
  const kept = attribute.find(({ name }) => name === 'epsilon');
  const [, , scale = '', shift = ''] = input;
  const inputs = shift !== '' && opType === 'SkipLayerNormalization' ? [stream, scale, shift] : [stream, scale];
  return node(plainNorms[opType] ?? '', inputs, normed, integer('axis', -1), float('epsilon', kept?.f ?? 1e-12));
}

function stepBehind(producers: Producers, stream: string): Step | undefined {
  let producer = producers.get(stream);
  let name = stream;
  while (producer && (producer.opType === 'Cast' || producer.opType === 'Identity')) {
    name = producer.input[0] ?? '';
    producer = producers.get(name);
  }
  const step = producer && stepOf(producers, producer);
  return step?.sum === name ? step : undefined;
}

/** Undefined where a node does not add something to what it is computed from. */
function stepOf(producers: Producers, candidate: Node): Step | undefined {
  const isNorm = plainNorms[candidate.opType] !== undefined;
  if (candidate.opType !== 'Add' && !isNorm) return undefined;
  const [a = '', b = ''] = candidate.input;
  const addends = (sum: string) => {
    const producer = producers.get(sum);
    return producer?.opType === 'Add' ? [producer.input] : [];
  };
  // Two branches beside each other are added one after the other.
  const sums = [[a, b], ...addends(a).map(inner => [...inner, b]), ...addends(b).map(inner => [a, ...inner])];
  const isBehind = (stream: string, branch: string) => {
    const producer = producers.get(stream);
    return producer !== undefined && nodesBehind(producers, [branch]).has(producer);
  };
  for (const terms of sums) {
    const stream = terms.find(term => terms.every(other => other === term || isBehind(term, other)));
    if (stream === undefined) continue;
    const branches = terms.filter(term => term !== stream);
    return { node: candidate, sum: isNorm ? sumOf(candidate) : outputOf(candidate), stream, branches };
  }
  return undefined;
}

/** Of a norm that adds first; it is told to give its sum where it does not. */
function sumOf(norm: Node): string {
  const given = norm.output[3] ?? '';
  if (given !== '') return given;
  const name = own(`sum_of_${outputOf(norm)}`);
  norm.output = [0, 1, 2].map(index => norm.output[index] ?? '').concat(name);
  return name;
}

type Producers = ReadonlyMap<string, Node>;

function producersOf({ node: nodes }: Graph): Producers {
  // Outputs left out have no name, and so do inputs left out.
  return new Map(nodes.flatMap(producer => producer.output.filter(name => name !== '').map(name => [name, producer] as const)));
}

/** What values are computed by, without the node that gives `until` and what is behind that. */
function nodesBehind(producers: Producers, from: readonly string[], until?: string): ReadonlySet<Node> {
  const found = new Set<Node>();
  const open = [...from];
  const border = until === undefined ? undefined : producers.get(until);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const producer = producers.get(name);
    if (!producer || producer === border || found.has(producer)) continue;
    found.add(producer);
    open.push(...producer.input);
  }
  return found;
}

/** The first output, which every node has. */
function outputOf({ output }: Node): string {
  return output[0] ?? '';
}

/** At the end, or right after a node. */
function addNodes(graph: Graph, nodes: readonly NodeInit[], after?: Node): void {
  const at = after ? graph.node.indexOf(after) + 1 : graph.node.length;
  graph.node.splice(at, 0, ...nodes.map(init => create(NodeSchema, init)));
}

function addConstant(graph: Graph, name: string, numbers: readonly bigint[]): void {
  graph.initializer.push(create(TensorDataSchema, tensor(own(name), int64, [numbers.length], BigInt64Array.from(numbers))));
}

function unsupported(reason: string): ModelError {
  return new ModelError('unsupported', `This cannot be seen in the model: ${reason}.`);
}
