import { tableOf, writeRows } from '../core/scoreTable';
import type { Gap, ScoreTable } from '../core/scores';
import { gridWindows } from '../core/window';
import type { ModelClient } from './client';
import { ModelError } from './errors';
import type { LoadParams, ModelDescription, ModelEvent, ScoreResult, ScoringSettings } from './protocol';

export interface ScoredText {
  readonly description: ModelDescription;
  readonly table: ScoreTable;
  readonly gaps: readonly Gap[];
  /** Of the scored copy. */
  readonly bytes: number;
  readonly result: ScoreResult;
  readonly windows: number;
  readonly stride: number;
}

/** Scores a text once, from beginning to end. */
export async function scoreText(
  client: ModelClient,
  load: LoadParams,
  text: string,
  settings: ScoringSettings,
  signal: AbortSignal,
): Promise<ScoredText> {
  const description = await client.call('load', load, signal);
  const document = 'text';
  await client.call('open', { model: description.key, document, version: 1, text }, signal);
  let found: { readonly table: ScoreTable; readonly gaps: readonly Gap[]; readonly bytes: number } | undefined;
  const onEvent = (event: ModelEvent) => {
    if (event.kind === 'layout') found = { table: tableOf(event, undefined, 0), gaps: event.gaps, bytes: event.bytes };
    else if (found) writeRows(found.table, event.rows);
  };
  const params = { model: description.key, document, version: 1, settings, visible: [], knownTableId: undefined };
  const result = await client.call('score', params, signal, onEvent);
  await client.call('close', { model: description.key, document }, signal);
  if (!found) throw new ModelError('internal', 'The model process sent no layout.');
  const stride = result.window.contextTokens - result.window.overlapTokens;
  return { description, ...found, result, stride, windows: gridWindows(found.table.length, result.window).length };
}
