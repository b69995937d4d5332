/** Key/value cache of the first `positions` ids of a run. A run on top of it gives a new one. */
export interface KeyValueCache {
  readonly positions: number;
  /** The memory it holds, which has room for some positions more. */
  readonly bytes: number;
  /** The cache of the first `count` ids, in memory of its own; itself where `count` is `positions`. `room`: as in `CacheMemory.take`. */
  cropped(count: number, room?: number): KeyValueCache;
  /** Nobody uses it from now on: another cache may take over its memory. Not needed, but new memory costs a run a quarter of its time. */
  recycle(): void;
}

/** Numbers as the runtime stores them. Float16 is kept as bits, because Float16Array is not in every Node. */
export type CacheData = Float32Array | Uint16Array;

export interface LayerShape {
  /** Of the model's input. */
  readonly name: string;
  readonly type: 'float32' | 'float16';
  /** Of [1, heads, positions, dimension], row-major. */
  readonly heads: number;
  readonly dimension: number;
}

export interface CacheLayer extends LayerShape {
  readonly data: CacheData;
}

/** How much free memory is kept: a run writes to one cache while it reads another. */
const mostFree = 2;
const mostFreeBytes = 128 * 2 ** 20;
/** The runtime's kernels like their tensors to begin so. */
const alignmentBytes = 64;

/** Memory of one session's caches, used again and again: fresh memory has to be cleared, mapped page by page and collected. */
export class CacheMemory {
  readonly #shapes: readonly LayerShape[];
  /** The one freed last comes last. */
  #free: readonly ArrayBuffer[] = [];

  constructor(shapes: readonly LayerShape[]) {
    this.#shapes = shapes;
  }

  get bytesPerPosition(): number {
    return this.#shapes.reduce((sum, shape) => sum + bytesOf(shape, 1), 0);
  }

  /** Memory of a cache with room for so many positions. */
  bytesFor(positions: number): number {
    const room = roomFor(positions);
    return this.#shapes.reduce((sum, shape) => sum + aligned(bytesOf(shape, room)), 0);
  }

  /** A cache whose numbers are still to be written: what is in its memory is of another one. `room`: positions that its memory should have room for, when it is used again. */
  take(positions: number, room = positions): TensorCache {
    const wanted = Math.max(positions, room);
    const fewest = this.bytesFor(wanted);
    const most = this.bytesFor(1.5 * wanted);
    const fits = this.#free.findLast(({ byteLength }) => byteLength >= fewest && byteLength <= most);
    if (fits) this.#free = this.#free.filter(other => other !== fits);
    return new TensorCache(this, positions, this.#shapes, fits ?? new ArrayBuffer(positions === 0 ? 0 : fewest));
  }

  /** See `KeyValueCache.recycle`. */
  free(memory: ArrayBuffer): void {
    if (memory.byteLength === 0 || memory.byteLength > mostFreeBytes) return;
    this.#free = [...this.#free, memory].slice(-mostFree);
    while (this.#free.reduce((sum, { byteLength }) => sum + byteLength, 0) > mostFreeBytes) this.#free = this.#free.slice(1);
  }
}

/** In at least four steps for each power of two, so that a text that grows by a token, and a window of about the same length, find room where another was. */
function roomFor(positions: number): number {
  const step = Math.min(128, Math.max(32, 2 ** (Math.ceil(Math.log2(Math.max(1, positions))) - 3)));
  return Math.ceil(positions / step) * step;
}

function bytesOf({ type, heads, dimension }: LayerShape, positions: number): number {
  return heads * positions * dimension * (type === 'float32' ? Float32Array : Uint16Array).BYTES_PER_ELEMENT;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignmentBytes) * alignmentBytes;
}

export class TensorCache implements KeyValueCache {
  readonly layers: readonly CacheLayer[];
  readonly #memory: CacheMemory;
  #buffer: ArrayBuffer | undefined;

  constructor(
    memory: CacheMemory,
    readonly positions: number,
    shapes: readonly LayerShape[],
    buffer: ArrayBuffer,
  ) {
    this.#memory = memory;
    this.#buffer = buffer;
    let start = 0;
    this.layers = shapes.map(shape => {
      const bytes = bytesOf(shape, positions);
      const data = shape.type === 'float32' ? new Float32Array(buffer, start, bytes / 4) : new Uint16Array(buffer, start, bytes / 2);
      start += aligned(bytes);
      return { ...shape, data };
    });
  }

  get bytes(): number {
    return this.#buffer?.byteLength ?? 0;
  }

  cropped(count: number, room = count): TensorCache {
    if (count === this.positions) return this;
    if (!(count >= 0 && count < this.positions)) {
      throw new RangeError(`A cache of ${this.positions} positions cannot be cropped to ${count}.`);
    }
    const cropped = this.#memory.take(count, room);
    for (const [index, layer] of cropped.layers.entries()) {
      const from = this.layers[index];
      if (from) copyPositions(from.data, this.positions, layer, count, 0, count);
    }
    return cropped;
  }

  /**
   * This one with `count` positions more, in memory of its own. `newRows`: of the layer of that name, [1, heads, count, dimension]. `room`: as in
   * `CacheMemory.take`.
   */
  extended(count: number, newRows: (name: string) => CacheData, room?: number): TensorCache {
    const positions = this.positions + count;
    const extended = this.#memory.take(positions, room);
    for (const [index, layer] of extended.layers.entries()) {
      const from = this.layers[index];
      if (from) copyPositions(from.data, this.positions, layer, positions, 0, this.positions);
      const rows = newRows(layer.name);
      // Anything else would be copied to wrong places, and numbers of another cache would stand where nothing is written.
      if (rows.length !== layer.heads * count * layer.dimension || rows.constructor !== layer.data.constructor)
        throw new RangeError(`The model gives another cache for ${layer.name} than it takes.`);
      copyPositions(rows, count, layer, positions, this.positions, count);
    }
    return extended;
  }

  recycle(): void {
    if (this.#buffer) this.#memory.free(this.#buffer);
    this.#buffer = undefined;
  }
}

/** The first `count` of `positions` to where `at` is, of `intoPositions`: one copy a head, since positions are the third of four dimensions. */
function copyPositions(
  from: CacheData,
  positions: number,
  { data: into, heads, dimension }: CacheLayer,
  intoPositions: number,
  at: number,
  count: number,
): void {
  for (let head = 0; head < heads; head++) {
    const start = head * positions * dimension;
    into.set(from.subarray(start, start + count * dimension), (head * intoPositions + at) * dimension);
  }
}

/**
 * The beginning of a cache in several copies, one for each row of a batch that decodes. They grow by a position at a time, and go back to where
 * they began, in memory that is taken once: it never holds more than what the last position needs.
 */
export class BranchedCache {
  /** Of one copy, with room for all. */
  readonly #room: readonly CacheLayer[];
  readonly #beginning: number;
  #copies: number;
  #positions: number;

  /** Copies of the first `count` positions of `cache`, with room for `mostPositions` each. */
  constructor(cache: TensorCache, count: number, copies: number, mostPositions: number) {
    this.#beginning = count;
    this.#positions = count;
    this.#copies = copies;
    this.#room = cache.layers.map(({ data: from, ...shape }) => {
      const numbers = copies * shape.heads * mostPositions * shape.dimension;
      const data = shape.type === 'float32' ? new Float32Array(numbers) : new Uint16Array(numbers);
      const [stride, begins] = [cache.positions * shape.dimension, count * shape.dimension];
      for (let row = 0; row < copies * shape.heads; row++) {
        const start = (row % shape.heads) * stride;
        data.set(from.subarray(start, start + begins), row * begins);
      }
      return { ...shape, data };
    });
  }

  /** Of all copies, with their room. */
  get bytes(): number {
    return this.#room.reduce((sum, { data }) => sum + data.byteLength, 0);
  }

  get copies(): number {
    return this.#copies;
  }

  get positions(): number {
    return this.#positions;
  }

  /** [copies, heads, positions, dimension] each. */
  get layers(): readonly CacheLayer[] {
    return this.#room.map(layer => {
      const numbers = this.#copies * layer.heads * this.#positions * layer.dimension;
      return { ...layer, data: layer.data.subarray(0, numbers) };
    });
  }

  /** Back to where all copies are the same; `copies`: at most as many as there are. */
  restart(copies: number): void {
    if (copies > this.#copies) throw new RangeError(`There are ${this.#copies} copies of the cache, not ${copies}.`);
    for (const { data, heads, dimension } of this.#room) {
      const [stride, begins] = [this.#positions * dimension, this.#beginning * dimension];
      for (let row = 1; row < copies * heads; row++) data.copyWithin(row * begins, row * stride, row * stride + begins);
    }
    this.#copies = copies;
    this.#positions = this.#beginning;
  }

  /** Adds the last position of what a call gave for each copy: of the layer of that name, [copies, heads, positions, dimension]. */
  append(given: (name: string) => CacheData): void {
    for (const { name, data, heads, dimension } of this.#room) {
      const rows = this.#copies * heads;
      const from = given(name);
      const stride = this.#positions * dimension;
      for (let row = rows - 1; row >= 0; row--) {
        data.copyWithin(row * (stride + dimension), row * stride, (row + 1) * stride);
        const end = ((row + 1) * from.length) / rows;
        data.set(from.subarray(end - dimension, end), row * (stride + dimension) + stride);
      }
    }
    this.#positions++;
  }
}
