import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { browser } from './browser';
import { activated, closeAll, eventually, untitled, useModel } from './documents';
import { setTheme, themes } from './screen';

const text = 'The capital of France is';

describe('futures of a user', function () {
  this.timeout(180_000);

  before(async () => {
    await activated();
    await useModel(undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });
  after(async () => {
    await closeAll();
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  const contents = (selector: string) =>
    browser.evaluateInWebview<readonly string[]>(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map(each => each.textContent)`,
    );
  const first = async (selector: string) => (await contents(selector))[0] ?? '';
  const matches = (selector: string) =>
    browser.evaluateInWebview<boolean>(`document.activeElement?.matches(${JSON.stringify(selector)}) === true`);
  async function tabTo(selector: string): Promise<void> {
    for (let step = 0; step < 60 && !(await matches(selector)); step++) await browser.press('Tab');
    assert.ok(await matches(selector), selector);
  }
  async function moveTo(editor: vscode.TextEditor, offset: number): Promise<void> {
    const position = editor.document.positionAt(offset);
    editor.selection = new vscode.Selection(position, position);
    const before = editor.document.getText().slice(0, offset);
    await eventually('the panel is there', async () => {
      const [shown, isBusy] = await Promise.all([first('.before'), browser.evaluateInWebview<string>(`document.querySelector('main')?.getAttribute('aria-busy') ?? 'true'`)]); // prettier-ignore
      return shown === before && isBusy === 'false';
    });
  }
  const freeStatus = '.futures > .sample .status';
  const forced = '[aria-labelledby=future-forced-title]';
  const members = () =>
    browser.evaluateInWebview<number>(
      `[...document.querySelectorAll('.future-tree [role=treeitem][aria-level="1"]')].reduce((sum, item) => sum + Number(item.dataset.members), 0)`,
    );

  it('are sampled, counted, forced and rewarded by keys, stay with their place, and go when its text changes', async () => {
    const editor = await vscode.window.showTextDocument(await untitled(`${text} in Europe.`, 'plaintext'), { preview: false });
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await moveTo(editor, text.length);
    await tabTo('.futures summary');
    await browser.press('Enter');
    await tabTo('.futures > .sample button');
    await browser.press('Enter');
    await eventually('all are sampled', async () => (await first(freeStatus)) === '32 sampled', 60_000);
    assert.equal(await members(), 32);
    assert.match(await first('.origin'), /^After “The capital of France is”: 32 futures of at most 16 tokens, seed 1, all rules neutral; 5 tokens were read\.$/); // prettier-ignore
    const lines = await contents('.future-tree [role=treeitem]');

    await tabTo('#future-word');
    await browser.type('Paris');
    await eventually('the word is counted', async () => /^“Paris”: \d+ of 32, \d/.test(await first('output')));
    await tabTo(`${forced} .sample button`);
    await browser.press('Enter');
    await eventually('both are sampled', async () => (await first(`${forced} .status`)) === '32 sampled', 60_000);
    assert.match(await first(`${forced} tbody tr:first-child`), /^A·Paris.*32 of 32, 100%, 95% interval 89 to 100%$/);
    assert.match(await first(`${forced} output`), /percentage points, 95% interval .* The interval does not hold 0/);
    await tabTo('.marks button');
    await browser.press('Enter');
    assert.match(await first('[aria-labelledby=future-rewards-title] [role=status]'), /^N = 32, effective N = \d+\.\d: /);
    for (const [, name] of themes) {
      await setTheme(name);
      await browser.screenshot(`futures-${name.replaceAll(' ', '-')}`);
    }
    await setTheme(undefined);

    // They stay while the cursor is elsewhere and the page is thrown away.
    await moveTo(editor, 3);
    await eventually('it is said', async () => (await first('.origin')).endsWith('The cursor is elsewhere now.'));
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await eventually('the page is back', async () => (await members()) === 32);
    assert.deepEqual(await contents('.future-tree [role=treeitem]'), lines);
    assert.equal((await contents('.mark[aria-pressed=true]')).length, 1);
    const end = editor.document.positionAt(editor.document.getText().length);
    await editor.edit(edit => edit.insert(end, ' Yes.'));
    await moveTo(editor, text.length);
    await eventually('it is here again', async () => !(await first('.origin')).includes('elsewhere'));
    assert.deepEqual(await contents('.future-tree [role=treeitem]'), lines);

    // Stopped by the cursor, gone by an edit.
    // Not Ctrl+A: VS Code takes that key and selects a little later.
    await browser.evaluateInWebview(`{ const box = document.querySelector('#future-count'); box.focus(); box.select(); }`);
    await browser.type('256');
    await tabTo('.futures > .sample button');
    await browser.press('Enter');
    await eventually('some are there', async () => /^[1-9]\d* of 256 sampled$/.test(await first(freeStatus)));
    await moveTo(editor, 3);
    await eventually('it has stopped', async () => (await first(freeStatus)).endsWith('of 256: the cursor has moved.'));
    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), 'Once more. '));
    await eventually('they are gone', async () => (await first('.futures > .note')).startsWith('The text before the place was edited'));
    assert.equal(await members(), 0);
  });
});
