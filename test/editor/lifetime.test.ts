import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { activated, inExtension, untitled, useModel } from './documents';

const text = 'The harbour was quiet before dawn. Two fishermen sat on a crate.\n'.repeat(40);

describe('the life of a scored document', () => {
  let api: TokenLensApi;
  before(async () => {
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
  after(async () => {
    await useModel(undefined);
  });
  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('never pairs tokens with the summary of another version', async () => {
    const document = await untitled(text);
    const editor = await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('tokenLens.toggle');
    await api.score(document.uri);
    const uri = document.uri.toString();
    const found: (readonly [number, number])[] = [];
    const listening = api.onDidChangeScores(changed => {
      const scores = changed === uri ? api.scores(uri) : undefined;
      if (scores) found.push([scores.tokens.length, scores.summary.tokens]);
    });
    await editor.edit(edit => {
      edit.insert(new vscode.Position(0, 0), 'More words at the beginning. ');
    });
    await api.score(document.uri);
    listening.dispose();
    assert.ok(found.length > 0);
    for (const [tokens, summarised] of found) assert.equal(summarised, tokens);
  });

  it('goes on for another extension when the lens is turned off', async () => {
    const document = await untitled(text.repeat(20));
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('tokenLens.toggle');
    const asked = api.score(document.uri);
    await new Promise(resolve => setTimeout(resolve, 100)); // in the middle of the run
    await vscode.commands.executeCommand('tokenLens.toggle');
    const scores = await asked;
    assert.equal(scores.documentVersion, document.version);
    assert.equal(scores.summary.tokens, scores.tokens.length);
  });

  it('ends with its document: whoever waits is told', async () => {
    const document = await untitled(text.repeat(100));
    await vscode.window.showTextDocument(document);
    const asked = api.score(document.uri);
    const ended = assert.rejects(asked, /closed/);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await ended;
  });

  it('keeps up with a lens that is switched at any moment of a run', async () => {
    const document = await untitled(text);
    await vscode.window.showTextDocument(document);
    for (let round = 0; round < 24; round++) {
      await vscode.commands.executeCommand('tokenLens.toggle');
      await new Promise(resolve => setTimeout(resolve, round * 7));
    }
    await vscode.commands.executeCommand('tokenLens.toggle');
    const scores = await api.score(document.uri);
    assert.equal(scores.summary.tokens, scores.tokens.length);
    assert.ok(scores.tokens.every(token => token.surprisalBits !== null));
  });
});
