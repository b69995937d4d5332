import * as vscode from 'vscode';
import type { Looks } from '../looks';
import { formatCount } from '../core/numberText';
import { sliceTable } from '../core/scoreTable';
import type { Span } from '../core/scores';
import { summaryOf } from '../core/report';
import type { DocumentView } from '../documentView';
import { csvHeader, csvRows } from '../exports/csv';
import { html } from '../exports/html';
import { json } from '../exports/json';
import { markdownTable } from '../exports/markdown';
import { partOf, type Report } from '../exports/report';
import { svg } from '../exports/svg';
import { setStatusBarMessage, showErrorMessage, showInformationMessage } from '../notices';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { activeEditor, excerpt } from './places';
import { withProgress } from './progress';
import { errorInWords } from './stateInWords';

/** Text is made for so long at a time, then the extension host can answer others. */
const sliceMs = 8;
/** How long the status bar says what was copied. */
const saidMs = 5_000;

/** What the commands here need. */
export interface ExportParts {
  readonly scored: Pick<ScoredDocuments, 'complete' | 'completeView'>;
  readonly looks: Pick<Looks, 'tokenEdges'>;
  readonly pauses: Pauses;
}

interface Format {
  /** Ending of the file. */
  readonly ending: string;
  readonly name: string;
  readonly write: (report: Report) => Iterable<string>;
}

const formats = {
  csv: { ending: 'csv', name: 'CSV', write: csvOf },
  json: { ending: 'json', name: 'JSON', write: report => json(report) },
  html: { ending: 'html', name: 'HTML', write: html },
  svg: { ending: 'svg', name: 'SVG', write: svg },
} as const satisfies Readonly<Record<string, Format>>;

function* csvOf(report: Report): Generator<string> {
  yield csvHeader([report]);
  yield* csvRows(report, 'token');
}

interface ExportItem extends vscode.QuickPickItem {
  readonly format?: Format;
  readonly isPart?: boolean;
}

/** Asks what to export, and where to; scores what has no scores yet; writes. Only ever scores of the text as it is. */
export async function exportScores(parts: ExportParts): Promise<void> {
  const editor = activeEditor();
  if (!editor) return;
  const { document } = editor;
  const { version } = document;
  const selection = spanOf(document, editor.selection);
  const isEmpty = selection.start === selection.end;
  const chosen = await vscode.window.showQuickPick(exportItems(isEmpty), {
    title: vscode.l10n.t('Export the scores of this document'),
    placeHolder: isEmpty
      ? vscode.l10n.t('Select some text first to export a part of the document or a picture.')
      : vscode.l10n.t('What to export?'),
    matchOnDetail: true,
  });
  if (!chosen?.format) return;
  const { format } = chosen;
  const target = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Export the scores of this document'),
    filters: { [format.name]: [format.ending] },
    ...proposedFile(document, format.ending),
  });
  if (!target) return;
  const report = await currentReport(document, parts);
  if (!report) return;
  if (chosen.isPart === true && document.version !== version) {
    tell(changedMessage());
    return;
  }
  const text = await textOf(format.write(chosen.isPart === true ? partOf(report, selection) : report), parts.pauses);
  try {
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  } catch (error) {
    const reason = error instanceof vscode.FileSystemError ? error.code : '';
    void showErrorMessage(vscode.l10n.t('Token Lens: {0} could not be written. {1}', excerpt(nameOf(target), 60), reason));
    return;
  }
  // Waiting for the message to be closed would keep the command running.
  void offerToOpen(target, format);
}

/** Puts a table of the selection's tokens, or of the line at the cursor, on the clipboard. */
export async function copyAsMarkdown(parts: ExportParts): Promise<void> {
  const editor = activeEditor();
  if (!editor) return;
  const { document } = editor;
  const { version } = document;
  const range = editor.selection.isEmpty ? document.lineAt(editor.selection.active).range : editor.selection;
  if (range.isEmpty) {
    tell(vscode.l10n.t('This line is empty: there is nothing to copy.'));
    return;
  }
  const span = spanOf(document, range);
  const report = await currentReport(document, parts);
  if (!report) return;
  if (document.version !== version) {
    tell(changedMessage());
    return;
  }
  const part = partOf(report, span);
  const words = {
    token: vscode.l10n.t('token'),
    bits: vscode.l10n.t('bits'),
    rank: vscode.l10n.t('rank'),
    expected: vscode.l10n.t('expected'),
  };
  await vscode.env.clipboard.writeText(await textOf(markdownTable(part, words), parts.pauses));
  const tokens = part.table.length;
  const said =
    tokens === 1
      ? vscode.l10n.t('Copied as a Markdown table: 1 token.')
      : vscode.l10n.t('Copied as a Markdown table: {0} tokens.', formatCount(tokens));
  void setStatusBarMessage(said, saidMs);
}

function exportItems(isEmpty: boolean): readonly ExportItem[] {
  const details: Readonly<Record<keyof typeof formats, string>> = {
    csv: vscode.l10n.t('A row for each token, bits in full precision: for spreadsheets and statistics.'),
    json: vscode.l10n.t('All numbers with the alternatives of each token.'),
    html: vscode.l10n.t('A page to explore in any browser, without model and network.'),
    svg: vscode.l10n.t('A picture for slides and papers.'),
  };
  const item = (key: keyof typeof formats, isPart: boolean): ExportItem => ({
    label: formats[key].name,
    detail: details[key],
    format: formats[key],
    isPart,
  });
  const group = (label: string): ExportItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const keys = ['csv', 'json', 'html'] as const;
  return [
    ...(isEmpty
      ? []
      : [
          group(vscode.l10n.t('selection')),
          ...keys.map(key => item(key, true)),
          item('svg', true),
          group(vscode.l10n.t('whole document')),
        ]),
    ...keys.map(key => item(key, false)),
  ];
}

/** Of the document's present text; undefined where there is none, and the user knows why. */
async function currentReport(document: vscode.TextDocument, parts: ExportParts): Promise<Report | undefined> {
  try {
    for (;;) {
      const view = parts.scored.completeView(document.uri.toString());
      if (view) return reportOf(document, view, parts); // at once: after a wait the text may be another one
      const title = vscode.l10n.t('Token Lens: scoring the whole document');
      if (!(await withProgress(title, signal => parts.scored.complete(document, signal)))) return undefined;
    }
  } catch (error) {
    const why = errorInWords(error, 'toggle');
    void showErrorMessage(vscode.l10n.t('Token Lens: this document has no scores to export. {0}', why));
    return undefined;
  }
}

/** Its table is a copy: the view's own goes on with the document's edits. */
function reportOf(
  document: vscode.TextDocument,
  { table, gaps, vocabulary, provenance, summary }: DocumentView,
  parts: ExportParts,
): Report {
  const source = nameOf(document.uri);
  return {
    item: source,
    source,
    text: document.getText(),
    part: undefined,
    table: sliceTable(table, 0, table.length),
    gaps,
    vocabulary,
    windows: undefined,
    summary: summary ?? summaryOf(table, 0),
    provenance,
    edges: parts.looks.tokenEdges(document),
  };
}

/** Pieces joined, in slices of time. */
async function textOf(pieces: Iterable<string>, pauses: Pauses): Promise<string> {
  const iterator = pieces[Symbol.iterator]();
  const done: string[] = [];
  for (let more = true; more;) {
    more = pauses.time('other', () => {
      const end = performance.now() + sliceMs;
      while (performance.now() < end) {
        const next = iterator.next();
        if (next.done === true) return false;
        done.push(next.value);
      }
      return true;
    });
    if (more) await new Promise(resolve => setImmediate(resolve));
  }
  return done.join('');
}

async function offerToOpen(target: vscode.Uri, { ending }: Format): Promise<void> {
  const open = vscode.l10n.t('Open');
  const chosen = await showInformationMessage(vscode.l10n.t('Exported to {0}.', excerpt(placeOf(target), 300)), open);
  if (chosen !== open) return;
  // A page is for a browser, which can only open files of its own machine.
  if (ending === 'html' && target.scheme === 'file' && vscode.env.remoteName === undefined) await vscode.env.openExternal(target);
  else await vscode.commands.executeCommand('vscode.open', target);
}

/** Beside the document, or in the first folder of the workspace. */
function proposedFile(document: vscode.TextDocument, ending: string): { readonly defaultUri?: vscode.Uri } {
  const folder = document.isUntitled ? vscode.workspace.workspaceFolders?.[0]?.uri : vscode.Uri.joinPath(document.uri, '..');
  return folder ? { defaultUri: vscode.Uri.joinPath(folder, `${nameOf(document.uri)}.surprisal.${ending}`) } : {};
}

function nameOf(uri: vscode.Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1);
}

function placeOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString(true);
}

function spanOf(document: vscode.TextDocument, range: vscode.Range): Span {
  return { start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
}

function changedMessage(): string {
  return vscode.l10n.t('The document has changed meanwhile, so it is not clear any more what was selected. Nothing was exported.');
}

function tell(message: string): void {
  void showInformationMessage(message);
}
