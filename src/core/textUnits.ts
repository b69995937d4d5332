import type { Span } from './scores';

export type TextScale = 'word' | 'sentence' | 'line' | 'paragraph';

/**
 * How text is cut into words, in words: by Unicode's default rules (UAX #29, with the runtime's dictionaries for scripts without spaces), and
 * further at full stops and colons between letters, as in `path.join`. Punctuation is apart. No grapheme is ever cut.
 */
export const wordRule = 'UAX #29 words, cut at full stops and colons; punctuation apart';

/** The same for sentences. */
export const sentenceRule = 'UAX #29 sentences; paragraphs, headings and list items end one, single line breaks do not';

/** Longer paragraphs are taken in pieces, cut at white space: the work for a place must not grow with a text that never has an empty line. UTF-16 units. */
const longestParagraph = 20_000;
/** The segmenter's time for a word grows with the string that it is given: longer lines are given to it in pieces. UTF-16 units. */
const segmentedLength = 500;
/** How much text is remembered with its words, whatever document it was of: some screens, since most of what is drawn was drawn a moment ago, and segmenting is most of the work. UTF-16 units. */
const rememberedUnits = 200_000;

/** Cuts texts by Unicode's rules; the runtime's part is made when first used, since that takes longer than all the rest of loading this code. */
export function segmenter(granularity: 'grapheme' | 'word' | 'sentence'): (text: string) => Intl.Segments {
  let made: Intl.Segmenter | undefined;
  return text => (made ??= new Intl.Segmenter('en', { granularity })).segment(text);
}

const segmentedByWords = segmenter('word');
const segmentedBySentences = segmenter('sentence');

/** Units that overlap the span, whole, in order. White space at their ends is not in them, and what is only white space is in none. UTF-16. */
export function textUnitsIn(text: string, span: Span, scale: TextScale): Span[] {
  switch (scale) {
    case 'line':
      return linesIn(text, span)
        .flatMap(line => trimmed(text, line))
        .filter(line => overlaps(line, span));
    case 'word':
      return linesIn(text, span).flatMap(line =>
        piecesOfLine(text, line, span).flatMap(piece => wordsOf(text, piece).filter(word => overlaps(word, span))),
      );
    case 'paragraph':
      return paragraphsIn(text, span);
    case 'sentence':
      return paragraphsIn(text, span).flatMap(paragraph => sentencesOf(text, paragraph).filter(sentence => overlaps(sentence, span)));
  }
}

function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && a.end > b.start;
}

/** A block of lines ends at an empty line, and before a heading or an item of a list, which is a sentence of its own however it ends. */
const beginsBlock = /^\s*(?:#{1,6}\s|[-*+]\s|\d{1,9}[.)]\s|>)/;
/** And after a heading. */
const isHeading = /^\s*#{1,6}\s/;
/** A full stop after these ends no sentence: titles, and the initials of names but for `I`. */
const endsInAbbreviation = /(?:^|[\s(["'“‘])(?:Mrs?|Ms|Dr|Prof|St|vs|cf|Fig|e\.g|i\.e|[A-HJ-Z])\.\s*$/;

function paragraphsIn(text: string, span: Span): Span[] {
  let first = lineAt(text, span.start);
  while (first.start > 0 && !beginsBlock.test(textOf(text, first)) && textOf(text, first).trim() !== '') {
    const before = lineAt(text, first.start - 1);
    const contentBefore = textOf(text, before);
    if (contentBefore.trim() === '' || isHeading.test(contentBefore)) break;
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
    if (open && isHeading.test(content)) {
      paragraphs.push(open);
      open = undefined;
    }
    if (line.end >= text.length) break;
  }
  if (open) paragraphs.push(open);
  return paragraphs
    .flatMap(paragraph => piecesAtSpace(text, paragraph, longestParagraph))
    .flatMap(paragraph => trimmed(text, paragraph))
    .filter(paragraph => overlaps(paragraph, span));
}

function segmentedSentences(text: string): readonly Span[] {
  // A line feed ends a sentence by the standard's rules, and hard-wrapped prose is full of them.
  const joined = text.replaceAll(/[\r\n]/g, ' ');
  const found: { readonly start: number; end: number }[] = [];
  let goesOn = false;
  for (const { index, segment } of segmentedBySentences(joined)) {
    const end = index + segment.length;
    const last = found.at(-1);
    if (last && goesOn) last.end = end;
    else found.push({ start: index, end });
    goesOn = endsInAbbreviation.test(segment);
  }
  return found.flatMap(sentence => trimmed(text, sentence));
}

/** The pieces of a line that overlap the span, all of the line together; cut only before white space, where words never go on. */
function piecesOfLine(text: string, line: Span, span: Span): Span[] {
  return piecesAtSpace(text, line, segmentedLength).filter(piece => overlaps(piece, span));
}

/** The span in pieces of at most about `length` units, each but the first beginning with white space or a Chinese or Japanese stop; longer where there is none. */
function piecesAtSpace(text: string, span: Span, length: number): Span[] {
  if (span.end - span.start <= length) return [span];
  const pieces: Span[] = [];
  // A mark may follow a space and make one character with it: that space is no place to cut.
  const cut = /(?:\s|(?<=[\p{L}\p{N}])[。，、！？；])(?![\p{M}\p{Grapheme_Extend}\p{Emoji_Modifier}\u200d])/gu;
  let start = span.start;
  while (span.end - start > length) {
    cut.lastIndex = start + length;
    const found = cut.exec(text)?.index ?? span.end;
    if (found >= span.end) break;
    pieces.push({ start, end: found });
    start = found;
  }
  pieces.push({ start, end: span.end });
  return pieces;
}

/** The cutter, with what it made of the texts that it was given last; in and out, spans are relative to the text. */
function remembering(cut: (text: string) => readonly Span[]): (text: string, piece: Span) => Span[] {
  interface Known {
    readonly content: string;
    readonly spans: readonly Span[];
  }
  const known = new Map<string, Known>(); // those used last come last
  let units = 0;
  return (text, piece) => {
    const content = textOf(text, piece);
    let found = known.get(content);
    if (found) known.delete(content);
    else {
      // A copy: a slice would hold the whole document of its time in memory.
      found = { content: content.split('').join(''), spans: cut(content) };
      units += content.length;
    }
    known.set(found.content, found);
    for (const oldest of known.keys()) {
      if (units <= rememberedUnits) break;
      known.delete(oldest);
      units -= oldest.length;
    }
    return found.spans.map(({ start, end }) => ({ start: piece.start + start, end: piece.start + end }));
  };
}

const wordsOf = remembering(segmentedWords);
const sentencesOf = remembering(segmentedSentences);

function segmentedWords(text: string): readonly Span[] {
  const found: Span[] = [];
  let open: { start: number; end: number } | undefined; // punctuation
  for (const { segment, index: start, isWordLike } of segmentedByWords(text)) {
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
    for (const { index: stop = 0 } of segment.matchAll(/(?<=[\p{L}\p{M}])[.:](?=\p{L})/gu)) {
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

/** What makes one character with what stands before it, even with a space. */
const joinsBefore = /^[\p{M}\p{Grapheme_Extend}\p{Emoji_Modifier}\u200d]/u;

function trimmed(text: string, span: Span): Span[] {
  const content = textOf(text, span);
  const shown = content.trim();
  if (shown === '') return [];
  const start = span.start + content.length - content.trimStart().length;
  return [{ start: start > span.start && joinsBefore.test(shown) ? start - 1 : start, end: start + shown.length }];
}
