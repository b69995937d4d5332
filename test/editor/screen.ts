import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { DocumentScores } from '../../src/api';
import { browser } from './browser';
import { eventually, inExtension, readWhen } from './documents';

/** One character as the window shows it. Colours are as the browser computes them. */
export interface ShownCharacter {
  readonly text: string;
  /** The middle of it, in CSS pixels of the window. */
  readonly x: number;
  readonly y: number;
  /** Background of our own, '' where there is none. */
  readonly background: string;
  /** Style, thickness and colour of an underline, '' where there is none. */
  readonly underline: string;
  /** All layers behind the text blended, 0 to 255. */
  readonly blended: readonly [red: number, green: number, blue: number];
  /** What others draw round or under it: borders and squiggles, by class name. */
  readonly marks: readonly string[];
}
export type Theme = 'dark' | 'light' | 'highContrast' | 'highContrastLight';

export const themes = [
  ['dark', 'Default Dark Modern'],
  ['light', 'Default Light Modern'],
  ['highContrast', 'Default High Contrast'],
  ['highContrastLight', 'Default High Contrast Light'],
] as const satisfies readonly (readonly [kind: Theme, name: string])[];

/**
 * Runs in the page: for every editor its characters in reading order, line breaks left out. Backgrounds are boxes behind the text, drawn in the
 * order they have in the page, so they are found by their places.
 */
const readEditors = `(() => {
  const channels = colour => { const [red, green, blue, alpha] = (colour.match(/[\\d.]+/g) ?? []).map(Number); return [red ?? 0, green ?? 0, blue ?? 0, colour === '' || colour === 'transparent' ? 0 : alpha ?? 1]; };
  const over = (below, colour) => { const [red, green, blue, alpha] = channels(colour); return [red, green, blue].map((value, index) => value * alpha + below[index] * (1 - alpha)); };
  const visible = lines => lines.getBoundingClientRect().width > 0;
  return [...document.querySelectorAll('.editor-group-container .monaco-editor .view-lines')].filter(visible).map(lines => {
    const editor = lines.closest('.monaco-editor');
    const ground = channels(getComputedStyle(editor.querySelector('.monaco-editor-background')).backgroundColor).slice(0, 3);
    const boxes = [...lines.parentElement.querySelectorAll('.view-overlays .cdr, .view-overlays .cslr')].map(box => {
      const style = getComputedStyle(box);
      const hasBorder = [style.borderBottomWidth, style.outlineWidth].some((width, index) => parseFloat(width) > 0 && [style.borderBottomStyle, style.outlineStyle][index] !== 'none');
      const hasPicture = getComputedStyle(box, '::before').backgroundImage !== 'none' || style.backgroundImage !== 'none';
      return { place: box.getBoundingClientRect(), colour: style.backgroundColor, isOurs: /\\bced-/.test(box.className), mark: hasBorder || hasPicture ? box.className : '' };
    });
    const sorted = [...lines.querySelectorAll('.view-line')].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top);
    return sorted.flatMap(line => [...line.querySelectorAll(':scope > span > span')].flatMap(run => {
      const style = getComputedStyle(run);
      const underline = style.textDecorationLine === 'underline' ? [style.textDecorationStyle, style.textDecorationThickness, style.textDecorationColor].join(' ') : '';
      const node = run.firstChild;
      return [...(node?.textContent ?? '')].reduce(({ at, shown }, text) => {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + text.length);
        const place = range.getBoundingClientRect();
        const x = (place.left + place.right) / 2;
        const y = (place.top + place.bottom) / 2;
        const behind = boxes.filter(({ place: box }) => box.left < x && x < box.right && box.top < y && y < box.bottom);
        const ours = behind.filter(box => box.isOurs && channels(box.colour)[3] > 0);
        shown.push({ text: text.replace('\\u00a0', ' '), x, y, underline, background: ours.map(box => box.colour).join(' + '), blended: behind.reduce((below, box) => over(below, box.colour), ground), marks: behind.map(box => box.mark).filter(mark => mark !== '') });
        return { at: at + text.length, shown };
      }, { at: 0, shown: [] }).shown;
    }));
  });
})()`;

export function shownEditors(): Promise<readonly (readonly ShownCharacter[])[]> {
  return browser.evaluate(readEditors);
}

/** From now on the page keeps all that its editors show, also while no extension host is there that could ask. */
export async function recordEditors(): Promise<void> {
  await browser.evaluate(
    `(() => { const shown = []; let last = ''; clearInterval(window.tokenLensRecording); window.tokenLensRecorded = shown; window.tokenLensRecording = setInterval(() => { const now = ${readEditors}; const text = JSON.stringify(now); if (text !== last) shown.push(now); last = text; }, 100); return null; })()`,
  );
}

/** An expression for the page: nothing in its first editor has a colour. */
export const isPlain = `(${readEditors})[0]?.every(({ background, underline }) => background === '' && underline === '') === true`;

/** What was recorded since, each state once; ends it. */
export function recordedEditors(): Promise<readonly (readonly (readonly ShownCharacter[])[])[]> {
  return browser.evaluate(`(() => { clearInterval(window.tokenLensRecording); return window.tokenLensRecorded ?? []; })()`);
}

interface Manifest {
  readonly contributes: { readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<Theme, string>> }[] };
}

/** A contributed colour as the browser computes it; undefined where it is that of another part of the theme. */
export async function contributed(id: string, theme: Theme): Promise<string | undefined> {
  const manifest = JSON.parse(readFileSync(inExtension('package.json'), 'utf8')) as Manifest;
  const value = manifest.contributes.colors.find(colour => colour.id === id)?.defaults[theme] ?? '';
  if (!value.startsWith('#')) return undefined;
  return browser.evaluate(
    `(() => { const probe = document.createElement('i'); probe.style.color = '${value}'; document.body.append(probe); const { color } = getComputedStyle(probe); probe.remove(); return color; })()`,
  );
}

const underlineOfBand: Readonly<Record<'contrast' | 'tinted', readonly (string | undefined)[]>> = {
  tinted: [undefined, undefined, undefined, undefined, 'dashed 2px', 'solid 2px'],
  contrast: [undefined, 'dotted 1px', 'dotted 2px', 'dashed 1px', 'dashed 2px', 'solid 2px'],
};

/**
 * Why one editor does not show the text coloured as its scores say, by character; empty when it does. `blankBands`: so many of the weakest may have no colour,
 * as where an editor has no room for more ranges.
 */
export function drawingFaults(
  shown: readonly ShownCharacter[],
  text: string,
  { cells }: Pick<DocumentScores, 'cells'>,
  colours: BandColours,
  blankBands = 0,
): readonly string[] {
  const isContrast = colours.theme === 'highContrast' || colours.theme === 'highContrastLight';
  const faults: string[] = [];
  const expected = Array.from(text)
    .filter(character => !/[\r\n]/.test(character))
    .join('');
  const drawn = shown.map(character => character.text).join('');
  if (drawn !== expected) return [`shown: ${JSON.stringify(drawn)}`];
  let index = 0;
  let offset = 0;
  for (const character of text) {
    const start = offset;
    offset += character.length;
    if (/[\r\n]/.test(character)) continue;
    const at = shown[index++];
    const cell = cells.find(found => found.start <= start && start < found.end);
    const inCell = text.slice(cell?.start, cell?.end);
    const [before, after] = [text.slice(cell?.start, start), text.slice(offset, cell?.end)];
    // The space before a word is of its token, but is not painted; nor is one at the end of a line.
    const isEdge = character.trim() === '' && (before.trim() === '' || after.trim() === '' || /\s*[\r\n]/y.test(after));
    if (isEdge && (inCell.trim() === '' || /[\r\n]/.test(inCell))) continue; // white space alone: either is right
    const band = isEdge ? 0 : (cell?.band ?? 0);
    if (band <= blankBands && at?.background === '' && at.underline === '') continue;
    const background = isContrast || band === 0 ? '' : colours.backgrounds[band];
    const style = underlineOfBand[isContrast ? 'contrast' : 'tinted'][band];
    const colour = isContrast ? undefined : colours.underlines[band];
    const isUnderlined =
      style === undefined ? at?.underline === '' : colour ? at?.underline === `${style} ${colour}` : at?.underline.startsWith(`${style} `);
    if (at?.background !== background || isUnderlined !== true)
      faults.push(`band ${String(band)} at ${String(start)}: ${JSON.stringify(at)}`);
  }
  return faults;
}

export interface BandColours {
  readonly theme: Theme;
  /** By band; that of band 0 is not used. */
  readonly backgrounds: readonly (string | undefined)[];
  readonly underlines: readonly (string | undefined)[];
}

export async function bandColours(theme: Theme): Promise<BandColours> {
  const bands = [1, 2, 3, 4, 5];
  return {
    theme,
    backgrounds: [undefined, ...(await Promise.all(bands.map(band => contributed(`tokenLens.band${String(band)}Background`, theme))))],
    underlines: [undefined, ...(await Promise.all(bands.map(band => contributed(`tokenLens.band${String(band)}Underline`, theme))))],
  };
}

/** Waits until every one of `count` editors shows the text as its scores say. */
export async function assertDrawn(
  document: vscode.TextDocument,
  scores: Pick<DocumentScores, 'cells'>,
  theme: Theme,
  count = 1,
): Promise<void> {
  let faults: readonly string[] = [];
  const colours = await bandColours(theme);
  await eventually(
    `${String(count)} editors show the scores`,
    async () => {
      const editors = await shownEditors();
      faults =
        editors.length === count
          ? editors.flatMap(editor => drawingFaults(editor, document.getText(), scores, colours))
          : [`${String(editors.length)} editors`];
      return faults.length === 0;
    },
    15_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(faults.length)} faults\n${faults.slice(0, 6).join('\n')}`, { cause: error });
  });
}

/** The status bar's entry of ours that tells how a document stands. */
export const stateEntry = '.statusbar-item[id="token-lens.token-lens.tokenLens.state"]';

/** What it says, without its icon. */
export function shownState(): Promise<string> {
  return browser.evaluate<string>(`document.querySelector('${stateEntry}')?.innerText.trim() ?? ''`);
}

/** What another entry of ours says to a screen reader, '' while there is none. */
export function spokenEntry(name: string): Promise<string> {
  return browser.evaluate<string>(
    `(() => { const item = document.querySelector('.statusbar-item[id$="${name}"]'); if (!item || item.getBoundingClientRect().width === 0) return ''; return [item, ...item.querySelectorAll('[aria-label]')].map(each => each.getAttribute('aria-label') ?? '').find(label => label.startsWith('Token Lens: ')) ?? ''; })()`,
  );
}

/**
 * Shows the hover at the cursor and clicks a link in it. As a click does, without the mouse: the hover may have to be scrolled for one.
 * The link of a hover that is just being replaced has lost its listener, and its empty address would load the window's page again: that is held up.
 * @param selector Of links. @param index Which of them. @returns What it says, and the command with its argument.
 */
export async function followHoverLink(selector: string, index: number): Promise<{ readonly name: string; readonly address: string }> {
  const followed = await readWhen(
    `the hover has ${selector}`,
    async () => {
      await vscode.commands.executeCommand('editor.action.showHover');
      return browser.evaluate<{ readonly name: string; readonly address: string } | null>(`(() => {
        const link = document.querySelectorAll(${JSON.stringify(`.monaco-hover ${selector}`)})[${String(index)}];
        if (!link) return null;
        let isTaken = true; // who takes a click lets nobody else have it
        const missed = event => { isTaken = false; event.preventDefault(); };
        window.addEventListener('click', missed);
        const found = { name: link.innerText, address: link.dataset.href };
        link.click();
        window.removeEventListener('click', missed);
        return isTaken ? found : null;
      })()`);
    },
    found => found !== null,
    20_000,
  );
  assert.ok(followed);
  return followed;
}

/** Keys go to where the page has the focus, which comes some time after the editor is active. */
export async function editorHasFocus(): Promise<void> {
  await eventually('the editor has the focus', () =>
    browser.evaluate<boolean>(`document.activeElement?.closest('.part.editor .monaco-editor') instanceof Element`),
  );
}

/** Lines at the beginning of a long text that `assertTopDrawn` looks at: what is on the screen and painted below it, which has to have few tokens. */
export const shortLines = 110;

/** Waits until the one editor, scrolled to the beginning of a long text, shows what fits on the screen as its scores say; the two strongest bands whole. */
export async function assertTopDrawn(document: vscode.TextDocument, scores: Pick<DocumentScores, 'cells'>, theme: Theme): Promise<void> {
  const text = document.getText();
  const colours = await bandColours(theme);
  let faults: readonly string[] = [];
  await eventually('the screen shows the scores', async () => {
    const editors = await shownEditors();
    const shown = editors[0] ?? [];
    let end = 0;
    for (let left = shown.length; left > 0 && end < text.length; end++) if (!/[\r\n]/.test(text[end] ?? '')) left--;
    faults =
      editors.length === 1 && shown.length > 200
        ? drawingFaults(shown, text.slice(0, end), scores, colours, 3)
        : [`${String(editors.length)} editors, ${String(shown.length)} characters`];
    return faults.length === 0;
  }).catch((error: unknown) => {
    throw new Error(`${String(faults.length)} faults\n${faults.slice(0, 6).join('\n')}`, { cause: error });
  });
}

/** Undefined: the theme VS Code starts with. */
export async function setTheme(name: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('workbench').update('colorTheme', name, vscode.ConfigurationTarget.Global);
  if (name === undefined) return;
  await eventually('the window has the theme', () =>
    browser.evaluate<boolean>(
      `document.querySelector('.monaco-workbench').classList.contains('${name.includes('High Contrast Light') ? 'hc-light' : name.includes('High Contrast') ? 'hc-black' : name.includes('Light') ? 'vs' : 'vs-dark'}')`,
    ),
  );
}

interface Reference {
  readonly text: string;
  readonly tokens: readonly {
    readonly id: number;
    readonly start: number;
    readonly end: number;
    readonly surprisalBits: number;
    readonly contextTokens: number;
  }[];
}

/** What PyTorch says of the bundled model, see test/reference/README.md. */
export function referenceOf(name: string): Reference {
  const all = JSON.parse(readFileSync(inExtension('test/reference/smollm2-135m-instruct.json'), 'utf8')) as Readonly<
    Record<string, Reference>
  >;
  const found = all[name];
  assert.ok(found, name);
  return found;
}

/** Ids and spans exactly; bits within what the bundled model's own arithmetic allows. */
export function assertLikeReference(scores: DocumentScores, { tokens }: Reference): void {
  const place = ({ id, start, end, contextTokens }: (typeof tokens)[number]) => [id, start, end, contextTokens];
  const got = scores.tokens.map(token => ({ ...token, surprisalBits: token.surprisalBits ?? NaN }));
  assert.deepEqual(got.map(place), tokens.map(place));
  const pairs = got.map((token, row) => [token.surprisalBits, tokens[row]?.surprisalBits ?? NaN] as const);
  const differences = pairs.map(([a, b]) => Math.abs(a - b)).sort((a, b) => a - b);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(pairs.map(([a]) => a)), mean(pairs.map(([, b]) => b))];
  const covariance = mean(pairs.map(([a, b]) => (a - meanA) * (b - meanB)));
  const correlation = covariance / Math.sqrt(mean(pairs.map(([a]) => (a - meanA) ** 2)) * mean(pairs.map(([, b]) => (b - meanB) ** 2)));
  assert.ok(mean(differences) <= 0.15, `mean difference ${String(mean(differences))}`);
  assert.ok((differences[Math.floor(differences.length * 0.95)] ?? NaN) <= 0.5, `95th percentile of ${String(differences.length)}`);
  assert.ok(correlation >= 0.997, `correlation ${String(correlation)}`);
}
