import * as vscode from 'vscode';
import { formatCount } from '../core/numberText';
import { ModelError } from '../model/errors';
import { Refusal } from '../refusal';
import { failureInWords, refusalInWords } from './stateInWords';

/** Longer readings are announced, and begin when somebody says so. */
const longMs = 5_000;
/** Before anything was measured: the bundled model in float32 arithmetic on two cores. */
const usualMsPerToken = 3.5;
/** Of the bundled model's tokens, in English and in code, or fewer. UTF-16 units. */
const unitsPerToken = 3.5;
/** Of a shorter reading it says little how long it took. */
const measuredTokens = 200;

/** What a reading has come to, 0 to 1. */
export type ReportShare = (share: number) => void;

/** Runs what takes the model seconds: says before what it will cost, shows how far it is, can be cancelled, and tells the user where it fails. */
export class LongReading {
  /** Of the last two readings: the faster one counts, since in the other the model may have had to be loaded. */
  #msPerToken: readonly [number, number] = [usualMsPerToken, usualMsPerToken];

  /** About how many tokens a text has that nobody has tokenised. */
  tokensOf(units: number): number {
    return Math.ceil(units / unitsPerToken);
  }

  /**
   * Undefined: cancelled, here or by `ended`, or failed, which the user has been told. `tokens`: about how many the model will read.
   */
  async run<T>(
    title: string,
    tokens: number,
    work: (signal: AbortSignal, report: ReportShare) => Promise<T>,
    ended?: AbortSignal,
  ): Promise<T | undefined> {
    const expectedMs = tokens * Math.min(...this.#msPerToken);
    if (expectedMs > longMs && !(await isWanted(title, tokens, expectedMs))) return undefined;
    if (ended?.aborted) return undefined;
    const stop = new AbortController();
    ended?.addEventListener('abort', () => stop.abort(), { once: true });
    const begun = performance.now();
    try {
      const found = await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Notification, title: `Token Lens: ${title}`, cancellable: true },
        async (progress, token) => {
          token.onCancellationRequested(() => {
            stop.abort();
          });
          let reported = 0;
          return work(stop.signal, share => {
            progress.report({ increment: 100 * (share - reported) });
            reported = share;
          });
        },
      );
      if (tokens > measuredTokens) this.#msPerToken = [this.#msPerToken[1], (performance.now() - begun) / tokens];
      return found;
    } catch (error) {
      if (!stop.signal.aborted) tell(error);
      return undefined;
    }
  }
}

async function isWanted(title: string, tokens: number, expectedMs: number): Promise<boolean> {
  const go = vscode.l10n.t('Go On');
  const cost = vscode.l10n.t(
    'Token Lens: {0} – the model reads about {1} tokens for it, which takes some {2} seconds.',
    title,
    formatCount(tokens),
    formatCount(Math.ceil(expectedMs / 1000)),
  );
  return (await vscode.window.showInformationMessage(cost, go)) === go;
}

function tell(error: unknown): void {
  const failure = ModelError.from(error);
  const why =
    failure instanceof Refusal
      ? refusalInWords(failure.reason)
      : failure.code === 'bad-argument'
        ? vscode.l10n.t('The model cannot do that here: {0}', failure.message)
        : failureInWords(failure.code, 'command');
  void vscode.window.showWarningMessage(`Token Lens: ${why}`);
}
