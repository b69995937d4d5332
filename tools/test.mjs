// npm test: sets up what is missing, checks the sources, builds, and runs every test. Ends with a line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { installBrowser, installPackages, root, run, say } from './setUp.mjs';

/** Folders below test/ that run inside a real VS Code; every other one is for plain mocha. `npm run pictures` runs the last. */
const insideVscode = new Set(['editor', 'packaged', 'pictures', 'untrusted']);
const editorRuns = ['test/host/runEditorTests.mjs', 'test/host/runUntrustedTests.mjs', 'test/host/runPackagedTests.mjs'];

let passed = 0;
let failed = 0;

/**
 * Runs a step whose failure counts as one failed test: the sources' own checks.
 * @param {string} what
 * @param {readonly string[]} args Of Node: a program of an installed package, and its arguments.
 */
async function check(what, args) {
  const { text, code } = await output(args);
  process.stdout.write(text);
  if (code === 0) {
    passed++;
  } else {
    say(`FAILED: ${what}`);
    failed++;
  }
}

/**
 * Runs tests in a Node of their own, shows what they print and adds up their counts. `isAlone`: as they print it; else at their end, so that two
 * runs at a time can be read.
 * Tests left out count as failed, and so does a run that ends badly without a failed test or that has none.
 * @param {string} what
 * @param {readonly string[]} args
 * @param {{ readonly passed: RegExp, readonly failed: readonly RegExp[] }} counts
 * @param {boolean} isAlone
 */
async function runTests(what, args, counts, isAlone) {
  if (isAlone) say(`\n== ${what}`);
  const { text, code } = await output(args, isAlone);
  if (!isAlone) process.stdout.write(`\n== ${what}\n${text}`);
  const number = (/** @type {RegExp} */ pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  const good = number(counts.passed);
  const bad = counts.failed.map(number).reduce((sum, next) => sum + next, 0);
  passed += good;
  failed += bad;
  if (bad > 0 || (good > 0 && code === 0)) return;
  say(`FAILED: ${what} ${good === 0 ? 'ran no tests' : `ended with code ${String(code)}`}`);
  failed++;
}

/**
 * @param {readonly string[]} args
 * @param {boolean} [isShown] As it comes.
 * @returns {Promise<{ readonly text: string, readonly code: number | null }>}
 */
function output(args, isShown = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const [from, to] of /** @type {const} */ ([
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ])) {
      from.setEncoding('utf8').on('data', (/** @type {string} */ part) => {
        text += part;
        if (isShown) to.write(part);
      });
    }
    child.once('error', reject);
    child.once('close', code => {
      resolve({ text, code });
    });
  });
}

/** Tests for plain mocha. @param {readonly string[]} layers One after the other. */
async function runLayers(layers) {
  for (const layer of layers) {
    const args = ['node_modules/mocha/bin/mocha.js', '--no-color', `out/test/${layer}/**/*.test.js`];
    await runTests(layer, args, { passed: /^ {2}(\d+) passing/m, failed: [/^ {2}(\d+) failing/m, /^ {2}(\d+) pending/m] }, false);
  }
}

installPackages();
installBrowser();
// Two at a time, each of which keeps one core busy, and no more: the smallest machines have two.
await Promise.all([
  check('lint', ['node_modules/eslint/bin/eslint.js', '.']),
  (async () => {
    await check('types', ['node_modules/typescript/bin/tsc', '-p', '.']);
    await check('format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']);
    await check('translations', ['tools/l10n.mjs', '--check']);
  })(),
]);
run(process.execPath, ['esbuild.js', '--tests']);
const layers = readdirSync(path.join(root, 'out/test')).filter(name => !insideVscode.has(name));
// The model's tests take as long as all the others. A layer that is new is among the others.
await Promise.all([runLayers(layers.filter(name => name === 'model')), runLayers(layers.filter(name => name !== 'model'))]);
// Alone: they type, wait and look as a person does.
for (const file of editorRuns) {
  await runTests(file, [file], { passed: /^(\d+) passed, \d+ failed$/m, failed: [/^\d+ passed, (\d+) failed$/m] }, true);
}
say(`${String(passed)} passed, ${String(failed)} failed`);
process.exitCode = failed > 0 ? 1 : 0;
