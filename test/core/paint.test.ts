import assert from 'node:assert/strict';
import { bandOf, defaultBandEdges } from '../../src/core/band';
import { noCells } from '../../src/core/cells';
import type { Cells } from '../../src/core/cells';
import { paint, rangeLimit, renderedColumns, rulerSpans } from '../../src/core/paint';
import type { PaintRequest } from '../../src/core/paint';
import type { Span } from '../../src/core/scores';

const edges = defaultBandEdges.code;
/** Bits in the middle of each band. */
const bitsOfBand = [1, 4, 6, 9, 12, 20];

/** A text made of cells, each with the bits of a band; undefined: unscored. */
function textOf(...pieces: readonly (readonly [text: string, band: number | undefined])[]): { text: string; cells: Cells } {
  const starts: number[] = [];
  const ends: number[] = [];
  let text = '';
  for (const [piece] of pieces) {
    starts.push(text.length);
    text += piece;
    ends.push(text.length);
  }
  const rows = Uint32Array.from(starts.keys());
  const bits = Float64Array.from(pieces, ([, band]) => (band === undefined ? NaN : (bitsOfBand[band] ?? NaN)));
  return {
    text,
    cells: {
      length: pieces.length,
      starts: Uint32Array.from(starts),
      ends: Uint32Array.from(ends),
      bits,
      entropyBits: [],
      bestBits: [],
      ranks: [],
      firstTokens: rows,
      endTokens: rows.map(row => row + 1),
    },
  };
}

function request({ text, cells }: { text: string; cells: Cells }, changes: Partial<PaintRequest> = {}): PaintRequest {
  return { text, cells, stale: noCells, edges, visible: [{ start: 0, end: text.length }], margin: [], rulerCount: 0, ...changes };
}

/** The painted texts of each band, from band 1. */
function painted(text: string, bands: readonly (readonly Span[])[]): string[][] {
  return bands.map(spans => spans.map(({ start, end }) => text.slice(start, end)));
}

function current(document: { text: string; cells: Cells }, changes: Partial<PaintRequest> = {}): string[][] {
  return painted(document.text, paint(request(document, changes)).current);
}

describe('paint', () => {
  it('paints bands 1 to 5 and leaves band 0 and what has no score plain', () => {
    const document = textOf(['plain', 0], [' a', 1], [' b', 2], [' c', 3], [' d', 4], [' e', 5], [' f', undefined]);
    assert.deepEqual(current(document), [['a'], ['b'], ['c'], ['d'], ['e']]);
  });

  it('leaves the space before a word plain, so that words look like words', () => {
    assert.deepEqual(current(textOf(['the', 3], [' harbour', 3], ['s', 3])), [[], [], ['the', 'harbours'], [], []]);
  });

  it('merges neighbours of one band that touch, and only those', () => {
    const document = textOf(['a', 2], ['b', 2], ['c', 3], ['d', 2], [' e', 2]);
    assert.deepEqual(current(document), [[], ['ab', 'd', 'e'], ['c'], [], []]);
  });

  it('never spans a line break, whichever kind it is', () => {
    assert.deepEqual(current(textOf(['x', 0], [' {\r\n\r\n  }', 4])), [[], [], [], ['{', '}'], []]);
  });

  it('paints whitespace alone only where text follows on its line', () => {
    const document = textOf(['if', 0], ['  \n', 5], ['    ', 5], ['x', 0], [' ', 5], [' y', 0], ['   ', 5], ['\n', 5], ['\t', 5]);
    assert.deepEqual(current(document), [[], [], [], [], ['    ', ' ']]);
    assert.deepEqual(
      paint(request(document)).current[4]?.map(span => span.start),
      [document.text.indexOf('\n') + 1, document.text.indexOf(' y') - 1],
    );
  });

  it('paints an astral character whole', () => {
    assert.deepEqual(current(textOf(['a', 0], [' 🙂', 5])), [[], [], [], [], ['🙂']]);
  });

  it('paints what is visible, merges overlapping places and takes a cell at a border once', () => {
    const document = textOf(['aa', 1], [' bb', 1], [' cc', 1], [' dd', 1]);
    const visible = [
      { start: 3, end: 4 },
      { start: 4, end: 7 },
      { start: 4, end: 5 },
    ];
    assert.deepEqual(current(document, { visible }), [['bb', 'cc'], [], [], [], []]);
    assert.deepEqual(current(document, { visible, margin: [{ start: 0, end: 12 }] }), [['aa', 'bb', 'cc', 'dd'], [], [], [], []]);
    assert.deepEqual(current(document, { visible: [] }), [[], [], [], [], []]);
  });

  it('paints stale cells apart', () => {
    const document = textOf(['a', 0], [' b', 5]);
    const old = textOf(['a', 4], [' b', 0]);
    const painting = paint(request(document, { stale: old.cells }));
    assert.deepEqual(painted(document.text, painting.stale), [[], [], [], ['a'], []]);
    assert.deepEqual(painted(document.text, painting.current), [[], [], [], [], ['b']]);
  });

  it(`stops at column ${String(renderedColumns)} of every line, and goes on at the next`, () => {
    const long = Array.from({ length: 400 }, () => [` ${'w'.repeat(48)}x`, 5] as const); // 20,000 columns
    const document = textOf(...long, ['\nnext', 5]);
    const spans = paint(request(document)).current[4] ?? [];
    assert.equal(Math.max(...spans.filter(span => span.end < 20_000).map(span => span.end)), renderedColumns);
    assert.equal(document.text.slice(spans.at(-1)?.start), 'next');
  });

  it('keeps to the limit: the strongest first, and what is on the screen before its surroundings', () => {
    const many = Array.from({ length: 900 }, (_, index) => [` w${String(index)}`, index % 3 === 0 ? 5 : 1] as const);
    const document = textOf(...many, ...many);
    const half = document.text.length / 2;
    const { current: bands } = paint(
      request(document, { visible: [{ start: half, end: document.text.length }], margin: [{ start: 0, end: half }], rulerCount: 100 }),
    );
    assert.equal(bands[0]?.length, rangeLimit - 100 - 600);
    assert.equal(bands[4]?.length, 600);
    assert.ok(bands[0].every(span => span.start >= half));
  });

  it('holds its laws on random texts', () => {
    const random = generator(7);
    const words = ['a', ' the', '\n', '\r\n', '  ', ' \n  x', '🙂', 'foo', '\t', ' bar ', '...', '\n\n    '];
    for (let round = 0; round < 300; round++) {
      const document = textOf(
        ...Array.from({ length: random(60) }, () => [words[random(words.length)] ?? '', [undefined, 0, 1, 2, 3, 4, 5][random(7)]] as const),
      );
      const { text, cells } = document;
      const painting = paint(request(document));
      const spans = painting.current
        .flatMap((list, index) => list.map(span => ({ ...span, band: index + 1 })))
        .sort((a, b) => a.start - b.start);
      let end = 0;
      for (const span of spans) {
        assert.ok(span.start >= end && span.end > span.start, 'ascending, not empty, without overlap');
        assert.doesNotMatch(text.slice(span.start, span.end), /[\r\n]/);
        end = span.end;
      }
      // Every visible character has exactly the band of its cell.
      for (let cell = 0; cell < cells.length; cell++) {
        const band = bandOf(cells.bits[cell] ?? NaN, edges) ?? 0;
        for (let at = cells.starts[cell] ?? 0; at < (cells.ends[cell] ?? 0); at++) {
          const own = spans.find(span => span.start <= at && at < span.end)?.band ?? 0;
          if (/\S/.test(text.charAt(at))) assert.equal(own, band);
          else assert.ok(own === 0 || own === band);
        }
      }
    }
  });
});

describe('rulerSpans', () => {
  it('marks lines of the top band, neighbouring lines together', () => {
    const { text, cells } = textOf(
      ['one', 5],
      [' one', 5],
      ['\ntwo', 5],
      ['\nthree', 4],
      ['\nfour', 0],
      [' x', 5],
      ['\n\nsix', 5],
      ['\n', 5],
    );
    assert.deepEqual(
      rulerSpans(text, cells, edges).map(({ start, end }) => text.slice(start, end)),
      ['one one\ntwo', 'x', 'six'],
    );
  });

  it('stays below its limit and still reaches every line of the top band', () => {
    const { text, cells } = textOf(
      ...Array.from({ length: 5_000 }, (_, index) => [`w${String(index)}\nplain\nplain\n`, index % 2 === 0 ? 5 : 0] as const),
    );
    const spans = rulerSpans(text, cells, edges);
    assert.ok(spans.length <= 300, `${String(spans.length)} spans`);
    for (let index = 0; index < cells.length; index += 2) {
      const start = cells.starts[index] ?? 0;
      assert.ok(spans.some(span => span.start <= start && start < span.end));
    }
  });

  it('has nothing to mark in an empty document', () => {
    assert.deepEqual(rulerSpans('', noCells, edges), []);
  });
});

/** Whole numbers below a limit, the same in every run. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
