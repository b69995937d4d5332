import type { Vocabulary } from '../core/vocabulary';
import type { Engine } from './engine';
import type { BranchedCache } from './kvCache';

export interface DraftWanted {
  /** What it begins with: bytes that its first tokens spell, the last of them perhaps going on after them; or these very tokens. */
  readonly begins: Uint8Array | readonly number[];
  /** Those it begins with among them. */
  readonly mostTokens: number;
  readonly leastProbability: number;
  /** See `DraftParams`. */
  readonly atLineEnd: boolean;
}

/** See `DraftResult`. */
export interface Draft {
  readonly ids: Int32Array;
  readonly logProbabilities: Float64Array;
  readonly givenTokens: number;
  readonly givenLogProbability: number;
  readonly ended: 'improbable' | 'length' | 'line-end' | 'control';
}

/** Ways to spell what a draft begins with that are looked into: each costs a step, and the first few are all that is likely. */
const mostLookups = 16;

/**
 * The most probable token after these ids, the most probable one after that, and so on. Where it begins with bytes, it does with the most probable
 * tokens that spell them: how a word that is begun goes on is not decided by how its beginning would be tokenised alone (Vieira et al. 2024,
 * 2412.03719, where these are the members of a cover). Its numbers but the first are a draft's, see `ScoringSession.step`.
 */
export async function draftOf(
  engine: Engine,
  inputs: readonly number[],
  { begins, mostTokens, leastProbability, atLineEnd }: DraftWanted,
  vocabulary: Vocabulary,
  signal: AbortSignal,
): Promise<Draft> {
  const mostPositions = inputs.length + mostTokens - 1; // what follows the last token is not asked
  const begun = await engine.branch(inputs, { copies: 1, mostPositions, reuses: true }, signal);
  const rows = new Rows(engine, begun.logProbabilities, begun.branches, signal);
  const beginning = begins instanceof Uint8Array ? await spelling(rows, begins, mostTokens, vocabulary) : await exactly(rows, begins);
  if (!beginning || Math.exp(beginning.givenLog) < leastProbability) return nothing;
  const ids = [...beginning.ids];
  const logs = [...beginning.logs];
  const line = new LineEnd(vocabulary, begins instanceof Uint8Array ? begins.length : 0, ids);
  const draft = (ended: Draft['ended']): Draft => ({
    ids: Int32Array.from(ids),
    logProbabilities: Float64Array.from(logs),
    givenTokens: beginning.ids.length,
    givenLogProbability: beginning.givenLog,
    ended,
  });
  for (;;) {
    if (atLineEnd && line.isEnded) return draft('line-end');
    if (ids.length >= mostTokens) return draft('length');
    const row = await rows.after(ids);
    const id = likeliest(row);
    const log = row[id] ?? -Infinity;
    if (Math.exp(log) < leastProbability) return draft('improbable');
    if (vocabulary.controlNameOf(id) !== undefined) return draft('control');
    ids.push(id);
    logs.push(log);
    line.add(id);
  }
}

const nothing: Draft = {
  ids: new Int32Array(),
  logProbabilities: new Float64Array(),
  givenTokens: 0,
  givenLogProbability: 0,
  ended: 'improbable',
};

/** Distributions after tokens that follow a text: feeds what was not fed yet, going back where it has to. */
class Rows {
  readonly #engine: Engine;
  readonly #first: Float32Array;
  readonly #branches: BranchedCache;
  readonly #signal: AbortSignal;
  #fed: readonly number[] = [];
  #last: Float32Array;

  constructor(engine: Engine, first: Float32Array, branches: BranchedCache, signal: AbortSignal) {
    this.#engine = engine;
    this.#first = first;
    this.#last = first;
    this.#branches = branches;
    this.#signal = signal;
  }

  async after(ids: readonly number[]): Promise<Float32Array> {
    if (this.#fed.some((id, index) => ids[index] !== id)) {
      this.#branches.restart(1);
      this.#fed = [];
      this.#last = this.#first;
    }
    while (this.#fed.length < ids.length) {
      await new Promise(setImmediate); // lets a cancellation in, and other calls
      this.#signal.throwIfAborted();
      const id = ids[this.#fed.length] ?? 0;
      [this.#last = this.#first] = await this.#engine.step([id], this.#branches);
      this.#fed = [...this.#fed, id];
    }
    return this.#last;
  }
}

/** Tokens that spell the beginning of some bytes, or all of them and perhaps more. */
interface Path {
  readonly ids: readonly number[];
  readonly logs: readonly number[];
  /** Of all of them. */
  readonly log: number;
  readonly spelled: number;
}

interface Beginning extends Path {
  /** Natural logarithm of its share of all ways to begin like that, at least. */
  readonly givenLog: number;
}

async function exactly(rows: Rows, ids: readonly number[]): Promise<Beginning> {
  const logs: number[] = [];
  for (const [index, id] of ids.entries()) logs.push((await rows.after(ids.slice(0, index)))[id] ?? -Infinity);
  return { ids, logs, log: logs.reduce((sum, log) => sum + log, 0), spelled: 0, givenLog: 0 };
}

/**
 * The most probable of all ways to spell the bytes: the more probable beginnings are looked into first, so the first that is complete is the best. Of
 * bytes that nobody would write here it is any way.
 */
async function spelling(rows: Rows, bytes: Uint8Array, mostTokens: number, vocabulary: Vocabulary): Promise<Beginning | undefined> {
  const { offsets } = vocabulary.data;
  let open: Path[] = [{ ids: [], logs: [], log: 0, spelled: 0 }];
  let completeMass = bytes.length === 0 ? 1 : 0;
  for (let lookups = 0; ; lookups++) {
    const isComplete = ({ spelled }: Path) => spelled >= bytes.length;
    const best = lookups < mostLookups ? mostProbable(open) : (mostProbable(open.filter(isComplete)) ?? furthest(open));
    if (!best) return undefined;
    if (isComplete(best)) {
      const openMass = open.reduce((sum, path) => sum + (isComplete(path) ? 0 : Math.exp(path.log)), 0);
      return { ...best, givenLog: best.log - Math.log(completeMass + openMass) };
    }
    open = open.filter(path => path !== best);
    const row = await rows.after(best.ids);
    const extended = (id: number): Path => ({
      ids: [...best.ids, id],
      logs: [...best.logs, row[id] ?? -Infinity],
      log: best.log + (row[id] ?? -Infinity),
      spelled: best.spelled + vocabulary.bytesOf(id).length,
    });
    let last: number | undefined; // the most probable token that completes it; there may be many thousand
    for (const id of agreeing(bytes, best.spelled, vocabulary)) {
      if (id >= row.length) continue;
      if (best.spelled + (offsets[id + 1] ?? 0) - (offsets[id] ?? 0) < bytes.length) {
        if (best.ids.length + 1 < mostTokens) open.push(extended(id));
        continue;
      }
      completeMass += Math.exp(best.log + (row[id] ?? -Infinity));
      if (last === undefined || (row[id] ?? -Infinity) > (row[last] ?? -Infinity)) last = id;
    }
    if (last !== undefined) open.push(extended(last));
  }
}

/**
 * Tokens that stand in `bytes` from `at` on, or begin with all that is left of them. The whole vocabulary is looked through at every beginning, so
 * nothing is made for a token: views of their bytes took as long as one or two tokens take to be written.
 */
function* agreeing(bytes: Uint8Array, at: number, { data: { bytes: all, offsets } }: Vocabulary): Generator<number> {
  const left = bytes.length - at;
  for (let id = 0; id + 1 < offsets.length; id++) {
    const start = offsets[id] ?? 0;
    const length = (offsets[id + 1] ?? 0) - start;
    if (length === 0) continue;
    const common = Math.min(length, left);
    let index = 0;
    while (index < common && all[start + index] === bytes[at + index]) index++;
    if (index === common) yield id;
  }
}

function mostProbable(paths: readonly Path[]): Path | undefined {
  return paths.reduce<Path | undefined>((best, path) => (best && best.log >= path.log ? best : path), undefined);
}

function furthest(paths: readonly Path[]): Path | undefined {
  const most = Math.max(0, ...paths.map(({ spelled }) => spelled));
  return mostProbable(paths.filter(({ spelled }) => spelled === most));
}

/** The first of the largest. */
function likeliest(row: Float32Array): number {
  let best = 0;
  for (let id = 1; id < row.length; id++) if ((row[id] ?? NaN) > (row[best] ?? NaN)) best = id;
  return best;
}

/** Notices the end of a line that has more on it than white space. */
class LineEnd {
  readonly #vocabulary: Vocabulary;
  #skip: number;
  #hasText = false;
  isEnded = false;

  /** `skip`: so many of the first bytes are not the draft's own. */
  constructor(vocabulary: Vocabulary, skip: number, ids: readonly number[]) {
    this.#vocabulary = vocabulary;
    this.#skip = skip;
    for (const id of ids) this.add(id);
  }

  add(id: number): void {
    const lineFeed = 0x0a;
    for (const byte of this.#vocabulary.bytesOf(id)) {
      if (this.#skip > 0) this.#skip--;
      else if (byte > 0x20) this.#hasText = true;
      else if (byte === lineFeed && this.#hasText) this.isEnded = true;
    }
  }
}
