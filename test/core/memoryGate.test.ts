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
  const passes = (folder = '/a', neededBytes = 1000) => {
    try {
      gate.check(folder, neededBytes);
      return true;
    } catch (error) {
      assert.ok(error instanceof Refusal);
      assert.deepEqual(error.reason, { kind: 'memory', neededBytes, freeBytes: machine.freeBytes });
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

  it('asks of each model by itself: what was said of one says nothing of another', async () => {
    const { gate, passes, answers, settled } = gateWith(10);
    assert.deepEqual([passes(), passes('/b')], [false, false]);
    assert.equal(answers.length, 2, 'an open question about one kept the other from being asked about');
    answers[0]?.(true); // the older question
    await settled();
    assert.deepEqual([passes(), passes('/b'), passes('/a', 10_000)], [true, false, false]);
    assert.equal(answers.length, 3, 'ten times as much was never asked about');
    answers[1]?.(false);
    await settled();
    assert.deepEqual([passes('/b'), passes('/c')], [false, false]);
    assert.equal(answers.length, 4);
    const [a, b] = [gate.answer('/a', 1000), gate.answer('/b', 1000)];
    assert.deepEqual([await a, await b], [true, false]);
    const later = gate.answer('/c', 1000);
    answers[3]?.(true);
    assert.equal(await later, true);
  });

  it('lets the model be loaded as soon as memory is free', () => {
    const { passes, machine } = gateWith(10);
    assert.equal(passes(), false);
    machine.freeBytes = 2000;
    assert.equal(passes(), true);
  });

  describe('what a model needs', () => {
    let folder: string;
    const needed = (dtype?: string, snapshotBytes = 0) => memoryNeeded({ folder, dtype, snapshotBytes });
    /** What is beside the files. */
    const rest = 350e6;

    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'token-lens-memory-'));
    });
    afterEach(() => {
      rmSync(folder, { recursive: true });
    });
    function fill(sizes: Readonly<Record<string, number>>, config: object = {}): void {
      mkdirSync(path.join(folder, 'onnx'));
      writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
      for (const [name, bytes] of Object.entries(sizes)) writeFileSync(path.join(folder, 'onnx', name), Buffer.alloc(bytes));
    }

    it('is not known of a folder that holds none: loading says what is wrong', async () => {
      assert.equal(await needed(), 0);
      fill({ 'model_whatever.onnx': 100 });
      assert.deepEqual([await needed(), await needed('q4')], [0, 0]);
    });

    it('is the size of its files and of the caches, and room to work', async () => {
      fill({ 'model.onnx': 10, 'model.onnx_data': 2000, 'model.onnx_data_1': 300, 'model_q4.onnx': 900 });
      assert.equal(await needed(), 2310 + rest);
      assert.equal(await needed(undefined, 100), 2310 + 100 + rest);
    });

    it('is that of the number format that is asked for, or that the folder is for', async () => {
      fill(
        { 'model.onnx': 10, 'model.onnx_data': 2000, 'model_q4.onnx': 900, 'model_q4.onnx.data': 70 },
        { 'transformers.js_config': { dtype: 'q4' } },
      );
      assert.equal(await needed(), 970 + rest);
      assert.equal(await needed('fp32'), 2010 + rest);
    });

    it('counts data files of any name', async () => {
      fill({ 'model.onnx': 10, 'weights.bin': 5000 });
      assert.equal(await needed(), 5010 + rest);
    });

    it('is more for 16-bit floats, which are computed with in float32', async () => {
      fill({ 'model_fp16.onnx': 1000 });
      assert.equal(await needed(), 2000 + rest);
    });
  });
});
