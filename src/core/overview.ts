import { bandCount } from './band';
import type { Look } from './look';
import { rulerSpans } from './paint';
import type { Span } from './scores';
import { FunctionSums, isLongFunction, marksIn, marksOf } from './units';
import type { Mark, Unit, UnitSource } from './units';

/** What the colours of a whole document amount to. */
export interface Overview {
  /** Pieces of what is shown (tokens, words, sentences) by band, from 0; those without a current score are not counted. */
  readonly counts: readonly number[];
  /** For the overview ruler. */
  readonly ruler: readonly Span[];
  /** What draws do not read themselves, see `UnitSource`: by function, those whose text all has scores. Empty at other scales. */
  readonly longFunctions: ReadonlyMap<Span, Unit>;
}

/** Text taken at a time, in UTF-16 units: below a millisecond. */
const stepLength = 1_000;

/** Walks through a text in short steps: what is shown of it is counted, and its strongest places are found. */
export class OverviewWalk {
  readonly #look: Look;
  readonly #counts = Array.from({ length: bandCount + 1 }, () => 0);
  readonly #top: Span[] = [];
  #sums: FunctionSums | undefined;
  #longFunctions: ReadonlyMap<Span, Unit> = new Map();
  /** Everything that begins before is done. */
  #at = 0;

  constructor(look: Look) {
    this.#look = look;
  }

  /** Takes one step; false at the end of the text. Text and functions must be the same at every step, scores may come meanwhile. */
  step(source: UnitSource): boolean {
    if (this.#at >= source.text.length) return false;
    const from = this.#at;
    let done = Math.min(source.text.length, from + stepLength);
    const isFunctions = this.#look.scale === 'function';
    // A function is read as a whole anyway: once is enough.
    if (isFunctions)
      for (const each of source.functions)
        if (!isLongFunction(each) && each.start < done && each.end > from) done = Math.max(done, each.end);
    for (const mark of marksIn({ ...source, longFunction: undefined }, { start: from, end: done }, this.#look)) {
      done = Math.max(done, mark.end);
      this.#count(mark);
    }
    if (isFunctions) {
      this.#sums ??= new FunctionSums(source.text, source.functions, isLongFunction);
      this.#sums.add(source, { start: from, end: done });
    }
    this.#at = done;
    if (done < source.text.length) return true;
    this.#longFunctions = this.#sums?.units() ?? this.#longFunctions;
    for (const unit of this.#longFunctions.values()) for (const mark of marksOf(unit, 'function', this.#look)) this.#count(mark);
    this.#top.sort((a, b) => a.start - b.start);
    return false;
  }

  result(text: string): Overview {
    return { counts: this.#counts, ruler: rulerSpans(text, this.#top), longFunctions: this.#longFunctions };
  }

  #count({ start, end, band, stale, opens }: Mark): void {
    if (band === undefined || stale) return;
    if (band === bandCount) this.#top.push({ start, end });
    if (this.#look.scale !== 'function' || opens) this.#counts[band] = (this.#counts[band] ?? 0) + 1;
  }
}
