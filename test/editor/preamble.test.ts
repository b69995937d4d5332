import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled, useModel } from './documents';
import { clearNotices, notices } from './notices';
import { assertDrawn, setTheme, spokenEntry, themes } from './screen';

const patienceMs = 20_000;

const bitsOf = ({ tokens }: DocumentScores) => tokens.map(({ surprisalBits }) => surprisalBits ?? NaN);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('a preamble', function () {
  this.timeout(4 * patienceMs);
  let api: TokenLensApi;
  const text = 'The boats came.\nIt is quiet.\n';
  const unseen = 'The rain is here.\n';
  const notes = { kind: 'text', text: unseen, name: 'notes.md' } as const;

  before(async () => {
    api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await api.score((await untitled('The model is loaded.')).uri);
  });
  after(() => useModel(undefined));
  afterEach(async () => {
    await setTheme(undefined);
    await clearNotices();
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function opened(content = text): Promise<vscode.TextDocument> {
    const editor = await vscode.window.showTextDocument(await untitled(content), { preview: false });
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    await vscode.commands.executeCommand('tokenLens.toggle');
    return editor.document;
  }
  function assertNear(got: readonly number[], expected: readonly number[]): void {
    assert.equal(got.length, expected.length);
    for (const [row, bits] of got.entries()) assert.ok(Math.abs(bits - (expected[row] ?? NaN)) < 1e-3, `row ${String(row)}`);
  }

  it('stands before the document as if both were one text, is named wherever its numbers are, and goes with a click', async () => {
    const plain = await api.score((await untitled(text)).uri);
    const joined = await api.score((await untitled(unseen + text)).uri);
    const [[theme, themeName]] = themes;
    await setTheme(themeName);
    const document = await opened();
    await eventually('the lens is on', () => api.scores(document.uri) !== undefined);
    await vscode.commands.executeCommand('tokenLens.setPreamble', notes);
    await eventually('it is named', async () => (await spokenEntry('tokenLens.preamble')) === 'Token Lens: After notes.md');
    const scores = await api.score(document.uri);
    const expected = bitsOf(joined).slice(-scores.tokens.length);
    assertNear(bitsOf(scores), expected);
    assert.notDeepEqual(bitsOf(scores), bitsOf(plain));
    const { preamble } = scores.provenance;
    assert.deepEqual([preamble?.kind, preamble?.name, preamble?.tokens], ['text', 'notes.md', joined.tokens.length - scores.tokens.length]);
    await assertDrawn(document, scores, theme);
    const tooltip = await browser.evaluate<string>(`document.querySelector('.statusbar-item[id$="tokenLens.preamble"]')?.innerText ?? ''`);
    assert.match(tooltip, /After notes\.md/);

    await browser.click('.statusbar-item[id$="tokenLens.preamble"] a');
    await eventually('it is gone', async () => (await spokenEntry('tokenLens.preamble')) === '');
    const after = await api.score(document.uri);
    assertNear(bitsOf(after), bitsOf(plain));
    assert.equal(after.provenance.preamble, undefined);
    await assertDrawn(document, after, theme);
  });

  it('shows the bits of every line with it and without it, and what it saves', async () => {
    const plain = bitsOf(await api.score((await untitled(text)).uri));
    const joined = bitsOf(await api.score((await untitled(unseen + text)).uri)).slice(-plain.length);
    const document = await opened();
    await vscode.commands.executeCommand('tokenLens.setPreamble', notes);
    await vscode.commands.executeCommand('tokenLens.comparePreamble');
    const saved = sum(plain) - sum(joined);
    const said = `Token Lens: After notes.md: ${Math.abs(saved).toFixed(1)} bits ${saved >= 0 ? 'saved' : 'lost'} (${sum(joined).toFixed(1)} instead of ${sum(plain).toFixed(1)})`;
    await eventually(said, async () => (await spokenEntry('tokenLens.difference')) === said);
    const ends = await browser.evaluate<readonly string[]>(
      `[...document.querySelectorAll('.view-line span')].map(each => getComputedStyle(each, '::after').content).filter(content => content.includes('without it'))`,
    );
    assert.equal(ends.length, 2);
    const numbers = ends.map(end => (end.match(/\d+\.\d/g) ?? []).map(Number));
    assert.ok(Math.abs(sum(numbers.map(([own = NaN]) => own)) - sum(joined)) < 0.11, JSON.stringify(ends));
    assert.ok(Math.abs(sum(numbers.map(([, without = NaN]) => without)) - sum(plain)) < 0.11, JSON.stringify(ends));
    // Without the preamble there is nothing to compare.
    await vscode.commands.executeCommand('tokenLens.removePreamble');
    await eventually('gone', async () => (await spokenEntry('tokenLens.difference')) === '');
    assert.equal(document.getText(), text);
  });

  it('is named by every view of its numbers', async () => {
    const configuration = vscode.workspace.getConfiguration('tokenLens');
    await configuration.update('suggestLeastProbability', 0.01, vscode.ConfigurationTarget.Global);
    const document = await opened(text.repeat(3));
    await vscode.commands.executeCommand('tokenLens.setPreamble', notes);
    await eventually('it is named', async () => (await spokenEntry('tokenLens.preamble')) !== '');
    const { tokens } = await api.score(document.uri);
    const token = tokens[3] ?? assert.fail();
    const shownEditor = () => vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    const editor = await shownEditor();
    const at = document.positionAt(token.start);
    editor.selection = new vscode.Selection(at, at);
    const shown = (selector: string) => () =>
      browser.evaluate<string>(
        `[...document.querySelectorAll('${selector}')].map(each => each.innerText + ' ' + (each.getAttribute('aria-label') ?? '')).join(' ')`,
      );
    const hover = async () => {
      const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
        'vscode.executeHoverProvider',
        document.uri,
        at.translate(0, 1),
      );
      const said = hovers
        .flatMap(({ contents }) => contents)
        .map(content => (content instanceof vscode.MarkdownString ? content.value : ''));
      return said.join('\n').replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
    };
    const run =
      (command: string, ...asked: readonly unknown[]) =>
      () =>
        void vscode.commands.executeCommand(`tokenLens.${command}`, ...asked);
    const alternative = { uri: document.uri.toString(), version: document.version, offset: token.start, id: token.id };
    const insert = async () => {
      const now = await shownEditor(); // VS Code makes a new one after a preview over it
      await now.edit(edit => edit.insert(new vscode.Position(1, 0), 'The rain is here, and the boats came home. '));
      await vscode.commands.executeCommand('tokenLens.inspectLastInsertion');
    };
    const suggest = async () => {
      await vscode.commands.executeCommand('tokenLens.leaveInspection');
      const now = await shownEditor();
      const end = document.positionAt(Infinity);
      now.selection = new vscode.Selection(end, end);
      await vscode.commands.executeCommand('tokenLens.suggest');
    };
    const views: readonly (readonly [name: string, show: () => unknown, read: () => Promise<string>])[] = [
      ['hover', () => undefined, hover],
      ['alternatives', run('showAlternatives'), shown('.quick-input-widget .quick-input-title')],
      ['Continue from Here', run('continueFromHere', alternative), shown('.quick-input-widget .quick-input-title')],
      ['surprises', run('surprises.focus'), shown('.pane-header')],
      ['stretches', run('stretches.focus'), shown('.pane-header[aria-label*="tretches"]')],
      ['panel', run('showPanel'), () => browser.evaluateInWebview<string>('document.body.innerText')],
      ['report', run('showReport'), () => browser.evaluateInReport<string>('document.body.innerText')],
      ['Context', run('explainPrediction'), () => browser.evaluateInExplain<string>('document.body.innerText')],
      ['what was inserted', insert, shown('.statusbar-item[id$="tokenLens.insertion"], .statusbar-item[id$="tokenLens.insertion"] *')],
      ['grey text', suggest, shown('.part.statusbar')],
    ];
    const missing: string[] = [];
    for (const [name, show, read] of views) {
      await show();
      let said = '';
      await eventually(name, async () => (said = await read().catch(() => '')).includes('read after notes.md, ')).catch(() =>
        missing.push(`${name}: ${said.slice(0, 300)}`),
      );
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      if (name === 'Continue from Here')
        await eventually('the preview is closed', () => vscode.window.activeTextEditor?.document === document);
      if (name === 'stretches') await browser.screenshot('preamble-lists');
      if (name === 'panel') await vscode.commands.executeCommand('workbench.action.closePanel');
      if (name === 'report' || name === 'Context') await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One });
    }
    await configuration.update('suggestLeastProbability', undefined, vscode.ConfigurationTarget.Global);
    assert.deepEqual(missing, []);
  });

  it('as a question is refused, with what to do, where the model has no chat frame', async () => {
    const document = await opened();
    await vscode.commands.executeCommand('tokenLens.setPreamble', { kind: 'chat', text: 'Write about boats.' });
    await eventually('it is said', async () => (await notices()).includes('no chat template'));
    assert.equal(await spokenEntry('tokenLens.preamble'), '');
    assert.equal((await api.score(document.uri)).provenance.preamble, undefined);
  });

  it('looks like this', async () => {
    await useModel(undefined);
    await opened(
      'Boats rest in the harbour while the rain falls.\nThe crews drink coffee and wait for the wind to turn.\nNobody sails today.\n',
    );
    await vscode.commands.executeCommand('tokenLens.setPreamble', {
      kind: 'chat',
      text: 'Write three sentences about boats in a harbour on a rainy day.',
    });
    await eventually('it is named', async () => (await spokenEntry('tokenLens.preamble')) !== '', 60_000);
    await vscode.commands.executeCommand('tokenLens.comparePreamble');
    await eventually('shown', async () => (await spokenEntry('tokenLens.difference')) !== '', 60_000);
    await browser.log(await spokenEntry('tokenLens.difference'));
    for (const [kind, name] of themes) {
      await setTheme(name);
      await browser.screenshot(`preamble-${kind}`);
    }
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
});
