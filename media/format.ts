import * as l10n from '@vscode/l10n';
import { formatBits, formatChoices, setNumberLanguage } from '../src/core/numberText';
import { spokenToken as spokenInWords } from '../src/core/spokenText';
import type { TokenPieces } from '../src/core/vocabulary';
import { spokenWords } from '../src/views/spokenWords';

export { formatBits, formatCount, formatDecimal, formatPercent, fullBar } from '../src/core/numberText';

/** "entropy 4.3 bits: like choosing among 20 equal tokens" */
export function entropyInWords(bits: number): string {
  if (2 ** bits < 1.05) return l10n.t('entropy {0} bits: almost certain', formatBits(bits));
  return l10n.t('entropy {0} bits: like choosing among {1} equal tokens', formatBits(bits), formatChoices(bits));
}

/** A token as the page has it spoken. */
export function spokenToken(token: TokenPieces): string {
  return spokenInWords(token, spokenWords());
}

/** The page's language is that of the editor, whose strings its document holds as data. */
export function useLanguage(): void {
  const strings = document.querySelector('#strings')?.textContent;
  if (strings) l10n.config({ contents: strings });
  setNumberLanguage(document.documentElement.lang);
}

/** A sentence with elements in the places {0}, {1}, ... of its translation. */
export function sentence(translated: string, ...nodes: readonly Node[]): readonly (Node | string)[] {
  return translated.split(/\{(\d)\}/).map((part, index) => (index % 2 === 0 ? part : (nodes[Number(part)] ?? '')));
}
