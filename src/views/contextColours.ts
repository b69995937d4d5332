import * as vscode from 'vscode';
import { shortLengths } from '../core/contextNeeds';
import type { ReadingKind, ReadingStep } from '../core/contextNeeds';
import { formatCount } from '../core/numberText';
import type { Span } from '../core/scores';
import { ModelError } from '../model/errors';
import type { ReadingPlan, Readings } from '../readings';
import { Refusal } from '../refusal';
import type { ScoredDocuments } from '../scoredDocuments';
import { readingTitle } from './readingInWords';
import { failureInWords, refusalInWords } from './stateInWords';

/** What takes longer is asked about first. */
const askedSeconds = 5;

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
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Open a document first.'));
    return undefined;
  }
  const { document, selection } = editor;
  return selection.isEmpty
    ? { document, span: { start: 0, end: document.getText().length } }
    : { document, span: { start: document.offsetAt(selection.start), end: document.offsetAt(selection.end) } };
}

async function show({ readings, scored }: ContextColourParts, { document, span }: Place, kind: ReadingKind): Promise<void> {
  if (!scored.isOn(document)) scored.setOn(document, true); // these are colours of the lens
  const plan = await withProgress(vscode.l10n.t('Token Lens: measuring how long that takes'), signal =>
    readings.plan(document, kind, span, signal),
  );
  if (!plan) return;
  const steps = await affordable(readings, plan);
  if (!steps) return;
  const total = steps.reduce((sum, { first, end }) => sum + end - first, 0);
  await withProgress(vscode.l10n.t('Token Lens: {0}', readingTitle(kind)), (signal, tell) => {
    let rows = 0;
    return readings.read(plan, steps, signal, more => {
      rows += more;
      tell({
        increment: (100 * more) / total,
        message: vscode.l10n.t('{0} of {1} tokens', formatCount(rows), formatCount(total)),
      });
    });
  });
}

/** The steps that somebody wants to wait for; undefined where it is none. */
async function affordable(readings: Pick<Readings, 'tokensOf'>, plan: ReadingPlan): Promise<readonly ReadingStep[] | undefined> {
  const { steps } = plan;
  const tokensFor = (wanted: readonly ReadingStep[]) => readings.tokensOf(plan.shown, wanted);
  if (secondsOf(plan, tokensFor(steps)) <= askedSeconds) return steps;
  const visible = steps.filter(step => step.visible);
  const items = [
    { label: vscode.l10n.t('Read it all'), description: costInWords(plan, tokensFor(steps)), steps },
    ...(visible.length > 0 && visible.length < steps.length
      ? [{ label: vscode.l10n.t('Read only what is on the screen'), description: costInWords(plan, tokensFor(visible)), steps: visible }]
      : []),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('This takes a while'),
    placeHolder: vscode.l10n.t('What shows comes first, and it can be stopped. A selection takes less.'),
  });
  return chosen?.steps;
}

function secondsOf({ tokensPerMs }: ReadingPlan, tokens: number): number {
  return tokens / tokensPerMs / 1000;
}

function costInWords(plan: ReadingPlan, tokens: number): string {
  const seconds = secondsOf(plan, tokens);
  const time =
    seconds < 90
      ? vscode.l10n.t('{0} seconds', formatCount(Math.max(1, Math.round(seconds))))
      : vscode.l10n.t('{0} minutes', formatCount(Math.round(seconds / 60)));
  return vscode.l10n.t('about {0}: {1} tokens for the model', time, formatCount(roundedTokens(tokens)));
}

/** Two digits: more would pretend. */
function roundedTokens(tokens: number): number {
  const scale = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, tokens))) - 1);
  return Math.round(tokens / scale) * scale;
}

/** Undefined where it was cancelled, or failed, which the user is told. */
async function withProgress<T>(
  title: string,
  work: (signal: AbortSignal, tell: (step: { readonly message?: string; readonly increment?: number }) => void) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (progress, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => {
          stop.abort();
        });
        return work(stop.signal, step => progress.report(step));
      },
    );
  } catch (error) {
    const { code } = ModelError.from(error);
    if (code === 'cancelled') return undefined; // by the user, by an edit, or by leaving
    const why = error instanceof Refusal ? refusalInWords(error.reason) : failureInWords(code, 'toggle');
    void vscode.window.showWarningMessage(vscode.l10n.t('Token Lens: this text could not be read so. {0}', why));
    return undefined;
  }
}
