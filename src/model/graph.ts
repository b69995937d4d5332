import { open } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Attribute, Graph, Model, Node, SparseTensor, TensorData, TensorType } from './onnxProto';
import { ModelSchema } from './onnxProto';

/** ONNX's numbers of element types. */
export const elementType = { float32: 1, int32: 6, int64: 7, float16: 10, bfloat16: 16 } as const;

/** What a model file computes in float32, or could: see `arithmeticOf`. */
export type FileArithmetic = 'float32' | 'rewritable' | { readonly reason: string };

/** Longer pieces are looked into, so that the contents of weights can be left out. */
const longestPieceRead = 4096;

type Piece = 'model' | 'training' | 'graph' | 'function' | 'node' | 'attribute' | 'sparse' | 'tensor';
/** The fields through which weights are reached, by ONNX's field numbers. */
const innerPieces: Readonly<Record<Piece, Readonly<Partial<Record<number, Piece>>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node', 11: 'attribute' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};
/** The fields of a tensor that hold its numbers. */
const numberFields = [4, 5, 6, 7, 9, 10, 11];
/** Of a graph without its weights; ordinary ones have a few megabytes. What is read of it takes many times its size. */
const mostGraphBytes = 2 ** 26;

/** A model file without the contents of its weights. */
export interface GraphFile {
  readonly file: string;
  readonly bytes: number;
  readonly model: Model;
}

/**
 * Reads what a model file computes, but not its weights, which may be hundreds of megabytes. Throws what the file system or the protobuf
 * reader throws.
 */
export async function readGraph(file: string): Promise<GraphFile> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    let held = new Uint8Array(0);
    let heldFrom = 0;
    const read = async (position: number, length: number): Promise<Uint8Array> => {
      if (position < heldFrom || position + length > heldFrom + held.length) {
        const wanted = new Uint8Array(Math.min(size - position, Math.max(length, 1 << 16)));
        const { bytesRead } = await handle.read(wanted, 0, wanted.length, position);
        held = wanted.subarray(0, bytesRead);
        heldFrom = position;
      }
      return held.subarray(position - heldFrom, position - heldFrom + length);
    };
    const kept = new BinaryWriter();
    let keptBytes = 0;
    const copy = async (piece: Piece, from: number, end: number): Promise<void> => {
      for (let position = from; position < end;) {
        const reader = new BinaryReader(await read(position, Math.min(20, end - position)));
        const [field, wireType] = reader.tag();
        let next: number;
        if (wireType === WireType.LengthDelimited) {
          const length = reader.uint32();
          const start = position + reader.pos;
          next = start + length;
          if (next > end) throw new Error('it is cut off');
          if (length > longestPieceRead) {
            const inner = innerPieces[piece][field];
            if (inner) {
              kept.tag(field, wireType).fork();
              await copy(inner, start, next);
              kept.join();
            }
            if (piece === 'tensor' && !numberFields.includes(field)) throw new Error('a name or an entry in it is too long');
            if (inner || piece === 'tensor') {
              position = next;
              continue;
            }
          }
        } else {
          reader.skip(wireType);
          next = position + reader.pos;
        }
        keptBytes += next - position;
        if (keptBytes > mostGraphBytes) throw new Error('it is too large without its weights');
        kept.raw(await read(position, next - position));
        position = next;
      }
    };
    await copy('model', 0, size);
    return { file, bytes: size, model: fromBinary(ModelSchema, kept.finish()) };
  } finally {
    await handle.close();
  }
}

export function outputType({ graph }: Pick<Model, 'graph'>, name: string): TensorType | undefined {
  return graph?.output.find(output => output.name === name)?.type?.tensorType;
}

/** Some weights are in files beside the graph: only in its own folder can it be opened by path. */
export function hasExternalWeights({ graph }: Model): boolean {
  return graph?.initializer.some(({ dataLocation }) => dataLocation === 1) ?? false;
}

/**
 * The paths of all files that a model file names, as it names them: each is to be checked before the runtime opens it. Throws where the
 * weights are said to be in a file that is not named.
 */
export function externalFiles(model: Model): ReadonlySet<string> {
  const files = new Set<string>();
  for (const { dataLocation, externalData } of tensorsOf(model)) {
    const locations = externalData.filter(({ key }) => key === 'location');
    if (dataLocation === 1 && locations.length !== 1) throw new Error('it does not say where its weights are');
    for (const { value } of locations) files.add(value);
  }
  return files;
}

function* tensorsOf(model: Model): Generator<TensorData> {
  if (model.graph) yield* tensorsOfGraph(model.graph);
  for (const { initialization, algorithm } of model.trainingInfo) {
    for (const graph of [initialization, algorithm]) if (graph) yield* tensorsOfGraph(graph);
  }
  for (const { node, attributeProto } of model.functions) {
    yield* tensorsOfAttributes(attributeProto);
    for (const { attribute } of node) yield* tensorsOfAttributes(attribute);
  }
}

function* tensorsOfGraph(graph: Graph): Generator<TensorData> {
  yield* graph.initializer;
  for (const sparse of graph.sparseInitializer) yield* tensorsOfSparse(sparse);
  for (const { attribute } of graph.node) yield* tensorsOfAttributes(attribute);
}

function* tensorsOfAttributes(attributes: readonly Attribute[]): Generator<TensorData> {
  for (const { t, tensors, sparseTensor, sparseTensors, g, graphs } of attributes) {
    if (t) yield t;
    yield* tensors;
    for (const sparse of sparseTensor ? [sparseTensor, ...sparseTensors] : sparseTensors) yield* tensorsOfSparse(sparse);
    for (const graph of g ? [g, ...graphs] : graphs) yield* tensorsOfGraph(graph);
  }
}

function* tensorsOfSparse({ values, indices }: SparseTensor): Generator<TensorData> {
  for (const tensor of [values, indices]) if (tensor) yield tensor;
}

/** All nodes of a model, those inside of branches, loops and local functions too. */
export function* nodesOf(model: Model): Generator<Node> {
  if (model.graph) yield* nodesOfGraph(model.graph);
  for (const local of model.functions) for (const node of local.node) yield* withInner(node);
}

function* nodesOfGraph(graph: Graph): Generator<Node> {
  for (const node of graph.node) yield* withInner(node);
}

function* withInner(node: Node): Generator<Node> {
  yield node;
  for (const { g, graphs } of node.attribute) for (const graph of g ? [g, ...graphs] : graphs) yield* nodesOfGraph(graph);
}

/** Rounds activations of all rows together or by rules of its own: there is no float32 form of it over the same weights. */
const quantisedActivations = /^(DynamicQuantize|QLinear|QGemm|QAttention|MatMulInteger|ConvInteger|QuantizeLinear$)/;

/**
 * Whether a file computes in float32 already, can be made to (`accuracy_level` 4 of MatMulNBits is what rounds activations to 8 bits),
 * or cannot, and why.
 */
export function arithmeticOf(model: Model): FileArithmetic {
  const halves = new Set<string>((model.graph?.initializer ?? []).filter(({ dataType }) => isHalf(dataType)).map(({ name }) => name));
  for (const { name, type } of model.graph?.input ?? []) if (isHalf(type?.tensorType?.elemType)) halves.add(name);
  let rewritable = false;
  for (const node of nodesOf(model)) {
    if (quantisedActivations.test(node.opType)) {
      return { reason: `its activations are quantised by ${node.opType} nodes` };
    }
    const castsToHalf = node.opType === 'Cast' && node.attribute.some(({ name, i }) => name === 'to' && isHalf(Number(i)));
    if (castsToHalf || (node.opType !== 'Cast' && node.input.some(name => halves.has(name)))) {
      return { reason: `its node ${node.name || node.opType} computes in 16-bit floats` };
    }
    if (roundsActivations(node)) rewritable = true;
  }
  return rewritable ? 'rewritable' : 'float32';
}

function isHalf(type: number | undefined): boolean {
  return type === elementType.float16 || type === elementType.bfloat16;
}

function roundsActivations(node: Node): boolean {
  return node.opType === 'MatMulNBits' && node.attribute.some(({ name, i }) => name === 'accuracy_level' && i > 1n);
}

/** Makes every MatMulNBits node compute in float32. */
export function useFloat32(model: Model): void {
  for (const node of nodesOf(model)) {
    if (!roundsActivations(node)) continue;
    for (const attribute of node.attribute) if (attribute.name === 'accuracy_level') attribute.i = 1n;
  }
}
