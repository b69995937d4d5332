import type { PackedContinuations } from '../core/futures';
import { samplingRules, type SamplingRule } from '../core/sampling';
import { isArray, isCount, isFlag, isNumber, isOneOf, isText, listOf, orUndefined, recordOf, type Shape } from '../core/shape';

/** A part of the panel's protocol: continuations that are sampled at a place. */

export const mostFutures = 256;
export const mostFutureTokens = 64;
/** UTF-16. */
export const longestForced = 200;

/** What continuations are forced to begin with: a text, or the id of a token. */
export type ForcedStart = string | number;

/** How continuations are to be sampled. */
export interface FuturesWanted {
  readonly count: number;
  readonly mostTokens: number;
  readonly sampling: Readonly<Record<SamplingRule, number>>;
  readonly seed: number;
  /** None: the model goes on by itself. Two: so many continuations of each. */
  readonly forced: readonly [] | readonly [ForcedStart, ForcedStart];
}

/** Sample continuations of the place that is shown. A newer question, of any page, stops the one before it. */
export interface AskFutures extends FuturesWanted {
  readonly kind: 'futures';
  /** As in the state of the page. */
  readonly place: number;
}

/** All that was sampled and is still true of its text, kept whatever the cursor does. */
export interface FuturesMessage {
  readonly kind: 'futures';
  /** The model went on by itself. */
  readonly free: SampledFutures | undefined;
  /** Forced to begin with one thing, and with another. */
  readonly forced: SampledFutures | undefined;
  /** Why what had been sampled is gone; undefined: nothing is. */
  readonly gone: FuturesGone | undefined;
}

/** The text before the place was edited, its document was closed, or another model or setting is in force. */
export type FuturesGone = 'edited' | 'closed' | 'settings';

export interface SampledFutures {
  /** Never that of another question, now or after a restart. */
  readonly name: string;
  readonly wanted: FuturesWanted;
  /** One without forced beginnings, else one of each. */
  readonly groups: readonly FutureGroup[];
  /** `stopped`: by the reader or a newer question. `moved`: the cursor went elsewhere. `edited`: the text after the place. */
  readonly state: 'running' | 'done' | 'stopped' | 'moved' | 'edited' | 'failed';
  /** A sentence about a failure. */
  readonly problem: string | undefined;
  /** The cursor is where it was when they were asked for. */
  readonly isHere: boolean;
  /** The end of the text before the place where they go on; empty until the model has answered. */
  readonly before: string;
  /** What is typed between that place and the cursor, of a word that is not finished. */
  readonly typed: string;
  /** What the model read; less than for the distribution where so many copies of it would not have had room. */
  readonly contextTokens: number | undefined;
}

export interface FutureGroup {
  /** So many tokens at the beginning of each were forced. */
  readonly forcedTokens: number;
  readonly continuations: PackedContinuations;
}

/** The question, if it is one. */
export function askFuturesFrom(message: object): AskFutures | undefined {
  const { place, count, mostTokens, sampling, seed, forced } = message as Partial<Record<keyof AskFutures, unknown>>;
  const isWhole = (value: unknown, least: number, most: number): value is number =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
  if (typeof place !== 'number' || !isWhole(count, 1, mostFutures) || !isWhole(mostTokens, 1, mostFutureTokens)) return undefined;
  if (!isWhole(seed, 0, Number.MAX_SAFE_INTEGER) || !isSampling(sampling) || !isForced(forced)) return undefined;
  const { temperature, topK, topP, minP, typical } = sampling; // and nothing else that it may hold
  return { kind: 'futures', place, count, mostTokens, sampling: { temperature, topK, topP, minP, typical }, seed, forced };
}

const isWanted = recordOf<FuturesWanted>({
  count: isCount,
  mostTokens: isCount,
  sampling: isSampling,
  seed: isCount,
  forced: isForced,
});

const isSampled = recordOf<SampledFutures>({
  name: isText,
  wanted: isWanted,
  groups: listOf(
    recordOf<FutureGroup>({
      forcedTokens: isCount,
      continuations: recordOf<PackedContinuations>({
        lengths: isArray('Uint32Array'),
        endedByControl: isArray('Uint8Array'),
        ids: isArray('Int32Array'),
        logProbabilities: isArray('Float64Array'),
        sampledLogProbabilities: isArray('Float64Array'),
      }),
    }),
  ),
  state: isOneOf('running', 'done', 'stopped', 'moved', 'edited', 'failed'),
  problem: orUndefined(isText),
  isHere: isFlag,
  before: isText,
  typed: isText,
  contextTokens: orUndefined(isNumber),
});

export const isFuturesMessage: Shape<FuturesMessage> = recordOf<FuturesMessage>({
  kind: isOneOf('futures'),
  free: orUndefined(isSampled),
  forced: orUndefined(isSampled),
  gone: orUndefined(isOneOf('edited', 'closed', 'settings')),
});

/** Ranges are the model's business. */
function isSampling(value: unknown): value is FuturesWanted['sampling'] {
  if (typeof value !== 'object' || value === null) return false;
  const settings = value as Readonly<Record<string, unknown>>;
  return samplingRules.every(rule => Number.isFinite(settings[rule]));
}

function isForced(value: unknown): value is FuturesWanted['forced'] {
  if (!Array.isArray(value) || (value.length !== 0 && value.length !== 2)) return false;
  const starts: readonly unknown[] = value;
  return starts.every(start => (typeof start === 'string' ? start !== '' && start.length <= longestForced : Number.isSafeInteger(start)));
}
