import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { formatBits, formatCount } from '../../src/core/numberText';
import { browser } from './browser';
import { activated, eventually, untitled, useModel } from './documents';
import { cancelled, clearNotices, notices } from './notices';
import { setTheme, themes } from './screen';

/** A paragraph that says one thing twice, a line everybody knows, and words nobody expects. */
const prose = [
  '# The harbour',
  '',
  'The grey geese of the mill stream fly over the slate roofs at noon. Nobody counts the manxhattan squid.',
  'A clerk closed the ledger. To be, or not to be, that is the question.',
  '',
  'The grey geese of the mill stream fly over the slate roofs at noon. The zebra was late.',
  '',
].join('\n');

const proverb = 'is the question';

interface ShownRow {
  readonly level: number;
  readonly text: string;
}

/** Rows of one of our trees as they are shown. */
const rowsOf = (title: string) => `(() => {
  const pane = [...document.querySelectorAll('.pane')].find(found => found.querySelector('.pane-header')?.ariaLabel?.startsWith('${title}'));
  return [...pane?.querySelectorAll('.monaco-list-row') ?? []].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    .map(row => ({ level: Number(row.ariaLevel), text: row.querySelector('.monaco-icon-label').innerText.replaceAll('\\n', ' ').replaceAll('\\u00a0', ' ') }));
})()`;

const stretchIcons = `[...document.querySelectorAll('.monaco-list-row .custom-view-tree-node-item-icon')].flatMap(icon => [...icon.classList].filter(name => ['codicon-history', 'codicon-quote'].includes(name)))`;

/** What the window hands to screen readers; everything it has said since `listen`. */
const listen = `(() => {
  window.heard = [];
  const observer = new MutationObserver(() => { for (const place of document.querySelectorAll('.monaco-aria-container > *')) if (place.textContent !== '' && window.heard.at(-1) !== place.textContent) window.heard.push(place.textContent); });
  observer.observe(document.querySelector('.monaco-aria-container'), { childList: true, subtree: true, characterData: true });
})()`;

describe('finding places', function () {
  this.timeout(120_000);
  let api: TokenLensApi;

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
  afterEach(async () => {
    await set('announce', undefined);
    await set('stretchWords', undefined);
    if (showsStretches) await toggleStretches(); // a test that failed left them
    for (const editor of vscode.window.visibleTextEditors) {
      if (!editor.document.isUntitled) continue;
      await vscode.window.showTextDocument(editor.document, editor.viewColumn);
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  let showsStretches = false;
  async function toggleStretches(): Promise<void> {
    showsStretches = !showsStretches;
    await vscode.commands.executeCommand('tokenLens.toggleStretches');
  }

  async function set(name: string, value: unknown): Promise<void> {
    await vscode.workspace.getConfiguration('tokenLens').update(name, value, vscode.ConfigurationTarget.Global);
  }

  async function scored(text = prose): Promise<{ editor: vscode.TextEditor; scores: DocumentScores }> {
    const editor = await vscode.window.showTextDocument(await untitled(text, 'markdown'), { preview: false });
    await vscode.commands.executeCommand('tokenLens.toggle');
    return { editor, scores: await api.score(editor.document.uri) };
  }

  function selected({ document, selection }: vscode.TextEditor): string {
    return document.getText(selection);
  }

  /** Cells from band 3 on, as they are selected. */
  function surprises({ cells }: DocumentScores, text = prose): readonly { start: number; text: string; bits: number }[] {
    return cells
      .filter(cell => (cell.band ?? 0) >= 3)
      .map(({ start, end, bits }) => {
        const shown = text.slice(start, end);
        return { start: start + shown.length - shown.trimStart().length, text: shown.trim(), bits: bits ?? 0 };
      });
  }

  it('goes from surprise to surprise and round, by the palette that offers it only where the lens is on', async () => {
    const { editor, scores } = await scored();
    const expected = surprises(scores);
    assert.ok(expected.length >= 3, String(expected.length));
    const starts: number[] = [];
    for (let step = 0; step <= expected.length; step++) {
      await vscode.commands.executeCommand('tokenLens.nextSurprise');
      starts.push(editor.document.offsetAt(editor.selection.start));
      assert.equal(selected(editor), expected[step % expected.length]?.text);
    }
    assert.deepEqual(starts, [...expected.map(({ start }) => start), expected[0]?.start]);
    await vscode.commands.executeCommand('tokenLens.previousSurprise');
    assert.equal(selected(editor), expected.at(-1)?.text);
    await eventually('the status bar says what it is', () =>
      browser.evaluate<boolean>(`document.querySelector('.statusbar').innerText.includes('Last again: ${expected.at(-1)?.text ?? ''}')`),
    );

    const offered = async () => {
      const command = vscode.commands.executeCommand('workbench.action.quickOpen', '>Token Lens: Go to Next Surprise');
      await new Promise(resolve => setTimeout(resolve, 800));
      const labels = await browser.evaluate<string>(`document.querySelector('.quick-input-list').innerText`);
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      await command;
      return labels.includes('Go to Next Surprise');
    };
    assert.equal(await offered(), true);
    await vscode.commands.executeCommand('tokenLens.toggle');
    await eventually('it is not offered any more', async () => !(await offered()));
  });

  it('lists the top surprises by line with their cause, and goes to the one that is clicked', async () => {
    const { editor, scores } = await scored();
    await vscode.commands.executeCommand('tokenLens.surprises.focus');
    await browser.screenshot('panel-of-three');
    await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel'); // rows that cannot be seen are not in the page
    const expected = surprises(scores)
      .toSorted((a, b) => b.bits - a.bits)
      .slice(0, 20)
      .toSorted((a, b) => a.start - b.start);
    let rows: readonly ShownRow[] = [];
    await eventually('the list is there', async () => {
      rows = await browser.evaluate(rowsOf('Surprises'));
      return rows.filter(({ level }) => level === 2).length === Math.min(20, expected.length);
    }).catch((error: unknown) => {
      throw new Error(JSON.stringify(rows), { cause: error });
    });
    const lines = rows.filter(({ level }) => level === 1).map(({ text }) => Number.parseInt(text, 10));
    assert.deepEqual(lines, [...new Set(expected.map(({ start }) => editor.document.positionAt(start).line + 1))]);
    const squid = expected.find(({ text }) => text === 'man' || text.includes('hattan') || text === 'squid');
    assert.ok(squid, JSON.stringify(expected));
    const cell = scores.cells.find(({ start, end }) => start <= squid.start && squid.start < end);
    const token = scores.tokens.find(({ start, end }) => start <= squid.start && squid.start < end);
    assert.ok(cell && token);
    const row = rows.find(({ level, text }) => level === 2 && text.startsWith(`${squid.text}${formatBits(squid.bits)} bits`));
    assert.ok(row?.text.includes(`rank ${formatCount(token.rank ?? 0)}, expected `), JSON.stringify(rows));
    await browser.screenshot('surprises-maximized');
    await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel');
    for (const [kind, name] of themes.slice(0, 2)) {
      await setTheme(name);
      await browser.screenshot(`surprises-${kind}`, 400);
    }
    await setTheme(undefined);

    const first = expected[0] ?? assert.fail();
    await browser.click('.monaco-list-row[aria-level="2"]');
    await eventually(
      'it is selected',
      () => editor.document.offsetAt(editor.selection.start) === first.start && selected(editor) === first.text,
    );

    await vscode.commands.executeCommand('tokenLens.toggle');
    await eventually('without the lens it says how to turn it on', () =>
      browser.evaluate<boolean>(
        `[...document.querySelectorAll('.pane')].some(pane => pane.innerText.toLowerCase().includes('surprises') && pane.innerText.includes('Turn the Lens On'))`,
      ),
    );
  });

  it('finds stretches: paints them when told to, lists the longest first, and goes to them and to what they repeat', async () => {
    await set('stretchWords', 3);
    const { editor } = await scored();
    const shown = () =>
      browser.evaluate<readonly string[]>(
        `[...document.querySelectorAll('.view-line span > span')].filter(run => getComputedStyle(run).textDecorationStyle === 'dotted').map(run => run.textContent.replaceAll('\\u00a0', ' '))`,
      );
    const ranges = () => browser.evaluate<number>(`document.querySelectorAll('.view-overlays .cdr[class*="ced-"]').length`);
    assert.deepEqual(await shown(), []);
    const before = await ranges();
    await toggleStretches();
    await eventually('they are painted', async () => (await shown()).join('').includes(proverb));
    assert.ok((await ranges()) - before <= 100);

    await vscode.commands.executeCommand('tokenLens.stretches.focus');
    await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel');
    let rows: readonly ShownRow[] = [];
    await eventually('the list is there', async () => {
      rows = await browser.evaluate(rowsOf('Predictable Stretches'));
      return rows.length >= 3;
    });
    const top = rows.filter(({ level }) => level === 1);
    const words = top.map(({ text }) => Number(/(\d+) words,/.exec(text)?.[1]));
    assert.deepEqual(
      words,
      words.toSorted((a, b) => b - a),
    );
    const stock = top.find(({ text }) => text.includes(proverb));
    const echo = top.find(({ text }) => text.includes('slate roofs'));
    assert.ok(stock?.text.includes('stock phrase'), JSON.stringify(rows));
    assert.ok(echo?.text.includes('echo of line 3'), JSON.stringify(rows));
    // The beginning of a row is what a narrow list shows.
    assert.match(echo?.text ?? '', /^6\s+\S/);
    assert.ok(
      rows.some(({ level, text }) => level === 2 && /^3\s/.test(text) && text.includes('slate roofs')),
      JSON.stringify(rows),
    );
    assert.deepEqual(new Set(await browser.evaluate<readonly string[]>(stretchIcons)), new Set(['codicon-history', 'codicon-quote']));
    await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel');
    for (const [kind, name] of themes) {
      await setTheme(name);
      await browser.screenshot(`stretches-${kind}`, 400);
    }
    await setTheme(undefined);

    await browser.click(`.monaco-list-row[aria-level="2"] >> text=slate roofs`);
    await eventually('the earlier place is selected', () => editor.selection.start.line === 2 && selected(editor).includes('slate roofs'));
    await vscode.commands.executeCommand('tokenLens.nextStretch');
    await eventually('what stands before the proverb is selected', () => selected(editor) === 'not to be');
    await vscode.commands.executeCommand('tokenLens.nextStretch');
    await eventually('the proverb is selected', () => selected(editor).includes(proverb));
    await vscode.commands.executeCommand('tokenLens.previousStretch');
    await eventually('it goes back', () => selected(editor) === 'not to be');
    for (let step = 0; step < 3; step++) await vscode.commands.executeCommand('tokenLens.nextStretch');
    await eventually('the echo is selected', () => editor.selection.start.line === 5 && selected(editor).includes('slate roofs'));

    // An edit inside one ends it at once; the others stay where they are.
    await editor.edit(builder => {
      builder.replace(editor.selection, 'Nothing remains');
    });
    await eventually('the edited one is gone', async () => !(await shown()).join('').includes('slate roofs'));
    await api.score(editor.document.uri);
    await eventually('the other is painted', async () => (await shown()).join('').includes(proverb));

    await toggleStretches();
    await eventually('nothing is painted any more', async () => (await shown()).length === 0);
  });

  it('says a surprise by ear in at most fifteen words, and white space by its name', async () => {
    const { editor, scores } = await scored('The harbour was quiet.  Then\n\tzebra\n');
    await browser.evaluate(`${listen}; 0`);
    const heard = (what: string) =>
      eventually(`it is heard: ${what}`, () =>
        browser.evaluate<boolean>(`window.heard.some(text => text.includes(${JSON.stringify(what)}))`),
      ).catch(async (error: unknown) => {
        throw new Error(JSON.stringify(await browser.evaluate(`window.heard`)), { cause: error });
      });
    const text = editor.document.getText();
    const tab = scores.tokens.find(({ start, end }) => text.slice(start, end) === '\t') ?? assert.fail();
    const moveTo = (offset: number) => {
      editor.selection = new vscode.Selection(editor.document.positionAt(offset), editor.document.positionAt(offset));
    };
    moveTo(text.indexOf('harbour') + 2);
    await vscode.commands.executeCommand('tokenLens.readHere');
    const harbour = scores.tokens.find(({ start, end }) => text.slice(start, end) === ' harbour') ?? assert.fail();
    await heard(`harbour, ${formatBits(harbour.surprisalBits ?? NaN)} bits, rank ${formatCount(harbour.rank ?? 0)}, expected`);
    moveTo(text.indexOf('\t'));
    await vscode.commands.executeCommand('tokenLens.readHere');
    await heard('tab, ');
    const messages = await browser.evaluate<readonly string[]>(`window.heard.filter(text => text.includes(' bits'))`);
    for (const message of messages) assert.ok(message.split(/\s+/).length <= 16, message); // VS Code puts one word before it

    // By itself a move says nothing; with `on` it does; with `off` not even what is asked for.
    await browser.evaluate(`window.heard.length = 0`);
    moveTo(0);
    await vscode.commands.executeCommand('tokenLens.nextSurprise');
    await new Promise(resolve => setTimeout(resolve, 1_500));
    assert.deepEqual(await browser.evaluate(`window.heard.filter(text => text.includes(' bits'))`), []);
    await set('announce', 'on');
    moveTo(text.indexOf('Then') + 1);
    // A line break may be a surprise as well: as many steps as there are surprises from the caret to the tab.
    const caret = editor.document.offsetAt(editor.selection.active);
    const steps = scores.cells.filter(({ start, band }) => (band ?? 0) >= 3 && start > caret && start <= tab.start).length;
    assert.ok(steps > 0);
    for (let step = 0; step < steps; step++) await vscode.commands.executeCommand('tokenLens.nextSurprise');
    assert.equal(editor.document.offsetAt(editor.selection.start), tab.start);
    await heard(`tab, ${formatBits(tab.surprisalBits ?? NaN)} bits, rank ${formatCount(tab.rank ?? 0)}, expected`);
    await browser.evaluate(`window.heard.length = 0`);
    await set('announce', 'off');
    await vscode.commands.executeCommand('tokenLens.readHere');
    await new Promise(resolve => setTimeout(resolve, 1_500));
    assert.deepEqual(await browser.evaluate(`window.heard.filter(text => text.includes(' bits'))`), []);
  });

  it('opens a report, a sentence a line, that is never scored, and goes back from a line', async () => {
    const { editor, scores } = await scored();
    await vscode.commands.executeCommand('tokenLens.openReport');
    await eventually('the report is open', () => vscode.window.activeTextEditor?.document.uri.scheme === 'token-lens-report');
    const report = vscode.window.activeTextEditor ?? assert.fail();
    // VS Code shows an address again that it has not forgotten, and then asks what stands there now.
    const [rate = '', perplexity = ''] = [scores.summary.bitsPerByte?.toFixed(2), scores.summary.perplexity?.toFixed(1)];
    const sum = `${rate} bits per byte and a perplexity of ${perplexity}`;
    await eventually(`it says ${sum}`, () => report.document.getText().includes(sum));
    const text = report.document.getText();
    const lines = text.split('\n');
    const line = lines.findIndex(each => each.includes('"Nobody counts the manxhattan squid."'));
    assert.match(lines[line] ?? '', /^Line 3: \d+\.\d\d bits per byte\. (?:\S+ [\d.]+, ){2}\S+ [\d.]+\. "/);
    assert.match(lines[line] ?? '', /manxhattan \d/);
    await browser.screenshot('report');
    await vscode.commands.executeCommand('tokenLens.toggle');
    assert.equal(api.scores(report.document.uri), undefined);

    report.selection = new vscode.Selection(line, 4, line, 4);
    await vscode.commands.executeCommand('tokenLens.goToReportedPlace');
    await eventually(
      'the sentence is selected',
      () => selected(vscode.window.activeTextEditor ?? report) === 'Nobody counts the manxhattan squid.',
    );
    assert.equal(vscode.window.activeTextEditor?.document, editor.document);

    await vscode.window.activeTextEditor.edit(builder => {
      builder.insert(new vscode.Position(0, 0), 'More before it.\n\n');
    });
    await vscode.window.showTextDocument(report.document);
    await vscode.commands.executeCommand('tokenLens.goToReportedPlace');
    await eventually('the sentence is selected where it is now', () => {
      const active = vscode.window.activeTextEditor;
      return (
        active?.document === editor.document &&
        selected(active) === 'Nobody counts the manxhattan squid.' &&
        active.selection.start.line === 4
      );
    });

    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await eventually('its document is closed', () => editor.document.isClosed);
    await vscode.window.showTextDocument(report.document);
    await vscode.commands.executeCommand('tokenLens.goToReportedPlace');
    assert.equal(vscode.window.activeTextEditor.document, report.document, 'an empty document was opened');
  });

  it('opens no report when it is cancelled while it scores', async () => {
    const text = Array.from({ length: 16_000 }, (_, line) => `${String(line)} words of a long text that nobody waits for.`).join('\n');
    const editor = await vscode.window.showTextDocument(await untitled(text, 'markdown'), { preview: false });
    await clearNotices(); // of the tests before
    const command = vscode.commands.executeCommand('tokenLens.openReport');
    await cancelled(api, 'making the report');
    await command;
    assert.equal(vscode.window.activeTextEditor, editor);
    assert.equal(vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length, 1);
    assert.equal(await notices(), '', 'something is said although the user knows');
  });

  it('goes to the place of the strip in the panel that is clicked', async () => {
    const { editor, scores } = await scored();
    await vscode.commands.executeCommand('tokenLens.showPanel');
    await eventually(
      'the strip is there',
      () => browser.evaluateInWebview<boolean>(`document.querySelector('.strip-slider') !== null`),
      40_000,
    );
    // So few tokens have a column each.
    const target = Math.floor(scores.tokens.length * 0.7);
    const token = scores.tokens[target] ?? assert.fail();
    await browser.evaluateInWebview(
      `(() => { const box = document.querySelector('.strip').getBoundingClientRect(); document.querySelector('.strip').dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: box.left + box.width * ${String((target + 0.5) / scores.tokens.length)}, clientY: box.top + 5 })); })()`,
    );
    const expected = prose.slice(token.start, token.end).trim();
    await eventually('the place is selected', () => selected(editor) === expected && vscode.window.activeTextEditor === editor);
    await browser.screenshot('strip-dark');
    await setTheme('Default Light Modern');
    await browser.screenshot('strip-light');
    await setTheme(undefined);
  });
});
