import type { WindowSettings } from './scores';

/** Document tokens [start, end) go through the model together; rows [scoreFrom, end) are taken from this window. */
export interface Window {
  readonly start: number;
  readonly end: number;
  readonly scoreFrom: number;
}

/** Settings in force: what the model has positions for (its prefix ids not counted), and an overlap of at most half of that. */
export function windowInForce(wanted: WindowSettings, positions: number, prefixTokens: number): WindowSettings {
  const contextTokens = Math.max(1, Math.min(wanted.contextTokens, positions - prefixTokens));
  return { contextTokens, overlapTokens: Math.min(wanted.overlapTokens, Math.floor(contextTokens / 2)) };
}

/** The counted grid: windows start at token 0, stride, 2 x stride, ... where stride = context - overlap. Rows tile [0, tokenCount). */
export function gridWindows(tokenCount: number, settings: WindowSettings): Window[] {
  const windows: Window[] = [];
  for (let scored = 0; scored < tokenCount; scored = windows.at(-1)?.end ?? tokenCount) {
    windows.push(gridWindowOf(scored, tokenCount, settings));
  }
  return windows;
}

/** The window whose rows hold token `index`, among windows over `tokenCount` tokens. `index` may be `tokenCount`: the token to come. */
export function gridWindowOf(index: number, tokenCount: number, { contextTokens, overlapTokens }: WindowSettings): Window {
  const stride = contextTokens - overlapTokens;
  const number = Math.max(0, Math.floor((index - overlapTokens) / stride));
  const start = number * stride;
  return { start, end: Math.min(tokenCount, start + contextTokens), scoreFrom: number === 0 ? 0 : start + overlapTokens };
}
