import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, assertSameScores, comesTrue, eventually, inExtension, scoresOfText, untitled, useModel } from './documents';
import { shownState } from './screen';

const text = 'The harbour was quiet before dawn. Two fishermen sat on a crate.\n\nBy noon the wind had turned.\n'.repeat(8);
/** Some minutes of work even for the tiny model, in lines of several lengths. */
const longText = Array.from({ length: 16_000 }, (_, line) => `${String(line)} ${'words of a long text '.repeat(1 + (line % 5))}`).join(
  '\n',
);

/** A model process with low priority has a long wait on a busy machine. */
const patienceMs = 60_000;

describe('manners', function () {
  this.timeout(240_000);
  let api: TokenLensApi;
  let folder: string;
  const settings = () => vscode.workspace.getConfiguration('tokenLens');
  const changed = new Set<string>();

  async function set(name: string, value: unknown): Promise<void> {
    changed.add(name);
    await settings().update(name, value, vscode.ConfigurationTarget.Global);
  }
  /** Tokens that the model process has run; 0 where there is none. */
  async function tokensRun(): Promise<number> {
    return (await api.measure()).model?.tokensRun ?? 0;
  }
  /** Nothing that waits for a pause in typing is still to come. */
  async function quiet(): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
  async function assertNothingRuns(): Promise<void> {
    const before = await tokensRun();
    await quiet();
    assert.equal(await tokensRun(), before);
  }
  async function open(content: string): Promise<vscode.TextEditor> {
    return vscode.window.showTextDocument(await untitled(content), { preview: false });
  }
  /** Opened and turned on. */
  async function openOn(content: string): Promise<vscode.TextEditor> {
    const editor = await open(content);
    await vscode.commands.executeCommand('tokenLens.toggle');
    return editor;
  }
  async function scored(document: vscode.TextDocument): Promise<void> {
    await eventually('every token is scored', () => api.scores(document.uri) !== undefined, patienceMs);
  }
  async function insert(document: vscode.TextDocument, word = 'new '): Promise<void> {
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 4), word);
    assert.ok(await vscode.workspace.applyEdit(edit));
  }
  async function says(what: RegExp): Promise<void> {
    let said = '';
    await eventually(`the status bar says ${String(what)}`, async () => what.test((said = await shownState())), patienceMs).catch(
      (error: unknown) => {
        throw new Error(`It says "${said}".`, { cause: error });
      },
    );
  }

  before(async () => {
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-manners-'));
  });
  after(async () => {
    await useModel(undefined);
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await browser.focus('back');
    for (const name of changed) await settings().update(name, undefined, vscode.ConfigurationTarget.Global);
    changed.clear();
    await vscode.workspace.getConfiguration('files').update('autoSave', undefined, vscode.ConfigurationTarget.Global);
    for (const document of vscode.workspace.textDocuments) {
      if (!document.isUntitled || document.isClosed) continue;
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  describe('in a window without the focus', () => {
    it('runs no tokens, says so, and goes on when the focus is back', async () => {
      await set('pauseAfterSeconds', 1);
      const { document } = await openOn(longText);
      await says(/^scoring [1-9]\d?%$/);
      await browser.focus('away');
      await says(/^paused at \d+%$/);
      await browser.screenshot('manners-paused');
      await assertNothingRuns();
      await insert(document);
      await assertNothingRuns();
      await says(/^paused at \d+%$/);
      await browser.focus('back');
      await says(/^scoring \d+%$/);
      const before = await tokensRun();
      await eventually('tokens are run again', async () => (await tokensRun()) > before);
    });

    it('scores what another extension asks for, and no more', async () => {
      await set('pauseAfterSeconds', 1);
      const { document } = await openOn(text);
      await scored(document);
      await browser.focus('away');
      await eventually('it is paused', async () => {
        await insert(document);
        await quiet();
        return (await shownState()).endsWith('(paused)');
      });
      const before = await tokensRun();
      const scores = await api.score(document.uri);
      assert.ok((await tokensRun()) > before);
      assertSameScores(scores, await scoresOfText(api, document));
      await insert(document);
      await assertNothingRuns();
      await browser.focus('back');
      await scored(document);
    });

    it('ends the model process after a while, and starts it when there is something to do', async () => {
      await set('pauseAfterSeconds', 1);
      await set('unloadAfterSeconds', 1);
      const { document } = await openOn(text);
      await scored(document);
      assert.ok((await api.measure()).model);
      await browser.focus('away');
      await eventually('the process has ended', async () => (await api.measure()).model === undefined);
      await insert(document);
      await browser.focus('back');
      await scored(document);
      assert.ok((await api.measure()).model);
      assertSameScores(await api.score(document.uri), await scoresOfText(api, document));
    });

    it('goes on where the settings say 0', async () => {
      await set('pauseAfterSeconds', 0);
      await set('unloadAfterSeconds', 0);
      const { document } = await openOn(text);
      await scored(document);
      await browser.focus('away');
      await quiet();
      await insert(document);
      await scored(document);
    });
  });

  describe('with hidden documents', () => {
    it('runs no tokens for their edits until they are shown or asked for', async () => {
      const { document } = await openOn(text);
      await scored(document);
      await open('Another text.');
      await quiet();
      await insert(document);
      await assertNothingRuns();
      assert.equal(api.scores(document.uri), undefined);
      const before = await tokensRun();
      await api.score(document.uri);
      assert.ok((await tokensRun()) > before);
      await insert(document);
      await assertNothingRuns();
      await vscode.window.showTextDocument(document);
      await scored(document);
      assertSameScores(await api.score(document.uri), await scoresOfText(api, document));
    });

    it('stops a run when its document is hidden, and goes on from there', async () => {
      const { document } = await openOn(longText);
      await says(/^scoring [1-9]\d?%$/);
      await open('Another text.');
      await quiet();
      await assertNothingRuns();
      await vscode.window.showTextDocument(document);
      await eventually('the progress is there at once', async () => /^scoring [1-9]\d?%$/.test(await shownState()), 1_000);
    });
  });

  describe('`scoreOn`', () => {
    it('save: marks what an edit made stale, and scores when the document is saved', async () => {
      await set('scoreOn', 'save');
      await vscode.workspace.getConfiguration('files').update('autoSave', 'off', vscode.ConfigurationTarget.Global); // a served VS Code saves by itself
      const file = path.join(folder, 'save.txt');
      writeFileSync(file, text);
      const { document } = await vscode.window.showTextDocument(vscode.Uri.file(file));
      await vscode.commands.executeCommand('tokenLens.toggle');
      await scored(document);
      await insert(document);
      await says(/^edited: save to rescore$/);
      await browser.screenshot('manners-save');
      await assertNothingRuns();
      assert.equal(api.scores(document.uri), undefined);
      await document.save();
      await scored(document);
      await says(/^PPL /);
      assertSameScores(await api.score(document.uri), await scoresOfText(api, document));
    });

    it('save: takes at once what another program wrote', async () => {
      await set('scoreOn', 'save');
      const file = path.join(folder, 'written.txt');
      writeFileSync(file, text);
      const { document } = await vscode.window.showTextDocument(vscode.Uri.file(file));
      await vscode.commands.executeCommand('tokenLens.toggle');
      await scored(document);
      await eventually('the editor took the file', async () => {
        writeFileSync(file, `Another beginning. ${text}`);
        return comesTrue(() => document.getText().startsWith('Another'), 1_000);
      });
      await scored(document);
    });

    it('command: scores when somebody says so, and from then on as typing goes when the setting says that', async () => {
      await set('scoreOn', 'command');
      const { document } = await openOn(text);
      await scored(document);
      await insert(document);
      await says(/^edited: rescore by command$/);
      await browser.screenshot('manners-command');
      await assertNothingRuns();
      await vscode.commands.executeCommand('tokenLens.rescore');
      await scored(document);
      await insert(document);
      await assertNothingRuns();
      await set('scoreOn', 'typing');
      await scored(document);
    });
  });

  it('runs no tokens while nothing happens, whatever the cursor and the settings for memory do', async () => {
    const editor = await openOn(text);
    await scored(editor.document);
    const before = await tokensRun();
    for (let line = 0; line < 10; line++) editor.selection = new vscode.Selection(line, 3, line, 3);
    await set('idleMinutes', 7);
    await set('unloadAfterSeconds', 50);
    await quiet();
    assert.ok(api.scores(editor.document.uri));
    assert.equal(await tokensRun(), before);
  });

  it('scores what is scrolled to before the rest', async () => {
    const editor = await openOn(longText);
    const { document } = editor;
    await says(/^scoring \d+%$/);
    await set('hover', 'all');
    const line = document.lineCount - 1;
    editor.revealRange(new vscode.Range(line, 0, line, 0));
    await eventually('the last line has its scores', async () => {
      const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
        'vscode.executeHoverProvider',
        document.uri,
        new vscode.Position(line, 3),
      );
      return hovers.some(hover =>
        hover.contents.some(content => content instanceof vscode.MarkdownString && /surprising to/i.test(content.value)),
      );
    });
    assert.equal(api.scores(document.uri), undefined);
    assert.ok(Number(/\d+/.exec(await shownState())?.[0]) < 50);
  });

  it('keeps the lens on when an untitled document is saved as a file', async () => {
    const { document } = await openOn(text);
    await scored(document);
    void vscode.commands.executeCommand('workbench.action.files.saveAs');
    const proposed = () => browser.evaluate<string>(`document.querySelector('.quick-input-widget input')?.value ?? ''`);
    await eventually('the dialog proposes a name', async () => (await proposed()) !== '');
    await quiet(); // it goes on looking for files beside it
    const name = path.join(folder, 'saved.txt');
    let file: vscode.TextDocument | undefined;
    await eventually('it is saved', async () => {
      // The dialog takes a name when it has looked up the folder, and may propose another one meanwhile.
      if ((await proposed()) === name) await browser.press('Enter');
      else if ((await proposed()) !== '') {
        await browser.press('Control+A');
        await browser.type(name);
      }
      await quiet();
      file = vscode.window.activeTextEditor?.document;
      return file?.uri.path.endsWith('/saved.txt') === true;
    });
    assert.ok(file);
    await scored(file);
  });
});
