import assert from 'node:assert/strict';
import { answerBits, GuessingGame, judge, type Answer, type GamePassage, type GameToken } from '../../src/core/guessing';

describe('a guess', () => {
  for (const [guess, rest, tokenLength, verdict] of [
    ['harbour', ' harbour was', 8, 'right'],
    ['  harbour ', ' harbour was', 8, 'right'],
    ['harbour was', ' harbour was', 8, 'right'],
    ['harbour', ' harbour was', 4, 'right'], // the token is " har"
    ['har', ' harbour was', 8, 'begins'],
    ['harb', ' harbour was', 4, 'right'],
    ['Harbour', ' harbour was', 8, 'case'],
    ['the', 'The boat', 3, 'case'],
    ['harbor', ' harbour was', 4, 'wrong'],
    ['sea', ' harbour was', 8, 'wrong'],
    ['harbour is', ' harbour was', 8, 'wrong'],
    ['', ' harbour', 8, 'wrong'],
    [' ', ' harbour', 8, 'wrong'],
    ["aunt's", ' aunt’s', 5, 'right'],
    ['-', ' – so', 2, 'right'],
    ['"To be', '“To be', 1, 'right'],
    ['The boat', '\nThe\nboat', 4, 'right'],
    ['quiet', ' quiet', 6, 'right'], // the text ends here
    ['quiet now', ' quiet', 6, 'wrong'],
  ] as const) {
    it(`“${guess}” for a token of ${tokenLength} of “${rest.replaceAll('\n', '↵')}” is ${verdict}`, () => {
      assert.equal(judge(guess, rest, tokenLength), verdict);
    });
  }
});

const vocabularySize = 1000;
const none = (tries: number): Answer => ({ tries, rightTry: undefined });
const right = (rightTry: number): Answer => ({ tries: rightTry, rightTry });
const total = (answers: readonly Answer[]) => answerBits(answers, 3, vocabularySize).reduce((sum, bits) => sum + bits, 0);

/** All ways in which so many places can be answered. */
function sequences(length: number): readonly (readonly Answer[])[] {
  if (length === 0) return [[]];
  return sequences(length - 1).flatMap(before => [right(1), right(2), right(3), none(3), none(0)].map(answer => [...before, answer]));
}

describe('the bits of guesses', () => {
  it('are by the closed form of Krichevsky and Trofimov, whatever their order', () => {
    const gammaRatio = (count: number, start: number) => Array.from({ length: count }, (_, i) => start + i).reduce((a, b) => a * b, 1);
    for (const answers of sequences(4)) {
      const counts = [1, 2, 3, undefined].map(outcome => answers.filter(({ rightTry }) => rightTry === outcome).length);
      const probability = counts.reduce((product, count) => product * gammaRatio(count, 0.5), 1) / gammaRatio(answers.length, 2);
      const others = answers.reduce((sum, { rightTry, tries }) => sum + (rightTry ? 0 : Math.log2(vocabularySize - tries)), 0);
      assert.ok(Math.abs(total(answers) - (others - Math.log2(probability))) < 1e-9, JSON.stringify(answers));
    }
  });

  it('are never negative, and make a code: all that can happen has probability 1 together', () => {
    for (const answers of sequences(3)) for (const bits of answerBits(answers, 3, vocabularySize)) assert.ok(bits > 0);
    const outcomes = [right(1), right(2), right(3)].map(answer => 2 ** -total([right(1), none(3), answer]));
    const missed = (vocabularySize - 3) * 2 ** -total([right(1), none(3), none(3)]);
    const before = 2 ** -total([right(1), none(3)]);
    assert.ok(Math.abs([...outcomes, missed].reduce((sum, each) => sum + each, 0) / before - 1) < 1e-9);
  });

  it('are fewest where every first try is right, and little for each place then', () => {
    const first = Array.from({ length: 4 }, () => right(1));
    const others = sequences(4).filter(answers => new Set(answers.map(({ rightTry }) => rightTry)).size > 1);
    assert.ok(others.every(answers => total(answers) > total(first)));
    const many = answerBits(
      Array.from({ length: 100 }, () => right(1)),
      3,
      vocabularySize,
    );
    assert.ok((many.at(-1) ?? NaN) < 0.03);
  });

  it('have no try that nobody has', () => {
    assert.deepEqual(answerBits([right(1), none(1)], 1, 1001), [1, 2 + Math.log2(1000)]);
  });
});

/** Tokens of a text, by their lengths; the model expects nothing but what is given by index. */
function passageOf(pieces: readonly string[], expected: Readonly<Record<number, readonly (string | undefined)[]>> = {}): GamePassage {
  let at = 0;
  const tokens = pieces.map((piece, index): GameToken => {
    const start = at;
    at += piece.length;
    return { start, end: at, surprisalBits: index === 0 ? undefined : index, expected: expected[index] ?? [] };
  });
  return { text: pieces.join(''), tokens, vocabularySize, triesAllowed: 3 };
}

const pieces = ['The', ' har', 'bour', ' was', '\n', ' quiet', ' before', ' dawn'];

describe('a guessing game', () => {
  it('asks for what can be typed, after some tokens to begin with', () => {
    assert.deepEqual(new GuessingGame(passageOf(pieces)).asked, [2, 3, 5, 6, 7]);
    const shared = passageOf(pieces);
    const tokens = shared.tokens.map((token, index) => (index === 6 ? { ...token, start: token.start - 1 } : token));
    assert.deepEqual(new GuessingGame({ ...shared, tokens }).asked, [2, 3, 7], 'two tokens share a character');
    assert.equal(new GuessingGame(passageOf([])).isOver, true);
    assert.equal(new GuessingGame(passageOf(['\n'])).isOver, true);
  });

  it('reveals after a right guess, three wrong ones or none, and goes on at Enter', () => {
    const game = new GuessingGame(passageOf(pieces));
    game.enter('bour');
    assert.deepEqual([game.isRevealed, game.token, game.place], [true, 2, 0]);
    game.enter('anything');
    assert.deepEqual([game.isRevealed, game.token, game.place], [false, 3, 1]);
    for (const guess of ['is', 'is ', 'wa', 'were']) {
      assert.equal(game.isRevealed, false, guess);
      game.enter(guess);
    }
    assert.deepEqual(game.tries, [
      { text: 'is', verdict: 'wrong' },
      { text: 'wa', verdict: 'begins' },
      { text: 'were', verdict: 'wrong' },
    ]);
    game.enter('');
    game.enter('');
    assert.deepEqual([game.isRevealed, game.token], [true, 5]);
    assert.deepEqual(
      game.played.map(({ token, learner }) => [token, learner]),
      [
        [2, right(1)],
        [3, none(3)],
        [5, none(0)],
      ],
    );
  });

  it('scores both by the same rule, over the places that were decided', () => {
    const expected = { 2: [' sea', 'bour'], 3: ['\n', undefined, ' was'], 5: [' is', 'is', ' are', ' a', ' quiet'], 6: [' before'] };
    const game = new GuessingGame(passageOf(pieces, expected));
    for (const move of ['sea', 'bour', '', 'was', '', 'is', 'are', 'a', '', 'half']) game.enter(move);
    game.end();
    const { played } = game;
    assert.equal(played.length, 3, 'the place that was not decided counts for nobody');
    for (const place of played) {
      assert.deepEqual(place.learner, place.model, `token ${place.token}`);
      assert.equal(place.learnerBits, place.modelBits);
    }
    assert.deepEqual(
      played.map(({ surprisalBits }) => surprisalBits),
      [2, 3, 5],
    );
    assert.equal(game.token, undefined);
    game.enter('more');
    assert.equal(game.played.length, 3);
  });

  it('ends with the last token, and comes back from its moves alone', () => {
    const game = new GuessingGame(passageOf(pieces));
    for (let step = 0; !game.isOver && step < 100; step++) game.enter(step % 3 === 0 ? 'was' : '');
    assert.deepEqual([game.isOver, game.token, game.played.length], [true, undefined, game.asked.length]);
    for (let moves = 0; moves <= game.moves.length; moves++) {
      const again = new GuessingGame(game.passage);
      for (const move of game.moves.slice(0, moves)) again.enter(move);
      const beside = new GuessingGame(game.passage);
      for (const move of again.moves) beside.enter(move);
      assert.deepEqual([beside.played, beside.tries, beside.token], [again.played, again.tries, again.token]);
    }
  });
});
