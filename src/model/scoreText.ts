import { tableOf, writeRows } from '../core/scoreTable';
import type { Arithmetic, Gap, ScoreTable } from '../core/scores';
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
}

/** Scores a text once, from beginning to end. */
export async function scoreText(
  client: ModelClient,
  load: LoadParams,
  text: string,
  settings: ScoringSettings,
  arithmetic: Arithmetic,
  signal: AbortSignal,
): Promise<ScoredText> {
  return scoreLoaded(client, await client.call('load', load, signal), text, settings, arithmetic, signal);
}

/** The same with the model that the client has loaded last. */
export async function scoreLoaded(
  client: ModelClient,
  description: ModelDescription,
  text: string,
  settings: ScoringSettings,
  arithmetic: Arithmetic,
  signal: AbortSignal,
): Promise<ScoredText> {
  const document = 'text';
  const model = { ...description.key, arithmetic };
  await client.call('open', { model, document, version: 1, text }, signal);
  let found: { readonly table: ScoreTable; readonly gaps: readonly Gap[]; readonly bytes: number } | undefined;
  const onEvent = (event: ModelEvent) => {
    if (event.kind === 'layout') found = { table: tableOf(event, undefined, []), gaps: event.gaps, bytes: event.bytes };
    else if (found) writeRows(found.table, event.rows);
  };
  const params = { model, document, version: 1, settings, visible: [], knownTableId: undefined };
  const result = await client.call('score', params, signal, onEvent);
  await client.call('close', { model, document }, signal);
  if (!found) throw new ModelError('internal', 'The model process sent no layout.');
  return { description, ...found, result };
}
