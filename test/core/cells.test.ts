import assert from 'node:assert/strict';
import { cellAt, cellsOf } from '../../src/core/cells';
import type { Cells } from '../../src/core/cells';
import { cellsAfter, cellsUpTo, mergedCells, movedCells, settledUpTo, withoutCovered } from '../../src/core/staleCells';
import { tableOf } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';

/** A table of tokens at these UTF-16 spans; `bits` undefined: pending, NaN: unscored. */
function table(...tokens: readonly (readonly [start: number, end: number, bits: number | undefined])[]): ScoreTable {
  const column = (values: readonly number[]) => Uint32Array.from(values);
  const starts = column(tokens.map(([start]) => start));
  const ends = column(tokens.map(([, end]) => end));
  const made = tableOf(
    { topCount: 1, ids: new Int32Array(tokens.length), starts, ends, startBytes: starts, endBytes: ends },
    undefined,
    [],
  );
  for (const [row, [, , bits]] of tokens.entries()) {
    if (bits === undefined) continue;
    made.states[row] = Number.isNaN(bits) ? rowState.unscored : rowState.scored;
    made.surprisalBits[row] = bits;
  }
  return made;
}

function plainOf(cells: Cells): (readonly [start: number, end: number, bits: number])[] {
  return Array.from({ length: cells.length }, (_, at) => [cells.starts[at] ?? 0, cells.ends[at] ?? 0, cells.bits[at] ?? NaN] as const);
}

describe('cellsOf', () => {
  it('makes one cell of tokens that share a character, with summed bits', () => {
    // "a🙂b", the emoji in two tokens.
    assert.deepEqual(plainOf(cellsOf(table([0, 1, 2], [1, 3, 10], [1, 3, 4], [3, 4, 1]))), [
      [0, 1, 2],
      [1, 3, 14],
      [3, 4, 1],
    ]);
  });

  it('joins chains: a token that ends one character and begins the next', () => {
    assert.deepEqual(plainOf(cellsOf(table([0, 2, 1], [0, 4, 2], [2, 4, 4], [4, 5, 8]))), [
      [0, 4, 7],
      [4, 5, 8],
    ]);
  });

  it('leaves out pending tokens, and a cell one of whose tokens is pending', () => {
    assert.deepEqual(plainOf(cellsOf(table([0, 1, 2], [1, 3, 10], [1, 3, undefined], [3, 4, undefined]))), [[0, 1, 2]]);
  });

  it('has no bits where a token is unscored', () => {
    assert.deepEqual(plainOf(cellsOf(table([0, 1, NaN], [1, 2, 3]))), [
      [0, 1, NaN],
      [1, 2, 3],
    ]);
  });

  it('finds the cell at an offset', () => {
    const cells = cellsOf(table([0, 2, 1], [4, 6, 1]));
    assert.deepEqual(
      [-1, 0, 1, 2, 3, 4, 5, 6].map(offset => cellAt(cells, offset)),
      [undefined, 0, 0, undefined, undefined, 1, 1, undefined],
    );
  });
});

describe('stale cells', () => {
  const cells = cellsOf(table([0, 3, 1], [3, 6, 2], [6, 9, 3], [9, 12, 4]));

  it('go where an edit touches them or was made right beside them, and move behind it', () => {
    assert.deepEqual(plainOf(movedCells(cells, { start: 4, end: 5, length: 3 })), [
      [0, 3, 1],
      [8, 11, 3],
      [11, 14, 4],
    ]);
    assert.deepEqual(plainOf(movedCells(cells, { start: 6, end: 6, length: 1 })), [
      [0, 3, 1],
      [10, 13, 4],
    ]);
    assert.deepEqual(plainOf(movedCells(cells, { start: 0, end: 12, length: 0 })), []);
  });

  it('stand for the same text as before, through any sequence of edits', () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let text = Array.from({ length: 60 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
    let moved = cellsOf(table(...Array.from({ length: 20 }, (_, index) => [index * 3, index * 3 + 3, index] as const)));
    const words = new Map(plainOf(moved).map(([start, end, bits]) => [bits, text.slice(start, end)]));
    for (let round = 0; round < 30; round++) {
      const start = random(text.length);
      const end = Math.min(text.length, start + random(3));
      const inserted = 'XYZ'.slice(0, random(4));
      text = text.slice(0, start) + inserted + text.slice(end);
      moved = movedCells(moved, { start, end, length: inserted.length });
      for (const [from, to, bits] of plainOf(moved)) assert.equal(text.slice(from, to), words.get(bits));
    }
  });

  it('are cut, merged and covered', () => {
    assert.deepEqual(plainOf(cellsUpTo(cells, 6)), [
      [0, 3, 1],
      [3, 6, 2],
    ]);
    assert.deepEqual(plainOf(cellsAfter(cells, 6)), [
      [6, 9, 3],
      [9, 12, 4],
    ]);
    assert.deepEqual(mergedCells(cellsAfter(cells, 6), cellsUpTo(cells, 6)), cells);
    assert.deepEqual(plainOf(withoutCovered(cells, cellsOf(table([2, 4, 9], [9, 10, 9])))), [[6, 9, 3]]);
  });
});

describe('settledUpTo', () => {
  it('is before the word before the white space before the edited word', () => {
    assert.equal(settledUpTo('one two  thr', 12), 4);
    assert.equal(settledUpTo('one two  ', 9), 4);
    assert.equal(settledUpTo('one', 2), 0);
  });
});
