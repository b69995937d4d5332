import assert from 'node:assert/strict';
import { applySampling, rankTokens } from '../../src/core/sampling';
import { draw, SeededRandom } from '../../src/core/seededRandom';
import { Vocabulary } from '../../src/core/vocabulary';
import { fromLesson, longestGuess, longestPassage, savedLesson } from '../../src/views/lessonProtocol';
import { samplingFigure } from '../../src/views/lessonState';
import { logProbabilities, vocabulary as vocabularyData } from './states';

describe("the lesson's messages", () => {
  it('are taken as they are meant, and nothing else is', () => {
    for (const message of [
      { kind: 'ready' },
      { kind: 'end' },
      { kind: 'again' },
      { kind: 'another' },
      { kind: 'game' },
      { kind: 'tour' },
      { kind: 'panel' },
      { kind: 'enter', step: 0, text: '' },
      { kind: 'enter', step: 3, text: 'x'.repeat(longestGuess) },
      { kind: 'screen', screen: 4 },
      { kind: 'draw', temperature: 0, seed: 0 },
      { kind: 'draw', temperature: 2, seed: 7 },
    ])
      assert.deepEqual(fromLesson(message), message);
    for (const message of [
      undefined,
      null,
      'end',
      {},
      { kind: 'reveal', share: 0 },
      { kind: 'enter', step: -1, text: '' },
      { kind: 'enter', step: 0.5, text: '' },
      { kind: 'enter', step: 0 },
      { kind: 'enter', step: 0, text: 'x'.repeat(longestGuess + 1) },
      { kind: 'screen', screen: 5 },
      { kind: 'draw', temperature: NaN, seed: 0 },
      { kind: 'draw', temperature: 2.1, seed: 0 },
      { kind: 'draw', temperature: 1, seed: -1 },
    ])
      assert.equal(fromLesson(message), undefined, JSON.stringify(message));
  });

  it('bring a lesson back that was kept, whatever else was', () => {
    const game = { text: 'The harbour', title: 'x.md', moves: ['a', ''], ended: false, screen: 0 };
    assert.deepEqual(savedLesson(game), game);
    assert.deepEqual(savedLesson({ ...game, moves: undefined, screen: 3 }), { ...game, moves: undefined, screen: 3 });
    assert.deepEqual(savedLesson({ ...game, moves: ['a', 7], ended: 'yes', screen: 99 }), { ...game, moves: ['a'] });
    for (const bad of [undefined, null, 7, {}, { text: 'x' }, { ...game, text: 'x'.repeat(longestPassage + 1) }])
      assert.equal(savedLesson(bad), undefined);
  });

  it('draw what the sampler would, again and again the same', () => {
    const ranked = rankTokens(logProbabilities);
    const vocabulary = new Vocabulary(vocabularyData);
    for (const [temperature, seed] of [
      [0.7, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      const figure = samplingFigure(ranked, vocabulary, '', { temperature, seed });
      const { kept } = applySampling(ranked, { temperature });
      const random = new SeededRandom(seed);
      assert.deepEqual(
        figure.drawn,
        figure.drawn.map(() => vocabulary.piecesOf(draw(kept, random).id)),
      );
      for (const [place, { token, raw, after }] of figure.rows.entries()) {
        const id = ranked.ids[place] ?? -1;
        assert.deepEqual(token, vocabulary.piecesOf(id));
        assert.equal(raw, ranked.probabilities[place]);
        assert.equal(after, kept.probabilities[kept.ids.indexOf(id)]);
      }
    }
  });
});
