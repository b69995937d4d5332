import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { formatCount } from '../../src/core/numberText';
import { browser } from './browser';
import { activated, closeAll, eventually, inExtension, readWhen, untitled, useModel } from './documents';
import { clearNotices, notices } from './notices';
import { choose, isClosed, list, moveTo } from './picks';
import { referenceOf, setTheme, shownState, stateEntry, themes } from './screen';

/** The report's page as it is shown. */
interface ShownReport {
  readonly title: string;
  readonly lead: string;
  readonly reading: string;
  readonly message: string;
  /** By label: one value for each text. */
  readonly numbers: Readonly<Record<string, readonly string[]>>;
  readonly kinds: Readonly<Record<string, readonly string[]>>;
  readonly bands: readonly (readonly string[])[];
  readonly peaks: readonly string[];
  readonly columns: number;
  readonly provenance: string;
  readonly isBusy: boolean;
}

const readReport = `(() => {
  const text = selector => document.querySelector(selector)?.innerText ?? '';
  const rows = selector => [...document.querySelectorAll(selector + ' tbody tr')].map(row => [...row.querySelectorAll('th, td')].map(cell => cell.innerText.trim()));
  return {
    title: text('h1'), lead: text('.lead'), reading: text('.reading'), message: text('.message'), provenance: text('footer'),
    numbers: Object.fromEntries(rows('section.numbers').map(([label, ...values]) => [label, values])),
    kinds: Object.fromEntries(rows('section.kinds').map(([label, ...values]) => [label, values])),
    bands: rows('section.bands').map(([, ...values]) => values),
    peaks: [...document.querySelectorAll('.peak .token')].map(token => token.innerText),
    columns: document.querySelectorAll('.strip .column').length,
    isBusy: document.querySelector('main')?.getAttribute('aria-busy') !== 'false',
  };
})()`;

const english =
  'The boats had left the harbour before sunrise. Nobody on the quay had seen them go. When the fog came in, the manxhattan of masts was gone.';
const languages = JSON.parse(readFileSync(inExtension('test/fixtures/languages.json'), 'utf8')) as readonly {
  readonly name: string;
  readonly text: string;
}[];

describe('the report of a user', function () {
  this.timeout(120_000);
  let api: TokenLensApi;

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await closed();
  });
  afterEach(closed);

  async function closed(): Promise<void> {
    await closeAll();
    await eventually('the report has gone', async () => !(await browser.hasReport()));
  }

  async function open(text: string, language = 'plaintext'): Promise<vscode.TextEditor> {
    return vscode.window.showTextDocument(await untitled(text, language), { preview: false, viewColumn: vscode.ViewColumn.One });
  }

  function textOf(name: string): string {
    return languages.find(each => each.name === name)?.text ?? assert.fail(name);
  }

  function select(editor: vscode.TextEditor, ...pieces: readonly string[]): void {
    const { document } = editor;
    editor.selections = pieces.map(piece => {
      const start = document.getText().indexOf(piece);
      assert.ok(start >= 0, piece);
      return new vscode.Selection(document.positionAt(start), document.positionAt(start + piece.length));
    });
  }

  function reportWhen(what: string, holds: (report: ShownReport) => boolean): Promise<ShownReport> {
    return readWhen(
      what,
      () => browser.evaluateInReport<ShownReport>(readReport),
      report => !report.isBusy && holds(report),
      40_000,
    );
  }

  const statusMessages = () =>
    browser.evaluate<string>(`[...document.querySelectorAll('.statusbar-item')].map(item => item.innerText.trim()).join(' | ')`);

  /** The numbers of a column, computed here from the public scores of the tokens that begin in the span. */
  function assertNumbers(
    { numbers }: ShownReport,
    column: number,
    { tokens }: DocumentScores,
    text: string,
    start: number,
    end: number,
  ): void {
    const own = tokens.filter(token => token.start >= start && token.end <= end);
    const sum = (of: (token: (typeof own)[number]) => number) => own.reduce((total, token) => total + of(token), 0);
    const bits = sum(token => token.surprisalBits ?? NaN);
    const characters = sum(token => Array.from(text.slice(token.start, token.end)).length);
    const value = (label: string) => numbers[label]?.[column];
    assert.equal(value('Tokens'), formatCount(own.length));
    assert.equal(value('Bits per byte'), (bits / sum(token => token.endByte - token.startByte)).toFixed(2));
    assert.equal(value('Bits per character (Unicode code point)'), (bits / characters).toFixed(2));
    assert.equal(value('Perplexity per token'), (2 ** (bits / own.length)).toFixed(1));
    assert.equal(value('Mean entropy, bits per token'), (sum(token => token.entropyBits ?? NaN) / own.length).toFixed(2));
  }

  it('has the numbers of the scores, of the document and of what is selected in it, and so has the status bar', async () => {
    const { text } = referenceOf('prose-odd');
    const editor = await open(text, 'markdown');
    await vscode.commands.executeCommand('tokenLens.toggle');
    await vscode.commands.executeCommand('tokenLens.showReport');
    assert.equal(vscode.window.activeTextEditor?.document, editor.document, 'the report took the focus');
    const scores = await api.score(editor.document.uri);
    const whole = await reportWhen('numbers are there', report => 'Tokens' in report.numbers);
    assertNumbers(whole, 0, scores, text, 0, Infinity);
    assert.match(whole.lead, /SmolLM2-135M usually needs 1\.06 bits per byte for English prose and 0\.54 for code/);
    assert.equal(whole.reading, '');
    assert.match(whole.provenance, /SmolLM2-135M-Instruct · q8 · native/);
    assert.equal(whole.columns, Math.min(100, scores.tokens.length));
    const shares = whole.bands.map(([share = '']) => Number(/[\d.]+/.exec(share)?.[0]));
    const bandTokens = (band: number) =>
      scores.cells
        .filter(cell => cell.band === band)
        .reduce((sum, cell) => sum + scores.tokens.filter(token => token.start >= cell.start && token.end <= cell.end).length, 0);
    for (const [band, share] of shares.entries())
      assert.ok(Math.abs(share - (100 * bandTokens(band)) / scores.tokens.length) < 0.1, `band ${String(band)}: ${String(share)}`);
    const surprising = scores.cells.reduce((a, b) => ((a.bits ?? 0) >= (b.bits ?? 0) ? a : b));
    assert.equal(whole.peaks[0]?.replaceAll('·', ' '), text.slice(surprising.start, surprising.end));

    // From the beginning of a token to the end of one.
    const [from, to] = [scores.tokens[4], scores.tokens[20]];
    assert.ok(from && to);
    editor.selection = new vscode.Selection(editor.document.positionAt(from.start), editor.document.positionAt(to.end));
    const both = await reportWhen('the selection has a column', report => report.numbers['Tokens']?.length === 2);
    assertNumbers(both, 0, scores, text, 0, Infinity);
    assertNumbers(both, 1, scores, text, from.start, to.end);
    const expected = `${both.numbers['Bits per byte']?.[1] ?? ''} bits/byte · 17 tokens selected`;
    await eventually('the status bar tells of the selection', async () => (await shownState()).includes(expected));
    await browser.screenshot('report-selection');
    editor.selection = new vscode.Selection(editor.document.positionAt(from.start), editor.document.positionAt(from.end));
    await eventually('the status bar tells of one token', async () => (await shownState()).includes('bits/byte · 1 token selected'));
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    await reportWhen('the selection has gone', report => report.numbers['Tokens']?.length === 1);
    await eventually('the status bar tells of the document', async () => (await shownState()).startsWith('PPL '));
  });

  it('sums apart what may be left out, and all the rest', async () => {
    const code = [
      '// The tide table of one harbour.',
      "const name = 'Oban';",
      'function high(level: number): boolean {',
      '    return level > 4;',
      '}',
      '',
    ].join('\n');
    const editor = await open(code, 'typescript');
    await vscode.commands.executeCommand('tokenLens.showReport');
    const report = await reportWhen('the kinds are there', shown => 'Comments' in shown.kinds);
    assert.deepEqual(Object.keys(report.kinds), ['Comments', 'Strings', 'Indentation', 'All the rest']);
    const tokens = Object.values(report.kinds).map(([sum = '']) => Number(/^\d+/.exec(sum)?.[0]));
    const scores = await api.score(editor.document.uri);
    assert.equal(
      tokens.reduce((sum, count) => sum + count, 0),
      scores.tokens.length,
    );
    assert.equal(tokens[0], scores.tokens.filter(token => token.end <= code.indexOf('\n')).length);
  });

  it('goes to the places that are clicked, and follows an edit', async () => {
    const filler = Array.from({ length: 60 }, (_, index) => `Line ${String(index + 1)} of the log is like the line before it.\n`).join('');
    const editor = await open(`${filler}${english}\n`);
    await vscode.commands.executeCommand('tokenLens.showReport');
    const isPlace = (peak: string) => peak.includes('hattan'); // not in the text that the page was about before
    const before = await reportWhen('numbers are there, with the lens off', report => report.peaks.some(isPlace));
    const place = editor.document.getText().indexOf(' harbour');
    await browser.evaluateInReport(`document.querySelectorAll('.strip')[0].scrollIntoView()`);
    const index = before.peaks.findIndex(isPlace);
    await browser.evaluateInReport(`document.querySelectorAll('.peak')[${String(index)}].click()`);
    await eventually('the caret is there', () => {
      const at = vscode.window.activeTextEditor?.selection.active;
      return at?.line === 60 && editor.document.offsetAt(at) > place;
    });
    await eventually('it is on the screen', () => editor.visibleRanges.some(range => range.contains(editor.selection.active)));
    assert.equal(vscode.window.activeTextEditor, editor);

    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), 'A new line stands here now.\n'));
    const tokens = before.numbers['Tokens']?.[0] ?? '';
    const after = await reportWhen(
      'the numbers are of the new text',
      report => !!report.numbers['Tokens'] && report.numbers['Tokens'][0] !== tokens,
    );
    assertNumbers(after, 0, await api.score(editor.document.uri), editor.document.getText(), 0, Infinity);
  });

  it('scores with the lens off what it was asked for, and nothing else', async () => {
    const asked = await open(english);
    await vscode.commands.executeCommand('tokenLens.showReport');
    await reportWhen('numbers are there', report => 'Tokens' in report.numbers);
    const other = await open('Another text that nobody has asked about.');
    const { message } = await reportWhen('it says why not', report => report.message !== '');
    assert.match(message, /The lens is off for this document/);
    assert.equal(api.scores(other.document.uri), undefined);
    assert.ok(api.scores(asked.document.uri));
  });

  it('compares two selections at once: which is more predictable, by the scores, and where', async () => {
    const editor = await open(english);
    await vscode.commands.executeCommand('tokenLens.toggle');
    const scores = await api.score(editor.document.uri);
    const pieces = [' Nobody on the quay had seen them go.', ' the manxhattan of masts was gone.'] as const;
    select(editor, pieces[1], pieces[0]);
    await vscode.commands.executeCommand('tokenLens.compare');
    const report = await reportWhen('two texts are there', shown => shown.numbers['Tokens']?.length === 2);
    assert.equal(report.title, 'Two texts compared');
    for (const [column, piece] of pieces.entries()) {
      const start = english.indexOf(piece);
      assertNumbers(report, column, scores, english, start, start + piece.length);
    }
    assert.match(
      report.lead,
      /^Text 1 \(Untitled-\d+, line 1\) is more predictable to SmolLM2-135M, by \d\.\d+ bits per byte\. A difference of up to 0\.\d+ would be noise\.$/,
    );
    const [first, second] = report.numbers['Bits per byte']?.map(Number) ?? [];
    assert.ok(first !== undefined && second !== undefined && first < second);
    await browser.screenshot('report-compared');

    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), 'It was late. '));
    const moved = await reportWhen(
      'the texts have moved with the edit',
      shown => shown.numbers['Tokens']?.length === 2 && shown.lead !== report.lead,
    );
    assert.deepEqual(moved.numbers['Tokens'], report.numbers['Tokens']);
  });

  it('compares with what is remembered, and with a file, chosen by keyboard; a text with itself is no difference', async () => {
    const editor = await open(english);
    await choose('compare', 'Remember this document');
    await eventually('it is remembered', async () => (await statusMessages()).includes('Remembered'));
    select(editor, ' Nobody on the quay had seen them go.');
    await choose('compare', 'Compare with what is remembered');
    const report = await reportWhen('two texts are there', shown => shown.numbers['Tokens']?.length === 2);
    const scores = await api.score(editor.document.uri);
    assertNumbers(report, 0, scores, english, 0, Infinity);

    const file = path.join(mkdtempSync(path.join(tmpdir(), 'token-lens-report-')), 'harbour.md');
    copyFileSync(inExtension('samples', 'harbour.md'), file);
    const isFileOpen = () => vscode.workspace.textDocuments.some(({ uri }) => uri.fsPath === file);
    // No extension holds a file that is opened by this command.
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file), { preview: false, viewColumn: vscode.ViewColumn.One });
    await eventually('the file is open', () => vscode.window.activeTextEditor?.document.uri.fsPath === file);
    await choose('compare', 'Remember this document');
    await vscode.window.showTextDocument(editor.document, vscode.ViewColumn.One);
    await choose('compare', 'Compare with what is remembered');
    const withFile = await reportWhen('the file has its place', shown => shown.numbers['Tokens']?.[0] !== report.numbers['Tokens']?.[0]);
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file), { viewColumn: vscode.ViewColumn.One });
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await eventually('the file is closed', () => !isFileOpen(), 5_000);
    await new Promise(resolve => setTimeout(resolve, 1_000));
    const kept = await reportWhen('the numbers stay', () => true);
    assert.deepEqual(kept.numbers, withFile.numbers);
    assert.ok(!isFileOpen(), 'it was opened again, only to be scored');

    // Edited where the page was, and closed before it could follow.
    const hiding = await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false, viewColumn: vscode.ViewColumn.Two });
    await hiding.edit(edit => edit.insert(new vscode.Position(0, 0), 'A sentence that was not there before.\n\n'));
    assert.ok(await hiding.document.save());
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    const saved = await reportWhen(
      'the numbers are of what was saved',
      shown => shown.numbers['Tokens']?.[0] !== kept.numbers['Tokens']?.[0],
    );
    assert.equal(saved.numbers['Tokens']?.[1], kept.numbers['Tokens']?.[1]);

    await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false, viewColumn: vscode.ViewColumn.One });
    await choose('compare', 'Remember this document');
    await choose('compare', 'Compare with what is remembered');
    const same = await reportWhen('the same text stands twice', shown => shown.lead.startsWith('Neither'));
    assert.match(same.lead, /^Neither is more predictable to SmolLM2-135M: they differ by 0\.000 bits per byte\./);
    assert.ok(same.columns > 0);
    rmSync(path.dirname(file), { recursive: true });
  });

  it('compares nothing, and says why, when the text was edited while the list was open', async () => {
    const editor = await open(english);
    select(editor, ' Nobody on the quay had seen them go.');
    const chooseAfter = async (meanwhile: () => Promise<void>) => {
      await vscode.window.showTextDocument(editor.document, vscode.ViewColumn.One);
      await list('compare');
      await meanwhile();
      await moveTo('Compare with this whole document');
      await browser.press('Enter');
      await isClosed();
    };
    await chooseAfter(async () => {
      const edit = new vscode.WorkspaceEdit();
      edit.insert(editor.document.uri, new vscode.Position(0, 0), 'It was late. ');
      assert.ok(await vscode.workspace.applyEdit(edit));
    });
    await eventually('it says why', async () => (await notices()).includes('not clear any more what was selected. Nothing was compared.'));
    await browser.screenshot('report-compare-refused');
    assert.equal(api.scores(editor.document.uri), undefined, 'it was scored all the same');
    await clearNotices();
    await chooseAfter(() => Promise.resolve());
    const report = await reportWhen('without an edit two texts are there', shown => shown.numbers['Tokens']?.length === 2);
    assert.equal(report.title, 'Two texts compared');
  });

  it('says once of a language that the model does not read, and never of English', async () => {
    const note = 'SmolLM2-135M mostly reads English; here its numbers say more about the model than about your text.';
    const letter = await open(textOf('english-letter'));
    await vscode.commands.executeCommand('tokenLens.toggle');
    await vscode.commands.executeCommand('tokenLens.showReport');
    await api.score(letter.document.uri);
    const plain = await reportWhen('numbers are there', report => 'Tokens' in report.numbers);
    assert.equal(plain.reading, '');
    assert.ok(!(await statusMessages()).includes(note));

    const german = await open(textOf('german'));
    await vscode.commands.executeCommand('tokenLens.toggle');
    await api.score(german.document.uri);
    const report = await reportWhen('the note is there', shown => shown.reading !== '');
    assert.ok(report.reading.startsWith(note), report.reading);
    assert.ok((await statusMessages()).includes(note));
    await browser.screenshot('report-german');
    const tooltip = () => browser.evaluate<string>(`[...document.querySelectorAll('.monaco-hover')].map(hover => hover.innerText).join()`);
    await browser.hover(stateEntry);
    await eventually('the tooltip says it too, with a way out', async () => {
      const said = (await tooltip()).replaceAll('\u00a0', ' ');
      return said.includes(note) && said.includes('Choose another model');
    });
    await browser.screenshot('report-tooltip');
    await browser.moveMouse(700, 400);
    await vscode.languages.setTextDocumentLanguage(german.document, 'markdown');
    await api.score(german.document.uri);
    await browser.hover(stateEntry);
    await eventually('colours are relative in another language of VS Code, too', async () => (await tooltip()).includes('Relative'));
    await browser.moveMouse(700, 400);
    await vscode.commands.executeCommand('tokenLens.showPanel');
    await eventually('the panel says it too', () =>
      browser.evaluateInWebview<boolean>(
        `document.querySelector('.reading')?.innerText.startsWith('SmolLM2-135M mostly reads English') === true`,
      ),
    );
    await vscode.commands.executeCommand('tokenLens.showReport');
    await reportWhen('the report is in front again', shown => shown.reading !== '');
    await browser.evaluateInReport(`document.querySelector('.reading button').click()`);
    await eventually('a folder is asked for', () =>
      browser.evaluate<boolean>(
        `[...document.querySelectorAll('.quick-input-widget')].some(widget => widget.checkVisibility() && widget.innerText.includes('Choose a model folder'))`,
      ),
    );
    await browser.press('Escape');
  });

  it('says once why a text cannot be scored', async () => {
    await open('binary\0text');
    await vscode.commands.executeCommand('tokenLens.showReport');
    const { message } = await reportWhen('the reason is there', shown => shown.message !== '');
    assert.match(message, /It holds binary data/);
    await new Promise(resolve => setTimeout(resolve, 500));
    assert.equal((await browser.evaluateInReport<ShownReport>(readReport)).message, message, 'and stays');
  });

  it('is readable in every theme', async () => {
    const editor = await open(referenceOf('prose-odd').text, 'markdown');
    await vscode.commands.executeCommand('tokenLens.showReport');
    await reportWhen('numbers are there', report => 'Tokens' in report.numbers);
    editor.selection = new vscode.Selection(0, 0, 1, 0);
    await reportWhen('the selection has a column', report => report.numbers['Tokens']?.length === 2);
    try {
      for (const [kind, name] of themes) {
        await setTheme(name);
        await browser.screenshot(`report-${kind}`);
      }
    } finally {
      await setTheme(undefined);
    }
  });
});
