/** The words of the whole program: spans, the score table, cells, provenance. Plain data only; the same in every process. */

/** A place in the document: UTF-16 offsets, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** How the rows of a table stand: `pending` rows wait for the model, `unscored` ones had nothing before them. */
export const rowState = { pending: 0, scored: 1, unscored: 2 } as const;

/**
 * What the model said of each token of one document version: a set of columns of `length` rows.
 * UTF-16 offsets are of the document, byte offsets of the scored copy. Rows that are not scored hold NaN bits, rank 0, top ids -1 and NaN log masses.
 */
export interface ScoreTable {
  readonly length: number;
  /** Alternatives kept per row, the `k` of top k. */
  readonly topCount: number;
  /** Words whose probability is watched at every row. */
  readonly watchCount: number;
  readonly ids: Int32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly startBytes: Uint32Array;
  readonly endBytes: Uint32Array;
  /** One of `rowState`. */
  readonly states: Uint8Array;
  /** -log2 p(token). */
  readonly surprisalBits: Float64Array;
  /** Entropy of the whole next-token distribution, not of the top k. */
  readonly entropyBits: Float64Array;
  /** 1 + number of tokens with a higher logit. */
  readonly ranks: Int32Array;
  /** Document tokens the model saw before this one. */
  readonly contextTokens: Int32Array;
  /** [length, topCount], most probable first, ties by id. */
  readonly topIds: Int32Array;
  /** Natural logarithms, [length, topCount]. */
  readonly topLogProbabilities: Float32Array;
  /**
   * Natural logarithm of the probability that the token is one that begins a word or ends the text: white space first, or a control token.
   * The word before it is over then; what corrects sums of bits over a word for its end (Pimentel & Meister 2024, 2406.14561).
   */
  readonly wordStartLogMass: Float32Array;
  /**
   * [length, watchCount], natural logarithms of the probability that the token is the first of the watched word; -Infinity where that is
   * too small for a float32.
   */
  readonly watchLogMasses: Float32Array;
}

/** The columns that the model fills, for rows `first` to `first + count`. */
export type ScoredRows = Pick<
  ScoreTable,
  | 'states'
  | 'surprisalBits'
  | 'entropyBits'
  | 'ranks'
  | 'contextTokens'
  | 'topIds'
  | 'topLogProbabilities'
  | 'wordStartLogMass'
  | 'watchLogMasses'
> & {
  readonly first: number;
  readonly count: number;
};

/** Sets of tokens, of each of which the probability is summed at every row: word starts, then one set for each watched word. */
export interface TokenSets {
  readonly count: number;
  /** [vocabulary, count], row-major: 1 where the token is in the set, else 0. */
  readonly members: Float32Array;
}

/** Bytes of the scored copy for which the vocabulary has no token: unscored, and no token stands for them. */
export interface Gap extends Span {
  readonly startByte: number;
  readonly endByte: number;
}

export interface WindowSettings {
  /** At most this many document tokens a window. */
  readonly contextTokens: number;
  /** Tokens a window shares with the one before it. */
  readonly overlapTokens: number;
  readonly anchors: Anchors;
}
/** Where windows begin: at counted tokens (`grid`), or where the text near them says (`text`), so that an edit leaves distant ones as they are. */
export type Anchors = 'grid' | 'text';

/** Which model, exactly: every call to the model process names one. */
export interface ModelKey {
  readonly folder: string;
  /** SHA-256 over the names, sizes and contents of the files in use, hexadecimal. */
  readonly contentHash: string;
  readonly dtype: string;
  readonly arithmetic: Arithmetic;
}
export type Arithmetic = 'native' | 'float32';

/** |surprisal in native - surprisal in float32 arithmetic| over the same weights, on a built-in text, in bits. Null: float32 is not possible. */
export interface NoiseFloor {
  readonly mean: number;
  readonly p95: number;
}

/** Bits per byte that a model needs for ordinary texts that come with the program: what another text's number can be held against. */
export interface UsualLevels {
  readonly prose: number;
  readonly code: number;
}

/** Where numbers come from; goes on every view and export. */
/** What a model computes on; `float32` arithmetic is always the processor's. */
export type Device = 'cpu' | 'webgpu';

export interface Provenance {
  readonly model: string;
  readonly modelHash: string;
  readonly dtype: string;
  readonly arithmetic: Arithmetic;
  /** Settings in force, in tokens, after capping to what the model can hold. */
  readonly window: number;
  readonly overlap: number;
  readonly anchors: Anchors;
  readonly startTokenId: number | null;
  readonly noiseFloorBits: NoiseFloor | null;
  /** Largest difference between chunked and whole computation on the built-in text; null: not measured. */
  readonly repeatabilityBits: number | null;
  /** `implausible`: the model loads, but reads plain English as if it had never seen any. Null: not checked. */
  readonly selfCheck: 'passed' | 'implausible' | null;
  readonly documentVersion: number;
  /** Undefined: the processor. */
  readonly device?: 'webgpu' | undefined;
  /** What was read before every window; undefined: nothing. */
  readonly preamble?: PreambleNote | undefined;
}

/** A text that is not in the document and stood before it, as context only; never the text itself. */
export interface PreambleNote {
  /** `chat`: as what an assistant that writes the document was asked, in the model's own frame. */
  readonly kind: 'text' | 'chat';
  /** For people: that of a file; null: somebody typed it. */
  readonly name: string | null;
  /** In force: the end of a longer one is used. Those of the frame are counted. */
  readonly tokens: number;
  /** Of its UTF-8, hexadecimal. */
  readonly sha256: string;
}

export interface Summary {
  readonly tokens: number;
  /** Of the whole scored copy. */
  readonly bytes: number;
  readonly totalBits: number;
  /** Over scored tokens and their bytes; null when there are none. */
  readonly bitsPerByte: number | null;
  /** 2^(mean bits of scored tokens); null when there are none. */
  readonly perplexity: number | null;
}

/** One token, as plain JSON: the public API and the command line share it. */
export interface TokenScore {
  readonly id: number;
  readonly startByte: number;
  readonly endByte: number;
  readonly start: number;
  readonly end: number;
  readonly surprisalBits: number | null;
  readonly entropyBits: number | null;
  readonly rank: number | null;
  readonly contextTokens: number;
  readonly topIds: readonly number[];
  readonly topProbabilities: readonly number[];
  /** Only where `surprisalBits` is null. */
  readonly unscoredReason?: string;
}
