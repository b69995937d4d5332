import assert from 'node:assert/strict';
import type { InfluenceState, SourceShown } from '../../src/views/explainInfluence';
import type { LengthsState } from '../../src/views/explainLengths';
import { fromExplain, toExplain } from '../../src/views/explainProtocol';
import type { ExplainState, ExplainTarget } from '../../src/views/explainProtocol';
import { seriousFaults } from './axe';
import { hostile, lowContrast, posted, rowsOf, servedPages, show, violationsOf } from './panelPage';
import { themes } from './themes';

const piece = (text: string) => [{ text, glyph: false }];

function source(key: string, level: SourceShown['level'], bits: number | undefined, more: Partial<SourceShown> = {}): SourceShown {
  const depth = key.split('.').length - 1;
  const isNoise = bits !== undefined && Math.abs(bits) < 0.3;
  const klBits = bits === undefined ? undefined : Math.abs(bits) / 2;
  const place = { start: 10, end: 24, firstLine: 3, lastLine: level === 'block' ? 5 : 3 };
  return {
    key,
    level,
    depth,
    name: undefined,
    ...place,
    text: `text ${key}`,
    bits,
    klBits,
    isNoise,
    isStrongest: false,
    finer: undefined,
    ...more,
  };
}

const influence: InfluenceState = {
  filler: 'startToken',
  parts: 'blocks',
  offer: undefined,
  progress: undefined,
  problem: undefined,
  isEmpty: false,
  sources: [
    source('0', 'block', -0.72, { finer: { level: 'line', cost: { tokens: 640, seconds: 2.2 } } }),
    source('1', 'block', 6.4, { isStrongest: true }),
    source('1.0', 'line', 5.25, { isStrongest: true, finer: { level: 'token', cost: { tokens: 1840, seconds: undefined } } }),
    source('1.1', 'line', 0.04),
    source('2', 'block', undefined),
  ],
  selected: undefined,
};
const lengths: LengthsState = {
  offer: undefined,
  progress: undefined,
  problem: undefined,
  points: [
    { tokens: 0, border: 'count', line: undefined, bits: 10.5, klBits: 10.4 },
    { tokens: 12, border: 'line', line: 7, bits: 0.61, klBits: 0.4 },
    { tokens: 60, border: 'whole', line: 1, bits: 0.3, klBits: 0 },
  ],
  needed: { least: 12, most: 12 },
  withinBits: 0.5,
};

function targetOf(section: ExplainTarget['section'], more: Partial<ExplainTarget> = {}): ExplainTarget {
  return {
    kind: 'target',
    place: 'harbour.ts, line 7',
    before: 'export function distance(a: ',
    token: piece('Point'),
    model: 'SmolLM2-135M',
    entropyBits: 1.2,
    contextTokens: 60,
    choices: [
      { token: piece('Point'), isActual: true, bits: 0.3 },
      { token: piece('number'), isActual: false, bits: 3.1 },
      { token: piece('Array'), isActual: false, bits: 5.5 },
    ],
    chosen: { a: 0, b: undefined },
    notOneToken: undefined,
    floor: { arithmetic: 'float32', bits: 0.001, isMeasured: true },
    stale: undefined,
    isPainted: true,
    provenance: 'SmolLM2-135M-Instruct · q8 · float32 · window 1,024 · noise 0.08 bit · ddae3a3e',
    example: undefined,
    section,
    ...more,
  };
}
const sources = targetOf({ id: 'influence', state: influence });
const curve = targetOf({ id: 'lengths', state: lengths });
const list = [
  { token: piece('Point'), probability: 0.81 },
  { token: piece('number'), probability: 0.1 },
];
const selected = targetOf({
  id: 'influence',
  state: { ...influence, selected: { key: '1.0', whole: list, without: [...list].reverse(), wholeBits: 0.3, withoutBits: 5.42 } },
});
const native = targetOf({ id: 'influence', state: influence }, { floor: { arithmetic: 'native', bits: 0.3, isMeasured: false } });
const running = targetOf({ id: 'influence', state: { ...influence, progress: { done: 3, all: 8 } } });
const offered = targetOf({
  id: 'influence',
  state: { ...influence, sources: [source('0', 'block', undefined)], offer: { tokens: 3400, seconds: 9.3 } },
});
const failed = targetOf({ id: 'lengths', state: { ...lengths, points: [], problem: 'The model ran out of memory.' } });
const stale = targetOf({ id: 'influence', state: influence }, { stale: 'text', isPainted: false });
const against = targetOf({ id: 'lengths', state: lengths }, { chosen: { a: 0, b: 1 } });
const asking: ExplainState = { kind: 'message', headline: 'Asking the model', text: 'It reads the text.', busy: true, mayPick: false };

describe('page about a prediction', function () {
  this.timeout(60_000);
  const { open, server } = servedPages('explain', { usualWidth: 620 });

  it('says ready first, and works under its policy with its two files', async () => {
    const page = await open();
    assert.deepEqual(await page.evaluate(() => window.panelTest.posted), [{ kind: 'ready' }]);
    for (const state of [asking, sources, selected, curve, failed, stale]) await show(page, state);
    await page.evaluate(() => window.dispatchEvent(new MessageEvent('message', { data: { kind: 'show', state: { kind: 'other' } } })));
    assert.equal(await page.locator('.stale-note').count(), 1, 'what is no state of the page is left alone');
    assert.deepEqual(await violationsOf(page), []);
    assert.deepEqual([...new Set(server().requests)].filter(url => url !== '/favicon.ico').sort(), ['/', '/explain.css', '/explain.js']);
  });

  it('names the target, its bits, whose prediction it is and how exact it is', async () => {
    const page = await open(sources);
    const all = await page.locator('main').innerText();
    for (const part of ['harbour.ts, line 7', '0.3 bits to SmolLM2-135M', 'it had read 60 tokens', 'exact (float32)', sources.provenance])
      assert.ok(all.includes(part), part);
    await show(page, native);
    assert.match(await page.locator('.arithmetic').innerText(), /own arithmetic, whose noise was not measured: effects below 0\.30 bits/);
    await show(page, against);
    assert.match(await page.locator('.sum').innerText(), /Point has 0\.3 bits, number has 3\.1: −2\.8 bits between them/);
  });

  it('lists parts with their sign, says which is strongest and which is noise, and what a finer look costs', async () => {
    const page = await open(sources);
    const rows = await rowsOf(page, /Nearest to the target first/);
    assert.deepEqual(
      rows.map(([part = '', , bits = '']) => [part.replaceAll(/\s+/g, ' '), bits]),
      [
        ['lines 3 to 5', '−0.72'],
        ['lines 3 to 5 strongest', '+6.4'],
        ['line 3 strongest', '+5.3'],
        ['line 3', '+0.040 noise'],
        ['lines 3 to 5', '…'],
      ],
    );
    assert.match(rows[2]?.[4] ?? '', /^Tokens\s+1,840 tokens$/);
    assert.match(rows[0]?.[4] ?? '', /^Lines\s+640 tokens, 3 s$/);
    // By more than its colour.
    assert.equal(await page.locator('tr.noise').count(), 1);
  });

  it('asks: for a part, a finer look, a filler, a token, one against another, a tab, a new target', async () => {
    const page = await open(sources);
    await page.locator('[data-key="part-1.0"]').click();
    await page.locator('[data-key="open-1.0"]').click();
    await page.getByLabel('In its place').selectOption('deletion');
    await page.getByLabel('Explain', { exact: true }).selectOption('2');
    await page.getByLabel('against').selectOption('1');
    await page.getByRole('tab', { name: 'Context length' }).click();
    await page.getByRole('button', { name: 'Explain the token at the cursor' }).click();
    await page.keyboard.press('Escape');
    assert.deepEqual(await posted(page), [
      { kind: 'section', section: 'influence', asked: { name: 'select', value: '1.0' } },
      { kind: 'section', section: 'influence', asked: { name: 'open', value: '1.0' } },
      { kind: 'section', section: 'influence', asked: { name: 'filler', value: 'deletion' } },
      { kind: 'choose', chosen: { a: 2, b: undefined } },
      { kind: 'choose', chosen: { a: 0, b: 1 } },
      { kind: 'tab', tab: 'lengths' },
      { kind: 'here' },
      { kind: 'unpaint' },
    ]);
    for (const message of await posted(page)) assert.deepEqual(fromExplain(message), message, 'the extension understands it');
  });

  it('takes a typed word, keeps it while it is drawn anew, and says when it is not one token', async () => {
    const page = await open(sources);
    await page.getByLabel('or this word').fill('<b>she');
    await show(page, running);
    assert.equal(await page.getByLabel('or this word').inputValue(), '<b>she');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-key')), 'typed');
    await page.keyboard.press('Enter');
    assert.deepEqual(await posted(page), [{ kind: 'type', text: '<b>she' }]);
    for (const message of await posted(page)) assert.deepEqual(fromExplain(message), message, 'the extension understands it');
    for (const text of ['', 'x'.repeat(61), 7]) assert.equal(fromExplain({ kind: 'type', text }), undefined);
    await show(page, targetOf({ id: 'influence', state: influence }, { notOneToken: '<b>she' }));
    assert.equal(await page.getByLabel('or this word').inputValue(), '');
    assert.match(await page.locator('.chosen [role=status]').innerText(), /“<b>she” is not one token/);
  });

  it('shows what is predicted with and without a part side by side', async () => {
    const page = await open(selected);
    assert.deepEqual(await page.locator('table.list caption').allInnerTexts(), [
      'With the whole context · 0.3 bits',
      'Without it · 5.4 bits',
    ]);
    const tokens = await page.locator('table.list').evaluateAll(tables => tables.map(each => each.querySelector('.token')?.textContent));
    assert.deepEqual(tokens, ['Point', 'number']);
    assert.equal(await page.locator('[aria-pressed="true"]').count(), 1);
  });

  it('shows lengths as a curve and as a table, and how many tokens are enough', async () => {
    const page = await open(curve);
    assert.match(await page.locator('.verdict').innerText(), /^It needs 12 tokens to be within 0\.5 bit\./);
    assert.deepEqual(await rowsOf(page, /Context length/), [
      ['0', '', '10.5', '10.4'],
      ['12', 'beginning of line 7', '0.6', '0.4'],
      ['60', 'the whole context', '0.3', '0.0'],
    ]);
    const at = await page
      .locator('circle.bits')
      .evaluateAll(all => all.map(each => [each.getAttribute('cx'), each.getAttribute('cy')].map(Number)));
    assert.ok(at.length === 3 && (at[0]?.[0] ?? 0) < (at[1]?.[0] ?? 0) && (at[1]?.[0] ?? 0) < (at[2]?.[0] ?? 0));
    assert.ok((at[0]?.[1] ?? 0) < (at[1]?.[1] ?? 0) && (at[1]?.[1] ?? 0) < (at[2]?.[1] ?? 0), 'more bits are higher');
  });

  it('tells what a run costs, how far it is, how to end it, and what went wrong', async () => {
    const page = await open(offered);
    assert.match(await page.locator('.run').innerText(), /about 3,400 tokens to read, 10 seconds/);
    await page.getByRole('button', { name: 'Find the strongest lines' }).focus();
    await page.keyboard.press('Enter');
    await show(page, running);
    // The button that had the focus is gone.
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'section');
    assert.equal(await page.getByRole('status').innerText(), '3 of 8');
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(await posted(page), [
      { kind: 'section', section: 'influence', asked: { name: 'run' } },
      { kind: 'section', section: 'influence', asked: { name: 'cancel' } },
    ]);
    await show(page, failed);
    assert.equal(await page.getByRole('alert').innerText(), 'The model ran out of memory.');
  });

  it('says that numbers are of before, and lets nothing be asked about them but to ask again', async () => {
    const page = await open(stale);
    assert.match(await page.locator('.stale-note').innerText(), /The text has changed: these numbers are of before/);
    assert.equal(await page.locator('#section button:enabled').count(), 0);
    await page.getByRole('button', { name: 'Ask again' }).click();
    assert.deepEqual(await posted(page), [{ kind: 'again' }]);
  });

  it('can be used by keyboard alone, and keeps the focus when it is drawn anew', async () => {
    const page = await open(sources);
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-key'));
    await page.getByRole('tab', { name: 'Influence' }).focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(), 'tab-lengths');
    assert.deepEqual(await posted(page), [{ kind: 'tab', tab: 'lengths' }]);
    await show(page, curve);
    assert.equal(await focused(), 'tab-lengths');
    await show(page, sources);
    await page.locator('[data-key="part-0"]').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'Enter']) await page.keyboard.press(key);
    await show(page, selected);
    assert.equal(await focused(), 'part-1');
    assert.deepEqual((await posted(page)).at(-1), { kind: 'section', section: 'influence', asked: { name: 'select', value: '1' } });
  });

  it('keeps hostile names and texts as text', async () => {
    const bad = targetOf(
      { id: 'influence', state: { ...influence, sources: [source('0', 'token', 1, { text: hostile })], problem: hostile } },
      {
        place: hostile,
        before: hostile,
        token: piece(hostile),
        choices: [{ token: piece(hostile), isActual: true, bits: 1 }],
        provenance: hostile,
      },
    );
    const page = await open(bad);
    assert.equal(await page.locator('img, main script').count(), 0);
    assert.equal(await page.locator('.target').textContent(), hostile);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('is told nothing that it does not know, and tells nothing that the extension does not', () => {
    assert.ok(toExplain({ kind: 'show', state: asking }) && toExplain({ kind: 'show', state: curve }));
    for (const message of [undefined, 1, {}, { kind: 'show' }, { kind: 'show', state: { kind: 'target', section: { id: 'x' } } }])
      assert.equal(toExplain(message), undefined);
    const wrong = [
      { kind: 'tab', tab: 'constructor' },
      { kind: 'choose', chosen: { a: -1 } },
      { kind: 'choose', chosen: { a: 1, b: 1 } },
      { kind: 'go', start: 5, end: 4 },
      { kind: 'section', section: 'lengths', asked: {} },
      { kind: 'section', section: 'lengths', asked: { name: 'run', value: {} } },
      { kind: 'section', section: 'none', asked: { name: 'run' } },
    ];
    for (const message of wrong) assert.equal(fromExplain(message), undefined, JSON.stringify(message));
  });

  for (const theme of themes) {
    it(`has readable text and no sideways scrolling at any width: ${theme}`, async () => {
      for (const width of [320, 620, 1000]) {
        const page = await open(undefined, theme, width);
        for (const [name, state] of Object.entries({ sources, selected, curve, running, stale })) {
          await show(page, state);
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name}, ${width} px: scrolls sideways`);
          if (width === 620) assert.deepEqual(await seriousFaults(page), [], name);
          if (process.env['PICTURES'] !== undefined)
            await page.screenshot({ path: `${process.env['PICTURES']}/explain-${name}-${theme}-${width}.png`, fullPage: true });
        }
      }
      for (const state of [selected, against]) assert.deepEqual(await lowContrast(await open(state, theme)), []);
    });
  }
});
