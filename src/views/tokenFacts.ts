import * as vscode from 'vscode';
import type { BandEdges } from '../core/band';
import { bandOf } from '../core/band';
import { distributionOfRow } from '../core/distribution';
import type { Distribution } from '../core/distribution';
import { escapedText } from '../core/hoverText';
import type { HoverRow, HoverToken } from '../core/hoverText';
import { formatBits, formatChoices, formatCount, formatPercent } from '../core/numberText';
import { rowState } from '../core/scores';
import type { DocumentView } from '../documentView';

/** Where rows come from: a document, or a passage of its own. */
export type RowSource = Pick<DocumentView, 'table' | 'vocabulary' | 'modelName'>;

/** Addresses of what clicks run: on an alternative, and on the sign beside it. */
export interface TokenLinks {
  readonly list: string;
  readonly onward: string;
}

/** One row of the table in words. `linksOf`: undefined for tokens that cannot be put into the text. */
export function hoverToken(
  view: RowSource,
  row: number,
  topCount: number,
  edges: BandEdges,
  linksOf: (id: number) => TokenLinks | undefined,
): HoverToken {
  const { table, vocabulary } = view;
  const token = vocabulary.piecesOf(table.ids[row] ?? -1);
  const distribution = distributionOfRow(table, row, topCount);
  if (!distribution?.actual) return { token, lines: [whyUnscored(view, row)], table: undefined };
  const { actual } = distribution;
  const [probability, rank] = [`${formatPercent(actual.probability)}%`, formatCount(actual.rank)];
  const sentences = [
    surpriseSentence(bandOf(actual.surprisalBits, edges) ?? 0, view.modelName),
    contextSentence(table.contextTokens[row] ?? 0),
    vscode.l10n.t('Probability {0}, rank {1}.', probability, rank),
    entropySentence(table.entropyBits[row] ?? NaN),
  ];
  return {
    token,
    lines: [vscode.l10n.t('{0} bits', formatBits(actual.surprisalBits)), sentences.join(' ')],
    table: {
      headings: [vscode.l10n.t('Rank'), vscode.l10n.t('Token'), vscode.l10n.t('Probability')],
      rows: rowsOf(view, distribution, linksOf),
      everythingElse: { label: vscode.l10n.t('everything else'), probability: distribution.everythingElse },
      actualMark: vscode.l10n.t('in the text'),
    },
  };
}

/** The alternatives with the token of the document at its place among them, last when it is not of the top. */
function rowsOf(
  { vocabulary }: RowSource,
  { rows, actual }: Distribution,
  linksOf: (id: number) => TokenLinks | undefined,
): readonly HoverRow[] {
  const onward = (id: number) => {
    const address = linksOf(id)?.onward;
    return address === undefined ? undefined : { address, title: vscode.l10n.t('Continue from here with this token') };
  };
  const others = rows.map(({ id, rank, probability }) => {
    return { rank, token: vocabulary.piecesOf(id), probability, actual: false, link: linksOf(id)?.list, onward: onward(id) };
  });
  if (!actual) return others;
  const { id, rank, probability } = actual;
  const own = { rank, token: vocabulary.piecesOf(id), probability, actual: true, link: undefined, onward: onward(id) };
  return others.toSpliced(actual.position, 0, own);
}

function surpriseSentence(band: number, modelName: string): string {
  const model = escapedText(modelName);
  if (band === 0) return vscode.l10n.t('Not surprising to {0}.', model);
  if (band === 1) return vscode.l10n.t('A little surprising to {0}.', model);
  if (band <= 3) return vscode.l10n.t('Surprising to {0}.', model);
  return band === 4 ? vscode.l10n.t('Very surprising to {0}.', model) : vscode.l10n.t('Extremely surprising to {0}.', model);
}

function contextSentence(contextTokens: number): string {
  if (contextTokens === 0) return vscode.l10n.t('It had read nothing of the text before it.');
  if (contextTokens === 1) return vscode.l10n.t('It had read 1 token of the text before it.');
  return vscode.l10n.t('It had read {0} tokens of the text before it.', formatCount(contextTokens));
}

function entropySentence(entropyBits: number): string {
  return entropyBits < 0.07
    ? vscode.l10n.t('Entropy {0} bits: it was almost certain.', formatBits(entropyBits))
    : vscode.l10n.t('Entropy {0} bits: like choosing among {1} equal tokens.', formatBits(entropyBits), formatChoices(entropyBits));
}

function whyUnscored({ table }: RowSource, row: number): string {
  return table.states[row] === rowState.unscored
    ? vscode.l10n.t('No score: nothing stands before it, and the model was given no start token to begin with.')
    : vscode.l10n.t('No score yet.');
}
