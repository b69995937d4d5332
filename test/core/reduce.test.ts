import assert from 'node:assert/strict';
import { logProbabilitiesOf, reduceRow, topIds } from '../../src/core/reduce';
import { newRows } from '../../src/core/scoreTable';

/** The definitions, word for word, in float64 and with a full sort: slow and plain. */
function plain(logits: Float32Array, token: number) {
  const shifted = [...logits].map(logit => Math.exp(logit - Math.max(...logits)));
  const total = shifted.reduce((sum, weight) => sum + weight, 0);
  const probabilities = shifted.map(weight => weight / total);
  const order = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  return {
    surprisalBits: -Math.log2(probabilities[token] ?? 0),
    entropyBits: -probabilities.reduce((sum, p) => sum + (p > 0 ? p * Math.log2(p) : 0), 0),
    rank: 1 + [...logits].filter(logit => logit > (logits[token] ?? 0)).length,
    order,
    probabilities,
  };
}

/** Values that repeat often, so that ties are met. */
function randomLogits(size: number, spread: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.round(((state >>> 8) / 2 ** 24 - 0.5) * spread * 4) / 4;
  });
}

describe('reduceRow', () => {
  it('agrees with the definitions', () => {
    // Every third token, every fifth, all.
    const sets = {
      count: 3,
      members: Float32Array.from({ length: 900 }, (_, at) => Number(((at / 3) | 0) % ([3, 5, 1][at % 3] ?? 1) === 0)),
    };
    for (const [seed, spread] of [1, 10, 100, 1000].entries()) {
      const logits = randomLogits(300, spread, seed + 1);
      for (const token of [0, 17, 299]) {
        const expected = plain(logits, token);
        const rows = newRows(0, 1, { topCount: 10, watchCount: 2 });
        reduceRow(logits, token, rows, 0, 10, sets);
        // A probability too small for float64 has no logarithm in the plain way; ours never leaves the logarithms.
        if (Number.isFinite(expected.surprisalBits)) assert.ok(Math.abs((rows.surprisalBits[0] ?? NaN) - expected.surprisalBits) < 1e-9);
        else assert.ok((rows.surprisalBits[0] ?? 0) > 1000 && Number.isFinite(rows.surprisalBits[0]));
        assert.ok(Math.abs((rows.entropyBits[0] ?? NaN) - expected.entropyBits) < 1e-9);
        assert.equal(rows.ranks[0], expected.rank);
        const masses = [...rows.wordStartLogMass, ...rows.watchLogMasses];
        for (const [set, logMass] of masses.entries()) {
          const mass = expected.probabilities.reduce((sum, p, id) => sum + (sets.members[id * 3 + set] === 1 ? p : 0), 0);
          assert.ok(Math.abs(Math.exp(logMass) - mass) < 1e-6);
        }
        assert.ok(Math.abs(masses[2] ?? NaN) < 1e-6);
        assert.deepEqual([...rows.topIds], expected.order.slice(0, 10));
        for (const [place, id] of expected.order.slice(0, 10).entries()) {
          assert.ok(Math.abs(Math.exp(rows.topLogProbabilities[place] ?? NaN) - (expected.probabilities[id] ?? NaN)) < 1e-6);
        }
      }
    }
  });

  it('bears logits that overflow without a shift, and masked ones', () => {
    const rows = newRows(0, 1, { topCount: 2, watchCount: 1 });
    reduceRow(Float32Array.of(-Infinity, 1000, 1000, -Infinity), 1, rows, 0, 2, {
      count: 2,
      members: Float32Array.of(1, 1, 0, 1, 0, 0, 1, 0),
    });
    assert.deepEqual([rows.surprisalBits[0], rows.entropyBits[0], rows.ranks[0], ...rows.topIds], [1, 1, 1, 1, 2]);
    assert.deepEqual([...rows.wordStartLogMass, ...rows.watchLogMasses], [-Infinity, Math.fround(-Math.LN2)]);
  });
});

describe('logProbabilitiesOf', () => {
  it('gives a distribution, and its entropy', () => {
    const logits = randomLogits(500, 20, 9);
    const { logProbabilities, entropyBits } = logProbabilitiesOf(logits);
    assert.ok(Math.abs(logProbabilities.reduce((sum, value) => sum + Math.exp(value), 0) - 1) < 1e-5);
    assert.ok(Math.abs(entropyBits - plain(logits, 0).entropyBits) < 1e-9);
  });
});

describe('topIds', () => {
  it('may be asked for more than there are', () => {
    assert.deepEqual(topIds(Float32Array.of(1, 3, 2), 10), [1, 2, 0]);
  });
});
