import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, closeAll, eventually, readWhen, untitled, useModel } from './documents';
import { cancelled, clearNotices, notices } from './notices';
import { choose } from './picks';
import { editorHasFocus, setTheme, themes } from './screen';

/** The page of a change as it is shown. */
interface ShownChange {
  readonly title: string;
  readonly lead: string;
  readonly verdict: string;
  readonly message: string;
  readonly totals: Readonly<Record<string, readonly string[]>>;
  readonly hunks: readonly { readonly title: string; readonly facts: string; readonly lines: readonly (readonly string[])[] }[];
  readonly isBusy: boolean;
}

const readChange = `(() => {
  const text = selector => document.querySelector(selector)?.innerText ?? '';
  const cells = row => [...row.querySelectorAll('th, td')].map(cell => cell.innerText.trim());
  return {
    title: text('h1'), lead: text('.lead'), verdict: text('.verdict'), message: text('.message'),
    totals: Object.fromEntries([...document.querySelectorAll('.of-2 tbody tr')].map(cells).map(([label, ...values]) => [label, values])),
    hunks: [...document.querySelectorAll('.hunk')].map(hunk => ({ title: hunk.querySelector('h3').innerText, facts: [...hunk.querySelectorAll('.fact')].map(fact => fact.innerText).join(' '), lines: [...hunk.querySelectorAll('tbody tr')].map(cells) })),
    isBusy: document.querySelector('main')?.getAttribute('aria-busy') !== 'false',
  };
})()`;

const first = `export function tideAt(hour: number): number {
    const phase = (hour % 12) / 12;
    return Math.sin(phase * 2 * Math.PI);
}

export function isHigh(level: number): boolean {
    return level > 0.5;
}

export function isLow(level: number): boolean {
    return level < -0.5;
}
`;
const second = first.replace('level > 0.5', 'level > limit');
const third = second.replace('isLow(level: number)', 'qzwlk manxhattan(level: number)');

describe('a change, measured', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  let folder = '';

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await closed(); // what tests before these have left
    const [workspace] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(workspace);
    folder = realpathSync(mkdtempSync(path.join(workspace.uri.fsPath, 'repository-')));
    git('init', '--quiet');
    git('config', 'user.email', 'someone@example.com');
    git('config', 'user.name', 'Someone');
  });
  after(async () => {
    await closed();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(closed);

  function git(...words: readonly string[]): void {
    execFileSync('git', ['-C', folder, ...words], { stdio: 'pipe' });
  }

  async function closed(): Promise<void> {
    await closeAll();
    await eventually('the page has gone', async () => !(await browser.hasReport()));
    await clearNotices();
  }

  /** A file that is committed with the first text. */
  function committed(name: string, text = first): vscode.Uri {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    git('add', '--', name);
    git('commit', '--quiet', '-m', name);
    return vscode.Uri.file(file);
  }

  async function show(uri: vscode.Uri): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(uri, { preview: false, viewColumn: vscode.ViewColumn.One });
    await editorHasFocus();
    return editor;
  }

  function changeWhen(what: string, holds: (change: ShownChange) => boolean): Promise<ShownChange> {
    return readWhen(
      what,
      () => browser.evaluateInReport<ShownChange>(readChange),
      change => !change.isBusy && holds(change),
      40_000,
    );
  }

  /** Bits of a text's tokens that lie in a line, computed here from the public scores. */
  async function bitsOfLine(text: string, language: string, wanted: string): Promise<string> {
    const document = await untitled(text, language);
    const { tokens } = await api.score(document.uri);
    const from = text.indexOf(wanted);
    assert.ok(from >= 0, wanted);
    const [start, end] = [text.lastIndexOf('\n', from) + 1, text.indexOf('\n', from) + 1];
    const inside = tokens.filter(token => {
      const own = Math.min(token.end, end) - Math.max(token.start, start);
      const half = (token.end - token.start) / 2;
      return own > half || (own === half && token.start >= start);
    });
    return inside.reduce((sum, token) => sum + (token.surprisalBits ?? NaN), 0).toFixed(1);
  }

  const openTabs = () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).map(({ label }) => label);

  it('is that of the file against what was committed, with the bits that each side has as a whole', async () => {
    const uri = committed('working.ts');
    writeFileSync(uri.fsPath, second);
    await show(uri);
    await vscode.commands.executeCommand('tokenLens.measureChange');
    const change = await changeWhen('the hunk is there', ({ hunks }) => hunks.length === 1);
    assert.equal(change.title, 'working.ts against working.ts (index)');
    assert.match(change.lead, /^As SmolLM2-135M reads it, which need not be the model that wrote it/);
    assert.deepEqual(openTabs(), ['working.ts', 'Change']);
    assert.deepEqual(
      change.hunks[0]?.lines.map(([number, text, , bits]) => [number, text, bits]),
      [
        ['\u2212 7', 'return level > 0.5;', await bitsOfLine(first, 'typescript', 'level > 0.5')],
        ['+ 7', 'return level > limit;', await bitsOfLine(second, 'typescript', 'level > limit')],
      ],
    );
    assert.deepEqual(change.totals['Lines'], ['1', '1']);
    assert.match(change.hunks[0].facts, /The next 5 unchanged lines: /);
  });

  it('of a file with a preamble reads both sides after it; sides with different ones are not held against each other', async () => {
    const unseen = '// The tide of one harbour, by the hour.\n';
    const notes = { kind: 'text', text: unseen, name: 'notes.md' };
    const uri = committed('preamble.ts');
    writeFileSync(uri.fsPath, second);
    await show(uri);
    await vscode.commands.executeCommand('tokenLens.setPreamble', notes);
    await vscode.commands.executeCommand('tokenLens.measureChange');
    const change = await changeWhen('the hunk is there', ({ hunks }) => hunks.length === 1);
    const shown = change.hunks[0]?.lines.map(line => Number(line[3])) ?? [];
    const expected = [
      await bitsOfLine(unseen + first, 'typescript', 'level > 0.5'),
      await bitsOfLine(unseen + second, 'typescript', 'level > limit'),
    ].map(Number);
    for (const [side, bits] of shown.entries())
      assert.ok(Math.abs(bits - (expected[side] ?? NaN)) < 0.5, `${shown.join()}, not ${expected.join()}`);
    const footer = () => browser.evaluateInReport<string>(`document.querySelector('footer')?.innerText ?? document.body.innerText`);
    assert.match(await footer(), /read after notes\.md/);
    await show(uri);
    await vscode.commands.executeCommand('tokenLens.removePreamble');
    await eventually('it is of the text alone again', async () => !(await footer()).includes('read after'), 40_000);

    const [left, right] = await Promise.all([first, second].map(content => untitled(content, 'typescript')));
    assert.ok(left && right);
    await show(right.uri);
    await vscode.commands.executeCommand('tokenLens.setPreamble', notes);
    await vscode.commands.executeCommand('vscode.diff', left.uri, right.uri, 'two texts', { preview: false });
    await vscode.commands.executeCommand('tokenLens.measureChange');
    await changeWhen('it says why not', ({ message }) => message.includes('before one of its two sides'));
  });

  it('asks which one is meant where some is staged and some is not, and follows edits on either side', async () => {
    const uri = committed('both.ts');
    writeFileSync(uri.fsPath, second);
    git('add', '--', 'both.ts');
    writeFileSync(uri.fsPath, third);
    const editor = await show(uri);
    await choose('measureChange', 'Staged change');
    const staged = await changeWhen(
      'the staged hunk is there',
      ({ title, hunks }) => title.startsWith('both.ts (index)') && hunks.length === 1,
    );
    assert.equal(staged.title, 'both.ts (index) against both.ts (HEAD)');
    assert.equal(staged.hunks[0]?.lines[1]?.[1], 'return level > limit;');

    await show(uri);
    await choose('measureChange', 'Both together');
    const both = await changeWhen('both hunks are there', ({ hunks }) => hunks.length === 2);
    assert.equal(both.title, 'both.ts against both.ts (HEAD)');
    assert.match(both.verdict, /^Most surprising to SmolLM2-135M: hunk 2\./);
    assert.match(both.hunks[1]?.title ?? '', /most surprising here$/i);
    assert.ok(!/error|wrong|bug/i.test(`${both.verdict} ${both.hunks.map(({ facts }) => facts).join(' ')}`));

    // An edit that is not saved.
    const place = editor.document.positionAt(editor.document.getText().indexOf('Math.sin'));
    await editor.edit(edit => edit.insert(place, 'Math.abs'));
    await changeWhen('the edit is a hunk', ({ hunks }) => hunks.length === 3);
    await editor.document.save();

    await show(uri);
    await choose('measureChange', 'Working change');
    await changeWhen('it is against the index', ({ title, hunks }) => title === 'both.ts against both.ts (index)' && hunks.length === 2);
    git('add', '--', 'both.ts');
    // VS Code's Git passes over what changes while it is reading the repository itself: then it is told again.
    const telling = setInterval(() => {
      utimesSync(path.join(folder, '.git/index'), new Date(), new Date());
    }, 3_000);
    try {
      await changeWhen('nothing is left when all is staged', ({ verdict }) => verdict.startsWith('The two texts do not differ'));
    } finally {
      clearInterval(telling);
    }
  });

  it('is that of the diff editor in front, and a click goes to the line on its side', async () => {
    const [left, right] = await Promise.all([first, third].map(content => untitled(content, 'typescript')));
    assert.ok(left && right);
    await vscode.commands.executeCommand('vscode.diff', left.uri, right.uri, 'two texts', { preview: false });
    await vscode.commands.executeCommand('tokenLens.measureChange');
    const change = await changeWhen('the hunks are there', ({ hunks }) => hunks.length === 2);
    assert.deepEqual(change.totals['Lines'], ['2', '2']);
    await browser.screenshot('change-diff');
    const tabs = openTabs().length;
    await browser.evaluateInReport(
      `[...document.querySelectorAll('.go-line')].find(line => line.getAttribute('aria-label') === 'line 10, added').click()`,
    );
    const lineIn = (document: vscode.TextDocument) =>
      vscode.window.visibleTextEditors.find(editor => editor.document === document)?.selection.active.line;
    await eventually('the modified side is there', () => lineIn(right) === 9);
    await browser.evaluateInReport(
      `[...document.querySelectorAll('.go-line')].find(line => line.getAttribute('aria-label') === 'line 7, removed').click()`,
    );
    await eventually('the original side is there', () => lineIn(left) === 6 && lineIn(right) === 6);
    assert.equal(openTabs().length, tabs);
  });

  it('has all of a file as added that nobody has committed', async () => {
    const uri = vscode.Uri.file(path.join(folder, 'new.ts'));
    writeFileSync(uri.fsPath, first);
    await show(uri);
    await vscode.commands.executeCommand('tokenLens.measureChange');
    const change = await changeWhen('all is added', ({ hunks }) => hunks.length === 1);
    assert.equal(change.title, 'new.ts, a new text');
    assert.deepEqual(change.totals['Lines'], ['–', '12']);
  });

  it('is that of a deletion that is staged while the file is there again, and of a rename, with what it was called', async () => {
    const uri = committed('deleted.ts');
    git('rm', '--quiet', '--cached', '--', 'deleted.ts');
    writeFileSync(uri.fsPath, second);
    await show(uri);
    // The index has no such file: all of it is new there, and against HEAD one line differs.
    await choose('measureChange', 'Both together');
    const both = await changeWhen('the hunk is there', ({ hunks }) => hunks.length === 1);
    assert.equal(both.title, 'deleted.ts against deleted.ts (HEAD)');
    assert.deepEqual(both.totals['Lines'], ['1', '1']);
    await show(uri);
    await choose('measureChange', 'Working change');
    const working = await changeWhen('all is new', ({ title }) => title === 'deleted.ts, a new text');
    assert.deepEqual(working.totals['Lines'], ['–', '12']);

    committed('before.ts');
    git('mv', 'before.ts', 'after.ts');
    const renamed = vscode.Uri.file(path.join(folder, 'after.ts'));
    writeFileSync(renamed.fsPath, second);
    git('add', '--', 'after.ts');
    await show(renamed);
    await vscode.commands.executeCommand('tokenLens.measureChange');
    const rename = await changeWhen('the renamed file is there', ({ title }) => title.startsWith('after.ts'));
    assert.equal(rename.title, 'after.ts (index) against before.ts (HEAD)');
    assert.equal(rename.hunks.length, 1);
    assert.equal(rename.hunks[0]?.lines[1]?.[1], 'return level > limit;');
  });

  it('is that of a file with a conflict, against what the file was before the merge', async () => {
    const uri = committed('conflict.ts');
    git('checkout', '--quiet', '-b', 'incoming');
    writeFileSync(uri.fsPath, second);
    git('commit', '--quiet', '-am', 'incoming');
    git('checkout', '--quiet', '-');
    writeFileSync(uri.fsPath, first.replace('level > 0.5', 'level > high'));
    git('commit', '--quiet', '-am', 'own');
    try {
      assert.throws(() => git('merge', '--quiet', 'incoming'));
      await show(uri);
      await vscode.commands.executeCommand('tokenLens.measureChange');
      const change = await changeWhen('the marks are lines of it', ({ hunks }) => hunks.length > 0);
      assert.equal(change.title, 'conflict.ts against conflict.ts (HEAD)');
      const lines = change.hunks.flatMap(hunk => hunk.lines.map(line => line[1] ?? ''));
      assert.ok(lines.some(line => line.startsWith('<<<<<<<')) && lines.includes('return level > limit;'), JSON.stringify(lines));
    } finally {
      git('merge', '--abort');
      git('branch', '--quiet', '-D', 'incoming');
    }
  });

  it('says why there is nothing to measure', async () => {
    const uri = committed('same.ts');
    await show(uri);
    await vscode.commands.executeCommand('tokenLens.measureChange');
    await eventually('as it was committed', async () => (await notices()).includes('is as it was committed'));
    await clearNotices();
    const outside = mkdtempSync(path.join(tmpdir(), 'token-lens-outside-'));
    try {
      writeFileSync(path.join(outside, 'alone.txt'), 'A file of its own.');
      await show(vscode.Uri.file(path.join(outside, 'alone.txt')));
      await vscode.commands.executeCommand('tokenLens.measureChange');
      await eventually('in no repository', async () => (await notices()).includes('in no Git repository'));
      assert.ok(!(await browser.hasReport()), 'no page without anything on it');
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('leaves alone what the settings leave out by language or folder, older versions as well', async () => {
    const uri = committed('secret/hidden.ts');
    writeFileSync(uri.fsPath, second);
    git('add', '--', 'secret/hidden.ts');
    const settings = vscode.workspace.getConfiguration('tokenLens');
    const relative = path.relative(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', path.join(folder, 'secret'));
    for (const [name, value, words] of [
      ['skipFolders', [relative], /folder is left out/],
      ['skipLanguages', ['typescript'], /language is left out/],
    ] as const) {
      await settings.update(name, value, vscode.ConfigurationTarget.Global);
      try {
        await show(uri);
        await vscode.commands.executeCommand('tokenLens.measureChange');
        await changeWhen('it says why not', ({ message }) => words.test(message));
      } finally {
        await settings.update(name, undefined, vscode.ConfigurationTarget.Global);
      }
    }
    await changeWhen('it is measured when the setting is gone', ({ hunks }) => hunks.length === 1);
  });

  it('waits for the file to be saved where the settings say so, and says that its numbers are of before', async () => {
    const uri = committed('later.ts');
    const editor = await show(uri);
    const settings = vscode.workspace.getConfiguration('tokenLens');
    const files = vscode.workspace.getConfiguration('files');
    await files.update('autoSave', 'off', vscode.ConfigurationTarget.Global); // a served window saves after a second
    await settings.update('scoreOn', 'save', vscode.ConfigurationTarget.Global);
    try {
      await editor.edit(edit => edit.insert(new vscode.Position(0, 0), '// The tide of one harbour.\n'));
      await vscode.commands.executeCommand('tokenLens.measureChange');
      await changeWhen('the edit is a hunk', ({ hunks }) => hunks.length === 1);
      await editor.edit(edit => edit.insert(new vscode.Position(6, 0), '// And another.\n'));
      const note = () => browser.evaluateInReport<string>(`document.querySelector('.updating-note')?.textContent ?? ''`);
      await eventually('it says so', async () => (await note()).includes('these numbers are of before'));
      await new Promise(resolve => setTimeout(resolve, 2_000));
      assert.match(await note(), /these numbers are of before/);
      await editor.document.save();
      await changeWhen('both edits are hunks', ({ hunks }) => hunks.length === 2);
      assert.equal(await note(), '');
    } finally {
      await settings.update('scoreOn', undefined, vscode.ConfigurationTarget.Global);
      await files.update('autoSave', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('says what long sides cost before it reads them, asks once, can be cancelled, and no edit begins it again', async () => {
    const long = first.repeat(200);
    const uri = committed('long.ts', long);
    writeFileSync(uri.fsPath, long.replace('level > 0.5', 'level > limit'));
    const editor = await show(uri);
    const tokensRun = async () => (await api.measure()).model?.tokensRun ?? 0;
    const before = await tokensRun();
    const message = () => browser.evaluateInReport<string>(`document.querySelector('.message')?.innerText ?? ''`);
    const cost = /The model reads about [\d,]+ tokens for it, which takes some \d+ seconds\.\s+Go On$/;
    const edited = () => editor.edit(edit => edit.insert(new vscode.Position(0, 0), '// The tide.\n'));
    await vscode.commands.executeCommand('tokenLens.measureChange');
    await eventually('its page asks', async () => cost.test(await message()));
    await edited();
    await new Promise(resolve => setTimeout(resolve, 1_500)); // longer than edits rest
    assert.match(await message(), cost);
    assert.equal(await browser.evaluateInReport<number>(`document.querySelectorAll('.message button').length`), 1, 'it asks once');
    assert.ok(!(await notices()).includes('The model reads about'), 'and nowhere else');
    assert.equal(await tokensRun(), before, 'nothing is read yet');
    for (const [, theme] of themes) {
      await setTheme(theme);
      await browser.screenshot(`change-question-${theme}`, 300);
    }
    await browser.evaluateInReport(`document.querySelector('.message button').click()`);
    await cancelled(api, 'Measuring a change');
    await eventually('the page says so', async () => (await message()).includes('It was cancelled'));
    const after = await tokensRun();
    await edited();
    await new Promise(resolve => setTimeout(resolve, 1_500));
    assert.equal(await tokensRun(), after);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  it('has a smaller one beside it: what is selected', async () => {
    const editor = await show(committed('selected.ts'));
    await vscode.commands.executeCommand('tokenLens.measureSelection');
    await eventually('it says what to do', async () => (await notices()).includes('Select the text to be measured first.'));
    editor.selection = new vscode.Selection(5, 0, 8, 0);
    await vscode.commands.executeCommand('tokenLens.measureSelection');
    const heads = () =>
      browser.evaluateInReport<readonly string[]>(`[...document.querySelectorAll('section.numbers thead th')].map(head => head.innerText)`);
    await eventually('the selection has a column', async () => (await heads())[1]?.includes('lines 6 to 8') === true, 40_000);
  });

  it('is there again when its page was hidden, with what has changed meanwhile', async () => {
    const [left, right] = await Promise.all([first, second].map(content => untitled(content, 'typescript')));
    assert.ok(left && right);
    await vscode.commands.executeCommand('vscode.diff', left.uri, right.uri, 'two texts', { preview: false });
    await vscode.commands.executeCommand('tokenLens.measureChange');
    await changeWhen('the hunk is there', ({ hunks }) => hunks.length === 1);
    await vscode.window.showTextDocument(committed('other.ts'), { viewColumn: vscode.ViewColumn.Two, preview: false });
    await eventually('the page is hidden', async () => !(await browser.hasReport()));
    const edit = new vscode.WorkspaceEdit();
    edit.insert(right.uri, new vscode.Position(0, 0), '// A line that is new.\n');
    await vscode.workspace.applyEdit(edit);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await changeWhen('what changed meanwhile is in it', ({ hunks }) => hunks.length === 2);
  });

  it('can be read in every theme', async () => {
    const uri = committed('themes.ts');
    writeFileSync(uri.fsPath, third);
    await show(uri);
    await vscode.commands.executeCommand('tokenLens.measureChange');
    await changeWhen('the hunks are there', ({ hunks }) => hunks.length === 2);
    for (const [kind, name] of themes) {
      await setTheme(name);
      await browser.screenshot(`change-${kind}`);
    }
    await setTheme(undefined);
  });
});
