import type { KeptTokens } from './sampling';

const multiplier = 6364136223846793005n;

/** PCG32 (XSH-RR 64/32, O'Neill 2014), seeded like its reference implementation: the same seed and stream give the same numbers everywhere. */
export class SeededRandom {
  #state = 0n;
  readonly #increment: bigint;

  /** Whole numbers. Streams of one seed are independent of each other: one for each of several continuations, say. */
  constructor(seed: number, stream = 0) {
    this.#increment = BigInt.asUintN(64, (BigInt(stream) << 1n) | 1n);
    this.#step();
    this.#state += BigInt(seed);
    this.#step();
  }

  /** A whole number from 0 to 2^32 - 1. */
  next32(): number {
    const state = this.#state;
    this.#step();
    const word = Number(BigInt.asUintN(32, ((state >> 18n) ^ state) >> 27n));
    const turn = Number(state >> 59n);
    return ((word >>> turn) | (word << (-turn & 31))) >>> 0;
  }

  /** From 0 up to but not 1, in steps of 2^-53; takes two of the numbers. */
  uniform(): number {
    const high = this.next32() >>> 5;
    return (high * 2 ** 26 + (this.next32() >>> 6)) / 2 ** 53;
  }

  #step(): void {
    this.#state = BigInt.asUintN(64, this.#state * multiplier + this.#increment);
  }
}

/** A token drawn, and where the number fell: on a bar of the kept tokens, end to end in their order, the token lies from `start` to `end`. */
export interface Drawn {
  readonly id: number;
  /** Index among the kept tokens. */
  readonly place: number;
  /** The number drawn, from 0 up to but not 1. */
  readonly uniform: number;
  readonly start: number;
  readonly end: number;
}

/** Draws one token, using one uniform number: the first at which the cumulative probability exceeds it. */
export function draw(kept: KeptTokens, random: Pick<SeededRandom, 'uniform'>): Drawn {
  const uniform = random.uniform();
  const at = (place: number, start: number): Drawn => {
    return { id: kept.ids[place] ?? 0, place, uniform, start, end: start + (kept.probabilities[place] ?? 0) };
  };
  let drawn = at(0, 0);
  for (let place = 1; place < kept.ids.length && drawn.end <= uniform; place++) {
    // Past a sum that rounding left below 1, tokens of probability 0 may follow: none of them is ever drawn.
    if ((kept.probabilities[place] ?? 0) > 0) drawn = at(place, drawn.end);
  }
  return drawn;
}
