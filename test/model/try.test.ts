import assert from 'node:assert/strict';
import type { ScoreTable } from '../../src/core/scores';
import type { ModelClient } from '../../src/model/client';
import type { ModelDescription, PassageScore, ScoringSettings, TextEdit } from '../../src/model/protocol';
import { near } from './plainModel';
import {
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
import { randomEdit } from './randomUser';

/** One past the last row of a passage that begins at row `first`, whose rows are those of the table. */
function assertRows(passage: PassageScore, table: ScoreTable, first: number, what: string): number {
  const end = first + passage.ids.length;
  assert.deepEqual(passage.ids, table.ids.slice(first, end), what);
  assert.deepEqual(passage.starts, table.starts.slice(first, end), what);
  assert.deepEqual(passage.ends, table.ends.slice(first, end), what);
  assert.deepEqual(passage.contextTokens, table.contextTokens.slice(first, end), what);
  for (const [index, bits] of passage.surprisalBits.entries()) {
    const expected = table.surprisalBits[first + index] ?? assert.fail();
    if (Number.isNaN(expected)) assert.ok(Number.isNaN(bits), what);
    else near(bits, expected, 1e-3, `${what}, row ${String(first + index)}`);
  }
  assertDistributions(passage, table, first, what);
  return end;
}

/** Entropies, ranks and alternatives are those of the table too, as many of them as the passage has. */
function assertDistributions(passage: PassageScore, table: ScoreTable, first: number, what: string): void {
  const { topCount, ids } = passage;
  assert.deepEqual([passage.entropyBits.length, passage.ranks.length], [ids.length, ids.length], what);
  assert.deepEqual([passage.topIds.length, passage.topLogProbabilities.length], [ids.length * topCount, ids.length * topCount], what);
  for (let index = 0; index < ids.length; index++) {
    const row = first + index;
    const of = `${what}, row ${String(row)}`;
    if (Number.isNaN(table.surprisalBits[row])) {
      assert.ok(Number.isNaN(passage.entropyBits[index]), of);
      assert.equal(passage.ranks[index], 0, of);
      assert.deepEqual([...passage.topIds.subarray(index * topCount, (index + 1) * topCount)], Array(topCount).fill(-1), of);
      continue;
    }
    near(passage.entropyBits[index], table.entropyBits[row] ?? NaN, 1e-3, of);
    for (let place = 0; place < topCount; place++) {
      const log = passage.topLogProbabilities[index * topCount + place] ?? NaN;
      near(log, table.topLogProbabilities[row * table.topCount + place] ?? NaN, 1e-3, of);
      // Which of two equally probable ones comes first may hang on the last digit.
      const id = passage.topIds[index * topCount + place];
      const isSame = id === table.topIds[row * table.topCount + place];
      const isNearlyTied = [place - 1, place + 1].some(other => {
        const beside = table.topLogProbabilities[row * table.topCount + other];
        return other >= 0 && (other >= table.topCount || Math.abs((beside ?? NaN) - log) < 1e-3);
      });
      assert.ok(isSame || isNearlyTied, of);
    }
    // Ranks move where two tokens are as good as equal: what is at a rank's place has the token's own probability.
    const rank = passage.ranks[index] ?? 0;
    if (rank <= topCount)
      near(passage.topLogProbabilities[index * topCount + rank - 1], -(passage.surprisalBits[index] ?? NaN) * Math.LN2, 1e-3, of);
    else assert.ok(Math.abs(rank - (table.ranks[row] ?? 0)) <= 2, `${of}: ${String(rank)}`);
  }
}

function sameIds(a: ScoreTable, b: ScoreTable): number {
  let same = 0;
  while (same < a.length && same < b.length && a.ids[same] === b.ids[same]) same++;
  return same;
}

/** Edits that part or join what is one character of the scored copy. */
const halves = (
  [
    ['boats \ude42 came', 6, 6, '\ud83d'],
    ['boats \ud83d\ude42 came', 6, 7, ''],
    ['boats \ud83d\ude42 came', 7, 7, 'x'],
    ['boats \ud83d\ude42 came', 7, 8, '\ude43'],
    ['boats\r\ncame', 6, 6, 'x'],
    ['boats\r\ncame', 5, 6, ''],
    ['boats\ncame', 5, 5, '\r'],
    ['\ufeffboats came', 0, 1, ''],
    ['\ufeffboats came', 0, 0, 'x'],
    ['x\ufeffboats came', 0, 1, ''],
    ['boats \u0004 came', 6, 6, '\u0004'],
    ['boats \u0004 came', 7, 9, ''],
    ['', 0, 0, 'boats'],
    ['boats', 0, 5, ''],
  ] as const
).map(([text, start, end, inserted]) => ({ text, edit: { start, end, text: inserted } }));

describe('trying an edit', () => {
  const clients: ModelClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start(chunkTokens: number): Promise<{ readonly client: ModelClient; readonly model: ModelDescription }> {
    const client = newClient(undefined, chunkTokens);
    clients.push(client);
    return { client, model: await client.call('load', { ...loadParams(tinyFolder), threads: 1 }, never) };
  }

  async function scored(reader: Reader, text: string, settings: ScoringSettings): Promise<ScoreTable> {
    await reader.open(text);
    await reader.score(settings);
    return reader.finished;
  }

  it('gives the rows of the text before and after the edit, whatever is scored already', async () => {
    const [{ client, model }, truth] = [await start(7), await start(128)];
    const random = randomNumbers(31);
    const all: readonly ScoringSettings[] = [
      { ...tinySettings, contextTokens: 24, overlapTokens: 8, anchors: 'text' },
      { ...tinySettings, contextTokens: 16, overlapTokens: 5, useStartToken: false },
      { ...tinySettings, contextTokens: 1024, overlapTokens: 256, anchors: 'text' },
    ];
    let moved = 0;
    for (let round = 0; round < 150; round++) {
      const settings = all[round % all.length] ?? assert.fail();
      const arbitrary = (round % 2 === 0 ? hardText : markdown(250)).slice(random(60), 200 + random(200));
      const { text, edit } = halves[round] ?? { text: arbitrary, edit: randomEdit(arbitrary, random, 400) };
      const followingTokens = random(30);
      const reader = new Reader(client, model.key, 'tried');
      await reader.open(text);
      if (round % 3 > 0) {
        const stop = new AbortController();
        reader.onChange = () => {
          if (round % 3 === 1) stop.abort();
        };
        await reader.score(settings, stop.signal).catch(() => undefined);
      }
      const topCount = round % 4 === 3 ? settings.topCount + 2 : round % 4; // more than the table has, fewer, as many as none
      const { before, after } = await reader.try(settings, edit, followingTokens, undefined, topCount);
      assert.deepEqual([before.topCount, after.topCount], [topCount, topCount]);

      const what = `round ${String(round)}`;
      const whole = { ...settings, topCount: settings.topCount + 2 };
      const old = await scored(new Reader(truth.client, truth.model.key, 'before'), text, whole);
      const now = await scored(new Reader(truth.client, truth.model.key, 'after'), edited(text, [edit]), whole);
      // The passages begin at the same row of both, before which nothing differs.
      const same = sameIds(old, now);
      const rowOf = (passage: PassageScore, table: ScoreTable) =>
        Array.from({ length: same + 1 }, (_, row) => row).findLast(
          row => passage.ids.every((id, index) => table.ids[row + index] === id) && passage.starts[0] === table.starts[row],
        );
      const first = before.ids.length > 0 ? rowOf(before, old) : after.ids.length > 0 ? rowOf(after, now) : same;
      assert.ok(first !== undefined, what);
      const ends = [assertRows(before, old, first, what), assertRows(after, now, first, what)] as const;
      // They end at the same place, and what follows the edit is the same text.
      const textAfter = edited(text, [edit]);
      const rest = (table: ScoreTable, row: number, of: string) => (row < table.length ? of.slice(table.starts[row]) : '');
      assert.equal(rest(old, ends[0], text), rest(now, ends[1], textAfter), what);
      const follows = [first + before.replacedTokens, first + after.replacedTokens] as const;
      assert.equal(rest(old, follows[0], text), rest(now, follows[1], textAfter), what);
      assert.ok((old.starts[follows[0]] ?? text.length) >= edit.end, what);
      assert.ok(first === same || first === Math.min(...follows), what);
      const following = after.ids.length - after.replacedTokens;
      assert.ok(following >= Math.min(followingTokens, now.length - follows[1]), what);
      if (before.ids.slice(before.replacedTokens).join() !== after.ids.slice(after.replacedTokens).join()) moved++;
      else assert.equal(following, Math.min(followingTokens, now.length - follows[1]), what);

      // Nothing came of it for the document.
      await reader.score(settings);
      assert.equal(pendingCount(reader.finished), 0);
      assertRows({ ...reader.finished, replacedTokens: 0 }, old, 0, `${what}, the document's own scores`);
    }
    assert.ok(moved < 75, String(moved));
  });

  describe('counted in tokens given to the model', () => {
    const settings: ScoringSettings = { ...tinySettings, contextTokens: 96, overlapTokens: 24 };
    const text = markdown(4000);

    it('costs the passage alone near what was scored or asked about last, and each further attempt elsewhere', async () => {
      const { client, model } = await start(128);
      const reader = new Reader(client, model.key, 'counted');
      const table = await scored(reader, text, settings);
      const random = randomNumbers(32);
      const run = async (edit: TextEdit) => {
        const before = (await measure(client, model.key)).tokensRun;
        const { after } = await reader.try(settings, edit, 8);
        return { tokens: (await measure(client, model.key)).tokensRun - before, passage: after.ids.length };
      };
      for (let place = 0; place < 40;) {
        const row = 1 + random(table.length - 1);
        // All in one window.
        if (table.contextTokens[row + 16] !== (table.contextTokens[row] ?? 0) + 16) continue;
        const [from, to] = [table.starts[row] ?? 0, table.ends[row] ?? 0];
        if (place % 2 === 0) await reader.next(settings, from);
        for (const [attempt, word] of [' boats', ' tide', ' a\n'].entries()) {
          const { tokens, passage } = await run({ start: from, end: to, text: word });
          if (place % 2 === 0 || attempt > 0) assert.ok(tokens <= passage + 2, `${String(tokens)} for ${String(passage)}`);
        }
        place++;
      }
      assert.equal((await reader.score(settings)).tokensRun, 0);
    });
  });

  it('begins with the first token of the edit where that is asked for', async () => {
    const { client, model } = await start(16);
    const random = randomNumbers(35);
    const settings: ScoringSettings = { ...tinySettings, contextTokens: 40, overlapTokens: 12, anchors: 'text' };
    for (let round = 0; round < 30; round++) {
      const text = (round % 2 === 0 ? hardText : markdown(300)).slice(0, 260);
      const at = 5 + random(200);
      // The same again, so that the texts are alike for a while; or the text as it is.
      const edit =
        round % 3 === 0
          ? { start: at, end: at + 30, text: text.slice(at, at + 30) }
          : { start: at, end: at, text: text.slice(at, at + 30) };
      const reader = new Reader(client, model.key, 'whole');
      await reader.open(text);
      const { before, after } = await reader.try(settings, edit, 4, undefined, 3, true);
      const now = await scored(new Reader(client, model.key, 'after'), edited(text, [edit]), settings);
      const first = now.ends.findIndex(end => end > at);
      assert.ok((after.starts[0] ?? NaN) <= (now.starts[first] ?? NaN));
      const row = now.starts.findIndex(offset => offset === after.starts[0]);
      assertRows(after, now, row, `round ${String(round)}`);
      const old = await scored(new Reader(client, model.key, 'before'), text, settings);
      assertRows(before, old, row, `round ${String(round)}, before`);
      if (round % 3 === 0) assert.deepEqual(after, before);
    }
  });

  it('is of the text at the call, can be called off, and refuses edits outside of the text', async () => {
    const { client, model } = await start(2);
    const reader = new Reader(client, model.key, 'asked');
    const text = markdown(3000);
    await reader.open(text);
    const settings: ScoringSettings = { ...tinySettings, contextTokens: 96 };
    const edit = { start: text.length, end: text.length, text: ' The end.' };
    const expected = await reader.try(settings, edit, 0);
    const asked = reader.try(settings, edit, 0);
    await reader.edit(0, text.length, 'Something else.');
    const answer = await asked;
    assert.deepEqual([answer.after.ids, answer.after.starts, answer.before.ids.length], [expected.after.ids, expected.after.starts, 0]);
    await reader.open(text);
    const stop = new AbortController();
    const before = (await measure(client, model.key)).tokensRun;
    const calledOff = assert.rejects(reader.try(settings, { start: 0, end: text.length, text: markdown(2000) }, 0, stop.signal), {
      code: 'cancelled',
    });
    setTimeout(() => stop.abort(), 20);
    await calledOff;
    assert.ok((await measure(client, model.key)).tokensRun - before < 1000);
    for (const [from, to] of [
      [-1, 0],
      [3, 2],
      [0, text.length + 1],
    ] as const) {
      await assert.rejects(reader.try(settings, { start: from, end: to, text: '' }, 0), { code: 'bad-argument' });
    }
  });

  describe('in one window', () => {
    const settings: ScoringSettings = { ...tinySettings, contextTokens: 64, overlapTokens: 16, anchors: 'text' };

    it('reads both texts from the same place on, so that they differ by the edit alone', async () => {
      const { client, model } = await start(7);
      const text = markdown(900);
      for (const at of [0, 40, 400, 700]) {
        const edit = { start: text.indexOf(' ', at), end: text.indexOf(' ', at + 20), text: '' };
        const reader = new Reader(client, model.key, 'tried');
        await reader.open(text);
        if (at === 400) await reader.score(settings); // what is known is of other windows
        const { before, after } = await reader.try(settings, edit, 1024, never, 0, true, true);
        const following = ({ ids, replacedTokens }: PassageScore) => [...ids.subarray(replacedTokens)];
        assert.deepEqual(following(before), following(after));
        assert.ok(following(before).length > 10, `${String(following(before).length)} tokens after ${String(at)}`);
        for (const [passage, whole] of [
          [before, text],
          [after, edited(text, [edit])],
        ] as const) {
          // The window as a text of its own. Its first token is one of the whole text, so that it is split alike.
          const [first] = passage.contextTokens;
          const table = await scored(new Reader(client, model.key, 'whole'), whole, settings);
          const row = table.starts.indexOf(passage.starts[0] ?? -1) - (first ?? 0);
          const own = await scored(new Reader(client, model.key, 'own'), whole.slice(table.starts[row]), {
            ...settings,
            contextTokens: 127,
          });
          assertRows(
            passage,
            {
              ...own,
              starts: own.starts.map(start => start + (table.starts[row] ?? 0)),
              ends: own.ends.map(end => end + (table.starts[row] ?? 0)),
            },
            first ?? 0,
            `after ${String(at)}`,
          );
          assert.ok((passage.contextTokens.at(-1) ?? 0) < settings.contextTokens);
        }
      }
    });

    it('refuses what fills the window', async () => {
      const { client, model } = await start(7);
      const reader = new Reader(client, model.key, 'tried');
      const text = markdown(900);
      await reader.open(text);
      await assert.rejects(reader.try(settings, { start: 0, end: 600, text: '' }, 100, never, 0, true, true), { code: 'too-long' });
    });
  });
});
