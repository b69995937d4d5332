/** Rounds, medians, and the lines of the report. */

/** What a line is held against. `noise` is added to it before a miss is called: small, and stated in the report. */
export interface Budget {
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly noise: number;
}

/** One line of the report. */
export interface Line {
  readonly what: string;
  readonly value: number;
  /** Of `value`; `x` is a ratio. */
  readonly unit: 'x' | 'tokens' | 'ms' | 's' | 'MB' | 'processes' | 'tokens/s';
  /** Undefined: only reported. */
  readonly budget?: Budget;
  /** The two medians of a ratio, in milliseconds. */
  readonly mediansMs?: readonly [measured: number, reference: number];
  /** How often it was measured, warm-up not counted. */
  readonly n: number;
  readonly spread?: { readonly of: string; readonly low: number; readonly high: number };
  readonly note?: string;
}

export type Verdict = 'pass' | 'within noise' | 'MISS' | 'reported';

export function verdictOf({ value, budget }: Line): Verdict {
  if (!budget) return 'reported';
  const { atMost = Infinity, atLeast = -Infinity, noise } = budget;
  if (value <= atMost && value >= atLeast) return 'pass';
  return value <= atMost + noise && value >= atLeast - noise ? 'within noise' : 'MISS';
}

export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * fraction;
  const low = sorted[Math.floor(place)] ?? NaN;
  const high = sorted[Math.ceil(place)] ?? NaN;
  return low + (high - low) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quartiles(values: readonly number[]): NonNullable<Line['spread']> {
  return { of: 'quartiles', low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

export function extremes(values: readonly number[]): NonNullable<Line['spread']> {
  return { of: 'least and most', low: Math.min(...values), high: Math.max(...values) };
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Milliseconds of each round, by side. */
export type Times<Side extends string> = Readonly<Record<Side, readonly number[]>>;

/**
 * Runs every side once a round, each round beginning with another one, so that a machine that becomes slower or faster does so for all.
 * A side gives its own milliseconds. Rounds are numbered from 0; the first `warmUp` are run and not counted.
 */
export async function interleaved<Side extends string>(
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: number },
  sides: Readonly<Record<Side, (round: number) => Promise<number>>>,
): Promise<Times<Side>> {
  const names = Object.keys(sides) as Side[]; // what the type of `sides` says
  const times = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<Side, number[]>;
  for (let round = 0; round < warmUp + rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      if (name === undefined) continue;
      await rest();
      const ms = await sides[name](round);
      if (round >= warmUp) times[name].push(ms);
    }
  }
  return times;
}

/** Lets the threads of the process that worked last go to sleep: they spin for a while, on the cores the next one needs. */
export function rest(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 30));
}

/** The ratio of two sides' medians, with the quartiles of the ratios within each round. */
export function ratioLine(
  what: string,
  measured: readonly number[],
  reference: readonly number[],
  more: Pick<Line, 'budget' | 'note'> = {},
): Line {
  const ratios = measured.map((ms, round) => ms / (reference[round] ?? NaN));
  return {
    what,
    value: median(measured) / median(reference),
    unit: 'x',
    mediansMs: [median(measured), median(reference)],
    n: measured.length,
    spread: quartiles(ratios),
    ...more,
  };
}

/** A generator of its own for each use, so that a run can be repeated. Numerical Recipes' constants. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
