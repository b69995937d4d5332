import type { ModelKey } from '../../src/core/scores';
import type { ModelClient } from '../../src/model/client';
import type { LoadParams, Method, Params, Result, ScoringSettings } from '../../src/model/protocol';
import { never } from './process';

/** What questions are about: some dozens of tokens, in version 2 of a document. */
export interface Subject {
  readonly load: LoadParams;
  readonly text: string;
  /** Goes into every question that takes words; short. */
  readonly words: string;
  readonly settings: ScoringSettings;
  /** Whether the model has a chat template. */
  readonly chats: boolean;
}

interface Asked extends Subject {
  readonly model: ModelKey;
  readonly document: string;
}

const document = 'private.md';

/** One question of each kind: a method without one does not compile. They are asked in this order. */
const questions: { readonly [M in Method]: (asked: Asked) => Params<M> } = {
  load: ({ load }) => load,
  open: ({ model, text, words }) => ({ model, document, version: 1, text: `${words} ${text}` }),
  change: ({ model, text, words }) => {
    const edits = [{ start: 0, end: words.length + 1, text: '' }];
    return { model, document, fromVersion: 1, version: 2, edits, length: text.length };
  },
  show: ({ model }) => ({ model, document, visible: [{ start: 0, end: 20 }] }),
  score: asked => ({ ...about(asked), visible: [], knownTableId: undefined }),
  layout: asked => about(asked),
  next: asked => place(asked),
  words: asked => ({ ...place(asked), count: 3, mostTokens: 4 }),
  chain: asked => ({ ...place(asked), texts: [` ${asked.words}`, 'and'] }),
  futures: asked => ({
    ...{ ...place(asked), first: 0, count: 3, mostTokens: 40, sampling: { temperature: 1 }, seed: 1 },
    forced: ` ${asked.words}`,
  }),
  draft: asked => ({ ...place(asked), begins: { kind: 'typed' }, mostTokens: 6, leastProbability: 0, atLineEnd: true }),
  try: asked => ({ ...about(asked), edit: { start: 4, end: 9, text: asked.words }, followingTokens: 16, topCount: 3 }),
  contextLengths: asked => ({ ...target(asked), lengths: [0, 1, 2, 8] }),
  without: asked => ({ ...target(asked), source: { first: 10, end: 12 }, filler: 'proposals' }),
  effects: asked => ({ ...about(asked), source: { first: 10, end: 12 }, filler: 'startToken', until: 24 }),
  contextNeeds: asked => ({ ...about(asked), first: 20, end: 24, mostTokens: 6, topCount: 3 }),
  shortContext: asked => ({ ...about(asked), first: 20, end: 24, contextTokens: 4, topCount: 3 }),
  attention: asked => ({ ...about(asked), rows: { first: 20, end: 22 } }),
  switchOff: asked => ({ ...target(asked), off: { kind: 'head', layer: 0, head: 0 }, writtenTokens: 3 }),
  layers: asked => target(asked),
  preamble: ({ model, words, chats }) => ({ model, preamble: { kind: chats ? 'chat' : 'text', text: words }, useStartToken: true }),
  measure: ({ model }) => ({ model }),
  close: ({ model }) => ({ model, document }),
};

const methods = Object.keys(questions) as readonly Method[];

function about({ model, settings, words, chats }: Asked) {
  const preamble = { kind: chats ? 'chat' : 'text', text: words } as const;
  return { model, document, version: 2, settings: { ...settings, watchWords: ['harbour'], preamble } };
}

function place(asked: Asked) {
  return { ...about(asked), offset: asked.text.length >> 1, after: [] };
}

function target(asked: Asked) {
  return { ...about(asked), row: 30, ids: [5, 7], topCount: 3 };
}

/** A question and what came of it. */
export type Answered = { readonly [M in Method]: { readonly method: M; readonly params: Params<M>; readonly result: Result<M> } }[Method];

/** Asks everything there is to ask. `failed` is told what a question ends with in place of an answer, but for the first, the load. */
export async function askEachQuestion(
  client: ModelClient,
  subject: Subject,
  failed: (method: Method, error: unknown) => void,
): Promise<readonly Answered[]> {
  const { key: model } = await client.call('load', subject.load, never);
  const answered: Answered[] = [];
  for (const method of methods) {
    const params = questions[method]({ ...subject, model, document });
    try {
      answered.push({ method, params, result: await client.call(method, params, never, () => undefined) } as Answered);
    } catch (error) {
      failed(method, error);
    }
  }
  return answered;
}
