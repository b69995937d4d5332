import assert from 'node:assert/strict';
import { Pauses } from '../../src/pauses';

function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('Pauses', () => {
  it('counts every piece once, a piece inside another as a part of it, and begins anew with every report', () => {
    const pauses = new Pauses();
    const both = pauses.timed('edit', (a: number, b: number) => pauses.time('draw', () => a + b));
    assert.equal(both(1, 2), 3);
    assert.throws(() =>
      pauses.time('model', () => {
        throw new Error('inside');
      }),
    );
    const { pieces, longestMs } = pauses.report();
    assert.equal(pieces, 2);
    assert.deepEqual(Object.keys(longestMs).sort(), ['edit', 'model']);
    assert.deepEqual(pauses.report(), { pieces: 0, p999Ms: 0, p999CpuMs: 0, longestMs: {} });
  });

  it('tells the longest pieces and the percentile apart', () => {
    const pauses = new Pauses();
    for (let piece = 0; piece < 5000; piece++) pauses.time('model', () => undefined);
    pauses.time('draw', () => {
      busy(20);
    });
    const { p999Ms, longestMs } = pauses.report();
    assert.ok((longestMs.draw ?? 0) >= 20);
    assert.ok(p999Ms < (longestMs.draw ?? 0));
    for (let piece = 0; piece < 10; piece++) {
      pauses.time('draw', () => {
        busy(3);
      });
    }
    assert.ok(pauses.report().p999Ms >= 3);
  });

  it('leaves the time of others out of what the code itself takes', () => {
    const pauses = new Pauses();
    pauses.report();
    const cell = new Int32Array(new SharedArrayBuffer(4));
    pauses.time('other', () => Atomics.wait(cell, 0, 0, 60)); // as if another program had the processor
    const waited = pauses.report();
    assert.ok(waited.p999Ms >= 50);
    assert.ok(waited.p999CpuMs < 40);
    pauses.time('other', () => {
      busy(20);
    });
    const { p999Ms, p999CpuMs } = pauses.report();
    assert.ok(p999CpuMs > 0 && p999CpuMs <= p999Ms);
  });
});
