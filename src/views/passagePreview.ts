import * as vscode from 'vscode';
import type { Config } from '../config';
import { bandOf } from '../core/band';
import { contextKeys } from '../core/contributions';
import { distributionOfRow } from '../core/distribution';
import { piecesOfBytes } from '../core/vocabulary';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Looks } from '../looks';
import { readInstead } from '../passageReading';
import type { PassageReading } from '../passageReading';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { withLineEndings } from './alternatives';
import type { Announcer } from './byEar';
import type { Offered } from './ghostText';
import type { PanelView } from './panel';
import { errorMessage } from './panelMessages';
import type { PanelPassage, PassageRow } from './panelProtocol';
import { provenanceLine } from './panelState';
import { passageInWords } from './passageWords';
import { activeEditor } from './places';
import { errorInWords } from './stateInWords';

/** More are summed up, but not listed. */
const mostRows = 1_000;

export interface PreviewParts {
  readonly scored: Pick<ScoredDocuments, 'ask' | 'view'>;
  readonly panel: PanelView;
  readonly config: Pick<Config, 'topCount'>;
  readonly looks: Looks;
  readonly pauses: Pauses;
  readonly announcer: Announcer;
}

/** A text that might be inserted: it holds for one version of the document. */
interface Preview {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly range: vscode.Range;
  readonly text: string;
  readonly number: number;
  readonly run: AbortController;
  /** Where the cursor stood when it was asked for. */
  readonly cursor: vscode.Selection | undefined;
}

/**
 * Shows in the panel what a text would be in a document, token by token, before anything is inserted; a button there inserts it. It goes with a move
 * of the cursor, an edit, another document, or Escape.
 */
export class PassagePreviews implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: PreviewParts;
  #preview: Preview | undefined;
  #count = 0;

  constructor(parts: PreviewParts) {
    this.#parts = parts;
    const { window, workspace } = vscode;
    const leaveIf = (document: vscode.TextDocument) => {
      if (document === this.#preview?.document) this.leave();
    };
    this.#store.add(
      parts.panel.onDidChoose(({ kind, passage }) => {
        if (this.#preview?.number !== passage) return; // of a page that has not been told yet
        if (kind === 'insert') void this.#insert(this.#preview);
        else void this.#close(this.#preview);
      }),
    );
    this.#store.add(workspace.onDidChangeTextDocument(({ document, contentChanges }) => contentChanges.length > 0 && leaveIf(document)));
    this.#store.add(workspace.onDidCloseTextDocument(leaveIf));
    this.#store.add(
      window.onDidChangeTextEditorSelection(({ textEditor: { document, selection } }) => {
        if (this.#preview?.cursor?.isEqual(selection) !== true) leaveIf(document);
      }),
    );
    this.#store.add(
      window.onDidChangeActiveTextEditor(editor => {
        if (editor && editor.document !== this.#preview?.document) this.leave(); // none: the focus is in the panel
      }),
    );
  }

  /** What the clipboard's text would be at the cursor, or in place of the selection. */
  async inspectClipboard(): Promise<void> {
    const editor = activeEditor(this.#parts.panel.editor);
    if (!editor) return;
    const { document, selection } = editor;
    const { version } = document;
    const text = await vscode.env.clipboard.readText();
    if (text === '') this.#parts.announcer.say(vscode.l10n.t('There is no text on the clipboard.'), { asked: true });
    else if (document.version === version && editor.selection.isEqual(selection)) await this.inspect(document, selection, text);
  }

  /** What a suggestion would be, before it is accepted. */
  async inspectSuggestion(offered: Offered | undefined): Promise<void> {
    if (offered) await this.inspect(offered.document, offered.range, offered.text, offered.author);
    else {
      const text = vscode.l10n.t('No suggestion of Token Lens stands at the cursor. Run Suggest What the Model Would Write Here first.');
      this.#parts.announcer.say(text, { asked: true });
    }
  }

  /** What a text would be in place of a range of a document. It resolves when that is shown, or why it cannot be; nothing is inserted. `author`: `modelHash` of the one of our models that wrote it. */
  async inspect(document: vscode.TextDocument, range: vscode.Range, text: string, author?: string): Promise<void> {
    this.#preview?.run.abort();
    const { scored, panel, config, looks, pauses } = this.#parts;
    const run = new AbortController();
    const inserted = withLineEndings(text, document);
    const editor = vscode.window.activeTextEditor ?? panel.editor;
    const cursor = editor?.document === document ? editor.selection : undefined;
    const preview = { document, version: document.version, range, text: inserted, number: ++this.#count, run, cursor };
    this.#preview = preview;
    void vscode.commands.executeCommand('setContext', contextKeys.previewing, true);
    const headline = vscode.l10n.t('Reading the text…');
    panel.showInstead({
      kind: 'message',
      headline,
      text: vscode.l10n.t('It is read as if it stood in the document; nothing is inserted.'),
      busy: true,
    });
    const edges = looks.tokenEdges(document);
    const span = { start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
    try {
      const reading = await readInstead(span, inserted, { scored, document, topCount: config.topCount, edges, author, signal: run.signal });
      if (run.signal.aborted) return;
      const state = pauses.time('model', () => passageState(reading, preview.number, edges));
      panel.showInstead({ ...state, bandEdges: edges, palette: looks.of(document).palette });
    } catch (error) {
      if (run.signal.aborted) return;
      panel.showInstead(errorMessage(error, errorInWords(error, 'move')));
    }
  }

  /** Shows it no more: the panel shows the distribution again. */
  leave(): void {
    if (!this.#preview) return;
    this.#preview.run.abort();
    this.#preview = undefined;
    this.#parts.panel.showInstead(undefined);
    void vscode.commands.executeCommand('setContext', contextKeys.previewing, false);
  }

  dispose(): void {
    this.#preview?.run.abort();
    this.#store.dispose();
  }

  /** Back to where it was asked for. */
  async #close({ document }: Preview): Promise<void> {
    this.leave();
    await focused(document);
  }

  async #insert({ document, version, range, text }: Preview): Promise<void> {
    this.leave();
    const editor = document.version === version ? await focused(document) : undefined;
    if (!editor) {
      this.#parts.announcer.say(vscode.l10n.t('The document has changed, so nothing was inserted.'), { asked: true });
      return;
    }
    const isDone = document.version === version && (await editor.edit(builder => builder.replace(range, text)));
    if (!isDone) {
      this.#parts.announcer.say(vscode.l10n.t('The document did not take the text.'), { asked: true });
      return;
    }
    const end = document.positionAt(document.offsetAt(range.start) + text.length);
    editor.selection = new vscode.Selection(end, end);
    editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }
}

/** Gives the focus to an editor of the document; undefined where none can be seen. */
async function focused(document: vscode.TextDocument): Promise<vscode.TextEditor | undefined> {
  const shown = vscode.window.visibleTextEditors.find(editor => editor.document === document);
  if (document.isClosed || !shown) return undefined;
  return vscode.window.showTextDocument(document, shown.viewColumn === undefined ? {} : { viewColumn: shown.viewColumn });
}

/** All of the panel's state that comes from the model. */
function passageState(
  reading: PassageReading,
  passage: number,
  edges: ReturnType<Looks['tokenEdges']>,
): Omit<PanelPassage, 'bandEdges' | 'palette'> {
  const { cells, summary, table, vocabulary, provenance } = reading;
  const { summary: lead, weakest, following, cut } = passageInWords(reading);
  const standing = new Set(summary.standing);
  const listed = Math.min(cells.length, mostRows);
  const rows = Array.from({ length: listed }, (_, index): PassageRow => {
    const row = cells.firstTokens[index] ?? 0;
    const [bits = NaN, rank = NaN] = [cells.bits[index], cells.ranks[index]];
    const isOne = (cells.endTokens[index] ?? 0) - row === 1;
    const shown = reading.text.slice(cells.starts[index], cells.ends[index]).replaceAll('\r\n', '\n');
    return {
      token: isOne ? vocabulary.piecesOf(table.ids[row] ?? -1) : piecesOfBytes(new TextEncoder().encode(shown)),
      bits: Number.isNaN(bits) ? undefined : bits,
      band: bandOf(bits, edges),
      standsOut: standing.has(index),
      rank: Number.isNaN(rank) ? undefined : rank,
      alternatives: (distributionOfRow(table, row, table.topCount)?.rows ?? []).map(({ id, probability }) => ({
        token: vocabulary.piecesOf(id),
        probability,
      })),
    };
  });
  return {
    kind: 'passage',
    passage,
    summary: lead,
    notes: [weakest, following, cut].filter(note => note !== undefined),
    rows,
    moreTokens: summary.tokens - (cells.endTokens[listed - 1] ?? 0) + (cells.firstTokens[0] ?? 0),
    provenance: provenanceLine(provenance, vocabulary),
  };
}
