import type { TokenPieces, VocabularyData } from '../../src/core/vocabulary';
import type { PanelDistribution, PanelRow } from '../../src/views/panelProtocol';

const names = ['Paris', 'London', 'capital', 'the', 'New', 'France', 'not', 'Capital'];
const probabilities = [0.461, 0.089, 0.054, 0.046, 0.04, 0.033, 0.023, 0.022];

/** " word" as it is shown. */
export function word(text: string): TokenPieces {
  return [
    { text: '·', glyph: true },
    { text, glyph: false },
  ];
}

export function rows(tokens: readonly TokenPieces[] = names.map(word)): PanelRow[] {
  return tokens.map((token, index) => ({
    id: index,
    rank: index + 1,
    token,
    probability: probabilities[index] ?? 0.01,
    givenTyped: undefined,
  }));
}

const bits = Array.from({ length: 54 }, (_, index) => (index === 7 ? null : (Math.sin(index * 12.9898) * 0.5 + 0.5) ** 2 * 18));

/** "The capital of France is| Tuesday" */
export const tuesday: PanelDistribution = {
  kind: 'distribution',
  place: 1,
  root: 1,
  after: [],
  topCount: 8,
  updating: false,
  model: 'SmolLM2-135M',
  contextTokens: 52,
  reading: undefined,
  example: undefined,
  before: [
    { text: 'report. The ', band: 0 },
    { text: 'capital', band: 1 },
    { text: ' of ', band: 0 },
    { text: 'France', band: 3 },
    { text: ' is Paris. The ', band: 0 },
    { text: 'harbour', band: 4 },
    { text: ' and the ', band: 2 },
    { text: 'manxhattan', band: 5 },
    { text: ' of France is', band: 0 },
  ],
  beforeTruncated: true,
  typed: undefined,
  rows: rows(),
  actual: {
    id: 900,
    rank: 1150,
    token: word('Tuesday'),
    probability: 2 ** -16.2,
    givenTyped: undefined,
    surprisalBits: 16.2,
    position: 8,
    afterGap: true,
  },
  everythingElse: 0.195,
  everythingElseGivenTyped: undefined,
  entropyBits: 4.3,
  bandEdges: [6, 8, 11, 13, 15],
  palette: 'violet',
  shape: {
    bits,
    bands: bits.map(each => (each === null ? null : [6, 8, 11, 13, 15].filter(edge => each >= edge).length)),
    cursor: 0.93,
    stale: false,
  },
  watched: [],
  provenance:
    'SmolLM2-135M-Instruct · q8, native arithmetic, noise ±0.08 bit · window 1024, overlap 256 · start token <|endoftext|> · version 14',
};

/** " harb|": the cursor inside a word, the lens off. */
export const insideWord: PanelDistribution = {
  ...tuesday,
  before: [{ text: 'We sailed into the harb', band: undefined }],
  beforeTruncated: false,
  typed: word('harb'),
  rows: [
    { id: 112, rank: 112, token: word('harbour'), probability: 0.0008, givenTyped: 0.62 },
    { id: 190, rank: 190, token: word('harbor'), probability: 0.00045, givenTyped: 0.35 },
    { id: 1, rank: 1, token: word('night'), probability: 0.12, givenTyped: 0 },
    { id: 2, rank: 2, token: word('bay'), probability: 0.08, givenTyped: 0 },
  ],
  actual: undefined,
  everythingElse: 0.79875,
  everythingElseGivenTyped: 0.03,
  entropyBits: 7.9,
  shape: undefined,
};

/** Two words are watched; one of them is of several tokens and still being asked for. */
export const watching: PanelDistribution = {
  ...tuesday,
  watched: [
    {
      word: 'sea',
      whole: true,
      peaks: bits.map((_, index) => (index === 3 ? null : ([0.5, 0.06, 0][index] ?? 0.01 * (index % 9)))),
      here: 0.034,
    },
    { word: 'harbour', whole: false, peaks: bits.map((_, index) => (index === 40 ? 0.02 : 0.0001)), here: undefined },
  ],
};

const special: Readonly<Record<number, readonly number[]>> = {
  10: [...Buffer.from('<img src=x onerror="panelTest.violations.push(1)">')],
  11: [0xe2, 0x80],
  900: [...Buffer.from(' Tuesday')],
};
const tokenBytes = Array.from({ length: 2000 }, (_, id) => special[id] ?? [...Buffer.from(` ${names[id] ?? `w${String(id)}`}`)]);

/** Of the rows above and many others. */
export const vocabulary: VocabularyData = {
  bytes: Uint8Array.from(tokenBytes.flat()),
  offsets: Uint32Array.from({ length: tokenBytes.length + 1 }, (_, id) =>
    tokenBytes.slice(0, id).reduce((sum, { length }) => sum + length, 0),
  ),
  controlNames: {},
};

/** The row of `tuesday`: its eight tokens as they stand there, the others ever less probable by their id, but " Tuesday" the least. */
export const logProbabilities: Float32Array = (() => {
  const weights = tokenBytes.map((_, id) => (id === 900 ? 1e-6 : (id + 1) ** -1.5));
  const others = weights.slice(probabilities.length).reduce((sum, weight) => sum + weight, 0);
  const left = 1 - probabilities.reduce((sum, probability) => sum + probability, 0);
  return Float32Array.from(weights, (weight, id) => Math.log(probabilities[id] ?? (weight * left) / others));
})();
