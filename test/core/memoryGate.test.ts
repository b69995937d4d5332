import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryGate, memoryNeeded } from '../../src/memoryGate';
import { Refusal } from '../../src/refusal';

/** A gate whose questions are answered by hand. */
function gateWith(freeBytes: number | undefined) {
  const answers: ((load: boolean) => void)[] = [];
  let allowed = 0;
  const machine = { freeBytes };
  const gate = new MemoryGate(
    () => machine.freeBytes,
    () => new Promise<boolean>(resolve => answers.push(resolve)),
    () => allowed++,
  );
  const passes = () => {
    try {
      gate.check(1000);
      return true;
    } catch (error) {
      assert.ok(error instanceof Refusal);
      assert.deepEqual(error.reason, { kind: 'memory', neededBytes: 1000, freeBytes: machine.freeBytes });
      return false;
    }
  };
  const settled = () => new Promise(resolve => setImmediate(resolve));
  return { gate, machine, answers, passes, settled, allowed: () => allowed };
}

describe('MemoryGate', () => {
  it('asks nobody where there is enough memory, or where it is not known', () => {
    for (const freeBytes of [1500, 1e9, undefined]) {
      const { passes, answers } = gateWith(freeBytes);
      assert.equal(passes(), true);
      assert.equal(answers.length, 0);
    }
  });

  it('asks once, and not again before somebody wants scores anew', async () => {
    const { gate, passes, answers, settled } = gateWith(1499);
    assert.deepEqual([passes(), passes()], [false, false]);
    gate.askAgain(); // the question is still open
    assert.equal(passes(), false);
    assert.equal(answers.length, 1);
    answers[0]?.(false);
    await settled();
    assert.equal(passes(), false);
    assert.equal(answers.length, 1);
    gate.askAgain();
    assert.equal(passes(), false);
    assert.equal(answers.length, 2);
  });

  it('remembers that the model may be loaded, and tells', async () => {
    const { passes, answers, settled, allowed } = gateWith(10);
    assert.equal(passes(), false);
    answers[0]?.(true);
    await settled();
    assert.equal(allowed(), 1);
    assert.deepEqual([passes(), answers.length], [true, 1]);
  });

  it('lets the model be loaded as soon as memory is free', () => {
    const { passes, machine } = gateWith(10);
    assert.equal(passes(), false);
    machine.freeBytes = 2000;
    assert.equal(passes(), true);
  });

  it('needs the largest model of the folder with its data files, the caches, and room to work', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'token-lens-memory-'));
    try {
      assert.equal(await memoryNeeded(folder, 100), 0);
      mkdirSync(path.join(folder, 'onnx'));
      const sizes = { 'model.onnx': 10, 'model.onnx_data': 2000, 'model.onnx_data_1': 300, 'model_q4.onnx': 900, 'README.md': 5000 };
      for (const [name, bytes] of Object.entries(sizes)) writeFileSync(path.join(folder, 'onnx', name), Buffer.alloc(bytes));
      assert.equal((await memoryNeeded(folder, 100)) - (await memoryNeeded(folder, 0)), 100);
      assert.equal(await memoryNeeded(folder, 0), 2310 + 350e6);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
