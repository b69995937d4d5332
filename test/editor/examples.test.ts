import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { exampleNames, workedExamples } from '../../src/core/workedExamples';
import type { ExampleName, WorkedExample } from '../../src/core/workedExamples';
import { browser } from './browser';
import { activated, closeAll, eventually, inExtension, readWhen, useModel } from './documents';
import { choose } from './picks';
import { shownEditors } from './screen';

/** What each sentence says, as the reader sees it. */
const saidOf: Readonly<Record<ExampleName, RegExp>> = {
  cat: /“mat” is first with about 30 %/,
  nine: /does not manage this: “eighteen” has about 0\.5 %/,
  name: /243 tokens back.*0\.2 bits after the whole text, and 17\.0 bits/,
  import: /line 3 is why: without that import it would cost 6\.4 bits more/,
  detective: /Thomas has about 4 %, Martha and Edward about 1 % each.*at “Thomas” that is 0\.2 bits, too little for a colour/,
  rhyme: /“sleep” has about 75 %.*about 82 %\..*too little for a colour/,
  sum: /the digits of the answer cost 1\.1 bits with it and 13\.0 bits without/,
  task: /12\.6, 1\.4, 0\.8 and 0\.2 bits/,
};

const readPage = `({ offer: document.querySelector('[data-key="run"]')?.innerText ?? '', note: document.querySelector('.worked-example')?.innerText ?? '', all: document.body.innerText })`;
interface ShownPage {
  readonly note: string;
  readonly all: string;
  /** What a button would begin. */
  readonly offer: string;
}

describe('worked examples', function () {
  this.timeout(120_000);
  let api: TokenLensApi;

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await closeAll();
  });
  afterEach(closeAll);

  /** The page that the example's view is, once it says this and is not waiting for more. */
  async function pageWhen(name: ExampleName, what: string, holds: (page: ShownPage) => boolean): Promise<ShownPage> {
    const { view }: WorkedExample = workedExamples[name];
    const read = () =>
      view.kind === 'context' ? browser.evaluateInExplain<ShownPage>(readPage) : browser.evaluateInWebview<ShownPage>(readPage);
    return readWhen(`${name}: ${what}`, read, holds, 60_000);
  }

  async function shown(name: ExampleName): Promise<vscode.TextDocument> {
    await vscode.commands.executeCommand('tokenLens.showExample', name);
    const editor = vscode.window.activeTextEditor ?? assert.fail();
    const { document, selection } = editor;
    assert.equal(document.languageId, workedExamples[name].language);
    assert.ok(
      document.getText().startsWith(workedExamples[name].target, document.offsetAt(selection.active)),
      'the cursor is at the target',
    );
    await eventually('the lens is on', () => api.scores(document.uri) !== undefined, 60_000);
    const { note } = await pageWhen(name, 'the sentence is there', page => page.note !== '');
    assert.match(note, saidOf[name]);
    return document;
  }

  /** What the sentence names has the number in the editor that the sentence says, and a colour where it says so. */
  async function assertNamed(name: ExampleName, document: vscode.TextDocument): Promise<void> {
    const { target } = workedExamples[name];
    const text = document.getText();
    const at = text.lastIndexOf(target);
    const editor = await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    const place = document.positionAt(at + target.length - 1);
    editor.selection = new vscode.Selection(place, place);
    editor.revealRange(editor.selection);
    let characters: Awaited<ReturnType<typeof shownEditors>>[number] = [];
    await eventually('what is named is on the screen', async () => {
      [characters = []] = await shownEditors();
      return characters
        .map(({ text }) => text)
        .join('')
        .includes(target.trim());
    });
    const from = characters
      .map(({ text }) => text)
      .join('')
      .lastIndexOf(target.trim());
    const shown = characters.slice(from, from + target.trim().length);
    const isPainted = shown.some(({ background }) => background !== '');
    if (name !== 'sum') assert.ok(!isPainted, 'too little for a colour');
    else assert.ok(isPainted, `${target} has a colour`);
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    await eventually('the editor has the focus', () =>
      browser.evaluate<boolean>(`document.activeElement?.closest('.part.editor .monaco-editor') !== null`),
    );
    let said = '';
    const pattern = /([\d.]+) bits; ([\d.]+) without it/;
    await eventually('its hover is there', async () => {
      await vscode.commands.executeCommand('editor.action.showHover');
      said = await browser.evaluate<string>(`[...document.querySelectorAll('.monaco-hover')].map(each => each.innerText).join(' ')`);
      said = said.replaceAll('\u00a0', ' ');
      return pattern.test(said);
    });
    const numbers = pattern.exec(said) ?? assert.fail(said);
    const [present = NaN, absent = NaN] = numbers.slice(1).map(Number);
    if (name === 'rhyme')
      assert.deepEqual(
        [present, absent].map(bits => Math.round(100 * 2 ** -bits)),
        [75, 82],
      );
    if (name === 'detective') assert.equal(Math.abs(absent - present).toFixed(1), '0.2');
    if (name !== 'sum') return;
    const first = text.indexOf('102');
    await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    const { tokens } = api.scores(document.uri) ?? assert.fail();
    const digits = tokens.filter(({ start, end }) => start >= first && end <= first + 3);
    const bits = digits.reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? NaN), 0);
    const strongest = digits.reduce((a, b) => ((a.surprisalBits ?? 0) >= (b.surprisalBits ?? 0) ? a : b)); // what is not surprising has no hover
    await eventually('the usual hover is there after Escape', async () => {
      await browser.press('Escape'); // the first one may close the hover
      const at = document.positionAt(strongest.start);
      const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>('vscode.executeHoverProvider', document.uri, at);
      return hovers.some(({ contents }) =>
        contents.some(content => content instanceof vscode.MarkdownString && content.value.includes('bits')),
      );
    });
    assert.ok(Math.abs(bits - 6.1) < 0.5, String(bits));
  }

  /** The rows of the table that the sentence names have its numbers. */
  async function assertRows(): Promise<void> {
    const rows = await browser.evaluateInExplain<readonly (readonly string[])[]>(
      `[...document.querySelectorAll('.lengths-table tbody tr')].map(row => [...row.children].map(cell => cell.innerText))`,
    );
    const of = (from: string) => rows.find(([, name]) => name === from)?.[2];
    assert.deepEqual(
      ['beginning of line 5', 'beginning of line 4', 'beginning of line 3', 'the whole context'].map(of),
      ['12.6', '1.4', '0.8', '0.2'],
      JSON.stringify(rows),
    );
  }

  for (const name of exampleNames) {
    it(`opens its view with its sentence: ${name}`, async () => {
      const document = await shown(name);
      const { view, watched = [] }: WorkedExample = workedExamples[name];
      if (view.kind === 'context') {
        const isThere =
          view.section === 'lengths' ? /It needs [\d,]+( to [\d,]+)? tokens to be within/ : /without that import[^]*createHash/;
        // What takes long is offered, at its cost.
        const { all } = await pageWhen(name, 'its numbers are there, or offered', page => isThere.test(page.all) || page.offer !== '');
        if (!isThere.test(all)) await browser.evaluateInExplain(`document.querySelector('[data-key="run"]')?.click()`);
        await pageWhen(name, 'its numbers are there', page => isThere.test(page.all));
        if (name === 'task') await assertRows();
        if (view.section === 'influence')
          await pageWhen(name, 'the line of the sentence has its number', ({ all }) => /line 3[^+]*\+6\.4/.test(all));
      } else {
        const { all } = await pageWhen(name, 'the distribution is there', page => page.all.includes('%'));
        for (const word of watched) assert.ok(all.includes(word), word);
      }
      if (view.kind === 'instead') {
        await eventually(
          'what is lost is painted',
          async () => (await shownEditors()).some(editor => editor.some(({ background }) => background !== '')),
          60_000,
        );
        await assertNamed(name, document);
      }
      await browser.screenshot(`example-${name}`, 500);
      assert.ok(document.isUntitled, 'it is a copy');
    });
  }

  it('says in front of its sentence that it is of the bundled model, where another one reads the text, or other settings or a preamble do', async () => {
    const document = await shown('nine');
    const { note: plain } = await pageWhen('nine', 'the sentence is there', ({ note }) => note !== '');
    assert.doesNotMatch(plain, /numbers are others/);
    const configuration = vscode.workspace.getConfiguration('tokenLens');
    try {
      await useModel(inExtension('test/fixtures/tiny-gpt2'));
      await pageWhen(
        'nine',
        'it is another model',
        ({ note }) => note.includes('Another model reads this now') && note.includes('does not manage this'),
      );
      await useModel(undefined);
      await pageWhen('nine', 'it is the bundled one again', ({ note }) => note === plain);
      await configuration.update('contextTokens', 64, vscode.ConfigurationTarget.Global);
      await pageWhen('nine', 'it is read with other settings', ({ note }) => note.includes('read with other settings now'));
      await configuration.update('contextTokens', undefined, vscode.ConfigurationTarget.Global);
      await pageWhen('nine', 'the settings are the usual ones', ({ note }) => note === plain);
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('tokenLens.setPreamble', { kind: 'text', text: 'Sums.\n', name: 'notes.md' });
      await pageWhen('nine', 'it is read after something else', ({ note }) => note.includes('read after something else now'));
    } finally {
      await useModel(undefined);
      await configuration.update('contextTokens', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('is chosen from a list, and its sentence goes with an edit', async () => {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: 'Fog.' }));
    await choose('showExample', '“Nine plus nine makes…”');
    await pageWhen('nine', 'the sentence is there', ({ note }) => note.includes('does not manage this: “eighteen” has about 0.5 %'));
    const editor = vscode.window.visibleTextEditors.find(({ document }) => document.getText().startsWith('Nine')) ?? assert.fail();
    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), 'So: '));
    await pageWhen('nine', 'the sentence is gone', ({ note, all }) => note === '' && all.includes('%'));
  });
});
