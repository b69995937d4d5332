import { bandCount } from '../core/band';
import { tokenScores } from '../core/report';
import type { TokenScore } from '../core/scores';
import type { Vocabulary } from '../core/vocabulary';
import { htmlStyle } from './htmlStyle';
import { gapReason, type Report } from './report';
import { paintOf, segmentsOf, type Segment } from './segments';
import { bandLabel, count, decimal, headlineOf, percent, provenanceLine, summaryRows } from './words';

/** Alternatives in a hover title: more than these do not fit on a screen. */
const titleAlternatives = 10;

/** One page that needs nothing else: no script, nothing fetched. The text of its one `pre` is the input, character by character. */
export function* html(report: Report): Generator<string> {
  const { source, text, table, gaps, edges, summary } = report;
  const title = source === undefined ? 'Token Lens' : `${source} – Token Lens`;
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Token Lens">
<title>${escaped(title)}</title>
<style>${htmlStyle}</style>
</head>
<body>
<header>
<h1>${escaped(source ?? 'Standard input')}</h1>
<p>${escaped(headlineOf(report))}. Surprising to this model, not wrong: point at a word to see what it expected.</p>
${legend(report)}
${summaryList(report)}
</header>
<main>
`;
  yield '<pre>'; // a parser drops a line break that follows at once, but those of the text stand in a span
  let shown = '';
  for (const segment of segmentsOf(text, table, gaps, edges)) {
    shown += drawn(segment, report);
    if (shown.length < 1 << 16) continue;
    yield shown;
    shown = '';
  }
  yield `${shown}</pre>\n`;
  if (summary.bytes === 0) yield '<p class="empty">There is no text in this file.</p>\n';
  yield `</main>
<footer>
<p title="model sha256 ${escaped(report.provenance.modelHash)}">${escaped(provenanceLine(report))}</p>
</footer>
</body>
</html>
`;
}

function legend({ edges, table, gaps }: Report): string {
  const bands = Array.from(
    { length: bandCount + 1 },
    (_, band) => `<li><span class="${band === 0 ? 'plain' : `b${String(band)}`}">${escaped(bandLabel(band, edges))}</span></li>`,
  );
  if (table.states.includes(2)) bands.push('<li><span class="unscored">no score: nothing before it</span></li>');
  if (gaps.length > 0) bands.push(`<li><span class="gap">${gapReason}</span></li>`);
  return `<ul class="legend" aria-label="Legend">${bands.join('')}</ul>`;
}

function summaryList(report: Report): string {
  return `<dl>${summaryRows(report)
    .map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`)
    .join('')}</dl>`;
}

function drawn(segment: Segment, report: Report): string {
  const text = report.text.slice(segment.start, segment.end);
  const name = classOf(segment);
  const title = titleOf(segment, report);
  if (title === '') return escaped(text);
  if (name === '') return `<span title="${escaped(title)}">${escaped(text)}</span>`;
  const paint = paintOf(text);
  const painted = paint.end > paint.start ? `<span class="${name}">${escaped(text.slice(paint.start, paint.end))}</span>` : '';
  return `<span title="${escaped(title)}">${escaped(text.slice(0, paint.start))}${painted}${escaped(text.slice(paint.end))}</span>`;
}

function classOf({ band, gap, firstToken, endToken }: Segment): string {
  if (gap) return 'gap';
  if (endToken > firstToken && band === undefined) return 'unscored';
  return band === undefined || band === 0 ? '' : `b${String(band)}`;
}

function titleOf({ gap, firstToken, endToken }: Segment, { table, vocabulary }: Report): string {
  const parts = tokenScores(table, firstToken, endToken).map(token => tokenTitle(token, vocabulary));
  if (gap) parts.push(gapReason);
  return parts.join('\n\n');
}

function tokenTitle(token: TokenScore, vocabulary: Vocabulary): string {
  const { id, surprisalBits, entropyBits, rank, contextTokens, topIds, topProbabilities, unscoredReason } = token;
  if (surprisalBits === null || entropyBits === null || rank === null)
    return `${tokenName(vocabulary, id)}  no score: ${unscoredReason ?? 'unknown'}`;
  const alternatives = topIds.slice(0, titleAlternatives).map((topId, index) => {
    return `${percent(topProbabilities[index] ?? 0).padStart(7)}  ${tokenName(vocabulary, topId)}${topId === id ? '  ←' : ''}`;
  });
  const shown = topProbabilities.slice(0, titleAlternatives).reduce((sum, probability) => sum + probability, 0);
  return [
    `${tokenName(vocabulary, id)}  ${decimal(surprisalBits, 2)} bits, ${percent(2 ** -surprisalBits)}, rank ${count(rank)}`,
    `entropy ${decimal(entropyBits, 2)} bits, ${count(contextTokens)} ${contextTokens === 1 ? 'token' : 'tokens'} before it`,
    ...alternatives,
    `${percent(Math.max(0, 1 - shown)).padStart(7)}  everything else`,
  ].join('\n');
}

function tokenName(vocabulary: Vocabulary, id: number): string {
  return vocabulary
    .piecesOf(id)
    .map(piece => piece.text)
    .join('');
}

/** For content and for double-quoted attributes. A raw CR would be read as LF. */
function escaped(text: string): string {
  return text.replace(/[&<>"'\r]/g, character => `&#${String(character.charCodeAt(0))};`);
}
