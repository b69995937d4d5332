import type { BandEdges } from '../core/band';
import { noCells } from '../core/cells';
import { distributionOfLogProbabilities, distributionOfRow } from '../core/distribution';
import type { Palette } from '../core/look';
import { piecesOfBytes, type TokenPieces } from '../core/vocabulary';
import { ModelError, type ModelErrorCode } from '../model/errors';
import type { DocumentView, LensState, NextAnswer } from '../documentView';
import { Refusal } from '../refusal';
import type { RefusalReason } from '../refusal';
import { ExactWords, isSamePlace } from './exactWords';
import type { AskChain } from './exactWords';
import { askingMessage, failureMessage, loadingMessage, noEditorMessage, refusalMessage } from './panelMessages';
import type { PanelState, WatchedShape } from './panelProtocol';
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
}

interface VersionedDocument {
  readonly version: number;
}

/** What the panel needs to know of documents; `D` is the editor's document. */
export interface PanelSource<D> {
  state(document: D): LensState;
  view(document: D): DocumentView | undefined;
  isOn(document: D): boolean;
  next(document: D, offset: number, signal: AbortSignal): Promise<NextAnswer>;
  readonly chain: AskChain<D>;
  textBetween(document: D, start: number, end: number): string;
  bandEdges(document: D): BandEdges;
  palette(document: D): Palette;
  /** That the model does not read the document's language; undefined: nothing to say. */
  readingNote(document: D): string | undefined;
  /** Rows shown, at most. */
  topCount(): number;
  /** Sentences for people, as everywhere else in the editor. */
  refusalInWords(reason: RefusalReason): string;
  failureInWords(code: ModelErrorCode, retry: Retry): string;
  /** Runs work that an answer has brought, as a part of what the editor measures. */
  time(work: () => void): void;
}

/**
 * Decides what the panel shows at a place: the table's own row where there is one, else what the model answers for the text before the place.
 * One question at a time, the newest; every change of the state goes to `show`.
 */
export class PanelAnswers<D extends VersionedDocument> {
  readonly #source: PanelSource<D>;
  readonly #show: (state: PanelState) => void;
  #run: { readonly place: Place<D>; readonly abort: AbortController } | undefined;
  /** What the model said last, so that rows arriving elsewhere in the document do not make it say it again. */
  #outcome: { readonly place: Place<D>; readonly result: NextAnswer | ModelErrorCode | RefusalReason } | undefined;
  #shown: { readonly document: D | undefined; readonly state: PanelState } | undefined;
  #modelName: string | undefined;
  readonly #exact: ExactWords<D>;

  constructor(source: PanelSource<D>, show: (state: PanelState) => void) {
    this.#source = source;
    this.#show = show;
    this.#exact = new ExactWords(source.chain, place => source.time(() => this.update(place)));
  }

  /** Shows what is expected at the place, at once or when the model has answered. Without a place, says that there is none. */
  update(place: Place<D> | undefined): void {
    this.#exact.leave(place);
    if (!place) return this.#answer(undefined, noEditorMessage());
    const { document, version, offset } = place;
    const lens = this.#source.state(document);
    if (lens.kind === 'refused') return this.#answer(document, this.#refusal(lens.reason));
    if (lens.kind === 'failed') return this.#answer(document, this.#failure(lens.error.code, 'toggle'));

    const view = this.#source.isOn(document) ? this.#source.view(document) : undefined;
    const ofTable = view?.documentVersion === version ? answerOfTable(view, offset, this.#source.topCount()) : undefined;
    if (ofTable) return this.#answer(document, this.#stateOf(place, ofTable, view));

    const result = this.#outcome && isSamePlace(this.#outcome.place, place) ? this.#outcome.result : undefined;
    if (typeof result === 'string') return this.#answer(document, this.#failure(result, 'move'));
    if (result && 'kind' in result) return this.#answer(document, this.#refusal(result));
    if (result) return this.#answer(document, this.#stateOf(place, this.#answerOfNext(place, result, view), view));
    if (!this.#run || !isSamePlace(this.#run.place, place)) void this.#ask(place, lens.kind === 'starting');
  }

  /** Stops asking. */
  cancel(): void {
    this.#exact.leave(undefined);
    this.#drop();
  }

  /** Stops asking and forgets what the model said: for when model or settings have changed. */
  forget(): void {
    this.cancel();
    this.#exact.forget();
    this.#outcome = undefined;
  }

  async #ask(place: Place<D>, starting: boolean): Promise<void> {
    this.#drop();
    const run = { place, abort: new AbortController() };
    this.#run = run;
    this.#showWaiting(place.document, starting);
    let result: NextAnswer | ModelErrorCode | RefusalReason;
    try {
      result = await this.#source.next(place.document, place.offset, run.abort.signal);
    } catch (error) {
      result = error instanceof Refusal ? error.reason : ModelError.from(error).code;
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

  #failure(code: ModelErrorCode, retry: Retry): PanelState {
    return failureMessage(code, this.#source.failureInWords(code, retry));
  }

  /** The question of the distribution. */
  #drop(): void {
    this.#run?.abort.abort();
    this.#run = undefined;
  }

  #answer(document: D | undefined, state: PanelState): void {
    this.#drop();
    this.#shown = { document, state };
    this.#show(state);
  }

  /** The previous answer stays while a newer one of the same document is computed. */
  #showWaiting(document: D, starting: boolean): void {
    const { state } = this.#shown?.document === document ? this.#shown : {};
    if (state?.kind === 'distribution') return this.#show({ ...state, updating: true });
    const name = this.#modelName;
    this.#show(starting || name === undefined ? loadingMessage(name) : askingMessage(name));
  }

  #stateOf(place: Place<D>, answer: PanelAnswer, view: DocumentView | undefined): PanelState {
    this.#modelName = answer.modelName;
    const { document, offset } = place;
    const bandEdges = this.#source.bandEdges(document);
    const start = Math.max(0, offset - beforeLength);
    const text = this.#source.textBetween(document, start, offset);
    const isCurrent = view?.documentVersion === place.version && view.complete;
    return panelDistribution(answer, {
      reading: this.#source.readingNote(document),
      ...textRuns(text, start, view?.cellsIn({ start, end: offset }) ?? noCells, bandEdges),
      shape: view && shapeOf(view.table, bandEdges, offset, !isCurrent),
      watched: view ? this.#watchedIn(view, place) : [],
      bandEdges,
      palette: this.#source.palette(document),
    });
  }

  /** Where a token of the table begins, it knows the words that are one token; the others are asked for. */
  #watchedIn({ table, watched, documentVersion }: DocumentView, place: Place<D>): readonly WatchedShape[] {
    if (table.length === 0 || watched.length === 0) return [];
    const row = documentVersion === place.version ? rowBeginningAt(table, place.offset) : undefined;
    const known = (index: number) => (row === undefined ? NaN : Math.exp(table.watchLogMasses[row * table.watchCount + index] ?? NaN));
    const others = watched.filter(({ whole }, index) => !whole || Number.isNaN(known(index))).map(({ word }) => word);
    const asked = others.length === 0 ? undefined : this.#exact.at(place, others);
    return watched.map(({ word, whole }, index) => {
      const here = others.includes(word) ? asked?.get(word) : known(index);
      return { word, whole, peaks: watchedPeaks(table, index), here: Number.isNaN(here) ? null : here };
    });
  }

  #answerOfNext(place: Place<D>, { result, ...from }: NextAnswer, view: DocumentView | undefined): PanelAnswer {
    const { document, version, offset } = place;
    const typedText = this.#source.textBetween(document, result.cut, offset);
    const bytes = typedBytes(typedText, result.cut);
    const typed = bytes.length === 0 ? undefined : { bytes, vocabulary: from.vocabulary };
    // The token that follows is known from the table's layout, even while its row has no score; it must reach past the cursor.
    const row = view?.documentVersion === version ? rowBeginningAt(view.table, result.cut) : undefined;
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
