import assert from 'node:assert/strict';
import { differenceNoiseOf, signedBandOf, signedMarks } from '../../src/core/signedBands';

describe('bands of differences', () => {
  it('are told by size and sign, with edges that belong to the band above', () => {
    assert.equal(signedBandOf(0.2, 0), 'plain');
    assert.deepEqual(signedBandOf(0.25, 0), { sign: 'helps', band: 1 });
    assert.deepEqual(signedBandOf(-0.8, 0), { sign: 'hinders', band: 2 });
    assert.deepEqual(signedBandOf(-7, 0), { sign: 'hinders', band: 4 });
  });
  it('leave what the arithmetic may have made without a colour', () => {
    assert.equal(signedBandOf(0.3, 0.31), 'noise');
    assert.equal(signedBandOf(-0.3, 0.31), 'noise');
    assert.deepEqual(signedBandOf(0.32, 0.31), { sign: 'helps', band: 1 });
    assert.equal(signedBandOf(0, 0), 'plain'); // exact: there is no noise
  });
  it('take what such files usually have for the noise that nobody has measured, never none', () => {
    assert.deepEqual(differenceNoiseOf({ arithmetic: 'native', noiseFloorBits: null }), {
      arithmetic: 'native',
      bits: 0.3,
      isMeasured: false,
    });
    const measured = differenceNoiseOf({ arithmetic: 'native', noiseFloorBits: { mean: 0.07, p95: 0.22 } });
    assert.deepEqual([measured.bits, measured.isMeasured], [0.22, true]);
    assert.ok(differenceNoiseOf({ arithmetic: 'float32', noiseFloorBits: { mean: 0, p95: 0 } }).bits < 0.01);
  });
  it('are not told without a number', () => {
    assert.equal(signedBandOf(NaN, 0), undefined);
  });
});

describe('marks of differences', () => {
  const text = 'one two\nthree four\nfive';
  const pieces = [
    { span: { start: 0, end: 3 }, bits: 1 },
    { span: { start: 3, end: 8 }, bits: -3 },
    { span: { start: 8, end: 13 }, bits: NaN },
    { span: { start: 13, end: 18 }, bits: 0.1 },
    { span: { start: 19, end: 23 }, bits: 6 },
  ];
  const shown = (places: readonly { start: number; end: number }[], most?: number) =>
    signedMarks(text, pieces, places, 0, most).map(({ span, band, piece }) => [text.slice(span.start, span.end), band, piece]);

  it('are of text, without the white space round it', () => {
    assert.deepEqual(shown([{ start: 0, end: text.length }]), [
      ['one', { sign: 'helps', band: 2 }, 0],
      ['two', { sign: 'hinders', band: 3 }, 1],
      ['four', 'plain', 3],
      ['five', { sign: 'helps', band: 4 }, 4],
    ]);
  });
  it('are of the places only, and a piece that two of them hold is there once', () => {
    assert.deepEqual(
      shown([
        { start: 4, end: 6 },
        { start: 6, end: 8 },
      ]).map(([word]) => word),
      ['two'],
    );
  });
  it('are the strongest where there are too many', () => {
    assert.deepEqual(
      shown([{ start: 0, end: text.length }], 2).map(([word]) => word),
      ['two', 'five'],
    );
  });
});
