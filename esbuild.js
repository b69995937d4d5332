// Builds dist/: the extension, the model process, the command line and the panel's page. `--tests` also builds out/ for mocha, `--bench` out/bench.
'use strict';
const esbuild = require('esbuild');
const { copyFileSync, mkdirSync, readdirSync, rmSync } = require('node:fs');
const path = require('node:path');

/** @type {import('esbuild').BuildOptions} */
const common = { bundle: true, logLevel: 'warning', legalComments: 'linked', minify: process.argv.includes('--minify'), sourcemap: false };
/** @type {import('esbuild').BuildOptions} */
const host = { ...common, platform: 'node', format: 'cjs', target: 'node20' };

// The model process: transformers.js goes into the bundle (its CommonJS build), ONNX Runtime (a native module, one copy) stays outside.
// `sharp` is for images.
const stubs = { sharp: path.join(__dirname, 'src/model/sharpStub.cjs'), '@xenova/transformers': require.resolve('@xenova/transformers') };
const native = ['onnxruntime-node', 'onnxruntime-common'];

async function build() {
  rmSync('dist', { recursive: true, force: true });
  await Promise.all([
    esbuild.build({ ...host, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'] }),
    esbuild.build({ ...host, entryPoints: ['src/model/worker.ts'], outfile: 'dist/worker.js', external: native, alias: stubs }),
    esbuild.build({ ...host, entryPoints: ['src/regionsThread.ts'], outfile: 'dist/regionsThread.js' }),
    esbuild.build({ ...host, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js' }),
    esbuild.build({
      ...common,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      entryPoints: ['media/panel.ts', 'media/report.ts'],
      outdir: 'dist',
    }),
    esbuild.build({ ...common, entryPoints: ['media/report.css'], outfile: 'dist/report.css' }),
  ]);
  copyFileSync('media/panel.css', 'dist/panel.css');
  copyFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'), 'dist/onig.wasm');
}

/** Every test file becomes one bundle at the same place below out/, so that mocha finds them by pattern. */
async function buildTests() {
  rmSync('out', { recursive: true, force: true });
  mkdirSync('out');
  const entryPoints = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts') || name.endsWith(`${path.sep}index.ts`))
    .map(name => path.join('test', name));
  await esbuild.build({
    ...host,
    entryPoints,
    outdir: 'out/test',
    outbase: 'test',
    sourcemap: 'inline',
    alias: stubs,
    external: ['vscode', 'mocha', 'playwright-core', 'esbuild', ...native],
  });
}

/** Each program of the bench, and the suite of it that runs inside VS Code. */
async function buildBench() {
  rmSync('out/bench', { recursive: true, force: true });
  await esbuild.build({
    ...host,
    minify: false, // what is measured may be, what measures should say where it fails
    entryPoints: ['engine', 'baselines', 'editor', 'report'].map(name => `bench/${name}.ts`),
    outdir: 'out/bench',
    alias: stubs,
    external: ['vscode', ...native],
  });
}

build()
  .then(() => (process.argv.includes('--tests') ? buildTests() : undefined))
  .then(() => (process.argv.includes('--bench') ? buildBench() : undefined))
  .catch(() => process.exit(1)); // esbuild has already printed what is wrong
