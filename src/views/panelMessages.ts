import * as l10n from '@vscode/l10n';
import { ModelError } from '../model/errors';
import type { ModelErrorCode } from '../model/errors';
import { Refusal } from '../refusal';
import type { RefusalReason } from '../refusal';
import type { PanelMessage } from './panelProtocol';

/** What the panel says when it has no numbers to show: what is the matter, and what to do. No text of a document is ever in it. */

export function noEditorMessage(): PanelMessage {
  return message(l10n.t('No text to read'), l10n.t('Open a file and place the cursor: the panel shows what the model expects there.'));
}

export function loadingMessage(modelName: string | undefined): PanelMessage {
  const headline = modelName === undefined ? l10n.t('Loading the model…') : l10n.t('Loading {0}…', modelName);
  return { ...message(headline, l10n.t('It runs on this computer; loading it takes a few seconds the first time.')), busy: true };
}

export function askingMessage(modelName: string): PanelMessage {
  return { ...message(l10n.t('Asking {0}…', modelName), l10n.t('It is reading the text before the cursor.')), busy: true };
}

/** `text`: the reason as a sentence, from `refusalInWords`; this module knows no editor. */
export function refusalMessage(reason: RefusalReason, text: string): PanelMessage {
  return message(refusalHeadline(reason.kind), text);
}

/** `text`: from `errorInWords`. */
export function errorMessage(error: unknown, text: string): PanelMessage {
  return error instanceof Refusal ? refusalMessage(error.reason, text) : failureMessage(ModelError.from(error).code, text);
}

/** `text`: what to do as a sentence, from `failureInWords`. */
export function failureMessage(code: ModelErrorCode, text: string): PanelMessage {
  return message(failureHeadline(code), text);
}

function refusalHeadline(kind: RefusalReason['kind']): string {
  switch (kind) {
    case 'too-large':
      return l10n.t('This document is too large');
    case 'binary':
      return l10n.t('This is not text');
    case 'scheme':
      return l10n.t('This kind of document is not read');
    case 'language':
      return l10n.t('This language is skipped');
    case 'folder':
      return l10n.t('This folder is skipped');
    case 'memory':
    case 'second-memory':
      return l10n.t('The model was not loaded');
  }
}

function failureHeadline(code: ModelErrorCode): string {
  switch (code) {
    case 'not-found':
      return l10n.t('The model was not found');
    case 'incomplete':
      return l10n.t('The model is not complete');
    case 'unsupported':
    case 'cannot-align':
    case 'endless':
      return l10n.t('This model cannot be used');
    case 'out-of-memory':
      return l10n.t('The model ran out of memory');
    case 'bad-argument':
      return l10n.t('There is nothing to predict from here');
    case 'too-long':
      return l10n.t('That is too much at once');
    case 'no-chat-frame':
      return l10n.t('This model takes no questions');
    case 'exited':
      return l10n.t('The model process ended');
    case 'cancelled':
      return l10n.t('No answer');
    case 'no-runtime':
    case 'other-version':
      return l10n.t('The model cannot be run');
    case 'out-of-step':
    case 'internal':
      return l10n.t('Something went wrong');
  }
}

function message(headline: string, text: string): PanelMessage {
  return { kind: 'message', headline, text, busy: false };
}
