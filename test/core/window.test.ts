import assert from 'node:assert/strict';
import { windowHolding, windowInForce, windowsOf } from '../../src/core/window';
import type { TokenText } from '../../src/core/window';
import { randomNumbers } from '../model/process';

/** Id 0 stands for a line feed. */
function textOf(ids: readonly number[]): TokenText {
  return { ids, length: ids.length, startsLine: index => ids[index - 1] === 0 };
}

/** Lines of 1 to 40 tokens, some of them alike. */
function randomIds(random: (below: number) => number, length: number): number[] {
  const ids: number[] = [];
  while (ids.length < length) {
    const line = random(8);
    const tokens = 1 + random(40);
    for (let index = 0; index < tokens; index++) ids.push(line < 4 ? 1 + index : 1 + random(500));
    ids.push(0);
  }
  return ids.slice(0, length);
}

const editor = { contextTokens: 1024, overlapTokens: 256, anchors: 'text' } as const;

describe('windows', () => {
  it('are on the counted grid as the references were made: 260 tokens, windows of 96, stride 48', () => {
    const text = textOf(Array.from({ length: 260 }, () => 1));
    assert.deepEqual(windowsOf(text, { contextTokens: 96, overlapTokens: 48, anchors: 'grid' }), [
      { start: 0, end: 96, scoreFrom: 0 },
      { start: 48, end: 144, scoreFrom: 96 },
      { start: 96, end: 192, scoreFrom: 144 },
      { start: 144, end: 240, scoreFrom: 192 },
      { start: 192, end: 260, scoreFrom: 240 },
    ]);
  });

  for (const anchors of ['grid', 'text'] as const) {
    it(`tile the rows, see the overlap, hold at most the context, and are found by their rows (${anchors})`, () => {
      const random = randomNumbers(1);
      const ids = randomIds(random, 6000);
      for (const contextTokens of [1, 2, 3, 7, 16, 100, 1024]) {
        for (const overlapTokens of new Set([0, contextTokens >>> 3, contextTokens >>> 2, contextTokens >>> 1])) {
          for (const tokens of [0, 1, 2, 3, 17, 59, 200, ...(contextTokens < 100 ? [] : [900, 1023, 1024, 1025, 3000, 6000])]) {
            const windows = windowsOf(textOf(ids.slice(0, tokens)), { contextTokens, overlapTokens, anchors });
            let row = 0;
            for (const [index, window] of windows.entries()) {
              assert.equal(window.scoreFrom, row);
              assert.ok(window.end - window.start <= contextTokens && window.end > row);
              assert.equal(window.start, index === 0 ? 0 : Math.max(0, window.scoreFrom - overlapTokens));
              if (anchors === 'grid') assert.equal(window.start, index * (contextTokens - overlapTokens));
              for (; row < window.end; row++) assert.equal(windowHolding(windows, row), window);
            }
            assert.equal(row, tokens);
            assert.equal(windowHolding(windows, tokens), undefined);
          }
        }
      }
    });
  }

  it('keep a short text whole, and begin at line starts where the text has lines', () => {
    const ids = randomIds(randomNumbers(2), 20_000);
    assert.equal(windowsOf(textOf(ids.slice(0, 1024)), editor).length, 1);
    const text = textOf(ids);
    const windows = windowsOf(text, editor);
    for (const { scoreFrom } of windows.slice(1)) assert.ok(text.startsLine(scoreFrom));
    assert.ok(windows.length < 20_000 / 350, String(windows.length));
  });

  it('are left by an edit as they are, but for those near it', () => {
    const random = randomNumbers(3);
    const ids = randomIds(random, 20_000);
    const before = windowsOf(textOf(ids), editor);
    for (let round = 0; round < 300; round++) {
      const at = random(ids.length);
      const inserted = round % 3 === 0 ? [0] : round % 3 === 1 ? [1 + random(500)] : [];
      const removed = round % 3 === 1 ? 1 : round % 3 === 2 ? 1 + random(5) : 0;
      const after = windowsOf(textOf([...ids.slice(0, at), ...inserted, ...ids.slice(at + removed)]), editor);
      const by = inserted.length - removed;
      const near = 4 * editor.contextTokens;
      const head = (windows: typeof before) => windows.filter(window => window.end < at - near);
      const tail = (windows: typeof before, from: number, shift: number) =>
        windows
          .filter(window => window.start > from + near)
          .map(({ start, end, scoreFrom }) => ({ start: start + shift, end: end + shift, scoreFrom: scoreFrom + shift }));
      assert.deepEqual(head(after), head(before));
      assert.deepEqual(tail(after, at + by, 0), tail(before, at, by));
    }
  });

  it('of a token are settled by what stands at most a window after it', () => {
    const random = randomNumbers(4);
    const ids = randomIds(random, 8000);
    const whole = windowsOf(textOf(ids), editor);
    for (let length = 1; length < ids.length; length += 1 + random(40)) {
      const cut = windowsOf(textOf(ids.slice(0, length)), editor);
      for (const window of cut)
        if (window.end < length - editor.contextTokens) assert.deepEqual(windowHolding(whole, window.scoreFrom), window);
    }
  });

  it('are counted off where a text gives no other hold', () => {
    const windows = windowsOf(textOf(Array.from({ length: 5000 }, () => 7)), editor);
    assert.equal(windows.at(-1)?.end, 5000);
    for (const { start, end } of windows) assert.ok(end - start <= editor.contextTokens);
  });

  it('are capped by what the model has positions for', () => {
    assert.deepEqual(windowInForce(editor, 128, 1), { contextTokens: 127, overlapTokens: 63, anchors: 'text' });
    assert.deepEqual(windowInForce(editor, 8192, 1), editor);
  });
});
