import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { SeededRandom } from '../../src/core/seededRandom';
import { fromLesson, toLesson } from '../../src/views/lessonProtocol';
import type { FromLesson, GuessingEnd, GuessingState, ShownDistribution, ToLesson, TourFigure } from '../../src/views/lessonProtocol';
import { fromPanel, toPanel } from '../../src/views/panelProtocol';
import type { FromPanel, PanelPassage, ToPanel } from '../../src/views/panelProtocol';
import { fromReport, toReport } from '../../src/views/reportProtocol';
import type { FromReport, ReportChange, ReportNumbers, ToReport } from '../../src/views/reportProtocol';
import { PanelServer, send, violationsOf } from './panelPage';
import { insideWord, logProbabilities, tuesday, vocabulary, watching, word } from './states';

const fuzzed = 3_000;

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
const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, typical: 1 };
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

const toPanels: readonly ToPanel[] = [
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
const toReports: readonly ToReport[] = [
  { kind: 'show', state: { kind: 'message', headline: 'Scoring', text: 'One moment.', busy: true } },
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
const toLessons: readonly ToLesson[] = [
  { kind: 'show', state: { kind: 'message', headline: 'No text', text: 'Open a file.', busy: false, mayChoose: true }, saved: undefined },
  { kind: 'show', state: guessing, saved },
  { kind: 'show', state: end, saved },
  ...figures.map(figure => ({ kind: 'show', state: { ...head, kind: 'tour', figure }, saved }) as const),
];

const fromPanels: readonly FromPanel[] = [
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
const fromReports: readonly FromReport[] = [{ kind: 'ready' }, { kind: 'go', text: 0, start: 1, end: 2 }, { kind: 'chooseModel' }];
const fromLessons: readonly FromLesson[] = [
  { kind: 'ready' },
  { kind: 'enter', step: 2, text: 'sea' },
  { kind: 'end' },
  { kind: 'screen', screen: 3 },
  { kind: 'draw', temperature: 0.5, seed: 3 },
];

const big = 'x'.repeat(1_000_001);
/** What no part of a message may be, whatever it is. */
const wrong: readonly unknown[] = [
  null,
  NaN,
  Infinity,
  -1,
  1e300,
  0.5,
  2 ** 53,
  true,
  'constructor',
  '__proto__',
  '<img src=x onerror=alert(1)>',
  big,
  {},
  [],
  [[]],
  { kind: 'ready' },
  { length: 2 ** 32 },
  { toString: 'x', valueOf: 'x', toJSON: 'x' },
  Object.create({ kind: 'show', state: tuesday, share: 0.5 }),
  JSON.parse('{"__proto__":{"kind":"reveal","share":0.5},"constructor":{"prototype":{"kind":"ready"}}}'),
  new Uint8Array(4),
  new Float32Array(4),
  new DataView(new ArrayBuffer(4)),
  new Date(0),
  Array.from({ length: 100_001 }, () => 0),
];

/** One part of a message is another thing, or gone; or an older or newer version has another name for it. */
function mutated(message: unknown, random: SeededRandom): unknown {
  const below = (limit: number) => random.next32() % limit;
  const copy: unknown = structuredClone(message);
  let holder = copy as Record<string, unknown>;
  for (;;) {
    const names = Object.keys(holder);
    const name = names[below(names.length)];
    if (name === undefined) return copy;
    const inner = holder[name];
    if (typeof inner === 'object' && inner !== null && !ArrayBuffer.isView(inner) && Object.keys(inner).length > 0 && below(4) > 0) {
      holder = inner as Record<string, unknown>;
      continue;
    }
    const kind = below(8);
    if (kind === 0) {
      Reflect.deleteProperty(holder, name);
    } else if (kind === 1) {
      Reflect.deleteProperty(holder, name);
      holder[`${name}Old`] = inner;
    } else holder[name] = wrong[below(wrong.length)];
    return copy;
  }
}

function fuzz(messages: readonly unknown[], count: number, seed: number): readonly unknown[] {
  const random = new SeededRandom(seed);
  return [
    ...wrong,
    undefined,
    'ready',
    0,
    ...Array.from({ length: count }, (_, index) => mutated(messages[index % messages.length], random)),
  ];
}

/** Every name and type that stands in a message, by path. */
function shapeOf(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([name, inner]) => shapeOf(inner, `${path}.${Array.isArray(value) ? '#' : name}`));
}

describe('messages from pages', () => {
  const directions: readonly (readonly [name: string, read: (message: unknown) => unknown, messages: readonly unknown[]])[] = [
    ['panel', fromPanel, fromPanels],
    ['report', fromReport, fromReports],
    ['lesson', fromLesson, fromLessons],
  ];
  for (const [name, read, messages] of directions) {
    it(`of the ${name} are taken as they are meant; of ${String(fuzzed)} others none throws, and what is taken holds nothing else`, () => {
      for (const message of messages) assert.deepEqual(read({ ...(message as object), more: 1 }), message);
      const known = new Set(messages.flatMap(message => shapeOf(message)));
      const nullable = ['.scratch.at: object', '.scratch.nodes.#.parent: number', '.scratch.nodes.#.sampledBits: number'];
      let taken = 0;
      for (const message of fuzz(messages, fuzzed, 1)) {
        const said = read(message);
        if (said === undefined) continue;
        taken++;
        for (const part of shapeOf(said)) assert.ok(known.has(part) || nullable.includes(part), `${part} of ${name}`);
        assert.ok(JSON.stringify(said).length < 1_000);
      }
      assert.ok(taken < fuzzed / 2, String(taken));
    });
  }

  it('of the report are of places only that could be in a text', () => {
    for (const place of [
      { text: -1 },
      { start: -1 },
      { end: -1 },
      { end: 0.5 },
      { end: 2 ** 53 },
      { start: NaN },
      { text: '0' },
      { end: undefined },
    ])
      assert.equal(fromReport({ kind: 'go', text: 0, start: 1, end: 2, ...place }), undefined, JSON.stringify(place));
  });

  it('that are huge are refused before they are read', () => {
    const node = { id: 1, rawBits: 1, sampledBits: null, parent: null };
    const nodes = new Proxy(
      Array.from({ length: 100_000 }, () => node),
      {
        get: (target, name, receiver) =>
          name === Symbol.iterator ? assert.fail('read') : (Reflect.get(target, name, receiver) as unknown),
      },
    );
    assert.equal(fromPanel({ kind: 'continue', root: 1, scratch: { nodes, at: 0 } }), undefined);
    assert.equal(fromPanel({ kind: 'find', place: 1, texts: [big] }), undefined);
    assert.equal(fromPanel({ kind: 'futures', place: 1, count: 1e6, mostTokens: 3, sampling, seed: 1, forced: [] }), undefined);
    assert.equal(fromLesson({ kind: 'enter', step: 1, text: big }), undefined);
    assert.equal(fromReport({ kind: 'go', text: 0, start: 2 ** 60, end: 1 }), undefined);
  });
});

describe('messages to pages', function () {
  this.timeout(180_000);

  const directions = [
    ['panel', toPanel, toPanels],
    ['report', toReport, toReports],
    ['lesson', toLesson, toLessons],
  ] as const;

  for (const [name, read, messages] of directions) {
    it(`to the ${name} are taken as they come out of JSON, and ${String(fuzzed)} others never throw`, () => {
      for (const message of messages) {
        assert.deepEqual(read(message), message);
        assert.ok(read(asPosted(message)), JSON.stringify(message));
      }
      const taken = fuzz(messages, fuzzed, 2).filter(message => read(message) !== undefined);
      // Some parts may be missing, or be any number or text.
      assert.ok(taken.length < fuzzed / 2, String(taken.length));
    });

    it(`to the ${name} that are not what the extension says draw nothing, fail nothing and ask for nothing`, async () => {
      const server = await PanelServer.start(name);
      try {
        const page = await server.open('vscode-dark', 400);
        const others = fuzz(messages, 400, 3).filter(message => typeof message !== 'object' || !JSON.stringify(message).includes(big));
        const last = messages.at(-1);
        assert.ok(last);
        for (const message of messages) await send(page, message);
        await settled(page);
        const before = await shown(page);
        const refused = others.filter(message => read(message) === undefined);
        assert.ok(refused.length > 200);
        for (const message of refused) await send(page, message as ToPanel);
        await settled(page);
        assert.deepEqual(await shown(page), before);
        // Also what is taken, wrong as it may be, is drawn without an error and as text.
        for (const message of others) if (read(message) !== undefined) await send(page, message as ToPanel);
        await settled(page);
        assert.deepEqual(await violationsOf(page), []);
        assert.equal(await page.locator('img, iframe, object, embed, form, a[href]').count(), 0);
      } finally {
        await server.stop();
      }
    });
  }
});

/** Undefined is left out on the way; arrays of numbers of one type are sent as they are. */
function asPosted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(asPosted);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => [name, asPosted(inner)]),
  );
}

async function settled(page: Page): Promise<void> {
  await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

function shown(page: Page): Promise<unknown> {
  return page.evaluate(() => [document.body.innerHTML, window.panelTest.posted.length]);
}
