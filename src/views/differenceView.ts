import * as vscode from 'vscode';
import { contextKeys } from '../core/contributions';
import type { CommandId } from '../core/contributions';
import { sumOf, sumsByLine } from '../core/difference';
import type { DifferencePiece, DifferenceSum } from '../core/difference';
import { escapedText } from '../core/hoverText';
import { formatCount, formatDecimal } from '../core/numberText';
import type { Provenance, Span } from '../core/scores';
import { differenceNoiseOf } from '../core/signedBands';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Pauses } from '../pauses';
import type { Announcer } from './byEar';
import { provenanceInWords } from './preambleWords';
import { SignedPaint } from './signedPaint';

/** Differences of one document that are kept. */
const mostKept = 20;
/** Lines whose sums are smaller have nothing at their ends. */
const leastLineBits = 0.1;

/** What the tokens of a document cost with something and without it, in bits. */
export interface Difference {
  readonly document: vscode.TextDocument;
  /** Of the document. */
  readonly version: number;
  /** "Without the comment": as the beginning of a sentence. */
  readonly title: string;
  readonly pieces: readonly DifferencePiece[];
  /** What is left out; undefined: it is not in the document. */
  readonly source: Span | undefined;
  /** Where the model stopped to read in a text that goes on, UTF-16; undefined: it has read to the end. */
  readonly readTo: number | undefined;
  /** `change`: what would change without it. `saved`: what it saves, with the bits of each line beside that. */
  readonly kind: 'change' | 'saved';
  readonly provenance: Provenance;
}

/**
 * Shows one difference in the editor, in place of the other colours: hues on the tokens, sums at line ends and in the status bar. It goes with Escape,
 * with an edit of the document, and when other settings would give other numbers.
 */
export class DifferenceView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #announcer: Announcer;
  readonly #pauses: Pauses;
  readonly #paint: SignedPaint;
  readonly #item = this.#store.add(vscode.window.createStatusBarItem('tokenLens.difference', vscode.StatusBarAlignment.Right, 98));
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** `isShown` or `holds` of this document is another now. */
  readonly onDidChange = this.#changed.event;
  readonly #kept = new Map<vscode.TextDocument, { readonly version: number; readonly differences: Map<string, Difference> }>();
  #shown: Difference | undefined;
  /** What is being found out: the newest that was asked for. */
  #run: { readonly document: vscode.TextDocument; readonly stop: AbortController } | undefined;

  constructor(announcer: Announcer, pauses: Pauses) {
    this.#announcer = announcer;
    this.#pauses = pauses;
    this.#paint = this.#store.add(new SignedPaint(pauses));
    const { workspace } = vscode;
    this.#item.name = vscode.l10n.t('Token Lens: what something changes');
    this.#item.command = 'tokenLens.leaveInspection' satisfies CommandId;
    this.#store.add(
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.outdated(document);
      }),
    );
    this.#store.add(
      workspace.onDidCloseTextDocument(document => {
        // Another language mode, which VS Code may find by itself, closes a document and opens it again: its text is the same.
        if (document.isClosed) this.outdated(document);
      }),
    );
    this.#store.add(
      vscode.window.onDidChangeActiveTextEditor(() => {
        this.#drawItem();
        this.#setKey();
      }),
    );
  }

  isShown(document: vscode.TextDocument): boolean {
    return this.#shown?.document === document;
  }

  /** Shown, or being found out. */
  holds(document: vscode.TextDocument): boolean {
    return this.isShown(document) || this.#run?.document === document;
  }

  /**
   * Shows what was found before of the document's present text under this key, else what `find` finds; undefined: nothing to show. The run before this one
   * ends. `find`'s signal is aborted by the next one, by `leave`, by an edit, and when its numbers would be of other settings: then nothing is shown or kept.
   */
  async show(document: vscode.TextDocument, key: string, find: (signal: AbortSignal) => Promise<Difference | undefined>): Promise<void> {
    this.#stop();
    const kept = this.#kept.get(document);
    const known = kept?.version === document.version ? kept.differences.get(key) : undefined;
    if (known) {
      this.#pauses.time('other', () => this.#show(known));
      return;
    }
    const stop = new AbortController();
    const run = { document, stop };
    this.#run = run;
    this.#setKey();
    this.#changed.fire(document);
    try {
      const found = await find(stop.signal);
      if (!found || stop.signal.aborted) return;
      this.#keep(key, found);
      this.#pauses.time('model', () => this.#show(found));
    } finally {
      if (this.#run === run) this.#stop();
    }
  }

  /** Nothing happens where the document has changed since, or no editor shows it. */
  #show(difference: Difference): void {
    const { document, version, pieces, source, readTo, provenance } = difference;
    const editor = vscode.window.visibleTextEditors.find(each => each.document === document);
    if (document.version !== version || !editor) return;
    this.#end();
    this.#shown = difference;
    const noiseBits = differenceNoiseOf(provenance).bits;
    const isTold = ({ bits }: DifferenceSum) => difference.kind === 'saved' || Math.abs(bits) >= Math.max(noiseBits, leastLineBits);
    const lines = [...sumsByLine(document.getText(), pieces)].filter(([, sum]) => isTold(sum));
    const lineEnds = new Map(lines.map(([line, sum]) => [line, lineInWords(sum, difference)]));
    if (readTo !== undefined) {
      const { line } = document.positionAt(readTo);
      const sum = lineEnds.get(line);
      const mark = vscode.l10n.t('read to here');
      lineEnds.set(line, sum === undefined ? mark : `${sum} · ${mark}`);
    }
    // Hovers are made of what is on the screen only: of 20,000 pieces they took a quarter of a second.
    const painted = pieces.map(piece => ({
      span: piece.span,
      bits: piece.bits,
      get hover() {
        return hoverOf(piece, difference);
      },
    }));
    this.#paint.show(editor, painted, { noiseBits, source, lineEnds });
    this.#drawItem();
    this.#changed.fire(document);
    this.#announcer.speak(summaryInWords(difference));
    this.#setKey();
  }

  /** Of this document, or of any: what is shown goes, and what is being found out is not shown. */
  leave(document?: vscode.TextDocument): void {
    const isAbout = (each: { readonly document: vscode.TextDocument } | undefined) => !document || each?.document === document;
    if (isAbout(this.#run)) this.#stop();
    if (isAbout(this.#shown)) this.#end();
  }

  /** Numbers would be others now: of this document, or of all. */
  outdated(document?: vscode.TextDocument): void {
    if (document) this.#kept.delete(document);
    else this.#kept.clear();
    this.leave(document);
  }

  dispose(): void {
    this.#stop();
    this.#store.dispose();
  }

  #stop(): void {
    this.#run?.stop.abort();
    this.#run = undefined;
    this.#setKey();
  }

  #end(): void {
    const document = this.#shown?.document;
    if (!document) return;
    this.#shown = undefined;
    this.#paint.clear();
    this.#drawItem();
    this.#changed.fire(document);
    this.#setKey();
  }

  /** For the keys that end it: while it is shown in the active editor, and while it is being found out. */
  #setKey(): void {
    const active = vscode.window.activeTextEditor?.document; // none: the focus is in a panel
    const isHere = [this.#shown, this.#run].some(each => each !== undefined && (!active || active === each.document));
    void vscode.commands.executeCommand('setContext', contextKeys.comparing, isHere);
  }

  #keep(key: string, difference: Difference): void {
    const { document, version } = difference;
    const known = this.#kept.get(document);
    const differences = known?.version === version ? known.differences : new Map<string, Difference>();
    this.#kept.set(document, { version, differences });
    const [oldest] = differences.keys();
    if (oldest !== undefined && differences.size >= mostKept) differences.delete(oldest);
    differences.set(key, difference);
  }

  #drawItem(): void {
    const shown = this.#shown;
    const active = vscode.window.activeTextEditor; // none: the focus is in a panel
    if (!shown || (active && active.document !== shown.document)) return this.#item.hide();
    const summary = summaryInWords(shown);
    const paragraphs = [
      summary,
      ...notesOf(shown),
      provenanceInWords(shown.provenance),
      vscode.l10n.t('Escape or a click here ends this.'),
    ];
    this.#item.text = `$(diff) ${summary.replaceAll('$(', '$\u2060(')}`; // which would draw an icon
    this.#item.tooltip = new vscode.MarkdownString(paragraphs.map(escapedText).join('\n\n'));
    this.#item.accessibilityInformation = { label: `Token Lens: ${summary}` };
    this.#item.show();
  }
}

function notesOf(difference: Difference): readonly string[] {
  const { document, readTo } = difference;
  if (readTo === undefined) return arithmeticNotes(difference);
  const line = formatCount(document.positionAt(readTo).line + 1);
  const end = vscode.l10n.t(
    'The model sees no more at once than to line {0}: what stands behind that place was not read, and has no colours for that reason alone.',
    line,
  );
  return [end, ...arithmeticNotes(difference)];
}

function arithmeticNotes({ provenance, kind }: Difference): readonly string[] {
  const hues =
    kind === 'saved'
      ? vscode.l10n.t('Blue, a solid line: fewer bits because of it. Orange, a dashed line: more.')
      : vscode.l10n.t('Blue, a solid line: what is struck through helps there. Orange, a dashed line: it hinders.');
  const { arithmetic, bits, isMeasured } = differenceNoiseOf(provenance);
  if (arithmetic === 'float32')
    return [hues, vscode.l10n.t('Read in exact arithmetic: what changes by less than {0} bits is pale.', formatDecimal(bits, 3))];
  const size = formatDecimal(bits, 2);
  return [
    hues,
    isMeasured
      ? vscode.l10n.t('Differences of up to {0} bits may come from the arithmetic of this model file: such text is pale.', size)
      : vscode.l10n.t(
          'Nobody has measured which differences come from the arithmetic of this model file: text with up to {0} bits, which is usual for such files, is pale.',
          size,
        ),
  ];
}

function summaryInWords(difference: Difference): string {
  const sum = sumInWords(difference);
  return difference.readTo === undefined ? sum : vscode.l10n.t('{0}; not read further', sum);
}

function sumInWords({ title, pieces, kind }: Difference): string {
  const { bits, withBits, withoutBits } = sumOf(pieces);
  const tokens = formatCount(pieces.length);
  const size = formatDecimal(Math.abs(bits), 1);
  if (kind === 'saved') {
    const numbers = [title, size, formatDecimal(withBits, 1), formatDecimal(withoutBits, 1)] as const;
    return bits >= 0
      ? vscode.l10n.t('{0}: {1} bits saved ({2} instead of {3})', ...numbers)
      : vscode.l10n.t('{0}: {1} bits lost ({2} instead of {3})', ...numbers);
  }
  return bits >= 0
    ? vscode.l10n.t('{0}: {1} bits more in the {2} tokens after it', title, size, tokens)
    : vscode.l10n.t('{0}: {1} bits fewer in the {2} tokens after it', title, size, tokens);
}

function lineInWords({ bits, withBits, withoutBits }: DifferenceSum, { kind }: Difference): string {
  const size = formatDecimal(Math.abs(bits), 1);
  if (kind === 'saved') return vscode.l10n.t('{0} bits, {1} without it', formatDecimal(withBits, 1), formatDecimal(withoutBits, 1));
  return bits >= 0 ? vscode.l10n.t('{0} bits more without it', size) : vscode.l10n.t('{0} bits fewer without it', size);
}

function hoverOf({ withBits, withoutBits, bits }: DifferencePiece, { title }: Difference): vscode.MarkdownString {
  const numbers = [formatDecimal(withBits, 2), formatDecimal(withoutBits, 2), formatDecimal(Math.abs(bits), 2)] as const;
  const said =
    bits >= 0
      ? vscode.l10n.t('{0} bits; {1} without it: it helps here by {2} bits.', ...numbers)
      : vscode.l10n.t('{0} bits; {1} without it: it hinders here by {2} bits.', ...numbers);
  return new vscode.MarkdownString().appendText(title).appendMarkdown('\n\n').appendText(said);
}
