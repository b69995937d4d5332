import { scoredCopyOf } from '../core/scoredCopy';
import type { Arithmetic, NoiseFloor } from '../core/scores';
import { Engine } from './engine';
import type { ModelFacts } from './engine';
import { because, ModelError } from './errors';
import { keepSelfCheck, keptSelfCheck } from './keptSelfChecks';
import type { SelfCheck } from './protocol';
import type { ScoringSession } from './session';
import { Snapshots } from './snapshots';
import { noSets } from './tokenSets';
import { usualCode, usualProse } from './usualTexts';

/** Plain English that a trained model finds easy, with some code, as every model in question has seen both. */
const builtInText = `The harbour was quiet that morning. A few boats had come in before the rain, and their crews were sitting in the café on the
quay, drinking coffee and talking about the weather. Nobody expected the fog to lift before noon. When the children came out of school, the
first ferry of the day had just arrived, and the people on board were waving to their friends and families.

function average(numbers) {
  let sum = 0;
  for (const number of numbers) {
    sum += number;
  }
  return numbers.length > 0 ? sum / numbers.length : 0;
}

In other words, the result is the sum of all the numbers divided by how many there are. If the list is empty, there is nothing to divide, and
the function returns zero instead. On Monday, Tuesday and Wednesday the temperature was 12, 14 and 19 degrees, so the average was 15.
`;

/** A trained model needs about 1 bit a byte for this text; one that guesses among 49,152 tokens needs about 4. */
const mostPlausibleBitsPerByte = 3;
/** Formats that scale activations over all positions at once leak about half a bit (measured); right ones leak nothing at all. */
const mostLeakedBits = 0.01;
/** An odd size, so that no chunk ends where another kind of chunk ends. */
const smallChunkTokens = 37;
/** Of the usual texts, which are longer. */
const usualChunkTokens = 128;

/**
 * What the model does with a built-in text; kept by content hash in `cacheFolder`, as it takes seconds for a larger model. `openFloat32`:
 * a session in float32 arithmetic over the same weights, where the native one is something else; it is closed again.
 * Errors: 'unsupported' for a model that gives no numbers, or whose number format lets later text change the scores of earlier text.
 */
export async function selfCheckOf(
  facts: ModelFacts,
  session: ScoringSession,
  cacheFolder: string | undefined,
  openFloat32: () => Promise<ScoringSession | 'same' | 'impossible'>,
): Promise<SelfCheck> {
  const known = await keptSelfCheck(cacheFolder, facts.key.contentHash);
  if (known) return known;
  const result = await newSelfCheck(facts, session, openFloat32);
  if (cacheFolder !== undefined) await keepSelfCheck(cacheFolder, facts.key.contentHash, result);
  return result;
}

/** The same, run in every case. */
export async function newSelfCheck(
  facts: ModelFacts,
  session: ScoringSession,
  openFloat32: () => Promise<ScoringSession | 'same' | 'impossible'>,
): Promise<SelfCheck> {
  const layout = await facts.tokenizer.layout(scoredCopyOf(builtInText), new AbortController().signal);
  const ids = layout.ids.subarray(0, facts.positions - 1);
  const whole = await surprisalsOf(facts, 'native', session, ids, ids.length + 1);
  const unscored = ids.length - whole.length; // the first token, where there is no start token
  const middle = ids.length >>> 1;
  const otherEnd = Int32Array.from(ids, (id, index) => (index < middle ? id : (ids[ids.length - 1 - (index - middle)] ?? id)));
  const before = whole.subarray(0, middle - unscored);
  const leakedBits = largestDifference(before, await surprisalsOf(facts, 'native', session, otherEnd, ids.length + 1));
  if (leakedBits > mostLeakedBits) {
    throw new ModelError(
      'unsupported',
      `This model file cannot be used: its number format (${facts.key.dtype}) lets later text change the scores of earlier text, here by ${leakedBits.toFixed(2)} bits. Choose another number format.`,
      because('leaks', facts.key.dtype, leakedBits.toFixed(2)),
    );
  }
  const chunked = await surprisalsOf(facts, 'native', session, ids, smallChunkTokens);
  const bytes = (layout.endBytes[ids.length - 1] ?? 0) - (layout.startBytes[unscored] ?? 0);
  const bitsPerByte = whole.reduce((sum, bits) => sum + bits, 0) / bytes;
  return {
    bitsPerByte,
    plausible: bitsPerByte <= mostPlausibleBitsPerByte,
    usualBitsPerByte: {
      prose: await bitsPerByteOf(facts, session, usualProse),
      code: await bitsPerByteOf(facts, session, usualCode),
    },
    noiseFloorBits: await noiseFloorOf(facts, whole, ids, await openFloat32().catch(unlessUnsupported)),
    repeatabilityBits: largestDifference(whole, chunked),
  };
}

/** Of a text, as far as the model's positions reach. */
async function bitsPerByteOf(facts: ModelFacts, session: ScoringSession, text: string): Promise<number> {
  const layout = await facts.tokenizer.layout(scoredCopyOf(text), new AbortController().signal);
  const ids = layout.ids.subarray(0, facts.positions - 1);
  const bits = await surprisalsOf(facts, 'native', session, ids, usualChunkTokens);
  const bytes = (layout.endBytes[ids.length - 1] ?? 0) - (layout.startBytes[ids.length - bits.length] ?? 0);
  return bits.reduce((sum, each) => sum + each, 0) / bytes;
}

/** A file that cannot be run in float32 can still be used as it is. */
function unlessUnsupported(error: unknown): 'impossible' {
  if (error instanceof ModelError && error.code === 'unsupported') return 'impossible';
  throw error;
}

async function noiseFloorOf(
  facts: ModelFacts,
  native: Float64Array,
  ids: Int32Array,
  float32: ScoringSession | 'same' | 'impossible',
): Promise<NoiseFloor | null> {
  if (float32 === 'impossible') return null;
  if (float32 === 'same') return { mean: 0, p95: 0 };
  try {
    const exact = await surprisalsOf(facts, 'float32', float32, ids, smallChunkTokens);
    const differences = native.map((bits, index) => Math.abs(bits - (exact[index] ?? NaN))).sort();
    return {
      mean: differences.reduce((sum, bits) => sum + bits, 0) / differences.length,
      p95: differences[Math.floor(differences.length * 0.95)] ?? 0,
    };
  } finally {
    await float32.dispose();
  }
}

/** Surprisal in bits of every token that has something before it. Errors: 'unsupported' where it is not a number. */
async function surprisalsOf(
  facts: ModelFacts,
  arithmetic: Arithmetic,
  session: ScoringSession,
  ids: Int32Array,
  chunkTokens: number,
): Promise<Float64Array> {
  const engine = new Engine(facts, arithmetic, session, new Snapshots(0), chunkTokens);
  const prefixIds = facts.startTokenId === null ? [] : [facts.startTokenId];
  const first = 1 - prefixIds.length;
  const bits: number[] = [];
  const rows = { window: { start: 0, end: ids.length, scoreFrom: 0 }, first, end: ids.length, isNear: false };
  const columns = { topCount: 1, sets: noSets };
  await engine.score(prefixIds, ids, rows, columns, new AbortController().signal, always, scored => bits.push(...scored.surprisalBits));
  if (!bits.every(Number.isFinite))
    throw new ModelError('unsupported', 'This model cannot be used: its scores are not numbers.', because('not-numbers'));
  return Float64Array.from(bits);
}

function always(): boolean {
  return true;
}

/** Over the length of `a`. */
function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((largest, bits, index) => Math.max(largest, Math.abs(bits - (b[index] ?? NaN))), 0);
}
