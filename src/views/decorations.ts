import * as vscode from 'vscode';
import type { Config } from '../config';
import { bandCount } from '../core/band';
import { mergedCells, noCells } from '../core/cells';
import type { Cells } from '../core/cells';
import { paint, rulerSpans } from '../core/paint';
import type { Span } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { LeftOut } from '../leftOut';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { BandTypes } from './bandTypes';

/** Lines above and below the screen that are painted before they are scrolled to. */
const marginLines = 60;
/** Scrolling fires with every line; the margin covers this long. */
const scrollPauseMs = 40;
/**
 * The overview ruler is about the whole document, so its marks are made at most so often. VS Code moves them with edits, and by then the
 * tokens of an edited text have mostly come: made at once, the marks below every edit would go and come back.
 */
const rulerPauseMs = 500;

type Shown = Pick<LeftOut, 'onDidChange' | 'shown'>;
type Scored = Pick<ScoredDocuments, 'onDidChange' | 'view'>;

/** Marks of a document in the overview rulers of its editors. */
interface Ruler {
  spans: readonly Span[];
  timer: NodeJS.Timeout | undefined;
}

/** Colours in every visible editor. Each draw writes every band, empty ones too, so nothing lingers; the work grows with the screen, not with the text. */
export class DecorationView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Scored;
  readonly #leftOut: Shown;
  readonly #config: Config;
  readonly #pauses: Pauses;
  readonly #types = this.#store.add(new BandTypes());
  readonly #rulers = new Map<string, Ruler>();
  /** The marks that an editor shows. */
  readonly #shownRulers = new WeakMap<vscode.TextEditor, readonly Span[]>();
  readonly #scrolled = new Set<vscode.TextEditor>();
  #scrollTimer: NodeJS.Timeout | undefined;

  constructor(scored: Scored, leftOut: Shown, config: Config, pauses: Pauses) {
    this.#scored = scored;
    this.#leftOut = leftOut;
    this.#config = config;
    this.#pauses = pauses;
    const drawAll = pauses.timed('draw', () => this.#drawAll());
    const draw = pauses.timed('draw', (document: vscode.TextDocument) => this.#drawDocument(document));
    this.#store.add(scored.onDidChange(draw));
    this.#store.add(leftOut.onDidChange(draw));
    this.#store.add(vscode.window.onDidChangeVisibleTextEditors(drawAll));
    this.#store.add(this.#types.onDidReplace(drawAll));
    this.#store.add(config.onDidChange(drawAll));
    this.#store.add(
      vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        this.#scrolled.add(textEditor);
        this.#scrollTimer ??= setTimeout(() => {
          pauses.time('scroll', () => this.#drawScrolled());
        }, scrollPauseMs);
      }),
    );
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => this.#forgetRuler(document)));
    this.#drawAll();
  }

  dispose(): void {
    clearTimeout(this.#scrollTimer);
    for (const { timer } of this.#rulers.values()) clearTimeout(timer);
    this.#store.dispose();
  }

  #drawAll(): void {
    for (const document of new Set(vscode.window.visibleTextEditors.map(editor => editor.document))) this.#drawDocument(document);
  }

  #drawDocument(document: vscode.TextDocument): void {
    const editors = editorsOf(document);
    if (editors.length === 0) return;
    if (this.#scored.view(document)) this.#scheduleRuler(document);
    else this.#forgetRuler(document);
    for (const editor of editors) this.#draw(editor);
  }

  #drawScrolled(): void {
    this.#scrollTimer = undefined;
    for (const editor of this.#scrolled) if (vscode.window.visibleTextEditors.includes(editor)) this.#draw(editor);
    this.#scrolled.clear();
  }

  #draw(editor: vscode.TextEditor): void {
    const { document } = editor;
    const view = this.#scored.view(document);
    if (!view) {
      for (const type of this.#types.all) editor.setDecorations(type, []);
      this.#shownRulers.delete(editor);
      return;
    }
    const visible = editor.visibleRanges.map(range => spanOf(document, range.start.line, range.end.line));
    const margin = editor.visibleRanges.map(range => spanOf(document, range.start.line - marginLines, range.end.line + marginLines));
    const ruler = this.#rulers.get(keyOf(document))?.spans ?? [];
    const painting = paint({
      text: document.getText(), // VS Code keeps it until the next edit
      cells: this.#leftOut.shown(
        document,
        cellsInAll(margin, span => view.cellsIn(span)),
      ),
      stale: this.#leftOut.shown(
        document,
        cellsInAll(margin, span => view.staleIn(span)),
      ),
      edges: this.#config.bandEdges(document),
      visible,
      margin,
      rulerCount: ruler.length,
    });
    for (let band = 0; band < bandCount; band++) {
      const types = this.#types.bands[band];
      if (!types) continue;
      editor.setDecorations(types.current, rangesOf(document, painting.current[band]));
      editor.setDecorations(types.stale, rangesOf(document, painting.stale[band]));
    }
    this.#showRuler(editor, ruler);
  }

  #scheduleRuler(document: vscode.TextDocument): void {
    const key = keyOf(document);
    const ruler = this.#rulers.get(key) ?? { spans: [], timer: undefined };
    this.#rulers.set(key, ruler);
    ruler.timer ??= setTimeout(() => {
      ruler.timer = undefined;
      this.#pauses.time('draw', () => this.#drawRuler(document, ruler));
    }, rulerPauseMs);
  }

  #drawRuler(document: vscode.TextDocument, ruler: Ruler): void {
    const view = this.#scored.view(document);
    const editors = editorsOf(document);
    if (!view || editors.length === 0) return;
    const edges = this.#config.bandEdges(document);
    const [, , , , topEdge] = edges;
    ruler.spans = rulerSpans(document.getText(), this.#leftOut.shown(document, view.cellsFrom(topEdge)), edges);
    for (const editor of editors) this.#showRuler(editor, ruler.spans);
  }

  #showRuler(editor: vscode.TextEditor, spans: readonly Span[]): void {
    if (this.#shownRulers.get(editor) === spans) return;
    this.#shownRulers.set(editor, spans);
    editor.setDecorations(this.#types.ruler, rangesOf(editor.document, spans));
  }

  #forgetRuler(document: vscode.TextDocument): void {
    const key = keyOf(document);
    clearTimeout(this.#rulers.get(key)?.timer);
    this.#rulers.delete(key);
  }
}

function keyOf(document: vscode.TextDocument): string {
  return document.uri.toString();
}

function editorsOf(document: vscode.TextDocument): readonly vscode.TextEditor[] {
  return vscode.window.visibleTextEditors.filter(editor => editor.document === document);
}

function rangesOf(document: vscode.TextDocument, spans: readonly Span[] = []): vscode.Range[] {
  return spans.map(span => new vscode.Range(document.positionAt(span.start), document.positionAt(span.end)));
}

/** Where lines between them are folded, an editor shows several places. */
function cellsInAll(spans: readonly Span[], cellsIn: (span: Span) => Cells): Cells {
  return spans.map(cellsIn).reduce(mergedCells, noCells);
}

/** Whole lines, clamped to the document. */
function spanOf(document: vscode.TextDocument, firstLine: number, lastLine: number): Span {
  const end = document.validatePosition(new vscode.Position(lastLine + 1, 0));
  return { start: document.offsetAt(new vscode.Position(Math.max(0, firstLine), 0)), end: document.offsetAt(end) };
}
