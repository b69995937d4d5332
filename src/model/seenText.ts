/** What a tokenizer reads in place of a piece of text. */
export interface SeenText {
  readonly text: string;
  /** Undefined: it reads the piece itself. */
  readonly origins: Origins | undefined;
}

/** For each byte of what is read, the bytes of the piece that it stands for: one after the other without holes. Some stand for none. */
export interface Origins {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

export interface Reading {
  /** The canonical composition of the text is read. */
  readonly composes: boolean;
  /** U+2581 is read as a space, as sentencepiece cannot tell them apart. */
  readonly readsMetaspaceAsSpace: boolean;
  /** A space is read before the text. */
  readonly prefix: 'never' | 'always' | 'unless-space';
}

export function seenAs(text: string, { composes, readsMetaspaceAsSpace, prefix }: Reading): SeenText {
  if (composes) {
    const composed = text.normalize('NFC');
    return composed === text ? { text, origins: undefined } : joined(composing(text), composed);
  }
  const hasMetaspace = readsMetaspaceAsSpace && text.includes('\u2581');
  const hasPrefix = text !== '' && (prefix === 'always' || (prefix === 'unless-space' && !/^[ \u2581]/.test(text)));
  if (!hasMetaspace && !hasPrefix) return { text, origins: undefined };
  const parts: Part[] = text.split(/(\u2581)/).map(part => [part, part === '\u2581' ? ' ' : part]);
  return joined(hasPrefix ? [['', ' '], ...parts] : parts);
}

/** A part of the text and what is read in its place. */
type Part = readonly [original: string, seen: string];

/** Pieces of text that are composed each by itself: they begin where nothing goes together with what stands before (UAX 15). */
const composedAlone =
  /[^\p{M}\u1161-\u1175\u11a8-\u11c2\u{16d63}\u{16d67}\u{16d68}][\p{M}\u1161-\u1175\u11a8-\u11c2\u{16d63}\u{16d67}\u{16d68}]*|./gsu;

function composing(text: string): Part[] {
  return [...text.matchAll(composedAlone)].map(([part]) => [part, part.normalize('NFC')]);
}

/** Runs of one character after another that changes when composed: what is coloured as one. UTF-16 offsets, ascending. */
export function* changedByComposing(text: string): Generator<{ readonly start: number; readonly end: number }> {
  for (const { 0: part, index } of text.matchAll(composedAlone)) {
    if (part.normalize('NFC') !== part) yield { start: index, end: index + part.length };
  }
}

/** `whole`: what the parts must come to. */
function joined(parts: readonly Part[], whole?: string): SeenText {
  const text = parts.map(([, seen]) => seen).join('');
  if (whole !== undefined && whole !== text) throw new Error('The composition of a text is not that of its parts.');
  const length = Buffer.byteLength(text);
  const starts = new Uint32Array(length);
  const ends = new Uint32Array(length);
  let at = 0;
  let from = 0;
  for (const [original, seen] of parts) {
    const [originalBytes, seenBytes] = [Buffer.byteLength(original), Buffer.byteLength(seen)];
    for (let index = 0; index < seenBytes; index++) {
      starts[at] = from + Math.floor((index * originalBytes) / seenBytes);
      ends[at] = from + Math.floor(((index + 1) * originalBytes) / seenBytes);
      at++;
    }
    from += originalBytes;
  }
  return { text, origins: { starts, ends } };
}
