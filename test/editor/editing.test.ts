import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { activated, assertSameScores, eventually, inExtension, scoresOfText, untitled, useModel } from './documents';

const text =
  'The harbour was quiet before dawn. Two fishermen sat on a crate.\n\nBy noon the wind 🙂 had turned, naïve e\u0301 and all.\n'.repeat(3);

describe('editing', () => {
  let api: TokenLensApi;
  let folder: string;
  before(async () => {
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-editing-'));
  });
  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await useModel(undefined);
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function shown(document: vscode.TextDocument): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('tokenLens.toggle');
    await api.score(document.uri);
    return editor;
  }

  async function assertRight(document: vscode.TextDocument): Promise<void> {
    const scores = await api.score(document.uri);
    assert.equal(scores.documentVersion, document.version);
    assertSameScores(scores, await scoresOfText(api, document));
    // Spans are of the document as it is now.
    for (const token of scores.tokens) assert.ok(token.start < token.end && token.end <= document.getText().length);
  }

  it('keeps up with typing, deleting, several cursors, paste and undo', async () => {
    const document = await untitled(text);
    const editor = await shown(document);
    await editor.edit(edit => {
      edit.insert(new vscode.Position(0, 4), 'old ');
    });
    await assertRight(document);
    await editor.edit(edit => {
      edit.insert(new vscode.Position(0, 0), 'X');
      edit.insert(new vscode.Position(2, 3), 'YY');
      edit.delete(new vscode.Range(3, 0, 3, 10));
    });
    await assertRight(document);
    await editor.edit(edit => {
      edit.insert(new vscode.Position(1, 0), 'Pasted words, one after another.\n'.repeat(1600));
    });
    await assertRight(document);
    await vscode.commands.executeCommand('undo');
    await vscode.commands.executeCommand('undo');
    await assertRight(document);
  });

  it('takes the newest of many quick edits', async () => {
    const document = await untitled(text);
    const editor = await shown(document);
    for (let key = 0; key < 40; key++)
      await editor.edit(edit => {
        edit.insert(document.positionAt(10 + key), 'k');
      });
    await assertRight(document);
  });

  it('shows no scores of another version', async () => {
    const document = await untitled(text);
    const editor = await shown(document);
    await editor.edit(edit => {
      edit.insert(new vscode.Position(0, 0), 'New. ');
    });
    const now = api.scores(document.uri);
    assert.ok(now === undefined || now.documentVersion === document.version);
    await assertRight(document);
  });

  it('counts CRLF as the document does', async () => {
    const file = path.join(folder, 'crlf.txt');
    writeFileSync(file, 'Name:\tValue\r\n\tindented\r\n\r\nlast\r\n');
    const document = await vscode.workspace.openTextDocument(file);
    const editor = await shown(document);
    const scores = await api.score(document.uri);
    const lineFeeds = scores.tokens.filter(token => document.getText().slice(token.start, token.end).includes('\r\n'));
    assert.ok(lineFeeds.length > 0);
    await editor.edit(edit => {
      edit.insert(new vscode.Position(1, 1), 'more\r\n');
    });
    await assertRight(document);
    await editor.edit(edit => {
      edit.setEndOfLine(vscode.EndOfLine.LF);
    });
    await assertRight(document);
  });

  it('takes what changed on disk', async () => {
    const file = path.join(folder, 'changed.txt');
    writeFileSync(file, text);
    const document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('tokenLens.toggle');
    // VS Code begins to watch a file some time after it was opened, and tells nobody when: another program may write more than once.
    await eventually('the editor took the file', async () => {
      writeFileSync(file, `Another beginning. ${text}`);
      await new Promise(resolve => setTimeout(resolve, 1000));
      return document.getText().startsWith('Another');
    });
    await assertRight(document);
  });

  it('stays on through a rename, and forgets what is closed', async () => {
    const from = vscode.Uri.file(path.join(folder, 'before.txt'));
    const to = vscode.Uri.file(path.join(folder, 'after.txt'));
    writeFileSync(from.fsPath, text);
    await shown(await vscode.workspace.openTextDocument(from));
    const rename = new vscode.WorkspaceEdit();
    rename.renameFile(from, to);
    assert.equal(await vscode.workspace.applyEdit(rename), true);
    const renamed = await vscode.window.showTextDocument(to);
    await eventually('scores under the new name', () => api.scores(to) !== undefined);
    assert.equal(api.scores(from), undefined);
    assert.equal(renamed.document.uri.toString(), to.toString());
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await eventually('scores are gone after closing', () => api.scores(to) === undefined);
  });

  it('comes on by itself where `autoStart` names the language, until it is turned off there', async () => {
    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('autoStart', ['plaintext'], vscode.ConfigurationTarget.Global);
    try {
      const document = await untitled(text);
      await vscode.window.showTextDocument(document);
      await eventually('it is scored without being asked', () => api.scores(document.uri) !== undefined);
      await vscode.commands.executeCommand('tokenLens.toggle');
      assert.equal(api.scores(document.uri), undefined);
      const other = await untitled(text, 'markdown');
      await vscode.window.showTextDocument(other);
      await vscode.window.showTextDocument(document);
      await new Promise(resolve => setTimeout(resolve, 1500));
      assert.equal(api.scores(other.uri), undefined);
      assert.equal(api.scores(document.uri), undefined);
    } finally {
      await settings.update('autoStart', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('tells others when scores are complete', async () => {
    const document = await untitled(text);
    const told: string[] = [];
    const listening = api.onDidChangeScores(uri => told.push(uri));
    await shown(document);
    listening.dispose();
    assert.ok(told.includes(document.uri.toString()));
    // Plain JSON throughout: nothing is lost on the way through it.
    const scores = await api.score(document.uri);
    assert.deepEqual(JSON.parse(JSON.stringify(scores)), scores);
  });
});
