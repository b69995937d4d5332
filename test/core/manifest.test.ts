import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  announceModes,
  devices,
  clampedFraction,
  clampedNumber,
  contextKeys,
  fractionSettings,
  hoverModes,
  inspectModes,
  internalCommands,
  numberSettings,
  otherDefaults,
  presets,
  publicCommands,
  scoreOnModes,
  validBandEdges,
} from '../../src/core/contributions';
import { muteModes, palettes, styles } from '../../src/core/look';
import { signedBandCount } from '../../src/core/signedBands';

interface Setting {
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly scope: string;
  readonly markdownDescription: string;
}
interface Manifest {
  readonly activationEvents: readonly string[];
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly when?: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly when?: string }[]>>;
    readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<string, string>> }[];
    readonly configuration: readonly { readonly title: string; readonly properties: Readonly<Record<string, Setting>> }[];
  };
}

const text = readFileSync('package.json', 'utf8');
const manifest = JSON.parse(text) as Manifest;
const strings = JSON.parse(readFileSync('package.nls.json', 'utf8')) as Readonly<Record<string, string>>;
const { commands, menus, keybindings, colors, configuration } = manifest.contributes;
const settings: Readonly<Record<string, Setting>> = Object.assign({}, ...configuration.map(group => group.properties)) as Record<
  string,
  Setting
>;
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => readFileSync(path.join('src', name), 'utf8'))
  .join('\n');

describe('package.json', () => {
  it('declares exactly the commands that are registered', () => {
    assert.deepEqual(commands.map(({ command }) => command).sort(), [...publicCommands, ...internalCommands].sort());
  });

  it('shows internal commands in no palette, and all commands of menus are declared', () => {
    const palette = menus['commandPalette'] ?? [];
    for (const id of internalCommands) assert.equal(palette.find(({ command }) => command === id)?.when, 'false');
    const declared = new Set(commands.map(({ command }) => command));
    for (const { command } of [...Object.values(menus).flat(), ...keybindings]) assert.ok(declared.has(command), command);
  });

  it('asks in `when` clauses only for context keys that are set', () => {
    const known = new Set<string>(Object.values(contextKeys));
    for (const { when = '' } of [...Object.values(menus).flat(), ...keybindings])
      for (const [key] of when.matchAll(/(?<!view == )tokenLens\.\w+/g)) assert.ok(known.has(key), key);
  });

  it('declares every setting that is read, with the same default and limits, and no other', () => {
    const read = Object.fromEntries(
      Object.entries({ ...numberSettings, ...fractionSettings, ...otherDefaults }).map(([name, value]) => [
        `tokenLens.${name}`,
        name in numberSettings || name in fractionSettings ? value : { default: value },
      ]),
    );
    const declared = Object.fromEntries(
      Object.entries(settings).map(([name, { default: value, minimum, maximum }]) => [
        name,
        minimum === undefined ? { default: value } : { default: value, minimum, maximum },
      ]),
    );
    assert.deepEqual(declared, read);
    assert.deepEqual(settings['tokenLens.hover']?.enum, hoverModes);
    assert.deepEqual(settings['tokenLens.announce']?.enum, announceModes);
    assert.deepEqual(settings['tokenLens.inspectInsertions']?.enum, inspectModes);
    assert.deepEqual(settings['tokenLens.device']?.enum, devices);
    assert.deepEqual(settings['tokenLens.preset']?.enum, presets);
    assert.deepEqual(settings['tokenLens.palette']?.enum, palettes);
    assert.deepEqual(settings['tokenLens.style']?.enum, styles);
    assert.deepEqual(settings['tokenLens.muteConfident']?.enum, muteModes);
    assert.deepEqual(settings['tokenLens.scoreOn']?.enum, scoreOnModes);
  });

  it('reads each setting somewhere', () => {
    const config = readFileSync('src/config.ts', 'utf8');
    for (const name of Object.keys(settings)) assert.ok(config.includes(`'${name.replace('tokenLens.', '')}'`), name);
  });

  it('leaves to a workspace only what has been judged harmless, and to one that is not trusted nothing that costs', () => {
    // What is shown of a text, and how; words for texts that are left alone. None names a file, an address or a device.
    const harmless = [
      ...['preset', 'bandEdgesCode', 'bandEdgesProse', 'palette', 'style', 'muteConfident', 'wordCorrection', 'hover', 'leaveOut'],
      ...['stretchWords', 'stretchBits', 'suggestLeastProbability', 'announce', 'scoreOn', 'alternatives'],
      ...['skipLanguages', 'skipFolders', 'skipSchemes', 'overlapTokens', 'startToken'],
    ];
    // Time and memory: when the model starts, how long it stays, how much it reads.
    const costly = [
      'autoStart',
      'inspectInsertions',
      'contextTokens',
      'largestDocumentBytes',
      'idleMinutes',
      'pauseAfterSeconds',
      'unloadAfterSeconds',
    ];
    const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    for (const name of restrictedConfigurations) assert.ok(settings[name], name);
    for (const [id, { scope }] of Object.entries(settings)) {
      const name = id.replace('tokenLens.', '');
      assert.equal(restrictedConfigurations.includes(id), !harmless.includes(name), `${id} is restricted`);
      // Everything else is a folder, a host, a device or a share of the machine: no workspace says it, trusted or not.
      assert.equal(scope === 'machine', !harmless.includes(name) && !costly.includes(name), `${id} has the scope ${scope}`);
    }
  });

  it('lets no workspace choose the model folder, the threads, the device or the memory', () => {
    for (const name of ['tokenLens.modelFolder', 'tokenLens.threads', 'tokenLens.device', 'tokenLens.snapshotMegabytes']) {
      assert.equal(settings[name]?.scope, 'machine');
      assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes(name));
    }
  });

  it('gives every colour a default for all four kinds of theme', () => {
    // Five backgrounds, five underlines and the marks in the overview ruler; two of predictable stretches; for each sign of a
    // difference four backgrounds and a line.
    assert.equal(colors.length, 11 * palettes.length + 2 + 2 * (signedBandCount + 1));
    for (const { id, defaults } of colors)
      assert.deepEqual(Object.keys(defaults).sort(), ['dark', 'highContrast', 'highContrastLight', 'light'], id);
  });

  it('uses only declared colours in the sources', () => {
    const declared = new Set(colors.map(({ id }) => id));
    for (const [, id] of sources.matchAll(/ThemeColor\('(tokenLens\.\w+)'\)/g)) assert.ok(id !== undefined && declared.has(id), id);
    for (const [, name] of sources.matchAll(/--vscode-tokenLens-(\w+)/g))
      assert.ok(declared.has(`tokenLens.${name ?? ''}`) || name === 'band', name);
  });

  it('takes every string for people from package.nls.json, which holds no other', () => {
    const used = new Set([...text.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key));
    assert.deepEqual([...used].sort(), Object.keys(strings).sort());
    for (const { title } of configuration) assert.match(title, /^%.*%$/);
    for (const [name, { markdownDescription }] of Object.entries(settings)) assert.match(markdownDescription, /^%.*%$/, name);
  });

  it('names unit and limits in the description of every number', () => {
    for (const [name, { minimum, maximum, markdownDescription }] of Object.entries(settings)) {
      if (minimum === undefined || maximum === undefined) continue;
      const description = (strings[markdownDescription.slice(1, -1)] ?? '').replaceAll(',', '');
      assert.ok(description.includes(String(minimum)) && description.includes(String(maximum)), name);
      assert.match(description, /in (?:tokens|words|bits|threads|minutes|seconds|megabytes|bytes)|as a probability/, name);
    }
  });

  it('refers only to files that are there', () => {
    for (const [, file] of text.matchAll(/"(media\/[\w./-]+)"/g)) assert.ok(file !== undefined && existsSync(file), file);
  });
});

describe('settings', () => {
  it('stay inside their limits whatever the user wrote', () => {
    const of = (value: unknown) => clampedNumber(value, numberSettings.contextTokens);
    assert.deepEqual([of(512), of(1), of(1e9), of(99.6), of('512'), of(NaN), of(null)], [512, 16, 8192, 100, 1024, 1024, 1024]);
  });

  it('keep decimals where they may have them', () => {
    const of = (value: unknown) => clampedFraction(value, fractionSettings.stretchBits);
    assert.deepEqual([of(0.5), of(0), of(99), of('1'), of(Infinity)], [0.5, 0.01, 16, 1, 1]);
  });

  it('take band edges only whole', () => {
    const good = [1, 2.5, 3, 4, 5];
    assert.deepEqual(validBandEdges(good, otherDefaults.bandEdgesCode), good);
    for (const bad of [
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5, 6],
      [1, 3, 2, 4, 5],
      [1, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
      [-1, 1, 2, 3, 4],
      [1, 2, 3, 4, '5'],
      [1, 2, 3, 4, Infinity],
      'x',
      null,
    ]) {
      assert.deepEqual(validBandEdges(bad, otherDefaults.bandEdgesCode), otherDefaults.bandEdgesCode, JSON.stringify(bad));
    }
  });
});
