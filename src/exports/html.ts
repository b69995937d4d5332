import { script, scriptHash, style, styleHash } from 'token-page';
import { bandCount } from '../core/band';
import { plainPieces } from '../core/hoverText';
import { tokenScores } from '../core/report';
import type { TokenScore } from '../core/scores';
import type { Vocabulary } from '../core/vocabulary';
import { gapReason, hasUnscored, type Report } from './report';
import { paintOf, segmentsOf, type Segment } from './segments';
import type { TokenPageRow } from './tokenPageData';
import { bandLabel, headlineOf, provenanceLine, summaryRows, titleOf } from './words';

/** More alternatives than these do not fit on a screen. */
const mostAlternatives = 10;
const rowsAtATime = 256;
const pieceCharacters = 1 << 14;

/**
 * One page that needs nothing else: its one script is in it, nothing is fetched. The text of its one `pre` is the input, character by character;
 * each child element there is one piece of text with `data-n` tokens (1 where it is not said), in the order of the rows of the data.
 */
export function* html(report: Report): Generator<string> {
  const { source, text, part, summary } = report;
  const title = source === undefined ? 'Token Lens' : `${source} – Token Lens`;
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${styleHash}'; script-src '${scriptHash}'">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Token Lens">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escaped(titleOf(report))}</h1>
<p>${escaped(headlineOf(report, 'Stronger colour or line'))}. Surprising to this model, not wrong.</p>
${legend(report)}
${summaryList(report)}
<p class="hint" hidden>Click a word to see what the model expected there. With the keyboard: Tab to the text, arrow keys from token to token, Enter to open, Escape to close.</p>
<noscript><p class="hint">What the model expected is shown by a script in this page, and scripts are switched off.</p></noscript>
</header>
<main>
`;
  yield '<pre dir="auto">'; // a parser drops a line break that follows at once, but those of the text stand in a span
  let shown = '';
  for (const segment of segmentsOf(report)) {
    shown += drawn(text.slice(segment.start, segment.end), segment);
    if (shown.length < pieceCharacters) continue;
    yield shown;
    shown = '';
  }
  yield `${shown}</pre>\n`;
  if (summary.bytes === 0) yield `<p class="empty">There is no text in this ${part ? 'selection' : 'file'}.</p>\n`;
  yield `</main>
<aside id="card" tabindex="-1" aria-labelledby="card-title" hidden></aside>
<p id="said" role="status" class="only-spoken"></p>
<footer>
<p title="model sha256 ${escaped(report.provenance.modelHash)}">${escaped(provenanceLine(report))}</p>
</footer>
<script type="application/json" id="scores">`;
  yield* data(report);
  yield `</script>
<script>${script}</script>
</body>
</html>
`;
}

function legend(report: Report): string {
  const { edges, gaps } = report;
  const bands = Array.from(
    { length: bandCount + 1 },
    (_, band) => `<li><span class="${band === 0 ? 'plain' : `b${String(band)}`}">${escaped(bandLabel(band, edges))}</span></li>`,
  );
  if (hasUnscored(report)) bands.push('<li><span class="unscored">no score: nothing before it</span></li>');
  if (gaps.length > 0) bands.push(`<li><span class="gap">${gapReason}</span></li>`);
  return `<ul class="legend" aria-label="Legend">${bands.join('')}</ul>`;
}

function summaryList(report: Report): string {
  return `<dl>${summaryRows(report)
    .map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`)
    .join('')}</dl>`;
}

function drawn(text: string, segment: Segment): string {
  const tokens = segment.endToken - segment.firstToken;
  if (tokens === 0 && !segment.gap) return escaped(text); // no part of what is read
  const count = tokens === 1 ? '' : ` data-n="${String(tokens)}"`;
  const name = classOf(segment);
  const paint = paintOf(text);
  if (name === '' || paint.end === paint.start) return `<span${count}>${escaped(text)}</span>`;
  if (paint.start === 0 && paint.end === text.length) return `<span${count} class="${name}">${escaped(text)}</span>`;
  const painted = `<i class="${name}">${escaped(text.slice(paint.start, paint.end))}</i>`;
  return `<span${count}>${escaped(text.slice(0, paint.start))}${painted}${escaped(text.slice(paint.end))}</span>`;
}

function classOf({ band, gap }: Segment): string {
  if (gap) return 'gap';
  if (band === undefined) return 'unscored';
  return band === 0 ? '' : `b${String(band)}`;
}

/** `TokenPageData` as JSON in which no `<` stands, so that no markup ends or changes the element it stands in. */
function* data({ table, vocabulary }: Report): Generator<string> {
  const names = new Names(vocabulary);
  yield '{"rows":[';
  for (let from = 0; from < table.length; from += rowsAtATime) {
    const tokens = tokenScores(table, from, Math.min(table.length, from + rowsAtATime));
    yield (from > 0 ? ',' : '') + tokens.map(token => safeJson(pageRow(token, names))).join(',');
  }
  yield `],"names":${safeJson(names.all)}}`;
}

function pageRow(token: TokenScore, names: Names): TokenPageRow {
  const { id, contextTokens, surprisalBits, entropyBits, rank } = token;
  const name = names.indexOf(id);
  if (surprisalBits === null || entropyBits === null || rank === null) return [name, contextTokens, token.unscoredReason ?? 'unknown'];
  return [
    name,
    contextTokens,
    short(surprisalBits),
    short(entropyBits),
    rank,
    token.topIds.slice(0, mostAlternatives).map(top => names.indexOf(top)),
    token.topProbabilities.slice(0, mostAlternatives).map(short),
  ];
}

/** Each name once, in the order of their first use. */
class Names {
  readonly all: string[] = [];
  readonly #indices = new Map<number, number>();
  readonly #vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  indexOf(id: number): number {
    let index = this.#indices.get(id);
    if (index === undefined) {
      index = this.all.push(plainPieces(this.#vocabulary.piecesOf(id))) - 1;
      this.#indices.set(id, index);
    }
    return index;
  }
}

/** For people: five digits are more than is shown. */
function short(value: number): number {
  return Number(value.toPrecision(5));
}

function safeJson(data: unknown): string {
  return JSON.stringify(data).replaceAll('<', String.raw`\u003c`);
}

/** For content and for double-quoted attributes. A raw CR would be read as LF. */
function escaped(text: string): string {
  return text.replace(/[&<>"'\r]/g, character => `&#${String(character.charCodeAt(0))};`);
}
