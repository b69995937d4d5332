/** Usage: node panel.js LINES.json: draws the panel's page with 200 rows in a browser, and writes how long its script takes. */
import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { SeededRandom } from '../src/core/seededRandom';
import type { PanelDistribution, ToPanel } from '../src/views/panelProtocol';
import { PanelServer, send, show } from '../test/panel/panelPage';
import { rows, tuesday, word } from '../test/panel/states';
import { median, quartiles, type Line } from './measure';

const vocabularySize = 49_152; // SmolLM2's
const rowCount = 200;
const rounds = 60;
const warmUps = 10;
const budgetMs = 8;

async function main([linesFile = '']: readonly string[]): Promise<void> {
  const server = await PanelServer.start();
  try {
    const page = await server.open('vscode-dark', 620, { samplerOpen: true, sampling: { temperature: 0.8, topK: 100, topP: 0.95 } });
    const state: PanelDistribution = { ...tuesday, topCount: rowCount, rows: rows(Array.from({ length: rowCount }, () => word('many'))) };
    await send(page, { kind: 'vocabulary', vocabulary: vocabularyOf(vocabularySize) });
    await show(page, state);
    await send(page, rowOf(state.place));
    const sampled = await page.locator('.rows td.after').count();
    if (sampled !== rowCount + 1 && sampled !== rowCount + 2) throw new Error(`The page shows ${String(sampled)} sampled rows.`);
    const lines = [
      { ...lineOf('one redraw of the panel, another sampler setting', await settingTimes(page)), budget: { atMost: budgetMs, noise: 1 } },
      lineOf('the same when the whole row of another place has come, which is put in order first', await placeTimes(page, state)),
    ];
    writeFileSync(linesFile, JSON.stringify(lines));
  } finally {
    await server.stop();
  }
}

/** Milliseconds of each redraw after a step of the temperature's slider. */
function settingTimes(page: Page): Promise<number[]> {
  return page.evaluate(async count => {
    const slider = document.querySelector<HTMLInputElement>('.sampler input[type=range]');
    if (!slider) throw new Error('no slider');
    const times: number[] = [];
    while (times.length < count) {
      await new Promise(requestAnimationFrame); // so that the layout of one drawing is not a part of the next
      slider.value = String(0.5 + (times.length % 20) * 0.05);
      const started = performance.now();
      slider.dispatchEvent(new Event('input'));
      times.push(performance.now() - started);
    }
    return times;
  }, warmUps + rounds);
}

/** The same when the row of another place comes: it is put in order, sampled and drawn. */
function placeTimes(page: Page, state: PanelDistribution): Promise<number[]> {
  return page.evaluate(
    async ({ count, first, row }) => {
      const post = (data: ToPanel) => window.dispatchEvent(new MessageEvent('message', { data }));
      const times: number[] = [];
      while (times.length < count) {
        const place = first.place + 1 + times.length;
        post({ kind: 'show', state: { ...first, place } });
        await new Promise(requestAnimationFrame);
        const started = performance.now();
        post({ ...row, place });
        times.push(performance.now() - started);
      }
      return times;
    },
    { count: warmUps + rounds, first: state, row: rowOf(0) },
  );
}

function lineOf(what: string, times: readonly number[]): Line {
  const measured = times.slice(warmUps);
  return {
    what,
    value: median(measured),
    unit: 'ms',
    n: measured.length,
    spread: quartiles(measured),
    note: `script of ${String(rowCount)} rows, ${String(vocabularySize)} tokens, the sampler open`,
  };
}

function vocabularyOf(size: number): Extract<ToPanel, { kind: 'vocabulary' }>['vocabulary'] {
  const pieces = Array.from({ length: size }, (_, id) => Buffer.from(` w${String(id)}`));
  const offsets = new Uint32Array(size + 1);
  pieces.forEach((piece, id) => (offsets[id + 1] = (offsets[id] ?? 0) + piece.length));
  return { bytes: new Uint8Array(Buffer.concat(pieces)), offsets, controlNames: {} };
}

/** Pseudo-random, as peaked as a model's. */
function rowOf(place: number): Extract<ToPanel, { kind: 'row' }> {
  const random = new SeededRandom(7);
  const logits = Float64Array.from({ length: vocabularySize }, () => 12 * random.uniform() ** 3);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return { kind: 'row', place, logProbabilities: Float32Array.from(logits, logit => logit - total), typedBytes: undefined };
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
