import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { formatBits, formatDecimal } from '../../src/core/numberText';
import { applySampling, rankTokens, type SamplingSettings } from '../../src/core/sampling';
import { emptyScratch, idsTo, totalsTo, type Scratch } from '../../src/core/scratch';
import { draw, SeededRandom, type Drawn } from '../../src/core/seededRandom';
import { Vocabulary, type VocabularyData } from '../../src/core/vocabulary';
import type { PanelContinuation } from '../../src/views/panelProtocol';
import { lowContrast, send, servedPages, show, violationsOf } from './panelPage';
import { insideWord, logProbabilities, tuesday, vocabulary as plainVocabulary } from './states';
import { themes, type Theme } from './themes';

/** One of its tokens ends texts. */
const endOfText = 1999;
const vocabularyData: VocabularyData = { ...plainVocabulary, controlNames: { [endOfText]: '<|endoftext|>' } };
const vocabulary = new Vocabulary(vocabularyData);

/** A distribution of its own after every path. */
function rowAfter(ids: readonly number[]): Float32Array {
  const turn = ids.reduce((sum, id) => sum + 13 * (id + 1), 0);
  return logProbabilities.map((_, id) => logProbabilities[(id + turn) % logProbabilities.length] ?? NaN);
}

function uniformOf(seed: number, number: number): number {
  const random = new SeededRandom(seed);
  for (let before = 1; before < number; before++) random.uniform();
  return random.uniform();
}

function drawnAfter(ids: readonly number[], seed: number, settings: SamplingSettings = {}): Drawn {
  const { kept } = applySampling(rankTokens(rowAfter(ids)), settings);
  return draw(kept, { uniform: () => uniformOf(seed, ids.length + 1) });
}

/** Tokens that are drawn one after the other. */
function drawnTokens(count: number, seed: number, settings: SamplingSettings = {}): readonly number[] {
  const ids: number[] = [];
  while (ids.length < count) ids.push(drawnAfter(ids, seed, settings).id);
  return ids;
}

const nameOf = (id: number) =>
  vocabulary
    .piecesOf(id)
    .map(({ text }) => text)
    .join('');

describe('a continuation in the panel page', function () {
  this.timeout(60_000);
  const pages = servedPages('panel');

  /** Plays the extension: takes what the page says, one message at a time. */
  class Extension {
    readonly page: Page;
    scratch: Scratch = emptyScratch;
    where: PanelContinuation['where'] = 'cursor';
    #heard = 0;
    #place = 1;

    constructor(page: Page) {
      this.page = page;
    }

    async tell(): Promise<void> {
      const tokens = this.scratch.nodes.map(({ id }) => ({ id, token: vocabulary.piecesOf(id) }));
      await send(this.page, { kind: 'continuation', scratch: this.scratch, tokens, where: this.where });
    }

    async showPlace(): Promise<void> {
      const ids = idsTo(this.scratch);
      const after = ids.map(id => ({ id, token: vocabulary.piecesOf(id) }));
      this.#place++;
      await show(this.page, { ...tuesday, place: this.#place, after, actual: ids.length > 0 ? undefined : tuesday.actual });
    }

    async sendRow(row: Float32Array | undefined = rowAfter(idsTo(this.scratch))): Promise<void> {
      await send(this.page, { kind: 'row', place: this.#place, logProbabilities: row, typedBytes: undefined });
    }

    /** What was said of the continuation since it was asked last. */
    async heard(): Promise<
      readonly { readonly kind: string; readonly scratch?: Scratch; readonly act?: string; readonly root?: number }[]
    > {
      const posted = (await this.page.evaluate(() => window.panelTest.posted)) as { readonly kind: string }[];
      const since = posted.slice(this.#heard);
      this.#heard = posted.length;
      return since.filter(({ kind }) => kind === 'continue' || kind === 'continued');
    }

    /** Answers the last change that the page has made, as the extension does; how many there were. */
    async answer(): Promise<number> {
      const said = await this.heard();
      const last = said.at(-1);
      if (last?.scratch) {
        assert.equal(last.root, 1);
        this.scratch = last.scratch;
        await this.tell();
        await this.showPlace();
        await this.sendRow();
      }
      return said.length;
    }
  }

  async function open(
    given: { readonly theme?: Theme; readonly width?: number; readonly saved?: unknown; readonly row?: boolean } = {},
  ): Promise<Extension> {
    const { theme = 'vscode-light', width = 700, saved, row = true } = given;
    const page = await pages.open(undefined, theme, width, saved);
    await send(page, { kind: 'vocabulary', vocabulary: vocabularyData });
    await show(page, tuesday);
    if (row) await send(page, { kind: 'row', place: 1, logProbabilities, typedBytes: undefined });
    return new Extension(page);
  }

  /** By the keyboard alone. */
  async function tabTo(page: Page, name: string | RegExp): Promise<void> {
    const wanted = (text: string | null) => (typeof name === 'string' ? text === name : text !== null && name.test(text));
    for (let step = 0; step < 80; step++) {
      if (wanted(await page.evaluate(() => document.activeElement?.textContent ?? null))) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`no way to ${String(name)} by Tab`);
  }
  async function press(page: Page, name: string): Promise<void> {
    await tabTo(page, name);
    await page.keyboard.press('Enter');
  }
  const text = async (page: Page, selector: string) => (await page.locator(selector).textContent()) ?? '';
  const isOff = async (page: Page, name: string) =>
    (await page.getByRole('button', { name, exact: true, includeHidden: true }).getAttribute('aria-disabled')) === 'true';
  const treeTokens = (page: Page) => page.locator('[role=treeitem] .token').allTextContents();
  const focusedNode = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement).dataset['node']);

  it('draws a token: the number is shown on the bar, in words and to screen readers; accepting puts it behind the text', async () => {
    const extension = await open({ row: false });
    const { page } = extension;
    assert.deepEqual(await Promise.all(['Accept', 'Step back', 'Insert into the editor', 'Copy', 'Discard'].map(name => isOff(page, name))), [true, true, true, true, true]); // prettier-ignore
    await press(page, 'Draw');
    assert.deepEqual(await page.evaluate(() => window.panelTest.posted.at(-1)), { kind: 'wants', wholeRow: true });
    assert.equal((await text(page, '.drawn-text')).trim(), '');
    await send(page, { kind: 'row', place: 1, logProbabilities, typedBytes: undefined });
    const { id, uniform, start, end } = drawnAfter([], 0);
    const four = (value: number) => formatDecimal(value, 4);
    assert.equal(await text(page, '.drawn-text'), `Number 1 of seed 0 is ${four(uniform)}: it falls on ${nameOf(id)}, from ${four(start)} to ${four(end)}.`); // prettier-ignore
    const spoken = `Number 1 of seed 0 is ${four(uniform)}: it falls on ${nameOf(id).replace('·', 'space ')}, from ${four(start)} to ${four(end)}.`;
    assert.equal(await text(page, '.continuation [role=status]'), spoken);
    const bar = await page.locator('.cumulative-bar').evaluate(each => {
      const box = each.getBoundingClientRect();
      const share = (x: number) => (x - box.left - 1) / (box.width - 2);
      const of = (selector: string) => each.querySelector(selector)?.getBoundingClientRect();
      const [hit, mark] = [of('.hit'), of('.mark')];
      const widths = [...each.querySelectorAll('.piece')].map(piece => piece.getBoundingClientRect().width / (box.width - 2));
      return { start: share(hit?.left ?? NaN), end: share(hit?.right ?? NaN), mark: share((mark?.left ?? NaN) + 1), widths };
    });
    const near = (a: number, b: number, what: string) => assert.ok(Math.abs(a - b) < 0.004, `${what}: ${String(a)}, not ${String(b)}`);
    near(bar.start, start, 'where the token begins');
    near(bar.end, end, 'where the token ends');
    near(bar.mark, uniform, 'the mark');
    near(
      bar.widths.reduce((sum, width) => sum + width, 0),
      1,
      'all pieces',
    );
    assert.deepEqual(await extension.heard(), [], 'drawing alone changes nothing');

    await press(page, 'Accept');
    const [said] = await extension.heard();
    const rawBits = -(logProbabilities[id] ?? NaN) / Math.LN2;
    assert.deepEqual(said?.scratch?.nodes.map(node => [node.id, node.parent]), [[id, null]]); // prettier-ignore
    assert.ok(Math.abs((said.scratch.nodes[0]?.rawBits ?? NaN) - rawBits) < 1e-6);
    assert.ok(Math.abs((said.scratch.nodes[0]?.sampledBits ?? NaN) - rawBits) < 1e-5);
    extension.scratch = said.scratch;
    await extension.tell();
    await extension.showPlace();
    await extension.sendRow();
    assert.equal(await text(page, '.before .scratch'), ` not in the document: ${nameOf(id)}`);
    assert.deepEqual(await treeTokens(page), [nameOf(id)]);
    assert.equal(
      await text(page, '.continuation .heading p'),
      `1 token: ${formatBits(rawBits)} bits raw, ${formatBits(rawBits)} after sampling`,
    );
    assert.deepEqual(await Promise.all(['Accept', 'Step back', 'Insert into the editor'].map(name => isOff(page, name))), [true, false, false]); // prettier-ignore
    assert.deepEqual(await violationsOf(page), []);
  });

  it('draws and accepts by one key, ten on a run, the same tokens for a seed whatever was chosen before; a run can be stopped', async () => {
    const extension = await open();
    const { page } = extension;
    await press(page, 'Draw and accept');
    await extension.answer();
    await page.keyboard.press('Enter');
    await extension.answer();
    assert.deepEqual(idsTo(extension.scratch), drawnTokens(2, 0));
    await page.locator('input.seed').focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('7');
    await press(page, 'Run ten');
    let steps = 0;
    while ((await extension.answer()) > 0) steps++;
    assert.equal(steps, 10);
    const expected = [...drawnTokens(2, 0)];
    while (expected.length < 12) expected.push(drawnAfter(expected, 7).id);
    assert.deepEqual(idsTo(extension.scratch), expected);
    assert.equal(await text(page, ':focus'), 'Run ten');

    await press(page, 'Run ten');
    await extension.answer();
    await extension.answer();
    assert.equal(await text(page, ':focus'), 'Stop');
    await page.keyboard.press('Enter');
    assert.equal(await text(page, ':focus'), 'Run ten');
    await extension.answer();
    const { length } = idsTo(extension.scratch);
    assert.ok(length >= 14 && length <= 15, String(length));
    assert.equal(await extension.answer(), 0, 'it went on');
    assert.deepEqual(await violationsOf(page), []);
  });

  it('draws by the rules of the sampler, and names them; with a number that is drawn a changed rule moves what it falls on', async () => {
    const sampling = { temperature: 0.7, topK: 5, topP: 1, minP: 0, typical: 1 };
    const extension = await open({ saved: { sampling, seed: 3, samplerOpen: true } });
    const { page } = extension;
    assert.equal(await text(page, '.drawing-rules'), 'Drawn by the rules of the sampler: temperature 0.7, top-k 5.');
    await press(page, 'Run ten');
    while ((await extension.answer()) > 0);
    assert.deepEqual(idsTo(extension.scratch), drawnTokens(10, 3, sampling));
    const { nodes } = extension.scratch;
    const ids = nodes.map(({ id }) => id);
    for (const [index, { id, sampledBits, rawBits }] of nodes.entries()) {
      const { kept } = applySampling(rankTokens(rowAfter(ids.slice(0, index))), sampling);
      assert.ok(Math.abs((sampledBits ?? NaN) + Math.log2(kept.probabilities[kept.ids.indexOf(id)] ?? NaN)) < 1e-6);
      assert.notEqual(rawBits, sampledBits);
    }
    await press(page, 'Draw');
    const shown = await text(page, '.drawn-text');
    await page.locator('#rule-topK').focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('1');
    assert.notEqual(await text(page, '.drawn-text'), shown);
    assert.match(await text(page, '.drawn-text'), / from 0\.0000 to 1\.0000\.$/);
    assert.equal((await page.evaluate(() => window.panelTest.saved)) !== undefined, true);
  });

  it('takes a chosen row of the table by Enter or a click, one that the rules cut too, and says that they did', async () => {
    const extension = await open({ saved: { sampling: { topK: 2 } } });
    const { page } = extension;
    await tabTo(page, /^1·Paris/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await extension.answer();
    assert.deepEqual(
      extension.scratch.nodes.map(({ id, sampledBits }) => [id, sampledBits]),
      [[2, null]],
    );
    const raw = formatBits(totalsTo(extension.scratch).rawBits);
    assert.equal(await text(page, '.continuation .heading p'), `1 token: ${raw} bits raw; the rules had cut one of them`);
    assert.equal(await text(page, '[role=treeitem] .bits'), `${raw} → cut`);
    const row = page.locator('.rows tr[data-id]').nth(1);
    const id = Number(await row.getAttribute('data-id'));
    await row.click();
    await extension.answer();
    assert.deepEqual(idsTo(extension.scratch), [2, id]);
    await page.locator('.rows tr[data-id]').nth(3).dblclick();
    await extension.answer();
    assert.equal(await extension.answer(), 0);
    assert.equal(idsTo(extension.scratch).length, 3, 'one click was taken for another place');
    assert.deepEqual(await violationsOf(page), []);
  });

  it('keeps branches as a tree that keys walk through: go to any token, remove a branch, step back', async () => {
    const extension = await open();
    const { page } = extension;
    for (let step = 0; step < 3; step++) {
      await press(page, 'Draw and accept');
      await extension.answer();
    }
    const first = idsTo(extension.scratch);
    for (let step = 0; step < 2; step++) {
      await press(page, 'Step back');
      await extension.answer();
    }
    assert.deepEqual(idsTo(extension.scratch), first.slice(0, 1));
    await page.locator('.rows tr[data-id]').nth(5).focus();
    const chosen = Number(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['id']));
    await page.keyboard.press('Enter');
    await extension.answer();
    assert.deepEqual(idsTo(extension.scratch), [first[0], chosen]);
    const lines = () =>
      page.locator('.branch').evaluateAll(each => each.map(line => [...line.querySelectorAll('.token')].map(token => token.textContent)));
    assert.deepEqual(await lines(), [[nameOf(first[0] ?? -1)], first.slice(1).map(nameOf), [nameOf(chosen)]]);
    const raw = (node: number) => formatBits(totalsTo(extension.scratch, node).rawBits);
    assert.deepEqual(
      await page.locator('.branch .total').allTextContents(),
      [0, 2, 3].map(node => `In all ${raw(node)} bits raw, ${raw(node)} after sampling`),
    );

    // Along the text and between branches.
    await page.locator('.scratch-tree [tabindex="0"]').focus();
    assert.equal(await page.locator('.scratch-tree [tabindex="0"]').count(), 1);
    assert.equal(await focusedNode(page), '3');
    const walk: readonly [string, string][] = [
      ['ArrowUp', '1'],
      ['ArrowRight', '2'],
      ['ArrowRight', '2'],
      ['ArrowLeft', '1'],
      ['ArrowLeft', '0'],
      ['ArrowLeft', 'start'],
      ['End', '3'],
      ['Home', 'start'],
      ['ArrowDown', '1'],
      ['ArrowDown', '3'],
      ['ArrowUp', '1'],
    ];
    for (const [key, node] of walk) {
      await page.keyboard.press(key);
      assert.equal(await focusedNode(page), node, key);
    }
    const levels = await page.locator('[role=treeitem]').evaluateAll(each => each.map(item => ['level', 'posinset', 'setsize'].map(name => item.getAttribute(`aria-${name}`)).join(' '))); // prettier-ignore
    assert.deepEqual(levels, ['1 1 1', '2 1 1', '3 1 2', '4 1 1', '3 2 2']);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await extension.answer();
    assert.deepEqual(idsTo(extension.scratch), first);
    assert.equal(await focusedNode(page), '2');
    assert.deepEqual(await page.locator('[aria-selected=true]').evaluateAll(each => each.map(item => (item as HTMLElement).dataset['node'])), ['2']); // prettier-ignore
    const { sampledBits = null } = extension.scratch.nodes[2] ?? {};
    const label = (await page.locator('[data-node="2"] .only-spoken').textContent()) ?? '';
    assert.equal(label, `${nameOf(first[2] ?? -1).replace('·', 'space ')}: ${formatBits(extension.scratch.nodes[2]?.rawBits ?? NaN)} bits raw, ${formatBits(sampledBits ?? NaN)} after sampling. In all ${raw(2)} bits raw, ${raw(2)} after sampling`); // prettier-ignore

    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Delete');
    await extension.answer();
    assert.deepEqual(await treeTokens(page), [nameOf(first[0] ?? -1), nameOf(chosen)]);
    assert.deepEqual(idsTo(extension.scratch), first.slice(0, 1));
    assert.equal(await focusedNode(page), '0', 'the focus is lost');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await extension.answer();
    await press(page, 'Remove from here on');
    await extension.answer();
    assert.deepEqual(await treeTokens(page), [nameOf(first[0] ?? -1)]);
    await press(page, 'Step back');
    await extension.answer();
    assert.equal(extension.scratch.at, null);
    assert.equal(await text(page, ':focus'), 'Step back', 'the focus is lost');
    assert.equal(await isOff(page, 'Step back'), true);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('takes nothing of a row that is of another place', async () => {
    const extension = await open();
    const { page } = extension;
    await press(page, 'Draw and accept');
    const [said] = await extension.heard();
    // The extension has not answered yet: the row here is of the place before.
    await page.keyboard.press('Enter');
    assert.deepEqual(await extension.heard(), []);
    extension.scratch = said?.scratch ?? assert.fail();
    await extension.tell();
    await show(page, { ...tuesday, updating: true });
    assert.deepEqual(await extension.heard(), []);
    await extension.showPlace();
    assert.deepEqual(await extension.heard(), []);
    await extension.sendRow();
    assert.equal(await extension.answer(), 1);
    assert.deepEqual(idsTo(extension.scratch), drawnTokens(2, 0));
    await show(page, { ...tuesday, place: 90, root: 90 });
    await press(page, 'Draw');
    assert.equal((await extension.heard()).length, 0);
  });

  it('does nothing later, at another place, that waits for a row here', async () => {
    const extension = await open({ row: false });
    const { page } = extension;
    await press(page, 'Run ten');
    assert.equal(await text(page, ':focus'), 'Stop');
    await show(page, { ...tuesday, place: 2, root: 2 });
    assert.equal(await text(page, ':focus'), 'Run ten');
    await send(page, { kind: 'row', place: 2, logProbabilities, typedBytes: undefined });
    assert.deepEqual(await extension.heard(), []);
  });

  it('loses no press while a newer state is on its way: each is done when that is there, in turn', async () => {
    const extension = await open({ row: false });
    const { page } = extension;
    await show(page, { ...tuesday, updating: true });
    await tabTo(page, 'Draw and accept');
    for (let press = 0; press < 3; press++) await page.keyboard.press('Enter');
    await press(page, 'Draw');
    assert.deepEqual(await extension.heard(), []);
    // The cursor was on its way to another place: that one is meant.
    await show(page, { ...tuesday, place: 2, root: 2 });
    await send(page, { kind: 'row', place: 2, logProbabilities, typedBytes: undefined });
    for (let token = 1; token <= 3; token++) {
      const said = (await extension.heard()).at(-1);
      assert.equal(said?.root, 2);
      extension.scratch = said.scratch ?? assert.fail();
      assert.deepEqual(idsTo(extension.scratch), drawnTokens(token, 0));
      await extension.tell();
      const after = idsTo(extension.scratch).map(id => ({ id, token: vocabulary.piecesOf(id) }));
      await show(page, { ...tuesday, place: 2 + token, root: 2, after, actual: undefined });
      await send(page, { kind: 'row', place: 2 + token, logProbabilities: rowAfter(idsTo(extension.scratch)), typedBytes: undefined });
    }
    assert.deepEqual(await extension.heard(), []);
    assert.match(await text(page, '.drawn-text'), /^Number 4 of seed 0/);
  });

  it('goes on behind what was inserted, when a press comes before the extension has inserted it', async () => {
    const extension = await open();
    const { page } = extension;
    await press(page, 'Draw and accept');
    await extension.answer();
    await press(page, 'Insert into the editor');
    await press(page, 'Draw and accept');
    assert.deepEqual(await extension.heard(), [{ kind: 'continued', act: 'insert' }]);
    extension.scratch = emptyScratch;
    await extension.tell();
    assert.deepEqual(await extension.heard(), []);
    await show(page, { ...tuesday, place: 9, root: 9 });
    await send(page, { kind: 'row', place: 9, logProbabilities, typedBytes: undefined });
    const [next] = await extension.heard();
    assert.equal(next?.root, 9);
    assert.deepEqual(idsTo(next.scratch ?? assert.fail()), drawnTokens(1, 0));
  });

  it('goes on where its place gets another number', async () => {
    const extension = await open();
    const { page } = extension;
    await press(page, 'Draw and accept');
    const [said] = await extension.heard();
    await page.keyboard.press('Enter');
    extension.scratch = said?.scratch ?? assert.fail();
    await extension.tell();
    const after = idsTo(extension.scratch).map(id => ({ id, token: vocabulary.piecesOf(id) }));
    await show(page, { ...tuesday, place: 7, root: 7, after, actual: undefined }); // the text behind it was edited
    await send(page, { kind: 'row', place: 7, logProbabilities: rowAfter(idsTo(extension.scratch)), typedBytes: undefined });
    const [next] = await extension.heard();
    assert.equal(next?.root, 7);
    assert.deepEqual(idsTo(next.scratch ?? assert.fail()), drawnTokens(2, 0));
  });

  it('ends with a control token, and says where there is no distribution', async () => {
    const extension = await open();
    const { page } = extension;
    const most = logProbabilities.map((_, id) => (id === endOfText ? -1e-6 : -20));
    await send(page, { kind: 'row', place: 1, logProbabilities: most, typedBytes: undefined });
    await press(page, 'Run ten');
    assert.equal(await extension.answer(), 1);
    assert.equal(await extension.answer(), 0);
    assert.deepEqual(idsTo(extension.scratch), [endOfText]);
    assert.equal(await text(page, '.scratch-state'), '<|endoftext|> ends the text. Step back to go on in another way.');
    assert.equal(await isOff(page, 'Draw'), true);
    await press(page, 'Step back');
    await extension.heard().then(said => (extension.scratch = said.at(-1)?.scratch ?? assert.fail()));
    await extension.tell();
    await extension.showPlace();
    await press(page, 'Draw');
    await extension.sendRow(undefined);
    assert.equal((await extension.heard()).length, 0);
  });

  it('says where it stands: elsewhere than the cursor, outdated; and can be inserted, copied and ended by keys', async () => {
    const extension = await open();
    const { page } = extension;
    await press(page, 'Draw and accept');
    await extension.answer();
    assert.ok(!(await page.locator('.elsewhere').isVisible()));
    extension.where = 'elsewhere';
    const rows = () => page.locator('.rows').evaluate(each => each.getBoundingClientRect().top);
    const before = await rows();
    await extension.tell();
    assert.equal(await rows(), before, 'the rows have moved');
    assert.match(await text(page, '.elsewhere'), /^The cursor is elsewhere\./);
    for (const [name, act] of [
      ['Back to the cursor', 'discard'],
      ['Insert into the editor', 'insert'],
      ['Copy', 'copy'],
      ['Discard', 'discard'],
    ] as const) {
      await page.evaluate(() => {
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      });
      await press(page, name);
      assert.deepEqual(await extension.heard(), [{ kind: 'continued', act }], name);
    }
    for (const where of ['edited', 'replaced'] as const) {
      extension.where = where;
      await extension.tell();
      assert.match(await text(page, '.scratch-state'), /numbers hold no longer/);
      assert.ok(!(await page.locator('.elsewhere').isVisible()));
      assert.deepEqual(await Promise.all(['Draw', 'Insert into the editor', 'Step back', 'Copy', 'Discard'].map(name => isOff(page, name))), [true, true, true, false, false]); // prettier-ignore
      await page.locator('[role=treeitem]').first().click();
      await page.locator('.rows tr[data-id]').first().click();
      assert.deepEqual(await extension.heard(), [], 'what holds no longer was changed');
    }
    extension.scratch = emptyScratch;
    extension.where = 'cursor';
    await tabTo(page, 'Discard');
    await extension.tell();
    await extension.showPlace();
    assert.equal(await text(page, ':focus'), 'Draw and accept', 'the focus is lost');
    assert.ok(!(await page.locator('.scratch-tree').isVisible()));
    assert.ok(!(await page.locator('.of-tree button').first().isVisible()));
    assert.match(await text(page, '.scratch-state'), /^Draw a token/);
    assert.deepEqual(await page.evaluate(() => window.panelTest.posted.at(-1)), { kind: 'wants', wholeRow: false });
  });

  it('takes no seed that is none, and keeps the one there is', async () => {
    const { page } = await open({ saved: { seed: 12 } });
    const seed = page.locator('input.seed');
    assert.equal(await seed.inputValue(), '12');
    for (const bad of ['-1', '1.5', '']) {
      await seed.fill(bad);
      assert.equal(await seed.getAttribute('aria-invalid'), 'true', bad);
    }
    assert.equal(((await page.evaluate(() => window.panelTest.saved)) as { readonly seed: number }).seed, 12);
    await seed.fill('40');
    assert.equal(((await page.evaluate(() => window.panelTest.saved)) as { readonly seed: number }).seed, 40);
    assert.equal(await (await open({ saved: { seed: -3 } })).page.locator('input.seed').inputValue(), '0');
  });

  it('shows hostile tokens as text', async () => {
    const extension = await open();
    const { page } = extension;
    await page.locator('.end button').click();
    await send(page, { kind: 'row', place: 1, logProbabilities, typedBytes: undefined });
    await page.locator('tr[data-id="10"]').click();
    await extension.answer();
    assert.match((await treeTokens(page))[0] ?? '', /^<img/);
    assert.equal(await page.locator('img').count(), 0);
    assert.deepEqual(await violationsOf(page), []);
  });

  for (const theme of themes) {
    it(`can be read in every state, at any width: ${theme}`, async () => {
      for (const width of [320, 520, 900]) {
        const extension = await open({ theme, width, saved: { sampling: { temperature: 0.9, topK: 40 } } });
        const { page } = extension;
        await page.evaluate(() => document.querySelector('.continuation')?.scrollIntoView());
        await picture(page, `continue-empty-${theme}-${String(width)}`);
        await page.getByRole('button', { name: 'Run ten' }).click();
        while ((await extension.answer()) > 0);
        for (const at of [4, 4, 1]) {
          await page.locator(`[data-node="${String(at)}"]`).click();
          await extension.answer();
          await page.locator('.rows tr[data-id]').nth(at + 1).click(); // prettier-ignore
          await extension.answer();
          await page.getByRole('button', { name: 'Draw and accept' }).click();
          await extension.answer();
        }
        await page.getByRole('button', { name: 'Draw', exact: true }).click();
        extension.where = 'elsewhere';
        await extension.tell();
        await picture(page, `continue-${theme}-${String(width)}`);
        assert.deepEqual(await lowContrast(page), []);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${String(width)} px wide: scrolls sideways`);
        extension.where = 'edited';
        await extension.tell();
        assert.deepEqual(await lowContrast(page), []);
        await show(page, { ...insideWord, place: 70 });
        assert.deepEqual(await lowContrast(page), []);
      }
    });
  }

  async function picture(page: Page, name: string): Promise<void> {
    const folder = process.env['PICTURES'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  }
});
