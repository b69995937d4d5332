// Lets tests inside VS Code's extension host look at and work the window they run in: a small server on the loopback address, one command a request.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/** @typedef {{ readonly command: string, readonly argument: string, readonly options?: { readonly x?: number, readonly y?: number, readonly pauseMs?: number, readonly lastWhen?: string } }} ControlRequest */

/**
 * @param {() => import('playwright-core').Page} page
 * @param {string | undefined} pictures Folder for screenshots; undefined: none are kept.
 * @param {() => string} [events] What VS Code itself has to say of its processes.
 * @returns {Promise<{ readonly address: string, readonly close: () => void }>}
 */
export async function startControl(page, pictures, events = () => '') {
  const secret = randomUUID();
  const server = http.createServer((request, response) => {
    const parts = /** @type {Buffer[]} */ ([]);
    request.on('data', (/** @type {Buffer} */ part) => parts.push(part));
    request.on('end', () => {
      if (request.url !== `/${secret}`) {
        response.writeHead(404).end();
        return;
      }
      /** @type {unknown} */
      const asked = JSON.parse(Buffer.concat(parts).toString());
      const wanted = /** @type {ControlRequest} */ (asked);
      (wanted.command === 'events' ? Promise.resolve(events()) : perform(page(), wanted, pictures)).then(
        result => {
          response.end(JSON.stringify({ result: result ?? null }));
        },
        (/** @type {unknown} */ error) => {
          response.writeHead(500).end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
        },
      );
    });
  });
  await new Promise(resolve =>
    server.listen(0, '127.0.0.1', () => {
      resolve(undefined);
    }),
  );
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    address: `http://127.0.0.1:${String(port)}/${secret}`,
    close: () => {
      server.close();
    },
  };
}

/**
 * @param {import('playwright-core').Page} page
 * @param {ControlRequest} request
 * @param {string | undefined} pictures
 * @returns {Promise<unknown>}
 */
async function perform(page, { command, argument, options }, pictures) {
  switch (command) {
    case 'log':
      process.stdout.write(`${argument}\n`);
      return undefined;
    case 'evaluate':
      return page.evaluate(argument);
    case 'evaluateInWebview':
      return (await webview(page, 'panel.js')).evaluate(argument);
    case 'evaluateInReport':
      return (await webview(page, 'report.js')).evaluate(argument);
    case 'evaluateInLesson':
      return (await webview(page, 'lesson.js')).evaluate(argument);
    case 'evaluateInExplain':
      return (await webview(page, 'explain.js')).evaluate(argument);
    case 'hasReport':
      return (await webviewNow(page, 'report.js')) !== undefined;
    case 'press':
      return page.keyboard.press(argument);
    case 'type':
      return page.keyboard.type(argument);
    case 'insert':
      return page.keyboard.insertText(argument);
    case 'click':
      await page.mouse.move(700, 12); // a hover from where the mouse was could lie over the place
      return page.locator(argument).first().click();
    case 'hover':
      return page.locator(argument).first().hover();
    case 'focus':
      return setFocus(page, argument === 'back');
    case 'moveMouse':
      return page.mouse.move(options?.x ?? 0, options?.y ?? 0);
    case 'goOnTyping':
      void typeOn(page, argument, options?.pauseMs ?? 0, options?.lastWhen ?? 'true').catch(() => undefined); // the window may be closed before the last key
      return undefined;
    case 'restartUnless':
      setTimeout(() => {
        if (existsSync(argument) || page.isClosed()) return;
        process.stdout.write('       VS Code has not started the extension host again: it is asked to\n');
        void page.evaluate('restartExtensionHosts()').catch(() => undefined); // the suite's own limit says what has not come
      }, options?.pauseMs);
      return undefined;
    case 'screenshot':
      if (!pictures) return undefined;
      mkdirSync(pictures, { recursive: true });
      await page.waitForTimeout(options?.pauseMs ?? 0);
      await page.screenshot({ path: path.join(pictures, `${argument}.png`) });
      return undefined;
    case 'screenshotOf': {
      if (!pictures) return undefined;
      const [name = '', selector = 'body'] = argument.split('\n');
      mkdirSync(pictures, { recursive: true });
      const box = await page.locator(selector).first().boundingBox();
      if (!box) throw new Error(`Nothing on the screen is ${selector}.`);
      await page.screenshot({
        path: path.join(pictures, `${name}.png`),
        clip: { ...box, height: Math.min(box.height, options?.y ?? box.height) },
      });
      return undefined;
    }
    default:
      throw new Error(`Unknown command ${command}.`);
  }
}

/** The last key when an expression is true in the page. @param {import('playwright-core').Page} page @param {string} text @param {number} pauseMs @param {string} lastWhen */
async function typeOn(page, text, pauseMs, lastWhen) {
  await page.keyboard.type(text.slice(0, -1), { delay: pauseMs });
  await page.waitForFunction(lastWhen, undefined, { polling: 50, timeout: 0 });
  await page.keyboard.type(text.slice(-1));
}

/** Another page comes to the front, as when a person goes to another program; or ours does again. @param {import('playwright-core').Page} page @param {boolean} back */
async function setFocus(page, back) {
  const session = await page.context().newCDPSession(page);
  // Playwright lets every page believe that it has the focus.
  await session.send('Emulation.setFocusEmulationEnabled', { enabled: back });
  const others = page
    .context()
    .pages()
    .filter(other => other !== page);
  if (back) {
    await page.bringToFront();
    await Promise.all(others.map(other => other.close()));
  } else {
    const other = await page.context().newPage();
    await other.bringToFront();
  }
  await session.detach();
}

/** The page inside a webview: VS Code puts it in a frame within a frame. @param {import('playwright-core').Page} page @param {string} script */
async function webview(page, script) {
  const end = Date.now() + 20_000;
  while (Date.now() < end) {
    const found = await webviewNow(page, script);
    if (found) return found;
    await page.waitForTimeout(100);
  }
  throw new Error('No webview of ours is open.');
}

/** @param {import('playwright-core').Page} page @param {string} script */
async function webviewNow(page, script) {
  for (const frame of page.frames()) {
    if (frame.name() === '' && !frame.url().includes('fake.html')) continue;
    const isOurs = /** @type {unknown} */ (
      await frame.evaluate(`document.querySelector('script[src*="${script}"]') !== null`).catch(() => false)
    );
    if (isOurs) return frame;
  }
  return undefined;
}
