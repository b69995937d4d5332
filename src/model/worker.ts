/** Entry of the model process: binds the calls to the model and to the documents it keeps. It has no network and writes no log. */
import { Documents } from './documents';
import { ModelError } from './errors';
import type { Model } from './model';
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
  const { Model } = await runtime();
  return Model.load(params, chunkTokens);
}

/** What needs the native library is first asked for here, so that its absence is an answer and no death without words. */
const modelModule = async () => import('./model');
let opening: ReturnType<typeof modelModule> | undefined;

/** Errors: 'no-runtime'; in this process for ever. */
async function runtime(): ReturnType<typeof modelModule> {
  try {
    return await (opening ??= modelModule());
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    throw new ModelError(
      'no-runtime',
      `The library that runs models (ONNX Runtime) cannot be loaded on ${process.platform}-${process.arch}; install the version of Token Lens that is ` +
        `made for it: ${reason}`,
      { cause: error },
    );
  }
}

/**
 * Files of the model that are written while it is in use would give numbers of neither the old nor the new one, as weights are read from them when they are
 * needed. A process that has seen that is of no use any more: loaded anew, they are checked.
 */
async function over<T>(key: ModelKey, run: (model: Model) => Promise<T>): Promise<T> {
  const model = modelFor(key);
  const running = run(model); // at once: before its first wait it finds the text that was sent before it
  running.catch(() => undefined); // whoever asked is told below, unless the files are worse news
  await model.refuseChangedFiles();
  const result = await running;
  await model.refuseChangedFiles();
  return result;
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
  score: async (params, context) => over(params.model, model => documents.score(params, model, context)),
  next: async (params, { signal }) => over(params.model, model => documents.next(params, model, signal)),
  words: async (params, { signal }) => over(params.model, model => documents.words(params, model, signal)),
  chain: async (params, { signal }) => over(params.model, model => documents.chain(params, model, signal)),
  futures: async (params, { signal }) => over(params.model, model => documents.futures(params, model, signal)),
  draft: async (params, { signal }) => over(params.model, model => documents.draft(params, model, signal)),
  try: async (params, { signal }) => over(params.model, model => documents.try(params, model, signal)),
  layout: async (params, { signal }) => over(params.model, model => documents.layout(params, model, signal)),
  contextLengths: async (params, { signal }) => over(params.model, model => documents.contextLengths(params, model, signal)),
  without: async (params, { signal }) => over(params.model, model => documents.without(params, model, signal)),
  effects: async (params, { signal }) => over(params.model, model => documents.effects(params, model, signal)),
  contextNeeds: async (params, { signal }) => over(params.model, model => documents.contextNeeds(params, model, signal)),
  shortContext: async (params, { signal }) => over(params.model, model => documents.shortContext(params, model, signal)),
  attention: async (params, { signal }) => over(params.model, model => documents.attention(params, model, signal)),
  switchOff: async (params, { signal }) => over(params.model, model => documents.switchOff(params, model, signal)),
  layers: async (params, { signal }) => over(params.model, model => documents.layers(params, model, signal)),
  preamble: async ({ model, preamble, useStartToken }) => {
    const { preambles, startTokenId } = modelFor(model).facts;
    const start = useStartToken ? startTokenId : null;
    const { ids, isCut } = preambles.read(preamble, start);
    return Promise.resolve({ tokens: ids.length - (start === null ? 0 : 1), isCut });
  },
  measure: async ({ model }) => {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1000;
    return Promise.resolve({ ...modelFor(model).costs, documents: documents.count, cpuMs, residentBytes: process.memoryUsage.rss() });
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
