import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { pathToFileURL } from 'node:url';
import { run, Scratch, tinyModel } from './run';

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

  it('holds the source character by character, runs nothing, fetches nothing, in light and dark', async () => {
    assert.ok(browser);
    const file = scratch.file('hostile.txt', `\ufeff${hostile}`);
    const { code, stdout } = await run(['score', file, '--format', 'html', '--model', tinyModel]);
    assert.equal(code, 0);
    const address = pathToFileURL(scratch.file('page.html', stdout)).href;
    const grounds: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ colorScheme });
      const requests: string[] = [];
      const messages: string[] = [];
      page.on('request', request => requests.push(request.url()));
      page.on('console', message => messages.push(message.text()));
      await page.goto(address);
      const seen = await page.evaluate(() => ({
        text: document.querySelector('pre')?.textContent,
        title: document.title,
        elements: document.querySelectorAll('script, img, link, iframe, pre h1').length,
        headings: document.querySelectorAll('h1').length,
        ground: getComputedStyle(document.body).backgroundColor,
        strongest: getComputedStyle(document.querySelector('.legend .b5') ?? document.body).textDecorationLine,
        titles: [...document.querySelectorAll('pre [title]')].map(element => element.getAttribute('title') ?? ''),
        legend: document.querySelector('.legend')?.textContent ?? '',
        footer: document.querySelector('footer')?.textContent ?? '',
      }));
      assert.equal(seen.text, `\ufeff${hostile}`);
      assert.equal(seen.title, 'hostile.txt – Token Lens');
      assert.deepEqual([seen.elements, seen.headings], [0, 1]);
      assert.deepEqual(requests, [address]);
      assert.deepEqual(messages, []);
      assert.equal(seen.strongest, 'underline');
      assert.ok(
        seen.titles.length > 50 &&
          seen.titles.every(title => /bits, .*rank .*everything else$/s.test(title) || title.endsWith('no token in the vocabulary')),
      );
      assert.match(seen.legend, /below 6 bits.*15 bits and more/);
      assert.match(seen.footer, /tiny-gpt2 · sha256 [0-9a-f]{12} · fp32, native arithmetic/);
      grounds.push(seen.ground);
      await page.close();
    }
    assert.deepEqual(grounds, ['rgb(255, 255, 255)', 'rgb(31, 31, 31)']);
  });
});
