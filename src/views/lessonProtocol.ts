import { mostTokens, verdicts, type Tried } from '../core/guessing';
import { isCount, isFlag, isNumber, isOneOf, isText, listOf, orUndefined, recordOf } from '../core/shape';
import { isTokenPieces, type TokenPieces } from '../core/vocabulary';
import { isActualRow, isPanelRow, type PanelDistribution } from './panelProtocol';

/**
 * Messages between the extension and the lesson's page: the guessing game and the tour. The page is told its whole state every time and says `ready`
 * first. What is still hidden of a text is not in it. Texts are hostile input for the page: set as text, never as markup.
 */
export interface ToLesson {
  readonly kind: 'show';
  readonly state: LessonState;
  /** What the page gives back to the editor, which keeps it over a restart. */
  readonly saved: SavedLesson | undefined;
}

export type LessonState = LessonMessage | GuessingState | GuessingEnd | TourState;

/** One sentence for people; `busy` while the model is asked. `mayChoose`: another passage can be had. */
export interface LessonMessage {
  readonly kind: 'message';
  readonly headline: string;
  readonly text: string;
  readonly busy: boolean;
  readonly mayChoose: boolean;
}

/** What stands over every screen. */
interface LessonHead {
  /** Where the passage is from. */
  readonly title: string;
  readonly model: string;
  readonly provenance: string;
}

/** A distribution with the token that follows, for the table of the panel. */
export type ShownDistribution = Pick<
  PanelDistribution,
  'model' | 'typed' | 'rows' | 'actual' | 'everythingElse' | 'everythingElseGivenTyped'
>;

interface GuessingHead extends LessonHead {
  /** The document says something else by now. */
  readonly changed: boolean;
  /** The game ends after so many tokens, though the passage goes on; undefined: it ends with the passage. */
  readonly stopsAfter: number | undefined;
  readonly triesAllowed: number;
}

export interface GuessingState extends GuessingHead {
  readonly kind: 'guessing';
  /** Number of moves made: a move says after how many it was made. */
  readonly step: number;
  /** The passage up to the token. */
  readonly before: string;
  /** From 1. */
  readonly place: number;
  readonly places: number;
  readonly tries: readonly Tried[];
  /** So far, of the places played; by the same rule. */
  readonly learnerBits: number;
  readonly modelBits: number;
  /** Undefined while the token is hidden. */
  readonly revealed: RevealedToken | undefined;
}

export interface RevealedToken {
  /** As it stands in the passage. */
  readonly text: string;
  readonly token: TokenPieces;
  readonly learnerTry: number | undefined;
  readonly modelTry: number | undefined;
  readonly surprisalBits: number;
  readonly distribution: ShownDistribution;
}

/** `tries`: how many places were right at the first try, the second and so on; `none`: at none. */
export interface PlayerResult {
  readonly bits: number;
  readonly tries: readonly number[];
  readonly none: number;
}

export interface GuessingEnd extends GuessingHead {
  readonly kind: 'end';
  /** As far as it was played. */
  readonly text: string;
  readonly played: number;
  readonly places: number;
  readonly learner: PlayerResult;
  readonly modelGuessing: PlayerResult;
  /** From its whole distribution. */
  readonly modelBits: number;
  /** Where the two differ most by the same rule, the widest difference first. */
  readonly differences: readonly LessonDifference[];
  readonly vocabularySize: number;
}

export interface LessonDifference {
  /** A piece of the text before. */
  readonly before: string;
  readonly token: TokenPieces;
  readonly learnerTry: number | undefined;
  readonly modelTry: number | undefined;
}

export const tourScreens = ['tokens', 'distribution', 'surprise', 'sampling', 'context'] as const;
export type TourScreenName = (typeof tourScreens)[number];

export interface TourState extends LessonHead {
  readonly kind: 'tour';
  readonly figure: TourFigure;
}

export type TourFigure =
  | { readonly screen: 'tokens'; readonly tokens: readonly { readonly token: TokenPieces; readonly id: number }[] }
  | { readonly screen: 'distribution'; readonly before: string; readonly distribution: ShownDistribution; readonly entropyBits: number }
  | { readonly screen: 'surprise'; readonly tokens: readonly SurprisingToken[]; readonly totalBits: number }
  | SamplingFigure
  | {
      readonly screen: 'context';
      readonly token: TokenPieces;
      /** From little context to all of it. */
      readonly columns: readonly ContextColumn[];
    };

export interface SurprisingToken {
  readonly token: TokenPieces;
  /** Undefined: not scored. */
  readonly bits: number | undefined;
  /** 0 to 5. */
  readonly band: number;
}

export interface SamplingFigure {
  readonly screen: 'sampling';
  readonly before: string;
  readonly temperature: number;
  readonly seed: number;
  /** The most probable tokens by the model, 0 to 1, and after the temperature. */
  readonly rows: readonly { readonly token: TokenPieces; readonly raw: number; readonly after: number }[];
  /** In the order in which they were drawn. */
  readonly drawn: readonly TokenPieces[];
}

export interface ContextColumn {
  readonly contextTokens: number;
  /** What the model read; its end, where it is long. */
  readonly before: string;
  /** Of the token that follows. */
  readonly probability: number;
  readonly bits: number;
  readonly rows: readonly { readonly token: TokenPieces; readonly probability: number }[];
}

export const temperatureRange = { min: 0, max: 2, step: 0.1 } as const;

export type FromLesson =
  | { readonly kind: 'ready' }
  /** Enter was pressed with this in the box, after so many moves. */
  | { readonly kind: 'enter'; readonly step: number; readonly text: string }
  | { readonly kind: 'end' | 'again' | 'another' | 'game' | 'tour' | 'panel' }
  /** A screen of the tour, from 0. */
  | { readonly kind: 'screen'; readonly screen: number }
  | { readonly kind: 'draw'; readonly temperature: number; readonly seed: number };

/** UTF-16. */
export const longestGuess = 200;

/** What a page says; undefined where it is nothing that a page of ours would say. */
export function fromLesson(message: unknown): FromLesson | undefined {
  const { kind, step, text, screen, temperature, seed } = fieldsOf(message);
  switch (kind) {
    case 'ready':
    case 'end':
    case 'again':
    case 'another':
    case 'game':
    case 'tour':
    case 'panel':
      return { kind };
    case 'enter':
      return isCount(step) && typeof text === 'string' && text.length <= longestGuess ? { kind, step, text } : undefined;
    case 'screen':
      return isCount(screen) && screen < tourScreens.length ? { kind, screen } : undefined;
    case 'draw': {
      const { min, max } = temperatureRange;
      return typeof temperature === 'number' && temperature >= min && temperature <= max && isCount(seed)
        ? { kind, temperature, seed }
        : undefined;
    }
    default:
      return undefined;
  }
}

/** What brings a lesson back: the text it is about and all that was done with it. */
export interface SavedLesson {
  readonly text: string;
  readonly title: string;
  /** Undefined: the tour. */
  readonly moves: readonly string[] | undefined;
  readonly ended: boolean;
  readonly screen: number;
}

/** UTF-16; more is not played, and not kept. */
export const longestPassage = 4_000;

/** `saved`: whatever was kept, by this version or another. */
export function savedLesson(saved: unknown): SavedLesson | undefined {
  const { text, title, moves, ended, screen } = fieldsOf(saved);
  if (typeof text !== 'string' || text.length > longestPassage || typeof title !== 'string') return undefined;
  const strings: readonly unknown[] | undefined = Array.isArray(moves) ? moves : undefined;
  const mostMoves = mostTokens * 10;
  return {
    text,
    title,
    moves: strings?.slice(0, mostMoves).filter(move => typeof move === 'string'),
    ended: ended === true,
    screen: isCount(screen) && screen < tourScreens.length ? screen : 0,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

const maybeNumber = orUndefined(isNumber);
const pieces = listOf(isTokenPieces);
const head = { title: isText, model: isText, provenance: isText };
const guessing = { ...head, changed: isFlag, stopsAfter: maybeNumber, triesAllowed: isNumber };

const isShown = recordOf<ShownDistribution>({
  model: isText,
  typed: orUndefined(isTokenPieces),
  rows: listOf(isPanelRow),
  actual: orUndefined(isActualRow),
  everythingElse: isNumber,
  everythingElseGivenTyped: maybeNumber,
});

const isMessage = recordOf<LessonMessage>({ kind: isOneOf('message'), headline: isText, text: isText, busy: isFlag, mayChoose: isFlag });

const isGuessing = recordOf<GuessingState>({
  ...guessing,
  kind: isOneOf('guessing'),
  step: isCount,
  before: isText,
  place: isNumber,
  places: isNumber,
  tries: listOf(recordOf<Tried>({ text: isText, verdict: isOneOf(...verdicts) })),
  learnerBits: isNumber,
  modelBits: isNumber,
  revealed: orUndefined(
    recordOf<RevealedToken>({
      text: isText,
      token: isTokenPieces,
      learnerTry: maybeNumber,
      modelTry: maybeNumber,
      surprisalBits: isNumber,
      distribution: isShown,
    }),
  ),
});

const isPlayer = recordOf<PlayerResult>({ bits: isNumber, tries: listOf(isNumber), none: isNumber });

const isEnd = recordOf<GuessingEnd>({
  ...guessing,
  kind: isOneOf('end'),
  text: isText,
  played: isNumber,
  places: isNumber,
  learner: isPlayer,
  modelGuessing: isPlayer,
  modelBits: isNumber,
  differences: listOf(recordOf<LessonDifference>({ before: isText, token: isTokenPieces, learnerTry: maybeNumber, modelTry: maybeNumber })),
  vocabularySize: isNumber,
});

type Figure<Name extends TourScreenName> = Extract<TourFigure, { readonly screen: Name }>;

const figures = [
  recordOf<Figure<'tokens'>>({
    screen: isOneOf('tokens'),
    tokens: listOf(recordOf<Figure<'tokens'>['tokens'][number]>({ token: isTokenPieces, id: isNumber })),
  }),
  recordOf<Figure<'distribution'>>({ screen: isOneOf('distribution'), before: isText, distribution: isShown, entropyBits: isNumber }),
  recordOf<Figure<'surprise'>>({
    screen: isOneOf('surprise'),
    tokens: listOf(recordOf<SurprisingToken>({ token: isTokenPieces, bits: maybeNumber, band: isNumber })),
    totalBits: isNumber,
  }),
  recordOf<SamplingFigure>({
    screen: isOneOf('sampling'),
    before: isText,
    temperature: isNumber,
    seed: isNumber,
    rows: listOf(recordOf<SamplingFigure['rows'][number]>({ token: isTokenPieces, raw: isNumber, after: isNumber })),
    drawn: pieces,
  }),
  recordOf<Figure<'context'>>({
    screen: isOneOf('context'),
    token: isTokenPieces,
    columns: listOf(
      recordOf<ContextColumn>({
        contextTokens: isNumber,
        before: isText,
        probability: isNumber,
        bits: isNumber,
        rows: listOf(recordOf<ContextColumn['rows'][number]>({ token: isTokenPieces, probability: isNumber })),
      }),
    ),
  }),
] as const;

const isTour = recordOf<TourState>({
  ...head,
  kind: isOneOf('tour'),
  figure: (value): value is TourFigure => figures.some(shape => shape(value)),
});

const isShow = recordOf<ToLesson>({
  kind: isOneOf('show'),
  state: (value): value is LessonState => isMessage(value) || isGuessing(value) || isEnd(value) || isTour(value),
  saved: orUndefined(
    recordOf<SavedLesson>({ text: isText, title: isText, moves: orUndefined(listOf(isText)), ended: isFlag, screen: isCount }),
  ),
});

/** What the extension says; undefined where it is nothing that this version of it would say. */
export function toLesson(message: unknown): ToLesson | undefined {
  return isShow(message) ? message : undefined;
}
