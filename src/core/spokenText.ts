import type { TokenPieces } from './vocabulary';

/** How what cannot be heard is named, in the listener's language. Counts are at least 1. */
export interface SpokenWords {
  readonly space: (count: number) => string;
  readonly tab: (count: number) => string;
  readonly newLine: (count: number) => string;
  readonly carriageReturn: (count: number) => string;
  readonly noBreakSpace: (count: number) => string;
  /** One byte that is no character, by its two hexadecimal digits. */
  readonly byte: (hex: string) => string;
}

const glyphNames: ReadonlyMap<string, Exclude<keyof SpokenWords, 'byte'>> = new Map([
  ['·', 'space'],
  ['→', 'tab'],
  ['↵', 'newLine'],
  ['␍', 'carriageReturn'],
  ['⍽', 'noBreakSpace'],
]);

/** A token as it should be spoken: glyphs by name, runs of the same glyph counted. */
export function spokenToken(token: TokenPieces, words: SpokenWords): string {
  return token
    .map(({ text, glyph }) => (glyph ? spokenGlyphs(text, words) : text))
    .join('')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
}

function spokenGlyphs(glyphs: string, words: SpokenWords): string {
  return glyphs
    .replaceAll(/([·→↵␍⍽])\1*/gu, (run, glyph: string) => {
      const name = glyphNames.get(glyph);
      return name ? ` ${words[name](run.length)} ` : run;
    })
    .replaceAll(/⟨([0-9A-F]{2})⟩/g, (_, hex: string) => ` ${words.byte(hex)} `)
    .replaceAll(/⟨(U\+[0-9A-F]+)⟩/g, ' $1 ');
}

/** At most so many words: what is longer ends in an ellipsis. */
export function firstWords(text: string, most: number): string {
  const words = text.split(/\s+/).filter(word => word !== '');
  return words.length <= most ? words.join(' ') : `${words.slice(0, most).join(' ')}…`;
}
