import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { textReport } from '../../src/core/documentReport';
import { medianBitsPerByte, readingLimit, readingMeasure, readingOf } from '../../src/core/language';
import type { Reading, ReadingMeasure } from '../../src/core/language';
import { scoreText } from '../../src/model/scoreText';
import type { ScoredText } from '../../src/model/scoreText';
import { bundledFolder, loadParams, never, newClient } from './process';

/** A text, what the bundled model makes of it, and what is to be said of that. */
interface LanguageCase {
  readonly name: string;
  readonly kind: string;
  readonly language: string;
  readonly script: string;
  readonly text: string;
  readonly expected: Reading;
  readonly measured: ReadingMeasure & { readonly bitsPerByte: number };
}

const cases = JSON.parse(readFileSync('test/fixtures/languages.json', 'utf8')) as readonly LanguageCase[];

describe('whether the bundled model reads a language', () => {
  const client = newClient();
  after(() => {
    client.dispose();
  });

  function scored(text: string): Promise<ScoredText> {
    const settings = {
      contextTokens: 1024,
      overlapTokens: 256,
      anchors: 'text',
      topCount: 1,
      useStartToken: true,
      watchWords: [],
    } as const;
    return scoreText(client, loadParams(bundledFolder), text, settings, 'native', never);
  }

  for (const { name, language, text, expected, measured } of cases) {
    it(`${language}, ${name}: ${expected}`, async () => {
      const { table, description } = await scored(text);
      const measure = readingMeasure(table, text);
      const { usualBitsPerByte } = description.selfCheck;
      assert.equal(readingOf(measure, usualBitsPerByte), expected, JSON.stringify(measure));
      const { bitsPerByte } = textReport(table, text, { start: 0, end: text.length }, [3, 5, 8, 11, 15]);
      assert.ok(Math.abs((bitsPerByte ?? NaN) - measured.bitsPerByte) < 0.03);
      assert.ok(Math.abs(measure.bitsPerCharacter - measured.bitsPerCharacter) < 0.03);
      assert.equal(measure.scoredTokens, measured.scoredTokens);
      for (const name of ['wordShare', 'charactersPerToken'] as const) assert.ok(Math.abs(measure[name] - measured[name]) < 1e-3, name);
      const median = medianBitsPerByte(table, text);
      if (expected === 'badly')
        assert.ok(median !== undefined && median > 0.6 * measured.bitsPerByte && median < 1.6 * measured.bitsPerByte);
    });
  }

  it('is told of eight languages in four scripts and more, far from the limit where it is said that they are not read', async () => {
    const bad = cases.filter(({ expected }) => expected === 'badly');
    assert.ok(new Set(bad.map(({ language }) => language)).size >= 8 && new Set(bad.map(({ script }) => script)).size >= 4);
    const { description } = await scored('A text.');
    const limit = readingLimit(description.selfCheck.usualBitsPerByte);
    const english = cases.filter(({ name }) => /^english-(?!poem|list)/.test(name)); // those two are as many bits, in longer pieces
    for (const { name, measured } of bad) assert.ok(measured.bitsPerCharacter > 1.1 * limit, name);
    for (const { name, measured } of english) assert.ok(measured.bitsPerCharacter < limit / 1.1, name);
  });
});
