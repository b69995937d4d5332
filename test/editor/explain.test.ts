import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';
import { signedBandOf, signedEdges } from '../../src/core/signedBands';
import { DisposableStore } from '../../src/disposable';
import type { ScoredDocuments } from '../../src/scoredDocuments';
import { browser } from './browser';
import { activated, closeAll, eventually, inExtension, readWhen, untitled, useModel } from './documents';
import { Memento, ownLens } from './ownLens';
import { list } from './picks';
import { contributed, setTheme, shownEditors, themes } from './screen';

/** The page as it is shown. */
interface ShownExplain {
  readonly target: string;
  readonly facts: string;
  readonly arithmetic: string;
  readonly stale: string;
  readonly sum: string;
  readonly verdict: string;
  /** What a button begins, and its cost. */
  readonly offer: string;
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
  readonly depth: number;
  /** Its bits, as they are written. */
  readonly written: string;
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
    sum: text('.sum'), verdict: text('.verdict'), offer: text('.run'), provenance: text('footer'),
    lengths: Object.fromEntries([...document.querySelectorAll('.lengths-table tbody tr')].map(row => [row.cells[0].innerText, [number(row.cells[2]), number(row.cells[3])]])),
    sources: [...document.querySelectorAll('.sources tbody tr')].map(row => ({ part: row.querySelector('.part').innerText, level: row.classList[0].replace('level-', ''), depth: Number(row.querySelector('th').className.replace('depth', '')), bits: number(row.cells[2]), written: row.cells[2].innerText.trim(), kl: number(row.cells[3]), isStrongest: row.querySelector('.strongest') !== null })),
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
  const store = new DisposableStore();
  const never = new AbortController().signal;
  let api: TokenLensApi;
  /** Asks a model process of its own. */
  let asked: ScoredDocuments;

  before(async () => {
    api = await activated();
    const log = store.add(vscode.window.createOutputChannel('What in the context', { log: true }));
    const memory = { freeBytes: () => undefined, ask: () => Promise.resolve(true) };
    asked = ownLens(store, { log, memento: new Memento(), bundledModel: inExtension('models/smollm2-135m-instruct'), memory });
    await useModel(undefined);
    await closeAll();
  });
  afterEach(closeAll);
  after(() => store.dispose());

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

  /** Takes up what is offered, as often as it is: a slow machine stops between what it reads unasked and the rest. */
  function runUntil(what: string, holds: (page: ShownExplain) => boolean): Promise<ShownExplain> {
    return readWhen(
      what,
      async () => {
        const page = await browser.evaluateInExplain<ShownExplain>(readExplain);
        if (!page.isRunning && !holds(page)) await browser.evaluateInExplain(`document.querySelector('[data-key="run"]')?.click()`);
        return page;
      },
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

  /** What stands behind the lines of the editor. */
  const lineEnds = () =>
    browser.evaluate<string[]>(
      `[...document.querySelectorAll('.view-line span')].map(each => getComputedStyle(each, '::after').content).filter(content => /bits|Bit|…/.test(content)).map(content => content.slice(1, -1))`,
    );

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
    // Of all lengths, which the references have, and not of those that the page has chosen.
    const all = reference.contextLengths.map(({ contextTokens }) => contextTokens);
    const needed = all.find(tokens => all.every(longer => longer < tokens || !isFar(longer)));
    assert.match(page.verdict, new RegExp(`^It needs ${String(needed)} tokens to be within 0\\.5 bit\\.`));
    await browser.screenshot('explain-lengths');
  });

  it('tries lengths at which functions begin, which the editor may come to know when all others have been tried', async () => {
    let answer: (() => void) | undefined;
    const late = new Promise<void>(resolve => (answer = resolve));
    const provider = vscode.languages.registerDocumentSymbolProvider('plaintext', {
      provideDocumentSymbols: async document => {
        await late;
        return [...document.getText().matchAll(/export function (\w+)[^]*?(\n\}|$)/g)].map(({ 0: whole, 1: name = '', index }) => {
          const range = new vscode.Range(document.positionAt(index), document.positionAt(index + whole.length));
          return new vscode.DocumentSymbol(name, '', vscode.SymbolKind.Function, range, range);
        });
      },
    });
    try {
      const reference = references['code-ts'];
      await explain(reference);
      await pageWhen('the target is there', page => page.target !== '');
      await press('#tab-lengths');
      await run();
      const borders = () =>
        browser.evaluateInExplain<string[]>(`[...document.querySelectorAll('.lengths-table tr.function')].map(row => row.innerText)`);
      await pageWhen('all lengths are there', ({ verdict }) => verdict !== '');
      assert.deepEqual(await borders(), []);
      answer?.();
      await eventually(
        'those of functions are offered or there',
        async () => (await borders()).length > 0 || (await pageWhen('it rests', () => true)).offer !== '',
      );
      await run();
      await eventually('they are there', async () => (await borders()).length > 0);
      const [row = ''] = await borders();
      const start = reference.text.indexOf('export function');
      const line = reference.text.slice(0, start).split('\n').length;
      assert.match(row, new RegExp(`beginning of a function, line ${String(line)}`));
      const tokens = Number(/^\d+/.exec(row.trim())?.[0]);
      const expected = reference.contextLengths.find(({ contextTokens }) => contextTokens === tokens);
      assertNear(Number(row.trim().split(/\s+/).at(-2)), expected?.surprisalBits, 'bits from the beginning of the function');
    } finally {
      answer?.();
      provider.dispose();
    }
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
    const leaves = lines.sources.filter(({ depth }, index) => depth >= (lines.sources[index + 1]?.depth ?? 0));
    const told = leaves.map(({ part, written }) => (part.startsWith('lines') ? `${written} bits: ${part}` : `${written} bits`));
    await eventually(
      'lines end with their numbers',
      async () => (await lineEnds()).toSorted().join('|') === told.toSorted().join('|'),
    ).catch(async (error: unknown) => {
      throw new Error(`${(await lineEnds()).join('|')}, not ${told.join('|')}`, { cause: error });
    });

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

  it('has numbers of blocks unasked where those of lines would take longer, which are offered', async () => {
    const editor = await open(Array.from({ length: 200 }, (_, index) => `Boat ${String(index % 10)} left.`).join('\n'));
    const end = editor.document.positionAt(Infinity);
    editor.selection = new vscode.Selection(end, end);
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    const isRead = ({ sources, isRunning }: ShownExplain) => !isRunning && sources.length > 0 && sources[0]?.bits !== null;
    const first = await pageWhen('a block has a number that nobody asked for', isRead);
    assert.ok(!hasLines(first) && first.offer.startsWith('Find the strongest lines'), JSON.stringify(first));
    const before = (await api.measure()).model?.tokensRun ?? NaN;
    await new Promise(resolve => setTimeout(resolve, 1_000));
    assert.equal((await api.measure()).model?.tokensRun, before, 'nothing else is run unasked');
  });

  it('takes the context apart by what the editor knows to be declared in it', async () => {
    // What an extension for the language answers, whichever is there.
    const provider = vscode.languages.registerDocumentSymbolProvider('plaintext', {
      provideDocumentSymbols: asked =>
        [...asked.getText().matchAll(/(?:function|class) (\w+)[^]*?\n\}/g)].map(({ 0: whole, 1: name = '', index }) => {
          const range = new vscode.Range(asked.positionAt(index), asked.positionAt(index + whole.length));
          const symbol = new vscode.DocumentSymbol(name, '', vscode.SymbolKind.Class, range, range);
          const at = whole.indexOf('  sink');
          if (at < 0) return symbol;
          const member = new vscode.Range(asked.positionAt(index + at + 2), asked.positionAt(whole.indexOf('\n', at) + index));
          symbol.children.push(new vscode.DocumentSymbol('sink', '', vscode.SymbolKind.Method, member, member));
          return symbol;
        }),
    });
    const code =
      'import { Point } from "./point";\n\nclass Boat {\n  at = new Point();\n  sink() { return 1; }\n}\n\n// Where it goes.\nfunction sail(boat) {\n  return boat;\n}\nconst point = new Point';
    const editor = await open(code);
    const end = editor.document.positionAt(Infinity);
    editor.selection = new vscode.Selection(end, end);
    try {
      await vscode.commands.executeCommand('tokenLens.explainPrediction');
      await run();
      await eventually('there is a choice', async () =>
        browser.evaluateInExplain<boolean>(`document.querySelector('[data-key=parts]') !== null`),
      );
      await select('parts', 'declarations');
      await run();
      const isDone = ({ sources }: ShownExplain) =>
        sources.length >= 5 && sources.every(({ bits, level }) => bits !== null && level !== 'block');
      const { sources } = await pageWhen('all declarations have numbers', isDone);
      const coarse = sources.filter(({ level, depth }) => level === 'declaration' && depth === 0);
      assert.deepEqual(
        coarse.map(({ part }) => part),
        ['line 12', 'sail, lines 9 to 11', 'line 8', 'Boat, lines 3 to 6', 'line 1'],
      );
      assert.ok(coarse.some(({ isStrongest }) => isStrongest));
      // The same as leaving out just that.
      const { tokens } = await api.score(editor.document.uri);
      const [from, to] = [
        tokens.findIndex(token => token.end > code.indexOf('class')),
        tokens.findIndex(token => token.start >= code.indexOf('// Where')),
      ];
      const { result } = await asked.ask(
        editor.document,
        'without',
        { row: tokens.length, ids: [], topCount: 1, source: { first: from, end: to }, filler: 'startToken' },
        never,
      );
      // Two processes have had other things read before: the digit that is written may be another.
      assert.ok(
        Math.abs((coarse[3]?.kl ?? NaN) - result.without.klBits) < 0.06,
        `${String(coarse[3]?.kl)}, not ${String(result.without.klBits)}`,
      );
      await press('[data-key="open-3"]');
      const opened = await pageWhen('the class is open', page => page.sources.some(({ part }) => part.startsWith('sink')));
      assert.ok(
        opened.sources.some(({ part, depth }) => part === 'sink, line 5' && depth === 1),
        JSON.stringify(opened.sources),
      );
      await browser.screenshot('explain-declarations');
    } finally {
      provider.dispose();
    }
  });

  it('reads no more of a long text with the lens off than one window, and can be cancelled meanwhile', async () => {
    await explain(references['prose-odd']);
    await pageWhen('the target is there', page => page.target !== '');
    await press('#tab-map'); // of which nothing is begun unasked
    const tokensRun = async () => (await api.measure()).model?.tokensRun ?? NaN;
    const editor = await open(Array.from({ length: 2_000 }, (_, index) => `Boat ${String(index)} left the harbour at noon.`).join('\n'));
    const place = editor.document.positionAt(editor.document.getText().length / 2);
    editor.selection = new vscode.Selection(place, place);
    const before = await tokensRun();
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    await eventually('it is asked', async () => browser.evaluateInExplain<boolean>(`document.querySelector('[data-key=stop]') !== null`));
    await press('[data-key=stop]');
    await eventually('it is cancelled', async () =>
      browser.evaluateInExplain<boolean>(`document.querySelector('h1').innerText === 'Nothing is explained'`),
    );
    const stopped = await tokensRun();
    await new Promise(resolve => setTimeout(resolve, 1_000));
    assert.equal(await tokensRun(), stopped, 'nothing is read any more');
    await press('[data-key=here]');
    await pageWhen('the target is there', ({ target }) => target !== '');
    const run = (await tokensRun()) - before;
    assert.ok(run > 256 && run < 1_100, `${String(run)} tokens run`);
    assert.equal(vscode.window.activeTextEditor?.document, editor.document);
    await press('#tab-influence');
  });

  it('ends a run when it is cancelled, and keeps what was found', async () => {
    const editor = await open(Array.from({ length: 200 }, (_, index) => `Ship ${String(index % 10)} left.`).join('\n'));
    const end = editor.document.positionAt(Infinity);
    editor.selection = new vscode.Selection(end, end);
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    await pageWhen('a block has a number', ({ sources }) => sources.length > 0 && sources[0]?.bits !== null);
    const tokensRun = async () => (await api.measure()).model?.tokensRun ?? NaN;
    const before = await tokensRun();
    await press('[data-key=run]');
    await eventually(
      'it has come to lines',
      async () =>
        browser.evaluateInExplain<boolean>(
          `[...document.querySelectorAll('.sources .level-line')].some(row => /\\d/.test(row.cells[2].innerText))`,
        ),
      60_000,
    );
    assert.ok((await tokensRun()) > before);
    await press('[data-key=cancel]');
    const stopped = await pageWhen('what is left is offered', ({ offer }) => offer !== '');
    const tokens = await tokensRun();
    await new Promise(resolve => setTimeout(resolve, 1_500));
    assert.equal(await tokensRun(), tokens, 'nothing is run any more');
    assert.ok(
      stopped.sources.some(({ level, bits }) => level === 'line' && bits !== null),
      'what was found stays',
    );
    assert.ok(
      stopped.sources.some(({ level, bits }) => level === 'line' && bits === null),
      'it was not at its end',
    );
  });

  it('says in grey what a model that cannot compute exactly does not know', async () => {
    await useModel(inExtension('test/fixtures/families/gpt_neox')); // 16-bit floats
    try {
      const editor = await open('The boats came into the harbour.\nIt was quiet there.\nThe boats');
      const end = editor.document.positionAt(Infinity);
      editor.selection = new vscode.Selection(end, end);
      await vscode.commands.executeCommand('tokenLens.explainPrediction');
      const page = await pageWhen('the target is there', ({ target }) => target !== '');
      assert.match(page.arithmetic, /own arithmetic, whose noise was not measured: effects below 0\.30 bits/);
      await press('#tab-influence');
      await run();
      await pageWhen('all is there', ({ sources }) => sources.length > 2 && sources.every(({ bits }) => bits !== null));
      /** Of the cells of a table in these columns: what they say, and whether in grey. */
      const cells = (table: string, columns: readonly number[]) =>
        browser.evaluateInExplain<{ readonly value: number; readonly isGrey: boolean }[]>(
          `[...document.querySelectorAll('${table} tbody tr')].flatMap(row => ${JSON.stringify(columns)}.map(column => row.cells[column])).map(cell => ({ value: Math.abs(parseFloat(cell.innerText.replace('\\u2212', '-').replace('<', ''))), isGrey: cell.querySelector('.noise') !== null }))`,
        );
      const assertGrey = (
        found: readonly { readonly value: number; readonly isGrey: boolean }[],
        isNoise = (value: number) => value < 0.3,
      ) => {
        assert.ok(found.length > 0, 'there is nothing');
        // As written, with one digit: near the limit it says nothing.
        for (const each of found.filter(({ value }) => value > 0 && Math.abs(value - 0.3) > 0.051))
          assert.equal(each.isGrey, isNoise(each.value), JSON.stringify(each));
      };
      assertGrey(await cells('.sources', [2, 3]));
      assert.ok((await cells('.sources', [2])).some(({ isGrey }) => isGrey) && (await cells('.sources', [3])).some(({ isGrey }) => isGrey));
      // Of noise nothing is said behind a line.
      const told = (await lineEnds()).flatMap(each => each.match(/[\d.]+(?= bits)/g) ?? []);
      assert.ok(told.length > 0 && told.every(each => Number(each) > 0.3), told.join());
      assert.ok(told.length < (await cells('.sources', [2])).length, 'some of it is noise');
      await press('#tab-lengths');
      await run();
      await pageWhen('all lengths are there', ({ verdict }) => verdict !== '');
      assertGrey(await cells('.lengths-table', [3]));
      const bits = (await cells('.lengths-table', [2])).slice(0, -1);
      assert.ok(
        bits.some(({ isGrey }) => isGrey),
        'some lengths give what the whole gives',
      );
      await press('#tab-switchOff');
      await run();
      await pageWhen('nothing is off', ({ offer }) => offer !== '');
      await run();
      await eventually('it is off', async () => (await cells('.sums', [3])).length === 2, 60_000);
      assertGrey((await cells('.sums', [3])).slice(0, 1));
    } finally {
      await useModel(undefined);
    }
  });

  it('paints each token by the sign and size of its effect, and outlines the target', async () => {
    const [[theme, themeName]] = themes;
    await setTheme(themeName);
    const reference = references['prose-odd'];
    const { document } = await explain(reference);
    await pageWhen('the target is there', page => page.target !== '');
    await press('#tab-influence');
    // On a slow machine they are offered at their cost.
    const isOffered = ({ sources, offer }: ShownExplain) => sources.length > 0 && offer !== '';
    await pageWhen('tokens of the only line are there, or offered', page => page.sources.length > 40 || isOffered(page));
    await run();
    await pageWhen('tokens of the only line are there', ({ sources }) => sources.length > 40);
    const { tokens } = await api.score(document.uri);
    const hues = new Map<string, string | undefined>();
    for (const sign of ['helps', 'hinders'])
      for (const band of [1, 2, 3, 4])
        hues.set(`${sign}${String(band)}`, await contributed(`tokenLens.${sign}${String(band)}Background`, theme));
    // Near an edge the last digit decides.
    const isSure = (bits: number) => signedEdges.every(edge => Math.abs(Math.abs(bits) - edge) > 0.01);
    const expected = new Map<number, string | undefined>();
    for (const { position, surprisalBits } of reference.replacedByStartToken) {
      const bits = surprisalBits - reference.surprisalBits;
      const band = signedBandOf(bits, 0.001);
      const token = tokens[position];
      if (!token || !isSure(bits)) continue;
      for (let at = token.start; at < token.end; at++)
        expected.set(at, typeof band === 'object' ? hues.get(`${band.sign}${String(band.band)}`) : '');
    }
    let faults: readonly string[] = [];
    await eventually('every token has the colour of its effect', async () => {
      const [shown = []] = await shownEditors();
      const text = document.getText();
      const visible = Array.from(text, (character, offset) => ({ character, offset })).filter(({ character }) => !/[\r\n]/.test(character));
      faults = visible.flatMap(({ character, offset }, index) => {
        const hue = expected.get(offset);
        if (character === ' ' || hue === undefined) return [];
        const at = shown[index];
        return at?.text === character && at.background === hue ? [] : [`${character} at ${String(offset)}: ${JSON.stringify(at)}, ${hue}`];
      });
      return faults.length === 0 && shown.length > 0;
    }).catch((error: unknown) => {
      throw new Error(faults.slice(0, 5).join('\n'), { cause: error });
    });
    const all = [...expected.values()];
    assert.ok(
      ['helps', 'hinders'].every(sign =>
        all.some(hue => hue !== '' && [1, 2, 3, 4].some(band => hues.get(`${sign}${String(band)}`) === hue)),
      ),
      'both hues are in this test',
    );
    const target = tokens[reference.contextIds.length] ?? assert.fail();
    const word = document.getText().slice(target.start, target.end).trim();
    const [shown = []] = await shownEditors();
    const outlined = shown.filter(({ marks }) => marks.some(mark => mark.includes('ced-'))).map(({ text }) => text);
    assert.equal(outlined.join('').trim(), word);
    await setTheme(undefined);
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
    const isDone = ({ sources }: ShownExplain) => sources.length >= 3 && sources.every(({ bits }) => bits !== null);
    const start = await runUntil('parts are there', isDone);
    assert.match(start.target, /after the last token/);
    assert.match(start.sum, /Anna/);
    const first = start.sources.find(({ part }) => part === 'line 1');
    assert.ok((first?.bits ?? 0) > 1, JSON.stringify(start.sources));
    await select('filler', 'deletion');
    const deleted = await runUntil('parts are there', page => isDone(page) && bitsOf(page).join() !== bitsOf(start).join());
    assert.ok((deleted.sources.find(({ part }) => part === 'line 1')?.bits ?? 0) > 1);
    await select('filler', 'proposals');
    const proposed = await runUntil(
      'parts are there',
      page => isDone(page) && ![start, deleted].some(other => bitsOf(other).join() === bitsOf(page).join()),
    );
    const { tokens } = await api.score(editor.document.uri);
    const lineEnd = editor.document.offsetAt(new vscode.Position(1, 0));
    const source = { first: 0, end: tokens.findIndex(token => token.start >= lineEnd) };
    const question = { row: tokens.length, ids: [], topCount: 1, source, filler: 'proposals' } as const;
    const { result } = await asked.ask(editor.document, 'without', question, never);
    assertNear(proposed.sources.find(({ part }) => part === 'line 1')?.kl, result.without.klBits, 'KL with what the model would write');
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
