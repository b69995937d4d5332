import { isArray, isFlag, isText, listOf, mapOf, recordOf, type Shape } from './shape';

/** A token's bytes, or pieces of them, as people should see them: whitespace, bytes and control tokens as glyphs. */
export type TokenPieces = readonly { readonly text: string; readonly glyph: boolean }[];

/** The bytes of every token: those of id `i` are `bytes[offsets[i]] .. bytes[offsets[i + 1]]`. Crosses process borders as it is. */
export interface VocabularyData {
  readonly bytes: Uint8Array;
  /** Length: vocabulary size + 1. */
  readonly offsets: Uint32Array;
  /** Control tokens have no bytes in a text: their names, by id. */
  readonly controlNames: Readonly<Record<number, string>>;
}

export const isTokenPieces: Shape<TokenPieces> = listOf(recordOf<TokenPieces[number]>({ text: isText, glyph: isFlag }));

export const isVocabularyData: Shape<VocabularyData> = recordOf<VocabularyData>({
  bytes: isArray('Uint8Array'),
  offsets: isArray('Uint32Array'),
  controlNames: mapOf(isText),
});

const whitespaceGlyphs: ReadonlyMap<string, string> = new Map([
  [' ', '·'],
  ['\t', '→'],
  ['\n', '↵'],
  ['\r', '␍'],
  ['\u00a0', '⍽'],
]);

/** What token ids stand for. */
export class Vocabulary {
  readonly #data: VocabularyData;
  readonly #strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(data: VocabularyData) {
    this.#data = data;
  }

  /** To be sent to where another `Vocabulary` is made of it. */
  get data(): VocabularyData {
    return this.#data;
  }

  get size(): number {
    return this.#data.offsets.length - 1;
  }

  bytesOf(id: number): Uint8Array {
    return this.#data.bytes.subarray(this.#data.offsets[id] ?? 0, this.#data.offsets[id + 1] ?? 0);
  }

  controlNameOf(id: number): string | undefined {
    return this.#data.controlNames[id];
  }

  /** The token as text that can be put into a document; undefined for control tokens and for bytes that are not whole characters. */
  textOf(id: number): string | undefined {
    if (this.controlNameOf(id) !== undefined) return undefined;
    const bytes = this.bytesOf(id);
    if (bytes.length === 0) return undefined;
    try {
      return this.#strict.decode(bytes);
    } catch {
      return undefined; // not whole characters: the one thing a fatal decoder refuses
    }
  }

  /** The token that is exactly this text; undefined: it is none, or several. Looks through all of them. */
  idOf(text: string): number | undefined {
    const wanted = new TextEncoder().encode(text);
    const { bytes, offsets } = this.#data;
    for (let id = 0; id < this.size; id++) {
      const start = offsets[id] ?? 0;
      const isSame = (offsets[id + 1] ?? 0) - start === wanted.length && wanted.every((byte, index) => bytes[start + index] === byte);
      if (isSame && wanted.length > 0 && this.controlNameOf(id) === undefined) return id;
    }
    return undefined;
  }

  /** The token for display; never empty. */
  piecesOf(id: number): TokenPieces {
    const control = this.controlNameOf(id);
    if (control !== undefined) return [{ text: control, glyph: true }];
    return piecesOfBytes(this.bytesOf(id));
  }
}

/** Bytes for display: whole characters as text, whitespace and control characters as glyphs, the rest as ⟨E2 80⟩. */
export function piecesOfBytes(bytes: Uint8Array): TokenPieces {
  const pieces: { text: string; glyph: boolean }[] = [];
  const push = (text: string, glyph: boolean) => {
    const last = pieces.at(-1);
    if (last?.glyph === glyph) last.text += text;
    else pieces.push({ text, glyph });
  };
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let character: string | undefined;
    if (length > 0 && at + length <= bytes.length) {
      try {
        character = strict.decode(bytes.subarray(at, at + length));
      } catch {
        character = undefined; // not a character: shown as bytes below
      }
    }
    if (character === undefined) {
      push(`⟨${lead.toString(16).toUpperCase().padStart(2, '0')}⟩`, true);
      at++;
      continue;
    }
    const glyph = whitespaceGlyphs.get(character) ?? invisibleName(character);
    push(glyph ?? character, glyph !== undefined);
    at += length;
  }
  if (pieces.length === 0) push('⟨empty⟩', true);
  return pieces;
}

/** A name for characters that draw nothing or change the direction of what follows, else undefined. */
function invisibleName(character: string): string | undefined {
  if (!/[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Cn}\p{Co}]/u.test(character)) return undefined;
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
