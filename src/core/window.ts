import type { WindowSettings } from './scores';
import { firstWhere } from './search';

/** Document tokens [start, end) go through the model together; rows [scoreFrom, end) are taken from this window. */
export interface Window {
  readonly start: number;
  readonly end: number;
  readonly scoreFrom: number;
}

/** What windows are decided from. */
export interface TokenText {
  readonly ids: ArrayLike<number>;
  readonly length: number;
  /** The token is the first of a line. Only asked of tokens that have one before them. */
  startsLine(index: number): boolean;
}

/** Settings in force: what the model has positions for (its prefix ids not counted), and an overlap of at most half of that. */
export function windowInForce(wanted: WindowSettings, positions: number, prefixTokens: number): WindowSettings {
  const contextTokens = Math.max(1, Math.min(wanted.contextTokens, positions - prefixTokens));
  return { contextTokens, overlapTokens: Math.min(wanted.overlapTokens, Math.floor(contextTokens / 2)), anchors: wanted.anchors };
}

/** The windows of a text, in order; their rows tile it. A pure function of the tokens, so that every way to a text leads to the same numbers. */
export function windowsOf(text: TokenText, settings: WindowSettings): Window[] {
  const { contextTokens, overlapTokens } = settings;
  const borders = settings.anchors === 'grid' ? countedBorders(text.length, settings) : bordersByText(text, settings);
  return borders.map((scoreFrom, index) => {
    const start = Math.max(0, scoreFrom - overlapTokens);
    return { start, scoreFrom, end: borders[index + 1] ?? Math.min(text.length, start + contextTokens) };
  });
}

/** The window whose rows hold token `index`; windows must cover it. */
export function windowHolding(windows: readonly Window[], index: number): Window | undefined {
  return windows[firstWhere(windows.length, window => (windows[window]?.end ?? 0) > index)];
}

/** The counted grid: windows start at token 0, stride, 2 x stride, ... where stride = context - overlap. */
function countedBorders(tokenCount: number, { contextTokens, overlapTokens }: WindowSettings): number[] {
  const borders: number[] = [];
  for (let border = 0; border < tokenCount; border += borders.length === 1 ? contextTokens : contextTokens - overlapTokens)
    borders.push(border);
  return borders;
}

/**
 * Borders that the text near them decides. Every token has a key: line starts come before other tokens, then a hash of the tokens before it.
 * An *anchor* has the smallest key of all tokens within a fixed distance to either side; what is further away cannot move it. Where
 * anchors lie too far apart for one window, borders between them are the smallest keys within reach, from the earlier anchor on.
 * A token's window is thus settled by at most `context - overlap` tokens after it. Local minima as cutting points: Bjørner, Blass, Gurevich 2010
 * ("Content-dependent chunking for differential compression, the local maximum approach").
 */
function bordersByText(text: TokenText, { contextTokens, overlapTokens }: WindowSettings): number[] {
  const { length } = text;
  if (length === 0) return [];
  // The first window has no overlap and can hold as much more; short texts stay whole.
  const mostRows = (border: number) => (border === 0 ? contextTokens : contextTokens - overlapTokens);
  const leastRows = (border: number) => Math.max(1, border === 0 ? contextTokens - (contextTokens >>> 3) : mostRows(border) >>> 1);
  const keys = keysOf(text);
  // 0.4: nearer anchors make more windows, more distant ones leave gaps to be filled that an edit moves (measured on Markdown and prose).
  const distance = Math.max(1, Math.floor(0.4 * (contextTokens - overlapTokens)));
  const borders = [0];
  const fillUpTo = (end: number) => {
    for (let last = borders.at(-1) ?? 0; end - last > mostRows(last); last = borders.at(-1) ?? 0) {
      borders.push(smallest(keys, last + leastRows(last), Math.min(end - 1, last + mostRows(last))));
    }
  };
  for (const anchor of localMinima(keys, leastRows(0), distance)) {
    fillUpTo(anchor);
    borders.push(anchor);
  }
  fillUpTo(length);
  return borders;
}

/** Tokens that a key looks at: enough to tell lines that begin alike apart, few enough that an edit changes few keys. */
const hashedTokens = 16;

/** Smaller means better as a border. Keys look back only. */
function keysOf(text: TokenText): Float64Array {
  const keys = new Float64Array(text.length);
  const factor = 0x9e3779b1;
  let outgoing = 1; // factor ** hashedTokens
  for (let index = 0; index < hashedTokens; index++) outgoing = Math.imul(outgoing, factor);
  let rolling = 0; // over the last `hashedTokens` ids; + 1, as an id 0 must count too
  for (let index = 0; index < text.length; index++) {
    keys[index] = (index > 0 && text.startsLine(index) ? 0 : 2 ** 32) + mixed(rolling);
    const old = index >= hashedTokens ? (text.ids[index - hashedTokens] ?? 0) + 1 : 0;
    rolling = Math.imul(rolling, factor) + (text.ids[index] ?? 0) + 1 - Math.imul(old, outgoing);
    rolling |= 0;
  }
  return keys;
}

/** Every bit of the result depends on every bit of `value` (the finaliser of MurmurHash3). */
function mixed(value: number): number {
  let bits = value ^ (value >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Index of the smallest value in [from, to]; the first one of equals. */
function smallest(keys: Float64Array, from: number, to: number): number {
  let best = from;
  for (let index = from + 1; index <= to; index++) if ((keys[index] ?? 0) < (keys[best] ?? 0)) best = index;
  return best;
}

/**
 * Indices, at least `first`, whose key is smaller than that of every index up to `distance` before (from `first` on) and not larger than
 * that of any up to `distance` after; the whole distance after must exist, so that what is typed at the end moves nothing.
 */
function localMinima(keys: Float64Array, first: number, distance: number): number[] {
  const found: number[] = [];
  // Indices whose keys ascend: the first is the smallest of the last `distance` + 1, earlier ones of equals first.
  const ascending: number[] = [];
  let head = 0;
  for (let index = first; index < keys.length; index++) {
    while (ascending.length > head && (keys[ascending.at(-1) ?? 0] ?? 0) > (keys[index] ?? 0)) ascending.pop();
    ascending.push(index);
    while ((ascending[head] ?? 0) < index - distance) head++;
    const smallestIndex = ascending[head] ?? 0;
    // The window of keys [index - distance, index] has its smallest at its beginning: nothing after it is smaller.
    if (smallestIndex === index - distance && isSmallerThanBefore(keys, smallestIndex, first, distance)) found.push(smallestIndex);
  }
  return found;
}

function isSmallerThanBefore(keys: Float64Array, index: number, first: number, distance: number): boolean {
  for (let before = Math.max(first, index - distance); before < index; before++) {
    if ((keys[before] ?? 0) <= (keys[index] ?? 0)) return false;
  }
  return true;
}
