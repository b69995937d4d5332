import * as vscode from 'vscode';
import type { Config } from './config';
import { contextKeys, internalCommands, publicCommands } from './core/contributions';
import type { CommandId } from './core/contributions';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { Looks } from './looks';
import { showInformationMessage } from './notices';
import type { ScoredDocuments } from './scoredDocuments';

/** A button in an editor's title gives the address of its document, the palette gives nothing. */
export type CommandHandlers = Readonly<Record<CommandId, (resource?: unknown) => unknown>>;

/** Registers every command that package.json declares; forgetting one does not compile. */
export function registerCommands(handlers: CommandHandlers): Disposable {
  const store = new DisposableStore();
  for (const id of [...publicCommands, ...internalCommands])
    store.add(vscode.commands.registerCommand(id, (resource: unknown) => handlers[id](resource)));
  return store;
}

/** The document a command is for: that of the button, else the active editor's. */
export function documentOf(resource: unknown): vscode.TextDocument | undefined {
  if (!(resource instanceof vscode.Uri)) return vscode.window.activeTextEditor?.document;
  const address = resource.toString();
  return vscode.workspace.textDocuments.find(document => document.uri.toString() === address);
}

/** Turns the lens of a document on or off. */
export function toggleLens(scored: Pick<ScoredDocuments, 'isOn' | 'setOn'>, resource: unknown): void {
  const document = documentOf(resource);
  if (document) scored.setOn(document, !scored.isOn(document));
  else void showInformationMessage(vscode.l10n.t('Open a document first.'));
}

/** Scores what an edit made stale, or what has failed, now. */
export function rescore(scored: Pick<ScoredDocuments, 'isOn' | 'rescore'>, resource: unknown): void {
  const document = documentOf(resource);
  if (document && scored.isOn(document)) scored.rescore(document);
  else void showInformationMessage(vscode.l10n.t('Turn the lens on for this document first.'));
}

/** A new document with a text of ours, its lens on: whatever the reader does with it, nothing of theirs is touched. */
export async function openSample(scored: Pick<ScoredDocuments, 'setOn'>, extensionUri: vscode.Uri): Promise<void> {
  const bytes = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extensionUri, 'samples', 'harbour.md'));
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content: new TextDecoder().decode(bytes) });
  await vscode.window.showTextDocument(document);
  scored.setOn(document, true);
}

/** Keeps the keys that menus ask for. */
export class ContextKeys implements Disposable {
  readonly #store = new DisposableStore();
  readonly #sent = new Map<string, string>();
  readonly #scored: Pick<ScoredDocuments, 'isOn' | 'onDidChange'>;
  readonly #config: Config;
  readonly #looks: Looks;

  constructor(scored: Pick<ScoredDocuments, 'isOn' | 'onDidChange'>, config: Config, looks: Looks) {
    this.#scored = scored;
    this.#config = config;
    this.#looks = looks;
    const update = () => {
      this.#update();
    };
    this.#store.add(scored.onDidChange(update));
    this.#store.add(config.onDidChange(update));
    this.#store.add(looks.onDidChange(update));
    this.#store.add(vscode.window.onDidChangeActiveTextEditor(update));
    this.#store.add(vscode.window.onDidChangeVisibleTextEditors(update));
    this.#update();
  }

  dispose(): void {
    this.#store.dispose();
  }

  #update(): void {
    const on = vscode.window.visibleTextEditors.map(editor => editor.document).filter(document => this.#scored.isOn(document));
    const active = vscode.window.activeTextEditor?.document;
    const isOn = active !== undefined && this.#scored.isOn(active);
    this.#set(contextKeys.on, isOn);
    const look = isOn ? this.#looks.of(active) : undefined;
    this.#set(contextKeys.metric, look?.metric);
    this.#set(contextKeys.scale, look?.scale);
    // Not whole addresses: from a server, VS Code names the same file by another scheme than the extension does.
    this.#set(contextKeys.onPaths, [...new Set(on.flatMap(({ uri }) => [uri.path, uri.fsPath]))]);
    this.#set(contextKeys.skippedSchemes, this.#config.skippedSchemes);
  }

  /** The change event fires often while a document is scored; the keys seldom change. */
  #set(key: string, value: unknown): void {
    const wire = JSON.stringify(value);
    if (this.#sent.get(key) === wire) return;
    this.#sent.set(key, wire);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}
