import { formatCount, formatPercent, fullBar } from './numberText';
import type { TokenPieces } from './vocabulary';

/** What a hover says of one token, in words that are already in the reader's language. Only `token`s come from the text or the vocabulary. */
export interface HoverToken {
  readonly token: TokenPieces;
  /** Sentences beside the token: bits, rank, context. May be Markdown. */
  readonly lines: readonly string[];
  /** Undefined for a token without a score. */
  readonly table: HoverTable | undefined;
}

export interface HoverTable {
  readonly headings: readonly [rank: string, token: string, probability: string];
  readonly rows: readonly HoverRow[];
  readonly everythingElse: { readonly label: string; readonly probability: number };
  /** Stands beside the token that is in the document. */
  readonly actualMark: string;
}

export interface HoverRow {
  readonly rank: number;
  readonly token: TokenPieces;
  readonly probability: number;
  readonly actual: boolean;
  /** Address of a command that the token becomes a link to; made by us, and URI-encoded. */
  readonly link?: string | undefined;
  /** Beside the token: a link to how the text would go on with it. `title` is plain text. */
  readonly onward?: { readonly address: string; readonly title: string } | undefined;
}

/** Width of a full bar, in characters. */
const barWidth = 16;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * Hover content as Markdown with the few HTML tags that VS Code lets through. Tokens are hostile input: only `escapedPieces` writes them.
 * `accent`: the theme colour of the bar of the token that is in the document.
 */
export function hoverMarkdown(tokens: readonly HoverToken[], accent: string): string {
  return tokens.map(token => tokenMarkdown(token, accent)).join('\n\n---\n\n');
}

function tokenMarkdown({ token, lines, table }: HoverToken, accent: string): string {
  const [first = '', ...others] = lines;
  const blocks = [`### ${escapedPieces(token)} &nbsp; ${first}`, ...others];
  if (table) blocks.push(tableMarkdown(table, accent));
  return blocks.join('\n\n');
}

function tableMarkdown({ headings, rows, everythingElse, actualMark }: HoverTable, accent: string): string {
  const line = (...columns: readonly string[]) => `| ${columns.join(' | ')} |`;
  const [rank, token, probability] = headings;
  const full = fullBar(Math.max(everythingElse.probability, ...rows.map(row => row.probability)));
  return [
    // Cells have next to no padding: at a large font two headings would be one word.
    line(rank, `&nbsp;${token}`, probability, dimmed(`0 – ${(full * 100).toString()}%`)),
    '| ---: | :--- | ---: | :--- |',
    ...rows.map(row =>
      line(
        formatCount(row.rank),
        (row.actual ? `${escapedPieces(row.token)} ◂ **${actualMark}**` : linked(escapedPieces(row.token), row.link)) +
          onwardLink(row.onward),
        `${formatPercent(row.probability)}%`,
        coloured(bar(row.probability / full), row.actual ? accent : 'disabledForeground'),
      ),
    ),
    line(
      '',
      `*${everythingElse.label}*`,
      `${formatPercent(everythingElse.probability)}%`,
      dimmed(bar(everythingElse.probability / full, '░')),
    ),
  ].join('\n');
}

function linked(text: string, link: string | undefined): string {
  return link === undefined ? text : `[${text}](<${link}>)`;
}

function onwardLink(onward: HoverRow['onward']): string {
  return onward ? ` &nbsp;[↳](<${onward.address}> "${escapedText(onward.title)}")` : '';
}

/** A token as Markdown that shows exactly its pieces: glyphs dimmed, everything in the editor's type. */
export function escapedPieces(pieces: TokenPieces): string {
  const shown = pieces.map(({ text, glyph }) => (glyph ? dimmed(escapedText(text)) : escapedText(text)));
  return `<code>${shown.join('')}</code>`;
}

/**
 * Any text as Markdown that renders as this text and as nothing else. Every ASCII character that is not a letter or a digit becomes a character
 * reference, which by the CommonMark specification can never stand for structure; so do the invisible ones beyond ASCII.
 */
export function escapedText(text: string): string {
  const separated = /^\p{M}/u.test(text) ? `◌${text}` : text; // a mark alone would join what stands before it
  return separated.replaceAll(
    /[^A-Za-z0-9\u{a1}-\u{10ffff}]|[\p{Z}\p{Cc}\p{Cf}\p{Cs}]/gu,
    character => `&#${(character.codePointAt(0) ?? 0).toString()};`,
  );
}

/** The token as plain text, for labels. */
export function plainPieces(pieces: TokenPieces): string {
  return pieces.map(piece => piece.text).join('');
}

/**
 * Text for labels, which turn `$(name)` into an icon, and for messages, which turn `[words](command:id)` into a link that runs it: the characters stay, with
 * a word joiner in between.
 */
export function safeLabel(text: string): string {
  return text.replaceAll(/[$\]](?=\()/g, '$&\u2060');
}

/** Blocks of up to `barWidth` characters; what is not 0 is never drawn as nothing. `share`: of a full bar. */
export function bar(share: number, block = '█'): string {
  const steps = Math.round(Math.min(1, Math.max(0, share)) * barWidth * 8);
  if (share <= 0) return '';
  if (block !== '█') return block.repeat(Math.max(1, Math.round(steps / 8)));
  return `${block.repeat(Math.floor(steps / 8))}${eighths[steps % 8] ?? ''}` || '▏';
}

function coloured(text: string, colour: string): string {
  return text === '' ? '' : `<span style="color:var(--vscode-${colour.replaceAll('.', '-')});">${text}</span>`;
}

function dimmed(text: string): string {
  return coloured(text, 'disabledForeground');
}
