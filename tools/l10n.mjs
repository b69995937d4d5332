// Gathers every string for people from the code into l10n/bundle.l10n.json, and tells what the translations lack. `--check`: writes nothing.
// Exit code 1 where the file is not up to date, or a translation lacks a string, has one too many, or another set of {0}.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { getL10nJson } from '@vscode/l10n-dev';
import { format, resolveConfig } from 'prettier';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const bundle = path.join(root, 'l10n/bundle.l10n.json');
const manifest = path.join(root, 'package.nls.json');

/** @typedef {Readonly<Record<string, string>>} Strings By what stands in the code. */

/** @param {string} file @returns {Strings} */
const read = file => (existsSync(file) ? /** @type {Strings} */ (JSON.parse(readFileSync(file, 'utf8'))) : {});

/** @param {string} folder */
const sourcesOf = folder =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.startsWith(`cli${path.sep}`)) // a terminal has no language of VS Code's
    .sort()
    .map(name => ({ contents: readFileSync(path.join(root, folder, name), 'utf8'), extension: /** @type {const} */ ('.ts') }));

async function gathered() {
  /** @type {Record<string, string>} */
  const strings = {};
  const found = await getL10nJson([...sourcesOf('src'), ...sourcesOf('media')]);
  for (const [key, value] of Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1))) {
    strings[key] = typeof value === 'string' ? value : value.message;
  }
  return strings;
}

/** @param {string} text */
const placeholders = text =>
  [...text.matchAll(/\{\d+\}/g)]
    .map(([name]) => name)
    .sort()
    .join();

/** What a translation lacks, has too much, or says of other things. @param {Strings} source @param {string} file */
function faultsOf(source, file) {
  const translated = read(file);
  const name = path.basename(file);
  return [
    ...Object.keys(source)
      .filter(key => !(key in translated))
      .map(key => `${name} lacks: ${key}`),
    ...Object.keys(translated)
      .filter(key => !(key in source))
      .map(key => `${name} has, and nothing asks for it: ${key}`),
    ...Object.entries(translated)
      .filter(([key, text]) => key in source && placeholders(source[key] ?? '') !== placeholders(text))
      .map(([key]) => `${name} has other places for values: ${key}`),
  ];
}

const strings = await gathered();
const text = await format(JSON.stringify(strings), { ...(await resolveConfig(bundle)), parser: 'json' });
const faults = [];
if (process.argv.includes('--check')) {
  if (!existsSync(bundle) || readFileSync(bundle, 'utf8') !== text) faults.push('l10n/bundle.l10n.json is not up to date: npm run l10n');
} else {
  mkdirSync(path.dirname(bundle), { recursive: true });
  writeFileSync(bundle, text);
}
for (const name of readdirSync(path.dirname(bundle)).filter(name => /^bundle\.l10n\..+\.json$/.test(name)))
  faults.push(...faultsOf(strings, path.join(path.dirname(bundle), name)));
for (const name of readdirSync(root).filter(name => /^package\.nls\..+\.json$/.test(name)))
  faults.push(...faultsOf(read(manifest), path.join(root, name)));
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
