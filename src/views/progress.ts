import { showProgress } from '../notices';

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
  try {
    return await showProgress({ title, cancellable: true }, async (progress, token) => {
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
