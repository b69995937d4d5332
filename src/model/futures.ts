import type { Continuation } from '../core/futures';
import { drawFromRow } from '../core/rowDraw';
import type { SamplingSettings } from '../core/sampling';
import { SeededRandom } from '../core/seededRandom';
import type { Engine } from './engine';

export interface ContinuationsWanted {
  /** Number of the first: continuation number i draws from stream i of the seed. */
  readonly first: number;
  readonly count: number;
  /** Of each, those of `forced` among them; it has one less where a control token ends it. */
  readonly mostTokens: number;
  readonly sampling: SamplingSettings;
  readonly seed: number;
  /** What all begin with. */
  readonly forced: readonly number[];
  /** None is ended by a control token: they are never drawn. */
  readonly endless?: boolean;
}

/** For the cache in copies: what the runtime makes of it at every step, a copy of all of them, included. */
export const mostCopiedBytes = 256 * 2 ** 20;
/** Never one id alone in a call: the runtime has ways of its own for a single row. Another copy goes with it. */
const fewestCopies = 2;
/** Measured with the bundled model: 1.1 ms a row with 16 rows at a time, 0.85 ms with 46, which had the process grow by 350 MB. */
const mostCopies = 16;

/** How many ids, with all copies of their cache in `mostBytes`, a context of continuations of so many tokens may have, prefix ids included; 0 or less: such continuations cannot be made. */
export function mostInputs(engine: Engine, mostTokens: number, mostBytes: number): number {
  const bytes = 2 * fewestCopies * engine.bytesPerPosition;
  return Math.min(engine.facts.positions, Math.floor(mostBytes / bytes)) - (mostTokens - 1);
}

export interface DecodingLimits {
  /** See `Engine.branch`; false makes the numbers the same at every call. */
  readonly reuses: boolean;
  /** See `mostInputs`. */
  readonly mostBytes: number;
}

/**
 * Seeded continuations of these ids, in the order of their numbers. Where there is no room for as many copies as are wanted, they are decoded group
 * after group. Of the numbers only those of the first token are `Engine.distributionAfter`'s; the others are a draft, see
 * `ScoringSession.step`.
 */
export async function continuationsOf(
  engine: Engine,
  inputs: readonly number[],
  wanted: ContinuationsWanted,
  { reuses, mostBytes }: DecodingLimits,
  signal: AbortSignal,
): Promise<Continuation[]> {
  const { first, count, mostTokens, seed } = wanted;
  const mostPositions = inputs.length + mostTokens - 1; // what follows the last token is not asked
  const room = Math.floor(mostBytes / (2 * engine.bytesPerPosition * mostPositions));
  const copies = Math.max(fewestCopies, Math.min(count, room, mostCopies));
  const { logProbabilities, branches } = await engine.branch(inputs, { copies, mostPositions, reuses }, signal);
  const continuations: Continuation[] = [];
  for (let begun = 0; begun < count; begun += copies) {
    const group = Array.from(
      { length: Math.min(copies, count - begun) },
      (_, index) => new Growing(wanted, new SeededRandom(seed, first + begun + index), engine.facts.tokenizer.vocabulary.controlNames),
    );
    for (const growing of group) growing.add(logProbabilities);
    branches.restart(Math.max(fewestCopies, group.length));
    while (group.some(growing => !growing.isFinished)) {
      await new Promise(setImmediate); // lets a cancellation in, and other calls
      signal.throwIfAborted();
      const fed = Array.from({ length: branches.copies }, (_, index) => (group[index] ?? group[0])?.lastId ?? 0);
      const rows = await engine.step(fed, branches);
      for (const [index, growing] of group.entries()) {
        const row = rows[index];
        if (row && !growing.isFinished) growing.add(row);
      }
    }
    continuations.push(...group.map(growing => growing.finished));
  }
  return continuations;
}

/** One continuation while it is made. Every token takes one number of the stream, a forced one too: later ones draw the same numbers whatever was forced. */
class Growing {
  readonly #wanted: ContinuationsWanted;
  readonly #random: SeededRandom;
  readonly #controlNames: Readonly<Record<number, string>>;
  readonly #ids: number[] = [];
  readonly #logProbabilities: number[] = [];
  readonly #sampled: number[] = [];
  #ended: Continuation['ended'] | undefined;

  constructor(wanted: ContinuationsWanted, random: SeededRandom, controlNames: Readonly<Record<number, string>>) {
    this.#wanted = wanted;
    this.#random = random;
    this.#controlNames = controlNames;
  }

  get isFinished(): boolean {
    return this.#ended !== undefined;
  }

  get lastId(): number {
    return this.#ids.at(-1) ?? 0;
  }

  get finished(): Continuation {
    return {
      ids: Int32Array.from(this.#ids),
      logProbabilities: Float64Array.from(this.#logProbabilities),
      sampledLogProbabilities: Float64Array.from(this.#sampled),
      ended: this.#ended ?? 'length',
    };
  }

  /** The next token, of the distribution after those there are. */
  add(logProbabilities: Float32Array): void {
    const { sampling, forced, mostTokens, endless = false } = this.#wanted;
    const row = endless ? withoutIds(logProbabilities, Object.keys(this.#controlNames).map(Number)) : logProbabilities;
    const { id, probability } = drawFromRow(row, sampling, this.#random.uniform(), forced[this.#ids.length]);
    this.#ids.push(id);
    this.#logProbabilities.push(logProbabilities[id] ?? -Infinity);
    this.#sampled.push(Math.log(probability));
    if (this.#controlNames[id] !== undefined) this.#ended = 'control';
    else if (this.#ids.length >= mostTokens) this.#ended = 'length';
  }
}

function withoutIds(logProbabilities: Float32Array, ids: readonly number[]): Float32Array {
  const left = logProbabilities.slice();
  for (const id of ids) left[id] = -Infinity;
  return left;
}
