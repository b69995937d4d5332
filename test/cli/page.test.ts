import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { pathToFileURL } from 'node:url';
import { formatBits, formatPercent } from '../../src/core/numberText';
import { seriousFaults } from '../panel/axe';
import { run, Scratch, scoreJson, tinyModel } from './run';

const browserPaths = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

describe('command line: the html page in a browser', () => {
  const scratch = new Scratch();
  let browser: Browser | undefined;
  before(async () => {
    const executablePath = browserPaths.find(path => path !== undefined && existsSync(path));
    browser = await chromium.launch({
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
      ...(executablePath === undefined ? {} : { executablePath }),
    });
  });
  after(async () => {
    await browser?.close();
    scratch.remove();
  });

  const hostile = [
    '\n\nTwo lines first, Zoë said “naïve” 🦊👩‍👩‍👧‍👦.\r\n',
    '<script>document.title = "run"</script><img src=x onerror="document.title=\'run\'">\r',
    '</pre></main><h1>&amp; &#65; "quoted" \'single\' \u0001\u0004\u001b[31m\u0085\u009b\u2028\u202e end\ufeff\ttab \u00a0 <!-- --> \n',
  ].join('');

  it('keeps line breaks at the very start', async () => {
    assert.ok(browser);
    const { stdout } = await run(['score', '-', '--format', 'html', '--model', tinyModel], '\n\n one\n');
    const page = await browser.newPage();
    await page.setContent(stdout);
    assert.equal(await page.locator('pre').evaluate(element => element.textContent), '\n\n one\n');
    assert.equal(await page.locator('h1').textContent(), 'Standard input');
    await page.close();
  });

  /** A page as a pupil opens it: from a file. What it asks of a network, and what it complains of, is kept. */
  async function opened(file: string, colorScheme: 'light' | 'dark' = 'light') {
    assert.ok(browser);
    const page = await browser.newPage({ colorScheme });
    const requests: string[] = [];
    const messages: string[] = [];
    page.on('request', request => requests.push(request.url()));
    page.on('console', message => messages.push(message.text()));
    page.on('pageerror', error => messages.push(error.message));
    const address = pathToFileURL(file).href;
    await page.goto(address);
    return { page, requests, messages, address };
  }

  async function pageOf(name: string, content: string, ...words: readonly string[]): Promise<string> {
    const file = scratch.file(name, content);
    const { code, stdout } = await run(['score', file, '--format', 'html', '--model', tinyModel, ...words]);
    assert.equal(code, 0);
    return scratch.file(`${name}.html`, stdout);
  }

  it('holds the source character by character, runs nothing of it, fetches nothing, in light and dark', async () => {
    const file = await pageOf('hostile.txt', `\ufeff${hostile}`);
    const grounds: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, requests, messages, address } = await opened(file, colorScheme);
      const seen = await page.evaluate(() => ({
        text: document.querySelector('pre')?.textContent,
        title: document.title,
        elements: document.querySelectorAll('img, link, iframe, pre script, pre h1').length,
        headings: document.querySelectorAll('h1').length,
        ground: getComputedStyle(document.body).backgroundColor,
        strongest: getComputedStyle(document.querySelector('.legend .b5') ?? document.body).textDecorationLine,
        legend: document.querySelector('.legend')?.textContent ?? '',
        footer: document.querySelector('footer')?.textContent ?? '',
      }));
      assert.equal(seen.text, `\ufeff${hostile}`);
      assert.equal(seen.title, 'hostile.txt – Token Lens');
      assert.deepEqual([seen.elements, seen.headings], [0, 1]);
      assert.deepEqual(requests, [address]);
      assert.deepEqual(messages, []);
      assert.equal(seen.strongest, 'underline');
      assert.match(seen.legend, /below 6 bits.*15 bits and more/);
      assert.match(seen.footer, /tiny-gpt2 · sha256 [0-9a-f]{12} · fp32, native arithmetic/);
      grounds.push(seen.ground);
      await page.close();
    }
    assert.deepEqual(grounds, ['rgb(255, 255, 255)', 'rgb(31, 31, 31)']);
  });

  it('opens what the model expected by click and by key, with the numbers of the JSON', async () => {
    const text = 'The harbour was quiet.\nZoë 🦊 slept.';
    const { tokens } = await scoreJson([scratch.file('numbers.txt', text), '--model', tinyModel]);
    const { page, requests, messages, address } = await opened(await pageOf('open.txt', text));
    const card = page.locator('#card');
    const token = page.locator('pre > span');
    const isOpen = () => card.isVisible();
    const opensAt = () => page.evaluate(() => document.querySelector('pre > span[aria-expanded="true"]')?.textContent);

    const third = tokens[2];
    assert.ok(third?.surprisalBits);
    assert.equal(await isOpen(), false);
    await token.nth(2).click();
    assert.equal(await opensAt(), text.slice(third.start, third.end));
    const shown = await card.innerText();
    assert.ok(shown.includes(`${formatBits(third.surprisalBits)} bits`), shown);
    const rows = await card.locator('tbody tr').allInnerTexts();
    const isAmongTop = third.topIds.includes(third.id);
    assert.equal(rows.length, 10 + (isAmongTop ? 1 : 2), 'the top ten, the token of the text, everything else');
    for (const [index, probability] of third.topProbabilities.entries()) assert.ok(rows[index]?.includes(`${formatPercent(probability)}%`));
    assert.equal(rows.filter(row => row.includes('in the text')).length, 1);
    assert.match(rows.at(-1) ?? '', /everything else/);
    assert.match(await page.locator('#said').innerText(), /bits, rank [\d,]+, expected /);

    await page.keyboard.press('ArrowRight');
    assert.equal(await opensAt(), await token.nth(3).textContent(), 'an open card goes along');
    await page.keyboard.press('Escape');
    assert.equal(await isOpen(), false);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), await token.nth(3).textContent(), 'the focus stays');
    await page.keyboard.press('Space');
    assert.equal(await isOpen(), true);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Close');
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), await token.nth(3).textContent());
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    assert.equal(await opensAt(), await token.last().textContent());
    await page.keyboard.press('ArrowUp');
    const above = await page.evaluate(() => document.activeElement?.getBoundingClientRect().top ?? NaN);
    assert.ok(above < ((await token.last().boundingBox())?.y ?? NaN) - 10, 'the line above');
    // This model has no ranks of five digits.
    const heights = await card.locator('tbody tr').evaluateAll(all => {
      for (const row of all) if (row.firstElementChild?.textContent) row.firstElementChild.textContent = '49,152';
      return all.map(row => row.firstElementChild?.getClientRects()[0]?.height ?? 0);
    });
    assert.ok(Math.max(...heights) < 1.5 * Math.min(...heights), heights.join());

    await page.locator('h1').click();
    assert.equal(await isOpen(), false, 'a click elsewhere closes it');

    assert.equal(await page.locator('[tabindex="0"]').count(), 1, 'Tab stops once in the text');
    assert.equal(await page.locator('pre [role]').count(), 1);
    const outline = await page.evaluate(() => {
      const current = document.querySelector<HTMLElement>('pre [tabindex="0"]');
      current?.focus();
      return current ? getComputedStyle(current).outlineWidth : '';
    });
    assert.equal(outline, '2px');
    assert.deepEqual([requests, messages], [[address], []]);
    await page.close();
  });

  it('has nothing that axe-core finds serious, closed and open, in light, dark and forced colours', async () => {
    const file = await pageOf('axe.txt', 'The harbour was quiet.\nZoë 🦊 slept.');
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const forcedColors of ['none', 'active'] as const) {
        const { page } = await opened(file, colorScheme);
        await page.emulateMedia({ forcedColors });
        assert.deepEqual(await seriousFaults(page), []);
        await page.locator('pre > span').nth(2).click();
        assert.equal(await page.locator('#card').isVisible(), true);
        assert.deepEqual(await seriousFaults(page), []);
        await page.close();
      }
    }
  });

  it('an emoji of several tokens shows each; a token without a score says why', async () => {
    const { page, messages } = await opened(await pageOf('several.txt', 'a🦊', '--no-start-token'));
    await page.locator('pre > span').first().click();
    assert.match(await page.locator('#card').innerText(), /No score: nothing before it/);
    await page.locator('pre > span').last().click();
    assert.match(await page.locator('#card').innerText(), /This character is \d tokens.*1 of \d/s);
    assert.deepEqual(messages, []);
    await page.close();
  });

  it('no text becomes markup or breaks the data, whatever is in it', async () => {
    const pieces = [
      '<script>',
      '</script>',
      '<!--',
      '-->',
      '</pre>',
      ']]>',
      '&amp;',
      '&#60;',
      '"',
      "'",
      '`',
      '\\',
      '\u2028',
      '\r',
      '\n',
      '\t',
      '<svg/onload=alert(1)>',
      '{{',
      '🦊',
      '\u202e',
      ' ',
      'a',
      '\u0001',
      '</style>',
      'é',
    ];
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 6; round++) {
      const text = Array.from({ length: 120 }, () => pieces[random(pieces.length)] ?? '').join('');
      const { page, requests, messages, address } = await opened(await pageOf(`fuzz-${String(round)}.txt`, text));
      const seen = await page.evaluate(() => ({
        text: document.querySelector('pre')?.textContent,
        strange: document.querySelectorAll('pre :not(span, i), svg, style ~ style, body > script ~ script ~ script').length,
      }));
      assert.equal(seen.text, text);
      assert.equal(seen.strange, 0);
      const tokens = page.locator('pre > span');
      for (let step = 0; step < 20; step++) {
        await page.evaluate(index => document.querySelectorAll<HTMLElement>('pre > span')[index]?.click(), random(await tokens.count()));
        assert.deepEqual(
          await page.locator('#card :not(button, h2, h3, p, dl, div, dt, dd, table, caption, thead, tbody, tr, th, td, span, bdi)').count(),
          0,
        );
      }
      assert.deepEqual([requests, messages], [[address], []]);
      await page.close();
    }
  });

  it('20,000 tokens open and answer', async () => {
    const words = ['the', 'quiet', 'harbour', 'was', 'of', 'and', '42', 'older'];
    const text = Array.from({ length: 400 }, (_, line) =>
      Array.from({ length: 14 }, (_, index) => words[(line * index + (line >> 2)) % 8]).join(' '),
    ).join('\n');
    const { page, messages } = await opened(await pageOf('large.txt', text, '--threads', '2'));
    const tokens = page.locator('pre > span');
    assert.ok((await tokens.count()) > 15_000);
    await tokens.last().click();
    assert.equal((await page.locator('#card tbody tr').count()) >= 11, true);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Home');
    assert.equal(
      await page.evaluate(() => document.querySelector('pre > span[aria-expanded="true"]')?.textContent),
      await tokens.first().textContent(),
    );
    assert.deepEqual(messages, []);
    await page.close();
  });
});
