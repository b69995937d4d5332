import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { AttentionState } from '../../src/views/explainAttention';
import type { LayersState } from '../../src/views/explainLayers';
import type { MapState } from '../../src/views/explainMap';
import { fromExplain } from '../../src/views/explainProtocol';
import type { ExplainTarget } from '../../src/views/explainProtocol';
import type { SwitchOffState } from '../../src/views/explainSwitchOff';
import { seriousFaults } from './axe';
import { hostile, lowContrast, posted, rowsOf, servedPages, show, violationsOf } from './panelPage';
import { themes } from './themes';

const piece = (text: string) => [{ text, glyph: false }];
const idle = { offer: undefined, progress: undefined, problem: undefined };

const words = ['Anna', 'told', 'Ben', 'that', 'she', 'was', 'late'];
const map: MapState = {
  ...idle,
  scale: 'word',
  refused: undefined,
  mostUnits: 40,
  units: words.map((text, index) => ({ text, line: 3, start: 10 * index, end: 10 * index + text.length })),
  links: [
    { from: 0, to: 4, bits: 3.2 },
    { from: 1, to: 3, bits: 1.4 },
    { from: 2, to: 4, bits: -0.8 },
  ],
  moreLinks: 2,
  noiseLinks: 16,
  hasBorder: false,
  chosen: undefined,
  filler: 'startToken',
};
const attention: AttentionState = {
  ...idle,
  seen: {
    layers: 30,
    heads: 9,
    layer: 4,
    head: undefined,
    startShare: 0.71,
    preambleShare: undefined,
    earlierShare: undefined,
    tokens: words.map((text, index) => ({
      token: piece(` ${text}`),
      share: [0.16, 0.001, 0.02, 0.004, 0.06, 0.04, 0.005][index] ?? 0,
      start: 10 * index,
      end: 10 * index + 4,
    })),
    top: [
      { token: piece('Anna'), share: 0.16, start: 0, end: 4, line: 3 },
      { token: piece('she'), share: 0.06, start: 40, end: 43, line: 3 },
    ],
  },
};
const list = [
  { token: piece('Point'), probability: 0.81 },
  { token: piece('number'), probability: 0.1 },
];
const switchOff: SwitchOffState = {
  ...idle,
  parts: { layers: 30, heads: 9 },
  kind: 'head',
  layer: 5,
  head: 2,
  shown: {
    before: { bits: 0.3, totalBits: 120.4, list, written: [piece('Point'), piece(','), piece(' b')] },
    after: { bits: 5.4, totalBits: 131.9, list: [...list].reverse(), written: [piece('number'), piece(','), piece(' a')] },
    scoredTokens: 60,
    changedTokens: 41,
    changed: [{ token: piece('Point'), line: 2, start: 10, end: 15, before: 0.4, after: 6.6 }],
  },
};
const layers: LayersState = {
  ...idle,
  seen: {
    final: piece('Point'),
    settled: 2,
    layers: [
      { top: [{ token: piece('the'), probability: 0.2 }, ...list], bits: 14.2, rank: 4120 },
      { top: [...list].reverse(), bits: 3.3, rank: 2 },
      { top: list, bits: 1.1, rank: 1 },
      { top: list, bits: 0.3, rank: 1 },
    ],
  },
};

function targetOf(section: ExplainTarget['section'], more: Partial<ExplainTarget> = {}): ExplainTarget {
  return {
    kind: 'target',
    example: undefined,
    place: 'harbour.ts, line 7',
    before: 'export function distance(a: ',
    token: piece('Point'),
    model: 'SmolLM2-135M',
    entropyBits: 1.2,
    contextTokens: 60,
    choices: [
      { token: piece('Point'), isActual: true, bits: 0.3 },
      { token: piece('number'), isActual: false, bits: 3.1 },
    ],
    chosen: { a: 0, b: undefined },
    notOneToken: undefined,
    floor: { arithmetic: 'float32', bits: 0.001, isMeasured: true },
    stale: undefined,
    isPainted: true,
    provenance: 'SmolLM2-135M-Instruct · q8 · float32 · window 1,024 · noise 0.08 bit · ddae3a3e',
    section,
    ...more,
  };
}
const offer = { tokens: 3400, seconds: 9.3 };
const all = {
  map: targetOf({ id: 'map', state: map }),
  mapChosen: targetOf({ id: 'map', state: { ...map, chosen: 4 } }),
  mapOffered: targetOf({ id: 'map', state: { ...map, links: [], moreLinks: 0, noiseLinks: 0, offer } }),
  mapRefused: targetOf({ id: 'map', state: { ...map, units: [], links: [], refused: 63 } }),
  attention: targetOf({ id: 'attention', state: attention }),
  unsupported: targetOf({
    id: 'attention',
    state: { ...idle, seen: undefined, problem: 'This cannot be seen in the model: no attention.' },
  }),
  switchOff: targetOf({ id: 'switchOff', state: switchOff }),
  layers: targetOf({ id: 'layers', state: layers }),
};

describe('page about a prediction: map, attention, switches and layers', function () {
  this.timeout(60_000);
  const { open } = servedPages('explain', { usualWidth: 620 });

  const linesOf = async (page: Page, name: RegExp) =>
    (await rowsOf(page, name)).map(cells => cells.map(cell => cell.replaceAll(/\s+/g, ' ')));
  const asked = (section: string, name: string, value?: string | number) => ({
    kind: 'section',
    section,
    asked: value === undefined ? { name } : { name, value },
  });

  it('draws an arc for each link, thickest the strongest, and has the same as a table', async () => {
    const page = await open(all.map);
    const arcs = await page
      .locator('path.arc')
      .evaluateAll(found => found.map(each => [each.classList[1], Number(each.getAttribute('stroke-width')), each.textContent]));
    assert.deepEqual(
      arcs.map(([sign, , text]) => [sign, text]),
      [
        ['hinders', 'Ben → she: −0.80 bits'],
        ['helps', 'told → that: +1.4 bits'],
        ['helps', 'Anna → she: +3.2 bits'],
      ],
    );
    const widths = arcs.map(([, width]) => Number(width));
    assert.deepEqual(
      [...widths].sort((a, b) => a - b),
      widths,
    );
    assert.deepEqual(await linesOf(page, /The strongest links/), [
      ['Anna', 'she', '+3.2'],
      ['told', 'that', '+1.4'],
      ['Ben', 'she', '−0.80'],
    ]);
    const text = await page.locator('#section').innerText();
    for (const part of [
      '2 weaker links are not shown.',
      '16 are not larger than the noise.',
      'replaced by the start token once',
      'The thickest arc has 3.2 bits.',
    ])
      assert.ok(text.includes(part), part);
    // Each begins at the middle of its word and ends at that of the other.
    const boxes = await page
      .locator('.units li')
      .evaluateAll(found => found.map(each => each.getBoundingClientRect()).map(({ top, height }) => top + height / 2));
    const ends = await page
      .locator('path.arc')
      .last()
      .evaluate(arc => {
        if (!(arc instanceof SVGPathElement)) return [];
        const { y, height } = arc.getBBox(); // without the thickness of the line
        const top = (arc.ownerSVGElement?.getBoundingClientRect().top ?? NaN) + y;
        return [top, top + height];
      });
    assert.equal(ends.length, 2);
    for (const [end, unit] of [0, 4].entries())
      assert.ok(Math.abs((ends[end] ?? NaN) - (boxes[unit] ?? NaN)) < 1, JSON.stringify([ends, boxes]));
  });

  it('shows the links of one word alone, by keys; shows a link in the text, takes another selection', async () => {
    const page = await open(all.map);
    await page.locator('[data-key="unit-3"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await show(page, all.mapChosen);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-key')), 'unit-4');
    assert.deepEqual(
      (await linesOf(page, /The strongest links of she/)).map(([from]) => from),
      ['Anna', 'Ben'],
    );
    assert.equal(await page.locator('path.arc.faint').count(), 1);
    await page.locator('path.arc.helps:not(.faint)').dispatchEvent('click');
    await page.getByRole('button', { name: 'Ben → she' }).click();
    await page.getByLabel('Links between').selectOption('line');
    await page.getByRole('button', { name: 'Take the selection' }).click();
    assert.deepEqual(await posted(page), [
      asked('map', 'unit', 4),
      { kind: 'go', start: 0, end: 43 },
      { kind: 'go', start: 20, end: 43 },
      asked('map', 'scale', 'line'),
      asked('map', 'take'),
    ]);
    for (const message of await posted(page)) assert.ok(fromExplain(message), 'the extension understands it');
  });

  it('tells what a map costs before it is made, and why none is', async () => {
    const page = await open(all.mapOffered);
    assert.match(await page.locator('.run').innerText(), /about 3,400 tokens to read, 10 seconds/);
    await page.getByRole('button', { name: 'Find the links' }).click();
    assert.deepEqual(await posted(page), [asked('map', 'run')]);
    await show(page, all.mapRefused);
    assert.equal(await page.getByRole('status').innerText(), 'These are 63 words. A map has at most 40: select fewer, or look at lines.');
    assert.equal(await page.locator('path.arc').count(), 0);
    await show(page, targetOf({ id: 'map', state: { ...map, links: [] } }));
    assert.match(await page.locator('.verdict').innerText(), /No link is larger than the noise/);
  });

  it('has the share of the start token apart from those of the text, in steps that are the same for all heads', async () => {
    const page = await open(all.attention);
    const sink = await page.locator('.sink').innerText();
    assert.match(sink.replaceAll(/\s+/g, ' '), /The start token \(attention sink\) 71\.0% The 7 tokens before the target 29\.0%/);
    const steps = await page
      .locator('.attended .token')
      .evaluateAll(tokens => tokens.map(each => each.getAttribute('class')?.replace('token ', '')));
    assert.deepEqual(steps, ['step4', 'step0', 'step2', 'step0', 'step3', 'step3', 'step1']);
    assert.deepEqual(await linesOf(page, /layer 4, mean of its heads/), [
      ['Anna', '3', '16.0%'],
      ['she', '3', '6.0%'],
    ]);
    assert.match(await page.locator('#section').innerText(), /where they look, not what caused the prediction/);
    await page.getByRole('combobox', { name: 'Layer', exact: true }).selectOption('7');
    await page.getByRole('combobox', { name: 'Layer', exact: true }).selectOption('0');
    await page.getByRole('combobox', { name: 'Head', exact: true }).selectOption('9');
    await page.getByRole('button', { name: 'Anna' }).click();
    assert.deepEqual(await posted(page), [
      asked('attention', 'layer', 7),
      asked('attention', 'layer', 0),
      asked('attention', 'head', 9),
      { kind: 'go', start: 0, end: 4 },
    ]);
    for (const message of await posted(page)) assert.deepEqual(fromExplain(message), message);
    await show(page, targetOf({ id: 'attention', state: { ...idle, seen: attention.seen && { ...attention.seen, layer: undefined } } }));
    assert.ok(await page.getByRole('combobox', { name: 'Head', exact: true }).isDisabled(), 'heads of different layers are not the same');
    await show(page, all.unsupported);
    assert.equal(await page.getByRole('alert').innerText(), 'This cannot be seen in the model: no attention.');
  });

  it('shows bits before and after, what changed most, and what is written without a head', async () => {
    const page = await open(all.switchOff);
    assert.deepEqual(await linesOf(page, /^Without head 2 of layer 5$/), [
      ['Point', '0.3', '5.4', '+5.1'],
      ['The 60 tokens before it, together', '120.4', '131.9', '+11.5'],
    ]);
    assert.deepEqual(await linesOf(page, /^Without head 2 of layer 5: tokens before the target that changed most, of 41/), [
      ['Point', '2', '0.4', '6.6', '+6.2'],
    ]);
    assert.deepEqual(await page.locator('.written').allTextContents(), ['Point, b', 'number, a']);
    assert.match(await page.locator('#section').innerText(), /It shows what breaks, not what the part is for\./);
    await page.getByLabel('Without').selectOption('layer');
    await page.getByRole('combobox', { name: 'Layer', exact: true }).selectOption('30');
    await page.getByRole('combobox', { name: 'Head', exact: true }).selectOption('1');
    assert.deepEqual(await posted(page), [
      asked('switchOff', 'kind', 'layer'),
      asked('switchOff', 'layer', 30),
      asked('switchOff', 'head', 1),
    ]);
    for (const message of await posted(page)) assert.deepEqual(fromExplain(message), message);
    await show(page, targetOf({ id: 'switchOff', state: { ...switchOff, kind: 'all', shown: undefined, offer } }));
    assert.equal(await page.getByRole('combobox', { name: 'Layer', exact: true }).count(), 0);
    await page.getByRole('button', { name: 'Switch it off' }).click();
    assert.deepEqual((await posted(page)).at(-1), asked('switchOff', 'run'));
  });

  it('lists what is on top after each layer, with rank and bits, and from where on it stays', async () => {
    const page = await open(all.layers);
    assert.equal(await page.locator('.verdict').innerText(), 'From layer 2 on the final token Point stays on top.');
    assert.deepEqual(await linesOf(page, /By layer; rank and bits are of Point/), [
      ['embedding', 'the 20.0% Point 81.0% number 10.0%', '4,120', '14.2'],
      ['1', 'number 10.0% Point 81.0%', '2', '3.3'],
      ['2', 'Point 81.0% number 10.0%', '1', '1.1'],
      ['3', 'Point 81.0% number 10.0%', '1', '0.3'],
    ]);
    const heights = await page.locator('circle.bits').evaluateAll(found => found.map(each => Number(each.getAttribute('cy'))));
    assert.ok(heights.length === 4 && heights.every((each, index) => index === 0 || each > (heights[index - 1] ?? 0)), heights.join(' '));
    assert.match(await page.locator('#section .note').innerText(), /^Experimental: .*trained for the last layer only/);
    for (const [settled, said] of [
      [3, 'Only the last layer, 3, puts the final token Point on top.'],
      [0, 'The final token Point is on top from the embedding on.'],
    ] as const) {
      await show(page, targetOf({ id: 'layers', state: { ...layers, seen: layers.seen && { ...layers.seen, settled } } }));
      assert.equal(await page.locator('.verdict').innerText(), said);
    }
  });

  it('says which sections do not look at what was chosen', async () => {
    const chosen = { a: 0, b: 1 };
    const notes = async (state: ExplainTarget) => (await (await open(state)).locator('.only-place, .only-first').allInnerTexts()).join();
    assert.equal(await notes(all.attention), '');
    assert.equal(await notes(all.layers), '');
    assert.match(await notes({ ...all.attention, chosen }), /the same whichever token is chosen/);
    assert.match(await notes({ ...all.attention, chosen: { a: 1, b: undefined } }), /the same whichever token is chosen/);
    assert.match(await notes({ ...all.layers, chosen }), /for the first of the two tokens alone/);
  });

  it('keeps hostile text as text', async () => {
    const page = await open();
    const bad = piece(hostile);
    const units = map.units.map(unit => ({ ...unit, text: hostile }));
    const [switched, layer] = [switchOff.shown, layers.seen?.layers[0]];
    assert.ok(attention.seen && switched && layers.seen && layer);
    const tokens = attention.seen.tokens.map(each => ({ ...each, token: bad }));
    const side = { ...switched.before, written: [bad], list: [{ token: bad, probability: 1 }] };
    for (const state of [
      targetOf({ id: 'map', state: { ...map, units, chosen: 1 } }),
      targetOf({ id: 'attention', state: { ...attention, seen: { ...attention.seen, tokens, top: [] } } }),
      targetOf({ id: 'switchOff', state: { ...switchOff, shown: { ...switched, before: side, after: side } } }),
      targetOf({ id: 'layers', state: { ...idle, seen: { ...layers.seen, final: bad, layers: [{ ...layer, top: side.list }] } } }),
    ]) {
      await show(page, state);
      assert.ok((await page.locator('#section').textContent())?.includes(hostile));
      assert.equal(await page.locator('img, main script').count(), 0);
    }
    assert.deepEqual(await violationsOf(page), []);
  });

  it('lets nothing be asked of numbers of before', async () => {
    const page = await open();
    for (const state of Object.values(all)) {
      await show(page, { ...state, stale: 'text', isPainted: false });
      assert.equal(await page.locator('#section :is(button, select):enabled').count(), 0);
    }
  });

  for (const theme of themes) {
    it(`has readable text and no sideways scrolling at any width: ${theme}`, async () => {
      for (const width of [320, 620, 1000]) {
        const page = await open(undefined, theme, width);
        for (const [name, state] of Object.entries(all)) {
          await show(page, state);
          assert.ok(
            (await page.evaluate(() => document.documentElement.scrollWidth)) <= width,
            `${name}, ${String(width)} px: scrolls sideways`,
          );
          if (width === 620) assert.deepEqual(await seriousFaults(page), [], name);
          if (process.env['PICTURES'] !== undefined)
            await page.screenshot({ path: `${process.env['PICTURES']}/inside-${name}-${theme}-${String(width)}.png`, fullPage: true });
        }
      }
      for (const state of [all.mapChosen, all.attention, all.switchOff, all.layers])
        assert.deepEqual(await lowContrast(await open(state, theme)), []);
    });
  }
});
