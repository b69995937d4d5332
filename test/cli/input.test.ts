import assert from 'node:assert/strict';
import { bundledModel, run, Scratch, scoreJson, tinyModel, type ScoreOutput } from './run';

const tiny = ['--model', tinyModel];

/** Tokens and gaps together hold every byte of the scored copy once, and their offsets count in the text as read. */
function assertTiles(output: ScoreOutput): void {
  const copy = new TextEncoder().encode(output.text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n'));
  assert.equal(output.summary.bytes, copy.length);
  let at = 0;
  for (const { startByte, endByte } of [...output.tokens, ...output.gaps].sort((a, b) => a.startByte - b.startByte)) {
    assert.equal(startByte, at);
    assert.ok(endByte > startByte);
    at = endByte;
  }
  assert.equal(at, copy.length);
  const byteAt = byteAtOffsets(output.text);
  for (const { startByte, endByte, start, end } of [...output.tokens, ...output.gaps]) {
    assert.ok((byteAt[start] ?? NaN) <= startByte && endByte <= (byteAt[end] ?? NaN), 'the span holds the bytes');
  }
}

/** For every UTF-16 offset between two characters, the byte of the scored copy; undefined inside a character. */
function byteAtOffsets(text: string): (number | undefined)[] {
  const bytes: (number | undefined)[] = [];
  let offset = 0;
  let byte = 0;
  for (const character of text.match(/\r\n|./gsu) ?? []) {
    bytes[offset] = byte;
    if (offset > 0 || character !== '\ufeff') byte += character === '\r\n' ? 1 : Buffer.byteLength(character);
    offset += character.length;
  }
  bytes[offset] = byte;
  return bytes;
}

describe('command line: texts that must be scored', () => {
  const scratch = new Scratch();
  after(() => {
    scratch.remove();
  });

  const texts: Readonly<Record<string, string>> = {
    'one character': 'a',
    'one character of four bytes': '🦊',
    'a byte order mark before text': '\ufeffHello there',
    'nothing but a byte order mark': '\ufeff',
    'a second byte order mark is text': '\ufeff\ufeffHello',
    'CRLF, lone CR and LF': 'one\r\ntwo\rthree\nfour\r\n\r\n',
    'control characters': 'a\u0001b\u0004c\u0007d\u001b[31me\u007ff\u0085g\u009bh',
    'whitespace only': ' \t \n\n  \u00a0\u2028 ',
    'control-token spellings': '<|endoftext|><|im_start|>user',
    'joined emoji and unassigned code points': '👩‍👩‍👧‍👦 \u{10ffff}\u{f0000}\u{e0001} 𝒳',
    'right to left': 'مرحبا \u202eevil\u202c',
  };
  for (const [name, text] of Object.entries(texts)) {
    for (const [model, words] of [
      ['tiny', tiny],
      ['bundled', []],
    ] as const) {
      it(`${name} (${model} model)`, async () => {
        const output = await scoreJson([scratch.file('text', text), ...words]);
        assert.equal(output.text, text);
        assertTiles(output);
        assert.ok(
          output.tokens.every(token => token.surprisalBits !== null && token.surprisalBits >= 0 && token.unscoredReason === undefined),
        );
        const total = output.tokens.reduce((sum, token) => sum + (token.surprisalBits ?? 0), 0);
        assert.ok(Math.abs(output.summary.totalBits - total) < 1e-6);
      });
    }
  }

  it('an empty file: no tokens, 0 bits, null ratios', async () => {
    const output = await scoreJson([scratch.file('empty', ''), ...tiny]);
    assert.deepEqual([output.tokens, output.gaps, output.windows, output.text], [[], [], 0, '']);
    assert.deepEqual(output.summary, { tokens: 0, bytes: 0, totalBits: 0, bitsPerByte: null, perplexity: null });
  });

  for (const format of ['pretty', 'csv', 'html']) {
    it(`an empty file as ${format}`, async () => {
      const { code, stdout, stderr } = await run(['score', scratch.file('empty', ''), '--format', format, ...tiny]);
      assert.deepEqual([code, stderr], [0, '']);
      assert.notEqual(stdout, '');
      assert.ok(!stdout.includes('NaN'));
    });
  }

  it('the keys of the object and of a token stand in a fixed order', async () => {
    const output = await scoreJson([scratch.file('text', 'Hello there'), ...tiny]);
    assert.deepEqual(Object.keys(output), [
      'text',
      'startTokenId',
      'window',
      'stride',
      'windows',
      'tokens',
      'gaps',
      'summary',
      'provenance',
    ]);
    const [first] = output.tokens;
    assert.ok(first);
    assert.deepEqual(Object.keys(first), [
      'id',
      'startByte',
      'endByte',
      'start',
      'end',
      'surprisalBits',
      'entropyBits',
      'rank',
      'contextTokens',
      'topIds',
      'topProbabilities',
    ]);
    assert.equal(first.topIds.length, 10);
    assert.equal(output.provenance.model, 'tiny-gpt2');
    assert.match(output.provenance.modelHash, /^[0-9a-f]{64}$/);
  });

  it('U+0004, for which the bundled model has no token, is a gap', async () => {
    const output = await scoreJson([scratch.file('text', 'a\u0004b')]);
    assert.deepEqual(output.gaps, [{ startByte: 1, endByte: 2, start: 1, end: 2 }]);
    assert.equal(output.tokens.length, 2);
    assert.equal(output.summary.bytes, 3);
    assert.ok(Math.abs((output.summary.bitsPerByte ?? 0) - output.summary.totalBits / 2) < 1e-9, 'over the bytes of scored tokens');
  });

  it('a line of 200,000 characters', async () => {
    const words = ['the', 'quiet', 'harbour', 'x', 'of', 'and', '42'];
    const text = Array.from({ length: 60_000 }, (_, index) => words[(index * index + (index >> 3)) % words.length])
      .join(' ')
      .slice(0, 200_000);
    assert.equal(text.length, 200_000);
    const output = await scoreJson([scratch.file('line', text), '--top', '1', ...tiny]);
    assertTiles(output);
    assert.ok(output.windows > 1000 && output.tokens.every(token => token.rank !== null));
  });

  it('pretty: no escape sequence in a file or pipe, unless colour is forced', async () => {
    const words = ['score', scratch.file('text.md', 'Hello \u001b[2J there'), ...tiny];
    const plain = await run(words);
    assert.deepEqual([plain.code, plain.stderr, plain.stdout.includes('\u001b')], [0, '', false]);
    const forced = await run(words, '', { FORCE_COLOR: '1' });
    assert.ok(forced.stdout.includes('\u001b[') && !forced.stdout.includes('\u001b[2J'));
    assert.ok(forced.stdout.replace(new RegExp(String.raw`${'\u001b'}\[[\d;]*m`, 'g'), '').startsWith('Hello ␛[2J there\n'));
    assert.equal((await run(words, '', { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout, plain.stdout);
  });

  it('standard input, the same numbers as a file', async () => {
    const text = '\ufeffZoë said “naïve” 🦊\r\nbye';
    const fromFile = await scoreJson([scratch.file('text', text), ...tiny]);
    assert.deepEqual(await scoreJson(['-', ...tiny], text), fromFile);
  });

  it('a file whose name starts with a dash, after --', async () => {
    const file = scratch.file('-x', 'Hello');
    const output = await scoreJson([...tiny, '--', file]);
    assert.equal(output.text, 'Hello');
  });

  it('without a start token the first token has no score, and says why', async () => {
    const output = await scoreJson([scratch.file('text', 'Hello there'), '--no-start-token', ...tiny]);
    const [first, ...rest] = output.tokens;
    assert.equal(output.startTokenId, null);
    assert.equal(output.provenance.startTokenId, null);
    assert.deepEqual(
      [first?.surprisalBits, first?.entropyBits, first?.rank, first?.topIds, first?.topProbabilities],
      [null, null, null, [], []],
    );
    assert.match(first?.unscoredReason ?? '', /nothing before it/);
    assert.ok(rest.length > 0 && rest.every(token => token.surprisalBits !== null));
    const scoredBytes = output.summary.bytes - (first?.endByte ?? 0);
    assert.ok(Math.abs((output.summary.bitsPerByte ?? 0) - output.summary.totalBits / scoredBytes) < 1e-9);
  });

  it('one character without a start token: nothing scored, null ratios', async () => {
    const output = await scoreJson([scratch.file('text', 'a'), '--no-start-token', ...tiny]);
    assert.deepEqual(output.summary, { tokens: 1, bytes: 1, totalBits: 0, bitsPerByte: null, perplexity: null });
  });

  it('without overlap and start token the first token of every window has no score', async () => {
    const output = await scoreJson([
      scratch.file('text', 'abcdefghijklmnopqrstuvwxyz'),
      '--no-start-token',
      '--context',
      '5',
      '--overlap',
      '0',
      ...tiny,
    ]);
    output.tokens.forEach((token, index) => {
      assert.equal(token.contextTokens, index % 5);
      assert.equal(token.surprisalBits === null, index % 5 === 0, `token ${String(index)}`);
    });
    assert.deepEqual([output.window, output.stride, output.windows], [5, 5, Math.ceil(output.tokens.length / 5)]);
  });

  it('window and stride are those in force: capped at the positions of the model, and at half a window', async () => {
    const file = scratch.file('text', 'Hello');
    const capped = await scoreJson([file, ...tiny]);
    assert.deepEqual([capped.window, capped.stride, capped.provenance.window, capped.provenance.overlap], [127, 64, 127, 63]);
    const explicit = await scoreJson([file, '--context', '40', '--overlap', '39', ...tiny]);
    assert.deepEqual([explicit.window, explicit.stride], [40, 20]);
    const withDefault = await scoreJson([file, '--context', '40', ...tiny]);
    assert.deepEqual([withDefault.window, withDefault.stride], [40, 20]);
  });

  it('--anchors text: every token sees at least the overlap, and a line put in front moves no window far behind it', async () => {
    const line = (index: number) => `Line ${String(index)} says ${String((index * 7919) % 101)} things about boats.\n`;
    const text = Array.from({ length: 120 }, (_, index) => line(index)).join('');
    const words = ['--anchors', 'text', '--context', '96', '--overlap', '24', ...tiny];
    const before = await scoreJson([scratch.file('text', text), ...words]);
    assert.equal(before.provenance.anchors, 'text');
    before.tokens.forEach(({ contextTokens }, index) => assert.ok(contextTokens >= Math.min(index, 24) && contextTokens < 96));
    const after = await scoreJson([scratch.file('longer', `Put in front.\n${text}`), ...words]);
    const tail = ({ tokens }: ScoreOutput) =>
      tokens.slice(-2000).map(({ id, contextTokens, surprisalBits }) => ({ id, contextTokens, surprisalBits }));
    assert.ok(before.tokens.length > 2500);
    assert.deepEqual(tail(after), tail(before));
  });

  it('threads and the number of alternatives change no score', async () => {
    const file = scratch.file('text', 'The harbour was quiet before dawn.');
    const one = await scoreJson([file, '--threads', '1', '--top', '3', ...tiny]);
    const two = await scoreJson([file, '--threads', '2', '--top', '422', ...tiny]);
    one.tokens.forEach((token, index) => {
      const other = two.tokens[index];
      assert.ok(Math.abs((token.surprisalBits ?? NaN) - (other?.surprisalBits ?? NaN)) < 1e-4);
      assert.deepEqual(token.topIds, other?.topIds.slice(0, 3));
      const sum = other?.topProbabilities.reduce((total, probability) => total + probability, 0) ?? NaN;
      assert.ok(Math.abs(sum - 1) < 1e-4, 'all 422 tokens have the probability 1');
    });
  });

  it('--dtype names the weights of the bundled model', async () => {
    const output = await scoreJson([scratch.file('text', 'Hello'), '--model', bundledModel, '--dtype', 'q8']);
    assert.deepEqual([output.provenance.dtype, output.provenance.arithmetic], ['q8', 'native']);
  });
});
