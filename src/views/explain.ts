import * as vscode from 'vscode';
import type { Config } from '../config';
import { contextKeys } from '../core/contributions';
import { isSameMeasure } from '../core/legend';
import type { Span } from '../core/scores';
import { Speed } from '../core/speed';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { Answer, ContextQuestion, QuestionParams } from '../documentView';
import type { ExampleNotes } from '../exampleNotes';
import { FunctionSymbols } from '../functionSymbols';
import type { Declaration } from '../functionSymbols';
import type { LensModel } from '../lensModel';
import { ModelError } from '../model/errors';
import { showInformationMessage } from '../notices';
import type { Pauses } from '../pauses';
import type { Preambles } from '../preambles';
import type { ScoredDocuments } from '../scoredDocuments';
import { fromExplain } from './explainProtocol';
import type {
  Chosen,
  ExplainMessage,
  ExplainState,
  ExplainTarget,
  FromExplain,
  SectionAsked,
  SectionId,
  SectionStates,
  ToExplain,
} from './explainProtocol';
import { sectionMakers } from './explainSections';
import { paramsOf, rowAt, targetAt, tokenTyped } from './explainTarget';
import type { Explaining, ExplainSection, Layout, Target, TargetQuestion, Speeds } from './explainTarget';
import { PlaceMark } from './places';
import { provenanceInWords } from './preambleWords';
import { SignedPaint } from './signedPaint';
import { errorInWords, noAnswerInWords } from './stateInWords';
import { WebPages, type Asked } from './webPages';

/** Parts of a run come in quick succession. */
const redrawPauseMs = 30;
/** Targets of the present text whose results are kept. */
const mostKept = 12;
const beforeLength = 80;

/** A target, with what was found out about it. */
interface Explained {
  readonly target: Target;
  /** As they were while the text was that of the target. */
  functions: readonly Span[];
  declarations: readonly Declaration[];
  readonly sections: { [Id in SectionId]?: ExplainSection<SectionStates[Id]> };
  chosen: Chosen;
  /** See `ExplainTarget`. */
  notOneToken: string | undefined;
  /** The numbers are of another text or of other settings than there are now. */
  stale: 'text' | 'settings' | undefined;
}

/** Ids: one token against another, and all that were typed. */
interface Against {
  readonly a: number;
  readonly b: number;
  readonly typed: readonly number[];
}

export interface ExplainParts {
  readonly scored: Pick<ScoredDocuments, 'ask' | 'view' | 'completeView'>;
  readonly config: Config;
  readonly model: Pick<LensModel, 'onDidReplace'>;
  readonly preambles: Pick<Preambles, 'onDidChange'>;
  readonly notes: Pick<ExampleNotes, 'of' | 'onDidChange'>;
  readonly pauses: Pauses;
}

/**
 * The page about one prediction: which place, whose probability, and below it a section for each way to ask what in the context made it. What a section
 * finds is painted in the editor while it is seen. A target is pinned to one version of its document: an edit takes the paint away and the page says
 * that its numbers are of before.
 */
export class ExplainView implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: ExplainParts;
  readonly #page: WebPages<ToExplain, FromExplain>;
  readonly #paint: SignedPaint;
  readonly #symbols = this.#store.add(new FunctionSymbols());
  readonly #speeds: Speeds = { run: new Speed(), map: new Speed(), switchOff: new Speed() };
  readonly #mark = this.#store.add(new PlaceMark());
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** `isShown` or `holds` of this document is another now. */
  readonly onDidChange = this.#changed.event;
  #painted: vscode.TextDocument | undefined;
  /** The newest last; all are of the present version of their documents, but for the one that is shown. */
  #kept: readonly Explained[] = [];
  #shown: Explained | undefined;
  /** Where the target is by now: edits before it have moved it. */
  #offset = 0;
  #tab: SectionId = 'influence';
  /** By the reader's wish there are no colours. */
  #isUnpainted = false;
  /** The editor that was looked at last: the focus may be on the page. */
  #editor: vscode.TextEditor | undefined;
  #pick: AbortController | undefined;
  /** What the page is about, or will be. */
  #about: vscode.TextDocument | undefined;
  /** That `#pick` is about. */
  #picking: vscode.TextDocument | undefined;
  #redrawTimer: NodeJS.Timeout | undefined;

  constructor(extensionUri: vscode.Uri, parts: ExplainParts) {
    this.#parts = parts;
    const { config, model, preambles, notes, pauses } = parts;
    const { window, workspace } = vscode;
    this.#paint = this.#store.add(new SignedPaint(pauses));
    this.#page = this.#store.add(
      new WebPages<ToExplain, FromExplain>(
        extensionUri,
        { type: 'tokenLens.explain', name: 'explain', title: () => vscode.l10n.t('Context'), place: 'beside', read: fromExplain },
        {
          appeared: () => this.#redrawSoon(),
          message: message => pauses.time('other', () => this.#receive(message)),
          closed: () => this.#closed(),
        },
      ),
    );
    this.#editor = window.activeTextEditor;
    this.#store.add(
      window.onDidChangeActiveTextEditor(editor => {
        if (editor && !config.skippedSchemes.includes(editor.document.uri.scheme)) this.#editor = editor;
        this.#setKey();
      }),
    );
    this.#store.add(workspace.onDidChangeTextDocument(pauses.timed('edit', event => this.#edited(event))));
    this.#store.add(workspace.onDidCloseTextDocument(document => this.#outdate(document, 'text')));
    this.#store.add(preambles.onDidChange(document => this.#outdate(document, 'settings')));
    this.#store.add(
      model.onDidReplace(() => {
        const { run, map, switchOff } = this.#speeds;
        for (const speed of [run, map, switchOff]) speed.forget();
        this.#outdate(undefined, 'settings');
      }),
    );
    this.#store.add(
      config.onDidChange(event => {
        if (config.affects(event, 'contextTokens', 'overlapTokens', 'startToken')) this.#outdate(undefined, 'settings');
      }),
    );
    this.#store.add(
      notes.onDidChange(document => {
        if (this.#shown?.target.document === document) this.#redrawSoon();
      }),
    );
    this.#store.add(
      this.#symbols.onDidChange(document => {
        if (this.#shown?.target.document === document) this.#redrawSoon();
      }),
    );
  }

  /** Pins the token at the cursor, or what comes after the last token, and shows the page; `begin`: with this tab, which is asked for something at once. */
  explain(begin?: { readonly section: SectionId; readonly asked: readonly SectionAsked[] }): void {
    const editor = vscode.window.activeTextEditor ?? this.#editor;
    if (!editor || editor.document.isClosed) return void showInformationMessage(vscode.l10n.t('Open a document first.'));
    this.#editor = editor;
    const { document, selection } = editor;
    this.#hideSection();
    this.#tab = begin?.section ?? this.#tab;
    this.#page.show();
    void this.#pin(document, document.offsetAt(selection.start), begin?.asked);
  }

  /** Its colours are those of the document, and no others. */
  isShown(document: vscode.TextDocument): boolean {
    return this.#painted === document;
  }

  /** Its colours are in the editor, or on their way. */
  holds(document: vscode.TextDocument): boolean {
    return this.isShown(document) || (this.#pick !== undefined && this.#about === document && !this.#isUnpainted);
  }

  /** Takes the colours out of the editors of this document, or of any; the page keeps its numbers. */
  leave(document = this.#about): void {
    if (!document || document !== this.#about || this.#isUnpainted) return;
    this.#isUnpainted = true;
    this.#redraw();
  }

  dispose(): void {
    clearTimeout(this.#redrawTimer);
    this.#pick?.abort();
    this.#hideSection();
    this.#store.dispose();
  }

  /** Never rejects. */
  async #pin(document: vscode.TextDocument, offset: number, asked: readonly SectionAsked[] = [], against?: Against): Promise<void> {
    this.#pick?.abort();
    const pick = new AbortController();
    this.#pick = pick;
    this.#picking = document;
    this.#hideSection();
    this.#shown = undefined;
    this.#offset = offset;
    this.#about = document;
    this.#isUnpainted = false;
    this.#clearPaint();
    this.#post(busy());
    this.#changed.fire(document);
    try {
      const layout = await this.#layoutOf(document, pick.signal);
      const row = rowAt(layout, offset);
      const typed = against?.typed ?? [];
      const explained = this.#keptOf(document, row, typed) ?? (await this.#newTarget(document, layout, row, typed, pick.signal));
      if (pick.signal.aborted) return;
      if (explained.target.version !== document.version) return void this.#pin(document, this.#offset, asked, against);
      if (against) {
        const { ids } = explained.target;
        explained.chosen = { a: Math.max(0, ids.indexOf(against.a)), b: ids.indexOf(against.b) };
      }
      this.#shown = explained;
      this.#kept = [...this.#kept.filter(each => each !== explained), explained].slice(-mostKept);
      this.#showSection();
      for (const each of asked) this.#section(explained, this.#tab).receive(each);
      this.#redraw();
    } catch (error) {
      if (!pick.signal.aborted) this.#post(problem(this.#inWords(error)));
    } finally {
      if (this.#pick === pick) this.#pick = this.#picking = undefined;
    }
  }

  /** The tokens of the present text, scored or not: a copy. */
  async #layoutOf(document: vscode.TextDocument, signal: AbortSignal): Promise<Layout> {
    const { scored } = this.#parts;
    const view = scored.view(document) ?? scored.completeView(document.uri.toString());
    if (view?.documentVersion === document.version) {
      const { length, ids, starts, ends } = view.table; // columns may have room for more
      return { ids: ids.slice(0, length), starts: starts.slice(0, length), ends: ends.slice(0, length) };
    }
    for (;;) {
      const { version } = document;
      const { result } = await scored.ask(document, 'layout', {}, signal);
      if (document.version === version) return result;
    }
  }

  /** The newest: it has most of what was typed. */
  #keptOf(document: vscode.TextDocument, row: number, typed: readonly number[]): Explained | undefined {
    return this.#kept.findLast(({ target, stale }) => {
      const isThere = !stale && target.document === document && target.version === document.version && target.row === row;
      return isThere && typed.every(id => target.ids.includes(id));
    });
  }

  async #newTarget(
    document: vscode.TextDocument,
    layout: Layout,
    row: number,
    typed: readonly number[],
    signal: AbortSignal,
  ): Promise<Explained> {
    const functions = this.#symbols.of(document) ?? [];
    const declarations = this.#symbols.declarationsOf(document);
    const target = await targetAt(this.#parts.scored, document, layout, row, typed, signal);
    const [chosen, notOneToken, stale] = [{ a: 0, b: undefined }, undefined, undefined];
    return { target, functions, declarations, sections: {}, chosen, notOneToken, stale };
  }

  #section<Id extends SectionId>(explained: Explained, id: Id): ExplainSection<SectionStates[Id]> {
    const known: ExplainSection<SectionStates[Id]> | undefined = explained.sections[id];
    if (known) return known;
    const made = sectionMakers[id](this.#explaining(explained));
    Object.assign(explained.sections, { [id]: made });
    return made;
  }

  #explaining(explained: Explained): Explaining {
    const symbols = this.#symbols;
    const { target } = explained;
    return {
      target,
      get chosen() {
        return explained.chosen;
      },
      get functions() {
        if (!explained.stale) explained.functions = symbols.of(target.document) ?? explained.functions;
        return explained.functions;
      },
      get declarations() {
        if (!explained.stale) explained.declarations = symbols.declarationsOf(target.document);
        return explained.declarations;
      },
      speeds: this.#speeds,
      ask: (question, asked, signal) => this.#ask(explained, question, asked, signal),
      changed: () => {
        if (explained === this.#shown) this.#redrawSoon();
      },
      reveal: span => {
        if (!explained.stale) void this.#reveal(target.document, span);
      },
      inWords: error => this.#inWords(error),
    };
  }

  async #ask<Q extends ContextQuestion>(
    explained: Explained,
    question: Q,
    asked: TargetQuestion<Q>,
    signal: AbortSignal,
  ): Promise<Answer<Q>> {
    const { target } = explained;
    const isCurrent = () => !explained.stale && target.document.version === target.version;
    if (!isCurrent()) throw new ModelError('cancelled', 'The text has changed.');
    const params = { ...asked, ...paramsOf(target) } as unknown as QuestionParams<Q>;
    const answer = await this.#parts.scored.ask(target.document, question, params, signal);
    if (!isCurrent()) throw new ModelError('cancelled', 'The text has changed.');
    if (!isSameMeasure(answer.provenance, target.provenance)) {
      this.#outdate(target.document, 'settings');
      throw new ModelError('cancelled', 'The settings have changed.');
    }
    return answer;
  }

  #edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) return;
    if ((this.#picking ?? this.#shown?.target.document) === document) {
      for (const { rangeOffset, rangeLength, text } of contentChanges)
        if (rangeOffset + rangeLength <= this.#offset) this.#offset += text.length - rangeLength;
    }
    this.#outdate(document, 'text');
  }

  /** Numbers of this document, or of all, are of before. */
  #outdate(document: vscode.TextDocument | undefined, why: 'text' | 'settings'): void {
    const isAbout = ({ target }: Explained) => document === undefined || target.document === document;
    for (const explained of this.#kept) if (isAbout(explained)) explained.stale ??= why;
    this.#kept = this.#kept.filter(explained => !isAbout(explained));
    // An edit is seen when the pick ends; of other settings its answer may not tell.
    if (why === 'settings' && this.#picking && (document === undefined || document === this.#picking))
      return void this.#pin(this.#picking, this.#offset);
    if (!this.#shown || !isAbout(this.#shown)) return;
    this.#hideSection();
    this.#shown.stale ??= why;
    this.#redraw();
  }

  /** Its tab is seen now: once for each time. */
  #showSection(): void {
    if (this.#shown && !this.#shown.stale) this.#section(this.#shown, this.#tab).shown();
  }

  #hideSection(): void {
    if (this.#shown) this.#shown.sections[this.#tab]?.hidden();
  }

  #closed(): void {
    this.#pick?.abort();
    this.#hideSection();
    this.#shown = undefined;
    this.#about = undefined;
    this.#clearPaint();
  }

  #redrawSoon(): void {
    this.#redrawTimer ??= setTimeout(() => {
      this.#parts.pauses.time('draw', () => this.#redraw());
    }, redrawPauseMs);
  }

  #redraw(): void {
    clearTimeout(this.#redrawTimer);
    this.#redrawTimer = undefined;
    const explained = this.#shown;
    if (!explained || !this.#page.isOpen) return this.#clearPaint();
    const section = this.#section(explained, this.#tab);
    this.#post(this.#stateOf(explained, this.#tab));
    const painting = explained.stale || this.#isUnpainted ? undefined : section.painting?.();
    const { target } = explained;
    const editor = vscode.window.visibleTextEditors.find(({ document }) => document === target.document);
    if (!painting || !editor) return this.#clearPaint();
    this.#paint.show(editor, painting.pieces, { noiseBits: target.noise.bits, target: target.span, lineEnds: painting.lineEnds });
    this.#setPainted(target.document);
  }

  #post(state: ExplainState): void {
    this.#page.post({ kind: 'show', state });
  }

  #clearPaint(): void {
    this.#paint.clear();
    this.#setPainted(undefined);
  }

  #setPainted(document: vscode.TextDocument | undefined): void {
    const before = this.#painted;
    if (document === before) return;
    this.#painted = document;
    this.#setKey();
    for (const each of [before, document]) if (each) this.#changed.fire(each);
  }

  /** For the key that takes the colours away: while they are in the active editor. */
  #setKey(): void {
    const active = vscode.window.activeTextEditor?.document; // none: the focus is on a page
    const isHere = this.#painted !== undefined && (!active || active === this.#painted);
    void vscode.commands.executeCommand('setContext', contextKeys.explaining, isHere);
  }

  #stateOf(explained: Explained, id: SectionId): ExplainTarget {
    const { target, chosen, notOneToken, stale } = explained;
    const { document, vocabulary, whole, text, span } = target;
    const before = text.slice(Math.max(0, span.start - beforeLength), span.start);
    const name = document.uri.path.split('/').at(-1) ?? '';
    const line = (text.slice(0, span.start).match(/\n/g)?.length ?? 0) + 1;
    return {
      kind: 'target',
      place: vscode.l10n.t('{0}, line {1}', name, line.toString()),
      before: (before.split(/[\r\n]/).at(-1) ?? '').toWellFormed(),
      token: target.hasActual ? vocabulary.piecesOf(target.ids[0] ?? -1) : undefined,
      model: target.modelName,
      entropyBits: whole.entropyBits,
      contextTokens: target.row - target.contextFirst,
      choices: target.ids.map((tokenId, index) => ({
        token: vocabulary.piecesOf(tokenId),
        isActual: target.hasActual && index === 0,
        bits: whole.surprisalBits[index] ?? NaN,
      })),
      chosen,
      notOneToken,
      floor: target.noise,
      stale,
      isPainted: !this.#isUnpainted && !stale,
      provenance: provenanceInWords(target.provenance),
      example: stale ? undefined : this.#parts.notes.of(document),
      section: { id, state: this.#section(explained, id).state() } as ExplainTarget['section'],
    };
  }

  #receive(message: Asked<FromExplain>): void {
    const explained = this.#shown;
    switch (message.kind) {
      case 'here':
        return this.explain();
      case 'stop':
        if (!this.#pick) return;
        this.#pick.abort();
        this.#post(stopped());
        return;
      case 'again':
        if (explained && !explained.target.document.isClosed) void this.#pin(explained.target.document, this.#offset);
        return;
      case 'unpaint':
      case 'paint':
        this.#isUnpainted = message.kind === 'unpaint';
        break;
      case 'tab':
        if (message.tab === this.#tab) return;
        this.#hideSection();
        this.#tab = message.tab;
        this.#showSection();
        break;
      case 'choose': {
        const { a, b } = message.chosen;
        const count = explained?.target.ids.length ?? 0;
        if (explained && a < count && (b ?? 0) < count) explained.chosen = { a, b };
        break;
      }
      case 'type':
        if (!explained || explained.stale || this.#explainAgainst(explained, message.text)) return;
        break;
      case 'go':
        if (explained && !explained.stale) void this.#reveal(explained.target.document, message);
        return;
      case 'section':
        if (explained && !explained.stale && message.section === this.#tab) this.#section(explained, this.#tab).receive(message.asked);
        return;
    }
    this.#redraw();
  }

  /** Whether the model has to be asked first: about a token that it did not name. */
  #explainAgainst(explained: Explained, word: string): boolean {
    const { target, chosen } = explained;
    const id = tokenTyped(target, word);
    explained.notOneToken = id === undefined ? word : undefined;
    if (id === undefined) return false;
    const at = target.ids.indexOf(id);
    if (at >= 0) {
      explained.chosen = { a: chosen.a, b: at === chosen.a ? undefined : at };
      return false;
    }
    const a = target.ids[chosen.a] ?? id;
    void this.#pin(target.document, this.#offset, [], { a, b: id, typed: [...target.ids.slice(target.listed), id] });
    return true;
  }

  /** Without the focus: whoever goes through a list stays in it. */
  async #reveal(document: vscode.TextDocument, { start, end }: Span): Promise<void> {
    const shown = vscode.window.visibleTextEditors.find(editor => editor.document === document);
    const viewColumn = shown?.viewColumn ?? vscode.ViewColumn.One;
    const editor = shown ?? (await vscode.window.showTextDocument(document, { viewColumn, preserveFocus: true }));
    this.#mark.show([editor], new vscode.Range(document.positionAt(start), document.positionAt(end)));
  }

  #inWords(error: unknown): string {
    // It has happened to the question, not to the reader: what is asked next is answered.
    if (ModelError.from(error).code === 'bad-argument') return noAnswerInWords();
    return errorInWords(error, 'command');
  }
}

function busy(): ExplainMessage {
  return {
    kind: 'message',
    headline: vscode.l10n.t('Asking the model'),
    text: vscode.l10n.t(
      'It reads the text before the cursor in exact arithmetic, where its files allow that; the first time takes some seconds.',
    ),
    busy: true,
    mayPick: false,
  };
}

function stopped(): ExplainMessage {
  const headline = vscode.l10n.t('Nothing is explained');
  return {
    kind: 'message',
    headline,
    text: vscode.l10n.t('It was cancelled before the model had read the text.'),
    busy: false,
    mayPick: true,
  };
}

function problem(text: string): ExplainMessage {
  return { kind: 'message', headline: vscode.l10n.t('This prediction cannot be explained'), text, busy: false, mayPick: true };
}
