// node test/host/runRestartTests.mjs: test/restart in a real VS Code whose extension host is restarted and killed in the middle of scoring.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, runSuite } from './vscodeHost.mjs';

const workspace = mkdtempSync(path.join(tmpdir(), 'token-lens-restart-'));
const pictures = process.env['PICTURES'];
try {
  const lines = Array.from({ length: 60 }, (_, line) => `${String(line + 1)} harbour\n`).join('');
  for (const [name, text] of Object.entries({ 'notes.txt': 'Notes.\n', 'saved.txt': lines, 'plain.txt': lines }))
    writeFileSync(path.join(workspace, name), text);
  const { passed, failed } = await runSuite({
    extension: root,
    suite: path.join(root, 'out/test/restart/index.js'),
    workspace,
    inManyLives: true,
    ...(pictures ? { pictures: path.resolve(pictures) } : {}),
    settings: {
      'workbench.colorTheme': 'Default Dark Modern',
      'files.autoSave': 'off', // a window in a browser saves by itself
      'tokenLens.preset': 'code',
      'tokenLens.modelFolder': path.join(root, 'test/fixtures/tiny-gpt2'),
    },
  });
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
