import assert from 'node:assert/strict';
import { cellAt, cellsFrom, cellsOf, cellsWithin, mergedCells, overlapping, withoutCovered } from '../../src/core/cells';
import type { Cells } from '../../src/core/cells';
import { tableOf } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';

/** A table of tokens at these UTF-16 spans; `bits` undefined: pending, NaN: unscored. */
function table(...tokens: readonly (readonly [start: number, end: number, bits: number | undefined])[]): ScoreTable {
  const column = (values: readonly number[]) => Uint32Array.from(values);
  const starts = column(tokens.map(([start]) => start));
  const ends = column(tokens.map(([, end]) => end));
  const made = tableOf(
    { topCount: 1, watchCount: 0, ids: new Int32Array(tokens.length), starts, ends, startBytes: starts, endBytes: ends },
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

describe('some of the cells', () => {
  // Words of two characters, every third one an emoji in two tokens.
  const tokens = Array.from({ length: 60 }, (_, index): (readonly [number, number, number | undefined])[] => {
    const bits = index % 7 === 3 ? undefined : index;
    return index % 3 === 2
      ? [
          [index * 2, index * 2 + 2, bits],
          [index * 2, index * 2 + 2, 1],
        ]
      : [[index * 2, index * 2 + 2, bits]];
  }).flat();
  const made = table(...tokens);
  const all = plainOf(cellsOf(made));

  it('are those that overlap a span, whole', () => {
    for (let start = 0; start < 120; start++) {
      for (const length of [1, 2, 5, 30]) {
        const expected = all.filter(([from, to]) => from < start + length && to > start);
        assert.deepEqual(plainOf(cellsWithin(made, { start, end: start + length })), expected);
        assert.deepEqual(plainOf(overlapping(cellsOf(made), { start, end: start + length })), expected);
      }
    }
  });

  it('are those with enough bits', () => {
    assert.deepEqual(
      plainOf(cellsFrom(made, 40)),
      all.filter(([, , bits]) => bits >= 40),
    );
  });

  it('merge in order, the first list before the second where they overlap', () => {
    const [a, b] = [cellsOf(table([0, 2, 1], [6, 8, 1], [10, 12, 1])), cellsOf(table([1, 3, 2], [3, 6, 2], [8, 9, 2], [11, 14, 2]))];
    assert.deepEqual(
      plainOf(mergedCells(a, b)).map(([start, end, bits]) => [start, end, bits]),
      [
        [0, 2, 1],
        [3, 6, 2],
        [6, 8, 1],
        [8, 9, 2],
        [10, 12, 1],
      ],
    );
  });

  it('are left where nothing covers them', () => {
    const cells = cellsOf(table([0, 3, 1], [3, 6, 2], [6, 9, 3], [9, 12, 4]));
    assert.deepEqual(plainOf(withoutCovered(cells, cellsOf(table([2, 4, 9], [9, 10, 9])))), [[6, 9, 3]]);
  });
});
