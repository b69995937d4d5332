import { palettes, type Palette } from '../core/look';
import { isCount, isFlag, isNumber, isOneOf, isText, listOf, orNull, orUndefined, recordOf } from '../core/shape';
import { isTokenPieces, type TokenPieces } from '../core/vocabulary';

/**
 * Messages between the extension and the report's page. As for the panel, the page is told its whole state every time and says `ready` first. All
 * words in here are in the reader's language already; pieces of documents and their names are hostile input: set as text, never as markup.
 */
export interface ToReport {
  readonly kind: 'show';
  readonly state: ReportState;
}

export type ReportState = ReportMessage | ReportNumbers | ReportChange;

/** Nothing to show, and why. `busy` while it is being computed. */
export interface ReportMessage {
  readonly kind: 'message';
  readonly headline: string;
  readonly text: string;
  readonly busy: boolean;
  /** Of a button that lets it begin; undefined: nothing waits for an answer. */
  readonly goOn: string | undefined;
}

export interface ReportNumbers {
  readonly kind: 'numbers';
  readonly title: string;
  /** Which text is more predictable, or how the numbers compare with what is usual. */
  readonly lead: string;
  /** True while newer numbers are on their way. */
  readonly updating: boolean;
  /** Said while `updating`. */
  readonly updatingText: string;
  /** The model does not read this language well; undefined: nothing to say. */
  readonly reading: { readonly text: string; readonly chooseModel: string } | undefined;
  /** One, or two that stand side by side. */
  readonly texts: readonly ReportText[];
  /** Of the first text's colours in the editor. */
  readonly palette: Palette;
  readonly numbers: ReportTable;
  /** By band, 0 first. */
  readonly bands: { readonly title: string; readonly note: string; readonly rows: readonly BandRow[] };
  /** What may be left out, summed apart; undefined: nothing to say. */
  readonly kinds: ReportTable | undefined;
  readonly shape: { readonly title: string; readonly note: string };
  readonly places: { readonly title: string; readonly note: string };
  readonly provenance: string;
}

export interface ReportTable {
  readonly title: string;
  readonly note: string;
  /** `values`: one for each text. */
  readonly rows: readonly { readonly label: string; readonly values: readonly string[] }[];
}

export interface BandRow {
  /** 0 to 5. */
  readonly band: number;
  readonly label: string;
  /** 0 to 1 and in words, one for each text. */
  readonly shares: readonly { readonly share: number; readonly text: string }[];
}

export interface ReportText {
  readonly name: string;
  /** Where it is: "lines 3 to 9". */
  readonly detail: string;
  /** Mean bits per token along the text, at most about 100 columns. */
  readonly columns: readonly ReportColumn[];
  /** Its most surprising places. */
  readonly peaks: readonly ReportPeak[];
}

export interface ReportColumn {
  /** UTF-16 offset in the document. */
  readonly start: number;
  readonly meanBits: number | null;
  readonly band: number | null;
  /** "line 34: 5.2 bits per token" */
  readonly label: string;
}

export interface ReportPeak {
  /** UTF-16 offsets in the document. */
  readonly start: number;
  readonly end: number;
  readonly line: string;
  readonly before: string;
  readonly token: TokenPieces;
  readonly after: string;
  readonly bits: string;
}

/** What a change took away and what it brought. */
export interface ReportChange {
  readonly kind: 'change';
  readonly title: string;
  /** Whose view it is, and what is held against what. */
  readonly lead: string;
  /** What is most surprising, or that nothing stands out. */
  readonly verdict: string;
  readonly updating: boolean;
  readonly updatingText: string;
  readonly reading: { readonly text: string; readonly chooseModel: string } | undefined;
  readonly palette: Palette;
  readonly totals: ChangeTable;
  readonly hunksTitle: string;
  readonly hunksNote: string;
  readonly hunks: readonly ChangeHunk[];
  /** Hunks that are not shown; undefined: all are. */
  readonly more: string | undefined;
  /** Heads of the columns of lines. */
  readonly columns: {
    readonly line: string;
    readonly text: string;
    readonly tokens: string;
    readonly bits: string;
    readonly bitsPerByte: string;
  };
  /** How numbers come about. */
  readonly rules: readonly string[];
  readonly provenance: string;
}

/** Values under heads; a row begins with its label. */
export interface ChangeTable {
  readonly title: string;
  readonly note: string;
  readonly heads: readonly string[];
  readonly rows: readonly { readonly label: string; readonly values: readonly string[] }[];
}

export interface ChangeHunk {
  /** "Hunk 2: lines 3 to 5 became 3 to 9" */
  readonly title: string;
  /** That it is the most surprising one, or stands out; undefined: neither. */
  readonly mark: string | undefined;
  /** Sums and what follows, a sentence each. */
  readonly facts: readonly string[];
  readonly lines: readonly ChangeLine[];
  /** Lines that are not shown; undefined: all are. */
  readonly more: string | undefined;
}

export interface ChangeLine {
  /** 0: removed, of the original; 1: added, of the modified text. UTF-16 offsets there. */
  readonly side: 0 | 1;
  readonly start: number;
  readonly end: number;
  readonly number: string;
  /** The beginning of the line. */
  readonly text: string;
  readonly tokens: string;
  readonly bits: string;
  readonly bitsPerByte: string;
  /** 0 to 1, of its bits per byte, and where the usual of its text lies; undefined: no score. */
  readonly bar: { readonly share: number; readonly usual: number } | undefined;
  /** That it stands out; undefined: it does not. */
  readonly mark: string | undefined;
  /** All of it in words: "line 12, added". */
  readonly label: string;
}

export type FromReport =
  | { readonly kind: 'ready' }
  /** Show a place of one of the texts, by its number. UTF-16 offsets. */
  | { readonly kind: 'go'; readonly text: number; readonly start: number; readonly end: number }
  | { readonly kind: 'chooseModel' }
  /** The reader agrees to what it costs. */
  | { readonly kind: 'goOn' };

/** What a page says; undefined where it is nothing that a page of ours would say. */
export function fromReport(message: unknown): FromReport | undefined {
  if (isReady(message) || isChooseModel(message) || isGoOn(message)) return { kind: message.kind };
  if (!isGo(message)) return undefined;
  const { kind, text, start, end } = message;
  return { kind, text, start, end };
}

const isReady = recordOf<{ readonly kind: 'ready' }>({ kind: isOneOf('ready') });
const isChooseModel = recordOf<{ readonly kind: 'chooseModel' }>({ kind: isOneOf('chooseModel') });
const isGoOn = recordOf<{ readonly kind: 'goOn' }>({ kind: isOneOf('goOn') });
const isGo = recordOf<Extract<FromReport, { readonly kind: 'go' }>>({ kind: isOneOf('go'), text: isCount, start: isCount, end: isCount });

const isPalette = isOneOf(...palettes);
const texts = listOf(isText);
const maybeText = orUndefined(isText);
const titled = { title: isText, note: isText };
const isReading = orUndefined(recordOf<NonNullable<ReportNumbers['reading']>>({ text: isText, chooseModel: isText }));
const labelled = listOf(recordOf<ReportTable['rows'][number]>({ label: isText, values: texts }));
const isTable = recordOf<ReportTable>({ ...titled, rows: labelled });

const isMessage = recordOf<ReportMessage>({ kind: isOneOf('message'), headline: isText, text: isText, busy: isFlag, goOn: maybeText });

const isNumbers = recordOf<ReportNumbers>({
  kind: isOneOf('numbers'),
  title: isText,
  lead: isText,
  updating: isFlag,
  updatingText: isText,
  reading: isReading,
  texts: listOf(
    recordOf<ReportText>({
      name: isText,
      detail: isText,
      columns: listOf(recordOf<ReportColumn>({ start: isCount, meanBits: orNull(isNumber), band: orNull(isNumber), label: isText })),
      peaks: listOf(
        recordOf<ReportPeak>({
          start: isCount,
          end: isCount,
          line: isText,
          before: isText,
          token: isTokenPieces,
          after: isText,
          bits: isText,
        }),
      ),
    }),
  ),
  palette: isPalette,
  numbers: isTable,
  bands: recordOf<ReportNumbers['bands']>({
    ...titled,
    rows: listOf(
      recordOf<BandRow>({
        band: isNumber,
        label: isText,
        shares: listOf(recordOf<BandRow['shares'][number]>({ share: isNumber, text: isText })),
      }),
    ),
  }),
  kinds: orUndefined(isTable),
  shape: recordOf<ReportNumbers['shape']>(titled),
  places: recordOf<ReportNumbers['places']>(titled),
  provenance: isText,
});

const isChange = recordOf<ReportChange>({
  kind: isOneOf('change'),
  title: isText,
  lead: isText,
  verdict: isText,
  updating: isFlag,
  updatingText: isText,
  reading: isReading,
  palette: isPalette,
  totals: recordOf<ChangeTable>({ ...titled, heads: texts, rows: labelled }),
  hunksTitle: isText,
  hunksNote: isText,
  hunks: listOf(
    recordOf<ChangeHunk>({
      title: isText,
      mark: maybeText,
      facts: texts,
      lines: listOf(
        recordOf<ChangeLine>({
          side: isOneOf(0, 1),
          start: isCount,
          end: isCount,
          number: isText,
          text: isText,
          tokens: isText,
          bits: isText,
          bitsPerByte: isText,
          bar: orUndefined(recordOf<NonNullable<ChangeLine['bar']>>({ share: isNumber, usual: isNumber })),
          mark: maybeText,
          label: isText,
        }),
      ),
      more: maybeText,
    }),
  ),
  more: maybeText,
  columns: recordOf<ReportChange['columns']>({ line: isText, text: isText, tokens: isText, bits: isText, bitsPerByte: isText }),
  rules: texts,
  provenance: isText,
});

const isShow = recordOf<ToReport>({
  kind: isOneOf('show'),
  state: (value): value is ReportState => isNumbers(value) || isChange(value) || isMessage(value),
});

/** What the extension says; undefined where it is nothing that this version of it would say. */
export function toReport(message: unknown): ToReport | undefined {
  return isShow(message) ? message : undefined;
}
