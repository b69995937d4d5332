// npm start: installs, builds, and opens VS Code on samples/ with the extension: the desktop's `code`, else one served to your browser.
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packExtension } from './package.mjs';
import { findProgram, installPackages, root, run, say } from './setUp.mjs';
import { canServe, freePort, installExtension, installServer, startServer, writeSettings } from './vscodeServer.mjs';

const samples = path.join(root, 'samples');

if (findProgram('code') !== undefined) {
  prepare();
  say('Opening VS Code on samples/. Open a file there and click the eye in the editor title.');
  run('code', [`--extensionDevelopmentPath=${root}`, samples]);
} else if (canServe) {
  prepare();
  await serve();
} else {
  say('Install VS Code so that the command `code` is on the PATH, then run npm start again.');
  say(`(In VS Code: command palette, "Shell Command: Install 'code' command in PATH". Linux on x64 or arm64 needs none.)`);
  process.exitCode = 1;
}

function prepare() {
  installPackages();
  say('Building ...');
  run(process.execPath, ['esbuild.js']);
}

async function serve() {
  say('There is no `code` on the PATH: a VS Code is served on this machine instead.');
  say('The first time it is installed from npm (about 700 MB, a minute or two) ...');
  const vscode = installServer(path.join(root, '.vscode-host'));
  const home = mkdtempSync(path.join(tmpdir(), 'token-lens-start-'));
  say('Packing the extension and its model, and installing them there (half a minute) ...');
  const vsix = await packExtension({ withModel: true, packagePath: path.join(home, 'token-lens.vsix') });
  writeSettings(home, { 'editor.wordWrap': 'on' });
  installExtension(vscode, home, vsix);
  const copies = path.join(home, 'samples'); // VS Code in a browser saves by itself
  cpSync(samples, copies, { recursive: true });
  const port = await freePort();
  const token = randomBytes(16).toString('hex');
  const { server } = await startServer(vscode, { home, port, token });
  say('\nOpen this address in a browser on this machine, open a file and click the eye in its title:\n');
  say(`    http://127.0.0.1:${String(port)}/?tkn=${token}&folder=${encodeURIComponent(copies)}\n`);
  say('Ctrl-C ends it. The samples there are copies, which go with it.');
  const end = () => {
    server.kill();
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  server.once('exit', () => {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });
}
