import { bandCount } from '../core/band';
import { plainPieces } from '../core/hoverText';
import { formatBits, formatCount } from '../core/numberText';
import { tokenScores } from '../core/report';
import { segmenter } from '../core/textUnits';
import { gapReason, hasUnscored, type Report } from './report';
import { paintOf, segmentsOf, type Segment } from './segments';
import { safeLine, safeText } from './visibleText';
import { bandLabel, headlineOf, provenanceLine, titleOf } from './words';

/** In user units, which are pixels where nothing is scaled. A column is 0.6 of the type's size, as in most monospaced type. */
const size = 15;
const columnWidth = 9;
const lineHeight = 27;
const margin = 18;
const mostColumns = 84;
const tabColumns = 4;
const byteOrderMark = '\ufeff';

const smallSize = 12;
const smallLineHeight = 20;

const style = `
text { font: ${String(size)}px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f1f1f; white-space: pre; }
.small { font: ${String(smallSize)}px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }
.quiet { fill: #5f5f5f; }
.back { fill: #fff; }
.b1, .b2, .b3, .b4, .b5 { fill: #8250df; }
.b1 { fill-opacity: .07; } .b2 { fill-opacity: .13; } .b3 { fill-opacity: .21; } .b4 { fill-opacity: .31; } .b5 { fill-opacity: .43; }
.under { stroke: #8250df; stroke-width: 2; } .b4.under { stroke-dasharray: 4 3; }
.gap, .unscored { fill: none; stroke: #5f5f5f; stroke-dasharray: 1 2; }
`;

interface Run {
  readonly line: number;
  readonly column: number;
  readonly columns: number;
  readonly text: string;
  readonly isPainted: boolean;
  readonly segment: Segment;
}

/**
 * A picture of the text on a light ground: lines as in the text, long ones wrapped. Every run of text has the width of its columns whatever type
 * is at hand, so paint and text agree. Each piece has its numbers as a title, which a browser shows under the mouse.
 */
export function* svg(report: Report): Generator<string> {
  const { runs, lines } = yield* laidOut(report);
  const columns = Math.min(
    mostColumns,
    runs.reduce((most, run) => Math.max(most, run.column + run.columns), 60),
  );
  const width = 2 * margin + columns * columnWidth;
  const notes = notesOf(report, width);
  const textHeight = lines * lineHeight;
  const height = margin + textHeight + smallLineHeight * (notes.length + 2) + margin / 2;
  const title = titleOf(report);
  yield `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}" viewBox="0 0 ${String(width)} ${String(height)}" role="img" aria-labelledby="title desc">
<title id="title">${escaped(title)}</title>
<desc id="desc">${escaped(`${headlineOf(report)}. ${provenanceLine(report)}`)}</desc>
<style>${style}</style>
<rect class="back" width="100%" height="100%"/>
`;
  let segment: Segment | undefined;
  for (const run of runs) {
    if (run.segment !== segment) {
      if (segment) yield '</g>\n';
      segment = run.segment;
      yield `<g>${titleElement(segment, report)}`;
    }
    yield drawn(run);
  }
  if (segment) yield '</g>\n';
  yield* legend(report, margin + textHeight + smallLineHeight);
  for (const [index, note] of notes.entries())
    yield `<text class="small quiet" x="${String(margin)}" y="${String(margin + textHeight + smallLineHeight * (index + 3) - 4)}">${escaped(note)}</text>\n`;
  yield '</svg>\n';
}

function drawn({ line, column, columns, text, isPainted, segment }: Run): string {
  const x = margin + column * columnWidth;
  const y = margin + line * lineHeight;
  const width = columns * columnWidth;
  const parts: string[] = [];
  const name = classOf(segment);
  if (isPainted && name !== '') parts.push(paint(name, x, y, width, lineHeight - 3));
  if (text.trim() !== '')
    parts.push(
      `<text x="${String(x)}" y="${String(y + 17)}" textLength="${String(width)}" lengthAdjust="spacingAndGlyphs">${escaped(text)}</text>`,
    );
  return parts.join('');
}

function paint(name: string, x: number, y: number, width: number, height: number): string {
  const box = `<rect class="${name}" x="${String(x)}" y="${String(y)}" width="${String(width)}" height="${String(height)}" rx="3"/>`;
  if (name !== 'b4' && name !== 'b5') return box;
  const under = y + height - 2;
  return `${box}<line class="${name} under" x1="${String(x)}" x2="${String(x + width)}" y1="${String(under)}" y2="${String(under)}"/>`;
}

function classOf({ band, gap, firstToken, endToken }: Segment): string {
  if (gap) return 'gap';
  if (band === undefined) return endToken > firstToken ? 'unscored' : '';
  return band === 0 ? '' : `b${String(band)}`;
}

function* legend(report: Report, y: number): Generator<string> {
  const swatches: (readonly [name: string, label: string])[] = Array.from(
    { length: bandCount },
    (_, index) => [`b${String(index + 1)}`, bandLabel(index + 1, report.edges)] as const,
  );
  if (hasUnscored(report)) swatches.push(['unscored', 'no score']);
  if (report.gaps.length > 0) swatches.push(['gap', gapReason]);
  let x = margin;
  for (const [name, label] of swatches) {
    yield `${paint(name, x, y - 12, 16, 15)}<text class="small quiet" x="${String(x + 21)}" y="${String(y)}">${escaped(label)}</text>\n`;
    x += 36 + label.length * 6;
  }
}

/** Sentences under the legend, cut into lines that fit. */
function notesOf(report: Report, width: number): string[] {
  const most = Math.floor((width - 2 * margin) / 6.2);
  return [`${titleOf(report)}. ${headlineOf(report)}.`, provenanceLine(report)].map(safeLine).flatMap(text => wrapped(text, most));
}

function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function titleElement({ firstToken, endToken, gap }: Segment, { table, vocabulary }: Report): string {
  const parts = tokenScores(table, firstToken, endToken).map(({ id, surprisalBits, rank, topIds, unscoredReason = '' }) => {
    const name = plainPieces(vocabulary.piecesOf(id));
    if (surprisalBits === null || rank === null) return `${name}: no score, ${unscoredReason}`;
    const expected = plainPieces(vocabulary.piecesOf(topIds[0] ?? id));
    return `${name}: ${formatBits(surprisalBits)} bits, rank ${formatCount(rank)}, expected ${expected}`;
  });
  if (gap) parts.push(gapReason);
  return parts.length === 0 ? '' : `<title>${escaped(parts.join('\n'))}</title>`;
}

/** Where every piece of the text goes, in columns and lines. Yields nothing to write, only pauses: this is most of the work. */
function* laidOut(report: Report): Generator<string, { readonly runs: readonly Run[]; readonly lines: number }> {
  const runs: Run[] = [];
  let line = 0;
  let column = 0;
  for (const segment of segmentsOf(report)) {
    const text = report.text.slice(segment.start, segment.end);
    let isWrapped = false;
    yield '';
    if (text === byteOrderMark && segment.start === 0) continue; // no part of what is read
    const painted = segment.gap ? { start: 0, end: text.length } : paintOf(text);
    const word = safeText(text.slice(painted.start, painted.end));
    if (column > 0 && !word.includes('\n') && column + columnsOf(safeText(text)) > mostColumns && columnsOf(word) < mostColumns) {
      line++; // a word goes to the next line whole
      column = 0;
      isWrapped = true;
    }
    for (const [from, to, isPainted] of [
      [0, painted.start, false],
      [painted.start, painted.end, true],
      [painted.end, text.length, false],
    ] as const) {
      let held = '';
      let heldColumns = 0;
      const put = () => {
        if (held !== '') runs.push({ line, column, columns: heldColumns, text: held, isPainted, segment });
        column += heldColumns;
        held = '';
        heldColumns = 0;
      };
      for (const { segment: grapheme } of graphemes(safeText(text.slice(from, to)))) {
        if (grapheme === '\n') {
          put();
          line++;
          column = 0;
          continue;
        }
        const isTab = grapheme === '\t';
        const wide = isTab ? tabColumns - ((column + heldColumns) % tabColumns) : columnsOf(grapheme);
        if (column + heldColumns + wide > mostColumns) {
          put();
          line++;
          column = 0;
          isWrapped = true;
        }
        if (isWrapped && !isPainted && grapheme.trim() === '') continue; // a space where a line is wrapped
        isWrapped = false;
        held += isTab ? ' '.repeat(wide) : grapheme;
        heldColumns += wide;
      }
      put();
    }
  }
  return { runs, lines: line + 1 };
}

const graphemes = segmenter('grapheme');
/** Emoji, and scripts whose characters fill two columns in monospaced type. */
const doubleWidth =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

function columnsOf(safe: string): number {
  let columns = 0;
  for (const { segment } of graphemes(safe)) columns += doubleWidth.test(segment) ? 2 : 1;
  return columns;
}

/** XML knows no control characters and no unpaired surrogates, not even escaped ones. */
function escaped(text: string): string {
  return safeText(text)
    .toWellFormed()
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, character => `&#${String(character.charCodeAt(0))};`);
}
