import { element } from './dom';

/** What to look at, in a worked example: before any number. */
export function examplePart(text: string): HTMLElement {
  return element('p', { class: 'note reading worked-example', role: 'note' }, text);
}
