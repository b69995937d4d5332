import assert from 'node:assert/strict';
import { carriedRows, FormerWindows } from '../../src/core/rowReuse';
import type { WindowedTable } from '../../src/core/rowReuse';
import { newRows, tableOf, writeRows } from '../../src/core/scoreTable';
import type { CarriedRows } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { ScoredRows, ScoreTable, WindowSettings } from '../../src/core/scores';
import { windowsOf } from '../../src/core/window';
import type { Window } from '../../src/core/window';
import { pendingCount, randomNumbers } from '../model/process';

const shape = { topCount: 2, watchCount: 3 };

/** Id 0 stands for a line feed. */
function windowsOfIds(ids: readonly number[], settings: WindowSettings): Window[] {
  return windowsOf({ ids, length: ids.length, startsLine: index => ids[index - 1] === 0 }, settings);
}

function emptyTable(ids: readonly number[], previous?: ScoreTable, carried: readonly CarriedRows[] = []): ScoreTable {
  const column = new Uint32Array(ids.length);
  const layout = { ...shape, ids: Int32Array.from(ids), starts: column, ends: column, startBytes: column, endBytes: column };
  return tableOf(layout, previous, carried);
}

/** For each row of a window a number that its ids up to the row's own decide, and nothing else: as the model's numbers are. */
function trueBits(ids: ArrayLike<number>, { start, end }: Window): number[] {
  let hash = 17;
  return Array.from({ length: end - start }, (_, index) => {
    hash = Math.imul(hash ^ (ids[start + index] ?? 0), 0x01000193) + 7;
    return hash >>> 0;
  });
}

function trueRows(ids: ArrayLike<number>, window: Window, first: number, end: number): ScoredRows {
  const rows = newRows(first, end - first, shape);
  const allBits = trueBits(ids, window);
  for (let row = first; row < end; row++) {
    const at = row - first;
    const bits = allBits[row - window.start] ?? NaN;
    rows.states[at] = rowState.scored;
    rows.surprisalBits[at] = bits;
    rows.entropyBits[at] = bits + 1;
    rows.ranks[at] = bits & 0xffff;
    rows.contextTokens[at] = row - window.start;
    rows.topIds.set([bits & 0xff, bits & 0xfff], at * 2);
    rows.topLogProbabilities.set([bits & 0x7f, bits & 0x7ff], at * 2);
    rows.wordStartLogMass[at] = bits & 0x3ff;
    rows.watchLogMasses.set([bits & 0x3f, bits & 0x1f, bits & 0xf], at * 3);
  }
  return rows;
}

/** Every row that is not pending is right for the text as it is. */
function assertTrue({ table, windows }: WindowedTable, what: string): void {
  for (const window of windows) {
    const allBits = trueBits(table.ids, window);
    for (let row = window.scoreFrom; row < window.end; row++) {
      if (table.states[row] === rowState.pending) continue;
      const bits = allBits[row - window.start] ?? NaN;
      const isTrue =
        table.surprisalBits[row] === bits &&
        table.entropyBits[row] === bits + 1 &&
        table.ranks[row] === (bits & 0xffff) &&
        table.contextTokens[row] === row - window.start &&
        table.topIds[row * 2] === (bits & 0xff) &&
        table.topIds[row * 2 + 1] === (bits & 0xfff) &&
        table.topLogProbabilities[row * 2] === (bits & 0x7f) &&
        table.topLogProbabilities[row * 2 + 1] === (bits & 0x7ff) &&
        table.wordStartLogMass[row] === (bits & 0x3ff) &&
        table.watchLogMasses[row * 3] === (bits & 0x3f) &&
        table.watchLogMasses[row * 3 + 2] === (bits & 0xf);
      assert.ok(isTrue, `${what}, row ${String(row)}`);
    }
  }
}

function firstPending(table: ScoreTable, { scoreFrom, end }: Window): number {
  let row = scoreFrom;
  while (row < end && table.states[row] !== rowState.pending) row++;
  return row;
}

/** Scores windows in any order, and most of them only up to some row, as when an edit comes meanwhile. */
function scoreSome({ table, windows }: WindowedTable, random: (below: number) => number, all: boolean): void {
  for (const window of windows) {
    const first = firstPending(table, window);
    const end = all ? window.end : first + random(window.end - first + 1);
    if (end > first && (all || random(3) > 0)) writeRows(table, trueRows(table.ids, window, first, end));
  }
}

/** Some lines are alike; id 0 ends a line. */
function randomIds(random: (below: number) => number, length: number): number[] {
  const ids: number[] = [];
  while (ids.length < length) {
    const line = random(8);
    for (let index = random(20); index >= 0; index--) ids.push(line < 5 ? 1 + index : 1 + random(50));
    ids.push(0);
  }
  return ids.slice(0, length);
}

describe('rows that hold for another version of the text', () => {
  const settings: readonly WindowSettings[] = [
    { contextTokens: 32, overlapTokens: 8, anchors: 'text' },
    { contextTokens: 24, overlapTokens: 12, anchors: 'text' },
    { contextTokens: 16, overlapTokens: 0, anchors: 'text' },
    { contextTokens: 32, overlapTokens: 8, anchors: 'grid' },
    { contextTokens: 7, overlapTokens: 3, anchors: 'grid' },
  ];
  for (const window of settings) {
    it(`are right after any edits: ${JSON.stringify(window)}`, () => {
      const random = randomNumbers(window.contextTokens + window.overlapTokens);
      let ids = randomIds(random, 300);
      let held: WindowedTable = { table: emptyTable(ids), windows: windowsOfIds(ids, window) };
      const former = new FormerWindows();
      const undo: number[][] = [];
      let carriedCount = 0;
      let formerCount = 0;
      for (let round = 0; round < 1000; round++) {
        scoreSome(held, random, random(3) === 0);
        assertTrue(held, `round ${String(round)}`);
        const before = ids;
        const last = random(4) === 0 ? undo.pop() : undefined;
        if (last) ids = last;
        else {
          const at = random(ids.length + 1);
          const removed = random(3) === 0 ? random(ids.length > 400 ? 200 : 30) : random(3);
          const copied = random(ids.length);
          const inserted = random(4) === 0 ? ids.slice(copied, copied + random(80)) : Array.from({ length: random(3) }, () => random(50));
          ids = [...ids.slice(0, at), ...inserted, ...ids.slice(at + removed)];
          undo.push(before);
        }
        const windows = windowsOfIds(ids, window);
        const carried = carriedRows(held, Int32Array.from(ids), windows);
        let end = 0;
        for (const { from, to, count } of carried) {
          assert.ok(to >= end && count > 0 && from >= 0 && from + count <= before.length);
          end = to + count;
          carriedCount += count;
        }
        assert.ok(end <= ids.length);
        former.remember(held, carried);
        held = { table: emptyTable(ids, held.table, carried), windows };
        assertTrue(held, `round ${String(round)}, carried over`);
        for (const own of windows) {
          const first = firstPending(held.table, own);
          const rows = first < own.end ? former.rowsFor(held.table.ids, own, first) : undefined;
          if (!rows) continue;
          assert.ok(rows.count > 0 && rows.first >= first && rows.first + rows.count <= own.end);
          formerCount += rows.count;
          writeRows(held.table, rows);
        }
        assertTrue(held, `round ${String(round)}, remembered`);
      }
      assert.ok(carriedCount > 100_000, String(carriedCount));
      assert.ok(formerCount > 1000, String(formerCount));
    });
  }

  it('are all rows but those that the edit can have changed', () => {
    for (const anchors of ['text', 'grid'] as const) {
      const window = { contextTokens: 32, overlapTokens: 8, anchors };
      const random = randomNumbers(5);
      const ids = randomIds(random, 2000);
      const held: WindowedTable = { table: emptyTable(ids), windows: windowsOfIds(ids, window) };
      scoreSome(held, random, true);
      for (let round = 0; round < 200; round++) {
        const at = random(ids.length + 1);
        const changed = [...ids.slice(0, at), 1 + random(50), ...ids.slice(at + (round % 2))];
        const windows = windowsOfIds(changed, window);
        const table = emptyTable(changed, held.table, carriedRows(held, Int32Array.from(changed), windows));
        if (anchors === 'text') assert.ok(pendingCount(table) <= 3 * window.contextTokens, String(pendingCount(table)));
        else {
          // On the counted grid everything after the edit is in other windows.
          const first = table.states.indexOf(rowState.pending);
          assert.ok(first < 0 || first >= at);
        }
      }
    }
  });

  it('are all of them when an edit is undone, and when windows move as a whole', () => {
    const window = { contextTokens: 32, overlapTokens: 8, anchors: 'text' } as const;
    const random = randomNumbers(6);
    const ids = randomIds(random, 600);
    const held: WindowedTable = { table: emptyTable(ids), windows: windowsOfIds(ids, window) };
    scoreSome(held, random, true);
    for (let round = 0; round < 100; round++) {
      const at = random(ids.length);
      const changed = [...ids.slice(0, at), 51, ...ids.slice(at)];
      const former = new FormerWindows();
      const there = carriedRows(held, Int32Array.from(changed), windowsOfIds(changed, window));
      former.remember(held, there);
      const between = { table: emptyTable(changed, held.table, there), windows: windowsOfIds(changed, window) };
      const back = carriedRows(between, Int32Array.from(ids), held.windows);
      const table = emptyTable(ids, between.table, back);
      for (const own of held.windows) {
        const first = firstPending(table, own);
        const rows = first < own.end ? former.rowsFor(table.ids, own, first) : undefined;
        if (rows) writeRows(table, rows);
      }
      assert.equal(pendingCount(table), 0);
      assertTrue({ table, windows: held.windows }, 'undone');
    }
  });
});

describe('windows that edits did away with', () => {
  it('are forgotten in time', () => {
    const window = { contextTokens: 16, overlapTokens: 4, anchors: 'grid' } as const;
    const former = new FormerWindows();
    const tableFor = (id: number): WindowedTable => {
      const ids = Array.from({ length: 16 }, () => id);
      const held = { table: emptyTable(ids), windows: windowsOfIds(ids, window) };
      scoreSome(held, () => 0, true);
      return held;
    };
    const found = (id: number) => {
      const { table, windows } = tableFor(id);
      return windows[0] && former.rowsFor(table.ids, windows[0], 0) !== undefined;
    };
    for (let id = 1; id <= 1000; id++) former.remember(tableFor(id), []);
    assert.ok(found(1000));
    assert.ok(!found(1));
  });
});
