import * as vscode from 'vscode';

/** Between the steps of somebody who moves quickly. */
const quietMs = 200;
/** New entries wait no longer than that for somebody who keeps moving. */
const longestRestlessMs = 600;
/** Far more than VS Code takes to mark an entry. */
const longestWaitMs = 1_000;

/**
 * A list whose entries change while somebody moves in it: the entry that is marked stays marked, and is the one that a key chooses. VS Code marks the
 * first of new entries, then the one it is told; a step that was taken while these were on their way is told before both, and would be lost. So they wait
 * until nobody moves, and where somebody was faster after all they are sent again.
 */
export class LivePick<T extends vscode.QuickPickItem> {
  readonly #pick: vscode.QuickPick<T>;
  /** Tells an entry again when it was made anew; undefined: it need not be. */
  readonly #keyOf: (item: T) => string | undefined;
  #active: string | undefined;
  /** New entries are on their way, until VS Code tells that it has marked the first of them, and then the one it was told to. */
  #sent: { readonly first: string | undefined; readonly marked: string | undefined; readonly atMs: number; hasFirst: boolean } | undefined;
  /** Where somebody went meanwhile. */
  #moved: string | undefined;
  #movedAtMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  /** Entries newer than those. */
  #next: { readonly items: readonly T[]; readonly otherwise: T | undefined; readonly sinceMs: number } | undefined;

  /** The pick's own entries, if any, and which is marked, have to be set before. */
  constructor(pick: vscode.QuickPick<T>, keyOf: (item: T) => string | undefined) {
    this.#pick = pick;
    this.#keyOf = keyOf;
    if (pick.items.length > 0) this.#await(pick.items, pick.activeItems[0]);
    pick.onDidChangeActive(items => {
      this.#told(this.#keyOfFirst(items));
    });
    pick.onDidHide(() => {
      clearTimeout(this.#timer);
    });
  }

  /** Entry of now that is marked. */
  get active(): T | undefined {
    return this.#find(this.#active) ?? this.#pick.activeItems[0];
  }

  /** Of a list that is open. Where the one that is marked is among them no more, `otherwise` is. */
  replace(items: readonly T[], otherwise?: T): void {
    this.#next = { items, otherwise, sinceMs: this.#next?.sinceMs ?? performance.now() };
    this.#send();
  }

  /** Other entries altogether, at once: none is marked because one was before. */
  restart(items: readonly T[]): void {
    clearTimeout(this.#timer);
    this.#next = undefined;
    this.#pick.items = items;
    this.#await(items, undefined);
  }

  #send(): void {
    clearTimeout(this.#timer);
    if (!this.#next) return;
    const { items, otherwise, sinceMs } = this.#next;
    const untilMs = this.#sent ? this.#sent.atMs + longestWaitMs : Math.min(this.#movedAtMs + quietMs, sinceMs + longestRestlessMs);
    const leftMs = untilMs - performance.now();
    if (leftMs > 0) {
      this.#timer = setTimeout(() => {
        this.#send();
      }, leftMs);
      return;
    }
    const same = items.find(item => this.#active !== undefined && this.#keyOf(item) === this.#active) ?? otherwise;
    this.#pick.keepScrollPosition = true;
    this.#pick.items = items;
    if (same) this.#pick.activeItems = [same];
    this.#next = undefined;
    this.#await(items, same);
  }

  /** `told`: the entry that VS Code was told to mark. */
  #await(items: readonly T[], told: T | undefined): void {
    const first = items.find(({ kind }) => kind !== vscode.QuickPickItemKind.Separator);
    const [firstKey, marked] = [first, told ?? first].map(item => item && this.#keyOf(item));
    this.#active = marked;
    this.#moved = undefined;
    this.#sent = { first: firstKey, marked, atMs: performance.now(), hasFirst: firstKey === marked };
  }

  #told(key: string | undefined): void {
    const sent = this.#sent;
    if (sent && key === sent.marked && sent.hasFirst) {
      this.#sent = undefined;
      if (this.#find(this.#moved)) {
        this.replace(this.#next?.items ?? this.#pick.items, this.#next?.otherwise);
      } else {
        this.#active = key;
        this.#send();
      }
    } else if (sent && key === sent.first && !sent.hasFirst) {
      sent.hasFirst = true;
    } else {
      this.#active = key;
      this.#moved = sent && key;
      this.#movedAtMs = performance.now();
    }
  }

  #find(key: string | undefined): T | undefined {
    return key === undefined ? undefined : this.#pick.items.find(item => this.#keyOf(item) === key);
  }

  #keyOfFirst([item]: readonly T[]): string | undefined {
    return item && this.#keyOf(item);
  }
}
