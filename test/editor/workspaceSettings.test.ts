import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { activated, eventually, inExtension, untitled, useModel } from './documents';

interface Manifest {
  readonly contributes: {
    readonly configuration: readonly { readonly properties: Readonly<Record<string, { readonly scope?: string }>> }[];
  };
}

describe('a workspace that is trusted', () => {
  const asked = JSON.parse(readFileSync(inExtension('test/fixtures/workspaceSettings.json'), 'utf8')) as Readonly<Record<string, unknown>>;
  const { contributes } = JSON.parse(readFileSync(inExtension('package.json'), 'utf8')) as Manifest;
  const ofTheMachine = contributes.configuration.flatMap(({ properties }) =>
    Object.keys(properties).filter(name => properties[name]?.scope === 'machine'),
  );
  let file: string;
  /** Of other tests. */
  let present: string | undefined;
  before(async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    file = path.join(folder.uri.fsPath, '.vscode/settings.json');
    present = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
  });
  after(async () => {
    if (present === undefined) unlinkSync(file);
    else writeFileSync(file, present);
    await useModel(undefined);
  });

  it('names no model folder, host, device or share of the machine either', async () => {
    assert.equal(vscode.workspace.isTrusted, true);
    const written: Readonly<Record<string, unknown>> = {
      ...Object.fromEntries(ofTheMachine.map(name => [name, asked[name]])),
      'tokenLens.modelFolder': inExtension('test/fixtures/tiny-half'),
      'tokenLens.palette': asked['tokenLens.palette'],
    };
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(written));
    const setting = (name: string) => vscode.workspace.getConfiguration().get<unknown>(name);
    await eventually('its file is read', () => setting('tokenLens.palette') === written['tokenLens.palette']);
    assert.ok(ofTheMachine.length > 3);
    for (const name of ofTheMachine) {
      assert.notEqual(written[name], undefined, `${name} is tried`);
      assert.notDeepEqual(setting(name), written[name], name);
    }
    const api = await activated();
    const document = await untitled('The harbour was quiet before dawn.');
    const { provenance } = await api.score(document.uri);
    assert.equal(provenance.model, 'tiny-gpt2');
  });
});
