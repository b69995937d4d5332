/** What a continuation that was written from a place on would change in its document. */
import type { Vocabulary } from './vocabulary';

/** UTF-16 [start, end) of a document; `text` has line feeds. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface BranchEdits {
  /** In place of the rest of the line: that line's own break stays, and stands for the one the continuation ends with. */
  readonly replace: Edit;
  /** In place of the alternative's counterpart only, whole; undefined where nothing else follows on the line. */
  readonly insert: Edit | undefined;
}

/** `text`: the document; [start, end): what the alternative takes the place of. */
export function branchEdits(text: string, start: number, end: number, written: string): BranchEdits {
  const found = text.slice(start).search(/[\r\n]/);
  const lineEnd = found < 0 ? text.length : start + found;
  const trimmed = written.trimEnd();
  const endsLine = written.slice(trimmed.length).includes('\n');
  return {
    replace: { start, end: lineEnd, text: endsLine ? trimmed : written },
    insert: end < lineEnd ? { start, end, text: written } : undefined,
  };
}

/** The text of some tokens: whole characters only, half of one at the end is left out. */
export function writtenText(ids: readonly number[], vocabulary: Vocabulary): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return ids
    .map(id => decoder.decode(vocabulary.bytesOf(id), { stream: true }))
    .join('')
    .replaceAll(/\r\n?/g, '\n');
}
