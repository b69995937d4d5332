import type { ExplainTarget, SectionAsked, SectionId, SectionStates } from '../src/views/explainProtocol';
import { attentionSection } from './explainAttention';
import { influenceSection } from './explainInfluence';
import { layersSection } from './explainLayers';
import { lengthsSection } from './explainLengths';
import { mapSection } from './explainMap';
import { switchOffSection } from './explainSwitchOff';

/** What a section's drawing can say, and know beside its own state. */
export interface SectionAround {
  readonly target: ExplainTarget;
  /** To its other half in the extension. */
  readonly ask: (asked: SectionAsked) => void;
  /** Shows a place of the document. UTF-16 offsets. */
  readonly go: (start: number, end: number) => void;
}

/** Draws a section from its state alone. What can have the focus has a `data-key` of its own, by which it has it again when all is drawn anew. */
export interface SectionDrawing<State> {
  /** Of its tab, in a word or two. */
  title(): string;
  draw(state: State, around: SectionAround): readonly (HTMLElement | undefined)[];
}

/** How each section of the page is drawn; see `SectionStates` for how to add one. */
export const sectionDrawings: { readonly [Id in SectionId]: SectionDrawing<SectionStates[Id]> } = {
  influence: influenceSection,
  lengths: lengthsSection,
  map: mapSection,
  attention: attentionSection,
  switchOff: switchOffSection,
  layers: layersSection,
};
