import * as vscode from 'vscode';
import { cellAt, noCells } from '../core/cells';
import { distributionOfRow } from '../core/distribution';
import { bar, plainPieces } from '../core/hoverText';
import { formatBits, formatCount, formatPercent, fullBar } from '../core/numberText';
import type { Config } from '../config';
import type { DocumentView } from '../documentView';
import type { ScoredDocuments } from '../scoredDocuments';

interface AlternativeItem extends vscode.QuickPickItem {
  /** What choosing it puts into the document, or why it cannot be chosen. */
  readonly choice:
    { readonly kind: 'text'; readonly text: string } | { readonly kind: 'keep' } | { readonly kind: 'none'; readonly reason: string };
}

/** The hover's content as a list for the keyboard: choosing an entry puts it in the token's place. */
export async function showAlternatives(scored: Pick<ScoredDocuments, 'isOn' | 'view'>, config: Config): Promise<void> {
  const message = await replaceToken(scored, config);
  // Waiting for the message to be closed would keep the command running.
  if (message !== undefined) void vscode.window.showInformationMessage(message);
}

/** Returns why nothing was replaced, where the user has to be told. */
async function replaceToken(scored: Pick<ScoredDocuments, 'isOn' | 'view'>, config: Config): Promise<string | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return vscode.l10n.t('Open a document first.');
  const { document } = editor;
  if (!scored.isOn(document)) return vscode.l10n.t('Turn the lens on for this document first.');
  const view = scored.view(document);
  const offset = document.offsetAt(editor.selection.active);
  const cells = view?.cellsIn({ start: offset - 1, end: offset + 1 }) ?? noCells;
  const index = cellAt(cells, offset) ?? cellAt(cells, offset - 1); // at the end of the text: the last one
  if (!view || index === undefined) return vscode.l10n.t('The token at the cursor has no score yet.');

  const { version } = document;
  const firstToken = cells.firstTokens[index] ?? 0;
  const tokens = (cells.endTokens[index] ?? 0) - firstToken;
  const start = cells.starts[index] ?? 0;
  const end = cells.ends[index] ?? 0;
  const items = itemsOf(view, firstToken, config.topCount, tokens > 1);
  if (!items) return vscode.l10n.t('The token at the cursor has no score: nothing stands before it.');

  const chosen = await vscode.window.showQuickPick(items, {
    title: titleOf(view, firstToken),
    placeHolder:
      tokens > 1
        ? vscode.l10n.t(
            'This character is {0} tokens. These are the alternatives of the first; choosing one replaces the whole character.',
            tokens.toString(),
          )
        : vscode.l10n.t('What {0} expected here. Choosing an entry replaces the token.', view.modelName),
    matchOnDescription: false,
  });
  if (!chosen || chosen.choice.kind === 'keep') return undefined;
  if (chosen.choice.kind === 'none') return chosen.choice.reason;
  if (document.isClosed || document.version !== version) return changedMessage();
  const text = chosen.choice.text.replaceAll(/\r\n?|\n/g, document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n');
  const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
  if (!(await editor.edit(builder => builder.replace(range, text)))) return changedMessage();
  return undefined;
}

/** Undefined where the row has no score. `shared`: the token is only a part of its character, so it cannot be kept by choosing it. */
function itemsOf(view: DocumentView, row: number, topCount: number, shared: boolean): readonly AlternativeItem[] | undefined {
  const distribution = distributionOfRow(view.table, row, topCount);
  if (!distribution?.actual) return undefined;
  const { rows, actual, everythingElse } = distribution;
  const full = fullBar(Math.max(everythingElse, actual.probability, ...rows.map(other => other.probability)));
  const item = (id: number, rank: number, probability: number, inText: boolean): AlternativeItem => {
    const text = view.vocabulary.textOf(id);
    const marks = [
      ...(inText ? [vscode.l10n.t('in the text')] : []),
      ...(text === undefined ? [vscode.l10n.t('not whole characters')] : []),
    ];
    return {
      label: safeLabel(`${formatCount(rank)}.  ${plainPieces(view.vocabulary.piecesOf(id))}`),
      description: [`${formatPercent(probability)}%`, bar(probability / full), ...marks].join('  '),
      choice:
        inText && !shared ? { kind: 'keep' } : text === undefined ? { kind: 'none', reason: notTextReason() } : { kind: 'text', text },
    };
  };
  const items = rows.map(({ id, rank, probability }) => item(id, rank, probability, false));
  const rest: AlternativeItem = {
    label: vscode.l10n.t('everything else'),
    description: [`${formatPercent(everythingElse)}%`, bar(everythingElse / full, '░')].join('  '),
    choice: { kind: 'none', reason: vscode.l10n.t('This stands for the rest of the vocabulary and cannot be put into the text.') },
  };
  return [...items.toSpliced(actual.position, 0, item(actual.id, actual.rank, actual.probability, true)), rest];
}

function titleOf({ table, vocabulary }: DocumentView, row: number): string {
  const token = plainPieces(vocabulary.piecesOf(table.ids[row] ?? -1));
  const bits = formatBits(table.surprisalBits[row] ?? NaN);
  return vscode.l10n.t(
    '{0}: {1} bits, rank {2}, entropy {3} bits',
    token,
    bits,
    formatCount(table.ranks[row] ?? 0),
    formatBits(table.entropyBits[row] ?? NaN),
  );
}

/** Labels turn `$(name)` into an icon; a word joiner keeps a token's own characters. */
function safeLabel(text: string): string {
  return text.replaceAll('$(', '$\u2060(');
}

function notTextReason(): string {
  return vscode.l10n.t('This token is not made of whole characters, or is a control token: it cannot be put into the text.');
}

function changedMessage(): string {
  return vscode.l10n.t('The document has changed since the list was made, so nothing was replaced.');
}
