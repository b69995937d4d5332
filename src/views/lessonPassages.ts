import * as vscode from 'vscode';
import type { Config } from '../config';
import { lessonScheme } from '../core/contributions';
import type { Span } from '../core/scores';
import { segmenter, textUnitsIn } from '../core/textUnits';
import { DisposableStore, type Disposable } from '../disposable';
import { Excerpt } from '../excerpt';
import { Refusal } from '../refusal';
import { longestPassage } from './lessonProtocol';

/** Headings and the like make no game: when another passage is looked for, shorter ones are passed over. UTF-16. */
const shortestPassage = 60;

/** The editor reads a text once, when its document is opened. */
const keptTexts = 8;

const graphemesOf = segmenter('grapheme');

/** Where a passage is from, and stays while the document is edited round it. */
export interface PassageSource {
  readonly document: vscode.TextDocument;
  readonly excerpt: Excerpt;
  /** As it stood there. */
  readonly text: string;
}

/** A text to play on: a copy. `source`: undefined where it is from no open document. */
export interface Passage {
  readonly text: string;
  readonly title: string;
  /** The passage goes on beyond the text. */
  readonly cut: boolean;
  readonly source: PassageSource | undefined;
  /** Of the sample: where it ends there. */
  readonly sampleEnd: number | undefined;
}

/** Texts of the lesson, as documents that do not change and that nobody sees, so that the model can be asked about them like about any other. */
export class LessonPassages implements Disposable {
  readonly #store = new DisposableStore();
  readonly #config: Config;
  readonly #sample: vscode.Uri;
  readonly #texts = new Map<string, string>();
  #count = 0;

  constructor(extensionUri: vscode.Uri, config: Config) {
    this.#config = config;
    this.#sample = vscode.Uri.joinPath(extensionUri, 'samples', 'harbour.md');
    this.#store.add(
      vscode.workspace.registerTextDocumentContentProvider(lessonScheme, {
        provideTextDocumentContent: ({ path }) => this.#texts.get(path) ?? '',
      }),
    );
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** A document of this text alone. The editor closes it some minutes later. */
  async documentOf(text: string): Promise<vscode.TextDocument> {
    const path = `/${String(++this.#count)}.txt`;
    this.#texts.set(path, text);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > keptTexts && oldest !== undefined) this.#texts.delete(oldest);
    return vscode.workspace.openTextDocument(vscode.Uri.from({ scheme: lessonScheme, path }));
  }

  /** What is selected, else the paragraph at the cursor or the nearest after it, else one of the sample. Throws a Refusal for a document that the settings leave out. */
  async first(editor: vscode.TextEditor | undefined): Promise<Passage> {
    if (!editor) return this.#ofSample(0);
    const { document, selection } = editor;
    this.#ask(document);
    if (!selection.isEmpty) {
      const span = { start: document.offsetAt(selection.start), end: document.offsetAt(selection.end) };
      const passage = passageOf(document, span, vscode.l10n.t('Selection in {0}', nameOf(document)));
      if (passage) return passage;
    }
    const text = document.getText();
    const cursor = document.offsetAt(selection.active);
    return (
      paragraphPassage(document, paragraphAt(text, cursor) ?? paragraphAfter(text, cursor, 1) ?? paragraphBefore(text, cursor)) ??
      this.#ofSample(0)
    );
  }

  /** The next paragraph of the document that the last passage was from, from its end to its beginning again; or what is selected there by now. */
  async another({ source, sampleEnd }: Passage): Promise<Passage> {
    const span = source?.excerpt.span;
    if (!source || source.document.isClosed || !span) return this.#ofSample(sampleEnd ?? 0);
    const { document } = source;
    this.#ask(document);
    const editor = vscode.window.visibleTextEditors.find(shown => shown.document === document);
    if (editor && !editor.selection.isEmpty) {
      const { selection } = editor;
      if (document.offsetAt(selection.start) !== span.start || document.offsetAt(selection.end) !== span.end) return this.first(editor);
    }
    const text = document.getText();
    const next = paragraphAfter(text, span.end, shortestPassage) ?? paragraphAfter(text, 0, shortestPassage);
    return paragraphPassage(document, next) ?? this.#ofSample(0);
  }

  async #ofSample(from: number): Promise<Passage> {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(this.#sample));
    const span = paragraphAfter(text, from, shortestPassage) ?? paragraphAfter(text, 0, shortestPassage) ?? { start: 0, end: text.length };
    return {
      text: text.slice(span.start, span.end),
      title: vscode.l10n.t('Sample text'),
      cut: false,
      source: undefined,
      sampleEnd: span.end,
    };
  }

  /** The copy is of another kind than its document: whether that may be scored is asked here. */
  #ask(document: vscode.TextDocument): void {
    const skipped = this.#config.skips(document);
    if (skipped) throw new Refusal({ kind: skipped });
  }
}

/** The copy that is played on: line breaks as the model reads them, and no more than can be played. */
export function playableText(text: string): { readonly text: string; readonly cut: boolean } {
  const whole = text
    .replace(/^\ufeff/, '')
    .replaceAll(/\r\n?/g, '\n')
    .trim()
    .toWellFormed();
  if (whole.length <= longestPassage) return { text: whole, cut: false };
  let end = 0;
  for (const { index } of graphemesOf(whole.slice(0, longestPassage))) end = index; // the last may be a piece of one
  return { text: whole.slice(0, end), cut: true };
}

function paragraphPassage(document: vscode.TextDocument, span: Span | undefined): Passage | undefined {
  if (!span) return undefined;
  const line = document.positionAt(span.start).line + 1;
  return passageOf(document, span, vscode.l10n.t('{0}, line {1}', nameOf(document), line));
}

function passageOf(document: vscode.TextDocument, span: Span, title: string): Passage | undefined {
  const range = new vscode.Range(document.positionAt(span.start), document.positionAt(span.end));
  const source = { document, excerpt: new Excerpt(document, range), text: document.getText(range) };
  const { text, cut } = playableText(source.text);
  return text === '' ? undefined : { text, title, cut, source, sampleEnd: undefined };
}

/** The paragraph that holds the cursor, or touches it. */
function paragraphAt(text: string, cursor: number): Span | undefined {
  return textUnitsIn(text, { start: Math.max(0, cursor - 1), end: cursor + 1 }, 'paragraph').at(-1);
}

/** The first paragraph that begins at the offset or later and has at least so many UTF-16 units. */
function paragraphAfter(text: string, offset: number, shortest: number): Span | undefined {
  const seen = /\S/g;
  for (let at = offset; ;) {
    seen.lastIndex = at;
    const start = seen.exec(text)?.index;
    if (start === undefined) return undefined;
    const [paragraph] = textUnitsIn(text, { start, end: start + 1 }, 'paragraph');
    if (paragraph && paragraph.start >= offset && paragraph.end - paragraph.start >= shortest) return paragraph;
    at = Math.max(start + 1, paragraph?.end ?? 0);
  }
}

function paragraphBefore(text: string, offset: number): Span | undefined {
  const end = text.slice(0, offset).trimEnd().length;
  return end === 0 ? undefined : textUnitsIn(text, { start: end - 1, end }, 'paragraph')[0];
}

function nameOf({ uri }: vscode.TextDocument): string {
  return uri.path.split('/').at(-1) ?? uri.path;
}

/** The passage no longer stands in its document as it was. */
export function isChanged({ source }: Passage): boolean {
  const span = source?.excerpt.span;
  if (!source || !span || source.document.isClosed) return false;
  const { document, text } = source;
  return document.getText(new vscode.Range(document.positionAt(span.start), document.positionAt(span.end))) !== text;
}
