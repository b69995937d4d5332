import { diffArrays } from 'diff';
import type { ArrayPart } from 'diff';

/** Lines [from, to), counted from 0. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** Lines of both sides that stand between two that are the same. */
export interface DifferingRange {
  readonly removed: LineRange;
  readonly added: LineRange;
}

/** The work grows with the square of the differing lines. */
const mostDifferences = 3_000;

/** Lines that differ, as ranges of both sides, and whether they are told apart only roughly. Line breaks are not compared. */
export async function differingLines(
  original: readonly string[],
  modified: readonly string[],
): Promise<{ readonly ranges: readonly DifferingRange[]; readonly isCoarse: boolean }> {
  const middle = betweenCommonEnds(original, modified);
  if (!middle.isOpen) return { ranges: middle.all, isCoarse: false };
  const parts = await new Promise<readonly ArrayPart[] | undefined>(callback => {
    diffArrays(middle.original, middle.modified, { maxEditLength: mostDifferences, callback });
  });
  return parts ? { ranges: rangesOf(parts, middle.head), isCoarse: false } : { ranges: middle.all, isCoarse: true };
}

/** The same at once, for texts that are nearly alike: undefined where more than `most` lines differ. */
export function fewDifferingLines(
  original: readonly string[],
  modified: readonly string[],
  most: number,
): readonly DifferingRange[] | undefined {
  const middle = betweenCommonEnds(original, modified);
  if (!middle.isOpen) return middle.all;
  const parts = diffArrays(middle.original, middle.modified, { maxEditLength: most });
  return parts && rangesOf(parts, middle.head);
}

interface Middle {
  /** Lines before it, the same on both sides. */
  readonly head: number;
  readonly original: string[];
  readonly modified: string[];
  /** All of it as one range; none where nothing differs. */
  readonly all: readonly DifferingRange[];
  /** Both sides have lines in it: some of them may be the same. */
  readonly isOpen: boolean;
}

function betweenCommonEnds(original: readonly string[], modified: readonly string[]): Middle {
  const shorter = Math.min(original.length, modified.length);
  let head = 0;
  while (head < shorter && original[head] === modified[head]) head++;
  let tail = 0;
  while (tail < shorter - head && original.at(-1 - tail) === modified.at(-1 - tail)) tail++;
  const [originalEnd, modifiedEnd] = [original.length - tail, modified.length - tail];
  const differs = originalEnd > head || modifiedEnd > head;
  return {
    head,
    original: original.slice(head, originalEnd),
    modified: modified.slice(head, modifiedEnd),
    all: differs ? [{ removed: { from: head, to: originalEnd }, added: { from: head, to: modifiedEnd } }] : [],
    isOpen: originalEnd > head && modifiedEnd > head,
  };
}

function rangesOf(parts: readonly ArrayPart[], head: number): readonly DifferingRange[] {
  const ranges: DifferingRange[] = [];
  let [before, after] = [head, head];
  let [fromBefore, fromAfter] = [head, head];
  const close = () => {
    if (before > fromBefore || after > fromAfter)
      ranges.push({ removed: { from: fromBefore, to: before }, added: { from: fromAfter, to: after } });
  };
  for (const { count = 0, added, removed } of parts) {
    if (removed === true) before += count;
    else if (added === true) after += count;
    else {
      close();
      [fromBefore, fromAfter] = [(before += count), (after += count)];
    }
  }
  close();
  return ranges;
}
