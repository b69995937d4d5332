import { cellsOf } from '../core/cells';
import type { Cells } from '../core/cells';
import { tokenScores } from '../core/report';
import { byteAtOffset, scoredCopyOf } from '../core/scoredCopy';
import { sentenceRule, textUnitsIn, wordRule } from '../core/textUnits';
import { gapReason, reportedSpan, type Report } from './report';

export const levels = ['token', 'word', 'sentence'] as const;
/** What one row of an export is about. */
export type Level = (typeof levels)[number];
export type UnitLevel = Exclude<Level, 'token'>;

export const unitRules: Readonly<Record<UnitLevel, string>> = { word: wordRule, sentence: sentenceRule };

/** A word or a sentence, or white space between two that is a token of its own: every token belongs to exactly one. */
export interface Unit {
  readonly startByte: number;
  readonly endByte: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Sum over its tokens, the space before a word included where it is of the word's token. Null: some of it has no score. */
  readonly surprisalBits: number | null;
  readonly tokens: number;
  /** What stood before its first token; null where it has none. */
  readonly contextTokens: number | null;
  /** Only where `surprisalBits` is null. */
  readonly unscoredReason?: string;
}

/** Said of a unit whose only token covers more of another one: ")." may be one token, "." then gets nothing. */
export const sharedReason = 'its token is counted with the unit beside it';

interface Piece {
  readonly start: number;
  end: number;
  bits: number;
  tokens: number;
  /** Row of the table; undefined as long as it has none. */
  firstToken: number | undefined;
  unscoredToken: number | undefined;
}

/** In document order. A token that lies in several units is of the one that holds most of it, the first of equals. */
export function unitsOf(report: Report, level: UnitLevel): Unit[] {
  const { text, table, gaps } = report;
  const { start, end } = reportedSpan(report);
  const spans = textUnitsIn(text, { start, end }, level).map(span => ({
    start: Math.max(start, span.start),
    end: Math.min(end, span.end),
  }));
  const pieces = withCells(spans, cellsOf(table));
  const copy = scoredCopyOf(text);
  let nextGap = 0;
  return pieces.map(piece => {
    for (let gap = gaps[nextGap]; gap && gap.end <= piece.start; gap = gaps[++nextGap]);
    const hasGap = (gaps[nextGap]?.start ?? Infinity) < piece.end;
    const place = {
      startByte: byteAtOffset(copy, piece.start),
      endByte: byteAtOffset(copy, piece.end),
      start: piece.start,
      end: piece.end,
    };
    const { firstToken, unscoredToken, tokens } = piece;
    const reason = hasGap
      ? gapReason
      : unscoredToken !== undefined
        ? tokenScores(table, unscoredToken, unscoredToken + 1)[0]?.unscoredReason
        : tokens === 0
          ? sharedReason
          : undefined;
    return {
      ...place,
      text: text.slice(piece.start, piece.end),
      surprisalBits: reason === undefined ? piece.bits : null,
      tokens,
      contextTokens: firstToken === undefined ? null : (table.contextTokens[firstToken] ?? 0),
      ...(reason === undefined ? {} : { unscoredReason: reason }),
    };
  });
}

function withCells(spans: readonly { readonly start: number; readonly end: number }[], cells: Cells): Piece[] {
  const pieces: Piece[] = [];
  const units: Piece[] = spans.map(span => ({ ...span, bits: 0, tokens: 0, firstToken: undefined, unscoredToken: undefined }));
  let next = 0;
  let between: Piece | undefined;
  for (let cell = 0; cell < cells.length; cell++) {
    const start = cells.starts[cell] ?? 0;
    const end = cells.ends[cell] ?? 0;
    for (let unit = units[next]; unit && unit.end <= start; unit = units[++next]) {
      pieces.push(unit);
      between = undefined;
    }
    let holder: Piece | undefined;
    let most = 0;
    for (let index = next; (units[index]?.start ?? Infinity) < end; index++) {
      const unit = units[index];
      const shared = unit ? Math.min(end, unit.end) - Math.max(start, unit.start) : 0;
      if (shared <= most) continue;
      most = shared;
      holder = unit;
    }
    if (!holder) {
      if (!between) pieces.push((between = { start, end, bits: 0, tokens: 0, firstToken: undefined, unscoredToken: undefined }));
      between.end = end;
      holder = between;
    }
    take(holder, cells, cell);
  }
  return [...pieces, ...units.slice(next)];
}

function take(piece: Piece, cells: Cells, cell: number): void {
  const bits = cells.bits[cell] ?? NaN;
  const first = cells.firstTokens[cell] ?? 0;
  piece.firstToken ??= first;
  piece.tokens += (cells.endTokens[cell] ?? 0) - first;
  if (Number.isNaN(bits)) piece.unscoredToken ??= first;
  else piece.bits += bits;
}
