import * as vscode from 'vscode';
import type { Span } from '../core/scores';
import { isScored, stretchParts } from '../core/stretches';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { isHighContrast } from './bandTypes';
import type { StretchFinder } from './stretchFinder';

/** Ranges of one editor, beside those of the colours. */
export const stretchRanges = 100;
const marginLines = 60;
const scrollPauseMs = 40;

interface StretchTypes {
  readonly current: vscode.TextEditorDecorationType;
  /** Of scores of before an edit: the same, fainter. */
  readonly stale: vscode.TextEditorDecorationType;
}

/** Predictable stretches in every visible editor, in a style of their own. */
export class StretchPainter implements Disposable {
  readonly #store = new DisposableStore();
  readonly #finder: StretchFinder;
  readonly #scored: Pick<ScoredDocuments, 'view'>;
  #highContrast = isHighContrast();
  #types = createTypes(this.#highContrast);
  #timer: NodeJS.Timeout | undefined;

  constructor(finder: StretchFinder, scored: Pick<ScoredDocuments, 'onDidChange' | 'view'>, pauses: Pauses) {
    this.#finder = finder;
    this.#scored = scored;
    const drawSoon = () => {
      this.#timer ??= setTimeout(
        pauses.timed('draw', () => {
          this.#timer = undefined;
          for (const editor of vscode.window.visibleTextEditors) this.#draw(editor);
        }),
        scrollPauseMs,
      );
    };
    this.#store.add(finder.onDidChange(drawSoon));
    this.#store.add(
      scored.onDidChange(() => {
        if (finder.isOn) drawSoon();
      }),
    );
    this.#store.add(vscode.window.onDidChangeVisibleTextEditors(drawSoon));
    this.#store.add(
      vscode.window.onDidChangeTextEditorVisibleRanges(() => {
        if (finder.isOn) drawSoon();
      }),
    );
    this.#store.add(
      vscode.window.onDidChangeActiveColorTheme(() => {
        if (this.#highContrast === isHighContrast()) return;
        this.#highContrast = isHighContrast();
        disposeAll(this.#types);
        this.#types = createTypes(this.#highContrast);
        drawSoon();
      }),
    );
    drawSoon();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    disposeAll(this.#types);
    this.#store.dispose();
  }

  #draw(editor: vscode.TextEditor): void {
    const { document } = editor;
    const view = this.#finder.isOn ? this.#scored.view(document) : undefined;
    const stretches = (view && this.#finder.of(document)) ?? [];
    const linesAround = (marginLines: number) =>
      editor.visibleRanges.map(({ start, end }) => ({
        start: document.offsetAt(new vscode.Position(Math.max(0, start.line - marginLines), 0)),
        end: document.offsetAt(document.validatePosition(new vscode.Position(end.line + marginLines + 1, 0))),
      }));
    const parts = view ? stretchParts(document.getText(), stretches, linesAround(0), linesAround(marginLines), stretchRanges) : [];
    const isCurrent = (part: Span) => view !== undefined && isScored(view, part);
    editor.setDecorations(this.#types.current, rangesOf(document, parts.filter(isCurrent)));
    editor.setDecorations(
      this.#types.stale,
      rangesOf(
        document,
        parts.filter(part => !isCurrent(part)),
      ),
    );
  }
}

function rangesOf(document: vscode.TextDocument, spans: readonly Span[]): vscode.Range[] {
  return spans.map(({ start, end }) => new vscode.Range(document.positionAt(start), document.positionAt(end)));
}

function createTypes(highContrast: boolean): StretchTypes {
  return {
    current: createType(highContrast, colour => colour),
    stale: createType(highContrast, colour => `color-mix(in srgb, ${colour} 45%, transparent)`),
  };
}

/** Dots, unlike the dashes and lines of surprising text, and a neutral tint; in high contrast a dotted border. */
function createType(highContrast: boolean, shade: (colour: string) => string): vscode.TextEditorDecorationType {
  const line = shade('var(--vscode-tokenLens-stretchUnderline)');
  const rangeBehavior = vscode.DecorationRangeBehavior.ClosedClosed;
  if (highContrast) return vscode.window.createTextEditorDecorationType({ border: `1px dotted ${line}`, rangeBehavior });
  return vscode.window.createTextEditorDecorationType({
    backgroundColor: shade('var(--vscode-tokenLens-stretchBackground)'),
    borderRadius: '3px',
    textDecoration: `underline dotted 1.5px ${line}; text-underline-offset: 3px; text-decoration-skip-ink: none`,
    rangeBehavior,
  });
}

function disposeAll({ current, stale }: StretchTypes): void {
  current.dispose();
  stale.dispose();
}
