import assert from 'node:assert/strict';
import { provenanceText } from '../../src/core/legend';
import type { Provenance } from '../../src/core/scores';

const provenance: Provenance = {
  model: 'SmolLM2',
  modelHash: '0123456789abcdef',
  dtype: 'q8',
  arithmetic: 'native',
  window: 1024,
  overlap: 256,
  anchors: 'text',
  startTokenId: 1,
  noiseFloorBits: { mean: 0.0812, p95: 0.31 },
  repeatabilityBits: 0,
  selfCheck: 'passed',
  documentVersion: 3,
};

describe('provenanceText', () => {
  it('names the noise floor, or says that it is unknown', () => {
    assert.match(provenanceText(provenance), / · noise 0\.08 bit · /);
    assert.match(provenanceText({ ...provenance, noiseFloorBits: null }), / · noise unknown · /);
    assert.match(provenanceText({ ...provenance, arithmetic: 'float32', noiseFloorBits: { mean: 0, p95: 0 } }), / · noise 0 bit · /);
  });

  it('tells windows whose borders are decided from the text from counted ones, and a model that talks nonsense from a good one', () => {
    assert.match(provenanceText(provenance), /borders by text/);
    assert.doesNotMatch(provenanceText({ ...provenance, anchors: 'grid' }), /borders/);
    assert.doesNotMatch(provenanceText(provenance), /self-check/);
    assert.match(provenanceText({ ...provenance, selfCheck: 'implausible' }), /self-check failed/);
  });
});
