// npm run pictures: the README's pictures, taken from the running extension.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installPackages, root, run } from './setUp.mjs';

installPackages();
run(process.execPath, ['esbuild.js', '--tests']);
const { runSuite } = await import('../test/host/vscodeHost.mjs'); // needs the packages
const scratch = mkdtempSync(path.join(tmpdir(), 'token-lens-pictures-'));
const workspace = path.join(scratch, 'samples'); // its path is in no picture
try {
  cpSync(path.join(root, 'samples'), workspace, { recursive: true });
  const { failed } = await runSuite({
    extension: root,
    suite: path.join(root, 'out/test/pictures/index.js'),
    workspace,
    pictures: path.join(root, 'media/pictures'),
    viewport: { width: 1300, height: 850 },
    settings: { 'editor.wordWrap': 'on', 'editor.minimap.enabled': false, 'editor.occurrencesHighlight': 'off' },
  });
  process.exitCode = failed > 0 ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
