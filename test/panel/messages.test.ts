import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { SeededRandom } from '../../src/core/seededRandom';
import { fromExplain, toExplain } from '../../src/views/explainProtocol';
import { fromLesson, toLesson } from '../../src/views/lessonProtocol';
import { fromPanel, toPanel } from '../../src/views/panelProtocol';
import type { ToPanel } from '../../src/views/panelProtocol';
import { fromReport, toReport } from '../../src/views/reportProtocol';
import { fromExplains, fromLessons, fromPanels, fromReports, sampling, toExplains, toLessons, toPanels, toReports } from './messages';
import { PanelServer, send, violationsOf } from './panelPage';
import { tuesday } from './states';

const fuzzed = 3_000;

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
    ['explain', fromExplain, fromExplains],
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
    assert.equal(fromExplain({ kind: 'section', section: 'map', asked: { name: big } }), undefined);
    assert.equal(fromExplain({ kind: 'section', section: 'map', asked: { name: 'select', value: big } }), undefined);
  });
});

describe('messages to pages', function () {
  this.timeout(180_000);

  const directions = [
    ['panel', toPanel, toPanels],
    ['report', toReport, toReports],
    ['lesson', toLesson, toLessons],
    ['explain', toExplain, toExplains],
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
