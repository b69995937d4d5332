import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, eventually, scoresOfText, untitled } from './documents';
import { clearNotices, notices } from './notices';
import { followHoverLink, setTheme, shownEditors, spokenEntry, themes } from './screen';

const patienceMs = 60_000;
const code = 'const items = [1, 2, 3];\nfor (let i = 0; i < items.length; i++) {\n  console.log(items[i]);\n}\nconsole.log("done");\n';

interface Entry {
  readonly text: string;
  readonly active: boolean;
}
function entries(): Promise<readonly Entry[]> {
  return browser.evaluate(
    `[...document.querySelectorAll('.quick-input-widget:not([style*="display: none"]) .quick-input-list .monaco-list-row')].map(row => ({ text: row.innerText.replaceAll('\\u00a0', ' '), active: row.classList.contains('focused') }))`,
  );
}

function comparison(): vscode.TabInputTextDiff | undefined {
  const inputs = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ input }) => input));
  return inputs.find(input => input instanceof vscode.TabInputTextDiff);
}

function would(): string {
  const uri = comparison()?.modified.toString();
  return vscode.workspace.textDocuments.find(document => document.uri.toString() === uri)?.getText() ?? '';
}

/** All of its characters are in the other, in the same order. */
function isSubsequence(part: string, whole: string): boolean {
  let at = -1;
  return Array.from(part).every(character => (at = whole.indexOf(character, at + 1)) >= 0);
}

function sum(tokens: DocumentScores['tokens']): number {
  return tokens.reduce((bits, { surprisalBits }) => bits + (surprisalBits ?? 0), 0);
}

describe('continuing from a token', function () {
  this.timeout(3 * patienceMs);
  let api: TokenLensApi;

  async function opened(content: string, isCrlf = false): Promise<{ document: vscode.TextDocument; scores: DocumentScores }> {
    const document = await untitled(content, 'javascript');
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    if (isCrlf) await editor.edit(builder => builder.setEndOfLine(vscode.EndOfLine.CRLF));
    await vscode.commands.executeCommand('tokenLens.toggle');
    await eventually('it is scored', () => api.scores(document.uri) !== undefined, patienceMs);
    const scores = api.scores(document.uri);
    assert.ok(scores);
    return { document, scores };
  }
  /** As a click in a hover does; `offset` is the beginning of a token. */
  function continued(document: vscode.TextDocument, offset: number, id: number, version = document.version): Thenable<unknown> {
    return vscode.commands.executeCommand('tokenLens.continueFromHere', { uri: document.uri.toString(), version, offset, id });
  }
  function tokenAt(scores: DocumentScores, offset: number): DocumentScores['tokens'][number] {
    const found = scores.tokens.find(({ start, end }) => start <= offset && offset < end);
    assert.ok(found);
    return found;
  }
  /** The first alternative that is not what stands there. */
  function otherThan(token: DocumentScores['tokens'][number]): number {
    const other = token.topIds.find(id => id !== token.id);
    assert.ok(other !== undefined);
    return other;
  }
  async function summed(count: number): Promise<readonly Entry[]> {
    let shown: readonly Entry[] = [];
    await eventually(
      'all totals are there',
      async () => (shown = await entries()).filter(({ text }) => /here [\d.]+ → [\d.]+ bits/.test(text)).length === count,
      patienceMs,
    ).catch((error: unknown) => {
      throw new Error(JSON.stringify(shown), { cause: error });
    });
    return shown;
  }

  before(async () => {
    api = await activated();
  });
  afterEach(async () => {
    await browser.press('Escape');
    await clearNotices();
    await eventually('the comparison is closed', () => comparison() === undefined);
    for (const { document } of vscode.window.visibleTextEditors) {
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
  });

  for (const isCrlf of [false, true])
    it(`compares, sums up what the texts' scores say, and is put in as one step${isCrlf ? ' with CRLF' : ''}`, async () => {
      const { document, scores } = await opened(code, isCrlf);
      const text = document.getText();
      const start = tokenAt(scores, text.indexOf('length')).start;
      const done = continued(document, start, otherThan(tokenAt(scores, start)));
      const shown = await summed(2);
      const entry = shown.find(({ active }) => active)?.text ?? '';
      assert.match(entry, /Replace the rest of the line/);
      const after = would();
      assert.notEqual(after, text);
      if (!isCrlf)
        for (const [kind, name] of themes) {
          await setTheme(name);
          await browser.screenshot(`branch-${kind}`);
        }
      const lineEnd = text.slice(start).search(/\r?\n/) + start;
      const behind = after.length - (text.length - lineEnd);
      assert.equal(after.slice(behind), text.slice(lineEnd));
      assert.equal(after.slice(0, start), text.slice(0, start));
      const [hereBefore = NaN, hereAfter = NaN] = (/here ([\d.]+) → ([\d.]+) bits/.exec(entry) ?? []).slice(1).map(Number);
      await browser.press('Enter');
      await done;
      await eventually('it is put in', () => document.getText() === after);
      const edited = await scoresOfText(api, document);
      const within = ({ tokens }: DocumentScores, end: number) => sum(tokens.filter(token => token.end > start && token.start < end));
      assert.ok(Math.abs(within(scores, lineEnd) - hereBefore) < 0.2, `${entry}: ${String(within(scores, lineEnd))}`);
      assert.ok(Math.abs(within(edited, behind) - hereAfter) < 0.2, `${entry}: ${String(within(edited, behind))}`);
      assert.equal(comparison(), undefined);
      if (isCrlf) assert.doesNotMatch(document.getText(), /[^\r]\n/);
      await vscode.commands.executeCommand('undo');
      await eventually('one undo takes it out', () => document.getText() === text);
    });

  it('opens where lines begin, and is inspected when it was accepted, where insertions are by themselves', async () => {
    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('inspectInsertions', 'auto', vscode.ConfigurationTarget.Global);
    try {
      const long = code.replace('console.log(items[i]);', `console.log("${'a row of items, '.repeat(8)}", items[i], items.length);`);
      const { document, scores } = await opened(long);
      const token = tokenAt(scores, long.indexOf('items[i]'));
      const done = continued(document, token.start, otherThan(token));
      await summed(2);
      await browser.screenshot('branch-long-line');
      const scrolled = await browser.evaluate<readonly string[]>(
        `[...document.querySelectorAll('.monaco-diff-editor .editor .lines-content')].map(lines => lines.style.left)`,
      );
      assert.ok(scrolled.length > 0 && scrolled.every(left => parseFloat(left || '0') === 0), JSON.stringify(scrolled));
      await browser.press('Enter');
      await done;
      assert.notEqual(document.getText(), long);
      await eventually('it is inspected', async () => (await spokenEntry('tokenLens.insertion')).includes('which also wrote it'));
      await browser.screenshot('branch-inspected');
    } finally {
      await settings.update('inspectInsertions', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('is chosen by a list; the rest of the line can stay; the model writes on; Escape leaves all as it was', async () => {
    const { document, scores } = await opened(code);
    const start = tokenAt(scores, code.indexOf('length')).start;
    const at = document.positionAt(start);
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor);
    editor.selection = new vscode.Selection(at, at);
    const done = vscode.commands.executeCommand('tokenLens.continueFromHere');
    await eventually('the list is open', async () => (await entries()).length > 3);
    await browser.press('Enter');
    await summed(2);
    const first = would();
    await browser.press('ArrowDown');
    await eventually('the comparison is that of the second', () => would() !== first);
    const lineRest = code.slice(tokenAt(scores, start).end, code.indexOf('\n', start));
    const second = would();
    assert.ok(second.includes(lineRest), second);
    await browser.press('ArrowDown');
    await browser.press('Enter');
    await eventually('more is written', () => would().length > second.length, patienceMs);
    assert.ok((await summed(2)).some(({ text, active }) => active && text.includes('Insert before what follows')));
    assert.ok(would().startsWith(second.slice(0, start)) && would().includes(lineRest), would());
    await browser.screenshot('branch-more');
    await browser.press('Escape');
    await done;
    assert.equal(document.getText(), code);
    await eventually('the cursor is back', () => vscode.window.activeTextEditor?.document === document);
    assert.ok(vscode.window.activeTextEditor?.selection.active.isEqual(at));
  });

  it('ends where the document changes, and refuses what was asked of an earlier text', async () => {
    const { document, scores } = await opened(code);
    const token = tokenAt(scores, code.indexOf('length'));
    const { version } = document;
    const done = continued(document, token.start, otherThan(token));
    await summed(2);
    const change = new vscode.WorkspaceEdit();
    change.insert(document.uri, new vscode.Position(0, 0), '// x\n');
    await vscode.workspace.applyEdit(change);
    await done;
    assert.equal(comparison(), undefined);
    await eventually('it says so', async () => (await notices()).includes('nothing was inserted'));
    await continued(document, token.start, otherThan(token), version);
    await eventually('it is refused', async () => (await notices()).includes('has changed since'));
    assert.equal(comparison(), undefined);
    assert.equal(document.getText(), `// x\n${code}`);
  });

  /** Everything that a preview shows is gone, now and a moment later. */
  async function assertGone(): Promise<void> {
    assert.equal(comparison(), undefined);
    await eventually('the list is closed', async () => (await entries()).length === 0);
    await new Promise(resolve => setTimeout(resolve, 700));
    assert.equal(comparison(), undefined);
    assert.deepEqual(await entries(), []);
  }
  async function closed(document: vscode.TextDocument): Promise<void> {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await eventually('the document is closed', () => document.isClosed);
  }
  const placeOfCursor = () =>
    browser.evaluate<string>(`/Ln \\d+, Col \\d+/.exec(document.querySelector('.part.statusbar').innerText)?.[0] ?? ''`);

  it('gives way at every stage to typing in the document, which goes on where it began', async () => {
    const typed = '// quay';
    for (const stage of [0, 100, 140, 180, 400, 'compared', 'summed'] as const) {
      const { document, scores } = await opened(code);
      const token = tokenAt(scores, code.indexOf('length'));
      const done = continued(document, token.start, otherThan(token));
      if (stage === 'compared') await eventually('the comparison is open', () => comparison() !== undefined, patienceMs);
      else if (stage === 'summed') await summed(2);
      else await new Promise(resolve => setTimeout(resolve, stage));
      // As a click on its tab does: the list stays where it is. List and comparison come to the front when they are opened.
      const end = document.positionAt(code.length);
      await eventually('the editor has the focus, and the cursor is at the end', async () => {
        const at = { preview: false, selection: new vscode.Range(end, end) };
        // VS Code gives up opening an editor that another one gets ahead of, as the comparison does.
        const isShown = await vscode.window.showTextDocument(document, at).then(
          () => true,
          () => false,
        );
        if (!isShown) return false;
        await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
        const isThere = (await placeOfCursor()) === `Ln ${String(end.line + 1)}, Col 1`;
        return isThere && browser.evaluate<boolean>(`document.activeElement?.closest('.part.editor .monaco-editor') !== null`);
      });
      for (const key of typed) await browser.type(key);
      // Keys of the very moment in which the comparison comes to the front meet a side that cannot be written; none goes to a wrong place.
      if (document.getText() === code) await browser.press('Escape');
      await done;
      await assertGone();
      const text = document.getText();
      const isAsTyped = stage === 'compared' || stage === 'summed' ? text === code + typed : isSubsequence(text.slice(code.length), typed);
      assert.ok(text.startsWith(code) && isAsTyped, `${String(stage)}: ${JSON.stringify(text)}`);
      assert.equal(vscode.window.activeTextEditor?.document, document);
      assert.equal(document.offsetAt(vscode.window.activeTextEditor.selection.active), text.length, String(stage));
      await closed(document);
    }
  });

  it('gives way at every stage to an edit by a program, and leaves no tab behind', async () => {
    for (const waitMs of [0, 100, 250, 400, 600, 'opening'] as const) {
      const { document, scores } = await opened(code);
      const token = tokenAt(scores, code.indexOf('length'));
      const done = continued(document, token.start, otherThan(token));
      // While the comparison is being opened its text is there, and its tab is not.
      if (waitMs === 'opening')
        await new Promise<void>(resolve => {
          const listening = vscode.workspace.onDidOpenTextDocument(({ uri }) => {
            if (uri.scheme !== 'token-lens-branch') return;
            listening.dispose();
            resolve();
          });
        });
      else await new Promise(resolve => setTimeout(resolve, waitMs));
      const change = new vscode.WorkspaceEdit();
      change.insert(document.uri, new vscode.Position(0, 0), '// x\n');
      await vscode.workspace.applyEdit(change);
      await done;
      await assertGone();
      assert.equal(document.getText(), `// x\n${code}`, String(waitMs));
      await closed(document);
    }
  });

  it('ends where keys are pressed while the model writes, and where its tab is closed', async () => {
    const { document, scores } = await opened(code);
    const token = tokenAt(scores, code.indexOf('length'));
    const writes = continued(document, token.start, otherThan(token));
    await eventually('the model writes', async () => (await entries()).some(({ text }) => text.includes('writes')));
    await browser.type('x');
    await writes;
    await assertGone();
    assert.equal(document.getText(), code);

    const done = continued(document, token.start, otherThan(token));
    await summed(2);
    await browser.evaluate(`document.querySelector('.part.editor .tab.active .tab-actions .action-label').click()`);
    await done;
    await assertGone();
    assert.equal(document.getText(), code);
    assert.equal(vscode.window.activeTextEditor?.document, document);
  });

  it('goes on from another alternative when asked, in a comparison of its own', async () => {
    const { document, scores } = await opened(code);
    const token = tokenAt(scores, code.indexOf('length'));
    const done = continued(document, token.start, otherThan(token));
    await summed(2);
    const isActive = async (words: string) => (await entries()).some(({ text, active }) => active && text.includes(words));
    for (let step = 0; step < 6 && !(await isActive('Another alternative')); step++) {
      await browser.press('ArrowDown');
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    await browser.press('Enter');
    /** By its number, which may be in the numbers of another entry, too. */
    const isMarked = async (number: number) =>
      (await entries()).some(({ text, active }) => active && text.trimStart().startsWith(`${String(number)}.`));
    await eventually('the list of alternatives is open', () => isMarked(1));
    assert.equal(comparison(), undefined);
    await browser.press('ArrowDown');
    await browser.press('ArrowDown');
    await eventually('the third is marked', () => isMarked(3));
    await browser.press('Enter');
    await summed(2);
    const accepted = would();
    await browser.press('Enter');
    await done;
    await eventually('it is put in', () => document.getText() === accepted);
    await assertGone();
    const edited = await scoresOfText(api, document);
    assert.equal(tokenAt(edited, token.start).id, token.topIds[2], 'the third alternative');
    await vscode.commands.executeCommand('undo');
    await eventually('one undo takes it out', () => document.getText() === code);
  });

  it('is begun by the arrow in a hover, and by the button in the list of alternatives', async () => {
    const { document, scores } = await opened(code);
    const token = tokenAt(scores, code.indexOf('length'));
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor);
    const at = document.positionAt(token.start + 1);
    editor.selection = new vscode.Selection(at, at);
    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('hover', 'all', vscode.ConfigurationTarget.Global); // of what was expected, too
    const link = 'a[data-href^="command:tokenLens.continueFromHere"]';
    await eventually('the hover has arrows', async () => {
      await vscode.commands.executeCommand('editor.action.showHover');
      return browser.evaluate<boolean>(`document.querySelectorAll('.monaco-hover ${link}').length > 3`);
    });
    const { address } = await followHoverLink(link, 1);
    await settings.update('hover', undefined, vscode.ConfigurationTarget.Global);
    const [asked] = JSON.parse(decodeURIComponent(address.slice(address.indexOf('?') + 1))) as [{ readonly id: number }];
    await summed(2);
    assert.equal(asked.id, token.topIds[1]);
    const byLink = would();
    assert.notEqual(byLink, code);
    await browser.press('Escape');
    await eventually('the comparison is closed', () => comparison() === undefined);
    await assertGone();

    const done = vscode.commands.executeCommand('tokenLens.showAlternatives');
    await eventually('the list is open', async () => (await entries()).some(({ active }) => active));
    const button = `[...document.querySelectorAll('.quick-input-list .monaco-list-row')].find(row => /^\\s*2\\./.test(row.innerText))?.querySelector('.quick-input-list-entry-action-bar .action-label')`;
    await eventually('it has buttons', () => browser.evaluate<boolean>(`Boolean(${button})`));
    await browser.evaluate(`${button}.click()`);
    await summed(2);
    assert.equal(would(), byLink, 'the same alternative goes on in the same way');
    await browser.press('Escape');
    await done;
    await assertGone();
    assert.equal(document.getText(), code);
  });

  it('reads of a document that the lens is off for what stands before the place, asks for nothing, and leaves the lens off', async () => {
    const text = `${code}\n`.repeat(80);
    const document = await untitled(text, 'javascript');
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    const at = document.positionAt(text.lastIndexOf('length') + 1);
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(editor.selection);
    const tokensRun = async () => (await api.measure()).model?.tokensRun ?? 0;
    const before = await tokensRun();
    const done = vscode.commands.executeCommand('tokenLens.continueFromHere');
    await eventually('the list is open', async () =>
      (await entries()).some(({ active, text }) => active && text.trimStart().startsWith('1.')),
    );
    assert.ok((await tokensRun()) - before < 1_500, 'less than a third of the text');
    await browser.press('ArrowDown');
    await eventually('the second is marked', async () =>
      (await entries()).some(({ active, text }) => active && text.trimStart().startsWith('2.')),
    );
    await browser.press('Enter');
    await summed(2);
    assert.ok(would() !== text);
    await browser.press('Escape');
    await done;
    await assertGone();
    assert.ok(document.getText() === text);
    const [shown = []] = await shownEditors();
    assert.ok(shown.length > 0 && shown.every(({ background }) => background === ''), 'it has colours');
  });

  it('goes on inside a word and at the end of the text', async () => {
    const text = 'An old man sat on an upturned crate by the sea';
    const { document, scores } = await opened(text);
    const inWord = scores.tokens.find(
      ({ start, end }) => start > 0 && /^\p{L}/u.test(text.slice(start, end)) && /\p{L}/u.test(text.charAt(start - 1)),
    );
    for (const token of [inWord, scores.tokens.at(-1)]) {
      assert.ok(token);
      const done = continued(document, token.start, otherThan(token));
      await summed(token === inWord ? 2 : 1);
      assert.ok(would().startsWith(text.slice(0, token.start)));
      assert.notEqual(would(), text);
      await browser.press('Escape');
      await done;
      assert.equal(document.getText(), text);
    }
  });

  it('says where the model would end the text', async () => {
    const text = 'Question: What is the capital of France?\nAnswer: The capital of France is Paris.';
    const { document, scores } = await opened(text);
    const last = scores.tokens.at(-1);
    assert.ok(last);
    const done = continued(document, last.start, last.id); // what stands there, and what comes after it
    let shown = await summed(1);
    for (let line = 0; line < 4 && shown.some(entry => entry.text.includes('Write on')); line++) {
      await browser.press('ArrowDown');
      await browser.press('Enter');
      await eventually('it writes', async () => (await entries()).length < 3);
      shown = await summed(1);
    }
    await browser.screenshot('branch-end');
    assert.ok(shown.some(entry => entry.text.includes('would end the text here')));
    await browser.press('Escape');
    await done;
    assert.equal(document.getText(), text);
  });
});
