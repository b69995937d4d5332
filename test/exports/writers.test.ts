import assert from 'node:assert/strict';
import { csvHeader, csvRows } from '../../src/exports/csv';
import { html } from '../../src/exports/html';
import { json, jsonLine } from '../../src/exports/json';
import { markdownTable } from '../../src/exports/markdown';
import { partOf } from '../../src/exports/report';
import { paintOf, segmentsOf } from '../../src/exports/segments';
import { svg } from '../../src/exports/svg';
import { sharedReason, unitsOf } from '../../src/exports/units';
import { all, reportOf, reportOfTokens, row, sample, text } from './reports';

describe('exports: segments', () => {
  it('tile the text: byte order mark, cells, gaps', () => {
    const segments = [...segmentsOf(sample)];
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
      [...segmentsOf(report)],
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

describe('exports: json', () => {
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

  it('of one text is written so, to the byte', () => {
    const token = (id: number, from: number, to: number, bits: number) =>
      `{"id":${String(id)},"startByte":${String(from)},"endByte":${String(to)},"start":${String(from)},"end":${String(to)},"surprisalBits":${String(bits)},` +
      `"entropyBits":2.5,"rank":7,"contextTokens":${String(id)},"topIds":[0],"topProbabilities":[${String(Math.exp(Math.fround(-2 * Math.LN2)))}]}`;
    assert.equal(
      all(
        json(
          reportOfTokens([
            ['a', 1.5],
            ['b', 2],
          ]),
        ),
      ),
      `{"text":"ab",\n"startTokenId":null,"window":8,"stride":5,"windows":1,\n"tokens":[\n${token(0, 0, 1, 1.5)},\n${token(1, 1, 2, 2)}],\n"gaps":[],\n` +
        '"summary":{"tokens":2,"bytes":2,"totalBits":3.5,"bitsPerByte":1.75,"perplexity":3.3635856610148585},\n' +
        `"provenance":{"model":"Tiny <b>","modelHash":"${'ab'.repeat(32)}","dtype":"q8","arithmetic":"native","window":8,"overlap":3,"anchors":"grid",` +
        '"startTokenId":null,"noiseFloorBits":null,"repeatabilityBits":null,"selfCheck":null,"documentVersion":1}}\n',
    );
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

describe('exports: csv', () => {
  it('has one header, a row for each token and gap, and quotes what is text', () => {
    assert.equal(
      csvHeader([sample]) + all(csvRows(sample, 'token')),
      [
        'item,level,id,startByte,endByte,start,end,surprisalBits,entropyBits,rank,contextTokens,tokens,unscoredReason,text',
        '"text.md","token",0,0,1,1,2,,,,0,1,"nothing before it in its window, and no start token","A"',
        '"text.md","token",1,1,6,2,7,1.5,2.5,7,1,1,," ""q"","',
        '"text.md","token",2,6,7,7,8,0.25,2.5,7,2,1,,"\n"',
        '"text.md","token",3,7,9,8,10,3,2.5,7,3,1,,"⟨F0⟩⟨9F⟩"',
        '"text.md","token",4,9,11,8,10,1.25,2.5,7,4,1,,"⟨A6⟩⟨8A⟩"',
        '"text.md","token",,11,12,10,11,,,,,0,"no token in the vocabulary",',
        '"text.md","token",5,12,20,11,19,12,2.5,7,5,1,,"<script>"',
        '',
      ].join('\n'),
    );
  });

  it('has a last column that names what was read before the text, in every row', () => {
    const sentence = reportOfTokens([
      ['The', 2],
      [' sea', 3.5],
    ]);
    const preamble = { kind: 'text', name: 'notes.md', tokens: 3, sha256: 'ab' } as const;
    const report = { ...sentence, provenance: { ...sentence.provenance, preamble } };
    assert.match(csvHeader([report]), /,text,preamble\n$/);
    for (const level of ['token', 'word', 'sentence'] as const)
      for (const line of all(csvRows(report, level)).trimEnd().split('\n')) assert.match(line, /,"read after notes\.md, 3 tokens"$/);
  });

  it('keeps full precision and a gap at the end', () => {
    const bits = 1.234567890123456;
    const report = reportOf('a\u0004', [row('a', 0, 1, 0, bits)], [{ start: 1, end: 2, startByte: 1, endByte: 2 }]);
    assert.deepEqual(all(csvRows({ ...report, item: 3 }, 'token')).split('\n'), [
      `3,"token",0,0,1,0,1,${String(bits)},2.5,7,0,1,,"a"`,
      '3,"token",,1,2,1,2,,,,,0,"no token in the vocabulary",',
      '',
    ]);
  });

  it('has words in the same columns, without what only tokens have', () => {
    const report = reportOfTokens([
      ['The', 2],
      [' sea', 3.5],
    ]);
    assert.equal(all(csvRows(report, 'word')), '"text.md","word",,0,3,0,3,2,,,0,1,,"The"\n"text.md","word",,4,7,4,7,3.5,,,1,1,,"sea"\n');
  });
});

describe('exports: what was read before the text', () => {
  const preamble = { kind: 'text', name: 'notes.md', tokens: 3, sha256: 'ab' } as const;
  const report = { ...sample, provenance: { ...sample.provenance, preamble } };
  const formats: readonly (readonly [name: string, output: string])[] = [
    ['csv', csvHeader([report]) + all(csvRows(report, 'token'))],
    ['json', all(json(report))],
    ['json lines', all(jsonLine(report, 'token'))],
    ['html', all(html(report))],
    ['svg', all(svg(report))],
    ['markdown', all(markdownTable(report, { token: 'token', bits: 'bits', rank: 'rank', expected: 'expected' }))],
  ];
  for (const [name, output] of formats)
    it(`is named in ${name}`, () => {
      const shown = output.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
      assert.ok(name.startsWith('json') ? shown.includes('"notes.md"') : shown.includes('read after notes.md'), name);
    });
});

describe('exports: words and sentences', () => {
  const shown = (report: Parameters<typeof unitsOf>[0], level: 'word' | 'sentence') =>
    unitsOf(report, level).map(({ text, surprisalBits, tokens, unscoredReason }) => [text, surprisalBits, tokens, unscoredReason]);

  it('bits of a word are the sum over its tokens; white space alone is apart; punctuation is a word', () => {
    const report = reportOfTokens([
      ['Har', 4],
      ['bour', 1],
      [',', 0.5],
      [' it', 2],
      ["'s", 0.25],
      ['\n\n', 3],
      ['quiet', 8],
    ]);
    assert.deepEqual(shown(report, 'word'), [
      ['Harbour', 5, 2, undefined],
      [',', 0.5, 1, undefined],
      ["it's", 2.25, 2, undefined],
      ['\n\n', 3, 1, undefined],
      ['quiet', 8, 1, undefined],
    ]);
  });

  it('a token over two words counts to the one that holds most of it, and every bit is counted once', () => {
    const report = reportOfTokens([
      ['path', 1],
      ['.join', 6],
      ['(x', 2],
    ]);
    assert.deepEqual(shown(report, 'word'), [
      ['path', 1, 1, undefined],
      ['.', null, 0, sharedReason],
      ['join', 6, 1, undefined],
      ['(', 2, 1, undefined],
      ['x', null, 0, sharedReason],
    ]);
  });

  it('a word with a token that has no score has none, and says why', () => {
    assert.deepEqual(
      shown(
        reportOfTokens([
          ['un', NaN],
          ['seen', 1],
          [' sea', 1],
        ]),
        'word',
      ),
      [
        ['unseen', null, 2, 'nothing before it in its window, and no start token'],
        ['sea', 1, 1, undefined],
      ],
    );
    const gap = { start: 1, end: 2, startByte: 1, endByte: 2 };
    const report = reportOf('a\u0004b c', [row('a', 0, 1, 0, 1), row('b', 2, 3, 2, 1), row(' c', 3, 5, 3, 1)], [gap]);
    assert.deepEqual(
      unitsOf(report, 'sentence').map(unit => unit.unscoredReason),
      ['no token in the vocabulary'],
    );
  });

  it('no word of an emoji is cut, and bytes are those of the scored copy', () => {
    const units = unitsOf(sample, 'word');
    assert.deepEqual(
      units.map(({ text, startByte, endByte, start, end }) => [text, startByte, endByte, start, end]),
      [
        ['A', 0, 1, 1, 2],
        ['"', 2, 3, 3, 4],
        ['q', 3, 4, 4, 5],
        ['",', 4, 6, 5, 7],
        ['\n', 6, 7, 7, 8],
        ['🦊\u0004<', 7, 13, 8, 12],
        ['script', 13, 19, 12, 18],
        ['>', 19, 20, 18, 19],
      ],
    );
  });

  it('sentences are sums as well, over line breaks; the paragraph break between two is apart', () => {
    const report = reportOfTokens([
      ['One', 1],
      ['\n', 1],
      ['more', 1],
      ['.', 1],
      [' Then', 5],
      ['.', 1],
      ['\n\n', 9],
      ['Last', 2],
    ]);
    assert.deepEqual(shown(report, 'sentence'), [
      ['One\nmore.', 4, 4, undefined],
      ['Then.', 6, 2, undefined],
      ['\n\n', 9, 1, undefined],
      ['Last', 2, 1, undefined],
    ]);
    const parsed = JSON.parse(all(json(report, 'sentence'))) as { readonly units: readonly { readonly surprisalBits: number }[] };
    assert.equal(
      parsed.units.reduce((sum, unit) => sum + unit.surprisalBits, 0),
      report.summary.totalBits,
    );
  });
});

describe('exports: a selection', () => {
  const report = reportOfTokens([
    ['The', 1],
    [' quiet', 2],
    [' harbour', 4],
    ['.', 8],
  ]);
  const cut = (start: number, end: number) => {
    const part = partOf(report, { start, end });
    return [report.text.slice(part.part?.start, part.part?.end), part.summary.totalBits, part.summary.tokens, part.summary.bytes];
  };

  it('holds the cells that lie mostly inside, whole, with the numbers and offsets they have in the document', () => {
    assert.deepEqual(cut(4, 9), [' quiet', 2, 1, 6]);
    assert.deepEqual(cut(1, 12), ['The quiet', 3, 2, 9]);
    assert.deepEqual(cut(2, 18), [' quiet harbour.', 14, 3, 15]);
    assert.deepEqual(cut(5, 6), [' quiet', 2, 1, 6], 'a piece of one cell is that cell');
    assert.deepEqual(cut(0, 18), [report.text, 15, 4, 18]);
    const [first] = (JSON.parse(all(json(partOf(report, { start: 4, end: 9 })))) as { readonly tokens: readonly object[] }).tokens;
    assert.deepEqual(first, (JSON.parse(all(json(report))) as { readonly tokens: readonly object[] }).tokens[1]);
  });

  it('tiles with gaps and a byte order mark', () => {
    for (let start = 0; start < text.length; start++) {
      for (let end = start + 1; end <= text.length; end++) {
        const part = partOf(sample, { start, end });
        const drawn = [...segmentsOf(part)].map(segment => text.slice(segment.start, segment.end)).join('');
        assert.equal(drawn, text.slice(part.part?.start, part.part?.end));
        const named = all(csvRows(part, 'token')).split('\n').length - 1;
        assert.equal(named >= part.table.length + part.gaps.length, true);
      }
    }
  });

  it('keeps its numbers when the table it is of goes on changing', () => {
    const part = partOf(report, { start: 4, end: 9 });
    report.table.surprisalBits[1] = 99;
    assert.equal(part.table.surprisalBits[0], 2);
    report.table.surprisalBits[1] = 2;
  });
});

describe('exports: several texts', () => {
  it('JSON is one line each, the item first, otherwise the same object', () => {
    const line = all(jsonLine(sample, 'token'));
    assert.match(line, /^[^\n]*\n$/);
    const { item, ...others } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    assert.equal(item, 'text.md');
    assert.deepEqual(others, JSON.parse(all(json(sample))));
  });
});

describe('exports: Markdown', () => {
  const words = { token: 'token', bits: 'bits', rank: 'rank', expected: 'expected' };

  it('is a table with a row for each token', () => {
    const lines = all(
      markdownTable(
        reportOfTokens([
          ['The', NaN],
          [' quiet', 2.25],
        ]),
        words,
      ),
    ).split('\n');
    assert.deepEqual(lines.slice(0, 4), [
      '| token | bits | rank | expected |',
      '| :--- | ---: | ---: | :--- |',
      '| The |  |  | nothing&#32;before&#32;it&#32;in&#32;its&#32;window&#44;&#32;and&#32;no&#32;start&#32;token |',
      '| ·quiet | 2.3 | 7 | The (25.0%) |',
    ]);
    assert.match(lines[5] ?? '', /^Tiny&#32;&#60;b&#62;/);
  });

  it('no token can end its cell or become markup', () => {
    for (const hostile of ['|', '\\|', '`', '<b>', '\n', '[x](y)', '&amp;', '**']) {
      const [, , line = ''] = all(markdownTable(reportOfTokens([hostile]), words)).split('\n');
      assert.equal(line.split('|').length, 6, line);
      assert.doesNotMatch(line.slice(1, line.indexOf('|', 2)), /[\\`<*[\]]/);
    }
  });
});

describe('exports: SVG', () => {
  it('escapes what XML does not know, and holds every visible character', () => {
    const picture = all(svg(sample));
    assert.doesNotMatch(picture, /<script|(?!\n)\p{Cc}/u);
    const shown = [...picture.matchAll(/<text x[^>]*>([^<]*)<\/text>/g)].map(([, content = '']) => content).join('');
    assert.equal(shown.startsWith('A&#34;q&#34;,🦊␄&#60;script&#62;'), true, shown);
    assert.match(picture, /<title>⟨F0⟩⟨9F⟩: 3\.0 bits, rank 7, expected A/);
  });

  it('wraps long lines at words, and paints what the words show', () => {
    const picture = all(svg(reportOfTokens(Array.from({ length: 60 }, () => [' word', 2.5] as const))));
    const places = [...picture.matchAll(/<text x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"[^>]*>word</g)].map(match =>
      match.slice(1).map(Number),
    );
    assert.equal(places.length, 60);
    const width = Number(/width="(\d+)"/.exec(picture)?.[1]);
    assert.ok(places.every(([x = 0, , length = 0]) => x >= 18 && x + length <= width - 18));
    const lines = new Set(places.map(([, y]) => y));
    assert.ok(lines.size > 2);
    for (const line of [...lines].slice(1))
      assert.equal(places.find(([, y]) => y === line)?.[0], 18, 'no space stands at the start of a wrapped line');
    assert.equal(picture.match(/<rect class="b2"/g)?.length, 61, 'one each, and the legend');
  });
});

describe('exports: html', () => {
  it('escapes the text, the file name and the model name', () => {
    const output = all(html({ ...sample, source: '<img src=x onerror=alert(1)>.md' }));
    assert.ok(!/<(img|b)\b/.test(output));
    assert.deepEqual(output.match(/<script.*?>/g), ['<script type="application/json" id="scores">', '<script>'], 'its own');
    assert.ok(output.includes('&#60;script&#62;') && output.includes('&#60;img src=x') && output.includes('Tiny &#60;b&#62;'));
  });
});
