import * as vscode from 'vscode';
import { safeLabel } from '../core/hoverText';
import { gitChangesOf, gitRefOf } from '../git';
import type { GitComparison, GitRepository } from '../git';
import { showInformationMessage } from '../notices';

/** What is held against what. */
export interface ChangeSubject {
  /** Undefined: there is no such text, all of the other is new. */
  readonly original: vscode.Uri | undefined;
  readonly modified: vscode.Uri;
  /** Tells of changes to versions that no editor shows; undefined for the sides of a diff editor. */
  readonly repository: GitRepository | undefined;
}

interface ComparisonItem extends vscode.QuickPickItem {
  readonly comparison: GitComparison;
}

/** The two sides of the active diff editor, else what Git has of the active file. Undefined where the user chose nothing, or was told why there is nothing. */
export async function chooseChange(): Promise<ChangeSubject | undefined> {
  const { activeTab } = vscode.window.tabGroups.activeTabGroup;
  // A tab of many diffs (all changes of a repository) does not tell what is in it: `TabInputTextMultiDiff` is a proposal, which extensions of the
  // Marketplace may not use. There, as in a plain editor, it is the change that Git has of the file that the cursor is in.
  if (activeTab?.input instanceof vscode.TabInputTextDiff)
    return { original: activeTab.input.original, modified: activeTab.input.modified, repository: undefined };
  const document = vscode.window.activeTextEditor?.document;
  if (!document) {
    tell(vscode.l10n.t('Open a file or a diff editor first.'));
    return undefined;
  }
  const changes = await gitChangesOf(document);
  switch (changes.kind) {
    case 'no-git':
      tell(
        vscode.l10n.t(
          'The built-in Git extension is not there or turned off (setting Git: Enabled). Turn it on, or open the two texts in a diff editor and run this command again.',
        ),
      );
      return undefined;
    case 'outside':
      tell(
        vscode.l10n.t(
          'This file is in no Git repository that VS Code has open. Open two texts in a diff editor to have their difference measured.',
        ),
      );
      return undefined;
    case 'found': {
      const comparison = await chosenOf(changes.comparisons);
      return comparison && { original: comparison.original, modified: comparison.modified, repository: changes.repository };
    }
  }
}

async function chosenOf(comparisons: readonly GitComparison[]): Promise<GitComparison | undefined> {
  const [only, ...more] = comparisons;
  if (!only) {
    tell(vscode.l10n.t('This file is as it was committed: there is no change to measure.'));
    return undefined;
  }
  if (more.length === 0) return only;
  const items = comparisons.map((comparison): ComparisonItem => {
    switch (comparison.kind) {
      case 'staged':
        return { label: vscode.l10n.t('Staged change'), description: vscode.l10n.t('HEAD against the index'), comparison };
      case 'working':
        return { label: vscode.l10n.t('Working change'), description: vscode.l10n.t('the index against the file'), comparison };
      case 'both':
        return { label: vscode.l10n.t('Both together'), description: vscode.l10n.t('HEAD against the file'), comparison };
    }
  });
  const chosen = await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Which change is to be measured?') });
  return chosen?.comparison;
}

/** "tide.ts (HEAD)". */
export function sideName(uri: vscode.Uri): string {
  const name = safeLabel(uri.path.split('/').at(-1) ?? uri.path);
  const ref = gitRefOf(uri);
  if (ref === undefined) return name;
  // `~`: what the Git extension shows beside a working file, the index where something is staged, else HEAD.
  if (ref === '' || ref === '~') return vscode.l10n.t('{0} (index)', name);
  return vscode.l10n.t('{0} ({1})', name, safeLabel(ref.slice(0, 12)));
}

function tell(message: string): void {
  void showInformationMessage(message);
}
