import * as vscode from 'vscode';

export type ReportProgress = (step: { readonly message?: string; readonly increment?: number }) => void;

/**
 * Shows work in a notification in which it can be cancelled. Undefined: it was, or by `ended`; else rejects as the work does. `increment`: percent
 * of all.
 */
export async function withProgress<T>(
  title: string,
  work: (signal: AbortSignal, report: ReportProgress) => Promise<T>,
  ended?: AbortSignal,
): Promise<T | undefined> {
  const stop = new AbortController();
  const signal = ended ? AbortSignal.any([stop.signal, ended]) : stop.signal;
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  try {
    return await vscode.window.withProgress(options, async (progress, token) => {
      token.onCancellationRequested(() => {
        stop.abort();
      });
      return work(signal, step => {
        progress.report(step);
      });
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
