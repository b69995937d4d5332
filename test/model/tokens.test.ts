import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SequencePreTokenizer, Tokenizer } from '@huggingface/tokenizers';
import { scoredCopyOf } from '../../src/core/scoredCopy';
import { ModelError } from '../../src/model/errors';
import { cutsFor, lastCut } from '../../src/model/safeCuts';
import { TextTokenizer } from '../../src/model/tokens';
import type { TokenLayout } from '../../src/model/tokens';

const folders = { 'smollm2-135m-instruct': 'models/smollm2-135m-instruct', 'tiny-gpt2': 'test/fixtures/tiny-gpt2' };
const never = new AbortController().signal;

function json(...names: readonly string[]): unknown {
  return JSON.parse(readFileSync(path.join(...names), 'utf8'));
}

function tokenizerOf(folder: string): TextTokenizer {
  return new TextTokenizer(json(folder, 'tokenizer.json'));
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

/** Whole numbers below `limit`, the same ones for the same seed. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

// What splits badly: white space of all kinds, contractions, marks, joined emoji, half characters, digits, bytes without a token, control tokens.
const hardPieces = [
  ...['a', ' the', 'Word', "don't", "'s", "'LL", 'x1', '1x', 'foo_bar', 'naïve', 'e\u0301', '\u0301', 'привет', ' мир', 'مرحبا', 'हिन्दी'],
  ...[
    '朝の港は',
    '静か、',
    '風。',
    '中文',
    '한국어',
    'aaaaaaaaaaaaaaaa',
    'supercalifragilistic',
    '7',
    '3.14',
    '1234567',
    '٣',
    '²',
    'Ⅷ',
    '𝟘',
  ],
  ...[' ', '  ', '      ', '\n', '\n\n\n', '\r\n', '\r', '\t', '\t\t', '\u00a0', '\u0085', '\u2028', '\u3000', '\ufeff', '\u200b', '\0'],
  ...[
    '.',
    ',',
    '!',
    '、',
    '。',
    '"',
    '/',
    '//',
    '\n/',
    '};\n',
    '()',
    '=>',
    '----------',
    '# ',
    '```',
    '\\',
    '<|endoftext|>',
    '<|im_start|>',
  ],
  ...['🙂', '👩‍👩‍👧', '🇩🇪', '\u200d', '\ud83d', '\ude42', '\ufffd', '\u{10ffff}', '𠮷', '\x04', '!\x13', '\x06\x16!', '\x7f'],
];

function hardText(pieces: number, random: (limit: number) => number): string {
  const piece = () => hardPieces[random(hardPieces.length)] ?? '';
  return Array.from({ length: pieces }, () => (random(30) === 0 ? piece().repeat(random(20)) : piece())).join('');
}

/** What a writer does next, or an undo: any of the versions before. */
function edited(text: string, versions: readonly string[], random: (limit: number) => number): string {
  const at = random(text.length + 1);
  const end = Math.min(text.length, at + random(25));
  const lineFeed = text.indexOf('\n', at);
  switch (random(9)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, at) + hardText(random(5), random) + text.slice(end);
    case 3:
      return text.slice(0, at) + text.slice(random(at + 1), end) + text.slice(at);
    case 4:
      return versions[random(versions.length)] ?? text;
    case 5: // CRLF torn apart or made
      return lineFeed < 0 ? text : text.slice(0, lineFeed).replace(/\r$|$/, ending => (ending === '' ? '\r' : '')) + text.slice(lineFeed);
    case 6: // the document changes, its scored copy may not
      return (
        [text.replaceAll('\r\n', '\n'), text.replaceAll(/\r?\n/g, '\r\n'), `\ufeff${text}`, text.replace(/^\ufeff/, '')][random(4)] ?? text
      );
    default:
      return text.slice(0, at) + (hardPieces[random(hardPieces.length)] ?? '') + text.slice(at);
  }
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
      const splitter =
        new Tokenizer({ ...(json(folder, 'tokenizer.json') as object), added_tokens: [] }, {}).pre_tokenizer ?? assert.fail();
      const cuts = cutsFor(text => splitter.pre_tokenize(text));
      let count = 0;
      for (const [index, text] of reference.texts.entries()) {
        const other = reference.texts[(index * 7) % reference.texts.length] ?? '';
        const whole = scoredCopyOf(`${other}well said${text} so it is。${other}\n${text}`).text;
        const pieces: string[] = [];
        for (let rest = whole; rest !== '';) {
          const cut = lastCut(rest, cuts);
          pieces.unshift(rest.slice(cut));
          rest = rest.slice(0, cut);
        }
        count += pieces.length - 1;
        const ids: number[] = [];
        for (const piece of pieces) ids.push(...(await tokenizer.layout(scoredCopyOf(piece), never)).ids);
        const inOneSlice = await tokenizer.layout(scoredCopyOf(whole), never);
        assert.deepEqual(ids, [...inOneSlice.ids], JSON.stringify(whole));
      }
      assert.ok(count > 500, String(count));
    });

    it('are after an edit what they are from scratch', async () => {
      const random = randomNumbers(name.length);
      for (let run = 0; run < 40; run++) {
        const versions = [hardText(random(120), random)];
        const layouts = [await tokenizer.layout(scoredCopyOf(versions[0] ?? ''), never)];
        for (let edit = 0; edit < 50; edit++) {
          const text = edited(versions.at(-1) ?? '', versions, random);
          const copy = scoredCopyOf(text);
          const previous = random(5) === 0 ? layouts[random(layouts.length)] : layouts.at(-1);
          const layout = await tokenizer.layout(copy, never, previous);
          assert.deepEqual(layout, await tokenizer.layout(copy, never), `run ${run}, edit ${edit}`);
          assertTiles(layout, copy.bytes.length);
          versions.push(text);
          layouts.push(layout);
        }
      }
    });

    it('are those of a long text after a paste, a deletion and with another text before', async () => {
      const random = randomNumbers(7);
      const long = hardText(12_000, random);
      const half = Math.floor(long.length / 2);
      let previous = await tokenizer.layout(scoredCopyOf(long), never);
      for (const text of [
        `${long.slice(0, half)}${hardText(10_000, random)}${long.slice(half)}`,
        long.slice(0, half),
        '',
        hardText(6_000, random),
        'x'.repeat(100_000),
        `${'x'.repeat(50_000)} ${'x'.repeat(50_000)}`,
      ]) {
        const copy = scoredCopyOf(text);
        const layout = await tokenizer.layout(copy, never, previous);
        assert.deepEqual(layout, await tokenizer.layout(copy, never));
        previous = layout;
      }
    });

    it('of a long text are not all computed again after an edit', async () => {
      const text = 'It was said; "nothing", he wrote, {is: lost}\n'.repeat(5000);
      const previous = await tokenizer.layout(scoredCopyOf(text), never);
      const stop = new AbortController();
      // So little is left to do that the tokenizer does not wait for anything, and is done before it can be stopped.
      const running = tokenizer.layout(scoredCopyOf(`${text.slice(0, 100_000)}x${text.slice(100_000)}`), stop.signal, previous);
      stop.abort();
      assert.equal((await running).ids.length > 0, true);
    });

    it('do not come from a layout that was cancelled, nor from one of another tokenizer', async () => {
      const text = 'one line of text\n'.repeat(5000);
      const previous = await tokenizer.layout(scoredCopyOf(text), never);
      const stop = new AbortController();
      const running = tokenizer.layout(scoredCopyOf(text.replaceAll('line', 'page')), stop.signal, previous);
      stop.abort();
      await assert.rejects(running, { name: 'AbortError' });
      const copy = scoredCopyOf(text.replaceAll('text', 'music'));
      const expected = await tokenizer.layout(copy, never);
      assert.deepEqual(await tokenizer.layout(copy, never, previous), expected);
      const stranger = await tokenizerOf(Object.values(folders).find(other => other !== folder) ?? folder).layout(copy, never);
      assert.deepEqual(await tokenizer.layout(copy, never, stranger), expected);
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

describe('places where a text may be cut', () => {
  const digits = { type: 'Split', pattern: { Regex: '\\p{N}{1,3}' }, behavior: 'Isolated', invert: false };
  const pattern = (Regex: string) => ({ ...digits, pattern: { Regex } });
  const ends = "'s|'t|'re|'ve|'m|'ll|'d";
  const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
  const lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
  const rest = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
  const gpt2 = pattern(`${ends}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`);
  const families: readonly (readonly [name: string, leastCuts: number, steps: readonly object[]])[] = [
    ['GPT-2', 1000, [gpt2]],
    ['GPT-2 with digits apart', 1000, [pattern('\\p{N}'), gpt2]],
    ['Llama 3', 1000, [pattern(`(?i:${ends})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${rest}`)]],
    ['Qwen 2', 1000, [pattern(`(?i:${ends})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${rest}`)]],
    [
      'GPT-4o',
      1000,
      [
        pattern(
          `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+(?i:${ends})?|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*(?i:${ends})?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${rest}`,
        ),
      ],
    ],
    [
      'DeepSeek',
      1000,
      [
        pattern('[\\r\\n]'),
        pattern('\\s?[A-Za-zµÀ-ÖØ-öø-ƺͰ-ͳΑ-ΡΣ-ϵϷ-ҁҊ-ԯ]+'),
        pattern('\\s?[!-/:-~！-／：-～‘-‟　-。]+'),
        pattern('\\s+$'),
        pattern('[一-龥ࠀ-一가-퟿]+'),
        pattern('\\p{N}'),
      ],
    ],
    [
      'Falcon',
      1000,
      [{ type: 'Punctuation', behavior: 'Contiguous' }, gpt2, { type: 'Digits', individual_digits: false }, pattern('[0-9]{3}')],
    ],
    ['BLOOM', 300, [pattern(' ?[^(\\s|[.,!?…。，、।۔،])]+')]],
    ['tokens of many words', 200, [digits, pattern(' ?[^\\s\\p{L}\\p{N}]{2,}[\\r\\n/]*| +(?!\\S)')]],
    ['lines', 0, [pattern('\\n')]],
  ];
  for (const [name, leastCuts, pretokenizers] of families) {
    it(`split a text as ${name} does`, () => {
      const config: unknown = { type: 'Sequence', pretokenizers };
      const sequence = new SequencePreTokenizer(config as ConstructorParameters<typeof SequencePreTokenizer>[0]);
      const cuts = cutsFor(text => sequence.pre_tokenize(text));
      const random = randomNumbers(11);
      let seen = 0;
      for (let run = 0; run < 150; run++) {
        const { text } = scoredCopyOf(hardText(40, random));
        const whole = sequence.pre_tokenize(text);
        for (const { index } of text.matchAll(cuts)) {
          seen++;
          assert.deepEqual([...sequence.pre_tokenize(text.slice(0, index)), ...sequence.pre_tokenize(text.slice(index))], whole);
        }
      }
      assert.ok(leastCuts === 0 ? seen === 0 : seen > leastCuts, String(seen));
    });
  }
});

describe('the last pre-token', () => {
  const tokenizer = tokenizerOf(folders['smollm2-135m-instruct']);
  const cases: readonly [text: string, before: string][] = [
    ['', ''],
    ['harb', ''],
    ['The harb', 'The'],
    ['The harbour  ', 'The harbour'],
    ['été is sum', 'été is'],
    ['a = b +=', 'a = b'],
    ['朝の港。風', '朝の港。'],
    ['it\u0004!', 'it\u0004'], // no token stands for U+0004
    ['it\u0004', 'it\u0004'],
    [`${'word. '.repeat(2000)}${'x'.repeat(2000)}`, 'word. '.repeat(2000).trimEnd()],
  ];
  it('starts where no token crosses', () => {
    for (const [text, before] of cases) assert.equal(tokenizer.lastPreTokenStartByte(text), Buffer.byteLength(before), text.slice(-20));
  });
});

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

  it('are gaps, whole ones, wherever the text was edited', async () => {
    const file = json(folders['tiny-gpt2'], 'tokenizer.json') as {
      readonly model: { readonly vocab: Record<string, number>; readonly merges: readonly (string | readonly string[])[] };
    };
    const stays = (token: string) => !/[b.©]/.test(token); // © stands for the last byte of é
    const vocab = Object.fromEntries(Object.entries(file.model.vocab).filter(([token]) => stays(token)));
    const merges = file.model.merges.filter(merge => stays(String(merge)));
    const tokenizer = new TextTokenizer({ ...file, model: { ...file.model, vocab, merges } });
    const random = randomNumbers(5);
    const pieces = ['b', '.', 'é', 'a', ' ', '\n', 'the'];
    let text = '';
    let previous = await tokenizer.layout(scoredCopyOf(text), never);
    for (let edit = 0; edit < 1000; edit++) {
      const at = random(text.length + 1);
      text = `${text.slice(0, at)}${pieces[random(pieces.length)] ?? ''}${text.slice(at + (text.length > 40 ? random(4) : 0))}`;
      const copy = scoredCopyOf(text);
      const layout = await tokenizer.layout(copy, never, previous);
      assert.deepEqual(layout, await tokenizer.layout(copy, never));
      assertTiles(layout, copy.bytes.length);
      previous = layout;
    }
  });
});

describe('tokenizers that cannot be aligned', () => {
  const tiny = json(folders['tiny-gpt2'], 'tokenizer.json') as Record<string, unknown>;
  const cases: readonly [string, Record<string, unknown>][] = [
    ['a normaliser', { normalizer: { type: 'NFKC' } }],
    ['no bytes', { pre_tokenizer: { type: 'Whitespace' } }],
    ['a space put first', { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, use_regex: true } }],
    ['another kind of model', { model: { type: 'WordPiece' } }],
    ['marks at the ends of words', { model: { ...(tiny['model'] as object), end_of_word_suffix: '</w>' } }],
  ];
  for (const [name, change] of cases) {
    it(`are refused: ${name}`, () => {
      assert.throws(
        () => new TextTokenizer({ ...tiny, ...change }),
        (error: unknown) => error instanceof ModelError && error.code === 'cannot-align',
      );
    });
  }
});
