import assert from 'node:assert/strict';
import { byteAtOffset, scoredCopyOf, spanOfBytes } from '../../src/core/scoredCopy';

const cases: readonly [name: string, document: string, copy: string][] = [
  ['ascii', 'to be', 'to be'],
  ['a leading byte order mark is dropped', '\ufeffto be', 'to be'],
  ['a byte order mark elsewhere stays', 'to\ufeff be', 'to\ufeff be'],
  ['CRLF is LF', 'a\r\nb\r\n\r\nc', 'a\nb\n\nc'],
  ['line ends of both kinds', 'a\nb\r\nc\nd', 'a\nb\nc\nd'],
  ['a lone CR stays', 'a\rb\r', 'a\rb\r'],
  ['CR before CRLF', '\r\r\n\n', '\r\n\n'],
  ['characters of one to four bytes', 'a¡éß中\uffff🙂\u{10ffff}\0', 'a¡éß中\uffff🙂\u{10ffff}\0'],
  ['surrogate pairs', 'a🙂b', 'a🙂b'],
  ['halves beside a pair', '\ud83d🙂\ude42\r\n🙂', '\ufffd🙂\ufffd\n🙂'],
  ['a lone surrogate becomes U+FFFD', 'a\ud83db\ude42', 'a\ufffdb\ufffd'],
  ['nothing', '', ''],
  ['only a byte order mark', '\ufeff', ''],
];

describe('scoredCopyOf', () => {
  for (const [name, document, copy] of cases) {
    it(name, () => {
      const scored = scoredCopyOf(document);
      assert.equal(scored.text, copy);
      assert.equal(new TextDecoder('utf-8', { ignoreBOM: true }).decode(scored.bytes), copy);
      assert.equal(scored.characterStarts.length, scored.bytes.length + 1);
    });
  }

  it('maps every character back to the piece of the document it came from', () => {
    for (const [, document] of cases) {
      const copy = scoredCopyOf(document);
      let byte = 0;
      for (const character of copy.text) {
        const bytes = new TextEncoder().encode(character).length;
        const span = spanOfBytes(copy, byte, byte + bytes);
        const piece = document.slice(span.start, span.end);
        assert.equal(piece.replace('\r\n', '\n').toWellFormed(), character);
        // A part of the character's bytes has the whole character's span.
        assert.deepEqual(spanOfBytes(copy, byte + bytes - 1, byte + bytes), span);
        assert.equal(byteAtOffset(copy, span.start), byte);
        byte += bytes;
      }
      assert.equal(byteAtOffset(copy, document.length), copy.bytes.length);
    }
  });

  it('goes back to the start of a character from inside it', () => {
    assert.equal(byteAtOffset(scoredCopyOf('a🙂b'), 2), 1);
    assert.equal(byteAtOffset(scoredCopyOf('a\r\nb'), 2), 1);
  });
});
