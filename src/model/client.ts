import type { Disposable } from '../disposable';
import type { Connect, ModelConnection } from './childProcess';
import { ModelError } from './errors';
import type { ModelErrorCode } from './errors';
import type { Method, ModelEvent, Params, Result } from './protocol';
import { RpcClient } from './rpc';
import type { Watch } from './rpc';

export interface ModelClientOptions {
  readonly connect: Connect;
  readonly log: (level: 'trace' | 'info' | 'warn' | 'error', message: string) => void;
  /** After this long without a call the process is ended; 0: never. Looked at anew when a call ends, and by `idleChanged`. */
  readonly idleMs: number;
  /** Pace at which a process that works is listened for (see `Watch`); undefined: ten seconds. Tests have less time. */
  readonly tickMs?: number;
}

interface Running {
  readonly connection: ModelConnection;
  readonly rpc: RpcClient;
}

const defaultChunkTokens = 128;
const smallestChunkTokens = 16;
/** Calls that run the model. */
const modelRuns: readonly Method[] = ['score', 'next', 'words', 'chain', 'futures', 'draft', 'try'];
/** Errors after which only another process can do better. */
const uselessAfter: readonly ModelErrorCode[] = ['exited', 'no-runtime'];
const defaultTickMs = 10_000;
/** Before starts after deaths in a row. */
const restartPausesMs = [0, 500, 2000];

/**
 * The model process as seen from outside: started by the first call, ended when idle, started anew after a death. Its documents die with it:
 * `generation` tells.
 */
export class ModelClient implements Disposable {
  readonly #options: ModelClientOptions;
  #running: Running | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #deathsInARow = 0;
  #chunkTokens = defaultChunkTokens;
  #disposed = false;
  #generation = 0;

  constructor(options: ModelClientOptions) {
    this.#options = options;
  }

  /** Counts the processes that were started: documents opened under another number are gone. */
  get generation(): number {
    return this.#generation;
  }

  /** Process id while it runs, for tests and measurements. */
  get processId(): number | undefined {
    return this.#running?.connection.processId;
  }

  /** Ends as result, or rejects with a ModelError: 'cancelled' when the signal fired, 'exited' when the process died meanwhile. */
  async call<M extends Method>(
    method: M,
    params: Params<M>,
    signal: AbortSignal,
    onEvent?: (event: ModelEvent) => void,
  ): Promise<Result<M>> {
    const { rpc } = this.#running ?? (await this.#start(signal));
    if (method !== 'measure') clearTimeout(this.#idleTimer); // looking at it is no work
    try {
      const result = await rpc.call(method, params, signal, onEvent);
      if (modelRuns.includes(method)) this.#deathsInARow = 0; // loading again proves nothing
      return result;
    } catch (error) {
      // It lives, but says that it is of no use any more.
      if (this.#running?.rpc === rpc && error instanceof ModelError && uselessAfter.includes(error.code)) this.stop(error.message);
      throw error;
    } finally {
      if (method !== 'measure') this.idleChanged();
    }
  }

  /** Ends the process at once; a call under way ends as 'exited'. The next call starts it anew. */
  stop(why: string): void {
    this.#options.log('info', `Model process ended: ${why}.`);
    const running = this.#running;
    this.#running = undefined;
    clearTimeout(this.#idleTimer);
    running?.rpc.exited(new ModelError('exited', `The model process was ended: ${why}.`));
    running?.connection.end();
  }

  dispose(): void {
    this.#disposed = true;
    this.stop('no longer needed');
  }

  async #start(signal: AbortSignal): Promise<Running> {
    const pauseMs = restartPausesMs[Math.min(this.#deathsInARow, restartPausesMs.length - 1)] ?? 0;
    if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs));
    if (this.#running) return this.#running; // another call was faster
    if (signal.aborted) throw new ModelError('cancelled', 'Cancelled.');
    if (this.#disposed) throw new ModelError('exited', 'The model client is disposed.');
    const connection = this.#options.connect(this.#chunkTokens);
    const onFault: Watch['onFault'] = ({ message }, kind) => {
      if (kind !== 'unwanted') this.#died(running, message, kind === 'silent');
      else if (this.#running === running) this.stop('nobody waits for the model that it loads');
      connection.end();
    };
    const rpc = new RpcClient(connection, { onFault, tickMs: this.#options.tickMs ?? defaultTickMs });
    const running: Running = { connection, rpc };
    this.#running = running;
    this.#generation++;
    this.#options.log('info', `Model process ${String(connection.processId)} started, chunks of ${String(this.#chunkTokens)} tokens.`);
    connection.onExit(({ reason, bySignal }) => {
      this.#died(running, `ended unexpectedly: ${reason}`, bySignal);
      rpc.exited(new ModelError('exited', `The model process ended unexpectedly: ${reason}.`));
    });
    return running;
  }

  /** `smallerChunks`: it wanted too much memory, or time. */
  #died(running: Running, reason: string, smallerChunks: boolean): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#deathsInARow++;
    // Smaller chunks need less memory, and change no number.
    if (smallerChunks) this.#chunkTokens = Math.max(smallestChunkTokens, this.#chunkTokens / 2);
    this.#options.log('warn', `Model process ${String(running.connection.processId)}: ${reason}`);
  }

  /** How often the process died since it last answered. */
  get deathsInARow(): number {
    return this.#deathsInARow;
  }

  /** Begins to count idle time anew, with what `idleMs` says now. */
  idleChanged(): void {
    clearTimeout(this.#idleTimer);
    const { idleMs } = this.#options;
    if (idleMs <= 0 || !this.#running) return;
    this.#idleTimer = setTimeout(() => {
      if (this.#running?.rpc.busy) this.idleChanged();
      else this.stop('idle');
    }, idleMs);
    this.#idleTimer.unref();
  }
}
