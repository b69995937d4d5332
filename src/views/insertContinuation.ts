import * as vscode from 'vscode';
import { showInformationMessage } from '../notices';
import { notTakenMessage, withLineEndings } from './alternatives';
import type { ContinuationEdit } from './panelScratch';

/** Puts a continuation into its document, as one edit to be undone, and the cursor behind it. Resolves to the editor; undefined where the document did not take it, which the user is told. */
export async function insertContinuation(edit: ContinuationEdit<vscode.TextDocument>): Promise<vscode.TextEditor | undefined> {
  const { document, start, end } = edit;
  const text = withLineEndings(edit.text, document);
  try {
    const shown = vscode.window.visibleTextEditors.find(each => each.document === document);
    const editor = shown ?? (await vscode.window.showTextDocument(document, { preserveFocus: true, viewColumn: vscode.ViewColumn.One }));
    const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
    if (await editor.edit(builder => builder.replace(range, text))) {
      const behind = document.positionAt(start + text.length);
      editor.selection = new vscode.Selection(behind, behind);
      editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
      sayLeftOut(edit);
      return editor;
    }
  } catch {
    // The document was closed meanwhile.
  }
  void showInformationMessage(notTakenMessage());
  return undefined;
}

export async function copyContinuation(edit: ContinuationEdit<vscode.TextDocument>): Promise<void> {
  await vscode.env.clipboard.writeText(edit.text);
  sayLeftOut(edit);
}

/** What of it is no text. */
function sayLeftOut({ controlTokens, bytesLeftOut }: ContinuationEdit<vscode.TextDocument>): void {
  const parts = [
    ...(bytesLeftOut > 0 ? [vscode.l10n.t('A character that is not complete was left out.')] : []),
    ...(controlTokens > 0 ? [vscode.l10n.t('Control tokens are not text and were left out.')] : []),
  ];
  if (parts.length > 0) void showInformationMessage(parts.join(' '));
}
