import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { TokenLensApi } from '../../src/api';

interface ReferenceText {
  readonly text: string;
  readonly tokens: readonly { readonly id: number; readonly start: number; readonly end: number; readonly surprisalBits: number }[];
}

describe('the packed extension, installed into an empty profile', () => {
  it('lies outside the repository and scores the reference texts', async () => {
    const extension = vscode.extensions.getExtension<TokenLensApi>('token-lens.token-lens');
    assert.ok(extension);
    const repository = process.env['TOKEN_LENS_REPOSITORY'];
    assert.ok(repository !== undefined && !extension.extensionPath.startsWith(repository));
    const api = await extension.activate();
    const texts = JSON.parse(readFileSync(path.join(repository, 'test/reference/smollm2-135m-instruct.json'), 'utf8')) as Record<
      string,
      ReferenceText
    >;
    const differences: number[] = [];
    for (const { text, tokens } of Object.values(texts)) {
      const document = await vscode.workspace.openTextDocument({ content: text });
      if (document.getText() !== text) continue; // an untitled document has one kind of line ending
      const scores = await api.score(document.uri.toString());
      assert.deepEqual(
        scores.tokens.map(({ id, start, end }) => [id, start, end]),
        tokens.map(({ id, start, end }) => [id, start, end]),
      );
      for (const [row, { surprisalBits }] of tokens.entries())
        differences.push(Math.abs((scores.tokens[row]?.surprisalBits ?? NaN) - surprisalBits));
    }
    assert.ok(differences.length > 400);
    assert.ok(differences.reduce((sum, bits) => sum + bits, 0) / differences.length <= 0.15);
  });
});
