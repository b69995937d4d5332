import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { klBitsOf } from '../../src/core/reduce';
import type { Arithmetic } from '../../src/core/scores';
import { windowHolding, windowsOf } from '../../src/core/window';
import type { ModelClient } from '../../src/model/client';
import type { Filler, Rows } from '../../src/model/contextProtocol';
import { effects, without } from '../../src/model/context';
import { ModelError } from '../../src/model/errors';
import { Model } from '../../src/model/model';
import type { Method, ModelDescription, Params, Result, ScoringSettings } from '../../src/model/protocol';
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
import { near, PlainModel } from './plainModel';
import type { Distribution } from './plainModel';

interface Reference {
  readonly text: string;
  readonly contextIds: readonly number[];
  readonly targetId: number;
  readonly surprisalBits: number;
  readonly alternativeId: number;
  readonly alternativeSurprisalBits: number;
  readonly contextLengths: readonly { readonly contextTokens: number; readonly surprisalBits: number; readonly klBits: number }[];
  readonly replacedByStartToken: readonly { readonly position: number; readonly surprisalBits: number; readonly klBits: number }[];
}

type ContextMethod = 'contextLengths' | 'without' | 'effects' | 'contextNeeds' | 'shortContext';
type Asked<M extends Method> = Omit<Params<M>, 'model' | 'document' | 'version' | 'settings'>;

/** Of the references; float32 keeps it in one window of the bundled model too. */
const toleranceBits = 1e-3;
const wide: ScoringSettings = { ...tinySettings, contextTokens: 96, overlapTokens: 48 };
const narrow: ScoringSettings = { ...tinySettings, contextTokens: 24, overlapTokens: 8 };
const noStart: ScoringSettings = { ...narrow, useStartToken: false };
const fillers: readonly Filler[] = ['startToken', 'deletion', 'proposals'];

describe('the context of a prediction', () => {
  const clients: ModelClient[] = [];
  let plain: PlainModel;
  before(async () => {
    plain = await PlainModel.open(tinyFolder);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start(folder = tinyFolder, chunkTokens?: number) {
    const client = newClient(undefined, chunkTokens);
    clients.push(client);
    const model = await client.call('load', { ...loadParams(folder), threads: folder === tinyFolder ? 1 : 2 }, never);
    return { client, model };
  }

  /** A text that questions are asked of. */
  async function open(
    { client, model }: { readonly client: ModelClient; readonly model: ModelDescription },
    text: string,
    settings: ScoringSettings,
    arithmetic: Arithmetic = 'native',
  ) {
    const key = { ...model.key, arithmetic };
    const reader = new Reader(client, key, text.slice(0, 12));
    await reader.open(text);
    const ask = <M extends ContextMethod>(method: M, asked: Asked<M>, signal = never): Promise<Result<M>> =>
      client.call(
        method,
        { ...asked, model: key, document: text.slice(0, 12), version: reader.version, settings } as unknown as Params<M>,
        signal,
      );
    return { reader, ask };
  }

  async function tokensOf(text: string) {
    const { layout, copy } = await plain.read(text);
    const startsLine = (index: number) => copy.bytes[(layout.startBytes[index] ?? 0) - 1] === 0x0a;
    return { ids: layout.ids, length: layout.ids.length, startsLine };
  }

  function prefixOf({ startTokenId }: ModelDescription, settings: ScoringSettings): readonly number[] {
    return settings.useStartToken && startTokenId !== null ? [startTokenId] : [];
  }

  /** What follows these ids, by the plain model. */
  async function after(inputs: readonly number[]): Promise<Distribution> {
    return (await plain.after(inputs)).at(-1) ?? assert.fail();
  }

  const bitsOf = ({ logits, logSum }: Distribution, id: number) => (logSum - (logits[id] ?? NaN)) / Math.LN2;
  const logsOf = ({ logits, logSum }: Distribution) => logits.map(logit => logit - logSum);

  for (const [folder, name] of [
    [tinyFolder, 'tiny-gpt2'],
    [bundledFolder, 'smollm2-135m-instruct'],
  ] as const) {
    it(`is that of the reference, ${name}`, async () => {
      const started = await start(folder);
      const settings: ScoringSettings = { ...tinySettings, contextTokens: 1024, overlapTokens: 256 };
      const references = Object.values(
        JSON.parse(readFileSync(`test/reference/context-${name}.json`, 'utf8')) as Record<string, Reference>,
      );
      assert.ok(references.length > 1);
      for (const reference of references) {
        const { ask } = await open(started, reference.text, settings, 'float32');
        const row = reference.contextIds.length;
        const target = { row, ids: [reference.targetId, reference.alternativeId], topCount: 2 };
        const lengths = reference.contextLengths.map(({ contextTokens }) => contextTokens);
        const found = await ask('contextLengths', { ...target, lengths });
        assert.equal(found.contextFirst, 0);
        near(found.whole.surprisalBits[0], reference.surprisalBits, toleranceBits, 'whole');
        near(found.whole.surprisalBits[1], reference.alternativeSurprisalBits, toleranceBits, 'alternative');
        assert.ok(found.whole.topIds.includes(reference.alternativeId));
        assert.deepEqual([...found.lengths], lengths);
        for (const [index, expected] of reference.contextLengths.entries()) {
          near(found.predictions[index]?.surprisalBits[0], expected.surprisalBits, toleranceBits, `${String(lengths[index])} tokens`);
          near(found.predictions[index]?.klBits, expected.klBits, toleranceBits, `KL of ${String(lengths[index])} tokens`);
        }
        for (const { position, surprisalBits, klBits } of reference.replacedByStartToken) {
          const source = { first: position, end: position + 1 };
          const replaced = await ask('without', { ...target, source, filler: 'startToken' });
          near(replaced.whole.surprisalBits[0], reference.surprisalBits, toleranceBits, 'whole');
          near(replaced.without.surprisalBits[0], surprisalBits, toleranceBits, `without ${String(position)}`);
          near(replaced.without.klBits, klBits, toleranceBits, `KL without ${String(position)}`);
        }
      }
    });
  }

  it('is that of the plain model in any window, with every filler that leaves no choice', async () => {
    const started = await start(tinyFolder, 16);
    const random = randomNumbers(5);
    for (const settings of [wide, narrow, { ...narrow, anchors: 'text' as const }, noStart]) {
      for (const text of [hardText.slice(0, 200), markdown(300)]) {
        const { ask } = await open(started, text, settings);
        const tokens = await tokensOf(text);
        const windows = windowsOf(tokens, settings);
        const prefix = prefixOf(started.model, settings);
        for (let round = 0; round < 6; round++) {
          const row = round === 0 ? tokens.length : 2 + random(tokens.length - 2);
          const asEnd = row === tokens.length ? windowsOf({ ...tokens, length: row + 1 }, settings) : windows;
          const contextFirst = windowHolding(asEnd, row)?.start ?? 0;
          if (row - contextFirst < 2) continue;
          const ids = [random(400), tokens.ids[row] ?? 7];
          const target = { row, ids, topCount: 3 };
          const whole = await after([...prefix, ...tokens.ids.subarray(contextFirst, row)]);
          const lengths = [0, 1, 2, 4, row - contextFirst, row - contextFirst + 1]
            .filter((length, at, all) => all.indexOf(length) === at)
            .sort((a, b) => a - b);
          const curve = await ask('contextLengths', { ...target, lengths });
          assert.equal(curve.contextFirst, contextFirst);
          assert.deepEqual(
            [...curve.lengths],
            lengths.filter(length => length <= row - contextFirst && length + prefix.length > 0),
          );
          for (const [index, length] of curve.lengths.entries()) {
            const expected = await after([...prefix, ...tokens.ids.subarray(row - length, row)]);
            near(curve.predictions[index]?.surprisalBits[1], bitsOf(expected, ids[1] ?? 0), 1e-4, `${String(length)} tokens`);
            near(curve.predictions[index]?.klBits, klBitsOf(logsOf(whole), logsOf(expected)), 1e-4, `KL of ${String(length)} tokens`);
            near(curve.predictions[index]?.entropyBits, expected.entropyBits, 1e-4, 'entropy');
          }
          const first = contextFirst + random(row - contextFirst - 1);
          const source = { first, end: first + 1 + random(Math.min(5, row - first)) };
          for (const filler of ['startToken', 'deletion'] as const) {
            const kept = filler === 'deletion' ? [] : Array.from({ length: source.end - first }, () => started.model.startTokenId ?? 0);
            const inputs = [...prefix, ...tokens.ids.subarray(contextFirst, first), ...kept, ...tokens.ids.subarray(source.end, row)];
            if (inputs.length === 0) continue;
            const found = await ask('without', { ...target, source, filler });
            const expected = await after(inputs);
            near(found.without.surprisalBits[0], bitsOf(expected, ids[0] ?? 0), 1e-4, `${filler} of ${JSON.stringify(source)}`);
            near(found.without.klBits, klBitsOf(logsOf(whole), logsOf(expected)), 1e-4, `KL, ${filler}`);
            near(found.whole.surprisalBits[0], bitsOf(whole, ids[0] ?? 0), 1e-4, 'whole');
          }
        }
      }
    }
  });

  it('has its tokens told without that anything is run', async () => {
    const { client, model } = await start();
    const text = markdown(400);
    const { reader } = await open({ client, model }, text, wide);
    const before = (await measure(client, model.key)).tokensRun;
    const asked = { model: model.key, document: text.slice(0, 12), version: reader.version, settings: wide };
    const { ids, starts, ends } = await client.call('layout', asked, never);
    assert.equal((await measure(client, model.key)).tokensRun, before);
    await reader.score(wide);
    const { finished } = reader;
    assert.deepEqual([[...ids], [...starts], [...ends]], [[...finished.ids], [...finished.starts], [...finished.ends]]);
  });

  it('has effects on what follows that are those of the text without it', async () => {
    const started = await start(tinyFolder, 16);
    const random = randomNumbers(6);
    for (const settings of [wide, narrow, { ...narrow, anchors: 'text' as const }, noStart]) {
      const text = markdown(330);
      const { reader, ask } = await open(started, text, settings);
      await reader.score(settings);
      const tokens = await tokensOf(text);
      const windows = windowsOf(tokens, settings);
      const prefix = prefixOf(started.model, settings);
      for (let round = 0; round < 8; round++) {
        const first = round === 0 ? 0 : random(tokens.length - 6);
        const end = first + 1 + random(4);
        const window = windowHolding(windows, end) ?? assert.fail();
        if (first < window.start) continue; // then it is read in a window of its own: the next test
        const until = round % 2 === 0 ? tokens.length : end + 3;
        for (const filler of ['startToken', 'deletion'] as const) {
          const found = await ask('effects', { source: { first, end }, filler, until });
          assert.deepEqual([found.first, found.end], [end, Math.min(window.end, until)]);
          const kept = filler === 'deletion' ? [] : Array.from({ length: end - first }, () => started.model.startTokenId ?? 0);
          const inputs = [...prefix, ...tokens.ids.subarray(window.start, first), ...kept, ...tokens.ids.subarray(end, found.end)];
          const rows = await plain.after(inputs);
          for (let row = end; row < found.end; row++) {
            const expected = rows[inputs.length - (found.end - row) - 1];
            const bits = found.withoutBits[row - end];
            if (!expected) assert.ok(Number.isNaN(bits), `row ${String(row)} has nothing before it`);
            else
              near(
                bits,
                bitsOf(expected, tokens.ids[row] ?? 0),
                1e-4,
                `row ${String(row)}, ${filler} of ${String(first)} to ${String(end)}`,
              );
            assert.equal(found.surprisalBits[row - end], reader.finished.surprisalBits[row]);
          }
        }
      }
    }
  });

  it('has effects in a window of its own where the source begins before that of what follows it', async () => {
    const started = await start(tinyFolder, 16);
    const text = markdown(330);
    const { reader, ask } = await open(started, text, narrow);
    await reader.score(narrow);
    const tokens = await tokensOf(text);
    const border = windowsOf(tokens, narrow)[2] ?? assert.fail();
    const prefix = prefixOf(started.model, narrow);
    const source = { first: border.start - 2, end: border.scoreFrom + 1 };
    const length = source.end - source.first;
    assert.ok(length < narrow.contextTokens - 4);
    const start0 = source.first - Math.floor((narrow.contextTokens - length) / 2);
    const found = await ask('effects', { source, filler: 'deletion', until: tokens.length });
    assert.deepEqual([found.first, found.end], [source.end, start0 + narrow.contextTokens]);
    assert.ok(found.end < tokens.length);
    const own = await plain.after([...prefix, ...tokens.ids.subarray(start0, found.end)]);
    const without = [...prefix, ...tokens.ids.subarray(start0, source.first), ...tokens.ids.subarray(source.end, found.end)];
    const absent = await plain.after(without);
    for (let row = source.end; row < found.end; row++) {
      const id = tokens.ids[row] ?? 0;
      const present = own[prefix.length + row - start0 - 1] ?? assert.fail();
      near(found.surprisalBits[row - source.end], bitsOf(present, id), 1e-4, `row ${String(row)}`);
      const left = absent[without.length - (found.end - row) - 1] ?? assert.fail();
      near(found.withoutBits[row - source.end], bitsOf(left, id), 1e-4, `row ${String(row)} without`);
    }
    await assert.rejects(ask('effects', { source: { first: 0, end: 60 }, filler: 'deletion', until: 90 }), { code: 'too-long' });
  });

  it('has effects that are those of an edit which leaves the same tokens', async () => {
    const started = await start();
    const text = 'The boats came into the harbour, and the crews had coffee with friends and family.';
    const { reader, ask } = await open(started, text, wide);
    const tokens = await tokensOf(text);
    await reader.score(wide);
    const { starts, ends } = reader.finished;
    let compared = 0;
    for (let first = 1; first < 20; first++) {
      const source = { first, end: first + 2 };
      const edit = { start: starts[first] ?? 0, end: ends[first + 1] ?? 0, text: '' };
      const edited = await tokensOf(text.slice(0, edit.start) + text.slice(edit.end));
      if (edited.ids.join() !== [...tokens.ids.subarray(0, first), ...tokens.ids.subarray(first + 2)].join()) continue;
      const tried = await reader.try(wide, edit, tokens.length);
      const found = await ask('effects', { source, filler: 'deletion', until: tokens.length });
      const after = tried.after.surprisalBits.subarray(-found.withoutBits.length);
      for (const [index, bits] of found.withoutBits.entries())
        near(bits, after[index] ?? NaN, 1e-4, `row ${String(index)} of ${String(first)}`);
      compared++;
    }
    assert.ok(compared > 3, String(compared));
  });

  it('is needed as far as the runs of each length say, and the last of them is the full score', async () => {
    const random = randomNumbers(8);
    for (const chunkTokens of [undefined, 4]) {
      const started = await start(tinyFolder, chunkTokens);
      for (const settings of [wide, { ...narrow, anchors: 'text' as const }, noStart]) {
        const text = markdown(200);
        const { reader, ask } = await open(started, text, settings);
        const tokens = await tokensOf(text);
        await reader.score(settings);
        const windows = windowsOf(tokens, settings);
        const prefix = prefixOf(started.model, settings);
        for (const [first, mostTokens] of [
          [0, 7],
          [10 + random(20), 12],
          [tokens.length - 5, 3],
          [tokens.length - 1, 0],
          [3, 40],
        ] as const) {
          const end = Math.min(first + 5, tokens.length);
          const found = await ask('contextNeeds', { first, end, mostTokens, topCount: 0 });
          assert.equal(found.surprisalBits.length, (end - first) * (mostTokens + 1));
          for (let row = first; row < end; row++) {
            const held = row - (windowHolding(windows, row)?.start ?? 0);
            const bits = found.surprisalBits.subarray((row - first) * (mostTokens + 1), (row - first + 1) * (mostTokens + 1));
            for (const [length, value] of bits.entries()) {
              const inputs = [...prefix, ...tokens.ids.subarray(row - length, row)];
              if (length > held || inputs.length === 0)
                assert.ok(Number.isNaN(value), `${String(length)} tokens before row ${String(row)}`);
              else
                near(value, bitsOf(await after(inputs), tokens.ids[row] ?? 0), 1e-4, `${String(length)} tokens before row ${String(row)}`);
            }
            const whole = found.whole.surprisalBits[row - first];
            assert.ok(Object.is(whole, reader.finished.surprisalBits[row]));
            if (held <= mostTokens && whole !== undefined && !Number.isNaN(whole)) near(bits[held], whole, 1e-4, 'the last length');
          }
        }
      }
    }
  });

  it('can be made short for every row', async () => {
    for (const chunkTokens of [undefined, 4]) {
      const started = await start(tinyFolder, chunkTokens);
      for (const settings of [narrow, noStart]) {
        const text = markdown(160);
        const { ask } = await open(started, text, settings);
        const tokens = await tokensOf(text);
        const prefix = prefixOf(started.model, settings);
        for (const contextTokens of [0, 1, 5, 30]) {
          const [first, end] = contextTokens === 5 ? [10, 20] : [0, tokens.length];
          const topCount = contextTokens === 1 ? 0 : 3;
          const found = await ask('shortContext', { first, end, contextTokens, topCount });
          assert.deepEqual(
            [found.topCount, found.topIds.length, found.surprisalBits.length],
            [topCount, topCount * (end - first), end - first],
          );
          for (let row = first; row < end; row++) {
            const at = row - first;
            const seen = Math.min(contextTokens, row);
            assert.equal(found.contextTokens[at], seen);
            const inputs = [...prefix, ...tokens.ids.subarray(row - seen, row)];
            if (inputs.length === 0) {
              assert.deepEqual([found.surprisalBits[at], found.ranks[at]], [NaN, 0]);
              continue;
            }
            const expected = await after(inputs);
            const id = tokens.ids[row] ?? 0;
            near(found.surprisalBits[at], bitsOf(expected, id), 1e-4, `row ${String(row)} from ${String(seen)} tokens`);
            near(found.entropyBits[at], expected.entropyBits, 1e-4, 'entropy');
            const rank = 1 + expected.logits.filter(logit => logit > (expected.logits[id] ?? NaN)).length;
            near(found.ranks[at], rank, 1, 'rank'); // ties
            for (let place = 0; place < topCount; place++) {
              const top = found.topIds[at * topCount + place] ?? -1;
              near(found.topLogProbabilities[at * topCount + place], (expected.logits[top] ?? NaN) - expected.logSum, 1e-4, 'alternative');
              near(expected.logits[top], expected.ascending.at(-1 - place) ?? NaN, 1e-5, 'order');
            }
          }
        }
      }
    }
  });

  it('is marginalised over what the model itself would write instead of one token', async () => {
    const started = await start();
    const text = markdown(120);
    const { ask } = await open(started, text, wide);
    const tokens = await tokensOf(text);
    const prefix = prefixOf(started.model, wide);
    const controls = Object.keys(started.model.vocabulary.controlNames).map(Number);
    for (const [first, row] of [
      [0, 4],
      [9, 10],
      [20, 30],
    ] as const) {
      const target = { row, ids: [tokens.ids[row] ?? 0], topCount: 4 };
      const before = await after([...prefix, ...tokens.ids.subarray(0, first)]);
      const likeliest = [...before.logits.keys()]
        .filter(id => id !== tokens.ids[first] && !controls.includes(id))
        .sort((a, b) => (before.logits[b] ?? 0) - (before.logits[a] ?? 0))
        .slice(0, 4);
      const weights = likeliest.map(id => Math.exp((before.logits[id] ?? 0) - before.logSum));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      let probability = 0;
      for (const [index, id] of likeliest.entries()) {
        const expected = await after([...prefix, ...tokens.ids.subarray(0, first), id, ...tokens.ids.subarray(first + 1, row)]);
        probability += ((weights[index] ?? 0) / sum) * 2 ** -bitsOf(expected, target.ids[0] ?? 0);
      }
      const source = { first, end: first + 1 };
      const found = await ask('without', { ...target, source, filler: 'proposals' });
      near(found.without.surprisalBits[0], -Math.log2(probability), 1e-4, `token ${String(first)}`);
      assert.ok(found.without.klBits > 0 && found.without.topIds.length === 4);
      const { withoutBits } = await ask('effects', { source, filler: 'proposals', until: row + 1 });
      near(withoutBits[row - first - 1], -Math.log2(probability), 1e-4, 'as an effect');
    }
  });

  it('gives the same answers whatever was asked before, and runs no more than what follows a source', async () => {
    const text = markdown(260);
    const asked: (Asked<'without'> & { readonly filler: Filler })[] = [];
    const random = randomNumbers(9);
    for (let index = 0; index < 12; index++) {
      const first = random(70);
      const source: Rows = { first, end: first + 1 + random(6) };
      asked.push({ row: 80, ids: [5], topCount: 2, source, filler: fillers[index % 3] ?? 'deletion' });
    }
    const answers = async (order: readonly number[], others: boolean) => {
      const started = await start(tinyFolder, 16);
      const { reader, ask } = await open(started, text, wide);
      if (others) await reader.score(wide);
      const found = new Map<number, Result<'without'>>();
      for (const index of order) {
        const params = asked[index] ?? assert.fail();
        const before = (await measure(started.client, started.model.key)).tokensRun;
        const answer = await ask('without', params);
        const run = (await measure(started.client, started.model.key)).tokensRun - before;
        assert.equal(answer.tokensRun, run);
        const isFirst = found.size === 0 && !others;
        if (params.filler !== 'proposals') assert.ok(run <= (isFirst ? 81 : 2) + 81 - params.source.first, `${String(run)} tokens`);
        found.set(index, answer);
        if (others) await ask('contextNeeds', { first: 40, end: 45, mostTokens: 9, topCount: 0 });
      }
      return found;
    };
    const order = asked.map((_, index) => index);
    const [once, again] = [await answers(order, false), await answers(order.toReversed(), true)];
    for (const [index, { without, whole }] of once) {
      const other = again.get(index) ?? assert.fail();
      near(without.surprisalBits[0], other.without.surprisalBits[0] ?? NaN, 1e-5, JSON.stringify(asked[index]));
      near(without.klBits, other.without.klBits, 1e-5, 'KL');
      near(whole.surprisalBits[0], other.whole.surprisalBits[0] ?? NaN, 1e-5, 'whole');
    }
  });

  it('is not run again for the whole where no cache can be kept, and the answer says so', async () => {
    for (const snapshotBytes of [0, loadParams(tinyFolder).snapshotBytes]) {
      const client = newClient(undefined, 16);
      clients.push(client);
      const model = await client.call('load', { ...loadParams(tinyFolder), threads: 1, snapshotBytes }, never);
      const { ask } = await open({ client, model }, markdown(260), wide);
      const target = { row: 80, ids: [5], topCount: 2 };
      const { keepsContext } = await ask('contextLengths', { ...target, lengths: [] });
      assert.equal(keepsContext, snapshotBytes > 0);
      const source = { first: 60, end: 63 };
      const { tokensRun } = await ask('without', { ...target, source, filler: 'startToken' });
      const most = keepsContext ? 20 + 2 : 81;
      assert.ok(tokensRun <= most, `${String(tokensRun)} tokens where ${String(most)} do`);
    }
  });

  it('has a long preamble read once for many short contexts, in calls no larger than usual', async () => {
    const text = markdown(200);
    const preamble = { kind: 'text', text: markdown(2000) } as const; // of which 64 tokens are read: half of what the model can hold
    const settings: ScoringSettings = { ...wide, preamble };
    const rows = { first: 3, end: 33 };
    const asked = [
      ['shortContext', { ...rows, contextTokens: 4, topCount: 2 }, 64 + rows.end * 6],
      ['contextNeeds', { ...rows, mostTokens: 4, topCount: 2 }, 2 * 64 + rows.end * 7],
      ['contextNeeds', { ...rows, mostTokens: 0, topCount: 2 }, 2 * 65 + rows.end],
    ] as const;
    for (const [method, params, mostRun] of asked) {
      const bits: Float64Array[] = [];
      for (const chunkTokens of [16, 512]) {
        const started = await start(tinyFolder, chunkTokens);
        const { ask } = await open(started, text, settings);
        const before = await measure(started.client, started.model.key);
        const found = method === 'shortContext' ? await ask(method, params) : await ask(method, params);
        bits.push(Float64Array.from(found.surprisalBits));
        const { tokensRun, modelCalls } = await measure(started.client, started.model.key);
        if (chunkTokens === 512) continue;
        const [run, calls] = [tokensRun - before.tokensRun, modelCalls - before.modelCalls];
        assert.ok(run <= mostRun, `${method}: ${String(run)} tokens, of at most ${String(mostRun)}`);
        assert.ok(run <= calls * 17, `${method}: ${String(run)} tokens in ${String(calls)} calls`);
      }
      const [small, large] = bits;
      for (const [index, each] of (small ?? []).entries()) {
        if (Number.isNaN(each))
          assert.ok(Number.isNaN(large?.[index])); // no such context
        else near(each, large?.[index] ?? NaN, 1e-4, `${method}, ${String(index)}`);
      }
    }
  });

  it('is not changed by a start token in the place of one', async () => {
    // Text never has that id: its ids are given here.
    const model = await Model.load({ ...loadParams(tinyFolder), threads: 1 }, 16);
    try {
      const engine = await model.engine('native');
      const { ids: all } = await tokensOf(markdown(100));
      const startTokenId = model.facts.startTokenId ?? assert.fail();
      const ids = Int32Array.from(all.subarray(0, 30), (id, row) => (row >= 11 && row < 13 ? startTokenId : id));
      const text = { ids, length: ids.length, startsLine: () => false };
      const scoring = { engine, prefixIds: [startTokenId], settings: wide, signal: never };
      const context = { scoring, text, known: undefined, drafting: engine };
      const params = {
        model: model.facts.key,
        document: '',
        version: 1,
        settings: wide,
        source: { first: 11, end: 13 },
        filler: 'startToken',
      } as const;
      const found = await without(context, { ...params, row: 30, ids: [4], topCount: 3 });
      near(found.without.klBits, 0, 1e-6, 'KL');
      near(found.without.surprisalBits[0], found.whole.surprisalBits[0] ?? NaN, 1e-5, 'bits');
      const { surprisalBits, withoutBits, first, end } = await effects(context, { ...params, until: 30 });
      assert.deepEqual([first, end], [13, 30]);
      for (const [row, bits] of withoutBits.entries()) near(bits, surprisalBits[row] ?? NaN, 1e-5, `row ${String(row)}`);
    } finally {
      await model.dispose();
    }
  });

  it('ends with its cancellation', async () => {
    const started = await start(tinyFolder, 4);
    const { ask } = await open(started, markdown(400), wide);
    const calls: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
      signal => ask('contextNeeds', { first: 40, end: 90, mostTokens: 40, topCount: 0 }, signal),
      signal => ask('shortContext', { first: 40, end: 90, contextTokens: 40, topCount: 1 }, signal),
      signal =>
        ask('contextLengths', { row: 90, ids: [], topCount: 1, lengths: Array.from({ length: 80 }, (_, length) => length) }, signal),
    ];
    for (const call of calls) {
      const stop = new AbortController();
      const before = (await measure(started.client, started.model.key)).tokensRun;
      const called = call(stop.signal);
      await measure(started.client, started.model.key); // answered between two calls of the model
      stop.abort();
      await assert.rejects(called, (error: unknown) => error instanceof ModelError && error.code === 'cancelled');
      assert.ok((await measure(started.client, started.model.key)).tokensRun - before < 2000);
    }
  });

  it('is refused, with what is wrong, where a question makes no sense', async () => {
    const started = await start();
    const { ask } = await open(started, markdown(300), narrow);
    const { ask: askWithoutStart } = await open(started, `# ${markdown(300)}`, noStart);
    const target = { row: 20, ids: [1], topCount: 2 };
    const left = { source: { first: 10, end: 12 }, filler: 'deletion' as const };
    const calls: readonly (() => Promise<unknown>)[] = [
      () => ask('contextLengths', { ...target, lengths: [2, 1] }),
      () => ask('contextLengths', { ...target, lengths: [-1] }),
      () => ask('contextLengths', { ...target, row: 1e6, lengths: [] }),
      () => ask('contextLengths', { ...target, ids: [1e6], lengths: [] }),
      () => ask('contextLengths', { ...target, topCount: 0.5, lengths: [] }),
      () => askWithoutStart('contextLengths', { ...target, row: 0, lengths: [] }),
      () => ask('without', { ...target, ...left, source: { first: 19, end: 21 } }),
      () => ask('without', { ...target, ...left, source: { first: 3, end: 3 } }),
      () => ask('without', { ...target, ...left, source: { first: 0, end: 2 }, row: 60 }),
      () => ask('without', { ...target, ...left, filler: 'nothing' as Filler }),
      () => askWithoutStart('without', { ...target, ...left, row: 4, source: { first: 0, end: 4 } }),
      () => askWithoutStart('without', { ...target, ...left, row: 4, source: { first: 0, end: 2 }, filler: 'proposals' }),
      () => ask('effects', { ...left, source: { first: -1, end: 3 }, until: 30 }),
      () => ask('effects', { ...left, until: NaN }),
      () => ask('contextNeeds', { first: 3, end: 1e6, mostTokens: 4, topCount: 0 }),
      () => ask('contextNeeds', { first: 3, end: 5, mostTokens: 257, topCount: 0 }),
      () => ask('shortContext', { first: 3, end: 5, contextTokens: 1.5, topCount: 1 }),
      () => ask('shortContext', { first: 3, end: 5, contextTokens: 1, topCount: -1 }),
    ];
    for (const [index, call] of calls.entries()) {
      const isBadArgument = (error: unknown) => error instanceof ModelError && error.code === 'bad-argument' && error.message.length > 20;
      await assert.rejects(call(), isBadArgument, `call ${String(index)}`);
    }
  });

  it('is answered by a model that has no float32 arithmetic, in its own', async () => {
    const started = await start('test/fixtures/tiny-half');
    const text = markdown(120);
    const { ask } = await open(started, text, wide);
    const { ask: askExact } = await open(started, text, wide, 'float32');
    const target = { row: 20, ids: [1], topCount: 2 };
    const found = await ask('contextLengths', { ...target, lengths: [0, 4, 20] });
    assert.equal(found.predictions.length, 3);
    assert.ok((found.predictions[0]?.klBits ?? 0) > (found.predictions[2]?.klBits ?? NaN));
    for (const filler of fillers) {
      const { without: other } = await ask('without', { ...target, source: { first: 4, end: 7 }, filler });
      assert.ok(other.klBits > 0 && Number.isFinite(other.surprisalBits[0]));
    }
    assert.ok((await ask('contextNeeds', { first: 4, end: 6, mostTokens: 4, topCount: 0 })).surprisalBits.every(Number.isFinite));
    assert.ok((await ask('shortContext', { first: 4, end: 6, contextTokens: 3, topCount: 2 })).surprisalBits.every(Number.isFinite));
    await assert.rejects(
      askExact('contextLengths', { ...target, lengths: [] }),
      (error: unknown) => error instanceof ModelError && error.code === 'unsupported',
    );
  });

  for (const arithmetic of ['native', 'float32'] as const) {
    it(`is the same from many runs in one call as from each alone, bundled model, ${arithmetic}`, async () => {
      const started = await start(bundledFolder);
      const text = 'The harbour was quiet before dawn. Two fishermen sat on an upturned crate and shared a flask of coffee.';
      const { reader, ask } = await open(started, text, wide, arithmetic);
      await reader.score(wide);
      const [first, end, mostTokens] = [14, 19, 18];
      const needs = await ask('contextNeeds', { first, end, mostTokens, topCount: 0 });
      const short = await ask('shortContext', { first, end, contextTokens: 6, topCount: 2 });
      for (let row = first; row < end; row++) {
        const bits = needs.surprisalBits.subarray((row - first) * (mostTokens + 1), (row - first + 1) * (mostTokens + 1));
        const id = reader.finished.ids[row] ?? 0;
        const alone = await ask('contextLengths', { row, ids: [id], topCount: 2, lengths: [0, 1, 6, row] });
        for (const [index, length] of alone.lengths.entries()) {
          near(bits[length], alone.predictions[index]?.surprisalBits[0] ?? NaN, 1e-3, `${String(length)} tokens before row ${String(row)}`);
        }
        near(short.surprisalBits[row - first], bits[6] ?? NaN, 1e-3, `row ${String(row)} from 6 tokens`);
        near(bits[row], reader.finished.surprisalBits[row] ?? NaN, 1e-3, `the full score of row ${String(row)}`);
      }
    });
  }
});
