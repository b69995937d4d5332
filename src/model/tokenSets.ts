import type { TokenSets } from '../core/scores';
import { Vocabulary } from '../core/vocabulary';
import { mostWatchWords } from '../core/watchWords';
import { ModelError } from './errors';
import type { WatchedWord } from './protocol';
import type { TextTokenizer } from './tokens';

/** For rows of which only the numbers of tokens are wanted. */
export const noSets: TokenSets = { count: 1, members: new Float32Array(1) };

const whiteSpace: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Whatever stands before it, a word begins with this token or is over: white space, or a control token such as the end of the text. */
export function isWordStart(vocabulary: Vocabulary, id: number): boolean {
  return vocabulary.controlNameOf(id) !== undefined || whiteSpace.has(vocabulary.bytesOf(id)[0]);
}

/** By which tokens each word can begin, after a space and without one. Errors: 'bad-argument' for too many words. */
export function watchedWords(words: readonly string[], tokenizer: TextTokenizer): readonly WatchedWord[] {
  if (words.length > mostWatchWords)
    throw new ModelError('bad-argument', `At most ${String(mostWatchWords)} words can be watched, not ${String(words.length)}.`);
  return words.map(word => {
    const bare = word.trim().toWellFormed();
    const spellings = bare === '' ? [] : [` ${bare}`, bare].map(spelling => tokenizer.idsOf(spelling));
    return {
      word,
      ids: [...new Set(spellings.flatMap(ids => ids.slice(0, 1)))],
      whole: spellings.length > 0 && spellings.every(ids => ids.length === 1),
    };
  });
}

/** Of each tokenizer: which of its tokens start words. Going through a vocabulary takes some milliseconds, too long for every edit. */
const wordStarts = new WeakMap<TextTokenizer, Uint8Array>();
/** The sets asked for last: those of one document's settings, edit after edit. */
const latest = new WeakMap<TextTokenizer, { readonly key: string; readonly sets: TokenSets }>();

/** Word starts first, then the watched words. */
export function tokenSetsOf(tokenizer: TextTokenizer, watched: readonly WatchedWord[]): TokenSets {
  const key = watched.map(({ ids }) => ids.join()).join(';');
  const known = latest.get(tokenizer);
  if (known?.key === key && known.sets.count === 1 + watched.length) return known.sets;
  const starts = wordStartsOf(tokenizer);
  const count = 1 + watched.length;
  const members = new Float32Array(starts.length * count);
  for (let id = 0; id < starts.length; id++) members[id * count] = starts[id] ?? 0;
  for (const [index, { ids }] of watched.entries()) for (const id of ids) members[id * count + 1 + index] = 1;
  const sets = { count, members };
  latest.set(tokenizer, { key, sets });
  return sets;
}

function wordStartsOf(tokenizer: TextTokenizer): Uint8Array {
  let starts = wordStarts.get(tokenizer);
  if (!starts) {
    const vocabulary = new Vocabulary(tokenizer.vocabulary);
    starts = Uint8Array.from({ length: vocabulary.size }, (_, id) => (isWordStart(vocabulary, id) ? 1 : 0));
    wordStarts.set(tokenizer, starts);
  }
  return starts;
}
