/** What made us run: the kinds of calls by which the extension host comes into our code. */
export type EntryPoint = 'edit' | 'model' | 'scroll' | 'hover' | 'cursor' | 'draw' | 'other';

/** Durations of the synchronous pieces of our own code, in milliseconds; the extension host stands still so long. */
export interface PauseReport {
  readonly pieces: number;
  /** 99.9th percentile of all pieces, up to an eighth of a millisecond above it: by the clock on the wall, as a user waits. */
  readonly p999Ms: number;
  /**
   * The same without the time in which another program had the processor: never more than the wall's, nor than what this process used. Of pieces
   * since the first report.
   */
  readonly p999CpuMs: number;
  /** The longest piece of each kind that ran at all. */
  readonly longestMs: Readonly<Partial<Record<EntryPoint, number>>>;
}

const bucketsPerMs = 8;
const mostMs = 128;

/** Counts how long our entry points run. It costs a few looks at the clocks for each, and no memory. */
export class Pauses {
  readonly #wall = new Histogram();
  readonly #cpu = new Histogram();
  readonly #longestMs = new Map<EntryPoint, number>();
  #running = false;
  /** Asking for the processor's time takes 60 microseconds where a process has many threads: not before somebody has asked for a report. */
  #countsCpu = false;

  /** Runs one synchronous piece of work; one inside another is a part of it. */
  time<T>(entryPoint: EntryPoint, work: () => T): T {
    if (this.#running) return work();
    this.#running = true;
    const cpuBefore = this.#countsCpu ? process.cpuUsage() : undefined;
    const start = performance.now();
    try {
      return work();
    } finally {
      this.#running = false;
      const wallMs = performance.now() - start;
      this.#wall.add(wallMs);
      if (cpuBefore) {
        const { user, system } = process.cpuUsage(cpuBefore); // of all threads: the garbage collector's helpers are in it
        this.#cpu.add(Math.min(wallMs, (user + system) / 1000));
      }
      this.#longestMs.set(entryPoint, Math.max(wallMs, this.#longestMs.get(entryPoint) ?? 0));
    }
  }

  /** A listener that is timed. */
  timed<A extends readonly unknown[], R>(entryPoint: EntryPoint, work: (...args: A) => R): (...args: A) => R {
    return (...args) => this.time(entryPoint, () => work(...args));
  }

  /** Since the last report. */
  report(): PauseReport {
    const longestMs = Object.fromEntries(this.#longestMs) as Partial<Record<EntryPoint, number>>;
    const report = { pieces: this.#wall.count, p999Ms: this.#wall.quantile(0.999), p999CpuMs: this.#cpu.quantile(0.999), longestMs };
    this.#wall.clear();
    this.#cpu.clear();
    this.#longestMs.clear();
    this.#countsCpu = true;
    return report;
  }
}

/** Of durations, in steps of an eighth of a millisecond. */
class Histogram {
  readonly #buckets = new Uint32Array(bucketsPerMs * mostMs);
  #longestMs = 0;
  count = 0;

  add(ms: number): void {
    const bucket = Math.min(this.#buckets.length - 1, Math.floor(ms * bucketsPerMs));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#longestMs = Math.max(this.#longestMs, ms);
    this.count++;
  }

  quantile(share: number): number {
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= share * this.count && seen > 0)
        return bucket === this.#buckets.length - 1 ? this.#longestMs : Math.min(this.#longestMs, (bucket + 1) / bucketsPerMs);
    }
    return this.#longestMs;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#longestMs = 0;
    this.count = 0;
  }
}
