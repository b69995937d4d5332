/** Bands: the fixed steps in which surprisal is coloured. Band 0 stays plain, band 5 is the strongest. */

export const bandCount = 5;
export type Preset = 'code' | 'prose';
export type BandEdges = readonly [number, number, number, number, number];

/** Lower edges of bands 1 to 5, in bits. Prose starts higher: ordinary words cost more bits than ordinary code does. */
export const defaultBandEdges: Readonly<Record<Preset, BandEdges>> = {
  code: [3, 5, 8, 11, 15],
  prose: [6, 8, 11, 13, 15],
};

const proseLanguages: ReadonlySet<string> = new Set([
  'markdown',
  'plaintext',
  'latex',
  'tex',
  'restructuredtext',
  'asciidoc',
  'typst',
  'quarto',
  'rmd',
  'git-commit',
]);

export function presetOf(languageId: string): Preset {
  return proseLanguages.has(languageId) ? 'prose' : 'code';
}

/** 0 to 5; undefined for what has no bits (unscored). */
export function bandOf(bits: number, edges: BandEdges): number | undefined {
  if (Number.isNaN(bits)) return undefined;
  let band = 0;
  while (band < bandCount && bits >= (edges[band] ?? Infinity)) band++;
  return band;
}
