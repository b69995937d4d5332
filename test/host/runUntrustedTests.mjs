// node test/host/runUntrustedTests.mjs: test/untrusted in a real VS Code in restricted mode, in a folder whose settings ask for what they must not get.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, runSuite } from './vscodeHost.mjs';

const workspace = mkdtempSync(path.join(tmpdir(), 'token-lens-untrusted-'));
try {
  mkdirSync(path.join(workspace, '.vscode'));
  writeFileSync(
    path.join(workspace, '.vscode/settings.json'),
    JSON.stringify({
      'tokenLens.modelFolder': path.join(root, 'test/fixtures/tiny-half'),
      'tokenLens.threads': 63,
      'tokenLens.snapshotMegabytes': 2047,
      'tokenLens.autoStart': ['plaintext'],
      'tokenLens.inspectInsertions': 'auto',
      'tokenLens.largestDocumentBytes': 1000,
      'tokenLens.contextTokens': 17,
      'tokenLens.idleMinutes': 1439,
      'tokenLens.palette': 'tide',
    }),
  );
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
