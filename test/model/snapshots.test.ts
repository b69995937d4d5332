import assert from 'node:assert/strict';
import type { KeyValueCache } from '../../src/model/kvCache';
import { commonPrefix, Snapshots } from '../../src/model/snapshots';
import { randomNumbers } from './process';

const bytesPerPosition = 10;

class Cache implements KeyValueCache {
  recycled = 0;

  constructor(readonly positions: number) {}
  get bytes(): number {
    return this.positions * bytesPerPosition;
  }
  cropped(count: number): Cache {
    return new Cache(count);
  }
  recycle(): void {
    this.recycled++;
  }
}

const idsOf = (text: string) => Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
const owner = {};

function keep(snapshots: Snapshots, text: string, by: object = owner): void {
  snapshots.keep(by, idsOf(text), new Cache(text.length));
}

function covered(snapshots: Snapshots, text: string, by: object = owner): number {
  return snapshots.best(by, idsOf(text))?.covers ?? 0;
}

describe('kept key/value caches', () => {
  it('are found by the longest common beginning', () => {
    const snapshots = new Snapshots(1000);
    for (const text of ['the boat', 'the boats came', 'a cat']) keep(snapshots, text);
    assert.equal(covered(snapshots, 'the boats left'), 'the boats '.length);
    assert.equal(covered(snapshots, 'the boats came in'), 'the boats came'.length);
    assert.equal(covered(snapshots, 'a dog'), 2);
    assert.equal(snapshots.best(owner, idsOf('x')), undefined);
    assert.equal(snapshots.best(owner, []), undefined);
  });

  it('stand for as many ids as they have positions', () => {
    const snapshots = new Snapshots(1000);
    keep(snapshots, 'the boats');
    const best = snapshots.best(owner, idsOf('the boy'));
    assert.equal(best?.cache.positions, 'the boats'.length);
    assert.equal(best.covers, 'the bo'.length);
  });

  it('are never given to another session', () => {
    const snapshots = new Snapshots(1000);
    const other = {};
    keep(snapshots, 'the boat');
    assert.equal(covered(snapshots, 'the boat', other), 0);
    keep(snapshots, 'the', other);
    assert.equal(covered(snapshots, 'the boat'), 8);
    assert.equal(covered(snapshots, 'the boat', other), 3);
    snapshots.forget(owner);
    assert.equal(covered(snapshots, 'the boat'), 0);
    assert.equal(covered(snapshots, 'the boat', other), 3);
    assert.equal(snapshots.bytes, 30);
  });

  it('are kept once: one that another covers adds nothing', () => {
    const snapshots = new Snapshots(1000);
    keep(snapshots, 'the boat');
    keep(snapshots, 'the boats');
    keep(snapshots, 'the');
    assert.equal(snapshots.bytes, 90);
    assert.equal(covered(snapshots, 'the boats'), 9);
  });

  it('go when others were used later and the budget is spent', () => {
    const snapshots = new Snapshots(100);
    for (const text of ['aaaa', 'bbbb']) keep(snapshots, text);
    assert.equal(covered(snapshots, 'aa'), 2); // used last
    keep(snapshots, 'cccc');
    assert.deepEqual(
      ['aaaa', 'bbbb', 'cccc'].map(text => covered(snapshots, text)),
      [4, 0, 4],
    );
    assert.equal(snapshots.bytes, 80);
  });

  it('stay when one comes that is larger than the whole budget', () => {
    const snapshots = new Snapshots(50);
    keep(snapshots, 'abcd');
    assert.equal(snapshots.hasRoomFor(50), true);
    assert.equal(snapshots.hasRoomFor(51), false);
    keep(snapshots, 'abcdef');
    assert.equal(covered(snapshots, 'abcdef'), 4);
  });

  it('cost nothing without a budget', () => {
    const snapshots = new Snapshots(0);
    keep(snapshots, 'a');
    assert.equal(snapshots.bytes, 0);
    assert.equal(covered(snapshots, 'a'), 0);
  });

  it('leave their memory to others once they are not kept, but not while a run reads them', () => {
    const snapshots = new Snapshots(100);
    const caches = ['aaaa', 'bbbb', 'cccc', 'dddd'].map(text => ({ text, cache: new Cache(text.length) }));
    const recycled = () => caches.map(({ cache }) => cache.recycled);
    const lent = caches.slice(0, 2).map(({ cache }) => snapshots.lend(cache));
    for (const { text, cache } of caches.slice(0, 3)) assert.equal(snapshots.keep(owner, idsOf(text), cache), true);
    assert.equal(covered(snapshots, 'aaaa'), 0); // gone, but read
    assert.deepEqual(recycled(), [0, 0, 0, 0]);
    lent[1]?.giveBack();
    for (const { text, cache } of caches.slice(3)) snapshots.keep(owner, idsOf(text), cache);
    assert.deepEqual(recycled(), [0, 1, 0, 0]);
    assert.equal(snapshots.keep(owner, idsOf('cc'), new Cache(2)), false);
  });

  it('make room for a run before it begins, but not with what one reads', () => {
    const snapshots = new Snapshots(100);
    const caches = ['aaaa', 'bbb', 'cc'].map(text => ({ text, cache: new Cache(text.length) }));
    for (const { text, cache } of caches) snapshots.keep(owner, idsOf(text), cache);
    snapshots.makeRoom(owner, idsOf('d'), 10);
    assert.equal(snapshots.bytes, 90);
    const lent = caches.slice(0, 1).map(({ cache }) => snapshots.lend(cache));
    snapshots.makeRoom(owner, idsOf('dddd'), 40);
    assert.deepEqual(
      caches.map(({ text, cache }) => [covered(snapshots, text), cache.recycled]),
      [
        [4, 0],
        [0, 1],
        [2, 0],
      ],
    );
    lent[0]?.giveBack();
    snapshots.makeRoom(owner, idsOf('aaaab'), 50); // covers one
    assert.equal(snapshots.bytes, 60);
    snapshots.makeRoom(owner, idsOf('dddddddddd'), 100);
    assert.equal(snapshots.bytes, 0);
    assert.deepEqual(
      caches.map(({ cache }) => cache.recycled),
      [1, 1, 1],
    );
  });

  it('never exceed the budget, and with room for all lose nothing', () => {
    const random = randomNumbers(1);
    for (const budget of [0, 55, 200, 1e9]) {
      const snapshots = new Snapshots(budget);
      const kept: string[] = [];
      for (let round = 0; round < 600; round++) {
        const text = Array.from({ length: 1 + random(12) }, () => 'ab'[random(2)] ?? '').join('');
        const most = Math.max(0, ...kept.map(other => commonPrefix(idsOf(other), idsOf(text))));
        const found = snapshots.best(owner, idsOf(text));
        assert.ok((found?.covers ?? 0) <= most);
        if (budget === 1e9) assert.equal(found?.covers ?? 0, most);
        if (found) assert.ok(found.cache.positions >= found.covers && found.covers > 0);
        keep(snapshots, text);
        kept.push(text);
        assert.ok(snapshots.bytes <= budget);
        if (text.length * bytesPerPosition <= budget) assert.equal(covered(snapshots, text), text.length);
      }
    }
  });
});
