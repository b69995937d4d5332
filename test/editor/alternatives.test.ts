import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { DocumentScores } from '../../src/api';
import { browser } from './browser';
import { activated, eventually, scoresOfText, untitled } from './documents';
import { followHoverLink } from './screen';

const text =
  'The capital of France is Tuesday, and the Seine runs through it. Many people live there and many more come to visit it every year.\n';
const patienceMs = 60_000;

async function opened(content: string): Promise<{ editor: vscode.TextEditor; document: vscode.TextDocument; scores: DocumentScores }> {
  const api = await activated();
  const document = await untitled(content);
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  await vscode.commands.executeCommand('tokenLens.toggle');
  await eventually('it is scored', () => api.scores(document.uri) !== undefined, patienceMs);
  const scores = api.scores(document.uri);
  assert.ok(scores);
  return { editor, document, scores };
}

/** Entries of the list that is open, from the top: label, description and detail as shown. */
function entries(): Promise<readonly { readonly text: string; readonly active: boolean }[]> {
  return browser.evaluate(
    `[...document.querySelectorAll('.quick-input-list .monaco-list-row')].map(row => ({ text: row.innerText.replaceAll('\\u00a0', ' '), active: row.classList.contains('focused') }))`,
  );
}

async function activeEntry(): Promise<string> {
  return (await entries()).find(({ active }) => active)?.text ?? '';
}

/** The two pairs of an entry: bits here and of what follows, before and after. */
function numbersOf(entry: string): readonly number[] {
  const found = /here ([\d.]+) → ([\d.]+) bits; the next [\d,]+ tokens ([\d.,]+) → ([\d.,]+) bits/.exec(entry);
  return (found?.slice(1) ?? []).map(number => Number(number.replaceAll(',', '')));
}

async function openList(editor: vscode.TextEditor, offset: number): Promise<{ readonly done: Thenable<unknown> }> {
  const position = editor.document.positionAt(offset);
  editor.selection = new vscode.Selection(position, position);
  const done = vscode.commands.executeCommand('tokenLens.showAlternatives');
  await eventually('the list is open', async () => (await entries()).length > 3);
  return { done };
}

describe('alternatives', function () {
  this.timeout(2 * patienceMs);

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('notifications.clearAll');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('says before accepting what an alternative does to the bits there and after, and the document then has those bits', async () => {
    const api = await activated();
    const { editor, document, scores } = await opened(text);
    const tuesday = scores.tokens.find(({ start, end }) => text.slice(start, end) === ' Tuesday');
    assert.ok(tuesday);
    const { done } = await openList(editor, tuesday.start + 2);
    await eventually('the first entry says what it would do', async () => numbersOf(await activeEntry()).length === 4);
    const entry = await activeEntry();
    await browser.screenshot('alternatives');
    const [hereBefore = NaN, hereAfter = NaN, before = NaN, after = NaN] = numbersOf(entry);
    await browser.press('Enter');
    await done;
    await eventually('the token is replaced', () => document.getText() !== text);
    const edited = await scoresOfText(api, document);
    const sum = (tokens: DocumentScores['tokens']) => tokens.reduce((bits, { surprisalBits }) => bits + (surprisalBits ?? 0), 0);
    const grown = document.getText().length - text.length;
    const put = edited.tokens.filter(({ start, end }) => start >= tuesday.start && end <= tuesday.end + grown);
    assert.ok(Math.abs(sum(put) - hereAfter) < 0.06, `${entry}: ${String(sum(put))}`);
    assert.ok(Math.abs((tuesday.surprisalBits ?? NaN) - hereBefore) < 0.06);
    // Fewer than 64 tokens follow: all of them are compared.
    assert.ok(Math.abs(sum(scores.tokens.filter(({ start }) => start >= tuesday.end)) - before) < 0.6, entry);
    assert.ok(Math.abs(sum(edited.tokens.filter(({ start }) => start >= tuesday.end + grown)) - after) < 0.6, entry);
    await vscode.commands.executeCommand('undo');
    await eventually('one undo brings the token back', () => document.getText() === text);
  });

  it('offers whole words, which take the place of the whole word', async () => {
    const content = 'An old man sat on an upturned crate by the sea and waited for the boat.\n';
    const { editor, document, scores } = await opened(content);
    const start = scores.tokens.find(token => content.slice(token.start, token.end).startsWith(' upt'))?.start ?? -1;
    assert.ok(start >= 0);
    const { done } = await openList(editor, start + 1);
    // Only what is on the screen is in the page: up from the first entry is the last one, a word as soon as words have come.
    await eventually('words are listed', async () => {
      await vscode.commands.executeCommand('workbench.action.quickOpenSelectPrevious');
      return (await entries()).some(entry => entry.text.includes('Instead of the whole word'));
    });
    await browser.screenshot('alternatives-words');
    await eventually('a word is chosen', async () => {
      const isWord = async () =>
        /Instead of the whole word|next \d+ tokens/.test(await activeEntry()) && !/^\s*\d/.test(await activeEntry());
      if (await isWord()) return true;
      await vscode.commands.executeCommand('workbench.action.quickOpenSelectPrevious');
      return isWord();
    });
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    await eventually('the word is replaced', () => document.getText() !== content);
    assert.match(document.getText(), /^An old man sat on an \S+ crate by the sea and waited for the boat\.\n$/);
    assert.ok(!document.getText().includes('turned'));
  });

  it('a click on an alternative in a hover opens the list at it; a stale click is refused', async () => {
    const { editor, document, scores } = await opened(text);
    const tuesday = scores.tokens.find(({ start, end }) => text.slice(start, end) === ' Tuesday');
    assert.ok(tuesday);
    const position = document.positionAt(tuesday.start + 2);
    editor.selection = new vscode.Selection(position, position);
    const link = 'a[data-href^="command:tokenLens.showAlternatives"]';
    await eventually('the hover has links', async () => {
      await vscode.commands.executeCommand('editor.action.showHover');
      return browser.evaluate<boolean>(`document.querySelectorAll('.monaco-hover ${link}').length > 3`);
    });
    await browser.screenshot('alternatives-hover');
    const { name, address } = await followHoverLink(link, 2);
    await eventually('the list is open at it', async () => (await activeEntry()).includes(name.trim()));
    assert.match(await activeEntry(), /^\s*3\./, 'the third of the hover is the third of the list');
    await browser.press('Enter');
    await eventually('it is replaced', () => document.getText() !== text);
    const once = document.getText();

    // The same link again, from a hover of before the edit.
    const [asked] = JSON.parse(decodeURIComponent(address.slice(address.indexOf('?') + 1))) as [unknown];
    await vscode.commands.executeCommand('tokenLens.showAlternatives', asked);
    await eventually('it is refused with a message', async () => {
      await vscode.commands.executeCommand('notifications.showList'); // a toast may be held back while the window has no focus
      return browser.evaluate<boolean>(`document.querySelector('.notifications-center')?.innerText.includes('has changed') ?? false`);
    });
    assert.equal(document.getText(), once);
  });

  it('knows all tokens that share a character, in a document that the lens is off for too', async () => {
    const content = 'They all laughed 😀 and went home.\n';
    const document = await untitled(content);
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    const api = await activated();
    const { tokens } = await api.score((await untitled(content)).uri);
    const at = content.indexOf(' 😀');
    const sharing = tokens.filter(({ start, end }) => start < at + 3 && end > at);
    assert.ok(sharing.length > 1, 'more than one');
    const position = document.positionAt(at);
    editor.selection = new vscode.Selection(position, position);
    const done = vscode.commands.executeCommand('tokenLens.showAlternatives');
    const placeholder = () => browser.evaluate<string>(`document.querySelector('.quick-input-box input')?.placeholder ?? ''`);
    await eventually('the list says so', async () => (await placeholder()).includes(`${String(sharing.length)} tokens`));
    await browser.press('Escape');
    await done;
  });
});
