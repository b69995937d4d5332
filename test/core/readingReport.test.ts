import assert from 'node:assert/strict';
import { cellsWithin } from '../../src/core/cells';
import { sentenceFacts } from '../../src/core/readingReport';
import { tableOf } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';

/** Words and punctuation with the space before them are tokens; a word costs as many bits as it is long. */
function scoresOf(text: string, isPending: (token: string) => boolean = () => false) {
  const tokens = [...text.matchAll(/\s*(?:[\p{L}\p{N}]+|[^\p{L}\p{N}\s]+)|\s+$/gu)];
  const starts = Uint32Array.from(tokens, ({ index }) => index);
  const ends = Uint32Array.from(tokens, ({ index, 0: token }) => index + token.length);
  const table = tableOf(
    { topCount: 1, watchCount: 0, ids: new Int32Array(tokens.length), starts, ends, startBytes: starts, endBytes: ends },
    undefined,
    [],
  );
  for (const [row, [token]] of tokens.entries()) {
    if (isPending(token)) continue;
    table.states[row] = rowState.scored;
    table.surprisalBits[row] = /\p{L}/u.test(token) ? token.trim().length : 0;
  }
  return { table, cellsIn: (span: { start: number; end: number }) => cellsWithin(table, span) };
}

function factsOf(text: string, isPending?: (token: string) => boolean) {
  return [...sentenceFacts(text, scoresOf(text, isPending))].map(({ start, end, ...facts }) => ({
    text: text.slice(start, end),
    ...facts,
  }));
}

describe('sentenceFacts', () => {
  it('has every sentence once, with its three most surprising words', () => {
    const text = '# Fog\n\nThe grey harbour was quiet. It rained\non us.\n\n- eels\n';
    const facts = factsOf(text);
    assert.deepEqual(
      facts.map(({ text: sentence, words }) => [sentence, words.map(word => `${word.text} ${String(word.bits)}`).join(' ')]),
      [
        ['# Fog', 'Fog 3'],
        ['The grey harbour was quiet.', 'harbour 7 quiet 5 grey 4'],
        ['It rained\non us.', 'rained 6 It 2 on 2'],
        ['- eels', 'eels 4'],
      ],
    );
    // 22 bits; 27 characters and the two line breaks of its first token.
    assert.equal(facts[1]?.bitsPerByte, 22 / 29);
    // The token of the dash has the two line breaks before it, too.
    assert.equal(facts[3]?.bitsPerByte, 4 / 8);
  });

  it('counts every token with a visible character in exactly one sentence', () => {
    const text = 'Fog. I saw it. A b.\n\n- c\n\n\nI\n';
    const scores = scoresOf(text);
    const { surprisalBits, starts, ends, length } = scores.table;
    const tokens = Array.from({ length }, (_, row) => {
      const [start = 0, end = 0] = [starts[row], ends[row]];
      surprisalBits[row] = 2 ** row;
      return { bits: 2 ** row, bytes: end - start, visible: end - text.slice(start, end).trimStart().length };
    });
    const facts = [...sentenceFacts(text, scores)];
    const counted = facts.flatMap(({ start, end, bitsPerByte }) => {
      const own = tokens.filter(({ visible }) => visible >= start && visible < end);
      const sum = (of: 'bits' | 'bytes') => own.reduce((total, token) => total + token[of], 0);
      assert.equal(bitsPerByte, sum('bits') / sum('bytes'), text.slice(start, end));
      return own;
    });
    assert.equal(facts.length, 5);
    assert.deepEqual(counted, tokens.slice(0, -1)); // but the line break at the end
  });

  it('has no number where nothing is scored, and leaves out words without a score', () => {
    assert.deepEqual(
      factsOf('One two. Six.', token => token.includes('two') || token.includes('Six') || token.includes('.')).map(
        ({ bitsPerByte, words }) => [bitsPerByte, words.length],
      ),
      [
        [1, 1],
        [undefined, 0],
      ],
    );
  });

  it('is over at the end of white space', () => {
    assert.deepEqual(factsOf('\n \n\n'), []);
    assert.deepEqual(factsOf(''), []);
    assert.equal(factsOf(`${' '.repeat(5_000)}\n\nEnd.`).length, 1);
  });
});
