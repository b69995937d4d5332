import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { browser } from './browser';
import { activated, eventually, inExtension } from './documents';

interface Walkthrough {
  readonly id: string;
  readonly steps: readonly { readonly media: { readonly svg: string } }[];
}

describe('the walkthrough', function () {
  this.timeout(120_000);

  afterEach(async () => {
    const document = vscode.window.activeTextEditor?.document;
    if (document?.isUntitled) await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows its five steps with their pictures, in the colours of the theme', async () => {
    await activated();
    const manifest = JSON.parse(readFileSync(inExtension('package.json'), 'utf8')) as {
      readonly contributes: { readonly walkthroughs: readonly Walkthrough[] };
    };
    const [walkthrough] = manifest.contributes.walkthroughs;
    assert.equal(walkthrough?.steps.length, 5);
    for (const { media } of walkthrough.steps) {
      const picture = readFileSync(inExtension(media.svg), 'utf8');
      assert.doesNotMatch(picture.replaceAll(/\(--vscode[^)]*\)/g, ''), /#[0-9a-f]{3,8}\b/i, `${media.svg} has a colour of its own`);
    }
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', `token-lens.token-lens#${walkthrough.id}`, false);
    const titles = `[...document.querySelectorAll('.gettingStartedContainer .step-title')].map(title => title.textContent.trim())`;
    await eventually('five steps are shown', async () => (await browser.evaluate<readonly string[]>(titles)).length === 5);
    assert.equal((await browser.evaluate<readonly string[]>(titles))[0], 'Colour a text');
    // A picture in the theme's colours is a page of its own.
    await eventually('the first picture is shown', () =>
      browser.evaluate<boolean>(`document.querySelector('.webview.ready, iframe.webview') !== null`),
    );
    await browser.screenshot('walkthrough', 2_000);
  });

  it('opens a sample text with the lens on, and leaves everything else alone', async () => {
    const api = await activated();
    const before = vscode.workspace.textDocuments.filter(document => document.isDirty).length;
    await vscode.commands.executeCommand('tokenLens.openSample');
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document?.isUntitled);
    assert.equal(document.getText(), readFileSync(inExtension('samples/harbour.md'), 'utf8'));
    await eventually('it is scored', () => api.scores(document.uri) !== undefined, 60_000);
    assert.equal(vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty).length, before + 1);
  });
});
