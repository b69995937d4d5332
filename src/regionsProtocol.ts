import type { LineChange } from './core/leaveOutLines';
import type { Regions } from './core/regions';

/** What the thread that reads grammars is started with. */
export interface RegionsThreadData {
  /** Oniguruma, which the patterns of TextMate grammars are written for. */
  readonly wasmPath: string;
  /** Scopes of grammars that are put into others, by the scope of those. */
  readonly injections: Readonly<Record<string, readonly string[]>>;
}

/** A document is known by a number that is never used again. */
export type ToRegionsThread =
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly version: number;
      readonly text: string;
      /** UTF-16 units of a line break. */
      readonly breakLength: number;
      /** Of the language's grammar; undefined: it has none. */
      readonly scope: string | undefined;
    }
  | {
      readonly kind: 'edit';
      readonly id: number;
      readonly version: number;
      readonly changes: readonly LineChange[];
      /** UTF-16 units after the edit. */
      readonly length: number;
    }
  | { readonly kind: 'close'; readonly id: number }
  /** The answer to `wanted`; undefined: there is none, or it cannot be read. */
  | { readonly kind: 'grammar'; readonly scope: string; readonly file: GrammarFile | undefined };

export interface GrammarFile {
  /** How it ends says what it is: JSON or a property list. */
  readonly path: string;
  readonly content: string;
}

export type FromRegionsThread =
  /** The whole document has been read. */
  | { readonly kind: 'regions'; readonly id: number; readonly version: number; readonly regions: Regions }
  | { readonly kind: 'wanted'; readonly scope: string }
  /** Nothing can be read by this grammar. `message`: about the grammar, never about a document. */
  | { readonly kind: 'broken'; readonly scope: string; readonly message: string }
  /** The text here is not that of the editor. */
  | { readonly kind: 'lost'; readonly id: number };
