import assert from 'node:assert/strict';
import { execFileSync, fork, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import type { ModelErrorCode } from '../../src/model/errors';
import { scoreText } from '../../src/model/scoreText';
import { mountedReadOnly } from '../hub/readOnly';
import { loadParams, measure, never, randomNumbers, Reader, tinyFolder, tinySettings } from './process';

const text = 'The harbour was quiet before dawn. '.repeat(300);
const misbehaving = 'test/fixtures/workers/misbehaving.cjs';
/** Between two turns of the host's loop. */
const mostBusyMs = 500;
/** Of the model process, after hundreds of documents; to keep each of them would take more. */
const mostGrowthBytes = 60e6;

const withCode = (code: ModelErrorCode) => (error: unknown) => error instanceof ModelError && error.code === code;
const isAlive = (processId: number) => {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
};
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 1000, `It never came true: ${what}.`);
    await pause(10);
  }
}

// Only Linux sets the limits of another process, and names its children.
const onLinux = process.platform === 'linux' ? it : () => undefined;

describe('faults of the model process', () => {
  const clients: ModelClient[] = [];
  const folders: string[] = [];
  /** Of all processes of this test. */
  const started = new Set<number>();
  const environment = { ...process.env };

  function client({ worker = 'dist/worker.js', tickMs = 10_000, idleMs = 0 } = {}): ModelClient {
    const connect = childProcesses(path.resolve(worker));
    const made = new ModelClient({
      connect: chunkTokens => {
        const connection = connect(chunkTokens);
        if (connection.processId !== undefined) started.add(connection.processId);
        return connection;
      },
      log: () => undefined,
      idleMs,
      tickMs,
    });
    clients.push(made);
    return made;
  }

  function folder(): string {
    const made = mkdtempSync(path.join(tmpdir(), 'token-lens-faults-'));
    folders.push(made);
    return made;
  }

  function copyOfTiny(): string {
    const made = folder();
    cpSync(tinyFolder, made, { recursive: true });
    return made;
  }

  const load = (made: ModelClient, from = tinyFolder) => made.call('load', loadParams(from), never);
  const score = (made: ModelClient, from = tinyFolder) => scoreText(made, loadParams(from), text, tinySettings, 'native', never);
  /** As the editor does: once more where the process was killed before anybody knew. */
  const scoreAgain = (made: ModelClient) =>
    score(made).catch((error: unknown) => {
      assert.ok(withCode('exited')(error), String(error));
      return score(made);
    });
  /** Runs a process that misbehaves like this, and a call to it. */
  const callTo = (fault: string, tickMs?: number) => {
    process.env['TOKEN_LENS_FAULT'] = fault;
    return load(client({ worker: misbehaving, ...(tickMs === undefined ? {} : { tickMs }) }));
  };

  let expected: Awaited<ReturnType<typeof score>>;
  function assertRight({ table }: typeof expected): void {
    assert.deepEqual(table.ids, expected.table.ids);
    // Chunks may be shorter now, which changes no number.
    for (const [row, bits] of expected.table.surprisalBits.entries()) assert.ok(Math.abs((table.surprisalBits[row] ?? NaN) - bits) < 1e-4);
  }

  before(async () => {
    expected = await score(client());
  });
  afterEach(async () => {
    process.env = { ...environment };
    for (const made of clients.splice(0)) made.dispose();
    for (const made of folders.splice(0)) rmSync(made, { recursive: true });
    await eventually('no process is left behind', () => ![...started].some(isAlive));
    started.clear();
  });

  describe('killed', () => {
    const random = randomNumbers(9);
    let loadMs: number;
    let scoreMs: number;
    before(async () => {
      const made = client();
      let start = performance.now();
      await load(made);
      loadMs = performance.now() - start;
      start = performance.now();
      await score(made);
      scoreMs = performance.now() - start;
    });

    const kill = (processId: number | undefined) => {
      assert.ok(processId !== undefined);
      if (isAlive(processId)) process.kill(processId, 'SIGKILL');
    };
    const codeOf = (call: Promise<unknown>) =>
      call.then(
        () => 'done',
        (error: unknown) => ModelError.from(error).code,
      );
    /** Does both, in this order or the other, up to so many milliseconds apart. */
    async function around(mostMs: number, one: () => void, other: () => void): Promise<void> {
      const apartMs = random(2 * mostMs + 1) - mostMs;
      (apartMs < 0 ? other : one)();
      await pause(Math.abs(apartMs));
      (apartMs < 0 ? one : other)();
    }

    for (const phase of ['loading', 'scoring'] as const) {
      it(`at 5 random moments of ${phase}: the call ends as exited or is right, the next one is right, and nothing is left`, async () => {
        const codes: string[] = [];
        for (let round = 0; round < 5; round++) {
          const made = client();
          if (phase === 'scoring') await load(made);
          const ended = codeOf(phase === 'loading' ? load(made) : score(made).then(assertRight));
          await pause(random(Math.round(phase === 'loading' ? loadMs : scoreMs)));
          kill(made.processId);
          codes.push(await ended);
          assertRight(await scoreAgain(made));
          made.dispose();
        }
        assert.deepEqual(
          codes.filter(code => code !== 'done' && code !== 'exited'),
          [],
        );
        assert.ok(codes.filter(code => code === 'exited').length >= 3, `most are in the middle of it: ${codes.join(', ')}`);
      });
    }

    it('at 4 random moments before and after it is disposed of in the middle of a call: the call ends as exited, and nothing is left', async () => {
      for (let round = 0; round < 4; round++) {
        const made = client();
        if (round % 2 > 0) await load(made);
        const ended = codeOf(round % 2 > 0 ? score(made) : load(made));
        const { processId } = made;
        await pause(random(Math.round((round % 2 > 0 ? scoreMs : loadMs) / 2)));
        await around(
          8,
          () => {
            made.dispose();
          },
          () => {
            kill(processId);
          },
        );
        assert.equal(await ended, 'exited');
        await assert.rejects(load(made), withCode('exited'));
      }
    });

    it('at 3 random moments before and after it ends for being idle: the next call is right, and nothing is left', async () => {
      for (let round = 0; round < 3; round++) {
        const made = client({ idleMs: 40 });
        await load(made);
        const { processId } = made;
        await pause(40 + random(21) - 10);
        kill(processId);
        assertRight(await scoreAgain(made));
        assert.notEqual(made.processId, processId);
        made.dispose();
      }
    });

    it('at 3 random moments before and after its host closes the channel in the middle of a call: nothing is left', async () => {
      for (let round = 0; round < 3; round++) {
        const child = fork(path.resolve('dist/worker.js'), [], {
          serialization: 'advanced',
          execArgv: [],
          stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        });
        assert.ok(child.pid !== undefined);
        started.add(child.pid);
        child.send({ kind: 'call', id: 1, method: 'load', params: loadParams(tinyFolder) });
        await pause(random(Math.round(loadMs)));
        assert.equal(child.exitCode, null);
        await around(
          20,
          () => {
            if (child.connected) child.disconnect();
          },
          () => {
            kill(child.pid);
          },
        );
      }
    });
  });

  describe('that misbehaves', () => {
    it('hangs: the call ends as exited, the process is ended, and the next one may work', async () => {
      await assert.rejects(callTo('spins', 20), /hung/);
      await assert.rejects(callTo('silent', 20), /hung/);
      process.env['TOKEN_LENS_FAULT'] = 'busy:0';
      await assert.rejects(load(client({ worker: misbehaving })), withCode('not-found'));
    });

    it('takes long but is alive: it is waited for', async () => {
      await assert.rejects(callTo('busy:3500', 50), withCode('not-found'));
    });

    it('is stopped in the middle of a long text, and goes on: nothing is lost', async () => {
      const made = client();
      await load(made);
      const scoring = score(made);
      const { processId } = made;
      assert.ok(processId !== undefined);
      process.kill(processId, 'SIGSTOP');
      await pause(200);
      process.kill(processId, 'SIGCONT');
      assertRight(await scoring);
    });

    it('is stopped for good: a new process gives the right numbers', async () => {
      const made = client({ tickMs: 100 });
      await load(made);
      assert.ok(made.processId !== undefined);
      process.kill(made.processId, 'SIGSTOP');
      const { key } = expected.description;
      await assert.rejects(made.call('open', { model: key, document: 'd', version: 1, text }, never), /hung/);
      assertRight(await score(made));
    });

    for (const fault of ['floods', 'floods-rows']) {
      it(`${fault}: it is ended, and meanwhile its host does other things`, async () => {
        // By the processor's clock: what other programs take is not ours.
        let [busyMs, before] = [0, process.cpuUsage()];
        const turn = () => {
          const { user, system } = process.cpuUsage(before);
          [busyMs, before] = [Math.max(busyMs, (user + system) / 1000), process.cpuUsage()];
        };
        const timer = setInterval(turn, 1);
        await assert.rejects(callTo(fault), /makes no sense/);
        turn();
        clearInterval(timer);
        assert.ok(busyMs < mostBusyMs, `${String(busyMs)} ms without a turn`);
      });
    }

    it('answers garbage: the call ends as exited, and nothing is thrown elsewhere', async () => {
      for (let kind = 0; kind < 20; kind++) await assert.rejects(callTo(`garbage:${String(kind)}`), withCode('exited'), String(kind));
    });

    it('is of an old version: that is said by name, before anything of it is believed', async () => {
      await assert.rejects(callTo('old'), error => withCode('other-version')(error) && String(error).includes('0.0.1'));
      await assert.rejects(callTo('ancient'), withCode('other-version'));
    });

    it('closes its channel and lives on: it is ended', async () => {
      await assert.rejects(callTo('closes'), withCode('exited'));
    });

    it('dies at once five times: each call ends as exited, and a sixth process that works is used', async function () {
      this.timeout(60_000);
      process.env['TOKEN_LENS_FAULT'] = 'dies-unasked';
      const workers = [...Array.from({ length: 5 }, () => misbehaving), 'dist/worker.js'];
      const made = new ModelClient({
        connect: chunkTokens => childProcesses(path.resolve(workers.shift() ?? ''))(chunkTokens),
        log: () => undefined,
        idleMs: 0,
      });
      clients.push(made);
      for (let time = 1; time <= 5; time++) {
        await assert.rejects(load(made), withCode('exited'));
        assert.equal(made.deathsInARow, time);
      }
      assertRight(await score(made));
      assert.equal(made.deathsInARow, 0);
    });
  });

  describe('without its runtime', () => {
    /** The bundle of the model process beside a runtime of one's own making. */
    function workerWith(runtime: (to: string) => void): string {
      const made = folder();
      const packages = path.join(made, 'node_modules');
      mkdirSync(packages);
      symlinkSync(path.resolve('node_modules/onnxruntime-common'), path.join(packages, 'onnxruntime-common'));
      cpSync('dist/worker.js', path.join(made, 'worker.js'));
      runtime(path.join(packages, 'onnxruntime-node'));
      return path.join(made, 'worker.js');
    }
    const copyRuntime = (to: string) => {
      for (const part of ['package.json', 'dist'])
        cpSync(path.join('node_modules/onnxruntime-node', part), path.join(to, part), { recursive: true });
    };
    const cases: readonly [name: string, runtime: (to: string) => void][] = [
      ['absent', () => undefined],
      ['not for this platform', copyRuntime],
      [
        'broken',
        to => {
          copyRuntime(to);
          const binaries = path.join(to, 'bin/napi-v6', process.platform, process.arch);
          mkdirSync(binaries, { recursive: true });
          writeFileSync(path.join(binaries, 'onnxruntime_binding.node'), 'no library');
        },
      ],
    ];
    for (const [name, runtime] of cases) {
      it(`${name}: one sentence names the platform and the remedy, and a process that has it works`, async () => {
        const worker = workerWith(runtime);
        const made = client({ worker });
        const message = new RegExp(`cannot be loaded on ${process.platform}-${process.arch}; install the version of Token Lens`);
        await assert.rejects(load(made), error => withCode('no-runtime')(error) && message.test(String(error)));
        assert.equal(made.deathsInARow, 0);
        rmSync(path.join(path.dirname(worker), 'node_modules/onnxruntime-node'), { recursive: true, force: true });
        symlinkSync(path.resolve('node_modules/onnxruntime-node'), path.join(path.dirname(worker), 'node_modules/onnxruntime-node'));
        assertRight(await score(made));
      });
    }
  });

  describe('out of memory', () => {
    it('of JavaScript: the call ends as exited; with memory the next one is right', async () => {
      const made = client();
      process.env['NODE_OPTIONS'] = '--max-old-space-size=8';
      await assert.rejects(score(made), withCode('exited'));
      process.env = { ...environment };
      assertRight(await score(made));
    });

    onLinux('of native memory: the call ends as out-of-memory or exited; with memory the next one is right', async () => {
      const made = client();
      const { key } = await load(made);
      const reader = new Reader(made, key, 'd');
      await reader.open(text.repeat(20));
      const status = readFileSync(`/proc/${String(made.processId)}/status`, 'utf8');
      const addressed = Number(/VmSize:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
      execFileSync('prlimit', ['--pid', String(made.processId), `--as=${String(addressed)}`]);
      const wide = { ...tinySettings, contextTokens: 100_000, overlapTokens: 0, topCount: 50 };
      await assert.rejects(reader.score(wide), error => /^(out-of-memory|exited)$/.test(ModelError.from(error).code));
      made.stop('the test gives memory back');
      assertRight(await score(made));
    });
  });

  describe('whose model files are changed while in use', () => {
    const graph = (of: string) => path.join(of, 'onnx/model.onnx');
    const flipBit = (of: string) => {
      const bytes = readFileSync(graph(of));
      const at = bytes.length >>> 1;
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      writeFileSync(graph(of), bytes);
    };
    const withSums = (of: string) => {
      const sum = execFileSync('node', [
        '-p',
        `require('crypto').createHash('sha256').update(require('fs').readFileSync(process.argv[1])).digest('hex')`,
        graph(of),
      ]);
      writeFileSync(path.join(of, 'SHA256SUMS'), `${sum.toString().trim()}  onnx/model.onnx\n`);
    };
    const cases: readonly [name: string, code: ModelErrorCode, spoil: (of: string) => void][] = [
      [
        'truncated',
        'unsupported',
        of => {
          truncateSync(graph(of), 100_000);
        },
      ],
      ['bit-flipped', 'incomplete', flipBit],
      [
        'replaced by nothing of use',
        'unsupported',
        of => {
          writeFileSync(graph(of), 'no model');
        },
      ],
    ];
    for (const [name, code, spoil] of cases) {
      for (const when of ['before a run', 'in the middle of a run'] as const) {
        it(`${name} ${when}: no score comes of it, what is wrong is said, and with the file put right it works again`, async () => {
          const own = copyOfTiny();
          if (code === 'incomplete') withSums(own);
          const made = client();
          const { key } = await load(made, own);
          const reader = new Reader(made, key, 'd');
          await reader.open(text);
          if (when === 'before a run') spoil(own);
          else
            reader.onChange = event => {
              reader.onChange = undefined;
              assert.equal(event.kind, 'layout');
              spoil(own);
            };
          await assert.rejects(
            reader.score(tinySettings),
            error => withCode('exited')(error) && String(error).includes('changed while it was in use'),
          );
          assert.equal(made.processId, undefined);
          await assert.rejects(load(made, own), withCode(code));
          cpSync(graph(tinyFolder), graph(own));
          assertRight(await score(made, own));
        });
      }
    }

    for (const [name, from, file, code, said] of [
      ['tokenizer', tinyFolder, 'tokenizer.json', 'incomplete', /tokenizer\.json was changed while it was in use/],
      ['configuration', tinyFolder, 'config.json', 'incomplete', /config\.json was changed while it was in use/],
      // The runtime reads them from the file itself: the system may end it at once.
      [
        'weights beside the graph',
        'test/fixtures/families/qwen2',
        'onnx/model_quantized.onnx_data',
        'unsupported',
        /onnx_data was changed while it was in use|SIGBUS/,
      ],
    ] as const) {
      it(`with its ${name} truncated: no score comes of it, what is wrong is said, and with the file put right it works again`, async () => {
        const own = folder();
        cpSync(from, own, { recursive: true });
        const made = client();
        const before = (await score(made, own)).table.surprisalBits;
        const { key } = await load(made, own);
        const reader = new Reader(made, key, 'd');
        await reader.open(text);
        truncateSync(path.join(own, file), statSync(path.join(own, file)).size >>> 1);
        await assert.rejects(reader.score(tinySettings), error => withCode('exited')(error) && said.test(String(error)));
        await assert.rejects(load(made, own), withCode(code));
        cpSync(path.join(from, file), path.join(own, file));
        assert.deepEqual((await score(made, own)).table.surprisalBits, before);
      });
    }

    it('replaced by another model: its scores go under its own hash', async () => {
      const own = copyOfTiny();
      const made = client();
      const before = await load(made, own);
      flipBit(own);
      const reader = new Reader(made, before.key, 'd');
      await reader.open(text);
      await assert.rejects(reader.next(tinySettings, 10), withCode('exited'));
      const after = await load(made, own);
      assert.notEqual(after.key.contentHash, before.key.contentHash);
    });

    it('deleted: the model in memory goes on with the same numbers, and the next process says what is missing', async () => {
      const own = copyOfTiny();
      const made = client();
      await load(made, own);
      rmSync(graph(own));
      const { key } = await load(made, own);
      const reader = new Reader(made, key, 'd');
      await reader.open(text);
      await reader.score(tinySettings);
      assert.deepEqual(reader.finished.surprisalBits, expected.table.surprisalBits);
      made.stop('the test starts it anew');
      await assert.rejects(load(made, own), withCode('incomplete'));
      cpSync(graph(tinyFolder), graph(own));
      assertRight(await score(made, own));
    });
  });

  describe('whose storage cannot be written', () => {
    it('because a file is in its place: the model loads and scores', async () => {
      const own = folder();
      writeFileSync(path.join(own, 'file'), '');
      const params = { ...loadParams(tinyFolder), cacheFolder: path.join(own, 'file/storage') };
      assertRight(await scoreText(client(), params, text, tinySettings, 'native', never));
    });

    onLinux('because it is mounted read-only: the model loads and scores', async () => {
      const own = folder();
      const unmount = mountedReadOnly(own);
      try {
        const params = { ...loadParams(tinyFolder), cacheFolder: unmount ? path.join(own, 'storage') : '/proc/storage' }; // not every user may mount
        assertRight(await scoreText(client(), params, text, tinySettings, 'native', never));
        assert.deepEqual(readdirSync(own), []);
      } finally {
        unmount?.();
      }
    });

    onLinux('because it is full: the model loads and scores, and no half of a file is left', async () => {
      const cacheFolder = folder();
      const made = client();
      const { key } = expected.description;
      await assert.rejects(made.call('close', { model: key, document: 'd' }, never), withCode('bad-argument')); // the process runs
      execFileSync('prlimit', ['--pid', String(made.processId), '--fsize=16']);
      const params = { ...loadParams(tinyFolder), cacheFolder };
      assertRight(await scoreText(made, params, text, tinySettings, 'native', never));
      assert.deepEqual(readdirSync(cacheFolder), []);
    });
  });

  onLinux('whose host is killed in the middle of loading or scoring ends by itself', async () => {
    const own = folder();
    const file = path.join(own, 'long.txt');
    writeFileSync(file, text.repeat(20));
    const random = randomNumbers(4);
    for (let round = 0; round < 4; round++) {
      const host = spawn(process.execPath, ['dist/cli.js', 'score', '--model', tinyFolder, file], { stdio: 'ignore' });
      let children: number[] = [];
      await eventually('the host has started a model process', () => {
        const pids = readFileSync(`/proc/${String(host.pid)}/task/${String(host.pid)}/children`, 'utf8').trim();
        children = pids === '' ? [] : pids.split(' ').map(Number);
        return children.length > 0;
      });
      for (const child of children) started.add(child); // looked at after the test
      await pause(random(600));
      host.kill('SIGKILL');
      await once(host, 'exit');
    }
  });

  it('that is sent 200 documents, edits and cancelled runs as fast as a script can ends with the right scores, its memory bounded', async () => {
    const made = client();
    const { key } = await load(made);
    const reader = new Reader(made, key, 'edited');
    await reader.open(text);
    await reader.score(tinySettings);
    const resources = process.getActiveResourcesInfo().length;
    const storm = async () => {
      await reader.open('');
      const runs: Promise<unknown>[] = [];
      for (let each = 0; each < 200; each++) {
        const other = new Reader(made, key, `document ${String(each)}`);
        const stop = new AbortController();
        runs.push(
          other.open(text.slice(0, 2000 + each)),
          other.score(tinySettings, stop.signal).catch((error: unknown) => ModelError.from(error).code),
        );
        if (each % 3 > 0) stop.abort();
        runs.push(other.close());
        const stopEdited = new AbortController();
        const at = each * 50;
        runs.push(
          reader.edit(at, at, text.slice(at, at + 50)),
          reader.score(tinySettings, stopEdited.signal).catch((error: unknown) => ModelError.from(error).code),
        );
        stopEdited.abort();
        if (each % 10 === 0) await new Promise(setImmediate);
      }
      await Promise.all(runs);
      await reader.edit(reader.text.length, reader.text.length, text.slice(reader.text.length));
      await reader.score(tinySettings);
      assert.equal(reader.text, text);
      assertRight({ ...expected, table: reader.finished });
    };
    // The first one makes room, which the second one finds.
    await storm();
    const before = await measure(made, key);
    await storm();
    const after = await measure(made, key);
    assert.ok(after.snapshotBytes <= loadParams(tinyFolder).snapshotBytes);
    assert.deepEqual([before.documents, after.documents], [1, 1]);
    const growthBytes = after.residentBytes - after.snapshotBytes - (before.residentBytes - before.snapshotBytes);
    assert.ok(growthBytes < mostGrowthBytes, `${String(growthBytes)} bytes more`);
    assert.ok(process.getActiveResourcesInfo().length <= resources);
  });
});
