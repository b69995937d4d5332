import { FormerWindows, carriedRows } from '../core/rowReuse';
import { ScoreQueue } from '../core/scoreQueue';
import { checkSettings } from '../core/sampling';
import type { SamplingSettings } from '../core/sampling';
import { sliceRows, tableOf, writeRows } from '../core/scoreTable';
import type { CarriedRows } from '../core/scoreTable';
import { byteAtOffset, scoredCopyOf } from '../core/scoredCopy';
import type { ScoredCopy } from '../core/scoredCopy';
import type { Arithmetic, ScoredRows, ScoreTable, Span, TokenSets, WindowSettings } from '../core/scores';
import { Vocabulary } from '../core/vocabulary';
import { windowInForce, windowsOf } from '../core/window';
import type { Window } from '../core/window';
import { entropyBitsOf } from '../core/reduce';
import { firstWhere } from '../core/search';
import type { Engine } from './engine';
import { contextLengths, contextNeeds, effects, shortContext, without } from './context';
import type { TextContext } from './context';
import type {
  ContextLengthsParams,
  ContextLengthsResult,
  ContextNeedsParams,
  ContextNeedsResult,
  ContextParams,
  EffectsParams,
  EffectsResult,
  LayoutResult,
  ShortContextParams,
  ShortContextResult,
  WithoutParams,
  WithoutResult,
} from './contextProtocol';
import { ModelError } from './errors';
import { draftOf } from './draft';
import { continuationsOf, mostCopiedBytes, mostInputs } from './futures';
import type { Model } from './model';
import { comparedPassages, passageScore, withinOneWindow } from './passages';
import type { Scoring } from './passages';
import type { AttentionParams, AttentionResult, LayersParams, LayersResult, SwitchOffParams, SwitchOffResult } from './probeProtocol';
import type {
  CallContext,
  ChainParams,
  ChainResult,
  ChangeParams,
  DraftBeginning,
  DraftParams,
  DraftResult,
  FuturesParams,
  FuturesResult,
  NextParams,
  NextResult,
  OpenParams,
  ScoreParams,
  ScoreResult,
  ScoringSettings,
  ShowParams,
  TryParams,
  TryResult,
  WatchedWord,
  WordsParams,
  WordsResult,
} from './protocol';
import { firstNotBelow, tokenText } from './tokens';
import type { TokenisedText, TokenLayout } from './tokens';
import { tokenSetsOf, watchedWords } from './tokenSets';
import { chainedLogProbability, likelyWords, windowStart, withWord } from './words';

/** Longer words than this are broken off. */
const defaultMostTokens = 6;
/** What is typed of a word: more is no word, and would have to be spelled anew. */
const mostTypedBytes = 64;

/** They need the native library, without which the process has to start: its absence is an answer. */
const probes = async () => import('./probes');

/** Documents kept by the model process: their text, their tokens, and what is scored of them. */
export class Documents {
  readonly #open = new Map<string, OpenDocument>();
  #nextTableId = 1;

  get count(): number {
    return this.#open.size;
  }

  open({ document, version, text }: OpenParams): void {
    this.#open.set(document, new OpenDocument(document, version, text, () => this.#nextTableId++));
  }

  change({ document, fromVersion, version, edits, length }: ChangeParams): void {
    const found = this.#find(document, fromVersion);
    let { text } = found;
    for (const edit of edits) text = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
    if (text.length !== length)
      throw new ModelError('out-of-step', `After its edits the text has ${String(text.length)} units, not ${String(length)}.`);
    found.update(version, text);
  }

  close(document: string): void {
    this.#open.delete(document);
  }

  score(params: ScoreParams, model: Model, context: CallContext): Promise<ScoreResult> {
    return this.#find(params.document, params.version).score(params, model, context);
  }

  /** Of any version: a score that is under way may be of an older one than the screen. */
  show({ document, visible }: ShowParams): void {
    this.#open.get(document)?.show(visible);
  }

  next(params: NextParams, model: Model, signal: AbortSignal): Promise<NextResult> {
    return this.#find(params.document, params.version).next(params, model, signal);
  }

  words(params: WordsParams, model: Model, signal: AbortSignal): Promise<WordsResult> {
    return this.#find(params.document, params.version).words(params, model, signal);
  }

  chain(params: ChainParams, model: Model, signal: AbortSignal): Promise<ChainResult> {
    return this.#find(params.document, params.version).chain(params, model, signal);
  }

  futures(params: FuturesParams, model: Model, signal: AbortSignal): Promise<FuturesResult> {
    return this.#find(params.document, params.version).futures(params, model, signal);
  }

  draft(params: DraftParams, model: Model, signal: AbortSignal): Promise<DraftResult> {
    return this.#find(params.document, params.version).draft(params, model, signal);
  }

  try(params: TryParams, model: Model, signal: AbortSignal): Promise<TryResult> {
    return this.#find(params.document, params.version).try(params, model, signal);
  }

  layout(params: ContextParams, model: Model, signal: AbortSignal): Promise<LayoutResult> {
    return this.#find(params.document, params.version).layoutOf(model, signal);
  }

  async contextLengths(params: ContextLengthsParams, model: Model, signal: AbortSignal): Promise<ContextLengthsResult> {
    return contextLengths(await this.#contextOf(params, model, signal), params);
  }

  async without(params: WithoutParams, model: Model, signal: AbortSignal): Promise<WithoutResult> {
    return without(await this.#contextOf(params, model, signal), params);
  }

  async effects(params: EffectsParams, model: Model, signal: AbortSignal): Promise<EffectsResult> {
    return effects(await this.#contextOf(params, model, signal), params);
  }

  async contextNeeds(params: ContextNeedsParams, model: Model, signal: AbortSignal): Promise<ContextNeedsResult> {
    return contextNeeds(await this.#contextOf(params, model, signal), params);
  }

  async shortContext(params: ShortContextParams, model: Model, signal: AbortSignal): Promise<ShortContextResult> {
    return shortContext(await this.#contextOf(params, model, signal), params);
  }

  async attention(params: AttentionParams, model: Model, signal: AbortSignal): Promise<AttentionResult> {
    const context = await this.#contextOf(params, model, signal);
    const { attention } = await probes();
    return attention(context, model, params);
  }

  async switchOff(params: SwitchOffParams, model: Model, signal: AbortSignal): Promise<SwitchOffResult> {
    const context = await this.#contextOf(params, model, signal);
    const { switchOff } = await probes();
    return switchOff(context, model, params);
  }

  async layers(params: LayersParams, model: Model, signal: AbortSignal): Promise<LayersResult> {
    const context = await this.#contextOf(params, model, signal);
    const { layers } = await probes();
    return layers(context, model, params);
  }

  #contextOf(params: ContextParams, model: Model, signal: AbortSignal): Promise<TextContext> {
    return this.#find(params.document, params.version).contextOf(params, model, signal);
  }

  #find(document: string, version: number): OpenDocument {
    const found = this.#open.get(document);
    if (!found) throw new ModelError('out-of-step', 'The document is not open in the model process.');
    if (found.version !== version) {
      throw new ModelError(
        'out-of-step',
        `The model process has version ${String(found.version)} of the document, not ${String(version)}.`,
      );
    }
    return found;
  }
}

/** The tokens of one version of the text. */
interface Reading extends TokenisedText {
  readonly model: Model;
  readonly version: number;
}

/** A table and all that its numbers depend on. */
interface Scored {
  readonly engine: Engine;
  readonly tableId: number;
  readonly version: number;
  readonly table: ScoreTable;
  readonly prefixIds: readonly number[];
  readonly settings: WindowSettings;
  readonly windows: readonly Window[];
  /** Rows of windows that edits did away with: an undo finds them again. */
  readonly former: FormerWindows;
  readonly watched: readonly WatchedWord[];
  readonly sets: TokenSets;
}

type PlaceParams = Pick<NextParams, 'model' | 'offset' | 'settings' | 'after'>;

class OpenDocument {
  text: string;
  version: number;
  readonly #name: string;
  readonly #newTableId: () => number;
  #reading: Promise<Reading> | undefined;
  /** The last one that was finished: most of its tokens are still those of the text. */
  #lastReading: Reading | undefined;
  readonly #scored = new Map<Arithmetic, Scored>();
  #visible: readonly Span[] = [];
  /** One score at a time; a cancelled one ends between two chunks. */
  #lastScore: Promise<unknown> = Promise.resolve();

  constructor(name: string, version: number, text: string, newTableId: () => number) {
    this.#name = name;
    this.version = version;
    this.text = text;
    this.#newTableId = newTableId;
  }

  update(version: number, text: string): void {
    this.version = version;
    this.text = text;
    this.#reading = undefined;
  }

  show(visible: readonly Span[]): void {
    this.#visible = visible;
  }

  score(params: ScoreParams, model: Model, context: CallContext): Promise<ScoreResult> {
    this.show(params.visible); // now, not when its turn comes: the screen may have moved on by then
    const result = this.#lastScore.then(() => this.#score(params, model, context));
    this.#lastScore = result.catch(() => undefined); // whoever asked is told; the next one starts either way
    return result;
  }

  async #score(params: ScoreParams, model: Model, { signal, emit }: CallContext): Promise<ScoreResult> {
    signal.throwIfAborted();
    const engine = await model.engine(params.model.arithmetic);
    const before = engine.tokensRun;
    const reading = await this.#read(model, signal);
    signal.throwIfAborted();
    const { layout, copy, version } = reading;
    const { now, carried, baseId } = this.#tableFor(reading, params.settings, engine);
    const { tableId, table, settings, prefixIds, windows, watched, sets } = now;
    const known = params.knownTableId !== undefined && params.knownTableId === baseId;
    const startTokenId = startTokenOf(engine, params.settings);
    const preambleTokens = prefixIds.length - (startTokenId === null ? 0 : 1);
    const { ids, starts, ends, startBytes, endBytes, gaps } = layout;
    emit({
      kind: 'layout',
      document: this.#name,
      version,
      tableId,
      carried: known ? carried : [],
      topCount: table.topCount,
      watchCount: table.watchCount,
      watched,
      ids,
      starts,
      ends,
      startBytes,
      endBytes,
      gaps,
      bytes: copy.bytes.length,
      window: settings,
      startTokenId,
      preambleTokens,
    });
    const onRows = (rows: ScoredRows) => {
      writeRows(table, rows);
      emit({ kind: 'rows', document: this.#name, tableId, rows });
    };
    if (!known) for (const { to, count } of carried) onRows(sliceRows(table, to, to + count));
    const queue = new ScoreQueue(table, windows);
    for (const { window, first } of queue.all()) {
      const rows = now.former.rowsFor(ids, window, first);
      if (rows) onRows(rows);
    }
    for (;;) {
      const work = queue.next(this.#visible);
      if (!work) break;
      const goesOn = () => !queue.isOvertaken(work, this.#visible);
      await engine.score(prefixIds, ids, work, { topCount: table.topCount, sets }, signal, goesOn, onRows);
    }
    return {
      tableId,
      window: settings,
      windows: windows.length,
      startTokenId,
      preambleTokens,
      tokensRun: engine.tokensRun - before,
    };
  }

  /** The table for these tokens, and its rows that hold already: those of the table before on which nothing changed (`carried`). */
  #tableFor(
    { layout, copy, version }: Reading,
    settings: ScoringSettings,
    engine: Engine,
  ): { readonly now: Scored; readonly carried: readonly CarriedRows[]; readonly baseId: number | undefined } {
    const { prefixIds, settings: inForce } = scoringWith(engine, settings);
    const old = this.#scored.get(engine.arithmetic);
    const base =
      old?.engine === engine &&
      sameWindows(old.settings, inForce) &&
      old.table.topCount === settings.topCount &&
      sameWords(old.watched, settings.watchWords) &&
      sameIds(old.prefixIds, prefixIds)
        ? old
        : undefined;
    if (base?.version === version) return { now: base, carried: [{ from: 0, to: 0, count: base.table.length }], baseId: base.tableId };
    const { tokenizer } = engine.facts;
    const watched = base?.watched ?? watchedWords(settings.watchWords, tokenizer);
    const sets = base?.sets ?? tokenSetsOf(tokenizer, watched);
    const windows = windowsOf(tokenText({ layout, copy }), inForce);
    const carried = base ? carriedRows(base, layout.ids, windows) : [];
    const former = base?.former ?? new FormerWindows();
    if (base) former.remember(base, carried);
    const table = tableOf({ topCount: settings.topCount, watchCount: watched.length, ...layout }, base?.table, carried);
    const tableId = this.#newTableId();
    const now: Scored = { engine, tableId, version, table, prefixIds, settings: inForce, windows, former, watched, sets };
    this.#scored.set(engine.arithmetic, now);
    return { now, carried, baseId: base?.tableId };
  }

  async next(params: NextParams, model: Model, signal: AbortSignal): Promise<NextResult> {
    const { cut, logProbabilities, contextTokens } = await this.#predict(params, model, signal);
    return { cut, logProbabilities, entropyBits: entropyBitsOf(logProbabilities), contextTokens };
  }

  async words(params: WordsParams, model: Model, signal: AbortSignal): Promise<WordsResult> {
    const { scoring, text, row, cut, logProbabilities } = await this.#predict(params, model, signal);
    const { count, mostTokens = defaultMostTokens } = params;
    const vocabulary = new Vocabulary(model.facts.tokenizer.vocabulary);
    return { cut, words: await likelyWords(scoring, text, row, logProbabilities, vocabulary, { count, mostTokens }) };
  }

  async chain(params: ChainParams, model: Model, signal: AbortSignal): Promise<ChainResult> {
    const { scoring, text: before, row, cut, typed, logProbabilities } = await this.#predict(params, model, signal);
    const vocabulary = new Vocabulary(model.facts.tokenizer.vocabulary);
    const chained = new Float64Array(params.texts.length).fill(-Infinity);
    for (const [index, text] of params.texts.entries()) {
      const ids = spelled(text, model, vocabulary);
      if (!ids || !Buffer.from(text).subarray(0, typed.length).equals(typed)) continue;
      chained[index] = await chainedLogProbability(scoring, before, row, ids, logProbabilities, vocabulary);
    }
    return { cut, logProbabilities: chained };
  }

  async futures(params: FuturesParams, model: Model, signal: AbortSignal): Promise<FuturesResult> {
    const { first, count, mostTokens, seed, sampling } = params;
    const counts = [first, count - 1, mostTokens - 1, seed];
    if (!counts.every(value => Number.isSafeInteger(value) && value >= 0))
      throw new ModelError('bad-argument', 'Continuations are counted, and seeded, with whole numbers.');
    refuseOutOfRange(sampling);
    const forced = forcedIds(params.forced, model);
    if (!forced || forced.length > mostTokens)
      throw new ModelError('bad-argument', 'The continuations cannot begin like that: no tokens spell it, or more than they may have.');
    const { scoring, text, row, start, cut } = await this.#placeOf(params, model, signal);
    const { engine, prefixIds } = scoring;
    const room = mostInputs(engine, mostTokens, mostCopiedBytes) - prefixIds.length;
    const contextTokens = Math.min(row - start, room);
    if (prefixIds.length + contextTokens < 1 || room < 0)
      throw new ModelError('bad-argument', 'Continuations of so many tokens leave no room for what they go on from.');
    const inputs = [...prefixIds, ...text.ids.subarray(row - contextTokens, row)];
    // Where a kept cache would change the last digits, and with them now and then a draw, everything is run anew.
    const reuses = engine.arithmetic === 'native' && model.description.selfCheck.repeatabilityBits === 0;
    const wanted = { first, count, mostTokens, sampling, seed, forced };
    const continuations = await continuationsOf(engine, inputs, wanted, { reuses, mostBytes: mostCopiedBytes }, signal);
    return { cut, contextTokens, forcedTokens: forced.length, continuations };
  }

  async draft(params: DraftParams, model: Model, signal: AbortSignal): Promise<DraftResult> {
    const { begins, mostTokens, leastProbability, atLineEnd } = params;
    if (!(Number.isSafeInteger(mostTokens) && mostTokens >= 1))
      throw new ModelError('bad-argument', 'Tokens of a draft are counted with whole numbers.');
    if (!(leastProbability >= 0 && leastProbability <= 1)) throw new ModelError('bad-argument', 'A probability lies between 0 and 1.');
    if (begins.kind === 'typed' && params.after.length > 0)
      throw new ModelError('bad-argument', 'Behind tokens that are not in the text nothing is typed: force what the draft begins with.');
    const forced = begins.kind === 'forced' ? forcedIds(begins.forced, model) : undefined;
    if (begins.kind === 'forced' && (!forced || forced.length > mostTokens))
      throw new ModelError('bad-argument', 'The draft cannot begin like that: no tokens spell it, or more than it may have.');
    const place =
      begins.kind === 'forced' ? await this.#placeOf(params, model, signal) : await this.#typedPlaceOf(params, begins, model, signal);
    const { scoring, text, row, start, cut, typed } = place;
    const { engine, prefixIds } = scoring;
    const contextTokens = Math.min(row - start, mostInputs(engine, mostTokens, mostCopiedBytes) - prefixIds.length);
    if (prefixIds.length + contextTokens < 1)
      throw new ModelError('bad-argument', 'There is nothing that a draft of so many tokens could go on from.');
    const inputs = [...prefixIds, ...text.ids.subarray(row - contextTokens, row)];
    const vocabulary = new Vocabulary(model.facts.tokenizer.vocabulary);
    const wanted = { begins: forced ?? typed, mostTokens, leastProbability, atLineEnd };
    return { cut, contextTokens, ...(await draftOf(engine, inputs, wanted, vocabulary, signal)) };
  }

  /** What comes at an offset, from the text before it only. */
  async #predict(params: PlaceParams, model: Model, signal: AbortSignal) {
    const place = await this.#placeOf(params, model, signal);
    const { scoring, text, row, start } = place;
    const inputs = [...scoring.prefixIds, ...text.ids.subarray(start, row)];
    const logProbabilities = await scoring.engine.distributionAfter(inputs, signal);
    return { ...place, logProbabilities, contextTokens: row - start };
  }

  /**
   * Where the text is cut for a prediction at an offset; the row that begins at the place, which is behind the tokens that `after` puts in, in the
   * text that has them, and the one its window begins with; there is something before it.
   */
  async #placeOf({ model: { arithmetic }, offset, settings, after }: PlaceParams, model: Model, signal: AbortSignal) {
    const vocabulary = new Vocabulary(model.facts.tokenizer.vocabulary);
    if (!after.every(id => Number.isInteger(id) && id >= 0 && id < vocabulary.size))
      throw new ModelError('bad-argument', 'What stands before the place has ids that are none of the vocabulary.');
    const [engine, reading] = await Promise.all([model.engine(arithmetic), this.#read(model, signal)]);
    const { copy, layout } = reading;
    const scoring: Scoring = { ...scoringWith(engine, settings), signal };
    const byte = byteAtOffset(copy, offset);
    const cutByte = cutOf(copy, layout, byte, model);
    const cutRow = firstTokenEndingAfter(layout, cutByte);
    const text = withWord(tokenText(reading), cutRow, after, vocabulary);
    const row = cutRow + after.length;
    const start = windowStart(text, row, scoring.settings);
    if (scoring.prefixIds.length + row - start === 0)
      throw new ModelError(
        'bad-argument',
        'There is nothing before this place, and no start token: the model has nothing to predict from.',
      );
    const cut = copy.characterStarts[cutByte] ?? 0;
    return { scoring, text, row, start, cut, typed: copy.bytes.subarray(cutByte, after.length > 0 ? cutByte : byte) };
  }

  /** The same for a draft: the text is always cut at the beginning of what may still be one token. */
  async #typedPlaceOf(
    { model: { arithmetic }, offset, settings }: PlaceParams,
    { instead }: Extract<DraftBeginning, { kind: 'typed' }>,
    model: Model,
    signal: AbortSignal,
  ) {
    const { text } = this;
    if (instead && !(instead.start >= 0 && instead.start <= offset && offset <= text.length))
      throw new ModelError('bad-argument', 'What is read instead lies outside of the text.');
    const [engine, read] = await Promise.all([model.engine(arithmetic), this.#read(model, signal)]);
    const reading = instead ? await withInstead(text, instead, offset, read, model, signal) : read;
    const byte = byteAtOffset(reading.copy, instead ? instead.start + instead.text.length : offset);
    const { copy, layout } = reading;
    const scoring: Scoring = { ...scoringWith(engine, settings), signal };
    const cutByte = typedFrom(reading, byte, model);
    const row = firstTokenEndingAfter(layout, cutByte);
    const tokens = tokenText(reading);
    const start = windowStart(tokens, row, scoring.settings);
    return { scoring, text: tokens, row, start, cut: copy.characterStarts[cutByte] ?? 0, typed: copy.bytes.subarray(cutByte, byte) };
  }

  async try(params: TryParams, model: Model, signal: AbortSignal): Promise<TryResult> {
    const { text } = this;
    const { edit, followingTokens, settings, topCount = 0, wholeEdit = false, oneWindow = false } = params;
    const { arithmetic } = params.model;
    if (!(Number.isSafeInteger(topCount) && topCount >= 0))
      throw new ModelError('bad-argument', 'Alternatives are counted with whole numbers.');
    if (!(edit.start >= 0 && edit.start <= edit.end && edit.end <= text.length))
      throw new ModelError('bad-argument', 'The edit to be tried lies outside of the text.');
    const [engine, reading] = await Promise.all([model.engine(arithmetic), this.#read(model, signal)]);
    const textAfter = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
    const copy = scoredCopyOf(textAfter);
    const edited = { copy, layout: await model.facts.tokenizer.layout(copy, signal, reading.layout) };
    const scoring = { ...scoringWith(engine, settings), signal };
    const all = comparedPassages(reading, edited, edit, Math.max(0, followingTokens), wholeEdit);
    const {
      before,
      after,
      windowStart: start,
    } = oneWindow ? withinOneWindow(all, scoring.settings.contextTokens) : { ...all, windowStart: undefined };
    const known = this.#known(reading, scoring);
    const scored = await passageScore(scoring, reading, before, known, topCount, start);
    // Some only want to know of a part of the text as it is.
    if (textAfter === text) return { before: scored, after: scored };
    return { before: scored, after: await passageScore(scoring, edited, after, undefined, topCount, start) };
  }

  async layoutOf(model: Model, signal: AbortSignal): Promise<LayoutResult> {
    const { ids, starts, ends } = (await this.#read(model, signal)).layout;
    return { ids, starts, ends };
  }

  async contextOf({ model: { arithmetic }, settings }: ContextParams, model: Model, signal: AbortSignal): Promise<TextContext> {
    const [engine, native, reading] = await Promise.all([model.engine(arithmetic), model.engine('native'), this.#read(model, signal)]);
    const scoring: Scoring = { ...scoringWith(engine, settings), signal };
    return { scoring, text: tokenText(reading), known: this.#known(reading, scoring), drafting: native };
  }

  /** The table of these tokens, if there is one with the same windows. */
  #known({ version }: Reading, { engine, prefixIds, settings }: Scoring): ScoreTable | undefined {
    const scored = this.#scored.get(engine.arithmetic);
    const isOfThese = scored?.engine === engine && scored.version === version && sameIds(scored.prefixIds, prefixIds);
    return isOfThese && sameWindows(scored.settings, settings) ? scored.table : undefined;
  }

  /** Tokens of the text as it is at the call; shared by all who ask, tokenised once. */
  async #read(model: Model, signal: AbortSignal): Promise<Reading> {
    const { version, text } = this;
    const running = this.#reading;
    if (running) {
      const found = await running.catch(() => undefined); // whoever began it was cancelled: begin again
      if (found?.version === version && found.model === model) return found;
    }
    const previous = this.#lastReading?.model === model ? this.#lastReading.layout : undefined;
    const reading = (async (): Promise<Reading> => {
      const copy = scoredCopyOf(text);
      return { model, version, copy, layout: await model.facts.tokenizer.layout(copy, signal, previous) };
    })();
    if (version === this.version) this.#reading = reading;
    this.#lastReading = await reading;
    return this.#lastReading;
  }
}

/** The text with something else from `start` to `offset`. */
async function withInstead(
  text: string,
  { start, text: inserted }: { readonly start: number; readonly text: string },
  offset: number,
  { layout }: TokenisedText,
  model: Model,
  signal: AbortSignal,
): Promise<TokenisedText> {
  const copy = scoredCopyOf(text.slice(0, start) + inserted + text.slice(offset));
  return { copy, layout: await model.facts.tokenizer.layout(copy, signal, layout) };
}

/** The tokens of a text; undefined where the vocabulary cannot spell it. */
function spelled(text: string, model: Model, vocabulary: Vocabulary): readonly number[] | undefined {
  const ids = model.facts.tokenizer.idsOf(text);
  return Buffer.from(text).equals(Buffer.concat(ids.map(id => vocabulary.bytesOf(id)))) ? ids : undefined;
}

function refuseOutOfRange(sampling: SamplingSettings): void {
  try {
    checkSettings(sampling);
  } catch (error) {
    throw new ModelError('bad-argument', error instanceof Error ? error.message : 'A setting of the sampler is out of its range.');
  }
}

function forcedIds(forced: string | number | undefined, model: Model): readonly number[] | undefined {
  const vocabulary = new Vocabulary(model.facts.tokenizer.vocabulary);
  if (typeof forced === 'string') return spelled(forced, model, vocabulary);
  if (forced === undefined) return [];
  return Number.isInteger(forced) && forced >= 0 && forced < vocabulary.size ? [forced] : undefined;
}

function sameWindows(a: WindowSettings, b: WindowSettings): boolean {
  return a.contextTokens === b.contextTokens && a.overlapTokens === b.overlapTokens && a.anchors === b.anchors;
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

function sameWords(watched: readonly WatchedWord[], words: readonly string[]): boolean {
  return watched.length === words.length && watched.every(({ word }, index) => word === words[index]);
}

/** The settings in force with this engine. */
function scoringWith(engine: Engine, settings: ScoringSettings): Omit<Scoring, 'signal'> {
  const { positions, preambles } = engine.facts;
  const prefixIds = preambles.prefixIds(settings.preamble, startTokenOf(engine, settings));
  return { engine, prefixIds, settings: windowInForce(settings, positions, prefixIds.length) };
}

function startTokenOf({ facts }: Engine, { useStartToken }: ScoringSettings): number | null {
  return useStartToken ? facts.startTokenId : null;
}

function firstTokenEndingAfter({ endBytes }: TokenLayout, byte: number): number {
  return firstWhere(endBytes.length, index => (endBytes[index] ?? 0) > byte);
}

/**
 * Where to cut the text for a prediction at `byte`: there, when a token starts or the text ends; else where the pre-token starts that holds
 * it, so that the model is not asked to go on from half a word (Vieira et al. 2024, 2412.03719). A space at the end belongs to the word to come.
 */
function cutOf(copy: ScoredCopy, layout: TokenLayout, byte: number, model: Model): number {
  const atEnd = byte >= copy.bytes.length;
  const lastByte = copy.bytes[byte - 1];
  const afterSpace = lastByte === 0x20 || lastByte === 0x09;
  if (byte === 0 || (atEnd ? !afterSpace : isTokenStart(layout, byte))) return byte;
  return preTokenStart(copy, layout, byte, model);
}

function preTokenStart(copy: ScoredCopy, layout: TokenLayout, byte: number, model: Model): number {
  const head = new TextDecoder('utf-8', { ignoreBOM: true }).decode(copy.bytes.subarray(0, byte));
  const cut = model.facts.tokenizer.lastPreTokenStartByte(head);
  // In "they'll" the head "they'l" has a pre-token that begins inside of a token of the whole text: back to where that one begins.
  return Math.min(cut, layout.startBytes[firstTokenEndingAfter(layout, cut)] ?? cut);
}

/** Where the pre-token before `byte` starts: its tokens may become others with what is written next. Of a very long one only the last token. */
function typedFrom({ copy, layout }: TokenisedText, byte: number, model: Model): number {
  if (byte === 0) return 0;
  const cut = preTokenStart(copy, layout, byte, model);
  if (byte - cut <= mostTypedBytes) return cut;
  const last = layout.startBytes[firstTokenEndingAfter(layout, byte - 1)] ?? byte;
  return byte - last <= mostTypedBytes && last < byte ? last : byte;
}

function isTokenStart({ startBytes }: TokenLayout, byte: number): boolean {
  return startBytes[firstNotBelow(startBytes, byte)] === byte;
}
