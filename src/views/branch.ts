import * as vscode from 'vscode';
import { branchEdits, writtenText } from '../core/branchEdits';
import type { BranchEdits } from '../core/branchEdits';
import { branchScheme } from '../core/contributions';
import { editPreview } from '../core/editPreview';
import { plainPieces, safeLabel } from '../core/hoverText';
import { formatCount, formatPercent } from '../core/numberText';
import { piecesOfBytes } from '../core/vocabulary';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Insertions } from '../insertions';
import { ModelError } from '../model/errors';
import type { DraftResult, TextEdit } from '../model/protocol';
import { showInformationMessage } from '../notices';
import type { ScoredDocuments } from '../scoredDocuments';
import {
  changedMessage,
  chooseBeginning,
  isAsked,
  notTakenMessage,
  notTextReason,
  placeOf,
  previewText,
  withLineEndings,
} from './alternatives';
import type { Beginning, Place, PlaceParts } from './alternatives';
import { LivePick } from './livePick';
import { afterPreamble } from './preambleWords';
import { errorInWords } from './stateInWords';

/** Written at a time; a line of code has fewer. */
const mostTokens = 48;
/** Below, the model only guesses: it stops, unless it is asked to write on. */
const leastProbability = 0.05;
/** Of a new text, shown in one line: more would not be seen. UTF-16. */
const shownUnits = 200;
/** Tokens after the edit whose bits are compared, as for a single alternative. */
const followingTokens = 64;

type Scored = Pick<ScoredDocuments, 'ask'>;
type Mode = keyof BranchEdits;

/** How a document would go on with another token at a place: written by the model, compared side by side, and put in only when it is accepted. */
export class BranchPreviews implements Disposable, vscode.TextDocumentContentProvider {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.#changed.event;
  readonly #parts: PlaceParts;
  readonly #insertions: Pick<Insertions, 'accepted'>;
  #branch: Branch | undefined;
  #count = 0;

  constructor(parts: PlaceParts, insertions: Pick<Insertions, 'accepted'>) {
    this.#parts = parts;
    this.#insertions = insertions;
    this.#store.add(vscode.workspace.registerTextDocumentContentProvider(branchScheme, this));
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const branch = this.#branch;
    // After a restart of the window VS Code opens the address again.
    return branch?.uri.toString() === uri.toString() ? branch.text : vscode.l10n.t('This preview is gone.');
  }

  /** At the cursor by a list of alternatives; from a hover with the one that was clicked. */
  async choose(asked?: unknown): Promise<void> {
    const place = await placeOf(this.#parts, isAsked(asked) ? asked : undefined);
    if (!place) return;
    if (typeof place === 'string') return void showInformationMessage(place);
    if (!isAsked(asked)) return this.#chooseAt(place);
    if (place.view.vocabulary.textOf(asked.id) === undefined) return void showInformationMessage(notTextReason());
    return this.continueWith(place, { forced: asked.id, end: place.cell.end });
  }

  readonly continueWith = async (place: Place, beginning: Beginning): Promise<void> => {
    const { document } = place.editor;
    if (document.isClosed || document.version !== place.version) return void showInformationMessage(changedMessage());
    await this.#branch?.close();
    const uri = vscode.Uri.from({ scheme: branchScheme, path: document.uri.path, query: (++this.#count).toString() });
    const branch = new Branch(this.#parts.scored, this.#insertions, place, beginning, uri, () => {
      this.#changed.fire(uri);
    });
    this.#branch = branch;
    const end = await branch.run();
    if (this.#branch !== branch) return;
    this.#branch = undefined;
    if (end?.kind === 'message') void showInformationMessage(end.text);
    else if (end) await this.#chooseAt({ ...place, editor: end.editor });
  };

  dispose(): void {
    void this.#branch?.close();
    this.#store.dispose();
  }

  async #chooseAt(place: Place): Promise<void> {
    const beginning = await chooseBeginning(this.#parts, place);
    if (beginning) await this.continueWith(place, beginning);
  }
}

interface BranchItem extends vscode.QuickPickItem {
  /** `none`: it only says something. */
  readonly act: Mode | 'more' | 'others' | 'discard' | 'none';
}

/** What is to come when a preview is closed. */
type End = { readonly kind: 'message'; readonly text: string } | { readonly kind: 'others'; readonly editor: vscode.TextEditor };

interface Written {
  readonly edits: Readonly<Record<Mode, TextEdit | undefined>>;
  readonly ended: DraftResult['ended'];
  readonly modelName: string;
  readonly modelHash: string;
  /** What each edit does to the bits, in words, where that is known. */
  readonly totals: Readonly<Partial<Record<Mode, string>>>;
}

/** One preview: a comparison in the editor, and the list of what can be done with it. It holds for one version of the document. */
class Branch {
  readonly uri: vscode.Uri;
  readonly #scored: Scored;
  readonly #insertions: Pick<Insertions, 'accepted'>;
  readonly #place: Place;
  readonly #beginning: Beginning;
  readonly #changed: () => void;
  readonly #document: vscode.TextDocument;
  readonly #selection: vscode.Selection;
  readonly #viewColumn: vscode.ViewColumn | undefined;
  readonly #store = new DisposableStore();
  readonly #pick = this.#store.add(vscode.window.createQuickPick<BranchItem>());
  readonly #live = new LivePick(this.#pick, ({ act }) => (act === 'none' ? undefined : act));
  #run = new AbortController();
  #ids: readonly number[] = [];
  #written: Written | undefined;
  #mode: Mode = 'replace';
  #comparing: Promise<void> | undefined;
  #isOpen = true;
  #left: Promise<vscode.TextEditor | undefined> | undefined;
  #resolve: (end: End | undefined) => void = () => undefined;

  constructor(
    scored: Scored,
    insertions: Pick<Insertions, 'accepted'>,
    place: Place,
    beginning: Beginning,
    uri: vscode.Uri,
    changed: () => void,
  ) {
    this.#scored = scored;
    this.#insertions = insertions;
    this.#place = place;
    this.#beginning = beginning;
    this.uri = uri;
    this.#changed = changed;
    this.#document = place.editor.document;
    this.#selection = place.editor.selection;
    this.#viewColumn = place.editor.viewColumn;
  }

  /** Of the document as it would be. */
  get text(): string {
    const text = this.#document.getText();
    const edit = this.#written?.edits[this.#mode];
    return edit ? text.slice(0, edit.start) + edit.text + text.slice(edit.end) : text;
  }

  /** Resolves when it is closed. */
  async run(): Promise<End | undefined> {
    const pick = this.#pick;
    const { view } = this.#place;
    const { forced } = this.#beginning;
    const begins = plainPieces(
      typeof forced === 'number' ? view.vocabulary.piecesOf(forced) : piecesOfBytes(new TextEncoder().encode(forced)),
    );
    pick.title = vscode.l10n.t('Continue from here with {0}', begins) + afterPreamble(view.provenance);
    pick.placeholder = vscode.l10n.t('Nothing is inserted before you choose. Escape leaves the text as it is.');
    pick.ignoreFocusOut = true; // the comparison can be scrolled
    pick.onDidHide(() => void this.close());
    pick.onDidChangeValue(value => {
      if (pick.busy && value !== '') void this.close(); // somebody goes on typing
    });
    pick.onDidChangeActive(() => {
      const item = this.#live.active;
      if ((item?.act !== 'replace' && item?.act !== 'insert') || item.act === this.#mode) return;
      this.#mode = item.act;
      this.#changed();
    });
    pick.onDidAccept(() => void this.#do(this.#live.active?.act));
    this.#store.add(
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (document === this.#document && contentChanges.length > 0)
          void this.close({ kind: 'message', text: vscode.l10n.t('The document has changed, so nothing was inserted.') });
      }),
    );
    this.#store.add(
      vscode.window.onDidChangeTextEditorSelection(({ textEditor: { document } }) => {
        // Somebody has gone back to the document: a comparison that came up over it would take the keys of what is typed there.
        if (document === this.#document && !this.#comparing) void this.close();
      }),
    );
    this.#store.add(vscode.workspace.onDidCloseTextDocument(document => document === this.#document && void this.close()));
    this.#store.add(vscode.window.tabGroups.onDidChangeTabs(({ closed }) => closed.some(tab => isOf(tab, this.uri)) && void this.close()));
    const closed = new Promise<End | undefined>(resolve => {
      this.#resolve = resolve;
    });
    pick.show();
    void this.#write();
    return closed;
  }

  /** Discards it; resolves when nothing of it is to be seen any more. */
  async close(end?: End): Promise<void> {
    if (!this.#isOpen) {
      await this.#left; // whoever came first says why; closing the list comes back to here
      return;
    }
    await this.#leave();
    this.#resolve(end);
  }

  async #do(act: BranchItem['act'] | undefined): Promise<void> {
    if (act === 'more') await this.#write();
    else if (act === 'discard') await this.close();
    else if (act === 'replace' || act === 'insert') await this.#accept(this.#written?.edits[act]);
    else if (act === 'others') {
      const editor = await this.#leave();
      this.#resolve(editor && { kind: 'others', editor });
    }
  }

  async #accept(edit: TextEdit | undefined): Promise<void> {
    if (!edit || !this.#isOpen) return;
    const { version } = this.#place;
    const document = this.#document;
    const editor = await this.#leave();
    if (!editor || document.version !== version) {
      this.#resolve({ kind: 'message', text: changedMessage() });
      return;
    }
    const range = new vscode.Range(document.positionAt(edit.start), document.positionAt(edit.end));
    const replaced = document.getText(range);
    const author = this.#written?.modelHash;
    const isDone = await editor.edit(builder => {
      builder.replace(range, edit.text);
    });
    if (isDone) {
      const end = edit.start + edit.text.length;
      // Other keys may have come between the edit and the news of it.
      if (edit.text !== '' && document.getText().slice(edit.start, end) === edit.text)
        this.#insertions.accepted(document, { start: edit.start, end, replaced }, author);
      const behind = document.positionAt(end);
      editor.selection = new vscode.Selection(behind, behind);
      editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
    this.#resolve(isDone ? undefined : { kind: 'message', text: notTakenMessage() });
  }

  /**
   * Ends all that is under way, closes the comparison and shows the document again. Who is in the document already, and perhaps types, is left
   * where he is.
   */
  #leave(): Promise<vscode.TextEditor | undefined> {
    return (this.#left ??= this.#leaveNow());
  }

  async #leaveNow(): Promise<vscode.TextEditor | undefined> {
    this.#isOpen = false;
    this.#run.abort();
    this.#store.dispose();
    await this.#comparing?.catch(() => undefined); // a tab that is just being opened could not be closed yet
    const tab = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).find(each => isOf(each, this.uri));
    if (tab) await vscode.window.tabGroups.close(tab, true);
    const document = this.#document;
    if (document.isClosed) return undefined;
    const active = vscode.window.activeTextEditor;
    const { input } = vscode.window.tabGroups.activeTabGroup.activeTab ?? {};
    if (active?.document === document && input instanceof vscode.TabInputText) return active;
    const column = this.#viewColumn === undefined ? {} : { viewColumn: this.#viewColumn };
    const selection = document.version === this.#place.version ? { selection: this.#selection } : {}; // of another text it is another place
    return vscode.window.showTextDocument(document, { ...column, ...selection });
  }

  /** A line more, or the first. */
  async #write(): Promise<void> {
    this.#run.abort();
    const run = new AbortController();
    this.#run = run;
    const { signal } = run;
    const { view, cell } = this.#place;
    this.#pick.busy = true;
    this.#live.restart([
      { label: `$(loading~spin) ${vscode.l10n.t('{0} writes…', safeLabel(view.modelName))}`, act: 'none', alwaysShow: true },
    ]);
    const isFirst = this.#ids.length === 0;
    const asked = {
      offset: cell.start,
      after: this.#ids,
      begins: { kind: 'forced', forced: isFirst ? this.#beginning.forced : '' },
      mostTokens,
      leastProbability: isFirst ? leastProbability : 0,
      atLineEnd: true,
    } as const;
    try {
      const { result, vocabulary, modelName, provenance } = await this.#scored.ask(this.#document, 'draft', asked, signal);
      if (signal.aborted) return;
      if (result.cut !== cell.start) throw new ModelError('internal', 'A draft begins elsewhere.');
      this.#ids = [...this.#ids, ...result.ids];
      const { replace, insert } = branchEdits(
        this.#document.getText(),
        cell.start,
        this.#beginning.end,
        writtenText(this.#ids, vocabulary),
      );
      const toEdit = (edit: TextEdit): TextEdit => ({ ...edit, text: withLineEndings(edit.text, this.#document) });
      this.#written = {
        edits: { replace: toEdit(replace), insert: insert && toEdit(insert) },
        ended: result.ended,
        modelName,
        modelHash: provenance.modelHash,
        totals: {},
      };
      this.#changed();
      this.#comparing ??= this.#compare(replace);
      await this.#comparing;
      if (this.#run !== run || !this.#isOpen) return;
      this.#list(this.#written);
      for (const mode of ['replace', 'insert'] as const) await this.#sum(mode, signal);
      this.#pick.busy = false;
    } catch (error) {
      if (!signal.aborted) await this.close({ kind: 'message', text: errorInWords(error, 'move') });
    }
  }

  /** Reads the document as it would be: drafts have numbers of their own, which are not those of its scores. */
  async #sum(mode: Mode, signal: AbortSignal): Promise<void> {
    const edit = this.#written?.edits[mode];
    if (!edit) return;
    const { result } = await this.#scored.ask(this.#document, 'try', { edit, followingTokens, wholeEdit: true }, signal);
    if (signal.aborted || !this.#written) return;
    const total = previewText(editPreview(result.before, result.after));
    this.#written = { ...this.#written, totals: { ...this.#written.totals, [mode]: total } };
    this.#list(this.#written);
  }

  async #compare({ start }: TextEdit): Promise<void> {
    const would = await vscode.workspace.openTextDocument(this.uri);
    const { languageId } = this.#document;
    if (would.languageId !== languageId) await vscode.languages.setTextDocumentLanguage(would, languageId);
    if (!this.#isOpen) return;
    // A place far to the right would scroll both sides, and cut off where their lines begin.
    const at = this.#document.positionAt(start).with({ character: 0 });
    const name = this.#document.uri.path.split('/').at(-1) ?? '';
    const options: vscode.TextDocumentShowOptions = {
      preview: false, // which would take the place of the document's own tab
      preserveFocus: true,
      selection: new vscode.Range(at, at),
      ...(this.#viewColumn === undefined ? {} : { viewColumn: this.#viewColumn }),
    };
    await vscode.commands.executeCommand(
      'vscode.diff',
      this.#document.uri,
      this.uri,
      vscode.l10n.t('{0}: as it would go on', name),
      options,
    );
  }

  #list(written: Written): void {
    const { edits, ended, totals, modelName } = written;
    const mark = vscode.l10n.t('Its bits are being computed…');
    // At the top of a file the list covers the comparison.
    const shown = (edit: TextEdit | undefined) =>
      safeLabel(plainPieces(piecesOfBytes(new TextEncoder().encode(edit?.text.slice(0, shownUnits)))));
    const item = (act: BranchItem['act'], icon: string, label: string, detail?: string): BranchItem => ({
      act,
      label: `$(${icon}) ${label}`,
      ...(act === 'replace' || act === 'insert' ? { description: shown(edits[act]) } : {}),
      alwaysShow: true, // nothing is looked for here
      ...(detail === undefined ? {} : { detail }),
    });
    const items = [
      edits.replace && edits.replace.start < edits.replace.end
        ? item('replace', 'replace', vscode.l10n.t('Replace the rest of the line'), totals.replace ?? mark)
        : item('replace', 'insert', vscode.l10n.t('Insert at the end of the line'), totals.replace ?? mark),
      ...(edits.insert ? [item('insert', 'insert', vscode.l10n.t('Insert before what follows on the line'), totals.insert ?? mark)] : []),
      ended === 'control'
        ? item('none', 'circle-slash', vscode.l10n.t('{0} would end the text here.', safeLabel(modelName)))
        : item('more', 'edit', vscode.l10n.t('Write on'), endInWords(ended)),
      item('others', 'list-unordered', vscode.l10n.t('Another alternative…')),
      item('discard', 'discard', vscode.l10n.t('Leave the text as it is')),
    ];
    const ofMode = items.find(({ act }) => act === this.#mode);
    this.#live.replace(items, ofMode);
  }
}

function endInWords(ended: Exclude<DraftResult['ended'], 'control'>): string {
  switch (ended) {
    case 'line-end':
      return vscode.l10n.t('It stopped at the end of a line.');
    case 'length':
      return vscode.l10n.t('It stopped after {0} tokens.', formatCount(mostTokens));
    case 'improbable':
      return vscode.l10n.t('It stopped where no next token has {0}%.', formatPercent(leastProbability));
  }
}

function isOf({ input }: vscode.Tab, uri: vscode.Uri): boolean {
  return input instanceof vscode.TabInputTextDiff && input.modified.toString() === uri.toString();
}
