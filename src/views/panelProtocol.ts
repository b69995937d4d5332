import type { Palette } from '../core/look';
import { scratchFrom, type Scratch } from '../core/scratch';
import type { TokenPieces, VocabularyData } from '../core/vocabulary';
import { askFuturesFrom, type AskFutures, type FuturesMessage } from './futuresProtocol';

/**
 * Messages between the extension and the panel's page. The page is told its whole state every time and can be rebuilt from the last message of each
 * kind; it says `ready` first. The strings of people's text in here are hostile input for the page: set as text, never as markup.
 */
export type ToPanel =
  | { readonly kind: 'show'; readonly state: PanelState }
  /** Comes before any state with ids of it. */
  | { readonly kind: 'vocabulary'; readonly vocabulary: VocabularyData }
  | PanelWholeRow
  | PanelFound
  | PanelContinuation
  | FuturesMessage;

/** All probabilities at a place, for pages that want them: what is drawn, ranked and sampled there needs no other answer of the model. */
export interface PanelWholeRow {
  readonly kind: 'row';
  /** As in the state it belongs to. */
  readonly place: number;
  /** Natural, over the vocabulary; undefined where they cannot be had. */
  readonly logProbabilities: Float32Array | undefined;
  /** UTF-8 of what the state says is typed. */
  readonly typedBytes: Uint8Array | undefined;
}

/** The answer to `find`, to the page that asked. */
export interface PanelFound {
  readonly kind: 'found';
  readonly place: number;
  readonly texts: readonly string[];
  /** Natural logarithms, as in `ChainResult`; undefined where they cannot be had. */
  readonly logProbabilities: Float64Array | undefined;
}

/** The continuation that is tried out, the same in all pages. */
export interface PanelContinuation {
  readonly kind: 'continuation';
  readonly scratch: Scratch;
  /** Tokens of the scratch by id: they are shown although another model has come. */
  readonly tokens: readonly ContinuedToken[];
  /**
   * `cursor`: its place is where the cursor stands. `elsewhere`: the cursor has moved, the panel stays. Else its numbers hold no longer, and the panel
   * follows the cursor: `edited`: the text before its place has changed; `replaced`: the model or its settings have.
   */
  readonly where: 'cursor' | 'elsewhere' | 'edited' | 'replaced';
}

/** A token that stands behind the text, but not in the document. */
export interface ContinuedToken {
  readonly id: number;
  readonly token: TokenPieces;
}

export type PanelState = PanelMessage | PanelDistribution | PanelPassage;

/** Nothing to show, and why: one sentence for people, with what they can do. `busy` while the answer is being computed. */
export interface PanelMessage {
  readonly kind: 'message';
  readonly headline: string;
  readonly text: string;
  readonly busy: boolean;
}

/** What a text would be that is not in the document, token by token, before anything is inserted. */
export interface PanelPassage {
  readonly kind: 'passage';
  /** Names it in what the page says about it. */
  readonly passage: number;
  /** "14 tokens, 31 bits, 2.2 a token (this file: 1.9), as SmolLM2-135M reads it, not the model that wrote it" */
  readonly summary: string;
  /** Sentences: the weakest token, what happens to the bits of what follows, that not all of it was read. */
  readonly notes: readonly string[];
  readonly rows: readonly PassageRow[];
  /** So many tokens more are not in `rows`. */
  readonly moreTokens: number;
  readonly bandEdges: readonly number[];
  readonly palette: Palette;
  readonly provenance: string;
}

/** One token, or several that share a character. */
export interface PassageRow {
  readonly token: TokenPieces;
  /** Surprisal; undefined where nothing stands before it. */
  readonly bits: number | undefined;
  readonly band: number | undefined;
  /** It stands out from what is usual near it. */
  readonly standsOut: boolean;
  /** The highest of its tokens; from 1. */
  readonly rank: number | undefined;
  /** What was expected in place of its first token, most probable first, that token left out. */
  readonly alternatives: readonly { readonly token: TokenPieces; readonly probability: number }[];
}

export interface PanelDistribution {
  readonly kind: 'distribution';
  /** Names the place, the text and the model: another number, another distribution. */
  readonly place: number;
  /** Names the place in the document: it stays the same while tokens are tried out there. */
  readonly root: number;
  /** Tokens of the continuation before this place, in place of what is typed of a word. */
  readonly after: readonly ContinuedToken[];
  /** True while a newer answer is being computed: what is shown belongs to the place before. */
  readonly updating: boolean;
  /** The first line: "Stronger colour = more surprising to SmolLM2-135M. It read 52 tokens before this place." */
  readonly model: string;
  readonly contextTokens: number;
  /** That the model does not read this language, as a sentence; undefined: nothing to say. */
  readonly reading: string | undefined;
  /** What to look at, in a worked example; undefined: it is none. */
  readonly example: string | undefined;
  /** The last piece of the text before the cursor, in runs. */
  readonly before: readonly TextRun[];
  /** More text stands before `before`. */
  readonly beforeTruncated: boolean;
  /** What is typed of a word that is not finished; undefined at a border of tokens. Then rows carry `givenTyped` and a note says so. */
  readonly typed: TokenPieces | undefined;
  /** How many of the most probable tokens are shown at least, the actual one included where it is among them. */
  readonly topCount: number;
  /** Most probable first, those that continue `typed` before the others. Never the actual token. */
  readonly rows: readonly PanelRow[];
  /** The token that follows in the document, always a row of its own, with its rank; undefined where no text follows or it is not known. */
  readonly actual: ActualRow | undefined;
  /** Probability of all tokens that are not in `rows` or `actual`. */
  readonly everythingElse: number;
  /** The same given what is typed; undefined at a border of tokens. */
  readonly everythingElseGivenTyped: number | undefined;
  readonly entropyBits: number;
  /** Bands' lower edges in bits, for the legend. */
  readonly bandEdges: readonly number[];
  /** Of the document's colours in the editor. */
  readonly palette: Palette;
  /** Undefined while the document has no scores. */
  readonly shape: DocumentShape | undefined;
  /** Words that are watched; none while the document has no scores. */
  readonly watched: readonly WatchedShape[];
  readonly provenance: string;
}

/** `band` 0 to 5; undefined where not scored. */
export interface TextRun {
  readonly text: string;
  readonly band: number | undefined;
}

/** Surprisal along the document: at most some hundreds of columns, the peak of each; null where not scored. */
export interface DocumentShape {
  readonly bits: readonly (number | null)[];
  readonly bands: readonly (number | null)[];
  /** Where the cursor stands, 0 to 1. */
  readonly cursor: number;
  /** Of an older version of the document, or not complete yet. */
  readonly stale: boolean;
}

/** How probable a watched word was as what comes next, along the document and at the cursor. Stale as the document's shape is. */
export interface WatchedShape {
  readonly word: string;
  /** False: the columns are of its first piece, with which other words may begin as well. */
  readonly whole: boolean;
  /** In the columns of the document's shape: the highest probability of each, 0 to 1; null where not scored. */
  readonly peaks: readonly (number | null)[];
  /** Exact probability of the whole word at the cursor, before anything of it is typed; undefined while it is computed, null where it cannot be. */
  readonly here: number | null | undefined;
}

export interface PanelRow {
  readonly id: number;
  /** From 1. */
  readonly rank: number;
  readonly token: TokenPieces;
  /** 0 to 1. */
  readonly probability: number;
  /** Probability given what is typed, 0 for tokens that do not continue it; undefined at a border of tokens. */
  readonly givenTyped: number | undefined;
}

export interface ActualRow extends PanelRow {
  readonly surprisalBits: number;
  /** It stands after this many of `rows`. */
  readonly position: number;
  /** Tokens that are not shown rank between it and the row before it. */
  readonly afterGap: boolean;
}

export type FromPanel =
  | { readonly kind: 'ready' }
  /** A place along the document was chosen, 0 to 1: of its tokens, as the shape has them. */
  | { readonly kind: 'reveal'; readonly share: number }
  /** From now on the page needs the whole row of every place, or no longer does. */
  | { readonly kind: 'wants'; readonly wholeRow: boolean }
  /** The text that is shown as a passage is to be inserted, or not to be shown any more. */
  | { readonly kind: 'insert' | 'close'; readonly passage: number }
  | FindTexts
  /** The continuation is this from now on; `root`: as in the state in which it was made. */
  | { readonly kind: 'continue'; readonly root: number; readonly scratch: Scratch }
  | { readonly kind: 'continued'; readonly act: ContinuationAct }
  | AskFutures
  /** Samples no more of the futures that were asked for. */
  | { readonly kind: 'stopFutures' };

/** What can be done with a continuation: put it into the document, which ends it; copy it as text; end it. */
export type ContinuationAct = 'insert' | 'copy' | 'discard';

/** How probable are these texts at the place that is shown? A newer question of the same page takes the place of this one. */
export interface FindTexts {
  readonly kind: 'find';
  readonly place: number;
  /** At most `mostTexts`, each of at most `longestText` characters. */
  readonly texts: readonly string[];
}

/** A page tries no more tokens than this, of all branches. */
export const mostScratchTokens = 1000;

export const mostTexts = 2;
/** UTF-16. */
export const longestText = 200;

/** What a page says; undefined where it is nothing that a page of ours would say. */
export function fromPanel(message: unknown): FromPanel | undefined {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return undefined;
  switch (message.kind) {
    case 'ready':
      return { kind: 'ready' };
    case 'reveal': {
      const share = 'share' in message ? message.share : undefined;
      return typeof share === 'number' && share >= 0 && share <= 1 ? { kind: 'reveal', share } : undefined;
    }
    case 'insert':
    case 'close':
      return 'passage' in message && typeof message.passage === 'number' ? { kind: message.kind, passage: message.passage } : undefined;
    case 'wants':
      return 'wholeRow' in message && typeof message.wholeRow === 'boolean' ? { kind: 'wants', wholeRow: message.wholeRow } : undefined;
    case 'find': {
      if (!('place' in message) || typeof message.place !== 'number' || !('texts' in message) || !Array.isArray(message.texts))
        return undefined;
      const given: readonly unknown[] = message.texts;
      const texts = given.filter(text => typeof text === 'string' && text.length <= longestText) as readonly string[];
      return texts.length === given.length && texts.length <= mostTexts ? { kind: 'find', place: message.place, texts } : undefined;
    }
    case 'continue': {
      const scratch = 'scratch' in message ? scratchFrom(message.scratch) : undefined;
      if (!scratch || scratch.nodes.length > mostScratchTokens || !('root' in message) || typeof message.root !== 'number')
        return undefined;
      return { kind: 'continue', root: message.root, scratch };
    }
    case 'continued': {
      const act = 'act' in message ? message.act : undefined;
      return act === 'insert' || act === 'copy' || act === 'discard' ? { kind: 'continued', act } : undefined;
    }
    case 'futures':
      return askFuturesFrom(message);
    case 'stopFutures':
      return { kind: 'stopFutures' };
    default:
      return undefined;
  }
}
