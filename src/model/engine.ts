import { newRows } from '../core/scoreTable';
import { rowState } from '../core/scores';
import type { Arithmetic, ModelKey, ScoredRows } from '../core/scores';
import type { QueuedRows } from '../core/scoreQueue';
import { ModelError } from './errors';
import type { BranchedCache, KeyValueCache } from './kvCache';
import type { PreambleReader } from './preamble';
import type { HeadRows, RowsOfTexts, RowsWanted, ScoringSession, Wanted } from './session';
import { commonPrefix, Snapshots } from './snapshots';
import { noSets } from './tokenSets';
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

/** A row of one of several texts. */
export interface TextRow {
  /** Which of them. */
  readonly text: number;
  /** Index within the text of the input whose next token is asked about. */
  readonly input: number;
  /** The token that follows it. */
  readonly label: number;
}

/** Texts [first, end), each filled up to one length. */
interface TextBatch {
  readonly first: number;
  readonly end: number;
  readonly length: number;
  readonly ids: readonly number[];
}

interface Remembered {
  readonly inputs: readonly number[];
  readonly logProbabilities: Float32Array;
}

interface RunOptions {
  readonly signal: AbortSignal;
  readonly goesOn?: () => boolean;
  /** False: no kept cache is used. */
  readonly reuses?: boolean;
  readonly chunkTokens?: number;
}

/** Never one id alone in a call: the runtime takes another path for it, whose numbers differ (measured: up to half a bit). */
const fewestIds = 2;
/** Where one row is wanted of many, a call can be larger: most of a small one is spent on unpacking weights. */
const distributionChunk = 2;
/** What is explained is asked about again and again, 200 kB each. */
const mostRemembered = 2;

/** Runs one model in one arithmetic: feeds token ids in chunks over key/value caches, gives rows of scores. */
export class Engine {
  readonly facts: ModelFacts;
  readonly arithmetic: Arithmetic;
  readonly #session: ScoringSession;
  readonly #snapshots: Snapshots;
  readonly #chunkTokens: number;
  /** Those asked about last, the last one first. */
  #remembered: readonly Remembered[] = [];
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
    await this.#run(inputs, inputOf(row), isNear, { signal, goesOn }, async (firstInput, ids, past, kept) => {
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
   * Natural logarithms of the probabilities of what follows these ids, over the vocabulary; not to be changed; `inputs` must not be empty. `isNear`: as in
   * `QueuedRows`.
   */
  async distributionAfter(inputs: readonly number[], signal: AbortSignal, isNear = true): Promise<Float32Array> {
    const known = this.#remembered.find(other => sameIds(other.inputs, inputs));
    // Without its cache, what comes next would have to be run anew from the beginning: it is made again, where it can be kept.
    if (known && (this.holds(inputs) || !this.canKeep(inputs.length))) return known.logProbabilities;
    let found: Float32Array | undefined;
    const last = inputs.length - 1;
    const chunkTokens = this.#session.projectsRows ? distributionChunk * this.#chunkTokens : this.#chunkTokens;
    await this.#run(inputs, last, isNear, { signal, chunkTokens }, async (firstInput, ids, past, kept) => {
      const holdsLast = last < firstInput + ids.length;
      const result = await this.#session.run(ids, past, { distributionAt: holdsLast ? last - firstInput : undefined, ...kept });
      found = result.logProbabilities;
      return result.cache;
    });
    if (!found) throw new ModelError('internal', 'No distribution came back for the last id.');
    if (isNear) this.#remembered = [{ inputs, logProbabilities: found }, ...this.#remembered].slice(0, mostRemembered);
    return found;
  }

  /**
   * Rows of texts that are read each by itself, with nothing before it, through `onRows` with the index of the first; texts must not be empty, rows
   * are in the order of their texts, those of one text in the order of its inputs. Texts of about one length are read several in a call: measured up to four times as fast in
   * float32, where a call unpacks all weights, and 1.2 to 2.2 times in native arithmetic, with the same numbers. No call is larger than usual: a longer text is read in
   * chunks, and what it begins like the next one is read once for both.
   */
  async readTexts(
    texts: readonly (readonly number[])[],
    rows: readonly TextRow[],
    topCount: number,
    signal: AbortSignal,
    onRows: (first: number, rows: HeadRows) => void,
  ): Promise<void> {
    let firstRow = 0;
    for (const batch of this.#batches(texts)) {
      let endRow = firstRow;
      while (endRow < rows.length && (rows[endRow]?.text ?? 0) < batch.end) endRow++;
      const long = batch.ids.length > this.#chunkTokens ? texts[batch.first] : undefined;
      const keeps = long !== undefined && this.#isBeginningOf(long, texts[batch.end]);
      // One text may have any number of rows: what they take is kept as small as elsewhere.
      const most = Math.max(this.#chunkTokens, batch.ids.length);
      for (; firstRow < endRow; firstRow = Math.min(endRow, firstRow + most)) {
        const wanted = rows.slice(firstRow, Math.min(endRow, firstRow + most));
        if (long) {
          const from = firstRow;
          await this.#readLong(long, wanted, topCount, keeps, signal, (first, found) => onRows(from + first, found));
          continue;
        }
        const at = wanted.map(({ text, input }) => (text - batch.first) * batch.length + input);
        const labels = Int32Array.from(wanted, ({ label }) => label);
        const result = await this.#runBatch(batch, { at, labels, topCount, sets: noSets }, [], signal);
        if (result.rows) onRows(firstRow, result.rows);
      }
    }
  }

  /**
   * What follows each of these texts, as `distributionAfter` has it, none of whose caches is kept; short ones are read as by `readTexts`: those of about one
   * length should be neighbours.
   */
  async distributionsAfter(texts: readonly (readonly number[])[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const found: Float32Array[] = [];
    for (const batch of this.#batches(texts)) {
      if (batch.end - batch.first === 1) {
        found.push(await this.distributionAfter(texts[batch.first] ?? [], signal, false));
        continue;
      }
      const at = texts.slice(batch.first, batch.end).map((text, index) => index * batch.length + text.length - 1);
      found.push(...(await this.#runBatch(batch, undefined, at, signal)).whole);
    }
    return found;
  }

  /** Most of a text is what the next one begins with, and no kept cache has that. */
  #isBeginningOf(text: readonly number[], next: readonly number[] | undefined): boolean {
    const shared = next ? commonPrefix(text, next) : 0;
    return 2 * shared > text.length && !this.holds(text.slice(0, shared));
  }

  /** Rows of one text in the order of their inputs, chunk by chunk, over what a kept cache holds of it; `onRows` with the index of the first. */
  async #readLong(
    text: readonly number[],
    rows: readonly TextRow[],
    topCount: number,
    keeps: boolean,
    signal: AbortSignal,
    onRows: (first: number, rows: HeadRows) => void,
  ): Promise<void> {
    let row = 0;
    const inputs = text.slice(0, 1 + (rows.at(-1)?.input ?? 0)); // a call of which nothing is asked fails
    await this.#run(inputs, rows[0]?.input ?? 0, keeps, { signal }, async (firstInput, ids, past, kept) => {
      const wanted = rows.slice(row).filter(({ input }) => input < firstInput + ids.length);
      const at = wanted.map(({ input }) => input - firstInput);
      const labels = Int32Array.from(wanted, ({ label }) => label);
      const asked = wanted.length > 0 ? { at, labels, topCount, sets: noSets } : undefined;
      const result = await this.#session.run(ids, past, { rows: asked, ...kept });
      if (result.rows) onRows(row, result.rows);
      row += wanted.length;
      return result.cache;
    });
  }

  /** Texts of which as many go into a call as make no larger one than usual; at the end of a shorter one stands what nobody reads: it changes nothing before it. */
  #batches(texts: readonly (readonly number[])[]): TextBatch[] {
    const batches: TextBatch[] = [];
    for (let first = 0; first < texts.length; first = batches.at(-1)?.end ?? texts.length) {
      let end = first;
      let length = fewestIds;
      for (; end < texts.length; end++) {
        const longest = Math.max(length, texts[end]?.length ?? 0);
        if (end > first && longest * (end + 1 - first) > this.#chunkTokens) break;
        length = longest;
      }
      const filled = (text: readonly number[]) => Array.from({ length }, (_, index) => text[index] ?? text[0] ?? 0);
      batches.push({ first, end, length, ids: texts.slice(first, end).flatMap(filled) });
    }
    return batches;
  }

  async #runBatch({ first, end, ids }: TextBatch, rows: RowsOfTexts | undefined, whole: readonly number[], signal: AbortSignal) {
    await new Promise(setImmediate); // lets a cancellation in, and other calls
    signal.throwIfAborted();
    this.tokensRun += ids.length;
    this.modelCalls++;
    return this.#session.runTexts(ids, end - first, rows, whole);
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
    await this.#run(inputs, last, reuses, { signal, reuses }, async (firstInput, ids, past, kept) => {
      const holdsLast = last < firstInput + ids.length;
      const distributionAt = holdsLast ? last - firstInput : undefined;
      const { cache, logProbabilities } = await this.#session.run(ids, past, { distributionAt, ...kept, cache: true });
      if (cache && logProbabilities) {
        found = { logProbabilities, branches: this.#session.branched(cache, inputs.length, copies, mostPositions) };
      }
      return cache;
    });
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

  /** The cache of so many ids fits into what may be kept. */
  canKeep(positions: number): boolean {
    return this.#snapshots.hasRoomFor(this.#session.cacheBytes(positions));
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
   */
  async #run(
    inputs: readonly number[],
    from: number,
    keepCache: boolean,
    { signal, goesOn = always, reuses = true, chunkTokens = this.#chunkTokens }: RunOptions,
    call: (
      firstInput: number,
      ids: readonly number[],
      past: KeyValueCache,
      kept: Pick<Wanted, 'cache' | 'room'>,
    ) => Promise<KeyValueCache | undefined>,
  ): Promise<void> {
    // A lone id gets a companion whose row nobody reads; being after it, it changes nothing.
    const fed = inputs.length === 1 ? [...inputs, ...inputs] : inputs;
    const best = reuses ? this.#snapshots.best(this, fed) : undefined;
    const reused = Math.max(0, Math.min(best?.covers ?? 0, from, fed.length - fewestIds));
    const source = best && reused > 0 ? best.cache : this.#session.emptyCache;
    const bytes = this.#session.cacheBytes(fed.length);
    // What a kept cache covers is not kept once more.
    const keeps = keepCache && this.canKeep(fed.length) && best?.covers !== fed.length;
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
        const count = rest - chunkTokens < fewestIds ? rest : chunkTokens;
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

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && commonPrefix(a, b) === a.length;
}

function always(): boolean {
  return true;
}
