import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import { cellsOf } from '../../src/core/cells';
import { scoredCopyOf } from '../../src/core/scoredCopy';
import { rowState } from '../../src/core/scores';
import { Vocabulary } from '../../src/core/vocabulary';
import { ModelError } from '../../src/model/errors';
import { NodeSchema, TensorDataSchema, ValueSchema } from '../../src/model/onnxProto';
import type { Model } from '../../src/model/onnxProto';
import type { ModelDescription } from '../../src/model/protocol';
import { ScoringSession } from '../../src/model/session';
import { noSets } from '../../src/model/tokenSets';
import { TextTokenizer } from '../../src/model/tokens';
import { Folders, sessionOptions, tinyGpt2 } from './graphs';
import type { ModelFile } from './graphs';
import { loadParams, never, newClient, Reader, tinySettings } from './process';

/** What tools/model/families.py made of the weights in NumPy, and of the strings by the reference implementation of tokenizers (Rust). */
interface Reference {
  readonly start: number;
  readonly strings: readonly { readonly text: string; readonly ids: readonly number[] }[];
  /** Other forms of the tokenizer, and the ids of the same strings. */
  readonly variants: readonly { readonly pre_tokenizer: unknown; readonly ids: readonly (readonly number[])[] }[];
  readonly scores: {
    readonly ids: readonly number[];
    readonly surprisalBits: readonly number[];
    readonly entropyBits: readonly number[];
    readonly ranks: readonly number[];
  };
}

interface Family extends ModelFile {
  readonly name: string;
  /** Largest difference from the reference in native arithmetic; that of float32 is `exactBits`. */
  readonly nativeBits: number;
  readonly float32: 'same' | 'rewritten' | 'impossible';
}

const exactBits = 1e-3;
const family = (name: string, dtype: string, graph: string, rest: Pick<Family, 'nativeBits' | 'float32'>): Family => ({
  name,
  folder: path.resolve('test/fixtures/families', name),
  dtype,
  graph,
  ...rest,
});
const families: readonly Family[] = [
  family('llama', 'q4', 'model_q4.onnx', { nativeBits: exactBits, float32: 'same' }),
  family('qwen2', 'q8', 'model_quantized.onnx', { nativeBits: 1, float32: 'rewritten' }), // activations in 8 bits
  family('gemma2', 'fp32', 'model.onnx', { nativeBits: exactBits, float32: 'same' }),
  family('phi', 'fp32', 'model.onnx', { nativeBits: exactBits, float32: 'same' }),
  family('gpt_neox', 'fp16', 'model_fp16.onnx', { nativeBits: 0.1, float32: 'impossible' }), // every number in 16 bits
];

function json(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

const largest = (differences: readonly number[]) => differences.reduce((most, bits) => Math.max(most, Math.abs(bits)), 0);

for (const { name, nativeBits, float32, ...file } of families) {
  const reference = json(path.join(file.folder, 'reference.json')) as Reference;
  const text = reference.strings.at(-1)?.text ?? '';

  describe(`a model of the family ${name} (${file.dtype})`, () => {
    const tokenizer = new TextTokenizer(json(path.join(file.folder, 'tokenizer.json')));
    const vocabulary = new Vocabulary(tokenizer.vocabulary);
    const client = newClient();
    const folders = new Folders();
    let model: ModelDescription;
    before(async () => {
      model = await client.call('load', loadParams(file.folder), never);
    });
    after(() => {
      client.dispose();
      folders.clear();
    });

    it('gives the ids of the reference implementation for hard strings', async () => {
      for (const { text: string, ids } of reference.strings) {
        const layout = await tokenizer.layout(scoredCopyOf(string), never);
        assert.deepEqual([...layout.ids], ids, JSON.stringify(string));
      }
    });

    it('lays every token on its own bytes of the text', async () => {
      for (const { text: string } of reference.strings) {
        const copy = scoredCopyOf(string);
        const { ids, startBytes, endBytes, starts, ends, gaps } = await tokenizer.layout(copy, never);
        assert.deepEqual(gaps, []);
        let at = 0;
        for (const [row, id] of ids.entries()) {
          assert.equal(startBytes[row], at, JSON.stringify(string));
          at = endBytes[row] ?? 0;
          const own = Buffer.from(copy.bytes.subarray(startBytes[row], at)).toString('latin1');
          const bytes = Buffer.from(vocabulary.bytesOf(id)).toString('latin1');
          // Read in another way: composed, the sign for a space as one, a space before the text.
          const isLiteral = string.normalize('NFC') === string && !string.includes('\u2581') && startBytes[row] !== 0;
          if (isLiteral) assert.equal(bytes, own, JSON.stringify(string));
          assert.ok((starts[row] ?? 0) < (ends[row] ?? 0), 'there is something to colour');
        }
        assert.equal(at, copy.bytes.length, JSON.stringify(string));
      }
    });

    it('has the same tokens after edits as from the beginning', async () => {
      const whole = reference.strings.map(string => string.text).join(' ');
      let previous = await tokenizer.layout(scoredCopyOf(whole), never);
      const places = Array.from({ length: 60 }, (_, index) => Math.floor((index * whole.length) / 60));
      for (const [index, place] of places.entries()) {
        const inserted = ['', ' ', '\u0301', '\n', 'e', '\u2581', '  x'][index % 7] ?? '';
        const changed = whole.slice(0, place) + inserted + whole.slice(place + (index % 3));
        for (const edited of [changed, whole.slice(place), whole.slice(0, place)]) {
          const copy = scoredCopyOf(edited);
          const layout = await tokenizer.layout(copy, never, previous);
          assert.deepEqual(layout, await tokenizer.layout(copy, never), `at ${String(place)}`);
          previous = layout;
        }
      }
    });

    it('begins with its own start token', () => {
      assert.equal(model.startTokenId, reference.start);
    });

    for (const arithmetic of ['native', 'float32'] as const) {
      const most = arithmetic === 'native' ? nativeBits : exactBits;
      if (arithmetic === 'float32' && float32 !== 'rewritten') continue;
      for (const head of ['grafted', 'plain'] as const) {
        it(`gives the numbers of the reference in ${arithmetic} arithmetic, by the ${head} path, whole and in chunks`, async () => {
          const session = await ScoringSession.open(sessionOptions(head === 'plain' ? folders.withoutHead(file) : file, { arithmetic }));
          try {
            assert.equal(session.head, head);
            const { ids, surprisalBits, entropyBits, ranks } = reference.scores;
            const whole = await rowsOf(session, ids, ids.length);
            assert.equal(whole.surprisalBits.length, surprisalBits.length);
            assert.ok(largest(whole.surprisalBits.map((bits, row) => bits - (surprisalBits[row] ?? NaN))) <= most);
            assert.ok(largest(whole.entropyBits.map((bits, row) => bits - (entropyBits[row] ?? NaN))) <= most);
            if (most === exactBits) assert.ok(whole.ranks.filter((rank, row) => rank !== ranks[row]).length <= 1); // near ties
            for (const chunk of [2, 7, 31]) {
              const chunked = await rowsOf(session, ids, chunk);
              const difference = largest(chunked.surprisalBits.map((bits, row) => bits - (whole.surprisalBits[row] ?? NaN)));
              assert.ok(difference <= (file.dtype === 'fp16' ? 0.02 : 1e-4), `${String(difference)} in chunks of ${String(chunk)}`);
            }
          } finally {
            await session.dispose();
          }
        });
      }
    }

    it('can be scored in float32 arithmetic, or says why not', async () => {
      const reader = new Reader(client, { ...model.key, arithmetic: 'float32' }, 'float32');
      await reader.open(text);
      if (float32 === 'impossible') await assert.rejects(reader.score(tinySettings), { code: 'unsupported' });
      else await reader.score(tinySettings);
      await reader.close();
    });

    it('scores a text as the reference does', async () => {
      const reader = new Reader(client, model.key, 'scores');
      await reader.open(text);
      await reader.score(tinySettings);
      const { ids, surprisalBits, states, length } = reader.finished;
      assert.deepEqual([...ids], reference.strings.at(-1)?.ids);
      assert.ok(length > 40 && states.every(state => state === rowState.scored));
      const expected = reference.scores.surprisalBits.slice(0, length);
      assert.ok(largest(expected.map((bits, row) => bits - (surprisalBits[row] ?? NaN))) <= nativeBits);
      const { selfCheck, head } = model;
      assert.equal(head, 'grafted');
      assert.ok(!selfCheck.plausible && selfCheck.repeatabilityBits <= 0.02);
      await reader.close();
    });

    it('colours all of a hard text, each character once', async () => {
      const reader = new Reader(client, model.key, 'cells');
      for (const { text: string } of reference.strings) {
        await reader.open(string);
        await reader.score({ ...tinySettings, contextTokens: 64, overlapTokens: 32 });
        const cells = cellsOf(reader.finished);
        let at = string.startsWith('\ufeff') ? 1 : 0;
        for (let cell = 0; cell < cells.length; cell++) {
          assert.equal(cells.starts[cell], at, JSON.stringify(string));
          assert.ok(!Number.isNaN(cells.bits[cell]));
          at = cells.ends[cell] ?? 0;
        }
        assert.equal(at, string.length, JSON.stringify(string));
      }
      await reader.close();
    });

    it('predicts what comes next, whole words, and a draft', async () => {
      const reader = new Reader(client, model.key, 'next');
      await reader.open(text);
      await reader.score(tinySettings);
      const { ids, starts, surprisalBits } = reader.finished;
      const row = 20;
      const offset = starts[row] ?? 0;
      const { logProbabilities, cut } = await reader.next(tinySettings, offset);
      assert.equal(cut, offset);
      const bits = -(logProbabilities[ids[row] ?? -1] ?? NaN) / Math.LN2;
      assert.ok(Math.abs(bits - (surprisalBits[row] ?? NaN)) <= (nativeBits === exactBits ? exactBits : 0.3), String(bits));
      const { words } = await reader.words(tinySettings, offset, 3);
      assert.equal(words.length, 3);
      const begins = { kind: 'forced', forced: ids[row] ?? 0 } as const;
      const draft = await reader.draft(tinySettings, offset, { after: [], begins, mostTokens: 5, leastProbability: 0, atLineEnd: false });
      assert.ok(draft.cut === offset && draft.ids[0] === ids[row]);
      assert.ok(draft.ids.length === 5 || draft.ended === 'control');
      assert.ok(draft.logProbabilities.every(log => log <= 0));
      await reader.close();
    });
  });
}

describe('a tokenizer that composes text', () => {
  it('gives all tokens of a composed character all of what is written for it, and each byte to one of them', async () => {
    const tokenizer = new TextTokenizer(json('test/fixtures/families/qwen2/tokenizer.json'));
    const layout = await tokenizer.layout(scoredCopyOf('a o\u0302\u0323!'), never); // read as U+1ED9
    const rows = layout.ids.length;
    const bytes = [...layout.ids].map(id => Buffer.from(new Vocabulary(tokenizer.vocabulary).bytesOf(id)));
    assert.equal(Buffer.concat(bytes).toString(), 'a \u1ed9!');
    const parts = [...layout.starts].flatMap((start, row) => (start < 5 && (layout.ends[row] ?? 0) >= 5 ? [row] : []));
    assert.ok(parts.length >= 2, 'it is of several tokens');
    for (const row of parts) assert.equal(layout.ends[row], 5);
    assert.equal(layout.starts[parts.at(-1) ?? 0], 2);
    assert.deepEqual([...layout.startBytes.subarray(1)], [...layout.endBytes.subarray(0, rows - 1)]);
    assert.deepEqual([layout.startBytes[0], layout.endBytes[rows - 1]], [0, 8]);
  });
});

describe("sentencepiece's tokenizers", () => {
  const folder = path.resolve('test/fixtures/families/llama');
  const file = json(path.join(folder, 'tokenizer.json')) as Readonly<Record<string, unknown>> & {
    readonly model: { readonly vocab: object };
  };
  const { strings, variants } = json(path.join(folder, 'reference.json')) as Reference;

  for (const { pre_tokenizer, ids } of variants) {
    it(`give the ids of the reference implementation where spaces are signed by ${JSON.stringify(pre_tokenizer)}`, async () => {
      const tokenizer = new TextTokenizer({ ...file, normalizer: null, pre_tokenizer });
      for (const [index, { text }] of strings.entries()) {
        const { ids: found, endBytes } = await tokenizer.layout(scoredCopyOf(text), never);
        assert.deepEqual([...found], ids[index], JSON.stringify(text));
        assert.equal(endBytes.at(-1) ?? 0, scoredCopyOf(text).bytes.length);
      }
    });
  }

  it('read a space before the text, which is no byte of it', async () => {
    const tokenizer = new TextTokenizer(file);
    const alone = await tokenizer.layout(scoredCopyOf('\nx'), never);
    const bytes = [...alone.ids].map(id => Buffer.from(new Vocabulary(tokenizer.vocabulary).bytesOf(id)).toString());
    assert.deepEqual(bytes, [' ', '\n', 'x']);
    assert.deepEqual([...alone.startBytes], [0, 0, 1]);
    assert.deepEqual([...alone.endBytes], [0, 1, 2]);
    // It shares the first character, so that its bits are in the first cell.
    assert.deepEqual(
      [[...alone.starts], [...alone.ends]],
      [
        [0, 0, 1],
        [1, 1, 2],
      ],
    );
    assert.deepEqual([...tokenizer.idsOf('x')], [alone.ids[2]]);
  });

  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
  const withModel = (change: object) => ({ ...file, model: { ...file.model, ...change } });
  const cases: Readonly<Record<string, readonly [object, RegExp]>> = {
    'are of the kind Unigram': [withModel({ type: 'Unigram' }), /kind Unigram/],
    'have no tokens for bytes': [withModel({ byte_fallback: false }), /does not work on bytes/],
    'have not all of them': [
      withModel({ vocab: Object.fromEntries(Object.entries(file.model.vocab).filter(([token]) => token !== '<0x7F>')) }),
      /for every byte/,
    ],
    'read a compatible form of the text': [{ ...file, normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, replace] } }, /NFKC/],
    'read small letters': [{ ...file, normalizer: { type: 'Sequence', normalizers: [{ type: 'Lowercase' }, replace] } }, /Lowercase/],
    'read by a table': [{ ...file, normalizer: { type: 'Sequence', normalizers: [{ type: 'Precompiled' }, replace] } }, /Precompiled/],
    'strip the text': [{ ...file, normalizer: { type: 'Sequence', normalizers: [{ type: 'Strip' }, replace] } }, /Strip/],
    'replace anything else': [{ ...file, normalizer: { ...replace, pattern: { Regex: '\\s' } } }, /Replace/],
    'have no sign for spaces': [{ ...file, normalizer: null }, /no sign for spaces/],
  };
  for (const [name, [changed, words]] of Object.entries(cases)) {
    it(`are refused where they ${name}`, () => {
      assert.throws(
        () => new TextTokenizer(changed),
        (error: unknown) => error instanceof ModelError && error.code === 'cannot-align' && words.test(error.message),
      );
    });
  }
});

describe('an export that asks of how many positions logits are wanted', () => {
  const folders = new Folders();
  after(() => {
    folders.clear();
  });

  /** Logits of the last so many positions, 0 for all: -0 is where they begin. */
  const lastOnly = (dims: readonly bigint[]) => (model: Model) => {
    const { graph } = model;
    if (!graph) throw new Error('no graph');
    for (const node of graph.node) node.output = node.output.map(output => (output === 'logits' ? 'all_logits' : output));
    const nodes: readonly [string, string[], string][] = [
      ['Reshape', ['num_logits_to_keep', 'keep_shape'], 'keep'],
      ['Neg', ['keep'], 'keep_from'],
      ['Slice', ['all_logits', 'keep_from', 'keep_to', 'keep_shape'], 'logits'],
    ];
    for (const [opType, input, output] of nodes) graph.node.push(create(NodeSchema, { opType, name: output, input, output: [output] }));
    for (const [name, value] of [
      ['keep_shape', 1n],
      ['keep_to', 2n ** 40n],
    ] as const) {
      graph.initializer.push(
        create(TensorDataSchema, { name, dataType: 7, dims: [1n], rawData: new Uint8Array(BigInt64Array.of(value).buffer) }),
      );
    }
    const shape = { dim: dims.map(dimValue => ({ dimValue })) };
    graph.input.push(create(ValueSchema, { name: 'num_logits_to_keep', type: { tensorType: { elemType: 7, shape } } }));
  };

  for (const dims of [[], [1n]]) {
    it(`gives those of all, and the same numbers: ${JSON.stringify(dims.map(Number))}`, async () => {
      const ids = [0, 5, 77, 31, 8, 250, 9];
      const rows = [];
      for (const file of [tinyGpt2, folders.tinyWith(lastOnly(dims))]) {
        const session = await ScoringSession.open(sessionOptions(file));
        rows.push(await rowsOf(session, ids, ids.length));
        await session.dispose();
      }
      assert.deepEqual(rows[1], rows[0]);
      assert.equal(rows[0]?.ranks.length, ids.length - 1);
    });
  }
});

/** Rows of every id after the first, run in chunks of so many ids. */
async function rowsOf(session: ScoringSession, ids: readonly number[], chunk: number) {
  const surprisalBits: number[] = [];
  const entropyBits: number[] = [];
  const ranks: number[] = [];
  let cache = session.emptyCache;
  const inputs = ids.slice(0, -1);
  for (let at = 0; at < inputs.length;) {
    const rest = inputs.length - at;
    const count = rest - chunk < 2 ? rest : chunk;
    const labels = Int32Array.from(ids.slice(at + 1, at + 1 + count));
    const rows = { first: 0, labels, topCount: 3, sets: noSets };
    const result = await session.run(inputs.slice(at, at + count), cache, { rows, cache: true });
    surprisalBits.push(...(result.rows?.surprisalBits ?? []));
    entropyBits.push(...(result.rows?.entropyBits ?? []));
    ranks.push(...(result.rows?.ranks ?? []));
    cache = result.cache ?? session.emptyCache;
    at += count;
  }
  return { surprisalBits, entropyBits, ranks };
}
