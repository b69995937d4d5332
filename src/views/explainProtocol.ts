import type { TokenPieces } from '../core/vocabulary';
import type { Filler } from '../model/contextProtocol';
import type { SwitchedOff } from '../model/probeProtocol';
import type { AttentionState } from './explainAttention';
import type { InfluenceState } from './explainInfluence';
import type { LayersState } from './explainLayers';
import type { LengthsState } from './explainLengths';
import type { MapState } from './explainMap';
import type { SwitchOffState } from './explainSwitchOff';

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
  /** Explain what is at the cursor; compute the same place again; colours off, and on. */
  | { readonly kind: 'here' | 'again' | 'unpaint' | 'paint' }
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

/** What a page says; undefined where it is nothing that a page of ours would say. */
export function fromExplain(message: unknown): FromExplain | undefined {
  const { kind, tab, chosen, text, start, end, section, asked } = fieldsOf(message);
  switch (kind) {
    case 'ready':
    case 'here':
    case 'again':
    case 'unpaint':
    case 'paint':
      return { kind };
    case 'tab': {
      const id = sectionIds.find(each => each === tab);
      return id && { kind, tab: id };
    }
    case 'choose': {
      const { a, b } = fieldsOf(chosen);
      return isCount(a) && (b === undefined || isCount(b)) && a !== b ? { kind, chosen: { a, b } } : undefined;
    }
    case 'type':
      return typeof text === 'string' && text.length > 0 && text.length <= longestTyped ? { kind, text } : undefined;
    case 'go':
      return isCount(start) && isCount(end) && start <= end ? { kind, start, end } : undefined;
    case 'section': {
      const id = sectionIds.find(each => each === section);
      const { name, value } = fieldsOf(asked);
      if (id === undefined || typeof name !== 'string') return undefined;
      const isValue = value === undefined || typeof value === 'string' || isCount(value);
      return isValue ? { kind, section: id, asked: { name, value } } : undefined;
    }
    default:
      return undefined;
  }
}

/** What the extension says; undefined where it is no state of this page. */
export function toExplain(message: unknown): ToExplain | undefined {
  const { kind, state } = fieldsOf(message);
  const { kind: what, section } = fieldsOf(state);
  const { id } = fieldsOf(section);
  const isKnown = what === 'message' || (what === 'target' && sectionIds.some(each => each === id));
  return kind === 'show' && isKnown ? (message as ToExplain) : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
