import assert from 'node:assert/strict';
import { branchEdits, writtenText } from '../../src/core/branchEdits';
import { Vocabulary } from '../../src/core/vocabulary';

describe('what a continuation changes', () => {
  it('takes the rest of the line and leaves its break, or only what the alternative stands for', () => {
    const text = 'let a = 1;\r\nlet b = 2;\r\n';
    const start = text.indexOf('1');
    assert.deepEqual(branchEdits(text, start, start + 1, 'x + y;\nlet c = 3;\n'), {
      replace: { start, end: start + 2, text: 'x + y;\nlet c = 3;' },
      insert: { start, end: start + 1, text: 'x + y;\nlet c = 3;\n' },
    });
  });

  it('offers no second choice where nothing follows on the line', () => {
    assert.deepEqual(branchEdits('one two', 3, 7, ' three four'), {
      replace: { start: 3, end: 7, text: ' three four' },
      insert: undefined,
    });
    // A token that is a line break: the line goes on before it.
    assert.deepEqual(branchEdits('one\n  two', 3, 6, ' more'), { replace: { start: 3, end: 3, text: ' more' }, insert: undefined });
  });

  it('keeps spaces that end no line, and ends the line where nothing but a break is written', () => {
    assert.equal(branchEdits('ab cd', 1, 2, 'x ').replace.text, 'x ');
    assert.deepEqual(branchEdits('ab cd\nef', 1, 2, '\n').replace, { start: 1, end: 5, text: '' });
  });

  it('leaves half a character at the end out', () => {
    const bytes = Uint8Array.from([0x61, 0xc3, 0xa4, 0xc3]);
    const vocabulary = new Vocabulary({ bytes, offsets: Uint32Array.from([0, 2, 3, 4]), controlNames: {} });
    assert.equal(writtenText([0, 1, 2], vocabulary), 'aä');
  });
});
