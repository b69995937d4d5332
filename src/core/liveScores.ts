import { CellList, cellsFrom, cellsWithin, mergedCells, noCells, overlapping, picked, withoutCovered, withoutWatched } from './cells';
import type { Cells } from './cells';
import { Drift } from './drift';
import type { Change } from './drift';
import { RowStore } from './rowStore';
import { rowState } from './scores';
import type { ScoredRows, ScoreTable, Span } from './scores';
import { writeRows } from './scoreTable';
import type { CarriedRows } from './scoreTable';

type Columns = Parameters<RowStore['table']>[0];

/** A table, and how the text has moved away from the one it was made of. */
interface Held {
  readonly table: ScoreTable;
  readonly drift: Drift;
  /** Of tables before, where this one's rows were pending when it came; offsets are of its text. */
  readonly older: Cells;
}

/**
 * The scores of a text that goes on being edited: the newest table, what of it is current, and what of it and of those before can still be
 * shown as stale. The work for an edit or a question grows with what it is about, not with the text; only a new table is made whole.
 */
export class LiveScores {
  #store = new RowStore();
  #held: Held | undefined;
  #pending = 0;
  readonly #drifts = new Set<Drift>();

  /** Undefined until the first tokens are known. */
  get table(): ScoreTable | undefined {
    return this.#held?.table;
  }

  /** Rows of the table that have no score yet. */
  get pending(): number {
    return this.#pending;
  }

  /** The table is of the present text. */
  get isOfThisText(): boolean {
    return this.#held?.drift.isNone === true;
  }

  /** The model begins to read the present text: what it says of it may come when the text is another one already. */
  begin(): Drift {
    const drift = new Drift();
    this.#drifts.add(drift);
    return drift;
  }

  /** Nothing will come any more of a text that `begin` was called for. */
  end(drift: Drift): void {
    if (drift !== this.#held?.drift) this.#drifts.delete(drift);
  }

  /** The tokens of the text that `begin` was called for; false when they come too late, after `clear`. `carried`: rows of the present
   * table. `sameWords`: it has columns for the same watched words. */
  layout(drift: Drift, columns: Columns, carried: readonly CarriedRows[], sameWords = true): boolean {
    if (!this.#drifts.has(drift)) return false;
    const instead = this.#shownInstead(columns, carried, drift);
    const older = sameWords ? instead : withoutWatched(instead);
    const table = this.#store.table(columns, carried);
    if (this.#held) this.#drifts.delete(this.#held.drift);
    this.#drifts.add(drift);
    this.#held = { table, drift, older };
    this.#pending = pendingOf(table.states);
    return true;
  }

  /** The text that `begin` was called for is the one of the present table, which goes on. */
  goOn(drift: Drift): void {
    const held = this.#held;
    if (!held || !this.#drifts.has(drift)) return;
    this.#drifts.delete(held.drift);
    this.#drifts.add(drift);
    this.#held = { ...held, drift };
  }

  /** Rows of the present table. */
  rows(rows: ScoredRows): void {
    const table = this.#held?.table;
    if (!table) return;
    const before = pendingOf(table.states.subarray(rows.first, rows.first + rows.count));
    writeRows(table, rows);
    this.#pending += pendingOf(rows.states) - before;
  }

  /** `changes` and `settled` as in `Drift.edited`. */
  edited(changes: readonly Change[], settled: number): void {
    for (const drift of this.#drifts) drift.edited(changes, settled);
  }

  clear(): void {
    this.#store = new RowStore();
    this.#held = undefined;
    this.#pending = 0;
    this.#drifts.clear();
  }

  /** Cells that overlap the span whose scores are true for this very text. */
  cellsIn(span: Span): Cells {
    if (!this.#held) return noCells;
    const { table, drift } = this.#held;
    const { settledUpTo } = drift;
    if (settledUpTo === Infinity) return cellsWithin(table, span);
    const cells = cellsWithin(table, { start: span.start, end: Math.min(span.end, settledUpTo) });
    return picked(cells, index => (cells.ends[index] ?? 0) <= settledUpTo);
  }

  /** Cells that overlap the span whose scores are of an older text, where that text is now; edited ones and those of `cellsIn` are not among them. */
  staleIn(span: Span): Cells {
    if (!this.#held) return noCells;
    const { table, drift, older } = this.#held;
    if (drift.isNone && older.length === 0) return noCells;
    const then = { start: drift.then(span.start), end: drift.then(span.end, true) };
    const ofTable = cellsWithin(table, then);
    const late = drift.isNone ? noCells : picked(ofTable, index => (ofTable.ends[index] ?? 0) > drift.settledUpTo);
    return drift.cellsNow(mergedCells(late, withoutCovered(overlapping(older, then), ofTable)));
  }

  /** All current cells with at least so many bits. */
  cellsFrom(leastBits: number): Cells {
    if (!this.#held) return noCells;
    const cells = cellsFrom(this.#held.table, leastBits);
    const { settledUpTo } = this.#held.drift;
    return settledUpTo === Infinity ? cells : picked(cells, index => (cells.ends[index] ?? 0) <= settledUpTo);
  }

  /** What goes on being shown where rows are not carried, or were pending before: cells of now, in offsets of the new table's text. */
  #shownInstead(columns: Columns, carried: readonly CarriedRows[], drift: Drift): Cells {
    if (!this.#held) return noCells;
    const lost = new CellList();
    let lostUpTo = 0;
    for (const span of spansOfOthers(columns, carried)) {
      const now = { start: drift.now(span.start), end: drift.now(span.end, true) };
      const cells = mergedCells(this.cellsIn(now), this.staleIn(now));
      for (let index = 0; index < cells.length; index++) {
        if ((cells.starts[index] ?? 0) < lostUpTo) continue; // of the span before as well
        lost.addFrom(cells, index);
        lostUpTo = cells.ends[index] ?? 0;
      }
    }
    const { table, older, drift: sinceThen } = this.#held;
    const hull = { start: older.starts[0] ?? 0, end: older.ends[older.length - 1] ?? 0 };
    const stillOlder = older.length === 0 ? noCells : withoutCovered(older, cellsWithin(table, hull));
    return drift.cellsThen(mergedCells(lost, sinceThen.cellsNow(stillOlder)));
  }
}

function pendingOf(states: Uint8Array): number {
  let count = 0;
  for (const state of states) if (state === rowState.pending) count++;
  return count;
}

/** Where the rows are that are not carried. */
function spansOfOthers({ ids, starts, ends }: Columns, carried: readonly CarriedRows[]): Span[] {
  const spans: Span[] = [];
  let first = 0;
  for (const { to, count } of [...carried, { to: ids.length, count: 0 }]) {
    if (to > first) spans.push({ start: starts[first] ?? 0, end: ends[to - 1] ?? 0 });
    first = to + count;
  }
  return spans;
}
