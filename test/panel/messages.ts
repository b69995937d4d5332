import type { ExplainTarget, FromExplain, ToExplain } from '../../src/views/explainProtocol';
import type { FromLesson, GuessingEnd, GuessingState, ShownDistribution, ToLesson, TourFigure } from '../../src/views/lessonProtocol';
import type { FromPanel, PanelPassage, ToPanel } from '../../src/views/panelProtocol';
import type { FromReport, ReportChange, ReportNumbers, ToReport } from '../../src/views/reportProtocol';
import { insideWord, logProbabilities, tuesday, vocabulary, watching, word } from './states';

/** One message of every kind, each with all of its parts, that the extension and its pages say to each other. */

const passage: PanelPassage = {
  kind: 'passage',
  passage: 3,
  summary: '2 tokens',
  notes: ['Weakest: sea'],
  rows: [
    { token: word('sea'), bits: 3, band: 1, standsOut: true, rank: 4, alternatives: [{ token: word('bay'), probability: 0.5 }] },
    { token: word('a'), bits: undefined, band: undefined, standsOut: false, rank: undefined, alternatives: [] },
  ],
  moreTokens: 0,
  bandEdges: [1, 2, 3, 4, 5],
  palette: 'tide',
  provenance: 'Tiny',
};
const continuations = {
  lengths: Uint32Array.of(2),
  endedByControl: Uint8Array.of(0),
  ids: Int32Array.of(1, 2),
  logProbabilities: Float64Array.of(-1, -2),
  sampledLogProbabilities: Float64Array.of(-1, -2),
};
export const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, typical: 1 };
const wanted = { count: 1, mostTokens: 2, sampling, seed: 0, forced: [] as const };
const sampled = {
  name: 'a',
  wanted,
  state: 'done',
  problem: undefined,
  isHere: true,
  before: 'The ',
  typed: '',
  contextTokens: 3,
} as const;

export const toPanels: readonly ToPanel[] = [
  { kind: 'vocabulary', vocabulary },
  { kind: 'show', state: { kind: 'message', headline: 'No text', text: 'Open a file.', busy: false } },
  { kind: 'show', state: passage },
  { kind: 'show', state: insideWord },
  { kind: 'show', state: watching },
  { kind: 'show', state: tuesday },
  { kind: 'row', place: tuesday.place, logProbabilities, typedBytes: undefined },
  { kind: 'found', place: tuesday.place, texts: ['sea'], logProbabilities: Float64Array.of(-3) },
  {
    kind: 'continuation',
    scratch: { nodes: [{ id: 1, rawBits: 3, sampledBits: null, parent: null }], at: 0 },
    tokens: [{ id: 1, token: word('a') }],
    where: 'cursor',
  },
  { kind: 'futures', free: { ...sampled, groups: [{ forcedTokens: 0, continuations }] }, forced: undefined, gone: undefined },
];

const titled = { title: 'Title', note: 'A note' };
const numbers: ReportNumbers = {
  kind: 'numbers',
  title: 'tide.md',
  lead: 'Usual',
  updating: false,
  updatingText: 'Updating',
  reading: { text: 'It mostly reads English.', chooseModel: 'Choose' },
  texts: [
    {
      name: 'tide.md',
      detail: 'all of it',
      columns: [
        { start: 0, meanBits: 3, band: 1, label: 'line 1' },
        { start: 9, meanBits: null, band: null, label: 'line 2' },
      ],
      peaks: [{ start: 0, end: 3, line: '1', before: 'a', token: word('sea'), after: 'b', bits: '9.0' }],
    },
  ],
  palette: 'violet',
  numbers: { ...titled, rows: [{ label: 'Bits', values: ['3'] }] },
  bands: { ...titled, rows: [{ band: 0, label: 'below 1', shares: [{ share: 0.5, text: '50%' }] }] },
  kinds: { ...titled, rows: [] },
  shape: titled,
  places: titled,
  provenance: 'Tiny',
};
const change: ReportChange = {
  kind: 'change',
  title: 'tide.ts',
  lead: 'HEAD',
  verdict: 'Nothing stands out',
  updating: false,
  updatingText: 'Updating',
  reading: undefined,
  palette: 'ember',
  totals: { ...titled, heads: ['Removed', 'Added'], rows: [{ label: 'Bits', values: ['1', '2'] }] },
  hunksTitle: 'Hunks',
  hunksNote: 'In order',
  hunks: [
    {
      title: 'Hunk 1',
      mark: 'stands out',
      facts: ['2 bits'],
      lines: [
        {
          side: 1,
          start: 0,
          end: 4,
          number: '1',
          text: 'let x',
          tokens: '2',
          bits: '3',
          bitsPerByte: '1',
          bar: { share: 0.5, usual: 0.2 },
          mark: undefined,
          label: 'line 1, added',
        },
      ],
      more: undefined,
    },
  ],
  more: 'and 2 more',
  columns: { line: 'Line', text: 'Text', tokens: 'Tokens', bits: 'Bits', bitsPerByte: 'Bits per byte' },
  rules: ['Both sides are read whole.'],
  provenance: 'Tiny',
};
export const toReports: readonly ToReport[] = [
  { kind: 'show', state: { kind: 'message', headline: 'Scoring', text: 'One moment.', busy: true, goOn: undefined } },
  { kind: 'show', state: { kind: 'message', headline: 'Scoring', text: 'Some 30 seconds.', busy: false, goOn: 'Go On' } },
  { kind: 'show', state: numbers },
  { kind: 'show', state: change },
];

const { model, typed, rows, actual, everythingElse, everythingElseGivenTyped } = tuesday;
const distribution: ShownDistribution = { model, typed, rows, actual, everythingElse, everythingElseGivenTyped };
const head = { title: 'tide.md', model: 'Tiny', provenance: 'Tiny', changed: false, stopsAfter: undefined, triesAllowed: 3 };
const guessing: GuessingState = {
  ...head,
  kind: 'guessing',
  step: 2,
  before: 'The ',
  place: 1,
  places: 3,
  tries: [{ text: 'bay', verdict: 'wrong' }],
  learnerBits: 1,
  modelBits: 2,
  revealed: { text: ' sea', token: word('sea'), learnerTry: undefined, modelTry: 1, surprisalBits: 3, distribution },
};
const player = { bits: 1, tries: [1, 0, 0], none: 0 };
const end: GuessingEnd = {
  ...head,
  kind: 'end',
  text: 'The sea',
  played: 1,
  places: 1,
  learner: player,
  modelGuessing: player,
  modelBits: 1,
  differences: [{ before: 'The', token: word('sea'), learnerTry: 1, modelTry: undefined }],
  vocabularySize: 9,
};
const figures: readonly TourFigure[] = [
  { screen: 'tokens', tokens: [{ token: word('sea'), id: 1 }] },
  { screen: 'distribution', before: 'The', distribution, entropyBits: 3 },
  { screen: 'surprise', tokens: [{ token: word('sea'), bits: undefined, band: 0 }], totalBits: 3 },
  {
    screen: 'sampling',
    before: 'The',
    temperature: 1,
    seed: 1,
    rows: [{ token: word('sea'), raw: 0.5, after: 0.6 }],
    drawn: [word('sea')],
  },
  {
    screen: 'context',
    token: word('sea'),
    columns: [{ contextTokens: 1, before: 'The', probability: 0.5, bits: 1, rows: [{ token: word('sea'), probability: 0.5 }] }],
  },
];
const saved = { text: 'The sea', title: 'tide.md', moves: ['bay'], ended: false, screen: 0 };
export const toLessons: readonly ToLesson[] = [
  { kind: 'show', state: { kind: 'message', headline: 'No text', text: 'Open a file.', busy: false, mayChoose: true }, saved: undefined },
  { kind: 'show', state: guessing, saved },
  { kind: 'show', state: end, saved },
  ...figures.map(figure => ({ kind: 'show', state: { ...head, kind: 'tour', figure }, saved }) as const),
];

export const fromPanels: readonly FromPanel[] = [
  { kind: 'ready' },
  { kind: 'reveal', share: 0.5 },
  { kind: 'wants', wholeRow: true },
  { kind: 'insert', passage: 3 },
  { kind: 'close', passage: 3 },
  { kind: 'find', place: 1, texts: ['sea', 'bay'] },
  { kind: 'continue', root: 1, scratch: { nodes: [{ id: 1, rawBits: 3, sampledBits: null, parent: null }], at: 0 } },
  { kind: 'continued', act: 'copy' },
  { kind: 'futures', place: 1, count: 2, mostTokens: 3, sampling, seed: 1, forced: ['sea', 7] },
  { kind: 'stopFutures' },
];
export const fromReports: readonly FromReport[] = [
  { kind: 'ready' },
  { kind: 'go', text: 0, start: 1, end: 2 },
  { kind: 'chooseModel' },
  { kind: 'goOn' },
];
export const fromLessons: readonly FromLesson[] = [
  { kind: 'ready' },
  { kind: 'enter', step: 2, text: 'sea' },
  { kind: 'end' },
  { kind: 'screen', screen: 3 },
  { kind: 'draw', temperature: 0.5, seed: 3 },
];

const run = { offer: { tokens: 640, seconds: 2.2 }, progress: { done: 1, all: 2 }, problem: 'The model ran out of memory.' };
const listed = [{ token: word('sea'), probability: 0.5 }];
const at = { start: 3, end: 6 };
const source = {
  ...at,
  key: '1.0',
  level: 'line',
  name: undefined,
  depth: 1,
  firstLine: 2,
  lastLine: 2,
  text: 'the sea',
  isStrongest: true,
} as const;
const side = { bits: 1, totalBits: 9, list: listed, written: [word('bay')] };
const sections: readonly ExplainTarget['section'][] = [
  {
    id: 'influence',
    state: {
      ...run,
      filler: 'proposals',
      parts: 'declarations',
      isEmpty: false,
      sources: [
        { ...source, bits: -1.5, klBits: 0.5, isNoise: false, finer: { level: 'token', cost: { tokens: 9, seconds: undefined } } },
        { ...source, key: '1.1', bits: undefined, klBits: undefined, isNoise: true, finer: undefined },
      ],
      selected: { key: '1.0', whole: listed, without: listed, wholeBits: 1, withoutBits: 2 },
    },
  },
  {
    id: 'lengths',
    state: {
      ...run,
      points: [
        { tokens: 0, border: 'count', line: undefined, bits: 9, klBits: 8 },
        { tokens: 12, border: 'line', line: 7, bits: 0.6, klBits: 0 },
      ],
      needed: { least: 9, most: 12 },
      withinBits: 0.5,
    },
  },
  {
    id: 'map',
    state: {
      ...run,
      scale: 'word',
      refused: undefined,
      mostUnits: 40,
      units: [
        { ...at, text: 'the', line: 1 },
        { start: 7, end: 9, text: 'sea', line: 1 },
      ],
      links: [{ from: 0, to: 1, bits: 3.2 }],
      moreLinks: 2,
      noiseLinks: 1,
      hasBorder: false,
      chosen: 1,
      filler: 'startToken',
    },
  },
  {
    id: 'attention',
    state: {
      ...run,
      seen: {
        layers: 3,
        heads: 2,
        layer: 1,
        head: undefined,
        startShare: 0.5,
        preambleShare: undefined,
        earlierShare: 0.1,
        tokens: [{ ...at, token: word('sea'), share: 0.4 }],
        top: [{ ...at, token: word('sea'), share: 0.4, line: 1 }],
      },
    },
  },
  {
    id: 'switchOff',
    state: {
      ...run,
      parts: { layers: 3, heads: 2 },
      kind: 'head',
      layer: 1,
      head: 2,
      shown: {
        before: side,
        after: side,
        scoredTokens: 9,
        changed: [{ ...at, token: word('sea'), line: 1, before: 1, after: 4 }],
        changedTokens: 3,
      },
    },
  },
  {
    id: 'layers',
    state: {
      ...run,
      seen: {
        layers: [
          { top: listed, bits: 9, rank: 40 },
          { top: listed, bits: 1, rank: 1 },
        ],
        final: word('sea'),
        settled: 1,
      },
    },
  },
];
const target: Omit<ExplainTarget, 'section'> = {
  kind: 'target',
  place: 'tide.md, line 7',
  before: 'The ',
  token: word('sea'),
  model: 'Tiny',
  entropyBits: 1.2,
  contextTokens: 60,
  choices: [
    { token: word('sea'), isActual: true, bits: 0.3 },
    { token: word('bay'), isActual: false, bits: 3.1 },
  ],
  chosen: { a: 0, b: 1 },
  notOneToken: 'quay side',
  floor: { arithmetic: 'native', bits: 0.3, isMeasured: false },
  stale: 'text',
  isPainted: false,
  provenance: 'Tiny',
  example: 'Look at the sea.',
};
export const toExplains: readonly ToExplain[] = [
  { kind: 'show', state: { kind: 'message', headline: 'No text', text: 'Open a file.', busy: false, mayPick: true } },
  ...sections.map(section => ({ kind: 'show', state: { ...target, section } }) as const),
];
export const fromExplains: readonly FromExplain[] = [
  { kind: 'ready' },
  { kind: 'here' },
  { kind: 'again' },
  { kind: 'unpaint' },
  { kind: 'paint' },
  { kind: 'tab', tab: 'map' },
  { kind: 'choose', chosen: { a: 0, b: 1 } },
  { kind: 'choose', chosen: { a: 0, b: undefined } },
  { kind: 'type', text: 'quay' },
  { kind: 'go', start: 1, end: 2 },
  { kind: 'section', section: 'influence', asked: { name: 'select', value: '1.0' } },
  { kind: 'section', section: 'map', asked: { name: 'unit', value: 1 } },
  { kind: 'section', section: 'lengths', asked: { name: 'run', value: undefined } },
];
