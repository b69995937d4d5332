import assert from 'node:assert/strict';
import path from 'node:path';
import { Vocabulary } from '../../src/core/vocabulary';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import { ModelCopy } from '../../src/modelCopy';
import type { ReadyModel } from '../../src/modelSlots';
import { Pauses } from '../../src/pauses';
import { loadParams, never, tinyFolder } from './process';

describe("the model process's copy of a document", () => {
  const clients: ModelClient[] = [];
  afterEach(() => {
    delete process.env['TOKEN_LENS_FAULT'];
    for (const client of clients.splice(0)) client.dispose();
  });

  /** How often a model is loaded by a process that misbehaves like this. */
  async function loadsWith(fault: string, code: string): Promise<number> {
    process.env['TOKEN_LENS_FAULT'] = fault;
    const connect = childProcesses(path.resolve('test/fixtures/workers/misbehaving.cjs'));
    const client = new ModelClient({ connect, log: () => undefined, idleMs: 0, tickMs: 10 });
    clients.push(client);
    let loads = 0;
    const model = {
      get deathsInARow() {
        return client.deathsInARow;
      },
      ready: async (signal: AbortSignal): Promise<ReadyModel> => {
        loads++;
        const description = await client.call('load', loadParams(tinyFolder), signal);
        return { client, generation: client.generation, description, vocabulary: new Vocabulary(description.vocabulary) };
      },
      close: () => Promise.resolve(),
    };
    const document = {
      uri: { toString: () => 'untitled:a' },
      version: 1,
      getText: () => '',
    };
    const copy = new ModelCopy(document, model, new Pauses());
    await assert.rejects(
      copy.ask(never, () => Promise.resolve()),
      { code },
    );
    copy.dispose();
    return loads;
  }

  it('is not made again and again where loading the model does not come to an end', async () => {
    assert.equal(await loadsWith('spins', 'endless'), 1);
  });

  it('is made three times where the process dies', async () => {
    assert.equal(await loadsWith('dies', 'exited'), 3);
  });
});
