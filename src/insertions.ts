import * as vscode from 'vscode';
import type { Config } from './config';
import { insertionOf, movedParts, separated, touches, tracked } from './core/insertion';
import type { InsertedPart, TextChange, TrackedPart } from './core/insertion';
import type { Span } from './core/scores';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { Pauses } from './pauses';

/** After an edit that may be an insertion: by then it is known what came with it. */
const settleMs = 250;
/** Edits of other documents so near to one are of the same change: a rename, a refactoring. */
const togetherMs = 150;
/** An edit away from the cursor so soon after an insertion belongs to it: an import that a completion brings. */
const companionMs = 2_000;
/** A save that does not come to its end does not stand in the way for longer. */
const longestSaveMs = 10_000;

/** Text that was put in at once. */
export interface Insertion {
  readonly document: vscode.TextDocument;
  /** In document order, never empty; offsets are of the present text. */
  readonly parts: readonly TrackedPart[];
}

/** What a model of ours has written. */
export interface OwnText {
  /** With the line ends of the document. */
  readonly text: string;
  /** `modelHash` of the model. */
  readonly author: string;
}

interface Candidate {
  readonly parts: readonly TrackedPart[];
  readonly at: number;
  /** What it is a part of. */
  readonly own: OwnText | undefined;
  readonly timer: NodeJS.Timeout;
  /** Somebody has typed elsewhere since. */
  readonly isLeft: boolean;
}

interface Known {
  /** Of the document's present version, kept since an event of an edit does not say what it took away; undefined: too long to be kept. */
  text: string | undefined;
  eol: vscode.EndOfLine;
  /** Where the last edit ended, UTF-16 offsets of the present text. */
  typedTo: readonly number[];
  last: { parts: readonly TrackedPart[]; readonly at: number; readonly own: OwnText | undefined } | undefined;
  /** Nobody knows yet whether it counts. */
  candidate: Candidate | undefined;
  /** Stands there to be accepted. */
  offered: OwnText | undefined;
  savingSince: number;
  /** VS Code saves by itself. */
  isSavingByItself: boolean;
}

/**
 * Remembers the last insertion of each document that is on a screen, whoever made it: a completion, a paste, a snippet. It moves with later edits and
 * is forgotten when it is edited beyond recognition. Whether an edit counts is `insertionOf`'s to say, and some of it shows only a moment later: a
 * file that was read again from the disk (a reload, another branch) is not dirty then and has not been saved; a rename changes other documents too.
 */
export class Insertions implements Disposable {
  readonly #store = new DisposableStore();
  readonly #config: Pick<Config, 'largestDocumentBytes' | 'skips'>;
  readonly #known = new Map<vscode.TextDocument, Known>();
  readonly #editedAt = new Map<vscode.TextDocument, number>();
  readonly #savedAt = new Map<vscode.TextDocument, number>();
  readonly #inserted = this.#store.add(new vscode.EventEmitter<Insertion>());
  /** Something was inserted, and whoever did it rests. */
  readonly onDidInsert = this.#inserted.event;

  constructor(config: Pick<Config, 'largestDocumentBytes' | 'skips'>, pauses: Pauses) {
    this.#config = config;
    const { workspace, window } = vscode;
    const follow = pauses.timed('other', () => this.#follow());
    this.#store.add(window.onDidChangeVisibleTextEditors(follow));
    this.#store.add(workspace.onDidChangeTextDocument(pauses.timed('edit', event => this.#edited(event))));
    this.#store.add(
      workspace.onWillSaveTextDocument(({ document, reason }) => {
        const known = this.#known.get(document);
        if (!known) return;
        known.savingSince = performance.now();
        known.isSavingByItself = reason === vscode.TextDocumentSaveReason.AfterDelay;
      }),
    );
    this.#store.add(
      workspace.onDidSaveTextDocument(document => {
        const known = this.#known.get(document);
        if (known) known.savingSince = -Infinity;
        this.#savedAt.set(document, performance.now());
      }),
    );
    this.#store.add(
      workspace.onDidCloseTextDocument(document => {
        this.#editedAt.delete(document);
        this.#savedAt.delete(document);
        this.#forget(document);
      }),
    );
    this.#follow();
  }

  /** Undefined: nothing has been inserted into the document since it came on a screen, or there is next to nothing left of it. */
  last(document: vscode.TextDocument): Insertion | undefined {
    const known = this.#known.get(document);
    if (known?.candidate) this.#settle(document, known);
    return this.lastSettled(document);
  }

  /** The same, but for an edit of which nobody knows yet whether it counts. */
  lastSettled(document: vscode.TextDocument): Insertion | undefined {
    const last = this.#known.get(document)?.last;
    return last && { document, parts: last.parts };
  }

  /** A model of ours has written this, and it stands there to be accepted; undefined: no more. */
  offered(document: vscode.TextDocument, own: OwnText | undefined): void {
    const known = this.#known.get(document);
    if (known) known.offered = own;
  }

  /** `modelHash` of the model of ours that has written all that is left of the last insertion; undefined: somebody else has written some of it. */
  authorOf({ document, parts }: Insertion): string | undefined {
    const own = this.#known.get(document)?.last?.own;
    return isOf(own, document.getText(), parts) ? own?.author : undefined;
  }

  /** Somebody has accepted a text that was shown before: it counts, however short it is, or like what it took the place of. `author`: who wrote it. */
  accepted(document: vscode.TextDocument, part: InsertedPart, author: string | undefined): void {
    const known = this.#known.get(document);
    if (!known) return;
    clearTimeout(known.candidate?.timer);
    known.candidate = undefined;
    const parts = tracked([part]);
    known.last = {
      parts,
      at: performance.now(),
      own: author === undefined ? undefined : { text: document.getText().slice(part.start, part.end), author },
    };
    this.#inserted.fire({ document, parts });
  }

  dispose(): void {
    for (const document of [...this.#known.keys()]) this.#forget(document);
    this.#store.dispose();
  }

  #follow(): void {
    for (const { document } of vscode.window.visibleTextEditors) {
      if (this.#config.skips(document) === 'scheme') continue;
      const known: Known = this.#known.get(document) ?? {
        text: undefined,
        eol: document.eol,
        typedTo: [],
        last: undefined,
        candidate: undefined,
        offered: undefined,
        savingSince: -Infinity,
        isSavingByItself: false,
      };
      this.#known.set(document, known);
      if (known.text === undefined) this.#keepText(document, known); // it may have been hidden
    }
    const shown = new Set(vscode.window.visibleTextEditors.map(({ document }) => document));
    // What is hidden keeps its insertion, which moves with edits, but not a copy of its text.
    for (const [document, known] of this.#known) if (!shown.has(document)) known.text = undefined;
  }

  #keepText(document: vscode.TextDocument, known: Known): void {
    const text = vscode.window.visibleTextEditors.some(editor => editor.document === document) ? document.getText() : undefined;
    known.text = text !== undefined && text.length <= this.#config.largestDocumentBytes ? text : undefined;
  }

  #edited({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) return this.#turned(document);
    const now = performance.now();
    if (this.#config.skips(document) !== 'scheme') this.#editedAt.set(document, now);
    const known = this.#known.get(document);
    if (!known) return;
    const before = known.text;
    this.#keepText(document, known);
    if (known.eol !== document.eol) return this.#turned(document);
    const changes = contentChanges.map(({ rangeOffset: start, rangeLength, text }): TextChange => ({
      start,
      end: start + rangeLength,
      text,
    }));
    const { typedTo } = known;
    known.typedTo = endsOf(changes);
    // What replaces a whole text may leave most of it as it was.
    const separate = changes.map(change => ({ ...change, pieces: separated(change, before) }));
    const apart = separate.flatMap(({ pieces }) => pieces);
    if (known.last) known.last = stillThere({ ...known.last, parts: movedParts(known.last.parts, apart) });
    const editors = vscode.window.visibleTextEditors.filter(editor => editor.document === document);
    const cursors = editors.flatMap(({ selections }) =>
      selections.flatMap(({ start, end }) => [document.offsetAt(start), document.offsetAt(end)]),
    );
    const isFar = !cursors.some(at => changes.some(({ start, end, text }) => start <= at && at <= Math.max(end, start + text.length)));
    this.#moveCandidate(document, known, apart, isFar);
    if (editors.length === 0) return; // nobody sees it
    const isSaving = now - known.savingSince < longestSaveMs;
    // A selection is still that of before the edit: VS Code tells of the new one after it.
    const selected = contentChanges
      .filter(({ range }) => editors.some(({ selections }) => selections.some(each => !each.isEmpty && each.contains(range))))
      .map(({ rangeOffset: start, rangeLength }) => ({ start, end: start + rangeLength }));
    // VS Code formats nothing when it saves by itself after a pause, which is just when completions are accepted; others may, away from the cursor.
    const isOfSave = isSaving && (!known.isSavingByItself || isFar);
    const parts = insertionOf(separate, { before, cursors, selected, typedTo, isUndoOrRedo: reason !== undefined, isSaving: isOfSave });
    if (!parts) return;
    if (isFar && now - Math.max(known.last?.at ?? -Infinity, known.candidate?.at ?? -Infinity) < companionMs) return;
    clearTimeout(known.candidate?.timer);
    const own = isOf(known.offered, known.text, parts) ? known.offered : undefined;
    known.candidate = { parts: tracked(parts), at: now, own, timer: this.#settleSoon(document, known), isLeft: false };
  }

  /** An edit inside, such as of a snippet's placeholder, begins the rest anew. */
  #moveCandidate(document: vscode.TextDocument, known: Known, changes: readonly TextChange[], isFar: boolean): void {
    const { candidate } = known;
    if (!candidate) return;
    const isInside = touches(candidate.parts, changes);
    if (isInside) clearTimeout(candidate.timer);
    known.candidate = stillThere({
      ...candidate,
      parts: movedParts(candidate.parts, changes),
      isLeft: candidate.isLeft || (!isInside && !isFar),
      ...(isInside ? { timer: this.#settleSoon(document, known) } : {}),
    });
  }

  #settleSoon(document: vscode.TextDocument, known: Known): NodeJS.Timeout {
    return setTimeout(() => this.#settle(document, known), settleMs);
  }

  /** Other line ends: every offset is another. */
  #turned(document: vscode.TextDocument): void {
    const known = this.#known.get(document);
    if (!known || known.eol === document.eol) return; // only the dirty flag
    known.eol = document.eol;
    clearTimeout(known.candidate?.timer);
    known.candidate = undefined;
    known.last = undefined;
    this.#keepText(document, known);
  }

  #settle(document: vscode.TextDocument, known: Known): void {
    const { candidate } = known;
    if (!candidate) return;
    clearTimeout(candidate.timer);
    known.candidate = undefined;
    // A refactoring saves at once what nobody has open.
    const isFromDisk = (other: vscode.TextDocument, at: number) => !other.isDirty && (this.#savedAt.get(other) ?? -Infinity) < at;
    const isOfMany = [...this.#editedAt].some(
      ([other, at]) => other !== document && !isFromDisk(other, at) && Math.abs(at - candidate.at) < togetherMs,
    );
    if (isFromDisk(document, candidate.at) || isOfMany || document.isClosed) return;
    known.last = { parts: candidate.parts, at: candidate.at, own: candidate.own };
    if (!candidate.isLeft) this.#inserted.fire({ document, parts: candidate.parts });
  }

  #forget(document: vscode.TextDocument): void {
    clearTimeout(this.#known.get(document)?.candidate?.timer);
    this.#known.delete(document);
  }
}

/** Offsets of the text after the changes. */
function endsOf(changes: readonly TextChange[]): readonly number[] {
  let shift = 0;
  return [...changes]
    .sort((a, b) => a.start - b.start || a.end - b.end)
    .map(({ start, end, text }) => {
      const now = start + shift + text.length;
      shift += text.length - (end - start);
      return now;
    });
}

function isOf(own: OwnText | undefined, text: string | undefined, parts: readonly Span[]): boolean {
  return own !== undefined && text !== undefined && parts.every(({ start, end }) => own.text.includes(text.slice(start, end)));
}

function stillThere<T extends { readonly parts: readonly TrackedPart[] }>(insertion: T): T | undefined {
  return insertion.parts.length > 0 ? insertion : undefined;
}
