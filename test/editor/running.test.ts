import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { Config } from '../../src/config';
import { DisposableStore } from '../../src/disposable';
import { LensModel } from '../../src/lensModel';
import { WindowFocus } from '../../src/windowFocus';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled, useModel } from './documents';
import { editorHasFocus, shownState, stateEntry } from './screen';

const never = new AbortController().signal;
const plenty = 64e9;

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

describe('how the model runs', function () {
  this.timeout(120_000);
  let store: DisposableStore;
  let log: vscode.LogOutputChannel;
  const changed = new Set<string>();

  async function set(name: string, value: unknown): Promise<void> {
    changed.add(name);
    await vscode.workspace.getConfiguration('tokenLens').update(name, value, vscode.ConfigurationTarget.Global);
  }
  before(async () => {
    log = vscode.window.createOutputChannel('Token Lens (test)', { log: true });
    await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
  beforeEach(() => {
    store = new DisposableStore();
  });
  afterEach(async () => {
    store.dispose();
    for (const name of changed) await set(name, undefined);
    changed.clear();
  });
  after(async () => {
    log.dispose();
    await useModel(undefined);
  });

  /** Beside that of the extension that runs, over the same settings. */
  function ownModel(freeBytes: () => number, cacheFolder?: string) {
    const warnings: string[] = [];
    const questions: number[] = [];
    const config = store.add(new Config());
    const models = cacheFolder && path.join(cacheFolder, 'models');
    const files = { worker: inExtension('dist/worker.js'), bundledModel: inExtension('test/fixtures/tiny-gpt2'), cacheFolder, models };
    const ownLog = Object.assign(Object.create(log) as vscode.LogOutputChannel, {
      warn: (message: string) => {
        warnings.push(message);
      },
    });
    const ask = (neededBytes: number) => {
      questions.push(neededBytes);
      return Promise.resolve(false);
    };
    const model = store.add(new LensModel(config, store.add(new WindowFocus(config)), files, ownLog, { freeBytes, ask }));
    let replacements = 0;
    store.add(model.onDidReplace(() => replacements++));
    const processId = async () => (await model.ready(never)).client.processId ?? 0;
    return { model, warnings, questions, processId, replacements: () => replacements };
  }

  it('with another number of threads as soon as the setting changes', async function () {
    if (!existsSync('/proc/self/task')) this.skip();
    const threadsOf = (id: number) => readdirSync(`/proc/${String(id)}/task`).length;
    const { processId, replacements } = ownModel(() => plenty);
    await set('threads', 1);
    const one = await processId();
    const threads = threadsOf(one);
    const before = replacements();
    await set('threads', 4);
    await eventually('the process with one thread is gone', () => !isAlive(one));
    assert.equal(replacements(), before + 1);
    const four = await processId();
    assert.notEqual(four, one);
    assert.equal(threadsOf(four), threads + 3);
  });

  it('no longer than the settings say without work, whichever of two models it is', async () => {
    const { model, processId } = ownModel(() => plenty);
    await set('idleMinutes', 0);
    const ids = [await processId(), (await model.readyIn(inExtension('test/fixtures/families/llama'), never)).client.processId ?? 0];
    assert.ok(ids.every(isAlive));
    await set('unloadAfterSeconds', 1);
    // From a page that the tests before have left VS Code would not notice that the focus goes.
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.window.showTextDocument(await untitled('The harbour.'));
    await editorHasFocus();
    await browser.focus('away');
    try {
      await eventually('both processes are gone', () => !ids.some(isAlive), 60_000);
    } finally {
      await browser.focus('back');
    }
  });

  it('and forgets copies of models that are gone', async () => {
    const cacheFolder = mkdtempSync(path.join(tmpdir(), 'token-lens-running-'));
    try {
      const [gone, other] = [`${'0'.repeat(16)}-model-${'0'.repeat(64)}-${'0'.repeat(16)}.onnx`, 'other.onnx'];
      for (const name of [gone, other]) {
        writeFileSync(path.join(cacheFolder, name), '');
        utimesSync(path.join(cacheFolder, name), 0, 0);
      }
      await ownModel(() => plenty, cacheFolder).processId();
      await eventually('the copy is gone', () => !existsSync(path.join(cacheFolder, gone)));
      assert.ok(existsSync(path.join(cacheFolder, other)));
    } finally {
      rmSync(cacheFolder, { recursive: true }); // made above
    }
  });

  it('beside a second one, which goes first when memory is short for the first', async () => {
    let other = 0;
    const { model, questions, processId } = ownModel(() => (other !== 0 && isAlive(other) ? 1000 : plenty));
    const folder = inExtension('test/fixtures/families/llama');
    const second = await model.readyIn(folder, never);
    assert.equal(second.description.key.folder, folder);
    assert.equal(await model.readyIn(folder, never), second);
    assert.equal(model.loaded, undefined);
    other = second.client.processId ?? 0;
    const first = await processId();
    assert.deepEqual([isAlive(other), isAlive(first), questions], [false, true, []]);
    const own = await model.readyIn(inExtension('test/fixtures/tiny-gpt2'), never);
    assert.equal(own.client.processId, first);
  });

  it('in place of another one, whose memory counts as free: its process is gone before free memory is read', async () => {
    let before = 0;
    const { questions, processId } = ownModel(() => (before !== 0 && isAlive(before) ? 1000 : plenty));
    before = await processId();
    try {
      await set('modelFolder', inExtension('test/fixtures/families/llama'));
      const after = await processId();
      assert.deepEqual([isAlive(before), isAlive(after), questions], [false, true, []]);
    } finally {
      await set('modelFolder', undefined);
    }
  });

  it('on the processor where WebGPU cannot be used, and says so once in the log and in the status bar', async function () {
    const { model, warnings, processId } = ownModel(() => plenty);
    await set('device', 'webgpu');
    const first = await processId();
    if (model.loaded?.device === 'webgpu') this.skip(); // this machine has what it takes
    const reason = model.loaded?.deviceFallback ?? '';
    assert.ok(reason.length > 10);
    process.kill(first, 'SIGKILL');
    await eventually('it is gone', () => model.loaded === undefined);
    await processId();
    assert.deepEqual(
      warnings.filter(message => message.includes('tokenLens.device')),
      [`The model runs on the processor, as WebGPU (tokenLens.device) could not be used: ${reason}.`],
    );
    const document = await untitled('The harbour was quiet before dawn.');
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('tokenLens.toggle');
    await eventually('it is scored', async () => (await shownState()).includes('PPL'));
    await browser.moveMouse(600, 600);
    await browser.hover(stateEntry);
    await eventually('the tooltip says so', async () => {
      const shown = await browser.evaluate<string>(`document.querySelector('.workbench-hover .hover-contents')?.innerText ?? ''`);
      return shown.includes(`It runs on the processor, as WebGPU (setting Device) could not be used: ${reason}.`);
    });
    await browser.screenshot('device-fallback');
    await browser.press('Escape');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });
});
