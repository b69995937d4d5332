import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { ModelKey } from '../../src/core/scores';
import { because, ModelError } from '../../src/model/errors';
import type { Because } from '../../src/model/errors';
import type { Handlers, Measurements, ModelEvent, Params } from '../../src/model/protocol';
import { RpcClient, serve } from '../../src/model/rpc';
import type { Transport } from '../../src/model/rpc';
import { loadParams, never, tinyFolder } from './process';

const model: ModelKey = { folder: 'f', contentHash: 'h', dtype: 'fp32', arithmetic: 'native' };

function transportOf(port: MessagePort): Transport {
  return {
    post: message => {
      port.postMessage(message);
    },
    onMessage: listener => port.on('message', listener),
  };
}

const unused = () => Promise.reject(new Error('not part of this test'));

describe('calls between processes', () => {
  const ports: MessagePort[] = [];
  function connect(handlers: Partial<Handlers>, tickMs = 10_000, onFault: (kind: string) => void = () => undefined): RpcClient {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    const others = {
      load: unused,
      open: unused,
      change: unused,
      close: unused,
      show: unused,
      score: unused,
      next: unused,
      words: unused,
      chain: unused,
      futures: unused,
      draft: unused,
      try: unused,
      layout: unused,
      contextLengths: unused,
      without: unused,
      effects: unused,
      contextNeeds: unused,
      shortContext: unused,
      attention: unused,
      switchOff: unused,
      layers: unused,
      preamble: unused,
      measure: unused,
    };
    serve(transportOf(port2), { ...others, ...handlers });
    return new RpcClient(transportOf(port1), { onFault: (_error, kind) => onFault(kind), tickMs });
  }
  afterEach(() => {
    for (const port of ports.splice(0)) port.close();
  });

  const layout: ModelEvent = {
    kind: 'layout',
    document: 'd',
    version: 1,
    tableId: 1,
    carried: [],
    topCount: 1,
    watchCount: 0,
    watched: [],
    ids: new Int32Array(0),
    starts: new Uint32Array(0),
    ends: new Uint32Array(0),
    startBytes: new Uint32Array(0),
    endBytes: new Uint32Array(0),
    gaps: [],
    bytes: 0,
    window: { contextTokens: 1, overlapTokens: 0, anchors: 'grid' },
    startTokenId: null,
    preambleTokens: 0,
  };

  it('end as a result', async () => {
    const client = connect({ close: () => Promise.resolve(null) });
    assert.equal(await client.call('close', { model, document: 'd' }, never), null);
    assert.equal(client.busy, false);
  });

  it('end as an error that keeps its class and code', async () => {
    const client = connect({ close: () => Promise.reject(new ModelError('incomplete', 'half a model')) });
    await assert.rejects(
      client.call('close', { model, document: 'd' }, never),
      (error: unknown) => error instanceof ModelError && error.code === 'incomplete' && error.message === 'half a model',
    );
  });

  it('end as an error with the reason that views put into words, if it is one', async () => {
    const why = { key: 'leaks', values: ['q8', '0.52'] } as const;
    const client = connect({ load: () => Promise.reject(new ModelError('unsupported', 'no', { because: why })) });
    const failure = await client.call('load', {} as Params<'load'>, never).catch((error: unknown) => error);
    assert.deepEqual(failure instanceof ModelError && failure.because, why);
    const long = because('unknown-input', 'x'.repeat(1000)).because;
    assert.equal(long.values[0]?.length, 80);
    for (const wrong of [
      { key: 'other', values: [] },
      { key: 'leaks', values: [1] },
      { key: 'leaks', values: ['x'.repeat(81)] },
      'leaks',
    ]) {
      const nonsense = connect({ load: () => Promise.reject(new ModelError('unsupported', 'no', { because: wrong as Because })) });
      await assert.rejects(nonsense.call('load', {} as Params<'load'>, never), { code: 'exited', because: undefined });
    }
  });

  it('end as cancelled, once the other side has stopped, with all events sent before that', async () => {
    let stopped = false;
    const client = connect({
      close: (_params, { signal, emit }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            emit(layout);
            setTimeout(() => {
              stopped = true;
              reject(new Error('stopped'));
            }, 20);
          });
        }),
    });
    const stop = new AbortController();
    const events: ModelEvent[] = [];
    const call = client.call('close', { model, document: 'd' }, stop.signal, event => events.push(event));
    setTimeout(() => {
      stop.abort();
    }, 5);
    await assert.rejects(call, (error: unknown) => error instanceof ModelError && error.code === 'cancelled');
    assert.equal(stopped, true);
    assert.equal(events.length, 1);
    await assert.rejects(
      client.call('close', { model, document: 'd' }, stop.signal),
      (error: unknown) => error instanceof ModelError && error.code === 'cancelled',
    );
  });

  it('end as exited when the process is gone, before and during a call', async () => {
    const client = connect({ close: () => new Promise(() => undefined) });
    const call = client.call('close', { model, document: 'd' }, never);
    client.exited(new ModelError('exited', 'gone'));
    await assert.rejects(call, (error: unknown) => error instanceof ModelError && error.code === 'exited');
    await assert.rejects(
      client.call('close', { model, document: 'd' }, never),
      (error: unknown) => error instanceof ModelError && error.code === 'exited',
    );
  });

  describe('that load a model', () => {
    const params = loadParams(tinyFolder);
    const isCancelled = (error: unknown) => error instanceof ModelError && error.code === 'cancelled';
    const faults: string[] = [];
    beforeEach(() => {
      faults.length = 0;
    });
    /** Loading never ends; a measurement does when it is told to. */
    function loading(tickMs: number) {
      let measured: () => void = () => undefined;
      const measure = () =>
        new Promise<Measurements>(resolve => {
          measured = () => {
            resolve({ tokensRun: 0, modelCalls: 0, cpuMs: 0, residentBytes: 0, snapshotBytes: 0, documents: 0 });
          };
        });
      const client = connect({ load: () => new Promise(() => undefined), measure }, tickMs, kind => faults.push(kind));
      return {
        client,
        endMeasuring: () => {
          measured();
        },
      };
    }

    it('end as cancelled at once, and the process soon after, for nobody waits for the model', async () => {
      const { client } = loading(100);
      const stop = new AbortController();
      const call = client.call('load', params, stop.signal);
      stop.abort();
      await assert.rejects(call, isCancelled);
      assert.deepEqual(faults, []);
      await new Promise(resolve => setTimeout(resolve, 300));
      assert.deepEqual(faults, ['unwanted']);
      await assert.rejects(client.call('load', params, never), (error: unknown) => error instanceof ModelError && error.code === 'exited');
    });

    it('go on where somebody else wants the model, or something else is asked', async () => {
      const { client, endMeasuring } = loading(100);
      const [first, second] = [new AbortController(), new AbortController()];
      const calls = [client.call('load', params, first.signal), client.call('load', params, second.signal)];
      const ended = Promise.allSettled(calls);
      first.abort();
      await new Promise(resolve => setTimeout(resolve, 300));
      const measuring = client.call('measure', { model }, never);
      second.abort();
      await ended;
      await new Promise(resolve => setTimeout(resolve, 300));
      assert.deepEqual(faults, []);
      endMeasuring();
      await measuring;
      await new Promise(resolve => setTimeout(resolve, 300));
      assert.deepEqual(faults, ['unwanted']);
    });
  });

  it('wait as long as the other side works and answers, however long that is', async () => {
    // Twelve ticks of 5 ms without a word would be too many.
    const client = connect({ close: () => new Promise(resolve => setTimeout(resolve, 400, null)) }, 5);
    assert.equal(await client.call('close', { model, document: 'd' }, never), null);
  });

  it('say so when a method is unknown or a message cannot be sent', async () => {
    const client = connect({});
    await assert.rejects(
      client.call('nonsense' as 'close', { model, document: 'd' }, never),
      (error: unknown) => error instanceof ModelError && error.code === 'bad-argument',
    );
    await assert.rejects(client.call('close', { model, document: (() => 1) as unknown as string }, never));
  });
});
