import { eitherOf, isCount, isFlag, isNumber, isOneOf, isText, listOf, orUndefined, recordOf } from '../core/shape';
import type { Shape } from '../core/shape';
import type { Cost } from '../core/speed';
import { isTokenPieces } from '../core/vocabulary';
import type { TokenPieces } from '../core/vocabulary';
import type { Filler } from '../model/contextProtocol';
import type { SwitchedOff } from '../model/probeProtocol';
import type { AttendedToken, AttentionSeen, AttentionState, ListedAttention } from './explainAttention';
import type { InfluenceState, SelectedSource, SourceShown } from './explainInfluence';
import type { LayerShown, LayersSeen, LayersState } from './explainLayers';
import type { LengthShown, LengthsState } from './explainLengths';
import type { MapLink, MapState, MapUnit } from './explainMap';
import type { RunShown } from './explainRun';
import type { ChangedToken, SwitchedOffShown, SwitchOffState, SwitchSide } from './explainSwitchOff';

/**
 * Messages between the extension and the page about what in the context made a prediction. The page is told its whole state every time and says
 * `ready` first; it writes its own words, but for names of places and failures. Pieces of documents are hostile input: set as text, never as markup.
 */
export interface ToExplain {
  readonly kind: 'show';
  readonly state: ExplainState;
}

/**
 * What the sections of the page show, by section. To add one: a line here; a file like src/views/explainLengths.ts that makes its state, and a
 * line in src/views/explainSections.ts; a file like media/explainLengths.ts that draws it, and a line in media/explainSections.ts. A section has
 * a tab of its own, in the order of `sectionIds`, and is made anew for every target.
 */
export interface SectionStates {
  readonly influence: InfluenceState;
  readonly lengths: LengthsState;
  readonly map: MapState;
  readonly attention: AttentionState;
  readonly switchOff: SwitchOffState;
  readonly layers: LayersState;
}
export type SectionId = keyof SectionStates;
export const sectionIds = ['influence', 'lengths', 'map', 'attention', 'switchOff', 'layers'] as const satisfies readonly SectionId[];

/** In the order of the list they are chosen from. */
export const fillers = ['startToken', 'proposals', 'deletion'] as const satisfies readonly Filler[];

/** What is left out first, to be taken apart. */
export const influenceParts = ['blocks', 'declarations'] as const;
export type InfluenceParts = (typeof influenceParts)[number];

/** What a map is made of. */
export const mapScales = ['word', 'line'] as const;
export type MapScale = (typeof mapScales)[number];

/** What can be switched off, from coarse to fine. */
export const switchKinds = ['all', 'layer', 'head'] as const satisfies readonly SwitchedOff['kind'][];
export type SwitchKind = (typeof switchKinds)[number];

export type ExplainState = ExplainMessage | ExplainTarget;

/** Nothing to show, and why. `busy` while the model is asked. */
export interface ExplainMessage {
  readonly kind: 'message';
  readonly headline: string;
  readonly text: string;
  readonly busy: boolean;
  /** The token at the cursor can be asked for. */
  readonly mayPick: boolean;
}

export interface ExplainTarget {
  readonly kind: 'target';
  /** File and line. */
  readonly place: string;
  /** The end of the line before the target. */
  readonly before: string;
  /** Undefined: what comes after the last token. */
  readonly token: TokenPieces | undefined;
  readonly model: string;
  /** Of the distribution there. */
  readonly entropyBits: number;
  readonly contextTokens: number;
  /** The token of the text first, if there is one; then the most probable others. */
  readonly choices: readonly ExplainChoice[];
  /** Of `choices`: whose bits are explained; against another, the difference is. */
  readonly chosen: Chosen;
  /** What was typed to be explained and is not one token; undefined: nothing. */
  readonly notOneToken: string | undefined;
  readonly floor: NoiseWords;
  /** The numbers are of something else than the text as it is now; undefined: they are current. */
  readonly stale: 'text' | 'settings' | undefined;
  /** The editor shows the colours of the section that is seen, if it has any. */
  readonly isPainted: boolean;
  readonly provenance: string;
  /** What to look at, in a worked example; undefined: it is none. */
  readonly example: string | undefined;
  readonly section: { readonly [Id in SectionId]: { readonly id: Id; readonly state: SectionStates[Id] } }[SectionId];
}

export interface ExplainChoice {
  readonly token: TokenPieces;
  readonly isActual: boolean;
  readonly bits: number;
}

/** UTF-16 units of a typed word. */
export const longestTyped = 60;

/** Indices of `choices`. */
export interface Chosen {
  readonly a: number;
  readonly b: number | undefined;
}

/** How fine the numbers are. */
export interface NoiseWords {
  readonly arithmetic: 'native' | 'float32';
  /** Effects below this are shown as noise. */
  readonly bits: number;
  /** Measured for this model, or what is usual. */
  readonly isMeasured: boolean;
}

/** A list of predictions: what a row of it is. */
export interface ListedToken {
  readonly token: TokenPieces;
  readonly probability: number;
}

export type FromExplain =
  | { readonly kind: 'ready' }
  /** Explain what is at the cursor; do not; compute the same place again; colours off, and on. */
  | { readonly kind: 'here' | 'stop' | 'again' | 'unpaint' | 'paint' }
  | { readonly kind: 'tab'; readonly tab: SectionId }
  | { readonly kind: 'choose'; readonly chosen: Chosen }
  /** Explain the first that is chosen against this word, whether it is among `choices` or not. */
  | { readonly kind: 'type'; readonly text: string }
  /** Show a place of the document. UTF-16 offsets. */
  | { readonly kind: 'go'; readonly start: number; readonly end: number }
  /** For the section that is shown, which looks itself whether it understands. */
  | { readonly kind: 'section'; readonly section: SectionId; readonly asked: SectionAsked };

/** What a section is asked to do, and which of its things with. */
export interface SectionAsked {
  readonly name: string;
  readonly value?: string | number | undefined;
}

/** UTF-16, of what a section is asked: names of ours and keys of its rows. */
const mostAskedUnits = 200;

/** What a page says; undefined where it is nothing that a page of ours would say. */
export function fromExplain(message: unknown): FromExplain | undefined {
  if (isPlain(message)) return { kind: message.kind };
  if (isTab(message)) return { kind: message.kind, tab: message.tab };
  if (isChoose(message)) {
    const { a, b } = message.chosen;
    return a === b ? undefined : { kind: message.kind, chosen: { a, b } };
  }
  if (isType(message)) return { kind: message.kind, text: message.text };
  if (isGo(message)) {
    const { kind, start, end } = message;
    return start <= end ? { kind, start, end } : undefined;
  }
  if (!isAsked(message)) return undefined;
  const { kind, section, asked } = message;
  return { kind, section, asked: { name: asked.name, value: asked.value } };
}

type From<Kind extends FromExplain['kind']> = Extract<FromExplain, { readonly kind: Kind }>;
const isShortText: Shape<string> = (value): value is string => isText(value) && value.length <= mostAskedUnits;
const isTyped: Shape<string> = (value): value is string => isText(value) && value.length > 0 && value.length <= longestTyped;
const isChosen = recordOf<Chosen>({ a: isCount, b: orUndefined(isCount) });
const isSectionId = isOneOf(...sectionIds);
const isPlain = recordOf<{ readonly kind: 'ready' | 'here' | 'stop' | 'again' | 'unpaint' | 'paint' }>({
  kind: isOneOf('ready', 'here', 'stop', 'again', 'unpaint', 'paint'),
});
const isTab = recordOf<From<'tab'>>({ kind: isOneOf('tab'), tab: isSectionId });
const isChoose = recordOf<From<'choose'>>({ kind: isOneOf('choose'), chosen: isChosen });
const isType = recordOf<From<'type'>>({ kind: isOneOf('type'), text: isTyped });
const isGo = recordOf<From<'go'>>({ kind: isOneOf('go'), start: isCount, end: isCount });
const isAsked = recordOf<From<'section'>>({
  kind: isOneOf('section'),
  section: isSectionId,
  asked: recordOf<SectionAsked>({ name: isShortText, value: orUndefined(eitherOf(isShortText, isCount)) }),
});

const maybeText = orUndefined(isText);
const maybeNumber = orUndefined(isNumber);
const maybeCount = orUndefined(isCount);
const span = { start: isCount, end: isCount };
const isListed = recordOf<ListedToken>({ token: isTokenPieces, probability: isNumber });
const isCost = recordOf<Cost>({ tokens: isNumber, seconds: maybeNumber });
/** How a section's questions stand. */
const run = {
  offer: orUndefined(isCost),
  progress: orUndefined(recordOf<NonNullable<RunShown['progress']>>({ done: isCount, all: isCount })),
  problem: maybeText,
};
const isFiller = isOneOf(...fillers);
const isLevel = isOneOf('block', 'declaration', 'line', 'token');

const isSide = recordOf<SwitchSide>({ bits: isNumber, totalBits: isNumber, list: listOf(isListed), written: listOf(isTokenPieces) });

const sectionShapes: { readonly [Id in SectionId]: Shape<SectionStates[Id]> } = {
  influence: recordOf<InfluenceState>({
    ...run,
    filler: isFiller,
    parts: orUndefined(isOneOf(...influenceParts)),
    isEmpty: isFlag,
    sources: listOf(
      recordOf<SourceShown>({
        ...span,
        key: isText,
        level: isLevel,
        name: maybeText,
        depth: isCount,
        firstLine: isCount,
        lastLine: isCount,
        text: isText,
        bits: maybeNumber,
        klBits: maybeNumber,
        isNoise: isFlag,
        isStrongest: isFlag,
        finer: orUndefined(recordOf<NonNullable<SourceShown['finer']>>({ level: isLevel, cost: isCost })),
      }),
    ),
    selected: orUndefined(
      recordOf<SelectedSource>({
        key: isText,
        whole: listOf(isListed),
        without: listOf(isListed),
        wholeBits: isNumber,
        withoutBits: isNumber,
      }),
    ),
  }),
  lengths: recordOf<LengthsState>({
    ...run,
    points: listOf(
      recordOf<LengthShown>({
        tokens: isCount,
        border: isOneOf('count', 'between', 'line', 'paragraph', 'function', 'whole'),
        line: maybeCount,
        bits: isNumber,
        klBits: isNumber,
      }),
    ),
    needed: orUndefined(recordOf<NonNullable<LengthsState['needed']>>({ least: isCount, most: isCount })),
    withinBits: isNumber,
  }),
  map: recordOf<MapState>({
    ...run,
    scale: isOneOf(...mapScales),
    refused: maybeCount,
    mostUnits: isCount,
    units: listOf(recordOf<MapUnit>({ ...span, text: isText, line: isCount })),
    links: listOf(recordOf<MapLink>({ from: isCount, to: isCount, bits: isNumber })),
    moreLinks: isCount,
    noiseLinks: isCount,
    hasBorder: isFlag,
    chosen: maybeCount,
    filler: isFiller,
  }),
  attention: recordOf<AttentionState>({
    ...run,
    seen: orUndefined(
      recordOf<AttentionSeen>({
        layers: isCount,
        heads: isCount,
        layer: maybeCount,
        head: maybeCount,
        startShare: maybeNumber,
        preambleShare: maybeNumber,
        earlierShare: maybeNumber,
        tokens: listOf(recordOf<AttendedToken>({ ...span, token: isTokenPieces, share: isNumber })),
        top: listOf(recordOf<ListedAttention>({ ...span, token: isTokenPieces, share: isNumber, line: isCount })),
      }),
    ),
  }),
  switchOff: recordOf<SwitchOffState>({
    ...run,
    parts: orUndefined(recordOf<NonNullable<SwitchOffState['parts']>>({ layers: isCount, heads: isCount })),
    kind: isOneOf(...switchKinds),
    layer: isCount,
    head: isCount,
    shown: orUndefined(
      recordOf<SwitchedOffShown>({
        before: isSide,
        after: isSide,
        scoredTokens: isCount,
        changed: listOf(recordOf<ChangedToken>({ ...span, token: isTokenPieces, line: isCount, before: isNumber, after: isNumber })),
        changedTokens: isCount,
      }),
    ),
  }),
  layers: recordOf<LayersState>({
    ...run,
    seen: orUndefined(
      recordOf<LayersSeen>({
        layers: listOf(recordOf<LayerShown>({ top: listOf(isListed), bits: isNumber, rank: isCount })),
        final: isTokenPieces,
        settled: isCount,
      }),
    ),
  }),
};

const sections = sectionIds.map(id =>
  recordOf<{ readonly id: SectionId; readonly state: unknown }>({ id: isOneOf(id), state: sectionShapes[id] }),
);

const isMessage = recordOf<ExplainMessage>({
  kind: isOneOf('message'),
  headline: isText,
  text: isText,
  busy: isFlag,
  mayPick: isFlag,
});

const isTarget = recordOf<ExplainTarget>({
  kind: isOneOf('target'),
  place: isText,
  before: isText,
  token: orUndefined(isTokenPieces),
  model: isText,
  entropyBits: isNumber,
  contextTokens: isCount,
  choices: listOf(recordOf<ExplainChoice>({ token: isTokenPieces, isActual: isFlag, bits: isNumber })),
  chosen: isChosen,
  notOneToken: maybeText,
  floor: recordOf<NoiseWords>({ arithmetic: isOneOf('native', 'float32'), bits: isNumber, isMeasured: isFlag }),
  stale: orUndefined(isOneOf('text', 'settings')),
  isPainted: isFlag,
  provenance: isText,
  example: maybeText,
  section: (value): value is ExplainTarget['section'] => sections.some(isSection => isSection(value)),
});

const isShow = recordOf<ToExplain>({ kind: isOneOf('show'), state: eitherOf(isMessage, isTarget) });

/** What the extension says; undefined where it is nothing that this version of it would say. */
export function toExplain(message: unknown): ToExplain | undefined {
  return isShow(message) ? message : undefined;
}
