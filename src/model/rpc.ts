import { ModelError } from './errors';
import type { ModelErrorCode } from './errors';
import type { Handlers, Method, ModelEvent, Params, Result } from './protocol';

/** Carries messages between two processes, or two ends in one; structured cloning, in order. A web worker can stand in for the child. */
export interface Transport {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

type ToServer =
  | { readonly kind: 'call'; readonly id: number; readonly method: Method; readonly params: unknown }
  | { readonly kind: 'cancel'; readonly id: number };
type ToClient =
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly code: ModelErrorCode; readonly message: string }
  | { readonly kind: 'cancelled'; readonly id: number }
  | { readonly kind: 'event'; readonly id: number; readonly event: ModelEvent };

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent: ((event: ModelEvent) => void) | undefined;
}

/** The caller's side. Every call ends: as result, as ModelError, as 'cancelled' when its signal fired, or as 'exited'. */
export class RpcClient {
  readonly #transport: Transport;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #exited: ModelError | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onMessage(message => {
      this.#receive(message as ToClient); // the other end is our own worker, of the same build
    });
  }

  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** A cancelled call rejects once the other side has stopped (between two chunks): its events come until then, and none after. */
  async call<M extends Method>(
    method: M,
    params: Params<M>,
    signal: AbortSignal,
    onEvent?: (event: ModelEvent) => void,
  ): Promise<Result<M>> {
    if (this.#exited) throw this.#exited; // a dead transport would keep silent for ever
    if (signal.aborted) throw cancelledError();
    const id = this.#nextId++;
    const cancel = () => {
      if (!this.#exited) this.#transport.post({ kind: 'cancel', id } satisfies ToServer);
    };
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onEvent });
      this.#transport.post({ kind: 'call', id, method, params } satisfies ToServer); // a throw in here rejects the promise
    });
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return (await reply) as Result<M>; // Handlers has tied method to result
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#pending.delete(id);
    }
  }

  /** To be called when the other side is gone. */
  exited(error: ModelError): void {
    this.#exited ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#exited);
  }

  #receive(message: ToClient): void {
    const pending = this.#pending.get(message.id);
    if (!pending) return; // ended by 'exited'
    switch (message.kind) {
      case 'result':
        pending.resolve(message.result);
        return;
      case 'error':
        pending.reject(new ModelError(message.code, message.message));
        return;
      case 'cancelled':
        pending.reject(cancelledError());
        return;
      case 'event':
        pending.onEvent?.(message.event);
    }
  }
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
        post({ kind: 'event', id, event });
      };
      post({ kind: 'result', id, result: await handler(params, { signal, emit }) });
    } catch (error) {
      if (signal.aborted) post({ kind: 'cancelled', id });
      else {
        const { code, message } = ModelError.from(error);
        post({ kind: 'error', id, code, message });
      }
    } finally {
      running.delete(id);
    }
  }
  transport.onMessage(raw => {
    const message = raw as ToServer;
    if (message.kind === 'cancel') running.get(message.id)?.abort();
    else void answer(message.id, message.method, message.params as Params<Method>);
  });
}
