import * as vscode from 'vscode';
import type { Config } from '../config';
import { safeLabel } from '../core/hoverText';
import { Excerpt } from '../excerpt';
import { showInformationMessage } from '../notices';

/** What the user wants: two texts held side by side, or one kept for later. */
export type CompareChoice =
  | { readonly kind: 'compare'; readonly first: Excerpt; readonly second: Excerpt }
  | { readonly kind: 'remember'; readonly excerpt: Excerpt };

interface CompareItem extends vscode.QuickPickItem {
  readonly choose: () => CompareChoice | undefined | Promise<CompareChoice | undefined>;
}

/** Two selections need no question. Undefined where the user chose nothing. */
export async function chooseTexts(
  editor: vscode.TextEditor,
  remembered: Excerpt | undefined,
  config: Config,
): Promise<CompareChoice | undefined> {
  const { document } = editor;
  const [range, other, ...more] = editor.selections.filter(selection => !selection.isEmpty);
  if (range && other && more.length === 0) {
    const [first, second] = range.start.isBefore(other.start) ? [range, other] : [other, range];
    return { kind: 'compare', first: new Excerpt(document, first), second: new Excerpt(document, second) };
  }
  const { version } = document;
  const here = new Excerpt(document, range);
  const compareWith = (second: Excerpt): CompareChoice => ({ kind: 'compare', first: here, second });
  const separator = (label: string): CompareItem => ({
    label,
    kind: vscode.QuickPickItemKind.Separator,
    choose: () => undefined,
  });
  const items: readonly CompareItem[] = [
    ...(remembered
      ? [
          {
            label: `$(pinned) ${vscode.l10n.t('Compare with what is remembered')}`,
            description: descriptionOf(remembered),
            choose: () => ({ kind: 'compare' as const, first: remembered, second: here }),
          },
        ]
      : []),
    {
      label: range ? `$(pin) ${vscode.l10n.t('Remember this selection')}` : `$(pin) ${vscode.l10n.t('Remember this document')}`,
      description: vscode.l10n.t('then select another text and run this command again'),
      choose: () => ({ kind: 'remember', excerpt: here }),
    },
    ...(range
      ? [{ label: `$(file) ${vscode.l10n.t('Compare with this whole document')}`, choose: () => compareWith(new Excerpt(document)) }]
      : []),
    separator(vscode.l10n.t('compare with')),
    ...otherTabs(document, config).map(uri => ({
      label: `$(file) ${safeLabel(uri.path.split('/').at(-1) ?? uri.path)}`,
      description: safeLabel(vscode.workspace.asRelativePath(uri)),
      choose: async () => compareWithFile(uri, compareWith),
    })),
    {
      label: `$(folder-opened) ${vscode.l10n.t('A file...')}`,
      choose: async () => {
        const [uri] = (await vscode.window.showOpenDialog({ canSelectMany: false, openLabel: vscode.l10n.t('Compare') })) ?? [];
        return uri && compareWithFile(uri, compareWith);
      },
    },
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Which of two texts is more predictable?'),
    placeHolder: range
      ? vscode.l10n.t('Compare the selection with ... (two selections are compared at once)')
      : vscode.l10n.t('Compare this document with ...'),
  });
  const choice = await chosen?.choose();
  // The selection is held by its offsets, which nothing has moved while the list was open.
  if (choice && range && document.version !== version) {
    void showInformationMessage(
      vscode.l10n.t('The document has changed meanwhile, so it is not clear any more what was selected. Nothing was compared.'),
    );
    return undefined;
  }
  return choice;
}

/** Undefined where the file is no text or is gone, which the user is told. */
async function compareWithFile(uri: vscode.Uri, compareWith: (second: Excerpt) => CompareChoice): Promise<CompareChoice | undefined> {
  let document: vscode.TextDocument;
  try {
    document = await vscode.workspace.openTextDocument(uri);
  } catch {
    void showInformationMessage(vscode.l10n.t('This file cannot be opened as text.'));
    return undefined;
  }
  return compareWith(new Excerpt(document));
}

function descriptionOf(excerpt: Excerpt): string {
  const name = safeLabel(excerpt.name);
  return excerpt.span ? vscode.l10n.t('a selection of {0}', name) : name;
}

function otherTabs(document: vscode.TextDocument, config: Config): readonly vscode.Uri[] {
  const own = document.uri.toString();
  const open = new Map<string, vscode.Uri>();
  for (const { input } of vscode.window.tabGroups.all.flatMap(group => group.tabs)) {
    if (input instanceof vscode.TabInputText && !config.skippedSchemes.includes(input.uri.scheme))
      open.set(input.uri.toString(), input.uri);
  }
  open.delete(own);
  return [...open.values()];
}
