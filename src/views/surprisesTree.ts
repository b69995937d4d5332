import * as vscode from 'vscode';
import type { Config } from '../config';
import type { CommandId } from '../core/contributions';
import { plainPieces } from '../core/hoverText';
import { formatBits, formatCount } from '../core/numberText';
import { surpriseOf, topCells } from '../core/surprises';
import type { Surprise } from '../core/surprises';
import { DisposableStore } from '../disposable';
import type { Disposable } from '../disposable';
import type { LeftOut } from '../leftOut';
import type { Looks } from '../looks';
import type { Pauses } from '../pauses';
import type { ScoredDocuments } from '../scoredDocuments';
import { surpriseInWords } from './byEar';
import { excerpt } from './places';
import type { Place } from './places';
import { preambleOf } from './preambleWords';
import { incompleteInWords } from './stateInWords';
import { surprisingFrom } from './surpriseCommands';

const mostSurprises = 20;
/** While a document is scored, the list is made anew at most so often. It is about the whole document. */
const pauseMs = 500;

type Scored = Pick<ScoredDocuments, 'isOn' | 'onDidChange' | 'state' | 'view'>;
type Node = LineNode | SurpriseNode;

interface LineNode {
  readonly kind: 'line';
  /** From 0. */
  readonly line: number;
  readonly text: string;
  readonly place: Place;
  readonly surprises: readonly SurpriseNode[];
}
interface SurpriseNode {
  readonly kind: 'surprise';
  readonly surprise: Surprise;
  readonly place: Place;
}

/** The most surprising places of the active document by line, each with its cause. Nothing is computed while it cannot be seen. */
export class SurprisesTree implements Disposable, vscode.TreeDataProvider<Node> {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #scored: Scored;
  readonly #config: Config;
  readonly #looks: Looks;
  readonly #pauses: Pauses;
  readonly #leftOut: Pick<LeftOut, 'shown'>;
  readonly #view: vscode.TreeView<Node>;
  #lines: readonly LineNode[] = [];
  #document: vscode.TextDocument | undefined;
  #timer: NodeJS.Timeout | undefined;
  #madeAt = -Infinity;

  constructor(scored: Scored, leftOut: Pick<LeftOut, 'shown' | 'onDidChangeShown'>, config: Config, looks: Looks, pauses: Pauses) {
    this.#scored = scored;
    this.#config = config;
    this.#looks = looks;
    this.#pauses = pauses;
    this.#leftOut = leftOut;
    this.#view = this.#store.add(vscode.window.createTreeView('tokenLens.surprises', { treeDataProvider: this }));
    this.#store.add(scored.onDidChange(document => document === this.#document && this.#schedule()));
    this.#store.add(vscode.window.onDidChangeActiveTextEditor(() => this.#follow()));
    this.#store.add(looks.onDidChange(() => this.#schedule()));
    this.#store.add(leftOut.onDidChangeShown(document => document === this.#document && this.#schedule()));
    this.#store.add(this.#view.onDidChangeVisibility(() => this.#schedule()));
    this.#follow();
  }

  getChildren(node?: Node): Node[] {
    if (!node) return [...this.#lines];
    return node.kind === 'line' ? [...node.surprises] : [];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const command = { command: 'tokenLens.goToPlace' satisfies CommandId, title: vscode.l10n.t('Go to place'), arguments: [node.place] };
    if (node.kind === 'line') {
      const item = new vscode.TreeItem(`${(node.line + 1).toString()}  ${excerpt(node.text)}`, vscode.TreeItemCollapsibleState.Expanded);
      // Of one document: rows of another one would be taken for these.
      item.id = `${node.place.uri} line ${node.line.toString()}`;
      item.command = command;
      return item;
    }
    const { surprise } = node;
    const item = new vscode.TreeItem(plainPieces(surprise.token));
    item.id = `${node.place.uri} place ${node.place.start.toString()}`;
    item.description = causeInWords(surprise);
    item.tooltip = surpriseInWords(surprise);
    item.accessibilityInformation = { label: surpriseInWords(surprise) };
    item.command = command;
    return item;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#store.dispose();
  }

  /** Without an editor the last one's stays: the focus may be in a part of the workbench that is none. */
  #follow(): void {
    const document = vscode.window.activeTextEditor?.document;
    if (document && this.#config.skips(document) !== 'scheme' && document !== this.#document) {
      this.#document = document;
      this.#madeAt = -Infinity;
    }
    this.#schedule();
  }

  #schedule(): void {
    if (!this.#view.visible) return;
    const complete = this.#document && this.#scored.view(this.#document)?.complete === true;
    if (complete) clearTimeout(this.#timer);
    else if (this.#timer) return;
    // After an edit nearly all scores come back at once, with the tokens of the new text: waiting a little shows nothing that goes and returns.
    const waitMs = complete || this.#madeAt === -Infinity ? 0 : pauseMs;
    this.#timer = setTimeout(() => this.#pauses.time('draw', () => this.#make()), waitMs);
  }

  #make(): void {
    this.#timer = undefined;
    this.#madeAt = performance.now();
    if (this.#document?.isClosed) this.#document = undefined;
    const before = this.#lines;
    this.#lines = this.#document ? this.#linesOf(this.#document) : [];
    this.#view.message = this.#message();
    this.#view.description = preambleOf(this.#scored, this.#document);
    if (before.length > 0 || this.#lines.length > 0) this.#changed.fire(undefined);
  }

  #linesOf(document: vscode.TextDocument): readonly LineNode[] {
    const view = this.#scored.view(document);
    if (!view) return [];
    const text = document.getText();
    const cells = topCells(this.#leftOut.shown(document, view.cellsFrom(surprisingFrom(this.#looks, document))), mostSurprises);
    const lines = new Map<number, SurpriseNode[]>();
    const placeOf = (start: number, end: number) => ({ uri: view.uri, version: document.version, start, end });
    for (let index = 0; index < cells.length; index++) {
      const surprise = surpriseOf(text, cells, index, view);
      const { start, end } = surprise.span;
      const { line } = document.positionAt(start);
      const nodes = lines.get(line) ?? [];
      lines.set(line, nodes);
      nodes.push({ kind: 'surprise', surprise, place: placeOf(start, end) });
    }
    return [...lines].map(([line, surprises]) => {
      const start = document.offsetAt(new vscode.Position(line, document.lineAt(line).firstNonWhitespaceCharacterIndex));
      return { kind: 'line', line, text: document.lineAt(line).text, place: placeOf(start, start), surprises };
    });
  }

  /** Where the list is empty although the lens is on; without the lens VS Code shows the welcome of package.json. */
  #message(): string {
    const document = this.#document;
    if (!document || this.#lines.length > 0 || !this.#scored.isOn(document)) return '';
    if (this.#scored.view(document)?.complete !== true) return incompleteInWords(this.#scored.state(document));
    return vscode.l10n.t('Nothing here has {0} bits or more.', surprisingFrom(this.#looks, document).toString());
  }
}

/** "11.2 bits · rank 412, expected ·sea" */
function causeInWords({ bits, rank, expected }: Surprise): string {
  const numbers = [formatBits(bits), formatCount(rank)] as const;
  return expected
    ? vscode.l10n.t('{0} bits · rank {1}, expected {2}', ...numbers, plainPieces(expected))
    : vscode.l10n.t('{0} bits · rank {1}', ...numbers);
}
