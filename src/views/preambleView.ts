import * as vscode from 'vscode';
import type { CommandId } from '../core/contributions';
import { differencePieces } from '../core/difference';
import type { DifferencePiece } from '../core/difference';
import { escapedText, safeLabel } from '../core/hoverText';
import { isSameMeasure } from '../core/legend';
import { formatCount } from '../core/numberText';
import type { Provenance } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import { ModelError } from '../model/errors';
import { longestPreamble } from '../model/protocol';
import type { PassageScore, Preamble, PreambleResult } from '../model/protocol';
import { showInformationMessage, showWarningMessage } from '../notices';
import { preambleOfFile } from '../preambles';
import type { DocumentPreamble, NamedPreamble, Preambles } from '../preambles';
import type { ScoredDocuments } from '../scoredDocuments';
import type { Announcer } from './byEar';
import type { DifferenceView } from './differenceView';
import type { LongReading, ReportShare } from './longReading';
import { activeEditor, excerpt } from './places';

/** Tokens compared at a time: between two the progress is shown. */
const slice = 512;

export interface PreambleParts {
  readonly scored: Pick<ScoredDocuments, 'ask' | 'readPreamble'>;
  readonly preambles: Preambles;
  readonly difference: DifferenceView;
  readonly reading: LongReading;
  readonly announcer: Announcer;
}

/** Lets people put an unseen text before a document, says of which documents one is in force, and shows what it saves. */
export class PreambleView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: PreambleParts;
  readonly #item = this.#store.add(vscode.window.createStatusBarItem('tokenLens.preamble', vscode.StatusBarAlignment.Right, 97));

  constructor(parts: PreambleParts) {
    this.#parts = parts;
    this.#item.name = vscode.l10n.t('Token Lens: what is read before the document');
    this.#item.command = 'tokenLens.removePreamble' satisfies CommandId;
    const draw = () => {
      this.#draw();
    };
    this.#store.add(vscode.window.onDidChangeActiveTextEditor(draw));
    this.#store.add(parts.preambles.onDidChange(draw));
    draw();
  }

  /** `asked`: a preamble, by another than the user. */
  async set(asked: unknown): Promise<void> {
    const document = activeEditor()?.document;
    if (!document) return;
    const preamble = preambleOf(asked) ?? (await this.#pick(document));
    if (!preamble || document.isClosed) return;
    const { reading, scored, preambles, announcer } = this.#parts;
    const title = vscode.l10n.t('reading what stands before the document');
    const read = await reading.run(title, 0, signal => scored.readPreamble(preamble, signal));
    if (!read) return;
    preambles.set(document, preamble);
    announcer.say(readInWords(preamble, read), { asked: true });
  }

  remove(): void {
    const document = vscode.window.activeTextEditor?.document;
    const { preambles, announcer } = this.#parts;
    if (!document || !preambles.of(document)) {
      announcer.say(vscode.l10n.t('Nothing is read before this document.'), { asked: true });
      return;
    }
    preambles.set(document, undefined);
    announcer.say(vscode.l10n.t('The model reads this document alone again.'), { asked: true });
  }

  /** Shows the bits of each line with the preamble and without it, and what it saves. */
  async compare(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    const { preambles, difference, reading } = this.#parts;
    const preamble = document && preambles.of(document);
    if (!document || !preamble)
      return void showInformationMessage(vscode.l10n.t('Nothing is read before this document: set a preamble first.'));
    const { version } = document;
    const key = JSON.stringify(['preamble', preamble.kind, preamble.sha256]);
    await difference.show(document, key, async stop => {
      const tokens = reading.tokensOf(document.getText().length);
      const title = titleOf(preamble);
      const found = await reading.run(title, 2 * tokens, (signal, report) => this.#compared(document, tokens, signal, report), stop);
      if (!found || found.pieces.length === 0) return undefined;
      return { document, version, title, source: undefined, readTo: undefined, kind: 'saved', ...found };
    });
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** In slices of the whole document; what changes meanwhile is not shown. */
  async #compared(document: vscode.TextDocument, expected: number, signal: AbortSignal, report: ReportShare) {
    const { scored } = this.#parts;
    const { version } = document;
    const { length } = document.getText();
    const pieces: DifferencePiece[] = [];
    let measure: { readonly one: Provenance; readonly other: Provenance } | undefined;
    for (let at = 0, done = 0; ;) {
      const question = { edit: { start: at, end: at, text: '' }, followingTokens: slice };
      const one = await scored.ask(document, 'try', question, signal, { finest: true });
      const other = await scored.ask(document, 'try', question, signal, { finest: true, withoutPreamble: true });
      measure ??= { one: one.provenance, other: other.provenance };
      // All slices are of one model with one set of settings, or nothing is shown.
      if (!isSameMeasure(one.provenance, measure.one) || !isSameMeasure(other.provenance, measure.other))
        throw new ModelError('cancelled', 'The settings have changed.');
      const [present, absent] = [one.result.before, other.result.before];
      const { starts, ends, ids } = present;
      const isLast = ids.length < slice || (ends.at(-1) ?? length) >= length;
      // What begins with the last token may go on in the next slice.
      const cut = isLast ? ids.length : firstOfLast(present);
      pieces.push(...differencePieces({ length: cut, starts, ends, withBits: present.surprisalBits, withoutBits: absent.surprisalBits }));
      done += cut;
      report(Math.min(1, done / expected));
      const next = starts[cut] ?? length;
      if (isLast || next <= at || document.version !== version) return { pieces, provenance: one.provenance };
      at = next;
    }
  }

  async #pick(document: vscode.TextDocument): Promise<NamedPreamble | undefined> {
    const words = {
      label: `$(edit) ${vscode.l10n.t('Typed words…')}`,
      detail: vscode.l10n.t('Read as the paragraph before the document, until the window is closed.'),
    };
    const file = { label: `$(file) ${vscode.l10n.t('A file…')}`, detail: vscode.l10n.t('Of a long one the model reads the end.') };
    const chat = {
      label: `$(comment-discussion) ${vscode.l10n.t('As the answer to…')}`,
      detail: vscode.l10n.t(
        'Typed words, in the frame in which this model is asked for something, until the window is closed; for chat models. Of a long question the model reads the end.',
      ),
    };
    const compare = { label: `$(diff) ${vscode.l10n.t('Show what it saves, line by line')}` };
    const remove = { label: `$(trash) ${vscode.l10n.t('Remove it')}` };
    const has = this.#parts.preambles.of(document) !== undefined;
    const chosen = await vscode.window.showQuickPick([words, file, chat, ...(has ? [compare, remove] : [])], {
      title: vscode.l10n.t('Read this document after something else'),
      placeHolder: vscode.l10n.t(
        'The model reads it before every part of the document; it gets no scores, and the document stays as it is.',
      ),
    });
    if (chosen === file) return pickFile();
    if (chosen === compare) await this.compare();
    else if (chosen === remove) this.remove();
    if (chosen !== words && chosen !== chat) return undefined;
    const title =
      chosen === words ? vscode.l10n.t('What the model reads before the document') : vscode.l10n.t('What the document is the answer to');
    const typed = await vscode.window.showInputBox({ title });
    if (typed === undefined || typed === '') return undefined;
    return chosen === words ? { kind: 'text', text: `${typed}\n\n`, name: null } : { kind: 'chat', text: typed, name: null };
  }

  #draw(): void {
    const document = vscode.window.activeTextEditor?.document;
    const preamble = document && this.#parts.preambles.of(document);
    if (!preamble) return this.#item.hide();
    const title = titleOf(preamble);
    this.#item.text = `$(history) ${safeLabel(title)}`;
    const compare: CommandId = 'tokenLens.comparePreamble';
    const said = vscode.l10n.t(
      '{0}: the model reads this before the document, as context only. All numbers of this document depend on it.',
      title,
    );
    const link = `[${escapedText(vscode.l10n.t('Show what it saves, line by line'))}](command:${compare})`;
    this.#item.tooltip = new vscode.MarkdownString(
      [escapedText(said), link, escapedText(vscode.l10n.t('Click to remove it.'))].join('\n\n'),
    );
    this.#item.tooltip.isTrusted = { enabledCommands: [compare] };
    this.#item.accessibilityInformation = { label: `Token Lens: ${title}` };
    this.#item.show();
  }
}

/** The first row of what shares a character with the last one. */
function firstOfLast({ ids, starts, ends }: PassageScore): number {
  let row = ids.length - 1;
  while (row > 0 && (starts[row] ?? 0) < (ends[row - 1] ?? 0)) row--;
  return row;
}

function readInWords({ kind }: Preamble, { tokens, isCut }: PreambleResult): string {
  const count = formatCount(tokens);
  if (isCut)
    return kind === 'chat'
      ? vscode.l10n.t('The question is too long: the model now reads its end before this document, {0} tokens with the frame.', count)
      : vscode.l10n.t('That text is too long: the model now reads its end before this document, {0} tokens.', count);
  return tokens === 1
    ? vscode.l10n.t('The model now reads 1 token before this document.')
    : vscode.l10n.t('The model now reads {0} tokens before this document.', count);
}

/** "After notes.md": as the beginning of a sentence. */
function titleOf({ kind, name }: DocumentPreamble): string {
  const what = name === null ? vscode.l10n.t('typed words') : excerpt(name, 30);
  return kind === 'chat' ? vscode.l10n.t('As the answer to {0}', what) : vscode.l10n.t('After {0}', what);
}

async function pickFile(): Promise<NamedPreamble | undefined> {
  const title = vscode.l10n.t('What the model reads before the document');
  const [uri] = (await vscode.window.showOpenDialog({ title, canSelectMany: false })) ?? [];
  if (!uri) return undefined;
  try {
    return await preambleOfFile(uri);
  } catch {
    const name = excerpt(uri.path.split('/').at(-1) ?? uri.path, 60);
    void showWarningMessage(vscode.l10n.t('{0} cannot be read, is no text, or is larger than 5 MB.', name));
    return undefined;
  }
}

function preambleOf(asked: unknown): NamedPreamble | undefined {
  if (typeof asked !== 'object' || asked === null || !('kind' in asked) || !('text' in asked)) return undefined;
  const { kind, text } = asked;
  if ((kind !== 'text' && kind !== 'chat') || typeof text !== 'string') return undefined;
  return { kind, text: text.slice(-longestPreamble), name: 'name' in asked && typeof asked.name === 'string' ? asked.name : null };
}
