import * as vscode from 'vscode';
import type { CommandId } from '../core/contributions';
import type { LensState } from '../documentView';
import type { ScoredDocuments } from '../scoredDocuments';
import { stateInWords } from './stateInWords';

interface MenuItem extends vscode.QuickPickItem {
  readonly run?: () => Thenable<unknown>;
}

/** What a click on the status bar offers. */
export async function showMenu(scored: Pick<ScoredDocuments, 'isOn' | 'state'>): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const state = document && scored.state(document);
  const isOn = document !== undefined && scored.isOn(document);
  const command = (id: CommandId) => () => vscode.commands.executeCommand(id);
  const toggle: MenuItem = isOn
    ? { label: `$(eye-closed) ${vscode.l10n.t('Turn off for this document')}`, run: command('tokenLens.toggle') }
    : { label: `$(eye) ${vscode.l10n.t('Turn on for this document')}`, run: command('tokenLens.toggle') };
  const items: readonly MenuItem[] = [
    ...(document ? [toggle] : []),
    ...(state?.kind === 'edited' ? [{ label: `$(refresh) ${vscode.l10n.t('Rescore now')}`, run: command('tokenLens.rescore') }] : []),
    { label: `$(graph) ${vscode.l10n.t('Show what the model expects next')}`, run: command('tokenLens.showPanel') },
    ...(document ? [{ label: `$(note) ${vscode.l10n.t('Show the report of this document')}`, run: command('tokenLens.showReport') }] : []),
    ...(document
      ? [{ label: `$(diff) ${vscode.l10n.t('Measure the change of this document')}`, run: command('tokenLens.measureChange') }]
      : []),
    ...(document
      ? [
          {
            label: `$(telescope) ${vscode.l10n.t('Ask what in the context made the token at the cursor')}`,
            run: command('tokenLens.explainPrediction'),
          },
          {
            label: `$(diff-removed) ${vscode.l10n.t('Leave a piece out: what would change after it?')}`,
            run: command('tokenLens.ablateSelection'),
          },
          { label: `$(arrow-right) ${vscode.l10n.t('Which later tokens does this one help?')}`, run: command('tokenLens.showEffects') },
          { label: `$(history) ${vscode.l10n.t('Read this document after something else…')}`, run: command('tokenLens.setPreamble') },
        ]
      : []),
    ...(isOn
      ? [
          { label: `$(list-ordered) ${vscode.l10n.t('Show alternatives at the cursor')}`, run: command('tokenLens.showAlternatives') },
          { label: `$(symbol-color) ${vscode.l10n.t('Select a preset: code, prose or teaching')}`, run: command('tokenLens.selectPreset') },
          { label: `$(list-tree) ${vscode.l10n.t('Select a scale: token, word, sentence…')}`, run: command('tokenLens.selectScale') },
          {
            label: `$(symbol-numeric) ${vscode.l10n.t('Select what colours show: surprisal, rank…')}`,
            run: command('tokenLens.selectMetric'),
          },
          {
            label: `$(arrow-left) ${vscode.l10n.t('Colour by how much context each token needs')}`,
            run: command('tokenLens.showContextNeeds'),
          },
          {
            label: `$(eye-watch) ${vscode.l10n.t('Colour as read from the last few tokens…')}`,
            run: command('tokenLens.readWithShortContext'),
          },
          {
            label: `$(search) ${vscode.l10n.t('Watch words: how probable they were at every place')}`,
            run: command('tokenLens.watchWords'),
          },
          {
            label: `$(quote) ${vscode.l10n.t('Show or hide predictable stretches')}`,
            run: command('tokenLens.toggleStretches'),
          },
          { label: `$(filter) ${vscode.l10n.t('Choose what to leave out: comments, strings…')}`, run: command('tokenLens.selectLeftOut') },
          { label: `$(paintcan) ${vscode.l10n.t('Select a palette')}`, run: command('tokenLens.selectPalette') },
        ]
      : []),
    ...(document ? [{ label: `$(export) ${vscode.l10n.t('Export the scores')}`, run: command('tokenLens.export') }] : []),
    { label: `$(mortar-board) ${vscode.l10n.t('Take a tour: how a language model reads')}`, run: command('tokenLens.showTour') },
    { label: `$(beaker) ${vscode.l10n.t('Open a worked example: a name, a rhyme, a sum…')}`, run: command('tokenLens.showExample') },
    { label: `$(game) ${vscode.l10n.t('Play the guessing game against the model')}`, run: command('tokenLens.playGuessingGame') },
    { label: `$(package) ${vscode.l10n.t('Select the model')}`, run: command('tokenLens.selectModel') },
    {
      label: `$(gear) ${vscode.l10n.t('Open settings')}`,
      run: () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:token-lens.token-lens'),
    },
    { label: `$(output) ${vscode.l10n.t('Show log')}`, run: command('tokenLens.showLog') },
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Token Lens',
    placeHolder: placeHolderOf(state),
  });
  await chosen?.run?.();
}

function placeHolderOf(state: LensState | undefined): string {
  if (!state) return vscode.l10n.t('No document is open.');
  if (state.kind === 'edited') return vscode.l10n.t('The document was edited after it was scored.');
  const { headline, text } = stateInWords(state);
  return state.kind === 'ready' ? vscode.l10n.t('The lens is on for this document.') : vscode.l10n.t('{0}. {1}', headline, text);
}
