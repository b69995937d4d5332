import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { distributionOfLogProbabilities } from '../../src/core/distribution';
import { formatCount, formatPercent } from '../../src/core/numberText';
import { applySampling, keptMark, rankTokens, samplingRules, type SamplingSettings } from '../../src/core/sampling';
import type { FromPanel } from '../../src/views/panelProtocol';
import { lowContrast, send, servedPages, show, violationsOf } from './panelPage';
import { insideWord, logProbabilities, tuesday, vocabulary, word } from './states';
import { themes, type Theme } from './themes';

const ruleNames = { temperature: 'temperature', topK: 'top-k', topP: 'top-p', minP: 'min-p', typical: 'typical' } as const;

describe('panel page with a whole row', function () {
  this.timeout(60_000);
  const pages = servedPages('panel');

  async function open(given: { readonly theme?: Theme; readonly width?: number; readonly saved?: unknown } = {}): Promise<Page> {
    const { theme = 'vscode-light', width = 700, saved } = given;
    const page = await pages.open(undefined, theme, width, saved);
    await send(page, { kind: 'vocabulary', vocabulary });
    await show(page, tuesday);
    return page;
  }

  const sendRow = (page: Page, place = 1, row: Float32Array | undefined = logProbabilities) =>
    send(page, { kind: 'row', place, logProbabilities: row, typedBytes: undefined });
  const posted = (page: Page) => page.evaluate(() => window.panelTest.posted);
  const finds = async (page: Page) => (await posted(page)).filter(message => (message as FromPanel).kind === 'find');
  const cells = (page: Page, selector: string) => page.locator(`.rows tbody tr[data-id] ${selector}`).allTextContents();
  const ids = (page: Page) =>
    page.locator('.rows tr[data-id]').evaluateAll(rows => rows.map(row => Number((row as HTMLElement).dataset['id'])));

  /** By the keyboard alone. */
  async function tabTo(page: Page, selector: string): Promise<void> {
    for (let step = 0; step < 40; step++) {
      if (await page.evaluate(wanted => document.activeElement?.matches(wanted) === true, selector)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`no way to ${selector} by Tab`);
  }
  async function write(page: Page, selector: string, text: string): Promise<void> {
    await tabTo(page, selector);
    await page.keyboard.press('Control+a');
    await page.keyboard.type(text);
  }
  async function openSampler(page: Page): Promise<void> {
    await tabTo(page, '.sampler summary');
    await page.keyboard.press('Enter');
    await page.locator('.sampler .rules').waitFor({ state: 'visible' });
    await sendRow(page);
  }

  /** Every number of the table against the settings applied by the core. */
  async function assertSampled(page: Page, settings: SamplingSettings): Promise<void> {
    const ranked = rankTokens(logProbabilities);
    const { kept, cutBy, stages } = applySampling(ranked, settings);
    const shown = await ids(page);
    assert.deepEqual(shown.slice(0, 8), [...ranked.ids.subarray(0, 8)]);
    assert.equal(shown.at(-1), 900, 'the token that follows is not there');
    assert.deepEqual(
      await cells(page, 'td.number:not(.after)'),
      shown.map(id => `${formatPercent(Math.exp(logProbabilities[id] ?? NaN))}%`),
    );
    assert.deepEqual(
      await cells(page, 'td.after'),
      shown.map(id => {
        const rule = samplingRules[(cutBy[id] ?? 0) - 1];
        if (rule) return `cut by ${ruleNames[rule]}`;
        const share = kept.probabilities[kept.ids.indexOf(id)] ?? NaN;
        return `${share === 1 ? '100' : formatPercent(share)}%`;
      }),
    );
    const keptShown = shown.filter(id => cutBy[id] === keptMark);
    const restAfter = (await page.locator('tr.rest td.after').textContent()) ?? '';
    assert.equal(restAfter === '0%', keptShown.length === kept.ids.length, restAfter);
    const isCut = await page.locator('.rows tr[data-id]').evaluateAll(rows => rows.map(row => row.classList.contains('cut')));
    assert.deepEqual(isCut, shown.map(id => cutBy[id] !== keptMark)); // prettier-ignore
    for (const { rule, tokensLeft, rawMassLeft } of stages) {
      const expected = `${tokensLeft === 1 ? '1 token' : `${formatCount(tokensLeft)} tokens`} left, with ${tokensLeft === 2000 ? '100' : formatPercent(rawMassLeft)}% of the raw probability`;
      assert.equal(await page.locator(`#left-${rule}`).textContent(), expected);
    }
    const { firstRanked, ids: keptIds } = kept;
    const left = (await page.locator('.left-over').textContent()) ?? '';
    if (keptIds.length > 1)
      assert.equal(left, `${formatCount(keptIds.length)} tokens may be drawn, from place ${firstRanked + 1} to ${formatCount(firstRanked + keptIds.length)}.`); // prettier-ignore
    else assert.equal(left, `1 token may be drawn, that of place ${firstRanked + 1}.`);
  }

  it('asks for the whole row only while something needs it', async () => {
    const page = await open();
    assert.deepEqual(await posted(page), [{ kind: 'ready' }]);
    await tabTo(page, '.example summary');
    await page.keyboard.press('Enter');
    await page.locator('.changes').waitFor();
    assert.equal((await posted(page)).length, 1, 'the training example needs the rows only');
    await tabTo(page, 'input[type=search]');
    await page.keyboard.type('a');
    await page.keyboard.press('Backspace');
    await tabTo(page, '.sampler summary');
    await page.keyboard.press('Enter');
    await page.locator('.about', { hasText: 'The whole distribution is being computed…' }).waitFor();
    assert.deepEqual(
      (await posted(page)).filter(message => (message as { kind: string }).kind !== 'find').slice(1),
      [true, false, true].map(wholeRow => ({ kind: 'wants', wholeRow })),
    );
    await send(page, { kind: 'row', place: 1, logProbabilities: undefined, typedBytes: undefined });
    assert.equal(await page.locator('.sampler .about').textContent(), 'The whole distribution could not be computed here.');
    assert.equal(await page.locator('td.after').count(), 0);
  });

  it('samples by every rule, in numbers and by sliders, as the core does; each rule says what it leaves', async () => {
    const page = await open();
    await openSampler(page);
    assert.deepEqual(await page.locator('.rows thead th').allTextContents(), ['', '', 'Raw', 'After sampling']);
    await assertSampled(page, {});
    assert.deepEqual(await cells(page, 'td.after'), await cells(page, 'td.number:not(.after)'));
    await write(page, '#rule-topK', '5');
    await assertSampled(page, { topK: 5 });
    await write(page, '#rule-topP', '0.6');
    await assertSampled(page, { topK: 5, topP: 0.6 });
    await write(page, '#rule-topK', '0');
    await write(page, '#rule-topP', '1');
    await write(page, '#rule-minP', '0.1');
    await assertSampled(page, { minP: 0.1 });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Home'); // the slider of typical
    await assertSampled(page, { minP: 0.1, typical: 0.01 });
    assert.equal(await page.locator('#rule-typical').inputValue(), '0.01');
    await page.locator('[aria-label="temperature, slider"]').focus();
    await page.keyboard.press('ArrowLeft');
    await assertSampled(page, { temperature: 0.95, minP: 0.1, typical: 0.01 });
    await write(page, '#rule-temperature', '0');
    await assertSampled(page, { temperature: 0, minP: 0.1, typical: 0.01 });
    assert.equal(await page.locator('#left-minP').textContent(), 'no effect: temperature 0 is greedy');
    await page.getByRole('button', { name: 'All neutral' }).focus();
    await page.keyboard.press('Enter');
    await assertSampled(page, {});
    assert.deepEqual(
      await page.locator('.left').allTextContents(),
      samplingRules.map(() => 'neutral'),
    );
    assert.deepEqual(await violationsOf(page), []);
  });

  it('names the neutral value of each rule, and takes no number that cannot be', async () => {
    const page = await open();
    await openSampler(page);
    assert.deepEqual(await page.locator('.rules label').allTextContents(), [
      'temperature neutral: 1',
      'top-k neutral: 0',
      'top-p neutral: 1',
      'min-p neutral: 0',
      'typical neutral: 1',
    ]);
    for (const [rule, bad] of [
      ['temperature', '-1'],
      ['topK', '-3'],
      ['topP', '2'],
      ['minP', '-0.1'],
      ['typical', '0'],
    ] as const) {
      // prettier-ignore
      await write(page, `#rule-${rule}`, bad);
      assert.equal(await page.locator(`#rule-${rule}`).getAttribute('aria-invalid'), 'true', rule);
      await assertSampled(page, {});
      await write(page, `#rule-${rule}`, rule === 'topK' || rule === 'minP' ? '0' : '1');
      assert.equal(await page.locator(`#rule-${rule}`).getAttribute('aria-invalid'), 'false', rule);
    }
  });

  it('never shows one place with the row of another', async () => {
    const page = await open();
    await openSampler(page);
    await show(page, { ...tuesday, place: 2 });
    assert.equal(await page.locator('td.after').count(), 0);
    await sendRow(page, 1);
    assert.equal(await page.locator('td.after').count(), 0);
    await sendRow(page, 2);
    await assertSampled(page, {});
    await send(page, { kind: 'vocabulary', vocabulary });
    await show(page, { ...tuesday, place: 3 });
    assert.equal(await page.locator('td.after').count(), 0);
  });

  it('shows more rows by a button and by scrolling, with the token that follows and everything else in view', async () => {
    const page = await open();
    await tabTo(page, '.end button');
    await page.keyboard.press('Enter');
    assert.deepEqual((await posted(page)).at(-1), { kind: 'wants', wholeRow: true });
    await sendRow(page);
    const expected = (count: number) => distributionOfLogProbabilities(logProbabilities, count, 900, undefined).rows.map(row => row.id);
    const others = async () => (await ids(page)).filter(id => id !== 900);
    assert.deepEqual(await others(), expected(108));
    const own = page.locator('.rows tr.actual');
    assert.deepEqual([await own.locator('.rank').textContent(), await own.locator('.number').textContent()], ['1,150', '0.001%']);
    const isInView = (selector: string) =>
      page.locator(`.rows ${selector}`).evaluate(row => {
        const { top, bottom } = row.getBoundingClientRect();
        const box = row.closest('.rows')?.getBoundingClientRect();
        return box !== undefined && top >= box.top - 1 && bottom <= box.bottom + 1;
      });
    for (const selector of ['tr.actual', 'tr.rest', 'thead']) assert.ok(await isInView(selector), selector);
    const height = () => page.evaluate(() => document.documentElement.scrollHeight);
    const before = await height();
    await page.locator('.rows').evaluate(box => box.scrollTo(0, box.scrollHeight));
    await page.waitForFunction(() => document.querySelectorAll('.rows tr[data-id]').length > 200);
    assert.deepEqual(await others(), expected(208));
    assert.ok(await isInView('tr.actual'));
    assert.equal(await height(), before, 'what stands below the rows has moved');
    const sum = await page.locator('.rows tr[data-probability]').evaluateAll(rows => rows.reduce((total, row) => total + Number((row as HTMLElement).dataset['probability']), 0)); // prettier-ignore
    assert.ok(Math.abs(sum - 1) < 1e-6, String(sum));
    await show(page, { ...tuesday, place: 2 });
    await sendRow(page, 2);
    assert.equal((await others()).length, 200, 'more rows than needed are drawn at every move of the cursor');
    // A hostile token is text in them.
    assert.equal(await page.locator('.rows img').count(), 0);
    assert.match((await page.locator('tr[data-id="10"] th').textContent()) ?? '', /^<img/);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('draws bars by logarithm and a column of what is above, by keyboard', async () => {
    const page = await open();
    await tabTo(page, 'select');
    await page.keyboard.press('ArrowDown');
    await tabTo(page, 'input[type=checkbox]');
    await page.keyboard.press('Space');
    const shares = await page
      .locator('.rows tr[data-id] .bar')
      .evaluateAll(bars => bars.map(bar => parseFloat((bar as HTMLElement).style.width)));
    const probabilities = [...tuesday.rows, tuesday.actual ?? assert.fail()].map(row => row.probability);
    probabilities.forEach((probability, index) => assert.ok(Math.abs((shares[index] ?? NaN) - (1 + Math.log10(probability) / 6) * 100) < 0.01, String(index))); // prettier-ignore
    assert.deepEqual(await page.locator('.axis span').allTextContents(), ['0.0001%', '100%']);
    let sum = 0;
    const cumulative = tuesday.rows.map(row => `${formatPercent((sum += row.probability))}%`);
    assert.deepEqual(await cells(page, 'td:last-child'), [...cumulative, '–']);
    assert.deepEqual(await page.locator('tr.rest td:last-child').textContent(), '100%');
  });

  it('finds one token at once, several by asking, and shows nothing of an older text or place', async () => {
    const page = await open();
    await tabTo(page, 'input[type=search]');
    await page.keyboard.type('London');
    await sendRow(page);
    const found = () => page.locator('.found li').allTextContents();
    assert.deepEqual(await found(), ['·London 8.9%, one token, rank 2', 'London is being computed…']);
    await page.waitForFunction(() => window.panelTest.posted.some(message => (message as { kind: string }).kind === 'find'));
    assert.deepEqual(await finds(page), [{ kind: 'find', place: 1, texts: ['London'] }]);
    await page.keyboard.type(' town');
    await send(page, { kind: 'found', place: 1, texts: ['London'], logProbabilities: Float64Array.of(Math.log(0.5)) });
    assert.deepEqual(await found(), ['·London·town is being computed…', 'London·town is being computed…']);
    await page.waitForFunction(() => JSON.stringify(window.panelTest.posted.at(-1)).includes('town'));
    const texts = [' London town', 'London town'];
    assert.deepEqual((await finds(page)).at(-1), { kind: 'find', place: 1, texts });
    await send(page, { kind: 'found', place: 1, texts, logProbabilities: Float64Array.of(Math.log(0.0012), -Infinity) });
    assert.deepEqual(await found(), ['·London·town 0.12%, the product of its tokens’ probabilities', 'London·town cannot come here: 0%']);
    assert.equal((await finds(page)).length, 2, 'it asked for every letter');

    await show(page, { ...tuesday, place: 2 });
    assert.ok((await found()).every(text => text.endsWith('is being computed…')));
    assert.ok(await page.locator('input[type=search]').evaluate(input => input === document.activeElement), 'the box lost the focus');
    await sendRow(page, 2);
    await page.waitForFunction(() => JSON.stringify(window.panelTest.posted.at(-1)).includes('"place":2'));
    await send(page, { kind: 'found', place: 2, texts, logProbabilities: undefined });
    assert.deepEqual(await found(), ['·London·town: not known here', 'London·town: not known here']);
  });

  it('says bytes and id of the row that is pointed at or walked to, and keeps it through a redraw', async () => {
    const page = await open();
    const lookedAt = page.locator('.looked-at');
    assert.match((await lookedAt.textContent()) ?? '', /^Point at a row/);
    await page.locator('tr[data-id="1"] th').hover();
    assert.equal(await lookedAt.textContent(), '·London: bytes 20 4C 6F 6E 64 6F 6E, id 1');
    await tabTo(page, '.rows tr');
    assert.equal(await lookedAt.textContent(), '·Paris: bytes 20 50 61 72 69 73, id 0');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await lookedAt.textContent(), '·capital: bytes 20 63 61 70 69 74 61 6C, id 2');
    await show(page, { ...tuesday, entropyBits: 1 });
    assert.equal(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['id']), '2');
    await page.keyboard.press('End');
    assert.equal(await lookedAt.textContent(), '·Tuesday: bytes 20 54 75 65 73 64 61 79, id 900');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['id']), '900');
  });

  it('shows the place as a training example: label minus probability, which sums to 0', async () => {
    const page = await open();
    await tabTo(page, '.example summary');
    await page.keyboard.press('Enter');
    await page.locator('.changes').waitFor();
    assert.equal(await page.locator('.changes caption').textContent(), 'direction of one training step; the model is not changed');
    const changes = await page
      .locator('.changes tr[data-change]')
      .evaluateAll(rows => rows.map(row => Number((row as HTMLElement).dataset['change'])));
    const { rows, actual } = tuesday;
    assert.deepEqual(changes.slice(0, 9), [1 - (actual?.probability ?? NaN), ...rows.map(row => -row.probability)]);
    assert.ok(Math.abs(changes.reduce((sum, change) => sum + change, 0)) < 1e-12);
    assert.equal(await page.locator('.pair').nth(1).textContent(), 'Label: ·Tuesday');
    assert.match((await page.locator('.pair').first().textContent()) ?? '', /^Context: ….*manxhattan of France is$/);
    assert.deepEqual(await page.locator('.changes tr.label .number').allTextContents(), ['+1.0000']);
    assert.equal(await page.locator('.changes tr').nth(2).locator('.number').textContent(), '−0.4610');
    await show(page, { ...tuesday, actual: undefined });
    assert.equal(await page.locator('.changes').count(), 0);
    assert.match((await page.locator('.example').textContent()) ?? '', /No token is known to follow/);
  });

  it('inside a word samples from where the model was asked, and says so', async () => {
    const page = await open();
    await openSampler(page);
    await show(page, { ...insideWord, place: 2 });
    await send(page, { kind: 'row', place: 2, logProbabilities, typedBytes: Uint8Array.from(Buffer.from(' w1')) });
    assert.match((await page.locator('.note').first().textContent()) ?? '', /^The cursor is after “·harb”.*sampling is from there\.$/);
    assert.deepEqual(await page.locator('.rows thead th').allTextContents(), ['', '', 'Raw', 'After sampling']);
    await tabTo(page, '.sampler summary');
    await page.keyboard.press('Enter');
    await page.locator('.rows .of-typed').first().waitFor();
    await tabTo(page, '.end button');
    await page.keyboard.press('Enter');
    const first = (await cells(page, 'th')).slice(0, 3);
    assert.deepEqual(first, ['·w12', '·w13', '·w14']);
  });

  it('is what it was after being hidden: the sampler, its numbers, the search', async () => {
    const page = await open();
    await openSampler(page);
    await write(page, '#rule-topK', '3');
    await write(page, 'input[type=search]', 'Paris');
    const saved = await page.evaluate(() => window.panelTest.saved);
    const again = await open({ saved });
    assert.deepEqual((await posted(again)).slice(0, 2), [{ kind: 'ready' }, { kind: 'wants', wholeRow: true }]);
    await sendRow(again);
    await assertSampled(again, { topK: 3 });
    assert.equal(await again.locator('.found li').first().textContent(), '·Paris 46.1%, one token, rank 1');
    const strange = await open({ saved: { sampling: { topK: -1, topP: 'x' }, scrollY: null, search: 3, samplerOpen: 1 } });
    assert.deepEqual(await violationsOf(strange), []);
    assert.equal(await strange.locator('#rule-topK').inputValue(), '0');
  });

  it('draws the same rows after any changes as it draws anew', async () => {
    const page = await open({ saved: { samplerOpen: true } });
    await sendRow(page);
    const set = (selector: string, value: string) =>
      page.locator(selector).evaluate((box, chosen) => {
        Object.assign(box, { value: chosen });
        for (const event of ['input', 'change']) box.dispatchEvent(new Event(event));
      }, value);
    const boxOf = page.locator('.looks input[type=checkbox]');
    const steps: readonly (() => Promise<unknown>)[] = [
      () => set('#rule-temperature', '0.6'),
      () => set('#rule-topK', '4'),
      () => boxOf.click(),
      () => set('#rule-topK', '2'),
      () => set('.looks select', 'log'),
      () => set('#rule-topK', '0'),
      () => set('#rule-temperature', '0'),
      () => page.locator('.sampler summary').click(),
      () => boxOf.click(),
      () => page.locator('.sampler summary').click(),
      () => set('#rule-temperature', '1.3'),
      () => boxOf.click(),
    ];
    const rowsOf = (of: Page) => of.locator('.rows').innerHTML();
    for (const [index, step] of steps.entries()) {
      await step();
      await page.waitForTimeout(50); // a section that opens says so a little later
      const anew = await open({ saved: await page.evaluate(() => window.panelTest.saved) });
      await sendRow(anew);
      assert.equal(await rowsOf(page), await rowsOf(anew), `after step ${String(index)}`);
    }
  });

  for (const theme of themes) {
    it(`can be read in every state, at any width: ${theme}`, async () => {
      const everything = {
        samplerOpen: true,
        exampleOpen: true,
        cumulative: true,
        search: 'London town',
        sampling: { temperature: 0.8, topK: 6, topP: 0.95 },
      };
      for (const width of [320, 520, 900]) {
        const page = await open({ theme, width, saved: everything });
        await sendRow(page);
        await send(page, { kind: 'found', place: 1, texts: [' London town', 'London town'], logProbabilities: Float64Array.of(-9, -30) });
        await picture(page, `whole-row-${theme}-${String(width)}`);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${String(width)} px wide: scrolls sideways`);
        const outside = await page.locator('.rows :is(td:not(.share), th), .changes :is(td:not(.share), th)').evaluateAll((each, limit) => {
          const overflowing = each.filter(cell => cell.checkVisibility() && (cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > limit)); // prettier-ignore
          return overflowing.map(cell => cell.textContent);
        }, width);
        assert.deepEqual(outside, [], `${String(width)} px wide: cut off`);
        assert.deepEqual(await lowContrast(page), []);
        await show(page, { ...insideWord, place: 2, typed: word('harb') });
        assert.deepEqual(await lowContrast(page), []);
      }
      const many = await open({ theme, width: 620, saved: { scale: 'log' } });
      await many.locator('.end button').click();
      await sendRow(many);
      await many.locator('.rows').evaluate(box => box.scrollTo(0, 300));
      await picture(many, `whole-row-many-${theme}`);
    });
  }

  async function picture(page: Page, name: string): Promise<void> {
    const folder = process.env['PICTURES'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  }
});
