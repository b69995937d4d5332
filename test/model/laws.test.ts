import assert from 'node:assert/strict';
import { sliceRows } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { ModelKey, ScoreTable, WindowSettings } from '../../src/core/scores';
import { windowHolding, windowInForce, windowsOf } from '../../src/core/window';
import type { ModelClient } from '../../src/model/client';
import { Documents } from '../../src/model/documents';
import { ModelError } from '../../src/model/errors';
import { Model } from '../../src/model/model';
import type { ModelDescription, ModelEvent, ScoringSettings } from '../../src/model/protocol';
import { scoreText } from '../../src/model/scoreText';
import { assertTiles, near, PlainModel, toleranceBits } from './plainModel';
import {
  bundledFolder,
  edited,
  hardText,
  loadParams,
  markdown,
  measure,
  never,
  newClient,
  pendingCount,
  randomNumbers,
  Reader,
  tinyFolder,
  tinySettings,
} from './process';
import { randomEdit, RandomUser } from './randomUser';

function settingsOf(
  contextTokens: number,
  overlapTokens: number,
  anchors: ScoringSettings['anchors'],
  useStartToken = true,
): ScoringSettings {
  return { contextTokens, overlapTokens, anchors, topCount: 5, useStartToken, watchWords: [] };
}

/** Numbers of two tables of the same text. */
function assertSameScores(got: ScoreTable, expected: ScoreTable, tolerance: number): void {
  assert.deepEqual(got.ids, expected.ids);
  assert.deepEqual(got.starts, expected.starts);
  assert.deepEqual(got.contextTokens, expected.contextTokens);
  assert.deepEqual(got.states, expected.states);
  for (let row = 0; row < got.length; row++) {
    if (got.states[row] !== rowState.scored) continue;
    near(got.surprisalBits[row], expected.surprisalBits[row] ?? NaN, tolerance, `surprisal of row ${String(row)}`);
    near(got.entropyBits[row], expected.entropyBits[row] ?? NaN, tolerance, `entropy of row ${String(row)}`);
  }
}

describe('laws of scoring, on the tiny model', () => {
  const clients: ModelClient[] = [];
  let plain: PlainModel;
  before(async () => {
    plain = await PlainModel.open(tinyFolder);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start(
    chunkTokens: number | undefined,
    snapshotBytes = 2 ** 23,
  ): Promise<{ readonly client: ModelClient; readonly model: ModelDescription }> {
    const client = newClient(undefined, chunkTokens);
    clients.push(client);
    // One thread: more are slower with so small a model.
    return { client, model: await client.call('load', { ...loadParams(tinyFolder), threads: 1, snapshotBytes }, never) };
  }

  /** Two or three people in one process, each with a document; now and then they change to the settings of another. */
  const runs: readonly { readonly chunkTokens: number; readonly snapshotBytes: number; readonly settings: readonly ScoringSettings[] }[] = [
    { chunkTokens: 2, snapshotBytes: 0, settings: [settingsOf(32, 8, 'text'), settingsOf(24, 0, 'grid', false)] },
    { chunkTokens: 3, snapshotBytes: 30_000, settings: [settingsOf(64, 16, 'text'), settingsOf(96, 48, 'grid')] },
    { chunkTokens: 5, snapshotBytes: 120_000, settings: [settingsOf(96, 24, 'text', false), settingsOf(8, 4, 'grid')] },
    { chunkTokens: 16, snapshotBytes: 2 ** 23, settings: [settingsOf(96, 24, 'text'), settingsOf(64, 16, 'grid', false)] },
    { chunkTokens: 128, snapshotBytes: 300_000, settings: [settingsOf(1024, 256, 'text'), settingsOf(1024, 256, 'grid')] },
    {
      chunkTokens: 37,
      snapshotBytes: 2 ** 23,
      settings: [settingsOf(16, 4, 'text'), settingsOf(9, 3, 'text', false), settingsOf(1, 0, 'grid')],
    },
  ];
  for (const [index, { chunkTokens, snapshotBytes, settings }] of runs.entries()) {
    it(`hold at every moment while texts are edited: chunks of ${String(chunkTokens)}, ${String(snapshotBytes)} bytes for caches`, async () => {
      const { client, model } = await start(chunkTokens, snapshotBytes);
      const users = settings.map((_, first) => {
        const random = randomNumbers(100 * index + first);
        const reader = new Reader(client, model.key, `user ${String(first)}`);
        const ordered = [...settings.slice(first), ...settings.slice(0, first)];
        const watching = [['boats', 'the'], ['rain'], ['boats', 'fog', 'x', 'return', '日本']];
        const own = [...ordered, ...ordered.map((one, at) => ({ ...one, watchWords: watching[(index + at) % watching.length] ?? [] }))];
        return new RandomUser({ reader, plain, positions: model.positions, random, settings: own, longestText: 700 });
      });
      for (const user of users) await user.open(hardText);
      await Promise.all(users.map(user => user.play(80)));
      const sum = (count: (user: RandomUser) => number) => users.reduce((total, user) => total + count(user), 0);
      assert.ok(sum(user => user.edits) > 250 && sum(user => user.scores) > 90 && sum(user => user.answers) > 90);
      assert.ok(sum(user => user.cancelled) > 3);
      assert.ok((await measure(client, model.key)).snapshotBytes <= snapshotBytes);
    });
  }

  it('whole text and chunks of any size give the same numbers, in processes of their own', async () => {
    const reading = await plain.read(hardText);
    for (const chunkTokens of [2, 3, 7, 31, 64, 128]) {
      const { client } = await start(chunkTokens);
      const { table } = await scoreText(client, loadParams(tinyFolder), hardText, tinySettings, 'native', never);
      assert.equal(pendingCount(table), 0);
      await reading.assertRows(sliceRows(table, 0, table.length), tinySettings, [0], `chunks of ${String(chunkTokens)}`);
    }
  });

  it('numbers do not depend on what follows', async () => {
    const { client, model } = await start(16);
    const random = randomNumbers(11);
    const text = markdown(900) + hardText;
    for (const settings of [settingsOf(96, 48, 'grid'), settingsOf(64, 16, 'text')]) {
      const whole = new Reader(client, model.key, `whole ${settings.anchors}`);
      await whole.open(text);
      await whole.score(settings);
      const { contextTokens, overlapTokens } = settings;
      for (let round = 0; round < 25; round++) {
        const kept = random(text.length);
        const cut = new Reader(client, model.key, 'cut');
        await cut.open(text.slice(0, kept) + (round % 2 === 0 ? '' : '\n\n# another ending 🙂'));
        await cut.score(settings);
        const [a, b] = [whole.finished, cut.finished];
        let same = 0;
        while (same < b.length && a.ids[same] === b.ids[same] && (a.ends[same] ?? 0) <= kept) same++;
        // What a window is may be decided by so many tokens after its rows.
        const settled = settings.anchors === 'grid' ? same : Math.max(0, same - (contextTokens - overlapTokens));
        for (let row = 0; row < settled; row++) {
          assert.equal(b.contextTokens[row], a.contextTokens[row]);
          near(b.surprisalBits[row], a.surprisalBits[row] ?? NaN, toleranceBits, `surprisal of row ${String(row)}`);
          near(b.entropyBits[row], a.entropyBits[row] ?? NaN, toleranceBits, `entropy of row ${String(row)}`);
        }
      }
    }
  });

  it('no window looks further ahead than the rows it can hold', () => {
    const random = randomNumbers(12);
    const all: readonly WindowSettings[] = [
      settingsOf(1024, 256, 'text'),
      settingsOf(96, 24, 'text'),
      settingsOf(64, 0, 'text'),
      settingsOf(48, 24, 'text'),
      settingsOf(16, 4, 'text'),
      settingsOf(3, 1, 'text'),
      settingsOf(96, 48, 'grid'),
    ];
    for (const settings of all) {
      const ids = Array.from({ length: 8 * settings.contextTokens }, () => random(12));
      const windows = (length: number) => windowsOf({ ids, length, startsLine: index => ids[index - 1] === 0 }, settings);
      const whole = windows(ids.length);
      for (let round = 0; round < 200; round++) {
        const length = random(ids.length + 1);
        const settled = length - (settings.contextTokens - settings.overlapTokens);
        for (const { start, scoreFrom, end } of windows(length)) {
          for (let row = scoreFrom; row < Math.min(end, settled); row++) assert.equal(windowHolding(whole, row)?.start, start);
        }
      }
    }
  });

  it('the next token is the row of what is typed next', async () => {
    const { client, model } = await start(16);
    const random = randomNumbers(13);
    for (const settings of [settingsOf(96, 48, 'grid'), settingsOf(24, 8, 'text'), settingsOf(3, 1, 'text')]) {
      const reader = new Reader(client, model.key, 'typed');
      await reader.open(markdown(300));
      let compared = 0;
      for (let round = 0; round < 60; round++) {
        await reader.score(settings);
        const next = await reader.next(settings, reader.text.length);
        const before = reader.finished;
        const { text } = reader;
        await reader.edit(text.length, text.length, ['m', '\n', '.', ' ', 'e'][random(5)] ?? '');
        await reader.score(settings);
        const table = reader.finished;
        const row = before.length;
        // Only where one token came and those before it stayed: with more of them windows may be others.
        const isOneMore = table.length === row + 1 && before.ids.every((id, index) => table.ids[index] === id);
        if (next.cut !== text.length || !isOneMore) continue;
        compared++;
        near(-(next.logProbabilities[table.ids[row] ?? 0] ?? NaN) / Math.LN2, table.surprisalBits[row] ?? NaN, toleranceBits, 'bits');
        near(next.entropyBits, table.entropyBits[row] ?? NaN, toleranceBits, 'entropy');
        assert.equal(next.contextTokens, table.contextTokens[row]);
      }
      assert.ok(compared > 20, String(compared));
    }
  });

  it('a question about the next token is answered for the text it was asked about', async () => {
    const { client, model } = await start(undefined);
    const text = markdown(200_000); // read in several slices, between which calls come in
    const [reader, other] = [new Reader(client, model.key, 'changed'), new Reader(client, model.key, 'as it was')];
    await reader.open(text);
    const stop = new AbortController();
    const scoring = assert.rejects(reader.score(tinySettings, stop.signal), { code: 'cancelled' });
    const asked = reader.next(tinySettings, 100);
    await reader.edit(0, 0, 'Something else altogether, in front. ');
    stop.abort();
    await other.open(text);
    const expected = await other.next(tinySettings, 100);
    const answer = await asked;
    assert.deepEqual([answer.cut, answer.contextTokens], [expected.cut, expected.contextTokens]);
    assert.deepEqual(answer.logProbabilities, expected.logProbabilities);
    await scoring;
  });

  it('a score that is called off after any number of events leaves what it did, and the next one is right', async () => {
    const { client, model } = await start(16);
    const reading = await plain.read(hardText);
    for (const settings of [settingsOf(96, 48, 'grid'), settingsOf(64, 16, 'text', false)]) {
      const whole = new Reader(client, model.key, 'whole');
      await whole.open(`-${hardText}`);
      const { tokensRun } = await whole.score(settings);
      for (let events = 0; events <= whole.events.length; events++) {
        const reader = new Reader(client, model.key, `called off after ${String(events)}`);
        await reader.open(hardText);
        const stop = new AbortController();
        let seen = 0;
        if (events === 0)
          setImmediate(() => {
            stop.abort();
          });
        reader.onChange = () => {
          if (++seen === events) stop.abort();
        };
        const before = (await measure(client, model.key)).tokensRun;
        await reader.score(settings, stop.signal).catch((error: unknown) => {
          assert.ok(error instanceof ModelError && error.code === 'cancelled');
        });
        await reader.score(settings);
        const table = reader.finished;
        assert.equal(pendingCount(table), 0);
        await reading.assertRows(sliceRows(table, 0, table.length), settings, settings.useStartToken ? [0] : [], 'after a cancellation');
        assert.ok((await measure(client, model.key)).tokensRun - before <= tokensRun + 16);
        await reader.close();
      }
    }
  });

  describe('counted in tokens given to the model', () => {
    const settings = settingsOf(96, 24, 'text');
    const text = markdown(4000);

    async function scored(snapshotBytes?: number) {
      const { client, model } = await start(16, snapshotBytes);
      const reader = new Reader(client, model.key, 'counted');
      await reader.open(text);
      const { tokensRun } = await reader.score(settings);
      assert.ok(reader.finished.length > 2500);
      const ran = async (work: () => Promise<unknown>) => {
        const before = (await measure(client, model.key)).tokensRun;
        await work();
        return (await measure(client, model.key)).tokensRun - before;
      };
      const around = (offset: number) => [{ start: offset - 80, end: offset + 80 }];
      return { reader, ran, around, tokensRun };
    }

    it('one character typed anywhere costs at most three windows, and taking it back costs nothing', async () => {
      const { reader, around } = await scored();
      const random = randomNumbers(14);
      const places = [0, text.length >>> 1, text.length, ...Array.from({ length: 60 }, () => random(text.length))];
      for (const place of places) {
        await reader.edit(place, place, 'x');
        const typed = await reader.score(settings, never, around(place));
        assert.ok(typed.tokensRun <= 3 * settings.contextTokens, `${String(typed.tokensRun)} tokens at ${String(place)}`);
        assert.equal(pendingCount(reader.finished), 0);
        await reader.edit(place, place + 1, '');
        assert.equal((await reader.score(settings, never, around(place))).tokensRun, 0);
      }
    });

    it('typing at the end costs a few tokens', async () => {
      const { reader, around } = await scored();
      const costs: number[] = [];
      for (const character of 'The tide went out at noon.') {
        await reader.edit(reader.text.length, reader.text.length, character);
        costs.push((await reader.score(settings, never, around(reader.text.length))).tokensRun);
      }
      costs.sort((a, b) => a - b);
      assert.ok((costs[costs.length >>> 1] ?? NaN) <= 4, costs.join());
      assert.ok((costs.at(-1) ?? NaN) <= settings.contextTokens + 1, costs.join()); // where a new window begins
    });

    it('moving the cursor in what shows costs a couple of tokens', async () => {
      const { reader, ran, around } = await scored();
      const middle = text.length >>> 1;
      await reader.edit(middle, middle, 'x');
      await reader.score(settings, never, around(middle));
      const window = windowHolding(
        (await plain.read(reader.text)).windows(settings),
        reader.finished.starts.findIndex(start => start >= middle),
      );
      assert.ok(window);
      for (let row = window.scoreFrom + 1; row < window.end; row += 7) {
        const tokens = await ran(() => reader.next(settings, reader.finished.starts[row] ?? 0));
        assert.ok(tokens <= 3, `${String(tokens)} tokens`);
      }
    });

    it('a text that is scored already, and one that is scored again under other eyes, cost nothing', async () => {
      const { reader, ran, tokensRun } = await scored();
      assert.ok(tokensRun < 2 * reader.finished.length);
      assert.equal(await ran(() => reader.score(settings, never, [{ start: 0, end: 100 }])), 0);
    });
  });

  describe('what shows', () => {
    const text = markdown(4000);
    const end = { start: text.length - 100, end: text.length };

    /** Index among the events of the first one with a scored row at the text's end. */
    function firstAtEnd({ events, finished }: Reader): number {
      return events.findIndex(
        event =>
          event.kind === 'rows' &&
          event.rows.states.some((state, at) => state === rowState.scored && (finished.ends[event.rows.first + at] ?? 0) > end.start),
      );
    }

    it('comes first', async () => {
      const { client, model } = await start(16);
      const reader = new Reader(client, model.key, 'shown');
      await reader.open(text);
      await reader.score(settingsOf(96, 24, 'text'), never, [end]);
      const firsts = reader.events.flatMap(event => (event.kind === 'rows' ? [event.rows] : []));
      const done = firsts.findIndex(rows => (reader.finished.ends[rows.first + rows.count - 1] ?? 0) <= end.start);
      // Two windows at most hold so short a piece, the rows before it included.
      const rowsBefore = firsts.slice(0, done).reduce((sum, { count }) => sum + count, 0);
      assert.ok(firstAtEnd(reader) <= 12 && rowsBefore <= 2 * 96, `${String(firstAtEnd(reader))}, ${String(rowsBefore)}`);
    });

    it('overtakes what is under way when it moves, after the chunk that is running', async () => {
      // In this process, so that the screen moves at a certain event and not some time after it.
      const model = await Model.load({ ...loadParams(tinyFolder), threads: 1 }, 2);
      try {
        const documents = new Documents();
        const key = model.facts.key;
        documents.open({ model: key, document: 'scrolled', version: 1, text });
        const settings = settingsOf(96, 24, 'text');
        const rows: { readonly first: number; readonly end: number }[] = [];
        const params = { model: key, document: 'scrolled', version: 1, settings, knownTableId: undefined };
        const emit = (event: ModelEvent) => {
          if (event.kind === 'rows') rows.push({ first: event.rows.first, end: event.rows.first + event.rows.count });
          if (rows.length === 5) documents.show({ model: key, document: 'scrolled', visible: [end] });
        };
        await documents.score({ ...params, visible: [{ start: 0, end: 500 }] }, model, { signal: never, emit });
        const { layout } = await plain.read(text);
        const windows = (await plain.read(text)).windows(settings);
        const shows = windows.filter(window => (layout.ends[window.end - 1] ?? 0) > end.start);
        const moved = rows.findIndex(({ first }) => shows.some(window => first >= window.scoreFrom));
        assert.equal(moved, 5);
        // Then what shows is done before anything else.
        const done = rows.findIndex(({ end: last }) => last === layout.ids.length);
        assert.ok(rows.slice(moved, done).every(({ first }) => shows.some(window => first >= window.scoreFrom && first < window.end)));
        assert.equal(
          rows.reduce((sum, { first, end: last }) => sum + last - first, 0),
          layout.ids.length,
        );
      } finally {
        await model.dispose();
      }
    });

    it('is what was said last, also before a score has had its turn', async () => {
      const { client, model } = await start(16);
      const reader = new Reader(client, model.key, 'waiting');
      await reader.open(text);
      const stop = new AbortController();
      const first = assert.rejects(reader.score(settingsOf(32, 8, 'text'), stop.signal), { code: 'cancelled' });
      const second = reader.score(settingsOf(96, 24, 'text'), never, [{ start: 0, end: 100 }]);
      const shown = reader.show([end]);
      stop.abort();
      await Promise.all([first, second, shown]);
      assert.ok(firstAtEnd(reader) < 40, String(firstAtEnd(reader)));
    });
  });

  it('memory does not grow over 20,000 edits', async () => {
    const snapshotBytes = 100_000;
    const { client, model } = await start(undefined, snapshotBytes);
    const reader = new Reader(client, model.key, 'for hours');
    const beginning = 'The boats came in.';
    await reader.open(beginning);
    const settings = settingsOf(32, 8, 'text');
    const early: number[] = [];
    const late: number[] = [];
    // The same edits eight times over: words that are new to the tokenizer, which remembers many, come in the first round alone. The collector
    // lets a heap grow and takes it back: medians of two rounds each, when the heap has found its size.
    let random = randomNumbers(15);
    for (let edit = 1; edit <= 20_000; edit++) {
      if (edit % 2500 === 0) {
        random = randomNumbers(15);
        void reader.edit(0, reader.text.length, beginning);
      }
      const at = random(reader.text.length + 1);
      void reader.edit(at, reader.text.length > 60 ? at + random(8) : at, ['x', ' the', '🙂', '\n'][random(4)] ?? '');
      const score = reader.score(settings, never, [{ start: 0, end: 1000 }]);
      if (edit % 4 === 0) await score;
      if (edit % 200 !== 0) continue;
      const { residentBytes, snapshotBytes: kept } = await measure(client, model.key);
      assert.ok(kept <= snapshotBytes);
      if (edit > 7500 && edit <= 12_500) early.push(residentBytes);
      if (edit > 15_000) late.push(residentBytes);
    }
    const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >>> 1] ?? NaN;
    const grownBytes = median(late) - median(early);
    assert.ok(grownBytes < 15 * 2 ** 20, `${String(grownBytes)} bytes, from ${String(median(early))}`);
  });
});

describe('laws of scoring, on the bundled model', () => {
  const text =
    "The café was quiet. 🙂👩\u200d👧 they'll e\u0301 <|endoftext|>\r\nif (x == 1) {\r\n\treturn 2024;\r\n}\r\n\r\n日本語。 \u0004 a\u0006\u0013b !\u0004! end\n\nNobody expected the fog to lift before noon, and the ferry waited.\n";
  const settings = settingsOf(64, 16, 'text');
  let reader: Reader;
  let model: ModelDescription;
  const clients: ModelClient[] = [];
  before(async () => {
    const client = newClient();
    clients.push(client);
    model = await client.call('load', loadParams(bundledFolder), never);
    reader = new Reader(client, model.key, 'edited');
    await reader.open(text);
  });
  after(() => {
    for (const client of clients) client.dispose();
  });

  /** In a process of its own that keeps no caches. */
  function other(chunkTokens: number): (text: string, arithmetic: ModelKey['arithmetic']) => Promise<ScoreTable> {
    const client = newClient(undefined, chunkTokens);
    clients.push(client);
    const load = { ...loadParams(bundledFolder), snapshotBytes: 0 };
    return async (whole, arithmetic) => (await scoreText(client, load, whole, settings, arithmetic, never)).table;
  }

  it('edited = whole after any edits: exactly in native arithmetic, to 1e-3 bit in float32, both in turn', async () => {
    const exact = reader.inArithmetic('float32');
    const random = randomNumbers(21);
    const whole = other(37);
    const inForce = windowInForce(settings, model.positions, 1);
    assert.equal(inForce.contextTokens, 64);
    for (let round = 0; round < 16; round++) {
      const first = randomEdit(reader.text, random, 250);
      await reader.change([first, randomEdit(edited(reader.text, [first]), random, 250)]);
      const visible = random(2) === 0 ? [] : [{ start: random(reader.text.length + 1), end: reader.text.length }];
      const scores = [reader.score(settings, never, visible)];
      if (round % 4 === 3 || round % 4 === 0) scores.push(exact.score(settings, never, visible));
      await Promise.all(scores);
      if (round % 4 !== 3) continue;
      const native = await whole(reader.text, 'native');
      assertSameScores(reader.finished, native, 0);
      assertSameScores(exact.finished, await whole(reader.text, 'float32'), 1e-3);
      assert.ok(native.surprisalBits.some((bits, row) => bits !== exact.finished.surprisalBits[row]));
      assert.ok(reader.layout);
      assertTiles(reader.layout, reader.finished, reader.text, model.vocabulary);
    }
  });

  it('chunks of two = chunks of many, exactly, in native arithmetic', async () => {
    const [two, many] = [other(2), other(128)];
    const short = text.slice(0, 120);
    assertSameScores(await two(short, 'native'), await many(short, 'native'), 0);
  });

  it('the next token at any place is the row of the token that begins where the text is cut', async () => {
    await reader.edit(0, reader.text.length, text);
    const wide = settingsOf(512, 128, 'text');
    await reader.score(wide);
    const { starts, ends, surprisalBits, entropyBits, contextTokens, ids, length } = reader.finished;
    const { gaps } = reader.layout ?? assert.fail();
    for (let offset = 1; offset <= text.length; offset += offset < 60 ? 1 : 5) {
      const next = await reader.next(wide, offset);
      assert.ok(next.cut <= offset);
      const isInGap = gaps.some(({ start, end }) => start < next.cut && next.cut < end);
      const row = starts.findIndex((start, index) => start >= next.cut && (ends[index - 1] ?? 0) <= start);
      if (next.cut === text.length) assert.equal(next.contextTokens, length);
      else {
        assert.ok(isInGap || starts[row] === next.cut, `cut at ${String(next.cut)}, inside of a token`);
        assert.equal(next.contextTokens, contextTokens[row], `context at ${String(offset)}`);
        near(-(next.logProbabilities[ids[row] ?? 0] ?? NaN) / Math.LN2, surprisalBits[row] ?? NaN, toleranceBits, 'bits');
        near(next.entropyBits, entropyBits[row] ?? NaN, toleranceBits, 'entropy');
      }
      near(
        next.logProbabilities.reduce((sum, log) => sum + Math.exp(log), 0),
        1,
        1e-4,
        'sum of the probabilities',
      );
    }
  });
});
