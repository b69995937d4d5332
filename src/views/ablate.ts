import * as vscode from 'vscode';
import type { Config } from '../config';
import { piecesAt } from '../core/ablation';
import { presetOf } from '../core/band';
import type { PieceKind } from '../core/ablation';
import { differencePieces, endOfReading, followingRows } from '../core/difference';
import type { ScoreTable, Span } from '../core/scores';
import type { LeftOut } from '../leftOut';
import type { Filler, Rows } from '../model/contextProtocol';
import { showInformationMessage } from '../notices';
import type { ScoredDocuments } from '../scoredDocuments';
import type { DifferenceView } from './differenceView';
import type { LongReading } from './longReading';
import { activeEditor, excerpt, selectionOf } from './places';

export interface AblationParts {
  readonly scored: Pick<ScoredDocuments, 'ask' | 'view'>;
  readonly leftOut: Pick<LeftOut, 'ensure'>;
  readonly config: Pick<Config, 'scoringSettings'>;
  readonly difference: DifferenceView;
  readonly reading: LongReading;
}

/** What is left out, what is read in its place, and what that is called. */
interface Ablation {
  readonly span: Span;
  readonly text: string;
  readonly title: string;
}

/** Shows what the text after a piece would be to the model if the piece were not there. `asked`: a span, and a text in its place, by another than the user. */
export async function ablateSelection(asked: unknown, parts: AblationParts): Promise<void> {
  const editor = activeEditor();
  if (!editor) return;
  const ablation = ablationOf(asked, editor.document) ?? (await pickAblation(editor, parts.leftOut));
  if (ablation) await ablate(editor.document, ablation, parts);
}

async function ablate(document: vscode.TextDocument, { span, text, title }: Ablation, parts: AblationParts): Promise<void> {
  const { scored, config, difference, reading } = parts;
  const { version } = document;
  const key = JSON.stringify(['ablation', span.start, span.end, text]);
  await difference.show(document, key, async stop => {
    const { contextTokens } = config.scoringSettings;
    // Both texts, each up to a window.
    const tokens = 2 * Math.min(contextTokens, reading.tokensOf(document.getText().length));
    const question = { edit: { ...span, text }, followingTokens: contextTokens, wholeEdit: true, oneWindow: true };
    const found = await reading.run(title, tokens, signal => scored.ask(document, 'try', question, signal, { finest: true }), stop);
    if (!found) return undefined;
    const { result, provenance } = found;
    const pieces = differencePieces(followingRows(result.before, result.after));
    if (pieces.length === 0) {
      tellNothingAfter();
      return undefined;
    }
    const readTo = endOfReading(document.getText(), result.before.ends.at(-1));
    return { document, version, title, pieces, source: span, readTo, kind: 'change', provenance };
  });
}

/** Shows which later tokens the selection, or the token at the cursor, makes easier or harder. `asked`: a span and a filler, by another than the user. */
export async function showEffects(asked: unknown, parts: AblationParts): Promise<void> {
  const editor = activeEditor();
  if (!editor) return;
  const { document } = editor;
  const { version } = document;
  const span = spanOf(asked, document) ?? selectionOf(editor);
  const filler = fillerOf(asked) ?? (await pickFiller());
  if (!filler || document.version !== version) return;
  const { scored, difference, reading, config } = parts;
  const key = JSON.stringify(['effects', span.start, span.end, filler]);
  await difference.show(document, key, async stop => {
    const view = scored.view(document);
    const isLaidOut = view?.documentVersion === version;
    const all = reading.tokensOf(document.getText().length);
    const tokens = 2 * Math.min(config.scoringSettings.contextTokens, all);
    const work = async (signal: AbortSignal) => {
      const table = isLaidOut ? view.table : (await scored.ask(document, 'layout', {}, signal)).result;
      const { length } = table.ids;
      const rows = rowsOf({ ...table, length }, span);
      if (!rows) return undefined;
      // Copies: the table's memory is taken over by the next one.
      const source = { start: table.starts[rows.first] ?? 0, end: table.ends[rows.end - 1] ?? 0 };
      const [starts, ends] = [table.starts.slice(rows.end, length), table.ends.slice(rows.end, length)];
      const answer = await scored.ask(document, 'effects', { source: rows, filler, until: length }, signal);
      return { answer, starts, ends, source };
    };
    const found = await reading.run(vscode.l10n.t('Which later tokens does this help?'), tokens, work, stop);
    if (!found || document.version !== version) return undefined;
    const { answer, starts, ends, source } = found;
    const { first, end, surprisalBits: withBits, withoutBits } = answer.result;
    const pieces = differencePieces({ length: end - first, starts, ends, withBits, withoutBits });
    const title = effectTitle(filler, excerpt(document.getText().slice(source.start, source.end), 30));
    const { provenance } = answer;
    if (pieces.length === 0) {
      tellNothingAfter();
      return undefined;
    }
    const readTo = endOfReading(document.getText(), ends[end - first - 1]);
    return { document, version, title, pieces, source, readTo, kind: 'change', provenance };
  });
}

/** The rows of tokens that overlap the span, or hold its place; undefined: there are none. No character is cut. */
function rowsOf({ length, starts, ends }: Pick<ScoreTable, 'length' | 'starts' | 'ends'>, { start, end }: Span): Rows | undefined {
  const until = Math.max(end, start + 1);
  const found = ends.subarray(0, length).findIndex(each => each > start);
  const first = found < 0 ? length - 1 : found; // behind the last token that is the one meant
  if (first < 0) return undefined;
  let last = first + 1;
  while (last < length && ((starts[last] ?? 0) < until || (starts[last] ?? 0) < (ends[last - 1] ?? 0))) last++;
  return { first, end: last };
}

function effectTitle(filler: Filler, text: string): string {
  switch (filler) {
    case 'startToken':
      return vscode.l10n.t('Something unknown in place of “{0}”', text);
    case 'proposals':
      return vscode.l10n.t('What the model expects in place of “{0}”', text);
    case 'deletion':
      return vscode.l10n.t('Without “{0}”', text);
  }
}

function tellNothingAfter(): void {
  void showInformationMessage(vscode.l10n.t('Nothing follows it that the model reads together with it.'));
}

interface PieceItem extends vscode.QuickPickItem {
  readonly piece?: Pick<Ablation, 'span' | 'title'>;
}

async function pickAblation(editor: vscode.TextEditor, leftOut: AblationParts['leftOut']): Promise<Ablation | undefined> {
  const { document } = editor;
  const { version } = document;
  const selection = selectionOf(editor);
  const text = document.getText();
  const regions = await leftOut.ensure(document).catch(() => undefined); // then nobody knows comments
  const selected: readonly PieceItem[] =
    selection.end > selection.start
      ? [itemOf(text, vscode.l10n.t('The selection'), { span: selection, title: vscode.l10n.t('Without the selection') })]
      : [];
  const pieces = [...piecesAt(text, document.offsetAt(editor.selection.active), presetOf(document.languageId) === 'code', regions)].map(
    ([kind, span]) => {
      const { label, title } = pieceInWords(kind);
      return itemOf(text, label, { span, title });
    },
  );
  const items: readonly PieceItem[] = [...selected, ...pieces];
  if (items.length === 0) {
    void showInformationMessage(vscode.l10n.t('There is nothing here that could be left out.'));
    return undefined;
  }
  const instead: PieceItem = { label: vscode.l10n.t('Read other words in its place…') };
  const chosen = await vscode.window.showQuickPick([...items, { label: '', kind: vscode.QuickPickItemKind.Separator }, instead], {
    title: vscode.l10n.t('What would the text after it be without…'),
    placeHolder: vscode.l10n.t('The document stays as it is.'),
  });
  const isReplaced = chosen === instead;
  const title = vscode.l10n.t('Read other words in place of…');
  const { piece } = (isReplaced ? await vscode.window.showQuickPick(items, { title }) : chosen) ?? {};
  const words = piece && (isReplaced ? await askWords(text.slice(piece.span.start, piece.span.end)) : '');
  if (!piece || words === undefined || document.version !== version) return undefined;
  return { span: piece.span, text: words, title: isReplaced ? vscode.l10n.t('With other words in its place') : piece.title };
}

/** White space round a piece stays: only its words are asked for. */
async function askWords(present: string): Promise<string | undefined> {
  const words = present.trim();
  const typed = await vscode.window.showInputBox({
    title: vscode.l10n.t('Words to read in its place'),
    ...(words.includes('\n') ? {} : { value: words }),
  });
  if (typed === undefined) return undefined;
  const start = present.length - present.trimStart().length;
  return present.slice(0, start) + typed + present.slice(start + words.length);
}

function itemOf(text: string, label: string, piece: Pick<Ablation, 'span' | 'title'>): PieceItem {
  return { label, description: excerpt(text.slice(piece.span.start, piece.span.end), 60), piece };
}

function pieceInWords(kind: PieceKind): { readonly label: string; readonly title: string } {
  switch (kind) {
    case 'comment':
      return { label: vscode.l10n.t('The comment'), title: vscode.l10n.t('Without the comment') };
    case 'imports':
      return { label: vscode.l10n.t('The imports'), title: vscode.l10n.t('Without the imports') };
    case 'paragraphAbove':
      return { label: vscode.l10n.t('The paragraph above'), title: vscode.l10n.t('Without the paragraph above') };
    case 'paragraph':
      return { label: vscode.l10n.t('This paragraph'), title: vscode.l10n.t('Without this paragraph') };
    case 'line':
      return { label: vscode.l10n.t('This line'), title: vscode.l10n.t('Without this line') };
  }
}

interface FillerItem extends vscode.QuickPickItem {
  readonly filler: Filler;
}

async function pickFiller(): Promise<Filler | undefined> {
  const items: readonly FillerItem[] = [
    {
      label: vscode.l10n.t('The start token'),
      detail: vscode.l10n.t('The model sees that something is there, not what; everything stays in its place.'),
      filler: 'startToken',
    },
    { label: vscode.l10n.t('Nothing'), detail: vscode.l10n.t('Later tokens move up.'), filler: 'deletion' },
    {
      label: vscode.l10n.t('What the model expects there'),
      detail: vscode.l10n.t('Several texts of its own, averaged by their probability; takes longer.'),
      filler: 'proposals',
    },
  ];
  const title = vscode.l10n.t('What should the model read in its place?');
  return (await vscode.window.showQuickPick(items, { title }))?.filler;
}

function ablationOf(asked: unknown, document: vscode.TextDocument): Ablation | undefined {
  const span = spanOf(asked, document);
  if (!span) return undefined;
  const text = typeof asked === 'object' && asked !== null && 'text' in asked && typeof asked.text === 'string' ? asked.text : '';
  const title = text === '' ? vscode.l10n.t('Without what is struck through') : vscode.l10n.t('With other words in its place');
  return { span, text, title };
}

function spanOf(asked: unknown, document: vscode.TextDocument): Span | undefined {
  if (typeof asked !== 'object' || asked === null || !('start' in asked) || !('end' in asked)) return undefined;
  const { start, end } = asked;
  if (typeof start !== 'number' || typeof end !== 'number' || !Number.isSafeInteger(start) || !Number.isSafeInteger(end)) return undefined;
  return start >= 0 && start <= end && end <= document.getText().length ? { start, end } : undefined;
}

function fillerOf(asked: unknown): Filler | undefined {
  if (typeof asked !== 'object' || asked === null || !('filler' in asked)) return undefined;
  return (['startToken', 'proposals', 'deletion'] as const).find(filler => filler === asked.filler);
}
