import type { Cells } from './core/cells';
import type { Gap, Provenance, ScoreTable, Span, Summary, UsualLevels } from './core/scores';
import type { Vocabulary } from './core/vocabulary';
import type { ModelError } from './model/errors';
import type { Params, Result, WatchedWord } from './model/protocol';
import type { RefusalReason } from './refusal';

/** What the lens does with one document. */
export type LensState =
  | { readonly kind: 'off' }
  /** The model is being loaded. */
  | { readonly kind: 'starting' }
  /** Or waiting for a pause in typing. */
  | ({ readonly kind: 'scoring' } & Progress)
  | { readonly kind: 'ready' }
  /** The text was edited, and by the settings it is scored when it is saved or when somebody says so. */
  | { readonly kind: 'edited'; readonly until: 'save' | 'command' }
  /** Goes on when the window has the focus again, or the document is on a screen. */
  | ({ readonly kind: 'paused'; readonly why: 'unfocused' | 'hidden' } & Progress)
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'failed'; readonly error: ModelError };

export interface Progress {
  readonly scored: number;
  readonly tokens: number;
}

/** The scores of a document as they stand now; offsets are of the document's present text. */
export interface DocumentView {
  readonly uri: string;
  /** The version the table is of. */
  readonly documentVersion: number;
  /** To be read at once: a newer table takes over its memory. */
  readonly table: ScoreTable;
  /** What the table's columns of watched words are of; other words may be asked for by now, which a newer table will have. */
  readonly watched: readonly WatchedWord[];
  readonly gaps: readonly Gap[];
  /** Cells that overlap the span and are current: true for this very text. */
  cellsIn(span: Span): Cells;
  /** Cells of an older version, moved with the edits since; what an edit touched, and what `cellsIn` covers, is gone from them. */
  staleIn(span: Span): Cells;
  /** All current cells with at least so many bits. */
  cellsFrom(leastBits: number): Cells;
  /** The table is of the document's present version and no row is pending. */
  readonly complete: boolean;
  /** The last complete one; while `complete` is false it is of an older version. */
  readonly summary: Summary | undefined;
  readonly provenance: Provenance;
  /** Short, for sentences; the provenance has the whole name. */
  readonly modelName: string;
  readonly vocabulary: Vocabulary;
  /** What the model needs for ordinary texts. */
  readonly usualBitsPerByte: UsualLevels;
}

/** About what a prediction leans on; asked in the finest arithmetic that the model file allows. */
const contextQuestions = [
  'contextLengths',
  'without',
  'effects',
  'contextNeeds',
  'shortContext',
  'attention',
  'switchOff',
  'layers',
] as const;
export type ContextQuestion = (typeof contextQuestions)[number];
/** How a question is asked, where not as usual. */
export interface AskOptions {
  /** In the finest arithmetic that the model file allows, as questions about the context always are. */
  readonly finest?: boolean | undefined;
  /** As if the document had no preamble. */
  readonly withoutPreamble?: boolean | undefined;
}

/** What can be asked of the model beside the scores of the whole. */
export type Question = 'layout' | 'next' | 'try' | 'words' | 'chain' | 'futures' | 'draft' | ContextQuestion;

export function isContextQuestion(question: Question): question is ContextQuestion {
  return (contextQuestions as readonly Question[]).includes(question);
}

/** What only the asker knows; the document adds the rest. */
export type QuestionParams<Q extends Question> = Omit<Params<Q>, 'model' | 'document' | 'version' | 'settings'>;

export interface Answer<Q extends Question> {
  readonly result: Result<Q>;
  readonly vocabulary: Vocabulary;
  readonly modelName: string;
  readonly provenance: Provenance;
}
export type NextAnswer = Answer<'next'>;
