import assert from 'node:assert/strict';
import { insertionOf, movedParts, touches, tracked } from '../../src/core/insertion';
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
  const parts = insertionOf(changes, { before, cursors, isUndoOrRedo: false, isSaving: false, ...around });
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
    assert.deepEqual(inserted('one two three', [change('one two three', 'two', 'another')]), ['two→another']);
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
