import { lengthsToTry, neededTokens } from '../core/contextLengths';
import type { NeededTokens, TriedLength } from '../core/contextLengths';
import { enoughBits } from '../core/contextNeeds';
import type { Span } from '../core/scores';
import type { Cost } from '../core/speed';
import type { ChangedPrediction } from '../model/contextProtocol';
import type { SectionAsked } from './explainProtocol';
import { SectionRun } from './explainRun';
import type { RunShown } from './explainRun';
import { bitsOf } from './explainTarget';
import type { ExplainSection, Explaining } from './explainTarget';

/** Lengths that are asked for together, in tokens: each question comes with its own way there and back. */
const batchTokens = 64;
/** Of them, several go into a call of the model, which was measured to take a half to a quarter of the time. */
const batchedShare = 0.5;

/** How a prediction changes with the length of the context. */
export interface LengthsState extends RunShown {
  /** Ascending; the last one is the whole context. */
  readonly points: readonly LengthShown[];
  /** Undefined until all lengths are there, and where not even the longest is near enough. */
  readonly needed: NeededTokens | undefined;
  readonly withinBits: number;
}

export interface LengthShown extends TriedLength {
  /** From 1: where such a context begins; undefined: nowhere, or within the target's line. */
  readonly line: number | undefined;
  /** Of what is explained. */
  readonly bits: number;
  /** Of the whole distribution, from that of the whole context. */
  readonly klBits: number;
}

/** The same model on short texts: every length is read anew. */
export class LengthsSection implements ExplainSection<LengthsState> {
  readonly #explaining: Explaining;
  readonly #run: SectionRun;
  readonly #results = new Map<number, ChangedPrediction>();
  /** Lengths that the model cannot answer: without a start token, none at all. */
  readonly #unanswered = new Set<number>();
  #tried: readonly TriedLength[] = [];
  /** Whose borders are among those that are tried. */
  #functions: readonly Span[] | undefined;

  constructor(explaining: Explaining) {
    this.#explaining = explaining;
    this.#run = new SectionRun(explaining);
    this.#look();
  }

  state(): LengthsState {
    this.#look();
    const { target, chosen } = this.#explaining;
    const wholeTokens = target.row - target.contextFirst;
    const points = this.#tried.flatMap(({ tokens, border }) => {
      const seen = tokens === wholeTokens ? { ...target.whole, klBits: 0 } : this.#results.get(tokens);
      const line = border === 'count' || border === 'between' ? undefined : this.#lineOf(tokens);
      return seen ? [{ tokens, border, line, bits: bitsOf(seen, chosen), klBits: seen.klBits }] : [];
    });
    const left = this.#left();
    return {
      ...this.#run.shown(this.#costOf(left)),
      points,
      needed: left.length === 0 ? this.#needed(points) : undefined,
      withinBits: enoughBits,
    };
  }

  shown(): void {
    this.#look();
    if (this.#run.mayBeginUnasked(this.#costOf(this.#left()))) void this.#compute();
  }

  hidden(): void {
    this.#run.end();
  }

  receive({ name }: SectionAsked): void {
    if (name === 'run') void this.#compute();
    else if (name === 'begin') this.shown();
    else if (name === 'cancel') {
      this.#run.end();
      this.#explaining.changed();
    }
  }

  /** Never rejects. */
  async #compute(): Promise<void> {
    if (this.#run.isRunning) return;
    const { run: speed } = this.#explaining.speeds;
    let all = this.#tried.length;
    await this.#run.begin(all, async (signal, tell) => {
      tell(all - this.#left().length);
      for (let left = this.#left(); left.length > 0; left = this.#left()) {
        const few = left.filter(tokens => tokens <= batchTokens);
        const lengths = few.length > 0 ? few : left.slice(0, 1);
        const begun = performance.now();
        const { result } = await this.#explaining.ask('contextLengths', { lengths }, signal);
        signal.throwIfAborted();
        speed.ran(weightOf(lengths), (performance.now() - begun) / 1000);
        for (const [index, tokens] of result.lengths.entries()) {
          const prediction = result.predictions[index];
          if (prediction) this.#results.set(tokens, prediction);
        }
        for (const tokens of lengths) if (!this.#results.has(tokens)) this.#unanswered.add(tokens);
        this.#tried = this.#tried.filter(({ tokens }) => !this.#unanswered.has(tokens));
        const more = this.#tried.length - all; // of functions that have become known meanwhile, but for those without an answer
        all += more;
        tell(result.lengths.length, more);
      }
    });
  }

  /** Functions may become known late, by which time other lengths have results already. */
  #look(): void {
    const { target, functions } = this.#explaining;
    if (functions === this.#functions) return;
    this.#functions = functions;
    const lengths = lengthsToTry(target.table, target.text, target.contextFirst, target.row, functions);
    this.#tried = lengths.filter(({ tokens }) => !this.#unanswered.has(tokens));
  }

  /** Ascending, still to be run; the whole context is known already. */
  #left(): readonly number[] {
    const { target } = this.#explaining;
    const whole = target.row - target.contextFirst;
    return this.#tried.map(({ tokens }) => tokens).filter(tokens => tokens !== whole && !this.#results.has(tokens));
  }

  #costOf(lengths: readonly number[]): Cost | undefined {
    return lengths.length === 0 ? undefined : this.#explaining.speeds.run.cost(tokensFor(lengths), weightOf(lengths));
  }

  /** Where the model's own arithmetic may have moved a length across the limit, from the least to the most that may be enough. */
  #needed(points: readonly LengthShown[]): NeededTokens | undefined {
    const { target, chosen } = this.#explaining;
    const { arithmetic, bits: noiseBits } = target.noise;
    const within = (bits: number) => neededTokens(points, bitsOf(target.whole, chosen), bits);
    if (arithmetic === 'float32') return within(enoughBits);
    const [least, most] = [within(enoughBits + noiseBits), within(enoughBits - noiseBits)];
    return least && most && { least: Math.min(least.least, most.least), most: most.most };
  }

  #lineOf(tokens: number): number | undefined {
    const { target } = this.#explaining;
    const row = target.row - tokens;
    const { document, table, text } = target;
    const [start, end] = [table.starts[row], table.ends[row]];
    if (start === undefined || end === undefined || document.version !== target.version) return undefined;
    // The line that shows what the row does: its token may begin with the end of the line before.
    const shown = start + text.slice(start, end).search(/\S|$/);
    return document.positionAt(shown).line + 1;
  }
}

function tokensFor(lengths: readonly number[]): number {
  return lengths.reduce((sum, tokens) => sum + tokens + 1, 0);
}

/** What they take, in tokens that are read one text after the other. */
function weightOf(lengths: readonly number[]): number {
  const few = lengths.filter(tokens => tokens <= batchTokens);
  return tokensFor(lengths) - (1 - batchedShare) * tokensFor(few);
}
