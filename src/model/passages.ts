import { newRows } from '../core/scoreTable';
import { rowState } from '../core/scores';
import type { ScoredRows, ScoreTable, WindowSettings } from '../core/scores';
import { windowHolding, windowsOf } from '../core/window';
import type { Engine } from './engine';
import { ModelError } from './errors';
import type { PassageScore, TextEdit } from './protocol';
import { commonPrefix } from './snapshots';
import { noSets } from './tokenSets';
import { firstNotBelow, tokenText } from './tokens';
import type { IdText, TokenisedText } from './tokens';

/** Rows [first, end) of a text; those from `followsFrom` on are of text that an edit leaves as it is. */
export interface Passage {
  readonly first: number;
  readonly followsFrom: number;
  readonly end: number;
}

export interface ComparedPassages {
  readonly before: Passage;
  readonly after: Passage;
}

/** What is to be compared of a text before and after `edit`, with about `followingTokens` tokens of what follows; `wholeEdit`: see `TryParams`. */
export function comparedPassages(
  before: TokenisedText,
  after: TokenisedText,
  { start, end, text }: TextEdit,
  followingTokens: number,
  wholeEdit: boolean,
): ComparedPassages {
  // An edit may take half a character, or join halves: only what is whole and untouched in both texts follows it.
  const bytesAfter = Math.min(bytesFrom(before, end), bytesFrom(after, start + text.length));
  const rowAt = ({ copy, layout }: TokenisedText) => firstNotBelow(layout.startBytes, copy.bytes.length - bytesAfter);
  const follow = meeting(before, rowAt(before), after, rowAt(after));
  const last = meeting(before, follow.before, after, Math.min(follow.after + followingTokens, after.layout.ids.length));
  const firstOfEdit = wholeEdit ? rowHolding(after, start) : Infinity;
  const first = Math.min(commonPrefix(before.layout.ids, after.layout.ids), follow.before, follow.after, firstOfEdit);
  return {
    before: { first, followsFrom: follow.before, end: last.before },
    after: { first, followsFrom: follow.after, end: last.after },
  };
}

/** Passages cut to one window of so many tokens, and the row it begins with. Throws 'too-long' where what is edited fills it. */
export function withinOneWindow(
  { before, after }: ComparedPassages,
  contextTokens: number,
): ComparedPassages & { readonly windowStart: number } {
  const { first } = before;
  const edited = Math.max(before.followsFrom, after.followsFrom) - first;
  const windowStart = startOfWindowWith(first, edited, contextTokens);
  const most = contextTokens - edited - (first - windowStart);
  const cut = (passage: Passage) => ({ ...passage, end: Math.min(passage.end, passage.followsFrom + most) });
  return { before: cut(before), after: cut(after), windowStart };
}

/** Where a window of so many tokens begins that holds `rows` rows from `first` on, with as much before them as after them. Throws 'too-long'. */
export function startOfWindowWith(first: number, rows: number, contextTokens: number): number {
  const room = contextTokens - rows;
  if (room < 2) throw new ModelError('too-long', 'That is more than the model sees at once: take less of it.');
  return Math.max(0, first - Math.floor(room / 2));
}

/** The first row that ends after a UTF-16 offset. */
function rowHolding({ layout: { ends } }: TokenisedText, offset: number): number {
  return firstNotBelow(ends, offset + 1);
}

/** Of the scored copy, from the first whole character after a UTF-16 offset to its end. */
function bytesFrom({ copy }: TokenisedText, offset: number): number {
  return copy.bytes.length - firstNotBelow(copy.characterStarts, offset);
}

/** The first rows from these on that begin at the same place, as counted from the end of the text: at the latest, the end itself. */
function meeting(
  before: TokenisedText,
  rowBefore: number,
  after: TokenisedText,
  rowAfter: number,
): { readonly before: number; readonly after: number } {
  const bytesLeft = ({ copy, layout }: TokenisedText, row: number) => copy.bytes.length - (layout.startBytes[row] ?? copy.bytes.length);
  const rows = { before: rowBefore, after: rowAfter };
  for (;;) {
    const ahead = bytesLeft(after, rows.after) - bytesLeft(before, rows.before);
    if (ahead === 0) return rows;
    if (ahead < 0) rows.before++;
    else rows.after++;
  }
}

/** Who scores, and in which windows. */
export interface Scoring {
  readonly engine: Engine;
  readonly prefixIds: readonly number[];
  /** In force. */
  readonly settings: WindowSettings;
  readonly signal: AbortSignal;
}

/**
 * The scores of a passage, with `topCount` alternatives a row. `known`: a table of this very text. `windowStart`: all of it is read in one window that
 * begins with that row; undefined: in the windows that the text has.
 */
export async function passageScore(
  scoring: Scoring,
  text: TokenisedText,
  { first, followsFrom, end }: Passage,
  known: ScoreTable | undefined,
  topCount: number,
  windowStart?: number,
): Promise<PassageScore> {
  const { ids, starts, ends } = text.layout;
  return {
    ids: ids.slice(first, end),
    starts: starts.slice(first, end),
    ends: ends.slice(first, end),
    ...(await scoreRows(scoring, tokenText(text), first, end, known, topCount, windowStart)),
    replacedTokens: followsFrom - first,
  };
}

/** Columns of consecutive rows, with so many alternatives a row. */
export type PassageRows = Pick<
  PassageScore,
  'surprisalBits' | 'entropyBits' | 'ranks' | 'contextTokens' | 'topCount' | 'topIds' | 'topLogProbabilities'
>;

/** Scores rows [first, end) of a text: from `known` where it has them, else by running the model up to the last of them, no further. */
export async function scoreRows(
  { engine, prefixIds, settings, signal }: Scoring,
  text: IdText,
  first: number,
  end: number,
  known: ScoreTable | undefined,
  topCount = 0,
  windowStart?: number,
): Promise<PassageRows> {
  const found = newRows(first, end - first, { topCount, watchCount: 0 });
  const { ids } = text;
  const windows = windowStart === undefined ? windowsOf(text, settings) : [{ start: windowStart, scoreFrom: first, end }];
  const isKnown = (from: number, to: number) =>
    known !== undefined &&
    known.topCount >= topCount &&
    !known.states.subarray(from, to).includes(rowState.pending) &&
    (windowStart === undefined || known.contextTokens.subarray(from, to).every((tokens, index) => tokens === from + index - windowStart));
  for (let row = first; row < end;) {
    const window = windowHolding(windows, row);
    if (!window) break;
    const until = Math.min(window.end, end);
    if (known && isKnown(row, until)) copyRows(found, topCount, row, known, known.topCount, row, until - row);
    else {
      // The first attempt at a place leaves a cache for the next ones there, each of which would only take room.
      const isNear = !engine.holds([...prefixIds, ...ids.subarray(window.start, row)]);
      const columns = { topCount: Math.max(1, topCount), sets: noSets }; // none is no number that the runtime takes
      await engine.score(prefixIds, ids, { window, first: row, end: until, isNear }, columns, signal, always, rows => {
        copyRows(found, topCount, rows.first, rows, columns.topCount, 0, rows.count);
      });
    }
    row = until;
  }
  const { surprisalBits, entropyBits, ranks, contextTokens, topIds, topLogProbabilities } = found;
  return { surprisalBits, entropyBits, ranks, contextTokens, topCount, topIds, topLogProbabilities };
}

type Columns = Omit<PassageRows, 'topCount'>;

/** Writes rows [fromRow, fromRow + count) of columns with `fromTopCount` alternatives a row, at least `topCount`, from row `at` on. */
export function copyRows(
  into: ScoredRows,
  topCount: number,
  at: number,
  from: Columns,
  fromTopCount: number,
  fromRow: number,
  count: number,
): void {
  const [to, end] = [at - into.first, fromRow + count];
  into.surprisalBits.set(from.surprisalBits.subarray(fromRow, end), to);
  into.entropyBits.set(from.entropyBits.subarray(fromRow, end), to);
  into.ranks.set(from.ranks.subarray(fromRow, end), to);
  into.contextTokens.set(from.contextTokens.subarray(fromRow, end), to);
  for (let row = 0; row < count; row++) {
    const start = (fromRow + row) * fromTopCount;
    into.topIds.set(from.topIds.subarray(start, start + topCount), (to + row) * topCount);
    into.topLogProbabilities.set(from.topLogProbabilities.subarray(start, start + topCount), (to + row) * topCount);
  }
}

function always(): boolean {
  return true;
}
