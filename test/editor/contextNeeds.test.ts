import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { bandOf } from '../../src/core/band';
import { DisposableStore } from '../../src/disposable';
import { Pauses } from '../../src/pauses';
import { Readings } from '../../src/readings';
import type { ScoredDocuments } from '../../src/scoredDocuments';
import { browser } from './browser';
import { activated, comesTrue, eventually, inExtension, untitled } from './documents';
import { cancelled, clearNotices } from './notices';
import { Memento, ownLens } from './ownLens';
import { list, moveTo } from './picks';
import { assertDrawn, setTheme, shownEditors, shownState, stateEntry, themes } from './screen';

const text = [
  'Mrs Zabrowski opened the harbour office at six. By noon the',
  'rain had stopped, and nobody had come to see Mrs Zabrowski.',
  '',
].join('\n');
const codeEdges = [3, 5, 8, 11, 15] as const;
const askedTitle = 'This takes a while';

interface Cell {
  readonly start: number;
  readonly end: number;
  readonly bits: number | null;
  readonly band: number | null;
}

describe('the context that tokens need, and a text as read from the last few', function () {
  this.timeout(240_000);
  const store = new DisposableStore();
  let api: TokenLensApi;
  /** Asks a model process of its own. */
  let asked: ScoredDocuments;
  let document: vscode.TextDocument;

  before(async () => {
    api = await activated();
    const log = store.add(vscode.window.createOutputChannel('Short contexts', { log: true }));
    asked = ownLens(store, {
      log,
      memento: new Memento(),
      bundledModel: inExtension('models/smollm2-135m-instruct'),
      memory: { freeBytes: () => undefined, ask: () => Promise.resolve(true) },
    });
    await setTheme('Default Dark Modern');
  });
  after(async () => {
    store.dispose();
    await setTheme(undefined);
  });
  beforeEach(async () => {
    await open(text);
  });
  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await clearNotices();
    await vscode.window.showTextDocument(document, { preview: false });
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function open(content: string): Promise<vscode.TextEditor> {
    document = await untitled(content);
    return vscode.window.showTextDocument(document, { preview: false, viewColumn: vscode.ViewColumn.One });
  }

  const shownTitle = () =>
    browser.evaluate<string>(
      `document.querySelector('.quick-input-widget:not([style*="display: none"]) .quick-input-title')?.innerText ?? ''`,
    );
  const pickText = () =>
    browser.evaluate<string>(`document.querySelector('.quick-input-widget:not([style*="display: none"])')?.innerText ?? ''`);
  /** Takes the first offer, and waits until the list is gone: another Enter would be typed into the text. */
  async function accept(): Promise<void> {
    await browser.press('Enter');
    await eventually('the question goes', async () => (await shownTitle()) !== askedTitle);
  }

  /** Waits for a command; where it asks whether to take the time, it may. */
  async function finished(done: Thenable<unknown>): Promise<void> {
    let isDone = false;
    void done.then(() => (isDone = true));
    await eventually(
      'it is read',
      async () => {
        if (!isDone && (await shownTitle()) === askedTitle) await accept();
        return isDone;
      },
      180_000,
    );
  }

  async function showNeeds(): Promise<void> {
    await finished(vscode.commands.executeCommand('tokenLens.showContextNeeds'));
  }

  async function readShort(label: string): Promise<void> {
    await list('readWithShortContext');
    await moveTo(label);
    await browser.press('Enter');
    await eventually(
      'it is read',
      async () => {
        if ((await shownTitle()) === askedTitle) await accept();
        return (await shownState()).includes('bits/byte') && (await shownState()).includes('read from');
      },
      120_000,
    );
  }

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

  /** Has the mouse rest on a place of the only editor until the hover shows, for a picture of it. */
  async function pictureOfHover(name: string, offset: number): Promise<void> {
    const [shown = []] = await shownEditors();
    const at = shown[document.getText().slice(0, offset).replaceAll('\n', '').length];
    assert.ok(at);
    const isShown = () =>
      browser.evaluate<boolean>(
        `[...document.querySelectorAll('.monaco-hover:not(.hidden) .hover-contents')].some(each => each.innerText.includes('ontext'))`,
      );
    await eventually('the hover shows', async () => {
      await browser.moveMouse(5, 5); // what was typed before may have it wait for the mouse to come back
      await browser.moveMouse(at.x, at.y);
      await browser.moveMouse(at.x + 1, at.y);
      return comesTrue(isShown, 1_500);
    });
    await browser.screenshot(name, 300); // it fades in
    await browser.moveMouse(5, 5);
  }

  const never = new AbortController().signal;

  /** By the definition, from the numbers of the model: by token. */
  async function needs(): Promise<readonly number[]> {
    const { tokens } = await api.score(document.uri);
    const { result } = await asked.ask(document, 'contextNeeds', { first: 0, end: tokens.length, mostTokens: 64, topCount: 0 }, never);
    return tokens.map((_, row) => {
      const bits = [...result.surprisalBits.subarray(row * 65, (row + 1) * 65)].filter(each => !Number.isNaN(each));
      const isNear = bits.map(each => Math.abs(each - (result.whole.surprisalBits[row] ?? NaN)) <= 0.5);
      const lastFar = isNear.lastIndexOf(false);
      return lastFar === isNear.length - 1 ? Infinity : lastFar + 1;
    });
  }

  const needBand = (need: number) => (need <= 1 ? 0 : need <= 4 ? 1 : need <= 16 ? 2 : need <= 64 ? 4 : 5);

  async function cellsBy(bandAt: (row: number) => number): Promise<readonly Cell[]> {
    const { tokens } = await api.score(document.uri);
    return tokens.map(({ start, end }, row) => ({ start, end, bits: 0, band: bandAt(row) }));
  }

  it('are coloured by what the model says of every length, and told in hover, legend and status bar', async () => {
    await showNeeds();
    const expected = await needs();
    assert.ok(new Set(expected.map(needBand)).size >= 4, expected.join(' ')); // all of one colour would prove little
    for (const [theme, name] of themes) {
      await setTheme(name);
      await assertDrawn(document, { cells: await cellsBy(row => needBand(expected[row] ?? NaN)) }, theme);
      await browser.hover(stateEntry);
      await eventually('the legend says what is shown', async () => {
        const legend = await browser.evaluate<string>(`document.querySelector('.workbench-hover .hover-contents')?.innerText ?? ''`);
        return ['Context needed', '17 to 64 tokens', 'more than 64 tokens', '0 or 1 token', 'float32'].every(part => legend.includes(part));
      });
      await browser.screenshot(`needs-${theme}`);
      await browser.moveMouse(5, 5);
    }
    await setTheme('Default Dark Modern');
    await pictureOfHover('needs-hover', text.lastIndexOf('Zabrowski') + 2);
    const { tokens } = await api.score(document.uri);
    for (const [row, { start, end }] of tokens.entries()) {
      const need = expected[row] ?? NaN;
      const words =
        need === Infinity ? 'more than 64 tokens' : need === 0 ? 'no context' : need === 1 ? '1 token' : `${String(need)} tokens`;
      const place = end - 1;
      assert.ok((await hoverAt(place)).includes(`**Context: needs ${words}**`), `${String(start)}: ${await hoverAt(place)}`);
    }
    const editor = vscode.window.activeTextEditor;
    const row = expected.findIndex(need => need > 1 && need < 64);
    const at = document.positionAt((tokens[row]?.end ?? 0) - 1);
    assert.ok(editor);
    editor.selection = new vscode.Selection(at, at);
    await eventually('the status bar says it of the token at the cursor', async () =>
      (await shownState()).includes(`needs ${String(expected[row])} tokens`),
    );
  });

  it('go at once with an edit, by Escape, and by the same command; the usual colours come back', async () => {
    await showNeeds();
    const needing = async () => (await hoverAt(5)).includes('Context: needs');
    assert.ok(await needing());
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(1, 0), 'The ');
    await vscode.workspace.applyEdit(edit);
    assert.equal(await needing(), false);
    await assertDrawn(document, await api.score(document.uri), 'dark');

    await showNeeds();
    assert.ok(await needing());
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    await browser.press('Escape');
    await eventually('Escape ends it', async () => !(await needing()));
    await assertDrawn(document, await api.score(document.uri), 'dark');

    const run = async () => (await api.measure()).model?.tokensRun ?? 0;
    const before = await run();
    await showNeeds();
    assert.ok(await needing());
    assert.equal(await run(), before, 'what was read of this version is kept');
    await vscode.commands.executeCommand('tokenLens.showContextNeeds');
    assert.equal(await needing(), false);
    await assertDrawn(document, await api.score(document.uri), 'dark');

    await showNeeds();
    await vscode.commands.executeCommand('tokenLens.toggle');
    await vscode.commands.executeCommand('tokenLens.toggle');
    await api.score(document.uri);
    assert.equal(await needing(), false);
  });

  it('are of the selection alone where there is one', async () => {
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor);
    editor.selection = new vscode.Selection(1, 0, 1, 20);
    await showNeeds();
    const expected = await needs();
    const { tokens } = await api.score(document.uri);
    const [from, to] = [document.offsetAt(new vscode.Position(1, 0)), document.offsetAt(new vscode.Position(1, 20))];
    const isRead = (row: number) => (tokens[row]?.start ?? 0) < to && (tokens[row]?.end ?? 0) > from;
    editor.selection = new vscode.Selection(2, 0, 2, 0);
    const bands = tokens.map((_, row) => (isRead(row) ? needBand(expected[row] ?? NaN) : 0));
    assert.ok(bands.some(band => band > 0));
    await assertDrawn(document, { cells: await cellsBy(row => bands[row] ?? 0) }, 'dark');
    assert.equal((await hoverAt(5)).includes('Context'), false);
  });

  it('show a text as read from the last tokens only, with what the whole context makes of each', async () => {
    await readShort('Last 2 tokens');
    const { tokens } = await api.score(document.uri);
    const count = tokens.length;
    const { result } = await asked.ask(document, 'shortContext', { first: 0, end: count, contextTokens: 2, topCount: 10 }, never);
    const whole = await asked.ask(document, 'contextNeeds', { first: 0, end: count, mostTokens: 0, topCount: 0 }, never);
    const bandAt = (row: number) => bandOf(result.surprisalBits[row] ?? NaN, codeEdges) ?? 0;
    assert.ok(tokens.some((token, row) => bandAt(row) !== bandOf(token.surprisalBits ?? NaN, codeEdges)));
    for (const [theme, name] of themes) {
      await setTheme(name);
      await assertDrawn(document, { cells: await cellsBy(bandAt) }, theme);
      await browser.screenshot(`short-${theme}`);
    }
    await setTheme('Default Dark Modern');
    await pictureOfHover('short-hover', text.lastIndexOf('Zabrowski') + 4);
    for (const [row, { end }] of tokens.entries()) {
      const said = await hoverAt(end - 1);
      const [short, all] = [result.surprisalBits[row] ?? NaN, whole.result.whole.surprisalBits[row] ?? NaN];
      assert.ok(said.includes('Read from the last 2 tokens only (same model, not an n-gram).'), said);
      if (short >= 0.1) assert.ok(said.includes(`&nbsp; ${short.toFixed(1)} bits`), `${String(short)}: ${said}`);
      if (all >= 0.1) assert.ok(said.includes(`context ${all.toFixed(1)} bits:`), `${String(all)}: ${said}`);
    }
    const bytes = new TextEncoder().encode(text).length;
    const perByte = (bits: ArrayLike<number>) => (Array.from(bits).reduce((sum, each) => sum + each, 0) / bytes).toFixed(2);
    assert.ok((await shownState()).includes(`${perByte(result.surprisalBits)} bits/byte`), await shownState());
    await browser.hover(stateEntry);
    await eventually('the tooltip has both numbers', async () => {
      const legend = await browser.evaluate<string>(`document.querySelector('.workbench-hover .hover-contents')?.innerText ?? ''`);
      return legend.includes(
        `${perByte(result.surprisalBits)} bits per byte so, ${perByte(whole.result.whole.surprisalBits)} with all of the context, over the same ${String(count)} tokens`,
      );
    });
    await browser.screenshot('short-legend');
    await browser.moveMouse(5, 5);
    // The same command offers the way back first.
    await list('readWithShortContext');
    await browser.press('Enter');
    await assertDrawn(document, await api.score(document.uri), 'dark');
  });

  it('does not wait for the scores of a text of which a little is to be read', async () => {
    const { document: long } = await open(
      Array.from({ length: 1_500 }, (_, line) => `${String(line)} ${text.replaceAll('\n', ' ')}`).join('\n'),
    );
    asked.setOn(long, true);
    const readings = store.add(new Readings(asked, new Pauses()));
    const plan = await readings.plan(long, { of: 'needs' }, { start: 0, end: 20 }, never);
    assert.ok(plan.steps.length === 1 && plan.speed.cost(1).seconds !== undefined);
    await readings.read(plan, plan.steps, never, () => undefined);
    assert.ok(readings.of(long)?.reading.isRead(3));
    assert.equal(asked.completeView(long.uri.toString()), undefined, 'it is still being scored');
    assert.ok(asked.view(long));
    asked.setOn(long, false);
  });

  it('ask before they take long, read what shows first, and keep what was read when they are stopped', async () => {
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await open(Array.from({ length: 120 }, (_, line) => `${String(line)} ${text.replaceAll('\n', ' ')}`).join('\n'));
    await api.score(document.uri);
    const start = () => {
      void vscode.commands.executeCommand('tokenLens.showContextNeeds');
      return eventually('it asks', async () => (await shownTitle()) === askedTitle, 60_000);
    };
    await start();
    assert.match(await pickText(), /Read it all\s*about \d+ (seconds|minutes): [\d,]+ tokens for the model/);
    assert.match(await pickText(), /Read only what is on the screen/);
    await browser.screenshot('needs-cost');
    await browser.press('Escape');
    await eventually('the question goes', async () => (await shownTitle()) === '');
    await assertDrawnUsual();

    await start();
    await browser.press('Enter');
    await eventually('the first tokens are read', async () => (await hoverAt(5)).includes('Context: needs'), 90_000);
    await cancelled(api, 'context needed');
    assert.ok((await hoverAt(5)).includes('Context: needs'));
    assert.equal((await hoverAt(document.getText().length - 30)).includes('Context: needs'), false);
    await browser.screenshot('needs-stopped');
  });

  async function assertDrawnUsual(): Promise<void> {
    assert.equal((await hoverAt(5)).includes('Context'), false);
    assert.equal((await shownState()).includes('context'), false);
    await Promise.resolve();
  }
});
