import { bandCount } from '../core/band';
import { gapReason, hasUnscored, type Report } from '../exports/report';
import { paintOf, segmentsOf, type Segment } from '../exports/segments';
import { safeLine, safeText } from '../exports/visibleText';
import { bandLabel, headlineOf, provenanceLine, summaryRows } from '../exports/words';

/** How marks are made: colour for a terminal with a dark or a light background, or plain characters. */
export type Paint = 'dark' | 'light' | 'plain';

/** NO_COLOR wins, then FORCE_COLOR, then whether it is a terminal that can. */
export function paintFor(environment: Readonly<Record<string, string | undefined>>, isTerminal: boolean): Paint {
  const { NO_COLOR: none, FORCE_COLOR: forced, TERM: terminal, COLORFGBG: colours } = environment;
  if (none !== undefined && none !== '') return 'plain';
  const wanted = forced === undefined ? isTerminal && terminal !== 'dumb' : !['0', 'false'].includes(forced);
  if (!wanted) return 'plain';
  return /;(7|15)$/.test(colours ?? '') ? 'light' : 'dark'; // "foreground;background", where a terminal says so
}

type Rgb = readonly [red: number, green: number, blue: number];
interface Theme {
  readonly hue: Rgb;
  readonly background: Rgb;
  readonly foreground: Rgb;
  /** Share of the hue in the background of bands 1 to 5. */
  readonly alphas: readonly number[];
}
const themes: Readonly<Record<'dark' | 'light', Theme>> = {
  dark: { hue: [163, 113, 247], background: [31, 31, 31], foreground: [240, 240, 240], alphas: [0.16, 0.25, 0.36, 0.48, 0.62] },
  light: { hue: [130, 80, 223], background: [255, 255, 255], foreground: [24, 24, 24], alphas: [0.09, 0.16, 0.25, 0.35, 0.46] },
};

const escape = '\u001b[';
const reset = `${escape}0m`;
const dim = `${escape}2m`;
const byteOrderMark = '\ufeff';
const plainMarks = ['', '¹', '²', '³', '⁴', '⁵'];
const plainUnscored = '°';
const plainGap = '×';

/** Stands above a text that is one of several. */
export function prettyHeading({ item }: Report): string {
  return `== ${typeof item === 'number' ? `line ${String(item)}` : safeLine(item)}\n`;
}

/** Coloured text with a legend and a summary. No character of the text reaches the terminal if the terminal might obey it. */
export function* pretty(report: Report, paint: Paint): Generator<string> {
  const { text } = report;
  let last = '';
  for (const segment of segmentsOf(report)) {
    const slice = text.slice(segment.start, segment.end);
    if (slice === byteOrderMark && segment.start === 0) continue; // no part of what is read
    last = slice;
    yield drawn(slice, segment, paint);
  }
  if (last !== '' && !/[\r\n]$/.test(last)) yield '\n';
  if (last !== '') yield '\n';
  yield legend(report, paint);
  yield `${summaryRows(report)
    .map(([name, value]) => (name === 'per byte' ? `${value} ${name}` : `${name} ${value}`))
    .join(' · ')}\n`;
  const provenance = safeLine(provenanceLine(report));
  yield paint === 'plain' ? `${provenance}\n` : `${dim}${provenance}${reset}\n`;
}

function drawn(text: string, segment: Segment, paint: Paint): string {
  const { band, gap, firstToken, endToken } = segment;
  const unscored = endToken > firstToken && band === undefined;
  if (!gap && !unscored && (band ?? 0) === 0) return safeText(text);
  const { start, end } = gap ? { start: 0, end: text.length } : paintOf(text);
  if (end <= start) return safeText(text);
  const kind = gap ? 'gap' : unscored ? 'unscored' : (band ?? 0);
  // A style must not reach a line break: a terminal would paint the rest of the line.
  const painted = safeText(text.slice(start, end))
    .split('\n')
    .map(line => (line === '' ? '' : marked(line, kind, paint)))
    .join('\n');
  return safeText(text.slice(0, start)) + painted + safeText(text.slice(end));
}

function marked(line: string, kind: number | 'gap' | 'unscored', paint: Paint): string {
  if (paint === 'plain') return line + (kind === 'gap' ? plainGap : kind === 'unscored' ? plainUnscored : (plainMarks[kind] ?? ''));
  return styleOf(kind, themes[paint]) + line + reset;
}

/** Background and foreground together, so that words can be read on whatever background the terminal has. */
function styleOf(kind: number | 'gap' | 'unscored', { hue, background, foreground, alphas }: Theme): string {
  if (kind === 'gap') return `${escape}2;7m`;
  if (kind === 'unscored') return `${escape}2;3m`;
  const alpha = alphas[kind - 1] ?? 0;
  const mixed = background.map((part, index) => Math.round(part + alpha * ((hue[index] ?? 0) - part)));
  const emphasis = kind === bandCount ? '1;4;' : kind === bandCount - 1 ? '4;' : '';
  return `${escape}${emphasis}38;2;${foreground.join(';')};48;2;${mixed.join(';')}m`;
}

function legend(report: Report, paint: Paint): string {
  const { edges, gaps } = report;
  const bands = Array.from({ length: bandCount + 1 }, (_, band) => {
    const label = bandLabel(band, edges);
    if (band === 0) return label;
    return paint === 'plain' ? `${plainMarks[band] ?? ''} ${label}` : marked(` ${label} `, band, paint);
  });
  const note = (name: string, kind: 'gap' | 'unscored', mark: string) =>
    paint === 'plain' ? `${mark} ${name}` : marked(name, kind, paint);
  if (hasUnscored(report)) bands.push(note('no score: nothing before it', 'unscored', plainUnscored));
  if (gaps.length > 0) bands.push(note(gapReason, 'gap', plainGap));
  const headline = paint === 'plain' ? headlineOf(report, 'Higher number') : headlineOf(report);
  return `${safeLine(headline)}: ${bands.join(paint === 'plain' ? ', ' : '  ')}\n`;
}
