import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { cellsOf } from '../../src/core/cells';
import { scoredCopyOf } from '../../src/core/scoredCopy';
import type { ScoredCopy } from '../../src/core/scoredCopy';
import { rowState } from '../../src/core/scores';
import type { ScoredRows, ScoreTable, WindowSettings } from '../../src/core/scores';
import type { VocabularyData } from '../../src/core/vocabulary';
import { windowHolding, windowsOf } from '../../src/core/window';
import type { TokenText, Window } from '../../src/core/window';
import type { LayoutEvent } from '../../src/model/protocol';
import { TextTokenizer } from '../../src/model/tokens';
import type { TokenLayout } from '../../src/model/tokens';
import { never, pendingCount } from './process';

/** The law is to 1e-3 bit, and the tiny model keeps it better. */
export const toleranceBits = 1e-4;
/** Of sums of probabilities. */
const relativeTolerance = 1e-4;
/** Logits nearer to each other than this tie. */
const tieLogits = 1e-5;

/** What a model says after one id: its logits, and in float64 what follows from them. */
export interface Distribution {
  readonly logits: Float32Array;
  readonly ascending: Float32Array;
  /** Natural logarithm of the sum of exp(logit). */
  readonly logSum: number;
  readonly entropyBits: number;
}

/** Rows of distributions kept, so that a version that differs by an edit costs no more than its new windows. */
const mostRowsKept = 20_000;

/**
 * A model's numbers by the plainest way: one pass over a whole window, all its logits, sums in float64. It shares nothing with the engine but
 * the tokens of a whole text and the windows they fall into, which have tests of their own.
 */
export class PlainModel {
  readonly tokenizer: TextTokenizer;
  readonly #session: InferenceSession;
  readonly #kept = new Map<string, readonly Distribution[]>();
  #rowsKept = 0;

  private constructor(session: InferenceSession, tokenizer: TextTokenizer) {
    this.#session = session;
    this.tokenizer = tokenizer;
  }

  static async open(folder: string, graph = 'model.onnx'): Promise<PlainModel> {
    const json = (name: string) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as unknown;
    const session = await InferenceSession.create(path.join(folder, 'onnx', graph), { intraOpNumThreads: 1, logSeverityLevel: 4 });
    return new PlainModel(session, new TextTokenizer(json('tokenizer.json')));
  }

  /** Ids of the control tokens and of those whose bytes begin with white space. */
  get wordStarts(): readonly number[] {
    const { bytes, offsets, controlNames } = this.tokenizer.vocabulary;
    const text = Buffer.from(bytes).toString('latin1');
    return Array.from({ length: offsets.length - 1 }, (_, id) => id).filter(
      id => controlNames[id] !== undefined || /^[ \t\n\r]/.test(text.slice(offsets[id], offsets[id + 1])),
    );
  }

  /** What follows each of these ids, as seen from the first on. */
  async after(ids: readonly number[]): Promise<readonly Distribution[]> {
    if (ids.length === 0) return [];
    const key = ids.join();
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key); // used last: to the end
      this.#kept.set(key, kept);
      return kept;
    }
    const int64 = (values: readonly number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
    const feeds: Record<string, Tensor> = { input_ids: int64(ids), attention_mask: int64(ids.map(() => 1)) };
    for (const input of this.#session.inputMetadata) {
      if (input.name === 'position_ids') feeds[input.name] = int64(ids.map((_, index) => index));
      else if (input.isTensor && input.name.startsWith('past_key_values.')) {
        const [, heads, , size] = input.shape;
        feeds[input.name] = new Tensor('float32', new Float32Array(0), [1, Number(heads), 0, Number(size)]);
      }
    }
    const { logits } = await this.#session.run(feeds, ['logits']);
    assert.ok(logits?.data instanceof Float32Array);
    const { data, dims } = logits;
    const size = dims[2] ?? 0;
    const rows = ids.map((_, index) => distributionOf(data.subarray(index * size, (index + 1) * size)));
    this.#kept.set(key, rows);
    this.#rowsKept += rows.length;
    for (const [old, { length }] of this.#kept) {
      if (this.#rowsKept <= mostRowsKept || old === key) break;
      this.#kept.delete(old);
      this.#rowsKept -= length;
    }
    return rows;
  }

  async read(text: string): Promise<PlainReading> {
    const copy = scoredCopyOf(text);
    return new PlainReading(this, text, copy, await this.tokenizer.layout(copy, never));
  }
}

/** The tokens of one text, and what the model says of each in given windows. */
export class PlainReading {
  readonly #model: PlainModel;

  constructor(
    model: PlainModel,
    readonly text: string,
    readonly copy: ScoredCopy,
    readonly layout: TokenLayout,
  ) {
    this.#model = model;
  }

  get #tokens(): TokenText {
    const { ids, startBytes } = this.layout;
    return { ids, length: ids.length, startsLine: index => this.copy.bytes[(startBytes[index] ?? this.copy.bytes.length) - 1] === 0x0a };
  }

  windows(settings: WindowSettings): readonly Window[] {
    return windowsOf(this.#tokens, settings);
  }

  /** The event's columns are those of this text. */
  assertLayout(event: LayoutEvent): void {
    const { layout, copy } = this;
    for (const name of ['ids', 'starts', 'ends', 'startBytes', 'endBytes'] as const) {
      assert.ok(Buffer.compare(bytesOf(event[name]), bytesOf(layout[name])) === 0, `${name} of version ${String(event.version)}`);
    }
    assert.deepEqual(event.gaps, layout.gaps);
    assert.equal(event.bytes, copy.bytes.length);
  }

  /** Every row that is not pending is what the model says of that token in this text. */
  async assertRows(
    rows: ScoredRows,
    settings: WindowSettings,
    prefixIds: readonly number[],
    what: string,
    watched: readonly (readonly number[])[] = [],
  ): Promise<void> {
    const sets = [this.#model.wordStarts, ...watched];
    const { ids } = this.layout;
    const topCount = rows.count === 0 ? 0 : rows.topIds.length / rows.count;
    const windows = this.windows(settings);
    for (let row = rows.first; row < rows.first + rows.count;) {
      const window = windowHolding(windows, row);
      assert.ok(window, `${what}: row ${String(row)} is not in the text`);
      const after = await this.#model.after([...prefixIds, ...ids.subarray(window.start, window.end - 1)]);
      for (; row < Math.min(window.end, rows.first + rows.count); row++) {
        const at = row - rows.first;
        if (rows.states[at] === rowState.pending) continue;
        const expected: Distribution | undefined = after[prefixIds.length + row - window.start - 1];
        const fault: string | undefined =
          rows.contextTokens[at] !== row - window.start ? 'context' : faultOf(rows, at, ids[row] ?? -1, expected, topCount, sets);
        assert.equal(fault, undefined, `${what}: ${fault ?? ''} of row ${String(row)}, window ${JSON.stringify(window)}`);
      }
    }
  }

  /** What stands before token `index`, or after the last one: undefined where nothing does. */
  async before(
    index: number,
    settings: WindowSettings,
    prefixIds: readonly number[],
  ): Promise<{ readonly distribution: Distribution | undefined; readonly contextTokens: number }> {
    const tokens = this.#tokens;
    const windows = windowsOf({ ...tokens, length: Math.max(tokens.length, index + 1) }, settings);
    const start = windowHolding(windows, index)?.start ?? 0;
    const after = await this.#model.after([...prefixIds, ...this.layout.ids.subarray(start, index)]);
    return { distribution: after.at(-1), contextTokens: index - start };
  }
}

function distributionOf(logits: Float32Array): Distribution {
  const ascending = logits.slice().sort();
  const largest = ascending.at(-1) ?? NaN;
  let sum = 0;
  let weighted = 0;
  for (const logit of logits) {
    const weight = Math.exp(logit - largest);
    sum += weight;
    weighted += weight * (logit - largest);
  }
  return {
    logits: logits.slice(),
    ascending,
    logSum: largest + Math.log(sum),
    entropyBits: (Math.log(sum) - weighted / sum) / Math.LN2,
  };
}

/** What is wrong with a row; undefined where nothing is. */
function faultOf(
  rows: ScoredRows,
  at: number,
  id: number,
  expected: Distribution | undefined,
  topCount: number,
  sets: readonly (readonly number[])[],
): string | undefined {
  const logMasses = [rows.wordStartLogMass[at], ...rows.watchLogMasses.subarray(at * (sets.length - 1), (at + 1) * (sets.length - 1))];
  if (logMasses.length !== sets.length) return 'number of watched words';
  if (rows.states[at] !== (expected ? rowState.scored : rowState.unscored)) return 'state';
  if (!expected) {
    const isBlank = Number.isNaN(rows.surprisalBits[at]) && rows.ranks[at] === 0 && logMasses.every(Number.isNaN);
    return isBlank ? undefined : 'numbers without a score';
  }
  const { logits, logSum, entropyBits } = expected;
  const own = logits[id] ?? NaN;
  if (!isNear(rows.surprisalBits[at], (logSum - own) / Math.LN2)) return 'surprisal';
  if (!isNear(rows.entropyBits[at], entropyBits)) return 'entropy';
  if (!isPlaceOf(own, rows.ranks[at] ?? 0, expected)) return 'rank';
  for (const [set, members] of sets.entries()) {
    const mass = members.reduce((sum, member) => sum + Math.exp((logits[member] ?? NaN) - logSum), 0);
    const given = Math.exp(logMasses[set] ?? NaN);
    if (!(Math.abs(given - mass) <= relativeTolerance * mass)) return `mass of set ${String(set)}`;
  }
  for (let place = 0; place < topCount; place++) {
    const top = rows.topIds[at * topCount + place] ?? -1;
    const logit = logits[top] ?? NaN;
    const isAgain = rows.topIds.subarray(at * topCount, at * topCount + place).includes(top);
    if (isAgain || !isPlaceOf(logit, place + 1, expected)) return `id of alternative ${String(place)}`;
    if (!isNear(rows.topLogProbabilities[at * topCount + place], logit - logSum)) return `probability of alternative ${String(place)}`;
  }
  return undefined;
}

/** `place` is 1 + the number of higher logits, but for ties. */
function isPlaceOf(logit: number, place: number, { ascending }: Distribution): boolean {
  const notHigher = (limit: number) => {
    let low = 0;
    let high = ascending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ascending[middle] ?? NaN) <= limit) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const surelyHigher = ascending.length - notHigher(logit + tieLogits);
  const perhapsHigher = ascending.length - notHigher(logit - tieLogits);
  return place > surelyHigher && place <= perhapsHigher;
}

function isNear(actual: number | undefined, expected: number): boolean {
  return actual !== undefined && Math.abs(actual - expected) <= toleranceBits;
}

/** The tokens' own bytes and the gaps make up the scored copy of `text`, and every token is in one cell; cells do not overlap. */
export function assertTiles(layout: LayoutEvent, table: ScoreTable, text: string, { bytes, offsets }: VocabularyData): void {
  const copy = Buffer.from(
    text
      .replace(/^\ufeff/, '')
      .replaceAll('\r\n', '\n')
      .toWellFormed(),
  );
  assert.equal(layout.bytes, copy.length);
  const inGap = new Set(
    layout.gaps.flatMap(({ startByte, endByte }) => Array.from({ length: endByte - startByte }, (_, at) => startByte + at)),
  );
  let at = 0;
  const skipGap = () => {
    while (inGap.delete(at)) at++;
  };
  for (const [row, id] of layout.ids.entries()) {
    skipGap();
    assert.equal(layout.startBytes[row], at);
    for (const byte of bytes.subarray(offsets[id], offsets[id + 1])) {
      skipGap();
      assert.equal(copy[at++], byte, `byte ${String(at)}`);
    }
    assert.equal(layout.endBytes[row], at);
  }
  skipGap();
  assert.ok(at === copy.length && inGap.size === 0);
  const cells = cellsOf(table);
  let end = 0;
  for (let cell = 0; cell < cells.length; cell++) {
    const start = cells.starts[cell] ?? 0;
    assert.ok(start >= end && (cells.ends[cell] ?? 0) > start);
    end = cells.ends[cell] ?? 0;
    assert.ok(end <= text.length);
    const [first, last] = [cells.firstTokens[cell] ?? 0, cells.endTokens[cell] ?? 0];
    for (let row = first; row < last; row++) assert.ok((table.starts[row] ?? 0) >= start && (table.ends[row] ?? 0) <= end);
    if (pendingCount(table) === 0) assert.equal(first, cell === 0 ? 0 : cells.endTokens[cell - 1]);
  }
  if (pendingCount(table) === 0) assert.equal(cells.endTokens[cells.length - 1] ?? 0, table.length);
}

export function near(actual: number | undefined, expected: number, tolerance: number, what: string): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${what}: ${String(actual)} instead of ${String(expected)}`);
}

function bytesOf(column: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
