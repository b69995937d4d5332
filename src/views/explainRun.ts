import type { Span } from '../core/scores';
import { isLong } from '../core/speed';
import type { Cost } from '../core/speed';
import { piecesOfBytes } from '../core/vocabulary';
import type { TokenPieces, Vocabulary } from '../core/vocabulary';
import { ModelError } from '../model/errors';
import type { ListedToken } from './explainProtocol';
import type { Explaining } from './explainTarget';

/** Takes the steps of a run that are done, and how many have come to it. Throws where the run has ended. */
type TellSteps = (done: number, more?: number) => void;

/** How a section's questions stand, as `runPart` of the page draws it. */
export interface RunShown {
  /** What is still to be computed; undefined while it is, and when all is there. */
  readonly offer: Cost | undefined;
  readonly progress: { readonly done: number; readonly all: number } | undefined;
  readonly problem: string | undefined;
}

/** What a section is asking: one run at a time, of which the newest wins. It tells the section's page of every step. */
export class SectionRun {
  readonly #explaining: Explaining;
  #run: AbortController | undefined;
  #progress = { done: 0, all: 0 };
  #problem: string | undefined;

  constructor(explaining: Explaining) {
    this.#explaining = explaining;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** `left`: what would be run; undefined: nothing. */
  shown(left: Cost | undefined): RunShown {
    return { offer: this.#run ? undefined : left, progress: this.#run && this.#progress, problem: this.#problem };
  }

  /** Nothing runs, something is left, and it takes little time. */
  mayBeginUnasked(left: Cost | undefined): boolean {
    return left !== undefined && !this.#run && !isLong(left);
  }

  /** `work` tells of each of its steps when it is done. Never rejects. */
  async begin(steps: number, work: (signal: AbortSignal, tell: TellSteps) => Promise<void>): Promise<void> {
    this.end();
    const run = new AbortController();
    this.#run = run;
    this.#problem = undefined;
    this.#progress = { done: 0, all: steps };
    this.#explaining.changed();
    try {
      await work(run.signal, (done, more = 0) => {
        run.signal.throwIfAborted();
        this.#progress = { done: this.#progress.done + done, all: this.#progress.all + more };
        this.#explaining.changed();
      });
    } catch (error) {
      if (!run.signal.aborted) this.#problem = this.#inWords(error);
    } finally {
      if (this.#run === run) {
        this.#run = undefined;
        this.#explaining.changed();
      }
    }
  }

  /** What was found out stays; a run that ends so is no failure. */
  end(): void {
    this.#run?.abort();
    this.#run = undefined;
  }

  /** What a model cannot do is said by the process, which has looked into its graph. */
  #inWords(error: unknown): string {
    return error instanceof ModelError && error.code === 'unsupported' ? error.message : this.#explaining.inWords(error);
  }
}

/** From 1. The text is the target's: its document may have gone on. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** A place of a document as pieces that are safe to show, white space as glyphs. */
export function piecesAt(text: string, { start, end }: Span): TokenPieces {
  return piecesOfBytes(new TextEncoder().encode(text.slice(start, end)));
}

/** The most probable tokens of one of the rows of a result. */
export function listedTokens(
  vocabulary: Vocabulary,
  ids: Int32Array,
  logProbabilities: Float32Array,
  from = 0,
  count = ids.length,
): readonly ListedToken[] {
  return [...ids.subarray(from, from + count)].map((id, index) => ({
    token: vocabulary.piecesOf(id),
    probability: Math.exp(logProbabilities[from + index] ?? NaN),
  }));
}
