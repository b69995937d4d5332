import assert from 'node:assert/strict';
import path from 'node:path';
import * as vscode from 'vscode';
import { activated, inExtension, useModel } from '../editor/documents';
import { processes } from '../editor/processes';

interface Manifest {
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
}

describe('a workspace that is not trusted', () => {
  it('names no model folder, host or device, starts nothing and decides on no resources, though its settings say so', async () => {
    assert.equal(vscode.workspace.isTrusted, false);
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const api = await activated();
    await useModel(inExtension('test/fixtures/tiny-gpt2'));
    try {
      const settings = vscode.workspace.getConfiguration();
      const file = vscode.Uri.joinPath(folder.uri, '.vscode/settings.json');
      const written = JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(file))) as Readonly<Record<string, unknown>>;
      const manifest = vscode.extensions.getExtension('token-lens.token-lens')?.packageJSON as Manifest;
      for (const name of manifest.capabilities.untrustedWorkspaces.restrictedConfigurations) {
        assert.notEqual(written[name], undefined, `${name} is tried`);
        assert.notDeepEqual(settings.get(name), written[name], name);
      }
      // What is only looks is the workspace's to say: its file is read.
      assert.equal(settings.get('tokenLens.palette'), written['tokenLens.palette']);
      const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, 'notes.txt'));
      await vscode.window.showTextDocument(document);
      await new Promise(resolve => setTimeout(resolve, 2_000)); // for what must not come
      assert.deepEqual(processes(), []);
      assert.equal(api.scores(document.uri), undefined);
      const { provenance, tokens } = await api.score(document.uri);
      assert.equal(provenance.model, path.basename(inExtension('test/fixtures/tiny-gpt2')));
      assert.equal(provenance.window, 127, 'all that this model has positions for');
      assert.ok(tokens.length > 3);
    } finally {
      await useModel(undefined);
    }
  });
});
