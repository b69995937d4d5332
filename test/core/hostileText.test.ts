import assert from 'node:assert/strict';
import MarkdownIt from 'markdown-it';
import { parse, parseFragment } from 'parse5';
import type { DefaultTreeAdapterTypes } from 'parse5';
import { hoverMarkdown, plainPieces, safeLabel } from '../../src/core/hoverText';
import { piecesOfBytes } from '../../src/core/vocabulary';
import { csvHeader, csvRows } from '../../src/exports/csv';
import { html } from '../../src/exports/html';
import { json } from '../../src/exports/json';
import { markdownTable } from '../../src/exports/markdown';
import type { Report } from '../../src/exports/report';
import { svg } from '../../src/exports/svg';
import { safeLine } from '../../src/exports/visibleText';
import { all, reportOf, row } from '../exports/reports';
import { hostileTexts } from './hostile';

type Node = DefaultTreeAdapterTypes.ChildNode;
type Parent = DefaultTreeAdapterTypes.ParentNode;

const cases = 10_000;
const texts = hostileTexts(cases);
/** So many tokens a report. */
const reportTokens = 250;
const encoder = new TextEncoder();
/** Raw HTML and bare addresses are let through, as VS Code's own renderer does for hovers of ours. */
const markdown = new MarkdownIt({ html: true, linkify: true });

/** Every hostile text is a token; it also names the file. A text with NUL is binary, which is never exported. */
function reports(): readonly (readonly [report: Report, tokens: readonly string[]])[] {
  const tokens = texts.map(text => text.toWellFormed().replaceAll('\0', '') || 'x');
  return Array.from({ length: Math.ceil(tokens.length / reportTokens) }, (_, index) => {
    const part = tokens.slice(index * reportTokens, (index + 1) * reportTokens);
    let [start, startByte] = [0, 0];
    const rows = part.map((token, place) => {
      const made = row(token, start, start + token.length, startByte, place % 17);
      start += token.length;
      startByte += encoder.encode(token).length;
      return made;
    });
    return [reportOf(part.join(''), rows, [], part[index % part.length]), part];
  });
}

function outline(parent: Parent, textOf: (node: DefaultTreeAdapterTypes.Element) => string | undefined): string {
  return parent.childNodes
    .map((node: Node) => {
      if ('value' in node) return node.value;
      if (!('tagName' in node)) return `(${node.nodeName})`;
      const attributes = node.attrs.map(({ name, value }) => ` ${name}="${value}"`).join('');
      return `<${node.tagName}${attributes}>${textOf(node) ?? outline(node, textOf)}</>`;
    })
    .join('');
}

function textIn(node: Node | Parent): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textIn).join('') : '';
}

function elementsIn(parent: Parent): DefaultTreeAdapterTypes.Element[] {
  return parent.childNodes.flatMap(node => ('tagName' in node ? [node, ...elementsIn(node)] : []));
}

function elementOf(parent: Parent, tagName: string, id?: string): DefaultTreeAdapterTypes.Element {
  const found = elementsIn(parent).find(
    ({ tagName: name, attrs }) => name === tagName && (id === undefined || attrs.some(({ value }) => value === id)),
  );
  assert.ok(found, `${tagName} ${id ?? ''}`);
  return found;
}

/** Tags and the names of their attributes. */
function kindsIn(parent: Parent): ReadonlySet<string> {
  return new Set(elementsIn(parent).map(({ tagName, attrs }) => [tagName, ...attrs.map(({ name }) => name)].join(' ')));
}

function assertWithin(kinds: ReadonlySet<string>, allowed: readonly string[]): void {
  assert.deepEqual(
    [...kinds].filter(kind => !allowed.includes(kind)),
    [],
  );
}

describe(`${cases.toLocaleString('en')} hostile texts`, function () {
  this.timeout(300_000);

  it('are text and nothing else in a hover', () => {
    const hoverOf = (text: string) => {
      const token = piecesOfBytes(encoder.encode(text));
      const link = `command:tokenLens.showAlternatives?${encodeURIComponent(JSON.stringify([{ uri: 'file:///a', id: 1 }]))}`;
      const rows = [
        { rank: 1, token, probability: 0.5, actual: false, link, onward: { address: link, title: text } },
        { rank: 2, token, probability: 0.2, actual: true },
      ];
      const table = {
        headings: ['Rank', 'Token', 'P'] as const,
        rows,
        everythingElse: { label: 'rest', probability: 0.3 },
        actualMark: 'here',
      };
      return parseFragment(markdown.render(hoverMarkdown([{ token, lines: ['Bits.'], table }], 'disabledForeground')));
    };
    const outlineOf = (shown: Parent) =>
      outline(shown, node => {
        if (node.tagName !== 'code') return undefined;
        assertWithin(kindsIn(node), ['span style']);
        return 'TOKEN';
      }).replaceAll(/ title="[^"]*(?:"[^"]*)*?"(?=>↳)/g, ' title');
    const usual = outlineOf(hoverOf('x'));
    assert.match(usual, /TOKEN.*TOKEN.*TOKEN/s);
    for (const text of texts) {
      const shown = hoverOf(text);
      assert.equal(outlineOf(shown), usual, JSON.stringify(text));
      const codes = elementsIn(shown).filter(({ tagName }) => tagName === 'code');
      const name = plainPieces(piecesOfBytes(encoder.encode(text)));
      for (const code of codes) assert.equal(textIn(code).replaceAll('◌', ''), name.replaceAll('◌', ''), JSON.stringify(text));
    }
  });

  it('make no icon and no link of a label or a message', () => {
    for (const text of texts) {
      const label = safeLabel(text);
      // As VS Code looks for them.
      assert.doesNotMatch(label, /\$\([\w-]+(?:~[\w-]+)?\)/);
      assert.doesNotMatch(label, /\[[^\]]+\]\((?:https?:\/\/|command:|file:)[^)\s]+/i);
      assert.equal(label.replaceAll('\u2060', ''), text.replaceAll('\u2060', ''));
    }
  });

  it('hide nothing and turn nothing in a list', () => {
    for (const text of texts) {
      assert.doesNotMatch(safeLine(text), /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u);
      assert.doesNotMatch(plainPieces(piecesOfBytes(encoder.encode(text))), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });

  it('are the text of an exported page, and neither its markup nor its script', () => {
    const skeleton = (page: Parent) =>
      outline(page, ({ tagName, attrs }) =>
        ['pre', 'title', 'h1'].includes(tagName) || attrs.some(({ value }) => value === 'scores') ? '' : undefined,
      );
    let usual: string | undefined;
    for (const [report, tokens] of reports()) {
      const page = parse(all(html(report)));
      const pre = elementOf(page, 'pre');
      assert.equal(textIn(pre), report.text);
      assertWithin(kindsIn(pre), ['span', 'span class', 'i class']);
      assert.equal(textIn(elementOf(page, 'h1')), report.source);
      const { names } = JSON.parse(textIn(elementOf(page, 'script', 'scores'))) as { readonly names: readonly string[] };
      const known = new Set(tokens.map(token => plainPieces(piecesOfBytes(encoder.encode(token)))));
      assert.ok(names.every(name => known.has(name)));
      // Numbers differ from text to text, elements do not.
      const elements = skeleton(page).replaceAll(/[\d.,]+/g, '0');
      assert.equal(elements, (usual ??= elements));
    }
  });

  it('are the text of an exported picture', () => {
    for (const [report] of reports()) {
      const picture = all(svg(report));
      assert.doesNotMatch(picture, /[^\P{Cc}\n\t]|[\ufffe\uffff]|&(?!#\d+;)/u, 'XML has no such characters or names');
      assert.ok(picture.isWellFormed());
      const root = parseFragment(picture);
      assert.deepEqual([...new Set(elementsIn(root).map(({ tagName }) => tagName))].sort(), [
        'desc',
        'g',
        'line',
        'rect',
        'style',
        'svg',
        'text',
        'title',
      ]);
      const names = new Set(elementsIn(root).flatMap(({ attrs }) => attrs.map(({ name }) => name)));
      assert.deepEqual(
        [...names].filter(name => /^on|href|src/i.test(name)),
        [],
      );
      assert.equal(textIn(elementOf(root, 'style')).includes('url('), false);
    }
  });

  it('stay in their cells of a Markdown table', () => {
    const words = { token: 'token', bits: 'bits', rank: 'rank', expected: 'expected' };
    for (const [report, tokens] of reports()) {
      const shown = parseFragment(markdown.render(all(markdownTable(report, words))));
      assertWithin(kindsIn(shown), ['table', 'thead', 'tbody', 'tr', 'th style', 'td style', 'p']);
      const cells = elementsIn(shown).filter(({ tagName }) => tagName === 'td');
      assert.equal(cells.length, 4 * tokens.length);
      for (const [place, token] of tokens.entries())
        assert.equal(
          textIn(cells[4 * place] ?? shown).replaceAll('◌', ''),
          plainPieces(piecesOfBytes(encoder.encode(token))).replaceAll('◌', ''),
        );
    }
  });

  it('stay in their cells of a CSV file, where no spreadsheet computes them', () => {
    for (const [report, tokens] of reports()) {
      for (const level of ['token', 'sentence'] as const) {
        const records = csvRecords(csvHeader([report]) + all(csvRows(report, level)));
        for (const record of records) {
          assert.equal(record.length, 14);
          for (const cell of record) assert.doesNotMatch(cell, /^\s*[=+\-@＝＋－＠].*[\p{L}\p{N}]/su);
        }
        // One apostrophe is taken away from what would be a formula without it.
        const back = (cell = '') => (/^'['\s]*[=+\-@＝＋－＠].*[\p{L}\p{N}]/su.test(cell) ? cell.slice(1) : cell);
        if (level === 'token')
          assert.deepEqual(
            records.slice(1).map(record => back(record[13])),
            tokens,
          );
        else assert.ok(records.slice(1).every(record => report.text.includes(back(record[13]))));
        assert.equal(back(records[1]?.[0]), report.source);
      }
    }
  });

  it('are values of a JSON file, whose bytes steer no terminal', () => {
    for (const [report, tokens] of reports()) {
      const written = all(json(report));
      const read = JSON.parse(written) as {
        readonly text: string;
        readonly tokens: readonly { readonly start: number; readonly end: number }[];
      };
      assert.equal(read.text, report.text);
      assert.deepEqual(
        read.tokens.map(({ start, end }) => read.text.slice(start, end)),
        tokens,
      );
      assert.doesNotMatch(written, /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
    }
  });
});

/** As RFC 4180 has it. */
function csvRecords(csv: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\n') {
      records.push(record);
      record = [];
    }
  }
  return records;
}
