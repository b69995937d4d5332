import type { ContextParams, Rows, TargetParams } from './contextProtocol';

export interface AttentionParams extends ContextParams {
  /**
   * The rows whose predictions look back: each by the input before it. Of one window, and few at a time: every one is layers x heads x keys numbers,
   * and rows x layers x keys beyond two million are refused (68 rows of the bundled model at 1,024 keys).
   */
  readonly rows: Rows;
}
export interface AttentionResult {
  readonly layers: number;
  readonly heads: number;
  /** Keys: the prefix ids, then rows from `contextFirst` on. */
  readonly prefixTokens: number;
  readonly contextFirst: number;
  readonly keys: number;
  /** [rows, layers, heads, keys]: sums to 1 over the keys; 0 where a key comes after the query; NaN for a row with nothing before it. */
  readonly weights: Float32Array;
}

/** Parts of the model that are set to zero. */
export type SwitchedOff =
  | { readonly kind: 'head'; readonly layer: number; readonly head: number }
  | { readonly kind: 'layer'; readonly layer: number }
  | { readonly kind: 'all' }
  /** The mask of ones: the normal run, through the same graph. */
  | { readonly kind: 'none' };

export interface SwitchOffParams extends TargetParams {
  readonly off: SwitchedOff;
  /** Tokens written from the target's place on, the most probable one each time; 0 or more. */
  readonly writtenTokens: number;
}
export interface SwitchOffResult {
  readonly layers: number;
  readonly heads: number;
  readonly contextFirst: number;
  /** Of rows [contextFirst, row): NaN for one with nothing before it. */
  readonly surprisalBits: Float64Array;
  /** At the target's place: -log2 of the probabilities of the ids asked for, and the list. */
  readonly targetBits: Float64Array;
  readonly topIds: Int32Array;
  readonly topLogProbabilities: Float32Array;
  /** Fewer than asked for where the model has no more positions. */
  readonly writtenIds: Int32Array;
  /** Tokens given to the model for this answer. */
  readonly tokensRun: number;
}

export type LayersParams = TargetParams;
/** What the residual stream predicts after each block, by the final norm and the vocabulary projection (nostalgebraist 2020, the logit lens): untrained. */
export interface LayersResult {
  /** Row 0: after the embedding; row l: after block l. */
  readonly layers: number;
  /** [layers + 1, ids] */
  readonly surprisalBits: Float64Array;
  /** [layers + 1, ids], from 1, ties to the best. */
  readonly ranks: Int32Array;
  /** [layers + 1, topCount] */
  readonly topIds: Int32Array;
  /** Natural logarithms, [layers + 1, topCount]. */
  readonly topLogProbabilities: Float32Array;
}
