import assert from 'node:assert/strict';
import { cellsWithin } from '../../src/core/cells';
import type { ScoreTable } from '../../src/core/scores';
import { findStretches } from '../../src/core/stretches';
import { scoreText } from '../../src/model/scoreText';
import type { ModelClient } from '../../src/model/client';
import type { ScoringSettings } from '../../src/model/protocol';
import { bundledFolder, loadParams, never, newClient } from './process';

const settings: ScoringSettings = {
  contextTokens: 1024,
  overlapTokens: 256,
  anchors: 'text',
  topCount: 1,
  watchWords: [],
  useStartToken: true,
};
const sentence = 'The grey geese of the mill stream fly over the slate roofs at noon.';
const name = 'Maria del Carmen Ortega Villanueva de los Angeles';

/** What the bundled model makes of prose with these planted in it. */
describe('predictable stretches, by the bundled model', () => {
  let client: ModelClient;
  before(() => {
    client = newClient();
  });
  after(() => {
    client.dispose();
  });

  async function stretchesOf(text: string) {
    const { table } = await scoreText(client, loadParams(bundledFolder), text, settings, 'native', never);
    return stretchesIn(text, table);
  }

  it('tell a planted stock phrase from a planted repetition', async () => {
    const found = await stretchesOf(
      `${sentence} Nobody counts the squid in my uncle's ledger. The parrot said: to be, or not to be, that is the question.\n\n` +
        `Rain came and the accordion rusted. ${sentence} A zebra waited by the ferry.\n`,
    );
    const stock = found.filter(({ echo }) => echo === undefined);
    const echoes = found.filter(({ echo }) => echo !== undefined);
    assert.ok(
      stock.some(({ text }) => text.includes('not to be, that is the')),
      JSON.stringify(found),
    );
    assert.ok(
      stock.every(({ text }) => !sentence.includes(text)),
      JSON.stringify(found),
    );
    assert.ok(
      echoes.some(({ text, echo }) => text.includes('over the slate roofs at noon') && text === echo),
      JSON.stringify(found),
    );
    assert.ok(
      echoes.every(({ text }) => sentence.includes(text)),
      JSON.stringify(found),
    );
  });

  it('leave the second mention of a name alone, though the model foresees it', async () => {
    const text = `The harbour books were kept by ${name}. Nobody else could read them. One morning the fog lifted and ${name} was gone.\n`;
    const { table } = await scoreText(client, loadParams(bundledFolder), text, settings, 'native', never);
    assert.deepEqual(stretchesIn(text, table), []);
    // With the very same scores a phrase that is no name would be listed.
    const small = stretchesIn(text.toLowerCase(), table);
    assert.ok(
      small.some(({ text: run, echo }) => run === echo && name.toLowerCase().includes(run)),
      JSON.stringify(small),
    );
  });
});

function stretchesIn(text: string, table: ScoreTable) {
  const search = findStretches(text, { table, cellsIn: span => cellsWithin(table, span) }, { words: 4, bits: 1 });
  for (;;) {
    const { done, value } = search.next();
    if (done !== true) continue;
    return value.map(({ start, end, echoOf }) => ({ text: text.slice(start, end), echo: echoOf && text.slice(echoOf.start, echoOf.end) }));
  }
}
