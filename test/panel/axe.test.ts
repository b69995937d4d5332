import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { PanelState } from '../../src/views/panelProtocol';
import { seriousFaults } from './axe';
import { PanelServer, send, show } from './panelPage';
import { insideWord, logProbabilities, rows, tuesday, vocabulary, watching, word } from './states';
import { themes, type Theme } from './themes';

const messages: readonly PanelState[] = [
  { kind: 'message', headline: 'Loading SmolLM2-135M…', text: 'It runs on this computer.', busy: true },
  { kind: 'message', headline: 'No editor', text: 'Open a file and put the cursor into it.', busy: false },
];
const foreign: PanelState = { ...tuesday, reading: 'SmolLM2-135M mostly reads English.' };
const many: PanelState = { ...tuesday, topCount: 50, rows: rows(Array.from({ length: 50 }, () => word('many'))) };

describe('axe-core on the panel', function () {
  this.timeout(120_000);
  let server: PanelServer;
  const pages: Page[] = [];

  before(async () => {
    server = await PanelServer.start();
  });
  after(async () => {
    await server.stop();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
  });

  async function open(theme: Theme, saved?: unknown): Promise<Page> {
    const page = await server.open(theme, 700, saved);
    pages.push(page);
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
    });
  }
});
