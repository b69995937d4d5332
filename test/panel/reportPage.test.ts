import assert from 'node:assert/strict';
import type { ReportNumbers, ReportState, ReportText } from '../../src/views/reportProtocol';
import { seriousFaults } from './axe';
import { hostile, lowContrast, posted, rowsOf, servedPages, show, violationsOf } from './panelPage';
import { word } from './states';
import { themes } from './themes';

function text(name: string, detail: string, columns = 100): ReportText {
  return {
    name,
    detail,
    columns: Array.from({ length: columns }, (_, index) => {
      const meanBits = index === 7 ? null : (Math.sin(index * 12.9898) * 0.5 + 0.5) ** 2 * 14;
      const band = meanBits === null ? null : [6, 8, 11, 13, 15].filter(edge => meanBits >= edge).length;
      return { start: index * 40, meanBits, band, label: `line ${index + 1}: ${meanBits?.toFixed(1) ?? 'no'} bits per token` };
    }),
    peaks: ['harbour', 'manxhattan', 'Tuesday'].map((each, index) => ({
      start: 100 * index,
      end: 100 * index + each.length,
      line: `line ${index + 3}`,
      before: 'The boats had left the',
      token: word(each),
      after: ' before the rain came',
      bits: (18.2 - index).toFixed(1),
    })),
  };
}

const shares = [0.8123, 0.1, 0.05, 0.0301, 0.0076, 0];
const rowLabels = ['Tokens', 'Total bits', 'Bits per byte', 'Bits per character (Unicode code point)', 'Perplexity per token'];
const labels = ['below 6 bits: plain', '6 to 8 bits', '8 to 11 bits', '11 to 13 bits', '13 to 15 bits', '15 bits or more'];

function reportOf(...texts: readonly ReportText[]): ReportNumbers {
  return {
    kind: 'numbers',
    title: 'harbour.md',
    lead: 'For comparison: SmolLM2-135M usually needs 1.06 bits per byte for English prose and 0.54 for code.',
    updating: false,
    updatingText: 'The text has changed; these numbers are of before.',
    reading: undefined,
    texts,
    palette: 'violet',
    numbers: {
      title: 'In numbers',
      note: 'fewer bits = more predictable',
      rows: rowLabels.map((label, row) => ({ label, values: texts.map((_, column) => `${row + 1},${column}00`) })),
    },
    bands: {
      title: 'How surprising its tokens are',
      note: 'share of the tokens, by bits of surprisal',
      rows: labels.map((label, band) => ({
        band,
        label,
        shares: texts.map(() => ({ share: shares[band] ?? 0, text: `${((shares[band] ?? 0) * 100).toFixed(1)} %` })),
      })),
    },
    kinds: undefined,
    shape: { title: 'Along the text', note: 'mean bits per token; click to go there' },
    places: { title: 'Most surprising places', note: 'in bits; click to go there' },
    provenance: 'SmolLM2-135M-Instruct · q8 · native · window 1,024 · overlap 256 · borders by text · noise 0.07 bit · ddae3a3e',
  };
}

const one = reportOf(text('harbour.md', 'whole document'));
const two = reportOf(text('harbour.md', 'whole document'), text('Selection', 'lines 3 to 9', 37));
const foreign: ReportNumbers = {
  ...one,
  reading: {
    text: 'SmolLM2-135M mostly reads English; here its numbers say more about the model than about your text.',
    chooseModel: 'Choose another model',
  },
  kinds: {
    title: 'Summed apart',
    note: 'parts that can be left out',
    rows: [{ label: 'Comments', values: ['12 tokens, 60.2 bits, 1.20 per byte'] }],
  },
};
const busy: ReportState = {
  kind: 'message',
  headline: 'Comparing two texts',
  text: 'What is not scored yet is scored now.',
  busy: true,
  goOn: undefined,
};

describe('report page', function () {
  this.timeout(60_000);
  const { open, server } = servedPages('report', { usualWidth: 620 });

  it('says ready first, and works under its policy with its two files', async () => {
    const page = await open();
    assert.deepEqual(await page.evaluate(() => window.panelTest.posted), [{ kind: 'ready' }]);
    for (const state of [busy, one, two, foreign]) await show(page, state);
    assert.deepEqual(await violationsOf(page), []);
    assert.deepEqual([...new Set(server().requests)].filter(url => url !== '/favicon.ico').sort(), ['/', '/report.css', '/report.js']);
    await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
    await page.waitForFunction(() => window.panelTest.violations.length > 0);
  });

  it('shows every number, of one text and of two side by side, as tables with headers', async () => {
    const page = await open(one);
    assert.deepEqual(
      await rowsOf(page, 'In numbers'),
      rowLabels.map((label, row) => [label, `${row + 1},000`]),
    );
    await show(page, two);
    assert.deepEqual(
      await rowsOf(page, 'In numbers'),
      rowLabels.map((label, row) => [label, `${row + 1},000`, `${row + 1},100`]),
    );
    const table = page.getByRole('table', { name: 'In numbers' });
    assert.deepEqual(await table.getByRole('columnheader').allInnerTexts(), ['harbour.md\nwhole document', 'Selection\nlines 3 to 9']);
    assert.equal(await table.getByRole('rowheader').count(), rowLabels.length);
    const all = await page.locator('main').innerText();
    for (const sentence of [two.lead, two.provenance]) assert.ok(all.includes(sentence), sentence);
  });

  it('draws the share of each band as long as it is, with its limits and its percentage', async () => {
    const page = await open(one);
    assert.deepEqual(
      (await rowsOf(page, 'How surprising its tokens are')).map(([label = '', share]) => [label.replace(/^ab\s*/, ''), share]),
      labels.map((label, band) => [label, `${((shares[band] ?? 0) * 100).toFixed(1)} %`]),
    );
    const drawn = await page
      .locator('.track')
      .evaluateAll(tracks =>
        tracks.map(track => (track.firstElementChild?.getBoundingClientRect().width ?? NaN) / track.getBoundingClientRect().width),
      );
    drawn.forEach((share, band) => assert.ok(Math.abs(share - (shares[band] ?? NaN)) < 0.02, `band ${band}: ${share}`));
    assert.equal(drawn.length, 6);
  });

  it('has the colours of the palette that its document has', async () => {
    const page = await open(one);
    const colours = () =>
      page
        .locator('.swatch, .bar, .strip .column')
        .evaluateAll(all => [
          ...new Set(all.map(each => (each instanceof SVGElement ? getComputedStyle(each).fill : getComputedStyle(each).backgroundColor))),
        ]);
    const violet = await colours();
    await show(page, { ...one, palette: 'tide' });
    const tide = await colours();
    assert.ok(tide.length > violet.length / 2);
    const neutral = new Set(violet.filter(colour => tide.includes(colour)));
    assert.ok(neutral.size <= 3, [...neutral].join()); // no band: plain text, its bar, what has no score
    await show(page, one);
    assert.deepEqual(await colours(), violet);
  });

  it('tells places to go to by a click on the shape, and by the most surprising places', async () => {
    const page = await open(two);
    const strip = page.getByRole('slider', { name: 'Along the text: Selection' });
    const box = await strip.boundingBox();
    assert.ok(box);
    await strip.click({ position: { x: (box.width * 10.5) / 37, y: 10 } });
    assert.deepEqual(await posted(page), [{ kind: 'go', text: 1, start: 400, end: 440 }]);
    await page
      .getByRole('button', { name: /manxhattan/ })
      .first()
      .click();
    assert.deepEqual((await posted(page)).at(-1), { kind: 'go', text: 0, start: 100, end: 110 });
  });

  it('can be used by keyboard alone, and keeps the focus when it is drawn anew', async () => {
    const page = await open(foreign);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Choose another model');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    const value = () => page.evaluate(() => document.activeElement?.getAttribute('aria-valuetext'));
    assert.match((await value()) ?? '', /^line 1: /);
    for (const key of ['ArrowRight', 'ArrowRight', 'PageUp', 'ArrowLeft']) await page.keyboard.press(key);
    assert.match((await value()) ?? '', /^line 12: /);
    assert.match(await page.locator('.readout').innerText(), /^line 12: /);
    await page.keyboard.press('Enter');
    await page.keyboard.press('End');
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.deepEqual(await posted(page), [
      { kind: 'chooseModel' },
      { kind: 'go', text: 0, start: 440, end: 480 },
      { kind: 'go', text: 0, start: 3960, end: 3960 },
      { kind: 'go', text: 0, start: 0, end: 7 },
    ]);
    await show(page, { ...foreign, lead: 'Other numbers.' });
    assert.match((await page.evaluate(() => document.activeElement?.textContent)) ?? '', /harbour/);
  });

  it('keeps hostile names and texts as text', async () => {
    const token = [{ text: hostile, glyph: false }];
    const bad: ReportText = {
      ...text(hostile, hostile, 3),
      peaks: [{ start: 0, end: 1, line: hostile, before: hostile, token, after: hostile, bits: hostile }],
    };
    const page = await open({ ...reportOf(bad, bad), title: hostile, lead: hostile, provenance: hostile });
    assert.equal(await page.locator('img, main script').count(), 0);
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), hostile);
    assert.equal(await page.locator('.where .token').first().textContent(), hostile);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('says that newer numbers are on their way, and what it waits for', async () => {
    const page = await open(busy);
    const isBusy = () => page.getByRole('main').getAttribute('aria-busy');
    assert.equal(await isBusy(), 'true');
    assert.equal(await page.getByRole('heading', { level: 2 }).textContent(), 'Comparing two texts');
    await show(page, { ...one, updating: true });
    assert.equal(await isBusy(), 'true');
    assert.ok((await page.locator('main').innerText()).includes(one.updatingText));
    await show(page, one);
    assert.equal(await isBusy(), 'false');
    assert.ok(!(await page.locator('main').innerText()).includes(one.updatingText));
  });

  it('shows an empty text without a shape', async () => {
    const page = await open(reportOf({ name: 'empty.txt', detail: 'whole document', columns: [], peaks: [] }));
    assert.equal(await page.getByRole('slider').count(), 0);
    assert.deepEqual(await violationsOf(page), []);
  });

  for (const theme of themes) {
    it(`has readable text and no sideways scrolling at any width: ${theme}`, async () => {
      const long = text('a-very-long-file-name-without-any-space-that-goes-on-and-on.component.spec.ts', 'lines 1,204 to 1,310');
      for (const width of [320, 620, 1000]) {
        const page = await open(undefined, theme, width);
        for (const [name, state] of Object.entries({ one, two, foreign, long: reportOf(long, long) })) {
          await show(page, state);
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name}, ${width} px: scrolls sideways`);
          const outside = await page.locator('td, th, .peak').evaluateAll((cells, limit) => {
            const overflowing = cells.filter(cell => cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > limit);
            return overflowing.map(cell => cell.textContent);
          }, width);
          assert.deepEqual(outside, [], `${name}, ${width} px: cut off`);
          if (width === 620) assert.deepEqual(await seriousFaults(page), [], name);
          if (process.env['PICTURES'] !== undefined)
            await page.screenshot({ path: `${process.env['PICTURES']}/report-${name}-${theme}-${width}.png`, fullPage: true });
        }
      }
      assert.deepEqual(await seriousFaults(await open(busy, theme)), []);
      assert.deepEqual(await lowContrast(await open(two, theme)), []);
      assert.deepEqual(await lowContrast(await open(foreign, theme)), []);
    });
  }
});
