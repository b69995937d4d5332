import type { ScoreTable } from '../core/scores';
import type {
  ContextLengthsParams,
  ContextLengthsResult,
  ContextNeedsParams,
  ContextNeedsResult,
  EffectsParams,
  EffectsResult,
  ShortContextParams,
  ShortContextResult,
  WithoutParams,
  WithoutResult,
} from './contextProtocol';
import { ModelError } from './errors';
import type { Scoring } from './passages';
import type { IdText } from './tokens';

/** The text that a question about the context is asked of, and who answers. */
export interface TextContext {
  readonly scoring: Scoring;
  readonly text: IdText;
  /** A table of this very text, if there is one. */
  readonly known: ScoreTable | undefined;
}

export function contextLengths(_context: TextContext, _params: ContextLengthsParams): Promise<ContextLengthsResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
export function without(_context: TextContext, _params: WithoutParams): Promise<WithoutResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
export function effects(_context: TextContext, _params: EffectsParams): Promise<EffectsResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
export function contextNeeds(_context: TextContext, _params: ContextNeedsParams): Promise<ContextNeedsResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
export function shortContext(_context: TextContext, _params: ShortContextParams): Promise<ShortContextResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
