// What `npm start` and `npm test` have in common: a fresh clone becomes one that can be built and run.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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
  execFileSync(program, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
}

/** Installs the packages that package-lock.json names, unless that has been done for this very file. */
export function installPackages() {
  const version = Number(process.versions.node.split('.')[0]);
  if (version < oldestNode) throw new Error(`Node ${String(oldestNode)} or later is needed; this is ${process.versions.node}.`);
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  const mark = path.join(root, 'node_modules/.installed-lock');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  say('Installing packages from npm (about 700 MB unpacked; a minute or two the first time) ...');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(mark, lock);
}

/** @param {string} program */
export function isOnPath(program) {
  try {
    execFileSync(process.platform === 'win32' ? 'where' : 'which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // the one thing that a failure of these programs means
  }
}
