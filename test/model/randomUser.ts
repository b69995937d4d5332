import assert from 'node:assert/strict';
import { sliceRows } from '../../src/core/scoreTable';
import type { ScoredRows, Span } from '../../src/core/scores';
import { windowInForce } from '../../src/core/window';
import { ModelError } from '../../src/model/errors';
import type { LayoutEvent, ScoringSettings, TextEdit } from '../../src/model/protocol';
import type { PlainModel, PlainReading } from './plainModel';
import { assertTiles, near, toleranceBits } from './plainModel';
import { edited, pendingCount } from './process';
import type { Reader } from './process';

const line = 'The boats came in before the rain, and nobody spoke. ';
const pieces = [
  ...['x', ' the', 'e', ' ', '  ', '\n', '\n\n', '\t', ' \t', '.', '==', '2024', '٣', '½', 'é', 'e\u0301', '\u0301'],
  ...['🙂', '👩\u200d👩\u200d👧', '\u200d', '🇫🇮', '\ud83d', '\ude42', '日本語', '한', 'ﷺ'],
  ...['\r\n', '\r', '\n\r\n', '\ufeff', '\u0085', '\u00a0', '\u2028', '\0', '\u0004', '\u001d', '\u0013!'],
  ...['<|endoftext|>', '<|im_start|>', '<|end', 'function f(x) {\r\n\treturn x;\r\n}\r\n', "they'll don't"],
  ...[line.repeat(6), '- the same line\n'.repeat(12), 'x'.repeat(150), '🙂'.repeat(20), ' '.repeat(60)],
];

/** Rows as they stood in the reader's table after one event, with the layout they are of. */
interface Claim {
  readonly layout: LayoutEvent;
  readonly rows: ScoredRows;
}

export interface UserOptions {
  readonly reader: Reader;
  readonly plain: PlainModel;
  /** That the model has. */
  readonly positions: number;
  readonly random: (below: number) => number;
  /** One of them at a time, now and then another. */
  readonly settings: readonly ScoringSettings[];
  /** UTF-16 units: much longer texts are cut. */
  readonly longestText: number;
}

/**
 * Somebody at an editor: edits, undoes, scrolls, asks for the next token, changes settings, and never waits. Everything that the reader's table
 * holds after any event is held against the plain model.
 */
export class RandomUser {
  /** Of the scores that came to an end. */
  scores = 0;
  cancelled = 0;
  edits = 0;
  answers = 0;
  readonly #options: UserOptions;
  readonly #texts = new Map<number, string>();
  readonly #undo: TextEdit[][] = [];
  #claims: Claim[] = [];
  #settings: ScoringSettings;

  constructor(options: UserOptions) {
    this.#options = options;
    const [settings] = options.settings;
    assert.ok(settings);
    this.#settings = settings;
    const { reader } = options;
    reader.onChange = (event, table) => {
      const { layout } = reader;
      assert.ok(layout);
      const rows = event.kind === 'layout' ? sliceRows(table, 0, table.length) : event.rows;
      this.#claims.push({ layout, rows });
    };
  }

  async open(text: string): Promise<void> {
    const opened = this.#options.reader.open(text);
    this.#remember();
    await opened;
  }

  async play(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) await this.#round();
    await this.#scoreToTheEnd();
  }

  async #round(): Promise<void> {
    const { random, settings, reader } = this.#options;
    const calls: Promise<unknown>[] = [];
    if (random(40) === 0) this.#settings = settings[random(settings.length)] ?? this.#settings;
    for (let edits = random(5) === 0 ? 3 : 1; edits > 0; edits--) calls.push(this.#edit());
    const kind = random(10);
    if (kind < 5) calls.push(this.#scoreToTheEnd());
    else if (kind < 9) {
      const stop = new AbortController();
      calls.push(this.#cancelledScore(stop));
      // Typing on ends a score: the newest text wins, and nobody waits for the old one.
      if (kind < 7) {
        await this.#pause();
        stop.abort();
        calls.push(this.#edit(), this.#scoreToTheEnd());
      }
    }
    for (let asked = random(3); asked > 0; asked--) {
      calls.push(this.#next(random(reader.text.length + 1)));
      if (random(2) === 0) await this.#pause();
    }
    if (random(3) === 0) calls.push(reader.show(this.#spans()));
    await Promise.all(calls);
    await this.#check();
  }

  /** Longer or shorter than a few events take. */
  async #pause(): Promise<void> {
    const { random } = this.#options;
    for (let turns = random(30); turns > 0; turns--) await new Promise(setImmediate);
  }

  #spans(): Span[] {
    const { random, reader } = this.#options;
    return Array.from({ length: random(3) }, () => {
      const start = random(reader.text.length + 1);
      return { start, end: start + random(200) };
    });
  }

  #edit(): Promise<void> {
    const { reader, random, longestText } = this.#options;
    const before = reader.text;
    const undone = random(4) === 0 ? this.#undo.pop() : undefined;
    const edits = undone ?? [];
    if (!undone) {
      let text = before;
      for (let count = random(6) === 0 ? 1 + random(4) : 1; count > 0; count--) {
        const edit = randomEdit(text, random, longestText);
        edits.push(edit);
        text = edited(text, [edit]);
      }
      this.#undo.push(inverseOf(before, edits));
      if (this.#undo.length > 30) this.#undo.shift();
    }
    this.edits += edits.length;
    const sent = reader.change(edits);
    this.#remember();
    return sent;
  }

  /** Nobody else calls it off. */
  async #scoreToTheEnd(): Promise<void> {
    const { reader } = this.#options;
    const version = reader.version;
    await reader.score(this.#settings, undefined, this.#spans());
    this.scores++;
    if (reader.version !== version) return;
    assert.equal(reader.layout?.version, version);
    assert.equal(pendingCount(reader.finished), 0);
  }

  async #cancelledScore(stop: AbortController): Promise<void> {
    const { reader, random } = this.#options;
    const events = random(8);
    const { onChange } = reader;
    let seen = 0;
    reader.onChange = (event, table) => {
      onChange?.(event, table);
      if (seen++ >= events) stop.abort();
    };
    try {
      await reader.score(this.#settings, stop.signal, this.#spans());
      this.scores++;
    } catch (error) {
      assert.ok(error instanceof ModelError && error.code === 'cancelled', String(error));
      this.cancelled++;
    } finally {
      reader.onChange = onChange;
    }
  }

  async #next(offset: number): Promise<void> {
    const { reader, plain } = this.#options;
    const { text } = reader;
    const { useStartToken, ...wanted } = this.#settings;
    const prefixIds = useStartToken ? [0] : [];
    try {
      const next = await reader.next(this.#settings, offset);
      const reading = await plain.read(text);
      const { layout, copy } = reading;
      assert.ok(next.cut <= offset, `cut at ${String(next.cut)}, asked at ${String(offset)}`);
      // All that is before the cut has been read: the next token starts there.
      const cutByte = copy.characterStarts.indexOf(next.cut);
      const index = layout.startBytes.findIndex(byte => byte >= cutByte);
      assert.ok(
        index < 0 ? cutByte === copy.bytes.length : layout.startBytes[index] === cutByte,
        `cut at ${String(next.cut)}, inside of a token`,
      );
      const inForce = windowInForce(wanted, this.#options.positions, prefixIds.length);
      const { distribution, contextTokens } = await reading.before(index < 0 ? layout.ids.length : index, inForce, prefixIds);
      assert.ok(distribution);
      assert.equal(next.contextTokens, contextTokens);
      near(next.entropyBits, distribution.entropyBits, toleranceBits, 'entropy of the next token');
      let sum = 0;
      for (const [id, log] of next.logProbabilities.entries()) {
        sum += Math.exp(log);
        near(log, (distribution.logits[id] ?? NaN) - distribution.logSum, toleranceBits, `next token ${String(id)}`);
      }
      near(sum, 1, 1e-5, 'sum of the probabilities');
      this.answers++;
    } catch (error) {
      // Nothing stands before the place.
      if (!(error instanceof ModelError && error.code === 'bad-argument' && !useStartToken)) throw error;
    }
  }

  #remember(): void {
    this.#texts.set(this.#options.reader.version, this.#options.reader.text);
  }

  async #check(): Promise<void> {
    const claims = this.#claims;
    this.#claims = [];
    const { plain, reader } = this.#options;
    let reading: PlainReading | undefined;
    let readLayout: LayoutEvent | undefined;
    for (const { layout, rows } of claims) {
      if (!reading || layout !== readLayout) {
        const text = this.#texts.get(layout.version);
        assert.ok(text !== undefined);
        reading = await plain.read(text);
        reading.assertLayout(layout);
        readLayout = layout;
      }
      const prefixIds = layout.startTokenId === null ? [] : [layout.startTokenId];
      const watched = layout.watched.map(({ ids }) => ids);
      await reading.assertRows(rows, layout.window, prefixIds, `version ${String(layout.version)}`, watched);
    }
    const { layout, table } = reader;
    if (reading && layout && layout === readLayout && table) assertTiles(layout, table, reading.text, plain.tokenizer.vocabulary);
    for (const version of this.#texts.keys()) if (version < reader.version - 8) this.#texts.delete(version);
  }
}

/** Inserts, deletes, replaces, pastes; `longestText` in UTF-16 units: what is longer is cut. */
export function randomEdit(text: string, random: (below: number) => number, longestText: number): TextEdit {
  const start = random(3) === 0 ? text.length - random(Math.min(20, text.length + 1)) : random(text.length + 1);
  if (text.length > longestText) return { start: start >>> 2, end: Math.min(text.length, (start >>> 2) + (longestText >>> 1)), text: '' };
  const end = Math.min(text.length, start + (random(2) === 0 ? 0 : random(8) === 0 ? random(300) : random(6)));
  const copied = random(text.length + 1);
  const inserted = random(12) === 0 ? text.slice(copied, copied + random(400)) : (pieces[random(pieces.length)] ?? '');
  return { start, end, text: random(5) === 0 ? '' : inserted };
}

/** What brings the text back: each edit's opposite, the last one first. */
function inverseOf(text: string, edits: readonly TextEdit[]): TextEdit[] {
  const inverse: TextEdit[] = [];
  let before = text;
  for (const edit of edits) {
    inverse.unshift({ start: edit.start, end: edit.start + edit.text.length, text: before.slice(edit.start, edit.end) });
    before = edited(before, [edit]);
  }
  return inverse;
}
