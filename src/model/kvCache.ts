/** Key/value cache of the first `positions` ids of a run. Immutable: a run on top of it gives a new one. */
export interface KeyValueCache {
  readonly positions: number;
  readonly bytes: number;
  /** The cache of the first `count` ids, in memory of its own; itself where `count` is `positions`. */
  cropped(count: number): KeyValueCache;
}

/** Numbers as the runtime stores them. Float16 is kept as bits, because Float16Array is not in every Node. */
export type CacheData = Float32Array | Uint16Array;

export interface CacheLayer {
  readonly type: 'float32' | 'float16';
  /** [1, heads, positions, dimension], row-major. */
  readonly data: CacheData;
  readonly heads: number;
  readonly dimension: number;
}

/** By the names of the model's inputs. */
export class TensorCache implements KeyValueCache {
  readonly bytes: number;

  constructor(
    readonly positions: number,
    readonly layers: ReadonlyMap<string, CacheLayer>,
  ) {
    let bytes = 0;
    for (const { data } of layers.values()) bytes += data.byteLength;
    this.bytes = bytes;
  }

  cropped(count: number): TensorCache {
    if (count === this.positions) return this;
    if (!(count >= 0 && count < this.positions)) {
      throw new RangeError(`A cache of ${this.positions} positions cannot be cropped to ${count}.`);
    }
    const layers = [...this.layers].map(([name, layer]) => [name, croppedLayer(layer, this.positions, count)] as const);
    return new TensorCache(count, new Map(layers));
  }
}

/** One copy a head, since positions are the third of four dimensions. */
function croppedLayer(layer: CacheLayer, positions: number, count: number): CacheLayer {
  const { data, heads, dimension } = layer;
  const size = heads * count * dimension;
  const kept = data instanceof Float32Array ? new Float32Array(size) : new Uint16Array(size);
  for (let head = 0; head < heads; head++) {
    const start = head * positions * dimension;
    kept.set(data.subarray(start, start + count * dimension), head * count * dimension);
  }
  return { ...layer, data: kept };
}
