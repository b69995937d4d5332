export interface Disposable {
  dispose(): void;
}

/** Owns disposables: disposes them in reverse order, every one even if some fail, and at once when it is itself already disposed. */
export class DisposableStore implements Disposable {
  #items: Disposable[] | undefined = [];

  add<T extends Disposable>(item: T): T {
    if (this.#items) this.#items.push(item);
    else item.dispose(); // arrived after the owner was gone
    return item;
  }

  dispose(): void {
    const items = this.#items ?? [];
    this.#items = undefined;
    const failures: unknown[] = [];
    for (const item of items.reverse()) {
      try {
        item.dispose();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Some things could not be disposed.');
  }
}
