import * as vscode from 'vscode';
import { shortLengths } from '../core/contextNeeds';
import type { ReadingKind, ReadingStep } from '../core/contextNeeds';
import { formatCount } from '../core/numberText';
import type { Span } from '../core/scores';
import { expectedSeconds, isLong } from '../core/speed';
import type { Cost } from '../core/speed';
import { ModelError } from '../model/errors';
import { showWarningMessage } from '../notices';
import type { ReadingPlan, Readings } from '../readings';
import type { ScoredDocuments } from '../scoredDocuments';
import { activeEditor, selectionOf } from './places';
import { withProgress } from './progress';
import type { ReportProgress } from './progress';
import { readingTitle } from './readingInWords';
import { errorInWords } from './stateInWords';

export interface ContextColourParts {
  readonly readings: Readings;
  readonly scored: Pick<ScoredDocuments, 'isOn' | 'setOn'>;
}

/** Colours the selection, or all of the active document, by how much context each token needs; or ends that. */
export async function showContextNeeds(parts: ContextColourParts): Promise<void> {
  const place = placeHere();
  if (!place) return;
  if (parts.readings.of(place.document)?.reading.kind.of === 'needs') parts.readings.leave(place.document);
  else await show(parts, place, { of: 'needs' });
}

/** Asks from how many tokens each one is to be read, and colours the selection or all of the active document as read so; or ends that. */
export async function readWithShortContext(parts: ContextColourParts): Promise<void> {
  const place = placeHere();
  if (!place) return;
  const shown = parts.readings.of(place.document)?.reading.kind;
  const now = shown?.of === 'short' ? shown.contextTokens : undefined;
  const lengths = shortLengths.map(length => ({
    label: length === 1 ? vscode.l10n.t('Last token') : vscode.l10n.t('Last {0} tokens', length.toString()),
    description: length === now ? vscode.l10n.t('shown now') : '',
    length,
  }));
  const leave = { label: vscode.l10n.t('All of the context: the usual colours'), length: undefined };
  const chosen = await vscode.window.showQuickPick<vscode.QuickPickItem & { readonly length: number | undefined }>(
    now === undefined ? lengths : [leave, ...lengths],
    {
      title: vscode.l10n.t('Read each token from'),
      placeHolder: vscode.l10n.t('The same model on short windows, which is not an n-gram: it was trained on long ones.'),
    },
  );
  if (!chosen) return;
  if (chosen.length === undefined) parts.readings.leave(place.document);
  else await show(parts, place, { of: 'short', contextTokens: chosen.length });
}

interface Place {
  readonly document: vscode.TextDocument;
  readonly span: Span;
}

/** The selection, or all of the document where nothing is selected. */
function placeHere(): Place | undefined {
  const editor = activeEditor();
  if (!editor) return undefined;
  const { document, selection } = editor;
  return { document, span: selection.isEmpty ? { start: 0, end: document.getText().length } : selectionOf(editor) };
}

async function show({ readings, scored }: ContextColourParts, { document, span }: Place, kind: ReadingKind): Promise<void> {
  if (!scored.isOn(document)) scored.setOn(document, true); // these are colours of the lens
  const plan = await shownProgress(vscode.l10n.t('Token Lens: measuring how long that takes'), signal =>
    readings.plan(document, kind, span, signal),
  );
  if (!plan) return;
  const steps = await affordable(readings, plan);
  if (!steps) return;
  const total = steps.reduce((sum, { first, end }) => sum + end - first, 0);
  await shownProgress(vscode.l10n.t('Token Lens: {0}', readingTitle(kind)), (signal, report) => {
    let rows = 0;
    return readings.read(plan, steps, signal, more => {
      rows += more;
      report({
        increment: (100 * more) / total,
        message: vscode.l10n.t('{0} of {1} tokens', formatCount(rows), formatCount(total)),
      });
    });
  });
}

/** The steps that somebody wants to wait for; undefined where it is none. */
async function affordable(readings: Pick<Readings, 'tokensOf'>, plan: ReadingPlan): Promise<readonly ReadingStep[] | undefined> {
  const { steps } = plan;
  const costOf = (wanted: readonly ReadingStep[]) => plan.speed.cost(readings.tokensOf(plan.shown, wanted));
  if (!isLong(costOf(steps))) return steps;
  const visible = steps.filter(step => step.visible);
  const items = [
    { label: vscode.l10n.t('Read it all'), description: costInWords(costOf(steps)), steps },
    ...(visible.length > 0 && visible.length < steps.length
      ? [{ label: vscode.l10n.t('Read only what is on the screen'), description: costInWords(costOf(visible)), steps: visible }]
      : []),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('This takes a while'),
    placeHolder: vscode.l10n.t('What shows comes first, and it can be stopped. A selection takes less.'),
  });
  return chosen?.steps;
}

function costInWords(cost: Cost): string {
  const seconds = expectedSeconds(cost);
  const time =
    seconds < 90
      ? vscode.l10n.t('{0} seconds', formatCount(Math.max(1, Math.round(seconds))))
      : vscode.l10n.t('{0} minutes', formatCount(Math.round(seconds / 60)));
  return vscode.l10n.t('about {0}: {1} tokens for the model', time, formatCount(roundedTokens(cost.tokens)));
}

/** Two digits: more would pretend. */
function roundedTokens(tokens: number): number {
  const scale = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, tokens))) - 1);
  return Math.round(tokens / scale) * scale;
}

/** Undefined where it was cancelled, or failed, which the user is told. */
async function shownProgress<T>(title: string, work: (signal: AbortSignal, report: ReportProgress) => Promise<T>): Promise<T | undefined> {
  try {
    return await withProgress(title, work);
  } catch (error) {
    if (ModelError.from(error).code === 'cancelled') return undefined; // by an edit, or by leaving
    const why = errorInWords(error, 'toggle');
    void showWarningMessage(vscode.l10n.t('Token Lens: this text could not be read so. {0}', why));
    return undefined;
  }
}
