import { Tensor } from 'onnxruntime-common';
import type { Arithmetic } from '../core/scores';
import { ModelError } from './errors';
import { addProbe, probeInputs, probeOutputs } from './probeGraph';
import type { ChangedGraph, ProbeKind } from './probeGraph';
import type { ScoringSession, SessionOptions } from './session';

/** A session of a changed graph, and what can be switched in it. */
export interface ProbeSession {
  readonly session: ScoringSession;
  readonly layers: number;
  /** Of each layer; 0 where it was not asked for. */
  readonly heads: number;
}

/** Long enough for the next click or cursor move. */
const idleMsBeforeClosing = 30_000;

interface Open extends ProbeSession {
  readonly kind: ProbeKind;
  readonly arithmetic: Arithmetic;
}

/** Sessions of changed graphs of one model: one at a time, because each holds memory besides the weights, opened on demand and closed when idle. */
export class ProbeSessions {
  readonly #openSession: (arithmetic: Arithmetic, change: SessionOptions['change']) => Promise<ScoringSession>;
  readonly #idleMs: number;
  #open: Open | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(
    openSession: (arithmetic: Arithmetic, change: SessionOptions['change']) => Promise<ScoringSession>,
    idleMs = idleMsBeforeClosing,
  ) {
    this.#openSession = openSession;
    this.#idleMs = idleMs;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** One use after the other. Errors: 'unsupported', with what the model's graph does not have; those of `ask`. */
  use<Result>(
    kind: ProbeKind,
    arithmetic: Arithmetic,
    signal: AbortSignal,
    ask: (probe: ProbeSession) => Promise<Result>,
  ): Promise<Result> {
    return this.#next(async () => {
      signal.throwIfAborted();
      if (this.#disposed) throw new ModelError('internal', 'The model is closed.');
      clearTimeout(this.#closing);
      try {
        return await ask(await this.#opened(kind, arithmetic));
      } finally {
        this.#closing = setTimeout(() => void this.#next(() => this.#close()), this.#idleMs).unref();
      }
    });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#next(() => this.#close());
  }

  #next<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined); // whoever asked is told
    return result;
  }

  async #opened(kind: ProbeKind, arithmetic: Arithmetic): Promise<ProbeSession> {
    if (this.#open?.kind === kind && this.#open.arithmetic === arithmetic) return this.#open;
    await this.#close();
    let changed: ChangedGraph | undefined;
    const session = await this.#openSession(arithmetic, model => {
      changed = addProbe(model, kind);
    });
    try {
      if (!changed) throw new ModelError('internal', 'The graph was opened without its change.');
      const { layers, heads } = changed;
      this.#open = { kind, arithmetic, session, layers, heads: heads ?? (kind === 'switches' ? await headsOf(session, layers) : 0) };
      return this.#open;
    } catch (error) {
      await session.dispose();
      throw error;
    }
  }

  async #close(): Promise<void> {
    clearTimeout(this.#closing);
    const open = this.#open;
    this.#open = undefined;
    await open?.session.dispose();
  }
}

/** As the first layer has them when it runs: a plain graph's weights do not tell. */
async function headsOf(session: ScoringSession, layers: number): Promise<number> {
  const all = session.feeding({ [probeInputs.switches]: new Tensor('float32', new Float32Array(layers).fill(1), [layers, 1]) });
  const [shape] = await all.values([0, 0], all.emptyCache, [probeOutputs.headShape]);
  const heads = shape && shape.data.length <= 4 ? shape.data.at(-3) : undefined;
  if (heads === undefined) throw new ModelError('unsupported', 'This cannot be seen in the model: it keeps its heads in groups.');
  return heads;
}
