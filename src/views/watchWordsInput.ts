import * as vscode from 'vscode';
import { longestWatchWord, mostWatchWords, watchWordsOf } from '../core/watchWords';
import type { WatchWordsInput } from '../core/watchWords';
import type { WatchWords } from '../watchWords';

/** Asks which words to watch; an empty list ends watching. */
export async function askWatchWords(watch: WatchWords): Promise<void> {
  const answer = await vscode.window.showInputBox({
    title: vscode.l10n.t('Watch words'),
    prompt: vscode.l10n.t(
      'Up to {0} words, separated by spaces or commas; none: watch none. The panel shows them; “Select What Colours Show” colours the text by one.',
      mostWatchWords.toString(),
    ),
    placeHolder: vscode.l10n.t('sea, harbour'),
    value: watch.words.join(', '),
    validateInput: text => whatIsWrong(watchWordsOf(text)),
  });
  const input = answer === undefined ? undefined : watchWordsOf(answer);
  if (input?.kind === 'words') watch.set(input.words);
}

/** As a sentence; undefined: nothing. */
function whatIsWrong(input: WatchWordsInput): string | undefined {
  switch (input.kind) {
    case 'words':
      return undefined;
    case 'too-many':
      return vscode.l10n.t('At most {0} words can be watched; these are {1}.', mostWatchWords.toString(), input.count.toString());
    case 'quoted':
      return vscode.l10n.t('One word each, without quotation marks: phrases cannot be watched.');
    case 'too-long':
      return vscode.l10n.t(
        '“{0}…” is longer than {1} characters.',
        Array.from(input.word).slice(0, 12).join(''),
        longestWatchWord.toString(),
      );
    case 'invisible':
      return vscode.l10n.t('A word has characters that cannot be seen: type it anew.');
  }
}
