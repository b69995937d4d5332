import * as vscode from 'vscode';
import { drawnSpans, paint } from '../core/paint';
import type { Span } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import type { Shown } from '../shown';
import { BandTypes } from './bandTypes';
import { stretchRanges } from './stretchPainter';
import type { BandTypeSet } from './bandTypes';

/** Lines above and below the screen that are painted before they are scrolled to; of long lines, only so many UTF-16 units. */
const marginLines = 60;
const marginLength = 4_000;
/** Scrolling fires with every line; the margin covers this long. */
const scrollPauseMs = 40;

/** One object, so that it is known to be the same. */
const noSpans: readonly Span[] = [];

export interface DecorationParts {
  readonly scored: Pick<ScoredDocuments, 'onDidChange'>;
  readonly shown: Shown;
  readonly pauses: Pauses;
  /** Who shows something else of a document, in place of these colours. */
  readonly others: readonly OtherColours[];
}

/** What was inserted, what something changes: colours that stand alone. */
export interface OtherColours {
  isShown(document: vscode.TextDocument): boolean;
  readonly onDidChange: vscode.Event<vscode.TextDocument>;
}

interface Drawn {
  readonly types: BandTypeSet;
  ruler: readonly Span[] | undefined;
  /** Of the document, at the last draw. */
  version: number;
  /** What was written last for each type. */
  readonly spans: Map<vscode.TextEditorDecorationType, readonly Span[]>;
}

/**
 * Colours in every visible editor. Each draw writes every band that is another than what stands there, empty ones too, so nothing lingers; the
 * work grows with the screen, not with the text.
 */
export class DecorationView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #shown: Shown;
  readonly #others: readonly OtherColours[];
  readonly #types = this.#store.add(new BandTypes());
  /** What an editor shows: what is the same need not be written again. */
  readonly #drawn = new WeakMap<vscode.TextEditor, Drawn>();
  readonly #scrolled = new Set<vscode.TextEditor>();
  #scrollTimer: NodeJS.Timeout | undefined;

  constructor({ scored, shown, pauses, others }: DecorationParts) {
    this.#shown = shown;
    this.#others = others;
    const drawAll = pauses.timed('draw', () => this.#drawAll());
    const drawDocument = pauses.timed('draw', (document: vscode.TextDocument) => this.#drawDocument(document));
    this.#store.add(scored.onDidChange(drawDocument));
    this.#store.add(shown.onDidChange(drawDocument));
    for (const other of others) this.#store.add(other.onDidChange(drawDocument));
    this.#store.add(shown.onDidChangeOverview(pauses.timed('draw', document => this.#drawRuler(document))));
    this.#store.add(vscode.window.onDidChangeVisibleTextEditors(drawAll));
    this.#store.add(this.#types.onDidReplace(drawAll));
    this.#store.add(
      vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        this.#scrolled.add(textEditor);
        this.#scrollTimer ??= setTimeout(() => {
          pauses.time('scroll', () => this.#drawScrolled());
        }, scrollPauseMs);
      }),
    );
    this.#drawAll();
  }

  dispose(): void {
    clearTimeout(this.#scrollTimer);
    this.#store.dispose();
  }

  #drawAll(): void {
    for (const editor of vscode.window.visibleTextEditors) this.#draw(editor);
  }

  #drawDocument(document: vscode.TextDocument): void {
    for (const editor of editorsOf(document)) this.#draw(editor);
  }

  #drawScrolled(): void {
    this.#scrollTimer = undefined;
    for (const editor of this.#scrolled) if (vscode.window.visibleTextEditors.includes(editor)) this.#draw(editor);
    this.#scrolled.clear();
  }

  #draw(editor: vscode.TextEditor): void {
    const { document } = editor;
    if (!this.#shown.view(document) || this.#others.some(other => other.isShown(document))) return this.#clear(editor);
    const look = this.#shown.look(document);
    const drawn = this.#drawnWith(editor, this.#types.of(look));
    const text = document.getText(); // VS Code keeps it until the next edit
    const visible = drawnSpans(
      text,
      editor.visibleRanges.map(range => linesOf(document, range.start.line, range.end.line)),
    );
    const margin = drawnSpans(
      text,
      visible.map(span => widened(document, span)),
    );
    const ruler = this.#shown.overview(document)?.ruler ?? noSpans;
    const marks = this.#shown.marksIn(document, margin);
    const painting = paint({ text, marks, muted: look.muted, visible, margin, takenRanges: ruler.length + stretchRanges });
    const write = (type: vscode.TextEditorDecorationType, spans: readonly Span[] = []) => {
      const before = drawn.spans.get(type) ?? [];
      // An edit may move, cut or take away ranges, but makes none.
      const isSame = spans.length === 0 ? before.length === 0 : drawn.version === document.version && areSame(spans, before);
      if (isSame) return;
      editor.setDecorations(type, rangesOf(document, spans));
      drawn.spans.set(type, spans);
    };
    for (const [band, type] of drawn.types.bands.entries()) {
      write(type.current, painting.current[band]);
      write(type.stale, painting.stale[band]);
      write(type.gutter, painting.gutter[band]);
    }
    write(drawn.types.muted, painting.muted);
    drawn.version = document.version;
    this.#showRuler(editor, ruler);
  }

  /** What the editor shows, without that of another look. */
  #drawnWith(editor: vscode.TextEditor, types: BandTypeSet): Drawn {
    const drawn = this.#drawn.get(editor);
    if (drawn?.types === types) return drawn;
    this.#clear(editor);
    const blank: Drawn = { types, ruler: undefined, version: editor.document.version, spans: new Map() };
    this.#drawn.set(editor, blank);
    return blank;
  }

  #drawRuler(document: vscode.TextDocument): void {
    const ruler = this.#shown.overview(document)?.ruler ?? noSpans;
    for (const editor of editorsOf(document)) {
      // The text may have taken what the ruler needs now of the ranges that an editor can have.
      if (ruler.length === this.#drawn.get(editor)?.ruler?.length) this.#showRuler(editor, ruler);
      else this.#draw(editor);
    }
  }

  #showRuler(editor: vscode.TextEditor, spans: readonly Span[]): void {
    const drawn = this.#drawn.get(editor);
    if (!drawn || drawn.ruler === spans) return;
    drawn.ruler = spans;
    editor.setDecorations(drawn.types.ruler, rangesOf(editor.document, spans));
  }

  #clear(editor: vscode.TextEditor): void {
    for (const type of this.#drawn.get(editor)?.types.all ?? []) editor.setDecorations(type, []);
    this.#drawn.delete(editor);
  }
}

function areSame(a: readonly Span[], b: readonly Span[]): boolean {
  const isAt = ({ start, end }: Span, other: Span | undefined) => other?.start === start && other.end === end;
  return a.length === b.length && a.every((span, index) => isAt(span, b[index]));
}

function editorsOf(document: vscode.TextDocument): readonly vscode.TextEditor[] {
  return vscode.window.visibleTextEditors.filter(editor => editor.document === document);
}

function rangesOf(document: vscode.TextDocument, spans: readonly Span[] = []): vscode.Range[] {
  return spans.map(span => new vscode.Range(document.positionAt(span.start), document.positionAt(span.end)));
}

/** Whole lines. */
function linesOf(document: vscode.TextDocument, firstLine: number, lastLine: number): Span {
  const end = document.validatePosition(new vscode.Position(lastLine + 1, 0));
  return { start: document.offsetAt(new vscode.Position(firstLine, 0)), end: document.offsetAt(end) };
}

/** With what is painted before it is scrolled to. */
function widened(document: vscode.TextDocument, { start, end }: Span): Span {
  const firstLine = Math.max(0, document.positionAt(start).line - marginLines);
  const lines = linesOf(document, firstLine, document.positionAt(end).line + marginLines);
  return { start: Math.max(lines.start, start - marginLength), end: Math.min(lines.end, end + marginLength) };
}
