import { SequencePreTokenizer, Tokenizer } from '@huggingface/tokenizers';
import type { VocabularyData } from '../core/vocabulary';
import { ModelError } from './errors';

/** What tokenizer.json says about text to tokens, for vocabularies of bytes. */
export interface TokenizerParts {
  readonly vocabulary: VocabularyData;
  /** 1 for each byte that no token contains. */
  readonly missing: Uint8Array;
  /** Text to words, which together are the text. */
  readonly words: (text: string) => readonly string[];
  /** A word to the pieces that no token crosses, in the byte alphabet. */
  readonly pieces: (word: string) => readonly string[];
  /** A piece to the ids of its tokens. */
  readonly idsOf: (piece: string) => readonly number[];
}

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

/** `tokenizer` and `config`: the parsed tokenizer.json and tokenizer_config.json. Throws ModelError 'cannot-align' for other vocabularies. */
export function tokenizerParts(tokenizer: unknown, config: unknown): TokenizerParts {
  const json = asObject(tokenizer, 'tokenizer.json');
  refuseUnalignable(json);
  // Without added tokens: their spellings are plain text here.
  const { model } = new Tokenizer({ ...json, added_tokens: [] }, asObject(config, 'tokenizer_config.json'));
  if (!model) throw new ModelError('incomplete', 'tokenizer.json holds no model.');
  const ids = model.tokens_to_ids;
  const vocabulary = vocabularyOf(ids, json);
  const missing = missingBytes(vocabulary);
  const missingLetters = new Set(byteAlphabet().filter((_, byte) => missing[byte] === 1));
  const { toWords, toPieces } = referencePreTokenizers(json['pre_tokenizer'] ?? null);
  return {
    vocabulary,
    missing,
    words: preTokenizer(toWords),
    pieces: preTokenizer(toPieces),
    idsOf: piece => {
      // Bytes without a token go before the merges: the reference implementation (Rust, tokenizers 0.23) merges across them.
      const letters = missingLetters.size === 0 ? piece : Array.from(piece, letter => (missingLetters.has(letter) ? '' : letter)).join('');
      return letters === '' ? [] : model.encode([letters]).map(token => ids.get(token) ?? unknownToken());
    },
  };
}

function unknownToken(): never {
  throw new ModelError('cannot-align', 'Cannot align tokens with text: the merges of this model make tokens that it does not have.');
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
            : (model['end_of_word_suffix'] ?? '') !== '' || (model['continuing_subword_prefix'] ?? '') !== ''
              ? 'its tokens carry marks that are not in the text'
              : undefined;
  if (why !== undefined) throw new ModelError('cannot-align', `Cannot align tokens with text: ${why}.`);
}

/**
 * The JavaScript library's built-in pre-tokenizers differ from the reference implementation (Rust, tokenizers 0.23) at U+FEFF, U+0085 and
 * non-ASCII digits, because JavaScript's \s and its digits are other sets. As `Split` patterns, which it translates, they agree.
 */
function referencePreTokenizers(original: Json): Record<'toWords' | 'toPieces', readonly JsonObject[]> {
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
  const toBytes = rewritten.findIndex(step => step['type'] === 'ByteLevel');
  return { toWords: rewritten.slice(0, toBytes), toPieces: rewritten.slice(toBytes) };
}

function preTokenizer(pretokenizers: readonly JsonObject[]): (text: string) => readonly string[] {
  const config: unknown = { type: 'Sequence', pretokenizers };
  // The library checks the kinds of the steps itself.
  const sequence = new SequencePreTokenizer(config as ConstructorParameters<typeof SequencePreTokenizer>[0]);
  return text => sequence.pre_tokenize(text);
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

function vocabularyOf(ids: ReadonlyMap<string, number>, json: JsonObject): VocabularyData {
  const controlNames: Record<number, string> = {};
  const added = json['added_tokens'];
  for (const token of Array.isArray(added) ? (added as readonly JsonObject[]) : []) {
    if (typeof token['id'] === 'number' && typeof token['content'] === 'string') controlNames[token['id']] = token['content'];
  }
  const byteOf = new Map(byteAlphabet().map((character, byte) => [character, byte]));
  const tokens: string[] = [];
  for (const [token, id] of ids) tokens[id] = token;
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
