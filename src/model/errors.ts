/**
 * Why the model could not do what was asked. The host turns codes into sentences for people; `message` is for the log and for terminals.
 * No message ever holds text of a document.
 */
export type ModelErrorCode = (typeof codes)[number];

const codes = [
  'not-found',
  'incomplete',
  'unsupported',
  'cannot-align',
  'out-of-memory',
  'bad-argument',
  /** What is asked about does not fit into what the model sees at once. */
  'too-long',
  /** A question was to be put to a model that has no usable chat template. */
  'no-chat-frame',
  /** The model process has another version of the document, or none: sending it whole mends that. */
  'out-of-step',
  'exited',
  /** The process hung while it loaded the model, and was ended: once more would take as long. */
  'endless',
  'cancelled',
  /** The native library that runs models is not there, or cannot be loaded on this machine. */
  'no-runtime',
  /** The model process and the program that started it were not built together. */
  'other-version',
  'internal',
] as const;

export function isModelErrorCode(value: unknown): value is ModelErrorCode {
  return codes.some(code => code === value);
}

/** Why a model cannot be used, for people: views have a sentence for each. */
export interface Because {
  readonly key: (typeof becauseKeys)[number];
  /** What the sentence names: names from the model's files, which may be hostile, and figures. */
  readonly values: readonly string[];
}

const becauseKeys = [
  /** Later text changes scores of earlier text: number format, bits. */
  'leaks',
  'not-numbers',
  /** Of the tokenizer: its kind. */
  'tokenizer-kind',
  /** What it does to the text. */
  'tokenizer-step',
  'tokenizer-space',
  'tokenizer-bytes',
  'tokenizer-other',
  'no-language-model',
  'no-cache',
  /** Its name. */
  'unknown-input',
  /** Its name. */
  'number-type',
  'no-positions',
  /** Its name. */
  'number-format',
  /** A name that leads out of the folder. */
  'outside',
  /** Its name. */
  'too-large',
  /** Its name. */
  'no-model-file',
] as const;

const mostValues = 3;
const mostValueUnits = 80;

export function isBecause(value: unknown): value is Because {
  const { key, values } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return (
    becauseKeys.some(each => each === key) &&
    Array.isArray(values) &&
    values.length <= mostValues &&
    values.every(each => typeof each === 'string' && each.length <= mostValueUnits)
  );
}

/** For errors that say why a model cannot be used. */
export function because(key: Because['key'], ...values: readonly (string | number)[]): { readonly because: Because } {
  return { because: { key, values: values.map(value => String(value).slice(0, mostValueUnits)) } };
}

export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly because: Because | undefined;

  constructor(
    readonly code: ModelErrorCode,
    message: string,
    options?: ErrorOptions & { readonly because?: Because | undefined },
  ) {
    super(message, options);
    this.because = options?.because;
  }

  static from(error: unknown): ModelError {
    if (error instanceof ModelError) return error;
    return new ModelError('internal', error instanceof Error ? error.message : 'The model process failed.', { cause: error });
  }
}
