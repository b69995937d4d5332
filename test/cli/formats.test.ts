import assert from 'node:assert/strict';
import { readArguments } from '../../src/cli/arguments';
import { paintFor, pretty } from '../../src/cli/pretty';
import { safeLine, safeText } from '../../src/exports/visibleText';
import { all, reportOf, row, sample } from '../exports/reports';

describe('command line: text for a terminal', () => {
  it('makes visible what a terminal would obey, and keeps lines, tabs and joined emoji', () => {
    assert.equal(safeText('a\r\nb\tc\u001b[31m\u009b\u0007\u007f\r\u202e\u2028👩‍👦'), 'a\nb\tc␛[31m⟨U+009B⟩␇␡␍⟨U+202E⟩⟨U+2028⟩👩‍👦');
    assert.equal(safeLine(' a\nb\r\n\u001b c '), 'a b ␛ c');
  });
});

describe('command line: pretty', () => {
  const escape = '\u001b';
  const colour = new RegExp(String.raw`${escape}\[[0-9;]*m`, 'g');

  it('in colour: the text is all there, nothing but styles is escaped, and none reaches over a line break', () => {
    const output = all(pretty(sample, 'dark'));
    const plain = output.replace(colour, '');
    assert.ok(plain.startsWith('A "q",\n🦊␄<script>\n\nStronger colour = more surprising to Tiny <b>: below 1 bit '), plain);
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
      output.startsWith('A° "q",¹\n🦊⁴␄×<script>⁵\n\nHigher number = more surprising to Tiny <b>: below 1 bit, ¹ 1 to 2 bits'),
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

describe('command line: arguments', () => {
  it('defaults', () => {
    assert.deepEqual(readArguments(['score', 'a.md']), {
      kind: 'score',
      files: ['a.md'],
      lines: false,
      level: 'token',
      format: 'pretty',
      out: undefined,
      modelFolder: undefined,
      preamble: undefined,
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
      '--preamble',
      'notes.txt',
      '--lines',
      '--level',
      'word',
      '--out',
      'c.csv',
      '-',
      'b.md',
    ];
    assert.deepEqual(readArguments(words), {
      kind: 'score',
      files: ['-', 'b.md'],
      lines: true,
      level: 'word',
      format: 'csv',
      out: 'c.csv',
      modelFolder: 'm',
      preamble: 'notes.txt',
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
