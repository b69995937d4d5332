import { defaultBandEdges, perByteEdges, relativeEdges } from './band';
import type { BandEdges, LanguageClass, Preset } from './band';
import { metricEdges } from './metric';
import type { Metric, Scale, ShownMetric } from './metric';

export const palettes = ['violet', 'ember', 'tide'] as const;
export type Palette = (typeof palettes)[number];
export const styles = ['tint', 'underline'] as const;
export type Style = (typeof styles)[number];
export const muteModes = ['auto', 'on', 'off'] as const;
export type MuteMode = (typeof muteModes)[number];

/** Of dimmed text. Plain text of the default themes keeps a contrast of 4.5 to 1 with it: a test holds it to that. */
export const mutedOpacity = 0.7;

/** How a document is looked at. Nothing of it needs the model. */
export interface Look {
  readonly preset: Preset;
  readonly metric: ShownMetric;
  /** The word that is shown where the metric is `watched`. */
  readonly watchWord: string | undefined;
  /** In force: always `token` for other metrics than surprisal. */
  readonly scale: Scale;
  /** Lower edges of bands 1 to 5 in the unit of what is shown: that of the metric, bits for words, bits per byte for longer pieces. */
  readonly edges: BandEdges;
  /** Lower edges for the surprisal of single tokens, whatever is shown; in bits. */
  readonly tokenEdges: BandEdges;
  readonly palette: Palette;
  readonly style: Style;
  /** Text that is not surprising is dimmed. */
  readonly muted: boolean;
  /** Hovers are shown on plain text, too, where they are shown at all. */
  readonly hoverEverywhere: boolean;
  /** Words are corrected for where the white space before them is counted. */
  readonly wordCorrection: boolean;
  /** Median of the document, in bits per byte, that the edges are multiples of; undefined: they are absolute. */
  readonly relativeTo: number | undefined;
}

/** What somebody chose by a command, for all documents of a language class; what is not there is as the settings say. */
export interface LookChoices {
  readonly preset?: Preset | undefined;
  readonly metric?: Metric | undefined;
  /** Goes with the metric `watched`, and is in force only while that word is watched. */
  readonly watchWord?: string | undefined;
  readonly scale?: Scale | undefined;
  readonly palette?: Palette | undefined;
}

export interface LookSettings {
  readonly preset: Preset | 'auto';
  readonly palette: Palette;
  readonly style: Style;
  readonly muteConfident: MuteMode;
  readonly wordCorrection: boolean;
  /** Where the user set them, by preset. */
  readonly bandEdges: Readonly<Partial<Record<Preset, BandEdges>>>;
}

/** What the model reads badly as a whole: `scale` as chosen for this document alone. */
export interface Relative {
  readonly medianBitsPerByte: number;
  readonly scale?: Scale | undefined;
}

const presetScale: Readonly<Record<Preset, Scale>> = { code: 'token', prose: 'word', teaching: 'token' };

/** Pieces longer than words show a mean, in bits per byte. */
export function isPerByte(scale: Scale): boolean {
  return scale !== 'token' && scale !== 'word';
}

/** `watchWords`: those that are watched now. */
export function lookOf(
  languageClass: LanguageClass,
  settings: LookSettings,
  choices: LookChoices,
  relative?: Relative,
  watchWords: readonly string[] = [],
): Look {
  const preset = choices.preset ?? (settings.preset === 'auto' ? languageClass : settings.preset);
  const watchWord = choices.metric === 'watched' ? watchWords.find(word => word === choices.watchWord) : undefined;
  const metric = choices.metric === undefined || (choices.metric === 'watched' && watchWord === undefined) ? 'surprisal' : choices.metric;
  const wanted = relative ? (relative.scale ?? 'sentence') : (choices.scale ?? presetScale[preset]);
  const scale = metric === 'surprisal' ? wanted : 'token';
  const tokenEdges = settings.bandEdges[preset] ?? defaultBandEdges[preset];
  const relativeTo = isPerByte(scale) ? relative?.medianBitsPerByte : undefined;
  return {
    preset,
    metric,
    watchWord,
    scale,
    edges: edgesOf(preset, metric, scale, tokenEdges, relativeTo),
    tokenEdges,
    palette: choices.palette ?? settings.palette,
    style: settings.style,
    muted: settings.muteConfident === 'auto' ? preset === 'teaching' : settings.muteConfident === 'on',
    hoverEverywhere: preset === 'teaching',
    wordCorrection: settings.wordCorrection,
    relativeTo,
  };
}

function edgesOf(preset: Preset, metric: Metric, scale: Scale, tokenEdges: BandEdges, relativeTo: number | undefined): BandEdges {
  if (metric !== 'surprisal') return metricEdges[metric];
  if (!isPerByte(scale)) return tokenEdges;
  if (relativeTo === undefined) return perByteEdges[preset];
  const [first, second, third, fourth, fifth] = relativeEdges;
  return [first * relativeTo, second * relativeTo, third * relativeTo, fourth * relativeTo, fifth * relativeTo];
}
