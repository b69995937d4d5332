import { Tokenizer, SequencePreTokenizer } from '@huggingface/tokenizers';
import type { VocabularyData } from '../core/vocabulary';
import { because, ModelError } from './errors';
import type { Because } from './errors';
import { cutsBetween, cutsFor } from './safeCuts';
import { seenAs } from './seenText';
import type { SeenText } from './seenText';

/** What tokenizer.json says about text to tokens. */
export interface TokenizerParts {
  readonly vocabulary: VocabularyData;
  /** 1 for each byte that no token contains. */
  readonly missing: Uint8Array;
  /** What the tokenizer reads in place of a slice of the text, which may be the text's beginning. */
  readonly seen: (slice: string, isBeginning: boolean) => SeenText;
  /** True: what is read depends on more than single characters, so that a character of the text may be a part of what a token stands for. */
  readonly composes: boolean;
  /** Seen text to words, which together are that text. */
  readonly words: (seen: string) => readonly string[];
  /** A word to the pieces that no token crosses. */
  readonly pieces: (word: string) => readonly string[];
  /** How many bytes of the seen text a piece stands for. */
  readonly byteLengthOf: (piece: string) => number;
  /** A piece to the ids of its tokens. */
  readonly idsOf: (piece: string) => readonly number[];
  /** Where a text can be cut without a change of its tokens; a global pattern of empty matches. */
  readonly cuts: RegExp;
}

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** sentencepiece's sign for a space. */
const metaspace = '\u2581';
/** More tokens than this no model has; what comes with one is no tokenizer, and would take the memory of a model. */
const mostTokens = 2 ** 22;

/** `tokenizer`: the parsed tokenizer.json. Throws ModelError 'cannot-align' where tokens cannot be laid on the text exactly, 'incomplete' for other JSON. */
export function tokenizerParts(tokenizer: unknown): TokenizerParts {
  const json = asObject(tokenizer, 'tokenizer.json');
  const model = asObject(json['model'], 'the model in tokenizer.json');
  refuseOtherModels(model);
  const normalisers = stepsOf(json['normalizer'], 'normalizers');
  const preTokenizers = stepsOf(json['pre_tokenizer'], 'pretokenizers');
  const kind = preTokenizers.some(step => step['type'] === 'ByteLevel')
    ? byteLevel(normalisers, preTokenizers)
    : sentencePiece(model, normalisers, preTokenizers);
  const ids = idsByToken(model);
  const added = addedTokens(json, ids);
  if (kind.prefix !== 'never' && added.texts.size > 0)
    throw cannotAlign('it adds a space before the text and after tokens of its own', 'tokenizer-space');
  const unknown = model['unk_token'];
  const controls = new Map(added.controls);
  if (typeof unknown === 'string' && ids.has(unknown)) controls.set(ids.get(unknown) ?? 0, unknown);
  const encode = encoder(model, ids, controls, kind);
  const vocabulary = vocabularyOf(ids, controls, added.texts, kind);
  const missing = missingBytes(vocabulary);
  const missingLetters = new Set(kind.alphabet?.filter((_, byte) => missing[byte] === 1));
  const whole = splitter(added.texts);
  const isWhole = (word: string) => added.texts.has(word);
  const cuts = kind.alphabet ? undefined : cutsOfVocabulary(ids, controls, added.texts);
  // Where no token reaches over a cut, what lies between cuts are words as well, whose tokens can be remembered.
  const wordsOf = (part: string) => kind.words(part).flatMap(word => (cuts ? word.split(cuts) : [word]));
  const words = (seen: string) => whole(seen).flatMap(part => (isWhole(part) ? [part] : wordsOf(part)));
  const pieces = (word: string) => (isWhole(word) ? [word] : kind.pieces(word));
  return {
    vocabulary,
    missing,
    seen: (slice, isBeginning) => seenAs(slice, { ...kind, prefix: isBeginning ? kind.prefix : 'never' }),
    composes: kind.composes,
    words,
    pieces,
    byteLengthOf: piece => (kind.alphabet && !isWhole(piece) ? piece.length : Buffer.byteLength(piece)),
    idsOf: piece => {
      const own = added.texts.get(piece);
      if (own !== undefined) return [own];
      // Bytes without a token go before the merges: the reference implementation (Rust, tokenizers 0.23) merges across them.
      const letters = missingLetters.size === 0 ? piece : Array.from(piece, letter => (missingLetters.has(letter) ? '' : letter)).join('');
      return letters === '' ? [] : encode(letters);
    },
    cuts: cuts ?? cutsFor(text => words(text).flatMap(pieces)),
  };
}

/** How a tokenizer prepares text for its merges. */
interface Kind {
  /** Characters that stand for bytes in its vocabulary; undefined: tokens are text with a sign for spaces, and others for single bytes. */
  readonly alphabet: readonly string[] | undefined;
  /** It reads the canonical composition (NFC) of the text. */
  readonly composes: boolean;
  /** It reads the sign for a space as a space. */
  readonly readsMetaspaceAsSpace: boolean;
  /** It reads a space before the text, or only where the text does not begin with one. */
  readonly prefix: 'never' | 'always' | 'unless-space';
  readonly words: (seen: string) => readonly string[];
  readonly pieces: (word: string) => readonly string[];
}

function byteLevel(normalisers: readonly JsonObject[], preTokenizers: readonly JsonObject[]): Kind {
  const other = normalisers.find(step => step['type'] !== 'NFC');
  if (other) throw cannotAlign(`its tokenizer normalises the text (${nameOf(other)})`, 'tokenizer-step', nameOf(other));
  if (preTokenizers.some(step => step['type'] === 'ByteLevel' && step['add_prefix_space'] === true))
    throw cannotAlign('its tokenizer adds a space before the text', 'tokenizer-space');
  const { toWords, toPieces } = referencePreTokenizers(preTokenizers);
  return {
    alphabet: byteAlphabet(),
    composes: normalisers.length > 0,
    readsMetaspaceAsSpace: false,
    prefix: 'never',
    words: preTokenizer(toWords),
    pieces: preTokenizer(toPieces),
  };
}

/** sentencepiece's BPE as it is written in a tokenizer.json: by normalisers (older files) or by a pre-tokenizer. */
function sentencePiece(model: JsonObject, normalisers: readonly JsonObject[], preTokenizers: readonly JsonObject[]): Kind {
  const all = [...normalisers, ...preTokenizers];
  const prepends = normalisers.find(step => step['type'] === 'Prepend');
  const replaces = normalisers.find(step => step['type'] === 'Replace');
  const metaspaces = preTokenizers.filter(step => step['type'] === 'Metaspace');
  const [pre] = metaspaces;
  if (model['byte_fallback'] !== true) throw cannotAlign('its tokenizer does not work on bytes', 'tokenizer-bytes');
  for (const step of all) {
    const isRight =
      (step === prepends && step['prepend'] === metaspace) ||
      (step === replaces && patternOf(step) === ' ' && step['content'] === metaspace) ||
      (step === pre && (step['replacement'] ?? metaspace) === metaspace) ||
      // There are no spaces left where this one comes in (Gemma).
      (step['type'] === 'Split' && patternOf(step) === ' ' && replaces !== undefined && pre === undefined);
    if (!isRight)
      throw cannotAlign(
        `its tokenizer changes the text in a way that cannot be followed (${nameOf(step)})`,
        'tokenizer-step',
        nameOf(step),
      );
  }
  if (model['ignore_merges'] === true) throw cannotAlign('its tokenizer takes whole texts for tokens');
  if (!replaces && !pre) throw cannotAlign('its tokenizer has no sign for spaces', 'tokenizer-space');
  if (prepends && (pre || normalisers.indexOf(prepends) > 0))
    throw cannotAlign('its tokenizer adds a space before the text twice', 'tokenizer-space');
  return {
    alphabet: undefined,
    composes: false,
    readsMetaspaceAsSpace: true,
    prefix: prepends ? 'always' : pre && schemeOf(pre) !== 'never' ? 'unless-space' : 'never',
    words: pre !== undefined && pre['split'] !== false ? seen => seen.split(/(?= )/) : seen => [seen],
    pieces: word => [word],
  };
}

/** Where the scheme is not said, an older file says the same by `add_prefix_space`. */
function schemeOf(step: JsonObject): Json {
  return step['prepend_scheme'] ?? (step['add_prefix_space'] === false ? 'never' : 'always');
}

function patternOf(step: JsonObject): Json | undefined {
  const pattern = step['pattern'];
  return isObject(pattern) ? pattern['String'] : undefined;
}

function nameOf(step: JsonObject): string {
  const type = step['type'];
  return typeof type === 'string' ? type.slice(0, 40) : 'without a name';
}

function cannotAlign(why: string, key: Because['key'] = 'tokenizer-other', ...values: readonly string[]): ModelError {
  return new ModelError('cannot-align', `Cannot align tokens with text: ${why}.`, because(key, ...values));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw new ModelError('incomplete', `${what} is not a JSON object.`);
  return value; // parsed JSON: its values are JSON by construction
}

function stepsOf(part: Json | undefined, list: string): readonly JsonObject[] {
  if (!isObject(part)) return [];
  const inner = part['type'] === 'Sequence' ? part[list] : [part];
  return Array.isArray(inner) ? (inner as readonly Json[]).map(step => asObject(step, `a step of the ${list} in tokenizer.json`)) : [];
}

function refuseOtherModels(model: JsonObject): void {
  const kind = model['type'];
  if (kind !== 'BPE') throw cannotAlign(`its tokenizer is of the kind ${nameOf(model)}, not BPE`, 'tokenizer-kind', nameOf(model));
  const marks = ['end_of_word_suffix', 'continuing_subword_prefix', 'continuing_subword_suffix'];
  if (marks.some(name => (model[name] ?? '') !== '')) throw cannotAlign('its tokens carry marks that are not in the text');
  if (typeof model['dropout'] === 'number' && model['dropout'] > 0) throw cannotAlign('its tokenizer splits the text at random');
}

function asId(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < mostTokens) return value;
  throw new ModelError('incomplete', `tokenizer.json holds a token whose id is not a number below ${String(mostTokens)}.`);
}

function idsByToken(model: JsonObject): ReadonlyMap<string, number> {
  const vocabulary = Object.entries(asObject(model['vocab'], 'the vocabulary in tokenizer.json'));
  return new Map(vocabulary.map(([token, id]) => [token, asId(id)]));
}

interface AddedTokens {
  /** What cannot be written: names by id. */
  readonly controls: ReadonlyMap<number, string>;
  /** Texts that are one token wherever they stand: ids by text. */
  readonly texts: ReadonlyMap<string, number>;
}

/**
 * Added tokens are control tokens, whose spellings are plain text in a document, with two exceptions: runs of white space (GPT-NeoX, Phi), which are
 * looked for before all else, and what is an ordinary entry of the vocabulary besides and no special one (Gemma), which merges come to.
 */
function addedTokens(json: JsonObject, ids: ReadonlyMap<string, number>): AddedTokens {
  const controls = new Map<number, string>();
  const texts = new Map<string, number>();
  const added = json['added_tokens'];
  for (const token of Array.isArray(added) ? (added as readonly Json[]) : []) {
    const entry = asObject(token, 'an added token in tokenizer.json');
    const { content, special } = entry;
    if (typeof content !== 'string' || content === '') continue;
    const id = asId(entry['id']);
    if (special === false && /^\s+$/.test(content)) {
      if (['single_word', 'lstrip', 'rstrip'].some(name => entry[name] === true))
        throw cannotAlign('its tokenizer takes white space away around tokens of its own', 'tokenizer-space');
      texts.set(content, id);
    } else if (special !== false || !ids.has(content)) controls.set(id, content);
  }
  return { controls, texts };
}

/** Takes the texts out of a text, the longest at each place first; parts in order. */
function splitter(texts: ReadonlyMap<string, number>): (seen: string) => readonly string[] {
  if (texts.size === 0) return seen => [seen];
  const longestFirst = [...texts.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(${longestFirst.join('|')})`, 'u'); // white space only: nothing to escape
  return seen => seen.split(pattern).filter(part => part !== '');
}

/** A piece to ids. Control tokens, and those for single bytes, are no result of merges: not even of text that spells them. */
function encoder(
  json: JsonObject,
  ids: ReadonlyMap<string, number>,
  controls: ReadonlyMap<number, string>,
  { alphabet }: Kind,
): (piece: string) => readonly number[] {
  const isText = (token: string) => {
    const id = ids.get(token);
    return id === undefined || (!controls.has(id) && (alphabet !== undefined || byteOfToken(token) === undefined));
  };
  const merges = json['merges'];
  if (!Array.isArray(merges)) throw new ModelError('incomplete', 'tokenizer.json has no list of merges.');
  const pairs = (merges as readonly Json[])
    .map(merge => (typeof merge === 'string' ? merge.split(' ', 2) : merge))
    .filter((merge): merge is readonly [string, string] => isPair(merge) && isText(merge[0] + merge[1]));
  const vocab = Object.fromEntries([...ids].filter(([, id]) => !controls.has(id)));
  const tokenizer = {
    model: { ...json, vocab, merges: pairs, unk_token: '', fuse_unk: false },
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
  };
  const { model } = new Tokenizer(tokenizer, {});
  if (!model) throw new ModelError('incomplete', 'tokenizer.json holds no model.');
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined) throw cannotAlign('the merges of this model make tokens that it does not have');
    return id;
  };
  return piece => model.encode([alphabet ? piece : piece.replaceAll(' ', metaspace)]).map(idOf);
}

function isPair(merge: Json | undefined): merge is readonly [string, string] {
  return Array.isArray(merge) && merge.length === 2 && merge.every(part => typeof part === 'string');
}

/**
 * The JavaScript library's built-in pre-tokenizers differ from the reference implementation (Rust, tokenizers 0.23) at U+FEFF, U+0085 and
 * non-ASCII digits, because JavaScript's \s and its digits are other sets. As `Split` patterns, which it translates, they agree.
 */
function referencePreTokenizers(original: readonly JsonObject[]): Record<'toWords' | 'toPieces', readonly JsonObject[]> {
  const rewritten = original.flatMap((step): JsonObject[] => {
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

/** The byte that a token of sentencepiece stands for where it is not text. */
function byteOfToken(token: string): number | undefined {
  const digits = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return digits === undefined ? undefined : parseInt(digits, 16);
}

function vocabularyOf(
  ids: ReadonlyMap<string, number>,
  controls: ReadonlyMap<number, string>,
  texts: ReadonlyMap<string, number>,
  { alphabet }: Kind,
): VocabularyData {
  const byteOf = alphabet && new Map(alphabet.map((character, byte) => [character, byte]));
  const asText = new TextEncoder();
  const bytesOf = (token: string, id: number): ArrayLike<number> => {
    if (byteOf) {
      return Array.from(token, character => {
        const byte = byteOf.get(character);
        if (byte === undefined) throw cannotAlign(`token ${String(id)} is not made of bytes`, 'tokenizer-bytes');
        return byte;
      });
    }
    const byte = byteOfToken(token);
    return byte === undefined ? asText.encode(token.replaceAll(metaspace, ' ')) : [byte];
  };
  const tokens: (ArrayLike<number> | undefined)[] = [];
  for (const [token, id] of ids) if (!controls.has(id)) tokens[id] = bytesOf(token, id);
  for (const [text, id] of texts) tokens[id] = asText.encode(text);
  for (const id of controls.keys()) tokens[id] ??= [];
  const offsets = new Uint32Array(tokens.length + 1);
  for (let id = 0; id < tokens.length; id++) offsets[id + 1] = (offsets[id] ?? 0) + (tokens[id]?.length ?? 0);
  const bytes = new Uint8Array(offsets[tokens.length] ?? 0);
  for (const [id, token] of tokens.entries()) if (token) bytes.set(token, offsets[id]);
  if (!alphabet && new Set([...ids.keys()].map(byteOfToken)).size <= 256)
    throw cannotAlign('its tokenizer does not have a token for every byte', 'tokenizer-bytes');
  return { bytes, offsets, controlNames: Object.fromEntries(controls) };
}

function missingBytes(vocabulary: VocabularyData): Uint8Array {
  const missing = new Uint8Array(256).fill(1);
  for (const byte of vocabulary.bytes) missing[byte] = 0;
  return missing;
}

/** Cuts that no token of a vocabulary of texts reaches over. */
function cutsOfVocabulary(
  ids: ReadonlyMap<string, number>,
  controls: ReadonlyMap<number, string>,
  texts: ReadonlyMap<string, number>,
): RegExp {
  const tokens: string[] = [...texts.keys()];
  for (const [token, id] of ids) if (!controls.has(id) && byteOfToken(token) === undefined) tokens.push(token.replaceAll(metaspace, ' '));
  return cutsBetween(tokens);
}
