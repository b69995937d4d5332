import assert from 'node:assert/strict';
import type { Span } from '../../src/core/scores';
import { Speed } from '../../src/core/speed';
import { LengthsSection } from '../../src/views/explainLengths';
import type { Explaining } from '../../src/views/explainTarget';

const text = `fn a\n${'word '.repeat(40)}end`;
const starts = Uint32Array.from(text, (_, index) => index);
const row = text.length;

/** A page that asks nobody: answers come when the test gives them. */
class Page {
  readonly asked: (readonly number[])[] = [];
  readonly #known: { functions: readonly Span[] } = { functions: [] };
  readonly #waiting: (() => void)[] = [];
  readonly explaining: Explaining;

  /** `secondsPerToken`: as fast as the model seems to be. */
  constructor(secondsPerToken: number) {
    const known = this.#known;
    const seen = { surprisalBits: Float64Array.of(1), entropyBits: 1, topIds: new Int32Array(), topLogProbabilities: new Float32Array() };
    this.explaining = {
      target: {
        document: { version: 1, positionAt: () => ({ line: 0 }) },
        version: 1,
        text,
        table: { length: row, starts, ends: starts.map(start => start + 1) },
        row,
        contextFirst: 0,
        whole: seen,
        noise: { arithmetic: 'float32', bits: 0.001, isMeasured: true },
      },
      chosen: { a: 0, b: undefined },
      get functions() {
        return known.functions;
      },
      speeds: { run: new Speed(secondsPerToken), map: new Speed(), switchOff: new Speed() },
      ask: async (_: unknown, { lengths }: { readonly lengths: readonly number[] }, signal: AbortSignal) => {
        this.asked.push(lengths);
        await new Promise<void>(resolve => this.#waiting.push(resolve));
        signal.throwIfAborted();
        return { result: { lengths: Int32Array.from(lengths), predictions: lengths.map(() => ({ ...seen, klBits: 0.2 })) } };
      },
      changed: () => undefined,
      inWords: String,
    } as unknown as Explaining;
  }

  set functions(functions: readonly Span[]) {
    this.#known.functions = functions;
  }

  async answer(): Promise<void> {
    this.#waiting.shift()?.();
    await new Promise(setImmediate);
  }
}

describe('the section of context lengths', () => {
  it('is begun unasked where that takes little time, else offered at its cost, by a worked example too', async () => {
    for (const open of ['seen', 'begin']) {
      const begun = (page: Page) => {
        const section = new LengthsSection(page.explaining);
        if (open === 'seen') section.shown();
        else section.receive({ name: open });
        return section;
      };
      const slow = new Page(1);
      const section = begun(slow);
      assert.deepEqual(slow.asked, []);
      const { offer, progress } = section.state();
      assert.ok(offer && (offer.seconds ?? 0) > 5 && !progress);
      section.receive({ name: 'run' });
      assert.equal(slow.asked.length, 1);
      const quick = new Page(1e-6);
      begun(quick);
      assert.equal(quick.asked.length, 1);
      await Promise.resolve();
    }
  });

  it('ends when it is cancelled or not seen any more; what was found stays, the rest is offered', async () => {
    for (const end of ['cancel', 'hidden']) {
      const page = new Page(1e-6);
      const section = new LengthsSection(page.explaining);
      section.shown();
      await page.answer();
      assert.equal(page.asked.length, 2);
      const { points, progress } = section.state();
      assert.ok(progress && progress.done < progress.all && points.length === progress.done);
      if (end === 'cancel') section.receive({ name: 'cancel' });
      else section.hidden();
      await page.answer();
      assert.equal(page.asked.length, 2, 'nothing more is asked');
      assert.ok(section.state().offer && !section.state().progress && section.state().needed === undefined);
      assert.deepEqual(section.state().points, points);
    }
  });

  it('offers the lengths of functions that become known when all others are there, and during a run goes on to them', async () => {
    for (const isLate of [true, false]) {
      const page = new Page(1e-6);
      const section = new LengthsSection(page.explaining);
      section.shown();
      await page.answer();
      if (!isLate) page.functions = [{ start: 1, end: 20 }];
      for (let round = 0; round < 12 && section.state().progress; round++) await page.answer();
      const count = page.asked.length;
      const isThere = () => section.state().points.some(({ border }) => border === 'function');
      if (isLate) {
        assert.ok(!isThere() && !section.state().offer);
        page.functions = [{ start: 1, end: 20 }];
        assert.ok(section.state().offer);
        section.receive({ name: 'run' });
        assert.deepEqual(page.asked.slice(count), [[row - 1]]);
        await page.answer();
      }
      assert.ok(isThere() && !section.state().offer && section.state().needed !== undefined);
    }
  });
});
