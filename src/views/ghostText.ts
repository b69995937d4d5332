import * as vscode from 'vscode';
import type { Config } from '../config';
import { contextKeys } from '../core/contributions';
import { ghostTextOf } from '../core/ghostText';
import type { GhostText } from '../core/ghostText';
import { formatBits, formatCount, formatDecimal } from '../core/numberText';
import type { Span } from '../core/scores';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Answer } from '../documentView';
import type { DraftResult } from '../model/protocol';
import { setStatusBarMessage } from '../notices';
import type { Insertions } from '../insertions';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { activeEditor } from './places';
import { afterPreamble } from './preambleWords';
import { errorInWords, refusalInWords } from './stateInWords';

/** Longer drafts are broken off: a line of code has fewer. */
const mostTokens = 64;
/** A model that answers sooner needs no sign that it works. */
const patienceMs = 300;
const messageMs = 6_000;
/** VS Code does not tell when it takes grey text away, as for the Command Palette: what stands behind it may outlive it for so long. */
const markMs = 5_000;

/** VS Code takes it apart into the extension's id and any of its providers; versions that do not know it ask all providers. */
const ownProvider = { providerId: 'token-lens.token-lens:*', explicit: true };

export interface GhostTextParts {
  readonly scored: Pick<ScoredDocuments, 'ask'>;
  readonly config: Config;
  readonly pauses: Pauses;
  readonly insertions: Pick<Insertions, 'offered'>;
}

interface Asked {
  readonly document: vscode.TextDocument;
  readonly version: number;
  /** Of the cursor, UTF-16. */
  readonly offset: number;
}

/** The model is asked before VS Code comes for the answer: its way there and back takes as long as a token. */
interface Writing {
  readonly run: AbortController;
  readonly leastProbability: number;
  readonly answer: Promise<Answer<'draft'>>;
}

/** A text that might be put in place of a range. */
export interface Offered {
  readonly document: vscode.TextDocument;
  readonly range: vscode.Range;
  readonly text: string;
  /** `modelHash` of the model that wrote it. */
  readonly author: string;
}

/** What was answered last. */
interface Shown {
  readonly document: vscode.TextDocument;
  readonly asked: number;
  /** Stands, or is to stand, in the document from `start` on; line ends are the document's. */
  readonly start: number;
  readonly text: string;
  /** Closing signs after the cursor that it brings itself. */
  readonly covered: string;
  readonly bitsPerToken: number;
  /** `modelHash` of the model that wrote it. */
  readonly author: string;
}

/**
 * What the model would most probably write at the cursor, as far as it is sure, in grey behind it. Only when somebody asks for it by the command:
 * a provider that answers while people type would be one more that cuts in on the others.
 */
export class GhostTextView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #scored: Pick<ScoredDocuments, 'ask'>;
  readonly #config: Config;
  readonly #insertions: Pick<Insertions, 'offered'>;
  /** By the command, last; gone with the cursor. */
  #asked: Asked | undefined;
  /** VS Code has not come for the answer yet. */
  #isPending = false;
  #writing: Writing | undefined;
  #shown: Shown | undefined;
  #message: vscode.Disposable | undefined;
  #isSuggesting = false;
  #markTimer: NodeJS.Timeout | undefined;
  /** Behind the grey text of the line: VS Code draws what begins at one place in the order in which it came. */
  readonly #mark = this.#store.add(
    vscode.window.createTextEditorDecorationType({
      after: { color: new vscode.ThemeColor('descriptionForeground'), margin: '0 0 0 2.5em', fontStyle: 'italic' },
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    }),
  );

  constructor({ scored, config, pauses, insertions }: GhostTextParts) {
    this.#scored = scored;
    this.#insertions = insertions;
    this.#config = config;
    const moved = pauses.timed('other', () => this.#moved());
    this.#store.add(
      vscode.languages.registerInlineCompletionItemProvider(
        { pattern: '**' },
        {
          provideInlineCompletionItems: (document, position, context, token) => this.#provide(document, position, context, token),
        },
      ),
    );
    this.#store.add(
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document === vscode.window.activeTextEditor?.document) moved();
      }),
    );
    this.#store.add(vscode.window.onDidChangeTextEditorSelection(moved));
    this.#store.add(vscode.window.onDidChangeActiveTextEditor(moved));
    // Grey text goes with the focus.
    this.#store.add(vscode.window.onDidChangeWindowState(({ focused }) => focused || this.#leave()));
  }

  /** The command: asks for ghost text at the cursor. */
  async suggest(): Promise<void> {
    const editor = activeEditor();
    if (!editor) return;
    const { document } = editor;
    this.#leave();
    const position = editor.selection.active;
    this.#asked = { document, version: document.version, offset: document.offsetAt(position) };
    const isEnabled = vscode.workspace.getConfiguration('editor', document).get<boolean>('inlineSuggest.enabled') !== false;
    const skipped = this.#config.skips(document);
    if (skipped !== undefined || !isEnabled) {
      this.#say(
        skipped === undefined
          ? vscode.l10n.t('VS Code shows no inline suggestions (setting Editor: Inline Suggest: Enabled).')
          : refusalInWords({ kind: skipped }),
      );
      return;
    }
    this.#isPending = true;
    const triggered = vscode.commands.executeCommand('editor.action.inlineSuggest.trigger', ownProvider);
    const writing = this.#write(document, position, undefined);
    await triggered;
    this.#endUnasked(writing);
  }

  /** Nobody waits for the answer any more, nor wants to see it. */
  cancel(): void {
    if (this.#shown) void vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
    this.#leave();
  }

  /** What stands in grey behind the cursor, as much of it as is not in the document yet, and what it would take the place of. */
  get offered(): Offered | undefined {
    const editor = vscode.window.activeTextEditor;
    const shown = this.#shown;
    const [rest] = (editor && this.#rest(editor.document, editor.selection.active)) ?? [];
    if (!editor || !shown || !rest?.range || typeof rest.insertText !== 'string') return undefined;
    return { document: editor.document, range: rest.range, text: rest.insertText, author: shown.author };
  }

  dispose(): void {
    this.#leave();
    this.#store.dispose();
  }

  async #provide(
    document: vscode.TextDocument,
    position: vscode.Position,
    { triggerKind, selectedCompletionInfo: selected }: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[] | undefined> {
    const asked = this.#asked;
    // VS Code asks again after every key: of what was asked for once, what is not typed yet goes on to be shown.
    const isAnswer = this.#isPending && triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    if (!isAnswer || asked?.document !== document) return this.#rest(document, position);
    this.#isPending = false;
    if (asked.version !== document.version || asked.offset !== document.offsetAt(position)) return undefined;
    const entry = entryOf(document, selected);
    // Of the entry that is marked in a list nobody knew before.
    const writing = (entry ? undefined : this.#writing) ?? this.#write(document, position, entry);
    const { signal } = writing.run;
    const cancelled = token.onCancellationRequested(() => {
      writing.run.abort();
    });
    const waiting = setTimeout(() => {
      if (!signal.aborted) this.#show(vscode.l10n.t('Token Lens: the model writes'), undefined, 'loading~spin');
    }, patienceMs);
    try {
      const answer = await writing.answer;
      if (signal.aborted || document.version !== asked.version) return undefined;
      const found = this.#offer(document, position, entry, writing.leastProbability, answer);
      return found && [found];
    } catch (error) {
      if (!signal.aborted) this.#say(errorInWords(error, 'move'));
      return undefined;
    } finally {
      clearTimeout(waiting);
      cancelled.dispose();
      if (this.#writing === writing) {
        if (signal.aborted)
          this.#leave(); // VS Code does not want it any more: it is not being written
        else this.#stop();
      }
    }
  }

  /** In place of what is being written. */
  #write(document: vscode.TextDocument, position: vscode.Position, entry: Entry | undefined): Writing {
    this.#stop();
    const leastProbability = this.#config.suggestLeastProbability(document);
    const begins = { kind: 'typed', instead: entry } as const;
    const asked = { offset: document.offsetAt(position), after: [], begins, mostTokens, leastProbability, atLineEnd: true };
    const run = new AbortController();
    const writing = { run, leastProbability, answer: this.#scored.ask(document, 'draft', asked, run.signal) };
    writing.answer.catch(() => undefined); // whoever waits for it says what is wrong
    this.#writing = writing;
    this.#setKey();
    return writing;
  }

  /** VS Code has an answer of its own, or wants none. */
  #endUnasked(writing: Writing): void {
    if (this.#isPending && this.#writing === writing) this.#stop();
  }

  #stop(): void {
    if (!this.#writing) return;
    this.#writing.run.abort();
    this.#writing = undefined;
    this.#setKey();
  }

  /** Escape ends what is being written, and takes away what is shown with its mark. */
  #setKey(): void {
    const isSuggesting = this.#writing !== undefined || this.#shown !== undefined;
    if (isSuggesting === this.#isSuggesting) return;
    this.#isSuggesting = isSuggesting;
    void vscode.commands.executeCommand('setContext', contextKeys.suggesting, isSuggesting);
  }

  #offer(
    document: vscode.TextDocument,
    position: vscode.Position,
    entry: Entry | undefined,
    leastProbability: number,
    { result, vocabulary, modelName, provenance }: Answer<'draft'>,
  ): vscode.InlineCompletionItem | undefined {
    const text = document.getText();
    const offset = document.offsetAt(position);
    const ghost = ghostTextOf({ text, offset, selected: entry }, result, vocabulary);
    if (!ghost || ghost.isThere) {
      this.#say(whyNothing(ghost, result, modelName, leastProbability));
      return undefined;
    }
    this.#show(markOf(ghost, modelName) + afterPreamble(provenance));
    const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
    const inserted = ghost.text.replaceAll('\n', eol);
    this.#shown = {
      document,
      asked: offset,
      start: ghost.start,
      text: inserted,
      covered: entry ? '' : text.slice(offset, ghost.end),
      bitsPerToken: ghost.bitsPerToken,
      author: provenance.modelHash,
    };
    this.#insertions.offered(document, { text: inserted, author: provenance.modelHash });
    this.#drawMark();
    const range = new vscode.Range(document.positionAt(ghost.start), document.positionAt(ghost.end));
    return new vscode.InlineCompletionItem(inserted, range);
  }

  /** What is left of the text that was shown last, where the document has the beginning of it. */
  #rest(document: vscode.TextDocument, position: vscode.Position): vscode.InlineCompletionItem[] | undefined {
    const shown = this.#shown;
    if (!shown || !this.#isWithin(shown, document, document.offsetAt(position))) return undefined;
    const end = position.translate(0, shown.covered.length);
    const covers = document.getText(new vscode.Range(position, end)) === shown.covered;
    const rest = shown.text.slice(document.offsetAt(position) - shown.start);
    return [new vscode.InlineCompletionItem(rest, new vscode.Range(position, covers ? end : position))];
  }

  /** The document has a part of what is shown, up to the cursor. */
  #isWithin({ document: own, asked, start, text }: Shown, document: vscode.TextDocument, offset: number): boolean {
    if (document !== own || offset < asked || offset >= start + text.length) return false;
    return text.startsWith(document.getText(new vscode.Range(document.positionAt(start), document.positionAt(offset))));
  }

  /** Where text or cursor have moved on, nobody waits for an answer any more, and what is said is of another place. */
  #moved(): void {
    const editor = vscode.window.activeTextEditor;
    const [asked, shown] = [this.#asked, this.#shown];
    if (!asked) return;
    if (!editor) {
      this.#leave();
      return;
    }
    const { document, selection } = editor;
    const offset = document.offsetAt(selection.active);
    const isThere = asked.document === document && asked.version === document.version && asked.offset === offset;
    const stays = isThere || (shown !== undefined && this.#isWithin(shown, document, offset));
    if (!stays) this.#leave();
    else if (shown) this.#drawMark();
  }

  /** How sure the model is, at the end of the cursor's line; redrawn there where a word of the grey text is taken. */
  #drawMark(): void {
    clearTimeout(this.#markTimer);
    const shown = this.#shown;
    if (shown) this.#markTimer = setTimeout(() => this.#clearMark(), markMs);
    for (const editor of vscode.window.visibleTextEditors) {
      const isHere = editor === vscode.window.activeTextEditor && editor.document === shown?.document;
      const { end } = editor.document.lineAt(editor.selection.active.line).range;
      const contentText = isHere ? vscode.l10n.t('{0} bits a token', formatBits(shown.bitsPerToken)) : '';
      editor.setDecorations(this.#mark, isHere ? [{ range: new vscode.Range(end, end), renderOptions: { after: { contentText } } }] : []);
    }
  }

  /** The same number stays in the status bar until something moves. */
  #clearMark(): void {
    for (const editor of vscode.window.visibleTextEditors) editor.setDecorations(this.#mark, []);
  }

  #leave(): void {
    this.#asked = undefined;
    this.#isPending = false;
    this.#stop();
    if (this.#shown) {
      this.#insertions.offered(this.#shown.document, undefined); // which listens before this view does: what was accepted it knows
      this.#shown = undefined;
      this.#drawMark();
    }
    this.#setKey();
    this.#message?.dispose();
    this.#message = undefined;
  }

  #say(text: string): void {
    this.#show(`Token Lens: ${text}`, messageMs);
  }

  /** `forMs` undefined: until something moves. */
  #show(text: string, forMs?: number, icon?: string): void {
    this.#message?.dispose();
    this.#message = setStatusBarMessage(text, forMs, icon);
  }
}

/** Of a list, and what of the document it would replace, UTF-16. */
interface Entry extends Span {
  readonly text: string;
}

function entryOf(document: vscode.TextDocument, selected: vscode.SelectedCompletionInfo | undefined): Entry | undefined {
  return selected && { start: document.offsetAt(selected.range.start), end: document.offsetAt(selected.range.end), text: selected.text };
}

/** How sure the model is: the mean, of a draft. */
function markOf({ tokens, bitsPerToken }: GhostText, modelName: string): string {
  return tokens === 1
    ? vscode.l10n.t('{0} wrote 1 token: {1} bits (draft)', modelName, formatBits(bitsPerToken))
    : vscode.l10n.t('{0} wrote {1} tokens: {2} bits a token (draft)', modelName, formatCount(tokens), formatBits(bitsPerToken));
}

/** Nothing is shown where nothing is sure, or nothing can be seen, or all of it stands there. */
function whyNothing(
  ghost: GhostText | undefined,
  { ids, givenTokens, ended }: Pick<DraftResult, 'ids' | 'givenTokens' | 'ended'>,
  modelName: string,
  leastProbability: number,
): string {
  if (ghost) return vscode.l10n.t('{0} would write here what follows already.', modelName);
  if (ended === 'control') return vscode.l10n.t('{0} would end the text here.', modelName);
  // Or half a character.
  if (ids.length > givenTokens) return vscode.l10n.t('{0} is sure only of what cannot be seen here, such as white space.', modelName);
  const percent = formatDecimal(100 * leastProbability, 1).replace(/\D0$/, '');
  return vscode.l10n.t('{0} is not sure enough here: no next token reaches {1}% (setting Suggest Least Probability).', modelName, percent);
}
