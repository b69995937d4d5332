/** What a draft adds to a document at one place, as VS Code shows it in grey behind the cursor. */
import type { Vocabulary } from './vocabulary';

/** A place in a document. Offsets are UTF-16. */
export interface GhostPlace {
  /** Of the whole document. */
  readonly text: string;
  readonly offset: number;
  /** The entry of a list that is about to be chosen: it takes the place of [start, end), where the offset lies. */
  readonly selected: { readonly start: number; readonly end: number; readonly text: string } | undefined;
}

/** The columns of a draft that its text is made of; `cut` is of the text with the entry in it. */
export interface DraftedTokens {
  readonly cut: number;
  readonly ids: Int32Array;
  /** Natural logarithms. */
  readonly logProbabilities: Float64Array;
  readonly givenTokens: number;
  readonly givenLogProbability: number;
}

export interface GhostText {
  /** What it takes the place of, on one line: the beginning of the word, which `text` repeats. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** What is new in it, with line feeds. */
  readonly added: string;
  /** The word that was begun counts as one, and its bits are those of how it goes on. */
  readonly tokens: number;
  readonly bitsPerToken: number;
  /** What is new in it follows in the document already: as it stands behind the cursor, up to the end of a line. */
  readonly isThere: boolean;
}

/** Undefined where the draft adds nothing that can be seen. Of the line that it ends with, what stands before the line break. */
export function ghostTextOf(place: GhostPlace, draft: DraftedTokens, vocabulary: Vocabulary): GhostText | undefined {
  const { text, offset, selected } = place;
  const head = selected ? text.slice(0, selected.start) + selected.text : text.slice(0, offset);
  const typed = withLineFeeds(head.slice(draft.cut)).toWellFormed();
  const bytes = [...draft.ids].map(id => vocabulary.bytesOf(id));
  const written = decoded(bytes);
  if (!written.startsWith(typed)) return undefined; // a byte without a token: the draft does not have it
  const drafted = written.slice(typed.length);
  const lineEnd = /\S[^\n]*\n/.exec(drafted);
  const added = (lineEnd ? drafted.slice(0, lineEnd.index + lineEnd[0].length) : drafted).trimEnd();
  if (added === '') return undefined;
  // Tokens of which nothing is left, such as an indentation at the end, are not counted.
  let last = bytes.length;
  while (last > draft.givenTokens && decoded(bytes.slice(0, last - 1)).length >= typed.length + added.length) last--;
  const own = draft.logProbabilities.subarray(draft.givenTokens, last);
  const log = own.reduce((sum, value) => sum + value, draft.givenTokens > 0 ? draft.givenLogProbability : 0);
  const tokens = own.length + (draft.givenTokens > 0 ? 1 : 0);
  const isThere = stands(added, text, selected?.end ?? offset);
  const numbers = { tokens, bitsPerToken: Math.max(0, -log / Math.LN2 / tokens), isThere };
  if (selected) return { start: selected.start, end: selected.end, text: selected.text + added, added, ...numbers };
  const start = Math.max(draft.cut, lineStart(text, offset));
  return { start, end: coveredEnd(text, offset, added), text: text.slice(start, offset) + added, added, ...numbers };
}

/** The model knows only what stands before the cursor: where it is sure of what comes next, that is often what comes next. */
function stands(added: string, text: string, offset: number): boolean {
  const following = withLineFeeds(text.slice(offset));
  return following.startsWith(added) && /^[^\S\n]*(?:\n|$)/.test(following.slice(added.length));
}

/** Whole characters only: half of one at the end is left out. */
function decoded(bytes: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return bytes.map(part => decoder.decode(part, { stream: true })).join('');
}

function withLineFeeds(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

/** Closing signs up to the end of the line, as editors put them in by themselves, are covered by text that brings its own. */
function coveredEnd(text: string, offset: number, added: string): number {
  const [rest = ''] = /^[^\r\n]*/.exec(text.slice(offset)) ?? [];
  if (!/^[)\]}>"'`;,]+$/.test(rest)) return offset;
  let found = -1;
  for (const sign of rest) {
    found = added.indexOf(sign, found + 1);
    if (found < 0) return offset;
  }
  return offset + rest.length;
}
