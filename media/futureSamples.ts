import * as l10n from '@vscode/l10n';
import { futureText, unpacked, type Continuation, type FutureText, type Share } from '../src/core/futures';
import { neutralSampling, samplingRules } from '../src/core/sampling';
import { piecesOfBytes, type TokenPieces, type Vocabulary } from '../src/core/vocabulary';
import type { FuturesWanted, SampledFutures } from '../src/views/futuresProtocol';
import { element, tokenElement } from './dom';
import { formatCount, formatDecimal, sentence } from './format';
import { ruleName } from './sampler';

/** UTF-16, of the end of the text before a place. */
const tailLength = 48;

export interface SampleGroup {
  readonly forcedTokens: number;
  readonly continuations: readonly Continuation[];
}

/** The continuations of one question, as the page works with them. */
export class FutureSamples {
  readonly facts: SampledFutures;
  readonly vocabulary: Vocabulary;
  readonly groups: readonly SampleGroup[];

  constructor(facts: SampledFutures, vocabulary: Vocabulary) {
    this.facts = facts;
    this.vocabulary = vocabulary;
    this.groups = facts.groups.map(({ forcedTokens, continuations }) => ({ forcedTokens, continuations: unpacked(continuations) }));
  }

  /** Of one group, with the first so many tokens asked about. */
  textsOf({ continuations }: SampleGroup, tokens: number): FutureText[] {
    return continuations.map(continuation => futureText(continuation, tokens, this.vocabulary, this.facts.before));
  }

  /** How many there are, of the group that has fewest. */
  get sampled(): number {
    return Math.min(...this.groups.map(({ continuations }) => continuations.length));
  }
}

/** Tokens for display as one text: characters that lie across tokens are whole. */
export function piecesOfIds(ids: Iterable<number>, vocabulary: Vocabulary): TokenPieces {
  const pieces: TokenPieces[number][] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) pieces.push(...piecesOfBytes(Uint8Array.from(bytes)));
    bytes = [];
  };
  for (const id of ids) {
    if (vocabulary.controlNameOf(id) === undefined) bytes.push(...vocabulary.bytesOf(id));
    else {
      flush();
      pieces.push(...vocabulary.piecesOf(id));
    }
  }
  flush();
  return pieces;
}

/** A text of several words, as tokens are shown: the glyph of a space is no place where a line may end, but before it is one. */
export function textElement(pieces: TokenPieces): HTMLElement {
  const text = tokenElement(pieces);
  for (const glyph of [...text.querySelectorAll('.glyph')]) if (glyph.previousSibling) glyph.before(element('wbr', {}));
  return text;
}

/** "temperature 0.8, top-k 40" */
export function samplingInWords(sampling: FuturesWanted['sampling']): string {
  const inForce = samplingRules.filter(rule => sampling[rule] !== neutralSampling[rule]);
  if (inForce.length === 0) return l10n.t('all rules neutral');
  return inForce.map(rule => `${ruleName(rule)} ${String(sampling[rule])}`).join(', ');
}

/** Which continuations these are, and of which place. Empty until the model has answered. */
export function origin({ facts, sampled }: FutureSamples): readonly (Node | string)[] {
  const { wanted, before, typed, contextTokens, isHere } = facts;
  if (contextTokens === undefined) return [];
  const words = before.replaceAll(/\s+/g, ' ');
  const tail = words.length <= tailLength ? words : `…${words.slice(-tailLength).replace(/^\S*\s/, '')}`;
  const place = words.trim() === '' ? l10n.t('the beginning of the document') : `“${tail.trimEnd()}”`;
  const numbers = [formatCount(sampled), formatCount(wanted.mostTokens), String(wanted.seed), samplingInWords(wanted.sampling)];
  return [
    ...sentence(
      l10n.t('After {0}: {1} futures of at most {2} tokens, seed {3}, {4}; {5} tokens were read.'),
      element('bdi', { class: 'context' }, place),
      ...[...numbers, formatCount(contextTokens)].map(text => document.createTextNode(text)),
    ),
    ...(typed === '' ? [] : [' ', ...sentence(l10n.t('They begin before “{0}”, a word that is not finished.'), element('bdi', {}, typed))]),
    ...(isHere ? [] : [' ', l10n.t('The cursor is elsewhere now.')]),
  ];
}

/** 22: of few samples more digits would pretend. */
export function wholePercent(share: number): string {
  const isNearEnd = (share > 0 && share < 0.0095) || (share < 1 && share > 0.9905);
  return formatDecimal(share * 100, isNearEnd ? 1 : 0);
}

/** "7 of 32, 22%, 95% interval 11 to 39%" */
export function shareInWords({ count, trials, share, low, high }: Share): string {
  if (share === undefined) return l10n.t('none sampled yet');
  const numbers = [formatCount(count), formatCount(trials), ...[share, low, high].map(wholePercent)];
  return l10n.t('{0} of {1}, {2}%, 95% interval {3} to {4}%', ...numbers);
}
