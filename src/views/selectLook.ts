import * as vscode from 'vscode';
import { presetNames, presetOf } from '../core/band';
import { palettes } from '../core/look';
import type { LookChoices } from '../core/look';
import { metrics, scales } from '../core/metric';
import type { Looks } from '../looks';
import { metricInWords, paletteInWords, presetInWords, scaleInWords } from './lookInWords';
import { activeEditor } from './places';

interface Choice extends vscode.QuickPickItem {
  readonly choices: LookChoices;
}

interface Question {
  readonly title: string;
  readonly items: readonly Choice[];
  readonly current: Choice | undefined;
}

/** What colours show. */
export async function selectMetric(looks: Looks): Promise<void> {
  await ask(looks, document => {
    const { metric: current, watchWord } = looks.of(document);
    const items: readonly Choice[] = metrics.map(metric => {
      const { label, text } = metricInWords(metric);
      const perToken = metric === 'surprisal' ? {} : { detail: vscode.l10n.t('Always token by token') };
      return { label, description: text, ...perToken, choices: { metric } };
    });
    const ofWords = looks.watchWords.map((word): Choice => {
      const label = vscode.l10n.t('Probability of “{0}”', word.replaceAll('$(', '\\$(')); // in a list that would be an icon
      const choices = { metric: 'watched' as const, watchWord: word };
      return { label, description: metricInWords('watched').text, detail: vscode.l10n.t('Always token by token'), choices };
    });
    const all = [...items, ...ofWords];
    const isCurrent = ({ choices }: Choice) => choices.metric === current && choices.watchWord === watchWord;
    return { title: vscode.l10n.t('What colours show'), items: all, current: all.find(isCurrent) };
  });
}

/** Which pieces of text colours are about. */
export async function selectScale(looks: Looks): Promise<void> {
  await ask(looks, document => {
    const { metric, scale: current } = looks.of(document);
    const auto: Choice = { label: vscode.l10n.t('As the preset says'), choices: { scale: undefined } };
    const named = scales.map((scale): Choice => {
      const { label, text } = scaleInWords(scale);
      const needsSurprisal = metric !== 'surprisal' && scale !== 'token';
      const item = { label, description: text, choices: needsSurprisal ? { scale, metric: 'surprisal' as const } : { scale } };
      return needsSurprisal ? { ...item, detail: vscode.l10n.t('Only surprisal has scales: colours show surprisal again') } : item;
    });
    return {
      title: vscode.l10n.t('Which pieces of text are coloured'),
      items: looks.isRelative(document) ? named : [auto, ...named],
      current: !looks.isRelative(document) && looks.choices(document).scale === undefined ? auto : named[scales.indexOf(current)],
    };
  });
}

/** Everything at once; a scale that was chosen before goes with the preset it was chosen in. */
export async function selectPreset(looks: Looks): Promise<void> {
  await ask(looks, document => {
    const auto: Choice = {
      label: vscode.l10n.t('As the settings say'),
      description: vscode.l10n.t('by language: prose for text, code for the rest'),
      choices: { preset: undefined, scale: undefined, metric: undefined },
    };
    const named = presetNames.map(preset => {
      const { label, text } = presetInWords(preset);
      return { label, description: text, choices: { preset, scale: undefined, metric: undefined } };
    });
    const { preset } = looks.choices(document);
    return {
      title: vscode.l10n.t('Preset'),
      items: [auto, ...named],
      current: preset === undefined ? auto : named[presetNames.indexOf(preset)],
    };
  });
}

export async function selectPalette(looks: Looks): Promise<void> {
  await ask(looks, document => {
    const { palette: current } = looks.of(document);
    const items = palettes.map(palette => {
      const { label, text } = paletteInWords(palette);
      return { label, description: text, choices: { palette } };
    });
    return { title: vscode.l10n.t('Palette'), items, current: items[palettes.indexOf(current)] };
  });
}

/** The active editor shows what a choice would do while the list is moved through; Escape leaves everything as it was. */
async function ask(looks: Looks, questionOf: (document: vscode.TextDocument) => Question): Promise<void> {
  const document = activeEditor()?.document;
  if (!document) return;
  const { title, items, current } = questionOf(document);
  const pick = vscode.window.createQuickPick<Choice>();
  try {
    pick.title = title;
    pick.placeholder =
      presetOf(document.languageId) === 'prose'
        ? vscode.l10n.t('For all prose in this workspace')
        : vscode.l10n.t('For all code in this workspace');
    pick.matchOnDescription = true;
    pick.items = items.map(item => (item === current ? { ...item, label: `$(check) ${item.label}` } : item));
    const active = pick.items[current ? items.indexOf(current) : 0];
    if (active) pick.activeItems = [active];
    // What is in force needs no preview.
    pick.onDidChangeActive(([item]) => looks.preview(document, item === active ? undefined : item?.choices));
    const chosen = await new Promise<Choice | undefined>(resolve => {
      pick.onDidAccept(() => resolve(pick.activeItems[0]));
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
    if (chosen) looks.choose(document, chosen.choices);
    else looks.preview(document, undefined);
  } finally {
    pick.dispose();
  }
}
