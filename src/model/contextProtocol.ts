import type { ModelKey } from '../core/scores';
import type { PassageRows } from './passages';
import type { ScoringSettings } from './protocol';

/** What all questions about the context of one document version have in common. Rows are those of its layout. */
export interface ContextParams {
  readonly model: ModelKey;
  readonly document: string;
  readonly version: number;
  readonly settings: ScoringSettings;
}

/** A prediction that is to be explained: what the model says comes at a row, of the window that the editor's windows give it. */
export interface TargetParams extends ContextParams {
  /** 0 to the number of tokens; at that number, the end of the text, there is no actual token. */
  readonly row: number;
  /** Tokens whose probabilities are asked for: the actual one, a chosen alternative, A and B. */
  readonly ids: readonly number[];
  /** Alternatives listed. */
  readonly topCount: number;
}

/** Rows [first, end). */
export interface Rows {
  readonly first: number;
  readonly end: number;
}

/** The distribution at one place, without its 49,152 numbers. */
export interface Prediction {
  /** -log2 of the probabilities of the ids asked for, in their order. */
  readonly surprisalBits: Float64Array;
  /** Of the whole distribution. */
  readonly entropyBits: number;
  /** Most probable first, ties by id. */
  readonly topIds: Int32Array;
  /** Natural logarithms. */
  readonly topLogProbabilities: Float32Array;
}
/** A prediction from something else than the whole context. */
export interface ChangedPrediction extends Prediction {
  /** KL(whole context || this), over the whole vocabulary. */
  readonly klBits: number;
}

export interface ContextLengthsParams extends TargetParams {
  /** Ascending, in document tokens before the target, 0 or more; those above what the window holds are left out of the answer. */
  readonly lengths: readonly number[];
}
export interface ContextLengthsResult {
  /** First row of the target's window: the context is [contextFirst, row). */
  readonly contextFirst: number;
  readonly whole: Prediction;
  /** The lengths answered; the prefix ids stand before each, so 0 needs one. Each is a run of its own, never a cut cache. */
  readonly lengths: Int32Array;
  readonly predictions: readonly ChangedPrediction[];
}

/**
 * What stands in for tokens that are left out. `startToken`: its id in place of each; positions stay. `proposals`: what the model itself finds likeliest
 * there, several texts averaged by their probability (Kim et al. 2020, 2010.13984). `deletion`: nothing; later tokens move up.
 */
export type Filler = 'startToken' | 'proposals' | 'deletion';

export interface WithoutParams extends TargetParams {
  /** Rows left out together: inside of the target's window, before `row`. */
  readonly source: Rows;
  readonly filler: Filler;
}
export interface WithoutResult {
  readonly contextFirst: number;
  readonly whole: Prediction;
  readonly without: ChangedPrediction;
  /** Tokens given to the model for this answer. */
  readonly tokensRun: number;
}

export interface EffectsParams extends ContextParams {
  readonly source: Rows;
  readonly filler: Filler;
  /** Rows after the source that are looked at: to this row, or to the end of the source's window. */
  readonly until: number;
}
/** What rows after a source would be without it, from one pass: of the text's own tokens, in the same window. */
export interface EffectsResult {
  /** Rows [first, end). */
  readonly first: number;
  readonly end: number;
  /** NaN where a row has no score. */
  readonly surprisalBits: Float64Array;
  readonly withoutBits: Float64Array;
  readonly tokensRun: number;
}

export interface ContextNeedsParams extends ContextParams, Rows {
  /** Context lengths 0 to this are tried: one run of so many tokens for each row, some rows at a time; ask for some dozens of rows. */
  readonly mostTokens: number;
}
export interface ContextNeedsResult {
  /** [rows, mostTokens + 1], by context length; NaN where the window does not hold so many tokens. Float32 is exact to 1e-6 bit. */
  readonly surprisalBits: Float32Array;
  /** [rows], with the whole window. */
  readonly wholeBits: Float64Array;
  readonly tokensRun: number;
}

export interface ShortContextParams extends ContextParams, Rows {
  /** Every row is read from so many tokens before it, and the prefix ids; 0 or more. */
  readonly contextTokens: number;
  readonly topCount: number;
}
export type ShortContextResult = PassageRows & { readonly tokensRun: number };
