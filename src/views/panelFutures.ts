import { randomUUID } from 'node:crypto';
import { packed, type Continuation } from '../core/futures';
import { textOfTokens } from '../core/scratch';
import type { Vocabulary } from '../core/vocabulary';
import type { Answer, QuestionParams } from '../documentView';
import { ModelError } from '../model/errors';
import type { FuturesResult } from '../model/protocol';
import { Refusal, type RefusalReason } from '../refusal';
import type { ForcedStart, FuturesGone, FuturesMessage, FuturesWanted, SampledFutures } from './futuresProtocol';
import { isSamePlace } from './exactWords';
import type { Place } from './panelAnswers';

/** Asked for at a time: as many as the model process decodes together, so that nothing is lost by it and the reader sees them come. */
const batch = 16;
/** UTF-16 units of the text before the place: for its last words, and for where a word begins. */
const beforeLength = 160;

/** What is needed of documents; `D` is the editor's document. */
export interface FuturesSource<D> {
  futures(document: D, asked: QuestionParams<'futures'>, signal: AbortSignal): Promise<Answer<'futures'>>;
  textBetween(document: D, start: number, end: number): string;
  /** Sentences for people. */
  refusalInWords(reason: RefusalReason): string;
  failureInWords(failure: ModelError): string;
  /** Runs work that an answer has brought, as a part of what the editor measures. */
  time(work: () => void): void;
}

interface Kept<D> {
  readonly place: Place<D>;
  readonly groups: readonly Group[];
  readonly shown: Omit<SampledFutures, 'groups' | 'isHere'>;
}

interface Group {
  readonly forcedTokens: number;
  readonly continuations: readonly Continuation[];
}

type Slot = 'free' | 'forced';
const slots: readonly Slot[] = ['free', 'forced'];

/**
 * Has continuations sampled, a few at a time, and keeps the last ones of either kind for as long as the text before their place stays as it is. One
 * question at a time, the newest; every change goes to `post`. A question stops when the cursor leaves its place or its document changes: what was
 * sampled by then stays.
 */
export class PanelFutures<D extends { readonly version: number }> {
  readonly #source: FuturesSource<D>;
  readonly #post: (message: FuturesMessage) => void;
  readonly #kept = new Map<Slot, Kept<D>>();
  #gone: FuturesGone | undefined;
  #cursor: Place<D> | undefined;
  #run: { readonly slot: Slot; readonly abort: AbortController } | undefined;
  #posted: FuturesMessage | undefined;

  constructor(source: FuturesSource<D>, post: (message: FuturesMessage) => void) {
    this.#source = source;
    this.#post = post;
  }

  /** Resolves when all are there or nothing more will come. */
  async ask(place: Place<D>, wanted: FuturesWanted): Promise<void> {
    this.#stop('stopped');
    const { document, version, offset, after } = place;
    const slot: Slot = wanted.forced.length === 0 ? 'free' : 'forced';
    const starts: readonly (ForcedStart | undefined)[] = wanted.forced.length === 0 ? [undefined] : wanted.forced;
    const run = { slot, abort: new AbortController() };
    const isOver = () => run.abort.signal.aborted;
    this.#run = run;
    this.#cursor ??= place;
    this.#gone = undefined;
    const none = { problem: undefined, before: '', typed: '', contextTokens: undefined };
    const groups = starts.map((): Group => ({ forcedTokens: 0, continuations: [] }));
    this.#kept.set(slot, { place, groups, shown: { name: randomUUID(), wanted, state: 'running', ...none } });
    if (this.#isHere(slot)) this.#send();
    else this.#stop('moved'); // while the question was on its way
    if (isOver()) return;
    const { count, mostTokens, sampling, seed } = wanted;
    let problem: string | undefined;
    try {
      for (let first = 0; first < count; first += batch) {
        // One batch of each in turn: what is stopped half-way can be compared all the same.
        for (const [index, forced] of starts.entries()) {
          const asked = { offset, after, first, count: Math.min(batch, count - first), mostTokens, sampling, seed, forced };
          const { result, vocabulary } = await this.#source.futures(document, asked, run.abort.signal);
          if (!isOver() && document.version !== version) this.#stop('edited'); // its own event may come after this
          if (isOver()) return;
          this.#source.time(() => this.#add(slot, index, result, vocabulary));
        }
      }
    } catch (error) {
      problem = error instanceof Refusal ? this.#source.refusalInWords(error.reason) : this.#source.failureInWords(ModelError.from(error));
    }
    if (!isOver()) this.#end(problem === undefined ? 'done' : 'failed', problem);
  }

  /** At the reader's wish. */
  stop(): void {
    this.#stop('stopped');
  }

  /** Where the cursor is now. */
  moved(place: Place<D> | undefined): void {
    this.#cursor = place;
    if (this.#run && !this.#isHere(this.#run.slot)) return this.#stop('moved');
    const { free, forced } = this.#posted ?? {};
    if ((free && free.isHere !== this.#isHere('free')) || (forced && forced.isHere !== this.#isHere('forced'))) this.#send();
  }

  /** The document was edited from this UTF-16 offset on. */
  edited(document: D, start: number): void {
    const run = this.#run && this.#kept.get(this.#run.slot);
    if (run?.place.document === document) this.#stop('edited');
    this.#drop(kept => kept.place.document === document && start < kept.place.offset, 'edited');
  }

  closed(document: D): void {
    this.#drop(kept => kept.place.document === document, 'closed');
  }

  /** For when the model or a setting has changed. */
  forget(): void {
    this.#drop(() => true, 'settings');
  }

  /** Stops asking, for good: nothing is told any more. */
  dispose(): void {
    this.#run?.abort.abort();
    this.#run = undefined;
  }

  #stop(state: 'stopped' | 'moved' | 'edited'): void {
    if (!this.#run) return;
    this.#run.abort.abort();
    this.#end(state);
  }

  #end(state: SampledFutures['state'], problem?: string): void {
    const slot = this.#run?.slot;
    this.#run = undefined;
    const kept = slot && this.#kept.get(slot);
    if (!kept) return;
    this.#kept.set(slot, { ...kept, shown: { ...kept.shown, state, problem } });
    this.#send();
  }

  #add(slot: Slot, index: number, { cut, contextTokens, forcedTokens, continuations }: FuturesResult, vocabulary: Vocabulary): void {
    const kept = this.#kept.get(slot);
    const group = kept?.groups[index];
    if (!kept || !group) return;
    const { document, offset, after } = kept.place;
    const all = { forcedTokens, continuations: [...group.continuations, ...continuations] };
    const textBetween = (start: number, end: number) => this.#source.textBetween(document, start, end).replaceAll('\r\n', '\n');
    // Behind tokens that are tried out, what is typed of a word stands no more before the place: they took its place.
    const before = `${textBetween(Math.max(0, cut - beforeLength), cut)}${textOfTokens(after, vocabulary).text}`;
    const typed = after.length > 0 ? '' : textBetween(cut, offset);
    this.#kept.set(slot, { ...kept, groups: kept.groups.with(index, all), shown: { ...kept.shown, before, typed, contextTokens } });
    this.#send();
  }

  #drop(isLost: (kept: Kept<D>) => boolean, why: FuturesGone): void {
    const lost = [...this.#kept].filter(([, kept]) => isLost(kept)).map(([slot]) => slot);
    if (lost.length === 0) return;
    if (this.#run && lost.includes(this.#run.slot)) {
      this.#run.abort.abort();
      this.#run = undefined;
    }
    for (const slot of lost) this.#kept.delete(slot);
    this.#gone = why;
    this.#send();
  }

  #isHere(slot: Slot): boolean {
    const place = this.#kept.get(slot)?.place;
    // The text before it is as it was, or it would not be kept; another version is another text behind it.
    return place !== undefined && this.#cursor !== undefined && isSamePlace(place, { ...this.#cursor, version: place.version });
  }

  #send(): void {
    const [free, forced] = slots.map((slot): SampledFutures | undefined => {
      const kept = this.#kept.get(slot);
      if (!kept) return undefined;
      const groups = kept.groups.map(({ forcedTokens, continuations }) => ({ forcedTokens, continuations: packed(continuations) }));
      return { ...kept.shown, groups, isHere: this.#isHere(slot) };
    });
    this.#posted = { kind: 'futures', free, forced, gone: this.#gone };
    this.#post(this.#posted);
  }
}
