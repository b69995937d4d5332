import assert from 'node:assert/strict';
import { paint, rangeLimit, renderedColumns, rulerSpans } from '../../src/core/paint';
import type { PaintRequest } from '../../src/core/paint';
import type { Span } from '../../src/core/scores';
import type { Mark } from '../../src/core/units';

interface Marked {
  readonly text: string;
  readonly marks: readonly Mark[];
}

/** A text made of marks, each with its band; undefined: unscored. */
function textOf(...pieces: readonly (readonly [text: string, band: number | undefined])[]): Marked {
  let text = '';
  const marks = pieces.map(([piece, band]) => {
    const start = text.length;
    text += piece;
    return { start, end: text.length, band, stale: false, opens: false };
  });
  return { text, marks };
}

function request({ text, marks }: Marked, changes: Partial<PaintRequest> = {}): PaintRequest {
  return { text, marks, muted: false, visible: [{ start: 0, end: text.length }], margin: [], takenRanges: 0, ...changes };
}

/** The painted texts of each band, from band 1. */
function painted(text: string, bands: readonly (readonly Span[])[]): string[][] {
  return bands.map(spans => spans.map(({ start, end }) => text.slice(start, end)));
}

function current(document: Marked, changes: Partial<PaintRequest> = {}): string[][] {
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

  it('paints stale marks apart', () => {
    const { text, marks } = textOf(['a', 4], [' b', 4], [' c', 5]);
    const painting = paint(request({ text, marks: marks.map((mark, index) => ({ ...mark, stale: index === 0 })) }));
    assert.deepEqual(painted(text, painting.stale), [[], [], [], ['a'], []]);
    assert.deepEqual(painted(text, painting.current), [[], [], [], ['b'], ['c']]);
  });

  it('dims plain text where it is asked to, and neither what waits for its score nor what has none', () => {
    const document = textOf(['The', 0], [' old', 0], ['\n', 0], ['sea', 0], [' roars', 3], [' at', undefined], [' me', 0]);
    const { text } = document;
    const muted = (changes: Partial<PaintRequest>) =>
      paint(request(document, changes)).muted.map(({ start, end }) => text.slice(start, end));
    assert.deepEqual(muted({ muted: true }), ['The old\nsea', 'me']);
    assert.deepEqual(muted({ muted: false }), []);
    // Text between two marks that has none: it waits for its score.
    assert.deepEqual(muted({ muted: true, marks: document.marks.filter(mark => text.slice(mark.start, mark.end) !== ' old') }), [
      'The',
      'sea',
      'me',
    ]);
  });

  it('has a sign in the gutter on the line where a piece opens, the strongest of a line, and none for plain or stale ones', () => {
    const pieces = [
      ['One one.', 2],
      [' Two.', 4],
      ['\n', 0],
      ['Three', 3],
      ['\n', 0],
      ['four.', 3],
      ['\n', 0],
      ['Five.', 0],
      ['\n', 0],
      ['Six.', 5],
    ] as const;
    const { text, marks } = textOf(...pieces);
    const opening = marks.map(mark => {
      const piece = text.slice(mark.start, mark.end);
      return { ...mark, opens: /^\s?[A-Z]/.test(piece), stale: piece === 'Six.' };
    });
    const signs = paint(request({ text, marks: opening })).gutter.map(list =>
      list.map(({ start }) => text.slice(0, start).split('\n').length),
    );
    assert.deepEqual(signs, [[], [], [2], [1], []]);
  });

  it('paints of a long piece only what the places show', () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${String(index)}`).join('\n');
    const document = textOf([lines, 3]);
    const [start, end] = [lines.indexOf('line 2000'), lines.indexOf('line 2040')];
    const painting = paint(request(document, { visible: [{ start, end }] }));
    const texts = painted(lines, painting.current)[2] ?? [];
    assert.equal(texts[0], 'line 2000');
    assert.ok(texts.length >= 40 && texts.length <= 41, String(texts.length));
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
      request(document, { visible: [{ start: half, end: document.text.length }], margin: [{ start: 0, end: half }], takenRanges: 100 }),
    );
    assert.equal(bands[0]?.length, rangeLimit - 100 - 600);
    assert.equal(bands[4]?.length, 600);
    assert.ok(bands[0].every(span => span.start >= half));
  });

  it('lets dimmed text go first when there is too much, and counts every kind of range', () => {
    const pieces = Array.from({ length: 2_000 }, (_, index) => [`w${String(index)}${index % 20 === 0 ? '\n' : ' '}`, index % 2] as const);
    const { text, marks } = textOf(...pieces);
    const opening = marks.map((mark, index) => ({ ...mark, opens: index % 20 === 1, stale: index % 7 === 0 }));
    const painting = paint(request({ text, marks: opening }, { muted: true, takenRanges: 300 }));
    const counts = [painting.current, painting.stale, painting.gutter].map(lists => lists.flat().length);
    const markOfTheReport = 1;
    assert.equal(counts.reduce((sum, count) => sum + count, 0) + painting.muted.length + 300 + markOfTheReport, 1_000);
    assert.ok(
      counts.every(count => count > 0),
      String(counts),
    );
    assert.equal(painting.muted.length, 0);
  });

  it('holds its laws on random texts', () => {
    const random = generator(7);
    const words = ['a', ' the', '\n', '\r\n', '  ', ' \n  x', '🙂', 'foo', '\t', ' bar ', '...', '\n\n    '];
    for (let round = 0; round < 300; round++) {
      const document = textOf(
        ...Array.from({ length: random(60) }, () => [words[random(words.length)] ?? '', [undefined, 0, 1, 2, 3, 4, 5][random(7)]] as const),
      );
      const { text, marks } = document;
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
      // Every visible character has exactly the band of its mark.
      for (const mark of marks) {
        for (let at = mark.start; at < mark.end; at++) {
          const own = spans.find(span => span.start <= at && at < span.end)?.band ?? 0;
          if (/\S/.test(text.charAt(at))) assert.equal(own, mark.band ?? 0);
          else assert.ok(own === 0 || own === mark.band);
        }
      }
    }
  });
});

/** The places of the top band. */
function top(marks: readonly Mark[]): readonly Span[] {
  return marks.filter(({ band }) => band === 5);
}

describe('rulerSpans', () => {
  it('marks lines of the top band, neighbouring lines together', () => {
    const { text, marks } = textOf(
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
      rulerSpans(text, top(marks)).map(({ start, end }) => text.slice(start, end)),
      ['one one\ntwo', 'x', 'six'],
    );
  });

  it('stays below its limit and still reaches every line of the top band', () => {
    const { text, marks } = textOf(
      ...Array.from({ length: 5_000 }, (_, index) => [`w${String(index)}\nplain\nplain\n`, index % 2 === 0 ? 5 : 0] as const),
    );
    const spans = rulerSpans(text, top(marks));
    assert.ok(spans.length <= 300, `${String(spans.length)} spans`);
    for (const { start } of top(marks)) assert.ok(spans.some(span => span.start <= start && start < span.end));
  });

  it('has nothing to mark in an empty document', () => {
    assert.deepEqual(rulerSpans('', []), []);
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
