import type { ModelErrorCode } from '../model/errors';
import type { RefusalReason } from '../scoredDocument';
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
      return message(
        'This kind of document is not read',
        'Token Lens skips it: see the skipped schemes in its settings. Open a file or a new untitled text.',
      );
    case 'language':
      return message(
        'This language is skipped',
        'The settings of Token Lens say to skip documents of this language. Change them to see what the model expects here.',
      );
  }
}

/** How to try again: by moving the cursor, or by turning the lens off and on. */
export type Retry = 'move' | 'toggle';

const otherFolder = 'Set another model folder in the settings of Token Lens.';
const log = 'The log (command “Token Lens: Show Log”) says more.';

export function failureMessage(code: ModelErrorCode, retry: Retry): PanelMessage {
  const again = retry === 'move' ? 'Move the cursor to try again.' : 'Turn the lens off and on to try again.';
  switch (code) {
    case 'not-found':
      return message('The model was not found', `Its folder is missing. ${otherFolder}`);
    case 'incomplete':
      return message('The model is not complete', `Files are missing from its folder. Copy it again. Or: ${otherFolder}`);
    case 'unsupported':
      return message('This model cannot be used', `Token Lens does not know its kind. ${otherFolder}`);
    case 'cannot-align':
      return message('This model cannot be used', `Its tokens cannot be aligned with the text. ${otherFolder}`);
    case 'out-of-memory':
      return message(
        'The model ran out of memory',
        `Choose a smaller context in the settings of Token Lens, or close other programs. ${again}`,
      );
    case 'bad-argument':
      return message('There is nothing to predict from here', `The model needs some text before the cursor. ${again}`);
    case 'exited':
      return message('The model process ended', `${again} ${log}`);
    case 'cancelled':
      return message('No answer', `The question was withdrawn. ${again}`);
    case 'internal':
      return message('Something went wrong', `${again} ${log}`);
  }
}

function message(headline: string, text: string): PanelMessage {
  return { kind: 'message', headline, text, busy: false };
}

function inMegabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
