import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { activated, assertSameScores, inExtension, scoresOfText, untitled, useModel } from './documents';

describe('bad input', () => {
  let api: TokenLensApi;
  let folder: string;
  before(async () => {
    api = await activated();
    folder = mkdtempSync(path.join(tmpdir(), 'token-lens-bad-'));
  });
  beforeEach(async () => {
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await useModel(undefined);
    rmSync(folder, { recursive: true });
  });

  it('an empty document has no tokens, and one character has one', async () => {
    assert.deepEqual((await api.score((await untitled('')).uri)).tokens, []);
    const { tokens, cells, summary } = await api.score((await untitled('T')).uri);
    assert.equal(tokens.length, 1);
    assert.equal(cells.length, 1);
    assert.equal(summary.bytes, 1);
  });

  it('lone surrogates are scored as U+FFFD and keep their places', async () => {
    const document = await untitled('a\ud83d b\ude42 c');
    const scores = await api.score(document.uri);
    assert.equal(Math.max(...scores.cells.map(cell => cell.end)), document.getText().length);
  });

  it('a line of 200,000 characters is scored', async function () {
    this.timeout(180_000);
    const document = await untitled('word '.repeat(40_000));
    const { cells } = await api.score(document.uri);
    assert.equal(cells.at(-1)?.end, 200_000);
  });

  it('a file of 5 MB is refused with the limit named', async () => {
    const file = path.join(folder, 'large.txt');
    writeFileSync(file, 'The harbour was quiet.\n'.repeat(230_000));
    const document = await vscode.workspace.openTextDocument(file);
    await assert.rejects(api.score(document.uri), /limit of 2000000 .*tokenLens\.largestDocumentBytes/);
  });

  it('a document with NUL characters is refused as binary', async () => {
    await assert.rejects(api.score((await untitled('a\0b')).uri), /binary/);
  });

  const spoilt: readonly [name: string, message: RegExp, make: (to: string) => void][] = [
    ['missing', /no model folder/, () => undefined],
    [
      'half copied',
      /onnx\/model\.onnx|none of/,
      to => {
        cpSync(inExtension('test/fixtures/tiny-gpt2'), to, { recursive: true });
        rmSync(path.join(to, 'onnx'), { recursive: true });
      },
    ],
    [
      'of an unknown kind',
      /does not say|cannot be opened/,
      to => {
        cpSync(inExtension('test/fixtures/tiny-gpt2'), to, { recursive: true });
        writeFileSync(path.join(to, 'config.json'), '{"model_type":"whatever"}');
      },
    ],
  ];
  for (const [name, message, make] of spoilt) {
    it(`a model folder that is ${name} is named; with a good one the next score works`, async () => {
      const to = path.join(folder, name);
      make(to);
      await useModel(to);
      const document = await untitled('The harbour was quiet.');
      await assert.rejects(api.score(document.uri), message);
      assert.equal(document.getText(), 'The harbour was quiet.');
      await useModel(inExtension('test/fixtures/tiny-gpt2'));
      assert.ok((await api.score(document.uri)).tokens.length > 0);
    });
  }

  it('when the model process is killed in the middle of a run, the score is right all the same and the text untouched', async function () {
    if (process.platform === 'win32') assert.fail('This test finds the process by pgrep.');
    this.timeout(120_000);
    const document = await untitled('The harbour was quiet before dawn. '.repeat(400));
    const before = document.getText();
    const running = api.score(document.uri);
    // The process of the last test may still be there: the newest is ours.
    await new Promise(resolve => setTimeout(resolve, 60));
    const found = execFileSync('pgrep', ['-n', '-P', String(process.pid), '-f', 'worker.js'], { encoding: 'utf8' });
    process.kill(Number(found), 'SIGKILL');
    assertSameScores(await running, await scoresOfText(api, document));
    assert.equal(document.getText(), before);
  });
});
