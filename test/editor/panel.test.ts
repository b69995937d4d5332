import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';
import { formatBits, formatCount, formatPercent } from '../../src/core/numberText';
import { browser } from './browser';
import { activated, closeAll, eventually, inExtension, readWhen, untitled, useModel } from './documents';
import { assertLikeReference, referenceOf, setTheme, themes } from './screen';

/** The panel's page as it is shown. */
interface ShownPanel {
  readonly rows: readonly ShownRow[];
  readonly lead: string;
  readonly note: string;
  readonly entropy: string;
  readonly continues: string;
  readonly message: string;
  readonly before: string;
  readonly isBusy: boolean;
}
interface ShownRow {
  readonly kind: string;
  readonly rank: string;
  readonly token: string;
  readonly probability: number;
  readonly bar: number;
  /** As written, without the sign: of the vocabulary, and of what continues the typed text. */
  readonly percents: readonly string[];
}

const readPanel = `(() => {
  const text = selector => document.querySelector(selector)?.innerText ?? '';
  return {
    lead: text('.lead'), note: text('.note'), entropy: text('[aria-labelledby="what-it-expects-next"] .heading p'), continues: text('.continues'), message: text('.message'), before: text('.before'),
    isBusy: document.querySelector('main')?.getAttribute('aria-busy') !== 'false',
    rows: [...document.querySelectorAll('tbody tr[data-probability]')].map(row => ({
      kind: row.className, rank: row.querySelector('.rank').innerText, token: row.querySelector('.name').innerText.replaceAll('\\n', ' '), probability: Number(row.dataset.probability),
      bar: row.querySelector('.bar').getBoundingClientRect().width, percents: [...row.querySelectorAll('.number')].map(cell => cell.firstChild.textContent),
    })),
  };
})()`;

/** Token texts as the panel writes them, from the model's own file, which writes bytes as characters: only what needs no table of bytes. */
const vocabulary = new Map(
  Object.entries(
    (
      JSON.parse(readFileSync(inExtension('models/smollm2-135m-instruct/tokenizer.json'), 'utf8')) as {
        readonly model: { readonly vocab: Readonly<Record<string, number>> };
      }
    ).model.vocab,
  ).map(([text, id]) => [id, text.replaceAll('Ġ', '·').replaceAll('Ċ', '↵').replaceAll('ĉ', '→')]),
);

describe('the panel of a user', function () {
  this.timeout(120_000);
  let api: TokenLensApi;

  before(async () => {
    api = await activated();
    await useModel(undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });
  afterEach(async () => {
    await closeAll();
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  async function open(text: string, language = 'plaintext'): Promise<vscode.TextEditor> {
    return vscode.window.showTextDocument(await untitled(text, language), { preview: false });
  }

  function moveTo(editor: vscode.TextEditor, offset: number): void {
    const position = editor.document.positionAt(offset);
    editor.selection = new vscode.Selection(position, position);
  }

  /** The panel once it is what `holds` says. */
  function panelWhen(what: string, holds: (panel: ShownPanel) => boolean): Promise<ShownPanel> {
    return readWhen(
      what,
      () => browser.evaluateInWebview<ShownPanel>(readPanel),
      panel => !panel.isBusy && holds(panel),
      40_000,
    );
  }

  /** Every number of the panel against a row of the public scores. */
  function assertShows(panel: ShownPanel, token: DocumentScores['tokens'][number]): void {
    assert.ok(token.surprisalBits !== null && token.entropyBits !== null && token.rank !== null);
    const bits = formatBits(token.surprisalBits);
    const own = panel.rows.find(row => row.kind === 'actual');
    assert.ok(own, 'no row for the token that follows');
    assert.equal(own.rank, formatCount(token.rank));
    assert.ok(Math.abs(own.probability - 2 ** -token.surprisalBits) < 1e-9);
    assert.ok(panel.continues.includes(`: ${bits} bits, rank ${formatCount(token.rank)}.`), panel.continues);
    assert.ok(panel.entropy.startsWith(`entropy ${formatBits(token.entropyBits)} bits`), panel.entropy);
    assert.ok(
      panel.lead.endsWith(` ${formatCount(token.contextTokens)} ${token.contextTokens === 1 ? 'token' : 'tokens'} before this place.`),
      panel.lead,
    );

    const others = panel.rows.filter(row => row.kind === '');
    const expected = token.topIds
      .map((id, index) => ({ id, probability: token.topProbabilities[index] ?? NaN }))
      .filter(({ id }) => id !== token.id);
    assert.deepEqual(
      others.map(row => row.probability),
      expected.map(({ probability }) => probability),
    );
    for (const [index, { id, probability }] of expected.entries()) {
      assert.deepEqual(others[index]?.percents, [formatPercent(probability)]);
      const text = vocabulary.get(id) ?? '';
      if (/^[\x20-\x7e·↵→]+$/.test(text)) assert.equal(others[index].token, text);
    }
    const rest = panel.rows.at(-1);
    assert.equal(rest?.token, 'everything else');
    assert.ok(Math.abs(panel.rows.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-6);
    // Bars are as long as the numbers say: of one scale, but never thinner than can be seen.
    const scale = Math.max(...panel.rows.map(({ bar, probability }) => (bar > 8 ? bar / probability : 0)));
    for (const { bar, probability } of panel.rows) assert.ok(Math.abs(bar - Math.max(2, scale * probability)) < 1.5);
  }

  for (const [name, language] of [
    ['prose-odd', 'markdown'],
    ['code-ts', 'typescript'],
  ] as const) {
    it(`${name}: beside the text, at every kind of border, it shows the scores' own numbers, which are the reference's`, async () => {
      const reference = referenceOf(name);
      const editor = await open(reference.text, language);
      await vscode.commands.executeCommand('tokenLens.toggle');
      const scores = await api.score(editor.document.uri);
      assertLikeReference(scores, reference);
      await vscode.commands.executeCommand('tokenLens.showPanel');
      await eventually('the panel is beside the text', () => vscode.window.tabGroups.all.length === 2);
      assert.equal(vscode.window.activeTextEditor?.document, editor.document, 'the panel took the focus');
      const surprising = scores.tokens.reduce((a, b) => ((a.surprisalBits ?? 0) > (b.surprisalBits ?? 0) ? a : b));
      const expected = scores.tokens.find(token => token.rank === 1 && token.start > 20);
      for (const token of [scores.tokens[0], surprising, expected, scores.tokens.at(-1)]) {
        assert.ok(token);
        moveTo(editor, token.start);
        const rank = formatCount(token.rank ?? 0);
        const context = ` ${formatCount(token.contextTokens)} token`;
        const panel = await panelWhen(
          `the panel is at ${String(token.start)}`,
          shown => shown.lead.includes(context) && shown.rows.some(row => row.kind === 'actual' && row.rank === rank),
        );
        assertShows(panel, token);
        assert.equal(panel.note, '');
      }
      await browser.screenshot(`panel-${name}`);
    });
  }

  it('with the lens off answers for the text before the cursor, and only then', async () => {
    const text = 'The capital of France is';
    const editor = await open(text);
    moveTo(editor, text.length);
    await vscode.commands.executeCommand('tokenLens.showPanel');
    const { rows, before, continues } = await panelWhen('there is an answer', panel => panel.rows.length > 1);
    assert.equal(before, text);
    assert.equal(continues, '');
    assert.equal(rows[0]?.token, '·Paris');
    assert.equal(rows.at(-1)?.token, 'everything else');
    assert.ok(Math.abs(rows.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-6);
    assert.equal(api.scores(editor.document.uri), undefined, 'the document was scored without being asked');

    // The same numbers as when the text is scored with something after it.
    const longer = await api.score((await untitled(`${text} Tuesday`)).uri);
    const token = longer.tokens.at(-1);
    assert.ok(token);
    for (const [index, probability] of token.topProbabilities.entries())
      assert.ok(Math.abs((rows[index]?.probability ?? -1) - probability) < 0.02, `row ${String(index)}`);
  });

  it('inside a word says so, and puts what continues it first, with a column that sums to 100 %', async () => {
    const text = 'The capital of France is Paris. The capital of France is Tuesday.';
    const editor = await open(text);
    await vscode.commands.executeCommand('tokenLens.toggle');
    await api.score(editor.document.uri);
    moveTo(editor, text.indexOf('Tuesday') + 2);
    await vscode.commands.executeCommand('tokenLens.showPanel');
    const { note, rows } = await panelWhen('a note is there', panel => panel.note !== '');
    assert.equal(note, 'The cursor is inside a word. The model was asked at its start; rows that continue “·Tu” come first.');
    assert.ok(rows.every(row => row.percents.length === 2));
    const continuing = rows.filter(row => row.token.startsWith('·Tu'));
    assert.ok(continuing.some(row => row.kind === 'actual' && row.token === '·Tuesday'));
    assert.deepEqual(rows.slice(0, continuing.length), continuing);
    const share = (percent = '') => Number(percent.replace(/[<>]/, ''));
    const sum = rows.reduce((total, row) => total + share(row.percents[1]), 0);
    assert.ok(Math.abs(sum - 100) < 0.5, `${String(sum)} %`);
    assert.ok(rows.slice(continuing.length, -1).every(row => row.percents[1] === '0'));
    assert.ok(Math.abs(rows.reduce((total, row) => total + row.probability, 0) - 1) < 1e-6);

    moveTo(editor, text.indexOf('Tuesday'));
    const afterSpace = await panelWhen('the note is of white space', panel => panel.note.includes('white space'));
    assert.ok(afterSpace.rows.every(row => row.kind === 'rest' || row.percents[1] === '0' || row.token.startsWith('·')));
  });

  it('follows the cursor and the text that is typed', async () => {
    const editor = await open('The capital of France is');
    await vscode.commands.executeCommand('tokenLens.showPanel');
    moveTo(editor, editor.document.getText().length);
    await panelWhen('Paris is first', panel => panel.rows[0]?.token === '·Paris');
    await editor.edit(edit => {
      edit.insert(editor.document.positionAt(editor.document.getText().length), ' Paris. The capital of Germany is');
    });
    await panelWhen('Berlin is first', panel => panel.rows[0]?.token === '·Berlin');
    moveTo(editor, 0);
    await panelWhen('nothing is before the cursor', panel => panel.before.includes('the document begins here') && panel.rows.length > 1);
  });

  it('is the same page in the docked view', async () => {
    const text = 'The capital of France is';
    const editor = await open(text);
    moveTo(editor, text.length);
    await vscode.commands.executeCommand('tokenLens.showPanel');
    const beside = await panelWhen('there is an answer', panel => panel.rows.length > 1);
    await vscode.commands.executeCommand('workbench.action.closeEditorsInOtherGroups');
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    const docked = await panelWhen('there is an answer', panel => panel.rows.length > 1);
    const facts = ({ rank, token, probability, percents }: ShownRow) => ({ rank, token, probability, percents });
    assert.deepEqual(docked.rows.map(facts), beside.rows.map(facts));
    assert.equal(docked.lead, beside.lead);
    await browser.screenshot('panel-docked');
  });

  it('runs under a policy without unsafe-inline, which nothing in it breaks', async () => {
    const text = 'The capital of France is';
    const editor = await open(text);
    moveTo(editor, text.length);
    await vscode.commands.executeCommand('tokenLens.showPanel');
    await panelWhen('there is an answer', panel => panel.rows.length > 1);
    const policy = await browser.evaluateInWebview<string>(`document.querySelector('meta[http-equiv="Content-Security-Policy"]').content`);
    assert.match(policy, /^default-src 'none';/);
    assert.doesNotMatch(policy, /unsafe/);
    // Reports of the past come first; then one that is provoked, which shows that reports arrive.
    const reports = `new Promise(resolve => {
      const seen = [];
      const observer = new ReportingObserver(list => { seen.push(...list.map(({ body }) => body.effectiveDirective)); if (seen.includes('script-src-elem') || seen.includes('script-src')) resolve(seen); }, { types: ['csp-violation'], buffered: true });
      observer.observe();
      const script = document.createElement('script');
      script.textContent = 'window.inlineRan = true';
      setTimeout(() => document.body.append(script), 300);
      setTimeout(() => resolve([...seen, 'no report', String(window.inlineRan)]), 5000);
    })`;
    assert.deepEqual(await browser.evaluateInWebview(reports), ['script-src-elem']);
  });

  it('is reached and scrolled by keys alone', async () => {
    const text = 'The capital of France is';
    const editor = await open(text);
    moveTo(editor, text.length);
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await panelWhen('there is an answer', panel => panel.rows.length > 1);
    const focused = () => browser.evaluateInWebview<string>('document.activeElement?.tagName ?? ""');
    for (let step = 0; step < 6 && (await focused()) !== 'MAIN'; step++) await browser.press('Tab');
    assert.equal(await focused(), 'MAIN');
    await browser.evaluateInWebview('window.scrollTo(0, 0)'); // the docked page stays where it was left
    await browser.press('PageDown');
    await eventually('it has scrolled', () => browser.evaluateInWebview<boolean>('window.scrollY > 20'));
    await browser.press('Tab');
    assert.equal(await focused(), 'BUTTON');
    await browser.press('Enter');
    await eventually('the prediction is read', () =>
      browser.evaluateInWebview<boolean>(`document.querySelector('[role=status]').textContent.includes('space Paris')`),
    );
  });

  it('samples from the whole distribution, by keys, and finds any text in it; the token that follows keeps its score', async () => {
    const text = 'The capital of France is Tuesday.';
    const editor = await open(text);
    await vscode.commands.executeCommand('tokenLens.toggle');
    const scores = await api.score(editor.document.uri);
    const offset = text.indexOf(' Tuesday');
    moveTo(editor, offset);
    const own = scores.tokens.find(token => token.start === offset);
    assert.ok(own?.surprisalBits);
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await panelWhen('the scores are shown', panel => panel.continues.includes('Tuesday'));
    const matches = (selector: string) => browser.evaluateInWebview<boolean>(`document.activeElement?.matches('${selector}') === true`);
    const tabTo = async (selector: string) => {
      for (let step = 0; step < 20 && !(await matches(selector)); step++) await browser.press('Tab');
      assert.ok(await matches(selector), selector);
    };
    const contents = (selector: string) =>
      browser.evaluateInWebview<readonly string[]>(`[...document.querySelectorAll('${selector}')].map(each => each.textContent)`);

    await tabTo('input[type=search]');
    await browser.type('a large Paris');
    await eventually('both spellings were found', async () => (await contents('.found li')).every(found => found.includes('product')));
    await tabTo('.sampler summary');
    await browser.press('Enter');
    await eventually('the sampler has the row', async () => (await contents('.rows td.after')).length > 1);
    await tabTo('#rule-topK');
    await browser.press('Control+a');
    await browser.type('3');
    await eventually('three are left', async () => (await contents('.left-over'))[0] === '3 tokens may be drawn, from place 1 to 3.');
    const after = await contents('.rows td.after');
    assert.ok(
      after.slice(3, -1).every(cell => cell === 'cut by top-k'),
      after.join(),
    );
    const sum = after.slice(0, 3).reduce((total, cell) => total + Number(cell.replace('%', '')), 0);
    assert.ok(Math.abs(sum - 100) < 0.2, after.join());
    assert.equal(after.at(-1), '0%');
    await browser.screenshot('panel-sampler');

    // The cursor goes on: another row, sampled as before.
    moveTo(editor, text.indexOf(' of'));
    await panelWhen('the panel is at “ of”', panel => panel.continues.includes('·of'));
    await eventually('the sampler has the other row', async () => (await contents('.left-over'))[0]?.startsWith('3 tokens') === true);
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('tokenLens.panelView.focus');
    await eventually(
      'the page is as it was',
      async () => (await contents('.rows td.after')).filter(cell => cell.endsWith('%')).length === 4,
    );
  });

  it('takes the colours of every theme', async () => {
    const reference = referenceOf('prose-odd');
    const editor = await open(reference.text, 'markdown');
    await vscode.commands.executeCommand('tokenLens.toggle');
    await api.score(editor.document.uri);
    moveTo(editor, reference.text.indexOf(' Tuesday'));
    await vscode.commands.executeCommand('tokenLens.showPanel');
    await panelWhen('there is an answer', panel => panel.continues.includes('Tuesday'));
    try {
      for (const [kind, name] of themes) {
        await setTheme(name);
        const value = (variable: string) => `getComputedStyle(document.documentElement).getPropertyValue('--vscode-${variable}')`;
        await eventually(`the page has the colours of ${name}`, async () =>
          browser.evaluateInWebview<boolean>(
            `(() => { const probe = document.createElement('i'); probe.style.color = ${value('foreground')}; document.body.append(probe); const { color } = getComputedStyle(probe); probe.remove(); return getComputedStyle(document.body).color === color && document.body.classList.contains('${{ dark: 'vscode-dark', light: 'vscode-light', highContrast: 'vscode-high-contrast', highContrastLight: 'vscode-high-contrast-light' }[kind]}'); })()`,
          ),
        );
        const run = await browser.evaluateInWebview<readonly string[]>(
          `(() => { const style = getComputedStyle(document.querySelector('.run.band5')); return [style.backgroundColor, style.textDecorationStyle]; })()`,
        );
        const isContrast = kind === 'highContrast' || kind === 'highContrastLight';
        assert.equal(run[0] === 'rgba(0, 0, 0, 0)', isContrast, `${name}: ${String(run)}`);
        assert.equal(run[1], 'solid');
        await browser.screenshot(`panel-${kind}`);
      }
    } finally {
      await setTheme(undefined);
    }
  });
});
