/** Usage: node engine.js LINES.json WORKSPACE: measures the model process; leaves what the part in VS Code needs in WORKSPACE. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rowState } from '../src/core/scores';
import type { Span } from '../src/core/scores';
import { carriedRows } from '../src/core/rowReuse';
import type { WindowedTable } from '../src/core/rowReuse';
import { tableOf } from '../src/core/scoreTable';
import { sourcesOf } from '../src/core/influence';
import type { Source } from '../src/core/influence';
import { windowsOf } from '../src/core/window';
import type { Window } from '../src/core/window';
import { ModelError } from '../src/model/errors';
import type { TextTokenizer } from '../src/model/tokens';
import { Baselines } from './baselineProcess';
import type { BaselineCall } from './baselines';
import { extremes, interleaved, median, quartiles, randomNumbers, ratioLine, rest, timed } from './measure';
import type { Line } from './measure';
import { ModelProcess, scoringSettings, snapshotBytes } from './modelProcess';
import type { Document } from './modelProcess';
import {
  bundledTokenizer,
  firstTokens,
  headsName,
  layoutOf,
  linesOfProse,
  longMarkdown,
  longTextName,
  prose,
  recordedTyping,
  typingName,
} from './texts';
import type { BenchText, Head } from './texts';

const contextTokens = 1024;
const visibleTokens = 400;
/** The bundled model's. */
const startTokenId = 0;
/** The editor's: after the last key, before the model is asked. */
const debounceMs = 250;
/** Places where ghost text is asked for; the first is not counted. */
const headCount = 8;

class EngineBench {
  readonly lines: Line[] = [];
  readonly #tokenizer: TextTokenizer;
  readonly #long: BenchText;
  readonly #cacheFolder: string;

  /** `long`: the 20,000-token text. `cacheFolder`: as in `LoadParams`. */
  constructor(tokenizer: TextTokenizer, long: BenchText, cacheFolder: string) {
    this.#tokenizer = tokenizer;
    this.#long = long;
    this.#cacheFolder = cacheFolder;
  }

  async run(): Promise<void> {
    await this.#startUp();
    const arenaOn = await this.#start(true);
    try {
      await this.#tenWindows(arenaOn, 'arena on', 850e6);
      await this.#scoring(arenaOn);
      await this.#rescoring(arenaOn);
      await this.#firstColours(arenaOn);
      await this.#memory(arenaOn, 'edits and first colours, arena on');
    } finally {
      arenaOn.stop();
    }
    await this.#exact();
    await this.#influence();
    const arenaOff = await this.#start(false);
    try {
      await this.#tenWindows(arenaOff, 'arena off', 650e6 + snapshotBytes);
      await this.#editing(arenaOff);
      await this.#memory(arenaOff, 'typing in the 20,000-token text, arena off');
    } finally {
      arenaOff.stop();
    }
    await this.#idle();
  }

  #add(line: Line): void {
    this.lines.push(line);
    process.stderr.write(`  ${line.what}: ${line.value.toPrecision(3)} ${line.unit}\n`);
  }

  async #start(arena: boolean): Promise<ModelProcess> {
    const started = await ModelProcess.start({ arena, cacheFolder: this.#cacheFolder });
    if (started.head !== 'grafted')
      throw new Error('The scoring head was not grafted on the bundled model: these would be figures of the plain path.');
    return started;
  }

  /** Prose of so many tokens that no round has seen: kept caches are of no use from its first token on. */
  #freshText(tokens: number, kind: string, round: number): Promise<BenchText> {
    return firstTokens(this.#tokenizer, `${kind} ${round}. ${prose()}`, tokens);
  }

  /** From the text to all scores, tokenising and messages between the processes included. */
  async #scoreOnce(document: Document, text: string): Promise<number> {
    const ms = await timed(async () => {
      await document.open(text);
      await document.score();
    });
    return ms;
  }

  async #startUp(): Promise<void> {
    const starts: number[] = [];
    for (let round = 0; round < 4; round++) {
      starts.push(
        await timed(async () => {
          (await this.#start(true)).stop();
        }),
      );
    }
    const [first = NaN, ...later] = starts;
    this.#add({
      what: 'start-up: model process and model',
      value: median(later),
      unit: 'ms',
      n: later.length,
      spread: extremes(later),
      note: `the very first one ${Math.round(first)} ms`,
    });
  }

  async #scoring(arenaOn: ModelProcess): Promise<void> {
    const tokens = 1000;
    const arenaOff = await this.#start(false);
    const baselines = new Baselines();
    try {
      const ours = new Map<string, number>();
      const check = (text: BenchText, bits: number) => {
        const other = ours.get(text.text) ?? bits;
        ours.set(text.text, bits);
        if (Math.abs(other - bits) > 1e-3 * bits) throw new Error(`Both sides should score the same: ${other} and ${bits} bits.`);
      };
      // `name`: of the comparison, so that no other one has scored its texts before.
      const side = (model: ModelProcess, name: string, count: number) => async (round: number) => {
        const text = await this.#freshText(count, name, round);
        const document = model.document('grid');
        const ms = await this.#scoreOnce(document, text.text);
        check(text, document.totalBits);
        await document.close();
        return ms;
      };
      const reference = (kind: BaselineCall['kind'], name: string, count: number) => async (round: number) => {
        const text = await this.#freshText(count, name, round);
        const ids = [...text.layout.ids];
        const answer = await baselines.call({ kind, inputs: [startTokenId, ...ids.slice(0, -1)], labels: ids });
        if (!Number.isNaN(answer.bits)) check(text, answer.bits);
        return answer.ms;
      };
      const times = await interleaved(
        { rounds: 11, warmUp: 1 },
        {
          on: side(arenaOn, 'Forward', tokens),
          bareOn: reference('bare, arena on', 'Forward', tokens),
          off: side(arenaOff, 'Forward', tokens),
          bareOff: reference('bare, arena off', 'Forward', tokens),
        },
      );
      this.#add(
        ratioLine('scoring 1,000 tokens / bare forward pass, arena on', times.on, times.bareOn, { budget: { atMost: 1.1, noise: 0.03 } }),
      );
      // Stricter than like with like: people who leave the runtime's options alone have the arena on.
      this.#add(
        ratioLine('scoring 1,000 tokens with the arena off / bare forward pass with it on', times.off, times.bareOn, {
          budget: { atMost: 1.2, noise: 0.03 },
        }),
      );
      this.#add(ratioLine('... / bare forward pass, both with the arena off', times.off, times.bareOff));
      this.#add({
        what: 'speed of scoring, arena on',
        value: (tokens / median(times.on)) * 1000,
        unit: 'tokens/s',
        n: times.on.length,
      });
      const naive = await interleaved(
        { rounds: 5, warmUp: 1 },
        { library: reference('transformers.js', 'Naive', tokens), on: side(arenaOn, 'Naive', tokens) },
      );
      this.#add(
        ratioLine('transformers.js, all logits and one pass in JavaScript / scoring', naive.library, naive.on, {
          budget: { atLeast: 1.6, noise: 0.05 },
        }),
      );
      const few = 128;
      const sorts = await interleaved(
        { rounds: 2, warmUp: 1 },
        { on: side(arenaOn, 'Sort', few), library: reference('transformers.js, full sort', 'Sort', few) },
      );
      this.#add(ratioLine('transformers.js, every row sorted whole / scoring, 128 tokens', sorts.library, sorts.on));
    } finally {
      arenaOff.stop();
      baselines.stop();
    }
  }

  async #exact(): Promise<void> {
    const model = await this.#start(true);
    try {
      const side = (arithmetic: 'native' | 'float32') => async (round: number) => {
        const document = model.document('grid', arithmetic);
        const ms = await this.#scoreOnce(document, (await this.#freshText(1000, 'Exact', round)).text);
        await document.close();
        return ms;
      };
      const times = await interleaved({ rounds: 4, warmUp: 1 }, { float32: side('float32'), native: side('native') });
      this.#add(
        ratioLine('exact / native arithmetic, 1,000 tokens', times.float32, times.native, { budget: { atMost: 1.8, noise: 0.05 } }),
      );
    } finally {
      model.stop();
    }
  }

  /**
   * What each of 50 lines does for the prediction after 1,000 tokens, in float32 arithmetic: first the target itself, on a text that is only open, then
   * four blocks, then the lines of the farthest block, which cost most.
   */
  async #influence(): Promise<void> {
    const model = await this.#start(true);
    const tokens = 1000;
    const textOf = (kind: string, round: number) => linesOfProse(this.#tokenizer, `${kind} ${round}.`, 50, tokens);
    try {
      const times = { whole: [] as number[], blocks: [] as number[], first: [] as number[], lines: [] as number[] };
      const counts: number[] = [];
      const warmUp = 1;
      for (let round = 0; round < warmUp + 3; round++) {
        await rest();
        const scored = model.document('grid', 'float32');
        const whole = await this.#scoreOnce(scored, (await textOf('Whole', round)).text);
        await scored.close();
        await rest();
        const { text, layout } = await textOf('Influence', round);
        const document = model.document('grid', 'float32');
        await document.open(text);
        const sources = (level: 'block' | 'line', within?: Source['rows']) => sourcesOf(layout, text, 0, tokens, level, within);
        const run = (of: readonly Source[]) =>
          timed(async () => {
            for (const { rows } of of) await document.without(tokens, rows);
          });
        const [nearest, ...others] = sources('block');
        const farthest = others.at(-1);
        if (!nearest || !farthest || others.length !== 3) throw new Error('The lines should make four blocks.');
        // The page shows its target by then.
        const target = await timed(() => document.target(tokens));
        const first = await run([nearest]);
        const blocks = target + first + (await run(others));
        const lines = sources('line', farthest.rows);
        const ofLines = await run(lines);
        await document.close();
        if (round < warmUp) continue;
        counts.push(lines.length);
        for (const [name, ms] of [
          ['whole', whole],
          ['first', first],
          ['blocks', blocks],
          ['lines', ofLines],
        ] as const) {
          times[name].push(ms);
        }
      }
      const note = 'replaced by the start token; the whole context read once among them';
      this.#add(
        ratioLine(
          'influence of four blocks of 50 lines on what follows 1,000 tokens / a full score, both exact',
          times.blocks,
          times.whole,
          {
            budget: { atMost: 3.5, noise: 0.15 },
            note,
          },
        ),
      );
      this.#add(
        ratioLine('... of the lines of the farthest block / a full score', times.lines, times.whole, {
          budget: { atMost: 10, noise: 0.4 },
          note: `${counts.join(', ')} lines`,
        }),
      );
      this.#add(
        ratioLine('... from the target being shown to the first number, of the nearest block / a full score', times.first, times.whole, {
          budget: { atMost: 0.4, noise: 0.05 },
        }),
      );
      this.#add({
        what: '... the same in seconds',
        value: median(times.first) / 1000,
        unit: 's',
        budget: { atMost: 1, noise: 0 },
        n: times.first.length,
        spread: extremes(times.first.map(ms => ms / 1000)),
      });
    } finally {
      model.stop();
    }
  }

  /** Each round scores a new text of 1,000 tokens, then types three letters at its end and two in its middle, each time until all is scored. */
  async #rescoring(model: ModelProcess): Promise<void> {
    for (const anchors of ['text', 'grid'] as const) {
      const times = { whole: [] as number[], end: [] as number[], middle: [] as number[] };
      const warmUp = 1;
      for (let round = 0; round < warmUp + 4; round++) {
        const { text } = await this.#freshText(1000, `Edits ${anchors}`, round);
        const document = model.document(anchors);
        await rest();
        const whole = await this.#scoreOnce(document, text);
        const middle = text.lastIndexOf(' ', text.length / 2);
        for (const [where, places] of [
          ['end', 3],
          ['middle', 2],
        ] as const) {
          for (let letter = 0; letter < places; letter++) {
            await rest();
            const at = where === 'end' ? document.text.length : middle;
            const ms = await timed(async () => {
              await document.edit(at, at, 'kqz'.charAt(letter));
              await document.score();
            });
            if (round < warmUp) continue;
            times[where].push(ms);
            if (where === 'end') times.whole.push(whole);
          }
        }
        await document.close();
      }
      const named = anchors === 'text' ? 'text anchors' : 'grid';
      this.#add(
        ratioLine(`one character at the end of 1,000 tokens / all of them, ${named}`, times.end, times.whole, {
          budget: { atMost: 0.06, noise: 0.005 },
        }),
      );
      const wholeTwice = times.whole.filter((_, index) => index % 3 < 2);
      this.#add(ratioLine(`... in the middle, ${named}`, times.middle, wholeTwice, { budget: { atMost: 0.7, noise: 0.03 } }));
    }
  }

  /** A cold document of 20,000 tokens that is opened at, or scrolled to, the places where the windows make it hardest; cursor moves there. */
  async #firstColours(model: ModelProcess): Promise<void> {
    const text = this.#long;
    const windows = windowsInEditor(text);
    const places = hardestPlaces(text, windows);
    const reference: number[] = [];
    const cold: Sight[] = [];
    const scrolled: Sight[] = [];
    const moves: { readonly ms: number; readonly tokens: number }[] = [];
    const passes = 3;
    for (let pass = 0; pass < passes; pass++) {
      const windowMs: number[] = [];
      const found: { readonly into: Sight[]; readonly place: number; readonly sight: FirstSight }[] = [];
      // Scrolling: from the beginning, while what follows it is scored, to each of the three hardest places.
      const all = [
        ...places.map(place => ({ place, how: 'open' as const })),
        ...places.slice(0, 3).map(place => ({ place, how: 'scroll' as const })),
      ];
      for (const [index, { place, how }] of all.entries()) {
        await rest();
        if (index % 2 === 0) windowMs.push(await this.#oneWindow(model, pass * all.length + index));
        await rest();
        const document = model.document('text');
        const sight = await firstSight(model, document, place, text, windows, how);
        found.push({ into: how === 'open' ? cold : scrolled, place, sight });
        if (pass === 0 && how === 'open') moves.push(...(await cursorMoves(model, document, text, place)));
        await document.close();
      }
      for (const { into, place, sight } of found) into.push({ place, ...sight, windowMs: median(windowMs) });
      reference.push(...windowMs);
    }
    const window = median(reference);
    const worst = (sights: readonly Sight[], pick: (sight: Sight) => number, what: string, atMost: number) => {
      const byPlace = [...new Set(sights.map(({ place }) => place))].map(place => {
        const own = sights.filter(sight => sight.place === place);
        return { place, ms: median(own.map(pick)), ratio: median(own.map(sight => pick(sight) / sight.windowMs)) };
      });
      const ratios = byPlace.map(({ ratio }) => ratio);
      const slowest = byPlace.reduce((a, b) => (b.ratio > a.ratio ? b : a));
      this.#add({
        what,
        value: slowest.ratio,
        unit: 'x',
        budget: { atMost, noise: 0.05 },
        mediansMs: [slowest.ms, window],
        n: sights.length,
        spread: { of: 'best and median place', low: Math.min(...ratios), high: median(ratios) },
        note: `worst of ${byPlace.length} places, each the median of ${passes} passes: at token ${slowest.place}`,
      });
    };
    worst(cold, ({ firstMs }) => firstMs, 'first painted cell on the screen, 20,000 tokens, cold / one full window', 1.3);
    worst(cold, ({ allMs }) => allMs, '... all of the screen (400 tokens)', 2);
    worst(scrolled, ({ firstMs }) => firstMs, '... first cell after scrolling during scoring', 1.3);
    worst(scrolled, ({ allMs }) => allMs, '... all of the screen after scrolling during scoring', 2);
    const ratios = moves.map(({ ms }) => ms / window);
    this.#add({
      what: 'cursor move on the screen / one full window',
      value: median(ratios),
      unit: 'x',
      mediansMs: [median(moves.map(({ ms }) => ms)), window],
      n: moves.length,
      spread: quartiles(ratios),
    });
    const run = moves.map(({ tokens }) => tokens);
    this.#add({
      what: 'tokens run for a cursor move, median',
      value: median(run),
      unit: 'tokens',
      n: run.length,
      spread: extremes(run),
    });
  }

  async #oneWindow(model: ModelProcess, round: number): Promise<number> {
    const document = model.document('text');
    const ms = await this.#scoreOnce(document, (await this.#freshText(contextTokens, 'Window', round)).text);
    await document.close();
    return ms;
  }

  /** The 20,000-token text scored once, then one character typed at many places, then a recorded session; memory along the way. */
  async #editing(model: ModelProcess): Promise<void> {
    const text = this.#long;
    const document = model.document('text');
    await document.open(text.text);
    const before = await model.measure();
    const wholeMs = await timed(() => document.score());
    const whole = difference(before, await model.measure());
    this.#add({
      what: 'the 20,000-token text scored once: tokens run',
      value: whole.tokensRun,
      unit: 'tokens',
      n: 1,
      note: `${(wholeMs / 1000).toFixed(1)} s, ${whole.cpuSeconds.toFixed(1)} CPU seconds`,
    });

    const counts: { readonly tokens: number; readonly where: string }[] = [];
    for (const { at, where, character } of typingPlaces(text, windowsInEditor(text))) {
      const offset = Math.min(at, document.text.length);
      await document.edit(offset, offset, character);
      const { tokensRun } = await document.score({ visible: [{ start: Math.max(0, offset - 700), end: offset + 700 }] });
      counts.push({ tokens: tokensRun, where });
    }
    const worst = counts.reduce((a, b) => (b.tokens > a.tokens ? b : a));
    const tokens = counts.map(count => count.tokens);
    this.#add({
      what: 'one character typed anywhere in 20,000 tokens: tokens run, worst place',
      value: worst.tokens,
      unit: 'tokens',
      budget: { atMost: 3 * contextTokens, noise: 0 },
      n: counts.length,
      spread: { of: 'least and median', low: Math.min(...tokens), high: median(tokens) },
      note: `worst: ${worst.where}; ${counts
        .slice(0, 3)
        .map(({ where, tokens: run }) => `${where} ${run}`)
        .join(', ')}`,
    });

    const session = await typingSession(model, document);
    this.#add({
      what: 'typing 1,000 recorded characters into 20,000 tokens: tokens run',
      value: session.tokensRun,
      unit: 'tokens',
      n: 1,
      note: `${session.runs} runs after pauses of ${debounceMs} ms, ${session.cancelled} of them ended by the next key; ${session.cpuSeconds.toFixed(1)} CPU seconds for ${Math.round(session.recordedSeconds)} s of typing`,
    });
    this.#add({
      what: '... CPU seconds / those of scoring the whole text once',
      value: session.cpuSeconds / whole.cpuSeconds,
      unit: 'x',
      n: 1,
    });
  }

  /** Each of its own text, so that as many caches are kept as may be. */
  async #tenWindows(model: ModelProcess, what: string, atMostBytes: number): Promise<void> {
    for (let window = 0; window < 10; window++) await this.#oneWindow(model, 1000 + window);
    await this.#memory(model, `ten windows, ${what}`, atMostBytes);
  }

  /** `atMostBytes`: the budget; without one, only reported. */
  async #memory(model: ModelProcess, after: string, atMostBytes?: number): Promise<void> {
    const { residentBytes, snapshotBytes: kept, tokensRun } = await model.measure();
    const peak = model.peakBytes;
    const notes = [
      `${tokensRun.toLocaleString('en')} tokens run`,
      `${Math.round(kept / 1e6)} MB of it caches kept`,
      ...(peak === undefined ? [] : [`at most ${Math.round(peak / 1e6)} MB at any time`]),
    ];
    this.#add({
      what: `memory of the model process after ${after}`,
      value: residentBytes / 1e6,
      unit: 'MB',
      ...(atMostBytes === undefined ? {} : { budget: { atMost: atMostBytes / 1e6, noise: 10 } }),
      n: 1,
      note: notes.join(', '),
    });
  }

  async #idle(): Promise<void> {
    const model = await ModelProcess.start({ arena: true, cacheFolder: this.#cacheFolder, idleMs: 300 });
    const { processId } = model;
    await new Promise(resolve => setTimeout(resolve, 1500));
    this.#add({
      what: 'model processes left after idle',
      value: processId !== undefined && isRunning(processId) ? 1 : 0,
      unit: 'processes',
      budget: { atMost: 0, noise: 0 },
      n: 1,
    });
    model.stop();
  }
}

/** How long a place took to be coloured. */
interface FirstSight {
  readonly firstMs: number;
  readonly allMs: number;
}

interface Sight extends FirstSight {
  /** The first token on the screen. */
  readonly place: number;
  /** One full window, median of the same pass. */
  readonly windowMs: number;
}

function windowsInEditor({ text, layout }: BenchText): Window[] {
  const startsLine = (index: number) => text.charCodeAt((layout.starts[index] ?? 0) - 1) === 0x0a;
  return windowsOf({ ids: layout.ids, length: layout.ids.length, startsLine }, scoringSettings('text'));
}

/** Tokens that have to be run before the first, and before all, of the tokens from `place` on a screen are scored, window by window. */
function tokensBefore(windows: readonly Window[], place: number) {
  const end = place + visibleTokens;
  const shown = windows.filter(window => window.scoreFrom < end && window.end > place);
  const [first] = shown;
  return {
    first: first ? Math.max(place, first.scoreFrom) - first.start : 0,
    all: shown.reduce((sum, window) => sum + Math.min(window.end, end) - window.start, 0),
  };
}

/** First tokens of screens: the two with most to run for the whole of it, the one with most for its first cell, the beginning, the end, one in between. */
function hardestPlaces({ layout }: BenchText, windows: readonly Window[]): number[] {
  const last = layout.ids.length - visibleTokens;
  const all = Array.from({ length: last }, (_, place) => ({ place, ...tokensBefore(windows, place) }));
  const found: number[] = [];
  const take = (worth: (candidate: (typeof all)[number]) => number) => {
    // Far from those that were taken: their windows would still be known.
    const free = all.filter(({ place }) => found.every(other => Math.abs(other - place) > 3 * contextTokens));
    const best = free.reduce<(typeof all)[number] | undefined>((a, b) => (a && worth(a) >= worth(b) ? a : b), undefined);
    if (best) found.push(best.place);
  };
  take(({ all: tokens }) => tokens);
  take(({ all: tokens }) => tokens);
  take(({ first }) => first);
  return [...found, 0, last, Math.round(last / 2)];
}

/** Opens the document at a place, or scrolls there while its beginning and what follows is scored. Ends the run when the place is coloured. */
async function firstSight(
  model: ModelProcess,
  document: Document,
  place: number,
  { text, layout }: BenchText,
  windows: readonly Window[],
  how: 'open' | 'scroll',
): Promise<FirstSight> {
  const visible = spanOf(layout, place);
  const abort = new AbortController();
  let started = performance.now();
  let firstMs: number | undefined;
  let allMs: number | undefined;
  let scrolling = how === 'open';
  const before = (await model.measure()).tokensRun;
  started = performance.now();
  await document.open(text);
  const run = document.score({
    visible: [how === 'open' ? visible : spanOf(layout, 0)],
    signal: abort.signal,
    onRows: ({ states }) => {
      if (!scrolling) {
        // The beginning is done and one more chunk: what is scored now shows nowhere.
        if (states.subarray(0, visibleTokens + 1).includes(rowState.pending)) return;
        scrolling = true;
        started = performance.now();
        void document.show([visible]);
        return;
      }
      const shown = states.subarray(place, place + visibleTokens);
      if (firstMs === undefined && shown.some(state => state !== rowState.pending)) firstMs = performance.now() - started;
      if (allMs === undefined && !shown.includes(rowState.pending)) {
        allMs = performance.now() - started;
        abort.abort();
      }
    },
  });
  await run.catch((error: unknown) => {
    if (ModelError.from(error).code !== 'cancelled') throw error;
  });
  if (firstMs === undefined || allMs === undefined) throw new Error('The place on the screen was never coloured.');
  const tokens = (await model.measure()).tokensRun - before;
  // Windows may begin with the same few ids, the start token to begin with: so much of a cache is of use.
  if (tokens < tokensBefore(windows, place).all - 50) throw new Error('Caches of another round were used: the document was not cold.');
  return { firstMs, allMs };
}

/** The UTF-16 span of the screen that begins with this token. */
function spanOf(layout: BenchText['layout'], place: number): Span {
  return { start: layout.starts[place] ?? 0, end: layout.ends[place + visibleTokens - 1] ?? 0 };
}

/** The cursor goes to token starts on the screen that has just been scored. */
async function cursorMoves(model: ModelProcess, document: Document, { layout }: BenchText, place: number) {
  const random = randomNumbers(place);
  const moves: { readonly ms: number; readonly tokens: number }[] = [];
  for (let move = 0; move < 6; move++) {
    const token = place + 1 + random(visibleTokens - 1);
    await rest();
    const before = (await model.measure()).tokensRun;
    const ms = await timed(() => document.next(layout.starts[token] ?? 0));
    moves.push({ ms, tokens: (await model.measure()).tokensRun - before });
  }
  return moves;
}

interface TypingPlace {
  /** UTF-16 offset. */
  readonly at: number;
  readonly where: string;
  readonly character: string;
}

/** Start, middle and end; random places; and those, of a thousand that are worked out, where most has to be run again. */
function typingPlaces({ text, layout }: BenchText, windows: readonly Window[]): TypingPlace[] {
  const random = randomNumbers(4);
  const offsetOf = (token: number) => layout.starts[token] ?? 0;
  const middle = text.indexOf(' ', text.length / 2);
  const places: TypingPlace[] = [
    { at: 0, where: 'start', character: 'k' },
    { at: middle, where: 'middle', character: 'k' },
    { at: text.length, where: 'end', character: 'k' },
  ];
  for (let index = 0; index < 12; index++) {
    const at = random(text.length);
    places.push({ at, where: `character ${at}`, character: ['k', ' ', '\n', '.'][index % 4] ?? 'k' });
  }
  const table = tableOf({ topCount: 1, watchCount: 0, ...layout }, undefined, []);
  const candidates = Array.from({ length: 1000 }, (_, index) => {
    const token = Math.floor((index * layout.ids.length) / 1000);
    const character = index % 2 === 0 ? 'k' : '\n';
    return { token, character, tokens: tokensAfterEdit(text, { table, windows }, token, character) };
  }).sort((a, b) => b.tokens - a.tokens);
  const taken: number[] = [];
  for (const { token, character } of candidates) {
    if (taken.length === 8) break;
    if (taken.some(other => Math.abs(other - token) < contextTokens)) continue; // another place in the same windows
    taken.push(token);
    places.push({ at: offsetOf(token), where: `character ${offsetOf(token)}, one of the worst by calculation`, character });
  }
  return places;
}

/** Tokens to run when a token is put in at this place, kept caches not counted. */
function tokensAfterEdit(text: string, previous: WindowedTable, token: number, character: string): number {
  const { ids, starts, length } = previous.table;
  const edited = new Int32Array(length + 1);
  edited.set(ids.subarray(0, token));
  edited[token] = 1000; // any other will do
  edited.set(ids.subarray(token), token + 1);
  const wasLineStart = (index: number) => text.charCodeAt((starts[index] ?? 0) - 1) === 0x0a;
  const startsLine = (index: number) => (index === token + 1 ? character === '\n' : wasLineStart(index <= token ? index : index - 1));
  const windows = windowsOf({ ids: edited, length: length + 1, startsLine }, scoringSettings('text'));
  const isKnown = new Uint8Array(length + 1);
  for (const { to, count } of carriedRows(previous, edited, windows)) isKnown.fill(1, to, to + count);
  return windows.reduce((sum, { start, scoreFrom, end }) => {
    const lastUnknown = isKnown.subarray(scoreFrom, end).lastIndexOf(0);
    return lastUnknown < 0 ? sum : sum + scoreFrom + lastUnknown + 1 - start;
  }, 0);
}

/**
 * Plays the recording as the editor would: after a pause the document is scored, what is around the cursor first; the next key ends a run
 * that is under way. Time in which nothing would run is skipped.
 */
async function typingSession(model: ModelProcess, document: Document) {
  const before = await model.measure();
  const keys = recordedTyping(1000);
  let cursor = 0;
  let runs = 0;
  let cancelled = 0;
  const score = async (limitMs: number) => {
    runs++;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      cancelled++;
      abort.abort();
    }, limitMs);
    const visible = [{ start: Math.max(0, cursor - 700), end: cursor + 700 }];
    await document.score({ visible, signal: abort.signal }).catch((error: unknown) => {
      if (ModelError.from(error).code !== 'cancelled') throw error;
    });
    clearTimeout(timer);
  };
  let isEdited = false;
  for (const key of keys) {
    if (isEdited && key.afterMs > debounceMs) await score(key.afterMs - debounceMs);
    switch (key.kind) {
      case 'type':
        await document.edit(cursor, cursor, key.text);
        cursor += key.text.length;
        isEdited = true;
        break;
      case 'backspace':
        await document.edit(cursor - key.characters, cursor, '');
        cursor -= key.characters;
        isEdited = true;
        break;
      case 'hop': {
        const lineEnd = document.text.indexOf('\n', key.to * document.text.length);
        cursor = lineEnd < 0 ? document.text.length : lineEnd;
      }
    }
  }
  await score(2 ** 31 - 1);
  const { tokensRun, cpuSeconds } = difference(before, await model.measure());
  return { runs, cancelled, tokensRun, cpuSeconds, recordedSeconds: keys.reduce((sum, { afterMs }) => sum + afterMs, 0) / 1000 };
}

/** Beginnings of source files that end within a line, each of a text of its own: where somebody might ask how it goes on. */
async function headsOf(tokenizer: TextTokenizer): Promise<Head[]> {
  const heads: Head[] = [];
  const source = readFileSync('src/core/textUnits.ts', 'utf8').replaceAll('\r\n', '\n');
  for (let round = 0; round < headCount; round++) {
    const { text } = await firstTokens(tokenizer, `// Part ${round}\n${source}`, 330 + 20 * round);
    const cut = text.slice(0, text.lastIndexOf(' ')); // after a whole word
    const { ids } = await layoutOf(tokenizer, cut);
    heads.push({ text: cut, inputs: [startTokenId, ...ids] });
  }
  return heads;
}

type Measured = Awaited<ReturnType<ModelProcess['measure']>>;

function difference(before: Measured, after: Measured): { readonly tokensRun: number; readonly cpuSeconds: number } {
  return { tokensRun: after.tokensRun - before.tokensRun, cpuSeconds: (after.cpuMs - before.cpuMs) / 1000 };
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false; // the one thing that a failure means
  }
}

async function main([linesFile = '', workspace = '']: readonly string[]): Promise<void> {
  const cacheFolder = mkdtempSync(path.join(tmpdir(), 'token-lens-bench-'));
  try {
    const tokenizer = await bundledTokenizer();
    const long = await longMarkdown(tokenizer);
    writeFileSync(path.join(workspace, longTextName), long.text);
    writeFileSync(path.join(workspace, typingName), JSON.stringify(recordedTyping(1000)));
    writeFileSync(path.join(workspace, headsName), JSON.stringify(await headsOf(tokenizer)));
    const bench = new EngineBench(tokenizer, long, cacheFolder);
    await bench.run();
    writeFileSync(linesFile, JSON.stringify(bench.lines));
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true });
  }
}

void main(process.argv.slice(2));
