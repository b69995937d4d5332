import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import os from 'node:os';
import type { Disposable } from '../disposable';
import { ModelError } from './errors';
import type { Method, ModelEvent, Params, Result } from './protocol';
import { RpcClient } from './rpc';

export interface ModelClientOptions {
  readonly workerPath: string;
  readonly log: (level: 'trace' | 'info' | 'warn' | 'error', message: string) => void;
  /** After this long without a call the process is ended; 0: never. */
  readonly idleMs: number;
  /** Give way to everything else on the machine. */
  readonly lowPriority?: boolean;
}

const defaultChunkTokens = 128;
const smallestChunkTokens = 16;
/** Before starts after deaths in a row. */
const restartPausesMs = [0, 500, 2000];

/**
 * The model process as seen from outside: started by the first call, ended when idle, started anew after a death. Its documents die with it:
 * `generation` tells.
 */
export class ModelClient implements Disposable {
  readonly #options: ModelClientOptions;
  #running: { readonly child: ChildProcess; readonly rpc: RpcClient } | undefined;
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
    return this.#running?.child.pid;
  }

  /** Ends as result, or rejects with a ModelError: 'cancelled' when the signal fired, 'exited' when the process died meanwhile. */
  async call<M extends Method>(
    method: M,
    params: Params<M>,
    signal: AbortSignal,
    onEvent?: (event: ModelEvent) => void,
  ): Promise<Result<M>> {
    const { rpc } = this.#running ?? (await this.#start(signal));
    clearTimeout(this.#idleTimer);
    try {
      const result = await rpc.call(method, params, signal, onEvent);
      if (method === 'score' || method === 'next') this.#deathsInARow = 0; // loading again proves nothing
      return result;
    } finally {
      this.#restartIdleTimer();
    }
  }

  /** Ends the process at once; a call under way ends as 'exited'. The next call starts it anew. */
  stop(why: string): void {
    this.#options.log('info', `Model process ended: ${why}.`);
    const running = this.#running;
    this.#running = undefined;
    clearTimeout(this.#idleTimer);
    running?.rpc.exited(new ModelError('exited', `The model process was ended: ${why}.`));
    running?.child.kill('SIGKILL'); // the only safe way in the middle of a run
  }

  dispose(): void {
    this.#disposed = true;
    this.stop('no longer needed');
  }

  async #start(signal: AbortSignal): Promise<{ readonly child: ChildProcess; readonly rpc: RpcClient }> {
    const pauseMs = restartPausesMs[Math.min(this.#deathsInARow, restartPausesMs.length - 1)] ?? 0;
    if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs));
    if (this.#running) return this.#running; // another call was faster
    if (signal.aborted) throw new ModelError('cancelled', 'Cancelled.');
    if (this.#disposed) throw new ModelError('exited', 'The model client is disposed.');
    const child = fork(this.#options.workerPath, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'], // a native library's messages could hold people's text
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', TOKEN_LENS_CHUNK_TOKENS: String(this.#chunkTokens) },
    });
    if (this.#options.lowPriority && child.pid !== undefined) lowerPriority(child.pid);
    const rpc = new RpcClient({
      post: message => {
        child.send(message as object, error => {
          if (error) onExit(null, null); // the channel is closed: the process is gone or going
        });
      },
      onMessage: listener => child.on('message', listener),
    });
    const running = { child, rpc };
    const onExit = (code: number | null, signalName: NodeJS.Signals | null) => {
      if (this.#running === running) {
        this.#running = undefined;
        this.#deathsInARow++;
        // A death by signal is most likely one of memory: smaller chunks need less, and change no number.
        if (signalName !== null) this.#chunkTokens = Math.max(smallestChunkTokens, this.#chunkTokens / 2);
        this.#options.log('warn', `Model process ended unexpectedly (code ${String(code)}, signal ${String(signalName)}).`);
      }
      rpc.exited(new ModelError('exited', `The model process ended unexpectedly (${signalName ?? `code ${String(code)}`}).`));
    };
    child.once('exit', onExit);
    child.once('error', error => {
      this.#options.log('error', `Model process: ${error.message}`);
      onExit(null, null);
    });
    this.#running = running;
    this.#generation++;
    this.#options.log('info', `Model process ${String(child.pid)} started, chunks of ${String(this.#chunkTokens)} tokens.`);
    return running;
  }

  /** How often the process died since it last answered. */
  get deathsInARow(): number {
    return this.#deathsInARow;
  }

  #restartIdleTimer(): void {
    clearTimeout(this.#idleTimer);
    const { idleMs } = this.#options;
    if (idleMs <= 0 || !this.#running || this.#running.rpc.busy) return;
    this.#idleTimer = setTimeout(() => {
      if (!this.#running?.rpc.busy) this.stop('idle');
    }, idleMs);
    this.#idleTimer.unref();
  }
}

function lowerPriority(processId: number): void {
  try {
    os.setPriority(processId, os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // not allowed here, or the process is already gone: it then runs as any other
  }
}
