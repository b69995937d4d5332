import assert from 'node:assert/strict';
import path from 'node:path';
import type { Continuation } from '../../src/core/futures';
import { applySampling, rankTokens } from '../../src/core/sampling';
import type { SamplingSettings } from '../../src/core/sampling';
import type { ModelClient } from '../../src/model/client';
import { Engine } from '../../src/model/engine';
import { continuationsOf, mostInputs } from '../../src/model/futures';
import type { BranchedCache } from '../../src/model/kvCache';
import { Model } from '../../src/model/model';
import type { FuturesParams, ModelDescription } from '../../src/model/protocol';
import { ScoringSession } from '../../src/model/session';
import { Snapshots } from '../../src/model/snapshots';
import { bundled, sessionOptions, tinyGpt2, tinyHalf, tinyOld } from './graphs';
import type { ModelFile } from './graphs';
import { near, PlainModel } from './plainModel';
import { hardText, loadParams, markdown, measure, never, newClient, randomNumbers, Reader, tinyFolder, tinySettings } from './process';

type Wanted = Omit<FuturesParams, 'model' | 'document' | 'version' | 'settings' | 'offset' | 'after'>;

const wide: SamplingSettings = { temperature: 1.2 };
const usual: Wanted = { first: 0, count: 6, mostTokens: 9, sampling: wide, seed: 11, forced: undefined };

describe('continuations of a text', () => {
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
    return { client, model: await client.call('load', loadParams(tinyFolder), never) };
  }

  async function opened(text: string) {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'continued');
    await reader.open(text);
    return { client, model, reader };
  }

  it('repeat with their seed, whatever was run between, and are others with another', async () => {
    const { reader } = await opened(markdown(150));
    const before = await reader.futures(tinySettings, 120, usual);
    await reader.score(tinySettings);
    for (const offset of [121, 60, 120]) await reader.next(tinySettings, offset);
    assert.deepEqual(await reader.futures(tinySettings, 120, usual), before);
    const other = await opened(markdown(150));
    assert.deepEqual(await other.reader.futures(tinySettings, 120, usual), before);
    const { continuations } = await reader.futures(tinySettings, 120, { ...usual, seed: 12 });
    assert.notDeepEqual(continuations.map(idsOf), before.continuations.map(idsOf));
    const different = new Set(before.continuations.map(({ ids }) => ids.join()));
    assert.equal(different.size, usual.count);
  });

  it('are the same whichever others they are asked for with', async () => {
    const { reader } = await opened(markdown(150));
    const all = await reader.futures(tinySettings, 130, { ...usual, count: 10 });
    for (const [first, count] of [
      [0, 3],
      [0, 1],
      [4, 1],
      [3, 7],
    ] as const) {
      const some = await reader.futures(tinySettings, 130, { ...usual, first, count });
      assert.deepEqual(some, { ...all, continuations: all.continuations.slice(first, first + count) });
    }
  });

  it('are the most probable tokens at temperature 0, with the probabilities of a plain pass', async () => {
    const random = randomNumbers(61);
    for (let round = 0; round < 12; round++) {
      const text = (round % 2 === 0 ? hardText : markdown(200)).slice(0, 30 + random(60));
      const { reader } = await opened(text);
      const { cut, contextTokens } = await reader.next(tinySettings, text.length);
      const { continuations } = await reader.futures(tinySettings, text.length, { ...usual, count: 2, sampling: { temperature: 0 } });
      const context = (await plain.read(text)).layout.ids.subarray(0, contextTokens);
      const [one, two] = continuations;
      assert.ok(one && cut <= text.length);
      assert.deepEqual(one, two);
      const inputs = [0, ...context, ...one.ids];
      const after = (await plain.after(inputs)).slice(context.length);
      for (const [place, id] of one.ids.entries()) {
        const { logits, logSum } = after[place] ?? assert.fail();
        assert.equal(id, logits.indexOf(logits.reduce((a, b) => Math.max(a, b))), `token ${String(place)} in round ${String(round)}`);
        near(one.logProbabilities[place], (logits[id] ?? NaN) - logSum, 1e-4, `token ${String(place)}`);
        assert.equal(one.sampledLogProbabilities[place], 0);
      }
    }
  });

  it('are drawn by the rules from whole distributions, each token after those before it', async () => {
    const text = markdown(100);
    const { reader } = await opened(text);
    for (const sampling of [{ temperature: 0.7, topK: 12 }, { topP: 0.8 }, wide]) {
      const { continuations, contextTokens } = await reader.futures(tinySettings, text.length, { ...usual, sampling });
      const context = [0, ...(await plain.read(text)).layout.ids.slice(-contextTokens)];
      for (const { ids, logProbabilities, sampledLogProbabilities } of continuations) {
        const after = (await plain.after([...context, ...ids])).slice(context.length - 1);
        for (const [place, id] of ids.entries()) {
          const { logits, logSum } = after[place] ?? assert.fail();
          const { kept } = applySampling(rankTokens(logits), sampling);
          near(logProbabilities[place], (logits[id] ?? NaN) - logSum, 1e-4, 'raw');
          near(sampledLogProbabilities[place], Math.log(kept.probabilities[kept.ids.indexOf(id)] ?? NaN), 1e-3, 'after sampling');
        }
      }
    }
  });

  it('begin with each token as often as it is probable', async () => {
    const text = markdown(100);
    const { reader } = await opened(text);
    const { logProbabilities } = await reader.next(tinySettings, text.length);
    const count = 3000;
    const { continuations } = await reader.futures(tinySettings, text.length, { ...usual, count, mostTokens: 1, sampling: {} });
    const found = new Map<number, number>();
    for (const { ids } of continuations) found.set(ids[0] ?? -1, (found.get(ids[0] ?? -1) ?? 0) + 1);
    let checked = 0;
    for (const [id, log] of logProbabilities.entries()) {
      const expected = count * Math.exp(log);
      if (expected < 8) continue;
      const deviation = Math.abs((found.get(id) ?? 0) - expected) / Math.sqrt(expected);
      assert.ok(deviation < 4.5, `${String(id)}: ${String(found.get(id))} of ${String(expected)}`);
      checked++;
    }
    assert.ok(checked > 5, String(checked));
  });

  it('begin with what is forced, and go on with the same numbers', async () => {
    const text = markdown(100);
    const { reader } = await opened(text);
    const free = await reader.futures(tinySettings, text.length, usual);
    assert.equal(free.forcedTokens, 0);
    for (const [index, own] of free.continuations.entries()) {
      const again = await reader.futures(tinySettings, text.length, { ...usual, forced: own.ids[0] });
      assert.equal(again.forcedTokens, 1);
      assert.deepEqual(again.continuations[index], own, `continuation ${String(index)}`);
      assert.ok(again.continuations.every(({ ids }) => ids[0] === own.ids[0]));
    }
    const word = ' harbour boats';
    const spelled = [...(await plain.read(word)).layout.ids];
    assert.ok(spelled.length > 2);
    const longer = { ...usual, mostTokens: spelled.length + 4, forced: word };
    const { continuations, forcedTokens, contextTokens } = await reader.futures(tinySettings, text.length, longer);
    assert.equal(forcedTokens, spelled.length);
    const context = (await plain.read(text)).layout.ids.slice(-contextTokens);
    const after = (await plain.after([0, ...context, ...spelled])).slice(-spelled.length - 1);
    for (const { ids, logProbabilities } of continuations) {
      assert.deepEqual([...ids.subarray(0, spelled.length)], spelled);
      const chained = spelled.reduce((sum, id, place) => sum + (after[place]?.logits[id] ?? NaN) - (after[place]?.logSum ?? NaN), 0);
      near(
        logProbabilities.subarray(0, spelled.length).reduce((a, b) => a + b),
        chained,
        1e-3,
        'as a chain',
      );
    }
    const [cutAway] = (await reader.futures(tinySettings, text.length, { ...longer, sampling: { temperature: 0 } })).continuations;
    assert.ok(cutAway?.sampledLogProbabilities.subarray(0, spelled.length).includes(-Infinity));
  });

  it('end with a control token, and nowhere else have one', async () => {
    const { model, reader } = await opened(markdown(100));
    const { continuations } = await reader.futures(tinySettings, 90, {
      ...usual,
      count: 150,
      mostTokens: 30,
      sampling: { temperature: 3 },
    });
    const isControl = (id: number | undefined) => id !== undefined && model.vocabulary.controlNames[id] !== undefined;
    const ends = { control: 0, length: 0 };
    for (const { ids, ended, logProbabilities, sampledLogProbabilities } of continuations) {
      ends[ended]++;
      assert.equal(isControl(ids.at(-1)), ended === 'control');
      assert.ok(!ids.subarray(0, -1).some(isControl));
      assert.deepEqual([logProbabilities.length, sampledLogProbabilities.length], [ids.length, ids.length]);
      if (ended === 'length') assert.equal(ids.length, 30);
    }
    assert.ok(ends.control > 2 && ends.length > 2, JSON.stringify(ends));
    const forced = await reader.futures(tinySettings, 90, { ...usual, forced: 0 });
    assert.ok(forced.continuations.every(({ ids, ended }) => ids.length === 1 && ended === 'control'));
  });

  it('leave the document and its caches as they were', async () => {
    const text = markdown(400);
    const { reader } = await opened(text);
    await reader.score(tinySettings);
    const { surprisalBits, entropyBits, topLogProbabilities } = reader.finished;
    const next = await reader.next(tinySettings, 250);
    for (const offset of [250, 100, text.length]) await reader.futures(tinySettings, offset, usual);
    assert.deepEqual(await reader.next(tinySettings, 250), next);
    await reader.edit(300, 301, 'x');
    await reader.edit(300, 301, text.slice(300, 301));
    await reader.score(tinySettings);
    assert.deepEqual(reader.finished.surprisalBits, surprisalBits);
    assert.deepEqual(reader.finished.entropyBits, entropyBits);
    assert.deepEqual(reader.finished.topLogProbabilities, topLogProbabilities);
  });

  it('stop between two tokens when cancelled', async () => {
    const { client, model, reader } = await opened(markdown(100));
    const stop = new AbortController();
    const running = reader.futures(tinySettings, 90, { ...usual, count: 50, mostTokens: 80 }, stop.signal);
    const { tokensRun } = await measure(client, model.key);
    while ((await measure(client, model.key)).tokensRun < tokensRun + 300);
    stop.abort();
    await assert.rejects(running, { code: 'cancelled' });
    const stopped = (await measure(client, model.key)).tokensRun;
    assert.ok(stopped < tokensRun + 50 * 79, String(stopped - tokensRun));
    await reader.next(tinySettings, 90);
    assert.ok((await measure(client, model.key)).tokensRun < stopped + 200, 'it went on');
  });

  it('take the start of the context away where the model has not the positions', async () => {
    const { reader } = await opened(markdown(600));
    const settings = { ...tinySettings, contextTokens: 127, overlapTokens: 60 };
    const places = await Promise.all([...Array(500).keys()].map(async at => ({ at, ...(await reader.next(settings, at)) })));
    const { at: offset, contextTokens } = places.reduce((most, place) => (place.contextTokens > most.contextTokens ? place : most));
    assert.ok(contextTokens > 115);
    const short = await reader.futures(settings, offset, { ...usual, mostTokens: 2, sampling: {} });
    assert.equal(short.contextTokens, Math.min(contextTokens, 126));
    const long = await reader.futures(settings, offset, { ...usual, mostTokens: 60 });
    assert.equal(long.contextTokens, 128 - 1 - 59);
    assert.ok(long.continuations.some(({ ids }) => ids.length === 60));
    const longest = await reader.futures(settings, offset, { ...usual, mostTokens: 128 });
    assert.equal(longest.contextTokens, 0);
    await assert.rejects(reader.futures(settings, offset, { ...usual, mostTokens: 129 }), { code: 'bad-argument' });
  });

  it('refuse what cannot be', async () => {
    const { reader } = await opened(markdown(100));
    const refused: readonly Partial<Wanted>[] = [
      { count: 0 },
      { count: 1.5 },
      { mostTokens: 0 },
      { first: -1 },
      { seed: NaN },
      { sampling: { topP: 2 } },
      { forced: 4220 },
      { forced: -1 },
      { forced: 'ten tokens and more are not two', mostTokens: 2 },
    ];
    for (const change of refused) {
      await assert.rejects(reader.futures(tinySettings, 50, { ...usual, ...change }), { code: 'bad-argument' }, JSON.stringify(change));
    }
    assert.equal((await reader.futures(tinySettings, 50, { ...usual, forced: '' })).forcedTokens, 0);
  });
});

function idsOf({ ids }: Continuation): number[] {
  return [...ids];
}

describe('decoding several copies of a cache', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function open(file: ModelFile): Promise<ScoringSession> {
    const session = await ScoringSession.open(sessionOptions(file));
    closing.push(() => session.dispose());
    return session;
  }

  for (const [file, tolerance] of [
    [tinyGpt2, 1e-4],
    [tinyOld, 1e-4],
    [tinyHalf, 0.05],
    [bundled, 2],
  ] as const) {
    it(`gives each what it would have alone: ${path.basename(file.folder)}`, async () => {
      const session = await open(file);
      const random = randomNumbers(71);
      const context = Array.from({ length: 23 }, () => random(400));
      const cache = (await session.run(context, session.emptyCache, { cache: true })).cache ?? assert.fail();
      const rows = Array.from({ length: 4 }, () => Array.from({ length: 3 }, () => random(400)));
      const branches = session.branched(cache, 20, 4, 23);
      const alone = new Map<string, Float32Array>();
      for (const copies of [4, 3, 2]) {
        branches.restart(copies);
        for (let step = 0; step < 3; step++) {
          const found = await session.step(
            rows.slice(0, copies).map(ids => ids[step] ?? 0),
            branches,
          );
          assert.equal(found.length, copies);
          assert.equal(branches.positions, 21 + step);
          for (const [index, logProbabilities] of found.entries()) {
            const inputs = [...context.slice(0, 20), ...(rows[index] ?? []).slice(0, step + 1)];
            const { logProbabilities: expected } = await session.run(inputs, session.emptyCache, {
              distributionAt: inputs.length - 1,
              cache: false,
            });
            const most = logProbabilities.reduce((max, value, id) => Math.max(max, Math.abs(value - (expected?.[id] ?? NaN))), 0);
            assert.ok(most < tolerance, `copy ${String(index)} of ${String(copies)}, step ${String(step)}: ${String(most)}`);
            near(
              logProbabilities.reduce((sum, log) => sum + Math.exp(log), 0),
              1,
              1e-4,
              'a whole distribution',
            );
            // The same to the last bit with fewer copies.
            const key = `${String(index)} ${String(step)}`;
            assert.deepEqual(logProbabilities, alone.get(key) ?? logProbabilities, `copy ${key} of ${String(copies)}`);
            alone.set(key, logProbabilities.slice());
          }
        }
      }
    });
  }

  it('starts anew where kept caches would change the numbers', async () => {
    const model = await Model.load({ ...loadParams(tinyFolder), threads: 1 }, 16);
    closing.push(() => model.dispose());
    const snapshots = new Snapshots(2 ** 20);
    const engine = new Engine(model.facts, 'native', await open(tinyGpt2), snapshots, 16);
    const inputs = [0, ...model.facts.tokenizer.idsOf(markdown(90))].slice(0, 40);
    await engine.distributionAfter(inputs, never);
    const { bytes } = snapshots;
    const limits = { mostBytes: 2 ** 20 };
    for (const reuses of [false, true]) {
      const before = engine.tokensRun;
      const wanted = { ...usual, mostTokens: 1, forced: [] };
      await continuationsOf(engine, inputs, wanted, { ...limits, reuses }, never);
      assert.equal(engine.tokensRun - before, reuses ? 2 : inputs.length);
      assert.equal(snapshots.bytes, bytes);
    }
  });

  it('keeps to its memory: in groups, and then with less context', async () => {
    const model = await Model.load({ ...loadParams(tinyFolder), threads: 1 }, 16);
    closing.push(() => model.dispose());
    const engine = new Watched(model.facts, 'native', await open(tinyGpt2), new Snapshots(2 ** 20), 16);
    const inputs = [0, ...model.facts.tokenizer.idsOf(markdown(90))].slice(0, 30);
    const wanted = { ...usual, count: 11, forced: [] };
    const positions = inputs.length + usual.mostTokens - 1;
    const group = (copies: number) => 2 * copies * positions * engine.bytesPerPosition;
    const run = (mostBytes: number) => continuationsOf(engine, inputs, wanted, { reuses: false, mostBytes }, never);
    const all = await run(group(100));
    assert.equal(engine.branched.at(-1)?.bytes, group(11) / 2);
    for (const copies of [2, 3, 5, 10]) {
      const mostBytes = group(copies + 1) - 1;
      assert.deepEqual(await run(mostBytes), all, `${String(copies)} at a time`);
      assert.equal(engine.branched.at(-1)?.bytes, group(copies) / 2);
      assert.ok(mostInputs(engine, usual.mostTokens, mostBytes) >= inputs.length);
    }
    const most = mostInputs(engine, usual.mostTokens, group(2));
    assert.equal(most, inputs.length);
    assert.equal(mostInputs(engine, usual.mostTokens, group(2) - 1), inputs.length - 1);
    assert.equal(mostInputs(engine, usual.mostTokens, 2 ** 40), 128 - (usual.mostTokens - 1));
    await continuationsOf(engine, inputs.slice(-most), wanted, { reuses: false, mostBytes: group(2) }, never);
    assert.ok((engine.branched.at(-1)?.bytes ?? Infinity) <= group(2) / 2);
  });
});

/** Remembers the copies of caches it made. */
class Watched extends Engine {
  readonly branched: BranchedCache[] = [];

  override async branch(...given: Parameters<Engine['branch']>): ReturnType<Engine['branch']> {
    const result = await super.branch(...given);
    this.branched.push(result.branches);
    return result;
  }
}
