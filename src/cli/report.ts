import type { BandEdges } from '../core/band';
import type { Gap, Provenance, ScoreTable, Summary } from '../core/scores';
import type { Vocabulary } from '../core/vocabulary';

/** Everything a format may print about one scored text. */
export interface Report {
  /** File name for people; undefined for standard input. */
  readonly source: string | undefined;
  /** The input as read, byte order mark included: offsets count in it. */
  readonly text: string;
  readonly table: ScoreTable;
  readonly gaps: readonly Gap[];
  readonly vocabulary: Vocabulary;
  readonly startTokenId: number | null;
  /** Settings in force, in tokens. */
  readonly window: number;
  readonly stride: number;
  readonly windows: number;
  readonly summary: Summary;
  readonly provenance: Provenance;
  /** Lower edges of the colour bands, in bits. */
  readonly edges: BandEdges;
}

/** Said of a gap wherever an unscored token has its reason. */
export const gapReason = 'no token in the vocabulary';
