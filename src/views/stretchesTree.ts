import * as vscode from 'vscode';
import type { Config } from '../config';
import type { CommandId } from '../core/contributions';
import { formatBits, formatCount } from '../core/numberText';
import type { Span } from '../core/scores';
import { byLength } from '../core/stretches';
import type { Stretch } from '../core/stretches';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { ScoredDocuments } from '../scoredDocuments';
import { neighbourOf } from '../core/surprises';
import type { Announcer } from './byEar';
import { editorWithLens, excerpt, inDirection, select, selectionOf } from './places';
import type { Direction, Place } from './places';
import { preambleOf } from './preambleWords';
import { incompleteInWords } from './stateInWords';
import type { StretchFinder } from './stretchFinder';

/** A list that is longer is read by nobody. */
const mostStretches = 200;

type Scored = Pick<ScoredDocuments, 'isOn' | 'state' | 'view'>;

export interface StretchNode {
  /** With the line before it, as among the surprises: a narrow list shows the beginning of its rows only. */
  readonly label: string;
  /** Tells an echo from a stock phrase where no words do. */
  readonly icon: vscode.ThemeIcon | undefined;
  readonly description: string;
  readonly place: Place;
  readonly children: readonly StretchNode[];
}

/** The predictable stretches of the active document, longest first; below an echo the place it repeats. */
export class StretchesTree implements Disposable, vscode.TreeDataProvider<StretchNode> {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #finder: StretchFinder;
  readonly #scored: Scored;
  readonly #config: Config;
  readonly #view: vscode.TreeView<StretchNode>;
  #document: vscode.TextDocument | undefined;

  constructor(finder: StretchFinder, scored: Scored & Pick<ScoredDocuments, 'onDidChange'>, config: Config) {
    this.#finder = finder;
    this.#scored = scored;
    this.#config = config;
    this.#view = this.#store.add(vscode.window.createTreeView('tokenLens.stretches', { treeDataProvider: this }));
    this.#store.add(finder.onDidChange(document => document === this.#document && this.#show()));
    // An empty list says why it is empty.
    this.#store.add(scored.onDidChange(document => document === this.#document && !finder.of(document)?.length && this.#show()));
    this.#store.add(this.#view.onDidChangeVisibility(() => this.#follow()));
    this.#store.add(vscode.window.onDidChangeActiveTextEditor(() => this.#follow()));
    this.#follow();
  }

  getChildren(node?: StretchNode): StretchNode[] {
    if (node) return [...node.children];
    const document = this.#document;
    const found = document && this.#finder.of(document);
    if (!document || !found) return [];
    return [...found]
      .sort(byLength)
      .slice(0, mostStretches)
      .map(stretch => nodeOf(document, stretch));
  }

  getTreeItem({ label, icon, description, place, children }: StretchNode): vscode.TreeItem {
    const { Expanded, None } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(label, children.length > 0 ? Expanded : None);
    if (icon) item.iconPath = icon;
    item.description = description;
    item.tooltip = `${label}\n${description}`;
    item.command = { command: 'tokenLens.goToPlace' satisfies CommandId, title: vscode.l10n.t('Go to place'), arguments: [place] };
    return item;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #follow(): void {
    const document = vscode.window.activeTextEditor?.document;
    if (document && this.#config.skips(document) !== 'scheme') this.#document = document;
    if (this.#document?.isClosed) this.#document = undefined;
    this.#finder.list(this.#view.visible ? this.#document : undefined);
    this.#show();
  }

  #show(): void {
    const document = this.#document;
    this.#view.message = document && this.#scored.isOn(document) ? this.#message(document) : '';
    this.#view.description = preambleOf(this.#scored, document);
    this.#changed.fire(undefined);
  }

  /** Where the list is empty although the lens is on; that there is nothing only when all has been searched. */
  #message(document: vscode.TextDocument): string {
    const found = this.#finder.of(document);
    if (found && found.length > 0) return '';
    if (this.#scored.view(document)?.complete !== true) return incompleteInWords(this.#scored.state(document));
    return this.#finder.isUpToDate(document) ? noneInWords(this.#config) : '';
  }
}

/** What the list shows of a stretch. */
export function nodeOf(document: vscode.TextDocument, stretch: Stretch): StretchNode {
  const { echoOf, words, bits } = stretch;
  const numbers = vscode.l10n.t('{0} words, {1} bits', formatCount(words), formatBits(bits));
  const place = (span: Span): Place => ({ uri: document.uri.toString(), version: document.version, start: span.start, end: span.end });
  const label = (span: Span) => `${(document.positionAt(span.start).line + 1).toString()}  ${excerpt(textOf(document, span))}`;
  const first = (span: Span): StretchNode => ({
    label: label(span),
    icon: undefined,
    description: vscode.l10n.t('stood before'),
    place: place(span),
    children: [],
  });
  return {
    label: label(stretch),
    icon: new vscode.ThemeIcon(echoOf ? 'history' : 'quote'),
    description: `${kindInWords(document, stretch)} · ${numbers}`,
    place: place(stretch),
    children: echoOf ? [first(echoOf)] : [],
  };
}

function textOf(document: vscode.TextDocument, { start, end }: Span): string {
  return document.getText(new vscode.Range(document.positionAt(start), document.positionAt(end)));
}

function noneInWords({ stretchLimits: { words, bits } }: Config): string {
  return vscode.l10n.t('No run of {0} words or more, each below {1} bits.', words.toString(), bits.toString());
}

function kindInWords(document: vscode.TextDocument, { echoOf }: Stretch): string {
  if (!echoOf) return vscode.l10n.t('stock phrase');
  return vscode.l10n.t('echo of line {0}', (document.positionAt(echoOf.start).line + 1).toString());
}

/** Moves the selection to the next or previous predictable stretch, of those in what is scored so far. */
export async function goToStretch(
  direction: Direction,
  scored: Scored,
  finder: StretchFinder,
  config: Config,
  announcer: Announcer,
): Promise<void> {
  const editor = editorWithLens(scored);
  if (!editor) return;
  const { document } = editor;
  const { version } = document;
  const stretches = await finder.find(document);
  if (document.version !== version) return; // typed meanwhile: the caret belongs to the typist
  const found = neighbourOf(
    stretches.map(({ start }) => start),
    selectionOf(editor),
    direction,
  );
  const stretch = found && stretches[found.index];
  if (!stretch) {
    announcer.say(finder.isUpToDate(document) ? noneInWords(config) : incompleteInWords(scored.state(document)));
    return;
  }
  select(editor, stretch);
  const message = vscode.l10n.t(
    '{0}: {1} words, {2} bits',
    kindInWords(document, stretch),
    formatCount(stretch.words),
    formatBits(stretch.bits),
  );
  announcer.say(inDirection(message, direction, found.wrapped));
}
