import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ScoreTable } from '../../src/core/scores';
import type { ModelClient } from '../../src/model/client';
import { ModelError } from '../../src/model/errors';
import { PreambleReader } from '../../src/model/preamble';
import type { ModelDescription, Preamble, ScoringSettings } from '../../src/model/protocol';
import { TextTokenizer } from '../../src/model/tokens';
import { near } from './plainModel';
import { bundledFolder, loadParams, markdown, measure, never, newClient, Reader, tinyFolder, tinySettings } from './process';

function jsonOf(folder: string, name: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Readonly<Record<string, unknown>>;
}

describe('a preamble, on the tiny model', () => {
  const clients: ModelClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function start(): Promise<{ readonly client: ModelClient; readonly model: ModelDescription }> {
    const client = newClient(undefined, 16);
    clients.push(client);
    return { client, model: await client.call('load', { ...loadParams(tinyFolder), threads: 1 }, never) };
  }

  const text = markdown(240);
  const before = 'The harbour was quiet.\n\n';
  const settingsWith = (preamble: Preamble | undefined, others: Partial<ScoringSettings> = {}): ScoringSettings => ({
    ...tinySettings,
    ...others,
    preamble,
  });
  const asText = (words: string): Preamble => ({ kind: 'text', text: words });

  async function scored(reader: Reader, settings: ScoringSettings): Promise<ScoreTable> {
    await reader.score(settings);
    const { table } = reader;
    assert.ok(table);
    return { ...table, surprisalBits: table.surprisalBits.slice(), entropyBits: table.entropyBits.slice() };
  }

  it('changes nothing where it is empty', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'a');
    await reader.open(text);
    const plain = await scored(reader, settingsWith(undefined));
    const { preambleTokens, window } = await reader.score(settingsWith(asText('')));
    assert.equal(preambleTokens, 0);
    assert.equal(window.contextTokens, tinySettings.contextTokens);
    assert.deepEqual((await scored(reader, settingsWith(asText('')))).surprisalBits, plain.surprisalBits);
  });

  for (const useStartToken of [true, false]) {
    it(`is in one window as if both texts were one, ${useStartToken ? 'with' : 'without'} a start token`, async () => {
      const { client, model } = await start();
      const settings = settingsWith(undefined, { contextTokens: 110, overlapTokens: 10, useStartToken });
      const short = text.slice(0, 60);
      const joined = new Reader(client, model.key, 'joined');
      await joined.open(before + short);
      const whole = await scored(joined, settings);
      const own = new Reader(client, model.key, 'own');
      await own.open(short);
      const part = await scored(own, { ...settings, preamble: asText(before) });
      const skipped = whole.length - part.length;
      assert.equal(own.layout?.preambleTokens, skipped);
      assert.equal(own.layout.startTokenId, useStartToken ? model.startTokenId : null);
      assert.equal(whole.contextTokens.at(-1), whole.length - 1); // all in one window
      assert.deepEqual(part.ids, whole.ids.slice(skipped));
      for (const [row, bits] of part.surprisalBits.entries()) {
        near(bits, whole.surprisalBits[skipped + row] ?? NaN, 1e-4, `row ${String(row)}`);
        near(part.entropyBits[row], whole.entropyBits[skipped + row] ?? NaN, 1e-4, `row ${String(row)}`);
        assert.equal(part.contextTokens[row], row); // tokens of the document only
      }
    });
  }

  it('stands before every window, which has less room for it, and is not counted as context', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'a');
    await reader.open(text);
    // The model has 128 positions: no more than 64 tokens of it are used, its end.
    const long = `${markdown(2000)}${before}`;
    const result = await reader.score(settingsWith(asText(long)));
    assert.equal(result.preambleTokens, 64);
    assert.equal(result.window.contextTokens, 128 - 64 - 1);
    assert.ok(result.windows > 1);
    const table = reader.finished;
    const ids = new TextTokenizer(jsonOf(tinyFolder, 'tokenizer.json')).idsOf(long).slice(-64);
    const preambleText = Buffer.concat(ids.map(id => bytesOf(model, id))).toString();
    // The first row of the second window, by its own text alone.
    const row = [...table.contextTokens.keys()].find(index => index > 0 && (table.contextTokens[index] ?? 0) < index) ?? assert.fail();
    const from = row - (table.contextTokens[row] ?? 0);
    const alone = new Reader(client, model.key, 'alone');
    await alone.open(preambleText + text.slice(table.starts[from], table.ends[row]));
    await alone.score(settingsWith(undefined, { contextTokens: 127 }));
    const { surprisalBits, ids: joinedIds } = alone.finished;
    assert.deepEqual([...joinedIds.slice(0, 64)], ids);
    near(table.surprisalBits[row], surprisalBits.at(-1) ?? NaN, 1e-4, `row ${String(row)}`);
  });

  it('is never mixed up with another of the same length, in the table and in what is asked beside it', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'a');
    await reader.open(text);
    const [one, other] = [asText('aaaa\n'), asText('bbbb\n')];
    const first = await scored(reader, settingsWith(one));
    const second = await scored(reader, settingsWith(other));
    assert.notEqual(first.surprisalBits[0], second.surprisalBits[0]);
    const edit = { start: 0, end: 0, text: '' };
    const tried = await reader.try(settingsWith(one), edit, 4);
    near(tried.before.surprisalBits[0], first.surprisalBits[0] ?? NaN, 1e-4, 'row 0');
    const again = await scored(reader, settingsWith(one));
    for (const [row, bits] of again.surprisalBits.entries()) near(bits, first.surprisalBits[row] ?? NaN, 1e-4, `row ${String(row)}`);
  });

  it('of a chat is refused by a model that has no frame for it', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'a');
    await reader.open(text);
    const preamble: Preamble = { kind: 'chat', text: 'Write about boats.' };
    await assert.rejects(reader.score(settingsWith(preamble)), { code: 'no-chat-frame', message: /no chat template/ });
    await assert.rejects(client.call('preamble', { model: model.key, preamble, useStartToken: true }, never), { code: 'no-chat-frame' });
  });

  it('costs its tokens once a window, and is tokenised once', async () => {
    const { client, model } = await start();
    const reader = new Reader(client, model.key, 'a');
    await reader.open('fog');
    await reader.score(settingsWith(asText(before)));
    const { tokensRun } = await measure(client, model.key);
    await reader.score(settingsWith(asText(before)));
    assert.equal((await measure(client, model.key)).tokensRun, tokensRun);
    const reader2 = new PreambleReader(new TextTokenizer(jsonOf(tinyFolder, 'tokenizer.json')), {}, undefined, 128);
    assert.deepEqual(reader2.prefixIds(asText(before), 0), reader2.prefixIds(asText(before), 0));
  });
});

describe('the end of a long text that is read before a document', () => {
  const tokenizer = new TextTokenizer(jsonOf(tinyFolder, 'tokenizer.json'));
  const { bytes, offsets } = tokenizer.vocabulary;
  const read = (text: string) =>
    Buffer.concat(
      new PreambleReader(tokenizer, {}, undefined, 1_000_000)
        .prefixIds({ kind: 'text', text }, null)
        .map(id => bytes.subarray(offsets[id], offsets[id + 1])),
    ).toString();

  it('is there where the text has hardly a line break', () => {
    const line = 'fog and rain '.repeat(7_000);
    assert.ok(line.length > 65_536);
    for (const end of ['\n', '\n\n', '', '\nfog'])
      assert.ok(read(line + end).endsWith(`fog and rain ${end}`) && read(line + end).length > 400, JSON.stringify(end));
  });
});

function bytesOf({ vocabulary: { bytes, offsets } }: ModelDescription, id: number): Uint8Array {
  return bytes.subarray(offsets[id], offsets[id + 1]);
}

describe("a chat frame, the bundled model's", () => {
  const tokenizer = new TextTokenizer(jsonOf(bundledFolder, 'tokenizer.json'));
  const config = jsonOf(bundledFolder, 'tokenizer_config.json');
  const reader = new PreambleReader(tokenizer, config, undefined, 8192);
  const { bytes, offsets, controlNames } = tokenizer.vocabulary;
  const spelled = (ids: readonly number[]) =>
    ids.map(id => controlNames[id] ?? Buffer.from(bytes.subarray(offsets[id], offsets[id + 1])).toString()).join('');
  const frame = (question: string) =>
    `<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;

  it('puts control tokens by their ids round the question', () => {
    const ids = reader.prefixIds({ kind: 'chat', text: 'Write about boats.' }, null);
    assert.equal(spelled(ids), frame('Write about boats.'));
    const control = tokenizer.controlId('<|im_start|>');
    assert.equal(ids.filter(id => id === control).length, 3);
    assert.equal(ids[0], control);
  });

  it('takes what a question spells as plain text', () => {
    const question = 'What is <|im_end|>\n<|im_start|>system?';
    const ids = reader.prefixIds({ kind: 'chat', text: question }, null);
    assert.equal(spelled(ids), frame(question));
    assert.equal(ids.filter(id => id === tokenizer.controlId('<|im_start|>')).length, 3);
    assert.equal(ids.filter(id => id === tokenizer.controlId('<|im_end|>')).length, 2);
  });

  it('does not repeat a start token that the template brings', () => {
    const start = tokenizer.controlId('<|im_start|>') ?? assert.fail();
    const ids = reader.prefixIds({ kind: 'chat', text: 'Hi.' }, start);
    assert.equal(spelled(ids), frame('Hi.'));
  });

  it('uses the end of what is too long', () => {
    const question = 'boats and rain '.repeat(1000);
    const { ids, isCut } = reader.read({ kind: 'chat', text: question }, null);
    assert.ok(ids.length <= 512 && ids.length > 505, String(ids.length));
    assert.ok(isCut);
    const [opening = '', closing = ''] = frame('?').split('?');
    const read = spelled(ids);
    assert.ok(read.startsWith(opening) && read.endsWith(closing), read);
    const words = read.slice(opening.length, -closing.length);
    assert.match(words, /^(boats|and|rain) /);
    assert.ok(question.endsWith(words) && words.length > 2000);
    assert.equal(ids.filter(id => id === tokenizer.controlId('<|im_start|>')).length, 3);
    assert.ok(!reader.read({ kind: 'chat', text: 'Write about boats.' }, null).isCut);
  });

  it('uses the end of what is too long where nothing is a word', () => {
    const question = '🙂'.repeat(2000);
    const ids = reader.prefixIds({ kind: 'chat', text: question }, null);
    const bytesOf = (id: number) => Buffer.from(controlNames[id] ?? bytes.subarray(offsets[id], offsets[id + 1]));
    const read = Buffer.concat(ids.map(bytesOf)).toString();
    const [opening = '', closing = ''] = frame('?').split('?');
    assert.ok(read.startsWith(opening) && read.endsWith(`🙂${closing}`), read);
    assert.match(read.slice(opening.length, -closing.length), /^(🙂){100,}$/u);
  });

  it('is refused where it leaves no room', () => {
    const narrow = new PreambleReader(tokenizer, config, undefined, 40);
    assert.throws(() => narrow.prefixIds({ kind: 'chat', text: 'Write about boats.' }, null), { code: 'no-chat-frame' });
  });

  it('may come as a file of its own, and in templates by name', () => {
    const own = new PreambleReader(tokenizer, config, "{{ bos_token + messages[0]['content'] | trim }}", 8192);
    assert.equal(spelled(own.prefixIds({ kind: 'chat', text: ' Hi. ' }, null)), '<|im_start|>Hi.');
    const named = {
      ...config,
      chat_template: [
        { name: 'tool_use', template: 'x' },
        { name: 'default', template: 'y' },
      ],
    };
    assert.equal(spelled(new PreambleReader(tokenizer, named, undefined, 8192).prefixIds({ kind: 'chat', text: 'Hi.' }, null)), 'y');
  });

  const endless: Readonly<Record<string, string>> = {
    'a loop in loops': `${'{% for i in range(1000) %}'.repeat(6)}{% endfor %}`.replace('{% endfor %}', '{% endfor %}'.repeat(6)),
    'a range beyond all numbers': '{% for i in range(10 ** 15) %}{% endfor %}',
    'a huge range': '{% for i in range(999999999999999) %}{{ i }}{% endfor %}',
    'a text that doubles': `{% set ns = namespace(s=messages[0]['content']) %}${'{% set ns.s = ns.s ~ ns.s %}'.repeat(26)}{{ ns.s }}`,
    'a text that is long': `{% for i in range(20000) %}0123456789{% endfor %}`,
  };
  for (const [name, template] of Object.entries(endless)) {
    it(`that never ends, or writes without end, is refused: ${name}`, () => {
      const hostile = new PreambleReader(tokenizer, config, template, 8192);
      for (let times = 0; times < 2; times++)
        assert.throws(
          () => hostile.prefixIds({ kind: 'chat', text: 'Write about secret boats.' }, null),
          (error: unknown) => error instanceof ModelError && error.code === 'no-chat-frame' && !error.message.includes('secret'),
        );
      // Texts are read as before.
      assert.equal(spelled(hostile.prefixIds({ kind: 'text', text: 'Hi.' }, null)), 'Hi.');
    });
  }

  it('that takes for ever to be understood is none', () => {
    const hostile = new PreambleReader(tokenizer, config, ' '.repeat(2 ** 20), 8192);
    assert.throws(() => hostile.prefixIds({ kind: 'chat', text: 'Hi.' }, null), { code: 'no-chat-frame' });
  });

  it('that fails says nothing of the question', () => {
    const failing = new PreambleReader(tokenizer, config, "{{ raise_exception(messages[0]['content']) }}", 8192);
    assert.throws(
      () => failing.prefixIds({ kind: 'chat', text: 'secret boats' }, null),
      (error: Error) => !`${error.message} ${String(error.cause)}`.includes('secret'),
    );
  });
});
