import assert from 'node:assert/strict';
import { differingLines, fewDifferingLines } from '../../src/core/lineDiff';

describe('differingLines', () => {
  it('takes no line for one of the common beginning and of the common end', async () => {
    const { ranges } = await differingLines(['a', 'a'], ['a', 'a', 'a']);
    assert.deepEqual(ranges, [{ removed: { from: 2, to: 2 }, added: { from: 2, to: 3 } }]);
  });

  it('is one hunk between the common ends where too much differs', async () => {
    const numbered = (prefix: string) => Array.from({ length: 3_200 }, (_, index) => `${prefix}${index}`);
    const { ranges, isCoarse } = await differingLines(['same', ...numbered('a'), 'end'], ['same', ...numbered('b'), 'end']);
    assert.equal(isCoarse, true);
    assert.deepEqual(ranges, [{ removed: { from: 1, to: 3_201 }, added: { from: 1, to: 3_201 } }]);
  });
});

describe('fewDifferingLines', () => {
  it('is the same where few lines differ, and nothing where many do', async () => {
    const before = ['a', 'b', 'c', 'd', 'e'];
    const after = ['a', 'x', 'c', 'e', 'f', 'g'];
    const { ranges } = await differingLines(before, after);
    assert.equal(ranges.length, 3);
    assert.deepEqual(fewDifferingLines(before, after, 5), ranges);
    assert.equal(fewDifferingLines(before, after, 4), undefined);
    assert.deepEqual(fewDifferingLines(before, before, 0), []);
  });
});
