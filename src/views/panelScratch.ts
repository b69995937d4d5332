import { createHash } from 'node:crypto';
import { emptyScratch, idsTo, scratchFrom, textOfTokens, type Scratch, type TokensAsText } from '../core/scratch';
import type { Vocabulary } from '../core/vocabulary';
import type { NextAnswer } from '../documentView';
import type { Origin, Place } from './panelAnswers';
import type { PanelContinuation } from './panelProtocol';

/** What a continuation stands on. */
interface Pinned<D> {
  readonly document: D;
  /** UTF-16, as the model was asked. */
  readonly offset: number;
  /** As in `NextResult`. */
  readonly cut: number;
  /** Of the document, up to the offset. */
  readonly textBefore: string;
  readonly textHash: string;
  readonly vocabulary: Vocabulary;
  /** Names the model and the settings that its numbers are of. */
  readonly basis: string;
}

/** What a continuation needs to know of documents, and where it is kept between two starts of the window. */
export interface ScratchSource<D> {
  /** Up to the offset, UTF-16. */
  textBefore(document: D, offset: number): string;
  /** The same after the window has started anew. */
  nameOf(document: D): string;
  /** The settings that numbers depend on. */
  settings(): unknown;
  readonly memory: {
    readonly read: () => unknown;
    /** Undefined: nothing is to be kept. */
    readonly write: (kept: KeptContinuation | undefined) => void;
  };
}

/** Plain data; no text of the document. */
export interface KeptContinuation {
  readonly document: string;
  readonly offset: number;
  readonly cut: number;
  readonly textHash: string;
  readonly basis: string;
  readonly scratch: Scratch;
}

/** What is to be done with a continuation in its document. */
export interface ContinuationEdit<D> extends TokensAsText {
  readonly document: D;
  /** What it takes the place of, UTF-16. */
  readonly start: number;
  readonly end: number;
}

/**
 * The continuation that is tried out, one for all pages. While there is one the panel stays with its place; when the text before it or the model changes,
 * it is kept as it was, to be copied or ended, and the panel follows the cursor. It ends with its document.
 */
export class PanelScratch<D extends { readonly version: number; readonly isClosed: boolean }> {
  readonly #source: ScratchSource<D>;
  /** Of the window before this one, until it is taken up or another one begins. */
  #kept: KeptContinuation | undefined;
  readonly #post: (message: PanelContinuation) => void;
  #pinned: Pinned<D> | undefined;
  #scratch: Scratch = emptyScratch;
  #where: PanelContinuation['where'] = 'cursor';
  #posted: Pick<PanelContinuation, 'scratch' | 'where'> = { scratch: emptyScratch, where: 'cursor' };

  constructor(source: ScratchSource<D>, post: (message: PanelContinuation) => void) {
    this.#source = source;
    this.#kept = keptFrom(source.memory.read());
    this.#post = post;
  }

  /** That of the continuation, while its numbers hold. */
  get document(): D | undefined {
    return this.#isHeld ? this.#pinned?.document : undefined;
  }

  /** The place to be shown when the cursor is at this one. Pages are told where the continuation is, if that is news. */
  placeFor(cursor: Place<D> | undefined): Place<D> | undefined {
    if (this.#pinned?.document.isClosed) this.end();
    const pinned = this.#pinned;
    if (!pinned || !this.#isHeld) return cursor;
    const { document, offset } = pinned;
    this.#where = cursor?.document === document && cursor.offset === offset ? 'cursor' : 'elsewhere';
    this.#tell();
    return { document, version: document.version, offset, after: idsTo(this.#scratch) };
  }

  /** Takes what a page has made of the continuation. Without one, it begins where `origin` is; what was made of one that has ended meanwhile is of no place. False: it cannot be of this place. */
  take(scratch: Scratch, origin: Origin<D> | undefined): boolean {
    const pinned = this.#pinned ?? (origin?.place.after.length === 0 ? this.#pinnedAt(origin) : undefined);
    if (!pinned || !this.#isHeld || scratch.nodes.some(({ id }) => id >= pinned.vocabulary.size)) return false;
    if (scratch.nodes.length === 0) return (this.end(), true);
    this.#pinned = pinned;
    this.#scratch = scratch;
    this.#keep(pinned);
    this.#tell();
    return true;
  }

  /** Takes up what was kept of this document when the window was closed, if the text before its place, the model and its settings are what they were. True: done now. */
  recall(document: D, answer: Pick<NextAnswer, 'vocabulary' | 'provenance'>): boolean {
    const kept = this.#kept;
    if (!kept || this.#pinned || kept.document !== this.#source.nameOf(document)) return false;
    this.#kept = undefined;
    const { offset, cut, textHash, basis, scratch } = kept;
    const textBefore = this.#source.textBefore(document, offset);
    const isSame = basis === this.#basisOf(answer) && textHash === hashOf(textBefore);
    if (!isSame || scratch.nodes.some(({ id }) => id >= answer.vocabulary.size)) {
      this.#source.memory.write(undefined);
      return false;
    }
    this.#pinned = { document, offset, cut, textBefore, textHash, vocabulary: answer.vocabulary, basis };
    this.#scratch = scratch;
    this.#where = 'elsewhere';
    this.#tell();
    return true;
  }

  /** Its document may have changed. */
  edited(document: D): void {
    const pinned = this.#pinned;
    if (pinned?.document !== document || this.#where === 'replaced') return;
    const isSame = this.#source.textBefore(document, pinned.offset) === pinned.textBefore;
    if (isSame === this.#isHeld) return;
    this.#where = isSame ? 'elsewhere' : 'edited';
    this.#tell();
  }

  /** False: the model answers of another place than that of the continuation, or it is not the same model with the same settings. */
  agrees({ place, answer }: Origin<D>): boolean {
    const pinned = this.#pinned;
    if (!pinned || !this.#isHeld || place.document !== pinned.document || place.offset !== pinned.offset) return true;
    if (pinned.basis !== this.#basisOf(answer)) this.replaced();
    else if (pinned.cut !== answer.result.cut) this.#outdate('edited');
    return this.#isHeld;
  }

  /** The model or its settings are other ones. */
  replaced(): void {
    this.#outdate('replaced');
  }

  /** As text, and where it would go; undefined without one. */
  edit(): (ContinuationEdit<D> & { readonly holds: boolean }) | undefined {
    if (!this.#pinned) return undefined;
    const { document, cut, offset, textBefore, vocabulary } = this.#pinned;
    const holds = this.#isHeld && !document.isClosed && this.#source.textBefore(document, offset) === textBefore;
    return { document, start: cut, end: offset, holds, ...textOfTokens(idsTo(this.#scratch), vocabulary) };
  }

  end(): void {
    if (this.#pinned) this.#source.memory.write(undefined);
    this.#pinned = undefined;
    this.#scratch = emptyScratch;
    this.#where = 'cursor';
    this.#tell();
  }

  /** Tells the pages how it stands, though it may be no news: for one that believes another thing. */
  tellAgain(): void {
    const vocabulary = this.#pinned?.vocabulary;
    const ids = vocabulary ? [...new Set(this.#scratch.nodes.map(({ id }) => id))] : [];
    const tokens = ids.map(id => ({ id, token: vocabulary?.piecesOf(id) ?? [] }));
    this.#posted = { scratch: this.#scratch, where: this.#where };
    this.#post({ kind: 'continuation', scratch: this.#scratch, tokens, where: this.#where });
  }

  get #isHeld(): boolean {
    return this.#where === 'cursor' || this.#where === 'elsewhere';
  }

  #outdate(where: 'edited' | 'replaced'): void {
    if (!this.#pinned) return;
    this.#where = where;
    this.#tell();
  }

  #pinnedAt({ place: { document, offset }, answer }: Origin<D>): Pinned<D> {
    const textBefore = this.#source.textBefore(document, offset);
    return {
      document,
      offset,
      cut: answer.result.cut,
      textBefore,
      textHash: hashOf(textBefore),
      vocabulary: answer.vocabulary,
      basis: this.#basisOf(answer),
    };
  }

  #keep({ document, offset, cut, textHash, basis }: Pinned<D>): void {
    this.#kept = undefined;
    this.#source.memory.write({ document: this.#source.nameOf(document), offset, cut, textHash, basis, scratch: this.#scratch });
  }

  #basisOf({ provenance: { model, modelHash, dtype, arithmetic, preamble } }: Pick<NextAnswer, 'provenance'>): string {
    const unseen = preamble ? [preamble.kind, preamble.sha256] : [];
    return JSON.stringify([model, modelHash, dtype, arithmetic, this.#source.settings(), ...unseen]);
  }

  #tell(): void {
    if (this.#posted.scratch !== this.#scratch || this.#posted.where !== this.#where) this.tellAgain();
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** From outside: whatever was kept, by this version or another. */
function keptFrom(value: unknown): KeptContinuation | undefined {
  const { document, offset, cut, textHash, basis, scratch } = (value ?? {}) as Partial<Record<keyof KeptContinuation, unknown>>;
  const read = scratchFrom(scratch);
  if (typeof document !== 'string' || typeof offset !== 'number' || typeof cut !== 'number') return undefined;
  if (typeof textHash !== 'string' || typeof basis !== 'string' || !read || read.nodes.length === 0) return undefined;
  return { document, offset, cut, textHash, basis, scratch: read };
}
