/**
 * Faults as in faults.test.ts, those of `faults` below: each of them twice, then in random order for as many minutes as the first argument says; the second
 * is the seed. Prints how often each was injected in these minutes, and memory and handles before and after. Exit code 1 where anything was wrong, left
 * behind or grew. `npm run soak` builds and runs it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import { scoreText } from '../../src/model/scoreText';
import { loadParams, measure, never, randomNumbers, Reader, tinyFolder, tinySettings } from './process';

const minutes = Number(process.argv[2] ?? '18');
const seed = Number(process.argv[3] ?? '1');
const random = randomNumbers(seed);
const text = 'The harbour was quiet before dawn. '.repeat(300);
/** Of what is still in use after a collection; a leak of one document's text each time would be far more. */
const mostHeapGrowthBytes = 8e6;
const mostResidentGrowthBytes = 60e6;

/** Not a fault. */
const storms = 'storms of documents and edits';

const started = new Set<number>();
const counts = new Map<string, number>();
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

function client(worker = 'dist/worker.js', tickMs = 10_000): ModelClient {
  const connect = childProcesses(path.resolve(worker));
  return new ModelClient({
    connect: chunkTokens => {
      const connection = connect(chunkTokens);
      if (connection.processId !== undefined) started.add(connection.processId);
      return connection;
    },
    log: () => undefined,
    idleMs: 0,
    tickMs,
  });
}

const load = (made: ModelClient, from = tinyFolder) => made.call('load', loadParams(from), never);
const score = (made: ModelClient, from = tinyFolder) => scoreText(made, loadParams(from), text, tinySettings, 'native', never);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => ModelError.from(error).code as string,
  );

function count(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

async function noneLeft(): Promise<void> {
  for (let tries = 0; [...started].some(isAlive); tries++) {
    assert.ok(tries < 500, 'A process was left behind.');
    await pause(10);
  }
  started.clear();
}

interface Parts {
  readonly expected: Float64Array;
  readonly folder: string;
}

function assertRight(bits: Float64Array, { expected }: Parts): void {
  assert.equal(bits.length, expected.length);
  for (const [row, wanted] of expected.entries()) assert.ok(Math.abs((bits[row] ?? NaN) - wanted) < 1e-4, `Row ${String(row)} is wrong.`);
}

/** As the editor does: up to three times. */
async function assertScores(made: ModelClient, parts: Parts): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      assertRight((await score(made)).table.surprisalBits, parts);
      return;
    } catch (error) {
      if (attempt === 3 || !(error instanceof ModelError) || error.code !== 'exited') throw error;
    }
  }
}

const faults: Readonly<Record<string, (parts: Parts) => Promise<void>>> = {
  'killed while loading': async parts => {
    const made = client();
    const ended = codeOf(load(made));
    await pause(random(400));
    if (made.processId !== undefined) process.kill(made.processId, 'SIGKILL');
    assert.match(await ended, /^(done|exited)$/);
    await assertScores(made, parts);
    made.dispose();
  },
  'killed while scoring': async parts => {
    const made = client();
    await load(made);
    const ended = codeOf(score(made));
    await pause(random(200));
    if (made.processId !== undefined) process.kill(made.processId, 'SIGKILL');
    assert.match(await ended, /^(done|exited)$/);
    await assertScores(made, parts);
    made.dispose();
  },
  'killed while shutting down': async () => {
    const made = client();
    const ended = codeOf(random(2) === 0 ? load(made) : score(made));
    await pause(random(400));
    const { processId } = made;
    const kill = () => {
      if (processId !== undefined && isAlive(processId)) process.kill(processId, 'SIGKILL');
    };
    const isFirst = random(2) === 0;
    if (isFirst) kill();
    else made.dispose();
    await pause(random(8));
    if (isFirst) made.dispose();
    else kill();
    assert.match(await ended, /^(done|exited)$/);
  },
  'its host killed': async ({ folder }) => {
    const file = path.join(folder, 'long.txt');
    writeFileSync(file, text.repeat(10));
    const host = spawn(process.execPath, ['dist/cli.js', 'score', '--model', tinyFolder, file], { stdio: 'ignore' });
    await pause(100 + random(900));
    if (process.platform === 'linux' && host.exitCode === null) {
      const children = readFileSync(`/proc/${String(host.pid)}/task/${String(host.pid)}/children`, 'utf8').trim();
      for (const child of children.split(' ')) if (child !== '') started.add(Number(child));
    }
    const ended = once(host, 'exit');
    if (host.exitCode === null) {
      host.kill('SIGKILL');
      await ended;
    }
  },
  hangs: async parts => {
    const made = client('dist/worker.js', 200);
    await load(made);
    const ended = codeOf(score(made));
    await pause(random(100));
    if (made.processId !== undefined) process.kill(made.processId, 'SIGSTOP');
    assert.match(await ended, /^(done|exited|endless)$/);
    await assertScores(made, parts);
    made.dispose();
  },
  misbehaves: async () => {
    const kinds = ['spins', 'floods', 'floods-rows', 'old', 'ancient', 'closes', 'dies', 'dies-unasked', `garbage:${String(random(20))}`];
    process.env['TOKEN_LENS_FAULT'] = kinds[random(kinds.length)];
    const made = client('test/fixtures/workers/misbehaving.cjs', 20);
    assert.match(await codeOf(load(made)), /^(exited|other-version|endless)$/);
    made.dispose();
  },
  'model file spoilt in use': async parts => {
    const own = path.join(parts.folder, 'model');
    cpSync(tinyFolder, own, { recursive: true });
    const graph = path.join(own, 'onnx/model.onnx');
    const made = client();
    const { key } = await load(made, own);
    const reader = new Reader(made, key, 'd');
    await reader.open(text);
    const scoring = codeOf(reader.score(tinySettings));
    await pause(random(100));
    truncateSync(graph, random(100_000));
    assert.match(await scoring, /^(done|exited)$/);
    assert.match(await codeOf(reader.score(tinySettings)), /^(exited|bad-argument)$/);
    assert.equal(await codeOf(load(made, own)), 'unsupported');
    cpSync(path.join(tinyFolder, 'onnx/model.onnx'), graph);
    assertRight((await score(made, own)).table.surprisalBits, parts);
    made.dispose();
  },
  'model file flipped by a bit, deleted or put in place anew': async parts => {
    const own = path.join(parts.folder, 'flipped');
    cpSync(tinyFolder, own, { recursive: true });
    const graph = path.join(own, 'onnx/model.onnx');
    const right = readFileSync(graph);
    writeFileSync(path.join(own, 'SHA256SUMS'), `${createHash('sha256').update(right).digest('hex')}  onnx/model.onnx\n`);
    const made = client();
    await load(made, own);
    const ended = codeOf(score(made, own));
    await pause(random(100));
    const kind = random(3);
    const flipped = Buffer.from(right);
    const at = random(right.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random(8));
    if (kind === 0) rmSync(graph);
    else writeFileSync(graph, kind === 1 ? flipped : right);
    assert.match(await ended, /^(done|exited|incomplete)$/);
    made.stop('the test looks at the files anew');
    assert.match(await codeOf(load(made, own)), kind === 0 ? /^(incomplete|not-found)$/ : kind === 1 ? /^incomplete$/ : /^done$/);
    if (kind !== 2) writeFileSync(graph, right); // else it is in use again
    assertRight((await score(made, own)).table.surprisalBits, parts);
    made.dispose();
  },
  'without its runtime': async parts => {
    const own = mkdtempSync(path.join(parts.folder, 'runtime-'));
    cpSync('dist/worker.js', path.join(own, 'worker.js'));
    const made = client(path.join(own, 'worker.js'));
    assert.equal(await codeOf(load(made)), 'no-runtime');
    symlinkSync(path.resolve('node_modules'), path.join(own, 'node_modules'));
    assertRight((await score(made)).table.surprisalBits, parts);
    made.dispose();
  },
  'out of memory': async parts => {
    const made = client();
    const { NODE_OPTIONS: options = '' } = process.env;
    process.env['NODE_OPTIONS'] = '--max-old-space-size=8';
    const ended = codeOf(score(made));
    process.env['NODE_OPTIONS'] = options; // the process has been started with the other
    assert.equal(await ended, 'exited');
    await assertScores(made, parts);
    made.dispose();
  },
  'storage that cannot be written, or is full': async parts => {
    const made = client();
    const file = path.join(parts.folder, 'file');
    writeFileSync(file, '');
    const isFull = process.platform === 'linux' && random(2) === 0;
    const cacheFolder = isFull ? mkdtempSync(path.join(parts.folder, 'full-')) : path.join(file, 'below');
    if (isFull) {
      await load(made);
      execFileSync('prlimit', ['--pid', String(made.processId), '--fsize=16']);
    }
    const { table } = await scoreText(made, { ...loadParams(tinyFolder), cacheFolder }, text, tinySettings, 'native', never);
    assertRight(table.surprisalBits, parts);
    if (isFull) assert.deepEqual(readdirSync(cacheFolder), []);
    made.dispose();
  },
};

/** 200 documents opened and closed, one edited without pause, most runs cancelled: in the process that lives from the beginning to the end. */
async function storm(made: ModelClient, parts: Parts): Promise<void> {
  const { key } = await load(made);
  const edited = new Reader(made, key, 'edited');
  await edited.open('');
  const calls: Promise<unknown>[] = [];
  for (let each = 0; each < 200; each++) {
    const other = new Reader(made, key, `document ${String(each)}`);
    const stop = new AbortController();
    calls.push(other.open(text.slice(random(text.length), text.length)), codeOf(other.score(tinySettings, stop.signal)));
    const at = each * 50;
    calls.push(edited.edit(at, at, text.slice(at, at + 50)), codeOf(edited.score(tinySettings, stop.signal)));
    if (random(4) > 0) stop.abort();
    calls.push(other.close());
    if (random(10) === 0) await new Promise(setImmediate);
  }
  await Promise.all(calls);
  await edited.edit(edited.text.length, edited.text.length, text.slice(edited.text.length));
  await edited.score(tinySettings);
  assertRight(edited.finished.surprisalBits, parts);
  await edited.close();
}

interface Figures {
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly resources: number;
  readonly files: number;
  /** Of the process that lives from the beginning to the end. */
  readonly modelBytes: number;
  readonly modelFiles: number;
}

const openFiles = (processId: number | 'self') => (process.platform === 'linux' ? readdirSync(`/proc/${String(processId)}/fd`).length : 0);

async function figures(lasting: ModelClient): Promise<Figures> {
  for (let round = 0; round < 3; round++) {
    await pause(500); // what is being closed
    globalThis.gc?.(); // what one collection frees may hold more
  }
  const { key } = await load(lasting);
  const { heapUsed, rss } = process.memoryUsage();
  return {
    heapBytes: heapUsed,
    residentBytes: rss,
    resources: process.getActiveResourcesInfo().length,
    files: openFiles('self'),
    modelBytes: (await measure(lasting, key)).residentBytes,
    modelFiles: openFiles(lasting.processId ?? 'self'),
  };
}

async function run(folder: string): Promise<boolean> {
  const lasting = new ModelClient({ connect: childProcesses(path.resolve('dist/worker.js')), log: () => undefined, idleMs: 0 });
  try {
    const parts: Parts = { expected: (await score(lasting)).table.surprisalBits, folder };
    const one = async (name: string) => {
      const fault = faults[name];
      await (fault ? fault(parts) : storm(lasting, parts));
      await noneLeft();
      count(name);
    };
    const names = [...Object.keys(faults), storms];
    for (const name of [...names, ...names]) await one(name); // what is kept from then on was made once
    counts.clear();
    const before = await figures(lasting);
    const end = performance.now() + minutes * 60_000; // a busy machine may take minutes for what comes before
    while (performance.now() < end) await one(names[random(names.length)] ?? '');
    const after = await figures(lasting);
    const injected = [...counts].reduce((sum, [name, times]) => (name === storms ? sum : sum + times), 0);
    process.stdout.write(`${String(injected).padStart(6)}  faults injected\n`);
    for (const [name, times] of counts) process.stdout.write(`${String(times).padStart(6)}  ${name}\n`);
    const inMegabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    const row = (what: string, a: string | number, b: string | number) =>
      process.stdout.write(`${what.padEnd(44)}${String(a).padStart(8)} ${String(b).padStart(8)}\n`);
    row('', 'before', 'after');
    row('host: JavaScript heap in use, MB', inMegabytes(before.heapBytes), inMegabytes(after.heapBytes));
    row('host: resident, MB', inMegabytes(before.residentBytes), inMegabytes(after.residentBytes));
    row('host: handles', before.resources, after.resources);
    row('host: open files', before.files, after.files);
    row('model process that was spared: resident, MB', inMegabytes(before.modelBytes), inMegabytes(after.modelBytes));
    row('model process that was spared: open files', before.modelFiles, after.modelFiles);
    return (
      after.heapBytes - before.heapBytes < mostHeapGrowthBytes &&
      after.residentBytes - before.residentBytes < mostResidentGrowthBytes &&
      after.modelBytes - before.modelBytes < mostResidentGrowthBytes &&
      after.resources <= before.resources &&
      after.files <= before.files &&
      after.modelFiles <= before.modelFiles
    );
  } finally {
    lasting.dispose();
  }
}

const scratch = mkdtempSync(path.join(tmpdir(), 'token-lens-soak-'));
process.stdout.write(`Seed ${String(seed)}, ${String(minutes)} minutes.\n`);
run(scratch)
  .then(holds => {
    process.stdout.write(holds ? 'Nothing was wrong, left behind or grew.\n' : 'FAILED: something grew.\n');
    process.exitCode = holds ? 0 : 1;
  })
  .catch((error: unknown) => {
    process.stdout.write(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  })
  .finally(() => {
    rmSync(scratch, { recursive: true });
  });
