import assert from 'node:assert/strict';
import { version } from '../../package.json';
import type { Connect } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import type { LoadParams, MeasureParams, Measurements, ModelDescription } from '../../src/model/protocol';

const never = new AbortController().signal;
const load: LoadParams = {
  folder: '',
  dtype: undefined,
  threads: 1,
  arena: false,
  device: 'cpu',
  cacheFolder: undefined,
  snapshotBytes: 0,
};
const measure: MeasureParams = { model: { folder: '', contentHash: '', dtype: '', arithmetic: 'native' } };

const description: ModelDescription = {
  key: measure.model,
  name: '',
  positions: 1,
  startTokenId: null,
  vocabulary: { bytes: new Uint8Array(0), offsets: new Uint32Array(1), controlNames: {} },
  selfCheck: {
    bitsPerByte: 1,
    plausible: true,
    usualBitsPerByte: { prose: 1, code: 1 },
    noiseFloorBits: null,
    repeatabilityBits: 0,
  },
  head: 'grafted',
  device: 'cpu',
  deviceFallback: undefined,
};
const measurements: Measurements = { tokensRun: 0, modelCalls: 0, cpuMs: 0, residentBytes: 0, snapshotBytes: 0, documents: 0 };

/** A process that answers every call at once, but `load` only when the test says so. */
function fakeProcess() {
  const loads: (() => void)[] = [];
  const connect: Connect = () => {
    let answer: (message: unknown) => void = () => undefined;
    return {
      processId: 1,
      post: message => {
        const { id, method } = message as { readonly id: number; readonly method: string };
        const reply = () => {
          answer({ kind: 'result', id, result: method === 'load' ? description : measurements });
        };
        if (method === 'load') loads.push(reply);
        else setImmediate(reply);
      },
      onMessage: listener => {
        answer = listener;
        listener({ kind: 'hello', version });
      },
      onExit: () => undefined,
      end: () => undefined,
    };
  };
  return { connect, loads };
}

async function ended(client: ModelClient): Promise<void> {
  for (let tries = 0; client.processId !== undefined; tries++) {
    assert.ok(tries < 500, 'The process was not ended.');
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

describe('an idle model process', () => {
  /** A client that has loaded its model, and what idle means for it. */
  async function loaded(): Promise<{ client: ModelClient; limit: { idleMs: number }; loads: (() => void)[] }> {
    const limit = { idleMs: 0 };
    const { connect, loads } = fakeProcess();
    const client = new ModelClient({
      connect,
      log: () => undefined,
      get idleMs() {
        return limit.idleMs;
      },
    });
    const loading = client.call('load', load, never);
    await new Promise(resolve => setImmediate(resolve));
    loads[0]?.();
    await loading;
    return { client, limit, loads };
  }

  it('is ended when what idle means has changed, without another call', async () => {
    const { client, limit } = await loaded();
    limit.idleMs = 20;
    assert.notEqual(client.processId, undefined);
    client.idleChanged();
    await ended(client);
  });

  it('is not kept by being measured', async () => {
    const { client, limit } = await loaded();
    limit.idleMs = 60;
    client.idleChanged();
    const measuring = setInterval(() => {
      if (client.processId !== undefined) void client.call('measure', measure, never).catch(() => undefined);
    }, 5);
    await ended(client).finally(() => {
      clearInterval(measuring);
    });
  });

  it('is not ended while a call is under way', async () => {
    const { client, limit, loads } = await loaded();
    limit.idleMs = 20;
    const again = client.call('load', load, never);
    client.idleChanged();
    await new Promise(resolve => setTimeout(resolve, 200));
    assert.notEqual(client.processId, undefined);
    loads[1]?.();
    await again;
    await ended(client);
  });
});
