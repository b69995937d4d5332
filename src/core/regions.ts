import type { Span } from './scores';
import { firstWhere } from './search';

/** Kinds of text that a reader may want to leave out. */
export const regionKinds = ['comments', 'strings', 'indentation', 'frontMatter', 'fencedCode', 'links'] as const;
export type RegionKind = (typeof regionKinds)[number];

/** Pieces of a document that are of one kind each: ascending, not overlapping. UTF-16. */
export interface Regions {
  readonly length: number;
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  /** Indices into `regionKinds`. */
  readonly kinds: ArrayLike<number>;
}

export const noRegions: Regions = { length: 0, starts: [], ends: [], kinds: [] };

/** The kind of the region that holds most of the span; undefined where more of it lies in none. A token that begins with the space before a comment is of the comment. */
export function regionOf(regions: Regions, span: Span): RegionKind | undefined {
  const first = firstWhere(regions.length, index => (regions.ends[index] ?? 0) > span.start);
  let found: RegionKind | undefined;
  let most = 0;
  let covered = 0;
  for (let index = first; index < regions.length && (regions.starts[index] ?? 0) < span.end; index++) {
    const length = Math.min(span.end, regions.ends[index] ?? 0) - Math.max(span.start, regions.starts[index] ?? 0);
    covered += length;
    if (length <= most) continue;
    most = length;
    found = regionKinds[regions.kinds[index] ?? 0];
  }
  return most >= span.end - span.start - covered ? found : undefined;
}
