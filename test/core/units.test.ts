import assert from 'node:assert/strict';
import { cellsOf, cellsWithin, noCells, overlapping, picked } from '../../src/core/cells';
import type { Cells } from '../../src/core/cells';
import { lookOf } from '../../src/core/look';
import type { Look, LookSettings } from '../../src/core/look';
import type { Scale } from '../../src/core/metric';
import { OverviewWalk } from '../../src/core/overview';
import { paint } from '../../src/core/paint';
import { scoredCopyOf, spanOfBytes } from '../../src/core/scoredCopy';
import type { ScoreTable, Span } from '../../src/core/scores';
import { rowState } from '../../src/core/scores';
import { tableOf } from '../../src/core/scoreTable';
import { marksIn, scoredBytes, unitsIn, valueOf } from '../../src/core/units';
import type { Unit, UnitSource } from '../../src/core/units';

type Bits = number | 'pending' | 'unscored';

/** A document whose scored copy is cut into tokens of these byte lengths, each with its bits. */
function tableFor(text: string, tokens: readonly (readonly [bytes: number, bits: Bits])[]): ScoreTable {
  const copy = scoredCopyOf(text);
  let byte = 0;
  const places = tokens.map(([bytes]) => {
    const startByte = byte;
    byte += bytes;
    return { startByte, endByte: byte, ...spanOfBytes(copy, startByte, byte) };
  });
  assert.equal(byte, copy.bytes.length, 'the tokens are the text');
  const column = (of: (place: (typeof places)[number]) => number) => Uint32Array.from(places, of);
  const table = tableOf(
    {
      topCount: 1,
      watchCount: 0,
      ids: new Int32Array(tokens.length),
      starts: column(place => place.start),
      ends: column(place => place.end),
      startBytes: column(place => place.startByte),
      endBytes: column(place => place.endByte),
    },
    undefined,
    [],
  );
  for (const [row, [, bits]] of tokens.entries()) {
    table.states[row] = bits === 'pending' ? rowState.pending : bits === 'unscored' ? rowState.unscored : rowState.scored;
    if (typeof bits === 'number') table.surprisalBits[row] = bits;
  }
  return table;
}

/** Tokens as strings of one UTF-8 text each. */
function sourceOf(tokens: readonly (readonly [text: string, bits: Bits])[], changes: Partial<UnitSource> = {}): UnitSource {
  const text = tokens.map(([piece]) => piece).join('');
  const table = tableFor(
    text,
    tokens.map(([piece, bits]) => [new TextEncoder().encode(piece.replaceAll('\r\n', '\n')).length, bits]),
  );
  return {
    text,
    cellsIn: span => cellsWithin(table, span),
    staleIn: () => noCells,
    kept: cells => cells,
    gaps: [],
    functions: [],
    wordStartLogMass: undefined,
    ...changes,
  };
}

function everything({ text }: UnitSource): Span {
  return { start: 0, end: text.length };
}

function shown(source: UnitSource, units: readonly Unit[]): (readonly [text: string, bits: number, bytes: number])[] {
  return units.map(({ parts, bits, bytes }) => [parts.map(({ start, end }) => source.text.slice(start, end)).join('|'), bits, bytes]);
}

function units(source: UnitSource, scale: Exclude<Scale, 'token'>, correct = false) {
  return shown(source, unitsIn(source, everything(source), scale, correct));
}

const settings: LookSettings = {
  preset: 'auto',
  palette: 'violet',
  style: 'tint',
  muteConfident: 'auto',
  wordCorrection: false,
  bandEdges: {},
};

describe('unitsIn', () => {
  it('sums the bits of words over their tokens, punctuation apart', () => {
    const source = sourceOf([
      ['The', 2],
      [' har', 3],
      ['bour', 4],
      [',', 1],
      [' quiet', 5],
    ]);
    assert.deepEqual(units(source, 'word'), [
      ['The', 2, 3],
      ['harbour', 7, 8],
      [',', 1, 1],
      ['quiet', 5, 6],
    ]);
  });

  it('makes one of words that a token reaches into, and never cuts the token', () => {
    const source = sourceOf([
      ['He', 1],
      [' did', 1],
      ["n't.", 2],
      [' "', 1],
      ['No', 3],
      ['!"', 1],
    ]);
    assert.deepEqual(units(source, 'word'), [
      ['He', 1, 2],
      ["didn't.", 3, 8],
      ['"', 1, 2],
      ['No', 3, 2],
      ['!"', 1, 2],
    ]);
    // The same from inside either word.
    const inside = unitsIn(source, { start: 4, end: 5 }, 'word');
    assert.deepEqual(inside, unitsIn(source, { start: source.text.indexOf('.'), end: source.text.indexOf('.') + 1 }, 'word'));
    assert.deepEqual(shown(source, inside), [["didn't.", 3, 8]]);
  });

  it('has bytes of the scored copy: CRLF is one, and a character split over tokens is whole', () => {
    const text = '🦑 é\r\nab';
    const table = tableFor(text, [
      [2, 3],
      [2, 4],
      [3, 5],
      [1, 1],
      [2, 7],
    ]);
    const source = { ...sourceOf([]), text, cellsIn: (span: Span) => cellsWithin(table, span) };
    assert.deepEqual(units(source, 'paragraph'), [['🦑 é\r\nab', 20, 10]]);
    assert.deepEqual(units(source, 'line'), [
      ['🦑 é', 12, 7],
      ['ab', 7, 2],
    ]);
  });

  it('counts bytes as the scored copy has them', () => {
    const text = 'a é 🦑 \r\n\r\r\n\ud800x\udc00 我\u2028';
    assert.equal(scoredBytes(text, 0, text.length), scoredCopyOf(text).bytes.length);
  });

  it('leaves out whole what has a token that waits, and counts no token without a score', () => {
    const source = sourceOf([
      ['One', 'unscored'],
      [' two', 4],
      ['.', 1],
      [' Three', 2],
      [' four', 'pending'],
      ['.', 1],
      [' Five', 3],
      ['.', 2],
    ]);
    assert.deepEqual(units(source, 'sentence'), [
      ['One two.', 5, 5],
      ['Five.', 5, 6],
    ]);
    assert.deepEqual(
      unitsIn(source, everything(source), 'word').map(unit => valueOf(unit, 'word')),
      [NaN, 4, 1, 2, 1, 3, 2],
    );
  });

  it('waits for nothing where the vocabulary has no token', () => {
    const source = sourceOf([
      ['a', 1],
      ['\u0001', 'pending'],
      ['b', 2],
    ]);
    assert.deepEqual(units(source, 'line'), []);
    assert.deepEqual(units({ ...source, gaps: [{ start: 1, end: 2 }] }, 'line'), [['a\u0001b', 3, 2]]);
  });

  it('counts nothing of what is left out by its kind, and does not wait for it either', () => {
    const source = sourceOf([
      ['a', 1],
      [' //', 9],
      [' note', 9],
      ['\n', 1],
      ['//', 8],
      [' only', 8],
    ]);
    const comments = [
      [' //', ' note'],
      ['//', ' only'],
    ].flat();
    const kept = (cells: Cells) =>
      picked(cells, index => !comments.includes(source.text.slice(cells.starts[index] ?? 0, cells.ends[index] ?? 0)));
    const bits = unitsIn({ ...source, kept }, everything(source), 'line').map(unit => valueOf(unit, 'line'));
    assert.deepEqual(bits, [1, NaN]);
    const bands = marksIn({ ...source, kept }, everything(source), lookOf('code', settings, {})).map(({ band }) => band);
    assert.deepEqual(bands, [0, undefined, undefined, 0, undefined, undefined]);
  });

  it('names the peak', () => {
    const source = sourceOf([
      ['A', 2],
      [' tall', 9],
      [' ship', 4],
    ]);
    assert.deepEqual(unitsIn(source, everything(source), 'sentence')[0]?.peak, { start: 1, end: 6, bits: 9 });
  });

  it('is stale as soon as one of its cells is', () => {
    const fresh = sourceOf([
      ['One', 1],
      [' two', 2],
      ['.', 1],
      [' Three', 4],
      ['.', 1],
    ]);
    const all = fresh.cellsIn(everything(fresh));
    const isOld = (index: number) =>
      (all.starts[index] ?? 0) >= fresh.text.indexOf('.') && (all.starts[index] ?? 0) < fresh.text.indexOf(' Three');
    const part = (keep: (index: number) => boolean): Cells => picked(all, keep);
    const source: UnitSource = {
      ...fresh,
      cellsIn: span =>
        overlapping(
          part(index => !isOld(index)),
          span,
        ),
      staleIn: span => overlapping(part(isOld), span),
    };
    assert.deepEqual(
      unitsIn(source, everything(source), 'sentence').map(({ stale, bits }) => [stale, bits]),
      [
        [true, 4],
        [false, 5],
      ],
    );
  });

  it('corrects words for the white space before them, and waits where the token after has no score', () => {
    // Probability that the token of a row begins a word, as the model saw it before.
    const masses = [1, 0.5, 0.25, 0.125, NaN];
    const wordStartLogMass = (row: number) => Math.log(masses[row] ?? NaN);
    const source = sourceOf(
      [
        ['The', 2],
        [' har', 3],
        ['bour', 4],
        [' lay', 5],
        [' still', 6],
      ],
      { wordStartLogMass },
    );
    // "harbour" begins where B = 1 and ends where B = 3; "lay" is followed by a row that is not known.
    // "The" brings no white space, so nothing is taken from it, but it ends where B = 1.
    assert.deepEqual(units(source, 'word', true), [
      ['The', 2 + 1, 3],
      ['harbour', 3 + 4 - 1 + 3, 8],
    ]);
    assert.deepEqual(units(source, 'word', false)[1], ['harbour', 7, 8]);
    const quoted = sourceOf(
      [
        ['a', 1],
        [' word', 4],
        [',', 1],
      ],
      { wordStartLogMass },
    );
    assert.deepEqual(units(quoted, 'word', true)[1], ['word', 4 - 1, 5], 'nothing is said of where it ends');
  });

  it('gives text to the innermost function, and what is outside to none', () => {
    const text = 'let z; f() { a; g() { b } c }';
    const tokens = (text.match(/\s?\w+|\s?[^\s\w]/g) ?? []).map(token => [token, token.trim().length === 1 ? 2 : 1] as const);
    const at = (part: string, end: string) => ({ start: text.indexOf(part), end: text.indexOf(end) + end.length });
    const source = sourceOf(tokens, { functions: [at('f()', 'c }'), at('g()', 'b }')] });
    const found = units(source, 'function');
    assert.deepEqual(
      found.map(([shownText]) => shownText),
      ['f() { a;|c }', 'g() { b }'],
    );
    const bytes = found.reduce((sum, [, , count]) => sum + count, 0);
    assert.equal(bytes, text.length - 'let z;'.length, 'every token inside is counted once');
    assert.deepEqual(shown(source, unitsIn(source, at('b', 'b'), 'function')), [found[1]]);
    assert.deepEqual(unitsIn(source, at('let', 'let'), 'function'), []);
  });

  it('holds its laws on random texts: whole from any place in it, each cell once, no token cut', () => {
    const random = generator(5);
    const pieces = ['a', ' the', ' sea.', '\n', '\r\n', ' 🦑', 'x_y', '."', ' "', "n't", '。', '我喜', '\n\n', '  ', ' - b', 'e\u0301'];
    for (let round = 0; round < 300; round++) {
      const source = sourceOf(
        Array.from({ length: random(40) }, () => {
          const bits: Bits = random(30) === 0 ? 'pending' : random(20);
          return [pieces[random(pieces.length)] ?? '', bits] as const;
        }),
      );
      const cells = source.cellsIn(everything(source));
      for (const scale of ['word', 'line', 'sentence', 'paragraph'] as const) {
        const whole = unitsIn(source, everything(source), scale);
        let end = 0;
        for (const unit of whole) {
          const [place = { start: 0, end: 0 }] = unit.parts;
          assert.ok(place.start >= end);
          end = place.end;
          let bits = 0;
          for (let index = 0; index < cells.length; index++) {
            const [cellStart, cellEnd] = [cells.starts[index] ?? 0, cells.ends[index] ?? 0];
            if (cellStart >= place.end || cellEnd <= place.start) continue;
            bits += cells.bits[index] ?? 0;
            const outside =
              source.text.slice(cellStart, Math.max(cellStart, place.start)) + source.text.slice(Math.min(place.end, cellEnd), cellEnd);
            assert.equal(outside.trim(), '', 'a token is cut');
          }
          assert.equal(unit.bits, bits);
        }
        const start = random(source.text.length + 1);
        const span = { start, end: start + 1 + random(8) };
        const expected = whole.filter(({ parts: [part] }) => part && part.start < span.end && part.end > span.start);
        const got = unitsIn(source, span, scale).filter(({ parts: [part] }) => part && part.start < span.end && part.end > span.start);
        assert.deepEqual(got, expected, `${scale} at ${String(start)} in ${JSON.stringify(source.text)}`);
      }
    }
  });
});

describe('marksIn', () => {
  const source = sourceOf([
    ['The', 2],
    [' har', 5],
    ['bour', 4],
    [' roars', 14],
    ['.', 1],
    [' Yes', 1],
    ['.', 1],
  ]);
  const marked = (look: Look) =>
    marksIn(source, everything(source), look)
      .filter(({ band }) => band !== 0)
      .map(({ start, end, band }) => [source.text.slice(start, end), band]);

  it('bands single tokens by the metric', () => {
    assert.deepEqual(marked(lookOf('code', settings, {})), [
      [' har', 2],
      ['bour', 1],
      [' roars', 4],
    ]);
  });

  it('bands words by their sum, and sentences by bits per byte', () => {
    assert.deepEqual(marked(lookOf('prose', settings, {})), [
      ['harbour', 2],
      ['roars', 4],
    ]);
    // 26 bits in 18 bytes.
    assert.deepEqual(marked(lookOf('prose', settings, { scale: 'sentence' })), [['The harbour roars.', 1]]);
  });

  it('bands sentences by the median of a document that the model reads badly', () => {
    assert.deepEqual(marked(lookOf('prose', settings, {}, { medianBitsPerByte: 2 })), []);
    assert.deepEqual(marked(lookOf('prose', settings, {}, { medianBitsPerByte: 1 })), [['The harbour roars.', 1]]);
    assert.deepEqual(marked(lookOf('prose', settings, {}, { medianBitsPerByte: 0.4 })), [['The harbour roars.', 5]]);
  });
});

describe('OverviewWalk', () => {
  const words = ['The', ' harbour', ' lay', ' still', '.', '\n', ' Nobody', ' spoke', '.', '\n\n'];
  const tokens = Array.from({ length: 4_000 }, (_, index) => [words[index % words.length] ?? '', (index * 37) % 23] as const);
  const text = tokens.map(([piece]) => piece).join('');
  const functions = Array.from({ length: 20 }, (_, index) => ({ start: index * 1_000, end: index * 1_000 + 900 }));
  const source = sourceOf(tokens, { functions: [...functions, { start: 100, end: 300 }].sort((a, b) => a.start - b.start) });

  for (const scale of ['token', 'word', 'line', 'sentence', 'paragraph', 'function'] as const) {
    it(`finds step by step what the whole text shows, by ${scale}`, () => {
      const look = lookOf('prose', settings, { scale });
      const walk = new OverviewWalk(look);
      let steps = 1;
      while (walk.step(source)) steps++;
      const marks = marksIn(source, everything(source), look).filter(({ opens }) => scale !== 'function' || opens);
      const counts = [0, 1, 2, 3, 4, 5].map(band => marks.filter(mark => mark.band === band).length);
      const { counts: counted, ruler } = walk.result(text);
      assert.ok(steps > 10);
      assert.deepEqual(counted, counts);
      const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
      const ruled = new Set(
        ruler.flatMap(({ start, end }) => Array.from({ length: lineOf(end) - lineOf(start) + 1 }, (_, at) => lineOf(start) + at)),
      );
      for (const { start, end, band } of marks) {
        if (band === 5) assert.ok(ruled.has(lineOf(text.slice(start, end).search(/\S/) + start)), 'a line of the top band has no mark');
      }
      if (marks.every(({ band }) => band !== 5)) assert.deepEqual(ruler, []);
    });
  }

  it('leaves an editor with at most 1,000 ranges of all kinds, the mark of the report too, whatever is shown', () => {
    for (const scale of ['token', 'word', 'line', 'sentence', 'paragraph', 'function'] as const) {
      for (const edges of [[0.1, 1, 2, 3, 4] as const, [3, 5, 8, 11, 15] as const]) {
        const look: Look = { ...lookOf('prose', { ...settings, muteConfident: 'on' }, { scale }), edges };
        const walk = new OverviewWalk(look);
        while (walk.step(source));
        const { ruler } = walk.result(text);
        const visible = [everything(source)];
        const painting = paint({
          text,
          marks: marksIn(source, everything(source), look),
          muted: true,
          visible,
          margin: visible,
          takenRanges: ruler.length,
        });
        const { current, stale, gutter, muted } = painting;
        const ranges = [...current, ...stale, ...gutter, muted, ruler].reduce((sum, list) => sum + list.length, 0);
        assert.ok(ranges > 0 && ranges + 1 <= 1_000, `${String(ranges)} by ${scale}`);
      }
    }
  });

  describe('of long functions', () => {
    type Token = readonly [text: string, bits: Bits];
    const look = lookOf('code', settings, { scale: 'function' });
    const lengthOf = (list: readonly Token[]) => list.reduce((sum, [piece]) => sum + piece.length, 0);

    /** Four long functions, one in another, and short ones in both and outside; in tokens that reach over their borders. */
    function sample(change: (list: Token[]) => void = () => undefined) {
      const random = generator(11);
      const pieces = [' {', '}\n', ' sea', '\r\n', 'boat(', ');', '  ', ' 🦑', '\n\n'];
      const list = Array.from({ length: 20_000 }, (): Token => [pieces[random(pieces.length)] ?? '', random(20)]);
      const borders = [6_100, 6_120, 12_220, 12_240, 12_300, 12_400, 13_700, 18_500, 18_900, 19_500];
      change(list);
      const [a, i, j, b, c, d, e, f, g, h] = borders.map(index => lengthOf(list.slice(0, index)));
      const span = (start = 0, end = 0) => ({ start, end: end + 1 }); // into the next token
      const functions = [span(0, a), span(i, j), span(b, h), span(c, f), span(d, e), span(g, (g ?? 0) + 300)];
      return { list, functions, source: sourceOf(list, { functions }) };
    }

    /** Told apart token by token: bits, bytes and whether one waits, of the innermost function of the first visible character. */
    function sums({ list, functions }: ReturnType<typeof sample>) {
      const found = new Map<Span, { bits: number; bytes: number; waits: boolean }>();
      let at = 0;
      for (const [piece, bits] of list) {
        const place = at + Math.max(0, piece.search(/\S/));
        at += piece.length;
        const owner = functions
          .filter(({ start, end }) => start <= place && place < end)
          .sort((x, y) => x.end - x.start - (y.end - y.start))[0];
        if (!owner) continue;
        const sum = found.get(owner) ?? { bits: 0, bytes: 0, waits: false };
        found.set(owner, sum);
        if (typeof bits !== 'number') sum.waits = true;
        else {
          sum.bits += bits;
          sum.bytes += new TextEncoder().encode(piece.replaceAll('\r\n', '\n')).length;
        }
      }
      return found;
    }

    function walked(source: UnitSource) {
      const walk = new OverviewWalk(look);
      while (walk.step(source));
      return walk.result(source.text);
    }

    const cases: readonly (readonly [name: string, change?: (list: Token[]) => void])[] = [
      ['as it is'],
      ['after an edit in the innermost', list => list.splice(15_000, 3, ['let', 7], [' x', 19], ['\n', 3])],
      ['after an edit before them', list => list.splice(10, 0, ['// more', 9])],
      ['with a token that waits in one of them', list => (list[19_200] = [' sea', 'pending'])],
    ];
    for (const [name, change] of cases) {
      it(`keeps the sums that reading them whole gives, ${name}`, () => {
        const text = sample(change);
        const expected = sums(text);
        const { longFunctions, counts } = walked(text.source);
        const long = text.functions.filter(({ start, end }) => end - start > 15_000);
        assert.equal(long.length, 4);
        const source = { ...text.source, longFunction: (span: Span) => longFunctions.get(span) };
        let shownFunctions = 0;
        for (const each of text.functions) {
          const sum = expected.get(each) ?? assert.fail();
          const place = { start: each.start + 2, end: each.start + 8 };
          const unit = unitsIn(source, place, 'function').find(
            ({ parts }) => parts[0] && parts[0].start < place.end && parts[0].start >= each.start,
          );
          assert.deepEqual(unit && { bits: unit.bits, bytes: unit.bytes }, sum.waits ? undefined : { bits: sum.bits, bytes: sum.bytes });
          if (unit) shownFunctions++;
        }
        assert.equal(shownFunctions, name.includes('waits') ? 5 : 6);
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          shownFunctions,
        );
      });
    }

    it('read at most 30,000 characters beside the place of a draw, and mark no other place', () => {
      const { source } = sample();
      const { longFunctions } = walked(source);
      for (let start = 0; start < source.text.length; start += 1_900) {
        const place = { start, end: start + 2_000 };
        let most = 0;
        const cellsIn = (span: Span) => {
          most = Math.max(most, span.end - span.start);
          return source.cellsIn(span);
        };
        const marks = marksIn({ ...source, cellsIn, longFunction: span => longFunctions.get(span) }, place, look);
        assert.ok(most <= 32_000, String(most));
        for (const [index, mark] of marks.entries()) {
          assert.ok(mark.start < place.end && mark.end > place.start);
          assert.ok(mark.start >= (marks[index - 1]?.end ?? 0), 'marks overlap');
        }
      }
    });
  });

  it('counts all cells of the table', () => {
    const walk = new OverviewWalk(lookOf('code', settings, {}));
    while (walk.step(source));
    assert.equal(
      walk.result(text).counts.reduce((sum, count) => sum + count, 0),
      cellsOf(
        tableFor(
          text,
          tokens.map(([piece, bits]) => [piece.length, bits]),
        ),
      ).length,
    );
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
