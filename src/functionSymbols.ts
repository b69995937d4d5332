import * as vscode from 'vscode';
import type { Span } from './core/scores';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';

/** After the last edit, before the language's extension is asked again. */
const editPauseMs = 700;
/** A language's extension may start late: nobody answers until then. */
const retryPauseMs = 3_000;
const mostRetries = 5;

/** A function, a class, a variable, a heading: whatever the language has names for. */
export interface Declaration extends Span {
  readonly name: string;
}

interface Known {
  /** Of the text as it is now, like the others here: edits since the answer have moved them. */
  spans: readonly Span[] | undefined;
  declarations: readonly Declaration[];
  /** The version that was asked for last. */
  version: number;
  retries: number;
  timer: NodeJS.Timeout | undefined;
}

/** Where functions, methods and constructors are, and what else is declared, as far as the editor offers document symbols. Asked when somebody wants to know, once for each version. */
export class FunctionSymbols implements Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** The functions and declarations of this document are known, or are others now. */
  readonly onDidChange = this.#changed.event;
  readonly #known = new Map<vscode.TextDocument, Known>();

  constructor() {
    this.#store.add(
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        const known = this.#known.get(document);
        if (!known || contentChanges.length === 0) return;
        clearTimeout(known.timer);
        known.timer = undefined;
        known.retries = 0;
        // In offsets of the text before the event: from the last one on, so that none moves another.
        const changes = [...contentChanges].sort((a, b) => b.rangeOffset - a.rangeOffset);
        known.spans = known.spans?.map(span => changes.reduce(movedBy, span)).filter(({ start, end }) => end > start);
        known.declarations = known.declarations
          .map(({ name, ...span }) => ({ name, ...changes.reduce(movedBy, span) }))
          .filter(({ start, end }) => end > start);
      }),
    );
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => this.#forget(document)));
  }

  /** Ascending, those inside others after them; undefined until they are known. */
  of(document: vscode.TextDocument): readonly Span[] | undefined {
    return this.#asked(document).spans;
  }

  /** All that is declared, in the same order; nothing until it is known. */
  declarationsOf(document: vscode.TextDocument): readonly Declaration[] {
    return this.#asked(document).declarations;
  }

  dispose(): void {
    for (const { timer } of this.#known.values()) clearTimeout(timer);
    this.#known.clear();
    this.#store.dispose();
  }

  #asked(document: vscode.TextDocument): Known {
    const known = this.#known.get(document) ?? { spans: undefined, declarations: [], version: -1, retries: 0, timer: undefined };
    this.#known.set(document, known);
    if (known.version !== document.version && !known.timer) this.#askIn(document, known, known.version < 0 ? 0 : editPauseMs);
    return known;
  }

  #askIn(document: vscode.TextDocument, known: Known, pauseMs: number): void {
    known.timer = setTimeout(() => {
      known.timer = undefined;
      void this.#ask(document, known);
    }, pauseMs);
  }

  async #ask(document: vscode.TextDocument, known: Known): Promise<void> {
    const { version } = document;
    known.version = version;
    const symbols = await Promise.resolve(
      vscode.commands.executeCommand<readonly AnySymbol[] | undefined>('vscode.executeDocumentSymbolProvider', document.uri),
    ).catch(() => undefined); // another extension's failure
    if (this.#known.get(document) !== known || document.version !== version) return;
    if (!symbols && known.retries < mostRetries) {
      known.retries++;
      this.#askIn(document, known, retryPauseMs);
      return;
    }
    const declarations = declarationsIn(symbols ?? [])
      .map(({ name, range, kind }) => ({ name, kind, start: document.offsetAt(range.start), end: document.offsetAt(range.end) }))
      .filter(({ start, end }) => end > start)
      .sort((a, b) => a.start - b.start || b.end - a.end);
    const spans = declarations.filter(({ kind }) => functionKinds.includes(kind)).map(({ start, end }) => ({ start, end }));
    const areSame = areSameSpans(known.declarations, declarations) && known.spans !== undefined;
    known.declarations = declarations;
    // The same spans stay the same objects: what is known of them goes on.
    if (!known.spans || !areSameSpans(known.spans, spans)) known.spans = spans;
    if (!areSame) this.#changed.fire(document);
  }

  #forget(document: vscode.TextDocument): void {
    clearTimeout(this.#known.get(document)?.timer);
    this.#known.delete(document);
  }
}

function areSameSpans(spans: readonly Span[], others: readonly Span[]): boolean {
  return (
    spans.length === others.length && spans.every(({ start, end }, index) => start === others[index]?.start && end === others[index].end)
  );
}

type AnySymbol = vscode.DocumentSymbol | vscode.SymbolInformation;

const functionKinds: readonly vscode.SymbolKind[] = [vscode.SymbolKind.Function, vscode.SymbolKind.Method, vscode.SymbolKind.Constructor];

function declarationsIn(symbols: readonly AnySymbol[]): { name: string; kind: vscode.SymbolKind; range: vscode.Range }[] {
  return symbols.flatMap(symbol => [
    { name: symbol.name, kind: symbol.kind, range: 'location' in symbol ? symbol.location.range : symbol.range },
    ...('children' in symbol ? declarationsIn(symbol.children) : []),
  ]);
}

/** Where a span is after a change, in which text typed at its ends is not of it. */
function movedBy(span: Span, { rangeOffset: start, rangeLength, text }: vscode.TextDocumentContentChangeEvent): Span {
  const end = start + rangeLength;
  const by = text.length - rangeLength;
  if (end <= span.start) return { start: span.start + by, end: span.end + by };
  if (start >= span.end) return span;
  return { start: Math.min(span.start, start), end: end >= span.end ? start + text.length : span.end + by };
}
