/** How long something that is being fetched will still take, rounded for people. */
export interface TimeLeft {
  readonly count: number;
  readonly unit: 'seconds' | 'minutes' | 'hours' | 'days';
}

const speedOverMs = 5_000;
/** Of less no speed can be told. */
const leastSpeedMs = 500;

/** How fast something comes: over the last five seconds, or since it began. Times are of one clock that never goes back, in milliseconds. */
export class TransferSpeed {
  #samples: readonly { readonly atMs: number; readonly bytes: number }[] = [];

  /** Another beginning: what was measured before is no speed of what comes now. */
  reset(): void {
    this.#samples = [];
  }

  /** How much is there at that time. Gives bytes a second; undefined until half a second was measured. Never below 0. */
  measure(atMs: number, bytes: number): number | undefined {
    this.#samples = [...this.#samples.filter(sample => atMs - sample.atMs <= speedOverMs), { atMs, bytes }];
    const [first] = this.#samples;
    if (!first || atMs - first.atMs < leastSpeedMs) return undefined;
    return Math.max(0, ((bytes - first.bytes) * 1000) / (atMs - first.atMs));
  }
}

/** Undefined: at that speed it never ends. More than 24 hours are "a day": nobody can tell how fast it will be then. */
export function timeLeft(missingBytes: number, bytesPerSecond: number): TimeLeft | undefined {
  if (!(bytesPerSecond > 0) || Number.isNaN(missingBytes)) return undefined;
  const seconds = Math.ceil(Math.max(0, missingBytes) / bytesPerSecond);
  if (seconds < 90) return { count: seconds, unit: 'seconds' };
  if (seconds < 90 * 60) return { count: Math.round(seconds / 60), unit: 'minutes' };
  const hours = Math.round(seconds / 3600);
  return hours <= 24 ? { count: hours, unit: 'hours' } : { count: 1, unit: 'days' };
}
