import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { signedBandOf } from '../../src/core/signedBands';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled, useModel } from './documents';
import { notices, clearNotices } from './notices';
import { contributed, editorHasFocus, setTheme, shownEditors, spokenEntry, themes } from './screen';

const patienceMs = 20_000;

/** What stands behind the lines of the editor, in their order. */
function lineEnds(): Promise<readonly string[]> {
  return browser.evaluate<readonly string[]>(
    `[...document.querySelectorAll('.view-line span')].map(each => getComputedStyle(each, '::after').content).filter(content => content.includes('without it')).map(content => content.slice(1, -1))`,
  );
}
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const bitsOf = ({ tokens }: DocumentScores) => tokens.map(({ surprisalBits }) => surprisalBits ?? NaN);

describe('what would change', function () {
  this.timeout(4 * patienceMs);
  let api: TokenLensApi;
  const text = 'The boats came.\nIt is quiet, and the boats came home.\nThe rain is here.\n';
  const source = 'It is quiet, and';

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
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function opened(content = text, language = 'plaintext'): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(await untitled(content, language), { preview: false });
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    await editorHasFocus();
    return editor;
  }
  /** By scores of both texts: tokens after the source, with their bits as the text is and without the source. */
  async function truth(instead = ''): Promise<readonly { readonly start: number; readonly end: number; readonly bits: number }[]> {
    const [start, end] = [text.indexOf(source), text.indexOf(source) + source.length];
    const present = await api.score((await untitled(text)).uri);
    const absent = await api.score((await untitled(text.slice(0, start) + instead + text.slice(end))).uri);
    const following = present.tokens.filter(token => token.start >= end);
    const without = bitsOf(absent).slice(-following.length);
    return following.map((token, index) => ({ ...token, bits: (without[index] ?? NaN) - (token.surprisalBits ?? NaN) }));
  }
  const saidOf = (what: string, pieces: readonly { readonly bits: number }[]) => {
    const total = sum(pieces.map(({ bits }) => bits));
    return `Token Lens: ${what}: ${Math.abs(total).toFixed(1)} bits ${total >= 0 ? 'more' : 'fewer'} in the ${String(pieces.length)} tokens after it`;
  };
  const span = { start: text.indexOf(source), end: text.indexOf(source) + source.length };

  it('without a piece is what the engine says of the text without it: in the status bar, at line ends, on every token', async () => {
    const expected = await truth();
    const editor = await opened();
    const { version } = editor.document;
    await vscode.commands.executeCommand('tokenLens.ablateSelection', span);
    await eventually(
      'the sum is said',
      async () => (await spokenEntry('tokenLens.difference')) === saidOf('Without what is struck through', expected),
    );

    const lines = [1, 2].map(line => {
      const of = expected.filter(({ start, end }) => {
        const visible = text.slice(start, end).search(/\S/);
        return editor.document.positionAt(start + Math.max(0, visible)).line === line;
      });
      return sum(of.map(({ bits }) => bits));
    });
    const told = lines
      .filter(bits => Math.abs(bits) >= 0.1)
      .map(bits => `${Math.abs(bits).toFixed(1)} bits ${bits >= 0 ? 'more' : 'fewer'} without it`);
    await eventually('lines say their sums', async () => (await lineEnds()).join() === told.join());

    const [[theme, themeName]] = themes;
    await setTheme(themeName);
    const hues = new Map<string, string | undefined>();
    for (const sign of ['helps', 'hinders'])
      for (const band of [1, 2, 3, 4])
        hues.set(`${sign}${String(band)}`, await contributed(`tokenLens.${sign}${String(band)}Background`, theme));
    let faults: readonly string[] = [];
    await eventually('every token has the colour of its difference', async () => {
      const [shown = []] = await shownEditors();
      const characters = Array.from(text, (character, offset) => ({ character, offset })).filter(({ character }) => character !== '\n');
      faults = characters.flatMap(({ character, offset }, index) => {
        if (character === ' ') return [];
        const piece = expected.find(({ start, end }) => start <= offset && offset < end);
        const band = piece ? signedBandOf(piece.bits, 0) : 'plain';
        const hue = typeof band === 'object' ? hues.get(`${band.sign}${String(band.band)}`) : '';
        const at = shown[index];
        return at?.text === character && at.background === hue
          ? []
          : [`${character} at ${String(offset)}: ${JSON.stringify(at)}, ${hue ?? ''}`];
      });
      return faults.length === 0;
    }).catch((error: unknown) => {
      throw new Error(faults.slice(0, 5).join('\n'), { cause: error });
    });
    assert.ok(expected.some(({ bits }) => bits > 0.25) && expected.some(({ bits }) => bits < -0.25), 'both hues are in this test');
    assert.equal(editor.document.version, version);
    assert.equal(editor.document.getText(), text);
  });

  it('with other words in its place is what the engine says of that text', async () => {
    const expected = await truth('Now');
    await opened();
    await vscode.commands.executeCommand('tokenLens.ablateSelection', { ...span, text: 'Now' });
    await eventually(
      'the sum is said',
      async () => (await spokenEntry('tokenLens.difference')) === saidOf('With other words in its place', expected),
    );
  });

  it('is shown in place of the other colours, and goes with Escape, the selection still there', async () => {
    const editor = await opened();
    await vscode.commands.executeCommand('tokenLens.toggle');
    await eventually('the lens is on', () => api.scores(editor.document.uri) !== undefined);
    const backgrounds = async () => ((await shownEditors())[0] ?? []).map(({ background }) => background).join();
    let ours = '';
    await eventually('colours of the lens', async () => (ours = await backgrounds()).includes('rgb'));
    editor.selection = new vscode.Selection(1, 0, 1, source.length);
    await vscode.commands.executeCommand('tokenLens.ablateSelection', span);
    await eventually('shown', async () => (await spokenEntry('tokenLens.difference')) !== '');
    await eventually('other colours', async () => (await backgrounds()) !== ours);
    await browser.press('Escape');
    await eventually('gone', async () => (await spokenEntry('tokenLens.difference')) === '');
    await eventually('the colours of the lens are back', async () => (await backgrounds()) === ours);
    assert.deepEqual(await lineEnds(), []);
    // It was kept: nothing is run for it again.
    const { model } = await api.measure();
    await vscode.commands.executeCommand('tokenLens.ablateSelection', span);
    await eventually('shown again', async () => (await spokenEntry('tokenLens.difference')) !== '');
    assert.equal((await api.measure()).model?.tokensRun, model?.tokensRun);
  });

  it('ends with an edit of the document', async () => {
    const editor = await opened();
    await vscode.commands.executeCommand('tokenLens.ablateSelection', span);
    await eventually('lines say their sums', async () => (await lineEnds()).length > 0);
    await editor.edit(builder => {
      builder.insert(new vscode.Position(2, 0), 'x');
    });
    await eventually('gone', async () => (await spokenEntry('tokenLens.difference')) === '' && (await lineEnds()).length === 0);
    await eventually('and no colour', async () => (await shownEditors())[0]?.every(({ background }) => background === '') === true);
  });

  it('stays with another language mode, which closes the document and opens it again, and can be taken away', async () => {
    const editor = await opened();
    await vscode.commands.executeCommand('tokenLens.ablateSelection', span);
    await eventually('lines say their sums', async () => (await lineEnds()).length > 0);
    const said = await spokenEntry('tokenLens.difference');
    await vscode.languages.setTextDocumentLanguage(editor.document, 'markdown');
    await new Promise(resolve => setTimeout(resolve, 500));
    assert.equal(await spokenEntry('tokenLens.difference'), said);
    assert.ok((await lineEnds()).length > 0);
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
    await eventually('gone', async () => (await spokenEntry('tokenLens.difference')) === '' && (await lineEnds()).length === 0);
    const [shown = []] = await shownEditors();
    assert.ok(shown.length > 0 && shown.every(({ background }) => background === ''));
  });

  it('is not shown any more when it was left, when another was asked for, or when its numbers would be others meanwhile', async () => {
    await opened();
    const ablate = (asked: object) => vscode.commands.executeCommand('tokenLens.ablateSelection', asked);
    const left = ablate(span);
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
    await left;
    await ablate({ ...span, text: 'Now' });
    const other = 'Token Lens: With other words in its place: ';
    await eventually('the other is shown', async () => (await spokenEntry('tokenLens.difference')).startsWith(other));
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
    const slow = ablate(span);
    await ablate({ ...span, text: 'Now' }); // is known by now
    await slow;
    await eventually('what was asked for last is shown', async () => (await spokenEntry('tokenLens.difference')).startsWith(other));
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
    await vscode.commands.executeCommand('tokenLens.setPreamble', { kind: 'text', text: 'The rain is here.\n', name: 'notes.md' });
    const before = ablate(span);
    await vscode.commands.executeCommand('tokenLens.removePreamble');
    await before;
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.equal(await spokenEntry('tokenLens.difference'), '');
    // It was not kept either: what is asked for again is of the text alone.
    await ablate(span);
    await eventually('shown', async () => (await spokenEntry('tokenLens.difference')) !== '');
    assert.equal(await spokenEntry('tokenLens.difference'), saidOf('Without what is struck through', await truth()));
  });

  it('stays at Escape in another editor', async () => {
    await opened();
    await vscode.commands.executeCommand('tokenLens.ablateSelection', span);
    const there = await vscode.window.showTextDocument(await untitled('Another text.'), { viewColumn: vscode.ViewColumn.Two });
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    there.selection = new vscode.Selection(0, 0, 0, 4);
    await new Promise(resolve => setTimeout(resolve, 300));
    await browser.press('Escape');
    await eventually('Escape was for the selection there', () => there.selection.isEmpty);
    assert.ok((await lineEnds()).length > 0);
  });

  it('offers the selection, the paragraph above and the line; a piece at the end changes nothing, and says so', async () => {
    const editor = await opened('One here.\n\nTwo there.\n');
    editor.selection = new vscode.Selection(2, 0, 2, 3);
    void vscode.commands.executeCommand('tokenLens.ablateSelection');
    let labels: readonly string[] = [];
    await eventually('the list is open', async () => {
      labels = await browser.evaluate<readonly string[]>(
        `[...document.querySelectorAll('.quick-input-widget .quick-input-list .label-name')].map(each => each.innerText)`,
      );
      return labels.length > 3;
    });
    assert.deepEqual(labels, ['The selection', 'The paragraph above', 'This paragraph', 'This line', 'Read other words in its place…']);
    await browser.press('Escape');
    const { length } = editor.document.getText();
    await vscode.commands.executeCommand('tokenLens.ablateSelection', { start: 11, end: length });
    assert.match(await notices(), /Nothing follows it/);
  });

  it('shows which later tokens a token helps: for nothing in its place the same as without it', async () => {
    const place = text.indexOf(' quiet');
    const token = { start: place, end: place + ' quiet'.length };
    const editor = await opened();
    const scores = await api.score(editor.document.uri);
    const own = scores.tokens.filter(({ start, end }) => end > token.start && start < token.end);
    const [first, last] = [own[0]?.start ?? 0, own.at(-1)?.end ?? 0];
    await vscode.commands.executeCommand('tokenLens.showEffects', { ...token, filler: 'deletion' });
    await eventually('the sum is said', async () => (await spokenEntry('tokenLens.difference')).includes('Without “quiet”'));
    const effects = (await spokenEntry('tokenLens.difference')).split('”: ')[1];
    await vscode.commands.executeCommand('tokenLens.ablateSelection', { start: first, end: last });
    await eventually('the sum is said', async () => (await spokenEntry('tokenLens.difference')).includes('struck through'));
    assert.equal((await spokenEntry('tokenLens.difference')).split('through: ')[1], effects);
    await vscode.commands.executeCommand('tokenLens.showEffects', { ...token, filler: 'startToken' });
    await eventually('the sum is said', async () =>
      (await spokenEntry('tokenLens.difference')).includes('Something unknown in place of “quiet”'),
    );
  });

  describe('in a text that the model cannot see at once', () => {
    const line = 'The rain is here, and the boats came home.\n';
    const long = line.repeat(40);

    /** The line, from 1, that the reading has ended on, as three places say: there is nothing painted behind it. */
    async function assertMarked(editor: vscode.TextEditor, lines: number): Promise<void> {
      await eventually('it is said', async () => (await spokenEntry('tokenLens.difference')).endsWith('; not read further'));
      const read = () =>
        browser.evaluate<readonly number[]>(
          `[...document.querySelectorAll('.part.editor .view-line')].sort((a, b) => a.offsetTop - b.offsetTop).flatMap((each, index) => [...each.querySelectorAll('span')].some(span => getComputedStyle(span, '::after').content.includes('read to here')) ? [index] : [])`,
        );
      let marks: readonly number[] = [];
      await eventually('there is one mark', async () => (marks = await read()).length === 1);
      const [first] = editor.visibleRanges;
      assert.equal(first?.start.line, 0);
      assert.ok((marks[0] ?? 0) > 1 && (marks[0] ?? 0) + 1 < lines, String(marks));
      const [shown = []] = await shownEditors();
      const mostSeen = line.replaceAll(/[ \n]/g, '').length * ((marks[0] ?? 0) + 1);
      const visible = shown.filter(({ text }) => text !== '\u00a0' && text !== ' ');
      assert.ok(
        visible.slice(0, mostSeen).some(({ background }) => background !== ''),
        'something is painted before it',
      );
      assert.ok(visible.length > mostSeen && visible.slice(mostSeen).every(({ background }) => background === ''), 'and nothing behind it');
      const tooltip = await browser.evaluate<string>(
        `(() => { const item = document.querySelector('.statusbar-item[id$="tokenLens.difference"]'); return [item, ...item.querySelectorAll('*')].map(each => each.getAttribute('aria-label') ?? '').join(' '); })()`,
      );
      await browser.log(tooltip);
    }

    it('says how far it has read, and marks the place', async () => {
      const editor = await opened(long);
      await vscode.commands.executeCommand('tokenLens.ablateSelection', { start: 4, end: 8 });
      await assertMarked(editor, 40);
      await browser.screenshot('ablate-read-to-here');
      await vscode.commands.executeCommand('tokenLens.leaveInspection');
      await vscode.commands.executeCommand('tokenLens.showEffects', { start: 4, end: 8, filler: 'startToken' });
      await assertMarked(editor, 40);
      await vscode.commands.executeCommand('tokenLens.leaveInspection');
      await vscode.commands.executeCommand('tokenLens.ablateSelection', { start: long.length - 60, end: long.length - 50 });
      await eventually('it has read to the end', async () => (await spokenEntry('tokenLens.difference')).endsWith('after it'));
    });

    it('reads a piece that lies across a border of windows in one of its own, and says in words which is too long', async () => {
      const editor = await opened(long);
      const { tokens } = await api.score(editor.document.uri);
      // What follows it is in the second window, which begins behind the 48th token, wherever its border is.
      const span = { start: tokens[25]?.start ?? NaN, end: tokens[139]?.end ?? NaN };
      await vscode.commands.executeCommand('tokenLens.showEffects', { ...span, filler: 'startToken' });
      await eventually('it is shown', async () => (await spokenEntry('tokenLens.difference')).includes('tokens after it'));
      assert.doesNotMatch(await notices(), /more than the model sees|cannot/);
      for (const command of ['tokenLens.showEffects', 'tokenLens.ablateSelection']) {
        await clearNotices();
        await vscode.commands.executeCommand(command, { start: 0, end: tokens.at(-30)?.end, filler: 'startToken' });
        await eventually('it is said', async () =>
          (await notices()).includes('That is more than the model sees at once: take less of it.'),
        );
        assert.doesNotMatch(await notices(), /cannot do that here/);
      }
    });
  });

  it('looks like this', async () => {
    await useModel(undefined);
    const code = `// Prices are in euro cents.
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The sum of all prices in a file, in euro cents. */
export function sumOfPrices(folder: string): number {
  const file = path.join(folder, 'prices.txt');
  const lines = readFileSync(file, 'utf8').split('\\n');
  return lines.reduce((sum, line) => sum + Number(line), 0);
}
`;
    const editor = await opened(code, 'typescript');
    const start = code.indexOf('import');
    await vscode.commands.executeCommand('tokenLens.ablateSelection', { start, end: code.indexOf('/**') });
    await eventually('shown', async () => (await spokenEntry('tokenLens.difference')) !== '', 60_000);
    await browser.log(await spokenEntry('tokenLens.difference'));
    for (const [kind, name] of themes) {
      await setTheme(name);
      await eventually('lines say their sums', async () => (await lineEnds()).length > 0);
      await browser.screenshot(`ablate-${kind}`);
    }
    assert.equal(editor.document.isDirty, true); // untitled with a text
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
});
