import assert from 'node:assert/strict';
import { Vocabulary } from '../../src/core/vocabulary';
import type { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import type { DraftParams, DraftResult, ModelDescription } from '../../src/model/protocol';
import { near, PlainModel } from './plainModel';
import {
  bundledFolder,
  edited,
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

type Wanted = Omit<DraftParams, 'model' | 'document' | 'version' | 'settings' | 'offset'>;

const typed: Wanted = { after: [], begins: { kind: 'typed' }, mostTokens: 8, leastProbability: 0, atLineEnd: false };

describe('a draft', () => {
  const clients: ModelClient[] = [];
  let plain: PlainModel;
  before(async () => {
    plain = await PlainModel.open(tinyFolder);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function opened(text: string, folder = tinyFolder): Promise<{ client: ModelClient; model: ModelDescription; reader: Reader }> {
    const client = newClient(undefined, 16);
    clients.push(client);
    const model = await client.call('load', loadParams(folder), never);
    const reader = new Reader(client, model.key, 'drafted');
    await reader.open(text);
    return { client, model, reader };
  }

  function bytesOf({ vocabulary }: ModelDescription, ids: Int32Array): Buffer {
    const known = new Vocabulary(vocabulary);
    return Buffer.concat([...ids].map(id => known.bytesOf(id)));
  }

  /** The most probable of all ways to spell the bytes after these, by asking for the distribution after each of them. */
  async function bestSpelling(
    model: ModelDescription,
    bytes: Buffer,
    after: (ids: readonly number[]) => Promise<Float32Array>,
    ids: readonly number[] = [],
    log = 0,
    spelled = 0,
  ): Promise<{ readonly ids: readonly number[]; readonly log: number; readonly mass: number }> {
    const vocabulary = new Vocabulary(model.vocabulary);
    const row = await after(ids);
    let best = { ids, log: -Infinity, mass: 0 };
    for (let id = 0; id < row.length; id++) {
      const token = Buffer.from(vocabulary.bytesOf(id));
      const rest = bytes.subarray(spelled);
      const common = Math.min(token.length, rest.length);
      if (token.length === 0 || !token.subarray(0, common).equals(rest.subarray(0, common))) continue;
      const total = log + (row[id] ?? NaN);
      const found =
        token.length >= rest.length
          ? { ids: [...ids, id], log: total, mass: Math.exp(total) }
          : await bestSpelling(model, bytes, after, [...ids, id], total, spelled + token.length);
      best = { ...(found.log > best.log ? found : best), mass: best.mass + found.mass };
    }
    return best;
  }

  /** What follows tokens after a place, by a plain pass over all of them. */
  async function plainRows(text: string, { cut, contextTokens }: DraftResult) {
    const { ids, starts } = (await plain.read(text)).layout;
    const row = starts.findIndex(start => start >= cut);
    const end = row < 0 ? ids.length : row;
    const context = [0, ...ids.subarray(end - contextTokens, end)];
    return async (after: readonly number[]): Promise<Float32Array> => {
      const { logits, logSum } = (await plain.after([...context, ...after])).at(-1) ?? assert.fail();
      return Float32Array.from(logits, logit => logit - logSum);
    };
  }

  it('is the most probable token, and the most probable one after it', async () => {
    const random = randomNumbers(81);
    for (let round = 0; round < 12; round++) {
      const text = (round % 3 === 0 ? hardText : markdown(400)).slice(0, 40 + random(60));
      const { reader } = await opened(text);
      // Nothing is forced, and what stands at the end stays as it is: as `next` has it.
      const draft = await reader.draft(tinySettings, text.length, { ...typed, begins: { kind: 'forced', forced: '' } });
      assert.deepEqual([draft.givenTokens, draft.ids.length, draft.logProbabilities.length], [0, 8, 8]);
      const next = await reader.next(tinySettings, text.length);
      assert.deepEqual([draft.cut, draft.contextTokens], [next.cut, next.contextTokens]);
      near(
        draft.logProbabilities[0],
        next.logProbabilities.reduce((a, b) => Math.max(a, b)),
        0,
        'the first',
      );
      const after = await plainRows(text, draft);
      for (const [place, id] of draft.ids.entries()) {
        const row = await after([...draft.ids.subarray(0, place)]);
        assert.equal(id, row.indexOf(row.reduce((a, b) => Math.max(a, b))), `token ${String(place)} in round ${String(round)}`);
        near(draft.logProbabilities[place], row[id] ?? NaN, 1e-3, `token ${String(place)}`);
      }
    }
  });

  it('keeps what is typed of a word, spelled in the most probable way', async () => {
    const random = randomNumbers(82);
    let [compared, several] = [0, 0];
    for (let round = 0; round < 40; round++) {
      const all = round % 3 === 0 ? hardText.slice(0, 300) : markdown(300);
      const at = 20 + random(90);
      if (/[\ud800-\udbff]$/.test(all.slice(0, at)) || all.slice(at - 1, at + 1) === '\r\n') continue; // inside of a character
      const text = round % 2 === 0 ? all : all.slice(0, at);
      const { model, reader } = await opened(text);
      const draft = await reader.draft(tinySettings, at, typed);
      const start = Buffer.from(all.slice(draft.cut, at).replaceAll('\r\n', '\n').toWellFormed());
      const what = `round ${String(round)}: ${JSON.stringify(start.toString())}`;
      assert.ok(draft.cut < at, what);
      assert.deepEqual(bytesOf(model, draft.ids).subarray(0, start.length), start, what);
      const given = draft.ids.subarray(0, draft.givenTokens);
      assert.ok(bytesOf(model, given).length >= start.length, what);
      assert.ok(bytesOf(model, given.subarray(0, -1)).length < start.length, what);
      if (draft.givenTokens > 1) several++;
      if (start.length > 3) continue; // too many ways to try them all, and the draft tries only some
      const best = await bestSpelling(model, start, await plainRows(text, draft));
      assert.deepEqual([...given], best.ids, what);
      assert.ok(draft.givenLogProbability <= best.log - Math.log(best.mass) + 0.02, what);
      compared++;
    }
    assert.ok(compared > 10 && several > 5, JSON.stringify([compared, several]));
  });

  it('goes on from the entry of a list as if it stood in the text', async () => {
    const text = markdown(300);
    const { model, reader } = await opened(text);
    const at = 150;
    const start = text.lastIndexOf(' ', at) + 1;
    const instead = { start, text: 'ferry boats' };
    const draft = await reader.draft(tinySettings, at, { ...typed, begins: { kind: 'typed', instead } });
    const other = await opened(edited(text, [{ start, end: at, text: instead.text }]));
    const direct = await other.reader.draft(tinySettings, start + instead.text.length, typed);
    assertSame(draft, direct);
    const withEntry = edited(text, [{ start, end: at, text: instead.text }]);
    const whole = withEntry.slice(0, draft.cut) + bytesOf(model, draft.ids).toString();
    assert.ok(whole.startsWith(withEntry.slice(0, start + instead.text.length)));
  });

  it('begins with exactly what is forced', async () => {
    const text = markdown(300);
    const { model, reader } = await opened(text);
    const { cut } = await reader.next(tinySettings, 120);
    for (const forced of [' harbour boats', 7, '']) {
      const draft = await reader.draft(tinySettings, 120, { ...typed, mostTokens: 12, begins: { kind: 'forced', forced } });
      assert.equal(draft.cut, cut);
      assert.equal(draft.ids.length, 12);
      const given = draft.ids.subarray(0, draft.givenTokens);
      if (typeof forced === 'string') assert.equal(bytesOf(model, given).toString(), forced);
      else assert.deepEqual([...given], [forced]);
      const { continuations } = await reader.futures(tinySettings, 120, {
        first: 0,
        count: 2,
        mostTokens: 12,
        sampling: { temperature: 0 },
        seed: 1,
        forced: forced === '' ? undefined : forced,
      });
      assert.deepEqual([...draft.ids], [...(continuations[0]?.ids ?? [])]);
      for (const [place, log] of draft.logProbabilities.entries()) near(log, continuations[0]?.logProbabilities[place] ?? NaN, 1e-3, 'log');
    }
  });

  it('goes on behind tokens that are not in the document', async () => {
    const { reader } = await opened(markdown(300));
    const all = await reader.draft(tinySettings, 120, { ...typed, begins: { kind: 'forced', forced: 7 }, mostTokens: 9 });
    const after = [...all.ids.subarray(0, 3)];
    const rest = await reader.draft(tinySettings, 120, { ...typed, after, begins: { kind: 'forced', forced: '' }, mostTokens: 6 });
    assert.deepEqual([rest.cut, [...rest.ids]], [all.cut, [...all.ids.subarray(3)]]);
    for (const [place, log] of rest.logProbabilities.entries()) near(log, all.logProbabilities[place + 3] ?? NaN, 1e-3, 'log');
  });

  it('ends before its first token that is not probable enough, with a line, or where it must', async () => {
    const text = markdown(300);
    const { model, reader } = await opened(text);
    const long = await reader.draft(tinySettings, 200, { ...typed, begins: { kind: 'forced', forced: 40 }, mostTokens: 30 });
    assert.deepEqual([long.ids.length, long.ended], [30, 'length']);
    const logs = [...long.logProbabilities].slice(1);
    for (const leastLog of logs) {
      const leastProbability = Math.exp(leastLog) * 1.0001;
      const draft = await reader.draft(tinySettings, 200, {
        ...typed,
        begins: { kind: 'forced', forced: 40 },
        mostTokens: 30,
        leastProbability,
      });
      const expected = 1 + logs.findIndex(log => Math.exp(log) < leastProbability);
      assert.deepEqual([...draft.ids], [...long.ids.subarray(0, expected)]);
      assert.equal(draft.ended, 'improbable');
    }
    const improbable = await reader.draft(tinySettings, 205, { ...typed, leastProbability: 0.999 });
    assert.deepEqual([improbable.ids.length, improbable.givenTokens, improbable.ended], [0, 0, 'improbable']);
    // A line is forced that ends: white space alone does not end it.
    const vocabulary = new Vocabulary(model.vocabulary);
    for (const [forced, ends] of [
      [' x\n', true],
      ['\n', false],
      ['\n\n  ', false],
      [' y', false],
    ] as const) {
      const draft = await reader.draft(tinySettings, 200, {
        ...typed,
        begins: { kind: 'forced', forced },
        mostTokens: 20,
        atLineEnd: true,
      });
      assert.equal(draft.ended === 'line-end' && draft.ids.length === draft.givenTokens, ends, JSON.stringify(forced));
      const own = draft.ids.subarray(0, -1);
      assert.ok(!/\S\s*\n/.test(bytesOf(model, own).toString()) || ends, JSON.stringify(forced));
      assert.ok([...draft.ids].every(id => vocabulary.controlNameOf(id) === undefined));
    }
  });

  it('leaves the document and its scores as they were, and begins where it was asked about before', async () => {
    const text = markdown(400);
    const { client, model, reader } = await opened(text);
    await reader.score(tinySettings);
    const before = reader.finished.surprisalBits.slice();
    const next = await reader.next(tinySettings, 250);
    const run = (await measure(client, model.key)).tokensRun;
    const draft = await reader.draft(tinySettings, 250, { ...typed, begins: { kind: 'forced', forced: '' } });
    assert.ok((await measure(client, model.key)).tokensRun - run <= 2 + draft.ids.length);
    assert.deepEqual(await reader.next(tinySettings, 250), next);
    await reader.edit(300, 301, 'x');
    await reader.edit(300, 301, text.slice(300, 301));
    await reader.score(tinySettings);
    assert.deepEqual(reader.finished.surprisalBits, before);
  });

  it('stops between two tokens when cancelled, and refuses what cannot be', async () => {
    const { client, model, reader } = await opened(markdown(100));
    let stopped = Infinity;
    // On a busy machine a draft may be done, or nearly, before it hears of the end: there are some attempts.
    for (let attempt = 0; attempt < 8 && stopped >= 80; attempt++) {
      const stop = new AbortController();
      const { tokensRun } = await measure(client, model.key);
      const running = reader.draft(tinySettings, 90 - attempt, { ...typed, mostTokens: 80 }, stop.signal);
      while ((await measure(client, model.key)).tokensRun === tokensRun);
      stop.abort();
      const error: unknown = await running.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) continue;
      assert.equal(ModelError.from(error).code, 'cancelled');
      stopped = (await measure(client, model.key)).tokensRun - tokensRun;
    }
    assert.ok(stopped < 80, String(stopped));
    await reader.next(tinySettings, 90);
    const settled = (await measure(client, model.key)).tokensRun;
    for (let again = 0; again < 4; again++) await reader.next(tinySettings, 90);
    assert.ok((await measure(client, model.key)).tokensRun <= settled + 8, 'it went on');
    const refused: readonly Partial<Wanted>[] = [
      { after: [7] },
      { mostTokens: 0 },
      { mostTokens: 1.5 },
      { mostTokens: 200 },
      { leastProbability: -0.1 },
      { leastProbability: NaN },
      { begins: { kind: 'forced', forced: -1 } },
      { begins: { kind: 'forced', forced: 'ten tokens and more are not two' }, mostTokens: 2 },
      { begins: { kind: 'typed', instead: { start: 60, text: 'x' } } },
      { begins: { kind: 'typed', instead: { start: -1, text: 'x' } } },
    ];
    for (const change of refused) {
      await assert.rejects(reader.draft(tinySettings, 50, { ...typed, ...change }), { code: 'bad-argument' }, JSON.stringify(change));
    }
  });

  it('writes code where code stands, on the bundled model', async () => {
    const cases = [
      ['import os\n\n\ndef main():\n    print("Hello", "Wor', 'ld'],
      ['for i in range(10):\n    prin', 't'],
      ['for (let i = 0; i < items.length; i+', '+'],
      ['if __name__ == "__main__":\n    ', 'print'],
    ] as const;
    const settings = { ...tinySettings, contextTokens: 512, overlapTokens: 128 };
    for (const [text, expected] of cases) {
      const { model, reader } = await opened(text, bundledFolder);
      const draft = await reader.draft(settings, text.length, { ...typed, leastProbability: 0.1, atLineEnd: true });
      const written = text.slice(0, draft.cut) + bytesOf(model, draft.ids).toString();
      assert.ok(written.startsWith(text + expected), JSON.stringify(written.slice(draft.cut)));
    }
  });
});

function assertSame(a: DraftResult, b: DraftResult): void {
  assert.deepEqual([a.cut, [...a.ids], a.givenTokens, a.ended], [b.cut, [...b.ids], b.givenTokens, b.ended]);
  for (const [place, log] of a.logProbabilities.entries()) near(log, b.logProbabilities[place] ?? NaN, 1e-4, 'log-probability');
}
