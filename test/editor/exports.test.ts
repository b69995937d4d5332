import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled, useModel } from './documents';
import { cancelled, clearNotices, notices } from './notices';

const text = 'The harbour was quiet before dawn.\r\n\r\nZoë 🦊 <script>alert(1)</script> | said `so`.\r\nThe end.';

interface ExportedJson {
  readonly text: string;
  readonly part?: { readonly start: number; readonly end: number };
  readonly tokens: readonly object[];
  readonly summary: object;
  readonly provenance: object;
}

describe('exports', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'token-lens-exports-'));
  let api: TokenLensApi;
  before(async () => {
    await useModel(inExtension('test', 'fixtures', 'tiny-gpt2'));
    api = await activated();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await browser.screenshot(`exports-failed-${this.currentTest.title.slice(0, 12)}`);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await clearNotices();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
  after(async () => {
    await useModel(undefined);
    rmSync(folder, { recursive: true, force: true });
  });

  const inList = '.quick-input-widget:not([style*="display: none"])';
  const input = () => browser.evaluate<string>(`document.querySelector('${inList} input')?.value ?? ''`);
  const items = () =>
    browser.evaluate<readonly string[]>(
      `[...document.querySelectorAll('${inList} .monaco-list-row')].map(row => row.querySelector('.label-name')?.textContent ?? '')`,
    );
  /** Dialogs go on looking for files beside what they propose. */
  const quiet = () => new Promise(resolve => setTimeout(resolve, 400));

  async function shown(content = text): Promise<vscode.TextEditor> {
    const document = await untitled(content);
    return vscode.window.showTextDocument(document, { preview: false });
  }

  /** As a user: the command, the entry so many steps down, the name of the file; one Enter is left to press. */
  async function chosenFile(name: string, entry: string, steps: number): Promise<string> {
    const file = path.join(folder, name);
    void vscode.commands.executeCommand('tokenLens.export');
    await eventually('the list is there', async () => (await items()).includes(entry));
    assert.equal((await items())[steps], entry);
    for (let step = 0; step < steps; step++) await browser.press('ArrowDown');
    await browser.screenshot(`exports-list-${name}`);
    await browser.press('Enter');
    await eventually('the dialog proposes a name', async () => (await input()).endsWith(path.extname(name)));
    await quiet();
    await browser.press('Control+A');
    await browser.insert(file); // letter by letter, the dialog could go on looking for files of earlier ones
    await eventually('the name is ours', async () => (await input()) === file);
    return file;
  }

  /** And until it is there. */
  async function exported(name: string, entry: string, steps: number): Promise<string> {
    const file = await chosenFile(name, entry, steps);
    await eventually('it is written', async () => {
      // The dialog takes it when it has looked up the folder; once it is gone, the key would go into the text.
      if ((await input()) === file) await browser.press('Enter');
      await quiet();
      return existsSync(file);
    });
    await eventually('it says where', async () => (await notices()).includes(name));
    await browser.screenshot(`exports-said-${name}`);
    await clearNotices();
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    return readFileSync(file, 'utf8');
  }

  async function scoresOf(document: vscode.TextDocument): Promise<DocumentScores> {
    return api.score(document.uri);
  }

  it('writes a whole document whose lens is off, with the numbers that the API gives', async () => {
    const { document } = await shown();
    const written = JSON.parse(await exported('whole.json', 'JSON', 1)) as ExportedJson;
    await browser.screenshot('exports-done');
    const scores = await scoresOf(document);
    assert.equal(written.text, document.getText());
    assert.deepEqual(written.tokens, JSON.parse(JSON.stringify(scores.tokens)));
    assert.deepEqual([written.summary, written.provenance, written.part], [scores.summary, scores.provenance, undefined]);
  });

  it('writes nothing, not even in part, when it is cancelled while it scores', async () => {
    await shown(Array.from({ length: 16_000 }, (_, line) => `${String(line)} words of a long text that nobody waits for`).join('\n'));
    const before = readdirSync(folder);
    const file = await chosenFile('cancelled.csv', 'CSV', 0);
    await eventually('the dialog has taken it', async () => {
      if ((await input()) === file) await browser.press('Enter');
      await quiet();
      return (await input()) !== file;
    });
    await cancelled(api, 'scoring the whole document');
    assert.deepEqual(readdirSync(folder), before);
    assert.equal(await notices(), '', 'something is said although the user knows');
  });

  it('writes a selection in offsets of the document, and a picture of it', async () => {
    const editor = await shown();
    const { document } = editor;
    editor.selection = new vscode.Selection(2, 0, 2, document.lineAt(2).text.length);
    const start = document.offsetAt(editor.selection.start);
    const rows = (await exported('part.csv', 'CSV', 0)).split('\n');
    const { tokens } = await scoresOf(document);
    const inside = tokens.filter(token => token.start >= start && token.end <= document.offsetAt(editor.selection.end));
    assert.ok(inside.length > 10);
    const places = rows.slice(1, -1).map(row => /^"[^"]*","token",(\d+),\d+,\d+,(\d+),(\d+),([\d.e-]+),/.exec(row)?.slice(1).map(Number));
    assert.deepEqual(
      places,
      inside.map(token => [token.id, token.start, token.end, token.surprisalBits]),
    );
    const picture = await exported('part.svg', 'SVG', 3);
    assert.match(picture, /^<svg [^]*Line 3 of Untitled[^]*<\/svg>\n$/);
    assert.doesNotMatch(picture, /<script/);
  });

  it('writes a page that carries its own data', async () => {
    await shown();
    const page = await exported('page.html', 'HTML', 2);
    assert.match(page, /^<!doctype html>[^]*Content-Security-Policy[^]*<\/html>\n$/);
    assert.equal(page.match(/<script/g)?.length, 2);
  });

  it('exports what the text is now, not what it was', async () => {
    const editor = await shown();
    await scoresOf(editor.document);
    await editor.edit(builder => builder.insert(new vscode.Position(0, 0), 'Yes. '));
    const written = JSON.parse(await exported('edited.json', 'JSON', 1)) as ExportedJson;
    assert.equal(written.text, `Yes. ${text}`);
    assert.deepEqual(written.tokens, JSON.parse(JSON.stringify((await scoresOf(editor.document)).tokens)));
  });

  it('copies the line at the cursor, or the selection, as a Markdown table', async () => {
    const editor = await shown();
    const { document } = editor;
    const copied = async (): Promise<readonly string[]> => {
      await vscode.env.clipboard.writeText('nothing');
      await vscode.commands.executeCommand('tokenLens.copyAsMarkdown');
      return (await vscode.env.clipboard.readText()).split('\n');
    };
    const { tokens } = await scoresOf(document);
    const count = (from: number, to: number) => tokens.filter(token => token.start >= from && token.end <= to).length;

    editor.selection = new vscode.Selection(0, 5, 0, 5);
    const line = await copied();
    assert.equal(line[0], '| token | bits | rank | expected |');
    assert.equal(line.filter(row => row.startsWith('| ')).length - 2, count(0, document.lineAt(0).text.length));
    assert.match(line.at(-2) ?? '', /^tiny&#45;gpt2/);

    editor.selection = new vscode.Selection(2, 0, 3, 0);
    const part = await copied();
    assert.equal(
      part.filter(row => row.startsWith('| ')).length - 2,
      count(document.offsetAt(editor.selection.start), document.offsetAt(editor.selection.end)),
    );
    for (const row of part.slice(0, -3)) assert.equal(row.match(/\|/g)?.length, 5, row);

    editor.selection = new vscode.Selection(1, 0, 1, 0);
    assert.deepEqual(await copied(), ['nothing']);
  });

  it('says why where there is nothing to export', async () => {
    await shown('binary \0 text');
    await vscode.commands.executeCommand('tokenLens.copyAsMarkdown');
    await eventually('it says so', async () => (await notices()).includes('It holds binary data.'));
  });
});
