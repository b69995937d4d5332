import assert from 'node:assert/strict';
import { expectedSeconds, isLong, Speed } from '../../src/core/speed';

describe('speed of the model', () => {
  it('is that of the faster of the last two runs: the other may have loaded the model', () => {
    const speed = new Speed();
    assert.equal(speed.cost(100).seconds, undefined);
    speed.ran(100, 30);
    speed.ran(100, 1);
    assert.deepEqual(speed.cost(500), { tokens: 500, seconds: 5 });
    speed.ran(100, 2);
    assert.equal(speed.cost(500).seconds, 5);
    speed.ran(100, 3);
    assert.equal(speed.cost(500).seconds, 10);
  });

  it('is not that of another model', () => {
    const [known, taken] = [new Speed(), new Speed(0.01)];
    for (const speed of [known, taken]) {
      speed.ran(100, 0.1);
      speed.forget();
    }
    assert.equal(known.cost(100).seconds, undefined);
    assert.equal(taken.cost(100).seconds, 1);
  });

  it('is not known from a run that was mostly waiting', () => {
    const speed = new Speed();
    speed.ran(15, 10);
    assert.equal(speed.cost(100).seconds, undefined);
  });

  it('is taken from others until a run of its own was measured, and counts what takes time beside tokens', () => {
    const [own, others] = [new Speed(), new Speed()];
    others.ran(100, 1);
    assert.deepEqual(own.cost(100, 300, others), { tokens: 100, seconds: 3 });
    own.ran(300, 6);
    assert.deepEqual(own.cost(100, 300, others), { tokens: 100, seconds: 6 });
  });

  it('that is taken for granted counts as a run', () => {
    const speed = new Speed(0.01);
    assert.equal(speed.cost(100).seconds, 1);
    speed.ran(100, 20);
    assert.equal(speed.cost(100).seconds, 1);
  });

  it('decides what is long, measured or not', () => {
    assert.equal(isLong({ tokens: 100_000, seconds: 5 }), false);
    assert.equal(isLong({ tokens: 1, seconds: 5.1 }), true);
    const unknown = { tokens: 1_000, seconds: undefined };
    assert.equal(isLong(unknown), false);
    assert.equal(isLong({ ...unknown, tokens: 2_000 }), true);
    assert.equal(expectedSeconds(unknown), 3.5);
  });
});
