// Runs a mocha suite inside a real VS Code: the desktop's through @vscode/test-electron, else one that is served to a headless browser.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findBrowser } from '../../tools/setUp.mjs';
import { canServe, freePort, installExtension, installServer, startServer, writeSettings } from '../../tools/vscodeServer.mjs';
import { startControl } from './control.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const limitMs = 30 * 60_000;
const livesLimitMs = 4 * 60_000;
/** Of what the server prints, for a message. */
const mostPrintedLines = 12;

/** @typedef {{ readonly passed: number, readonly failed: number }} Results */
/**
 * @typedef {object} SuiteRun
 * @property {string} extension Folder with the package.json of the extension under development.
 * @property {string} suite Bundle that exports `run()`.
 * @property {string} workspace Folder that VS Code opens.
 * @property {string} [vsix] Installed into the empty profile first.
 * @property {string} [pictures] Folder for screenshots.
 * @property {{ readonly width: number, readonly height: number }} [viewport] Of the served window, in CSS pixels.
 * @property {Readonly<Record<string, unknown>>} [settings]
 * @property {boolean} [trusted] False: VS Code opens the folder in restricted mode.
 * @property {boolean} [inManyLives] VS Code has no word of tests: both extensions are installed as a user's are, and the suite's `run()` is called in each extension
 *   host of the window until it has written its results. In a served window only.
 * @property {NodeJS.ProcessEnv} [environment] For the suite.
 */

export const hasDesktop =
  process.platform === 'darwin' ||
  process.platform === 'win32' ||
  process.env['DISPLAY'] !== undefined ||
  process.env['WAYLAND_DISPLAY'] !== undefined;

/** Installs what `runSuite` runs, unless it is there: two runs that begin at the same time would be in each other's way. */
export async function installVscode() {
  if (hasDesktop) {
    const { downloadAndUnzipVSCode } = await import('@vscode/test-electron');
    await downloadAndUnzipVSCode();
  } else if (canServe) {
    installServer(path.join(root, '.vscode-host'));
  }
}

/** @param {SuiteRun} run @returns {Promise<Results>} */
export async function runSuite(run) {
  const home = mkdtempSync(path.join(tmpdir(), 'token-lens-vscode-'));
  try {
    const resultsFile = path.join(home, 'results.json');
    writeSettings(home, run.settings);
    if (hasDesktop && run.inManyLives !== true) await runOnDesktop(run, home, resultsFile);
    else if (canServe) await runServed(run, home, resultsFile);
    else throw new Error('A real VS Code needs a desktop, or Linux on x64 or arm64.');
    /** @type {unknown} */
    const results = JSON.parse(readFileSync(resultsFile, 'utf8'));
    return /** @type {Results} */ (results);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @param {SuiteRun} run @param {string} home @param {string} resultsFile */
async function runServed(run, home, resultsFile) {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error('The served VS Code needs Chromium on the PATH.');
  const vscode = installServer(path.join(root, '.vscode-host'));
  if (run.vsix) installExtension(vscode, home, run.vsix);
  if (run.inManyLives === true) linkExtensions(run, home);
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
  const context = await browser.newContext({ viewport: run.viewport ?? { width: 1400, height: 900 } });
  const page = await context.newPage();
  const events = pageEvents(page);
  /** @type {readonly string[]} */
  let printed = [];
  const told = () => [...events, ...printed.join('').trimEnd().split('\n').slice(-mostPrintedLines)].join('\n');
  const control = await startControl(() => page, run.pictures, told);
  const port = await freePort();
  // The smoke-test driver is what makes a built workbench read the `payload` below.
  const environment = {
    ...run.environment,
    TOKEN_LENS_CONTROL: control.address,
    TOKEN_LENS_RESULTS: resultsFile,
    TOKEN_LENS_PROFILE: home,
  };
  const { server, output } = await startServer(vscode, {
    home,
    port,
    flags: ['--enable-smoke-test-driver'],
    environment,
    trusted: run.trusted ?? true,
  });
  printed = output;
  try {
    const errors = /** @type {string[]} */ ([]);
    await page.exposeFunction('codeAutomationLog', (/** @type {string} */ type, /** @type {unknown[]} */ args) => {
      if (type === 'error') errors.push(args.map(String).join(' '));
    });
    const ended = new Promise(resolve => void page.exposeFunction('codeAutomationExit', resolve));
    const authority = `127.0.0.1:${String(port)}`;
    const address = (/** @type {string} */ file) => `vscode-remote://${authority}${file}`;
    if (run.inManyLives === true) await letRestart(page, vscode.code);
    const payload = [
      // With these VS Code ends the window's connection when an extension host ends.
      ...(run.inManyLives === true
        ? []
        : [
            ['extensionDevelopmentPath', address(run.extension)],
            ['extensionTestsPath', address(run.suite)],
          ]),
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
    ];
    await page.goto(
      `http://${authority}/?folder=${encodeURIComponent(run.workspace)}&payload=${encodeURIComponent(JSON.stringify(payload))}`,
    );
    const mostMs = run.inManyLives === true ? livesLimitMs : limitMs;
    const timer = new Promise(resolve => setTimeout(resolve, mostMs, 'late').unref());
    const late = (await Promise.race([run.inManyLives === true ? appeared(resultsFile) : ended, timer])) === 'late';
    if (late || !existsSync(resultsFile)) {
      const what = late ? `did not end in ${String(mostMs / 60_000)} minutes` : 'ended without results';
      throw new Error(`The suite ${what}.\n${told()}\nLast errors of the page:\n${errors.slice(-5).join('\n')}`);
    }
  } finally {
    control.close();
    await browser.close();
    server.kill();
  }
}

/**
 * Grows: what ends or begins the window's page, with the time. @param {import('playwright-core').Page} page
 */
function pageEvents(page) {
  const events = /** @type {string[]} */ ([]);
  const add = (/** @type {string} */ what) => events.push(`[${new Date().toTimeString().slice(0, 8)}] ${what}`);
  page.on('crash', () => add("The window's page has crashed."));
  page.on('framenavigated', frame => {
    if (frame === page.mainFrame()) add("The window's page is loaded.");
  });
  return events;
}

/**
 * Installs the extension as it stands here, and one that calls the suite whenever a host has started.
 * @param {SuiteRun} run
 * @param {string} home
 */
function linkExtensions(run, home) {
  const driver = path.join(home, 'extensions/test.driver-0.0.1');
  mkdirSync(driver, { recursive: true });
  const manifest = {
    name: 'driver',
    publisher: 'test',
    version: '0.0.1',
    engines: { vscode: '^1.100.0' }, // with code, VS Code takes no '*'
    main: 'main.js',
    activationEvents: ['onStartupFinished'],
  };
  writeFileSync(path.join(driver, 'package.json'), JSON.stringify(manifest));
  // Its activation ends at once: a host that is asked to end waits for those that have begun.
  writeFileSync(path.join(driver, 'main.js'), `exports.activate = () => void require(${JSON.stringify(run.suite)}).run();\n`);
  symlinkSync(run.extension, path.join(home, 'extensions/token-lens.token-lens-0.0.1'), 'junction');
}

/**
 * Gives the page a function that restarts the extension hosts. `workbench.action.restartExtensionHost` is in the desktop's workbench only; these are the two
 * calls that it consists of.
 * @param {import('playwright-core').Page} page
 * @param {string} code Folder of the server.
 */
async function letRestart(page, code) {
  const name = 'out/vs/code/browser/workbench/workbench.js';
  const workbench = readFileSync(path.join(code, name), 'utf8');
  // Where the service is made that holds the extension hosts.
  const restart = `async()=>{if(await this.stopExtensionHosts("for a test"))await this.startExtensionHosts()}`;
  const body = workbench.replace(/\bthis\._onWillStop=/, `globalThis.restartExtensionHosts=${restart},this._onWillStop=`);
  if (body === workbench) throw new Error(`VS Code has another ${name} than this is written for.`);
  await page.route(`**/${name}`, route => route.fulfill({ body, contentType: 'text/javascript' }));
}

/** @param {string} file */
async function appeared(file) {
  while (!existsSync(file)) await new Promise(resolve => setTimeout(resolve, 100).unref());
}

/** @param {SuiteRun} run @param {string} home @param {string} resultsFile */
async function runOnDesktop(run, home, resultsFile) {
  const { downloadAndUnzipVSCode, resolveCliArgsFromVSCodeExecutablePath, runTests } = await import('@vscode/test-electron');
  const vscodeExecutablePath = await downloadAndUnzipVSCode();
  const profile = ['--user-data-dir', path.join(home, 'user'), '--extensions-dir', path.join(home, 'extensions')];
  if (run.vsix) {
    const [cli = '', ...args] = resolveCliArgsFromVSCodeExecutablePath(vscodeExecutablePath);
    execFileSync(cli, [...args, ...profile, '--install-extension', run.vsix], { stdio: 'inherit', shell: process.platform === 'win32' });
  }
  const port = await freePort();
  /** @type {import('playwright-core').Page | undefined} */
  let page;
  const control = await startControl(() => {
    if (!page) throw new Error('The window is not there yet.');
    return page;
  }, run.pictures);
  const connecting = connect(port).then(found => {
    page = found;
  });
  try {
    await runTests({
      vscodeExecutablePath,
      extensionDevelopmentPath: run.extension,
      extensionTestsPath: run.suite,
      extensionTestsEnv: {
        ...run.environment,
        TOKEN_LENS_CONTROL: control.address,
        TOKEN_LENS_RESULTS: resultsFile,
        TOKEN_LENS_PROFILE: home,
      },
      launchArgs: [
        run.workspace,
        ...profile,
        `--remote-debugging-port=${String(port)}`,
        ...(run.trusted === false ? [] : ['--disable-workspace-trust']),
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), // VS Code refuses to start for root with one
        '--skip-welcome',
        '--skip-release-notes',
      ],
    }).catch((/** @type {unknown} */ error) => {
      if (!String(error).includes('Test run failed')) throw error; // failed tests are in the results
    });
    await connecting;
  } finally {
    control.close();
  }
}

/** The workbench's page of a desktop VS Code, over the debugging port. @param {number} port */
async function connect(port) {
  for (let attempt = 0; ; attempt++) {
    try {
      const browser = await chromium.connectOverCDP(`http://127.0.0.1:${String(port)}`);
      const page = browser
        .contexts()
        .flatMap(context => context.pages())
        .find(found => found.url().includes('workbench'));
      if (page) return page;
      await browser.close(); // closes the connection only
      throw new Error('The window of VS Code has not been found.');
    } catch (error) {
      if (attempt > 100) throw error;
    }
    await new Promise(resolve => setTimeout(resolve, 300));
  }
}
