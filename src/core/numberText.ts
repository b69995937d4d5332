/** Numbers as every view writes them, in the language of its words: 1,150 is read as a little more than one in half of Europe. */

let language = 'en';
const formats = new Map<number, Intl.NumberFormat>();

/** An identifier of a language as VS Code has it. */
export function setNumberLanguage(name: string): void {
  language = name;
  formats.clear();
}

/** 1,150 */
export function formatCount(count: number): string {
  return formatDecimal(count, 0);
}

/** 1,150.25 with two digits. */
export function formatDecimal(value: number, digits: number): string {
  let format = formats.get(digits);
  if (!format) {
    format = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    formats.set(digits, format);
  }
  return format.format(value);
}

/** "155 MB", "1.2 GB", in powers of ten. */
export function formatSize(bytes: number): string {
  if (bytes >= 999.5e6) return `${formatDecimal(bytes / 1e9, 1)} GB`;
  return bytes >= 999.5e3 ? `${formatCount(bytes / 1e6)} MB` : `${formatCount(Math.max(1, Math.round(bytes / 1e3)))} kB`;
}

/** A probability as the digits of a percentage, without the sign. It is never rounded to nothing or to certainty: a softmax gives neither. */
export function formatPercent(probability: number): string {
  const percent = probability * 100;
  if (percent < 0.0001) return `<${formatDecimal(0.0001, 4)}`;
  if (percent >= 99.995) return `>${formatDecimal(99.99, 2)}`;
  if (percent >= 99.95) return formatDecimal(percent, 2);
  if (percent >= 0.995) return formatDecimal(percent, 1);
  // Two digits that count down to a hundredth, one below.
  const digits = percent >= 0.01 ? 2 : 1;
  return formatDecimal(percent, Math.max(0, digits - 1 - Math.floor(Math.log10(percent))));
}

export function formatBits(bits: number): string {
  if (bits >= 0.05 || bits === 0) return formatDecimal(bits, 1);
  return bits < 0.0005 ? `<${formatDecimal(0.001, 3)}` : formatDecimal(bits, 3);
}

/** A difference of bits with its sign: "+2.1", "−0.35"; finer than a score, since small ones are told from noise. */
export function formatSignedBits(bits: number): string {
  const size = Math.abs(bits);
  const written = formatDecimal(size, size < 0.1 ? 3 : size < 1 ? 2 : 1);
  return bits < 0 ? `−${written}` : `+${written}`;
}

/** How many equally probable tokens have this entropy: "20", "1.8". */
export function formatChoices(entropyBits: number): string {
  const choices = 2 ** entropyBits;
  if (choices < 9.95) return formatDecimal(choices, 1);
  const scale = choices < 100 ? 1 : 10 ** (Math.floor(Math.log10(choices)) - 1); // two digits: more would pretend
  return formatCount(Math.round(choices / scale) * scale);
}

/** The probability at which a bar is full: the smallest of a few steps that holds the longest bar, so that bars keep their meaning. */
export function fullBar(longest: number): number {
  return [0.05, 0.1, 0.25, 0.5].find(step => longest <= step) ?? 1;
}
