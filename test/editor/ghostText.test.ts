import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, eventually, untitled } from './documents';
import { editorHasFocus } from './screen';

const patienceMs = 15_000;

/** Grey text in the page, in reading order; line breaks are between its parts. */
const ghost = `[...document.querySelectorAll('.part.editor .monaco-editor .ghost-text-decoration, .part.editor .monaco-editor .ghost-text-decoration-preview, .part.editor .monaco-editor .suggest-preview-text')].map(part => part.textContent.replaceAll('\\u00a0', ' ')).join('')`;

function ghostText(): Promise<string> {
  return browser.evaluate<string>(ghost);
}

function statusBar(): Promise<string> {
  return browser.evaluate<string>(`document.querySelector('.part.statusbar')?.innerText ?? ''`);
}

/** What stands behind a line: where it is, and where the grey text of that line ends, in CSS pixels. */
function mark(): Promise<{ readonly text: string; readonly left: number; readonly ghostRight: number } | null> {
  return browser.evaluate(
    `(() => { const said = span => getComputedStyle(span, '::after').content.replaceAll('"', '').replaceAll('\\u00a0', ' '); const found = [...document.querySelectorAll('.part.editor .view-line span span')].find(span => said(span).includes('bits a token')); const grey = found?.closest('.view-line').querySelector('.ghost-text-decoration'); return !found ? null : { text: said(found), left: found.getBoundingClientRect().left, ghostRight: grey?.getBoundingClientRect().right ?? Infinity }; })()`,
  );
}

describe('ghost text in the editor', function () {
  this.timeout(240_000);
  let api: TokenLensApi;
  const changed = new Set<string>();

  async function set(name: string, value: unknown): Promise<void> {
    changed.add(name);
    await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
  }
  async function tokensRun(): Promise<number> {
    return (await api.measure()).model?.tokensRun ?? 0;
  }
  /** `|` is the cursor. */
  async function open(marked: string, eol = vscode.EndOfLine.LF, language = 'javascript'): Promise<vscode.TextEditor> {
    const offset = marked.indexOf('|');
    const document = await untitled(marked.replace('|', ''), language);
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    if (document.eol !== eol) await editor.edit(builder => builder.setEndOfLine(eol));
    const place = document.positionAt(offset + (eol === vscode.EndOfLine.CRLF ? marked.slice(0, offset).split('\n').length - 1 : 0));
    editor.selection = new vscode.Selection(place, place);
    await editorHasFocus();
    await says(new RegExp(`Ln ${String(place.line + 1)}, Col ${String(place.character + 1)}\\b`)); // keys go where the window has the cursor
    return editor;
  }
  async function ask(): Promise<void> {
    await browser.press('Control+k');
    await browser.press('Space');
  }
  async function shows(what: RegExp): Promise<string> {
    let shown = '';
    await eventually(`grey text like ${String(what)}`, async () => what.test((shown = await ghostText())), patienceMs).catch(
      async (error: unknown) => {
        throw new Error(`It is "${shown}"; the status bar says "${await statusBar()}".`, { cause: error });
      },
    );
    return shown;
  }
  async function says(what: RegExp): Promise<void> {
    let said = '';
    await eventually(`the status bar says ${String(what)}`, async () => what.test((said = await statusBar())), patienceMs).catch(
      (error: unknown) => {
        throw new Error(`It says "${said}".`, { cause: error });
      },
    );
  }
  async function is(document: vscode.TextDocument, text: string): Promise<void> {
    await eventually(`the document is ${JSON.stringify(text)}`, () => document.getText() === text, 10_000).catch((error: unknown) => {
      throw new Error(`It is ${JSON.stringify(document.getText())}.`, { cause: error });
    });
  }

  const loop = 'const items = [1, 2, 3];\nfor (let i = 0; i < items.length; i';

  before(async () => {
    api = await activated();
    // Other grey text would be taken for ours.
    await vscode.workspace.getConfiguration('editor').update('wordBasedSuggestions', 'off', vscode.ConfigurationTarget.Global);
  });
  after(async () => {
    await vscode.workspace.getConfiguration('editor').update('wordBasedSuggestions', undefined, vscode.ConfigurationTarget.Global);
  });
  afterEach(async () => {
    await browser.press('Escape');
    for (const name of changed) await vscode.workspace.getConfiguration().update(name, undefined, vscode.ConfigurationTarget.Global);
    changed.clear();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('is shown where it is asked for, with how sure the model is, and is put in whole as one step', async () => {
    const { document } = await open(`${loop}|`);
    await ask();
    const added = await shows(/^\+\+\)/);
    await says(/SmolLM2-135M wrote \d+ tokens: [\d.]+ bits a token \(draft\)/);
    await eventually('the mean is behind it', async () => (await mark()) !== null);
    const shown = await mark();
    assert.match(shown?.text ?? '', /^[\d.]+ bits a token$/);
    assert.ok(shown && shown.left >= shown.ghostRight - 1, JSON.stringify(shown));
    assert.ok((await statusBar()).includes(`: ${shown.text} (draft)`));
    await browser.screenshot('ghost-text');
    await browser.press('Escape');
    await eventually('both go by Escape', async () => (await ghostText()) === '' && (await mark()) === null);
    await ask();
    await shows(/^\+\+\)/);
    await eventually('the mean is back', async () => (await mark()) !== null);
    await browser.press('Tab');
    await is(document, loop + added);
    await eventually(
      'nothing is said of it any more',
      async () => !(await statusBar()).includes('bits a token') && (await mark()) === null,
    );
    await browser.press('Control+z');
    await is(document, loop);
  });

  it('takes the mean behind it along, where VS Code takes it away without a word', async () => {
    await open(`${loop}|`);
    for (const [take, giveBack] of [
      [() => browser.focus('away'), () => browser.focus('back')],
      [() => browser.press('F1'), () => browser.press('Escape')],
    ] as const) {
      await ask();
      await shows(/^\+\+\)/);
      await eventually('the mean is behind it', async () => (await mark()) !== null);
      await take();
      await eventually('both are gone', async () => (await ghostText()) === '' && (await mark()) === null);
      await giveBack();
      await editorHasFocus();
      await browser.press('Escape');
    }
  });

  it('is listed in the panel before it is accepted, token by token, with the numbers of the text that it would make', async () => {
    const { document } = await open(`${loop}|`);
    await vscode.commands.executeCommand('tokenLens.inspectSuggestion');
    await says(/No suggestion of Token Lens stands at the cursor/);
    await ask();
    const added = await shows(/^\+\+\)/);
    await vscode.commands.executeCommand('tokenLens.inspectSuggestion');
    const rows = `[...document.querySelectorAll('tr[data-row]')].map(row => [row.cells[1].textContent, Number(row.cells[2].textContent)])`;
    let listed: readonly (readonly [string, number])[] = [];
    await eventually('it is listed', async () => (listed = await browser.evaluateInWebview<typeof listed>(rows)).length > 0, patienceMs);
    await browser.screenshot('suggestion-listed');
    const said = await browser.evaluateInWebview<string>(`document.querySelector('main').innerText`);
    assert.match(said, /as SmolLM2-135M reads it, which also wrote it/);
    assert.equal(document.getText(), loop, 'nothing is inserted');
    const { tokens } = await api.score((await untitled(loop + added, 'javascript')).uri);
    const inside = tokens.filter(token => token.end > loop.length);
    assert.deepEqual(
      listed.map(([token]) => token.replaceAll('·', ' ')),
      inside.map(({ start, end }) => (loop + added).slice(start, end)),
    );
    for (const [row, [, bits]] of listed.entries()) assert.ok(Math.abs(bits - (inside[row]?.surprisalBits ?? NaN)) < 0.06, String(row));
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
  });

  it('is listed no more, and not inserted, when a key comes while it is read for the list', async () => {
    const { document } = await open(`${loop}|`);
    await ask();
    await shows(/^\+\+\)/);
    const inPanel = () => browser.evaluateInWebview<string>(`document.querySelector('main')?.innerText ?? ''`);
    const done = vscode.commands.executeCommand('tokenLens.inspectSuggestion');
    await eventually('it is being read, or has just been', async () => /Reading the text|which also wrote it/.test(await inPanel()));
    await browser.type('x');
    await done;
    await is(document, `${loop}x`);
    await eventually('the list is gone', async () => (await inPanel()).toUpperCase().includes('WHAT IT EXPECTS NEXT'));
    await new Promise(resolve => setTimeout(resolve, 1_500));
    assert.doesNotMatch(await inPanel(), /which also wrote it/);
    await is(document, `${loop}x`);
  });

  it('does nothing while people type', async () => {
    const { document } = await open(`${loop}|`);
    const before = await tokensRun();
    await browser.type('+');
    await new Promise(resolve => setTimeout(resolve, 1500));
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger'); // somebody else's question
    await new Promise(resolve => setTimeout(resolve, 1000));
    assert.equal(await ghostText(), '');
    assert.equal(await tokensRun(), before);
    await is(document, `${loop}+`);
  });

  it('goes when something else is typed, shown or still awaited', async () => {
    const { document } = await open(`${loop}|`);
    await ask();
    await shows(/\+\+/);
    await browser.type('x');
    await eventually('the grey text is gone', async () => (await ghostText()) === '');
    await eventually('nothing is said of it any more', async () => !(await statusBar()).includes('bits a token'));
    await is(document, `${loop}x`);
    await browser.press('Backspace');
    await ask();
    await browser.type(' y'); // before an answer can be there, or just after it
    await new Promise(resolve => setTimeout(resolve, 2000));
    assert.equal(await ghostText(), '');
    await is(document, `${loop} y`);
  });

  it('is not written on after Escape, or where the cursor goes away', async () => {
    const rows = Array.from({ length: 90 }, (_, row) => `const row${String(row)} = [${String(row * 7)}, "quay ${String(row)}"];\n`).join(
      '',
    );
    for (const [index, stop] of [async () => browser.press('Escape'), async () => browser.press('ArrowLeft')].entries()) {
      // A text that nobody has read: the model is busy for a while.
      const asked = `// ${String(index)}\n${rows}${loop}`;
      const { document } = await open(`${asked}|`);
      const run = await tokensRun();
      await ask();
      await new Promise(resolve => setTimeout(resolve, 150));
      await stop();
      await new Promise(resolve => setTimeout(resolve, 3_000));
      assert.equal(await ghostText(), '');
      assert.doesNotMatch(await statusBar(), /the model writes|bits a token/);
      const tokens = (await tokensRun()) - run;
      assert.ok(tokens < 700, `the rest was not read: ${String(tokens)}`);
      await is(document, asked);
      // Escape is Escape again.
      await browser.press('Escape');
    }
  });

  it('is put in word by word, and stays while it is typed', async () => {
    await set('tokenLens.suggestLeastProbability', 0.02); // a long one
    const { document } = await open(`const items = [1, 2, 3];\nfor (let i = 0; i|`);
    const loop = document.getText();
    await ask();
    const added = await shows(/^ < .{8}/);
    await browser.press('Control+ArrowRight');
    await eventually('a part of it is there', () => document.getText().length > loop.length);
    const part = document.getText().slice(loop.length);
    assert.ok(added.startsWith(part) && part.length < added.length, JSON.stringify([part, added]));
    await eventually('the rest of it is shown', async () => (await ghostText()) === added.slice(part.length));
    await browser.type(added.charAt(part.length));
    await eventually('the rest of that is shown', async () => (await ghostText()) === added.slice(part.length + 1));
    await browser.press('Tab');
    await is(document, loop + added);
  });

  it('keeps what is typed of a word and the line ends of the document', async () => {
    const { document } = await open(`function total(items) {\n  let total = 0;\n  for (const item of ite|\n}\n`, vscode.EndOfLine.CRLF);
    await ask();
    const added = await shows(/^ms\)/);
    await browser.press('Tab');
    await is(document, `function total(items) {\r\n  let total = 0;\r\n  for (const item of ite${added}\r\n}\r\n`);
  });

  it('goes on from the entry that is marked in a list', async () => {
    const entries = vscode.languages.registerCompletionItemProvider('javascript', {
      provideCompletionItems: () => [new vscode.CompletionItem('byteTotal', vscode.CompletionItemKind.Property)],
    });
    try {
      const text = 'const items = [1, 2, 3];\nfor (let i = 0; i < items.';
      const { document } = await open(`${text}|`);
      await vscode.commands.executeCommand('editor.action.triggerSuggest');
      await eventually('the list is open', () =>
        browser.evaluate<boolean>(
          `document.querySelector('.suggest-widget.visible .monaco-list-row.focused')?.innerText.includes('byteTotal') ?? false`,
        ),
      );
      await ask();
      await browser.screenshot('ghost-text-list-asked');
      const added = await shows(/^byteTotal ?;/);
      await browser.screenshot('ghost-text-list');
      await browser.press('Tab');
      await eventually('the entry is there', () => document.getText().startsWith(`${text}byteTotal`));
      assert.ok(`${text}${added}`.startsWith(document.getText()));
    } finally {
      entries.dispose();
    }
  });

  it('says so where there is nothing to show', async () => {
    await set('tokenLens.suggestLeastProbability', 1);
    const { document } = await open(`${loop}|`);
    await ask();
    await says(/SmolLM2-135M is not sure enough here: no next token reaches 100%/);
    assert.equal(await ghostText(), '');
    await is(document, loop);
  });

  it('does not offer what follows already', async () => {
    const loop = '  for (const item of items) {\n    total += item;';
    const { document } = await open(`function sum(items) {\n  let total = 0;\n${loop}|\n  }\n  return total;\n}\n`);
    const text = document.getText();
    await ask();
    await says(/SmolLM2-135M would write here what follows already/);
    assert.equal(await ghostText(), '');
    await is(document, text);
  });

  it('leaves documents alone that are left out', async () => {
    await set('tokenLens.skipLanguages', ['javascript']);
    await open(`${loop}|`);
    const before = await tokensRun();
    await ask();
    await says(/Its language is left out/);
    assert.equal(await tokensRun(), before);
    assert.equal(await ghostText(), '');
  });
});
