import assert from 'node:assert/strict';
import { bitsToStandOut, changeReport, linesAfter, scoredLines, sumOfLines, usualLevel } from '../../src/core/changeReport';
import type { ChangeReport, ScoredLines } from '../../src/core/changeReport';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';
import { tableOf } from '../../src/core/scoreTable';

type Token = readonly [text: string, bits: number];

/** One token for each piece; NaN bits: unscored. A CRLF is one byte of the scored copy. */
function tableOfTokens(tokens: readonly Token[]): ScoreTable {
  let [at, byte] = [0, 0];
  const places = tokens.map(([text]) => ({
    start: at,
    end: (at += text.length),
    startByte: byte,
    endByte: (byte += Buffer.byteLength(text.replaceAll('\r\n', '\n'))),
  }));
  const column = (of: (place: (typeof places)[number]) => number) => Uint32Array.from(places, of);
  const table = tableOf(
    {
      topCount: 0,
      watchCount: 0,
      ids: new Int32Array(tokens.length),
      starts: column(({ start }) => start),
      ends: column(({ end }) => end),
      startBytes: column(({ startByte }) => startByte),
      endBytes: column(({ endByte }) => endByte),
    },
    undefined,
    [],
  );
  for (const [row, [, bits]] of tokens.entries()) {
    table.states[row] = Number.isNaN(bits) ? rowState.unscored : rowState.scored;
    table.surprisalBits[row] = bits;
  }
  return table;
}

function linesOfTokens(...tokens: readonly Token[]): ScoredLines {
  return scoredLines(tokens.map(([text]) => text).join(''), tableOfTokens(tokens));
}

/** Words, and white space with the word after it; `bitsOf` by the token. */
function linesOfText(text: string, bitsOf: (token: string, index: number) => number = token => token.length): ScoredLines {
  const tokens = text.match(/\s+(?=\S)|\S+|\s+$/g) ?? [];
  return linesOfTokens(...tokens.map((token, index): Token => [token, bitsOf(token, index)]));
}

const everything = (lines: ScoredLines) => sumOfLines(lines, { from: 0, to: lines.texts.length });
const report = (before: string, after: string) => changeReport(linesOfText(before), linesOfText(after), null);

/** The new text, made from the old one and what the hunks say. */
function applied(before: readonly string[], after: readonly string[], { hunks }: ChangeReport): string[] {
  const made = [...before];
  for (const { removed, added } of [...hunks].reverse())
    made.splice(removed.range.from, removed.range.to - removed.range.from, ...after.slice(added.range.from, added.range.to));
  return made;
}

/** Texts that share lines, some of them several times; the same numbers in every run. */
function randomText(seed: number): string {
  let state = seed * 2654435761;
  const next = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  const words = ['', '  a b', 'c', '\td {', '}', 'é 🙂', 'return x;'];
  return Array.from({ length: next(12) }, () => words[next(words.length)] ?? '').join('\n');
}

describe('lines of a scored text', () => {
  it('have all tokens, bits and bytes of the table between them, whatever the tokens reach over', () => {
    for (let seed = 1; seed < 200; seed++) {
      const text = randomText(seed);
      const lines = linesOfText(text);
      const sum = everything(lines);
      const tokens = text.match(/\s+(?=\S)|\S+|\s+$/g) ?? [];
      assert.deepEqual(
        [sum.lines, sum.tokens, sum.bits, sum.scoredBytes],
        [text.split('\n').length, tokens.length, text.length, Buffer.byteLength(text)],
      );
      assert.deepEqual(lines.texts, text.split('\n'));
    }
  });

  it('count a token to the line that has most of it, to the first of two halves', () => {
    const bits = (...tokens: readonly Token[]) => [...linesOfTokens(...tokens).bits];
    assert.deepEqual(bits(['a', 1], ['\n', 10], ['b', 100]), [11, 100]);
    assert.deepEqual(bits(['a', 1], ['\n  ', 10], ['b', 100]), [1, 110]);
    assert.deepEqual(bits(['a', 1], ['\n ', 10], ['b', 100]), [11, 100]);
    assert.deepEqual(bits(['a', 1], ['\n\n', 10], ['b', 100]), [11, 0, 100]);
    assert.deepEqual(bits(['a', 1], ['\n\n\n', 10], ['b', 100]), [11, 0, 0, 100]);
    assert.deepEqual(bits(['ab', 1], [');\n', 10], ['\n', 100]), [11, 100, 0]);
  });

  it('are the same where line breaks are written with two units', () => {
    for (let seed = 1; seed < 100; seed++) {
      const text = randomText(seed);
      const tokens = (text.match(/\s+(?=\S)|\S+|\s+$/g) ?? []).map((token): Token => [token, token.length]);
      const crlf = tokens.map(([token, bits]): Token => [token.replaceAll('\n', '\r\n'), bits]);
      const numbers = ({ texts, tokens: counts, bits, scoredBytes }: ScoredLines) => [texts, counts, bits, scoredBytes];
      assert.deepEqual(numbers(linesOfTokens(...crlf)), numbers(linesOfTokens(...tokens)));
    }
  });

  it('have no bits for a token without a score, but count it', () => {
    const lines = linesOfTokens(['a', NaN], ['\n', 2], ['b', 3]);
    assert.deepEqual(
      [[...lines.tokens], [...lines.scoredTokens], [...lines.bits], [...lines.scoredBytes]],
      [
        [2, 1],
        [1, 1],
        [2, 3],
        [1, 1],
      ],
    );
  });

  it('keep tokens together that share a character', () => {
    // The first token reaches from the line before into the emoji, the second has the rest of it; together most of them is in the first line.
    const table = tableOfTokens([
      ['ab\n🙂', 1],
      ['', 2],
      ['c', 4],
    ]);
    table.starts[1] = 3;
    assert.deepEqual([...scoredLines('ab\n🙂c', table).bits], [3, 4]);
  });
});

describe('the usual level of a text', () => {
  it('is its bits per byte, with the spread of its lines by their bytes', () => {
    const lines = linesOfTokens(['ab\n', 3], ['cd\n', 3], ['ef\n', 3], ['gh\n', 3], ['ij\n', 15]);
    const level = usualLevel(lines);
    assert.equal(level?.mean, 27 / 15);
    // Bits per byte of the lines are 1, 1, 1, 1 and 5, all of three bytes.
    assert.ok(Math.abs((level.spread ?? NaN) - Math.sqrt((4 * 0.8 ** 2 + 3.2 ** 2) / 5)) < 1e-12);
  });

  it('is that of the lines that have stayed, as long as they are enough', () => {
    const pieces = Array.from({ length: 6 }, (_, index): Token => ['ab\n', index === 2 ? 90 : 3]);
    const lines = linesOfTokens(...pieces);
    const changed = [{ from: 2, to: 3 }];
    assert.deepEqual(usualLevel(lines, changed), { mean: 1, spread: 0 });
    assert.deepEqual(usualLevel(lines, [...changed, { from: 4, to: 5 }]), usualLevel(lines));
  });

  it('is not known without scores, and has no spread with few lines', () => {
    assert.equal(usualLevel(scoredLines('a\nb', undefined)), undefined);
    assert.deepEqual(usualLevel(linesOfTokens(['a\n', 2], ['b\n', 6])), { mean: 2, spread: undefined });
  });
});

describe('a change', () => {
  it('has no hunk where nothing but line breaks differs', async () => {
    for (const [before, after] of [
      ['', ''],
      ['a\nb', 'a\nb'],
      ['a\nb\n', 'a\r\nb\r\n'],
    ] as const) {
      const { hunks, removed, added, mostSurprising } = await report(before, after);
      assert.deepEqual([hunks, removed.bits, added.bits, mostSurprising], [[], 0, 0, undefined]);
    }
  });

  it('makes the new text of the old one, and its lines add up to what was removed and added', async () => {
    for (let seed = 1; seed < 150; seed++) {
      const [before, after] = [randomText(seed), randomText(seed + 1000)];
      const [original, modified] = [linesOfText(before), linesOfText(after)];
      const change = await changeReport(original, modified, null);
      assert.deepEqual(applied(original.texts, modified.texts, change), modified.texts, `seed ${seed}`);
      for (const [side, lines] of [
        ['removed', original],
        ['added', modified],
      ] as const) {
        const own = change.hunks.map(hunk => hunk[side]);
        for (const { range, sum, lines: each } of own) {
          const { bits, tokens, scoredBytes } = sumOfLines(lines, range);
          assert.deepEqual([sum.bits, sum.tokens, sum.scoredBytes], [bits, tokens, scoredBytes]);
          assert.equal(
            each.reduce((total, line) => total + line.bits, 0),
            bits,
          );
          assert.deepEqual(
            each.map(({ span }) => lines.texts.slice(range.from, range.to).length && span.end - span.start),
            lines.texts.slice(range.from, range.to).map(text => text.length),
          );
        }
        assert.equal(
          change[side].bits,
          own.reduce((total, { sum }) => total + sum.bits, 0),
        );
      }
      // What is in no hunk is as many lines on both sides.
      assert.equal(original.texts.length - change.removed.lines, modified.texts.length - change.added.lines);
    }
  });

  it('is the same seen from the other side, as much as a diff can be', async () => {
    const there = await report('a\nb\nc\nd', 'a\nx\ny\nc\nd');
    const back = await report('a\nx\ny\nc\nd', 'a\nb\nc\nd');
    assert.deepEqual(
      there.hunks.map(({ removed, added }) => [removed.range, added.range]),
      back.hunks.map(({ removed, added }) => [added.range, removed.range]),
    );
    assert.deepEqual([there.removed, there.added], [back.added, back.removed]);
    assert.equal(there.hunks[0]?.after?.differenceBits, 0);
  });

  it('takes text that moved for removed in one place and added in another', async () => {
    const { hunks, removed, added } = await report('moved text\nb\nc\nd\n', 'b\nc\nd\nmoved text\n');
    assert.deepEqual(
      hunks.map(hunk => [hunk.removed.range, hunk.added.range]),
      [
        [
          { from: 0, to: 1 },
          { from: 0, to: 0 },
        ],
        [
          { from: 4, to: 4 },
          { from: 3, to: 4 },
        ],
      ],
    );
    assert.equal(removed.lines, 1);
    assert.equal(added.lines, 1);
  });

  it('has everything as added where there was no text', async () => {
    const modified = linesOfText('a b\nc\n');
    const { hunks, removed, added, originalLevel } = await changeReport(scoredLines('', undefined), modified, null);
    assert.equal(hunks.length, 1);
    assert.deepEqual([removed.tokens, removed.bits, removed.bitsPerByte, originalLevel], [0, 0, null, undefined]);
    assert.equal(added.bits, everything(modified).bits);
  });

  const plain = Array.from({ length: 20 }, (_, index) => `line ${index} of it`);
  const withLine = (line: string, at = 10) => [...plain.slice(0, at), line, ...plain.slice(at)].join('\n');

  it('marks a line that is far above the usual of its text, and the hunk that is farthest', async () => {
    const after = withLine('a rare thing', 10).replace('line 3 of it', 'line 3 of odd');
    const bitsOf = (token: string) => (['rare', 'thing'].includes(token) ? 20 : token === 'odd' ? 9 : 1);
    const { hunks, mostSurprising } = await changeReport(linesOfText(plain.join('\n'), bitsOf), linesOfText(after, bitsOf), null);
    assert.deepEqual(
      hunks.map(hunk => hunk.standsOut),
      [false, true],
    );
    assert.deepEqual(
      hunks.map(hunk => hunk.added.lines.map(line => line.standsOut)),
      [[false], [true]],
    );
    assert.equal(mostSurprising, 1);
  });

  it('marks nothing where nothing stands out, nor a short line for its ratio alone', async () => {
    const { hunks, mostSurprising } = await report(plain.join('\n'), withLine('line 77 of it'));
    assert.deepEqual([hunks.length, hunks[0]?.standsOut, mostSurprising], [1, false, undefined]);
    const brace = (token: string) => (token === '}' ? bitsToStandOut - 1 : 1);
    const short = await changeReport(linesOfText(plain.join('\n'), brace), linesOfText(withLine('}'), brace), null);
    assert.deepEqual([short.hunks[0]?.standsOut, short.mostSurprising], [false, undefined]);
    const braceAndMore = (token: string) => (token === '}' ? 2 * bitsToStandOut : 1);
    const more = await changeReport(linesOfText(plain.join('\n'), braceAndMore), linesOfText(withLine('}'), braceAndMore), null);
    assert.equal(more.mostSurprising, 0);
  });

  it('marks nothing that is within two spreads, however many bits it has', async () => {
    // The lines that stay have 0 and 4 bits per byte by turns: a mean of 2 and a spread of 2.
    const old = Array.from({ length: 10 }, (_, index): Token => [`text ${index} \n`, index % 2 === 0 ? 0 : 32]);
    const withBits = (bits: number) => changeReport(linesOfTokens(...old), linesOfTokens(...old, ['another\n', bits]), null);
    assert.deepEqual(usualLevel(linesOfTokens(...old)), { mean: 2, spread: 2 });
    assert.deepEqual(
      (await Promise.all([withBits(47), withBits(48)])).map(({ hunks }) => hunks[0]?.standsOut),
      [false, true],
    );
  });

  it('holds the unchanged lines after a hunk against what they were, up to the next hunk', async () => {
    const before = linesOfText(plain.join('\n'), () => 2);
    const after = linesOfText(withLine('new one', 4).replace('line 7 of it', 'line 7 is it'), () => 3);
    const noise = { mean: 0.1, p95: 0.3 };
    const { hunks } = await changeReport(before, after, noise);
    // Three unchanged lines (4, 5 and 6) lie between the two hunks; each has four words and the white space before each.
    const tokensOf = (line: number) => before.tokens[line] ?? 0;
    const between = tokensOf(4) + tokensOf(5) + tokensOf(6);
    assert.equal(hunks[0]?.after?.lines, 3);
    assert.equal(hunks[0].after.differenceBits, between);
    assert.ok(Math.abs((hunks[0].after.floorBits ?? NaN) - 0.2 * between) < 1e-12);
    assert.equal(hunks[1]?.after?.lines, linesAfter);
    const last = await changeReport(linesOfText('a\nb'), linesOfText('a\nc'), null);
    assert.equal(last.hunks[0]?.after, undefined);
  });
});
