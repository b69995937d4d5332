import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { Config } from '../../src/config';
import { DisposableStore } from '../../src/disposable';
import { HubAccess } from '../../src/hubAccess';
import type { LastingMemory } from '../../src/lastingMemory';
import { LensModel } from '../../src/lensModel';
import { Hub } from '../../src/models/hub';
import { HubError } from '../../src/models/hubError';
import { removeModel } from '../../src/models/installed';
import { ModelPicker } from '../../src/views/selectModel';
import { WindowFocus } from '../../src/windowFocus';
import { commit, HubServer, repository } from '../hub/hubServer';
import type { Certificate } from '../hub/hubServer';
import { ProxyServer } from '../hub/proxyServer';
import { browser } from './browser';
import { activated, comesTrue, eventually, inExtension, untitled, useModel } from './documents';
import { clearNotices, notices } from './notices';
import type { Entry } from './picks';
import { Memento, Storage } from './ownLens';
import { isClosed, list, listed } from './picks';
import { processes } from './processes';

const shownQuestion = '.quick-input-widget:not([style*="display: none"])';

describe('models of a hub', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  let server: HubServer;
  let usual: string;
  let store: DisposableStore;
  let log: vscode.LogOutputChannel;
  /** Of tests that put the picker together anew. */
  let storage: string;

  const settings = () => vscode.workspace.getConfiguration('tokenLens');
  const modelFolder = () => settings().get<string>('modelFolder') ?? '';
  const weightsAsked = () => server.ranges.filter(([name]) => name.includes('.onnx')).map(([, range]) => range);
  const entry = (entries: readonly Entry[], text: string) => entries.find(each => each.text.includes(text));

  before(async () => {
    api = await activated();
    log = vscode.window.createOutputChannel('Token Lens (test)', { log: true });
    storage = mkdtempSync(path.join(tmpdir(), 'token-lens-models-'));
  });
  after(() => {
    log.dispose();
    rmSync(storage, { recursive: true });
  });
  beforeEach(async () => {
    store = new DisposableStore();
    usual = inExtension('test/fixtures/tiny-gpt2');
    await useModel(usual);
    server = new HubServer(usual);
    await settings().update('hubHost', await server.start(), vscode.ConfigurationTarget.Global);
    await vscode.window.showTextDocument(await untitled('The harbour was quiet.'));
  });
  afterEach(async () => {
    server.stop();
    store.dispose();
    await clearNotices();
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await settings().update('hubHost', undefined, vscode.ConfigurationTarget.Global);
    await useModel(undefined);
  });

  /** Types the name of the repository into the list. */
  async function chooseRepository(): Promise<void> {
    await list('selectModel');
    await browser.type(repository);
    await eventually('what was typed is offered first', async () => (await listed())[0]?.label.includes(repository) === true);
    await browser.press('Enter');
  }
  async function chooseFormat(): Promise<void> {
    await eventually('formats are offered', async () => entry(await listed(), 'fp32')?.focused === true);
    await browser.screenshot('model-formats');
    // A list that is just opening may not take a key yet.
    for (let tries = 0; tries < 5 && entry(await listed(), 'fp32') !== undefined; tries++) {
      await browser.press('Enter');
      await comesTrue(async () => entry(await listed(), 'fp32') === undefined, 1_000);
    }
  }
  /** What stood where the choice was made. */
  async function consent(answer: 'Download' | 'Do not download'): Promise<string> {
    await eventually('consent is asked for', async () => entry(await listed(), 'Do not download') !== undefined);
    const text = `${await browser.evaluate<string>(`document.querySelector('.quick-input-title').innerText`)} ${entry(await listed(), 'Download')?.text ?? ''}`;
    await browser.screenshot('model-consent');
    if (answer !== 'Download') await browser.press('ArrowUp'); // from the first to the last
    await eventually(`${answer} is marked`, async () => entry(await listed(), answer)?.focused === true);
    await browser.press('Enter');
    await isClosed();
    return text;
  }
  async function noticed(text: string): Promise<void> {
    await eventually(`a notice says ${text}`, async () => (await notices()).includes(text), 40_000);
  }
  const pressNotice = (button: string) =>
    browser.click(`.notifications-center .notification-list-item-buttons-container .monaco-button:has-text("${button}")`);

  const isTokenAsked = () =>
    eventually('the token is asked for', () =>
      browser.evaluate<boolean>(`document.querySelector('${shownQuestion} input[type=password]') !== null`),
    );
  async function typeToken(token: string): Promise<void> {
    await isTokenAsked();
    await browser.type(token);
    await browser.press('Enter');
    await eventually('the question is closed', () => browser.evaluate<boolean>(`document.querySelector('${shownQuestion}') === null`));
  }

  /** The model in use, so that the next test can download it. */
  async function removeDownloaded(): Promise<void> {
    const models = path.resolve(modelFolder(), '../../../..');
    await useModel(usual);
    await removeModel(models, { repository, commit, dtype: 'fp32' }, path.join(storage, 'none'));
  }

  /** In the list that is open, of the one that is on this machine. */
  async function removeInList(text = 'revision'): Promise<void> {
    await browser.type(text);
    await eventually('it stands alone', async () => (await listed()).length === 1);
    await browser.click('.quick-input-list .codicon-trash');
    await eventually('it is asked whether to', async () => entry(await listed(), 'of the disk become free')?.focused === true);
    await browser.press('Enter');
    await eventually('the list is there again', async () => entry(await listed(), 'Choose a folder') !== undefined);
    assert.equal(entry(await listed(), text === 'revision' ? 'revision 0123456' : text), undefined);
  }
  /** Beside that of the extension, over the same settings. */
  function ownPicker(memento: LastingMemory, memory: ConstructorParameters<typeof LensModel>[4], worker = inExtension('dist/worker.js')) {
    const config = store.add(new Config());
    const files = {
      worker,
      bundledModel: inExtension('models/smollm2-135m-instruct'),
      cacheFolder: storage,
      models: path.join(storage, 'models'),
    };
    const model = store.add(new LensModel(config, store.add(new WindowFocus(config)), files, log, memory));
    const secrets = { get: () => Promise.resolve(undefined) } as unknown as vscode.SecretStorage;
    const access = new HubAccess(config, secrets);
    return { picker: new ModelPicker({ config, model, access, log }, files, memento, '0'), model };
  }

  it('lists the embedded model, the one in use and those of the hub, and asks the hub nothing for it', async () => {
    const entries = await list('selectModel');
    await browser.screenshot('model-list');
    const embedded = entry(entries, 'SmolLM2-135M-Instruct')?.text ?? '';
    assert.match(embedded, /q8 · 15\d MB · Apache-2\.0 · 8,192 tokens of context · en/);
    assert.match(embedded, /passed the self-check \(0\.89 bits per byte\)/);
    assert.match(embedded, /needs about 6\d\d MB of memory/);
    assert.deepEqual(
      entries.filter(({ checked }) => checked).map(({ text }) => text.includes('tiny-gpt2')),
      [true],
    );
    const curated = entry(entries, 'Qwen2.5 0.5B Instruct')?.text ?? '';
    assert.match(curated, /instruct model · apache-2\.0 · 32,768 tokens of context · more than 29 languages/);
    assert.match(curated, /not checked yet · 127\.0\.0\.1:\d+ tells size and number format/);
    assert.match(entry(entries, 'Coder')?.text ?? '', /tells size, number format, context and languages/);
    assert.deepEqual(server.asked, []);
  });

  it('downloads one that is typed after consent to size, licence and host; checks it; scores with it; goes back; removes it', async () => {
    await chooseRepository();
    await chooseFormat();
    const asked = await consent('Do not download');
    const { host } = new URL(server.address);
    for (const words of [host, '250 kB', 'apache-2.0', commit.slice(0, 7), repository, 'of memory'])
      assert.ok(asked.includes(words), `${words}: ${asked}`);
    assert.equal(modelFolder(), usual);
    assert.deepEqual(weightsAsked(), []);

    await clearNotices();
    await vscode.window.showTextDocument(await untitled('Another text.'));
    await chooseRepository();
    await chooseFormat();
    await consent('Download');
    await noticed('tiny-gpt2 is in use');
    const folder = modelFolder();
    assert.ok(folder.endsWith(path.join('models', ...repository.split('/'), commit, 'fp32')), folder);
    assert.ok(existsSync(path.join(folder, 'onnx', 'model.onnx')));
    const document = await untitled('The harbour was quiet before dawn.');
    const scores = await api.score(document.uri);
    assert.equal(scores.provenance.model, 'tiny-gpt2');
    assert.ok(scores.tokens.length > 0);

    await noticed('failed the self-check'); // its weights are random
    await browser.screenshot('model-in-use');
    await pressNotice('Go Back');
    await eventually('the model before is in use', () => modelFolder() === usual);
    await clearNotices();
    await vscode.window.showTextDocument(document);
    const own = entry(await list('selectModel'), 'revision 0123456')?.text ?? '';
    assert.match(own, /fp32 · 250 kB · apache-2\.0 · [\d,]+ tokens of context · en, de/);
    assert.match(own, /failed the self-check/);
    await browser.type('revision');
    await eventually('it stands alone', async () => (await listed()).length === 1);
    await browser.screenshot('model-installed');
    server.files.set('onnx/model_q4.onnx', Buffer.from('a graph that is not fetched'));
    await browser.click('.quick-input-list .codicon-versions');
    await eventually('its formats are offered', async () => entry(await listed(), 'q4') !== undefined);
    const formats = (await listed()).map(({ label, text }) => [label.trim(), text.includes('on this machine, failed the self-check')]);
    assert.deepEqual(formats, [
      ['q4', false],
      ['fp32', true],
    ]);
    await browser.press('Escape');
    await isClosed();
    assert.equal(modelFolder(), usual);
    await list('selectModel');
    await browser.type('revision');
    await eventually('it stands alone', async () => (await listed()).length === 1);
    await browser.click('.quick-input-list .codicon-trash');
    await eventually('it is asked whether to', async () => entry(await listed(), '250 kB of the disk become free')?.focused === true);
    assert.ok(existsSync(folder));
    await browser.press('Enter');
    await eventually('it is gone', () => !existsSync(folder));
    await eventually('the list is there again', async () => entry(await listed(), 'Choose a folder') !== undefined);
    assert.equal(entry(await listed(), 'revision 0123456'), undefined);
  });

  it('refuses one whose tokens cannot be aligned, says why once and in the list, and goes on with the model before', async () => {
    const tokenizer = JSON.parse(String(server.files.get('tokenizer.json'))) as { model: Record<string, unknown> };
    tokenizer.model['type'] = 'Unigram';
    server.files.set('tokenizer.json', Buffer.from(JSON.stringify(tokenizer)));
    await vscode.commands.executeCommand('tokenLens.toggle'); // a document that is scored meets the model as well
    await chooseRepository();
    await chooseFormat();
    await consent('Download');
    await noticed('its tokenizer is of the kind Unigram, not BPE');
    await eventually('the model before is in use', () => modelFolder() === usual);
    await new Promise(resolve => setTimeout(resolve, 1_500)); // for a second notice to come
    const told = (await notices())
      .split('\n')
      .filter(notice => notice.includes('tokens cannot be aligned') || notice.includes('could not score'));
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(told[0] ?? '', /tiny-gpt2 cannot be used\. Its tokens .* The model before is the one in use\./);
    await clearNotices();
    await vscode.window.showTextDocument(await untitled('Another text.'));
    const row = entry(await list('selectModel'), 'revision 0123456')?.text ?? '';
    assert.match(row, /cannot be used: Its tokens cannot be aligned with the text exactly: its tokenizer is of the kind Unigram/);
    await browser.screenshot('model-refused');
    await removeInList();
  });

  it('downloads one again that was damaged on the disk', async () => {
    await chooseRepository();
    await chooseFormat();
    await consent('Download');
    await noticed('tiny-gpt2 is in use');
    const folder = modelFolder();
    await useModel(usual);
    const graph = path.join(folder, 'onnx', 'model.onnx');
    const whole = readFileSync(graph);
    writeFileSync(graph, whole.subarray(0, whole.length - 1));
    server.asked.length = 0;
    await clearNotices();
    await vscode.window.showTextDocument(await untitled('Another text.'));
    await list('selectModel');
    await browser.type('revision');
    await eventually('it stands alone', async () => (await listed()).length === 1);
    await browser.press('Enter');
    await noticed('Files are missing from the model folder, or damaged');
    assert.equal(modelFolder(), usual);
    await browser.screenshot('model-damaged');
    await pressNotice('Download Again');
    await consent('Download');
    await noticed('tiny-gpt2 is in use');
    assert.equal(modelFolder(), folder);
    assert.ok(readFileSync(graph).equals(whole));
    assert.deepEqual(weightsAsked(), [undefined]);
    await useModel(usual);
    await clearNotices();
    await vscode.window.showTextDocument(await untitled('A third text.'));
    await list('selectModel');
    await removeInList();
  });

  it('remembers a folder of the user, with what its files say and what the self-check found', async () => {
    const folder = inExtension('test/fixtures/families/llama');
    await useModel(folder);
    await api.score((await untitled('The harbour was quiet.')).uri);
    await list('selectModel');
    await browser.type('families');
    await eventually('it stands alone', async () => (await listed()).length === 1);
    await browser.press('Enter'); // in use already: nothing is to be done
    await isClosed();
    await useModel(usual);
    await vscode.window.showTextDocument(await untitled('Another text.'));
    const memento = new Memento();
    const { picker, model } = ownPicker(memento, { freeBytes: () => 64e9, ask: () => Promise.resolve(false) });
    await memento.update('tokenLens.ownFolders', { [folder]: '', '/no/such/folder': '' });
    void picker.select();
    await eventually('the list is open', async () => entry(await listed(), folder) !== undefined);
    const row = entry(await listed(), folder)?.text ?? '';
    assert.match(row, /q4 · [\d.,]+ k?B · no licence named · [\d,]+ tokens of context/);
    assert.match(row, /not checked yet/);
    assert.equal(entry(await listed(), '/no/such/folder'), undefined);
    await browser.type('families');
    await eventually('it stands alone', async () => (await listed()).length === 1);
    await browser.press('Enter');
    await noticed('is in use');
    assert.equal(modelFolder(), folder);
    const { contentHash } = model.loaded?.key ?? assert.fail('not loaded');
    assert.deepEqual(memento.get('tokenLens.ownFolders'), { '/no/such/folder': '', [folder]: contentHash });
  });

  it('takes a folder that is chosen in the dialog, also where VS Code cannot store that it was', async () => {
    const folder = inExtension('test/fixtures/families/llama');
    const files = vscode.workspace.getConfiguration('files');
    await files.update('simpleDialog.enable', true, vscode.ConfigurationTarget.Global); // the one of the desktop takes no keys of a test
    try {
      const disk = new Storage();
      disk.isBroken = true;
      const told: string[] = [];
      const memento = new Memento(disk, error => told.push(String(error)));
      const { picker, model } = ownPicker(memento, { freeBytes: () => 64e9, ask: () => Promise.resolve(false) });
      void picker.select();
      await eventually('the list is open', async () => entry(await listed(), 'Choose a folder') !== undefined);
      await browser.type('Choose a folder');
      await eventually('it is marked', async () => entry(await listed(), 'Choose a folder')?.focused === true);
      await browser.press('Enter');
      const title = `document.querySelector('${shownQuestion} .quick-input-title')?.innerText ?? ''`;
      await eventually('the dialog is open', async () => (await browser.evaluate<string>(title)).includes('Choose a model folder'));
      await browser.press('Control+a');
      await browser.type(folder);
      await browser.screenshot('model-folder-dialog');
      await browser.press('Enter');
      await noticed('is in use');
      assert.equal(modelFolder(), folder);
      assert.equal(model.loaded?.key.folder, folder);
      assert.deepEqual(told, ['Error: SQLITE_FULL']);
      assert.deepEqual(disk.keys(), []);
      assert.deepEqual(memento.get('tokenLens.ownFolders'), { [folder]: model.loaded.key.contentHash });
    } finally {
      await files.update('simpleDialog.enable', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('goes back to the model before when loading another one is cancelled, without a word, and ends its process', async () => {
    const folder = inExtension('test/fixtures/families/llama');
    const worker = inExtension('test/fixtures/workers/misbehaving.cjs');
    const memento = new Memento();
    await memento.update('tokenLens.ownFolders', { [folder]: '' });
    process.env['TOKEN_LENS_FAULT'] = 'spins'; // it never comes to an end
    try {
      const { picker } = ownPicker(memento, { freeBytes: () => 64e9, ask: () => Promise.resolve(false) }, worker);
      const selecting = picker.select();
      await eventually('the list is open', async () => entry(await listed(), folder) !== undefined);
      await browser.type('families');
      await eventually('it stands alone', async () => (await listed()).length === 1);
      await browser.press('Enter');
      await noticed('loading and checking');
      await eventually('its process runs', () => processes('misbehaving').length > 0);
      await browser.screenshot('model-loading');
      await pressNotice('Cancel');
      await selecting;
      assert.equal(modelFolder(), usual);
      assert.equal(await notices(), '');
      await eventually('its process is gone', () => processes('misbehaving').length === 0);
    } finally {
      delete process.env['TOKEN_LENS_FAULT'];
    }
  });

  for (const isLoaded of [false, true]) {
    it(`${isLoaded ? 'loads a model although memory is short' : 'goes on with the model before'} when the question about it says so`, async () => {
      const folder = inExtension('test/fixtures/families/llama');
      const memento = new Memento();
      await memento.update('tokenLens.ownFolders', { [folder]: '' });
      let asked = 0;
      const { picker, model } = ownPicker(memento, { freeBytes: () => 1000, ask: () => Promise.resolve(++asked > 0 && isLoaded) });
      void picker.select();
      await eventually('the list is open', async () => entry(await listed(), folder) !== undefined);
      await browser.type('families');
      await eventually('it stands alone', async () => (await listed()).length === 1);
      await browser.press('Enter');
      await noticed(isLoaded ? 'is in use' : 'was not loaded, as memory is short');
      assert.equal(asked, 1);
      assert.equal(modelFolder(), isLoaded ? folder : usual);
      assert.equal(model.loaded?.key.folder, isLoaded ? folder : undefined);
    });
  }

  it('lists one that is being downloaded as such, with no way to remove it', async () => {
    const weights = server.files.get('onnx/model.onnx') ?? assert.fail('no weights');
    server.trick = (_, response, asked) => {
      if (!asked.endsWith('.onnx')) return false;
      response.writeHead(200, { etag: server.etagOf(weights), 'content-length': weights.length }).write(weights.subarray(0, 100_000));
      return true;
    };
    await chooseRepository();
    await chooseFormat();
    await consent('Download');
    await eventually('part of it is here', async () => (await notices()).includes('116 kB of 250 kB'));
    await vscode.window.showTextDocument(await untitled('Another text.'));
    const entries = await list('selectModel');
    assert.ok(entry(entries, 'tiny-gpt2 is being downloaded'), JSON.stringify(entries));
    assert.equal(entry(entries, 'Go on downloading'), undefined);
    await browser.type('being downloaded');
    await eventually('it stands alone', async () => (await listed()).length === 1);
    await browser.screenshot('model-running');
    assert.equal(await browser.evaluate<boolean>(`document.querySelector('.quick-input-list .codicon-trash') !== null`), false);
    await browser.press('Enter');
    await noticed('is being downloaded already, in this window or in another one');
    await pressNotice('Cancel');
    await eventually('it has ended', async () => !(await notices()).includes('Downloading'));
    await clearNotices();
    await vscode.window.showTextDocument(await untitled('A third text.'));
    await list('selectModel');
    await removeInList('Go on');
  });

  it('can be cancelled in the middle, and goes on from there', async () => {
    const weights = server.files.get('onnx/model.onnx') ?? assert.fail('no weights');
    server.trick = (_, response, asked) => {
      if (!asked.endsWith('.onnx')) return false;
      response.writeHead(200, { etag: server.etagOf(weights), 'content-length': weights.length }).write(weights.subarray(0, 100_000));
      return true;
    };
    await chooseRepository();
    await chooseFormat();
    await consent('Download');
    await noticed('Downloading tiny-gpt2');
    await eventually('part of it is here', async () => (await notices()).includes('116 kB of 250 kB'));
    await browser.screenshot('model-progress');
    await pressNotice('Cancel');
    await eventually('it has ended', async () => !(await notices()).includes('Downloading'));
    assert.equal(modelFolder(), usual);
    server.trick = undefined;
    server.asked.length = 0;
    await clearNotices();
    await vscode.window.showTextDocument(await untitled('Another text.'));
    await list('selectModel');
    await browser.type('Go on');
    await eventually('it can be gone on with', async () => entry(await listed(), 'Go on downloading tiny-gpt2')?.focused === true);
    await browser.screenshot('model-half');
    await browser.press('Enter');
    assert.match(await consent('Download'), /116 kB are here already/);
    await noticed('tiny-gpt2 is in use');
    assert.deepEqual(weightsAsked(), ['bytes=100000-']);
    await removeDownloaded();
  });

  it('says in one sentence that there is no connection, and keeps the model', async () => {
    server.stop();
    await chooseRepository();
    await noticed('There is no connection to');
    await browser.screenshot('model-offline');
    assert.equal(modelFolder(), usual);
  });

  it('sends a token that was set to its host, until it is forgotten', async () => {
    server.trick = (request, response) => request.headers.authorization !== 'Bearer hf_of_a_test' && !!response.writeHead(401).end();
    await chooseRepository();
    await noticed('needs an access token');
    await pressNotice('Set Access Token');
    await isTokenAsked();
    await browser.type('hf_of_a_test');
    await browser.press('Enter');
    await eventually('the hub has let it be read', async () => entry(await listed(), 'fp32') !== undefined);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await isClosed();
    await vscode.commands.executeCommand('tokenLens.forgetHubToken');
    await clearNotices();
    server.asked.length = 0;
    await vscode.window.showTextDocument(await untitled('Another text.'));
    await chooseRepository();
    await noticed('needs an access token');
    assert.ok(server.asked.length > 0);
    for (const { headers } of server.asked) assert.equal(headers.authorization, undefined);
  });

  it('says that a token that was sent did not do, and forgets it', async () => {
    server.trick = (_, response) => !!response.writeHead(401).end();
    await chooseRepository();
    await noticed('needs an access token');
    await pressNotice('Set Access Token');
    await isTokenAsked();
    await browser.type('hf_that_expired');
    await browser.press('Enter');
    await noticed('with the access token that was sent: the token is wrong or has expired');
    await browser.screenshot('model-wrong-token');
    await pressNotice('Forget the Token');
    await noticed('the access token is forgotten');
    server.asked.length = 0;
    await clearNotices();
    await vscode.window.showTextDocument(await untitled('Another text.'));
    await chooseRepository();
    await noticed('needs an access token');
    for (const { headers } of server.asked) assert.equal(headers.authorization, undefined);
  });

  it('takes the address of a page for its name, and says of other words what a name looks like', async () => {
    await list('selectModel');
    await browser.type('gpt2zzz');
    await eventually('it says so', async () => entry(await listed(), 'no name of a repository')?.text.includes('owner/name') === true);
    await browser.screenshot('model-no-name');
    await browser.press('Enter');
    await new Promise(resolve => setTimeout(resolve, 500));
    assert.ok(entry(await listed(), 'no name of a repository'), 'the list was closed without a word');
    for (let keys = 'gpt2zzz'.length; keys > 0; keys--) await browser.press('Backspace');
    await browser.type(`${server.address}/${repository}/tree/main`);
    await eventually('it is taken', async () => (await listed())[0]?.label.includes(repository) === true);
  });

  it('asks no address without encryption', async () => {
    await settings().update('hubHost', 'http://mirror.example', vscode.ConfigurationTarget.Global);
    const entries = await list('selectModel');
    assert.equal(entry(entries, 'Qwen'), undefined);
    assert.equal(entry(entries, 'downloaded from'), undefined);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await isClosed();
    await vscode.window.showTextDocument(await untitled('Another text.'));
    await chooseRepository();
    await noticed('is not an address that can be asked');
  });

  describe('over HTTPS', () => {
    let proxy: ProxyServer | undefined;
    const network = () => vscode.workspace.getConfiguration('http');
    const never = new AbortController().signal;
    afterEach(async () => {
      for (const name of ['proxy', 'systemCertificates']) await network().update(name, undefined, vscode.ConfigurationTarget.Global);
      proxy?.stop();
      proxy = undefined;
    });

    /** A hub with a certificate that was made for this run; see test/host/runEditorTests.mjs. Gives the proxy that leads to it by any name. */
    async function serveWith(name: string): Promise<ProxyServer> {
      const file = process.env['TOKEN_LENS_CERTIFICATES'] ?? assert.fail('Run these tests by npm test.');
      const issued = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Certificate>>;
      server.stop();
      proxy?.stop();
      server = new HubServer(usual, issued[name] ?? assert.fail(name));
      await server.start();
      proxy = new ProxyServer();
      await network().update('proxy', await proxy.start(server.port), vscode.ConfigurationTarget.Global);
      return proxy;
    }
    /** As the extension asks: VS Code's `fetch` is the same for all that runs here. */
    const answerOf = (address: string) =>
      new Hub(address, undefined).repository(repository, never).then(
        ({ commit: found }) => found,
        (error: unknown) => (error instanceof HubError ? error.code : String(error)),
      );

    it('goes through the proxy of the setting, which learns hosts and nothing of what is sent to them', async () => {
      const through = await serveWith('known');
      await settings().update('hubHost', 'https://hub.example', vscode.ConfigurationTarget.Global);
      server.trick = (request, response, asked) => {
        if (request.headers.host === 'files.example') server.send(request, response, server.files.get('onnx/model.onnx') ?? assert.fail());
        else if (asked.endsWith('.onnx')) response.writeHead(302, { location: 'https://files.example/signed?key=1' }).end();
        else return false;
        return true;
      };
      void vscode.commands.executeCommand('tokenLens.setHubToken');
      await typeToken('hf_behind_a_proxy');
      await chooseRepository();
      await chooseFormat();
      await consent('Download');
      await noticed('tiny-gpt2 is in use');
      await vscode.commands.executeCommand('tokenLens.forgetHubToken');
      assert.deepEqual([...new Set(through.tunnels)].sort(), ['files.example:443', 'hub.example:443']);
      assert.deepEqual(through.inClear, []);
      assert.ok(!through.couldRead('hf_behind_a_proxy') && !through.couldRead(repository), 'what it carries is encrypted');
      for (const { path: asked, headers, remotePort } of server.asked) {
        assert.ok(through.hasLed(remotePort), asked);
        assert.equal(headers.authorization, headers.host === 'hub.example' ? 'Bearer hf_behind_a_proxy' : undefined);
      }
      await removeDownloaded();
    });

    it('is led to no place without encryption from one with it', async () => {
      const through = await serveWith('known');
      server.trick = (_, response, asked) => !!response.writeHead(302, { location: `http://files.example${asked}` }).end();
      assert.equal(await answerOf('https://hub.example'), 'not-the-hub');
      assert.deepEqual(through.inClear, []);
      assert.deepEqual([...new Set(through.tunnels)], ['hub.example:443']);
    });

    it('says in one sentence what to do where the certificate is by an unknown authority, and sends nothing', async () => {
      await serveWith('unknown');
      await settings().update('hubHost', server.address, vscode.ConfigurationTarget.Global);
      await chooseRepository();
      await noticed(`certificate that was shown for ${new URL(server.address).host} is by an authority that this machine does not know`);
      await browser.screenshot('model-certificate');
      const [told = ''] = (await notices()).split('\n').filter(notice => notice.includes('certificate'));
      assert.match(told, /add it to the certificates that the operating system trusts, and start VS Code anew\.$/);
      assert.deepEqual(server.asked, []);
      assert.equal(modelFolder(), usual);
    });

    it('trusts whom the operating system trusts, and whom Node.js is told to where the system does not count', async () => {
      const asked = async (certificate: string, systemCertificates?: boolean) => {
        const through = await serveWith(certificate);
        await network().update('systemCertificates', systemCertificates, vscode.ConfigurationTarget.Global);
        const answers = [await answerOf(server.address), await answerOf('https://hub.example')];
        const isAnswered = answers.includes(commit);
        assert.equal(server.asked.length > 0, isAnswered, 'nothing is sent to whom nobody trusts');
        if (!isAnswered) assert.deepEqual(through.tunnels, ['hub.example:443'], 'once more would change nothing');
        return answers;
      };
      assert.deepEqual(await asked('known'), [commit, commit]);
      assert.deepEqual(await asked('unknown'), ['unknown-authority', 'unknown-authority']);
      assert.deepEqual(await asked('unknown', false), ['unknown-authority', 'unknown-authority']);
      assert.deepEqual(await asked('expired'), ['bad-certificate', 'bad-certificate']);
      assert.deepEqual(await asked('elsewhere'), ['bad-certificate', 'bad-certificate']);
      // The authority of NODE_EXTRA_CA_CERTS.
      assert.deepEqual(await asked('extra'), ['unknown-authority', 'unknown-authority']);
      assert.deepEqual(await asked('extra', false), [commit, commit]);
    });
  });

  describe('with an access token', () => {
    let secrets: Secrets;
    let access: HubAccess;
    beforeEach(() => {
      secrets = new Secrets();
      access = new HubAccess(store.add(new Config()), secrets);
    });

    const never = new AbortController().signal;
    const setHost = (address: string) => settings().update('hubHost', address, vscode.ConfigurationTarget.Global);
    /** What a hub is told by the hub access of now, on each request. */
    async function tokensAt(hubServer: HubServer): Promise<readonly (string | undefined)[]> {
      hubServer.asked.length = 0;
      await (await access.hub())?.repository(repository, never);
      assert.ok(hubServer.asked.length > 0);
      return [...new Set(hubServer.asked.map(({ headers }) => headers.authorization))];
    }
    async function setToken(token: string, meanwhile?: () => Thenable<void>): Promise<void> {
      const asking = access.askToken();
      await isTokenAsked();
      await meanwhile?.();
      await typeToken(token);
      assert.equal(await asking, true);
    }

    it('sends it to the host that it was set for, and to none that the setting names later', async () => {
      const other = new HubServer(usual);
      try {
        await other.start();
        await setToken('hf_of_the_first');
        assert.deepEqual(await tokensAt(server), ['Bearer hf_of_the_first']);
        for (const address of [other.address, other.address.replace('127.0.0.1', 'localhost')]) {
          await setHost(address);
          assert.deepEqual(await tokensAt(other), [undefined]);
        }
        await setHost(server.address.replace('127.0.0.1', 'localhost')); // another name of a host may be another host
        assert.deepEqual(await tokensAt(server), [undefined]);
        await setHost(server.address);
        assert.deepEqual(await tokensAt(server), ['Bearer hf_of_the_first']);
        // The host that stands in the question counts, not the one that the setting names when it is answered.
        await setToken('hf_of_the_second', () => setHost(other.address));
        assert.deepEqual(await tokensAt(other), [undefined]);
        await setHost(server.address);
        assert.deepEqual(await tokensAt(server), ['Bearer hf_of_the_second']);
      } finally {
        other.stop();
      }
    });

    it('uses one that could not be stored until the window is closed, and none that could not be removed, and says so', async () => {
      secrets.isBroken = true;
      await setToken('hf_not_stored');
      await noticed('used until this window is closed');
      assert.deepEqual(await tokensAt(server), ['Bearer hf_not_stored']);
      secrets.isBroken = false;
      await setToken('hf_stored');
      secrets.isBroken = true;
      await access.forgetToken();
      await noticed('This window does not use it');
      assert.deepEqual(await tokensAt(server), [undefined]);
      secrets.isBroken = false;
      await access.forgetToken();
      access = new HubAccess(store.add(new Config()), secrets);
      assert.deepEqual(await tokensAt(server), [undefined]);
    });
  });
});

/** The secret storage of a window, which a locked keyring breaks. */
class Secrets implements vscode.SecretStorage {
  isBroken = false;
  readonly onDidChange = new vscode.EventEmitter<vscode.SecretStorageChangeEvent>().event;
  readonly #values = new Map<string, string>();
  keys(): Promise<string[]> {
    return Promise.resolve([...this.#values.keys()]);
  }
  get(key: string): Promise<string | undefined> {
    return this.isBroken ? Promise.reject(new Error('locked')) : Promise.resolve(this.#values.get(key));
  }
  store(key: string, value: string): Promise<void> {
    if (this.isBroken) return Promise.reject(new Error('locked'));
    this.#values.set(key, value);
    return Promise.resolve();
  }
  delete(key: string): Promise<void> {
    if (this.isBroken) return Promise.reject(new Error('locked'));
    this.#values.delete(key);
    return Promise.resolve();
  }
}
