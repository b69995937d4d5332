import { rowState } from './scores';
import type { ScoredRows, TokenSets } from './scores';

/**
 * One row of logits reduced to what views need, in float64. For logits x over the vocabulary, m = max x and Z = sum exp(x - m):
 * log p(v) = x_v - m - ln Z, entropy = ln Z - sum (x - m) exp(x - m) / Z. Without the shift by m a large logit overflows.
 */
export function reduceRow(
  logits: Float32Array,
  token: number,
  rows: ScoredRows,
  index: number,
  topCount: number,
  { count, members }: TokenSets,
): void {
  const { max, logSum, entropyNats } = normalise(logits);
  const own = logits[token] ?? -Infinity;
  let higher = 0;
  for (const logit of logits) if (logit > own) higher++;
  rows.states[index] = rowState.scored;
  rows.surprisalBits[index] = (logSum - (own - max)) / Math.LN2;
  rows.entropyBits[index] = entropyNats / Math.LN2;
  rows.ranks[index] = higher + 1;
  const top = topIds(logits, topCount);
  for (const [place, id] of top.entries()) {
    rows.topIds[index * topCount + place] = id;
    rows.topLogProbabilities[index * topCount + place] = (logits[id] ?? -Infinity) - max - logSum;
  }
  const sums = new Float64Array(count);
  for (const [id, logit] of logits.entries()) {
    const weight = Math.exp(logit - max);
    for (let set = 0; set < count; set++) if (members[id * count + set] === 1) sums[set] = (sums[set] ?? 0) + weight;
  }
  writeLogMasses(rows, index, sums, logSum);
}

/** `sums`: of exp(x_v - m) over each token set, word starts first; `logSum`: the natural logarithm of that sum over the vocabulary. */
export function writeLogMasses(rows: ScoredRows, index: number, sums: ArrayLike<number>, logSum: number): void {
  const logMass = (set: number) => Math.min(0, Math.log(sums[set] ?? NaN) - logSum);
  rows.wordStartLogMass[index] = logMass(0);
  const watchCount = sums.length - 1;
  for (let word = 0; word < watchCount; word++) rows.watchLogMasses[index * watchCount + word] = logMass(word + 1);
}

/** Natural logarithms of the probabilities, and the entropy in bits. */
export function logProbabilitiesOf(logits: Float32Array): { logProbabilities: Float32Array; entropyBits: number } {
  const { max, logSum, entropyNats } = normalise(logits);
  return { logProbabilities: logits.map(logit => logit - max - logSum), entropyBits: entropyNats / Math.LN2 };
}

/** Of a whole distribution given by the natural logarithms of its probabilities. */
export function entropyBitsOf(logProbabilities: Float32Array): number {
  let nats = 0;
  for (const logProbability of logProbabilities) {
    const probability = Math.exp(logProbability);
    if (probability > 0) nats -= probability * logProbability;
  }
  return nats / Math.LN2;
}

/** KL(p || q) in bits, never negative; of whole distributions, given by the natural logarithms of their probabilities. */
export function klBitsOf(p: Float32Array, q: Float32Array): number {
  let nats = 0;
  for (let id = 0; id < p.length; id++) {
    const logP = p[id] ?? -Infinity;
    const probability = Math.exp(logP);
    if (probability > 0) nats += probability * (logP - (q[id] ?? -Infinity));
  }
  return Math.max(0, nats) / Math.LN2;
}

function normalise(logits: Float32Array): { max: number; logSum: number; entropyNats: number } {
  let max = -Infinity;
  for (const logit of logits) if (logit > max) max = logit;
  let sum = 0;
  let weighted = 0;
  for (const logit of logits) {
    const shifted = logit - max;
    const weight = Math.exp(shifted);
    if (weight === 0) continue; // a logit of -Infinity (a masked token) must not make 0 x Infinity
    sum += weight;
    weighted += shifted * weight;
  }
  const logSum = Math.log(sum);
  return { max, logSum, entropyNats: Math.max(0, logSum - weighted / sum) };
}

/** Ids of the `count` highest values, highest first, ties by id. */
export function topIds(values: Float32Array, count: number): number[] {
  const ids: number[] = [];
  let lowest = -Infinity;
  for (let id = 0; id < values.length; id++) {
    const value = values[id] ?? -Infinity;
    if (ids.length === count && value <= lowest) continue;
    let place = ids.length;
    while (place > 0 && (values[ids[place - 1] ?? 0] ?? 0) < value) place--;
    ids.splice(place, 0, id);
    if (ids.length > count) ids.pop();
    lowest = ids.length === count ? (values[ids[count - 1] ?? 0] ?? -Infinity) : -Infinity;
  }
  return ids;
}
