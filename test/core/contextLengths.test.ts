import assert from 'node:assert/strict';
import { lengthsToTry, neededTokens } from '../../src/core/contextLengths';
import { enoughBits, mostTriedTokens, neededTokens as neededInColours } from '../../src/core/contextNeeds';
import { SeededRandom } from '../../src/core/seededRandom';

/** A token for each character: rows are offsets. */
function tableOf(text: string): { readonly starts: Uint32Array; readonly ends: Uint32Array } {
  return { starts: Uint32Array.from(text, (_, index) => index), ends: Uint32Array.from(text, (_, index) => index + 1) };
}

describe('context lengths', () => {
  const text = 'one two\nthree\n\nfour five\nsix seven\neight';
  const lengths = (contextFirst: number, row: number, functions: readonly { start: number; end: number }[] = []) =>
    lengthsToTry(tableOf(text), text, contextFirst, row, functions);

  it('are all that colours of needed context are made from, then powers of two, and the whole, ascending, each once', () => {
    const line = 'a'.repeat(300);
    const tried = lengthsToTry(tableOf(line), line, 0, 300, []);
    assert.deepEqual(
      tried.map(({ tokens }) => tokens),
      [...Array.from({ length: mostTriedTokens + 1 }, (_, tokens) => tokens), 128, 256, 300],
    );
    const named = tried.filter(({ border }) => border !== 'between').map(({ tokens }) => tokens);
    assert.deepEqual(named, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    assert.deepEqual(tried.at(-1), { tokens: 300, border: 'whole' });
    assert.deepEqual(
      lengthsToTry(tableOf(line), line, 0, 5, []).map(({ tokens }) => tokens),
      [0, 1, 2, 3, 4, 5],
    );
    assert.deepEqual(lengthsToTry(tableOf(line), line, 5, 5, []), [{ tokens: 0, border: 'whole' }]);
  });

  it('reach to where lines, paragraphs and functions begin, and no further than the window', () => {
    const row = text.indexOf('eight') + 2;
    const at = (kind: string, tried: ReturnType<typeof lengths>) =>
      tried.filter(({ border }) => border === kind).map(({ tokens }) => text.slice(row - tokens).split('\n', 1)[0]);
    const all = lengths(0, row, [{ start: text.indexOf('six'), end: text.length }]);
    assert.deepEqual(at('line', all), ['eight', '', 'three']);
    assert.deepEqual(at('paragraph', all), ['four five']);
    assert.deepEqual(at('function', all), ['six seven']);
    const window = text.indexOf('six') + 1;
    assert.ok(lengths(window, row).every(({ tokens }) => tokens <= row - window));
    assert.deepEqual(at('line', lengths(window, row)), ['eight']);
  });

  it('reach to the nearest paragraphs and functions where there are many', () => {
    const many = Array.from({ length: 9 }, (_, index) => `p${index}`).join('\n\n');
    const functions = Array.from({ length: 9 }, (_, index) => ({ start: 4 * index + 1, end: 4 * index + 2 }));
    const tried = lengthsToTry(tableOf(many), many, 0, many.length, functions);
    const starts = (kind: string) => tried.filter(({ border }) => border === kind).map(({ tokens }) => many.length - tokens);
    assert.deepEqual(starts('paragraph'), [32, 28, 24, 20]);
    assert.deepEqual(starts('function'), [33, 29, 25]);
  });

  it('count a token that holds the end of a line to the next one', () => {
    // "a", "\n  ", "b", "c"
    const table = { starts: Uint32Array.from([0, 1, 4, 5]), ends: Uint32Array.from([1, 4, 5, 6]) };
    const tried = lengthsToTry(table, 'a\n  bc', 0, 3, []);
    assert.deepEqual(
      tried.filter(({ border }) => border === 'line'),
      [{ tokens: 2, border: 'line' }],
    );
  });

  it('are as many as the colours in the editor say, of whatever bits', () => {
    const random = new SeededRandom(3);
    for (let round = 0; round < 200; round++) {
      const bits = Array.from({ length: mostTriedTokens + 1 }, (_, tokens) => 2 + (1.2 * (random.uniform() - 0.5) * 40) / (tokens + 20));
      const points = bits.map((each, tokens) => ({ tokens, bits: each }));
      const needed = neededTokens([...points, { tokens: 90, bits: 2 }], 2, enoughBits);
      const coloured = neededInColours(bits, 2);
      if (Number.isFinite(coloured)) assert.deepEqual(needed, { least: coloured, most: coloured });
      else assert.deepEqual(needed, { least: mostTriedTokens + 1, most: 90 });
    }
  });

  it('are enough from where on all longer ones stay near the whole', () => {
    const points = [9, 2.2, 4, 2.4, 1.8, 2].map((bits, index) => ({ tokens: index * 10, bits }));
    assert.deepEqual(neededTokens(points, 2, 0.5), { least: 21, most: 30 });
    assert.deepEqual(neededTokens(points, 2, 10), { least: 0, most: 0 });
    assert.equal(neededTokens(points, 5, 0.5), undefined);
    const unknown = [
      { tokens: 4, bits: NaN },
      { tokens: 8, bits: 2 },
    ];
    assert.deepEqual(neededTokens(unknown, 2, 0.5), { least: 5, most: 8 });
  });
});
