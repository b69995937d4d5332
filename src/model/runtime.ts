/** The only file that imports transformers.js. */
import path from 'node:path';
import { AutoModelForCausalLM, env, LogLevel } from '@xenova/transformers';
import type { InferenceSession } from 'onnxruntime-common';
import { ModelError } from './errors';

export interface SessionOptions {
  readonly folder: string;
  readonly dtype: string;
  readonly threads: number;
  readonly arena: boolean;
}

export interface RuntimeModel {
  readonly session: InferenceSession;
  dispose(): Promise<void>;
}

/** Opens the decoder of a model folder. Nothing is ever fetched; nothing is logged (a failed call would print its inputs, which are people's text). */
export async function openModel(options: SessionOptions): Promise<RuntimeModel> {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = `${path.dirname(options.folder)}${path.sep}`;
  env.useFSCache = false;
  env.logLevel = LogLevel.NONE;
  // transformers.js's own list of names; the catalog has made sure that this is one of them.
  const dtype = options.dtype as 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4' | 'bnb4' | 'q4f16';
  const model = await AutoModelForCausalLM.from_pretrained(path.basename(options.folder), {
    dtype,
    device: 'cpu',
    local_files_only: true,
    session_options: {
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      enableCpuMemArena: options.arena,
      logSeverityLevel: 4,
    },
  });
  const sessions = model.sessions as Readonly<Record<string, InferenceSession | undefined>>;
  const session = sessions['model'];
  if (!session) throw new ModelError('unsupported', 'This model is not a decoder in one file (no session "model").');
  return {
    session,
    dispose: async () => {
      await model.dispose();
    },
  };
}
