import { picked } from './cells';
import type { Cells } from './cells';
import type { Change } from './drift';
import { regionKinds, regionOf } from './regions';
import type { RegionKind, Regions } from './regions';
import { rowState } from './scores';
import type { ScoreTable } from './scores';

/**
 * Cells that are shown when some kinds are left out. Undefined regions: not known yet. Then nothing is shown where something is left out:
 * better late than there for a moment.
 */
export function withoutLeftOut(cells: Cells, regions: Regions | undefined, skipped: ReadonlySet<RegionKind>): Cells {
  if (skipped.size === 0 || regions?.length === 0) return cells;
  if (!regions) return picked(cells, () => false);
  return picked(cells, index => {
    const kind = regionOf(regions, { start: cells.starts[index] ?? 0, end: cells.ends[index] ?? 0 });
    return kind === undefined || !skipped.has(kind);
  });
}

/** What the tokens of one kind amount to. */
export interface PartSummary {
  readonly tokens: number;
  /** Of all its tokens. */
  readonly bytes: number;
  /** Tokens with a score, their bytes, and the sum of their surprisals. */
  readonly scoredTokens: number;
  readonly scoredBytes: number;
  readonly bits: number;
}

/** Kinds, and what is of none. */
export type Part = RegionKind | 'rest';

/**
 * Each kind summed apart, over the rows [from, to). A token is of exactly one part, by where most of it lies, so the parts add up to the whole.
 * It does not matter what is left out.
 */
export function summaryByKind(table: ScoreTable, regions: Regions, from = 0, to = table.length): Readonly<Record<Part, PartSummary>> {
  const emptySum = () => ({ tokens: 0, bytes: 0, scoredTokens: 0, scoredBytes: 0, bits: 0 });
  const parts = Object.fromEntries([...regionKinds, 'rest' as const].map(part => [part, emptySum()])) as Record<
    Part,
    ReturnType<typeof emptySum>
  >;
  for (let row = from; row < to; row++) {
    const part = parts[regionOf(regions, { start: table.starts[row] ?? 0, end: table.ends[row] ?? 0 }) ?? 'rest'];
    const bytes = (table.endBytes[row] ?? 0) - (table.startBytes[row] ?? 0);
    part.tokens++;
    part.bytes += bytes;
    if (table.states[row] !== rowState.scored) continue;
    part.scoredTokens++;
    part.scoredBytes += bytes;
    part.bits += table.surprisalBits[row] ?? 0;
  }
  return parts;
}

/**
 * Regions of the text before an edit, where they are after it, until new ones are made. What is put inside a region is of it, what is put
 * beside one is not. `changes`: of one edit, in any order.
 */
export function movedRegions(regions: Regions, changes: readonly Change[]): Regions {
  const sorted = [...changes].sort((a, b) => a.start - b.start || a.end - b.end);
  const [starts, ends, kinds] = [new Uint32Array(regions.length), new Uint32Array(regions.length), new Uint8Array(regions.length)];
  let length = 0;
  let next = 0;
  let shift = 0; // by the changes before `next`
  const pass = (isBefore: (change: Change) => boolean) => {
    for (let change = sorted[next]; change && isBefore(change); change = sorted[++next])
      shift += change.length - (change.end - change.start);
    return sorted[next];
  };
  for (let index = 0; index < regions.length; index++) {
    const start = regions.starts[index] ?? 0;
    const end = regions.ends[index] ?? 0;
    const atStart = pass(change => change.end <= start);
    const isStartReplaced = atStart !== undefined && atStart.start < start;
    const newStart = isStartReplaced ? atStart.start + atStart.length + shift : start + shift;
    const atEnd = pass(change => change.end <= end && change.start < end);
    const newEnd = (atEnd && atEnd.start < end ? atEnd.start : end) + shift;
    if (newEnd <= newStart) continue;
    starts[length] = newStart;
    ends[length] = newEnd;
    kinds[length] = regions.kinds[index] ?? 0;
    length++;
  }
  return { length, starts, ends, kinds };
}
