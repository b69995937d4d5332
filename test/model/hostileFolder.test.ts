import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import { readModelFolder } from '../../src/model/catalog';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import type { ModelErrorCode } from '../../src/model/errors';
import { node, tensor, value } from '../../src/model/graft';
import { elementType } from '../../src/model/graph';
import {
  AttributeSchema,
  GraphSchema,
  LocalFunctionSchema,
  NodeSchema,
  SparseTensorSchema,
  TensorDataSchema,
  TrainingSchema,
} from '../../src/model/onnxProto';
import type { Attribute, Graph, Model, TensorData } from '../../src/model/onnxProto';
import { TextTokenizer } from '../../src/model/tokens';
import { Folders, tinyGpt2 } from './graphs';
import { loadParams, never, newClient, Reader, tinySettings } from './process';

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
const isAlive = (processId: number) => {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
};

/** What a folder that somebody else made may hold. Nothing in it is believed before it is looked at, and nothing outside of it is opened. */
describe('a hostile model folder', () => {
  const folders = new Folders();
  const client = newClient();
  afterEach(() => {
    folders.clear();
  });
  after(() => {
    client.dispose();
  });

  const refused = (code: ModelErrorCode, words: RegExp) => (error: unknown) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  };

  /** In the model process, which is there afterwards as well. */
  async function assertRefused(folder: string, code: ModelErrorCode, words: RegExp): Promise<void> {
    const { processId } = client;
    await assert.rejects(client.call('load', loadParams(folder), never), refused(code, words));
    await client.call('load', loadParams(tinyGpt2.folder), never);
    assert.equal(client.processId, processId ?? client.processId);
  }

  function tiny(): string {
    const folder = path.join(folders.empty(), 'model');
    cpSync(tinyGpt2.folder, folder, { recursive: true });
    return folder;
  }

  function withJson(name: string, change: (json: Record<string, unknown>) => unknown): string {
    const folder = tiny();
    const file = path.join(folder, name);
    writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)));
    return folder;
  }

  /** Weights in a file of that path. */
  const located = (location: string): TensorData =>
    create(TensorDataSchema, {
      name: 'stolen',
      dims: [16n],
      dataType: 2,
      dataLocation: 1,
      externalData: [{ key: 'location', value: location }],
    });

  describe('whose graph names files outside', () => {
    const elsewhere: readonly string[] = [
      ...['../../etc/passwd', '../config.json', '/etc/passwd', 'sub/../../config.json', './../config.json', '..'],
      ...[
        'C:\\Windows\\win.ini',
        'c:weights',
        '\\\\host\\share\\weights',
        '..\\..\\secrets',
        'weights\0.bin',
        '',
        `${'./'.repeat(300)}weights`,
      ],
    ];
    for (const location of elsewhere) {
      it(`is refused before anything is opened: ${JSON.stringify(location.slice(0, 40))}`, async () => {
        const { folder } = folders.tinyWith(({ graph }) => graph?.initializer.push(located(location)));
        await assert.rejects(readModelFolder(folder, undefined), refused('unsupported', /outside of its folder/));
      });
    }

    const stolen = located('/secret');
    const value = (inner: TensorData): Attribute => create(AttributeSchema, { name: 'value', type: 4, t: inner });
    const ofNode = (attribute: Attribute) => (model: Model) => model.graph?.node.push(create(NodeSchema, { attribute: [attribute] }));
    const holding: Graph = create(GraphSchema, { node: [create(NodeSchema, { opType: 'Constant', attribute: [value(stolen)] })] });
    const places: Readonly<Record<string, (model: Model) => unknown>> = {
      'in a node': ofNode(value(stolen)),
      'in a list of tensors': ofNode(create(AttributeSchema, { tensors: [stolen] })),
      'in a branch': ofNode(create(AttributeSchema, { name: 'then_branch', g: holding })),
      'in a list of graphs': ofNode(create(AttributeSchema, { graphs: [create(GraphSchema, { initializer: [stolen] })] })),
      'in a function': model => model.functions.push(create(LocalFunctionSchema, { node: holding.node })),
      'in a default of a function': model => model.functions.push(create(LocalFunctionSchema, { attributeProto: [value(stolen)] })),
      'in sparse weights': ({ graph }) => graph?.sparseInitializer.push(create(SparseTensorSchema, { values: stolen })),
      'in indices of sparse weights': ofNode(create(AttributeSchema, { sparseTensor: { indices: stolen } })),
      'in a list of sparse weights': ofNode(create(AttributeSchema, { sparseTensors: [{ values: stolen }] })),
      'in a part for training': model => model.trainingInfo.push(create(TrainingSchema, { algorithm: holding })),
      'without saying that it is used': ({ graph }) => graph?.initializer.push({ ...stolen, dataLocation: 0 }),
      'behind weights': ({ graph }) => graph?.initializer.push({ ...stolen, rawData: new Uint8Array(10_000) }),
      'in a large node': ofNode(create(AttributeSchema, { name: 'n'.repeat(5000), t: { ...stolen, rawData: new Uint8Array(10_000) } })),
    };
    for (const [name, change] of Object.entries(places)) {
      it(`is refused wherever the name stands: ${name}`, async () => {
        const { folder } = folders.tinyWith(change);
        await assert.rejects(readModelFolder(folder, undefined), refused('unsupported', /outside of its folder/));
      });
    }

    const entry = (location: string) => located(location).externalData;
    const unclear: Readonly<Record<string, readonly [TensorData, RegExp]>> = {
      'named twice': [{ ...stolen, externalData: [...entry('weights'), ...entry('/secret')] }, /where its weights are/],
      'not named': [{ ...stolen, externalData: [] }, /where its weights are/],
      'named at length': [located(`${'./'.repeat(5000)}secret`), /too long/],
    };
    for (const [name, [tensor, words]] of Object.entries(unclear)) {
      it(`is refused where a file is ${name}`, async () => {
        const { folder } = folders.tinyWith(({ graph }) => graph?.initializer.push(tensor));
        await assert.rejects(readModelFolder(folder, undefined), refused('unsupported', words));
      });
    }

    it('is refused in the model process as well, which goes on', async () => {
      const { folder } = folders.tinyWith(({ graph }) => graph?.initializer.push(located('../../../../etc/passwd')));
      await assertRefused(folder, 'unsupported', /outside of its folder/);
    });

    it('may name files beside the graph, which are looked for and are a part of what the model is known by', async () => {
      const { folder } = folders.tinyWith(({ graph }) => graph?.initializer.push(located('data/weights.bin')));
      await assert.rejects(readModelFolder(folder, undefined), refused('incomplete', /onnx\/data\/weights\.bin is missing/));
      mkdirSync(path.join(folder, 'onnx/data'));
      const hashes = new Set<string>();
      for (const content of ['0123456789abcdef', '0123456789abcdeF']) {
        writeFileSync(path.join(folder, 'onnx/data/weights.bin'), content);
        hashes.add((await readModelFolder(folder, undefined)).contentHash);
      }
      assert.equal(hashes.size, 2);
    });
  });

  describe('with links', () => {
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx', 'onnx']) {
      it(`is refused where ${name} is a link outside`, async () => {
        const folder = tiny();
        const outside = path.join(folder, '..', 'secret');
        renameSync(path.join(folder, name), outside);
        symlinkSync(outside, path.join(folder, name));
        await assertRefused(folder, 'unsupported', /is a link to a file outside/);
      });
    }

    for (const target of ['secret', 'model-2']) {
      it(`is refused where a data file is a link to ${target}`, async () => {
        const folder = path.join(folders.empty(), 'model');
        cpSync(folders.tinyWith(({ graph }) => graph?.initializer.push(located('weights'))).folder, folder, { recursive: true });
        writeFileSync(path.join(folder, '..', target), '0123456789abcdef');
        symlinkSync(path.join(folder, '..', target), path.join(folder, 'onnx/weights'));
        await assert.rejects(readModelFolder(folder, undefined), refused('unsupported', /is a link to a file outside/));
      });
    }

    it('tells nothing of a file outside: no heading for its name, no piece of it in an error', async () => {
      const folder = tiny();
      const outside = path.join(folder, '..', 'private');
      writeFileSync(outside, '# secret plans\n');
      symlinkSync(outside, path.join(folder, 'README.md'));
      assert.equal((await readModelFolder(folder, undefined)).name, 'model');
      writeFileSync(path.join(folder, 'config.json'), 'secret: 1');
      await assertRefused(folder, 'incomplete', /config\.json is not a JSON object/);
    });

    it('may be a link itself, may have links within, and may be a snapshot in a cache of the hub', async () => {
      const cache = folders.empty();
      const snapshot = path.join(cache, 'models--a--b/snapshots/0123');
      cpSync(tinyGpt2.folder, snapshot, { recursive: true });
      mkdirSync(path.join(cache, 'models--a--b/blobs'));
      for (const name of ['config.json', 'onnx/model.onnx']) {
        const blob = path.join(cache, 'models--a--b/blobs', path.basename(name));
        renameSync(path.join(snapshot, name), blob);
        symlinkSync(path.relative(path.dirname(path.join(snapshot, name)), blob), path.join(snapshot, name));
      }
      const link = path.join(cache, 'link');
      symlinkSync(snapshot, link);
      for (const folder of [snapshot, link]) assert.equal((await client.call('load', loadParams(folder), never)).head, 'grafted');
    });
  });

  describe('whose graph is no graph', () => {
    const varint = (value: bigint): number[] => (value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)]);
    const head = (number: number, length: bigint) => Buffer.from([...varint(BigInt(number * 8 + 2)), ...varint(length)]);
    const nested = (): Uint8Array => {
      // graph { node { attribute { g: ... } } }, each so long that it is looked into
      const numbers = [...Array<readonly number[]>(3000).fill([6, 5, 1]).flat(), 7];
      const heads: Buffer[] = [];
      let length = 8192n;
      for (const number of numbers) {
        const own = head(number, length);
        heads.push(own);
        length += BigInt(own.length);
      }
      return Buffer.concat([...heads.reverse(), Buffer.alloc(8192)]);
    };
    const cases: Readonly<Record<string, (whole: Buffer) => Uint8Array>> = {
      'a length beyond the file': whole => Buffer.concat([head(7, 0xffff_fff0n), whole]),
      'a length of 2^63': whole => Buffer.concat([head(7, 2n ** 63n), whole]),
      'a number that never ends': whole => Buffer.concat([Buffer.alloc(64, 0xff), whole]),
      'field number 0': whole => Buffer.concat([Buffer.from([2, 0]), whole]),
      'groups within groups': () => Buffer.alloc(200_000, 0x0b),
      'cut off in the middle': whole => whole.subarray(0, whole.length >> 1),
      'other bytes': whole => Buffer.from(whole.map((byte, index) => (byte * 31 + index * 17) & 0xff)),
      'graphs within graphs': nested,
      'more than any has without its weights': () =>
        Buffer.concat(Array.from({ length: 70 }, () => [head(14, 2n ** 20n), Buffer.alloc(2 ** 20)]).flat()),
    };
    for (const [name, change] of Object.entries(cases)) {
      it(`is refused: ${name}`, async () => {
        const folder = tiny();
        const file = path.join(folder, 'onnx/model.onnx');
        writeFileSync(file, change(readFileSync(file)));
        await assertRefused(folder, 'unsupported', /cannot be opened/);
      });
    }

    it('is refused where its weights are said to be larger than they are', async () => {
      const { folder } = folders.tinyWith(({ graph }) => {
        for (const weight of graph?.initializer.slice(0, 1) ?? []) weight.dims = weight.dims.map(() => 2n ** 40n);
      });
      await assertRefused(folder, 'unsupported', /cannot be opened/);
    });
  });

  it('whose chat template never ends is answered for within seconds, and the process goes on', async () => {
    const loop = `${'{% for i in range(1000) %}'.repeat(6)}${'{% endfor %}'.repeat(6)}`;
    const folder = withJson('tokenizer_config.json', json => ({ ...json, chat_template: loop }));
    const { key } = await client.call('load', loadParams(folder), never);
    const { processId } = client;
    const preamble = { kind: 'chat', text: 'What is secret?' } as const;
    const asked = () => client.call('preamble', { model: key, preamble, useStartToken: true }, never);
    for (let times = 0; times < 2; times++) await assert.rejects(asked(), refused('no-chat-frame', /chat template cannot be used/));
    const reader = new Reader(client, key, 'document');
    await reader.open('The harbour was quiet.');
    await assert.rejects(reader.score({ ...tinySettings, preamble }), refused('no-chat-frame', /chat template cannot be used/));
    await reader.score(tinySettings);
    assert.equal(client.processId, processId);
  });

  describe('whose graph never ends', () => {
    const clients: ModelClient[] = [];
    afterEach(() => {
      for (const each of clients.splice(0)) each.dispose();
    });
    function clientWith(tickMs: number): ModelClient {
      const made = new ModelClient({ connect: childProcesses(path.resolve('dist/worker.js')), log: () => undefined, idleMs: 0, tickMs });
      clients.push(made);
      return made;
    }

    /** The logits go round 2^63 - 1 times before they come out. */
    const endless = () =>
      folders.tinyWith(({ graph }) => {
        assert.ok(graph);
        const { float32, int64, bool } = { ...elementType, bool: 9 };
        for (const each of graph.node) each.output = each.output.map(name => (name === 'logits' ? 'finite' : name));
        const body = create(GraphSchema, {
          name: 'round',
          node: [node('Identity', ['goes_on'], 'goes_on_still'), node('Identity', ['carried'], 'carried_on')],
          input: [value('count', int64, []), value('goes_on', bool, []), value('carried', float32)],
          output: [value('goes_on_still', bool, []), value('carried_on', float32)],
        });
        graph.initializer.push(create(TensorDataSchema, tensor('trips', int64, [], BigInt64Array.of(2n ** 63n - 1n))));
        graph.node.push(create(NodeSchema, node('Loop', ['trips', '', 'finite'], 'logits', { name: 'body', type: 5, g: body })));
      }).folder;

    it('is given up as one whose loading does not come to an end; the next one is loaded', async () => {
      const made = clientWith(100);
      await assert.rejects(made.call('load', loadParams(endless()), never), refused('endless', /hung/));
      await made.call('load', loadParams(tinyGpt2.folder), never);
    });

    it('can be cancelled at once, and its process is ended soon', async () => {
      const made = clientWith(1000);
      const stop = new AbortController();
      const loading = made.call('load', loadParams(endless()), stop.signal);
      const { processId } = made;
      assert.ok(processId !== undefined);
      await pause(2000); // by now it goes round
      stop.abort();
      await assert.rejects(loading, refused('cancelled', /./));
      for (let tries = 0; made.processId !== undefined; tries++) {
        assert.ok(tries < 500, 'it goes on');
        await pause(20);
      }
      for (let tries = 0; isAlive(processId); tries++) {
        assert.ok(tries < 500, 'it is left behind');
        await pause(20);
      }
      assert.equal(made.deathsInARow, 0);
      await made.call('load', loadParams(tinyGpt2.folder), never);
    });
  });

  describe('whose JSON is not what it should be', () => {
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) {
      for (const content of ['[]', 'null', '1', '"secret"', 'true', '', '{"secret', '['.repeat(100_000)]) {
        it(`is refused: ${name} is ${JSON.stringify(content.slice(0, 12))}`, async () => {
          const folder = tiny();
          writeFileSync(path.join(folder, name), content);
          await assert.rejects(readModelFolder(folder, undefined), refused('incomplete', /is not a JSON object/));
        });
      }
      it(`is refused: ${name} is larger than any`, async () => {
        const folder = tiny();
        truncateSync(path.join(folder, name), 200e6); // a hole: it takes no room on the disk
        await assert.rejects(readModelFolder(folder, undefined), refused('unsupported', /has 200 MB/));
      });
    }

    it('is refused where it has no positions', async () => {
      for (const n_positions of [-1, 0, 1.5, '128', null, [], {}]) {
        await assertRefused(
          withJson('config.json', json => ({ ...json, n_positions, n_ctx: n_positions })),
          'unsupported',
          /how many positions/,
        );
      }
    });

    it('has no start token where that is none of its tokens', async () => {
      for (const id of [-1, 1e9, 1.5, 'secret', [[]], { id: 1 }]) {
        const folder = withJson('config.json', json => ({ ...json, bos_token_id: id, eos_token_id: id, n_positions: 128 }));
        const file = path.join(folder, 'tokenizer.json');
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll('<|endoftext|>', '<|other|>'));
        assert.equal((await client.call('load', loadParams(folder), never)).startTokenId, null);
      }
    });

    it('is refused where it has more data files than any', async () => {
      for (const count of [1e9, -1, 101]) {
        const folder = withJson('config.json', json => ({ ...json, 'transformers.js_config': { use_external_data_format: count } }));
        await assertRefused(folder, 'unsupported', /data files/);
      }
    });

    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      it(`takes ${key} for a name like any other`, async () => {
        const single = [{ SpecialToken: { id: key } }];
        const folder = withJson('tokenizer.json', json => ({
          ...json,
          post_processor: { type: 'TemplateProcessing', single, special_tokens: {} },
        }));
        const file = path.join(folder, 'config.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace('{', `{"${key}":{"dtype":"secret","polluted":1},`));
        assert.equal((await readModelFolder(folder, undefined)).dtype, 'fp32');
        assert.equal((await client.call('load', loadParams(folder), never)).startTokenId, 0);
        assert.ok(!('polluted' in {}));
        await assertRefused(
          withJson('config.json', json => ({ ...json, model_type: key, architectures: [key] })),
          'unsupported',
          /model/,
        );
        await assert.rejects(readModelFolder(folder, key), refused('unsupported', /Unknown number format/));
      });
    }
  });

  describe('whose tokenizer is not what it should be', () => {
    type TokenizerJson = Record<string, unknown> & { readonly model: Record<string, unknown> & { readonly vocab: Record<string, number> } };
    const tokenizer = () => JSON.parse(readFileSync(path.join(tinyGpt2.folder, 'tokenizer.json'), 'utf8')) as TokenizerJson;
    const withId = (id: unknown) => (json: TokenizerJson) => ({
      ...json,
      model: { ...json.model, vocab: { ...json.model.vocab, zzz: id } },
    });
    const withModel = (change: object) => (json: TokenizerJson) => ({ ...json, model: { ...json.model, ...change } });
    const cases: Readonly<Record<string, (json: TokenizerJson) => unknown>> = {
      'an id of 4 billion': withId(4e9),
      'a negative id': withId(-1),
      'an id that is no number': withId('secret'),
      'a broken id': withId(1.5),
      'an added token with an id of 4 billion': json => ({ ...json, added_tokens: [{ id: 4e9, content: 'x', special: true }] }),
      'added tokens that are none': json => ({ ...json, added_tokens: [null] }),
      'no vocabulary': withModel({ vocab: null }),
      'a vocabulary that is a list': withModel({ vocab: [['a', 1]] }),
      'no merges': withModel({ merges: 'a b' }),
      'no model': json => ({ ...json, model: null }),
      'steps that are none': json => ({ ...json, pre_tokenizer: { type: 'Sequence', pretokenizers: [1] } }),
    };
    for (const [name, change] of Object.entries(cases)) {
      it(`is refused: ${name}`, () => {
        assert.throws(() => new TextTokenizer(change(tokenizer())), refused('incomplete', /tokenizer\.json/));
      });
    }

    it('is refused in the model process as well, which goes on', async () => {
      await assertRefused(
        withJson('tokenizer.json', json => withId(4e9)(json as TokenizerJson)),
        'incomplete',
        /id is not a number below/,
      );
    });

    const splitAt = (Regex: string) => ({
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      ],
    });
    const withPattern = (pattern: string) => withJson('tokenizer.json', json => ({ ...json, pre_tokenizer: splitAt(pattern) }));

    it('is refused: a pattern that goes back and forth for ever', async () => {
      await assertRefused(withPattern('([\\s\\S]+)+\u0001|[\\s\\S]'), 'cannot-align', /does not come to an end/);
    });

    it('is stopped: a pattern that does so in some texts only; the process goes on', async () => {
      const model = await client.call('load', loadParams(withPattern('(z+)+\u0001|[\\s\\S]')), never);
      const reader = new Reader(client, model.key, 'document');
      const { processId } = client;
      await reader.open(`a${'z'.repeat(60)}`);
      for (let times = 0; times < 2; times++) {
        await assert.rejects(reader.score(tinySettings), refused('cannot-align', /does not come to an end/));
      }
      await client.call('load', loadParams(tinyGpt2.folder), never);
      assert.equal(client.processId, processId);
    });

    it('is refused: a pattern that is none', async () => {
      await assertRefused(withPattern('(('), 'cannot-align', /tokenizer\.json cannot be used/);
    });
  });
});
