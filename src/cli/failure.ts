import { ModelError, type ModelErrorCode } from '../model/errors';
import { safeLine } from '../exports/visibleText';

export const exitCodes = { done: 0, failed: 1, refused: 2 } as const;

/** What was asked cannot be done as asked: exit code 2 and one line on standard error. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** Codes that are about what was given (a folder, a number, a text), not about the run. */
const refusals: ReadonlySet<ModelErrorCode> = new Set([
  'not-found',
  'incomplete',
  'unsupported',
  'cannot-align',
  'bad-argument',
  'too-long',
  'no-chat-frame',
]);

export function exitCodeOf(error: unknown): number {
  if (error instanceof RefusedError) return exitCodes.refused;
  return error instanceof ModelError && refusals.has(error.code) ? exitCodes.refused : exitCodes.failed;
}

/** One line for standard error, whatever is in file names and messages. */
export function lineOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return `token-lens: ${safeLine(message) || 'something went wrong, without a message'}\n`;
}
