import type { ModelErrorCode } from '../model/errors';
import type { RefusalReason } from '../refusal';
import type { PanelMessage } from './panelProtocol';

/** What the panel says when it has no numbers to show: what is the matter, and what to do. No text of a document is ever in it. */

export const noEditorMessage = message(
  'No text to read',
  'Open a file and place the cursor: the panel shows what the model expects there.',
);

export function loadingMessage(modelName: string | undefined): PanelMessage {
  return {
    ...message(`Loading ${modelName ?? 'the model'}…`, 'It runs on this computer; loading it takes a few seconds the first time.'),
    busy: true,
  };
}

export function askingMessage(modelName: string): PanelMessage {
  return { ...message(`Asking ${modelName}…`, 'It is reading the text before the cursor.'), busy: true };
}

/** `text`: the reason as a sentence, from `refusalInWords`; this module knows no editor. */
export function refusalMessage(reason: RefusalReason, text: string): PanelMessage {
  return message(refusalHeadlines[reason.kind], text);
}

/** `text`: what to do as a sentence, from `failureInWords`. */
export function failureMessage(code: ModelErrorCode, text: string): PanelMessage {
  return message(failureHeadlines[code], text);
}

const refusalHeadlines: Readonly<Record<RefusalReason['kind'], string>> = {
  'too-large': 'This document is too large',
  binary: 'This is not text',
  scheme: 'This kind of document is not read',
  language: 'This language is skipped',
  folder: 'This folder is skipped',
  memory: 'The model was not loaded',
};

const failureHeadlines: Readonly<Record<ModelErrorCode, string>> = {
  'not-found': 'The model was not found',
  incomplete: 'The model is not complete',
  unsupported: 'This model cannot be used',
  'cannot-align': 'This model cannot be used',
  'out-of-memory': 'The model ran out of memory',
  'bad-argument': 'There is nothing to predict from here',
  'out-of-step': 'Something went wrong',
  exited: 'The model process ended',
  cancelled: 'No answer',
  internal: 'Something went wrong',
};

function message(headline: string, text: string): PanelMessage {
  return { kind: 'message', headline, text, busy: false };
}
