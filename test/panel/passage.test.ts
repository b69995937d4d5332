import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { PanelPassage, PassageRow } from '../../src/views/panelProtocol';
import { seriousFaults } from './axe';
import { lowContrast, posted, servedPages, show } from './panelPage';
import { tuesday, word } from './states';
import { themes } from './themes';

const alternatives = ['sea', 'bay', 'port', 'town'].map((name, index) => ({ token: word(name), probability: 0.4 / (index + 1) }));

function row(name: string, bits: number, band: number, standsOut = false): PassageRow {
  return { token: word(name), bits, band, standsOut, rank: 1 + Math.round(2 ** bits / 20), alternatives };
}

const passage: PanelPassage = {
  kind: 'passage',
  passage: 7,
  summary: '4 tokens, 31 bits, 7.8 a token (this file: 1.9), as SmolLM2-135M reads it, not the model that wrote it',
  notes: ['weakest “utf16” 16.1 bits', 'the next 36 tokens: 64.7 bits without it, 71.1 with it (+6.5)'],
  rows: [
    row('harbour', 4.1, 1),
    row('utf16', 16.1, 5, true),
    row('quay', 10.2, 3, true),
    { token: [{ text: '<img src=x onerror="panelTest.violations.push(1)">', glyph: false }], bits: undefined, band: undefined, standsOut: false, rank: undefined, alternatives: [] }, // prettier-ignore
  ],
  moreTokens: 0,
  bandEdges: [3, 5, 8, 11, 15],
  palette: 'violet',
  provenance: tuesday.provenance,
};

describe('panel page of a text before it is inserted', function () {
  this.timeout(60_000);
  const pages = servedPages('panel', { isFaultless: true });

  async function open(state = passage, theme = themes[0] ?? 'vscode-light'): Promise<Page> {
    const page = await pages.open(undefined, theme, 520);
    await show(page, state);
    return page;
  }
  const focusedRow = (page: Page) => page.evaluate(() => document.activeElement?.closest('tr')?.dataset['row']);

  it('lists every token with bits, rank and what was expected instead, as a table', async () => {
    const page = await open();
    const table = page.getByRole('table', { name: 'Tokens of the text in their order, with the bits they would have' });
    assert.deepEqual(await table.getByRole('columnheader').allTextContents(), ['#', 'Token', 'Bits', 'Rank', 'Expected instead']);
    assert.equal(await table.getByRole('row').count(), 5);
    assert.deepEqual(await table.locator('tr[data-row="1"] > *').allTextContents(), ['2', '·utf16', '16.1', '3,513', '·sea 40.0%, ·bay 20.0%, ·port 13.3%']); // prettier-ignore
    assert.deepEqual(await table.locator('tr[data-row="3"] > *').allTextContents(), ['4', '<img src=x onerror="panelTest.violations.push(1)">', '–', '–', '']); // prettier-ignore
    assert.equal(await table.getByRole('rowheader', { name: 'space utf16, which stands out' }).count(), 1);
    assert.equal(await page.getByRole('region', { name: 'Before it is inserted' }).count(), 1);
    const text = await page.locator('main').innerText();
    for (const said of [passage.summary, ...passage.notes.map(note => note.slice(1)), passage.provenance])
      assert.ok(text.includes(said), said);
  });

  it('is worked by keys alone: rows by arrows, one of them in the tab order; the buttons; Escape', async () => {
    const page = await open();
    const reached: (string | undefined)[] = [];
    for (let step = 0; step < 12 && reached.at(-1) !== 'row'; step++) {
      await page.keyboard.press('Tab');
      reached.push(
        await page.evaluate(() => (document.activeElement?.tagName === 'TR' ? 'row' : (document.activeElement?.textContent ?? undefined))),
      );
    }
    assert.deepEqual(reached.slice(-3), ['Insert it', 'Close', 'row']);
    assert.equal(await focusedRow(page), '1', 'the first that stands out');
    assert.match(await page.locator('.expected').innerText(), /Expected in place of token 2: ·utf16[^]*·town/);
    const steps = [['ArrowDown', '2'], ['ArrowDown', '3'], ['ArrowDown', '3'], ['Home', '0'], ['ArrowUp', '0'], ['End', '3'], ['PageUp', '0']] as const; // prettier-ignore
    for (const [key, expected] of steps) {
      await page.keyboard.press(key);
      assert.equal(await focusedRow(page), expected, key);
    }
    assert.equal(await page.locator('tr[tabindex="0"]').count(), 1);
    assert.match(await page.locator('.expected').innerText(), /token 1: ·harbour/);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    assert.deepEqual(await posted(page), [
      { kind: 'insert', passage: 7 },
      { kind: 'close', passage: 7 },
    ]);
  });

  it('keeps the row that is looked at while it is drawn anew, and begins anew with another text', async () => {
    const page = await open();
    await page.locator('tr[data-row="2"]').focus();
    await show(page, { ...passage, palette: 'ember' });
    assert.match(await page.locator('.expected').innerText(), /token 3/);
    await show(page, { ...passage, passage: 8 });
    assert.match(await page.locator('.expected').innerText(), /token 2/);
  });

  it('gives way to a distribution and comes back', async () => {
    const page = await open();
    await show(page, tuesday);
    assert.equal(await page.locator('tr[data-row]').count(), 0);
    await show(page, { ...passage, moreTokens: 12 });
    assert.equal(await page.locator('tr[data-row]').count(), 4);
    assert.match(await page.locator('.passage').innerText(), /12 tokens more/);
  });

  it('reads it aloud when asked to', async () => {
    const page = await open();
    await page.locator('.read').focus();
    await page.keyboard.press('Enter');
    assert.match(await page.getByRole('status').innerText(), /^4 tokens, 31 bits.*weakest “utf16”/);
  });

  for (const theme of themes) {
    it(`can be read in ${theme}`, async () => {
      const page = await open(passage, theme);
      assert.deepEqual(await lowContrast(page), []);
      assert.deepEqual(await seriousFaults(page), []);
      const pictures = process.env['PICTURES'];
      if (pictures) await page.screenshot({ path: `${pictures}/passage-${theme}.png` });
    });
  }
});
