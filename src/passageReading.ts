import type * as vscode from 'vscode';
import type { BandEdges } from './core/band';
import type { Cells } from './core/cells';
import { editPreview } from './core/editPreview';
import type { InsertedPart } from './core/insertion';
import { cellsOver, passageSummary, passageTable, usualBits } from './core/passage';
import type { PassageSummary, UsualBits } from './core/passage';
import { rowState } from './core/scores';
import type { Provenance, ScoreTable, Span } from './core/scores';
import type { Vocabulary } from './core/vocabulary';
import type { TextEdit } from './model/protocol';
import type { ScoredDocuments } from './scoredDocuments';

/** UTF-16 units of a passage that are read, from its beginning: some 1,500 tokens, which take a few seconds. */
export const longestPassage = 4_000;
/** Tokens after it whose bits are compared: about a sentence or two. */
const followingTokens = 64;
/** UTF-16 units of the text near a passage that say what is usual, where the document has no scores; less than the second says nothing. */
const sampleLength = 2_000;
const leastSample = 200;

/** What a model says of a passage: of text that is in a document, or would be. */
export interface PassageReading {
  /** The text that offsets in here are of: the document's, or what it would be. */
  readonly text: string;
  /** Rows of the passage and of some text after it. */
  readonly table: ScoreTable;
  /** Those of the passage. */
  readonly cells: Cells;
  readonly summary: PassageSummary;
  /** What is usual in this file, or in a sample of the text near the passage; undefined where there is next to none. */
  readonly usual: (UsualBits & { readonly of: 'file' | 'sample' }) | undefined;
  /** Bits of the tokens that follow, without the passage and with it; undefined where none follows, or the passage was not read to its end. */
  readonly following: { readonly tokens: number; readonly withoutBits: number; readonly withBits: number } | undefined;
  /** Only the first `longestPassage` UTF-16 units were read. */
  readonly isCut: boolean;
  readonly vocabulary: Vocabulary;
  readonly modelName: string;
  /** The model that reads it has also written it. */
  readonly isOwn: boolean;
  readonly provenance: Provenance;
}

/** The usual reading of a passage: how many alternatives a token, and where bands begin. */
export interface PassageAsk {
  readonly scored: Pick<ScoredDocuments, 'ask' | 'view'>;
  readonly document: vscode.TextDocument;
  readonly topCount: number;
  readonly edges: BandEdges;
  /** `modelHash` of the model that wrote the passage, if it was one of ours. */
  readonly author: string | undefined;
  readonly signal: AbortSignal;
}

/** Reads what was inserted into a document: the present text against the text with what stood there before. Rejects as `ScoredDocuments.ask` does. */
export async function readInserted(parts: readonly InsertedPart[], asked: PassageAsk): Promise<PassageReading> {
  const text = asked.document.getText();
  const first = parts[0]?.start ?? 0;
  const limit = first + longestPassage;
  const read = parts.filter(({ start }) => start < limit).map(part => ({ ...part, end: Math.min(part.end, limit) }));
  const end = read.at(-1)?.end ?? first;
  const isCut = end < (parts.at(-1)?.end ?? end);
  // One question for all places: the text between them stays as it is.
  let [before, at] = ['', first];
  for (const part of read) {
    before += text.slice(at, part.start) + part.replaced;
    at = part.end;
  }
  return reading({ asked, text, edit: { start: first, end, text: before }, spans: read, isCut, isThere: true });
}

/** Reads what `text` would be in place of a span of the document. */
export async function readInstead({ start, end }: Span, text: string, asked: PassageAsk): Promise<PassageReading> {
  const document = asked.document.getText();
  const cut = wholeCharacters(text, longestPassage);
  const spans = [{ start, end: start + cut.length }];
  const would = document.slice(0, start) + cut + document.slice(end);
  return reading({ asked, text: would, edit: { start, end, text: cut }, spans, isCut: cut.length < text.length, isThere: false });
}

interface Passage {
  readonly asked: PassageAsk;
  readonly text: string;
  /** Makes the other text out of the document's. */
  readonly edit: TextEdit;
  readonly spans: readonly Span[];
  readonly isCut: boolean;
  /** The passage is in the document, and the edit takes it away. */
  readonly isThere: boolean;
}

async function reading({ asked, text, edit, spans, isCut, isThere }: Passage): Promise<PassageReading> {
  const { scored, document, topCount, edges, author, signal } = asked;
  const usual = usualInFile(scored, document, edit) ?? (await usualNear(edit, asked));
  const question = { edit, followingTokens: isCut ? 0 : followingTokens, topCount, wholeEdit: true }; // of the passage, what begins like the other text too
  const { result, ...from } = await scored.ask(document, 'try', question, signal);
  const table = passageTable(isThere ? result.before : result.after);
  const cells = cellsOver(table, spans);
  const { before, after, followingTokens: tokens } = editPreview(result.before, result.after);
  const [withoutBits, withBits] = isThere ? [after.followingBits, before.followingBits] : [before.followingBits, after.followingBits];
  return {
    text,
    table,
    cells,
    summary: passageSummary(cells, usual, edges),
    usual,
    following: isCut || tokens === 0 ? undefined : { tokens, withoutBits, withBits },
    isCut,
    isOwn: author === from.provenance.modelHash,
    ...from,
  };
}

/** From the document's scores, where it has them but for a few; those of the passage itself are not counted. */
function usualInFile(scored: PassageAsk['scored'], document: vscode.TextDocument, passage: Span): PassageReading['usual'] {
  const view = scored.view(document);
  if (!view) return undefined;
  const { length, states, starts, ends, surprisalBits } = view.table;
  // An edit leaves the tokens near it without scores; where most have none, the document has only just been opened.
  const pending = states.reduce((count, state) => count + Number(state === rowState.pending), 0);
  if (pending > length / 10) return undefined;
  const usual = usualBits(surprisalBits.filter((_, row) => (ends[row] ?? 0) <= passage.start || (starts[row] ?? 0) >= passage.end));
  return usual && { ...usual, of: 'file' };
}

/** Of what stands before the passage, which the model has to read in any case, or else after it. */
async function usualNear({ start, end }: Span, { scored, document, signal }: PassageAsk): Promise<PassageReading['usual']> {
  const text = document.getText();
  const before = { start: text.lastIndexOf('\n', Math.max(0, start - sampleLength)) + 1, end: start };
  const after = { start: end, end: end + wholeCharacters(text.slice(end, end + sampleLength + 1), sampleLength).length };
  const sample = [before, after].find(each => each.end - each.start >= leastSample);
  if (!sample) return undefined;
  if (start - sample.start > 2 * sampleLength) return undefined; // one very long line
  const edit = { ...sample, text: '' };
  const { result } = await scored.ask(document, 'try', { edit, followingTokens: 0 }, signal);
  const usual = usualBits(result.before.surprisalBits);
  return usual && { ...usual, of: 'sample' };
}

/** The beginning of a text, without half a character or half a CRLF at its end. */
function wholeCharacters(text: string, most: number): string {
  if (text.length <= most) return text;
  return text.slice(0, /^(?:[\ud800-\udbff][\udc00-\udfff]|\r\n)$/.test(text.slice(most - 1, most + 1)) ? most - 1 : most);
}
