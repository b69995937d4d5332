import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Tensor } from 'onnxruntime-common';
import type { TokenSets } from '../../src/core/scores';
import { scoringHead } from '../../src/model/graft';
import { readGraph } from '../../src/model/graph';
import { openModel } from '../../src/model/runtime';
import { ScoringSession } from '../../src/model/session';
import type { HeadRows } from '../../src/model/session';
import { floats, Folders, pathOf, sessionOptions, through, tinyGpt2, tinyHalf, tinyOld } from './graphs';
import type { ModelFile } from './graphs';
import { randomNumbers } from './process';

const vocabulary = 422;
const headTolerance = 1e-4;
/** Of sums of probabilities, relative. */
const massTolerance = 1e-4;

/** What float64 arithmetic makes of one row of logits, straight from the definitions. */
function definitions(logits: Float32Array, label: number, topCount: number) {
  const max = Math.max(...logits);
  const weights = Array.from(logits, logit => Math.exp(logit - max));
  const sum = weights.reduce((a, b) => a + b, 0);
  const bitsOf = (id: number) => (max - (logits[id] ?? NaN) + Math.log(sum)) / Math.LN2;
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  return {
    surprisalBits: bitsOf(label),
    entropyBits: weights.reduce((bits, weight, id) => (weight === 0 ? bits : bits + (weight / sum) * bitsOf(id)), 0),
    rank: 1 + logits.filter(logit => logit > (logits[label] ?? NaN)).length,
    topIds: order.slice(0, topCount),
    topBits: order.slice(0, topCount).map(bitsOf),
    /** Of tokens for which it holds. */
    massOf: (holds: (id: number) => boolean) => weights.reduce((mass, weight, id) => mass + (holds(id) ? weight / sum : 0), 0),
  };
}

/** The logits of every id, by the runtime alone: the file as it is, one call. */
async function logitsOf(file: ModelFile, ids: readonly number[]): Promise<Float32Array[]> {
  const model = await openModel({ ...sessionOptions(file), content: undefined });
  const { session } = model;
  try {
    const int64 = (values: readonly number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
    const feeds: Record<string, Tensor> = {
      input_ids: int64(ids),
      attention_mask: int64(ids.map(() => 1)),
      position_ids: int64([...ids.keys()]),
    };
    for (const { name } of session.inputMetadata) {
      if (name.startsWith('past')) feeds[name] = new Tensor('float32', new Float32Array(0), [1, 4, 0, 8]);
    }
    const { logits } = await session.run(feeds, ['logits']);
    const data = logits?.data;
    assert.ok(data instanceof Float32Array);
    return ids.map((_, index) => data.subarray(index * vocabulary, (index + 1) * vocabulary));
  } finally {
    await model.dispose();
  }
}

/** Some tokens, one token, all. */
function isInSet(id: number, set: number): boolean {
  return set === 0 ? id % 3 === 0 : set === 1 ? id === 221 : true;
}

/** Of this many tokens: a tokenizer may have more or fewer than there are logits. */
function setsOf(tokens: number): TokenSets {
  return { count: 3, members: Float32Array.from({ length: tokens * 3 }, (_, at) => Number(isInSet(Math.floor(at / 3), at % 3))) };
}
const allSets = setsOf(vocabulary);

function assertRow(rows: HeadRows, index: number, expected: ReturnType<typeof definitions>, tolerance: number): void {
  const close = (bits: number | undefined, wanted: number | undefined, what: string) => {
    assert.ok(bits !== undefined && wanted !== undefined);
    assert.ok(bits === wanted || Math.abs(bits - wanted) <= tolerance, `${what}: ${String(bits)} instead of ${String(wanted)}`);
  };
  const topCount = expected.topIds.length;
  const places = [index * topCount, (index + 1) * topCount] as const;
  for (const [set, logMass] of [rows.wordStartLogMass[index], ...rows.watchLogMasses.subarray(index * 2, (index + 1) * 2)].entries()) {
    const mass = expected.massOf(id => isInSet(id, set));
    const given = Math.exp(logMass ?? NaN);
    assert.ok(Math.abs(given - mass) <= massTolerance * mass + 1e-37, `set ${String(set)}: ${String(given)} instead of ${String(mass)}`);
    // All tokens together have probability 1.
    if (set === 2) assert.ok((logMass ?? NaN) <= 0 && (logMass ?? NaN) > -1e-5);
  }
  close(rows.surprisalBits[index], expected.surprisalBits, 'surprisal');
  close(rows.entropyBits[index], expected.entropyBits, 'entropy');
  assert.equal(rows.ranks[index], expected.rank);
  assert.deepEqual([...rows.topIds.subarray(...places)], expected.topIds);
  for (const [place, log] of rows.topLogProbabilities.subarray(...places).entries()) {
    close(-log / Math.LN2, expected.topBits[place], `alternative ${place}`);
  }
}

describe('the scoring head', () => {
  const folders = new Folders();
  const opened: ScoringSession[] = [];
  const open = async (file: ModelFile, changes: Parameters<typeof sessionOptions>[1] = {}) => {
    const session = await ScoringSession.open(sessionOptions(file, changes));
    opened.push(session);
    return session;
  };
  afterEach(async () => {
    for (const session of opened.splice(0)) await session.dispose();
    folders.clear();
  });

  const random = randomNumbers(20261122);
  const ids = Array.from({ length: 100 }, () => random(vocabulary));

  /** Scores `ids` in chunks with rows and k chosen at random, and holds every row against the definitions. */
  async function compare(
    session: ScoringSession,
    logits: readonly Float32Array[],
    calls: number,
    tolerance = headTolerance,
  ): Promise<void> {
    for (let call = 0; call < calls; call++) {
      const topCount = 1 + random(50);
      let cache = session.emptyCache;
      while (cache.positions < ids.length - 2) {
        const from = cache.positions;
        const count = 2 + random(ids.length - from - 2);
        const first = random(count);
        const wanted = Array.from({ length: 1 + random(count - first) }, () => random(vocabulary));
        const rows = { first, labels: Int32Array.from(wanted), topCount, sets: call % 2 === 0 ? allSets : setsOf(vocabulary + 40) };
        const result = await session.run(ids.slice(from, from + count), cache, { rows, cache: true });
        assert.ok(result.rows && result.cache);
        assert.equal(result.rows.count, wanted.length);
        assert.equal(result.rows.topIds.length, wanted.length * topCount);
        for (const [index, label] of wanted.entries()) {
          assertRow(result.rows, index, definitions(logits[from + first + index] ?? new Float32Array(0), label, topCount), tolerance);
        }
        cache = result.cache;
      }
    }
  }

  it('gives the numbers of the logits, whatever the chunk, the rows asked for and k', async () => {
    const session = await open(tinyGpt2);
    assert.equal(session.head, 'grafted');
    await compare(session, await logitsOf(tinyGpt2, ids), 20);
  });

  it('gives ties the best rank and orders them by id', async () => {
    const rounded = folders.tinyWith(model => through(model, [{ op: 'Round' }]));
    const logits = await logitsOf(rounded, ids);
    assert.ok(new Set(logits[0]).size < 30, 'few different logits');
    await compare(await open(rounded), logits, 5);
  });

  it('takes logits of -Infinity as probability 0', async () => {
    const isMasked = (id: number) => id % 3 === 1;
    const penalties = Array.from({ length: vocabulary }, (_, id) => (isMasked(id) ? -Infinity : 0));
    const masked = folders.tinyWith(model => through(model, [{ op: 'Add', with: 'penalties' }], [floats('penalties', penalties)]));
    const session = await open(masked);
    assert.equal(session.head, 'grafted');
    await compare(session, await logitsOf(masked, ids), 5);
    const { logProbabilities } = await session.run(ids, session.emptyCache, { distributionAt: 40, cache: false });
    assert.ok(logProbabilities?.every((log, id) => (log === -Infinity) === isMasked(id)));
  });

  it('keeps its precision where all logits are large', async () => {
    const shifted = folders.tinyWith(model => through(model, [{ op: 'Add', with: 'shift' }], [floats('shift', [-500])]));
    await compare(await open(shifted), await logitsOf(shifted, ids), 3);
  });

  it('ranks the logits themselves, however far below the highest they are', async () => {
    const peak = Array.from({ length: vocabulary }, (_, id) => (id === 5 ? 100 : 0));
    const peaked = folders.tinyWith(model =>
      through(
        model,
        [
          { op: 'Mul', with: 'small' },
          { op: 'Add', with: 'peak' },
        ],
        [floats('small', [1e-6]), floats('peak', peak)],
      ),
    );
    await compare(await open(peaked), await logitsOf(peaked, ids), 2);
  });

  it('reads 16-bit logits', async () => {
    const exact = await logitsOf(tinyGpt2, ids);
    // Half of a unit in the last place: logits up to 16 in float16, with 11 binary digits, and in bfloat16, with 8.
    for (const [elemType, rounding] of [
      [10, 2 ** -8],
      [16, 2 ** -5],
    ] as const) {
      const half = folders.tinyWith(model => through(model, [{ op: 'Cast', to: elemType }], [], elemType));
      const session = await open(half);
      assert.equal(session.head, 'grafted');
      const { rows } = await session.run(ids, session.emptyCache, {
        rows: { first: 0, labels: Int32Array.from(ids.slice(1)), topCount: 1, sets: allSets },
        cache: false,
      });
      for (const [index, label] of ids.slice(1).entries()) {
        const { surprisalBits } = definitions(exact[index] ?? new Float32Array(0), label, 1);
        assert.ok(Math.abs((rows?.surprisalBits[index] ?? NaN) - surprisalBits) < (4 * rounding) / Math.LN2);
      }
    }
  });

  it('gives one whole distribution, which sums to 1 and agrees with the rows', async () => {
    for (const file of [tinyGpt2, tinyOld, tinyHalf]) {
      const session = await open(file);
      const topCount = 50;
      for (const at of [0, 57, ids.length - 1]) {
        const rows = { first: at, labels: Int32Array.of(7), topCount, sets: allSets };
        const result = await session.run(ids, session.emptyCache, { rows, distributionAt: at, cache: false });
        assert.equal(result.cache, undefined);
        const logs = result.logProbabilities;
        assert.ok(logs && result.rows);
        assert.equal(logs.length, vocabulary);
        assert.ok(Math.abs(logs.reduce((sum, log) => sum + Math.exp(log), 0) - 1) < 1e-5);
        assert.ok(Math.abs((result.rows.surprisalBits[0] ?? NaN) + (logs[7] ?? NaN) / Math.LN2) < headTolerance);
        for (const [place, id] of result.rows.topIds.entries()) {
          assert.ok(Math.abs((result.rows.topLogProbabilities[place] ?? NaN) - (logs[id] ?? NaN)) < headTolerance);
        }
      }
    }
  });

  it('is not needed for the cache alone, nor for no rows', async () => {
    const session = await open(tinyGpt2);
    const { cache, ...rest } = await session.run(ids, session.emptyCache, { cache: true });
    assert.deepEqual([cache?.positions, rest], [100, { rows: undefined, logProbabilities: undefined }]);
    const none = await session.run(ids, session.emptyCache, {
      rows: { first: 0, labels: new Int32Array(0), topCount: 5, sets: allSets },
      cache: true,
    });
    assert.equal(none.rows?.count, 0);
  });

  it('gives no more alternatives than there are', async () => {
    for (const file of [tinyGpt2, tinyOld]) {
      const session = await open(file);
      const rows = { first: 10, labels: Int32Array.of(1, 2, 3), topCount: 450, sets: setsOf(3) };
      const result = (await session.run(ids, session.emptyCache, { rows, cache: true })).rows;
      const second = result?.topIds.subarray(450, 900);
      assert.deepEqual(new Set(second), new Set([...Array(vocabulary).keys(), -1]));
      assert.ok(second?.subarray(vocabulary).every(id => id === -1));
      assert.deepEqual(Object.keys(result ?? {}).sort(), [
        'count',
        'entropyBits',
        'ranks',
        'surprisalBits',
        'topIds',
        'topLogProbabilities',
        'watchLogMasses',
        'wordStartLogMass',
      ]);
      // Of three tokens that the sets know of, one is in the first and none in the second.
      const { logProbabilities } = await session.run(ids, session.emptyCache, { distributionAt: 10, cache: false });
      assert.ok(Math.abs((result?.wordStartLogMass[0] ?? NaN) - (logProbabilities?.[0] ?? NaN)) < 1e-4);
      assert.equal(result?.watchLogMasses[0], -Infinity);
    }
  });

  it('cannot go on a model twice', async () => {
    const twice = folders.tinyWith(() => undefined);
    const file = pathOf(twice);
    writeFileSync(file, Buffer.concat([readFileSync(file), scoringHead((await readGraph(file)).model)]));
    await assert.rejects(open(twice), /token_lens_/);
  });

  it('says why where it does not fit, and the same numbers come without it', async () => {
    const logits = await logitsOf(tinyGpt2, ids);
    const taken = folders.tinyWith(model => {
      through(model, [{ op: 'Identity' }, { op: 'Identity' }]);
      for (const node of model.graph?.node ?? []) {
        node.input = node.input.map(name => (name === 'step1' ? 'token_lens_logits' : name));
        node.output = node.output.map(name => (name === 'step1' ? 'token_lens_logits' : name));
      }
    });
    const session = await open(taken);
    assert.equal(session.head, 'plain');
    assert.match(session.whyPlain ?? '', /does not fit.*token_lens_logits/s);
    await compare(session, logits, 5);
  });

  it('is left off where the operators are too old', async () => {
    const session = await open(tinyOld);
    assert.deepEqual([session.head, session.whyPlain?.includes('version 10')], ['plain', true]);
    await compare(session, await logitsOf(tinyOld, ids), 5);
  });

  it('is what bfloat16 logits cannot be read without', async () => {
    const file = folders.tinyWith(model => {
      through(model, [{ op: 'Cast', to: 16 }], [], 16);
      for (const set of model.opsetImport) set.version = 10n;
    });
    await assert.rejects(open(file), /bfloat16.*only the scoring head/s);
  });

  it('refuses logits that are not numbers', async () => {
    for (const at of [ids.length - 1, undefined]) {
      const broken = folders.tinyWith(model => through(model, [{ op: 'Mul', with: 'infinite' }], [floats('infinite', [Infinity])]));
      const session = await open(broken);
      const wanted =
        at === undefined ? { rows: { first: 3, labels: Int32Array.of(4), topCount: 2, sets: allSets } } : { distributionAt: at };
      await assert.rejects(session.run(ids, session.emptyCache, { ...wanted, cache: true }), /not numbers/);
    }
  });
});
