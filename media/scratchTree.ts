import * as l10n from '@vscode/l10n';
import { branchesAfter, pathTo, totalsTo, type Scratch } from '../src/core/scratch';
import type { TokenPieces } from '../src/core/vocabulary';
import { element, seenAndSpoken, tokenElement } from './dom';
import { formatBits, spokenToken } from './format';

export interface TreeActions {
  readonly nameOf: (id: number) => TokenPieces;
  /** Null: before the first token. */
  readonly goTo: (node: number | null) => void;
  readonly remove: (node: number) => void;
}

/** Tokens one after the other up to where others were tried; the place before the first token is null. */
interface Line {
  readonly nodes: readonly (number | null)[];
  /** Forks before it. */
  readonly forks: number;
}

const deepestIndent = 8;

/**
 * All that was tried, a branch on a line. Left and right walk along the text, up and down between branches; the text is a tree of tokens for those who
 * have it read.
 */
export class ScratchTree {
  readonly root = element('ul', { role: 'tree', class: 'scratch-tree', 'aria-label': l10n.t('Tokens that were tried, by branches') });
  readonly #actions: TreeActions;
  #scratch: Scratch | undefined;

  constructor(actions: TreeActions) {
    this.#actions = actions;
    this.root.addEventListener('click', ({ target }) => {
      const node = nodeOf(target);
      if (node !== undefined) actions.goTo(node);
    });
    this.root.addEventListener('keydown', event => this.#key(event));
  }

  /** `isHeld`: its numbers hold. */
  draw(scratch: Scratch, isHeld: boolean): void {
    this.root.hidden = scratch.nodes.length === 0;
    if (this.#scratch === scratch && this.root.classList.contains('outdated') !== isHeld) return;
    const before = this.#scratch?.nodes.length ?? 0;
    this.#scratch = scratch;
    this.root.classList.toggle('outdated', !isHeld);
    const hadFocus = this.root.contains(document.activeElement) ? nodeOf(document.activeElement) : undefined;
    // What is left of a tree has other indices.
    const focused = hadFocus !== undefined && scratch.nodes.length < before ? scratch.at : hadFocus;
    const path = new Set<number | null>([null, ...pathTo(scratch)]);
    this.root.replaceChildren(...linesOf(scratch).map(line => this.#lineOf(scratch, line, path)));
    const wanted = focused !== undefined ? (this.#itemOf(focused) ?? this.#itemOf(scratch.at)) : undefined;
    (wanted ?? this.#itemOf(scratch.at))?.setAttribute('tabindex', '0');
    wanted?.focus();
    if (!wanted && !this.root.hidden) this.#reveal(this.#itemOf(scratch.at));
  }

  /** Not `scrollIntoView`, which would scroll the page too. */
  #reveal(item: HTMLElement | undefined): void {
    if (!item) return;
    const [box, own] = [this.root.getBoundingClientRect(), item.getBoundingClientRect()];
    if (own.bottom > box.bottom) this.root.scrollTop += own.bottom - box.bottom;
    else if (own.top < box.top) this.root.scrollTop -= box.top - own.top;
  }

  #lineOf(scratch: Scratch, { nodes, forks }: Line, path: ReadonlySet<number | null>): HTMLElement {
    const last = nodes.at(-1) ?? null;
    const totals = last === null ? '' : this.#totalsInWords(scratch, last);
    const items = nodes.map(node => this.#itemFor(scratch, node, path, node === last ? totals : ''));
    const line = element(
      'li',
      { role: 'none', class: 'branch' },
      ...items,
      element('span', { class: 'total', 'aria-hidden': 'true' }, totals),
    );
    line.style.marginInlineStart = `${Math.min(forks, deepestIndent) * 1.4}em`;
    return line;
  }

  #itemFor(scratch: Scratch, node: number | null, path: ReadonlySet<number | null>, totals: string): HTMLElement {
    const siblings = node === null ? [null] : branchesAfter(scratch, scratch.nodes[node]?.parent ?? null);
    const isHere = node === scratch.at;
    const attributes = {
      role: 'treeitem',
      class: `${path.has(node) ? 'on-path' : ''} ${isHere ? 'here' : ''}`.trim(),
      tabindex: '-1',
      'data-node': node === null ? 'start' : String(node),
      'aria-level': String(pathTo(scratch, node).length + 1),
      'aria-setsize': String(siblings.length),
      'aria-posinset': String(siblings.findIndex(each => each === node) + 1),
      'aria-selected': String(isHere),
    };
    const own = node === null ? undefined : scratch.nodes[node];
    if (!own)
      return element('span', { ...attributes, 'aria-label': l10n.t('before the first token') }, element('span', { class: 'caret' }));
    const name = this.#actions.nameOf(own.id);
    const { rawBits, sampledBits } = own;
    const spoken =
      sampledBits === null
        ? l10n.t('{0}: {1} bits raw; the rules had cut it', spokenToken(name), formatBits(rawBits))
        : l10n.t('{0}: {1} bits raw, {2} after sampling', spokenToken(name), formatBits(rawBits), formatBits(sampledBits));
    const bits = `${formatBits(rawBits)} → ${sampledBits === null ? l10n.t('cut') : formatBits(sampledBits)}`;
    return element(
      'span',
      attributes,
      ...seenAndSpoken([tokenElement(name), element('span', { class: 'bits' }, bits)], totals === '' ? spoken : `${spoken}. ${totals}`),
    );
  }

  #totalsInWords(scratch: Scratch, node: number): string {
    const { rawBits, sampledBits } = totalsTo(scratch, node);
    return sampledBits === null
      ? l10n.t('In all {0} bits raw; the rules had cut a token', formatBits(rawBits))
      : l10n.t('In all {0} bits raw, {1} after sampling', formatBits(rawBits), formatBits(sampledBits));
  }

  #key(event: KeyboardEvent): void {
    const scratch = this.#scratch;
    const node = nodeOf(event.target);
    if (!scratch || node === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') this.#actions.goTo(node);
    else if (event.key === 'Delete' && node !== null) this.#actions.remove(node);
    else {
      const to = this.#target(scratch, node, event.key);
      if (to === undefined) return;
      this.#focus(to);
    }
    event.preventDefault();
  }

  /** Where a key leads from a node. */
  #target(scratch: Scratch, node: number | null, key: string): number | null | undefined {
    const lines = linesOf(scratch);
    const line = lines.findIndex(({ nodes }) => nodes.includes(node));
    switch (key) {
      case 'ArrowRight':
        return branchesAfter(scratch, node)[0];
      case 'ArrowLeft':
        return node === null ? undefined : (scratch.nodes[node]?.parent ?? null);
      case 'ArrowDown':
        return lines[line + 1]?.nodes[0];
      case 'ArrowUp':
        return lines[line - 1]?.nodes[0];
      case 'Home':
        return null;
      case 'End':
        return lines.at(-1)?.nodes.at(-1);
      default:
        return undefined;
    }
  }

  #focus(node: number | null): void {
    this.root.querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
    const item = this.#itemOf(node);
    item?.setAttribute('tabindex', '0');
    item?.focus();
  }

  #itemOf(node: number | null): HTMLElement | undefined {
    return this.root.querySelector<HTMLElement>(`[data-node="${node === null ? 'start' : String(node)}"]`) ?? undefined;
  }
}

/** Undefined: none. */
function nodeOf(target: EventTarget | null): number | null | undefined {
  const name = target instanceof Element ? target.closest<HTMLElement>('[data-node]')?.dataset['node'] : undefined;
  if (name === undefined) return undefined;
  return name === 'start' ? null : Number(name);
}

function linesOf(scratch: Scratch): Line[] {
  const lines: Line[] = [];
  const open: { readonly first: number | null; readonly forks: number }[] = [{ first: null, forks: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { first, forks } = next;
    const nodes = [first];
    let branches = branchesAfter(scratch, first);
    for (let [only] = branches; branches.length === 1 && only !== undefined; [only] = branches) {
      nodes.push(only);
      branches = branchesAfter(scratch, only);
    }
    lines.push({ nodes, forks });
    open.push(...branches.reverse().map(branch => ({ first: branch, forks: forks + 1 })));
  }
  return lines;
}
