import assert from 'node:assert/strict';
import { noCells, type Cells } from '../../src/core/cells';
import { rowState, type Provenance, type ScoreTable } from '../../src/core/scores';
import { Vocabulary } from '../../src/core/vocabulary';
import { fromPanel } from '../../src/views/panelProtocol';
import { watchedPeaks, peakAt, provenanceLine, rowBeginningAt, shapeOf, textRuns } from '../../src/views/panelState';

const edges = [3, 5, 8, 11, 15] as const;

/** Cells that follow each other from offset 0, one for each [text, bits]. */
function cellsOf(pieces: readonly (readonly [text: string, bits: number])[]): { text: string; cells: Cells } {
  const text = pieces.map(([piece]) => piece).join('');
  const ends = Uint32Array.from(
    pieces,
    (_, index) =>
      pieces
        .slice(0, index + 1)
        .map(([piece]) => piece)
        .join('').length,
  );
  const starts = Uint32Array.from(pieces, (_, index) => ends[index - 1] ?? 0);
  const rows = Uint32Array.from(pieces.keys());
  return {
    text,
    cells: {
      length: pieces.length,
      starts,
      ends,
      bits: Float64Array.from(pieces, ([, bits]) => bits),
      entropyBits: [],
      bestBits: [],
      ranks: [],
      watchLogMasses: [],
      firstTokens: rows,
      endTokens: rows,
    },
  };
}

function tableOf(spans: readonly (readonly [start: number, end: number])[], bits: readonly number[] = []): ScoreTable {
  const length = spans.length;
  return {
    length,
    topCount: 0,
    watchCount: 0,
    ids: new Int32Array(length),
    starts: Uint32Array.from(spans, ([start]) => start),
    ends: Uint32Array.from(spans, ([, end]) => end),
    startBytes: new Uint32Array(length),
    endBytes: new Uint32Array(length),
    states: Uint8Array.from(spans, (_, row) => (Number.isNaN(bits[row] ?? NaN) ? rowState.pending : rowState.scored)),
    surprisalBits: Float64Array.from(spans, (_, row) => bits[row] ?? NaN),
    entropyBits: new Float64Array(length),
    ranks: new Int32Array(length),
    contextTokens: new Int32Array(length),
    topIds: new Int32Array(0),
    topLogProbabilities: new Float32Array(0),
    wordStartLogMass: new Float32Array(length),
    watchLogMasses: new Float32Array(0),
  };
}

describe('textRuns', () => {
  const { text, cells } = cellsOf([
    ['The', NaN],
    [' capital', 4],
    [' of', 1],
    [' big', 6],
    [' red', 7],
    ['  ', 9],
    ['x', 20],
  ]);

  it('paints words in their bands and the space before a word in none, as the editor does', () => {
    assert.deepEqual(textRuns(text, 0, cells, edges), {
      before: [
        { text: 'The', band: undefined },
        { text: ' ', band: 0 },
        { text: 'capital', band: 1 },
        { text: ' of ', band: 0 },
        { text: 'big', band: 2 },
        { text: ' ', band: 0 },
        { text: 'red', band: 2 },
        { text: '  ', band: 3 },
        { text: 'x', band: 5 },
      ],
      beforeTruncated: false,
    });
  });

  it('leaves the space plain at which the cursor stands, since its word is to come', () => {
    const { before } = textRuns('The capital of ', 0, cells, edges);
    assert.deepEqual(before.at(-1), { text: ' of ', band: 0 });
    const doubled = text.slice(0, text.indexOf('  ') + 2); // white space alone is a cell
    assert.deepEqual(textRuns(doubled, 0, cells, edges).before.at(-1), { text: '  ', band: 3 });
  });

  it('gives the text back whole, whatever stretch is asked for', () => {
    for (let end = 0; end <= text.length; end++) {
      const { before } = textRuns(text.slice(0, end), 0, cells, edges);
      assert.equal(before.map(run => run.text).join(''), text.slice(0, end));
      const later = textRuns(text.slice(4, end), 4, cells, edges);
      assert.ok(text.slice(4, end).endsWith(later.before.map(run => run.text).join('')));
    }
  });

  it('starts at a border of words when text stands before it', () => {
    assert.deepEqual(textRuns(text.slice(5), 5, cells, edges).before[0], { text: 'of ', band: 0 });
    assert.equal(textRuns(text.slice(5), 5, cells, edges).beforeTruncated, true);
  });

  it('does not start with half a character', () => {
    const emoji = '🙂🙂';
    assert.deepEqual(textRuns(emoji.slice(1), 1, noCells, edges).before, [{ text: '🙂', band: undefined }]);
  });

  it('shows at most eight lines, and CRLF as a line break', () => {
    const lines = Array.from({ length: 20 }, (_, line) => `${line}`).join('\r\n');
    assert.deepEqual(textRuns(lines, 0, noCells, edges), {
      before: [{ text: '12\n13\n14\n15\n16\n17\n18\n19', band: undefined }],
      beforeTruncated: true,
    });
  });

  it('has nothing to show at the beginning', () => {
    assert.deepEqual(textRuns('', 0, cells, edges), { before: [], beforeTruncated: false });
  });
});

describe('rowBeginningAt', () => {
  it('finds the token that begins at the cursor, and none within a character that tokens share', () => {
    const table = tableOf([
      [0, 3],
      [3, 5],
      [3, 5],
      [5, 6],
      [8, 9],
    ]);
    const found = Array.from({ length: 11 }, (_, offset) => rowBeginningAt(table, offset));
    assert.deepEqual(found, [0, undefined, undefined, 1, undefined, 3, undefined, undefined, 4, undefined, undefined]);
  });
});

describe('shapeOf', () => {
  it('keeps the peak of each stretch and the bands', () => {
    const bits = Array.from({ length: 1000 }, (_, row) => (row === 501 ? 17 : row === 996 ? NaN : 2));
    const shape = shapeOf(
      tableOf(
        bits.map((_, row) => [row, row + 1] as const),
        bits,
      ),
      edges,
      250,
      false,
    );
    assert.equal(shape?.bits.length, 200);
    assert.deepEqual([shape.bits.indexOf(17), shape.bands[100], shape.bands[0], shape.cursor, shape.stale], [100, 5, 0, 0.25, false]);
  });

  it('says what has no score, and nothing of an empty table', () => {
    assert.deepEqual(
      shapeOf(
        tableOf(
          [
            [0, 1],
            [1, 2],
          ],
          [NaN, 4],
        ),
        edges,
        2,
        true,
      ),
      { bits: [null, 4], bands: [null, 1], cursor: 1, stale: true },
    );
    assert.equal(shapeOf(tableOf([]), edges, 0, false), undefined);
  });
});

describe('watchedPeaks', () => {
  it('keeps the highest probability of each column of the shape, of the word that is asked for', () => {
    const bits = Array.from({ length: 1000 }, () => 5);
    const table = tableOf(
      bits.map((_, row) => [row, row + 1] as const),
      bits,
    );
    const watchLogMasses = Float32Array.from({ length: 2000 }, (_, at) => (at === 1003 || at % 2 === 0 ? 0 : -Infinity));
    const peaks = watchedPeaks({ ...table, watchCount: 2, watchLogMasses }, 1);
    assert.deepEqual([peaks.length, peaks.indexOf(1), peaks.filter(each => each === 0).length], [200, 100, 199]);
  });

  it('is null where no row of a column is scored', () => {
    const table = tableOf([[0, 1], [1, 2]], [NaN, 4]); // prettier-ignore
    assert.deepEqual(watchedPeaks({ ...table, watchCount: 1, watchLogMasses: Float32Array.of(-1, 0) }, 0), [null, 1]);
  });
});

describe('provenanceLine', () => {
  const vocabulary = new Vocabulary({ bytes: new Uint8Array(1), offsets: Uint32Array.of(0, 0, 1), controlNames: { 0: '<|endoftext|>' } });
  const provenance: Provenance = {
    model: 'SmolLM2-135M-Instruct',
    modelHash: '',
    dtype: 'q8',
    arithmetic: 'native',
    window: 1024,
    overlap: 256,
    anchors: 'text',
    startTokenId: 0,
    noiseFloorBits: { mean: 0.081, p95: 0.31 },
    repeatabilityBits: null,
    selfCheck: 'passed',
    documentVersion: 14,
  };

  it('is one line with everything that matters for the numbers', () => {
    assert.equal(
      provenanceLine(provenance, vocabulary),
      'SmolLM2-135M-Instruct · q8, native arithmetic, noise 0.08 bit · window 1024, overlap 256, borders by text · start token <|endoftext|> · version 14',
    );
  });

  it('says what is not known or not there', () => {
    assert.match(
      provenanceLine({ ...provenance, noiseFloorBits: null, startTokenId: null }, vocabulary),
      /noise unknown · .* · no start token · /,
    );
  });
});

describe('peakAt', () => {
  it('is the highest token of the column that the shape draws there', () => {
    const length = 1_000;
    const bits = Array.from({ length }, (_, row) => (row * 7919) % 13);
    const table = tableOf(
      Array.from({ length }, (_, row) => [row * 2, row * 2 + 2] as const),
      bits,
    );
    const shape = shapeOf(table, edges, 0, false);
    assert.ok(shape);
    for (const [column, peak] of shape.bits.entries()) {
      const span = peakAt(table, (column + 0.5) / shape.bits.length);
      assert.ok(span);
      assert.equal(bits[span.start / 2], peak);
      assert.equal(Math.floor(((span.start / 2) * shape.bits.length) / length), column);
    }
    assert.deepEqual(peakAt(table, 1)?.start, 2 * (995 + bits.slice(995).indexOf(Math.max(...bits.slice(995)))));
  });

  it('is where a column begins that has no score, and nowhere in an empty document', () => {
    assert.deepEqual(
      peakAt(
        tableOf(
          [
            [0, 3],
            [3, 5],
          ],
          [NaN, NaN],
        ),
        0.9,
      ),
      { start: 3, end: 5 },
    );
    assert.equal(peakAt(tableOf([]), 0.5), undefined);
  });
});

describe('fromPanel', () => {
  it('takes what a page of ours says, and nothing else', () => {
    assert.deepEqual(fromPanel({ kind: 'ready' }), { kind: 'ready' });
    assert.deepEqual(fromPanel({ kind: 'reveal', share: 0.25, more: 1 }), { kind: 'reveal', share: 0.25 });
    assert.deepEqual(fromPanel({ kind: 'wants', wholeRow: true }), { kind: 'wants', wholeRow: true });
    assert.deepEqual(fromPanel({ kind: 'find', place: 3, texts: ['a', ' a'] }), { kind: 'find', place: 3, texts: ['a', ' a'] });
    for (const bad of [
      null,
      'ready',
      {},
      { kind: 'wants', wholeRow: 1 },
      { kind: 'find', texts: ['a'] },
      ...[undefined, 'a', [1], ['a', 'b', 'c'], ['a'.repeat(201)]].map(texts => ({ kind: 'find', place: 1, texts })),
      { kind: 'run' },
      { kind: 'reveal' },
      ...[-0.1, 1.1, NaN, '0.5', null].map(share => ({ kind: 'reveal', share })),
    ])
      assert.equal(fromPanel(bad), undefined, JSON.stringify(bad));
  });
});
