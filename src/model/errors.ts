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

export class ModelError extends Error {
  override readonly name = 'ModelError';

  constructor(
    readonly code: ModelErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  static from(error: unknown): ModelError {
    if (error instanceof ModelError) return error;
    return new ModelError('internal', error instanceof Error ? error.message : 'The model process failed.', { cause: error });
  }
}
