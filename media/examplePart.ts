import { element } from './dom';

/** What to look at, in a worked example: before any number. */
export function examplePart(text: string): HTMLElement {
  return element('p', { class: 'note reading example', role: 'note' }, text);
}
