/** Entry of the model process: binds the calls to the engine and to the documents it keeps. It has no network and writes no log. */
import { Documents } from './documents';
import { Engine } from './engine';
import { ModelError } from './errors';
import type { Handlers, LoadParams, ModelDescription } from './protocol';
import { serve } from './rpc';
import type { ModelKey } from '../core/scores';

const chunkTokens = Number(process.env['TOKEN_LENS_CHUNK_TOKENS'] ?? '128');
const documents = new Documents();
/** The model that has answered the last load. */
let ready: Engine | undefined;
let loaded: { readonly params: LoadParams; readonly engine: Promise<Engine> } | undefined;

async function load(params: LoadParams): Promise<ModelDescription> {
  if (!loaded || !sameLoad(loaded.params, params)) {
    const previous = loaded?.engine;
    ready = undefined;
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
    if (loaded === attempt) ready = engine;
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

/** Every call names the model it is for: one that was meant for another is refused, whatever it asks. */
function engineFor(key: ModelKey): Engine {
  const same =
    ready?.key.folder === key.folder &&
    ready.key.contentHash === key.contentHash &&
    ready.key.dtype === key.dtype &&
    ready.key.arithmetic === key.arithmetic;
  if (!ready || !same) throw new ModelError('bad-argument', 'The model that was asked for is not the one that is loaded.');
  return ready;
}

// Up to their first wait these run in the order of the calls: a score finds the text that was sent before it.
const handlers: Handlers = {
  load: params => load(params),
  open: async params => {
    engineFor(params.model);
    documents.open(params);
    return Promise.resolve(null);
  },
  change: async params => {
    engineFor(params.model);
    documents.change(params);
    return Promise.resolve(null);
  },
  close: async ({ model, document }) => {
    engineFor(model);
    documents.close(document);
    return Promise.resolve(null);
  },
  score: async (params, context) => documents.score(params, engineFor(params.model), context),
  next: async (params, { signal }) => documents.next(params, engineFor(params.model), signal),
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
