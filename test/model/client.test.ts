import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import type { ModelErrorCode } from '../../src/model/errors';
import { scoreText } from '../../src/model/scoreText';
import { loadParams, never, newClient, tinySettings } from './process';

const tiny = 'test/fixtures/tiny-gpt2';
const text = 'The harbour was quiet before dawn. '.repeat(40);

const withCode = (code: ModelErrorCode) => (error: unknown) => error instanceof ModelError && error.code === code;

describe('the client of the model process', () => {
  const clients: ModelClient[] = [];
  const folders: string[] = [];
  const client = (workerPath?: string) => {
    const made = newClient(workerPath);
    clients.push(made);
    return made;
  };
  const copyOfTiny = () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'token-lens-model-'));
    folders.push(folder);
    cpSync(tiny, folder, { recursive: true });
    return folder;
  };
  afterEach(() => {
    for (const made of clients.splice(0)) made.dispose();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it('starts the process with the first call, not before', async () => {
    const made = client();
    assert.equal(made.processId, undefined);
    await made.call('load', loadParams(tiny), never);
    assert.equal(typeof made.processId, 'number');
  });

  it('ends a call as exited when the process is killed in the middle of a run; the next score is right', async () => {
    const made = client();
    await made.call('load', loadParams(tiny), never);
    const expected = await scoreText(made, loadParams(tiny), text, tinySettings, 'native', never);
    const model = expected.description.key;
    await made.call('open', { model, document: 'd', version: 1, text }, never);
    const { generation, processId } = made;
    assert.ok(processId !== undefined);
    await assert.rejects(
      made.call(
        'score',
        { model, document: 'd', version: 1, settings: tinySettings, visible: [], knownTableId: undefined },
        never,
        event => {
          if (event.kind === 'rows') process.kill(processId, 'SIGKILL');
        },
      ),
      withCode('exited'),
    );
    const again = await scoreText(made, loadParams(tiny), text, tinySettings, 'native', never);
    assert.equal(made.generation, generation + 1);
    // Chunks are half as long now, which changes no number.
    for (const [row, bits] of expected.table.surprisalBits.entries())
      assert.ok(Math.abs((again.table.surprisalBits[row] ?? NaN) - bits) < 1e-4);
  });

  it('ends the process when idle, and starts it again when asked', async () => {
    const made = new ModelClient({ connect: childProcesses(path.resolve('dist/worker.js')), log: () => undefined, idleMs: 50 });
    clients.push(made);
    await made.call('load', loadParams(tiny), never);
    await new Promise(resolve => setTimeout(resolve, 400));
    assert.equal(made.processId, undefined);
    await made.call('load', loadParams(tiny), never);
    assert.equal(made.generation, 2);
  });

  it('ends a call as exited when it is disposed meanwhile', async () => {
    const made = client();
    const call = made.call('load', loadParams(tiny), never);
    made.dispose();
    await assert.rejects(call, withCode('exited'));
    await assert.rejects(made.call('load', loadParams(tiny), never), withCode('exited'));
  });

  it('ends a call as exited when the process cannot start', async () => {
    await assert.rejects(client('dist/no-such-worker.js').call('load', loadParams(tiny), never), withCode('exited'));
  });

  it('leaves no process behind when its own ends', async () => {
    const made = client();
    await made.call('load', loadParams(tiny), never);
    const { processId } = made;
    assert.ok(processId !== undefined);
    made.dispose();
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.throws(() => process.kill(processId, 0));
  });

  const folderCases: readonly [name: string, code: ModelErrorCode, spoil: (folder: string) => void][] = [
    [
      'missing',
      'not-found',
      folder => {
        rmSync(folder, { recursive: true });
      },
    ],
    [
      'without config.json',
      'incomplete',
      folder => {
        rmSync(path.join(folder, 'config.json'));
      },
    ],
    [
      'without a graph',
      'incomplete',
      folder => {
        rmSync(path.join(folder, 'onnx'), { recursive: true });
      },
    ],
    [
      'with half a tokenizer',
      'incomplete',
      folder => {
        truncateSync(path.join(folder, 'tokenizer.json'), 1000);
      },
    ],
    [
      'with half a graph',
      'unsupported',
      folder => {
        truncateSync(path.join(folder, 'onnx/model.onnx'), 100_000);
      },
    ],
    [
      'with a file that is not what SHA256SUMS says',
      'incomplete',
      folder => {
        writeFileSync(path.join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  config.json\n`);
      },
    ],
    [
      'whose data file is missing',
      'incomplete',
      folder => {
        writeFileSync(
          path.join(folder, 'config.json'),
          JSON.stringify({
            ...(JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as object),
            'transformers.js_config': { use_external_data_format: 1 },
          }),
        );
      },
    ],
    [
      'of an unknown kind',
      'unsupported',
      folder => {
        writeFileSync(path.join(folder, 'config.json'), '{"model_type":"whatever"}');
      },
    ],
  ];
  for (const [name, code, spoil] of folderCases) {
    it(`says what is wrong with a model folder ${name}, and loads the next one`, async () => {
      const folder = copyOfTiny();
      spoil(folder);
      const made = client();
      await assert.rejects(made.call('load', loadParams(folder), never), withCode(code));
      if (name === 'missing') folders.pop();
      await made.call('load', loadParams(tiny), never);
    });
  }

  // Only Linux shows another process's sockets to everybody.
  const onLinux = process.platform === 'linux' ? it : () => undefined;
  onLinux('opens no connection to the network and does not load telemetry', async function () {
    this.timeout(20_000);
    const made = client();
    await scoreText(made, loadParams(tiny), text, tinySettings, 'native', never);
    const environment = readFileSync(`/proc/${String(made.processId)}/environ`, 'utf8');
    assert.ok(environment.split('\0').includes('ORT_DISABLE_TELEMETRY=1'));
    const inodes = new Set(
      [...execFileSync('ls', ['-l', `/proc/${String(made.processId)}/fd`], { encoding: 'utf8' }).matchAll(/socket:\[(\d+)\]/g)].map(
        found => found[1],
      ),
    );
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
      const open = readFileSync(`/proc/${String(made.processId)}/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .map(line => line.trim().split(/\s+/)[9]);
      assert.deepEqual(
        open.filter(inode => inodes.has(inode)),
        [],
        table,
      );
    }
  });
});
