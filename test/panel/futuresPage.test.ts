import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import {
  comparedShares,
  futureText,
  futureTree,
  nextTokenShares,
  packed,
  rewardsOf,
  reweighted,
  wordShare,
  type Continuation,
  type FutureNode,
  type Mark,
  type RewardRule,
} from '../../src/core/futures';
import { neutralSampling } from '../../src/core/sampling';
import { SeededRandom } from '../../src/core/seededRandom';
import { Vocabulary } from '../../src/core/vocabulary';
import type { FuturesMessage, FuturesWanted, SampledFutures } from '../../src/views/futuresProtocol';
import { lowContrast, send, servedPages, show } from './panelPage';
import { insideWord, tuesday, vocabulary } from './states';
import { themes, type Theme } from './themes';

const words = new Vocabulary(vocabulary);
const wanted: FuturesWanted = { count: 32, mostTokens: 6, sampling: { ...neutralSampling, temperature: 0.8 }, seed: 7, forced: [] };
const textBefore = 'report. The capital of France is';

/** " Paris", " the capital", the half of a character, markup, ... : each token's numbers depend on those before it alone. */
function scripted(seed: number, count: number, forced: readonly number[] = []): Continuation[] {
  const random = new SeededRandom(seed);
  const ids = [0, 0, 0, 1, 1, 2, 3, 4, 10, 11];
  return Array.from({ length: count }, () => {
    const own = [...forced];
    const length = 6 - (random.next32() % 3);
    while (own.length < length) own.push(ids[random.next32() % (own.length === 0 ? 7 : ids.length)] ?? 0);
    const logs = own.map((_, place) => -((own.slice(0, place + 1).reduce((sum, id) => (sum * 7 + id + 1) % 23, 3) + 1) / 8));
    return { ids: Int32Array.from(own), logProbabilities: Float64Array.from(logs), sampledLogProbabilities: Float64Array.from(logs), ended: length < 6 ? 'control' : 'length' }; // prettier-ignore
  });
}

function sampled(groups: readonly (readonly Continuation[])[], facts: Partial<SampledFutures> = {}): SampledFutures {
  const forcedTokens = groups.length === 2 ? 1 : 0;
  return {
    name: 'one',
    wanted: groups.length === 2 ? { ...wanted, forced: [0, 1] } : wanted,
    groups: groups.map(continuations => ({ forcedTokens, continuations: packed(continuations) })),
    state: 'done',
    problem: undefined,
    isHere: true,
    before: textBefore,
    typed: '',
    contextTokens: 52,
    ...facts,
  };
}

const all = scripted(5, 32);
const message: FuturesMessage = { kind: 'futures', free: sampled([all]), forced: undefined, gone: undefined };
const percent = (share: number) => {
  const digits = (share > 0 && share < 0.0095) || (share < 1 && share > 0.9905) ? 1 : 0;
  return (share * 100).toFixed(digits);
};

describe('futures in the panel page', function () {
  this.timeout(60_000);
  const pages = servedPages('panel', { isFaultless: true });

  async function open(given: { readonly theme?: Theme; readonly width?: number; readonly saved?: unknown } = {}): Promise<Page> {
    const { theme = 'vscode-light', width = 700, saved = { futures: { open: true } } } = given;
    const page = await pages.open(undefined, theme, width, saved);
    await send(page, { kind: 'vocabulary', vocabulary });
    await show(page, tuesday);
    return page;
  }

  /** What the extension takes of a page. */
  const asked = (page: Page) =>
    page.evaluate(() => window.panelTest.posted.filter(each => (each as { kind: string }).kind.includes('utures')));
  const isFocused = (page: Page, selector: string) =>
    page.evaluate(wantedOne => document.activeElement?.matches(wantedOne) === true, selector);
  /** By the keyboard alone. */
  async function tabTo(page: Page, selector: string): Promise<void> {
    for (let step = 0; step < 60; step++) {
      if (await isFocused(page, selector)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`no way to ${selector} by Tab`);
  }
  async function write(page: Page, selector: string, text: string): Promise<void> {
    await tabTo(page, selector);
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.type(text);
  }
  const text = async (page: Page, selector: string) => (await page.locator(selector).first().textContent()) ?? '';
  const group = (name: string) => `.futures [role=group][aria-labelledby=${name}]`;
  const wordAnswer = `${group('future-word-title')} output`;
  const forcedAnswer = `${group('future-forced-title')} output`;
  const freeStatus = '.futures > .sample .status';

  it('asks with what is chosen and the settings of the sampler, shows how far it is, and stops', async () => {
    const page = await open({ saved: { sampling: { temperature: 0.8, topK: 40 } } });
    await tabTo(page, '.futures summary');
    await page.keyboard.press('Enter');
    await page.locator('.futures .form').first().waitFor();
    assert.match(await text(page, '.futures .about'), /settings of the sampler above \(temperature 0\.8, top-k 40\)/);
    await write(page, '#future-count', '48');
    await write(page, '#future-mostTokens', '12');
    await write(page, '#future-seed', '7');
    await tabTo(page, '.futures > .sample button');
    await page.keyboard.press('Enter');
    const sampling = { ...neutralSampling, temperature: 0.8, topK: 40 };
    const question = { kind: 'futures', place: 1, count: 48, mostTokens: 12, seed: 7, sampling, forced: [] };
    assert.deepEqual(await asked(page), [question]);

    const running = sampled([all.slice(0, 16)], { state: 'running' });
    await send(page, { ...message, free: running });
    assert.equal(await text(page, freeStatus), '16 of 32 sampled');
    assert.deepEqual(
      await page.locator('.futures > .sample progress').evaluate((bar: HTMLProgressElement) => [bar.value, bar.max]),
      [16, 32],
    );
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Stop');
    await page.keyboard.press('Enter');
    assert.deepEqual((await asked(page)).at(-1), { kind: 'stopFutures' });
    for (const [state, said] of [
      ['stopped', 'Stopped at 16 of 32.'],
      ['moved', 'Stopped at 16 of 32: the cursor has moved.'],
      ['edited', 'Stopped at 16 of 32: the text was edited.'],
      ['failed', 'No room.'],
    ] as const) {
      await send(page, { ...message, free: { ...running, state, problem: state === 'failed' ? 'No room.' : undefined } });
      assert.equal(await text(page, freeStatus), said);
    }
    assert.ok(await isFocused(page, '.futures > .sample button:first-child'), 'the focus was lost with the button');
    await send(page, message);
    assert.equal(await text(page, freeStatus), '32 sampled');

    // Nothing that cannot be is asked for; a question while the cursor moves is about where it goes.
    await write(page, '#future-count', '257');
    assert.equal(await page.locator('#future-count').getAttribute('aria-invalid'), 'true');
    await show(page, { ...tuesday, updating: true });
    const count = (await asked(page)).length;
    await tabTo(page, '.futures > .sample button');
    await page.keyboard.press('Enter');
    assert.equal((await asked(page)).length, count);
    await show(page, { ...tuesday, place: 2 });
    assert.deepEqual((await asked(page)).slice(count), [{ ...question, place: 2, count: 25 }]);
    await show(page, { ...tuesday, place: 3 });
    assert.equal((await asked(page)).length, count + 1);
  });

  /** The lines as the core's tree has them: runs of single tokens are one. */
  function linesOf(nodes: readonly FutureNode[], level = 1, bits = 0): { level: number; members: number; ids: number[]; bits: number }[] {
    return nodes.flatMap(first => {
      const ids = [first.id];
      let last = first;
      let sum = bits + first.rawBits;
      while (last.next.length === 1 && last.ends === 0) {
        last = last.next[0] ?? assert.fail();
        ids.push(last.id);
        sum += last.rawBits;
      }
      return [{ level, members: first.members.length, ids, bits: sum }, ...linesOf(last.next, level + 1, sum)];
    });
  }

  it('merges them into a tree, walked by arrow keys, each line with its count, share and bits', async () => {
    const page = await open();
    await send(page, message);
    const shown = () =>
      page.locator('.future-tree [role=treeitem]').evaluateAll(items =>
        items.map(item => ({
          level: Number(item.getAttribute('aria-level')),
          members: Number((item as HTMLElement).dataset['members']),
          share: item.querySelector('.percent')?.textContent,
          bits: item.querySelector('.bits')?.textContent,
        })),
      );
    const lines = linesOf(futureTree(all));
    const expected = lines.map(({ level, members, bits }) => ({ level, members, share: `${percent(members / 32)}%`, bits: `${bits.toFixed(1)} bits` })); // prettier-ignore
    assert.deepEqual(await shown(), expected);
    assert.equal(await text(page, '.tree-caption'), 'futures the model would sample, not what it plans');
    assert.match(
      await text(page, '.origin'),
      /^After “…?.*capital of France is”: 32 futures of at most 6 tokens, seed 7, temperature 0\.8; 52 tokens were read\.$/,
    );
    assert.equal(await page.locator('[role=tree] img').count(), 0, 'a token became markup');
    assert.ok((await page.locator('.future-tree').innerText()).includes('<img'));

    const level = () => page.evaluate(() => document.activeElement?.getAttribute('aria-level'));
    const index = () => page.evaluate(() => [...document.querySelectorAll('.future-tree [role=treeitem]')].findIndex(item => item === document.activeElement)); // prettier-ignore
    await tabTo(page, '.future-tree [role=treeitem]');
    assert.equal(await index(), 0);
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-expanded')), 'false');
    const hidden = lines.findIndex((line, at) => at > 0 && line.level === 1) - 1;
    assert.equal((await shown()).length, expected.length - hidden);
    await page.keyboard.press('ArrowLeft');
    assert.equal(await index(), 0);
    await page.keyboard.press('ArrowDown');
    assert.deepEqual([await index(), await level()], [1, '1']);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    assert.deepEqual(await shown(), expected);
    await page.keyboard.press('ArrowRight');
    assert.deepEqual([await index(), await level()], [1, '2']);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await index(), 0);
    await page.keyboard.press('End');
    await send(page, { ...message, free: sampled([all.slice(0, 30)]) });
    assert.ok(await isFocused(page, '.future-tree [role=treeitem]'), 'the focus was lost while more came');
    await page.keyboard.press('Home');
    assert.equal(await index(), 0);
    await page.keyboard.press('Tab');
    assert.ok(!(await isFocused(page, '.future-tree [role=treeitem]')), 'the tree is more than one stop');
  });

  it('counts a word within the next tokens, with its interval in words', async () => {
    const page = await open();
    assert.equal(await text(page, wordAnswer), 'Sample futures first.');
    await send(page, message);
    assert.equal(await text(page, wordAnswer), 'Type a word.');
    for (const [word, within, match] of [
      ['London', 6, false],
      ['LONDON', 6, true],
      ['london', 2, true],
    ] as const) {
      await write(page, '#future-word', word);
      await write(page, '#future-within', String(within));
      await page.keyboard.press('Tab');
      if (match) await page.keyboard.press('Space');
      const isExact = await page.locator('.futures input[type=checkbox]').first().isChecked();
      const texts = all.map(each => futureText(each, within, words, textBefore));
      const { count, trials, share = NaN, low, high } = wordShare(texts, word, isExact ? 'exact' : 'ignored');
      assert.equal(
        await text(page, wordAnswer),
        `“${word}”: ${String(count)} of ${String(trials)}, ${percent(share)}%, 95% interval ${percent(low)} to ${percent(high)}%`,
      );
      if (word !== 'LONDON') assert.ok(count > 0);
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Shift+Tab');
    }
  });

  it('forces the next token to be one or another, the two most probable where nothing is typed, and compares', async () => {
    const page = await open();
    const button = `${group('future-forced-title')} .sample button`;
    assert.deepEqual(await page.locator('.echo').allTextContents(), ['·Paris', '·London']);
    await tabTo(page, button);
    await page.keyboard.press('Enter');
    const forcedOf = async () => ((await asked(page)).at(-1) as FuturesWanted).forced;
    assert.deepEqual(await forcedOf(), [0, 1]);
    await page.locator('#future-A').focus();
    await write(page, '#future-B', ' the sea');
    assert.deepEqual(await page.locator('.echo').allTextContents(), ['·Paris', '·the·sea']);
    await tabTo(page, button);
    await page.keyboard.press('Enter');
    assert.deepEqual(await forcedOf(), [0, ' the sea']);

    const [a, b] = [scripted(1, 24, [0]), scripted(2, 24, [1])];
    await send(page, { ...message, forced: sampled([a, b]) });
    assert.equal(await text(page, forcedAnswer), 'Type a word above to see how its share changes.');
    await page.locator('.futures summary').focus();
    for (const word of ['capital', 'London']) {
      await write(page, '#future-word', word);
      const [shareA, shareB] = [a, b].map(each => wordShare(each.map(one => futureText(one, 16, words, textBefore)), word, 'ignored')); // prettier-ignore
      assert.ok(shareA && shareB);
      const compared = comparedShares(shareA, shareB);
      const points = [compared.difference ?? NaN, compared.low, compared.high].map(each => {
        const size = Math.abs(each * 100).toFixed(0);
        return size === '0' ? '0' : `${each < 0 ? '−' : '+'}${size}`;
      });
      const holdsZero = compared.low <= 0 && compared.high >= 0;
      assert.equal(holdsZero, word === 'capital', 'the example shows one case only');
      assert.equal(
        await text(page, forcedAnswer),
        `“${word}”, B minus A: ${points[0] ?? ''} percentage points, 95% interval ${points[1] ?? ''} to ${points[2] ?? ''}. ${
          holdsZero
            ? 'The interval holds 0: these samples do not tell whether it makes a difference.'
            : 'The interval does not hold 0: the first token makes a difference to this model.'
        }`,
      );
      const rows = await page
        .locator('.forced tbody tr')
        .evaluateAll(each => each.map(row => [...row.children].map(cell => cell.textContent)));
      const lineOf = (
        name: string,
        token: string,
        one: Continuation | undefined,
        { count, trials, share = NaN, low, high }: typeof shareA,
      ) => [
        name,
        token,
        `${(100 * Math.exp(one?.logProbabilities[0] ?? NaN)).toFixed(1)}%`,
        `${String(count)} of ${String(trials)}, ${percent(share)}%, 95% interval ${percent(low)} to ${percent(high)}%`,
      ];
      assert.deepEqual(rows, [lineOf('A', '·Paris', a[0], shareA), lineOf('B', '·London', b[0], shareB)]);
      await page.locator('.futures summary').focus();
    }
  });

  describe('rewarded', () => {
    const rows = '.marks tbody tr';
    const numbers = (page: Page, name: string, selector = rows) =>
      page.locator(selector).evaluateAll((each, key) => each.map(row => Number((row as HTMLElement).dataset[key])), name);

    /** Every number against the core. */
    async function assertRewarded(
      page: Page,
      beta: number,
      rule?: RewardRule,
      marks: ReadonlyMap<number, Mark> = new Map(),
    ): Promise<void> {
      const texts = all.map(each => futureText(each, each.ids.length, words, textBefore));
      const rewards = rewardsOf(all, texts, marks, rule);
      const { weights, effectiveCount } = reweighted(rewards, beta);
      assert.deepEqual(await numbers(page, 'reward'), rewards);
      assert.deepEqual(await numbers(page, 'weight'), weights);
      const shares = nextTokenShares(all, weights, 0);
      const table = '.rewarded tbody tr';
      assert.deepEqual(await numbers(page, 'id', table), shares.map(({ id }) => id)); // prettier-ignore
      assert.deepEqual(await numbers(page, 'before', table), shares.map(each => each.before)); // prettier-ignore
      assert.deepEqual(await numbers(page, 'after', table), shares.map(each => each.after)); // prettier-ignore
      const sum = (await numbers(page, 'after', table)).reduce((total, share) => total + share, 0);
      assert.ok(Math.abs(sum - 1) < 1e-12);
      const cells = await page.locator(`${table} .number.after`).allTextContents();
      assert.deepEqual(cells, shares.map(({ after }) => `${(after * 100).toFixed(1)}%`)); // prettier-ignore
      const isEqual = new Set(rewards).size === 1;
      assert.equal(
        await text(page, `${group('future-rewards-title')} [role=status]`),
        `N = 32, effective N = ${effectiveCount.toFixed(1)}: so many equally weighted futures would say as much.${isEqual ? ' All count the same, so nothing changes.' : ''}`,
      );
    }

    it('by marks of the reader, set and taken away by keys', async () => {
      const page = await open();
      await send(page, message);
      assert.equal(await text(page, '.rewarded caption'), 'what training on whole answers aims at, on these samples');
      await assertRewarded(page, 1);
      await tabTo(page, '.marks button');
      assert.match((await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))) ?? '', /^Good: /);
      await page.keyboard.press('Enter');
      await assertRewarded(page, 1, undefined, new Map([[0, 'good']]));
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Space');
      await assertRewarded(page, 1, undefined, new Map([[0, 'good'], [2, 'bad']])); // prettier-ignore
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-pressed')), 'true');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('Enter');
      await assertRewarded(page, 1, undefined, new Map([[0, 'good'], [2, 'good']])); // prettier-ignore
      await page.keyboard.press('Enter');
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await assertRewarded(page, 1, undefined, new Map([[0, 'good'], [31, 'good']])); // prettier-ignore

      // They are kept with these futures, and are not those of others.
      const saved = await page.evaluate(() => window.panelTest.saved);
      const again = await open({ saved });
      await send(again, message);
      await assertRewarded(again, 1, undefined, new Map([[0, 'good'], [31, 'good']])); // prettier-ignore
      await send(again, { ...message, free: sampled([all], { name: 'two' }) });
      await assertRewarded(again, 1);
      await page.keyboard.press('Tab');
      assert.ok(!(await isFocused(page, '.marks *')), 'the list is more than one stop');
    });

    it('equally, all are as they were; the same by a rule that none breaks', async () => {
      const page = await open({ saved: { futures: { open: true, rule: 'shorterThan', ruleTokens: 64, beta: 0.1 } } });
      await send(page, message);
      await assertRewarded(page, 0.1, { kind: 'shorterThan', tokens: 64 });
      assert.ok((await numbers(page, 'weight')).every(weight => weight === 1 / 32));
      assert.deepEqual(await numbers(page, 'after', '.rewarded tbody tr'), await numbers(page, 'before', '.rewarded tbody tr'));
    });

    it('by each rule and by beta, in numbers and on the slider', async () => {
      const page = await open();
      await send(page, message);
      await tabTo(page, '#reward-rule');
      await page.keyboard.press('ArrowDown');
      await assertRewarded(page, 1);
      await write(page, '#reward-word', 'London');
      await assertRewarded(page, 1, { kind: 'containsWord', word: 'London', caseRule: 'ignored' });
      await page.locator('#reward-rule').focus();
      await page.keyboard.press('ArrowDown');
      await write(page, '#reward-tokens', '5');
      await assertRewarded(page, 1, { kind: 'shorterThan', tokens: 5 });
      await page.locator('#reward-rule').focus();
      await page.keyboard.press('ArrowDown');
      await write(page, '#reward-words', 'Paris, THE');
      await assertRewarded(page, 1, { kind: 'endsInWord', words: ['Paris', 'THE'], caseRule: 'ignored' });
      await page.keyboard.press('Tab');
      await page.keyboard.press('Space');
      const rule: RewardRule = { kind: 'endsInWord', words: ['Paris', 'THE'], caseRule: 'exact' };
      await assertRewarded(page, 1, rule);
      await write(page, '#reward-beta', '0.25');
      await assertRewarded(page, 0.25, rule);
      await page.keyboard.type('x');
      await write(page, '#reward-beta', '0');
      assert.equal(await page.locator('#reward-beta').getAttribute('aria-invalid'), 'true');
      await page.keyboard.press('Tab');
      await page.keyboard.press('End');
      await assertRewarded(page, 100, rule);
      assert.equal(await page.locator('#reward-beta').inputValue(), '100');
      await page.keyboard.press('Home');
      await assertRewarded(page, 0.1, rule);
    });
  });

  it('names the place when the cursor is elsewhere, and says why they are gone', async () => {
    const page = await open();
    await send(page, { ...message, free: sampled([all], { isHere: false, before: 'We sailed\ninto the', typed: ' harb' }) });
    assert.equal(
      await text(page, '.origin'),
      'After “We sailed into the”: 32 futures of at most 6 tokens, seed 7, temperature 0.8; 52 tokens were read. They begin before “ harb”, a word that is not finished. The cursor is elsewhere now.',
    );
    await show(page, { ...insideWord, place: 2 });
    assert.match(await text(page, '.futures .about'), /The cursor is after “·harb”, which is not finished: futures begin before it\.$/);
    assert.deepEqual(await page.locator('.echo').allTextContents(), ['·night', '·bay'], 'not those that continue the word');
    await send(page, { ...message, free: sampled([all], { before: '' }) });
    assert.match(await text(page, '.origin'), /^After the beginning of the document: 32/);
    for (const [gone, said] of [
      ['edited', 'The text before the place was edited: what was sampled there is gone.'],
      ['closed', 'The document was closed: what was sampled there is gone.'],
      ['settings', 'The model or a setting has changed: what was sampled before is gone.'],
    ] as const) {
      await send(page, { ...message, free: undefined, gone });
      assert.equal(await text(page, '.futures > .note'), said);
      assert.equal(await page.locator('.future-tree [role=treeitem], .marks tbody tr').count(), 0);
    }
  });

  it('is what it was after being hidden, and takes nothing strange from what was saved', async () => {
    const page = await open();
    await write(page, '#future-count', '20');
    await write(page, '#future-word', 'Paris');
    await write(page, '#future-A', ' New');
    const again = await open({ saved: await page.evaluate(() => window.panelTest.saved) });
    await send(again, message);
    assert.match(await text(again, wordAnswer), /^“Paris”: /);
    assert.deepEqual([await again.locator('#future-count').inputValue(), await text(again, '.echo')], ['20', '·New']);
    const strange = { open: true, count: 1e9, seed: -1, beta: 0, starts: 3, rule: 'x', marks: { of: 'one', good: 'x', bad: [999, null] } };
    const page3 = await open({ saved: { futures: strange } });
    await send(page3, message);
    assert.equal(await page3.locator('#future-count').inputValue(), '32');
    assert.equal(await page3.locator('.marks tbody tr').count(), 32);
  });

  for (const theme of themes) {
    it(`can be read in every state, at any width: ${theme}`, async () => {
      const futures = {
        open: true,
        word: 'London',
        rule: 'containsWord',
        ruleWord: 'capital',
        beta: 0.5,
        marks: { of: 'one', good: [1], bad: [3] },
      };
      const full: FuturesMessage = { ...message, forced: sampled([scripted(1, 24, [0]), scripted(2, 24, [1])]) };
      for (const width of [320, 520, 900]) {
        const page = await open({ theme, width, saved: { futures } });
        await send(page, full);
        await picture(page, `futures-${theme}-${String(width)}`);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${String(width)} px wide: scrolls sideways`);
        const outside = await page.locator('.futures :is(td, th, [role=treeitem] > *, label)').evaluateAll((each, limit) => {
          const overflowing = each.filter(
            cell => cell.checkVisibility() && !cell.closest('.only-spoken') && cell.getBoundingClientRect().right > limit,
          );
          return overflowing.map(cell => cell.textContent);
        }, width);
        assert.deepEqual(outside, [], `${String(width)} px wide: cut off`);
        assert.deepEqual(await lowContrast(page), []);
        await send(page, { ...full, free: sampled([all.slice(0, 16)], { state: 'running' }), gone: 'edited' });
        await show(page, { ...insideWord, place: 2 });
        assert.deepEqual(await lowContrast(page), []);
        if (width === 520) await picture(page, `futures-running-${theme}`);
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
