import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { GuessingGame } from '../../src/core/guessing';
import { rankTokens } from '../../src/core/sampling';
import { Vocabulary } from '../../src/core/vocabulary';
import { tourScreens, type FromLesson, type LessonState, type TourFigure } from '../../src/views/lessonProtocol';
import { guessingState, samplingFigure, surpriseFigure, tokensFigure, type ScoredPassage } from '../../src/views/lessonState';
import { seriousFaults } from './axe';
import { lowContrast, send, servedPages, violationsOf } from './panelPage';
import { logProbabilities, rows, tuesday, vocabulary as vocabularyData, word } from './states';
import { themes, type Theme } from './themes';

const hostile = '<img src=x onerror="panelTest.violations.push(1)">';
const vocabulary = new Vocabulary(vocabularyData);
const model = 'SmolLM2-135M';

/** What the page needs of a passage, of tokens that are given as text; the actual token is the second row of each distribution. */
function passageOf(pieces: readonly string[], title = 'harbour.md, line 3'): ScoredPassage {
  let at = 0;
  const tokens = pieces.map((piece, index) => {
    const start = at;
    at += piece.length;
    const token = piece.startsWith(' ') ? word(piece.slice(1)) : [{ text: piece, glyph: false }];
    const surprisalBits = ((index * 37) % 90) / 10 + 0.4;
    const actual = {
      id: 800 + index,
      rank: 2,
      token,
      probability: 0.2,
      givenTyped: undefined,
      surprisalBits,
      position: 1,
      afterGap: false,
    };
    const distribution = { ...tuesday, rows: rows().slice(0, 4), actual, everythingElse: 0.15 };
    return { id: index, start, end: at, surprisalBits, entropyBits: 3, expected: [' Paris', piece, ' London'], distribution };
  });
  return {
    text: pieces.join(''),
    tokens,
    vocabularySize: 49_152,
    triesAllowed: 3,
    title,
    model,
    provenance: 'SmolLM2-135M-Instruct · q8 · native · window 1,024 · overlap 256 · noise 0.07 bit · ddae3a3e',
    stopsAfter: undefined,
  };
}

const sentence = 'The harbour was quiet before dawn. Two fishermen sat on an upturned crate and shared a flask of coffee, watching the fog';
const piecesOf = (text: string) => text.match(/ ?[^\s.,]+|[.,]/g) ?? [];
const short = passageOf(['The', ' har', 'bour', ' was', ' quiet', '.', ' The', ' end']);
const long = passageOf([...piecesOf(sentence), ...piecesOf(` ${sentence}`), ...piecesOf(` ${sentence}`)]);

const figures: Readonly<Record<string, TourFigure>> = {
  tokens: tokensFigure(passageOf(piecesOf(`${sentence} ${sentence}`)), vocabulary),
  distribution: { screen: 'distribution', before: 'The capital of France is', distribution: tuesday, entropyBits: 4.3 },
  surprise: surpriseFigure(passageOf(piecesOf(`${sentence} ${sentence}`)), vocabulary),
  sampling: samplingFigure(rankTokens(logProbabilities), vocabulary, 'The capital of France is', { temperature: 1, seed: 1 }),
  context: {
    screen: 'context',
    token: word('Tuesday'),
    columns: [2, 10, 57].map((contextTokens, index) => ({
      contextTokens,
      before: [' France is', ' harbour again. The capital of France is', `…${sentence} ${sentence}`][index] ?? '',
      probability: [0.001, 0.03, 0.4][index] ?? 0,
      bits: [10, 5.1, 1.3][index] ?? 0,
      rows: rows().slice(0, 3),
    })),
  },
};
const tourOf = (figure: TourFigure): LessonState => ({ kind: 'tour', title: 'Sample text', model, provenance: long.provenance, figure });
const message: LessonState = { kind: 'message', headline: 'Reading the passage', text: 'It runs here.', busy: true, mayChoose: false };
const tooShort: LessonState = {
  kind: 'message',
  headline: 'This passage is too short',
  text: 'Select more.',
  busy: false,
  mayChoose: true,
};

describe('lesson page', function () {
  this.timeout(120_000);
  const pages = servedPages('lesson', { usualWidth: 1000 });

  async function open(state?: LessonState, theme: Theme = 'vscode-light', width = 1000): Promise<Page> {
    const page = await pages.open(undefined, theme, width);
    if (state) await show(page, state);
    return page;
  }

  const show = (page: Page, state: LessonState) => send(page, { kind: 'show', state, saved: undefined });
  const posted = (page: Page) => page.evaluate(() => window.panelTest.posted as FromLesson[]);
  const status = (page: Page) => page.getByRole('status').textContent();
  const focused = (page: Page) => page.evaluate(() => document.activeElement?.id ?? '');

  /** Does as the extension does with what the page has said last. */
  async function answer(page: Page, game: GuessingGame, passage: ScoredPassage): Promise<void> {
    const last = (await posted(page)).at(-1);
    if (last?.kind === 'end') game.end();
    else if (last?.kind === 'enter' && last.step === game.moves.length) game.enter(last.text);
    else assert.fail(JSON.stringify(last));
    await show(page, guessingState(game, passage, false));
  }

  it('is played to its end by keyboard, with the focus always in the box, and says all that happens', async () => {
    const game = new GuessingGame(short);
    const page = await open(guessingState(game, short, false));
    assert.equal(await page.getByRole('region', { name: 'The text so far' }).innerText(), 'The har');
    const enter = async (text: string) => {
      assert.equal(await focused(page), 'guess');
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
      await answer(page, game, short);
    };
    await enter('bor');
    assert.match((await status(page)) ?? '', /It does not go on with “bor”\. 2 tries are left\./);
    await enter('bo');
    assert.match((await status(page)) ?? '', /It begins with “bo”, but the token is longer\. One try is left\./);
    await enter('bour');
    assert.match((await status(page)) ?? '', /The text goes on with bour\. Right at try 3\. SmolLM2-135M was right at guess 2\./);
    assert.equal(await page.locator('mark').textContent(), 'bour');
    assert.equal(await page.locator('tr[aria-current=true] th').textContent(), 'bour');
    assert.match(await page.getByRole('table').innerText(), /everything else/);
    await enter('ignored'); // goes on: nothing can be typed now
    assert.equal(await page.locator('mark').isVisible(), false);
    assert.match((await status(page)) ?? '', /Token 2 of 6\./);
    while (!game.isOver) await enter('');
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'How it went\nharbour.md, line 3'.replace('\n', ''));
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1');
    const { learner, modelGuessing } = guessingState(game, short, false) as Extract<LessonState, { kind: 'end' }>;
    const cells = await page.getByRole('table', { name: 'Both scores' }).locator('tbody tr').allInnerTexts();
    assert.equal(cells.length, 3);
    assert.deepEqual(cells[0]?.split(/\s+/).slice(1), [learner.bits.toFixed(1), (learner.bits / 6).toFixed(1), '0', '0', '1', '5']);
    assert.ok(cells[1]?.includes(modelGuessing.bits.toFixed(1)));
    assert.match((await status(page)) ?? '', /^By the same rule you needed .* it foresaw this text better than you did\.$/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.deepEqual((await posted(page)).at(-1), { kind: 'again' });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.deepEqual((await posted(page)).at(-1), { kind: 'another' });
    assert.deepEqual(await violationsOf(page), []);
  });

  it('tells each move once, though Enter is pressed twice, and ends at Escape', async () => {
    const page = await open(guessingState(new GuessingGame(short), short, false));
    await page.keyboard.type('bour');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    assert.deepEqual((await posted(page)).slice(1), [
      { kind: 'enter', step: 0, text: 'bour' },
      { kind: 'enter', step: 0, text: 'bour' },
    ]);
    const game = new GuessingGame(short);
    await answer(page, game, short);
    assert.equal(await page.locator('#guess').inputValue(), '');
    await page.keyboard.press('Escape');
    await answer(page, game, short);
    assert.match(await page.locator('main').innerText(), /1 of 6 tokens were played/);
  });

  it('gives the editor what brings the lesson back', async () => {
    const page = await open();
    const saved = { text: 'The harbour', title: 'harbour.md', moves: ['sea', ''], ended: false, screen: 0 };
    await send(page, { kind: 'show', state: message, saved });
    assert.deepEqual(await page.evaluate(() => window.panelTest.saved), saved);
  });

  it('holds nothing of the text that is still hidden', async () => {
    const page = await open(guessingState(new GuessingGame(short), short, false));
    assert.doesNotMatch(await page.content(), /quiet|bour\b.*was/);
  });

  it('moves nothing when a token is revealed', async () => {
    const game = new GuessingGame(long);
    const page = await open(undefined, 'vscode-light', 1280);
    await page.setViewportSize({ width: 1280, height: 720 });
    await show(page, guessingState(game, long, false));
    const places = () =>
      page.evaluate(() => ['.passage', '#guess', '.feedback', '.below', 'footer'].map(name => document.querySelector(name)?.getBoundingClientRect().top)); // prettier-ignore
    const before = await places();
    for (const move of ['wrong', 'Wrong', 'wrong again', '', 'x']) {
      game.enter(move);
      await show(page, guessingState(game, long, false));
      assert.deepEqual(await places(), before, move);
    }
  });

  it('keeps the focus of whoever went elsewhere by Tab, and what was typed when only a note comes', async () => {
    const game = new GuessingGame(short);
    const page = await open(guessingState(game, short, false));
    await page.keyboard.type('bo');
    await show(page, guessingState(game, short, true));
    assert.equal(await page.locator('#guess').inputValue(), 'bo');
    assert.match(await page.locator('.notes').innerText(), /The document has changed/);
    await page.keyboard.press('Shift+Tab');
    await show(page, guessingState(game, short, false));
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'The text so far');
  });

  it('keeps what is typed while a guess is on its way', async () => {
    const game = new GuessingGame(short);
    const page = await open(guessingState(game, short, false));
    await page.keyboard.type('sea');
    await page.keyboard.press('Enter');
    await page.keyboard.type('bo');
    game.enter('sea');
    await show(page, guessingState(game, short, false));
    assert.equal(await page.locator('#guess').inputValue(), 'bo');
    await page.keyboard.type('at');
    await page.keyboard.press('Enter');
    game.enter('boat');
    await show(page, guessingState(game, short, false));
    assert.equal(await page.locator('#guess').inputValue(), '');
  });

  it('keeps hostile texts as text', async () => {
    const bad = passageOf(['The', hostile, hostile, hostile, ' end'], hostile);
    const game = new GuessingGame(bad);
    const page = await open(guessingState(game, bad, false));
    for (const move of [hostile, '', hostile.slice(0, 9), '', '', '', '', '']) {
      game.enter(move);
      await show(page, guessingState(game, bad, false));
      assert.equal(await page.locator('img').count(), 0);
    }
    await show(page, tourOf({ screen: 'tokens', tokens: [{ id: 1, token: [{ text: hostile, glyph: false }] }] }));
    assert.equal(await page.locator('img').count(), 0);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('goes through the tour by keyboard, and its last screen leads on', async () => {
    const page = await open(tourOf(figures['tokens'] ?? assert.fail()));
    const asked = async () => (await posted(page)).at(-1);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Next');
    await page.keyboard.press('Enter');
    assert.deepEqual(await asked(), { kind: 'screen', screen: 1 });
    await show(page, tourOf(figures['distribution'] ?? assert.fail()));
    for (const [index, name] of tourScreens.entries()) {
      if (index > 0) assert.deepEqual(await asked(), { kind: 'screen', screen: index });
      await show(page, tourOf(figures[name] ?? assert.fail()));
      assert.match((await status(page)) ?? '', new RegExp(`^${String(index + 1)} of 5\\. `));
      await page.keyboard.press('ArrowRight');
    }
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Play the guessing game');
    assert.equal(await page.getByRole('button', { name: 'Next' }).count(), 0);
    await page.keyboard.press('Enter');
    assert.deepEqual(await asked(), { kind: 'game' });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.deepEqual(await asked(), { kind: 'panel' });
    await page.keyboard.press('ArrowLeft');
    assert.deepEqual(await asked(), { kind: 'screen', screen: 3 });
    // Faster than the screens come.
    for (const screen of [2, 1]) {
      await page.keyboard.press('ArrowLeft');
      assert.deepEqual(await asked(), { kind: 'screen', screen });
    }
    await show(page, tourOf(figures['sampling'] ?? assert.fail()));
    await page.keyboard.press('ArrowRight');
    assert.deepEqual(await asked(), { kind: 'screen', screen: 2 });
  });

  it('draws the contexts of a token by one scale', async () => {
    const context = figures['context'];
    assert.ok(context?.screen === 'context');
    const columns = [0.2, 0.4].map(probability => ({ ...(context.columns[0] ?? assert.fail()), rows: [{ token: word('sea'), probability }] })); // prettier-ignore
    const page = await open(tourOf({ ...context, columns }));
    const [half, whole] = await page.locator('.context .bar').evaluateAll(bars => bars.map(bar => bar.getBoundingClientRect().width));
    assert.ok(half && whole && Math.abs(half / whole - 0.5) < 0.02, `${String(half)} and ${String(whole)}`);
  });

  it('draws with the temperature and seed that are asked for, with the slider kept', async () => {
    const page = await open(tourOf(figures['sampling'] ?? assert.fail()));
    const slider = page.getByRole('slider', { name: 'Temperature' });
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    assert.deepEqual((await posted(page)).at(-1), { kind: 'draw', temperature: 0.9, seed: 1 });
    const cold = samplingFigure(rankTokens(logProbabilities), vocabulary, 'The capital of France is', { temperature: 0, seed: 1 });
    await show(page, tourOf(cold));
    assert.equal(await page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.type), 'range');
    const drawn = await page.getByRole('list', { name: 'Tokens drawn' }).getByRole('listitem').allInnerTexts();
    assert.deepEqual([...new Set(drawn)], ['·Paris']);
    assert.match(await page.getByRole('table', { name: 'Before and after the temperature' }).innerText(), /Paris\s+46\.1%\s+100%/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.deepEqual((await posted(page)).at(-1), { kind: 'draw', temperature: 0.9, seed: 2 });
  });

  for (const theme of themes) {
    it(`has readable text, no sideways scrolling and nothing serious for axe-core on any screen: ${theme}`, async () => {
      const guessing = new GuessingGame(long);
      const states: Record<string, LessonState> = { message, tooShort, begins: guessingState(guessing, long, false) };
      for (const move of ['sea', 'boat']) guessing.enter(move);
      states['tried'] = guessingState(guessing, long, true);
      guessing.enter('');
      states['revealed'] = guessingState(guessing, long, false);
      for (let step = 0; !guessing.isOver; step++) guessing.enter(step % 4 === 0 ? (['harbour', 'was', 'the', 'a'][step % 5] ?? '') : '');
      states['end'] = guessingState(guessing, long, true);
      for (const [name, figure] of Object.entries(figures)) states[`tour-${name}`] = tourOf(figure);
      for (const [width, height] of [
        [1280, 720],
        [640, 360], // the same screen, zoomed to 200%
        [320, 600],
      ] as const) {
        const page = await open(undefined, theme, width);
        await page.setViewportSize({ width, height });
        for (const [name, state] of Object.entries(states)) {
          await show(page, state);
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name}, ${width} px: scrolls sideways`);
          assert.deepEqual(await seriousFaults(page), [], `${name}, ${width} px`);
          assert.deepEqual(await lowContrast(page), [], `${name}, ${width} px`);
          if (process.env['PICTURES'] === undefined) continue;
          mkdirSync(process.env['PICTURES'], { recursive: true });
          const file = path.join(process.env['PICTURES'], `lesson-${name}-${theme}-${width}.png`);
          await page.screenshot({ path: file });
        }
        assert.deepEqual(await violationsOf(page), []);
      }
    });
  }
});
