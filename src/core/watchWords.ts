/** Words whose probability is watched all along a text: at most so many, each at most so long, counted in characters. */
export const mostWatchWords = 5;
export const longestWatchWord = 40;

/** What somebody typed as the words to watch, or what is wrong with it. `word`: the one it is wrong with. */
export type WatchWordsInput =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'too-many'; readonly count: number }
  | { readonly kind: 'quoted' | 'too-long' | 'invisible'; readonly word: string };

/** What nobody sees in an input box: control and format characters, and halves of characters. Joiners are part of words in some scripts. */
const invisible = /(?![\u200c\u200d])\p{C}/u;
const doubleQuoted = /^["“”„«»].|.["“”„«»]$/u;

/** Words are separated by white space or commas; the same word twice is one. */
export function watchWordsOf(text: string): WatchWordsInput {
  const words = [...new Set(text.split(/[\s,]+/u).filter(word => word !== ''))];
  // Quotation marks say that it is meant as one; a lone mark can be watched as well as any.
  const quoted = words.find(word => doubleQuoted.test(word)) ?? singleQuoted(words);
  if (quoted !== undefined) return { kind: 'quoted', word: quoted };
  for (const word of words) {
    if (invisible.test(word)) return { kind: 'invisible', word };
    if (Array.from(word).length > longestWatchWord) return { kind: 'too-long', word };
  }
  return words.length > mostWatchWords ? { kind: 'too-many', count: words.length } : { kind: 'words', words };
}

/** 'sea shore', but not the apostrophes of "'tis don't". */
function singleQuoted(words: readonly string[]): string | undefined {
  const from = words.findIndex(word => /^['‘’]./u.test(word));
  return from >= 0 && words.slice(from).some(word => /.['’]$/u.test(word)) ? words[from] : undefined;
}
