import * as vscode from 'vscode';
import type { BandEdges } from '../core/band';
import { cellAt } from '../core/cells';
import type { Cells } from '../core/cells';
import type { CommandId } from '../core/contributions';
import { escapedPieces, escapedText, hoverMarkdown } from '../core/hoverText';
import type { Palette } from '../core/look';
import type { Provenance, Span } from '../core/scores';
import type { Unit } from '../core/units';
import type { Config } from '../config';
import type { DocumentView, LensState } from '../documentView';
import type { Pauses } from '../pauses';
import type { Looks } from '../looks';
import { formatBits, formatPercent, formatDecimal } from '../core/numberText';
import type { ScoredDocuments } from '../scoredDocuments';
import type { Shown } from '../shown';
import { preambleInWords } from './preambleWords';
import { readingLines } from './readingInWords';
import type { Disposable } from '../disposable';
import { alternativeLink } from './alternatives';
import { colourId } from './bandTypes';
import type { DifferenceView } from './differenceView';
import type { InsertionView } from './insertionView';
import { hoverToken } from './tokenFacts';
import type { RowSource } from './tokenFacts';

export interface HoverParts {
  readonly scored: Pick<ScoredDocuments, 'state' | 'view'>;
  readonly config: Config;
  readonly looks: Looks;
  readonly shown: Shown;
  readonly pauses: Pauses;
  /** Its tokens come first: they are of the present text, whether the lens is on or not. */
  readonly insertion: Pick<InsertionView, 'at'>;
  /** Has hovers of its own. */
  readonly differences: readonly Pick<DifferenceView, 'isShown'>[];
}

/** Hovers over scored text, answered from the score table alone. */
export function registerHover({ scored, config, looks, shown, pauses, insertion, differences }: HoverParts): Disposable {
  return vscode.languages.registerHoverProvider('*', {
    provideHover: pauses.timed('hover', (document: vscode.TextDocument, position: vscode.Position) => {
      if (config.hover(document) === 'off' || differences.some(difference => difference.isShown(document))) return undefined;
      const offset = document.offsetAt(position);
      const inserted = insertion.at(document, offset);
      if (inserted) return insertedHover(document, inserted, { config, looks });
      const view = shown.view(document);
      return view && hoverAt(view, scored.state(document), document, offset, { config, shown });
    }),
  });
}

function hoverAt(
  view: DocumentView,
  state: LensState,
  document: vscode.TextDocument,
  offset: number,
  { config, shown }: Pick<HoverParts, 'config' | 'shown'>,
): vscode.Hover | undefined {
  const { tokenEdges: edges, hoverEverywhere, palette } = shown.look(document);
  const reading = shown.reading(document);
  const everywhere = hoverEverywhere || config.hover(document) === 'all';
  // Why something has no score is worth a hover; what is plain only with `all`.
  const isPainted = () =>
    shown.marksIn(document, [here]).some(({ start, end, band }) => start <= offset && offset < end && band !== undefined && band > 0);
  const isShown = (bits: number) => everywhere || (Number.isNaN(bits) && !shown.isLeftOut(document, here)) || isPainted();
  const hover = (start: number, end: number, markdown: string) => hoverOf(document, { start, end }, markdown);

  const here = { start: offset, end: offset + 1 };
  const cells = view.cellsIn(here);
  const found = cellAt(cells, offset);
  if (found !== undefined) {
    const cell = cellOf(cells, found);
    if (!isShown(cell.bits)) return undefined;
    // The list is of the usual scores.
    const linked = !reading;
    const facts = cellFacts(document, view, cell, { topCount: config.topCount, edges, palette, linked });
    const lines = reading ? readingLines(reading, cell.firstToken, cell.endToken) : '';
    const before = lines + unitLine(shown.unitAt(document, offset)) + watchedLine(view, cell.firstToken);
    return hover(cell.start, cell.end, before + facts + preambleLine(view.provenance));
  }
  const staleCells = view.staleIn(here);
  const stale = cellAt(staleCells, offset);
  if (stale !== undefined) {
    const cell = cellOf(staleCells, stale);
    const why =
      state.kind === 'scoring'
        ? view.documentVersion === document.version
          ? vscode.l10n.t('This is being rescored.')
          : vscode.l10n.t('The text has changed: this is being rescored.')
        : vscode.l10n.t('The text has changed since this was scored.');
    return isShown(cell.bits) ? hover(cell.start, cell.end, why) : undefined;
  }
  const gap = view.gaps.find(({ start, end }) => view.documentVersion === document.version && start <= offset && offset < end);
  if (!gap) return undefined;
  return hover(gap.start, gap.end, vscode.l10n.t('No score: {0} has no token for this character.', escapedText(view.modelName)));
}

/** The hover of a token that has just been inserted. */
function insertedHover(
  document: vscode.TextDocument,
  { reading, cell: index }: NonNullable<ReturnType<InsertionView['at']>>,
  { config, looks }: Pick<HoverParts, 'config' | 'looks'>,
): vscode.Hover {
  const { tokenEdges: edges, palette } = looks.of(document);
  const cell = cellOf(reading.cells, index);
  const facts = cellFacts(document, reading, cell, { topCount: config.topCount, edges, palette, linked: true });
  return hoverOf(document, cell, facts + preambleLine(reading.provenance));
}

function hoverOf(document: vscode.TextDocument, { start, end }: Span, markdown: string): vscode.Hover {
  const content = new vscode.MarkdownString(markdown);
  content.supportHtml = true; // for colours
  // What clicks on an alternative and the sign beside it run, nothing else.
  content.isTrusted = { enabledCommands: ['tokenLens.showAlternatives', 'tokenLens.continueFromHere'] satisfies readonly CommandId[] };
  return new vscode.Hover(content, new vscode.Range(document.positionAt(start), document.positionAt(end)));
}

interface CellLook {
  readonly topCount: number;
  readonly edges: BandEdges;
  readonly palette: Palette;
  /** A click on an alternative opens the list at it. */
  readonly linked: boolean;
}

/** Of each token of a cell, as Markdown. */
function cellFacts(
  document: vscode.TextDocument,
  source: RowSource,
  cell: ReturnType<typeof cellOf>,
  { topCount, edges, palette, linked }: CellLook,
): string {
  const rows = Array.from({ length: cell.endToken - cell.firstToken }, (_, index) => cell.firstToken + index);
  const shares =
    rows.length > 1 ? `${vscode.l10n.t('These {0} tokens share one character; their bits are added.', rows.length.toString())}\n\n` : '';
  // Only the first token's alternatives take the place of a character of several tokens.
  const linksOf = (row: number) => (id: number) =>
    linked && row === cell.firstToken && source.vocabulary.textOf(id) !== undefined
      ? {
          list: alternativeLink('tokenLens.showAlternatives', document, cell.start, id),
          onward: alternativeLink('tokenLens.continueFromHere', document, cell.start, id),
        }
      : undefined;
  const tokens = rows.map(row => hoverToken(source, row, topCount, edges, linksOf(row)));
  return shares + hoverMarkdown(tokens, colourId(palette, 'band5Underline'));
}

/** What was read before the document: the numbers are of a text after it. */
function preambleLine({ preamble }: Provenance): string {
  return preamble ? `\n\n*${escapedText(preambleInWords(preamble))}*` : '';
}

/** Where whole sentences are coloured, the hover of a token begins with the sentence; not with one of which an edit has made scores old. */
function unitLine(unit: Unit | undefined): string {
  if (!unit?.peak || unit.stale) return '';
  const mean = formatDecimal(unit.bits / unit.bytes, 2);
  return `${vscode.l10n.t('Here: {0} bits per byte on average, {1} bits at its peak.', mean, formatBits(unit.peak.bits))}\n\n`;
}

/** How probable each watched word was as what begins at this row; nothing where none is watched, or nothing has a score. */
function watchedLine({ table, watched }: DocumentView, row: number): string {
  const said = watched.flatMap(({ word, whole }, index) => {
    const probability = Math.exp(table.watchLogMasses[row * table.watchCount + index] ?? NaN);
    if (Number.isNaN(probability)) return [];
    const [escaped, percent] = [escapedPieces([{ text: word, glyph: false }]), `${formatPercent(probability)}%`];
    return [whole ? `${escaped} ${percent}` : vscode.l10n.t('{0} {1} (its first piece)', escaped, percent)];
  });
  return said.length === 0 ? '' : `${vscode.l10n.t('Watched, as what could have come here: {0}.', said.join(', '))}\n\n`;
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
