import type { Gap } from '../core/scores';
import { spanOfBytes } from '../core/scoredCopy';
import type { ScoredCopy } from '../core/scoredCopy';
import { firstWhere } from '../core/search';
import type { VocabularyData } from '../core/vocabulary';
import type { TokenText } from '../core/window';
import { because, ModelError } from './errors';
import { firstCut, lastCut } from './safeCuts';
import { changedByComposing } from './seenText';
import type { Origins } from './seenText';
import { withinTime } from './timeLimit';
import { tokenizerParts } from './tokenizerFile';
import type { TokenizerParts } from './tokenizerFile';

/** The tokens of a scored copy: columns of equal length, and the bytes for which there is no token. */
export interface TokenLayout {
  readonly ids: Int32Array;
  /** UTF-16 offsets of the document. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Offsets in the scored copy's UTF-8. A token may span a gap: the bytes of a gap inside it are not its own. */
  readonly startBytes: Uint32Array;
  readonly endBytes: Uint32Array;
  readonly gaps: readonly Gap[];
}

/** A text with its tokens. */
export interface TokenisedText {
  readonly copy: ScoredCopy;
  readonly layout: TokenLayout;
}

/** What windows are decided from, with ids as the model takes them. */
export interface IdText extends TokenText {
  readonly ids: Int32Array;
}

export function tokenText({ copy, layout: { ids, startBytes } }: TokenisedText): IdText {
  const lineFeed = 0x0a;
  const startsLine = (index: number) => copy.bytes[(startBytes[index] ?? copy.bytes.length) - 1] === lineFeed;
  return { ids, length: ids.length, startsLine };
}

/** About this many characters, less than 64 kB of UTF-8, are tokenised between two looks at the AbortSignal. */
const sliceCharacters = 16_384;

/** Words whose tokens are remembered; 2 MB of English have about 15,000 different ones. Longer words rarely come back. */
const mostKnownWords = 32_768;
const longestKnownWord = 64;

/**
 * A pattern in tokenizer.json may go back and forth for ever. Ordinary ones take 2 microseconds for a character here; a machine that swaps
 * gets many times as long, and a short text some seconds.
 */
const limitMs = (characters: number) => 5000 + characters / 2;
/** Vocabularies of 256,000 tokens take a second or two. */
const buildLimitMs = 30_000;

/**
 * Splits text into the tokens of a BPE vocabulary, of bytes or as sentencepiece makes it, and says exactly which bytes each one covers.
 * Spellings of control tokens are plain text here. Other kinds of vocabulary are refused: their tokens cannot be aligned with the text by bytes.
 */
export class TextTokenizer {
  readonly vocabulary: VocabularyData;
  readonly #parts: TokenizerParts;
  #tookTooLong = false;
  readonly #knownWords = new Map<string, readonly number[]>();
  readonly #earlier = new WeakMap<TokenLayout, Earlier>();

  /** `tokenizer`: the parsed tokenizer.json. Errors: those of `tokenizerParts`. */
  constructor(tokenizer: unknown) {
    try {
      this.#parts = this.#limited(buildLimitMs, () => tokenizerParts(tokenizer));
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError('cannot-align', 'Cannot align tokens with text: a pattern or a part of tokenizer.json cannot be used.', {
        cause: error,
        ...because('tokenizer-other'),
      });
    }
    this.vocabulary = this.#parts.vocabulary;
  }

  /** The id of a control token by its spelling, as tokenizer_config.json names them. */
  controlId(name: string): number | undefined {
    const entry = Object.entries(this.vocabulary.controlNames).find(([, spelling]) => spelling === name);
    return entry ? Number(entry[0]) : undefined;
  }

  /**
   * `previous`: a layout made here, of whatever text; what this text begins and ends with as that one did is taken from it, and the result
   * is the same as without it. Throws ModelError 'cannot-align' when the tokens do not give the text's bytes.
   */
  async layout(copy: ScoredCopy, signal: AbortSignal, previous?: TokenLayout): Promise<TokenLayout> {
    const { text, bytes } = copy;
    const earlier = (previous && this.#earlier.get(previous)) ?? nothing;
    const { cuts } = this.#parts;
    const { from, to } = changedPart(earlier.text, text, cuts);
    const fromByte = Buffer.byteLength(text.slice(0, from));
    const aligner = new Aligner(bytes, fromByte, this.#parts);
    for (let at = from; at < to;) {
      signal.throwIfAborted();
      const end = sliceEnd(text, at, to, cuts);
      const slice = text.slice(at, end);
      const isBeginning = at === 0;
      this.#limited(limitMs(slice.length), () => {
        const seen = this.#parts.seen(slice, isBeginning);
        aligner.beginSlice(Buffer.byteLength(slice), seen.origins && { ...seen.origins, bytes: Buffer.from(seen.text) });
        for (const word of this.#parts.words(seen.text)) {
          for (const id of this.#idsOf(word)) aligner.add(id);
        }
        aligner.endSlice();
      });
      at = end;
      if (at < to) await new Promise(setImmediate); // lets a cancellation in
    }
    const layout = joined(earlier, aligner.part(), this.#parts.composes ? withComposed(copy) : copy);
    this.#earlier.set(layout, { text, byteLength: bytes.length, layout });
    return layout;
  }

  /** Number of bytes of `text`, the beginning of a document, before its last pre-token: the unit that no token crosses. */
  lastPreTokenStartByte(text: string): number {
    const cut = lastCut(text, this.#parts.cuts);
    return this.#limited(limitMs(text.length - cut), () => {
      const tail = Buffer.from(text.slice(cut));
      const seen = this.#parts.seen(text.slice(cut), cut === 0);
      const pieces = this.#parts.words(seen.text).flatMap(this.#parts.pieces);
      const start = Buffer.byteLength(seen.text) - this.#parts.byteLengthOf(pieces.at(-1) ?? '');
      let at = seen.origins ? (seen.origins.starts[start] ?? tail.length) : start;
      while (this.#parts.missing[tail[at] ?? -1] === 1) at++; // no token begins there
      return Buffer.byteLength(text.slice(0, cut)) + at;
    });
  }

  /** The tokens of a short text that stands within another. */
  idsOf(text: string): readonly number[] {
    return this.#limited(limitMs(text.length), () =>
      this.#parts.words(this.#parts.seen(text, false).text).flatMap(word => this.#idsOf(word)),
    );
  }

  /** Throws ModelError 'cannot-align' where it takes too long, and from then on at once. */
  #limited<R>(mostMs: number, run: () => R): R {
    const done = this.#tookTooLong ? undefined : withinTime(mostMs, run);
    if (done) return done.result;
    this.#tookTooLong = true;
    throw new ModelError(
      'cannot-align',
      'Cannot align tokens with text: a pattern in tokenizer.json does not come to an end.',
      because('tokenizer-other'),
    );
  }

  #idsOf(word: string): readonly number[] {
    const known = this.#knownWords.get(word);
    if (known) return known;
    const ids = this.#parts.pieces(word).flatMap(this.#parts.idsOf);
    if (word.length <= longestKnownWord) {
      if (this.#knownWords.size >= mostKnownWords) this.#knownWords.clear();
      this.#knownWords.set(Buffer.from(word).toString(), ids); // a copy: as a slice, `word` would keep the whole text in memory
    }
    return ids;
  }
}

/** A finished layout and what it is a layout of. */
interface Earlier {
  readonly text: string;
  readonly byteLength: number;
  readonly layout: TokenLayout;
}

const nothing: Earlier = {
  text: '',
  byteLength: 0,
  layout: {
    ids: new Int32Array(),
    starts: new Uint32Array(),
    ends: new Uint32Array(),
    startBytes: new Uint32Array(),
    endBytes: new Uint32Array(),
    gaps: [],
  },
};

/** What was found in the bytes from `fromByte` to `toByte`. */
interface Part {
  readonly fromByte: number;
  readonly toByte: number;
  readonly ids: readonly number[];
  readonly startBytes: readonly number[];
  readonly endBytes: readonly number[];
  readonly gapBytes: readonly number[];
}

/** What a tokenizer read in place of a slice, where that is something else. */
interface SeenBytes extends Origins {
  readonly bytes: Uint8Array;
}

/** Walks over bytes of the text as tokens arrive. */
class Aligner {
  readonly #copy: Uint8Array;
  readonly #fromByte: number;
  readonly #parts: TokenizerParts;
  readonly #ids: number[] = [];
  readonly #startBytes: number[] = [];
  readonly #endBytes: number[] = [];
  readonly #gapBytes: number[] = [];
  #sliceFrom: number;
  #sliceTo: number;
  #origins: Origins | undefined;
  /** Of the slice, as the tokenizer read it. */
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(copy: Uint8Array, fromByte: number, parts: TokenizerParts) {
    this.#copy = copy;
    this.#fromByte = fromByte;
    this.#sliceFrom = fromByte;
    this.#sliceTo = fromByte;
    this.#parts = parts;
  }

  /** The next slice of the copy, of so many bytes. */
  beginSlice(byteLength: number, seen: SeenBytes | undefined): void {
    this.#sliceFrom = this.#sliceTo;
    this.#sliceTo += byteLength;
    this.#origins = seen;
    this.#bytes = seen ? seen.bytes : this.#copy.subarray(this.#sliceFrom, this.#sliceTo);
    this.#at = 0;
  }

  add(id: number): void {
    const { bytes, offsets } = this.#parts.vocabulary;
    const from = offsets[id] ?? 0;
    const to = offsets[id + 1] ?? 0;
    this.#skipGap();
    const start = this.#startOf(this.#at);
    for (let index = from; index < to; index++) {
      if (index > from) this.#skipGap();
      if (this.#bytes[this.#at] !== bytes[index]) throw this.#fault();
      this.#at++;
    }
    if (from === to) throw this.#fault(); // a control token is no text
    this.#ids.push(id);
    this.#startBytes.push(start);
    this.#endBytes.push(this.#endOf(this.#at - 1));
  }

  endSlice(): void {
    this.#skipGap();
    if (this.#at !== this.#bytes.length) throw this.#fault();
  }

  #skipGap(): void {
    while (this.#at < this.#bytes.length && this.#parts.missing[this.#bytes[this.#at] ?? 0] === 1) {
      for (let byte = this.#startOf(this.#at); byte < this.#endOf(this.#at); byte++) this.#gapBytes.push(byte);
      this.#at++;
    }
  }

  #startOf(seenByte: number): number {
    return this.#sliceFrom + (this.#origins ? (this.#origins.starts[seenByte] ?? 0) : seenByte);
  }

  #endOf(seenByte: number): number {
    return this.#sliceFrom + (this.#origins ? (this.#origins.ends[seenByte] ?? 0) : seenByte + 1);
  }

  #fault(): ModelError {
    const at = this.#at < this.#bytes.length ? this.#startOf(this.#at) : this.#sliceTo;
    return new ModelError(
      'cannot-align',
      `Cannot align tokens with text: this model's tokens differ from the text at byte ${at} of ${this.#copy.length}.`,
    );
  }

  part(): Part {
    return {
      fromByte: this.#fromByte,
      toByte: this.#sliceTo,
      ids: this.#ids,
      startBytes: this.#startBytes,
      endBytes: this.#endBytes,
      gapBytes: this.#gapBytes,
    };
  }
}

/** The copy with what is read as one composed character as one character: tokens of its parts share all of it. */
function withComposed(copy: ScoredCopy): ScoredCopy {
  if (copy.text.normalize('NFC') === copy.text) return copy;
  const characterStarts = copy.characterStarts.slice();
  let unit = 0;
  let byte = 0;
  for (const { start, end } of changedByComposing(copy.text)) {
    byte += Buffer.byteLength(copy.text.slice(unit, start));
    const endByte = byte + Buffer.byteLength(copy.text.slice(start, end));
    characterStarts.fill(copy.characterStarts[byte] ?? 0, byte, endByte);
    unit = end;
    byte = endByte;
  }
  return { ...copy, characterStarts };
}

/** The layout of `copy`: the old rows before and after `part`, and those of `part`. */
function joined(old: Earlier, part: Part, copy: ScoredCopy): TokenLayout {
  const { layout } = old;
  const shift = copy.bytes.length - old.byteLength; // of the bytes after `part`
  const oldToByte = part.toByte - shift;
  const headRows = firstNotBelow(layout.startBytes, part.fromByte);
  const tailRow = firstNotBelow(layout.startBytes, oldToByte);
  const tailAt = headRows + part.ids.length;
  const rows = tailAt + layout.ids.length - tailRow;
  const column = <C extends Int32Array | Uint32Array>(into: C, from: C, middle: readonly number[]): C => {
    into.set(from.subarray(0, headRows));
    into.set(middle, headRows);
    into.set(from.subarray(tailRow), tailAt);
    return into;
  };
  const ids = column(new Int32Array(rows), layout.ids, part.ids);
  const startBytes = column(new Uint32Array(rows), layout.startBytes, part.startBytes);
  const endBytes = column(new Uint32Array(rows), layout.endBytes, part.endBytes);
  for (let row = tailAt; row < rows; row++) {
    startBytes[row] = (startBytes[row] ?? 0) + shift;
    endBytes[row] = (endBytes[row] ?? 0) + shift;
  }
  // The document may have changed where its scored copy did not (line ends, a byte order mark), so its offsets are all looked up.
  const starts = new Uint32Array(rows);
  const ends = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = startBytes[row] ?? 0;
    // A token that stands for no byte of the text (a space that is read before it) shares the character that comes next.
    const span = spanOfBytes(copy, start, Math.max(endBytes[row] ?? 0, Math.min(start + 1, copy.bytes.length)));
    starts[row] = span.start;
    ends[row] = span.end;
  }
  const gaps: { startByte: number; endByte: number }[] = [];
  const addGap = (startByte: number, endByte: number): void => {
    const last = gaps.at(-1);
    if (last?.endByte === startByte) last.endByte = endByte;
    else gaps.push({ startByte, endByte });
  };
  for (const gap of layout.gaps) {
    if (gap.startByte < part.fromByte) addGap(gap.startByte, Math.min(gap.endByte, part.fromByte));
  }
  for (const byte of part.gapBytes) addGap(byte, byte + 1);
  for (const gap of layout.gaps) {
    if (gap.endByte > oldToByte) addGap(Math.max(gap.startByte, oldToByte) + shift, gap.endByte + shift);
  }
  return {
    ids,
    starts,
    ends,
    startBytes,
    endBytes,
    gaps: gaps.map(({ startByte, endByte }) => ({ startByte, endByte, ...spanOfBytes(copy, startByte, endByte) })),
  };
}

/** The first row whose value is not below `value`, in a column that ascends; its length if there is none. */
export function firstNotBelow(column: Uint32Array, value: number): number {
  return firstWhere(column.length, index => (column[index] ?? 0) >= value);
}

/** A text without a place to cut it is one slice. */
function sliceEnd(text: string, from: number, to: number, cuts: RegExp): number {
  return to - from <= sliceCharacters ? to : from + sliceCharacters + firstCut(text.slice(from + sliceCharacters, to), cuts);
}

/** The part of `text` outside of which its tokens are those of `before`. */
function changedPart(before: string, text: string, cuts: RegExp): { readonly from: number; readonly to: number } {
  const shorter = Math.min(before.length, text.length);
  const same = sameUnits(shorter, (from, to) => before.slice(from, to) === text.slice(from, to));
  const sameAtEnd = sameUnits(shorter - same, (from, to) => {
    return before.slice(before.length - to, before.length - from) === text.slice(text.length - to, text.length - from);
  });
  const end = text.length - sameAtEnd;
  return { from: lastCut(text.slice(0, same), cuts), to: end + firstCut(text.slice(end), cuts) };
}

/** How many of `most` units are the same before the first that differs. Pieces are compared, which is many times faster than units. */
function sameUnits(most: number, areSame: (from: number, to: number) => boolean): number {
  let same = 0;
  for (let step = 65_536; step >= 1;) {
    if (same + step <= most && areSame(same, same + step)) same += step;
    else step = Math.floor(step / 2);
  }
  return same;
}
