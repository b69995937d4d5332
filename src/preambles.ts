import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { LastingMemory } from './lastingMemory';
import { longestPreamble } from './model/protocol';
import type { Preamble } from './model/protocol';
import { showInformationMessage } from './notices';

/** Where those of files are kept between two starts of the window, by URI of their documents, the oldest first: where they are, and never their text. */
const preamblesKey = 'tokenLens.preambles';
/** Documents that have one. */
const mostKept = 20;
/** Larger files are no texts that somebody wants read before another. */
const mostFileBytes = 5_000_000;

/** What somebody wants read before a document. */
export interface NamedPreamble extends Preamble {
  /** For people: that of a file; null: somebody typed it. */
  readonly name: string | null;
  /** URI of the file that it is from, by which the next start of the window finds it; undefined: from none, and it goes with the window. */
  readonly address?: string | undefined;
}

/** What is read before a document. */
export interface DocumentPreamble extends NamedPreamble {
  /** Of the text's UTF-8, hexadecimal. */
  readonly sha256: string;
}

/** One of a file, of which the text is read when its document is opened. */
interface Remembered {
  readonly name: string;
  readonly address: string;
  readonly sha256: string;
}

/** The text of a file as a preamble. Rejects where it cannot be read, is no text, or is larger than 5 MB. */
export async function preambleOfFile(uri: vscode.Uri): Promise<NamedPreamble> {
  const { size } = await vscode.workspace.fs.stat(uri);
  if (size > mostFileBytes) throw new RangeError('too large');
  const text = new TextDecoder('utf-8', { fatal: true }).decode(await vscode.workspace.fs.readFile(uri));
  // The document begins on a line of its own.
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  return { kind: 'text', text: whole.slice(-longestPreamble), name: uri.path.split('/').at(-1) ?? uri.path, address: uri.toString() };
}

/** Unseen texts that somebody has put before documents of this workspace, as context only. */
export class Preambles implements Disposable {
  readonly #store = new DisposableStore();
  readonly #memory: LastingMemory;
  readonly #kept = new Map<string, DocumentPreamble>();
  /** Of the windows before this one. */
  readonly #remembered: Map<string, Remembered>;
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** This open document has another now, or none. */
  readonly onDidChange = this.#changed.event;

  constructor(memory: LastingMemory) {
    this.#memory = memory;
    const remembered = memory.get(preamblesKey);
    // Another version of this extension may have kept something else, which goes: it may be text.
    this.#remembered = new Map((Array.isArray(remembered) ? (remembered as readonly unknown[]) : []).flatMap(entryOf));
    if (remembered !== undefined && JSON.stringify(remembered) !== JSON.stringify([...this.#remembered])) this.#remember();
    this.#store.add(vscode.workspace.onDidOpenTextDocument(document => void this.#restore(document)));
    for (const document of vscode.workspace.textDocuments) void this.#restore(document);
    this.#store.add(
      vscode.workspace.onDidCloseTextDocument(({ uri, isUntitled }) => {
        if (!isUntitled) return;
        // The next untitled document gets the same name. A change of language closes a document and opens it again at once.
        queueMicrotask(() => {
          if (vscode.workspace.textDocuments.some(open => open.uri.toString() === uri.toString())) return;
          if (this.#forget(uri.toString())) this.#remember();
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
  set(document: vscode.TextDocument, preamble: NamedPreamble | undefined): void {
    const key = keyOf(document);
    const isKept = this.#forget(key); // what is set last is the newest
    if (!isKept && !preamble) return;
    if (preamble) this.#kept.set(key, { ...preamble, sha256: sha256Of(preamble.text) });
    this.#keepNewest();
    this.#remember();
    this.#tell(new Set([key]));
  }

  /** A document has become another: an untitled one that was saved as a file. What is read before that stays, if there is something. */
  follow(from: vscode.TextDocument, to: vscode.TextDocument): void {
    const preamble = this.of(from);
    if (preamble && !this.of(to)) this.set(to, preamble);
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** A document has been opened. What its preamble was read from may have changed since, or be gone: the user is told. */
  async #restore(document: vscode.TextDocument): Promise<void> {
    const key = keyOf(document);
    const remembered = this.#remembered.get(key);
    if (!remembered) return;
    const file = vscode.Uri.parse(remembered.address);
    const found = await preambleOfFile(file).catch(() => undefined);
    if (this.#remembered.get(key) !== remembered) return; // another has been set or removed meanwhile, or has restored it
    const names = [remembered.name, document.uri.path.split('/').at(-1) ?? ''] as const;
    if (!found) void showInformationMessage(goneMessage(...names));
    else if (sha256Of(found.text) !== remembered.sha256) void showInformationMessage(changedMessage(...names));
    this.set(document, found);
  }

  #forget(key: string): boolean {
    const wasRemembered = this.#remembered.delete(key);
    return this.#kept.delete(key) || wasRemembered;
  }

  #keepNewest(): void {
    if (this.#kept.size + this.#remembered.size <= mostKept) return;
    const [oldest] = [...this.#remembered.keys(), ...this.#kept.keys()];
    if (oldest === undefined) return;
    this.#forget(oldest);
    this.#tell(new Set([oldest]));
  }

  /** A file, or all files of a folder: documents, and what is read before them. */
  #renamed(from: string, to: string): void {
    const isOfIt = (address: string | undefined) => address === from || address?.startsWith(`${from}/`) === true;
    const movedTo = (address: string) => (isOfIt(address) ? to + address.slice(from.length) : address);
    const changed = new Set<string>();
    let isAny = false;
    for (const kept of [this.#remembered, this.#kept] as readonly Map<string, { readonly address?: string | undefined }>[]) {
      for (const [key, preamble] of [...kept].filter(([address, of]) => isOfIt(address) || isOfIt(of.address))) {
        isAny = true;
        const renamed = movedTo(key);
        kept.delete(key);
        kept.set(renamed, preamble.address === undefined ? preamble : { ...preamble, address: movedTo(preamble.address) });
        if (renamed !== key) changed.add(key).add(renamed);
      }
    }
    if (!isAny) return;
    this.#remember();
    this.#tell(changed);
    for (const document of vscode.workspace.textDocuments) void this.#restore(document); // it may have been open by its new name before this was known
  }

  #tell(keys: ReadonlySet<string>): void {
    for (const document of vscode.workspace.textDocuments) if (keys.has(keyOf(document))) this.#changed.fire(document);
  }

  #remember(): void {
    const ofFiles = [...this.#kept].flatMap(([key, { name, address, sha256 }]): readonly (readonly [string, Remembered])[] =>
      address === undefined || name === null ? [] : [[key, { name, address, sha256 }]],
    );
    const all = [...this.#remembered, ...ofFiles];
    void this.#memory.update(preamblesKey, all.length === 0 ? undefined : all);
  }
}

/** A version of a file in Git is read after what the file is read after: else the two could not be held against each other. */
function keyOf({ uri }: vscode.TextDocument): string {
  return (uri.scheme === 'git' ? vscode.Uri.file(uri.path) : uri).toString();
}

function entryOf(value: unknown): readonly (readonly [string, Remembered])[] {
  const [key, kept] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (typeof key !== 'string' || typeof kept !== 'object' || kept === null) return [];
  const { name, address, sha256 } = kept as Partial<Record<keyof Remembered, unknown>>;
  const isWhole = typeof name === 'string' && typeof address === 'string' && typeof sha256 === 'string';
  return isWhole ? [[key, { name, address, sha256 }]] : [];
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function changedMessage(file: string, document: string): string {
  return vscode.l10n.t(
    'Token Lens: {0}, which the model reads before {1}, has changed since it was chosen; it is read as it is now.',
    file,
    document,
  );
}

function goneMessage(file: string, document: string): string {
  return vscode.l10n.t('Token Lens: {0} cannot be read any more, so the model reads {1} alone.', file, document);
}
