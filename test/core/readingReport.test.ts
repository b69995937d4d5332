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
    // The token of the dash lies mostly in the empty line before it, and so in no sentence.
    assert.equal(facts[3]?.bitsPerByte, 4 / 5);
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
