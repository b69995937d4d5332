import type { Span } from './scores';

export type TextScale = 'word' | 'sentence' | 'line' | 'paragraph';

/**
 * How text is cut into words, in words: by Unicode's default rules (UAX #29, with the runtime's dictionaries for scripts without spaces), and
 * further at full stops and colons between letters, as in `path.join`. Punctuation is apart. No grapheme is ever cut.
 */
export const wordRule = 'UAX #29 words, cut at full stops and colons; punctuation apart';

const words = new Intl.Segmenter('en', { granularity: 'word' });
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Units that overlap the span, whole, in order. White space at their ends is not in them, and what is only white space is in none. UTF-16. */
export function textUnitsIn(text: string, span: Span, scale: TextScale): Span[] {
  switch (scale) {
    case 'line':
      return linesIn(text, span).flatMap(line => trimmed(text, line));
    case 'word':
      return linesIn(text, span).flatMap(line => wordsOf(text, line).filter(word => word.start < span.end && word.end > span.start));
    case 'paragraph':
      return paragraphsIn(text, span);
    case 'sentence':
      return paragraphsIn(text, span).flatMap(paragraph =>
        sentencesOf(text, paragraph).filter(sentence => sentence.start < span.end && sentence.end > span.start),
      );
  }
}

/** A block of lines ends at an empty line, and before a heading or an item of a list, which is a sentence of its own however it ends. */
const beginsBlock = /^\s*(?:#{1,6}\s|[-*+]\s|\d{1,9}[.)]\s|>)/;

function paragraphsIn(text: string, span: Span): Span[] {
  let first = lineAt(text, span.start);
  while (first.start > 0 && !beginsBlock.test(textOf(text, first)) && textOf(text, first).trim() !== '') {
    const before = lineAt(text, first.start - 1);
    if (textOf(text, before).trim() === '') break;
    first = before;
  }
  const paragraphs: Span[] = [];
  let open: { start: number; end: number } | undefined;
  for (let line = first; ; line = lineAt(text, line.end + 1)) {
    const content = textOf(text, line);
    const isEmpty = content.trim() === '';
    if (open && (isEmpty || beginsBlock.test(content))) {
      paragraphs.push(open);
      open = undefined;
    }
    if (line.start >= span.end && !open) break;
    if (!isEmpty) open = { start: open?.start ?? line.start, end: line.end };
    if (line.end >= text.length) break;
  }
  if (open) paragraphs.push(open);
  return paragraphs.flatMap(paragraph => trimmed(text, paragraph)).filter(({ start, end }) => start < span.end && end > span.start);
}

function sentencesOf(text: string, paragraph: Span): Span[] {
  // A line feed ends a sentence by the standard's rules, and hard-wrapped prose is full of them.
  const joined = textOf(text, paragraph).replaceAll(/[\r\n]/g, ' ');
  return Array.from(sentences.segment(joined), ({ index, segment }) => ({
    start: paragraph.start + index,
    end: paragraph.start + index + segment.length,
  })).flatMap(sentence => trimmed(text, sentence));
}

function wordsOf(text: string, line: Span): Span[] {
  const found: Span[] = [];
  let open: { start: number; end: number } | undefined; // punctuation
  for (const { segment, index, isWordLike } of words.segment(textOf(text, line))) {
    const start = line.start + index;
    const end = start + segment.length;
    if (segment.trim() !== '' && isWordLike !== true) {
      if (open) open.end = end;
      else open = { start, end };
      continue;
    }
    if (open) found.push(open);
    open = undefined;
    if (isWordLike !== true) continue;
    let at = start;
    for (const { index: stop = 0 } of segment.matchAll(/(?<=\p{L})[.:](?=\p{L})/gu)) {
      found.push({ start: at, end: start + stop }, { start: start + stop, end: start + stop + 1 });
      at = start + stop + 1;
    }
    found.push({ start: at, end });
  }
  if (open) found.push(open);
  return found;
}

function linesIn(text: string, span: Span): Span[] {
  const lines: Span[] = [];
  for (let line = lineAt(text, span.start); ; line = lineAt(text, line.end + 1)) {
    lines.push(line);
    if (line.end >= Math.min(span.end, text.length)) return lines;
  }
}

/** Without its line feed. */
function lineAt(text: string, offset: number): Span {
  const end = text.indexOf('\n', offset);
  return { start: offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1, end: end < 0 ? text.length : end };
}

function textOf(text: string, { start, end }: Span): string {
  return text.slice(start, end);
}

function trimmed(text: string, span: Span): Span[] {
  const content = textOf(text, span);
  const shown = content.trim();
  if (shown === '') return [];
  const start = span.start + content.length - content.trimStart().length;
  return [{ start, end: start + shown.length }];
}
