// npm test: sets up what is missing, checks the sources, builds, and runs every test. Ends with a line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { installBrowser, installPackages, root, run, say } from './setUp.mjs';
import { canServe } from './vscodeServer.mjs';

/** Folders below test/ that run inside a real VS Code; every other one is for plain mocha. `npm run pictures` runs the last. */
const insideVscode = new Set(['editor', 'packaged', 'pictures', 'restart', 'untrusted']);
/** Two at a time, each list one after the other. The tests of the editor have the machine to themselves for most of the time: they type and look as a person does. */
const editorRuns = [
  ['test/host/runEditorTests.mjs'],
  ['test/host/runUntrustedTests.mjs', 'test/host/runPackagedTests.mjs', ...(canServe ? ['test/host/runRestartTests.mjs'] : [])],
];

/** With its error, up to the line of the next test. */
const failedEditorTest = /^ {2}FAIL .*\n(?:(?! {2}(?:ok|FAIL) |\d+ passed, ).*\n)*/gm;
/** As mocha lists them below the number of those that failed: `  1) suite`, its tests further in, the error. */
const failedMochaTest = /^ {2}\d+\) .*\n(?:(?! {2}\d+\) ).*\n)*/gm;
/** Of a failure, what is said again at the end: its name and the beginning of its error. */
const mostLines = 16;

let passed = 0;
let failed = 0;
const failures = /** @type {string[]} */ ([]);

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
    fail(`FAILED: ${what}`, text);
  }
}

/** A failure that is not of a test. @param {string} line @param {string} [because] */
function fail(line, because = '') {
  say(line);
  failed++;
  failures.push(...excerpts([`${line}\n${because}`]));
}

/** @param {readonly string[]} texts */
function excerpts(texts) {
  return texts.map(text => {
    const lines = text.split('\n').filter(line => line.trim() !== '');
    return lines.slice(0, mostLines).join('\n');
  });
}

/**
 * Runs tests in a Node of their own, shows what they print at their end, so that two runs at a time can be read, and adds up their counts.
 * Tests left out count as failed, and so does a run that ends badly without a failed test or that has none.
 * @param {string} what
 * @param {readonly string[]} args
 * @param {{ readonly passed: RegExp, readonly failed: readonly RegExp[], readonly failure: RegExp }} counts `failure`: the text of one.
 */
async function runTests(what, args, counts) {
  const startMs = performance.now();
  const { text, code } = await output(args);
  say(`\n== ${what} (${((performance.now() - startMs) / 60_000).toFixed(1)} minutes)`);
  process.stdout.write(text);
  const number = (/** @type {RegExp} */ pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  const good = number(counts.passed);
  const bad = counts.failed.map(number).reduce((sum, next) => sum + next, 0);
  passed += good;
  failed += bad;
  failures.push(...excerpts(text.match(counts.failure) ?? []));
  if (bad > 0 || (good > 0 && code === 0)) return;
  fail(`FAILED: ${what} ${good === 0 ? 'ran no tests' : `ended with code ${String(code)}`}`);
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ readonly text: string, readonly code: number | null }>}
 */
function output(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ part) => {
        text += part;
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
    const failed = [/^ {2}(\d+) failing/m, /^ {2}(\d+) pending/m];
    await runTests(layer, args, { passed: /^ {2}(\d+) passing/m, failed, failure: failedMochaTest });
  }
}

/** Tests inside VS Code. @param {readonly string[]} files One after the other. */
async function runInVscode(files) {
  for (const file of files) {
    await runTests(file, [file], {
      passed: /^(\d+) passed, \d+ failed$/m,
      failed: [/^\d+ passed, (\d+) failed$/m],
      failure: failedEditorTest,
    });
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
// Not above: it needs packages that are installed by now.
const { installVscode } = await import('../test/host/vscodeHost.mjs');
await installVscode();
await Promise.all(editorRuns.map(runInVscode));
// Again, where somebody looks first: the whole output has thousands of lines.
if (failures.length > 0) say(`\n== What failed\n${failures.join('\n')}`);
say(`${String(passed)} passed, ${String(failed)} failed`);
process.exitCode = failed > 0 ? 1 : 0;
