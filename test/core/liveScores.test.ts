import assert from 'node:assert/strict';
import type { Cells } from '../../src/core/cells';
import { Drift, settledUpTo } from '../../src/core/drift';
import type { Change } from '../../src/core/drift';
import { LiveScores } from '../../src/core/liveScores';
import { rowState } from '../../src/core/scores';
import type { ScoredRows, Span } from '../../src/core/scores';
import { newRows } from '../../src/core/scoreTable';
import { randomNumbers } from '../model/process';

const whole: Span = { start: 0, end: Infinity };

function spansOf(cells: Cells): (readonly [start: number, end: number, bits: number])[] {
  return Array.from({ length: cells.length }, (_, at) => [cells.starts[at] ?? 0, cells.ends[at] ?? 0, cells.bits[at] ?? NaN] as const);
}

/** Some changes of one edit, not overlapping, in random order; and the text they leave. */
function randomEdit(text: string, random: (below: number) => number): { changes: readonly (Change & { text: string })[]; after: string } {
  const changes: (Change & { text: string })[] = [];
  let at = 0;
  for (let count = 1 + random(4); count > 0 && at <= text.length; count--) {
    const start = at + random(text.length - at + 1);
    const end = Math.min(text.length, start + random(5));
    const inserted = ['', 'x', 'two words', '\n\n', ' ', 'longer'][random(6)] ?? '';
    changes.push({ start, end, length: inserted.length, text: inserted });
    at = end + 1;
  }
  const after = [...changes]
    .reverse()
    .reduce((now, { start, end, text: inserted }) => now.slice(0, start) + inserted + now.slice(end), text);
  return { changes: random(2) === 0 ? changes : [...changes].reverse(), after };
}

describe('Drift', () => {
  it('keeps apart what edits touched and moves the rest with its text', () => {
    const random = randomNumbers(11);
    for (let round = 0; round < 200; round++) {
      const drift = new Drift();
      // Every character its own: what is still there can be found.
      const then = Array.from({ length: 80 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');
      let now = then;
      const columns = Array.from({ length: 20 }, (_, index) => index * 4);
      const cells: Cells = {
        length: 20,
        starts: Uint32Array.from(columns),
        ends: Uint32Array.from(columns, start => start + 4),
        bits: Float64Array.from(columns),
        entropyBits: [],
        bestBits: [],
        ranks: [],
        watchLogMasses: [],
        firstTokens: new Uint32Array(20),
        endTokens: new Uint32Array(20),
      };
      // One change after the other, from the last to the first: what it touches, or is right beside, goes; the rest moves.
      let expected = spansOf(cells);
      for (let edits = random(6); edits >= 0; edits--) {
        const { changes, after } = randomEdit(now, random);
        drift.edited(changes, 0);
        now = after;
        for (const { start, end, length } of [...changes].sort((a, b) => b.start - a.start)) {
          expected = expected
            .filter(([from, to]) => to < start || from > end)
            .map(([from, to, bits]) =>
              from > end ? [from + length - (end - start), to + length - (end - start), bits] : [from, to, bits],
            );
        }
      }
      const moved = drift.cellsNow(cells);
      assert.deepEqual(spansOf(moved), expected);
      for (const [start, end, bits] of spansOf(moved)) {
        assert.equal(now.slice(start, end), then.slice(bits, bits + 4));
        assert.deepEqual([drift.now(bits), drift.then(start)], [start, bits]);
      }
      assert.deepEqual(
        spansOf(drift.cellsThen(moved)),
        spansOf(moved).map(([, , bits]) => [bits, bits + 4, bits]),
      );
    }
  });

  it('takes ten thousand changes at once as one pass', () => {
    const drift = new Drift();
    const changes = Array.from({ length: 10_000 }, (_, index) => ({ start: index * 10, end: index * 10 + 2, length: 3 }));
    drift.edited(changes.reverse(), 0);
    assert.deepEqual([drift.now(99_995), drift.then(99_995 + 10_000)], [99_995 + 10_000, 99_995]);
  });
});

describe('settledUpTo', () => {
  it('is before the word before the white space before the edited word', () => {
    assert.equal(settledUpTo('one two  thr', 12), 4);
    assert.equal(settledUpTo('one two  ', 9), 4);
    assert.equal(settledUpTo('one', 2), 0);
  });

  it('is the beginning of the text in a word without end', () => {
    assert.equal(settledUpTo(`one two ${'x'.repeat(50_000)}`, 50_000), 0);
  });
});

/** Tokens of a text: words with the space before them. Their bits tell the word, so that a cell can be held against its text. */
function tokensOf(text: string): { columns: Parameters<LiveScores['layout']>[1]; words: readonly string[] } {
  const matches = [...text.matchAll(/\s*[^\s]+|\s+$/g)];
  const starts = Uint32Array.from(matches, match => match.index);
  const ends = Uint32Array.from(matches, match => match.index + match[0].length);
  const ids = Int32Array.from(matches, match => bitsOf(match[0]));
  return {
    columns: { topCount: 1, watchCount: 0, ids, starts, ends, startBytes: starts, endBytes: ends },
    words: matches.map(([word]) => word),
  };
}

function bitsOf(word: string): number {
  let hash = 7;
  for (const unit of word) hash = (Math.imul(hash, 31) + (unit.codePointAt(0) ?? 0)) & 0xffffff;
  return hash;
}

function rowsOf(words: readonly string[], first: number, end: number): ScoredRows {
  const rows = newRows(first, end - first, { topCount: 1, watchCount: 0 });
  rows.states.fill(rowState.scored);
  rows.surprisalBits.set(words.slice(first, end).map(bitsOf));
  return rows;
}

/** What two texts have in common at their ends, as rows: both begin with the first and end with the second. */
function carriedBetween(before: readonly string[], after: readonly string[]) {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [
    { from: 0, to: 0, count: head },
    { from: before.length - tail, to: after.length - tail, count: tail },
  ].filter(({ count }) => count > 0);
}

describe('LiveScores', () => {
  it('shows as current only what is true of this text, as stale only what was true of the same words, through any course of events', () => {
    const random = randomNumbers(5);
    for (let round = 0; round < 60; round++) {
      const live = new LiveScores();
      let text = 'the old harbour was quiet before dawn and two men sat on a crate '.repeat(4);
      let shown: { words: readonly string[]; scored: Set<number> } | undefined;
      let reading: { drift: Drift; text: string } | undefined;
      for (let step = 0; step < 40; step++) {
        const event = random(10);
        if (event < 3) {
          const { changes, after } = randomEdit(text, random);
          text = after;
          live.edited(changes, settledUpTo(text, Math.min(...changes.map(({ start }) => start))));
        } else if (event === 3) {
          if (reading) live.end(reading.drift);
          reading = { drift: live.begin(), text };
        } else if (event < 6 && reading) {
          const { columns, words } = tokensOf(reading.text);
          const carried = shown && random(4) > 0 ? carriedBetween(shown.words, words) : [];
          assert.equal(live.layout(reading.drift, columns, carried), true);
          const scored = new Set(
            carried.flatMap(({ from, to, count }) =>
              Array.from({ length: count }, (_, index) => index).flatMap(index => (shown?.scored.has(from + index) ? [to + index] : [])),
            ),
          );
          shown = { words, scored };
        } else if (shown) {
          const first = random(shown.words.length + 1);
          const end = Math.min(shown.words.length, first + 1 + random(20));
          if (first < end) live.rows(rowsOf(shown.words, first, end));
          for (let row = first; row < end; row++) shown.scored.add(row);
        }
        check(live, text, shown);
        assert.equal(live.pending, shown ? shown.words.length - shown.scored.size : 0);
      }
    }
  });

  it('asks of a span what it says of the whole', () => {
    const live = new LiveScores();
    const text = 'one two three four five six seven eight nine ten';
    const { columns, words } = tokensOf(text);
    live.layout(live.begin(), columns, []);
    live.rows(rowsOf(words, 0, words.length));
    live.edited([{ start: 20, end: 22, length: 5 }], 14);
    for (let start = 0; start < 60; start++) {
      for (const end of [start + 1, start + 9]) {
        const within = (cells: Cells) => spansOf(cells).filter(([from, to]) => from < end && to > start);
        assert.deepEqual(spansOf(live.cellsIn({ start, end })), within(live.cellsIn(whole)));
        assert.deepEqual(within(live.staleIn({ start, end })), within(live.staleIn(whole)));
      }
    }
    assert.deepEqual(spansOf(live.cellsFrom(-1)), spansOf(live.cellsIn(whole)));
  });

  it('goes on showing the scores of a table with other watched words, which say nothing of these', () => {
    const live = new LiveScores();
    const { columns, words } = tokensOf('one two three');
    const watching = (masses: readonly number[], sameWords: boolean) => {
      const watchCount = masses.length;
      live.layout(live.begin(), { ...columns, watchCount }, [], sameWords);
      return () => {
        const rows = newRows(0, words.length, { topCount: 1, watchCount });
        rows.states.fill(rowState.scored);
        for (let row = 0; row < words.length; row++) rows.watchLogMasses.set(masses, row * watchCount);
        live.rows(rows);
      };
    };
    const masses = (cells: Cells) => Array.from({ length: cells.length }, (_, index) => Array.from(cells.watchLogMasses[index] ?? []));
    watching([-1, -2], true)();
    assert.deepEqual(masses(live.cellsIn(whole)), [[-1, -2], [-1, -2], [-1, -2]]); // prettier-ignore
    watching([-1, -2], true);
    assert.deepEqual(masses(live.staleIn(whole)), [[-1, -2], [-1, -2], [-1, -2]]); // prettier-ignore
    const score = watching([-3], false);
    assert.deepEqual([masses(live.cellsIn(whole)), masses(live.staleIn(whole))], [[], [[], [], []]]);
    score();
    assert.deepEqual([masses(live.cellsIn(whole)), live.staleIn(whole).length], [[[-3], [-3], [-3]], 0]);
  });

  it('goes on showing, as stale, what a new table has no score for yet', () => {
    const live = new LiveScores();
    const [before, after] = ['one two three four five six', 'one two XX four five six'];
    const old = tokensOf(before);
    live.layout(live.begin(), old.columns, []);
    live.rows(rowsOf(old.words, 0, 6));
    live.edited([{ start: 8, end: 13, length: 2 }], 3);
    const { columns, words } = tokensOf(after);
    live.layout(live.begin(), columns, [{ from: 0, to: 0, count: 2 }]);
    const texts = (cells: Cells) => spansOf(cells).map(([start, end]) => after.slice(start, end));
    assert.deepEqual(
      [texts(live.cellsIn(whole)), texts(live.staleIn(whole))],
      [
        ['one', ' two'],
        [' five', ' six'],
      ],
    );
    live.rows(rowsOf(words, 2, 5));
    assert.deepEqual([texts(live.cellsIn(whole)), texts(live.staleIn(whole))], [['one', ' two', ' XX', ' four', ' five'], [' six']]);
  });

  it('keeps the table when the same text is read again, and takes nothing that comes after it was cleared', () => {
    const live = new LiveScores();
    const { columns, words } = tokensOf('one two three');
    const first = live.begin();
    live.layout(first, columns, []);
    live.rows(rowsOf(words, 0, 3));
    const { table } = live;
    const second = live.begin();
    live.goOn(second);
    live.end(first);
    live.edited([{ start: 0, end: 0, length: 2 }], 0);
    assert.equal(live.table, table);
    assert.deepEqual(live.cellsIn(whole).length, 0);
    assert.equal(live.staleIn(whole).length, 2);
    const late = live.begin();
    live.clear();
    assert.equal(live.layout(late, columns, []), false);
    assert.equal(live.table, undefined);
  });
});

function check(live: LiveScores, text: string, shown: { words: readonly string[]; scored: Set<number> } | undefined): void {
  const [current, stale] = [spansOf(live.cellsIn(whole)), spansOf(live.staleIn(whole))];
  const { columns, words } = tokensOf(text);
  const truth = new Map(words.map((word, index) => [columns.starts[index], word]));
  for (const [start, end, bits] of current) {
    assert.equal(truth.get(start), text.slice(start, end));
    assert.equal(bits, bitsOf(text.slice(start, end)));
  }
  for (const [start, end, bits] of stale) assert.equal(bits, bitsOf(text.slice(start, end)), 'another text than was scored');
  const all = [...current, ...stale].sort(([a], [b]) => a - b);
  for (const [index, [start]] of all.entries()) assert.ok(start >= (all[index - 1]?.[1] ?? 0), 'cells overlap');
  if (live.isOfThisText && shown) assert.equal(current.length, shown.scored.size);
}
