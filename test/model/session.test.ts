import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelError } from '../../src/model/errors';
import type { ModelErrorCode } from '../../src/model/errors';
import { arithmeticOf, nodesOf, readGraph, useFloat32 } from '../../src/model/graph';
import { TensorCache } from '../../src/model/kvCache';
import type { KeyValueCache } from '../../src/model/kvCache';
import { ModelSchema, NodeSchema, TensorDataSchema, ValueSchema } from '../../src/model/onnxProto';
import type { Model } from '../../src/model/onnxProto';
import { namesGraph, openModel } from '../../src/model/runtime';
import { ScoringSession } from '../../src/model/session';
import { noSets } from '../../src/model/tokenSets';
import { bundled, Folders, padded, pathOf, sessionOptions, tinyGpt2, tinyHalf, tinyOld } from './graphs';
import type { ModelFile } from './graphs';
import { randomNumbers } from './process';

interface Reference {
  readonly ids: readonly number[];
  readonly surprisalBits: readonly number[];
  readonly entropyBits: readonly number[];
  readonly ranks: readonly number[];
}

function refusal(code: ModelErrorCode, ...words: readonly string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof ModelError);
    assert.equal(error.code, code);
    for (const word of words) assert.ok(error.message.includes(word), `"${word}" is not in: ${error.message}`);
    return true;
  };
}

/** Surprisal, entropy and rank of every id after the first, in chunks of at most `chunk`. */
async function score(session: ScoringSession, ids: readonly number[], chunk: number) {
  const found = { surprisalBits: [] as number[], entropyBits: [] as number[], ranks: [] as number[] };
  let cache = session.emptyCache;
  const inputs = ids.slice(0, -1);
  while (cache.positions < inputs.length) {
    const left = inputs.length - cache.positions;
    const count = left - chunk < 2 ? left : chunk;
    const labels = Int32Array.from(ids.slice(cache.positions + 1, cache.positions + 1 + count));
    const part = inputs.slice(cache.positions, cache.positions + count);
    const result = await session.run(part, cache, { rows: { first: 0, labels, topCount: 3, sets: noSets }, cache: true });
    assert.ok(result.rows && result.cache);
    found.surprisalBits.push(...result.rows.surprisalBits);
    found.entropyBits.push(...result.rows.entropyBits);
    found.ranks.push(...result.rows.ranks);
    cache = result.cache;
  }
  return found;
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? NaN))), 0);
}

describe('the file that is opened in place of a graph', () => {
  const cases: readonly [name: string, isGraph: boolean][] = [
    ['/models/a/onnx/model.onnx', true],
    ['C:\\models\\a\\onnx\\model.onnx', true],
    ['C:\\models\\a/onnx/model.onnx', true],
    ['/models/a/onnx/model.onnx_data', false],
    ['/models/a/onnx/decoder_model.onnx', false],
    ['C:\\models\\a\\config.json', false],
  ];
  for (const [name, isGraph] of cases) it(`${name}: ${String(isGraph)}`, () => assert.equal(namesGraph(name, 'model.onnx'), isGraph));
});

describe('a scoring session', () => {
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

  const random = randomNumbers(7);
  const someIds = Array.from({ length: 90 }, () => random(422));

  describe('against references', () => {
    for (const [file, tolerance, bytesPerPosition] of [
      [tinyOld, 1e-4, 256],
      [tinyHalf, 0.02, 128],
    ] as const) {
      it(`${path.basename(file.folder)}, with its kind of cache`, async () => {
        const expected = JSON.parse(readFileSync(path.join(file.folder, 'reference.json'), 'utf8')) as Reference;
        const session = await open(file);
        assert.equal(session.head, file === tinyOld ? 'plain' : 'grafted');
        assert.equal(session.bytesPerPosition, bytesPerPosition);
        for (const chunk of [2, 17, 99]) {
          const found = await score(session, expected.ids, chunk);
          assert.ok(largestDifference(found.surprisalBits, expected.surprisalBits) < tolerance);
          assert.ok(largestDifference(found.entropyBits, expected.entropyBits) < tolerance);
          if (file === tinyOld) assert.deepEqual(found.ranks, expected.ranks);
        }
      });
    }

    it('the bundled model in float32 arithmetic, whole and in chunks', async () => {
      const texts = JSON.parse(readFileSync('test/reference/smollm2-135m-instruct.json', 'utf8')) as Readonly<
        Record<string, { startTokenId: number; tokens: { id: number; surprisalBits: number; entropyBits: number; rank: number }[] }>
      >;
      const session = await open(bundled, { arithmetic: 'float32' });
      assert.equal(session.head, 'grafted');
      for (const name of ['prose-odd', 'unicode']) {
        const text = texts[name];
        assert.ok(text);
        for (const chunk of [1000, 31]) {
          const found = await score(session, [text.startTokenId, ...text.tokens.map(({ id }) => id)], chunk);
          assert.ok(
            largestDifference(
              found.surprisalBits,
              text.tokens.map(token => token.surprisalBits),
            ) < 1e-3,
          );
          assert.ok(
            largestDifference(
              found.entropyBits,
              text.tokens.map(token => token.entropyBits),
            ) < 1e-3,
          );
          assert.deepEqual(
            found.ranks,
            text.tokens.map(token => token.rank),
          );
        }
      }
    });
  });

  describe('and its cache', () => {
    for (const file of [tinyGpt2, tinyHalf]) {
      it(`${path.basename(file.folder)}: cropped, it is that of the first ids alone`, async () => {
        const session = await open(file);
        const whole = (await session.run(someIds, session.emptyCache, { cache: true })).cache;
        const short = (await session.run(someIds.slice(0, 31), session.emptyCache, { cache: true })).cache;
        assert.ok(whole && short);
        const cropped = whole.cropped(31);
        assert.equal(whole.cropped(90), whole);
        assert.equal(cropped.positions, 31);
        // With room for a text that grows, and no more than that.
        assert.ok(cropped.bytes >= 31 * session.bytesPerPosition && cropped.bytes < 100 * session.bytesPerPosition);
        const wanted = { distributionAt: 20, cache: false };
        const after = async (cache: typeof cropped) => (await session.run(someIds.slice(31, 60), cache, wanted)).logProbabilities;
        assert.deepEqual(await after(cropped), await after(short));
        // What it was cropped from is as it was.
        assert.deepEqual(whole.cropped(31), cropped);
        assert.deepEqual(cropped.cropped(0), session.emptyCache);
        assert.throws(() => cropped.cropped(32), RangeError);
      });

      it(`${path.basename(file.folder)}: what another took over is written anew, and what none took over stays`, async () => {
        const session = await open(file);
        const cacheOf = async (ids: readonly number[]) => {
          const { cache } = await session.run(ids, session.emptyCache, { cache: true });
          assert.ok(cache);
          return cache;
        };
        const after = async (cache: KeyValueCache) =>
          (await session.run(someIds.slice(60, 64), cache, { distributionAt: 3, cache: false })).logProbabilities;
        const [kept, gone] = [await cacheOf(someIds.slice(0, 60)), await cacheOf(someIds.slice(0, 60))];
        const expected = await after(kept);
        gone.recycle();
        // Of the same memory, with other numbers; then cut from it, and longer.
        const other = await cacheOf(someIds.slice(30, 88));
        assert.notDeepEqual(await after(other), expected);
        assert.deepEqual(await after(kept), expected);
        assert.ok(kept instanceof TensorCache);
        assert.throws(() => kept.extended(2, () => new Float32Array(7)), /another cache/);
        other.recycle();
        const { cache: again } = await session.run(someIds.slice(40, 60), kept.cropped(40, 60), { cache: true, room: 60 });
        assert.ok(again);
        assert.deepEqual(await after(again), expected);
        assert.deepEqual(await after(kept), expected);
      });
    }
  });

  describe('in float32 arithmetic', () => {
    it('knows what a file computes', async () => {
      const of = async (file: ModelFile) => arithmeticOf((await readGraph(pathOf(file))).model);
      assert.equal(await of(bundled), 'rewritable');
      assert.equal(await of(tinyGpt2), 'float32');
      assert.deepEqual(await of(tinyHalf), { reason: 'its node token_rows computes in 16-bit floats' });
    });

    it('is found out from all of the graph but its weights', async () => {
      const whole = fromBinary(ModelSchema, Uint8Array.from(readFileSync(pathOf(tinyGpt2))));
      const { model, bytes } = await readGraph(pathOf(tinyGpt2));
      const parts = ({ graph, opsetImport }: Model) => [
        graph?.node,
        graph?.input,
        graph?.output,
        opsetImport,
        graph?.initializer.map(({ name, dims, dataType }) => [name, dims, dataType]),
      ];
      assert.deepEqual(parts(model), parts(whole));
      assert.equal(bytes, statSync(pathOf(tinyGpt2)).size);
      assert.ok(toBinary(ModelSchema, model).length < bytes / 2);
    });

    it('changes one number in each node that rounds, and keeps all that it does not know', () => {
      const bytes = readFileSync(pathOf(bundled));
      const model = fromBinary(ModelSchema, bytes);
      assert.equal(toBinary(ModelSchema, model).length, bytes.length);
      const levels = () =>
        [...nodesOf(model)].flatMap(node => node.attribute.filter(({ name }) => name === 'accuracy_level').map(({ i }) => Number(i)));
      assert.deepEqual(new Set(levels()), new Set([4]));
      useFloat32(model);
      assert.equal(levels().length, 121);
      assert.deepEqual(new Set(levels()), new Set([1]));
      const rewritten = toBinary(ModelSchema, model);
      assert.equal(rewritten.length, bytes.length);
      assert.equal(arithmeticOf(fromBinary(ModelSchema, rewritten)), 'float32');
    });

    const withNode = (init: Parameters<typeof create<typeof NodeSchema>>[1]) => (model: Model) => {
      model.graph?.node.push(create(NodeSchema, init));
    };
    const inBranch = (init: Parameters<typeof create<typeof NodeSchema>>[1]) =>
      withNode({ opType: 'If', attribute: [{ name: 'then_branch', type: 5, g: { node: [create(NodeSchema, init)] } }] });
    const refused: readonly [name: string, change: (model: Model) => void, reason: string][] = [
      ['activations quantised over all rows', withNode({ opType: 'DynamicQuantizeLinear' }), 'quantised by DynamicQuantizeLinear'],
      ['matrix products of integers', withNode({ opType: 'MatMulInteger' }), 'quantised by MatMulInteger'],
      ['such nodes inside of a branch', inBranch({ opType: 'QLinearMatMul' }), 'quantised by QLinearMatMul'],
      [
        '16-bit floats',
        withNode({ opType: 'Cast', name: 'narrow', attribute: [{ name: 'to', i: 10n }] }),
        'its node narrow computes in 16-bit floats',
      ],
    ];
    for (const [name, change, reason] of refused) {
      it(`refuses ${name}`, async () => {
        await assert.rejects(open(folders.tinyWith(change), { arithmetic: 'float32' }), refusal('unsupported', 'float32', reason));
      });
    }

    it('refuses to rewrite a file too large for it, without reading its weights', async () => {
      const file = folders.tinyWith(withNode({ opType: 'MatMulNBits', attribute: [{ name: 'accuracy_level', i: 4n }] }));
      padded(file, 200_000_000);
      await assert.rejects(open(file, { arithmetic: 'float32' }), refusal('unsupported', 'model.onnx', '200 MB', 'more than 134 MB'));
    });
  });

  describe('of a large file that holds its own weights', () => {
    const large = () => {
      const file = folders.tinyWith(() => undefined);
      padded(file, 12_000_000);
      return file;
    };
    const listed = (folder: string) => readdirSync(folder, { recursive: true }).sort();
    const contentHash = 'ab'.repeat(32);
    const other = 'cd'.repeat(32);

    it('uses a copy in the cache folder, made once and made again when it is cut off', async () => {
      const file = large();
      const before = listed(file.folder);
      const cacheFolder = path.join(folders.empty(), 'not', 'there', 'yet');
      const expected = await score(await open(tinyGpt2), someIds, 30);
      const times: number[] = [];
      /** Of other folders, of other graphs of this one, of another kind. */
      const kept = [`${'0'.repeat(16)}-model-${contentHash}-${'0'.repeat(16)}.onnx`, `self-check-2-${contentHash}.json`, 'x.onnx'];
      for (const spoil of [false, false, true]) {
        if (spoil) {
          const copy = String(listed(cacheFolder)[0]);
          truncateSync(path.join(cacheFolder, copy), 1000);
          const old = [
            `${copy}.${randomUUID()}.unfinished`,
            copy.replace(contentHash, other),
            copy.replace(/[0-9a-f]{16}\.onnx/, `${'0'.repeat(16)}.onnx`),
          ];
          kept.push(copy.replace('-model-', '-model_q4-'));
          for (const name of [...old, ...kept]) writeFileSync(path.join(cacheFolder, name), '');
        }
        const session = await open(file, { cacheFolder, contentHash });
        assert.equal(session.head, 'grafted');
        assert.deepEqual(await score(session, someIds, 30), expected);
        const [name, ...others] = listed(cacheFolder).filter(each => !kept.includes(String(each)));
        assert.deepEqual(others, []);
        assert.equal(listed(cacheFolder).length, spoil ? 1 + kept.length : 1);
        assert.match(String(name), new RegExp(`^[0-9a-f]{16}-model-${contentHash}-[0-9a-f]{16}\\.onnx$`));
        times.push(statSync(path.join(cacheFolder, String(name))).mtimeMs);
      }
      assert.ok(times[0] === times[1] && times[1] !== times[2]);
      assert.deepEqual(listed(file.folder), before);
    });

    it('does without a cache folder, and without one that cannot be written', async () => {
      const file = large();
      const notAFolder = path.join(folders.empty(), 'file');
      writeFileSync(notAFolder, '');
      for (const cacheFolder of [undefined, notAFolder]) assert.equal((await open(file, { cacheFolder })).whyPlain, undefined);
    });
  });

  it('finds weights in files beside a graph that it changes', async () => {
    const folder = path.join(folders.empty(), 'a mödel -- of mine');
    const file = { ...tinyGpt2, folder };
    mkdirSync(path.join(folder, 'onnx'), { recursive: true });
    copyFileSync(path.join(tinyGpt2.folder, 'config.json'), path.join(folder, 'config.json'));
    const model = fromBinary(ModelSchema, readFileSync(pathOf(tinyGpt2)));
    const weights: Uint8Array[] = [];
    let offset = 0;
    for (const tensor of model.graph?.initializer ?? []) {
      if (tensor.rawData.length < 1000) continue;
      weights.push(tensor.rawData);
      const [location, length] = ['model.onnx_data', tensor.rawData.length];
      tensor.dataLocation = 1;
      // Field 13, `external_data`, is not among those this project knows.
      const entries = Object.entries({ location, offset, length }).map(([key, value]) => [key, String(value)] as const);
      const bytes = entries.flatMap(([key, value]) => [
        0x6a,
        key.length + value.length + 4,
        0x0a,
        key.length,
        ...Buffer.from(key),
        0x12,
        value.length,
        ...Buffer.from(value),
      ]);
      Object.assign(
        tensor,
        fromBinary(TensorDataSchema, Uint8Array.from([...toBinary(TensorDataSchema, { ...tensor, rawData: new Uint8Array(0) }), ...bytes])),
      );
      offset += length;
    }
    writeFileSync(pathOf(file), toBinary(ModelSchema, model));
    writeFileSync(`${pathOf(file)}_data`, Buffer.concat(weights));
    const session = await open(file);
    assert.equal(session.head, 'grafted');
    assert.deepEqual(await score(session, someIds, 30), await score(await open(tinyGpt2), someIds, 30));
  });

  it('leaves nothing behind for the next model that is opened', async () => {
    await Promise.all([open(tinyGpt2), open(bundled, { arithmetic: 'float32' }), open(tinyOld)]);
    const model = await openModel({ ...sessionOptions(tinyGpt2), content: undefined });
    assert.deepEqual(
      model.session.inputNames.filter(name => name.startsWith('token_lens_')),
      [],
    );
    await model.dispose();
  });

  it('reads no weights into memory of its own, not by and by either', async () => {
    const session = await open(bundled); // maps the file
    const before = process.memoryUsage().arrayBuffers;
    for (let turn = 0; turn < 400; turn++) await new Promise(resolve => setTimeout(resolve, 1));
    const moreBytes = process.memoryUsage().arrayBuffers - before;
    assert.ok(moreBytes < 5e6, `${String(moreBytes)} bytes more, with nothing to do`);
    assert.equal(session.head, 'grafted');
  });

  describe('refuses', () => {
    const cases: readonly [name: string, change: (model: Model) => void, word: string][] = [
      [
        'an input it does not know',
        model => {
          model.graph?.input.push(create(ValueSchema, { name: 'pixel_values', type: { tensorType: { elemType: 1, shape: { dim: [] } } } }));
        },
        'pixel_values',
      ],
      [
        'a model without a cache',
        model => {
          const { graph } = model;
          for (const node of graph?.node ?? []) {
            if (node.opType === 'Concat')
              node.input = node.input.map((name, index, all) => (name.startsWith('past') ? (all[1 - index] ?? '') : name));
          }
          if (graph) graph.input = graph.input.filter(({ name }) => !name.startsWith('past'));
        },
        'past_key_values',
      ],
      [
        'a model without logits',
        model => {
          if (model.graph) model.graph.output = model.graph.output.filter(({ name }) => name !== 'logits');
        },
        'logits',
      ],
    ];
    for (const [name, change, word] of cases) {
      it(`${name}, by name`, async () => {
        await assert.rejects(open(folders.tinyWith(change)), refusal('unsupported', word));
      });
    }

    it('half a file', async () => {
      const file = folders.tinyWith(() => undefined);
      truncateSync(pathOf(file), 100_000);
      await assert.rejects(open(file), refusal('unsupported', 'cannot be opened'));
    });
  });

  it('says what failed in a run, but no id', async () => {
    const session = await open(tinyGpt2);
    await assert.rejects(session.run([1, 31_415], session.emptyCache, { cache: true }), error => {
      assert.ok(refusal('internal', 'node')(error) && error instanceof Error);
      return !error.message.includes('31415');
    });
    const rows = { first: 0, labels: Int32Array.of(31_415), topCount: 1, sets: noSets };
    await assert.rejects(session.run([1, 2], session.emptyCache, { rows, cache: true }), error => {
      assert.ok(refusal('internal', 'node')(error) && error instanceof Error);
      return !error.message.includes('31415');
    });
  });
});
