import type { CaseRule, RewardRule } from '../src/core/futures';
import { mostFutures, mostFutureTokens } from '../src/views/futuresProtocol';

/** What a reader has chosen in the section of the futures. Texts are as typed. */
export interface FutureChoices {
  open: boolean;
  count: number;
  mostTokens: number;
  seed: number;
  word: string;
  /** The word is looked for in so many tokens. */
  within: number;
  caseRule: CaseRule;
  /** Beginnings that are forced; empty: the two most probable tokens. */
  starts: readonly [string, string];
  rule: RewardRule['kind'] | 'none';
  /** One word, or the several of a list. */
  ruleWord: string;
  ruleWords: string;
  ruleTokens: number;
  ruleCase: CaseRule;
  beta: number;
  marks: Marks;
}

/** By index, of the continuations with this name. */
export interface Marks {
  readonly of: string;
  readonly good: readonly number[];
  readonly bad: readonly number[];
}

export const noMarks: Marks = { of: '', good: [], bad: [] };

interface Range {
  readonly least: number;
  readonly most: number;
}

export const ranges = {
  count: { least: 1, most: mostFutures },
  mostTokens: { least: 1, most: mostFutureTokens },
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER },
  within: { least: 1, most: mostFutureTokens },
  ruleTokens: { least: 1, most: mostFutureTokens },
} as const satisfies Partial<Record<keyof FutureChoices, Range>>;

export function isWholeIn(value: unknown, { least, most }: Range): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

export function isBeta(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

/** `saved`: whatever was kept, by this version or another. */
export function futureChoicesFrom(saved: unknown): FutureChoices {
  const of = (typeof saved === 'object' && saved !== null ? saved : {}) as Partial<Record<keyof FutureChoices, unknown>>;
  const whole = (name: keyof typeof ranges, usual: number) => (isWholeIn(of[name], ranges[name]) ? of[name] : usual);
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const caseRule = (value: unknown): CaseRule => (value === 'exact' ? 'exact' : 'ignored');
  const starts: readonly unknown[] = Array.isArray(of.starts) ? of.starts : [];
  return {
    open: of.open === true,
    count: whole('count', 32),
    mostTokens: whole('mostTokens', 16),
    seed: whole('seed', 1),
    word: text(of.word),
    within: whole('within', 16),
    caseRule: caseRule(of.caseRule),
    starts: [text(starts[0]), text(starts[1])],
    rule: of.rule === 'containsWord' || of.rule === 'shorterThan' || of.rule === 'endsInWord' ? of.rule : 'none',
    ruleWord: text(of.ruleWord),
    ruleWords: text(of.ruleWords),
    ruleTokens: whole('ruleTokens', 8),
    ruleCase: caseRule(of.ruleCase),
    beta: isBeta(of.beta) ? of.beta : 1,
    marks: marksFrom(of.marks),
  };
}

/** The rule that is chosen, once what it needs is there. */
export function ruleOf({ rule, ruleWord, ruleWords, ruleTokens, ruleCase }: FutureChoices): RewardRule | undefined {
  switch (rule) {
    case 'none':
      return undefined;
    case 'containsWord': {
      const word = ruleWord.trim();
      return word === '' ? undefined : { kind: rule, word, caseRule: ruleCase };
    }
    case 'shorterThan':
      return { kind: rule, tokens: ruleTokens };
    case 'endsInWord': {
      const words = ruleWords.split(/[\s,;]+/).filter(word => word !== '');
      return words.length === 0 ? undefined : { kind: rule, words, caseRule: ruleCase };
    }
  }
}

function marksFrom(saved: unknown): Marks {
  const { of, good, bad } = (typeof saved === 'object' && saved !== null ? saved : {}) as Partial<Record<keyof Marks, unknown>>;
  if (typeof of !== 'string') return noMarks;
  const indices = (value: unknown): number[] => {
    const all: readonly unknown[] = Array.isArray(value) ? value : [];
    return all.filter(index => typeof index === 'number');
  };
  return { of, good: indices(good), bad: indices(bad) };
}
