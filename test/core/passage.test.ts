import assert from 'node:assert/strict';
import { cellsOver, passageSummary, passageTable, usualBits } from '../../src/core/passage';

/** Tokens of so many bits, three UTF-16 units each; NaN: unscored. */
function table(...bits: readonly number[]) {
  const count = bits.length;
  return passageTable({
    ids: Int32Array.from(bits, (_, row) => row),
    starts: Uint32Array.from(bits, (_, row) => row * 3),
    ends: Uint32Array.from(bits, (_, row) => row * 3 + 3),
    surprisalBits: Float64Array.from(bits),
    entropyBits: new Float64Array(count),
    ranks: new Int32Array(count).fill(1),
    contextTokens: new Int32Array(count),
    topCount: 0,
    topIds: new Int32Array(0),
    topLogProbabilities: new Float32Array(0),
  });
}

const edges = [3, 5, 8, 11, 15] as const;

describe('passages', () => {
  it('hold the tokens that reach into a span, each once', () => {
    const cells = cellsOver(table(1, 2, 4, 8), [
      { start: 2, end: 4 },
      { start: 5, end: 7 },
    ]);
    assert.deepEqual(cells.bits, [1, 2, 4]);
  });

  it('are summed up over what is scored', () => {
    const cells = cellsOver(table(NaN, 2, 9, 4), [{ start: 0, end: 12 }]);
    assert.deepEqual(passageSummary(cells, undefined, edges), { tokens: 4, bits: 15, meanBits: 5, weakest: 2, standing: [2, 3] });
    assert.deepEqual(passageSummary(cellsOver(table(NaN), [{ start: 0, end: 3 }]), undefined, edges), {
      tokens: 1,
      bits: 0,
      meanBits: undefined,
      weakest: undefined,
      standing: [],
    });
  });

  it('stand out only above what is usual and above the first band', () => {
    const cells = cellsOver(table(2, 2.9, 4, 9), [{ start: 0, end: 12 }]);
    assert.deepEqual(passageSummary(cells, { mean: 1, p95: 2 }, edges).standing, [2, 3], 'below the first band nothing stands out');
    assert.deepEqual(passageSummary(cells, { mean: 3, p95: 4 }, edges).standing, [3], 'nor at what is usual');
    assert.deepEqual(passageSummary(cells, { mean: 6, p95: 12 }, edges).standing, []);
  });

  it('know what is usual from twenty tokens on', () => {
    const bits = Float64Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual(usualBits(bits), { mean: 50.5, p95: 95 });
    assert.deepEqual(usualBits(Float64Array.from([NaN, ...bits])), { mean: 50.5, p95: 95 });
    assert.equal(usualBits(bits.subarray(0, 19)), undefined);
  });
});
