import { InfluenceSection } from './explainInfluence';
import { LengthsSection } from './explainLengths';
import type { SectionId, SectionStates } from './explainProtocol';
import type { ExplainSection, Explaining } from './explainTarget';

/** How each section of the page is made; see `SectionStates` for how to add one. */
export const sectionMakers: { readonly [Id in SectionId]: (explaining: Explaining) => ExplainSection<SectionStates[Id]> } = {
  influence: explaining => new InfluenceSection(explaining),
  lengths: explaining => new LengthsSection(explaining),
};
