import assert from 'node:assert/strict';
import { gridWindowOf, gridWindows, windowInForce } from '../../src/core/window';

describe('windows on the counted grid', () => {
  it('are as the references were made: 260 tokens, windows of 96, stride 48', () => {
    assert.deepEqual(gridWindows(260, { contextTokens: 96, overlapTokens: 48 }), [
      { start: 0, end: 96, scoreFrom: 0 },
      { start: 48, end: 144, scoreFrom: 96 },
      { start: 96, end: 192, scoreFrom: 144 },
      { start: 144, end: 240, scoreFrom: 192 },
      { start: 192, end: 260, scoreFrom: 240 },
    ]);
  });

  it('tile the rows, start at multiples of the stride, hold at most the context, and agree with the window of each token', () => {
    for (const contextTokens of [1, 2, 3, 7, 16]) {
      for (let overlapTokens = 0; overlapTokens <= contextTokens / 2; overlapTokens++) {
        for (let tokens = 0; tokens < 60; tokens++) {
          const settings = { contextTokens, overlapTokens };
          let row = 0;
          for (const [index, window] of gridWindows(tokens, settings).entries()) {
            assert.equal(window.scoreFrom, row);
            assert.equal(window.start, index * (contextTokens - overlapTokens));
            assert.ok(window.end - window.start <= contextTokens && window.end > row);
            if (index > 0) assert.equal(window.scoreFrom - window.start, overlapTokens);
            for (; row < window.end; row++) assert.deepEqual(gridWindowOf(row, tokens, settings), window);
          }
          assert.equal(row, tokens);
          // The token to come goes into the window it would have in a longer text.
          assert.equal(gridWindowOf(tokens, tokens, settings).start, gridWindowOf(tokens, tokens + 1, settings).start);
        }
      }
    }
  });

  it('are capped by what the model has positions for', () => {
    assert.deepEqual(windowInForce({ contextTokens: 1024, overlapTokens: 256 }, 128, 1), { contextTokens: 127, overlapTokens: 63 });
    assert.deepEqual(windowInForce({ contextTokens: 1024, overlapTokens: 256 }, 8192, 1), { contextTokens: 1024, overlapTokens: 256 });
  });
});
