import { sliceRows, tableOf, writeRows } from '../core/scoreTable';
import { byteAtOffset, scoredCopyOf } from '../core/scoredCopy';
import type { ScoredCopy } from '../core/scoredCopy';
import { rowState } from '../core/scores';
import type { ScoreTable, Span, WindowSettings } from '../core/scores';
import { gridWindowOf, gridWindows, windowInForce } from '../core/window';
import type { Window } from '../core/window';
import { commonPrefix } from './engine';
import type { CachedPrefix, Engine } from './engine';
import { ModelError } from './errors';
import type { CallContext, ChangeParams, NextParams, NextResult, OpenParams, ScoreParams, ScoreResult, ScoringSettings } from './protocol';
import { lastSafeCut } from './tokens';
import type { TokenLayout } from './tokens';

/** A cache has about 50 MB for the bundled model: so many documents keep theirs, those that were asked about last. */
const mostWithCaches = 2;

/** Documents kept by the model process: their text, their tokens, and what is scored of them. */
export class Documents {
  readonly #open = new Map<string, OpenDocument>();
  /** The newest question first. */
  #withCaches: readonly OpenDocument[] = [];
  #nextTableId = 1;

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
    const found = this.#open.get(document);
    this.#open.delete(document);
    this.#withCaches = this.#withCaches.filter(other => other !== found);
  }

  score(params: ScoreParams, engine: Engine, context: CallContext): Promise<ScoreResult> {
    const found = this.#find(params.document, params.version);
    this.#keepCaches(found);
    return found.score(params, engine, context);
  }

  next(params: NextParams, engine: Engine, signal: AbortSignal): Promise<NextResult> {
    const found = this.#find(params.document, params.version);
    this.#keepCaches(found);
    return found.next(params, engine, signal);
  }

  #keepCaches(asked: OpenDocument): void {
    const all = [asked, ...this.#withCaches.filter(other => other !== asked)];
    this.#withCaches = all.slice(0, mostWithCaches);
    for (const other of all.slice(mostWithCaches)) other.dropCaches();
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
interface Reading {
  readonly engine: Engine;
  readonly version: number;
  readonly copy: ScoredCopy;
  readonly layout: TokenLayout;
}

/** A table and all that its numbers depend on. */
interface Scored {
  readonly engine: Engine;
  readonly tableId: number;
  readonly version: number;
  readonly table: ScoreTable;
  readonly prefixIds: readonly number[];
  readonly window: WindowSettings;
  /** Cache of the window that ran last, as far as it came. */
  cache: { readonly windowStart: number; readonly prefix: CachedPrefix } | undefined;
}

class OpenDocument {
  text: string;
  version: number;
  readonly #name: string;
  readonly #newTableId: () => number;
  #reading: Promise<Reading> | undefined;
  #scored: Scored | undefined;
  #cursorCache: CachedPrefix | undefined;
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

  score(params: ScoreParams, engine: Engine, context: CallContext): Promise<ScoreResult> {
    const result = this.#lastScore.then(() => this.#score(params, engine, context));
    this.#lastScore = result.catch(() => undefined); // whoever asked is told; the next one starts either way
    return result;
  }

  async #score(params: ScoreParams, engine: Engine, { signal, emit }: CallContext): Promise<ScoreResult> {
    const before = engine.tokensRun;
    const { layout, copy, version } = await this.#read(engine, signal);
    signal.throwIfAborted();
    const scored = this.#tableFor(layout, version, params.settings, engine);
    const { tableId, table, window, prefixIds } = scored.now;
    const known = params.knownTableId !== undefined && params.knownTableId === scored.baseId;
    const startTokenId = prefixIds[0] ?? null;
    const { ids, starts, ends, startBytes, endBytes, gaps } = layout;
    emit({
      kind: 'layout',
      document: this.#name,
      version,
      tableId,
      keptRows: known ? scored.kept : 0,
      topCount: table.topCount,
      ids,
      starts,
      ends,
      startBytes,
      endBytes,
      gaps,
      bytes: copy.bytes.length,
      window,
      startTokenId,
    });
    if (!known && scored.kept > 0) emit({ kind: 'rows', document: this.#name, tableId, rows: sliceRows(table, 0, scored.kept) });
    for (const next of byDistance(gridWindows(table.length, window), layout, params.visible)) {
      await this.#scoreWindow(next, scored.now, engine, signal, rows => {
        emit({ kind: 'rows', document: this.#name, tableId, rows });
      });
    }
    return { tableId, window, startTokenId, tokensRun: engine.tokensRun - before };
  }

  /** The table for these tokens; rows before the first token that differs are those of the table before (`kept`), since nothing they depend on changed. */
  #tableFor(
    layout: TokenLayout,
    version: number,
    settings: ScoringSettings,
    engine: Engine,
  ): { readonly now: Scored; readonly kept: number; readonly baseId: number | undefined } {
    const prefixIds = prefixOf(settings, engine);
    const window = windowInForce(settings, engine.positions, prefixIds.length);
    const old = this.#scored;
    const same =
      old?.engine === engine &&
      old.window.contextTokens === window.contextTokens &&
      old.window.overlapTokens === window.overlapTokens &&
      old.table.topCount === settings.topCount &&
      old.prefixIds.length === prefixIds.length;
    const kept = same ? commonPrefix(old.table.ids, layout.ids) : 0;
    if (same && old.version === version && kept === layout.ids.length) return { now: old, kept, baseId: old.tableId };
    const table = tableOf({ topCount: settings.topCount, ...layout }, same ? old.table : undefined, kept);
    this.#scored = { engine, tableId: this.#newTableId(), version, table, prefixIds, window, cache: same ? old.cache : undefined };
    return { now: this.#scored, kept, baseId: old?.tableId };
  }

  async #scoreWindow(
    window: Window,
    scored: Scored,
    engine: Engine,
    signal: AbortSignal,
    onRows: (rows: ReturnType<typeof sliceRows>) => void,
  ): Promise<void> {
    const { table } = scored;
    let wanted = window.scoreFrom;
    while (wanted < window.end && table.states[wanted] !== rowState.pending) wanted++;
    if (wanted === window.end) return;
    const cache = scored.cache?.windowStart === window.start ? scored.cache.prefix : undefined;
    const last = await engine.scoreWindow(scored.prefixIds, table.ids, window, wanted, table.topCount, cache, signal, (rows, prefix) => {
      writeRows(table, rows);
      scored.cache = { windowStart: window.start, prefix };
      onRows(rows);
    });
    scored.cache = { windowStart: window.start, prefix: last };
  }

  async next({ offset, settings }: NextParams, engine: Engine, signal: AbortSignal): Promise<NextResult> {
    const { copy, layout } = await this.#read(engine, signal);
    const cutByte = cutOf(copy, layout, byteAtOffset(copy, offset), engine);
    let before = 0;
    while (before < layout.ids.length && (layout.endBytes[before] ?? 0) <= cutByte) before++;
    const prefixIds = prefixOf(settings, engine);
    const { start } = gridWindowOf(before, before, windowInForce(settings, engine.positions, prefixIds.length));
    const inputs = [...prefixIds, ...layout.ids.subarray(start, before)];
    if (inputs.length === 0)
      throw new ModelError(
        'bad-argument',
        'There is nothing before this place, and no start token: the model has nothing to predict from.',
      );
    const { logProbabilities, entropyBits, cache } = await engine.distributionAfter(inputs, this.#cursorCache, signal);
    this.#cursorCache = cache;
    return { cut: copy.characterStarts[cutByte] ?? 0, logProbabilities, entropyBits, contextTokens: before - start };
  }

  /** Tokens of the present text; shared by all who ask, tokenised once. */
  async #read(engine: Engine, signal: AbortSignal): Promise<Reading> {
    const running = this.#reading;
    if (running) {
      const found = await running.catch(() => undefined); // whoever began it was cancelled: begin again
      if (found?.version === this.version && found.engine === engine) return found;
    }
    const { version, text } = this;
    const reading = (async (): Promise<Reading> => {
      const copy = scoredCopyOf(text);
      return { engine, version, copy, layout: await engine.tokenizer.layout(copy, signal) };
    })();
    this.#reading = reading;
    return reading;
  }

  /** They cost memory and save time, and change no number. */
  dropCaches(): void {
    this.#cursorCache = undefined;
    if (this.#scored) this.#scored.cache = undefined;
  }
}

function prefixOf(settings: ScoringSettings, engine: Engine): readonly number[] {
  return settings.useStartToken && engine.startTokenId !== null ? [engine.startTokenId] : [];
}

/**
 * Where to cut the text for a prediction at `byte`: there, when a token starts or the text ends; else where the pre-token starts that holds
 * it, so that the model is not asked to go on from half a word (Vieira et al. 2024, 2412.03719). A space at the end belongs to the word to come.
 */
function cutOf(copy: ScoredCopy, layout: TokenLayout, byte: number, engine: Engine): number {
  const atEnd = byte >= copy.bytes.length;
  const lastByte = copy.bytes[byte - 1];
  const afterSpace = lastByte === 0x20 || lastByte === 0x09;
  if (byte === 0 || (atEnd ? !afterSpace : isTokenStart(layout, byte))) return byte;
  const head = new TextDecoder('utf-8', { ignoreBOM: true }).decode(copy.bytes.subarray(0, byte));
  const lineStart = lastSafeCut(head);
  return new TextEncoder().encode(head.slice(0, lineStart)).length + engine.tokenizer.lastPreTokenStartByte(head.slice(lineStart));
}

function isTokenStart({ startBytes }: TokenLayout, byte: number): boolean {
  let low = 0;
  let high = startBytes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((startBytes[middle] ?? 0) < byte) low = middle + 1;
    else high = middle;
  }
  return startBytes[low] === byte;
}

/** Windows that show on a screen first, then outwards. Rows of a window on a screen may need another one's text, never its rows. */
function byDistance(windows: readonly Window[], layout: TokenLayout, visible: readonly Span[]): Window[] {
  const distance = (window: Window) => {
    const start = layout.starts[window.scoreFrom] ?? 0;
    const end = layout.ends[window.end - 1] ?? 0;
    return Math.min(...visible.map(span => Math.max(0, start - span.end, span.start - end)), Infinity);
  };
  return windows
    .map(window => ({ window, distance: distance(window) }))
    .sort((a, b) => a.distance - b.distance)
    .map(({ window }) => window);
}
