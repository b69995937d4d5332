import type { KeyValueCache } from './kvCache';

/** A key/value cache and the ids it stands for: a run of ids that begins like them can go on from it. */
interface Snapshot {
  /** Only the session that made a cache can use it. */
  readonly owner: object;
  readonly ids: readonly number[];
  readonly cache: KeyValueCache;
}

/** Key/value caches kept for edits, undo and cursor moves, those used last, within a budget. They save time and change no number. */
export class Snapshots {
  readonly #budgetBytes: number;
  /** The one used last comes first. */
  #kept: readonly Snapshot[] = [];
  /** Caches that runs are reading, once for each. */
  #lent: readonly KeyValueCache[] = [];

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  get bytes(): number {
    return this.#kept.reduce((sum, { cache }) => sum + cache.bytes, 0);
  }

  /** A cache of this size could be kept. */
  hasRoomFor(bytes: number): boolean {
    return bytes <= this.#budgetBytes;
  }

  /** The cache that covers most of the beginning of `ids`, and how much; undefined where none covers any. */
  best(owner: object, ids: readonly number[]): { readonly cache: KeyValueCache; readonly covers: number } | undefined {
    let best: Snapshot | undefined;
    let covers = 0;
    for (const snapshot of this.#kept) {
      const common = snapshot.owner === owner ? commonPrefix(snapshot.ids, ids) : 0;
      if (common > covers) [best, covers] = [snapshot, common];
    }
    if (!best) return undefined;
    this.#kept = [best, ...this.#kept.filter(other => other !== best)];
    return { cache: best.cache, covers };
  }

  /** A run reads this cache until it gives it back: its memory is not used again before that. */
  lend(cache: KeyValueCache): { giveBack(): void } {
    this.#lent = [...this.#lent, cache];
    return {
      giveBack: () => {
        const index = this.#lent.indexOf(cache);
        this.#lent = this.#lent.filter((_, other) => other !== index);
      },
    };
  }

  /**
   * Lets those used longest ago go that would have to when a cache of these ids and this size is kept: for a run that begins, which can work in
   * their memory. What runs read stays.
   */
  makeRoom(owner: object, ids: readonly number[], bytes: number): void {
    // Those that it covers go by themselves.
    const staying = this.#kept.filter(other => other.owner !== owner || !covers(ids, other.ids));
    let left = staying.reduce((sum, { cache }) => sum + cache.bytes, 0);
    for (const snapshot of staying.reverse()) {
      if (left + bytes <= this.#budgetBytes) return;
      if (this.#lent.includes(snapshot.cache)) continue;
      left -= snapshot.cache.bytes;
      this.#kept = this.#kept.filter(other => other !== snapshot);
      snapshot.cache.recycle();
    }
  }

  /** Keeps a cache, unless a kept one covers it; those it covers go, then those used longest ago that exceed the budget. False: not kept. */
  keep(owner: object, ids: readonly number[], cache: KeyValueCache): boolean {
    const others = this.#kept.filter(other => other.owner !== owner || !covers(ids, other.ids));
    if (!this.hasRoomFor(cache.bytes) || others.some(other => other.owner === owner && covers(other.ids, ids))) return false;
    const kept: Snapshot[] = [];
    let bytes = 0;
    for (const snapshot of [{ owner, ids, cache }, ...others]) {
      if (bytes + snapshot.cache.bytes > this.#budgetBytes) continue;
      bytes += snapshot.cache.bytes;
      kept.push(snapshot);
    }
    for (const { cache: gone } of this.#kept) {
      if (!kept.some(snapshot => snapshot.cache === gone) && !this.#lent.includes(gone)) gone.recycle();
    }
    this.#kept = kept;
    return true;
  }

  /** Of a session that is closed. */
  forget(owner: object): void {
    this.#kept = this.#kept.filter(snapshot => snapshot.owner !== owner);
  }
}

function covers(longer: readonly number[], shorter: readonly number[]): boolean {
  return commonPrefix(longer, shorter) === shorter.length;
}

export function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length);
  let count = 0;
  while (count < most && a[count] === b[count]) count++;
  return count;
}
