import * as vscode from 'vscode';
import { isSameMeasure } from '../core/legend';
import { linkCostTokens, linksBetween, linkUnits } from '../core/links';
import type { LinkUnit } from '../core/links';
import type { Provenance, Span } from '../core/scores';
import type { Cost } from '../core/speed';
import { textUnitsIn } from '../core/textUnits';
import { ModelError } from '../model/errors';
import type { EffectsResult, Filler } from '../model/contextProtocol';
import { mapScales } from './explainProtocol';
import type { MapScale, SectionAsked } from './explainProtocol';
import { lineAt, SectionRun } from './explainRun';
import type { RunShown } from './explainRun';
import type { ExplainSection, Explaining, Target } from './explainTarget';
import { excerpt, selectionOf } from './places';

/** Of which a map is made: every one is a pass of its own, and more could not be seen. */
const mostUnits = 40;
const mostLinks = 40;
const excerptLength = 80;
/** What a pass takes beside its tokens, in tokens: measured, with passes of 4 to 56 tokens. */
const passTokens = 64;
/** What is looked at where nothing is selected, the largest first. */
const placesAround = ['paragraph', 'sentence', 'line'] as const;

/** The strongest links between words or lines. */
export interface MapState extends RunShown {
  readonly scale: MapScale;
  /** That many are selected, which is too many or too few; undefined: a map can be made. */
  readonly refused: number | undefined;
  readonly mostUnits: number;
  readonly units: readonly MapUnit[];
  /** Strongest first, above the noise. */
  readonly links: readonly MapLink[];
  /** Above the noise as well, but too many. */
  readonly moreLinks: number;
  readonly noiseLinks: number;
  /** Some units lie in different windows of the model, which cannot be linked. */
  readonly hasBorder: boolean;
  /** Index of the unit whose links are looked at. */
  readonly chosen: number | undefined;
  /** What stands in the place of what is left out. */
  readonly filler: Filler;
}
export interface MapUnit extends Span {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}
export interface MapLink {
  /** Indices of units; the second is the later one. */
  readonly from: number;
  readonly to: number;
  /** Positive: the first makes the second easier. */
  readonly bits: number;
}

/** What is known of one version of a document: another target of the same text has the same map. */
interface Known {
  readonly version: number;
  readonly provenance: Provenance;
  readonly effects: Map<string, EffectsResult | 'refused'>;
  place: Span | undefined;
  scale: MapScale;
}
const knownOf = new WeakMap<vscode.TextDocument, Known>();

/** Leave-one-out of each of some words or lines, and what that does to those after it. Never begun unasked: it is a pass for each. */
export class MapSection implements ExplainSection<MapState> {
  readonly #explaining: Explaining;
  readonly #run: SectionRun;
  readonly #known: Known;
  readonly #filler: Filler;
  #units: readonly LinkUnit[] = [];
  #shownUnits: readonly MapUnit[] = [];
  /** How many there are in the place, whether or not a map is made of them. */
  #count = 0;
  #chosen: number | undefined;

  constructor(explaining: Explaining) {
    this.#explaining = explaining;
    this.#run = new SectionRun(explaining);
    this.#known = knownAbout(explaining.target);
    this.#filler = explaining.target.provenance.startTokenId === null ? 'deletion' : 'startToken';
    this.#look();
  }

  state(): MapState {
    const { target } = this.#explaining;
    const effects = this.#units.map(unit => this.#effectsOf(unit));
    const found = linksBetween(this.#units, from => effects[from], target.noise.bits);
    const real = found.filter(({ isNoise }) => !isNoise);
    const left = this.#left();
    const isComplete = left.length === 0;
    return {
      ...this.#run.shown(isComplete ? undefined : this.#costOf(left)),
      scale: this.#known.scale,
      refused: this.#count < 2 || this.#count > mostUnits ? this.#count : undefined,
      mostUnits,
      units: this.#shownUnits,
      links: real.slice(0, mostLinks).map(({ from, to, bits }) => ({ from, to, bits })),
      moreLinks: Math.max(0, real.length - mostLinks),
      noiseLinks: found.length - real.length,
      hasBorder: isComplete && found.length < (this.#units.length * (this.#units.length - 1)) / 2,
      chosen: this.#chosen,
      filler: this.#filler,
    };
  }

  shown(): void {
    if (this.#known.place) return;
    this.#known.place = this.#selected() ?? this.#around();
    this.#look();
  }

  hidden(): void {
    this.#run.end();
  }

  receive({ name, value }: SectionAsked): void {
    switch (name) {
      case 'run':
        void this.#compute();
        return;
      case 'cancel':
        this.#run.end();
        break;
      case 'take':
        this.#known.place = this.#selected() ?? this.#around();
        this.#look();
        break;
      case 'scale':
        this.#known.scale = mapScales.find(each => each === value) ?? this.#known.scale;
        this.#look();
        break;
      case 'unit': {
        const unit = typeof value === 'number' ? this.#units[value] : undefined;
        if (typeof value !== 'number' || !unit) return;
        this.#chosen = this.#chosen === value ? undefined : value;
        this.#explaining.reveal(unit.span);
        break;
      }
    }
    this.#explaining.changed();
  }

  /** Never rejects. */
  #compute(): Promise<void> {
    const left = this.#left();
    const until = this.#until;
    return this.#run.begin(left.length, async (signal, tell) => {
      for (const unit of left) {
        const begun = performance.now();
        const found = await this.#ask(unit, until, signal);
        signal.throwIfAborted();
        if (found !== 'refused') this.#explaining.speeds.map.ran(found.tokensRun + passTokens, (performance.now() - begun) / 1000);
        this.#known.effects.set(this.#keyOf(unit), found);
        tell(1);
      }
    });
  }

  /** What begins in one window and ends in the next cannot be left out of either. */
  async #ask({ rows }: LinkUnit, until: number, signal: AbortSignal): Promise<EffectsResult | 'refused'> {
    try {
      return (await this.#explaining.ask('effects', { source: rows, filler: this.#filler, until }, signal)).result;
    } catch (error) {
      if (error instanceof ModelError && error.code === 'bad-argument') return 'refused';
      throw error;
    }
  }

  /** The text is read as it is as well as without each unit, unless its scores in this arithmetic are known. */
  #costOf(units: readonly LinkUnit[]): Cost {
    const tokens = 2 * linkCostTokens(units, this.#until);
    const { map, run } = this.#explaining.speeds;
    return map.cost(tokens, tokens + passTokens * units.length, run);
  }

  get #until(): number {
    return this.#units.at(-1)?.rows.end ?? 0;
  }

  #left(): readonly LinkUnit[] {
    return this.#units.slice(0, -1).filter(unit => !this.#known.effects.has(this.#keyOf(unit)));
  }

  #effectsOf(unit: LinkUnit): EffectsResult | undefined {
    const found = this.#known.effects.get(this.#keyOf(unit));
    return found === 'refused' ? undefined : found;
  }

  #keyOf({ rows }: LinkUnit): string {
    return [rows.first, rows.end, this.#until].join(' ');
  }

  /** Finds the units of the place. */
  #look(): void {
    const { place, scale } = this.#known;
    const { text, table } = this.#explaining.target;
    this.#run.end();
    this.#chosen = undefined;
    this.#units = [];
    this.#shownUnits = [];
    this.#count = 0;
    if (!place) return;
    const spans = textUnitsIn(text, place, scale);
    this.#count = spans.length;
    if (spans.length > mostUnits) return;
    const units = linkUnits(table, spans);
    this.#count = units.length;
    if (units.length < 2) return;
    this.#units = units;
    this.#shownUnits = units.map(({ span }) => ({
      ...span,
      text: excerpt(text.slice(span.start, span.end), excerptLength),
      line: lineAt(text, span.start),
    }));
  }

  #selected(): Span | undefined {
    const { document } = this.#explaining.target;
    const selected = vscode.window.visibleTextEditors.find(editor => editor.document === document && !editor.selection.isEmpty);
    return selected && selectionOf(selected);
  }

  /** What the target stands in, as much of it as a map can be made of. */
  #around(): Span | undefined {
    const { text, span } = this.#explaining.target;
    // A target may be the break between two lines, or what comes after all text: the line before it is meant then.
    const place = { start: Math.max(0, span.start - 1), end: Math.max(1, span.end) };
    const candidates = placesAround.flatMap(scale => textUnitsIn(text, place, scale).slice(-1));
    const fits = candidates.find(each => {
      const count = textUnitsIn(text, each, this.#known.scale).length;
      return count > 1 && count <= mostUnits;
    });
    return fits ?? candidates.at(-1);
  }
}

function knownAbout({ document, version, provenance }: Target): Known {
  const known = knownOf.get(document);
  if (known?.version === version && isSameMeasure(known.provenance, provenance)) return known;
  const fresh: Known = { version, provenance, effects: new Map(), place: undefined, scale: 'word' };
  knownOf.set(document, fresh);
  return fresh;
}
