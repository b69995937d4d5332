import assert from 'node:assert/strict';
import type { Provenance } from '../../src/core/scores';
import { emptyScratch, stepped, steppedBack, type Scratch } from '../../src/core/scratch';
import { Vocabulary } from '../../src/core/vocabulary';
import type { NextAnswer } from '../../src/documentView';
import type { Origin, Place } from '../../src/views/panelAnswers';
import { fromPanel, type PanelContinuation } from '../../src/views/panelProtocol';
import { PanelScratch } from '../../src/views/panelScratch';

/** The last ones: a control token, the two halves of "é". */
const words = ['The', ' capital', ' is', '\n', '<end>'].map(word => [...Buffer.from(word)]);
const halves = [[0xc3], [0xa9]];
const pieces = [...words.slice(0, 4), [], ...halves];
const vocabulary = new Vocabulary({
  bytes: Uint8Array.from(pieces.flat()),
  offsets: Uint32Array.from({ length: pieces.length + 1 }, (_, id) => pieces.slice(0, id).flat().length),
  controlNames: { 4: '<end>' },
});
const provenance: Provenance = {
  model: 'Tiny',
  modelHash: 'hash',
  dtype: 'fp32',
  arithmetic: 'native',
  window: 1024,
  overlap: 256,
  anchors: 'text',
  startTokenId: 4,
  noiseFloorBits: null,
  repeatabilityBits: null,
  selfCheck: null,
  documentVersion: 1,
};

interface FakeDocument {
  text: string;
  version: number;
  isClosed: boolean;
}

function grown(...ids: readonly number[]): Scratch {
  return ids.reduce((scratch, id) => stepped(scratch, { id, rawBits: 1, sampledBits: null }), emptyScratch);
}

describe('the continuation of the panel', () => {
  let document: FakeDocument;
  let told: PanelContinuation[];
  let scratch: PanelScratch<FakeDocument>;
  let settings: unknown;
  let kept: unknown;

  const start = () =>
    new PanelScratch<FakeDocument>(
      {
        textBefore: (of, offset) => of.text.slice(0, offset),
        nameOf: () => 'test:one',
        settings: () => settings,
        memory: { read: () => kept, write: next => (kept = next && (JSON.parse(JSON.stringify(next)) as unknown)) },
      },
      message => told.push(message),
    );

  beforeEach(() => {
    document = { text: 'The cap and more', version: 1, isClosed: false };
    told = [];
    settings = [1024];
    kept = undefined;
    scratch = start();
  });

  const placeAt = (offset: number, of = document): Place<FakeDocument> => ({ document: of, version: of.version, offset, after: [] });
  function originAt(offset: number, cut = offset, changed: Partial<Provenance> = {}): Origin<FakeDocument> {
    const result = { cut, logProbabilities: new Float32Array(7), entropyBits: 1, contextTokens: 3 };
    const answer: NextAnswer = { result, vocabulary, modelName: 'Tiny', provenance: { ...provenance, ...changed } };
    return { place: placeAt(offset), answer };
  }
  const where = () => told.at(-1)?.where;
  function change(text: string): void {
    document.text = text;
    document.version++;
    scratch.edited(document);
  }

  it('has the panel stay with its place, wherever the cursor goes, until it ends', () => {
    assert.deepEqual(scratch.placeFor(placeAt(5)), placeAt(5));
    assert.equal(scratch.placeFor(undefined), undefined);
    assert.equal(scratch.take(grown(1, 2), originAt(7, 3)), true);
    assert.deepEqual(scratch.placeFor(placeAt(7)), { ...placeAt(7), after: [1, 2] });
    assert.deepEqual([told.at(-1)?.scratch, where()], [grown(1, 2), 'cursor']);
    assert.deepEqual(
      told.at(-1)?.tokens.map(({ id, token }) => [id, token.at(-1)?.text]),
      [
        [1, 'capital'],
        [2, 'is'],
      ],
    );
    assert.deepEqual(scratch.placeFor(placeAt(2)), { ...placeAt(7), after: [1, 2] });
    assert.equal(where(), 'elsewhere');
    const { length } = told;
    scratch.placeFor(placeAt(3));
    scratch.placeFor(undefined);
    assert.equal(told.length, length, 'told what is no news');
    assert.equal(scratch.take(steppedBack(grown(1, 2), 2), undefined), true);
    assert.deepEqual(scratch.placeFor(placeAt(7)), { ...placeAt(7), after: [] });
    assert.equal(where(), 'cursor');
    scratch.end();
    assert.deepEqual(told.at(-1), { kind: 'continuation', scratch: emptyScratch, tokens: [], where: 'cursor' });
    assert.deepEqual(scratch.placeFor(placeAt(2)), placeAt(2));
  });

  it('is not taken where it cannot be', () => {
    assert.equal(scratch.take(grown(1), undefined), false);
    assert.equal(scratch.take(grown(7), originAt(7)), false);
    // Of a continuation that has gone into the text or was discarded while the page went on with it.
    const behind = originAt(7);
    assert.equal(scratch.take(grown(1, 2), { ...behind, place: { ...behind.place, after: [1] } }), false);
    assert.equal(told.length, 0);
    assert.equal(scratch.take(grown(1), originAt(7)), true);
    assert.equal(scratch.take(emptyScratch, undefined), true);
    assert.equal(scratch.document, undefined);
  });

  it('stands through edits behind it, and not through one before it, until that is undone', () => {
    scratch.take(grown(1), originAt(7, 3));
    change('The cap and even more');
    assert.deepEqual(scratch.placeFor(placeAt(7)), { ...placeAt(7), after: [1] });
    assert.equal(where(), 'cursor');
    change('A cap and even more');
    assert.equal(where(), 'edited');
    assert.deepEqual(told.at(-1)?.scratch, grown(1), 'it is gone');
    assert.deepEqual(scratch.placeFor(placeAt(2)), placeAt(2));
    assert.equal(scratch.take(grown(1, 2), originAt(2)), false);
    assert.equal(scratch.edit()?.holds, false);
    change('The cap and even more');
    assert.deepEqual(scratch.placeFor(placeAt(2)), { ...placeAt(7), after: [1] });
    assert.equal(where(), 'elsewhere');
    change('The');
    assert.equal(where(), 'edited');
    scratch.end();
    assert.equal(where(), 'cursor');
    scratch.take(grown(1), originAt(3));
    scratch.edited({ ...document, text: 'another' });
    assert.equal(where(), 'cursor');
  });

  it('holds no longer with another model, other settings, or another place of the cut', () => {
    for (const [changed, cut, expected] of [
      [{ modelHash: 'other' }, 3, 'replaced'],
      [{ dtype: 'q8' }, 3, 'replaced'],
      [{ documentVersion: 2, window: 512 }, 3, 'cursor'], // the window is that of the last scores
      [{}, 2, 'edited'],
    ] as const) {
      scratch.take(grown(1), originAt(7, 3));
      assert.equal(scratch.agrees(originAt(7, cut, changed)), expected === 'cursor');
      assert.equal(where(), expected);
      scratch.end();
    }
    assert.equal(scratch.agrees(originAt(7)), true);
    scratch.take(grown(1), originAt(7, 3));
    settings = [512];
    assert.equal(scratch.agrees(originAt(7, 3)), false);
    assert.equal(where(), 'replaced');
    scratch.end();
    scratch.take(grown(1), originAt(7, 3));
    assert.equal(scratch.agrees(originAt(5, 5, { modelHash: 'other' })), true, 'an answer of another place');
    scratch.replaced();
    change('A cap');
    change('The cap and more');
    assert.equal(where(), 'replaced');
  });

  it('is taken up again after the window has started anew, where text, model and settings are what they were', () => {
    scratch.take(grown(1, 2), originAt(7, 3));
    assert.ok(!JSON.stringify(kept).includes('cap'), 'text of the document is kept');
    const saved = kept;
    const again = (change: () => void = () => undefined) => {
      kept = saved;
      settings = [1024];
      document = { text: 'The cap and more', version: 1, isClosed: false };
      told = [];
      change();
      scratch = start();
      return scratch.recall(document, originAt(2).answer);
    };
    assert.equal(again(), true);
    assert.deepEqual([told.at(-1)?.scratch, where()], [grown(1, 2), 'elsewhere']);
    assert.deepEqual(scratch.placeFor(placeAt(7)), { ...placeAt(7), after: [1, 2] });
    assert.equal(scratch.edit()?.start, 3);
    assert.equal(scratch.recall(document, originAt(2).answer), false);
    for (const change of [
      () => (document.text = 'A cap'),
      () => (settings = [512]),
      () => (kept = { ...(saved as object), basis: 'other' }),
      () => (kept = { ...(saved as object), document: 'test:two' }),
      () => (kept = { ...(saved as object), scratch: { nodes: [], at: 3 } }),
      () => (kept = 'strange'),
    ]) {
      assert.equal(again(change), false, String(change));
      assert.deepEqual(scratch.placeFor(placeAt(2)), placeAt(2));
    }
    again();
    scratch.end();
    assert.equal(kept, undefined);
    // Another one has begun meanwhile.
    kept = saved;
    scratch = start();
    scratch.take(grown(2), originAt(2));
    scratch.end();
    assert.equal(scratch.recall(document, originAt(2).answer), false);
  });

  it('ends with its document', () => {
    scratch.take(grown(1), originAt(7, 3));
    document.isClosed = true;
    const other = { ...document, isClosed: false };
    assert.deepEqual(scratch.placeFor(placeAt(0, other)), placeAt(0, other));
    assert.equal(told.at(-1)?.scratch, emptyScratch);
  });

  it('is text in place of what is typed, without control tokens and halves of characters', () => {
    assert.equal(scratch.edit(), undefined);
    scratch.take(grown(1, 3, 5, 6, 2, 5, 4), originAt(7, 3));
    assert.deepEqual(scratch.edit(), {
      document,
      start: 3,
      end: 7,
      holds: true,
      text: ' capital\né is',
      controlTokens: 1,
      bytesLeftOut: 1,
    });
    scratch.take(grown(6, 5, 1), originAt(7, 3));
    assert.deepEqual([scratch.edit()?.text, scratch.edit()?.bytesLeftOut], [' capital', 2]);
    // Where it stands, not what was tried after it.
    scratch.take(steppedBack(grown(1, 2), 1), undefined);
    assert.equal(scratch.edit()?.text, ' capital');
  });

  it('is believed from a page only as plain data of the right form', () => {
    const said = { kind: 'continue', root: 3, scratch: grown(1, 2) };
    assert.deepEqual(fromPanel(said), said);
    for (const bad of [
      { ...said, root: '3' },
      { ...said, scratch: { nodes: [{ id: -1, rawBits: 1, sampledBits: null, parent: null }], at: 0 } },
      { ...said, scratch: { nodes: [], at: 0 } },
      { kind: 'continue', root: 3 },
      { kind: 'continued', act: 'format' },
      { kind: 'continued' },
    ]) {
      assert.equal(fromPanel(bad), undefined, JSON.stringify(bad));
    }
    assert.deepEqual(fromPanel({ kind: 'continued', act: 'insert', more: 1 }), { kind: 'continued', act: 'insert' });
  });
});
