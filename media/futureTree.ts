import * as l10n from '@vscode/l10n';
import { futureTree, type FutureNode } from '../src/core/futures';
import { element, seenAndSpoken } from './dom';
import { piecesOfIds, textElement, wholePercent, type FutureSamples, type SampleGroup } from './futureSamples';
import { formatBits, formatCount, spokenToken } from './format';

/** Tokens that are one line: each of them is followed by the next in all futures that go through it. */
interface Line {
  /** Its own and those of the lines above it, by the first token of each: the same line while more futures come. */
  readonly key: string;
  readonly level: number;
  readonly ids: readonly number[];
  readonly members: number;
  /** Of all tokens from the first to the last of this line. */
  readonly rawBits: number;
  readonly isBrokenOff: boolean;
  readonly next: readonly FutureNode[];
  readonly position: number;
  readonly siblings: number;
}

/** Continuations merged by what they begin with in common, as a tree that is walked by arrow keys. */
export class FutureTree {
  readonly root = element('div', { class: 'future-tree', role: 'tree', 'aria-label': l10n.t('Futures, merged by what they begin with') });
  readonly #closed = new Set<string>();
  #lines: readonly Line[] = [];
  #samples: FutureSamples | undefined;
  #group: SampleGroup | undefined;
  #current = '';

  constructor() {
    this.root.addEventListener('keydown', event => this.#walk(event));
    this.root.addEventListener('click', ({ target }) => {
      const key = target instanceof Element ? target.closest<HTMLElement>('[role=treeitem]')?.dataset['key'] : undefined;
      const line = this.#lines.find(each => each.key === key);
      if (!line) return;
      this.#current = line.key;
      this.#toggle(line, this.#closed.has(line.key));
      this.#focus(line.key);
    });
  }

  draw(samples: FutureSamples | undefined, group: SampleGroup | undefined): void {
    if (samples?.facts.name !== this.#samples?.facts.name) {
      this.#closed.clear();
      this.#current = '';
    }
    this.#samples = samples;
    this.#group = group;
    this.#fill();
  }

  #fill(): void {
    const samples = this.#samples;
    const group = this.#group;
    this.root.hidden = !samples || !group || group.continuations.length === 0;
    if (!samples || !group) return this.root.replaceChildren();
    const hasFocus = this.root.contains(document.activeElement);
    const lines: Line[] = [];
    this.#addLines(lines, futureTree(group.continuations), { key: '', level: 1, rawBits: 0 });
    this.#lines = lines;
    if (!lines.some(({ key }) => key === this.#current)) this.#current = lines[0]?.key ?? '';
    this.root.replaceChildren(...lines.map(line => this.#item(line, samples, group.continuations.length)));
    if (hasFocus) this.#focus(this.#current);
  }

  #addLines(
    lines: Line[],
    nodes: readonly FutureNode[],
    above: { readonly key: string; readonly level: number; readonly rawBits: number },
  ): void {
    for (const [index, first] of nodes.entries()) {
      const ids = [first.id];
      let rawBits = above.rawBits + first.rawBits;
      let last = first;
      for (let [only] = last.next; only && last.next.length === 1 && last.ends === 0; [only] = last.next) {
        ids.push(only.id);
        rawBits += only.rawBits;
        last = only;
      }
      const key = `${above.key} ${String(first.id)}`;
      const isBrokenOff = last.next.length === 0 && this.#group?.continuations[last.members[0] ?? -1]?.ended === 'length';
      const place = { position: index + 1, siblings: nodes.length };
      lines.push({ key, level: above.level, ids, members: first.members.length, rawBits, isBrokenOff, next: last.next, ...place });
      if (!this.#closed.has(key)) this.#addLines(lines, last.next, { key, level: above.level + 1, rawBits });
    }
  }

  #item(line: Line, { vocabulary }: FutureSamples, all: number): HTMLElement {
    const { key, level, ids, members, rawBits, isBrokenOff, next, position, siblings } = line;
    const isParent = next.length > 0;
    const pieces = piecesOfIds(ids, vocabulary);
    const share = `${wholePercent(members / all)}%`;
    const bits = l10n.t('{0} bits', formatBits(rawBits));
    const bar = element('span', { class: 'bar' });
    bar.style.width = `${(members / all) * 100}%`;
    const text = textElement(pieces);
    if (isBrokenOff) text.append(element('span', { class: 'glyph' }, '…'));
    const spoken = l10n.t('{0}: {1} of {2}, {3}, {4} so far', spokenToken(pieces), formatCount(members), formatCount(all), share, bits);
    const item = element(
      'div',
      {
        role: 'treeitem',
        'aria-level': String(level),
        'aria-posinset': String(position),
        'aria-setsize': String(siblings),
        'aria-expanded': isParent ? String(!this.#closed.has(key)) : undefined,
        tabindex: key === this.#current ? '0' : '-1',
        'data-key': key,
        'data-members': String(members),
      },
      ...seenAndSpoken(
        [
          element('span', { class: 'count' }, formatCount(members)),
          element('span', { class: 'percent' }, share),
          element('span', { class: 'track' }, bar),
          element('span', { class: 'branch' }, element('span', { class: 'twist' }, isParent ? (this.#closed.has(key) ? '▸' : '▾') : ''), text), // prettier-ignore
          element('span', { class: 'bits' }, bits),
        ],
        spoken,
      ),
    );
    item.style.setProperty('--level', String(level - 1));
    return item;
  }

  #walk(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#lines.findIndex(({ key }) => key === this.#current);
    const line = this.#lines[at];
    if (!line) return;
    const isParent = line.next.length > 0;
    const isOpen = isParent && !this.#closed.has(line.key);
    const go = (to: number | undefined) => {
      const key = this.#lines[Math.min(this.#lines.length - 1, Math.max(0, to ?? at))]?.key;
      if (key !== undefined) this.#focus(key);
    };
    switch (event.key) {
      case 'ArrowDown':
        go(at + 1);
        break;
      case 'ArrowUp':
        go(at - 1);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(this.#lines.length - 1);
        break;
      case 'ArrowRight':
        if (isOpen) go(at + 1);
        else this.#toggle(line, true);
        break;
      case 'ArrowLeft':
        if (isOpen) this.#toggle(line, false);
        else if (line.level > 1) go(this.#lines.findLastIndex((each, index) => index < at && each.level < line.level));
        break;
      case 'Enter':
      case ' ':
        this.#toggle(line, !isOpen);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  #toggle({ key, next }: Line, open: boolean): void {
    if (next.length === 0) return;
    if (open) this.#closed.delete(key);
    else this.#closed.add(key);
    this.#fill();
  }

  #focus(key: string): void {
    const itemOf = (wanted: string) => [...this.root.children].find(each => each instanceof HTMLElement && each.dataset['key'] === wanted);
    itemOf(this.#current)?.setAttribute('tabindex', '-1');
    this.#current = key;
    const item = itemOf(key);
    if (!(item instanceof HTMLElement)) return;
    item.setAttribute('tabindex', '0');
    item.focus();
  }
}
