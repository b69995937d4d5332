import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import { browser } from './browser';

/** What VS Code runs: all test files beside this one, or those that TOKEN_LENS_TESTS names by a pattern. */
export async function run(): Promise<void> {
  const mocha = new Mocha({
    timeout: 60_000,
    color: false,
    reporter: function () {
      return undefined;
    } as unknown as string,
  });
  const wanted = new RegExp(process.env['TOKEN_LENS_TESTS'] ?? '');
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.js') && wanted.test(name)) mocha.addFile(path.join(__dirname, name));
  }
  let passed = 0;
  let failed = 0;
  const lines: Promise<unknown>[] = [];
  await new Promise<void>(resolve => {
    const runner = mocha.run(() => {
      resolve();
    });
    runner.on('pass', test => {
      passed++;
      lines.push(browser.log(`  ok   ${test.fullTitle()} (${String(test.duration ?? 0)} ms)`));
    });
    runner.on('fail', (test, error: Error) => {
      failed++;
      lines.push(browser.log(`  FAIL ${test.fullTitle()}\n${error.stack ?? error.message}`));
    });
  });
  await Promise.all(lines);
  const results = process.env['TOKEN_LENS_RESULTS'];
  if (results !== undefined) writeFileSync(results, JSON.stringify({ passed, failed }));
  if (failed > 0) throw new Error(`${String(failed)} tests failed.`);
}
