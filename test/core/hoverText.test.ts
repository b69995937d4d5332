import assert from 'node:assert/strict';
import { bar, escapedPieces, escapedText, hoverMarkdown } from '../../src/core/hoverText';
import type { HoverToken } from '../../src/core/hoverText';
import { formatPercent } from '../../src/core/numberText';
import { piecesOfBytes } from '../../src/core/vocabulary';

const encoder = new TextEncoder();
const hostile = [
  '`code`',
  '``` fence',
  'a | b',
  '|---|---|',
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[link](command:workbench.action.quit)',
  '![image](https://example.com/a.png)',
  'https://example.com www.example.com me@example.com',
  '$(trash) $(sync~spin)',
  '**bold** _it_ ~~no~~',
  '# heading',
  '1. list\n- list\n> quote\n\n---\n',
  '&lt;b&gt; &#60; &amp;',
  '\\',
  '\\|',
  '</code></span></table>',
  '\u202eabc\u2066',
  '\u0301\u0301',
  '🙂 \u{1f1e9}\u{1f1ea}',
  '\0\u0007\u001b[31m',
  '-->',
  '{{x}} ${x}',
];

/** What the Markdown would show, if all of it is text: the inverse of the escaping. */
function shown(markdown: string): string {
  return markdown.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

describe('escapedText', () => {
  it('leaves nothing that Markdown, HTML or VS Code could read as structure', () => {
    for (const text of [...hostile, ...randomTexts(2_000)]) {
      // Letters, digits, visible characters beyond ASCII, and character references, which never stand for structure.
      assert.match(escapedText(text), /^(?:[A-Za-z0-9]|&#\d+;|[\u{a1}-\u{10ffff}])*$/u);
      assert.doesNotMatch(escapedText(text), /[\p{Z}\p{Cc}\p{Cf}\p{Cs}]/u);
    }
  });

  it('loses nothing', () => {
    for (const text of [...hostile, ...randomTexts(2_000)])
      assert.equal(shown(escapedText(text)).replace(/^◌(?=\p{M})/u, ''), text.replace(/^◌(?=\p{M})/u, ''));
  });
});

describe('hoverMarkdown', () => {
  const tokenOf = (text: string): HoverToken => ({
    token: piecesOfBytes(encoder.encode(text)),
    lines: ['**3.0 bits**', 'Surprising.'],
    table: {
      headings: ['Rank', 'Token', 'Probability'],
      rows: [
        { rank: 1, token: piecesOfBytes(encoder.encode(text)), probability: 0.5, actual: false },
        { rank: 1_234, token: piecesOfBytes(encoder.encode(text)), probability: 0.125, actual: true },
      ],
      everythingElse: { label: 'everything else', probability: 0.375 },
      actualMark: 'in the text',
    },
  });

  it('shows the token, its sentences, the rows in order and everything else last', () => {
    const dim = (text: string) => `<span style="color:var(--vscode-disabledForeground);">${text}</span>`;
    const own = `<span style="color:var(--vscode-tokenLens-ember-band5Underline);">████</span>`;
    const name = `<code>${dim('·')}Paris</code>`;
    assert.equal(
      hoverMarkdown([tokenOf(' Paris')], 'tokenLens.ember.band5Underline'),
      [
        `### ${name} &nbsp; **3.0 bits**`,
        '',
        'Surprising.',
        '',
        `| Rank | &nbsp;Token | Probability | ${dim('0 – 50%')} |`,
        '| ---: | :--- | ---: | :--- |',
        `| 1 | ${name} | 50.0% | ${dim('████████████████')} |`,
        `| 1,234 | ${name} ◂ **in the text** | 12.5% | ${own} |`,
        `|  | *everything else* | 37.5% | ${dim('░░░░░░░░░░░░')} |`,
      ].join('\n'),
    );
  });

  it('keeps its shape whatever the token is', () => {
    const shapeOf = (text: string) =>
      hoverMarkdown([tokenOf(text)], 'disabledForeground').replaceAll(/<code>[^<]*(?:<span [^<]*<\/span>[^<]*)*<\/code>/g, 'TOKEN');
    const shape = shapeOf('x');
    for (const text of [...hostile, ...randomTexts(500)]) if (text !== '') assert.equal(shapeOf(text), shape);
  });

  it('dims glyphs and names bytes', () => {
    assert.equal(
      escapedPieces(piecesOfBytes(Uint8Array.of(0x20, 0x61, 0xe2))),
      '<code><span style="color:var(--vscode-disabledForeground);">·</span>a<span style="color:var(--vscode-disabledForeground);">⟨E2⟩</span></code>',
    );
  });
});

describe('bar', () => {
  it('grows with the probability, is never nothing above 0 and never longer than full', () => {
    assert.deepEqual(
      [0, 1e-9, 0.5, 1, 1.5].map(share => bar(share)),
      ['', '▏', '████████', '████████████████', '████████████████'],
    );
    assert.deepEqual(
      [0, 1e-9, 1].map(share => bar(share, '░')),
      ['', '░', '░░░░░░░░░░░░░░░░'],
    );
  });
});

describe('formatPercent', () => {
  it('never says 0 or 100', () => {
    assert.deepEqual([1e-12, 0.000_002_5, 0.000_25, 0.012, 0.5, 0.9997, 0.999_999_9].map(formatPercent), [
      '<0.0001',
      '0.0003',
      '0.025',
      '1.2',
      '50.0',
      '99.97',
      '>99.99',
    ]);
  });
});

/** Texts of characters that mean something to Markdown, and of any others, the same in every run. */
function randomTexts(count: number): string[] {
  let state = 11;
  const next = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const special = Array.from('`|<>[]()!#*_~-+.&;\\"\'$:/@=\n\r\t {}^0a');
  const character = () =>
    next(4) > 0
      ? (special[next(special.length)] ?? '')
      : String.fromCodePoint([next(0x80), next(0x2100), 0x1f600 + next(60), 0x202a + next(5)][next(4)] ?? 0);
  return Array.from({ length: count }, () => Array.from({ length: 1 + next(12) }, character).join(''));
}
