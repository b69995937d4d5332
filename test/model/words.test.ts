import assert from 'node:assert/strict';
import { Vocabulary } from '../../src/core/vocabulary';
import type { ModelClient } from '../../src/model/client';
import type { ModelDescription, ScoringSettings } from '../../src/model/protocol';
import { Model } from '../../src/model/model';
import { tokenText } from '../../src/model/tokens';
import { beginsWord, likelyWords } from '../../src/model/words';
import { near, PlainModel } from './plainModel';
import {
  bundledFolder,
  hardText,
  loadParams,
  markdown,
  measure,
  never,
  newClient,
  randomNumbers,
  Reader,
  tinyFolder,
  tinySettings,
} from './process';

/** Undefined where the bytes are not whole characters. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

describe('where a word ends', () => {
  const bytes = (text: string | readonly number[]) => (typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.from(text));
  const cases: readonly [before: string | readonly number[], next: string | readonly number[], begins: boolean][] = [
    [' har', 'bour', false],
    [' harbour', ' was', true],
    [' harbour', '\n', true],
    [' harbour', '\r', true],
    [' harbour', '\t', true],
    [' harbour', '.', true],
    [' don', "'t", true],
    [' 19', '84', false],
    [' x', '2', false],
    [' (', 'x', false],
    [' .', '.', false],
    [' na', 'ïve', false],
    [' nai', '\u0308ve', false],
    ['日', '本', false],
    ['日', '。', true],
    [' naïve', '—', true],
    [[0x20, 0xe6, 0x97], [0xa5], false], // half a character: the rest of it
    [[0x20, 0x61], [0xe6, 0x97], false], // half a character may be a letter
    [[0x20, 0xe6, 0x97], '.', false],
  ];
  for (const [before, next, begins] of cases) {
    it(`${JSON.stringify(before)}, ${JSON.stringify(next)}: ${begins ? 'before' : 'after'} the next token`, () => {
      const token = bytes(next);
      const vocabulary = new Vocabulary({ bytes: token, offsets: Uint32Array.of(0, token.length), controlNames: {} });
      assert.equal(beginsWord(vocabulary, bytes(before), 0), begins);
    });
  }

  it('is before a control token', () => {
    const vocabulary = new Vocabulary({ bytes: new Uint8Array(0), offsets: Uint32Array.of(0, 0), controlNames: { 0: '<|endoftext|>' } });
    assert.equal(beginsWord(vocabulary, bytes(' .'), 0), true);
  });
});

describe('whole words', () => {
  const clients: ModelClient[] = [];
  let plain: PlainModel;
  before(async () => {
    plain = await PlainModel.open(tinyFolder);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start(folder = tinyFolder, chunkTokens = 16): Promise<{ readonly client: ModelClient; readonly model: ModelDescription }> {
    const client = newClient(undefined, chunkTokens);
    clients.push(client);
    return { client, model: await client.call('load', { ...loadParams(folder), threads: folder === tinyFolder ? 1 : 2 }, never) };
  }

  it('are the most probable tokens, continued by the most probable ones, with their probabilities', async () => {
    const { client, model } = await start();
    const vocabulary = new Vocabulary(model.vocabulary);
    const random = randomNumbers(41);
    const reader = new Reader(client, model.key, 'wide');
    let ended = 0;
    let longer = 0;
    for (let round = 0; round < 40; round++) {
      const text = (round % 2 === 0 ? hardText : markdown(120)).slice(0, 20 + random(70));
      await reader.open(text);
      const offset = random(text.length + 1);
      const [count, mostTokens] = [1 + random(12), 1 + random(6)];
      const { cut, words } = await reader.words(tinySettings, offset, count, mostTokens);
      assert.equal(cut, (await reader.next(tinySettings, offset)).cut);
      assert.equal(words.length, count);
      const { layout } = await plain.read(text);
      const rowAfter = layout.starts.findIndex((from, row) => from >= cut && (row === 0 || (layout.ends[row - 1] ?? 0) <= cut));
      const inputs = [0, ...layout.ids.subarray(0, rowAfter < 0 ? layout.ids.length : rowAfter)];
      const first = (await plain.after(inputs)).at(-1) ?? assert.fail();
      const sound = [...first.logits.keys()].filter(id => vocabulary.bytesOf(id).length > 0);
      const best = sound.sort((a, b) => (first.logits[b] ?? 0) - (first.logits[a] ?? 0)).slice(0, count);
      const merged = new Set(words.map(({ bytes }) => bytes.join())).size;
      assert.equal(merged, words.length);
      if (count < 3) assert.deepEqual(words.map(({ ids }) => ids[0]).sort(), best.sort());
      for (const [place, { ids, bytes, logProbability, complete }] of words.entries()) {
        assert.ok(logProbability <= (words[place - 1]?.logProbability ?? 0));
        assert.deepEqual(
          [...bytes],
          [...ids].flatMap(id => [...vocabulary.bytesOf(id)]),
        );
        const after = (await plain.after([...inputs, ...ids])).slice(inputs.length - 1);
        let expected = 0;
        for (const [index, id] of ids.entries()) {
          const { logits, logSum, ascending } = after[index] ?? assert.fail();
          expected += (logits[id] ?? NaN) - logSum;
          const before = Uint8Array.from([...ids.subarray(0, index)].flatMap(earlier => [...vocabulary.bytesOf(earlier)]));
          if (index === 0) continue;
          near(logits[id], ascending.at(-1) ?? NaN, 1e-4, 'the most probable token');
          assert.equal(beginsWord(vocabulary, before, id), false);
        }
        near(logProbability, expected, 1e-3, `of ${String(ids)}`);
        const { logits, ascending } = after.at(-1) ?? assert.fail();
        if (complete) {
          ended++;
          assert.ok(ids.length < mostTokens);
          assert.ok(beginsWord(vocabulary, bytes, logits.indexOf(ascending.at(-1) ?? NaN)));
        } else assert.equal(ids.length, mostTokens);
        if (ids.length > 1) longer++;
      }
    }
    assert.ok(ended > 30 && longer > 30, `${String(ended)}, ${String(longer)}`);
  });

  it('that come out alike are one, with the more probable tokens; control tokens are none', async () => {
    const model = await Model.load({ ...loadParams(tinyFolder), threads: 1 }, 16);
    try {
      // Of every two tokens the bytes are the same, but for the first, which is a control token.
      const size = model.facts.tokenizer.vocabulary.offsets.length - 1;
      const offsets = Uint32Array.from({ length: size + 1 }, (_, id) => id - Math.min(id, 1));
      const bytes = Uint8Array.from({ length: size - 1 }, (_, index) => 65 + ((index >>> 1) % 26));
      const vocabulary = new Vocabulary({ bytes, offsets, controlNames: { 0: '<|endoftext|>' } });
      const engine = await model.engine('native');
      const { layout, copy } = await plain.read('The boats came');
      const text = tokenText({ layout, copy });
      const scoring = { engine, prefixIds: [0], settings: tinySettings, signal: never };
      const first = await engine.distributionAfter([0, ...text.ids], never);
      const words = await likelyWords(scoring, text, text.length, first, vocabulary, { count: size, mostTokens: 1 });
      assert.equal(words.length, 26);
      for (const word of words) {
        const alike = [...first].filter((_, id) => vocabulary.bytesOf(id)[0] === word.bytes[0]);
        assert.equal(word.logProbability, Math.max(...alike));
      }
      assert.deepEqual(await likelyWords(scoring, text, text.length, first, vocabulary, { count: 5, mostTokens: 1 }), words.slice(0, 5));
    } finally {
      await model.dispose();
    }
  });

  it('have the bits of the text with the word put in, in the windows of that text', async () => {
    const { client, model } = await start();
    const random = randomNumbers(42);
    const all: readonly ScoringSettings[] = [
      { ...tinySettings, contextTokens: 24, overlapTokens: 8, anchors: 'text' },
      { ...tinySettings, contextTokens: 9, overlapTokens: 3, useStartToken: false },
      { ...tinySettings, contextTokens: 96, overlapTokens: 24 },
    ];
    let compared = 0;
    let moved = 0;
    for (let round = 0; round < 60; round++) {
      const settings = all[round % all.length] ?? assert.fail();
      const text = markdown(200 + random(200));
      const reader = new Reader(client, model.key, 'put in');
      await reader.open(text);
      const offset = 1 + random(text.length);
      const { cut, words } = await reader.words(settings, offset, 6, 4);
      for (const word of words) {
        const inserted = textOf(word.bytes);
        if (inserted === undefined || inserted.includes('\r')) continue;
        // Tokenisation agrees: nothing but the word's tokens was put in.
        const { ids: old } = (await plain.read(text)).layout;
        const { layout } = await plain.read(text.slice(0, cut) + inserted + text.slice(cut));
        const row = layout.ids.length - old.length === word.ids.length ? layout.starts.indexOf(cut) : -1;
        const spliced = row < 0 ? [] : [...old.subarray(0, row), ...word.ids, ...old.subarray(row)];
        if (spliced.join() !== layout.ids.join()) continue;
        const { after } = await reader.try(settings, { start: cut, end: cut, text: inserted }, 0);
        if (after.starts[0] !== cut || after.ids.length !== word.ids.length) continue; // it goes on as the text did
        near(sumOf(after.surprisalBits), -word.logProbability / Math.LN2, 1e-3, `word at ${String(cut)} of ${String(text.length)}`);
        compared++;
        if (after.contextTokens.some((context, index) => context !== (after.contextTokens[0] ?? 0) + index)) moved++;
      }
    }
    assert.ok(compared > 60 && moved > 2, `${String(compared)}, ${String(moved)}`);
  });

  it('cost a few tokens where the next token was asked for, and never one token in a call', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'counted');
    const text = markdown(600);
    await reader.open(text);
    await reader.next(tinySettings, 300);
    const before = await measure(client, model.key);
    const { words } = await reader.words(tinySettings, 300, 8, 4);
    const after = await measure(client, model.key);
    const [tokens, calls] = [after.tokensRun - before.tokensRun, after.modelCalls - before.modelCalls];
    assert.ok(tokens >= 2 * calls);
    assert.ok(tokens <= 3 + words.length * (2 + 2 + 3), String(tokens));
    assert.equal(after.snapshotBytes, before.snapshotBytes);
    await assert.rejects(reader.words(tinySettings, 300, 8, 4, AbortSignal.abort()), { code: 'cancelled' });
  });

  it('are words, on the bundled model', async () => {
    const { client, model } = await start(bundledFolder, 128);
    const reader = new Reader(client, model.key, 'english');
    const settings: ScoringSettings = { ...tinySettings, contextTokens: 1024, overlapTokens: 256 };
    const wordsAfter = async (text: string) => {
      await reader.open(text);
      const { words } = await reader.words(settings, text.length, 6);
      return words.map(({ ids, bytes }) => ({ tokens: ids.length, text: textOf(bytes) ?? '' }));
    };
    assert.equal((await wordsAfter('The Eiffel Tower stands in'))[0]?.text, ' Paris');
    const treaties = await wordsAfter('The Treaty of');
    assert.equal(treaties[0]?.text, ' Versailles');
    assert.ok(
      treaties.some(({ tokens, text }) => tokens > 1 && /^ \p{L}{5,}$/u.test(text)),
      JSON.stringify(treaties),
    );
    for (const { text } of [...treaties, ...(await wordsAfter('import numpy as'))]) assert.match(text, /^\s*\S+$/);
  });
});

function sumOf(bits: Float64Array): number {
  return bits.reduce((sum, rowBits) => sum + rowBits, 0);
}
