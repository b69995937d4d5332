import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { medianBitsPerByte, readingLimit, readingMeasure, readingOf } from '../../src/core/language';
import type { Reading, ReadingMeasure } from '../../src/core/language';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';
import { tableOf } from '../../src/core/scoreTable';

const usual = { prose: 1.064, code: 0.541 };
const cases = JSON.parse(readFileSync('test/fixtures/languages.json', 'utf8')) as readonly {
  readonly name: string;
  readonly expected: Reading;
  readonly measured: ReadingMeasure;
}[];

/** One token for each piece of a text. */
function tableOfPieces(pieces: readonly (readonly [text: string, bits: number])[]): { readonly text: string; readonly table: ScoreTable } {
  let [at, byte] = [0, 0];
  const places = pieces.map(([piece]) => ({ at, end: (at += piece.length), byte, endByte: (byte += Buffer.byteLength(piece)) }));
  const column = (of: (place: (typeof places)[number]) => number) => Uint32Array.from(places, of);
  const table = tableOf(
    {
      topCount: 1,
      watchCount: 0,
      ids: new Int32Array(pieces.length),
      starts: column(place => place.at),
      ends: column(place => place.end),
      startBytes: column(place => place.byte),
      endBytes: column(place => place.endByte),
    },
    undefined,
    [],
  );
  for (const [row, [, bits]] of pieces.entries()) {
    table.states[row] = Number.isNaN(bits) ? rowState.unscored : rowState.scored;
    table.surprisalBits[row] = bits;
  }
  return { text: pieces.map(([piece]) => piece).join(''), table };
}

describe('readingOf', () => {
  it('says of every text of the table what it is to say, by what the bundled model made of it', () => {
    assert.deepEqual(
      cases.map(({ name, measured }) => [name, readingOf(measured, usual)]),
      cases.map(({ name, expected }) => [name, expected]),
    );
  });

  it('says nothing of a short text', () => {
    const german = cases.find(({ name }) => name === 'german')?.measured;
    assert.ok(german);
    assert.equal(readingOf({ ...german, scoredTokens: 59 }, usual), 'unknown');
    assert.equal(readingOf({ ...german, scoredTokens: 60 }, usual), 'badly');
  });

  it('asks how much more than usual for this very model', () => {
    const german = cases.find(({ name }) => name === 'german')?.measured;
    assert.ok(german);
    assert.ok(german.bitsPerCharacter > readingLimit(usual));
    assert.equal(readingOf(german, { prose: 2, code: 1 }), 'well');
  });

  it('gives no verdict where nothing is scored', () => {
    const { table, text } = tableOfPieces([['a', NaN]]);
    assert.equal(readingOf(readingMeasure(table, text), usual), 'unknown');
  });
});

describe('readingMeasure', () => {
  it('counts code points and the tokens that hold letters', () => {
    const { table, text } = tableOfPieces([
      ['Zwei', 6],
      [' Möwen', 8],
      [' 12', 4],
      ['!', 2],
    ]);
    assert.deepEqual(readingMeasure(table, text), {
      scoredTokens: 4,
      bitsPerCharacter: 20 / 14,
      wordShare: 0.5,
      charactersPerToken: 5,
    });
  });

  it('of a long text looks at evenly spread tokens, which say the same', () => {
    const pieces = Array.from({ length: 24_000 }, (_, index) => (index % 2 === 0 ? ([' sea', 3] as const) : (['。', 9] as const)));
    const { table, text } = tableOfPieces(pieces.map(([piece, bits], index) => (index % 3 === 0 ? [piece, bits] : [' word', 6])));
    const measure = readingMeasure(table, text);
    assert.equal(measure.scoredTokens, 24_000);
    assert.ok(Math.abs(measure.bitsPerCharacter - 6 / ((5 + 5 + 2.5) / 3)) < 0.3, String(measure.bitsPerCharacter));
  });
});

describe('medianBitsPerByte', () => {
  it('is that of the sentences, each with its own bytes', () => {
    const { table, text } = tableOfPieces([
      ['One.', 4],
      [' Two', 8],
      [' two.', 10],
      [' Three!', 70],
    ]);
    assert.equal(medianBitsPerByte(table, text), 2);
  });

  it('leaves out sentences without a whole score, and is undefined where there is none', () => {
    const { table, text } = tableOfPieces([
      ['Two.', 8],
      [' One', NaN],
      ['.', 1],
    ]);
    assert.equal(medianBitsPerByte(table, text), 2);
    assert.equal(medianBitsPerByte(tableOfPieces([]).table, ''), undefined);
  });
});
