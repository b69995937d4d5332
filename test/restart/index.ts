import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { browser } from '../editor/browser';
import { activated, assertSameScores, eventually } from '../editor/documents';
import { clearNotices, notices } from '../editor/notices';
import { isAlive } from '../editor/processes';
import {
  assertTopDrawn,
  bandColours,
  drawingFaults,
  editorHasFocus,
  isPlain,
  recordEditors,
  recordedEditors,
  shortLines,
  shownEditors,
} from '../editor/screen';

/** What one extension host of the window leaves to the next. */
interface Left {
  readonly lives: number;
  /** Of the document that is not saved. */
  readonly text: string;
  /** Processes. */
  readonly host: number;
  readonly model: number;
  /** Of the window's page: a page that is loaded again has another. */
  readonly pageStart: number;
}

/** Long texts and their scores are compared by `assert.ok`: the others would look for all differences for minutes. */
interface Life {
  readonly name: string;
  /** Ends in the middle of scoring, but for the last. */
  live(left: Left | undefined): Promise<void>;
  /** Ends the extension host. Undefined: this one is the last. */
  readonly end?: () => Promise<unknown>;
}

const typed = 'Typed on. ';
const saved = 'Written and saved. ';
const strongestBand = 5;

const lives: readonly Life[] = [
  {
    name: 'an extension host scores a long text that is not saved',
    live: async () => {
      const beside = await show('saved.txt');
      await vscode.commands.executeCommand('tokenLens.toggle');
      await insertAtTop(beside, saved);
      assert.ok(await beside.document.save());
      await show('plain.txt');
      const editor = await show('notes.txt');
      await vscode.commands.executeCommand('tokenLens.toggle');
      await beginScoring(editor, 1);
    },
    end: () => {
      goOn();
      return browser.evaluate('restartExtensionHosts()');
    },
  },
  {
    name: 'restarted in the middle of scoring: texts, scores and colours are right, without a word, and the model process before has ended',
    live: async left => {
      await beginScoring(await assertGoesOn(left, ''), 2);
      await editorHasFocus();
    },
    end: async () => {
      // Until VS Code notices that the host is gone its colours stay, and move with what is typed: no extension can take them away.
      await browser.goOnTyping(typed, 150, isPlain);
      // VS Code asks its server how the host has ended, and if that takes more than two seconds it starts none, without a word.
      await browser.restartUnless(beginMark(leftBefore()?.lives ?? 0), 20_000);
      goOn();
      process.kill(process.pid, 'SIGKILL');
    },
  },
  {
    name: 'killed in the middle of scoring while somebody types: the same, with what was typed, and it goes on with the next edit',
    live: async left => {
      const editor = await assertGoesOn(left, typed);
      const text = editor.document.getText();
      await insertAtTop(editor, 'And on. ');
      assert.ok(editor.document.getText() === `And on. ${text}`);
      await assertRight(editor.document);
    },
  },
];

/** Called in each extension host of the window. The runner waits for the results. */
export async function run(): Promise<void> {
  const left = leftBefore();
  const number = left?.lives ?? 0;
  const life = lives[number];
  const name = life?.name ?? 'an extension host more than was ended';
  const startMs = performance.now();
  try {
    assert.ok(life);
    assert.ok(!existsSync(beginMark(number)), 'the extension host ended before it was to');
    writeFileSync(beginMark(number), '');
    await eventually(
      'the extension has started by itself',
      () => vscode.extensions.getExtension('token-lens.token-lens')?.isActive === true,
    );
    await life.live(left);
    await browser.log(`  ok   ${name} (${(performance.now() - startMs).toFixed(0)} ms)`);
    if (!life.end) writeResults(number + 1, 0);
  } catch (error) {
    await browser.log(`  FAIL ${name}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    await browser.screenshot(`FAIL ${name.slice(0, 40)}`);
    writeResults(number, 1);
    return;
  }
  // Where it ends this host its answer does not come any more.
  await life.end?.().catch(() => undefined);
}

const profile = process.env['TOKEN_LENS_PROFILE'] ?? '';
const leftFile = path.join(profile, 'left.json');

const beginMark = (life: number) => path.join(profile, `life-${String(life)}.begun`);

function leftBefore(): Left | undefined {
  return existsSync(leftFile) ? (JSON.parse(readFileSync(leftFile, 'utf8')) as Left) : undefined;
}

function writeResults(passed: number, failed: number): void {
  writeFileSync(process.env['TOKEN_LENS_RESULTS'] ?? '', JSON.stringify({ passed, failed }));
}

function inWorkspace(name: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder);
  return vscode.Uri.joinPath(folder.uri, name);
}

function onDisk(name: string): string {
  return readFileSync(inWorkspace(name).fsPath, 'utf8');
}

function show(name: string): Thenable<vscode.TextEditor> {
  return vscode.window.showTextDocument(inWorkspace(name), { preview: false });
}

async function insertAtTop(editor: vscode.TextEditor, text: string): Promise<void> {
  await editor.edit(edit => {
    edit.insert(new vscode.Position(0, 0), text);
  });
}

/** All of this window, those without a parent too. */
function modelProcesses(): number[] {
  let found: string;
  try {
    found = execFileSync('pgrep', ['-f', 'dist/worker.js'], { encoding: 'utf8' });
  } catch {
    return []; // it found none
  }
  return found
    .trim()
    .split('\n')
    .map(Number)
    .filter(processId => {
      try {
        return readFileSync(`/proc/${String(processId)}/environ`, 'utf8').includes(`TOKEN_LENS_PROFILE=${profile}\0`);
      } catch {
        return false; // it has just ended, or is somebody else's
      }
    });
}

function pageStart(): Promise<number> {
  return browser.evaluate<number>('performance.timeOrigin');
}

/**
 * Gives the document an unsaved text of which nothing is known, and comes back when the screen shows some of its scores and not all are there. The model process
 * stands still then, however long the machine takes for what comes next; `goOn` before the host ends.
 */
async function beginScoring(editor: vscode.TextEditor, round: number): Promise<void> {
  const api = await activated();
  const { document } = editor;
  // Short lines first: an editor has room for so many ranges.
  const lines = Array.from(
    { length: 1_500 },
    (_, line) =>
      `${String(round)}.${String(line)} harbour${line < shortLines ? '' : ' The harbour was quiet before dawn, and nobody had come for the boats.'}`,
  );
  const tokensRun = async () => (await api.measure()).model?.tokensRun ?? 0;
  const before = await tokensRun(); // before there is anything to run: the answer may come late
  await editor.edit(edit => {
    edit.replace(new vscode.Range(0, 0, document.lineCount, 0), `${lines.join('\n')}\n`);
  });
  await vscode.commands.executeCommand('cursorTop');
  await eventually('the model works', async () => (await tokensRun()) > before + 2_000);
  const [model, ...others] = modelProcesses();
  assert.ok(model !== undefined);
  assert.equal(others.length, 0);
  process.kill(model, 'SIGSTOP');
  const text = document.getText();
  await eventually('the screen shows some of its scores', async () => {
    const [shown = []] = await shownEditors();
    const isOfText = text.replaceAll('\n', '').startsWith(shown.map(character => character.text).join(''));
    return isOfText && shown.filter(character => character.background !== '').length > 50;
  });
  await recordEditors();
  assert.ok(api.scores(document.uri) === undefined, 'it is in the middle');
  const left: Left = { lives: round, text, host: process.pid, model, pageStart: await pageStart() };
  writeFileSync(leftFile, JSON.stringify(left));
}

function goOn(): void {
  process.kill(leftBefore()?.model ?? NaN, 'SIGCONT');
}

/** Nobody has done anything but wait, and type this before the text. */
async function assertGoesOn(left: Left | undefined, typedBefore: string): Promise<vscode.TextEditor> {
  assert.ok(left);
  const text = typedBefore + left.text;
  assert.equal(await pageStart(), left.pageStart, 'the window was not loaded again');
  await eventually('the processes of the host before have ended', () => !isAlive(left.host) && !isAlive(left.model));
  const document = vscode.workspace.textDocuments.find(({ uri }) => path.basename(uri.path) === 'notes.txt');
  assert.ok(document);
  await eventually('the text is there', () => document.getText() === text);
  const api = await activated();
  await eventually('it is scored without being asked', () => api.scores(document.uri)?.documentVersion === document.version, 30_000);
  const scores = await assertRight(document);
  await assertNothingElseShown(scores, text);
  assert.ok(document.getText() === text);
  assert.ok(document.isDirty);
  assert.ok(onDisk('notes.txt') === 'Notes.\n');
  await assertOthersGoOn(api);
  const editor = await show('notes.txt');
  await assertTopDrawn(document, scores, 'dark');
  assert.equal(modelProcesses().length, 1);
  assert.equal(await notices(), '');
  await clearNotices();
  return editor;
}

/** A document that is saved, with the lens, and one without it. */
async function assertOthersGoOn(api: TokenLensApi): Promise<void> {
  const { document } = await show('saved.txt');
  await eventually(
    'the saved document is scored without being asked',
    () => api.scores(document.uri)?.documentVersion === document.version,
  );
  await assertRight(document);
  assert.ok(document.getText().startsWith(`${saved}1 harbour\n`));
  assert.equal(onDisk('saved.txt'), document.getText());
  assert.ok(!document.isDirty);
  const plain = await show('plain.txt');
  await new Promise(resolve => setTimeout(resolve, 500)); // for what must not come
  assert.equal(api.scores(plain.document.uri), undefined);
  const shown = (await shownEditors()).flat();
  assert.ok(shown.length > 0);
  assert.ok(shown.every(({ background, underline }) => background === '' && underline === ''));
}

/** The numbers are those of a document that has always had this text, and the screen shows them. */
async function assertRight(document: vscode.TextDocument): Promise<DocumentScores> {
  const api = await activated();
  const scores = await api.score(document.uri);
  const fresh = inWorkspace(`fresh-${String(process.pid)}-${String(document.version)}-${path.basename(document.uri.path)}`);
  writeFileSync(fresh.fsPath, document.getText());
  assertSameScores(scores, await api.score((await vscode.workspace.openTextDocument(fresh)).uri));
  await assertTopDrawn(document, scores, 'dark');
  return scores;
}

/** Whatever was on the screen of this text since the middle of its scoring in the host before: no colour, or the right one. */
async function assertNothingElseShown(scores: DocumentScores, text: string): Promise<void> {
  const colours = await bandColours('dark');
  const lines = text.split('\n').map(line => `${line}\n`);
  const states = await recordedEditors();
  let ofThisText = 0;
  let coloured = 0;
  for (const [shown = [], ...others] of states) {
    assert.equal(others.length, 0);
    const length = shown.reduce((sum, character) => sum + character.text.length, 0);
    let [count, end] = [0, 0];
    for (let line = 0; count < length && line < lines.length; line++) {
      count += (lines[line] ?? '').length - 1;
      end += (lines[line] ?? '').length;
    }
    const part = text.slice(0, end);
    if (shown.map(character => character.text).join('') !== part.replaceAll('\n', '')) continue; // before all was typed
    ofThisText++;
    if (shown.some(character => character.background !== '')) coloured++;
    const faults = drawingFaults(shown, part, scores, colours, strongestBand);
    assert.equal(faults.length, 0, faults.slice(0, 6).join('\n'));
  }
  await browser.log(`       screens: ${String(states.length)}, of this text ${String(ofThisText)}, coloured ${String(coloured)}`);
  assert.ok(coloured > 0);
}
