import type * as vscode from 'vscode';
import type { Provenance, ScoreTable, Span } from '../core/scores';
import { firstWhere } from '../core/search';
import { differenceNoiseOf } from '../core/signedBands';
import type { DifferenceNoise } from '../core/signedBands';
import type { Speed } from '../core/speed';
import type { Vocabulary } from '../core/vocabulary';
import type { Answer, ContextQuestion, QuestionParams } from '../documentView';
import type { Declaration } from '../functionSymbols';
import type { Prediction, TargetParams } from '../model/contextProtocol';
import type { ScoredDocuments } from '../scoredDocuments';
import type { PaintedPiece } from './signedPaint';
import type { Chosen } from './explainProtocol';

/** Alternatives to choose from. */
const topCount = 10;

/** A place of one document version. Everything is a copy: a newer table takes over the memory of the one it was made from. */
export interface Target {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly text: string;
  /** Of all tokens of the document. */
  readonly table: Pick<ScoreTable, 'length' | 'starts' | 'ends'>;
  /** 0 to the number of tokens; at that number, the end of the text. */
  readonly row: number;
  /** Of its token; empty at the end of the text. UTF-16. */
  readonly span: Span;
  /** First row of the window that the prediction is made in: the context is [contextFirst, row). */
  readonly contextFirst: number;
  /** See `ContextLengthsResult`. */
  readonly keepsContext: boolean;
  /** The token of the text, if there is one, the most probable others, and those that were typed: what can be explained. */
  readonly ids: readonly number[];
  readonly hasActual: boolean;
  /** So many of `ids` were not typed. */
  readonly listed: number;
  /** From the whole context; its `surprisalBits` are those of `ids`. */
  readonly whole: Prediction;
  readonly vocabulary: Vocabulary;
  readonly modelName: string;
  readonly provenance: Provenance;
  readonly noise: DifferenceNoise;
}

/** What is asked about a target beside what the target says itself. */
export type TargetQuestion<Q extends ContextQuestion> = Omit<QuestionParams<Q>, keyof TargetParams>;

/** How fast the model in use answers. What is alike among the questions of the page is `run`; the others differ by what a run takes beside its tokens. */
export interface Speeds {
  readonly run: Speed;
  readonly map: Speed;
  readonly switchOff: Speed;
}

/** What a section of the page works with: one target, and how to ask about it. */
export interface Explaining {
  readonly target: Target;
  /** Whose bits are explained. They change while a section lives; results hold the bits of all `ids`, so that nothing is asked again. */
  readonly chosen: Chosen;
  /** Where functions begin and end in the text, as far as that is known. */
  readonly functions: readonly Span[];
  /** The same of whatever is declared. */
  readonly declarations: readonly Declaration[];
  readonly speeds: Speeds;
  /**
   * Asks about the target: its row, ids and number of alternatives are added. Errors: 'cancelled' also where the text or the settings have changed
   * meanwhile, of which the page tells.
   */
  ask<Q extends ContextQuestion>(question: Q, asked: TargetQuestion<Q>, signal: AbortSignal): Promise<Answer<Q>>;
  /** What the section shows is something else now. */
  changed(): void;
  /** Brings a place of the document to the screen, without the focus. */
  reveal(span: Span): void;
  /** The failure in the reader's words. */
  inWords(error: unknown): string;
}

/** A section of the page about one target; `State` is what the page draws. It is made when its tab is first seen, and lives as long as its target. */
export interface ExplainSection<State> {
  state(): State;
  /** Its tab is seen: what takes little time may begin. */
  shown(): void;
  /** It is not seen any more: what is running ends, what is known stays. */
  hidden(): void;
  /** What the page asks for, or a worked example, which has `begin` begin what takes little time. Names and values are looked at here. */
  receive(asked: { readonly name: string; readonly value?: string | number | undefined }): void;
  /** What is painted in the editor while its tab is seen: ascending, without overlap; undefined: nothing. */
  painting?(): SectionPainting | undefined;
}
export interface SectionPainting {
  readonly pieces: readonly PaintedPiece[];
  /** Behind lines, by their number from 0. */
  readonly lineEnds: ReadonlyMap<number, string>;
}

/** The tokens of a document, scored or not. */
export type Layout = Pick<ScoreTable, 'ids' | 'starts' | 'ends'>;

/** The row of the token that holds an offset, or the number of tokens behind the last one. */
export function rowAt({ ends }: Layout, offset: number): number {
  return firstWhere(ends.length, row => (ends[row] ?? 0) > offset);
}

/** Asks what the model says at a row of the document's present version; `typed`: of these tokens as well. */
export async function targetAt(
  scored: Pick<ScoredDocuments, 'ask'>,
  document: vscode.TextDocument,
  layout: Layout,
  row: number,
  typed: readonly number[],
  signal: AbortSignal,
): Promise<Target> {
  const { version } = document;
  const text = document.getText();
  const { length } = layout.ids;
  const table = { length, starts: layout.starts.slice(), ends: layout.ends.slice() };
  const actual = row < length ? layout.ids[row] : undefined;
  const given = actual === undefined ? [] : [actual];
  const asked = { row, ids: [...given, ...typed], topCount, lengths: [] };
  const { result, vocabulary, modelName, provenance } = await scored.ask(document, 'contextLengths', asked, signal);
  const { whole, contextFirst, keepsContext } = result;
  const others = [...whole.topIds].map((id, index) => ({ id, bits: -(whole.topLogProbabilities[index] ?? NaN) / Math.LN2 }));
  const choices = [
    ...given.map((id, index) => ({ id, bits: whole.surprisalBits[index] ?? NaN })),
    ...others.filter(({ id }) => id !== actual),
    ...typed.flatMap((id, index) => {
      const isListed = id === actual || typed.indexOf(id) < index || others.some(other => other.id === id);
      return isListed ? [] : [{ id, bits: whole.surprisalBits[given.length + index] ?? NaN }];
    }),
  ];
  const end = text.length;
  return {
    document,
    version,
    text,
    table,
    row,
    span: { start: table.starts[row] ?? end, end: table.ends[row] ?? end },
    contextFirst,
    keepsContext,
    ids: choices.map(({ id }) => id),
    hasActual: actual !== undefined,
    listed: given.length + others.filter(({ id }) => id !== actual).length,
    whole: { ...whole, surprisalBits: Float64Array.from(choices, ({ bits }) => bits) },
    vocabulary,
    modelName,
    provenance,
    noise: differenceNoiseOf(provenance),
  };
}

/** The token that is this word at the target, after a space where most of what is expected there is; undefined: it is not one token. */
export function tokenTyped({ vocabulary, ids }: Pick<Target, 'vocabulary' | 'ids'>, word: string): number | undefined {
  const spaced = ids.filter(id => vocabulary.textOf(id)?.startsWith(' ')).length * 2 > ids.length;
  const spellings = /^\s/.test(word) ? [word] : spaced ? [` ${word}`, word] : [word, ` ${word}`];
  for (const spelling of spellings) {
    const id = vocabulary.idOf(spelling);
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Whose prediction, as every question about it says. */
export function paramsOf({ row, ids }: Target): Omit<TargetParams, 'model' | 'document' | 'version' | 'settings'> {
  return { row, ids, topCount };
}

/** Of a prediction of `ids`: the bits of A, or what A has more than B. */
export function bitsOf({ surprisalBits }: Pick<Prediction, 'surprisalBits'>, { a, b }: Chosen): number {
  const bits = surprisalBits[a] ?? NaN;
  return b === undefined ? bits : bits - (surprisalBits[b] ?? NaN);
}
