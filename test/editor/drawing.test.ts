import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { DocumentScores } from '../../src/api';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled } from './documents';

type Theme = 'dark' | 'light' | 'highContrast' | 'highContrastLight';
interface Manifest {
  readonly contributes: { readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<Theme, string>> }[] };
}
/** One character as the window shows it. Colours are as the browser computes them, '' where there is none of ours. */
interface Character {
  readonly text: string;
  readonly background: string;
  readonly underline: string;
}

/** Short lines: nothing wraps and everything is on the screen. */
const text = [
  'The capital of France',
  'is Paris. The capital',
  'of France is Tuesday.',
  '',
  'Colourless green ideas',
  'sleep furiously, said',
  'the quarterly report.',
  '',
].join('\n');
const themes: readonly (readonly [kind: Theme, name: string])[] = [
  ['dark', 'Default Dark Modern'],
  ['light', 'Default Light Modern'],
  ['highContrast', 'Default High Contrast'],
  ['highContrastLight', 'Default High Contrast Light'],
];

/** Runs in the page: the characters of every editor, line by line. Backgrounds are boxes behind the text, so they are found by their places. */
const readEditors = `[...document.querySelectorAll('.editor-group-container .monaco-editor .view-lines')].map(lines => {
  const overlays = [...lines.parentElement.querySelectorAll('.view-overlays .cdr')].filter(box => /ced-/.test(box.className)).map(box => ({ place: box.getBoundingClientRect(), colour: getComputedStyle(box).backgroundColor }));
  return [...lines.querySelectorAll('.view-line')].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map(line => {
    const characters = [];
    for (const run of line.querySelectorAll(':scope > span > span')) {
      const style = getComputedStyle(run);
      const place = run.getBoundingClientRect();
      const content = run.textContent.replaceAll('\\u00a0', ' ');
      const underline = style.textDecorationLine === 'underline' ? style.textDecorationStyle + ' ' + style.textDecorationThickness + ' ' + style.textDecorationColor : '';
      for (let index = 0; index < content.length; index++) {
        const x = place.left + (place.width * (index + 0.5)) / content.length;
        const box = overlays.find(({ place: at }) => at.left < x && x < at.right && Math.abs(at.top - line.getBoundingClientRect().top) < 3);
        characters.push({ text: content[index], background: box?.colour ?? '', underline });
      }
    }
    return characters;
  });
})`;

const { contributes } = JSON.parse(readFileSync(inExtension('package.json'), 'utf8')) as Manifest;

/** As the browser writes a computed colour; undefined where the theme decides. */
function computed(id: string, theme: Theme): string | undefined {
  const value = contributes.colors.find(colour => colour.id === id)?.defaults[theme] ?? '';
  if (!value.startsWith('#')) return undefined;
  const [red, green, blue, alpha] = [1, 3, 5, 7].map(at => Number.parseInt(value.slice(at, at + 2) || 'ff', 16));
  return alpha === 255
    ? `rgb(${[red, green, blue].join(', ')})`
    : `rgba(${[red, green, blue, Number(((alpha ?? 0) / 255).toFixed(2))].join(', ')})`;
}

/** What is wrong with the colours of one editor, by character; empty when all are as the scores say. */
function faults(lines: readonly (readonly Character[])[], scores: DocumentScores, theme: Theme): readonly string[] {
  const wrong: string[] = [];
  for (const [number, line] of text.split('\n').entries()) {
    const lineStart = text.split('\n').slice(0, number).join('\n').length + (number > 0 ? 1 : 0);
    for (const [column, character] of Array.from(line).entries()) {
      if (character === ' ') continue;
      const offset = lineStart + column;
      const band = scores.cells.find(({ start, end }) => start <= offset && offset < end)?.band ?? 0;
      const shown = lines[number]?.[column];
      const background = band === 0 ? '' : (computed(`tokenLens.band${String(band)}Background`, theme) ?? '');
      const style = band === 5 ? 'solid 2px' : band === 4 ? 'dashed 2px' : '';
      const colour = band > 3 ? computed(`tokenLens.band${String(band)}Underline`, theme) : undefined;
      // High contrast underlines the lower bands, too, and takes the colour from the theme.
      const isUnderlined =
        theme === 'dark' || theme === 'light'
          ? shown?.underline === (colour ? `${style} ${colour}` : '')
          : (shown?.underline !== '') === band > 0 && shown?.underline.startsWith(style) === true;
      if (shown?.text !== character || shown.background !== background || !isUnderlined)
        wrong.push(`band ${String(band)}: ${JSON.stringify(shown)}`);
    }
  }
  return wrong;
}

async function shownEditors(): Promise<readonly (readonly (readonly Character[])[])[]> {
  return browser.evaluate(readEditors);
}

async function setTheme(name: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('workbench').update('colorTheme', name, vscode.ConfigurationTarget.Global);
}

describe('what is drawn', function () {
  this.timeout(90_000);
  let document: vscode.TextDocument;
  let scores: DocumentScores;

  before(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    document = await untitled(text);
    await vscode.window.showTextDocument(document, { preview: false });
    await vscode.commands.executeCommand('tokenLens.toggle');
    scores = await (await activated()).score(document.uri);
    assert.deepEqual([...new Set(scores.cells.map(({ band }) => band))].sort(), [0, 1, 2, 3, 4, 5], 'the text no longer shows every band');
  });

  after(async () => {
    await setTheme(undefined);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  for (const [kind, name] of themes) {
    it(`has the bands of the scores in ${name}`, async () => {
      await setTheme(name);
      let last: readonly string[] = [];
      await eventually(
        'every character is drawn as its band',
        async () => {
          const [editor = []] = await shownEditors();
          last = faults(editor, scores, kind);
          return last.length === 0;
        },
        10_000,
      ).catch((error: unknown) => {
        throw new Error(last.slice(0, 8).join('\n'), { cause: error });
      });
      await browser.screenshot(`bands-${kind}`);
    });
  }

  it('is the same in every visible editor of the document', async () => {
    await setTheme('Default Dark Modern');
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Two, preview: false });
    await eventually('both editors show the bands', async () => {
      const editors = await shownEditors();
      return editors.length === 2 && editors.every(editor => faults(editor, scores, 'dark').length === 0);
    });
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('has the numbers of the document in the status bar', async () => {
    const { perplexity, bitsPerByte } = scores.summary;
    assert.ok(perplexity !== null && bitsPerByte !== null);
    const entries = `[...document.querySelectorAll('.statusbar-item')].map(item => item.textContent)`;
    await eventually('the status bar shows them', async () =>
      (await browser.evaluate<readonly string[]>(entries)).some(entry =>
        entry.includes(`PPL ${perplexity.toFixed(1)} · ${bitsPerByte.toFixed(2)} bits/byte`),
      ),
    );
  });

  it('has a button in the editor title that turns the lens off and on, and nothing is left while it is off', async () => {
    await browser.click('.editor-actions [aria-label="Turn Token Lens Off for This Document"]');
    await eventually('the colours are gone', async () =>
      (await shownEditors()).flat(2).every(({ background, underline }) => background === '' && underline === ''),
    );
    await browser.click('.editor-actions [aria-label="Turn Token Lens On for This Document"]');
    await eventually('the colours are back', async () => faults((await shownEditors())[0] ?? [], scores, 'dark').length === 0);
    await vscode.commands.executeCommand('tokenLens.toggle');
  });
});
