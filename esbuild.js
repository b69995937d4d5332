// Builds dist/: the extension, the model process, the command line and the panel's page. `--tests` also builds out/ for mocha, `--bench` out/bench,
// `--soak` out/soak.js.
'use strict';
const esbuild = require('esbuild');
const { createHash } = require('node:crypto');
const { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  logLevel: 'warning',
  legalComments: 'linked',
  metafile: true,
  minify: process.argv.includes('--minify'),
  sourcemap: false,
};
/**
 * `token-page`: what an exported page carries in itself, as text, with the hashes that its policy names.
 * @type {import('esbuild').Plugin}
 */
const tokenPage = {
  name: 'token-page',
  setup(build) {
    build.onResolve({ filter: /^token-page$/ }, ({ path: name }) => ({ path: name, namespace: 'token-page' }));
    build.onLoad({ filter: /.*/, namespace: 'token-page' }, async () => {
      const files = ['media/tokenPage.ts', 'media/tokenPage.css'];
      const built = await Promise.all(files.map(file => embedded(path.join(__dirname, file))));
      const [script = '', style = ''] = built;
      const texts = { script, style, scriptHash: hashOf(script), styleHash: hashOf(style) };
      return {
        contents: Object.entries(texts)
          .map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`)
          .join('\n'),
      };
    });
  },
};

/**
 * esbuild would copy the some 500 members of VS Code's API for each file that imports it: a third of what activation took.
 * @type {import('esbuild').Plugin}
 */
const vscodeOnce = {
  name: 'vscode-once',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path: file }) => ({
      contents: readFileSync(file, 'utf8').replace(/^import \* as vscode from 'vscode';$/m, "const vscode = require('vscode');"),
      loader: 'ts',
    }));
  },
};

/** One bundle as text that can stand inside an element of a page.
 * @param {string} entryPoint */
async function embedded(entryPoint) {
  const { outputFiles } = await esbuild.build({
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    legalComments: 'none',
    entryPoints: [entryPoint],
  });
  const text = outputFiles.map(file => file.text.trim()).join('');
  if (/<\/|<!--/.test(text)) throw new Error(`${entryPoint} would end its element in a page.`);
  return text;
}

/** @param {string} text */
function hashOf(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** @type {import('esbuild').BuildOptions} */
const host = { ...common, platform: 'node', format: 'cjs', target: 'node20', plugins: [tokenPage, vscodeOnce] };

// The model process: transformers.js goes into the bundle (its CommonJS build), ONNX Runtime (a native module, one copy) stays outside.
// `sharp` is for images.
const stubs = { sharp: path.join(__dirname, 'src/model/sharpStub.cjs'), '@xenova/transformers': require.resolve('@xenova/transformers') };
const native = ['onnxruntime-node', 'onnxruntime-common'];

/** @returns {Promise<readonly string[]>} Packages that some file of dist/ holds code of. */
async function build() {
  rmSync('dist', { recursive: true, force: true });
  const built = await Promise.all([
    esbuild.build({ ...host, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'] }),
    esbuild.build({ ...host, entryPoints: ['src/model/worker.ts'], outfile: 'dist/worker.js', external: native, alias: stubs }),
    esbuild.build({ ...host, entryPoints: ['src/regionsThread.ts'], outfile: 'dist/regionsThread.js' }),
    esbuild.build({ ...host, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js' }),
    esbuild.build({
      ...common,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      entryPoints: ['media/panel.ts', 'media/report.ts', 'media/lesson.ts', 'media/explain.ts'],
      outdir: 'dist',
    }),
    esbuild.build({
      ...common,
      entryPoints: { panel: 'media/panel.css', report: 'media/report.css', lesson: 'media/lesson.css', explain: 'media/explain.css' },
      outdir: 'dist',
    }),
  ]);
  copyFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'), 'dist/onig.wasm');
  const inputs = built.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}));
  const names = inputs.map(name => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1] ?? '');
  return [...new Set(names)].filter(name => name !== '').sort();
}

/** Every test file becomes one bundle at the same place below out/, so that mocha finds them by pattern. @param {readonly string[]} bundled */
async function buildTests(bundled) {
  rmSync('out', { recursive: true, force: true });
  mkdirSync('out');
  writeFileSync('out/bundled.json', JSON.stringify(bundled));
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
    entryPoints: ['engine', 'baselines', 'panel', 'editor', 'report'].map(name => `bench/${name}.ts`),
    outdir: 'out/bench',
    alias: stubs,
    external: ['vscode', 'playwright-core', 'esbuild', ...native],
  });
}

/** The faults of test/model/faults.test.ts, for minutes. */
async function buildSoak() {
  await esbuild.build({
    ...host,
    entryPoints: ['test/model/soak.ts'],
    outfile: 'out/soak.js',
    alias: stubs,
    external: native,
  });
}

build()
  .then(bundled => (process.argv.includes('--tests') ? buildTests(bundled) : undefined))
  .then(() => (process.argv.includes('--bench') ? buildBench() : undefined))
  .then(() => (process.argv.includes('--soak') ? buildSoak() : undefined))
  .catch(() => process.exit(1)); // esbuild has already printed what is wrong
