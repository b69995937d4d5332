import * as vscode from 'vscode';
import { watchWordsOf } from './core/watchWords';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { LastingMemory } from './lastingMemory';

/** Where they are kept between two starts of the window. */
const wordsKey = 'tokenLens.watchWords';

/** The words whose probability is watched at every place of every scored document of this workspace. */
export class WatchWords implements Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<void>());
  readonly onDidChange = this.#changed.event;
  readonly #memory: LastingMemory;
  #words: readonly string[];

  constructor(memory: LastingMemory) {
    this.#memory = memory;
    const kept = memory.get(wordsKey);
    // Another version of this extension may have kept something else.
    const input = Array.isArray(kept) ? watchWordsOf(kept.join(' ')) : undefined;
    this.#words = input?.kind === 'words' ? input.words : [];
  }

  get words(): readonly string[] {
    return this.#words;
  }

  set(words: readonly string[]): void {
    if (sameWords(words, this.#words)) return;
    this.#words = words;
    this.#changed.fire();
    void this.#memory.update(wordsKey, words.length === 0 ? undefined : words);
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** The same words in the same order. */
export function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index]);
}
