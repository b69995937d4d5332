import * as vscode from 'vscode';
import type { Config } from '../config';
import { cellAt, cellsWithin, noCells } from '../core/cells';
import type { CommandId } from '../core/contributions';
import { distributionOfRow } from '../core/distribution';
import { editPreview } from '../core/editPreview';
import type { EditPreview } from '../core/editPreview';
import { bar, plainPieces, safeLabel } from '../core/hoverText';
import { formatBits, formatCount, formatPercent, fullBar } from '../core/numberText';
import { passageTable } from '../core/passage';
import type { Span } from '../core/scores';
import { textUnitsIn } from '../core/textUnits';
import { piecesOfBytes } from '../core/vocabulary';
import type { DocumentView } from '../documentView';
import type { TextEdit, WordAlternative } from '../model/protocol';
import { showInformationMessage } from '../notices';
import type { ScoredDocuments } from '../scoredDocuments';
import { LivePick } from './livePick';
import type { LongReading } from './longReading';
import { afterPreamble } from './preambleWords';

/** Tokens after the edit whose bits are compared: about a sentence or two, and a small part of a full run. */
const followingTokens = 64;
/** An entry rests under the keys so long before the model is asked what it would do. */
const previewPauseMs = 120;
const wordCount = 5;

type Scored = Pick<ScoredDocuments, 'isOn' | 'view' | 'ask' | 'completeView'>;
/** The scores of the place, and of whatever else was read with it. */
type PlaceView = Pick<DocumentView, 'table' | 'cellsIn' | 'provenance' | 'modelName' | 'vocabulary'>;

/** What finds a place. */
export interface PlaceParts {
  readonly scored: Scored;
  readonly config: Config;
  readonly reading: LongReading;
}

/** What a click in a hover asks for: a place as it was then, and an alternative. */
export interface AskedAlternative {
  readonly uri: string;
  readonly version: number;
  /** UTF-16. */
  readonly offset: number;
  readonly id: number;
}

interface AlternativeItem extends vscode.QuickPickItem {
  /** Stays when the entry is made anew with more to say. */
  readonly key?: string;
  /** What choosing it puts into the document, or why it cannot be chosen. */
  readonly choice?:
    | { readonly kind: 'edit'; readonly edit: TextEdit; readonly id: number | undefined }
    | { readonly kind: 'keep' }
    | { readonly kind: 'none'; readonly reason: string };
  /** What the model can go on from in its place. */
  readonly beginning?: Beginning | undefined;
}

/** An alternative at a place that the model is to go on from. */
export interface Beginning {
  /** A text, or the id of a token. */
  readonly forced: string | number;
  /** It takes the place of what stands from the place's beginning up to here, UTF-16. */
  readonly end: number;
}

/** Shows how the text would go on with an alternative; resolves when that is closed. */
export type ContinueWith = (place: Place, beginning: Beginning) => Promise<void>;

/** The place a list is about. It holds for one version of the document. */
export interface Place {
  readonly editor: vscode.TextEditor;
  readonly version: number;
  readonly view: PlaceView;
  readonly cell: Span;
  /** Of all the cell's tokens. */
  readonly cellBits: number;
  readonly row: number;
  /** Of the cell; more than one share a character. */
  readonly tokens: number;
}

/** Address of a command that takes an alternative at a place: it shows the list with this one chosen beforehand, or goes on from it. */
export function alternativeLink(
  command: Extract<CommandId, 'tokenLens.showAlternatives' | 'tokenLens.continueFromHere'>,
  document: vscode.TextDocument,
  offset: number,
  id: number,
): string {
  const asked: AskedAlternative = { uri: document.uri.toString(), version: document.version, offset, id };
  return `command:${command}?${encodeURIComponent(JSON.stringify([asked]))}`;
}

/**
 * A list of what was expected at the cursor, or where a hover was clicked: tokens, then whole words. An entry that rests under the keys says
 * what it would do to the bits there and after; choosing it replaces the token or the word, and its button lets the model go on from it.
 */
export async function showAlternatives(parts: PlaceParts, continueWith: ContinueWith, asked?: unknown): Promise<void> {
  const { scored, config } = parts;
  const place = await placeOf(parts, isAsked(asked) ? asked : undefined);
  if (!place) return;
  // Waiting for a message to be closed would keep the command running.
  if (typeof place === 'string') return void showInformationMessage(place);
  const list = new AlternativeList(scored, config, place, isAsked(asked) ? asked.id : undefined, 'replace');
  const { message, beginning } = await list.chosen();
  if (message !== undefined) void showInformationMessage(message);
  if (beginning) await continueWith(place, beginning);
}

/** The same list, to choose what the model is to go on from; undefined: nothing. */
export async function chooseBeginning({ scored, config }: PlaceParts, place: Place): Promise<Beginning | undefined> {
  const { message, beginning } = await new AlternativeList(scored, config, place, undefined, 'continue').chosen();
  if (message !== undefined) void showInformationMessage(message);
  return beginning;
}

/** From outside: a link holds whatever made it. */
export function isAsked(value: unknown): value is AskedAlternative {
  if (typeof value !== 'object' || value === null) return false;
  const { uri, version, offset, id } = value as Partial<Record<keyof AskedAlternative, unknown>>;
  return typeof uri === 'string' && [version, offset, id].every(number => Number.isSafeInteger(number) && Number(number) >= 0);
}

/** Or why there is none, for the user; undefined: nobody waits for it any more. Of a document that the lens is off for, only this is read. */
export async function placeOf(parts: PlaceParts, asked: AskedAlternative | undefined): Promise<Place | string | undefined> {
  const { scored } = parts;
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const editor = asked ? visibleTextEditors.find(({ document }) => document.uri.toString() === asked.uri) : activeTextEditor;
  if (!editor) return asked ? changedMessage() : vscode.l10n.t('Open a document first.');
  const { document } = editor;
  if (asked && document.version !== asked.version) return changedMessage();
  const { version } = document;
  const offset = asked?.offset ?? document.offsetAt(editor.selection.active);
  const known = scored.view(document) ?? scored.completeView(document.uri.toString());
  const isKnown = known?.documentVersion === version || scored.isOn(document);
  const view = isKnown ? known : await readAt(document, offset, parts);
  if (document.version !== version) return changedMessage();
  if (!isKnown && !view) return undefined;
  const cells = view?.cellsIn({ start: offset - 1, end: offset + 1 }) ?? noCells;
  const index = cellAt(cells, offset) ?? cellAt(cells, offset - 1); // at the end of the text: the last one
  if (!view || index === undefined) return vscode.l10n.t('The token at the cursor has no score yet.');
  const row = cells.firstTokens[index] ?? 0;
  const cell = { start: cells.starts[index] ?? 0, end: cells.ends[index] ?? 0 };
  const [cellBits, tokens] = [cells.bits[index] ?? NaN, (cells.endTokens[index] ?? 0) - row];
  const place = { editor, version, view, cell, cellBits, row, tokens };
  if (!distributionOfRow(view.table, row, 1)?.actual)
    return vscode.l10n.t('The token at the cursor has no score: nothing stands before it.');
  return place;
}

/** The tokens at an offset, with as much of what stands before them as the model can read. Undefined: cancelled, or failed, which the user has been told. */
async function readAt(
  document: vscode.TextDocument,
  offset: number,
  { scored, config, reading }: PlaceParts,
): Promise<PlaceView | undefined> {
  const text = document.getText();
  const span = { start: Math.max(0, offset - 1), end: Math.min(text.length, offset + 1) };
  const question = {
    edit: { ...span, text: text.slice(span.start, span.end) }, // nothing is changed
    followingTokens: 3, // a character has at most four bytes, each of which may be a token
    topCount: config.topCount,
    wholeEdit: true,
  };
  const { version } = document;
  const title = vscode.l10n.t('What was expected here');
  // At most one window: nobody is asked before. Nor does its time say how fast the model reads, which may know most of it.
  const answer = await reading.run(title, 0, signal =>
    scored.ask(document, 'try', question, signal).catch((error: unknown) => {
      if (document.version !== version) return undefined; // the place is not what it was
      throw error;
    }),
  );
  if (!answer) return undefined;
  const { result, ...from } = answer;
  const table = passageTable(result.before);
  return { table, cellsIn: each => cellsWithin(table, each), ...from };
}

/** What has come of a list: something the user has to be told, or something to go on from. */
interface Outcome {
  readonly message?: string | undefined;
  readonly beginning?: Beginning | undefined;
}

class AlternativeList {
  readonly #scored: Scored;
  readonly #place: Place;
  /** What becomes of the entry that is chosen. */
  readonly #purpose: 'replace' | 'continue';
  readonly #pick = vscode.window.createQuickPick<AlternativeItem>();
  readonly #live: LivePick<AlternativeItem>;
  /** Ends with the list; a preview that is under way has one of its own. */
  readonly #open = new AbortController();
  #preview: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #items: readonly AlternativeItem[];
  readonly #previewed = new Set<string>();

  constructor(scored: Scored, config: Config, place: Place, id: number | undefined, purpose: 'replace' | 'continue') {
    this.#scored = scored;
    this.#place = place;
    this.#purpose = purpose;
    const { view, row, tokens } = place;
    this.#items = tokenItems(place, config.topCount).map(item => this.#withButton(item));
    this.#pick.title = titleOf(view, row);
    this.#pick.placeholder =
      purpose === 'continue'
        ? vscode.l10n.t('Choose what {0} continues from here. Nothing is inserted yet.', view.modelName)
        : tokens > 1
          ? vscode.l10n.t(
              'This character is {0} tokens. These are the alternatives of the first; choosing one replaces the whole character.',
              tokens.toString(),
            )
          : vscode.l10n.t('What {0} expected here. Choosing an entry replaces the token.', view.modelName);
    this.#pick.items = this.#items;
    const asked = this.#items.find(({ choice }) => choice?.kind === 'edit' && choice.id === id);
    if (id !== undefined && asked) this.#pick.activeItems = [asked];
    this.#live = new LivePick(this.#pick, ({ key }) => key);
  }

  /** Resolves when the list is closed. */
  async chosen(): Promise<Outcome> {
    const pick = this.#pick;
    const closed = new Promise<{ readonly item: AlternativeItem | undefined; readonly isOnward: boolean } | undefined>(resolve => {
      pick.onDidAccept(() => {
        resolve({ item: this.#live.active, isOnward: this.#purpose === 'continue' });
      });
      pick.onDidTriggerItemButton(({ item }) => {
        resolve({ item, isOnward: true });
      });
      pick.onDidHide(() => {
        resolve(undefined);
      });
    });
    pick.onDidChangeActive(() => {
      this.#schedulePreview(this.#live.active);
    });
    pick.show();
    void this.#addWords();
    try {
      const chosen = await closed;
      if (chosen?.isOnward !== true) return { message: await this.#apply(chosen?.item) };
      const { choice, beginning } = chosen.item ?? {};
      return { message: choice?.kind === 'none' ? choice.reason : undefined, beginning };
    } finally {
      clearTimeout(this.#timer);
      this.#preview?.abort();
      this.#open.abort();
      pick.dispose();
    }
  }

  async #apply(item: AlternativeItem | undefined): Promise<string | undefined> {
    const choice = item?.choice;
    if (!choice || choice.kind === 'keep') return undefined;
    if (choice.kind === 'none') return choice.reason;
    const { editor, version } = this.#place;
    const { document } = editor;
    if (document.isClosed || document.version !== version) return changedMessage();
    const range = new vscode.Range(document.positionAt(choice.edit.start), document.positionAt(choice.edit.end));
    try {
      const isDone = await editor.edit(builder => {
        builder.replace(range, choice.edit.text);
      });
      return isDone ? undefined : notTakenMessage();
    } catch {
      return notTakenMessage(); // the editor was closed
    }
  }

  #schedulePreview(item: AlternativeItem | undefined): void {
    clearTimeout(this.#timer);
    this.#preview?.abort();
    if (item?.choice?.kind !== 'edit' || this.#previewed.has(item.key ?? '')) return;
    this.#timer = setTimeout(() => void this.#showPreview(item), previewPauseMs);
  }

  async #showPreview(item: AlternativeItem): Promise<void> {
    if (item.choice?.kind !== 'edit') return;
    const preview = new AbortController();
    this.#preview = preview;
    const { edit } = item.choice;
    const detail = await this.#scored
      .ask(this.#place.editor.document, 'try', { edit, followingTokens }, preview.signal)
      .then(({ result: { before, after } }) => previewText(editPreview(before, after)))
      .catch(() => (preview.signal.aborted ? undefined : vscode.l10n.t('What it would change could not be computed.')));
    if (detail === undefined || preview.signal.aborted || this.#place.editor.document.version !== this.#place.version) return;
    this.#previewed.add(item.key ?? '');
    this.#items = this.#items.map(other => (other.key !== undefined && other.key === item.key ? { ...other, detail } : other));
    this.#live.replace(this.#items);
  }

  /** Words take some calls of the model: the list is there before them. */
  async #addWords(): Promise<void> {
    const { editor, cell } = this.#place;
    const { document } = editor;
    this.#pick.busy = true;
    const asked = { offset: cell.start, after: [], count: wordCount, mostTokens: undefined };
    const words = await this.#scored
      .ask(document, 'words', asked, this.#open.signal)
      .then(({ result }) => (result.cut === cell.start ? result.words : []))
      .catch(() => []); // the tokens stay, which need no model
    if (this.#open.signal.aborted) return;
    this.#pick.busy = false;
    const items = wordItems(document, this.#place, words).map(item => this.#withButton(item));
    if (items.length === 0 || document.version !== this.#place.version) return;
    const heading = { label: vscode.l10n.t('Whole words, in place of this one'), kind: vscode.QuickPickItemKind.Separator };
    this.#items = [...this.#items, heading, ...items];
    this.#live.replace(this.#items);
  }

  #withButton(item: AlternativeItem): AlternativeItem {
    if (!item.beginning || this.#purpose === 'continue') return item;
    const tooltip = vscode.l10n.t('Continue from here with this alternative');
    return { ...item, buttons: [{ iconPath: new vscode.ThemeIcon('git-branch'), tooltip }] };
  }
}

function tokenItems({ editor: { document }, view, cell, cellBits, row, tokens }: Place, topCount: number): readonly AlternativeItem[] {
  const distribution = distributionOfRow(view.table, row, topCount);
  if (!distribution?.actual) return [];
  const { rows, actual, everythingElse } = distribution;
  const full = fullBar(Math.max(everythingElse, actual.probability, ...rows.map(other => other.probability)));
  const item = (id: number, rank: number, probability: number, inText: boolean): AlternativeItem => {
    const text = view.vocabulary.textOf(id);
    const marks = [
      ...(inText ? [vscode.l10n.t('in the text')] : []),
      ...(text === undefined ? [vscode.l10n.t('not whole characters')] : []),
    ];
    const shown = {
      key: `token ${id.toString()}`,
      label: safeLabel(`${formatCount(rank)}.  ${plainPieces(view.vocabulary.piecesOf(id))}`),
      description: [`${formatPercent(probability)}%`, bar(probability / full), ...marks].join('  '),
    };
    const beginning = text === undefined ? undefined : { forced: id, end: cell.end };
    if (inText && tokens === 1) return { ...shown, detail: vscode.l10n.t('Stays as it is.'), choice: { kind: 'keep' }, beginning };
    if (text === undefined) return { ...shown, choice: { kind: 'none', reason: notTextReason() } };
    const detail = hereText(cellBits, -Math.log2(probability));
    return { ...shown, detail, choice: { kind: 'edit', id, edit: { ...cell, text: withLineEndings(text, document) } }, beginning };
  };
  const items = rows.map(({ id, rank, probability }) => item(id, rank, probability, false));
  const rest: AlternativeItem = {
    key: 'rest',
    label: vscode.l10n.t('everything else'),
    description: [`${formatPercent(everythingElse)}%`, bar(everythingElse / full, '░')].join('  '),
    choice: { kind: 'none', reason: vscode.l10n.t('This stands for the rest of the vocabulary and cannot be put into the text.') },
  };
  return [...items.toSpliced(actual.position, 0, item(actual.id, actual.rank, actual.probability, true)), rest];
}

/** Each replaces what there is of a word from the cell on. Words that are not text, or are there or in the list already, are left out. */
function wordItems(document: vscode.TextDocument, { cell }: Place, words: readonly WordAlternative[]): readonly AlternativeItem[] {
  const text = document.getText();
  const touched = textUnitsIn(text, cell, 'word').at(-1);
  const replaced = { start: cell.start, end: Math.max(cell.end, touched?.end ?? 0) };
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return words.flatMap(({ ids, bytes, logProbability, complete }): AlternativeItem[] => {
    const word = decodedOr(decoder, bytes);
    const isListed = ids.length === 1 && replaced.end === cell.end;
    if (word === undefined || isListed || !complete || word.trim() === '' || text.slice(replaced.start, replaced.end) === word) return [];
    const tokens = ids.length === 1 ? vscode.l10n.t('1 token') : vscode.l10n.t('{0} tokens', ids.length.toString());
    return [
      {
        key: `word ${ids.join(' ')}`,
        label: safeLabel(plainPieces(piecesOfBytes(bytes))),
        description: `${formatPercent(Math.exp(logProbability))}%  ${tokens}`,
        detail: vscode.l10n.t('Instead of the whole word.'),
        choice: { kind: 'edit', id: undefined, edit: { ...replaced, text: withLineEndings(word, document) } },
        beginning: { forced: word, end: replaced.end },
      },
    ];
  });
}

function decodedOr(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // half a character
  }
}

/** Text as a document of these line endings has it. */
export function withLineEndings(text: string, document: vscode.TextDocument): string {
  return text.replaceAll(/\r\n?|\n/g, document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n');
}

function hereText(before: number, after: number): string {
  return vscode.l10n.t('here {0} → {1} bits', formatBits(before), formatBits(after));
}

export function previewText({ before, after, followingTokens: tokens }: EditPreview): string {
  const here = hereText(before.hereBits, after.hereBits);
  if (tokens === 0) return vscode.l10n.t('{0}; nothing follows', here);
  return vscode.l10n.t(
    '{0}; the next {1} tokens {2} → {3} bits ({4})',
    here,
    formatCount(tokens),
    formatBits(before.followingBits),
    formatBits(after.followingBits),
    signedBits(after.followingBits - before.followingBits),
  );
}

export function signedBits(bits: number): string {
  return bits < 0 ? `−${formatBits(-bits)}` : `+${formatBits(bits)}`;
}

function titleOf({ table, vocabulary, provenance }: PlaceView, row: number): string {
  const token = plainPieces(vocabulary.piecesOf(table.ids[row] ?? -1));
  const bits = formatBits(table.surprisalBits[row] ?? NaN);
  const numbers = [token, bits, formatCount(table.ranks[row] ?? 0), formatBits(table.entropyBits[row] ?? NaN)] as const;
  return vscode.l10n.t('{0}: {1} bits, rank {2}, entropy {3} bits', ...numbers) + afterPreamble(provenance);
}

export function notTextReason(): string {
  return vscode.l10n.t('This token is not made of whole characters, or is a control token: it cannot be put into the text.');
}

export function changedMessage(): string {
  return vscode.l10n.t('The document has changed since the list was made, so nothing was replaced.');
}

export function notTakenMessage(): string {
  return vscode.l10n.t('The document did not take the edit: it is closed, or it cannot be written.');
}
