import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Arithmetic, ModelKey } from '../../src/core/scores';
import type { ModelClient } from '../../src/model/client';
import type { ContextParams } from '../../src/model/contextProtocol';
import { bundledFolder, loadParams, never, newClient, Reader, tinyFolder, tinySettings } from './process';

interface Reference {
  readonly text: string;
  readonly startTokenId: number;
  readonly contextIds: readonly number[];
  readonly targetId: number;
  readonly surprisalBits: number;
  /** Of some layers; [heads][queries][keys up to the query]. */
  readonly attention: Readonly<Record<string, readonly (readonly (readonly number[])[])[]>>;
  readonly layers: readonly { readonly surprisalBits: number; readonly rank: number; readonly topIds: readonly number[] }[];
}

const toleranceBits = 1e-3;
const settings = { ...tinySettings, contextTokens: 512, overlapTokens: 256 };

function referencesOf(model: string): readonly (readonly [string, Reference])[] {
  return Object.entries(JSON.parse(readFileSync(`test/reference/context-${model}.json`, 'utf8')) as Readonly<Record<string, Reference>>);
}

function near(actual: number | undefined, expected: number, tolerance: number, what: string): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${what}: ${String(actual)} instead of ${String(expected)}`);
}

describe('what is inside of a model', () => {
  const clients: ModelClient[] = [];
  after(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  async function opened(folder: string, arithmetic: Arithmetic, text: string) {
    const client = newClient();
    clients.push(client);
    const { key, startTokenId } = await client.call('load', loadParams(folder), never);
    const model: ModelKey = { ...key, arithmetic };
    const reader = new Reader(client, model, 'probed');
    const read = async (changed: string): Promise<ContextParams> => {
      await reader.open(changed);
      return { model, document: 'probed', version: reader.version, settings };
    };
    return { client, reader, startTokenId, read, params: await read(text) };
  }

  for (const [name, folder] of [
    ['tiny-gpt2', tinyFolder],
    ['smollm2-135m-instruct', bundledFolder],
  ] as const) {
    it(`${name} agrees with its reference`, async () => {
      const { client, read } = await opened(folder, 'float32', '');
      for (const [text, reference] of referencesOf(name)) {
        const params = await read(reference.text);
        const row = reference.contextIds.length;
        const keys = row + 1;
        const found = await client.call('attention', { ...params, rows: { first: 0, end: row + 1 } }, never);
        const { layers, heads, weights } = found;
        assert.deepEqual(
          [layers, heads, found.prefixTokens, found.contextFirst, found.keys],
          [reference.layers.length - 1, reference.attention['0']?.length, 1, 0, keys],
        );
        for (const [layerName, ofLayer] of Object.entries(reference.attention)) {
          const layer = Number(layerName);
          for (const [head, ofHead] of ofLayer.entries()) {
            for (const [query, expected] of ofHead.entries()) {
              const at = ((query * layers + layer) * heads + head) * keys;
              const given = weights.subarray(at, at + keys);
              for (let key = 0; key < keys; key++)
                near(given[key], expected[key] ?? 0, 1e-3, `${text}: ${String([layer, head, query, key])}`);
              near(
                given.reduce((sum, weight) => sum + weight, 0),
                1,
                1e-5,
                'the sum of a row',
              );
            }
          }
        }
        // The last row alone, over the cache of those before it.
        const alone = await client.call('attention', { ...params, rows: { first: row, end: row + 1 } }, never);
        const last = weights.subarray(row * layers * heads * keys);
        assert.ok(alone.weights.every((weight, index) => Math.abs(weight - (last[index] ?? NaN)) < 1e-5));

        const ids = [reference.targetId, reference.targetId + 1];
        const lens = await client.call('layers', { ...params, row, ids, topCount: 5 }, never);
        assert.equal(lens.layers, reference.layers.length - 1);
        for (const [layer, expected] of reference.layers.entries()) {
          const isLast = layer === lens.layers;
          const bits = lens.surprisalBits[layer * ids.length];
          near(
            bits,
            expected.surprisalBits,
            isLast ? toleranceBits : toleranceBits * expected.surprisalBits,
            `${text}: layer ${String(layer)}`,
          );
          if (!isLast) continue;
          assert.equal(lens.ranks[layer * ids.length], expected.rank);
          assert.deepEqual([...lens.topIds.subarray(layer * 5)], expected.topIds);
        }
      }
    });
  }

  it('nothing switched off is the normal run', async () => {
    for (const [folder, arithmetic] of [
      [tinyFolder, 'native'],
      [bundledFolder, 'native'],
      [bundledFolder, 'float32'],
    ] as const) {
      const text = (referencesOf('tiny-gpt2')[0]?.[1].text ?? '').slice(0, folder === tinyFolder ? 90 : 2000);
      const { client, params, reader } = await opened(folder, arithmetic, text);
      await reader.score(settings);
      const row = reader.finished.length;
      const time = Date.now();
      const found = await client.call(
        'switchOff',
        { ...params, row, ids: [5, 6], topCount: 3, off: { kind: 'none' }, writtenTokens: 5 },
        never,
      );
      console.log(folder, arithmetic, Date.now() - time, 'ms', found.tokensRun);
      const differences = [...found.surprisalBits].map((bits, index) =>
        Math.abs(bits - (reader.finished.surprisalBits[index + found.contextFirst] ?? NaN)),
      );
      console.log(Math.max(...differences), found.writtenIds);
      const one = await client.call(
        'switchOff',
        { ...params, row, ids: [5, 6], topCount: 3, off: { kind: 'head', layer: 0, head: 1 }, writtenTokens: 5 },
        never,
      );
      console.log(
        Math.max(...[...one.surprisalBits].map((bits, index) => Math.abs(bits - (reader.finished.surprisalBits[index] ?? NaN)))),
        one.writtenIds,
      );
      const time3 = Date.now();
      await client.call('layers', { ...params, row, ids: [5, 6], topCount: 3 }, never);
      console.log('layers first', Date.now() - time3);
      const time4 = Date.now();
      await client.call('layers', { ...params, row, ids: [5, 6], topCount: 3 }, never);
      console.log('layers again', Date.now() - time4);
      const time5 = Date.now();
      await client.call('attention', { ...params, rows: { first: row, end: row + 1 } }, never);
      console.log('attention first', Date.now() - time5);
    }
  });
});
