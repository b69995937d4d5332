import * as vscode from 'vscode';
import { bandCount } from '../core/band';
import { drawnSpans, paint } from '../core/paint';
import type { Span } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Looks } from '../looks';
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

type Scored = Pick<ScoredDocuments, 'onDidChange' | 'view'>;

export interface DecorationParts {
  readonly scored: Scored;
  readonly looks: Looks;
  readonly shown: Shown;
  readonly pauses: Pauses;
}

/** Colours in every visible editor. Each draw writes every band, empty ones too, so nothing lingers; the work grows with the screen, not with the text. */
export class DecorationView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Scored;
  readonly #looks: Looks;
  readonly #shown: Shown;
  readonly #types = this.#store.add(new BandTypes());
  /** What an editor shows: the marks of its overview ruler are written only when they are others. */
  readonly #drawn = new WeakMap<vscode.TextEditor, { readonly types: BandTypeSet; ruler: readonly Span[] | undefined }>();
  readonly #scrolled = new Set<vscode.TextEditor>();
  #scrollTimer: NodeJS.Timeout | undefined;

  constructor({ scored, looks, shown, pauses }: DecorationParts) {
    this.#scored = scored;
    this.#looks = looks;
    this.#shown = shown;
    const drawAll = pauses.timed('draw', () => this.#drawAll());
    const drawDocument = pauses.timed('draw', (document: vscode.TextDocument) => this.#drawDocument(document));
    this.#store.add(scored.onDidChange(drawDocument));
    this.#store.add(shown.onDidChange(drawDocument));
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
    const drawn = this.#drawn.get(editor);
    if (!this.#scored.view(document)) {
      this.#clear(editor, drawn?.types);
      return;
    }
    const look = this.#looks.of(document);
    const types = this.#types.of(look);
    if (drawn?.types !== types) {
      this.#clear(editor, drawn?.types);
      this.#drawn.set(editor, { types, ruler: undefined });
    }
    const text = document.getText(); // VS Code keeps it until the next edit
    const visible = drawnSpans(
      text,
      editor.visibleRanges.map(range => linesOf(document, range.start.line, range.end.line)),
    );
    const margin = drawnSpans(
      text,
      visible.map(span => widened(document, span)),
    );
    const ruler = this.#shown.overview(document)?.ruler ?? [];
    const marks = this.#shown.marksIn(document, margin);
    const painting = paint({ text, marks, muted: look.muted, visible, margin, takenRanges: ruler.length + stretchRanges });
    for (let band = 0; band < bandCount; band++) {
      const type = types.bands[band];
      if (!type) continue;
      editor.setDecorations(type.current, rangesOf(document, painting.current[band]));
      editor.setDecorations(type.stale, rangesOf(document, painting.stale[band]));
      editor.setDecorations(type.gutter, rangesOf(document, painting.gutter[band]));
    }
    editor.setDecorations(types.muted, rangesOf(document, painting.muted));
    this.#showRuler(editor, ruler);
  }

  #drawRuler(document: vscode.TextDocument): void {
    const ruler = this.#shown.overview(document)?.ruler ?? [];
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

  #clear(editor: vscode.TextEditor, types: BandTypeSet | undefined): void {
    for (const type of types?.all ?? []) editor.setDecorations(type, []);
    this.#drawn.delete(editor);
  }
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
