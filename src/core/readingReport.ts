import type { Cells } from './cells';
import type { ScoreTable, Span } from './scores';
import { bitsOfWord } from './stretches';
import { textUnitsIn } from './textUnits';

/** What a report says of one sentence. */
export interface SentenceFacts extends Span {
  /** Over the cells whose first visible character lies in it, and their bytes; undefined where none has a score. */
  readonly bitsPerByte: number | undefined;
  /** The most surprising words, the first of them first: at most three. Bits are sums of their tokens'. */
  readonly words: readonly { readonly text: string; readonly bits: number }[];
}

export interface SentenceScores {
  readonly table: Pick<ScoreTable, 'startBytes' | 'endBytes'>;
  cellsIn(span: Span): Cells;
}

const mostWords = 3;

/** The sentences of a text in order, one after the other as they are asked for. Between two of them lies at most one paragraph's work. */
export function* sentenceFacts(text: string, scores: SentenceScores): Generator<SentenceFacts, void> {
  for (let at = 0; at < text.length;) {
    const [paragraph] = textUnitsIn(text, { start: at, end: at + 1 }, 'paragraph');
    if (!paragraph || paragraph.end <= at) {
      at += Math.max(1, text.slice(at, at + 1_000).search(/\S|$/)); // white space between paragraphs
      continue;
    }
    for (const sentence of textUnitsIn(text, paragraph, 'sentence')) yield factsOf(text, sentence, scores);
    at = paragraph.end;
  }
}

function factsOf(text: string, sentence: Span, scores: SentenceScores): SentenceFacts {
  const cells = scores.cellsIn(sentence);
  const { startBytes, endBytes } = scores.table;
  let bits = 0;
  let bytes = 0;
  for (let cell = 0; cell < cells.length; cell++) {
    const [start, end, own] = [cells.starts[cell] ?? 0, cells.ends[cell] ?? 0, cells.bits[cell] ?? NaN];
    // White space alone begins in the sentence that it breaks, or lies between two and is in none.
    const visible = start + Math.max(0, text.slice(start, end).search(/\S/));
    if (Number.isNaN(own) || visible < sentence.start || visible >= sentence.end) continue;
    bits += own;
    bytes += (endBytes[(cells.endTokens[cell] ?? 0) - 1] ?? 0) - (startBytes[cells.firstTokens[cell] ?? 0] ?? 0);
  }
  let first = 0;
  const words = textUnitsIn(text, sentence, 'word').flatMap(word => {
    const content = text.slice(word.start, word.end);
    while (first < cells.length && (cells.ends[first] ?? 0) <= word.start) first++;
    const wordBits = bitsOfWord(cells, first, word);
    return /[\p{L}\p{N}]/u.test(content) && wordBits >= 0 ? [{ text: content, bits: wordBits }] : [];
  });
  return {
    ...sentence,
    bitsPerByte: bytes > 0 ? bits / bytes : undefined,
    words: words.sort((a, b) => b.bits - a.bits).slice(0, mostWords),
  };
}
