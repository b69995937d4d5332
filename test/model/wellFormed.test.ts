import assert from 'node:assert/strict';
import { version } from '../../package.json';
import { RpcClient } from '../../src/model/rpc';
import { isResultOf } from '../../src/model/wellFormed';
import { askEachQuestion } from './questions';
import type { Answered } from './questions';
import { loadParams, markdown, never, newClient, tinyFolder, tinySettings } from './process';

const others: Readonly<Record<string, unknown>> = {
  ...{ null: null, undefined, text: 'none of ours', 'not a number': NaN, 'minus one': -1 },
  ...{ object: {}, list: [], 'list of lists': [[]], 'other numbers': new Uint16Array(3) },
};

/** What can be made of an answer by putting something else in one place of it. */
function* spoilt(value: unknown, place: string): Generator<readonly [place: string, value: unknown]> {
  for (const [name, other] of Object.entries(others)) if (!Object.is(other, value)) yield [`${place}: ${name}`, other];
  if (ArrayBuffer.isView(value)) {
    const numbers = value as Int32Array;
    if (numbers.length > 0) yield [`${place}: one less`, numbers.subarray(0, -1)];
    yield [`${place}: as a list`, Array.from(numbers)];
    yield [`${place}: of another kind`, numbers instanceof Float32Array ? Float64Array.from(numbers) : Float32Array.from(numbers)];
    const longer = new (numbers.constructor as Int32ArrayConstructor)(numbers.length + 1);
    yield [`${place}: one more`, longer];
  } else if (Array.isArray(value)) {
    for (const [at, each] of value.entries())
      for (const [inner, other] of spoilt(each, `${place}.${String(at)}`)) yield [inner, value.with(at, other)];
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value))
      for (const [inner, other] of spoilt(each, `${place}.${name}`)) yield [inner, { ...value, [name]: other }];
  }
}

/** What may as well be right, for all that the answer and the question say. */
const mayBe = [
  /^load\.(vocabulary\.controlNames|deviceFallback)/,
  /^load\.(name|key\.(folder|contentHash|dtype)): text$/,
  /^load\.(startTokenId|selfCheck\.noiseFloorBits): null$|^score\.startTokenId: null$/,
  /(entropyBits|klBits|ogProbability|cpuMs|bitsPerByte|prose|code|mean|p95|repeatabilityBits): (not a number|minus one)$/,
  /^words\.words: list$/,
  /^(next\.logProbabilities|words\.words\.\d+\.(ids|bytes)): one (less|more)$/,
  /^switchOff\.writtenIds: one less$/,
];

describe('an answer of the model process', () => {
  let answers: readonly Answered[];
  before(async () => {
    const client = newClient();
    const subject = { load: loadParams(tinyFolder), text: markdown(300), words: 'boats', settings: tinySettings, chats: false };
    try {
      answers = await askEachQuestion(client, subject, (method, error) => assert.fail(`${method}: ${String(error)}`));
    } finally {
      client.dispose();
    }
  });

  const takes = ({ method, params }: Answered, result: unknown) => isResultOf(method, result, params);

  it('is taken as it comes, whatever was asked', () => {
    for (const answer of answers) assert.ok(takes(answer, answer.result), answer.method);
  });

  it('is taken for none where a part is missing, of another kind or of another length, whatever was asked', () => {
    let count = 0;
    const taken: string[] = [];
    for (const answer of answers) {
      for (const [place, result] of spoilt(answer.result, answer.method)) {
        if (mayBe.some(pattern => pattern.test(place))) continue;
        if (takes(answer, result)) taken.push(place);
        count++;
      }
    }
    assert.deepEqual(taken, []);
    assert.ok(count > 1500, String(count));
  });

  it('that is none ends the call as exited and the process with it, whatever was asked', async () => {
    for (const { method, params } of answers) {
      for (const garbage of [undefined, {}, 'result', [null]]) {
        let faults = 0;
        let receive: (message: unknown) => void = () => undefined;
        const transport = {
          post: (message: unknown) => {
            receive({ kind: 'hello', version });
            receive({ ...(message as object), kind: 'result', result: garbage });
          },
          onMessage: (listener: typeof receive) => (receive = listener),
        };
        const client = new RpcClient(transport, { onFault: () => faults++, tickMs: 10_000 });
        await assert.rejects(client.call(method, params, never), { code: 'exited' }, method);
        assert.equal(faults, 1, method);
      }
    }
  });
});
