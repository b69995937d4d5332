import * as vscode from 'vscode';
import { reportScheme } from '../core/contributions';
import { summaryNumbers } from '../core/legend';
import { formatBits, formatCount, formatDecimal } from '../core/numberText';
import { sentenceFacts } from '../core/readingReport';
import type { SentenceFacts } from '../core/readingReport';
import type { Span } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { DocumentView } from '../documentView';
import { Excerpt } from '../excerpt';
import { setStatusBarMessage, showInformationMessage, showWarningMessage } from '../notices';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { activeEditor, excerpt, showSpan } from './places';
import { provenanceInWords } from './preambleWords';
import { withProgress } from './progress';
import { errorInWords } from './stateInWords';

/** The extension host answers others after so long. */
const sliceMs = 4;
const longestSentence = 400;

/** What one report says, and where in its document each of its lines is about. */
interface Report {
  readonly text: string;
  readonly source: Excerpt;
  readonly sentences: readonly (ReportedSentence | undefined)[];
}
interface ReportedSentence {
  readonly span: Span;
  readonly text: string;
}

type Scored = Pick<ScoredDocuments, 'complete' | 'completeView'>;

/** Reports to be read or heard line by line: plain text, a sentence a line, kept while they are open. */
export class ReadingReports implements Disposable, vscode.TextDocumentContentProvider {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.#changed.event;
  readonly #scored: Scored;
  readonly #pauses: Pauses;
  readonly #reports = new Map<string, Report>();

  constructor(scored: Scored, pauses: Pauses) {
    this.#scored = scored;
    this.#pauses = pauses;
    this.#store.add(vscode.workspace.registerTextDocumentContentProvider(reportScheme, this));
    this.#store.add(vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#reports.delete(uri.toString())));
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    // After a restart of the window VS Code opens the address again, and the scores are gone.
    return this.#reports.get(uri.toString())?.text ?? vscode.l10n.t('This report is gone. Make it anew from its document.');
  }

  /** Scores the active document, if it is not, and opens its report. */
  async open(): Promise<void> {
    const document = activeEditor()?.document;
    if (!document) return;
    const report = await this.#made(document);
    if (!report) return;
    const uri = vscode.Uri.from({
      scheme: reportScheme,
      path: `/${vscode.l10n.t('Report on {0}', nameOf(document))}.txt`,
      query: document.uri.toString(),
    });
    this.#reports.set(uri.toString(), report);
    this.#changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
  }

  /** From a line of a report back to the sentence it is about. */
  async goToReportedPlace(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const report = editor && this.#reports.get(editor.document.uri.toString());
    if (!report) {
      void showInformationMessage(vscode.l10n.t('Open a report first.'));
      return;
    }
    const sentence = report.sentences[editor.selection.active.line];
    if (!sentence) {
      setStatusBarMessage(vscode.l10n.t('This line is about no sentence.'), 5_000);
      return;
    }
    const document = await report.source.open();
    if (!document) {
      void showInformationMessage(vscode.l10n.t('The document of this report was closed or deleted.'));
      return;
    }
    const span = nearest(document.getText(), sentence);
    if (span) await showSpan(document, span);
    else setStatusBarMessage(vscode.l10n.t('This sentence has changed since the report was made.'), 5_000);
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** Undefined where it was cancelled, or failed, which the user is told. */
  async #made(document: vscode.TextDocument): Promise<Report | undefined> {
    const title = vscode.l10n.t('Token Lens: making the report');
    try {
      return await withProgress(title, async signal => {
        for (;;) {
          const view = await this.#scored.complete(document, signal);
          const report = await this.#write(document, view, signal);
          if (report) return report;
        }
      });
    } catch (error) {
      void showWarningMessage(errorInWords(error, 'toggle'));
      return undefined;
    }
  }

  /** Undefined when the document has other scores meanwhile: it was edited, or is read by another model. */
  async #write(document: vscode.TextDocument, view: DocumentView, signal: AbortSignal): Promise<Report | undefined> {
    const text = document.getText();
    const lines = [...summaryLines(document, view)];
    const sentences: (ReportedSentence | undefined)[] = lines.map(() => undefined);
    const facts = sentenceFacts(text, view);
    const slice = () => {
      const end = performance.now() + sliceMs;
      for (let next = facts.next(); ; next = facts.next()) {
        if (next.done === true) return true;
        const { value } = next;
        lines.push(sentenceLine(document, text, value));
        sentences.push({ span: { start: value.start, end: value.end }, text: text.slice(value.start, value.end) });
        if (performance.now() > end) return false;
      }
    };
    while (!this.#pauses.time('other', slice)) {
      await new Promise(resolve => setTimeout(resolve));
      signal.throwIfAborted();
      if (this.#scored.completeView(document.uri.toString()) !== view) return undefined;
    }
    return { text: `${lines.join('\n')}\n`, source: new Excerpt(document), sentences };
  }
}

function summaryLines(document: vscode.TextDocument, view: DocumentView): readonly string[] {
  const numbers = summaryNumbers(view.summary);
  const tokens = formatCount(view.summary?.tokens ?? 0);
  return [
    vscode.l10n.t('{0}, as {1} reads it.', nameOf(document), view.modelName),
    numbers
      ? vscode.l10n.t('It has {0} tokens, {1} bits per byte and a perplexity of {2}.', tokens, numbers.bitsPerByte, numbers.perplexity)
      : vscode.l10n.t('It has {0} tokens, and none has a score.', tokens),
    vscode.l10n.t('More bits: more surprising. Below is a line for every sentence, with its most surprising words and their bits.'),
    vscode.l10n.t('The command Token Lens: Go to the Place This Line Is About goes from a line to its sentence.'),
    provenanceInWords(view.provenance),
    '',
  ];
}

/** `Line 12: 1.32 bits per byte. harbour 11.2, slate 9.1, fog 8.7. "The fog over the slate harbour lifted."` */
function sentenceLine(document: vscode.TextDocument, text: string, { start, end, bitsPerByte, words }: SentenceFacts): string {
  const line = (document.positionAt(start).line + 1).toString();
  const sentence = excerpt(text.slice(start, end), longestSentence);
  if (bitsPerByte === undefined) return vscode.l10n.t('Line {0}: no score. "{1}"', line, sentence);
  const list = words.map(word => `${word.text} ${formatBits(word.bits)}`).join(', ');
  return list === ''
    ? vscode.l10n.t('Line {0}: {1} bits per byte. "{2}"', line, formatDecimal(bitsPerByte, 2), sentence)
    : vscode.l10n.t('Line {0}: {1} bits per byte. {2}. "{3}"', line, formatDecimal(bitsPerByte, 2), list, sentence);
}

function nameOf({ uri }: vscode.TextDocument): string {
  return uri.path.split('/').at(-1) ?? '';
}

/** Where the sentence stands now, the nearest of several. */
function nearest(text: string, { span, text: sentence }: ReportedSentence): Span | undefined {
  const after = text.indexOf(sentence, span.start);
  const before = text.lastIndexOf(sentence, span.start);
  const found = [before, after].filter(at => at >= 0).sort((a, b) => Math.abs(a - span.start) - Math.abs(b - span.start))[0];
  return found === undefined ? undefined : { start: found, end: found + sentence.length };
}
