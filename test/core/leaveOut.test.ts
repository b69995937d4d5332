import assert from 'node:assert/strict';
import { movedRegions, summaryByKind, withoutLeftOut } from '../../src/core/leaveOut';
import type { Part } from '../../src/core/leaveOut';
import { cellsOf } from '../../src/core/cells';
import { DocumentLines, kindOfScopes } from '../../src/core/leaveOutLines';
import type { LineChange, LineGrammar, ScopedPart } from '../../src/core/leaveOutLines';
import { noRegions, regionKinds } from '../../src/core/regions';
import type { RegionKind, Regions } from '../../src/core/regions';
import { summaryOf } from '../../src/core/report';
import { rowState } from '../../src/core/scores';
import type { ScoreTable } from '../../src/core/scores';

type Piece = readonly [text: string, kind: RegionKind];

/** What lies in each region, as text. */
function pieces(text: string, regions: Regions): readonly Piece[] {
  return Array.from({ length: regions.length }, (_, index) => [
    text.slice(regions.starts[index], regions.ends[index]),
    regionKinds[regions.kinds[index] ?? 0] ?? 'links',
  ]);
}

/** Regions of a text in which each kind's are marked by a bracket of its own: <comment>, (string), [fence], {link}. */
function marked(text: string): { readonly text: string; readonly regions: Regions } {
  const open: Readonly<Record<string, RegionKind>> = { '<': 'comments', '(': 'strings', '[': 'fencedCode', '{': 'links' };
  const [starts, ends, kinds]: [number[], number[], number[]] = [[], [], []];
  let plain = '';
  for (const character of text) {
    const kind = open[character];
    if (kind) {
      starts.push(plain.length);
      kinds.push(regionKinds.indexOf(kind));
    } else if (/[>)\]}]/.test(character)) ends.push(plain.length);
    else plain += character;
  }
  return { text: plain, regions: { length: starts.length, starts, ends, kinds } };
}

/** C's block comments and double quotes, as vscode-textmate names them, with the break of an empty line in its only part; it counts the lines it has read. */
class SmallGrammar implements LineGrammar<'code' | 'comment'> {
  readonly initial = 'code';
  linesRead = 0;

  isSame(a: string, b: string): boolean {
    return a === b;
  }

  read(line: string, before: 'code' | 'comment') {
    this.linesRead++;
    const parts: ScopedPart[] = [];
    let state = before;
    for (let at = 0; at < line.length || at === 0;) {
      const end = state === 'comment' ? line.indexOf('*/', at) : -1;
      const next =
        state === 'comment'
          ? end < 0
            ? line.length
            : end + 2
          : at + (/^(?:"[^"]*"|(?:(?!\/\*)[^"])+)/.exec(line.slice(at))?.[0].length ?? 0);
      const scope = state === 'comment' ? 'comment.block' : line[at] === '"' ? 'string.quoted.double' : 'meta.code';
      if (next > at || line === '') parts.push({ startIndex: at, endIndex: Math.max(next, 1), scopes: ['source.small', scope] });
      if (state === 'comment') state = end < 0 ? 'comment' : 'code';
      else if (line.startsWith('/*', next)) state = 'comment';
      else if (next === at) break;
      if (next === at && line === '') break;
      at = next;
    }
    return { parts, state };
  }
}

function regionsOfText(text: string, grammar?: SmallGrammar, breakLength = 1): Regions {
  const lines = new DocumentLines(text, breakLength, grammar);
  while (lines.step());
  return lines.regions();
}

describe('kinds of text by their TextMate scopes', () => {
  const cases: readonly (readonly [what: string, scopes: string, kind: RegionKind | undefined])[] = [
    ['a comment', 'source.ts comment.line.double-slash.ts', 'comments'],
    ['a tag in a documenting comment', 'source.ts comment.block.documentation.ts storage.type.class.jsdoc', 'comments'],
    ['a Python docstring', 'source.python string.quoted.docstring.multi.python', 'comments'],
    ['a Julia docstring', 'source.julia string.docstring.julia', 'comments'],
    ['a string', 'source.ts string.quoted.double.ts', 'strings'],
    ['the quotes of a string', 'source.ts string.quoted.double.ts punctuation.definition.string.begin.ts', 'strings'],
    ['a comment sign in a string', 'source.ts string.quoted.double.ts comment.fake', 'strings'],
    ['code in a template', 'source.ts string.template.ts meta.template.expression.ts meta.embedded.line.ts variable.ts', undefined],
    ['a comment in that code', 'source.ts string.template.ts meta.template.expression.ts comment.block.ts', 'comments'],
    ['a string in that code', 'source.ts string.template.ts meta.template.expression.ts string.quoted.single.ts', 'strings'],
    ['a regular expression', 'source.ts string.regexp.ts', undefined],
    ['one written as a string', 'source.python string.regexp.quoted.single.python', 'strings'],
    ['a YAML scalar', 'source.yaml string.unquoted.plain.out.yaml', undefined],
    ['a heredoc', 'source.shell string.unquoted.heredoc.shell', 'strings'],
    ['the name of a JSON property', 'source.json string.json support.type.property-name.json', undefined],
    ['the title of a link', 'text.html.markdown meta.link.inline.markdown string.other.link.title.markdown', undefined],
    ['the target of a link', 'text.html.markdown meta.link.inline.markdown markup.underline.link.markdown', 'links'],
    ['a comment in fenced code', 'text.html.markdown markup.fenced_code.block.markdown comment.line', 'fencedCode'],
    ['indented code', 'text.html.markdown markup.raw.block.markdown', 'fencedCode'],
    ['inline code', 'text.html.markdown markup.inline.raw.string.markdown', undefined],
    ['a string in front matter', 'text.html.markdown meta.embedded.block.frontmatter string.quoted.double.yaml', 'frontMatter'],
    ['the fence of front matter', 'text.html.markdown punctuation.definition.begin.frontmatter', 'frontMatter'],
    ['commentary, by another name', 'source.x meta.commentary.x', undefined],
  ];
  for (const [what, scopes, kind] of cases) it(`${what}: ${kind ?? 'none'}`, () => assert.equal(kindOfScopes(scopes.split(' ')), kind));
});

describe('regions of lines', () => {
  it('without a grammar are the white space before lines, whole on a line of nothing else', () => {
    const text = '  one\n\ttwo  three\n\n   \nfour "five" https://example.org';
    assert.deepEqual(pieces(text, regionsOfText(text)), [
      ['  ', 'indentation'],
      ['\t', 'indentation'],
      ['   ', 'indentation'],
    ]);
  });

  it('are none of an empty text', () => assert.equal(regionsOfText('').length, 0));

  for (const [name, eol] of [
    ['line feeds', '\n'],
    ['carriage returns and line feeds', '\r\n'],
  ] as const)
    it(`with ${name} join the lines of one block, empty ones too, and leave indentation inside it to it`, () => {
      const text = ['  a "b" /* one', '    two', '', '  three */ "c"', '  d'].join(eol);
      assert.deepEqual(pieces(text, regionsOfText(text, new SmallGrammar(), eol.length)), [
        ['  ', 'indentation'],
        ['"b"', 'strings'],
        [['/* one', '    two', '', '  three */'].join(eol), 'comments'],
        ['"c"', 'strings'],
        ['  ', 'indentation'],
      ]);
    });

  it('have bare addresses, without the punctuation after them, unless another kind holds them', () => {
    const text = 'see (https://example.org/a_(b)), www.example.org. "http://in.string" /* http://in.comment */ http://last';
    assert.deepEqual(pieces(text, regionsOfText(text, new SmallGrammar())), [
      ['https://example.org/a_(b)', 'links'],
      ['www.example.org', 'links'],
      ['"http://in.string"', 'strings'],
      ['/* http://in.comment */', 'comments'],
      ['http://last', 'links'],
    ]);
  });

  it('skip what a very long line holds, and know below it what was known above', () => {
    const text = `/* a\n  ${'x */ '.repeat(3000)}\nb */ c`;
    assert.deepEqual(pieces(text, regionsOfText(text, new SmallGrammar())), [
      ['/* a', 'comments'],
      ['  ', 'indentation'],
      ['b */', 'comments'],
    ]);
  });

  it('after any edits are those of the new text, and an edit reads few lines', () => {
    const random = seeded(7);
    const words = ['a', '"b"', '/*', '*/', '\n', '\n\n', '  ', '"', 'http://x.y'];
    const some = () => Array.from({ length: Math.floor(random() * 4) }, () => words[Math.floor(random() * words.length)]).join(' ');
    let text = Array.from({ length: 40 }, some).join('\n');
    const lines = new DocumentLines(text, 1, new SmallGrammar());
    for (let step = 0; step < 500; step++) {
      const start = Math.floor(random() * (text.length + 1));
      const end = Math.min(text.length, start + Math.floor(random() * random() * 30));
      const put = random() < 0.1 ? '' : some();
      lines.edited([lineChange(text, start, end, put)]);
      text = text.slice(0, start) + put + text.slice(end);
      assert.equal(lines.length, text.length);
      if (random() < 0.4) continue; // several edits before anything is read
      for (let read = 0; random() < 0.98 && lines.step(); read++); // or cut short by the next
      if (random() < 0.5) continue;
      while (lines.step());
      assert.deepEqual(lines.regions(), regionsOfText(text, new SmallGrammar()), JSON.stringify(text));
    }
  });

  it('applies the changes of one edit whatever their order', () => {
    const text = 'one\ntwo\nthree';
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const changes = [lineChange(text, 0, 3, '"x"\n'), lineChange(text, 9, 9, ' "y" ')];
      const lines = new DocumentLines(text, 1, new SmallGrammar());
      lines.edited(order.flatMap(index => changes[index] ?? []));
      while (lines.step());
      assert.deepEqual(pieces('"x"\n\ntwo\nt "y" hree', lines.regions()), [
        ['"x"', 'strings'],
        ['"y"', 'strings'],
      ]);
    }
  });

  it('a word typed in the middle reads one line, a comment that opens reads to its end, and nothing more', () => {
    const text = `${'code\n'.repeat(50)}/* c */\n${'code\n'.repeat(50)}`;
    const grammar = new SmallGrammar();
    const lines = new DocumentLines(text, 1, grammar);
    while (lines.step());
    const readBy = (offset: number, put: string) => {
      const before = grammar.linesRead;
      lines.edited([lineChange(text, offset, offset, put)]);
      while (lines.step());
      return grammar.linesRead - before;
    };
    assert.equal(readBy(100, 'x'), 1);
    assert.equal(readBy(100, '/*'), 31); // lines 20 to 50
  });
});

describe('regions after an edit, until they are made anew', () => {
  const cases: readonly (readonly [what: string, text: string, edit: readonly (readonly [string, string])[], after: readonly Piece[]])[] = [
    ['move with text put in before them', 'a <b> (c)', [['a', 'aaa']], [['b', 'comments'], ['c', 'strings']]], // prettier-ignore
    ['stay before an edit', '<b> (c) d', [['d', '']], [['b', 'comments'], ['c', 'strings']]], // prettier-ignore
    ['grow with what is put inside', '<b x b> (c)', [['x', 'yyy']], [['b yyy b', 'comments'], ['c', 'strings']]], // prettier-ignore
    ['go with what is deleted', 'x<b>y (c)', [['xby', '-']], [['c', 'strings']]], // prettier-ignore
    ['lose the end that is deleted', '<b cx>y z', [['xy', '---']], [['b c', 'comments']]], // prettier-ignore
    ['lose the beginning that is deleted', 'xy<z b> c', [['yz', '---']], [[' b', 'comments']]], // prettier-ignore
    ['follow several changes', '1 <b> 2 (c 3 c) 4', [['1', ''], ['2', '22'], ['3', '333']], [['b', 'comments'], ['c 333 c', 'strings']]], // prettier-ignore
  ];
  for (const [what, source, edit, after] of cases)
    it(what, () => {
      const { text, regions } = marked(source);
      const changes = edit.map(([from, to]) => ({ start: text.indexOf(from), end: text.indexOf(from) + from.length, length: to.length }));
      const edited = edit.reduce((now, [from, to]) => now.replace(from, to), text);
      assert.deepEqual(pieces(edited, movedRegions(regions, [...changes].reverse())), after);
    });

  it('do not take in what is put beside them', () => {
    const { regions } = marked('<ab>(cd)');
    const moved = movedRegions(regions, [
      { start: 0, end: 0, length: 1 },
      { start: 2, end: 2, length: 1 },
      { start: 4, end: 4, length: 1 },
    ]);
    assert.deepEqual(pieces('-ab-cd-', moved), [['ab', 'comments'], ['cd', 'strings']]); // prettier-ignore
  });

  it('never overlap, whatever the edits', () => {
    const random = seeded(11);
    for (let round = 0; round < 300; round++) {
      const offsets = Array.from({ length: 20 }, () => Math.floor(random() * 60)).sort((a, b) => a - b);
      const pairs = offsets.flatMap((start, index) =>
        index % 2 === 0 && start < (offsets[index + 1] ?? 0) ? [[start, offsets[index + 1] ?? 0]] : [],
      );
      const regions = { length: pairs.length, starts: pairs.map(([start = 0]) => start), ends: pairs.map(([, end = 0]) => end), kinds: pairs.map(() => 0) }; // prettier-ignore
      const cuts = Array.from({ length: 6 }, () => Math.floor(random() * 60)).sort((a, b) => a - b);
      const changes = [0, 2, 4].map(at => ({ start: cuts[at] ?? 0, end: cuts[at + 1] ?? 0, length: Math.floor(random() * 5) }));
      const moved = movedRegions(regions, changes);
      for (let index = 0; index < moved.length; index++) {
        assert.ok((moved.starts[index] ?? 0) < (moved.ends[index] ?? 0));
        assert.ok((moved.starts[index] ?? 0) >= (moved.ends[index - 1] ?? 0));
      }
    }
  });
});

describe('what is left out', () => {
  const { text, regions } = marked('a <bb> (cc) d');
  const cells = cellsOf(tableOf(text, [1, 3, 3, 2]));
  const shown = (known: Regions | undefined, ...kinds: readonly RegionKind[]) => {
    const list = withoutLeftOut(cells, known, new Set(kinds));
    return Array.from({ length: list.length }, (_, index) => text.slice(list.starts[index], list.ends[index]));
  };

  it('is not among the cells', () => {
    assert.deepEqual(shown(regions), ['a', ' bb', ' cc', ' d']);
    assert.deepEqual(shown(regions, 'comments'), ['a', ' cc', ' d']);
    assert.deepEqual(shown(regions, 'comments', 'strings'), ['a', ' d']);
    assert.deepEqual(shown(regions, 'links'), ['a', ' bb', ' cc', ' d']);
  });

  it('hides everything while it is not known where it is, and nothing where there is none', () => {
    assert.deepEqual(shown(undefined, 'comments'), []);
    assert.deepEqual(shown(undefined), ['a', ' bb', ' cc', ' d']);
    assert.deepEqual(shown(noRegions, 'comments'), ['a', ' bb', ' cc', ' d']);
  });
});

describe('kinds summed apart', () => {
  it('count each token once: the parts add up to the whole, for any regions and tokens', () => {
    const random = seeded(3);
    for (let round = 0; round < 200; round++) {
      const table = tableOf(
        'é'.repeat(60),
        Array.from({ length: 20 }, () => 1 + Math.floor(random() * 5)),
        random,
      );
      const edges = Array.from({ length: 12 }, () => Math.floor(random() * 60)).sort((a, b) => a - b);
      const starts = edges.filter((_, index) => index % 2 === 0);
      const ends = edges.filter((_, index) => index % 2 === 1);
      const regions = { length: 6, starts, ends, kinds: starts.map(() => Math.floor(random() * regionKinds.length)) };
      const parts = Object.values(summaryByKind(table, regions));
      const sum = (field: 'tokens' | 'bytes' | 'scoredTokens' | 'scoredBytes' | 'bits') =>
        parts.reduce((all, part) => all + part[field], 0);
      const whole = summaryOf(table, 0);
      assert.equal(sum('tokens'), whole.tokens);
      assert.equal(sum('bytes'), table.endBytes.at(-1));
      assert.ok(Math.abs(sum('bits') - whole.totalBits) < 1e-9);
      if (whole.bitsPerByte !== null) assert.ok(Math.abs(sum('bits') / sum('scoredBytes') - whole.bitsPerByte) < 1e-9);
      if (whole.perplexity !== null) assert.ok(Math.abs(2 ** (sum('bits') / sum('scoredTokens')) - whole.perplexity) < 1e-9);
    }
  });

  it('give a token to the kind that holds most of it, and of a part of the rows only those', () => {
    const { text, regions } = marked('a <bb> (cc) d');
    const table = tableOf(text, [1, 3, 3, 2]);
    const tokens = (from?: number, to?: number) => {
      const parts = summaryByKind(table, regions, from, to);
      return (['comments', 'strings', 'links', 'rest'] satisfies Part[]).map(part => parts[part].tokens);
    };
    assert.deepEqual(tokens(), [1, 1, 0, 2]);
    assert.deepEqual(tokens(1, 3), [1, 1, 0, 0]);
    assert.equal(summaryByKind(table, regions).comments.bits, 2); // the second token has two bits
  });
});

/** Tokens of the given lengths in UTF-16 units; the n-th has n bits. `random`: some have no score. */
function tableOf(text: string, lengths: readonly number[], random: () => number = () => 1): ScoreTable {
  const count = lengths.length;
  let at = 0;
  const ends = Uint32Array.from(lengths, length => (at += length));
  const starts = Uint32Array.from(ends, (end, row) => end - (lengths[row] ?? 0));
  const bytesBefore = (offset: number) => Buffer.byteLength(text.slice(0, offset));
  return {
    length: count,
    topCount: 1,
    watchCount: 0,
    ids: new Int32Array(count),
    starts,
    ends,
    startBytes: starts.map(bytesBefore),
    endBytes: ends.map(bytesBefore),
    states: Uint8Array.from(lengths, () => (random() < 0.2 ? rowState.unscored : rowState.scored)),
    surprisalBits: Float64Array.from(lengths, (_, row) => row + 1),
    entropyBits: new Float64Array(count),
    ranks: new Int32Array(count).fill(1),
    contextTokens: new Int32Array(count),
    topIds: new Int32Array(count),
    topLogProbabilities: new Float32Array(count),
    wordStartLogMass: new Float32Array(count),
    watchLogMasses: new Float32Array(0),
  };
}

function lineChange(text: string, start: number, end: number, put: string): LineChange {
  const place = (offset: number) => {
    const before = text.slice(0, offset).split('\n');
    return [before.length - 1, before.at(-1)?.length ?? 0] as const;
  };
  const [[startLine, startColumn], [endLine, endColumn]] = [place(start), place(end)];
  return { startLine, startColumn, endLine, endColumn, text: put };
}

/** Numbers from 0 to 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
