import assert from 'node:assert/strict';
import { applySampling, rankTokens } from '../../src/core/sampling';
import type { SamplingSettings } from '../../src/core/sampling';
import { draw, SeededRandom } from '../../src/core/seededRandom';
import { Vocabulary } from '../../src/core/vocabulary';
import type { ModelClient } from '../../src/model/client';
import type { FuturesParams, ModelDescription, ScoringSettings } from '../../src/model/protocol';
import { near, PlainModel } from './plainModel';
import { hardText, loadParams, markdown, measure, never, newClient, randomNumbers, Reader, tinyFolder, tinySettings } from './process';

/** From one token to many; white space, a line's end, other scripts, an emoji. */
const continuations = [' the', ' boats came', '.\n\n', 'e', ' 日本🙂', '\n- a harbour of the ferry', ' xylophone'.repeat(6)];

const narrow: ScoringSettings = { ...tinySettings, contextTokens: 24, overlapTokens: 8 };
const allSettings: readonly ScoringSettings[] = [
  tinySettings,
  narrow,
  { ...narrow, anchors: 'text' },
  { ...tinySettings, contextTokens: 9, overlapTokens: 3, useStartToken: false },
];

describe('what comes after tokens that are not in the document', () => {
  const clients: ModelClient[] = [];
  let plain: PlainModel;
  before(async () => {
    plain = await PlainModel.open(tinyFolder);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start(): Promise<{ readonly client: ModelClient; readonly model: ModelDescription }> {
    const client = newClient(undefined, 16);
    clients.push(client);
    return { client, model: await client.call('load', { ...loadParams(tinyFolder), threads: 1 }, never) };
  }

  async function idsOf(text: string): Promise<readonly number[]> {
    return [...(await plain.read(text)).layout.ids];
  }

  it('is what is said at that place of the text that has them, to every question', async () => {
    const { client, model } = await start();
    const random = randomNumbers(71);
    const without = new Reader(client, model.key, 'without');
    const having = new Reader(client, model.key, 'having');
    const compared = { atEnd: 0, within: 0, moved: 0 };
    for (let round = 0; round < 60; round++) {
      const settings = allSettings[round % allSettings.length] ?? assert.fail();
      const text = (round % 3 === 0 ? hardText : markdown(200)).slice(0, 30 + random(160));
      const added = continuations[random(continuations.length)] ?? assert.fail();
      const after = await idsOf(added);
      await without.open(text);
      const offset = round % 2 === 0 ? text.length : random(text.length);
      const plainAnswer = await without.next(settings, offset);
      const { cut } = plainAnswer;
      const whole = text.slice(0, cut) + added + (round % 2 === 0 ? '' : text.slice(cut));
      const before = await idsOf(text.slice(0, cut));
      const ids = await idsOf(whole);
      if (ids.slice(0, before.length + after.length).join() !== [...before, ...after].join()) continue; // other tokens
      if (round % 2 !== 0 && ids.slice(before.length + after.length).join() !== (await idsOf(text)).slice(before.length).join()) continue;
      await having.open(whole);
      const place = cut + added.length;
      const expected = await having.next(settings, place);
      if (expected.cut !== place) continue;
      const answer = await without.next(settings, offset, never, after);
      assert.equal(answer.cut, cut);
      assert.equal(answer.contextTokens, expected.contextTokens);
      near(answer.entropyBits, expected.entropyBits, 1e-4, `entropy in round ${String(round)}`);
      for (const [id, log] of expected.logProbabilities.entries()) near(answer.logProbabilities[id], log, 1e-4, `round ${String(round)}`);

      const texts = [' tide', 'e', '\n', ' return x', ''];
      const [chained, chain] = await Promise.all([
        without.chain(settings, offset, texts, never, after),
        having.chain(settings, place, texts),
      ]);
      for (const [index, log] of chain.logProbabilities.entries()) near(chained.logProbabilities[index], log, 1e-3, texts[index] ?? '');
      const [words, expectedWords] = [await without.words(settings, offset, 3, 3, never, after), await having.words(settings, place, 3, 3)];
      assert.deepEqual(
        words.words.map(word => [...word.ids]),
        expectedWords.words.map(word => [...word.ids]),
      );
      if (answer.contextTokens < plainAnswer.contextTokens + after.length) compared.moved++;
      compared[round % 2 === 0 ? 'atEnd' : 'within']++;
    }
    assert.ok(compared.atEnd > 10 && compared.within > 5 && compared.moved > 3, JSON.stringify(compared));
  });

  it('goes on from them in futures too', async () => {
    const { client, model } = await start();
    const without = new Reader(client, model.key, 'without');
    const having = new Reader(client, model.key, 'having');
    const text = markdown(100);
    const added = ' the boats';
    const wanted = { first: 0, count: 5, mostTokens: 6, sampling: {}, seed: 3, forced: undefined };
    await without.open(text);
    await having.open(text + added);
    const [found, expected] = [
      await without.futures(tinySettings, text.length, wanted, never, await idsOf(added)),
      await having.futures(tinySettings, text.length + added.length, wanted),
    ];
    assert.deepEqual(
      found.continuations.map(({ ids }) => [...ids]),
      expected.continuations.map(({ ids }) => [...ids]),
    );
    assert.equal(found.contextTokens, expected.contextTokens);
    assert.equal(found.cut, text.length);
  });

  it('takes the place of what is typed of a word', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'typed');
    await reader.open('The boats came into the harbour today');
    const places = await Promise.all(Array.from(reader.text, async (_, at) => ({ at, cut: (await reader.next(tinySettings, at)).cut })));
    const { at, cut } = places.find(place => place.cut + 1 < place.at) ?? assert.fail();
    const after = await idsOf(' the');
    const inside = await reader.next(tinySettings, at, never, after);
    assert.equal(inside.cut, cut);
    assert.deepEqual(inside, await reader.next(tinySettings, cut, never, after));
    // Nothing of the typed text has to be gone on with any more.
    const { logProbabilities } = await reader.chain(tinySettings, at, ['.'], never, after);
    assert.ok((logProbabilities[0] ?? NaN) > -Infinity);
  });

  it('costs a token or two for each token more, and as much after a step back and another branch', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'steps');
    await reader.open(markdown(150));
    const offset = reader.text.length;
    const ids = (await idsOf(markdown(300))).slice(0, 12);
    await reader.next(tinySettings, offset);
    const costs: number[] = [];
    const paths = [...ids.map((_, index) => ids.slice(0, index + 1)), [...ids.slice(0, 5), 7], [...ids.slice(0, 5), 7, 8], ids.slice(0, 6)];
    for (const after of paths) {
      const before = (await measure(client, model.key)).tokensRun;
      await reader.next(tinySettings, offset, never, after);
      costs.push((await measure(client, model.key)).tokensRun - before);
    }
    assert.ok(
      costs.every(cost => cost <= 2),
      costs.join(),
    );
  });

  it('step by step, with the seed’s numbers one after the other, is continuation 0 of the futures', async () => {
    const { client, model } = await start();
    const vocabulary = new Vocabulary(model.vocabulary);
    const reader = new Reader(client, model.key, 'drawn');
    const all: readonly SamplingSettings[] = [{}, { temperature: 1.3 }, { temperature: 0.8, topK: 30 }, { topP: 0.9, minP: 0.001 }];
    for (const [index, sampling] of all.entries()) {
      const text = markdown(80 + 20 * index);
      await reader.open(text);
      for (const seed of [0, 1, 2026 + index]) {
        const wanted: Omit<FuturesParams, 'model' | 'document' | 'version' | 'settings' | 'offset' | 'after'> = { first: 0, count: 1, mostTokens: 10, sampling, seed, forced: undefined }; // prettier-ignore
        const [future] = (await reader.futures(tinySettings, text.length, wanted)).continuations;
        const random = new SeededRandom(seed);
        const ids: number[] = [];
        while (ids.length < 10 && vocabulary.controlNameOf(ids.at(-1) ?? -1) === undefined) {
          const { logProbabilities } = await reader.next(tinySettings, text.length, never, ids);
          ids.push(draw(applySampling(rankTokens(logProbabilities), sampling).kept, random).id);
        }
        assert.deepEqual(ids, [...(future?.ids ?? [])], `seed ${String(seed)}`);
      }
    }
  });

  it('is refused for ids that are none', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'refused');
    await reader.open('The boats');
    for (const after of [[-1], [0.5], [new Vocabulary(model.vocabulary).size], [3, NaN]]) {
      await assert.rejects(reader.next(tinySettings, 9, never, after), { code: 'bad-argument' });
    }
  });
});
