import type { TextContext } from './context';
import { ModelError } from './errors';
import type { Model } from './model';
import type { AttentionParams, AttentionResult, LayersParams, LayersResult, SwitchOffParams, SwitchOffResult } from './probeProtocol';

export function attention(_context: TextContext, _model: Model, _params: AttentionParams): Promise<AttentionResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
export function switchOff(_context: TextContext, _model: Model, _params: SwitchOffParams): Promise<SwitchOffResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
export function layers(_context: TextContext, _model: Model, _params: LayersParams): Promise<LayersResult> {
  return Promise.reject(new ModelError('internal', 'to be written'));
}
