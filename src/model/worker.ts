/** Entry of the model process: binds the calls to the model and to the documents it keeps. It has no network and writes no log. */
import { Documents } from './documents';
import { ModelError } from './errors';
import { Model } from './model';
import type { Handlers, LoadParams, ModelDescription } from './protocol';
import { serve } from './rpc';
import type { ModelKey } from '../core/scores';

const chunkTokens = Number(process.env['TOKEN_LENS_CHUNK_TOKENS'] ?? '128');
const documents = new Documents();
/** The model that has answered the last load. */
let ready: Model | undefined;
let loaded: { readonly params: LoadParams; readonly model: Promise<Model> } | undefined;

async function load(params: LoadParams): Promise<ModelDescription> {
  if (!loaded || !sameLoad(loaded.params, params)) {
    const previous = loaded?.model;
    ready = undefined;
    loaded = { params, model: loadAfter(previous, params) };
  }
  const attempt = loaded;
  try {
    const model = await attempt.model;
    if (loaded === attempt) ready = model;
    return model.description;
  } catch (error) {
    if (loaded === attempt) loaded = undefined; // so that it is tried again
    throw error;
  }
}

async function loadAfter(previous: Promise<Model> | undefined, params: LoadParams): Promise<Model> {
  const before = await previous?.catch(() => undefined);
  await before?.dispose();
  return Model.load(params, chunkTokens);
}

function sameLoad(a: LoadParams, b: LoadParams): boolean {
  return (
    a.folder === b.folder &&
    a.dtype === b.dtype &&
    a.threads === b.threads &&
    a.arena === b.arena &&
    a.device === b.device &&
    a.cacheFolder === b.cacheFolder &&
    a.snapshotBytes === b.snapshotBytes
  );
}

/** Every call names the model it is for: one that was meant for another is refused, whatever it asks. */
function modelFor(key: ModelKey): Model {
  const own = ready?.facts.key;
  if (!ready || own?.folder !== key.folder || own.contentHash !== key.contentHash || own.dtype !== key.dtype)
    throw new ModelError('bad-argument', 'The model that was asked for is not the one that is loaded.');
  return ready;
}

// Up to their first wait these run in the order of the calls: a score finds the text that was sent before it.
const handlers: Handlers = {
  load: params => load(params),
  open: async params => {
    modelFor(params.model);
    documents.open(params);
    return Promise.resolve(null);
  },
  change: async params => {
    modelFor(params.model);
    documents.change(params);
    return Promise.resolve(null);
  },
  close: async ({ model, document }) => {
    modelFor(model);
    documents.close(document);
    return Promise.resolve(null);
  },
  show: async params => {
    modelFor(params.model);
    documents.show(params);
    return Promise.resolve(null);
  },
  score: async (params, context) => documents.score(params, modelFor(params.model), context),
  next: async (params, { signal }) => documents.next(params, modelFor(params.model), signal),
  words: async (params, { signal }) => documents.words(params, modelFor(params.model), signal),
  chain: async (params, { signal }) => documents.chain(params, modelFor(params.model), signal),
  futures: async (params, { signal }) => documents.futures(params, modelFor(params.model), signal),
  draft: async (params, { signal }) => documents.draft(params, modelFor(params.model), signal),
  try: async (params, { signal }) => documents.try(params, modelFor(params.model), signal),
  contextLengths: async (params, { signal }) => documents.contextLengths(params, modelFor(params.model), signal),
  without: async (params, { signal }) => documents.without(params, modelFor(params.model), signal),
  effects: async (params, { signal }) => documents.effects(params, modelFor(params.model), signal),
  contextNeeds: async (params, { signal }) => documents.contextNeeds(params, modelFor(params.model), signal),
  shortContext: async (params, { signal }) => documents.shortContext(params, modelFor(params.model), signal),
  attention: async (params, { signal }) => documents.attention(params, modelFor(params.model), signal),
  switchOff: async (params, { signal }) => documents.switchOff(params, modelFor(params.model), signal),
  layers: async (params, { signal }) => documents.layers(params, modelFor(params.model), signal),
  preamble: async ({ model, preamble, useStartToken }) => {
    const { preambles, startTokenId } = modelFor(model).facts;
    const start = useStartToken ? startTokenId : null;
    return Promise.resolve({ tokens: preambles.prefixIds(preamble, start).length - (start === null ? 0 : 1) });
  },
  measure: async ({ model }) => {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1000;
    return Promise.resolve({ ...modelFor(model).costs, cpuMs, residentBytes: process.memoryUsage.rss() });
  },
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
