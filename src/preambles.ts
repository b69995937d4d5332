import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { Preamble } from './model/protocol';

/** Where they are kept between two starts of the window, by URI, the oldest first. */
const preamblesKey = 'tokenLens.preambles';
/** Documents that have one. */
const mostKept = 20;

/** What is read before a document. */
export interface DocumentPreamble extends Preamble {
  /** For people: that of a file; null: somebody typed it. */
  readonly name: string | null;
  /** Of the text's UTF-8, hexadecimal. */
  readonly sha256: string;
}

/** Unseen texts that somebody has put before documents of this workspace, as context only. */
export class Preambles implements Disposable {
  readonly #store = new DisposableStore();
  readonly #memory: vscode.Memento;
  readonly #kept: Map<string, DocumentPreamble>;
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** This open document has another now, or none. */
  readonly onDidChange = this.#changed.event;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
    const kept = memory.get<unknown>(preamblesKey);
    // Another version of this extension may have kept something else.
    this.#kept = new Map((Array.isArray(kept) ? (kept as readonly unknown[]) : []).flatMap(entryOf));
    this.#store.add(
      vscode.workspace.onDidCloseTextDocument(({ uri, isUntitled }) => {
        if (!isUntitled) return;
        // The next untitled document gets the same name. A change of language closes a document and opens it again at once.
        queueMicrotask(() => {
          if (vscode.workspace.textDocuments.some(open => open.uri.toString() === uri.toString())) return;
          if (this.#kept.delete(uri.toString())) this.#remember();
        });
      }),
    );
    this.#store.add(
      vscode.workspace.onDidRenameFiles(({ files }) => {
        for (const { oldUri, newUri } of files) this.#renamed(oldUri.toString(), newUri.toString());
      }),
    );
  }

  of(document: vscode.TextDocument): DocumentPreamble | undefined {
    return this.#kept.get(keyOf(document));
  }

  /** Undefined: none. */
  set(document: vscode.TextDocument, preamble: (Preamble & { readonly name: string | null }) | undefined): void {
    const key = keyOf(document);
    const isKept = this.#kept.delete(key); // what is set last is the newest
    if (!isKept && !preamble) return;
    if (preamble) this.#kept.set(key, { ...preamble, sha256: createHash('sha256').update(preamble.text).digest('hex') });
    this.#keepNewest();
    this.#remember();
    for (const open of vscode.workspace.textDocuments) if (keyOf(open) === key) this.#changed.fire(open);
  }

  /** A document has become another: an untitled one that was saved as a file. What is read before that stays, if there is something. */
  follow(from: vscode.TextDocument, to: vscode.TextDocument): void {
    const preamble = this.of(from);
    if (preamble && !this.of(to)) this.set(to, preamble);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #keepNewest(): void {
    const [oldest] = this.#kept.keys();
    if (oldest === undefined || this.#kept.size <= mostKept) return;
    this.#kept.delete(oldest);
    this.#tell(new Set([oldest]));
  }

  /** A file, or all files of a folder. */
  #renamed(from: string, to: string): void {
    const moved = [...this.#kept].filter(([key]) => key === from || key.startsWith(`${from}/`));
    if (moved.length === 0) return;
    const changed = new Set<string>();
    for (const [key, preamble] of moved) {
      const renamed = to + key.slice(from.length);
      this.#kept.delete(key);
      this.#kept.set(renamed, preamble);
      changed.add(key).add(renamed);
    }
    this.#remember();
    this.#tell(changed);
  }

  #tell(keys: ReadonlySet<string>): void {
    for (const document of vscode.workspace.textDocuments) if (keys.has(document.uri.toString())) this.#changed.fire(document);
  }

  #remember(): void {
    void this.#memory.update(preamblesKey, this.#kept.size === 0 ? undefined : [...this.#kept]);
  }
}

/** A version of a file in Git is read after what the file is read after: else the two could not be held against each other. */
function keyOf({ uri }: vscode.TextDocument): string {
  return (uri.scheme === 'git' ? vscode.Uri.file(uri.path) : uri).toString();
}

function entryOf(value: unknown): readonly (readonly [string, DocumentPreamble])[] {
  const [key, kept] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (typeof key !== 'string' || typeof kept !== 'object' || kept === null) return [];
  const { kind, text, name, sha256 } = kept as Partial<Record<keyof DocumentPreamble, unknown>>;
  const isWhole = (kind === 'text' || kind === 'chat') && typeof text === 'string' && typeof sha256 === 'string';
  return isWhole && (typeof name === 'string' || name === null) ? [[key, { kind, text, name, sha256 }]] : [];
}
