import assert from 'node:assert/strict';
import { readArguments } from '../../src/cli/arguments';
import { csv } from '../../src/cli/csv';
import { html } from '../../src/cli/html';
import { json } from '../../src/cli/json';
import { paintFor, pretty } from '../../src/cli/pretty';
import type { Report } from '../../src/cli/report';
import { paintOf, segmentsOf } from '../../src/cli/segments';
import { safeLine, safeText } from '../../src/cli/terminalText';
import { summaryOf } from '../../src/core/report';
import type { Gap, ScoreTable } from '../../src/core/scores';
import { Vocabulary } from '../../src/core/vocabulary';

interface Row {
  readonly bytes: string | Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly startByte: number;
  /** NaN: unscored. */
  readonly bits: number;
}

/** A report made by hand: token `i` of the vocabulary is row `i`, and every row's one alternative is token 0 with probability 1/4. */
function reportOf(text: string, rows: readonly Row[], gaps: readonly Gap[] = [], source = 'text.md'): Report {
  const bytes = rows.map(row => (typeof row.bytes === 'string' ? new TextEncoder().encode(row.bytes) : row.bytes));
  const offsets = [0];
  for (const piece of bytes) offsets.push((offsets.at(-1) ?? 0) + piece.length);
  const table: ScoreTable = {
    length: rows.length,
    topCount: 1,
    watchCount: 0,
    ids: Int32Array.from(rows.keys()),
    starts: Uint32Array.from(rows, row => row.start),
    ends: Uint32Array.from(rows, row => row.end),
    startBytes: Uint32Array.from(rows, row => row.startByte),
    endBytes: Uint32Array.from(rows, (row, index) => row.startByte + (bytes[index]?.length ?? 0)),
    states: Uint8Array.from(rows, row => (Number.isNaN(row.bits) ? 2 : 1)),
    surprisalBits: Float64Array.from(rows, row => row.bits),
    entropyBits: Float64Array.from(rows, row => (Number.isNaN(row.bits) ? NaN : 2.5)),
    ranks: Int32Array.from(rows, row => (Number.isNaN(row.bits) ? 0 : 7)),
    contextTokens: Int32Array.from(rows.keys()),
    topIds: Int32Array.from(rows, row => (Number.isNaN(row.bits) ? -1 : 0)),
    topLogProbabilities: Float32Array.from(rows, row => (Number.isNaN(row.bits) ? NaN : -2 * Math.LN2)),
    wordStartLogMass: new Float32Array(rows.length),
    watchLogMasses: new Float32Array(0),
  };
  return {
    source,
    text,
    table,
    gaps,
    vocabulary: new Vocabulary({ bytes: Buffer.concat(bytes), offsets: Uint32Array.from(offsets), controlNames: {} }),
    startTokenId: null,
    window: 8,
    stride: 5,
    windows: 1,
    summary: summaryOf(table, Buffer.byteLength(text)),
    provenance: {
      model: 'Tiny <b>',
      modelHash: 'ab'.repeat(32),
      dtype: 'q8',
      arithmetic: 'native',
      window: 8,
      overlap: 3,
      anchors: 'grid',
      startTokenId: null,
      noiseFloorBits: null,
      repeatabilityBits: null,
      selfCheck: null,
      documentVersion: 1,
    },
    edges: [1, 2, 3, 4, 5],
  };
}
const row = (bytes: string | Uint8Array, start: number, end: number, startByte: number, bits: number): Row => ({
  bytes,
  start,
  end,
  startByte,
  bits,
});
const all = (pieces: Iterable<string>) => [...pieces].join('');

/** "\ufeffA "quick", fox🦊 then U+0004 and a hostile <script>" in the tokens of a byte-level vocabulary. */
const text = '\ufeffA "q",\n🦊\u0004<script>';
const sample = reportOf(
  text,
  [
    row('A', 1, 2, 0, NaN),
    row(' "q",', 2, 7, 1, 1.5),
    row('\n', 7, 8, 6, 0.25),
    row(Uint8Array.of(0xf0, 0x9f), 8, 10, 7, 3),
    row(Uint8Array.of(0xa6, 0x8a), 8, 10, 9, 1.25),
    row('<script>', 11, 19, 12, 12),
  ],
  [{ start: 10, end: 11, startByte: 11, endByte: 12 }],
);

describe('command line: segments', () => {
  it('tile the text: byte order mark, cells, gaps', () => {
    const segments = [...segmentsOf(text, sample.table, sample.gaps, sample.edges)];
    assert.deepEqual(
      segments.map(({ start, end, bits, band, gap }) => [text.slice(start, end), bits, band, gap]),
      [
        ['\ufeff', undefined, undefined, false],
        ['A', undefined, undefined, false],
        [' "q",', 1.5, 1, false],
        ['\n', 0.25, 0, false],
        ['🦊', 4.25, 4, false],
        ['\u0004', undefined, undefined, true],
        ['<script>', 12, 5, false],
      ],
    );
  });

  it('a gap inside a character that also has tokens makes one segment of both', () => {
    const tokens = [row(Uint8Array.of(0xa0, 0x80), 0, 2, 1, 2.5), row('x', 2, 3, 4, 1)];
    const gaps = [
      { start: 0, end: 2, startByte: 0, endByte: 1 },
      { start: 0, end: 2, startByte: 3, endByte: 4 },
    ];
    const report = reportOf('\u{e0000}x', tokens, gaps);
    assert.deepEqual(
      [...segmentsOf(report.text, report.table, report.gaps, report.edges)],
      [
        { start: 0, end: 2, firstToken: 0, endToken: 1, bits: 2.5, band: 2, gap: true },
        { start: 2, end: 3, firstToken: 1, endToken: 2, bits: 1, band: 1, gap: false },
      ],
    );
  });

  it('paint starts at the first visible character and ends with the last', () => {
    const painted = (piece: string) => piece.slice(paintOf(piece).start, paintOf(piece).end);
    assert.deepEqual([' word', '    ', '\n  ', ');\n', '\u0004', ''].map(painted), ['word', '    ', '', ');', '\u0004', '']);
  });
});

describe('command line: text for a terminal', () => {
  it('makes visible what a terminal would obey, and keeps lines, tabs and joined emoji', () => {
    assert.equal(safeText('a\r\nb\tc\u001b[31m\u009b\u0007\u007f\r\u202e\u2028👩‍👦'), 'a\nb\tc␛[31m⟨U+009B⟩␇␡␍⟨U+202E⟩⟨U+2028⟩👩‍👦');
    assert.equal(safeLine(' a\nb\r\n\u001b c '), 'a b ␛ c');
  });
});

describe('command line: json', () => {
  it('is one object without NaN, and with no raw control character but line breaks', () => {
    const output = all(json(sample));
    const parsed = JSON.parse(output) as { readonly text: string; readonly tokens: readonly Readonly<Record<string, unknown>>[] };
    assert.equal(parsed.text, text);
    assert.deepEqual(parsed.tokens[0], {
      id: 0,
      startByte: 0,
      endByte: 1,
      start: 1,
      end: 2,
      surprisalBits: null,
      entropyBits: null,
      rank: null,
      contextTokens: 0,
      topIds: [],
      topProbabilities: [],
      unscoredReason: 'nothing before it in its window, and no start token',
    });
    assert.deepEqual(parsed.tokens[3]?.['topProbabilities'], [Math.exp(Math.fround(-2 * Math.LN2))]);
    assert.doesNotMatch(output, /(?!\n)[\p{Cc}\p{Cf}]|NaN/u);
  });

  it('has every token, however many', () => {
    const many = reportOf(
      'a'.repeat(5000),
      Array.from({ length: 5000 }, (_, index) => row('a', index, index + 1, index, 1)),
    );
    const parsed = JSON.parse(all(json(many))) as { readonly tokens: readonly { readonly start: number }[] };
    assert.deepEqual(
      parsed.tokens.map(token => token.start),
      Array.from({ length: 5000 }, (_, index) => index),
    );
  });
});

describe('command line: csv', () => {
  it('has one header, a row for each token and gap, and quotes what is text', () => {
    assert.equal(
      all(csv(sample)),
      [
        'id,startByte,endByte,start,end,surprisalBits,entropyBits,rank,contextTokens,unscoredReason,token',
        '0,0,1,1,2,,,,0,"nothing before it in its window, and no start token","A"',
        '1,1,6,2,7,1.5,2.5,7,1,," ""q"","',
        '2,6,7,7,8,0.25,2.5,7,2,,"\n"',
        '3,7,9,8,10,3,2.5,7,3,,"⟨F0⟩⟨9F⟩"',
        '4,9,11,8,10,1.25,2.5,7,4,,"⟨A6⟩⟨8A⟩"',
        ',11,12,10,11,,,,,"no token in the vocabulary",',
        '5,12,20,11,19,12,2.5,7,5,,"<script>"',
        '',
      ].join('\n'),
    );
  });

  it('keeps full precision and a gap at the end', () => {
    const bits = 1.234567890123456;
    const output = all(csv(reportOf('a\u0004', [row('a', 0, 1, 0, bits)], [{ start: 1, end: 2, startByte: 1, endByte: 2 }])));
    assert.deepEqual(output.split('\n').slice(1), [
      `0,0,1,0,1,${String(bits)},2.5,7,0,,"a"`,
      ',1,2,1,2,,,,,"no token in the vocabulary",',
      '',
    ]);
  });
});

describe('command line: pretty', () => {
  const escape = '\u001b';
  const colour = new RegExp(String.raw`${escape}\[[0-9;]*m`, 'g');

  it('in colour: the text is all there, nothing but styles is escaped, and none reaches over a line break', () => {
    const output = all(pretty(sample, 'dark'));
    const plain = output.replace(colour, '');
    assert.ok(plain.startsWith('A "q",\n🦊␄<script>\n\nStronger colour = more surprising to Tiny <b>: below 1 bits'), plain);
    assert.doesNotMatch(plain, /(?!\n)\p{Cc}/u);
    for (const line of output.split('\n')) {
      const styles = line.match(colour) ?? [];
      assert.ok(styles.length === 0 || styles.at(-1) === '\u001b[0m', 'every line ends without a style');
    }
    assert.match(
      output,
      new RegExp(String.raw`${escape}\[1;4;38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+m<script>${escape}\[0m`),
      'the top band has an underline as well',
    );
    assert.match(output, new RegExp(String.raw` ${escape}\[38;2;[\d;]+m"q",`), 'the space before a word stays plain');
    assert.notEqual(all(pretty(sample, 'light')), output);
  });

  it('a token over two lines is painted line by line', () => {
    const report = reportOf('a\r\nb', [row('a\nb', 0, 4, 0, 9)]);
    assert.match(all(pretty(report, 'dark')), new RegExp(String.raw`^(${escape}\[[\d;]+m)a${escape}\[0m\n\1b${escape}\[0m\n`));
    assert.ok(all(pretty(report, 'plain')).startsWith('a⁵\nb⁵\n'));
  });

  it('without colour: bands are numbers', () => {
    const output = all(pretty(sample, 'plain'));
    assert.ok(
      output.startsWith('A° "q",¹\n🦊⁴␄×<script>⁵\n\nHigher number = more surprising to Tiny <b>: below 1 bits, ¹ 1 to 2 bits'),
      output,
    );
    assert.ok(output.includes('tokens 6 · bytes 23 · total 18.0 bits'));
    assert.ok(output.includes('q8, native arithmetic · 1 window of at most 8 tokens, 3 shared · no start token'));
    assert.ok(!output.includes('\u001b'));
  });

  it('NO_COLOR wins, then FORCE_COLOR, then the terminal', () => {
    assert.equal(paintFor({}, true), 'dark');
    assert.equal(paintFor({}, false), 'plain');
    assert.equal(paintFor({ TERM: 'dumb' }, true), 'plain');
    assert.equal(paintFor({ FORCE_COLOR: '1' }, false), 'dark');
    assert.equal(paintFor({ FORCE_COLOR: '0' }, true), 'plain');
    assert.equal(paintFor({ FORCE_COLOR: '1', NO_COLOR: '1' }, true), 'plain');
    assert.equal(paintFor({ NO_COLOR: '' }, true), 'dark');
    assert.equal(paintFor({ COLORFGBG: '0;15' }, true), 'light');
  });
});

describe('command line: html', () => {
  it('escapes the text, the file name and the model name', () => {
    const output = all(html({ ...sample, source: '<img src=x onerror=alert(1)>.md' }));
    assert.ok(!/<(script|img|b)\b/.test(output));
    assert.ok(output.includes('&#60;script&#62;') && output.includes('&#60;img src=x') && output.includes('Tiny &#60;b&#62;'));
  });
});

describe('command line: arguments', () => {
  it('defaults', () => {
    assert.deepEqual(readArguments(['score', 'a.md']), {
      kind: 'score',
      file: 'a.md',
      format: 'pretty',
      modelFolder: undefined,
      dtype: undefined,
      contextTokens: 1024,
      overlapTokens: 256,
      anchors: 'grid',
      topCount: 10,
      useStartToken: true,
      arithmetic: 'native',
      threads: undefined,
    });
  });

  it('every option', () => {
    const words = [
      '--format=csv',
      'score',
      '--model',
      'm',
      '--dtype',
      'q4',
      '--context',
      '99',
      '--overlap',
      '98',
      '--top',
      '3',
      '--anchors',
      'text',
      '--no-start-token',
      '--exact',
      '--threads',
      '4',
      '-',
    ];
    assert.deepEqual(readArguments(words), {
      kind: 'score',
      file: '-',
      format: 'csv',
      modelFolder: 'm',
      dtype: 'q4',
      contextTokens: 99,
      overlapTokens: 98,
      anchors: 'text',
      topCount: 3,
      useStartToken: false,
      arithmetic: 'float32',
      threads: 4,
    });
  });

  it('the default overlap is at most half the context', () => {
    const overlap = (context: string) =>
      (readArguments(['score', '-', '--context', context]) as { readonly overlapTokens: number }).overlapTokens;
    assert.deepEqual(['2', '9', '512', '2000'].map(overlap), [1, 4, 256, 256]);
  });
});
