import * as vscode from 'vscode';
import type { Config } from '../config';
import { cellAt } from '../core/cells';
import { formatBits, formatCount } from '../core/numberText';
import { firstWords, spokenToken } from '../core/spokenText';
import { surpriseOf } from '../core/surprises';
import type { Surprise } from '../core/surprises';
import type { Disposable } from '../disposable';
import { setStatusBarMessage, showProgress } from '../notices';
import type { ScoredDocuments } from '../scoredDocuments';
import { editorWithLens } from './places';
import { spokenWords } from './spokenWords';

const shownMs = 5_000;
/** Long enough for the window to say it once; it then goes by itself. */
const spokenMs = 2_500;
/** Of a token, so that a message has at most fifteen words. */
const tokenWords = 4;

/** One short message at a time: in the status bar, and spoken by a screen reader where the user wants that. */
export class Announcer implements Disposable {
  readonly #config: Pick<Config, 'announces'>;
  #endSpoken: (() => void) | undefined;

  constructor(config: Pick<Config, 'announces'>) {
    this.#config = config;
  }

  /** `asked`: the message is what the user asked for, not what comes with a move. */
  say(message: string, { asked = false } = {}): void {
    setStatusBarMessage(message, shownMs);
    if (this.#config.announces === 'always' || (asked && this.#config.announces === 'asked')) this.#speak(message);
  }

  /** A message that is what the user asked for, and is shown elsewhere. */
  speak(message: string): void {
    if (this.#config.announces !== 'never') this.#speak(message);
  }

  dispose(): void {
    this.#endSpoken?.();
  }

  /** VS Code hands no text to a screen reader but that of a notification; one of progress can be taken away again. */
  #speak(message: string): void {
    this.#endSpoken?.();
    // Not in the task, which runs later: a message that comes before it would find nothing to end.
    const spoken = new Promise<void>(resolve => {
      const timer = setTimeout(resolve, spokenMs);
      this.#endSpoken = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    void showProgress({ title: message }, () => spoken);
  }
}

/** Reads the token at the caret. */
export function readHere(scored: Pick<ScoredDocuments, 'isOn' | 'view'>, announcer: Announcer): void {
  const editor = editorWithLens(scored);
  if (!editor) return;
  const { document, selection } = editor;
  // Of a selection its first token: that is where a move to a surprise leaves it.
  const offset = document.offsetAt(selection.start);
  const view = scored.view(document);
  const cells = view?.cellsIn({ start: offset - 1, end: offset + 1 });
  const index = cells && (cellAt(cells, offset) ?? cellAt(cells, offset - 1)); // at the end of the text: the last one
  const message =
    view && cells && index !== undefined
      ? surpriseInWords(surpriseOf(document.getText(), cells, index, view))
      : vscode.l10n.t('No score here yet.');
  announcer.say(message, { asked: true });
}

/** "harbour, 11.2 bits, rank 412, expected sea": at most 13 words. */
export function surpriseInWords({ token, bits, rank, expected }: Surprise): string {
  const own = spoken(token);
  if (Number.isNaN(bits)) return vscode.l10n.t('{0}, no score', own);
  const numbers = [own, formatBits(bits), formatCount(rank)] as const;
  return expected
    ? vscode.l10n.t('{0}, {1} bits, rank {2}, expected {3}', ...numbers, spoken(expected))
    : vscode.l10n.t('{0}, {1} bits, rank {2}', ...numbers);
}

/** The space before a word goes without saying. */
function spoken(token: Surprise['token']): string {
  const [first, ...others] = token;
  const said = first?.glyph === true && first.text === '·' && others.length > 0 ? others : token;
  return firstWords(spokenToken(said, spokenWords()), tokenWords);
}
