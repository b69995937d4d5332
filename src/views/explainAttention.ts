import type { TokenPieces } from '../core/vocabulary';
import type { Span } from '../core/scores';
import type { Cost } from '../core/speed';
import type { AttentionResult } from '../model/probeProtocol';
import type { SectionAsked } from './explainProtocol';
import { lineAt, piecesAt, SectionRun } from './explainRun';
import type { RunShown } from './explainRun';
import type { ExplainSection, Explaining } from './explainTarget';

/** The strip has the last so many; what the others get is one number. */
const mostTokensShown = 1_000;
const mostListed = 12;

/** How much the heads look at each token before the target. */
export interface AttentionState extends RunShown {
  readonly seen: AttentionSeen | undefined;
}

/** Shares are from 0 to 1 of all attention, and of nothing else; all shares together are 1. */
export interface AttentionSeen {
  readonly layers: number;
  readonly heads: number;
  /** From 1; undefined: the mean of all. */
  readonly layer: number | undefined;
  readonly head: number | undefined;
  /** Of the start token; undefined: the model has none. */
  readonly startShare: number | undefined;
  /** Of a preamble; undefined: there is none. */
  readonly preambleShare: number | undefined;
  /** Of the context that is before `tokens`; undefined: nothing is. */
  readonly earlierShare: number | undefined;
  readonly tokens: readonly AttendedToken[];
  /** The most attended of the document's tokens, most first. */
  readonly top: readonly ListedAttention[];
}
export interface AttendedToken extends Span {
  readonly token: TokenPieces;
  readonly share: number;
}
export interface ListedAttention extends AttendedToken {
  /** From 1. */
  readonly line: number;
}

/** Attention of the prediction at the target, by layer and head. */
export class AttentionSection implements ExplainSection<AttentionState> {
  readonly #explaining: Explaining;
  readonly #run: SectionRun;
  #result: AttentionResult | undefined;
  /** From 0. */
  #layer: number | undefined;
  #head: number | undefined;

  constructor(explaining: Explaining) {
    this.#explaining = explaining;
    this.#run = new SectionRun(explaining);
  }

  state(): AttentionState {
    return { ...this.#run.shown(this.#left), seen: this.#result && this.#seen(this.#result) };
  }

  shown(): void {
    if (this.#run.mayBeginUnasked(this.#left)) void this.#compute();
  }

  hidden(): void {
    this.#run.end();
  }

  receive({ name, value }: SectionAsked): void {
    switch (name) {
      case 'run':
        void this.#compute();
        return;
      case 'cancel':
        this.#run.end();
        break;
      case 'layer':
        this.#layer = indexBelow(this.#result?.layers, value);
        // Heads of different layers have nothing but their number in common.
        if (this.#layer === undefined) this.#head = undefined;
        break;
      case 'head':
        this.#head = this.#layer === undefined ? undefined : indexBelow(this.#result?.heads, value);
        break;
    }
    this.#explaining.changed();
  }

  /** Never rejects. */
  #compute(): Promise<void> {
    const { row } = this.#explaining.target;
    return this.#run.begin(1, async (signal, tell) => {
      this.#result = (await this.#explaining.ask('attention', { rows: { first: row, end: row + 1 } }, signal)).result;
      tell(1);
    });
  }

  /** The context, if its cache is not kept any more. */
  get #left(): Cost | undefined {
    const { row, contextFirst } = this.#explaining.target;
    return this.#result ? undefined : this.#explaining.speeds.run.cost(row - contextFirst + 1);
  }

  #seen({ layers, heads, prefixTokens, contextFirst, keys, weights }: AttentionResult): AttentionSeen {
    const { target } = this.#explaining;
    const { table, text, provenance } = target;
    const shares = meanOf(weights, { layers, heads, keys }, this.#layer, this.#head);
    const sumOf = (first: number, end: number) => shares.subarray(first, end).reduce((sum, share) => sum + share, 0);
    const startTokens = provenance.startTokenId === null ? 0 : 1;
    const shownFirst = Math.max(prefixTokens, keys - mostTokensShown);
    const tokens = Array.from({ length: keys - shownFirst }, (_, index): AttendedToken => {
      const key = shownFirst + index;
      const row = contextFirst + key - prefixTokens;
      const span = { start: table.starts[row] ?? 0, end: table.ends[row] ?? 0 };
      return { ...span, token: piecesAt(text, span), share: shares[key] ?? 0 };
    });
    const top = tokens.toSorted((a, b) => b.share - a.share).slice(0, mostListed);
    return {
      layers,
      heads,
      layer: this.#layer === undefined ? undefined : this.#layer + 1,
      head: this.#head === undefined ? undefined : this.#head + 1,
      startShare: startTokens > 0 ? sumOf(0, startTokens) : undefined,
      preambleShare: prefixTokens > startTokens ? sumOf(startTokens, prefixTokens) : undefined,
      earlierShare: shownFirst > prefixTokens ? sumOf(prefixTokens, shownFirst) : undefined,
      tokens,
      top: top.map(each => ({ ...each, line: lineAt(text, each.start) })),
    };
  }
}

/** What the page sends for a layer or head: its number from 1; anything else is all of them. */
function indexBelow(count: number | undefined, value: SectionAsked['value']): number | undefined {
  return typeof value === 'number' && value >= 1 && value <= (count ?? 0) ? value - 1 : undefined;
}

/** By key: of a head of a layer, or the mean over those that are not named. */
function meanOf(
  weights: Float32Array,
  { layers, heads, keys }: { readonly layers: number; readonly heads: number; readonly keys: number },
  layer: number | undefined,
  head: number | undefined,
): Float64Array {
  const shares = new Float64Array(keys);
  let count = 0;
  for (let l = layer ?? 0; l < (layer === undefined ? layers : layer + 1); l++) {
    for (let h = head ?? 0; h < (head === undefined ? heads : head + 1); h++) {
      const from = (l * heads + h) * keys;
      for (let key = 0; key < keys; key++) shares[key] = (shares[key] ?? 0) + (weights[from + key] ?? NaN);
      count++;
    }
  }
  return shares.map(share => share / count);
}
