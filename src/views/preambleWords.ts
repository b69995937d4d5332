import * as l10n from '@vscode/l10n';
import type * as vscode from 'vscode';
import { provenanceText } from '../core/legend';
import { formatCount } from '../core/numberText';
import type { PreambleNote, Provenance } from '../core/scores';
import type { ScoredDocuments } from '../scoredDocuments';

/** "read after notes.md, 120 tokens"; "read as the answer to typed words, 40 tokens": plain text, with a name of a file in it. */
export function preambleInWords({ kind, name, tokens }: PreambleNote): string {
  const what = name ?? l10n.t('typed words');
  const count = tokens === 1 ? l10n.t('1 token') : l10n.t('{0} tokens', formatCount(tokens));
  return kind === 'chat' ? l10n.t('read as the answer to {0}, {1}', what, count) : l10n.t('read after {0}, {1}', what, count);
}

/** Stands behind numbers that are of a text after something else: " (read after notes.md, 120 tokens)"; else ''. */
export function afterPreamble({ preamble }: Provenance): string {
  return preamble ? ` (${preambleInWords(preamble)})` : '';
}

/** The settings that made the numbers, for the last line of a view. */
export function provenanceInWords(provenance: Provenance): string {
  return provenanceText(provenance, preambleInWords);
}

/** For the title of a view of a document's scores: what was read before it; '' where that is nothing, or there are no scores. */
export function preambleOf(scored: Pick<ScoredDocuments, 'view'>, document: vscode.TextDocument | undefined): string {
  const preamble = document && scored.view(document)?.provenance.preamble;
  return preamble ? preambleInWords(preamble) : '';
}
