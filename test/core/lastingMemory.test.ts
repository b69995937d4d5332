import assert from 'node:assert/strict';
import { LastingMemory } from '../../src/lastingMemory';

/** As VS Code keeps it, on a disk that can be full, or locked so that calls throw at once. */
class Disk {
  state: 'works' | 'full' | 'locked' = 'works';
  readonly values = new Map<string, unknown>();
  keys(): readonly string[] {
    return [...this.values.keys()];
  }
  get(key: string, otherwise?: unknown): unknown {
    return this.values.get(key) ?? otherwise;
  }
  update(key: string, value: unknown): Promise<void> {
    if (this.state === 'locked') throw new Error('locked');
    if (this.state === 'full') return Promise.reject(new Error('full'));
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, JSON.parse(JSON.stringify(value)));
    return Promise.resolve();
  }
}

describe('what is kept between two starts', () => {
  let disk: Disk;
  let told: unknown[];
  let memory: LastingMemory;
  beforeEach(() => {
    disk = new Disk();
    told = [];
    memory = new LastingMemory(disk as ConstructorParameters<typeof LastingMemory>[0], error => told.push(error));
  });

  it('is what was kept last, and is stored', async () => {
    const words = ['quay'];
    const keeping = memory.update('words', words);
    words.push('later'); // by who goes on with its own
    assert.deepEqual(memory.get('words'), ['quay']);
    await keeping;
    assert.deepEqual([...disk.values], [['words', ['quay']]]);
    await memory.update('words', undefined);
    assert.equal(memory.get('words', 'none'), 'none');
    assert.deepEqual(memory.keys(), []);
    assert.deepEqual(told, []);
  });

  for (const state of ['full', 'locked'] as const) {
    it(`holds for the window where the disk is ${state}: nothing fails for who keeps it, and it is told once`, async () => {
      await memory.update('on', ['a']);
      disk.state = state;
      await memory.update('on', ['a', 'b']);
      await memory.update('off', ['c']);
      await memory.update('on', undefined);
      await memory.update('panel', { open: true });
      assert.deepEqual([memory.get('on'), memory.get('off'), memory.get('panel')], [undefined, ['c'], { open: true }]);
      assert.deepEqual(memory.keys(), ['off', 'panel']);
      assert.deepEqual(told.map(String), [`Error: ${state}`]);
      assert.deepEqual([...disk.values], [['on', ['a']]]);
    });
  }

  it('is stored with what is kept next once the disk works again, the last value of each', async () => {
    disk.state = 'full';
    await memory.update('on', ['a']);
    await memory.update('off', ['b']);
    await memory.update('on', ['a', 'c']);
    disk.state = 'works';
    await memory.update('panel', 1);
    assert.deepEqual(Object.fromEntries(disk.values), { on: ['a', 'c'], off: ['b'], panel: 1 });
    assert.deepEqual(memory.get('on'), ['a', 'c']);
    assert.equal(told.length, 1);
  });

  it('is never overwritten by what was kept before it', async () => {
    disk.state = 'full';
    const keeping = [1, 2, 3].map(count => memory.update('count', count));
    disk.state = 'works';
    await Promise.all([...keeping, memory.update('count', 4), memory.update('other', 1)]);
    assert.equal(memory.get('count'), 4);
    assert.equal(disk.values.get('count'), 4);
  });
});
