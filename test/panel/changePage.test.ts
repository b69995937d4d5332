import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { ChangeHunk, ChangeLine, ReportChange } from '../../src/views/reportProtocol';
import { seriousFaults } from './axe';
import { hostile, lowContrast, posted, servedPages, show, violationsOf } from './panelPage';
import { themes } from './themes';

function line(side: 0 | 1, number: number, text: string, bitsPerByte: number, mark?: string): ChangeLine {
  return {
    side,
    start: number * 100,
    end: number * 100 + text.length,
    number: number.toString(),
    text,
    tokens: '12',
    bits: (bitsPerByte * text.length).toFixed(1),
    bitsPerByte: bitsPerByte.toFixed(2),
    bar: { share: bitsPerByte / 4, usual: 0.2 },
    mark,
    label: `line ${number}, ${side === 0 ? 'removed' : 'added'}`,
  };
}

const became: ChangeHunk = {
  title: 'Hunk 1: line 3 became lines 3 to 4',
  mark: 'most surprising here',
  facts: [
    'Removed: 12 tokens, 14.2 bits, 0.71 per byte (usual in this text: 0.80 ± 0.31).',
    'Added: 24 tokens, 88.1 bits, 2.02 per byte (usual in this text: 0.84 ± 0.40).',
    'The next 5 unchanged lines: −3.2 bits against before; they are more predictable now.',
  ],
  lines: [
    line(0, 3, '    return level > 4;', 0.7),
    line(1, 3, "    if (level === 'manxhattan') throw level;", 2.4, 'stands out'),
    line(1, 4, '    return level > 5;', 0.9),
  ],
  more: undefined,
};
const plain: ChangeHunk = {
  ...became,
  title: 'Hunk 2: line 9 added',
  mark: undefined,
  lines: [line(1, 9, '}', 0.3)],
  more: '3 more lines are not shown.',
};

const change: ReportChange = {
  kind: 'change',
  title: 'tide.ts against tide.ts (HEAD)',
  lead: 'As SmolLM2-135M reads it, which need not be the model that wrote it: each side as a whole, then the lines that differ.',
  verdict: 'Most surprising to SmolLM2-135M: hunk 1. Hunks with something that stands out from what is usual in the text: 1 of 2.',
  updating: false,
  updatingText: 'The text has changed; these numbers are of before.',
  reading: undefined,
  palette: 'violet',
  totals: {
    title: 'In numbers',
    note: 'fewer bits = more predictable',
    heads: ['Removed', 'Added'],
    rows: [
      { label: 'Lines', values: ['1', '3'] },
      { label: 'Usual in this text, bits per byte (± spread of its lines)', values: ['0.80 ± 0.31', '0.84 ± 0.40'] },
    ],
  },
  hunksTitle: 'Hunks',
  hunksNote: 'in the order of the text; click a line to go there',
  hunks: [became, plain],
  more: undefined,
  columns: { line: 'Line', text: 'Text', tokens: 'Tokens', bits: 'Bits', bitsPerByte: 'Bits per byte' },
  rules: [
    'Something stands out when its bits per byte are 2 spreads above what is usual. It surprises the model; that does not make it wrong.',
  ],
  provenance: 'SmolLM2-135M-Instruct · q8 · native · window 1,024 · overlap 256 · borders by text · noise 0.07 bit · ddae3a3e',
};
const foreign: ReportChange = { ...change, reading: { text: 'SmolLM2-135M mostly reads English.', chooseModel: 'Choose another model' } };
const none: ReportChange = { ...change, hunks: [], verdict: 'The two texts do not differ (line breaks are not compared).' };

describe('page of a change', function () {
  this.timeout(60_000);
  const { open } = servedPages('report', { usualWidth: 620 });

  const focused = (page: Page) =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent);

  it('has a table of lines for each hunk, named by it, and says in words what stands out', async () => {
    const page = await open(change);
    const table = page.getByRole('table', { name: 'Hunk 1: line 3 became lines 3 to 4' });
    assert.deepEqual(await table.getByRole('columnheader').allInnerTexts(), Object.values(change.columns));
    assert.deepEqual(
      await table
        .locator('tbody tr')
        .evaluateAll(rows => rows.map(row => [...row.querySelectorAll('th, td')].map(cell => cell.textContent.trim()))),
      became.lines.map(each => [
        `${each.side === 0 ? '\u2212' : '+'} ${each.number}`,
        `${each.text}${each.mark ?? ''}`.trim(),
        each.tokens,
        each.bits,
        each.bitsPerByte,
      ]),
    );
    assert.deepEqual(await page.getByRole('heading', { level: 3 }).allInnerTexts(), [`${became.title}most surprising here`, plain.title]);
    const all = await page.locator('main').innerText();
    for (const sentence of [change.lead, change.verdict, change.provenance, ...became.facts, ...change.rules, plain.more ?? ''])
      assert.ok(all.includes(sentence), sentence);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('draws bars as long as the lines have bits per byte, with a tick at the usual', async () => {
    const page = await open(change, 'vscode-light', 1000);
    const drawn = await page.locator('.lines .track').evaluateAll(tracks =>
      tracks.map(track => {
        const whole = track.getBoundingClientRect();
        const [bar, tick] = [...track.children].map(child => child.getBoundingClientRect());
        return [(bar?.width ?? NaN) / whole.width, ((tick?.left ?? NaN) - whole.left) / whole.width];
      }),
    );
    const bars = [...became.lines, ...plain.lines].map(({ bar }) => bar);
    assert.equal(drawn.length, bars.length);
    for (const [index, [share = NaN, usual = NaN]] of drawn.entries()) {
      assert.ok(Math.abs(share - (bars[index]?.share ?? NaN)) < 0.03, `bar ${index}: ${share}`);
      assert.ok(Math.abs(usual - (bars[index]?.usual ?? NaN)) < 0.03, `tick ${index}: ${usual}`);
    }
  });

  it('can be used by keyboard alone: a stop for each hunk, arrows for its lines, and the focus stays', async () => {
    const page = await open(foreign);
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Choose another model');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'line 3, removed');
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(page), 'line 3, added');
    await page.keyboard.press('Space');
    await show(page, { ...foreign, updating: true });
    assert.equal(await focused(page), 'line 3, added');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'line 9, added');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(page), 'line 3, added');
    await page.keyboard.press('End');
    assert.equal(await focused(page), 'line 9, added');
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(page), 'line 4, added');
    await page.keyboard.press('Home');
    assert.equal(await focused(page), 'line 3, removed');
    assert.deepEqual(await posted(page), [
      { kind: 'chooseModel' },
      { kind: 'go', text: 0, start: 300, end: 300 + '    return level > 4;'.length },
      { kind: 'go', text: 1, start: 300, end: 300 + "    if (level === 'manxhattan') throw level;".length },
    ]);
  });

  it('says what it costs to read long sides, and begins where the reader agrees, by keyboard too', async () => {
    const page = await open({ kind: 'message', headline: 'Both sides are read', text: 'Some 30 seconds.', busy: false, goOn: 'Go On' });
    assert.deepEqual((await page.locator('.message').innerText()).split(/\n+/), ['Both sides are read', 'Some 30 seconds.', 'Go On']);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.deepEqual(await posted(page), [{ kind: 'goOn' }]);
    await show(page, { kind: 'message', headline: 'Measuring a change', text: 'One moment.', busy: true, goOn: undefined });
    assert.equal(await page.locator('.message button').count(), 0);
  });

  it('goes to the line that is clicked, on its side', async () => {
    const page = await open(change);
    await page.getByRole('button', { name: 'line 4, added' }).click();
    assert.deepEqual(await posted(page), [{ kind: 'go', text: 1, start: 400, end: 421 }]);
  });

  it('says that newer numbers are on their way, and that nothing differs', async () => {
    const page = await open({ ...change, updating: true });
    assert.equal(await page.getByRole('main').getAttribute('aria-busy'), 'true');
    assert.equal(await page.getByRole('status').textContent(), change.updatingText);
    await show(page, none);
    assert.equal(await page.getByRole('main').getAttribute('aria-busy'), 'false');
    assert.equal(await page.getByRole('status').count(), 0);
    assert.equal(await page.getByRole('table').count(), 0);
    assert.ok((await page.locator('main').innerText()).includes(none.verdict));
  });

  it('keeps hostile names and lines as text', async () => {
    const bad = { ...became, title: hostile, mark: hostile, facts: [hostile], lines: [line(1, 3, hostile, 1, hostile)] };
    const page = await open({ ...change, title: hostile, lead: hostile, verdict: hostile, hunks: [bad], rules: [hostile] });
    assert.equal(await page.locator('img, main script').count(), 0);
    assert.equal(await page.locator('.line-text bdi').textContent(), hostile);
    assert.deepEqual(await violationsOf(page), []);
  });

  for (const theme of themes) {
    it(`has readable text and no sideways scrolling at any width: ${theme}`, async () => {
      const long = { ...became, lines: [line(1, 12_345, 'x'.repeat(120), 3.9, 'stands out')] };
      for (const width of [320, 620, 1000]) {
        const page = await open(change, theme, width);
        for (const [name, state] of Object.entries({ change, foreign, none, long: { ...change, hunks: [long] } })) {
          await show(page, state);
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name}, ${width} px: scrolls sideways`);
          const outside = await page.locator('td, th').evaluateAll((cells, limit) => {
            const overflowing = cells.filter(cell => cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > limit);
            return overflowing.map(cell => cell.textContent);
          }, width);
          assert.deepEqual(outside, [], `${name}, ${width} px: cut off`);
          if (width === 620) assert.deepEqual(await seriousFaults(page), [], name);
          if (process.env['PICTURES'] !== undefined)
            await page.screenshot({ path: `${process.env['PICTURES']}/change-${name}-${theme}-${width}.png`, fullPage: true });
        }
      }
      assert.deepEqual(await lowContrast(await open(foreign, theme)), []);
    });
  }
});
