import * as vscode from 'vscode';
import type { Span } from '../core/scores';
import type { Disposable } from '../disposable';
import { safeLine } from '../exports/visibleText';
import { setStatusBarMessage, showInformationMessage } from '../notices';
import type { ScoredDocuments } from '../scoredDocuments';

/** A place that was gone to is marked for so long. */
const markMs = 1_500;

export type Direction = 'next' | 'previous';

/** A place in one version of a document: what a click in a list carries. */
export interface Place extends Span {
  readonly uri: string;
  readonly version: number;
}

/** The message with a word on having gone round. */
export function inDirection(message: string, direction: Direction, wrapped: boolean): string {
  if (!wrapped) return message;
  return direction === 'next' ? vscode.l10n.t('First again: {0}', message) : vscode.l10n.t('Last again: {0}', message);
}

/** The active editor, if the lens is on for it; else says what to do. */
export function editorWithLens(scored: Pick<ScoredDocuments, 'isOn'>): vscode.TextEditor | undefined {
  const editor = activeEditor();
  if (!editor || scored.isOn(editor.document)) return editor;
  void showInformationMessage(vscode.l10n.t('Turn the lens on for this document first.'));
  return undefined;
}

/** The active editor, or another that is meant where there is none; else says what to do. */
export function activeEditor(otherwise?: vscode.TextEditor): vscode.TextEditor | undefined {
  const editor = vscode.window.activeTextEditor ?? otherwise;
  if (!editor) void showInformationMessage(vscode.l10n.t('Open a document first.'));
  return editor;
}

/** Brings places to the screen and marks each for a moment. */
export class PlaceMark implements Disposable {
  readonly #look: vscode.TextEditorDecorationType;
  #timer: NodeJS.Timeout | undefined;

  constructor(look: vscode.DecorationRenderOptions = {}) {
    const backgroundColor = new vscode.ThemeColor('editor.rangeHighlightBackground');
    this.#look = vscode.window.createTextEditorDecorationType({ backgroundColor, ...look });
  }

  /** In these editors, and in no other any more. */
  show(editors: readonly vscode.TextEditor[], range: vscode.Range): void {
    for (const editor of editors) editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.#draw(editors, range);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#draw([], range), markMs);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#look.dispose();
  }

  #draw(editors: readonly vscode.TextEditor[], range: vscode.Range): void {
    for (const editor of vscode.window.visibleTextEditors) editor.setDecorations(this.#look, editors.includes(editor) ? [range] : []);
  }
}

/** UTF-16. */
export function selectionOf({ document, selection }: vscode.TextEditor): Span {
  return { start: document.offsetAt(selection.start), end: document.offsetAt(selection.end) };
}

/** With the cursor at the beginning: the hover by keys, the alternatives and the panel are of what is selected then, not of what comes after it. */
export function select(editor: vscode.TextEditor, span: Span): void {
  const { document } = editor;
  const range = new vscode.Range(document.positionAt(span.start), document.positionAt(span.end));
  editor.selection = new vscode.Selection(range.end, range.start);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Opens a document where it is shown already, else in the active column, and selects the span. */
export async function showSpan(document: vscode.TextDocument, span: Span): Promise<void> {
  const shown = vscode.window.visibleTextEditors.find(editor => editor.document === document);
  const viewColumn = shown?.viewColumn;
  select(await vscode.window.showTextDocument(document, viewColumn === undefined ? {} : { viewColumn }), span);
}

/** What a list's entry runs when it is chosen. A place of another version is refused: the list is made anew already. */
export async function goToPlace(place: unknown): Promise<void> {
  if (!isPlace(place)) return;
  const document = vscode.workspace.textDocuments.find(open => open.uri.toString() === place.uri);
  if (document?.version !== place.version) {
    setStatusBarMessage(vscode.l10n.t('The text has changed; the list is being made anew.'), 5_000);
    return;
  }
  await showSpan(document, place);
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  const { uri, version, start, end } = value as Partial<Record<keyof Place, unknown>>;
  return typeof uri === 'string' && [version, start, end].every(Number.isSafeInteger);
}

/** What a list's entry shows of a piece of text: one line, not too long, in which nothing hides and nothing turns the direction of the rest. */
export function excerpt(text: string, most = 100): string {
  const line = safeLine(text);
  return line.length <= most ? line : `${line.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;
}
