import type { TokenPieces } from '../src/core/vocabulary';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 1,150 */
export function formatCount(count: number): string {
  return whole.format(count);
}

/**
 * A probability as the digits of a percentage, without the sign. It is never rounded to nothing or to certainty: a softmax gives neither.
 */
export function formatPercent(probability: number): string {
  const percent = probability * 100;
  if (percent < 0.0001) return '<0.0001';
  if (percent >= 99.995) return '>99.99';
  if (percent >= 99.95) return percent.toFixed(2);
  if (percent >= 0.995) return percent.toFixed(1);
  // Two digits that count down to a hundredth, one below.
  const digits = percent >= 0.01 ? 2 : 1;
  return percent.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(percent))));
}

export function formatBits(bits: number): string {
  return bits >= 0.05 || bits === 0 ? bits.toFixed(1) : bits < 0.0005 ? '<0.001' : bits.toFixed(3);
}

/** "entropy 4.3 bits: like choosing among 20 equal tokens" */
export function entropyInWords(bits: number): string {
  const choices = 2 ** bits;
  if (choices < 1.05) return `entropy ${formatBits(bits)} bits: almost certain`;
  const scale = choices < 100 ? 1 : 10 ** (Math.floor(Math.log10(choices)) - 1); // two digits: more would pretend
  const count = choices < 9.95 ? choices.toFixed(1) : formatCount(Math.round(choices / scale) * scale);
  return `entropy ${formatBits(bits)} bits: like choosing among ${count} equal tokens`;
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

/** The probability at which a bar is full: the smallest of a few steps that holds the longest bar, so that bars keep their meaning. */
export function fullBar(longest: number): number {
  return [0.05, 0.1, 0.25, 0.5].find(step => longest <= step) ?? 1;
}
