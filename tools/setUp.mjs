// What `npm start`, `npm test` and `npm run bench` have in common: a fresh clone becomes one that can be built and run.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const oldestNode = 20;

/** @param {string} line */
export function say(line) {
  process.stdout.write(`${line}\n`);
}

/**
 * Runs a program of this project, its output going to the terminal; throws when it fails.
 * @param {string} program
 * @param {readonly string[]} args
 */
export function run(program, args) {
  // On Windows npm and code are command scripts: they need a shell, and that one splits at spaces.
  const shell = process.platform === 'win32' && program !== process.execPath;
  execFileSync(program, shell ? args.map(argument => `"${argument}"`) : args, { cwd: root, stdio: 'inherit', shell });
}

/** Installs the packages that package-lock.json names, unless they are there in these versions. */
export function installPackages() {
  const version = Number(process.versions.node.split('.')[0]);
  if (version < oldestNode) throw new Error(`Node ${String(oldestNode)} or later is needed; this is ${process.versions.node}.`);
  const record = path.join(root, 'node_modules/.package-lock.json'); // npm writes it last
  if (existsSync(record)) {
    const installed = lockedPackages(record);
    const wanted = Object.entries(lockedPackages(path.join(root, 'package-lock.json')));
    // '' is the project itself; an optional package may be one for other platforms.
    if (wanted.every(([name, { version, optional }]) => name === '' || optional === true || installed[name]?.version === version)) return;
  }
  say('Installing packages from npm (about 700 MB unpacked; a minute or two the first time) ...');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/**
 * @param {string} lockFile
 * @returns {Readonly<Record<string, { readonly version?: string, readonly optional?: boolean }>>}
 */
function lockedPackages(lockFile) {
  /** @type {unknown} */
  const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
  return /** @type {{ readonly packages: Record<string, { readonly version?: string, readonly optional?: boolean }> }} */ (lock).packages;
}

/** Where a program lies that is on the PATH; undefined where it is not. @param {string} program */
export function findProgram(program) {
  try {
    const found = execFileSync(process.platform === 'win32' ? 'where' : 'which', [program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return found.split(/\r?\n/)[0];
  } catch {
    return undefined; // the one thing that a failure of these programs means
  }
}

/** The browser for tests of pages and of the served VS Code; undefined where there is none. */
export function findBrowser() {
  return ['chromium', 'chromium-browser', 'google-chrome'].map(findProgram).find(found => found !== undefined);
}

/** Pages and the served VS Code are tested, and measured, in a browser. */
export function installBrowser() {
  if (findBrowser() !== undefined) return;
  if (findProgram('apt-get') === undefined) throw new Error('Chromium is needed on the PATH: install it and try again.');
  say('Installing Chromium from the Debian packages ...');
  const apt = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '-n', 'apt-get'];
  const [program = '', ...args] = apt;
  try {
    execFileSync(program, [...args, 'update'], { stdio: 'ignore' });
    execFileSync(program, [...args, 'install', '-y', '--no-install-recommends', 'chromium'], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    throw new Error('Chromium could not be installed. Install the package `chromium` and try again.', { cause: error });
  }
}
