import type * as vscode from 'vscode';

interface Kept {
  /** Undefined: nothing is to be kept under that name any more. */
  readonly value: unknown;
  hasFailed: boolean;
}

/**
 * What VS Code keeps between two starts, and what nothing depends on for as long as the window is open: keeping never fails for who asks for it. What could
 * not be stored is remembered here, and stored with what is kept next. `onFailure` is told once.
 */
export class LastingMemory {
  readonly #memento: vscode.Memento;
  readonly #onFailure: (error: unknown) => void;
  /** Not stored yet. */
  readonly #waiting = new Map<string, Kept>();
  #hasTold = false;

  constructor(memento: vscode.Memento, onFailure: (error: unknown) => void) {
    this.#memento = memento;
    this.#onFailure = onFailure;
  }

  keys(): readonly string[] {
    const waiting = [...this.#waiting].filter(([, { value }]) => value !== undefined).map(([key]) => key);
    return [...this.#memento.keys().filter(key => !this.#waiting.has(key)), ...waiting];
  }

  /** Undefined, or `otherwise`: nothing is kept under that name. */
  get(key: string): unknown;
  get<T>(key: string, otherwise: T): T;
  get(key: string, otherwise?: unknown): unknown {
    const waiting = this.#waiting.get(key);
    const value: unknown = waiting ? structuredClone(waiting.value) : this.#memento.get(key);
    return value ?? otherwise;
  }

  /** Never rejects. */
  async update(key: string, value: unknown): Promise<void> {
    const failed = [...this.#waiting].filter(([other, { hasFailed }]) => hasFailed && other !== key);
    const kept: Kept = { value: structuredClone(value), hasFailed: false };
    this.#waiting.set(key, kept);
    await Promise.all([this.#store(key, kept), ...failed.map(([other, waiting]) => this.#store(other, waiting))]);
  }

  async #store(key: string, kept: Kept): Promise<void> {
    try {
      await this.#memento.update(key, kept.value);
      if (this.#waiting.get(key) === kept) this.#waiting.delete(key); // else a later value waits
    } catch (error) {
      kept.hasFailed = true;
      if (this.#hasTold) return;
      this.#hasTold = true;
      this.#onFailure(error);
    }
  }
}
