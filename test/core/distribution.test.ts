import assert from 'node:assert/strict';
import {
  distributionOfLogProbabilities,
  distributionOfRow,
  trainingStep,
  wholeRow,
  rankOf,
  type Distribution,
} from '../../src/core/distribution';
import { rowState, type ScoreTable } from '../../src/core/scores';
import { Vocabulary } from '../../src/core/vocabulary';

const words = [' the', ' har', ' harbour', ' harbor', ' harm', 'x', '', ' is'];
const vocabulary = vocabularyOf(words);
const probabilities = [0.4, 0.1, 0.02, 0.02, 0.06, 0.3, 0.05, 0.05];
const logProbabilities = Float32Array.from(probabilities, Math.log);

function vocabularyOf(texts: readonly string[]): Vocabulary {
  const pieces = texts.map(text => Buffer.from(text));
  const offsets = [0];
  for (const piece of pieces) offsets.push((offsets.at(-1) ?? 0) + piece.length);
  return new Vocabulary({
    bytes: new Uint8Array(Buffer.concat(pieces)),
    offsets: Uint32Array.from(offsets),
    controlNames: { 6: '<|endoftext|>' },
  });
}

function typed(text: string) {
  return { bytes: new TextEncoder().encode(text), vocabulary };
}

/** A table of one scored row whose alternatives are the given probabilities. */
function tableOf(
  id: number,
  topIds: readonly number[],
  topProbabilities: readonly number[],
  rank: number,
  surprisalBits: number,
): ScoreTable {
  return {
    length: 1,
    topCount: topIds.length,
    watchCount: 0,
    ids: Int32Array.of(id),
    starts: Uint32Array.of(0),
    ends: Uint32Array.of(1),
    startBytes: Uint32Array.of(0),
    endBytes: Uint32Array.of(1),
    states: Uint8Array.of(rowState.scored),
    surprisalBits: Float64Array.of(surprisalBits),
    entropyBits: Float64Array.of(1),
    ranks: Int32Array.of(rank),
    contextTokens: Int32Array.of(0),
    topIds: Int32Array.from(topIds),
    topLogProbabilities: Float32Array.from(topProbabilities, Math.log),
    wordStartLogMass: new Float32Array(1),
    watchLogMasses: new Float32Array(0),
  };
}

function shown(distribution: Distribution) {
  return distribution.actual ? [...distribution.rows, distribution.actual] : [...distribution.rows];
}

function totalOf(distribution: Distribution): number {
  return shown(distribution).reduce((total, row) => total + row.probability, distribution.everythingElse);
}

function close(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

/** Log-probabilities of a pseudo-random vocabulary with some equal values; the same for the same seed. */
function randomLogProbabilities(size: number, seed: number): Float32Array {
  let state = seed;
  const logits = Float64Array.from({ length: size }, () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.round((state / 2147483648) * 200) / 20;
  });
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return Float32Array.from(logits, logit => logit - total);
}

describe('distributionOfLogProbabilities', () => {
  it('lists the most probable tokens, ties by id, ties sharing a rank', () => {
    const { rows } = distributionOfLogProbabilities(logProbabilities, 8, undefined, undefined);
    assert.deepEqual(
      rows.map(row => [row.id, row.rank]),
      [
        [0, 1],
        [5, 2],
        [1, 3],
        [4, 4],
        [6, 5],
        [7, 5],
        [2, 7],
        [3, 7],
      ],
    );
  });

  it('keeps the actual token a row of its own with its rank, however improbable', () => {
    const { rows, actual } = distributionOfLogProbabilities(logProbabilities, 3, 3, undefined);
    assert.deepEqual([rows.map(row => row.id), actual?.id, actual?.rank, actual?.position, actual?.afterGap], [[0, 5, 1], 3, 7, 3, true]);
    close(actual?.probability ?? NaN, 0.02);
    close(actual?.surprisalBits ?? NaN, -Math.log2(0.02));
  });

  it('takes the actual token out of the rows and remembers its place', () => {
    const { rows, actual } = distributionOfLogProbabilities(logProbabilities, 3, 5, undefined);
    assert.deepEqual([rows.map(row => row.id), actual?.id, actual?.position, actual?.afterGap], [[0, 1], 5, 1, false]);
  });

  it('sees no gap before the token ranked right after the last row', () => {
    const { actual } = distributionOfLogProbabilities(logProbabilities, 3, 4, undefined);
    assert.deepEqual([actual?.rank, actual?.position, actual?.afterGap], [4, 3, false]);
  });

  it('puts tokens that continue what is typed first, with their share of the continuing ones', () => {
    const { rows, everythingElseGivenTyped } = distributionOfLogProbabilities(logProbabilities, 5, undefined, typed(' harb'));
    assert.deepEqual(
      rows.map(row => [row.id, row.rank, Number(row.givenTyped?.toFixed(6))]),
      [
        [2, 7, 0.5],
        [3, 7, 0.5],
        [0, 1, 0],
        [5, 2, 0],
        [1, 3, 0],
      ],
    );
    close(everythingElseGivenTyped ?? NaN, 0);
  });

  it('counts a token that is exactly what is typed as continuing it', () => {
    const { rows } = distributionOfLogProbabilities(logProbabilities, 4, undefined, typed(' har'));
    assert.deepEqual(
      rows.map(row => words[row.id]),
      [' har', ' harm', ' harbour', ' harbor'],
    );
    close(rows[0]?.givenTyped ?? NaN, 0.5);
  });

  it('compares bytes, so half a character continues nothing but itself', () => {
    const euro = vocabularyOf(['€', 'é', 'e']);
    const bytes = new TextEncoder().encode('€').subarray(0, 1);
    const { rows } = distributionOfLogProbabilities(Float32Array.of(-1, -1, -1), 3, undefined, { bytes, vocabulary: euro });
    assert.deepEqual(
      rows.map(row => row.givenTyped),
      [1, 0, 0],
    );
  });

  it('says so when no token continues what is typed', () => {
    const { rows, everythingElseGivenTyped } = distributionOfLogProbabilities(logProbabilities, 2, undefined, typed('zzz'));
    assert.deepEqual(
      [rows.map(row => [row.id, row.givenTyped]), everythingElseGivenTyped],
      [
        [
          [0, 0],
          [5, 0],
        ],
        0,
      ],
    );
  });

  it('places the actual token among those that continue what is typed', () => {
    const { rows, actual } = distributionOfLogProbabilities(logProbabilities, 2, 3, typed(' har'));
    assert.deepEqual([rows.map(row => row.id), actual?.position, actual?.afterGap], [[1, 4], 2, true]);
    close(actual?.givenTyped ?? NaN, 0.1);
  });

  for (const seed of [1, 2, 3, 4]) {
    it(`is one whole, ordered, with ranks that count higher values (seed ${seed})`, () => {
      const values = randomLogProbabilities(997, seed);
      const actualId = (seed * 211) % 997;
      const distribution = distributionOfLogProbabilities(values, 10, actualId, undefined);
      close(totalOf(distribution), 1);
      assert.ok(distribution.everythingElse >= 0);
      for (const row of shown(distribution)) assert.equal(row.rank, 1 + values.filter(value => value > (values[row.id] ?? 0)).length);
      const sorted = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b).slice(0, 10);
      assert.deepEqual(
        distribution.rows.map(row => row.id),
        sorted.filter(id => id !== actualId),
      );
    });

    it(`shares out all of what continues the typed text (seed ${seed})`, () => {
      const texts = Array.from({ length: 200 }, (_, id) => `${id % 7 === 0 ? ' un' : ' '}${id}`);
      const values = randomLogProbabilities(200, seed);
      const distribution = distributionOfLogProbabilities(values, 200, 14, { bytes: Buffer.from(' un'), vocabulary: vocabularyOf(texts) });
      const rows = shown(distribution);
      close(
        rows.reduce((total, row) => total + (row.givenTyped ?? 0), 0),
        1,
      );
      assert.equal(rows.length, 200);
      for (const row of rows) assert.equal((row.givenTyped ?? 0) > 0, texts[row.id]?.startsWith(' un'));
    });
  }

  it('never leaves less than nothing, though rounded values sum to more than 1', () => {
    const { everythingElse } = distributionOfLogProbabilities(Float32Array.of(Math.log(0.6), Math.log(0.4000001)), 2, undefined, undefined);
    assert.equal(everythingElse, 0);
  });
});

describe('rankOf', () => {
  it('counts the tokens with a higher value, with those that have none at the end', () => {
    const row = wholeRow(Float32Array.of(-1, -Infinity, -0.5, -1, -Infinity), undefined);
    assert.deepEqual([0, 1, 2, 3, 4].map(id => rankOf(row, id)), [2, 4, 1, 2, 4]); // prettier-ignore
  });
});

describe('trainingStep', () => {
  it('is label minus probability for each token, the largest first, and sums to 0', () => {
    const others = [0.05, 0.4, 0.2, 0.1].map((probability, id) => ({ id, probability }));
    const step = trainingStep({ probability: 0.15 }, others, 3);
    assert.equal(step.label, 0.85);
    assert.deepEqual(step.others.map(({ row, change }) => [row.id, change]), [[1, -0.4], [2, -0.2], [3, -0.1]]); // prettier-ignore
    close(step.rest, -0.15);
    close(
      step.others.reduce((sum, { change }) => sum + change, step.label + step.rest),
      0,
      1e-12,
    );
  });

  it('lets nothing else rise, though rounded probabilities sum to more than 1', () => {
    assert.ok(trainingStep({ probability: 0.6 }, [{ probability: 0.4000001 }], 8).rest <= 0);
  });
});

describe('distributionOfRow', () => {
  it('gives the table its own numbers back', () => {
    const distribution = distributionOfRow(tableOf(9, [4, 2, 7], [0.5, 0.25, 0.125], 1150, 16), 0, 10);
    assert.deepEqual(distribution, {
      rows: [
        { id: 4, rank: 1, probability: distribution?.rows[0]?.probability, givenTyped: undefined },
        { id: 2, rank: 2, probability: distribution?.rows[1]?.probability, givenTyped: undefined },
        { id: 7, rank: 3, probability: distribution?.rows[2]?.probability, givenTyped: undefined },
      ],
      actual: { id: 9, rank: 1150, probability: 2 ** -16, givenTyped: undefined, surprisalBits: 16, position: 3, afterGap: true },
      everythingElse: distribution?.everythingElse,
      everythingElseGivenTyped: undefined,
    });
    assert.deepEqual(
      distribution.rows.map(row => Number(row.probability.toFixed(6))),
      [0.5, 0.25, 0.125],
    );
    close(totalOf(distribution), 1);
  });

  it('shows at most the asked number, the actual token among them', () => {
    const distribution = distributionOfRow(tableOf(2, [4, 2, 7], [0.5, 0.25, 0.125], 2, 2), 0, 2);
    assert.deepEqual([distribution?.rows.map(row => row.id), distribution?.actual?.position], [[4], 1]);
    close(distribution?.everythingElse ?? NaN, 0.25);
  });

  it('leaves out places without an alternative', () => {
    assert.deepEqual(
      distributionOfRow(tableOf(1, [1, 0, -1], [0.75, 0.25, 1], 1, -Math.log2(0.75)), 0, 3)?.rows.map(row => row.id),
      [0],
    );
  });

  it('says nothing of a row without a score', () => {
    for (const state of [rowState.pending, rowState.unscored]) {
      assert.equal(distributionOfRow({ ...tableOf(1, [1], [1], 1, 0), states: Uint8Array.of(state) }, 0, 3), undefined);
    }
  });

  it('agrees with the whole row of log-probabilities it was taken from', () => {
    const values = randomLogProbabilities(500, 7);
    for (const id of [0, 17, 499]) {
      const whole = distributionOfLogProbabilities(values, 10, id, undefined);
      const best = distributionOfLogProbabilities(values, 10, undefined, undefined).rows.map(row => row.id);
      const value = values[id] ?? NaN;
      const table = {
        ...tableOf(id, best, best, whole.actual?.rank ?? 0, -value / Math.LN2),
        topLogProbabilities: Float32Array.from(best, best => values[best] ?? NaN),
      };
      const row = distributionOfRow(table, 0, 10);
      assert.deepEqual([row?.rows, row?.actual?.position], [whole.rows, whole.actual?.position]);
      close(row?.everythingElse ?? NaN, whole.everythingElse, 1e-12);
    }
  });
});
