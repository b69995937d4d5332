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
  detective: /Thomas has about 4 %, Martha and Edward about 1 % each/,
  rhyme: /“sleep” has about 75 %.*about 82 %;/,
  sum: /the digits of the answer cost 1\.1 bits with it and 13\.0 bits without/,
  task: /12\.6 bits after none, 1\.4 after one, 0\.8 after two and 0\.2 after four/,
};

const readPage = `({ note: document.querySelector('.worked-example')?.innerText ?? '', all: document.body.innerText })`;
interface ShownPage {
  readonly note: string;
  readonly all: string;
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

  for (const name of exampleNames) {
    it(`opens its view with its sentence: ${name}`, async () => {
      const document = await shown(name);
      const { view, watched = [] }: WorkedExample = workedExamples[name];
      if (view.kind === 'context') {
        const isThere = view.section === 'lengths' ? /It needs \d+ tokens to be within/ : /without that import[^]*createHash/;
        await pageWhen(name, 'its numbers are there', ({ all }) => isThere.test(all));
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
      await pageWhen('nine', 'it is another model', ({ note }) => note.includes('Another model reads this now') && saidOf.nine.test(note));
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
