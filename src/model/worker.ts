/** Entry of the model process: binds the calls to the engine and to the documents it keeps. It has no network and writes no log. */
import { Documents } from './documents';
import { Engine } from './engine';
import { ModelError } from './errors';
import type { Handlers, LoadParams, ModelDescription } from './protocol';
import { serve } from './rpc';
import type { ModelKey } from '../core/scores';

const chunkTokens = Number(process.env['TOKEN_LENS_CHUNK_TOKENS'] ?? '128');
const documents = new Documents();
let loaded: { readonly params: LoadParams; readonly engine: Promise<Engine> } | undefined;

async function load(params: LoadParams): Promise<ModelDescription> {
  if (!loaded || !sameLoad(loaded.params, params)) {
    const previous = loaded?.engine;
    loaded = {
      params,
      engine: previous
        ? previous
            .then(
              async engine => {
                await engine.dispose();
              },
              () => undefined,
            )
            .then(() => Engine.load(params, chunkTokens))
        : Engine.load(params, chunkTokens),
    };
  }
  const attempt = loaded;
  try {
    const engine = await attempt.engine;
    return {
      key: engine.key,
      name: engine.name,
      positions: engine.positions,
      startTokenId: engine.startTokenId,
      vocabulary: engine.tokenizer.vocabulary,
    };
  } catch (error) {
    if (loaded === attempt) loaded = undefined; // so that it is tried again
    throw error;
  }
}

function sameLoad(a: LoadParams, b: LoadParams): boolean {
  return a.folder === b.folder && a.dtype === b.dtype && a.threads === b.threads && a.arena === b.arena;
}

async function engineFor(key: ModelKey): Promise<Engine> {
  const engine = await loaded?.engine;
  const same =
    engine?.key.folder === key.folder &&
    engine.key.contentHash === key.contentHash &&
    engine.key.dtype === key.dtype &&
    engine.key.arithmetic === key.arithmetic;
  if (!engine || !same) throw new ModelError('bad-argument', 'The model that was asked for is not the one that is loaded.');
  return engine;
}

const handlers: Handlers = {
  load: params => load(params),
  open: params => {
    documents.open(params);
    return Promise.resolve(null);
  },
  change: params => {
    documents.change(params);
    return Promise.resolve(null);
  },
  close: ({ document }) => {
    documents.close(document);
    return Promise.resolve(null);
  },
  score: async (params, context) => documents.score(params, await engineFor(params.model), context),
  next: async (params, { signal }) => documents.next(params, await engineFor(params.model), signal),
};

serve(
  {
    post: message => {
      process.send?.(message, undefined, undefined, () => undefined); // the host may be gone; 'disconnect' below ends us
    },
    onMessage: listener => process.on('message', listener),
  },
  handlers,
);
process.on('disconnect', () => process.exit(0));
