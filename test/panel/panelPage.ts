import { build } from 'esbuild';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { panelHtml } from '../../src/views/panelHtml';
import type { PanelState, ToPanel } from '../../src/views/panelProtocol';
import { themeVariables, type Theme } from './themes';

declare global {
  interface Window {
    /** What the page's stand-in for VS Code has seen. */
    panelTest: { readonly posted: unknown[]; readonly violations: string[]; saved: unknown };
  }
}

function chromiumOnPath(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const found = folders.map(folder => path.join(folder, name)).find(file => existsSync(file));
    if (found !== undefined) return found;
  }
  throw new Error('No Chromium on the PATH: install one, for example with "apt-get install chromium".');
}

/** Serves the panel's page, as it is built and under its own policy, on the loopback address, and opens it in a browser. */
export class PanelServer {
  readonly #server: Server;
  readonly #browser: Browser;
  readonly requests: string[] = [];

  private constructor(server: Server, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  static async start(): Promise<PanelServer> {
    const bundle = await build({
      entryPoints: ['media/panel.ts'],
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      logLevel: 'warning',
    });
    const files = new Map([
      ['/', ['text/html', '']],
      ['/panel.js', ['text/javascript', bundle.outputFiles[0]?.text ?? '']],
      ['/panel.css', ['text/css', readFileSync('media/panel.css', 'utf8')]],
    ]);
    const server = createServer((request, response) => {
      const [type, content] = files.get(request.url ?? '') ?? [];
      panel.requests.push(request.url ?? '');
      if (type === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(request.url === '/' ? html : content);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const html = panelHtml({ cspSource: origin, script: `${origin}/panel.js`, style: `${origin}/panel.css` });
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
    const panel = new PanelServer(server, await chromium.launch({ executablePath: chromiumOnPath(), args }));
    return panel;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await new Promise(resolve => this.#server.close(resolve));
  }

  async open(theme: Theme, width: number, saved?: unknown): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width, height: 700 } });
    const page = await context.newPage();
    await page.addInitScript(state => {
      const seen: Window['panelTest'] = { posted: [], violations: [], saved: state };
      const api = {
        postMessage: (message: unknown) => seen.posted.push(message),
        getState: () => seen.saved,
        setState: (next: unknown) => (seen.saved = next),
      };
      Object.assign(window, { panelTest: seen, acquireVsCodeApi: () => api });
      document.addEventListener('securitypolicyviolation', event => seen.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
      window.addEventListener('error', event => seen.violations.push(event.message));
    }, saved);
    await page.goto(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
    await page.evaluate(
      ({ className, variables }) => {
        document.body.className = className;
        for (const [name, value] of Object.entries(variables)) document.documentElement.style.setProperty(name, value);
        document.documentElement.style.background = variables['--vscode-editor-background'] ?? '';
      },
      { className: theme, variables: themeVariables(theme) },
    );
    return page;
  }
}

/** What VS Code does when the extension posts a message. */
export async function show(page: Page, state: PanelState): Promise<void> {
  const message: ToPanel = { kind: 'show', state };
  await page.evaluate(data => window.dispatchEvent(new MessageEvent('message', { data })), message);
}

/** Violations of the page's policy and script errors so far. */
export function violationsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => window.panelTest.violations);
}
