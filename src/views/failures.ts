import * as vscode from 'vscode';
import { numberSettings } from '../core/contributions';
import type { CommandId } from '../core/contributions';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { ModelError, ModelErrorCode } from '../model/errors';
import { showErrorMessage, showWarningMessage } from '../notices';
import type { Preambles } from '../preambles';
import type { ScoredDocuments } from '../scoredDocuments';
import { stateInWords } from './stateInWords';

/** Failures that another model mends, or the same one downloaded again. */
const folderCodes: ReadonlySet<ModelErrorCode> = new Set(['not-found', 'incomplete', 'unsupported', 'cannot-align', 'endless']);

interface Action extends vscode.MessageItem {
  readonly run: () => unknown;
}

/**
 * Tells people, once for each cause, that what they asked for failed; the status bar goes on saying it. `isTold`: somebody else is telling them of this
 * failure.
 */
export function reportFailures(
  scored: Pick<ScoredDocuments, 'state' | 'onDidChange'>,
  preambles: Pick<Preambles, 'set'>,
  showLog: () => void,
  isTold: (error: ModelError) => boolean = () => false,
): Disposable {
  const store = new DisposableStore();
  let reported: string | undefined;
  store.add(
    scored.onDidChange(document => {
      const state = scored.state(document);
      if (state.kind === 'ready') reported = undefined;
      if (state.kind !== 'failed' || isTold(state.error)) return;
      const cause = `${state.error.code} ${state.error.message}`;
      if (cause === reported) return;
      reported = cause;
      const removePreamble = () => preambles.set(document, undefined);
      void tell(state.error.code, stateInWords(state), { showLog, removePreamble });
    }),
  );
  return store;
}

async function tell(
  code: ModelErrorCode,
  words: { readonly headline: string; readonly text: string },
  { showLog, removePreamble }: Readonly<Record<'showLog' | 'removePreamble', () => void>>,
): Promise<void> {
  const log: Action = { title: vscode.l10n.t('Show Log'), run: showLog };
  const remedy: readonly Action[] = folderCodes.has(code)
    ? [{ title: vscode.l10n.t('Select Model...'), run: () => vscode.commands.executeCommand('tokenLens.selectModel' satisfies CommandId) }]
    : code === 'exited'
      ? [{ title: vscode.l10n.t('Use a Smaller Context'), run: halveContext }]
      : code === 'no-chat-frame'
        ? [{ title: vscode.l10n.t('Remove It'), run: removePreamble }]
        : [];
  const chosen = await showErrorMessage(`Token Lens: ${words.headline}. ${words.text}`, ...remedy, log);
  await chosen?.run();
}

/** VS Code's own storage has failed. */
export function tellNotKept(error: unknown, log: Pick<vscode.LogOutputChannel, 'warn'>): void {
  log.warn(`VS Code could not store a choice: ${error instanceof Error ? error.message : 'unknown failure'}`);
  void showWarningMessage(
    vscode.l10n.t(
      'Token Lens: VS Code could not store what you chose. It holds in this window; the next one knows it only if storing works again before.',
    ),
  );
}

/** Asks for the folder of another model and sets it. */
export async function chooseModelFolder(): Promise<void> {
  const folder = await askModelFolder();
  if (folder !== undefined)
    await vscode.workspace.getConfiguration('tokenLens').update('modelFolder', folder, vscode.ConfigurationTarget.Global);
}

/** The folder that somebody points at; undefined: none. */
export async function askModelFolder(): Promise<string | undefined> {
  const title = vscode.l10n.t('Choose a model folder: config.json, tokenizer.json, tokenizer_config.json and onnx/model*.onnx');
  const [folder] = (await vscode.window.showOpenDialog({ title, canSelectFiles: false, canSelectFolders: true })) ?? [];
  return folder?.fsPath;
}

/** A smaller context needs less memory; unlike smaller chunks it changes the numbers, so people decide. */
async function halveContext(): Promise<void> {
  const settings = vscode.workspace.getConfiguration('tokenLens');
  const { default: usual, minimum } = numberSettings.contextTokens;
  const halved = Math.max(minimum, Math.floor(settings.get('contextTokens', usual) / 2));
  await settings.update('contextTokens', halved, vscode.ConfigurationTarget.Global);
}
