import { version } from '../../package.json';
import { isBecause, isModelErrorCode, ModelError } from './errors';
import type { Because, ModelErrorCode } from './errors';
import type { Handlers, LayoutEvent, Method, ModelEvent, Params, Result } from './protocol';
import { isModelEvent, isResultOf } from './wellFormed';

/** Carries messages between two processes, or two ends in one; structured cloning, in order. A web worker can stand in for the child. */
export interface Transport {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

type ToServer =
  | { readonly kind: 'call'; readonly id: number; readonly method: Method; readonly params: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
  /** To be answered as soon as something else than one call of the model can be done. */
  | { readonly kind: 'ping' };
type ToClient =
  /** The first message. */
  | { readonly kind: 'hello'; readonly version: string }
  | { readonly kind: 'pong' }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly code: ModelErrorCode;
      readonly message: string;
      readonly because: Because | undefined;
    }
  | { readonly kind: 'cancelled'; readonly id: number }
  | { readonly kind: 'event'; readonly id: number; readonly event: ModelEvent };

interface Pending {
  readonly method: Method;
  readonly params: Params<Method>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent: ((event: ModelEvent) => void) | undefined;
  /** Events and rows in them that may still come; undefined before the layout. */
  eventsLeft: number | undefined;
  /** Nobody waits for it any more. */
  isUnwanted: boolean;
}

/** What the caller's side does about an answering side that misbehaves. */
export interface Watch {
  /**
   * The other side is of no use any more and is to be ended; all calls have been rejected with this. `unwanted`: through no fault of its own, it loads a
   * model that nobody has waited for during one tick.
   */
  readonly onFault: (error: ModelError, kind: 'silent' | 'broken' | 'unwanted') => void;
  /** While calls are under way the other side is listened for at this pace. */
  readonly tickMs: number;
}

/**
 * After so many ticks without a sign of life the other side hangs. However long a text is, it can answer between two calls of the model, each of at most
 * 128 tokens: with ticks of ten seconds one may take two minutes, some hundred times what the bundled model needs. Opening a model is one such call that
 * grows with its files.
 */
const mostSilentTicks = 12;
const mostSilentLoadTicks = 60;
/** A score says where the tokens are, then something of each row, once or twice: what would go on for ever is known by that. */
const mostEventsFor = ({ ids }: LayoutEvent) => 8 * ids.length + 1000;

/** The caller's side. Every call ends: as result, as ModelError, as 'cancelled' when its signal fired, or as 'exited'. */
export class RpcClient {
  readonly #transport: Transport;
  readonly #watch: Watch;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #exited: ModelError | undefined;
  #isGreeted = false;
  #ticker: NodeJS.Timeout | undefined;
  #silentTicks = 0;
  #pingsUnanswered = 0;
  #unwantedTimer: NodeJS.Timeout | undefined;

  constructor(transport: Transport, watch: Watch) {
    this.#transport = transport;
    this.#watch = watch;
    transport.onMessage(message => {
      if (!this.#exited) this.#receive(message);
    });
  }

  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /**
   * A cancelled call rejects once the other side has stopped (between two chunks): its events come until then, and none after. But one that loads a model
   * rejects at once, as the runtime cannot be stopped in that: it may go on in case somebody wants the model after all, and not for long.
   */
  async call<M extends Method>(
    method: M,
    params: Params<M>,
    signal: AbortSignal,
    onEvent?: (event: ModelEvent) => void,
  ): Promise<Result<M>> {
    if (this.#exited) throw this.#exited; // a dead transport would keep silent for ever
    if (signal.aborted) throw cancelledError();
    const id = this.#nextId++;
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { method, params, resolve, reject, onEvent, eventsLeft: undefined, isUnwanted: false });
      try {
        this.#transport.post({ kind: 'call', id, method, params } satisfies ToServer);
      } catch (error) {
        this.#pending.delete(id); // it cannot be sent: no answer will come
        throw error;
      }
    });
    const cancel = () => {
      if (!this.#exited) this.#transport.post({ kind: 'cancel', id } satisfies ToServer);
      const pending = this.#pending.get(id);
      if (method !== 'load' || !pending) return;
      pending.isUnwanted = true;
      pending.reject(cancelledError());
      this.#lookForUnwanted();
    };
    this.#listen();
    this.#lookForUnwanted();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return (await reply) as Result<M>; // Handlers has tied method to result
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  /** To be called when the other side is gone. */
  exited(error: ModelError): void {
    this.#exited ??= error;
    clearInterval(this.#ticker);
    clearTimeout(this.#unwantedTimer);
    for (const { reject } of this.#pending.values()) reject(this.#exited);
    this.#pending.clear();
  }

  /** Ticks are counted, not time: a machine that slept, or a host that was busy, has heard nothing for long, but of one tick only. */
  #listen(): void {
    if (this.#ticker) return;
    this.#silentTicks = 0;
    this.#ticker = setInterval(() => {
      if (this.#pending.size === 0) {
        clearInterval(this.#ticker);
        this.#ticker = undefined;
        return;
      }
      this.#silentTicks++;
      const loads = [...this.#pending.values()].some(({ method }) => method === 'load');
      if (this.#silentTicks > (loads ? mostSilentLoadTicks : mostSilentTicks)) {
        const seconds = Math.round((this.#silentTicks * this.#watch.tickMs) / 1000);
        const said = `The model process hung: no sign of life for ${String(seconds)} seconds`;
        // Of a model that is not even loaded nothing better is to be expected of another process.
        this.#fault(
          'silent',
          loads ? new ModelError('endless', `${said} while it loaded the model.`) : new ModelError('exited', `${said}.`),
        );
        return;
      }
      this.#pingsUnanswered++;
      this.#transport.post({ kind: 'ping' } satisfies ToServer);
    }, this.#watch.tickMs);
    this.#ticker.unref();
  }

  /** Begins to count when nothing but models that nobody waits for is under way; whatever else is asked ends that. */
  #lookForUnwanted(): void {
    const isUnwanted = this.#pending.size > 0 && [...this.#pending.values()].every(pending => pending.isUnwanted);
    if (isUnwanted === (this.#unwantedTimer !== undefined)) return;
    clearTimeout(this.#unwantedTimer);
    this.#unwantedTimer = undefined;
    if (!isUnwanted) return;
    this.#unwantedTimer = setTimeout(() => {
      this.#fault('unwanted', new ModelError('exited', 'The model process was ended: nobody waits for the model that it loads.'));
    }, this.#watch.tickMs);
    this.#unwantedTimer.unref();
  }

  #fault(kind: Parameters<Watch['onFault']>[1], error: ModelError): void {
    this.exited(error);
    this.#watch.onFault(error, kind);
  }

  #receive(message: unknown): void {
    this.#silentTicks = 0;
    try {
      this.#take(message as ToClient);
    } catch (error) {
      if (error instanceof ModelError) this.#fault('broken', error);
      // What it said cannot be taken in: it and we would go on from different tables.
      else this.#fault('broken', new ModelError('exited', 'An answer of the model process could not be used.', { cause: error }));
    }
  }

  /** Throws where the message makes no sense. */
  #take(message: ToClient): void {
    if (message.kind === 'hello') {
      if (this.#isGreeted) throw nonsense();
      if (message.version !== version)
        throw new ModelError('other-version', `The model process is of version ${message.version} of Token Lens, this is ${version}.`);
      this.#isGreeted = true;
      return;
    }
    if (!this.#isGreeted) throw new ModelError('other-version', 'The model process is of another version of Token Lens.');
    if (message.kind === 'pong') {
      if (--this.#pingsUnanswered < 0) throw nonsense();
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) throw nonsense();
    switch (message.kind) {
      case 'result':
        if (!isResultOf(pending.method, message.result, pending.params)) throw nonsense();
        pending.resolve(message.result);
        break;
      case 'error':
        if (!isModelErrorCode(message.code) || typeof message.message !== 'string') throw nonsense();
        if (message.because !== undefined && !isBecause(message.because)) throw nonsense();
        pending.reject(new ModelError(message.code, message.message, { because: message.because }));
        break;
      case 'cancelled':
        pending.reject(cancelledError());
        break;
      case 'event':
        if (!isModelEvent(message.event)) throw nonsense();
        countEvent(pending, message.event);
        pending.onEvent?.(message.event);
        return;
      default:
        throw nonsense();
    }
    this.#pending.delete(message.id);
    this.#lookForUnwanted();
  }
}

/** Throws where more comes than can be meant. */
function countEvent(pending: Pending, event: ModelEvent): void {
  if (event.kind === 'layout') {
    if (pending.eventsLeft !== undefined) throw nonsense();
    pending.eventsLeft = mostEventsFor(event);
    return;
  }
  if (pending.eventsLeft === undefined) throw nonsense();
  pending.eventsLeft -= 1 + event.rows.count;
  if (pending.eventsLeft < 0) throw nonsense();
}

function nonsense(): ModelError {
  return new ModelError('exited', 'The model process gave an answer that makes no sense.');
}

function cancelledError(): ModelError {
  return new ModelError('cancelled', 'Cancelled.');
}

/** The answering side. */
export function serve(transport: Transport, handlers: Handlers): void {
  const running = new Map<number, AbortController>();
  const post = (message: ToClient) => {
    transport.post(message);
  };
  async function answer<M extends Method>(id: number, method: M, params: Params<M>): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    const { signal } = controller;
    try {
      const handler: Handlers[M] | undefined = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
      if (!handler) throw new ModelError('bad-argument', `Unknown method ${method}.`);
      // Events of a cancelled call are sent as well: the caller then knows exactly what this side has done.
      const emit = (event: ModelEvent) => {
        if (running.has(id)) post({ kind: 'event', id, event });
      };
      post({ kind: 'result', id, result: await handler(params, { signal, emit }) });
    } catch (error) {
      if (signal.aborted) post({ kind: 'cancelled', id });
      else {
        const { code, message, because } = ModelError.from(error);
        post({ kind: 'error', id, code, message, because });
      }
    } finally {
      running.delete(id);
    }
  }
  transport.onMessage(raw => {
    const message = raw as ToServer;
    if (message.kind === 'ping') post({ kind: 'pong' });
    else if (message.kind === 'cancel') running.get(message.id)?.abort();
    else void answer(message.id, message.method, message.params as Params<Method>);
  });
  post({ kind: 'hello', version });
}
