// Packs the extension, installs that one file into an empty profile of a real VS Code and runs test/packaged there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packExtension } from '../../tools/package.mjs';
import { root, runSuite } from './vscodeHost.mjs';

const scratch = mkdtempSync(path.join(tmpdir(), 'token-lens-packaged-'));
try {
  const vsix = await packExtension({ withModel: true, packagePath: path.join(scratch, 'token-lens.vsix') });
  // VS Code runs tests for an extension under development only: one that does nothing.
  const driver = path.join(scratch, 'driver');
  const workspace = path.join(scratch, 'workspace');
  for (const folder of [driver, workspace]) mkdirSync(folder);
  writeFileSync(
    path.join(driver, 'package.json'),
    JSON.stringify({ name: 'driver', publisher: 'test', version: '0.0.1', engines: { vscode: '*' } }),
  );
  const { passed, failed } = await runSuite({
    extension: driver,
    suite: path.join(root, 'out/test/packaged/index.js'),
    workspace,
    vsix,
    environment: { TOKEN_LENS_REPOSITORY: root },
  });
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
