import * as vscode from 'vscode';
import type { Config } from './config';
import { presetNames, presetOf } from './core/band';
import type { BandEdges, LanguageClass } from './core/band';
import { lookOf, palettes } from './core/look';
import type { Look, LookChoices, Relative } from './core/look';
import { metrics, scales } from './core/metric';
import type { WatchWords } from './watchWords';
import { DisposableStore } from './disposable';
import type { Disposable } from './disposable';
import type { LastingMemory } from './lastingMemory';

/** Where choices are kept between two starts of the window. */
const choicesKey = 'tokenLens.looks';

/** How every document is looked at: by the settings, by the words that are watched, by what was chosen in this workspace for its class of languages, and by what it is. */
export class Looks implements Disposable {
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<void>());
  /** Some document is looked at in another way now. */
  readonly onDidChange = this.#changed.event;
  readonly #config: Config;
  readonly #memory: LastingMemory;
  readonly #watch: WatchWords;
  readonly #choices: Record<LanguageClass, LookChoices>;
  readonly #relative = new WeakMap<vscode.TextDocument, Relative>();
  #preview: { readonly document: vscode.TextDocument; readonly choices: LookChoices } | undefined;
  /** Made from all of the above, since reading settings takes time and every draw asks. */
  #made = new WeakMap<vscode.TextDocument, Look>();

  constructor(config: Config, watch: WatchWords, memory: LastingMemory) {
    this.#config = config;
    this.#watch = watch;
    this.#memory = memory;
    const kept = memory.get<Partial<Record<LanguageClass, unknown>>>(choicesKey, {});
    this.#choices = { code: validChoices(kept.code), prose: validChoices(kept.prose) };
    this.#store.add(config.onDidChange(() => this.#change()));
    this.#store.add(watch.onDidChange(() => this.#change()));
    this.#store.add(
      vscode.workspace.onDidCloseTextDocument(document => {
        // A change of language closes a document and opens it again.
        this.#made.delete(document);
        this.#relative.delete(document);
      }),
    );
  }

  of(document: vscode.TextDocument): Look {
    const known = this.#made.get(document);
    if (known) return known;
    const preview = this.#preview?.document === document ? this.#preview.choices : undefined;
    const relative = this.#relative.get(document);
    const look = lookOf(
      presetOf(document.languageId),
      this.#config.lookSettings(document),
      { ...this.choices(document), ...preview },
      relative && preview?.scale ? { ...relative, scale: preview.scale } : relative,
      this.#watch.words,
    );
    this.#made.set(document, look);
    return look;
  }

  /** Lower edges of bands 1 to 5 for the surprisal of single tokens, in bits. */
  tokenEdges(document: vscode.TextDocument): BandEdges {
    return this.of(document).tokenEdges;
  }

  /** Words that a document can be looked at for. */
  get watchWords(): readonly string[] {
    return this.#watch.words;
  }

  /** What was chosen by commands for documents like this one. */
  choices(document: vscode.TextDocument): LookChoices {
    return this.#choices[presetOf(document.languageId)];
  }

  /** The model reads this document badly: a scale is chosen for it alone. */
  isRelative(document: vscode.TextDocument): boolean {
    return this.#relative.has(document);
  }

  /** Kept for all documents of the same class of languages; a scale of a document that the model reads badly is for that one alone. */
  choose(document: vscode.TextDocument, change: LookChoices): void {
    const relative = this.#relative.get(document);
    const { scale, ...others } = change;
    const forAll = relative && scale ? others : change;
    if (relative && scale) this.#relative.set(document, { ...relative, scale });
    const languageClass = presetOf(document.languageId);
    this.#choices[languageClass] = { ...this.#choices[languageClass], ...forAll };
    this.#preview = undefined;
    this.#change();
    void this.#memory.update(choicesKey, this.#choices);
  }

  /** Shows a document as if that had been chosen, until `choose`, or `undefined` here. */
  preview(document: vscode.TextDocument, change: LookChoices | undefined): void {
    if (!this.#preview && !change) return;
    this.#preview = change && { document, choices: change };
    this.#change();
  }

  /** The model reads this document badly as a whole: its colours are relative to its own median. Undefined: it does not. */
  setRelative(document: vscode.TextDocument, medianBitsPerByte: number | undefined): void {
    const before = this.#relative.get(document);
    if (before?.medianBitsPerByte === medianBitsPerByte) return;
    if (medianBitsPerByte === undefined) this.#relative.delete(document);
    else this.#relative.set(document, { ...before, medianBitsPerByte });
    this.#change();
  }

  dispose(): void {
    this.#store.dispose();
  }

  #change(): void {
    this.#made = new WeakMap();
    this.#changed.fire();
  }
}

/** What another version of this extension may have kept. */
function validChoices(kept: unknown): LookChoices {
  if (typeof kept !== 'object' || kept === null) return {};
  const { preset, metric, watchWord, scale, palette } = kept as Readonly<Record<string, unknown>>;
  return {
    preset: presetNames.find(name => name === preset),
    metric: metric === 'watched' ? metric : metrics.find(name => name === metric),
    watchWord: typeof watchWord === 'string' ? watchWord : undefined,
    scale: scales.find(name => name === scale),
    palette: palettes.find(name => name === palette),
  };
}
