import * as vscode from 'vscode';
import { formatCount, formatDecimal, formatSize } from '../core/numberText';
import { timeLeft } from '../core/transfer';
import type { TimeLeft } from '../core/transfer';
import type { Because } from '../model/errors';
import type { SelfCheck } from '../model/protocol';
import type { CuratedModel } from '../models/curated';
import type { DownloadProgress } from '../models/download';
import type { Hub } from '../models/hub';
import type { HubError } from '../models/hubError';
import type { ModelSource } from '../models/installed';
import { becauseInWords } from './stateInWords';

/** Names of others in a list: there "$(" would begin an icon. */
export function plainInList(text: string): string {
  return text.replaceAll('$(', '\\$(');
}

/** "q4 · 786 MB · apache-2.0 · 32,768 tokens of context · en" */
export function modelInWords(
  source: Pick<ModelSource, 'licence' | 'languages' | 'contextTokens'> & { readonly dtype?: string },
  bytes: number | undefined,
): string {
  const { dtype, licence, languages, contextTokens } = source;
  const parts = [
    dtype,
    bytes === undefined ? undefined : formatSize(bytes),
    licence ?? vscode.l10n.t('no licence named'),
    contextInWords(contextTokens),
    languagesInWords(languages),
  ];
  return plainInList(parts.filter(part => part !== undefined && part !== '').join(' · '));
}

function contextInWords(contextTokens: number | undefined): string | undefined {
  return contextTokens === undefined ? undefined : vscode.l10n.t('{0} tokens of context', formatCount(contextTokens));
}

function languagesInWords(languages: readonly string[] | number | undefined): string | undefined {
  if (languages === undefined) return undefined;
  if (typeof languages === 'number') return vscode.l10n.t('more than {0} languages', languages);
  return languages.length > 4
    ? vscode.l10n.t('{0} and {1} more languages', languages.slice(0, 3).join(', '), languages.length - 3)
    : languages.join(', ');
}

/** A model was tried, and could not be used. */
export interface Refused {
  readonly because: Because | undefined;
}

/** Undefined: it has not been checked. */
export function selfCheckInWords(check: SelfCheck | Refused | undefined): string {
  if (check === undefined) return vscode.l10n.t('not checked yet');
  if ('because' in check) {
    return check.because
      ? vscode.l10n.t('cannot be used: {0}', plainInList(becauseInWords(check.because)))
      : vscode.l10n.t('could not be used when it was last loaded');
  }
  const bits = formatDecimal(check.bitsPerByte, 2);
  return check.plausible
    ? vscode.l10n.t('passed the self-check ({0} bits per byte)', bits)
    : vscode.l10n.t('failed the self-check ({0} bits per byte, like a model that was never trained)', bits);
}

export function memoryInWords(neededBytes: number, freeBytes: number | undefined): string {
  return freeBytes === undefined
    ? vscode.l10n.t('needs about {0} of memory', formatSize(neededBytes))
    : vscode.l10n.t('needs about {0} of memory, {1} are free', formatSize(neededBytes), formatSize(freeBytes));
}

/** "instruct model · apache-2.0 · 32,768 tokens of context · more than 29 languages" */
export function curatedInWords(model: CuratedModel): string {
  const parts = [kindInWords(model), model.licence, contextInWords(model.contextTokens), languagesInWords(model.languages)];
  return parts.filter(part => part !== undefined).join(' · ');
}

/** What the list does not know of it, and who will be asked. */
export function unknownInWords({ contextTokens, languages }: CuratedModel, host: string): string {
  if (contextTokens === undefined && languages === undefined)
    return vscode.l10n.t('{0} tells size, number format, context and languages', host);
  if (contextTokens === undefined) return vscode.l10n.t('{0} tells size, number format and context', host);
  if (languages === undefined) return vscode.l10n.t('{0} tells size, number format and languages', host);
  return vscode.l10n.t('{0} tells size and number format', host);
}

function kindInWords({ kind }: CuratedModel): string {
  switch (kind) {
    case 'base':
      return vscode.l10n.t('base model');
    case 'instruct':
      return vscode.l10n.t('instruct model');
    case 'code':
      return vscode.l10n.t('instruct model for code');
  }
}

/** What a number format means for scores. */
export function formatInWords(dtype: string): string {
  switch (dtype) {
    case 'fp32':
      return vscode.l10n.t('full precision');
    case 'fp16':
      return vscode.l10n.t('weights in half precision');
    case 'q4':
      return vscode.l10n.t('weights of 4 bits: small, and usually the one to take');
    case 'q8':
      return vscode.l10n.t('weights of 8 bits: many of these let later text change earlier scores, and are refused when loaded');
    default:
      return '';
  }
}

/** "120 MB of 786 MB, 5.2 MB/s, about 2 min left" */
export function progressInWords({ fetchedBytes, totalBytes, bytesPerSecond, isChecking }: DownloadProgress): string {
  const share = vscode.l10n.t('{0} of {1}', formatSize(fetchedBytes), formatSize(totalBytes));
  if (isChecking) return vscode.l10n.t('{0}, being checked', share);
  if (bytesPerSecond === undefined) return share;
  const left = timeLeft(totalBytes - fetchedBytes, bytesPerSecond);
  if (!left) return vscode.l10n.t('{0}, waiting for the hub', share);
  return `${share}, ${formatSize(bytesPerSecond)}/s, ${timeInWords(left)}`;
}

function timeInWords({ count, unit }: TimeLeft): string {
  switch (unit) {
    case 'seconds':
      return vscode.l10n.t('about {0} s left', count);
    case 'minutes':
      return vscode.l10n.t('about {0} min left', count);
    case 'hours':
      return vscode.l10n.t('about {0} h left', count);
    case 'days':
      return vscode.l10n.t('more than a day left');
  }
}

/** What a hub's failure means, and what to do, as sentences. */
export function hubErrorInWords(
  { code, retryAfterMs, room, host: shownBy }: Pick<HubError, 'code'> & Partial<HubError>,
  { host, sendsToken }: Pick<Hub, 'host' | 'sendsToken'>,
  repository: string,
  folder: string,
): string {
  switch (code) {
    case 'offline':
      return vscode.l10n.t('There is no connection to {0}, or it was cut. The models on this machine work without one.', host);
    case 'timed-out':
      return vscode.l10n.t('{0} does not answer. The models on this machine work without it.', host);
    case 'unknown-authority':
      return vscode.l10n.t(
        'The certificate that was shown for {0} is by an authority that this machine does not know, so nothing was sent: if it is that of your organisation or its proxy, add it to the certificates that the operating system trusts, and start VS Code anew.',
        shownBy ?? host,
      );
    case 'bad-certificate':
      return vscode.l10n.t(
        "The certificate that was shown for {0} is not valid now, or is another host's, so nothing was sent: look at the clock of this machine, or ask who runs the host or the proxy.",
        shownBy ?? host,
      );
    case 'needs-token':
      if (sendsToken)
        return vscode.l10n.t(
          '{0} does not let {1} be read with the access token that was sent: the token is wrong or has expired, its owner has not accepted the terms, or the repository does not exist.',
          host,
          repository,
        );
      return vscode.l10n.t(
        '{0} does not let {1} be read: it does not exist there, or needs an access token whose owner has accepted its terms.',
        host,
        repository,
      );
    case 'not-found':
      return vscode.l10n.t('{0} has no repository {1}, or not the files that it lists.', host, repository);
    case 'busy':
      return retryAfterMs === undefined
        ? vscode.l10n.t('{0} has too much to do, or is out of order. Try again later.', host)
        : vscode.l10n.t('{0} has too much to do, and asks to be left alone for {1} s.', host, Math.ceil(retryAfterMs / 1000));
    case 'not-the-hub':
      return vscode.l10n.t(
        'Something that is not a model hub answered for {0}: a proxy or a log-in page, perhaps. Open it in a browser, or name a mirror in the setting Hub Host.',
        host,
      );
    case 'damaged':
      return vscode.l10n.t(
        'What came from {0} is not what its list of files says, and was thrown away. A proxy may have changed it.',
        host,
      );
    case 'no-space':
      return room
        ? vscode.l10n.t(
            'There is too little room on the disk: {0} are needed, and {1} are free. What has been fetched is kept.',
            formatSize(room.neededBytes),
            formatSize(room.freeBytes),
          )
        : vscode.l10n.t('The disk is full. What has been fetched is kept.');
    case 'storage':
      return vscode.l10n.t('The folder for models cannot be written to: {0}', folder);
    case 'in-progress':
      return vscode.l10n.t('This model is being downloaded already, in this window or in another one.');
    case 'unusable':
      return vscode.l10n.t(
        '{0} holds no model in the layout of transformers.js: config.json, tokenizer.json and onnx/model*.onnx, with weights in it or in files that are named after it.',
        repository,
      );
  }
}
