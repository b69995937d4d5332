import * as vscode from 'vscode';
import type { Config } from '../config';
import type { BandEdges } from '../core/band';
import { noCells } from '../core/cells';
import type { CommandId } from '../core/contributions';
import { textReport } from '../core/documentReport';
import { escapedText } from '../core/hoverText';
import { summaryNumbers } from '../core/legend';
import { formatCount, formatDecimal } from '../core/numberText';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { DocumentView, LensState, Progress } from '../documentView';
import type { Looks } from '../looks';
import type { ReadingCheck } from '../readingCheck';
import type { LensModel } from '../lensModel';
import type { ShownReading } from '../readings';
import type { ScoredDocuments } from '../scoredDocuments';
import type { Shown } from '../shown';
import { isHighContrast } from './bandTypes';
import { legendOf } from './lookInWords';
import { provenanceInWords } from './preambleWords';
import { readingLegend, readingStatus } from './readingInWords';
import { stateInWords } from './stateInWords';
import type { StretchFinder } from './stretchFinder';

type Scored = Pick<ScoredDocuments, 'onDidChange' | 'state' | 'view'>;

export interface StatusBarParts {
  readonly scored: Scored;
  readonly config: Config;
  readonly looks: Looks;
  readonly shown: Shown;
  readonly reading: Pick<ReadingCheck, 'noteOf' | 'onDidDecide'>;
  readonly stretches: Pick<StretchFinder, 'isOn' | 'onDidChange'>;
  readonly model: Pick<LensModel, 'loaded'>;
}

/** A selection that is still being made is not summed up. */
const selectionPauseMs = 200;

/** One entry: how the lens stands in the active editor, then the document's numbers. A click opens the menu. */
export class StatusBarView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Scored;
  readonly #config: Config;
  readonly #looks: Looks;
  readonly #shown: Shown;
  readonly #reading: Pick<ReadingCheck, 'noteOf' | 'onDidDecide'>;
  readonly #stretches: Pick<StretchFinder, 'isOn'>;
  readonly #model: Pick<LensModel, 'loaded'>;
  #selectionTimer: NodeJS.Timeout | undefined;
  /** What the entry says now; undefined while it is hidden. */
  #written: string | undefined;
  readonly #item = this.#store.add(vscode.window.createStatusBarItem('tokenLens.state', vscode.StatusBarAlignment.Right, 100));

  constructor({ scored, config, looks, shown, reading, stretches, model }: StatusBarParts) {
    this.#model = model;
    this.#stretches = stretches;
    this.#scored = scored;
    this.#config = config;
    this.#looks = looks;
    this.#shown = shown;
    this.#reading = reading;
    this.#item.name = 'Token Lens';
    this.#item.command = 'tokenLens.showMenu' satisfies CommandId;
    const draw = () => {
      this.#draw();
    };
    const drawDocument = (document: vscode.TextDocument) => {
      if (document === vscode.window.activeTextEditor?.document) draw();
    };
    this.#store.add(scored.onDidChange(drawDocument));
    this.#store.add(shown.onDidChange(drawDocument));
    this.#store.add(shown.onDidChangeOverview(drawDocument));
    this.#store.add(reading.onDidDecide(draw));
    this.#store.add(
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor !== vscode.window.activeTextEditor || !this.#scored.view(textEditor.document)) return;
        clearTimeout(this.#selectionTimer);
        this.#selectionTimer = setTimeout(draw, selectionPauseMs);
      }),
    );
    this.#store.add(vscode.window.onDidChangeActiveTextEditor(draw));
    this.#store.add(config.onDidChange(draw));
    this.#store.add(stretches.onDidChange(draw));
    this.#store.add(vscode.window.onDidChangeActiveColorTheme(draw)); // the legend says other things in high contrast
    draw();
  }

  dispose(): void {
    clearTimeout(this.#selectionTimer);
    this.#store.dispose();
  }

  #draw(): void {
    const document = vscode.window.activeTextEditor?.document;
    const state = document && this.#scored.state(document);
    if (!document || !state || (state.kind === 'off' && this.#config.skips(document))) {
      this.#written = undefined;
      this.#item.hide();
      return;
    }
    const view = this.#scored.view(document);
    const selection =
      state.kind === 'ready' && view ? selectionText(view, vscode.window.activeTextEditor, this.#looks.tokenEdges(document)) : undefined;
    const reading = this.#shown.reading(document);
    const text = reading ? `$(eye) ${readingStatus(reading, rowAtCursor(reading, document))}` : (selection ?? textOf(state, view));
    const legend =
      view &&
      [
        ...(reading ? readingLegend(reading) : []),
        legendOf(this.#shown.look(document), this.#shown.overview(document), escapedText(view.modelName), view.watched),
      ].join('\n\n');
    const tooltip = tooltipOf(
      state,
      view,
      legend,
      this.#reading.noteOf(document),
      this.#stretches.isOn,
      this.#model.loaded?.deviceFallback,
    );
    const backgroundColor = state.kind === 'failed' ? 'statusBarItem.warningBackground' : undefined;
    const shown = [text, tooltip, backgroundColor].join('\n');
    // The change event fires often while a document is scored; every setter sends the whole entry.
    if (shown === this.#written) return;
    this.#written = shown;
    this.#item.text = text;
    this.#item.tooltip = new vscode.MarkdownString(tooltip, true);
    this.#item.tooltip.supportHtml = true; // for the colours of the legend
    this.#item.tooltip.isTrusted = { enabledCommands: [chooseModel] };
    this.#item.accessibilityInformation = {
      label: `Token Lens: ${text.replaceAll(/\$\([^)]*\)\s*/g, '') || stateInWords(state).headline}`,
    };
    this.#item.backgroundColor = backgroundColor && new vscode.ThemeColor(backgroundColor);
    this.#item.show();
  }
}

function textOf(state: LensState, view: DocumentView | undefined): string {
  const numbers = summaryNumbers(view?.summary);
  const summary = numbers && vscode.l10n.t('PPL {0} · {1} bits/byte', numbers.perplexity, numbers.bitsPerByte);
  switch (state.kind) {
    case 'off':
      return '$(eye-closed)';
    case 'starting':
      return `$(loading~spin) ${vscode.l10n.t('loading')}`;
    case 'scoring': {
      const shown = summary === undefined ? vscode.l10n.t('scoring {0}%', percentOf(state)) : vscode.l10n.t('{0} (updating)', summary);
      return `$(loading~spin) ${shown}`;
    }
    case 'edited':
      return `$(edit) ${state.until === 'save' ? vscode.l10n.t('edited: save to rescore') : vscode.l10n.t('edited: rescore by command')}`;
    case 'paused': {
      const percent = vscode.l10n.t('paused at {0}%', percentOf(state));
      return `$(debug-pause) ${summary === undefined ? percent : vscode.l10n.t('{0} (paused)', summary)}`;
    }
    case 'ready':
      return `$(eye) ${summary ?? vscode.l10n.t('nothing to score')}`;
    case 'refused':
      return `$(circle-slash) ${vscode.l10n.t('not scored')}`;
    case 'failed':
      return `$(warning) ${vscode.l10n.t('failed')}`;
  }
}

/** Of the token that the cursor is in or before; undefined where none is. */
function rowAtCursor({ view }: ShownReading, document: vscode.TextDocument): number | undefined {
  const editor = vscode.window.activeTextEditor;
  const offset = editor?.document === document ? document.offsetAt(editor.selection.active) : undefined;
  const cells = offset === undefined ? noCells : view.cellsIn({ start: offset, end: offset + 1 });
  return cells.firstTokens[0];
}

/** The numbers of what is selected; undefined where nothing with a score is. */
function selectionText({ table }: DocumentView, editor: vscode.TextEditor | undefined, edges: BandEdges): string | undefined {
  const selected = editor?.selections.find(({ isEmpty }) => !isEmpty);
  if (!editor || !selected) return undefined;
  const { document } = editor;
  const span = { start: document.offsetAt(selected.start), end: document.offsetAt(selected.end) };
  const { bitsPerByte, tokens } = textReport(table, document.getText(), span, edges);
  if (bitsPerByte === null) return undefined;
  const bits = formatDecimal(bitsPerByte, 2);
  const said =
    tokens === 1
      ? vscode.l10n.t('{0} bits/byte · 1 token selected', bits)
      : vscode.l10n.t('{0} bits/byte · {1} tokens selected', bits, formatCount(tokens));
  return `$(eye) ${said}`;
}

function percentOf({ scored, tokens }: Progress): string {
  return Math.floor((100 * scored) / Math.max(1, tokens)).toString();
}

const chooseModel = 'tokenLens.chooseModelFolder' satisfies CommandId;

/** As Markdown. `reading`: that the model does not read this language. */
function tooltipOf(
  state: LensState,
  view: DocumentView | undefined,
  legend: string | undefined,
  reading: string | undefined,
  hasStretches: boolean,
  deviceFallback: string | undefined,
): string {
  const { headline, text } = stateInWords(state);
  const paragraphs = [`**Token Lens: ${headline}**`, text];
  if (!view || state.kind === 'off' || state.kind === 'refused' || state.kind === 'failed') return paragraphs.join('\n\n');
  const numbers = summaryNumbers(view.summary);
  if (view.summary && numbers) {
    const tokens = formatCount(view.summary.tokens);
    const sentence = vscode.l10n.t(
      'Perplexity **{0}**, **{1}** bits per byte, {2} tokens',
      numbers.perplexity,
      numbers.bitsPerByte,
      tokens,
    );
    const when = state.kind === 'scoring' ? vscode.l10n.t('updating') : vscode.l10n.t('before the edit');
    paragraphs.push(view.complete ? sentence : `${sentence} (${when})`);
  }
  if (view.provenance.selfCheck === 'implausible') {
    paragraphs.push(`$(warning) ${vscode.l10n.t('This model reads plain English as if it had never seen any: its numbers mean little.')}`);
  }
  if (reading !== undefined) {
    paragraphs.push(`$(info) ${escapedText(reading)} [${vscode.l10n.t('Choose another model')}](command:${chooseModel})`);
  }
  paragraphs.push(legend ?? '');
  if (hasStretches) paragraphs.push(stretchLegend());
  if (deviceFallback !== undefined) {
    paragraphs.push(
      `$(info) ${escapedText(vscode.l10n.t('It runs on the processor, as WebGPU (setting Device) could not be used: {0}.', deviceFallback))}`,
    );
  }
  paragraphs.push(escapedText(provenanceInWords(view.provenance)));
  return paragraphs.join('\n\n');
}

/** In every theme dots say what the swatch is. */
function stretchLegend(): string {
  if (isHighContrast()) return vscode.l10n.t('Dotted frame: predictable stretch');
  const swatch = `<span style="background-color:var(--vscode-tokenLens-stretchBackground);">${'&nbsp;'.repeat(8)}</span>`;
  return `${swatch} ${vscode.l10n.t('predictable stretch (dotted line)')}`;
}
