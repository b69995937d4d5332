import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pendingCount } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';
import { tokenScores } from '../../src/core/report';
import type { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import type { ModelDescription } from '../../src/model/protocol';
import { scoreText } from '../../src/model/scoreText';
import { loadParams, never, newClient, randomNumbers, Reader, tinySettings } from './process';

const tiny = 'test/fixtures/tiny-gpt2';
const bundled = 'models/smollm2-135m-instruct';

interface ReferenceText {
  readonly text: string;
  readonly window: number | null;
  readonly stride: number | null;
  readonly tokens: readonly Record<
    'id' | 'startByte' | 'endByte' | 'start' | 'end' | 'surprisalBits' | 'entropyBits' | 'rank' | 'contextTokens',
    number
  >[];
}

function referenceTexts(name: string): ReferenceText[] {
  return Object.values(JSON.parse(readFileSync(`test/reference/${name}.json`, 'utf8')) as Record<string, ReferenceText>);
}

/** Numbers of two tables of the same text; the law is to 1e-3 bit, and these agree better. */
function assertSameScores(got: ScoreTable, expected: ScoreTable, toleranceBits = 1e-4): void {
  assert.deepEqual(got.ids, expected.ids);
  assert.deepEqual(got.starts, expected.starts);
  assert.deepEqual(got.contextTokens, expected.contextTokens);
  assert.deepEqual(got.states, expected.states);
  for (let row = 0; row < got.length; row++) {
    if (got.states[row] === rowState.unscored) continue;
    assert.ok(
      Math.abs((got.surprisalBits[row] ?? NaN) - (expected.surprisalBits[row] ?? NaN)) <= toleranceBits,
      `surprisal of row ${String(row)}`,
    );
    assert.ok(
      Math.abs((got.entropyBits[row] ?? NaN) - (expected.entropyBits[row] ?? NaN)) <= toleranceBits,
      `entropy of row ${String(row)}`,
    );
  }
}

const hardText =
  "The fog lifted. 🙂👩‍👧 naïve e\u0301 <|endoftext|> don't\r\nif (x == 1) {\r\n\treturn x;\r\n}\r\n\r\n日本語 and\ttabs  and  spaces.  \n".repeat(
    4,
  );

describe('the model process', () => {
  let client: ModelClient;
  let model: ModelDescription;
  before(async () => {
    client = newClient();
    model = await client.call('load', loadParams(tiny), never);
  });
  after(() => {
    client.dispose();
  });

  async function wholeTable(text: string, settings = tinySettings): Promise<ScoreTable> {
    const fresh = newClient();
    try {
      return (await scoreText(fresh, loadParams(tiny), text, settings, 'native', never)).table;
    } finally {
      fresh.dispose();
    }
  }

  it('reads an open document anew when another model is loaded in the same process', async () => {
    const shared = newClient();
    try {
      const reader = new Reader(shared, await shared.call('load', loadParams(bundled), never), 'two models');
      await reader.open(hardText);
      await reader.score(tinySettings);
      const other = await shared.call('load', loadParams(tiny), never);
      const params = { model: other.key, document: 'two models', version: 1, settings: tinySettings, visible: [], knownTableId: undefined };
      let ids: Int32Array | undefined;
      await shared.call('score', params, never, event => {
        if (event.kind === 'layout') {
          ids = event.ids;
          assert.deepEqual(event.carried, []);
        }
      });
      assert.deepEqual(ids, (await wholeTable(hardText)).ids);
    } finally {
      shared.dispose();
    }
  });

  it('cuts the text at the right place after a second byte order mark, which is text', async () => {
    const reader = new Reader(client, model, 'two marks');
    await reader.open('\ufeff\ufeffab cdef');
    assert.equal((await reader.next(tinySettings, 7)).cut, 4);
  });

  it('says which questions fail because it has another version of the text, and which for ever', async () => {
    const reader = new Reader(client, model, 'never opened');
    await assert.rejects(reader.score(tinySettings), { code: 'out-of-step' });
    await reader.open('text');
    await assert.rejects(reader.next({ ...tinySettings, useStartToken: false }, 0), { code: 'bad-argument' });
  });

  it('gives the same numbers when many documents are asked about in turn', async () => {
    const texts = Array.from({ length: 5 }, (_, index) => `${String(index)} ${hardText}`);
    const readers = texts.map((_, index) => new Reader(client, model, `turn ${String(index)}`));
    for (const [index, reader] of readers.entries()) await reader.open(texts[index] ?? '');
    await Promise.all(readers.map(reader => reader.score(tinySettings)));
    for (const reader of readers) await reader.edit(200, 201, 'Z');
    await Promise.all(readers.map(reader => reader.score(tinySettings)));
    for (const reader of readers) assertSameScores(reader.finished, await wholeTable(reader.text));
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
    await assert.rejects(client.call('next', { model: other, document, version: 1, settings, offset: 0 }, never), refused);
    await client.call('score', { model: model.key, document, version: 1, settings, ...visible }, never);
  });

  it('gives the reference values for the tiny model, windows included', async () => {
    for (const { text, window, stride, tokens } of referenceTexts('tiny-gpt2')) {
      assert.ok(window !== null && stride !== null);
      const settings = { ...tinySettings, contextTokens: window, overlapTokens: window - stride };
      const got = tokenScores((await scoreText(client, loadParams(tiny), text, settings, 'native', never)).table);
      assert.equal(got.length, tokens.length);
      for (const [row, expected] of tokens.entries()) {
        const { surprisalBits, entropyBits, topIds, topProbabilities, ...exact } = got[row] ?? assert.fail();
        const {
          surprisalBits: bits,
          entropyBits: entropy,
          topIds: _ids,
          topProbabilities: _probabilities,
          ...places
        } = expected as typeof expected & Record<'topIds' | 'topProbabilities', number[]>;
        assert.deepEqual(exact, places);
        assert.ok(Math.abs((surprisalBits ?? NaN) - bits) < 1e-3 && Math.abs((entropyBits ?? NaN) - entropy) < 1e-3);
        assert.deepEqual(topIds, _ids);
        for (const [place, probability] of topProbabilities.entries())
          assert.ok(Math.abs(probability - (_probabilities[place] ?? NaN)) < 1e-5);
      }
    }
  });

  it('gives the same numbers after any edits as for the whole text at once', async function () {
    this.timeout(180_000);
    const random = randomNumbers(3);
    const reader = new Reader(client, model, 'edited');
    await reader.open(hardText);
    await reader.score(tinySettings);
    const pieces = ['x', ' the', '\n', '🙂', '\r\n', '<|endoftext|>', ' \t', 'e\u0301', 'function () {', ''];
    const undo: { start: number; end: number; text: string }[] = [];
    for (let round = 0; round < 120; round++) {
      const last = undo.pop();
      if (last && random(4) === 0) await reader.edit(last.start, last.end, last.text);
      else {
        const start = random(reader.text.length + 1);
        const end = Math.min(reader.text.length, start + (random(3) === 0 ? random(40) : 0));
        const text = pieces[random(pieces.length)] ?? '';
        undo.push({ start, end: start + text.length, text: reader.text.slice(start, end) });
        await reader.edit(start, end, text);
      }
      if (random(3) === 0) continue; // several edits before one score
      await reader.score(tinySettings);
      assert.equal(pendingCount(reader.finished), 0);
      if (round % 12 === 0) assertSameScores(reader.finished, await wholeTable(reader.text));
    }
    await reader.score(tinySettings);
    assertSameScores(reader.finished, await wholeTable(reader.text));
  });

  it('is right after a cancellation at any moment, and keeps what was done', async () => {
    const expected = await wholeTable(hardText);
    for (const pause of [0, 1, 2, 3, 5, 8, 13, 21, 34]) {
      const reader = new Reader(client, model, `cancelled after ${String(pause)} ms`);
      await reader.open(hardText);
      const stop = new AbortController();
      const running = reader.score(tinySettings, stop.signal);
      setTimeout(() => {
        stop.abort();
      }, pause);
      await running.catch((error: unknown) => {
        assert.ok(error instanceof ModelError && error.code === 'cancelled');
      });
      await reader.score(tinySettings);
      assertSameScores(reader.finished, expected);
    }
  });

  it('runs only what an edit at the end needs', async () => {
    const reader = new Reader(client, model, 'typing');
    await reader.open('The harbour was quiet before dawn and two fishermen sat');
    const whole = await reader.score(tinySettings);
    await reader.edit(reader.text.length, reader.text.length, ' on');
    const typed = await reader.score(tinySettings);
    assert.ok(typed.tokensRun <= 6, `${String(typed.tokensRun)} tokens`);
    assert.ok(whole.tokensRun > 30);
    assertSameScores(reader.finished, await wholeTable(reader.text));
  });

  it('scores what is on the screen first', async () => {
    const reader = new Reader(client, model, 'scrolled');
    await reader.open(hardText);
    await reader.score(tinySettings, never, [{ start: hardText.length - 20, end: hardText.length }]);
    const firsts = reader.events.flatMap(event => (event.kind === 'rows' ? [event.rows.first] : []));
    assert.ok(firsts.length > 3);
    assert.equal(firsts[0], Math.max(...firsts));
  });

  it('leaves the first token of a window unscored without a start token, and says so with null', async () => {
    const settings = { ...tinySettings, useStartToken: false };
    const { table, result } = await scoreText(client, loadParams(tiny), 'To be, or not to be.', settings, 'native', never);
    assert.equal(result.startTokenId, null);
    assert.deepEqual([...table.states.subarray(0, 3)], [rowState.unscored, rowState.scored, rowState.scored]);
    const [first, second] = tokenScores(table);
    assert.equal(first?.surprisalBits, null);
    assert.equal(first.rank, null);
    assert.equal(typeof first.unscoredReason, 'string');
    assert.equal(second?.contextTokens, 1);
    const one = await scoreText(client, loadParams(tiny), 'T', settings, 'native', never);
    assert.deepEqual([...one.table.states], [rowState.unscored]);
  });

  it('answers for nothing and for one character', async () => {
    assert.equal((await scoreText(client, loadParams(tiny), '', tinySettings, 'native', never)).table.length, 0);
    const { table } = await scoreText(client, loadParams(tiny), 'T', tinySettings, 'native', never);
    assert.equal(table.length, 1);
    assert.equal(table.states[0], rowState.scored);
  });

  it('does not look at what follows: the numbers of a prefix stay', async () => {
    const text = hardText.slice(0, 150);
    const short = await wholeTable(text);
    const long = await wholeTable(`${text}\nanother ending`);
    for (let row = 0; row < short.length - 3; row++)
      assert.ok(Math.abs((short.surprisalBits[row] ?? 0) - (long.surprisalBits[row] ?? 1)) < 1e-5);
  });

  describe('the next token at a place', () => {
    it('is the row of the table where a token starts', async () => {
      const reader = new Reader(client, model, 'next');
      await reader.open(hardText);
      await reader.score(tinySettings);
      const { starts, ends, topIds, topLogProbabilities, entropyBits, contextTokens, length, topCount } = reader.finished;
      for (let row = 1; row < length; row += 7) {
        const offset = starts[row] ?? 0;
        if ((ends[row - 1] ?? 0) > offset) continue; // inside a character
        const next = await reader.next(tinySettings, offset);
        assert.equal(next.cut, offset);
        assert.equal(next.contextTokens, contextTokens[row]);
        assert.ok(Math.abs(next.entropyBits - (entropyBits[row] ?? NaN)) < 1e-4);
        for (let place = 0; place < topCount; place++) {
          const at = row * topCount + place;
          assert.ok(Math.abs((next.logProbabilities[topIds[at] ?? 0] ?? NaN) - (topLogProbabilities[at] ?? NaN)) < 1e-4);
        }
        assert.ok(Math.abs(next.logProbabilities.reduce((sum, value) => sum + Math.exp(value), 0) - 1) < 1e-4);
      }
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
    ];
    for (const [name, marked, cut] of cuts) {
      it(`cuts the text where its pre-token starts: ${name}`, async () => {
        const bundledClient = bundledProcess.client;
        const reader = new Reader(bundledClient, bundledProcess.model, name);
        await reader.open(marked.replace('|', ''));
        const next = await reader.next({ ...tinySettings, contextTokens: 512 }, marked.indexOf('|'));
        assert.equal(next.cut, cut);
      });
    }
  });

  const bundledProcess = {} as { client: ModelClient; model: ModelDescription };
  before(async () => {
    bundledProcess.client = newClient();
    bundledProcess.model = await bundledProcess.client.call('load', loadParams(bundled), never);
  });
  after(() => {
    bundledProcess.client.dispose();
  });

  it('gives the reference values for the bundled model within its native arithmetic', async () => {
    const differences: number[] = [];
    const pairs: [number, number][] = [];
    for (const { text, tokens } of referenceTexts('smollm2-135m-instruct')) {
      const settings = { contextTokens: 1024, overlapTokens: 256, anchors: 'grid' as const, topCount: 10, useStartToken: true };
      const got = tokenScores((await scoreText(bundledProcess.client, loadParams(bundled), text, settings, 'native', never)).table);
      assert.equal(got.length, tokens.length);
      for (const [row, expected] of tokens.entries()) {
        const token = got[row] ?? assert.fail();
        for (const name of ['id', 'startByte', 'endByte', 'start', 'end', 'contextTokens'] as const)
          assert.equal(token[name], expected[name]);
        differences.push(Math.abs((token.surprisalBits ?? NaN) - expected.surprisalBits));
        pairs.push([token.surprisalBits ?? NaN, expected.surprisalBits]);
      }
    }
    differences.sort((a, b) => a - b);
    assert.ok(differences.reduce((sum, bits) => sum + bits, 0) / differences.length <= 0.15);
    assert.ok((differences[Math.floor(differences.length * 0.95)] ?? NaN) <= 0.5);
    assert.ok(correlation(pairs) >= 0.997);
  });
});

function correlation(pairs: readonly (readonly [number, number])[]): number {
  const mean = (pick: (pair: readonly [number, number]) => number) => pairs.reduce((sum, pair) => sum + pick(pair), 0) / pairs.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const covariance = mean(([x, y]) => (x - meanX) * (y - meanY));
  return covariance / Math.sqrt(mean(([x]) => (x - meanX) ** 2) * mean(([, y]) => (y - meanY) ** 2));
}
