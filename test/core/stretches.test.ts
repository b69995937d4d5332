import assert from 'node:assert/strict';
import { cellsWithin } from '../../src/core/cells';
import { tableOf } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { Span } from '../../src/core/scores';
import { byLength, findStretches, isScored, stretchParts, withFormer } from '../../src/core/stretches';
import type { Stretch, StretchLimits, StretchScores } from '../../src/core/stretches';

const limits: StretchLimits = { words: 4, bits: 1 };

/**
 * A text whose tokens are its words with the space before them, and punctuation; marks after a word are taken out: `!` costs 9 bits, `?` is
 * pending, `~` unscored. Others cost 0.25 bits.
 */
function marked(source: string, contextTokens = 1_000): { readonly text: string; readonly scores: StretchScores } {
  let text = '';
  const rows: (readonly [start: number, end: number, bits: number | undefined])[] = [];
  for (const [, token = '', mark] of source.matchAll(/(\s*(?:[\p{L}\p{N}]+|[^\p{L}\p{N}\s!?~]+)|\s+)([!?~]?)/gu)) {
    rows.push([text.length, text.length + token.length, mark === '?' ? undefined : mark === '~' ? NaN : mark === '!' ? 9 : 0.25]);
    text += token;
  }
  const starts = Uint32Array.from(rows.map(([start]) => start));
  const ends = Uint32Array.from(rows.map(([, end]) => end));
  const table = tableOf(
    { topCount: 1, watchCount: 0, ids: new Int32Array(rows.length), starts, ends, startBytes: starts, endBytes: ends },
    undefined,
    [],
  );
  for (const [row, [, , bits]] of rows.entries()) {
    table.contextTokens[row] = Math.min(row, contextTokens);
    if (bits === undefined) continue;
    table.states[row] = Number.isNaN(bits) ? rowState.unscored : rowState.scored;
    table.surprisalBits[row] = bits;
  }
  return { text, scores: { table, cellsIn: span => cellsWithin(table, span) } };
}

function all(source: string, { contextTokens = 1_000, within = limits } = {}) {
  const { text, scores } = marked(source, contextTokens);
  const search = findStretches(text, scores, within);
  for (;;) {
    const { done, value } = search.next();
    if (done !== true) continue;
    return value.map(stretch => ({ ...stretch, text: text.slice(stretch.start, stretch.end), echo: echoIn(text, stretch) }));
  }
}

function echoIn(text: string, { echoOf }: Stretch): string | undefined {
  return echoOf && `${String(echoOf.start)} ${text.slice(echoOf.start, echoOf.end)}`;
}

const textsOf = (source: string, options = {}) => all(source, options).map(({ text }) => text);

describe('findStretches', () => {
  it('finds runs of enough words, each below the limit, from the first word to the last', () => {
    assert.deepEqual(all('Fish! swim at the end of the day as! one two three fish!'), [
      { start: 5, end: 31, words: 7, bits: 1.75, echoOf: undefined, text: 'swim at the end of the day', echo: undefined },
    ]);
    assert.deepEqual(textsOf('Fish! one two three as!'), []);
    assert.deepEqual(textsOf('Fish! one two three as!', { within: { words: 3, bits: 1 } }), ['one two three']);
    assert.deepEqual(textsOf('Fish! one two three four', { within: { words: 3, bits: 0.25 } }), [], 'a word of the limit is not below it');
  });

  it('adds the cells of a word', () => {
    // Three tokens of 0.25 bits are one word, and five are another.
    assert.deepEqual(textsOf('fish! a_b two three four fish!'), ['a_b two three four']);
    assert.deepEqual(textsOf('fish! a_b_c two three four fish!'), []);
    assert.equal(all('fish! a_b two three four fish!')[0]?.bits, 1.5);
  });

  it('lets punctuation stand inside a run without counting it, however surprising', () => {
    assert.deepEqual(
      all('Fish! one two ,! — three four.').map(({ text, words }) => [text, words]),
      [['one two , — three four', 4]],
    );
  });

  it('goes over a line break of a paragraph and ends at its border', () => {
    assert.deepEqual(textsOf('Fish! one two\nthree four five!'), ['one two\nthree four']);
    assert.deepEqual(textsOf('Fish! one two\n\nthree four five!'), []);
    assert.deepEqual(textsOf('Fish! one two\n- three four five!'), [], 'an item of a list begins a paragraph');
  });

  it('ends at a word that is pending or unscored', () => {
    assert.deepEqual(textsOf('Fish! one two three four five? six seven eight nine ten~ a b c d'), [
      'one two three four',
      'six seven eight nine',
      'a b c d',
    ]);
  });

  it('tells an echo, with its nearest place, from a stock phrase', () => {
    const found = all(
      'The! old! Grey! harbour! wall! and! the! old! grey! harbour! wall! Fish! THE OLD grey harbour wall. At! the end of the day',
    );
    assert.deepEqual(
      found.map(({ text, echo }) => [text, echo]),
      [
        ['THE OLD grey harbour wall', '30 the old grey harbour wall'],
        ['the end of the day', undefined],
      ],
    );
  });

  it('takes a run for an echo that goes on a little after what it repeats, not one of which a piece is repeated', () => {
    assert.deepEqual(
      all('we! sail! over! the! sea! Fish! we sail over the sea and back. Ten!').map(({ echo }) => echo),
      ['0 we sail over the sea'],
    );
    assert.deepEqual(
      all('we! sail! over! the! sea! Fish! we sail over the sea and back and there again. Ten!').map(({ echo }) => echo),
      [undefined],
    );
  });

  it('takes only what the model had read for an echo', () => {
    const source = 'the! old! grey! harbour! wall! Fish! the old grey harbour wall';
    assert.deepEqual(
      all(source, { contextTokens: 6 }).map(({ echo }) => echo),
      ['0 the old grey harbour wall'],
    );
    assert.deepEqual(
      all(source, { contextTokens: 4 }).map(({ echo }) => echo),
      [undefined],
    );
  });

  it('does not list the second mention of a name, but lists one the model knew', () => {
    const name = 'Maria! de! los! Angeles! J! R! Reyes!';
    assert.deepEqual(textsOf(`${name} fish! Maria de los Angeles J. R. Reyes! came! Maria de los Angeles J. came!`), []);
    assert.deepEqual(textsOf('fish! The United States of America fish!'), ['The United States of America']);
    assert.deepEqual(textsOf('van! of! the! und! fish! van of the und fish!'), ['van of the und'], 'no capital, no name');
  });

  it('orders the longest first, of equal ones the more predictable', () => {
    const [a, b, c] = [
      { start: 0, end: 1, words: 4, bits: 2, echoOf: undefined },
      { start: 1, end: 2, words: 4, bits: 1, echoOf: undefined },
      { start: 2, end: 3, words: 9, bits: 5, echoOf: undefined },
    ];
    assert.deepEqual([a, b, c].sort(byLength), [c, b, a]);
  });

  it('yields often, and reads no line that is too long to be drawn', () => {
    const search = findStretches(...argumentsOf(marked('one two three four\n'.repeat(50))));
    let yields = 0;
    while (search.next().done !== true) yields++;
    assert.ok(yields >= 50, String(yields));
    assert.deepEqual(textsOf(`${'one two three four '.repeat(600)}\nfive six seven eight`), ['five six seven eight']);
  });
});

function argumentsOf({ text, scores }: ReturnType<typeof marked>): [string, StretchScores, StretchLimits] {
  return [text, scores, limits];
}

describe('withFormer', () => {
  it('keeps what was found before where scores are missing now, whole, and nothing of it where they are not', () => {
    const source = 'one two three four fish! five six seven eight fish! nine ten eleven twelve more fish!';
    const former = all(source);
    assert.equal(former.length, 3);
    // The first is none any more, the second as it was, the last has only its beginning scored.
    const { text, scores } = marked(source.replace('two', 'two!').replace('more', 'more?'));
    const found = all(source.replace('two', 'two!').replace('more', 'more?'));
    assert.deepEqual(
      found.map(stretch => stretch.text),
      ['five six seven eight', 'nine ten eleven twelve'],
    );
    assert.deepEqual(
      withFormer(found, former, stretch => isScored(scores, stretch)).map(({ start, end }) => text.slice(start, end)),
      ['five six seven eight', 'nine ten eleven twelve more'],
    );
  });
});

describe('stretchParts', () => {
  const text = 'x one two\n   three four\ny five six seven eight\n';
  const stretch = (start: number, end: number, words: number): Stretch => ({ start, end, words, bits: 1, echoOf: undefined });
  const both = [stretch(2, 23, 4), stretch(26, 46, 5)];
  const painted = (screen: Span, { margin = screen, limit = 100 } = {}) =>
    stretchParts(text, both, [screen], [margin], limit).map(part => text.slice(part.start, part.end));

  it('are the lines of a stretch without the indentation, where they show', () => {
    assert.deepEqual(painted({ start: 0, end: text.length }), ['one two', 'three four', 'five six seven eight']);
    assert.deepEqual(painted({ start: 12, end: 20 }), ['three four']);
  });

  it('are never more than the limit, the longest first', () => {
    const whole = { start: 0, end: text.length };
    assert.deepEqual(painted(whole, { limit: 2 }), ['one two', 'five six seven eight']);
    assert.deepEqual(painted(whole, { limit: 1 }), ['five six seven eight']);
  });

  it('are those on the screen before those around it, so that even the longest stretch is painted there', () => {
    const whole = { start: 0, end: text.length };
    assert.deepEqual(painted({ start: 0, end: 5 }, { margin: whole, limit: 1 }), ['one two']);
    assert.deepEqual(painted({ start: 12, end: 20 }, { margin: whole, limit: 2 }), ['three four', 'five six seven eight']);
    assert.deepEqual(
      stretchParts(text, [stretch(2, 46, 9)], [{ start: 26, end: 46 }], [whole], 1).map(({ start, end }) => text.slice(start, end)),
      ['y five six seven eight'],
      'one stretch of more lines than can be painted',
    );
  });
});
