// npm run bench: sets up what is missing, builds, measures the model process and the extension in a real VS Code, prints what came out and
// writes out/bench/results.json. Exit code 1 where a budget is missed by more than its allowance for noise. Leave the machine alone meanwhile.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { installBrowser, installPackages, root, run, say } from '../tools/setUp.mjs';

const started = performance.now();
installPackages();
installBrowser();
run(process.execPath, ['esbuild.js', '--minify', '--bench']);
const { runSuite } = await import('../test/host/vscodeHost.mjs'); // needs the packages
const scratch = mkdtempSync(path.join(tmpdir(), 'token-lens-bench-'));
const workspace = path.join(scratch, 'workspace');
mkdirSync(workspace);
const engineLines = path.join(scratch, 'engine.json');
const panelLines = path.join(scratch, 'panel.json');
const editorRuns = path.join(scratch, 'editor.json');
/** @param {readonly string[]} args */
const succeeds = args => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;

process.exitCode = 1; // until every budget is met
try {
  say('Measuring the model process (about six minutes) ...');
  if (succeeds(['out/bench/engine.js', engineLines, workspace])) {
    say('Measuring the extension in VS Code (about two minutes) ...');
    const suite = path.join(root, 'out/bench/editor.js');
    const starts = [];
    // The last of three starts goes on with the recorded session.
    for (const environment of [{}, {}, { TOKEN_LENS_SESSION: '1' }]) {
      starts.push(await runSuite({ extension: root, suite, workspace, environment }));
    }
    writeFileSync(editorRuns, JSON.stringify(starts));
    say('Measuring the panel in a browser ...');
    if (succeeds(['out/bench/panel.js', panelLines])) {
      if (succeeds(['out/bench/report.js', 'out/bench/results.json', engineLines, panelLines, editorRuns])) process.exitCode = 0;
    }
  }
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
say(`Took ${((performance.now() - started) / 60_000).toFixed(1)} minutes, set-up included.`);
