import assert from 'node:assert/strict';
import { ScoreQueue } from '../../src/core/scoreQueue';
import type { QueuedRows } from '../../src/core/scoreQueue';
import { tableOf } from '../../src/core/scoreTable';
import { rowState } from '../../src/core/scores';
import type { ScoreTable, Span } from '../../src/core/scores';
import { windowsOf } from '../../src/core/window';
import type { Window } from '../../src/core/window';
import { randomNumbers } from '../model/process';

/** Tokens of one UTF-16 unit each; windows of `context` with an overlap of 2. */
function queueOf(tokens: number, contextTokens: number): { table: ScoreTable; windows: Window[]; queue: ScoreQueue } {
  const starts = Uint32Array.from({ length: tokens }, (_, index) => index);
  const ends = starts.map(start => start + 1);
  const table = tableOf(
    { topCount: 1, watchCount: 0, ids: new Int32Array(tokens), starts, ends, startBytes: starts, endBytes: ends },
    undefined,
    [],
  );
  const settings = { contextTokens, overlapTokens: 2, anchors: 'grid' } as const;
  const windows = windowsOf({ ids: table.ids, length: tokens, startsLine: () => false }, settings);
  return { table, windows, queue: new ScoreQueue(table, windows) };
}

function score(table: ScoreTable, { first, end }: Pick<QueuedRows, 'first' | 'end'>): void {
  table.states.fill(rowState.scored, first, end);
}

function shows(visible: readonly Span[], row: number): boolean {
  return visible.some(({ start, end }) => row < end && row + 1 > start);
}

/** Rows in the order in which they are scored. */
function order({ table, queue }: ReturnType<typeof queueOf>, visible: readonly Span[]): (readonly [first: number, end: number])[] {
  const done: (readonly [number, number])[] = [];
  for (let work = queue.next(visible); work; work = queue.next(visible)) {
    done.push([work.first, work.end]);
    score(table, work);
  }
  return done;
}

describe('the queue of rows to score', () => {
  it('goes from beginning to end where nothing shows', () => {
    assert.deepEqual(order(queueOf(30, 12), []), [
      [0, 12],
      [12, 22],
      [22, 30],
    ]);
  });

  it('begins with what shows, then the rest of those windows, then outwards', () => {
    assert.deepEqual(order(queueOf(60, 12), [{ start: 33, end: 36 }]), [
      [32, 36], // the rows before are run in any case
      [36, 42],
      [22, 32],
      [42, 52],
      [12, 22],
      [52, 60],
      [0, 12],
    ]);
  });

  it('serves all that shows first, in several places', () => {
    const visible = [
      { start: 55, end: 200 },
      { start: 20, end: 24 },
    ];
    assert.deepEqual(order(queueOf(60, 12), visible).slice(0, 3), [
      [12, 22],
      [22, 24],
      [52, 60],
    ]);
  });

  it('leaves out rows that are there already', () => {
    const { table, windows, queue } = queueOf(30, 12);
    score(table, { first: 0, end: 5 });
    score(table, { first: 12, end: 22 });
    score(table, { first: 27, end: 30 });
    assert.deepEqual(
      queue.all().map(({ window, first }) => [windows.indexOf(window), first]),
      [
        [0, 5],
        [2, 22],
      ],
    );
    assert.deepEqual(order({ table, windows, queue }, []), [
      [5, 12],
      [22, 27],
    ]);
    assert.deepEqual(queue.all(), []);
  });

  it('keeps caches for what is on a screen, and for texts of a window or two', () => {
    const near = (tokens: number, visible: readonly Span[]) => {
      const made = queueOf(tokens, 12);
      const found: boolean[] = [];
      for (let work = made.queue.next(visible); work; work = made.queue.next(visible)) {
        found.push(work.isNear);
        score(made.table, work);
      }
      return found;
    };
    assert.deepEqual(near(20, []), [true, true]);
    assert.deepEqual(near(30, []), [false, false, false]);
    assert.deepEqual(near(30, [{ start: 14, end: 30 }]), [true, true, false]);
  });

  it('is overtaken by rows that have come on a screen, and by nothing else', () => {
    const { table, queue } = queueOf(60, 12);
    const first = queue.next([]);
    assert.ok(first);
    assert.equal(queue.isOvertaken(first, []), false);
    assert.equal(queue.isOvertaken(first, [{ start: 1, end: 3 }]), false);
    assert.equal(queue.isOvertaken(first, [{ start: 50, end: 51 }]), true);
    assert.equal(queue.isOvertaken(first, [{ start: 1, end: 51 }]), false); // it shows as well
    score(table, { first: 42, end: 52 });
    assert.equal(queue.isOvertaken(first, [{ start: 50, end: 51 }]), false);
  });

  it('comes to an end with every row scored once, what shows always first, however the screen moves', () => {
    const random = randomNumbers(1);
    for (let round = 0; round < 400; round++) {
      const { table, windows, queue } = queueOf(random(120), 3 + random(20));
      for (const window of windows)
        if (random(3) === 0) score(table, { first: window.scoreFrom, end: window.scoreFrom + random(window.end - window.scoreFrom) });
      let visible: Span[] = [];
      for (;;) {
        if (random(3) === 0) {
          visible = Array.from({ length: random(3) }, () => ({ start: random(130), end: random(130) }));
        }
        const work = queue.next(visible);
        if (!work) break;
        assert.equal(queue.isOvertaken(work, visible), false); // or nothing would ever be done
        const { window, first, end } = work;
        assert.ok(windows.includes(window) && first >= window.scoreFrom && first < end && end <= window.end);
        assert.equal(table.states[first], rowState.pending);
        assert.equal(table.states[end - 1], rowState.pending);
        const waits = [...table.states].some((state, row) => state === rowState.pending && shows(visible, row));
        const showsHere = [...table.states.subarray(first, end)].some(
          (state, at) => state === rowState.pending && shows(visible, first + at),
        );
        assert.equal(showsHere, waits);
        // A chunk at a time: an early end leaves the rest for later.
        score(table, { first, end: random(3) === 0 ? first + 1 + random(end - first) : end });
      }
      assert.ok(table.states.every(state => state === rowState.scored));
    }
  });
});
