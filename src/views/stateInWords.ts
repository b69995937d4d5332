import * as vscode from 'vscode';
import { ModelError } from '../model/errors';
import type { Because } from '../model/errors';
import { formatCount, formatDecimal } from '../core/numberText';
import type { LensState } from '../documentView';
import { Refusal } from '../refusal';
import type { RefusalReason } from '../refusal';

interface Words {
  readonly headline: string;
  /** A sentence: what it means, or what the user can do. */
  readonly text: string;
}

/** The state of the lens for people. No text of a document is ever in it. */
export function stateInWords(state: LensState): Words {
  switch (state.kind) {
    case 'off':
      return {
        headline: vscode.l10n.t('off for this document'),
        text: vscode.l10n.t('Turn it on to see how surprising each token is to a language model on this machine.'),
      };
    case 'starting':
      return {
        headline: vscode.l10n.t('loading the model'),
        text: vscode.l10n.t('It runs on this machine; the first time takes a few seconds.'),
      };
    case 'scoring':
      return {
        headline: vscode.l10n.t('scoring'),
        text: vscode.l10n.t('{0} of {1} tokens have their scores.', formatCount(state.scored), formatCount(state.tokens)),
      };
    case 'ready':
      return { headline: vscode.l10n.t('on'), text: vscode.l10n.t('Click for the menu.') };
    case 'edited':
      return {
        headline: vscode.l10n.t('edited'),
        text:
          state.until === 'save'
            ? vscode.l10n.t('Fainter colours are from before the edit. Save the document to rescore it (setting Score On).')
            : vscode.l10n.t(
                'Fainter colours are from before the edit. Run the command Token Lens: Rescore Document to rescore it (setting Score On).',
              ),
      };
    case 'paused':
      return {
        headline: vscode.l10n.t('paused'),
        text:
          state.why === 'unfocused'
            ? vscode.l10n.t(
                'This window has had no focus for a while, so nothing is computed in it (setting Pause After Seconds). It goes on when the window has the focus again.',
              )
            : vscode.l10n.t('Only documents that can be seen are scored. It goes on when this one is shown.'),
      };
    case 'refused':
      return { headline: vscode.l10n.t('this document is not scored'), text: refusalInWords(state.reason) };
    case 'failed':
      return { headline: vscode.l10n.t('the model could not score this document'), text: failureInWords(state.error, 'toggle') };
  }
}

/** Why nothing can be said of the whole document yet. `whileScoring`: instead of the sentence that says so. */
export function incompleteInWords(state: LensState, whileScoring = vscode.l10n.t('The document is being scored.')): string {
  if (state.kind === 'scoring' || state.kind === 'starting') return whileScoring;
  const { headline, text } = stateInWords(state);
  return `Token Lens: ${headline}. ${text}`;
}

/** Why a document is not read, as a sentence. */
export function refusalInWords(reason: RefusalReason): string {
  switch (reason.kind) {
    case 'too-large':
      return vscode.l10n.t(
        'It has {0} bytes; the limit is {1} (setting Largest Document Bytes).',
        formatCount(reason.bytes),
        formatCount(reason.limitBytes),
      );
    case 'binary':
      return vscode.l10n.t('It holds binary data.');
    case 'scheme':
      return vscode.l10n.t('This kind of document is left out by the setting Skip Schemes.');
    case 'language':
      return vscode.l10n.t('Its language is left out by the setting Skip Languages.');
    case 'folder':
      return vscode.l10n.t('Its folder is left out by the setting Skip Folders.');
    case 'memory':
      return vscode.l10n.t(
        'Loading the model needs about {0} MB of memory, and {1} MB are free. Close other programs, then turn the lens off and on again.',
        formatCount(reason.neededBytes / 1e6),
        formatCount(reason.freeBytes / 1e6),
      );
    case 'second-memory':
      return vscode.l10n.t(
        'Two models at once need about {0} MB more memory, and {1} MB are free. Close other programs, or choose a smaller model.',
        formatCount(reason.neededBytes / 1e6),
        formatCount(reason.freeBytes / 1e6),
      );
  }
}

/** How to try again: by moving the cursor, for the panel's question, by asking for futures again, by turning the lens off and on, or by the command that failed. */
export type Retry = 'move' | 'sample' | 'toggle' | 'command';

/** Of a question about a place where the model has nothing to go by. */
export function noAnswerInWords(): string {
  return vscode.l10n.t('The model cannot answer this here: it has no start token, or nothing would be left to read.');
}

/** Why a call of the model gave nothing, or what to do about it, as a sentence. */
export function errorInWords(error: unknown, retry: Retry): string {
  return error instanceof Refusal ? refusalInWords(error.reason) : failureInWords(ModelError.from(error), retry);
}

/** What to do about a failure, as a sentence. */
export function failureInWords({ code, because }: Pick<ModelError, 'code' | 'because'>, retry: Retry): string {
  const again = {
    move: vscode.l10n.t('Move the cursor to try again.'),
    sample: vscode.l10n.t('Sample again to retry.'),
    toggle: vscode.l10n.t('Turn the lens off and on again to retry.'),
    command: vscode.l10n.t('Run the command again to retry.'),
  }[retry];
  switch (code) {
    case 'not-found':
      return vscode.l10n.t('There is no model where one is looked for: choose a folder that holds one.');
    case 'incomplete':
      return vscode.l10n.t('Files are missing from the model folder, or damaged. Copy or download it again, or choose another model.');
    case 'unsupported':
      return `${because ? becauseInWords(because) : vscode.l10n.t('The model folder holds a model of an unknown kind.')} ${chooseAnother()}`;
    case 'cannot-align':
      return `${because ? becauseInWords(because) : vscode.l10n.t('The tokens of this model cannot be aligned with the text.')} ${chooseAnother()}`;
    case 'out-of-memory':
      return vscode.l10n.t('The model ran out of memory. Set a smaller context, or close other programs. {0}', again);
    case 'bad-argument':
      if (retry === 'move') return vscode.l10n.t('The model needs some text before the cursor. {0}', again);
      if (retry === 'sample')
        return vscode.l10n.t(
          'The model cannot go on like that: no tokens spell this beginning, or there are more than a future has room for.',
        );
      return askTheLog(again);
    case 'endless':
      return vscode.l10n.t('Loading the model did not come to an end. Set another model folder in the settings. {0}', again);
    case 'too-long':
      return vscode.l10n.t('That is more than the model sees at once: take less of it.');
    case 'no-runtime':
      return vscode.l10n.t(
        'The library that runs models cannot be loaded on {0}: install the version of Token Lens that is made for this platform.',
        `${process.platform}-${process.arch}`,
      );
    case 'other-version':
      return vscode.l10n.t('Its files are of two versions. Reload the window; if that does not help, install Token Lens again.');
    case 'no-chat-frame':
      return vscode.l10n.t(
        'The document is to be read as the answer to a question, and this model has no chat template to put one with. Remove what is read before the document (command Token Lens: Remove the Preamble), or choose a chat model.',
      );
    case 'out-of-step':
    case 'exited':
    case 'cancelled':
    case 'internal':
      return askTheLog(again);
  }
}

/** Why a model cannot be used, as a sentence. Names in it are those of the model's files. */
export function becauseInWords({ key, values: [first = '', second = ''] }: Because): string {
  switch (key) {
    case 'leaks':
      return vscode.l10n.t(
        'Its number format ({0}) lets later text change the scores of earlier text, here by {1} bits; another number format of the same model may not.',
        first,
        formatDecimal(Number(second), 2),
      );
    case 'not-numbers':
      return vscode.l10n.t('It gives scores that are not numbers; another number format of the same model may not.');
    case 'tokenizer-kind':
      return vscode.l10n.t('Its tokens cannot be aligned with the text exactly: its tokenizer is of the kind {0}, not BPE.', first);
    case 'tokenizer-step':
      return vscode.l10n.t('Its tokens cannot be aligned with the text exactly: its tokenizer changes the text ({0}).', first);
    case 'tokenizer-space':
      return vscode.l10n.t(
        'Its tokens cannot be aligned with the text exactly: its tokenizer adds spaces to the text, or takes some away.',
      );
    case 'tokenizer-bytes':
      return vscode.l10n.t('Its tokens cannot be aligned with the text exactly: its tokenizer does not have a token for every byte.');
    case 'tokenizer-other':
      return vscode.l10n.t('Its tokens cannot be aligned with the text exactly: its tokenizer does what cannot be followed.');
    case 'no-language-model':
      return vscode.l10n.t('It is not a language model that reads from left to right.');
    case 'no-cache':
      return vscode.l10n.t('It was exported without a key/value cache.');
    case 'unknown-input':
      return vscode.l10n.t('It asks for an input that this version does not know ({0}).', first);
    case 'number-type':
      return vscode.l10n.t('It gives numbers of a type that is not supported ({0}).', first);
    case 'no-positions':
      return vscode.l10n.t('Its config.json does not say how many tokens of context it has.');
    case 'number-format':
      return vscode.l10n.t('Its number format is not known ({0}).', first);
    case 'outside':
      return vscode.l10n.t('It names a file outside of its folder ({0}), which is not opened.', first);
    case 'too-large':
      return vscode.l10n.t('Its {0} is larger than any such file should be.', first);
    case 'no-model-file':
      return vscode.l10n.t('Its model file cannot be opened ({0}).', first);
  }
}

function chooseAnother(): string {
  return vscode.l10n.t('Choose another model (command Token Lens: Select Model).');
}

function askTheLog(again: string): string {
  return vscode.l10n.t('{0} The log says more (command Token Lens: Show Log).', again);
}
