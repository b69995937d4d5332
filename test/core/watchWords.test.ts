import assert from 'node:assert/strict';
import { cellsWithin, noCells } from '../../src/core/cells';
import { lookOf } from '../../src/core/look';
import type { LookChoices } from '../../src/core/look';
import { bandRows } from '../../src/core/legend';
import { metricEdges } from '../../src/core/metric';
import { rowState } from '../../src/core/scores';
import { tableOf } from '../../src/core/scoreTable';
import { marksIn } from '../../src/core/units';
import { watchWordsOf } from '../../src/core/watchWords';

describe('watchWordsOf', () => {
  it('takes words between commas and white space, each once', () => {
    const of = (text: string) => {
      const input = watchWordsOf(text);
      return input.kind === 'words' ? input.words : assert.fail(input.kind);
    };
    assert.deepEqual(of(' sea, harbour\tsea ,,boat '), ['sea', 'harbour', 'boat']);
    assert.deepEqual(of(' \n, '), []);
    assert.deepEqual(of(`" don't 'tis x+=1; $(sync)`), ['"', "don't", "'tis", 'x+=1;', '$(sync)']);
  });

  it('says what is wrong, and with which word', () => {
    assert.deepEqual(watchWordsOf('a b c d e f'), { kind: 'too-many', count: 6 });
    assert.equal(watchWordsOf('a b c d e a').kind, 'words');
    assert.deepEqual(watchWordsOf('ship "sea shore"'), { kind: 'quoted', word: '"sea' });
    assert.deepEqual(watchWordsOf('“sea”'), { kind: 'quoted', word: '“sea”' });
    assert.deepEqual(watchWordsOf("'sea shore'"), { kind: 'quoted', word: "'sea" });
    assert.equal(watchWordsOf('🙂'.repeat(40)).kind, 'words');
    assert.deepEqual(watchWordsOf('x'.repeat(41)), { kind: 'too-long', word: 'x'.repeat(41) });
    assert.deepEqual(watchWordsOf('se\u0000a'), { kind: 'invisible', word: 'se\u0000a' });
    assert.equal(watchWordsOf('se\u202ea').kind, 'invisible');
    assert.equal(watchWordsOf('می\u200cخواهم').kind, 'words');
  });
});

describe('the metric of a watched word', () => {
  const settings = {
    preset: 'auto',
    palette: 'violet',
    style: 'tint',
    muteConfident: 'auto',
    wordCorrection: false,
    bandEdges: {},
  } as const;
  const look = (choices: LookChoices, words: readonly string[]) => lookOf('prose', settings, choices, undefined, words);
  const chosen: LookChoices = { metric: 'watched', watchWord: 'sea', scale: 'line' };

  it('is in force only while the word is watched, token by token', () => {
    const { metric, watchWord, scale, edges } = look(chosen, ['tide', 'sea']);
    assert.deepEqual([metric, watchWord, scale, edges], ['watched', 'sea', 'token', metricEdges.watched]);
    for (const words of [[], ['tide']]) {
      const other = look(chosen, words);
      assert.deepEqual([other.metric, other.watchWord, other.scale], ['surprisal', undefined, 'line']);
    }
    assert.equal(look({ metric: 'rank', watchWord: 'sea' }, ['sea']).watchWord, undefined);
  });

  it('has bands of probability', () => {
    assert.deepEqual(
      bandRows('watched', metricEdges.watched).map(({ from, to }) => [from, to]),
      [
        ['0.1%', '1%'],
        ['1%', '5%'],
        ['5%', '20%'],
        ['20%', '50%'],
        ['50%', undefined],
      ],
    );
  });

  /** Tokens of one unit each, but for the last two, which share the last two units; natural logarithms of two words' probabilities. */
  const probabilities = [[0.0005, 0.9], [0.0011, 0.3], [0.04, 0], [0.5, 0.1], [NaN, NaN], [0.06, 0.21], [0.9, 0.9]]; // prettier-ignore
  const starts = Uint32Array.of(0, 1, 2, 3, 4, 5, 5);
  const ends = Uint32Array.of(1, 2, 3, 4, 5, 7, 7);
  const table = tableOf(
    { topCount: 1, watchCount: 2, ids: new Int32Array(7), starts, ends, startBytes: starts, endBytes: ends },
    undefined,
    [],
  );
  table.states.fill(rowState.scored);
  table.states[3] = rowState.pending;
  table.states[4] = rowState.unscored;
  table.surprisalBits.fill(30);
  table.watchLogMasses.set(probabilities.flat().map(Math.log));
  const bandsOf = (watchIndex: number | undefined) =>
    marksIn(
      {
        text: 'abcdexy',
        cellsIn: span => cellsWithin(table, span),
        staleIn: () => noCells,
        kept: cells => cells,
        gaps: [],
        functions: [],
        wordStartLogMass: undefined,
        watchIndex,
      },
      { start: 0, end: 7 },
      look(chosen, ['sea']),
    ).map(({ start, band }) => [start, band]);

  it('colours a cell by the probability that the word began where it begins, however surprising the text is', () => {
    assert.deepEqual(bandsOf(0), [[0, 0], [1, 1], [2, 2], [4, undefined], [5, 3]]); // prettier-ignore
    assert.deepEqual(bandsOf(1), [[0, 5], [1, 4], [2, 0], [4, undefined], [5, 4]]); // prettier-ignore
  });

  it('colours nothing by scores that do not know the word', () => {
    for (const index of [undefined, -1, 2]) assert.ok(bandsOf(index).every(([, band]) => band === undefined));
  });
});
