import * as vscode from 'vscode';
import type { RegionKind } from '../core/regions';
import type { LeftOut } from '../leftOut';
import { activeEditor } from './places';

interface KindItem extends vscode.QuickPickItem {
  readonly region: RegionKind;
}

/** Asks what to leave out in documents of the active editor's language. */
export async function selectLeftOut(leftOut: Pick<LeftOut, 'available' | 'skips' | 'choose'>): Promise<void> {
  const document = activeEditor()?.document;
  if (!document) return;
  const available = leftOut.available(document);
  const skipped = leftOut.skips(document);
  const items = available.map((kind): KindItem => ({ region: kind, ...kindInWords(kind), picked: skipped.has(kind) }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t('Leave out ({0})', document.languageId),
    placeHolder:
      available.length === 1
        ? vscode.l10n.t('No grammar is installed for this language, so only indentation can be told apart.')
        : vscode.l10n.t('What is left out gets no colours; the model still reads it.'),
  });
  if (chosen)
    leftOut.choose(
      document,
      chosen.map(({ region }) => region),
    );
}

/** `label`: the name of a kind; `detail`: what belongs to it, where the name does not say. */
export function kindInWords(kind: RegionKind): { readonly label: string; readonly detail?: string } {
  switch (kind) {
    case 'comments':
      return { label: vscode.l10n.t('Comments'), detail: vscode.l10n.t('Docstrings too.') };
    case 'strings':
      return {
        label: vscode.l10n.t('Strings'),
        detail: vscode.l10n.t('With their quotes; not regular expressions, property names in JSON, or code inside a string.'),
      };
    case 'indentation':
      return { label: vscode.l10n.t('Indentation') };
    case 'frontMatter':
      return { label: vscode.l10n.t('Front matter') };
    case 'fencedCode':
      return { label: vscode.l10n.t('Code blocks'), detail: vscode.l10n.t('Fenced and indented ones.') };
    case 'links':
      return { label: vscode.l10n.t('Addresses'), detail: vscode.l10n.t('Where links lead to, and bare ones in the text.') };
  }
}
