import { formatBits, formatChoices } from '../src/core/numberText';
import type { TokenPieces } from '../src/core/vocabulary';

export { formatBits, formatCount, formatPercent, fullBar } from '../src/core/numberText';

/** "entropy 4.3 bits: like choosing among 20 equal tokens" */
export function entropyInWords(bits: number): string {
  if (2 ** bits < 1.05) return `entropy ${formatBits(bits)} bits: almost certain`;
  return `entropy ${formatBits(bits)} bits: like choosing among ${formatChoices(bits)} equal tokens`;
}

const glyphWords: ReadonlyMap<string, string> = new Map([
  ['·', 'space'],
  ['→', 'tab'],
  ['↵', 'line break'],
  ['␍', 'carriage return'],
  ['⍽', 'no-break space'],
]);

/** A token as it should be spoken: glyphs by name, runs of the same glyph counted. */
export function spokenToken(token: TokenPieces): string {
  return token
    .map(piece =>
      piece.glyph ? piece.text.replace(/([·→↵␍⍽])\1*/gu, (run, glyph: string) => ` ${spokenGlyphs(glyph, run.length)} `) : piece.text,
    )
    .join('')
    .replace(/ {2,}/g, ' ')
    .trim();
}

function spokenGlyphs(glyph: string, count: number): string {
  const word = glyphWords.get(glyph) ?? glyph;
  return count === 1 ? word : `${count} × ${word}`;
}
