import { availableParallelism } from 'node:os';
import * as vscode from 'vscode';
import {
  announceModes,
  clampedFraction,
  clampedNumber,
  devices,
  fractionSettings,
  hoverModes,
  inspectModes,
  lessonScheme,
  numberSettings,
  oneOf,
  otherDefaults,
  presets,
  branchScheme,
  reportScheme,
  scoreOnModes,
  stringsOf,
  validBandEdges,
} from './core/contributions';
import type { HoverMode, ScoreOn } from './core/contributions';
import { regionKinds } from './core/regions';
import type { RegionKind } from './core/regions';
import { muteModes, palettes, styles } from './core/look';
import type { LookSettings } from './core/look';
import type { Device } from './core/scores';
import type { StretchLimits } from './core/stretches';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { ScoringSettings } from './model/protocol';
import { hubAddress } from './models/hub';

const section = 'tokenLens';
type SettingName = keyof typeof numberSettings | keyof typeof fractionSettings | keyof typeof otherDefaults;

/** Values that are remembered: some for each document that is open. */
const mostKnown = 1_000;

/** The settings, typed and inside their limits. */
export class Config implements Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.ConfigurationChangeEvent>());
  /** Some setting of ours changed; `affects` tells which. */
  readonly onDidChange = this.#changed.event;
  /** As VS Code gave them, until any setting changes. */
  readonly #known = new Map<string, unknown>();

  constructor() {
    this.#store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => this.#known.clear()));
    this.#store.add(
      vscode.workspace.onDidChangeConfiguration(event => {
        this.#known.clear();
        if (event.affectsConfiguration(section)) this.#changed.fire(event);
      }),
    );
  }

  affects(event: vscode.ConfigurationChangeEvent, ...names: readonly SettingName[]): boolean {
    return names.some(name => event.affectsConfiguration(`${section}.${name}`));
  }

  /** How documents are looked at, as long as nobody chose otherwise by a command: ask `Looks`. */
  lookSettings(document: vscode.TextDocument): LookSettings {
    return {
      preset: oneOf(this.#read('preset', document), presets, otherDefaults.preset),
      palette: oneOf(this.#read('palette', document), palettes, otherDefaults.palette),
      style: oneOf(this.#read('style', document), styles, otherDefaults.style),
      muteConfident: oneOf(this.#read('muteConfident', document), muteModes, otherDefaults.muteConfident),
      wordCorrection: this.#read('wordCorrection', document) === true,
      bandEdges: {
        code: validBandEdges(this.#read('bandEdgesCode', document), otherDefaults.bandEdgesCode),
        prose: validBandEdges(this.#read('bandEdgesProse', document), otherDefaults.bandEdgesProse),
      },
    };
  }

  /** Alternatives kept for each token. */
  get topCount(): number {
    return this.#number('alternatives');
  }

  /** As asked for; the overlap is at most half the context, and the model may cap both further. */
  get scoringSettings(): Omit<ScoringSettings, 'watchWords'> {
    const contextTokens = this.#number('contextTokens');
    return {
      contextTokens,
      overlapTokens: Math.min(this.#number('overlapTokens'), Math.floor(contextTokens / 2)),
      anchors: 'text',
      topCount: this.topCount,
      useStartToken: this.#read('startToken') !== false,
    };
  }

  /** Undefined: the bundled model. */
  get modelFolder(): string | undefined {
    const folder = this.#read('modelFolder');
    return typeof folder === 'string' && folder.trim() !== '' ? folder.trim() : undefined;
  }

  /** Address of the model hub, without a slash at its end; undefined where the setting holds none that can be trusted. */
  get hubAddress(): string | undefined {
    const host = this.#read('hubHost');
    return typeof host === 'string' ? hubAddress(host.trim() === '' ? otherDefaults.hubHost : host) : undefined;
  }

  /** At least 1. */
  get threads(): number {
    return this.#number('threads') || Math.max(1, Math.floor(availableParallelism() / 2));
  }

  /** What the model is to run on; where it cannot, it runs on the processor. */
  get device(): Device {
    return oneOf(this.#read('device'), devices, otherDefaults.device);
  }

  /** Minutes without work after which the model leaves memory; 0: never. */
  get idleMinutes(): number {
    return this.#number('idleMinutes');
  }

  /** Seconds without focus after which nothing is computed in this window; 0: it goes on. */
  get pauseAfterSeconds(): number {
    return this.#number('pauseAfterSeconds');
  }

  /** Seconds without focus after which the model leaves memory; 0: as with the focus. */
  get unloadAfterSeconds(): number {
    return this.#number('unloadAfterSeconds');
  }

  /** Memory for what the model keeps of texts it has read. */
  get snapshotBytes(): number {
    return this.#number('snapshotMegabytes') * 1e6;
  }

  /** What brings an edited document's scores up to date. */
  get scoreOn(): ScoreOn {
    return oneOf(this.#read('scoreOn'), scoreOnModes, otherDefaults.scoreOn);
  }

  hover(document: vscode.TextDocument): HoverMode {
    return oneOf(this.#read('hover', document), hoverModes, otherDefaults.hover);
  }

  /** What makes words in a row a predictable stretch. */
  get stretchLimits(): StretchLimits {
    return { words: this.#number('stretchWords'), bits: clampedFraction(this.#read('stretchBits'), fractionSettings.stretchBits) };
  }

  /** Ghost text ends before a token that is less probable than that. */
  suggestLeastProbability(document: vscode.TextDocument): number {
    return clampedFraction(this.#read('suggestLeastProbability', document), fractionSettings.suggestLeastProbability);
  }

  /** Which short messages are handed to a screen reader: every one, those that are asked for by `readHere`, or none. */
  get announces(): 'always' | 'asked' | 'never' {
    const mode = oneOf(this.#read('announce'), announceModes, otherDefaults.announce);
    if (mode === 'off') return 'never';
    // VS Code tells extensions what the user has set, not what it has found running.
    const isSupported = vscode.workspace.getConfiguration('editor').get<unknown>('accessibilitySupport') === 'on';
    return mode === 'on' || isSupported ? 'always' : 'asked';
  }

  /** What is inserted is inspected without being asked for. */
  get inspectsInsertions(): boolean {
    return oneOf(this.#read('inspectInsertions'), inspectModes, otherDefaults.inspectInsertions) === 'auto';
  }

  get largestDocumentBytes(): number {
    return this.#number('largestDocumentBytes');
  }

  get skippedSchemes(): readonly string[] {
    return [...stringsOf(this.#read('skipSchemes'), otherDefaults.skipSchemes), reportScheme, branchScheme];
  }

  /** Why a document is left alone; undefined: it is not. `anyScheme`: somebody has asked for it, whatever the setting Skip Schemes says. */
  skips(document: vscode.TextDocument, anyScheme = false): 'scheme' | 'language' | 'folder' | undefined {
    if (document.uri.scheme === lessonScheme) return undefined;
    const schemes = anyScheme ? [reportScheme] : this.skippedSchemes;
    if (schemes.includes(document.uri.scheme)) return 'scheme';
    if (stringsOf(this.#read('skipLanguages'), otherDefaults.skipLanguages).includes(document.languageId)) return 'language';
    return stringsOf(this.#read('skipFolders', document), otherDefaults.skipFolders).some(folder => isIn(document, folder))
      ? 'folder'
      : undefined;
  }

  /** Kinds of text that are not shown, in our order. */
  leaveOut(document: vscode.TextDocument): readonly RegionKind[] {
    const kinds = stringsOf(this.#read('leaveOut', document), otherDefaults.leaveOut);
    return regionKinds.filter(kind => kinds.includes(kind));
  }

  /** The lens comes on by itself for documents of this language. */
  autoStart(languageId: string): boolean {
    return stringsOf(this.#read('autoStart'), otherDefaults.autoStart).includes(languageId);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #number(name: keyof typeof numberSettings): number {
    return clampedNumber(this.#read(name), numberSettings[name]);
  }

  /** Draws ask with every screen, and VS Code puts all layers of settings together at every call. */
  #read(name: SettingName, document?: vscode.TextDocument): unknown {
    const key = document ? `${name} ${document.languageId} ${document.uri.toString()}` : name;
    if (!this.#known.has(key)) {
      if (this.#known.size >= mostKnown) this.#known.clear();
      this.#known.set(key, vscode.workspace.getConfiguration(section, document).get<unknown>(name));
    }
    return this.#known.get(key);
  }
}

/** `folder`: a path, whole or from a folder of the workspace, or a pattern for files, the same. */
function isIn(document: vscode.TextDocument, folder: string): boolean {
  const plain = folder.replace(/[\\/]+$/, '');
  if (plain === '') return false;
  const pattern = /[*?{[]/.test(plain) ? folder : `${plain.replace(/^\.[\\/]/, '')}/**`;
  // An older version of a file has the file's path, and another scheme.
  const { getWorkspaceFolder } = vscode.workspace;
  const workspace = getWorkspaceFolder(document.uri) ?? getWorkspaceFolder(vscode.Uri.file(document.uri.path));
  const patterns: readonly vscode.GlobPattern[] = [pattern, ...(workspace ? [new vscode.RelativePattern(workspace, pattern)] : [])];
  return patterns.some(each => vscode.languages.match({ pattern: each }, document) > 0);
}
