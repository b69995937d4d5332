import { charactersIn } from './documentReport';
import { rowState } from './scores';
import type { ScoreTable, Span, UsualLevels } from './scores';
import { textUnitsIn } from './textUnits';

/** What tells whether a model reads the language a text is in. */
export interface ReadingMeasure {
  readonly scoredTokens: number;
  readonly bitsPerCharacter: number;
  /** Of the scored tokens, those that hold a letter: what is mostly digits and signs is no language. */
  readonly wordShare: number;
  /** Unicode code points for each token that holds a letter: words that a model has never learned come in small pieces. */
  readonly charactersPerToken: number;
}

/** `unknown`: too short to say, or hard to predict for another reason than its language (data, verse, lists of names). */
export type Reading = 'well' | 'badly' | 'unknown';

/** With fewer tokens a quotation or a list of names would decide. */
const leastTokens = 60;
/** A log of numbers and names has a quarter, code about half, prose 0.83 and more (measured). */
const leastWordShare = 2 / 3;
/**
 * How many times its usual bits per character a model may need. With the bundled one English prose took up to 1.37 times the usual
 * 1.06, French, which it knows best of the others, 1.77 times. Bits per byte do not separate: Hindi needs as few as an English letter,
 * as its characters are three bytes each.
 */
const mostTimesUsual = 1.55;
/** A poem full of rare words, and a list of names, are as many bits as German, but their pieces are longer (3.3 to 3.8; others 0.5 to 3.1). */
const leastCharactersPerToken = 3.2;

/** The level above which a text is beyond what the model reads well, in bits per character. */
export function readingLimit(usual: UsualLevels): number {
  return usual.prose * mostTimesUsual; // the usual texts are ASCII: their bytes are characters
}

export function readingOf(measure: ReadingMeasure, usual: UsualLevels): Reading {
  if (measure.scoredTokens < leastTokens) return 'unknown';
  if (measure.bitsPerCharacter <= readingLimit(usual)) return 'well';
  const isForeign = measure.wordShare >= leastWordShare && measure.charactersPerToken < leastCharactersPerToken;
  return isForeign ? 'badly' : 'unknown';
}

/** Of a longer text, every second, third, ... block of tokens stands for all. */
const mostRows = 4_000;
const blockRows = 50;
const letter = /[\p{L}\p{M}]/u;

/** `text` is the one the table is of. */
export function readingMeasure(table: ScoreTable, text: string): ReadingMeasure {
  const step = Math.max(1, Math.ceil(table.length / mostRows));
  let [tokens, bits, characters, wordTokens, wordCharacters] = [0, 0, 0, 0, 0];
  for (let row = 0; row < table.length; row++) {
    if (Math.floor(row / blockRows) % step !== 0 || table.states[row] !== rowState.scored) continue;
    const start = table.starts[row] ?? 0;
    const end = table.ends[row] ?? 0;
    const own = charactersIn(text, Math.max(start, table.ends[row - 1] ?? 0), end); // not what the token before it has begun
    tokens++;
    bits += table.surprisalBits[row] ?? 0;
    characters += own;
    if (!letter.test(text.slice(start, end))) continue;
    wordTokens++;
    wordCharacters += own;
  }
  return {
    scoredTokens: tokens * step,
    bitsPerCharacter: bits / characters,
    wordShare: wordTokens / tokens,
    charactersPerToken: wordCharacters / wordTokens,
  };
}

/** Cutting a text into sentences is slow: so much of its beginning stands for all, in UTF-16 units. */
const medianLength = 16_000;

/** The median of a text's sentences in bits per byte: what is usual for it. Undefined where no sentence is scored whole. */
export function medianBitsPerByte(table: ScoreTable, text: string): number | undefined {
  const beginning: Span = { start: 0, end: Math.min(text.length, medianLength) };
  const levels: number[] = [];
  let row = 0;
  for (const sentence of textUnitsIn(text.slice(0, medianLength), beginning, 'sentence')) {
    let [bits, bytes] = [0, 0];
    for (; row < table.length && (table.starts[row] ?? 0) < sentence.end; row++) {
      bits += table.surprisalBits[row] ?? NaN;
      bytes += (table.endBytes[row] ?? 0) - (table.startBytes[row] ?? 0);
    }
    if (bytes > 0 && !Number.isNaN(bits)) levels.push(bits / bytes);
  }
  return levels.sort((a, b) => a - b)[levels.length >>> 1];
}
