// A VS Code served on this machine's loopback address, for machines without a desktop: `npm start` shows it in a browser, the tests drive it.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

/** Holds VS Code 1.139 (server and web workbench); its runtime, Node 24, comes as a package as well. */
const codeServer = 'code-server@4.139.1';
const nodePackage = `node-linux-${process.arch}`;
const node = `${nodePackage}@24.21.0`;

/** Whether a VS Code can be served here: the packages hold files for Linux on two kinds of processor. */
export const canServe = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');

/** @typedef {{ readonly code: string, readonly node: string }} ServedVscode */

/**
 * Installs the server once into `cache`; npm is the only source. A half-made install is made again.
 * @param {string} cache
 * @returns {ServedVscode}
 */
export function installServer(cache) {
  const installed = {
    code: path.join(cache, 'node_modules/code-server/lib/vscode'),
    node: path.join(cache, 'node_modules', nodePackage, 'bin/node'),
  };
  const ready = path.join(cache, `ready-${codeServer.replace('@', '-')}`);
  if (existsSync(ready)) return installed;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  writeFileSync(path.join(cache, 'package.json'), '{ "private": true }\n');
  npm(['install', codeServer, node], cache);
  npm(['install', '--omit=dev'], installed.code);
  stubNativeModules(installed.code);
  writeFileSync(`${ready}.part`, '');
  renameSync(`${ready}.part`, ready);
  return installed;
}

/** @param {readonly string[]} args @param {string} folder */
export function npm(args, folder) {
  // Scripts of packages would compile native modules and fetch files that nothing here needs.
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', [...args, ...flags], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
}

/**
 * The extension host never starts without these two native modules; what they do (watching for a hung parent, logging) is not needed.
 * VS Code imports them as ES modules and looks for named exports, hence one assignment for each.
 * @param {string} code
 */
function stubNativeModules(code) {
  const methods = ['trace', 'debug', 'info', 'warn', 'error', 'critical', 'setLevel', 'clearFormatters', 'setPattern', 'flush', 'drop'];
  const logger = `{ ${methods.map(method => `${method}() {}`).join(', ')}, getLevel: () => 2 }`;
  writeFileSync(path.join(code, 'node_modules/@vscode/native-watchdog/index.js'), 'exports.start = () => {};\n');
  writeFileSync(
    path.join(code, 'node_modules/@vscode/spdlog/index.js'),
    [
      'exports.version = 0;',
      'exports.setLevel = () => {};',
      'exports.setFlushOn = () => {};',
      'exports.shutdown = () => {};',
      `exports.createLogger = () => (${logger});`,
      'exports.createRotatingLogger = async () => exports.createLogger();',
      'exports.createAsyncRotatingLogger = async () => exports.createLogger();',
      '',
    ].join('\n'),
  );
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
}

/** Folders of one profile. @param {string} home */
function profileArguments(home) {
  return [
    '--server-data-dir',
    path.join(home, 'server'),
    '--user-data-dir',
    path.join(home, 'user'),
    '--extensions-dir',
    path.join(home, 'extensions'),
    '--accept-server-license-terms',
  ];
}

/**
 * Settings of a fresh profile: nothing that is not about the text.
 * @param {string} home
 * @param {Readonly<Record<string, unknown>>} [more]
 */
export function writeSettings(home, more = {}) {
  const settings = {
    'chat.disableAIFeatures': true,
    'workbench.startupEditor': 'none',
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'git.openRepositoryInParentFolders': 'never',
    ...more,
  };
  // Those of the machine for a served workbench, which keeps its user's own in the browser; the user's for a desktop.
  for (const folder of [path.join(home, 'user/Machine'), path.join(home, 'user/User')]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'settings.json'), JSON.stringify(settings, undefined, 2));
  }
}

/** @param {ServedVscode} vscode @param {string} home @param {string} vsix */
export function installExtension(vscode, home, vsix) {
  execFileSync(vscode.node, ['out/server-main.js', ...profileArguments(home), '--install-extension', path.resolve(vsix)], {
    cwd: vscode.code,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/**
 * Starts the server on the loopback address. `token`: what a visitor has to bring; undefined for tests, whose pages are their own. `trusted` false: folders
 * are opened in restricted mode until somebody trusts them.
 * @param {ServedVscode} vscode
 * @param {{ readonly home: string, readonly port: number, readonly token?: string, readonly flags?: readonly string[], readonly environment?: NodeJS.ProcessEnv, readonly trusted?: boolean }} options
 * @returns {Promise<{ readonly server: import('node:child_process').ChildProcess, readonly output: readonly string[] }>} `output`: what it prints, as it comes.
 */
export async function startServer(vscode, { home, port, token, flags = [], environment = {}, trusted = true }) {
  const tokenFile = path.join(home, 'connection-token'); // arguments can be read by every user of this machine
  if (token !== undefined) writeFileSync(tokenFile, token, { mode: 0o600 });
  const access = token === undefined ? ['--without-connection-token'] : ['--connection-token-file', tokenFile];
  const args = [
    'out/server-main.js',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    ...access,
    ...profileArguments(home),
    '--telemetry-level',
    'off',
    ...(trusted ? ['--disable-workspace-trust'] : []),
    ...flags,
  ];
  const server = spawn(vscode.node, args, { cwd: vscode.code, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  const output = /** @type {string[]} */ ([]);
  await new Promise((resolve, reject) => {
    const listen = (/** @type {Buffer} */ data) => {
      output.push(String(data));
      if (output.join('').includes('Extension host agent listening')) resolve(undefined);
    };
    server.stdout.on('data', listen);
    server.stderr.on('data', listen);
    server.once('exit', code => {
      reject(new Error(`The VS Code server ended with code ${String(code)}:\n${output.join('')}`));
    });
    server.once('error', reject);
  });
  return { server, output };
}
