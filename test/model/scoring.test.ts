import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tokenScores } from '../../src/core/report';
import { sliceRows } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { Arithmetic, TokenScore } from '../../src/core/scores';
import type { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import type { ModelDescription, ScoringSettings } from '../../src/model/protocol';
import { scoreText } from '../../src/model/scoreText';
import { near, PlainModel } from './plainModel';
import { bundledFolder, hardText, loadParams, never, newClient, Reader, tinyFolder, tinySettings } from './process';

/** In bits; ranks are equal but where logits tie. */
const referenceTolerance = 1e-3;

interface ReferenceText {
  readonly text: string;
  readonly window: number | null;
  readonly stride: number | null;
  readonly tokens: readonly (Omit<TokenScore, 'surprisalBits' | 'entropyBits' | 'rank'> & {
    readonly surprisalBits: number;
    readonly entropyBits: number;
    readonly rank: number;
  })[];
}

function referenceTexts(name: string): ReferenceText[] {
  return Object.values(JSON.parse(readFileSync(`test/reference/${name}.json`, 'utf8')) as Record<string, ReferenceText>);
}

/** Every value of the reference: places exactly, numbers to the tolerance. */
function assertReference(got: readonly TokenScore[], { tokens }: ReferenceText): void {
  assert.equal(got.length, tokens.length);
  for (const [row, expected] of tokens.entries()) {
    const token = got[row] ?? assert.fail();
    const what = `of token ${String(row)}`;
    for (const name of ['id', 'startByte', 'endByte', 'start', 'end', 'contextTokens'] as const)
      assert.equal(token[name], expected[name], `${name} ${what}`);
    near(token.surprisalBits ?? NaN, expected.surprisalBits, referenceTolerance, `surprisal ${what}`);
    near(token.entropyBits ?? NaN, expected.entropyBits, referenceTolerance, `entropy ${what}`);
    assert.equal(token.rank, expected.rank, `rank ${what}`);
    assert.equal(token.topIds.length, expected.topIds.length);
    for (const [place, probability] of token.topProbabilities.entries()) {
      const reference = expected.topProbabilities[place] ?? NaN;
      // The reference has six decimals.
      const tolerance = 2e-6 + referenceTolerance * reference;
      near(probability, reference, tolerance, `alternative ${String(place)} ${what}`);
      // Another order only where the tolerance cannot tell them apart.
      const own = expected.topProbabilities[expected.topIds.indexOf(token.topIds[place] ?? -1)] ?? expected.topProbabilities.at(-1);
      near(own, reference, tolerance, `order of alternative ${String(place)} ${what}`);
    }
  }
}

describe('the model process', () => {
  let client: ModelClient;
  let model: ModelDescription;
  let plain: PlainModel;
  before(async () => {
    plain = await PlainModel.open(tinyFolder);
    client = newClient();
    model = await client.call('load', loadParams(tinyFolder), never);
  });
  after(() => {
    client.dispose();
  });

  it('reads an open document anew when another model is loaded in the same process', async () => {
    const shared = newClient();
    try {
      const reader = new Reader(shared, (await shared.call('load', loadParams(bundledFolder), never)).key, 'two models');
      await reader.open(hardText);
      await reader.score(tinySettings);
      const other = await shared.call('load', loadParams(tinyFolder), never);
      const params = { model: other.key, document: 'two models', version: 1, settings: tinySettings, visible: [], knownTableId: undefined };
      let ids: Int32Array | undefined;
      await shared.call('score', params, never, event => {
        if (event.kind === 'layout') {
          ids = event.ids;
          assert.deepEqual(event.carried, []);
        }
      });
      assert.deepEqual(ids, (await plain.read(hardText)).layout.ids);
    } finally {
      shared.dispose();
    }
  });

  it('cuts the text at the right place after a second byte order mark, which is text', async () => {
    const reader = new Reader(client, model.key, 'two marks');
    await reader.open('\ufeff\ufeffab cdef');
    assert.equal((await reader.next(tinySettings, 7)).cut, 4);
  });

  it('says which questions fail because it has another version of the text, and which for ever', async () => {
    const reader = new Reader(client, model.key, 'never opened');
    await assert.rejects(reader.score(tinySettings), { code: 'out-of-step' });
    await reader.open('text');
    await assert.rejects(reader.next({ ...tinySettings, useStartToken: false }, 0), { code: 'bad-argument' });
  });

  it('gives the same numbers when many documents are asked about in turn', async () => {
    const texts = Array.from({ length: 5 }, (_, index) => `${String(index)} ${hardText}`);
    const readers = texts.map((_, index) => new Reader(client, model.key, `turn ${String(index)}`));
    for (const [index, reader] of readers.entries()) await reader.open(texts[index] ?? '');
    await Promise.all(readers.map(reader => reader.score(tinySettings)));
    for (const reader of readers) await reader.edit(200, 201, 'Z');
    await Promise.all(readers.map(reader => reader.score(tinySettings)));
    for (const { finished, text } of readers)
      await (await plain.read(text)).assertRows(sliceRows(finished, 0, finished.length), tinySettings, [0], text.slice(0, 1));
  });

  it('describes the model it loaded', () => {
    assert.equal(model.startTokenId, 0);
    assert.equal(model.positions, 128);
    assert.equal(model.key.dtype, 'fp32');
    assert.match(model.key.contentHash, /^[0-9a-f]{64}$/);
    assert.equal(model.vocabulary.controlNames[0], '<|endoftext|>');
  });

  it('refuses every call that names another model', async () => {
    const other = { ...model.key, contentHash: '0'.repeat(64) };
    const refused = (error: unknown) => error instanceof ModelError && error.code === 'bad-argument';
    const settings = tinySettings;
    const document = 'for another model';
    await assert.rejects(client.call('open', { model: other, document, version: 1, text: 'a' }, never), refused);
    await client.call('open', { model: model.key, document, version: 1, text: 'a' }, never);
    await assert.rejects(
      client.call('change', { model: other, document, fromVersion: 1, version: 2, edits: [], length: 1 }, never),
      refused,
    );
    await assert.rejects(client.call('close', { model: other, document }, never), refused);
    const visible = { visible: [], knownTableId: undefined };
    await assert.rejects(client.call('score', { model: other, document, version: 1, settings, ...visible }, never), refused);
    await assert.rejects(client.call('next', { model: other, document, version: 1, settings, offset: 0, after: [] }, never), refused);
    await client.call('score', { model: model.key, document, version: 1, settings, ...visible }, never);
  });

  it('gives the reference values for the tiny model, windows included', async () => {
    for (const reference of referenceTexts('tiny-gpt2')) {
      const { text, window, stride } = reference;
      assert.ok(window !== null && stride !== null);
      const settings = { ...tinySettings, contextTokens: window, overlapTokens: window - stride };
      assertReference(tokenScores((await scoreText(client, loadParams(tinyFolder), text, settings, 'native', never)).table), reference);
    }
  });

  it('leaves the first token of a window unscored without a start token, and says so with null', async () => {
    const settings = { ...tinySettings, useStartToken: false };
    const { table, result } = await scoreText(client, loadParams(tinyFolder), 'To be, or not to be.', settings, 'native', never);
    assert.equal(result.startTokenId, null);
    assert.deepEqual([...table.states.subarray(0, 3)], [rowState.unscored, rowState.scored, rowState.scored]);
    const [first, second] = tokenScores(table);
    assert.equal(first?.surprisalBits, null);
    assert.equal(first.rank, null);
    assert.equal(typeof first.unscoredReason, 'string');
    assert.equal(second?.contextTokens, 1);
    const one = await scoreText(client, loadParams(tinyFolder), 'T', settings, 'native', never);
    assert.deepEqual([...one.table.states], [rowState.unscored]);
  });

  it('answers for nothing and for one character', async () => {
    assert.equal((await scoreText(client, loadParams(tinyFolder), '', tinySettings, 'native', never)).table.length, 0);
    const { table } = await scoreText(client, loadParams(tinyFolder), 'T', tinySettings, 'native', never);
    assert.equal(table.length, 1);
    assert.equal(table.states[0], rowState.scored);
  });

  describe('with the bundled model', () => {
    const settings: ScoringSettings = {
      contextTokens: 1024,
      overlapTokens: 256,
      anchors: 'grid',
      topCount: 5,
      useStartToken: true,
      watchWords: [],
    };
    let bundledClient: ModelClient;
    let bundled: ModelDescription;
    before(async () => {
      bundledClient = newClient();
      bundled = await bundledClient.call('load', loadParams(bundledFolder), never);
    });
    after(() => {
      bundledClient.dispose();
    });

    const scores = async (text: string, arithmetic: Arithmetic) =>
      tokenScores((await scoreText(bundledClient, loadParams(bundledFolder), text, settings, arithmetic, never)).table);

    it('gives the reference values in float32 arithmetic', async () => {
      for (const reference of referenceTexts('smollm2-135m-instruct')) assertReference(await scores(reference.text, 'float32'), reference);
    });

    it('gives the reference values within the noise of its native arithmetic', async () => {
      const pairs: (readonly [got: number, expected: number])[] = [];
      for (const { text, tokens } of referenceTexts('smollm2-135m-instruct')) {
        const got = await scores(text, 'native');
        assert.deepEqual(
          got.map(({ id, start, end }) => [id, start, end]),
          tokens.map(({ id, start, end }) => [id, start, end]),
        );
        pairs.push(...tokens.map(({ surprisalBits }, row) => [got[row]?.surprisalBits ?? NaN, surprisalBits] as const));
      }
      const differences = pairs.map(([got, expected]) => Math.abs(got - expected)).sort((a, b) => a - b);
      assert.ok(differences.reduce((sum, bits) => sum + bits, 0) / differences.length <= 0.15);
      assert.ok((differences[Math.floor(differences.length * 0.95)] ?? NaN) <= 0.5);
      assert.ok(correlation(pairs) >= 0.997);
      assert.ok((differences.at(-1) ?? NaN) > referenceTolerance, 'another arithmetic than float32');
    });

    const cuts: readonly [name: string, text: string, cut: number][] = [
      ['the end of a word at the end of the text', 'The capital of France is|', 24],
      ['after a space at the end', 'The capital of France is |', 24],
      ['after two spaces at the end', 'The capital of France is  |', 24],
      ['after a line feed at the end', 'The end.\n|', 9],
      ['inside a word', 'The har|bour is quiet', 3],
      ['between a space and its word', 'The capital |of', 11],
      ['the beginning', '|The', 0],
      ['inside indentation', 'if (x) {\n  |  return;', 8],
      ['inside a contraction, whose beginning is a pre-token of its own', "I said they'l|l come", 11],
    ];
    for (const [name, marked, cut] of cuts) {
      it(`cuts the text for the next token where its pre-token starts: ${name}`, async () => {
        const reader = new Reader(bundledClient, bundled.key, name);
        await reader.open(marked.replace('|', ''));
        const next = await reader.next({ ...tinySettings, contextTokens: 512 }, marked.indexOf('|'));
        assert.equal(next.cut, cut);
      });
    }
  });
});

function correlation(pairs: readonly (readonly [number, number])[]): number {
  const mean = (pick: (pair: readonly [number, number]) => number) => pairs.reduce((sum, pair) => sum + pick(pair), 0) / pairs.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const covariance = mean(([x, y]) => (x - meanX) * (y - meanY));
  return covariance / Math.sqrt(mean(([x]) => (x - meanX) ** 2) * mean(([, y]) => (y - meanY) ** 2));
}
