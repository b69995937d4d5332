import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Locked {
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { readonly packages: Readonly<Record<string, Locked>> };
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly dependencies: Readonly<Record<string, string>> };
/** The two that are shipped beside the bundles, and those whose code the last build has put into one. */
const shipped = [...Object.keys(dependencies), ...(JSON.parse(readFileSync('out/bundled.json', 'utf8')) as readonly string[])];
const listed = readFileSync('THIRD_PARTY.md', 'utf8');
const rows = listed.split('\n').filter(line => line.startsWith('|'));

describe('SECURITY.md', () => {
  it('names tests that are there', () => {
    const table = readFileSync('SECURITY.md', 'utf8');
    const named = [...table.matchAll(/`(test\/[\w/.]+\.test\.ts)`((?:[^|`]*"[^"|`]+")+)/g)];
    assert.ok(named.length > 15, String(named.length));
    for (const [, file = '', titles = ''] of named) {
      const source = readFileSync(file, 'utf8');
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) assert.ok(source.includes(title), `${file}: ${title}`);
    }
  });
});

describe('packages', () => {
  it('have no install scripts but the runtime and tools of the build, and no script is run at an install', () => {
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = (isTool: boolean) =>
      scripted.filter(([, { dev }]) => (dev === true) === isTool).map(([place]) => place.replace('node_modules/', ''));
    assert.deepEqual(names(false), ['onnxruntime-node']);
    assert.deepEqual(names(true), ['@vscode/vsce-sign', 'esbuild', 'keytar', 'protobufjs']);
    assert.match(readFileSync('.npmrc', 'utf8'), /^ignore-scripts=true$/m);
  });

  it('come by their hashes, and from no place of their own', () => {
    for (const [place, { integrity, resolved }] of Object.entries(packages)) {
      if (place === '') continue;
      assert.match(integrity ?? '', /^sha512-/, place);
      assert.equal(resolved, undefined, place);
    }
  });

  it('that are shipped are the runtime in two, of one exact version each', () => {
    assert.deepEqual(Object.keys(dependencies), ['onnxruntime-common', 'onnxruntime-node']);
    for (const version of Object.values(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
  });

  it('whose code is shipped are listed with their licences, and no others', () => {
    assert.ok(shipped.length > 6, String(shipped));
    for (const name of shipped) {
      const own = JSON.parse(readFileSync(path.join('node_modules', name, 'package.json'), 'utf8')) as {
        readonly name: string;
        readonly license: string;
      };
      const row = rows.find(line => line.includes(`\`${own.name}\``));
      assert.ok(row, `${own.name} is missing in THIRD_PARTY.md`);
      for (const licence of own.license.replaceAll(/[()]/g, '').split(' AND '))
        assert.ok(
          rows.some(line => line.includes(`\`${own.name}\``) && line.includes(licence)),
          `${own.name}: ${licence}`,
        );
    }
    // A package of a package comes built into it.
    const known = new Set([...shipped, '@huggingface/transformers', '@huggingface/jinja']);
    for (const line of rows) for (const [, name = ''] of line.matchAll(/`(@?[a-z][\w-]*(?:\/[\w-]+)?)`/g)) assert.ok(known.has(name), name);
  });

  it('have their licences in full', () => {
    const files = [...listed.matchAll(/`(licences\/[\w.-]+)`/g)].map(([, file = '']) => file);
    for (const file of files) assert.ok(existsSync(file), file);
    assert.deepEqual(
      [...new Set(files)].sort(),
      readdirSync('licences').map(file => `licences/${file}`),
    );
    for (const row of rows.slice(2)) assert.match(row, /MIT, copyright|\(`licences\//, row);
  });
});
