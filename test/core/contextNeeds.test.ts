import assert from 'node:assert/strict';
import { bandOf } from '../../src/core/band';
import {
  ContextReading,
  enoughBits,
  keptLengths,
  lookOfReading,
  mostTriedTokens,
  neededTokens,
  rowsWithin,
  stepsOf,
  tokensOf,
} from '../../src/core/contextNeeds';
import { bandRows } from '../../src/core/legend';
import { lookOf } from '../../src/core/look';
import { metricEdges } from '../../src/core/metric';
import { newRows, tableOf, writeRows } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';
import { SeededRandom } from '../../src/core/seededRandom';

const settings = { preset: 'auto', palette: 'violet', style: 'tint', muteConfident: 'auto', wordCorrection: true, bandEdges: {} } as const;

/** Tokens of two bytes, all of them scored at 3 bits. */
function complete(length: number): ScoreTable {
  const places = Uint32Array.from({ length }, (_, index) => 2 * index);
  const table = tableOf(
    {
      topCount: 2,
      watchCount: 1,
      ids: Int32Array.from({ length }, (_, index) => index),
      starts: places,
      ends: places.map(start => start + 2),
      startBytes: places,
      endBytes: places.map(start => start + 2),
    },
    undefined,
    [],
  );
  const rows = newRows(0, length, table);
  rows.states.fill(rowState.scored);
  rows.surprisalBits.fill(3);
  rows.contextTokens.set(Int32Array.from({ length }, (_, index) => index));
  writeRows(table, rows);
  return table;
}

const width = mostTriedTokens + 1;

/** Rows with the same bits at every length, but those given. */
function needsRows(rows: readonly { readonly whole: number; readonly at: (length: number) => number }[]) {
  const read = newRows(0, rows.length, { topCount: 2, watchCount: 0 });
  read.surprisalBits.set(rows.map(({ whole }) => whole));
  read.entropyBits.fill(7);
  read.contextTokens.fill(40);
  read.ranks.fill(9);
  read.topIds.fill(5);
  read.topLogProbabilities.fill(-2);
  return {
    surprisalBits: Float32Array.from(rows.flatMap(({ at }) => Array.from({ length: width }, (_, length) => at(length)))),
    whole: { ...read, topCount: 2 },
  };
}

describe('the context that a token needs', () => {
  const cases: readonly (readonly [what: string, bits: readonly number[], whole: number, needed: number])[] = [
    ['nothing before it where the empty context does', [2, 2, 2], 2, 0],
    ['the first length that is near enough', [9, 7, 2.2, 2.1, 2], 2, 2],
    ['a limit that itself is near enough', [9, 2 + enoughBits], 2, 1],
    ['below as above the whole', [9, 1.5, 2.5], 2, 1],
    ['not a length after which it goes astray again', [9, 2, 7, 2, 2], 2, 3],
    ['more than was tried where the longest is not near', [2, 2, 2, 3], 2, Infinity],
    ['what its window holds where that is less than was tried', [9, 8, 2, NaN, NaN], 2, 2],
    ['one token where nothing has a score without any', [NaN, 2, 2], 2, 1],
  ];
  for (const [what, bits, whole, needed] of cases) it(`is ${what}`, () => assert.equal(neededTokens(bits, whole), needed));

  it('is not known where the whole has no score, or no length has', () => {
    assert.equal(neededTokens([1, 2], NaN), NaN);
    assert.equal(neededTokens([NaN, NaN], 2), Infinity);
  });

  it('by its law: from it on every length is near, and the one below is not', () => {
    const seeded = new SeededRandom(8);
    const random = () => seeded.uniform();
    for (let round = 0; round < 500; round++) {
      const bits = Array.from({ length: width }, () => 2 + 2 * (random() - 0.5) * (random() < 0.1 ? 3 : 0.7));
      const needed = neededTokens(bits, 2);
      const isNear = (length: number) => Math.abs((bits[length] ?? NaN) - 2) <= enoughBits;
      for (let length = Math.min(needed, width); length < width; length++) assert.ok(isNear(length));
      if (needed > 0) assert.ok(!isNear(Math.min(needed, width) - 1));
    }
  });

  it('has bands by powers of four, the last for more than was tried', () => {
    const bandsOf = (...needed: readonly number[]) => needed.map(each => bandOf(each, metricEdges.needed));
    assert.deepEqual(bandsOf(0, 1, 2, 4, 5, 16, 17, mostTriedTokens, Infinity), [0, 0, 1, 1, 2, 2, 4, 4, 5]);
    assert.deepEqual(bandRows('needed', metricEdges.needed), [
      { band: 1, from: '2', to: '4' },
      { band: 2, from: '5', to: '16' },
      { band: 4, from: '17', to: mostTriedTokens.toString() },
      { band: 5, from: '65', to: undefined },
    ]);
  });
});

describe('a reading beside the usual one', () => {
  it('of needs shows the whole numbers of those rows that are read, and of no others', () => {
    const table = complete(6);
    const reading = new ContextReading({ of: 'needs' }, table);
    assert.deepEqual([...reading.table.states], [0, 0, 0, 0, 0, 0]);
    reading.writeNeeds(
      { first: 2, end: 4 },
      needsRows([
        { whole: 2, at: length => (length < 12 ? 5 : 2.1) },
        { whole: 2, at: () => 5 },
      ]),
    );
    assert.deepEqual([...reading.table.states], [0, 0, 1, 1, 0, 0]);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map(row => reading.isRead(row)),
      [false, false, true, true, false, false],
    );
    assert.deepEqual([reading.neededIn(2, 3), reading.neededIn(3, 4), reading.neededIn(4, 5)], [12, Infinity, NaN]);
    assert.equal(reading.neededIn(2, 4), Infinity); // of one character
    assert.equal(reading.neededIn(3, 5), NaN);
    assert.deepEqual(
      reading.bitsByLength(2).map(bits => Math.round(bits * 10) / 10),
      keptLengths.map(length => (length < 12 ? 5 : 2.1)),
    );
    assert.deepEqual([reading.table.surprisalBits[2], reading.wholeBitsOf(2), reading.wholeContextOf(3)], [2, 2, 40]);
    assert.equal(reading.comparison?.tokens, 2);
  });

  it('has nothing of the numbers of the document, which may be of another arithmetic', () => {
    const table = complete(4);
    table.entropyBits.fill(3);
    table.ranks.fill(3);
    table.topIds.fill(3);
    table.topLogProbabilities.fill(-3);
    table.wordStartLogMass.fill(-3);
    const reading = new ContextReading({ of: 'needs' }, table);
    reading.writeNeeds({ first: 1, end: 3 }, needsRows([1, 2].map(whole => ({ whole, at: () => whole }))));
    const { surprisalBits, entropyBits, ranks, topIds, topLogProbabilities, wordStartLogMass } = reading.table;
    assert.deepEqual([...surprisalBits], [NaN, 1, 2, NaN]);
    assert.deepEqual([...entropyBits], [NaN, 7, 7, NaN]);
    assert.deepEqual([...ranks], [0, 9, 9, 0]);
    assert.deepEqual([...topIds], [-1, -1, 5, 5, 5, 5, -1, -1]);
    assert.deepEqual([...topLogProbabilities], [NaN, NaN, -2, -2, -2, -2, NaN, NaN]);
    assert.deepEqual([...wordStartLogMass], [NaN, NaN, NaN, NaN]);
  });

  it('says what half of its tokens need at most', () => {
    const reading = new ContextReading({ of: 'needs' }, complete(4));
    assert.equal(reading.medianNeeded, undefined);
    const needing = (needed: number) => ({ whole: 2, at: (length: number) => (length < needed ? 9 : 2) });
    reading.writeNeeds({ first: 0, end: 4 }, needsRows([needing(20), needing(3), needing(200), needing(9)]));
    assert.equal(reading.medianNeeded, 9);
    assert.equal(reading.neededIn(0, 2), 20); // of one character
  });

  it('of a short context has its rows, and is held against the whole over the same tokens', () => {
    const table = complete(4);
    const reading = new ContextReading({ of: 'short', contextTokens: 2 }, table);
    const rows = { ...newRows(1, 2, { topCount: 2, watchCount: 0 }), topCount: 2 };
    rows.surprisalBits.set([6, NaN]);
    rows.contextTokens.set([1, 2]);
    rows.topIds.set([7, 8, -1, -1]);
    reading.writeShort({ first: 1, end: 3 }, rows);
    assert.deepEqual([...reading.table.states], [rowState.pending, rowState.scored, rowState.unscored, rowState.pending]);
    assert.deepEqual([...reading.table.topIds.subarray(2, 4)], [7, 8]);
    assert.equal(reading.isRead(1), false); // what it is held against is still to be asked
    assert.equal(reading.comparison, undefined);
    reading.writeWhole({ first: 1, end: 3 }, { surprisalBits: Float64Array.of(2, 2), contextTokens: Int32Array.of(1, 2) });
    assert.equal(reading.isRead(1), true);
    assert.deepEqual(reading.comparison, { tokens: 1, shortBitsPerByte: 3, wholeBitsPerByte: 1 });
    assert.deepEqual([reading.table.contextTokens[1], reading.wholeContextOf(2)], [1, 2]);
    assert.equal(table.surprisalBits[1], 3); // the document's own are left alone
    assert.throws(() => reading.writeShort({ first: 0, end: 1 }, { ...rows, topCount: 3 }), RangeError);
  });

  it('has no look for what a short context does not tell', () => {
    const watched = lookOf('prose', settings, { metric: 'watched', watchWord: 'sea' }, undefined, ['sea']);
    const short = lookOfReading(watched, { of: 'short', contextTokens: 4 });
    assert.deepEqual([short.metric, short.scale, short.edges, short.wordCorrection], ['surprisal', 'token', watched.tokenEdges, false]);
    const entropy = lookOf('code', settings, { metric: 'entropy' });
    assert.deepEqual([lookOfReading(entropy, { of: 'short', contextTokens: 4 }).metric, entropy.metric], ['entropy', 'entropy']);
    const needs = lookOfReading(lookOf('prose', settings, {}), { of: 'needs' });
    assert.deepEqual([needs.metric, needs.scale, needs.edges, needs.hoverEverywhere], ['needed', 'token', metricEdges.needed, true]);
  });
});

describe('steps of a reading', () => {
  it('take what shows first, each row once, none that is read, and not too many at a time', () => {
    const steps = stepsOf([{ first: 0, end: 20 }], [{ first: 8, end: 14 }], row => row === 10 || row === 2, 4);
    assert.deepEqual(
      steps.map(({ first, end, visible }) => [first, end, visible]),
      [
        [8, 10, true],
        [11, 14, true],
        [0, 2, false],
        [3, 7, false],
        [7, 8, false],
        [14, 18, false],
        [18, 20, false],
      ],
    );
  });

  it('are of the rows that a selection touches', () => {
    const table = complete(10);
    assert.deepEqual(rowsWithin(table, [{ start: 3, end: 7 }]), [{ first: 1, end: 4 }]);
    assert.deepEqual(rowsWithin(table, [{ start: 4, end: 4 }]), []);
    assert.deepEqual(
      rowsWithin(table, [
        { start: 0, end: 2 },
        { start: 16, end: 99 },
      ]),
      [
        { first: 0, end: 1 },
        { first: 8, end: 10 },
      ],
    );
  });

  it('cost more with a longer context, and most where every length is tried', () => {
    const steps = [{ first: 100, end: 148 }];
    const costs = [tokensOf({ of: 'short', contextTokens: 1 }, steps, 1), tokensOf({ of: 'short', contextTokens: 64 }, steps, 1)];
    assert.deepEqual(costs, [48 * 3 + 1, 48 * 66 + 1]);
    assert.equal(tokensOf({ of: 'short', contextTokens: 1 }, steps, 101), 48 * 103 + 101);
    // A preamble that fills a call is read once.
    assert.equal(tokensOf({ of: 'short', contextTokens: 4 }, steps, 513), 48 * 5 + 513);
    assert.ok(tokensOf({ of: 'needs' }, steps, 513) < tokensOf({ of: 'needs' }, steps, 101));
    assert.ok(tokensOf({ of: 'needs' }, steps, 1) > (costs[1] ?? Infinity));
  });
});
