import assert from 'node:assert/strict';
import { exampleFigures, exampleNames, leastContextTokens, workedExamples } from '../../src/core/workedExamples';
import type { ExampleName } from '../../src/core/workedExamples';
import type { Arithmetic } from '../../src/core/scores';
import type { ModelDescription } from '../../src/model/protocol';
import { figuresOf } from './exampleFigures';
import type { Figures } from './exampleFigures';
import { bundledFolder, loadParams, never, newClient } from './process';

/** Every claim of a sentence in src/views/examples.ts, by the numbers that it is made with. */
describe('what is said of the worked examples is what the bundled model does', function () {
  this.timeout(60_000);
  const client = newClient();
  let model: ModelDescription;
  before(async () => {
    model = await client.call('load', loadParams(bundledFolder), never);
  });
  after(() => {
    client.dispose();
  });

  async function measured(name: ExampleName, arithmetic: Arithmetic) {
    const figures = await figuresOf(client, model, name, arithmetic);
    assert.ok(numberIn(figures, 'tokens') < leastContextTokens, 'it is read in one window');
    return {
      number: (what: string): number => numberIn(figures, what),
      top: (what = 'top'): string => String(figures[what]),
    };
  }

  /** As the sentence rounds it. */
  function assertBits(measuredBits: number, saidBits: number, what: string, digits = 1): void {
    assert.equal(measuredBits.toFixed(digits), saidBits.toFixed(digits), what);
  }
  /** "About" so many per cent: a tenth of that, and at least what the arithmetics differ by. */
  function assertAbout(probability: number, percent: number, what: string, withinPercent = Math.max(percent / 10, 0.5)): void {
    const found = 100 * probability;
    assert.ok(Math.abs(found - percent) <= withinPercent, `${what}: ${String(found)} %, said is about ${String(percent)} %`);
  }

  it('tells of every example', () => {
    assert.deepEqual(Object.keys(workedExamples), [...exampleNames]);
    assert.deepEqual(Object.keys(exampleFigures), [...exampleNames]);
  });

  // The panel shows native numbers, the other views those of float32: what a sentence says about the panel holds in both.
  for (const arithmetic of ['float32', 'native'] as const) {
    it(`the cat, ${arithmetic}`, async () => {
      const { number, top } = await measured('cat', arithmetic);
      assert.equal(number('rank'), 1);
      assertAbout(number('probability'), exampleFigures.cat.matPercent, 'mat', 6);
      for (const other of [' edge', ' couch', ' window']) assert.ok(top().includes(`"${other}"`), `${other} is not in ${top()}`);
    });

    it(`nine plus nine, which it does not manage, ${arithmetic}`, async () => {
      const { number } = await measured('nine', arithmetic);
      const { eighteenPercent, spacePercent, digitsPercent, likelierTokens } = exampleFigures.nine;
      assert.ok(number('rank') > likelierTokens);
      assertAbout(number('probability'), eighteenPercent, 'eighteen', 0.1);
      assertAbout(number('space'), spacePercent, 'a space');
      assertAbout(number('digits'), digitsPercent, 'in digits');
    });

    it(`the detective story, which it does not solve, ${arithmetic}`, async () => {
      const { number } = await measured('detective', arithmetic);
      const { thomasPercent, otherPercent, clueBits } = exampleFigures.detective;
      assertAbout(number('thomas'), thomasPercent, 'Thomas', 0.8);
      assertAbout(number('martha'), otherPercent, 'Martha', 0.25);
      assertAbout(number('edward'), otherPercent, 'Edward', 0.25);
      const change = number('withoutClue') - number('withClue');
      if (arithmetic === 'float32') assertBits(Math.abs(change), clueBits, 'the clue');
    });

    it(`the rhyme, which it does not go by, ${arithmetic}`, async () => {
      const { number } = await measured('rhyme', arithmetic);
      const { sleepPercent, insteadPercent } = exampleFigures.rhyme;
      assert.equal(number('rank'), 1);
      assertAbout(number('probability'), sleepPercent, 'sleep', 4);
      assertAbout(number('inOneWindow'), sleepPercent, 'sleep, compared', 4);
      assertAbout(number('instead'), insteadPercent, 'with another word', 4);
      assert.ok(number('instead') > number('inOneWindow'), 'without the rhyme it is no less probable');
    });
  }

  it('the name, far back', async () => {
    const { number } = await measured('name', 'float32');
    const { tokensBack, bits, withoutParagraphBits } = exampleFigures.name;
    assert.equal(number('tokensBack'), tokensBack);
    assert.ok(number('tokensBack') > 200);
    assertBits(number('bits'), bits, 'after everything');
    assertBits(number('withoutParagraph'), withoutParagraphBits, 'after all but the first paragraph');
  });

  it('the import', async () => {
    const { number } = await measured('import', 'float32');
    const { bits, effectBits } = exampleFigures.import;
    assertBits(number('bits'), bits, 'with everything', 2);
    assertBits(number('withoutLine') - number('bits'), effectBits, 'without the import');
    assert.ok(number('withoutOtherImport') - number('bits') < effectBits / 5, 'it is that line, not just any import');
  });

  it('the sum, read off its working', async () => {
    const { number } = await measured('sum', 'float32');
    const { bits, withoutBits, inWorkingBits } = exampleFigures.sum;
    assertBits(number('bitsOfAll'), bits, 'with the working');
    assertBits(number('without'), withoutBits, 'without it');
    assertBits(number('inWorking'), inWorkingBits, 'within it');
  });

  it('the task, after some worked examples', async () => {
    const { number } = await measured('task', 'float32');
    const { bitsAfter, examples } = exampleFigures.task;
    for (const [index, count] of examples.entries()) assertBits(number(`after${count}`), bitsAfter[index] ?? NaN, `after ${count}`);
  });
});

function numberIn(figures: Figures, what: string): number {
  const value = figures[what];
  return typeof value === 'number' ? value : assert.fail(`${what} is not measured.`);
}
