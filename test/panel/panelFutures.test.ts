import assert from 'node:assert/strict';
import { unpacked, type Continuation } from '../../src/core/futures';
import { neutralSampling } from '../../src/core/sampling';
import { Vocabulary } from '../../src/core/vocabulary';
import type { Provenance } from '../../src/core/scores';
import type { Answer } from '../../src/documentView';
import type { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import { Refusal, type RefusalReason } from '../../src/refusal';
import { askFuturesFrom, type FuturesMessage, type FuturesWanted, type SampledFutures } from '../../src/views/futuresProtocol';
import type { Place } from '../../src/views/panelAnswers';
import { PanelFutures, type FuturesSource } from '../../src/views/panelFutures';
import { fromPanel } from '../../src/views/panelProtocol';
import { loadParams, markdown, measure, never, newClient, Reader, tinyFolder, tinySettings } from '../model/process';

type Futures = Answer<'futures'>;
type Asked = Parameters<FuturesSource<FakeDocument>['futures']>[1];

interface FakeDocument {
  readonly text: string;
  version: number;
}

const around = {
  vocabulary: new Vocabulary({ bytes: new Uint8Array(0), offsets: new Uint32Array(1), controlNames: {} }),
  modelName: 'Tiny',
  provenance: {} as Provenance,
};
const text = 'The boat\r\ncame into the harb';
const wanted: FuturesWanted = { count: 40, mostTokens: 2, sampling: neutralSampling, seed: 3, forced: [] };

/** Continuation number `index` is the same whichever others are asked for with it. */
function continuation(index: number, forced: Asked['forced']): Continuation {
  const ids = typeof forced === 'number' ? [forced, index] : [index, index + 1];
  return { ids: Int32Array.from(ids), logProbabilities: Float64Array.of(-1, -2), sampledLogProbabilities: Float64Array.of(-1, -Infinity), ended: index % 2 === 0 ? 'control' : 'length' }; // prettier-ignore
}

/** Answers when the test says so. */
class FakeSource implements FuturesSource<FakeDocument> {
  readonly asked: {
    readonly asked: Asked;
    readonly signal: AbortSignal;
    readonly resolve: (answer: Futures) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  futures(_document: FakeDocument, asked: Asked, signal: AbortSignal): Promise<Futures> {
    return new Promise((resolve, reject) => this.asked.push({ asked, signal, resolve, reject }));
  }
  textBetween(document: FakeDocument, start: number, end: number): string {
    return document.text.slice(start, end);
  }
  refusalInWords(reason: RefusalReason): string {
    return `Refused: ${reason.kind}.`;
  }
  failureInWords({ code }: ModelError): string {
    return `Failed: ${code}.`;
  }
  time(work: () => void): void {
    work();
  }
}

const settled = () => new Promise(resolve => setImmediate(resolve));

describe('futures of the panel', () => {
  let source: FakeSource;
  let document: FakeDocument;
  let futures: PanelFutures<FakeDocument>;
  let posted: FuturesMessage[];
  beforeEach(() => {
    source = new FakeSource();
    document = { text, version: 1 };
    posted = [];
    futures = new PanelFutures(source, message => posted.push(message));
  });

  const at = (offset = text.length, of = document): Place<FakeDocument> => ({ document: of, version: of.version, offset, after: [] });
  const last = () => posted.at(-1) ?? assert.fail('nothing was posted');
  const free = () => last().free ?? assert.fail('none are kept');
  const idsOf = ({ groups }: SampledFutures) => groups.map(group => unpacked(group.continuations).map(({ ids }) => [...ids]));
  async function answer(index = source.asked.length - 1): Promise<void> {
    const { asked, resolve } = source.asked[index] ?? assert.fail('nothing was asked');
    const continuations = Array.from({ length: asked.count }, (_, place) => continuation(asked.first + place, asked.forced));
    resolve({ ...around, result: { cut: text.indexOf(' harb'), contextTokens: 7, forcedTokens: asked.forced === undefined ? 0 : 1, continuations } }); // prettier-ignore
    await settled();
  }

  it('are asked for in batches, and told as they come, with the place they go on from', async () => {
    const all = futures.ask(at(), wanted);
    assert.deepEqual([free().state, free().contextTokens, idsOf(free())], ['running', undefined, [[]]]);
    const counts: number[] = [];
    for (let batch = 0; batch < 3; batch++) {
      await answer();
      counts.push(unpacked(free().groups[0]?.continuations ?? assert.fail()).length);
    }
    await all;
    assert.deepEqual(counts, [16, 32, 40]);
    assert.deepEqual(
      source.asked.map(({ asked: { first, count } }) => [first, count]),
      [
        [0, 16],
        [16, 16],
        [32, 8],
      ],
    );
    assert.equal(source.asked[2]?.asked.offset, text.length);
    const { name, groups, ...facts } = free();
    assert.match(name, /^[0-9a-f-]{36}$/);
    assert.deepEqual(facts, {
      wanted,
      state: 'done',
      problem: undefined,
      isHere: true,
      before: 'The boat\ncame into the',
      typed: ' harb',
      contextTokens: 7,
    });
    const expected = Array.from({ length: 40 }, (_, index) => continuation(index, undefined));
    assert.deepEqual(unpacked(groups[0]?.continuations ?? assert.fail()), expected);
    assert.deepEqual([last().forced, last().gone], [undefined, undefined]);
  });

  it('behind a continuation that is tried out go on from its last token, in place of what is typed', async () => {
    const [sea, comma] = [new TextEncoder().encode(' sea'), new TextEncoder().encode(',')];
    const vocabulary = new Vocabulary({ bytes: Uint8Array.of(...sea, ...comma), offsets: Uint32Array.of(0, sea.length, sea.length + 1), controlNames: {} }); // prettier-ignore
    const place = { ...at(), after: [0, 1] };
    const asking = futures.ask(place, { ...wanted, count: 1 });
    const { asked, resolve } = source.asked[0] ?? assert.fail();
    assert.deepEqual(asked.after, [0, 1]);
    const result = { cut: text.indexOf(' harb'), contextTokens: 9, forcedTokens: 0, continuations: [continuation(0, undefined)] };
    resolve({ ...around, vocabulary, result });
    await asking;
    assert.deepEqual([free().before, free().typed, free().isHere], ['The boat\ncame into the sea,', '', true]);
    futures.moved({ ...place, after: [0] });
    assert.equal(free().isHere, false);
  });

  it('of two beginnings grow together, beside the free ones', async () => {
    const both = futures.ask(at(), { ...wanted, count: 20, forced: [9, ' sea'] });
    for (let call = 0; call < 4; call++) await answer();
    await both;
    assert.deepEqual(
      source.asked.map(({ asked: { first, forced } }) => [first, forced]),
      [
        [0, 9],
        [0, ' sea'],
        [16, 9],
        [16, ' sea'],
      ],
    );
    const before = last().forced ?? assert.fail();
    assert.deepEqual(before.groups.map(group => [group.forcedTokens, group.continuations.lengths.length]), [[1, 20], [1, 20]]); // prettier-ignore
    void futures.ask(at(), { ...wanted, count: 1 });
    await answer();
    assert.deepEqual([idsOf(last().forced ?? assert.fail()), idsOf(free())], [idsOf(before), [[[0, 1]]]]);
  });

  it('stop for a newer question, at the reader’s wish, when the cursor leaves and when the text is edited behind the place', async () => {
    const ways: readonly [SampledFutures['state'], () => void][] = [
      ['stopped', () => futures.stop()],
      ['moved', () => futures.moved(at(4))],
      ['moved', () => futures.moved(undefined)],
      ['moved', () => futures.moved(at(text.length, { text, version: 1 }))],
      ['edited', () => futures.edited(document, text.length)],
    ];
    for (const [state, end] of ways) {
      futures.moved(at());
      const asked = futures.ask(at(), wanted);
      await answer();
      const running = source.asked.at(-1) ?? assert.fail();
      futures.moved(at());
      assert.ok(!running.signal.aborted);
      end();
      assert.ok(running.signal.aborted, state);
      assert.deepEqual([free().state, free().isHere, idsOf(free())[0]?.length], [state, state !== 'moved', 16]);
      const count = posted.length;
      await answer();
      await asked;
      assert.equal(posted.length, count, 'an answer that came late was told');
    }
    void futures.ask(at(), wanted);
    await answer();
    const older = source.asked.at(-1);
    void futures.ask(at(), { ...wanted, forced: [1, 2] });
    assert.ok(older?.signal.aborted);
    assert.deepEqual([free().state, last().forced?.state], ['stopped', 'running']);
    const { name } = free();
    void futures.ask(at(), wanted);
    assert.equal(last().forced?.state, 'stopped');
    assert.notEqual(free().name, name);
  });

  it('are not sampled where the cursor has left the place before the question came', async () => {
    futures.moved(at(4));
    await futures.ask(at(), wanted);
    assert.deepEqual([free().state, free().isHere, source.asked.length], ['moved', false, 0]);
  });

  it('stay when the cursor moves, and are gone when the text before them changes', async () => {
    const other: FakeDocument = { text, version: 1 };
    void futures.ask(at(12), { ...wanted, count: 1 });
    await answer();
    futures.moved(at(3));
    assert.deepEqual([free().isHere, free().state, idsOf(free())[0]?.length], [false, 'done', 1]);
    futures.moved(at(12));
    assert.equal(free().isHere, true);
    const count = posted.length;
    futures.moved(at(12));
    futures.edited(other, 0);
    futures.closed(other);
    futures.edited(document, 12);
    document.version = 2;
    futures.moved(at(12));
    assert.equal(posted.length, count, 'something changed');
    assert.equal(free().isHere, true);
    futures.edited(document, 11);
    assert.deepEqual(last(), { kind: 'futures', free: undefined, forced: undefined, gone: 'edited' });

    void futures.ask(at(12), { ...wanted, count: 1 });
    assert.equal(last().gone, undefined);
    await answer();
    futures.closed(document);
    assert.deepEqual([last().free, last().gone], [undefined, 'closed']);
    void futures.ask(at(12), wanted);
    futures.forget();
    assert.deepEqual([last().free, last().gone, source.asked.at(-1)?.signal.aborted], [undefined, 'settings', true]);
    const told = posted.length;
    futures.forget();
    assert.equal(posted.length, told);
  });

  it('drop an answer for a text that is no longer there, though nobody has said so yet', async () => {
    const asked = futures.ask(at(), wanted);
    document.version = 2;
    await answer();
    await asked;
    assert.deepEqual([free().state, idsOf(free())], ['edited', [[]]]);
  });

  it('say why the model did not answer', async () => {
    for (const [error, problem] of [
      [new ModelError('bad-argument', 'no'), 'Failed: bad-argument.'],
      [new Refusal({ kind: 'memory', neededBytes: 2, freeBytes: 1 }), 'Refused: memory.'],
      [new Error('odd'), 'Failed: internal.'],
    ] as const) {
      const asked = futures.ask(at(), wanted);
      await answer();
      source.asked.at(-1)?.reject(error);
      await asked;
      assert.deepEqual([free().state, free().problem, idsOf(free())[0]?.length], ['failed', problem, 16]);
    }
    void futures.ask(at(), wanted);
    futures.dispose();
    const count = posted.length;
    source.asked.at(-1)?.reject(new Error('late'));
    await settled();
    assert.equal(posted.length, count);
  });

  it('are asked for by pages in one way only', () => {
    const good = { kind: 'futures', place: 1, ...wanted };
    assert.deepEqual(fromPanel({ ...good, extra: 1 }), good);
    assert.deepEqual(fromPanel({ kind: 'stopFutures' }), { kind: 'stopFutures' });
    for (const change of [
      { place: '1' },
      { count: 0 },
      { count: 257 },
      { mostTokens: 65 },
      { mostTokens: 1.5 },
      { seed: -1 },
      { sampling: { ...neutralSampling, topK: 'x' } },
      { sampling: null },
      { forced: [1] },
      { forced: [1, ''] },
      { forced: ['x'.repeat(201), 1] },
      { forced: [1.5, 1] },
    ])
      assert.equal(fromPanel({ ...good, ...change }), undefined, JSON.stringify(change));
    assert.ok(askFuturesFrom({ ...good, forced: [0, ' x'] }));
  });
});

describe('futures of the panel with a model process', () => {
  const clients: ModelClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start() {
    const client = newClient(undefined, 16);
    clients.push(client);
    const { key } = await client.call('load', loadParams(tinyFolder), never);
    const reader = new Reader(client, key, 'futures');
    await reader.open(markdown(200));
    const posted: FuturesMessage[] = [];
    const source: FuturesSource<Reader> = {
      futures: async (document, { offset, ...asked }, signal) => ({
        ...around,
        result: await document.futures(tinySettings, offset, asked, signal),
      }),
      textBetween: (document, from, to) => document.text.slice(from, to),
      refusalInWords: ({ kind }) => kind,
      failureInWords: ({ code }) => code,
      time: work => work(),
    };
    return { client, key, reader, posted, futures: new PanelFutures(source, message => posted.push(message)) };
  }

  it('are those of one call, free and forced', async () => {
    const { reader, posted, futures } = await start();
    const place = { document: reader, version: reader.version, offset: 150, after: [] };
    const sampling = { ...neutralSampling, temperature: 1.1 };
    const asked = { count: 37, mostTokens: 5, sampling, seed: 9 };
    await futures.ask(place, { ...asked, forced: [] });
    await futures.ask(place, { ...asked, forced: [70, ' the sea'] });
    const { free, forced } = posted.at(-1) ?? assert.fail();
    const found = [...(free?.groups ?? []), ...(forced?.groups ?? [])].map(group => unpacked(group.continuations));
    for (const [index, start] of [undefined, 70, ' the sea'].entries()) {
      const one = await reader.futures(tinySettings, 150, { ...asked, first: 0, forced: start });
      assert.deepEqual(found[index], one.continuations, String(start));
    }
    assert.equal(found.length, 3);
    assert.deepEqual([free?.state, forced?.state], ['done', 'done']);
  });

  it('stop in the model process, too', async () => {
    const { client, key, reader, posted, futures } = await start();
    const place = { document: reader, version: reader.version, offset: 150, after: [] };
    const asked = futures.ask(place, { count: 256, mostTokens: 64, sampling: neutralSampling, seed: 9, forced: [] });
    while ((posted.at(-1)?.free?.groups[0]?.continuations.lengths.length ?? 0) === 0) await settled();
    futures.stop();
    await asked;
    const { tokensRun } = await measure(client, key);
    await reader.next(tinySettings, 150);
    assert.ok((await measure(client, key)).tokensRun < tokensRun + 200, 'it went on');
    assert.equal(posted.at(-1)?.free?.state, 'stopped');
  });
});
