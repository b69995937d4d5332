import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import type { PanelState } from '../../src/views/panelProtocol';
import { hostile, lowContrast, PanelServer, servedPages, show, violationsOf } from './panelPage';
import { insideWord, rows, tuesday, watching, word } from './states';
import { themes, themeVariables, type Theme } from './themes';

const longToken = [{ text: 'x'.repeat(300), glyph: false }];
const busy: PanelState = { kind: 'message', headline: 'Loading SmolLM2-135M…', text: 'It runs on this computer.', busy: true };
const tall: PanelState = { ...tuesday, rows: rows(Array.from({ length: 50 }, () => word('many'))) };

describe('panel page', function () {
  this.timeout(60_000);
  const { open, server } = servedPages('panel', { usualWidth: 520 });

  async function rowTexts(page: Page): Promise<(string | null)[][]> {
    const all = await page.locator('.rows tbody tr:not([aria-hidden])').all();
    return Promise.all(
      all.map(async row => Promise.all((await row.locator(':is(th, td):not([aria-hidden])').all()).map(cell => cell.textContent()))),
    );
  }

  it('says ready, and nothing else, before it is told anything', async () => {
    const page = await open();
    assert.deepEqual(await page.evaluate(() => window.panelTest.posted), [{ kind: 'ready' }]);
  });

  it('shows the rows, the actual token with its rank, and everything else', async () => {
    const page = await open(tuesday);
    assert.deepEqual(await rowTexts(page), [
      ['1', '·Paris', '46.1%'],
      ['2', '·London', '8.9%'],
      ['3', '·capital', '5.4%'],
      ['4', '·the', '4.6%'],
      ['5', '·New', '4.0%'],
      ['6', '·France', '3.3%'],
      ['7', '·not', '2.3%'],
      ['8', '·Capital', '2.2%'],
      ['1,150', '·Tuesday', '0.001%'],
      ['', 'everything else', '19.5%'],
    ]);
    const text = await page.locator('main').innerText();
    for (const sentence of [
      'Stronger colour = more surprising to SmolLM2-135M. It read 52 tokens before this place.',
      'entropy 4.3 bits: like choosing among 20 equal tokens',
      'Your text continues with ·Tuesday: 16.2 bits, rank 1,150.',
      tuesday.provenance,
      'plain below 6 bits',
      '15 and more',
    ]) {
      assert.ok(text.includes(sentence), sentence);
    }
  });

  it('puts the actual token among the rows where its rank is', async () => {
    const actual = { ...(tuesday.rows[2] ?? assert.fail()), surprisalBits: 4.2, position: 2, afterGap: false };
    const page = await open({ ...tuesday, rows: tuesday.rows.filter(row => row.rank !== 3), actual });
    assert.deepEqual(
      (await rowTexts(page)).map(row => row[0]),
      ['1', '2', '3', '4', '5', '6', '7', '8', ''],
    );
    assert.equal(await page.locator('tr[aria-current=true] th').textContent(), '·capital');
    assert.equal(await page.locator('tr.gap').count(), 0);
  });

  it('is a table with a caption and headers to a screen reader, without its drawings', async () => {
    const page = await open(tuesday);
    const table = page.getByRole('table', { name: 'Tokens SmolLM2-135M expects next, most probable first' });
    assert.deepEqual(await table.getByRole('columnheader').evaluateAll(all => all.map(each => each.getAttribute('aria-label'))), [
      'Rank',
      'Token',
      'Probability',
    ]);
    assert.equal(await table.getByRole('row').count(), 11);
    assert.equal(await table.getByRole('row', { name: '2 space London 8.9%', exact: true }).getByRole('cell').count(), 2);
    assert.equal(await table.getByRole('rowheader', { name: 'space Tuesday, which is how your text continues' }).count(), 1);
    assert.deepEqual(await page.getByRole('heading').allTextContents(), [
      'Next token',
      'Before the cursor',
      'What it expects next',
      'Continue',
      'Along the document',
    ]);
    const strip = page.getByRole('slider', { name: 'Bits per token along the document. Arrow keys move, Enter goes there.' });
    assert.match(
      (await strip.getAttribute('aria-description')) ?? '',
      /^Highest: [\d.]+ bits, \d+% of the way through\. The cursor is 93% of the way through\.$/,
    );
    assert.equal(await strip.count(), 1);
  });

  /** What the page asked for but `ready`. */
  const asked = async (page: Page) => (await page.evaluate(() => window.panelTest.posted)).slice(1);
  const shareOf = (column: number) => ({ kind: 'reveal', share: (column + 0.5) / 54 });

  it('asks for the place of the column of the strip that is clicked', async () => {
    const page = await open(tuesday);
    await page.locator('.strip').scrollIntoViewIfNeeded();
    const box = await page.locator('.strip').boundingBox();
    assert.ok(box);
    for (const column of [0, 20, 53]) await page.mouse.click(box.x + (box.width * (column + 0.5)) / 54, box.y + 10);
    assert.deepEqual(await asked(page), [0, 20, 53].map(shareOf));
  });

  it('moves along the strip by keys, says where it is, and asks only for what Enter is pressed on', async () => {
    const page = await open(tuesday);
    const strip = page.getByRole('slider');
    for (let step = 0; step < 40 && !(await strip.evaluate(element => element === document.activeElement)); step++)
      await page.keyboard.press('Tab');
    const at = () => strip.getAttribute('aria-valuetext');
    const scrolled = await page.evaluate(() => window.scrollY);
    assert.match((await at()) ?? '', /^93% of the way through, up to [\d.]+ bits$/);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowLeft');
    assert.match((await at()) ?? '', /^0% /);
    for (let step = 0; step < 7; step++) await page.keyboard.press('ArrowRight');
    assert.equal(await at(), '13% of the way through, not scored yet');
    await page.keyboard.press('PageUp');
    assert.deepEqual(await asked(page), []);
    await page.keyboard.press('Enter');
    assert.deepEqual(await asked(page), [shareOf(17)]);
    assert.equal(await page.evaluate(() => window.scrollY), scrolled, 'keys of the strip scrolled the page');

    await show(page, { ...tuesday, updating: true });
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Enter');
    assert.deepEqual(await asked(page), [shareOf(17), shareOf(16)], 'the strip lost its place or the focus when the page was drawn again');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    assert.deepEqual((await asked(page)).at(-1), shareOf(53));
  });

  it('adds a column given what is typed inside a word, and says so', async () => {
    const page = await open(insideWord);
    assert.deepEqual(await rowTexts(page), [
      ['112', '·harbour', '0.080%', '62.0%'],
      ['190', '·harbor', '0.045%', '35.0%'],
      ['1', '·night', '12.0%', '0%'],
      ['2', '·bay', '8.0%', '0%'],
      ['', 'everything else', '79.9%', '3.0%'],
    ]);
    assert.equal(
      await page.locator('section > div > .note').textContent(),
      'The cursor is inside a word. The model was asked at its start; rows that continue “·harb” come first.',
    );
    assert.equal(await page.getByRole('columnheader', { name: 'Probability given what is typed' }).count(), 1);
  });

  it('says when no token continues what is typed, and when only white space is typed', async () => {
    const none = insideWord.rows.map(row => ({ ...row, givenTyped: 0 }));
    const page = await open({ ...insideWord, rows: none, everythingElseGivenTyped: 0 });
    assert.match((await page.locator('section > div > .note').textContent()) ?? '', /no single token continues “·harb”\.$/);
    await show(page, { ...insideWord, typed: [{ text: '··', glyph: true }] });
    assert.match(
      (await page.locator('section > div > .note').textContent()) ?? '',
      /^The cursor stands after white space .* asked before it; rows that continue “··” come first\.$/,
    );
  });

  it('says what to know before reading any number, where there is something', async () => {
    const page = await open({ ...tuesday, reading: 'SmolLM2-135M mostly reads English.' });
    assert.equal(await page.getByRole('note').textContent(), 'SmolLM2-135M mostly reads English.');
    await show(page, tuesday);
    assert.equal(await page.getByRole('note').count(), 0);
  });

  it('draws bars in proportion to the probability, a sliver for the improbable', async () => {
    const page = await open(tuesday);
    const widths = await page.locator('.bar').evaluateAll(bars => bars.map(bar => bar.getBoundingClientRect().width));
    const cell = await page
      .locator('td.share')
      .first()
      .evaluate(each => each.getBoundingClientRect().width);
    const expected = [...tuesday.rows.map(row => row.probability), 0, tuesday.everythingElse].map(share =>
      Math.max(2, (share / 0.5) * cell),
    );
    widths.forEach((width, index) =>
      assert.ok(Math.abs(width - (expected[index] ?? NaN)) < 0.1, `bar ${index}: ${width}, not ${expected[index]}`),
    );
    assert.equal(widths.length, 10);
  });

  it('shows the text before the cursor in its bands', async () => {
    const page = await open(tuesday);
    const runs = await page
      .locator('.run')
      .evaluateAll(all => all.map(run => [run.textContent, run.getAttribute('class')?.replace('run band', '')]));
    assert.deepEqual(runs, [
      ['capital', '1'],
      ['France', '3'],
      ['harbour', '4'],
      [' and the ', '2'],
      ['manxhattan', '5'],
    ]);
    const style = (band: number, theme: Theme) =>
      open(tuesday, theme).then(page =>
        page
          .locator(`.run.band${band}`)
          .evaluate(run => [
            getComputedStyle(run).backgroundColor,
            getComputedStyle(run).textDecorationStyle,
            getComputedStyle(run).textDecorationLine,
          ]),
      );
    assert.deepEqual(await style(4, 'vscode-light'), ['rgba(130, 80, 223, 0.31)', 'dashed', 'underline']);
    assert.deepEqual(await style(5, 'vscode-high-contrast'), ['rgba(0, 0, 0, 0)', 'solid', 'underline']);
    assert.deepEqual(await style(3, 'vscode-high-contrast-light'), ['rgba(0, 0, 0, 0)', 'dashed', 'underline']);
  });

  it('shows a strip for each watched word on the same columns, from 0 to 100%, and the exact probability at the cursor', async () => {
    const page = await open(watching);
    const figures = page.locator('figure');
    assert.deepEqual(await figures.locator('figcaption').allTextContents(), [
      'seapeak 50.0% · at the cursor: 3.4% (exact)',
      'harbour, its first piecepeak 2.0% · whole word at the cursor: being computed',
    ]);
    const columns = await figures
      .first()
      .locator('rect')
      .evaluateAll(all => all.map(each => [each.getAttribute('class'), Number(each.getAttribute('height'))]));
    assert.deepEqual(columns.slice(0, 4), [
      ['column band5', 0.5],
      ['column band3', 0.06],
      ['column band0', 0.02],
      ['column unscored', 0.025],
    ]);
    const widths = await page.locator('svg.strip').evaluateAll(all => all.map(each => each.getBoundingClientRect().width));
    assert.deepEqual([widths.length, new Set(widths).size], [3, 1]);
    assert.equal(
      await page.getByRole('img', { name: 'Probability of sea along the document. Highest: 50.0%, 0% of the way through.' }).count(),
      1,
    );
    assert.equal(await page.getByRole('img', { name: /^Probability of the first piece of harbour along the document\. / }).count(), 1);
    assert.equal(await page.getByRole('group', { name: /^Watched: how probable each was/ }).count(), 1);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('says of watched words what is not known, not scored, out of date, or of before the typed text', async () => {
    const [sea, harbour] = watching.watched;
    assert.ok(watching.shape && sea && harbour);
    const page = await open({
      ...watching,
      typed: word('s'),
      shape: { ...watching.shape, stale: true },
      watched: [
        { ...sea, here: null },
        { ...harbour, peaks: harbour.peaks.map(() => null), here: 0 },
      ],
    });
    assert.deepEqual(await page.locator('figcaption .numbers').allTextContents(), [
      'peak 50.0% · being updated · at the cursor: not known',
      'not scored yet · being updated · whole word at the cursor: 0% (exact)',
    ]);
    assert.equal(await page.locator('figure .strip.stale').count(), 2);
    assert.match((await page.locator('.watched .note').textContent()) ?? '', /At the cursor: before anything of the word was typed\.$/);
    await show(page, tuesday);
    assert.equal(await page.locator('figure, .watched').count(), 0);
  });

  it('keeps hostile text as text, everywhere it can be', async () => {
    const token = [{ text: hostile, glyph: false }];
    const row = { id: 1, rank: 1, token, probability: 0.5, givenTyped: 0.5 };
    const page = await open({
      ...tuesday,
      model: hostile,
      provenance: hostile,
      before: [
        { text: hostile, band: 0 },
        { text: hostile, band: 5 },
      ],
      typed: token,
      rows: [row],
      actual: { ...row, surprisalBits: 1, position: 1, afterGap: false },
      watched: [{ word: hostile, whole: false, peaks: [0.5], here: 0.5 }],
    });
    assert.equal(await page.locator('img, main script').count(), 0);
    assert.equal(await page.locator('tbody th').first().textContent(), hostile);
    assert.equal(await page.locator('figcaption .token').textContent(), hostile);
    await show(page, { kind: 'message', headline: hostile, text: hostile, busy: false });
    assert.equal(await page.locator('img, main script').count(), 0);
    assert.equal(await page.getByRole('heading', { level: 2 }).textContent(), hostile);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('works under its policy, which is in force, and fetches its two files only', async () => {
    server().requests.length = 0;
    const page = await open(tuesday);
    for (const state of [insideWord, busy, tuesday]) await show(page, state);
    assert.deepEqual(await violationsOf(page), []);
    assert.deepEqual([...new Set(server().requests)].filter(url => url !== '/favicon.ico').sort(), ['/', '/panel.css', '/panel.js']);
    const policy = (await page.locator('meta[http-equiv]').getAttribute('content')) ?? '';
    assert.match(policy, /^default-src 'none'; script-src http:\/\/127\.0\.0\.1:\d+; style-src http:\/\/127\.0\.0\.1:\d+$/);
    await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
    await page.waitForFunction(() => window.panelTest.violations.length > 0);
    assert.match((await violationsOf(page)).join(), /^style-src/);
  });

  for (const theme of themes) {
    it(`says what bands are drawn with, in the colours that the document has: ${theme}`, async () => {
      const isContrast = theme.startsWith('vscode-high-contrast');
      const page = await open(tuesday, theme);
      const leads = await page.locator('.lead:visible').allInnerTexts();
      assert.deepEqual(
        leads.map(lead => lead.split(' = ')[0]),
        [isContrast ? 'Stronger line' : 'Stronger colour'],
      );
      for (const palette of ['ember', 'tide', 'violet'] as const) {
        await show(page, { ...tuesday, palette });
        const name = palette === 'violet' ? 'tokenLens-' : `tokenLens-${palette}.`;
        const expected = themeVariables(theme);
        for (const band of [1, 2, 3, 4, 5]) {
          const drawn = await page.locator(`.legend .swatch.band${band}`).evaluate(
            (swatch, colours) => {
              const probe = document.createElement('i');
              document.body.append(probe);
              const computed = colours.map(colour => {
                probe.style.color = colour;
                return getComputedStyle(probe).color;
              });
              probe.remove();
              const { backgroundColor, textDecorationLine, textDecorationColor } = getComputedStyle(swatch);
              return { backgroundColor, line: textDecorationLine === 'none' ? '' : textDecorationColor, computed };
            },
            [expected[`--vscode-${name}band${band}Background`] ?? '', expected[`--vscode-${name}band${band}Underline`] ?? ''],
          );
          const [background, line] = drawn.computed;
          assert.equal(drawn.backgroundColor, isContrast ? 'rgba(0, 0, 0, 0)' : background, `${palette} ${band}`);
          assert.equal(drawn.line, isContrast || band > 3 ? line : '', `${palette} ${band}`);
        }
      }
    });

    it(`has readable text and no sideways scrolling at any width: ${theme}`, async () => {
      const wide = [
        ...rows([word('Paris'), longToken]),
        { id: 49151, rank: 49152, token: word('Tuesday'), probability: 1e-9, givenTyped: undefined },
      ];
      const given = wide.map(row => ({ ...row, givenTyped: 0.3 }));
      const states: PanelState[] = [
        { ...tuesday, rows: wide, before: [{ text: 'y'.repeat(160), band: 5 }] },
        { ...insideWord, rows: given },
        insideWord,
        tuesday,
        { ...watching, watched: [{ word: 'x'.repeat(40), whole: false, peaks: [0.5], here: undefined }] },
        busy,
      ];
      for (const width of [320, 520, 900]) {
        const page = await open(undefined, theme, width);
        for (const state of states) {
          await show(page, state);
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${width} px wide: scrolls sideways`);
          const outside = await page.locator('td:not(.share), th').evaluateAll((cells, limit) => {
            const overflowing = cells.filter(cell => cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > limit);
            return overflowing.map(cell => cell.textContent);
          }, width);
          assert.deepEqual(outside, [], `${width} px wide: cut off`);
        }
      }
      assert.deepEqual(await lowContrast(await open(tuesday, theme)), []);
      assert.deepEqual(await lowContrast(await open(insideWord, theme)), []);
      assert.deepEqual(await lowContrast(await open(watching, theme)), []);
    });
  }

  it('can be read by keyboard, without a trap', async () => {
    const page = await open(tall);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'MAIN');
    await page.keyboard.press('PageDown');
    await page.waitForFunction(() => window.scrollY > 100);
    await page.keyboard.press('Tab');
    const passed: (string | null | undefined)[] = [await page.evaluate(() => document.activeElement?.textContent)];
    while (passed.at(-1) !== 'BODY' && passed.length < 40) {
      await page.keyboard.press('Tab');
      passed.push(await page.evaluate(() => document.activeElement?.getAttribute('role') ?? document.activeElement?.tagName));
    }
    const table = ['INPUT', 'SELECT', 'INPUT', 'SUMMARY', 'TR', 'BUTTON', 'SUMMARY'];
    const continuation = ['INPUT', 'BUTTON', 'BUTTON', 'BUTTON', 'BUTTON', 'BUTTON'];
    assert.deepEqual(passed, ['Read the prediction aloud', ...table, ...continuation, 'SUMMARY', 'slider', 'BODY']);
  });

  it('announces nothing by itself, and the prediction when asked', async () => {
    const page = await open(tuesday);
    const status = page.locator('main > [role=status]');
    assert.equal(await page.locator('[aria-live], [role=alert]').count(), 0);
    assert.equal((await page.locator('[role=status]').allTextContents()).join(''), '');
    assert.equal(await status.textContent(), '');
    const button = page.getByRole('button', { name: 'Read the prediction aloud' });
    await button.focus();
    await page.keyboard.press('Enter');
    assert.equal(
      await status.textContent(),
      'SmolLM2-135M expects space Paris 46.1%, space London 8.9%, space capital 5.4%; entropy 4.3 bits: like choosing among 20 equal tokens. Your text continues with space Tuesday: 16.2 bits, rank 1,150.',
    );
    await show(page, { ...tuesday, updating: true });
    assert.equal(await status.textContent(), '');
    assert.ok(await button.evaluate(each => each === document.activeElement), 'the focus is lost when the page is drawn again');
  });

  it('is marked busy while an answer is awaited', async () => {
    const page = await open(busy);
    const isBusy = () => page.getByRole('main').getAttribute('aria-busy');
    assert.equal(await isBusy(), 'true');
    await show(page, { ...tuesday, updating: true });
    assert.equal(await isBusy(), 'true');
    await show(page, tuesday);
    assert.equal(await isBusy(), 'false');
  });

  it('keeps its scroll position from one answer to the next, through a message and through being hidden', async () => {
    const page = await open(tall);
    await page.evaluate(() => window.scrollTo(0, 300));
    await page.waitForFunction(() => (window.panelTest.saved as { scrollY?: number } | undefined)?.scrollY === 300);
    const scrolled = () => page.evaluate(() => window.scrollY);
    await show(page, { ...tall, entropyBits: 1 });
    assert.equal(await scrolled(), 300);
    await show(page, busy);
    await page.waitForTimeout(100);
    await show(page, tall);
    assert.equal(await scrolled(), 300);
    const again = await open(tall, 'vscode-dark', 520, { scrollY: 300 });
    assert.equal(await again.evaluate(() => window.scrollY), 300);
  });

  it('moves nothing for people who do not want motion', async () => {
    const page = await open();
    const animation = () => page.locator('.progress').evaluate(bar => getComputedStyle(bar).animationName);
    await show(page, busy);
    assert.equal(await animation(), 'slide');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    assert.equal(await animation(), 'none');
  });

  it('speaks the editor’s language, its numbers too', async () => {
    const strings = JSON.parse(readFileSync('l10n/bundle.l10n.de.json', 'utf8')) as Readonly<Record<string, string>>;
    const german = await PanelServer.start('panel', { name: 'de', strings });
    try {
      const page = await german.open('vscode-dark', 700);
      await show(page, tuesday);
      assert.equal(await page.locator('html').getAttribute('lang'), 'de');
      const headings = await page.locator('h2').allTextContents();
      assert.ok(headings.includes('Was es als Nächstes erwartet'), headings.join());
      const text = (await page.locator('main').textContent()) ?? '';
      assert.doesNotMatch(text, /\d\.\d+ ?%/);
      assert.match(text, /\d,\d+ ?%/);
      assert.match(text, /Kräftigere Farbe = überraschender für SmolLM2-135M\. Vor dieser Stelle hat es \d+ Token gelesen\./);
      assert.deepEqual(await violationsOf(page), []);
    } finally {
      await german.stop();
    }
  });
});
