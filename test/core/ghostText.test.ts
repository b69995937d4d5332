import assert from 'node:assert/strict';
import { ghostTextOf } from '../../src/core/ghostText';
import type { GhostPlace } from '../../src/core/ghostText';
import { Vocabulary } from '../../src/core/vocabulary';

/** A vocabulary of these pieces, and a draft of all of them in a row, each of one bit. */
function drafted(cut: number, pieces: readonly (string | readonly number[])[], givenTokens = 0, givenLogProbability = 0) {
  const parts = pieces.map(piece => (typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece)));
  const offsets = new Uint32Array(parts.length + 1);
  parts.forEach((part, id) => (offsets[id + 1] = (offsets[id] ?? 0) + part.length));
  return {
    vocabulary: new Vocabulary({ bytes: Buffer.concat(parts), offsets, controlNames: {} }),
    draft: {
      cut,
      ids: Int32Array.from(parts, (_, id) => id),
      logProbabilities: new Float64Array(parts.length).fill(-Math.LN2),
      givenTokens,
      givenLogProbability,
    },
  };
}

/** `|` is the cursor. */
function at(marked: string, selected?: GhostPlace['selected']): GhostPlace {
  const offset = marked.indexOf('|');
  return { text: marked.replace('|', ''), offset, selected };
}

function shown(place: GhostPlace, { vocabulary, draft }: ReturnType<typeof drafted>) {
  return ghostTextOf(place, draft, vocabulary);
}

describe('ghost text', () => {
  it('takes the place of the word that is begun, and repeats it', () => {
    const ghost = shown(at('let harb|\nx'), drafted(3, [' harbour', ' =', ' 1'], 1, -Math.LN2));
    assert.deepEqual(ghost, { start: 3, end: 8, text: ' harbour = 1', added: 'our = 1', tokens: 3, bitsPerToken: 1, isThere: false });
  });

  it('begins on the line of the cursor, whatever was spelled anew', () => {
    const text = 'f() {\r\n    |\r\n}';
    const ghost = shown(at(text), drafted(5, ['\n   ', ' return', ' x', ';'], 2));
    assert.deepEqual([ghost?.start, ghost?.end, ghost?.text, ghost?.added], [7, 11, '    return x;', 'return x;']);
  });

  it('ends with the line it is on, or the one it opens, and has nothing at the end that cannot be seen', () => {
    const added = (pieces: readonly string[], given = 0) => shown(at('a|'), drafted(given === 0 ? 1 : 0, pieces, given))?.added;
    assert.equal(added(['a b', ';\n   ', ' c'], 1), ' b;');
    assert.equal(added(['a', '\n  ', ' next', '\n'], 1), '\n   next');
    assert.equal(added([' b', '  ', '\n']), ' b');
    assert.equal(added(['\n', '  ']), undefined);
    assert.equal(added(['a'], 1), undefined);
    const { tokens, bitsPerToken } = shown(at('a|'), drafted(1, [' b', ';', '\n', ' c'])) ?? assert.fail();
    assert.deepEqual([tokens, bitsPerToken], [2, 1]);
  });

  it('tells what stands behind the cursor already', () => {
    const isThere = (marked: string, pieces: readonly string[], selected?: GhostPlace['selected']) =>
      shown(at(marked, selected), drafted(selected?.start ?? marked.indexOf('|'), pieces))?.isThere;
    assert.equal(isThere('  x;|\n}\ny', ['\n', '}']), true);
    assert.equal(isThere('  x;|\r\n}  \r\ny', ['\n', '}']), true);
    assert.equal(isThere('x(|);', [')', ';']), true);
    assert.equal(isThere('  x;|\n} else', ['\n', '}']), false, 'the line goes on in another way');
    assert.equal(isThere('  x;|\n}\n', ['\n', '}', ';']), false);
    assert.equal(isThere('  x;|', ['\n', '}']), false);
    assert.equal(isThere('x.har|();\n', ['Harbour', '()', ';'], { start: 2, end: 5, text: 'Harbour' }), true);
  });

  it('goes on from a list entry in its place', () => {
    const selected = { start: 2, end: 5, text: 'Harbour' };
    const ghost = shown(at('x.har|', selected), drafted(2, ['Harbour', '(', ')'], 1));
    assert.deepEqual([ghost?.start, ghost?.end, ghost?.text, ghost?.added], [2, 5, 'Harbour()', '()']);
    // What the model was asked about may begin inside of the entry.
    const inside = shown(at('x.har|', { ...selected, text: 'Harbour.boat' }), drafted(9, ['.boat', 's'], 1));
    assert.deepEqual([inside?.text, inside?.added], ['Harbour.boats', 's']);
  });

  it('covers closing signs that it brings itself, and nothing else', () => {
    const end = (marked: string, ...pieces: readonly string[]) => {
      const place = at(marked);
      return (shown(place, drafted(place.offset, pieces))?.end ?? NaN) - place.offset;
    };
    assert.equal(end('f(|)', 'x', ');'), 1);
    assert.equal(end('f([|])\r\n', 'x', '])'), 2);
    assert.equal(end('f([|])', 'x', ')]'), 0);
    assert.equal(end('f(|)', 'x'), 0);
    assert.equal(end('f(|) + 1', 'x', ')'), 0);
    assert.equal(end('f(|', 'x', ')'), 0);
  });

  it('has whole characters only, and what is typed as it is', () => {
    const euro = [...Buffer.from('€')];
    assert.equal(shown(at('a|'), drafted(1, [' 5', euro.slice(0, 2)]))?.added, ' 5');
    assert.equal(shown(at('a|'), drafted(1, [' 5', euro.slice(0, 2), euro.slice(2)]))?.added, ' 5€');
    assert.equal(shown(at('a\u0004b|'), drafted(0, ['ab', 'c'], 1)), undefined);
  });
});
