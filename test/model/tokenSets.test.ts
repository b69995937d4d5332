import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { scoredCopyOf } from '../../src/core/scoredCopy';
import { Vocabulary } from '../../src/core/vocabulary';
import { TextTokenizer } from '../../src/model/tokens';
import { tokenSetsOf, watchedWords } from '../../src/model/tokenSets';
import { bundledFolder, never } from './process';

describe('token sets, of the bundled vocabulary', () => {
  let tokenizer: TextTokenizer;
  let vocabulary: Vocabulary;
  before(() => {
    const json = (name: string) => JSON.parse(readFileSync(path.join(bundledFolder, name), 'utf8')) as unknown;
    tokenizer = new TextTokenizer(json('tokenizer.json'));
    vocabulary = new Vocabulary(tokenizer.vocabulary);
  });

  it('a watched word is its first token after a space and without one, and says whether that is all of it', async () => {
    for (const word of ['the', 'harbour', 'xylophonist', 'é', '日本', '42', "don't", 'New York', '.']) {
      const [watched] = watchedWords([word], tokenizer);
      const tokens = [` ${word}`, word].map(async text => (await tokenizer.layout(scoredCopyOf(text), never)).ids);
      const spelled = await Promise.all(tokens);
      const ids = [...new Set(spelled.map(([first]) => first))];
      assert.deepEqual(watched, { word, ids, whole: spelled.every(({ length }) => length === 1) });
    }
    const whole = watchedWords(['the', 'xylophonist', '42'], tokenizer).map(watched => watched.whole);
    assert.deepEqual(whole, [true, false, false]);
    // " 42" and "42" begin alike or not, as the vocabulary has it; a word nobody can see is none.
    assert.deepEqual(watchedWords([' the ', '', '\u0004'], tokenizer).slice(1), [
      { word: '', ids: [], whole: false },
      { word: '\u0004', ids: watchedWords(['\u0004'], tokenizer)[0]?.ids, whole: false },
    ]);
    assert.deepEqual(watchedWords([' the '], tokenizer)[0]?.ids, watchedWords(['the'], tokenizer)[0]?.ids);
    assert.throws(() => watchedWords(['a', 'b', 'c', 'd', 'e', 'f'], tokenizer), { code: 'bad-argument' });
  });

  it('word starts are white space first, and control tokens', () => {
    const watched = watchedWords(['the', 'harbour'], tokenizer);
    const { count, members } = tokenSetsOf(tokenizer, watched);
    assert.deepEqual([count, members.length], [3, vocabulary.size * 3]);
    for (let id = 0; id < vocabulary.size; id++) {
      const text = Buffer.from(vocabulary.bytesOf(id)).toString('latin1');
      const begins = vocabulary.controlNameOf(id) !== undefined || /^[ \t\n\r]/.test(text);
      const expected = [begins, ...watched.map(({ ids }) => ids.includes(id))].map(Number);
      assert.deepEqual([...members.subarray(id * 3, id * 3 + 3)], expected);
    }
  });
});
