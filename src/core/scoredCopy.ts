import type { Span } from './scores';
import { firstWhere } from './search';

/**
 * What is scored of a document: its text without a leading byte order mark, CRLF as LF, lone surrogates as U+FFFD; and the way back.
 * Nothing else is changed: no trimming, no Unicode normalisation.
 */
export interface ScoredCopy {
  readonly text: string;
  /** UTF-8 of `text`. */
  readonly bytes: Uint8Array;
  /** For each byte of `bytes`, the UTF-16 offset in the document at which its character starts; one entry more, the document's end. */
  readonly characterStarts: Uint32Array;
}

const byteOrderMark = 0xfeff;
const carriageReturn = 13;
const lineFeed = 10;

export function scoredCopyOf(documentText: string): ScoredCopy {
  const from = documentText.charCodeAt(0) === byteOrderMark ? 1 : 0;
  const text = documentText.slice(from).replaceAll('\r\n', '\n').toWellFormed();
  const bytes = new TextEncoder().encode(text);
  const characterStarts = new Uint32Array(bytes.length + 1);
  const hasCrlf = text.length < documentText.length - from;
  let start = from;
  let next = from;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80 || byte >= 0xc0) {
      start = next;
      // Two units: a surrogate pair, the one kind of character with four bytes; and CRLF.
      next += byte >= 0xf0 || (byte === lineFeed && hasCrlf && documentText.charCodeAt(start) === carriageReturn) ? 2 : 1;
    }
    characterStarts[at] = start;
  }
  characterStarts[bytes.length] = documentText.length;
  return { text, bytes, characterStarts };
}

/** The UTF-16 span of all characters that the bytes [startByte, endByte) touch. */
export function spanOfBytes(copy: ScoredCopy, startByte: number, endByte: number): Span {
  const start = copy.characterStarts[startByte] ?? 0;
  let next = endByte;
  const last = copy.characterStarts[endByte - 1];
  while (next < copy.bytes.length && copy.characterStarts[next] === last) next++;
  return { start, end: copy.characterStarts[next] ?? 0 };
}

/** The byte at which the character holding the document's UTF-16 offset starts; the copy's length at its end. */
export function byteAtOffset(copy: ScoredCopy, offset: number): number {
  let at = firstWhere(copy.bytes.length, byte => (copy.characterStarts[byte] ?? 0) >= offset);
  if (copy.characterStarts[at] === offset || at === 0) return at;
  // Inside a character (a surrogate pair, CRLF): back to its first byte.
  const start = copy.characterStarts[at - 1];
  while (at > 0 && copy.characterStarts[at - 1] === start) at--;
  return at;
}
