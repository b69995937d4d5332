import assert from 'node:assert/strict';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DocumentScores, TokenLensApi } from '../../src/api';

const extensionId = 'token-lens.token-lens';

export async function activated(): Promise<TokenLensApi> {
  const extension = vscode.extensions.getExtension<TokenLensApi>(extensionId);
  assert.ok(extension, `${extensionId} is not installed`);
  return extension.activate();
}

export function inExtension(...names: readonly string[]): string {
  const extension = vscode.extensions.getExtension(extensionId);
  assert.ok(extension);
  return path.join(extension.extensionPath, ...names);
}

/** The tiny random model answers in milliseconds: for tests of behaviour, not of numbers. */
export async function useModel(folder: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('tokenLens').update('modelFolder', folder, vscode.ConfigurationTarget.Global);
}

export async function untitled(content: string, language = 'plaintext'): Promise<vscode.TextDocument> {
  for (let tries = 0; tries < 10; tries++) {
    const before = new Set(vscode.workspace.textDocuments);
    const document = await vscode.workspace.openTextDocument({ content, language });
    if (!before.has(document) && asHeld(document.getText()) === asHeld(content)) return document;
    // VS Code gives names again: that of a document that is just being closed opens this very one, or a new one with its text.
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  throw new Error('VS Code opens no new untitled document.');
}

/** In a document all lines end alike, and half a surrogate pair does not get there. */
function asHeld(text: string): string {
  return text.replaceAll('\r', '').toWellFormed();
}

/** Closes every editor, and every document without a file: VS Code would ask about those, and gives them to the tests after. */
export async function closeAll(): Promise<void> {
  for (const document of vscode.workspace.textDocuments) {
    if ((!document.isUntitled && !document.isDirty) || document.isClosed) continue;
    await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

/** What the same text gives when it is new: every way of getting there must end in these numbers. */
export async function scoresOfText(api: TokenLensApi, document: vscode.TextDocument): Promise<DocumentScores> {
  const fresh = await untitled(document.getText(), document.languageId);
  return api.score(fresh.uri);
}

export function assertSameScores(got: Pick<DocumentScores, 'tokens'>, expected: Pick<DocumentScores, 'tokens'>): void {
  assert.equal(got.tokens.length, expected.tokens.length);
  for (const [row, token] of got.tokens.entries()) {
    const other = expected.tokens[row];
    assert.deepEqual([token.id, token.start, token.end, token.contextTokens], [other?.id, other?.start, other?.end, other?.contextTokens]);
    assert.ok(Math.abs((token.surprisalBits ?? -1) - (other?.surprisalBits ?? -1)) < 1e-3);
  }
}

/** Tokens that the model has run, once it has nothing more to do. */
export async function tokensRunAtRest(api: TokenLensApi): Promise<number> {
  let tokens = NaN;
  await eventually('the model has nothing to do', async () => {
    const earlier = tokens;
    await new Promise(resolve => setTimeout(resolve, 500));
    return (tokens = (await api.measure()).model?.tokensRun ?? 0) === earlier;
  });
  return tokens;
}

export async function eventually(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  assert.ok(await comesTrue(holds, timeoutMs), `It never came true: ${what}.`);
}

/** Looks often at first: most of what is waited for is there in a moment, and what is not costs the machine less. */
export async function comesTrue(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (let pauseMs = 5; !(await holds()); pauseMs = Math.min(50, 1.5 * pauseMs)) {
    if (performance.now() >= end) return false;
    await new Promise(resolve => setTimeout(resolve, pauseMs));
  }
  return true;
}

/** What `read` gives as soon as it is what is waited for; the error of waiting too long shows what it was instead. */
export async function readWhen<Shown>(
  what: string,
  read: () => Promise<Shown>,
  holds: (shown: Shown) => boolean,
  timeoutMs: number,
): Promise<Shown> {
  let last: { readonly shown: Shown } | undefined;
  await eventually(what, async () => holds((last = { shown: await read() }).shown), timeoutMs).catch((error: unknown) => {
    throw new Error(JSON.stringify(last?.shown), { cause: error });
  });
  assert.ok(last);
  return last.shown;
}
