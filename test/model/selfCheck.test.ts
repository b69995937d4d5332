import assert from 'node:assert/strict';
import { copyFileSync, cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { readModelFolder } from '../../src/model/catalog';
import type { ModelFacts } from '../../src/model/engine';
import { ModelError } from '../../src/model/errors';
import { ModelSchema } from '../../src/model/onnxProto';
import type { ModelDescription } from '../../src/model/protocol';
import { selfCheckOf } from '../../src/model/selfCheck';
import { PreambleReader } from '../../src/model/preamble';
import { ScoringSession } from '../../src/model/session';
import { TextTokenizer } from '../../src/model/tokens';
import { bundledFolder, loadParams, never, newClient, tinyFolder } from './process';

const unusable = (words: RegExp) => (error: unknown) =>
  error instanceof ModelError && error.code === 'unsupported' && words.test(error.message);

describe('the self-check of a model', () => {
  const folders: string[] = [];
  const client = newClient();
  let loads = 0;
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  after(() => {
    client.dispose();
  });

  function newFolder(): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'token-lens-check-'));
    folders.push(folder);
    return folder;
  }

  function copyOfTiny(): string {
    const folder = newFolder();
    cpSync(tinyFolder, folder, { recursive: true });
    return folder;
  }

  /** Anew each time, because the parameters differ: nothing is remembered but what is in `cacheFolder`. */
  function load(folder: string, cacheFolder?: string): Promise<ModelDescription> {
    return client.call('load', { ...loadParams(folder), cacheFolder, snapshotBytes: ++loads }, never);
  }

  function changeJson(file: string, change: (json: Record<string, unknown>) => void): void {
    const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    change(json);
    writeFileSync(file, JSON.stringify(json));
  }

  it('says of the bundled model what comes with it: measured here, it is the same', async () => {
    const shipped = await load(bundledFolder);
    const folder = newFolder();
    mkdirSync(path.join(folder, 'onnx'));
    // Another hash, by a line feed more in one file; the large files are linked where they can be.
    for (const name of readdirSync(bundledFolder, { recursive: true, encoding: 'utf8' })) {
      const [from, to] = [path.join(bundledFolder, name), path.join(folder, name)];
      if (name === 'config.json') writeFileSync(to, `${readFileSync(from, 'utf8')}\n`);
      else if (/\.json$|\.onnx/.test(name)) linkOrCopy(from, to);
    }
    const cacheFolder = path.join(newFolder(), 'new');
    const measured = await load(folder, cacheFolder);
    assert.notEqual(measured.key.contentHash, shipped.key.contentHash);
    assert.equal(readdirSync(cacheFolder).length, 1);
    const numbers = ({ selfCheck }: ModelDescription) => {
      assert.ok(selfCheck.plausible && selfCheck.noiseFloorBits);
      const { bitsPerByte, usualBitsPerByte, noiseFloorBits, repeatabilityBits } = selfCheck;
      return [bitsPerByte, usualBitsPerByte.prose, usualBitsPerByte.code, noiseFloorBits.mean, noiseFloorBits.p95, repeatabilityBits];
    };
    const expected = numbers(shipped);
    for (const [index, bits] of numbers(measured).entries()) assert.ok(Math.abs(bits - (expected[index] ?? NaN)) <= 0.03, String(bits));
    assert.ok(shipped.selfCheck.noiseFloorBits?.mean, 'its two arithmetics differ');
  });

  it('is not run on the bundled model', async () => {
    const cacheFolder = newFolder();
    await load(bundledFolder, cacheFolder);
    assert.deepEqual(readdirSync(cacheFolder), []);
  });

  it('finds that a model without training reads English badly, but computes properly', async () => {
    const { selfCheck } = await load(tinyFolder);
    assert.ok(!selfCheck.plausible && selfCheck.bitsPerByte > 3, String(selfCheck.bitsPerByte));
    assert.deepEqual(selfCheck.noiseFloorBits, { mean: 0, p95: 0 });
    assert.ok(selfCheck.repeatabilityBits < 1e-4, String(selfCheck.repeatabilityBits));
  });

  it('works without a start token, whose place the first token takes', async () => {
    const folder = copyOfTiny();
    changeJson(path.join(folder, 'config.json'), json => {
      delete json['bos_token_id'];
      delete json['eos_token_id'];
    });
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      const file = path.join(folder, name);
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('<|endoftext|>', '<|other|>'));
    }
    const { startTokenId, selfCheck } = await load(folder);
    assert.equal(startTokenId, null);
    assert.ok(selfCheck.bitsPerByte > 3 && selfCheck.repeatabilityBits < 1e-4);
  });

  it('refuses a number format that lets later text change earlier scores, by its name', async () => {
    const folder = copyOfTiny();
    rmSync(path.join(folder, 'onnx', 'model.onnx'));
    copyFileSync('test/fixtures/leaking-gpt2/model_quantized.onnx', path.join(folder, 'onnx', 'model_quantized.onnx'));
    const cacheFolder = newFolder();
    for (let loads = 0; loads < 2; loads++) await assert.rejects(load(folder, cacheFolder), unusable(/number format \(q8\).*later text/));
    assert.deepEqual(readdirSync(cacheFolder), []);
  });

  it('refuses a model whose scores are not numbers', async () => {
    const folder = copyOfTiny();
    const file = path.join(folder, 'onnx', 'model.onnx');
    const model = fromBinary(ModelSchema, readFileSync(file));
    const bias = model.graph?.initializer.find(({ name }) => name === 'transformer.ln_f.bias');
    assert.ok(bias);
    bias.rawData = new Uint8Array(new Float32Array(bias.rawData.length / 4).fill(NaN).buffer);
    writeFileSync(file, toBinary(ModelSchema, model));
    await assert.rejects(load(folder), unusable(/not numbers/));
  });

  it('leaves the noise floor unknown where float32 arithmetic turns out to be impossible', async () => {
    const files = await readModelFolder(path.resolve(tinyFolder), undefined);
    const { folder, graph, dtype, contentHash } = files;
    const options = { folder, graph, dtype, contentHash, threads: 1, arena: true, device: 'cpu', cacheFolder: undefined } as const;
    const session = await ScoringSession.open({ ...options, arithmetic: 'native' });
    const tokenizer = new TextTokenizer(files.tokenizer);
    const preambles = new PreambleReader(tokenizer, {}, undefined, 128);
    const key = { folder, contentHash, dtype, arithmetic: 'native' } as const;
    const facts: ModelFacts = { key, name: 'tiny', positions: 128, startTokenId: 0, tokenizer, preambles };
    try {
      const check = await selfCheckOf(facts, session, undefined, () => Promise.reject(new ModelError('unsupported', 'Too large.')));
      assert.equal(check.noiseFloorBits, null);
      await assert.rejects(
        selfCheckOf(facts, session, undefined, () => Promise.reject(new ModelError('out-of-memory', 'No room.'))),
        {
          code: 'out-of-memory',
        },
      );
    } finally {
      await session.dispose();
    }
  });

  describe('kept for the next time', () => {
    const onlyFile = (cacheFolder: string) => {
      const names = readdirSync(cacheFolder);
      assert.equal(names.length, 1);
      return path.join(cacheFolder, names[0] ?? '');
    };

    it('is read again, for the same model files only', async () => {
      const cacheFolder = path.join(newFolder(), 'not', 'there', 'yet');
      const measured = await load(tinyFolder, cacheFolder);
      const file = onlyFile(cacheFolder);
      assert.match(path.basename(file), new RegExp(measured.key.contentHash));
      assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), measured.selfCheck);
      const marked = { ...measured.selfCheck, bitsPerByte: 1.25, noiseFloorBits: null };
      writeFileSync(file, JSON.stringify(marked));
      assert.deepEqual((await load(tinyFolder, cacheFolder)).selfCheck, marked);
      const folder = copyOfTiny();
      writeFileSync(path.join(folder, 'config.json'), `${readFileSync(path.join(folder, 'config.json'), 'utf8')}\n`);
      assert.deepEqual((await load(folder, cacheFolder)).selfCheck, measured.selfCheck);
      assert.equal(readdirSync(cacheFolder).length, 2);
    });

    for (const [what, spoil] of [
      ['broken off', (whole: string) => whole.slice(0, whole.length >>> 1)],
      ['empty', () => ''],
      ['null', () => 'null'],
      ['of another shape', (whole: string) => whole.replace(/"plausible":\w+/, '"plausible":"yes"')],
      ['of a version before the usual levels', (whole: string) => whole.replace(/"usualBitsPerByte":{[^}]*},/, '')],
      ['without the level of code', (whole: string) => whole.replace(/"code":[^,}]*/, '"code":null')],
      ['without its noise floor', (whole: string) => whole.replace(/"mean":[^,}]*/, '"mean":null')],
    ] as const) {
      it(`is measured again where it is ${what}`, async () => {
        const cacheFolder = newFolder();
        const { selfCheck } = await load(tinyFolder, cacheFolder);
        const file = onlyFile(cacheFolder);
        const spoilt = spoil(readFileSync(file, 'utf8'));
        assert.throws(() => {
          assert.deepEqual(JSON.parse(spoilt), selfCheck);
        });
        writeFileSync(file, spoilt);
        assert.deepEqual((await load(tinyFolder, cacheFolder)).selfCheck, selfCheck);
        assert.deepEqual(JSON.parse(readFileSync(onlyFile(cacheFolder), 'utf8')), selfCheck);
      });
    }

    it('does no harm where it cannot be', async () => {
      const file = path.join(newFolder(), 'file');
      writeFileSync(file, '');
      const expected = (await load(tinyFolder)).selfCheck;
      assert.deepEqual((await load(tinyFolder, path.join(file, 'below'))).selfCheck, expected);
      assert.deepEqual((await load(tinyFolder, file)).selfCheck, expected);
    });
  });
});

/** A link takes no room; across file systems there is none. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
