// node test/host/runUntrustedTests.mjs: test/untrusted in a real VS Code in restricted mode, in a folder whose settings ask for what they must not get.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, runSuite } from './vscodeHost.mjs';

const workspace = mkdtempSync(path.join(tmpdir(), 'token-lens-untrusted-'));
try {
  mkdirSync(path.join(workspace, '.vscode'));
  /** @type {unknown} */
  const settings = JSON.parse(readFileSync(path.join(root, 'test/fixtures/workspaceSettings.json'), 'utf8'));
  const asked = /** @type {Readonly<Record<string, unknown>>} */ (settings);
  const folder = path.join(root, String(asked['tokenLens.modelFolder']));
  writeFileSync(path.join(workspace, '.vscode/settings.json'), JSON.stringify({ ...asked, 'tokenLens.modelFolder': folder }));
  writeFileSync(path.join(workspace, 'notes.txt'), 'The harbour was quiet before dawn. '.repeat(40));
  const { passed, failed } = await runSuite({
    extension: root,
    suite: path.join(root, 'out/test/untrusted/index.js'),
    workspace,
    trusted: false,
    environment: { TOKEN_LENS_TESTS: '' },
  });
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
