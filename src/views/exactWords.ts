import type { Answer } from '../documentView';
import type { Place } from './panelAnswers';

/** `texts` as in `ChainParams`. */
export type AskChain<D> = (place: Place<D>, texts: readonly string[], signal: AbortSignal) => Promise<Answer<'chain'>>;

interface Asked<D> {
  readonly place: Place<D>;
  readonly words: readonly string[];
}

/** How probable whole words are at one place, with and without a space before them. One question at a time, the newest; what cannot be known is NaN. */
export class ExactWords<D> {
  readonly #ask: AskChain<D>;
  readonly #answered: (place: Place<D>) => void;
  #run: (Asked<D> & { readonly abort: AbortController }) | undefined;
  #known: (Asked<D> & { readonly probabilities: ReadonlyMap<string, number> }) | undefined;

  constructor(ask: AskChain<D>, answered: (place: Place<D>) => void) {
    this.#ask = ask;
    this.#answered = answered;
  }

  /** By word; undefined: not known yet, and asked for now. */
  at(place: Place<D>, words: readonly string[]): ReadonlyMap<string, number> | undefined {
    const asked = { place, words };
    if (this.#known && isSame(this.#known, asked)) return this.#known.probabilities;
    if (!this.#run || !isSame(this.#run, asked)) void this.#askAt(asked);
    return undefined;
  }

  /** Stops asking, unless it is about this place. */
  leave(place: Place<D> | undefined): void {
    if (place && this.#run && isSamePlace(this.#run.place, place)) return;
    this.#run?.abort.abort();
    this.#run = undefined;
  }

  forget(): void {
    this.leave(undefined);
    this.#known = undefined;
  }

  async #askAt({ place, words }: Asked<D>): Promise<void> {
    this.leave(undefined);
    const run = { place, words, abort: new AbortController() };
    this.#run = run;
    const spellings = words.flatMap(word => [` ${word}`, word]);
    let logs: Float64Array | undefined;
    try {
      logs = (await this.#ask(place, spellings, run.abort.signal)).result.logProbabilities;
    } catch {
      logs = undefined; // the distribution itself, which is asked for as well, says what is wrong
    }
    if (run.abort.signal.aborted) return; // a newer question has its own run
    this.#run = undefined;
    const of = (index: number) => Math.exp(logs?.[2 * index] ?? NaN) + Math.exp(logs?.[2 * index + 1] ?? NaN);
    this.#known = { place, words, probabilities: new Map(words.map((word, index) => [word, of(index)])) };
    this.#answered(place);
  }
}

export function isSamePlace<D>(a: Place<D>, b: Place<D>): boolean {
  const isSameText = a.document === b.document && a.version === b.version && a.offset === b.offset;
  return isSameText && a.after.length === b.after.length && a.after.every((id, index) => id === b.after[index]);
}

function isSame<D>(a: Asked<D>, b: Asked<D>): boolean {
  return isSamePlace(a.place, b.place) && a.words.length === b.words.length && a.words.every((word, index) => word === b.words[index]);
}
