import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';
import { setNumberLanguage } from '../core/numberText';
import type { PageLanguage } from './panelHtml';

/** Gives modules that know no editor its language: they are tested without one, or run in its pages. */
export function useEditorLanguage(): void {
  if (!vscode.l10n.bundle) return; // English: also where VS Code speaks a language that we do not
  l10n.config({ contents: vscode.l10n.bundle });
  setNumberLanguage(vscode.env.language);
}

/** For pages. */
export function pageLanguage(): PageLanguage | undefined {
  const { bundle } = vscode.l10n;
  return bundle && { name: vscode.env.language, strings: bundle };
}
