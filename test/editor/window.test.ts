import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { formatBits, formatCount, formatPercent } from '../../src/core/numberText';
import { browser } from './browser';
import { activated, closeAll, eventually, untitled, useModel } from './documents';
import { assertDrawn, assertLikeReference, referenceOf, setTheme, shownEditors, themes } from './screen';
import type { ShownCharacter } from './screen';

const turnOn = '.editor-actions [aria-label="Turn Token Lens On for This Document"]';
const turnOff = '.editor-actions [aria-label="Turn Token Lens Off for This Document"]';
/** Two backgrounds that differ by this much in some channel (0 to 255) can be told apart at a glance. */
const seenDifference = 16;

/** Runs in the page: notes the time from the next press of the mouse to the first box of ours. */
const watchFirstColour = `(() => {
  window.firstColourMs = -1;
  document.addEventListener('mousedown', () => {
    const start = performance.now();
    const look = () => {
      if (document.querySelector('.view-overlays .cdr[class*="ced-"]')) window.firstColourMs = performance.now() - start;
      else requestAnimationFrame(look);
    };
    look();
  }, { once: true, capture: true });
})()`;

/** The path of a user who opens a file, clicks the eye and looks; with the bundled model. */
describe('the window of a user', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  let files = 0;

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    // Everything in sight, whatever the width of the window.
    await vscode.workspace.getConfiguration('editor').update('wordWrap', 'on', vscode.ConfigurationTarget.Global);
    await setTheme('Default Dark Modern');
  });
  after(async () => {
    await vscode.workspace.getConfiguration('editor').update('wordWrap', undefined, vscode.ConfigurationTarget.Global);
    await setTheme(undefined);
  });
  afterEach(async () => {
    await browser.moveMouse(5, 5);
    await closeAll();
  });

  /** A new file each time: that the lens is on is remembered. */
  async function openFile(extension: string, text: string): Promise<vscode.TextEditor> {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(folder);
    const file = path.join(folder, `window-${String(++files)}.${extension}`);
    writeFileSync(file, text);
    const editor = await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false });
    await eventually('the text is on the screen', async () => ((await shownEditors())[0]?.length ?? 0) > 0);
    return editor;
  }

  async function turnedOn(document: vscode.TextDocument): Promise<DocumentScores> {
    await browser.click(turnOn);
    let scores: DocumentScores | undefined;
    await eventually('every token is scored', () => (scores = api.scores(document.uri)) !== undefined, 60_000);
    assert.ok(scores);
    return scores;
  }

  async function shown(): Promise<readonly ShownCharacter[]> {
    return (await shownEditors())[0] ?? [];
  }

  /** Where a document's offset is on the screen: characters, line breaks left out. */
  function characterAt(characters: readonly ShownCharacter[], text: string, offset: number): ShownCharacter {
    const found = characters[Array.from(text.slice(0, offset)).filter(character => !/[\r\n]/.test(character)).length];
    assert.ok(found);
    return found;
  }

  for (const [name, extension] of [
    ['prose-odd', 'txt'],
    ['code-ts', 'ts'],
    ['code-py', 'py'],
  ] as const) {
    it(`${name}: a click on the eye colours it as its scores say, and these are the reference's`, async () => {
      const reference = referenceOf(name);
      const { document } = await openFile(extension, reference.text);
      assert.ok(
        (await shown()).every(({ background, underline }) => background === '' && underline === ''),
        'coloured before the click',
      );
      await browser.evaluate(watchFirstColour);
      await browser.click(turnOn);
      const scores = await api.score(document.uri);
      assertLikeReference(scores, reference);
      await assertDrawn(document, scores, 'dark');
      await browser.log(
        `  ${name}: first colours ${(await browser.evaluate<number>('window.firstColourMs')).toFixed(0)} ms after the click`,
      );
      const toasts = `[...document.querySelectorAll('.notification-toast')].map(toast => toast.innerText)`;
      assert.deepEqual(await browser.evaluate(toasts), [], 'a notification');
      await browser.click(turnOff);
      await eventually('nothing is left', async () =>
        (await shown()).every(({ background, underline }) => background === '' && underline === ''),
      );
    });
  }

  it('looks as the scores say in every theme and in a split editor', async () => {
    const { document } = await openFile('txt', referenceOf('prose-odd').text);
    const scores = await turnedOn(document);
    const bands = new Set(scores.cells.map(cell => cell.band));
    assert.ok(
      [0, 1, 2, 3, 4, 5].every(band => bands.has(band)),
      'the text no longer shows every band',
    );
    await vscode.commands.executeCommand('workbench.action.splitEditor');
    for (const [kind, name] of themes) {
      await setTheme(name);
      await assertDrawn(document, scores, kind, 2);
      await browser.screenshot(`window-${kind}`);
    }
    await setTheme('Default Dark Modern');
  });

  it('keeps selection, find matches and problems visible over every band in every theme', async () => {
    const editor = await openFile('txt', referenceOf('prose-odd').text);
    const { document } = editor;
    const text = document.getText();
    const { cells } = await turnedOn(document);
    const problems = vscode.languages.createDiagnosticCollection('token-lens-test');
    const words = [1, 2, 3, 4, 5].map(band => {
      const cell = cells.find(found => found.band === band && /^ ?[a-zA-Z]{2,}$/.test(text.slice(found.start, found.end)));
      assert.ok(cell, `no word of band ${String(band)}`);
      const start = cell.end - text.slice(cell.start, cell.end).trim().length;
      return { band, start, range: new vscode.Range(document.positionAt(start), document.positionAt(cell.end)) };
    });
    // The last line is empty: no word under the cursor is marked, or becomes what is searched for.
    const end = document.positionAt(text.length);
    const atEnd = new vscode.Selection(end, end);
    try {
      for (const [kind, name] of themes) {
        await setTheme(name);
        editor.selections = [atEnd];
        await assertDrawn(document, { cells }, kind);
        const plain = await shown();
        const differs = (now: readonly ShownCharacter[], start: number) => {
          const [before, after] = [characterAt(plain, text, start), characterAt(now, text, start)];
          const step = Math.max(...before.blended.map((value, channel) => Math.abs(value - (after.blended[channel] ?? 0))));
          return step >= seenDifference || after.marks.length > before.marks.length;
        };
        const allDiffer = async (what: string) => {
          let hidden: readonly number[] = [];
          await eventually(
            `${what} can be seen in ${name}`,
            async () => {
              const now = await shown();
              hidden = words.filter(({ start }) => !differs(now, start)).map(({ band }) => band);
              return hidden.length === 0;
            },
            5_000,
          ).catch(async (error: unknown) => {
            await browser.screenshot(`window-${kind}-${what}`);
            throw new Error(`${what} cannot be seen over bands ${hidden.join(', ')} in ${name}.`, { cause: error });
          });
          await browser.screenshot(`window-${kind}-${what}`);
        };
        editor.selections = words.map(({ range }) => new vscode.Selection(range.start, range.end));
        await allDiffer('selection');
        editor.selections = [atEnd];

        problems.set(
          document.uri,
          words.map(({ range }) => new vscode.Diagnostic(range, 'A problem.')),
        );
        await allDiffer('problem');
        problems.clear();

        const searchString = words.map(({ range }) => document.getText(range)).join('|');
        await vscode.commands.executeCommand('editor.actions.findWithArgs', { searchString, isRegex: true, isCaseSensitive: true });
        await allDiffer('match');
        await vscode.commands.executeCommand('closeFindWidget');
      }
    } finally {
      problems.dispose();
      await setTheme('Default Dark Modern');
    }
  });

  it('tells under the mouse what was expected instead', async () => {
    const { document } = await openFile('txt', referenceOf('prose-odd').text);
    const text = document.getText();
    const scores = await turnedOn(document);
    await assertDrawn(document, scores, 'dark');
    const start = text.indexOf('Tuesday');
    const token = scores.tokens.find(found => found.start === start - 1);
    assert.ok(token);
    assert.ok(token.surprisalBits !== null && token.rank !== null && token.entropyBits !== null);
    const { x, y } = characterAt(await shown(), text, start + 2);
    await browser.moveMouse(x - 3, y);
    await browser.moveMouse(x, y);
    let hover = '';
    await eventually('a hover is there', async () => {
      const visible = `[...document.querySelectorAll('.monaco-hover')].filter(hover => hover.getBoundingClientRect().height > 0).map(hover => hover.innerText).join('\\n')`;
      hover = await browser.evaluate<string>(visible);
      return hover.includes('everything else');
    });
    await browser.screenshot('window-hover');
    assert.ok(hover.includes('·Tuesday'), hover);
    assert.ok(hover.includes(`${formatBits(token.surprisalBits)} bits`), hover);
    assert.ok(hover.includes(`rank ${formatCount(token.rank)}`), hover);
    assert.ok(hover.includes(`Entropy ${formatBits(token.entropyBits)} bits`), hover);
    for (const probability of token.topProbabilities) assert.ok(hover.includes(`${formatPercent(probability)}%`), hover);
  });

  it('has the numbers of the document in the status bar, and words where there are none', async () => {
    const entries = `[...document.querySelectorAll('.statusbar-item')].map(item => item.innerText.trim())`;
    const entry = async (wanted: string) => {
      await eventually(`the status bar says "${wanted}"`, async () =>
        (await browser.evaluate<readonly string[]>(entries)).includes(wanted),
      );
    };
    const { document } = await openFile('ts', referenceOf('code-ts').text);
    const { summary, tokens } = await turnedOn(document);
    const bits = tokens.reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? NaN), 0);
    assert.ok(Math.abs(bits - summary.totalBits) < 1e-6);
    const perplexity = 2 ** (bits / tokens.length);
    await entry(`PPL ${perplexity.toFixed(1)} · ${(bits / Buffer.byteLength(document.getText())).toFixed(2)} bits/byte`);
    await browser.click(turnOff);

    await vscode.window.showTextDocument(await untitled(''), { preview: false });
    await browser.click(turnOn);
    await entry('nothing to score');
  });

  it('leaves what has no score plain, and says why under the mouse', async () => {
    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('startToken', false, vscode.ConfigurationTarget.Global);
    try {
      const { document } = await openFile('txt', referenceOf('prose-odd').text);
      const scores = await turnedOn(document);
      assert.deepEqual([scores.cells[0]?.bits, scores.cells[0]?.band], [null, null]);
      await assertDrawn(document, scores, 'dark');
      const { x, y } = characterAt(await shown(), document.getText(), 1);
      await browser.moveMouse(x - 3, y);
      await browser.moveMouse(x, y);
      await eventually('the hover says why', () =>
        browser.evaluate<boolean>(
          `[...document.querySelectorAll('.monaco-hover')].some(hover => hover.getBoundingClientRect().height > 0 && hover.innerText.includes('No score'))`,
        ),
      );
      await browser.click(turnOff);
    } finally {
      await settings.update('startToken', undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
