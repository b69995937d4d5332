/**
 * A repository that is offered by name. What is here is what its makers say of the model; undefined: not looked up. Number formats and their sizes are not
 * here: the hub tells them when one is chosen, at the commit that is fetched, and the rest once more.
 */
export interface CuratedModel {
  readonly repository: string;
  readonly name: string;
  readonly kind: 'base' | 'instruct' | 'code';
  readonly licence: string;
  readonly contextTokens: number | undefined;
  /** By their codes, or more than so many. */
  readonly languages: readonly string[] | number | undefined;
}

const smol = { licence: 'apache-2.0', languages: ['en'] };
const qwen = { licence: 'apache-2.0', contextTokens: 32768, languages: 29 };

/** Small ones first. Those of one family come in two forms: base models read any text alike, instruct models were trained further on dialogues. */
export const curatedModels: readonly CuratedModel[] = [
  {
    repository: 'onnx-community/SmolLM2-135M-ONNX',
    name: 'SmolLM2 135M',
    kind: 'base',
    contextTokens: 8192,
    ...smol,
  },
  {
    repository: 'HuggingFaceTB/SmolLM2-360M-Instruct',
    name: 'SmolLM2 360M Instruct',
    kind: 'instruct',
    contextTokens: undefined,
    ...smol,
  },
  { repository: 'onnx-community/Qwen2.5-0.5B', name: 'Qwen2.5 0.5B', kind: 'base', ...qwen },
  { repository: 'onnx-community/Qwen2.5-0.5B-Instruct', name: 'Qwen2.5 0.5B Instruct', kind: 'instruct', ...qwen },
  {
    repository: 'onnx-community/Qwen2.5-Coder-0.5B-Instruct',
    name: 'Qwen2.5 Coder 0.5B Instruct',
    kind: 'code',
    ...qwen,
    contextTokens: undefined,
    languages: undefined,
  },
  {
    repository: 'onnx-community/Qwen3-0.6B-ONNX',
    name: 'Qwen3 0.6B',
    kind: 'instruct',
    ...qwen,
    languages: 100,
  },
  {
    repository: 'onnx-community/Llama-3.2-1B-Instruct-ONNX',
    name: 'Llama 3.2 1B Instruct',
    kind: 'instruct',
    licence: 'llama3.2',
    contextTokens: 131_072,
    languages: ['en', 'de', 'fr', 'it', 'pt', 'hi', 'es', 'th'],
  },
];
