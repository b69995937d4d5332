/**
 * Measures the extension in a real VS Code, which runs this in its extension host: activation, first colours, and how long our code holds the
 * host up. The workspace holds what the engine's part of the bench left there: the long text and the recorded typing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../src/api';
import type { PauseReport } from '../src/pauses';
import { browser } from '../test/editor/browser';
import { Baselines } from './baselineProcess';
import { headsName, longTextName, typingName } from './texts';
import type { Head, Keystroke } from './texts';

const inEditor = '.part.editor .monaco-editor';
/** As the extension has them by default. */
const threads = Math.max(1, Math.floor(availableParallelism() / 2));

/** Enough for some thousand pieces: of fewer, the 99.9th percentile would be the longest of all. */
const typedCharacters = 700;

/** One start of VS Code. */
export interface EditorRun {
  /** Of the extension, by VS Code's own clock: loading its code and calling `activate`. */
  readonly activationMs: number;
  /** From the click on the eye to the first colour. */
  readonly firstColoursMs: number;
  /** Undefined where no session was asked for. */
  readonly session: Session | undefined;
}

export interface Session {
  readonly host: PauseReport;
  readonly characters: number;
  readonly hovers: number;
  /** Where nothing of the text was read before, then at the same place once more. */
  readonly ghostText: readonly { readonly cold: GhostTextTimes; readonly again: GhostTextTimes }[];
}

export interface GhostTextTimes {
  /** From the key press until the window shows grey text. */
  readonly shownMs: number;
  /** The runtime alone, for as many tokens read and written. */
  readonly bareMs: number;
  readonly tokensRun: number;
}

/** What VS Code runs. TOKEN_LENS_SESSION: with the recorded session. */
export async function run(): Promise<void> {
  const results = process.env['TOKEN_LENS_RESULTS'];
  if (results !== undefined) writeFileSync(results, JSON.stringify(await measured(process.env['TOKEN_LENS_SESSION'] !== undefined)));
}

async function measured(withSession: boolean): Promise<EditorRun> {
  const extension = vscode.extensions.getExtension<TokenLensApi>('token-lens.token-lens');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (!extension || folder === undefined) throw new Error('The extension or the workspace is missing.');
  const api = await extension.activate();
  const activationMs = await activation(api);
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  const document = await vscode.workspace.openTextDocument(path.join(folder, longTextName));
  const editor = await vscode.window.showTextDocument(document);
  await pause(1000);
  const firstColoursMs = await firstColours();
  const keys = JSON.parse(readFileSync(path.join(folder, typingName), 'utf8')) as readonly Keystroke[];
  return { activationMs, firstColoursMs, session: withSession ? await session(api, editor, keys) : undefined };
}

/** As VS Code itself times it: loading the code and calling `activate`. */
async function activation(api: TokenLensApi): Promise<number> {
  if ((await api.measure()).model !== undefined) throw new Error('A model was loaded before anybody asked for scores.');
  await vscode.commands.executeCommand('workbench.action.showRuntimeExtensions');
  const rows = `[...document.querySelectorAll('.runtime-extensions-editor .extension')].map(row => row.innerText).find(text => /token.lens/i.test(text)) ?? ''`;
  let text = '';
  for (let attempt = 0; attempt < 50 && !/\d ?ms/.test(text); attempt++) {
    text = await browser.evaluate<string>(rows);
    await pause(100);
  }
  const ms = /(\d+) ?ms/.exec(text)?.[1];
  if (ms === undefined) throw new Error('VS Code does not say how long activation took.');
  return Number(ms);
}

/** From the click on the eye until the window paints the first band; timed inside its page. The model is loaded in between. */
function firstColours(): Promise<number> {
  return browser.evaluate<number>(`new Promise((resolve, reject) => {
    const eye = [...document.querySelectorAll('.editor-actions .action-label')].find(label => /Token Lens|Turn On/i.test(label.getAttribute('aria-label') ?? ''));
    if (!eye) return reject(new Error('There is no eye: ' + [...document.querySelectorAll('.editor-actions .action-label')].map(label => label.getAttribute('aria-label'))));
    const isOurs = box => /\\bced-/.test(box.className) && !/^(|transparent|rgba\\(0, 0, 0, 0\\))$/.test(getComputedStyle(box).backgroundColor);
    const start = performance.now();
    const look = () => {
      if ([...document.querySelectorAll('.view-overlays .cdr')].some(isOurs)) return resolve(performance.now() - start);
      if (performance.now() - start > 60000) return reject(new Error('Nothing was coloured in a minute.'));
      requestAnimationFrame(look);
    };
    eye.click();
    requestAnimationFrame(look);
  })`);
}

/** The first characters of the recording in real time, with scrolling and hovering in its pauses, while the text is scored. */
async function session(api: TokenLensApi, editor: vscode.TextEditor, keys: readonly Keystroke[]): Promise<Session> {
  const { document } = editor;
  await api.measure(); // begins anew
  let typed = 0;
  let hovers = 0;
  for (const key of keys) {
    if (typed >= typedCharacters) break;
    if (key.afterMs > 900) {
      const cursor = editor.selection.active;
      await vscode.commands.executeCommand('editorScroll', { to: typed % 2 === 0 ? 'down' : 'up', by: 'page', value: 2 });
      await pause(150);
      for (const visible of editor.visibleRanges.slice(0, 1)) {
        for (let line = visible.start.line; line < visible.end.line; line += 5) {
          await vscode.commands.executeCommand('vscode.executeHoverProvider', document.uri, new vscode.Position(line, 8));
          hovers++;
        }
      }
      editor.revealRange(new vscode.Range(cursor, cursor));
    }
    await pause(key.afterMs);
    switch (key.kind) {
      case 'type':
        await vscode.commands.executeCommand('type', { text: key.text });
        typed += key.text.length;
        break;
      case 'backspace':
        for (let character = 0; character < key.characters; character++) await vscode.commands.executeCommand('deleteLeft');
        break;
      case 'hop': {
        const line = document.lineAt(document.positionAt(key.to * document.getText().length).line);
        editor.selection = new vscode.Selection(line.range.end, line.range.end);
        editor.revealRange(line.range);
      }
    }
  }
  // To the end of the text, a screen at a time, while what is shown is scored.
  for (let page = 0; page < 30; page++) {
    await vscode.commands.executeCommand('editorScroll', { to: 'down', by: 'page' });
    await pause(60);
  }
  await pause(2000);
  const { host } = await api.measure();
  return { host, characters: typed, hovers, ghostText: await ghostTexts(api) };
}

/** Ghost text at the ends of some texts, each time followed by the bare loop. */
async function ghostTexts(api: TokenLensApi): Promise<Session['ghostText']> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const heads = JSON.parse(readFileSync(path.join(folder, headsName), 'utf8')) as readonly Head[];
  const settings = vscode.workspace.getConfiguration('tokenLens');
  await settings.update('suggestLeastProbability', 0.02, vscode.ConfigurationTarget.Global); // so that there is something to be shown
  const baselines = new Baselines();
  const found: Session['ghostText'][number][] = [];
  try {
    for (const [round, { text, inputs }] of heads.entries()) {
      const editor = await vscode.window.showTextDocument(
        await vscode.workspace.openTextDocument({ content: text, language: 'typescript' }),
      );
      const end = editor.document.positionAt(text.length);
      editor.selection = new vscode.Selection(end, end);
      editor.revealRange(editor.selection);
      await pause(1000);
      const times = async (kept: number): Promise<GhostTextTimes | undefined> => {
        const before = (await api.measure()).model?.tokensRun ?? 0;
        const shownMs = await shownAfterKey();
        if (shownMs === null) return undefined;
        const tokensRun = ((await api.measure()).model?.tokensRun ?? 0) - before;
        await browser.press('Escape');
        await pause(300);
        const greedy = { steps: Math.max(1, tokensRun - (inputs.length - kept)), kept, threads };
        const { ms } = await baselines.call({ kind: 'greedy', inputs, labels: [], greedy });
        return { shownMs, bareMs: ms, tokensRun };
      };
      const [cold, again] = [await times(0), await times(inputs.length - 2)];
      if (round > 0 && cold && again) found.push({ cold, again }); // the first has started the model and the bare loop's
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
  } finally {
    baselines.stop();
    await settings.update('suggestLeastProbability', undefined, vscode.ConfigurationTarget.Global);
  }
  if (found.length < 3) throw new Error('Grey text was shown at too few places.');
  return found;
}

/** Milliseconds from the key to the grey text, by the clock of the window; null where the model has nothing to say. */
async function shownAfterKey(): Promise<number | null> {
  const shown = browser.evaluate<number | null>(`new Promise(resolve => {
    let pressed;
    window.addEventListener('keydown', ({ code }) => { if (code === 'Space') pressed ??= performance.now(); }, true);
    const asked = performance.now();
    const look = () => {
      const now = performance.now();
      if (pressed !== undefined && document.querySelector('${inEditor} .ghost-text-decoration, ${inEditor} .ghost-text-decoration-preview, ${inEditor} .suggest-preview-text')) return resolve(now - pressed);
      if (now - asked > 10000) return resolve(null);
      requestAnimationFrame(look);
    };
    look();
  })`);
  await browser.press('Control+k');
  await browser.press('Space');
  return shown;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
