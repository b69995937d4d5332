import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { PanelState } from '../../src/views/panelProtocol';
import { packed, type Continuation } from '../../src/core/futures';
import { neutralSampling } from '../../src/core/sampling';
import { emptyScratch, movedTo, stepped } from '../../src/core/scratch';
import { Vocabulary } from '../../src/core/vocabulary';
import type { FuturesMessage, SampledFutures } from '../../src/views/futuresProtocol';
import { seriousFaults } from './axe';
import { lowContrast, send, servedPages, show } from './panelPage';
import { insideWord, logProbabilities, rows, tuesday, vocabulary, watching, word } from './states';
import { themes, type Theme } from './themes';

const messages: readonly PanelState[] = [
  { kind: 'message', headline: 'Loading SmolLM2-135M…', text: 'It runs on this computer.', busy: true },
  { kind: 'message', headline: 'No editor', text: 'Open a file and put the cursor into it.', busy: false },
];
const foreign: PanelState = { ...tuesday, reading: 'SmolLM2-135M mostly reads English.' };
const many: PanelState = { ...tuesday, topCount: 50, rows: rows(Array.from({ length: 50 }, () => word('many'))) };

/** Two branches, the second of a token that the rules had cut. */
const [first, second, other] = [0, 1, 2].map(id => ({ id, rawBits: 1.2, sampledBits: id === 2 ? null : 0.8 }));
const branches = first && second && other ? stepped(movedTo(stepped(stepped(emptyScratch, first), second), 0), other) : emptyScratch;
const words = new Vocabulary(vocabulary);

function futuresOf(...beginnings: readonly (readonly number[])[]): SampledFutures {
  const groups = beginnings.map(beginning => {
    const continuations = [
      [0, 1],
      [0, 2],
      [3, 4],
    ].map((ids): Continuation => {
      const all = [...beginning, ...ids];
      const logs = Float64Array.from(all, () => -0.5);
      return { ids: Int32Array.from(all), logProbabilities: logs, sampledLogProbabilities: logs, ended: 'length' };
    });
    return { forcedTokens: beginning.length, continuations: packed(continuations) };
  });
  const wanted = {
    count: 3,
    mostTokens: 3,
    sampling: neutralSampling,
    seed: 1,
    forced: groups.length === 2 ? ([0, 1] as const) : ([] as const),
  };
  return {
    name: 'one',
    wanted,
    groups,
    state: 'done',
    problem: undefined,
    isHere: false,
    before: 'The capital of France is',
    typed: '',
    contextTokens: 5,
  };
}

describe('axe-core on the panel', function () {
  this.timeout(120_000);
  const pages = servedPages('panel');

  async function open(theme: Theme, saved?: unknown): Promise<Page> {
    const page = await pages.open(undefined, theme, 700, saved);
    await send(page, { kind: 'vocabulary', vocabulary });
    return page;
  }

  it('sees a fault where there is one', async () => {
    const page = await open('vscode-light');
    await show(page, tuesday);
    await page.evaluate(() => document.querySelector('main')?.append(document.createElement('button')));
    assert.match((await seriousFaults(page)).join('\n'), /^button-name: <button><\/button>/);
  });

  for (const theme of themes) {
    it(`finds nothing serious in any state: ${theme}`, async () => {
      const page = await open(theme);
      for (const state of [...messages, tuesday, insideWord, watching, foreign, many]) {
        await show(page, state);
        assert.deepEqual(await seriousFaults(page), [], JSON.stringify(state).slice(0, 200));
      }
    });

    it(`finds nothing serious with every part open: ${theme}`, async () => {
      const everything = { scale: 'log', cumulative: true, sampling: { temperature: 0.8, topK: 50, topP: 0.9 }, search: 'Paris' };
      const page = await open(theme, everything);
      await show(page, watching);
      await page.evaluate(() => document.querySelectorAll('details').forEach(part => (part.open = true)));
      await send(page, { kind: 'row', place: 1, logProbabilities, typedBytes: undefined });
      assert.ok((await page.locator('details[open]').count()) > 1);
      assert.deepEqual(await seriousFaults(page), []);
      // Bytes of a row, which the sheet of VS Code paints in its own colours.
      await page.locator('.rows tr[data-id]').first().focus();
      assert.equal(await page.locator('.looked-at code').count(), 1);
      assert.deepEqual(await lowContrast(page), []);
    });

    it(`finds nothing serious with branches drawn and futures sampled, marked and compared: ${theme}`, async () => {
      const marks = { of: 'one', good: [0], bad: [2] };
      const page = await open(theme, { futures: { open: true, word: 'Paris', rule: 'containsWord', ruleWord: 'Paris', marks } });
      await show(page, tuesday);
      await send(page, { kind: 'row', place: 1, logProbabilities, typedBytes: undefined });
      const message: FuturesMessage = { kind: 'futures', free: futuresOf([]), forced: futuresOf([0], [1]), gone: undefined };
      await send(page, message);
      await page.getByRole('button', { name: 'Draw', exact: true }).click();
      assert.match((await page.locator('.drawn-text').textContent()) ?? '', /^Number 1/);
      assert.deepEqual(await seriousFaults(page), []);
      const tokens = branches.nodes.map(({ id }) => ({ id, token: words.piecesOf(id) }));
      for (const where of ['cursor', 'elsewhere', 'edited'] as const) {
        await send(page, { kind: 'continuation', scratch: branches, tokens, where });
        assert.equal(await page.locator('.scratch-tree .branch').count(), 3);
        assert.ok((await page.locator('.future-tree [role=treeitem]').count()) > 2);
        assert.deepEqual(await seriousFaults(page), [], where);
        assert.deepEqual(await lowContrast(page), [], where);
      }
      await send(page, { ...message, free: { ...futuresOf([]), state: 'running' }, gone: 'edited' });
      assert.deepEqual(await seriousFaults(page), []);
    });
  }
});
