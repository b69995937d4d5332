/** What made us run: the kinds of calls by which the extension host comes into our code. */
export type EntryPoint = 'edit' | 'model' | 'scroll' | 'hover' | 'cursor' | 'draw' | 'other';

/** Durations of the synchronous pieces of our own code, in milliseconds; the extension host stands still so long. */
export interface PauseReport {
  readonly pieces: number;
  /** 99.9th percentile of all pieces, up to an eighth of a millisecond above it. */
  readonly p999Ms: number;
  /** The longest piece of each kind that ran at all. */
  readonly longestMs: Readonly<Partial<Record<EntryPoint, number>>>;
}

const bucketsPerMs = 8;
const mostMs = 128;

/** Counts how long our entry points run. It costs two looks at the clock for each, and no memory. */
export class Pauses {
  readonly #buckets = new Uint32Array(bucketsPerMs * mostMs);
  readonly #longestMs = new Map<EntryPoint, number>();
  #running = false;

  /** Runs one synchronous piece of work; one inside another is a part of it. */
  time<T>(entryPoint: EntryPoint, work: () => T): T {
    if (this.#running) return work();
    this.#running = true;
    const start = performance.now();
    try {
      return work();
    } finally {
      this.#running = false;
      this.#add(entryPoint, performance.now() - start);
    }
  }

  /** A listener that is timed. */
  timed<A extends readonly unknown[], R>(entryPoint: EntryPoint, work: (...args: A) => R): (...args: A) => R {
    return (...args) => this.time(entryPoint, () => work(...args));
  }

  /** Since the last report. */
  report(): PauseReport {
    const pieces = this.#buckets.reduce((sum, count) => sum + count, 0);
    const longestMs = Object.fromEntries(this.#longestMs) as Partial<Record<EntryPoint, number>>;
    const report = { pieces, p999Ms: this.#percentile(0.999, pieces), longestMs };
    this.#buckets.fill(0);
    this.#longestMs.clear();
    return report;
  }

  #add(entryPoint: EntryPoint, ms: number): void {
    const bucket = Math.min(this.#buckets.length - 1, Math.floor(ms * bucketsPerMs));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#longestMs.set(entryPoint, Math.max(ms, this.#longestMs.get(entryPoint) ?? 0));
  }

  #percentile(share: number, pieces: number): number {
    const longest = Math.max(0, ...this.#longestMs.values());
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= share * pieces && seen > 0)
        return bucket === this.#buckets.length - 1 ? longest : Math.min(longest, (bucket + 1) / bucketsPerMs);
    }
    return longest;
  }
}
