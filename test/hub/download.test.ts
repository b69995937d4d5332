import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type http from 'node:http';
import fileSystem from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readModelFolder } from '../../src/model/catalog';
import { download } from '../../src/models/download';
import type { DownloadOptions, DownloadProgress } from '../../src/models/download';
import { Hub } from '../../src/models/hub';
import type { Patience } from '../../src/models/hub';
import { HubError } from '../../src/models/hubError';
import type { HubErrorCode } from '../../src/models/hubError';
import { bytesOf, diskBytesOf, folderOf, hasSameFiles, modelsOnDisk, partOf, planAgain, removeModel } from '../../src/models/installed';
import type { Plan } from '../../src/models/installed';
import { lock } from '../../src/models/lock';
import { HubServer, repository } from './hubServer';
import { mountedReadOnly } from './readOnly';

const patience: Patience = { quietMs: 500, firstPauseMs: 5, longestPauseMs: 2_000, tries: 4 };
const never = new AbortController().signal;
const graph = 'onnx/model.onnx';

/** What a process of its own is told to fetch. */
interface Order {
  readonly address: string;
  readonly plan: Plan;
  readonly root: string;
  /** Ends the process when all bytes are there and are being checked, 0, or before that of the calls which then change the disk, from 1. */
  readonly killedAt?: number;
}

if (process.argv[2] === 'download') {
  process.on('message', ({ address, plan, root, killedAt }: Order) => {
    const options = killedAt === undefined ? {} : { onProgress: killer(killedAt) };
    void download(new Hub(address, undefined, patience), plan, root, options, never).then(() => process.exit(0));
  });
} else describe('a download', tests);

function killer(killedAt: number): (progress: DownloadProgress) => void {
  let calls: number | undefined;
  const count = () => {
    if (calls === undefined || calls++ < killedAt) return;
    process.kill(process.pid, 'SIGKILL'); // comes before the next line of anything
  };
  for (const name of ['open', 'writeFile', 'rename', 'rm', 'mkdir'] as const) {
    const call = fileSystem[name] as (...args: readonly unknown[]) => Promise<unknown>;
    Object.assign(fileSystem, {
      [name]: (...args: readonly unknown[]) => {
        count();
        return call(...args);
      },
    });
  }
  return ({ isChecking, fetchedBytes, totalBytes }) => {
    if (calls !== undefined || !isChecking || fetchedBytes < totalBytes) return;
    calls = 0;
    count();
    calls = 1;
  };
}

function tests(): void {
  let server: HubServer;
  let hub: Hub;
  let root: string;
  let plan: Plan;
  let folder: string;
  let weights: Buffer;
  beforeEach(async () => {
    server = new HubServer('test/fixtures/tiny-gpt2');
    hub = new Hub(await server.start(), undefined, patience);
    root = mkdtempSync(path.join(tmpdir(), 'token-lens-hub-'));
    const { formats, ...source } = await hub.repository(repository, never);
    const [format] = formats;
    assert.ok(format);
    plan = { ...source, ...format };
    folder = folderOf(root, plan);
    weights = contentOf(graph);
    server.asked.length = 0;
  });
  afterEach(() => {
    server.stop();
    rmSync(root, { recursive: true });
  });

  const contentOf = (name: string) => server.files.get(name) ?? assert.fail(`${name} is not served`);
  const fetchIt = (options: DownloadOptions = {}, signal = never) => download(hub, plan, root, options, signal);
  const rangesOfWeights = () => server.ranges.filter(([name]) => name === graph).map(([, range]) => range);
  const partLength = () => statSync(path.join(partOf(folder), graph)).size;
  /** Plays a trick on requests for the weights only: the n-th, from 0. */
  const onWeights = (trick: (response: http.ServerResponse, n: number, request: http.IncomingMessage) => boolean) => {
    let n = 0;
    server.trick = (request, response, asked) => asked.endsWith('.onnx') && trick(response, n++, request);
  };
  /** Sends the beginning of an answer, then cuts the connection. */
  const cutAfter = (bytes: number, request: http.IncomingMessage, response: http.ServerResponse, content = weights) => {
    const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const head = { etag: server.etagOf(content), 'content-length': content.length - start };
    if (start > 0) response.writeHead(206, { ...head, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
    else response.writeHead(200, head);
    response.write(content.subarray(start, start + bytes), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
  async function fails(code: HubErrorCode, downloading: Promise<unknown> = fetchIt()): Promise<void> {
    let failure: unknown;
    await downloading.catch((error: unknown) => (failure = error));
    assert.ok(failure instanceof HubError, String(failure));
    assert.equal(failure.code, code, failure.message);
    assert.ok(!existsSync(folder), 'something was put in place that is not whole');
  }
  function isWhole(): void {
    for (const { path: name } of plan.files) assert.ok(readFileSync(path.join(folder, name)).equals(contentOf(name)), name);
    assert.ok(!existsSync(partOf(folder)));
  }

  it('puts every file in place, with its hashes and where it is from', async () => {
    const provenance = await fetchIt();
    isWhole();
    const files = await readModelFolder(folder, undefined);
    assert.equal(files.contentHash, provenance.contentHash);
    assert.equal(files.name, 'tiny-gpt2');
    const names = [...plan.files.map(file => file.path), 'SHA256SUMS', 'onnx', 'token-lens.json'];
    assert.deepEqual(
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map(name => name.replaceAll('\\', '/'))
        .sort(),
      names.sort(),
    );
    assert.equal(provenance.files.find(file => file.path === graph)?.sha256, createHash('sha256').update(weights).digest('hex'));
    assert.deepEqual(await modelsOnDisk(root), { installed: [{ folder, provenance }], halves: [] });
    assert.equal(provenance.licence, 'apache-2.0');
  });

  it('finds later damage: what is loaded is held against the hashes', async () => {
    await fetchIt();
    const spoilt = Buffer.from(weights);
    spoilt[1000] = (spoilt[1000] ?? 0) ^ 1;
    writeFileSync(path.join(folder, graph), spoilt);
    await assert.rejects(readModelFolder(folder, undefined), /damaged/);
  });

  it('asks for nothing again that is in place', async () => {
    const first = await fetchIt();
    server.asked.length = 0;
    assert.deepEqual(await fetchIt(), first);
    assert.deepEqual(server.asked, []);
  });

  it('goes on after each cut where it was, however often', async () => {
    onWeights((response, n, request) => n < 6 && cutAfter(30_000, request, response));
    await fetchIt();
    isWhole();
    const ranges = server.ranges.filter(([name]) => name === graph).map(([, range]) => Number(/\d+/.exec(range ?? '0')?.[0]));
    assert.deepEqual(ranges, [0, 30_000, 60_000, 90_000, 120_000, 150_000, 180_000]);
  });

  it('gives up where nothing comes any more, and goes on from there another time', async () => {
    onWeights((response, n, request) => (n === 0 ? cutAfter(50_000, request, response) : !!request.socket.destroy()));
    await fails('offline');
    assert.equal(partLength(), 50_000);
    const { halves } = await modelsOnDisk(root);
    const others = plan.files.reduce((sum, { path: name, bytes }) => sum + (name === graph ? 0 : bytes), 0);
    assert.deepEqual(
      halves.map(({ plan: { repository: name }, fetchedBytes }) => [name, fetchedBytes]),
      [[repository, others + 50_000]],
    );
    server.trick = undefined;
    server.asked.length = 0;
    await fetchIt();
    isWhole();
    assert.deepEqual(server.ranges, [[graph, 'bytes=50000-']]);
  });

  it('takes the end of an answer that named no length for no end of the file', async () => {
    onWeights((response, n) => {
      if (n > 0) return false;
      response.writeHead(200, { etag: server.etagOf(weights) }).end(weights.subarray(0, 40_000));
      return true;
    });
    await fetchIt();
    isWhole();
    assert.deepEqual(rangesOfWeights(), [undefined, 'bytes=40000-']);
  });

  it('leaves a connection on which nothing comes for another one', async () => {
    onWeights((response, n) => {
      if (n > 0) return false;
      response.writeHead(200, { etag: server.etagOf(weights), 'content-length': weights.length }).write(weights.subarray(0, 40_000));
      return true; // and then silence
    });
    await fetchIt();
    isWhole();
    assert.deepEqual(server.ranges.at(-1), [graph, 'bytes=40000-']);
  });

  it('has patience with a slow one', async () => {
    onWeights(response => {
      response.writeHead(200, { 'content-length': weights.length });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(weights.subarray(sent, (sent += 20_000)));
        if (sent >= weights.length) {
          clearInterval(timer);
          response.end();
        }
      }, 60);
      return true;
    });
    const told: DownloadProgress[] = [];
    await fetchIt({ onProgress: progress => told.push(progress) });
    isWhole();
    assert.equal(rangesOfWeights().length, 1);
    const total = plan.files.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.deepEqual([told[0]?.fetchedBytes, told.at(-1)?.fetchedBytes, told.at(-1)?.totalBytes], [0, total, total]);
    assert.ok(told.some(({ bytesPerSecond }) => bytesPerSecond !== undefined && bytesPerSecond > 0));
    for (const [index, { fetchedBytes }] of told.entries()) assert.ok(fetchedBytes >= (told[index - 1]?.fetchedBytes ?? 0));
  });

  describe('where the file changes between two tries', () => {
    const old = Buffer.alloc(200_000, 'an older file');
    const asLong = () => Buffer.alloc(weights.length, 'an older file that is as long');

    it('begins anew where the hub says that it is another one', async () => {
      onWeights((response, n, request) => n === 0 && cutAfter(50_000, request, response, asLong()));
      await fetchIt();
      isWhole();
      assert.deepEqual(server.ranges.at(-1), [graph, 'bytes=50000-']);
      assert.equal(server.asked.at(-1)?.headers['if-range'], server.etagOf(asLong()));
    });

    it('begins anew where the lengths tell', async () => {
      onWeights((response, n, request) => n < 2 && cutAfter(50_000, request, response, n === 0 ? weights : old));
      await fetchIt();
      isWhole();
      assert.deepEqual(rangesOfWeights(), [undefined, 'bytes=50000-', undefined]);
    });

    it('begins anew where only the hash tells', async () => {
      onWeights((response, n, request) => {
        delete request.headers['if-range'];
        return n === 0 && cutAfter(50_000, request, response, asLong());
      });
      await fetchIt();
      isWhole();
      assert.deepEqual(rangesOfWeights(), [undefined, 'bytes=50000-', undefined]);
    });

    it('begins anew where what is there is longer than the file', async () => {
      onWeights((_, __, request) => !!request.socket.destroy());
      await fails('offline');
      writeFileSync(path.join(partOf(folder), graph), Buffer.alloc(weights.length + 5));
      server.trick = undefined;
      await fetchIt();
      isWhole();
    });

    it('begins anew where the hub knows no such part', async () => {
      onWeights((response, n, request) => (n === 0 ? cutAfter(50_000, request, response) : n === 1 && !!response.writeHead(416).end()));
      await fetchIt();
      isWhole();
    });

    it('leaves what it had of another revision', async () => {
      onWeights((response, n, request) => (n === 0 ? cutAfter(50_000, request, response) : !!request.socket.destroy()));
      await fails('offline');
      hub = new Hub(server.address, undefined, { ...patience, quietMs: 30_000 }); // a busy machine asks for nothing twice
      server.trick = undefined;
      server.asked.length = 0;
      plan = {
        ...plan,
        files: plan.files.map(file =>
          file.path === 'config.json' ? { ...file, hash: { kind: 'sha256', hex: sha256Of('config.json') } } : file,
        ),
      };
      await fetchIt();
      isWhole();
      assert.deepEqual(
        server.ranges.map(([, range]) => range),
        plan.files.map(() => undefined),
      );
    });
  });

  const sha256Of = (name: string) => createHash('sha256').update(contentOf(name)).digest('hex');

  describe('refuses', () => {
    it('a length that is not that of the list', async () => {
      onWeights(response => !!response.writeHead(200, { 'content-length': weights.length - 1 }).end(weights.subarray(1)));
      await fails('damaged');
    });

    it('more bytes than the list says', async () => {
      onWeights(response => !!response.writeHead(200).end(Buffer.concat([weights, Buffer.from('more')])));
      await fails('damaged');
      assert.ok(partLength() <= weights.length);
    });

    it('a list that lies about the length', async () => {
      plan = { ...plan, files: plan.files.map(file => (file.path === graph ? { ...file, bytes: file.bytes + 1 } : file)) };
      await fails('damaged');
    });

    it('bytes that are not those of the list, in large files and in small ones', async () => {
      for (const name of ['tokenizer.json', graph]) {
        const spoilt = Buffer.from(contentOf(name));
        spoilt[100] = (spoilt[100] ?? 0) ^ 1;
        server.trick = (request, response, asked) => {
          if (!asked.endsWith(name)) return false;
          server.send(request, response, spoilt);
          return true;
        };
        await fails('damaged');
        assert.ok(!existsSync(path.join(partOf(folder), name)), 'what is spoilt is not gone on with');
      }
    });

    it("a proxy's page", async () => {
      onWeights(response => !!response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'));
      await fails('not-the-hub');
      // One that says it is something else, and as long.
      onWeights(response => !!response.writeHead(200).end(Buffer.alloc(weights.length, '<html>')));
      await fails('damaged');
    });

    it('files that make no model folder', async () => {
      const config = Buffer.from('not JSON');
      server.files.set('config.json', config);
      const hex = createHash('sha256').update(config).digest('hex');
      plan = {
        ...plan,
        files: plan.files.map(file =>
          file.path === 'config.json' ? { ...file, bytes: config.length, hash: { kind: 'sha256', hex } } : file,
        ),
      };
      await fails('unusable');
      assert.ok(!existsSync(partOf(folder)), 'what can never be a model was kept');
    });

    it('a model whose weights are in files that are not named after it, before it fetches any', async () => {
      server.stop();
      server = new HubServer('test/fixtures/families/phi');
      const content = contentOf(graph);
      const at = content.indexOf('model.onnx_data');
      assert.ok(at > 0);
      server.files.set(graph, Buffer.from(content.toString('latin1').replaceAll('model.onnx_data', 'model.onnx.data'), 'latin1'));
      hub = new Hub(await server.start(), undefined, patience);
      const { formats, ...source } = await hub.repository(repository, never);
      const format = formats.find(({ dtype }) => dtype === 'fp32');
      assert.ok(format?.files.some(file => file.path === 'onnx/model.onnx_data'));
      plan = { ...source, ...(format ?? assert.fail('no fp32')) };
      folder = folderOf(root, plan);
      await fails('unusable');
      assert.ok(!server.ranges.some(([name]) => name === 'onnx/model.onnx_data'));
      assert.deepEqual((await modelsOnDisk(root)).halves, []);
    });
  });

  for (const [status, code] of [
    [401, 'needs-token'],
    [404, 'not-found'],
  ] as const) {
    it(`ends at status ${status} without trying again`, async () => {
      onWeights(response => !!response.writeHead(status).end());
      await fails(code);
      assert.equal(rangesOfWeights().length, 1);
    });
  }

  it('tries again after 429 and 503, and gives up when they do not end', async () => {
    onWeights((response, n) => n < 2 && !!response.writeHead(n === 0 ? 429 : 503, { 'retry-after': '0' }).end());
    await fetchIt();
    isWhole();
    rmSync(folder, { recursive: true });
    onWeights(response => !!response.writeHead(503).end());
    server.asked.length = 0;
    await fails('busy');
    assert.equal(rangesOfWeights().length, patience.tries);
  });

  it('tells that it checks what came, and reads a tokenizer of any size in no one piece', async () => {
    const told: DownloadProgress[] = [];
    server.files.set('tokenizer.json', Buffer.from('not JSON: the model process says so when it loads it'));
    const { formats, ...source } = await hub.repository(repository, never);
    assert.ok(formats[0]);
    plan = { ...source, ...formats[0] };
    await fetchIt({ onProgress: progress => told.push(progress) });
    isWhole();
    assert.ok(told.some(({ isChecking, fetchedBytes, totalBytes }) => isChecking && fetchedBytes === totalBytes));
    assert.equal(told.at(-1)?.isChecking, false);
  });

  it('can be cancelled while it checks', async () => {
    const stop = new AbortController();
    const total = plan.files.reduce((sum, { bytes }) => sum + bytes, 0);
    const onProgress = ({ isChecking, fetchedBytes }: DownloadProgress) => {
      if (isChecking && fetchedBytes === total) stop.abort(new Error('enough'));
    };
    await assert.rejects(fetchIt({ onProgress }, stop.signal), /enough/);
    assert.ok(!existsSync(folder));
    server.asked.length = 0;
    await fetchIt();
    isWhole();
    assert.deepEqual(server.ranges, []);
  });

  it('goes on at another host, whatever that says of the model, and notes whom it asked', async () => {
    onWeights((response, n, request) => (n === 0 ? cutAfter(50_000, request, response) : !!request.socket.destroy()));
    await fails('offline');
    server.stop();
    server = new HubServer('test/fixtures/tiny-gpt2');
    hub = new Hub(await server.start(), undefined, patience);
    const before = plan;
    plan = { ...before, licence: 'mit', languages: [] };
    await fetchIt();
    isWhole();
    assert.deepEqual(server.ranges, [[graph, 'bytes=50000-']]);
    const [model] = (await modelsOnDisk(root)).installed;
    assert.deepEqual([model?.provenance.host, model?.provenance.licence], [hub.host, 'mit']);
    assert.notEqual(hub.host, before.host);
    assert.ok(hasSameFiles(before, plan));
    for (const other of [{ commit: '1'.repeat(40) }, { dtype: 'q4' }, { files: before.files.slice(1) }])
      assert.ok(!hasSameFiles(before, { ...before, ...other }));
  });

  it('stops when it is cancelled, and goes on from there', async () => {
    const stop = new AbortController();
    onWeights((response, n) => {
      if (n > 0) return false;
      response.writeHead(200, { etag: server.etagOf(weights), 'content-length': weights.length });
      response.write(weights.subarray(0, 60_000), () => setTimeout(() => stop.abort(new Error('enough')), 100));
      return true;
    });
    await assert.rejects(fetchIt({}, stop.signal), /enough/);
    assert.ok(!existsSync(folder));
    assert.equal(partLength(), 60_000);
    await fetchIt();
    isWhole();
    assert.deepEqual(server.ranges.at(-1), [graph, 'bytes=60000-']);
  });

  it('begins no file for which there is no room', async () => {
    const freeBytes = 200e6 + 1000;
    const failed = fetchIt({ freeBytes: () => Promise.resolve(freeBytes) });
    await fails('no-space', failed);
    const neededBytes = 200e6 + plan.files.reduce((sum, { bytes }) => sum + bytes, 0);
    await assert.rejects(failed, { room: { neededBytes, freeBytes } });
    assert.deepEqual(server.asked, []);
  });

  it('counts the copy that is made of a graph with its weights in it', () => {
    const file = (name: string, bytes: number) => ({ path: name, bytes });
    assert.equal(diskBytesOf([file('config.json', 5), file(graph, 1e9)]), 2e9 + 5);
    assert.equal(diskBytesOf([file('config.json', 5), file(graph, 1e6)]), 1e6 + 5);
    assert.equal(diskBytesOf([file(graph, 10e6), file('onnx/model.onnx_data', 1e9)]), 1.01e9);
  });

  it('begins none for which there is no room once it is loaded', async () => {
    const large = plan.files.map(each => (each.path === graph ? { ...each, bytes: 1e9 } : each));
    plan = { ...plan, files: large };
    await fails('no-space', fetchIt({ freeBytes: () => Promise.resolve(1.9e9) }));
  });

  it('says that the disk is full when it gets full on the way', async function () {
    if (!existsSync('/dev/full')) return this.skip();
    mkdirSync(path.join(partOf(folder), 'onnx'), { recursive: true });
    onWeights((response, _, request) => {
      // Every write to it fails as on a full disk.
      const file = path.join(partOf(folder), graph);
      if (!existsSync(file)) symlinkSync('/dev/full', file);
      server.send(request, response, weights);
      return true;
    });
    await fails('no-space');
  });

  it('says that a folder cannot be written to', async () => {
    writeFileSync(path.join(root, 'file'), '');
    await fails('storage', download(hub, plan, path.join(root, 'file'), {}, never));
  });

  it('says that a disk is mounted read-only; a model on it can be used, and is not half removed', async function () {
    if (process.platform !== 'linux') return this.skip();
    const first = await fetchIt();
    const unmount = mountedReadOnly(root);
    try {
      const other = { ...plan, commit: '1'.repeat(40) };
      await assert.rejects(download(hub, other, unmount ? root : '/proc', {}, never), { code: 'storage' });
      if (!unmount) return; // this user may not mount
      await assert.rejects(removeModel(root, plan, path.join(root, 'none')), { code: 'storage' });
      assert.deepEqual(await modelsOnDisk(root), { installed: [{ folder, provenance: first }], halves: [] });
      assert.equal((await readModelFolder(folder, undefined)).contentHash, first.contentHash);
      isWhole();
    } finally {
      unmount?.();
    }
  });

  it('is done by one window at a time; a lock that was left counts for nothing', async () => {
    const both = await Promise.allSettled([fetchIt(), fetchIt()]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const refused = both.find(result => result.status === 'rejected');
    assert.equal((refused?.reason as HubError).code, 'in-progress');
    isWhole();
    rmSync(folder, { recursive: true });
    mkdirSync(partOf(folder));
    const left = path.join(partOf(folder), 'lock');
    writeFileSync(left, String(process.pid)); // the id of a process that died, which another one has by now
    utimesSync(left, new Date(0), new Date(0));
    await fetchIt();
    isWhole();
  });

  it('is locked by one of many who find the lock of a dead process at once', async () => {
    for (let round = 0; round < 20; round++) {
      const place = mkdtempSync(path.join(root, 'lock-'));
      writeFileSync(path.join(place, 'lock'), '1 left');
      utimesSync(path.join(place, 'lock'), new Date(0), new Date(0));
      const all = await Promise.allSettled(Array.from({ length: 6 }, () => lock(place)));
      const held = all.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
      assert.equal(held.length, 1, `round ${round}`);
      assert.deepEqual(readdirSync(place), ['lock']);
      await held[0]?.();
      assert.deepEqual(readdirSync(place), []);
    }
  });

  it('follows the hub to another host, from the beginning and in the middle, and gives it no token', async () => {
    const store = new HubServer('test/fixtures/tiny-gpt2');
    await store.start();
    try {
      hub = new Hub(server.address, 'hf_of_a_test', patience);
      server.trick = (_, response, asked) =>
        asked.includes('/resolve/') && !!response.writeHead(302, { location: `${store.address}${asked}` }).end();
      let n = 0;
      store.trick = (request, response, asked) => asked.endsWith('.onnx') && n++ === 0 && cutAfter(50_000, request, response);
      await fetchIt();
      isWhole();
      assert.deepEqual(
        store.ranges.filter(([name]) => name === graph).map(([, range]) => range),
        [undefined, 'bytes=50000-'],
      );
      assert.equal(store.asked.at(-1)?.headers['if-range'], store.etagOf(weights));
      assert.ok(store.asked.every(({ headers }) => headers.authorization === undefined));
      assert.ok(server.asked.every(({ headers }) => headers.authorization === 'Bearer hf_of_a_test'));
    } finally {
      store.stop();
    }
  });

  it('is gone on with after its process was killed in the middle', async () => {
    let cut: (() => void) | undefined;
    const isHalf = new Promise<void>(resolve => (cut = resolve));
    onWeights((response, n) => {
      if (n > 0) return false;
      response.writeHead(200, { etag: server.etagOf(weights), 'content-length': weights.length });
      response.write(weights.subarray(0, 70_000), () => cut?.());
      return true;
    });
    const child = fork(__filename, ['download'], { execArgv: [] });
    child.send({ address: server.address, plan, root } satisfies Order);
    await isHalf;
    while (!existsSync(path.join(partOf(folder), graph)) || partLength() < 70_000) await new Promise(resolve => setTimeout(resolve, 10));
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    const { installed, halves } = await modelsOnDisk(root);
    assert.deepEqual([installed.length, halves.length], [0, 1]);
    const [half] = halves;
    assert.ok(half);
    server.asked.length = 0;
    plan = half.plan;
    await fetchIt();
    isWhole();
    assert.deepEqual(server.ranges, [[graph, 'bytes=70000-']]);
    assert.equal(server.asked[0]?.headers['if-range'], server.etagOf(weights));
  });

  it('is a model or a download to go on with, whenever its process is killed after the last byte, and is not fetched again', async () => {
    // Calls are counted up to one that is never made.
    const places = Array.from({ length: 11 }, () => mkdtempSync(path.join(root, 'killed-')));
    const ends = await Promise.all(
      places.map((place, killedAt) => {
        const child = fork(__filename, ['download'], { execArgv: [] });
        child.send({ address: server.address, plan, root: place, killedAt } satisfies Order);
        return new Promise<number | string | null>(resolve => child.once('exit', (code, signal) => resolve(code ?? signal)));
      }),
    );
    const killed = ends.filter(end => end === 'SIGKILL').length;
    assert.ok(killed >= 6 && killed < places.length, ends.join());
    assert.deepEqual(ends, [...Array<string>(killed).fill('SIGKILL'), ...Array<number>(places.length - killed).fill(0)]);
    server.asked.length = 0;
    const kinds: string[] = [];
    for (const place of places) {
      folder = folderOf(place, plan);
      const { installed, halves } = await modelsOnDisk(place);
      kinds.push(installed.length > 0 ? 'model' : 'half');
      assert.equal(installed.length + halves.length, 1);
      for (const half of halves) assert.deepEqual([half.fetchedBytes, half.isRunning], [bytesOf(plan.files), false]);
      for (const { provenance } of installed) assert.equal((await readModelFolder(folder, undefined)).contentHash, provenance.contentHash);
      const { contentHash } = await download(hub, halves[0]?.plan ?? plan, place, {}, never);
      assert.equal((await readModelFolder(folder, undefined)).contentHash, contentHash);
      isWhole();
      await removeModel(place, plan, path.join(place, 'none'));
      assert.deepEqual(readdirSync(place), []);
    }
    assert.deepEqual(server.asked, []);
    assert.equal(kinds.join(), [...kinds].sort().join(), 'once it is a model, it stays one');
    assert.deepEqual([kinds[0], kinds[killed - 1]], ['half', 'model']);
  });

  it('mends a model that was damaged later: its very files are fetched again', async () => {
    hub = new Hub(server.address, undefined, { ...patience, quietMs: 30_000 }); // a busy machine asks for nothing twice
    const first = await fetchIt();
    writeFileSync(path.join(folder, graph), weights.subarray(0, 1000));
    await assert.rejects(readModelFolder(folder, undefined), { code: 'incomplete' });
    await removeModel(root, first, path.join(root, 'none'));
    server.asked.length = 0;
    plan = planAgain(first);
    const { contentHash } = await fetchIt();
    isWhole();
    assert.equal(contentHash, first.contentHash);
    assert.equal(server.ranges.length, plan.files.length);
    // A hub that has something else under the same names now is not believed.
    await removeModel(root, first, path.join(root, 'none'));
    server.files.set('config.json', Buffer.from(contentOf('config.json').toString().replace(/\d/, '7')));
    await fails('damaged');
  });

  it('is known to be under way, and is not removed from under it', async () => {
    const stop = new AbortController();
    let held: (() => void) | undefined;
    const isHalf = new Promise<void>(resolve => (held = resolve));
    onWeights((response, n) => {
      if (n > 0) return false;
      response.writeHead(200, { etag: server.etagOf(weights), 'content-length': weights.length });
      response.write(weights.subarray(0, 60_000), () => held?.());
      return true;
    });
    const running = fetchIt({}, stop.signal);
    await isHalf;
    assert.deepEqual(
      (await modelsOnDisk(root)).halves.map(({ isRunning }) => isRunning),
      [true],
    );
    await assert.rejects(removeModel(root, plan, path.join(root, 'none')), { code: 'in-progress' });
    assert.ok(existsSync(path.join(partOf(folder), 'download.json')));
    stop.abort(new Error('enough'));
    await assert.rejects(running, /enough/);
    assert.deepEqual(
      (await modelsOnDisk(root)).halves.map(({ isRunning }) => isRunning),
      [false],
    );
    await removeModel(root, plan, path.join(root, 'none'));
    assert.deepEqual(readdirSync(root), []);
  });

  it('says that what cannot be removed cannot', async () => {
    mkdirSync(path.dirname(folder), { recursive: true });
    writeFileSync(partOf(folder), 'not a folder');
    await assert.rejects(removeModel(root, plan, path.join(root, 'none')), { code: 'storage' });
  });

  it('can be removed, whole or half, with nothing left, and nothing else', async () => {
    const cacheFolder = path.join(root, 'cache'); // there is none
    await fetchIt();
    await removeModel(root, plan, cacheFolder);
    assert.deepEqual(readdirSync(root), []);
    onWeights((_, __, request) => !!request.socket.destroy());
    await fails('offline');
    await removeModel(root, plan, cacheFolder);
    assert.deepEqual(readdirSync(root), []);
    // Everything that a broken guard could reach from here is below the folder of this test.
    for (const wrong of [{ repository: '../x' }, { repository: 'x' }, { commit: '..' }, { dtype: '' }, { dtype: 'no/such' }]) {
      await assert.rejects(removeModel(path.join(root, 'a', 'b', 'c', 'd'), { ...plan, ...wrong }, cacheFolder), RangeError);
    }
  });
}
