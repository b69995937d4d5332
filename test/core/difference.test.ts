import assert from 'node:assert/strict';
import { piecesAt } from '../../src/core/ablation';
import type { PieceKind } from '../../src/core/ablation';
import { differencePieces, followingRows, sumOf, sumsByLine } from '../../src/core/difference';
import { regionKinds } from '../../src/core/regions';

describe('differences', () => {
  it('are of the tokens that follow in both texts, whatever stands before them', () => {
    const present = { surprisalBits: [9, 9, 1, 2], starts: [0, 1, 4, 5], ends: [1, 4, 5, 7], replacedTokens: 2 };
    const absent = { surprisalBits: [8, 3, 1.5], replacedTokens: 1 };
    assert.deepEqual(differencePieces(followingRows(present, absent)), [
      { span: { start: 4, end: 5 }, withBits: 1, withoutBits: 3, bits: 2 },
      { span: { start: 5, end: 7 }, withBits: 2, withoutBits: 1.5, bits: -0.5 },
    ]);
  });

  it('are sums where tokens share a character, and none without a score', () => {
    const rows = { length: 4, starts: [0, 0, 2, 3], ends: [2, 2, 3, 4], withBits: [1, 2, NaN, 1], withoutBits: [4, 4, 1, 1] };
    assert.deepEqual(differencePieces(rows), [
      { span: { start: 0, end: 2 }, withBits: 3, withoutBits: 8, bits: 5 },
      { span: { start: 3, end: 4 }, withBits: 1, withoutBits: 1, bits: 0 },
    ]);
  });

  it('are summed by the line of the first visible character, and all lines are the whole', () => {
    const text = 'a b\n\n  c d';
    const ends = [1, 3, 8, 10];
    const rows = { length: 4, starts: [0, 1, 3, 8], ends, withBits: [1, 1, 1, 1], withoutBits: [2, 3, 5, 9] };
    const pieces = differencePieces(rows);
    const lines = sumsByLine(text, pieces);
    assert.deepEqual(
      [...lines].map(([line, { bits }]) => [line, bits]),
      [
        [0, 3],
        [2, 12],
      ],
    );
    assert.deepEqual(sumOf(pieces), { pieces: 4, withBits: 4, withoutBits: 19, bits: 15 });
  });
});

describe('pieces to leave out', () => {
  const code = `// The sum.
// Of a list.
import { a } from 'a';
import {
  b,
} from 'b';

import c from 'c';

function sum() {
  return 1; // one
}

const d = 1;
`;
  const regionsOf = (text: string) => {
    const found = [...text.matchAll(/\/\/.*/g)].map(match => ({ start: match.index, end: match.index + match[0].length }));
    const kinds = found.map(() => regionKinds.indexOf('comments'));
    return { length: found.length, starts: found.map(({ start }) => start), ends: found.map(({ end }) => end), kinds };
  };
  const at = (text: string, place: string, isCode = true) => {
    const pieces = piecesAt(text, text.indexOf(place), isCode, regionsOf(text));
    return (kind: PieceKind) => {
      const span = pieces.get(kind);
      return span && text.slice(span.start, span.end);
    };
  };

  it('are the lines of comments round the cursor, or the one at the end of its line', () => {
    assert.equal(at(code, 'list')('comment'), '// The sum.\n// Of a list.\n');
    assert.equal(at(code, 'return')('comment'), '// one');
    assert.equal(at(code, 'const d')('comment'), undefined);
  });

  it('are all imports, over lines and empty lines', () => {
    assert.equal(at(code, 'const d')('imports'), "import { a } from 'a';\nimport {\n  b,\n} from 'b';\n\nimport c from 'c';\n\n");
    const python = 'import os\nfrom a import (\n    b,\n)\n\nx = 1\n';
    assert.equal(at(python, 'x = 1')('imports'), 'import os\nfrom a import (\n    b,\n)\n\n');
    assert.equal(at('use this\nusing the model\n', 'the', false)('imports'), undefined); // prose
    assert.equal(at('No files here.\n', 'files')('imports'), undefined);
  });

  it('are the paragraph above and this one, and this line', () => {
    const prose = 'One is here.\nStill one.\n\nTwo.\n\nThree is last.';
    assert.equal(at(prose, 'Two')('paragraphAbove'), 'One is here.\nStill one.\n\n');
    assert.equal(at(prose, 'Two')('paragraph'), 'Two.\n\n');
    assert.equal(at(prose, 'last')('paragraph'), 'Three is last.');
    assert.equal(at(prose, 'One')('paragraphAbove'), undefined);
    assert.equal(at(prose, 'Still')('line'), 'Still one.\n');
    assert.equal(at('\nTwo.', '\n')('line'), undefined);
  });
});
