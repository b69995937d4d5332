import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { browser } from './browser';
import { activated, closeAll, eventually, untitled, useModel } from './documents';

describe('the continuation of a user', function () {
  this.timeout(120_000);

  before(async () => {
    await activated();
    await useModel(undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });
  afterEach(async () => {
    await closeAll();
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  async function openAt(text: string, offset = text.length): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(await untitled(text, 'plaintext'), { preview: false });
    moveTo(editor, offset);
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    const shown = asShown(editor.document.getText().slice(0, offset)).slice(-20);
    await eventually('there is an answer', async () => asShown((await contents('.before'))[0] ?? '').endsWith(shown) && (await contents('.rows tr[data-id]')).length > 1, 60_000); // prettier-ignore
    await atRest();
    return editor;
  }
  function moveTo(editor: vscode.TextEditor, offset: number): void {
    const position = editor.document.positionAt(offset);
    editor.selection = new vscode.Selection(position, position);
  }
  const contents = (selector: string) =>
    browser.evaluateInWebview<readonly string[]>(`[...document.querySelectorAll('${selector}')].map(each => each.textContent)`);
  const path = () => contents('.scratch-tree .on-path .token');
  const focused = () => browser.evaluateInWebview<string>('document.activeElement?.textContent ?? ""');
  async function press(name: string): Promise<void> {
    for (let step = 0; step < 60 && (await focused()) !== name; step++) await browser.press('Tab');
    assert.equal(await focused(), name);
    await browser.press('Enter');
  }
  /** The row of the place behind the tokens is there. */
  async function settled(count: number): Promise<void> {
    await eventually(`${String(count)} tokens are there`, async () => (await path()).length === count && (await contents('.before .scratch .token')).length === count); // prettier-ignore
    await atRest();
  }
  const atRest = () => eventually('the panel is at rest', () => browser.evaluateInWebview<boolean>(`document.querySelector('main').getAttribute('aria-busy') === 'false'`)); // prettier-ignore
  const asShown = (text: string) => text.replaceAll('\r\n', '\n').replaceAll(' ', '·').replaceAll('\n', '↵').replaceAll('\t', '→');

  it('draws, accepts, runs ten, steps back, branches, and goes into the document as one edit to be undone', async () => {
    const text = 'Notes of a day.\n\nThe capital of France is';
    const editor = await openAt(text);
    const { document } = editor;
    await editor.edit(edit => edit.setEndOfLine(vscode.EndOfLine.CRLF));
    const before = document.getText();
    moveTo(editor, before.length);
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await press('Draw');
    await eventually('a number was drawn', async () => /^Number 1 of seed 0 is 0\.\d{4}: it falls on/.test((await contents('.drawn-text'))[0] ?? '')); // prettier-ignore
    await press('Accept');
    await settled(1);
    const [first] = await path();
    await press('Run ten');
    await eventually('ten more are there, or the text has ended', async () => (await path()).length === 11 || (await path()).at(-1)?.startsWith('<|') === true, 60_000); // prettier-ignore
    const long = await path();
    await settled(long.length);
    await browser.screenshot('panel-continue');
    await press('Step back');
    await settled(long.length - 1);
    assert.deepEqual(await path(), long.slice(0, -1));
    assert.equal(document.getText(), before, 'the document has changed');

    // To the first token, and another way from there: that of the third row.
    for (let step = 0; step < 60 && !(await browser.evaluateInWebview<boolean>(`document.activeElement?.matches('[role=treeitem]') === true`)); step++) await browser.press('Tab'); // prettier-ignore
    await browser.press('Home');
    await browser.press('ArrowRight');
    await browser.press('Enter');
    await settled(1);
    assert.deepEqual(await path(), [first]);
    await browser.evaluateInWebview(`document.querySelectorAll('.rows tr[data-id]')[2].focus()`);
    const chosen = await browser.evaluateInWebview<string>(`document.activeElement.querySelector('.token').textContent`);
    await browser.press('Enter');
    await settled(2);
    assert.deepEqual(await path(), [first, chosen]);
    assert.equal((await contents('.branch')).length, 3);
    await press('Draw and accept');
    await settled(3);
    const tokens = await path();

    // Hidden and shown again it is the same.
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await settled(3);
    assert.deepEqual(await path(), tokens);

    await press('Insert into the editor');
    await eventually('it is in the document', () => document.getText() !== before);
    const inserted = document.getText().slice(before.length);
    assert.equal(before + inserted, document.getText());
    assert.equal(asShown(inserted), tokens.join(''));
    assert.equal(/(^|[^\r])\n/.test(document.getText()), false, 'other line endings');
    assert.equal(document.offsetAt(editor.selection.active), document.getText().length);
    await eventually('the continuation has ended', async () => (await contents('.before .scratch')).length === 0);
    assert.deepEqual(await path(), []);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), before);
  });

  it('takes the place of what is typed of a word, stays with its place while the cursor moves, and says when its text has changed', async () => {
    const text = 'The capital of France is Paris. The capital of Germany is '; // the space belongs to the word to come
    const editor = await openAt(text);
    const { document } = editor;
    await press('Draw and accept');
    await settled(1);
    await press('Draw and accept');
    await settled(2);
    const tokens = await path();
    moveTo(editor, 3);
    await eventually('it says that the cursor is elsewhere', async () => (await contents('.elsewhere span'))[0] === 'The cursor is elsewhere.'); // prettier-ignore
    assert.deepEqual(await path(), tokens);
    assert.equal((await contents('.before .scratch .token')).length, 2);

    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), 'X'));
    await eventually('it says that the text has changed', async () => (await contents('.scratch-state'))[0]?.includes('numbers hold no longer') === true); // prettier-ignore
    await eventually('the panel follows the cursor', async () => (await contents('.before .scratch')).length === 0);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), text);
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await settled(2);
    // Pressed twice it goes in once.
    await browser.evaluateInWebview(`{ const insert = [...document.querySelectorAll('.act')].find(each => each.textContent === 'Insert into the editor'); insert.click(); insert.click(); }`); // prettier-ignore
    await eventually('it is in the document', () => document.getText() !== text);
    await eventually('it has ended', async () => (await path()).length === 0);
    assert.equal(asShown(document.getText()), asShown(text.trimEnd()) + tokens.join(''));

    // Another one, which the button ends.
    const behind = asShown(document.getText()).slice(-20);
    await eventually('the panel is behind it', async () => (await path()).length === 0 && asShown((await contents('.before'))[0] ?? '').endsWith(behind)); // prettier-ignore
    await atRest();
    await press('Draw and accept');
    await settled(1);
    const now = document.getText();
    moveTo(editor, 3);
    await eventually('it says that the cursor is elsewhere', async () => (await contents('.elsewhere span'))[0] === 'The cursor is elsewhere.'); // prettier-ignore
    await press('Back to the cursor');
    await eventually('the panel is at the cursor', async () => (await contents('.before'))[0] === 'The');
    assert.deepEqual(await path(), []);
    assert.equal(document.getText(), now);
  });
});
