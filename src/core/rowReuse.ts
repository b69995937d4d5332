import { rowState } from './scores';
import type { ScoredRows, ScoreTable } from './scores';
import { sliceRows, viewOfRows } from './scoreTable';
import type { CarriedRows } from './scoreTable';
import type { Window } from './window';

/** A table with the windows its rows are of. */
export interface WindowedTable {
  readonly table: ScoreTable;
  readonly windows: readonly Window[];
}

/** Ids by which windows that may be alike are found. */
const keyTokens = 8;
/** Of windows that begin alike so many are compared: in a text of equal lines one is as good as another. */
const mostCandidates = 4;

/**
 * Rows of a table that hold for another version of the text as well: a row depends on the ids of its window up to its own, on nothing else.
 * Ascending in `to`, not overlapping. Rows that were pending may be among them.
 */
export function carriedRows(previous: WindowedTable, ids: Int32Array, windows: readonly Window[]): CarriedRows[] {
  const old = previous.table.ids;
  const byStart = new Map(previous.windows.map(window => [window.start, window]));
  const byKey = new Map<string, Window[]>();
  for (const window of previous.windows) {
    const key = keyOf(old, window.start);
    const alike = byKey.get(key);
    if (!alike) byKey.set(key, [window]);
    else if (alike.length < mostCandidates) alike.push(window);
  }
  const carried: CarriedRows[] = [];
  for (const window of windows) {
    const alike = byKey.get(keyOf(ids, window.start)) ?? [];
    const inPlace = [byStart.get(window.start), byStart.get(window.start + old.length - ids.length)];
    let best: CarriedRows | undefined;
    for (const candidate of [...inPlace, ...alike]) {
      const rows = candidate && commonRows(old, candidate, ids, window);
      if (rows && rows.count > (best?.count ?? 0)) best = rows;
    }
    if (best) append(carried, best);
  }
  return carried;
}

/** Rows that both windows score, as far as their ids agree from the windows' starts. */
function commonRows(old: Int32Array, from: Window, ids: Int32Array, to: Window): CarriedRows | undefined {
  const first = Math.max(from.scoreFrom - from.start, to.scoreFrom - to.start);
  const most = Math.min(from.end - from.start, to.end - to.start);
  let alike = 0;
  while (alike < most && old[from.start + alike] === ids[to.start + alike]) alike++;
  return alike > first ? { from: from.start + first, to: to.start + first, count: alike - first } : undefined;
}

function append(carried: CarriedRows[], rows: CarriedRows): void {
  const last = carried.at(-1);
  if (last && last.from + last.count === rows.from && last.to + last.count === rows.to) {
    carried[carried.length - 1] = { ...last, count: last.count + rows.count };
  } else carried.push(rows);
}

function keyOf(ids: Int32Array, start: number): string {
  return ids.subarray(start, start + keyTokens).join();
}

interface FormerWindow {
  /** From the window's start to the last scored row. */
  readonly ids: Int32Array;
  /** Index in `ids` of the first row. */
  readonly offset: number;
  readonly rows: ScoredRows;
}

/** About 100 kB each, with ten alternatives a row. */
const mostFormerWindows = 48;

/** Rows of windows that an edit did away with: an undo brings their text back. */
export class FormerWindows {
  #windows: FormerWindow[] = [];

  /** Keeps the scored rows of windows that are not carried over in full. */
  remember({ table, windows }: WindowedTable, carried: readonly CarriedRows[]): void {
    for (const window of windows) {
      const isCarried = carried.some(({ from, count }) => from <= window.scoreFrom && window.end <= from + count);
      let end = window.scoreFrom;
      while (end < window.end && table.states[end] !== rowState.pending) end++;
      if (isCarried || end === window.scoreFrom) continue;
      this.#windows.unshift({
        ids: table.ids.slice(window.start, end),
        offset: window.scoreFrom - window.start,
        rows: sliceRows(table, window.scoreFrom, end),
      });
    }
    this.#windows.length = Math.min(this.#windows.length, mostFormerWindows);
  }

  /** Remembered rows for a window whose rows are pending in part; undefined where none are. */
  rowsFor(ids: Int32Array, window: Window, firstPending: number): ScoredRows | undefined {
    let best: ScoredRows | undefined;
    for (const former of this.#windows) {
      const most = Math.min(former.ids.length, window.end - window.start);
      let alike = 0;
      while (alike < most && former.ids[alike] === ids[window.start + alike]) alike++;
      const first = Math.max(former.offset, firstPending - window.start);
      if (alike - first <= (best?.count ?? 0)) continue;
      // What the former window scored at [first, alike), in the place it has now.
      best = { ...rowsWithin(former.rows, first - former.offset, alike - former.offset), first: window.start + first };
    }
    return best;
  }
}

/** Rows [from, to) of some rows, in the same memory. */
function rowsWithin(rows: ScoredRows, from: number, to: number): ScoredRows {
  const width = (values: ArrayLike<number>) => (rows.count === 0 ? 0 : values.length / rows.count);
  const shape = { topCount: width(rows.topIds), watchCount: width(rows.watchLogMasses) };
  return { first: rows.first + from, count: to - from, ...viewOfRows(rows, shape, from, to) };
}
