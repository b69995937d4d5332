import type { ModelErrorCode } from '../model/errors';
import type { RefusalReason } from '../scoredDocuments.contract';
import type { PanelMessage } from './panelProtocol';

/** What the panel says when it has no numbers to show: what is the matter, and what to do. No text of a document is ever in it. */

export const noEditorMessage = message('No text to read', 'Open a file and place the cursor: the panel shows what the model expects there.');

export function loadingMessage(modelName: string | undefined): PanelMessage {
  return {
    ...message(`Loading ${modelName ?? 'the model'}…`, 'It runs on this computer; loading it takes a few seconds the first time.'),
    busy: true,
  };
}

export function askingMessage(modelName: string): PanelMessage {
  return { ...message(`Asking ${modelName}…`, 'It is reading the text before the cursor.'), busy: true };
}

export function refusalMessage(reason: RefusalReason): PanelMessage {
  switch (reason.kind) {
    case 'too-large':
      return message(
        'This document is too large',
        `It has ${inMegabytes(reason.bytes)}; the limit is ${inMegabytes(reason.limitBytes)}. The limit can be raised in the settings of Token Lens.`,
      );
    case 'binary':
      return message('This is not text', 'The document holds binary data. Open a text file to see what the model expects.');
    case 'scheme':
      return message('This kind of document is not read', 'Token Lens skips it: see the skipped schemes in its settings. Open a file or a new untitled text.');
    case 'language':
      return message('This language is skipped', 'The settings of Token Lens say to skip documents of this language. Change them to see what the model expects here.');
  }
}

const failures: Readonly<Record<ModelErrorCode, readonly [headline: string, text: string]>> = {
  'not-found': ['The model was not found', 'Its folder is missing. Set another model folder in the settings of Token Lens.'],
  incomplete: ['The model is not complete', 'Files are missing from its folder. Copy the folder again, or set another one in the settings of Token Lens.'],
  unsupported: ['This model cannot be used', 'Token Lens does not know its kind. Set another model folder in the settings of Token Lens.'],
  'cannot-align': ['This model cannot be used', 'Its tokens cannot be aligned with the text. Set another model folder in the settings of Token Lens.'],
  'out-of-memory': ['The model ran out of memory', 'Choose a smaller context in the settings of Token Lens, or close other programs, and move the cursor to try again.'],
  'bad-argument': ['There is nothing to predict from here', 'The model needs some text before the cursor. Move the cursor further on.'],
  exited: ['The model process ended', 'Move the cursor to start it again. The log (command “Token Lens: Show Log”) says more.'],
  cancelled: ['No answer', 'The question was withdrawn. Move the cursor to ask again.'],
  internal: ['Something went wrong', 'Move the cursor to try again. The log (command “Token Lens: Show Log”) says more.'],
};

export function failureMessage(code: ModelErrorCode): PanelMessage {
  return message(...failures[code]);
}

function message(headline: string, text: string): PanelMessage {
  return { kind: 'message', headline, text, busy: false };
}

function inMegabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
