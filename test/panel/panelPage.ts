import assert from 'node:assert/strict';
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { panelHtml } from '../../src/views/panelHtml';
import type { PageLanguage } from '../../src/views/panelHtml';
import type { ExplainState, ToExplain } from '../../src/views/explainProtocol';
import type { ToLesson } from '../../src/views/lessonProtocol';
import type { PanelState, ToPanel } from '../../src/views/panelProtocol';
import type { ReportState, ToReport } from '../../src/views/reportProtocol';
import { themeVariables, type Theme } from './themes';

type PageName = 'panel' | 'report' | 'lesson' | 'explain';

/** Text of a document that would run if a page took it for markup. */
export const hostile = '<img src=x onerror="panelTest.violations.push(1)"><script>panelTest.violations.push(2)</script>';

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

/** Serves one of our pages, as it is built and under its own policy, on the loopback address, and opens it in a browser. */
export class PanelServer {
  readonly #server: Server;
  readonly #browser: Browser;
  readonly requests: string[] = [];

  private constructor(server: Server, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  static async start(name: PageName = 'panel', language?: PageLanguage): Promise<PanelServer> {
    const bundle = await build({
      entryPoints: [`media/${name}.ts`, `media/${name}.css`],
      bundle: true,
      write: false,
      outdir: 'out',
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      logLevel: 'warning',
    });
    const built = (ending: string) => bundle.outputFiles.find(({ path: file }) => file.endsWith(ending))?.text ?? '';
    const files = new Map([
      ['/', ['text/html', '']],
      [`/${name}.js`, ['text/javascript', built('.js')]],
      [`/${name}.css`, ['text/css', built('.css')]],
    ]);
    const server = createServer((request, response) => {
      const [type, content] = files.get(request.url ?? '') ?? [];
      panel.requests.push(request.url ?? '');
      if (type === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(request.url === '/' ? html : content);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const html = panelHtml({
      cspSource: origin,
      title: 'Next token',
      script: `${origin}/${name}.js`,
      style: `${origin}/${name}.css`,
      language,
    });
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
        // Of the style sheet that VS Code puts before ours.
        const usual = new CSSStyleSheet();
        usual.replaceSync(
          ':where(code) { color: var(--vscode-textPreformat-foreground); background: var(--vscode-textPreformat-background); }',
        );
        document.adoptedStyleSheets = [usual];
        document.documentElement.style.background = variables['--vscode-editor-background'] ?? '';
      },
      { className: theme, variables: themeVariables(theme) },
    );
    return page;
  }
}

/** What VS Code does when the extension posts a message. */
export async function send(page: Page, message: ToPanel | ToReport | ToLesson | ToExplain): Promise<void> {
  await page.evaluate(data => window.dispatchEvent(new MessageEvent('message', { data })), message);
}

type ShownState = PanelState | ReportState | ExplainState;

export function show(page: Page, state: ShownState): Promise<void> {
  return send(page, { kind: 'show', state } as ToPanel | ToReport | ToExplain);
}

/** What the page has told the extension since it said that it is ready. */
export function posted(page: Page): Promise<unknown[]> {
  return page.evaluate(() => window.panelTest.posted.slice(1));
}

/** The cells of a table's rows, by the table's name for screen readers. */
export function rowsOf(page: Page, name: string | RegExp): Promise<string[][]> {
  return page
    .getByRole('table', { name })
    .locator('tbody tr')
    .evaluateAll(rows => rows.map(row => [...row.querySelectorAll('th, td')].map(cell => (cell as HTMLElement).innerText.trim())));
}

interface ServedPages {
  /** Opens the page and shows a state, if one is given; it is closed after the test. */
  readonly open: (state?: ShownState, theme?: Theme, width?: number, saved?: unknown) => Promise<Page>;
  readonly server: () => PanelServer;
}

/** For the tests of one `describe`: a page of ours is served as long as they run. With `isFaultless`, none may break its policy or throw. */
export function servedPages(
  name: PageName,
  { usualWidth = 700, isFaultless = false }: { readonly usualWidth?: number; readonly isFaultless?: boolean } = {},
): ServedPages {
  let started: PanelServer | undefined;
  const pages: Page[] = [];
  const server = () => started ?? assert.fail('No test runs.');
  before(async () => {
    started = await PanelServer.start(name);
  });
  after(async () => {
    await started?.stop();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) {
      if (isFaultless) assert.deepEqual(await violationsOf(page), []);
      await page.context().close();
    }
  });
  return {
    server,
    open: async (state, theme = 'vscode-light', width = usualWidth, saved) => {
      const page = await server().open(theme, width, saved);
      pages.push(page);
      if (state) await show(page, state);
      return page;
    },
  };
}

/** Violations of the page's policy and script errors so far. */
export function violationsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => window.panelTest.violations);
}

/** Visible text whose contrast to what is painted behind it is below 4.5 to 1. */
export function lowContrast(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (!canvas) return ['no canvas'];
    const paint = (colour: string) => {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    };
    const luminance = () => {
      const [red = 0, green = 0, blue = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map(value => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const low: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!parent || !node.textContent?.trim() || !parent.checkVisibility() || parent.closest('.only-spoken, .read, script')) continue;
      const ancestors: Element[] = [];
      for (let each: Element | null = parent; each; each = each.parentElement) ancestors.unshift(each);
      canvas.globalAlpha = 1;
      for (const each of ancestors) paint(getComputedStyle(each).backgroundColor);
      const behind = luminance();
      canvas.globalAlpha = ancestors.reduce((alpha, each) => alpha * Number(getComputedStyle(each).opacity), 1);
      paint(getComputedStyle(parent).color);
      const text = luminance();
      const contrast = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
      if (contrast < 4.5) low.push(`${node.textContent} ${contrast.toFixed(2)}`);
    }
    return low;
  });
}
