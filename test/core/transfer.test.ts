import assert from 'node:assert/strict';
import { SeededRandom } from '../../src/core/seededRandom';
import { timeLeft, TransferSpeed } from '../../src/core/transfer';
import type { TimeLeft } from '../../src/core/transfer';

const secondsOf = ({ count, unit }: TimeLeft) => count * { seconds: 1, minutes: 60, hours: 3600, days: 86_400 }[unit];

describe('the speed of a download', () => {
  it('is in bytes a second, over the last five of them, and not known before half a second', () => {
    const speed = new TransferSpeed();
    assert.equal(speed.measure(1000, 500), undefined);
    assert.equal(speed.measure(1499, 1000), undefined);
    assert.equal(speed.measure(1500, 1000), 1000);
    for (let ms = 2000; ms <= 9000; ms += 250) {
      const measured = speed.measure(ms, (ms - 1000) * 2) ?? NaN;
      assert.ok(ms < 7000 ? measured > 1000 && measured < 2001 : measured === 2000, `${String(measured)} at ${String(ms)} ms`);
    }
  });

  it('is 0 where nothing comes, and begins anew with another beginning', () => {
    const speed = new TransferSpeed();
    for (let ms = 0; ms <= 3000; ms += 250) speed.measure(ms, ms);
    for (let ms = 3250; ms < 8250; ms += 250) assert.ok((speed.measure(ms, 3000) ?? NaN) > 0 || ms === 8000);
    assert.equal(speed.measure(8250, 3000), 0);
    assert.equal(speed.measure(60_000, 3000), undefined); // the machine slept: the last five seconds hold this moment alone
    speed.reset();
    assert.equal(speed.measure(60_250, 0), undefined);
    assert.equal(speed.measure(61_250, 100), 100);
    assert.equal(speed.measure(61_500, 0), 0, 'never below 0');
  });
});

describe('the time left of a download', () => {
  it('is in the unit that a person would take', () => {
    const units = [0, 1, 89, 90, 150, 3600, 5369, 5370, 86_400, 88_199, 88_200, 1e9].map(seconds => timeLeft(seconds * 1000, 1000));
    assert.deepEqual(
      units.map(left => left && `${String(left.count)} ${left.unit}`),
      [
        '0 seconds',
        '1 seconds',
        '89 seconds',
        '2 minutes',
        '3 minutes',
        '60 minutes',
        '89 minutes',
        '90 minutes',
        '24 hours',
        '24 hours',
        '1 days',
        '1 days',
      ],
    );
  });

  it('falls, whatever is fetched at whatever steady speed, and ends at nothing', () => {
    const random = new SeededRandom(9);
    for (let round = 0; round < 200; round++) {
      const totalBytes = 10 ** (3 + 8 * random.uniform());
      const bytesPerSecond = 10 ** (1 + 7 * random.uniform());
      let before = Infinity;
      for (let share = 0; share <= 1; share += 1 / 64) {
        const left = timeLeft(totalBytes * (1 - share), bytesPerSecond) ?? assert.fail('no time');
        assert.ok(Number.isSafeInteger(left.count) && left.count >= 0);
        assert.ok(secondsOf(left) <= before, `${String(secondsOf(left))} s after ${String(before)} s`);
        before = secondsOf(left);
      }
      assert.equal(before, 0);
    }
  });

  it('is within a third of what it will be, from two seconds to a day', () => {
    for (let seconds = 2; seconds < 86_400; seconds *= 1.07) {
      const ratio = secondsOf(timeLeft(seconds * 5e6, 5e6) ?? assert.fail('no time')) / seconds;
      assert.ok(ratio > 2 / 3 && ratio <= 1.5, `${String(seconds)} s: ${String(ratio)}`);
    }
  });

  it('is not known at no speed, and never no number', () => {
    for (const bytesPerSecond of [0, -1, NaN]) assert.equal(timeLeft(1000, bytesPerSecond), undefined);
    assert.equal(timeLeft(NaN, 1000), undefined);
    for (const [missing, speed] of [
      [-5, 1],
      [1e12, Number.MIN_VALUE],
      [Infinity, 1],
      [0, Infinity],
    ] as const) {
      const { count } = timeLeft(missing, speed) ?? assert.fail('no time');
      assert.ok(Number.isSafeInteger(count) && count >= 0, `${String(missing)} at ${String(speed)}`);
    }
  });
});
