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
function check(what, args) {
  try {
    run(process.execPath, args);
    passed++;
  } catch {
    say(`FAILED: ${what}`);
    failed++;
  }
}

/**
 * Runs tests in a Node of their own, shows what they print and adds up their counts.
 * Tests left out count as failed, and so does a run that ends badly without a failed test or that has none.
 * @param {string} what
 * @param {readonly string[]} args
 * @param {{ readonly passed: RegExp, readonly failed: readonly RegExp[] }} counts
 */
async function runTests(what, args, counts) {
  say(`\n== ${what}`);
  const { text, code } = await output(args);
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
 * @returns {Promise<{ readonly text: string, readonly code: number | null }>}
 */
function output(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ part) => {
      text += part;
      process.stdout.write(part);
    });
    child.once('error', reject);
    child.once('close', code => {
      resolve({ text, code });
    });
  });
}

installPackages();
installBrowser();
check('types', ['node_modules/typescript/bin/tsc', '-p', '.']);
check('lint', ['node_modules/eslint/bin/eslint.js', '.']);
check('format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']);
check('translations', ['tools/l10n.mjs', '--check']);
run(process.execPath, ['esbuild.js', '--tests']);
for (const layer of readdirSync(path.join(root, 'out/test')).filter(name => !insideVscode.has(name))) {
  await runTests(layer, ['node_modules/mocha/bin/mocha.js', '--no-color', `out/test/${layer}/**/*.test.js`], {
    passed: /^ {2}(\d+) passing/m,
    failed: [/^ {2}(\d+) failing/m, /^ {2}(\d+) pending/m],
  });
}
for (const file of editorRuns) {
  await runTests(file, [file], { passed: /^(\d+) passed, \d+ failed$/m, failed: [/^\d+ passed, (\d+) failed$/m] });
}
say(`${String(passed)} passed, ${String(failed)} failed`);
process.exitCode = failed > 0 ? 1 : 0;
