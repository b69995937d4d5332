/** Numbers as every view writes them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 1,150 */
export function formatCount(count: number): string {
  return whole.format(count);
}

/** A probability as the digits of a percentage, without the sign. It is never rounded to nothing or to certainty: a softmax gives neither. */
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

/** How many equally probable tokens have this entropy: "20", "1.8". */
export function formatChoices(entropyBits: number): string {
  const choices = 2 ** entropyBits;
  if (choices < 9.95) return choices.toFixed(1);
  const scale = choices < 100 ? 1 : 10 ** (Math.floor(Math.log10(choices)) - 1); // two digits: more would pretend
  return formatCount(Math.round(choices / scale) * scale);
}

/** The probability at which a bar is full: the smallest of a few steps that holds the longest bar, so that bars keep their meaning. */
export function fullBar(longest: number): number {
  return [0.05, 0.1, 0.25, 0.5].find(step => longest <= step) ?? 1;
}
