/** What can be said of continuations that a model has written at one place: the futures it would sample, not what it plans. */
import { textUnitsIn } from './textUnits';
import type { Vocabulary } from './vocabulary';

/** Columns of equal length, one entry a token, forced ones among them. */
export interface Continuation {
  readonly ids: Int32Array;
  /** Natural logarithms, by the model's own distribution after the tokens before. */
  readonly logProbabilities: Float64Array;
  /** The same after sampling; -Infinity for a forced token that the rules would have cut. */
  readonly sampledLogProbabilities: Float64Array;
  /** `control`: the model ended the text, and the last id is the control token. `length`: it was broken off. */
  readonly ended: 'length' | 'control';
}

/** Continuations end to end, in few arrays: what goes to a page counts its arrays, and few can go. */
export interface PackedContinuations {
  /** Tokens of each. */
  readonly lengths: Uint32Array;
  /** Of each: 1 where a control token ended it. */
  readonly endedByControl: Uint8Array;
  readonly ids: Int32Array;
  readonly logProbabilities: Float64Array;
  readonly sampledLogProbabilities: Float64Array;
}

export function packed(continuations: readonly Continuation[]): PackedContinuations {
  const lengths = Uint32Array.from(continuations, ({ ids }) => ids.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const all = { ids: new Int32Array(total), logProbabilities: new Float64Array(total), sampledLogProbabilities: new Float64Array(total) };
  let at = 0;
  for (const { ids, logProbabilities, sampledLogProbabilities } of continuations) {
    all.ids.set(ids, at);
    all.logProbabilities.set(logProbabilities, at);
    all.sampledLogProbabilities.set(sampledLogProbabilities, at);
    at += ids.length;
  }
  return { lengths, endedByControl: Uint8Array.from(continuations, ({ ended }) => (ended === 'control' ? 1 : 0)), ...all };
}

/** As they were before `packed`. */
export function unpacked({ lengths, endedByControl, ids, logProbabilities, sampledLogProbabilities }: PackedContinuations): Continuation[] {
  let end = 0;
  return Array.from(lengths, (length, index): Continuation => {
    const start = end;
    end += length;
    return {
      ids: ids.subarray(start, end),
      logProbabilities: logProbabilities.subarray(start, end),
      sampledLogProbabilities: sampledLogProbabilities.subarray(start, end),
      ended: endedByControl[index] === 1 ? 'control' : 'length',
    };
  });
}

/** A token that some continuations have in the same place after the same tokens. */
export interface FutureNode {
  readonly id: number;
  readonly rawBits: number;
  /** After sampling; Infinity for a forced token that the rules would have cut. */
  readonly sampledBits: number;
  /** Indices of the continuations that go through it, ascending. */
  readonly members: readonly number[];
  /** How many of them end with it; all others go on in `next`. */
  readonly ends: number;
  /** Most members first, equal ones by id. */
  readonly next: readonly FutureNode[];
}

/** Continuations merged by what they begin with in common: the first tokens, most frequent first. */
export function futureTree(continuations: readonly Continuation[]): FutureNode[] {
  return nodesAt(
    continuations,
    continuations.map((_, index) => index),
    0,
  );
}

function nodesAt(continuations: readonly Continuation[], members: readonly number[], place: number): FutureNode[] {
  const byId = new Map<number, number[]>();
  for (const member of members) {
    const id = continuations[member]?.ids[place];
    if (id === undefined) continue;
    const same = byId.get(id);
    if (same) same.push(member);
    else byId.set(id, [member]);
  }
  const nodes = [...byId].map(([id, through]): FutureNode => {
    const one = continuations[through[0] ?? -1]; // they have had the same tokens, so the same distribution
    return {
      id,
      rawBits: bits(one?.logProbabilities[place]),
      sampledBits: bits(one?.sampledLogProbabilities[place]),
      members: through,
      ends: through.filter(member => continuations[member]?.ids.length === place + 1).length,
      next: nodesAt(continuations, through, place + 1),
    };
  });
  return nodes.sort((a, b) => b.members.length - a.members.length || a.id - b.id);
}

function bits(logProbability = NaN): number {
  return Math.max(0, -logProbability / Math.LN2);
}

/** A continuation in words. */
export interface FutureText {
  /** What stands before it, as much as a word's beginning may need, and then itself; control tokens are no text. */
  readonly text: string;
  /** UTF-16: it begins here, and its first tokens, as many as were asked about, end there. What comes after them only shows where a word ends. */
  readonly start: number;
  readonly end: number;
}

/** How much of the document before a place decides whether a word begins there. UTF-16 units. */
const lookBehindUnits = 100;

/** The text of a continuation of which the first `tokens` are asked about. `before`: the document up to where it goes on. */
export function futureText({ ids }: Pick<Continuation, 'ids'>, tokens: number, vocabulary: Vocabulary, before: string): FutureText {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const decoded = (part: Int32Array): string => {
    const pieces = Array.from(part, id =>
      vocabulary.controlNameOf(id) === undefined ? decoder.decode(vocabulary.bytesOf(id), { stream: true }) : '',
    );
    return pieces.join('');
  };
  const lead = before.slice(-lookBehindUnits).toWellFormed();
  const asked = lead + decoded(ids.subarray(0, tokens));
  const text = asked + decoded(ids.subarray(tokens)) + decoder.decode();
  return { text, start: lead.length, end: asked.length };
}

/** Upper and lower case are one by Unicode's simple case folding, or not at all: each character stands for one, so "ß" is not "SS". */
export type CaseRule = 'ignored' | 'exact';

/**
 * The word stands in the part that is asked about, not as a piece of a longer one (`wordRule` of `textUnits`; it may be several words, or hold signs).
 * At the very end of a continuation that was broken off it counts, though it might have gone on. The empty word is nowhere.
 */
export function containsWord({ text, start, end }: FutureText, word: string, caseRule: CaseRule): boolean {
  if (word === '') return false;
  const cuts = (at: number): boolean =>
    textUnitsIn(text, { start: Math.max(0, at - 1), end: at + 1 }, 'word').some(
      unit => unit.start < at && at < unit.end && /[\p{L}\p{N}]/u.test(text.slice(unit.start, unit.end)),
    );
  const pattern = patternOf(word, caseRule);
  pattern.lastIndex = start;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const at = found.index;
    if (at + found[0].length > end) return false;
    if (!cuts(at) && !cuts(at + found[0].length)) return true;
    pattern.lastIndex = at + 1; // what overlaps it may be whole
  }
  return false;
}

function patternOf(word: string, caseRule: CaseRule): RegExp {
  const literal = word.toWellFormed().replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(literal, caseRule === 'ignored' ? 'giu' : 'gu');
}

/** Of so many trials, with the interval that the true share is in, 95 times of 100 that one is given. */
export interface Share {
  readonly count: number;
  readonly trials: number;
  /** Undefined without trials: then the interval is all of 0 to 1. */
  readonly share: number | undefined;
  readonly low: number;
  readonly high: number;
}

/** The standard normal distribution has 2.5 % above this. */
const z95 = 1.959963984540054;

/** With Wilson's score interval (1927), which holds for few trials and for shares of 0 and 1 too. */
export function shareOf(count: number, trials: number): Share {
  if (trials === 0) return { count, trials, share: undefined, low: 0, high: 1 };
  const share = count / trials;
  const scale = 1 + z95 ** 2 / trials;
  const middle = (share + z95 ** 2 / (2 * trials)) / scale;
  const reach = (z95 / scale) * Math.sqrt((share * (1 - share)) / trials + z95 ** 2 / (4 * trials ** 2));
  // At 0 and 1 the border is exactly that, but for rounding.
  const low = count === 0 ? 0 : Math.max(0, middle - reach);
  return { count, trials, share, low, high: count === trials ? 1 : Math.min(1, middle + reach) };
}

/** How often the word appears. */
export function wordShare(texts: readonly FutureText[], word: string, caseRule: CaseRule): Share {
  return shareOf(texts.filter(text => containsWord(text, word, caseRule)).length, texts.length);
}

/** Two shares side by side, as of continuations forced to begin with A and with B. */
export interface ComparedShares {
  readonly a: Share;
  readonly b: Share;
  /** Of b less a: undefined where one has no trials. */
  readonly difference: number | undefined;
  /** Where the true difference is, as in `Share`. */
  readonly low: number;
  readonly high: number;
}

/**
 * With Newcombe's hybrid score interval (1998, method 10), made of both Wilson intervals as of independent samples. Continuations of the same numbers
 * draw the same random numbers, so that it is rather too wide than too narrow.
 */
export function comparedShares(a: Share, b: Share): ComparedShares {
  if (a.share === undefined || b.share === undefined) return { a, b, difference: undefined, low: -1, high: 1 };
  const difference = b.share - a.share;
  const low = difference - Math.hypot(b.share - b.low, a.high - a.share);
  const high = difference + Math.hypot(b.high - b.share, a.share - a.low);
  return { a, b, difference, low, high };
}

export type Mark = 'good' | 'bad';

/** What makes a continuation good; all others are bad. */
export type RewardRule =
  | { readonly kind: 'containsWord'; readonly word: string; readonly caseRule: CaseRule }
  /** Fewer tokens than this, its end not counted. */
  | { readonly kind: 'shorterThan'; readonly tokens: number }
  /** Its last word is one of these; signs after it do not count. */
  | { readonly kind: 'endsInWord'; readonly words: readonly string[]; readonly caseRule: CaseRule };

const markReward: Readonly<Record<Mark, number>> = { good: 1, bad: -1 };

/** 1 for good, -1 for bad, 0 for neither. `marks`, by index, go before the rule. `texts` are of whole continuations. */
export function rewardsOf(
  continuations: readonly Continuation[],
  texts: readonly FutureText[],
  marks: ReadonlyMap<number, Mark>,
  rule: RewardRule | undefined,
): number[] {
  return continuations.map((continuation, index) => {
    const mark = marks.get(index);
    if (mark) return markReward[mark];
    const text = texts[index];
    if (!rule || !text) return 0;
    return markReward[isGood(rule, continuation, text) ? 'good' : 'bad'];
  });
}

function isGood(rule: RewardRule, { ids, ended }: Continuation, text: FutureText): boolean {
  switch (rule.kind) {
    case 'containsWord':
      return containsWord(text, rule.word, rule.caseRule);
    case 'shorterThan':
      return ids.length - (ended === 'control' ? 1 : 0) < rule.tokens;
    case 'endsInWord': {
      const last = lastWord(text);
      return last !== undefined && rule.words.some(word => isSame(word, last, rule.caseRule));
    }
  }
}

function lastWord({ text, start, end }: FutureText): string | undefined {
  const units = textUnitsIn(text.slice(0, end), { start, end }, 'word');
  const last = units.findLast(unit => /[\p{L}\p{N}]/u.test(text.slice(unit.start, unit.end)));
  return last && text.slice(last.start, last.end);
}

function isSame(word: string, other: string, caseRule: CaseRule): boolean {
  return patternOf(word, caseRule).exec(other)?.[0] === other;
}

export interface Reweighted {
  /** Of the continuations, in their order; they sum to 1. */
  readonly weights: readonly number[];
  /** As many equally weighted ones would say as much: 1 / sum of the squares, from 1 to their number. */
  readonly effectiveCount: number;
}

/**
 * Weights in proportion to exp(reward / beta): what training on whole answers aims at, on these samples; beta is how much it costs to move away from
 * the model as it is. Throws a RangeError unless beta is above 0 (Infinity: as they are) and every reward a finite number.
 */
export function reweighted(rewards: readonly number[], beta: number): Reweighted {
  if (!(beta > 0)) throw new RangeError('beta is above 0.');
  if (!rewards.every(Number.isFinite)) throw new RangeError('A reward is a finite number.');
  const most = rewards.reduce((max, reward) => Math.max(max, reward), -Infinity);
  const raw = rewards.map(reward => Math.exp((reward - most) / beta));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const weights = raw.map(weight => weight / total);
  return { weights, effectiveCount: weights.length === 0 ? 0 : 1 / weights.reduce((sum, weight) => sum + weight ** 2, 0) };
}

export interface TokenShare {
  readonly id: number;
  /** Of the samples as they were drawn. */
  readonly before: number;
  /** Of the same samples, weighted. */
  readonly after: number;
}

/** Which tokens the continuations have at `place` (0: the first), most frequent first, equal ones by id; shares are of those that reach it and sum to 1. */
export function nextTokenShares(continuations: readonly Continuation[], weights: readonly number[], place: number): TokenShare[] {
  const sums = new Map<number, { before: number; after: number }>();
  let [count, total] = [0, 0];
  for (const [index, { ids }] of continuations.entries()) {
    const id = ids[place];
    const weight = weights[index] ?? 0;
    if (id === undefined) continue;
    const sum = sums.get(id) ?? { before: 0, after: 0 };
    sum.before++;
    sum.after += weight;
    sums.set(id, sum);
    count++;
    total += weight;
  }
  return [...sums]
    .map(([id, { before, after }]) => ({ id, before: before / count, after: total > 0 ? after / total : 0 }))
    .sort((a, b) => b.before - a.before || a.id - b.id);
}
