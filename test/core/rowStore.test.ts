import assert from 'node:assert/strict';
import { RowStore } from '../../src/core/rowStore';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';
import { newRows, sliceRows, tableOf, writeRows } from '../../src/core/scoreTable';
import type { CarriedRows } from '../../src/core/scoreTable';
import { randomNumbers } from '../model/process';

const shape = { topCount: 3, watchCount: 2 };

function columns(length: number): Parameters<RowStore['table']>[0] {
  const places = Uint32Array.from({ length }, (_, row) => row);
  return { ...shape, ids: new Int32Array(length), starts: places, ends: places, startBytes: places, endBytes: places };
}

/** All rows with numbers of their own in every column; some stay pending. */
function scored(table: ScoreTable, random: (below: number) => number): void {
  for (let row = 0; row < table.length; row++) {
    if (random(4) === 0) continue;
    const rows = newRows(row, 1, shape);
    const number = random(1e6);
    rows.states.fill(rowState.scored);
    for (const column of [rows.surprisalBits, rows.entropyBits, rows.ranks, rows.contextTokens]) column.fill(number);
    rows.topIds.set([number, number + 1, number + 2]);
    rows.topLogProbabilities.fill(number);
    rows.wordStartLogMass.fill(number);
    rows.watchLogMasses.set([number, number + 1]);
    writeRows(table, rows);
  }
}

/** Ranges of `old` rows in ascending places of a new table, with gaps; now and then their order is another one. */
function randomCarried(old: number, random: (below: number) => number): { length: number; carried: CarriedRows[] } {
  const ranges: { from: number; count: number }[] = [];
  for (let from = random(4); from < old;) {
    const count = 1 + random(12);
    ranges.push({ from, count: Math.min(count, old - from) });
    from += count + (random(2) === 0 ? 0 : random(9));
  }
  if (random(4) === 0) ranges.reverse();
  let to = 0;
  const carried = ranges.map(({ from, count }) => {
    const place = to + (random(2) === 0 ? 0 : random(9));
    to = place + count;
    return { from, to: place, count };
  });
  return { length: to + random(20), carried };
}

describe('RowStore', () => {
  it('makes the tables that `tableOf` makes, by moving rows instead of copying them', () => {
    const random = randomNumbers(3);
    for (let round = 0; round < 100; round++) {
      const store = new RowStore();
      let table = store.table(columns(50 + random(2000)), []);
      scored(table, random);
      for (let step = 0; step < 6; step++) {
        const { length, carried } = randomCarried(table.length, random);
        const copy = { ...table, ...sliceRows(table, 0, table.length) };
        const expected = tableOf(columns(length), copy, carried);
        table = store.table(columns(length), carried);
        assert.deepEqual(table, expected);
        scored(table, random);
      }
    }
  });

  it('keeps its memory while there is room', () => {
    const store = new RowStore();
    const first = store.table(columns(100), []);
    const second = store.table(columns(101), [{ from: 0, to: 1, count: 100 }]);
    assert.equal(second.topIds.buffer, first.topIds.buffer);
    const third = store.table(columns(50_000), [{ from: 0, to: 0, count: 101 }]);
    assert.notEqual(third.topIds.buffer, first.topIds.buffer);
  });
});
