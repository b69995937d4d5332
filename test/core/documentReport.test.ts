import assert from 'node:assert/strict';
import type { BandEdges } from '../../src/core/band';
import { charactersIn, differenceFloor, formatShare, morePredictable, textReport } from '../../src/core/documentReport';
import type { TextReport } from '../../src/core/documentReport';
import { summaryOf } from '../../src/core/report';
import { rowState } from '../../src/core/scores';
import type { ScoreTable, Span } from '../../src/core/scores';
import { tableOf } from '../../src/core/scoreTable';

const edges: BandEdges = [3, 5, 8, 11, 15];
const all: Span = { start: 0, end: Infinity };
type Piece = readonly [text: string, bits: number | undefined];

/** One token for each piece, at its place in the joined text; `bits` undefined: pending, NaN: unscored. Entropy is half the bits. */
function tableOfPieces(...pieces: readonly Piece[]): { readonly text: string; readonly table: ScoreTable } {
  let [at, byte] = [0, 0];
  const places = pieces.map(([text]) => {
    const place = { start: at, end: (at += text.length), startByte: byte, endByte: (byte += Buffer.byteLength(text)) };
    return place;
  });
  const made = emptyTable(places);
  for (const [row, [, bits]] of pieces.entries()) score(made, row, bits);
  return { text: pieces.map(([text]) => text).join(''), table: made };
}

interface Place extends Span {
  readonly startByte: number;
  readonly endByte: number;
}

function emptyTable(places: readonly Place[]): ScoreTable {
  const column = (of: (place: Place) => number) => Uint32Array.from(places, of);
  return tableOf(
    {
      topCount: 1,
      watchCount: 0,
      ids: new Int32Array(places.length),
      starts: column(({ start }) => start),
      ends: column(({ end }) => end),
      startBytes: column(({ startByte }) => startByte),
      endBytes: column(({ endByte }) => endByte),
    },
    undefined,
    [],
  );
}

function score(table: ScoreTable, row: number, bits: number | undefined): void {
  if (bits === undefined) return;
  table.states[row] = Number.isNaN(bits) ? rowState.unscored : rowState.scored;
  table.surprisalBits[row] = bits;
  table.entropyBits[row] = bits / 2;
}

/** "a🙂b", the emoji in two tokens of two bytes. */
function emoji(): { readonly text: string; readonly table: ScoreTable } {
  const table = emptyTable([
    { start: 0, end: 1, startByte: 0, endByte: 1 },
    { start: 1, end: 3, startByte: 1, endByte: 3 },
    { start: 1, end: 3, startByte: 3, endByte: 5 },
    { start: 3, end: 4, startByte: 5, endByte: 6 },
  ]);
  for (const [row, bits] of [2, 10, 4, 1].entries()) score(table, row, bits);
  return { text: 'a🙂b', table };
}

describe('textReport', () => {
  it('gives every number of a whole document, from its definition', () => {
    const { text, table } = tableOfPieces(['The', 4], [' sea', 8], ['é', 12], ['.', 0]);
    const { shape, peaks, bandShares, ...numbers } = textReport(table, text, all, edges);
    assert.deepEqual(numbers, {
      tokens: 4,
      scoredTokens: 4,
      totalBits: 24,
      scoredBytes: 10,
      scoredCharacters: 9,
      bitsPerByte: 2.4,
      bitsPerCharacter: 24 / 9,
      perplexity: 2 ** 6,
      meanEntropyBits: 3,
    });
    assert.deepEqual(bandShares, [0.25, 0.25, 0, 0.25, 0.25, 0]);
    assert.deepEqual(
      shape.map(({ start, meanBits }) => [text.slice(start, start + 1), meanBits]),
      [
        ['T', 4],
        [' ', 8],
        ['é', 12],
        ['.', 0],
      ],
    );
    assert.deepEqual(
      peaks.map(({ start, end, bits }) => [text.slice(start, end), bits]),
      [
        ['é', 12],
        [' sea', 8],
        ['The', 4],
        ['.', 0],
      ],
    );
  });

  it('agrees with the summary of the same table', () => {
    const { text, table } = tableOfPieces(['The', NaN], [' sea', 8.5], [' is', 3.25], [' höher', 12], ['.', undefined]);
    const report = textReport(table, text, all, edges);
    const { bitsPerByte, perplexity, totalBits, tokens } = summaryOf(table, 0);
    assert.deepEqual(
      [report.bitsPerByte, report.perplexity, report.totalBits, report.tokens],
      [bitsPerByte, perplexity, totalBits, tokens],
    );
    assert.equal(report.scoredTokens, 3);
    assert.equal(report.scoredCharacters, ' sea is höher'.length);
  });

  it('has no numbers, and no NaN, where nothing is scored', () => {
    for (const pieces of [[], [['The', NaN]], [['The', undefined]]] as const) {
      const { text, table } = tableOfPieces(...pieces);
      const report = textReport(table, text, all, edges);
      assert.deepEqual(
        [report.bitsPerByte, report.bitsPerCharacter, report.perplexity, report.meanEntropyBits, report.totalBits],
        [null, null, null, null, 0],
      );
      assert.deepEqual(report.bandShares, [0, 0, 0, 0, 0, 0]);
      assert.deepEqual(report.peaks, []);
      assert.ok(!JSON.stringify(report).includes('NaN'));
    }
  });

  it('counts tokens that share a character in the band of their sum, and the character once', () => {
    const { text, table } = emoji();
    const report = textReport(table, text, all, edges);
    assert.deepEqual(report.bandShares, [0.5, 0, 0, 0, 0.5, 0]);
    assert.equal(report.scoredCharacters, 3);
    assert.equal(report.scoredBytes, 6);
    assert.deepEqual(report.peaks[0], { start: 1, end: 3, bits: 14 });
  });

  it('counts a cell to a selection when most of it lies inside, whole', () => {
    const { text, table } = tableOfPieces(['The', 1], [' harbour', 2], [' was', 4], [' quiet', 8]);
    const bitsOf = (start: number, end: number) => textReport(table, text, { start, end }, edges).totalBits;
    const harbour = text.indexOf('harbour');
    assert.equal(bitsOf(harbour, harbour + 7), 2);
    assert.equal(bitsOf(harbour, harbour + 5), 2);
    assert.equal(bitsOf(harbour, harbour + 4), 0, 'half of it, without its beginning');
    assert.equal(bitsOf(harbour - 1, harbour + 3), 2, 'half of it, with its beginning');
    assert.equal(bitsOf(harbour - 1, harbour + 2), 0);
    assert.equal(bitsOf(1, text.indexOf('was')), 3);
    assert.equal(bitsOf(0, text.length), 15);
    assert.equal(bitsOf(5, 5), 0);
    assert.equal(bitsOf(text.length, text.length), 0);
  });

  it('never cuts a cell, and two halves of a text have what the whole has, wherever it is cut', () => {
    for (const { text, table } of [emoji(), tableOfPieces(['ab', 1], ['cd', 2], ['efgh', 4], ['i', 8])]) {
      const whole = textReport(table, text, all, edges);
      for (let cut = 0; cut <= text.length; cut++) {
        const halves = [
          textReport(table, text, { start: 0, end: cut }, edges),
          textReport(table, text, { start: cut, end: text.length }, edges),
        ];
        const sum = (of: (report: TextReport) => number) => halves.reduce((total, half) => total + of(half), 0);
        assert.equal(
          sum(({ totalBits }) => totalBits),
          whole.totalBits,
          `cut at ${cut}`,
        );
        assert.equal(
          sum(({ scoredCharacters }) => scoredCharacters),
          whole.scoredCharacters,
        );
      }
    }
  });

  it('has at most 100 columns that together are the whole text, each beginning at a token', () => {
    const pieces = Array.from({ length: 1234 }, (_, index): Piece => [' x', index < 617 ? 2 : 6]);
    const { text, table } = tableOfPieces(...pieces);
    const { shape } = textReport(table, text, all, edges);
    assert.equal(shape.length, 100);
    assert.deepEqual([shape[0], shape.at(-1)?.meanBits], [{ start: 0, meanBits: 2 }, 6]);
    assert.ok(shape.every(({ start }, index) => start % 2 === 0 && start > (shape[index - 1]?.start ?? -1)));
    const mean = shape.reduce((sum, { meanBits }) => sum + (meanBits ?? NaN), 0) / shape.length;
    assert.ok(Math.abs(mean - 4) < 0.05, String(mean));
  });

  it('lists the five most surprising places, most surprising first, the earlier of equal ones', () => {
    const { text, table } = tableOfPieces(...[3, 9, 1, 9, 12, 0, 7, 30].map((bits, index): Piece => [`${index}`, bits]));
    const { peaks } = textReport(table, text, all, edges);
    assert.deepEqual(
      peaks.map(({ start, bits }) => [start, bits]),
      [
        [7, 30],
        [4, 12],
        [1, 9],
        [3, 9],
        [6, 7],
      ],
    );
  });
});

describe('charactersIn', () => {
  it('counts code points, and a line break once', () => {
    const text = 'a🙂\r\né\rb';
    assert.equal(charactersIn(text, 0, text.length), 6);
    assert.equal(charactersIn(text, 0, 3), 2);
    assert.equal(charactersIn(text, 3, 4), 0, 'the first half of a line break');
    assert.equal(charactersIn(text, 1, 2) + charactersIn(text, 2, 3), 2, 'lone halves are characters');
  });
});

describe('morePredictable', () => {
  const report = (bitsPerByte: number | null, scoredTokens = 100, scoredBytes = 400): TextReport => {
    const { text, table } = tableOfPieces();
    return { ...textReport(table, text, all, edges), bitsPerByte, scoredTokens, scoredBytes };
  };
  const noise = { mean: 0.08, p95: 0.3 };

  it('is the text with fewer bits per byte', () => {
    assert.equal(morePredictable(report(0.9), report(1.2), noise), 'first');
    assert.equal(morePredictable(report(1.2), report(0.9), noise), 'second');
  });

  it('is none of them within the noise floor, which is of both and in bits per byte', () => {
    assert.ok(Math.abs((differenceFloor(report(1), report(1), noise) ?? NaN) - 0.04) < 1e-12);
    assert.equal(morePredictable(report(1), report(1.03), noise), 'none');
    assert.equal(morePredictable(report(1), report(1.05), noise), 'first');
    assert.equal(morePredictable(report(1), report(1.05, 200, 400), noise), 'none', 'short tokens make more noise');
    assert.equal(morePredictable(report(1), report(1.0001), { mean: 0, p95: 0 }), 'first', 'exact arithmetic');
  });

  it('is unknown where one has no scored token; where the noise is unknown there is no floor', () => {
    assert.equal(morePredictable(report(null, 0, 0), report(1), noise), 'unknown');
    assert.equal(differenceFloor(report(1), report(1.01), null), undefined);
    assert.equal(morePredictable(report(1), report(1.01), null), 'first');
  });
});

describe('formatShare', () => {
  it('never rounds something to nothing', () => {
    assert.deepEqual([0, 0.0001, 0.1234, 1].map(formatShare), ['0.0 %', '<0.1 %', '12.3 %', '100.0 %']);
  });
});
