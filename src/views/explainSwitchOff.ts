import type { Span } from '../core/scores';
import type { Cost } from '../core/speed';
import type { TokenPieces } from '../core/vocabulary';
import type { SwitchedOff, SwitchOffResult } from '../model/probeProtocol';
import { switchKinds } from './explainProtocol';
import type { ListedToken, SectionAsked, SwitchKind } from './explainProtocol';
import { lineAt, listedTokens, piecesAt, SectionRun } from './explainRun';
import type { RunShown } from './explainRun';
import { bitsOf } from './explainTarget';
import type { ExplainSection, Explaining } from './explainTarget';

const writtenTokens = 10;
const mostChanged = 10;
/** Writing is one token at a time, which takes as long as reading so many: measured. */
const tokensPerWritten = 12;

/** The prediction, the text before it, and what would be written, with and without some of the model's heads. */
export interface SwitchOffState extends RunShown {
  /** Undefined until the model has answered once. */
  readonly parts: { readonly layers: number; readonly heads: number } | undefined;
  readonly kind: SwitchKind;
  /** From 1. */
  readonly layer: number;
  readonly head: number;
  readonly shown: SwitchedOffShown | undefined;
}

export interface SwitchedOffShown {
  readonly before: SwitchSide;
  readonly after: SwitchSide;
  /** Of the text before the target, and how many of its tokens that is. */
  readonly scoredTokens: number;
  /** Those of which the bits changed most, most first, above the noise. */
  readonly changed: readonly ChangedToken[];
  readonly changedTokens: number;
}
export interface SwitchSide {
  /** Of what is explained. */
  readonly bits: number;
  /** Of the whole text before the target, in its window. */
  readonly totalBits: number;
  readonly list: readonly ListedToken[];
  readonly written: readonly TokenPieces[];
}
export interface ChangedToken extends Span {
  readonly token: TokenPieces;
  /** From 1. */
  readonly line: number;
  readonly before: number;
  readonly after: number;
}

/** Sets heads to zero in the same graph, and has the same place read again. Begun by a press only, but for the run with nothing off. */
export class SwitchOffSection implements ExplainSection<SwitchOffState> {
  readonly #explaining: Explaining;
  readonly #run: SectionRun;
  readonly #results = new Map<string, SwitchOffResult>();
  #kind: SwitchKind = 'all';
  /** From 0. */
  #layer = 0;
  #head = 0;

  constructor(explaining: Explaining) {
    this.#explaining = explaining;
    this.#run = new SectionRun(explaining);
  }

  state(): SwitchOffState {
    const before = this.#results.get(keyOf({ kind: 'none' }));
    const after = this.#results.get(keyOf(this.#off));
    return {
      ...this.#run.shown(after ? undefined : this.#cost(before ? 1 : 2)),
      parts: before && { layers: before.layers, heads: before.heads },
      kind: this.#kind,
      layer: this.#layer + 1,
      head: this.#head + 1,
      shown: before && after && this.#shown(before, after),
    };
  }

  shown(): void {
    const isKnown = this.#results.has(keyOf({ kind: 'none' }));
    if (this.#run.mayBeginUnasked(isKnown ? undefined : this.#cost(1))) void this.#compute([{ kind: 'none' }]);
  }

  hidden(): void {
    this.#run.end();
  }

  receive({ name, value }: SectionAsked): void {
    const parts = this.#results.get(keyOf({ kind: 'none' }));
    const indexBelow = (count: number | undefined, otherwise: number) =>
      typeof value === 'number' && value >= 1 && value <= (count ?? 0) ? value - 1 : otherwise;
    switch (name) {
      case 'run':
        void this.#compute([{ kind: 'none' }, this.#off]);
        return;
      case 'cancel':
        this.#run.end();
        break;
      case 'kind':
        this.#run.end();
        this.#kind = switchKinds.find(each => each === value) ?? this.#kind;
        break;
      case 'layer':
        this.#run.end();
        this.#layer = indexBelow(parts?.layers, this.#layer);
        break;
      case 'head':
        this.#run.end();
        this.#head = indexBelow(parts?.heads, this.#head);
        break;
    }
    this.#explaining.changed();
  }

  get #off(): SwitchedOff {
    switch (this.#kind) {
      case 'all':
        return { kind: 'all' };
      case 'layer':
        return { kind: 'layer', layer: this.#layer };
      case 'head':
        return { kind: 'head', layer: this.#layer, head: this.#head };
    }
  }

  #cost(runs: number): Cost {
    const { row, contextFirst } = this.#explaining.target;
    const tokens = runs * (row - contextFirst + 1 + writtenTokens);
    const { switchOff, run } = this.#explaining.speeds;
    return switchOff.cost(tokens, runs * this.#weight, run);
  }

  /** Of one run. */
  get #weight(): number {
    const { row, contextFirst } = this.#explaining.target;
    return row - contextFirst + 1 + writtenTokens * tokensPerWritten;
  }

  /** Never rejects. */
  #compute(wanted: readonly SwitchedOff[]): Promise<void> {
    const left = wanted.filter(off => !this.#results.has(keyOf(off)));
    return this.#run.begin(left.length, async (signal, tell) => {
      for (const off of left) {
        const begun = performance.now();
        const { result } = await this.#explaining.ask('switchOff', { off, writtenTokens }, signal);
        this.#explaining.speeds.switchOff.ran(this.#weight, (performance.now() - begun) / 1000);
        this.#results.set(keyOf(off), result);
        tell(1);
      }
    });
  }

  #shown(before: SwitchOffResult, after: SwitchOffResult): SwitchedOffShown {
    const { text, table, noise } = this.#explaining.target;
    const differences = [...after.surprisalBits].flatMap((bits, index) => {
      const without = bits - (before.surprisalBits[index] ?? NaN);
      return Number.isFinite(without) ? [{ index, size: Math.abs(without) }] : [];
    });
    const changed = differences.filter(({ size }) => size > noise.bits).sort((a, b) => b.size - a.size);
    const totalOf = (bits: Float64Array) => differences.reduce((sum, { index }) => sum + (bits[index] ?? 0), 0);
    return {
      before: this.#side(before, totalOf(before.surprisalBits)),
      after: this.#side(after, totalOf(after.surprisalBits)),
      scoredTokens: differences.length,
      changedTokens: changed.length,
      changed: changed.slice(0, mostChanged).map(({ index }) => {
        const row = before.contextFirst + index;
        const span = { start: table.starts[row] ?? 0, end: table.ends[row] ?? 0 };
        return {
          ...span,
          token: piecesAt(text, span),
          line: lineAt(text, span.start),
          before: before.surprisalBits[index] ?? NaN,
          after: after.surprisalBits[index] ?? NaN,
        };
      }),
    };
  }

  #side({ targetBits, topIds, topLogProbabilities, writtenIds }: SwitchOffResult, totalBits: number): SwitchSide {
    const { target, chosen } = this.#explaining;
    return {
      bits: bitsOf({ surprisalBits: targetBits }, chosen),
      totalBits,
      list: listedTokens(target.vocabulary, topIds, topLogProbabilities),
      written: [...writtenIds].map(id => target.vocabulary.piecesOf(id)),
    };
  }
}

function keyOf(off: SwitchedOff): string {
  return JSON.stringify(off);
}
