import type { TokenPieces } from '../src/core/vocabulary';

type Child = Node | string | undefined;

interface Attributes {
  readonly class?: string;
  readonly [name: string]: string | undefined;
}

/** An element with attributes and children. Strings become text, never markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes,
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  return filled(document.createElement(name), attributes, children);
}

export function svgElement<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes,
  ...children: Child[]
): SVGElementTagNameMap[Name] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function filled<T extends Element>(target: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) target.setAttribute(name, value);
  target.append(...children.filter(child => child !== undefined));
  return target;
}

/** What is seen of an element whose name is another text: that is in it for those who listen. */
export function seenAndSpoken(seen: readonly HTMLElement[], spoken: string): readonly HTMLElement[] {
  for (const each of seen) each.setAttribute('aria-hidden', 'true');
  return [...seen, element('span', { class: 'only-spoken' }, spoken)];
}

/** A token's pieces, isolated so that characters that turn the direction of text turn nothing else. */
export function tokenElement(token: TokenPieces): HTMLElement {
  return element('bdi', { class: 'token' }, ...token.map(({ text, glyph }) => (glyph ? element('span', { class: 'glyph' }, text) : text)));
}
