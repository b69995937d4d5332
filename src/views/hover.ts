import * as vscode from 'vscode';
import { bandOf } from '../core/band';
import { cellAt } from '../core/cells';
import type { Cells } from '../core/cells';
import type { CommandId } from '../core/contributions';
import { escapedText, hoverMarkdown } from '../core/hoverText';
import type { Config } from '../config';
import type { DocumentView, LensState } from '../documentView';
import type { LeftOut } from '../leftOut';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import type { Disposable } from '../disposable';
import { alternativeLink } from './alternatives';
import { hoverToken } from './tokenFacts';

/** Hovers over scored text, answered from the score table alone. */
export function registerHover(
  scored: Pick<ScoredDocuments, 'state' | 'view'>,
  leftOut: Pick<LeftOut, 'shown'>,
  config: Config,
  pauses: Pauses,
): Disposable {
  return vscode.languages.registerHoverProvider('*', {
    provideHover: pauses.timed('hover', (document: vscode.TextDocument, position: vscode.Position) => {
      const view = config.hover(document) === 'off' ? undefined : scored.view(document);
      return view && hoverAt(view, scored.state(document), document, document.offsetAt(position), config, leftOut);
    }),
  });
}

function hoverAt(
  view: DocumentView,
  state: LensState,
  document: vscode.TextDocument,
  offset: number,
  config: Config,
  leftOut: Pick<LeftOut, 'shown'>,
): vscode.Hover | undefined {
  const edges = config.bandEdges(document);
  const everywhere = config.hover(document) === 'all';
  const coloured = (cells: Cells) => (everywhere ? cells : leftOut.shown(document, cells));
  // What has no score has no band, and its reason is worth a hover; what is plain only with `all`.
  const isShown = (bits: number) => everywhere || bandOf(bits, edges) !== 0;
  const hover = (start: number, end: number, markdown: string) => {
    const content = new vscode.MarkdownString(markdown);
    content.supportHtml = true; // for colours
    content.isTrusted = { enabledCommands: ['tokenLens.showAlternatives' satisfies CommandId] }; // what a click on an alternative runs, nothing else
    return new vscode.Hover(content, new vscode.Range(document.positionAt(start), document.positionAt(end)));
  };

  const here = { start: offset, end: offset + 1 };
  const cells = coloured(view.cellsIn(here));
  const found = cellAt(cells, offset);
  if (found !== undefined) {
    const cell = cellOf(cells, found);
    if (!isShown(cell.bits)) return undefined;
    const rows = Array.from({ length: cell.endToken - cell.firstToken }, (_, index) => cell.firstToken + index);
    const shares =
      rows.length > 1 ? `${vscode.l10n.t('These {0} tokens share one character; their bits are added.', rows.length.toString())}\n\n` : '';
    // Only the first token's alternatives take the place of a character of several tokens.
    const linkOf = (row: number) => (id: number) =>
      row === cell.firstToken && view.vocabulary.textOf(id) !== undefined ? alternativeLink(document, cell.start, id) : undefined;
    return hover(cell.start, cell.end, shares + hoverMarkdown(rows.map(row => hoverToken(view, row, config.topCount, edges, linkOf(row)))));
  }
  const staleCells = coloured(view.staleIn(here));
  const stale = cellAt(staleCells, offset);
  if (stale !== undefined) {
    const cell = cellOf(staleCells, stale);
    const why =
      state.kind === 'scoring'
        ? vscode.l10n.t('The text has changed: this is being rescored.')
        : vscode.l10n.t('The text has changed since this was scored.');
    return isShown(cell.bits) ? hover(cell.start, cell.end, why) : undefined;
  }
  const gap = view.gaps.find(({ start, end }) => view.documentVersion === document.version && start <= offset && offset < end);
  if (!gap) return undefined;
  return hover(gap.start, gap.end, vscode.l10n.t('No score: {0} has no token for this character.', escapedText(view.modelName)));
}

function cellOf(cells: Cells, index: number) {
  return {
    start: cells.starts[index] ?? 0,
    end: cells.ends[index] ?? 0,
    bits: cells.bits[index] ?? NaN,
    firstToken: cells.firstTokens[index] ?? 0,
    endToken: cells.endTokens[index] ?? 0,
  };
}
