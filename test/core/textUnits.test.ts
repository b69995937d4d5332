import assert from 'node:assert/strict';
import { textUnitsIn } from '../../src/core/textUnits';
import type { TextScale } from '../../src/core/textUnits';

const everything = { start: 0, end: Infinity };

function pieces(text: string, scale: TextScale, span = { ...everything, end: text.length }): string[] {
  return textUnitsIn(text, span, scale).map(({ start, end }) => text.slice(start, end));
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

const words: readonly (readonly [name: string, text: string, words: readonly string[]])[] = [
  [
    'prose',
    'The harbour’s "old" boats, e.g. 3.5 m.',
    ['The', 'harbour’s', '"', 'old', '"', 'boats', ',', 'e', '.', 'g', '.', '3.5', 'm', '.'],
  ],
  ['code', 'path.join(a_b,\n\t"x")', ['path', '.', 'join', '(', 'a_b', ',', '"', 'x', '")']],
  ['joined emoji', 'a 👩‍👩‍👧 b', ['a', '👩‍👩‍👧', 'b']],
  ['flags', 'go 🇫🇷🇩🇪!', ['go', '🇫🇷🇩🇪!']],
  ['combining marks', 'cafe\u0301.join n\u0303o', ['cafe\u0301', '.', 'join', 'n\u0303o']],
  ['CRLF', 'one\r\ntwo', ['one', 'two']],
  ['Chinese', '我喜欢喝茶。你呢？', ['我', '喜欢', '喝茶', '。', '你', '呢', '？']],
  ['Thai', 'สวัสดีครับ', ['สวัสดี', 'ครับ']],
  ['only white space', ' \t\r\n ', []],
];

const sentences: readonly (readonly [name: string, text: string, sentences: readonly string[]])[] = [
  ['prose', 'One is here. Two? Yes! "Three," he said.', ['One is here.', 'Two?', 'Yes!', '"Three," he said.']],
  ['hard-wrapped prose', 'A sentence that\nis wrapped. And\r\nanother one.\n', ['A sentence that\nis wrapped.', 'And\r\nanother one.']],
  ['lists', 'Intro:\n- first item\n- second. With two.\n1. third', ['Intro:', '- first item', '- second.', 'With two.', '1. third']],
  ['headings', '# Title\nText begins. Goes on.\n## Next', ['# Title', 'Text begins.', 'Goes on.', '## Next']],
  ['titles and initials', 'Dr. J. Smith met Mrs. Jones. It was I. He left.', ['Dr. J. Smith met Mrs. Jones.', 'It was I.', 'He left.']],
  ['Chinese', '我喜欢喝茶。你呢？', ['我喜欢喝茶。', '你呢？']],
  ['paragraphs', 'No stop here\n\nnext', ['No stop here', 'next']],
];

describe('textUnitsIn', () => {
  for (const [name, text, expected] of words) it(`finds words: ${name}`, () => assert.deepEqual(pieces(text, 'word'), expected));
  for (const [name, text, expected] of sentences)
    it(`finds sentences: ${name}`, () => assert.deepEqual(pieces(text, 'sentence'), expected));

  it('finds lines and paragraphs, without the white space round them', () => {
    const text = '  one\r\n\ttwo  \r\n\r\n# Title\nthree\n   \nfour';
    assert.deepEqual(pieces(text, 'line'), ['one', 'two', '# Title', 'three', 'four']);
    assert.deepEqual(pieces(text, 'paragraph'), ['one\r\n\ttwo', '# Title', 'three', 'four']);
  });

  it('takes long lines and paragraphs in pieces without cutting a word or a character', () => {
    const line = 'The e\u0301tude, 👩‍👩‍👧 path.join 我喜欢喝茶。再见 '.repeat(400).trim();
    const once = pieces('The e\u0301tude, 👩‍👩‍👧 path.join 我喜欢喝茶。再见', 'word');
    assert.deepEqual(pieces(line, 'word'), Array.from({ length: 400 }, () => once).flat());
    const paragraph = Array.from({ length: 3_000 }, () => 'one line of words').join('\n');
    const parts = pieces(paragraph, 'paragraph');
    assert.ok(parts.length > 1 && Math.max(...parts.map(part => part.length)) < 21_000);
    assert.ok(parts.join(' ').replaceAll('\n', ' ') === paragraph.replaceAll('\n', ' '), 'something is left out');
  });

  it('holds its laws on random texts: ascending, no grapheme cut, nothing visible left out, the same through whichever span', () => {
    const random = generator(11);
    const bits = [
      'a',
      'The ',
      'e\u0301',
      '👩‍👩‍👧',
      '🇫🇷',
      ' ',
      '\n',
      '\r\n',
      '. ',
      '.',
      '我喜欢',
      '。',
      'สวัสดี',
      '- ',
      '# ',
      '1) ',
      '\n\n',
      '(x_1)',
      "'s",
      '…',
      '\u200d',
    ];
    for (let round = 0; round < 400; round++) {
      const text = Array.from({ length: random(60) }, () => bits[random(bits.length)] ?? '').join('');
      const borders = new Set(Array.from(graphemes.segment(text), ({ index }) => index)).add(text.length);
      for (const scale of ['word', 'line', 'sentence', 'paragraph'] as const) {
        const whole = textUnitsIn(text, { start: 0, end: text.length }, scale);
        let at = 0;
        for (const { start, end } of whole) {
          assert.ok(start >= at && end > start);
          assert.equal(text.slice(at, start).trim(), '', `${scale}: left out`);
          assert.ok(borders.has(start) && borders.has(end), `${scale} cuts a character of ${JSON.stringify(text)}`);
          at = end;
        }
        assert.equal(text.slice(at).trim(), '');
        const start = random(text.length + 1);
        const span = { start, end: start + 1 + random(10) };
        const expected = whole.filter(unit => unit.start < span.end && unit.end > span.start);
        assert.deepEqual(textUnitsIn(text, span, scale), expected, `${scale} in ${JSON.stringify(text)} at ${String(start)}`);
      }
    }
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
