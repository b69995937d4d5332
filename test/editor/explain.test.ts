import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { browser } from './browser';
import { activated, closeAll, eventually, inExtension, readWhen, untitled, useModel } from './documents';
import { list } from './picks';
import { setTheme, shownEditors, themes } from './screen';

/** The page as it is shown. */
interface ShownExplain {
  readonly target: string;
  readonly facts: string;
  readonly arithmetic: string;
  readonly stale: string;
  readonly sum: string;
  readonly verdict: string;
  /** By the context's length: bits and KL. */
  readonly lengths: Readonly<Record<string, readonly [bits: number, kl: number]>>;
  readonly sources: readonly ShownSource[];
  readonly lists: readonly { readonly caption: string; readonly tokens: readonly string[] }[];
  readonly provenance: string;
  readonly isRunning: boolean;
}
interface ShownSource {
  readonly part: string;
  readonly level: string;
  /** Null: not there yet. */
  readonly bits: number | null;
  readonly kl: number | null;
  readonly isStrongest: boolean;
}

const readExplain = `(() => {
  const text = selector => document.querySelector(selector)?.innerText ?? '';
  const number = cell => parseFloat((cell?.innerText ?? '').replace('\\u2212', '-').replace('<', ''));
  return {
    target: text('.target'), facts: text('.facts'), arithmetic: text('.arithmetic'), stale: text('.stale-note'),
    sum: text('.sum'), verdict: text('.verdict'), provenance: text('footer'),
    lengths: Object.fromEntries([...document.querySelectorAll('.lengths-table tbody tr')].map(row => [row.cells[0].innerText, [number(row.cells[2]), number(row.cells[3])]])),
    sources: [...document.querySelectorAll('.sources tbody tr')].map(row => ({ part: row.querySelector('.part').innerText, level: row.classList[0].replace('level-', ''), bits: number(row.cells[2]), kl: number(row.cells[3]), isStrongest: row.querySelector('.strongest') !== null })),
    lists: [...document.querySelectorAll('table.list')].map(list => ({ caption: list.caption.innerText, tokens: [...list.querySelectorAll('.token')].map(token => token.innerText) })),
    isRunning: document.querySelector('progress') !== null || document.querySelector('main')?.getAttribute('aria-busy') !== 'false',
  };
})()`;

interface ContextReference {
  readonly text: string;
  readonly contextIds: readonly number[];
  readonly targetId: number;
  readonly surprisalBits: number;
  readonly contextLengths: readonly { readonly contextTokens: number; readonly surprisalBits: number; readonly klBits: number }[];
  readonly replacedByStartToken: readonly { readonly position: number; readonly surprisalBits: number; readonly klBits: number }[];
}
/** What PyTorch says, see test/reference/README.md. */
const references = JSON.parse(readFileSync(inExtension('test/reference/context-smollm2-135m-instruct.json'), 'utf8')) as Readonly<
  Record<'code-ts' | 'prose-odd', ContextReference>
>;

const hasLines = ({ sources }: ShownExplain) => sources.some(({ level }) => level === 'line');
const bitsOf = ({ sources }: ShownExplain) => sources.map(({ bits }) => bits);

describe('what in the context made a prediction', function () {
  this.timeout(120_000);
  let api: TokenLensApi;

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await closeAll();
  });
  afterEach(closeAll);

  async function open(text: string): Promise<vscode.TextEditor> {
    return vscode.window.showTextDocument(await untitled(text), { preview: false, viewColumn: vscode.ViewColumn.One });
  }

  /** Opens the text of a reference with the cursor in its target, behind its space, and asks. */
  async function explain({ text, contextIds, targetId }: ContextReference): Promise<vscode.TextEditor> {
    const editor = await open(text);
    const { tokens } = await api.score(editor.document.uri);
    const target = tokens[contextIds.length];
    assert.ok(target);
    const ids = tokens.slice(0, contextIds.length + 1).map(({ id }) => id);
    assert.deepEqual(ids, [...contextIds, targetId]);
    const at = editor.document.positionAt(target.end - 1);
    editor.selection = new vscode.Selection(at, at);
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    return editor;
  }

  /** Starts what was too much for this machine to be started unasked. */
  async function run(): Promise<void> {
    await pageWhen('the target is there', page => page.target !== '');
    await browser.evaluateInExplain(`document.querySelector('[data-key="run"]')?.click()`);
  }

  function pageWhen(what: string, holds: (page: ShownExplain) => boolean): Promise<ShownExplain> {
    return readWhen(
      what,
      () => browser.evaluateInExplain<ShownExplain>(readExplain),
      page => !page.isRunning && holds(page),
      60_000,
    );
  }

  const press = (selector: string) => browser.evaluateInExplain(`document.querySelector(${JSON.stringify(selector)}).click()`);
  const select = (key: string, value: string) =>
    browser.evaluateInExplain(
      `(() => { const list = document.querySelector('[data-key="${key}"]'); list.value = ${JSON.stringify(value)}; list.dispatchEvent(new Event('change')); })()`,
    );

  /** What has a colour of ours behind it in the first editor. */
  async function painted(): Promise<string> {
    const [editor = []] = await shownEditors();
    return editor
      .filter(({ background }) => background !== '')
      .map(({ text }) => text)
      .join('');
  }

  /** As the page writes it: with one digit at least. */
  function assertNear(shown: number | null | undefined, expected: number | undefined, what: string): void {
    assert.ok(
      typeof shown === 'number' && expected !== undefined && Math.abs(shown - expected) <= 0.0501,
      `${what}: ${String(shown)}, not ${String(expected)}`,
    );
  }

  it('shows in exact arithmetic what the references have for each length of the context, and what length is enough', async () => {
    const reference = references['code-ts'];
    await explain(reference);
    const first = await pageWhen('the target is there', page => page.target !== '');
    assert.equal(first.target, '↵·');
    assert.match(first.arithmetic, /exact \(float32\)/);
    assert.match(first.provenance, /SmolLM2-135M-Instruct · q8 · float32/);
    assertNear(Number(/([\d.]+) bits/.exec(first.sum)?.[1]), reference.surprisalBits, 'bits of the target');
    await press('#tab-lengths');
    await run();
    const page = await pageWhen('all lengths are there', ({ verdict }) => verdict !== '');
    const shown = Object.entries(page.lengths);
    assert.ok(
      ['0', '1', '2', '4', '8', '16', '32', '60'].every(length => length in page.lengths),
      shown.join(' '),
    );
    assert.ok(shown.length > 8, 'borders of lines are among them');
    for (const [tokens, [bits, kl]] of shown) {
      const expected = reference.contextLengths.find(({ contextTokens }) => contextTokens === Number(tokens));
      assertNear(bits, expected?.surprisalBits, `bits with ${tokens}`);
      assertNear(kl, expected?.klBits, `KL with ${tokens}`);
    }
    const isFar = (tokens: number) => {
      const bits = reference.contextLengths.find(({ contextTokens }) => contextTokens === tokens)?.surprisalBits ?? NaN;
      return Math.abs(bits - reference.surprisalBits) > 0.5;
    };
    const tried = shown.map(([tokens]) => Number(tokens));
    const needed = tried.find(tokens => tried.every(longer => longer < tokens || !isFar(longer)));
    assert.match(page.verdict, new RegExp(`^It needs ${String(needed)} tokens to be within 0\\.5 bit\\.`));
    await browser.screenshot('explain-lengths');
  });

  it('finds the strongest lines from coarse to fine, and tokens as the references have them, and paints them', async () => {
    const reference = references['code-ts'];
    const { document } = await explain(reference);
    await pageWhen('the target is there', page => page.target !== '');
    await press('#tab-influence');
    await run();
    const lines = await pageWhen('lines are there', hasLines);
    const blocks = lines.sources.filter(({ level }) => level === 'block');
    assert.equal(blocks.length, 4);
    const strongest = blocks.reduce((a, b) => (Math.abs(a.bits ?? 0) >= Math.abs(b.bits ?? 0) ? a : b));
    assert.ok(strongest.isStrongest);
    assert.equal(lines.sources[lines.sources.indexOf(strongest) + 1]?.level, 'line', 'its lines are below it');
    await eventually('the context is painted', async () => (await painted()).includes('distance'));

    const [line] = await browser.evaluateInExplain<string[]>(
      `[...document.querySelectorAll('.sources tr.level-line')].filter(row => row.querySelector('.strongest')).map(row => row.querySelector('.finer button').dataset.key)`,
    );
    await press(`[data-key="${line ?? ''}"]`);
    const all = await pageWhen('tokens are there', ({ sources }) => sources.some(({ level }) => level === 'token'));
    const tokens = all.sources.filter(({ level }) => level === 'token');
    // The target's own line, from its end: the last rows of the references.
    const last = reference.replacedByStartToken.slice(-tokens.length).reverse();
    for (const [index, { bits, kl }] of tokens.entries()) {
      assertNear(bits, (last[index]?.surprisalBits ?? NaN) - reference.surprisalBits, `token ${String(index)}`);
      assertNear(kl, last[index]?.klBits, `KL of token ${String(index)}`);
    }
    await browser.screenshot('explain-influence');

    await press('.sources .level-token .part');
    const { lists } = await pageWhen('two lists are there', page => page.lists.length === 2);
    assert.equal(lists[0]?.tokens[0], '↵·');
    assert.notDeepEqual(lists[0].tokens, lists[1]?.tokens);
    assert.match(lists[1]?.caption ?? '', new RegExp(`${(last[0]?.surprisalBits ?? NaN).toFixed(1)} bits`));
    assert.equal(vscode.window.activeTextEditor?.document, document, 'the page has taken the focus');
    await browser.screenshot('explain-without');
  });

  it('explains another token, and one against another, from the same runs', async () => {
    await explain(references['prose-odd']);
    await run();
    const whole = await pageWhen('tokens of the only line are there', ({ sources }) => sources.length > 40);
    await select('choose-b', '1');
    const against = await pageWhen('it is a difference', ({ sum }) => sum.includes('between them'));
    await select('choose-a', '2');
    const other = await pageWhen('it is another one', ({ sum }) => sum !== against.sum);
    assert.notDeepEqual(bitsOf(against), bitsOf(whole));
    assert.notDeepEqual(bitsOf(other), bitsOf(against));
    await select('choose-b', '');
    await pageWhen('it is of one token again', ({ sum }) => !sum.includes('between them'));
    await select('choose-a', '0');
    const again = await pageWhen('it is as before', ({ sum }) => sum === whole.sum);
    assert.deepEqual(bitsOf(again), bitsOf(whole));
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    const kept = await pageWhen('what is known of the same place is there at once', ({ sources }) => sources.length > 40);
    assert.deepEqual(bitsOf(kept), bitsOf(whole));
  });

  it('explains against a word that is typed, among the likeliest or not, and says when it is not one token', async () => {
    const editor = await open('The keeper is called Anna.\nThe keeper is called Anna');
    const at = editor.document.positionAt(editor.document.getText().length - 1);
    editor.selection = new vscode.Selection(at, at);
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    await pageWhen('the target is there', page => page.target.includes('Anna'));
    const type = (word: string) =>
      browser.evaluateInExplain(
        `(() => { const input = document.querySelector('[data-key="typed"]'); input.value = ${JSON.stringify(word)}; input.dispatchEvent(new Event('input')); document.querySelector('[data-key="type"]').click(); })()`,
      );
    await type('Thursday');
    const page = await pageWhen('it is a difference', ({ sum }) => sum.includes('Thursday') && sum.includes('between them'));
    const [anna = NaN, thursday = NaN] = (page.sum.match(/\d+(\.\d+)?/g) ?? []).map(Number);
    const { tokens } = await api.scoreText('The keeper is called Anna.\nThe keeper is called', ' Thursday');
    assert.equal(tokens.length, 1);
    assert.ok(anna < 3, page.sum);
    assert.ok(
      page.sum.includes('has') && Math.abs(thursday - (tokens[0]?.surprisalBits ?? NaN)) < 0.5,
      `${page.sum}, ${String(tokens[0]?.surprisalBits)}`,
    );
    await run();
    await pageWhen('parts are there', ({ sources }) => sources.length > 0 && sources.every(({ bits }) => bits !== null));
    await type('Anna');
    await pageWhen('it is against nothing', ({ sum }) => !sum.includes('between them'));
    await type('zxqvzxqv');
    await eventually('it is said', () =>
      browser.evaluateInExplain<boolean>(
        `(document.querySelector('.chosen [role=status]')?.innerText ?? '').includes('“zxqvzxqv” is not one token')`,
      ),
    );
    await browser.screenshot('explain-typed');
  });

  it('is offered by the menu of the status bar, with what goes with it, while the lens is off', async () => {
    await open('The keeper is called Anna.');
    const labels = (await list('showMenu')).map(({ label }) => label).join('\n');
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    assert.match(labels, /Turn on for this document/);
    for (const entry of [/what in the context made the token/, /Leave a piece out/, /Which later tokens/, /after something else/])
      assert.match(labels, entry);
  });

  it('takes its paint away at Escape and at an edit, says that its numbers are of before, and asks again', async () => {
    const editor = await explain(references['code-ts']);
    await run();
    const before = await pageWhen('lines are there', hasLines);
    await eventually('it is painted', async () => (await painted()) !== '');
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    await browser.press('Escape');
    await eventually('the paint is gone', async () => (await painted()) === '');
    await press('[data-key=paint]');
    await eventually('it is painted again', async () => (await painted()) !== '');
    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), '// A point of the plane.\n'));
    const stale = await pageWhen('it says so', page => page.stale !== '');
    assert.match(stale.stale, /The text has changed: these numbers are of before/);
    assert.deepEqual(bitsOf(stale), bitsOf(before));
    await eventually('the paint is gone', async () => (await painted()) === '');
    await press('[data-key=again]');
    await pageWhen('it is of the new text', page => page.stale === '');
    await run();
    const fresh = await pageWhen('it is of the new text', page => page.stale === '' && hasLines(page));
    assert.equal(fresh.target, before.target, 'the target has moved with the edit');
    assert.match(fresh.facts, /line 9/);
    assert.notDeepEqual(
      fresh.sources.map(({ part }) => part),
      before.sources.map(({ part }) => part),
    );
  });

  it('is in place of what else is shown of the document, and the other way round', async () => {
    const { text } = references['code-ts'];
    await explain(references['code-ts']);
    await run();
    await pageWhen('lines are there', hasLines);
    await eventually('it is painted', async () => (await painted()) !== '');
    const saysPainted = async () =>
      (await browser.evaluateInExplain<string>(`document.querySelector('[data-key=paint]')?.innerText ?? ''`)).startsWith('Hide');
    const difference = () =>
      browser.evaluate<boolean>(
        `(document.querySelector('.statusbar-item[id$="tokenLens.difference"]')?.getBoundingClientRect().width ?? 0) > 0`,
      );
    const editor = await vscode.window.showTextDocument(vscode.window.visibleTextEditors[0]?.document ?? assert.fail());
    await vscode.commands.executeCommand('tokenLens.ablateSelection', { start: 0, end: text.indexOf('\n') + 1 });
    await eventually('a difference is shown, and no explanation', async () => (await difference()) && !(await saysPainted()));
    await press('[data-key=paint]');
    await eventually('the explanation is shown, and no difference', async () => !(await difference()) && (await painted()) !== '');
    editor.selection = new vscode.Selection(0, 0, 0, 12); // a reading of so little is not asked about
    void vscode.commands.executeCommand('tokenLens.showContextNeeds');
    await eventually('what is read of the context is shown, and no explanation', async () => !(await saysPainted()), 60_000);
    await press('[data-key=paint]');
    await eventually('the explanation is shown', async () => (await saysPainted()) && (await painted()) !== '');
    await vscode.commands.executeCommand('tokenLens.leaveInspection');
  });

  it('explains what comes after the last token, with other things in place of what is left out', async () => {
    const editor = await open('The keeper is called Anna.\nShe is at home.\nThe keeper is called');
    const end = editor.document.positionAt(Infinity);
    editor.selection = new vscode.Selection(end, end);
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    await run();
    const isDone = ({ sources }: ShownExplain) => sources.length >= 3 && sources.every(({ bits }) => bits !== null);
    const start = await pageWhen('parts are there', isDone);
    assert.match(start.target, /after the last token/);
    assert.match(start.sum, /Anna/);
    const first = start.sources.find(({ part }) => part === 'line 1');
    assert.ok((first?.bits ?? 0) > 1, JSON.stringify(start.sources));
    await select('filler', 'deletion');
    await run();
    const deleted = await pageWhen('parts are there', page => isDone(page) && bitsOf(page).join() !== bitsOf(start).join());
    assert.ok((deleted.sources.find(({ part }) => part === 'line 1')?.bits ?? 0) > 1);
  });

  it('looks right in every theme', async () => {
    await explain(references['code-ts']);
    await run();
    await pageWhen('lines are there', hasLines);
    for (const [kind, name] of themes) {
      await setTheme(name);
      await browser.screenshot(`explain-${kind}`, 600);
    }
    await setTheme(undefined);
  });
});
