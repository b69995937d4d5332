import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { scoredCopyOf } from '../../src/core/scoredCopy';
import { ModelError } from '../../src/model/errors';
import { lastSafeCut, TextTokenizer } from '../../src/model/tokens';
import type { TokenLayout } from '../../src/model/tokens';

const folders = { 'smollm2-135m-instruct': 'models/smollm2-135m-instruct', 'tiny-gpt2': 'test/fixtures/tiny-gpt2' };
const never = new AbortController().signal;

function json(...names: readonly string[]): unknown {
  return JSON.parse(readFileSync(path.join(...names), 'utf8'));
}

function tokenizerOf(folder: string): TextTokenizer {
  return new TextTokenizer(json(folder, 'tokenizer.json'), json(folder, 'tokenizer_config.json'));
}

/** Each byte of the copy is in exactly one token or gap; a gap inside a token is not the token's own. */
function assertTiles(layout: TokenLayout, bytes: number): void {
  const owners = new Uint8Array(bytes);
  const inGap = new Uint8Array(bytes);
  for (const { startByte, endByte } of layout.gaps) inGap.fill(1, startByte, endByte);
  for (const [row, start] of layout.startBytes.entries()) {
    for (let byte = start; byte < (layout.endBytes[row] ?? 0); byte++) if (inGap[byte] === 0) owners[byte] = (owners[byte] ?? 0) + 1;
  }
  for (let byte = 0; byte < bytes; byte++) assert.equal((owners[byte] ?? 0) + (inGap[byte] ?? 0), 1, `byte ${String(byte)}`);
}

const reference = json('test/reference/token-ids.json') as { texts: string[]; ids: Record<string, number[][]> };

for (const [name, folder] of Object.entries(folders)) {
  describe(`tokens of ${name}`, () => {
    const tokenizer = tokenizerOf(folder);

    it('are those of the reference implementation, on hard strings', async () => {
      let compared = 0;
      for (const [index, text] of reference.texts.entries()) {
        const copy = scoredCopyOf(text);
        if (copy.text !== text) continue; // the reference took the text as it is, a leading byte order mark and CRLF included
        const layout = await tokenizer.layout(copy, never);
        assert.deepEqual([...layout.ids], reference.ids[name]?.[index], JSON.stringify(text));
        assertTiles(layout, copy.bytes.length);
        compared++;
      }
      assert.ok(compared > 250);
    });

    it('do not depend on where a long text is cut for tokenising', async () => {
      const texts = reference.texts.filter(text => !text.includes('\r') && !text.startsWith('\ufeff'));
      const long = Array.from({ length: 30 }, () => texts.join('\n')).join('\n\nfoo();\n');
      const whole = await tokenizer.layout(scoredCopyOf(long), never);
      const pieces: number[] = [];
      // Law: the same ids as those of pieces cut by hand where a line feed stands between two visible characters.
      for (const piece of long.split(/(?<=\S\n)(?=\S)/)) pieces.push(...(await tokenizer.layout(scoredCopyOf(piece), never)).ids);
      assert.ok(long.length > 100_000);
      assert.deepEqual([...whole.ids], pieces);
    });

    it('do not depend on any of the places where a text may be cut', async () => {
      let cuts = 0;
      for (const [index, text] of reference.texts.entries()) {
        const other = reference.texts[(index * 7) % reference.texts.length] ?? '';
        const whole = scoredCopyOf(`${other}well said${text} so it is。${other}\n${text}`).text;
        const pieces: string[] = [];
        for (let rest = whole; rest !== '';) {
          const cut = lastSafeCut(rest);
          pieces.unshift(rest.slice(cut));
          rest = rest.slice(0, cut);
        }
        cuts += pieces.length - 1;
        const ids: number[] = [];
        for (const piece of pieces) ids.push(...(await tokenizer.layout(scoredCopyOf(piece), never)).ids);
        const inOneSlice = await tokenizer.layout(scoredCopyOf(whole), never);
        assert.deepEqual(ids, [...inOneSlice.ids], JSON.stringify(whole));
      }
      assert.ok(cuts > 500, String(cuts));
    });

    for (const [kind, paragraph] of [
      ['paragraphs in long lines, with blank lines between them', 'The wind had turned, and nobody spoke for a while. '.repeat(8).trim()],
      ['Japanese', '朝の港は静かだった。風が変わり、誰も話さなかった。'.repeat(8)],
    ] as const) {
      it(`leave room for other work in ${kind}`, async () => {
        const stop = new AbortController();
        const running = tokenizer.layout(scoredCopyOf(`${paragraph}\n\n`.repeat(Math.ceil(100_000 / paragraph.length))), stop.signal);
        setImmediate(() => {
          stop.abort(); // as a message does that comes in meanwhile
        });
        await assert.rejects(running, { name: 'AbortError' });
      });
    }

    it('stop when asked to', async () => {
      const stop = new AbortController();
      const running = tokenizer.layout(scoredCopyOf('one line of text\n'.repeat(20_000)), stop.signal);
      stop.abort();
      await assert.rejects(running, { name: 'AbortError' });
    });
  });
}

describe('bytes without a token', () => {
  it('are gaps, and no token stands for them', async () => {
    const copy = scoredCopyOf('a\u0004b\u0006\u0013c');
    const { gaps, startBytes, endBytes } = await tokenizerOf(folders['smollm2-135m-instruct']).layout(copy, never);
    assert.deepEqual(
      gaps.map(({ startByte, endByte, start, end }) => [startByte, endByte, start, end]),
      [
        [1, 2, 1, 2],
        [3, 5, 3, 5],
      ],
    );
    assert.deepEqual([...startBytes], [0, 2, 5]);
    assert.deepEqual([...endBytes], [1, 3, 6]);
  });
});

describe('tokenizers that cannot be aligned', () => {
  const tiny = json(folders['tiny-gpt2'], 'tokenizer.json') as Record<string, unknown>;
  const cases: readonly [string, Record<string, unknown>][] = [
    ['a normaliser', { normalizer: { type: 'NFC' } }],
    ['no bytes', { pre_tokenizer: { type: 'Whitespace' } }],
    ['a space put first', { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, use_regex: true } }],
    ['another kind of model', { model: { type: 'WordPiece' } }],
  ];
  for (const [name, change] of cases) {
    it(`are refused: ${name}`, () => {
      assert.throws(
        () => new TextTokenizer({ ...tiny, ...change }, {}),
        (error: unknown) => error instanceof ModelError && error.code === 'cannot-align',
      );
    });
  }
});
