import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import * as vscode from 'vscode';
import { browser } from './browser';
import { closeAll } from './documents';
import { clearNotices } from './notices';
import { setTheme } from './screen';

interface Results {
  readonly passed: number;
  readonly failed: number;
}

/** What VS Code runs: all test files beside this one, or those that TOKEN_LENS_TESTS names by a pattern. */
export async function run(): Promise<void> {
  const results = await runOnce().catch(async (error: unknown): Promise<Results> => {
    await browser.log(
      `  FAIL the tests did not run to their end\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    return { passed: 0, failed: 1 };
  });
  const file = process.env['TOKEN_LENS_RESULTS'];
  if (file !== undefined) writeFileSync(file, JSON.stringify(results));
  if (results.failed > 0) throw new Error(`${String(results.failed)} tests failed.`);
}

/** VS Code starts the tests again when the window's page is loaded again, and what went before would be lost without a word. */
async function runOnce(): Promise<Results> {
  const mark = `${process.env['TOKEN_LENS_RESULTS'] ?? ''}.begun`;
  if (existsSync(mark)) {
    throw new Error(`The window was loaded again in the middle of the tests.\n${await browser.events()}`);
  }
  writeFileSync(mark, '');
  return runFiles();
}

/** A test that failed must not make others fail. */
async function cleanUp(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
  await closeAll();
  await clearNotices();
  await setTheme(undefined);
}

class EditorMocha extends Mocha {
  /** After each suite of the files; it has to be added when they are loaded, to be the last of the suite's own. */
  addCleanUp(): void {
    this.loadFiles();
    for (const suite of this.suite.suites) suite.afterAll('leaves nothing to the suites after it', cleanUp);
  }
}

async function runFiles(): Promise<Results> {
  const mocha = new EditorMocha({ timeout: 60_000, reporter: Mocha.reporters.Base }); // this one prints nothing by itself
  const wanted = new RegExp(process.env['TOKEN_LENS_TESTS'] ?? '');
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.js') && wanted.test(name)) mocha.addFile(path.join(__dirname, name));
  }
  mocha.addCleanUp();
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
      lines.push(
        browser.screenshot(
          `FAIL ${test
            .fullTitle()
            .replaceAll(/[^\w]+/g, ' ')
            .slice(-80)}`,
        ),
      );
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
