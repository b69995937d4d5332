import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { bandOf } from '../../src/core/band';
import type { BandEdges } from '../../src/core/band';
import { DisposableStore } from '../../src/disposable';
import { browser } from './browser';
import { activated, eventually, inExtension, untitled, useModel } from './documents';
import { Memento, ownLens } from './ownLens';
import { choose, isClosed, list, moveTo } from './picks';
import { bandColours, setTheme, shownEditors, stateEntry, themes } from './screen';

/** Hard-wrapped, plain words: what a word or a sentence is needs no library here. */
const prose = [
  'The harbour was quiet before dawn. The old man stood',
  'up and walked down to the boat. Colourless green ideas',
  'sleep furiously, said the quarterly accordion. The capital',
  'of France is Paris. The capital of France is Tuesday.',
  '',
].join('\n');
const code = [
  'export function add(a: number, b: number): number {',
  '  return a + b;',
  '}',
  'export function zq(v: string): string {',
  '  const kumquat = 7 ^ 0x3f1; gnarl(kumquat % v.length);',
  '  return quux[v] ?? wibble.frob(~kumquat, "ymx", v);',
  '}',
  '',
].join('\n');
const proseEdges: BandEdges = [6, 8, 11, 13, 15];
const perByte: BandEdges = [1.4, 1.7, 2, 2.4, 3];
const teachingEdges: BandEdges = [1, 2, 4, 7, 11];

interface Place {
  readonly start: number;
  readonly end: number;
  readonly band: number;
}

function tokensOf({ tokens }: DocumentScores) {
  return tokens.map(token => ({ ...token, bits: token.surprisalBits ?? NaN, best: -Math.log2(token.topProbabilities[0] ?? NaN) }));
}

function byToken(scores: DocumentScores, edges: BandEdges, value: (token: ReturnType<typeof tokensOf>[number]) => number): Place[] {
  return tokensOf(scores).map(token => ({ start: token.start, end: token.end, band: bandOf(value(token), edges) ?? 0 }));
}

/** Pieces of the text by a pattern, with the tokens that touch them. */
function byPiece(scores: DocumentScores, text: string, pattern: RegExp, edges: BandEdges, isMean: boolean): Place[] {
  return [...text.matchAll(pattern)].map(({ 0: piece, index }) => {
    const inside = tokensOf(scores).filter(({ start, end }) => start < index + piece.length && end > index);
    const bits = inside.reduce((sum, token) => sum + token.bits, 0);
    const bytes = inside.reduce((sum, { startByte, endByte }) => sum + endByte - startByte, 0);
    return { start: index, end: index + piece.length, band: bandOf(isMean ? bits / bytes : bits, edges) ?? 0 };
  });
}

describe('ways to look at a document', function () {
  this.timeout(90_000);
  let api: TokenLensApi;
  let document: vscode.TextDocument;
  let scores: DocumentScores;

  before(async () => {
    api = await activated();
    await setTheme('Default Dark Modern');
    await vscode.workspace.getConfiguration('tokenLens').update('preset', 'auto', vscode.ConfigurationTarget.Workspace);
  });

  after(async () => {
    await open('plaintext', prose);
    for (const command of ['selectPreset', 'selectMetric', 'selectPalette'])
      await choose(command, command === 'selectPalette' ? 'Violet' : command === 'selectMetric' ? 'Surprisal' : 'As the settings say');
    await close();
    await vscode.workspace.getConfiguration('tokenLens').update('preset', undefined, vscode.ConfigurationTarget.Workspace);
    await setTheme(undefined);
  });

  afterEach(close);

  async function open(language: string, content: string): Promise<void> {
    document = await untitled(content, language);
    await vscode.window.showTextDocument(document, { preview: false });
    await vscode.commands.executeCommand('tokenLens.toggle');
    scores = await api.score(document.uri);
  }

  async function close(): Promise<void> {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }

  /** Waits until the first editor shows these bands, character by character. */
  async function assertShows(expected: readonly Place[], palette = 'violet'): Promise<void> {
    const { backgrounds } = await bandColours('dark');
    const colours = palette === 'violet' ? backgrounds : await coloursOf(palette);
    const text = document.getText();
    let faults: string[] = [];
    await eventually(
      'the editor shows the bands',
      async () => {
        const [shown = []] = await shownEditors();
        faults = [];
        let index = 0;
        for (let offset = 0; offset < text.length; offset++) {
          if (text[offset] === '\n') continue;
          const character = shown[index++];
          if (text[offset]?.trim() === '') continue;
          const band = expected.find(({ start, end }) => start <= offset && offset < end)?.band ?? 0;
          const background = band === 0 ? '' : colours[band];
          if (character?.text !== text[offset] || character?.background !== background)
            faults.push(`${String(offset)} ${JSON.stringify(character)} is not band ${String(band)}`);
        }
        return faults.length === 0;
      },
      10_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(faults.length)} faults\n${faults.slice(0, 6).join('\n')}`, { cause: error });
    });
  }

  async function coloursOf(palette: string): Promise<readonly (string | undefined)[]> {
    const { contributes } = JSON.parse(readFileSync(inExtension('package.json'), 'utf8')) as {
      readonly contributes: { readonly colors: readonly { readonly id: string; readonly defaults: { readonly dark: string } }[] };
    };
    const values = [1, 2, 3, 4, 5].map(
      band => contributes.colors.find(({ id }) => id === `tokenLens.${palette}.band${String(band)}Background`)?.defaults.dark ?? '',
    );
    return browser.evaluate(
      `[undefined, ...${JSON.stringify(values)}.map(value => { const probe = document.createElement('i'); probe.style.color = value; document.body.append(probe); const { color } = getComputedStyle(probe); probe.remove(); return color; })]`,
    );
  }

  const words = /[A-Za-z]+|[^\sA-Za-z]+/g;
  const sentences = /[A-Z][^.]*\./g;
  const byWord = () => byPiece(scores, prose, words, proseEdges, false);
  const bySentence = () => byPiece(scores, prose, sentences, perByte, true);

  it('starts prose by words and code by tokens', async () => {
    await open('plaintext', prose);
    assert.ok(byWord().some(({ band }) => band > 0));
    await assertShows(byWord());
    await close();
    await open('typescript', code);
    await assertShows(byToken(scores, [3, 5, 8, 11, 15], ({ bits }) => bits));
  });

  it('shows every metric of the same computation, chosen from a list that marks the present one', async () => {
    await open('typescript', code);
    const run = async () => (await api.measure()).model?.tokensRun;
    const before = await run();
    assert.ok(before !== undefined);
    assert.deepEqual(
      (await list('selectMetric')).filter(({ checked }) => checked).map(({ label }) => label.trim()),
      ['Surprisal'],
    );
    await browser.press('Escape');
    await isClosed();
    await choose('selectMetric', 'Rank');
    await assertShows(byToken(scores, [11, 11, 101, 101, 1001], ({ rank }) => rank ?? NaN));
    await choose('selectMetric', 'Entropy');
    await assertShows(byToken(scores, [3, 4.5, 6, 7.5, 9], ({ entropyBits }) => entropyBits ?? NaN));
    await choose('selectMetric', 'Surprisal minus entropy');
    await assertShows(byToken(scores, [2, 4, 6, 8, 11], ({ bits, entropyBits }) => bits - (entropyBits ?? NaN)));
    await choose('selectMetric', 'Probability relative to the best token');
    await assertShows(byToken(scores, [2, 4, 6, 8, 10], ({ bits, best }) => bits - best));
    await choose('selectMetric', 'Surprisal');
    await assertShows(byToken(scores, [3, 5, 8, 11, 15], ({ bits }) => bits));
    assert.equal(await run(), before, 'the model ran again');
  });

  it('previews a scale while the list is moved through, and takes it back at Escape', async () => {
    await open('plaintext', prose);
    await assertShows(byWord());
    await list('selectScale');
    await moveTo('Sentence');
    await assertShows(bySentence());
    await browser.press('Escape');
    await isClosed();
    await assertShows(byWord());
  });

  it('colours by line, sentence and paragraph, with signs in the gutter, and says so in the legend', async () => {
    await open('plaintext', prose);
    const signs = `document.querySelectorAll('.editor-group-container .glyph-margin-widgets .cgmr').length`;
    await choose('selectScale', 'Line');
    await assertShows(byPiece(scores, prose, /[^\n]+/g, perByte, true));
    await choose('selectScale', 'Paragraph');
    await assertShows(byPiece(scores, prose, /[^]+\S/g, perByte, true));
    await choose('selectScale', 'Sentence');
    await assertShows(bySentence());
    const lines = new Set(bySentence().flatMap(({ start, band }) => (band > 0 ? [prose.slice(0, start).split('\n').length] : [])));
    assert.ok(lines.size > 0);
    await eventually(
      'every line where a coloured sentence begins has a sign',
      async () => (await browser.evaluate<number>(signs)) === lines.size,
    );
    const ruler = bySentence().filter(({ band }) => band === 5).length;
    await browser.hover(stateEntry);
    const legend = `document.querySelector('.workbench-hover .hover-contents')?.innerText ?? ''`;
    let shown = '';
    await eventually('the legend counts', async () => /Shares of \d+ sentences/.test((shown = await browser.evaluate<string>(legend))));
    assert.match(shown, /bits\/byte/);
    assert.match(shown, new RegExp(`Shares of ${String(bySentence().length)} sentences`));
    await browser.screenshot(`legend-sentences-${String(ruler)}`);
    await browser.press('Escape');
    await choose('selectScale', 'As the preset says');
    await assertShows(byWord());
  });

  it('names the lines that bands are drawn with in the legend wherever there is no tint, at once when the theme changes', async () => {
    await open('plaintext', prose);
    const legend = async (what: string, holds: (shown: string) => boolean) => {
      let shown = '';
      await browser.moveMouse(600, 600);
      await browser.hover(stateEntry);
      await eventually(what, async () =>
        holds((shown = await browser.evaluate<string>(`document.querySelector('.workbench-hover .hover-contents')?.innerText ?? ''`))),
      ).catch((error: unknown) => {
        throw new Error(shown, { cause: error });
      });
      await browser.screenshot(`legend-${what}`);
      await browser.press('Escape');
      return shown;
    };
    const lines = ['dots', 'thick dots', 'thin dashes', 'dashed line', 'solid line'];
    const namesAll = (shown: string) => shown.includes('Stronger line =') && lines.every(line => shown.includes(line));
    const tinted = await legend('of tints', shown => shown.includes('Stronger colour ='));
    assert.ok(!tinted.includes('dots'));
    for (const [kind, name] of themes.slice(2)) {
      await setTheme(name);
      await legend(`in ${kind}`, namesAll);
    }
    await setTheme('Default Dark Modern');
    await legend('of tints again', shown => shown.includes('Stronger colour ='));
    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('style', 'underline', vscode.ConfigurationTarget.Workspace);
    await legend('of lines', namesAll);
    await settings.update('style', undefined, vscode.ConfigurationTarget.Workspace);
  });

  it('colours functions where the editor knows them, and leaves plain what is in none', async () => {
    // What an extension for the language answers; that of TypeScript need not be there where tests run.
    const provider = vscode.languages.registerDocumentSymbolProvider('typescript', {
      provideDocumentSymbols: asked =>
        [...asked.getText().matchAll(/export function (\w+)[^]*?\n\}/g)].map(({ 0: whole, 1: name = '', index }) => {
          const range = new vscode.Range(asked.positionAt(index), asked.positionAt(index + whole.length));
          return new vscode.DocumentSymbol(name, '', vscode.SymbolKind.Function, range, range);
        }),
    });
    await open('typescript', `// Nothing of this is in a function: zqxj.\n${code}`);
    await choose('selectScale', 'Function');
    const text = document.getText();
    const whole = byPiece(scores, text, /export function[^]*?\n\}/g, [1.1, 1.4, 1.8, 2.3, 3], true);
    assert.equal(whole.length, 2);
    assert.ok(whole.some(({ band }) => band > 0));
    await assertShows(whole);
    provider.dispose();
    await choose('selectScale', 'Token');
  });

  it('corrects words for leading spaces where the setting says so, in colours, hovers and the legend', async () => {
    // Where the model thinks that a word goes on, the bits of its end are its own, and not of the word after it.
    const text =
      'The harb was blue. The harbourmaster stood up, the harbourmaster sat down, the harbourmaster ate, and the harbour ran away.\n';
    await open('plaintext', text);
    await choose('selectScale', 'Word');
    const store = new DisposableStore();
    const log = store.add(vscode.window.createOutputChannel('Token Lens (test)', { log: true }));
    const memory = { freeBytes: () => undefined, ask: () => Promise.resolve(false) };
    const bundledModel = inExtension('models/smollm2-135m-instruct');
    const { table } = await ownLens(store, { log, memento: new Memento(), bundledModel, memory }).complete(document);
    const { tokens } = scores;
    /** What a word pays for there being one: bits of the choice to begin a word, at this token. */
    const beginBits = (row: number) => -(table.wordStartLogMass[row] ?? NaN) / Math.LN2;
    const corrected = [...text.matchAll(words)].map(({ 0: word, index: start }): Place => {
      const end = start + word.length;
      const first = tokens.findIndex(token => token.end > start);
      const after = tokens.findIndex(token => token.start >= end);
      const own = tokens.slice(first, after).reduce((sum, { surprisalBits }) => sum + (surprisalBits ?? NaN), 0);
      const before = /\s/.test(text.charAt(tokens[first]?.start ?? 0)) ? beginBits(first) : 0;
      const bits = own - before + (/\s/.test(text.charAt(end)) ? beginBits(after) : 0);
      assert.ok(Number.isFinite(bits), word);
      return { start, end, band: bandOf(bits, proseEdges) ?? 0 };
    });
    store.dispose();
    const plain = byPiece(scores, text, words, proseEdges, false);
    const bandOn = (place: Place) => corrected.find(({ start }) => start === place.start)?.band ?? 0;
    const lost = plain.filter(place => place.band > 0 && bandOn(place) === 0);
    assert.ok(lost.length > 0 && plain.some(place => bandOn(place) > place.band), 'the text tells nothing');
    const isHovered = async ({ start }: Place) =>
      (
        await vscode.commands.executeCommand<readonly vscode.Hover[]>(
          'vscode.executeHoverProvider',
          document.uri,
          document.positionAt(start),
        )
      ).length > 0;
    const hovered = (places: readonly Place[]) => Promise.all(places.map(isHovered));
    /** Once it says this: that of before may still be on the screen. */
    const assertLegend = async (isMeant: (said: string) => boolean) => {
      await browser.hover(stateEntry);
      let said = '';
      await eventually('the legend says so', async () => {
        const hover = await browser.evaluate<string>(`document.querySelector('.workbench-hover .hover-contents')?.innerText ?? ''`);
        said = hover.replaceAll('\u00a0', ' ');
        return said.includes('Scale: word') && isMeant(said);
      }).catch((error: unknown) => {
        throw new Error(said, { cause: error });
      });
      await browser.moveMouse(700, 400);
    };
    await assertShows(plain);
    assert.deepEqual(
      await hovered(plain),
      plain.map(({ band }) => band > 0),
    );
    await assertLegend(said => !said.includes('corrected'));
    const settings = vscode.workspace.getConfiguration('tokenLens');
    await settings.update('wordCorrection', true, vscode.ConfigurationTarget.Workspace);
    try {
      await assertShows(corrected);
      assert.deepEqual(
        await hovered(corrected),
        corrected.map(({ band }) => band > 0),
      );
      await assertLegend(said => said.includes('sum of bits, corrected for leading spaces'));
    } finally {
      await settings.update('wordCorrection', undefined, vscode.ConfigurationTarget.Workspace);
    }
    await assertShows(plain);
  });

  it('teaches: a low scale, the rest dimmed, a hover on every token', async () => {
    await open('plaintext', prose);
    await choose('selectPreset', 'Teaching');
    const expected = byToken(scores, teachingEdges, ({ bits }) => bits);
    await assertShows(expected);
    const dimmed = `[...document.querySelectorAll('.editor-group-container .view-line span span')].filter(run => getComputedStyle(run).opacity === '0.7').map(run => run.textContent.replaceAll('\\u00a0', ' ')).join('').replaceAll(/\\s/g, '')`;
    const plain = expected
      .filter(({ band }) => band === 0)
      .map(({ start, end }) => prose.slice(start, end))
      .join('')
      .replaceAll(/\s/g, '');
    assert.equal(await browser.evaluate<string>(dimmed), plain);
    const quiet = expected.find(({ band }) => band === 0);
    assert.ok(quiet);
    const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      document.positionAt(quiet.end - 1),
    );
    assert.ok(hovers.length > 0, 'no hover on a plain token');
    await browser.screenshotOf('teaching-dark', '.part.editor', 300);
    await choose('selectPreset', 'As the settings say');
    await assertShows(byWord());
  });

  it('has other palettes, the same one in the text, the panel and the report', async () => {
    await open('plaintext', prose);
    const palette = 'document.documentElement.dataset.palette';
    // The ground of each band's sample: what VS Code gives the pages under these names.
    const grounds = `[...document.querySelectorAll('.swatch:not(.band0)')].map(each => getComputedStyle(each).backgroundColor).filter(colour => colour !== 'rgba(0, 0, 0, 0)').join(' + ')`;
    await vscode.commands.executeCommand('tokenLens.showReport');
    await eventually('the report has begun', async () => (await browser.evaluateInReport<string | null>(palette)) !== null);
    for (const [label, name] of [
      ['Ember', 'ember'],
      ['Tide', 'tide'],
      ['Violet', 'violet'],
    ] as const) {
      await choose('selectPalette', label);
      await assertShows(byWord(), name);
      const { backgrounds } = await bandColours('dark');
      const expected = (name === 'violet' ? backgrounds : await coloursOf(name)).slice(1).join(' + ');
      await eventually('so does the report', async () => (await browser.evaluateInReport(grounds)) === expected).catch(
        async (error: unknown) => {
          throw new Error(`${await browser.evaluateInReport<string>(grounds)} is not ${expected}`, { cause: error });
        },
      );
    }
    await vscode.commands.executeCommand('tokenLens.showPanel');
    for (const [label, name] of [
      ['Ember', 'ember'],
      ['Violet', 'violet'],
    ] as const) {
      await choose('selectPalette', label);
      await eventually('so does the panel', async () => (await browser.evaluateInWebview(palette)) === name);
    }
    await vscode.commands.executeCommand('workbench.action.closeEditorsInOtherGroups');
  });

  it('begins a hover on a sentence with the sentence, and shows none where nothing is coloured', async () => {
    await open('plaintext', prose);
    await choose('selectScale', 'Sentence');
    await assertShows(bySentence());
    for (const { start, band } of bySentence()) {
      const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
        'vscode.executeHoverProvider',
        document.uri,
        document.positionAt(start),
      );
      const content = hovers
        .flatMap(hover => hover.contents)
        .map(part => (part instanceof vscode.MarkdownString ? part.value : ''))
        .join('\n');
      if (band === 0) assert.equal(content, '');
      else assert.match(content, /^Here: \d+\.\d\d bits per byte on average/);
    }
    await choose('selectScale', 'Word');
  });

  it('goes on after an edit: the sentence loses its colour, and has the new one when it is scored', async () => {
    await open('plaintext', prose);
    await choose('selectScale', 'Sentence');
    await assertShows(bySentence());
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, document.positionAt(prose.indexOf(' Paris')), ' accordion harbour');
    await vscode.workspace.applyEdit(edit);
    scores = await api.score(document.uri);
    await assertShows(byPiece(scores, document.getText(), sentences, perByte, true));
    await choose('selectScale', 'Word');
  });
});

/** With the tiny model: a function that is too long for every draw to read it whole. */
describe('a long function', function () {
  this.timeout(90_000);
  let provider: vscode.Disposable;

  before(async () => {
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    provider = vscode.languages.registerDocumentSymbolProvider('typescript', {
      provideDocumentSymbols: asked =>
        [...asked.getText().matchAll(/^function (\w+)[^]*?\n\}/gm)].map(({ 0: whole, 1: name = '', index }) => {
          const range = new vscode.Range(asked.positionAt(index), asked.positionAt(index + whole.length));
          return new vscode.DocumentSymbol(name, '', vscode.SymbolKind.Function, range, range);
        }),
    });
  });
  after(async () => {
    await choose('selectScale', 'Token');
    provider.dispose();
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await useModel(undefined);
  });

  it('has its colour and its hover, and after an edit in it those of the new text', async () => {
    const api = await activated();
    await setTheme('Default Dark Modern');
    const { backgrounds } = await bandColours('dark');
    const line = '  const kumquat = 7 ^ 0x3f1; gnarl(kumquat % v.length);\n';
    const content = `function long(v: string) {\n${line.repeat(400)}}\n`;
    const document = await untitled(content, 'typescript');
    await vscode.window.showTextDocument(document, { preview: false });
    await vscode.commands.executeCommand('tokenLens.toggle');
    await choose('selectScale', 'Function');
    const hovered = async () => {
      const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
        'vscode.executeHoverProvider',
        document.uri,
        new vscode.Position(9, 10),
      );
      return hovers
        .flatMap(hover => hover.contents)
        .map(part => (part instanceof vscode.MarkdownString ? part.value : ''))
        .join('\n');
    };
    /** Waits until the editor shows the function as its tokens have it. */
    const assertShown = async (): Promise<string> => {
      const scores = await api.score(document.uri);
      const end = document.getText().lastIndexOf('}') + 1;
      const tokens = tokensOf(scores).filter(token => token.start < end);
      const bits = tokens.reduce((sum, token) => sum + token.bits, 0);
      const mean = bits / tokens.reduce((sum, { startByte, endByte }) => sum + endByte - startByte, 0);
      const colour = backgrounds[bandOf(mean, [1.1, 1.4, 1.8, 2.3, 3]) ?? 0];
      assert.ok(colour !== undefined, 'a plain function tells nothing');
      const said = `Here: ${mean.toFixed(2)} bits per byte on average`;
      await eventually('the hover tells of the function', async () => (await hovered()).startsWith(said));
      await eventually('all that is in sight has its colour', async () => {
        const [shown = []] = await shownEditors();
        const visible = shown.filter(({ text }) => text.trim() !== '');
        return visible.length > 1_000 && visible.every(({ background }) => background === colour);
      });
      return said;
    };
    const before = await assertShown();
    await browser.screenshot('long-function');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(200, 0), `  // ${'\u{1d540} zqxj '.repeat(300)}\n`);
    assert.ok(await vscode.workspace.applyEdit(edit));
    assert.ok(!(await hovered()).startsWith('Here'), 'what was of the text before is still said');
    assert.notEqual(await assertShown(), before);
  });
});

/** Not compared with anything: for people who judge what they look like. */
describe('pictures of looks', function () {
  this.timeout(120_000);

  it('in every theme', async () => {
    const api = await activated();
    const sample = (name: string) => readFileSync(inExtension('samples', name), 'utf8');
    const looks: readonly (readonly [name: string, language: string, text: string, command: string, label: string])[] = [
      ['prose-word', 'markdown', sample('harbour.md'), 'selectPreset', 'Prose'],
      ['prose-sentence', 'markdown', sample('harbour.md'), 'selectScale', 'Sentence'],
      ['teaching', 'markdown', sample('harbour.md'), 'selectPreset', 'Teaching'],
      ['code-token', 'typescript', sample('distance.ts'), 'selectPreset', 'Code'],
      ['code-line', 'typescript', sample('distance.ts'), 'selectScale', 'Line'],
      ['tide', 'markdown', sample('harbour.md'), 'selectPalette', 'Tide'],
      ['ember', 'markdown', sample('harbour.md'), 'selectPalette', 'Ember'],
    ];
    if (process.env['TOKEN_LENS_LOOKS'] === undefined) return;
    for (const [name, language, text, command, label] of looks) {
      const document = await untitled(text, language);
      await vscode.window.showTextDocument(document, { preview: false });
      await vscode.commands.executeCommand('editor.action.toggleWordWrap');
      await vscode.commands.executeCommand('tokenLens.toggle');
      await api.score(document.uri);
      void vscode.commands.executeCommand(`tokenLens.${command}`);
      await new Promise(resolve => setTimeout(resolve, 700));
      await browser.type(label);
      await new Promise(resolve => setTimeout(resolve, 400));
      await browser.press('Enter');
      for (const [kind, theme] of themes) {
        await setTheme(theme);
        await new Promise(resolve => setTimeout(resolve, 900));
        await browser.screenshotOf(`${name}-${kind}`, '.part.editor', 420);
      }
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
  });
});
