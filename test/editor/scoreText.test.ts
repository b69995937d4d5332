import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi, TextScores } from '../../src/api';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled, useModel } from './documents';

interface ToolAnswer {
  readonly view: string;
  readonly tokens: number;
  readonly totalBits: number;
  readonly bitsPerToken: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly top: readonly {
    readonly line: number;
    readonly column: number;
    readonly text: string;
    readonly bits: number;
    readonly expected: readonly { readonly text: string | null; readonly probability: number }[];
  }[];
}

const lines = Array.from({ length: 60 }, (_, line) => `The harbour was quiet on morning ${String(line)}, 🙂 and the boats came in.`);

function near(got: number | null | undefined, expected: number | null | undefined, what: string): void {
  if (got === null || expected === null || got === undefined || expected === undefined) assert.equal(got, expected, what);
  else assert.ok(Math.abs(got - expected) < 2e-3, `${what}: ${String(got)}, not ${String(expected)}`);
}

describe('texts in no document', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  before(async () => {
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
  after(async () => {
    await useModel(undefined);
  });

  it('have the numbers of a document of all three parts', async () => {
    const documents = new Set(vscode.workspace.textDocuments);
    const all = lines.join('\r\n');
    const cases: readonly (readonly [from: number, to: number])[] = [
      [0, 40],
      [1200, 1300],
      [2000, all.length],
      [1500, 1500],
      [37, 2900],
    ];
    const results: { readonly place: readonly [number, number]; readonly scores: TextScores }[] = [];
    for (const [from, to] of cases)
      results.push({ place: [from, to], scores: await api.scoreText(all.slice(0, from), all.slice(from, to), all.slice(to)) });
    assert.ok(vscode.workspace.textDocuments.every(document => documents.has(document))); // others may be closed meanwhile
    const whole = await api.score((await untitled(all)).uri);
    for (const { place, scores } of results) {
      const [from, to] = place;
      const expected = whole.tokens.filter(token => token.end > from && token.start < to);
      const what = place.join('-');
      assert.deepEqual(
        scores.tokens.map(({ id, start, end, contextTokens }) => [id, start + from, end + from, contextTokens]),
        expected.map(({ id, start, end, contextTokens }) => [id, start, end, contextTokens]),
        what,
      );
      for (const [row, token] of scores.tokens.entries()) {
        const other = expected[row] ?? assert.fail();
        near(token.surprisalBits, other.surprisalBits, what);
        near(token.entropyBits, other.entropyBits, what);
        assert.deepEqual([token.alternatives.length], [other.topIds.length], what);
        near(token.alternatives[0]?.probability, other.topProbabilities[0], what);
      }
      near(scores.totalBits / 100, expected.reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? 0), 0) / 100, what);
      assert.deepEqual({ ...scores.provenance, documentVersion: 0 }, { ...whole.provenance, documentVersion: 0 });
      assert.equal(JSON.stringify(scores).includes('NaN'), false);
      // What follows has the bits it has in the whole text; without the text, those of a document of the other two parts.
      const without = await api.score((await untitled(all.slice(0, from) + all.slice(to))).uri);
      const last = (tokens: TextScores['tokens'] | typeof whole.tokens, count: number) =>
        count === 0 ? 0 : tokens.slice(-count).reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? 0), 0);
      const suffix = scores.suffix ?? assert.fail();
      near(suffix.bitsWithText / 100, last(whole.tokens, suffix.tokens) / 100, `${what}, suffix with`);
      if (without.tokens.length >= suffix.tokens)
        near(suffix.bitsWithoutText / 100, last(without.tokens, suffix.tokens) / 100, `${what}, suffix without`);
    }
    assert.equal((await api.scoreText('x', 'y')).suffix, null);
    assert.deepEqual((await api.scoreText('', '')).tokens, []);
  });

  it('are listed in the panel where they would stand, without being put there', async () => {
    const document = await untitled('The harbour was quiet. The boats came in.', 'plaintext');
    await vscode.window.showTextDocument(document, { preview: false });
    const at = 'The harbour was quiet.'.length;
    await api.inspectText(document.uri, { start: at, end: at }, ' Nobody spoke.');
    let listed: readonly string[] = [];
    await eventually(
      'it is listed',
      async () => (listed = await browser.evaluateInWebview<readonly string[]>(`[...document.querySelectorAll('tr[data-row]')].map(row => row.cells[1].textContent)`)).length > 0, // prettier-ignore
    );
    assert.equal(listed.join('').replaceAll('·', ' '), ' Nobody spoke.');
    assert.equal(document.getText(), 'The harbour was quiet. The boats came in.');
    await assert.rejects(api.inspectText('untitled:nothing', { start: 0, end: 0 }, 'x'), /Open the document first/);
    await assert.rejects(api.inspectText(document.uri, { start: 5, end: 1000 }, 'x'), /A span is a start and an end/);
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
  });

  it('say what to do where they are too long or no texts', async () => {
    await assert.rejects(api.scoreText('', 'x'.repeat(50_001)), /score the text in parts/);
    await assert.rejects(api.scoreText('x'.repeat(2_000_001), 'x'), /leave out the beginning of the prefix/);
    await assert.rejects(api.scoreText('', 7 as unknown as string), /takes strings/);
  });
});

describe('the tool for language models', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  const folder = path.join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', 'tool');
  const file = path.join(folder, 'harbour.txt');
  /** Beside the workspace. */
  const secret = `${path.dirname(folder)}-secret.txt`;

  async function ask(input: object): Promise<ToolAnswer> {
    const { content } = await vscode.lm.invokeTool('get_text_surprisal', { input, toolInvocationToken: undefined });
    assert.equal(content.length, 1);
    const [part] = content;
    assert.ok(part instanceof vscode.LanguageModelTextPart);
    return JSON.parse(part.value) as ToolAnswer;
  }

  before(async () => {
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, lines.join('\n'));
    writeFileSync(secret, 'Nobody asked for this.\n');
  });
  after(async () => {
    await useModel(undefined);
    rmSync(folder, { recursive: true });
    rmSync(secret);
  });

  it('gives a summary and the most surprising tokens of lines of a file', async () => {
    const answer = await ask({ file: 'tool/harbour.txt', startLine: 20, endLine: 24, most: 7 });
    const { tokens } = await api.score(vscode.Uri.file(file));
    const start = lines.slice(0, 19).join('\n').length + 1;
    const end = lines.slice(0, 24).join('\n').length + 1;
    const own = tokens.filter(token => token.end > start && token.start < end);
    assert.equal(answer.tokens, own.length);
    near(answer.bitsPerToken, own.reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? 0), 0) / own.length, 'bits a token');
    const most = own.map(({ surprisalBits }) => surprisalBits ?? 0).sort((a, b) => b - a);
    assert.equal(answer.top.length, 7);
    for (const [place, { bits, line, column, text, expected }] of answer.top.entries()) {
      near(bits, most[place], 'bits');
      assert.ok(line >= 20 && line <= 24);
      assert.ok(`${lines[line - 1] ?? ''}\n`.slice(column - 1).startsWith(text), JSON.stringify(text));
      assert.equal(expected.length, 3);
    }
    assert.match(answer.view, /tiny/i);
    assert.match(answer.view, /not the author/);
    assert.deepEqual([answer.startLine, answer.endLine], [20, 24]);
    const whole = await ask({ file: vscode.Uri.file(file).toString() });
    assert.deepEqual([whole.tokens, whole.top.length, whole.endLine], [tokens.length, 15, 60]);
    assert.equal((await ask({ file, startLine: 59, endLine: 1000 })).endLine, 60);
  });

  it('says what to ask for instead', async () => {
    writeFileSync(path.join(folder, 'long.txt'), 'word '.repeat(6000));
    for (const [input, message] of [
      [{ file: 'tool/nowhere.txt' }, /no text file/],
      [{ file: '/etc/passwd' }, /no text file/],
      [{ file: `${folder}/../../${path.basename(secret)}` }, /no text file/],
      [{ file: `file://${folder}/../../${path.basename(secret)}` }, /no text file/],
      [{ file: `../${path.basename(secret)}` }, /no text file/],
      [{ file: 'tool/harbour.txt', startLine: 61 }, /has 60 lines/],
      [{ file: 'tool/harbour.txt', startLine: 5, endLine: 4 }, /whole numbers/],
      [{ file: 'tool/long.txt' }, /ask for fewer lines/],
      [{}, /Give `file`/],
    ] as const) {
      await assert.rejects(ask(input), message, JSON.stringify(input));
    }
  });
});
