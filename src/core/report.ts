import { bandOf } from './band';
import type { BandEdges } from './band';
import type { Cells } from './cells';
import { rowState } from './scores';
import type {
  Arithmetic,
  Device,
  ModelKey,
  NoiseFloor,
  PreambleNote,
  Provenance,
  ScoreTable,
  Summary,
  TokenScore,
  WindowSettings,
} from './scores';

/** Why a token has no numbers: nothing stood before it and the model was given no start token. */
const unscoredReason = 'nothing before it in its window, and no start token';

/** Rows of a table as plain JSON: no NaN, nulls where there is no score. Pending rows say so. */
export function tokenScores(table: ScoreTable, from = 0, to = table.length): TokenScore[] {
  return Array.from({ length: to - from }, (_, index) => tokenScore(table, from + index));
}

function tokenScore(table: ScoreTable, row: number): TokenScore {
  const place = {
    id: table.ids[row] ?? 0,
    startByte: table.startBytes[row] ?? 0,
    endByte: table.endBytes[row] ?? 0,
    start: table.starts[row] ?? 0,
    end: table.ends[row] ?? 0,
  };
  const contextTokens = table.contextTokens[row] ?? 0;
  const state = table.states[row];
  if (state !== rowState.scored) {
    const reason = state === rowState.unscored ? unscoredReason : 'not scored yet';
    return {
      ...place,
      surprisalBits: null,
      entropyBits: null,
      rank: null,
      contextTokens,
      topIds: [],
      topProbabilities: [],
      unscoredReason: reason,
    };
  }
  const from = row * table.topCount;
  const topIds = [...table.topIds.subarray(from, from + table.topCount)].filter(id => id >= 0);
  return {
    ...place,
    surprisalBits: table.surprisalBits[row] ?? 0,
    entropyBits: table.entropyBits[row] ?? 0,
    rank: table.ranks[row] ?? 0,
    contextTokens,
    topIds,
    topProbabilities: topIds.map((_, index) => Math.exp(table.topLogProbabilities[from + index] ?? -Infinity)),
  };
}

/** `bytes`: of the whole scored copy. Ratios use scored tokens and their bytes only. */
export function summaryOf(table: ScoreTable, bytes: number): Summary {
  let totalBits = 0;
  let scoredTokens = 0;
  let scoredBytes = 0;
  for (let row = 0; row < table.length; row++) {
    if (table.states[row] !== rowState.scored) continue;
    totalBits += table.surprisalBits[row] ?? 0;
    scoredTokens++;
    scoredBytes += (table.endBytes[row] ?? 0) - (table.startBytes[row] ?? 0);
  }
  return {
    tokens: table.length,
    bytes,
    totalBits,
    bitsPerByte: scoredTokens > 0 ? totalBits / scoredBytes : null,
    perplexity: scoredTokens > 0 ? 2 ** (totalBits / scoredTokens) : null,
  };
}

/** What other extensions get from the API: plain JSON throughout. */
export interface DocumentScores {
  readonly uri: string;
  readonly documentVersion: number;
  readonly provenance: Provenance;
  readonly tokens: readonly TokenScore[];
  readonly cells: readonly ScoredCell[];
  readonly summary: Summary;
}

export interface ScoredCell {
  readonly start: number;
  readonly end: number;
  /** Null where one of the cell's tokens has no score; then `band` is null too. */
  readonly bits: number | null;
  /** 0 (plain) to 5, always of surprisal. */
  readonly band: number | null;
}

export function scoredCells(cells: Cells, edges: BandEdges): ScoredCell[] {
  return Array.from({ length: cells.length }, (_, index) => {
    const bits = cells.bits[index] ?? NaN;
    return {
      start: cells.starts[index] ?? 0,
      end: cells.ends[index] ?? 0,
      bits: Number.isNaN(bits) ? null : bits,
      band: bandOf(bits, edges) ?? null,
    };
  });
}

/** What was found out about a model by running it on a built-in text, as far as numbers depend on it. */
interface Checked {
  readonly plausible: boolean;
  readonly noiseFloorBits: NoiseFloor | null;
  readonly repeatabilityBits: number;
}

/** `window` and `startTokenId`: in force, as the model process answered. */
export function provenanceOf(
  model: { readonly name: string; readonly key: ModelKey; readonly selfCheck: Checked; readonly device?: Device },
  arithmetic: Arithmetic,
  window: WindowSettings,
  startTokenId: number | null,
  documentVersion: number,
  preamble?: PreambleNote,
): Provenance {
  return {
    model: model.name,
    modelHash: model.key.contentHash,
    dtype: model.key.dtype,
    arithmetic,
    window: window.contextTokens,
    overlap: window.overlapTokens,
    anchors: window.anchors,
    startTokenId,
    noiseFloorBits: arithmetic === 'float32' ? { mean: 0, p95: 0 } : model.selfCheck.noiseFloorBits,
    repeatabilityBits: model.selfCheck.repeatabilityBits,
    selfCheck: model.selfCheck.plausible ? 'passed' : 'implausible',
    documentVersion,
    ...(model.device === 'webgpu' && arithmetic === 'native' ? { device: model.device } : {}),
    ...(preamble ? { preamble } : {}),
  };
}
