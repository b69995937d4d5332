import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { commit, HubServer, repository } from '../hub/hubServer';
import { browser } from './browser';
import { activated, comesTrue, eventually, inExtension, untitled, useModel } from './documents';
import { clearNotices, notices } from './notices';
import type { Entry } from './picks';
import { isClosed, list, listed } from './picks';

describe('models of a hub', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  let server: HubServer;
  let usual: string;

  const settings = () => vscode.workspace.getConfiguration('tokenLens');
  const modelFolder = () => settings().get<string>('modelFolder') ?? '';
  const weightsAsked = () => server.ranges.filter(([name]) => name.includes('.onnx')).map(([, range]) => range);
  const entry = (entries: readonly Entry[], text: string) => entries.find(each => each.text.includes(text));

  before(async () => {
    api = await activated();
  });
  beforeEach(async () => {
    usual = inExtension('test/fixtures/tiny-gpt2');
    await useModel(usual);
    server = new HubServer(usual);
    await settings().update('hubHost', await server.start(), vscode.ConfigurationTarget.Global);
    await vscode.window.showTextDocument(await untitled('The harbour was quiet.'));
  });
  afterEach(async () => {
    server.stop();
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
    assert.match(entry(entries, 'SmolLM2 360M')?.text ?? '', /instruct model, about 360 million parameters/);
    assert.deepEqual(server.asked, []);
  });

  it('downloads one that is typed after consent to size, licence and host; checks it; scores with it; goes back; removes it', async () => {
    await chooseRepository();
    await chooseFormat();
    const asked = await consent('Do not download');
    const { host } = new URL(server.address);
    for (const words of [host, '250 kB', 'apache-2.0', commit.slice(0, 7), repository])
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
    await browser.click('.quick-input-list .codicon-trash');
    await eventually('it is asked whether to', async () => entry(await listed(), '250 kB of the disk become free')?.focused === true);
    assert.ok(existsSync(folder));
    await browser.press('Enter');
    await eventually('it is gone', () => !existsSync(folder));
    await eventually('the list is there again', async () => entry(await listed(), 'Choose a folder') !== undefined);
    assert.equal(entry(await listed(), 'revision 0123456'), undefined);
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
    const isAsked = `document.querySelector('.quick-input-widget input[type=password]') !== null`;
    await eventually('it is asked for', () => browser.evaluate<boolean>(isAsked));
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
});
