import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  applySampling,
  impossibleMark,
  keptMark,
  rankTokens,
  samplingRules,
  type KeptTokens,
  type SamplingRule,
  type SamplingSettings,
} from '../../src/core/sampling';
import { drawFromRow } from '../../src/core/rowDraw';
import { draw, SeededRandom } from '../../src/core/seededRandom';

/** How a row is made, see tools/model/samplingTable.py. */
interface Recipe {
  readonly size: number;
  readonly seed: number;
  readonly shape: 'flat' | 'triangle' | 'peaked';
  readonly spread: number;
  readonly step: number;
  readonly blocked: number;
}

interface Case {
  readonly row: Recipe;
  readonly settings: SamplingSettings;
  readonly stages: readonly { rule: SamplingRule; tokensLeft: number; rawMassLeft: number }[];
  readonly kept: { readonly ids?: readonly number[]; readonly count?: number; readonly sha256?: string };
  readonly probabilities: readonly (readonly [id: number, raw: number, after: number])[];
}

function rowOf({ size, seed, shape, spread, step, blocked }: Recipe): Float32Array {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length: size }, (_, index) => {
    let value = random.next32() / 2 ** 32;
    if (shape === 'peaked') {
      for (let square = 0; square < 3; square++) value *= value;
    } else if (shape === 'triangle') {
      value += random.next32() / 2 ** 32 - 1;
    }
    value = (value - 1) * spread;
    if (step > 0) value = Math.floor(value / step) * step;
    const isBlocked = blocked > 0 && random.next32() % 256 < blocked && index > 0;
    return isBlocked ? -Infinity : value;
  });
}

const { cases } = JSON.parse(readFileSync('test/reference/sampling.json', 'utf8')) as { readonly cases: readonly Case[] };
const rows = cases.map(({ row }) => rowOf(row));

function sampling(row: Float32Array, settings: SamplingSettings) {
  return applySampling(rankTokens(row), settings);
}

/** Natural logarithms of given probabilities. */
function rowFrom(...probabilities: readonly number[]): Float32Array {
  return Float32Array.from(probabilities, Math.log);
}

function keptIds(row: Float32Array, settings: SamplingSettings): number[] {
  return [...sampling(row, settings).kept.ids];
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function assertNear(actual: number | undefined, expected: number, tolerance: number): void {
  assert.ok(Math.abs((actual ?? NaN) - expected) <= tolerance, `${actual ?? 'nothing'} is not ${expected}`);
}

describe('sampling, against Hugging Face', () => {
  it('has a table worth the name', () => {
    assert.ok(cases.length >= 200);
    for (const rule of samplingRules) assert.ok(cases.filter(({ settings }) => settings[rule] !== undefined).length >= 50, rule);
    assert.ok(rows.some(row => row.length === 49152) && rows.some(row => row.length === 5) && rows.some(row => row.includes(-Infinity)));
  });

  for (const [index, { row, settings, stages, kept, probabilities }] of cases.entries()) {
    it(`${index}: ${JSON.stringify(settings)} on ${row.size} ${row.shape}`, () => {
      const ours = sampling(rows[index] ?? new Float32Array(), settings);
      assert.deepEqual(
        ours.stages.map(stage => [stage.rule, stage.tokensLeft]),
        stages.map(stage => [stage.rule, stage.tokensLeft]),
      );
      for (const [place, stage] of stages.entries()) assertNear(ours.stages[place]?.rawMassLeft, stage.rawMassLeft, 1e-9);
      const ids = [...ours.kept.ids].sort((a, b) => a - b);
      if (kept.ids) assert.deepEqual(ids, kept.ids);
      else assert.deepEqual([ids.length, createHash('sha256').update(ids.join(',')).digest('hex')], [kept.count, kept.sha256]);
      for (const [id, raw, after] of probabilities) {
        const place = ours.kept.ids.indexOf(id);
        assertNear(ours.kept.rawProbabilities[place], raw, 1e-12);
        assertNear(ours.kept.probabilities[place], after, 1e-6);
      }
    });
  }
});

describe('sampling, by law', () => {
  it('ranks by probability, equal ones by id, and leaves out what has none', () => {
    for (const row of rows) {
      const { ids, probabilities, vocabularySize } = rankTokens(row);
      const expected = [...row.keys()].filter(id => row[id] !== -Infinity).sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
      assert.deepEqual([...ids], expected);
      assertNear(total(probabilities), 1, 1e-9);
      assert.equal(vocabularySize, row.length);
    }
    assert.deepEqual([...rankTokens(Float32Array.of(-0, 0, 1, -1, 0, -0)).ids], [2, 0, 1, 4, 5, 3]);
  });

  it('keeps one run of the ranked tokens, marks every other one, and shares 1 among the kept', () => {
    for (const [index, { settings }] of cases.entries()) {
      const row = rows[index] ?? new Float32Array();
      const ranked = rankTokens(row);
      const { kept, cutBy, stages } = applySampling(ranked, settings);
      const { firstRanked } = kept;
      assert.deepEqual(kept.ids, ranked.ids.subarray(firstRanked, firstRanked + kept.ids.length));
      assert.deepEqual(kept.rawProbabilities, ranked.probabilities.subarray(firstRanked, firstRanked + kept.ids.length));
      assertNear(total(kept.probabilities), 1, 1e-9);
      const counts = new Map<number, number>();
      for (const mark of cutBy) counts.set(mark, (counts.get(mark) ?? 0) + 1);
      assert.ok(kept.ids.every(id => cutBy[id] === keptMark) && counts.get(keptMark) === kept.ids.length);
      assert.equal(counts.get(impossibleMark) ?? 0, row.length - ranked.ids.length);
      let left = ranked.ids.length;
      for (const { rule, tokensLeft } of stages) {
        assert.equal(counts.get(1 + samplingRules.indexOf(rule)) ?? 0, left - tokensLeft, rule);
        left = tokensLeft;
      }
    }
  });

  it('never lets tokens or mass rise', () => {
    for (const [index, { settings }] of cases.entries()) {
      let before = { tokensLeft: Infinity, rawMassLeft: 1 };
      for (const stage of sampling(rows[index] ?? new Float32Array(), settings).stages) {
        assert.ok(stage.tokensLeft >= 1 && stage.tokensLeft <= before.tokensLeft);
        assert.ok(stage.rawMassLeft >= 0 && stage.rawMassLeft <= before.rawMassLeft);
        assert.ok(stage.shareLeft > 0 && stage.shareLeft <= 1);
        before = stage;
      }
    }
  });

  it('tells the mass of the model from the share of what reached the rule', () => {
    const { stages, kept } = sampling(rowFrom(0.64, 0.16, 0.16, 0.04), { temperature: 2, topK: 3, topP: 0.75 });
    // Square roots: 0.8, 0.4, 0.4, 0.2 of 1.8; then of 1.6 left.
    const shares = [1, 1.6 / 1.8, 1.2 / 1.6];
    const masses = [1, 0.96, 0.8];
    assert.deepEqual(
      stages.map(stage => stage.tokensLeft),
      [4, 3, 2],
    );
    for (const [index, stage] of stages.entries()) {
      assertNear(stage.shareLeft, shares[index] ?? NaN, 1e-6);
      assertNear(stage.rawMassLeft, masses[index] ?? NaN, 1e-6);
    }
    assertNear(kept.rawProbabilities[0], 0.64, 1e-6);
    assertNear(kept.probabilities[0], 2 / 3, 1e-6);
  });

  it('changes nothing by neutral settings, and by settings left out', () => {
    for (const row of rows.slice(0, 40)) {
      const { ids, probabilities } = rankTokens(row);
      for (const settings of [{}, { temperature: 1, topK: 0, topP: 1, minP: 0, typical: 1 }, { topK: undefined }]) {
        const { stages, kept } = sampling(row, settings);
        assert.deepEqual([stages.length, kept.firstRanked], [0, 0]);
        assert.deepEqual(kept.ids, ids);
        for (const [place, probability] of probabilities.entries()) assertNear(kept.probabilities[place], probability, 1e-12);
      }
    }
  });

  it('is greedy at temperature 0, at top-k 1 and at top-p 0', () => {
    for (const row of rows) {
      const best = row.reduce((place, value, id) => (value > (row[place] ?? NaN) ? id : place), 0);
      const greedy = sampling(row, { temperature: 0, topK: 40, typical: 0.5 });
      assert.deepEqual([...greedy.kept.ids, ...greedy.kept.probabilities], [best, 1]);
      assert.deepEqual(
        greedy.stages.map(stage => stage.rule),
        ['temperature'],
      );
      assert.deepEqual(keptIds(row, { topP: 0 }), [best]);
      const first = keptIds(row, { topK: 1 });
      assert.equal(first[0], best);
      assert.ok(first.every(id => row[id] === row[best]) && first.length === row.filter(value => value === row[best]).length);
    }
  });

  it('has the borders of Hugging Face', () => {
    const row = rowFrom(0.1, 0.4, 0.2, 0.2, 0.1);
    assert.deepEqual(keptIds(row, { topK: 2 }), [1, 2, 3]); // equals of the last stay
    assert.deepEqual(keptIds(row, { topK: 9 }), [1, 2, 3, 0, 4]);
    assert.deepEqual(keptIds(row, { topP: 0.39 }), [1]); // the token that crosses the mass stays
    assert.deepEqual(keptIds(row, { topP: 0.41 }), [1, 2]); // of equals the lower id
    assert.deepEqual(keptIds(rowFrom(0.5, 0.5), { topP: 0.5 }), [0]); // the mass need only be reached
    assert.deepEqual(keptIds(row, { minP: 1 }), [1]);
    assert.deepEqual(keptIds(row, { minP: 0.49 }), [1, 2, 3]); // a share of the best, not a probability
    assert.deepEqual(keptIds(row, { minP: 0.51 }), [1]);
    // Entropy 1.16 nats; surprisals 0.36, 1.90 and 3.00: the first is nearer.
    assert.deepEqual(keptIds(rowFrom(0.7, 0.15, 0.05, 0.05, 0.05), { typical: 0.5 }), [0]);
    // Entropy 1.78 nats; surprisals 0.92 and 2.30: the best token is cut, the equal ones stay together.
    const flat = sampling(rowFrom(0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1), { typical: 0.05 });
    assert.deepEqual([...flat.kept.ids, flat.kept.firstRanked, flat.cutBy[0]], [1, 2, 3, 4, 5, 6, 1, 1 + samplingRules.indexOf('typical')]);
    assert.deepEqual(keptIds(rowFrom(0.25, 0.25, 0.25, 0.25), { typical: 0.2 }), [0, 1, 2, 3]);
  });

  it('bears logits, extreme temperatures and tokens that underflow', () => {
    const row = Float32Array.of(1000, 0, 1000, -Infinity, -1000);
    assert.deepEqual(keptIds(row, {}), [0, 2, 1, 4]); // possible, though 0 in float64
    assert.deepEqual(keptIds(row, { temperature: Number.MIN_VALUE, typical: 0.3 }), [0, 2]);
    for (const temperature of [Number.MIN_VALUE, 1e-3, 1e300]) {
      for (const rule of [{}, { topP: 0.3 }, { minP: 0.3 }, { typical: 0.999 }]) {
        assertNear(total(sampling(row, { temperature, ...rule }).kept.probabilities), 1, 1e-12);
      }
    }
  });

  it('ends where rounding leaves the typical mass out of reach', () => {
    for (const row of rows) assertNear(sampling(row, { typical: 1 - 2 ** -53 }).stages[0]?.rawMassLeft, 1, 1e-9);
  });

  it('refuses what is no distribution, and settings out of range', () => {
    for (const row of [[], [-Infinity, -Infinity], [0, NaN], [0, -NaN, -Infinity], [0, Infinity]]) {
      assert.throws(() => rankTokens(Float32Array.from(row)), RangeError);
    }
    const wrong = [{ temperature: -1 }, { temperature: NaN }, { temperature: Infinity }, { topK: 1.5 }, { topK: -1 }, { topP: 1.1 }];
    for (const settings of [...wrong, { topP: -0.1 }, { minP: 1.1 }, { minP: NaN }, { typical: 0 }, { typical: 2 }]) {
      assert.throws(() => sampling(rowFrom(0.5, 0.5), settings), RangeError, JSON.stringify(settings));
    }
  });
});

describe('SeededRandom', () => {
  const numbers = (random: SeededRandom, count: number): number[] => Array.from({ length: count }, () => random.next32());

  it('gives the numbers published with PCG32 (pcg32-demo, round 1)', () => {
    assert.deepEqual(numbers(new SeededRandom(42, 54), 6), [0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e]);
  });

  it('depends on seed and stream, and on nothing else', () => {
    assert.deepEqual(numbers(new SeededRandom(7, 3), 50), numbers(new SeededRandom(7, 3), 50));
    const firsts = [new SeededRandom(7, 3), new SeededRandom(7, 4), new SeededRandom(8, 3), new SeededRandom(7 + 2 ** 32, 3)];
    assert.equal(new Set(firsts.map(random => numbers(random, 3).join())).size, 4);
    assert.throws(() => new SeededRandom(0.5), RangeError);
  });

  it('is even on [0, 1)', () => {
    const random = new SeededRandom(1);
    const counts = new Array<number>(10).fill(0);
    for (let index = 0; index < 20000; index++) {
      const uniform = random.uniform();
      assert.ok(uniform >= 0 && uniform < 1);
      counts[Math.floor(uniform * 10)] = (counts[Math.floor(uniform * 10)] ?? 0) + 1;
    }
    for (const count of counts) assertNear(count, 2000, 200); // 4.7 standard deviations
  });
});

describe('draw', () => {
  const at = (kept: KeptTokens, uniform: number) => draw(kept, { uniform: () => uniform });

  it('finds the token over which the number falls', () => {
    const { kept } = sampling(Float32Array.of(-Infinity, Math.log(1), Math.log(2), Math.log(1)), {}); // 2: 0.5, 1: 0.25, 3: 0.25
    const ids = [0, 0.49, 0.51, 0.74, 0.76, 1 - 2 ** -53].map(uniform => at(kept, uniform).id);
    assert.deepEqual(ids, [2, 2, 1, 1, 3, 3]);
    const drawn = at(kept, 0.6);
    assert.deepEqual([drawn.place, drawn.uniform], [1, 0.6]);
    assertNear(drawn.start, 0.5, 1e-7);
    assertNear(drawn.end, 0.75, 1e-7);
  });

  it('never draws what is cut or has no probability left', () => {
    const { kept } = sampling(Float32Array.of(0, 0, 0, -2000, -3000), {});
    assert.equal(kept.ids.length, 5);
    assert.equal(at(kept, 1 - 2 ** -53).id, 2);
    const short = { ...kept, probabilities: Float64Array.of(0.3, 0.3, 0.3, 0, 0) }; // rounding, made large
    assert.equal(at(short, 0.95).id, 2);
  });

  it('draws the same tokens with the same seed, as often as they are probable', () => {
    const { kept } = sampling(rowFrom(0.5, 0.3, 0.15, 0.05), { topK: 3 });
    const tokens = (seed: number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 20000 }, () => draw(kept, random).id);
    };
    const drawn = tokens(5);
    assert.deepEqual(drawn, tokens(5));
    assert.notDeepEqual(drawn.slice(0, 50), tokens(6).slice(0, 50));
    for (const [place, id] of kept.ids.entries()) {
      assertNear(drawn.filter(token => token === id).length / 20000, kept.probabilities[place] ?? NaN, 0.015);
    }
    assert.ok(!drawn.includes(3));
  });
});

describe('drawing from a row at once', () => {
  // With a number at the very border of two tokens, sums in another order may take the other one.
  const isAtBorder = (kept: KeptTokens, uniform: number) => {
    let reached = 0;
    return kept.probabilities.some(probability => Math.abs((reached += probability) - uniform) < 1e-9);
  };

  it('takes the token that sorting and the rules would, with its probability', () => {
    const random = new SeededRandom(8);
    let [compared, afterAll] = [0, 0];
    for (const [index, { settings }] of cases.entries()) {
      const row = rows[index] ?? assert.fail();
      for (const rules of [settings, {}, { ...settings, typical: undefined }]) {
        const { kept } = sampling(row, rules);
        for (const uniform of [0, random.uniform(), 1 - random.uniform() ** 8, 1 - 2 ** -53]) {
          if (isAtBorder(kept, uniform)) continue;
          const expected = draw(kept, { uniform: () => uniform });
          const found = drawFromRow(row, rules, uniform, undefined);
          assert.equal(found.id, expected.id, `row ${String(index)}, ${JSON.stringify(rules)}, ${String(uniform)}`);
          assertNear(found.probability, expected.end - expected.start, 1e-9);
          compared++;
          if (expected.place > 200) afterAll++;
        }
      }
    }
    assert.ok(compared > 2000 && afterAll > 100, `${String(compared)}, ${String(afterAll)} far down`);
  });

  it('gives the probability of any token that is forced', () => {
    const random = new SeededRandom(9);
    let cut = 0;
    for (const [index, { settings }] of cases.entries()) {
      const row = rows[index] ?? assert.fail();
      const { kept } = sampling(row, settings);
      for (const forced of [kept.ids[0], kept.ids.at(-1), random.next32() % row.length]) {
        const { id, probability } = drawFromRow(row, settings, 0.5, forced);
        assert.equal(id, forced);
        const expected = kept.probabilities[kept.ids.indexOf(forced ?? -1)] ?? 0;
        assertNear(probability, expected, 1e-9);
        assert.equal(probability === 0, expected === 0);
        if (expected === 0) cut++;
      }
    }
    assert.ok(cut > 100, String(cut));
  });

  it('refuses what those do', () => {
    const refused: readonly (readonly [Float32Array, SamplingSettings])[] = [
      [Float32Array.of(0, NaN), {}],
      [Float32Array.of(-Infinity, -Infinity), {}],
      [new Float32Array(0), {}],
      [Float32Array.of(0, 1), { topP: 2 }],
      [Float32Array.of(0, NaN), { temperature: 0 }],
    ];
    for (const [row, settings] of refused) assert.throws(() => drawFromRow(row, settings, 0.5, undefined), RangeError);
  });
});
