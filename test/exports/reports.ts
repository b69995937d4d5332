import { summaryOf } from '../../src/core/report';
import type { Gap, ScoreTable } from '../../src/core/scores';
import { Vocabulary } from '../../src/core/vocabulary';
import type { Report } from '../../src/exports/report';

interface Row {
  readonly bytes: string | Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly startByte: number;
  /** NaN: unscored. */
  readonly bits: number;
}

/** A report made by hand: token `i` of the vocabulary is row `i`, and every row's one alternative is token 0 with probability 1/4. */
export function reportOf(text: string, rows: readonly Row[], gaps: readonly Gap[] = [], source = 'text.md'): Report {
  const bytes = rows.map(row => (typeof row.bytes === 'string' ? new TextEncoder().encode(row.bytes) : row.bytes));
  const offsets = [0];
  for (const piece of bytes) offsets.push((offsets.at(-1) ?? 0) + piece.length);
  const table: ScoreTable = {
    length: rows.length,
    topCount: 1,
    watchCount: 0,
    ids: Int32Array.from(rows.keys()),
    starts: Uint32Array.from(rows, row => row.start),
    ends: Uint32Array.from(rows, row => row.end),
    startBytes: Uint32Array.from(rows, row => row.startByte),
    endBytes: Uint32Array.from(rows, (row, index) => row.startByte + (bytes[index]?.length ?? 0)),
    states: Uint8Array.from(rows, row => (Number.isNaN(row.bits) ? 2 : 1)),
    surprisalBits: Float64Array.from(rows, row => row.bits),
    entropyBits: Float64Array.from(rows, row => (Number.isNaN(row.bits) ? NaN : 2.5)),
    ranks: Int32Array.from(rows, row => (Number.isNaN(row.bits) ? 0 : 7)),
    contextTokens: Int32Array.from(rows.keys()),
    topIds: Int32Array.from(rows, row => (Number.isNaN(row.bits) ? -1 : 0)),
    topLogProbabilities: Float32Array.from(rows, row => (Number.isNaN(row.bits) ? NaN : -2 * Math.LN2)),
    wordStartLogMass: new Float32Array(rows.length),
    watchLogMasses: new Float32Array(0),
  };
  return {
    item: source,
    source,
    text,
    part: undefined,
    table,
    gaps,
    vocabulary: new Vocabulary({ bytes: Buffer.concat(bytes), offsets: Uint32Array.from(offsets), controlNames: {} }),
    windows: 1,
    summary: summaryOf(table, Buffer.byteLength(text)),
    provenance: {
      model: 'Tiny <b>',
      modelHash: 'ab'.repeat(32),
      dtype: 'q8',
      arithmetic: 'native',
      window: 8,
      overlap: 3,
      anchors: 'grid',
      startTokenId: null,
      noiseFloorBits: null,
      repeatabilityBits: null,
      selfCheck: null,
      documentVersion: 1,
    },
    edges: [1, 2, 3, 4, 5],
  };
}
export const row = (bytes: string | Uint8Array, start: number, end: number, startByte: number, bits: number): Row => ({
  bytes,
  start,
  end,
  startByte,
  bits,
});
export const all = (pieces: Iterable<string>) => [...pieces].join('');

/** "\ufeffA "quick", fox🦊 then U+0004 and a hostile <script>" in the tokens of a byte-level vocabulary. */
export const text = '\ufeffA "q",\n🦊\u0004<script>';
export const sample = reportOf(
  text,
  [
    row('A', 1, 2, 0, NaN),
    row(' "q",', 2, 7, 1, 1.5),
    row('\n', 7, 8, 6, 0.25),
    row(Uint8Array.of(0xf0, 0x9f), 8, 10, 7, 3),
    row(Uint8Array.of(0xa6, 0x8a), 8, 10, 9, 1.25),
    row('<script>', 11, 19, 12, 12),
  ],
  [{ start: 10, end: 11, startByte: 11, endByte: 12 }],
);

/** The same of ASCII tokens that stand one after another, all of 1 bit but for those that are given theirs. */
export function reportOfTokens(tokens: readonly (string | readonly [token: string, bits: number])[]): Report {
  let at = 0;
  const rows = tokens.map(entry => {
    const [token, bits] = typeof entry === 'string' ? ([entry, 1] as const) : entry;
    at += token.length;
    return row(token, at - token.length, at, at - token.length, bits);
  });
  return reportOf(tokens.map(entry => (typeof entry === 'string' ? entry : entry[0])).join(''), rows);
}
