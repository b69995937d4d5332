import { Worker } from 'node:worker_threads';
import * as vscode from 'vscode';
import type { Config } from './config';
import { movedRegions, withoutLeftOut } from './core/leaveOut';
import type { Cells } from './core/cells';
import { noRegions } from './core/regions';
import type { RegionKind, Regions } from './core/regions';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { Grammars } from './grammars';
import type { LastingMemory } from './lastingMemory';
import type { Pauses } from './pauses';
import type { FromRegionsThread, RegionsThreadData, ToRegionsThread } from './regionsProtocol';
import type { ScoredDocuments } from './scoredDocuments';

/** Where the choices of the command are kept, by language id. */
const choicesKey = 'tokenLens.leftOut';
/** Without documents the thread stays so long: its grammars are compiled. */
const lingerMs = 60_000;
/** A thread that dies more often is not started again. */
const mostDeaths = 3;

export interface RegionsFiles {
  /** The built `regionsThread.ts`. */
  readonly thread: string;
  readonly wasm: string;
}

interface LeftOutParts {
  readonly scored: Pick<ScoredDocuments, 'isOn' | 'onDidChange'>;
  readonly config: Config;
  readonly grammars: Grammars;
  readonly pauses: Pauses;
  readonly log: vscode.LogOutputChannel;
}

/** A document whose regions are kept up to date. */
interface Followed {
  readonly id: number;
  readonly document: vscode.TextDocument;
  eol: vscode.EndOfLine;
  /** Offsets are of the present text. */
  regions: Regions | undefined;
  /** The thread has read the present text. */
  isCurrent: boolean;
}

/**
 * Which kinds of text a reader has left out, and where they are. Regions are made in a thread of their own; an edit moves the former ones until
 * the new ones are there, so they always fit the present text.
 */
export class LeftOut implements Disposable {
  readonly #store = new DisposableStore();
  readonly #parts: LeftOutParts;
  readonly #files: RegionsFiles;
  readonly #memory: LastingMemory;
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** Regions of this document, or what is left out in it, changed. */
  readonly onDidChange = this.#changed.event;
  readonly #shownChanged = this.#store.add(new vscode.EventEmitter<vscode.TextDocument>());
  /** `shown` may answer otherwise for this document now; the setting has an event of its own. */
  readonly onDidChangeShown = this.#shownChanged.event;
  readonly #followed = new Map<vscode.TextDocument, Followed>();
  readonly #asked = new WeakSet<vscode.TextDocument>();
  readonly #waiting = new Set<{ readonly document: vscode.TextDocument; resolve(regions: Regions): void; reject(error: Error): void }>();
  /** Scopes of grammars that cannot be used. */
  readonly #broken = new Set<string>();
  #choices: Readonly<Record<string, readonly RegionKind[]>>;
  #thread: Worker | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #deaths = 0;
  #nextId = 1;

  constructor(parts: LeftOutParts, files: RegionsFiles, memory: LastingMemory) {
    this.#parts = parts;
    this.#files = files;
    this.#memory = memory;
    this.#choices = memory.get(choicesKey, {});
    const { scored, config, pauses } = parts;
    const { workspace, window } = vscode;
    const update = pauses.timed('other', (document: vscode.TextDocument) => this.#update(document));
    const updateAll = pauses.timed('other', () => this.#updateAll());
    this.#store.add(scored.onDidChange(update));
    this.#store.add(window.onDidChangeVisibleTextEditors(updateAll));
    this.#store.add(config.onDidChange(updateAll));
    this.#store.add(workspace.onDidChangeTextDocument(pauses.timed('edit', event => this.#edited(event))));
    this.#store.add(
      workspace.onDidCloseTextDocument(document => {
        this.#asked.delete(document);
        this.#forget(document);
      }),
    );
    this.#store.add(vscode.extensions.onDidChange(pauses.timed('other', () => this.#extensionsChanged())));
    this.#updateAll();
  }

  /** Kinds that can be told apart in the document: without a grammar for its language only indentation. */
  available(document: vscode.TextDocument): readonly RegionKind[] {
    const scope = this.#scopeOf(document);
    if (scope === undefined) return ['indentation'];
    return /markdown|mdx|quarto/.test(scope)
      ? ['comments', 'indentation', 'frontMatter', 'fencedCode', 'links']
      : ['comments', 'strings', 'indentation', 'links'];
  }

  /** What is left out now; only what is available. */
  skips(document: vscode.TextDocument): ReadonlySet<RegionKind> {
    const wanted = this.#choices[document.languageId] ?? this.#parts.config.leaveOut(document);
    return wanted.length === 0 ? new Set() : new Set(this.available(document).filter(kind => wanted.includes(kind)));
  }

  /** The same for every document of this document's language, until the setting says so too. */
  choose(document: vscode.TextDocument, kinds: readonly RegionKind[]): void {
    const { languageId } = document;
    const bySetting = new Set(this.#parts.config.leaveOut(document).filter(kind => this.available(document).includes(kind)));
    const isSetting = bySetting.size === kinds.length && kinds.every(kind => bySetting.has(kind));
    const others = Object.entries(this.#choices).filter(([language]) => language !== languageId);
    this.#choices = Object.fromEntries(isSetting ? others : [...others, [languageId, kinds]]);
    void this.#memory.update(choicesKey, this.#choices);
    for (const open of vscode.workspace.textDocuments) {
      if (open.languageId !== languageId) continue;
      this.#update(open);
      this.#changed.fire(open);
      this.#shownChanged.fire(open);
    }
  }

  /** Of all kinds, whatever is left out; undefined: not known yet, or nobody has asked (`ensure`). Offsets are of the present text. */
  regions(document: vscode.TextDocument): Regions | undefined {
    return this.#followed.get(document)?.regions;
  }

  /** Resolves with the regions of the document's present text. Until the next edit they stay known; after it, only where something is left out. */
  async ensure(document: vscode.TextDocument): Promise<Regions> {
    this.#asked.add(document);
    this.#update(document);
    const followed = this.#followed.get(document);
    if (!followed) throw new Error('The document is closed.');
    if (followed.isCurrent && followed.regions) return followed.regions;
    return new Promise((resolve, reject) => this.#waiting.add({ document, resolve, reject }));
  }

  /** Those of the document's cells that are shown. */
  shown(document: vscode.TextDocument, cells: Cells): Cells {
    return withoutLeftOut(cells, this.regions(document), this.skips(document));
  }

  dispose(): void {
    for (const document of [...this.#followed.keys()]) this.#forget(document);
    this.#stopThread();
    this.#store.dispose();
  }

  #scopeOf(document: vscode.TextDocument): string | undefined {
    const scope = this.#parts.grammars.scopeOf(document.languageId);
    return scope !== undefined && !this.#broken.has(scope) ? scope : undefined;
  }

  #updateAll(): void {
    const shown = vscode.window.visibleTextEditors.map(({ document }) => document);
    for (const document of new Set([...shown, ...this.#followed.keys()])) this.#update(document);
  }

  /** Follows the document, or no longer. */
  #update(document: vscode.TextDocument): void {
    const { scored, config } = this.#parts;
    const isWanted =
      !document.isClosed &&
      (this.#asked.has(document) ||
        (scored.isOn(document) &&
          config.skips(document) === undefined &&
          this.skips(document).size > 0 &&
          document.getText().length <= config.largestDocumentBytes));
    if (!isWanted) return this.#forget(document);
    if (this.#followed.has(document)) return;
    const followed = { id: this.#nextId++, document, eol: document.eol, regions: undefined, isCurrent: false };
    this.#followed.set(document, followed);
    this.#open(followed);
  }

  #forget(document: vscode.TextDocument): void {
    const followed = this.#followed.get(document);
    if (!followed) return;
    this.#followed.delete(document);
    for (const waiting of this.#waiting) {
      if (waiting.document !== document) continue;
      this.#waiting.delete(waiting);
      waiting.reject(new Error('The document was closed.'));
    }
    this.#thread?.postMessage({ kind: 'close', id: followed.id } satisfies ToRegionsThread);
    if (this.#followed.size > 0) return;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = setTimeout(() => this.#stopThread(), lingerMs);
  }

  #open(followed: Followed): void {
    const { id, document } = followed;
    followed.eol = document.eol;
    followed.isCurrent = false;
    const thread = this.#runningThread();
    if (!thread) return this.#known(followed, noRegions);
    const text = document.getText();
    const message: ToRegionsThread = {
      kind: 'open',
      id,
      version: document.version,
      text,
      breakLength: document.eol === vscode.EndOfLine.CRLF ? 2 : 1,
      scope: this.#scopeOf(document),
    };
    thread.postMessage(message);
  }

  #edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const followed = this.#followed.get(document);
    if (!followed || (contentChanges.length === 0 && followed.eol === document.eol)) return;
    if (followed.isCurrent && this.#asked.delete(document)) {
      this.#update(document); // whoever asked has been answered
      if (!this.#followed.has(document)) return;
    }
    followed.isCurrent = false;
    if (!this.#thread) return this.#known(followed, noRegions); // it has died too often: nobody would answer
    if (followed.eol !== document.eol) {
      followed.regions = undefined; // every line moves
      return this.#open(followed);
    }
    if (followed.regions) {
      const changes = contentChanges.map(({ rangeOffset: start, rangeLength, text }) => ({
        start,
        end: start + rangeLength,
        length: text.length,
      }));
      followed.regions = movedRegions(followed.regions, changes);
    }
    const message: ToRegionsThread = {
      kind: 'edit',
      id: followed.id,
      version: document.version,
      changes: contentChanges.map(({ range: { start, end }, text }) => ({
        startLine: start.line,
        startColumn: start.character,
        endLine: end.line,
        endColumn: end.character,
        text,
      })),
      length: document.getText().length,
    };
    this.#thread.postMessage(message);
  }

  #received(message: FromRegionsThread): void {
    switch (message.kind) {
      case 'regions': {
        const followed = this.#ofId(message.id);
        // What an edit has overtaken comes again.
        if (followed?.document.version === message.version) this.#known(followed, message.regions);
        return;
      }
      case 'wanted':
        return void this.#sendGrammar(message.scope);
      case 'broken':
        return this.#isBroken(message.scope, message.message);
      case 'lost': {
        const followed = this.#ofId(message.id);
        if (followed) this.#open(followed);
      }
    }
  }

  #ofId(id: number): Followed | undefined {
    return [...this.#followed.values()].find(followed => followed.id === id);
  }

  #known(followed: Followed, regions: Regions): void {
    followed.regions = regions;
    followed.isCurrent = true;
    for (const waiting of this.#waiting) {
      if (waiting.document !== followed.document) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(regions);
    }
    this.#changed.fire(followed.document);
    if (this.skips(followed.document).size > 0) this.#shownChanged.fire(followed.document);
  }

  async #sendGrammar(scope: string): Promise<void> {
    const thread = this.#thread;
    const file = await this.#parts.grammars.read(scope).catch(() => {
      this.#isBroken(scope, 'Its file cannot be read.');
      return undefined;
    });
    thread?.postMessage({ kind: 'grammar', scope, file } satisfies ToRegionsThread);
  }

  #isBroken(scope: string, message: string): void {
    if (this.#broken.has(scope)) return;
    this.#broken.add(scope);
    this.#parts.log.warn(`The grammar ${scope} is not used: ${message}`);
  }

  /** Undefined: it has died too often. */
  #runningThread(): Worker | undefined {
    clearTimeout(this.#lingerTimer);
    if (this.#thread || this.#deaths > mostDeaths) return this.#thread;
    const data: RegionsThreadData = { wasmPath: this.#files.wasm, injections: this.#parts.grammars.injections };
    // Nobody reads what it prints, as there might be text of a document in it.
    const thread = new Worker(this.#files.thread, {
      workerData: data,
      stdout: true,
      stderr: true,
      execArgv: [],
      name: 'Token Lens regions',
    });
    const { pauses, log } = this.#parts;
    const isOurs = () => this.#thread === thread;
    thread.on(
      'message',
      pauses.timed('other', (message: FromRegionsThread) => {
        if (isOurs()) this.#received(message);
      }),
    );
    thread.on('error', error => log.warn(`The thread that reads grammars has failed: ${error.name}`));
    thread.on('exit', () => {
      if (!isOurs()) return;
      this.#thread = undefined;
      this.#deaths++;
      this.#reopenAll();
    });
    this.#thread = thread;
    return thread;
  }

  #stopThread(): void {
    clearTimeout(this.#lingerTimer);
    const thread = this.#thread;
    this.#thread = undefined;
    void thread?.terminate();
  }

  #reopenAll(): void {
    for (const followed of this.#followed.values()) this.#open(followed);
  }

  #extensionsChanged(): void {
    this.#parts.grammars.forget();
    this.#broken.clear();
    if (!this.#thread) return;
    this.#stopThread();
    this.#reopenAll();
  }
}
