/**
 * The rules that choose which tokens may be drawn, in the order and by the definitions of Hugging Face's `generate`, so that what is shown is what
 * a program with the same settings would do. Computed in float64.
 */

/** In the order in which they are applied. */
export const samplingRules = ['temperature', 'topK', 'topP', 'minP', 'typical'] as const;
export type SamplingRule = (typeof samplingRules)[number];

/** A rule that is left out or has its neutral value is not in force. */
export interface SamplingSettings {
  /** Logarithms are divided by it. Neutral: 1. 0 is greedy: only the most probable token stays (of equals the one with the lowest id), and no other rule is in force. */
  readonly temperature?: number | undefined;
  /** How many tokens stay; more, when others equal the last of them. Neutral: 0. */
  readonly topK?: number | undefined;
  /** The fewest tokens, best first, that reach this mass stay; of equal tokens at the border those with the lower ids. 0 to 1, neutral: 1. */
  readonly topP?: number | undefined;
  /** Tokens with at least this share of the best token's probability stay. 0 to 1, neutral: 0. */
  readonly minP?: number | undefined;
  /**
   * Tokens whose surprisal is nearest the entropy stay, the fewest that reach this mass and all that equal the last of them. They may leave out
   * the most probable ones. Above 0 to 1, neutral: 1.
   */
  readonly typical?: number | undefined;
}

/** The value of each rule that changes nothing. */
export const neutralSampling: Readonly<Record<SamplingRule, number>> = { temperature: 1, topK: 0, topP: 1, minP: 0, typical: 1 };

/** What `cutBy` says of a token. One that a rule cut has 1 + the index of the rule in `samplingRules`. */
export const keptMark = 0;
/** The token had no probability before any rule. */
export const impossibleMark = 255;

/** The tokens of one distribution that have any probability, most probable first, equal ones by id. */
export interface RankedTokens {
  readonly ids: Uint32Array;
  /** Of each, natural, with the first as 0. */
  readonly logRatios: Float64Array;
  /** Of each; they sum to 1. */
  readonly probabilities: Float64Array;
  readonly vocabularySize: number;
}

/** One rule in force. */
export interface SamplingStage {
  readonly rule: SamplingRule;
  readonly tokensLeft: number;
  /** What the tokens left have of the model's own distribution. */
  readonly rawMassLeft: number;
  /** What they have of the distribution that reached this rule: after the temperature, and with the tokens left before sharing 1. */
  readonly shareLeft: number;
}

/** The tokens that may be drawn: one run of the ranked ones, at least one token, most probable first. */
export interface KeptTokens {
  /** Index of the first of them among the ranked tokens; above 0 where `typical` cut the most probable ones. */
  readonly firstRanked: number;
  readonly ids: Uint32Array;
  /** By the model. */
  readonly rawProbabilities: Float64Array;
  /** After sampling; they sum to 1. */
  readonly probabilities: Float64Array;
}

export interface Sampling {
  /** Of the rules in force, in their order. */
  readonly stages: readonly SamplingStage[];
  /** For every id of the vocabulary `keptMark`, `impossibleMark` or the rule that cut it. */
  readonly cutBy: Uint8Array;
  readonly kept: KeptTokens;
}

/**
 * Sorts a row once, so that any settings can be applied to it quickly. The row is the natural logarithm of each token's probability; it is
 * normalised here, so rounding does no harm and logits will do. -Infinity: no probability. Throws a RangeError without any finite value, or with
 * NaN or +Infinity.
 */
export function rankTokens(logProbabilities: Float32Array): RankedTokens {
  const order = descendingOrder(logProbabilities);
  let count = order.length;
  while (count > 0 && logProbabilities[order[count - 1] ?? 0] === -Infinity) count--;
  const ids = order.subarray(0, count);
  const max = logProbabilities[ids[0] ?? -1] ?? NaN;
  const logRatios = new Float64Array(count);
  for (let place = 0; place < count; place++) logRatios[place] = (logProbabilities[ids[place] ?? 0] ?? NaN) - max;
  const weights = logRatios.map(Math.exp);
  const total = sum(weights, 0, count);
  if (!(total > 0)) throw new RangeError('The row is not a distribution.'); // NaN sorts to an end of the row, and spoils the sum from there
  return { ids, logRatios, probabilities: weights.map(weight => weight / total), vocabularySize: logProbabilities.length };
}

/** Applies the rules. Throws a RangeError for a setting outside its range. */
export function applySampling(ranked: RankedTokens, settings: SamplingSettings): Sampling {
  const { ids, logRatios, probabilities, vocabularySize } = ranked;
  checkSettings(settings);
  const { temperature = 1 } = settings;
  const tempers = temperature !== 1 && temperature !== 0;
  const logs = tempers ? logRatios.map(log => log / temperature) : logRatios;
  const weights = tempers ? logs.map(Math.exp) : probabilities;

  const cutBy = new Uint8Array(vocabularySize).fill(impossibleMark);
  for (const id of ids) cutBy[id] = keptMark;
  const stages: SamplingStage[] = [];
  let run: Run = { start: 0, end: ids.length };
  for (const [index, rule] of samplingRules.entries()) {
    const value = settings[rule] ?? neutralSampling[rule];
    if (value === neutralSampling[rule]) continue;
    const left = cutters[rule](value, run, logs, weights);
    for (let place = run.start; place < run.end; place++) {
      if (place < left.start || place >= left.end) cutBy[ids[place] ?? 0] = index + 1;
    }
    stages.push({
      rule,
      tokensLeft: left.end - left.start,
      rawMassLeft: Math.min(1, sum(probabilities, left.start, left.end)),
      shareLeft: sum(weights, left.start, left.end) / sum(weights, run.start, run.end),
    });
    run = left;
    if (rule === 'temperature' && value === 0) break;
  }

  const { start, end } = run;
  const total = sum(weights, start, end);
  const kept = {
    firstRanked: start,
    ids: ids.subarray(start, end),
    rawProbabilities: probabilities.subarray(start, end),
    probabilities: weights.slice(start, end).map(weight => weight / total),
  };
  return { stages, cutBy, kept };
}

/** Places among the ranked tokens, end exclusive. Whatever the rules, what they leave is one run. */
interface Run {
  readonly start: number;
  readonly end: number;
}

/** `logs` and `weights` are of all ranked tokens, after the temperature; only those of the run count. The weights are exp(logs), to a common factor. */
type Cutter = (setting: number, run: Run, logs: Float64Array, weights: Float64Array) => Run;

const cutters: Readonly<Record<SamplingRule, Cutter>> = {
  temperature: (temperature, run) => (temperature === 0 ? { start: run.start, end: run.start + 1 } : run),

  topK(count, { start, end }, logs) {
    let last = Math.min(start + count, end) - 1;
    while (last + 1 < end && logs[last + 1] === logs[last]) last++;
    return { start, end: last + 1 };
  },

  topP(mass, { start, end }, _logs, weights) {
    const wanted = mass * sum(weights, start, end);
    let place = start + 1; // one always stays
    for (let above = weights[start] ?? 0; place < end && above < wanted; place++) above += weights[place] ?? 0;
    return { start, end: place };
  },

  minP(share, { start, end }, _logs, weights) {
    const least = share * (weights[start] ?? 0);
    let place = start + 1;
    while (place < end && (weights[place] ?? 0) >= least) place++;
    return { start, end: place };
  },

  typical(mass, { start, end }, logs, weights) {
    const total = sum(weights, start, end);
    let weighted = 0;
    for (let place = start; place < end; place++) {
      const weight = weights[place] ?? 0;
      if (weight > 0) weighted += weight * (logs[place] ?? 0);
    }
    // Surprisal less entropy is the mean of the logarithms less the token's own: what normalises them cancels.
    const mean = weighted / total;
    const distance = (place: number): number => Math.abs(mean - (logs[place] ?? 0));
    let after = start;
    while (after < end && (logs[after] ?? 0) >= mean) after++;
    let before = after - 1;
    // From the entropy outwards, the nearer side first.
    let border = 0;
    for (let reached = 0; reached < mass * total && (before >= start || after < end);) {
      const nearest = before >= start && (after >= end || distance(before) <= distance(after)) ? before-- : after++;
      border = distance(nearest);
      reached += weights[nearest] ?? 0;
    }
    while (before >= start && distance(before) <= border) before--;
    while (after < end && distance(after) <= border) after++;
    return { start: before + 1, end: after };
  },
};

/** Throws the RangeError that `applySampling` would throw for these settings. */
export function checkSettings({ temperature = 1, topK = 0, topP = 1, minP = 0, typical = 1 }: SamplingSettings): void {
  if (!(temperature >= 0 && temperature < Infinity)) throw new RangeError('temperature is 0 or more.');
  if (!(Number.isSafeInteger(topK) && topK >= 0)) throw new RangeError('topK is a whole number, 0 or more.');
  if (!(topP >= 0 && topP <= 1)) throw new RangeError('topP is from 0 to 1.');
  if (!(minP >= 0 && minP <= 1)) throw new RangeError('minP is from 0 to 1.');
  if (!(typical > 0 && typical <= 1)) throw new RangeError('typical is above 0, up to 1.');
}

/** Indices of the values, highest first, equal ones in their order. A radix sort on two halves of the bits: a fifth of the time of the built-in sort. */
function descendingOrder(values: Float32Array): Uint32Array {
  const keys = new Uint32Array(values.map(value => value + 0).buffer); // -0 becomes 0: they are equal, their bits are not
  for (let index = 0; index < keys.length; index++) {
    const bits = keys[index] ?? 0;
    keys[index] = bits >>> 31 ? bits : ~bits & 0x7fffffff;
  }
  let order = new Uint32Array(keys.length);
  for (let index = 0; index < order.length; index++) order[index] = index;
  let next = new Uint32Array(keys.length);
  for (const shift of [0, 16]) {
    const places = new Uint32Array(0x10001);
    for (const key of keys) {
      const bucket = ((key >>> shift) & 0xffff) + 1;
      places[bucket] = (places[bucket] ?? 0) + 1;
    }
    for (let bucket = 1; bucket < 0x10000; bucket++) places[bucket] = (places[bucket] ?? 0) + (places[bucket - 1] ?? 0);
    for (const from of order) {
      const bucket = ((keys[from] ?? 0) >>> shift) & 0xffff;
      const place = places[bucket] ?? 0;
      places[bucket] = place + 1;
      next[place] = from;
    }
    [order, next] = [next, order];
  }
  return order;
}

function sum(values: Float64Array, start: number, end: number): number {
  let total = 0;
  for (let index = start; index < end; index++) total += values[index] ?? 0;
  return total;
}
