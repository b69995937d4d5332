import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { browser } from '../editor/browser';
import { activated } from '../editor/documents';

const themes = { light: 'Default Light Modern', dark: 'Default Dark Modern' };

async function open(name: string, column: vscode.ViewColumn): Promise<vscode.TextEditor> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder);
  const editor = await vscode.window.showTextDocument(vscode.Uri.joinPath(folder.uri, name), { viewColumn: column, preview: false });
  const api = await activated();
  if (!api.scores(editor.document.uri)) await vscode.commands.executeCommand('tokenLens.toggle');
  await api.score(editor.document.uri);
  return editor;
}

/** Not a test of anything: the pictures of the README, taken from the running extension. `npm run pictures`. */
describe('pictures', () => {
  for (const [name, theme] of Object.entries(themes)) {
    it(name, async () => {
      await vscode.workspace.getConfiguration('workbench').update('colorTheme', theme, vscode.ConfigurationTarget.Global);
      await vscode.commands.executeCommand('workbench.action.closeSidebar');
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      await open('distance.ts', vscode.ViewColumn.Two);
      const prose = await open('harbour.md', vscode.ViewColumn.One);
      const place = prose.document.getText().lastIndexOf(' Tuesday');
      assert.ok(place > 0);
      prose.selection = new vscode.Selection(prose.document.positionAt(place), prose.document.positionAt(place));
      await new Promise(resolve => setTimeout(resolve, 1500));
      await browser.screenshotOf(`editor-${name}`, '.part.editor', 400);
      await vscode.commands.executeCommand('workbench.action.closeEditorsInOtherGroups');
      const list = vscode.commands.executeCommand('tokenLens.showAlternatives');
      await new Promise(resolve => setTimeout(resolve, 3000));
      await browser.screenshotOf(`alternatives-${name}`, '.quick-input-widget');
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      await list;
      await vscode.commands.executeCommand('tokenLens.showReport');
      await new Promise(resolve => setTimeout(resolve, 2500));
      await browser.screenshotOf(`report-${name}`, '.part.editor');
      await vscode.commands.executeCommand('workbench.action.closeEditorsInOtherGroups');
      await vscode.commands.executeCommand('tokenLens.showPanel');
      await browser.evaluateInWebview('document.querySelectorAll("tr").length');
      await new Promise(resolve => setTimeout(resolve, 1500));
      await browser.screenshotOf(`panel-${name}`, '.part.editor');
    });
  }
});
