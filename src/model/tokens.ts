import type { Gap } from '../core/scores';
import { spanOfBytes } from '../core/scoredCopy';
import type { ScoredCopy } from '../core/scoredCopy';
import type { VocabularyData } from '../core/vocabulary';
import type { TokenText } from '../core/window';
import { ModelError } from './errors';
import { cutsFor, firstCut, lastCut } from './safeCuts';
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
 * Splits text into the tokens of a byte-level BPE vocabulary and says exactly which bytes each one covers. Spellings of control tokens are
 * plain text here. Other kinds of vocabulary are refused: their tokens cannot be aligned with the text by bytes.
 */
export class TextTokenizer {
  readonly vocabulary: VocabularyData;
  readonly #parts: TokenizerParts;
  readonly #cuts: RegExp;
  readonly #knownWords = new Map<string, readonly number[]>();
  readonly #earlier = new WeakMap<TokenLayout, Earlier>();

  /** `tokenizer` and `config`: the parsed tokenizer.json and tokenizer_config.json. */
  constructor(tokenizer: unknown, config: unknown) {
    this.#parts = tokenizerParts(tokenizer, config);
    this.vocabulary = this.#parts.vocabulary;
    this.#cuts = cutsFor(text => this.#parts.words(text).flatMap(this.#parts.pieces));
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
    const { from, to } = changedPart(earlier.text, text, this.#cuts);
    const fromByte = Buffer.byteLength(text.slice(0, from));
    const toByte = bytes.length - Buffer.byteLength(text.slice(to));
    const aligner = new Aligner(bytes, fromByte, toByte, this.#parts);
    for (let at = from; at < to;) {
      signal.throwIfAborted();
      const end = sliceEnd(text, at, to, this.#cuts);
      for (const word of this.#parts.words(text.slice(at, end))) {
        for (const id of this.#idsOf(word)) aligner.add(id);
      }
      at = end;
      if (at < to) await new Promise(setImmediate); // lets a cancellation in
    }
    const layout = joined(earlier, aligner.finish(), copy);
    this.#earlier.set(layout, { text, byteLength: bytes.length, layout });
    return layout;
  }

  /** Number of bytes of `text` before its last pre-token: the unit that no token crosses. */
  lastPreTokenStartByte(text: string): number {
    const cut = lastCut(text, this.#cuts);
    const tail = Buffer.from(text.slice(cut));
    const last = this.#parts.words(text.slice(cut)).flatMap(this.#parts.pieces).at(-1) ?? '';
    let at = tail.length - last.length; // in the byte alphabet one character stands for one byte
    while (this.#parts.missing[tail[at] ?? -1] === 1) at++; // no token begins there
    return Buffer.byteLength(text.slice(0, cut)) + at;
  }

  /** The tokens of a short text. */
  idsOf(text: string): readonly number[] {
    return this.#parts.words(text).flatMap(word => this.#idsOf(word));
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

/** Walks over bytes of the text as tokens arrive. */
class Aligner {
  readonly #bytes: Uint8Array;
  readonly #fromByte: number;
  readonly #toByte: number;
  readonly #parts: TokenizerParts;
  readonly #ids: number[] = [];
  readonly #startBytes: number[] = [];
  readonly #endBytes: number[] = [];
  readonly #gapBytes: number[] = [];
  #at: number;

  constructor(bytes: Uint8Array, fromByte: number, toByte: number, parts: TokenizerParts) {
    this.#bytes = bytes;
    this.#fromByte = fromByte;
    this.#toByte = toByte;
    this.#parts = parts;
    this.#at = fromByte;
  }

  add(id: number): void {
    const { bytes, offsets } = this.#parts.vocabulary;
    const from = offsets[id] ?? 0;
    const to = offsets[id + 1] ?? 0;
    this.#skipGap();
    const start = this.#at;
    for (let index = from; index < to; index++) {
      if (index > from) this.#skipGap();
      if (this.#bytes[this.#at] !== bytes[index]) throw cannotAlign(this.#at, this.#bytes.length);
      this.#at++;
    }
    this.#ids.push(id);
    this.#startBytes.push(start);
    this.#endBytes.push(this.#at);
  }

  #skipGap(): void {
    while (this.#at < this.#toByte && this.#parts.missing[this.#bytes[this.#at] ?? 0] === 1) {
      this.#gapBytes.push(this.#at);
      this.#at++;
    }
  }

  finish(): Part {
    this.#skipGap();
    if (this.#at !== this.#toByte) throw cannotAlign(this.#at, this.#bytes.length);
    return {
      fromByte: this.#fromByte,
      toByte: this.#toByte,
      ids: this.#ids,
      startBytes: this.#startBytes,
      endBytes: this.#endBytes,
      gapBytes: this.#gapBytes,
    };
  }
}

function cannotAlign(byte: number, bytes: number): ModelError {
  return new ModelError(
    'cannot-align',
    `Cannot align tokens with text: this model's tokens differ from the text at byte ${byte} of ${bytes}.`,
  );
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
    const span = spanOfBytes(copy, startBytes[row] ?? 0, endBytes[row] ?? 0);
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
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((column[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
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
