import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { DisposableStore } from '../../src/disposable';
import type { ScoredDocuments } from '../../src/scoredDocuments';
import { reportFailures } from '../../src/views/failures';
import { activated, assertSameScores, eventually, inExtension, scoresOfText, untitled, useModel } from './documents';
import { clearNotices, notices } from './notices';
import { Memento, ownLens } from './ownLens';
import { processes } from './processes';

const text = 'The harbour was quiet before dawn. Two fishermen sat on a crate.\n'.repeat(40);

describe('faults', function () {
  this.timeout(180_000);
  let api: TokenLensApi;
  let folder: string;
  before(async () => {
    if (process.platform === 'win32') assert.fail('These tests find processes by pgrep.');
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-faults-'));
  });
  after(async () => {
    await useModel(undefined);
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function shown(content: string): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(await untitled(content), { preview: false });
    await vscode.commands.executeCommand('tokenLens.toggle');
    return editor;
  }

  async function assertRight(document: vscode.TextDocument): Promise<void> {
    const scores = await api.score(document.uri);
    assert.equal(scores.documentVersion, document.version);
    assertSameScores(scores, await scoresOfText(api, document));
  }

  it('killed while somebody types: the text is what was typed, and its scores come out right without a reload', async () => {
    const { document } = await shown(text);
    let expected = text;
    const moments = [0, 15, 40, 90, 160, 260];
    for (const [round, afterMs] of moments.entries()) {
      const typed = `Round ${String(round)}. `;
      const edit = new vscode.WorkspaceEdit();
      edit.insert(document.uri, new vscode.Position(0, 0), typed);
      assert.ok(await vscode.workspace.applyEdit(edit));
      expected = typed + expected;
      const scoring = api.score(document.uri);
      await new Promise(resolve => setTimeout(resolve, afterMs));
      for (const found of processes()) process.kill(found, 'SIGKILL');
      const scores = await scoring;
      assert.equal(scores.documentVersion, document.version);
      assert.equal(document.getText(), expected);
    }
    await assertRight(document);
    assert.equal(processes().length, 1);
  });

  it('edited as fast as a script can: nothing is lost, and the scores are those of the last text', async () => {
    const { document } = await shown(text);
    let expected = text;
    for (let key = 0; key < 100; key++) {
      const edit = new vscode.WorkspaceEdit();
      edit.insert(document.uri, document.positionAt(10 + key), 'k');
      assert.ok(await vscode.workspace.applyEdit(edit));
      expected = `${expected.slice(0, 10 + key)}k${expected.slice(10 + key)}`;
      // Whatever is said to be complete is of this very text.
      const scores = api.scores(document.uri);
      if (scores) assert.equal(scores.documentVersion, document.version);
    }
    assert.equal(document.getText(), expected);
    await assertRight(document);
  });

  it('200 documents opened and closed fast: one process, which forgets them, and the next one is scored', async () => {
    const files = Array.from({ length: 200 }, (_, index) => {
      const file = path.join(folder, `${String(index)}.txt`);
      writeFileSync(file, `${String(index)} ${text.slice(index)}`);
      return file;
    });
    await api.score((await untitled(text)).uri);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    const before = (await api.measure()).model;
    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('autoStart', ['plaintext'], vscode.ConfigurationTarget.Global);
    for (let first = 0; first < files.length; first += 20) {
      const several = files.slice(first, first + 20).map(file => vscode.window.showTextDocument(vscode.Uri.file(file), { preview: true }));
      await Promise.allSettled(several); // one that the next has replaced already is not shown
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await settings.update('autoStart', undefined, vscode.ConfigurationTarget.Global);
    const { document } = await shown(text);
    await assertRight(document);
    assert.equal(processes().length, 1);
    // VS Code keeps some of them open for a while.
    const isForgotten = async () => ((await api.measure()).model?.documents ?? Infinity) <= vscode.workspace.textDocuments.length;
    await eventually('the process has forgotten what was closed', isForgotten);
    const after = (await api.measure()).model;
    assert.ok(before && after);
    const growthBytes = after.residentBytes - after.snapshotBytes - (before.residentBytes - before.snapshotBytes);
    assert.ok(growthBytes < 60e6, `${String(growthBytes)} bytes more`);
  });

  describe('of a lens of its own', () => {
    let store: DisposableStore;
    let log: vscode.LogOutputChannel;
    beforeEach(async () => {
      await useModel(undefined); // the folder below counts as the bundled one
      store = new DisposableStore();
      log = store.add(vscode.window.createOutputChannel('Token Lens (test of faults)', { log: true }));
      await clearNotices();
    });
    afterEach(async () => {
      delete process.env['TOKEN_LENS_FAULT'];
      delete process.env['TOKEN_LENS_PLAN'];
      store.dispose();
      await clearNotices();
    });

    async function failing(worker: string): Promise<{ readonly lens: ScoredDocuments; readonly document: vscode.TextDocument }> {
      const memory = { freeBytes: () => undefined, ask: () => Promise.resolve(false) };
      const bundledModel = inExtension('test/fixtures/tiny-gpt2');
      const lens = ownLens(store, { log, memento: new Memento(), bundledModel, memory, worker });
      store.add(reportFailures(lens, { set: () => undefined }, () => undefined));
      const document = await untitled(text);
      await vscode.window.showTextDocument(document);
      lens.setOn(document, true);
      await eventually('it has failed', () => lens.state(document).kind === 'failed', 60_000);
      return { lens, document };
    }

    /** Exactly one, though somebody edits and goes on to another document. */
    async function assertOneMessage(lens: ScoredDocuments, document: vscode.TextDocument, says: RegExp): Promise<void> {
      await eventually('there is a message', async () => says.test(await notices()));
      const edit = new vscode.WorkspaceEdit();
      edit.insert(document.uri, new vscode.Position(0, 0), 'More. ');
      await vscode.workspace.applyEdit(edit);
      const other = await untitled('Another document.');
      await vscode.window.showTextDocument(other);
      lens.setOn(other, true);
      await eventually('the other one has failed too', () => lens.state(other).kind === 'failed', 60_000);
      assert.equal((await notices()).trim().split('\n').length, 1, await notices());
      assert.equal(document.getText(), `More. ${text}`);
    }

    it('a process that dies each time is not started for ever: one message', async () => {
      process.env['TOKEN_LENS_PLAN'] = folder;
      writeFileSync(path.join(folder, 'plan'), 'always dies');
      const starts = () => readFileSync(path.join(folder, 'starts'), 'utf8').split('\n').length - 1;
      const { lens, document } = await failing(inExtension('test/fixtures/workers/planned.cjs'));
      assert.equal(starts(), 3);
      await assertOneMessage(lens, document, /Turn the lens off and on again to retry/);
      const tried = starts();
      assert.ok(tried <= 4, 'once more for the other document');
      await new Promise(resolve => setTimeout(resolve, 2_500)); // longer than the longest pause before a start
      assert.equal(starts(), tried);
      assert.deepEqual(processes('planned'), []);
    });

    it('a process of an old version: one message that says what to do', async () => {
      process.env['TOKEN_LENS_FAULT'] = 'old';
      const { lens, document } = await failing(inExtension('test/fixtures/workers/misbehaving.cjs'));
      await assertOneMessage(lens, document, /two versions\. Reload the window/);
      assert.deepEqual(processes('misbehaving'), []);
    });

    it('without the runtime: one message names the platform and the remedy; when it is there, the lens works without a reload', async () => {
      const own = path.join(folder, 'without runtime');
      mkdirSync(own);
      copyFileSync(inExtension('dist/worker.js'), path.join(own, 'worker.js'));
      const { lens, document } = await failing(path.join(own, 'worker.js'));
      const says = new RegExp(`cannot be loaded on ${process.platform}-${process.arch}: install the version of Token Lens`);
      await assertOneMessage(lens, document, says);
      symlinkSync(inExtension('node_modules'), path.join(own, 'node_modules'));
      await vscode.window.showTextDocument(document);
      lens.setOn(document, false);
      lens.setOn(document, true);
      await eventually('it is scored', () => lens.state(document).kind === 'ready', 60_000);
    });
  });
});
