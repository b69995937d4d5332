import * as vscode from 'vscode';
import type { GrammarFile } from './regionsProtocol';

interface Contributed {
  readonly uri: vscode.Uri;
}

interface Index {
  /** Of the grammar of a language, by its id. */
  readonly scopes: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, Contributed>;
  readonly injections: Readonly<Record<string, readonly string[]>>;
}

type Extension = Pick<vscode.Extension<unknown>, 'packageJSON' | 'extensionUri'>;

/** The TextMate grammars that extensions contribute. Where several are for one language or scope, the last counts, as in VS Code. */
export class Grammars {
  readonly #installed: () => readonly Extension[];
  #index: Index | undefined;

  constructor(installed: () => readonly Extension[]) {
    this.#installed = installed;
  }

  /** Of the language's grammar; undefined: it has none. */
  scopeOf(languageId: string): string | undefined {
    return this.#current.scopes.get(languageId);
  }

  /** Scopes of grammars that are put into others, by the scope of those. */
  get injections(): Index['injections'] {
    return this.#current.injections;
  }

  /** Undefined: there is none. Rejects where the file cannot be read. */
  async read(scope: string): Promise<GrammarFile | undefined> {
    const found = this.#current.files.get(scope);
    if (!found) return undefined;
    return { path: found.uri.path, content: new TextDecoder().decode(await vscode.workspace.fs.readFile(found.uri)) };
  }

  /** The installed extensions changed. */
  forget(): void {
    this.#index = undefined;
  }

  get #current(): Index {
    this.#index ??= indexOf(this.#installed());
    return this.#index;
  }
}

function indexOf(extensions: readonly Extension[]): Index {
  const scopes = new Map<string, string>();
  const files = new Map<string, Contributed>();
  const injections: Record<string, string[]> = {};
  for (const { packageJSON, extensionUri } of extensions) {
    for (const grammar of listIn(fieldOf(fieldOf(packageJSON, 'contributes'), 'grammars'))) {
      const [language, scope, path] = [fieldOf(grammar, 'language'), fieldOf(grammar, 'scopeName'), fieldOf(grammar, 'path')];
      if (typeof scope !== 'string' || typeof path !== 'string') continue;
      files.set(scope, { uri: vscode.Uri.joinPath(extensionUri, path) });
      if (typeof language === 'string') scopes.set(language, scope);
      for (const into of listIn(fieldOf(grammar, 'injectTo'))) if (typeof into === 'string') (injections[into] ??= []).push(scope);
    }
  }
  return { scopes, files, injections };
}

/** Manifests are written by others: anything may be in them. */
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
