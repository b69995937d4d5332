// Draws the walkthrough's pictures into media/walkthrough: SVG whose colours are VS Code's theme variables, so that they fit every theme. The
// numbers are what the bundled model says of samples/harbour.md; dist/ has to be built.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = path.join(root, 'media/walkthrough');
const width = 440;
const advance = 8.4; // of a character at 14 px, forced by `textLength`: fonts differ
const left = 28;

const ink = 'var(--vscode-editor-foreground)';
const dim = 'var(--vscode-descriptionForeground)';
const accent = 'var(--vscode-tokenLens-band5Underline)';
const band = (/** @type {number} */ step) => `var(--vscode-tokenLens-band${String(step)}Background)`;

/** @param {string} json @returns {unknown} */
const parsed = json => JSON.parse(json);
const escaped = (/** @type {string} */ text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** @param {string} text @param {number} x @param {number} y @param {string} [colour] @param {string} [more] */
function words(text, x, y, colour = ink, more = '') {
  const length = (text.length * advance).toFixed(1);
  return `<text x="${x.toFixed(1)}" y="${String(y)}" fill="${colour}" textLength="${length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" ${more}>${escaped(text)}</text>`;
}

/** One line of text whose pieces have bands. @param {readonly (readonly [text: string, band: number])[]} pieces @param {number} y */
function line(pieces, y) {
  let at = left;
  return pieces
    .map(([text, step]) => {
      const x = at;
      at += text.length * advance;
      const shown = text.trimStart();
      const begin = x + (text.length - shown.length) * advance;
      const end = begin + shown.length * advance;
      const tint =
        step === 0
          ? ''
          : `<rect x="${begin.toFixed(1)}" y="${String(y - 14)}" width="${(end - begin).toFixed(1)}" height="19" rx="3" fill="${band(step)}"/>`;
      const dashes = step === 4 ? ' stroke-dasharray="4 3"' : '';
      const rule =
        step < 4
          ? ''
          : `<line x1="${begin.toFixed(1)}" x2="${end.toFixed(1)}" y1="${String(y + 4)}" y2="${String(y + 4)}" stroke="${accent}" stroke-width="2"${dashes}/>`;
      return `${tint}${words(text, x, y)}${rule}`;
    })
    .join('');
}

/** @param {number} x @param {number} y @param {number} w @param {number} h */
const card = (x, y, w, h) =>
  `<rect x="${String(x)}" y="${String(y)}" width="${String(w)}" height="${String(h)}" rx="6" fill="var(--vscode-editorHoverWidget-background)" stroke="var(--vscode-editorHoverWidget-border, ${dim})"/>`;

/** Rows of a distribution. @param {readonly Row[]} rows @param {number} x @param {number} y */
function bars(rows, x, y) {
  const most = Math.max(...rows.map(({ share }) => share));
  return rows
    .map(({ token, share, isActual }, index) => {
      const at = y + index * 24;
      const label = share < 0.001 ? '<0.1%' : `${(100 * share).toFixed(1)}%`;
      return [
        words(token, x, at, isActual ? accent : ink),
        `<rect x="${String(x + 100)}" y="${String(at - 11)}" width="${Math.max(2, (share / most) * 180).toFixed(1)}" height="13" rx="2" fill="${isActual ? accent : 'var(--vscode-charts-blue)'}"/>`,
        words(label, x + 350 - label.length * advance, at, dim),
      ].join('');
    })
    .join('');
}

/** @param {string} name @param {number} height @param {string} title @param {string} content */
function picture(name, height, title, content) {
  const frame = `<rect x="0.5" y="0.5" width="${String(width - 1)}" height="${String(height - 1)}" rx="8" fill="var(--vscode-editor-background)" stroke="var(--vscode-widget-border, ${dim})"/>`;
  const style = 'font-family="var(--vscode-editor-font-family, monospace)" font-size="14"';
  writeFileSync(
    path.join(folder, `${name}.svg`),
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" width="${String(width)}" height="${String(height)}" ${style} role="img"><title>${escaped(title)}</title>${frame}${content}</svg>\n`,
  );
}

/** @typedef {{ readonly start: number, readonly end: number, readonly surprisalBits: number, readonly rank: number, readonly topIds: readonly number[], readonly topProbabilities: readonly number[] }} Token */
/** @typedef {{ readonly token: string, readonly share: number, readonly isActual: boolean }} Row */

const sample = path.join(root, 'samples/harbour.md');
const report = execFileSync(process.execPath, [path.join(root, 'dist/cli.js'), 'score', '--format', 'json', sample], {
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
});
const scored = /** @type {{ readonly text: string, readonly tokens: readonly Token[] }} */ (parsed(report));
const tokenizer = /** @type {{ readonly model: { readonly vocab: Readonly<Record<string, number>> } }} */ (
  parsed(readFileSync(path.join(root, 'models/smollm2-135m-instruct/tokenizer.json'), 'utf8'))
);
const names = new Map(Object.entries(tokenizer.model.vocab).map(([name, id]) => [id, name.replace('Ġ', '')]));
const textOf = (/** @type {Token} */ { start, end }) => scored.text.slice(start, end);
const bandEdges = [6, 8, 11, 13, 15]; // of prose
const bandOf = (/** @type {Token} */ { surprisalBits }) => bandEdges.filter(edge => surprisalBits >= edge).length;

/** A piece of the sample as it is coloured. @param {string} piece @param {number} y */
function scoredLine(piece, y) {
  const start = scored.text.indexOf(piece);
  const tokens = scored.tokens.filter(token => token.start < start + piece.length && token.end > start);
  return line(
    tokens.map((token, index) => [index === 0 ? textOf(token).trimStart() : textOf(token), bandOf(token)]),
    y,
  );
}

const tokenNamed = (/** @type {string} */ word) => {
  const found = scored.tokens.find(token => textOf(token).trim() === word);
  if (!found) throw new Error(`The sample has no token ${word}.`);
  return found;
};

/** The best tokens at a place, the one in the text among them or after them. @param {Token} token @param {number} count */
function rowsOf(token, count) {
  const own = textOf(token).trim();
  const best = token.topIds.slice(0, count).map((id, index) => {
    const name = names.get(id) ?? '';
    return { token: name, share: token.topProbabilities[index] ?? 0, isActual: name === own };
  });
  return best.some(row => row.isActual) ? best : [...best, { token: own, share: 2 ** -token.surprisalBits, isActual: true }];
}
const best = (/** @type {Token} */ token) => names.get(token.topIds[0] ?? -1) ?? '';
const bits = (/** @type {Token} */ token) => `${token.surprisalBits.toFixed(1)} bits`;
const count = (/** @type {number} */ value) => value.toLocaleString('en-GB');

mkdirSync(folder, { recursive: true });

const shown = [
  'The harbour was quiet before dawn.',
  'When the first gull cried,',
  'that is the quarterly report.',
  'The capital of France is Tuesday.',
];
picture(
  'colours',
  176,
  'Words of a text, more strongly coloured where they surprise the model',
  shown.map((piece, index) => scoredLine(piece, 44 + 28 * index)).join(''),
);

const odd = tokenNamed('quarterly');
picture(
  'hover',
  304,
  'A hover over one word: its bits, its rank, and what the model expected instead',
  `${scoredLine('that is the quarterly report.', 40)}${card(28, 60, 384, 220)}${words(`${textOf(odd).trim()}   ${bits(odd)}`, 44, 90)}${words(`rank ${count(odd.rank)} of ${count(names.size)}`, 44, 114, dim)}${bars(rowsOf(odd, 4), 44, 150)}`,
);

const paris = tokenNamed('Paris');
const rest = 1 - rowsOf(paris, 5).reduce((sum, { share }) => sum + share, 0);
picture(
  'next',
  262,
  'The panel: the distribution of the next token at the cursor',
  `${words('The capital of France is', left, 40)}<rect x="${String(left + 24 * advance + 4)}" y="26" width="2" height="18" fill="var(--vscode-editorCursor-foreground)"/>${card(28, 60, 384, 178)}${bars(rowsOf(paris, 5), 44, 92)}${words(`everything else ${(100 * rest).toFixed(1)}%`, 44, 218, dim)}`,
);

const step = (width - 2 * left) / scored.tokens.length;
const columns = scored.tokens.map(({ surprisalBits }, index) => {
  const height = Math.max(1, 1.9 * surprisalBits);
  return `<rect x="${(left + index * step).toFixed(2)}" y="${(78 - height).toFixed(1)}" width="${(0.8 * step).toFixed(2)}" height="${height.toFixed(1)}" fill="${surprisalBits >= 15 ? accent : 'var(--vscode-charts-blue)'}"/>`;
});
const places = [...scored.tokens].sort((a, b) => b.surprisalBits - a.surprisalBits).slice(0, 3);
const lineNumber = (/** @type {Token} */ { start }) => String(scored.text.slice(0, start + 1).split('\n').length);
picture(
  'places',
  230,
  'Surprisal along the document, and a list of its most surprising places',
  `${columns.join('')}<line x1="${String(left)}" x2="${String(width - left)}" y1="79" y2="79" stroke="${dim}"/>${places
    .map(
      (token, index) =>
        `${words(lineNumber(token).padStart(2), 28, 114 + index * 40, dim)}${words(textOf(token).trim(), 62, 114 + index * 40)}${words(`${bits(token)}, rank ${count(token.rank)}, expected ${best(token)}`, 62, 132 + index * 40, dim)}`,
    )
    .join('')}`,
);

picture(
  'private',
  200,
  'The text and the model stay on this computer',
  `<rect x="120" y="36" width="200" height="112" rx="8" fill="none" stroke="${ink}" stroke-width="2"/><line x1="96" x2="344" y1="164" y2="164" stroke="${ink}" stroke-width="6" stroke-linecap="round"/>${words('text', 150, 84)}<path d="M196 80h36m-8-6l8 6-8 6" fill="none" stroke="${accent}" stroke-width="2"/>${words('model', 244, 84)}${words('no network', 178, 122, dim)}`,
);
