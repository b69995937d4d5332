import * as vscode from 'vscode';
import type { Config } from './config';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';

/** Whether somebody works in this window of VS Code. Another window has a model process of its own: one that nobody looks at stops working. */
export class WindowFocus implements Disposable {
  readonly #store = new DisposableStore();
  readonly #config: Config;
  readonly #changed = this.#store.add(new vscode.EventEmitter<void>());
  readonly onDidChange = this.#changed.event;
  #lostAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;

  constructor(config: Config) {
    this.#config = config;
    this.#store.add(
      vscode.window.onDidChangeWindowState(() => {
        this.#update();
      }),
    );
    this.#store.add(
      config.onDidChange(event => {
        if (config.affects(event, 'pauseAfterSeconds', 'unloadAfterSeconds')) this.#update(true);
      }),
    );
    this.#update();
  }

  get isFocused(): boolean {
    return this.#lostAt === undefined;
  }

  /** Milliseconds since the focus was lost; 0 with it. */
  get withoutFocusMs(): number {
    return this.#lostAt === undefined ? 0 : performance.now() - this.#lostAt;
  }

  /** The window has had no focus for as long as the setting says: nothing is computed that nobody has asked for. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#store.dispose();
  }

  #update(always = false): void {
    const { focused } = vscode.window.state;
    if (focused === this.isFocused && !always) return;
    clearTimeout(this.#timer);
    this.#lostAt = focused ? undefined : (this.#lostAt ?? performance.now());
    const { pauseAfterSeconds } = this.#config;
    const leftMs =
      this.#lostAt === undefined || pauseAfterSeconds === 0 ? Infinity : this.#lostAt + pauseAfterSeconds * 1000 - performance.now();
    this.#isPaused = leftMs <= 0;
    if (leftMs > 0 && leftMs < Infinity) {
      this.#timer = setTimeout(() => {
        this.#update(true);
      }, leftMs);
    }
    this.#changed.fire();
  }
}
