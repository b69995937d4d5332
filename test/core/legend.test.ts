import assert from 'node:assert/strict';
import { isSameMeasure, provenanceText } from '../../src/core/legend';
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

  it('names what was read before the text, and numbers with another one before are no measure for each other', () => {
    const preamble = { kind: 'text', name: 'notes.md', tokens: 1200, sha256: 'ab' } as const;
    const chat = { ...preamble, kind: 'chat', name: null, tokens: 1 } as const;
    assert.match(provenanceText({ ...provenance, preamble }), / · read after notes\.md, 1,200 tokens · /);
    assert.match(provenanceText({ ...provenance, preamble: chat }), / · read as the answer to typed words, 1 token · /);
    assert.doesNotMatch(provenanceText(provenance), / read /);
    assert.ok(isSameMeasure({ ...provenance, preamble }, { ...provenance, preamble: { ...preamble, name: 'copy.md' } }));
    for (const other of [undefined, chat, { ...preamble, sha256: 'ac' }])
      assert.ok(!isSameMeasure({ ...provenance, preamble }, { ...provenance, preamble: other }));
  });

  it('says what it ran on if not on the processor, whose numbers are others', () => {
    assert.doesNotMatch(provenanceText(provenance), /WebGPU/);
    assert.match(provenanceText({ ...provenance, device: 'webgpu' }), / · native · WebGPU · /);
    assert.ok(!isSameMeasure(provenance, { ...provenance, device: 'webgpu' }));
  });

  it('tells windows whose borders are decided from the text from counted ones, and a model that talks nonsense from a good one', () => {
    assert.match(provenanceText(provenance), /borders by text/);
    assert.doesNotMatch(provenanceText({ ...provenance, anchors: 'grid' }), /borders/);
    assert.doesNotMatch(provenanceText(provenance), /self-check/);
    assert.match(provenanceText({ ...provenance, selfCheck: 'implausible' }), /self-check failed/);
  });
});
