import { bandCount } from './band';
import type { Look } from './look';
import { rulerSpans } from './paint';
import type { Span } from './scores';
import { marksIn } from './units';
import type { UnitSource } from './units';

/** What the colours of a whole document amount to. */
export interface Overview {
  /** Pieces of what is shown (tokens, words, sentences) by band, from 0; those without a current score are not counted. */
  readonly counts: readonly number[];
  /** For the overview ruler. */
  readonly ruler: readonly Span[];
}

/** Text taken at a time, in UTF-16 units: below a millisecond. */
const stepLength = 1_000;

/** Walks through a text in short steps: what is shown of it is counted, and its strongest places are found. */
export class OverviewWalk {
  readonly #look: Look;
  readonly #counts = Array.from({ length: bandCount + 1 }, () => 0);
  readonly #top: Span[] = [];
  /** Everything that begins before is done. */
  #at = 0;

  constructor(look: Look) {
    this.#look = look;
  }

  /** Takes one step; false at the end of the text. The text must be the same at every step, its scores may come meanwhile. */
  step(source: UnitSource): boolean {
    if (this.#at >= source.text.length) return false;
    const from = this.#at;
    let done = Math.min(source.text.length, from + stepLength);
    const isFunctions = this.#look.scale === 'function';
    // A function is read as a whole anyway: once is enough.
    if (isFunctions) for (const { start, end } of source.functions) if (start < done && end > from) done = Math.max(done, end);
    for (const { start, end, band, stale, opens } of marksIn(source, { start: from, end: done }, this.#look)) {
      if (band === bandCount && !stale) this.#top.push({ start, end });
      done = Math.max(done, end);
      if (band === undefined || stale || (isFunctions && !opens)) continue;
      this.#counts[band] = (this.#counts[band] ?? 0) + 1;
    }
    this.#at = done;
    return done < source.text.length;
  }

  result(text: string): Overview {
    return { counts: this.#counts, ruler: rulerSpans(text, this.#top) };
  }
}
