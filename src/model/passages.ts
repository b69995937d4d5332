import { rowState } from '../core/scores';
import type { ScoreTable, WindowSettings } from '../core/scores';
import { windowHolding, windowsOf } from '../core/window';
import type { Engine } from './engine';
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

/** What is to be compared of a text before and after `edit`, with about `followingTokens` tokens of what follows. */
export function comparedPassages(
  before: TokenisedText,
  after: TokenisedText,
  { start, end, text }: TextEdit,
  followingTokens: number,
): { readonly before: Passage; readonly after: Passage } {
  // An edit may take half a character, or join halves: only what is whole and untouched in both texts follows it.
  const bytesAfter = Math.min(bytesFrom(before, end), bytesFrom(after, start + text.length));
  const rowAt = ({ copy, layout }: TokenisedText) => firstNotBelow(layout.startBytes, copy.bytes.length - bytesAfter);
  const follow = meeting(before, rowAt(before), after, rowAt(after));
  const last = meeting(before, follow.before, after, Math.min(follow.after + followingTokens, after.layout.ids.length));
  const first = Math.min(commonPrefix(before.layout.ids, after.layout.ids), follow.before, follow.after);
  return {
    before: { first, followsFrom: follow.before, end: last.before },
    after: { first, followsFrom: follow.after, end: last.after },
  };
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

/** The scores of a passage. `known`: a table of this very text. */
export async function passageScore(
  scoring: Scoring,
  text: TokenisedText,
  { first, followsFrom, end }: Passage,
  known: ScoreTable | undefined,
): Promise<PassageScore> {
  const { ids, starts, ends } = text.layout;
  return {
    ids: ids.slice(first, end),
    starts: starts.slice(first, end),
    ends: ends.slice(first, end),
    ...(await scoreRows(scoring, tokenText(text), first, end, known)),
    replacedTokens: followsFrom - first,
  };
}

/** Scores rows [first, end) of a text: from `known` where it has them, else by running the model up to the last of them, no further. */
export async function scoreRows(
  { engine, prefixIds, settings, signal }: Scoring,
  text: IdText,
  first: number,
  end: number,
  known: ScoreTable | undefined,
): Promise<Pick<PassageScore, 'surprisalBits' | 'contextTokens'>> {
  const surprisalBits = new Float64Array(end - first).fill(NaN);
  const contextTokens = new Int32Array(end - first);
  const { ids } = text;
  const windows = windowsOf(text, settings);
  for (let row = first; row < end;) {
    const window = windowHolding(windows, row);
    if (!window) break;
    const until = Math.min(window.end, end);
    if (known && !known.states.subarray(row, until).includes(rowState.pending)) {
      surprisalBits.set(known.surprisalBits.subarray(row, until), row - first);
      contextTokens.set(known.contextTokens.subarray(row, until), row - first);
    } else {
      // The first attempt at a place leaves a cache for the next ones there, each of which would only take room.
      const isNear = !engine.holds([...prefixIds, ...ids.subarray(window.start, row)]);
      const columns = { topCount: 1, sets: noSets };
      await engine.score(prefixIds, ids, { window, first: row, end: until, isNear }, columns, signal, always, rows => {
        surprisalBits.set(rows.surprisalBits, rows.first - first);
        contextTokens.set(rows.contextTokens, rows.first - first);
      });
    }
    row = until;
  }
  return { surprisalBits, contextTokens };
}

function always(): boolean {
  return true;
}
