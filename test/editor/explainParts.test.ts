import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { ModelSchema } from '../../src/model/onnxProto';
import { browser } from './browser';
import { activated, closeAll, inExtension, readWhen, untitled, useModel } from './documents';
import { setTheme, themes } from './screen';

/** The section that is shown. */
interface ShownSection {
  readonly target: string;
  readonly section: string;
  readonly arithmetic: string;
  readonly stale: string;
  readonly text: string;
  readonly run: string;
  readonly verdict: string;
  /** Of the page's tables, by their class. */
  readonly tables: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly units: readonly string[];
  readonly links: readonly { readonly from: number; readonly to: number; readonly bits: number }[];
  readonly arcs: number;
  readonly written: readonly (readonly string[])[];
  readonly tokens: number;
  /** Shares of the list above the strip, in percent. */
  readonly sink: readonly number[];
  readonly problem: string;
  readonly isRunning: boolean;
}

const readSection = `(() => {
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const text = selector => document.querySelector(selector)?.innerText ?? '';
  return {
    target: text('.target'), section: document.querySelector('#section')?.className ?? '', arithmetic: text('.arithmetic'), stale: text('.stale-note'), text: text('#section'), run: text('.run'), verdict: text('.verdict'), problem: text('.problem'),
    tables: Object.fromEntries(all('#section table').map(table => [table.className, all('tbody tr', table).map(row => [...row.cells].map(cell => cell.innerText.replace('\\u2212', '-')))])),
    units: all('.unit').map(unit => unit.innerText),
    links: all('.links tbody tr').map(row => { const [, from, to] = row.querySelector('button').dataset.key.split('-').map(Number); return { from, to, bits: parseFloat(row.cells[2].innerText.replace('\\u2212', '-')) }; }),
    arcs: all('path.arc').length,
    written: all('.written').map(line => all('.token', line).map(token => token.innerText)),
    tokens: all('.attended .token').length,
    sink: all('.sink dd').map(share => parseFloat(share.innerText)),
    isRunning: document.querySelector('progress') !== null || document.querySelector('main')?.getAttribute('aria-busy') !== 'false',
  };
})()`;

/** What PyTorch says, see test/reference/README.md. */
interface Reference {
  readonly text: string;
  readonly contextIds: readonly number[];
  readonly surprisalBits: number;
  /** Of some layers; [heads][queries][keys up to the query]. */
  readonly attention: Readonly<Record<string, readonly (readonly (readonly number[])[])[]>>;
  readonly layers: readonly { readonly surprisalBits: number; readonly rank: number; readonly topIds: readonly number[] }[];
  readonly replacedByStartToken: readonly { readonly position: number; readonly surprisalBits: number }[];
}
interface SwitchedOff {
  readonly off: { readonly kind: string; readonly layer?: number; readonly head?: number };
  /** Of the context, then of the target. */
  readonly surprisalBits: readonly number[];
}
function references<Content>(name: string): Readonly<Record<string, Content>> {
  return JSON.parse(readFileSync(inExtension(`test/reference/${name}.json`), 'utf8')) as Readonly<Record<string, Content>>;
}
function only<Content>(of: Readonly<Record<string, Content>>, name: string): Content {
  const found = of[name];
  assert.ok(found, name);
  return found;
}
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

describe('what is inside of the model, for one prediction', function () {
  this.timeout(120_000);
  let api: TokenLensApi;
  /** A copy of the tiny model, made here. */
  let changed: string | undefined;

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await closeAll();
  });
  afterEach(closeAll);
  after(async () => {
    await useModel(undefined);
    if (changed !== undefined) rmSync(changed, { recursive: true });
  });

  /** Opens the text of a reference, asks about its target, and shows a section. */
  async function explain({ text, contextIds }: Pick<Reference, 'text' | 'contextIds'>, tab: string) {
    const editor = await vscode.window.showTextDocument(await untitled(text), { preview: false, viewColumn: vscode.ViewColumn.One });
    const { tokens } = await api.score(editor.document.uri);
    const target = tokens[contextIds.length];
    assert.ok(target);
    const at = editor.document.positionAt(target.end - 1);
    editor.selection = new vscode.Selection(at, at);
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    await pageWhen('the target is there', page => page.target !== '' && page.stale === '');
    await press(`#tab-${tab}`);
    await pageWhen('its section is shown', ({ section }) => section === tab);
    return { editor, tokens };
  }

  /** Starts what was not started unasked, and waits for what comes of it. */
  async function run(what: string, holds: (page: ShownSection) => boolean): Promise<ShownSection> {
    const begun = performance.now();
    await pageWhen('a run has ended or is offered', page => holds(page) || page.run !== '');
    await browser.evaluateInExplain(`document.querySelector('[data-key="run"]')?.click()`);
    const page = await pageWhen(what, holds);
    await browser.log(`    ${what}: ${Math.round(performance.now() - begun).toString()} ms`);
    return page;
  }

  function pageWhen(what: string, holds: (page: ShownSection) => boolean): Promise<ShownSection> {
    return readWhen(
      what,
      () => browser.evaluateInExplain<ShownSection>(readSection),
      page => !page.isRunning && holds(page),
      60_000,
    );
  }

  const press = (selector: string) => browser.evaluateInExplain(`document.querySelector(${JSON.stringify(selector)}).click()`);
  const select = (key: string, value: string) =>
    browser.evaluateInExplain(
      `(() => { const list = document.querySelector('[data-key="${key}"]'); list.value = ${JSON.stringify(value)}; list.dispatchEvent(new Event('change')); })()`,
    );

  /** As the page writes it. */
  function assertNear(shown: unknown, expected: number | undefined, tolerance: number, what: string): void {
    const number = Number.parseFloat(String(shown).replaceAll(',', '').replace('<', ''));
    assert.ok(expected !== undefined && Math.abs(number - expected) <= tolerance, `${what}: ${String(shown)}, not ${String(expected)}`);
  }

  it('attention of a head is that of the reference, with the share of the start token apart', async () => {
    const reference = only(references<Reference>('context-smollm2-135m-instruct'), 'code-ts');
    const { tokens, editor } = await explain(reference, 'attention');
    const mean = await run('attention is there', ({ tokens }) => tokens > 0);
    assert.match(mean.arithmetic, /exact \(float32\)/);
    assert.equal(mean.tokens, reference.contextIds.length);
    assert.ok(Math.abs(sum(mean.sink) - 100) < 0.2, mean.sink.join(' '));
    await browser.screenshot('explain-attention-mean');
    await select('layer', '15');
    await pageWhen('it is of a layer', ({ text }) => text.includes('layer 15, mean'));
    await select('head', '4');
    const { sink, tables } = await pageWhen('it is of a head', ({ text }) => text.includes('layer 15, head 4'));
    const shares = reference.attention['14']?.[3]?.[reference.contextIds.length] ?? [];
    assertNear(sink[0], (shares[0] ?? NaN) * 100, 0.1, 'start token');
    const order = [...shares.keys()].slice(1).sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0));
    for (const [index, [, line, percent]] of (tables['attended-table'] ?? []).slice(0, 5).entries()) {
      const key = order[index] ?? 0;
      assertNear(percent, (shares[key] ?? NaN) * 100, 0.1, `the ${String(index)} most attended`);
      assert.equal(line, String(editor.document.positionAt(tokens[key - 1]?.start ?? -1).line + 1));
    }
    await browser.screenshot('explain-attention');
  });

  it('layers are those of the reference', async () => {
    const reference = only(references<Reference>('context-smollm2-135m-instruct'), 'code-ts');
    await explain(reference, 'layers');
    const { tables, verdict, text } = await run('layers are there', page => page.verdict !== '');
    const rows = tables['layers-table'] ?? [];
    assert.equal(rows.length, reference.layers.length);
    for (const [layer, expected] of reference.layers.entries())
      assertNear(rows[layer]?.[3], expected.surprisalBits, Math.max(0.06, 1e-3 * expected.surprisalBits), `layer ${String(layer)}`);
    assert.equal(rows.at(-1)?.[2], String(reference.layers.at(-1)?.rank));
    const final = reference.layers.at(-1)?.topIds[0];
    const settled = reference.layers.findLastIndex(({ topIds: [top] }) => top !== final) + 1;
    assert.match(verdict, settled === 30 ? /^Only the last layer, 30/ : new RegExp(`^From layer ${String(settled)} on`));
    assert.match(text, /^Experimental/);
    await browser.screenshot('explain-layers');
  });

  it('a map has the links of the reference, keeps them for the version, and is stale after an edit', async () => {
    const reference = only(references<Reference>('context-smollm2-135m-instruct'), 'prose-odd');
    const { editor, tokens } = await explain(reference, 'map');
    const { document } = editor;
    const target = tokens[reference.contextIds.length];
    assert.ok(target);
    // From the second sentence to the target, of whose word it is the whole.
    const start = document.getText().indexOf('To be, or');
    editor.selection = new vscode.Selection(document.positionAt(start), document.positionAt(target.end));
    await press('[data-key=take]');
    const offered = await pageWhen('it is of the selection', ({ units }) => units[0] === 'To');
    assert.match(offered.run, /Find the links\s+about [\d,]+ tokens to read/);
    assert.equal(offered.links.length, 0, 'a map is never made unasked');
    await browser.log(`    ${offered.run.replaceAll(/\s+/g, ' ')}`);
    const map = await run('links are there', ({ links }) => links.length > 0);
    assert.equal(map.arcs, map.links.length);
    await browser.screenshot('explain-map');
    const rowsOf = unitRows(document.getText(), start, map.units, tokens);
    let compared = 0;
    for (const { from, to, bits } of map.links) {
      const [rows = [], toRows = []] = [rowsOf[from], rowsOf[to]];
      if (to !== map.units.length - 1 || rows.length !== 1 || toRows.join() !== String(reference.contextIds.length)) continue;
      const replaced = reference.replacedByStartToken.find(({ position }) => position === rows[0]);
      assertNear(bits, (replaced?.surprisalBits ?? NaN) - reference.surprisalBits, 0.0501, `link from ${map.units[from] ?? ''}`);
      compared++;
    }
    assert.ok(compared > 1, `${String(compared)} links to the target: ${JSON.stringify(map.links)}`);

    await press('[data-key=unit-1]');
    const one = await pageWhen('only its links are listed', ({ text }) => text.includes('The strongest links of'));
    assert.ok(one.links.every(({ from, to }) => from === 1 || to === 1) && one.arcs === map.arcs);
    const other = document.positionAt(document.getText().indexOf('Paris'));
    editor.selection = new vscode.Selection(other, other);
    await vscode.commands.executeCommand('tokenLens.explainPrediction');
    const kept = await pageWhen(
      'the map is there for another target of the same text',
      page => page.target.includes('Paris') && page.arcs > 0,
    );
    assert.deepEqual(kept.links, map.links);
    await select('scale', 'line');
    await pageWhen('one line makes no map', ({ text }) => text.includes('Select at least two words or lines'));
    await select('scale', 'word');
    await pageWhen('nothing has been forgotten', ({ arcs }) => arcs === map.arcs);
    editor.selection = new vscode.Selection(document.positionAt(0), document.positionAt(document.getText().length));
    await press('[data-key=take]');
    await pageWhen('more than 40 are refused', ({ text }) => /These are \d+ words\. A map has at most 40/.test(text));
    await editor.edit(edit => edit.insert(new vscode.Position(0, 0), 'x'));
    const stale = await pageWhen('it is stale', page => page.stale !== '');
    assert.match(stale.stale, /The text has changed/);
  });

  /** The rows of the tokens of each unit: the texts follow each other from `start` on. */
  function unitRows(text: string, start: number, units: readonly string[], tokens: DocumentScores['tokens']): number[][] {
    let at = start;
    return units.map(unit => {
      const begin = text.indexOf(unit, at);
      at = begin + unit.length;
      return [...tokens.entries()].filter(([, token]) => token.end > begin && token.start < at).map(([row]) => row);
    });
  }

  it('without heads the bits are those of the reference, and other tokens are written', async () => {
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    const reference = only(references<Reference>('context-tiny-gpt2'), 'code-ts');
    await explain(reference, 'switchOff');
    const cases = only(references<readonly SwitchedOff[]>('switched-off-tiny-gpt2'), 'code-ts');
    const as = cases.find(({ off }) => off.kind === 'none')?.surprisalBits ?? [];
    // Layers and heads can be chosen once the model has answered: all of them come first.
    for (const { off, surprisalBits } of cases.toReversed()) {
      if (off.kind === 'none') continue;
      await select('kind', off.kind);
      const name =
        off.layer === undefined
          ? /Without all attention/
          : off.head === undefined
            ? /Without layer 2/
            : new RegExp(`Without head ${String(off.head + 1)} of layer ${String(off.layer + 1)}`);
      if (off.layer !== undefined) {
        await pageWhen('its layer can be chosen', ({ text }) => text.includes('Layer'));
        await select('layer', String(off.layer + 1));
      }
      if (off.head !== undefined) {
        await pageWhen('its head can be chosen', ({ text }) => text.includes('Head'));
        await select('head', String(off.head + 1));
      }
      const { tables, written } = await run(`it is off: ${name.source}`, ({ written, text }) => written.length === 2 && name.test(text));
      const [own = [], before = []] = tables['sums'] ?? [];
      const count = reference.contextIds.length;
      assertNear(own[1], as[count], 0.0501, 'the target as it is');
      assertNear(own[2], surprisalBits[count], 0.0501, `the target, ${name.source}`);
      assertNear(own[3], (surprisalBits[count] ?? NaN) - (as[count] ?? NaN), 0.0501, 'change of the target');
      assert.match(before[0] ?? '', new RegExp(String(count)));
      assertNear(before[1], sum(as.slice(0, count)), 0.0501, 'all before it, as it is');
      assertNear(before[2], sum(surprisalBits.slice(0, count)), 0.0501, `all before it, ${name.source}`);
      const differences = surprisalBits.slice(0, count).map((bits, row) => Math.abs(bits - (as[row] ?? NaN)));
      assertNear(tables['changed']?.[0]?.[4]?.replace(/[+-]/, ''), Math.max(...differences), 0.0501, 'what changed most');
      assert.deepEqual(
        written.map(({ length }) => length),
        [10, 10],
      );
    }
    await browser.screenshot('explain-switch-off');
    await useModel(undefined);
  });

  it('a model into which nobody can look says so in a sentence', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'token-lens-sigmoid-'));
    changed = folder;
    cpSync(inExtension('test/fixtures/tiny-gpt2'), folder, { recursive: true });
    const file = path.join(folder, 'onnx', 'model.onnx');
    const model = fromBinary(ModelSchema, readFileSync(file));
    // Attention of another kind: each weight by itself.
    for (const node of model.graph?.node ?? []) if (node.opType === 'Softmax') [node.opType, node.attribute] = ['Sigmoid', []];
    writeFileSync(file, toBinary(ModelSchema, model));
    await useModel(folder);
    const { text } = only(references<Reference>('context-tiny-gpt2'), 'code-ts');
    await explain({ text, contextIds: [1, 2, 3, 4, 5, 6] }, 'attention');
    const page = await run('it says so', ({ problem }) => problem !== '');
    assert.match(page.problem, /^This cannot be seen in the model: .*no attention that this version knows/);
    await useModel(undefined);
  });

  it('switches the bundled model off, and looks right in every theme', async () => {
    const reference = only(references<Reference>('context-smollm2-135m-instruct'), 'code-ts');
    await explain(reference, 'switchOff');
    await run('nothing is off', ({ run }) => run !== '');
    await run('all attention is off', ({ written }) => written.length === 2);
    await select('kind', 'layer');
    await run('a layer is off', ({ text, written }) => written.length === 2 && text.includes('Without layer 1'));
    await browser.screenshot('explain-switch-off-bundled');
    const tabs = ['attention', 'layers', 'map'] as const;
    const isThere = (page: ShownSection) => page.tokens > 0 || page.verdict !== '' || page.arcs > 0;
    for (const tab of tabs) {
      await press(`#tab-${tab}`);
      await pageWhen('its section is shown', ({ section }) => section === tab);
      await run(`${tab} is there`, isThere);
    }
    for (const [kind, name] of themes) {
      await setTheme(name);
      for (const tab of tabs) {
        await press(`#tab-${tab}`);
        await pageWhen('its section is shown', page => page.section === tab && isThere(page));
        await browser.screenshot(`explain-${tab}-${kind}`, 600);
      }
    }
    await setTheme(undefined);
  });
});
