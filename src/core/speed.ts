/** What a computation would cost. */
export interface Cost {
  readonly tokens: number;
  /** By the speed measured in this session; undefined: nothing was measured yet. */
  readonly seconds: number | undefined;
}

/** What takes longer is announced, and begins when somebody says so. */
const longSeconds = 5;
/** Before anything was measured: the bundled model in float32 arithmetic on two cores. */
const usualSecondsPerToken = 0.0035;
/** The same of a reading, in the arithmetic that the model is built for: 0.00196 on half of two cores for 19,032 tokens of TypeScript in windows by text. */
export const usualReadingSecondsPerToken = 0.002;
/** Runs below this are mostly waiting. */
const leastMeasuredTokens = 16;

/** How fast the model answers questions of one kind in this session. Of the last two runs the faster one counts: in the other the model may have had to be loaded. */
export class Speed {
  readonly #taken: readonly number[];
  #secondsPerToken: readonly number[];

  /** `taken`: seconds per token, as if a run before the first one had been as fast. */
  constructor(taken?: number) {
    this.#taken = taken === undefined ? [] : [taken];
    this.#secondsPerToken = this.#taken;
  }

  /** Another model is in use. */
  forget(): void {
    this.#secondsPerToken = this.#taken;
  }

  /** `weight`: the tokens of a run, with what it takes beside them counted in tokens, too. */
  ran(weight: number, seconds: number): void {
    if (weight >= leastMeasuredTokens) this.#secondsPerToken = [...this.#secondsPerToken.slice(-1), seconds / weight];
  }

  /** `others`: whose speed is taken until such a run was measured. */
  cost(tokens: number, weight = tokens, others?: Speed): Cost {
    const measured = this.#secondsPerToken.length === 0 && others ? others : this;
    return { tokens, seconds: measured.#secondsFor(weight) };
  }

  #secondsFor(weight: number): number | undefined {
    return this.#secondsPerToken.length === 0 ? undefined : weight * Math.min(...this.#secondsPerToken);
  }
}

export function expectedSeconds({ tokens, seconds }: Cost): number {
  return seconds ?? tokens * usualSecondsPerToken;
}

/** It is not begun unasked. */
export function isLong(cost: Cost): boolean {
  return expectedSeconds(cost) > longSeconds;
}
