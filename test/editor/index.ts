import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import { browser } from './browser';

interface Results {
  readonly passed: number;
  readonly failed: number;
}

/** What VS Code runs: all test files beside this one, or those that TOKEN_LENS_TESTS names by a pattern. */
export async function run(): Promise<void> {
  const results = await runFiles().catch(async (error: unknown): Promise<Results> => {
    await browser.log(`  FAIL the tests could not be loaded\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return { passed: 0, failed: 1 };
  });
  const file = process.env['TOKEN_LENS_RESULTS'];
  if (file !== undefined) writeFileSync(file, JSON.stringify(results));
  if (results.failed > 0) throw new Error(`${String(results.failed)} tests failed.`);
}

async function runFiles(): Promise<Results> {
  const mocha = new Mocha({ timeout: 60_000, reporter: Mocha.reporters.Base }); // this one prints nothing by itself
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
    // A test that was left out shows nothing: it counts as failed.
    runner.on('pending', test => {
      failed++;
      lines.push(browser.log(`  FAIL ${test.fullTitle()}: left out`));
    });
  });
  await Promise.all(lines);
  return { passed, failed };
}
