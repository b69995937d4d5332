import { newRows } from '../core/scoreTable';
import { rowState } from '../core/scores';
import type { Arithmetic, ModelKey, ScoredRows } from '../core/scores';
import type { QueuedRows } from '../core/scoreQueue';
import { ModelError } from './errors';
import type { BranchedCache, KeyValueCache } from './kvCache';
import type { PreambleReader } from './preamble';
import type { RowsWanted, ScoringSession, Wanted } from './session';
import { Snapshots } from './snapshots';
import type { TextTokenizer } from './tokens';

/** What every engine of one model shares. */
export interface ModelFacts {
  /** In native arithmetic. */
  readonly key: ModelKey;
  readonly name: string;
  readonly positions: number;
  readonly startTokenId: number | null;
  readonly tokenizer: TextTokenizer;
  readonly preambles: PreambleReader;
}

/** Runs one model in one arithmetic: feeds token ids in chunks over key/value caches, gives rows of scores. */
export class Engine {
  readonly facts: ModelFacts;
  readonly arithmetic: Arithmetic;
  readonly #session: ScoringSession;
  readonly #snapshots: Snapshots;
  readonly #chunkTokens: number;
  /** Ids given to the model so far. */
  tokensRun = 0;
  modelCalls = 0;

  constructor(facts: ModelFacts, arithmetic: Arithmetic, session: ScoringSession, snapshots: Snapshots, chunkTokens: number) {
    this.facts = facts;
    this.arithmetic = arithmetic;
    this.#session = session;
    this.#snapshots = snapshots;
    this.#chunkTokens = chunkTokens;
  }

  /**
   * Scores rows of one window, chunk by chunk through `onRows`; between chunks it looks at the signal and asks `goesOn`. What was run before
   * an early end is kept, and so is the cache of rows that are near.
   */
  async score(
    prefixIds: readonly number[],
    tokenIds: Int32Array,
    { window, first, end, isNear }: QueuedRows,
    columns: Pick<RowsWanted, 'topCount' | 'sets'>,
    signal: AbortSignal,
    goesOn: () => boolean,
    onRows: (rows: ScoredRows) => void,
  ): Promise<void> {
    // The row of token t comes from the input before it.
    const inputOf = (token: number) => prefixIds.length + token - window.start - 1;
    let row = first;
    if (inputOf(row) < 0) {
      const rows = newRows(row, 1, { topCount: columns.topCount, watchCount: columns.sets.count - 1 });
      rows.states[0] = rowState.unscored;
      onRows(rows);
      row++;
    }
    if (row >= end) return;
    const inputs = [...prefixIds, ...tokenIds.subarray(window.start, end - 1)];
    await this.#run(inputs, inputOf(row), isNear, signal, goesOn, async (firstInput, ids, past, kept) => {
      const skipped = Math.max(0, inputOf(row) - firstInput);
      const count = Math.min(end - row, Math.max(0, ids.length - skipped));
      const labels = tokenIds.subarray(row, row + count);
      const wanted: RowsWanted | undefined = count > 0 ? { first: skipped, labels, ...columns } : undefined;
      const result = await this.#session.run(ids, past, { rows: wanted, ...kept });
      if (result.rows) {
        onRows({
          ...result.rows,
          first: row,
          states: new Uint8Array(count).fill(rowState.scored),
          contextTokens: Int32Array.from({ length: count }, (_, index) => row + index - window.start),
        });
        row += count;
      }
      return result.cache;
    });
  }

  /**
   * Natural logarithms of the probabilities of what follows these ids, over the vocabulary; `inputs` must not be empty. `isNear`: as in
   * `QueuedRows`.
   */
  async distributionAfter(inputs: readonly number[], signal: AbortSignal, isNear = true): Promise<Float32Array> {
    let found: Float32Array | undefined;
    const last = inputs.length - 1;
    await this.#run(inputs, last, isNear, signal, always, async (firstInput, ids, past, kept) => {
      const holdsLast = last < firstInput + ids.length;
      const result = await this.#session.run(ids, past, { distributionAt: holdsLast ? last - firstInput : undefined, ...kept });
      found = result.logProbabilities;
      return result.cache;
    });
    if (!found) throw new ModelError('internal', 'No distribution came back for the last id.');
    return found;
  }

  /** Of one copy of a cache. */
  get bytesPerPosition(): number {
    return this.#session.bytesPerPosition;
  }

  /**
   * What follows these ids, as `distributionAfter` has it, and their cache in `copies` with room for `mostPositions` each: a start for `step`.
   * `reuses` false: nothing is taken from kept caches, so that the numbers are the same whatever was run before, to the last bit.
   */
  async branch(
    inputs: readonly number[],
    { copies, mostPositions, reuses }: { readonly copies: number; readonly mostPositions: number; readonly reuses: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly logProbabilities: Float32Array; readonly branches: BranchedCache }> {
    let found: { readonly logProbabilities: Float32Array; readonly branches: BranchedCache } | undefined;
    const last = inputs.length - 1;
    await this.#run(
      inputs,
      last,
      reuses,
      signal,
      always,
      async (firstInput, ids, past, kept) => {
        const holdsLast = last < firstInput + ids.length;
        const distributionAt = holdsLast ? last - firstInput : undefined;
        const { cache, logProbabilities } = await this.#session.run(ids, past, { distributionAt, ...kept, cache: true });
        if (cache && logProbabilities) {
          found = { logProbabilities, branches: this.#session.branched(cache, inputs.length, copies, mostPositions) };
        }
        return cache;
      },
      reuses,
    );
    if (!found) throw new ModelError('internal', 'No distribution came back for the last id.');
    return found;
  }

  /** Feeds one id more to each copy; see `ScoringSession.step`. */
  step(ids: readonly number[], branches: BranchedCache): Promise<readonly Float32Array[]> {
    this.tokensRun += ids.length;
    this.modelCalls++;
    return this.#session.step(ids, branches);
  }

  /** The same model in the same chunks through another session of it, with a kept cache of its own of at most so many positions. */
  through(session: ScoringSession, mostPositions: number): Engine {
    return new Engine(this.facts, this.arithmetic, session, new Snapshots(session.cacheBytes(mostPositions)), this.#chunkTokens);
  }

  /** A run that begins with these ids, one or none of them excepted, would go on from a kept cache. */
  holds(inputs: readonly number[]): boolean {
    return (this.#snapshots.best(this, inputs)?.covers ?? 0) >= inputs.length - 1;
  }

  async dispose(): Promise<void> {
    this.#snapshots.forget(this);
    await this.#session.dispose();
  }

  /**
   * Feeds `inputs` in chunks over what a kept cache already holds of them, so that at least the row of input `from` is computed again.
   * Never one id in a call: the runtime takes another path for it, whose numbers differ (measured: up to half a bit).
   */
  async #run(
    inputs: readonly number[],
    from: number,
    keepCache: boolean,
    signal: AbortSignal,
    goesOn: () => boolean,
    call: (
      firstInput: number,
      ids: readonly number[],
      past: KeyValueCache,
      kept: Pick<Wanted, 'cache' | 'room'>,
    ) => Promise<KeyValueCache | undefined>,
    reuses = true,
  ): Promise<void> {
    // A lone id gets a companion whose row nobody reads; being after it, it changes nothing.
    const fed = inputs.length === 1 ? [...inputs, ...inputs] : inputs;
    const best = reuses ? this.#snapshots.best(this, fed) : undefined;
    const reused = Math.max(0, Math.min(best?.covers ?? 0, from, fed.length - 2));
    const source = best && reused > 0 ? best.cache : this.#session.emptyCache;
    const bytes = this.#session.cacheBytes(fed.length);
    // What a kept cache covers is not kept once more.
    const keeps = keepCache && this.#snapshots.hasRoomFor(bytes) && best?.covers !== fed.length;
    const lent = this.#snapshots.lend(source);
    let held = source;
    let done = reused;
    try {
      while (done < fed.length) {
        await new Promise(setImmediate); // lets a cancellation in, and calls for other documents
        signal.throwIfAborted();
        if (!goesOn()) return;
        if (done === reused) {
          if (keeps) this.#snapshots.makeRoom(this, fed, bytes);
          held = source.cropped(reused, fed.length);
        }
        const rest = fed.length - done;
        const count = rest - this.#chunkTokens < 2 ? rest : this.#chunkTokens;
        this.tokensRun += count;
        this.modelCalls++;
        const isLast = count === rest;
        const next = await call(done, fed.slice(done, done + count), held, { cache: !isLast || keeps, room: fed.length });
        if (held !== source) held.recycle();
        held = next ?? this.#session.emptyCache;
        done += count;
      }
    } finally {
      lent.giveBack();
      // Nothing new where nothing was run; and a cache that stayed in the runtime is empty.
      const isNew = done > reused && held.positions === done;
      // One that was ended early has memory for all: not worth keeping, so all but the last of it goes to memory of its own size.
      const last = isNew && done > 2 && done < fed.length / 2 ? held.cropped(done - 1) : held;
      const isKept = isNew && this.#snapshots.keep(this, fed.slice(0, last.positions), last);
      if (last !== held || (!isKept && held !== source)) held.recycle();
    }
  }
}

function always(): boolean {
  return true;
}
