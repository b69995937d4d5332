/** A repository that is offered by name. Sizes, licence, context and languages are not here: the hub tells them when one is chosen, at the commit that is fetched. */
export interface CuratedModel {
  readonly repository: string;
  readonly name: string;
  readonly kind: 'base' | 'instruct' | 'code';
  /** As its makers' name for it says. */
  readonly millionParameters: number;
}

/** Small ones first. Those of one family come in two forms: base models read any text alike, instruct models were trained further on dialogues. */
export const curatedModels: readonly CuratedModel[] = [
  { repository: 'onnx-community/SmolLM2-135M-ONNX', name: 'SmolLM2 135M', kind: 'base', millionParameters: 135 },
  { repository: 'HuggingFaceTB/SmolLM2-360M-Instruct', name: 'SmolLM2 360M Instruct', kind: 'instruct', millionParameters: 360 },
  { repository: 'onnx-community/Qwen2.5-0.5B', name: 'Qwen2.5 0.5B', kind: 'base', millionParameters: 500 },
  { repository: 'onnx-community/Qwen2.5-0.5B-Instruct', name: 'Qwen2.5 0.5B Instruct', kind: 'instruct', millionParameters: 500 },
  { repository: 'onnx-community/Qwen2.5-Coder-0.5B-Instruct', name: 'Qwen2.5 Coder 0.5B Instruct', kind: 'code', millionParameters: 500 },
  { repository: 'onnx-community/Qwen3-0.6B-ONNX', name: 'Qwen3 0.6B', kind: 'instruct', millionParameters: 600 },
  { repository: 'onnx-community/Llama-3.2-1B-Instruct-ONNX', name: 'Llama 3.2 1B Instruct', kind: 'instruct', millionParameters: 1000 },
];
