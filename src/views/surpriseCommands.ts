import * as vscode from 'vscode';
import { noCells, picked } from '../core/cells';
import { neighbourOf, shownPart, surpriseOf } from '../core/surprises';
import type { LeftOut } from '../leftOut';
import type { Looks } from '../looks';
import type { ScoredDocuments } from '../scoredDocuments';
import { surpriseInWords } from './byEar';
import type { Announcer } from './byEar';
import { editorWithLens, inDirection, select, selectionOf } from './places';
import type { Direction } from './places';
import { incompleteInWords } from './stateInWords';

/** The edge from which on a cell is a place to go to: the lower one of band 3. */
export function surprisingFrom(looks: Pick<Looks, 'tokenEdges'>, document: vscode.TextDocument): number {
  const [, , third] = looks.tokenEdges(document);
  return third;
}

/** Moves the selection to the next or previous surprise of the active document, of those that are scored so far. */
export function goToSurprise(
  direction: Direction,
  scored: Pick<ScoredDocuments, 'isOn' | 'state' | 'view'>,
  looks: Pick<Looks, 'tokenEdges'>,
  announcer: Announcer,
  leftOut: Pick<LeftOut, 'shown'>,
): void {
  const editor = editorWithLens(scored);
  if (!editor) return;
  const { document } = editor;
  const text = document.getText();
  const least = surprisingFrom(looks, document);
  const view = scored.view(document);
  const all = view ? leftOut.shown(document, view.cellsFrom(least)) : noCells;
  const cells = picked(all, index => (all.bits[index] ?? NaN) >= least); // without a score there is no surprise
  const starts = Array.from(cells.starts, (start, index) => shownPart(text, { start, end: cells.ends[index] ?? start }).start);
  const found = neighbourOf(starts, selectionOf(editor), direction);
  if (!view || !found) {
    announcer.say(
      view?.complete === true
        ? vscode.l10n.t('Nothing here has {0} bits or more.', least.toString())
        : incompleteInWords(scored.state(document), vscode.l10n.t('Nothing surprising so far. The document is still being scored.')),
    );
    return;
  }
  const surprise = surpriseOf(text, cells, found.index, view);
  select(editor, surprise.span);
  announcer.say(inDirection(surpriseInWords(surprise), direction, found.wrapped));
}
