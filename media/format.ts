import { formatBits, formatChoices } from '../src/core/numberText';
import { spokenToken as spokenInWords } from '../src/core/spokenText';
import type { SpokenWords } from '../src/core/spokenText';
import type { TokenPieces } from '../src/core/vocabulary';

export { formatBits, formatCount, formatPercent, fullBar } from '../src/core/numberText';

/** "entropy 4.3 bits: like choosing among 20 equal tokens" */
export function entropyInWords(bits: number): string {
  if (2 ** bits < 1.05) return `entropy ${formatBits(bits)} bits: almost certain`;
  return `entropy ${formatBits(bits)} bits: like choosing among ${formatChoices(bits)} equal tokens`;
}

const englishWords: SpokenWords = {
  space: count => counted(count, 'space'),
  tab: count => counted(count, 'tab'),
  newLine: count => counted(count, 'new line'),
  carriageReturn: count => counted(count, 'carriage return'),
  noBreakSpace: count => counted(count, 'no-break space'),
  byte: hex => `byte ${hex}`,
};

function counted(count: number, name: string): string {
  return count === 1 ? name : `${count === 2 ? 'two' : count} ${name}s`;
}

/** A token as the page has it spoken. */
export function spokenToken(token: TokenPieces): string {
  return spokenInWords(token, englishWords);
}
