import type {
  ContextLengthsParams,
  ContextLengthsResult,
  ContextNeedsParams,
  ContextNeedsResult,
  ContextParams,
  EffectsParams,
  EffectsResult,
  LayoutResult,
  ShortContextParams,
  ShortContextResult,
  WithoutParams,
  WithoutResult,
} from './contextProtocol';
import type { AttentionParams, AttentionResult, LayersParams, LayersResult, SwitchOffParams, SwitchOffResult } from './probeProtocol';
import type { Continuation } from '../core/futures';
import type { SamplingSettings } from '../core/sampling';
import type { CarriedRows } from '../core/scoreTable';
import type { Device, Gap, ModelKey, NoiseFloor, ScoredRows, Span, UsualLevels, WindowSettings } from '../core/scores';
import type { VocabularyData } from '../core/vocabulary';

/** Everything the host may ask of the model process. A request and its answer are tied here and nowhere else. */
export interface ModelMethods {
  /** Loads a model folder, or answers from the one already loaded. Fails with a code of `ModelErrorCode`. */
  load: { params: LoadParams; result: ModelDescription };
  /** Makes a document known. `document` is the caller's name for it; opening it again replaces it. */
  open: { params: OpenParams; result: null };
  /** Brings an open document from one version to the next. Edits are applied in the order given, each on the text the one before it left. */
  change: { params: ChangeParams; result: null };
  close: { params: CloseParams; result: null };
  /** Scores an open document: events `layout`, then `rows` until nothing is pending. */
  score: { params: ScoreParams; result: ScoreResult };
  /** What is on a screen has changed: a score under way goes on with what shows now. */
  show: { params: ShowParams; result: null };
  /** The distribution of the next token at one place, from the text before it only. */
  next: { params: NextParams; result: NextResult };
  /** The whole words that are likeliest at one place, from the text before it only. */
  words: { params: WordsParams; result: WordsResult };
  /** How probable texts are as what comes at one place, from the text before it only. */
  chain: { params: ChainParams; result: ChainResult };
  /** Continuations that the model would write at one place, drawn from its distributions with a seed; the document stays as it is. */
  futures: { params: FuturesParams; result: FuturesResult };
  /** What the model would most probably write at one place, token by token, as far as it is sure; the document stays as it is. */
  draft: { params: DraftParams; result: DraftResult };
  /** Scores the text as it would be after an edit, near the edit; the document stays as it is. */
  try: { params: TryParams; result: TryResult };
  /** Where the tokens are: nothing is run for it. */
  layout: { params: ContextParams; result: LayoutResult };
  /** How a prediction changes as more of the text before it is seen. */
  contextLengths: { params: ContextLengthsParams; result: ContextLengthsResult };
  /** How a prediction changes when something before it is left out. */
  without: { params: WithoutParams; result: WithoutResult };
  /** How the rows after something change when that is left out. */
  effects: { params: EffectsParams; result: EffectsResult };
  /** How much context each of some rows needs. */
  contextNeeds: { params: ContextNeedsParams; result: ContextNeedsResult };
  /** Rows as they are read from a few tokens before each. */
  shortContext: { params: ShortContextParams; result: ShortContextResult };
  /** Where the heads look. Fails with 'unsupported' and the reason where the model's graph does not give it; so do the next two. */
  attention: { params: AttentionParams; result: AttentionResult };
  /** What heads are for, or at least what breaks without them. */
  switchOff: { params: SwitchOffParams; result: SwitchOffResult };
  /** What each layer would predict. */
  layers: { params: LayersParams; result: LayersResult };
  /** What a preamble becomes with this model. Fails with 'no-chat-frame' where it cannot take one of that kind. */
  preamble: { params: PreambleParams; result: PreambleResult };
  /** What the process has cost so far. */
  measure: { params: MeasureParams; result: Measurements };
}

export type Method = keyof ModelMethods;
export type Params<M extends Method> = ModelMethods[M]['params'];
export type Result<M extends Method> = ModelMethods[M]['result'];
export type Handlers = { readonly [M in Method]: (params: Params<M>, context: CallContext) => Promise<Result<M>> };

/** What a handler is given beside its parameters: when to stop, and a way to tell the caller of this call something before the result. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly emit: (event: ModelEvent) => void;
}

export interface LoadParams {
  readonly folder: string;
  /** Undefined: what the model folder says, else the first of fp32, q8, q4, fp16 that is there. */
  readonly dtype: string | undefined;
  readonly threads: number;
  /** ONNX Runtime's memory arena: faster, but deadly where allocations are limited (Electron). */
  readonly arena: boolean;
  /** What to run on in native arithmetic; where that cannot be, the processor (see `deviceFallback`). */
  readonly device: Device;
  /** Where patched copies of model files and results of self-checks may be kept, by content hash; undefined: nowhere. */
  readonly cacheFolder: string | undefined;
  /** Memory for key/value caches kept for edits and cursor moves. */
  readonly snapshotBytes: number;
}

export interface ModelDescription {
  readonly key: ModelKey;
  /** For people, as in "surprising to SmolLM2-135M". */
  readonly name: string;
  /** Positions the model has, prefix ids included. */
  readonly positions: number;
  /** The token that stands before plain text; null where the model has none. */
  readonly startTokenId: number | null;
  readonly vocabulary: VocabularyData;
  readonly selfCheck: SelfCheck;
  /** `plain`: the scoring head could not be grafted; the numbers are the same, slower. */
  readonly head: 'grafted' | 'plain';
  /** What it runs on in native arithmetic. */
  readonly device: Device;
  /** Why that is not what was asked for, in the runtime's words; undefined: it is. */
  readonly deviceFallback: string | undefined;
}

/** What was found out about a model file by running it on a built-in text. A model that lets later text change earlier scores is not loaded. */
export interface SelfCheck {
  /** Of the built-in text, in native arithmetic. */
  readonly bitsPerByte: number;
  /** The model reads plain English as a trained one does. */
  readonly plausible: boolean;
  readonly usualBitsPerByte: UsualLevels;
  /** Null: this file cannot be run in float32 arithmetic. */
  readonly noiseFloorBits: NoiseFloor | null;
  readonly repeatabilityBits: number;
}

export interface OpenParams {
  readonly model: ModelKey;
  readonly document: string;
  readonly version: number;
  readonly text: string;
}

export interface CloseParams {
  readonly model: ModelKey;
  readonly document: string;
}

export interface ChangeParams {
  readonly model: ModelKey;
  readonly document: string;
  readonly fromVersion: number;
  readonly version: number;
  readonly edits: readonly TextEdit[];
  /** UTF-16 length of the text afterwards: a change that went astray is noticed. */
  readonly length: number;
}
/** Replaces the UTF-16 range [start, end) of the document by `text`. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface ScoringSettings extends WindowSettings {
  readonly topCount: number;
  readonly useStartToken: boolean;
  /** At most 5, each without white space around it. */
  readonly watchWords: readonly string[];
  /** Read before every window, as context only; undefined: nothing. */
  readonly preamble?: Preamble | undefined;
}
/** UTF-16 units, far more than the tokens have that are used of a preamble: only the end of a longer text is looked at. */
export const longestPreamble = 65_536;
/** A text that is not in the document: as it is, or as what an assistant that writes the document was asked, in the model's own chat frame. */
export interface Preamble {
  readonly kind: 'text' | 'chat';
  readonly text: string;
}

export interface PreambleParams {
  readonly model: ModelKey;
  readonly preamble: Preamble;
  readonly useStartToken: boolean;
}
export interface PreambleResult {
  /** That stand before every window; the end of a longer one is used. */
  readonly tokens: number;
  /** It is a longer one, or its question is. */
  readonly isCut: boolean;
}

export interface ScoreParams {
  readonly model: ModelKey;
  readonly document: string;
  readonly version: number;
  readonly settings: ScoringSettings;
  /** UTF-16 spans of the document that are on a screen: their rows come first. */
  readonly visible: readonly Span[];
  /** `tableId` of the layout the caller holds with all its rows so far; rows it has are not sent again. */
  readonly knownTableId: number | undefined;
}
export interface ShowParams {
  readonly model: ModelKey;
  readonly document: string;
  /** As in `ScoreParams`. */
  readonly visible: readonly Span[];
}
export interface ScoreResult {
  readonly tableId: number;
  /** How many windows the text has. */
  readonly windows: number;
  /** Settings in force after capping. */
  readonly window: WindowSettings;
  readonly startTokenId: number | null;
  /** Tokens of the preamble that stand before every window; the end of a longer one is used. */
  readonly preambleTokens: number;
  /** Tokens given to the model, prefix ids included: what this call cost. */
  readonly tokensRun: number;
}

export interface NextParams {
  readonly model: ModelKey;
  readonly document: string;
  readonly version: number;
  readonly settings: ScoringSettings;
  /** UTF-16 offset in the document; text from there on is not looked at. */
  readonly offset: number;
  /**
   * Ids of tokens that stand between the cut and the place that is asked about, in place of what is typed there; none: the place is the offset. The
   * answer is that for the text that has them, where the tokenizer gives these ids.
   */
  readonly after: readonly number[];
}
export interface NextResult {
  /** Where the text was cut: the start of the pre-token that holds the offset, or the offset itself. UTF-16. */
  readonly cut: number;
  /** Natural logarithms over the whole vocabulary. */
  readonly logProbabilities: Float32Array;
  readonly entropyBits: number;
  readonly contextTokens: number;
}

export interface WordsParams extends NextParams {
  /** How many at most. */
  readonly count: number;
  /** A word is broken off after so many tokens; undefined: 6. */
  readonly mostTokens: number | undefined;
}
export interface WordsResult {
  /** As in `NextResult`. */
  readonly cut: number;
  /** Most probable first; no two of the same bytes. */
  readonly words: readonly WordAlternative[];
}
/** One of the most probable tokens, continued by the most probable ones up to where a new word would begin. */
export interface WordAlternative {
  readonly ids: Int32Array;
  readonly bytes: Uint8Array;
  /** Natural logarithm, of all its tokens together. Not of its end: " car" may go on as " care". */
  readonly logProbability: number;
  /** False: broken off. */
  readonly complete: boolean;
}

export interface ChainParams extends NextParams {
  /** Each from the place that is asked about; without `after` from the cut on, and then one that does not begin with what is typed from there is impossible. */
  readonly texts: readonly string[];
}
export interface ChainResult {
  /** As in `NextResult`. */
  readonly cut: number;
  /**
   * Natural logarithms, by the product rule over the tokens of each text; not of its end: " sea" may go on as " season". -Infinity where a
   * text is impossible or cannot be spelled, 0 for the empty text, NaN where a window begins inside of it with nothing before.
   */
  readonly logProbabilities: Float64Array;
}

export interface FuturesParams extends NextParams {
  /**
   * Number of the first: number i is the same whichever others are asked for with it, so that more can be had later. At least 0, like the seed a whole
   * number.
   */
  readonly first: number;
  /** At least 1. All are held in memory at once in the end: ask for some dozens at a time, which also says how far it has come. */
  readonly count: number;
  /** Of each continuation, 1 or more; forced ones count. */
  readonly mostTokens: number;
  readonly sampling: SamplingSettings;
  readonly seed: number;
  /** What all begin with, from the cut on or after `after`: a text, or the id of a token. */
  readonly forced: string | number | undefined;
}
export interface FuturesResult {
  /** As in `NextResult`: continuations go on from here, or from `after`. */
  readonly cut: number;
  /**
   * Those of `next`, or fewer: the start of the context is cut where the copies of its cache would not stay below 256 MB, or where the model has not as
   * many positions. The window does not move while a continuation grows.
   */
  readonly contextTokens: number;
  /** So many tokens at the beginning of each were forced. */
  readonly forcedTokens: number;
  readonly continuations: readonly Continuation[];
}

export interface DraftParams extends NextParams {
  readonly begins: DraftBeginning;
  /** Of the draft, those it begins with among them; at least 1. */
  readonly mostTokens: number;
  /** It ends before the first token of its own that is less probable than that; 0 to 1. */
  readonly leastProbability: number;
  /** It ends with the token that ends a line, where that line has got more than white space. */
  readonly atLineEnd: boolean;
}
export type DraftBeginning =
  /**
   * With what stands between the cut and the offset: its first tokens are the most probable ones that spell it, whether or not the last of them goes
   * on. `instead`: what is read in place of the text from its `start` to the offset, such as the entry of a list that is about to be chosen.
   */
  | { readonly kind: 'typed'; readonly instead?: { readonly start: number; readonly text: string } | undefined }
  /** With exactly this, from where `next` cuts on or after `after`: a text, or the id of a token. Nothing else goes with `after`. */
  | { readonly kind: 'forced'; readonly forced: string | number };
export interface DraftResult {
  /** The draft goes on from here: UTF-16, of the text that has what is read `instead`. */
  readonly cut: number;
  readonly contextTokens: number;
  /** From the cut on; none where nothing is probable enough. */
  readonly ids: Int32Array;
  /** Natural logarithms, of each token after those before it. A draft's, but for the first: see `ScoringSession.step`. */
  readonly logProbabilities: Float64Array;
  /** So many tokens at the beginning spell what it begins with. */
  readonly givenTokens: number;
  /** Natural logarithm of their probability given what they spell, at least: 0 where they are forced. */
  readonly givenLogProbability: number;
  /** `control`: the model would end the text; that token is not among the ids. */
  readonly ended: 'improbable' | 'length' | 'line-end' | 'control';
}

export interface TryParams {
  readonly model: ModelKey;
  readonly document: string;
  readonly version: number;
  readonly settings: ScoringSettings;
  readonly edit: TextEdit;
  /** About so many tokens of the unchanged text after the edit are compared. */
  readonly followingTokens: number;
  /** Alternatives for each token of the passages; undefined: none. */
  readonly topCount?: number | undefined;
  /** Both passages begin no later than with the first token of what is inserted, though it may begin like what follows it; undefined: no. */
  readonly wholeEdit?: boolean | undefined;
  /**
   * Both passages are read in one window, whatever windows the text has: some of the text before the edit, what is edited, and as much of what follows
   * as it has room for. So they differ by the edit alone. Undefined: no.
   */
  readonly oneWindow?: boolean | undefined;
}
/** Both passages begin at the same token, the first that differs if nothing else is asked for, and end at the same place of the text after the edit. */
export interface TryResult {
  readonly before: PassageScore;
  readonly after: PassageScore;
}
/** The rows that `score` gives for some tokens in a row; offsets are of the passage's own text. */
export interface PassageScore {
  readonly ids: Int32Array;
  /** UTF-16, as in a layout. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** NaN where nothing stands before the token: rank 0, top ids -1 and NaN log-probabilities go with it. */
  readonly surprisalBits: Float64Array;
  /** Of the whole distribution. */
  readonly entropyBits: Float64Array;
  readonly ranks: Int32Array;
  readonly contextTokens: Int32Array;
  /** As asked for. */
  readonly topCount: number;
  /** [tokens, topCount], most probable first, ties by id; -1 at the end of a row where the vocabulary is smaller. */
  readonly topIds: Int32Array;
  /** Natural logarithms, [tokens, topCount]. */
  readonly topLogProbabilities: Float32Array;
  /**
   * The first so many tokens are of the edit: of the text it replaces or inserts, and what is tokenised together with that. The others
   * are the same text in both passages.
   */
  readonly replacedTokens: number;
}

export interface MeasureParams {
  readonly model: ModelKey;
}
/** Since the process started. */
export interface Measurements {
  /** Token ids given to the model, prefix ids included. */
  readonly tokensRun: number;
  /** Calls of the model; the last chunk of a run and the others alike. */
  readonly modelCalls: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** Of key/value caches kept. */
  readonly snapshotBytes: number;
  /** Whose text is kept. */
  readonly documents: number;
}

export type ModelEvent = LayoutEvent | RowsEvent;
/** The tokens of a document version. Rows `carried` are those of the table the caller named; all others are pending. */
export interface LayoutEvent {
  readonly kind: 'layout';
  readonly document: string;
  readonly version: number;
  readonly tableId: number;
  readonly carried: readonly CarriedRows[];
  readonly topCount: number;
  readonly watchCount: number;
  /** What the table's columns of watched words are of, in their order. */
  readonly watched: readonly WatchedWord[];
  readonly ids: Int32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly startBytes: Uint32Array;
  readonly endBytes: Uint32Array;
  readonly gaps: readonly Gap[];
  readonly bytes: number;
  readonly window: WindowSettings;
  readonly startTokenId: number | null;
  /** As in `ScoreResult`. */
  readonly preambleTokens: number;
}
/** A word that is watched by its first token, after a space and without one. */
export interface WatchedWord {
  readonly word: string;
  /** Of those first tokens; none where the vocabulary cannot spell it. */
  readonly ids: readonly number[];
  /** Each of them is the whole word. If not, other words may begin like it. */
  readonly whole: boolean;
}
export interface RowsEvent {
  readonly kind: 'rows';
  readonly document: string;
  readonly tableId: number;
  readonly rows: ScoredRows;
}
