import { AttentionSection } from './explainAttention';
import { InfluenceSection } from './explainInfluence';
import { LayersSection } from './explainLayers';
import { LengthsSection } from './explainLengths';
import { MapSection } from './explainMap';
import type { SectionId, SectionStates } from './explainProtocol';
import { SwitchOffSection } from './explainSwitchOff';
import type { ExplainSection, Explaining } from './explainTarget';

/** How each section of the page is made; see `SectionStates` for how to add one. */
export const sectionMakers: { readonly [Id in SectionId]: (explaining: Explaining) => ExplainSection<SectionStates[Id]> } = {
  influence: explaining => new InfluenceSection(explaining),
  lengths: explaining => new LengthsSection(explaining),
  map: explaining => new MapSection(explaining),
  attention: explaining => new AttentionSection(explaining),
  switchOff: explaining => new SwitchOffSection(explaining),
  layers: explaining => new LayersSection(explaining),
};
