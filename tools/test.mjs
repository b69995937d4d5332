// npm test: sets up what is missing, checks the sources, builds, and runs every test. Ends with a line `N passed, N failed`.
import { execFileSync, spawn } from 'node:child_process';
import { installPackages, isOnPath, root, run, say } from './setUp.mjs';

/** Plain mocha runs, by folder below out/test. */
const plainLayers = ['core', 'model', 'cli', 'panel'];
/** Runs in a real VS Code. */
const editorRuns = ['test/host/runEditorTests.mjs', 'test/host/runPackagedTests.mjs'];

let passed = 0;
let failed = 0;

/** The tests of pages and of the served VS Code need a browser. */
function installBrowser() {
  if (process.platform !== 'linux' || isOnPath('chromium')) return;
  if (!isOnPath('apt-get')) throw new Error('The tests need Chromium on the PATH: install it and run npm test again.');
  say('Installing Chromium from the Debian packages ...');
  const apt = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '-n', 'apt-get'];
  const [program = '', ...args] = apt;
  try {
    execFileSync(program, [...args, 'update'], { stdio: 'ignore' });
    execFileSync(program, [...args, 'install', '-y', '--no-install-recommends', 'chromium'], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    throw new Error('Chromium could not be installed. Install the package `chromium` and run npm test again.', { cause: error });
  }
}

/**
 * Runs a step whose failure counts as one failed test: the sources' own checks.
 * @param {string} what
 * @param {readonly string[]} args
 */
function check(what, args) {
  try {
    run('npx', args);
    passed++;
  } catch {
    say(`FAILED: ${what}`);
    failed++;
  }
}

/**
 * Runs a program, shows what it prints, and returns that.
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<string>}
 */
function output(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' });
    let text = '';
    child.stdout.on('data', (/** @type {Buffer} */ part) => {
      text += String(part);
      process.stdout.write(part);
    });
    child.once('error', reject);
    child.once('close', () => {
      resolve(text);
    });
  });
}

/**
 * Adds up the counts that a run printed; a run without any has failed.
 * @param {string} what
 * @param {string} text
 * @param {RegExp} passing
 * @param {RegExp} failing
 */
function count(what, text, passing, failing) {
  const good = Number(passing.exec(text)?.[1] ?? 0);
  const bad = Number(failing.exec(text)?.[1] ?? 0);
  passed += good;
  failed += bad;
  if (good + bad > 0) return;
  say(`FAILED: ${what} ran no tests`);
  failed++;
}

installPackages();
installBrowser();
check('types', ['tsc', '-p', '.']);
check('lint', ['eslint', '.']);
check('format', ['prettier', '--check', '--log-level', 'warn', '.']);
run(process.execPath, ['esbuild.js', '--tests']);
for (const layer of plainLayers) {
  say(`\n== ${layer}`);
  count(
    layer,
    await output('npx', ['mocha', '--no-color', `out/test/${layer}/**/*.test.js`]),
    /^ {2}(\d+) passing/m,
    /^ {2}(\d+) failing/m,
  );
}
for (const file of editorRuns) {
  say(`\n== ${file}`);
  count(file, await output(process.execPath, [file]), /^(\d+) passed, \d+ failed$/m, /^\d+ passed, (\d+) failed$/m);
}
say(`${String(passed)} passed, ${String(failed)} failed`);
process.exitCode = failed > 0 ? 1 : 0;
