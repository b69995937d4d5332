import * as vscode from 'vscode';
import { formatCount } from '../core/numberText';
import { expectedSeconds, isLong, Speed, usualReadingSecondsPerToken } from '../core/speed';
import { ModelError } from '../model/errors';
import { showInformationMessage, showWarningMessage } from '../notices';
import { withProgress } from './progress';
import { errorInWords, noAnswerInWords } from './stateInWords';

/** Of the bundled model's tokens, in English and in code, or fewer. UTF-16 units. */
const unitsPerToken = 3.5;
/** Of a shorter reading it says little how long it took: how many tokens it has is not counted. */
const measuredTokens = 200;

/** What a reading has come to, 0 to 1. */
export type ReportShare = (share: number) => void;

/** Runs what takes the model seconds: says before what it will cost, shows how far it is, can be cancelled, and tells the user where it fails. */
export class LongReading {
  readonly #speed = new Speed(usualReadingSecondsPerToken);

  /** Another model is in use. */
  forget(): void {
    this.#speed.forget();
  }

  /** About how many tokens a text has that nobody has tokenised. */
  tokensOf(units: number): number {
    return Math.ceil(units / unitsPerToken);
  }

  /**
   * What it will cost, for whoever asks and runs it himself: he shows how far it is, and that it can be cancelled. Undefined: it is not long, and
   * needs no question.
   */
  costOf(tokens: number): string | undefined {
    const cost = this.#speed.cost(tokens);
    if (!isLong(cost)) return undefined;
    return vscode.l10n.t(
      'The model reads about {0} tokens for it, which takes some {1} seconds.',
      formatCount(cost.tokens),
      formatCount(Math.ceil(expectedSeconds(cost))),
    );
  }

  /** Costs of later readings are told by it. `tokens`: as they were told. */
  took(tokens: number, ms: number): void {
    if (tokens > measuredTokens) this.#speed.ran(tokens, ms / 1000);
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
    const cost = this.costOf(tokens);
    if (cost !== undefined && !(await isAgreed(title, cost))) return undefined;
    if (ended?.aborted) return undefined;
    const begun = performance.now();
    let reported = 0;
    const read = async (signal: AbortSignal, report: (step: { readonly increment: number }) => void) => {
      const found = await work(signal, share => {
        report({ increment: 100 * (share - reported) });
        reported = share;
      });
      this.took(tokens, performance.now() - begun);
      return found;
    };
    try {
      return await withProgress(`Token Lens: ${title}`, read, ended);
    } catch (error) {
      tell(error);
      return undefined;
    }
  }
}

async function isAgreed(title: string, cost: string): Promise<boolean> {
  const go = vscode.l10n.t('Go On');
  return (await showInformationMessage(`Token Lens: ${title}. ${cost}`, go)) === go;
}

function tell(error: unknown): void {
  // Of what can be asked here, only this makes no sense to a model.
  const isEmpty = ModelError.from(error).code === 'bad-argument';
  const why = isEmpty ? noAnswerInWords() : errorInWords(error, 'command');
  void showWarningMessage(`Token Lens: ${why}`);
}
