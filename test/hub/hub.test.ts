import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Hub, hubAddress, isRepositoryName, repositoryIn } from '../../src/models/hub';
import type { HubRepository, Patience } from '../../src/models/hub';
import { HubError } from '../../src/models/hubError';
import type { HubErrorCode } from '../../src/models/hubError';
import { commit, HubServer, repository } from './hubServer';

const patience: Patience = { quietMs: 500, firstPauseMs: 5, longestPauseMs: 2_000, tries: 4 };
const never = new AbortController().signal;

describe('a hub', () => {
  let server: HubServer;
  let hub: Hub;
  beforeEach(async () => {
    server = new HubServer('test/fixtures/tiny-gpt2');
    hub = new Hub(await server.start(), undefined, patience);
  });
  afterEach(() => {
    server.stop();
  });

  async function fails(code: HubErrorCode, asking: Promise<unknown> = hub.repository(repository, never)): Promise<HubError> {
    let failure: unknown;
    await asking.catch((error: unknown) => (failure = error));
    assert.ok(failure instanceof HubError, String(failure));
    assert.equal(failure.code, code, failure.message);
    return failure;
  }
  const namesOf = ({ formats }: HubRepository) => formats.map(({ dtype, files }) => [dtype, files.map(file => file.path)]);

  it('tells commit, licence, languages, context and the files that each number format needs', async () => {
    server.files.set('onnx/model_q4.onnx', Buffer.from('graph'));
    server.files.set('onnx/model_q4.onnx_data', Buffer.from('weights'));
    server.files.set('onnx/model_q4.onnx_data_1', Buffer.from('more weights'));
    server.files.set('onnx/decoder_model.onnx', Buffer.from('another thing'));
    server.files.set('pytorch_model.bin', Buffer.from('not needed'));
    server.files.set('generation_config.json', Buffer.from('{}'));
    const found = await hub.repository(repository, never);
    const always = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];
    const q4 = ['onnx/model_q4.onnx', 'onnx/model_q4.onnx_data', 'onnx/model_q4.onnx_data_1'];
    assert.deepEqual(namesOf(found), [
      ['fp32', [...always, 'onnx/model.onnx']],
      ['q4', [...always, ...q4]],
    ]);
    const { licence, languages, contextTokens, commit: pinned, host } = found;
    const config = JSON.parse(server.files.get('config.json')?.toString() ?? '') as { readonly n_positions: number };
    assert.deepEqual(
      { licence, languages, contextTokens, pinned, host },
      {
        licence: 'apache-2.0',
        languages: ['en', 'de'],
        contextTokens: config.n_positions,
        pinned: commit,
        host: new URL(server.address).host,
      },
    );
    for (const { path } of server.asked) assert.ok(!path.endsWith('.onnx'), 'weights were asked for before anybody said so');
  });

  it('says that a repository without a model for transformers.js is none', async () => {
    server.files.delete('onnx/model.onnx');
    await fails('unusable');
    server.files.set('onnx/model.onnx', Buffer.from('x'));
    server.files.delete('tokenizer.json');
    await fails('unusable');
  });

  it('believes no entry of a list that cannot be true', async () => {
    server.files.set('onnx/model_q4.onnx', Buffer.from('graph'));
    for (const lie of [{ size: -1, lfs: null }, { lfs: { oid: '../..', size: 5 } }, { type: 'directory' }, { path: '../model_q4.onnx' }]) {
      server.listed.set('onnx/model_q4.onnx', lie);
      assert.deepEqual(
        (await hub.repository(repository, never)).formats.map(({ dtype }) => dtype),
        ['fp32'],
        JSON.stringify(lie),
      );
    }
    server.about['sha'] = '../../etc';
    await fails('not-the-hub');
  });

  for (const [status, code] of [
    [401, 'needs-token'],
    [403, 'needs-token'],
    [404, 'not-found'],
    [418, 'not-the-hub'],
    [429, 'busy'],
    [503, 'busy'],
    [511, 'not-the-hub'], // a network that wants a log-in
  ] as const) {
    it(`understands status ${status}`, async () => {
      server.trick = (_, response) => !!response.writeHead(status).end('no');
      await fails(code);
    });
  }

  it('waits as long as it is asked to, and not longer than is bearable', async () => {
    let answers = 0;
    const busyOnce = (after: string) => {
      server.trick = (_, response) => answers++ === 0 && !!response.writeHead(429, { 'retry-after': after }).end();
      answers = 0;
      return hub.repository(repository, never);
    };
    assert.equal((await busyOnce('1')).commit, commit);
    assert.equal((await busyOnce(new Date(Date.now() + 500).toUTCString())).commit, commit);
    assert.equal((await fails('busy', busyOnce('86400'))).retryAfterMs, 86_400_000);
    assert.equal(answers, 1);
  });

  it("knows a proxy's page by its type and by its content", async () => {
    for (const type of ['text/html; charset=utf-8', 'application/json']) {
      server.trick = (_, response) =>
        !!response.writeHead(200, { 'content-type': type }).end('<!doctype html><title>Please log in</title>');
      await fails('not-the-hub');
    }
  });

  it('reads no answer without end', async () => {
    server.trick = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20, 32)));
      };
      response.on('drain', more);
      more();
      return true;
    };
    await fails('not-the-hub');
  });

  it('does not wait for what never comes: no connection, no answer, half an answer', async () => {
    server.trick = () => true;
    await fails('timed-out');
    server.trick = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"sha":');
    await fails('timed-out');
    server.stop();
    const failure = await fails('offline');
    assert.match(failure.message, /ECONNREFUSED/);
  });

  it('ends at once when it is cancelled', async () => {
    const stop = new AbortController();
    server.trick = () => {
      stop.abort(new Error('enough'));
      return true;
    };
    await assert.rejects(hub.repository(repository, stop.signal), /enough/);
  });

  describe('with a token', () => {
    let other: http.Server;
    let seen: http.IncomingHttpHeaders[];
    beforeEach(async () => {
      hub = new Hub(server.address, 'hf_secret', patience);
      seen = [];
      other = http.createServer((request, response) => {
        seen.push(request.headers);
        response.end('{"weights":1}');
      });
      await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    });
    afterEach(() => {
      other.closeAllConnections();
      other.close();
    });

    it('sends it to its own host, and to no other one it is led to', async () => {
      const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/file?signature=x`;
      server.trick = (_, response, asked) => asked.includes('/resolve/') && !!response.writeHead(302, { location: elsewhere }).end();
      const answer = await hub.open(repository, commit, 'onnx/model.onnx', {}, never);
      await answer.drop();
      assert.deepEqual(
        seen.map(({ authorization }) => authorization),
        [undefined],
      );
      assert.deepEqual(
        server.asked.map(({ headers }) => headers.authorization),
        ['Bearer hf_secret'],
      );
    });

    it('keeps it on the way from one address of its host to another', async () => {
      server.trick = (_, response, asked) =>
        asked.startsWith('/old/') && !!response.writeHead(307, { location: `/${repository}/resolve/${commit}/config.json` }).end();
      const answer = await hub.open('old/name', commit, 'config.json', {}, never);
      await answer.drop();
      assert.deepEqual(
        server.asked.map(({ headers }) => headers.authorization),
        ['Bearer hf_secret', 'Bearer hf_secret'],
      );
    });

    it('names it in no failure', async () => {
      server.stop();
      const { message, cause } = await fails('offline');
      assert.ok(!`${message} ${String(cause)}`.includes('hf_secret'));
    });

    it('follows no endless way, and none to another protocol', async () => {
      server.trick = (request, response) => !!response.writeHead(302, { location: request.url }).end();
      await fails('not-the-hub');
      server.trick = (_, response) => !!response.writeHead(302, { location: 'ftp://example.org/' }).end();
      await fails('not-the-hub');
    });
  });
});

describe('the address of a hub', () => {
  it('is HTTPS, or on this machine, and has no secret in it', () => {
    const found = [
      'https://huggingface.co/',
      ' mirror.example ',
      'https://company.example/api/hub/',
      'http://localhost:8080',
      'http://127.0.0.1:1',
    ].map(hubAddress);
    const right = [
      'https://huggingface.co',
      'https://mirror.example',
      'https://company.example/api/hub',
      'http://localhost:8080',
      'http://127.0.0.1:1',
    ];
    assert.deepEqual(found, right);
    for (const bad of [
      '',
      'http://mirror.example',
      'ftp://mirror.example',
      'https://user:pass@mirror.example',
      'https://m.example/?a=b',
      'file:///etc',
      '::',
    ])
      assert.equal(hubAddress(bad), undefined, bad);
  });
});

describe('the name of a repository', () => {
  it('is found in the address of its page, at the hub that is asked', () => {
    const address = 'https://huggingface.co';
    for (const text of ['a/b', ' a/b ', `${address}/a/b`, `${address}/a/b/tree/main`, `${address}/a/b?x=1#y`])
      assert.equal(repositoryIn(text, address), 'a/b', text);
    for (const text of ['gpt2', `${address}/gpt2`, `${address}/a/..`, 'https://other.example/a/b', `${address}.evil.example/a/b`, ''])
      assert.equal(repositoryIn(text, address), undefined, text);
    assert.equal(repositoryIn(`${address}/a/b`, undefined), undefined);
  });

  it('has an owner and a name, and leads out of no folder', () => {
    for (const good of ['onnx-community/Qwen2.5-0.5B', 'a/b', 'Some_One/x.y_z-1']) assert.ok(isRepositoryName(good), good);
    for (const bad of [
      'gpt2',
      'a/b/c',
      '../b',
      'a/..',
      'a/.b',
      'a/b.',
      'a\\b/c',
      'a/b c',
      'a/b%2e',
      '',
      '/',
      'a/',
      `a/${'b'.repeat(97)}`,
      'https://a/b',
    ])
      assert.ok(!isRepositoryName(bad), bad);
  });
});
