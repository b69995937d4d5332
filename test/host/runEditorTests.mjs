// node test/host/runEditorTests.mjs [PATTERN]: the tests of test/editor in a real VS Code. PICTURES=DIR keeps the screenshots they ask for.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, runSuite } from './vscodeHost.mjs';

const workspace = mkdtempSync(path.join(tmpdir(), 'token-lens-workspace-'));
const pictures = process.env['PICTURES'];
try {
  const { passed, failed } = await runSuite({
    extension: root,
    suite: path.join(root, 'out/test/editor/index.js'),
    workspace,
    ...(pictures ? { pictures: path.resolve(pictures) } : {}),
    // What is drawn is compared with the bands of single tokens; test/editor/look.test.ts is about the other ways to look at a text.
    // Both cores of the smallest machine, where the extension itself would leave one to others: most of the time is the model's.
    settings: { 'tokenLens.preset': 'code', 'tokenLens.threads': 2 },
    environment: { TOKEN_LENS_TESTS: process.argv[2] ?? '' },
  });
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
