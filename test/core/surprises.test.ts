import assert from 'node:assert/strict';
import { CellList, cellsOf } from '../../src/core/cells';
import { tableOf } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import { firstWords, spokenToken } from '../../src/core/spokenText';
import type { SpokenWords } from '../../src/core/spokenText';
import { neighbourOf, shownPart, surpriseOf, topCells } from '../../src/core/surprises';
import { piecesOfBytes, Vocabulary } from '../../src/core/vocabulary';

describe('neighbourOf', () => {
  const places = [10, 20, 30];
  const at = (start: number, end: number, direction: 'next' | 'previous') => {
    const found = neighbourOf(places, { start, end }, direction);
    return found && [places[found.index], found.wrapped];
  };

  it('goes through all places in turn and round, from what it has selected', () => {
    assert.deepEqual(
      [at(0, 0, 'next'), at(10, 15, 'next'), at(20, 25, 'next'), at(30, 35, 'next')],
      [
        [10, false],
        [20, false],
        [30, false],
        [10, true],
      ],
    );
    assert.deepEqual(
      [at(40, 40, 'previous'), at(30, 35, 'previous'), at(20, 25, 'previous'), at(10, 15, 'previous')],
      [
        [30, false],
        [20, false],
        [10, false],
        [30, true],
      ],
    );
  });

  it('begins at a place that the caret stands before, and goes on from the middle of one', () => {
    assert.deepEqual(at(20, 20, 'next'), [20, false]);
    assert.deepEqual(at(20, 20, 'previous'), [10, false]);
    assert.deepEqual(at(22, 22, 'next'), [30, false]);
    assert.deepEqual(at(22, 22, 'previous'), [20, false]);
    assert.equal(neighbourOf([], { start: 0, end: 0 }, 'next'), undefined);
  });
});

describe('shownPart', () => {
  it('is the text without the white space round it, or white space that is all there is', () => {
    const text = 'a harbour.\n\n  b';
    assert.deepEqual(shownPart(text, { start: 1, end: 9 }), { start: 2, end: 9 });
    assert.deepEqual(shownPart(text, { start: 9, end: 12 }), { start: 9, end: 10 });
    assert.deepEqual(shownPart(text, { start: 10, end: 14 }), { start: 10, end: 14 });
  });
});

describe('topCells', () => {
  it('are those of most bits in document order, the earlier of equal ones, none without a score', () => {
    const cells = new CellList();
    for (const [index, bits] of [5, NaN, 9, 7, 9, 7, 0].entries()) cells.add(index, index + 1, bits, 0, 0, 1, [], index, index + 1);
    assert.deepEqual(topCells(cells, 3).starts, [2, 3, 4]);
    assert.deepEqual(topCells(cells, 10).starts, [0, 2, 3, 4, 5]);
  });
});

/** Vocabulary entry `i` is `names[i]`. */
function vocabularyOf(names: readonly (string | readonly number[])[]): Vocabulary {
  const bytes = names.map(name => (typeof name === 'string' ? new TextEncoder().encode(name) : Uint8Array.from(name)));
  const offsets = new Uint32Array(names.length + 1);
  for (const [index, each] of bytes.entries()) offsets[index + 1] = (offsets[index] ?? 0) + each.length;
  return new Vocabulary({ bytes: Uint8Array.from(bytes.flatMap(each => [...each])), offsets, controlNames: {} });
}

describe('surpriseOf', () => {
  const vocabulary = vocabularyOf([' sea', ' harbour', '\n', [0xf0]]);
  const tableWith = (ids: number[], spans: [number, number][], best: number[], ranks: number[]) => {
    const [starts, ends] = [Uint32Array.from(spans, ([start]) => start), Uint32Array.from(spans, ([, end]) => end)];
    const table = tableOf(
      { topCount: 1, watchCount: 0, ids: Int32Array.from(ids), starts, ends, startBytes: starts, endBytes: ends },
      undefined,
      [],
    );
    table.states.fill(rowState.scored);
    table.surprisalBits.fill(6);
    table.topIds.set(best);
    table.ranks.set(ranks);
    return table;
  };

  it('says where it is, how surprising, and what was expected', () => {
    const table = tableWith(
      [1, 2],
      [
        [3, 11],
        [11, 13],
      ],
      [0, 2],
      [412, 1],
    );
    const text = 'the harbour\r\n';
    assert.deepEqual(surpriseOf(text, cellsOf(table), 0, { table, vocabulary }), {
      span: { start: 4, end: 11 },
      token: [{ text: 'harbour', glyph: false }],
      bits: 6,
      rank: 412,
      expected: [
        { text: '·', glyph: true },
        { text: 'sea', glyph: false },
      ],
    });
    const lineBreak = surpriseOf(text, cellsOf(table), 1, { table, vocabulary });
    assert.deepEqual([lineBreak.token, lineBreak.expected], [[{ text: '↵', glyph: true }], undefined]);
  });

  it('takes a character of several tokens for one, with what the first was expected to be', () => {
    const table = tableWith(
      [3, 3],
      [
        [0, 2],
        [0, 2],
      ],
      [0, 3],
      [7, 900],
    );
    const { bits, rank, token, expected } = surpriseOf('🦑', cellsOf(table), 0, { table, vocabulary });
    assert.deepEqual([bits, rank, token[0]?.text, expected?.[1]?.text], [12, 900, '🦑', 'sea']);
  });
});

describe('spokenToken', () => {
  const named = (name: string) => (count: number) => `${String(count)} ${name}`;
  const words: SpokenWords = {
    space: named('space'),
    tab: named('tab'),
    newLine: named('line'),
    carriageReturn: named('return'),
    noBreakSpace: named('no-break'),
    byte: hex => `byte ${hex}`,
  };
  const spoken = (...bytes: number[]) => spokenToken(piecesOfBytes(Uint8Array.from(bytes)), words);

  it('names white space, bytes and invisible characters', () => {
    assert.equal(spoken(0x20, 0x20, 0x0a, 0x09), '2 space 1 line 1 tab');
    assert.equal(spoken(0xf0, 0x9f), 'byte F0 byte 9F');
    assert.equal(spoken(0xe2, 0x80, 0x8b), 'U+200B');
    assert.equal(spoken(0x20, 0x61), '1 space a');
  });

  it('is cut to so many words', () => {
    assert.equal(firstWords('  one two three ', 3), 'one two three');
    assert.equal(firstWords('one two three four', 3), 'one two three…');
  });
});
