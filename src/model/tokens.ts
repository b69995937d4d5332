import { Tokenizer } from '@huggingface/tokenizers';
import type { Gap } from '../core/scores';
import { spanOfBytes } from '../core/scoredCopy';
import type { ScoredCopy } from '../core/scoredCopy';
import type { VocabularyData } from '../core/vocabulary';
import { ModelError } from './errors';

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

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

/** About this many characters are tokenised between two looks at the AbortSignal. */
const sliceCharacters = 32_768;

/**
 * Splits text into the tokens of a byte-level BPE vocabulary and says exactly which bytes each one covers. Spellings of control tokens are
 * plain text here. Other kinds of vocabulary are refused: their tokens cannot be aligned with the text by bytes.
 */
export class TextTokenizer {
  readonly vocabulary: VocabularyData;
  readonly #tokenizer: Tokenizer;
  /** 1 for each byte that no token contains. */
  readonly #missing: Uint8Array;

  /** `tokenizer` and `config`: the parsed tokenizer.json and tokenizer_config.json. */
  constructor(tokenizer: unknown, config: unknown) {
    const json = asObject(tokenizer, 'tokenizer.json');
    refuseUnalignable(json);
    const plain = { ...json, added_tokens: [] };
    this.vocabulary = vocabularyOf(new Tokenizer(plain, asObject(config, 'tokenizer_config.json')), json);
    this.#missing = missingBytes(this.vocabulary);
    this.#tokenizer = new Tokenizer(
      { ...plain, pre_tokenizer: referencePreTokenizer(json['pre_tokenizer'] ?? null, this.#missing) },
      asObject(config, 'tokenizer_config.json'),
    );
  }

  /** The id of a control token by its spelling, as tokenizer_config.json names them. */
  controlId(name: string): number | undefined {
    const entry = Object.entries(this.vocabulary.controlNames).find(([, spelling]) => spelling === name);
    return entry ? Number(entry[0]) : undefined;
  }

  /** Throws ModelError 'cannot-align' when the tokens do not give the text's bytes. */
  async layout(copy: ScoredCopy, signal: AbortSignal): Promise<TokenLayout> {
    const aligner = new Aligner(copy, this.vocabulary, this.#missing);
    for (let from = 0; from < copy.text.length;) {
      signal.throwIfAborted();
      const to = sliceEnd(copy.text, from);
      for (const id of this.#tokenizer.encode(copy.text.slice(from, to), { add_special_tokens: false }).ids) aligner.add(id);
      from = to;
      if (from < copy.text.length) await new Promise(setImmediate); // lets a cancellation in
    }
    return aligner.finish();
  }

  /** Number of bytes of `text` before its last pre-token: the unit that no token crosses. */
  lastPreTokenStartByte(text: string): number {
    const pieces = this.#tokenizer.pre_tokenizer?.pre_tokenize(text) ?? [];
    const last = pieces.at(-1) ?? '';
    // In the byte-level alphabet one character stands for one byte. Bytes without a token are gone from it, and stand before or within.
    let bytes = last.length;
    const all = new TextEncoder().encode(text);
    let at = all.length;
    while (at > 0 && bytes > 0) {
      at--;
      if (this.#missing[all[at] ?? 0] === 0) bytes--;
    }
    return at;
  }
}

/** Walks over the bytes of the text as tokens arrive. */
class Aligner {
  readonly #copy: ScoredCopy;
  readonly #vocabulary: VocabularyData;
  readonly #missing: Uint8Array;
  readonly #ids: number[] = [];
  readonly #startBytes: number[] = [];
  readonly #endBytes: number[] = [];
  readonly #gapBytes: number[] = [];
  #at = 0;

  constructor(copy: ScoredCopy, vocabulary: VocabularyData, missing: Uint8Array) {
    this.#copy = copy;
    this.#vocabulary = vocabulary;
    this.#missing = missing;
  }

  add(id: number): void {
    const { bytes, offsets } = this.#vocabulary;
    const from = offsets[id] ?? 0;
    const to = offsets[id + 1] ?? 0;
    this.#skipGap();
    const start = this.#at;
    for (let index = from; index < to; index++) {
      if (index > from) this.#skipGap();
      if (this.#copy.bytes[this.#at] !== bytes[index]) throw cannotAlign(this.#at, this.#copy.bytes.length);
      this.#at++;
    }
    this.#ids.push(id);
    this.#startBytes.push(start);
    this.#endBytes.push(this.#at);
  }

  #skipGap(): void {
    while (this.#at < this.#copy.bytes.length && this.#missing[this.#copy.bytes[this.#at] ?? 0] === 1) {
      this.#gapBytes.push(this.#at);
      this.#at++;
    }
  }

  finish(): TokenLayout {
    this.#skipGap();
    if (this.#at !== this.#copy.bytes.length) throw cannotAlign(this.#at, this.#copy.bytes.length);
    const spans = this.#ids.map((_, index) => spanOfBytes(this.#copy, this.#startBytes[index] ?? 0, this.#endBytes[index] ?? 0));
    return {
      ids: Int32Array.from(this.#ids),
      starts: Uint32Array.from(spans, span => span.start),
      ends: Uint32Array.from(spans, span => span.end),
      startBytes: Uint32Array.from(this.#startBytes),
      endBytes: Uint32Array.from(this.#endBytes),
      gaps: this.#gaps(),
    };
  }

  #gaps(): Gap[] {
    const gaps: Gap[] = [];
    let startByte: number | undefined;
    for (const [index, byte] of this.#gapBytes.entries()) {
      startByte ??= byte;
      if (this.#gapBytes[index + 1] === byte + 1) continue;
      gaps.push({ startByte, endByte: byte + 1, ...spanOfBytes(this.#copy, startByte, byte + 1) });
      startByte = undefined;
    }
    return gaps;
  }
}

function cannotAlign(byte: number, bytes: number): ModelError {
  return new ModelError(
    'cannot-align',
    `Cannot align tokens with text: this model's tokens differ from the text at byte ${byte} of ${bytes}.`,
  );
}

/**
 * Where a text may be cut without changing any token: after a line feed between two characters that are not white space, before a space
 * between two letters, and before a Chinese or Japanese stop that follows a letter. All byte-level pre-tokenizers in use split there, whatever stands further away.
 */
const safeCut = /(?<=\S\n)(?=\S)|(?<=[A-Za-z])(?= [A-Za-z])|(?<=\p{L})(?=[、。])/gu;
/** Characters to either side that `safeCut` looks at. */
const safeCutReach = 2;

/** A text without a place to cut it is one slice. */
function sliceEnd(text: string, from: number): number {
  if (text.length - from <= sliceCharacters) return text.length;
  safeCut.lastIndex = from + sliceCharacters;
  return safeCut.exec(text)?.index ?? text.length;
}

/** The last place where the text may be cut; 0 where there is none. */
export function lastSafeCut(text: string): number {
  const step = 4096;
  safeCut.lastIndex = 0; // where the search through a copy of it begins
  for (let end = text.length; end > 0; end -= step) {
    const start = Math.max(0, end - step - safeCutReach);
    const last = [...text.slice(start, end + safeCutReach).matchAll(safeCut)].at(-1);
    if (last) return start + last.index;
  }
  return 0;
}

function asObject(value: unknown, file: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ModelError('incomplete', `${file} is not a JSON object.`);
  return value as JsonObject; // parsed JSON: its values are JSON by construction
}

function steps(part: Json | undefined, list: string): readonly JsonObject[] {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return [];
  const object = part as JsonObject;
  const inner = object[list];
  return object['type'] === 'Sequence' && Array.isArray(inner) ? (inner as readonly JsonObject[]) : [object];
}

function refuseUnalignable(json: JsonObject): void {
  const model = asObject(json['model'], 'the model in tokenizer.json');
  const kind = model['type'];
  const byteLevel = steps(json['pre_tokenizer'], 'pretokenizers').find(step => step['type'] === 'ByteLevel');
  const why =
    kind !== 'BPE'
      ? `its tokenizer is of the kind ${typeof kind === 'string' ? kind : 'without a name'}, not BPE`
      : !byteLevel
        ? 'its tokenizer does not work on bytes'
        : byteLevel['add_prefix_space'] === true
          ? 'its tokenizer adds a space before the text'
          : (json['normalizer'] ?? null) !== null
            ? 'its tokenizer normalises the text'
            : undefined;
  if (why !== undefined) throw new ModelError('cannot-align', `Cannot align tokens with text: ${why}.`);
}

/**
 * The JavaScript library's built-in pre-tokenizers differ from the reference implementation (Rust, tokenizers 0.23) at U+FEFF, U+0085 and
 * non-ASCII digits, because JavaScript's \s and its digits are other sets. As `Split` patterns, which it translates, they agree; and bytes
 * without a token have to go before the merges, since the reference merges across them.
 */
function referencePreTokenizer(original: Json, missing: Uint8Array): JsonObject {
  const rewritten = steps(original, 'pretokenizers').flatMap((step): JsonObject[] => {
    if (step['type'] === 'Digits' && step['individual_digits'] === true) {
      return [{ type: 'Split', pattern: { Regex: '\\p{N}' }, behavior: 'Isolated', invert: false }];
    }
    if (step['type'] === 'ByteLevel' && step['use_regex'] !== false) {
      return [
        { type: 'Split', pattern: { Regex: gpt2Pattern }, behavior: 'Isolated', invert: false },
        { ...step, use_regex: false },
      ];
    }
    return [step];
  });
  const missingCharacters = byteAlphabet()
    .filter((_, byte) => missing[byte] === 1)
    .join('');
  // The characters stand in a class; none of the alphabet's is special there but these four.
  const escaped = missingCharacters.replace(/[\\\]^-]/g, '\\$&');
  const drop = escaped === '' ? [] : [{ type: 'Replace', pattern: { Regex: `[${escaped}]` }, content: '' }];
  return { type: 'Sequence', pretokenizers: [...rewritten, ...drop] };
}

/** GPT-2's pre-tokenizer (Radford et al. 2019), which ByteLevel stands for. */
const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** GPT-2's reversible alphabet: the printable character that stands for each byte in a vocabulary. */
function byteAlphabet(): string[] {
  let substitutes = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : 256 + substitutes++);
  });
}

function vocabularyOf(tokenizer: Tokenizer, json: JsonObject): VocabularyData {
  const controlNames: Record<number, string> = {};
  const added = json['added_tokens'];
  for (const token of Array.isArray(added) ? (added as readonly JsonObject[]) : []) {
    if (typeof token['id'] === 'number' && typeof token['content'] === 'string') controlNames[token['id']] = token['content'];
  }
  const byteOf = new Map(byteAlphabet().map((character, byte) => [character, byte]));
  const tokens: string[] = [];
  for (const [token, id] of tokenizer.get_vocab()) tokens[id] = token;
  for (const id of Object.keys(controlNames).map(Number)) tokens[id] ??= '';
  const offsets = new Uint32Array(tokens.length + 1);
  const bytes: number[] = [];
  for (let id = 0; id < tokens.length; id++) {
    if (controlNames[id] === undefined) {
      for (const character of tokens[id] ?? '') {
        const byte = byteOf.get(character);
        if (byte === undefined) throw new ModelError('cannot-align', `Cannot align tokens with text: token ${id} is not made of bytes.`);
        bytes.push(byte);
      }
    }
    offsets[id + 1] = bytes.length;
  }
  return { bytes: Uint8Array.from(bytes), offsets, controlNames };
}

function missingBytes(vocabulary: VocabularyData): Uint8Array {
  const missing = new Uint8Array(256).fill(1);
  for (const byte of vocabulary.bytes) missing[byte] = 0;
  return missing;
}
