import type { Cost } from '../core/speed';
import type { TokenPieces } from '../core/vocabulary';
import type { LayersResult } from '../model/probeProtocol';
import type { ListedToken, SectionAsked } from './explainProtocol';
import { listedTokens, SectionRun } from './explainRun';
import type { RunShown } from './explainRun';
import type { ExplainSection, Explaining } from './explainTarget';

const listedPerLayer = 3;

/** What the residual stream would predict after each layer. */
export interface LayersState extends RunShown {
  readonly seen: LayersSeen | undefined;
}
export interface LayersSeen {
  /** The first is the embedding, before any layer. */
  readonly layers: readonly LayerShown[];
  /** What the last layer, and so the model, holds most probable. */
  readonly final: TokenPieces;
  /** Index of the first of `layers` from which it stays so. */
  readonly settled: number;
}
export interface LayerShown {
  readonly top: readonly ListedToken[];
  /** Of what is explained, or of the first of the two that are compared. */
  readonly bits: number;
  /** From 1. */
  readonly rank: number;
}

/** The final norm and the vocabulary projection, applied after every layer: neither was trained for that. */
export class LayersSection implements ExplainSection<LayersState> {
  readonly #explaining: Explaining;
  readonly #run: SectionRun;
  #result: LayersResult | undefined;

  constructor(explaining: Explaining) {
    this.#explaining = explaining;
    this.#run = new SectionRun(explaining);
  }

  state(): LayersState {
    return { ...this.#run.shown(this.#left), seen: this.#result && this.#seen(this.#result) };
  }

  shown(): void {
    if (this.#run.mayBeginUnasked(this.#left)) void this.#compute();
  }

  hidden(): void {
    this.#run.end();
  }

  receive({ name }: SectionAsked): void {
    if (name === 'run') void this.#compute();
    else if (name === 'cancel') {
      this.#run.end();
      this.#explaining.changed();
    }
  }

  /** Never rejects. */
  #compute(): Promise<void> {
    return this.#run.begin(1, async (signal, tell) => {
      this.#result = (await this.#explaining.ask('layers', {}, signal)).result;
      tell(1);
    });
  }

  /** The context, if its cache is not kept any more. */
  get #left(): Cost | undefined {
    const { row, contextFirst } = this.#explaining.target;
    return this.#result ? undefined : this.#explaining.speeds.run.cost(row - contextFirst + 1);
  }

  #seen({ layers, surprisalBits, ranks, topIds, topLogProbabilities }: LayersResult): LayersSeen {
    const { target, chosen } = this.#explaining;
    const { vocabulary, ids } = target;
    const perLayer = topIds.length / (layers + 1);
    const topOf = (layer: number) => topIds[layer * perLayer] ?? -1;
    let settled = layers;
    while (settled > 0 && topOf(settled - 1) === topOf(layers)) settled--;
    return {
      layers: Array.from({ length: layers + 1 }, (_, layer) => ({
        top: listedTokens(vocabulary, topIds, topLogProbabilities, layer * perLayer, Math.min(perLayer, listedPerLayer)),
        bits: surprisalBits[layer * ids.length + chosen.a] ?? NaN,
        rank: ranks[layer * ids.length + chosen.a] ?? 0,
      })),
      final: vocabulary.piecesOf(topOf(layers)),
      settled,
    };
  }
}
