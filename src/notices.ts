import * as vscode from 'vscode';
import { safeLabel } from './core/hoverText';
import { safeLine } from './exports/visibleText';

/**
 * The only place that shows messages, progress and words in the status bar; a lint rule says so. VS Code makes a link of `[words](command:id)` in a message,
 * which runs the command, and an icon of `$(name)` in the status bar. Names of files, folders and models can hold both, so everything that is said goes
 * through here and is text. The titles of buttons are words of ours.
 */

/** UTF-16: of a longer message VS Code itself shows no more. */
const mostUnits = 1_000;

type Action = string | vscode.MessageItem;

/** The action that was chosen. */
export function showInformationMessage<T extends Action>(message: string, ...actions: readonly T[]): Promise<T | undefined> {
  return chosen(actions, items => vscode.window.showInformationMessage(plain(message), ...items));
}

export function showWarningMessage<T extends Action>(message: string, ...actions: readonly T[]): Promise<T | undefined> {
  return chosen(actions, items => vscode.window.showWarningMessage(plain(message), ...items));
}

export function showErrorMessage<T extends Action>(message: string, ...actions: readonly T[]): Promise<T | undefined> {
  return chosen(actions, items => vscode.window.showErrorMessage(plain(message), ...items));
}

export interface Step {
  readonly message?: string;
  /** Percent. */
  readonly increment?: number;
}

/** As a notification. */
export function showProgress<T>(
  { title, cancellable = false }: { readonly title: string; readonly cancellable?: boolean },
  work: (progress: vscode.Progress<Step>, token: vscode.CancellationToken) => Promise<T>,
): Thenable<T> {
  const options = { location: vscode.ProgressLocation.Notification, title: plain(title), cancellable };
  return vscode.window.withProgress(options, (progress, token) =>
    work(
      {
        report: ({ message, ...step }) => {
          progress.report(message === undefined ? step : { ...step, message: plain(message) });
        },
      },
      token,
    ),
  );
}

/** `shownMs` undefined: until it is disposed of. `icon`: its name. */
export function setStatusBarMessage(message: string, shownMs?: number, icon?: string): vscode.Disposable {
  const text = `${icon === undefined ? '' : `$(${icon}) `}${plain(message)}`;
  return shownMs === undefined ? vscode.window.setStatusBarMessage(text) : vscode.window.setStatusBarMessage(text, shownMs);
}

async function chosen<T extends Action>(
  actions: readonly T[],
  show: (items: readonly vscode.MessageItem[]) => Thenable<vscode.MessageItem | undefined>,
): Promise<T | undefined> {
  const items = actions.map((action: Action): vscode.MessageItem => (typeof action === 'string' ? { title: action } : action));
  const item = await show(items);
  return item && actions[items.indexOf(item)];
}

/** One line, in which nothing is a link or an icon, nothing hides, and nothing turns the direction of the rest. */
function plain(text: string): string {
  const line = safeLine(text.replaceAll('\u2060', '')); // of `safeLabel`, in a name that was made for a list
  return safeLabel(line.length <= mostUnits ? line : `${line.slice(0, mostUnits).replace(/[\ud800-\udbff]$/, '')}…`);
}
