import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { childProcesses } from '../../src/model/childProcess';
import { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import { askEachQuestion } from './questions';
import { bundledFolder, loadParams, never, Reader, tinyFolder, tinySettings } from './process';

/** No file of ours holds these words. */
const marker = 'Qzvharn moxbittle vexwarpole jundiful.';
const text = `The boats came in. ${marker} `.repeat(12);

/**
 * Runs in the model process before anything of ours: whatever would use the network, or start another program, is written down and fails. `open`:
 * something has opened a socket before, which watchers have to see. `fail`: the runtime fails and quotes what it was given, as runtimes do.
 */
const preload = `
const { appendFileSync, existsSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const folder = __dirname;
const watch = (name, holder, method) => {
  if (typeof holder?.[method] !== 'function') return;
  holder[method] = () => {
    appendFileSync(path.join(folder, 'used.txt'), name + '.' + method + '\\n');
    throw new Error(name + '.' + method + ' was called');
  };
};
const net = require('node:net');
if (existsSync(path.join(folder, 'open'))) net.createServer().listen(0, '127.0.0.1');
const each = (name, methods) => { const holder = require('node:' + name); for (const method of methods) watch(name, holder, method); };
each('net', ['connect', 'createConnection', 'createServer']);
watch('net.Socket', net.Socket.prototype, 'connect');
watch('net.Server', net.Server.prototype, 'listen');
each('tls', ['connect', 'createServer']);
for (const name of ['http', 'https']) each(name, ['request', 'get', 'createServer']);
each('http2', ['connect', 'createServer', 'createSecureServer']);
each('dgram', ['createSocket']);
const dns = require('node:dns');
for (const [name, holder] of [['dns', dns], ['dns.promises', dns.promises]])
  for (const method of Object.keys(holder)) if (/^(lookup|resolve|reverse)/.test(method)) watch(name, holder, method);
each('child_process', ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync']);
for (const name of ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest']) watch('globalThis', globalThis, name);
if (existsSync(path.join(folder, 'call'))) try { fetch('http://127.0.0.1:9/'); } catch {}
const { InferenceSession } = createRequire(process.argv[1])('onnxruntime-common');
const run = InferenceSession.prototype.run;
InferenceSession.prototype.run = function (feeds, ...others) {
  if (!existsSync(path.join(folder, 'fail'))) return run.call(this, feeds, ...others);
  const ids = Array.from(feeds.input_ids.data, String).join(',');
  throw new Error("Non-zero status code returned while running Gather node. Name:'/embed/Gather' Status Message: idx of " + ids);
};
`;

const networkTables = ['tcp', 'tcp6', 'udp', 'udp6', 'udplite', 'udplite6', 'raw', 'raw6', 'icmp', 'icmp6', 'packet'];

interface Seen {
  readonly sockets: Set<string>;
  /** Of those, with an address in a network. */
  readonly network: Set<string>;
  /** Opened for writing. */
  readonly written: Set<string>;
  /** What stands for its standard input, output and error. */
  readonly standard: Set<string>;
  looks: number;
}

describe('the model process', function () {
  this.timeout(240_000);
  let home: string;
  let client: ModelClient;
  const said: string[] = [];
  const kept: Record<string, string | undefined> = {};
  const cache = () => path.join(home, 'cache');
  const load = (folder: string) => client.call('load', { ...loadParams(folder), cacheFolder: cache() }, never);
  const flag = (name: string) => {
    writeFileSync(path.join(home, 'watch', name), '');
  };

  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'token-lens-privacy-'));
    for (const name of ['watch', 'cache', 'temporary', 'home']) mkdirSync(path.join(home, name));
    writeFileSync(path.join(home, 'watch/preload.cjs'), preload);
    const environment = {
      NODE_OPTIONS: `--require ${path.join(home, 'watch/preload.cjs')}`,
      HOME: path.join(home, 'home'),
      TMPDIR: path.join(home, 'temporary'),
      XDG_CACHE_HOME: path.join(home, 'home/cache'),
    };
    for (const [name, value] of Object.entries(environment)) {
      kept[name] = process.env[name];
      process.env[name] = value;
    }
    said.length = 0;
    client = new ModelClient({
      connect: childProcesses(path.resolve('dist/worker.js'), { lowPriority: true }),
      log: (level, message) => said.push(`${level} ${message}`),
      idleMs: 0,
    });
  });
  afterEach(() => {
    client.dispose();
    for (const [name, value] of Object.entries(kept)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 }); // made above
  });

  /** Everything that it can be asked for, and much that is refused; rejections are kept with what they say. */
  async function askEverything(folder: string, chats: boolean): Promise<readonly number[]> {
    const { key } = await load(folder);
    const subject = { load: { ...loadParams(folder), cacheFolder: cache() }, text, words: marker, settings: tinySettings, chats };
    const unanswered: string[] = [];
    const answered = await askEachQuestion(client, subject, (method, error) => unanswered.push(`${method}: ${String(error)}`));
    assert.deepEqual(unanswered, []);
    assert.ok(answered.length >= 20);
    const reader = new Reader(client, key, 'private.md');
    const failed = (error: unknown) => {
      assert.ok(error instanceof ModelError);
      said.push(`${error.code} ${error.message} ${error.stack ?? ''} ${JSON.stringify(error.cause)}`);
    };
    const asked = (work: () => Promise<unknown>) => work().catch(failed);
    const end = text.length;
    const inside = text.indexOf('moxbittle') + 4;
    const futures = { first: 0, count: 3, mostTokens: 4, sampling: { temperature: 1 }, seed: 1, forced: ' moxbittle' };
    const draft = { after: [], mostTokens: 6, leastProbability: 0, atLineEnd: true };
    await asked(() => reader.open(text));
    await asked(() => reader.score({ ...tinySettings, watchWords: ['moxbittle'] }));
    await asked(() => reader.edit(end, end, ` ${marker}`));
    await asked(() => reader.score(tinySettings));
    await asked(() => reader.next(tinySettings, inside));
    await asked(() => reader.words(tinySettings, inside, 3));
    await asked(() => reader.chain(tinySettings, inside, [' vexwarpole', 'jundiful']));
    await asked(() => reader.futures(tinySettings, inside, futures));
    await asked(() => reader.draft(tinySettings, inside, { ...draft, begins: { kind: 'typed' } }));
    await asked(() => reader.try(tinySettings, { start: 4, end: 9, text: 'jundiful' }, 16));
    // Bad arguments, which are refused with a reason.
    const preamble = { kind: 'chat', text: marker } as const;
    if (!chats) await asked(() => client.call('preamble', { model: key, preamble, useStartToken: true }, never));
    await asked(() => reader.score({ ...tinySettings, preamble: { kind: 'text', text: marker.repeat(2000) } }));
    await asked(() => reader.next(tinySettings, end * 9));
    await asked(() => reader.chain(tinySettings, inside, [`${marker}\ud800`, '']));
    await asked(() => reader.futures(tinySettings, inside, { ...futures, forced: marker.repeat(400) }));
    await asked(() => reader.score({ ...tinySettings, watchWords: Array.from({ length: 99 }, (_, index) => `moxbittle${index}`) }));
    await asked(() => reader.change([{ start: end * 9, end: end * 10, text: marker }]));
    return Array.from(reader.table?.ids ?? []);
  }

  if (process.platform === 'linux') {
    /** Looks at what the process has open, again and again, while something is done. */
    async function watched<T>(work: () => Promise<T>): Promise<readonly [Seen, T]> {
      const seen: Seen = { sockets: new Set(), network: new Set(), written: new Set(), standard: new Set(), looks: 0 };
      const look = () => {
        const { processId } = client;
        if (processId === undefined) return;
        try {
          lookAt(`/proc/${processId}`, seen);
        } catch {
          // It has just ended, or closed a file meanwhile.
        }
      };
      const timer = setInterval(look, 3);
      try {
        return [seen, await work()];
      } finally {
        clearInterval(timer);
        look();
      }
    }

    it('opens no socket but the channel to the editor, calls no network and writes to its cache folder alone, while it loads, scores and answers', async () => {
      const [seen] = await watched(() => askEverything(bundledFolder, true));
      assert.ok(seen.looks > 100, String(seen.looks));
      assert.equal(seen.sockets.size, 1, [...seen.sockets].join());
      assert.deepEqual([...seen.network], []);
      assert.deepEqual([...seen.standard], ['/dev/null']);
      assert.deepEqual(
        [...seen.written].filter(file => !file.startsWith(cache())),
        [],
      );
      assert.equal(existsSync(path.join(home, 'watch/used.txt')), false);
    });

    it('would be seen if it did', async () => {
      flag('open');
      flag('call');
      const [seen] = await watched(() => load(tinyFolder));
      assert.equal(seen.sockets.size, 2);
      assert.equal(seen.network.size, 1);
      assert.equal(readFileSync(path.join(home, 'watch/used.txt'), 'utf8'), 'globalThis.fetch\n');
    });
  }

  it('leaves no text of a document in a message, a log or a file, whatever it is asked, when it fails and when it is killed', async () => {
    const ids = await askEverything(tinyFolder, false);
    const needles = needlesOf(ids);
    assert.ok(found(text, needles) && found(JSON.stringify(ids), needles), 'what is searched for is what is there');

    const { key } = await load(tinyFolder);
    const reader = new Reader(client, key, 'again.md');
    await reader.open(text.repeat(20));
    flag('fail');
    await assert.rejects(reader.score(tinySettings), (error: unknown) => {
      assert.ok(error instanceof ModelError);
      said.push(`${error.code} ${error.message} ${error.stack ?? ''}`);
      return error.code === 'internal' && error.message.includes('/embed/Gather');
    });
    rmSync(path.join(home, 'watch/fail'));
    await assert.rejects(killedWhileScoring(reader), (error: unknown) => {
      said.push(String(error));
      return error instanceof ModelError && error.code === 'exited';
    });

    assert.ok(said.length > 5, 'it says something');
    for (const message of said) assert.equal(found(message, needles), undefined, message);
    const files = readdirSync(home, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter(entry => entry.isFile());
    for (const { parentPath, name } of files)
      assert.equal(found(readFileSync(path.join(parentPath, name)).toString('latin1'), needles), undefined, name);
    assert.deepEqual(readdirSync(path.join(home, 'temporary')), []);
    assert.deepEqual(readdirSync(path.join(home, 'home')), []);
  });

  function killedWhileScoring(reader: Reader): Promise<unknown> {
    const { processId } = client;
    assert.ok(processId !== undefined);
    reader.onChange = () => process.kill(processId, 'SIGKILL');
    return reader.score(tinySettings);
  }
});

function lookAt(folder: string, seen: Seen): void {
  for (const name of readdirSync(`${folder}/fd`)) {
    const target = readlinkSync(`${folder}/fd/${name}`);
    if (Number(name) <= 2) seen.standard.add(target);
    if (target.startsWith('socket:')) seen.sockets.add(target);
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`${folder}/fdinfo/${name}`, 'utf8'))?.[1] ?? '0';
    const isWritable = (Number.parseInt(flags, 8) & 3) !== 0;
    if (isWritable && target.startsWith('/') && !target.startsWith('/dev/')) seen.written.add(target);
  }
  const inodes = new Set([...seen.sockets].map(socket => /\d+/.exec(socket)?.[0]));
  for (const table of networkTables) {
    if (!existsSync(`${folder}/net/${table}`)) continue;
    for (const line of readFileSync(`${folder}/net/${table}`, 'utf8').split('\n'))
      for (const field of line.trim().split(/\s+/)) if (inodes.has(field)) seen.network.add(`${table} ${field}`);
  }
  seen.looks++;
}

/** The marker's words and any four of its ids in a row, in the forms in which they could be written down. As text of one byte a character. */
function needlesOf(ids: readonly number[]): readonly string[] {
  const words = marker.split(/[ .]+/).filter(word => word !== '');
  const asText = words.flatMap(word => [word, word.slice(1), word.toLowerCase(), Buffer.from(word, 'utf16le').toString('latin1')]);
  const runs = ids.slice(0, -3).map((_, index) => ids.slice(index, index + 4));
  const asIds = runs.flatMap(run => [
    ...[',', ', ', ' ', '\n'].map(between => run.join(between)),
    Buffer.from(Int32Array.from(run).buffer).toString('latin1'),
    Buffer.from(BigInt64Array.from(run, BigInt).buffer).toString('latin1'),
  ]);
  return [...new Set([...asText, ...asIds])];
}

function found(where: string, needles: readonly string[]): string | undefined {
  return needles.find(needle => where.includes(needle));
}
