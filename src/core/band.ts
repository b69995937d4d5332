/** Bands: the fixed steps in which surprisal is coloured. Band 0 stays plain, band 5 is the strongest. */

export const bandCount = 5;
/** What documents of a language are taken for, as long as nobody says otherwise. */
export type LanguageClass = 'code' | 'prose';
/** Ways to look at a document: what is shown, how, and where colours begin. */
export const presetNames = ['code', 'prose', 'teaching'] as const;
export type Preset = (typeof presetNames)[number];
export type BandEdges = readonly [number, number, number, number, number];

/** Lower edges of bands 1 to 5, in bits. Prose starts higher: ordinary words cost more bits than ordinary code does. */
export const defaultBandEdges: Readonly<Record<Preset, BandEdges>> = {
  code: [3, 5, 8, 11, 15],
  prose: [6, 8, 11, 13, 15],
  teaching: [1, 2, 4, 7, 11],
};

/**
 * The same for lines, sentences, paragraphs and functions, in bits per byte. By the bundled model half of the lines of TypeScript and Python
 * have less than 0.8, a quarter more than 1.1, a tenth more than 1.5; of sentences of technical prose half have less than 1.4, a tenth more than 2.
 */
export const perByteEdges: Readonly<Record<Preset, BandEdges>> = {
  code: [1.1, 1.4, 1.8, 2.3, 3],
  prose: [1.4, 1.7, 2, 2.4, 3],
  teaching: [1.4, 1.7, 2, 2.4, 3],
};

/** The same for a document that the model reads badly as a whole: times its own median. */
export const relativeEdges: BandEdges = [1.25, 1.5, 1.8, 2.2, 2.7];

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

export function presetOf(languageId: string): LanguageClass {
  return proseLanguages.has(languageId) ? 'prose' : 'code';
}

/** 0 to 5; undefined for what has no value (unscored). `value` is in the unit of the edges. */
export function bandOf(value: number, edges: BandEdges): number | undefined {
  if (Number.isNaN(value)) return undefined;
  let band = 0;
  while (band < bandCount && value >= (edges[band] ?? Infinity)) band++;
  return band;
}
