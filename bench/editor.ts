/**
 * Measures the extension in a real VS Code, which runs this in its extension host: activation, first colours, and how long our code holds the
 * host up. The workspace holds what the engine's part of the bench left there: the long text and the recorded typing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../src/api';
import { browser } from '../test/editor/browser';
import type { Line } from './measure';
import { longTextName, typingName } from './texts';
import type { Keystroke } from './texts';

const typedCharacters = 300;

/** What VS Code runs. */
export async function run(): Promise<void> {
  const lines = await measured();
  const results = process.env['TOKEN_LENS_RESULTS'];
  if (results !== undefined) writeFileSync(results, JSON.stringify(lines));
}

async function measured(): Promise<Line[]> {
  const extension = vscode.extensions.getExtension<TokenLensApi>('token-lens.token-lens');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (!extension || folder === undefined) throw new Error('The extension or the workspace is missing.');
  const api = await extension.activate();
  const lines = [await activation(api)];
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  const document = await vscode.workspace.openTextDocument(path.join(folder, longTextName));
  const editor = await vscode.window.showTextDocument(document);
  await pause(1000);
  lines.push(await firstColours());
  const keys = JSON.parse(readFileSync(path.join(folder, typingName), 'utf8')) as readonly Keystroke[];
  lines.push(...(await session(api, editor, keys)));
  return lines;
}

/** As VS Code itself times it: loading the code and calling `activate`. */
async function activation(api: TokenLensApi): Promise<Line> {
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
  return { what: 'activation, no model loaded (by VS Code itself)', value: Number(ms), unit: 'ms', budget: { atMost: 50, noise: 5 }, n: 1 };
}

/** From the click on the eye until the window paints the first band; timed inside its page. The model is loaded in between. */
async function firstColours(): Promise<Line> {
  const ms = await browser.evaluate<number>(`new Promise((resolve, reject) => {
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
  return {
    what: 'first colours after the first click, cold, 20,000 tokens',
    value: ms / 1000,
    unit: 's',
    budget: { atMost: 4, noise: 0.3 },
    n: 1,
    note: 'half the cores, lowered priority',
  };
}

/** The first characters of the recording in real time, with scrolling and hovering in its pauses, while the text is scored. */
async function session(api: TokenLensApi, editor: vscode.TextEditor, keys: readonly Keystroke[]): Promise<Line[]> {
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
  const longest = Object.entries(host.longestMs)
    .map(([kind, ms]) => `${kind} ${ms.toFixed(1)}`)
    .join(', ');
  return [
    {
      what: 'longest synchronous piece of our code in the extension host, 99.9th percentile',
      value: host.p999Ms,
      unit: 'ms',
      budget: { atMost: 16, noise: 1 },
      n: host.pieces,
      note: `${typed} characters typed, ${hovers} hovers, scrolling, 20,000 tokens; longest of each kind in ms: ${longest}`,
    },
  ];
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
