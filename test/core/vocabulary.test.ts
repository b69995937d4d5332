import assert from 'node:assert/strict';
import { piecesOfBytes, Vocabulary } from '../../src/core/vocabulary';

const encoder = new TextEncoder();
const shown = (bytes: Uint8Array) =>
  piecesOfBytes(bytes)
    .map(({ text, glyph }) => (glyph ? `[${text}]` : text))
    .join('');

describe('token pieces', () => {
  const cases: readonly [string, Uint8Array, string][] = [
    ['a leading space is a glyph', encoder.encode(' harbour'), '[·]harbour'],
    ['white space of every kind', encoder.encode('\t\n\r\u00a0x'), '[→↵␍⍽]x'],
    ['half an emoji is bytes', encoder.encode('🙂').subarray(0, 2), '[⟨F0⟩⟨9F⟩]'],
    ['a character and the first byte of another', Uint8Array.of(...encoder.encode('é'), 0xe2), 'é[⟨E2⟩]'],
    ['text that turns the reading direction', encoder.encode('a\u202eb'), 'a[⟨U+202E⟩]b'],
    ['control characters', encoder.encode('\u001b[0m'), '[⟨U+001B⟩][0m'],
    ['overlong and impossible bytes', Uint8Array.of(0xc0, 0x80, 0xff), '[⟨C0⟩⟨80⟩⟨FF⟩]'],
    ['nothing', new Uint8Array(0), '[⟨empty⟩]'],
  ];
  for (const [name, bytes, expected] of cases) {
    it(name, () => {
      assert.equal(shown(bytes), expected);
    });
  }
});

describe('Vocabulary', () => {
  const vocabulary = new Vocabulary({
    bytes: encoder.encode('ab🙂').subarray(0, 4),
    offsets: Uint32Array.of(0, 0, 2, 4),
    controlNames: { 0: '<|end|>' },
  });

  it('gives text for whole characters only, never for control tokens', () => {
    assert.deepEqual(
      [0, 1, 2].map(id => vocabulary.textOf(id)),
      [undefined, 'ab', undefined],
    );
    assert.deepEqual(vocabulary.piecesOf(0), [{ text: '<|end|>', glyph: true }]);
  });
});
