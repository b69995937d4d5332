/** The only file that imports transformers.js. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AutoModelForCausalLM, env, LogLevel } from '@xenova/transformers';
import type { InferenceSession } from 'onnxruntime-common';
import type { Device } from '../core/scores';
import { because, ModelError } from './errors';

export interface RuntimeOptions {
  readonly folder: string;
  readonly dtype: string;
  readonly threads: number;
  readonly arena: boolean;
  readonly device: Device;
  /** Name of the graph's file in `folder`/onnx. */
  readonly graph: string;
  /** What to open in its place: a changed copy, as bytes or as a path, of whose weights those in files beside the graph stay there. */
  readonly content: Uint8Array<ArrayBuffer> | string | undefined;
}

export interface RuntimeModel {
  readonly session: InferenceSession;
  dispose(): Promise<void>;
}

let opening: Promise<unknown> = Promise.resolve();

/**
 * Opens the decoder of a model folder. Nothing is ever fetched; nothing is logged (a failed call would print its inputs, which are people's
 * text).
 */
export function openModel(options: RuntimeOptions): Promise<RuntimeModel> {
  // One after the other: transformers.js is told where files are by settings that all calls share.
  const opened = opening.then(() => open(options));
  opening = opened.catch(() => undefined);
  return opened;
}

async function open({ folder, dtype, threads, arena, device, graph, content }: RuntimeOptions): Promise<RuntimeModel> {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useFSCache = false;
  env.logLevel = LogLevel.NONE;
  const { useCustomCache, customCache } = env;
  env.useCustomCache = true;
  env.customCache = {
    // Asked twice: by the file's path and by the address it would have.
    match: name => Promise.resolve(namesGraph(name, graph) && content !== undefined ? contentOf(content) : weightsFile(name, folder)),
    put: () => Promise.resolve(),
  };
  try {
    // As a path, not as a name below a folder of models: names may have neither spaces nor letters beyond ASCII.
    const model = await AutoModelForCausalLM.from_pretrained(path.resolve(folder), {
      // transformers.js's own list of names; the catalog has made sure that this is one of them.
      dtype: dtype as 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4' | 'bnb4' | 'q4f16',
      // For a GPU the library would keep key/value caches there (4.3.1), and we cut and grow them: it is told of the processor in every case.
      device: 'cpu',
      local_files_only: true,
      session_options: {
        // The runtime itself puts the processor behind any device. Named beside it here, it would take the place of a missing one without a word.
        executionProviders: [device],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        enableCpuMemArena: arena,
        logSeverityLevel: 4,
        extra: { session: { model_external_initializers_file_folder_path: path.join(folder, 'onnx') } },
      },
    });
    const sessions = model.sessions as Readonly<Record<string, InferenceSession | undefined>>;
    const session = sessions['model'];
    if (!session)
      throw new ModelError('unsupported', 'This model is not a decoder in one file (no session "model").', because('no-language-model'));
    return {
      session,
      dispose: async () => {
        await model.dispose();
      },
    };
  } finally {
    env.useCustomCache = useCustomCache;
    env.customCache = customCache;
  }
}

/** A path, with the separators of any system, or an address is that of a model folder's graph. */
export function namesGraph(name: string, graph: string): boolean {
  return name.replaceAll('\\', '/').endsWith(`/onnx/${graph}`);
}

function contentOf(content: Uint8Array<ArrayBuffer> | string): Response | string {
  return typeof content === 'string' ? content : new GraphResponse(content);
}

/**
 * The path of a file in `folder`/onnx, which is all that is needed of it. Otherwise the library opens a stream of the whole file that nobody reads: it
 * fills up in the background, 64 kB at a time, and holds the weights once more (4.3.1, FileResponse).
 */
function weightsFile(name: string, folder: string): string | undefined {
  const file = path.join(folder, 'onnx', path.posix.basename(name.replaceAll('\\', '/')));
  return namesGraph(name, path.basename(file)) && existsSync(file) ? file : undefined;
}

/** A response of its bytes as they are: the ordinary one copies them twice on the way. */
class GraphResponse extends Response {
  readonly #content: Uint8Array<ArrayBuffer>;

  constructor(content: Uint8Array<ArrayBuffer>) {
    super();
    this.#content = content;
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = this.#content;
    return Promise.resolve(byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength));
  }
}
