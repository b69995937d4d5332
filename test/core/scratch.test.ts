import assert from 'node:assert/strict';
import {
  branchesAfter,
  emptyScratch,
  movedTo,
  pathTo,
  scratchFrom,
  stepped,
  steppedBack,
  totalsTo,
  withoutBranch,
} from '../../src/core/scratch';
import type { Scratch, ScratchToken } from '../../src/core/scratch';
import { SeededRandom } from '../../src/core/seededRandom';

function token(id: number, sampledBits: number | null = id / 2): ScratchToken {
  return { id, rawBits: id, sampledBits };
}

function grown(...ids: readonly number[]): Scratch {
  return ids.reduce((scratch, id) => stepped(scratch, token(id)), emptyScratch);
}

function ids(scratch: Scratch): number[] {
  return pathTo(scratch).map(index => scratch.nodes[index]?.id ?? NaN);
}

describe('a scratch continuation', () => {
  it('steps on, back and to another branch, and forgets none', () => {
    const three = grown(5, 6, 7);
    assert.deepEqual(ids(three), [5, 6, 7]);
    const back = steppedBack(three);
    assert.deepEqual(ids(back), [5, 6]);
    const branched = stepped(back, token(8));
    assert.deepEqual(ids(branched), [5, 6, 8]);
    assert.deepEqual(branchesAfter(branched, 1), [2, 3]);
    assert.deepEqual(branchesAfter(branched, null), [0]);
    assert.deepEqual(ids(movedTo(branched, 2)), [5, 6, 7]);
    assert.deepEqual(ids(steppedBack(branched, 2)), [5]);
    assert.deepEqual(ids(steppedBack(branched, 99)), []);
    assert.deepEqual(ids(three), [5, 6, 7], 'the older one is as it was');
    assert.throws(() => movedTo(branched, 4), RangeError);
  });

  it('follows a branch that is there, with its newer numbers', () => {
    const again = stepped(steppedBack(grown(5, 6, 7), 2), { id: 6, rawBits: 9, sampledBits: null });
    assert.equal(again.nodes.length, 3);
    assert.deepEqual(again.nodes[1], { id: 6, rawBits: 9, sampledBits: null, parent: 0 });
    assert.deepEqual(ids(again), [5, 6]);
    assert.deepEqual(branchesAfter(again, 1), [2]);
  });

  it('has totals of its own branch, and none after sampling where a token could not have been drawn', () => {
    const scratch = stepped(steppedBack(grown(5, 6, 7)), token(3, null));
    assert.deepEqual(totalsTo(scratch), { tokens: 3, rawBits: 14, sampledBits: null });
    assert.deepEqual(totalsTo(scratch, 2), { tokens: 3, rawBits: 18, sampledBits: 9 });
    assert.deepEqual(totalsTo(emptyScratch), { tokens: 0, rawBits: 0, sampledBits: 0 });
  });

  it('loses a branch with all after it, and stands before it then', () => {
    const scratch = stepped(stepped(steppedBack(grown(5, 6, 7), 2), token(8)), token(9));
    assert.deepEqual(ids(scratch), [5, 8, 9]);
    const without = withoutBranch(scratch, 1);
    assert.deepEqual([ids(without), without.nodes.length], [[5, 8, 9], 3]);
    assert.deepEqual(ids(withoutBranch(scratch, 3)), [5]);
    assert.deepEqual(ids(withoutBranch(scratch, 4)), [5, 8]);
    assert.deepEqual(withoutBranch(scratch, 0), emptyScratch);
  });

  it('comes back from JSON as it was, whatever was done', () => {
    const random = new SeededRandom(3);
    let scratch = emptyScratch;
    for (let step = 0; step < 400; step++) {
      const choice = random.next32() % 10;
      if (choice < 6) scratch = stepped(scratch, token(random.next32() % 5, choice === 0 ? null : 1));
      else if (choice < 8) scratch = steppedBack(scratch, random.next32() % 4);
      else if (scratch.nodes.length > 0) {
        const node = random.next32() % scratch.nodes.length;
        scratch = choice === 8 ? movedTo(scratch, node) : withoutBranch(scratch, node);
      }
      assert.deepEqual(scratchFrom(JSON.parse(JSON.stringify(scratch))), scratch);
      const reached = scratch.nodes.map((_, index) => pathTo(scratch, index).join());
      assert.equal(new Set(reached).size, scratch.nodes.length);
    }
    assert.ok(scratch.nodes.length > 3);
  });

  const node = { id: 1, rawBits: 1, sampledBits: null, parent: null };
  const broken: readonly (readonly [name: string, value: unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['another thing', { nodes: 'many', at: null }],
    ['a place that is not there', { nodes: [node], at: 1 }],
    ['no place', { nodes: [node] }],
    ['a parent after it', { nodes: [{ ...node, parent: 0 }], at: null }],
    ['a node without bits', { nodes: [{ ...node, rawBits: null }], at: null }],
    ['a node without a chance', { nodes: [{ id: 1, rawBits: 1, parent: null }], at: null }],
    ['an id that is none', { nodes: [{ ...node, id: 1.5 }], at: null }],
    ['the same twice', { nodes: [node, node], at: null }],
    ['a node that is null', { nodes: [null], at: null }],
  ];
  for (const [name, value] of broken) it(`is not made of ${name}`, () => assert.equal(scratchFrom(value), undefined));
});
