import assert from 'node:assert/strict';
import type { ModelClient } from '../../src/model/client';
import type { ModelDescription, ScoringSettings } from '../../src/model/protocol';
import { near, PlainModel } from './plainModel';
import { hardText, loadParams, markdown, measure, never, newClient, randomNumbers, Reader, tinyFolder, tinySettings } from './process';

/** From one token to several; with and without white space, other scripts, an emoji. */
const words = [' the', ' boats', 'e', ' a', ' xylophone', 'harbour', ' 日本', '🙂', '.', '\n', ' return', ' ferry tide'];

describe('the probability of a whole text at one place', () => {
  const clients: ModelClient[] = [];
  let plain: PlainModel;
  before(async () => {
    plain = await PlainModel.open(tinyFolder);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start(chunkTokens = 16): Promise<{ readonly client: ModelClient; readonly model: ModelDescription }> {
    const client = newClient(undefined, chunkTokens);
    clients.push(client);
    return { client, model: await client.call('load', { ...loadParams(tinyFolder), threads: 1 }, never) };
  }

  async function idsOf(text: string): Promise<readonly number[]> {
    return [...(await plain.read(text)).layout.ids];
  }

  it('is the product over its tokens, and for one token what the distribution says', async () => {
    const { client, model } = await start();
    const random = randomNumbers(51);
    const reader = new Reader(client, model.key, 'wide');
    const compared = { one: 0, more: 0 };
    for (let round = 0; round < 25; round++) {
      const text = (round % 2 === 0 ? hardText : markdown(120)).slice(0, 20 + random(30));
      await reader.open(text);
      const { starts } = (await plain.read(text)).layout;
      const row = random(starts.length);
      const offset = starts[row] ?? 0;
      const next = await reader.next(tinySettings, offset);
      if (next.cut !== offset || starts[row - 1] === offset || starts[row + 1] === offset) continue; // within a character or a token: see below
      const { cut, logProbabilities } = await reader.chain(tinySettings, offset, words);
      assert.equal(cut, offset);
      const inputs = [0, ...(await plain.read(text)).layout.ids.subarray(0, row)];
      for (const [index, word] of words.entries()) {
        const ids = await idsOf(word);
        if (ids.length === 1) {
          assert.equal(logProbabilities[index], next.logProbabilities[ids[0] ?? -1]);
          compared.one++;
          continue;
        }
        const after = (await plain.after([...inputs, ...ids])).slice(inputs.length - 1);
        const expected = ids.reduce((sum, id, place) => sum + (after[place]?.logits[id] ?? NaN) - (after[place]?.logSum ?? NaN), 0);
        near(logProbabilities[index], expected, 2e-3, `${JSON.stringify(word)} in round ${String(round)}`);
        compared.more++;
      }
    }
    assert.ok(compared.one > 20 && compared.more > 60, JSON.stringify(compared));
  });

  it('is that of trying the text there, in the windows of the text', async () => {
    const { client, model } = await start();
    const random = randomNumbers(52);
    const all: readonly ScoringSettings[] = [
      { ...tinySettings, contextTokens: 24, overlapTokens: 8, anchors: 'text' },
      { ...tinySettings, contextTokens: 9, overlapTokens: 3, useStartToken: false },
      { ...tinySettings, contextTokens: 96, overlapTokens: 24 },
    ];
    let compared = 0;
    for (let round = 0; round < 60; round++) {
      const settings = all[round % all.length] ?? assert.fail();
      const text = markdown(200 + random(200));
      const reader = new Reader(client, model.key, 'put in');
      await reader.open(text);
      const { cut } = await reader.next(settings, 1 + random(text.length));
      const { logProbabilities } = await reader.chain(settings, cut, words);
      const { ids: old } = (await plain.read(text)).layout;
      for (const [index, word] of words.entries()) {
        const ids = await idsOf(word);
        // Tokenisation agrees: nothing but the word's tokens was put in.
        const { layout } = await plain.read(text.slice(0, cut) + word + text.slice(cut));
        const row = layout.ids.length - old.length === ids.length ? layout.starts.indexOf(cut) : -1;
        if (row < 0 || ids.length === 1) continue;
        if ([...old.subarray(0, row), ...ids, ...old.subarray(row)].join() !== layout.ids.join()) continue;
        const { after } = await reader.try(settings, { start: cut, end: cut, text: word }, 0);
        if (after.starts[0] !== cut || after.ids.length !== ids.length) continue; // it goes on as the text did
        const bits = after.surprisalBits.reduce((sum, each) => sum + each, 0);
        near(bits, -(logProbabilities[index] ?? NaN) / Math.LN2, 1e-3, `${word} at ${String(cut)}`);
        compared++;
      }
    }
    assert.ok(compared > 60, String(compared));
  });

  it('is nothing for what does not go on from the typed text, and counts from before that', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'typed');
    await reader.open('The boats came into the harbour today');
    // A place inside a token, the typed text before it beginning with its space.
    const places = await Promise.all(Array.from(reader.text, async (_, at) => ({ at, cut: (await reader.next(tinySettings, at)).cut })));
    const { at: offset, cut: from } = places.find(({ at, cut }) => cut + 1 < at && reader.text[cut] === ' ') ?? assert.fail();
    const typed = reader.text.slice(from, offset);
    const word = reader.text.slice(from).split(' ', 2).join(' ');
    const texts = [word, typed, typed.slice(0, -1), word.trim(), ' xyz', ''];
    const inside = await reader.chain(tinySettings, offset, texts);
    assert.equal(reader.text.slice(inside.cut, offset), typed);
    assert.deepEqual(
      [...inside.logProbabilities].map(log => log > -Infinity),
      [true, true, false, false, false, false],
    );
    const before = await reader.chain(tinySettings, inside.cut, texts);
    assert.equal(before.cut, inside.cut);
    assert.deepEqual([...inside.logProbabilities.subarray(0, 2)], [...before.logProbabilities.subarray(0, 2)]);
    assert.equal(before.logProbabilities[5], 0);
    // White space that belongs to the word to come.
    await reader.open('The boats came ');
    const space = await reader.chain(tinySettings, 15, [' into', 'into']);
    assert.equal(space.cut, 14);
    assert.deepEqual([(space.logProbabilities[0] ?? -Infinity) > -Infinity, space.logProbabilities[1]], [true, -Infinity]);
  });

  it('costs its own tokens where the distribution was asked for, and never one token in a call', async () => {
    const { client, model } = await start(128);
    const reader = new Reader(client, model.key, 'counted');
    await reader.open(markdown(600));
    await reader.next(tinySettings, 300);
    const before = await measure(client, model.key);
    await reader.chain(tinySettings, 300, words);
    const after = await measure(client, model.key);
    const [tokens, calls] = [after.tokensRun - before.tokensRun, after.modelCalls - before.modelCalls];
    const lengths = await Promise.all(words.map(async word => (await idsOf(word)).length));
    const longer = lengths.filter(length => length > 1);
    assert.ok(tokens >= 2 * calls, `${String(tokens)} in ${String(calls)}`);
    assert.ok(tokens <= 3 + longer.reduce((sum, length) => sum + length + 2, 0), `${String(tokens)} for ${String(lengths)}`);
    assert.equal(after.snapshotBytes, before.snapshotBytes);
    const single = words.filter((_, index) => lengths[index] === 1);
    await reader.chain(tinySettings, 300, single);
    assert.ok((await measure(client, model.key)).tokensRun - after.tokensRun <= 3, 'what is known was run');
    await assert.rejects(reader.chain(tinySettings, 300, words, AbortSignal.abort()), { code: 'cancelled' });
  });
});
