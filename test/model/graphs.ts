import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { ModelSchema, NodeSchema, TensorDataSchema } from '../../src/model/onnxProto';
import type { Model } from '../../src/model/onnxProto';
import type { SessionOptions } from '../../src/model/session';

/** A model folder of the fixtures, and the file in it. */
export interface ModelFile {
  readonly folder: string;
  readonly graph: string;
  readonly dtype: string;
}
export const tinyGpt2: ModelFile = { folder: path.resolve('test/fixtures/tiny-gpt2'), graph: 'model.onnx', dtype: 'fp32' };
export const tinyOld: ModelFile = { folder: path.resolve('test/fixtures/tiny-old'), graph: 'model.onnx', dtype: 'fp32' };
export const tinyHalf: ModelFile = { folder: path.resolve('test/fixtures/tiny-half'), graph: 'model_fp16.onnx', dtype: 'fp16' };
export const bundled: ModelFile = { folder: path.resolve('models/smollm2-135m-instruct'), graph: 'model_quantized.onnx', dtype: 'q8' };

export function sessionOptions(file: ModelFile, changes: Partial<SessionOptions> = {}): SessionOptions {
  return { ...file, threads: 2, arena: true, device: 'cpu', arithmetic: 'native', contentHash: 'hash', cacheFolder: undefined, ...changes };
}

export function pathOf({ folder, graph }: ModelFile): string {
  return path.join(folder, 'onnx', graph);
}

/** Folders of one test, taken away by `clear`. */
export class Folders {
  readonly #made: string[] = [];

  empty(): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'token-lens-model-'));
    this.#made.push(folder);
    return folder;
  }

  /** tiny-gpt2 with its graph changed. */
  tinyWith(change: (model: Model) => void): ModelFile {
    return this.with(tinyGpt2, change);
  }

  /** A copy of a model with its graph changed. */
  with({ folder, graph, dtype }: ModelFile, change: (model: Model) => void): ModelFile {
    const file = { folder: this.empty(), graph, dtype };
    cpSync(folder, file.folder, { recursive: true });
    const model = fromBinary(ModelSchema, readFileSync(pathOf(file)));
    change(model);
    writeFileSync(pathOf(file), toBinary(ModelSchema, model));
    return file;
  }

  /** A copy of a model that takes no scoring head: a name of the head's is taken. */
  withoutHead(file: ModelFile): ModelFile {
    return this.with(file, ({ graph }) => graph?.initializer.push(create(TensorDataSchema, floats('token_lens_zero', [0]))));
  }

  clear(): void {
    for (const folder of this.#made.splice(0)) rmSync(folder, { recursive: true });
  }
}

/** Adds weights of zeros that nothing uses. They take no room on the disk. */
export function padded(file: ModelFile, bytes: number): void {
  const weights = create(TensorDataSchema, { name: 'unused', dataType: 1, dims: [BigInt(bytes / 4)] });
  const head = toBinary(TensorDataSchema, weights);
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);
  const data = [9 * 8 + 2, ...varint(bytes)];
  const tensor = [5 * 8 + 2, ...varint(head.length + data.length + bytes)];
  const size = tensor.length + head.length + data.length + bytes;
  appendFileSync(pathOf(file), Uint8Array.from([7 * 8 + 2, ...varint(size), ...tensor, ...head, ...data]));
  truncateSync(pathOf(file), statSync(pathOf(file)).size + bytes);
}

/** Puts operators between what computes the logits and the model's output, which gets another element type if one is given. */
export function through(
  model: Model,
  steps: readonly { readonly op: string; readonly with?: string; readonly to?: number }[],
  constants: readonly MessageInitShape<typeof TensorDataSchema>[] = [],
  elemType?: number,
): void {
  const { graph } = model;
  if (!graph) throw new Error('no graph');
  for (const node of graph.node) node.output = node.output.map(name => (name === 'logits' ? 'step0' : name));
  for (const [index, { op, with: second, to }] of steps.entries()) {
    graph.node.push(
      create(NodeSchema, {
        opType: op,
        name: `step${index + 1}`,
        input: second === undefined ? [`step${index}`] : [`step${index}`, second],
        output: [index === steps.length - 1 ? 'logits' : `step${index + 1}`],
        attribute: to === undefined ? [] : [{ name: 'to', i: BigInt(to), type: 2 }],
      }),
    );
  }
  graph.initializer.push(...constants.map(constant => create(TensorDataSchema, constant)));
  const type = graph.output.find(({ name }) => name === 'logits')?.type?.tensorType;
  if (type && elemType !== undefined) type.elemType = elemType;
}

export function floats(name: string, values: readonly number[]): MessageInitShape<typeof TensorDataSchema> {
  return { name, dataType: 1, dims: [BigInt(values.length)], rawData: new Uint8Array(Float32Array.from(values).buffer) };
}
