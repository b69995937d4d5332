import * as vscode from 'vscode';
import { mutedOpacity } from '../core/look';
import { drawnSpans, rangeLimit } from '../core/paint';
import type { Span } from '../core/scores';
import { signedBandCount, signedMarks } from '../core/signedBands';
import type { Sign, SignedPiece } from '../core/signedBands';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Pauses } from '../pauses';
import { isHighContrast, underline, variable } from './bandTypes';

/** Lines above and below the screen that are painted before they are scrolled to. */
const marginLines = 40;
const scrollPauseMs = 40;
/** Of all ranges, those that line ends, source and target may take. */
const otherRanges = 200;

/** A piece of text with a difference in bits, positive where something helps it; ascending, without overlap. */
export interface PaintedPiece extends SignedPiece {
  /** Read only where it is painted. */
  readonly hover?: vscode.MarkdownString | undefined;
}

export interface SignedPaintOptions {
  /** Smaller differences are grey: nobody knows whether they are real. 0: all are. */
  readonly noiseBits: number;
  /** What is left out: struck through. */
  readonly source?: Span | undefined;
  /** What it is about: outlined. */
  readonly target?: Span | undefined;
  /** What stands behind a line, by its number from 0. */
  readonly lineEnds?: ReadonlyMap<number, string> | undefined;
}

interface Painted {
  readonly document: vscode.TextDocument;
  readonly pieces: readonly PaintedPiece[];
  readonly options: SignedPaintOptions;
}

interface SignedTypes {
  /** Index 0 is band 1. */
  readonly helps: readonly vscode.TextEditorDecorationType[];
  readonly hinders: readonly vscode.TextEditorDecorationType[];
  readonly noise: vscode.TextEditorDecorationType;
  /** Nothing to be seen: it carries a hover. */
  readonly plain: vscode.TextEditorDecorationType;
  readonly source: vscode.TextEditorDecorationType;
  readonly target: vscode.TextEditorDecorationType;
  readonly lineEnd: vscode.TextEditorDecorationType;
}

/**
 * Differences in bits on the text itself: one hue where something helps, another where it hinders, and other lines below them, so that colour is
 * not the only sign. One document at a time, in all of its editors; an edit of it takes everything away.
 */
export class SignedPaint implements Disposable {
  readonly #store = new DisposableStore();
  #highContrast = isHighContrast();
  #types = createTypes(this.#highContrast);
  #painted: Painted | undefined;
  #scrollTimer: NodeJS.Timeout | undefined;

  constructor(pauses: Pauses) {
    const { window, workspace } = vscode;
    const draw = pauses.timed('draw', () => this.#draw());
    this.#store.add(window.onDidChangeVisibleTextEditors(draw));
    this.#store.add(
      window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        if (textEditor.document !== this.#painted?.document) return;
        this.#scrollTimer ??= setTimeout(() => {
          this.#scrollTimer = undefined;
          draw();
        }, scrollPauseMs);
      }),
    );
    this.#store.add(
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (document === this.#painted?.document && contentChanges.length > 0) this.clear();
      }),
    );
    this.#store.add(
      workspace.onDidCloseTextDocument(document => {
        // Another language mode closes a document that its editors go on to show, and opens it again.
        if (document === this.#painted?.document && document.isClosed) this.clear();
      }),
    );
    this.#store.add(
      window.onDidChangeActiveColorTheme(() => {
        if (this.#highContrast === isHighContrast()) return;
        this.#highContrast = isHighContrast();
        disposeAll(this.#types);
        this.#types = createTypes(this.#highContrast);
        this.#draw();
      }),
    );
  }

  show(editor: vscode.TextEditor, pieces: readonly PaintedPiece[], options: SignedPaintOptions): void {
    if (this.#painted && this.#painted.document !== editor.document) this.clear();
    this.#painted = { document: editor.document, pieces, options };
    this.#draw();
  }

  clear(): void {
    const document = this.#painted?.document;
    this.#painted = undefined;
    for (const editor of vscode.window.visibleTextEditors)
      if (editor.document === document) for (const type of allOf(this.#types)) editor.setDecorations(type, []);
  }

  dispose(): void {
    clearTimeout(this.#scrollTimer);
    disposeAll(this.#types);
    this.#store.dispose();
  }

  #draw(): void {
    const painted = this.#painted;
    if (!painted) return;
    for (const editor of vscode.window.visibleTextEditors) if (editor.document === painted.document) this.#drawIn(editor, painted);
  }

  #drawIn(editor: vscode.TextEditor, { document, pieces, options }: Painted): void {
    const text = document.getText();
    const rangeOf = ({ start, end }: Span) => new vscode.Range(document.positionAt(start), document.positionAt(end));
    const lines = editor.visibleRanges.map(({ start, end }) => ({
      first: Math.max(0, start.line - marginLines),
      last: Math.min(document.lineCount - 1, end.line + marginLines),
    }));
    const places = drawnSpans(
      text,
      lines.map(({ first, last }) => ({
        start: document.offsetAt(new vscode.Position(first, 0)),
        end: document.offsetAt(document.lineAt(last).range.end),
      })),
    );
    const ranges = new Map<vscode.TextEditorDecorationType, vscode.DecorationOptions[]>(allOf(this.#types).map(type => [type, []]));
    for (const { span, band, piece } of signedMarks(text, pieces, places, options.noiseBits, rangeLimit - otherRanges)) {
      const hoverMessage = pieces[piece]?.hover;
      if (band === 'plain' && !hoverMessage) continue;
      const type = typeof band === 'string' ? this.#types[band] : this.#types[band.sign][band.band - 1];
      if (type) ranges.get(type)?.push({ range: rangeOf(span), ...(hoverMessage ? { hoverMessage } : {}) });
    }
    if (options.source) ranges.get(this.#types.source)?.push({ range: rangeOf(options.source) });
    if (options.target) ranges.get(this.#types.target)?.push({ range: rangeOf(options.target) });
    const lineEnds = ranges.get(this.#types.lineEnd);
    for (const { first, last } of lines)
      for (let line = first; line <= last; line++) {
        const contentText = options.lineEnds?.get(line);
        if (contentText === undefined || !lineEnds || lineEnds.length >= otherRanges - 2) continue;
        const { end } = document.lineAt(line).range;
        lineEnds.push({ range: new vscode.Range(end, end), renderOptions: { after: { contentText } } });
      }
    for (const [type, options] of ranges) editor.setDecorations(type, options);
  }
}

const rangeBehavior = vscode.DecorationRangeBehavior.ClosedClosed;

function createTypes(highContrast: boolean): SignedTypes {
  const bandsOf = (sign: Sign) =>
    Array.from({ length: signedBandCount }, (_, index) => {
      // Where there are no tints, the lines tell the bands apart by their thickness; else only the strongest have one.
      const thickness = highContrast ? index + 1 : index - 1;
      const line = `${sign === 'helps' ? 'solid' : 'dashed'} ${thickness.toString()}px`;
      return vscode.window.createTextEditorDecorationType({
        borderRadius: '3px',
        rangeBehavior,
        ...(highContrast ? {} : { backgroundColor: new vscode.ThemeColor(`tokenLens.${sign}${(index + 1).toString()}Background`) }),
        ...(thickness > 0 ? { textDecoration: underline(line, variable(`tokenLens.${sign}Underline`)) } : {}),
      });
    });
  const { createTextEditorDecorationType } = vscode.window;
  return {
    helps: bandsOf('helps'),
    hinders: bandsOf('hinders'),
    noise: createTextEditorDecorationType({ opacity: mutedOpacity.toString(), rangeBehavior }),
    plain: createTextEditorDecorationType({ rangeBehavior }),
    source: createTextEditorDecorationType({ textDecoration: 'line-through', opacity: mutedOpacity.toString(), rangeBehavior }),
    target: createTextEditorDecorationType({
      border: `1px solid ${variable('tokenLens.helpsUnderline')}`,
      borderRadius: '3px',
      rangeBehavior,
    }),
    lineEnd: createTextEditorDecorationType({
      after: { color: new vscode.ThemeColor('descriptionForeground'), margin: '0 0 0 2.5em', fontStyle: 'italic' },
      rangeBehavior,
    }),
  };
}

function allOf({ helps, hinders, ...others }: SignedTypes): readonly vscode.TextEditorDecorationType[] {
  return [...helps, ...hinders, ...Object.values(others)];
}

function disposeAll(types: SignedTypes): void {
  for (const type of allOf(types)) type.dispose();
}
