import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { bandOf } from '../../src/core/band';
import { metricEdges } from '../../src/core/metric';
import { browser } from './browser';
import { activated, eventually, inExtension, tokensRunAtRest, untitled } from './documents';
import { choose, isClosed, list } from './picks';
import { bandColours, setTheme, shownEditors, stateEntry, themes } from './screen';

const prose = [
  'The old man stood up and walked down to the sea. The boat was',
  'gone, and the sea was grey. He looked at the sky over the sea.',
  'The harbour was empty. All of the boats had gone out to sea.',
  '',
].join('\n');

const ids = (
  JSON.parse(readFileSync(inExtension('models/smollm2-135m-instruct/tokenizer.json'), 'utf8')) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
  }
).model.vocab;

/** The page of the panel: one entry for each watched word. */
interface Strip {
  readonly name: string;
  readonly numbers: string;
  /** By column, 0 to 1. */
  readonly heights: readonly number[];
}
const strips = `[...document.querySelectorAll('figure.watch')].map(figure => ({ name: figure.querySelector('figcaption span').textContent, numbers: figure.querySelector('.numbers').textContent, heights: [...figure.querySelectorAll('rect')].map(each => Number(each.getAttribute('height'))) }))`;

describe('watched words', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  let document: vscode.TextDocument;
  let scores: DocumentScores;

  const settings = () => vscode.workspace.getConfiguration('tokenLens');
  before(async () => {
    api = await activated();
    // So that most words are among the alternatives.
    await settings().update('alternatives', 50, vscode.ConfigurationTarget.Workspace);
    await setTheme('Default Dark Modern');
  });
  beforeEach(async () => {
    document = await untitled(prose);
    await vscode.window.showTextDocument(document, { preview: false, viewColumn: vscode.ViewColumn.One });
    await vscode.commands.executeCommand('tokenLens.toggle');
    scores = await api.score(document.uri);
  });
  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await watch('');
    await vscode.window.showTextDocument(document, { preview: false, viewColumn: vscode.ViewColumn.One });
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
  after(async () => {
    await settings().update('alternatives', undefined, vscode.ConfigurationTarget.Workspace);
    await setTheme(undefined);
  });

  const run = async () => (await api.measure()).model?.tokensRun ?? 0;
  const widget = '.quick-input-widget:not([style*="display: none"])';
  const complaint = () => browser.evaluate<string>(`document.querySelector('${widget} .quick-input-message')?.innerText ?? ''`);

  async function ask(): Promise<void> {
    void vscode.commands.executeCommand('tokenLens.watchWords');
    await eventually('the input box has the focus', () =>
      browser.evaluate<boolean>(`document.activeElement?.matches('${widget} input') ?? false`),
    );
  }

  /** Types the words, over those that are there. */
  async function watch(words: string): Promise<void> {
    await ask();
    await browser.press('Control+A');
    if (words === '') await browser.press('Delete');
    else await browser.type(words);
    await browser.press('Enter');
    await eventually('the input box is closed', () => browser.evaluate<boolean>(`document.querySelector('${widget} input') === null`));
  }

  /** Of a word as what comes at a token, by its alternatives: at least and at most. Undefined: it is of several tokens. */
  function limitsOf(word: string, token: DocumentScores['tokens'][number]): readonly [number, number] {
    const spellings = [ids[`Ġ${word}`], ids[word]].filter(id => id !== undefined);
    assert.equal(spellings.length, 2, `${word} is of several tokens`);
    const found = spellings.map(id => token.topProbabilities[token.topIds.indexOf(id)]);
    const least = found.reduce<number>((sum, each) => sum + (each ?? 0), 0);
    return [least, least + found.filter(each => each === undefined).length * (token.topProbabilities.at(-1) ?? 1)];
  }

  function bandBy(word: string, offset: number): number | undefined {
    const token = scores.tokens.find(({ start, end }) => start <= offset && offset < end);
    if (typeof token?.surprisalBits !== 'number') return 0;
    const [least, most] = limitsOf(word, token).map(value => bandOf(value, metricEdges.watched));
    return least === most ? least : undefined;
  }

  async function assertShows(bandAt: (offset: number) => number | undefined): Promise<void> {
    const { backgrounds } = await bandColours('dark');
    let faults: string[] = [];
    let compared = 0;
    await eventually(
      'the editor shows the bands',
      async () => {
        const [shown = []] = await shownEditors();
        faults = [];
        compared = 0;
        const text = document.getText();
        let index = 0;
        for (let offset = 0; offset < text.length; offset++) {
          if (text[offset] === '\n') continue;
          const character = shown[index++];
          const band = bandAt(offset);
          if (text[offset] === ' ' || band === undefined) continue;
          compared++;
          const expected = band === 0 ? '' : backgrounds[band];
          if (`${String(character?.text)} ${String(character?.background)}` !== `${String(text[offset])} ${String(expected)}`)
            faults.push(`${String(offset)} ${JSON.stringify(character)} is not band ${String(band)}`);
        }
        return faults.length === 0;
      },
      15_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(faults.length)} faults\n${faults.slice(0, 6).join('\n')}`, { cause: error });
    });
    assert.ok(compared > 60, String(compared));
  }

  const bySurprisal = (offset: number) =>
    bandOf(scores.tokens.find(({ start, end }) => start <= offset && offset < end)?.surprisalBits ?? NaN, [3, 5, 8, 11, 15]) ?? 0;

  async function hoverAt(offset: number): Promise<string> {
    const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      document.positionAt(offset),
    );
    return hovers
      .flatMap(hover => hover.contents)
      .map(part => (part instanceof vscode.MarkdownString ? part.value : ''))
      .join('\n');
  }

  it('are typed into a box that says what is wrong, colour the text by a metric of their own, and go when they are taken away', async () => {
    await ask();
    await browser.type('"sea shore"');
    await eventually('phrases are refused', async () => (await complaint()).includes('One word each'));
    await browser.press('Control+A');
    await browser.type('a b c d e f');
    await eventually('six are too many', async () => (await complaint()).includes('At most 5 words can be watched; these are 6'));
    await browser.press('Escape');
    assert.deepEqual((await list('selectMetric')).filter(({ label }) => label.includes('Probability of')).length, 0);
    await browser.press('Escape');
    await isClosed();

    await watch('sea, the harbour');
    await assertShows(bySurprisal);
    await ask();
    assert.equal(await browser.evaluate<string>(`document.querySelector('${widget} input').value`), 'sea, the, harbour');
    await browser.press('Escape');
    scores = await api.score(document.uri);
    const before = await tokensRunAtRest(api);
    await choose('selectMetric', 'Probability of “sea”');
    await assertShows(offset => bandBy('sea', offset));
    assert.ok(Array.from(prose).some((_, offset) => (bandBy('sea', offset) ?? 0) > 2));
    await choose('selectMetric', 'Probability of “the”');
    await assertShows(offset => bandBy('the', offset));
    await choose('selectMetric', 'Surprisal');
    await assertShows(bySurprisal);
    await choose('selectMetric', 'Probability of “the”');
    await assertShows(offset => bandBy('the', offset));
    assert.equal(await run(), before, 'the model ran again');
    assert.deepEqual(
      (await list('selectMetric')).filter(({ checked }) => checked).map(({ label }) => label.trim()),
      ['Probability of “the”'],
    );
    await browser.press('Escape');
    await isClosed();

    // The words change places in the table: the chosen one stays.
    await watch('the sea');
    await assertShows(offset => bandBy('the', offset));
    await watch('sea');
    await assertShows(bySurprisal);
    await watch('');
    assert.deepEqual((await list('selectMetric')).filter(({ label }) => label.includes('Probability of')).length, 0);
    await browser.press('Escape');
    await isClosed();
    assert.doesNotMatch(await hoverAt(prose.indexOf('harbour') + 1), /Watched/);
  });

  it('stand in the hover and in the legend, first pieces as such', async () => {
    await watch('sea <b>xylophonist</b>');
    await choose('selectMetric', 'Probability of “sea”');
    await assertShows(offset => bandBy('sea', offset));
    const offset = prose.indexOf(' sea.') + 1;
    const token = scores.tokens.find(({ start, end }) => start <= offset && offset < end) ?? assert.fail();
    const hover = await hoverAt(offset);
    const [, percent] = /Watched, as what could have come here: <code>sea<\/code> ([\d.]+)%, /.exec(hover) ?? [];
    const [least, most] = limitsOf('sea', token);
    assert.ok(Number(percent) / 100 > least * 0.98 && Number(percent) / 100 < most * 1.02, `${String(percent)} ${String(least)}`);
    assert.match(hover, /&#60;b&#62;xylophonist&#60;&#47;b&#62;<\/code> <?[\d.]+% \(its first piece\)\./);
    await browser.moveMouse(600, 600); // where it rests already, nothing is shown
    await browser.hover(stateEntry);
    let legend = '';
    await eventually('the legend is about the word', async () => {
      legend = await browser.evaluate<string>(`document.querySelector('.workbench-hover .hover-contents')?.innerText ?? ''`);
      return legend.includes('Stronger colour = more probable to SmolLM2-135M that sea comes there');
    });
    for (const limits of ['below 0.1%', '0.1% to 1%', '1% to 5%', '5% to 20%', '20% to 50%', '50% or more'])
      assert.ok(legend.includes(limits), limits);
    await browser.screenshot('watch-legend');
    await browser.press('Escape');
  });

  it('have strips in the panel, and an exact probability at the cursor', async () => {
    await watch('sea, xylophonist');
    scores = await api.score(document.uri);
    await vscode.commands.executeCommand('tokenLens.showPanel');
    const editor = await vscode.window.showTextDocument(document, { preview: false, viewColumn: vscode.ViewColumn.One });
    const place = prose.indexOf(' sea. The boat');
    editor.selection = new vscode.Selection(document.positionAt(place), document.positionAt(place));
    const token = scores.tokens.find(({ start }) => start === place) ?? assert.fail();
    const [least, most] = limitsOf('sea', token);
    let shown: readonly Strip[] = [];
    // Until the page has heard of the cursor, its numbers are of where it was.
    await eventually('both are known at the cursor, exactly', async () => {
      shown = await browser.evaluateInWebview<readonly Strip[]>(strips);
      const [, percent] = /at the cursor: ([\d.]+)% \(exact\)/.exec(String(shown[0]?.numbers)) ?? [];
      const isHere = Number(percent) / 100 > least * 0.98 && Number(percent) / 100 < most * 1.02;
      return shown.length === 2 && isHere && shown.every(({ numbers }) => numbers.includes('exact'));
    }).catch((error: unknown) => {
      throw new Error(`${JSON.stringify(shown.map(({ numbers }) => numbers))}, not ${String(least)} to ${String(most)}`, { cause: error });
    });
    assert.deepEqual(
      shown.map(({ name }) => name),
      ['sea', 'xylophonist, its first piece'],
    );
    assert.match(String(shown[1]?.numbers), /whole word at the cursor: <?0\.\d+% \(exact\)$/);
    const peaks = scores.tokens.map(each => (each.surprisalBits === null ? 0 : limitsOf('sea', each)[0]));
    assert.equal(shown[0]?.heights.length, peaks.length);
    for (const [column, height] of shown[0].heights.entries())
      if ((peaks[column] ?? 0) > 0.05) assert.ok(Math.abs(height - (peaks[column] ?? 0)) < 0.02, `column ${String(column)}`);
    const before = await tokensRunAtRest(api);
    await choose('selectMetric', 'Probability of “sea”');
    await assertShows(offset => bandBy('sea', offset));
    assert.equal(await run(), before, 'the model ran again');
    assert.deepEqual(await browser.evaluateInWebview<readonly Strip[]>(strips), shown);
    for (const [label, name] of themes) {
      await setTheme(name);
      await browser.evaluateInWebview(`(document.querySelector('.watched').scrollIntoView({ block: 'end' }), null)`);
      await browser.screenshot(`watch-${label}`);
    }
    await setTheme('Default Dark Modern');
    // An edit makes the strip stale until the new rows are there.
    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), 'Once more. '));
    scores = await api.score(document.uri);
    await assertShows(offset => bandBy('sea', offset));
    await eventually('the strip is of the new text', async () => {
      const [sea] = await browser.evaluateInWebview<readonly Strip[]>(strips);
      return sea?.heights.length === scores.tokens.length && !sea.numbers.includes('updated');
    });
    await watch('');
    await eventually('the strips are gone', async () => (await browser.evaluateInWebview<readonly Strip[]>(strips)).length === 0);
  });
});
