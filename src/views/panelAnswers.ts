import type { BandEdges } from '../core/band';
import { noCells } from '../core/cells';
import { distributionOfLogProbabilities, distributionOfRow } from '../core/distribution';
import type { Palette } from '../core/look';
import { piecesOfBytes, type TokenPieces, type Vocabulary } from '../core/vocabulary';
import { ModelError } from '../model/errors';
import type { DocumentView, LensState, NextAnswer } from '../documentView';
import { Refusal } from '../refusal';
import type { RefusalReason } from '../refusal';
import { ExactWords, isSamePlace } from './exactWords';
import type { AskChain } from './exactWords';
import { askingMessage, failureMessage, loadingMessage, noEditorMessage, refusalMessage } from './panelMessages';
import type { FindTexts, PanelFound, PanelState, ToPanel, WatchedShape } from './panelProtocol';
import { panelDistribution, rowBeginningAt, shapeOf, textRuns, watchedPeaks, type PanelAnswer } from './panelState';
import type { Retry } from './stateInWords';

const beforeLength = 160;
/** Longer pieces of typed text are shown by their end. */
const typedLength = 40;

/** Where the question is asked. Two places are the same when text and cursor are. Offsets are UTF-16. */
export interface Place<D> {
  readonly document: D;
  readonly version: number;
  readonly offset: number;
  /** As in `NextParams`: tokens that are tried out there. */
  readonly after: readonly number[];
}

/** What was answered of a place in the document, for those who go on from there. */
export interface Origin<D> {
  readonly place: Place<D>;
  readonly answer: NextAnswer;
}

interface VersionedDocument {
  readonly version: number;
}

/** What the panel needs to know of documents; `D` is the editor's document. */
export interface PanelSource<D> {
  state(document: D): LensState;
  view(document: D): DocumentView | undefined;
  isOn(document: D): boolean;
  next(place: Place<D>, signal: AbortSignal): Promise<NextAnswer>;
  readonly chain: AskChain<D>;
  textBetween(document: D, start: number, end: number): string;
  bandEdges(document: D): BandEdges;
  palette(document: D): Palette;
  /** That the model does not read the document's language; undefined: nothing to say. */
  readingNote(document: D): string | undefined;
  /** What to look at, in a worked example; undefined: it is none. */
  exampleNote(document: D): string | undefined;
  /** Rows shown, at most. */
  topCount(): number;
  /** All probabilities of a place are needed, not only the rows shown. */
  wantsWholeRow(): boolean;
  /** Sentences for people, as everywhere else in the editor. */
  refusalInWords(reason: RefusalReason): string;
  failureInWords(failure: ModelError, retry: Retry): string;
  /** Runs work that an answer has brought, as a part of what the editor measures. */
  time(work: () => void): void;
}

/**
 * Decides what the panel shows at a place: the table's own row where there is one, else what the model answers for the text before the place.
 * One question at a time, the newest; every change of the state goes to `post`. Where somebody wants the whole row of a place, the model is asked for
 * it though the table has the rows: they are shown at once, the whole row follows.
 */
export class PanelAnswers<D extends VersionedDocument> {
  readonly #source: PanelSource<D>;
  readonly #post: (message: ToPanel) => void;
  #run: { readonly place: Place<D>; readonly abort: AbortController } | undefined;
  /** What the model said last, so that rows arriving elsewhere in the document do not make it say it again. */
  #outcome: { readonly place: Place<D>; readonly result: NextAnswer | ModelError | RefusalReason } | undefined;
  #shown: { readonly document: D | undefined; readonly state: PanelState } | undefined;
  #modelName: string | undefined;
  /** The place of the last distribution, by the number that stands for it in pages. */
  #numbered: { readonly place: Place<D>; readonly number: number } | undefined;
  #places = 0;
  /** The same without the tokens that are tried out. */
  #root: { readonly place: Place<D>; readonly number: number } | undefined;
  #posted: { readonly vocabulary?: Vocabulary; readonly rowOf?: number } = {};
  readonly #exact: ExactWords<D>;
  /** By who asked. */
  readonly #finding = new Map<(found: PanelFound) => void, AbortController>();

  constructor(source: PanelSource<D>, post: (message: ToPanel) => void) {
    this.#source = source;
    this.#post = post;
    this.#exact = new ExactWords(source.chain, place => source.time(() => this.update(place)));
  }

  /** Shows what is expected at the place, at once or when the model has answered. Without a place, says that there is none. */
  update(place: Place<D> | undefined): void {
    this.#exact.leave(place);
    if (!place) return this.#answer(undefined, noEditorMessage());
    const { document, version, offset } = place;
    const lens = this.#source.state(document);
    if (lens.kind === 'refused') return this.#answer(document, this.#refusal(lens.reason));
    if (lens.kind === 'failed') return this.#answer(document, this.#failure(lens.error, 'toggle'));

    const view = this.#source.isOn(document) ? this.#source.view(document) : undefined;
    const isOfText = view?.documentVersion === version && place.after.length === 0;
    const ofTable = isOfText ? answerOfTable(view, offset, this.#source.topCount()) : undefined;
    const result = this.#outcome && isSamePlace(this.#outcome.place, place) ? this.#outcome.result : undefined;
    const next = result && 'result' in result ? result : undefined;
    const wholeRow = this.#source.wantsWholeRow();
    // The model is asked at borders of words only: of a place within one, the whole row is that of the word's beginning.
    if (ofTable && !(wholeRow && next && next.result.cut !== offset)) {
      this.#answer(document, this.#stateOf(place, ofTable, view), wholeRow ? place : undefined);
      if (!wholeRow) return;
      if (result) this.#postRow(place, next);
      else if (!this.#isAsking(place)) void this.#ask(place, undefined);
      return;
    }
    if (result instanceof ModelError) return this.#answer(document, this.#failure(result, 'move'));
    if (result && 'kind' in result) return this.#answer(document, this.#refusal(result));
    if (next) {
      this.#answer(document, this.#stateOf(place, this.#answerOfNext(place, next, view), view, next.result.cut));
      if (wholeRow) this.#postRow(place, next);
    } else if (!this.#isAsking(place)) void this.#ask(place, lens.kind === 'starting' ? 'starting' : 'asking');
  }

  /**
   * Asks how probable texts are at a place, by the number its state has. The answer goes to `reply`; a newer question with the same `reply`, or a
   * newer place, leaves this one without.
   */
  async find({ place: number, texts }: FindTexts, reply: (found: PanelFound) => void): Promise<void> {
    this.#finding.get(reply)?.abort();
    this.#finding.delete(reply);
    if (this.#numbered?.number !== number) return; // the page will ask again about the place that is on its way to it
    const at = this.#numbered.place;
    if (at.document.version !== at.version) return;
    const abort = new AbortController();
    this.#finding.set(reply, abort);
    let logProbabilities: Float64Array | undefined;
    try {
      ({ logProbabilities } = (await this.#source.chain(at, texts, abort.signal)).result);
    } catch {
      logProbabilities = undefined; // the distribution itself says what is wrong
    }
    if (abort.signal.aborted) return;
    this.#finding.delete(reply);
    reply({ kind: 'found', place: number, texts, logProbabilities });
  }

  /** The number that the last state had as `root`. */
  get root(): number | undefined {
    return this.#root?.number;
  }

  /** What the model said last of the place that is shown; undefined where it was not asked. */
  get origin(): Origin<D> | undefined {
    if (!this.#numbered || !this.#outcome) return undefined;
    const { place, result } = this.#outcome;
    if (!isSamePlace(place, this.#numbered.place) || !('result' in result)) return undefined;
    return { place, answer: result };
  }

  /** The place that pages know by this number, if it is the one that is shown and its text is still the same. */
  placeOf(number: number): Place<D> | undefined {
    const place = this.#numbered?.number === number ? this.#numbered.place : undefined;
    return place?.document.version === place?.version ? place : undefined;
  }

  /** Stops asking. */
  cancel(): void {
    this.#exact.leave(undefined);
    this.#leaveNumbered();
    this.#drop();
  }

  /** Stops asking and forgets what the model said: for when model or settings have changed. */
  forget(): void {
    this.cancel();
    this.#exact.forget();
    this.#outcome = undefined;
    this.#root = undefined;
  }

  #isAsking(place: Place<D>): boolean {
    return this.#run !== undefined && isSamePlace(this.#run.place, place);
  }

  /** `waiting`: what is shown meanwhile; undefined: what is there is of this very place. */
  async #ask(place: Place<D>, waiting: 'starting' | 'asking' | undefined): Promise<void> {
    this.#drop();
    const run = { place, abort: new AbortController() };
    this.#run = run;
    if (waiting) this.#showWaiting(place.document, waiting === 'starting');
    let result: NextAnswer | ModelError | RefusalReason;
    try {
      result = await this.#source.next(place, run.abort.signal);
    } catch (error) {
      result = error instanceof Refusal ? error.reason : ModelError.from(error);
    }
    if (run.abort.signal.aborted) return; // a newer question has its own run
    this.#run = undefined;
    if (place.document.version !== place.version) return; // edited meanwhile: the place is gone, and a newer one is on its way
    this.#outcome = { place, result };
    this.#source.time(() => this.update(place));
  }

  #refusal(reason: RefusalReason): PanelState {
    return refusalMessage(reason, this.#source.refusalInWords(reason));
  }

  #failure(failure: ModelError, retry: Retry): PanelState {
    return failureMessage(failure.code, this.#source.failureInWords(failure, retry));
  }

  /** The question of the distribution. */
  #drop(): void {
    this.#run?.abort.abort();
    this.#run = undefined;
  }

  /** `asking`: the place whose question goes on. */
  #answer(document: D | undefined, state: PanelState, asking?: Place<D>): void {
    if (!asking || !this.#isAsking(asking)) this.#drop();
    this.#shown = { document, state };
    this.#show(state);
  }

  #show(state: PanelState): void {
    this.#post({ kind: 'show', state });
  }

  /** To pages that want all of it; without an answer they are told that there is none. */
  #postRow(place: Place<D>, next: NextAnswer | undefined): void {
    const number = this.#numberOf(place);
    if (this.#posted.rowOf === number) return;
    this.#posted = { ...this.#posted, rowOf: number };
    const { cut, logProbabilities } = next?.result ?? { cut: place.offset, logProbabilities: undefined };
    const bytes = typedBytes(this.#typedAt(place, cut), cut);
    this.#post({ kind: 'row', place: number, logProbabilities, typedBytes: bytes.length === 0 ? undefined : bytes });
  }

  #postVocabulary(vocabulary: Vocabulary): void {
    if (this.#posted.vocabulary === vocabulary) return;
    this.#posted = { ...this.#posted, vocabulary };
    const { bytes, offsets, controlNames } = vocabulary.data;
    // Copies: what they are views of may be larger, and the way to a page knows these two kinds of array only.
    this.#post({ kind: 'vocabulary', vocabulary: { bytes: new Uint8Array(bytes), offsets: new Uint32Array(offsets), controlNames } });
  }

  #numberOf(place: Place<D>): number {
    if (!this.#numbered || !isSamePlace(this.#numbered.place, place)) {
      this.#leaveNumbered();
      this.#numbered = { place, number: ++this.#places };
      const root = { ...place, after: [] };
      if (!this.#root || !isSamePlace(this.#root.place, root)) this.#root = { place: root, number: this.#places };
    }
    return this.#numbered.number;
  }

  /** What is typed of a word that is not finished; tokens that are tried out take its place. */
  #typedAt({ document, offset, after }: Place<D>, cut: number): string {
    return after.length > 0 ? '' : this.#source.textBetween(document, cut, offset);
  }

  #leaveNumbered(): void {
    this.#numbered = undefined;
    for (const abort of this.#finding.values()) abort.abort();
    this.#finding.clear();
  }

  /** The previous answer stays while a newer one of the same document is computed. */
  #showWaiting(document: D, starting: boolean): void {
    const { state } = this.#shown?.document === document ? this.#shown : {};
    if (state?.kind === 'distribution') return this.#show({ ...state, updating: true });
    const name = this.#modelName;
    this.#show(starting || name === undefined ? loadingMessage(name) : askingMessage(name));
  }

  /** `cut`: as in `NextResult`. */
  #stateOf(place: Place<D>, answer: PanelAnswer, view: DocumentView | undefined, cut = place.offset): PanelState {
    this.#modelName = answer.modelName;
    this.#postVocabulary(answer.vocabulary);
    const { document, offset, after } = place;
    const bandEdges = this.#source.bandEdges(document);
    const end = after.length > 0 ? cut : offset;
    const start = Math.max(0, end - beforeLength);
    const text = this.#source.textBetween(document, start, end);
    const isCurrent = view?.documentVersion === place.version && view.complete;
    return panelDistribution(answer, {
      place: this.#numberOf(place),
      root: this.#root?.number ?? 0,
      after: after.map(id => ({ id, token: answer.vocabulary.piecesOf(id) })),
      topCount: this.#source.topCount(),
      reading: this.#source.readingNote(document),
      example: this.#source.exampleNote(document),
      ...textRuns(text, start, view?.cellsIn({ start, end }) ?? noCells, bandEdges),
      shape: view && shapeOf(view.table, bandEdges, offset, !isCurrent),
      watched: view ? this.#watchedIn(view, place) : [],
      bandEdges,
      palette: this.#source.palette(document),
    });
  }

  /** Where a token of the table begins, it knows the words that are one token; the others are asked for. */
  #watchedIn({ table, watched, documentVersion }: DocumentView, place: Place<D>): readonly WatchedShape[] {
    if (table.length === 0 || watched.length === 0) return [];
    const row = documentVersion === place.version && place.after.length === 0 ? rowBeginningAt(table, place.offset) : undefined;
    const known = (index: number) => (row === undefined ? NaN : Math.exp(table.watchLogMasses[row * table.watchCount + index] ?? NaN));
    const others = watched.filter(({ whole }, index) => !whole || Number.isNaN(known(index))).map(({ word }) => word);
    const asked = others.length === 0 ? undefined : this.#exact.at(place, others);
    return watched.map(({ word, whole }, index) => {
      const here = others.includes(word) ? asked?.get(word) : known(index);
      return { word, whole, peaks: watchedPeaks(table, index), here: Number.isNaN(here) ? null : here };
    });
  }

  #answerOfNext(place: Place<D>, { result, ...from }: NextAnswer, view: DocumentView | undefined): PanelAnswer {
    const { version, offset, after } = place;
    const typedText = this.#typedAt(place, result.cut);
    const bytes = typedBytes(typedText, result.cut);
    const typed = bytes.length === 0 ? undefined : { bytes, vocabulary: from.vocabulary };
    // The token that follows is known from the table's layout, even while its row has no score; it must reach past the cursor. None follows what is tried out.
    const row = view?.documentVersion === version && after.length === 0 ? rowBeginningAt(view.table, result.cut) : undefined;
    const actualId = row === undefined || (view?.table.ends[row] ?? 0) <= offset ? undefined : view?.table.ids[row];
    return {
      ...from,
      distribution: distributionOfLogProbabilities(result.logProbabilities, this.#source.topCount(), actualId, typed),
      entropyBits: result.entropyBits,
      contextTokens: result.contextTokens,
      typed: typed && typedPieces(typedText, bytes),
    };
  }
}

/** At a border of document tokens: the table's own row for the token that follows, if it has a score. */
function answerOfTable(view: DocumentView, offset: number, topCount: number): PanelAnswer | undefined {
  const { table, vocabulary, modelName, provenance } = view;
  const row = rowBeginningAt(table, offset);
  const distribution = row === undefined ? undefined : distributionOfRow(table, row, topCount);
  if (row === undefined || !distribution) return undefined;
  const entropyBits = table.entropyBits[row] ?? NaN;
  return { distribution, vocabulary, modelName, provenance, entropyBits, contextTokens: table.contextTokens[row] ?? 0, typed: undefined };
}

/** As the model sees it: the scored copy's bytes. */
function typedBytes(text: string, start: number): Uint8Array {
  const withoutMark = start === 0 && text.startsWith('\ufeff') ? text.slice(1) : text;
  return new TextEncoder().encode(withoutMark.replaceAll('\r\n', '\n'));
}

function typedPieces(text: string, bytes: Uint8Array): TokenPieces {
  if (text.length <= typedLength) return piecesOfBytes(bytes);
  return [{ text: '…', glyph: true }, ...piecesOfBytes(new TextEncoder().encode(text.slice(-typedLength)))];
}
