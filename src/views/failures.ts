import * as vscode from 'vscode';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { ModelErrorCode } from '../model/errors';
import type { ScoredDocuments } from '../scoredDocuments';
import { stateInWords } from './stateInWords';

/** Failures that another model folder mends. */
const folderCodes: ReadonlySet<ModelErrorCode> = new Set(['not-found', 'incomplete', 'unsupported', 'cannot-align']);

/** Tells people, once for each cause, that what they asked for failed; the status bar goes on saying it. */
export function reportFailures(scored: Pick<ScoredDocuments, 'state' | 'onDidChange'>, showLog: () => void): Disposable {
  const store = new DisposableStore();
  let reported: string | undefined;
  store.add(
    scored.onDidChange(document => {
      const state = scored.state(document);
      if (state.kind === 'ready') reported = undefined;
      if (state.kind !== 'failed') return;
      const cause = `${state.error.code} ${state.error.message}`;
      if (cause === reported) return;
      reported = cause;
      void tell(state.error.code, stateInWords(state), showLog);
    }),
  );
  return store;
}

async function tell(code: ModelErrorCode, words: { readonly headline: string; readonly text: string }, showLog: () => void): Promise<void> {
  const log = vscode.l10n.t('Show Log');
  const choose = vscode.l10n.t('Choose Model Folder');
  const actions = folderCodes.has(code) ? [choose, log] : [log];
  const chosen = await vscode.window.showErrorMessage(`Token Lens: ${words.headline}. ${words.text}`, ...actions);
  if (chosen === log) showLog();
  else if (chosen === choose) await vscode.commands.executeCommand('workbench.action.openSettings', 'tokenLens.modelFolder');
}
