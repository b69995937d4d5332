import assert from 'node:assert/strict';
import { entropyInWords, formatBits, formatCount, formatPercent, fullBar, spokenToken } from '../../media/format';

describe('numbers of the panel', () => {
  const percents: [probability: number, text: string][] = [
    [1, '>99.99'],
    [0.99999, '>99.99'],
    [0.9997, '99.97'],
    [0.9994, '99.9'],
    [0.461, '46.1'],
    [0.089, '8.9'],
    [0.00996, '1.0'],
    [0.0035, '0.35'],
    [0.00042, '0.042'],
    [0.000042, '0.004'],
    [2 ** -16.2, '0.001'],
    [0.0000012, '0.0001'],
    [0.0000009, '<0.0001'],
    [0, '<0.0001'],
  ];
  for (const [probability, text] of percents) it(`says ${probability} as ${text} %`, () => assert.equal(formatPercent(probability), text));

  it('never says that something is nothing, or certain, and keeps the order', () => {
    let last = 0;
    for (let exponent = -40; exponent < 0; exponent += 0.01) {
      const text = formatPercent(2 ** exponent);
      const value = Number(text.replace(/[<>]/, ''));
      assert.ok(value > 0 && value < 100 && value >= last, `${exponent}: ${text}`);
      if (!/[<>]/.test(text)) assert.ok(Math.abs(value / (100 * 2 ** exponent) - 1) < 0.5, `${exponent}: ${text}`);
      last = value;
    }
  });

  it('puts entropy into words', () => {
    assert.deepEqual([0, 0.01, 1.3, 4.3, 10.3].map(entropyInWords), [
      'entropy 0.0 bits: almost certain',
      'entropy 0.010 bits: almost certain',
      'entropy 1.3 bits: like choosing among 2.5 equal tokens',
      'entropy 4.3 bits: like choosing among 20 equal tokens',
      'entropy 10.3 bits: like choosing among 1,300 equal tokens',
    ]);
  });

  it('writes bits and counts', () => {
    assert.deepEqual([0, 0.0001, 0.012, 16.24].map(formatBits), ['0.0', '<0.001', '0.012', '16.2']);
    assert.deepEqual([1, 1150, 49152].map(formatCount), ['1', '1,150', '49,152']);
  });

  it('speaks glyphs by name, and leaves a real middle dot alone', () => {
    assert.equal(
      spokenToken([
        { text: '·', glyph: true },
        { text: 'Paris', glyph: false },
      ]),
      'space Paris',
    );
    assert.equal(spokenToken([{ text: '↵····', glyph: true }]), 'new line 4 spaces');
    assert.equal(spokenToken([{ text: 'a·b', glyph: false }]), 'a·b');
  });

  it('lets a full bar stand for the smallest step that holds the longest', () => {
    assert.deepEqual([0.01, 0.05, 0.051, 0.461, 0.51, 1].map(fullBar), [0.05, 0.05, 0.1, 0.5, 1, 1]);
  });
});
