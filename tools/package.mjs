// npm run package [-- --no-model]: one VSIX for this platform, with the model inside unless it is left out. Needs no network.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installPackages, root, run, say } from './setUp.mjs';

/** Platforms for which the model runtime has files. */
const targets = new Set(['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64']);

/**
 * Packs what is in dist/ and returns the file's path.
 * @param {{ readonly withModel: boolean, readonly packagePath?: string }} options
 */
export async function packExtension({ withModel, packagePath }) {
  const target = `${process.platform}-${process.arch}`;
  if (!targets.has(target)) throw new Error(`The model runtime has no files for ${target}; it has for ${[...targets].join(', ')}.`);
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { version } = /** @type {{ readonly version: string }} */ (manifest);
  const file = packagePath ?? path.join(root, `token-lens-${target}-${version}${withModel ? '' : '-no-model'}.vsix`);
  const scratch = mkdtempSync(path.join(tmpdir(), 'token-lens-package-'));
  try {
    // The allow-list of the repository, and of the runtime only what this platform loads (no GPU libraries).
    const ignoreFile = path.join(scratch, '.vscodeignore');
    const runtime = 'node_modules/onnxruntime-node';
    const libraries =
      process.platform === 'linux'
        ? ['libonnxruntime.so.1']
        : process.platform === 'darwin'
          ? ['libonnxruntime.1.dylib'] // the name the binding asks for; the package holds the same file once more
          : ['onnxruntime.dll'];
    const binaries = [...libraries, 'onnxruntime_binding.node'].map(
      name => `!${runtime}/bin/napi-v6/${process.platform}/${process.arch}/${name}`,
    );
    // In such a file the allowing lines win, wherever they stand: what stays out must not be allowed in the first place.
    const allowed = readFileSync(path.join(root, '.vscodeignore'), 'utf8')
      .split('\n')
      .filter(line => withModel || line !== '!models/**');
    const runtimeFiles = [`!${runtime}/package.json`, `!${runtime}/dist/*.js`, ...binaries];
    const commonFiles = ['package.json', 'dist/cjs/package.json', 'dist/cjs/*.js'].map(name => `!node_modules/onnxruntime-common/${name}`);
    writeFileSync(ignoreFile, [...allowed, ...runtimeFiles, ...commonFiles, ''].join('\n'));
    const { createVSIX } = await import('@vscode/vsce'); // not there before the packages are installed
    const made = path.join(scratch, 'made.vsix');
    await createVSIX({
      cwd: root,
      packagePath: made,
      ignoreFile,
      target,
      allowMissingRepository: true,
      rewriteRelativeLinks: false,
      useYarn: false,
    });
    copyFileSync(made, file);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return file;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { 'no-model': { type: 'boolean', default: false } } });
  installPackages();
  run(process.execPath, ['esbuild.js', '--minify']);
  const file = await packExtension({ withModel: !values['no-model'] });
  say(
    `${path.relative(root, file)}: ${(statSync(file).size / 1e6).toFixed(0)} MB. Install it with: code --install-extension ${path.basename(file)}`,
  );
}
