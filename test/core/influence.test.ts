import assert from 'node:assert/strict';
import { costTokens, declarationsOf, partsByLastLine, sourcesOf } from '../../src/core/influence';
import type { SourceLevel } from '../../src/core/influence';
import type { Source } from '../../src/core/influence';

/** A text cut into words with the white space before them; line feeds are tokens of their own. */
function tokensOf(text: string) {
  const found = [...text.matchAll(/\n+| *[^ \n]+| +/g)];
  return {
    starts: Uint32Array.from(found, ({ index }) => index),
    ends: Uint32Array.from(found, ({ index, 0: token }) => index + token.length),
  };
}

function textsOf(text: string, sources: readonly Source[]): string[] {
  return sources.map(({ span }) => text.slice(span.start, span.end));
}

function tiles(sources: readonly Source[], first: number, end: number): void {
  let at = end;
  for (const { rows } of sources) {
    assert.equal(rows.end, at);
    assert.ok(rows.first < rows.end);
    at = rows.first;
  }
  assert.equal(at, first);
}

describe('the parts of a context', () => {
  const lines = Array.from({ length: 50 }, (_, line) => `line ${String(line)} says ${'more '.repeat(line % 3)}here\n`);
  const text = lines.join('');
  const table = tokensOf(text);
  const length = table.starts.length;

  it('are at most four blocks of as many lines, the nearest first', () => {
    const blocks = sourcesOf(table, text, 0, length, 'block');
    tiles(blocks, 0, length);
    assert.deepEqual(
      textsOf(text, blocks).map(block => block.split('\n').length - 1),
      [12, 13, 12, 13],
    );
    assert.ok(textsOf(text, blocks)[0]?.endsWith(lines.at(-1) ?? '-'));
    const few = tokensOf('one\ntwo\nthree');
    assert.deepEqual(textsOf('one\ntwo\nthree', sourcesOf(few, 'one\ntwo\nthree', 0, few.starts.length, 'block')), [
      'three',
      'two\n',
      'one\n',
    ]);
  });

  it('are the lines of a block, and what stands before the target on its own line', () => {
    const row = length - 2;
    const [nearest, ...others] = sourcesOf(table, text, 0, row, 'block');
    const within = nearest?.rows;
    const found = sourcesOf(table, text, 0, row, 'line', within);
    tiles(found, within?.first ?? NaN, row);
    assert.deepEqual(textsOf(text, found).slice(0, 2), ['line 49 says more', lines[48]]);
    assert.equal(found.length, 12);
    assert.equal(sourcesOf(table, text, 0, row, 'line').length, 50);
    assert.equal(others.length, 3);
  });

  it('are the tokens of a line, those of one character together', () => {
    const emoji = { starts: Uint32Array.of(0, 1, 1, 1, 3), ends: Uint32Array.of(1, 3, 3, 3, 4) };
    const found = sourcesOf(emoji, 'a🙂b', 0, 5, 'token');
    tiles(found, 0, 5);
    assert.deepEqual(textsOf('a🙂b', found), ['b', '🙂', 'a']);
  });

  it('begin where the window does, in the middle of a line too', () => {
    const found = sourcesOf(table, text, 2, 9, 'line');
    tiles(found, 2, 9);
    assert.deepEqual(textsOf(text, found), ['line 1 says more', ' says here\n']);
    assert.deepEqual(sourcesOf(table, text, 4, 4, 'line'), []);
  });

  it('are no lines of white space alone, which belong to the line before', () => {
    const spaced = '\n\none\n\n  \n\ntwo\n \n';
    const tokens = tokensOf(spaced);
    const found = sourcesOf(tokens, spaced, 0, tokens.starts.length, 'line');
    tiles(found, 0, tokens.starts.length);
    assert.deepEqual(textsOf(spaced, found), ['two\n \n', '\n\none\n\n  \n\n']);
  });

  it('are the sentences of a line that is as long as a paragraph', () => {
    const sentence = (number: number) => `This is sentence ${String(number)} of a paragraph that goes on for long.`;
    const long = Array.from({ length: 10 }, (_, index) => sentence(index)).join(' ');
    const tokens = tokensOf(long);
    const found = sourcesOf(tokens, long, 0, tokens.starts.length, 'line');
    tiles(found, 0, tokens.starts.length);
    assert.deepEqual(
      textsOf(long, found).map(part => part.trim()),
      Array.from({ length: 10 }, (_, index) => sentence(9 - index)),
    );
  });

  it('are what is declared, and what stands between; of what is declared inside of others, the parts of the outer one', () => {
    const code = [
      "import fs from 'fs'\n\n",
      'class Boat {\n',
      '  sink ( ) { }\n',
      '  // A comment.\n',
      '  float ( ) { }\n',
      '}\n\n\n',
      'const boats = [ ]\n',
      'run ( )\n',
      'function run ( ) {\n  boats',
    ].join('');
    const tokens = tokensOf(code);
    const spanOf = (from: string, to: string) => ({ start: code.indexOf(from), end: code.indexOf(to) + to.length });
    const declared = [
      spanOf('class', '}\n}'),
      spanOf('sink', '{ }'),
      spanOf('float ( )', 'float ( ) { }'),
      spanOf('const', '[ ]'),
      { start: code.indexOf('function'), end: code.length + 20 },
    ].sort((a, b) => a.start - b.start);
    const end = tokens.starts.length;
    const found = declarationsOf(tokens, code, 0, end, declared);
    tiles(found, 0, end);
    assert.deepEqual(
      textsOf(code, found).map(part => part.trim()),
      [
        'function run ( ) {\n  boats',
        'run ( )',
        'const boats = [ ]',
        code.slice(declared[0]?.start, code.indexOf('const')).trim(),
        "import fs from 'fs'",
      ],
    );
    const boat = found.find(({ span }) => code.slice(span.start, span.end).startsWith('class'));
    assert.ok(boat);
    const members = declarationsOf(tokens, code, 0, end, declared, boat.rows);
    tiles(members, boat.rows.first, boat.rows.end);
    assert.deepEqual(
      textsOf(code, members).map(part => part.trim()),
      ['}', 'float ( ) { }', '// A comment.', 'sink ( ) { }', 'class Boat {'],
    );
    const float = members[1];
    assert.equal(declarationsOf(tokens, code, 0, end, declared, float?.rows).length, 1, 'it has no parts');
    assert.deepEqual(
      declarationsOf(tokens, code, 3, end, []).map(({ rows }) => rows),
      [{ first: 3, end }],
    );
    assert.deepEqual(declarationsOf(tokens, code, 3, 3, declared), []);
  });

  it('stand behind their last line one after the other, where several end on it', () => {
    const part = (lastLine: number, level: SourceLevel) => ({ lastLine, level });
    const [a, b, c, d] = [part(2, 'line'), part(2, 'line'), part(3, 'block'), part(4, 'line')];
    const tokens = [part(4, 'token'), part(4, 'token'), part(5, 'token')];
    assert.deepEqual(
      [...partsByLastLine([a, b, c, ...tokens, d])],
      [
        [2, [a, b]],
        [3, [c]],
        [4, ['tokens', d]],
      ],
    );
  });

  it('cost what follows each of them: the whole has been read with the target', () => {
    const sources = sourcesOf(table, text, 10, 20, 'token');
    assert.equal(costTokens(sources, 20, 10, true), (10 * 11) / 2);
    assert.equal(costTokens([], 20, 10, true), 0);
    assert.equal(costTokens(sources, 20, 10, false), 10 * 10); // the whole context for each
  });
});
