import assert from 'node:assert/strict';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { version } from '../../package.json';
import type { Connect } from '../../src/model/childProcess';
import { childProcesses } from '../../src/model/childProcess';
import type { LoadParams, ModelDescription } from '../../src/model/protocol';
import { ModelSlot, SecondModel } from '../../src/modelSlots';
import type { ModelSlotOptions } from '../../src/modelSlots';
import { Refusal } from '../../src/refusal';
import { hardText, loadParams, never, newClient, Reader, tinyFolder, tinySettings } from './process';

const otherFolder = 'test/fixtures/families/llama';
const thirdFolder = 'test/fixtures/families/phi';
const plenty = 64e9;

interface Made {
  readonly first: ModelSlot;
  readonly second: SecondModel;
  readonly limits: { idleMs: number; freeBytes: number | undefined };
}

describe('two models', () => {
  const made: { dispose(): void }[] = [];
  afterEach(() => {
    for (const each of made.splice(0)) each.dispose();
  });

  function models(): Made {
    const limits: Made['limits'] = { idleMs: 0, freeBytes: plenty };
    const options: ModelSlotOptions = {
      connect: childProcesses(path.resolve('dist/worker.js')),
      log: () => undefined,
      get idleMs() {
        return limits.idleMs;
      },
      onLoaded: () => undefined,
    };
    const first = new ModelSlot(options);
    const second = new SecondModel(options, () => limits.freeBytes);
    made.push(first, second);
    return { first, second, limits };
  }

  it('are in memory at once, each in a process of its own that answers for its own model only', async () => {
    const { first, second } = models();
    const a = await first.load(loadParams(tinyFolder), never);
    const b = await second.ready(loadParams(otherFolder), undefined, never);
    assert.notEqual(a.client.processId, b.client.processId);
    const readers = [a, b].map(({ client, description }) => new Reader(client, description.key, 'text'));
    await Promise.all(
      readers.map(async reader => {
        await reader.open(hardText);
        await reader.score(tinySettings);
      }),
    );
    for (const [index, folder] of [tinyFolder, otherFolder].entries()) {
      const alone = newClient();
      made.push(alone);
      const reader = new Reader(alone, (await alone.call('load', loadParams(folder), never)).key, 'text');
      await reader.open(hardText);
      await reader.score(tinySettings);
      assert.deepEqual(readers[index]?.finished.surprisalBits, reader.finished.surprisalBits);
    }
    await assert.rejects(new Reader(a.client, b.description.key, 'text').open(hardText), { code: 'bad-argument' });
    await assert.rejects(new Reader(b.client, a.description.key, 'text').open(hardText), { code: 'bad-argument' });
    assert.equal(first.running, a);
    assert.equal(await second.ready(loadParams(otherFolder), undefined, never), b);
  });

  it('are two at most: another folder takes the place of the second one', async () => {
    const { first, second } = models();
    await first.load(loadParams(tinyFolder), never);
    const b = await second.ready(loadParams(otherFolder), undefined, never);
    const { processId } = b.client;
    assert.ok(processId !== undefined);
    const c = await second.ready(loadParams(thirdFolder), undefined, never);
    assert.throws(() => process.kill(processId, 0), { code: 'ESRCH' });
    assert.equal(c.description.key.folder, path.resolve(thirdFolder));
    assert.ok(first.running);
  });

  it('are each who they were asked for, also where two second ones are asked for at once', async () => {
    const { second } = models();
    const both = await Promise.all([otherFolder, thirdFolder].map(folder => second.ready(loadParams(folder), undefined, never)));
    assert.deepEqual(
      both.map(({ description }) => description.key.folder),
      [path.resolve(otherFolder), path.resolve(thirdFolder)],
    );
    assert.equal(second.slot.running, both[1]);
  });

  it('are refused where memory has no room for both, with the first one counted unless it is loaded', async () => {
    const { first, second, limits } = models();
    const [a, b] = [loadParams(tinyFolder), loadParams(otherFolder)];
    limits.freeBytes = 1e9; // each alone needs some 484 MB, and half as much again to be free
    await assert.rejects(second.ready(b, a, never), (error: unknown) => {
      assert.ok(error instanceof Refusal && error.reason.kind === 'second-memory' && error.code === 'out-of-memory');
      assert.ok(error.reason.neededBytes > 960e6 && error.reason.neededBytes < 980e6);
      assert.match(error.message, /^Two models at once need about 9\d\d MB more memory, and 1000 MB are free\. Close other programs/);
      return true;
    });
    assert.ok(!second.slot.isAlive);
    await first.load(a, never);
    await second.ready(b, undefined, never);
    limits.freeBytes = undefined;
    await second.slot.release('test');
    await second.ready(b, a, never);
  });

  it('are both gone when idle, and when disposed', async () => {
    const { first, second, limits } = models();
    const load = async () => {
      const loaded = [await first.load(loadParams(tinyFolder), never), await second.ready(loadParams(otherFolder), undefined, never)];
      return loaded.map(({ client }) => client.processId ?? 0);
    };
    const gone = async (ids: readonly number[]) => {
      for (let tries = 0; ids.some(isAlive); tries++) {
        assert.ok(tries < 500, 'A process is still there.');
        await new Promise(resolve => setTimeout(resolve, 10));
      }
    };
    const idle = await load();
    limits.idleMs = 50;
    first.client.idleChanged();
    second.slot.client.idleChanged();
    await gone(idle);
    assert.deepEqual([first.running, second.slot.running], [undefined, undefined]);
    limits.idleMs = 0;
    const again = await load();
    assert.ok(again.every(isAlive) && again.every(id => !idle.includes(id)));
    first.dispose();
    second.dispose();
    await gone(again);
  });

  it('leave memory at once when released', async () => {
    const { second } = models();
    const { client } = await second.ready(loadParams(otherFolder), undefined, never);
    const processId = client.processId ?? 0;
    await second.slot.release('memory is short');
    assert.ok(!isAlive(processId));
  });
});

describe('a model on WebGPU', () => {
  it('runs on the processor where that cannot be, says why, and has the same scores', async function () {
    const whyNot = await whyNoWebGpu();
    if (whyNot === undefined) this.skip(); // this machine has what it takes
    const slots: ModelSlot[] = [];
    const scored = async (device: LoadParams['device']) => {
      const slot = new ModelSlot({
        connect: childProcesses(path.resolve('dist/worker.js')),
        log: () => undefined,
        idleMs: 0,
        onLoaded: () => undefined,
      });
      slots.push(slot);
      const { client, description } = await slot.load({ ...loadParams(tinyFolder), device }, never);
      const reader = new Reader(client, description.key, 'text');
      await reader.open(hardText);
      await reader.score(tinySettings);
      return { description, bits: reader.finished.surprisalBits };
    };
    try {
      const [cpu, gpu] = [await scored('cpu'), await scored('webgpu')];
      assert.deepEqual([cpu.description.device, cpu.description.deviceFallback], ['cpu', undefined]);
      assert.equal(gpu.description.device, 'cpu');
      assert.ok(gpu.description.deviceFallback && whyNot.includes(gpu.description.deviceFallback));
      assert.doesNotMatch(gpu.description.deviceFallback, /\n|\.cc:/);
      assert.deepEqual(gpu.bits, cpu.bits);
      assert.deepEqual(gpu.description.selfCheck, cpu.description.selfCheck);
    } finally {
      for (const slot of slots) slot.dispose();
    }
  });

  /** A process that dies of WebGPU, and answers on the processor; after `then`, of anything. */
  function fragile() {
    const asked: string[] = [];
    const kills: (() => void)[] = [];
    const connect: Connect = () => {
      let answer: (message: unknown) => void = () => undefined;
      let exited: (exit: { readonly reason: string; readonly bySignal: boolean }) => void = () => undefined;
      const die = () => {
        exited({ reason: 'SIGSEGV', bySignal: true });
      };
      kills.push(die);
      return {
        processId: kills.length,
        post: message => {
          const { id, params } = message as { readonly id: number; readonly params: LoadParams };
          asked.push(params.device);
          const description: ModelDescription = {
            key: { folder: '/models/fragile', contentHash: 'f', dtype: 'q8', arithmetic: 'native' },
            name: 'Fragile',
            positions: 128,
            startTokenId: null,
            head: 'grafted',
            selfCheck: {
              bitsPerByte: 1,
              plausible: true,
              usualBitsPerByte: { prose: 1, code: 1 },
              noiseFloorBits: null,
              repeatabilityBits: 0,
            },
            device: 'cpu',
            deviceFallback: undefined,
            vocabulary: { bytes: new Uint8Array(), offsets: new Uint32Array(1), controlNames: {} },
          };
          setImmediate(() => {
            if (params.device === 'webgpu') die();
            else answer({ kind: 'result', id, result: description });
          });
        },
        onMessage: listener => {
          answer = listener;
          setImmediate(() => answer({ kind: 'hello', version }));
        },
        onExit: listener => {
          const before = exited;
          exited = exit => {
            before(exit);
            listener(exit);
          };
        },
        end: () => undefined,
      };
    };
    return { connect, asked, kills };
  }

  it('that takes the process with it is loaded on the processor, and WebGPU not tried again', async () => {
    const { connect, asked, kills } = fragile();
    const told: (string | undefined)[] = [];
    const slot = new ModelSlot({
      connect,
      log: () => undefined,
      idleMs: 0,
      onLoaded: ({ deviceFallback }) => told.push(deviceFallback),
    });
    const params: LoadParams = { ...loadParams(tinyFolder), device: 'webgpu' };
    const { description } = await slot.load(params, never);
    assert.equal(description.device, 'cpu');
    kills.at(-1)?.();
    assert.equal(slot.running, undefined);
    await slot.load(params, never);
    assert.deepEqual(asked, ['webgpu', 'cpu', 'cpu']);
    assert.deepEqual(told, Array(2).fill('the model process ended while it was in use'));
    slot.dispose();
  });
});

/** What the runtime says when it is asked for nothing else; undefined where it works. */
async function whyNoWebGpu(): Promise<string | undefined> {
  try {
    await InferenceSession.create(path.resolve(tinyFolder, 'onnx', 'model.onnx'), { executionProviders: ['webgpu'] });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
