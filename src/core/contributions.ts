/** What package.json declares, as constants: a test holds the two together. */
import { bandCount, defaultBandEdges, presetNames } from './band';
import type { BandEdges } from './band';
import type { Device } from './scores';

/** Commands for people. */
export const publicCommands = [
  'tokenLens.toggle',
  'tokenLens.rescore',
  'tokenLens.showPanel',
  'tokenLens.showAlternatives',
  'tokenLens.selectLeftOut',
  'tokenLens.showReport',
  'tokenLens.measureSelection',
  'tokenLens.measureChange',
  'tokenLens.compare',
  'tokenLens.openSample',
  'tokenLens.showExample',
  'tokenLens.selectPreset',
  'tokenLens.selectMetric',
  'tokenLens.selectScale',
  'tokenLens.selectPalette',
  'tokenLens.export',
  'tokenLens.copyAsMarkdown',
  'tokenLens.watchWords',
  'tokenLens.showLog',
  'tokenLens.nextSurprise',
  'tokenLens.previousSurprise',
  'tokenLens.toggleStretches',
  'tokenLens.nextStretch',
  'tokenLens.previousStretch',
  'tokenLens.readHere',
  'tokenLens.playGuessingGame',
  'tokenLens.showTour',
  'tokenLens.openReport',
  'tokenLens.goToReportedPlace',
  'tokenLens.suggest',
  'tokenLens.inspectLastInsertion',
  'tokenLens.inspectClipboardHere',
  'tokenLens.inspectSuggestion',
  'tokenLens.continueFromHere',
  'tokenLens.selectModel',
  'tokenLens.setHubToken',
  'tokenLens.forgetHubToken',
  'tokenLens.explainPrediction',
  'tokenLens.ablateSelection',
  'tokenLens.showEffects',
  'tokenLens.setPreamble',
  'tokenLens.comparePreamble',
  'tokenLens.removePreamble',
  'tokenLens.showContextNeeds',
  'tokenLens.readWithShortContext',
] as const;
/** Commands that a button or a list needs and the palette does not show. */
export const internalCommands = [
  'tokenLens.turnOn',
  'tokenLens.turnOff',
  'tokenLens.showMenu',
  'tokenLens.chooseModelFolder',
  'tokenLens.goToPlace',
  'tokenLens.leaveInspection',
  'tokenLens.cancelSuggestion',
] as const;
export type CommandId = (typeof publicCommands)[number] | (typeof internalCommands)[number];

/** Keys for `when` clauses. */
export const contextKeys = {
  /** The lens is on for the active editor's document. */
  on: 'tokenLens.on',
  /** Paths of visible documents whose lens is on: the title of every editor group asks for its own document. */
  onPaths: 'tokenLens.onPaths',
  /** Schemes of documents that are never scored. */
  skippedSchemes: 'tokenLens.skippedSchemes',
  /** What colours show in the active editor, a `Metric`, and of which pieces of text, one of `scales`; undefined while its lens is off. */
  metric: 'tokenLens.metric',
  scale: 'tokenLens.scale',
  /** What was inserted last is shown, or about to be. */
  inspecting: 'tokenLens.inspecting',
  /** The editor shows what something changes of the text after it. */
  comparing: 'tokenLens.comparing',
  /** The panel shows what a text would be that is not in the document. */
  previewing: 'tokenLens.previewing',
  /** What in the context made a prediction is painted in the editor. */
  explaining: 'tokenLens.explaining',
  /** The active editor shows how much context its tokens need, or what a short one makes of them. */
  reading: 'tokenLens.reading',
  /** The model writes ghost text that was asked for, or it is shown. */
  suggesting: 'tokenLens.suggesting',
} as const;

/** Documents of our own making: never scored, whatever the settings say. */
export const reportScheme = 'token-lens-report';
/** What a document would be with another continuation. */
export const branchScheme = 'token-lens-branch';
/** Copies of passages for the lesson: scored whatever the settings say, since they were asked about the document that a passage is from. */
export const lessonScheme = 'token-lens-lesson';

export const presets = ['auto', ...presetNames] as const;
export const hoverModes = ['all', 'coloured', 'off'] as const;
export type HoverMode = (typeof hoverModes)[number];
export const scoreOnModes = ['typing', 'save', 'command'] as const;
export type ScoreOn = (typeof scoreOnModes)[number];

export const inspectModes = ['off', 'auto'] as const;

export const devices = ['cpu', 'webgpu'] as const satisfies readonly Device[];

export const announceModes = ['auto', 'on', 'off'] as const;

export interface NumberSetting {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** Settings that are numbers with decimals, by name without `tokenLens.`. */
export const fractionSettings = {
  /** Bits of a word below which it is predictable. */
  stretchBits: { default: 1, minimum: 0.01, maximum: 16 },
  /** Ghost text ends before a token that is less probable. */
  suggestLeastProbability: { default: 0.4, minimum: 0.01, maximum: 1 },
} as const satisfies Readonly<Record<string, NumberSetting>>;

/** Settings that are whole numbers, by name without `tokenLens.`. */
export const numberSettings = {
  /** Tokens listed at each place. */
  alternatives: { default: 10, minimum: 1, maximum: 50 },
  contextTokens: { default: 1024, minimum: 16, maximum: 8192 },
  overlapTokens: { default: 256, minimum: 0, maximum: 4096 },
  /** 0: half of the cores. */
  threads: { default: 0, minimum: 0, maximum: 64 },
  /** 0: the model stays in memory. */
  idleMinutes: { default: 10, minimum: 0, maximum: 1440 },
  /** 0: a window without the focus goes on. */
  pauseAfterSeconds: { default: 30, minimum: 0, maximum: 3600 },
  /** 0: as with the focus. */
  unloadAfterSeconds: { default: 120, minimum: 0, maximum: 86_400 },
  /** Kept by the model process, so that edits and cursor moves need not read everything again. */
  snapshotMegabytes: { default: 128, minimum: 0, maximum: 2048 },
  largestDocumentBytes: { default: 2_000_000, minimum: 1_000, maximum: 50_000_000 },
  /** Words of a predictable stretch. */
  stretchWords: { default: 4, minimum: 2, maximum: 100 },
} as const satisfies Readonly<Record<string, NumberSetting>>;

/** The other settings' defaults, by name without `tokenLens.`. */
export const otherDefaults = {
  bandEdgesCode: defaultBandEdges.code,
  bandEdgesProse: defaultBandEdges.prose,
  preset: 'auto',
  palette: 'violet',
  style: 'tint',
  muteConfident: 'auto',
  wordCorrection: false,
  startToken: true,
  modelFolder: '',
  device: 'cpu',
  hubHost: 'https://huggingface.co',
  skipLanguages: [],
  skipFolders: ['**/node_modules/**', '**/.git/**'],
  // What is not a text of the user's own: generated views, old versions, input boxes.
  skipSchemes: [
    'git',
    'gitlens',
    'output',
    'debug',
    'comment',
    'search-editor',
    'vscode',
    'vscode-scm',
    'vscode-settings',
    'vscode-userdata',
    'vscode-notebook-cell',
    'vscode-interactive-input',
    'vscode-terminal',
    'walkThrough',
    'walkThroughSnippet',
    'extension',
    'chat-editing-text-model',
  ],
  autoStart: [],
  hover: 'coloured',
  leaveOut: [],
  announce: 'auto',
  inspectInsertions: 'off',
  scoreOn: 'typing',
} as const satisfies Readonly<Record<string, unknown>>;

/** A whole number inside its limits, whatever the user wrote. */
export function clampedNumber(value: unknown, setting: NumberSetting): number {
  return Math.round(clampedFraction(value, setting));
}

/** A number inside its limits, whatever the user wrote. */
export function clampedFraction(value: unknown, setting: NumberSetting): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return setting.default;
  return Math.min(setting.maximum, Math.max(setting.minimum, value));
}

/** Five finite numbers, positive and ascending, or the defaults: half a scale would colour wrongly. */
export function validBandEdges(value: unknown, otherwise: BandEdges): BandEdges {
  if (!Array.isArray(value) || value.length !== bandCount) return otherwise;
  const edges = value.filter((edge): edge is number => typeof edge === 'number' && Number.isFinite(edge) && edge > 0);
  const [first, second, third, fourth, fifth] = edges;
  if (first === undefined || second === undefined || third === undefined || fourth === undefined || fifth === undefined) return otherwise;
  const ascending = edges.every((edge, index) => edge > (edges[index - 1] ?? 0));
  return ascending ? [first, second, third, fourth, fifth] : otherwise;
}

export function oneOf<T extends string>(value: unknown, choices: readonly T[], otherwise: T): T {
  return choices.find(choice => choice === value) ?? otherwise;
}

export function stringsOf(value: unknown, otherwise: readonly string[]): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : otherwise;
}
