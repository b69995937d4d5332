import { rowState } from './scores';
import type { ScoreTable, Span } from './scores';
import type { Window } from './window';

/** Rows [first, end) of one window, to be scored in one go. */
export interface QueuedRows {
  readonly window: Window;
  readonly first: number;
  readonly end: number;
  /** The window is on a screen, or the only one: an edit or the cursor may come back to it. */
  readonly isNear: boolean;
}

/** Decides what is scored next: what shows on a screen, then the rest of those windows, then outwards. What shows may change at any time. */
export class ScoreQueue {
  readonly #table: ScoreTable;
  readonly #windows: readonly Window[];
  /** Windows that may have pending rows. */
  #open: Window[];

  constructor(table: ScoreTable, windows: readonly Window[]) {
    this.#table = table;
    this.#windows = windows;
    this.#open = [...windows];
  }

  /** All windows with pending rows, in document order. */
  all(): { readonly window: Window; readonly first: number }[] {
    return this.#open.map(window => ({ window, first: this.#firstPending(window) })).filter(({ window, first }) => first < window.end);
  }

  /** Undefined when no row is pending. `visible`: UTF-16 spans of the document. */
  next(visible: readonly Span[]): QueuedRows | undefined {
    this.#open = this.#open.filter(window => this.#firstPending(window) < window.end);
    let best: { readonly window: Window; readonly distance: number } | undefined;
    for (const window of this.#open) {
      const distance = this.#showsPending(window, visible) ? -1 : this.#distance(window, visible);
      if (!best || distance < best.distance) best = { window, distance };
    }
    if (!best) return undefined;
    const { window } = best;
    const first = this.#firstPending(window);
    let end = best.distance < 0 ? this.#visibleEnd(window, visible) : window.end;
    while (end > first + 1 && this.#table.states[end - 1] !== rowState.pending) end--;
    return { window, first, end, isNear: best.distance <= 0 || this.#windows.length <= 2 };
  }

  /** Something on a screen waits, and this is not it. */
  isOvertaken({ window }: QueuedRows, visible: readonly Span[]): boolean {
    if (this.#showsPending(window, visible)) return false;
    return this.#open.some(other => other !== window && this.#showsPending(other, visible));
  }

  #firstPending({ scoreFrom, end }: Window): number {
    let row = scoreFrom;
    while (row < end && this.#table.states[row] !== rowState.pending) row++;
    return row;
  }

  /** A pending row of the window is on a screen. */
  #showsPending(window: Window, visible: readonly Span[]): boolean {
    return this.#distance(window, visible) === 0 && this.#firstPending(window) < this.#visibleEnd(window, visible);
  }

  /** One past the last row of the window that is on a screen; the window's first row where none is. */
  #visibleEnd({ scoreFrom, end }: Window, visible: readonly Span[]): number {
    let last = end;
    while (last > scoreFrom && !visible.some(span => this.#overlaps(last - 1, last, span))) last--;
    return last;
  }

  #overlaps(first: number, end: number, span: Span): boolean {
    return (this.#table.starts[first] ?? 0) < span.end && (this.#table.ends[end - 1] ?? 0) > span.start;
  }

  /** UTF-16 units between the window's rows and what is on a screen; 0 where they overlap. */
  #distance({ scoreFrom, end }: Window, visible: readonly Span[]): number {
    const from = this.#table.starts[scoreFrom] ?? 0;
    const to = this.#table.ends[end - 1] ?? 0;
    return Math.min(
      ...visible.map(span => (from < span.end && to > span.start ? 0 : 1 + Math.max(0, from - span.end, span.start - to))),
      Number.MAX_SAFE_INTEGER,
    );
  }
}
