import { topIds } from '../core/reduce';
import type { Vocabulary } from '../core/vocabulary';
import { windowHolding, windowsOf } from '../core/window';
import type { TokenText } from '../core/window';
import { scoreRows } from './passages';
import type { Scoring } from './passages';
import type { WordAlternative } from './protocol';
import type { IdText } from './tokens';
import { isWordStart } from './tokenSets';

export interface WordsWanted {
  /** How many words at most. */
  readonly count: number;
  /** A word is broken off after so many tokens. */
  readonly mostTokens: number;
}

/**
 * Whole words that can follow the tokens before row `at`, most probable first: each of the most probable tokens of `logProbabilities`, the
 * distribution there, continued by the most probable tokens up to the next word.
 */
export async function likelyWords(
  scoring: Scoring,
  text: IdText,
  at: number,
  logProbabilities: Float32Array,
  vocabulary: Vocabulary,
  { count, mostTokens }: WordsWanted,
): Promise<WordAlternative[]> {
  const found = new Map<string, WordAlternative>();
  // Some cannot stand in a text, and some come out as a word that is there already.
  for (const id of topIds(logProbabilities, 2 * count + 8)) {
    if (found.size >= count) break;
    if (vocabulary.bytesOf(id).length === 0) continue;
    const word = await continued(scoring, text, at, id, logProbabilities[id] ?? NaN, vocabulary, mostTokens);
    const key = Buffer.from(word.bytes).toString('latin1');
    const same = found.get(key);
    if (!same || same.logProbability < word.logProbability) found.set(key, word);
  }
  return [...found.values()].sort((a, b) => b.logProbability - a.logProbability);
}

/**
 * Natural logarithm of the probability that exactly these tokens follow those before row `at`: of the product of their probabilities. One is
 * looked up in `logProbabilities`, the distribution there; several are scored as a text that has them there.
 */
export async function chainedLogProbability(
  scoring: Scoring,
  text: IdText,
  at: number,
  ids: readonly number[],
  logProbabilities: Float32Array,
  vocabulary: Vocabulary,
): Promise<number> {
  const [first] = ids;
  if (first === undefined) return 0;
  if (ids.length === 1) return logProbabilities[first] ?? NaN;
  const { surprisalBits } = await scoreRows(scoring, withWord(text, at, ids, vocabulary), at, at + ids.length, undefined);
  return -Math.LN2 * surprisalBits.reduce((sum, bits) => sum + bits, 0);
}

async function continued(
  scoring: Scoring,
  text: IdText,
  at: number,
  firstId: number,
  firstLogProbability: number,
  vocabulary: Vocabulary,
  mostTokens: number,
): Promise<WordAlternative> {
  const { engine, prefixIds, settings, signal } = scoring;
  const ids = [firstId];
  const starts = [windowStart(text, at, settings)];
  let logProbability = firstLogProbability;
  let complete = false;
  while (ids.length < mostTokens) {
    const longer = withWord(text, at, ids, vocabulary);
    const start = windowStart(longer, at + ids.length, settings);
    const inputs = [...prefixIds, ...longer.ids.subarray(start, at + ids.length)];
    if (inputs.length === 0) break; // a window begins here, and nothing stands before it
    const next = await engine.distributionAfter(inputs, signal, false);
    const [id = 0] = topIds(next, 1);
    complete = beginsWord(vocabulary, bytesOf(vocabulary, ids), id);
    if (complete) break;
    ids.push(id);
    starts.push(start);
    logProbability += next[id] ?? NaN;
  }
  const whole = withWord(text, at, ids, vocabulary);
  const windows = windowsOf(whole, settings);
  if (ids.some((_, index) => windowHolding(windows, at + index)?.start !== starts[index])) {
    // The word itself has moved the border of a window.
    const { surprisalBits } = await scoreRows(scoring, whole, at, at + ids.length, undefined);
    const bits = surprisalBits.reduce((sum, rowBits) => sum + rowBits, 0);
    if (Number.isFinite(bits)) logProbability = -bits * Math.LN2;
  }
  return { ids: Int32Array.from(ids), bytes: bytesOf(vocabulary, ids), logProbability, complete };
}

/** Where the window begins that holds row `index` or, after the last one, would hold it. */
export function windowStart(text: TokenText, index: number, settings: Scoring['settings']): number {
  const withNext = index === text.length ? { ...text, length: index + 1 } : text;
  return windowHolding(windowsOf(withNext, settings), index)?.start ?? 0;
}

/** The text with these tokens put in before row `at`. */
export function withWord(text: IdText, at: number, word: readonly number[], vocabulary: Vocabulary): IdText {
  if (word.length === 0) return text;
  const length = text.length + word.length;
  const ids = new Int32Array(length);
  ids.set(text.ids.subarray(0, at));
  ids.set(word, at);
  ids.set(text.ids.subarray(at), at + word.length);
  const lineFeed = 0x0a;
  const startsLine = (index: number) => {
    if (index <= at) return text.startsLine(index);
    const isAfterWord = index - at > word.length;
    return isAfterWord ? text.startsLine(index - word.length) : vocabulary.bytesOf(word[index - at - 1] ?? 0).at(-1) === lineFeed;
  };
  return { ids, length, startsLine };
}

function bytesOf(vocabulary: Vocabulary, ids: readonly number[]): Uint8Array {
  return Uint8Array.from(ids.flatMap(id => [...vocabulary.bytesOf(id)]));
}

/** After these bytes the token begins another word: it is a word start, or something else than a letter or digit follows one. */
export function beginsWord(vocabulary: Vocabulary, before: Uint8Array, id: number): boolean {
  if (isWordStart(vocabulary, id)) return true;
  const first = characterAt(vocabulary.bytesOf(id), 0);
  let last = before.length - 1;
  while (last > 0 && isContinuation(before[last])) last--;
  // What is not a whole character goes on with one that was begun, or is finished by the next token.
  return letterOrDigit.test(characterAt(before, last) ?? '') && first !== undefined && !letterOrDigit.test(first);
}

const letterOrDigit = /^[\p{L}\p{N}\p{M}]/u;

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte < 0xc0;
}

/** The character that these bytes have from `at` on; undefined where they are not one, or not the whole of it. */
function characterAt(bytes: Uint8Array, at: number): string | undefined {
  let end = at + 1;
  while (end < bytes.length && isContinuation(bytes[end])) end++;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at, end));
  } catch {
    return undefined;
  }
}
