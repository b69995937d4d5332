import * as vscode from 'vscode';
import type { Config } from '../config';
import { bandCount } from '../core/band';
import type { BandEdges } from '../core/band';
import { paint, rulerSpans } from '../core/paint';
import type { Span } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { DocumentView } from '../scoredDocument';
import type { ScoredDocuments } from '../scoredDocuments';
import { BandTypes } from './bandTypes';

/** Lines above and below the screen that are painted before they are scrolled to. */
const marginLines = 60;
/** Scrolling fires with every line; the margin covers this long. */
const scrollPauseMs = 40;

type Scored = Pick<ScoredDocuments, 'isOn' | 'onDidChange' | 'view'>;

/** Colours in every visible editor. Each draw writes every band, empty ones too, so nothing lingers. */
export class DecorationView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Scored;
  readonly #config: Config;
  readonly #types = this.#store.add(new BandTypes());
  readonly #documents = new Map<string, DocumentPaint>();
  readonly #scrolled = new Set<vscode.TextEditor>();
  #scrollTimer: NodeJS.Timeout | undefined;

  constructor(scored: Scored, config: Config) {
    this.#scored = scored;
    this.#config = config;
    const drawAll = () => {
      this.#drawAll();
    };
    this.#store.add(
      scored.onDidChange(document => {
        for (const editor of vscode.window.visibleTextEditors) if (editor.document === document) this.#draw(editor);
      }),
    );
    this.#store.add(vscode.window.onDidChangeVisibleTextEditors(drawAll));
    this.#store.add(this.#types.onDidReplace(drawAll));
    this.#store.add(config.onDidChange(drawAll));
    this.#store.add(
      vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        this.#scrolled.add(textEditor);
        this.#scrollTimer ??= setTimeout(() => {
          this.#drawScrolled();
        }, scrollPauseMs);
      }),
    );
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => this.#documents.delete(document.uri.toString())));
    this.#drawAll();
  }

  dispose(): void {
    clearTimeout(this.#scrollTimer);
    this.#store.dispose();
  }

  #drawAll(): void {
    for (const editor of vscode.window.visibleTextEditors) this.#draw(editor);
  }

  #drawScrolled(): void {
    this.#scrollTimer = undefined;
    for (const editor of this.#scrolled) if (vscode.window.visibleTextEditors.includes(editor)) this.#draw(editor);
    this.#scrolled.clear();
  }

  #draw(editor: vscode.TextEditor): void {
    const { document } = editor;
    const view = this.#scored.isOn(document) ? this.#scored.view(document) : undefined;
    if (!view) {
      this.#documents.delete(document.uri.toString());
      for (const type of this.#types.all) editor.setDecorations(type, []);
      return;
    }
    const { text, ruler, edges } = this.#paintOf(document, view);
    const visible = editor.visibleRanges.map(range => spanOf(document, range.start.line, range.end.line));
    const margin = editor.visibleRanges.map(range => spanOf(document, range.start.line - marginLines, range.end.line + marginLines));
    const painting = paint({ text, cells: view.cells, stale: view.stale, edges, visible, margin, rulerCount: ruler.length });
    const ranges = (spans: readonly Span[] = []) =>
      spans.map(span => new vscode.Range(document.positionAt(span.start), document.positionAt(span.end)));
    for (let band = 0; band < bandCount; band++) {
      const types = this.#types.bands[band];
      if (!types) continue;
      editor.setDecorations(types.current, ranges(painting.current[band]));
      editor.setDecorations(types.stale, ranges(painting.stale[band]));
    }
    editor.setDecorations(this.#types.ruler, ranges(ruler));
  }

  /** Text and overview ruler of a document: the same for all its editors and while they scroll, and slow to make anew for large ones. */
  #paintOf(document: vscode.TextDocument, view: DocumentView): DocumentPaint {
    const key = document.uri.toString();
    const edges = this.#config.bandEdges(document);
    const known = this.#documents.get(key);
    if (known?.version === document.version && known.cells === view.cells && known.edges.join() === edges.join()) return known;
    const text = known?.version === document.version ? known.text : document.getText();
    const made = { version: document.version, cells: view.cells, edges, text, ruler: rulerSpans(text, view.cells, edges) };
    this.#documents.set(key, made);
    return made;
  }
}

interface DocumentPaint {
  readonly version: number;
  readonly cells: DocumentView['cells'];
  readonly edges: BandEdges;
  readonly text: string;
  readonly ruler: readonly Span[];
}

/** Whole lines, clamped to the document. */
function spanOf(document: vscode.TextDocument, firstLine: number, lastLine: number): Span {
  const end = document.validatePosition(new vscode.Position(lastLine + 1, 0));
  return { start: document.offsetAt(new vscode.Position(Math.max(0, firstLine), 0)), end: document.offsetAt(end) };
}
