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

/** The tokens of the text, by row. UTF-16 offsets. */
export interface LayoutResult {
  readonly ids: Int32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
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
  /** What the model has made of the context can be kept: leaving a part of it out has only what follows that run again, not the whole. */
  readonly keepsContext: boolean;
  readonly whole: Prediction;
  /** The lengths answered; the prefix ids stand before each, so 0 needs one. Each is a run of its own, never a cut cache. */
  readonly lengths: Int32Array;
  readonly predictions: readonly ChangedPrediction[];
}

/**
 * What stands in for tokens that are left out. `startToken`: its id in place of each; positions stay. `deletion`: nothing; later tokens move up.
 * `proposals`: what the model itself would write there, from the text before it; positions stay. The probabilities (not the bits) that follow from several such texts are
 * averaged, each text counting by its probability: the source is marginalised out (Kim et al. 2020, 2010.13984). One token: the 4 likeliest others, weighted. More: 4
 * texts drawn from the model's distributions with a fixed seed, all counting the same, as drawing has weighted them; they are drafted in native arithmetic, from at most 256 tokens.
 * Control tokens, and the source itself, are never among them.
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
  /** Rows after the source that are looked at: to this row, or to the end of the window. */
  readonly until: number;
}
/**
 * What rows after a source would be without it, from one pass: of the text's own tokens, in the window of the first of them; where that does not hold the
 * whole source, in one that does. Fails with 'too-long' where none can.
 */
export interface EffectsResult {
  /** Rows [first, end). */
  readonly first: number;
  readonly end: number;
  /** NaN where a row has no score. */
  readonly surprisalBits: Float64Array;
  readonly withoutBits: Float64Array;
  readonly tokensRun: number;
}

/** Rows that are read from a few tokens before each: of at most so many. */
export const longestShortContext = 256;

export interface ContextNeedsParams extends ContextParams, Rows {
  /**
   * Context lengths 0 to this are tried, at most `longestShortContext`: one run of so many tokens for each row, and for each of as many tokens before the first, some at a time;
   * ask for some dozens of rows.
   */
  readonly mostTokens: number;
  /** Alternatives of the whole context. */
  readonly topCount: number;
}
export interface ContextNeedsResult {
  /** [rows, mostTokens + 1], by context length; NaN where the row's window does not hold so many tokens before it, or where nothing at all would be seen. Float32 is exact to 1e-6 bit. */
  readonly surprisalBits: Float32Array;
  /** With the whole window. */
  readonly whole: PassageRows;
  readonly tokensRun: number;
}

export interface ShortContextParams extends ContextParams, Rows {
  /** Every row is read from so many tokens before it (all that there are near the start of the text), and the prefix ids; at most `longestShortContext`. */
  readonly contextTokens: number;
  readonly topCount: number;
}
export type ShortContextResult = PassageRows & { readonly tokensRun: number };
