import * as l10n from '@vscode/l10n';
import type { KeptTokens } from '../src/core/sampling';
import type { Drawn } from '../src/core/seededRandom';
import type { TokenPieces } from '../src/core/vocabulary';
import { element, tokenElement } from './dom';
import { formatCount, formatDecimal, sentence } from './format';

/** Tokens with a piece of the bar of their own, most probable first; the others share one. */
const mostPieces = 24;
const leastPiece = 0.004;
/** Narrower pieces have no room for a name. */
const leastNamed = 0.05;

/** A draw, and what it was from. */
export interface DrawnToken {
  readonly drawn: Drawn;
  readonly kept: KeptTokens;
  /** From 1: of the numbers of the seed. */
  readonly number: number;
  readonly seed: number;
  readonly nameOf: (id: number) => TokenPieces;
  readonly isAccepted: boolean;
}

/** The kept tokens end to end, and where the number fell; the sentence says the same. Without a draw there is room for both. */
export function drawingOf(last: DrawnToken | undefined): readonly HTMLElement[] {
  const bar = element('div', { class: last?.isAccepted ? 'cumulative-bar accepted' : 'cumulative-bar', 'aria-hidden': 'true' });
  const text = element('p', { class: 'drawn-text' }, '\u00a0');
  if (!last) return [bar, text];
  const { drawn, number, seed, nameOf } = last;
  bar.append(...piecesOf(last));
  const mark = element('span', { class: 'mark' });
  mark.style.insetInlineStart = `${drawn.uniform * 100}%`;
  bar.append(mark);
  const values = [formatCount(number), String(seed), formatDecimal(drawn.uniform, 4)].map(value => document.createTextNode(value));
  const borders = [drawn.start, drawn.end].map(border => document.createTextNode(formatDecimal(border, 4)));
  const all = l10n.t('Number {0} of seed {1} is {2}: it falls on {3}, from {4} to {5}.');
  text.replaceChildren(...sentence(all, ...values, tokenElement(nameOf(drawn.id)), ...borders));
  return [bar, text];
}

function piecesOf({ drawn, kept, nameOf }: DrawnToken): readonly HTMLElement[] {
  const pieces: HTMLElement[] = [];
  const push = (kind: string, share: number, id?: number) => {
    if (share <= 0) return;
    const name = id !== undefined && share >= leastNamed ? tokenElement(nameOf(id)) : undefined;
    const piece = element('span', { class: `piece ${kind}` }, name);
    piece.style.width = `${share * 100}%`;
    pieces.push(piece);
  };
  let reached = 0;
  for (let place = 0; place < Math.min(mostPieces, kept.ids.length); place++) {
    const share = kept.probabilities[place] ?? 0;
    if (share < leastPiece) break;
    push(place === drawn.place ? 'hit' : 'other', share, kept.ids[place]);
    reached += share;
  }
  if (drawn.start >= reached - 1e-9) {
    push('rest', drawn.start - reached);
    push('hit', drawn.end - drawn.start, drawn.id);
    reached = drawn.end;
  }
  push('rest', 1 - reached);
  return pieces;
}
