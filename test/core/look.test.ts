import assert from 'node:assert/strict';
import { defaultBandEdges, perByteEdges } from '../../src/core/band';
import { lookOf } from '../../src/core/look';
import type { LookChoices, LookSettings, Relative } from '../../src/core/look';
import { bandRows, shareText } from '../../src/core/legend';
import { metricEdges, metrics } from '../../src/core/metric';

const settings: LookSettings = {
  preset: 'auto',
  palette: 'ember',
  style: 'tint',
  muteConfident: 'auto',
  wordCorrection: false,
  bandEdges: { prose: [5, 6, 7, 8, 9] },
};
const prose = (choices: LookChoices = {}, changes: Partial<LookSettings> = {}, relative?: Relative) =>
  lookOf('prose', { ...settings, ...changes }, choices, relative);

describe('lookOf', () => {
  it('takes the preset of the language, that of the settings, or the chosen one, the last being strongest', () => {
    assert.deepEqual([prose().preset, prose().scale, prose().edges], ['prose', 'word', [5, 6, 7, 8, 9]]);
    const code = lookOf('code', settings, {});
    assert.deepEqual([code.preset, code.scale, code.edges, code.muted], ['code', 'token', defaultBandEdges.code, false]);
    assert.equal(prose({}, { preset: 'code' }).preset, 'code');
    const teaching = prose({ preset: 'teaching' }, { preset: 'code' });
    assert.deepEqual([teaching.scale, teaching.edges, teaching.muted, teaching.hoverEverywhere], ['token', [1, 2, 4, 7, 11], true, true]);
    assert.deepEqual([prose().hoverEverywhere, prose({}, { muteConfident: 'on' }).muted], [false, true]);
    assert.equal(prose({ preset: 'teaching' }, { muteConfident: 'off' }).muted, false);
  });

  it('has edges in the unit of what is shown', () => {
    assert.deepEqual(prose({ scale: 'sentence' }).edges, perByteEdges.prose);
    assert.deepEqual(prose({ scale: 'token' }).edges, [5, 6, 7, 8, 9]);
    assert.deepEqual(prose({ metric: 'entropy' }).edges, metricEdges.entropy);
    assert.deepEqual(prose({ metric: 'entropy' }).tokenEdges, [5, 6, 7, 8, 9]);
  });

  it('shows every metric but surprisal token by token', () => {
    for (const metric of metrics) assert.equal(prose({ metric, scale: 'line' }).scale, metric === 'surprisal' ? 'line' : 'token');
  });

  it('begins by sentences, with limits relative to the median, where the model reads a document badly', () => {
    const badly = prose({ scale: 'token' }, {}, { medianBitsPerByte: 3 });
    assert.deepEqual([badly.scale, badly.relativeTo], ['sentence', 3]);
    assert.ok(badly.edges.every((edge, index) => edge > 3 && edge > (badly.edges[index - 1] ?? 0)));
    const byWord = prose({}, {}, { medianBitsPerByte: 3, scale: 'word' });
    assert.deepEqual([byWord.relativeTo, byWord.edges], [undefined, [5, 6, 7, 8, 9]]);
  });
});

describe('bandRows', () => {
  it('says what the bands mean in the unit of the metric', () => {
    assert.deepEqual(bandRows('surprisal', [1.2, 1.5, 1.9, 2.4, 3])[1], { band: 2, from: '1.5', to: '1.9' });
    assert.deepEqual(bandRows('surprisal', [2.3 * 1.15, 3, 4, 5, 6])[0], { band: 1, from: '2.64', to: '3' });
    assert.deepEqual(bandRows('rank', metricEdges.rank), [
      { band: 2, from: '11', to: '100' },
      { band: 4, from: '101', to: '1,000' },
      { band: 5, from: '1,001', to: undefined },
    ]);
    assert.deepEqual(bandRows('relative', metricEdges.relative)[0], { band: 1, from: '1/4', to: '1/16' });
    assert.deepEqual(bandRows('relative', metricEdges.relative)[4], { band: 5, from: '1/1,024', to: undefined });
  });

  it('has a row for each band that something can be in, for every metric', () => {
    for (const metric of metrics) {
      const edges = metric === 'surprisal' ? defaultBandEdges.code : metricEdges[metric];
      assert.equal(bandRows(metric, edges).length, new Set(edges).size);
    }
  });
});

describe('shareText', () => {
  it('never rounds something to nothing', () => {
    assert.deepEqual(
      [shareText(0, 10), shareText(1, 10_000), shareText(1, 3), shareText(0, 0), shareText(3, 3)],
      ['0%', '<1%', '33%', '0%', '100%'],
    );
  });
});
