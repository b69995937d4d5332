import type { Gap, ModelKey, ScoredRows, WindowSettings } from '../core/scores';
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
  /** The distribution of the next token at one place, from the text before it only. */
  next: { params: NextParams; result: NextResult };
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
}

export interface ScoreParams {
  readonly model: ModelKey;
  readonly document: string;
  readonly version: number;
  readonly settings: ScoringSettings;
  /** UTF-16 spans of the document that are on a screen: their rows come first. */
  readonly visible: readonly { readonly start: number; readonly end: number }[];
  /** `tableId` of the layout the caller holds with all its rows so far; rows it has are not sent again. */
  readonly knownTableId: number | undefined;
}
export interface ScoreResult {
  readonly tableId: number;
  /** Settings in force after capping. */
  readonly window: WindowSettings;
  readonly startTokenId: number | null;
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
}
export interface NextResult {
  /** Where the text was cut: the start of the pre-token that holds the offset, or the offset itself. UTF-16. */
  readonly cut: number;
  /** Natural logarithms over the whole vocabulary. */
  readonly logProbabilities: Float32Array;
  readonly entropyBits: number;
  readonly contextTokens: number;
}

export type ModelEvent = LayoutEvent | RowsEvent;
/** The tokens of a document version. The first `keptRows` rows are those of the table the caller named. */
export interface LayoutEvent {
  readonly kind: 'layout';
  readonly document: string;
  readonly version: number;
  readonly tableId: number;
  readonly keptRows: number;
  readonly topCount: number;
  readonly ids: Int32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly startBytes: Uint32Array;
  readonly endBytes: Uint32Array;
  readonly gaps: readonly Gap[];
  readonly bytes: number;
  readonly window: WindowSettings;
  readonly startTokenId: number | null;
}
export interface RowsEvent {
  readonly kind: 'rows';
  readonly document: string;
  readonly tableId: number;
  readonly rows: ScoredRows;
}
