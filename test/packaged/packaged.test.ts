import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';

interface ReferenceText {
  readonly text: string;
  readonly tokens: readonly { readonly id: number; readonly start: number; readonly end: number; readonly surprisalBits: number }[];
}

const repository = process.env['TOKEN_LENS_REPOSITORY'];

describe('the packed extension, installed into an empty profile', () => {
  it('lies outside the repository and holds what it needs, for this platform only', () => {
    const folder = installed().extensionPath;
    assert.ok(repository !== undefined && !folder.startsWith(repository));
    assert.deepEqual(filesIn(folder, 'dist'), [
      'cli.js',
      'explain.css',
      'explain.js',
      'extension.js',
      'lesson.css',
      'lesson.js',
      'onig.wasm',
      'panel.css',
      'panel.js',
      'regionsThread.js',
      'report.css',
      'report.js',
      'worker.js',
      'worker.js.LEGAL.txt',
    ]);
    assert.deepEqual(filesIn(folder, 'models'), filesIn(repository, 'models'));
    const library = { linux: 'libonnxruntime.so.1', darwin: 'libonnxruntime.1.dylib', win32: 'onnxruntime.dll' }[
      process.platform as string
    ];
    assert.ok(library);
    const platform = path.join(process.platform, process.arch);
    assert.deepEqual(
      filesIn(folder, 'node_modules/onnxruntime-node/bin/napi-v6'),
      [library, 'onnxruntime_binding.node'].map(name => path.join(platform, name)),
    );
    assert.deepEqual(readdirSync(path.join(folder, 'node_modules')).sort(), ['onnxruntime-common', 'onnxruntime-node']);
    const top = readdirSync(folder).filter(name => !name.startsWith('.')); // VS Code adds a record of its own
    assert.deepEqual(top.sort(), [
      'LICENSE.txt',
      'THIRD_PARTY.md',
      'changelog.md',
      'dist',
      'l10n',
      'licences',
      'media',
      'models',
      'node_modules',
      'package.json',
      'package.nls.de.json',
      'package.nls.json',
      'readme.md',
      'samples',
    ]);
  });

  it('scores the reference texts within the tolerances of native arithmetic', async () => {
    assert.ok(repository !== undefined);
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const api = await installed().activate();
    const file = path.join(repository, 'test/reference/smollm2-135m-instruct.json');
    const texts = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, ReferenceText>>;
    const pairs: (readonly [measured: number, expected: number])[] = [];
    for (const [name, { text, tokens }] of Object.entries(texts)) {
      // Files keep their line endings; an untitled document would not.
      const uri = vscode.Uri.joinPath(folder.uri, `${name}.txt`);
      await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
      assert.equal((await vscode.workspace.openTextDocument(uri)).getText(), text);
      const scores = await api.score(uri);
      assert.deepEqual(
        scores.tokens.map(({ id, start, end }) => [id, start, end]),
        tokens.map(({ id, start, end }) => [id, start, end]),
        name,
      );
      for (const [row, { surprisalBits }] of tokens.entries()) pairs.push([scores.tokens[row]?.surprisalBits ?? NaN, surprisalBits]);
    }
    const differences = pairs.map(([measured, expected]) => Math.abs(measured - expected)).sort((one, other) => one - other);
    assert.ok(mean(differences) <= 0.15, `mean ${mean(differences)}`);
    const p95 = differences[Math.ceil(differences.length * 0.95) - 1] ?? NaN;
    assert.ok(p95 <= 0.5, `95th percentile ${p95}`);
    assert.ok(correlation(pairs) >= 0.997, `correlation ${correlation(pairs)}`);
  });
});

function installed(): vscode.Extension<TokenLensApi> {
  const extension = vscode.extensions.getExtension<TokenLensApi>('token-lens.token-lens');
  assert.ok(extension);
  return extension;
}

/** Paths of the files below a folder, from there. */
function filesIn(base: string, name: string): string[] {
  const folder = path.join(base, name);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => statSync(path.join(folder, file)).isFile());
  return files.sort();
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Pearson's. */
function correlation(pairs: readonly (readonly [number, number])[]): number {
  const means = [mean(pairs.map(([one]) => one)), mean(pairs.map(([, other]) => other))] as const;
  const product = (one: 0 | 1, other: 0 | 1) => mean(pairs.map(pair => (pair[one] - means[one]) * (pair[other] - means[other])));
  return product(0, 1) / Math.sqrt(product(0, 0) * product(1, 1));
}
