import assert from 'node:assert/strict';
import { insertionOf, movedParts, separated, touches, tracked } from '../../src/core/insertion';
import type { EditAround, TextChange } from '../../src/core/insertion';

/** Changes as an editor tells them, in offsets of the text before. */
function change(before: string, find: string, text: string, from = 0): TextChange {
  const start = before.indexOf(find, from);
  assert.ok(start >= 0, find);
  return { start, end: start + find.length, text };
}

function edited(before: string, changes: readonly TextChange[]): string {
  return [...changes]
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: put }) => text.slice(0, start) + put + text.slice(end), before);
}

/** Pieces of the text after the edit that are inserted, with what they replaced; undefined: it is no insertion. */
function inserted(before: string, changes: readonly TextChange[], around: Partial<EditAround> = {}): readonly string[] | undefined {
  const after = edited(before, changes);
  const cursors = changes.map(({ start }) => start);
  const all = { before, cursors, selected: [], typedTo: [], isUndoOrRedo: false, isSaving: false, ...around };
  const parts = insertionOf(
    changes.map(each => ({ ...each, pieces: separated(each, all.before) })),
    all,
  );
  return parts?.map(({ start, end, replaced }) => (replaced === '' ? after.slice(start, end) : `${replaced}→${after.slice(start, end)}`));
}

describe('insertionOf', () => {
  const code = 'const a = 1;\ncon\nconst b = 2;\n';

  it('is new text that comes at once', () => {
    assert.deepEqual(inserted(code, [{ start: 13, end: 13, text: 'console.log(a);' }]), ['console.log(a);']);
  });

  it('is no insertion while somebody types, opens a bracket or a line', () => {
    for (const text of [
      'a',
      'ab',
      '()',
      '{}',
      '""',
      "''",
      '[]',
      '\n        ',
      '\n\t\n',
      ' */',
      '\n * ',
      '    ',
      '</div>',
      '</my-element>',
      '`````',
    ])
      assert.equal(inserted(code, [{ start: 13, end: 13, text }]), undefined, JSON.stringify(text));
  });

  it('counts what is new of text that replaces other text', () => {
    assert.deepEqual(inserted(code, [change(code, 'con', 'console.log(', 13)]), ['sole.log(']);
    assert.deepEqual(inserted('foo(1)', [change('foo(1)', 'foo(1)', 'foo(1, second)')]), [', second']);
    assert.deepEqual(inserted('one two three', [change('one two three', 'two', 'another way')]), ['two→another way']);
    assert.equal(inserted(code, [change(code, 'const a', 'const ab')]), undefined);
    assert.equal(inserted(code, [change(code, 'const a = 1;', 'const')]), undefined, 'a deletion');
  });

  it('takes all of a change for new where nobody knows what stood there', () => {
    assert.deepEqual(inserted(code, [change(code, 'con', 'console.log(', 13)], { before: undefined }), ['console.log(']);
  });

  it('cuts no character and no line break in two', () => {
    assert.deepEqual(inserted('a🙂b', [change('a🙂b', '🙂', '🙃 and more')]), ['🙂→🙃 and more']);
    assert.deepEqual(inserted('x\r\ny', [change('x\r\ny', 'x\r\n', 'x\rhello there\r\n')]), ['\rhello there']);
    assert.deepEqual(inserted('x🙂', [change('x🙂', '🙂', 'wonder 😂🙂')]), ['wonder 😂']);
  });

  it('takes several places where there is a cursor at each', () => {
    const list = 'a\nb\nc\n';
    const changes = [0, 2, 4].map(start => ({ start, end: start, text: 'item = ' }));
    assert.deepEqual(inserted(list, changes), ['item = ', 'item = ', 'item = ']);
    // The cursors may be known as they are after the edit.
    assert.deepEqual(inserted(list, changes, { cursors: [7, 16, 25] }), ['item = ', 'item = ', 'item = ']);
    assert.equal(inserted(list, changes, { cursors: [0] }), undefined, 'a rename');
    assert.equal(inserted(list, changes, { cursors: [] }), undefined);
  });

  const file = `import { a } from 'a';

export function first(list) {
  return list.length;
}

export function second(list) {
  return list.at(-list.length);
}
`;
  function replacedWhole(text: string, around: Partial<EditAround> = {}): readonly string[] | undefined {
    return inserted(file, [{ start: 0, end: file.length, text }], around);
  }

  it('counts what is really new where a whole document is replaced', () => {
    const added = file
      .replace('length;', 'length + 1;')
      .replace('second(list) {\n', 'second(list) {\n  if (list.length === 0) return null;\n');
    assert.deepEqual(replacedWhole(added), [' + 1', '  if (list.length === 0) return null;\n']);
    assert.deepEqual(replacedWhole(file.replace('list.at(-list.length)', 'list[list.indexOf(null)]')), [
      '.at(-list.length)→[list.indexOf(null)]',
    ]);
    assert.deepEqual(inserted(file.replaceAll('\n', '\r\n'), [{ start: 0, end: file.length + 9, text: added.replaceAll('\n', '\r\n') }]), [
      ' + 1',
      '  if (list.length === 0) return null;\r\n',
    ]);
  });

  it('is no insertion where a whole document is laid out anew, renamed in, or put in another order', () => {
    assert.equal(replacedWhole(file), undefined);
    assert.equal(
      replacedWhole(file.replaceAll('\n  ', '\n        ').replaceAll("'a'", '"a"').replaceAll(' }', '}')),
      undefined,
      'a formatter',
    );
    assert.equal(replacedWhole(file.replaceAll('list', 'collection')), undefined, 'a rename');
    const [head = '', ...functions] = file.split(/(?=\nexport)/);
    assert.equal(replacedWhole(head + functions.reverse().join('')), undefined, 'another order');
  });

  it('takes a change for one where too much of it differs', () => {
    const other = Array.from({ length: 300 }, (_, line) => `line ${String(line)}\n`).join('');
    assert.deepEqual(replacedWhole(`x${other}${file}`), [`x${other}`]);
    assert.deepEqual(inserted(other, [{ start: 0, end: other.length, text: other.replaceAll('line', 'row of') }])?.length, 1);
  });

  it('is no name in place of another, unless it was typed or selected', () => {
    const at = (end: number, start = end) => ({ start, end });
    const place = code.indexOf('a =');
    const rename = [change(code, 'a', 'somethingElse', place)];
    assert.equal(inserted(code, rename), undefined);
    assert.deepEqual(inserted(code, rename, { selected: [at(place + 1, place)] }), ['a→somethingElse'], 'pasted over');
    assert.equal(inserted(code, rename, { typedTo: [place + 1] })?.length, undefined, 'typed, but no completion of it');
    assert.deepEqual(inserted(code, [change(code, 'con', 'constantName', 13)]), undefined);
    assert.deepEqual(inserted(code, [change(code, 'con', 'constantName', 13)], { typedTo: [16] }), ['stantName'], 'a completion');
    assert.deepEqual(inserted(code, [change(code, 'con', 'blackConstantName', 13)], { typedTo: [16] }), ['con→blackConstantName']);
    // A part of a name, and what nobody kept.
    assert.equal(inserted('let total = 1;', [{ start: 7, end: 9, text: 'goEverywhere' }]), undefined);
    assert.equal(inserted(code, rename, { before: undefined }), undefined);
    assert.deepEqual(inserted(code, rename, { before: undefined, typedTo: [place + 1] }), ['somethingElse']);
    assert.deepEqual(inserted(code, [{ start: 16, end: 16, text: 'stantName' }]), ['stantName'], 'put in at the cursor');
    assert.equal(
      inserted(code, [{ start: 16, end: 16, text: 'stantName' }], { cursors: [14] }),
      undefined,
      'the smallest edit that renames',
    );
    assert.deepEqual(inserted(code, [{ start: 16, end: 16, text: ' stantName' }], { cursors: [14] }), [' stantName'], 'no name');
    assert.deepEqual(inserted(code, [change(code, 'con', 'constantName()', 13)]), ['stantName()'], 'more than a name');
  });

  it('is the side of a conflict that comes in, though it stood between the marks', () => {
    const conflict = 'a\n<<<<<<< HEAD\nown line\n=======\nincoming line\n>>>>>>> other\nb\n';
    const settled = (text: string) => inserted(conflict, [{ start: 2, end: conflict.length - 2, text }]);
    assert.deepEqual(
      settled('incoming line\n')?.map(part => part.split('→').at(-1)),
      ['incoming line'],
    );
    assert.deepEqual(
      settled('own line\nincoming line\n')?.map(part => part.split('→').at(-1)),
      ['own line\nincoming line'],
    );
    assert.equal(settled('own line\n'), undefined);
  });

  it('leaves out undo, redo, saving, and lines that only move', () => {
    const changes = [{ start: 0, end: 0, text: 'a whole line\n' }];
    assert.equal(inserted(code, changes, { isUndoOrRedo: true }), undefined);
    assert.equal(inserted(code, changes, { isSaving: true }), undefined);
    const lines = 'first line\nsecond line\n';
    const moved = [
      { start: 0, end: 0, text: 'second line\n' },
      { start: 10, end: 22, text: '' },
    ];
    assert.equal(inserted(lines, moved), undefined);
  });
});

describe('separated', () => {
  it('makes the same text as the change', () => {
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const line = () => ['}', '', '  a = 1;', 'a = 1;', 'b(🙂);', '    c', 'd🙃'][random(7)] ?? '';
    for (let round = 0; round < 300; round++) {
      const ending = round % 2 === 0 ? '\n' : '\r\n';
      const lines = Array.from({ length: random(12) }, line);
      const others = lines.flatMap(each => (random(4) > 0 ? [each] : random(2) > 0 ? [line(), each] : []));
      const [before, text] = [lines.join(ending), others.join(ending)];
      const pieces = separated({ start: 2, end: 2 + before.length, text }, `x\n${before}y`);
      assert.equal(edited(`x\n${before}y`, pieces), `x\n${text}y`);
      for (const [index, { start }] of pieces.entries()) assert.ok(index === 0 || start >= (pieces[index - 1]?.end ?? 0));
    }
  });
});

describe('movedParts', () => {
  const text = 'before INSERTED after';
  const parts = tracked([{ start: 7, end: 15, replaced: '' }]);
  /** What is left of the insertion after the edits, in the text then. */
  function after(...edits: readonly (readonly TextChange[])[]): string | undefined {
    let [now, left] = [text, parts];
    for (const changes of edits) {
      left = movedParts(left, changes);
      now = edited(now, changes);
    }
    return left.map(({ start, end }) => now.slice(start, end)).join('|') || undefined;
  }

  it('follows it through edits round it, without taking what is put in at its edges', () => {
    assert.equal(after([change(text, 'before', 'much before')], [{ start: 0, end: 3, text: '' }]), 'INSERTED');
    assert.equal(after([{ start: 7, end: 7, text: 'x' }]), 'INSERTED');
    assert.equal(after([{ start: 15, end: 15, text: 'x' }]), 'INSERTED');
    assert.equal(after([change(text, 'before', 'b'), change(text, 'after', 'a')]), 'INSERTED');
  });

  it('grows and shrinks with edits inside, until it is edited beyond recognition', () => {
    assert.equal(after([{ start: 9, end: 9, text: 'xy' }]), 'INxySERTED');
    assert.equal(after([{ start: 9, end: 11, text: '' }, { start: 12, end: 13, text: 'T' }]), 'INRTED'); // prettier-ignore
    assert.equal(after([{ start: 13, end: 18, text: '' }]), 'INSERT');
    assert.equal(after([{ start: 5, end: 9, text: '-' }]), 'SERTED');
    assert.equal(after([change(text, 'INSERT', 'x')]), undefined);
    assert.equal(after([{ start: 0, end: 21, text: 'all of it is another text' }]), undefined);
    assert.equal(after([{ start: 9, end: 9, text: 'nine more' }]), undefined);
  });

  it('knows an edit inside from one beside', () => {
    assert.ok(touches(parts, [{ start: 9, end: 9, text: 'x' }]));
    assert.ok(touches(parts, [{ start: 14, end: 16, text: '' }]));
    assert.ok(!touches(parts, [{ start: 7, end: 7, text: 'x' }]));
    assert.ok(!touches(parts, [{ start: 15, end: 15, text: 'x' }]));
  });
});
